/*
 * Operations on messages.
 *
 * Each one is checked against the log (who may do this, is the message still
 * what it was in the view) and then only prepared by the driver; batch.c makes
 * a batch durable and writes the log.  An operation on a message that is in
 * the batch already has to see what the first one did, so the batch is flushed
 * before; flags and then a UID or an expunge may share one batch.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "session/session_int.h"

int
apply_row(struct session *s, const struct guid128 *guid,
    const struct chlog_mailbox **row_r, struct err *err)
{
	int r = 1;

	if (s->row.id == 0 || !guid_eq(&s->row.guid, guid)) {
		apply_row_forget(s);
		s->row_arena = arena_new(ARENA_PAGE_MAX);
		r = chlog_mailbox_find(s->log, guid, s->row_arena, &s->row,
		    err);
		if (r != 1)
			s->row.id = 0;
	}
	*row_r = &s->row;
	return r;
}

void
apply_row_forget(struct session *s)
{
	s->row.id = 0;
	arena_free(&s->row_arena);
}

static void
close_at(struct session *s, size_t i)
{
	struct open_box *box = &s->boxes.v[i];

	/* A reader needs its mailbox to the end. */
	if (s->body.active && s->body.pinned == NULL &&
	    guid_eq(&s->body.mailbox, &box->guid))
		s->body.pinned = box->box;
	else
		s->driver->mailbox_close(&box->box);
	free(box->store_name);
	*box = s->boxes.v[--s->boxes.n];
}

void
apply_close(struct session *s, const struct guid128 *guid)
{
	for (size_t i = 0; i < s->boxes.n; i++)
		if (guid_eq(&s->boxes.v[i].guid, guid)) {
			close_at(s, i);
			return;
		}
}

void
apply_close_all(struct session *s)
{
	while (s->boxes.n > 0)
		close_at(s, s->boxes.n - 1);
}

/* One mailbox fewer is open; what is prepared is made durable first. */
static int
close_oldest(struct session *s, struct err *err)
{
	size_t oldest = SIZE_MAX;

	for (size_t i = 0; i < s->boxes.n; i++)
		if (!s->boxes.v[i].dirty && (oldest == SIZE_MAX ||
		    s->boxes.v[i].used < s->boxes.v[oldest].used))
			oldest = i;
	if (oldest == SIZE_MAX) {
		/* A message that arrives would be cut: rather one more. */
		if (s->state == SESSION_BODY)
			return 0;
		if (batch_flush(s, err) == -1)
			return -1;
		oldest = 0;
	}
	close_at(s, oldest);
	return 0;
}

/*
 * The name may have been given to another mailbox since the view (P8).  What
 * the log lent is not what the store says (B1).
 */
static int
check_identity(struct session *s, const struct open_box *box, bool lent,
    struct mailbox_status *status, struct err *err)
{
	if (s->driver->status(box->box, status, err) == -1)
		return -1;
	if (lent || guid_is_zero(&status->guid) ||
	    guid_eq(&status->guid, &box->guid))
		return 0;
	return err_set(err, ERR_STALE,
	    "another mailbox has its name by now");
}

struct open_box *
apply_open(struct session *s, const struct chlog_mailbox *row,
    struct err *err)
{
	struct open_box fresh = { .guid = row->guid, .id = row->id }, *box;
	struct mailbox_status status;
	int64_t row_run = row->run, run;
	bool lent = row->lent;

