/*
 * Views, trees and lists.
 *
 * Questions are answered one after the other in the order in which they came.
 * An answer stops whenever there is no room and goes on where it was; what it
 * needs of the tree is loaded once, messages are read in pages.
 */
#include "config.h"

#include <string.h>

#include "session/session_int.h"

static int
add_question(struct session *s, const struct question *q, struct err *err)
{
	if (s->questions.n - s->question_i >= QUESTIONS_MAX ||
	    s->question_bytes + q->bytes > QUESTION_BYTES_MAX)
		return err_set(err, ERR_PROTO,
		    "too many questions wait for their answers");
	if (s->question_i == s->questions.n)
		s->question_i = s->questions.n = 0;
	if (s->question_i >= QUESTIONS_KEPT) {
		/* The answered ones in front are not kept for ever. */
		s->questions.n -= s->question_i;
		memmove(s->questions.v, s->questions.v + s->question_i,
		    s->questions.n * sizeof(*s->questions.v));
		s->question_i = 0;
	}
	*ARRAY_ADD(&s->questions) = *q;
	s->question_bytes += q->bytes;
	return 0;
}

int
serve_ask_view(struct session *s, struct err *err)
{
	return add_question(s, &(struct question){ .kind = QUESTION_VIEW },
	    err);
}

int
on_tree(struct session *s, const struct msg *msg, struct err *err)
{
	(void)msg;
	return add_question(s, &(struct question){ .kind = QUESTION_TREE },
	    err);
}

int
on_list(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_list *list = &msg->u.list;
	struct question q = { .kind = QUESTION_LIST, .list = *list };

	if (list->request == 0 || list->mark_count > LIST_MARKS_MAX ||
	    list->range_count > LIST_RANGES_MAX)
		return err_set(err, ERR_PROTO, "LIST is not valid");
	q.bytes = sizeof(q) + list->mark_count * sizeof(*list->marks) +
	    list->range_count * sizeof(*list->ranges);
	if (list->mark_count + list->range_count > 0) {
		q.arena = arena_new(ARENA_PAGE_MAX);
		q.list.marks = arena_calloc(q.arena, list->mark_count,
		    sizeof(*list->marks));
		q.list.ranges = arena_calloc(q.arena, list->range_count,
		    sizeof(*list->ranges));
	}
	if (list->mark_count > 0)
		memcpy(q.list.marks, list->marks,
		    list->mark_count * sizeof(*list->marks));
	if (list->range_count > 0)
		memcpy(q.list.ranges, list->ranges,
		    list->range_count * sizeof(*list->ranges));
	if (add_question(s, &q, err) == -1) {
		arena_free(&q.arena);
		return -1;
	}
	return 0;
}

int
on_have(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_have *have = &msg->u.have;
	struct question q = { .kind = QUESTION_HAVE, .have = *have };

	if (have->guid_count > HAVE_MAX || (have->digests != NULL &&
	    (have->sizes == NULL || have->guid_count > HAVE_TEXTS_MAX)))
		return err_set(err, ERR_PROTO, "HAVE is not valid");
	q.arena = arena_new(ARENA_PAGE_MAX);
	q.bytes = sizeof(q);
	q.have.guids = arena_calloc(q.arena, have->guid_count,
	    sizeof(*q.have.guids));
	for (size_t i = 0; i < have->guid_count; i++) {
		q.have.guids[i] = arena_strdup(q.arena, have->guids[i]);
		q.bytes += strlen(have->guids[i]) + 1;
	}
	if (have->sizes != NULL)
		q.have.sizes = arena_memdup(q.arena, have->sizes,
		    have->guid_count * sizeof(*have->sizes));
	if (have->digests != NULL)
		q.have.digests = arena_memdup(q.arena, have->digests,
		    have->guid_count * DIGEST_SIZE);
	if (add_question(s, &q, err) == -1) {
		arena_free(&q.arena);
		return -1;
	}
	return 0;
}

