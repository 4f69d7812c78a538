/*
 * run.h - the state of a run, for the files of this folder only
 *
 * A run goes through its phases once.  For each mailbox that may need work
 * there is a job: it collects the records of both sides, is merged into a plan,
 * and the plan is sent.  Jobs are sent in the order in which they became
 * ready; several are under way at once, so no mailbox waits for a reply of
 * another.
 */
#ifndef BRAIN_RUN_H
#define BRAIN_RUN_H

#include <sys/queue.h>
#include <sys/tree.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/strbuf.h"
#include "brain/brain.h"
#include "brain/merge_attributes.h"
#include "brain/merge_mails.h"
#include "brain/merge_tree.h"
#include "brain/plan.h"

#define RUN_ARENA_MAX		((size_t)8 << 30) /* bytes; never reached */
#define RUN_BOXES_MAX		200000U	/* mailboxes told by one side */
#define RUN_ATTRIBUTES_MAX	1000000U /* attributes told by one side */
#define RUN_LISTS_MAX		64U	/* LISTs under way per side */
#define RUN_PLAN_WINDOW		5000U	/* messages planned or listed ahead */
#define RUN_PAGE		2000U	/* messages of one LIST */
#define RUN_COMPARE_PAGE	4000U	/* the same, if both sides have them */
#define RUN_BATCH		2000U	/* operations that a store takes before it
					   makes them durable unasked */
#define RUN_GETS_MAX		2000U	/* bodies asked for ahead */
#define RUN_SEND_MAX		512U	/* messages sent in one step, per side */
#define RUN_MENDS_MAX		3U	/* rounds of mending UIDs (M12) */
/*
 * Pending entries kept in memory: one more than a store's list takes, by which
 * it knows that there are more (E1).
 */
#define RUN_PENDING_MAX		100001U
/* UID of an entry for a mailbox that is unequal, and need not be listed. */
#define RUN_UID_UNEQUAL		UINT32_MAX
#define TEXT_LINE_MAX		1024U	/* bytes of one line for people */

enum run_phase {
	RUN_HELLO_A,		/* HELLO to A is out */
	RUN_HELLO_B,		/* HELLO to B is out */
	RUN_VIEWS,		/* both views arrive */
	RUN_TREES,		/* complete trees were asked for */
	RUN_WORK,		/* jobs are collected, planned, sent */
	RUN_COMMIT,		/* FLUSH and COMMIT are out */
	RUN_END,
};

/* Messages of a complete list that the other side has not told so far. */
struct fresh {
	struct arena *arena;
	ARRAY(struct msg_message) recs;
	size_t at;			/* those before it are compared */
};

/* One mark of a message that is equal on both sides. */
struct dropped {
	uint32_t hash, uid;
};

/* A page to be listed: the messages above a UID. */
struct page {
	STAILQ_ENTRY(page) link;
	size_t entry;
	unsigned int side;
	struct guid128 guid;
	uint32_t after_uid;
	bool into_empty;
};
STAILQ_HEAD(pages, page);

/* Records of one mailbox as one side's view told them. */
struct delta {
	RB_ENTRY(delta) node;
	struct guid128 guid;
	ARRAY(struct msg_message) recs;
	ARRAY(struct msg_gone) gone;
	bool used;
};
RB_HEAD(deltas, delta);

struct job {
	TAILQ_ENTRY(job) link;
	struct arena *arena;
	size_t entry;			/* index of its tree entry */
	struct guid128 guid[2];		/* of the mailbox on each side, by now */
	struct mails_side side[2];
	ARRAY(struct msg_message) recs[2];
	ARRAY(struct msg_gone) gone[2];
	ARRAY(struct guid128) ask[2];	/* marks to be looked up */
	bool list[2];			/* a complete list is wanted */
	bool paged;			/* one side has none: page by page */
	bool into_empty;		/* paged, if side empty tells nothing */
	unsigned int empty;
	bool more;			/* another page follows this job */
	bool digests_done, have_done;
	uint32_t last_uid[2];		/* told by the list so far */
	uint32_t page_after[2];		/* the same, before this page */
	bool listed[2];			/* the list is complete */
	bool drop;			/* what is equal on both sides */
	bool whole;			/* all is needed, equal or not (B3) */
	struct fresh fresh[2];
	ARRAY(struct dropped) dropped;
	uint64_t dropped_count;		/* messages */
	unsigned int waiting;		/* replies outstanding */
	ARRAY(size_t) have_ops[2];	/* ops that a HAVE asks about */
	ARRAY(size_t) same[2];		/* ops of whose size that side has
					   another message */
	enum {
		TEXTS_SIZES, TEXTS_DIGESTS, TEXTS_DONE
	} texts;			/* what was compared last */
	struct plan_mails plan;
	bool pre_sent[2];		/* UIDVALIDITY went out */
	bool emitted[2];
	size_t sent[2];			/* ops sent, by side */
	size_t asked[2];		/* ops looked at for GETs */
	uint32_t last_op[2];		/* number of its last operation */
	uint64_t weight;		/* messages in the window */
	size_t told;			/* bytes of brain->told */
};
TAILQ_HEAD(jobs, job);

