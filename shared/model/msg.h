/*
 * msg.h - the messages between a store and the brain, decoded
 *
 * One protocol serves both stores of a run: the local one over a socket pair,
 * the remote one over TLS or a pipe.  The brain asks, the store answers.  All
 * values here have passed the codec's checks; memory belongs to whoever made
 * the message (the codec: an arena that lives until the next message).
 *
 * Order, brain to store (">") and store to brain ("<"):
 *
 *	> HELLO [ < WELCOME ]  with begin set, the view follows at once; else
 *	> BEGIN
 *	< VIEW  MAILBOX* MAILBOX_GONE* SUBSCRIPTION* ATTRIBUTE* TREE_END
 *	    ( MESSAGES MESSAGE* GONE* MESSAGES_END )*  PENDING*  VIEW_END
 *	> any number of LIST, TREE, HAVE, GET and operations, in any order,
 *	    without waiting; each kind of question is answered in its order
 *	> FLUSH: everything before it is made durable, < DONE
 *	> PENDING* COMMIT, < COMMITTED, > BYE
 *
 * Operations are numbered upwards per store, FLUSH included.  The store
 * answers those that did not go exactly as asked by RESULT, and all others by
 * DONE with the highest number up to which everything is durable.  Expunges of
 * a batch are done after its appends, and after the bodies that were asked for
 * before have been read.
 *
 * An operation expects that its message or mailbox was not changed, by others
 * than this run, after the view: a record with a seq above the view's answers
 * RESULT_STALE and is left alone (rule P8).  An expunge alone goes through
 * when only flags changed (M3).
 */
#ifndef MODEL_MSG_H
#define MODEL_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "model/flags.h"
#include "model/guid.h"

#define PROTOCOL_VERSION	1U
#define MARKS_MAX		16U	/* birth marks of one instance */
#define POSITIONS_MAX		16U	/* in HELLO or WELCOME */
#define FILTERS_MAX		256U	/* names, and masks, of -m and -x */
#define FILTER_BYTES_MAX (64U * 1024U)	/* bytes of all names, of all masks */
#define ALIASES_MAX		64U	/* GUIDs that a mailbox replaced */
#define LIST_MARKS_MAX		1000U	/* marks in one LIST */
#define LIST_RANGES_MAX		1000U	/* UID ranges in one LIST */
#define HAVE_MAX		500U	/* GUIDs in one HAVE */
#define LABEL_MAX		1024U	/* bytes */
#define TEXT_MAX		512U	/* bytes of a reason */
#define BODY_CHUNK_MAX		(64U * 1024U) /* bytes of one body frame */

/* Feature bits of HELLO and WELCOME. */
#define FEATURE_ZSTD		0x1U	/* bodies may be compressed */
#define FEATURE_NEXT_USER	0x2U	/* the connection may serve another
					   user after this one */
#define FEATURE_ATTRIBUTES	0x4U	/* ATTRIBUTE, OP_ATTRIBUTE (T15) */

enum msg_kind {
	/* brain to store */
	MSG_HELLO = 1,
	MSG_BEGIN,
	MSG_LIST,
	MSG_TREE,
	MSG_HAVE,
	MSG_GET,
	MSG_OP_MAILBOX,
	MSG_OP_MAILBOX_DELETE,
	MSG_OP_SUBSCRIBE,
	MSG_OP_SAVE,
	MSG_OP_COPY,
	MSG_OP_FLAGS,
	MSG_OP_EXPUNGE,
	MSG_OP_SET_UID,
	MSG_OP_MODSEQ,
	MSG_OP_ATTRIBUTE,
	MSG_FLUSH,
	MSG_COMMIT,
	MSG_BYE,
	/* store to brain */
	MSG_WELCOME,
	MSG_VIEW,
	MSG_MAILBOX,
	MSG_MAILBOX_GONE,
	MSG_SUBSCRIPTION,
	MSG_ATTRIBUTE,
	MSG_TREE_END,
	MSG_MESSAGES,
	MSG_MESSAGE,
	MSG_GONE,
	MSG_MESSAGES_END,
	MSG_VIEW_END,
	MSG_HAVE_REPLY,
	MSG_BODY,
	MSG_GET_FAILED,
	MSG_RESULT,
	MSG_DONE,
	MSG_COMMITTED,
	/* both ways */
	MSG_PENDING,
	MSG_BODY_CHUNK,	/* raw frame, never in protobuf */
	MSG_BODY_END,
	MSG_ERROR,
	MSG_KIND_COUNT
};