	for (size_t i = 0; i < s->boxes.n; i++) {
		box = &s->boxes.v[i];
		if (guid_eq(&box->guid, &fresh.guid)) {
			box->used = ++s->box_clock;
			return box;
		}
	}
	if (!row->selectable) {
		err_set(err, ERR_STALE, "it is a mere directory");
		return NULL;
	}
	fresh.store_name = mem_strdup(row->store_name);
	if ((s->boxes.n >= OPEN_BOXES_MAX && close_oldest(s, err) == -1) ||
	    s->driver->mailbox_open(s->store, fresh.store_name, &fresh.box,
	    err) == -1) {
		free(fresh.store_name);
		return NULL;
	}
	if (check_identity(s, &fresh, lent, &status, err) == -1 ||
	    apply_own_run(s, &run, err) == -1) {
		s->driver->mailbox_close(&fresh.box);
		free(fresh.store_name);
		return NULL;
	}
	/* Afterwards it is this run itself that raises it. */
	if (run == 0 || row_run != run)
		fresh.modseq_before = status.highestmodseq;
	fresh.used = ++s->box_clock;
	box = ARRAY_ADD(&s->boxes);
	*box = fresh;
	return box;
}

void
apply_keep(struct session *s, const struct chlog_mailbox *row,
    struct mailbox **handle)
{
	struct open_box *box;

	if (s->boxes.n >= OPEN_BOXES_MAX || session_unscanned(s, &row->guid))
		return;
	for (size_t i = 0; i < s->boxes.n; i++)
		if (guid_eq(&s->boxes.v[i].guid, &row->guid))
			return;
	box = ARRAY_ADD(&s->boxes);
	box->guid = row->guid;
	box->id = row->id;
	box->store_name = mem_strdup(row->store_name);
	box->box = *handle;
	/* It was scanned just now, and nothing is written yet (F6). */
	box->modseq_before = row->highestmodseq;
	box->used = ++s->box_clock;
	*handle = NULL;
}

void
apply_result(struct session *s, uint32_t op, enum result_status status,
    uint32_t uid, enum err_code code, const char *text)
{
	struct msg msg = { .kind = MSG_RESULT };

	msg.u.result.op = op;
	msg.u.result.status = status;
	msg.u.result.uid = uid;
	msg.u.result.code = code;
	msg.u.result.text = session_err_text(s, code, text);
	session_send(s, &msg);
}

int
apply_own_run(struct session *s, int64_t *run_r, struct err *err)
{
	return chlog_run_find(s->log, &s->hello.run, run_r, err);
}

bool
apply_fresh(const struct session *s, uint64_t seq, int64_t run,
    int64_t own_run)
{
	return seq <= s->view_seq ||
	    (own_run != 0 && (run == own_run || run == -own_run));
}

/* Numbers rise; a batch that is full makes room first. */
int
apply_take_op(struct session *s, uint32_t op, struct err *err)
{
	if (op <= s->last_op)
		return err_set(err, ERR_PROTO, "operation %u came after %u",
		    op, s->last_op);
	s->last_op = op;
	return batch_flush_if_full(s, err);
}

bool
append_uid_ok(const struct chlog_mailbox *row, uint32_t uid)
{
	return row->messages == 0 || uid <= row->uidnext ||
	    uid - row->uidnext <= APPEND_UIDS_MAX;
}

/* Refused by the table of who may do what; the answer is sent. */
bool
apply_refused(struct session *s, uint32_t op, enum msg_kind kind,
    const struct guid128 *mailbox, uint32_t uid, const struct guid128 *mark)
{
	const char *why = NULL;

	if (s->readonly)
		why = "this store is not to be changed";
	else if (s->args.access == ACCESS_READ)
		why = "the peer may only read";
	else if (s->args.access == ACCESS_APPEND && kind != MSG_OP_SAVE &&
	    kind != MSG_OP_COPY)
		why = "the peer may only add messages";
	if (why == NULL && session_unscanned(s, mailbox)) {
		/* What is to be saved may be there already. */
		why = "the mailbox could not be looked at";
		apply_result(s, op, RESULT_FAILED, 0, ERR_TEMP, why);
		session_add_pending(s, mailbox, uid, mark, why);
		return true;
	}
	if (why == NULL)
		return false;
	apply_result(s, op, RESULT_ACCESS, 0, ERR_PERM, why);
	session_add_pending(s, mailbox, uid, mark, why);
	return true;
}

