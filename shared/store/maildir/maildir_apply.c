/* Steps 2 and 3 of a flush, for one mailbox. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/files/uidvalidity.h"
#include "store/maildir/maildir.h"

#define LINES_MAX	((size_t)1 << 30)	/* bytes of a batch's lines */
#define HALF_MIN	64U	/* names: fewer are given one by one */
#define KEEP_EVERY	1024U	/* messages between looks at the lock */

static void
fail_stale(const struct maildir_answer *answer, struct maildir_op *op,
    const char *text)
{
	struct err failure = ERR_INIT;

	err_set(&failure, ERR_STALE, "%s", text);
	maildir_op_failed(answer, op, &failure);
}

int
maildir_look_up(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct list_line *line = mem_alloc(sizeof(*line));
	char guid[GUID_TEXT_MAX + 1];
	struct maildir_op *op;
	int r = 0;

	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (op->answered || op->base != NULL ||
		    op->kind == OP_APPEND || op->kind == OP_STATUS)
			continue;
		r = maildir_list_find(box, op->kind == OP_UID ?
		    op->from_uid : op->uid, line, err);
		if (r == -1)
			break;
		/* An expunge of what is gone is done. */
		if (r == 1 && op->kind == OP_EXPUNGE)
			continue;
		if (r == 0)
			uidlist_guid(&line->record, guid);
		if (r == 1 || strcmp(guid, op->guid) != 0) {
			fail_stale(answer, op, "not the message expected");
			continue;
		}
		op->base = mem_strndup(line->record.base,
		    line->record.base_len);
		op->fields = mem_strndup(line->record.fields,
		    line->record.fields_len);
	}
	free(line);
	return r == -1 ? -1 : 0;
}

/* Keywords of one operation as letters; new names are added to the map. */
static uint32_t
keyword_letters(struct maildir_box *box, const struct maildir_op *op,
    bool *added)
{
	uint32_t letters = 0;
	int n;

	for (size_t i = 0; i < op->keyword_count; i++) {
		n = keyword_map_find(&box->keywords, op->keywords[i]);
		if (n == -1) {
			n = keyword_map_add(&box->keywords, op->keywords[i],
			    table_letters(box->table));
			if (n != -1)
				*added = true;
		}
		if (n == -1 && maildir_index_holds_keywords(box))
			continue;
		if (n == -1)
			maildir_box_problem(box, NULL, "no letter is left "
			    "for the keyword", op->keywords[i]);
		else
			letters |= 1U << n;
	}
	return letters;
}

/* Operations with keywords fail, and what was added is not in the file. */
static int
fail_keywords(struct maildir_box *box, const struct maildir_answer *answer,
    const struct err *failure, struct err *err)
{
	struct maildir_op *op;

	if (box->store->root.gone) {
		*err = *failure;
		return -1;
	}
	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (!op->answered && (op->letters & LETTERS_KEYWORDS))
			maildir_op_failed(answer, op, failure);
	}
	box->keywords_st = (struct path_stat){ .exists = true };
	return maildir_keywords_load(box, err);
}

/* Step 2a. */
static int
apply_keywords(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct err why = ERR_INIT;
	struct maildir_op *op;
	bool added = false;

	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (!op->answered &&
		    (op->kind == OP_APPEND || op->kind == OP_FLAGS))
			op->letters = keyword_letters(box, op, &added) |
			    file_flags_letters(op->flags);
	}
	if (!added || maildir_keywords_begin(box, &why) == 0)
		return 0;
	return fail_keywords(box, answer, &why, err);
}

/*
 * A line of a GUID that is to be saved, and no file that we know of: a process
 * died behind its list, or another one has published the message since we
 * looked.  Its line must not go then, nor its name.
 */
static int
look_for_listed(struct maildir_box *box, struct err *err)
{
	const struct table_entry *entry;

	for (size_t i = 0; i < box->ops.n && !box->reread; i++) {
		const struct maildir_op *op = &box->ops.v[i];

		if (op->answered || op->kind != OP_APPEND || op->guid == NULL)
			continue;
		entry = table_find(box->table, op->guid, strlen(op->guid));
		if (entry == NULL || (entry->bits & (ENTRY_LISTED |
		    ENTRY_FILE)) != ENTRY_LISTED)
			continue;
		box->reread = true;
		if (maildir_read_dirs(box, true, err) == -1)
			return -1;
	}
	return 0;
}

