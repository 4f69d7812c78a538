/*
 * index.h - Dovecot's index files: read, followed, and written to
 *
 * One format serves the index of a mailbox ("dovecot.index"), the map of an
 * mdbox store ("dovecot.map.index") and the list of mailboxes
 * ("dovecot.list.index").  For a base name B there are B, a snapshot, and
 * B.log with all changes since, B.log.2 being the log before it.  Any of them
 * may be absent: an index that does not exist is a state, not a failure.
 *
 * Readers take no lock.  index_refresh looks with one stat whether anything
 * is new, reads only the new bytes of the log, and starts again from the
 * snapshot where the log was exchanged.
 *
 * A writer locks, makes a transaction in memory, and commits it:
 *
 *	index_lock(index, err)				state is now current
 *	txn = index_txn_begin(index);
 *	index_txn_append(txn, uid, flags); ...
 *	index_txn_commit(&txn, err)			one write, durable
 *	index_unlock(index)
 *
 * A commit to an index that does not exist creates it.  An index is used by
 * one thread; open it once per process, since with fcntl the lock is lost
 * when any descriptor of the log is closed.
 *
 * What is wrong in the files is ERR_CORRUPT: nothing is known of the index
 * then, and it is never written to; Dovecot rebuilds it.
 */
#ifndef STORE_INDEX_INDEX_H
#define STORE_INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/guid.h"

struct path_root;
struct store_options;
struct index;
struct index_txn;

#define INDEX_LOG_HEADER	40U	/* bytes of a log's header */
#define INDEX_HEADER_SIZE	120U	/* bytes of a snapshot's base header */

/* Limits; beyond them an index is ERR_CORRUPT. */
#define INDEX_RECORD_MAX	(64U << 20)	/* bytes of one log record */
#define INDEX_LOG_MAX		(1ULL << 32)	/* bytes of a log */
#define INDEX_HEADERS_MAX	(64U << 20)	/* bytes of all ext. headers */
#define INDEX_MEMORY_MAX	(2ULL << 30)	/* bytes for all messages */
#define INDEX_EXTS_MAX		64U
#define INDEX_EXT_NAME_MAX	255U		/* bytes */
#define INDEX_KEYWORDS_MAX	4096U		/* names */
#define INDEX_PENDING_MAX	1000000U	/* requests not yet done */

/* Bits of a message; the lower five are FLAG_* of model/flags.h. */
#define INDEX_FLAG_BACKEND	0x40U	/* dbox: it is in the ALT storage */
#define INDEX_FLAG_DIRTY	0x80U	/* not yet in the mail file */

enum index_lock_method { INDEX_LOCK_FCNTL, INDEX_LOCK_FLOCK,
	INDEX_LOCK_DOTLOCK };

/* Dovecot's settings, which have to be obeyed. */
struct index_options {
	enum index_lock_method lock_method;
	unsigned int lock_timeout;	/* seconds to wait */
	bool no_fsync;			/* mail_fsync=never */
	bool readonly;			/* never lock or write */
	const char *hostname;		/* copied */
};

/* As the settings of a store ask for. */
struct index_options index_options_of(const struct store_options *opts);

/* What is known after index_open and each index_refresh. */
struct index_state {
	bool exists;		/* there is a log or a snapshot */
	bool deleted;		/* its mailbox is being removed */
	bool has_modseqs;	/* the extension "modseq" was introduced */
	bool pristine;		/* it was made with exact modseqs, and nothing
				   was written since that could be known to a
				   reader but a raised HIGHESTMODSEQ */
	uint32_t indexid;
	uint32_t uidvalidity;	/* 0: none yet */
	uint32_t next_uid;	/* at least 1 */
	uint32_t first_recent;
	uint32_t flags;		/* of the snapshot's header: 4 = was mended */
	uint32_t log_seq;	/* of B.log; 0: there is none, all that is
				   known is the snapshot */
	uint32_t log_offset;	/* end of what was read of it, bytes */
	uint32_t log_tail;	/* how far the mailbox is synced */
	uint64_t highestmodseq;	/* at least 1 */
	size_t count;		/* messages */
	size_t keyword_count;	/* names */
	size_t ext_count;
	size_t pending_count;
	uint64_t serial;	/* another one whenever anything changed */
};

struct index_mail {
	uint32_t uid;
	uint8_t flags;		/* FLAG_* and INDEX_FLAG_* */
};

