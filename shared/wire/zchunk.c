#include "config.h"

#include <sys/endian.h>

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "wire/zchunk.h"

#define ZCHUNK_LEVEL	1	/* the wire is fast, the time is the user's */
#define MAGIC		0xfd2fb528U
#define MAGIC_SIZE	4U

struct zchunk {
	ZSTD_CCtx *cctx;	/* made when first needed, as is dctx */
	ZSTD_DCtx *dctx;
	uint8_t buf[BODY_CHUNK_MAX];
};

struct zchunk *
zchunk_new(void)
{
	return mem_alloc(sizeof(struct zchunk));
}

void
zchunk_free(struct zchunk **z)
{
	if (*z == NULL)
		return;
	ZSTD_freeCCtx((*z)->cctx);
	ZSTD_freeDCtx((*z)->dctx);
	free(*z);
	*z = NULL;
}

struct slice
zchunk_pack(struct zchunk *z, const void *data, size_t len)
{
	struct slice out = { z->buf, 0 };
	size_t n;

	assert(len <= BODY_CHUNK_MAX);
	if (z->cctx == NULL && (z->cctx = ZSTD_createCCtx()) == NULL)
		mem_fatal("out of memory");
	/* Too small a buffer is how zstd is told to give up. */
	n = ZSTD_compressCCtx(z->cctx, z->buf, len - len / 8, data, len,
	    ZCHUNK_LEVEL);
	if (!ZSTD_isError(n))
		out.len = n;
	return out;
}

/*
 * RFC 8878 3.1.1.1: unless the frame is one segment, the byte after the
 * descriptor tells the window.  The stable interface of zstd does not show it.
 */
static bool
window_small(struct slice in)
{
	uint8_t descriptor = in.data[MAGIC_SIZE];
	unsigned int log, eighths;

	if ((descriptor & 0x20) != 0)
		return true;
	log = 10U + (in.data[MAGIC_SIZE + 1] >> 3);
	eighths = in.data[MAGIC_SIZE + 1] & 7U;
	return log + (eighths != 0 ? 1 : 0) <= ZCHUNK_WINDOW_LOG_MAX;
}

int
zchunk_unpack(struct zchunk *z, struct slice in, struct slice *out_r,
    struct err *err)
{
	unsigned long long size;
	size_t n;

	/* The library may know older formats too; nobody else has to. */
	if (in.len < MAGIC_SIZE || le32dec(in.data) != MAGIC)
		return err_set(err, ERR_PROTO, "compressed chunk is no zstd");
	size = ZSTD_getFrameContentSize(in.data, in.len);
	if (size == 0 || size > BODY_CHUNK_MAX)
		return err_set(err, ERR_PROTO,
		    "compressed chunk without a size of 1 to %u bytes",
		    BODY_CHUNK_MAX);
	/* A size was found, so the header is complete. */
	if (!window_small(in) || ZSTD_getDictID_fromFrame(in.data, in.len) != 0)
		return err_set(err, ERR_PROTO,
		    "compressed chunk with a large window or a dictionary");
	if (ZSTD_findFrameCompressedSize(in.data, in.len) != in.len)
		return err_set(err, ERR_PROTO,
		    "compressed chunk is not one frame");
	if (z->dctx == NULL && (z->dctx = ZSTD_createDCtx()) == NULL)
		mem_fatal("out of memory");
	n = ZSTD_decompressDCtx(z->dctx, z->buf, (size_t)size, in.data, in.len);
	if (ZSTD_isError(n) || n != size)
		return err_set(err, ERR_PROTO, "compressed chunk is damaged");
	out_r->data = z->buf;
	out_r->len = n;
	return 0;
}
