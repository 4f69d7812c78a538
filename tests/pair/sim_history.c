/* Histories: made from a seed, played, made small when they fail. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sim.h"

#define FORMAT_MAX	(4U << 20)
#define SETTLE_RUNS	3U	/* runs until a disturbed pair is at rest */
#define SHRINK_PLAYS	1500U
#define BRIEF_RUNS_MAX	2U	/* before the last one */
#define LONG_EVERY	128U
#define PLAN_EVERY	32U	/* quiet runs whose plan is compared */

static const char *const kind_names[SIM_KIND_COUNT] = {
	"deliver", "drop", "copy", "copy with a new GUID", "move",
	"move away and back", "flags", "keywords", "expunge", "create",
	"create directory", "rename", "swap", "delete", "delete and create",
	"subscribe", "unsubscribe", "new UIDVALIDITY", "take a copy",
	"restore mail and log", "restore mail", "lose the log", "clock",
	"run", "run, cut", "run, store fails", "run, store is killed",
	"run, busy", "dry run", "run -m", "run -f", "backup", "cuts",
	"kills", "run, append only", "run, guarded", "rebuild an index",
	"run -x", "meet", "set", "clear", "file",
	"make or rename", "remove", "attribute", "run of a pair", "run of a pair, cut",
	"run of a pair, store is killed", "all pairs", "all cuts",
	"all kills", "all faults", "backup, all cuts", "backup, all kills",
	"backup, all faults",
};

/* How often each kind comes, out of their sum. */
static const unsigned char weights[SIM_RUN_EXCEPT + 1] = {
	14, 8, 3, 2, 5, 3, 8, 4, 7, 3, 1, 3, 1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 2,
	14, 4, 3, 4, 5, 2, 3, 2, 3, 1, 1,
	6, 4, 2, 2,
};

const char *
sim_kind_name(enum sim_kind kind)
{
	return kind_names[kind];
}

/* One in LONG_EVERY short ones is long nevertheless. */
static void
generate_random(uint64_t seed, struct sim_ops *ops)
{
	struct rng rng = { seed * 0x2545f4914f6cdd1dULL + 7 };
	bool brief = seed >= SIM_SEED_SHORT && seed % LONG_EVERY != 0;
	unsigned int sum = 0, runs = 0, pick, n = brief ?
	    3 + rng_below(&rng, 8) : 4 + rng_below(&rng, 36);
	bool tame = rng_below(&rng, 3) == 0;
	size_t kinds = seed >= SIM_SEED_3 ? SIM_RUN_EXCEPT + 1 :
	    seed >= SIM_SEED_SHORT ? SIM_RUN_GUARD + 1 :
	    seed >= SIM_SEED_2 ? SIM_RUN_APPEND + 1 : SIM_KILLS + 1;
	struct sim_op *op;

	for (size_t i = 0; i < kinds; i++)
		sum += weights[i];
	while (n-- > 0) {
		enum sim_kind kind = SIM_DELIVER;

		for (pick = rng_below(&rng, sum); pick >= weights[kind];
		    kind++)
			pick -= weights[kind];
		/* Half of the bugs hide where nothing odd happens. */
		if (tame && (kind == SIM_RESTORE || kind == SIM_RUN_BACKUP ||
		    kind == SIM_RESTORE_MAIL || kind == SIM_LOSE_LOG ||
		    kind == SIM_UIDVALIDITY || kind == SIM_REBUILD))
			continue;
		/* Those that are many runs in one have their own share. */
		if (brief && sim_is_run(kind) && (runs++ == BRIEF_RUNS_MAX ||
		    kind == SIM_CUTS || kind == SIM_KILLS))
			continue;
		op = ARRAY_ADD(ops);
		op->kind = kind;
		op->side = rng_below(&rng, 2);
		op->a = rng_below(&rng, 1000);
		op->b = rng_below(&rng, 1000);
		op->c = rng_below(&rng, 1000);
	}
	*ARRAY_ADD(ops) = (struct sim_op){ .kind = SIM_RUN };
}

/* Every list of up to three operations out of these eight, on each side. */
static const enum sim_kind small_kinds[] = {
	SIM_DELIVER, SIM_SET, SIM_CLEAR, SIM_EXPUNGE, SIM_FILE, SIM_MAKE,
	SIM_REMOVE, SIM_RUN_CUT,
};

