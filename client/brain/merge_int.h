/*
 * merge_int.h - a merge of one mailbox under way, for the files that do it
 */
#ifndef BRAIN_MERGE_INT_H
#define BRAIN_MERGE_INT_H

#include "base/array.h"
#include "brain/merge_mails.h"

/* One instance: a record on one side or on both. */
struct inst {
	struct msg_message *rec[2];	/* NULL: that side reports none */
	struct guid128 *marks;		/* of both, normalised */
	size_t mark_count;
	struct mail_flags flags[2];	/* surplus twins merged in */
	bool save[2];			/* this side gets it */
	bool gone;			/* expunged: takes part in nothing else */
	uint32_t uid;			/* the UID it shall have; 0: as it is */
	size_t flag_op[2];		/* index of its PLAN_FLAGS, plus one */
	bool flagged[2];		/* the flags of this side change */
	uint64_t modseq[2];		/* to be; 0: as it comes (F6) */
};

#define MERGE_SCRATCH_MAX	((size_t)8 << 30)	/* bytes */

struct merge {
	struct arena *arena;		/* of the plan */
	struct arena *scratch;		/* until the plan is made */
	const struct mails_input *in;
	struct plan_mails *plan;
	ARRAY(struct inst) insts;
	struct guid128 *dead[2];	/* sorted marks of the tombstones */
	size_t dead_count[2];
	bool differs;			/* UIDVALIDITY differs: UIDs tell
					   nothing (M10) */
	bool renumber;			/* and one side takes over the other's */
	bool rebuild;			/* one-way, at the end of the run (B3) */
	unsigned int keeper;		/* renumber: the side that keeps */
	uint64_t spare;			/* one-way: above all UIDs of both */
};

/* merge_mails.c */
struct plan_op *merge_add_op(struct plan_ops *ops, enum plan_kind kind,
    uint32_t uid, const struct msg_message *rec, const char *rule);
/* Tell of a decision on a message, or with NULL on the mailbox. */
void merge_note(struct merge *m, const struct msg_message *rec,
    const char *rule, const char *what);
bool merge_may_write(const struct merge *m, unsigned int s);
/* UIDs of what this side holds can't be changed, as we may only add to it. */
bool merge_is_fixed(const struct merge *m, unsigned int s);
void merge_add_expunge(struct merge *m, unsigned int s, uint32_t uid,
    const struct msg_message *rec, bool no_tombstone, const char *rule);

/* merge_pair.c */
/* How many of these marks have tombstones on side s? */
size_t merge_count_dead(const struct merge *m, unsigned int s,
    const struct guid128 *marks, size_t count);
void merge_add_marks(struct merge *m, struct inst *inst,
    const struct guid128 *marks, size_t count);
void merge_collect_dead(struct merge *m, unsigned int s);
/* The last run left something of it undone. */
bool merge_is_pending(const struct merge *m, const struct inst *inst);
void merge_make_insts(struct merge *m);
void merge_pair_rest(struct merge *m);

/* merge_decide.c */
void merge_decide_all(struct merge *m);

/* merge_uids.c */
uint32_t merge_side_uidnext(const struct mails_side *side);
/* B3: can the source's UIDs not be had one by one? */
void merge_see_rebuild(struct merge *m);
void merge_plan_rebuild(struct merge *m);
/* The UIDNEXT behind all that were planned; it may be no UID any more. */
uint64_t merge_plan_uids(struct merge *m);
/* True if there are too few UIDs for that; then nothing is planned. */
bool merge_uids_used_up(struct merge *m, uint64_t next);
/* Does this side's UID change, or is it given anew under a UIDVALIDITY? */
bool merge_uid_changes(const struct merge *m, const struct inst *inst,
    unsigned int s);
void merge_add_uid_ops(struct merge *m, struct inst *inst);
void merge_plan_state(struct merge *m, uint32_t next);


/* merge_modseqs.c: when the UIDs are planned, and no UID operation is yet */
void merge_plan_modseqs(struct merge *m);

#endif
