/*
 * The poll loop around a session.
 *
 * It never stops reading because it cannot write: what was asked for waits in
 * the session's queues, which are bounded, and what is answered at once is
 * small.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "log/log.h"
#include "session/session.h"
#include "wire/link.h"

/*
 * Answers that wait for the peer.  One that is busy elsewhere may leave those
 * to all of its operations for a while; more is a peer that never reads.
 */
#define SESSION_OUT_MAX		((size_t)256 * 1024 * 1024)	/* bytes */
#define SESSION_DRAIN_MS	5000	/* to hand out the last words */
#define HURRY_MS		20	/* between looks whether to go on */

struct loop {
	int fd_in, fd_out;
	struct link *link;
	struct session *session;
	bool end_of_data;
	bool given_up;			/* the peer said why */
	uint64_t last_byte;		/* clock_mono_ms */
};

static void
loop_send(const struct msg *msg, void *arg)
{
	struct loop *loop = arg;

	link_send(loop->link, msg);
	if (msg->kind == MSG_WELCOME)
		link_set_compress(loop->link,
		    (msg->u.welcome.features & FEATURE_ZSTD) != 0);
}

static bool
loop_room(void *arg)
{
	const struct loop *loop = arg;

	return link_room(loop->link);
}

static int
loop_read(struct loop *loop, struct err *err)
{
	size_t len;
	void *space = link_space(loop->link, &len);
	ssize_t n;

	if (len == 0)
		return 0;
	n = read(loop->fd_in, space, len);
	if (n == -1) {
		if (errno == EAGAIN || errno == EINTR)
			return 0;
		return err_sys(err, "read from the peer");
	}
	loop->last_byte = clock_mono_ms();
	if (n == 0)
		loop->end_of_data = true;
	else
		link_fed(loop->link, (size_t)n);
	return 0;
}

static int
loop_write(struct loop *loop, struct err *err)
{
	size_t len;
	const void *data = link_out(loop->link, &len);
	ssize_t n;

	if (len == 0)
		return 0;
	n = write(loop->fd_out, data, len);
	if (n == -1) {
		if (errno == EAGAIN || errno == EINTR)
			return 0;
		return err_sys(err, "write to the peer");
	}
	loop->last_byte = clock_mono_ms();
	link_sent(loop->link, (size_t)n);
	return 0;
}

static size_t
loop_waiting(const struct loop *loop)
{
	size_t len;

	(void)link_out(loop->link, &len);
	return len;
}

/* It is not this side that fails: what was made durable stays. */
static void
loop_give_up(struct loop *loop, const struct msg_error *why)
{
	loop->given_up = true;
	log_info("run given up by the peer reason=%s code=%s", why->text,
	    err_name(why->code));
}

/* Hand every message that has arrived to the session. */
static int
loop_receive(struct loop *loop, struct err *err)
{
	struct msg msg;
	int r;

	while (!session_ended(loop->session) &&
	    (r = link_next(loop->link, &msg, err)) != 0) {
		if (r == -1) {
			struct msg bad = { .kind = MSG_ERROR };

			bad.u.error.code = err->code;
			bad.u.error.text = err->msg;
			link_send(loop->link, &bad);
			return -1;
		}
		if (msg.kind == MSG_ERROR) {
			loop_give_up(loop, &msg.u.error);
			return 0;
		}
		if (session_receive(loop->session, &msg, err) == -1)
			return -1;
	}
	return 0;
}

static int
loop_poll(struct loop *loop, bool reading, int timeout_ms, struct err *err)
{
	struct pollfd fds[2] = {
		{ .fd = reading ? loop->fd_in : -1, .events = POLLIN },
		{ .fd = loop_waiting(loop) > 0 ? loop->fd_out : -1,
		    .events = POLLOUT },
	};

	if (poll(fds, 2, timeout_ms) == -1)
		return errno == EINTR ? 0 : err_sys(err, "poll");
	if ((fds[1].revents & (POLLOUT | POLLERR | POLLHUP)) != 0 &&
	    loop_write(loop, err) == -1)
		return -1;
	if ((fds[0].revents & (POLLIN | POLLERR | POLLHUP)) != 0 &&
	    loop_read(loop, err) == -1)
		return -1;
	return 0;
}

/* What the session said last still goes out, if somebody takes it. */
static void
loop_drain(struct loop *loop)
{
	uint64_t end = clock_mono_ms() + SESSION_DRAIN_MS;
	struct err err = ERR_INIT;

	while (loop_waiting(loop) > 0 && clock_mono_ms() < end)
		if (loop_poll(loop, false, 100, &err) == -1)
			return;
}

/* With work to do the peer is only looked after. */
static int
loop_patience(const struct loop *loop, bool more, uint64_t idle_ms)
{
	if (more && link_room(loop->link))
		return 0;
	if (session_hurries(loop->session))
		return HURRY_MS;
	return (int)(idle_ms < 1000 ? idle_ms : 1000);
}

/*
 * Who has done its part waits for the other store, and at a distance for the
 * line: time for what this side alone has to do.
 */
static void
loop_tidy(struct loop *loop)
{
	struct pollfd fd = { .fd = loop->fd_in, .events = POLLIN };

	if (session_is_untidy(loop->session) && loop_waiting(loop) == 0 &&
	    poll(&fd, 1, 0) == 0)
		session_tidy(loop->session);
}

static int
loop_run(struct loop *loop, uint64_t idle_ms, struct err *err)
{
	int more = 0;

	for (;;) {
		uint64_t now = clock_mono_ms();

		session_rest(loop->session);
		if (more == 0)
			loop_tidy(loop);
		if (now - loop->last_byte > idle_ms)
			return err_set(err, ERR_TEMP,
			    "the peer was silent for %llu seconds",
			    (unsigned long long)(idle_ms / 1000));
		if (loop_poll(loop, true, loop_patience(loop, more == 1,
		    idle_ms), err) == -1)
			return -1;
		session_hold(loop->session);
		if (loop_receive(loop, err) == -1)
			return -1;
		if (session_ended(loop->session) || loop->given_up)
			return 0;
		if (loop->end_of_data)
			return err_set(err, ERR_TEMP,
			    link_partial(loop->link) ?
			    "the connection ended inside a message" :
			    "the connection ended before the run did");
		if (loop_waiting(loop) > SESSION_OUT_MAX)
			return err_set(err, ERR_PROTO,
			    "the peer asks and does not read the answers");
		more = session_step(loop->session, loop_room, loop, err);
		if (more == -1)
			return -1;
		if (more == 1 && link_room(loop->link))
			loop->last_byte = clock_mono_ms();
	}
}

int
session_main(int fd_in, int fd_out, const struct session_args *args,
    unsigned int idle_timeout, struct err *err)
{
	struct loop loop = { .fd_in = fd_in, .fd_out = fd_out };
	int r;

	if (io_set_nonblock(fd_in, err) == -1 ||
	    io_set_nonblock(fd_out, err) == -1)
		return -1;
	loop.link = link_new();
	loop.session = session_new(args, loop_send, &loop);
	loop.last_byte = clock_mono_ms();
	r = loop_run(&loop, (uint64_t)idle_timeout * 1000, err);
	loop_drain(&loop);
	session_free(&loop.session);
	link_free(&loop.link);
	return r;
}
