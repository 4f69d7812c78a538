/*
 * endpoint.h - the far end of one side of a run: a store, wherever it is
 *
 * A store process of this program, a command, or a server: each is a stream,
 * and the first two are a child process besides.
 */
#ifndef CLIENT_ENDPOINT_H
#define CLIENT_ENDPOINT_H

#include <sys/types.h>

#include <stdbool.h>

#include "base/err.h"
#include "session/session.h"

struct stream;

enum endpoint_kind {
	ENDPOINT_NONE,		/* not open */
	ENDPOINT_STORE,		/* our own store process */
	ENDPOINT_COMMAND,	/* somebody's program on two pipes */
	ENDPOINT_SERVER,	/* a connection */
};

struct endpoint {
	enum endpoint_kind kind;
	const char *name;	/* for people; borrowed */
	struct stream *stream;	/* NULL: closed */
	bool next_user;		/* ENDPOINT_SERVER: another one may follow */
	bool here;		/* on this host */
	pid_t pid;		/* 0: no child, or reaped */
	int status;		/* of the child, once it was reaped */
};

/*
 * Fork a process that serves the store of args over a socket pair, confined to
 * what that store needs.  It reports its own failure on standard error.
 */
int endpoint_open_store(struct endpoint *end, const char *name,
    const struct session_args *args, struct err *err);

/*
 * Start words (NULL at their end) without a shell, its input and output to us,
 * its standard error ours.  A program that cannot be started is an error here.
 */
int endpoint_open_command(struct endpoint *end, const char *name,
    char *const *words, struct err *err);

/*
 * Take over a connection; next_user: it may go on with another user; here: it
 * is to this host.
 */
void endpoint_take_server(struct endpoint *end, const char *name,
    struct stream *stream, bool next_user, bool here);

/* Wait for the child to end by itself, as endpoint_close but for the stream. */
int endpoint_wait(struct endpoint *end, unsigned int wait_ms);

/*
 * Close the stream and wait for the child, for at most wait_ms, then end it.
 * Returns its exit status; 128 and the signal's number if it was killed; 0 if
 * there is no child.  May be called again, with the same answer.
 */
int endpoint_close(struct endpoint *end, unsigned int wait_ms);

#endif
