/*
 * merge_uids.c - the UIDs of one mailbox, planned all at once (M4, M7, M10,
 * M13, B3)
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "brain/merge_int.h"

/* An instance that waits for a new UID, with what orders it (M4). */
struct uid_wish {
	struct inst *inst;
	uint32_t uid;			/* the old one */
	const char *guid;
};

static int
uid_wish_cmp(const void *a, const void *b)
{
	const struct uid_wish *x = a, *y = b;
	int cmp;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	cmp = strcmp(x->guid, y->guid);
	return cmp != 0 ? cmp : guid_cmp(&x->inst->marks[0],
	    &y->inst->marks[0]);
}

/* The lower of two old UIDs, so that no order of the sides counts (P2). */
static struct uid_wish
wish_of(struct inst *inst, unsigned int s)
{
	struct uid_wish wish = { inst, inst->rec[s]->uid, inst->rec[s]->guid },
	    other;

	if (inst->rec[!s] == NULL)
		return wish;
	other = (struct uid_wish){ inst, inst->rec[!s]->uid,
	    inst->rec[!s]->guid };
	return uid_wish_cmp(&wish, &other) <= 0 ? wish : other;
}

uint32_t
merge_side_uidnext(const struct mails_side *side)
{
	uint32_t next = 1;

	if (side->exists)
		return side->state_known ? side->uidnext : 1;
	/* It was deleted there: what comes back takes no UID twice. */
	for (size_t i = 0; i < side->gone_count; i++)
		if (side->gone[i].uid >= next &&
		    side->gone[i].uid < UINT32_MAX)
			next = side->gone[i].uid + 1;
	return next;
}

/* The UID that the rules let an instance keep, or 0. */
static uint32_t
kept_uid(const struct merge *m, const struct inst *inst)
{
	const struct mails_side *side = m->in->side;
	uint32_t best = 0;

	if (m->renumber)
		return inst->rec[m->keeper] != NULL ?
		    inst->rec[m->keeper]->uid : 0;
	if (m->differs)
		return 0;
	if (m->in->source >= 0)
		return inst->rec[m->in->source]->uid;
	for (unsigned int s = 0; s < 2; s++) {
		if (inst->rec[s] == NULL ||
		    (merge_is_fixed(m, !s) && inst->rec[!s] != NULL) ||
		    inst->rec[s]->uid < merge_side_uidnext(&side[!s]))
			continue;
		if (inst->rec[s]->uid > best)
			best = inst->rec[s]->uid;
	}
	return best;
}

/* Does this instance's UID have to be planned at all? */
static bool
uid_is_open(const struct inst *inst)
{
	if (inst->gone)
		return false;
	if (inst->save[0] || inst->save[1])
		return true;
	return inst->rec[0] != NULL && inst->rec[1] != NULL &&
	    inst->rec[0]->uid != inst->rec[1]->uid;
}

/*
 * Under the UIDVALIDITY of the other side the UIDs of what is to be expunged
 * may be wanted by others, and expunges come last (P9): they move out of the
 * way, behind all others.
 */
static uint64_t
move_doomed(struct merge *m, uint64_t next)
{
	struct plan_side *plan = &m->plan->side[!m->keeper];
	struct plan_op *op;

	if (!m->renumber)
		return next;
	for (size_t i = 0; i < plan->expunges.n; i++) {
		struct plan_op *doomed = &plan->expunges.v[i];

		op = merge_add_op(&plan->ops, PLAN_SET_UID, doomed->uid,
		    &doomed->rec, "M10");
		op->new_uid = doomed->uid = (uint32_t)next++;
	}
	return next;
}

/*
 * B3: a UID of the source is taken at the destination, or it is below UIDNEXT
 * there; or what is to be expunged is in the way of another UIDVALIDITY.  Until
 * all else is done, expunges too, the destination goes on with UIDs of its own.
 */
void
merge_see_rebuild(struct merge *m)
{
	unsigned int src = (unsigned int)m->in->source;
	const struct mails_side *dest;

	if (m->in->source < 0)
		return;
	dest = &m->in->side[!src];
	if (!dest->exists || !dest->state_known || merge_is_fixed(m, !src))
		return;
	if (m->renumber) {
		m->rebuild = m->plan->side[!src].expunges.n > 0;
		m->renumber = !m->rebuild;
	}
	for (size_t i = 0; i < m->insts.n && !m->differs; i++) {
		const struct inst *inst = &m->insts.v[i];
		const struct msg_message *rec = inst->rec[!src];

		if (inst->gone || inst->rec[src] == NULL)
			continue;
		m->rebuild |= inst->rec[src]->uid < dest->uidnext &&
		    (inst->save[!src] || (rec != NULL &&
		    rec->uid != inst->rec[src]->uid));
	}
	m->plan->rebuild = m->rebuild;
}

