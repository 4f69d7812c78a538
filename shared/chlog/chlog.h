/*
 * chlog.h - the change log of one store
 *
 * One SQLite database (schema.sql): the latest change of each mailbox, message,
 * tombstone, subscription and attribute, under one counter (seq) for the whole
 * store, and the positions that were agreed upon with other stores.
 *
 * All writing is between chlog_begin and chlog_commit; chlog_begin waits for
 * another process that writes.  Records that are read live in the arena that
 * the caller gives.  Functions return 0, or a count where stated, or -1 with
 * err: ERR_CORRUPT when the database is damaged (it is put aside on close),
 * ERR_NOSPACE, ERR_TEMP.
 *
 * A record's run tells who wrote its latest change (enum below): the number of
 * a run that wrote it exactly as planned, the negative number of a run that
 * wrote something else, or RUN_NOBODY.
 */
#ifndef CHLOG_CHLOG_H
#define CHLOG_CHLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "model/guid.h"
#include "model/msg.h"

struct arena;
struct chlog;

#define CHLOG_FILE	"dsync-changelog.db"
#define CHLOG_VERSION	1	/* of the schema, PRAGMA user_version */
#define CHLOG_TOKEN_MAX	160U	/* bytes of a mailbox's change token */
#define CHLOG_BUSY_MS	60000	/* longest wait for another writer */
#define CHLOG_PENDING_MAX 100000U /* entries of one pending list */
#define CHLOG_TOMBSTONE_MS (365ULL * 86400 * 1000) /* kept without a position */

#define RUN_NOBODY	INT64_C(0)

struct chlog_args {
	int root_fd;		/* the store's root; -1: it has none */
	const char *root_path;	/* as the user knows it, absolute */
	const char *state_dir;	/* NULL: the log lies in the root */
	bool dry_run;		/* work on a copy that is thrown away */
	/* Told in one line of what is no failure; NULL: nobody listens. */
	void (*notice)(const char *text, void *arg);
	void *notice_arg;
};

/*
 * Open the log, or begin a new one.  Without a root and a state_dir it is kept
 * in memory.  A damaged file is put aside and a new log is begun; the log of
 * a store that was copied gets a new store id (E6).  ERR_CONFIG: written by
 * a newer program, or a root on a network file system.
 */
int chlog_open(struct chlog **log_r, const struct chlog_args *args,
    struct err *err);
/* Drops what was not committed.  NULL or a pointer to NULL is allowed. */
void chlog_close(struct chlog **log);

const struct guid128 *chlog_store_id(const struct chlog *log);
/* The seq given last. */
uint64_t chlog_head(const struct chlog *log);
/* Every mailbox was seen once; until then nothing counts as new. */
bool chlog_scanned_all(const struct chlog *log);
/* Where the database is; NULL if it is in memory. */
const char *chlog_path(const struct chlog *log);

int chlog_begin(struct chlog *log, struct err *err);
int chlog_commit(struct chlog *log, struct err *err);
/* Does nothing outside of a transaction. */
void chlog_rollback(struct chlog *log);
bool chlog_writing(const struct chlog *log);

/*
 * Read many records as of one moment, which costs less: from hold to rest all
 * reading outside of a transaction is in one of its own.  It ends with
 * chlog_begin, too.  Not to be kept while nothing is read: what others write
 * is not seen, and the log cannot be tidied up meanwhile.
 */
void chlog_hold(struct chlog *log);
void chlog_rest(struct chlog *log);

/*
 * Bring what is committed to its place in the database's file, as chlog_close
 * does.  It is durable before, so nothing is told of a failure.
 */
void chlog_settle(struct chlog *log);

/*
 * One step back inside a transaction: end with keep false undoes all since
 * the mark.
 */
int chlog_mark_begin(struct chlog *log, struct err *err);
int chlog_mark_end(struct chlog *log, bool keep, struct err *err);

/* The next seq; inside a transaction. */
uint64_t chlog_next_seq(struct chlog *log);
int chlog_set_scanned_all(struct chlog *log, struct err *err);
/*
 * What fills the log for the first time is all in: make the indexes that have
 * waited for that.  Inside a transaction or not; a log is complete without it,
 * since who needs one makes it, and so does the next chlog_open.
 */
