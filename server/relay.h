/*
 * relay.h - bytes between a peer and its store, with bounds and deadlines
 *
 * Frames from the peer are measured by their headers, and not looked into.
 */
#ifndef SERVER_RELAY_H
#define SERVER_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define RELAY_BUFFER	(160U * 1024U)	/* bytes in each direction */

struct stream;

struct relay_limits {
	unsigned int idle_s;	/* longest silence inside a frame, or while
				   the peer does not read, or between users */
	unsigned int quiet_s;	/* longest silence between frames */
	uint64_t min_rate;	/* bytes per second inside a frame */
};

struct relay_stats {
	uint64_t in, out;	/* bytes from and to the peer */
};

/* What was read from the peer, and is for whoever reads next. */
struct relay_input {
	uint8_t *data;		/* RELAY_BUFFER bytes */
	size_t len;
};

struct relay;

/* For one user's frames.  Borrows all that it is given. */
struct relay *relay_new(struct stream *peer, struct stream *store,
    struct relay_input *input, const struct relay_limits *limits,
    struct relay_stats *stats);
void relay_free(struct relay **relay);

/*
 * Carry bytes, those of input first, until the store has ended and all that it
 * wrote is sent.  The peer's end of data is passed on to the store; so is
 * a FRAME_USER_END, as its end.  -1: the peer broke the rules or the
 * connection, or a deadline passed.
 */
int relay_run(struct relay *relay, struct err *err);

/*
 * After relay_run, and if the store ended well: wait for the peer to end its
 * data or this user.  Returns 1 if it ended the user: what came behind is in
 * input; 0 if nothing more comes; -1 as above.
 */
int relay_await(struct relay *relay, struct err *err);

#endif
