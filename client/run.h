/*
 * run.h - one run: the brain, two links, and the loop between them
 *
 * The brain says what to send and whom to listen to; here is only the moving of
 * bytes, with its limits in time.
 */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include <stdbool.h>

#include "base/err.h"
#include "brain/brain.h"
#include "client/endpoint.h"
#include "client/progress.h"
#include "client/report.h"

struct run_args {
	const struct brain_args *brain;
	struct endpoint *ends;		/* SIDE_COUNT of them, open */
	struct report *report;
	struct progress *progress;
	unsigned int idle_timeout;	/* seconds, 1 and up: silence within a
					   frame */
	unsigned int quiet_timeout;	/* seconds, 1 and up: silence of all
					   while an answer is owed; a store may
					   look through its mail for long */
};

struct run_result {
	enum brain_outcome outcome;
	int reported;		/* on failure: the exit status of a store
				   process that has said why, or 0 */
};

/*
 * Drive the run to its end and close both ends.  Returns 0, or -1 with why it
 * failed; result_r is set in both cases.  SIGINT and SIGTERM end it (-1).
 * ERR_STALE: what the run began with is not so any more; nothing was done, and
 * a new run may be begun at once.
 */
int run_drive(const struct run_args *args, struct run_result *result_r,
    struct err *err);

#endif
