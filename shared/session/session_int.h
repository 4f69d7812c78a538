/*
 * session_int.h - what the files of this folder share
 *
 *	session.c	states, the first flight
 *	budget.c	limits, and what may arrive when
 *	scan.c		store into log: the tree; scan_known.c: which mailbox
 *			one is; scan_mails.c: one mailbox
 *	identity.c	what the log lent to a store that had none of its own
 *	serve.c		answers; view.c: what is in views and trees; list.c:
 *			lists; stream.c: messages in order
 *	attributes.c	attributes of mailboxes: scan, view, operations
 *	body.c		bodies that were asked for
 *	apply.c		operations on messages; save.c: new ones; apply_tree.c:
 *			on mailboxes; tree_batch.c: new ones together;
 *			tree_remove.c: their end
 *	batch.c		prepared operations made durable and logged
 *	intent.c	noted before, in case this process ends between the two
 *	pending.c	what is left undone, and the commit that notes it
 *	pairlock.c	two runs of one pair do not overlap
 */
#ifndef SESSION_SESSION_INT_H
#define SESSION_SESSION_INT_H

#include "base/arena.h"
#include "base/array.h"
#include "chlog/chlog.h"
#include "model/mailbox_name.h"
#include "session/session.h"

/* What one session may use. */
#define GET_QUEUE_MAX		4096U	/* bodies asked for and not yet sent */
#define QUESTIONS_MAX		131072U	/* LIST, TREE, HAVE not yet answered */
#define QUESTIONS_KEPT		8192U	/* answered ones, before their room is
					   used again */
#define QUESTION_BYTES_MAX	(16U * 1024U * 1024U)
#define GONE_TOLD_MAX		100000U	/* mailboxes deleted before the base */
#define HELD_MAX		8192U	/* operations that wait for a body */
#define BATCH_OPS_MAX		2000U	/* prepared operations */
#define RENUMBER_OPS_MAX	4000000U /* of one mailbox in one step */
#define BATCH_BYTES_MAX		(256ULL * 1024 * 1024) /* of their bodies */
#define BATCH_MEMORY_MAX	(8U * 1024U * 1024U) /* of their records */
#define OPEN_BOXES_MAX		64U	/* mailboxes open at once */
#define KEEP_MESSAGES_MAX	2000U	/* of one that stays open after its scan */
#define DIGESTS_MAX		4096U	/* computed and not yet in the log */
#define UNSAVED_MAX		131072U	/* saves that failed, by GUID */
#define SCAN_TXN_MAX		20000U	/* changes in one transaction */
#define PAGE_MAX		128U	/* records read from the log at once */
#define ARENA_PAGE_MAX		(256U * 1024U * 1024U)
#define ARENA_TREE_MAX		(1024U * 1024U * 1024U)
#define APPEND_UIDS_MAX		(1U << 24) /* by which an append peer may raise
					      UIDNEXT at once */
#define STAMP_AHEAD_MS		(2ULL * 86400 * 1000)
#define PAIR_LOCK_TIMEOUT	60U	/* seconds */

enum session_state {
	SESSION_HELLO,		/* expects HELLO */
	SESSION_BEGIN,		/* expects BEGIN */
	SESSION_OPEN,		/* questions and operations */
	SESSION_BODY,		/* the body of an OP_SAVE */
	SESSION_OVER,		/* nothing more */
};

/* A mailbox that is open in the driver. */
struct open_box {
	struct guid128 guid;
	int64_t id;			/* of the log */
	char *store_name;
	struct mailbox *box;
	uint64_t used;			/* by age */
	bool dirty;			/* something is prepared in it */
	uint64_t modseq_before;		/* HIGHESTMODSEQ before this run wrote
					   to it; 0: none kept, or not known */
	uint64_t modseq_own;		/* highest that this run was given, or
					   that its view had */
	uint64_t modseq_wanted;		/* HIGHESTMODSEQ that it wanted */
	uint64_t expunged;		/* in this batch; each may count,
					   as may telling of what went */
};

enum batch_kind {
	BATCH_SAVE,
	BATCH_COPY,
	BATCH_FLAGS,
	BATCH_SET_UID,
	BATCH_MODSEQ,
	BATCH_EXPUNGE,
	BATCH_STATUS,
};

