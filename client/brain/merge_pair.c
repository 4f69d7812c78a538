/*
 * merge_pair.c - which records of two mailboxes are one message (M1, M5, M9)
 *
 * The records of both sides are joined into instances: first by birth marks
 * (one mark in common suffices), then, for what is left and where the rules
 * allow it, by UID and GUID, by GUID, by digest.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "brain/merge_flags.h"
#include "brain/merge_int.h"

struct mark_ref {
	struct guid128 mark;
	uint32_t side, index;
};

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

void
merge_collect_dead(struct merge *m, unsigned int s)
{
	const struct mails_side *side = &m->in->side[s];
	size_t n = 0;

	for (size_t i = 0; i < side->gone_count; i++)
		n += side->gone[i].mark_count;
	m->dead[s] = arena_calloc(m->scratch, n + 1, sizeof(*m->dead[s]));
	n = 0;
	for (size_t i = 0; i < side->gone_count; i++) {
		memcpy(&m->dead[s][n], side->gone[i].marks,
		    side->gone[i].mark_count * sizeof(*m->dead[s]));
		n += side->gone[i].mark_count;
	}
	m->dead_count[s] = marks_normalise(m->dead[s], n);
}

size_t
merge_count_dead(const struct merge *m, unsigned int s,
    const struct guid128 *marks, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += marks_sorted_have(m->dead[s], m->dead_count[s], &marks[i]);
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
	uint32_t *parent = arena_calloc(m->scratch, total + 1, sizeof(*parent));
	struct mark_ref *refs;
	size_t n = 0, a, b;

	for (unsigned int s = 0; s < 2; s++)
		for (size_t i = 0; i < m->in->side[s].rec_count; i++)
			n += m->in->side[s].recs[i].mark_count;
	refs = arena_calloc(m->scratch, n + 1, sizeof(*refs));
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

void
merge_add_marks(struct merge *m, struct inst *inst, const struct guid128 *marks,
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
		merge_add_expunge(m, s, rec->uid, rec, true, "M5");
		/* Of the source it can't go, nor be told from the other. */
		if ((int)s == m->in->source) {
			m->plan->seen++;
			m->plan->skipped++;
		}
		merge_note(m, rec, "M5", "it is there twice by a run with "
		    "another store; the one with the lowest UID stays");
	}
	if (inst->mark_count == 0) {
		inst->marks = rec->marks;
		inst->mark_count = rec->mark_count;
	} else {
		merge_add_marks(m, inst, rec->marks, rec->mark_count);
	}
}

/*
 * One-way: one message of the destination has the marks of several ones of the
 * source, which stay two.  Which one it is can't be told, and marks are not
 * taken away: each of the source is saved anew, with a mark that nobody has,
 * and then the other one goes.  The next run finds them by their GUIDs.
 */
static bool *
find_parted(struct merge *m, uint32_t *parent, size_t n0, size_t total)
{
	bool *parted = arena_calloc(m->scratch, total + 1, sizeof(*parted));
	uint32_t *count[2];

	if (m->in->source < 0)
		return parted;
	for (unsigned int s = 0; s < 2; s++)
		count[s] = arena_calloc(m->scratch, total + 1,
		    sizeof(*count[s]));
	for (size_t i = 0; i < total; i++)
		count[i >= n0][find_root(parent, i)]++;
	for (size_t i = 0; i < total; i++) {
		size_t root = find_root(parent, i);

		parted[i] = count[m->in->source][root] > 1 &&
		    count[!m->in->source][root] > 0 &&
		    !merge_is_fixed(m, !m->in->source);
	}
	return parted;
}

static void
take_parted(struct merge *m, unsigned int s, struct msg_message *rec)
{
	struct guid128 seed[2] = { rec->marks[0], m->in->run }, *mark;
	uint8_t hash[DIGEST_SIZE];
	struct inst *inst;

	m->plan->parted = true;
	if ((int)s != m->in->source) {
		merge_add_expunge(m, s, rec->uid, rec, true, "M5");
		return;
	}
	seed[1].b[0] ^= (uint8_t)rec->uid;
	digest_sha256(seed, sizeof(seed), hash);
	mark = arena_calloc(m->arena, 1, sizeof(*mark));
	memcpy(mark->b, hash, GUID_SIZE);
	inst = ARRAY_ADD(&m->insts);
	inst_take(m, inst, s, rec);
	inst->marks = mark;
	inst->mark_count = 1;
}

