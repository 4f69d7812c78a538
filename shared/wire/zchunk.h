/*
 * zchunk.h - a chunk of a body, compressed on its own
 *
 * Each chunk is one zstd frame (RFC 8878) that states its size, with a window
 * of at most 2^ZCHUNK_WINDOW_LOG_MAX bytes and without a dictionary.
 */
#ifndef WIRE_ZCHUNK_H
#define WIRE_ZCHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/frame.h"

struct zchunk;

struct zchunk *zchunk_new(void);
void zchunk_free(struct zchunk **z);

/*
 * Compress len bytes, at most BODY_CHUNK_MAX.  Returns the result, valid until
 * the next call for z; one of length 0 if it would not save an eighth.
 */
struct slice zchunk_pack(struct zchunk *z, const void *data, size_t len);

/*
 * Decompress a chunk into at most BODY_CHUNK_MAX bytes, valid until the next
 * call for z.  What it declares is checked before anything is written.
 * -1 with ERR_PROTO: not a chunk as told above.
 */
int zchunk_unpack(struct zchunk *z, struct slice in, struct slice *out_r,
    struct err *err);

#endif