static int
send_view_head(struct session *s, struct err *err)
{
	struct msg msg = { .kind = MSG_VIEW };
	struct chlog_totals totals;
	uint64_t begun;

	if (chlog_totals(s->log, &totals, err) == -1 ||
	    chlog_attributes_begun(s->log, &begun, err) == -1)
		return -1;
	if (s->has_base)
		msg.u.view.base = s->base.p.run;
	msg.u.view.attributes_begun = attributes_wanted(s) && s->has_base &&
	    begun > s->since.seq;
	msg.u.view.seq = s->view_seq;
	msg.u.view.messages = totals.messages;
	msg.u.view.mailboxes = totals.mailboxes;
	msg.u.view.inbox_messages = totals.inbox_messages;
	session_send(s, &msg);
	return 0;
}

/* The digest of all messages of a mailbox, from the log alone. */
static int
set_digest(struct session *s, struct view_box *vb, struct err *err)
{
	struct chlog_mailbox *box = &vb->box;
	const struct chlog_mail *mail;
	const struct chlog_tombstone *tomb;
	struct digest_ctx *ctx;
	struct stream *st;
	int r;

	if (box->has_set_digest)
		return 0;
	ctx = digest_new();
	st = stream_new(s, box->id, &box->guid, NULL);
	st->tombstones = false;
	while ((r = stream_next(st, &mail, &tomb, err)) == 1)
		msg_set_digest_add(ctx, &mail->m);
	digest_final(ctx, box->set_digest);
	digest_free(&ctx);
	stream_free(&st);
	box->has_set_digest = vb->new_digest = r == 0;
	return r;
}

static int
keep_set_digests(struct session *s, struct err *err)
{
	struct answer *a = &s->answer;
	bool any = false;

	for (size_t i = 0; i < a->box_count; i++)
		any = any || a->boxes[i].new_digest;
	if (!any)
		return 0;
	if (chlog_begin(s->log, err) == -1)
		return -1;
	for (size_t i = 0; i < a->box_count; i++) {
		const struct chlog_mailbox *box = &a->boxes[i].box;
		struct chlog_mailbox now;
		int r;

		if (!a->boxes[i].new_digest)
			continue;
		/* Another run may have changed it meanwhile. */
		r = chlog_mailbox_find_id(s->log, box->id, a->arena, &now,
		    err);
		if (r == -1 || (r == 1 && now.message_seq ==
		    box->message_seq && now.messages == box->messages &&
		    chlog_mailbox_set_digest(s->log, box->id,
		    box->set_digest, err) == -1)) {
			chlog_rollback(s->log);
			return -1;
		}
	}
	return chlog_commit(s->log, err);
}

static int
send_mailbox(struct session *s, struct view_box *vb, struct err *err)
{
	struct guid128 aliases[ALIASES_MAX];
	const struct chlog_mailbox *box = &vb->box;
	struct msg msg = { .kind = MSG_MAILBOX };
	struct msg_mailbox *m = &msg.u.mailbox;
	size_t pending_count;
	const struct chlog_pending *pending = view_pending_of(s, &box->guid,
	    &pending_count);
	ptrdiff_t n = chlog_aliases(s->log, &box->guid, aliases, ALIASES_MAX,
	    err);

	if (n == -1)
		return -1;
	if (vb->with_digest && box->selectable) {
		if (set_digest(s, vb, err) == -1)
			return -1;
		m->set_digest = box->set_digest;
	}
	m->guid = box->guid;
	m->name = box->name;
	m->selectable = box->selectable;
	m->is_new = view_changed(s, box->born_seq, box->born_run);
	m->tree_changed = view_changed(s, box->tree_seq, box->tree_run);
	for (size_t i = 0; i < pending_count; i++)
		m->tree_changed = m->tree_changed || pending[i].uid == 0;
	m->uidvalidity_changed = box->selectable &&
	    view_changed(s, box->uidvalidity_seq, box->uidvalidity_run);
	m->exist_stamp = box->exist_stamp;
	m->parent_stamp = box->parent_stamp;
	m->last_stamp = box->last_stamp;
	m->uidvalidity = box->uidvalidity;
	m->uidnext = box->uidnext;
	m->highestmodseq = box->highestmodseq;
	m->messages = box->messages;
	m->aliases = aliases;
	m->alias_count = (size_t)n;
	session_send(s, &msg);
	return 0;
}

