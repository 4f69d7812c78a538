/*
 * merge_tree.h - what becomes of the mailboxes (T1-T16, B0)
 *
 * A pure function: the mailboxes of both sides in, one entry for each mailbox
 * out, with the name, GUID and stamps that it shall have on both; and from the
 * entries the ordered steps for one side.
 */
#ifndef BRAIN_MERGE_TREE_H
#define BRAIN_MERGE_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"
#include "model/msg.h"

struct arena;

struct tree_side {
	struct msg_mailbox *boxes;
	size_t box_count;
	struct msg_mailbox_gone *gone;
	size_t gone_count;
	struct msg_subscription *subs;
	size_t sub_count;
	bool no_directories;	/* it can't hold a mere directory (T16) */
	bool append;		/* we may only add to it: a mailbox that holds
				   messages keeps its GUID (T10) */
	/* If changes_known: those since the base, which its view told. */
	const struct msg_mailbox_gone *gone_changed;
	size_t gone_changed_count;
	const struct msg_subscription *subs_changed;
	size_t subs_changed_count;
};

struct tree_input {
	struct tree_side side[2];
	bool base;
	bool complete;		/* boxes and subs are all there are; else those
				   that changed since the base */
	bool changes_known;	/* what one side alone has changed since the
				   base is known, and holds (T8) */
	bool filtered;		/* -m or -x: nothing is deleted (P7) */
	int source;		/* one-way: index of the source; -1 */
};

enum tree_fate {
	TREE_KEEP,
	TREE_DELETE,		/* from the side that has it, if no message
				   survives (T3) */
	TREE_SKIP,		/* undecidable: left alone, reported */
};

struct tree_entry {
	struct msg_mailbox *box[2];		/* NULL: not reported */
	const struct msg_mailbox_gone *gone[2];
	bool exists[2];			/* that side has it now */
	bool keeps_guid[2];		/* that side's has another GUID than the
					   target, and keeps it (T10) */
	enum tree_fate fate;
	struct msg_mailbox target;	/* as it shall be on both sides */
	const char *rule;		/* of a decision worth telling, or NULL */
	const char *why;		/* the decision, for people */
};

ARRAY_TYPE(tree_entries, struct tree_entry);

/* One step on one side. */
struct tree_op {
	size_t entry;
	bool create, recreate, temporary;
	const char *name;		/* the new one */
	bool delete;			/* after everything else */
};

ARRAY_TYPE(tree_ops, struct tree_op);

/* A subscription to be set on one side. */
struct tree_sub {
	unsigned int side;
	struct msg_subscription sub;
	bool stamp_only;		/* it is so there already */
	bool conflict;			/* both sides have changed it */
};

ARRAY_TYPE(tree_subs, struct tree_sub);

/*
 * Merge.  Memory of the entries comes from arena or is that of the input;
 * the caller frees the array.
 */
void merge_tree(struct arena *arena, const struct tree_input *in,
    struct tree_entries *entries);

/*
 * An entry whose deletion found survivors comes back under a free name (T3,
 * T5); if there is none its fate is TREE_SKIP (P6).
 */
void merge_tree_revive(struct arena *arena, struct tree_entries *entries,
    size_t index, unsigned int deleted_on);

/*
 * Two of one name, when a run does not look at all mailboxes: if both sides
 * knew one of them, it got the name from a third, which is out of sight.  Then
 * both are left alone (P7).
 */
bool merge_tree_leave_unseen(const struct tree_input *in,
    struct tree_entry *x, struct tree_entry *y);

/* What is to have a name of an entry that is left alone is left alone too. */
void merge_tree_leave(struct arena *arena, struct tree_entries *entries);

/* It stays and a side has it, so it wants the name of its target. */
bool merge_tree_wants_name(const struct tree_entry *e);

/* Does another entry than this one get the name, or keep it? */
bool merge_tree_name_taken(const struct tree_entries *entries, size_t index,
    const char *name);

/* The steps for one side in a safe order (T11); the caller frees the array. */
void merge_tree_ops(struct arena *arena, const struct tree_entries *entries,
    unsigned int side, struct tree_ops *ops);

/* The orders of gone_changed, by GUID, and subs_changed, by name, for qsort. */
int tree_gone_cmp(const void *a, const void *b);
int tree_sub_cmp(const void *a, const void *b);

/* Subscriptions that differ (T14); the caller frees the array. */
void merge_tree_subs(const struct tree_input *in, struct tree_subs *subs);

#endif
