#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/stream_pair.h"

/* One direction: a ring of bytes on their way. */
struct pipe {
	char *data;
	size_t cap, start, len;
	uint64_t written;	/* bytes since the beginning */
	uint64_t cut_at;	/* of written */
	enum stream_cut cut;
	bool fin;		/* the writer announced the end */
	bool gone;		/* the writer closed, or FIN cut the link */
};

struct link {
	struct pipe pipes[2];	/* [i] carries what end i writes */
	bool reset, silent;
	unsigned int ends;	/* still open */
};

struct stream_pair {
	struct stream base;
	struct link *link;
	unsigned int side;
	size_t chunk;
};

static size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
chunk_of(const struct stream_pair *s, size_t len)
{
	return s->chunk != 0 ? min_size(s->chunk, len) : len;
}

static void
pipe_cut(struct link *link, struct pipe *pipe)
{
	switch (pipe->cut) {
	case STREAM_CUT_FIN:
		pipe->gone = true;
		break;
	case STREAM_CUT_RST:
		link->reset = true;
		break;
	case STREAM_CUT_SILENCE:
		link->silent = true;
		break;
	}
}

static ssize_t
pair_read(struct stream *stream, void *buf, size_t len, struct err *err)
{
	struct stream_pair *s = (struct stream_pair *)stream;
	struct pipe *pipe = &s->link->pipes[!s->side];
	size_t n, first;

	if (s->link->reset)
		return err_set(err, ERR_TEMP, "connection reset by %s",
		    stream->peer);
	if (pipe->len == 0 && pipe->fin)
		return 0;
	if (pipe->len == 0 && pipe->gone && !s->link->silent)
		return err_set(err, ERR_TEMP, "connection to %s was cut",
		    stream->peer);
	if (pipe->len == 0)
		return STREAM_WAIT;
	n = min_size(pipe->len, chunk_of(s, len));
	first = min_size(n, pipe->cap - pipe->start);
	memcpy(buf, pipe->data + pipe->start, first);
	memcpy((char *)buf + first, pipe->data, n - first);
	pipe->start = (pipe->start + n) % pipe->cap;
	pipe->len -= n;
	return (ssize_t)n;
}

static ssize_t
pair_write(struct stream *stream, const void *buf, size_t len,
    struct err *err)
{
	struct stream_pair *s = (struct stream_pair *)stream;
	struct pipe *pipe = &s->link->pipes[s->side];
	size_t n, end, first;

	if (s->link->reset || pipe->gone || pipe->fin ||
	    (s->link->pipes[!s->side].gone && s->link->ends < 2))
		return err_set(err, ERR_TEMP, "connection to %s was cut",
		    stream->peer);
	n = min_size(pipe->cap - pipe->len, chunk_of(s, len));
	if (n == 0 || s->link->silent)
		return STREAM_WAIT;
	if (n >= pipe->cut_at - pipe->written)
		n = (size_t)(pipe->cut_at - pipe->written);
	end = (pipe->start + pipe->len) % pipe->cap;
	first = min_size(n, pipe->cap - end);
	memcpy(pipe->data + end, buf, first);
	memcpy(pipe->data, (const char *)buf + first, n - first);
	pipe->len += n;
	pipe->written += n;
	if (pipe->written == pipe->cut_at)
		pipe_cut(s->link, pipe);
	return n > 0 ? (ssize_t)n : STREAM_WAIT;
}

static int
pair_shutdown(struct stream *stream, struct err *err)
{
	struct stream_pair *s = (struct stream_pair *)stream;
	struct pipe *pipe = &s->link->pipes[s->side];

	if (s->link->reset)
		return err_set(err, ERR_TEMP, "connection reset by %s",
		    stream->peer);
	if (!pipe->gone && !s->link->silent)
		pipe->fin = true;
	return 0;
}

static unsigned int
pair_pollfds(const struct stream *stream, unsigned int want,
    struct pollfd *fds)
{
	(void)stream;
	(void)want;
	(void)fds;
	return 0;
}

static bool
pair_pending(const struct stream *stream)
{
	const struct stream_pair *s = (const struct stream_pair *)stream;
	const struct pipe *pipe = &s->link->pipes[!s->side];

	return pipe->len > 0 || pipe->fin || s->link->reset ||
	    (pipe->gone && !s->link->silent);
}

static void
pair_close(struct stream *stream)
{
	struct stream_pair *s = (struct stream_pair *)stream;
	struct link *link = s->link;

	link->pipes[s->side].gone = true;
	if (--link->ends == 0) {
		free(link->pipes[0].data);
		free(link->pipes[1].data);
		free(link);
	}
	free(s);
}

static const struct stream_ops pair_ops = {
	.read = pair_read,
	.write = pair_write,
	.shutdown = pair_shutdown,
	.pollfds = pair_pollfds,
	.pending = pair_pending,
	.close = pair_close,
};

void
stream_pair_new(size_t capacity, struct stream *ends_r[2])
{
	static const char *const names[2] = { "the second end",
	    "the first end" };
	struct link *link = mem_alloc(sizeof(*link));
	struct stream_pair *s;

	link->ends = 2;
	for (unsigned int i = 0; i < 2; i++) {
		link->pipes[i].data = mem_alloc(capacity);
		link->pipes[i].cap = capacity;
		link->pipes[i].cut_at = UINT64_MAX;
		s = mem_alloc(sizeof(*s));
		stream_init(&s->base, &pair_ops, names[i]);
		s->link = link;
		s->side = i;
		ends_r[i] = &s->base;
	}
}

void
stream_pair_cut(struct stream *end, uint64_t bytes, enum stream_cut how)
{
	struct stream_pair *s = (struct stream_pair *)end;
	struct pipe *pipe = &s->link->pipes[s->side];

	pipe->cut = how;
	pipe->cut_at = pipe->written + bytes;
	if (bytes == 0)
		pipe_cut(s->link, pipe);
}

void
stream_pair_chunk(struct stream *end, size_t bytes)
{
	((struct stream_pair *)end)->chunk = bytes;
}

uint64_t
stream_pair_written(const struct stream *end)
{
	const struct stream_pair *s = (const struct stream_pair *)end;

	return s->link->pipes[s->side].written;
}
