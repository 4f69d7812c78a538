/*
 * highest.c - modification sequences beside the plans (F6)
 *
 * After all operations of a run, expunges included, both sides get one
 * HIGHESTMODSEQ: above all that was there and all that was planned.  A store
 * that counts more than was thought, or whose mail clients were faster, answers
 * with what it has; the other side follows in a round of mending (M12).
 */
#include "config.h"

#include <stdlib.h>

#include "brain/run.h"

/* What a store may count beyond the modseqs that were planned: a record for
   each keyword and each kind of change, in Dovecot's index. */
#define COUNTED_MAX	32U

static bool
may_follow(const struct brain *brain, unsigned int s)
{
	return run_is_dest(brain, s) &&
	    brain->side[s].access == ACCESS_READ_WRITE;
}

static bool
keeps(const struct mails_side *side)
{
	return !side->exists || !side->state_known ||
	    (side->highestmodseq != 0 &&
	    side->highestmodseq <= MERGE_MODSEQ_MAX);
}

bool
highest_mendable(const struct brain *brain)
{
	return may_follow(brain, 0) && may_follow(brain, 1);
}

bool
highest_wanted(const struct brain *brain, const struct job *job)
{
	const struct tree_entry *e = &brain->entries.v[job->entry];

	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		/* A mere directory is about to become a mailbox (T16). */
		bool made = e->box[s] != NULL && !e->box[s]->selectable;

		if ((!keeps(&job->side[s]) && !made) ||
		    (run_is_dest(brain, s) && !may_follow(brain, s)))
			return false;
	}
	return true;
}

bool
highest_differs(const struct msg_mailbox *a, const struct msg_mailbox *b)
{
	return a->highestmodseq != 0 && b->highestmodseq != 0 &&
	    a->highestmodseq <= MERGE_MODSEQ_MAX &&
	    b->highestmodseq <= MERGE_MODSEQ_MAX &&
	    a->highestmodseq != b->highestmodseq;
}

/* Sorted, each once. */
static void
vanished_sort(struct vanished *v)
{
	uint32_t *uids = v->uids.v;
	size_t kept = 0;

	if (v->uids.n > 1)
		qsort(uids, v->uids.n, sizeof(*uids), array_u32_cmp);
	for (size_t i = 0; i < v->uids.n && kept < VANISHED_MAX; i++)
		if (kept == 0 || uids[kept - 1] != uids[i])
			uids[kept++] = uids[i];
	v->uids.n = kept;
}

/* True: there is such a UID. */
static bool
vanished_add(struct vanished *v, uint32_t uid)
{
	if (uid == 0)
		return false;
	if (v->uids.n >= 2 * VANISHED_MAX)
		vanished_sort(v);
	*ARRAY_ADD(&v->uids) = uid;
	v->told[0] = v->told[1] = 0;
	return true;
}

void
highest_put_vanished(struct brain *brain, unsigned int s, size_t entry,
    struct msg_op_mailbox *m)
{
	struct vanished *v = &brain->modseqs[entry].vanished;

	/* Again where it is raised again: so high it counts. */
	if (m->box.highestmodseq <= v->told[s])
		return;
	vanished_sort(v);
	m->vanished = v->uids.v;
	m->vanished_count = v->uids.n;
	v->told[s] = m->box.highestmodseq;
}

static void
count_vanished(struct entry_modseq *em)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		em->expunges[s] += COUNTED_MAX;
}

/*
 * UIDs that went since the base, or go in this run.  A mail client may have
 * seen them on either side, with a HIGHESTMODSEQ above the one that the store
 * where they went gave them: so both sides tell of them once more, with the
 * new one, even where nothing ever had that UID.
 */
static void
find_vanished(struct brain *brain, struct job *job)
{
	struct entry_modseq *em = &brain->modseqs[job->entry];
	bool any = false;

	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct plan_side *side = &job->plan.side[s];

		for (size_t i = 0; i < side->ops.n; i++)
			if (side->ops.v[i].kind == PLAN_SET_UID)
				any |= vanished_add(&em->vanished,
				    side->ops.v[i].uid);
		for (size_t i = 0; i < side->expunges.n; i++)
			any |= vanished_add(&em->vanished,
			    side->expunges.v[i].uid);
		for (size_t i = 0; i < job->gone[s].n; i++)
			if (brain->base || job->gone[s].v[i].is_new)
				any |= vanished_add(&em->vanished,
				    job->gone[s].v[i].uid);
	}
	if (any)
		count_vanished(em);
}