/*
 * The name of a new file.  The GUID itself, if it can be a base and no
 * message here has it; a line that once had it is dropped.  Else a name of
 * our own, and the GUID in the line.
 */
static void
choose_base(struct maildir_box *box, struct maildir_op *op, bool *rewrite)
{
	char name[PATH_NAME_MAX + 1];
	struct table_entry *entry;

	if (op->guid != NULL &&
	    file_base_usable(op->guid, op->size, op->vsize)) {
		entry = table_add(box->table, op->guid, strlen(op->guid));
		if ((entry->bits & (ENTRY_FILE | ENTRY_TAKEN)) == 0) {
			if (entry->bits & ENTRY_LISTED) {
				entry->bits |= ENTRY_DROP;
				*rewrite = true;
			}
			entry->bits |= ENTRY_TAKEN;
			op->base = mem_strdup(op->guid);
			return;
		}
	}
	if (op->tmp_name == NULL)
		unique_name(name, box->store->hostname);
	op->base = mem_printf("%s,S=%" PRIu64 ",W=%" PRIu64,
	    (op->tmp_name != NULL ? op->tmp_name : name) +
	    strlen(UNIQUE_PREFIX), op->size, op->vsize);
}

static bool
pop3_uidl_valid(const char *uidl)
{
	return uidl != NULL && guid_text_valid(uidl, strlen(uidl));
}

/* The fields of a new line. */
static void
choose_fields(struct maildir_op *op)
{
	struct strbuf fields;

	strbuf_init(&fields, UIDLIST_LINE_MAX);
	if (op->guid != NULL && strcmp(op->guid, op->base) != 0)
		strbuf_addf(&fields, "G%s ", op->guid);
	if (pop3_uidl_valid(op->pop3_uidl))
		strbuf_addf(&fields, "P%s ", op->pop3_uidl);
	if (op->pop3_order != 0)
		strbuf_addf(&fields, "O%" PRIu32 " ", op->pop3_order);
	op->fields = mem_strdup(fields.data);
	strbuf_deinit(&fields);
}

static int
wanted_cmp(const void *a, const void *b)
{
	const struct maildir_op *x = *(struct maildir_op *const *)a;
	const struct maildir_op *y = *(struct maildir_op *const *)b;

	/* Unsigned wrap puts "any UID" behind all wanted ones. */
	if (x->uid - 1 != y->uid - 1)
		return x->uid - 1 < y->uid - 1 ? -1 : 1;
	return x < y ? -1 : x > y;
}

/*
 * Wanted UIDs that are free are kept; the others get the next ones after all
 * of them, in the order of the calls.  0: none is left.  Ends sorted by UID.
 */
static uint32_t
assign_uids(struct maildir_op **ops, size_t n, uint32_t next)
{
	struct maildir_op *op;

	qsort(ops, n, sizeof(struct maildir_op *), wanted_cmp);
	for (size_t i = 0; i < n; i++) {
		op = ops[i];
		if (op->uid >= next && op->uid <= UID_LAST)
			next = op->uid + 1;
		else
			op->uid = 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (ops[i]->uid == 0 && next <= UID_LAST)
			ops[i]->uid = next++;
	}
	qsort(ops, n, sizeof(struct maildir_op *), wanted_cmp);
	return next;
}

/* All lines go: the batch has those of the messages that stay. */
static bool
drop_all(const struct uidlist_record *rec, void *arg)
{
	(void)rec, (void)arg;
	return true;
}

/* Will this flush change UIDVALIDITY, so that UIDs begin anew?  0: no. */
static uint32_t
new_uidvalidity(const struct maildir_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		const struct maildir_op *op = &box->ops.v[i];

		if (!op->answered && op->kind == OP_STATUS &&
		    op->status.uidvalidity != 0 &&
		    op->status.uidvalidity != box->list.header.uidvalidity)
			return op->status.uidvalidity;
	}
	return 0;
}

bool
maildir_line_marked(const struct uidlist_record *rec, void *arg)
{
	struct maildir_box *box = arg;
	struct table_entry *entry = table_find(box->table, rec->base,
	    rec->base_len);

	return entry != NULL && (entry->bits & ENTRY_DROP);
}