/* Not done; it is looked at again in the next run. */
void
apply_not_done(struct session *s, uint32_t op, enum result_status status,
    const struct guid128 *mailbox, uint32_t uid, const struct guid128 *mark,
    enum err_code code, const char *text)
{
	apply_result(s, op, status, 0, code, text);
	session_add_pending(s, mailbox, uid, mark,
	    session_err_text(s, code, text));
}

void
apply_failed(struct session *s, uint32_t op, const struct guid128 *mailbox,
    uint32_t uid, const struct guid128 *mark, const struct err *why)
{
	apply_not_done(s, op, why->code == ERR_STALE || why->code == ERR_NOTFOUND ?
	    RESULT_STALE : RESULT_FAILED, mailbox, uid, mark, why->code,
	    why->msg);
}

/* What an operation on a message that exists has to work on. */
struct target {
	const struct chlog_mailbox *row;
	struct chlog_mail mail;
	struct arena *arena;
	struct open_box *box;
};

static size_t
common_marks(const struct chlog_mail *mail, const struct guid128 *marks,
    size_t mark_count)
{
	size_t common = 0;

	for (size_t i = 0; i < mail->m.mark_count; i++)
		common += marks_have(marks, mark_count, &mail->m.marks[i]);
	return common;
}

/*
 * By UID, else by mark: the mark tells the instance, and somebody may have
 * given it another UID on one of the two sides.
 */
static int
find_mail(struct session *s, const struct guid128 *mailbox, uint32_t uid,
    const struct guid128 *marks, size_t mark_count, bool by_mark,
    struct target *t, struct err *err)
{
	int r = apply_row(s, mailbox, &t->row, err);

	if (r != 1)
		return r;
	r = chlog_mail_find(s->log, t->row->id, uid, t->arena, &t->mail, err);
	if (!by_mark || r == -1 || (r == 1 &&
	    common_marks(&t->mail, marks, mark_count) > 0))
		return r;
	r = 0;
	for (size_t i = 0; i < mark_count && r == 0; i++)
		r = chlog_mail_find_mark(s->log, t->row->id, &marks[i],
		    t->arena, &t->mail, err);
	return r;
}

/*
 * Find the message and check that it is as it was in the view (P8).  1: it is;
 * 0: it is not, and that was answered; -1.
 */
static int
find_target(struct session *s, uint32_t op, const struct guid128 *mailbox,
    uint32_t uid, const struct guid128 *marks, size_t mark_count,
    bool by_mark, bool expunge, struct target *t, struct err *err)
{
	struct err why = ERR_INIT;
	bool ok = false;
	int64_t run;
	int r;

	t->arena = arena_new(ARENA_PAGE_MAX);
	r = find_mail(s, mailbox, uid, marks, mark_count, by_mark, t, err);
	if (r == 0 && s->batch.n > 0 && !s->renumbering) {
		/* The batch may be what brings it. */
		if (batch_flush(s, err) == -1)
			return -1;
		r = find_mail(s, mailbox, uid, marks, mark_count, by_mark, t,
		    err);
	}
	if (r == -1 || apply_own_run(s, &run, err) == -1)
		return -1;
	if (r == 1) {
		size_t common = common_marks(&t->mail, marks, mark_count);

		ok = common > 0 && apply_fresh(s, t->mail.seq, t->mail.run,
		    run);
		/* Flags do not save a message, a new mark does (M3). */
		if (expunge && common == t->mail.m.mark_count)
			ok = true;
	}
	if (!ok) {
		apply_not_done(s, op, RESULT_STALE, mailbox, uid,
		    mark_count > 0 ? &marks[0] : NULL, ERR_STALE,
		    "it was changed meanwhile");
		return 0;
	}
	if ((t->box = apply_open(s, t->row, &why)) == NULL) {
		apply_failed(s, op, mailbox, uid, &t->mail.m.marks[0], &why);
		return 0;
	}
	/* Opening may have flushed, and forgotten the row. */
	return apply_row(s, mailbox, &t->row, err);
}