struct index_ext {
	const char *name;
	const uint8_t *header;	/* header_size bytes, unaligned */
	uint32_t header_size;
	uint32_t reset_id;
	uint16_t record_size;	/* bytes per message, may be 0 */
	uint16_t record_align;
};

/* A request behind the tail that nobody has carried out yet. */
enum index_request { INDEX_EXPUNGE, INDEX_FLAGS, INDEX_KEYWORD,
	INDEX_KEYWORDS_RESET, INDEX_APPEND };
struct index_pending {
	enum index_request kind;
	uint32_t uid1, uid2;	/* the messages; they may be gone */
	uint32_t seq, offset;	/* where the record ends in which log */
};

/*
 * Open the index of this base name below dirfd (borrowed, as root is; root
 * owns it: store/files/path.h).  Reads nothing yet; dirfd may be -1: there is
 * no index.  Never fails.
 */
struct index *index_open(struct path_root *root, int dirfd, const char *base,
    const struct index_options *opts);
/* Unlocks too.  NULL or a pointer to NULL is allowed. */
void index_close(struct index **index);

/*
 * Know the index as it is now; cheap if nothing changed.  ERR_CORRUPT: it is
 * damaged, marked so, or of another version; ERR_PERM, ERR_TEMP: it can't be
 * read.  After a failure the state is that of an index that does not exist.
 */
int index_refresh(struct index *index, struct err *err);

/* Borrowed; valid until the next refresh, lock or commit, as all below. */
const struct index_state *index_state(const struct index *index);

/* Message at position pos, 0..count-1, by rising UID. */
struct index_mail index_mail(const struct index *index, size_t pos);
/*
 * Its modseq; 0 without has_modseqs: all messages get the one that is then the
 * highest when somebody introduces them.
 */
uint64_t index_modseq(const struct index *index, size_t pos);
/* The position of a UID, or of the first one above it. */
size_t index_seek(const struct index *index, uint32_t uid);
bool index_find(const struct index *index, uint32_t uid, size_t *pos_r);

/* Keyword names in the order of the index; 0..keyword_count-1. */
const char *index_keyword(const struct index *index, size_t n);
/* The number of a keyword (ASCII case does not count), or SIZE_MAX. */
size_t index_keyword_find(const struct index *index, const char *name);
/* Has the message at pos keyword n? */
bool index_has_keyword(const struct index *index, size_t pos, size_t n);

/* Extensions in the order of the index; 0..ext_count-1. */
struct index_ext index_ext(const struct index *index, size_t n);
/* False if there is none of this name. */
bool index_ext_find(const struct index *index, const char *name,
    size_t *n_r);
/* Extension n's record_size bytes of the message at pos. */
const uint8_t *index_ext_record(const struct index *index, size_t n,
    size_t pos);

/* 0..pending_count-1, oldest first. */
const struct index_pending *index_pending(const struct index *index,
    size_t n);
/* Is there a request of this kind for the message? */
bool index_is_pending(const struct index *index, uint32_t uid,
    enum index_request kind);

/*
 * Wait for the lock of the log and know the index as it is.  Without an index
 * nothing is locked, and a commit creates one.  ERR_TEMP: held by others for
 * too long.  ERR_CORRUPT: as index_refresh, or there is garbage at the log's
 * end; it is not locked then.
 */
int index_lock(struct index *index, struct err *err);
void index_unlock(struct index *index);
/* From now on wait so many seconds. */
void index_set_lock_timeout(struct index *index, unsigned int timeout);
bool index_is_locked(const struct index *index);

/*
 * Begin a transaction; the index is locked, or known not to exist (or to have
 * no log).  Records are
 * made in the order of the calls; calls of the same kind that follow each other
 * by rising UID share a record, and so the modseq.  Changes are EXTERNAL
 * (already made in the mailbox) unless index_txn_internal said otherwise.
 * Nothing here fails: commit tells.
 */
struct index_txn *index_txn_begin(struct index *index);
/* Forget it.  NULL or a pointer to NULL is allowed. */
void index_txn_abort(struct index_txn **txn);
/*
 * Write it, with one write at the log's end, durably; the state follows.  -1:
 * nothing was written, or it was taken back; or, if *unknown_r (may be NULL),
 * what is on disk is unknown.  ERR_STALE: there was no index, and somebody else
 * has created one meanwhile.  ERR_REFUSED: a call was wrong (an append below
 * next_uid, a range, ...).  Of a transaction without records nothing is written,
 * but an index that does not exist is created.  Frees the transaction.
 */
int index_txn_commit(struct index_txn **txn, bool *unknown_r,
    struct err *err);