static void
send_gone_mailbox(struct session *s, const struct chlog_mailbox_gone *gone)
{
	struct msg msg = { .kind = MSG_MAILBOX_GONE };

	msg.u.mailbox_gone.guid = gone->guid;
	msg.u.mailbox_gone.name = gone->name;
	msg.u.mailbox_gone.stamp = gone->stamp;
	msg.u.mailbox_gone.is_new = view_changed(s, gone->born_seq, gone->born_run);
	session_send(s, &msg);
}

/*
 * A copy from elsewhere in the store keeps the date received, so it must be
 * known; when it was saved is told if that costs no more.
 */
static int
fill_dates(struct session *s, const struct chlog_mail *mail,
    const struct guid128 *mailbox, struct msg_message *m)
{
	const struct chlog_mailbox *row;
	struct mail_reader *reader = NULL;
	struct open_box *box;
	struct mail_info info;
	struct err why = ERR_INIT;

	if (m->received != RECEIVED_NONE)
		return 0;
	if (apply_row(s, mailbox, &row, &why) != 1 ||
	    (box = apply_open(s, row, &why)) == NULL ||
	    body_reader_open(s, box->box, mail->m.uid, mail->m.guid, &reader,
	    &info, &why) == -1)
		return -1;
	m->received = info.received;
	m->saved = info.saved;
	s->driver->reader_close(&reader);
	return 0;
}

int
serve_send_message(struct session *s, const struct chlog_mail *mail,
    const struct guid128 *mailbox, const struct msg_list *list,
    struct err *err)
{
	struct msg msg = { .kind = MSG_MESSAGE };
	struct msg_message *m = &msg.u.message;
	uint8_t digest[DIGEST_SIZE];
	const struct chlog_mailbox *row;
	struct open_box *box;
	struct err why = ERR_INIT;
	int r = 0;

	*m = mail->m;
	m->size = list != NULL && list->sizes ?
	    sizes_find(s, mailbox, m->uid) : 0;
	if (list != NULL && list->digests && m->digest == NULL &&
	    apply_row(s, mailbox, &row, &why) == 1 &&
	    (box = apply_open(s, row, &why)) != NULL &&
	    body_digest(s, box, m->uid, m->guid, digest, &why) == 0) {
		m->digest = digest;
		digest_keep(s, mail->mailbox, m->uid, m->guid, digest);
	}
	m->is_new = view_changed(s, mail->born_seq, mail->born_run);
	m->moved = s->has_base && !m->is_new &&
	    since_changed(&s->since, mail->uid_seq, mail->uid_run);
	if (s->has_base && m->is_new &&
	    (r = chlog_was_held(s->log, m->guid, m->digest, mail->mailbox,
	    m->uid, &s->since, err)) == -1)
		return -1;
	/* By its digest it may be copied as well. */
	if (list != NULL && list->digests && !s->has_base)
		(void)fill_dates(s, mail, mailbox, m);
	/* What cannot be read is not offered for a copy without its date. */
	m->held = r == 1 && fill_dates(s, mail, mailbox, m) == 0;
	session_send(s, &msg);
	return 0;
}

void
serve_send_gone(struct session *s, const struct chlog_tombstone *tomb)
{
	struct msg msg = { .kind = MSG_GONE };

	msg.u.gone = tomb->g;
	msg.u.gone.is_new = view_changed(s, tomb->born_seq, tomb->born_run);
	session_send(s, &msg);
}

void
serve_send_messages_head(struct session *s, const struct guid128 *mailbox,
    uint32_t request)
{
	struct msg msg = { .kind = MSG_MESSAGES };

	msg.u.messages.mailbox = *mailbox;
	msg.u.messages.request = request;
	session_send(s, &msg);
}

void
serve_send_messages_end(struct session *s, bool more)
{
	struct msg msg = { .kind = MSG_MESSAGES_END };

	msg.u.messages_end.more = more;
	session_send(s, &msg);
}

static void
send_kind(struct session *s, enum msg_kind kind)
{
	struct msg msg = { .kind = kind };

	session_send(s, &msg);
}