/* What is saved is behind all others, until the mailbox is built anew. */
static uint64_t
plan_spare_uids(struct merge *m)
{
	uint64_t next = merge_side_uidnext(&m->in->side[!m->in->source]);

	for (size_t i = 0; i < m->insts.n; i++)
		if (!m->insts.v[i].gone && m->insts.v[i].save[!m->in->source])
			m->insts.v[i].uid = (uint32_t)next++;
	return next;
}

static int
plan_uid_cmp(const void *a, const void *b)
{
	const struct plan_uid *x = a, *y = b;

	return x->new_uid < y->new_uid ? -1 : x->new_uid > y->new_uid;
}

void
merge_plan_rebuild(struct merge *m)
{
	unsigned int src = (unsigned int)m->in->source;

	if (!m->rebuild)
		return;
	m->plan->rebuild_uidnext = merge_side_uidnext(&m->in->side[src]);
	for (size_t i = 0; i < m->insts.n; i++) {
		const struct inst *inst = &m->insts.v[i];

		if (inst->gone || inst->rec[src] == NULL ||
		    (inst->rec[!src] == NULL && !inst->save[!src]))
			continue;
		*ARRAY_ADD(&m->plan->uids) = (struct plan_uid){
			inst->save[!src] ? inst->uid : inst->rec[!src]->uid,
			inst->rec[src]->uid, inst->marks[0],
			inst->rec[src]->modseq,
		};
	}
	if (m->plan->uids.n > 1)
		qsort(m->plan->uids.v, m->plan->uids.n,
		    sizeof(*m->plan->uids.v), plan_uid_cmp);
}

/*
 * Where the message is, it can't get another UID, and the other side can't
 * take over this one: each has its own, and that is pending.
 */
static bool
is_stuck(struct merge *m, struct inst *inst)
{
	for (unsigned int s = 0; s < 2; s++) {
		/* Or the side that lacks it keeps its own UIDVALIDITY. */
		if (inst->rec[s] == NULL || (!merge_is_fixed(m, s) &&
		    (!m->differs || m->renumber || inst->rec[!s] != NULL)))
			continue;
		if (!m->differs)
			(void)merge_add_op(&m->plan->blocked, inst->save[!s] ?
			    PLAN_SAVE : PLAN_SET_UID, inst->rec[s]->uid,
			    inst->rec[s], "M4");
		/* What is saved gets a new one, on that side alone. */
		return m->differs || !inst->save[!s];
	}
	return false;
}

/*
 * A save that has failed before may fail again.  Where it is, the message keeps
 * its UID until the save is done, or it would get a new one with each run; the
 * store gives the next one, and the other side follows (M12).
 */
static bool
is_retry(const struct merge *m, const struct inst *inst)
{
	if (m->renumber || m->in->source >= 0 ||
	    (!inst->save[0] && !inst->save[1]))
		return false;
	return merge_is_pending(m, inst);
}

uint64_t
merge_plan_uids(struct merge *m)
{
	struct uid_wish *wishes = arena_calloc(m->scratch, m->insts.n + 1,
	    sizeof(*wishes));
	const struct mails_side *side = m->in->side;
	uint64_t next = merge_side_uidnext(&side[0]);
	size_t n = 0;

	if (m->rebuild)
		return plan_spare_uids(m);
	if (m->renumber)
		next = merge_side_uidnext(&side[m->keeper]);
	else if (m->in->source >= 0)
		next = merge_side_uidnext(&side[m->in->source]);
	else if (merge_side_uidnext(&side[1]) > next)
		next = merge_side_uidnext(&side[1]);
	for (size_t i = 0; i < m->insts.n; i++) {
		struct inst *inst = &m->insts.v[i];
		unsigned int s = inst->rec[0] == NULL;

		if (inst->gone || (!uid_is_open(inst) && !m->renumber))
			continue;
		inst->uid = kept_uid(m, inst);
		if (inst->uid == 0 && (is_retry(m, inst) ||
		    is_stuck(m, inst)))
			continue;
		if (inst->uid == 0)
			wishes[n++] = wish_of(inst, s);
		else if (inst->uid >= next)
			next = (uint64_t)inst->uid + 1;
	}
	if (n > 1)
		qsort(wishes, n, sizeof(*wishes), uid_wish_cmp);
	for (size_t i = 0; i < n; i++)
		wishes[i].inst->uid = (uint32_t)next++;
	return move_doomed(m, next);
}

