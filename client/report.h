/*
 * report.h - what a run did, for the person who started it
 *
 * Results (plan lines, mailboxes, the closing line) go to one stream, remarks
 * (decisions, pending things, notices) to another.  Mailboxes are told at the
 * end, by name.
 */
#ifndef CLIENT_REPORT_H
#define CLIENT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "brain/brain.h"
#include "client/progress.h"

#define REPORT_PENDING_MAX	1000U	/* lines; more are only counted */

struct report;

struct report_args {
	FILE *results;		/* stdout */
	FILE *remarks;		/* stderr */
	bool quiet;		/* -q: failures and what is pending only */
	bool verbose;		/* -v: each action and decision as well */
	bool dry_run;		/* -n: each action; nothing was done */
	struct progress *progress;	/* cleared before a line is written */
	uint64_t started_ms;	/* clock_mono_ms */
};

/* args is copied; what it points to is borrowed. */
struct report *report_new(const struct report_args *args);
void report_free(struct report **report);

void report_event(struct report *report, const struct brain_event *event);

/* The run ended so: print mailboxes, pending list and the closing line. */
void report_end(struct report *report, enum brain_outcome outcome,
    uint64_t now_ms);

#endif