bool index_txn_is_empty(const struct index_txn *txn);

/*
 * From here on requests that the next sync carries out (true), or changes
 * already made (false, as at first).
 */
void index_txn_internal(struct index_txn *txn, bool internal);

/* uid: at least next_uid and above those appended before. */
void index_txn_append(struct index_txn *txn, uint32_t uid, uint8_t flags);
/* guid: the message's, 128 bits; NULL: zero. */
void index_txn_expunge(struct index_txn *txn, uint32_t uid,
    const struct guid128 *guid);
/* flags := (flags & ~remove) | add; remove 0xff replaces all. */
void index_txn_flags(struct index_txn *txn, uint32_t uid1, uint32_t uid2,
    uint8_t add, uint8_t remove);
/* Set or clear a keyword. */
void index_txn_keyword(struct index_txn *txn, const char *name, bool set,
    uint32_t uid1, uint32_t uid2);
void index_txn_keywords_reset(struct index_txn *txn, uint32_t uid1,
    uint32_t uid2);

/* Header fields of the snapshot.  next_uid never shrinks. */
void index_txn_uidvalidity(struct index_txn *txn, uint32_t uidvalidity);
void index_txn_next_uid(struct index_txn *txn, uint32_t next_uid);
void index_txn_first_recent(struct index_txn *txn, uint32_t uid);
/* Any bytes of the base header. */
void index_txn_header(struct index_txn *txn, uint16_t offset,
    const void *data, uint16_t size);

/*
 * Raise a message's modseq, or with uid 0 only the mailbox's highest one.
 * Smaller values are not taken.  Without has_modseqs they are introduced, and
 * all messages get the highest one first.
 *
 * An index that is being created takes the values as they are: each message
 * has its own, those without one and the mailbox have the highest of them.
 * Give them behind all appends and keywords.
 */
void index_txn_modseq(struct index_txn *txn, uint32_t uid, uint64_t modseq);

/* An extension as a writer wants it: never made smaller than it is. */
struct index_ext_want {
	const char *name;
	uint32_t header_size;
	uint16_t record_size, record_align;
};
/* Introduce it, if that is not done yet; the calls below do so. */
void index_txn_ext(struct index_txn *txn, const struct index_ext_want *ext);
void index_txn_ext_header(struct index_txn *txn,
    const struct index_ext_want *ext, uint32_t offset, const void *data,
    uint32_t size);
/* record_size bytes of data. */
void index_txn_ext_record(struct index_txn *txn,
    const struct index_ext_want *ext, uint32_t uid, const void *data);
/* Add to a record of 1, 2, 4 or 8 bytes. */
void index_txn_ext_increase(struct index_txn *txn,
    const struct index_ext_want *ext, uint32_t uid, int32_t diff);

/* The mailbox is being removed: open sessions give it up. */
void index_txn_deleted(struct index_txn *txn, bool deleted);

/*
 * End with the record that moves the tail behind this transaction: all requests
 * before it, and those in it, are carried out.
 */
void index_txn_tail(struct index_txn *txn);

/*
 * The id of an index that this commit creates; 0, as at first: the time.
 * highestmodseq, if not 0, is the one before the first record, else 1.
 */
void index_txn_create_as(struct index_txn *txn, uint32_t indexid,
    uint64_t highestmodseq);

/*
 * If the index is still pristine, make it anew with what this transaction says,
 * so that it takes modseqs of messages as they are, like one that is being
 * created.  It gets another indexid, which Dovecot complains of if it has just
 * opened the old one: so not without such modseqs.  And not for an index whose
 * loss would hurt: a crash in between may leave a damaged one.  It stays locked.
 */
void index_txn_remake(struct index_txn *txn);

/*
 * Forget all that the index says, and make it anew with this transaction, as
 * index_txn_remake; call it first.  HIGHESTMODSEQ does not shrink.  So a
 * snapshot whose log is gone can be replaced, without a lock.
 */
void index_txn_restart(struct index_txn *txn);

/*
 * Forget all that the index says, in one step: the transaction becomes a new
 * log in place of the locked one, and the index goes on with its id, as
 * Dovecot does when it resets one.  Call it first.  HIGHESTMODSEQ goes on, and
 * modseqs are only raised.
 */
void index_txn_replace(struct index_txn *txn);

/*
 * Write the snapshot B of the present state, durably; the index is locked and
 * exists.  Readers need not read the log from its start any more.
 */
int index_snapshot_write(struct index *index, struct err *err);

#endif