int chlog_index(struct chlog *log, struct err *err);
/* Forget all and begin anew under a new store id (E5); in a transaction. */
int chlog_reset(struct chlog *log, struct err *err);

/* The number of a run; 0 if the log never saw it. */
int chlog_run_find(struct chlog *log, const struct guid128 *run,
    int64_t *id_r, struct err *err);
/* As above, and makes one if there is none; in a transaction. */
int chlog_run_get(struct chlog *log, const struct guid128 *run, int64_t *id_r,
    struct err *err);

/* Mailboxes. */

struct chlog_mailbox {
	int64_t id;		/* 0: not in the log yet */
	struct guid128 guid;
	const char *name;	/* joined */
	const char *store_name;	/* as the store lists it (T13) */
	bool selectable;
	bool lent;		/* the store had no GUID, UIDVALIDITY and UIDs
				   and was not to be written: ours for now */
	uint8_t token[CHLOG_TOKEN_MAX];
	size_t token_len;	/* 0: none that can be trusted */
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint32_t store_uidnext;	/* lower if the log gave UIDs by itself */
	uint64_t highestmodseq;
	uint64_t messages;	/* kept up by the log itself */
	uint64_t exist_stamp, parent_stamp, last_stamp;	/* ms */
	uint64_t seq, tree_seq, uidvalidity_seq, born_seq;
	int64_t run, tree_run, uidvalidity_run, born_run;
	uint64_t message_seq;	/* kept up by the log itself */
	bool has_set_digest;	/* kept up by the log itself */
	uint8_t set_digest[DIGEST_SIZE];
};

struct chlog_mailbox_gone {
	struct guid128 guid;
	const char *name;
	uint64_t stamp;		/* ms */
	uint64_t seq, born_seq;
	int64_t run, born_run;
};

struct chlog_subscription {
	const char *name;
	const char *store_name;
	bool on;
	uint64_t stamp;		/* ms */
	uint64_t seq;
	int64_t run;
};

/* Whole tables, in arena memory, by rising GUID or name.  Count or -1. */
ptrdiff_t chlog_mailboxes(struct chlog *log, struct arena *arena,
    struct chlog_mailbox **list_r, struct err *err);
ptrdiff_t chlog_mailboxes_gone(struct chlog *log, struct arena *arena,
    struct chlog_mailbox_gone **list_r, struct err *err);
ptrdiff_t chlog_subscriptions(struct chlog *log, struct arena *arena,
    struct chlog_subscription **list_r, struct err *err);

/* 1 and the record, 0 if there is none, -1. */
int chlog_mailbox_find(struct chlog *log, const struct guid128 *guid,
    struct arena *arena, struct chlog_mailbox *box_r, struct err *err);
int chlog_mailbox_find_id(struct chlog *log, int64_t id, struct arena *arena,
    struct chlog_mailbox *box_r, struct err *err);
/* Has a mailbox another name here than in the store?  1, 0, -1. */
int chlog_spellings_differ(struct chlog *log, struct err *err);
/* ... and does one but guid, of another name, have this one there? */
int chlog_spelling_taken(struct chlog *log, const char *store_name,
    const char *name, const struct guid128 *guid, struct err *err);
/* What a mailbox of this name has there; 1, 0: there is none, -1. */
int chlog_spelling_find(struct chlog *log, const char *name,
    char *out, size_t size, struct err *err);
int chlog_mailbox_gone_find(struct chlog *log, const struct guid128 *guid,
    struct arena *arena, struct chlog_mailbox_gone *gone_r, struct err *err);
/* Is another name subscribed that is spelt so there?  1, 0, -1. */
int chlog_subscription_shared(struct chlog *log, const char *store_name,
    const char *name, struct err *err);
int chlog_subscription_find(struct chlog *log, const char *name,
    struct arena *arena, struct chlog_subscription *sub_r, struct err *err);

/*
 * Write a mailbox; a new one gets its id, and its tombstone is removed.  What
 * the log keeps up itself is not written.  Another GUID than before takes the
 * tombstones of its messages with it.
 */
int chlog_mailbox_put(struct chlog *log, struct chlog_mailbox *box,
    struct err *err);
