/*
 * guard.c - before the first change: what comes back, what would go (G1, G2)
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "brain/run.h"
#include "model/mailbox_name.h"

#define GUARD_LINES	20U	/* mailboxes that are told one by one */
#define NAME_SHOWN_MAX	512U

static int
guid_text_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
late_guid_cmp(const void *a, const void *b)
{
	const struct late_expunge *const *x = a, *const *y = b;

	return strcmp((*x)->op.rec.guid, (*y)->op.rec.guid);
}

/*
 * Expunges of messages that are copied elsewhere, one for each copy: moves.
 * Only a copy keeps what this side holds, and only if the message that goes is
 * the one that was copied: the other side's word for its GUID is checked when
 * it is expunged.
 */
static void
find_moves(struct run_side *side, const char **kept, size_t kept_count)
{
	ARRAY(struct late_expunge *) gone = { 0 };
	size_t i = 0, k = 0;
	int cmp;

	for (size_t n = 0; n < side->expunges.n; n++) {
		struct late_expunge *late = &side->expunges.v[n];

		late->moved = false;
		if (!late->op.no_tombstone && late->op.rec.guid != NULL &&
		    late->op.rec.guid[0] != '\0')
			*ARRAY_ADD(&gone) = late;
	}
	if (gone.n > 1)
		qsort(gone.v, gone.n, sizeof(*gone.v), late_guid_cmp);
	if (kept_count > 1)
		qsort(kept, kept_count, sizeof(*kept), guid_text_cmp);
	while (i < gone.n && k < kept_count) {
		cmp = strcmp(gone.v[i]->op.rec.guid, kept[k]);
		if (cmp == 0)
			gone.v[i]->moved = true;
		i += cmp <= 0;
		k += cmp >= 0;
	}
	ARRAY_FREE(&gone);
}

/* G1: how much would go from a side, moves not counted. */
static void
count_removals(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s];
	ARRAY(const char *) kept = { 0 };
	struct job *job;

	TAILQ_FOREACH(job, &brain->ready, link) {
		const struct plan_ops *ops = &job->plan.side[s].ops;

		for (size_t i = 0; i < ops->n; i++)
			if (ops->v[i].kind == PLAN_COPY)
				*ARRAY_ADD(&kept) = ops->v[i].rec.guid;
	}
	find_moves(side, kept.v, kept.n);
	ARRAY_FREE(&kept);
	side->remove = side->remove_inbox = 0;
	for (size_t i = 0; i < side->expunges.n; i++) {
		const struct late_expunge *late = &side->expunges.v[i];

		if (late->op.no_tombstone || late->moved)
			continue;
		side->remove++;
		if (name_is_inbox(brain->entries.v[late->entry].target.name))
			side->remove_inbox++;
	}
}

/* What a guard is about to prevent, mailbox by mailbox. */
static void
tell_removals(struct brain *brain, unsigned int s)
{
	const struct run_side *side = &brain->side[s];
	uint64_t *count = arena_calloc(brain->arena, brain->entries.n + 1,
	    sizeof(*count));
	unsigned int told = 0, more = 0;
	char name[NAME_SHOWN_MAX];

	for (size_t i = 0; i < side->expunges.n; i++)
		if (!side->expunges.v[i].op.no_tombstone &&
		    !side->expunges.v[i].moved)
			count[side->expunges.v[i].entry]++;
	for (size_t i = 0; i < brain->entries.n; i++) {
		if (count[i] == 0)
			continue;
		if (told++ >= GUARD_LINES) {
			more++;
			continue;
		}
		tell_text(brain, EVENT_NOTICE, s, "G1",
		    "%s: %s: %llu messages would be removed",
		    tell_side(s), name_show(name, sizeof(name),
		    brain->entries.v[i].target.name),
		    (unsigned long long)count[i]);
	}
	if (more > 0)
		tell_text(brain, EVENT_NOTICE, s, "G1", "and messages of %u "
		    "more mailboxes", more);
}