/* A LIST or HAVE under way. */
struct ask {
	STAILQ_ENTRY(ask) link;
	struct job *job;
	enum ask_what {
		ASK_ALL, ASK_AGAIN, ASK_MARKS, ASK_DIGESTS, ASK_HAVE
	} what;
	uint32_t request;
	size_t first, count;		/* HAVE: of have_ops */
};
STAILQ_HEAD(asks, ask);

/* A body that side o was asked for; the other side saves it. */
struct get {
	STAILQ_ENTRY(get) link;
	uint32_t request;
	struct job *job;		/* NULL: of the late saves */
	size_t op;
	bool skip;			/* the save was given up */
};
STAILQ_HEAD(gets, get);

/* An operation that was sent and is not yet known to be done. */
struct sent_op {
	enum {
		SENT_TREE, SENT_STATE, SENT_SUB, SENT_MAIL, SENT_EXPUNGE,
		SENT_DELETE, SENT_MEND, SENT_FLUSH, SENT_MODSEQ,
		SENT_HIGHEST, SENT_REBUILD, SENT_ATTRIBUTE,
	} what;
	enum plan_kind kind;		/* SENT_MAIL */
	size_t entry;			/* tree entry, for the account */
	struct guid128 mailbox;
	uint32_t uid;			/* SAVE, COPY, SET_UID: wanted; else present */
	struct guid128 mark;
	const char *guid;		/* of the message, for people; or NULL */
	struct msg_message *copy;	/* COPY: what to save if it is not held */
	uint32_t from_uid;		/* COPY: on the other side */
};

/* A message whose UID differs on the two sides after all (M12). */
struct mend {
	unsigned int side;		/* that has to follow */
	size_t entry;
	struct guid128 mailbox;		/* on that side */
	uint32_t uid, new_uid;
	struct guid128 mark;
	uint64_t modseq;
};

/*
 * UIDs that went on the one side and may never have been on the other: both are
 * told of the VANISHED_MAX lowest.
 */
struct vanished {
	ARRAY(uint32_t) uids;		/* in any order, some perhaps twice */
	uint64_t told[SIDE_COUNT];	/* with this HIGHESTMODSEQ; 0: not yet */
};

/* Modseqs of one mailbox (F6). */
struct entry_modseq {
	uint64_t highest;		/* of all that exist or are planned; 0:
					   none is planned in this mailbox */
	uint64_t expunges[SIDE_COUNT];	/* each may count */
	bool set[SIDE_COUNT];		/* HIGHESTMODSEQ has to be set */
	struct vanished vanished;
};

/* A message whose modseq became higher on one side than was planned. */
struct raise {
	size_t entry;
	uint32_t uid;
	struct guid128 mark;
	uint64_t modseq;
};

/* A store gave another UID than was planned for both. */
struct other_uid {
	unsigned int side;		/* that gave it */
	size_t entry;
	uint32_t wanted, got;
	struct guid128 mark;
	bool done;
};

/* A mailbox of the destination that is built anew at the end (B3). */
struct rebuild {
	size_t entry;
	uint32_t uidvalidity, uidnext;	/* of the source */
	uint32_t between;		/* UIDVALIDITY of the first of two
					   passes; 0: this is the last one */
	bool begun, second;		/* the pass; it is the second one */
	struct plan_uid *uids;		/* uid 0: not there */
	struct plan_uid **by_mark;	/* the same, sorted */
	size_t count, next;
};

