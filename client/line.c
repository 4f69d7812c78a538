/*
 * Between the parent, or a user's process, and the line is a channel.  Who asks
 * for the line sends its user's name with one end of a socket pair, for the
 * frames, and then the end of a second channel, on which the line says that it
 * is connected, and later why it is not any more.  A user's process keeps these
 * two only, so it cannot ask again for somebody else.  The line sends an empty
 * word on the first channel when it is ready for the next user.
 */
#include "config.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/connect.h"
#include "client/line.h"
#include "net/peers.h"
#include "net/poll.h"
#include "net/stream_fd.h"
#include "net/stream_tls.h"
#include "priv/channel.h"
#include "priv/drop.h"
#include "priv/sandbox.h"
#include "wire/frame.h"

#define CHANNEL_FD	3	/* the line's only descriptor but 0-2 */
#define NOBODY		"nobody"
#define BUFFER		(128U * 1024U)	/* bytes in each direction */
#define DRAIN_MS	10000U	/* for the server to take a user's last words,
				   and so for a line to be ready again */
#define LEAVE_MS	2000U	/* for it to hear that we go */

struct request {
	char user[PEERS_USER_MAX + 1];	/* empty: the second message */
};

/* Bytes on their way.  data[start .. start + len) waits to be written. */
struct buffer {
	uint8_t *data;
	size_t start, len;
};

/* The line at work. */
struct carrier {
	struct stream *tls, *user;
	int why;			/* to the user's process */
	struct buffer up, down;		/* to the server, to the user */
	struct frame_meter meter;
	bool user_gone, user_ended;	/* its socket closed; its run ended */
	bool cut;			/* the server's side */
	uint64_t drain_ms;		/* clock_mono_ms: for the server to
					   take what is left after that */
};

/* A word for the user's process; one that is gone does not hear it. */
static void
tell(int why, const struct err *word)
{
	struct err unused = ERR_INIT;

	(void)channel_send(why, word, sizeof(*word), -1, &unused);
}

static size_t
buffer_room(struct buffer *b)
{
	if (b->len == 0)
		b->start = 0;
	if (b->start > BUFFER / 2) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
	}
	return BUFFER - b->start - b->len;
}

/* Write what waits.  Returns as stream_write, 0 if nothing waits. */
static ssize_t
buffer_write(struct buffer *b, struct stream *to, struct err *err)
{
	ssize_t n;

	if (b->len == 0)
		return 0;
	n = stream_write(to, b->data + b->start, b->len, err);
	if (n > 0) {
		b->start += (size_t)n;
		b->len -= (size_t)n;
	}
	return n;
}

/* Returns as stream_read, STREAM_WAIT if there is no room. */
static ssize_t
buffer_read(struct buffer *b, struct stream *from, struct err *err)
{
	size_t room = buffer_room(b);
	ssize_t n;

	if (room == 0)
		return STREAM_WAIT;
	n = stream_read(from, b->data + b->start + b->len, room, err);
	if (n > 0)
		b->len += (size_t)n;
	return n;
}

/* The connection is over; the user's process hears why once it reads no more. */
static void
note_cut(struct carrier *c, const struct err *why)
{
	c->cut = true;
	c->up.len = 0;
	if (why->code != ERR_NONE)
		tell(c->why, why);
}

static void
note_gone(struct carrier *c)
{
	c->user_gone = true;
	c->down.len = 0;
	c->drain_ms = clock_mono_ms() + DRAIN_MS;
}

/*
 * The frames of a user's process are followed: behind the end of its run it may
 * say nothing, least of all another user's name.
 */
static bool
follow(struct carrier *c, const uint8_t *data, size_t len)
{
	struct err err = ERR_INIT;
	ssize_t n;

	while (len > 0 && !c->user_ended) {
		n = frame_meter_take(&c->meter, data, len, &err);
		if (n == -1)
			return false;
		data += n;
		len -= (size_t)n;
		c->user_ended = frame_meter_user_ended(&c->meter);
		c->drain_ms = clock_mono_ms() + DRAIN_MS;
	}
	return len == 0;
}

