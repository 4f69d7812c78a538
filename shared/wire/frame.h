/*
 * frame.h - length-prefixed frames in a byte stream
 *
 * A frame is a header of 8 bytes (length of the payload, 4 bytes big-endian;
 * kind, 1 byte; number of the stream, 3 bytes big-endian) and the payload: one
 * serialised Envelope (proto/dsync.proto), or bytes of a mail.  This module
 * finds where a frame ends; it neither reads a socket nor looks inside.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/limits.h"

enum frame_kind {
	FRAME_MESSAGE = 1,	/* 1..FRAME_PAYLOAD_MAX bytes */
	FRAME_BODY,		/* 1..BODY_CHUNK_MAX bytes */
	FRAME_BODY_ZSTD,	/* as FRAME_BODY, compressed (wire/zchunk.h) */
	FRAME_USER_END,		/* 1 byte; another user's prologue follows */
};

#define FRAME_USER_END_SIZE	(FRAME_HEADER_SIZE + 1U)

#define FRAME_STREAM_MAX	0xffffffU

/* A view of bytes owned by someone else.  Copy it to keep it. */
struct slice {
	const uint8_t *data;
	size_t len;		/* bytes */
};

struct frame {
	enum frame_kind kind;
	uint32_t stream;
	struct slice payload;
};

/*
 * Find the first frame in in.
 *
 * Returns 1, with payload pointing into in, and sets *used_r to the bytes that
 * the frame takes; 0 if in holds only part of a frame, with *used_r the bytes
 * that are needed before the next call can tell more; -1 with ERR_PROTO if the
 * kind is unknown or the length not as told above.  Both are checked before the
 * payload has arrived, so a caller never buffers more than FRAME_HEADER_SIZE +
 * FRAME_PAYLOAD_MAX.
 */
int frame_parse(struct slice in, struct frame *frame_r, size_t *used_r,
    struct err *err);

/*
 * Bytes that pass through: where their frames end, without keeping them.
 * All zero is the start of a stream.
 */
struct frame_meter {
	uint8_t header[FRAME_HEADER_SIZE];
	size_t header_len;	/* bytes of it that came */
	size_t left;		/* bytes of the payload that are to come */
};

/* Is a part of a frame still to come? */
bool frame_meter_inside(const struct frame_meter *meter);

/*
 * Follow len bytes, 1 or more, to the end of a header or of a payload at most.
 * Returns how many were taken, or -1 as frame_parse.
 */
ssize_t frame_meter_take(struct frame_meter *meter, const uint8_t *data,
    size_t len, struct err *err);

/* Was the last frame to end a FRAME_USER_END? */
bool frame_meter_user_ended(const struct frame_meter *meter);

/* Write the header for a payload of len bytes, within the limits of kind. */
void frame_header(uint8_t out[static FRAME_HEADER_SIZE], enum frame_kind kind,
    uint32_t stream, size_t len);

/* Write a whole FRAME_USER_END. */
void frame_user_end(uint8_t out[static FRAME_USER_END_SIZE]);

#endif