/* One prepared operation; memory of the batch's arena. */
struct batch_op {
	enum batch_kind kind;
	uint32_t op;
	int64_t mailbox;		/* of the log */
	struct guid128 mailbox_guid;
	struct msg_message m;		/* SAVE, COPY: to be; others: as logged;
					   FLAGS: flags to be */
	uint32_t new_uid;		/* SET_UID; FLAGS, EXPUNGE: as asked for */
	struct guid128 *marks;		/* FLAGS: to be; EXPUNGE: known */
	size_t mark_count;
	bool no_tombstone;
	struct mailbox_status status;	/* STATUS */
	uint64_t want_modseq;		/* as it was asked for; 0: whatever comes */
	bool log_only;			/* nothing to do for the driver */
	bool partial;			/* done without a keyword (F5) */
	bool answered;
	uint32_t uid;			/* that it has now */
	uint64_t modseq;		/* the same; 0: not known */
	enum err_code code;		/* ERR_NONE: done */
	const char *text;
};

#define TOUCHED_SLOTS	8192U	/* more than twice BATCH_OPS_MAX */

/* Messages of the batch: a second operation on one may have to wait. */
struct touched {
	int64_t mailbox;		/* 0: free */
	uint32_t uid;
	unsigned int kinds;		/* 1 << batch_kind */
};

/* An operation that waits until a body was read. */
struct held_op {
	enum msg_kind kind;	/* OP_EXPUNGE, OP_MAILBOX_DELETE, OP_MAILBOX */
	struct arena *arena;
	struct msg msg;
};

struct mail_size {
	uint64_t size;
	int64_t mailbox;		/* of the log */
	uint32_t uid;
};

struct sizes {
	struct guid128 mailbox;		/* of told */
	ARRAY(struct mail_size) told;	/* of one mailbox, by UID */
	bool loaded;
	ARRAY(struct mail_size) all;	/* of the whole store, by size */
};

struct get {
	uint32_t request;
	struct guid128 mailbox;
	uint32_t uid;
	char *guid;
};

enum question_kind {
	QUESTION_VIEW,
	QUESTION_TREE,
	QUESTION_LIST,
	QUESTION_HAVE,
};

struct question {
	enum question_kind kind;
	struct arena *arena;		/* of what follows; NULL: nothing */
	struct msg_list list;
	struct msg_have have;
	size_t bytes;
};

/* Messages and tombstones of one mailbox in the order of UID. */
struct stream {
	struct session *s;
	int64_t mailbox;		/* 0: it is gone */
	struct guid128 guid;
	bool messages, tombstones;
	const struct chlog_since *since;
	uint32_t last;			/* up to this UID */
	struct arena *mail_arena, *tomb_arena;
	struct chlog_mail mails[PAGE_MAX];
	size_t mail_n, mail_i;
	uint32_t mail_after;
	bool mail_end;
	struct chlog_tombstone tombs[PAGE_MAX];
	size_t tomb_n, tomb_i;
	uint32_t tomb_after;
	int64_t tomb_after_id;
	bool tomb_end;
	/* Beside the pages, sorted by UID; what is in both comes once. */
	struct arena *extra_arena;
	ARRAY(struct chlog_mail) extra_mails;
	ARRAY(struct chlog_tombstone) extra_tombs;
	size_t extra_mail_i, extra_tomb_i;
};

struct view_box {
	struct chlog_mailbox box;
	bool shown;
	bool with_digest;
	bool new_digest;		/* computed, not yet in the log */
	bool delta;
};

enum answer_phase {
	ANSWER_BOXES,
	ANSWER_GONE,
	ANSWER_SUBSCRIPTIONS,
	ANSWER_ATTRIBUTES,
	ANSWER_TREE_END,
	ANSWER_MESSAGES,
	ANSWER_PENDING,
	ANSWER_END,
};

/* The answer that is being sent. */
struct answer {
	bool active;
	struct arena *arena;
	enum answer_phase phase;
	size_t i;
	struct view_box *boxes;
	size_t box_count;
	struct chlog_mailbox_gone *gone;
	size_t gone_count;
	struct chlog_subscription *subs;
	size_t sub_count;
	struct chlog_attribute *attributes;
	size_t attribute_count;
	struct section {
		struct guid128 guid;
		int64_t mailbox;	/* 0: it is gone */
	} *sections;
	size_t section_count;
	struct stream *stream;
	bool begun;			/* MESSAGES was sent */
	/* LIST */
	int64_t list_box;
	struct guid128 list_guid;
	struct uid_range *ranges;
	size_t range_count, range_i;
	uint32_t sent, last_uid;
};

