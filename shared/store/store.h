/*
 * store.h - the contract of a mail store driver
 *
 * A driver is a constant table of functions over one mail format; its folder
 * holds all that knows the format.  Callers look at capabilities, never at the
 * name.  A store is used by one thread of one process at a time; any other
 * program may change the same mails at any moment, and the driver honours the
 * format's own locks, held only inside store flush.
 *
 * Writing is in batches.  The calls that change messages only prepare:
 * bodies are written where nobody looks, everything else is remembered.  flush
 * then makes bodies durable together, gives UIDs, publishes the messages,
 * applies flags and UID changes, makes that durable, and only then expunges.
 * Each prepared operation is answered by its tag during flush.  After a crash
 * at any point a prefix of these steps is visible: a message is never visible
 * incomplete, never lost, and no expunge comes before an append of the batch.
 *
 * Names are joined names (model/mailbox_name.h); the driver maps them to its
 * own form.  Message GUIDs are text (model/guid.h).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/flags.h"
#include "model/guid.h"

struct mail_location;
struct store_settings;

#define STORE_CAP_SAVE_GUID	0x01U	/* appends keep the GUID they are given */
#define STORE_CAP_SET_UID	0x02U	/* appends keep a UID >= UIDNEXT; set_uid */
#define STORE_CAP_MAILBOX_GUID	0x04U	/* a mailbox keeps the GUID it is given */
#define STORE_CAP_MODSEQ	0x08U	/* modseqs survive a reopen */
#define STORE_CAP_KEYWORDS	0x10U	/* keywords are kept */
#define STORE_CAP_DIRECTORIES	0x20U	/* mere directories can be made; without
					   it mailbox_create of one is
					   ERR_REFUSED */

#define STORE_TOKEN_MAX		160U	/* bytes of a change token */
#define STORE_MAILBOXES_MAX	100000U	/* mailboxes of one store */
#define STORE_MESSAGES_MAX	20000000U /* messages of one mailbox */
#define MAIL_SIZE_MAX		(1ULL << 40) /* bytes of one message */

/* How a store is opened. */
struct store_options {
	bool readonly;		/* write nothing, not even control files */
	bool create;		/* make the root if its parent exists */
	char alt_char;		/* replaces what a name can't hold (T13), '_' */
	const char *hostname;	/* for file names and locks; borrowed */
	unsigned int lock_timeout;	/* seconds to wait for a format's lock */
	const struct store_settings *settings; /* NULL: the default ones; lives
					   as long as the store; read it by
					   store_settings_get */
};

/*
 * A cheap proof that a mailbox, or the tree, was not changed: equal bytes mean
 * unchanged if the older token was settled, that is, no file time in it was
 * so young that a later change could have the same time.
 */
struct store_token {
	uint8_t data[STORE_TOKEN_MAX];
	size_t len;
	bool settled;
};

/* One mailbox of the tree. */
struct store_listing {
	const char *name;	/* joined; valid during the call */
	bool selectable;	/* false: a mere directory, holds no mail (T16) */
	struct store_token token;
};

struct mailbox_status {
	struct guid128 guid;		/* zero: the format has none (readonly) */
	uint32_t uidvalidity;		/* zero: none yet (readonly) */
	uint32_t uidnext;		/* at least 1 */
	uint64_t highestmodseq;		/* 0: none kept */
	/*
	 * set_status only; valid until the flush: UIDs below UIDNEXT that no
	 * message has, which mail clients may know from another store and are
	 * told by VANISHED (RFC 7162) that they are gone.  Those that a message
	 * has are passed over.  Only a hint: drivers that keep no modseqs do
	 * not take it.
	 */
	const uint32_t *vanished;
	size_t vanished_count;
};

/* One message, in a scan, in an append, or as read. */
struct mail_info {
	uint32_t uid;			/* append: wanted, 0: next; readonly
					   scan: 0: the format gave none yet */
	const char *guid;		/* text, never NULL in a scan, "" there:
					   damaged, so that it can't be known;
					   append: NULL: make one */
	flags_t flags;
	const char *const *keywords;	/* set ones, sorted by keyword_cmp */
	size_t keyword_count;
	uint64_t modseq;		/* 0: none kept */
	uint64_t size;			/* bytes as stored; scan: 0 if not
					   cheaply known */
	int64_t received;		/* INTERNALDATE, seconds since 1970;
					   scan: INT64_MIN if not cheaply known */
	uint32_t saved;			/* when it came into this mailbox (RFC
					   8514), seconds since 1970; 0 in a
					   scan: not cheaply known; in an
					   append: now; kept where the
					   format can (memory, mdbox) */
	const char *pop3_uidl;		/* NULL: none of its own */
	uint32_t pop3_order;		/* 0: none */
};

