/*
 * From one state, once without harm and then with harm at many points, or at
 * all: the link is cut after a message, the process of a store is gone at
 * a call, a commit or a step within, or that one fails with an error.  The
 * next run ends as the one without harm did (P5, E1).  And runs that a guard
 * stops.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define FORMAT_MAX	(4U << 20)
#define POINTS_MAX	12U	/* unless all are wanted */
#define MEND_RUNS	3U	/* after an error: what it left is pending */

enum harm {
	HARM_CUT,
	HARM_KILL,
	HARM_FAULT,
};

static const char *const harm_names[] = { "cut", "kill", "fault" };

static enum harm
harm_of(enum sim_kind kind)
{
	if (kind == SIM_CUTS || kind == SIM_ALL_CUTS ||
	    kind == SIM_BACKUP_CUTS)
		return HARM_CUT;
	return kind == SIM_ALL_FAULTS || kind == SIM_BACKUP_FAULTS ?
	    HARM_FAULT : HARM_KILL;
}

static bool
is_backup(const struct sim_op *op)
{
	return op->kind >= SIM_BACKUP_CUTS;
}

/* The run that harm is done to, or another one of its kind. */
static struct sim_run
run_of(const struct sim_op *op, uint64_t seed)
{
	struct sim_run run = { .seed = seed };

	if (is_backup(op)) {
		run.mode = BRAIN_BACKUP;
		run.reverse = op->b % 2 == 1;
	}
	return run;
}

struct points {
	enum harm harm;
	const struct sim_op *op;
	unsigned long at, count;
	const char *expected;
};

static void
harm_run(const struct points *p, struct sim_run *run)
{
	static const int errnos[] = { EIO, ENOSPC, EACCES };

	run->seed = p->op->c;
	run->fail_side = p->op->side;
	switch (p->harm) {
	case HARM_CUT:
		run->cut_at = p->at;
		break;
	case HARM_FAULT:
		run->fail_errno = errnos[(p->op->b + p->at) % nitems(errnos)];
		run->fail_at = p->at;
		break;
	case HARM_KILL:
		run->fail_at = p->at;
		break;
	}
}

/* Harm, then what the next run makes of it; after an error it may be two. */
static bool
one_point(struct sim *sim, const struct points *p)
{
	struct sim_run harmed = run_of(p->op, 0), next;
	/* M12: the source of a backup can't follow in the same run. */
	unsigned int runs = p->harm == HARM_FAULT || is_backup(p->op) ?
	    MEND_RUNS : 1;
	char *found, diff[512];
	bool ok;

	harm_run(p, &harmed);
	ok = sim_run(sim, &harmed);
	do {
		next = run_of(p->op, p->op->a);
		ok = ok && sim_run(sim, &next);
	} while (ok && --runs > 0 && next.outcome != BRAIN_PERFECT);
	if (!ok)
		return false;
	if (!next.ended || next.outcome != BRAIN_PERFECT)
		return sim_fail(sim, "after a %s at %lu of %lu the next run "
		    "is not perfect", harm_names[p->harm], p->at, p->count);
	if (is_backup(p->op) && !sim_check_equal(sim, true, p->op->b % 2))
		return false;
	found = sim_content(sim);
	sim_first_difference(p->expected, found, diff, sizeof(diff));
	ok = strcmp(p->expected, found) == 0;
	free(found);
	if (!ok)
		return sim_fail(sim, "after a %s at %lu of %lu the next run "
		    "ends otherwise: %s", harm_names[p->harm], p->at,
		    p->count, diff);
	return true;
}

bool
sim_points(struct sim *sim, const struct sim_op *op)
{
	struct sim_copy start[2] = { { 0 }, { 0 } };
	struct points p = { .harm = harm_of(op->kind), .op = op };
	struct rng random = sim_random;
	struct sim_run run = run_of(op, op->c);
	unsigned long step = 1;
	char *expected;
	bool ok;

	sim->model.off = true;
	sim_attributes_doubt(sim, NULL);
	for (unsigned int s = 0; s < 2; s++)
		sim_copy_take(&sim->site[s], &start[s]);
	ok = sim_run(sim, &run);
	/* M5, M12: a backup may take one run more. */
	if (ok && is_backup(op) && run.ended &&
	    run.outcome != BRAIN_PERFECT) {
		struct sim_run more = run_of(op, op->c);

		ok = sim_run(sim, &more);
		run.outcome = more.outcome;
	}
	p.expected = expected = sim_content(sim);
	p.count = p.harm == HARM_CUT ? run.messages : run.steps[op->side];
	if (op->kind == SIM_CUTS || op->kind == SIM_KILLS)
		step = p.count / POINTS_MAX + 1;
	for (p.at = 1 + op->b % step; ok && p.at <= p.count && run.ended &&
	    run.outcome == BRAIN_PERFECT; p.at += step) {
		sim_say(sim, "    %s at %lu of %lu", harm_names[p.harm], p.at,
		    p.count);
		sim->cuts++;
		for (unsigned int s = 0; s < 2; s++)
			sim_copy_put(&sim->site[s], &start[s], true);
		sim_random = random;
		ok = one_point(sim, &p);
	}
	free(expected);
	for (unsigned int s = 0; s < 2; s++) {
		/* UIDs of plans that were cut are used up, or not. */
		sim->site[s].uids.n = 0;
		sim_copy_free(&start[s]);
	}
	if (is_backup(op))
		sim_note_backup(sim, op->b % 2);
	return ok;
}