/* Take in a new status; true if the header changes. */
static bool
change_header(struct uidlist_header *header, const struct maildir_op *op,
    uint32_t *next)
{
	bool changed = false;

	if (!guid_is_zero(&op->status.guid) &&
	    !guid_eq(&header->guid, &op->status.guid)) {
		header->guid = op->status.guid;
		changed = true;
	}
	if (op->status.uidvalidity != 0 &&
	    header->uidvalidity != op->status.uidvalidity) {
		header->uidvalidity = op->status.uidvalidity;
		changed = true;
	}
	if (op->status.uidnext > *next) {
		*next = op->status.uidnext;
		changed = true;
	}
	return changed;
}

static void
add_lines(struct list_change *change, struct maildir_op **ops, size_t n,
    const struct maildir_answer *answer)
{
	struct err failure = ERR_INIT;
	struct uidlist_record rec;

	for (size_t i = 0; i < n; i++) {
		if (ops[i]->uid == 0) {
			err_set(&failure, ERR_REFUSED, "no UIDs are left");
			maildir_op_failed(answer, ops[i], &failure);
			continue;
		}
		rec = (struct uidlist_record){ .uid = ops[i]->uid,
		    .fields = ops[i]->fields,
		    .fields_len = strlen(ops[i]->fields),
		    .base = ops[i]->base,
		    .base_len = strlen(ops[i]->base) };
		uidlist_record_format(&change->lines, &rec);
	}
}

/* The operations that need a line, and the change of the list they make. */
static size_t
plan_lines(struct maildir_box *box, struct list_change *change,
    struct maildir_op **ops, bool *any_r)
{
	struct maildir_op *op;
	size_t n = 0;

	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (op->answered)
			continue;
		if (op->kind == OP_STATUS)
			*any_r = true;
		if (op->kind == OP_APPEND) {
			choose_base(box, op, &change->rewrite);
			choose_fields(op);
			ops[n++] = op;
		} else if (op->kind == OP_UID) {
			table_add(box->table, op->base,
			    strlen(op->base))->bits |= ENTRY_DROP;
			change->rewrite = true;
			ops[n++] = op;
		}
	}
	*any_r = *any_r || n > 0;
	return n;
}

static void
fail_listed(struct maildir_box *box, const struct maildir_answer *answer,
    const struct err *failure)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].answered &&
		    box->ops.v[i].kind != OP_FLAGS &&
		    box->ops.v[i].kind != OP_EXPUNGE)
			maildir_op_failed(answer, &box->ops.v[i], failure);
	}
}

/* Step 2b: UIDs, lines and header. */
static int
apply_list(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct list_change change = { .drop = maildir_line_marked, .drop_arg = box };
	struct maildir_op **ops = mem_calloc(box->ops.n, sizeof(*ops));
	struct err why = ERR_INIT;
	bool any = false;
	uint32_t next;
	size_t n;

	strbuf_init(&change.lines, LINES_MAX);
	change.header = box->list.header;
	n = plan_lines(box, &change, ops, &any);
	next = maildir_box_uidnext(box);
	if (new_uidvalidity(box) != 0) {
		uidvalidity_taken(maildir_control(box->store),
		    new_uidvalidity(box));
		change.drop = drop_all;
		change.rewrite = true;
		next = 1;
	}
	next = assign_uids(ops, n, next);
	add_lines(&change, ops, n, answer);
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].answered &&
		    box->ops.v[i].kind == OP_STATUS &&
		    change_header(&change.header, &box->ops.v[i], &next))
			change.rewrite = true;
	}
	change.header.version = 3;
	change.header.uidnext = next;
	if (any && (change.rewrite || change.lines.len > 0) &&
	    maildir_list_begin(box, &change, &box->writing, &why) == -1)
		fail_listed(box, answer, &why);
	strbuf_deinit(&change.lines);
	free(ops);
	/* Marks of what is dropped have served. */
	table_clear(box->table, ENTRY_DROP | ENTRY_TAKEN);
	if (why.code != ERR_NONE && box->store->root.gone) {
		*err = why;
		return -1;
	}
	return 0;
}

/* From tmp/ to cur/, or into it from nowhere. */
static int
give_name(struct maildir_box *box, struct maildir_op *op, const char *name,
    struct err *err)
{
	struct path_root *root = &box->store->root;