/* Join the batch, or flush it first; target may have changed by that. */
static int
join_batch(struct session *s, struct target *t, enum batch_kind kind,
    struct err *err)
{
	int64_t id = t->row->id;
	struct guid128 guid = t->row->guid;
	uint32_t uid = t->mail.m.uid;
	int r;

	if (batch_touch(s, id, uid, kind))
		return 1;
	if (batch_flush(s, err) == -1)
		return -1;
	if ((r = apply_row(s, &guid, &t->row, err)) == 1)
		r = chlog_mail_find(s->log, id, uid, t->arena, &t->mail, err);
	if (r == 1)
		batch_touch(s, id, uid, kind);
	return r;
}

static size_t
set_keywords(struct arena *arena, const struct mail_flags *mf,
    const char ***list_r)
{
	const char **list = arena_calloc(arena, mf->keyword_count,
	    sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < mf->keyword_count; i++)
		if (mf->keywords[i].set)
			list[n++] = mf->keywords[i].name;
	*list_r = list;
	return n;
}

void
apply_info(struct arena *arena, const struct msg_message *m,
    struct mail_info *info)
{
	const char **keywords;

	memset(info, 0, sizeof(*info));
	info->uid = m->uid;
	info->guid = m->guid;
	info->flags = m->flags.flags;
	info->keyword_count = set_keywords(arena, &m->flags, &keywords);
	info->keywords = keywords;
	info->modseq = m->modseq;
	info->received = m->received;
	info->saved = m->saved;
	info->pop3_uidl = m->pop3_uidl;
	info->pop3_order = m->pop3_order;
}

static int
set_flags(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_op_flags *m = &msg->u.op_flags;
	struct target t = { 0 };
	struct err why = ERR_INIT;
	struct batch_op *op;
	const char **keywords;
	size_t count;
	bool same;
	int r;

	if (m->mark_count == 0 || m->mark_count > MARKS_MAX)
		return err_set(err, ERR_PROTO, "OP_FLAGS without marks");
	if (apply_take_op(s, m->op, err) == -1)
		return -1;
	if (apply_refused(s, m->op, msg->kind, &m->mailbox, m->uid, &m->marks[0]))
		return 0;
	r = find_target(s, m->op, &m->mailbox, m->uid, m->marks,
	    m->mark_count, true, false, &t, err);
	if (r == 1 && (r = join_batch(s, &t, BATCH_FLAGS, err)) == 0)
		apply_not_done(s, m->op, RESULT_STALE, &m->mailbox, m->uid,
		    &m->marks[0], ERR_STALE, "it was changed meanwhile");
	if (r != 1)
		goto out;
	op = batch_add(s, BATCH_FLAGS, m->op, t.row);
	op->m = msg_message_dup(s->batch_arena, &t.mail.m);
	op->m.flags = mail_flags_dup(s->batch_arena, &m->flags);
	op->marks = arena_memdup(s->batch_arena, m->marks,
	    m->mark_count * sizeof(*m->marks));
	op->mark_count = m->mark_count;
	op->new_uid = m->uid;
	op->want_modseq = m->modseq;
	op->modseq = t.mail.m.modseq;
	same = mail_flags_same(&t.mail.m.flags, &m->flags);
	op->log_only = same && (t.row->highestmodseq == 0 ||
	    m->modseq <= t.mail.m.modseq);
	if (!op->log_only) {
		struct mail_info was;

		apply_info(s->batch_arena, &t.mail.m, &was);
		count = set_keywords(s->batch_arena, &op->m.flags,
		    &keywords);
		t.box->dirty = true;
		if (s->driver->set_flags(t.box->box, &was, m->flags.flags,
		    keywords, count, modseq_wanted(t.box, m->modseq, !same),
		    batch_tag(s), &why) == -1) {
			s->batch.n--;
			apply_failed(s, m->op, &m->mailbox, m->uid, &m->marks[0],
			    &why);
		}
	}
out:
	arena_free(&t.arena);
	return r == -1 ? -1 : 0;
}

