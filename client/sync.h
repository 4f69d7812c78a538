/*
 * sync.h - the commands mirror and backup
 */
#ifndef CLIENT_SYNC_H
#define CLIENT_SYNC_H

#include "base/err.h"

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

/* What differs in a run for one of all users. */
struct sync_start {
	FILE *results, *remarks;	/* instead of stdout and stderr */
	struct stream *server;		/* NULL, or connected already */
};

/*
 * Where LOCATION2 is a host: connect to it for set->owner, while we still may
 * read our key.  Else there is nothing to do.
 */
int sync_connect(const struct settings *set, struct sync_start *start,
    struct err *err);
/* As sync_main; takes start->server. */
int sync_run(struct settings *set, struct sync_start *start);

/* What a session over the first location works on; borrows from set. */
void sync_session_args(const struct settings *set, struct session_args *args);

#endif
