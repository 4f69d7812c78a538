/*
 * link.h - messages over a byte stream, without I/O
 *
 * Two buffers and the codec: bytes that arrived are fed in and come out as
 * messages; messages that are sent come out as bytes to be written.
 */
#ifndef WIRE_LINK_H
#define WIRE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/msg.h"

#define LINK_OUT_SOFT_MAX	(512U * 1024U) /* bytes: beyond it, no room */
#define LINK_COMPRESS_MIN	(128U * 1024U) /* bytes that wait */

struct link;

struct link *link_new(void);
/* NULL or a pointer to NULL is allowed. */
void link_free(struct link **link);
/* As new, for another connection; its memory is kept. */
void link_reset(struct link *link);

/* Where to put bytes that arrive: *len_r bytes at the result, never 0 unless
   link_next has to be called first. */
void *link_space(struct link *link, size_t *len_r);
/* len bytes have been put there. */
void link_fed(struct link *link, size_t len);

/*
 * The next message: 1 and *msg_r, valid until the next link_next or
 * link_space; 0: more bytes are needed; -1 with ERR_PROTO: the peer broke the
 * protocol, nothing more may be read.
 */
int link_next(struct link *link, struct msg *msg_r, struct err *err);

/* Bytes of an unfinished frame are waiting: the end of data is an error. */
bool link_partial(const struct link *link);

/*
 * Append the frame of msg to the output.  It must be within the limits of
 * model/ (names and masks of HELLO: FILTER_BYTES_MAX); if not, MSG_ERROR with
 * ERR_REFUSED takes its place, so that the other side ends the session.
 */
void link_send(struct link *link, const struct msg *msg);

/*
 * Behind MSG_BYE, if both sides have FEATURE_NEXT_USER: the connection goes on
 * with another user's prologue.
 */
void link_send_user_end(struct link *link);

/*
 * From now on bodies are compressed where it pays, and compressed ones may
 * arrive: both sides have FEATURE_ZSTD.  Off in a new link, where a compressed
 * body is an error.  It pays while LINK_COMPRESS_MIN bytes or more wait: then
 * it is the line, or the other side, that is slower than we are.
 */
void link_set_compress(struct link *link, bool on);

/* What is to be written next, and what has been written of it. */
const void *link_out(const struct link *link, size_t *len_r);
void link_sent(struct link *link, size_t len);
/* Less than LINK_OUT_SOFT_MAX bytes wait. */
bool link_room(const struct link *link);

#endif
