#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "net/stream_fd.h"

struct stream_fd {
	struct stream base;
	int in, out;		/* out: -1 after a shutdown of a pipe */
	bool socket;		/* out is one */
	bool shut;
};

static bool
would_block(int errnum)
{
	return errnum == EAGAIN || errnum == EWOULDBLOCK || errnum == EINTR;
}

static ssize_t
fd_read(struct stream *stream, void *buf, size_t len, struct err *err)
{
	struct stream_fd *s = (struct stream_fd *)stream;
	ssize_t n = read(s->in, buf, len);

	if (n == -1 && would_block(errno))
		return STREAM_WAIT;
	/* A process that ended before it had read all that was sent to it. */
	if (n == -1 && errno == ECONNRESET)
		return 0;
	if (n == -1)
		return err_sys(err, "read from %s", stream->peer);
	return n;
}

static ssize_t
fd_write(struct stream *stream, const void *buf, size_t len, struct err *err)
{
	struct stream_fd *s = (struct stream_fd *)stream;
	ssize_t n;

	if (s->shut)
		return err_set(err, ERR_TEMP, "write after the end");
	n = s->socket ? send(s->out, buf, len, MSG_NOSIGNAL) :
	    write(s->out, buf, len);
	if (n == -1 && would_block(errno))
		return STREAM_WAIT;
	if (n == -1)
		return err_sys(err, "write to %s", stream->peer);
	return n;
}

static int
fd_shutdown(struct stream *stream, struct err *err)
{
	struct stream_fd *s = (struct stream_fd *)stream;

	if (s->shut)
		return 0;
	s->shut = true;
	if (s->socket) {
		if (shutdown(s->out, SHUT_WR) == -1 && errno != ENOTCONN)
			return err_sys(err, "shutdown to %s", stream->peer);
		return 0;
	}
	if (s->out != s->in)
		(void)close(s->out);
	s->out = -1;
	return 0;
}

static unsigned int
fd_pollfds(const struct stream *stream, unsigned int want, struct pollfd *fds)
{
	const struct stream_fd *s = (const struct stream_fd *)stream;
	unsigned int n = 0;

	if ((want & STREAM_READ) != 0)
		fds[n++] = (struct pollfd){ .fd = s->in, .events = POLLIN };
	if ((want & STREAM_WRITE) != 0 && s->out != -1)
		fds[n++] = (struct pollfd){ .fd = s->out, .events = POLLOUT };
	return n;
}

static bool
fd_pending(const struct stream *stream)
{
	(void)stream;
	return false;
}

static void
fd_close(struct stream *stream)
{
	struct stream_fd *s = (struct stream_fd *)stream;

	if (s->out != -1 && s->out != s->in)
		(void)close(s->out);
	(void)close(s->in);
	free(s);
}

static const struct stream_ops fd_ops = {
	.read = fd_read,
	.write = fd_write,
	.shutdown = fd_shutdown,
	.pollfds = fd_pollfds,
	.pending = fd_pending,
	.close = fd_close,
};

int
stream_fd_new(int in, int out, const char *peer, struct stream **stream_r,
    struct err *err)
{
	struct stream_fd *s;
	socklen_t len = sizeof(int);
	int type;

	if (io_set_nonblock(in, err) == -1 || io_set_nonblock(out, err) == -1)
		return -1;
	s = mem_alloc(sizeof(*s));
	stream_init(&s->base, &fd_ops, peer);
	s->in = in;
	s->out = out;
	s->socket = getsockopt(out, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
	*stream_r = &s->base;
	return 0;
}

/* So that a store is read while another one waits for its disk. */
int
fd_pair(int ends_r[static 2], struct err *err)
{
	int bytes = FD_PAIR_BYTES;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_r) == -1)
		return err_sys(err, "socketpair");
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ends_r[i], SOL_SOCKET, SO_SNDBUF, &bytes,
		    sizeof(bytes));
	return 0;
}