void
merge_make_insts(struct merge *m)
{
	size_t n0 = m->in->side[0].rec_count;
	size_t total = n0 + m->in->side[1].rec_count, root;
	uint32_t *parent = join_by_marks(m, n0, total);
	uint32_t *where = arena_calloc(m->scratch, total + 1, sizeof(*where));
	bool *parted = find_parted(m, parent, n0, total);
	struct inst *inst;

	for (size_t i = 0; i < total; i++) {
		unsigned int s = i >= n0;
		struct msg_message *rec =
		    &m->in->side[s].recs[i - (s ? n0 : 0)];

		if (parted[i]) {
			take_parted(m, s, rec);
			continue;
		}
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
	merge_add_marks(m, a, b->marks, b->mark_count);
	b->rec[1] = NULL;
	b->gone = true;
}

/*
 * BY_NAME_0, BY_NAME_1: what that side calls by the first half of a digest, by
 * the digest of the other side.  An mbox that lost its GUIDs names messages so,
 * without the notes that mail programs have written into their headers since.
 */
enum pair_key { BY_UID_GUID, BY_GUID, BY_DIGEST, BY_NAME_0, BY_NAME_1 };

struct loose {
	struct inst *inst;
	const struct msg_message *rec;
	struct guid128 half;		/* BY_NAME_ */
};

static int
key_cmp(enum pair_key key, const struct loose *a, const struct loose *b)
{
	const struct msg_message *x = a->rec, *y = b->rec;

	switch (key) {
	case BY_UID_GUID:
		if (x->uid != y->uid)
			return x->uid < y->uid ? -1 : 1;
		return strcmp(x->guid, y->guid);
	case BY_GUID:
		return strcmp(x->guid, y->guid);
	case BY_DIGEST:
		return memcmp(x->digest, y->digest, DIGEST_SIZE);
	case BY_NAME_0:
	case BY_NAME_1:
		return guid_cmp(&a->half, &b->half);
	}
	abort();
}

static bool
by_text(enum pair_key key)
{
	return key != BY_UID_GUID && key != BY_GUID;
}

/* Does the record have such a key? */
static bool
take_key(struct loose *loose, unsigned int s, enum pair_key key)
{
	const struct msg_message *rec = loose->rec;

	if (key == (s == 0 ? BY_NAME_0 : BY_NAME_1))
		return guid_parse(&loose->half, rec->guid,
		    strlen(rec->guid));
	if (by_text(key) && rec->digest == NULL)
		return false;
	if (by_text(key))
		memcpy(loose->half.b, rec->digest, GUID_SIZE);
	return true;
}

#define LOOSE_CMP(name, key)						\
static int								\
name(const void *a, const void *b)					\
{									\
	const struct loose *x = a, *y = b;				\
	int cmp = key_cmp(key, x, y);					\
									\
	if (cmp != 0)							\
		return cmp;						\
	return x->rec->uid < y->rec->uid ? -1 : x->rec->uid > y->rec->uid; \
}

LOOSE_CMP(loose_uid_cmp, BY_UID_GUID)
LOOSE_CMP(loose_guid_cmp, BY_GUID)
LOOSE_CMP(loose_digest_cmp, BY_DIGEST)
LOOSE_CMP(loose_name_cmp, BY_NAME_0)

/* All its marks were looked up on side o, which knows none of them. */
static bool
asked_in_vain(const struct merge *m, unsigned int o,
    const struct msg_message *rec)
{
	const struct mails_side *side = &m->in->side[o];

	for (size_t i = 0; i < rec->mark_count; i++)
		if (!marks_sorted_have(side->asked, side->asked_count,
		    &rec->marks[i]))
			return false;
	return true;
}

bool
merge_is_pending(const struct merge *m, const struct inst *inst)
{
	for (size_t i = 0; i < inst->mark_count; i++)
		if (marks_sorted_have(m->in->retry, m->in->retry_count,
		    &inst->marks[i]))
			return true;
	return false;
}

/* May an unpaired record be paired by this key? (M5, M9, M10) */
static bool
pairable(const struct merge *m, const struct inst *inst, unsigned int s,
    enum pair_key key)
{
	const struct msg_message *rec = inst->rec[s];
	size_t dead;

	if (inst->gone || rec == NULL || inst->rec[!s] != NULL)
		return false;
	if (!m->in->base)
		return true;
	dead = merge_count_dead(m, !s, rec->marks, rec->mark_count);
	/* What went before its twin came is not that one (M3). */
	if (m->differs)
		return rec->is_new || by_text(key) || dead < rec->mark_count;
	/* A pair of two GUIDs was perhaps not given its marks (M11). */
	if (by_text(key) && !merge_is_pending(m, inst))
		return false;
	if (rec->is_new)
		return true;
	/*
	 * With -f: a mark was lost, but nothing says that it is dead.  Pending:
	 * a save that was cut after the message was there, but not its record;
	 * or marks that were refused, where one of them is not dead (M9).
	 */
	if (!m->in->side[!s].complete && !asked_in_vain(m, !s, rec))
		return false;
	return dead == 0 ||
	    (dead < rec->mark_count && merge_is_pending(m, inst));
}

static size_t
collect_loose(struct merge *m, unsigned int s, enum pair_key key,
    struct loose **out)
{
	static int (*const cmps[])(const void *, const void *) = {
		loose_uid_cmp, loose_guid_cmp, loose_digest_cmp,
		loose_name_cmp, loose_name_cmp,
	};
	struct loose loose = { .rec = NULL };
	size_t n = 0;

	*out = arena_calloc(m->scratch, m->in->side[s].rec_count + 1,
	    sizeof(**out));
	for (size_t i = 0; i < m->insts.n; i++) {
		struct inst *inst = &m->insts.v[i];

		if (!pairable(m, inst, s, key))
			continue;
		loose.inst = inst;
		loose.rec = inst->rec[s];
		if (take_key(&loose, s, key))
			(*out)[n++] = loose;
	}
	if (n > 1)
		qsort(*out, n, sizeof(**out), cmps[key]);
	return n;
}

/*
 * Pair what is left one to one by key, in UID order among equals.  So as many
 * stay as there are (M6), and one text may have two GUIDs (M11).
 */
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
		cmp = key_cmp(key, &a[i], &b[j]);
		if (cmp < 0) {
			i++;
		} else if (cmp > 0) {
			j++;
		} else {
			if (by_text(key) && strcmp(a[i].rec->guid,
			    b[j].rec->guid) != 0)
				merge_note(m, a[i].rec, "M11", "another GUID "
				    "on the other side, but the same text: "
				    "taken for one message");
			pair(m, a[i].inst, b[j].inst);
			i++;
			j++;
		}
	}
}

void
merge_pair_rest(struct merge *m)
{
	if (!m->differs)
		pair_by(m, BY_UID_GUID);
	pair_by(m, BY_GUID);
	if (!m->in->base || m->differs || m->in->retry_count > 0) {
		pair_by(m, BY_DIGEST);
		pair_by(m, BY_NAME_0);
		pair_by(m, BY_NAME_1);
	}
}
