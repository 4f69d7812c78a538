#include "config.h"

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "store/files/mail_codec.h"

#define IN_CHUNK	65536U	/* bytes asked of the source at once */
#define WINDOW_LOG	27	/* zstd: MAIL_DECODE_MEMORY */
#define LZ4_HEADER	4U	/* bytes of a length, most significant first */

struct lz4_state {
	bool started;
	uint32_t chunk_max;	/* as its header says */
	char *packed, *plain;
	size_t pos, len;	/* of what is not yet given, in plain */
};

struct mail_decoder {
	enum store_compress method;
	mail_source_fn *source;
	void *arg;
	uint8_t in[IN_CHUNK];
	size_t in_pos, in_len;
	bool in_end;		/* the source has no more */
	bool between;		/* at the end of a stream: no more is needed */
	bool failed;
	uint64_t total;		/* bytes given */
	union {
		z_stream gz;
		bz_stream bz2;
		lzma_stream xz;
		ZSTD_DStream *zstd;
		struct lz4_state lz4;
	} u;
};

static const struct {
	enum store_compress method;
	const char *magic;
	size_t offset, len;
} magics[] = {
	{ STORE_COMPRESS_GZ, "\x1f\x8b", 0, 2 },
	{ STORE_COMPRESS_BZ2, "\x31\x41\x59\x26\x53\x59", 4, 6 },
	{ STORE_COMPRESS_XZ, "\xfd" "7zXZ\0", 0, 6 },
	{ STORE_COMPRESS_ZSTD, "\x28\xb5\x2f\xfd", 0, 4 },
	{ STORE_COMPRESS_LZ4, "Dovecot-LZ4\x0d\x2a\x9b\xc5", 0, 15 },
};

enum store_compress
mail_codec_detect(const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (len < magics[i].offset + magics[i].len ||
		    memcmp(p + magics[i].offset, magics[i].magic,
		    magics[i].len) != 0)
			continue;
		if (magics[i].method != STORE_COMPRESS_BZ2 ||
		    (memcmp(p, "BZh", 3) == 0 && p[3] >= '1' && p[3] <= '9'))
			return magics[i].method;
	}
	return STORE_COMPRESS_NONE;
}

static ptrdiff_t
corrupt(struct mail_decoder *d, const char *what, struct err *err)
{
	d->failed = true;
	return err_set(err, ERR_CORRUPT, "the compressed message %s", what);
}

/* Have at least one byte of input, if there is one.  -1, or 0. */
static int
fill(struct mail_decoder *d, struct err *err)
{
	ptrdiff_t n;

	if (d->in_pos < d->in_len || d->in_end)
		return 0;
	n = d->source(d->arg, d->in, sizeof(d->in), err);
	if (n == -1) {
		d->failed = true;
		return -1;
	}
	d->in_pos = 0;
	d->in_len = (size_t)n;
	d->in_end = n == 0;
	return 0;
}

struct mail_decoder *
mail_decoder_new(enum store_compress method, mail_source_fn *source,
    void *arg)
{
	static const lzma_stream xz_init = LZMA_STREAM_INIT;
	struct mail_decoder *d = mem_alloc(sizeof(*d));
	bool ok = true;

	d->method = method;
	d->source = source;
	d->arg = arg;
	switch (method) {
	case STORE_COMPRESS_GZ:
		ok = inflateInit2(&d->u.gz, 16 + MAX_WBITS) == Z_OK;
		break;
	case STORE_COMPRESS_BZ2:
		ok = BZ2_bzDecompressInit(&d->u.bz2, 0, 0) == BZ_OK;
		break;
	case STORE_COMPRESS_XZ:
		d->u.xz = xz_init;
		ok = lzma_stream_decoder(&d->u.xz, MAIL_DECODE_MEMORY,
		    LZMA_CONCATENATED) == LZMA_OK;
		break;
	case STORE_COMPRESS_ZSTD:
		d->u.zstd = ZSTD_createDStream();
		ok = d->u.zstd != NULL && !ZSTD_isError(
		    ZSTD_DCtx_setParameter(d->u.zstd, ZSTD_d_windowLogMax,
		    WINDOW_LOG));
		break;
	case STORE_COMPRESS_LZ4:
	case STORE_COMPRESS_NONE:
	case STORE_COMPRESS_DEFLATE:
		break;
	}
	if (!ok)
		mem_fatal("out of memory");
	return d;
}

