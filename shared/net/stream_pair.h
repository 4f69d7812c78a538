/*
 * stream_pair.h - two stream ends in memory, for tests
 *
 * What is written at one end can be read at the other, through a buffer of
 * a chosen size for each direction.  The link can be cut after any byte.
 * Closing an end without stream_shutdown is a truncation, as with TLS.
 */
#ifndef NET_STREAM_PAIR_H
#define NET_STREAM_PAIR_H

#include "net/stream.h"

enum stream_cut {
	STREAM_CUT_FIN,		/* ends without an announcement */
	STREAM_CUT_RST,		/* what is in flight is lost, both ends fail */
	STREAM_CUT_SILENCE,	/* nothing arrives any more, nobody is told */
};

/* Buffers of capacity bytes, 1 or more, for each direction. */
void stream_pair_new(size_t capacity, struct stream *ends_r[2]);

/*
 * Cut the link when bytes more bytes were written at this end; 0: now.
 * STREAM_CUT_RST and _SILENCE cut both directions.
 */
void stream_pair_cut(struct stream *end, uint64_t bytes, enum stream_cut how);

/* Give out and take at most bytes per call at this end; 0: no such limit. */
void stream_pair_chunk(struct stream *end, size_t bytes);

/* Bytes written at this end so far. */
uint64_t stream_pair_written(const struct stream *end);

#endif
