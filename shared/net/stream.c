#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/poll.h"
#include "net/stream.h"

void
stream_init(struct stream *stream, const struct stream_ops *ops,
    const char *peer)
{
	stream->ops = ops;
	strlcpy(stream->peer, peer, sizeof(stream->peer));
}

ssize_t
stream_read(struct stream *stream, void *buf, size_t len, struct err *err)
{
	assert(len > 0);
	return stream->ops->read(stream, buf, len, err);
}

ssize_t
stream_write(struct stream *stream, const void *buf, size_t len,
    struct err *err)
{
	assert(len > 0);
	return stream->ops->write(stream, buf, len, err);
}

int
stream_shutdown(struct stream *stream, struct err *err)
{
	return stream->ops->shutdown(stream, err);
}

unsigned int
stream_pollfds(const struct stream *stream, unsigned int want,
    struct pollfd *fds)
{
	return stream->ops->pollfds(stream, want, fds);
}

bool
stream_pending(const struct stream *stream)
{
	return stream->ops->pending(stream);
}

const char *
stream_peer(const struct stream *stream)
{
	return stream->peer;
}

void
stream_close(struct stream **stream)
{
	if (*stream == NULL)
		return;
	(*stream)->ops->close(*stream);
	*stream = NULL;
}

static int
stream_wait(const struct stream *stream, unsigned int want, uint64_t deadline,
    struct err *err)
{
	struct poll_set set;
	int n;

	poll_set_init(&set, deadline);
	poll_set_stream(&set, stream, want);
	n = poll_set_wait(&set, err);
	if (n == 0)
		return err_set(err, ERR_TEMP, "%s did not answer in time",
		    stream->peer);
	return n == -1 ? -1 : 0;
}

int
stream_read_full(struct stream *stream, void *buf, size_t len,
    uint64_t deadline, struct err *err)
{
	char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = stream_read(stream, p, len, err);
		if (n == -1)
			return -1;
		if (n == 0)
			return err_set(err, ERR_PROTO,
			    "%s ended the connection too early", stream->peer);
		if (n == STREAM_WAIT) {
			if (stream_wait(stream, STREAM_READ, deadline, err)
			    == -1)
				return -1;
			continue;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
stream_write_full(struct stream *stream, const void *buf, size_t len,
    uint64_t deadline, struct err *err)
{
	const char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = stream_write(stream, p, len, err);
		if (n == -1)
			return -1;
		if (n == STREAM_WAIT) {
			if (stream_wait(stream, STREAM_WRITE, deadline, err)
			    == -1)
				return -1;
			continue;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