enum run_role {
	ROLE_MIRROR,		/* two-way */
	ROLE_SOURCE,		/* one-way, nothing of it is written (B1) */
	ROLE_DESTINATION,	/* one-way */
};

enum peer_access {
	ACCESS_READ,		/* every operation is refused */
	ACCESS_APPEND,		/* saves, copies, new mailboxes only */
	ACCESS_READ_WRITE,
};

/* The run that a position was taken in. */
struct msg_position {
	struct guid128 peer;	/* the other store's id */
	struct guid128 run;
	struct guid128 scope;	/* zero: whole store; else hash of the filter */
};

struct arena;

struct msg_hello {
	uint32_t version_min, version_max;
	uint64_t features, required;	/* FEATURE_* */
	const char *software;		/* "dsync 0.1.0" */
	uint64_t clock_ms;
	struct guid128 run;		/* of this run; never zero */
	struct guid128 peer;		/* the other store's id, zero: not known */
	const char *label;		/* a name under which this store
					   remembers the other one */
	struct guid128 scope;		/* as in msg_position */
	struct msg_position *positions;	/* the other store's, newest first */
	size_t position_count;
	bool begin;			/* send the view at once */
	enum run_role role;
	bool full;			/* -f: compare everything, keep base */
	bool dry_run;			/* -n: write nothing, not even the log */
	const char **names;		/* -m: joined names; none: all */
	size_t name_count;
	const char **masks;		/* -x: joined masks left out */
	size_t mask_count;
	char alt_char;			/* -C; T13 */
};

/* Bits of caps that the merge looks at. */
#define MSG_CAP_DIRECTORIES	0x20U	/* the store has mere directories */
#define MSG_CAP_ATTRIBUTES	0x40U	/* it keeps attributes of mailboxes; of
					   this store, not of its driver */

struct msg_welcome {
	uint32_t version;
	uint64_t features;
	const char *software;
	uint64_t clock_ms;
	struct guid128 store;		/* id of this store */
	uint32_t caps;			/* STORE_CAP_* */
	enum peer_access access;
	struct msg_position *positions;	/* with label or peer of HELLO, of its
					   scope or whole, newest first */
	size_t position_count;
	struct guid128 last_peer;	/* store last met under label, or zero */
	uint64_t last_peer_messages;	/* what that one held then */
};

struct msg_begin {
	struct guid128 peer;
	struct guid128 base;		/* run; zero: no base */
};

struct msg_view {
	struct guid128 base;		/* run chosen; zero: no base */
	uint64_t seq;			/* head when the view was taken */
	uint64_t messages, mailboxes;	/* in the whole store, for G1 and G2 */
	uint64_t inbox_messages;
	bool attributes_begun;		/* they are kept since after the base */
};

/*
 * A mailbox as its store's log knows it.  In a view with a base: one whose tree
 * keys, state or messages changed since; without, or with -f: each one, with
 * the digest of its messages.
 */
struct msg_mailbox {
	struct guid128 guid;
	const char *name;		/* joined */
	bool selectable;		/* false: a mere directory (T16) */
	bool is_new;			/* first seen after the base */
	bool tree_changed;		/* existence, parent or last part changed */
	bool uidvalidity_changed;
	uint64_t exist_stamp;		/* ms: when it came to be */
	uint64_t parent_stamp;		/* ms: the path of its parent */
	uint64_t last_stamp;		/* ms: its last name part */
	uint32_t uidvalidity;		/* 0: only of a mere directory */
	uint32_t uidnext;
	uint64_t highestmodseq;		/* 0: none kept */
	uint64_t messages;
	struct guid128 *aliases;	/* GUIDs that this one stands for (T10) */
	size_t alias_count;
	const uint8_t *set_digest;	/* DIGEST_SIZE bytes or NULL */
};

