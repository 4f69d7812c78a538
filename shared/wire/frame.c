#include "config.h"

#include <sys/endian.h>

#include <assert.h>

#include "wire/frame.h"

/* The longest payload of a kind, 0 if there is no such kind. */
static size_t
payload_max(unsigned int kind)
{
	switch (kind) {
	case FRAME_MESSAGE:
		return FRAME_PAYLOAD_MAX;
	case FRAME_BODY:
	case FRAME_BODY_ZSTD:
		return BODY_CHUNK_MAX;
	}
	return 0;
}

int
frame_parse(struct slice in, struct frame *frame_r, size_t *used_r,
    struct err *err)
{
	uint32_t len;
	size_t max;

	if (in.len < FRAME_HEADER_SIZE) {
		*used_r = FRAME_HEADER_SIZE;
		return 0;
	}
	len = be32dec(in.data);
	max = payload_max(in.data[4]);
	if (max == 0)
		return err_set(err, ERR_PROTO, "frame of unknown kind %u",
		    (unsigned int)in.data[4]);
	if (len == 0 || len > max)
		return err_set(err, ERR_PROTO,
		    "frame of %u bytes, allowed are 1 to %zu",
		    (unsigned int)len, max);
	*used_r = FRAME_HEADER_SIZE + len;
	if (in.len < *used_r)
		return 0;
	frame_r->kind = (enum frame_kind)in.data[4];
	frame_r->stream = be32dec(in.data + 4) & FRAME_STREAM_MAX;
	frame_r->payload.data = in.data + FRAME_HEADER_SIZE;
	frame_r->payload.len = len;
	return 1;
}

void
frame_header(uint8_t out[static FRAME_HEADER_SIZE], enum frame_kind kind,
    uint32_t stream, size_t len)
{
	assert(len > 0 && len <= payload_max(kind));
	assert(stream <= FRAME_STREAM_MAX);
	be32enc(out, (uint32_t)len);
	be32enc(out + 4, (uint32_t)kind << 24 | stream);
}
