/*
 * merge_modseqs.c - modification sequences (F6)
 *
 * A mail client remembers the HIGHESTMODSEQ of the side that it saw last, and
 * asks whichever side it meets next for what is above that.  So whatever
 * a run changes on a side has to get a modseq above all that a client can have
 * seen there; and since the client may have seen the other side, both should
 * have the same one.  The other side's own value will do if it is high enough:
 * so modseqs travel from store to store without growing, and come to rest in
 * a ring.  Else both take a new one.
 *
 * What a store answers may be higher still, if a mail client was faster; then
 * the other side follows in the same run (results.c).
 *
 * Renumbering (M10) makes clients forget all that they knew of the mailbox, so
 * there it is enough that both are equal.
 */
#include "config.h"

#include "brain/merge_int.h"

/* HIGHESTMODSEQ as far as it is known. */
static uint64_t
side_highest(const struct mails_side *side)
{
	return side->exists && side->state_known ? side->highestmodseq : 0;
}

static uint64_t
rec_modseq(const struct inst *inst, unsigned int s)
{
	const struct msg_message *rec = inst->rec[s];

	return rec != NULL && rec->modseq <= MERGE_MODSEQ_MAX ?
	    rec->modseq : 0;
}

static void
both_new(struct merge *m, struct inst *inst)
{
	inst->modseq[0] = inst->modseq[1] = ++m->plan->modseq;
}

/* Side s changes, the other one does not. */
static void
one_changes(struct merge *m, struct inst *inst, unsigned int s)
{
	uint64_t theirs = rec_modseq(inst, !s);

	/* B0: the source's value, whatever it is. */
	if (m->in->source >= 0 ||
	    theirs > side_highest(&m->in->side[s]))
		inst->modseq[s] = theirs;
	else if (theirs != 0)
		both_new(m, inst);
}

static void
none_changes(struct merge *m, struct inst *inst)
{
	uint64_t a = rec_modseq(inst, 0), b = rec_modseq(inst, 1);

	/* None is kept there, or none was ever asked for. */
	if (a == 0 || b == 0)
		return;
	if (a < b || (m->renumber && a <= b))
		inst->modseq[0] = b;
	if (b < a || (m->renumber && b <= a))
		inst->modseq[1] = a;
}

static void
plan_inst(struct merge *m, struct inst *inst)
{
	bool changes[2];

	for (unsigned int s = 0; s < 2; s++)
		changes[s] = inst->save[s] || inst->flagged[s] ||
		    (!m->renumber && merge_uid_changes(m, inst, s));
	/* It is there unchanged, but not reported: its modseq is older. */
	for (unsigned int s = 0; s < 2; s++)
		changes[s] |= inst->rec[s] == NULL && inst->flag_op[s] != 0;
	if (changes[0] && changes[1])
		both_new(m, inst);
	else if (changes[0] || changes[1])
		one_changes(m, inst, changes[1]);
	else if (inst->rec[0] != NULL && inst->rec[1] != NULL)
		none_changes(m, inst);
	/* What is renumbered would get a new one otherwise. */
	if (m->renumber && inst->modseq[!m->keeper] == 0)
		inst->modseq[!m->keeper] = inst->modseq[m->keeper] != 0 ?
		    inst->modseq[m->keeper] : rec_modseq(inst, !m->keeper);
}

/* By the operation that there is, or by one of its own. */
static void
carry(struct merge *m, struct inst *inst, unsigned int s)
{
	struct plan_ops *ops = &m->plan->side[s].ops;
	uint64_t modseq = inst->modseq[s];
	struct plan_op *op;

	if (modseq == 0)
		return;
	if (!merge_may_write(m, s)) {
		m->plan->modseq_above = true;
		return;
	}
	if (modseq > m->plan->modseq)
		m->plan->modseq = modseq;
	if (inst->flag_op[s] != 0)
		ops->v[inst->flag_op[s] - 1].rec.modseq = modseq;
	else if (!inst->save[s] && !merge_uid_changes(m, inst, s)) {
		op = merge_add_op(ops, PLAN_MODSEQ, inst->rec[s]->uid,
		    inst->rec[s], "F6");
		op->rec.modseq = modseq;
	}
}

/* A peer that may only add can't follow: a later run, perhaps. */
static bool
any_differs(const struct merge *m)
{
	for (size_t i = 0; i < m->insts.n; i++) {
		const struct inst *inst = &m->insts.v[i];
		uint64_t a = rec_modseq(inst, 0), b = rec_modseq(inst, 1);

		if (!inst->gone && a != 0 && b != 0 && a != b)
			return true;
	}
	return false;
}

void
merge_plan_modseqs(struct merge *m)
{
	const struct mails_input *in = m->in;

	if (!in->modseqs) {
		m->plan->modseq_above |= any_differs(m);
		return;
	}
	m->plan->modseq = in->modseq;
	for (unsigned int s = 0; s < 2; s++)
		if (side_highest(&in->side[s]) > m->plan->modseq &&
		    in->source != (int)!s)
			m->plan->modseq = side_highest(&in->side[s]);
	/* B3 is not for this: it stays, and a mirror makes it equal. */
	if (in->source >= 0 && side_highest(&in->side[!in->source]) >
	    side_highest(&in->side[in->source]))
		m->plan->modseq_above = true;
	for (size_t i = 0; i < m->insts.n; i++) {
		struct inst *inst = &m->insts.v[i];

		if (inst->gone)
			continue;
		plan_inst(m, inst);
		for (unsigned int s = 0; s < 2; s++)
			carry(m, inst, s);
	}
}