static struct stream *
section_stream(struct session *s, const struct section *sec, struct err *err)
{
	struct stream *st = stream_new(s, sec->mailbox, &sec->guid,
	    &s->since);
	const struct chlog_pending *pending;
	size_t n;

	pending = view_pending_of(s, &sec->guid, &n);
	for (size_t i = 0; i < n; i++) {
		if (stream_add_mark(st, &pending[i].mark, pending[i].uid,
		    true, err) == -1) {
			stream_free(&st);
			return NULL;
		}
	}
	return st;
}

/* 1: one section is done, 0: no room, -1. */
static int
view_messages(struct session *s, bool (*room)(void *), void *room_arg,
    struct err *err)
{
	struct answer *a = &s->answer;
	const struct section *sec = &a->sections[a->i];
	const struct chlog_tombstone *tomb;
	const struct chlog_mail *mail;
	int r;

	if (a->stream == NULL &&
	    (a->stream = section_stream(s, sec, err)) == NULL)
		return -1;
	while (room(room_arg)) {
		if ((r = stream_next(a->stream, &mail, &tomb, err)) == -1)
			return -1;
		if (r == 1 && !a->begun) {
			serve_send_messages_head(s, &sec->guid, 0);
			a->begun = true;
		}
		if (r == 0) {
			if (a->begun)
				serve_send_messages_end(s, false);
			a->begun = false;
			stream_free(&a->stream);
			return 1;
		}
		if (mail != NULL) {
			if (serve_send_message(s, mail, &sec->guid, NULL,
			    err) == -1)
				return -1;
		} else {
			serve_send_gone(s, tomb);
		}
	}
	return 0;
}

static void
send_pending(struct session *s, const struct chlog_pending *p, bool left_out)
{
	struct msg msg = { .kind = MSG_PENDING };

	msg.u.pending.mailbox = p->mailbox;
	msg.u.pending.uid = p->uid;
	msg.u.pending.mark = p->mark;
	msg.u.pending.text = p->text;
	msg.u.pending.left_out = left_out;
	session_send(s, &msg);
}

/* One piece of a view or tree; 1: sent, 0: this phase is over, -1. */
static int
view_piece(struct session *s, bool tree, struct err *err)
{
	struct answer *a = &s->answer;

	switch (a->phase) {
	case ANSWER_BOXES:
		if (a->i >= a->box_count)
			return keep_set_digests(s, err);
		if (a->boxes[a->i].shown &&
		    send_mailbox(s, &a->boxes[a->i], err) == -1)
			return -1;
		break;
	case ANSWER_GONE:
		if (a->i >= a->gone_count)
			return 0;
		send_gone_mailbox(s, &a->gone[a->i]);
		break;
	case ANSWER_SUBSCRIPTIONS: {
		struct msg msg = { .kind = MSG_SUBSCRIPTION };

		if (a->i >= a->sub_count)
			return 0;
		msg.u.subscription.name = a->subs[a->i].name;
		msg.u.subscription.on = a->subs[a->i].on;
		msg.u.subscription.stamp = a->subs[a->i].stamp;
		session_send(s, &msg);
		break;
	}
	case ANSWER_ATTRIBUTES:
		if (a->i >= a->attribute_count)
			return 0;
		attributes_send(s, &a->attributes[a->i]);
		break;
	case ANSWER_TREE_END:
		send_kind(s, MSG_TREE_END);
		return 0;
	case ANSWER_PENDING:
		if (a->i < s->base_pending_count && !tree)
			send_pending(s, &s->base_pending[a->i], false);
		else if (a->i < s->base_pending_count + s->problems.n)
			send_pending(s, &s->problems.v[a->i -
			    s->base_pending_count], !tree);
		else
			return 0;
		break;
	case ANSWER_MESSAGES:
	case ANSWER_END:
		return 0;
	}
	a->i++;
	return 1;
}

/* 1: the answer is complete, 0: no room, -1. */
static int
view_step(struct session *s, bool tree, bool (*room)(void *), void *room_arg,
    struct err *err)
{
	struct answer *a = &s->answer;
	int r;