/* The body that is being sent. */
struct body {
	bool active;
	uint32_t request;
	struct guid128 mailbox;
	int64_t mailbox_id;
	uint32_t uid;
	char *guid;
	struct mail_reader *reader;
	struct mailbox *pinned;		/* its mailbox, closed for all others */
	uint64_t size, sent;
	struct digest_ctx *digest;
	bool cr;
};

struct new_digest {
	int64_t mailbox;
	uint32_t uid;
	char *guid;
	uint8_t digest[DIGEST_SIZE];
};

/* A copy that was not held and may be saved later. */
struct waiting {
	struct guid128 mailbox, mark;
};

/* A mailbox to be made; memory of the arena of both. */
struct new_box {
	uint32_t op;
	struct msg_mailbox box_msg;
	const char *mapped;		/* its name in the store */
	struct mailbox_status status;	/* to be, then as it is */
	struct mailbox *box;		/* open while it is logged */
	bool failed;
	struct err why;
};

struct new_sub {
	uint32_t op;
	const char *name, *mapped;
	bool on;
	uint64_t stamp;
	bool change;			/* false: for the log alone */
	bool failed;
	struct err why;
};

struct new_attribute {
	uint32_t op;
	struct msg_attribute a;
	int64_t mailbox;		/* of the log; found when it is set */
	bool failed;
	struct err why;
};

struct pair_lock {
	char *path;			/* NULL: not held */
	int fd;
	struct guid128 peer;
};

struct session {
	struct session_args args;
	session_send_fn *send;
	void *send_arg;
	enum session_state state;

	struct arena *arena;		/* of the whole session */
	struct msg_hello hello;
	struct guid128 peer;
	struct store *store;
	const struct store_driver *driver;
	struct chlog *log;
	struct pair_lock locks[2];
	bool inbox_locked;
	int inbox_fd;			/* if so: its folder */
	bool locked_out;		/* by another run of the pair */
	bool readonly;			/* nothing in the store may change */
	bool filtered;			/* -m or -x */
	enum {
		SPELLINGS_UNKNOWN, SPELLINGS_SAME, SPELLINGS_DIFFER
	} spellings;			/* names here and in the store */
	bool keeps_attributes;		/* the store does */
	bool attributes_unread;		/* they could not be looked at */

	uint64_t hello_ms;		/* clock when HELLO came */
	enum scan_due {
		SCAN_NONE,
		SCAN_SOON,		/* once WELCOME is on its way */
		SCAN_NOW,
	} scan_due;
	struct chlog_intent *intents;	/* during a scan */
	size_t intent_count;
	const struct chlog_intent **intents_spelt;	/* of names (T13) */
	size_t spelt_count;
	uint64_t view_seq;		/* head after the scan */
	bool begun;			/* the base is chosen */
	bool held_log;			/* from session_hold to session_rest */
	bool has_base;
	struct chlog_position base;
	struct chlog_since since;	/* of the base */
	struct chlog_pending *base_pending;
	size_t base_pending_count;

	ARRAY(struct open_box) boxes;
	uint64_t box_clock;
	struct arena *row_arena;	/* of row */
	struct chlog_mailbox row;	/* read last; id 0: none */

	ARRAY(struct question) questions;
	size_t question_i, question_bytes;
	struct answer answer;
	struct sizes sizes;
	ARRAY(struct get) gets;
	size_t get_i;
	struct body body;
	uint8_t *piece;			/* of it, BODY_CHUNK_MAX bytes */
	ARRAY(struct new_digest) digests;

	ARRAY(struct batch_op) batch;
	struct arena *batch_arena;
	uint64_t batch_bytes;
	bool renumbering;		/* the batch changes a UIDVALIDITY */
	unsigned int left_out;		/* problems that the driver told */
	struct touched *touched;	/* NULL before the first operation */
	size_t touched_count;
	uint32_t last_op;		/* the highest one that was taken */
	uint32_t flush_op;		/* a FLUSH that was not answered, or 0 */
	uint64_t flush_at;		/* when it was put off, ms; 0: it is not */
	unsigned int flush_waits;	/* turns since */
	uint32_t done_op;		/* DONE was sent up to here */
	ARRAY(struct held_op) held;
	size_t held_i;
	struct {
		struct arena *arena;
		ARRAY(struct new_box) boxes;
		ARRAY(struct new_sub) subs;
		ARRAY(struct new_attribute) attributes;
	} tree;				/* to be made together */
	bool commit_wanted;		/* once FLUSH is answered */
	bool untidy;			/* since a COMMIT */
	struct msg_commit commit;

