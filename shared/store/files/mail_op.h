/*
 * mail_op.h - a change of a mailbox that waits for its flush
 *
 * What the caller of a driver asked for, copied; each driver that works on
 * files keeps an array of these in its open mailboxes and adds what it needs
 * to carry them out.
 */
#ifndef STORE_FILES_MAIL_OP_H
#define STORE_FILES_MAIL_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

enum mail_op_kind {
	OP_APPEND, OP_FLAGS, OP_UID, OP_EXPUNGE, OP_STATUS,
};

#define MAIL_OP_MEMBERS							\
	enum mail_op_kind kind;						\
	bool answered;							\
	uint64_t tag;							\
	uint32_t uid;		/* of the message; APPEND and UID:	\
				   wanted, then given (0: none left) */	\
	uint32_t from_uid;	/* UID: the old one */			\
	char *guid;		/* APPEND: NULL if none was given */	\
	flags_t flags, was_flags;					\
	char **keywords, **was_keywords;	/* one block each */	\
	size_t keyword_count, was_count;				\
	uint64_t modseq;	/* wanted; 0: the next one */		\
	int64_t received;	/* APPEND */				\
	uint32_t saved;		/* APPEND; 0: now */			\
	char *pop3_uidl;	/* APPEND; NULL: none of its own */	\
	uint32_t pop3_order;						\
	struct mailbox_status status;	/* STATUS */

struct mail_op {
	MAIL_OP_MEMBERS
};

/* The first member of a driver's own struct: op->uid is op->common.uid. */
#define MAIL_OP								\
	union {								\
		struct mail_op common;					\
		struct {						\
			MAIL_OP_MEMBERS					\
		};							\
	}

/*
 * Fill in op, which is zero but for its tag and what is the driver's own, with
 * copies of what is given.
 */
void mail_op_append(struct mail_op *op, const struct mail_info *info);
void mail_op_flags(struct mail_op *op, const struct mail_info *was,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t modseq);
void mail_op_uid(struct mail_op *op, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq);
void mail_op_expunge(struct mail_op *op, uint32_t uid, const char *guid);
void mail_op_status(struct mail_op *op, const struct mailbox_status *status);

/* set_flags, set_uid, expunge and set_status of a driver that has prepare. */
int mail_op_set_flags(struct mailbox *box, const struct mail_info *was,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t modseq, uint64_t tag, struct err *err);
int mail_op_set_uid(struct mailbox *box, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq, uint64_t tag, struct err *err);
int mail_op_set_expunge(struct mailbox *box, uint32_t uid, const char *guid,
    uint64_t tag, struct err *err);
int mail_op_set_status(struct mailbox *box,
    const struct mailbox_status *status, uint64_t tag, struct err *err);

/* Free what those functions copied; op is of no use afterwards. */
void mail_op_deinit(struct mail_op *op);

/* Keywords and their text in one block of heap memory, also if count is 0. */
char **mail_op_keywords(const char *const *keywords, size_t count);

#endif