#define SMALL_OPS_MAX	3U
#define SMALL_LISTS	(1U + 8U + 64U + 512U)

_Static_assert(SMALL_LISTS * (SMALL_LISTS + 1) / 2 == SIM_SMALL_COUNT,
    "small histories");

/* The kinds of list n; returns how many. */
static unsigned int
small_list(unsigned int n, enum sim_kind out[static SMALL_OPS_MAX])
{
	unsigned int count = 0, size = 1;

	for (; n >= size; size *= nitems(small_kinds), count++)
		n -= size;
	for (unsigned int i = 0; i < count; i++, n /= nitems(small_kinds))
		out[i] = small_kinds[n % nitems(small_kinds)];
	return count;
}

/* The n-th pair of lists i <= k; the mirrored one is left out. */
static void
generate_small(unsigned int n, struct sim_ops *ops)
{
	enum sim_kind list[2][SMALL_OPS_MAX];
	unsigned int k = 0, count[2], seed = n;

	while (n > k)
		n -= ++k;
	count[0] = small_list(n, list[0]);
	count[1] = small_list(k, list[1]);
	*ARRAY_ADD(ops) = (struct sim_op){ .kind = SIM_MEET };
	for (unsigned int i = 0; i < 2 * SMALL_OPS_MAX; i++) {
		unsigned int s = i % 2;

		if (i / 2 >= count[s])
			continue;
		*ARRAY_ADD(ops) = (struct sim_op){ .kind = list[s][i / 2],
		    .side = s,
		    .c = (seed * 31 + i) % 1000 };
		if (list[s][i / 2] == SIM_RUN_CUT)
			ops->v[ops->n - 1].a = (seed * 17 + i * 7) % 40;
	}
	*ARRAY_ADD(ops) = (struct sim_op){ .kind = SIM_RUN, .c = seed % 1000 };
}

struct sim_setup
sim_setup_of(uint64_t seed)
{
	bool three = seed >= SIM_SEED_THREE && seed < SIM_SEED_SMALL;

	return (struct sim_setup){ .seed = seed, .sites = three ? 3 : 2,
	    .log_files = seed < SIM_SEED_SHORT,
	    .log_locks = seed < SIM_SEED_SHORT,
	    .forbids = seed >= SIM_SEED_2 && seed < SIM_SEED_POINTS &&
	    seed % 4 == 0 };
}

void
sim_generate(uint64_t seed, struct sim_ops *ops, struct sim_setup *setup)
{
	*setup = sim_setup_of(seed);
	ops->n = 0;
	if (seed >= SIM_SEED_SMALL)
		generate_small((unsigned int)(seed - SIM_SEED_SMALL) %
		    SIM_SMALL_COUNT, ops);
	else if (seed >= SIM_SEED_THREE)
		sim_generate_three(seed, ops);
	else if (seed >= SIM_SEED_POINTS)
		sim_generate_points(seed, ops);
	else
		generate_random(seed, ops);
	if (seed >= SIM_SEED_3 && seed < SIM_SEED_SMALL)
		sim_generate_attributes(seed, ops);
}

char *
sim_content(const struct sim *sim)
{
	struct strbuf text;

	strbuf_init(&text, FORMAT_MAX);
	sim_format_content(sim->site[0].world, &text);
	strbuf_adds(&text, "other side\n");
	sim_format_content(sim->site[1].world, &text);
	return text.data;
}

static char *
world_text(const struct sim *sim, unsigned int s)
{
	struct strbuf text;

	strbuf_init(&text, FORMAT_MAX);
	memory_world_format(sim->site[s].world, &text);
	return text.data;
}

/* Nothing changes in a second run (P3). */
static bool
check_idle(struct sim *sim, const struct sim_run *first)
{
	struct sim_run run = *first;
	char *before = sim_content(sim), *after;

	run.messages = run.operations = 0;
	run.seed++;
	if (!sim_run(sim, &run)) {
		free(before);
		return false;
	}
	after = sim_content(sim);
	if (!run.ended || run.outcome != BRAIN_PERFECT)
		(void)sim_fail(sim, "the second run is not perfect");
	else if (run.operations > 0)
		(void)sim_fail(sim, "the second run sends %lu operations",
		    run.operations);
	else if (strcmp(before, after) != 0)
		(void)sim_fail(sim, "the second run changes something");
	free(before);
	free(after);
	return !sim->failed;
}

