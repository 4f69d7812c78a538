/*
 * brain.h - one run over two stores, a state machine without I/O
 *
 * The brain asks both stores what changed since their common position, merges
 * the two streams by the numbered rules, and sends each store the operations
 * that are left.  Bodies pass through it as they come.  It holds no mail, owns
 * no descriptor and asks no clock.
 */
#ifndef BRAIN_BRAIN_H
#define BRAIN_BRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/msg.h"

struct brain;

/*
 * Bytes of records and names that both stores may have told and that are not
 * done with: three million messages.  What is planned from them takes up to
 * three times as much.  A first copy, and the equal ones of a comparison, take
 * a few pages; so an honest store needs so much only if as many messages were
 * changed, or renumbered, since the last run.
 */
#define BRAIN_TOLD_MAX		((size_t)1 << 30)
#define BRAIN_TOLD_SHARE	8U	/* of memory, a part; with what is
					   planned that is half of it */

enum brain_side {
	SIDE_A,		/* the first location */
	SIDE_B,		/* LOCATION2 */
	SIDE_COUNT
};

enum brain_mode {
	BRAIN_MIRROR,
	BRAIN_BACKUP,	/* A is the source; with reverse: B is */
};

struct brain_args {
	enum brain_mode mode;
	bool reverse;			/* -R (B4) */
	bool full;			/* -f */
	bool dry_run;			/* -n */
	bool force_delete;		/* G1 is off */
	unsigned int max_delete_percent; /* of a store's messages, default 50 */
	uint64_t max_delete_min;	/* never guarded up to so many, 20 */
	uint64_t clock_skew_max;	/* ms; a day; larger ends the run */
	const char **names;		/* -m: joined names */
	size_t name_count;
	const char **masks;		/* -x: joined masks */
	size_t mask_count;
	char alt_char;			/* -C */
	const char *software;
	const char *label[SIDE_COUNT];	/* under which each store remembers the
					   other one */
	unsigned int page;		/* messages in one list at most, twice
					   as many under way; 0: as is good */
	size_t told_max;		/* bytes that both stores may tell and
					   that are not done with; 0, or above
					   BRAIN_TOLD_MAX: that */
	struct guid128 run;		/* random, of this run */
	uint64_t now_ms;
};

/* What happened, for progress, the summary and the tests. */
enum brain_event_kind {
	EVENT_PLAN,		/* totals are known (may be repeated as they grow) */
	EVENT_PROGRESS,		/* counters changed */
	EVENT_ACTION,		/* one line of what is or would be done; -n, -v */
	EVENT_DECISION,		/* one non-obvious decision, with its rule */
	EVENT_PENDING,		/* one thing was not done as planned */
	EVENT_NOTICE,		/* G2 and the like: one line for the user */
	EVENT_MAILBOX,		/* the account of one mailbox (P10) */
};

/* Messages of one mailbox on both sides, accounted for (P10). */
struct brain_account {
	const char *name;		/* joined */
	uint64_t seen;			/* = equal + copied + skipped + failed */
	uint64_t equal;
	uint64_t copied;		/* saved or copied to a side */
	uint64_t skipped;
	uint64_t failed;
	uint64_t flagged;		/* flags or keywords changed */
	uint64_t expunged;
	uint64_t renumbered;		/* got another UID */
	bool created, renamed, removed;
};

struct brain_event {
	enum brain_event_kind kind;
	enum brain_side side;		/* EVENT_ACTION, EVENT_PENDING */
	const char *text;		/* one line, not yet escaped names inside
					   are escaped */
	const char *rule;		/* "T10"; EVENT_DECISION, EVENT_PENDING */
	const char *undo;		/* EVENT_DECISION: how, or NULL */
	const struct brain_account *account;	/* EVENT_MAILBOX */
	uint64_t messages_total, messages_done;	/* bodies and operations */
	uint64_t bytes_done;
};

typedef void brain_send_fn(enum brain_side side, const struct msg *msg,
    void *arg);
typedef void brain_event_fn(const struct brain_event *event, void *arg);

/* How the run ended: the program's exit status. */
enum brain_outcome {
	BRAIN_PERFECT = 0,
	BRAIN_FAILED = 1,
	BRAIN_IMPERFECT = 2,	/* something is pending; or -n found work */
};

/* args and what it points to are borrowed for the life of the brain. */
struct brain *brain_new(const struct brain_args *args, brain_send_fn *send,
    brain_event_fn *event, void *arg);
void brain_free(struct brain **brain);

/* Start: sends the first HELLO. */
void brain_start(struct brain *brain);

/*
 * Take one message from a store.  Returns 0, or -1: the run is over and err
 * says why (a guard, the peer's error, a broken protocol).
 */
int brain_receive(struct brain *brain, enum brain_side side,
    const struct msg *msg, struct err *err);

/* Send more where room[side] says that the side's queue has room. */
int brain_step(struct brain *brain, const bool room[static SIDE_COUNT],
    struct err *err);

/*
 * May this side be read?  False while what it sends has nowhere to go: its
 * bodies are for the other side, whose queue is full.
 */
bool brain_wants(const struct brain *brain, enum brain_side side,
    const bool room[static SIDE_COUNT]);

/* Both stores have committed; outcome tells how perfect the run was. */
bool brain_ended(const struct brain *brain);
enum brain_outcome brain_result(const struct brain *brain);

#endif