static bool
carry_up(struct carrier *c)
{
	struct err err = ERR_INIT;
	ssize_t got = STREAM_WAIT, put;

	if (!c->user_gone && !c->user_ended)
		got = buffer_read(&c->up, c->user, &err);
	if (got > 0 && !follow(c, c->up.data + c->up.start + c->up.len - got,
	    (size_t)got)) {
		c->up.len -= (size_t)got;
		c->user_ended = false;
		got = 0;
	}
	if (got == 0 || got == -1)
		note_gone(c);
	if (c->cut) {
		c->up.len = 0;
		return got > 0;
	}
	put = buffer_write(&c->up, c->tls, &err);
	if (put == -1)
		note_cut(c, &err);
	return got > 0 || put > 0;
}

static bool
carry_down(struct carrier *c)
{
	struct err err = ERR_INIT;
	ssize_t got = STREAM_WAIT, put;

	if (!c->cut && !c->user_ended)
		got = buffer_read(&c->down, c->tls, &err);
	if (got == 0 || got == -1)
		note_cut(c, &err);
	if (c->user_gone)
		c->down.len = 0;
	put = buffer_write(&c->down, c->user, &err);
	if (put == -1)
		note_gone(c);
	return got > 0 || put > 0;
}

static bool
is_over(const struct carrier *c)
{
	if (c->cut)
		return c->down.len == 0;
	return (c->user_ended || c->user_gone) && c->up.len == 0;
}

/* Returns false if nothing can come of waiting. */
static bool
wait_more(struct carrier *c)
{
	struct err err = ERR_INIT;
	struct poll_set set;
	unsigned int want = 0;

	if ((c->user_gone || c->user_ended) && clock_mono_ms() >= c->drain_ms)
		return false;
	poll_set_init(&set, c->user_gone || c->user_ended ? c->drain_ms :
	    POLL_FOREVER);
	if (!c->user_gone && !c->user_ended && buffer_room(&c->up) > 0)
		want |= STREAM_READ;
	if (!c->user_gone && c->down.len > 0)
		want |= STREAM_WRITE;
	if (want != 0)
		poll_set_stream(&set, c->user, want);
	want = 0;
	if (!c->cut && !c->user_ended && buffer_room(&c->down) > 0)
		want |= STREAM_READ;
	if (!c->cut && c->up.len > 0)
		want |= STREAM_WRITE;
	if (want != 0)
		poll_set_stream(&set, c->tls, want);
	return poll_set_wait(&set, &err) != -1;
}

/* Returns true if the connection is good for another user. */
static bool
carry(struct carrier *c)
{
	bool moved;

	c->meter = (struct frame_meter){ .left = 0 };
	c->user_gone = c->user_ended = false;
	c->up.start = c->up.len = c->down.start = c->down.len = 0;
	while (!is_over(c)) {
		moved = carry_up(c);
		if (carry_down(c))
			moved = true;
		if (!moved && !is_over(c) && !wait_more(c))
			return false;
	}
	return c->user_ended && !c->cut;
}

/* The keys are read and a socket is connected: nothing else is needed. */
static int
confine(struct err *err)
{
	struct sandbox_report report = { .off = "" };
	struct drop drop = { .uid = 0 };
	const struct passwd *pw;

	if (geteuid() == 0) {
		pw = getpwnam(NOBODY);
		if (pw == NULL)
			return err_set(err, ERR_CONFIG, "there is no user "
			    NOBODY " to connect as");
		drop.uid = pw->pw_uid;
		drop.gid = pw->pw_gid;
		if (drop_to(&drop, err) == -1)
			return -1;
	}
	return drop_new_rights(err) == -1 ||
	    sandbox_paths(NULL, 0, &report, err) == -1 ||
	    sandbox_calls_net(&report, err) == -1 ? -1 : 0;
}