#define RECEIVED_UNKNOWN INT64_MIN

/* One of several mailboxes to be made, or subscriptions to be set, at once. */
struct store_creation {
	const char *name;
	struct mailbox_status status;	/* as mailbox_create takes it */
	bool failed;			/* filled in; failure says why */
	struct err failure;
};

struct store_subscription {
	const char *name;
	bool on;
	bool failed;
	struct err failure;
};

/*
 * An attribute of a mailbox (model/attribute.h).  In a list failed means that
 * it is there and can't be taken, for the reason in failure; to be set: filled
 * in.
 */
struct store_attribute {
	struct guid128 mailbox;
	const char *key;		/* "/private/comment" */
	const uint8_t *value;		/* NULL: none, to be removed */
	size_t len;			/* bytes */
	bool expect;			/* to be set: only if it is as in was,
					   else it fails with ERR_STALE */
	const uint8_t *was;		/* NULL: it was not there */
	size_t was_len;
	bool failed;
	struct err failure;
};

struct attribute_dict;
struct store;
struct mailbox;
struct mail_op;
struct mail_reader;
struct mail_writer;

typedef int store_list_fn(const struct store_listing *listing, void *arg,
    struct err *err);
typedef int store_name_fn(const char *name, void *arg, struct err *err);
typedef int store_scan_fn(const struct mail_info *info, void *arg,
    struct err *err);
typedef int store_attribute_fn(const struct store_attribute *attribute,
    void *arg, struct err *err);

/*
 * One prepared operation ended.  uid is the UID that the message has now
 * (appends, copies, UID changes; it differs from the wanted one if that was
 * taken).  modseq is what its modseq has become, which may be higher than the
 * wanted one (an expunge: what HIGHESTMODSEQ became by it); 0: not known, or
 * none kept.  failure is NULL if it was done;
 * ERR_STALE: the message or mailbox was not as expected and is untouched;
 * ERR_NOSPACE, ERR_PERM, ERR_TEMP, ...: it was not done.
 */
typedef void store_done_fn(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg);

struct store_driver {
	const char *name;	/* the word before ':' in a mail_location */
	unsigned int caps;	/* STORE_CAP_* */
	bool shared_inbox;	/* INBOX= is a directory, which may be that of
				   other stores, too */

	/*
	 * Open the store; *loc and *opts are copied.  A root that is missing
	 * (and not to be created), unreadable or no directory is an error
	 * (rule E5).  ERR_CONFIG: a key of loc that the driver does not know.
	 */
	int (*open)(struct store **store_r, const struct mail_location *loc,
	    const struct store_options *opts, struct err *err);
	void (*close)(struct store **store);

	/* An open descriptor of the root directory, -1 if there is none. */
	int (*root_fd)(const struct store *store);

	/*
	 * Call fn for each mailbox, INBOX included, in any order, mere
	 * directories too; fn returns -1 to stop.  What can't be listed (an
	 * invalid name, a symbolic link, another owner) is told to the problem
	 * function of struct store below and left out.
	 */
	int (*list)(struct store *store, store_list_fn *fn, void *arg,
	    struct err *err);
	/* Changes whenever a mailbox may have come or gone or subscriptions
	   changed. */
	int (*tree_token)(struct store *store, struct store_token *token_r,
	    struct err *err);

	/* Call fn for each subscribed name, in the order of the file. */
	int (*subscriptions)(struct store *store, store_name_fn *fn, void *arg,
	    struct err *err);
	/* Durable when it returns.  Setting what is set already is no error. */
	int (*subscribe)(struct store *store, const char *name, bool on,
	    struct err *err);

	/*
	 * Attributes of mailboxes.  Whether this store keeps any depends on
	 * its settings; the two other calls are for one that does.
	 */
	bool (*keeps_attributes)(const struct store *store);
	/*
	 * Call fn for each attribute, in any order; mailboxes that are not
	 * there may have some, too.  ERR_NOTFOUND: there is no place for them
	 * yet.
	 */
	int (*attributes)(struct store *store, store_attribute_fn *fn,
	    void *arg, struct err *err);
	/*
	 * Set or remove all of these, durably, in one step: none is done if it
	 * returns -1.  What the store can't hold is told in its entry.
	 */
	int (*set_attributes)(struct store *store,
	    struct store_attribute *list, size_t n, struct err *err);

