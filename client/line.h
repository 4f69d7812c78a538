/*
 * line.h - one connection to a server for one user after the other
 *
 * A line is a process that has the connection and nothing else: it reaches no
 * file and belongs to nobody.  It carries the bytes of one user's process at
 * a time, and none behind the end of that user's run; so it is the line that
 * names the user to the server, and no process that works for one.
 */
#ifndef CLIENT_LINE_H
#define CLIENT_LINE_H

#include <sys/types.h>

#include <stdbool.h>

#include "base/err.h"

struct connect_options;
struct location_host;
struct stream;

/* What the parent has of a line. */
struct line {
	pid_t pid;		/* 0: there is none */
	int channel;		/* -1: hung up */
	unsigned int users;	/* that it has been asked for */
};

#define LINE_NONE	{ .channel = -1 }

/*
 * Start a line.  It connects for its first user, with the keys of who runs the
 * program, and gives up all rights before it looks at what the server sends.
 */
int line_start(struct line *line, const struct location_host *host,
    const struct connect_options *options, struct err *err);

/*
 * Can another user have the line?  Not if the run before did not end well, or
 * the server serves one user on each connection.
 */
bool line_is_ready(struct line *line);

/* Let it go: it takes leave of the server, and ends by itself. */
void line_hang_up(struct line *line);

/*
 * In the process of a user: become the one who has the line, whose channel is
 * closed here.  Waits until it is connected.  name is the server's, for people.
 * *heard_r, which has to live as
 * long as the stream, is set when the server's first byte comes.  The errors
 * are those of connect_open, and ERR_TEMP if the line is gone; the server's
 * refusal is that of the first stream_read.
 */
int line_take(struct line *line, const char *name, const char *user,
    struct stream **stream_r, bool *heard_r, struct err *err);

#endif