void
highest_left(struct brain *brain, size_t entry, uint32_t uid)
{
	struct entry_modseq *em = &brain->modseqs[entry];

	if (em->highest == 0 || brain->source >= 0)
		return;
	(void)vanished_add(&em->vanished, uid);
	count_vanished(em);
	em->set[0] = em->set[1] = true;
}

void
highest_planned(struct brain *brain, struct job *job)
{
	struct entry_modseq *em = &brain->modseqs[job->entry];
	struct plan_mails *plan = &job->plan;
	bool any = false;

	em->highest = plan->modseq;
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		em->expunges[s] += plan->side[s].expunges.n;
		any |= plan->side[s].expunges.n + plan->side[s].ops.n > 0;
	}
	if (plan->modseq == 0) {
		/* A peer that may only add can't follow: later, perhaps. */
		plan->modseq_above |= keeps(&job->side[0]) &&
		    keeps(&job->side[1]) && (any ||
		    job->side[0].highestmodseq !=
		    job->side[1].highestmodseq);
		return;
	}
	/* One-way HIGHESTMODSEQ is to be the source's (B2). */
	if (brain->source < 0)
		find_vanished(brain, job);
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		em->set[s] |= any || !job->side[s].state_known ||
		    em->vanished.uids.n > 0 ||
		    job->side[s].highestmodseq < plan->modseq;
	}
}

static void
send_modseq(struct brain *brain, unsigned int s, const struct raise *raise)
{
	struct msg msg = { .kind = MSG_OP_MODSEQ };
	struct msg_op_modseq *m = &msg.u.op_modseq;
	struct sent_op *sent = emit_number(&brain->side[s], &m->op);

	m->mailbox = run_guid(brain, s, raise->entry);
	m->uid = raise->uid;
	m->mark = raise->mark;
	m->modseq = raise->modseq;
	sent->what = SENT_MODSEQ;
	sent->entry = raise->entry;
	sent->mailbox = m->mailbox;
	sent->uid = m->uid;
	sent->mark = m->mark;
	brain->send(s, &msg, brain->arg);
}

bool
highest_emit_raise(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s];

	if (side->raise_sent >= side->raises.n)
		return false;
	send_modseq(brain, s, &side->raises.v[side->raise_sent++]);
	return true;
}

/*
 * A store does not take for planned what it gave by itself, so that the next
 * run looks at it if this one ends too soon.  Once the other side has followed,
 * durably, it is told the same value again and does.
 */
int
highest_confirm(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s], *other = &brain->side[!s];

	if (side->confirm_sent >= side->confirms.n &&
	    other->confirm_sent >= other->confirms.n)
		return -1;
	if (side->raise_flush == 0) {
		emit_flush(brain, s);
		side->raise_flush = side->op;
		return 1;
	}
	if (side->confirm_sent >= side->confirms.n)
		return -1;
	if (other->raise_flush == 0 || other->done < other->raise_flush)
		return 0;
	send_modseq(brain, s, &side->confirms.v[side->confirm_sent++]);
	return 1;
}

/* Each expunge may have counted; one-way it is to be the source's, if it can. */
static void
count_expunges(const struct brain *brain, struct entry_modseq *em)
{
	uint64_t *n = em->expunges;

	if (brain->source < 0)
		em->highest += n[0] > n[1] ? n[0] : n[1];
	n[0] = n[1] = 0;
}

bool
highest_emit(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s];

	for (; side->highest_sent < brain->entries.n; side->highest_sent++) {
		struct entry_modseq *em = &brain->modseqs[side->highest_sent];

		if (!em->set[s])
			continue;
		em->set[s] = false;
		if (!may_follow(brain, s) || brain->entries.v[
		    side->highest_sent].fate != TREE_KEEP)
			continue;
		count_expunges(brain, em);
		emit_state(brain, s, side->highest_sent, 0, 0, em->highest);
		return true;
	}
	return false;
}

