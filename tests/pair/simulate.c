/*
 * simulate - play histories of two and three stores
 *
 *	simulate [--seeds FROM-TO] [--minutes N] [--jobs N] [--full]
 *	    [--keep-going] [-t] [-v SEED]
 *
 * Without arguments what "make check" wants: histories that failed once, and
 * a tenth of all others, as far as there is time; with --full all of them.
 * With --seeds those of a range, and with --minutes as many as there is time
 * for; N jobs share them.  A failing history is made small and printed as
 * a list of operations; with -v, or after a failure, with all that the runs
 * did, and with -t with all messages.
 */
#include "config.h"

#include <sys/wait.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "log/log.h"
#include "sim.h"

#define JOBS_DEFAULT	2U
#define JOBS_MAX	64U
#define FILES_EVERY	256U	/* histories with files as well; long ones: */
#define FILES_LONG	4096U
#define FAILURES_TOLD	20U

/* Without --full one seed of so many in a row, and not always the same one. */
#define SHARE_STEP	10U

/* Each of these failed once; they are played first. */
static const uint64_t once_failed[] = {
	1, 7, 10, 11, 22, 32, 46, 203, 263, 322, 411, 500, 504, 830, 853,
	1368, 1526, 1991, 2001, 2382, 4941, 5073, 5162, 5392, 1000333, 1002176,
	1010400,
};

/* What is played with --full; else every tenth of them. */
static const struct family {
	const char *name;
	uint64_t first, count;
	long seconds;			/* at most, without --full */
} families[] = {
	{ "random histories", SIM_SEED_3, 200000, 40 },
	{ "histories cut, killed and failing everywhere", SIM_SEED_POINTS,
	    200, 8 },
	{ "histories of three stores", SIM_SEED_THREE, 20000, 15 },
	{ "small histories", SIM_SEED_SMALL, SIM_SMALL_COUNT, 30 },
};

struct tally {
	unsigned long histories, runs, messages, cuts, exact, failures;
};

struct work {
	uint64_t from, to, step;	/* seeds: one of each step */
	unsigned int job, jobs;
	time_t end;			/* 0: never */
	bool keep_going;
};

#ifdef SANITIZED
const char *__asan_default_options(void);

/* Who asked for memory that is misused is told on a second look. */
const char *
__asan_default_options(void)
{
	return "malloc_context_size=0:quarantine_size_mb=1:"
	    "detect_stack_use_after_return=0";
}
#endif

static void
usage(void)
{
	(void)fprintf(stderr, "usage: simulate [--seeds FROM-TO] "
	    "[--minutes N] [--jobs N] [--full] [--keep-going] [-t] "
	    "[-v SEED]\n");
	exit(2);
}

static void
report_failure(uint64_t seed)
{
	struct sim_result result = { .runs = 0 };
	struct sim_ops ops = { 0 };
	struct sim_setup setup;

	sim_generate(seed, &ops, &setup);
	sim_shrink(&ops, &setup);
	(void)printf("seed %llu fails with %zu operations:\n",
	    (unsigned long long)seed, ops.n);
	(void)sim_play(&ops, &setup, true, &result);
	sim_print(&ops, &setup);
	(void)printf("FAIL seed %llu: %s\n", (unsigned long long)seed,
	    result.why);
	ARRAY_FREE(&ops);
}

/* With its log in a file a history ends as with one in memory. */
static bool
same_with_files(const struct sim_ops *ops, const struct sim_setup *setup,
    const struct sim_result *expected)
{
	struct sim_result result = { .runs = 0 };
	struct sim_setup files = *setup;

	files.log_files = true;
	return sim_play(ops, &files, false, &result) &&
	    memcmp(result.digest, expected->digest, DIGEST_SIZE) == 0;
}

static bool
play_one(uint64_t seed, bool verbose, struct tally *tally)
{
	struct sim_result result = { .runs = 0 };
	struct sim_ops ops = { 0 };
	struct sim_setup setup;
	bool ok;

	sim_generate(seed, &ops, &setup);
	ok = sim_play(&ops, &setup, verbose, &result);
	tally->histories++;
	tally->runs += result.runs;
	tally->messages += result.messages;
	tally->cuts += result.cuts;
	tally->exact += result.exact;
	tally->failures += !ok;
	if (!ok && verbose)
		(void)printf("FAIL seed %llu: %s\n", (unsigned long long)seed,
		    result.why);
	if (ok && !setup.log_files && (seed % FILES_EVERY == 1 ||
	    seed % FILES_LONG == 0) && !same_with_files(&ops, &setup, &result)) {
		(void)printf("FAIL seed %llu: ends otherwise with logs in "
		    "files\n", (unsigned long long)seed);
		tally->failures++;
	}
	ARRAY_FREE(&ops);
	return ok;
}

/*
 * Each job takes every jobs-th seed.  What else a seed decides goes by its
 * remainders: all of them come, whatever the step.
 */