	if (!a->active) {
		a->arena = arena_new(ARENA_TREE_MAX);
		a->active = true;
		if (tree) {
			if (view_load_tree(s, err) == -1)
				return -1;
		} else if (view_load(s, err) == -1 ||
		    send_view_head(s, err) == -1)
			return -1;
	}
	while (room(room_arg)) {
		if (a->phase == ANSWER_MESSAGES && a->i < a->section_count) {
			r = view_messages(s, room, room_arg, err);
			if (r <= 0)
				return r;
			a->i++;
			continue;
		}
		if ((r = view_piece(s, tree, err)) == -1)
			return -1;
		if (r == 1)
			continue;
		if (a->phase == ANSWER_END ||
		    (tree && a->phase == ANSWER_TREE_END)) {
			if (!tree)
				send_kind(s, MSG_VIEW_END);
			return 1;
		}
		a->phase++;
		a->i = 0;
	}
	return 0;
}

/* 1: it is held, 0, -1. */
static int
holds(struct session *s, const struct msg_have *have, size_t i,
    struct err *err)
{
	struct arena *arena;
	struct chlog_mail same;
	ptrdiff_t n;

	if (have->digests == NULL)
		return chlog_has_guid(s->log, have->guids[i], err);
	arena = arena_new(ARENA_PAGE_MAX);
	n = chlog_mails_same(s->log, have->guids[i],
	    have->digests + i * DIGEST_SIZE, arena, &same, 1, err);
	arena_free(&arena);
	return n == -1 ? -1 : n > 0;
}

static int
answer_have(struct session *s, const struct msg_have *have, struct err *err)
{
	uint8_t bits[(HAVE_MAX + 7) / 8] = { 0 };
	uint8_t same_size[(HAVE_MAX + 7) / 8] = { 0 };
	struct msg msg = { .kind = MSG_HAVE_REPLY };
	bool any = false;
	int r;

	for (size_t i = 0; have->digests != NULL && i < have->guid_count; i++)
		if (sizes_read(s, have->sizes[i], err) == -1)
			return -1;
	if (digests_store(s, err) == -1)
		return -1;
	for (size_t i = 0; i < have->guid_count; i++) {
		if ((r = holds(s, have, i, err)) == -1)
			return -1;
		if (r == 1)
			bits[i / 8] |= (uint8_t)(1U << i % 8);
		if (r == 1 || have->sizes == NULL || have->digests != NULL)
			continue;
		if ((r = sizes_have(s, have->sizes[i], err)) == -1)
			return -1;
		any |= r == 1;
		if (r == 1)
			same_size[i / 8] |= (uint8_t)(1U << i % 8);
	}
	if (any) {
		msg.u.have_reply.same_size = same_size;
		msg.u.have_reply.same_size_len = (have->guid_count + 7) / 8;
	}
	msg.u.have_reply.request = have->request;
	msg.u.have_reply.bits = bits;
	msg.u.have_reply.bits_len = (have->guid_count + 7) / 8;
	session_send(s, &msg);
	return 0;
}

static void
answer_end(struct answer *a)
{
	stream_free(&a->stream);
	arena_free(&a->arena);
	memset(a, 0, sizeof(*a));
}

int
serve_step(struct session *s, bool (*room)(void *), void *room_arg,
    struct err *err)
{
	while (s->question_i < s->questions.n) {
		struct question *q = &s->questions.v[s->question_i];
		int r = 1;

		if (!room(room_arg))
			return 1;
		switch (q->kind) {
		case QUESTION_VIEW:
		case QUESTION_TREE:
			r = view_step(s, q->kind == QUESTION_TREE, room,
			    room_arg, err);
			break;
		case QUESTION_LIST:
			r = list_step(s, &q->list, room, room_arg, err);
			break;
		case QUESTION_HAVE:
			r = answer_have(s, &q->have, err) == -1 ? -1 : 1;
			break;
		}
		if (r == -1)
			return -1;
		if (r == 0)
			return 1;
		answer_end(&s->answer);
		s->question_bytes -= q->bytes;
		arena_free(&q->arena);
		s->question_i++;
	}
	s->question_i = s->questions.n = 0;
	return 0;
}

void
serve_end(struct session *s)
{
	answer_end(&s->answer);
	for (size_t i = s->question_i; i < s->questions.n; i++)
		arena_free(&s->questions.v[i].arena);
	ARRAY_FREE(&s->questions);
}
