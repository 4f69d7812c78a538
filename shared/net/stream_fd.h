/*
 * stream_fd.h - a stream over a socket, or over a pair of pipe descriptors
 *
 * The end of a socket's or pipe's data is taken as its clean end: nothing in
 * between tells a truncation.  The protocol above has its own last message.
 * A peer that ended before it read all that was sent to it has ended, too.
 */
#ifndef NET_STREAM_FD_H
#define NET_STREAM_FD_H

#include "net/stream.h"

/*
 * Read from in and write to out, which may be the same descriptor.  Both
 * become non-blocking and are closed with the stream.  On failure (-1) they
 * still belong to the caller.
 */
int stream_fd_new(int in, int out, const char *peer, struct stream **stream_r,
    struct err *err);

#define FD_PAIR_BYTES	(1024 * 1024)

/*
 * Connected sockets to a process of ours: each end takes FD_PAIR_BYTES, or what
 * the system allows, that the other one has not read yet.
 */
int fd_pair(int ends_r[static 2], struct err *err);

#endif