	/* The OP_SAVE whose body arrives. */
	struct {
		bool discard;
		struct mail_writer *writer;
		struct batch_op op;
		uint64_t size, got;
		struct digest_ctx *digest;
		bool cr;
		size_t box;		/* index in boxes */
	} saving;

	struct arena *pending_arena;
	ARRAY(struct chlog_pending) pending;	/* own and received */
	ARRAY(struct chlog_pending) problems;	/* told in the view */
	uint64_t problem_count;			/* told or not */
	ARRAY(char *) vacated;			/* names that the run took away */
	ARRAY(char *) kept;			/* mere directories that it made */
	ARRAY(struct guid128) told;		/* digests of what was logged */
	bool pending_lost;
	/* Their HIGHESTMODSEQ is pending in the next commit alone (F6). */
	ARRAY(struct guid128) ahead;
	ARRAY(struct guid128) unscanned; /* mailboxes: nothing is written */
	/* Of those, copies that became saves: done if the mark is there. */
	ARRAY(struct waiting) waiting;
	/* Saves and copies that failed: what they were to keep stays (P9). */
	uint64_t *unsaved;		/* hashes of GUIDs; NULL: none */
	size_t unsaved_count;
	bool unsaved_lost;		/* there were more */
};

/* session.c */
void session_send(struct session *s, const struct msg *msg);
/* This does not match -m and -x, or is left out by them. */
bool session_in_scope(const struct session *s, const char *name);
/* Its messages could not be looked at, so nobody knows what it holds. */
bool session_unscanned(const struct session *s, const struct guid128 *mailbox);
/* What a failure is called towards the peer. */
const char *session_err_text(const struct session *s, enum err_code code,
    const char *text);

/* pending.c */
void session_add_pending(struct session *s, const struct guid128 *mailbox,
    uint32_t uid, const struct guid128 *mark, const char *text);
/*
 * Marks that a message was to get, one entry each: the other store may know it
 * by another one than this, and has to be asked for all.
 */
void session_add_marks(struct session *s, const struct guid128 *mailbox,
    uint32_t uid, const struct guid128 *marks, size_t count,
    const char *text);
/* This entry is void once the mailbox has a message of this mark. */
void session_add_waiting(struct session *s, const struct guid128 *mailbox,
    const struct guid128 *mark);
/* No message of this GUID is expunged any more in this run. */
void session_add_unsaved(struct session *s, const char *guid);
bool session_is_unsaved(const struct session *s, const char *guid);
/* A mailbox or message was left out of the run: told to log and peer. */
void session_problem(struct session *s, const struct guid128 *mailbox,
    const char *what, const struct err *why);
/* For the problem call of the store, with the session: damage is logged, what it
   left out is a problem as above. */
void session_store_problem(const char *what, const struct err *why,
    void *arg);

/* budget.c */
struct session_rule {
	enum session_state state;
	enum msg_kind kind;
	int (*handle)(struct session *, const struct msg *, struct err *);
};
const struct session_rule *session_rule_find(enum session_state state,
    enum msg_kind kind);
const char *session_state_name(enum session_state state);

/* Handlers of messages, by the table in budget.c. */
int on_hello(struct session *s, const struct msg *msg, struct err *err);
int on_begin(struct session *s, const struct msg *msg, struct err *err);
int on_list(struct session *s, const struct msg *msg, struct err *err);
int on_tree(struct session *s, const struct msg *msg, struct err *err);
int on_have(struct session *s, const struct msg *msg, struct err *err);
int on_get(struct session *s, const struct msg *msg, struct err *err);
int on_op_mailbox(struct session *s, const struct msg *msg, struct err *err);
int on_op_mailbox_delete(struct session *s, const struct msg *msg,
    struct err *err);
int on_op_subscribe(struct session *s, const struct msg *msg,
    struct err *err);
