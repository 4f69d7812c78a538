/*
 * sync.h - the commands mirror and backup
 */
#ifndef CLIENT_SYNC_H
#define CLIENT_SYNC_H

#include "base/err.h"

struct settings;
struct session_args;

#define SOFTWARE	PACKAGE_NAME " " PACKAGE_VERSION

/*
 * Open both locations and run.  Returns the exit status: of the run, or of the
 * failure, which has been told on standard error.
 */
int sync_main(struct settings *set);

/* What a session over the first location works on; borrows from set. */
void sync_session_args(const struct settings *set, struct session_args *args);

#endif