/* The token of the last scan; len 0: none. */
int chlog_mailbox_set_token(struct chlog *log, int64_t id, const void *token,
    size_t len, struct err *err);
/* Keep the digest of all messages until one of them changes. */
int chlog_mailbox_set_digest(struct chlog *log, int64_t id,
    const uint8_t digest[static DIGEST_SIZE], struct err *err);
/* Remove a mailbox, which has no messages, and leave a tombstone. */
int chlog_mailbox_remove(struct chlog *log, int64_t id,
    const struct chlog_mailbox_gone *gone, uint64_t now_ms, struct err *err);
int chlog_subscription_put(struct chlog *log,
    const struct chlog_subscription *sub, struct err *err);

/* From now on old_guid stands for new_guid, and all that stood for it too. */
int chlog_alias_add(struct chlog *log, const struct guid128 *old_guid,
    const struct guid128 *new_guid, struct err *err);
/* What stands for guid; at most max.  Count or -1. */
ptrdiff_t chlog_aliases(struct chlog *log, const struct guid128 *guid,
    struct guid128 *list, size_t max, struct err *err);

/* Totals over the whole store. */
struct chlog_totals {
	uint64_t mailboxes, messages, inbox_messages;
};
int chlog_totals(struct chlog *log, struct chlog_totals *totals_r,
    struct err *err);

/* Messages. */

struct chlog_mail {
	struct msg_message m;	/* is_new, held, moved are not */
	int64_t mailbox;	/* chlog_mailbox.id */
	uint64_t seq, born_seq;
	uint64_t uid_seq;	/* when its UID was changed; 0: never */
	int64_t run, born_run, uid_run;
};

struct chlog_tombstone {
	int64_t id;		/* 0: new */
	struct guid128 mailbox;
	struct msg_gone g;	/* is_new is not the log's */
	uint64_t seq, born_seq;
	int64_t run, born_run;
	uint64_t time;		/* ms */
};

/* Changed after seq and not by run; RUN_NOBODY as run excludes nothing. */
struct chlog_since {
	uint64_t seq;
	int64_t run;
};

/*
 * Messages of a mailbox by rising UID, above after and up to last; since NULL:
 * all, else the changed ones.  At most max records; count or -1.
 */
ptrdiff_t chlog_mails(struct chlog *log, int64_t mailbox, uint32_t after,
    uint32_t last, const struct chlog_since *since, struct arena *arena,
    struct chlog_mail *list, size_t max, struct err *err);
/* The same for tombstones, which may share a UID, above (uid, id). */
ptrdiff_t chlog_tombstones(struct chlog *log, const struct guid128 *mailbox,
    uint32_t after, int64_t after_id, uint32_t last,
    const struct chlog_since *since, struct arena *arena,
    struct chlog_tombstone *list, size_t max, struct err *err);
/* GUIDs of all mailboxes, gone ones too, that have changed tombstones. */
ptrdiff_t chlog_tombstone_mailboxes(struct chlog *log,
    const struct chlog_since *since, struct arena *arena,
    struct guid128 **list_r, struct err *err);
/* What a scan compares of each message. */
struct chlog_state {
	uint32_t uid;
	const char *guid;
	struct mail_flags flags;
	uint64_t modseq;
};

/* Of all messages of a mailbox above after, by rising UID; as above. */
ptrdiff_t chlog_states(struct chlog *log, int64_t mailbox, uint32_t after,
    struct arena *arena, struct chlog_state *list, size_t max,
    struct err *err);
/* Has the mailbox changed messages?  1, 0, -1. */
int chlog_mails_changed(struct chlog *log, int64_t mailbox,
    const struct chlog_since *since, struct err *err);

/* 1 and the record, 0, -1. */
int chlog_mail_find(struct chlog *log, int64_t mailbox, uint32_t uid,
    struct arena *arena, struct chlog_mail *mail_r, struct err *err);
/* Lowest UID with this GUID and born after born_after. */
int chlog_mail_find_guid(struct chlog *log, int64_t mailbox, const char *guid,
    uint64_t born_after, struct arena *arena, struct chlog_mail *mail_r,
    struct err *err);
