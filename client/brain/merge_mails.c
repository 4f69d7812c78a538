/*
 * merge_mails.c - what becomes of the messages of one mailbox (M1-M13, B0)
 *
 * The records of both sides are joined into instances: first by birth marks
 * (one mark in common suffices), then, for what is left and where the rules
 * allow it, by UID and GUID, by GUID, by digest.  Each instance then has
 * a record on one side or on both, and is decided alone: nothing, flags, save,
 * expunge.  Last come the UIDs, planned for the whole mailbox at once (M4).
 *
 * In a view with a base a side tells only what changed.  An instance that one
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
#include "brain/merge_mails.h"

/* One instance: a record on one side or on both. */
struct inst {
	struct msg_message *rec[2];	/* NULL: that side reports none */
	struct guid128 *marks;		/* of both, normalised */
	size_t mark_count;
	struct mail_flags flags[2];	/* surplus twins merged in */
	bool save[2];			/* this side gets it */
	bool gone;			/* expunged: takes part in nothing else */
	uint32_t uid;			/* the UID it shall have; 0: as it is */
};

struct mark_ref {
	struct guid128 mark;
	uint32_t side, index;
};

struct merge {
	struct arena *arena;
	const struct mails_input *in;
	struct plan_mails *plan;
	ARRAY(struct inst) insts;
	struct guid128 *dead[2];	/* sorted marks of the tombstones */
	size_t dead_count[2];
	bool renumber;			/* UIDVALIDITY differs (M10) */
	unsigned int keeper;		/* renumber: the side that keeps */
	uint32_t spare;			/* one-way: above all UIDs of both */
};

static int
guid_qcmp(const void *a, const void *b)
{
	return guid_cmp(a, b);
}