void
highest_raise(struct brain *brain, unsigned int s, size_t entry,
    uint32_t uid, const struct guid128 *mark, uint64_t modseq)
{
	struct entry_modseq *em = &brain->modseqs[entry];

	*ARRAY_ADD(&brain->side[s].raises) = (struct raise){
		.entry = entry, .uid = uid, .mark = *mark, .modseq = modseq,
	};
	if (modseq > em->highest)
		em->highest = modseq;
}

/*
 * Side s has more than was wanted.  Where it was told of UIDs that went that may
 * have counted as well, behind all that it answered with: both go above that.
 */
static void
raise_again(struct entry_modseq *em, unsigned int s, uint64_t modseq)
{
	bool counted = em->vanished.uids.n > 0;

	em->highest = counted ? modseq + COUNTED_MAX : modseq;
	em->expunges[0] = em->expunges[1] = 0;
	em->set[0] = counted || s == 1;
	em->set[1] = counted || s == 0;
}

void
highest_on_result(struct brain *brain, unsigned int s,
    const struct sent_op *sent, uint64_t modseq)
{
	struct entry_modseq *em;

	/* One-way the source can't follow (B1); a peer may say anything. */
	if (brain->source >= 0 || modseq > MERGE_MODSEQ_MAX ||
	    sent->entry >= brain->entries.n || !may_follow(brain, !s))
		return;
	em = &brain->modseqs[sent->entry];
	/* The store chose the UID; what mends that tells a modseq as well. */
	if (sent->uid == 0 && sent->what == SENT_MAIL)
		return;
	switch (sent->what) {
	case SENT_MAIL:
	case SENT_MEND:
	case SENT_MODSEQ:
		highest_raise(brain, !s, sent->entry, sent->uid, &sent->mark,
		    modseq);
		*ARRAY_ADD(&brain->side[s].confirms) = (struct raise){
			.entry = sent->entry, .uid = sent->uid,
			.mark = sent->mark, .modseq = modseq,
		};
		break;
	case SENT_HIGHEST:
		if (modseq > em->highest)
			raise_again(em, s, modseq);
		break;
	case SENT_TREE:
	case SENT_STATE:
	case SENT_SUB:
	case SENT_ATTRIBUTE:
	case SENT_EXPUNGE:
	case SENT_DELETE:
	case SENT_FLUSH:
	case SENT_REBUILD:
		break;
	}
}

/* The other side's value stays news there, until this side has it (P5). */
void
highest_not_raised(struct brain *brain, unsigned int s,
    const struct sent_op *sent)
{
	struct run_side *other = &brain->side[!s];
	size_t kept = other->confirm_sent;

	for (size_t i = kept; i < other->confirms.n; i++) {
		const struct raise *raise = &other->confirms.v[i];

		if (raise->entry != sent->entry ||
		    !guid_eq(&raise->mark, &sent->mark))
			other->confirms.v[kept++] = *raise;
	}
	if (other->confirms.n > kept)
		other->confirms.n = kept;
}

static bool
is_any_set(const struct brain *brain)
{
	for (size_t i = 0; i < brain->entries.n; i++)
		if (brain->modseqs[i].set[0] || brain->modseqs[i].set[1])
			return true;
	return false;
}

bool
highest_round_needed(const struct brain *brain)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		if (brain->side[s].raise_sent < brain->side[s].raises.n)
			return true;
	return is_any_set(brain);
}

void
highest_new_round(struct brain *brain)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		struct run_side *side = &brain->side[s];

		side->highest_sent = 0;
		side->raise_flush = side->highest_flush = 0;
		for (size_t i = side->raise_sent; i < side->raises.n; i++)
			brain->modseqs[side->raises.v[i].entry].set[s] = true;
	}
	brain->highest_follows = is_any_set(brain);
}

/*
 * The store that is ahead notes so until its next COMMIT, which is thus not to
 * come before the other one has followed, durably.
 */
int
highest_settle(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s], *other = &brain->side[!s];

	if (!brain->highest_follows)
		return -1;
	if (side->highest_flush == 0) {
		emit_flush(brain, s);
		side->highest_flush = side->op;
		return 1;
	}
	return other->highest_flush == 0 ||
	    other->done < other->highest_flush ? 0 : -1;
}

uint64_t
highest_fresh(struct brain *brain, size_t entry)
{
	struct entry_modseq *em = &brain->modseqs[entry];

	if (em->highest == 0)
		return 0;
	em->set[0] = em->set[1] = true;
	return ++em->highest;
}