/* A mirror that nothing disturbs: all laws hold. */
static bool
quiet_mirror(struct sim *sim, uint64_t seed, bool full, bool settling)
{
	struct sim_run run = { .seed = seed, .full = full };
	struct memory_world *before[2];
	bool ok;

	if (sim->clock % PLAN_EVERY == 0 && !sim_check_plan(sim, seed))
		return false;
	for (unsigned int s = 0; s < 2; s++)
		before[s] = memory_world_copy(sim_at(sim, s)->world);
	ok = sim_run(sim, &run) && sim_check_told(sim, before);
	for (unsigned int s = 0; s < 2; s++)
		memory_world_free(&before[s]);
	if (!ok)
		return false;
	if (!run.ended)
		return sim_fail(sim, "a run that nothing disturbs fails");
	if (sim_names_collide(sim) || (run.outcome != BRAIN_PERFECT &&
	    settling))
		return true;
	if (run.outcome != BRAIN_PERFECT && sim->owing) {
		/* What was refused is found on one side, mended by the next. */
		sim->owing = false;
		return quiet_mirror(sim, seed + 1, full, settling);
	}
	sim->owing = false;
	if (run.outcome != BRAIN_PERFECT)
		return sim_fail(sim, "a run that nothing disturbs is not "
		    "perfect");
	if (!sim_check_uids(sim) || !sim_check_equal(sim, false, 0) ||
	    !sim_check_modseqs(sim) || !sim_check_survival(sim) ||
	    !sim_check_counts(sim) || !sim_model_check(sim, 0))
		return false;
	sim_note_clean(sim);
	return check_idle(sim, &run);
}

/*
 * After a disturbed run a quiet one ends as if nothing had been; what was
 * refused may take it one run more.
 */
static bool
settle(struct sim *sim, uint64_t seed)
{
	for (unsigned int i = 0; i + 1 < SETTLE_RUNS; i++) {
		struct sim_run run = { .seed = seed + i };

		if (!sim_run(sim, &run))
			return false;
		if (run.ended && run.outcome == BRAIN_PERFECT)
			break;
	}
	return quiet_mirror(sim, seed + SETTLE_RUNS, false, false);
}

static bool
run_backup(struct sim *sim, const struct sim_op *op)
{
	unsigned int source = op->a % 2;
	struct sim_run run = { .mode = BRAIN_BACKUP, .reverse = source == 1,
	    .seed = op->c };
	char *before = world_text(sim, source), *after;
	bool same;

	if (!sim_run(sim, &run)) {
		free(before);
		return false;
	}
	after = world_text(sim, source);
	same = strcmp(before, after) == 0;
	if (!same) {
		char diff[512];

		sim_first_difference(before, after, diff, sizeof(diff));
		(void)sim_fail(sim, "a backup changes its source: %s", diff);
	}
	free(before);
	free(after);
	if (!same)
		return false;
	sim_note_backup(sim, source);
	if (!run.ended)
		return sim_fail(sim, "a backup that nothing disturbs fails");
	if (!sim_check_uids(sim))
		return false;
	/* M12: a UID was taken that nobody told of; the next run knows. */
	if (run.outcome != BRAIN_PERFECT && !sim_run(sim, &run))
		return false;
	if (run.outcome != BRAIN_PERFECT && sim_names_collide(sim))
		return true;
	if (run.outcome != BRAIN_PERFECT)
		return sim_fail(sim, "a backup that nothing disturbs is not "
		    "perfect");
	return sim_check_equal(sim, true, source) && check_idle(sim, &run);
}

static bool
run_dry(struct sim *sim, const struct sim_op *op)
{
	struct sim_run run = { .dry_run = true, .seed = op->c,
	    .mode = op->b % 3 == 0 ? BRAIN_BACKUP : BRAIN_MIRROR };
	char *before[2], *after;

	for (unsigned int s = 0; s < 2; s++)
		before[s] = world_text(sim, s);
	if (sim_run(sim, &run) && !run.ended)
		(void)sim_fail(sim, "a dry run fails");
	if (run.operations > 0)
		(void)sim_fail(sim, "a dry run sends operations");
	for (unsigned int s = 0; s < 2; s++) {
		after = world_text(sim, s);
		if (strcmp(before[s], after) != 0)
			(void)sim_fail(sim, "a dry run changes %c",
			    'A' + (int)s);
		free(before[s]);
		free(after);
	}
	return !sim->failed;
}

