/*
 * sim.h - two stores, two sessions and a brain in one process
 *
 * Messages pass through the real codec in memory; the clock and all randomness
 * are the simulation's, so one seed repeats a history to the byte.  A history
 * is a list of operations that stay valid when others are taken out, which is
 * how a failing one is made small.
 */
#ifndef PAIR_SIM_H
#define PAIR_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/strbuf.h"
#include "client/brain/brain.h"
#include "store/failing/failing.h"
#include "store/memory/memory.h"
#include "tests/support/rng.h"

#define SIM_SITES_MAX	3U
#define SIM_KEYS	3U	/* of attributes */
#define SIM_VALUE_SIZE	24U
#define SIM_LOG_FILES	3U	/* a database and what SQLite puts beside it */

enum sim_kind {
	SIM_DELIVER,		/* by a client: has a UID at once */
	SIM_DROP,		/* by a delivery agent: has none yet */
	SIM_COPY,
	SIM_COPY_NEW_GUID,
	SIM_MOVE,
	SIM_MOVE_BACK,
	SIM_FLAGS,
	SIM_KEYWORDS,
	SIM_EXPUNGE,
	SIM_CREATE,
	SIM_CREATE_DIR,
	SIM_RENAME,
	SIM_SWAP,
	SIM_DELETE,
	SIM_RECREATE,
	SIM_SUBSCRIBE,
	SIM_UNSUBSCRIBE,
	SIM_UIDVALIDITY,
	SIM_TAKE_COPY,		/* of mail and log, for later */
	SIM_RESTORE,		/* mail and log */
	SIM_RESTORE_MAIL,	/* the log is newer then */
	SIM_LOSE_LOG,
	SIM_CLOCK,		/* of one host (T8) */
	SIM_RUN,
	SIM_RUN_CUT,		/* the link ends after some message */
	SIM_RUN_FAIL,		/* a call or step of a store fails */
	SIM_RUN_KILL,		/* a store's process is gone */
	SIM_RUN_BUSY,		/* others change the stores meanwhile */
	SIM_RUN_DRY,
	SIM_RUN_FILTER,
	SIM_RUN_FULL,
	SIM_RUN_BACKUP,
	SIM_CUTS,		/* each cut must end as the uncut run */
	SIM_KILLS,
	/* Histories from SIM_SEED_2 on also have these. */
	SIM_RUN_APPEND,		/* one peer may add only */
	SIM_RUN_GUARD,		/* may not remove much; in short ones only */
	/* Histories from SIM_SEED_3 on also have these. */
	SIM_REBUILD,		/* an index: modseqs begin anew (F6) */
	SIM_RUN_EXCEPT,		/* -x */
	/* Of small histories: always the first one there is. */
	SIM_MEET,		/* two messages, two mailboxes, one run */
	SIM_SET,
	SIM_CLEAR,
	SIM_FILE,		/* into the other mailbox */
	SIM_MAKE,		/* a mailbox, or another name for it */
	SIM_REMOVE,
	SIM_ATTRIBUTE,		/* set or removed (T15) */
	/* Of three stores; side is the pair. */
	SIM_PAIR_RUN,
	SIM_PAIR_CUT,
	SIM_PAIR_KILL,
	SIM_REST,		/* all pairs, until there is nothing to do */
	SIM_ALL_CUTS,		/* as SIM_CUTS and SIM_KILLS, at every point */
	SIM_ALL_KILLS,
	SIM_ALL_FAULTS,		/* of the store on that side */
	SIM_BACKUP_CUTS,	/* the same of backups; the source is b % 2 */
	SIM_BACKUP_KILLS,
	SIM_BACKUP_FAULTS,
	SIM_KIND_COUNT
};

/* Families of histories, by the first seed of each. */
#define SIM_SEED_2	1000000U	/* more kinds of operations */
#define SIM_SEED_SHORT	2000000U	/* short, and logs in memory */
#define SIM_SEED_3	200000000U	/* short, all kinds */
#define SIM_SEED_POINTS	900000000U	/* cut, killed, failing at every point */
#define SIM_SEED_THREE	1000000000U	/* three stores; odd: in a ring */
#define SIM_SEED_SMALL	2000000000U	/* all small ones */
#define SIM_SMALL_COUNT	171405U		/* of them */

struct sim_op {
	enum sim_kind kind;
	unsigned int side;
	uint32_t a, b, c;
};

ARRAY_TYPE(sim_ops, struct sim_op);

struct chlog;

/* A copy of a change log. */
struct sim_log_copy {
	struct chlog *log;		/* in memory */
	char *file[SIM_LOG_FILES];
	size_t len[SIM_LOG_FILES];
};

