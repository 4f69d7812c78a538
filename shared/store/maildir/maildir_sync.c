/*
 * Knowing which files a mailbox has.
 *
 * readdir gives no moment: a file that is renamed while we read (a client
 * sets \Seen) may be seen under both names or under neither.  Missing one that
 * is there would later pass for an expunge, so: a reading counts as it is only
 * if cur and new did not change from before it to after it, and had not just
 * changed before, since file times are coarse.  Otherwise, and if a listed
 * file was not seen, the directories are read again, and a file seen in any
 * of the readings is there.  new is read before cur, because files move that
 * way only.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/files/uidvalidity.h"
#include "store/maildir/maildir.h"

#define PASSES_MAX	5U
#define SMALL_LIST	((uint64_t)1 << 20)	/* bytes; soon rewritten */
#define DUPLICATES_MAX	100U	/* looked at in one reading */
#define UNLISTED_MAX	100000U	/* new names handled at once */
#define FRESH_MAX	1000U	/* new names kept from the reading */
#define LINES_MAX	((size_t)1 << 32)	/* bytes of new lines */

/* Two names of one base, to be looked at again after the reading. */
struct duplicate {
	char *names[2];
	unsigned int where[2];
};

/* Some of the bases that have no line. */
struct unlisted_list {
	ARRAY(char *) names;
	char *after;		/* they come behind this one; NULL: all */
};

struct reading {
	struct maildir_box *box;
	ARRAY(struct duplicate) duplicates;
};

/* Where there was none when the mailbox was opened, none is looked for. */
static int
stat_dirs(struct maildir_box *box, struct path_stat dirs[2], struct err *err)
{
	const int fds[] = { box->cur_fd, box->new_fd };

	for (size_t i = 0; i < nitems(fds); i++) {
		dirs[i] = (struct path_stat){ .exists = false };
		if (fds[i] != -1 && path_fstat(fds[i], &dirs[i], err) == -1)
			return -1;
	}
	return 0;
}

static bool
dirs_equal(const struct path_stat a[2], const struct path_stat b[2])
{
	for (int i = 0; i < 2; i++) {
		if (a[i].ino != b[i].ino || a[i].mtime_ns != b[i].mtime_ns ||
		    a[i].ctime_ns != b[i].ctime_ns)
			return false;
	}
	return true;
}

static bool
dirs_settled(struct maildir_box *box, const struct path_stat dirs[2])
{
	int64_t newest = dirs[0].ctime_ns > dirs[1].ctime_ns ?
	    dirs[0].ctime_ns : dirs[1].ctime_ns;

	return maildir_time_settled(box->store, newest);
}

