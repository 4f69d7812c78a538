/*
 * channel.h - messages and descriptors between two of our processes
 *
 * One message is one packet of a SOCK_SEQPACKET pair: it arrives whole or not
 * at all.
 */
#ifndef PRIV_CHANNEL_H
#define PRIV_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define CHANNEL_MESSAGE_MAX	8192U	/* bytes of one message */

/* A pair of ends, closed on exec. */
int channel_pair(int ends_r[2], struct err *err);

/*
 * Send one message of 1..CHANNEL_MESSAGE_MAX bytes; waits for room.  pass is
 * a descriptor to go with it, of which the receiver gets a copy, or -1.
 */
int channel_send(int end, const void *msg, size_t len, int pass,
    struct err *err);

/*
 * Wait for a message until deadline (clock_mono_ms; UINT64_MAX: for ever).
 * Returns its length; 0 when the other end was closed; -1 with err, ERR_TEMP
 * at the deadline, ERR_PROTO if it is longer than size.  *passed_r is the
 * descriptor that came with it, or -1; passed_r NULL: one that comes is closed.
 */
ssize_t channel_recv(int end, void *buf, size_t size, int *passed_r,
    uint64_t deadline, struct err *err);

#endif