/* A copy of one site. */
struct sim_copy {
	struct memory_world *world;
	struct sim_log_copy log;
};

struct sim_uid {
	struct guid128 mailbox;
	uint32_t uidvalidity, uid;
	unsigned int body;
};

/* UIDNEXT of a mailbox as a run found it. */
struct sim_known {
	struct guid128 mailbox;
	uint32_t uidvalidity, uidnext;
};

struct sim_site {
	const char *path;
	struct memory_world *world;
	bool log_files;			/* its log is a file */
	bool log_locks;			/* runs lock the pair as well */
	struct chlog *log;		/* one in memory, once it was opened */
	struct sim_copy copy;
	int64_t clock_off;		/* ms */
	ARRAY(struct sim_uid) uids;	/* each that was ever used */
	struct failing_plan plan;
	ARRAY(struct sim_known) known;	/* what the log has seen */
	bool taken_back;		/* and UIDNEXT tells so (E5) */
};

struct sim_body {
	bool may_go;			/* expunged, deleted or discarded */
	bool touched;			/* since the last clean run */
	size_t count;			/* instances after the last clean run */
	unsigned int taken;		/* 1 << site: its mail went back to
					   before this one */
};

/* sim_model.c: a message in a mailbox, from when a client put it there. */
struct sim_inst {
	unsigned int body, place;
	bool alive;
	unsigned int on;		/* 1 << site: it is there */
	unsigned int ended;		/* 1 << site: there a client did it */
	unsigned int known;		/* 1 << site: known to have ended */
	unsigned int back;		/* 1 << site: it went there and came */
	unsigned int touched;		/* 1 << site: it began or ended there, */
	unsigned int tries[SIM_SITES_MAX], scans[SIM_SITES_MAX]; /* after so
					   many runs of that site */
};

struct sim_place {
	struct guid128 guid;
	unsigned int place;		/* GUIDs of one mailbox have one */
};

/* How often a body is there may be off: fewer, more. */
struct sim_loose {
	bool down, up;
};

struct sim_box_then {
	const struct memory_mailbox *box;
	struct guid128 guid;
};

struct sim_model {
	bool off;			/* something it knows nothing of */
	bool running, based;		/* a run goes on; one had ended */
	bool failing;			/* a store fails in it, or is gone */
	/* Runs that began, and that ended. */
	unsigned int tries[SIM_SITES_MAX], scans[SIM_SITES_MAX];
	unsigned int places;
	ARRAY(struct sim_place) guids;
	ARRAY(struct sim_inst) inst;	/* by age */
	ARRAY(struct sim_loose) loose;	/* by body */
	ARRAY(struct sim_box_then) before; /* mailboxes before the run */
	unsigned long exact;		/* bodies that were not loose */
};

/* sim_attributes.c: what a client did at a site since all were equal. */
struct sim_touch {
	bool on, during;		/* a run */
	uint64_t at, seen;		/* when; 0: by no log yet */
	char value[SIM_VALUE_SIZE];	/* "": removed */
	/* What the log knew at least, and what a run since then saw. */
	char was[SIM_VALUE_SIZE], seemed[SIM_VALUE_SIZE];
	unsigned int runs;		/* that had begun */
};

struct sim_attribute {
	struct guid128 mailbox;
	unsigned int key;
	bool known;			/* value: when all were equal */
	bool loose;			/* it may be anything */
	char value[SIM_VALUE_SIZE];
	char held[2][SIM_VALUE_SIZE];	/* on each side before the run */
	/* What a log may still have where a run that failed changed it. */
	bool hidden[SIM_SITES_MAX];
	char logged[SIM_SITES_MAX][SIM_VALUE_SIZE];
	struct sim_touch touch[SIM_SITES_MAX];
};

struct sim_attributes {
	bool on;			/* there are any */
	bool running;
	bool clocks;			/* they differ */
	unsigned int values, runs;
	ARRAY(struct sim_attribute) list;
	ARRAY(struct sim_box_then) before; /* mailboxes before the run */
};

struct sim {
	uint64_t seed;			/* of chance */
	struct sim_model model;
	struct sim_attributes attributes;
	struct sim_site site[SIM_SITES_MAX];
	unsigned int sites;
	bool ring;			/* each of three meets both others */
	unsigned int pair[2];		/* the sites of the run */
	uint64_t clock;
	ARRAY(struct sim_body) bodies;	/* by number */
	bool loose_guids;		/* one text has two GUIDs */
	bool owing;			/* something was refused and is pending */
	bool appended;			/* a peer that may only add was met */
	bool backed_up;			/* a destination's stamps were raised */
	bool forbids;			/* B can't hold a 'z' in names (T13) */
	bool strict;			/* and its clients know */
	bool failed;
	char why[1024];
	bool verbose;
	unsigned long runs, messages, cuts;	/* for the summary */
};