int on_op_save(struct session *s, const struct msg *msg, struct err *err);
int on_body_chunk(struct session *s, const struct msg *msg, struct err *err);
int on_body_end(struct session *s, const struct msg *msg, struct err *err);
int on_op_copy(struct session *s, const struct msg *msg, struct err *err);
int on_op_flags(struct session *s, const struct msg *msg, struct err *err);
int on_op_expunge(struct session *s, const struct msg *msg, struct err *err);
int on_op_set_uid(struct session *s, const struct msg *msg, struct err *err);
int on_op_modseq(struct session *s, const struct msg *msg, struct err *err);
int on_op_attribute(struct session *s, const struct msg *msg,
    struct err *err);
int on_flush(struct session *s, const struct msg *msg, struct err *err);
int on_pending(struct session *s, const struct msg *msg, struct err *err);
int on_commit(struct session *s, const struct msg *msg, struct err *err);
/* Write the position if that was asked for and nothing waits. */
int commit_if_due(struct session *s, struct err *err);
int on_bye(struct session *s, const struct msg *msg, struct err *err);

/* scan.c */
int session_scan(struct session *s, struct err *err);
/* scan_mails.c: 1: the mailbox is a restored copy (E5). */
int scan_mailbox(struct session *s, struct chlog_mailbox *row,
    struct mailbox *box, const struct mailbox_status *status, bool first,
    unsigned int *changes, struct err *err);
/* scan_subscriptions.c: first: the log sees the store for the first time. */
int scan_subscriptions(struct session *s, struct arena *arena, bool first,
    uint64_t now, struct err *err);
/* attributes.c: as scan_subscriptions; what can't be read is left out. */
int scan_attributes(struct session *s, struct arena *arena, bool first,
    uint64_t now, struct err *err);
/* The store keeps attributes, and the brain wants to know them. */
bool attributes_wanted(const struct session *s);
/* All, or those changed since the base, for the answer; its boxes are loaded. */
int attributes_load(struct session *s, bool all, struct err *err);
void attributes_send(struct session *s, const struct chlog_attribute *a);
/* In a transaction of the log; answers come after it. */
int attributes_set(struct session *s, struct new_attribute *list, size_t n,
    struct err *err);
void attributes_answer(struct session *s, const struct new_attribute *new);
/* Before a mailbox gets another GUID: under that one as well. */
int attributes_copy(struct session *s, const struct chlog_mailbox *from,
    const struct guid128 *to, struct err *err);
/* What the log has of a mailbox is no longer needed under this GUID. */
void attributes_remove(struct session *s, int64_t mailbox,
    const struct guid128 *guid);
/* intent.c: before the store is changed; done with the log's own entry. */
int intend_mails(struct session *s, struct err *err);
int intend_tree(struct session *s, struct err *err);
int intend_name(struct session *s, const struct msg_mailbox *box,
    const struct guid128 *guid, const char *mapped, struct err *err);
int intend_removal(struct session *s, const struct guid128 *guid,
    uint64_t stamp, struct err *err);
int intend_guid(struct session *s, const struct guid128 *guid,
    const struct guid128 *to_be, struct err *err);
/* The store did not do it. */
int intents_refused(struct session *s, struct err *err);
/* In the transaction of a scan: from load to used they can be found. */
int intents_load(struct session *s, struct arena *arena, struct err *err);
int intents_used(struct session *s, struct err *err);
/* Stamps of what was to be just as it is; NULL or otherwise: it was not. */
const uint64_t *intent_stamps(const struct session *s,
    const struct guid128 *mailbox, const char *key, const void *value,
    size_t len);
uint64_t intent_stamp(const struct session *s, const struct guid128 *mailbox,
    const char *key, const void *value, size_t len, uint64_t otherwise);
/*
 * The name for which a mailbox, or with a GUID of zeros a subscription, was to
 * get this one, if it is another.
 */
const char *intent_name(const struct session *s,
    const struct guid128 *mailbox, const char *store_name, bool selectable);
/* The GUID of a mere directory that was to have this name, not its own. */
bool intent_directory(const struct session *s, const char *store_name,
    struct guid128 *guid_r);
/* The stamp that the end of a mailbox was to have. */
uint64_t intent_removal(const struct session *s, const struct guid128 *guid,
    uint64_t otherwise);
/* Was the mailbox of the one GUID to get the other one? */
bool intent_is_guid(const struct session *s, const struct guid128 *was,
    const struct guid128 *now);
/* The UID that the message of this one was to get; 0: none is known. */
uint32_t intent_uid(const struct session *s, const struct guid128 *mailbox,
    uint32_t uid);