struct msg_mailbox_gone {
	struct guid128 guid;
	const char *name;		/* its last one */
	uint64_t stamp;			/* ms, of the deletion */
	bool is_new;			/* came and went after the base */
};

struct msg_subscription {
	const char *name;		/* joined */
	bool on;
	uint64_t stamp;			/* ms, 0: never seen to change */
};

/* An attribute of a mailbox (model/attribute.h). */
struct msg_attribute {
	struct guid128 mailbox;
	const char *key;
	const uint8_t *value;		/* NULL: it was removed */
	size_t len;			/* bytes, up to ATTRIBUTE_VALUE_MAX */
	uint64_t stamp;			/* ms, 0: never seen to change */
};

/* The messages of one mailbox follow, by rising UID. */
struct msg_messages {
	struct guid128 mailbox;
	uint32_t request;		/* number of the LIST; 0: the view's own */
};

struct msg_messages_end {
	bool more;			/* a LIST hit its max; go on after the
					   last UID */
};

/* One instance of a message. */
struct msg_message {
	uint32_t uid;
	const char *guid;
	struct guid128 *marks;		/* at least 1, sorted by guid_cmp */
	size_t mark_count;
	struct mail_flags flags;
	uint64_t modseq;		/* 0: none kept */
	bool is_new;			/* first seen after the base */
	bool moved;			/* got another UID since the base */
	bool held;			/* its GUID or digest was in this store at
					   the base, in whatever mailbox (M8) */
	const uint8_t *digest;		/* DIGEST_SIZE bytes or NULL */
	uint64_t size;			/* bytes stored, where a LIST asks; 0: not
					   cheaply known */
	int64_t received;		/* RECEIVED_NONE if not cheaply known */
	uint32_t saved;			/* when it came into its mailbox (RFC
					   8514), seconds since 1970; 0: not
					   cheaply known */
	const char *pop3_uidl;		/* NULL: none of its own */
	uint32_t pop3_order;		/* 0: none */
};

#define RECEIVED_NONE	INT64_MIN

/* An instance that was expunged. */
struct msg_gone {
	uint32_t uid;
	const char *guid;
	struct guid128 *marks;
	size_t mark_count;
	bool is_new;			/* came and went after the base */
};

struct uid_range {
	uint32_t first, last;
};

/* Ask for the messages of a mailbox: all, or some by UID or by mark. */
struct msg_list {
	uint32_t request;		/* 1 and up */
	struct guid128 mailbox;
	uint32_t after_uid;		/* only UIDs above; 0: from the first */
	uint32_t max;			/* messages at most; 0: LIST_PAGE_MAX */
	bool digests;			/* compute digests that are not known */
	bool sizes;			/* tell sizes that are known */
	bool tombstones;		/* GONE as well, for all that the log has */
	struct uid_range *ranges;	/* rising and apart; none: all UIDs */
	size_t range_count;
	struct guid128 *marks;		/* none: all; else those having one of
					   them, tombstones included */
	size_t mark_count;
};

#define LIST_PAGE_MAX	20000U

/*
 * Which of these does the store hold, in any mailbox?  By GUID; and of those
 * whose digest is given by that: messages of that size are read for theirs.
 */
struct msg_have {
	uint32_t request;
	const char **guids;
	size_t guid_count;
	uint64_t *sizes;		/* one a GUID, 0: not known; or NULL */
	uint8_t *digests;		/* DIGEST_SIZE bytes a GUID, with sizes
					   and for HAVE_TEXTS_MAX at most; or
					   NULL */
};

#define HAVE_TEXTS_MAX	50U

struct msg_have_reply {
	uint32_t request;
	uint8_t *bits;			/* (guid_count + 7) / 8 bytes, bit 0 first */
	size_t bits_len;
	uint8_t *same_size;		/* as bits: another message has that size */
	size_t same_size_len;		/* 0: none has */
};

/* Ask for a body. */
struct msg_get {
	uint32_t request;		/* 1 and up, of this store */
	struct guid128 mailbox;
	uint32_t uid;
	const char *guid;
};

/* The body asked for by GET; BODY_CHUNK* and BODY_END follow. */
struct msg_body {
	uint32_t request;
	uint64_t size;			/* bytes, as stored */
	int64_t received;		/* INTERNALDATE, seconds since 1970 */
	uint32_t saved;			/* as in msg_message */
};