/* What became of a history. */
struct sim_result {
	char why[1024];			/* it failed; else empty */
	unsigned long runs, messages, cuts, exact;
	uint8_t digest[DIGEST_SIZE];	/* of the stores at the end */
};

/* Something that a view calls changed. */
struct sim_told {
	unsigned int side;
	char *guid;			/* of a message; NULL: */
	struct guid128 mailbox;		/* all of it */
};

/* What a run would do, a line each, and why it looked there. */
struct sim_plan {
	ARRAY(char *) lines;
	ARRAY(struct sim_told) told;
	bool view_ended[2];
};

struct sim_run {
	enum brain_mode mode;
	bool reverse, full, dry_run;
	const char *filter, *mask;	/* -m, -x, or NULL */
	uint64_t seed;			/* in which order things happen */
	unsigned int busy;		/* changes by others */
	unsigned long cut_at;		/* after so many messages; 0: never */
	bool append[2];			/* that side: ACCESS_APPEND */
	bool guarded;			/* no --force-delete (G1) */
	unsigned int max_delete;	/* messages that may go anyhow */
	unsigned int page;		/* as in brain_args; 0: by the seed */
	size_t told_max;		/* as in brain_args */
	unsigned int fail_side;
	unsigned long fail_at;		/* 0: never */
	int fail_errno;			/* 0: the process is gone */
	struct sim_plan *plan;		/* is told what it does, or NULL */
	/* results */
	bool ended;			/* else it failed */
	bool refused;			/* a guard or limit stopped it */
	char why[1024];			/* it failed */
	enum brain_outcome outcome;
	unsigned long messages, operations;
	unsigned long steps[2];		/* calls and steps of each store */
	unsigned long bodies, questions;	/* sent; LIST and HAVE, */
	unsigned long reads;		/* those that may read for digests */
};

/* What a history is played with. */
struct sim_setup {
	uint64_t seed;			/* of chance */
	unsigned int sites;
	bool log_files, log_locks;	/* see struct sim_site */
	bool forbids;			/* see struct sim */
};

