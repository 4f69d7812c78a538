/*
 * merge_decide.c - what becomes of each message: nothing, flags, a save, an
 * expunge (M2, M3, M9, F1, B0)
 *
 * Each instance has a record on one side or on both, and is decided alone.  In
 * a view with a base a side tells only what changed.  An instance that one
 * side reports as changed but not new, and the other side does not report at
 * all, is there unchanged; so the whole record of the first side is later in
 * every key.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "brain/merge_flags.h"
#include "brain/merge_int.h"

/* Side s reports nothing about it: is it there, unchanged? */
static bool
there_unchanged(const struct merge *m, unsigned int s, const struct inst *inst)
{
	const struct mails_side *side = &m->in->side[s];

	if (!m->in->base || side->complete || !side->exists)
		return false;
	if (inst->rec[!s]->is_new)
		return false;
	if (merge_count_dead(m, s, inst->marks, inst->mark_count) > 0)
		return false;
	for (size_t i = 0; i < inst->mark_count; i++)
		if (marks_sorted_have(side->asked, side->asked_count,
		    &inst->marks[i]))
			return false;
	return true;
}

static void
set_flags(struct merge *m, unsigned int s, struct inst *inst,
    uint32_t uid, const struct mail_flags *flags, const char *rule)
{
	struct plan_op *op;

	if (!merge_may_write(m, s))
		return;
	op = merge_add_op(&m->plan->side[s].ops, PLAN_FLAGS, uid,
	    inst->rec[s] != NULL ? inst->rec[s] : inst->rec[!s], rule);
	op->rec.flags = *flags;
	op->rec.marks = inst->marks;
	op->rec.mark_count = inst->mark_count;
	inst->flag_op[s] = m->plan->side[s].ops.n;
	inst->flagged[s] = inst->rec[s] == NULL ||
	    !mail_flags_same(flags, &inst->rec[s]->flags);
	op->unseen = !inst->flagged[s];
}

static bool
marks_same(const struct msg_message *rec, const struct inst *inst)
{
	return rec->mark_count == inst->mark_count && memcmp(rec->marks,
	    inst->marks, rec->mark_count * sizeof(*rec->marks)) == 0;
}

/* Side s tells of it because it has changed since the base. */
static bool
told_changed(const struct merge *m, unsigned int s, const struct inst *inst)
{
	const struct mails_side *side = &m->in->side[s];

	if (!m->in->base || side->complete || inst->rec[s]->is_new)
		return false;
	for (size_t i = 0; i < inst->rec[s]->mark_count; i++)
		if (marks_sorted_have(side->asked, side->asked_count,
		    &inst->rec[s]->marks[i]))
			return false;
	return true;
}

/* A flag that both sides have changed, or of which no change is known. */
static void
note_conflict(struct merge *m, struct inst *inst)
{
	enum flags_conflict conflict = merge_flags_conflict(&inst->flags[0],
	    &inst->flags[1]);

	if (conflict == FLAGS_TIED)
		merge_note(m, inst->rec[0], "F2", "flags differ and none is "
		    "known to be later: what is set stays, but \\Deleted");
	else if (conflict == FLAGS_LATER && told_changed(m, 0, inst) &&
	    told_changed(m, 1, inst))
		merge_note(m, inst->rec[0], "F1", "both sides changed its "
		    "flags: the later change of each flag stays");
}

/* Both sides have it: flags and marks (F1, F2, M5; B0). */
static void
decide_pair(struct merge *m, struct inst *inst)
{
	struct mail_flags want[2];
	bool changed = false;
	int src = m->in->source;

	if (src < 0) {
		note_conflict(m, inst);
		want[0] = want[1] = merge_flags(m->arena, &inst->flags[0],
		    &inst->flags[1]);
	} else {
		want[src] = inst->flags[src];
		want[!src] = merge_flags_impose(m->arena, &inst->flags[src],
		    &inst->flags[!src]);
	}
	for (unsigned int s = 0; s < 2; s++) {
		const struct msg_message *rec = inst->rec[s];
		bool same = mail_flags_same(&want[s], &rec->flags);

		if (same && mail_flags_identical(&want[s], &rec->flags) &&
		    marks_same(rec, inst))
			continue;
		set_flags(m, s, inst, rec->uid, &want[s],
		    src < 0 ? "F1" : "B0");
		changed |= !same && merge_may_write(m, s);
	}
	if (changed)
		m->plan->flagged++;
	else
		m->plan->equal++;
}