struct msg_get_failed {
	uint32_t request;
	enum err_code code;
	const char *text;
};

/*
 * The end of a body, of BODY or OP_SAVE.  failed: the bytes so far are no whole
 * message and are dropped, which a store answers with RESULT_FAILED.
 */
struct msg_body_end {
	bool failed;
	const uint8_t *digest;		/* DIGEST_SIZE bytes (M1); NULL if failed */
};

/*
 * Create a mailbox or bring it to this state: name, stamps, UIDVALIDITY,
 * GUID; UIDNEXT and HIGHESTMODSEQ are only raised.  UIDVALIDITY or UIDNEXT 0:
 * as it is, or, in a create, chosen by the store.  A changed UIDVALIDITY
 * renumbers: up to the next FLUSH any free UID may be given by OP_SET_UID,
 * OP_SAVE and OP_COPY, and what is not named gets new UIDs.
 */
#define VANISHED_MAX	4096U		/* UIDs of one OP_MAILBOX */

struct msg_op_mailbox {
	uint32_t op;
	bool create;			/* it does not exist yet */
	bool recreate;			/* create: although this store knows it
					   as deleted (T3) */
	bool temporary;			/* a step of a plan of renames (T11) */
	struct msg_mailbox box;		/* guid: the present one; aliases: what
					   it stands for from now on */
	struct guid128 new_guid;	/* zero: stays */
	uint32_t *vanished;		/* UIDs that mail clients of the other
					   store knew, and that nothing has (F6) */
	size_t vanished_count;		/* up to VANISHED_MAX */
};

struct msg_op_mailbox_delete {
	uint32_t op;
	struct guid128 guid;
	uint64_t stamp;			/* ms, of the deletion */
};

struct msg_op_subscribe {
	uint32_t op;
	struct msg_subscription sub;
};

struct msg_op_attribute {
	uint32_t op;
	struct msg_attribute a;
};

/* Save a message; its body follows as BODY_CHUNK* BODY_END, with nothing but
   LIST, TREE, HAVE and GET in between. */
struct msg_op_save {
	uint32_t op;
	struct guid128 mailbox;
	struct msg_message message;	/* received is known */
	uint64_t size;			/* bytes that follow */
};

/* Copy a message that this store holds under GUID or digest of message. */
struct msg_op_copy {
	uint32_t op;
	struct guid128 mailbox;
	struct msg_message message;	/* received: known or as the source's */
};

/* Give a message these flags and stamps, and exactly these marks and GUID. */
struct msg_op_flags {
	uint32_t op;
	struct guid128 mailbox;
	uint32_t uid;
	struct guid128 *marks;		/* one of them is the present one */
	size_t mark_count;
	struct mail_flags flags;
	uint64_t modseq;		/* to be; 0: the store's next one */
};

struct msg_op_expunge {
	uint32_t op;
	struct guid128 mailbox;
	uint32_t uid;
	struct guid128 *marks;		/* one of them is the present one */
	size_t mark_count;
	bool no_tombstone;		/* a surplus twin (M5) */
	const char *guid;		/* only this mail; "": whichever it is */
};

struct msg_op_set_uid {
	uint32_t op;
	struct guid128 mailbox;
	uint32_t uid;
	struct guid128 mark;
	uint32_t new_uid;		/* at least UIDNEXT, or the store answers
					   with the one it gave */
	uint64_t modseq;		/* as in OP_FLAGS */
};

/* Raise the modseq of a message, whatever its flags are (F6). */
struct msg_op_modseq {
	uint32_t op;
	struct guid128 mailbox;
	uint32_t uid;
	struct guid128 mark;
	uint64_t modseq;		/* never 0 */
};

struct msg_flush {
	uint32_t op;
};