/* Messages are regular files; anything else is told and left out. */
static bool
is_message(struct maildir_box *box, int fd, const char *name,
    unsigned char type)
{
	struct err err = ERR_INIT;
	struct stat st;

	if (type == DT_REG)
		return true;
	if (type == DT_UNKNOWN && fstatat(fd, name, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		return true;
	err_set(&err, ERR_PERM, "not a regular file");
	maildir_box_problem(box, &err, "file", name);
	return false;
}

/* Of two files with one base: cur before new, then the more letters. */
static bool
preferred(const struct table *table, const struct table_entry *entry,
    unsigned int where, const struct file_name *parsed)
{
	unsigned int old = entry->bits & ENTRY_FILE;

	if (old != where)
		return where == ENTRY_CUR;
	return parsed->letters > table_entry_letters(table, entry);
}

static void
note_duplicate(struct reading *reading, const char *old_name,
    unsigned int old_where, const char *name, unsigned int where)
{
	struct duplicate *dup;

	if (reading->duplicates.n == DUPLICATES_MAX)
		return;
	dup = ARRAY_ADD(&reading->duplicates);
	dup->names[0] = mem_strdup(old_name);
	dup->where[0] = old_where;
	dup->names[1] = mem_strdup(name);
	dup->where[1] = where;
}

void
maildir_forget_fresh(struct maildir_box *box)
{
	for (size_t i = 0; i < box->fresh.n; i++)
		free(box->fresh.v[i]);
	ARRAY_FREE(&box->fresh);
}

/* One that has no line yet will be asked for again. */
static void
note_fresh(struct maildir_box *box, const char *name, size_t base_len)
{
	if (box->fresh.n == FRESH_MAX)
		maildir_forget_fresh(box);
	*ARRAY_ADD(&box->fresh) = mem_strndup(name, base_len);
}

static void
note_file(struct reading *reading, unsigned int where, const char *name)
{
	struct maildir_box *box = reading->box;
	char old_name[FILE_NAME_MAX + 1];
	struct err err = ERR_INIT;
	struct table_entry *entry;
	struct file_name parsed;

	if (!file_name_parse(&parsed, name)) {
		err_set(&err, ERR_PERM, "not the name of a message");
		maildir_box_problem(box, &err, "file", name);
		return;
	}
	entry = table_add(box->table, name, parsed.base_len);
	if ((entry->bits & ENTRY_LISTED) == 0)
		note_fresh(box, name, parsed.base_len);
	if (table_file_name(box->table, entry, name, parsed.base_len,
	    old_name)) {
		if ((entry->bits & where) && strcmp(old_name, name) == 0)
			return;
		note_duplicate(reading, old_name, entry->bits & ENTRY_FILE,
		    name, where);
		if (!preferred(box->table, entry, where, &parsed))
			return;
	}
	table_set_file(box->table, entry, where, name, &parsed);
}

typedef void file_fn(void *arg, unsigned int where, const char *name);

/* Call fn for each message file of one of them; *n counts them. */
static int
each_file_of(struct maildir_box *box, int fd, unsigned int where, size_t *n,
    file_fn *fn, void *arg, struct err *err)
{
	struct dir_read *dir = maildir_dir_buffer(box->store);
	struct err why = ERR_INIT;
	unsigned char type;
	const char *name;
	int r;

	if (dir_read_begin(dir, fd, err) == -1)
		return -1;
	while ((r = dir_read_next(dir, &name, &type, &why)) == 1) {
		if (name[0] == '.' || !is_message(box, fd, name, type))
			continue;
		if (++*n > STORE_MESSAGES_MAX)
			return err_set(err, ERR_REFUSED,
			    "more than %u messages", STORE_MESSAGES_MAX);
		fn(arg, where, name);
	}
	/* The directory was removed. */
	if (r == 0 || why.errnum == ENOENT)
		return 0;
	*err = why;
	return -1;
}

/* Call fn for each message file of new and cur. */
static int
each_file(struct maildir_box *box, file_fn *fn, void *arg, struct err *err)
{
	size_t n = 0;

	if (box->new_fd != -1 && each_file_of(box, box->new_fd, ENTRY_NEW,
	    &n, fn, arg, err) == -1)
		return -1;
	return box->cur_fd == -1 ? 0 : each_file_of(box, box->cur_fd,
	    ENTRY_CUR, &n, fn, arg, err);
}

static void
read_one(void *arg, unsigned int where, const char *name)
{
	note_file(arg, where, name);
}

/* Tell of duplicates that are still there: a move looks like one. */
static void
check_duplicates(struct reading *reading)
{
	struct maildir_box *box = reading->box;
	struct err ignored = ERR_INIT, why = ERR_INIT;
	struct duplicate *dup;
	struct path_stat st;
	unsigned int there;

	err_set(&why, ERR_CORRUPT, "two files of the same message");
	for (size_t i = 0; i < reading->duplicates.n; i++) {
		dup = &reading->duplicates.v[i];
		there = 0;
		for (int k = 0; k < 2; k++) {
			if (path_stat(&box->store->root, box->fd,
			    dup->where[k] == ENTRY_NEW ? "new" : "cur",
			    dup->names[k], &st, &ignored) == 0 && st.exists)
				there++;
			}
		if (there == 2)
			maildir_box_problem(box, &why, "only one is used",
			    dup->names[1]);
		free(dup->names[0]);
		free(dup->names[1]);
	}
	ARRAY_FREE(&reading->duplicates);
}

int
maildir_read_dirs(struct maildir_box *box, bool force, struct err *err)
{
	struct reading reading = { .box = box };
	struct path_stat before[2], after[2];
	bool quiet = box->quiet;
	int ret = 0;

	if (stat_dirs(box, before, err) == -1)
		return -1;
	if (!force && box->scanned && box->dirs_settled &&
	    dirs_equal(before, box->dirs))
		return 0;
	box->scanned = box->stable = false;
	box->problems = 0;
	maildir_forget_fresh(box);
	table_clear(box->table, ENTRY_FILE | ENTRY_WAS);
	for (unsigned int pass = 0; pass < PASSES_MAX; pass++) {
		box->quiet = quiet || pass > 0;
		if (pass > 0) {
			table_next_pass(box->table);
			memcpy(before, after, sizeof(before));
		}
		box->dirs_settled = dirs_settled(box, before);
		if ((ret = each_file(box, read_one, &reading, err)) == -1 ||
		    (ret = stat_dirs(box, after, err)) == -1)
			break;
		box->stable = box->dirs_settled &&
		    dirs_equal(before, after);
		if (box->stable || table_count(box->table,
		    ENTRY_LISTED | ENTRY_FILE, ENTRY_LISTED) == 0)
			break;
	}
	if (box->stable)
		table_clear(box->table, ENTRY_WAS);
	else
		table_merge_passes(box->table);
	box->quiet = quiet;
	check_duplicates(&reading);
	memcpy(box->dirs, before, sizeof(before));
	box->scanned = ret == 0;
	return ret;
}

static size_t
count_unlisted(struct maildir_box *box)
{
	uint32_t mask = ENTRY_FILE | ENTRY_LISTED;

	return table_count(box->table, mask, ENTRY_NEW) +
	    table_count(box->table, mask, ENTRY_CUR);
}

static void
forget_names(struct unlisted_list *list)
{
	for (size_t i = 0; i < list->names.n; i++)
		free(list->names.v[i]);
	list->names.n = 0;
}

static void
unlisted_free(struct unlisted_list *list)
{
	forget_names(list);
	ARRAY_FREE(&list->names);
	free(list->after);
	list->after = NULL;
}

static int
name_cmp(const void *a, const void *b)
{
	return file_base_cmp(*(char *const *)a, *(char *const *)b);
}

/* Sort, and keep the first of them, each once. */
static void
sort_names(struct unlisted_list *list)
{
	char **v = list->names.v;
	size_t k = 0;

	if (list->names.n > 1)
		qsort(v, list->names.n, sizeof(*v), name_cmp);
	for (size_t i = 0; i < list->names.n; i++) {
		if (k == UNLISTED_MAX ||
		    (k > 0 && strcmp(v[i], v[k - 1]) == 0))
			free(v[i]);
		else
			v[k++] = v[i];
	}
	list->names.n = k;
}

struct collecting {
	struct maildir_box *box;
	struct unlisted_list *list;
};

static bool
is_unlisted(struct maildir_box *box, const char *base, size_t len)
{
	const struct table_entry *entry = table_find(box->table, base, len);

	return entry != NULL && (entry->bits & ENTRY_FILE) &&
	    (entry->bits & ENTRY_LISTED) == 0;
}

static void
collect_one(void *arg, unsigned int where, const char *name)
{
	struct collecting *c = arg;
	struct file_name parsed;
	char *base;

	(void)where;
	if (!file_name_parse(&parsed, name) ||
	    !is_unlisted(c->box, name, parsed.base_len))
		return;
	base = mem_strndup(name, parsed.base_len);
	if (c->list->after != NULL &&
	    file_base_cmp(base, c->list->after) <= 0) {
		free(base);
		return;
	}
	*ARRAY_ADD(&c->list->names) = base;
	if (c->list->names.n == 2 * UNLISTED_MAX)
		sort_names(c->list);
}

/* Were those that the reading kept all there are? */
static bool
collect_fresh(struct maildir_box *box, struct unlisted_list *list,
    size_t count)
{
	if (list->after != NULL || count > box->fresh.n)
		return false;
	for (size_t i = 0; i < box->fresh.n; i++) {
		const char *base = box->fresh.v[i];

		if (is_unlisted(box, base, strlen(base)))
			*ARRAY_ADD(&list->names) = mem_strdup(base);
	}
	sort_names(list);
	if (list->names.n == count)
		return true;
	forget_names(list);
	return false;
}

/*
 * The bases of messages without a line that come behind list->after, in the
 * order of their UIDs to be; not more than UNLISTED_MAX at once, so that
 * a large mailbox takes more rounds and not more memory.
 */
static int
collect_unlisted(struct maildir_box *box, struct unlisted_list *list,
    struct err *err)
{
	struct collecting c = { box, list };
	size_t count = count_unlisted(box);
	int ret;

	forget_names(list);
	if (count == 0 || collect_fresh(box, list, count))
		return 0;
	box->quiet = true;
	ret = each_file(box, collect_one, &c, err);
	box->quiet = false;
	sort_names(list);
	return ret;
}

int
maildir_each_unlisted(struct maildir_box *box,
    int (*fn)(const char *base, void *arg, struct err *err), void *arg,
    struct err *err)
{
	struct unlisted_list list = { .after = NULL };
	int ret;

	do {
		ret = collect_unlisted(box, &list, err);
		for (size_t i = 0; i < list.names.n && ret == 0; i++)
			ret = fn(list.names.v[i], arg, err);
		free(list.after);
		list.after = list.names.n == 0 ? NULL :
		    mem_strdup(list.names.v[list.names.n - 1]);
	} while (ret == 0 && list.names.n == UNLISTED_MAX);
	unlisted_free(&list);
	return ret;
}

/* The lines of those messages, from the UID next on. */
static void
format_unlisted(struct maildir_box *box, const struct unlisted_list *list,
    uint32_t next, struct strbuf *out)
{
	struct uidlist_record rec;
	const char *fields;

	for (size_t i = 0; i < list->names.n && next <= UID_LAST; i++) {
		fields = maildir_list_orphan(&box->list, list->names.v[i]);
		rec = (struct uidlist_record){ .uid = next++,
		    .base = list->names.v[i],
		    .base_len = strlen(list->names.v[i]) };
		rec.fields = fields == NULL ? "" : fields;
		rec.fields_len = strlen(rec.fields);
		uidlist_record_format(out, &rec);
	}
}

/* What the header lacks. */
static int
complete_header(struct maildir_box *box, struct uidlist_header *header,
    struct err *err)
{
	*header = box->list.header;
	header->version = 3;
	if (header->uidvalidity == 0 && uidvalidity_next(
	    maildir_control(box->store), &header->uidvalidity, err) == -1)
		return -1;
	/* Where the directory is named by it, it is no other one. */
	if (guid_is_zero(&header->guid) && (!box->store->layout->listed ||
	    !guid_parse(&header->guid, box->place.mail,
	    strcspn(box->place.mail, "/"))))
		header->guid = guid_random();
	return 0;
}

/* One round of adopt; 1: there may be more. */
static int
adopt_some(struct maildir_box *box, struct unlisted_list *list,
    struct err *err)
{
	struct list_change change = { .rewrite = false };
	uint32_t next;
	int ret = -1;

	if (maildir_list_refresh(box, err) == -1 ||
	    collect_unlisted(box, list, err) == -1)
		return -1;
	if (list->names.n == 0 && !maildir_list_incomplete(&box->list))
		return 0;
	strbuf_init(&change.lines, LINES_MAX);
	next = maildir_box_uidnext(box);
	format_unlisted(box, list, next, &change.lines);
	if (complete_header(box, &change.header, err) == 0) {
		change.header.uidnext = list->names.n < UID_LAST - next ?
		    next + (uint32_t)list->names.n : UID_LAST + 1;
		ret = maildir_list_write(box, &change, err);
	}
	strbuf_deinit(&change.lines);
	if (ret == 0 && list->names.n == UNLISTED_MAX && next < UID_LAST)
		ret = 1;
	return ret;
}

/* Under the lock: give UIDs, and a whole header, where there are none. */
static int
adopt(struct maildir_box *box, struct err *err)
{
	struct unlisted_list list = { .after = NULL };
	int ret;

	do {
		ret = adopt_some(box, &list, err);
	} while (ret == 1);
	unlisted_free(&list);
	return ret;
}

static size_t
dead_lines(struct maildir_box *box)
{
	return table_count(box->table, ENTRY_LISTED | ENTRY_FILE,
	    ENTRY_LISTED);
}

static bool
is_dead(const struct uidlist_record *rec, void *arg)
{
	struct maildir_box *box = arg;
	struct table_entry *entry = table_find(box->table, rec->base,
	    rec->base_len);

	return entry != NULL && (entry->bits & ENTRY_FILE) == 0;
}

/*
 * A line without a file says nothing, until a file of its name comes back: then
 * Dovecot sees the name twice and complains.  That happens to it, too, when
 * a message is copied to where its original was expunged.  So lines go early if
 * the list is small; else by Dovecot's own measure.
 */
static bool
is_worth_it(const struct maildir_list *list, size_t dead)
{
	return dead > 0 && !maildir_list_incomplete(list) &&
	    (list->good_end <= SMALL_LIST || dead > list->lines / 4);
}

static bool
is_littered(struct maildir_box *box)
{
	return !box->store->readonly && box->stable &&
	    is_worth_it(&box->list, dead_lines(box));
}

/* Begin a list without some of its lines. */
static int
drop_lines(struct maildir_box *box,
    bool (*drop)(const struct uidlist_record *record, void *arg),
    struct list_write *w, struct err *err)
{
	struct list_change change = { .rewrite = true, .drop = drop,
	    .drop_arg = box };
	int ret;

	strbuf_init(&change.lines, 1);
	change.header = box->list.header;
	change.header.uidnext = maildir_box_uidnext(box);
	ret = maildir_list_begin(box, &change, w, err);
	strbuf_deinit(&change.lines);
	return ret;
}

/*
 * Under the lock no file can be between its line and its name, and a stable
 * reading misses none: lines without a file are of expunged messages.
 */
int
maildir_drop_dead_begin(struct maildir_box *box, struct err *err)
{
	int ret;

	/* What is wrong was told already. */
	box->quiet = true;
	ret = maildir_list_refresh(box, err) == -1 ? -1 :
	    maildir_read_dirs(box, false, err);
	box->quiet = false;
	if (ret == -1 || !is_littered(box))
		return ret;
	return drop_lines(box, is_dead, &box->writing, err);
}

int
maildir_drop_dead(struct maildir_box *box, struct err *err)
{
	int ret;

	box->littered = false;
	if (maildir_box_lock(box, 0, err) == -1)
		return -1;
	ret = maildir_drop_dead_begin(box, err);
	if (ret == 0 && box->writing.fd != -1)
		ret = maildir_list_finish(box, &box->writing, err);
	maildir_box_unlock(box);
	return ret;
}

/* Only what this flush unlinked: what was not seen may still be there. */
int
maildir_drop_unlinked(struct maildir_box *box, struct err *err)
{
	const struct maildir_op *op;
	size_t dead = 0;
	int ret = 0;

	table_clear(box->table, ENTRY_DROP);
	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (op->kind != OP_EXPUNGE || !op->unlinked)
			continue;
		table_add(box->table, op->base, strlen(op->base))->bits |=
		    ENTRY_DROP;
		dead++;
	}
	if (is_worth_it(&box->list, dead))
		ret = drop_lines(box, maildir_line_marked, &box->writing, err);
	table_clear(box->table, ENTRY_DROP);
	return ret;
}

int
maildir_sync(struct maildir_box *box, struct err *err)
{
	int ret;

	if (maildir_keywords_load(box, err) == -1 ||
	    maildir_list_refresh(box, err) == -1 ||
	    maildir_read_dirs(box, false, err) == -1)
		return -1;
	if (box->store->readonly)
		return 0;
	box->littered = is_littered(box);
	if (count_unlisted(box) == 0 && !maildir_list_incomplete(&box->list))
		return 0;
	if (maildir_box_lock(box, box->store->lock_timeout, err) == -1)
		return -1;
	ret = adopt(box, err);
	maildir_box_unlock(box);
	return ret;
}
