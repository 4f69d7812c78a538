/*
 * Mere directories that a run leaves behind (T16).
 *
 * A store that keeps mailboxes in directories makes the parents of a mailbox,
 * and keeps them when the mailbox goes.  If the other store of the run has no
 * such thing, nobody there sees them, and nobody could take them away: where
 * the run itself removed or renamed what was below, they go as well.
 */
#include "config.h"

#include <string.h>

#include "model/mailbox_name.h"
#include "session/session_int.h"

struct look {
	const char *name;
	size_t len;
	bool is_directory, has_children;
};

void
prune_note(struct session *s, const char *store_name)
{
	if (name_parent_len(store_name) > 0)
		*ARRAY_ADD(&s->vacated) = arena_strdup(s->pending_arena,
		    store_name);
}

static int
on_listed(const struct store_listing *listing, void *arg, struct err *err)
{
	struct look *look = arg;

	(void)err;
	if (strncmp(listing->name, look->name, look->len) != 0)
		return 0;
	if (listing->name[look->len] == '\0')
		look->is_directory = !listing->selectable;
	else if (listing->name[look->len] == NAME_SEP)
		look->has_children = true;
	return 0;
}

/* 1: it held nothing and is gone; 0: it stays; -1. */
static int
prune_one(struct session *s, const char *name, struct err *err)
{
	struct look look = { .name = name, .len = strlen(name) };
	struct err why = ERR_INIT;

	if (s->driver->list(s->store, on_listed, &look, err) == -1)
		return -1;
	if (!look.is_directory || look.has_children)
		return 0;
	/* Somebody may have used it meanwhile: that is as well. */
	return s->driver->mailbox_remove(s->store, name, &why) == 0;
}

int
prune_directories(struct session *s, struct err *err)
{
	char name[NAME_MAX_BYTES + 1];
	int r = 1;

	for (size_t i = 0; i < s->vacated.n && r != -1; i++) {
		strlcpy(name, s->vacated.v[i], sizeof(name));
		for (r = 1; r == 1 && name_parent_len(name) > 0;) {
			name[name_parent_len(name)] = '\0';
			r = prune_one(s, name, err);
		}
	}
	s->vacated.n = 0;
	return r == -1 ? -1 : 0;
}