/* A save that became necessary because a copy was not held. */
struct late_save {
	size_t entry;
	struct guid128 mailbox;		/* on the saving side */
	struct guid128 from;		/* on the other side */
	uint32_t from_uid;
	struct msg_message rec;
};

struct late_expunge {
	size_t entry;
	struct guid128 mailbox;
	bool moved;			/* copied elsewhere: not counted (G1) */
	struct plan_op op;
};

struct run_side {
	struct guid128 store;
	uint32_t caps;
	uint64_t features;
	enum peer_access access;
	uint64_t clock_ms;
	struct guid128 last_peer;
	uint64_t last_peer_messages;
	bool welcomed;

	struct arena *arena;		/* tree and view */
	struct msg_view view;
	bool view_seen, view_ended, tree_ended;
	bool changed;			/* the view told of something */
	ARRAY(struct msg_mailbox) boxes;
	ARRAY(struct msg_mailbox_gone) gone;
	ARRAY(struct msg_subscription) subs;
	ARRAY(struct msg_subscription) subs_changed; /* those of the view, */
	ARRAY(struct msg_mailbox_gone) gone_changed; /* if trees_asked */
	ARRAY(struct msg_attribute) attributes;
	ARRAY(struct msg_attribute) attributes_changed; /* those of the view,
					   if the tree came again */
	ARRAY(struct msg_pending) pending;	/* of the base */
	struct deltas deltas;
	struct delta *delta;		/* MESSAGES of the view under way */
	struct ask *list;		/* MESSAGES of a LIST under way */

	uint32_t request;		/* last number given */
	struct asks lists, haves;
	unsigned int list_count;
	struct gets gets;
	unsigned int get_count;
	struct get *body;		/* its body is arriving from here */

	uint32_t op;			/* last number given */
	uint32_t done;			/* highest that is durable */
	uint32_t flush;			/* of the FLUSH sent last */
	ARRAY(struct sent_op) sent;	/* by number, from sent_first */
	size_t sent_head;		/* those before it are done */
	uint32_t sent_first;		/* number of sent.v[0] */

	struct tree_ops tree_ops;
	size_t delete_sent;		/* tree_ops looked at for deletions */
	size_t sub_sent;
	struct job *emitted;		/* last one sent completely, or NULL */
	struct job *asked;		/* last one with all bodies asked for */
	ARRAY(struct late_save) late;
	size_t late_asked;
	ARRAY(struct late_expunge) expunges;
	size_t expunge_sent;
	uint64_t remove;		/* messages that would go, for G1 */
	uint64_t remove_inbox;
	ARRAY(struct msg_pending) refused;	/* by this side, in this run */
	ARRAY(struct raise) raises;	/* modseqs that this side follows */
	size_t raise_sent;
	ARRAY(struct raise) confirms;	/* this side's own, as they are */
	size_t confirm_sent;
	uint32_t raise_flush;		/* number of the FLUSH behind the
					   raises of this round; 0: none yet */
	size_t highest_sent;		/* entries looked at for HIGHESTMODSEQ */
	uint32_t highest_flush;		/* of the FLUSH behind those of this
					   round of mending; 0: none yet */
	bool committed, commit_sent;
};

