/*
 * Reading dovecot-uidlist.  Of a list of a million lines only the place of
 * every LIST_STRIDE-th is kept; bases are marked in the table.  The file is
 * only ever appended to or replaced, so what was read once stays valid and
 * the rest is read from where it ended.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/maildir/maildir.h"

#define CHUNK		65536U	/* bytes read at once */
#define DUPS_MAX	1000U	/* more bases on two lines: broken */
#define ORPHANS_MAX	100000U
#define BYTES_PER_LINE	40U	/* a short line, for the first guess */

/* Reads lines of the open file between two offsets. */
struct maildir_lines {
	int fd;
	uint64_t offset;	/* of buf in the file */
	uint64_t end;
	size_t pos, len;	/* in buf */
	/* Of maildir_list_find: what it is positioned in, and behind what. */
	uint64_t from;
	uint32_t uid;		/* 0: nowhere */
	struct path_stat st;
	char buf[CHUNK];
};

struct line {
	const char *text;
	size_t len;
	uint64_t offset;
	bool ended;		/* by a LF */
};

static void
lines_start(struct maildir_lines *lines, int fd, uint64_t from, uint64_t to)
{
	lines->fd = fd;
	lines->offset = from;
	lines->end = to;
	lines->pos = lines->len = 0;
	lines->uid = 0;
}

