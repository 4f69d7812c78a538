/*
 * Input: one buffer.  Frames are taken from its front in place; when the room
 * behind the data is too small for what must still come, the data, which is
 * then less than one frame, is moved to the front.  Each frame is moved once
 * at most.
 *
 * Output: one buffer, appended to behind and written from the front.  It is
 * moved to the front when at least half of it has been written, so a byte is
 * copied a bounded number of times however slow the other side reads.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/codec.h"
#include "wire/frame.h"
#include "wire/link.h"
#include "wire/pool.h"
#include "wire/zchunk.h"

#define IN_SIZE		((size_t)160 * 1024)	/* bytes; two body frames */
#define IN_SIZE_MAX	((size_t)FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX)
#define IN_READ_MIN	((size_t)16 * 1024)	/* bytes of room worth a read */
#define OUT_SIZE	((size_t)64 * 1024)	/* bytes of a first buffer */
#define OUT_KEEP	((size_t)1024 * 1024)	/* larger is given back */
#define STREAM		0U		/* the one of a run */

/* Bytes data[start..end) of size are in use. */
struct buffer {
	uint8_t *data;
	size_t start, end, size;
};

struct link {
	struct buffer in, out;
	size_t want;		/* bytes that the frame at in.start takes, as
				   far as known */
	struct pool *in_pool, *out_pool;
	struct zchunk *in_z, *out_z;	/* made when first needed */
	bool compress;
	bool compress_body;	/* the last chunk of this body got smaller */
	struct err broken;	/* ERR_NONE, or what the peer did */
};

static void
buffer_move_front(struct buffer *buf)
{
	if (buf->start == 0)
		return;
	memmove(buf->data, buf->data + buf->start, buf->end - buf->start);
	buf->end -= buf->start;
	buf->start = 0;
}

static void
buffer_resize(struct buffer *buf, size_t size)
{
	buffer_move_front(buf);
	if ((buf->data = realloc(buf->data, size)) == NULL)
		mem_fatal("out of memory");
	buf->size = size;
}

struct link *
link_new(void)
{
	struct link *link = mem_alloc(sizeof(*link));

	link->in_pool = pool_new(CODEC_BUDGET);
	link->out_pool = pool_new(CODEC_BUDGET);
	link->want = FRAME_HEADER_SIZE;
	return link;
}

void
link_free(struct link **link)
{
	if (link == NULL || *link == NULL)
		return;
	free((*link)->in.data);
	free((*link)->out.data);
	pool_free(&(*link)->in_pool);
	pool_free(&(*link)->out_pool);
	zchunk_free(&(*link)->in_z);
	zchunk_free(&(*link)->out_z);
	free(*link);
	*link = NULL;
}

void
link_reset(struct link *link)
{
	link->in.start = link->in.end = 0;
	link->out.start = link->out.end = 0;
	link->want = FRAME_HEADER_SIZE;
	pool_reset(link->in_pool);
	pool_reset(link->out_pool);
	zchunk_free(&link->in_z);
	zchunk_free(&link->out_z);
	link->compress = link->compress_body = false;
	memset(&link->broken, 0, sizeof(link->broken));
}

void
link_set_compress(struct link *link, bool on)
{
	link->compress = on;
}

void *
link_space(struct link *link, size_t *len_r)
{
	struct buffer *in = &link->in;

	if (in->data == NULL)
		buffer_resize(in, IN_SIZE);
	if (in->start == in->end)
		in->start = in->end = 0;
	/* Only a frame that is not complete is worth moving. */
	if (in->end - in->start < link->want) {
		if (link->want > in->size)
			buffer_resize(in, IN_SIZE_MAX);
		else if (in->size - in->start < link->want ||
		    in->size - in->end < IN_READ_MIN)
			buffer_move_front(in);
	}
	*len_r = in->size - in->end;
	return in->data + in->end;
}

void
link_fed(struct link *link, size_t len)
{
	assert(len <= link->in.size - link->in.end);
	link->in.end += len;
}

static int
take_chunk(struct link *link, const struct frame *frame, struct msg *msg_r,
    struct err *err)
{
	struct slice chunk = frame->payload;

	if (frame->kind == FRAME_BODY_ZSTD) {
		if (!link->compress)
			return err_set(err, ERR_PROTO,
			    "compressed body without agreement");
		if (link->in_z == NULL)
			link->in_z = zchunk_new();
		if (zchunk_unpack(link->in_z, frame->payload, &chunk,
		    err) == -1)
			return -1;
	}
	memset(msg_r, 0, sizeof(*msg_r));
	msg_r->kind = MSG_BODY_CHUNK;
	msg_r->u.chunk.data = chunk.data;
	msg_r->u.chunk.len = chunk.len;
	return 0;
}