static void
disturb(const struct sim_op *op, struct sim_run *run)
{
	static const int errnos[] = { EIO, ENOSPC, EACCES };

	run->seed = op->c;
	switch (op->kind) {
	case SIM_RUN_CUT:
		run->cut_at = 1 + op->a % 80;
		break;
	case SIM_RUN_FAIL:
		run->fail_errno = errnos[op->b % nitems(errnos)];
		run->fail_at = 1 + op->a % 100;
		run->fail_side = op->side;
		break;
	case SIM_RUN_KILL:
		run->fail_at = 1 + op->a % 100;
		run->fail_side = op->side;
		break;
	case SIM_RUN_BUSY:
		run->busy = 1 + op->a % 6;
		break;
	default:
		abort();
	}
}

static bool
run_disturbed(struct sim *sim, const struct sim_op *op)
{
	struct sim_run run = { .seed = op->c };

	disturb(op, &run);
	sim->owing = op->kind == SIM_RUN_FAIL || op->kind == SIM_RUN_BUSY ||
	    sim->owing;
	if (!sim_run(sim, &run) || !sim_check_uids(sim))
		return false;
	/* The next operation may come before all is well. */
	if (op->b % 2 == 0)
		return true;
	return settle(sim, op->c + 1);
}

static bool
run_filtered(struct sim *sim, const struct sim_op *op)
{
	static const char *const filters[] = { "INBOX", "a", "b", "a\x1fx" };
	static const char *const masks[] = { "a", "b*", "a\x1f%", "INBOX" };
	struct sim_run run = { .seed = op->c };
	char *before = sim_content(sim), *after;

	if (op->kind == SIM_RUN_EXCEPT)
		run.mask = masks[op->a % nitems(masks)];
	else
		run.filter = filters[op->a % nitems(filters)];
	if (op->b % 5 == 0 && run.filter != NULL) {
		run.mode = BRAIN_BACKUP;
		run.reverse = op->side == 1;
		sim_note_backup(sim, op->side);
		sim_note_discard(sim, !op->side, run.filter);
	}
	if (!sim_run(sim, &run) || !sim_check_uids(sim)) {
		free(before);
		return false;
	}
	after = sim_content(sim);
	free(before);
	free(after);
	return true;
}

/* How often a body is where it is most often. */
static size_t
most_of(const struct sim *sim, unsigned int body)
{
	size_t a = sim_count_body(sim->site[0].world, body);
	size_t b = sim_count_body(sim->site[1].world, body);

	return a > b ? a : b;
}

/* Does the same run again, with the same rights, change anything? */
static bool
append_changes(struct sim *sim, struct sim_run *run, char *diff, size_t size)
{
	char *before[2], *after;
	bool changes = false;
	ARRAY(size_t) most = { 0 };

	for (unsigned int s = 0; s < 2; s++)
		before[s] = world_text(sim, s);
	for (unsigned int n = 0; n < sim->bodies.n; n++)
		*ARRAY_ADD(&most) = most_of(sim, n);
	if (sim_run(sim, run) && !run->ended)
		(void)sim_fail(sim, "a second run that may only add fails");
	for (unsigned int n = 0; n < most.n && !sim->failed; n++)
		if (most_of(sim, n) > most.v[n])
			(void)sim_fail(sim, "body %u is there once more by a "
			    "second run", n);
	ARRAY_FREE(&most);
	for (unsigned int s = 0; s < 2; s++) {
		after = world_text(sim, s);
		if (strcmp(before[s], after) != 0) {
			sim_first_difference(before[s], after, diff, size);
			changes = true;
		}
		free(before[s]);
		free(after);
	}
	return changes;
}

/*
 * It comes to rest (P3), whatever it may not do: at once, or with one run more
 * where a UID was taken or a mailbox came back.
 */
static bool
append_rests(struct sim *sim, const struct sim_run *first)
{
	struct sim_run again = { .seed = first->seed + 1,
	    .mode = first->mode, .reverse = first->reverse,
	    .append = { first->append[0], first->append[1] } };
	char diff[512];

	if (append_changes(sim, &again, diff, sizeof(diff)) && !sim->failed &&
	    append_changes(sim, &again, diff, sizeof(diff)) && !sim->failed)
		(void)sim_fail(sim, "runs that may only add do not rest: %s",
		    diff);
	return !sim->failed;
}