	if (op->body != NULL) {
		if (body_named(&op->body, err) == -1)
			return -1;
		box->store->linked = true;
		return 0;
	}
	if (op->tmp_name != NULL)
		return path_rename(root, box->tmp_fd, op->tmp_name,
		    box->cur_fd, name, err);
	if (path_name_file(root, op->fd, box->cur_fd, name, err) == -1)
		return -1;
	box->store->linked = true;
	close(op->fd);
	op->fd = -1;
	return 0;
}

static bool
waits_for_name(const struct maildir_op *op)
{
	return op->kind == OP_APPEND && !op->answered && op->fd != -1 &&
	    op->tmp_name == NULL && op->body == NULL;
}

static void
give_to_helper(struct maildir_box *box, struct maildir_op *op)
{
	char name[FILE_NAME_MAX + 1];

	/* A name that is too long is told in its turn. */
	if (!file_name_format(name, op->base, strlen(op->base), true,
	    op->letters))
		return;
	op->body = body_name(box->store->queue, op->fd, box->cur_fd, name);
	op->fd = -1;
}

/* How many files wait for a name?  All but the first ones go to the helper. */
static size_t
names_from(struct maildir_store *store, size_t first)
{
	size_t n = 0;

	for (struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; box->in_group && i < box->ops.n; i++) {
			if (waits_for_name(&box->ops.v[i]) && n++ >= first)
				give_to_helper(box, &box->ops.v[i]);
		}
	}
	return n;
}

/* Mostly two mailboxes then get theirs at the same time. */
void
maildir_name_half(struct maildir_store *store)
{
	size_t n = store->queue == NULL ? 0 : names_from(store, SIZE_MAX);

	if (n >= HALF_MIN)
		(void)names_from(store, n / 2);
}

/* Step 3a for one message.  -1: the end. */
static int
publish(struct maildir_box *box, struct maildir_op *op,
    const struct maildir_answer *answer, struct err *err)
{
	char name[FILE_NAME_MAX + 1];
	struct table_entry *entry;
	struct err why = ERR_INIT;
	struct file_name parsed;

	if (!file_name_format(name, op->base, strlen(op->base), true,
	    op->letters))
		err_set(&why, ERR_REFUSED, "the file name is too long");
	else if (give_name(box, op, name, &why) == 0) {
		free(op->tmp_name);
		op->tmp_name = NULL;
		file_name_parse(&parsed, name);
		entry = table_add(box->table, op->base, parsed.base_len);
		table_set_file(box->table, entry, ENTRY_CUR, name, &parsed);
		return 0;
	}
	if (box->store->root.gone) {
		*err = why;
		return -1;
	}
	/* Somebody removed the body from tmp/: not the caller's mistake. */
	if (why.code == ERR_NOTFOUND && !op->shared)
		why.code = ERR_TEMP;
	maildir_op_failed(answer, op, &why);
	return 0;
}

static bool
as_expected(struct maildir_box *box, const struct maildir_op *op,
    uint32_t letters)
{
	const char *names[KEYWORDS_MAX];
	struct mail_info info;

	maildir_effective(box, op->uid, letters, &info, names);
	if (info.flags != (op->was_flags & FLAGS_ALL) ||
	    info.keyword_count != op->was_count)
		return false;
	for (size_t i = 0; i < info.keyword_count; i++) {
		if (keyword_cmp(names[i], op->was_keywords[i]) != 0)
			return false;
	}
	return true;
}

/* 0: renamed; 1: there is no such file any more; -1 with why. */
static int
change_flags(struct maildir_box *box, const struct maildir_op *op,
    struct table_entry *entry, bool *new_changed, struct err *why)
{
	char old_name[FILE_NAME_MAX + 1], name[FILE_NAME_MAX + 1];
	uint32_t letters = op->letters;
	struct file_name parsed;
	int dir;

