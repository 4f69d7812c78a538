/*
 * codec.h - messages to and from their bytes
 *
 * The only place where the types generated from proto/dsync.proto appear.
 * Past codec_decode nothing that a message holds is untrusted: counts, lengths,
 * ranges, names and orders are those that model/ and wire/limits.h allow.
 */
#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/msg.h"
#include "wire/frame.h"
#include "wire/pool.h"

/*
 * Decode the payload of a message frame.  pool, of CODEC_BUDGET, is emptied
 * first and holds the message until it is emptied again.  -1 with ERR_PROTO:
 * the payload is no message, or one that breaks a limit.
 */
int codec_decode(struct pool *pool, struct slice payload, struct msg *msg_r,
    struct err *err);

struct codec_out;

/*
 * Prepare msg, which is no BODY_CHUNK, to be written: *len_r bytes,
 * 1..FRAME_PAYLOAD_MAX.  pool, of CODEC_BUDGET, is emptied first; the result
 * lies in it and borrows from msg.  Times and stamps out of range are moved
 * into it, long texts are cut, marks and ranges are put in order.  NULL: a
 * count of msg is above its limit.
 */
struct codec_out *codec_encode(struct pool *pool, const struct msg *msg,
    size_t *len_r);

/* Write it to the *len_r bytes at dest. */
void codec_pack(const struct codec_out *out, uint8_t *dest);

#endif