/* Bodies that were at a site and are not any more. */
static size_t
count_lost(const struct sim *sim, const struct memory_world *before,
    const struct memory_world *now)
{
	size_t lost = 0;

	for (unsigned int n = 0; n < sim->bodies.n; n++)
		lost += sim_count_body(before, n) > 0 &&
		    sim_count_body(now, n) == 0;
	return lost;
}

static size_t
count_mails(const struct memory_world *world)
{
	size_t count = 0;

	for (size_t i = 0; i < world->mailboxes.n; i++)
		count += world->mailboxes.v[i]->mails.n;
	return count;
}

/* A run that may remove only so much removes no more, or nothing (G1). */
bool
sim_guarded(struct sim *sim, const struct sim_op *op)
{
	struct sim_run run = { .seed = op->c, .guarded = true,
	    .max_delete = op->a % 3 };
	struct memory_world *before[2];
	char *text = sim_content(sim), *after;
	size_t lost, all;
	bool ok;

	for (unsigned int s = 0; s < 2; s++)
		before[s] = memory_world_copy(sim_at(sim, s)->world);
	ok = sim_run(sim, &run);
	after = sim_content(sim);
	if (ok && run.refused && strcmp(text, after) != 0)
		ok = sim_fail(sim, "a run that a guard stopped has changed "
		    "something");
	if (ok && !run.ended && !run.refused)
		ok = sim_fail(sim, "a guarded run fails");
	for (unsigned int s = 0; s < 2; s++) {
		lost = count_lost(sim, before[s], sim_at(sim, s)->world);
		all = count_mails(before[s]);
		if (ok && ((lost > run.max_delete && lost * 2 > all) ||
		    (lost == all && all > 1)))
			ok = sim_fail(sim, "%zu of %zu messages are gone at "
			    "%c, and no guard stopped it (G1)", lost, all,
			    'A' + (int)s);
		memory_world_free(&before[s]);
	}
	free(text);
	free(after);
	return ok;
}

/* Some operations, and every point of what they lead to. */
void
sim_generate_points(uint64_t seed, struct sim_ops *ops)
{
	static const enum sim_kind kinds[] = {
		SIM_DELIVER, SIM_DELIVER, SIM_DELIVER, SIM_DROP, SIM_COPY,
		SIM_MOVE, SIM_MOVE, SIM_MOVE_BACK, SIM_FLAGS, SIM_FLAGS,
		SIM_KEYWORDS, SIM_EXPUNGE, SIM_CREATE, SIM_CREATE,
		SIM_RENAME, SIM_SWAP, SIM_DELETE, SIM_RECREATE,
		SIM_SUBSCRIBE, SIM_UNSUBSCRIBE, SIM_UIDVALIDITY,
	};
	struct rng rng = { seed * 0x2545f4914f6cdd1dULL + 7 };
	unsigned int n = 4 + rng_below(&rng, 10), met = rng_below(&rng, n);
	struct sim_op *op;

	for (unsigned int i = 0; i <= n + 1; i++) {
		op = ARRAY_ADD(ops);
		op->kind = kinds[rng_below(&rng, nitems(kinds))];
		if (i == met)
			op->kind = SIM_RUN;
		if (i == n)
			op->kind = (seed % 3 == 2 ? SIM_BACKUP_CUTS :
			    SIM_ALL_CUTS) + rng_below(&rng, 3);
		if (i > n)
			op->kind = SIM_RUN;
		op->side = rng_below(&rng, 2);
		op->a = rng_below(&rng, 1000);
		op->b = rng_below(&rng, 1000);
		op->c = rng_below(&rng, 1000);
	}
}
