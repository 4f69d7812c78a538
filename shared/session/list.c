/*
 * Answers to LIST: the messages of one mailbox, in pages, all or some.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "session/session_int.h"

static int
range_cmp(const void *av, const void *bv)
{
	const struct uid_range *a = av, *b = bv;

	return (a->first > b->first) - (a->first < b->first);
}

/* Sorted, and none overlaps another, so that no message comes twice. */
static void
list_ranges(struct answer *a, const struct msg_list *list)
{
	static const struct uid_range all = { 1, UINT32_MAX };
	const struct uid_range *from = list->range_count > 0 ? list->ranges :
	    &all;
	size_t n = list->range_count > 0 ? list->range_count : 1, kept = 0;
	struct uid_range *to = arena_calloc(a->arena, n, sizeof(*to));

	memcpy(to, from, n * sizeof(*to));
	qsort(to, n, sizeof(*to), range_cmp);
	for (size_t i = 0; i < n; i++) {
		if (to[i].first > to[i].last)
			continue;
		if (kept > 0 && to[i].first <= to[kept - 1].last) {
			if (to[i].last > to[kept - 1].last)
				to[kept - 1].last = to[i].last;
			continue;
		}
		to[kept++] = to[i];
	}
	a->ranges = to;
	a->range_count = kept;
}

static int
list_begin(struct session *s, const struct msg_list *list, struct err *err)
{
	struct answer *a = &s->answer;
	struct chlog_mailbox box;
	int r;

	a->arena = arena_new(ARENA_PAGE_MAX);
	a->active = true;
	r = chlog_mailbox_find(s->log, &list->mailbox, a->arena, &box, err);
	if (r == -1)
		return -1;
	a->list_box = r == 1 ? box.id : 0;
	a->last_uid = list->after_uid;
	a->stream = stream_new(s, a->list_box, &list->mailbox, NULL);
	a->stream->tombstones = list->tombstones;
	list_ranges(a, list);
	if (list->mark_count > 0) {
		a->stream->messages = a->stream->tombstones = false;
		for (size_t i = 0; i < list->mark_count; i++)
			if (stream_add_mark(a->stream, &list->marks[i], 0,
			    list->tombstones, err) == -1)
				return -1;
	}
	serve_send_messages_head(s, &list->mailbox, list->request);
	return 0;
}

static bool
list_in_range(const struct answer *a, uint32_t uid)
{
	for (size_t i = 0; i < a->range_count; i++)
		if (uid >= a->ranges[i].first && uid <= a->ranges[i].last)
			return true;
	return false;
}

/* The next range above what was sent; false: none is left. */
static bool
list_next_range(struct answer *a, const struct msg_list *list)
{
	while (a->range_i < a->range_count) {
		const struct uid_range *range = &a->ranges[a->range_i++];
		uint32_t after = range->first - 1;

		if (after < list->after_uid)
			after = list->after_uid;
		if (range->first == 0 || after >= range->last)
			continue;
		stream_seek(a->stream, after, range->last);
		return true;
	}
	return false;
}

/* One record; 1: sent or passed over, 0: the list is complete, -1. */
static int
list_piece(struct session *s, const struct msg_list *list, struct err *err)
{
	struct answer *a = &s->answer;
	uint32_t max = list->max == 0 || list->max > LIST_PAGE_MAX ?
	    LIST_PAGE_MAX : list->max, uid;
	const struct chlog_tombstone *tomb;
	const struct chlog_mail *mail;
	int r = stream_next(a->stream, &mail, &tomb, err);

	if (r == -1)
		return -1;
	if (r == 0) {
		if (list->mark_count == 0 && list_next_range(a, list))
			return 1;
		serve_send_messages_end(s, false);
		return 0;
	}
	uid = mail != NULL ? mail->m.uid : tomb->g.uid;
	if (uid <= list->after_uid ||
	    (list->mark_count > 0 && !list_in_range(a, uid)))
		return 1;
	/* All of one UID are in one page: the next begins above it. */
	if (a->sent >= max && uid != a->last_uid) {
		serve_send_messages_end(s, true);
		return 0;
	}
	a->sent++;
	a->last_uid = uid;
	if (tomb != NULL) {
		serve_send_gone(s, tomb);
		return 1;
	}
	return serve_send_message(s, mail, &list->mailbox, list,
	    err) == -1 ? -1 : 1;
}

int
list_step(struct session *s, const struct msg_list *list,
    bool (*room)(void *), void *room_arg, struct err *err)
{
	struct answer *a = &s->answer;
	int r;

	if (!a->active) {
		if (list_begin(s, list, err) == -1)
			return -1;
		if (list->mark_count == 0 && !list_next_range(a, list)) {
			serve_send_messages_end(s, false);
			return 1;
		}
	}
	while (room(room_arg)) {
		if ((r = list_piece(s, list, err)) != 1)
			return r == 0 ? 1 : -1;
	}
	return 0;
}