struct brain {
	const struct brain_args *args;
	brain_send_fn *send;
	brain_event_fn *event;
	void *arg;
	enum run_phase phase;
	int source;			/* index of the source; -1: mirror */
	bool base;
	bool filtered;
	struct guid128 scope;
	struct run_side side[SIDE_COUNT];
	struct arena *arena;		/* entries and what lives as long */
	struct tree_entries entries;
	struct tree_subs subs;
	struct attribute_ops attributes;
	struct brain_account *accounts;	/* one an entry */
	uint32_t *top[SIDE_COUNT];	/* one an entry: highest UID known */
	struct entry_modseq *modseqs;	/* one an entry */
	struct jobs todo;		/* waiting for their turn or replies */
	struct jobs ready;		/* planned, in the order of sending */
	size_t next_entry;		/* entries not yet looked at for a job */
	struct pages pages;		/* to be listed before other entries */
	uint64_t window;		/* messages listed or planned, not done */
	uint64_t listing;		/* of these, not yet planned */
	size_t told, told_max;		/* bytes */
	bool gate;			/* operations may be sent */
	bool complete;			/* the trees are complete */
	bool trees_asked;		/* they came again, after the views */
	unsigned int mend_round;
	bool highest_follows;		/* in this round of mending */
	ARRAY(struct mend) mends;
	size_t mend_at[SIDE_COUNT];	/* those before it are sent */
	ARRAY(struct other_uid) others;	/* not yet turned into mends */
	ARRAY(struct rebuild) rebuilds;
	size_t *rebuild_of;		/* one an entry: number from 1; 0: none */
	size_t rebuild_at;		/* those before it are sent */
	uint32_t rebuild_flush;		/* number of the FLUSH before them; 0:
					   none yet in this round */
	bool rebuild_deferred;		/* to a later round */
	bool imperfect;			/* something is pending or skipped */
	bool work;			/* something was or would be done */
	uint64_t total, done, bytes;	/* messages and bytes, for progress */
};

RB_PROTOTYPE(deltas, delta, node, delta_cmp)

/* brain.c */
bool run_is_dest(const struct brain *brain, unsigned int side);
/* Each view has told what was changed since the base, beside the whole tree. */
bool run_changes_known(const struct brain *brain);
/* We may only add to this side. */
bool run_is_append(const struct brain *brain, unsigned int side);
/* The GUID that a side knows the mailbox of an entry by, once steps are sent. */
struct guid128 run_guid(const struct brain *brain, unsigned int side,
    size_t entry);
struct delta *run_delta_find(struct run_side *side,
    const struct guid128 *guid);

/*
 * The next run has to look at it (E1), and both stores are told.  uid 0, mark
 * NULL: the mailbox itself; uid RUN_UID_UNEQUAL: see there.  text is borrowed
 * for the life of the brain.
 */
void run_note_pending(struct brain *brain, unsigned int side,
    const struct guid128 *mailbox, uint32_t uid, const struct guid128 *mark,
    const char *text);

/* Bytes of what a store told are kept, for a job or, if NULL, for the run. */
int run_charge(struct brain *brain, struct job *job, size_t bytes,
    struct err *err);
void run_discharge(struct brain *brain, struct job *job, size_t bytes);

/* jobs.c: from the views to the plans */
int jobs_begin(struct brain *brain, struct err *err);
int jobs_step(struct brain *brain, struct err *err);
/* No other mailbox may be begun. */
bool jobs_window_full(const struct brain *brain);
bool jobs_all_planned(const struct brain *brain);
/* A record for the merge. */
int jobs_keep(struct brain *brain, struct job *job, unsigned int side,
    const struct msg_message *m, struct err *err);
/* Everything that a job asked for has come: take its next step. */
void jobs_ready(struct brain *brain, struct job *job);
/*
 * A run that could not write both sides left the mailbox unequal, and this one
 * has not compared it.
 */
bool jobs_left_unequal(const struct brain *brain, const struct job *job);
int jobs_rec_cmp(const void *a, const void *b);
void job_free(struct brain *brain, struct job **job);
#define ENTRY_GUIDS_MAX	(3U + 2U * ALIASES_MAX)
/* All GUIDs by which a pending entry may name the mailbox; how many. */
size_t jobs_entry_guids(const struct tree_entry *e,
    struct guid128 out[static ENTRY_GUIDS_MAX]);
/* The first pending entry of the side for this mailbox, or NULL. */
const struct msg_pending *jobs_pending_first(const struct run_side *side,
    const struct guid128 *guid);

/* jobs_ask.c: what a job asks of a side before it can be merged */
/* Which marks have to be looked up on which side?  Into job->ask. */
void jobs_ask_collect(struct brain *brain, struct job *job);
void jobs_ask_marks(struct brain *brain, struct job *job, unsigned int side,
    struct guid128 *marks, size_t count);
/* True if more has to be looked up before the merge. */
bool jobs_ask_again(struct brain *brain, struct job *job);
struct ask *jobs_add_ask(struct run_side *side, struct job *job,
    enum ask_what what);
void jobs_send_list(struct brain *brain, struct job *job, unsigned int side,
    enum ask_what what, struct msg_list *list);