static void
play_share(const struct work *work, struct tally *tally)
{
	for (uint64_t i = work->job; work->from + i * work->step +
	    i % work->step <= work->to; i += work->jobs) {
		uint64_t seed = work->from + i * work->step + i % work->step;

		if (work->end != 0 && time(NULL) >= work->end)
			break;
		if (play_one(seed, false, tally))
			continue;
		if (tally->failures <= FAILURES_TOLD)
			report_failure(seed);
		if (!work->keep_going)
			break;
	}
}

static void
add_tally(struct tally *sum, const struct tally *part)
{
	sum->histories += part->histories;
	sum->runs += part->runs;
	sum->messages += part->messages;
	sum->cuts += part->cuts;
	sum->exact += part->exact;
	sum->failures += part->failures;
}

/* A child that plays its share; returns where it tells what came of it. */
static int
start_job(const struct work *work, pid_t *pid_r)
{
	struct tally tally = { 0 };
	int fd[2];

	(void)fflush(stdout);
	if (pipe(fd) == -1 || (*pid_r = fork()) == -1)
		mem_fatal("no process for a job");
	if (*pid_r != 0) {
		(void)close(fd[1]);
		return fd[0];
	}
	(void)close(fd[0]);
	sim_state_forget();
	play_share(work, &tally);
	sim_cleanup();
	(void)fflush(stdout);
	_exit(write(fd[1], &tally, sizeof(tally)) != sizeof(tally));
}

static void
play_range(struct work work, const char *name, struct tally *sum)
{
	struct tally part, all = { 0 };
	pid_t pid[JOBS_MAX];
	int fd[JOBS_MAX], status;

	for (work.job = 0; work.job < work.jobs; work.job++)
		fd[work.job] = start_job(&work, &pid[work.job]);
	for (unsigned int i = 0; i < work.jobs; i++) {
		if (read(fd[i], &part, sizeof(part)) == sizeof(part))
			add_tally(&all, &part);
		else
			all.failures++;
		(void)close(fd[i]);
		(void)waitpid(pid[i], &status, 0);
	}
	(void)printf("%lu %s: %lu runs, %lu messages, %lu cuts and kills, "
	    "%lu fates foretold, %lu failures\n", all.histories, name,
	    all.runs, all.messages, all.cuts, all.exact, all.failures);
	add_tally(sum, &all);
}

static void
play_default(struct work work, bool full, struct tally *sum)
{
	struct tally old = { 0 };

	for (size_t i = 0; i < nitems(once_failed); i++)
		if (!play_one(once_failed[i], false, &old))
			report_failure(once_failed[i]);
	add_tally(sum, &old);
	(void)printf("%lu histories that failed once: %lu runs, %lu "
	    "failures\n", old.histories, old.runs, old.failures);
	for (size_t i = 0; i < nitems(families); i++) {
		const struct family *f = &families[i];

		work.from = f->first;
		work.to = f->first + f->count - 1;
		work.step = full ? 1 : SHARE_STEP;
		work.end = full ? 0 : time(NULL) + f->seconds;
		play_range(work, f->name, sum);
	}
}

int
main(int argc, char **argv)
{
	struct work work = { .jobs = JOBS_DEFAULT, .step = 1 };
	unsigned long long from = 0, to = 0, seed = 0;
	struct tally tally = { 0 };
	long minutes = 0;
	bool full = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
			if (sscanf(argv[++i], "%llu-%llu", &from, &to) != 2)
				usage();
		} else if (strcmp(argv[i], "--minutes") == 0 && i + 1 < argc) {
			minutes = atol(argv[++i]);
		} else if (strcmp(argv[i], "--jobs") == 0 && i + 1 < argc) {
			work.jobs = (unsigned int)atol(argv[++i]);
			if (work.jobs == 0 || work.jobs > JOBS_MAX)
				usage();
		} else if (strcmp(argv[i], "--full") == 0) {
			full = true;
		} else if (strcmp(argv[i], "--keep-going") == 0) {
			work.keep_going = true;
		} else if (strcmp(argv[i], "-t") == 0) {
			sim_trace = true;
		} else if (strcmp(argv[i], "-v") == 0 && i + 1 < argc) {
			seed = strtoull(argv[++i], NULL, 10);
		} else {
			usage();
		}
	}
	/* Stores that are made to fail are warned of. */
	log_level_set(LOG_LEVEL_ERROR);
	/* Memory goes back and forth; the system need not see it. */
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (minutes > 0)
		work.end = time(NULL) + 60 * minutes;
	if (minutes > 0 && to == 0)
		work.from = from = SIM_SEED_SHORT, to = UINT64_MAX / 2;
	work.from = from;
	work.to = to;
	if (seed != 0)
		(void)play_one(seed, true, &tally);
	else if (to != 0)
		play_range(work, "histories", &tally);
	else
		play_default(work, full, &tally);
	sim_cleanup();
	return tally.failures == 0 ? 0 : 1;
}
