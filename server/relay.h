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
				   the peer does not read */
	unsigned int quiet_s;	/* longest silence between frames */
	uint64_t min_rate;	/* bytes per second inside a frame */
};

struct relay_stats {
	uint64_t in, out;	/* bytes from and to the peer */
};

/*
 * Carry bytes until the store has ended and all that it wrote is sent; the
 * peer's end of data is passed on to it.  first is what was read from the peer
 * already, up to RELAY_BUFFER bytes.  -1: the peer broke the rules or the
 * connection, or a deadline passed.
 */
int relay_run(struct stream *peer, struct stream *store, const void *first,
    size_t first_len, const struct relay_limits *limits,
    struct relay_stats *stats, struct err *err);

#endif