/* sim.c: sites */
void sim_init(struct sim *sim, const struct sim_setup *setup, bool verbose);
void sim_deinit(struct sim *sim);
/* Side s of the run. */
struct sim_site *sim_at(struct sim *sim, unsigned int s);
/* The history has failed; the first reason is kept.  Returns false. */
bool sim_fail(struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void sim_say(const struct sim *sim, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void sim_copy_take(const struct sim_site *site, struct sim_copy *copy);
void sim_copy_put(struct sim_site *site, const struct sim_copy *copy,
    bool with_log);
void sim_copy_free(struct sim_copy *copy);
/* All random bytes come from this sequence. */
extern struct rng sim_random;
/* Tell each message as well, where anything is told. */
extern bool sim_trace;

/* sim_log.c: change logs */
void sim_log_lose(struct sim_site *site);
void sim_log_take(const struct sim_site *site, struct sim_log_copy *copy);
void sim_log_put(struct sim_site *site, const struct sim_log_copy *copy);
void sim_log_copy_free(struct sim_log_copy *copy);
const char *sim_state_dir(void);
/* A child has a folder of its own. */
void sim_state_forget(void);
/* Forget all change logs and remove their folder. */
void sim_cleanup(void);

/* sim_run.c: one run */
/* The site whose store is at work. */
struct sim_site *sim_current(void);
bool sim_run(struct sim *sim, struct sim_run *run);
void sim_links_free(void);

/* sim_start.c: what small histories begin with */
bool sim_start(struct sim *sim);
void sim_starts_free(void);

/* sim_client.c: what others do to a store */
bool sim_is_run(enum sim_kind kind);
void sim_client(struct sim *sim, const struct sim_op *op);
/* One random change, as in a run that others disturb. */
void sim_client_random(struct sim *sim, struct rng *rng);
unsigned int sim_body_number(const struct memory_mail *mail);

/* sim_check.c: what must hold */
bool sim_check_uids(struct sim *sim);
/* Has A two names that B cannot tell apart? */
bool sim_names_collide(struct sim *sim);
bool sim_check_equal(struct sim *sim, bool backup, unsigned int source);
/* F6: modseqs are equal, and clients of before are told of all changes. */
bool sim_check_modseqs(struct sim *sim);
bool sim_check_told(struct sim *sim, struct memory_world *const before[2]);
bool sim_check_survival(struct sim *sim);
bool sim_check_counts(struct sim *sim);
size_t sim_count_body(const struct memory_world *world, unsigned int n);
/* What is not at the source was discarded. */
void sim_note_backup(struct sim *sim, unsigned int source);
/* A filtered one: what was moved into that mailbox may have no other copy. */
void sim_note_discard(struct sim *sim, unsigned int side, const char *name);
/* What a restored store lost. */
void sim_note_restore(struct sim *sim, bool mail_only, unsigned int side,
    const struct memory_world *before);
/* After a change by others: nothing may tell of that any more. */
void sim_note_hidden(struct sim *sim, unsigned int side);
void sim_note_clean(struct sim *sim);
/* A run has ended well: its logs know all UIDNEXTs. */
void sim_note_known(struct sim *sim);
/* All that before has is there still, unchanged. */
bool sim_check_kept(struct sim *sim, unsigned int side, const char *before);
void sim_format_kept(const struct memory_world *world, struct strbuf *out);
/* Names, messages by content, flags, subscriptions; not UIDs and GUIDs. */
void sim_format_content(const struct memory_world *world, struct strbuf *out);
/* As plans have them, in parentheses. */
void sim_format_flags(const struct memory_mail *mail, struct strbuf *out);
/* All of it; what it says of GUIDs and UIDNEXT only if wanted. */
void sim_format(const struct memory_world *world, bool guids, bool uidnext,
    struct strbuf *out);
/* The first line in which two texts differ. */
void sim_first_difference(const char *a, const char *b, char *out,
    size_t size);

/* sim_plan.c: what a run would do */
void sim_plan_add(struct sim_plan *plan, const char *line);
struct msg;
/* The brain has heard this from side s. */
void sim_plan_heard(struct sim_plan *plan, unsigned int s,
    const struct msg *msg);
/* What the logs call changed contains all that a full look would touch. */
bool sim_check_plan(struct sim *sim, uint64_t seed);

/* sim_model.c: what must be there in the end */
void sim_model_new(struct sim *sim, unsigned int site,
    const struct memory_mailbox *box, unsigned int body);
/* Before it goes. */
void sim_model_gone(struct sim *sim, unsigned int site,
    const struct memory_mailbox *box, const struct memory_mail *mail);
void sim_model_box_gone(struct sim *sim, unsigned int site,
    const struct memory_mailbox *box);
void sim_model_before(struct sim *sim);
/* perfect: all that the stores have was made equal. */
void sim_model_after(struct sim *sim, bool ended, bool perfect);
bool sim_model_check(struct sim *sim, unsigned int site);
void sim_model_free(struct sim_model *model);

/* sim_attributes.c: attributes of mailboxes */
void sim_attributes_client(struct sim *sim, const struct sim_op *op,
    const struct memory_mailbox *box);
/* Those of a mailbox, or, if it is NULL, all may be anything now. */
void sim_attributes_doubt(struct sim *sim, const struct guid128 *mailbox);
void sim_attributes_before(struct sim *sim);
void sim_attributes_after(struct sim *sim, const struct sim_run *run,
    bool busy);
/* All stores are at rest. */
bool sim_attributes_check(struct sim *sim);
void sim_format_attributes(const struct memory_world *world,
    const struct memory_mailbox *box, struct strbuf *out);
void sim_generate_attributes(uint64_t seed, struct sim_ops *ops);
void sim_attributes_free(struct sim_attributes *m);

/* sim_points.c: harm at every point, guards */
bool sim_points(struct sim *sim, const struct sim_op *op);
bool sim_guarded(struct sim *sim, const struct sim_op *op);
void sim_generate_points(uint64_t seed, struct sim_ops *ops);

/* sim_three.c: histories of three stores */
void sim_generate_three(uint64_t seed, struct sim_ops *ops);
bool sim_three_op(struct sim *sim, const struct sim_op *op);

/* sim_history.c: lists of operations */
/* What histories of this seed are played with. */
struct sim_setup sim_setup_of(uint64_t seed);
/* What a seed stands for. */
void sim_generate(uint64_t seed, struct sim_ops *ops,
    struct sim_setup *setup);
/* True if all went as it must. */
bool sim_play(const struct sim_ops *ops, const struct sim_setup *setup,
    bool verbose, struct sim_result *result);
/* Take out what is not needed to fail. */
void sim_shrink(struct sim_ops *ops, const struct sim_setup *setup);
/* What both stores of the run hold, as text. */
char *sim_content(const struct sim *sim);
/* As a test case, see test_histories.c. */
void sim_print(const struct sim_ops *ops, const struct sim_setup *setup);
const char *sim_kind_name(enum sim_kind kind);

#endif