/* A backup to a store that may only be added to has all of its source. */
static bool
check_added(struct sim *sim, unsigned int dest)
{
	for (unsigned int n = 0; n < sim->bodies.n; n++)
		if (sim_count_body(sim->site[!dest].world, n) > 0 &&
		    sim_count_body(sim->site[dest].world, n) == 0)
			return sim_fail(sim, "body %u is not added at %c", n,
			    'A' + (int)dest);
	return true;
}

static bool
run_append(struct sim *sim, const struct sim_op *op)
{
	struct sim_run run = { .seed = op->c };
	struct strbuf before;
	bool ok;

	if (op->a % 4 == 3) {
		run.mode = BRAIN_BACKUP;
		run.reverse = op->side == 0;
	}
	strbuf_init(&before, FORMAT_MAX);
	sim_format_kept(sim->site[op->side].world, &before);
	run.append[op->side] = sim->appended = sim->owing = true;
	ok = sim_run(sim, &run) && sim_check_uids(sim);
	if (ok && !run.ended)
		ok = sim_fail(sim, "a run that may only add fails");
	ok = ok && append_rests(sim, &run) &&
	    (run.mode == BRAIN_MIRROR || sim_names_collide(sim) ||
	    check_added(sim, op->side)) &&
	    sim_check_kept(sim, op->side, before.data);
	strbuf_deinit(&before);
	if (!ok || op->b % 2 == 0)
		return ok;
	return settle(sim, op->c + 1);
}

static bool
play_op(struct sim *sim, const struct sim_op *op)
{
	if (op->kind >= SIM_PAIR_RUN && op->kind <= SIM_REST)
		return sim_three_op(sim, op);
	if (op->kind == SIM_MEET)
		return sim_start(sim);
	if (!sim_is_run(op->kind) && op->kind < SIM_ALL_CUTS) {
		sim_client(sim, op);
		return sim_check_uids(sim);
	}
	switch (op->kind) {
	case SIM_RUN_CUT:
	case SIM_RUN_FAIL:
	case SIM_RUN_KILL:
	case SIM_RUN_BUSY:
		return run_disturbed(sim, op);
	case SIM_RUN_DRY:
		return run_dry(sim, op);
	case SIM_RUN_FILTER:
	case SIM_RUN_EXCEPT:
		return run_filtered(sim, op);
	case SIM_RUN_FULL:
		return quiet_mirror(sim, op->c, true, false);
	case SIM_RUN_BACKUP:
		return run_backup(sim, op);
	case SIM_RUN_APPEND:
		return run_append(sim, op);
	case SIM_CUTS:
	case SIM_KILLS:
	case SIM_ALL_CUTS:
	case SIM_ALL_KILLS:
	case SIM_ALL_FAULTS:
		return sim_points(sim, op) &&
		    quiet_mirror(sim, op->c + 1, false, false);
	case SIM_BACKUP_CUTS:
	case SIM_BACKUP_KILLS:
	case SIM_BACKUP_FAULTS:
		return sim_points(sim, op);
	case SIM_RUN_GUARD:
		return sim_guarded(sim, op);
	default:
		return quiet_mirror(sim, op->c, false, false);
	}
}

static void
fill_result(struct sim *sim, struct sim_result *result)
{
	struct strbuf text;

	(void)snprintf(result->why, sizeof(result->why), "%s",
	    sim->failed ? sim->why : "");
	result->runs += sim->runs;
	result->messages += sim->messages;
	result->cuts += sim->cuts;
	result->exact += sim->model.exact;
	strbuf_init(&text, FORMAT_MAX);
	for (unsigned int s = 0; s < sim->sites; s++)
		sim_format(sim->site[s].world, true, true, &text);
	digest_sha256(text.data, text.len, result->digest);
	strbuf_deinit(&text);
}

