/*
 * plan.h - what is to be done to the messages of one mailbox
 */
#ifndef BRAIN_PLAN_H
#define BRAIN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "model/msg.h"

struct strbuf;

enum plan_kind {
	PLAN_SAVE,		/* the body comes from the other side */
	PLAN_COPY,		/* the side holds the body already (M8) */
	PLAN_SET_UID,
	PLAN_FLAGS,
	PLAN_MODSEQ,		/* its flags are as they shall be (F6) */
	PLAN_EXPUNGE,
};

/* One operation on one side.  Pointers live in the plan's arena. */
struct plan_op {
	enum plan_kind kind;
	uint32_t uid;			/* present UID; SAVE, COPY: wanted one,
					   0: the next */
	uint32_t new_uid;		/* SET_UID */
	uint32_t from_uid;		/* SAVE: on the other side, now */
	bool no_tombstone;		/* EXPUNGE of a surplus twin (M5) */
	bool unseen;			/* FLAGS: stamps and marks alone */
	bool given_up;			/* SAVE: its body can't be had */
	const char *rule;		/* that decided it */
	struct msg_message rec;		/* marks, GUID, flags, modseq as they
					   shall be; modseq 0: the next one */
};

ARRAY_TYPE(plan_ops, struct plan_op);

/* A conflict, or a decision that is not obvious, for people. */
struct plan_note {
	uint32_t uid;			/* 0: the mailbox as a whole */
	const char *guid;
	const char *rule;
	const char *what;
};

ARRAY_TYPE(plan_notes, struct plan_note);

/*
 * Operations of one mailbox on one side, in the order in which they are sent:
 * flags and modseqs, then saves, copies and UID changes by rising UID; expunges
 * apart.
 */
struct plan_side {
	struct plan_ops ops;
	struct plan_ops expunges;
	uint32_t uidvalidity;		/* to be set first; 0: stays */
	uint32_t uidnext;		/* to be raised to at the end; 0: stays */
};

/* A message of the destination, and the UID that it has at the source. */
struct plan_uid {
	uint32_t uid, new_uid;
	struct guid128 mark;
	uint64_t modseq;
};

ARRAY_TYPE(plan_uids, struct plan_uid);

struct plan_mails {
	struct plan_side side[2];
	uint64_t seen, equal, copied, flagged, expunged, renumbered;
	uint64_t skipped;
	uint64_t modseq;		/* F6: the highest on both sides; 0: no
					   modseqs are planned */
	bool rebuild;			/* B3: at the end the destination gets
					   all UIDs of the source anew */
	struct plan_uids uids;		/* of that, by rising new_uid */
	uint32_t rebuild_uidnext;
	bool parted;			/* one-way: messages of the destination
					   make way for several of the source
					   each (M5) */
	bool uids_used_up;		/* M4: left alone, nothing is planned */
	bool uidvalidity_kept;		/* M10: of a side that we may only add
					   to, and it differs */
	bool uidnext_above;		/* one-way: it is above the source's */
	bool modseq_above;		/* the same, of HIGHESTMODSEQ or one */
	struct plan_ops blocked;	/* skipped ones: rule says why */
	struct plan_notes notes;
};

void plan_mails_deinit(struct plan_mails *plan);

/* Bring the operations of a side into their order. */
void plan_side_sort(struct plan_side *side);

/* Does it change what a mail client can see? */
bool plan_op_is_seen(const struct plan_op *op);

/* "save UID 7 (guid ...)" for -n and -v. */
void plan_op_format(struct strbuf *out, const struct plan_op *op);

#endif