int
on_op_flags(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_op_flags *m = &msg->u.op_flags;
	size_t before = s->pending.n;

	if (set_flags(s, msg, err) == -1)
		return -1;
	if (s->pending.n > before)
		session_add_marks(s, &m->mailbox, m->uid, m->marks,
		    m->mark_count, s->pending.v[before].text);
	return 0;
}

/*
 * P9: what was to be saved under the same GUID, which a move is, has to be
 * there before its other copy goes.  1: it may go; 0: it stays; -1.
 */
static int
may_go(struct session *s, const struct msg_op_expunge *m, struct target *t,
    struct err *err)
{
	const char *guid = t->mail.m.guid;
	bool prepared = false;
	int r;

	if (m->guid != NULL && *m->guid != '\0' && strcmp(m->guid, guid) != 0)
		return 0;
	for (size_t i = 0; i < s->batch.n && !prepared; i++)
		prepared = (s->batch.v[i].kind == BATCH_SAVE ||
		    s->batch.v[i].kind == BATCH_COPY) &&
		    strcmp(s->batch.v[i].m.guid, guid) == 0;
	if (prepared) {
		if (batch_flush(s, err) == -1)
			return -1;
		/* The batch may have been about this one, too. */
		if ((r = apply_row(s, &m->mailbox, &t->row, err)) == 1)
			r = chlog_mail_find(s->log, t->row->id,
			    t->mail.m.uid, t->arena, &t->mail, err);
		if (r != 1)
			return r;
		if (strcmp(t->mail.m.guid, guid) != 0)
			return 0;
	}
	return session_is_unsaved(s, guid) ? 0 : 1;
}

/*
 * The store has given its UID to another message (make_room in batch.c): it is
 * there under one that is not known, so not to be found does not mean gone.
 */
static bool
is_away(const struct target *t)
{
	return t->row->uidnext < UINT32_MAX &&
	    t->mail.m.uid >= t->row->uidnext;
}

static int
apply_expunge(struct session *s, const struct msg_op_expunge *m,
    struct err *err)
{
	struct target t = { 0 };
	struct err why = ERR_INIT;
	struct batch_op *op;
	int r;

	/* A surplus twin has marks in common with the one that stays. */
	r = find_target(s, m->op, &m->mailbox, m->uid, m->marks,
	    m->mark_count, !m->no_tombstone, true, &t, err);
	if (r == 1 && (r = may_go(s, m, &t, err)) == 0)
		apply_not_done(s, m->op, RESULT_STALE, &m->mailbox, m->uid,
		    &m->marks[0], ERR_STALE, "it is not held elsewhere");
	else if (r == 1 &&
	    (r = join_batch(s, &t, BATCH_EXPUNGE, err)) == 0)
		apply_not_done(s, m->op, RESULT_STALE, &m->mailbox, m->uid,
		    &m->marks[0], ERR_STALE, "it was changed meanwhile");
	if (r == 1 && is_away(&t)) {
		apply_not_done(s, m->op, RESULT_STALE, &m->mailbox, m->uid,
		    &m->marks[0], ERR_STALE, "it has another UID");
		r = 0;
	}
	if (r != 1)
		goto out;
	op = batch_add(s, BATCH_EXPUNGE, m->op, t.row);
	op->m = msg_message_dup(s->batch_arena, &t.mail.m);
	op->marks = arena_memdup(s->batch_arena, m->marks,
	    m->mark_count * sizeof(*m->marks));
	op->mark_count = m->mark_count;
	op->no_tombstone = m->no_tombstone;
	op->new_uid = m->uid;
	t.box->dirty = true;
	if (s->driver->expunge(t.box->box, op->m.uid, op->m.guid, batch_tag(s),
	    &why) == -1) {
		s->batch.n--;
		apply_failed(s, m->op, &m->mailbox, m->uid, &m->marks[0], &why);
	}
out:
	arena_free(&t.arena);
	return r == -1 ? -1 : 0;
}