bool
sim_play(const struct sim_ops *ops, const struct sim_setup *setup,
    bool verbose, struct sim_result *result)
{
	struct sim sim;
	bool ok = true;

	sim_init(&sim, setup, verbose);
	for (size_t i = 0; i < ops->n && ok; i++) {
		const struct sim_op *op = &ops->v[i];

		sim.clock += 1000 + op->c;
		clock_set(sim.clock);
		sim_say(&sim, "%3zu %c: %s (%u, %u, %u)", i,
		    'A' + (int)op->side, sim_kind_name(op->kind),
		    (unsigned int)op->a, (unsigned int)op->b,
		    (unsigned int)op->c);
		ok = play_op(&sim, op);
	}
	if (!ok && verbose)
		for (unsigned int s = 0; s < sim.sites; s++) {
			struct strbuf text;

			strbuf_init(&text, FORMAT_MAX);
			sim_format(sim.site[s].world, true, true, &text);
			(void)printf("%c:\n%s", 'A' + (int)s, text.data);
			strbuf_deinit(&text);
		}
	if (result != NULL)
		fill_result(&sim, result);
	sim_deinit(&sim);
	return ok;
}

/* The operations without those from first on, count of them. */
static bool
fails_without(const struct sim_ops *ops, size_t first, size_t count,
    const struct sim_setup *setup)
{
	struct sim_ops less = { 0 };
	bool fails;

	for (size_t i = 0; i < ops->n; i++)
		if (i < first || i >= first + count)
			*ARRAY_ADD(&less) = ops->v[i];
	fails = !sim_play(&less, setup, false, NULL);
	ARRAY_FREE(&less);
	return fails;
}

/* What stores begin with is no part of what happens to them. */
static size_t
keeps_first(const struct sim_ops *ops)
{
	return ops->n > 0 && (ops->v[0].kind == SIM_REST ||
	    ops->v[0].kind == SIM_MEET);
}

void
sim_shrink(struct sim_ops *ops, const struct sim_setup *setup)
{
	unsigned int plays = 0;
	bool changed = true;

	while (changed && plays < SHRINK_PLAYS) {
		changed = false;
		for (size_t count = ops->n / 2 + 1; count > 0; count /= 2) {
			size_t first = keeps_first(ops);

			while (first + count <= ops->n &&
			    plays++ < SHRINK_PLAYS) {
				if (!fails_without(ops, first, count, setup)) {
					first++;
					continue;
				}
				memmove(ops->v + first, ops->v + first +
				    count, (ops->n - first - count) *
				    sizeof(*ops->v));
				ops->n -= count;
				changed = true;
			}
		}
	}
}

/* Names of the kinds as in sim.h. */
static const char *const kind_words[SIM_KIND_COUNT] = {
	"DELIVER", "DROP", "COPY", "COPY_NEW_GUID", "MOVE", "MOVE_BACK",
	"FLAGS", "KEYWORDS", "EXPUNGE", "CREATE", "CREATE_DIR", "RENAME",
	"SWAP", "DELETE", "RECREATE", "SUBSCRIBE", "UNSUBSCRIBE",
	"UIDVALIDITY", "TAKE_COPY", "RESTORE", "RESTORE_MAIL", "LOSE_LOG",
	"CLOCK", "RUN", "RUN_CUT", "RUN_FAIL", "RUN_KILL", "RUN_BUSY",
	"RUN_DRY", "RUN_FILTER", "RUN_FULL", "RUN_BACKUP", "CUTS", "KILLS",
	"RUN_APPEND", "RUN_GUARD", "REBUILD", "RUN_EXCEPT", "MEET", "SET",
	"CLEAR", "FILE", "MAKE", "REMOVE", "ATTRIBUTE",
	"PAIR_RUN", "PAIR_CUT", "PAIR_KILL", "REST",
	"ALL_CUTS", "ALL_KILLS", "ALL_FAULTS", "BACKUP_CUTS", "BACKUP_KILLS",
	"BACKUP_FAULTS",
};

void
sim_print(const struct sim_ops *ops, const struct sim_setup *setup)
{
	(void)printf("HISTORY(what_holds_now, %llu,\n",
	    (unsigned long long)setup->seed);
	for (size_t i = 0; i < ops->n; i++)
		(void)printf("\t{ SIM_%s, %c, %u, %u, %u }%s\n",
		    kind_words[ops->v[i].kind], 'A' + (int)ops->v[i].side,
		    (unsigned int)ops->v[i].a, (unsigned int)ops->v[i].b,
		    (unsigned int)ops->v[i].c, i + 1 < ops->n ? "," : ")");
}