/* The instance that has this mark; of surplus twins (M5) the lowest UID. */
int chlog_mail_find_mark(struct chlog *log, int64_t mailbox,
    const struct guid128 *mark, struct arena *arena,
    struct chlog_mail *mail_r, struct err *err);
/* The next one that has it, above a UID. */
int chlog_mail_find_twin(struct chlog *log, int64_t mailbox,
    const struct guid128 *mark, uint32_t after, struct arena *arena,
    struct chlog_mail *mail_r, struct err *err);
int chlog_tombstone_find_mark(struct chlog *log,
    const struct guid128 *mailbox, const struct guid128 *mark,
    struct arena *arena, struct chlog_tombstone *tomb_r, struct err *err);
/* Instances of this GUID, or of this digest (may be NULL), in any mailbox. */
ptrdiff_t chlog_mails_same(struct chlog *log, const char *guid,
    const uint8_t *digest, struct arena *arena, struct chlog_mail *list,
    size_t max, struct err *err);
/*
 * Was this GUID or digest in the store at the base, in another instance than
 * (mailbox, uid)?  Tombstones count.  1, 0, -1.
 */
int chlog_was_held(struct chlog *log, const char *guid, const uint8_t *digest,
    int64_t mailbox, uint32_t uid, const struct chlog_since *base,
    struct err *err);
/* Is it in the store now?  1, 0, -1. */
int chlog_has_guid(struct chlog *log, const char *guid, struct err *err);

int chlog_mail_insert(struct chlog *log, const struct chlog_mail *mail,
    struct err *err);
/* Write all of the record but its UID. */
int chlog_mail_update(struct chlog *log, const struct chlog_mail *mail,
    struct err *err);
/* Somebody else than a run changed its flags, keywords and modseq. */
int chlog_mail_set_state(struct chlog *log, int64_t mailbox,
    const struct chlog_state *state, uint64_t seq, struct err *err);
/* Remove it without a trace. */
int chlog_mail_delete(struct chlog *log, const struct chlog_mail *mail,
    struct err *err);
int chlog_mail_move(struct chlog *log, const struct chlog_mail *mail,
    uint32_t new_uid, struct err *err);
/* The digest is no change of the message. */
int chlog_mail_set_digest(struct chlog *log, int64_t mailbox, uint32_t uid,
    const char *guid, const uint8_t digest[static DIGEST_SIZE],
    struct err *err);
int chlog_tombstone_put(struct chlog *log, const struct chlog_tombstone *tomb,
    struct err *err);

/*
 * Messages that a scan did not meet so far are kept apart, and either come
 * back or are turned into tombstones.
 */
int chlog_missing_add(struct chlog *log, const struct chlog_mail *mail,
    struct err *err);
/* The first one, of any GUID or of this; 1, 0, -1. */
int chlog_missing_first(struct chlog *log, int64_t mailbox, const char *guid,
    struct arena *arena, struct chlog_mail *mail_r, struct err *err);
int chlog_missing_drop(struct chlog *log, const struct chlog_mail *mail,
    struct err *err);

/* Attributes of mailboxes; they go with their mailbox. */

struct chlog_attribute {
	int64_t mailbox;	/* chlog_mailbox.id */
	struct guid128 guid;	/* of the mailbox; not written */
	const char *key;
	const uint8_t *value;	/* NULL: it is gone */
	size_t len;
	uint64_t stamp;		/* ms */
	uint64_t seq;
	int64_t run;
};

/*
 * Of one mailbox, or of all if it is 0, by GUID and key; since NULL: all, else
 * the changed ones.  Count or -1.
 */
ptrdiff_t chlog_attributes(struct chlog *log, int64_t mailbox,
    const struct chlog_since *since, struct arena *arena,
    struct chlog_attribute **list_r, struct err *err);
/* 1 and the record, 0, -1. */
int chlog_attribute_find(struct chlog *log, int64_t mailbox, const char *key,
    struct arena *arena, struct chlog_attribute *a_r, struct err *err);
int chlog_attribute_put(struct chlog *log, const struct chlog_attribute *a,
    struct err *err);
/* The seq when the store's were looked at for the first time; 0: never. */
int chlog_attributes_begun(struct chlog *log, uint64_t *seq_r,
    struct err *err);
