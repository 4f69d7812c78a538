#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "brain/merge_attributes.h"
#include "model/attribute.h"
#include "model/flags.h"

/* One key as one side has it. */
struct ref {
	size_t entry;
	unsigned int side;
	const struct msg_attribute *a;
};

ARRAY_TYPE(refs, struct ref);

/* Which entry has this GUID on one side? */
struct place {
	struct guid128 guid;
	size_t entry;
};

static int
place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return guid_cmp(&x->guid, &y->guid);
}

int
attribute_cmp(const void *a, const void *b)
{
	const struct msg_attribute *x = a, *y = b;
	int cmp = guid_cmp(&x->mailbox, &y->mailbox);

	return cmp != 0 ? cmp : strcmp(x->key, y->key);
}

static int
ref_cmp(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	int cmp;

	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	cmp = strcmp(x->a->key, y->a->key);
	if (cmp != 0)
		return cmp;
	return x->side < y->side ? -1 : x->side > y->side;
}

/* The attributes of one side with the entries that they belong to. */
static void
add_refs(const struct attributes_input *in, unsigned int s,
    struct refs *refs)
{
	const struct attributes_side *side = &in->side[s];
	ARRAY(struct place) places = { 0 };
	const struct place *place;
	struct place key;

	for (size_t i = 0; i < in->entries->n && side->count > 0; i++) {
		const struct tree_entry *e = &in->entries->v[i];

		if (e->box[s] != NULL && e->fate != TREE_SKIP &&
		    e->target.selectable)
			*ARRAY_ADD(&places) = (struct place){
				e->box[s]->guid, i };
	}
	if (places.n > 1)
		qsort(places.v, places.n, sizeof(*places.v), place_cmp);
	for (size_t i = 0; i < side->count && places.n > 0; i++) {
		key.guid = side->list[i].mailbox;
		place = bsearch(&key, places.v, places.n, sizeof(key),
		    place_cmp);
		if (place != NULL)
			*ARRAY_ADD(refs) = (struct ref){ place->entry, s,
			    &side->list[i] };
	}
	ARRAY_FREE(&places);
}

static bool
was_changed(const struct attributes_side *side, const struct msg_attribute *a)
{
	return a != NULL && side->changed_count > 0 && bsearch(a,
	    side->changed, side->changed_count, sizeof(*a),
	    attribute_cmp) != NULL;
}

static int
value_cmp(const struct msg_attribute *a, const struct msg_attribute *b)
{
	return attribute_value_cmp(a->value, a->len, b->value, b->len);
}

/*
 * One side alone has changed it since the base.  A backup gives its destination
 * stamps above the source's (B0), so that on a host whose clock is behind the
 * change may have the lower one (T8).
 */
static struct msg_attribute
changed_alone(const struct msg_attribute *a, const struct msg_attribute *other)
{
	struct msg_attribute want = *a;

	if (value_cmp(a, other) != 0)
		want.stamp = stamp_after(other->stamp, want.stamp);
	else if (other->stamp > want.stamp)
		want.stamp = other->stamp;
	return want;
}

/* What it shall be (T15); told[s] NULL: that side says nothing of it. */
static struct msg_attribute
choose(const struct attributes_input *in,
    const struct msg_attribute *const told[2],
    const struct msg_attribute *const has[2])
{
	bool partial = in->base && !in->complete;

	if (in->source >= 0)
		return *has[in->source];
	if (partial && told[0] == NULL)
		return *has[1];
	if (partial && told[1] == NULL)
		return *has[0];
	if (in->changes_known && was_changed(&in->side[0], told[0]) !=
	    was_changed(&in->side[1], told[1]))
		return changed_alone(has[was_changed(&in->side[1], told[1])],
		    has[was_changed(&in->side[0], told[0])]);
	if (has[0]->stamp != has[1]->stamp)
		return *has[has[0]->stamp < has[1]->stamp];
	return *has[value_cmp(has[0], has[1]) < 0];
}

/* Did both sides get another value since they met? */
static bool
is_conflict(const struct attributes_input *in,
    const struct msg_attribute *const told[2])
{
	if (told[0] == NULL || told[1] == NULL || value_cmp(told[0],
	    told[1]) == 0)
		return false;
	if (!in->base)
		return told[0]->value != NULL && told[1]->value != NULL;
	return was_changed(&in->side[0], told[0]) &&
	    was_changed(&in->side[1], told[1]);
}

/* Returns 1 if a value stays where it is for want of a place. */
static size_t
merge_one(const struct attributes_input *in, size_t entry,
    const struct msg_attribute *const told[2], struct attribute_ops *ops)
{
	const struct msg_attribute *some = told[0] != NULL ? told[0] :
	    told[1];
	const struct msg_attribute none = { .mailbox = some->mailbox,
	    .key = some->key };
	const struct msg_attribute *const has[2] = {
		told[0] != NULL ? told[0] : &none,
		told[1] != NULL ? told[1] : &none,
	};
	bool partial = in->base && !in->complete;
	struct msg_attribute want;
	struct attribute_op *op;

	if (!in->side[0].keeps || !in->side[1].keeps)
		return some->value != NULL && (in->source < 0 ||
		    told[in->source] != NULL);
	want = choose(in, told, has);
	for (unsigned int s = 0; s < 2; s++) {
		bool same = value_cmp(has[s], &want) == 0;

		if (in->source == (int)s)
			continue;
		if (in->source >= 0 && partial && told[in->source] == NULL)
			continue;	/* not asked for; left alone */
		if (same && (in->source >= 0 ||
		    has[s]->stamp == want.stamp) &&
		    (told[s] != NULL || !partial))
			continue;
		if (in->source >= 0)	/* B0 */
			want.stamp = stamp_after(has[s]->stamp, want.stamp);
		op = ARRAY_ADD(ops);
		op->side = s;
		op->entry = entry;
		op->a = want;
		op->changes = !same || (partial && told[s] == NULL);
		op->conflict = in->source < 0 && is_conflict(in, told);
		op->loses = told[s];
	}
	return 0;
}

size_t
merge_attributes(const struct attributes_input *in,
    struct attribute_ops *ops)
{
	struct refs refs = { 0 };
	const struct msg_attribute *told[2];
	size_t left = 0, i, k;

	for (unsigned int s = 0; s < 2; s++)
		add_refs(in, s, &refs);
	if (refs.n > 1)
		qsort(refs.v, refs.n, sizeof(*refs.v), ref_cmp);
	for (i = 0; i < refs.n; i = k) {
		told[0] = told[1] = NULL;
		for (k = i; k < refs.n && refs.v[k].entry == refs.v[i].entry &&
		    strcmp(refs.v[k].a->key, refs.v[i].a->key) == 0; k++)
			told[refs.v[k].side] = refs.v[k].a;
		left += merge_one(in, refs.v[i].entry, told, ops);
	}
	ARRAY_FREE(&refs);
	return left;
}