/* Wait for the next user.  Returns 1, 0 if none comes any more. */
static int
receive(struct request *request, int *user_r, int *why_r)
{
	struct request second;
	struct err err = ERR_INIT;
	int fds[2] = { -1, -1 };
	ssize_t n;

	n = channel_recv(CHANNEL_FD, request, sizeof(*request), &fds[0],
	    POLL_FOREVER, &err);
	if (n == (ssize_t)sizeof(*request))
		n = channel_recv(CHANNEL_FD, &second, sizeof(second), &fds[1],
		    POLL_FOREVER, &err);
	if (n == (ssize_t)sizeof(second) && fds[0] != -1 && fds[1] != -1) {
		*user_r = fds[0];
		*why_r = fds[1];
		return 1;
	}
	for (int i = 0; i < 2; i++) {
		if (fds[i] != -1)
			(void)close(fds[i]);
	}
	return 0;
}

static int
connect_for(struct carrier *c, const struct location_host *host,
    const struct connect_options *options, const char *user, int fd,
    struct err *err)
{
	struct connect_options own = *options;

	own.confine = confine;
	if (stream_fd_new(fd, fd, "user", &c->user, err) == -1) {
		(void)close(fd);
		return -1;
	}
	if (c->tls == NULL && connect_bare(host, &own, &c->tls, err) == -1)
		return -1;
	return connect_name_user(c->tls, user, options->timeout, err);
}

/* Serve one user.  Returns true if another one may follow. */
static bool
serve(struct carrier *c, const struct location_host *host,
    const struct connect_options *options)
{
	static const char ready = 0;
	struct err err = ERR_INIT;
	struct request request;
	bool again = false;
	int fd, user_why;

	if (receive(&request, &fd, &user_why) == 0)
		return false;
	c->why = user_why;
	if (connect_for(c, host, options, request.user, fd, &err) == 0) {
		/* Without an error it means that all is well. */
		tell(c->why, &err);
		again = carry(c);
	} else {
		tell(c->why, &err);
	}
	/* What was told comes before the end of the bytes. */
	stream_close(&c->user);
	(void)close(c->why);
	return again && channel_send(CHANNEL_FD, &ready, sizeof(ready), -1,
	    &err) == 0;
}

static void
leave(struct stream *tls)
{
	uint64_t deadline = clock_mono_ms() + LEAVE_MS;
	struct err err = ERR_INIT;
	struct poll_set set;

	if (tls == NULL)
		return;
	while (stream_shutdown(tls, &err) == STREAM_WAIT) {
		poll_set_init(&set, deadline);
		poll_set_stream(&set, tls, STREAM_WRITE);
		if (poll_set_wait(&set, &err) != 1)
			return;
	}
}

static _Noreturn void
line_main(int channel, const struct location_host *host,
    const struct connect_options *options)
{
	struct carrier c = { .why = -1 };

	/* An interrupt from the terminal is for those who work for users. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_DFL);
	if (channel != CHANNEL_FD && dup2(channel, CHANNEL_FD) == -1)
		_exit(1);
	closefrom(CHANNEL_FD + 1);
	c.up.data = mem_alloc(BUFFER);
	c.down.data = mem_alloc(BUFFER);
	while (serve(&c, host, options))
		;
	/* Who asks for it now hears at once that it is gone. */
	(void)close(CHANNEL_FD);
	leave(c.tls);
	_exit(0);
}

int
line_start(struct line *line, const struct location_host *host,
    const struct connect_options *options, struct err *err)
{
	int ends[2];
	pid_t pid;

	if (channel_pair(ends, err) == -1)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		line_main(ends[1], host, options);
	(void)close(ends[1]);
	if (pid == -1) {
		(void)close(ends[0]);
		return err_sys(err, "start a process for the connection");
	}
	*line = (struct line){ .pid = pid, .channel = ends[0] };
	return 0;
}

bool
line_is_ready(struct line *line)
{
	struct err err = ERR_INIT;
	char word;

	if (line->channel == -1)
		return false;
	return line->users == 0 || channel_recv(line->channel, &word,
	    sizeof(word), NULL, clock_mono_ms() + DRAIN_MS, &err) == 1;
}

void
line_hang_up(struct line *line)
{
	if (line->channel != -1)
		(void)close(line->channel);
	line->channel = -1;
}