/* As link_next, but may be called after a failure. */
static int
take_frame(struct link *link, struct msg *msg_r, struct err *err)
{
	struct buffer *in = &link->in;
	struct frame frame;
	struct slice data;
	size_t used = 0;
	int ret;

	data.data = in->data == NULL ? NULL : in->data + in->start;
	data.len = in->end - in->start;
	ret = frame_parse(data, &frame, &used, err);
	if (ret == 0)
		link->want = used;
	if (ret != 1)
		return ret;
	if (frame.stream != STREAM)
		return err_set(err, ERR_PROTO, "frame of unknown stream %u",
		    (unsigned int)frame.stream);
	switch (frame.kind) {
	case FRAME_MESSAGE:
		ret = codec_decode(link->in_pool, frame.payload, msg_r, err);
		break;
	case FRAME_BODY:
	case FRAME_BODY_ZSTD:
		ret = take_chunk(link, &frame, msg_r, err);
		break;
	case FRAME_USER_END:
		/* Whoever carries a connection takes it from there. */
		ret = err_set(err, ERR_PROTO, "the end of a user in the "
		    "middle of a run");
		break;
	}
	if (ret == -1)
		return -1;
	in->start += used;
	link->want = FRAME_HEADER_SIZE;
	return 1;
}

int
link_next(struct link *link, struct msg *msg_r, struct err *err)
{
	int ret;

	if (link->broken.code != ERR_NONE) {
		*err = link->broken;
		return -1;
	}
	ret = take_frame(link, msg_r, err);
	if (ret == -1)
		link->broken = *err;
	return ret;
}

bool
link_partial(const struct link *link)
{
	return link->in.end != link->in.start;
}

/* Room for len bytes behind the output, which are now part of it. */
static uint8_t *
out_grow(struct link *link, size_t len)
{
	struct buffer *out = &link->out;
	size_t used = out->end - out->start, size;
	uint8_t *p;

	if (out->size - out->end < len && out->start >= used)
		buffer_move_front(out);
	if (out->size - out->end < len) {
		size = out->size == 0 ? OUT_SIZE : out->size;
		while (size < used + len) {
			if (size > SIZE_MAX / 2)
				mem_fatal("size overflow");
			size *= 2;
		}
		/* Half free: the next move must be far away. */
		if (size == out->size)
			size *= 2;
		buffer_resize(out, size);
	}
	p = out->data + out->end;
	out->end += len;
	return p;
}

static bool
send_message(struct link *link, const struct msg *msg)
{
	struct codec_out *packed;
	uint8_t *p;
	size_t len = 0;

	if ((packed = codec_encode(link->out_pool, msg, &len)) == NULL)
		return false;
	p = out_grow(link, FRAME_HEADER_SIZE + len);
	frame_header(p, FRAME_MESSAGE, STREAM, len);
	codec_pack(packed, p + FRAME_HEADER_SIZE);
	return true;
}

static void
send_chunk(struct link *link, const struct msg_chunk *chunk)
{
	struct slice packed = { NULL, 0 };
	enum frame_kind kind = FRAME_BODY;
	uint8_t *p;

	assert(chunk->len > 0 && chunk->len <= BODY_CHUNK_MAX);
	if (link->compress && link->compress_body &&
	    link->out.end - link->out.start >= LINK_COMPRESS_MIN) {
		if (link->out_z == NULL)
			link->out_z = zchunk_new();
		packed = zchunk_pack(link->out_z, chunk->data, chunk->len);
		/* What does not shrink at its start seldom does later. */
		link->compress_body = packed.len > 0;
	}
	if (packed.len > 0)
		kind = FRAME_BODY_ZSTD;
	else
		packed = (struct slice){ chunk->data, chunk->len };
	p = out_grow(link, FRAME_HEADER_SIZE + packed.len);
	frame_header(p, kind, STREAM, packed.len);
	memcpy(p + FRAME_HEADER_SIZE, packed.data, packed.len);
}

void
link_send(struct link *link, const struct msg *msg)
{
	struct msg refusal = { .kind = MSG_ERROR };

	if (msg->kind == MSG_BODY_CHUNK) {
		send_chunk(link, &msg->u.chunk);
		return;
	}
	if (msg->kind == MSG_BODY || msg->kind == MSG_OP_SAVE)
		link->compress_body = true;
	if (send_message(link, msg))
		return;
	refusal.u.error.code = ERR_REFUSED;
	refusal.u.error.text = "a message is above the limits of the protocol";
	if (!send_message(link, &refusal))
		mem_fatal("a refusal is above the limits of the protocol");
}

void
link_send_user_end(struct link *link)
{
	frame_user_end(out_grow(link, FRAME_USER_END_SIZE));
}

const void *
link_out(const struct link *link, size_t *len_r)
{
	*len_r = link->out.end - link->out.start;
	return *len_r == 0 ? NULL : link->out.data + link->out.start;
}

void
link_sent(struct link *link, size_t len)
{
	struct buffer *out = &link->out;

	assert(len <= out->end - out->start);
	out->start += len;
	if (out->start != out->end)
		return;
	out->start = out->end = 0;
	if (out->size > OUT_KEEP) {
		free(out->data);
		out->data = NULL;
		out->size = 0;
	}
}

bool
link_room(const struct link *link)
{
	return link->out.end - link->out.start < LINK_OUT_SOFT_MAX;
}
