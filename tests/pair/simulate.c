/*
 * simulate - play random histories of two stores
 *
 *	simulate [--seeds FROM-TO] [--minutes N] [--keep-going] [-t] [-v SEED]
 *
 * Without arguments a fixed number of histories, or fewer if they take too
 * long.  A failing one is made small and printed as a list of operations; with
 * -v, or after a failure, with all that the runs did, and with -t with all
 * messages.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log/log.h"
#include "sim.h"

#ifdef SANITIZED
#define SEEDS_DEFAULT	1500U
#else
#define SEEDS_DEFAULT	4000U
#endif
#define SECONDS_DEFAULT	45

/* Each of these failed once; they are played first. */
static const uint64_t once_failed[] = {
	1, 7, 10, 11, 22, 32, 46, 203, 263, 322, 411, 500, 504, 830, 853,
	1368, 1526, 1991, 2001, 2382, 4941, 5073, 5162, 5392, 1000333, 1002176,
	1010400,
};

static void
usage(void)
{
	(void)fprintf(stderr, "usage: simulate [--seeds FROM-TO] "
	    "[--minutes N] [--keep-going] [-t] [-v SEED]\n");
	exit(2);
}

static void
report_failure(uint64_t seed)
{
	struct sim_ops ops = { 0 };
	char why[1024] = "";

	sim_generate(seed, &ops);
	sim_shrink(&ops, seed);
	(void)printf("seed %llu fails with %zu operations:\n",
	    (unsigned long long)seed, ops.n);
	(void)sim_play(&ops, seed, true, why, sizeof(why), NULL);
	(void)printf("FAIL seed %llu: %s\n", (unsigned long long)seed, why);
	ARRAY_FREE(&ops);
}

static int
play_one(uint64_t seed, bool verbose, unsigned long *runs)
{
	struct sim_ops ops = { 0 };
	char why[1024];
	bool ok;

	sim_generate(seed, &ops);
	ok = sim_play(&ops, seed, verbose, why, sizeof(why), runs);
	ARRAY_FREE(&ops);
	if (!ok && verbose)
		(void)printf("FAIL seed %llu: %s\n", (unsigned long long)seed,
		    why);
	return ok ? 0 : 1;
}

int
main(int argc, char **argv)
{
	unsigned long long from = 1, to = SEEDS_DEFAULT, seed = 0;
	long seconds = SECONDS_DEFAULT;
	unsigned long runs = 0, failures = 0;
	bool keep_going = false, chosen = false;
	time_t end;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
			if (sscanf(argv[++i], "%llu-%llu", &from, &to) != 2)
				usage();
			seconds = 365L * 86400;
			chosen = true;
		} else if (strcmp(argv[i], "--minutes") == 0 && i + 1 < argc) {
			seconds = 60 * atol(argv[++i]);
			if (to == SEEDS_DEFAULT)
				to = UINT64_MAX;
		} else if (strcmp(argv[i], "--keep-going") == 0) {
			keep_going = true;
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
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (seed != 0) {
		int r = play_one(seed, true, &runs);

		sim_cleanup();
		return r;
	}
	end = time(NULL) + seconds;
	for (size_t i = 0; i < nitems(once_failed) && !chosen; i++) {
		if (play_one(once_failed[i], false, &runs) == 0)
			continue;
		failures++;
		report_failure(once_failed[i]);
	}
	for (seed = from; seed <= to && time(NULL) < end; seed++) {
		/* Without a choice of seeds both kinds of histories, in turn. */
		unsigned long long pick = !chosen && seed % 2 == 0 ?
		    SIM_SEED_2 + seed / 2 : !chosen ? (seed + 1) / 2 : seed;

		if (play_one(pick, false, &runs) == 0)
			continue;
		failures++;
		report_failure(pick);
		if (!keep_going)
			break;
	}
	sim_cleanup();
	(void)printf("%llu histories, %lu runs, %lu failures\n",
	    seed - from + (failures > 0 && !keep_going), runs, failures);
	return failures == 0 ? 0 : 1;
}