/* The user's end: its frames, and the line's words. */
struct line_stream {
	struct stream base;
	struct stream *fd;
	int why;
	bool *heard;
};

/*
 * Wait for a word of the line.  Returns 1 if it has no error to tell, 0 if it
 * tells nothing more, -1 with the error.
 */
static int
hear(int why, struct err *err)
{
	struct err word, unused = ERR_INIT;

	if (channel_recv(why, &word, sizeof(word), NULL, POLL_FOREVER,
	    &unused) != (ssize_t)sizeof(word))
		return 0;
	if (word.code == ERR_NONE)
		return 1;
	word.msg[sizeof(word.msg) - 1] = '\0';
	return err_set(err, word.code <= ERR_REFUSED ? word.code : ERR_TEMP,
	    "%s", word.msg);
}

static ssize_t
line_read(struct stream *stream, void *buf, size_t len, struct err *err)
{
	struct line_stream *s = (struct line_stream *)stream;
	ssize_t n = stream_read(s->fd, buf, len, err);

	if (n > 0)
		*s->heard = true;
	/* It says why before it closes the socket. */
	return n == 0 && hear(s->why, err) == -1 ? -1 : n;
}

static ssize_t
line_write(struct stream *stream, const void *buf, size_t len,
    struct err *err)
{
	return stream_write(((struct line_stream *)stream)->fd, buf, len, err);
}

static int
line_shutdown(struct stream *stream, struct err *err)
{
	return stream_shutdown(((struct line_stream *)stream)->fd, err);
}

static unsigned int
line_pollfds(const struct stream *stream, unsigned int want,
    struct pollfd *fds)
{
	return stream_pollfds(((const struct line_stream *)stream)->fd, want,
	    fds);
}

static bool
line_pending(const struct stream *stream)
{
	return stream_pending(((const struct line_stream *)stream)->fd);
}

static void
line_close(struct stream *stream)
{
	struct line_stream *s = (struct line_stream *)stream;

	stream_close(&s->fd);
	(void)close(s->why);
	free(s);
}

static const struct stream_ops line_ops = {
	.read = line_read,
	.write = line_write,
	.shutdown = line_shutdown,
	.pollfds = line_pollfds,
	.pending = line_pending,
	.close = line_close,
};

/* Send the line's ends of both pairs. */
static int
ask(struct line *line, const char *user, int data, int why, struct err *err)
{
	struct request request;

	memset(&request, 0, sizeof(request));
	strlcpy(request.user, user, sizeof(request.user));
	if (channel_send(line->channel, &request, sizeof(request), data,
	    err) == -1)
		return -1;
	memset(&request, 0, sizeof(request));
	return channel_send(line->channel, &request, sizeof(request), why,
	    err);
}

int
line_take(struct line *line, const char *name, const char *user,
    struct stream **stream_r, bool *heard_r, struct err *err)
{
	int data[2] = { -1, -1 }, why[2] = { -1, -1 }, ret;
	struct line_stream *s;
	struct stream *fd;

	if (connect_check_user(user, err) == -1)
		return -1;
	if (fd_pair(data, err) == -1)
		return -1;
	if (channel_pair(why, err) == -1 || ask(line, user, data[1], why[1],
	    err) == -1)
		goto out;
	(void)close(data[1]);
	(void)close(why[1]);
	data[1] = why[1] = -1;
	line_hang_up(line);
	ret = hear(why[0], err);
	if (ret == 0)
		err_set(err, ERR_TEMP, "the connection to %s has ended", name);
	if (ret != 1 || stream_fd_new(data[0], data[0], name, &fd, err) == -1)
		goto out;
	s = mem_alloc(sizeof(*s));
	stream_init(&s->base, &line_ops, name);
	s->fd = fd;
	s->why = why[0];
	s->heard = heard_r;
	*heard_r = false;
	*stream_r = connect_checked(&s->base, user);
	return 0;
out:
	for (int i = 0; i < 2; i++) {
		if (data[i] != -1)
			(void)close(data[i]);
		if (why[i] != -1)
			(void)close(why[i]);
	}
	return -1;
}