int
guard_side(struct brain *brain, unsigned int s, struct err *err)
{
	const struct brain_args *args = brain->args;
	struct run_side *side = &brain->side[s];
	const struct run_side *other = &brain->side[!s];
	uint64_t all = side->view.messages;
	bool much;

	count_removals(brain, s);
	if (brain->source == (int)!s && !guid_is_zero(&side->last_peer) &&
	    !guid_eq(&side->last_peer, &other->store) &&
	    other->view.messages < side->last_peer_messages &&
	    side->remove > 0) {
		tell_removals(brain, s);
		return err_set(err, ERR_REFUSED, "the source is another store "
		    "than last time and holds less (%llu messages, then %llu);"
		    " %llu would be removed here: use --force-delete if that "
		    "is meant (G1)", (unsigned long long)other->view.messages,
		    (unsigned long long)side->last_peer_messages,
		    (unsigned long long)side->remove);
	}
	much = side->remove > args->max_delete_min && side->remove * 100 >
	    all * args->max_delete_percent;
	much |= side->remove > 0 && side->remove >= all && all > 1;
	much |= side->remove_inbox > args->max_delete_min &&
	    side->remove_inbox >= side->view.inbox_messages;
	if (!much)
		return 0;
	tell_removals(brain, s);
	return err_set(err, ERR_REFUSED, "%llu of %llu messages at the %s "
	    "location would be removed; nothing was changed: use "
	    "--force-delete, or raise max_delete, if that is meant (G1)",
	    (unsigned long long)side->remove, (unsigned long long)all,
	    tell_side(s));
}

/* T3: what survives brings its mailbox back where it was deleted. */
void
guard_revive(struct brain *brain)
{
	struct job *job;

	TAILQ_FOREACH(job, &brain->ready, link) {
		struct tree_entry *e = &brain->entries.v[job->entry];
		unsigned int h = e->exists[1] && !e->exists[0];

		if (e->fate != TREE_DELETE || brain->source >= 0 ||
		    e->gone[!h] == NULL || job->plan.side[!h].ops.n == 0)
			continue;
		merge_tree_revive(brain->arena, &brain->entries, job->entry,
		    !h);
		if (e->fate == TREE_SKIP)
			tell_left(brain, job->entry);
	}
}

/* Messages that side s is to get. */
static uint64_t
count_new(const struct brain *brain, unsigned int s)
{
	const struct job *job;
	uint64_t count = 0;

	TAILQ_FOREACH(job, &brain->ready, link) {
		const struct plan_ops *ops = &job->plan.side[s].ops;

		for (size_t i = 0; i < ops->n; i++)
			count += ops->v[i].kind == PLAN_SAVE ||
			    ops->v[i].kind == PLAN_COPY;
	}
	return count;
}

bool
guard_is_pairing(const struct brain *brain)
{
	return !brain->base && brain->side[0].view.messages > 0 &&
	    brain->side[1].view.messages > 0;
}

void
guard_tell_pairing(struct brain *brain)
{
	const struct msg_view *a = &brain->side[0].view;
	const struct msg_view *b = &brain->side[1].view;
	uint64_t equal = 0, gone = 0;

	if (!guard_is_pairing(brain))
		return;
	for (size_t i = 0; i < brain->entries.n; i++)
		equal += brain->accounts[i].equal;
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		for (size_t i = 0; i < brain->side[s].expunges.n; i++)
			gone += !brain->side[s].expunges.v[i].op.no_tombstone;
	tell_text(brain, EVENT_NOTICE, SIDE_A, "G2",
	    "first run between these stores: %llu messages in %llu mailboxes "
	    "here, %llu in %llu there; %llu are on both, %llu are new here, "
	    "%llu there, %llu are to be removed",
	    (unsigned long long)a->messages, (unsigned long long)a->mailboxes,
	    (unsigned long long)b->messages, (unsigned long long)b->mailboxes,
	    (unsigned long long)equal,
	    (unsigned long long)count_new(brain, SIDE_A),
	    (unsigned long long)count_new(brain, SIDE_B),
	    (unsigned long long)gone);
}