static int
mark_ref_cmp(const void *a, const void *b)
{
	const struct mark_ref *x = a, *y = b;
	int cmp = guid_cmp(&x->mark, &y->mark);

	if (cmp != 0)
		return cmp;
	if (x->side != y->side)
		return x->side < y->side ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static bool
mark_in(const struct guid128 *sorted, size_t count, const struct guid128 *mark)
{
	return count > 0 && bsearch(mark, sorted, count, sizeof(*sorted),
	    guid_qcmp) != NULL;
}

static void
collect_dead(struct merge *m, unsigned int s)
{
	const struct mails_side *side = &m->in->side[s];
	size_t n = 0;

	for (size_t i = 0; i < side->gone_count; i++)
		n += side->gone[i].mark_count;
	m->dead[s] = arena_calloc(m->arena, n + 1, sizeof(*m->dead[s]));
	n = 0;
	for (size_t i = 0; i < side->gone_count; i++) {
		memcpy(&m->dead[s][n], side->gone[i].marks,
		    side->gone[i].mark_count * sizeof(*m->dead[s]));
		n += side->gone[i].mark_count;
	}
	if (n > 1)
		qsort(m->dead[s], n, sizeof(*m->dead[s]), guid_qcmp);
	m->dead_count[s] = n;
}

/* How many of these marks have tombstones on side s? */
static size_t
count_dead(const struct merge *m, unsigned int s, const struct guid128 *marks,
    size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += mark_in(m->dead[s], m->dead_count[s], &marks[i]);
	return n;
}

/* Union-find over all records: sides' indexes in one row. */
static size_t
find_root(uint32_t *parent, size_t i)
{
	while (parent[i] != i) {
		parent[i] = parent[parent[i]];
		i = parent[i];
	}
	return i;
}

static uint32_t *
join_by_marks(struct merge *m, size_t n0, size_t total)
{
	uint32_t *parent = arena_calloc(m->arena, total + 1, sizeof(*parent));
	struct mark_ref *refs;
	size_t n = 0, a, b;

	for (unsigned int s = 0; s < 2; s++)
		for (size_t i = 0; i < m->in->side[s].rec_count; i++)
			n += m->in->side[s].recs[i].mark_count;
	refs = arena_calloc(m->arena, n + 1, sizeof(*refs));
	n = 0;
	for (unsigned int s = 0; s < 2; s++) {
		for (size_t i = 0; i < m->in->side[s].rec_count; i++) {
			const struct msg_message *r = &m->in->side[s].recs[i];

			for (size_t k = 0; k < r->mark_count; k++)
				refs[n++] = (struct mark_ref){ r->marks[k], s,
				    (uint32_t)i };
		}
	}
	for (size_t i = 0; i < total; i++)
		parent[i] = (uint32_t)i;
	if (n > 1)
		qsort(refs, n, sizeof(*refs), mark_ref_cmp);
	for (size_t i = 1; i < n; i++) {
		if (!guid_eq(&refs[i].mark, &refs[i - 1].mark))
			continue;
		a = find_root(parent, refs[i].index + (refs[i].side ? n0 : 0));
		b = find_root(parent,
		    refs[i - 1].index + (refs[i - 1].side ? n0 : 0));
		/* The lower index is the root, so twins keep the lower UID. */
		parent[a > b ? a : b] = (uint32_t)(a > b ? b : a);
	}
	return parent;
}

static void
add_marks(struct merge *m, struct inst *inst, const struct guid128 *marks,
    size_t count)
{
	struct guid128 *all = arena_calloc(m->arena,
	    inst->mark_count + count, sizeof(*all));

	if (inst->mark_count > 0)
		memcpy(all, inst->marks, inst->mark_count * sizeof(*all));
	memcpy(all + inst->mark_count, marks, count * sizeof(*all));
	inst->marks = all;
	inst->mark_count = marks_normalise(all, inst->mark_count + count);
	if (inst->mark_count > MARKS_MAX)
		inst->mark_count = MARKS_MAX;
}

static struct plan_op *
add_op(struct plan_ops *ops, enum plan_kind kind, uint32_t uid,
    const struct msg_message *rec, const char *rule)
{
	struct plan_op *op = ARRAY_ADD(ops);

	op->kind = kind;
	op->uid = uid;
	op->rule = rule;
	if (rec != NULL)
		op->rec = *rec;
	return op;
}

/*
 * A one-way run writes nothing at the source (B0, B1): its operations are
 * dropped here, once for all.
 */
static bool
may_write(const struct merge *m, unsigned int s)
{
	return m->in->source != (int)s;
}

static void
add_expunge(struct merge *m, unsigned int s, uint32_t uid,
    const struct msg_message *rec, bool no_tombstone, const char *rule)
{
	struct plan_op *op;

	if (!may_write(m, s))
		return;
	op = add_op(&m->plan->side[s].expunges, PLAN_EXPUNGE, uid, rec, rule);
	op->no_tombstone = no_tombstone;
	if (!no_tombstone)
		m->plan->expunged++;
}

/*
 * Records of one side that have marks in common, perhaps only by way of what
 * the other side says: one mail?  A peer may call any marks one; a message is
 * dropped as surplus only for another one of its own side that is the same.
 */
static bool
same_mail(const struct msg_message *a, const struct msg_message *b)
{
	return strcmp(a->guid, b->guid) == 0 || (a->digest != NULL &&
	    b->digest != NULL &&
	    memcmp(a->digest, b->digest, DIGEST_SIZE) == 0);
}

/* Put a record into its instance; a second one of the same side is a twin. */
static void
inst_take(struct merge *m, struct inst *inst, unsigned int s,
    struct msg_message *rec)
{
	if (inst->rec[s] == NULL) {
		inst->rec[s] = rec;
		inst->flags[s] = rec->flags;
	} else {
		inst->flags[s] = merge_flags(m->arena, &inst->flags[s],
		    &rec->flags);
		add_expunge(m, s, rec->uid, rec, true, "M5");
	}
	if (inst->mark_count == 0) {
		inst->marks = rec->marks;
		inst->mark_count = rec->mark_count;
	} else {
		add_marks(m, inst, rec->marks, rec->mark_count);
	}
}

static void
make_insts(struct merge *m)
{
	size_t n0 = m->in->side[0].rec_count;
	size_t total = n0 + m->in->side[1].rec_count, root;
	uint32_t *parent = join_by_marks(m, n0, total);
	uint32_t *where = arena_calloc(m->arena, total + 1, sizeof(*where));
	struct inst *inst;

	for (size_t i = 0; i < total; i++) {
		unsigned int s = i >= n0;
		struct msg_message *rec =
		    &m->in->side[s].recs[i - (s ? n0 : 0)];

		root = find_root(parent, i);
		if (where[root] == 0) {
			(void)ARRAY_ADD(&m->insts);
			where[root] = (uint32_t)m->insts.n;
		}
		inst = &m->insts.v[where[root] - 1];
		if (inst->rec[s] != NULL && !same_mail(inst->rec[s], rec))
			inst = ARRAY_ADD(&m->insts);
		inst_take(m, inst, s, rec);
	}
}

static void
pair(struct merge *m, struct inst *a, struct inst *b)
{
	a->rec[1] = b->rec[1];
	a->flags[1] = b->flags[1];
	add_marks(m, a, b->marks, b->mark_count);
	b->rec[1] = NULL;
	b->gone = true;
}

enum pair_key { BY_UID_GUID, BY_GUID, BY_DIGEST };

struct loose {
	struct inst *inst;
	const struct msg_message *rec;
};

static int
key_cmp(enum pair_key key, const struct msg_message *x,
    const struct msg_message *y)
{
	switch (key) {
	case BY_UID_GUID:
		if (x->uid != y->uid)
			return x->uid < y->uid ? -1 : 1;
		return strcmp(x->guid, y->guid);
	case BY_GUID:
		return strcmp(x->guid, y->guid);
	case BY_DIGEST:
		return memcmp(x->digest, y->digest, DIGEST_SIZE);
	}
	abort();
}

#define LOOSE_CMP(name, key)						\
static int								\
name(const void *a, const void *b)					\
{									\
	const struct loose *x = a, *y = b;				\
	int cmp = key_cmp(key, x->rec, y->rec);				\
									\
	if (cmp != 0)							\
		return cmp;						\
	return x->rec->uid < y->rec->uid ? -1 : x->rec->uid > y->rec->uid; \
}

LOOSE_CMP(loose_uid_cmp, BY_UID_GUID)
LOOSE_CMP(loose_guid_cmp, BY_GUID)
LOOSE_CMP(loose_digest_cmp, BY_DIGEST)

/* All its marks were looked up on side o, which knows none of them. */
static bool
asked_in_vain(const struct merge *m, unsigned int o,
    const struct msg_message *rec)
{
	const struct mails_side *side = &m->in->side[o];

	for (size_t i = 0; i < rec->mark_count; i++)
		if (!mark_in(side->asked, side->asked_count, &rec->marks[i]))
			return false;
	return true;
}

/* May an unpaired record be paired by this key? (M5, M9, M10) */
static bool
pairable(const struct merge *m, const struct inst *inst, unsigned int s,
    enum pair_key key)
{
	const struct msg_message *rec = inst->rec[s];

	if (inst->gone || rec == NULL || inst->rec[!s] != NULL)
		return false;
	if (key == BY_DIGEST && rec->digest == NULL)
		return false;
	if (!m->in->base || m->renumber)
		return true;
	if (rec->is_new)
		return true;
	/*
	 * With -f: a mark was lost, but nothing says that it is dead.  Pending:
	 * a save that was cut after the message was there, but not its record.
	 */
	return (m->in->side[!s].complete || asked_in_vain(m, !s, rec)) &&
	    count_dead(m, !s, rec->marks, rec->mark_count) == 0;
}

static size_t
collect_loose(struct merge *m, unsigned int s, enum pair_key key,
    struct loose **out)
{
	static int (*const cmps[])(const void *, const void *) = {
		loose_uid_cmp, loose_guid_cmp, loose_digest_cmp,
	};
	size_t n = 0;

	*out = arena_calloc(m->arena, m->in->side[s].rec_count + 1,
	    sizeof(**out));
	for (size_t i = 0; i < m->insts.n; i++) {
		struct inst *inst = &m->insts.v[i];

		if (pairable(m, inst, s, key))
			(*out)[n++] = (struct loose){ inst, inst->rec[s] };
	}
	if (n > 1)
		qsort(*out, n, sizeof(**out), cmps[key]);
	return n;
}

/* Pair what is left one to one by key, in UID order among equals. */
static void
pair_by(struct merge *m, enum pair_key key)
{
	struct loose *a, *b;
	size_t na = collect_loose(m, 0, key, &a), nb, i = 0, j = 0;
	int cmp;

	if (na == 0)
		return;
	nb = collect_loose(m, 1, key, &b);
	while (i < na && j < nb) {
		cmp = key_cmp(key, a[i].rec, b[j].rec);
		if (cmp < 0) {
			i++;
		} else if (cmp > 0) {
			j++;
		} else {
			pair(m, a[i].inst, b[j].inst);
			i++;
			j++;
		}
	}
}

static void
pair_rest(struct merge *m)
{
	if (!m->in->base && !m->renumber)
		pair_by(m, BY_UID_GUID);
	pair_by(m, BY_GUID);
	if (!m->in->base || m->renumber)
		pair_by(m, BY_DIGEST);
}

/* Side s reports nothing about it: is it there, unchanged? */
static bool
there_unchanged(const struct merge *m, unsigned int s, const struct inst *inst)
{
	const struct mails_side *side = &m->in->side[s];

	if (!m->in->base || side->complete || !side->exists)
		return false;
	if (inst->rec[!s]->is_new)
		return false;
	if (count_dead(m, s, inst->marks, inst->mark_count) > 0)
		return false;
	for (size_t i = 0; i < inst->mark_count; i++)
		if (mark_in(side->asked, side->asked_count, &inst->marks[i]))
			return false;
	return true;
}

static void
set_flags(struct merge *m, unsigned int s, const struct inst *inst,
    uint32_t uid, const struct mail_flags *flags, const char *rule)
{
	struct plan_op *op;

	if (!may_write(m, s))
		return;
	op = add_op(&m->plan->side[s].ops, PLAN_FLAGS, uid,
	    inst->rec[s] != NULL ? inst->rec[s] : inst->rec[!s], rule);
	op->rec.flags = *flags;
	op->rec.marks = inst->marks;
	op->rec.mark_count = inst->mark_count;
}

static bool
marks_same(const struct msg_message *rec, const struct inst *inst)
{
	return rec->mark_count == inst->mark_count && memcmp(rec->marks,
	    inst->marks, rec->mark_count * sizeof(*rec->marks)) == 0;
}

/* Both sides have it: flags and marks (F1, F2, M5; B0). */
static void
decide_pair(struct merge *m, struct inst *inst)
{
	struct mail_flags want[2];
	bool changed = false;
	int src = m->in->source;

	if (src < 0) {
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
		changed |= !same && may_write(m, s);
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
	if (!may_write(m, s))
		return;
	if (!m->in->base &&
	    count_dead(m, s, inst->marks, inst->mark_count) > 0) {
		/*
		 * M9: kept, with one more mark, the same whoever derives it.
		 * The dead ones stay: they tell the store which message is
		 * meant, and an instance is dead by all its marks only.
		 */
		struct guid128 seed[2] = { inst->marks[0], m->in->run }, mark;
		uint8_t hash[DIGEST_SIZE];

		digest_sha256(seed, sizeof(seed), hash);
		memcpy(mark.b, hash, GUID_SIZE);
		add_marks(m, inst, &mark, 1);
		set_flags(m, !s, inst, inst->rec[!s]->uid,
		    &inst->flags[!s], "M9");
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
	size_t dead = count_dead(m, o, inst->marks, inst->mark_count);

	if (there_unchanged(m, o, inst)) {
		if (m->in->source == (int)o) {
			/* B0: cannot happen after a look-up; keep (P1). */
			m->plan->skipped++;
			(void)add_op(&m->plan->blocked, PLAN_EXPUNGE,
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
		add_expunge(m, h, rec->uid, rec, false, "B2");
		return;
	}
	if (m->in->source < 0 && m->in->base && dead == inst->mark_count) {
		inst->gone = true;
		add_expunge(m, h, rec->uid, rec, false, "M3");
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
			met = mark_in(live, live_count, &g->marks[k]) ||
			    mark_in(m->dead[!s], m->dead_count[!s],
			    &g->marks[k]) ||
			    mark_in(other->asked, other->asked_count,
			    &g->marks[k]);
		if (met)
			continue;
		rec = (struct msg_message){
			.uid = g->uid, .guid = g->guid, .marks = g->marks,
			.mark_count = g->mark_count,
		};
		add_expunge(m, !s, g->uid, &rec, false, "M3");
	}
}

static void
decide_all(struct merge *m)
{
	struct guid128 *live;
	size_t n = 0;

	for (size_t i = 0; i < m->insts.n; i++)
		n += m->insts.v[i].mark_count;
	live = arena_calloc(m->arena, n + 1, sizeof(*live));
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
	if (n > 1)
		qsort(live, n, sizeof(*live), guid_qcmp);
	for (unsigned int s = 0; s < 2; s++)
		decide_gone(m, s, live, n);
}

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

static uint32_t
side_uidnext(const struct mails_side *side)
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
	if (m->in->source >= 0)
		return inst->rec[m->in->source]->uid;
	for (unsigned int s = 0; s < 2; s++) {
		if (inst->rec[s] == NULL ||
		    inst->rec[s]->uid < side_uidnext(&side[!s]))
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
static uint32_t
move_doomed(struct merge *m, uint32_t next)
{
	struct plan_side *plan = &m->plan->side[!m->keeper];
	struct plan_op *op;

	if (!m->renumber)
		return next;
	for (size_t i = 0; i < plan->expunges.n; i++) {
		struct plan_op *doomed = &plan->expunges.v[i];

		op = add_op(&plan->ops, PLAN_SET_UID, doomed->uid,
		    &doomed->rec, "M10");
		op->new_uid = doomed->uid = next++;
	}
	return next;
}

/*
 * One-way there is no room behind the others, as UIDNEXT would be above the
 * source's for ever.  So such a run only expunges, and the next one goes on.
 */
static bool
doomed_first(struct merge *m)
{
	struct plan_mails *plan = m->plan;
	struct plan_ops *expunges;

	if (!m->renumber || m->in->source < 0)
		return false;
	expunges = &plan->side[!m->keeper].expunges;
	if (expunges->n == 0)
		return false;
	plan->side[!m->keeper].ops.n = 0;
	plan->skipped = plan->seen;
	plan->equal = plan->copied = plan->flagged = 0;
	(void)add_op(&plan->blocked, PLAN_SET_UID, expunges->v[0].uid,
	    &expunges->v[0].rec, "B3");
	return true;
}

static uint32_t
plan_uids(struct merge *m)
{
	struct uid_wish *wishes = arena_calloc(m->arena, m->insts.n + 1,
	    sizeof(*wishes));
	const struct mails_side *side = m->in->side;
	uint32_t next = side_uidnext(&side[0]);
	size_t n = 0;

	if (m->renumber)
		next = side_uidnext(&side[m->keeper]);
	else if (m->in->source >= 0)
		next = side_uidnext(&side[m->in->source]);
	else if (side_uidnext(&side[1]) > next)
		next = side_uidnext(&side[1]);
	for (size_t i = 0; i < m->insts.n; i++) {
		struct inst *inst = &m->insts.v[i];
		unsigned int s = inst->rec[0] == NULL;

		if (inst->gone || (!uid_is_open(inst) && !m->renumber))
			continue;
		inst->uid = kept_uid(m, inst);
		if (inst->uid == 0)
			wishes[n++] = wish_of(inst, s);
		else if (inst->uid >= next)
			next = inst->uid + 1;
	}
	if (n > 1)
		qsort(wishes, n, sizeof(*wishes), uid_wish_cmp);
	for (size_t i = 0; i < n; i++)
		wishes[i].inst->uid = next++;
	return move_doomed(m, next);
}

/* B3 is the only way out where a UID of the source is taken here. */
static bool
uid_blocked(struct merge *m, unsigned int s, const struct inst *inst)
{
	if (m->in->source < 0 || m->renumber ||
	    inst->uid >= side_uidnext(&m->in->side[s]))
		return false;
	(void)add_op(&m->plan->blocked, inst->save[s] ? PLAN_SAVE :
	    PLAN_SET_UID, inst->uid, inst->rec[m->in->source], "B3");
	return true;
}

static void
add_uid_ops(struct merge *m, struct inst *inst)
{
	for (unsigned int s = 0; s < 2; s++) {
		const struct msg_message *rec = inst->rec[s];
		struct plan_op *op;

		if (inst->save[s]) {
			/* A backup with another UID is better than none. */
			if (uid_blocked(m, s, inst))
				inst->uid = m->spare++;
			op = add_op(&m->plan->side[s].ops,
			    inst->rec[!s]->held ? PLAN_COPY : PLAN_SAVE,
			    inst->uid, inst->rec[!s],
			    inst->rec[!s]->held ? "M8" : "M2");
			op->from_uid = inst->rec[!s]->uid;
			op->rec.uid = inst->uid;
			op->rec.flags = inst->flags[!s];
			op->rec.marks = inst->marks;
			op->rec.mark_count = inst->mark_count;
		} else if (rec != NULL && inst->uid != 0 && may_write(m, s) &&
		    (rec->uid != inst->uid ||
		    (m->renumber && s != m->keeper))) {
			if (uid_blocked(m, s, inst))
				continue;
			op = add_op(&m->plan->side[s].ops, PLAN_SET_UID,
			    rec->uid, rec, m->renumber ? "M10" : "M4");
			op->new_uid = inst->uid;
			/* By its own marks: those of its twin come with its
			   flags, which may be in the same batch. */
			m->plan->renumbered += rec->uid != inst->uid;
		}
	}
}

/* M13, and the values of the side that keeps UIDVALIDITY (M10). */
static void
plan_state(struct merge *m, uint32_t next)
{
	for (unsigned int s = 0; s < 2; s++) {
		const struct mails_side *side = &m->in->side[s];

		if (!may_write(m, s))
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

/* M10: who keeps UIDVALIDITY and UIDs? */
static unsigned int
choose_keeper(const struct mails_input *in)
{
	const struct mails_side *a = &in->side[0], *b = &in->side[1];

	if (in->source >= 0)
		return (unsigned int)in->source;
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
	*m = (struct merge){ .arena = arena, .in = in, .plan = plan };
	m->renumber = uidvalidity_differs(in);
	m->keeper = m->renumber ? choose_keeper(in) : 0;
	for (unsigned int s = 0; s < 2; s++)
		collect_dead(m, s);
	make_insts(m);
	pair_rest(m);
}

void
merge_mails(struct arena *arena, const struct mails_input *in,
    struct plan_mails *plan)
{
	struct merge m;
	uint32_t next;

	*plan = (struct plan_mails){ 0 };
	merge_begin(&m, arena, in, plan);
	decide_all(&m);
	if (!doomed_first(&m)) {
		next = plan_uids(&m);
		m.spare = next;
		for (unsigned int s = 0; s < 2; s++)
			if (side_uidnext(&in->side[s]) > m.spare)
				m.spare = side_uidnext(&in->side[s]);
		for (size_t i = 0; i < m.insts.n; i++)
			if (!m.insts.v[i].gone)
				add_uid_ops(&m, &m.insts.v[i]);
		plan_state(&m, next);
	}
	for (unsigned int s = 0; s < 2; s++)
		plan_side_sort(&plan->side[s]);
	ARRAY_FREE(&m.insts);
}

void
merge_mails_wanted(struct arena *arena, const struct mails_input *in,
    struct mails_wanted *wanted)
{
	struct plan_mails plan = { 0 };
	size_t left[2] = { 0 };
	struct merge m;

	*wanted = (struct mails_wanted){ 0 };
	if (in->base && !uidvalidity_differs(in))
		return;
	merge_begin(&m, arena, in, &plan);
	for (size_t i = 0; i < m.insts.n; i++) {
		const struct inst *inst = &m.insts.v[i];
		unsigned int s = inst->rec[0] == NULL;

		if (inst->gone || inst->rec[!s] != NULL)
			continue;
		left[s]++;
		if (inst->rec[s]->digest == NULL)
			*ARRAY_ADD(&wanted->uids[s]) = inst->rec[s]->uid;
	}
	/* Leftovers of one side alone can't be the same as anything. */
	for (unsigned int s = 0; s < 2 && (left[0] == 0 || left[1] == 0); s++)
		ARRAY_FREE(&wanted->uids[s]);
	ARRAY_FREE(&m.insts);
	plan_mails_deinit(&plan);
}
