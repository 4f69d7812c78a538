/*
 * Mere directories that a run leaves behind (T16).
 *
 * A store that keeps mailboxes in directories makes the parents of a mailbox,
 * and keeps them when the mailbox goes.  If the other store of the run has no
 * such thing, nobody there sees them, and nobody could take them away: where
 * the run itself removed or renamed what was below, they go as well.
 *
 * What the run was asked to make stays, whatever a store takes away with the
 * last mailbox below it.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "model/mailbox_name.h"
#include "session/session_int.h"

struct place {
	const char *name;
	bool is_directory;
};

/* The tree as it was listed, by name; what is removed leaves it. */
struct tree {
	struct arena *arena;
	ARRAY(struct place) places;
};

void
prune_note(struct session *s, const char *store_name)
{
	for (size_t i = 0; i < s->kept.n; i++) {
		if (strcmp(s->kept.v[i], store_name) == 0)
			s->kept.v[i] = s->kept.v[--s->kept.n];
	}
	if (name_parent_len(store_name) > 0)
		*ARRAY_ADD(&s->vacated) = arena_strdup(s->pending_arena,
		    store_name);
}

void
prune_keep(struct session *s, const char *store_name)
{
	*ARRAY_ADD(&s->kept) = arena_strdup(s->pending_arena, store_name);
}

/* A store may take it away with the last mailbox below it. */
static void
make_again(struct session *s)
{
	static const struct mailbox_status any;
	struct err ignored = ERR_INIT;

	for (size_t i = 0; i < s->kept.n; i++)
		(void)s->driver->mailbox_create(s->store, s->kept.v[i],
		    false, &any, &ignored);
}

static int
on_listed(const struct store_listing *listing, void *arg, struct err *err)
{
	struct tree *tree = arg;

	(void)err;
	*ARRAY_ADD(&tree->places) = (struct place){
		.name = arena_strdup(tree->arena, listing->name),
		.is_directory = !listing->selectable,
	};
	return 0;
}

static int
place_cmp(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->name,
	    ((const struct place *)b)->name);
}

/* The first place that is not before this name. */
static size_t
find_place(const struct tree *tree, const char *name)
{
	size_t lo = 0, hi = tree->places.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(tree->places.v[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Did it hold nothing, and is gone now?  NAME_SEP sorts before all else. */
static bool
prune_one(struct session *s, struct tree *tree, const char *name)
{
	size_t at = find_place(tree, name), len = strlen(name);
	struct place *place = &tree->places.v[at];
	struct err why = ERR_INIT;

	if (at == tree->places.n || strcmp(place->name, name) != 0 ||
	    !place->is_directory)
		return false;
	if (at + 1 < tree->places.n &&
	    strncmp(place[1].name, name, len) == 0 &&
	    place[1].name[len] == NAME_SEP)
		return false;
	/* Somebody may have used it meanwhile: that is as well. */
	if (s->driver->mailbox_remove(s->store, name, &why) == -1)
		return false;
	tree->places.n--;
	memmove(place, place + 1, (tree->places.n - at) * sizeof(*place));
	return true;
}

static int
prune_vacated(struct session *s, struct err *err)
{
	struct tree tree = { 0 };
	char name[NAME_MAX_BYTES + 1];
	int r;

	tree.arena = arena_new(ARENA_TREE_MAX);
	r = s->driver->list(s->store, on_listed, &tree, err);
	if (tree.places.n > 0)
		qsort(tree.places.v, tree.places.n, sizeof(*tree.places.v),
		    place_cmp);
	for (size_t i = 0; i < s->vacated.n && r == 0; i++) {
		strlcpy(name, s->vacated.v[i], sizeof(name));
		do
			name[name_parent_len(name)] = '\0';
		while (prune_one(s, &tree, name) && name_parent_len(name) > 0);
	}
	ARRAY_FREE(&tree.places);
	arena_free(&tree.arena);
	return r;
}

int
prune_directories(struct session *s, bool vacated, struct err *err)
{
	int r = 0;

	if (s->vacated.n > 0) {
		make_again(s);
		if (vacated)
			r = prune_vacated(s, err);
	}
	s->vacated.n = s->kept.n = 0;
	return r;
}
