/*
 * Which messages may be the same text, told by their sizes (M8).
 *
 * Without a base a text may be here under another GUID.  Sizes come out of one
 * look at the names of the mailboxes; only where a message of the other store
 * has the size of one that is here are both read for their digests.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "session/session_int.h"

#define SIZES_MAX	(4U << 20)	/* messages; of more it is not told */
#define SIZES_READ_MAX	4U		/* messages read for one question */

struct collected {
	struct sizes *sizes;
	int64_t mailbox;		/* 0: that of sizes->told */
};

static int
on_mail(const struct mail_info *info, void *arg, struct err *err)
{
	struct collected *c = arg;
	struct mail_size one = { info->size, c->mailbox, info->uid };

	(void)err;
	/* UIDs of the log alone are not known here. */
	if (info->uid == 0 || info->size == 0)
		return 0;
	if (c->mailbox == 0)
		*ARRAY_ADD(&c->sizes->told) = one;
	else if (c->sizes->all.n < SIZES_MAX)
		*ARRAY_ADD(&c->sizes->all) = one;
	return 0;
}

/* One look at a mailbox; what fails has no sizes. */
static void
collect(struct session *s, const struct chlog_mailbox *row,
    struct collected *c)
{
	struct mailbox *box = NULL;
	struct err why = ERR_INIT;

	if (!row->selectable || row->lent ||
	    session_unscanned(s, &row->guid))
		return;
	for (size_t i = 0; i < s->boxes.n; i++)
		if (s->boxes.v[i].id == row->id) {
			(void)s->driver->scan(s->boxes.v[i].box, on_mail, c,
			    &why);
			return;
		}
	if (s->driver->mailbox_open(s->store, row->store_name, &box,
	    &why) == -1)
		return;
	(void)s->driver->scan(box, on_mail, c, &why);
	s->driver->mailbox_close(&box);
}

static int
uid_cmp(const void *a, const void *b)
{
	const struct mail_size *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

static int
size_cmp(const void *a, const void *b)
{
	const struct mail_size *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

uint64_t
sizes_find(struct session *s, const struct guid128 *mailbox, uint32_t uid)
{
	struct mail_size key = { .uid = uid }, *found;
	struct sizes *sizes = &s->sizes;
	struct collected c = { sizes, 0 };
	const struct chlog_mailbox *row;
	struct err why = ERR_INIT;

	if (!guid_eq(&sizes->mailbox, mailbox)) {
		sizes->mailbox = *mailbox;
		sizes->told.n = 0;
		/* Nothing is looked at between what is prepared. */
		if (s->batch.n == 0 && apply_row(s, mailbox, &row, &why) == 1)
			collect(s, row, &c);
		if (sizes->told.n > 1)
			qsort(sizes->told.v, sizes->told.n,
			    sizeof(*sizes->told.v), uid_cmp);
	}
	if (sizes->told.n == 0)
		return 0;
	found = bsearch(&key, sizes->told.v, sizes->told.n,
	    sizeof(*sizes->told.v), uid_cmp);
	return found != NULL ? found->size : 0;
}

static int
load_all(struct session *s, struct err *err)
{
	struct sizes *sizes = &s->sizes;
	struct collected c = { .sizes = sizes };
	struct arena *arena;
	struct chlog_mailbox *rows;
	ptrdiff_t n;

	if (sizes->loaded || s->batch.n > 0)
		return 0;
	sizes->loaded = true;
	arena = arena_new(ARENA_TREE_MAX);
	n = chlog_mailboxes(s->log, arena, &rows, err);
	for (ptrdiff_t i = 0; i < n; i++) {
		c.mailbox = rows[i].id;
		collect(s, &rows[i], &c);
	}
	arena_free(&arena);
	if (sizes->all.n > 1)
		qsort(sizes->all.v, sizes->all.n, sizeof(*sizes->all.v),
		    size_cmp);
	return n == -1 ? -1 : 0;
}

/* The first message of this size, or the end. */
static size_t
first_of(const struct sizes *sizes, uint64_t size)
{
	size_t lo = 0, hi = sizes->all.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sizes->all.v[mid].size < size)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int
sizes_have(struct session *s, uint64_t size, struct err *err)
{
	size_t i;

	if (size == 0)
		return 0;
	if (load_all(s, err) == -1)
		return -1;
	i = first_of(&s->sizes, size);
	return i < s->sizes.all.n && s->sizes.all.v[i].size == size;
}

/* 1: it was read, 0: there was no need, or it can't be; -1. */
static int
read_one(struct session *s, const struct mail_size *one, struct err *err)
{
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	uint8_t digest[DIGEST_SIZE];
	struct chlog_mailbox row;
	struct chlog_mail mail;
	struct open_box *box;
	struct err why = ERR_INIT;
	int r = chlog_mailbox_find_id(s->log, one->mailbox, arena, &row, err);

	if (r == 1)
		r = chlog_mail_find(s->log, one->mailbox, one->uid, arena,
		    &mail, err);
	if (r == 1 && mail.m.digest != NULL)
		r = 0;
	if (r == 1 && ((box = apply_open(s, &row, &why)) == NULL ||
	    body_digest(s, box, one->uid, mail.m.guid, digest, &why) == -1))
		r = 0;
	if (r == 1)
		digest_keep(s, one->mailbox, one->uid, mail.m.guid, digest);
	arena_free(&arena);
	return r;
}

int
sizes_read(struct session *s, uint64_t size, struct err *err)
{
	struct sizes *sizes = &s->sizes;
	unsigned int left = SIZES_READ_MAX;
	int r;

	if (size == 0 || s->batch.n > 0)
		return 0;
	if (load_all(s, err) == -1)
		return -1;
	for (size_t i = first_of(sizes, size); i < sizes->all.n &&
	    sizes->all.v[i].size == size && left > 0; i++) {
		if ((r = read_one(s, &sizes->all.v[i], err)) == -1)
			return -1;
		left -= r == 1;
	}
	return 0;
}

void
sizes_end(struct session *s)
{
	ARRAY_FREE(&s->sizes.told);
	ARRAY_FREE(&s->sizes.all);
}