void
mail_decoder_free(struct mail_decoder **decoder)
{
	struct mail_decoder *d = *decoder;

	if (d == NULL)
		return;
	switch (d->method) {
	case STORE_COMPRESS_GZ:
		(void)inflateEnd(&d->u.gz);
		break;
	case STORE_COMPRESS_BZ2:
		(void)BZ2_bzDecompressEnd(&d->u.bz2);
		break;
	case STORE_COMPRESS_XZ:
		lzma_end(&d->u.xz);
		break;
	case STORE_COMPRESS_ZSTD:
		(void)ZSTD_freeDStream(d->u.zstd);
		break;
	case STORE_COMPRESS_LZ4:
		free(d->u.lz4.packed);
		free(d->u.lz4.plain);
		break;
	case STORE_COMPRESS_NONE:
	case STORE_COMPRESS_DEFLATE:
		break;
	}
	free(d);
	*decoder = NULL;
}

/*
 * Each of these takes input from in_pos on and gives what comes of it, maybe
 * nothing; between says whether a stream ended with it.
 */
static ptrdiff_t
step_gz(struct mail_decoder *d, void *buf, size_t len, struct err *err)
{
	z_stream *z = &d->u.gz;
	int r;

	if (d->between && inflateReset(z) != Z_OK)
		return corrupt(d, "is damaged", err);
	z->next_in = d->in + d->in_pos;
	z->avail_in = (uInt)(d->in_len - d->in_pos);
	z->next_out = buf;
	z->avail_out = (uInt)len;
	r = inflate(z, Z_NO_FLUSH);
	d->in_pos = d->in_len - z->avail_in;
	d->between = r == Z_STREAM_END;
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return corrupt(d, "is damaged", err);
	return (ptrdiff_t)(len - z->avail_out);
}

static ptrdiff_t
step_bz2(struct mail_decoder *d, void *buf, size_t len, struct err *err)
{
	bz_stream *bz = &d->u.bz2;
	int r;

	if (d->between) {
		(void)BZ2_bzDecompressEnd(bz);
		memset(bz, 0, sizeof(*bz));
		if (BZ2_bzDecompressInit(bz, 0, 0) != BZ_OK)
			mem_fatal("out of memory");
	}
	bz->next_in = (char *)d->in + d->in_pos;
	bz->avail_in = (unsigned int)(d->in_len - d->in_pos);
	bz->next_out = buf;
	bz->avail_out = (unsigned int)len;
	r = BZ2_bzDecompress(bz);
	d->in_pos = d->in_len - bz->avail_in;
	d->between = r == BZ_STREAM_END;
	if (r != BZ_OK && r != BZ_STREAM_END)
		return corrupt(d, "is damaged", err);
	return (ptrdiff_t)(len - bz->avail_out);
}

static ptrdiff_t
step_xz(struct mail_decoder *d, void *buf, size_t len, struct err *err)
{
	lzma_stream *xz = &d->u.xz;
	lzma_ret r;

	xz->next_in = d->in + d->in_pos;
	xz->avail_in = d->in_len - d->in_pos;
	xz->next_out = buf;
	xz->avail_out = len;
	r = lzma_code(xz, d->in_end ? LZMA_FINISH : LZMA_RUN);
	d->in_pos = d->in_len - xz->avail_in;
	d->between = r == LZMA_STREAM_END;
	if (r == LZMA_MEMLIMIT_ERROR)
		return corrupt(d, "needs too much memory", err);
	if (r != LZMA_OK && r != LZMA_STREAM_END && r != LZMA_BUF_ERROR)
		return corrupt(d, "is damaged", err);
	return (ptrdiff_t)(len - xz->avail_out);
}

static ptrdiff_t
step_zstd(struct mail_decoder *d, void *buf, size_t len, struct err *err)
{
	ZSTD_inBuffer in = { d->in, d->in_len, d->in_pos };
	ZSTD_outBuffer out = { buf, len, 0 };
	size_t r = ZSTD_decompressStream(d->u.zstd, &out, &in);

	d->in_pos = in.pos;
	if (ZSTD_isError(r))
		return corrupt(d, "is damaged", err);
	d->between = r == 0;
	return (ptrdiff_t)out.pos;
}

/* 1: all of len bytes; 0: the input ended before the first one; -1. */
static int
take(struct mail_decoder *d, void *buf, size_t len, struct err *err)
{
	size_t got = 0, n;

	while (got < len) {
		if (fill(d, err) == -1)
			return -1;
		if (d->in_pos == d->in_len && got == 0)
			return 0;
		if (d->in_pos == d->in_len)
			return (int)corrupt(d, "is cut", err);
		n = d->in_len - d->in_pos;
		if (n > len - got)
			n = len - got;
		memcpy((char *)buf + got, d->in + d->in_pos, n);
		d->in_pos += n;
		got += n;
	}
	return 1;
}

