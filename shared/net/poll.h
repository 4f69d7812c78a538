/*
 * poll.h - wait for a few descriptors and streams, a deadline and signals
 *
 *	poll_set_init(&set, deadline);
 *	i = poll_set_fd(&set, fd, POLLIN);
 *	poll_set_stream(&set, stream, STREAM_READ);
 *	if (poll_set_wait(&set, err) == -1)
 *		...
 *	if (set.fds[i].revents != 0)
 *		...
 *
 * The set is built anew for each wait.
 */
#ifndef NET_POLL_H
#define NET_POLL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/stream.h"

#define POLL_FDS_MAX	64U		/* entries of one set */
#define POLL_FOREVER	UINT64_MAX	/* no deadline */

struct poll_set {
	struct pollfd fds[POLL_FDS_MAX];
	unsigned int n;
	uint64_t deadline;	/* clock_mono_ms, or POLL_FOREVER */
	bool ready;		/* a stream already holds something to read */
};

void poll_set_init(struct poll_set *set, uint64_t deadline);

/* Wait for events of fd.  Returns its place in set->fds. */
unsigned int poll_set_fd(struct poll_set *set, int fd, short events);

/* Wait until want (STREAM_READ | STREAM_WRITE) is worth another try. */
void poll_set_stream(struct poll_set *set, const struct stream *stream,
    unsigned int want);

/* Wait no longer than until this deadline either. */
void poll_set_deadline(struct poll_set *set, uint64_t deadline);

/*
 * Wait.  Returns 1 if something is ready or a signal came, 0 at the deadline,
 * -1 with err.
 */
int poll_set_wait(struct poll_set *set, struct err *err);

/*
 * From now on the signal is remembered instead of acted upon, and ends
 * a poll_set_wait, without a race between looking and waiting.
 */
int poll_signal(int sig, struct err *err);

/* Did the signal come since the last call? */
bool poll_signal_take(int sig);

/* In a child after fork: forget the signals and give them their default. */
void poll_signal_reset(void);

#endif