/*
 * UIDs do not come back: a side that has plenty is not to lose them by what the
 * other one says, be it damaged or hostile.  Such a mailbox is left alone until
 * somebody gives it another UIDVALIDITY.
 */
bool
merge_uids_used_up(struct merge *m, uint64_t next)
{
	struct plan_mails *plan = m->plan;
	bool used_up = next > UINT32_MAX;

	for (unsigned int s = 0; s < 2; s++) {
		const struct mails_side *side = &m->in->side[s];

		used_up |= m->in->source < 0 && next > MERGE_UID_HIGH &&
		    side->exists && side->state_known &&
		    side->uidnext <= MERGE_UID_HIGH;
	}
	if (!used_up)
		return false;
	for (unsigned int s = 0; s < 2; s++)
		plan->side[s].ops.n = plan->side[s].expunges.n = 0;
	plan->uids_used_up = true;
	plan->rebuild = m->rebuild = false;
	plan->skipped = plan->seen;
	plan->equal = plan->copied = plan->flagged = plan->expunged = 0;
	return true;
}

/* A UID of the source is taken where the mailbox can't be built anew (B3). */
static bool
uid_blocked(struct merge *m, unsigned int s, const struct inst *inst)
{
	if (m->in->source < 0 || m->renumber ||
	    inst->uid >= merge_side_uidnext(&m->in->side[s]))
		return false;
	if (inst->uid == 0)
		return true;	/* told before: is_stuck */
	(void)merge_add_op(&m->plan->blocked, inst->save[s] ? PLAN_SAVE :
	    PLAN_SET_UID, inst->uid, inst->rec[m->in->source], "B3");
	return true;
}

bool
merge_uid_changes(const struct merge *m, const struct inst *inst,
    unsigned int s)
{
	const struct msg_message *rec = inst->rec[s];

	if (m->in->source < 0 && merge_is_fixed(m, s))
		return false;
	return rec != NULL && !inst->save[s] && inst->uid != 0 &&
	    merge_may_write(m, s) && (rec->uid != inst->uid ||
	    (m->renumber && s != m->keeper));
}

void
merge_add_uid_ops(struct merge *m, struct inst *inst)
{
	for (unsigned int s = 0; s < 2; s++) {
		const struct msg_message *rec = inst->rec[s];
		struct plan_op *op;

		if (inst->save[s]) {
			/* A backup with another UID is better than none. */
			if (uid_blocked(m, s, inst))
				inst->uid = m->spare < UINT32_MAX ?
				    (uint32_t)m->spare++ : 0;
			op = merge_add_op(&m->plan->side[s].ops,
			    inst->rec[!s]->held ? PLAN_COPY : PLAN_SAVE,
			    inst->uid, inst->rec[!s],
			    inst->rec[!s]->held ? "M8" : "M2");
			op->from_uid = inst->rec[!s]->uid;
			op->rec.uid = inst->uid;
			op->rec.modseq = inst->modseq[s];
			op->rec.flags = inst->flags[!s];
			op->rec.marks = inst->marks;
			op->rec.mark_count = inst->mark_count;
		} else if (merge_uid_changes(m, inst, s)) {
			if (uid_blocked(m, s, inst))
				continue;
			op = merge_add_op(&m->plan->side[s].ops, PLAN_SET_UID,
			    rec->uid, rec, m->renumber ? "M10" : "M4");
			op->new_uid = inst->uid;
			op->rec.modseq = inst->modseq[s];
			/* By its own marks: those of its twin come with its
			   flags, which may be in the same batch. */
			m->plan->renumbered += rec->uid != inst->uid;
		}
	}
}

/* M13, and the values of the side that keeps UIDVALIDITY (M10). */
void
merge_plan_state(struct merge *m, uint32_t next)
{
	if (m->rebuild || (m->in->source >= 0 &&
	    !m->in->side[m->in->source].exists))
		return;
	m->plan->uidvalidity_kept = m->differs && !m->renumber;
	if (m->plan->uidvalidity_kept)
		return;
	for (unsigned int s = 0; s < 2; s++) {
		const struct mails_side *side = &m->in->side[s];

		if (!merge_may_write(m, s))
			continue;
		if (m->renumber && s != m->keeper)
			m->plan->side[s].uidvalidity =
			    m->in->side[m->keeper].uidvalidity;
		/* One-way it can't be lowered (B3); a mirror makes it equal. */
		if (side->exists && side->state_known &&
		    side->uidnext > next &&
		    m->plan->side[s].uidvalidity == 0) {
			m->plan->uidnext_above = true;
			continue;
		}
		if (!side->exists || !side->state_known ||
		    side->uidnext != next ||
		    m->plan->side[s].uidvalidity != 0)
			m->plan->side[s].uidnext = next;
	}
}