/*
 * What a message that a scan finds new was to be, with its marks.  By rising UID:
 * its own comes before that of another one.  1, 0: it was not, -1.
 */
int intent_marks(struct session *s, const struct chlog_mailbox *row,
    uint32_t uid, const char *guid, struct arena *arena,
    const struct chlog_intent **in_r, struct err *err);
/* Flags of now, as they came to be since old. */
void intent_observe(const struct session *s, const struct guid128 *mailbox,
    const struct chlog_state *old, struct mail_flags *mf);
/* prune.c */
/* The run has removed or renamed the mailbox that had this name. */
void prune_note(struct session *s, const char *store_name);
/* It was asked for a mere directory of this name. */
void prune_keep(struct session *s, const char *store_name);
/*
 * At the end: mere directories that were asked for are there; vacated: what
 * others are left empty by the run go.
 */
int prune_directories(struct session *s, bool vacated, struct err *err);
/* identity.c */
/* May the UIDs that the log lent be the store's?  Ask before it is opened. */
bool identity_wanted(struct session *s, const struct chlog_mailbox *row);
/*
 * Give a mailbox the GUID that the log lent it, and with uids the UIDVALIDITY
 * and UIDs.  *status is then as the store says.
 */
int identity_give(struct session *s, struct chlog_mailbox *row,
    struct mailbox *box, bool uids, struct mailbox_status *status,
    struct err *err);
int scan_mailbox_gone(struct session *s, const struct chlog_mailbox *row,
    struct err *err);

/* list.c: 1: the list is complete, 0: no room, -1. */
int list_step(struct session *s, const struct msg_list *list,
    bool (*room)(void *), void *room_arg, struct err *err);

/* serve.c */
int serve_send_message(struct session *s, const struct chlog_mail *mail,
    const struct guid128 *mailbox, const struct msg_list *list,
    struct err *err);
void serve_send_gone(struct session *s, const struct chlog_tombstone *tomb);
void serve_send_messages_head(struct session *s,
    const struct guid128 *mailbox, uint32_t request);
void serve_send_messages_end(struct session *s, bool more);
int serve_ask_view(struct session *s, struct err *err);
/* 1: more to do, 0: all is answered. */
int serve_step(struct session *s, bool (*room)(void *), void *room_arg,
    struct err *err);
void serve_end(struct session *s);
/* view.c: what is to be answered, out of the log */
int view_load(struct session *s, struct err *err);
int view_load_tree(struct session *s, struct err *err);
/* Entries of the base's pending list for this mailbox. */
const struct chlog_pending *view_pending_of(const struct session *s,
    const struct guid128 *guid, size_t *n_r);
bool since_changed(const struct chlog_since *since, uint64_t seq,
    int64_t run);
/* After the base, or first seen after it; without a base all is. */
bool view_changed(const struct session *s, uint64_t seq, int64_t run);

/* stream.c */
struct stream *stream_new(struct session *s, int64_t mailbox,
    const struct guid128 *guid, const struct chlog_since *since);
void stream_free(struct stream **stream);
/* Go on above this UID, up to last. */
void stream_seek(struct stream *stream, uint32_t after, uint32_t last);
/* Name one more instance, or tombstone, by mark; uid where mark is zero. */
int stream_add_mark(struct stream *stream, const struct guid128 *mark,
    uint32_t uid, bool with_tombstones, struct err *err);
/* 1: *mail_r or *tomb_r is set, the other NULL; 0: the end. */
int stream_next(struct stream *stream, const struct chlog_mail **mail_r,
    const struct chlog_tombstone **tomb_r, struct err *err);

/* body.c */
/* Were bodies asked for that are not sent yet? */
bool body_is_due(const struct session *s);
int body_step(struct session *s, bool (*room)(void *), void *room_arg,
    struct err *err);
void body_end(struct session *s);
/* A body of this message was asked for and is not read to its end. */
bool body_wanted(const struct session *s, const struct guid128 *mailbox,
    uint32_t uid);
bool body_wanted_in(const struct session *s, const struct guid128 *mailbox);
/* The digest of a message, by reading it. */
int body_digest(struct session *s, struct open_box *box, uint32_t uid,
    const char *guid, uint8_t digest[static DIGEST_SIZE], struct err *err);
int body_reader_open(struct session *s, struct mailbox *box, uint32_t uid,
    const char *guid, struct mail_reader **reader_r, struct mail_info *info_r,
    struct err *err);
