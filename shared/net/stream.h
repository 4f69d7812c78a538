/*
 * stream.h - a byte stream that a poll loop drives
 *
 * Nothing here blocks, except the two calls that say so.  One stream belongs
 * to one thread.  Writing to a peer that went away must not end the process:
 * programs ignore SIGPIPE.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define STREAM_WAIT	(-2)	/* nothing now; poll and call again */

/* What a caller wants to do next. */
#define STREAM_READ	0x1u
#define STREAM_WRITE	0x2u

#define STREAM_PEER_MAX	96U	/* bytes, with the final NUL */
#define STREAM_POLLFDS	2U	/* most entries that one stream needs */

struct stream;

struct stream_ops {
	ssize_t (*read)(struct stream *stream, void *buf, size_t len,
	    struct err *err);
	ssize_t (*write)(struct stream *stream, const void *buf, size_t len,
	    struct err *err);
	int (*shutdown)(struct stream *stream, struct err *err);
	unsigned int (*pollfds)(const struct stream *stream,
	    unsigned int want, struct pollfd *fds);
	bool (*pending)(const struct stream *stream);
	void (*close)(struct stream *stream);
};

/* The first member of every kind of stream. */
struct stream {
	const struct stream_ops *ops;
	char peer[STREAM_PEER_MAX];	/* who is there, for people */
};

/*
 * Read up to len bytes, 1 or more.  Returns their number; 0 at the clean end
 * of the data, which the peer announced; STREAM_WAIT; -1 if the connection
 * broke, ended without an announcement, or was refused.  After 0 and -1 the
 * answer stays the same.
 */
ssize_t stream_read(struct stream *stream, void *buf, size_t len,
    struct err *err);

/*
 * Write up to len bytes, 1 or more.  Returns their number, STREAM_WAIT or -1.
 * After STREAM_WAIT the next call offers the same bytes again, at least as
 * many of them; the buffer may have moved.
 */
ssize_t stream_write(struct stream *stream, const void *buf, size_t len,
    struct err *err);

/*
 * Announce the end of our data.  Returns 0, STREAM_WAIT or -1.  Reading goes
 * on afterwards.  May be called again after 0.
 */
int stream_shutdown(struct stream *stream, struct err *err);

/*
 * Fill fds, which has room for STREAM_POLLFDS, with what to wait for if the
 * caller wants to do want (STREAM_READ | STREAM_WRITE).  Returns how many
 * entries were set; none if the stream lives in memory.  When poll returns,
 * try again all that is wanted, whatever revents says: reading may wait for
 * room and writing for data.
 */
unsigned int stream_pollfds(const struct stream *stream, unsigned int want,
    struct pollfd *fds);

/* Does the next read give something without waiting for a descriptor? */
bool stream_pending(const struct stream *stream);

const char *stream_peer(const struct stream *stream);

/*
 * Close without announcing anything and free; NULL is allowed.  The peer sees
 * a truncation unless stream_shutdown returned 0 before.
 */
void stream_close(struct stream **stream);

/*
 * Blocking: exactly len bytes, or -1; until deadline, a value of clock_mono_ms.
 * The end of data before len bytes is ERR_PROTO, the deadline ERR_TEMP.
 */
int stream_read_full(struct stream *stream, void *buf, size_t len,
    uint64_t deadline, struct err *err);
int stream_write_full(struct stream *stream, const void *buf, size_t len,
    uint64_t deadline, struct err *err);

/* For those who write a kind of stream. */
void stream_init(struct stream *stream, const struct stream_ops *ops,
    const char *peer);

#endif