static int
lines_fill(struct maildir_lines *lines, struct err *err)
{
	uint64_t at, left;
	size_t room;
	ssize_t n;

	memmove(lines->buf, lines->buf + lines->pos, lines->len - lines->pos);
	lines->offset += lines->pos;
	lines->len -= lines->pos;
	lines->pos = 0;
	at = lines->offset + lines->len;
	left = at < lines->end ? lines->end - at : 0;
	room = CHUNK - lines->len;
	if (left < room)
		room = (size_t)left;
	if (room == 0)
		return 0;
	do {
		n = pread(lines->fd, lines->buf + lines->len, room,
		    (off_t)at);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_sys(err, "read dovecot-uidlist");
	lines->len += (size_t)n;
	return n > 0;
}

/* Its buffer is large: one is kept for the next who reads. */
static struct maildir_lines *
lines_take(struct maildir_store *store)
{
	struct maildir_lines *lines = store->lines;

	store->lines = NULL;
	return lines != NULL ? lines : mem_alloc(sizeof(*lines));
}

static void
lines_give(struct maildir_store *store, struct maildir_lines *lines)
{
	free(store->lines);
	store->lines = lines;
}

/* 1: a line; 0: the end; -1.  A line is cut at UIDLIST_LINE_MAX + 1 bytes. */
static int
lines_next(struct maildir_lines *lines, struct line *line, struct err *err)
{
	const char *lf;
	int r;

	for (;;) {
		line->text = lines->buf + lines->pos;
		line->len = lines->len - lines->pos;
		line->offset = lines->offset + lines->pos;
		lf = memchr(line->text, '\n', line->len);
		if (lf != NULL || line->len > UIDLIST_LINE_MAX)
			break;
		if ((r = lines_fill(lines, err)) == -1)
			return -1;
		if (r == 0) {
			line->ended = false;
			line->text = lines->buf + lines->pos;
			line->len = lines->len - lines->pos;
			lines->pos = lines->len;
			return line->len > 0;
		}
	}
	line->ended = lf != NULL;
	if (lf != NULL)
		line->len = (size_t)(lf - line->text);
	if (line->len > UIDLIST_LINE_MAX)
		line->len = UIDLIST_LINE_MAX + 1;
	lines->pos += line->len + (line->ended &&
	    line->len <= UIDLIST_LINE_MAX ? 1 : 0);
	return 1;
}

void
maildir_list_init(struct maildir_list *list)
{
	*list = (struct maildir_list){ .fd = -1 };
}

void
maildir_list_deinit(struct maildir_list *list)
{
	for (size_t i = 0; i < list->dups.n; i++)
		free(list->dups.v[i].base);
	for (size_t i = 0; i < list->orphans.n; i++) {
		free(list->orphans.v[i].base);
		free(list->orphans.v[i].fields);
	}
	ARRAY_FREE(&list->places);
	ARRAY_FREE(&list->dups);
	ARRAY_FREE(&list->orphans);
	if (list->fd != -1)
		close(list->fd);
	maildir_list_init(list);
}

/* A base that an earlier line has, too: this later line counts. */
static int
note_dup(struct maildir_list *list, const struct uidlist_record *rec)
{
	struct list_dup *dup;

	for (size_t i = 0; i < list->dups.n; i++) {
		dup = &list->dups.v[i];
		if (strlen(dup->base) == rec->base_len &&
		    memcmp(dup->base, rec->base, rec->base_len) == 0) {
			dup->uid = rec->uid;
			return 0;
		}
	}
	if (list->dups.n == DUPS_MAX)
		return -1;
	dup = ARRAY_ADD(&list->dups);
	dup->uid = rec->uid;
	dup->base = mem_strndup(rec->base, rec->base_len);
	return 0;
}

bool
maildir_list_is_last(const struct maildir_list *list,
    const struct uidlist_record *rec)
{
	const struct list_dup *dup;

	for (size_t i = 0; i < list->dups.n; i++) {
		dup = &list->dups.v[i];
		if (strlen(dup->base) == rec->base_len &&
		    memcmp(dup->base, rec->base, rec->base_len) == 0)
			return dup->uid == rec->uid;
	}
	return true;
}

/* Take in one complete line; false: the list is broken here. */
static bool
note_line(struct maildir_box *box, const struct line *line)
{
	struct maildir_list *list = &box->list;
	struct uidlist_record rec;
	struct table_entry *entry;
	struct err ignored = ERR_INIT;

	if (line->len > UIDLIST_LINE_MAX || uidlist_record_parse(&rec,
	    list->header.version, line->text, line->len, &ignored) == -1 ||
	    rec.uid <= list->last_uid || rec.base_len > FILE_NAME_MAX ||
	    rec.uid > UID_LAST)
		return false;
	entry = table_add(box->table, rec.base, rec.base_len);
	if ((entry->bits & ENTRY_LISTED) && note_dup(list, &rec) == -1)
		return false;
	entry->bits |= ENTRY_LISTED;
	if (list->lines % LIST_STRIDE == 0)
		*ARRAY_ADD(&list->places) = (struct list_place){
		    .uid = rec.uid, .offset = line->offset };
	list->lines++;
	list->last_uid = rec.uid;
	list->good_end = line->offset + line->len + 1;
	return true;
}

static int
orphan_cmp(const void *a, const void *b)
{
	return strcmp(((const struct list_orphan *)a)->base,
	    ((const struct list_orphan *)b)->base);
}

/*
 * Behind a broken line Dovecot believes nothing, and the messages get new
 * UIDs.  What their lines say of GUID and POP3 is kept for then.
 */
static void
note_orphan(struct maildir_list *list, const struct line *line)
{
	struct uidlist_record rec;
	struct list_orphan *orphan;
	struct err ignored = ERR_INIT;

	if (line->len > UIDLIST_LINE_MAX || uidlist_record_parse(&rec,
	    list->header.version, line->text, line->len, &ignored) == -1 ||
	    rec.uid > UID_LAST)
		return;
	if (rec.uid > list->seen_uid)
		list->seen_uid = rec.uid;
	if (rec.fields_len == 0 || list->orphans.n == ORPHANS_MAX)
		return;
	orphan = ARRAY_ADD(&list->orphans);
	orphan->base = mem_strndup(rec.base, rec.base_len);
	orphan->fields = mem_strndup(rec.fields, rec.fields_len);
}

const char *
maildir_list_orphan(const struct maildir_list *list, const char *base)
{
	struct list_orphan key = { .base = (char *)(uintptr_t)base };
	const struct list_orphan *found = NULL;

	if (list->orphans.n > 0)
		found = bsearch(&key, list->orphans.v, list->orphans.n,
		    sizeof(key), orphan_cmp);
	return found == NULL ? NULL : found->fields;
}

/* Its UID was meant for somebody: it is not given again. */
static void
note_torn(struct maildir_list *list, const struct line *line)
{
	struct uidlist_record rec;
	struct err ignored = ERR_INIT;

	if (uidlist_record_parse(&rec, list->header.version, line->text,
	    line->len, &ignored) == 0 && rec.uid <= UID_LAST &&
	    rec.uid > list->seen_uid)
		list->seen_uid = rec.uid;
}

/* Take in what lines has from good_end on. */
static int
load_lines(struct maildir_box *box, struct maildir_lines *lines, struct err *err)
{
	struct maildir_list *list = &box->list;
	struct line line;
	int r;

	list->torn = false;
	while ((r = lines_next(lines, &line, err)) == 1) {
		if (!line.ended && !list->broken &&
		    line.len <= UIDLIST_LINE_MAX) {
			/* Perhaps somebody is just writing it. */
			list->torn = true;
			note_torn(list, &line);
			break;
		}
		if (!list->broken && !note_line(box, &line)) {
			list->broken = true;
			list->seen_uid = list->last_uid;
		}
		if (list->broken)
			note_orphan(list, &line);
	}
	if (list->orphans.n > 0)
		qsort(list->orphans.v, list->orphans.n,
		    sizeof(list->orphans.v[0]), orphan_cmp);
	return r == -1 ? -1 : 0;
}

/* The header of the open file. */
static int
load_header(struct maildir_list *list, struct maildir_lines *lines,
    struct uidlist_header *header, uint64_t *end_r, struct err *err)
{
	struct line line;
	int r;

	lines_start(lines, list->fd, 0, list->st.size);
	if ((r = lines_next(lines, &line, err)) == -1)
		return -1;
	if (r == 0 || !line.ended || line.len > UIDLIST_LINE_MAX)
		return err_set(err, ERR_CORRUPT, "no header");
	*end_r = line.len + 1;
	return uidlist_header_parse(header, line.text, line.len, err);
}

/* The file is new to us. */
static int
load_all(struct maildir_box *box, struct maildir_lines *lines, struct err *err)
{
	struct maildir_list *list = &box->list;
	struct err why = ERR_INIT;

	maildir_list_deinit(list);
	table_clear(box->table, ENTRY_LISTED);
	list->exists = true;
	list->fd = path_open_file(&box->store->root, box->control_fd,
	    UIDLIST_NAME, &list->st, err);
	if (list->fd == -1 && err->code == ERR_NOTFOUND) {
		list->exists = false;
		return 0;
	}
	if (list->fd == -1)
		return -1;
	table_reserve(box->table, list->st.size / BYTES_PER_LINE / 2);
	if (load_header(list, lines, &list->header, &list->lines_start,
	    &why) == -1) {
		if (why.code != ERR_CORRUPT) {
			*err = why;
			return -1;
		}
		maildir_box_problem(box, &why, UIDLIST_NAME,
		    "numbering anew");
		close(list->fd);
		list->fd = -1;
		list->broken = true;
		list->header = (struct uidlist_header){ .version = 0 };
		return 0;
	}
	list->good_end = list->lines_start;
	/* The header was the first line: the others follow. */
	if (load_lines(box, lines, err) == -1)
		return -1;
	if (list->broken)
		maildir_box_problem(box, NULL, UIDLIST_NAME, "broken, its "
		    "last lines are not used");
	return 0;
}

/* Does the file that we have open still begin as it did? */
static bool
same_header(struct maildir_list *list, struct maildir_lines *lines)
{
	struct uidlist_header header;
	struct err ignored = ERR_INIT;
	uint64_t end;

	return load_header(list, lines, &header, &end, &ignored) == 0 &&
	    end == list->lines_start &&
	    header.version == list->header.version &&
	    header.uidvalidity == list->header.uidvalidity &&
	    header.uidnext == list->header.uidnext &&
	    guid_eq(&header.guid, &list->header.guid) &&
	    strcmp(header.extra, list->header.extra) == 0;
}

static bool
same_file(const struct path_stat *a, const struct path_stat *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->size == b->size &&
	    a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

int
maildir_list_refresh(struct maildir_box *box, struct err *err)
{
	struct maildir_list *list = &box->list;
	struct maildir_lines *lines;
	struct path_stat st;
	int ret;

	if (path_stat(&box->store->root, box->control_fd, NULL,
	    UIDLIST_NAME, &st, err) == -1)
		return -1;
	if (!st.exists) {
		if (list->exists) {
			maildir_list_deinit(list);
			table_clear(box->table, ENTRY_LISTED);
		}
		return 0;
	}
	if (list->exists && same_file(&st, &list->st))
		return 0;
	lines = lines_take(box->store);
	if (list->fd != -1 && st.ino == list->st.ino &&
	    st.dev == list->st.dev && st.size >= list->good_end &&
	    !list->broken && same_header(list, lines)) {
		list->st = st;
		lines_start(lines, list->fd, list->good_end, st.size);
		ret = load_lines(box, lines, err);
	} else {
		ret = load_all(box, lines, err);
	}
	lines_give(box->store, lines);
	return ret;
}

bool
maildir_list_incomplete(const struct maildir_list *list)
{
	return list->fd == -1 || list->broken || list->torn ||
	    list->header.version != 3 || guid_is_zero(&list->header.guid);
}

uint32_t
maildir_list_next(const struct maildir_list *list)
{
	uint32_t last = list->seen_uid > list->last_uid ? list->seen_uid :
	    list->last_uid;
	uint32_t next = list->header.uidnext;

	if (next <= last)
		next = last + 1;
	return next == 0 ? 1 : next;
}

/* The part of the file where the line of a UID can be. */
static void
place_of(const struct maildir_list *list, uint32_t uid, uint64_t *from_r,
    uint64_t *to_r)
{
	size_t low = 0, high = list->places.n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (list->places.v[mid].uid <= uid)
			low = mid + 1;
		else
			high = mid;
	}
	*to_r = low < list->places.n ? list->places.v[low].offset :
	    list->good_end;
	*from_r = low == 0 ? *to_r : list->places.v[low - 1].offset;
}

int
maildir_list_walk(struct maildir_box *box, maildir_line_fn *fn, void *arg,
    struct err *err)
{
	return maildir_list_walk_from(box, 1, fn, arg, err);
}

int
maildir_list_walk_from(struct maildir_box *box, uint32_t uid,
    maildir_line_fn *fn, void *arg, struct err *err)
{
	uint64_t from = box->list.lines_start, to;
	struct maildir_list *list = &box->list;
	struct uidlist_record rec;
	struct maildir_lines *lines;
	struct line line;
	int r = 0;

	if (list->fd == -1)
		return 0;
	lines = lines_take(box->store);
	if (uid > 1 && list->places.n > 0 && list->places.v[0].uid <= uid)
		place_of(list, uid, &from, &to);
	lines_start(lines, list->fd, from, list->good_end);
	while ((r = lines_next(lines, &line, err)) == 1) {
		if (line.len > UIDLIST_LINE_MAX || uidlist_record_parse(&rec,
		    list->header.version, line.text, line.len, err) == -1) {
			/* It was sound before: somebody wrote into it. */
			r = err_set(err, ERR_TEMP,
			    "dovecot-uidlist changed while it was read");
			break;
		}
		if (rec.uid >= uid && fn(&rec, arg, err) == -1) {
			r = -1;
			break;
		}
	}
	lines_give(box->store, lines);
	return r == -1 ? -1 : 0;
}

/*
 * Messages are mostly looked for by rising UIDs: the next one is behind the
 * last one, in what was read already.
 */
static void
find_start(struct maildir_lines *find, const struct maildir_list *list,
    uint32_t uid)
{
	uint64_t from, to;

	place_of(list, uid, &from, &to);
	if (find->uid != 0 && find->uid < uid && find->from == from &&
	    find->end == to && find->fd == list->fd &&
	    same_file(&find->st, &list->st))
		return;
	lines_start(find, list->fd, from, to);
	find->from = from;
	find->st = list->st;
}

int
maildir_list_find(struct maildir_box *box, uint32_t uid,
    struct list_line *found, struct err *err)
{
	struct maildir_lines **find = &box->store->find;
	struct maildir_list *list = &box->list;
	struct uidlist_record rec;
	struct line line;
	int r;

	if (list->fd == -1 || uid == 0)
		return 1;
	if (*find == NULL)
		*find = mem_alloc(sizeof(**find));
	find_start(*find, list, uid);
	while ((r = lines_next(*find, &line, err)) == 1) {
		(*find)->uid = 0;
		if (line.len > UIDLIST_LINE_MAX)
			return 1;
		if (uidlist_record_parse(&rec, list->header.version,
		    line.text, line.len, err) == -1)
			return -1;
		(*find)->uid = rec.uid;
		if (rec.uid < uid)
			continue;
		if (rec.uid > uid || !maildir_list_is_last(list, &rec))
			return 1;
		memcpy(found->text, line.text, line.len);
		return uidlist_record_parse(&found->record,
		    list->header.version, found->text, line.len, err);
	}
	return r == -1 ? -1 : 1;
}