enum result_status {
	RESULT_OTHER_UID = 1,	/* done, with uid instead; OP_FLAGS, OP_EXPUNGE:
				   on the message of that mark, whose UID is or
				   was uid */
	RESULT_STALE,		/* not as expected, nothing was done (P8) */
	RESULT_NOT_HELD,	/* OP_COPY: no such message here (M8) */
	RESULT_ACCESS,		/* the peer may not do this */
	RESULT_NOT_EMPTY,	/* OP_MAILBOX_DELETE: holds messages */
	RESULT_FAILED,		/* code and text say why */
	RESULT_PARTIAL,		/* done but for what text says, such as
				   a keyword for which there is no room (F5) */
	RESULT_OTHER_MODSEQ,	/* done, but the message's modseq, or, of
				   OP_MAILBOX, HIGHESTMODSEQ, is above the one
				   that was wanted: modseq tells it (F6); an
				   operation may have another RESULT too */
};

struct msg_result {
	uint32_t op;
	enum result_status status;
	uint32_t uid;			/* RESULT_OTHER_UID */
	uint64_t modseq;		/* RESULT_OTHER_MODSEQ */
	enum err_code code;
	const char *text;		/* for people, may be "" */
};

struct msg_done {
	uint32_t op;			/* all up to this one is durable */
};

/* Something that was not done exactly as planned (E1). */
struct msg_pending {
	struct guid128 mailbox;		/* zero: a subscription, named by text */
	uint32_t uid;			/* 0: the mailbox itself */
	struct guid128 mark;
	const char *text;		/* reason, or the subscription's name */
	bool left_out;			/* not of the base: the store can't
					   show it, and text says all */
};

struct msg_commit {
	struct guid128 peer;		/* the other store's id */
	struct guid128 scope;
	uint64_t peer_messages;		/* what the other one holds */
	bool prune;			/* the other one has no mere directories
					   (T16) */
};

struct msg_committed {
	uint32_t pending;		/* entries of the list that was written */
};

struct msg_error {
	enum err_code code;
	const char *text;
};

struct msg_chunk {
	const uint8_t *data;
	size_t len;			/* 1..BODY_CHUNK_MAX */
};

struct msg {
	enum msg_kind kind;
	union {
		struct msg_hello hello;
		struct msg_begin begin;
		struct msg_list list;
		struct msg_have have;
		struct msg_get get;
		struct msg_op_mailbox op_mailbox;
		struct msg_op_mailbox_delete op_mailbox_delete;
		struct msg_op_subscribe op_subscribe;
		struct msg_op_save op_save;
		struct msg_op_copy op_copy;
		struct msg_op_flags op_flags;
		struct msg_op_expunge op_expunge;
		struct msg_op_set_uid op_set_uid;
		struct msg_op_modseq op_modseq;
		struct msg_op_attribute op_attribute;
		struct msg_flush flush;
		struct msg_commit commit;
		struct msg_welcome welcome;
		struct msg_view view;
		struct msg_mailbox mailbox;
		struct msg_mailbox_gone mailbox_gone;
		struct msg_subscription subscription;
		struct msg_attribute attribute;
		struct msg_messages messages;
		struct msg_message message;
		struct msg_gone gone;
		struct msg_messages_end messages_end;
		struct msg_have_reply have_reply;
		struct msg_body body;
		struct msg_get_failed get_failed;
		struct msg_result result;
		struct msg_done done;
		struct msg_committed committed;
		struct msg_pending pending;
		struct msg_chunk chunk;
		struct msg_body_end body_end;
		struct msg_error error;
	} u;
};

/* "HELLO", "OP_SAVE", ... */
const char *msg_kind_name(enum msg_kind kind);

/*
 * The digest of the messages of a mailbox (first pairing, -f): feed each
 * message by rising UID.  Counts UID, GUID, flags, set keywords in lower case
 * and marks; stamps and modseqs do not count.
 */
void msg_set_digest_add(struct digest_ctx *ctx, const struct msg_message *m);

/* A copy of a message record whose memory comes from arena. */
struct msg_message msg_message_dup(struct arena *arena,
    const struct msg_message *m);

/* Sort marks and drop equal ones; returns how many are left. */
size_t marks_normalise(struct guid128 *marks, size_t count);
bool marks_have(const struct guid128 *marks, size_t count,
    const struct guid128 *mark);
/* The same in marks that are sorted by guid_cmp. */
bool marks_sorted_have(const struct guid128 *marks, size_t count,
    const struct guid128 *mark);

#endif