/* Ask for messages by UID; uids rise.  ASK_DIGESTS computes digests. */
void jobs_list_uids(struct brain *brain, struct job *job, unsigned int side,
    enum ask_what what, const uint32_t *uids, size_t n);

/* attributes.c: attributes of mailboxes (T15) */
/* Does the store of that side keep any, and tell of them? */
bool attributes_kept(const struct brain *brain, unsigned int side);
int attributes_take(struct brain *brain, unsigned int side,
    const struct msg_attribute *a, struct err *err);
/* Does the merge need those that were not changed, too? */
bool attributes_need_trees(const struct brain *brain);
/* All come again: those that came now are the changed ones. */
void attributes_keep_changed(struct run_side *side);
/* Once there are entries. */
void attributes_merge(struct brain *brain);
void attributes_emit(struct brain *brain);
void attributes_tell(struct brain *brain);

/* lists.c: complete lists, page by page */
/* How many messages of a mailbox that one side alone has come in one page. */
uint32_t lists_page(const struct brain *brain);
/* Ask for the lists that the job wants. */
void lists_begin(struct brain *brain, struct job *job);
/* Ask for the messages after those that came. */
void lists_ask(struct brain *brain, struct job *job, unsigned int side);
int lists_message(struct brain *brain, struct job *job, unsigned int side,
    const struct msg_message *m, struct err *err);
int lists_gone(struct job *job, unsigned int side, const struct msg_gone *g,
    struct err *err);
int lists_end(struct brain *brain, struct job *job, unsigned int side,
    bool more, struct err *err);
/* True if some of what was dropped has to be listed again. */
bool lists_recall(struct brain *brain, struct job *job);
void lists_free(struct brain *brain, struct job *job);

/* answers.c: what the stores tell */
int jobs_on_messages(struct brain *brain, unsigned int side,
    const struct msg_messages *m, struct err *err);
int jobs_on_message(struct brain *brain, unsigned int side,
    const struct msg_message *m, struct err *err);
int jobs_on_gone(struct brain *brain, unsigned int side,
    const struct msg_gone *g, struct err *err);
int jobs_on_end(struct brain *brain, unsigned int side,
    const struct msg_messages_end *end, struct err *err);

/* texts.c: which bodies the saving side holds already (M8) */
/* Without a base: by GUID, and which sizes it has. */
void texts_ask_have(struct brain *brain, struct job *job, unsigned int side);
/* By digest, where sizes are equal; true: answers are awaited. */
bool texts_ask(struct brain *brain, struct job *job);
int texts_on_have(struct brain *brain, unsigned int side,
    const struct msg_have_reply *reply, struct err *err);

/* guard.c */
/* Stop the run if it would remove too much from a side (G1). */
int guard_side(struct brain *brain, unsigned int side, struct err *err);
/* Mailboxes whose messages survive their deletion come back (T3). */
void guard_revive(struct brain *brain);
/* Have both stores mail, and no base? */
bool guard_is_pairing(const struct brain *brain);
/*
 * G2: tell what a first pairing is about to do.  To be called when all is
 * planned and nothing sent.
 */
void guard_tell_pairing(struct brain *brain);

/* emit.c: from the plans to the stores */
/* Plan and send the tree's steps; from now on operations may be sent. */
void emit_open(struct brain *brain);
int emit_step(struct brain *brain, const bool room[static SIDE_COUNT],
    struct err *err);
int emit_on_body(struct brain *brain, unsigned int side,
    const struct msg_body *body, struct err *err);
int emit_on_chunk(struct brain *brain, unsigned int side,
    const struct msg_chunk *chunk, struct err *err);
int emit_on_body_end(struct brain *brain, unsigned int side,
    const struct msg_body_end *end, struct err *err);
int emit_on_get_failed(struct brain *brain, unsigned int side,
    const struct msg_get_failed *failed, struct err *err);
/* Number the next operation of a side and remember it. */
struct sent_op *emit_number(struct run_side *side, uint32_t *op_r);

void emit_flush(struct brain *brain, unsigned int side);
/* As OP_MAILBOX, of these values alone; 0: as it is. */
void emit_state(struct brain *brain, unsigned int side, size_t entry,
    uint32_t uidvalidity, uint32_t uidnext, uint64_t highestmodseq);