	/*
	 * Create a mailbox with this GUID, UIDVALIDITY and UIDNEXT (zero: the
	 * driver chooses, a UIDVALIDITY above all that were given here before),
	 * or a mere directory.  Missing parents are made as the format needs.
	 * ERR_STALE if the name exists.  Durable when it returns.
	 */
	int (*mailbox_create)(struct store *store, const char *name,
	    bool selectable, const struct mailbox_status *status,
	    struct err *err);
	/*
	 * NULL in a driver that has no faster way, else: mailbox_create and
	 * subscribe of each, in this order, all selectable, and all durable
	 * together.  What fails is told in its entry; -1: what is on disk is
	 * unknown.
	 */
	int (*mailboxes_create)(struct store *store,
	    struct store_creation *list, size_t n, struct err *err);
	int (*subscribe_all)(struct store *store,
	    struct store_subscription *list, size_t n, struct err *err);
	/*
	 * Rename this mailbox alone; mailboxes below it keep their names.
	 * ERR_STALE if to exists or from does not.  Durable on return.
	 */
	int (*mailbox_rename)(struct store *store, const char *from,
	    const char *to, struct err *err);
	/* Remove an empty mailbox; ERR_STALE if it holds a message. */
	int (*mailbox_remove)(struct store *store, const char *name,
	    struct err *err);
	/*
	 * The name as this store would give it back after a create: what it
	 * can't hold replaced by alt_char (rule T13).  Fills out of size bytes;
	 * -1 with ERR_REFUSED if there is no such name.
	 */
	int (*map_name)(struct store *store, const char *name, char *out,
	    size_t size, struct err *err);

	/*
	 * Open a mailbox.  Unless readonly, messages and mailbox have UIDs and
	 * a GUID afterwards: the driver gives those that the format lacks,
	 * under its lock.  Several may be open at once.  Close before the store;
	 * unflushed operations are dropped.
	 */
	int (*mailbox_open)(struct store *store, const char *name,
	    struct mailbox **box_r, struct err *err);
	void (*mailbox_close)(struct mailbox **box);
	/*
	 * Make durable what opening and scanning gave to messages, for all
	 * mailboxes together: before anybody is told of it.  flush does so
	 * first.  NULL in a driver that never puts it off.
	 */
	int (*settle)(struct store *store, struct err *err);
	int (*status)(struct mailbox *box, struct mailbox_status *status_r,
	    struct err *err);
	/* The token as of now, for one mailbox. */
	int (*token)(struct mailbox *box, struct store_token *token_r,
	    struct err *err);

	/*
	 * Call fn for each message by rising UID (those without a UID last),
	 * until it returns -1; memory is bounded by the names of the mailbox.
	 */
	int (*scan)(struct mailbox *box, store_scan_fn *fn, void *arg,
	    struct err *err);

	/*
	 * Read a message named by UID (or 0) and GUID.  info_r has size,
	 * received and, if the format has it, saved exactly, and is valid
	 * until close.  ERR_NOTFOUND if it is
	 * gone.  The bytes are those that an IMAP client is shown before CRLF
	 * conversion: decompressed, unchanged line ends.
	 */
	int (*reader_open)(struct mailbox *box, uint32_t uid, const char *guid,
	    struct mail_reader **reader_r, struct mail_info *info_r,
	    struct err *err);
	/* 1..len bytes, 0 at the end, -1. */
	ptrdiff_t (*reader_read)(struct mail_reader *reader, void *buf,
	    size_t len, struct err *err);
	void (*reader_close)(struct mail_reader **reader);

	/*
	 * Prepare an append.  info gives UID, GUID, flags, keywords, modseq
	 * (0: the next one), received (must be known), POP3 fields; its size
	 * is a hint.
	 */
	int (*append_begin)(struct mailbox *box, const struct mail_info *info,
	    struct mail_writer **writer_r, struct err *err);
	int (*append_write)(struct mail_writer *writer, const void *buf,
	    size_t len, struct err *err);
	int (*append_commit)(struct mail_writer **writer, uint64_t tag,
	    struct err *err);
	void (*append_abort)(struct mail_writer **writer);

	/*
	 * Prepare a copy of a message of this store, as an append of the same
	 * bytes (by link where bytes and received date are the same).
	 * ERR_NOTFOUND if the source is gone.
	 */
	int (*copy)(struct mailbox *box, const struct mail_info *info,
	    struct mailbox *src, uint32_t src_uid, const char *src_guid,
	    uint64_t tag, struct err *err);

