/*
 * merge_mails.h - what becomes of the messages of one mailbox (M1-M13, B0)
 *
 * A pure function: the records of both sides in, operations for both sides
 * out.
 */
#ifndef BRAIN_MERGE_MAILS_H
#define BRAIN_MERGE_MAILS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "brain/plan.h"
#include "model/msg.h"

struct arena;

/* What is known of one side's mailbox. */
struct mails_side {
	bool exists;			/* before this run */
	bool complete;			/* recs and gone are all there is; else
					   what changed since the base */
	bool append;			/* we may only add: what is there keeps
					   its UID */
	bool state_known;		/* the five below are known */
	bool uidvalidity_changed;	/* since the base */
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t highestmodseq;
	uint64_t messages;
	struct msg_message *recs;	/* by rising UID */
	size_t rec_count;
	struct msg_gone *gone;
	size_t gone_count;
	struct guid128 *asked;		/* sorted: marks that were looked up, so
					   one in neither list does not exist */
	size_t asked_count;
};

struct mails_input {
	struct mails_side side[2];
	bool base;			/* the two stores have one */
	int source;			/* one-way: index of the source; -1 */
	bool modseqs;			/* both sides keep them, or will (F6) */
	uint64_t modseq;		/* nothing that was planned for this
					   mailbox before is above it */
	struct guid128 run;
	struct guid128 *retry;		/* sorted: marks of what is pending */
	size_t retry_count;
};

/* Which digests merge_mails would like to know (M9): UIDs by side. */
struct mails_wanted {
	ARRAY(uint32_t) uids[2];
};

/*
 * Merge.  Memory of the plan's records comes from arena or is that of the
 * input; the arrays are freed by plan_mails_deinit.
 */
void merge_mails(struct arena *arena, const struct mails_input *in,
    struct plan_mails *plan);

/*
 * The messages for which only a content digest could tell whether the other
 * side holds the same mail: leftovers without a base, on both sides.  Empty
 * arrays: merge_mails needs no more.  The caller frees both arrays.
 */
void merge_mails_wanted(struct arena *arena, const struct mails_input *in,
    struct mails_wanted *wanted);

#define MERGE_UID_HIGH	0xf0000000U	/* above it UIDs are nearly used up */
#define MERGE_MODSEQ_MAX (1ULL << 56)	/* no honest modseq is above it */

/* UIDVALIDITY differs, or changed on one side: complete lists are needed. */
bool merge_mails_needs_lists(const struct mails_input *in);

#endif