int
on_op_expunge(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_op_expunge *m = &msg->u.op_expunge;

	if (m->mark_count == 0 || m->mark_count > MARKS_MAX)
		return err_set(err, ERR_PROTO, "OP_EXPUNGE without marks");
	if (apply_take_op(s, m->op, err) == -1)
		return -1;
	if (apply_refused(s, m->op, msg->kind, &m->mailbox, m->uid, &m->marks[0]))
		return 0;
	/* P9: a body that was asked for is read before. */
	if (body_wanted(s, &m->mailbox, m->uid))
		return apply_hold(s, msg, err);
	return apply_expunge(s, m, err);
}

int
on_op_set_uid(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_op_set_uid *m = &msg->u.op_set_uid;
	struct target t = { 0 };
	struct err why = ERR_INIT;
	struct batch_op *op;
	int r;

	if (apply_take_op(s, m->op, err) == -1)
		return -1;
	if (apply_refused(s, m->op, msg->kind, &m->mailbox, m->uid, &m->mark))
		return 0;
	r = find_target(s, m->op, &m->mailbox, m->uid, &m->mark, 1, false,
	    false, &t, err);
	if (r == 1 && (r = join_batch(s, &t, BATCH_SET_UID, err)) == 0)
		apply_not_done(s, m->op, RESULT_STALE, &m->mailbox, m->uid,
		    &m->mark, ERR_STALE, "it was changed meanwhile");
	if (r != 1)
		goto out;
	op = batch_add(s, BATCH_SET_UID, m->op, t.row);
	op->m = msg_message_dup(s->batch_arena, &t.mail.m);
	op->new_uid = m->new_uid;
	op->want_modseq = m->modseq;
	t.box->dirty = true;
	if (s->driver->set_uid(t.box->box, m->uid, op->m.guid, m->new_uid,
	    modseq_wanted(t.box, m->modseq, !s->renumbering), batch_tag(s),
	    &why) == -1) {
		s->batch.n--;
		apply_failed(s, m->op, &m->mailbox, m->uid, &m->mark, &why);
	}
out:
	arena_free(&t.arena);
	return r == -1 ? -1 : 0;
}

/* Flags stay as they are: the log's are those that the driver expects. */
static int
raise_modseq(struct session *s, const struct msg_op_modseq *m,
    struct target *t, struct err *why)
{
	struct batch_op *op = batch_add(s, BATCH_MODSEQ, m->op, t->row);
	struct mail_info was;

	op->m = msg_message_dup(s->batch_arena, &t->mail.m);
	op->want_modseq = op->modseq = m->modseq;
	/* The other side has followed this one: it is as planned by now. */
	op->log_only = t->mail.m.modseq == m->modseq;
	if (op->log_only)
		return 0;
	t->box->dirty = true;
	apply_info(s->batch_arena, &t->mail.m, &was);
	if (s->driver->set_flags(t->box->box, &was, was.flags, was.keywords,
	    was.keyword_count, m->modseq, batch_tag(s), why) == 0)
		return 0;
	s->batch.n--;
	return -1;
}

int
on_op_modseq(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_op_modseq *m = &msg->u.op_modseq;
	struct target t = { 0 };
	struct err why = ERR_INIT;
	int r;

	if (apply_take_op(s, m->op, err) == -1)
		return -1;
	if (apply_refused(s, m->op, msg->kind, &m->mailbox, m->uid, &m->mark))
		return 0;
	r = find_target(s, m->op, &m->mailbox, m->uid, &m->mark, 1, true,
	    false, &t, err);
	if (r != 1 || t.row->highestmodseq == 0)
		goto out;	/* it keeps none: nothing to do */
	if (t.mail.m.modseq > m->modseq) {
		modseq_result(s, m->op, t.mail.m.modseq);
		goto out;
	}
	if ((r = join_batch(s, &t, BATCH_MODSEQ, err)) == 0)
		apply_not_done(s, m->op, RESULT_STALE, &m->mailbox, m->uid,
		    &m->mark, ERR_STALE, "it was changed meanwhile");
	if (r == 1 && raise_modseq(s, m, &t, &why) == -1)
		apply_failed(s, m->op, &m->mailbox, m->uid, &m->mark, &why);
out:
	arena_free(&t.arena);
	return r == -1 ? -1 : 0;
}

