/*
 * merge_attributes.h - what becomes of attributes of mailboxes (T15, B0)
 *
 * A pure function: what both sides tell in, the changes for each side out.
 */
#ifndef BRAIN_MERGE_ATTRIBUTES_H
#define BRAIN_MERGE_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"
#include "brain/merge_tree.h"
#include "model/msg.h"

struct attributes_side {
	const struct msg_attribute *list; /* by GUID and key; no key twice */
	size_t count;
	/* Those that its view told as changed; the same if complete is not. */
	const struct msg_attribute *changed;
	size_t changed_count;
	bool keeps;		/* the store keeps attributes */
};

struct attributes_input {
	struct attributes_side side[2];
	const struct tree_entries *entries;
	bool base;
	bool complete;		/* list is all there are */
	bool changes_known;	/* changed is; what one side alone has changed
				   holds (T8) */
	int source;		/* one-way: index of the source; -1 */
};

/* An attribute to be set, or removed, on one side. */
struct attribute_op {
	unsigned int side;
	size_t entry;
	struct msg_attribute a;	/* mailbox: as the side that told it has it */
	bool changes;		/* it gets another value, not just a stamp */
	bool conflict;		/* both sides have changed it (T15) */
	const struct msg_attribute *loses; /* what this side had, or NULL */
};

ARRAY_TYPE(attribute_ops, struct attribute_op);

/* By GUID and key, for qsort. */
int attribute_cmp(const void *a, const void *b);

/*
 * Merge; the caller frees the array, whose memory is that of the input.
 * Returns how many attributes stay where they are since the other side's store
 * keeps none.
 */
size_t merge_attributes(const struct attributes_input *in,
    struct attribute_ops *ops);

#endif