static uint32_t
be32(const uint8_t b[static LZ4_HEADER])
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	    (uint32_t)b[2] << 8 | b[3];
}

/* Magic, and the largest size that a block has when decoded. */
static int
lz4_start(struct mail_decoder *d, struct err *err)
{
	struct lz4_state *lz4 = &d->u.lz4;
	uint8_t head[MAIL_CODEC_MAGIC + LZ4_HEADER];
	int r = take(d, head, sizeof(head), err);

	if (r != 1)
		return r == 0 ? (int)corrupt(d, "is cut", err) : -1;
	lz4->chunk_max = be32(head + MAIL_CODEC_MAGIC);
	if (lz4->chunk_max == 0 || lz4->chunk_max > MAIL_LZ4_CHUNK_MAX)
		return (int)corrupt(d, "has blocks of no sane size", err);
	lz4->packed = mem_alloc(
	    (size_t)LZ4_compressBound((int)lz4->chunk_max));
	lz4->plain = mem_alloc(lz4->chunk_max);
	lz4->started = true;
	return 0;
}

/* One block; 0 at the end. */
static int
lz4_block(struct mail_decoder *d, struct err *err)
{
	struct lz4_state *lz4 = &d->u.lz4;
	uint8_t head[LZ4_HEADER];
	uint32_t size;
	int r = take(d, head, sizeof(head), err);

	if (r != 1)
		return r;
	size = be32(head);
	if (size == 0 ||
	    size > (uint32_t)LZ4_compressBound((int)lz4->chunk_max))
		return (int)corrupt(d, "is damaged", err);
	r = take(d, lz4->packed, size, err);
	if (r != 1)
		return r == 0 ? (int)corrupt(d, "is cut", err) : -1;
	r = LZ4_decompress_safe(lz4->packed, lz4->plain, (int)size,
	    (int)lz4->chunk_max);
	if (r <= 0)
		return (int)corrupt(d, "is damaged", err);
	lz4->pos = 0;
	lz4->len = (size_t)r;
	return 1;
}

static ptrdiff_t
read_lz4(struct mail_decoder *d, void *buf, size_t len, struct err *err)
{
	struct lz4_state *lz4 = &d->u.lz4;
	int r;

	if (!lz4->started && lz4_start(d, err) == -1)
		return -1;
	if (lz4->pos == lz4->len && (r = lz4_block(d, err)) != 1)
		return r;
	if (len > lz4->len - lz4->pos)
		len = lz4->len - lz4->pos;
	memcpy(buf, lz4->plain + lz4->pos, len);
	lz4->pos += len;
	return (ptrdiff_t)len;
}

static ptrdiff_t
step(struct mail_decoder *d, void *buf, size_t len, struct err *err)
{
	switch (d->method) {
	case STORE_COMPRESS_GZ:
		return step_gz(d, buf, len, err);
	case STORE_COMPRESS_BZ2:
		return step_bz2(d, buf, len, err);
	case STORE_COMPRESS_XZ:
		return step_xz(d, buf, len, err);
	case STORE_COMPRESS_ZSTD:
		return step_zstd(d, buf, len, err);
	case STORE_COMPRESS_LZ4:
	case STORE_COMPRESS_NONE:
	case STORE_COMPRESS_DEFLATE:
		break;
	}
	return corrupt(d, "is of no known kind", err);
}

/* Streams may follow each other; what else follows one is an error. */
static ptrdiff_t
read_stream(struct mail_decoder *d, void *buf, size_t len, struct err *err)
{
	ptrdiff_t n;
	bool at_end;

	for (;;) {
		if (fill(d, err) == -1)
			return -1;
		at_end = d->in_pos == d->in_len;
		if (at_end && d->between)
			return 0;
		if ((n = step(d, buf, len, err)) != 0)
			return n;
		if (at_end && !d->between)
			return corrupt(d, "is cut", err);
	}
}

ptrdiff_t
mail_decoder_read(struct mail_decoder *d, void *buf, size_t len,
    struct err *err)
{
	ptrdiff_t n;

	if (d->failed)
		return corrupt(d, "could not be read", err);
	if (len > IN_CHUNK)
		len = IN_CHUNK;
	n = d->method == STORE_COMPRESS_LZ4 ? read_lz4(d, buf, len, err) :
	    read_stream(d, buf, len, err);
	if (n > 0 && (d->total += (uint64_t)n) > MAIL_DECODED_MAX)
		return corrupt(d, "grows beyond all measure", err);
	return n;
}
