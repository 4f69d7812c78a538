/*
 * The messages and tombstones of one mailbox, merged by rising UID.
 *
 * They are read from the log in pages, each by a statement of its own: while
 * an answer waits for room, operations may write to the log.  Records that are
 * named one by one (by a pending list, or in a LIST) are loaded at once and
 * merged in.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "session/session_int.h"

#define TWINS_MAX	16U	/* messages that are told for one mark */

struct stream *
stream_new(struct session *s, int64_t mailbox, const struct guid128 *guid,
    const struct chlog_since *since)
{
	struct stream *st = mem_alloc(sizeof(*st));

	st->s = s;
	st->mailbox = mailbox;
	st->guid = *guid;
	st->since = since;
	st->messages = mailbox != 0;
	st->tombstones = true;
	st->last = UINT32_MAX;
	st->extra_arena = arena_new(ARENA_PAGE_MAX);
	return st;
}

void
stream_free(struct stream **sp)
{
	struct stream *st = *sp;

	if (st == NULL)
		return;
	*sp = NULL;
	arena_free(&st->mail_arena);
	arena_free(&st->tomb_arena);
	arena_free(&st->extra_arena);
	ARRAY_FREE(&st->extra_mails);
	ARRAY_FREE(&st->extra_tombs);
	free(st);
}

void
stream_seek(struct stream *st, uint32_t after, uint32_t last)
{
	st->mail_after = st->tomb_after = after;
	st->tomb_after_id = INT64_MAX;
	st->last = last;
	st->mail_i = st->mail_n = st->tomb_i = st->tomb_n = 0;
	st->mail_end = st->tomb_end = false;
}

static int
add_mail(struct stream *st, const struct chlog_mail *mail)
{
	size_t i = st->extra_mails.n;

	(void)ARRAY_ADD(&st->extra_mails);
	for (; i > 0 && st->extra_mails.v[i - 1].m.uid > mail->m.uid; i--)
		st->extra_mails.v[i] = st->extra_mails.v[i - 1];
	st->extra_mails.v[i] = *mail;
	return 0;
}

static void
add_tomb(struct stream *st, const struct chlog_tombstone *tomb)
{
	size_t i = st->extra_tombs.n;

	(void)ARRAY_ADD(&st->extra_tombs);
	for (; i > 0 && st->extra_tombs.v[i - 1].g.uid > tomb->g.uid; i--)
		st->extra_tombs.v[i] = st->extra_tombs.v[i - 1];
	st->extra_tombs.v[i] = *tomb;
}