/* Keep a digest for the next transaction; digests_write does not begin one. */
void digest_keep(struct session *s, int64_t mailbox, uint32_t uid,
    const char *guid, const uint8_t digest[static DIGEST_SIZE]);
int digests_write(struct session *s, struct err *err);

/* Write them now. */
int digests_store(struct session *s, struct err *err);

/* sizes.c */
/* Bytes of a message of the store; 0: not cheaply known. */
uint64_t sizes_find(struct session *s, const struct guid128 *mailbox,
    uint32_t uid);
/* 1: a message of this size is there, 0, -1. */
int sizes_have(struct session *s, uint64_t size, struct err *err);
/* Read some messages of this size, to know their digests. */
int sizes_read(struct session *s, uint64_t size, struct err *err);
void sizes_end(struct session *s);

/* save.c: what was begun of an OP_SAVE is dropped. */
void save_end(struct session *s);

/* apply.c */
/* Refused by the table of who may do what; the answer is sent. */
bool apply_refused(struct session *s, uint32_t op, enum msg_kind kind,
    const struct guid128 *mailbox, uint32_t uid, const struct guid128 *mark);
/* Answered and pending: it is looked at again in the next run. */
void apply_not_done(struct session *s, uint32_t op,
    enum result_status status, const struct guid128 *mailbox, uint32_t uid,
    const struct guid128 *mark, enum err_code code, const char *text);
void apply_failed(struct session *s, uint32_t op,
    const struct guid128 *mailbox, uint32_t uid, const struct guid128 *mark,
    const struct err *why);
/* A message as the driver takes it; memory of arena or of m. */
void apply_info(struct arena *arena, const struct msg_message *m,
    struct mail_info *info);
/* 1 and *row_r, 0: no such mailbox, -1. */
int apply_row(struct session *s, const struct guid128 *guid,
    const struct chlog_mailbox **row_r, struct err *err);
void apply_row_forget(struct session *s);
/* An open mailbox; NULL with err. */
struct open_box *apply_open(struct session *s,
    const struct chlog_mailbox *row, struct err *err);
/* Keep one that is open for what comes, if there is room; takes *handle. */
void apply_keep(struct session *s, const struct chlog_mailbox *row,
    struct mailbox **handle);
void apply_close(struct session *s, const struct guid128 *guid);
void apply_close_all(struct session *s);
/* modseq.c (F6) */
/* What the driver is to be asked for, changed: flags or UID change. */
uint64_t modseq_wanted(const struct open_box *box, uint64_t wanted,
    bool changed);
/* Did this open mailbox have modseqs before the run wrote to it? */
bool modseq_is_kept(const struct session *s, int64_t mailbox);
/* The driver has flushed: HIGHESTMODSEQ of what it wrote to, into the log. */
int modseq_flushed(struct session *s, struct err *err);
/* Tell if it is not the modseq that was asked for. */
void modseq_answer(struct session *s, const struct batch_op *op);
/* Note as pending what a mirror is to follow in its next round. */
void modseq_add_ahead(struct session *s);
void modseq_result(struct session *s, uint32_t op, uint64_t modseq);

void apply_result(struct session *s, uint32_t op, enum result_status status,
    uint32_t uid, enum err_code code, const char *text);
/* Not changed since the view but by this run. */
bool apply_fresh(const struct session *s, uint64_t seq, int64_t run,
    int64_t own_run);
int apply_own_run(struct session *s, int64_t *run_r, struct err *err);
int apply_take_op(struct session *s, uint32_t op, struct err *err);
/* Is this UID near enough to UIDNEXT for a peer that may only add? */
bool append_uid_ok(const struct chlog_mailbox *row, uint32_t uid);
/* Go through those that waited for a body. */
int apply_held(struct session *s, struct err *err);
void apply_end(struct session *s);
/* apply_tree.c */
/* Why this peer may not write, or NULL; append_may: one that adds may do it. */
const char *tree_why_refused(const struct session *s, bool append_may);
/* Answer and note on the pending list what did not work. */
void tree_result(struct session *s, uint32_t op, enum result_status status,
    const struct guid128 *guid, enum err_code code, const char *text);
void tree_failed(struct session *s, uint32_t op, const struct guid128 *guid,
    const struct err *why);
void tree_sub_failed(struct session *s, uint32_t op, const char *name,
    const struct err *why);