/* They are, now; or are not any more, and will be once again from the start. */
int chlog_attributes_begin(struct chlog *log, struct err *err);
int chlog_attributes_end(struct chlog *log, struct err *err);

/*
 * Intentions: what a run is about to write to the store, with the stamps that it
 * carries.  If the process ends before the log has the change itself, a scan
 * finds here whose change it is, and does not give it a stamp of its own (P5).
 * Where it was to get another UID, a message has a second one, with key "".
 * One that is to be made has its marks there.
 */

#define INTENT_EXIST	0U	/* stamps of a mailbox */
#define INTENT_PARENT	1U
#define INTENT_LAST	2U
#define INTENT_VALUE	0U	/* of an attribute or subscription */
#define INTENT_UID	0U	/* a new UID, in place of a stamp */
#define INTENT_MAILBOX	UINT32_MAX	/* in place of a UID: the key is the
					   name of a mailbox that the store
					   spells otherwise */
#define INTENT_DIRECTORY (UINT32_MAX - 1U) /* ... of a mere directory */
#define INTENT_NEW	"new "	/* no GUID has a space */

struct chlog_intent {
	struct guid128 mailbox;	/* zero: a subscription */
	uint32_t uid;		/* 0: no message */
	const char *key;	/* of flags the message's GUID; of a UID or
				   a mailbox ""; an attribute; a name as the
				   store has it; of a new message
				   INTENT_NEW and its GUID */
	const uint8_t *digest;	/* SHA-256 of an attribute, of a name as
				   the store has it, or of the new GUID of
				   a mailbox; NULL: it is to go; of a new
				   message's text, NULL: not known */
	struct guid128 *marks;	/* of a new message */
	size_t mark_count;	/* others: 0 */
	struct mail_flags flags; /* others have stamps alone */
};

/*
 * A transaction that does not wait for the disk.  After a failure of any of
 * these nothing more may be written to the log.
 */
int chlog_intend_begin(struct chlog *log, struct err *err);
int chlog_intend_commit(struct chlog *log, struct err *err);
void chlog_intend_rollback(struct chlog *log);
int chlog_intend(struct chlog *log, const struct chlog_intent *in,
    const struct guid128 *run, struct err *err);
/* The log has them, or they have failed; in a transaction. */
int chlog_intents_done(struct chlog *log, const struct guid128 *run,
    struct err *err);
/* All there are, by mailbox, UID and key.  Count or -1. */
ptrdiff_t chlog_intents(struct chlog *log, struct arena *arena,
    struct chlog_intent **list_r, struct err *err);
int chlog_intent_drop(struct chlog *log, const struct chlog_intent *in,
    struct err *err);

/* Positions. */

struct chlog_position {
	int64_t id;		/* 0: new */
	struct msg_position p;
	uint64_t seq;
	int64_t base;		/* add: id of the one that its run began
				   from, which both stores have; 0: none */
};

struct chlog_pending {
	struct guid128 mailbox;
	uint32_t uid;
	struct guid128 mark;
	const char *text;
};

#define CHLOG_POSITIONS_KEPT 2U	/* of each peer and scope, and the base: what
				   was written since may be here alone */

/* Of peer, of this scope or of the whole store, newest first.  Count or -1. */
ptrdiff_t chlog_positions(struct chlog *log, const struct guid128 *peer,
    const struct guid128 *scope, struct chlog_position *list, size_t max,
    struct err *err);
/*
 * Write a position with its pending list, remove those it replaces, and, now
 * and then, tombstones that nobody needs any more.
 */
int chlog_position_add(struct chlog *log, const struct chlog_position *pos,
    const struct chlog_pending *pending, size_t count, uint64_t now_ms,
    struct err *err);
/* The pending list of a position, by mailbox and UID.  Count or -1. */
ptrdiff_t chlog_pending_list(struct chlog *log, int64_t position,
    struct arena *arena, struct chlog_pending **list_r, struct err *err);

/* 1, 0, -1. */
int chlog_label_find(struct chlog *log, const char *label,
    struct guid128 *peer_r, uint64_t *messages_r, struct err *err);
int chlog_label_put(struct chlog *log, const char *label,
    const struct guid128 *peer, uint64_t messages, struct err *err);

#endif