/* Side s gets it, with the same marks, GUID, flags and stamps (M2). */
static void
decide_save(struct merge *m, unsigned int s, struct inst *inst)
{
	if (!merge_may_write(m, s))
		return;
	if (!m->in->base &&
	    merge_count_dead(m, s, inst->marks, inst->mark_count) > 0) {
		/*
		 * M9: kept, with one more mark, the same whoever derives it.
		 * The dead ones stay: they tell the store which message is
		 * meant, and an instance is dead by all its marks only.
		 */
		struct guid128 seed[2] = { inst->marks[0], m->in->run }, mark;
		uint8_t hash[DIGEST_SIZE];

		digest_sha256(seed, sizeof(seed), hash);
		memcpy(mark.b, hash, GUID_SIZE);
		merge_add_marks(m, inst, &mark, 1);
		set_flags(m, !s, inst, inst->rec[!s]->uid,
		    &inst->flags[!s], "M9");
		if (m->in->source < 0)
			merge_note(m, inst->rec[!s], "M9", "it was expunged on "
			    "the other side, which is not known to have meant "
			    "this one: it stays");
	}
	inst->save[s] = true;
	m->plan->copied++;
}

/* Only side h (here) reports it; o is the other one. */
static void
decide_single(struct merge *m, struct inst *inst, unsigned int h)
{
	const struct msg_message *rec = inst->rec[h];
	unsigned int o = !h;
	size_t dead = merge_count_dead(m, o, inst->marks, inst->mark_count);

	if (there_unchanged(m, o, inst)) {
		if (m->in->source == (int)o) {
			/* B0: cannot happen after a look-up; keep (P1). */
			m->plan->skipped++;
			(void)merge_add_op(&m->plan->blocked, PLAN_EXPUNGE,
			    rec->uid, rec, "B0");
			return;
		}
		set_flags(m, o, inst, rec->uid, &inst->flags[h],
		    m->in->source < 0 ? "F1" : "B0");
		m->plan->flagged++;
		return;
	}
	if (m->in->source == (int)o) {
		inst->gone = true;
		merge_add_expunge(m, h, rec->uid, rec, false, "B2");
		return;
	}
	if (m->in->source < 0 && m->in->base && dead == inst->mark_count) {
		inst->gone = true;
		merge_add_expunge(m, h, rec->uid, rec, false, "M3");
		if (told_changed(m, h, inst))
			merge_note(m, rec, "M3", "it was changed here and "
			    "expunged on the other side: it goes");
		return;
	}
	decide_save(m, o, inst);
	if (!mail_flags_identical(&inst->flags[h], &rec->flags))
		set_flags(m, h, inst, rec->uid, &inst->flags[h], "M5");
}

/*
 * Tombstones of side s that meet no record of the other side: that side has the
 * message unchanged, or never had it, or lost it too (M3).
 */
static void
decide_gone(struct merge *m, unsigned int s, struct guid128 *live,
    size_t live_count)
{
	const struct mails_side *side = &m->in->side[s];
	const struct mails_side *other = &m->in->side[!s];
	struct msg_message rec;
	bool met;

	if (!m->in->base || other->complete || !other->exists ||
	    m->in->source == (int)!s)
		return;
	for (size_t i = 0; i < side->gone_count; i++) {
		const struct msg_gone *g = &side->gone[i];

		met = g->is_new;
		for (size_t k = 0; k < g->mark_count && !met; k++)
			met = marks_sorted_have(live, live_count, &g->marks[k]) ||
			    marks_sorted_have(m->dead[!s], m->dead_count[!s],
			    &g->marks[k]) ||
			    marks_sorted_have(other->asked, other->asked_count,
			    &g->marks[k]);
		if (met)
			continue;
		rec = (struct msg_message){
			.uid = g->uid, .guid = g->guid, .marks = g->marks,
			.mark_count = g->mark_count,
		};
		merge_add_expunge(m, !s, g->uid, &rec, false, "M3");
	}
}

void
merge_decide_all(struct merge *m)
{
	struct guid128 *live;
	size_t n = 0;

	for (size_t i = 0; i < m->insts.n; i++)
		n += m->insts.v[i].mark_count;
	live = arena_calloc(m->scratch, n + 1, sizeof(*live));
	n = 0;
	for (size_t i = 0; i < m->insts.n; i++) {
		struct inst *inst = &m->insts.v[i];

		if (inst->gone)
			continue;
		memcpy(&live[n], inst->marks,
		    inst->mark_count * sizeof(*live));
		n += inst->mark_count;
		m->plan->seen++;
		if (inst->rec[0] != NULL && inst->rec[1] != NULL)
			decide_pair(m, inst);
		else
			decide_single(m, inst, inst->rec[0] == NULL);
		if (inst->gone)
			m->plan->seen--;
	}
	n = marks_normalise(live, n);
	for (unsigned int s = 0; s < 2; s++)
		decide_gone(m, s, live, n);
}