static struct guid128 *
dup_marks(struct arena *arena, const struct guid128 *marks, size_t count)
{
	return arena_memdup(arena, marks, count * sizeof(*marks));
}

int
apply_hold(struct session *s, const struct msg *msg, struct err *err)
{
	struct held_op *h;
	struct msg *m;

	if (s->held.n - s->held_i >= HELD_MAX)
		return err_set(err, ERR_PROTO,
		    "too many operations wait for bodies");
	if (s->held_i == s->held.n)
		s->held_i = s->held.n = 0;
	if (s->held_i >= HELD_MAX) {
		s->held.n -= s->held_i;
		memmove(s->held.v, s->held.v + s->held_i,
		    s->held.n * sizeof(*s->held.v));
		s->held_i = 0;
	}
	h = ARRAY_ADD(&s->held);
	h->kind = msg->kind;
	h->arena = arena_new(ARENA_PAGE_MAX);
	h->msg = *msg;
	m = &h->msg;
	if (msg->kind == MSG_OP_EXPUNGE) {
		m->u.op_expunge.guid = arena_strdup(h->arena,
		    m->u.op_expunge.guid != NULL ? m->u.op_expunge.guid : "");
		m->u.op_expunge.marks = dup_marks(h->arena,
		    m->u.op_expunge.marks, m->u.op_expunge.mark_count);
	} else if (msg->kind == MSG_OP_MAILBOX) {
		struct msg_mailbox *box = &m->u.op_mailbox.box;

		box->name = arena_strdup(h->arena, box->name);
		if (box->alias_count > 0)
			box->aliases = dup_marks(h->arena, box->aliases,
			    box->alias_count);
		box->set_digest = NULL;
		m->u.op_mailbox.vanished = arena_memdup(h->arena,
		    m->u.op_mailbox.vanished, m->u.op_mailbox.vanished_count *
		    sizeof(*m->u.op_mailbox.vanished));
	}
	return 0;
}

/* In the order in which they came; the first that must wait stops all. */
int
apply_held(struct session *s, struct err *err)
{
	while (s->held_i < s->held.n) {
		struct held_op *h = &s->held.v[s->held_i];
		int r = 0;

		switch (h->kind) {
		case MSG_OP_EXPUNGE:
			if (body_wanted(s, &h->msg.u.op_expunge.mailbox,
			    h->msg.u.op_expunge.uid))
				return 0;
			r = apply_expunge(s, &h->msg.u.op_expunge, err);
			break;
		case MSG_OP_MAILBOX_DELETE:
			if (body_wanted_in(s,
			    &h->msg.u.op_mailbox_delete.guid))
				return 0;
			r = apply_tree_delete(s, &h->msg.u.op_mailbox_delete,
			    err);
			break;
		case MSG_OP_MAILBOX:
			r = apply_tree_mailbox(s, &h->msg.u.op_mailbox, err);
			break;
		default:
			break;
		}
		if (r == -1)
			return -1;
		arena_free(&h->arena);
		s->held_i++;
		if (batch_flush_if_full(s, err) == -1)
			return -1;
	}
	s->held_i = s->held.n = 0;
	return 0;
}

void
apply_end(struct session *s)
{
	if (s->driver != NULL)
		save_end(s);
	for (size_t i = s->held_i; i < s->held.n; i++)
		arena_free(&s->held.v[i].arena);
	ARRAY_FREE(&s->held);
	ARRAY_FREE(&s->batch);
}
