/*
 * sync.h - the commands mirror and backup
 */
#ifndef CLIENT_SYNC_H
#define CLIENT_SYNC_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

struct settings;
struct stream;
struct session_args;

#define SOFTWARE	PACKAGE_NAME " " PACKAGE_VERSION

/*
 * Open both locations and run.  Returns the exit status: of the run, or of the
 * failure, which has been told on standard error.
 */
int sync_main(struct settings *set);

#define SYNC_AGAIN	(-2)	/* instead of an exit status */

/* What differs in a run for one of all users. */
struct sync_start {
	FILE *results, *remarks;	/* instead of stdout and stderr */
	struct stream *server;		/* NULL, or connected already */
	bool heard;			/* a byte of it */
	bool used_before;		/* the connection, for another user */
	bool first_try;
};

/*
 * As sync_main; takes start->server.  SYNC_AGAIN: nothing was done, since the
 * connection that served another user before had ended, or what the run began
 * with is not so any more; it may be begun again with a new connection.  Not
 * unless it is the first try.
 */
int sync_run(struct settings *set, struct sync_start *start);

/* How a server is to be connected to; borrows from set. */
struct connect_options;
void sync_connect_options(const struct settings *set,
    struct connect_options *options_r);

/* What a session over the first location works on; borrows from set. */
void sync_session_args(const struct settings *set, struct session_args *args);

#endif
