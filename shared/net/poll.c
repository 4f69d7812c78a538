#include "config.h"

#include <sys/eventfd.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "net/poll.h"

/* The only global state: a signal handler has no argument of ours. */
static volatile sig_atomic_t came[NSIG];
static bool watched[NSIG];
static int wake_fd = -1;

void
poll_set_init(struct poll_set *set, uint64_t deadline)
{
	set->n = 0;
	set->deadline = deadline;
	set->ready = false;
}

unsigned int
poll_set_fd(struct poll_set *set, int fd, short events)
{
	/* One entry stays free for the signals. */
	assert(set->n < POLL_FDS_MAX - 1);
	set->fds[set->n] = (struct pollfd){ .fd = fd, .events = events };
	return set->n++;
}

void
poll_set_stream(struct poll_set *set, const struct stream *stream,
    unsigned int want)
{
	if (want == 0)
		return;
	if ((want & STREAM_READ) != 0 && stream_pending(stream))
		set->ready = true;
	assert(set->n + STREAM_POLLFDS < POLL_FDS_MAX);
	set->n += stream_pollfds(stream, want, set->fds + set->n);
}

void
poll_set_deadline(struct poll_set *set, uint64_t deadline)
{
	if (deadline < set->deadline)
		set->deadline = deadline;
}

/* Milliseconds for poll(2): rounded so that we never spin before deadline. */
static int
poll_timeout(const struct poll_set *set)
{
	uint64_t now;

	if (set->ready)
		return 0;
	if (set->deadline == POLL_FOREVER)
		return -1;
	now = clock_mono_ms();
	if (now >= set->deadline)
		return 0;
	if (set->deadline - now > INT_MAX)
		return INT_MAX;
	return (int)(set->deadline - now);
}

int
poll_set_wait(struct poll_set *set, struct err *err)
{
	unsigned int n = set->n;
	uint64_t count;
	int r;

	if (wake_fd != -1)
		set->fds[n++] = (struct pollfd){ .fd = wake_fd,
		    .events = POLLIN };
	r = poll(set->fds, n, poll_timeout(set));
	if (r == -1 && errno == EINTR)
		return 1;
	if (r == -1)
		return err_sys(err, "poll");
	if (wake_fd != -1 && set->fds[n - 1].revents != 0) {
		/* Empty it; the flags say which signals came. */
		if (read(wake_fd, &count, sizeof(count)) == -1 &&
		    errno != EAGAIN && errno != EINTR)
			return err_sys(err, "read of the wake-up event");
	}
	return r > 0 || set->ready ? 1 : 0;
}

static void
on_signal(int sig)
{
	const uint64_t one = 1;
	int saved = errno;

	came[sig] = 1;
	if (write(wake_fd, &one, sizeof(one)) == -1) {
		/* Full: the wait ends anyway. */
	}
	errno = saved;
}

int
poll_signal(int sig, struct err *err)
{
	struct sigaction action = { .sa_handler = on_signal,
	    .sa_flags = SA_RESTART };

	assert(sig > 0 && sig < NSIG);
	if (wake_fd == -1 &&
	    (wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) == -1)
		return err_sys(err, "eventfd");
	sigemptyset(&action.sa_mask);
	if (sigaction(sig, &action, NULL) == -1)
		return err_sys(err, "sigaction");
	watched[sig] = true;
	return 0;
}

bool
poll_signal_take(int sig)
{
	bool yes = came[sig] != 0;

	came[sig] = 0;
	return yes;
}

void
poll_signal_reset(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigemptyset(&action.sa_mask);
	for (int sig = 1; sig < NSIG; sig++) {
		if (!watched[sig])
			continue;
		(void)sigaction(sig, &action, NULL);
		watched[sig] = false;
		came[sig] = 0;
	}
	if (wake_fd != -1)
		(void)close(wake_fd);
	wake_fd = -1;
}
