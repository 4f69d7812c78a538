/*
 * Modification sequences on the side of a store (F6).
 *
 * The brain plans modseqs by the HIGHESTMODSEQ that it was told.  A mail client
 * may have raised that since, and has seen all up to there: what is changed
 * under a modseq that is not above it, the client would never be told of.  So
 * such a change gets the store's next modseq instead, and the brain is told,
 * which then raises the other side's.
 */
#include "config.h"

#include "session/session_int.h"

uint64_t
modseq_wanted(const struct open_box *box, uint64_t wanted, bool changed)
{
	return changed && wanted <= box->modseq_before ? 0 : wanted;
}

bool
modseq_is_kept(const struct session *s, int64_t mailbox)
{
	for (size_t i = 0; i < s->boxes.n; i++)
		if (s->boxes.v[i].id == mailbox)
			return s->boxes.v[i].modseq_before != 0;
	return false;
}

/*
 * The highest modseq that this run's own operations have got, and the highest
 * that was wanted.  What a mail client raised HIGHESTMODSEQ to meanwhile, the
 * other side must not follow before it has the client's changes, too.
 */
static void
note_own(struct session *s, const struct batch_op *op)
{
	struct open_box *box;

	for (size_t i = 0; i < s->boxes.n; i++) {
		box = &s->boxes.v[i];
		if (box->id != op->mailbox)
			continue;
		if (op->code == ERR_NONE && op->modseq > box->modseq_own)
			box->modseq_own = op->modseq;
		/* Telling of UIDs that went counts as one more. */
		box->expunged += op->code == ERR_NONE &&
		    (op->kind == BATCH_EXPUNGE ||
		    (op->kind == BATCH_STATUS &&
		    op->status.vanished_count > 0));
		if (op->kind == BATCH_STATUS &&
		    op->status.highestmodseq > box->modseq_wanted)
			box->modseq_wanted = op->status.highestmodseq;
		return;
	}
}

/*
 * Expunges may have raised it to highest, which no answer of theirs tells.  The
 * brain asks for less where it does not know how high this side was.
 */
static void
count_expunged(const struct session *s, struct open_box *box,
    const struct chlog_mailbox *row, int64_t run, uint64_t highest)
{
	uint64_t before = box->modseq_own;

	if (row->highestmodseq > before &&
	    apply_fresh(s, row->seq, row->run, run))
		before = row->highestmodseq;
	if (before != 0 && highest > before &&
	    highest - before <= box->expunged)
		box->modseq_own = highest;
}

/*
 * A mailbox that was written to: what is HIGHESTMODSEQ by now?  Where a mail
 * client raised it, perhaps by what came and went meanwhile, it is news to the
 * next run.
 */
static int
note_highest(struct session *s, struct open_box *box, int64_t run,
    struct err *err)
{
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	struct mailbox_status status;
	struct chlog_mailbox row;
	struct err why = ERR_INIT;
	int r = chlog_mailbox_find_id(s->log, box->id, arena, &row, err);

	/* If it can't be told, the next scan does. */
	if (r == 1 && row.highestmodseq != 0 &&
	    s->driver->status(box->box, &status, &why) == 0 &&
	    row.highestmodseq != status.highestmodseq) {
		bool news = status.highestmodseq > box->modseq_own &&
		    status.highestmodseq > box->modseq_wanted;

		count_expunged(s, box, &row, run, status.highestmodseq);
		row.highestmodseq = status.highestmodseq;
		row.seq = chlog_next_seq(s->log);
		row.run = news ? RUN_NOBODY : run;
		r = chlog_mailbox_put(s->log, &row, err);
	}
	arena_free(&arena);
	return r == -1 ? -1 : 0;
}

int
modseq_flushed(struct session *s, struct err *err)
{
	int64_t run;

	if (chlog_run_get(s->log, &s->hello.run, &run, err) == -1)
		return -1;
	for (size_t i = 0; i < s->boxes.n; i++)
		s->boxes.v[i].expunged = 0;
	for (size_t i = 0; i < s->batch.n; i++)
		note_own(s, &s->batch.v[i]);
	for (size_t i = 0; i < s->boxes.n; i++)
		if (s->boxes.v[i].dirty &&
		    note_highest(s, &s->boxes.v[i], run, err) == -1)
			return -1;
	return 0;
}

void
modseq_result(struct session *s, uint32_t op, uint64_t modseq)
{
	struct msg msg = { .kind = MSG_RESULT };

	msg.u.result.op = op;
	msg.u.result.status = RESULT_OTHER_MODSEQ;
	msg.u.result.modseq = modseq;
	msg.u.result.text = "";
	session_send(s, &msg);
}

/*
 * One-way the source can't follow, but a later mirror may.  In a mirror the
 * other side follows HIGHESTMODSEQ in a round of mending, after a commit: that
 * one must not hide it (M12, P5).
 */
static void
add_unequal(struct session *s, const struct batch_op *op)
{
	const struct guid128 *box = &op->mailbox_guid;
	const struct chlog_pending *last = s->pending.n == 0 ? NULL :
	    &s->pending.v[s->pending.n - 1];

	if (s->hello.role == ROLE_DESTINATION) {
		if (last == NULL || last->uid != UINT32_MAX ||
		    !guid_eq(&last->mailbox, box))
			session_add_pending(s, box, UINT32_MAX, NULL,
			    "modseqs of the destination are above the "
			    "source's");
	} else if (op->kind == BATCH_STATUS && (s->ahead.n == 0 ||
	    !guid_eq(&s->ahead.v[s->ahead.n - 1], box))) {
		if (s->ahead.n < CHLOG_PENDING_MAX)
			*ARRAY_ADD(&s->ahead) = *box;
		else
			s->pending_lost = true;
	}
}

void
modseq_add_ahead(struct session *s)
{
	for (size_t i = 0; i < s->ahead.n; i++)
		session_add_pending(s, &s->ahead.v[i], UINT32_MAX, NULL,
		    "HIGHESTMODSEQ is above the other one");
	s->ahead.n = 0;
}

void
modseq_answer(struct session *s, const struct batch_op *op)
{
	uint64_t modseq = op->modseq, wanted = op->want_modseq;

	if (op->kind == BATCH_STATUS) {
		wanted = op->status.highestmodseq;
		modseq = 0;
		for (size_t i = 0; i < s->boxes.n; i++)
			if (s->boxes.v[i].id == op->mailbox)
				modseq = s->boxes.v[i].modseq_own;
	}
	if (wanted == 0 || modseq <= wanted)
		return;
	modseq_result(s, op->op, modseq);
	add_unequal(s, op);
}