/* highest.c: modseqs beside the plan (F6) */
/* May modseqs be planned for the mailbox of this job? */
bool highest_wanted(const struct brain *brain, const struct job *job);
/* HIGHESTMODSEQ of both differs, and both have one. */
bool highest_differs(const struct msg_mailbox *a, const struct msg_mailbox *b);
void highest_planned(struct brain *brain, struct job *job);
/* A mend takes this UID from a message: mail clients of both sides hear it. */
void highest_left(struct brain *brain, size_t entry, uint32_t uid);
/*
 * Add to an operation that sets HIGHESTMODSEQ what went, unless that side was
 * told with this value.  Borrowed until another UID goes.
 */
void highest_put_vanished(struct brain *brain, unsigned int side,
    size_t entry, struct msg_op_mailbox *m);
/* Both sides can be written: what a run left unequal can be mended. */
bool highest_mendable(const struct brain *brain);
/* Send the next HIGHESTMODSEQ, or raise the next modseq; false: none left. */
bool highest_emit(struct brain *brain, unsigned int side);
bool highest_emit_raise(struct brain *brain, unsigned int side);
/* Likewise, what the other side has followed: -1: none left, 0: wait, 1. */
int highest_confirm(struct brain *brain, unsigned int side);
/* Likewise, before COMMIT, where one side follows in a HIGHESTMODSEQ. */
int highest_settle(struct brain *brain, unsigned int side);
/* This side could not follow the other one. */
void highest_not_raised(struct brain *brain, unsigned int side,
    const struct sent_op *sent);
/* A store has given a higher one than was wanted. */
void highest_on_result(struct brain *brain, unsigned int side,
    const struct sent_op *sent, uint64_t modseq);
/* Another round has to bring modseqs together. */
bool highest_round_needed(const struct brain *brain);
void highest_new_round(struct brain *brain);
/* A new modseq for a message whose UID is mended (M12); 0: none is kept. */
uint64_t highest_fresh(struct brain *brain, size_t entry);
void highest_raise(struct brain *brain, unsigned int side, size_t entry,
    uint32_t uid, const struct guid128 *mark, uint64_t modseq);

/* rebuild.c: mailboxes that are built anew (B3) */
void rebuild_planned(struct brain *brain, struct job *job);
/* What was saved has this UID, or 0: is not there.  False: not rebuilt. */
bool rebuild_got(struct brain *brain, size_t entry, const struct guid128 *mark,
    uint32_t uid);
bool rebuild_left(const struct brain *brain);
/* Send the next operation: -1: none is left for now, 0: wait, 1: sent. */
int rebuild_emit(struct brain *brain, unsigned int side);

/* results.c: from the stores' answers to the end of the run */
int results_on_result(struct brain *brain, unsigned int side,
    const struct msg_result *result, struct err *err);
int results_on_done(struct brain *brain, unsigned int side,
    const struct msg_done *done, struct err *err);
int results_on_committed(struct brain *brain, unsigned int side,
    struct err *err);
/* Send one mending operation of the present round; false: none is left. */
bool results_mend_one(struct brain *brain, unsigned int side);
bool results_mends_left(const struct brain *brain, unsigned int side);
void results_finish(struct brain *brain);
/* This UID is used in the mailbox of an entry. */
void results_note_uid(struct brain *brain, unsigned int side, size_t entry,
    uint32_t uid);

/* tell.c: what people are told */
/* "first" or "second", as the command line has them. */
const char *tell_side(unsigned int side);
void tell_text(struct brain *brain, enum brain_event_kind kind,
    unsigned int side, const char *rule, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void tell_progress(struct brain *brain, enum brain_event_kind kind);
void tell_plan(struct brain *brain, struct job *job);
void tell_tree(struct brain *brain);
void tell_kept_guids(struct brain *brain);
void tell_kept_mailboxes(struct brain *brain);
void tell_pending(struct brain *brain, unsigned int side, size_t entry,
    uint32_t uid, const char *guid, const char *rule, const char *what,
    const char *why);
void tell_left(struct brain *brain, size_t entry);
void tell_left_out(struct brain *brain, unsigned int side, const char *text);
void tell_accounts(struct brain *brain);

#endif