/* Another mailbox stands under the name of this one by now (P8). */
bool tree_name_given_away(struct session *s, const struct chlog_mailbox *row,
    struct err *why);
void tree_set_stamps(struct chlog_mailbox *row,
    const struct msg_mailbox *box);
/* Within a transaction: the row as this run makes it, and its aliases. */
int tree_log_row(struct session *s, struct chlog_mailbox *row,
    const struct msg_mailbox *box, bool tree, struct err *err);
int apply_tree_mailbox(struct session *s, const struct msg_op_mailbox *m,
    struct err *err);
/* tree_remove.c */
int apply_tree_delete(struct session *s,
    const struct msg_op_mailbox_delete *m, struct err *err);

/* spelling.c: names as the store can hold them (T13) */
/* For a mailbox that is to be made.  1; 0: it can't be, why; -1. */
int spelling_make(struct session *s, const char *name,
    const struct guid128 *guid, char mapped[static NAME_MAX_BYTES + 1],
    struct err *why, struct err *err);
/* That of a mailbox that is there, or what one would get; as above. */
int spelling_find(struct session *s, const char *name,
    char mapped[static NAME_MAX_BYTES + 1], struct err *why,
    struct err *err);
/*
 * Does another name that is subscribed have this spelling here?  Then it stays
 * subscribed in the store: 1; 0: none has; -1.
 */
int spelling_shared(struct session *s, const char *name, const char *mapped,
    struct err *err);

/* tree_batch.c */
/* Make all that waits, durably, in the store and the log. */
int tree_batch_flush(struct session *s, struct err *err);
void tree_batch_end(struct session *s);
/* Need such messages not wait until that was done? */
bool tree_batch_may_wait(enum msg_kind kind);
/* One that waits goes by this GUID: then all are made. */
int tree_batch_before(struct session *s, const struct msg_mailbox *box,
    struct err *err);
bool tree_batch_has_sub(const struct session *s, const char *name);
/* Does a subscription wait that is spelt so? */
bool tree_batch_has_sub_spelling(const struct session *s, const char *mapped);
/* Does a mailbox of this name wait? */
bool tree_batch_has_name(const struct session *s, const char *name);
/* Does a mailbox of another name wait that is spelt so? */
bool tree_batch_has_spelling(const struct session *s, const char *mapped,
    const char *name);
/* Add one; mapped is its name in the store. */
int tree_batch_create(struct session *s, const struct msg_op_mailbox *m,
    const char *mapped, struct err *err);
/* change: false if the store has it so already. */
int tree_batch_subscribe(struct session *s, const struct msg_op_subscribe *m,
    const char *mapped, bool change, struct err *err);

bool tree_batch_has_attribute(const struct session *s,
    const struct msg_attribute *a);
int tree_batch_attribute(struct session *s, const struct msg_op_attribute *m,
    struct err *err);

int apply_hold(struct session *s, const struct msg *msg, struct err *err);

/* batch.c */
struct batch_op *batch_add(struct session *s, enum batch_kind kind,
    uint32_t op, const struct chlog_mailbox *row);
uint64_t batch_tag(const struct session *s);
/* Make all that is prepared durable; answers follow. */
int batch_flush(struct session *s, struct err *err);
/*
 * The same, and answer a FLUSH that came before this operation: put off any
 * longer it would tear what begins now and is one step of the store (M10).
 */
int batch_flush_before(struct session *s, uint32_t op, struct err *err);
int batch_flush_if_full(struct session *s, struct err *err);
/* Another operation of this kind on the message: 1 it may join the batch. */
bool batch_touch(struct session *s, int64_t mailbox, uint32_t uid,
    enum batch_kind kind);
int batch_answer_flush(struct session *s, struct err *err);
/*
 * Do a FLUSH that was put off: while bodies are on their way to the other
 * store, that one could do its own at the same time.  more: there are some.
 * 1: not yet.
 */
int batch_flush_put_off(struct session *s, bool more, struct err *err);
/* batch_keywords.c: note those that operations of the batch did not set. */
int batch_find_partial(struct session *s, struct err *err);

/* pairlock.c */
int pair_lock(struct session *s, const struct guid128 *peer,
    struct err *err);
/* Keep out the runs of other stores that have the same INBOX. */
int inbox_lock(struct session *s, struct err *err);
/* Give up all of these. */
void pair_unlock(struct session *s);

#endif
