/*
 * merge_mails.c - what becomes of the messages of one mailbox (M1-M13, B0)
 *
 * The records of both sides are joined into instances: first by birth marks
 * (one mark in common suffices), then, for what is left and where the rules
 * allow it, by UID and GUID, by GUID, by digest (merge_pair.c).  Each instance
 * then has a record on one side or on both, and is decided alone: nothing,
 * flags, save, expunge (merge_decide.c).  Last come the UIDs, planned for the
 * whole mailbox at once (merge_uids.c), and the modseqs (merge_modseqs.c).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "brain/merge_int.h"

struct plan_op *
merge_add_op(struct plan_ops *ops, enum plan_kind kind, uint32_t uid,
    const struct msg_message *rec, const char *rule)
{
	struct plan_op *op = ARRAY_ADD(ops);

	op->kind = kind;
	op->uid = uid;
	op->rule = rule;
	if (rec != NULL)
		op->rec = *rec;
	op->rec.modseq = 0;
	return op;
}

void
merge_note(struct merge *m, const struct msg_message *rec, const char *rule,
    const char *what)
{
	*ARRAY_ADD(&m->plan->notes) = (struct plan_note){
		.uid = rec != NULL ? rec->uid : 0,
		.guid = rec != NULL ? rec->guid : NULL,
		.rule = rule, .what = what,
	};
}

/*
 * A one-way run writes nothing at the source (B0, B1): its operations are
 * dropped here, once for all.
 */
bool
merge_may_write(const struct merge *m, unsigned int s)
{
	return m->in->source != (int)s;
}

void
merge_add_expunge(struct merge *m, unsigned int s, uint32_t uid,
    const struct msg_message *rec, bool no_tombstone, const char *rule)
{
	struct plan_op *op;

	if (!merge_may_write(m, s))
		return;
	op = merge_add_op(&m->plan->side[s].expunges, PLAN_EXPUNGE, uid, rec,
	    rule);
	op->no_tombstone = no_tombstone;
	if (!no_tombstone)
		m->plan->expunged++;
}

bool
merge_is_fixed(const struct merge *m, unsigned int s)
{
	const struct mails_side *side = &m->in->side[s];

	return side->append && side->exists && side->messages > 0;
}

/* M10: who keeps UIDVALIDITY and UIDs? */
static unsigned int
choose_keeper(const struct mails_input *in)
{
	const struct mails_side *a = &in->side[0], *b = &in->side[1];

	if (in->source >= 0)
		return (unsigned int)in->source;
	if ((a->append && a->messages > 0) != (b->append && b->messages > 0))
		return b->append && b->messages > 0;
	if ((a->uidnext > MERGE_UID_HIGH) != (b->uidnext > MERGE_UID_HIGH))
		return a->uidnext > MERGE_UID_HIGH;
	if (in->base && a->uidvalidity_changed != b->uidvalidity_changed)
		return b->uidvalidity_changed;
	if (!in->base && a->messages != b->messages)
		return b->messages > a->messages;
	return b->uidvalidity > a->uidvalidity;
}

static bool
uidvalidity_differs(const struct mails_input *in)
{
	const struct mails_side *a = &in->side[0], *b = &in->side[1];

	return a->exists && b->exists && a->state_known && b->state_known &&
	    a->uidvalidity != b->uidvalidity;
}

bool
merge_mails_needs_lists(const struct mails_input *in)
{
	const struct mails_side *a = &in->side[0], *b = &in->side[1];

	if (!a->exists || !b->exists || (a->complete && b->complete))
		return false;
	return uidvalidity_differs(in) || a->uidvalidity_changed ||
	    b->uidvalidity_changed;
}

static void
merge_begin(struct merge *m, struct arena *arena, const struct mails_input *in,
    struct plan_mails *plan)
{
	*m = (struct merge){ .arena = arena, .in = in, .plan = plan,
	    .scratch = arena_new(MERGE_SCRATCH_MAX) };
	m->differs = uidvalidity_differs(in);
	m->keeper = m->differs ? choose_keeper(in) : 0;
	m->renumber = m->differs && !merge_is_fixed(m, !m->keeper);
	if (m->renumber && in->source < 0 && in->side[!m->keeper].messages > 0)
		merge_note(m, NULL, "M10", m->keeper == 0 ?
		    "UIDVALIDITY and UIDs of the first location are taken" :
		    "UIDVALIDITY and UIDs of the second location are taken");
	for (unsigned int s = 0; s < 2; s++)
		merge_collect_dead(m, s);
	merge_make_insts(m);
	merge_pair_rest(m);
}

static void
merge_end(struct merge *m)
{
	ARRAY_FREE(&m->insts);
	arena_free(&m->scratch);
}

void
merge_mails(struct arena *arena, const struct mails_input *in,
    struct plan_mails *plan)
{
	struct merge m;
	uint64_t next = 0;

	*plan = (struct plan_mails){ 0 };
	merge_begin(&m, arena, in, plan);
	merge_decide_all(&m);
	merge_see_rebuild(&m);
	next = merge_plan_uids(&m);
	if (!merge_uids_used_up(&m, next)) {
		m.spare = next;
		for (unsigned int s = 0; s < 2; s++)
			if (merge_side_uidnext(&in->side[s]) > m.spare)
				m.spare = merge_side_uidnext(&in->side[s]);
		merge_plan_modseqs(&m);
		for (size_t i = 0; i < m.insts.n; i++)
			if (!m.insts.v[i].gone)
				merge_add_uid_ops(&m, &m.insts.v[i]);
		merge_plan_state(&m, (uint32_t)next);
		merge_plan_rebuild(&m);
	}
	for (unsigned int s = 0; s < 2; s++)
		plan_side_sort(&plan->side[s]);
	merge_end(&m);
}

void
merge_mails_wanted(struct arena *arena, const struct mails_input *in,
    struct mails_wanted *wanted)
{
	struct plan_mails plan = { 0 };
	bool all = !in->base || uidvalidity_differs(in);
	size_t left[2] = { 0 };
	struct merge m;

	*wanted = (struct mails_wanted){ 0 };
	if (!all && in->retry_count == 0)
		return;
	merge_begin(&m, arena, in, &plan);
	for (size_t i = 0; i < m.insts.n; i++) {
		const struct inst *inst = &m.insts.v[i];
		unsigned int s = inst->rec[0] == NULL;

		if (inst->gone || inst->rec[!s] != NULL ||
		    (!all && !merge_is_pending(&m, inst)))
			continue;
		left[s]++;
		if (inst->rec[s]->digest == NULL)
			*ARRAY_ADD(&wanted->uids[s]) = inst->rec[s]->uid;
	}
	/* Leftovers of one side alone can't be the same as anything. */
	for (unsigned int s = 0; s < 2 && (left[0] == 0 || left[1] == 0); s++)
		ARRAY_FREE(&wanted->uids[s]);
	merge_end(&m);
	plan_mails_deinit(&plan);
}
