/*
 * attributes.c - attributes of mailboxes in a run: what the stores tell of
 * them, what becomes of them, and what people are told (T15)
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "brain/run.h"
#include "model/mailbox_name.h"

#define LOST_MAX	60U	/* bytes shown of a value that is replaced */

bool
attributes_kept(const struct brain *brain, unsigned int s)
{
	return (brain->side[s].caps & MSG_CAP_ATTRIBUTES) != 0 &&
	    (brain->side[s].features & FEATURE_ATTRIBUTES) != 0;
}

int
attributes_take(struct brain *brain, unsigned int s,
    const struct msg_attribute *a, struct err *err)
{
	struct run_side *side = &brain->side[s];
	size_t before = arena_used(side->arena);
	struct msg_attribute *copy;

	if (!attributes_kept(brain, s) ||
	    side->attributes.n >= RUN_ATTRIBUTES_MAX)
		return err_set(err, ERR_PROTO, "ATTRIBUTE out of order");
	copy = ARRAY_ADD(&side->attributes);
	*copy = *a;
	copy->key = arena_strdup(side->arena, a->key);
	if (a->value != NULL)
		copy->value = a->len == 0 ? (const uint8_t *)"" :
		    arena_memdup(side->arena, a->value, a->len);
	side->changed = true;
	return run_charge(brain, NULL, sizeof(*copy) +
	    arena_used(side->arena) - before, err);
}

bool
attributes_need_trees(const struct brain *brain)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		/* B0: the source's value is wanted, changed or not. */
		if (brain->source >= 0 && run_is_dest(brain, s) &&
		    brain->side[s].attributes.n > 0)
			return true;
	/* What the other side had all along was never told to this one. */
	return attributes_kept(brain, SIDE_A) &&
	    attributes_kept(brain, SIDE_B) &&
	    (brain->side[SIDE_A].view.attributes_begun ||
	    brain->side[SIDE_B].view.attributes_begun);
}

void
attributes_keep_changed(struct run_side *side)
{
	ARRAY_FREE(&side->attributes_changed);
	side->attributes_changed.v = side->attributes.v;
	side->attributes_changed.n = side->attributes.n;
	side->attributes_changed.cap = side->attributes.cap;
	memset(&side->attributes, 0, sizeof(side->attributes));
}

/* By GUID and key; of two with one key the first one is taken. */
static void
sort(struct msg_attribute *v, size_t *n)
{
	size_t kept = 0;

	if (*n > 1)
		qsort(v, *n, sizeof(*v), attribute_cmp);
	for (size_t i = 0; i < *n; i++)
		if (i == 0 || attribute_cmp(&v[kept - 1], &v[i]) != 0)
			v[kept++] = v[i];
	*n = kept;
}

void
attributes_merge(struct brain *brain)
{
	struct attributes_input in = { .entries = &brain->entries,
	    .base = brain->base, .complete = brain->complete,
	    .changes_known = run_changes_known(brain),
	    .source = brain->source };
	size_t left;

	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		struct run_side *side = &brain->side[s];

		sort(side->attributes.v, &side->attributes.n);
		sort(side->attributes_changed.v,
		    &side->attributes_changed.n);
		in.side[s].list = in.side[s].changed = side->attributes.v;
		in.side[s].count = in.side[s].changed_count =
		    side->attributes.n;
		if (brain->trees_asked) {
			in.side[s].changed = side->attributes_changed.v;
			in.side[s].changed_count =
			    side->attributes_changed.n;
		}
		in.side[s].keeps = attributes_kept(brain, s);
	}
	left = merge_attributes(&in, &brain->attributes);
	if (left > 0)
		tell_text(brain, EVENT_NOTICE, in.side[0].keeps, "T15",
		    "the %s location keeps no attributes of mailboxes "
		    "(mail_attribute_dict): %zu of the other one stay there",
		    tell_side(in.side[0].keeps), left);
}

/* The mailbox stays, so that the attribute has a place. */
static bool
has_place(const struct brain *brain, const struct attribute_op *op)
{
	return brain->entries.v[op->entry].fate == TREE_KEEP;
}

void
attributes_emit(struct brain *brain)
{
	struct msg msg = { .kind = MSG_OP_ATTRIBUTE };
	struct sent_op *sent;

	for (size_t i = 0; i < brain->attributes.n; i++) {
		const struct attribute_op *op = &brain->attributes.v[i];

		if (!has_place(brain, op))
			continue;
		sent = emit_number(&brain->side[op->side],
		    &msg.u.op_attribute.op);
		sent->what = SENT_ATTRIBUTE;
		sent->entry = op->entry;
		sent->mailbox = run_guid(brain, op->side, op->entry);
		msg.u.op_attribute.a = op->a;
		msg.u.op_attribute.a.mailbox = sent->mailbox;
		brain->send(op->side, &msg, brain->arg);
	}
}

static void
tell_conflict(struct brain *brain, const struct attribute_op *op,
    const char *box)
{
	const struct msg_attribute *lost = op->loses;
	struct strbuf value;

	strbuf_init(&value, TEXT_LINE_MAX / 2);
	strbuf_add_escaped(&value, lost->value != NULL ?
	    (const char *)lost->value : "", lost->len < LOST_MAX ?
	    lost->len : LOST_MAX);
	if (lost->value == NULL)
		tell_text(brain, EVENT_DECISION, op->side, "T15",
		    "%s: %s was changed on both sides: its removal at the %s "
		    "location does not hold", box, op->a.key,
		    tell_side(op->side));
	else
		tell_text(brain, EVENT_DECISION, op->side, "T15",
		    "%s: %s was changed on both sides: the %s location "
		    "loses \"%s\"%s", box, op->a.key, tell_side(op->side),
		    value.data, lost->len > LOST_MAX ? "..." : "");
	strbuf_deinit(&value);
}

void
attributes_tell(struct brain *brain)
{
	struct strbuf name;

	for (size_t i = 0; i < brain->attributes.n; i++) {
		const struct attribute_op *op = &brain->attributes.v[i];

		/* Of stamps alone nobody sees anything. */
		if (!op->changes || !has_place(brain, op))
			continue;
		strbuf_init(&name, TEXT_LINE_MAX);
		name_print(&name, brain->entries.v[op->entry].target.name);
		tell_text(brain, EVENT_ACTION, op->side, "T15",
		    "%s: %s: %s attribute %s", tell_side(op->side), name.data,
		    op->a.value != NULL ? "set" : "remove", op->a.key);
		if (op->conflict)
			tell_conflict(brain, op, name.data);
		strbuf_deinit(&name);
		brain->work = true;
	}
}