	/*
	 * Prepare to replace flags and set keywords of a message that is
	 * expected to have those in was; answered ERR_STALE if it has others.
	 * modseq is what its modseq is to become; 0: the next one above
	 * HIGHESTMODSEQ if anything changes.  Flags may be as they were: then
	 * the modseq alone is raised.  A modseq is never lowered; without
	 * STORE_CAP_MODSEQ it is ignored.
	 */
	int (*set_flags)(struct mailbox *box, const struct mail_info *was,
	    flags_t flags, const char *const *keywords, size_t keyword_count,
	    uint64_t modseq, uint64_t tag, struct err *err);
	/* Prepare another UID, new_uid >= UIDNEXT (M7), and modseq as in
	   set_flags; GUID and all else stay. */
	int (*set_uid)(struct mailbox *box, uint32_t uid, const char *guid,
	    uint32_t new_uid, uint64_t modseq, uint64_t tag,
	    struct err *err);
	/* Prepare an expunge; ERR_STALE if UID and GUID are not one message.
	   A message that is gone already is done. */
	int (*expunge)(struct mailbox *box, uint32_t uid, const char *guid,
	    uint64_t tag, struct err *err);
	/*
	 * Prepare new values: GUID and UIDVALIDITY if not zero; UIDNEXT and
	 * HIGHESTMODSEQ are raised to the given ones after all appends,
	 * changes and expunges of the batch.  With
	 * another UIDVALIDITY UIDs begin anew: appends and set_uid of the same
	 * flush may use any that is free, set_uid names each message that is
	 * to have a certain one, and all others get the next ones.
	 */
	int (*set_status)(struct mailbox *box,
	    const struct mailbox_status *status, uint64_t tag,
	    struct err *err);

	/*
	 * For store/files/mail_op.h, NULL in a driver that does not use its
	 * set_flags, set_uid, expunge and set_status: a new operation of
	 * a mailbox; NULL with an error: it may not be written.
	 */
	struct mail_op *(*prepare)(struct mailbox *box, uint64_t tag,
	    struct err *err);

	/*
	 * Do all that is prepared in all open mailboxes, durably, as told at
	 * the top, with few system calls for many messages.  done is called
	 * once for each operation.  -1: what is on disk is unknown; close the
	 * store, trying again would hide it.
	 *
	 * Operations name messages as they were before the batch, except that
	 * a second set_flags of a message expects what the first one set.  In
	 * each mailbox the wanted UIDs (appends, copies, UID changes) that are
	 * free are given; all others get the next ones behind those, in the
	 * order of the calls; ERR_REFUSED if none is left.  A keyword that the
	 * mailbox has no room for is told to the problem function, and the
	 * operation is done without it.
	 */
	int (*flush)(struct store *store, store_done_fn *done, void *arg,
	    struct err *err);
};

/* System calls that matter, since the store was opened. */
struct store_counts {
	uint64_t opens;			/* of files and directories to read */
	uint64_t creates, renames, links, unlinks;
	uint64_t writes, bytes;		/* calls and what they wrote */
	uint64_t stats;
	uint64_t fsyncs;		/* of one file or directory */
	uint64_t syncfss;		/* of a whole file system */
};

/* The common head of each driver's own structures. */
struct store {
	const struct store_driver *driver;
	struct store_counts counts;	/* a driver not over files: all zero */
	struct attribute_dict *attributes; /* of a driver over files; NULL: no
					   attributes are kept */
	/*
	 * Told of what was left out, and with ERR_CORRUPT or no why of what
	 * was coped with; NULL: nobody listens.  One line of text.
	 */
	void (*problem)(const char *what, const struct err *why, void *arg);
	void *problem_arg;
	/*
	 * For tests, NULL otherwise: called before each step that changes what
	 * is stored (in a driver over files: each such system call).  0: go
	 * on; an errno: the step fails so; -1: the process is gone, nothing
	 * may be changed any more.
	 */
	int (*step)(void *arg);
	void *step_arg;
};

struct mailbox {
	struct store *store;
};

/* The driver of this name, or NULL. */
const struct store_driver *store_driver_find(const char *name);

/*
 * Open the store at loc.  Without a driver name the format is detected: the
 * root holds a directory "storage" (mdbox), "mailboxes" (sdbox), "cur"
 * (maildir), ".imap", or a file "inbox" or "mbox" (mbox), the first of these
 * that is there.  ERR_CONFIG: not detected, or a driver that does not exist.
 */
int store_open(struct store **store_r, const struct mail_location *loc,
    const struct store_options *opts, struct err *err);
/*
 * A file of the store that neither lies below its root nor is named by a key:
 * the spool file that is the INBOX of an mbox store.  NULL: there is none.  To
 * be asked before the process is confined; the answer is remembered.
 */
const char *store_file_outside(const struct mail_location *loc);
/* NULL or a pointer to NULL is allowed. */
void store_close(struct store **store);

extern const struct store_driver store_driver_maildir;
extern const struct store_driver store_driver_mbox;
extern const struct store_driver store_driver_memory;
extern const struct store_driver store_driver_mdbox;
extern const struct store_driver store_driver_sdbox;

#endif
