/*
 * merge_tree_ops.c - in which steps mailboxes get to what becomes of them (T11)
 *
 * Whatever stands on a name that another one wants is moved to a temporary name
 * first, so each mailbox is renamed at most twice and no order of the rest can
 * fail, whatever swaps or rings there are (P6).
 */
#include "config.h"

#include <sys/tree.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "brain/merge_tree.h"
#include "model/mailbox_name.h"

/* Who stands on a name at present. */
struct place {
	RB_ENTRY(place) node;
	const char *name;
	size_t entry;
};

static int
place_cmp(const struct place *a, const struct place *b)
{
	return strcmp(a->name, b->name);
}

RB_HEAD(places, place);
RB_PROTOTYPE(places, place, node, place_cmp)
RB_GENERATE(places, place, node, place_cmp)

/* Is a GUID to be recorded that box does not stand for yet? */
static bool
lacks_alias(const struct msg_mailbox *box, const struct msg_mailbox *t)
{
	for (size_t i = 0; i < t->alias_count; i++)
		if (!guid_eq(&t->aliases[i], &box->guid) &&
		    !marks_have(box->aliases, box->alias_count,
		    &t->aliases[i]))
			return true;
	return false;
}

static bool
needs_update(const struct tree_entry *e, unsigned int s)
{
	const struct msg_mailbox *box = e->box[s], *t = &e->target;

	if (box == NULL)
		return true;	/* there unchanged, but the other side changed:
				   keys or state may differ */
	return strcmp(box->name, t->name) != 0 ||
	    (t->selectable && !box->selectable) ||
	    box->exist_stamp != t->exist_stamp ||
	    box->parent_stamp != t->parent_stamp ||
	    box->last_stamp != t->last_stamp ||
	    lacks_alias(box, t) || (!e->keeps_guid[s] &&
	    !guid_eq(&box->guid, &t->guid));
}

static void
add_step(struct tree_ops *ops, size_t entry, const char *name)
{
	*ARRAY_ADD(ops) = (struct tree_op){ .entry = entry, .name = name };
}

static const char *
temp_name(struct arena *arena, const struct tree_entry *e, unsigned int s)
{
	char hex[GUID_HEX_SIZE];
	char *name = arena_alloc(arena, sizeof(NAME_TEMP_PREFIX) + GUID_HEX_SIZE);

	guid_format(e->box[s] != NULL ? &e->box[s]->guid : &e->target.guid,
	    hex);
	(void)snprintf(name, sizeof(NAME_TEMP_PREFIX) + GUID_HEX_SIZE, "%s%s",
	    NAME_TEMP_PREFIX, hex);
	return name;
}

/* Free the names that others want (T11). */
static void
clear_places(struct arena *arena, const struct tree_entries *entries,
    unsigned int s, struct tree_ops *ops)
{
	struct places places = RB_INITIALIZER(&places);
	struct place *row = arena_calloc(arena, entries->n + 1, sizeof(*row));
	struct place key, *found;

	for (size_t i = 0; i < entries->n; i++) {
		if (entries->v[i].box[s] == NULL || !entries->v[i].exists[s])
			continue;
		row[i].name = entries->v[i].box[s]->name;
		row[i].entry = i;
		(void)RB_INSERT(places, &places, &row[i]);
	}
	for (size_t i = 0; i < entries->n; i++) {
		const struct tree_entry *e = &entries->v[i];

		if (!merge_tree_wants_name(e))
			continue;
		key.name = e->target.name;
		found = RB_FIND(places, &places, &key);
		if (found == NULL || found->entry == i ||
		    entries->v[found->entry].fate == TREE_SKIP ||
		    name_is_inbox(found->name))
			continue;
		add_step(ops, found->entry, temp_name(arena,
		    &entries->v[found->entry], s));
		ops->v[ops->n - 1].temporary = true;
		RB_REMOVE(places, &places, found);
	}
}

static int
create_cmp(const void *a, const void *b)
{
	return strcmp(((const struct tree_op *)a)->name,
	    ((const struct tree_op *)b)->name);
}

void
merge_tree_ops(struct arena *arena, const struct tree_entries *entries,
    unsigned int side, struct tree_ops *ops)
{
	size_t first;

	clear_places(arena, entries, side, ops);
	for (size_t i = 0; i < entries->n; i++) {
		const struct tree_entry *e = &entries->v[i];
		const struct msg_mailbox *other = e->box[!side];

		if (e->fate != TREE_KEEP || !e->exists[side])
			continue;
		/* Unchanged here: only keys of the other side matter. */
		if (e->box[side] == NULL && (other == NULL ||
		    !other->tree_changed))
			continue;
		if (needs_update(e, side))
			add_step(ops, i, e->target.name);
	}
	first = ops->n;
	for (size_t i = 0; i < entries->n; i++) {
		const struct tree_entry *e = &entries->v[i];

		if (e->fate != TREE_KEEP || e->exists[side])
			continue;
		add_step(ops, i, e->target.name);
		ops->v[ops->n - 1].create = true;
		ops->v[ops->n - 1].recreate = e->gone[side] != NULL;
	}
	/* Parents before children. */
	if (ops->n - first > 1)
		qsort(ops->v + first, ops->n - first, sizeof(*ops->v),
		    create_cmp);
	for (size_t i = 0; i < entries->n; i++) {
		const struct tree_entry *e = &entries->v[i];

		if (e->fate != TREE_DELETE || !e->exists[side])
			continue;
		add_step(ops, i, e->box[side]->name);
		ops->v[ops->n - 1].delete = true;
	}
}
