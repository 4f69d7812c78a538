#include "config.h"

#include <sys/endian.h>

#include <assert.h>
#include <string.h>

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
	case FRAME_USER_END:
		return FRAME_USER_END_SIZE - FRAME_HEADER_SIZE;
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

void
frame_user_end(uint8_t out[static FRAME_USER_END_SIZE])
{
	frame_header(out, FRAME_USER_END, 0, 1);
	out[FRAME_HEADER_SIZE] = 0;
}

bool
frame_meter_inside(const struct frame_meter *meter)
{
	return meter->left > 0 || (meter->header_len > 0 &&
	    meter->header_len < FRAME_HEADER_SIZE);
}

static ssize_t
take_header(struct frame_meter *meter, const uint8_t *data, size_t len,
    struct err *err)
{
	struct frame frame;
	size_t n, total;

	if (meter->header_len == FRAME_HEADER_SIZE)
		meter->header_len = 0;
	n = FRAME_HEADER_SIZE - meter->header_len;
	if (n > len)
		n = len;
	memcpy(meter->header + meter->header_len, data, n);
	meter->header_len += n;
	if (meter->header_len < FRAME_HEADER_SIZE)
		return (ssize_t)n;
	if (frame_parse((struct slice){ meter->header, FRAME_HEADER_SIZE },
	    &frame, &total, err) == -1)
		return -1;
	meter->left = total - FRAME_HEADER_SIZE;
	return (ssize_t)n;
}

ssize_t
frame_meter_take(struct frame_meter *meter, const uint8_t *data, size_t len,
    struct err *err)
{
	if (meter->left == 0)
		return take_header(meter, data, len, err);
	if (len > meter->left)
		len = meter->left;
	meter->left -= len;
	return (ssize_t)len;
}

bool
frame_meter_user_ended(const struct frame_meter *meter)
{
	return meter->left == 0 && meter->header_len == FRAME_HEADER_SIZE &&
	    meter->header[4] == FRAME_USER_END;
}