static bool
has_mail(const struct stream *st, uint32_t uid)
{
	size_t lo = 0, hi = st->extra_mails.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (st->extra_mails.v[mid].m.uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < st->extra_mails.n && st->extra_mails.v[lo].m.uid == uid;
}

static bool
has_tomb(const struct stream *st, uint32_t uid, int64_t id)
{
	size_t lo = 0, hi = st->extra_tombs.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (st->extra_tombs.v[mid].g.uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < st->extra_tombs.n && st->extra_tombs.v[lo].g.uid == uid;
	    lo++)
		if (st->extra_tombs.v[lo].id == id)
			return true;
	return false;
}

/*
 * All that have the mark: a surplus twin that could not be expunged is one with
 * another message, which is to be looked at with it (M5).
 */
static int
add_twins(struct stream *st, const struct guid128 *mark, struct err *err)
{
	struct chlog_mail mail;
	uint32_t after = 0;
	int r = 1;

	for (unsigned int n = 0; n < TWINS_MAX && r == 1; n++) {
		r = chlog_mail_find_twin(st->s->log, st->mailbox, mark, after,
		    st->extra_arena, &mail, err);
		if (r != 1)
			break;
		after = mail.m.uid;
		if (!has_mail(st, after))
			add_mail(st, &mail);
	}
	return r == -1 ? -1 : 0;
}

int
stream_add_mark(struct stream *st, const struct guid128 *mark, uint32_t uid,
    bool with_tombstones, struct err *err)
{
	struct chlog *log = st->s->log;
	struct chlog_tombstone tomb;
	struct chlog_mail mail;
	int r = 0;

	if (st->mailbox != 0 && !guid_is_zero(mark)) {
		if (add_twins(st, mark, err) == -1)
			return -1;
	} else if (st->mailbox != 0 && uid != 0) {
		r = chlog_mail_find(log, st->mailbox, uid, st->extra_arena,
		    &mail, err);
		if (r == -1)
			return -1;
		if (r == 1 && !has_mail(st, mail.m.uid))
			add_mail(st, &mail);
	}
	if (!with_tombstones || guid_is_zero(mark))
		return 0;
	r = chlog_tombstone_find_mark(log, &st->guid, mark, st->extra_arena,
	    &tomb, err);
	if (r == 1 && !has_tomb(st, tomb.g.uid, tomb.id))
		add_tomb(st, &tomb);
	return r == -1 ? -1 : 0;
}

static int
fill_mails(struct stream *st, struct err *err)
{
	ptrdiff_t n;

	if (!st->messages || st->mail_i < st->mail_n || st->mail_end)
		return 0;
	arena_free(&st->mail_arena);
	st->mail_arena = arena_new(ARENA_PAGE_MAX);
	n = chlog_mails(st->s->log, st->mailbox, st->mail_after, st->last,
	    st->since, st->mail_arena, st->mails, PAGE_MAX, err);
	if (n == -1)
		return -1;
	st->mail_i = 0;
	st->mail_n = (size_t)n;
	st->mail_end = n < (ptrdiff_t)PAGE_MAX;
	if (n > 0)
		st->mail_after = st->mails[n - 1].m.uid;
	return 0;
}

static int
fill_tombs(struct stream *st, struct err *err)
{
	ptrdiff_t n;

	if (!st->tombstones || st->tomb_i < st->tomb_n || st->tomb_end)
		return 0;
	arena_free(&st->tomb_arena);
	st->tomb_arena = arena_new(ARENA_PAGE_MAX);
	n = chlog_tombstones(st->s->log, &st->guid, st->tomb_after,
	    st->tomb_after_id, st->last, st->since, st->tomb_arena,
	    st->tombs, PAGE_MAX, err);
	if (n == -1)
		return -1;
	st->tomb_i = 0;
	st->tomb_n = (size_t)n;
	st->tomb_end = n < (ptrdiff_t)PAGE_MAX;
	if (n > 0) {
		st->tomb_after = st->tombs[n - 1].g.uid;
		st->tomb_after_id = st->tombs[n - 1].id;
	}
	return 0;
}

/* The lower one of page and extra; a message in both is taken once. */
static const struct chlog_mail *
peek_mail(struct stream *st)
{
	const struct chlog_mail *extra = NULL, *page = NULL;

	if (st->mail_i < st->mail_n)
		page = &st->mails[st->mail_i];
	while (st->extra_mail_i < st->extra_mails.n) {
		extra = &st->extra_mails.v[st->extra_mail_i];
		if (page == NULL || extra->m.uid != page->m.uid)
			break;
		st->extra_mail_i++;
		extra = NULL;
	}
	if (extra == NULL || (page != NULL && page->m.uid < extra->m.uid))
		return page;
	return extra;
}

static const struct chlog_tombstone *
peek_tomb(struct stream *st)
{
	const struct chlog_tombstone *extra = NULL, *page = NULL;

	if (st->tomb_i < st->tomb_n)
		page = &st->tombs[st->tomb_i];
	while (st->extra_tomb_i < st->extra_tombs.n) {
		extra = &st->extra_tombs.v[st->extra_tomb_i];
		if (page == NULL || extra->id != page->id)
			break;
		st->extra_tomb_i++;
		extra = NULL;
	}
	if (extra == NULL || (page != NULL && page->g.uid <= extra->g.uid))
		return page;
	return extra;
}

int
stream_next(struct stream *st, const struct chlog_mail **mail_r,
    const struct chlog_tombstone **tomb_r, struct err *err)
{
	const struct chlog_mail *mail;
	const struct chlog_tombstone *tomb;

	*mail_r = NULL;
	*tomb_r = NULL;
	if (fill_mails(st, err) == -1 || fill_tombs(st, err) == -1)
		return -1;
	mail = peek_mail(st);
	tomb = peek_tomb(st);
	if (mail == NULL && tomb == NULL)
		return 0;
	if (mail == NULL || (tomb != NULL && tomb->g.uid <= mail->m.uid)) {
		if (st->tomb_i < st->tomb_n && tomb == &st->tombs[st->tomb_i])
			st->tomb_i++;
		else
			st->extra_tomb_i++;
		*tomb_r = tomb;
		return 1;
	}
	if (st->mail_i < st->mail_n && mail == &st->mails[st->mail_i])
		st->mail_i++;
	else
		st->extra_mail_i++;
	*mail_r = mail;
	return 1;
}
