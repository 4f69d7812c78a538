/*
 * merge_tree_left.c - mailboxes that a run leaves alone
 *
 * A mailbox that is left alone keeps its present name, so whatever is to have
 * that name is left alone as well, and in turn what is to have the name of
 * that one.  All of it is pending and decided by a later run; the other way
 * out, a temporary name, would stay.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "brain/merge_tree.h"
#include "model/mailbox_name.h"

/* One side alone has it, and the other one had it at the base. */
static bool
is_renamed(const struct tree_entry *e)
{
	const struct msg_mailbox *box = e->box[e->box[0] == NULL];

	return (e->box[0] == NULL) != (e->box[1] == NULL) &&
	    box->selectable && !box->is_new;
}

bool
merge_tree_leave_unseen(const struct tree_input *in, struct tree_entry *x,
    struct tree_entry *y)
{
	struct tree_entry *both[2] = { x, y };

	if (!in->filtered || !in->base || name_is_inbox(x->target.name) ||
	    (!is_renamed(x) && !is_renamed(y)))
		return false;
	for (unsigned int i = 0; i < 2; i++) {
		both[i]->fate = TREE_SKIP;
		both[i]->rule = "P7";
		both[i]->why = "its name was that of a mailbox that is not "
		    "looked at";
	}
	return true;
}

static bool
has_target(const struct tree_entry *e)
{
	return e->fate == TREE_KEEP && (e->box[0] != NULL || e->box[1] != NULL);
}

static int
target_cmp(const void *a, const void *b)
{
	const struct tree_entry *const *x = a, *const *y = b;
	int cmp = strcmp((*x)->target.name, (*y)->target.name);

	/* The place in the list decides: it follows from the GUIDs. */
	if (cmp != 0)
		return cmp;
	return *x < *y ? -1 : *x > *y;
}

static struct tree_entry *
find_target(struct tree_entry **row, size_t n, const char *name)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(row[mid]->target.name, name);

		if (cmp == 0)
			return row[mid];
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Two that want one name still: nothing more can be appended (P6). */
static size_t
leave_doubles(struct tree_entry **row, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || strcmp(row[kept - 1]->target.name,
		    row[i]->target.name) != 0) {
			row[kept++] = row[i];
			continue;
		}
		row[i]->fate = TREE_SKIP;
		row[i]->rule = "P6";
		row[i]->why = "no free name is found for it";
	}
	return kept;
}

void
merge_tree_leave(struct arena *arena, struct tree_entries *entries)
{
	struct tree_entry **row = arena_calloc(arena, entries->n + 1,
	    sizeof(*row));
	struct tree_entry **left = arena_calloc(arena, entries->n + 1,
	    sizeof(*left));
	size_t n = 0, count = 0;

	for (size_t i = 0; i < entries->n; i++)
		if (has_target(&entries->v[i]))
			row[n++] = &entries->v[i];
	if (n > 1)
		qsort(row, n, sizeof(*row), target_cmp);
	n = leave_doubles(row, n);
	for (size_t i = 0; i < entries->n; i++)
		if (entries->v[i].fate == TREE_SKIP)
			left[count++] = &entries->v[i];
	for (size_t i = 0; i < count; i++) {
		for (unsigned int s = 0; s < 2; s++) {
			struct tree_entry *e = left[i]->box[s] == NULL ? NULL :
			    find_target(row, n, left[i]->box[s]->name);

			if (e == NULL || e->fate == TREE_SKIP)
				continue;
			e->fate = TREE_SKIP;
			e->rule = left[i]->rule;
			e->why = "its name belongs to a mailbox that is left "
			    "alone";
			left[count++] = e;
		}
	}
}

bool
merge_tree_name_taken(const struct tree_entries *entries, size_t index,
    const char *name)
{
	for (size_t i = 0; i < entries->n; i++) {
		const struct tree_entry *e = &entries->v[i];

		if (i == index)
			continue;
		if (has_target(e) && strcmp(e->target.name, name) == 0)
			return true;
		for (unsigned int s = 0; s < 2; s++)
			if (e->fate == TREE_SKIP && e->box[s] != NULL &&
			    strcmp(e->box[s]->name, name) == 0)
				return true;
	}
	return false;
}