	letters |= table_entry_letters(box->table, entry) & LETTER_PASSED;
	if (!table_file_name(box->table, entry, op->base, strlen(op->base),
	    old_name) || !file_name_change(name, old_name, letters))
		return err_set(why, ERR_REFUSED, "the file name is too long");
	if (strcmp(name, old_name) == 0 && (entry->bits & ENTRY_CUR))
		return 0;
	dir = entry->bits & ENTRY_CUR ? box->cur_fd : box->new_fd;
	if (path_rename(&box->store->root, dir, old_name, box->cur_fd, name,
	    why) == -1) {
		if (box->store->root.gone || why->errnum != ENOENT)
			return -1;
		return 1;
	}
	*new_changed = *new_changed || dir == box->new_fd;
	file_name_parse(&parsed, name);
	table_set_file(box->table, entry, ENTRY_CUR, name, &parsed);
	return 0;
}

/* Step 3b for one message. */
int
maildir_apply_flags(struct maildir_box *box, struct maildir_op *op,
    const struct maildir_answer *answer, bool *new_changed, struct err *err)
{
	struct table_entry *entry;
	struct err why;
	int r;

	for (;;) {
		entry = table_find(box->table, op->base, strlen(op->base));
		why = (struct err)ERR_INIT;
		r = 1;
		if (entry != NULL && (entry->bits & ENTRY_FILE) &&
		    as_expected(box, op,
		    table_entry_letters(box->table, entry)))
			r = change_flags(box, op, entry, new_changed, &why);
		if (r == 0)
			return 0;
		if (box->store->root.gone) {
			*err = why;
			return -1;
		}
		if (r == -1) {
			if (why.errnum == EEXIST)
				why.code = ERR_STALE;
			maildir_op_failed(answer, op, &why);
			return 0;
		}
		/* What we know may be old: look once in each flush. */
		if (box->reread) {
			fail_stale(answer, op,
			    "the flags are not as expected");
			return 0;
		}
		box->reread = true;
		if (maildir_read_dirs(box, true, err) == -1)
			return -1;
	}
}

static int
rename_files(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct maildir_op *op;
	int r;

	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		r = 0;
		if (op->answered)
			continue;
		if (op->kind == OP_APPEND)
			r = publish(box, op, answer, err);
		else if (op->kind == OP_FLAGS)
			r = maildir_apply_flags(box, op, answer,
			    &box->new_changed, err);
		if (r == 0 && i % KEEP_EVERY == KEEP_EVERY - 1)
			r = dotlock_keep(&box->lock, err);
		if (r == -1)
			return -1;
	}
	return 0;
}

/* Is there a step that changes dovecot-uidlist and no file? */
static bool
changes_list_alone(const struct maildir_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		const struct maildir_op *op = &box->ops.v[i];

		if (!op->answered &&
		    (op->kind == OP_STATUS || op->kind == OP_UID))
			return true;
	}
	return false;
}

int
maildir_apply_lists(struct maildir_box *box,
    const struct maildir_answer *answer, struct err *err)
{
	if (maildir_look_up(box, answer, err) == -1 ||
	    apply_keywords(box, answer, err) == -1 ||
	    look_for_listed(box, err) == -1)
		return -1;
	return apply_list(box, answer, err);
}

int
maildir_apply_publish(struct maildir_box *box,
    const struct maildir_answer *answer, struct err *err)
{
	struct err why = ERR_INIT;
	bool replace = box->writing.replace;

	if (box->keywords_fd != -1) {
		if (maildir_keywords_publish(box, &why) == 0)
			box->control_renamed = true;
		else if (fail_keywords(box, answer, &why, err) == -1)
			return -1;
		why = (struct err)ERR_INIT;
	}
	if (box->writing.fd == -1)
		return 0;
	if (maildir_list_publish(box, &box->writing, &why) == 0) {
		box->control_renamed = box->control_renamed || replace;
		return 0;
	}
	fail_listed(box, answer, &why);
	if (box->store->root.gone) {
		*err = why;
		return -1;
	}
	return 0;
}

int
maildir_apply_files(struct maildir_box *box,
    const struct maildir_answer *answer, struct err *err)
{
	bool list_alone = changes_list_alone(box);
	struct err ignored = ERR_INIT;

	if (rename_files(box, answer, err) == -1)
		return -1;
	/*
	 * Dovecot looks at dovecot-uidlist only when cur/ or new/ changed: a
	 * new UID, UIDNEXT or UIDVALIDITY alone would stay unseen.
	 */
	if (list_alone)
		(void)path_touch(&box->store->root, box->fd, "cur", &ignored);
	return 0;
}
