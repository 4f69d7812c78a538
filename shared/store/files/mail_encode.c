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

#define OUT_CHUNK	65536U	/* bytes given to the sink at once */
#define GZ_MEMORY	8	/* zlib's own default */
#define BZ2_LEVEL	9U
#define LEVEL_MAX	9U	/* of all but zstd */
#define LZ4_HEADER	4U
#define IN_STEP_MAX	(1U << 30) /* bytes that fit their counters */

struct mail_encoder {
	enum store_compress method;
	mail_sink_fn *sink;
	void *arg;
	uint8_t out[OUT_CHUNK];
	size_t out_len;
	union {
		z_stream gz;
		bz_stream bz2;
		lzma_stream xz;
		ZSTD_CStream *zstd;
		struct {
			char *plain, *packed;
			size_t len;	/* in plain */
		} lz4;
	} u;
};

int
mail_codec_check(enum store_compress method, unsigned int level,
    struct err *err)
{
	unsigned int max = method == STORE_COMPRESS_ZSTD ?
	    (unsigned int)ZSTD_maxCLevel() : LEVEL_MAX;

	if (method == STORE_COMPRESS_DEFLATE)
		return err_set(err, ERR_CONFIG, "zlib_save = deflate: nobody "
		    "could tell such a message from one that is not "
		    "compressed; gz is the same with a name on it");
	if (method != STORE_COMPRESS_NONE && level > max)
		return err_set(err, ERR_CONFIG, "zlib_save_level = %u: the "
		    "highest level of this method is %u", level, max);
	return 0;
}

static int
flush_out(struct mail_encoder *e, struct err *err)
{
	size_t len = e->out_len;

	e->out_len = 0;
	return len == 0 ? 0 : e->sink(e->arg, e->out, len, err);
}

static int
put(struct mail_encoder *e, const void *data, size_t len, struct err *err)
{
	const uint8_t *p = data;
	size_t n;

	while (len > 0) {
		if (e->out_len == OUT_CHUNK && flush_out(e, err) == -1)
			return -1;
		n = OUT_CHUNK - e->out_len;
		if (n > len)
			n = len;
		memcpy(e->out + e->out_len, p, n);
		e->out_len += n;
		p += n;
		len -= n;
	}
	return 0;
}

static void
put_be32(uint8_t out[static LZ4_HEADER], uint32_t n)
{
	for (unsigned int i = 0; i < LZ4_HEADER; i++)
		out[i] = (uint8_t)(n >> (24 - 8 * i));
}

static void
lz4_start(struct mail_encoder *e)
{
	static const char magic[] = "Dovecot-LZ4\x0d\x2a\x9b\xc5";

	e->u.lz4.plain = mem_alloc(MAIL_LZ4_CHUNK);
	e->u.lz4.packed = mem_alloc(
	    (size_t)LZ4_compressBound((int)MAIL_LZ4_CHUNK));
	memcpy(e->out, magic, MAIL_CODEC_MAGIC);
	put_be32(e->out + MAIL_CODEC_MAGIC, MAIL_LZ4_CHUNK);
	e->out_len = MAIL_CODEC_MAGIC + LZ4_HEADER;
}

static bool
start(struct mail_encoder *e, unsigned int level)
{
	static const lzma_stream xz_init = LZMA_STREAM_INIT;

	switch (e->method) {
	case STORE_COMPRESS_GZ:
		return deflateInit2(&e->u.gz, level == 0 ?
		    Z_DEFAULT_COMPRESSION : (int)level, Z_DEFLATED,
		    16 + MAX_WBITS, GZ_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
	case STORE_COMPRESS_BZ2:
		return BZ2_bzCompressInit(&e->u.bz2, (int)(level == 0 ?
		    BZ2_LEVEL : level), 0, 0) == BZ_OK;
	case STORE_COMPRESS_XZ:
		e->u.xz = xz_init;
		return lzma_easy_encoder(&e->u.xz, level == 0 ?
		    LZMA_PRESET_DEFAULT : level, LZMA_CHECK_CRC64) == LZMA_OK;
	case STORE_COMPRESS_ZSTD:
		e->u.zstd = ZSTD_createCStream();
		return e->u.zstd != NULL && !ZSTD_isError(
		    ZSTD_initCStream(e->u.zstd, level == 0 ?
		    ZSTD_CLEVEL_DEFAULT : (int)level));
	case STORE_COMPRESS_LZ4:
		lz4_start(e);
		return true;
	case STORE_COMPRESS_NONE:
	case STORE_COMPRESS_DEFLATE:
		break;
	}
	return false;
}

struct mail_encoder *
mail_encoder_new(enum store_compress method, unsigned int level,
    mail_sink_fn *sink, void *arg)
{
	struct mail_encoder *e = mem_alloc(sizeof(*e));

	e->method = method;
	e->sink = sink;
	e->arg = arg;
	if (!start(e, level))
		mem_fatal("out of memory");
	return e;
}

void
mail_encoder_free(struct mail_encoder **encoder)
{
	struct mail_encoder *e = *encoder;

	if (e == NULL)
		return;
	switch (e->method) {
	case STORE_COMPRESS_GZ:
		(void)deflateEnd(&e->u.gz);
		break;
	case STORE_COMPRESS_BZ2:
		(void)BZ2_bzCompressEnd(&e->u.bz2);
		break;
	case STORE_COMPRESS_XZ:
		lzma_end(&e->u.xz);
		break;
	case STORE_COMPRESS_ZSTD:
		(void)ZSTD_freeCStream(e->u.zstd);
		break;
	case STORE_COMPRESS_LZ4:
		free(e->u.lz4.plain);
		free(e->u.lz4.packed);
		break;
	case STORE_COMPRESS_NONE:
	case STORE_COMPRESS_DEFLATE:
		break;
	}
	free(e);
	*encoder = NULL;
}

/*
 * Each of these takes what it can of the input and fills out; 1: it has done
 * all that it was asked for; 0: call again; -1: it failed.
 */
static int
step_gz(struct mail_encoder *e, const uint8_t **p, size_t *len, bool finish)
{
	z_stream *z = &e->u.gz;
	int r;

	z->next_in = (Bytef *)(uintptr_t)*p;
	z->avail_in = *len > IN_STEP_MAX ? IN_STEP_MAX : (uInt)*len;
	z->next_out = e->out + e->out_len;
	z->avail_out = (uInt)(OUT_CHUNK - e->out_len);
	r = deflate(z, finish ? Z_FINISH : Z_NO_FLUSH);
	*len -= (size_t)(z->next_in - *p);
	*p = z->next_in;
	e->out_len = OUT_CHUNK - z->avail_out;
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return -1;
	return finish ? r == Z_STREAM_END : *len == 0;
}

static int
step_bz2(struct mail_encoder *e, const uint8_t **p, size_t *len, bool finish)
{
	bz_stream *bz = &e->u.bz2;
	const char *before;
	int r;

	if (!finish && *len == 0)
		return 1;
	before = bz->next_in = (char *)(uintptr_t)*p;
	bz->avail_in = *len > IN_STEP_MAX ? IN_STEP_MAX : (unsigned int)*len;
	bz->next_out = (char *)e->out + e->out_len;
	bz->avail_out = (unsigned int)(OUT_CHUNK - e->out_len);
	r = BZ2_bzCompress(bz, finish ? BZ_FINISH : BZ_RUN);
	*len -= (size_t)(bz->next_in - before);
	*p += bz->next_in - before;
	e->out_len = OUT_CHUNK - bz->avail_out;
	if (r != BZ_RUN_OK && r != BZ_FINISH_OK && r != BZ_STREAM_END)
		return -1;
	return finish ? r == BZ_STREAM_END : *len == 0;
}

static int
step_xz(struct mail_encoder *e, const uint8_t **p, size_t *len, bool finish)
{
	lzma_stream *xz = &e->u.xz;
	lzma_ret r;

	xz->next_in = *p;
	xz->avail_in = *len;
	xz->next_out = e->out + e->out_len;
	xz->avail_out = OUT_CHUNK - e->out_len;
	r = lzma_code(xz, finish ? LZMA_FINISH : LZMA_RUN);
	*p = xz->next_in;
	*len = xz->avail_in;
	e->out_len = OUT_CHUNK - xz->avail_out;
	if (r != LZMA_OK && r != LZMA_STREAM_END && r != LZMA_BUF_ERROR)
		return -1;
	return finish ? r == LZMA_STREAM_END : *len == 0;
}

static int
step_zstd(struct mail_encoder *e, const uint8_t **p, size_t *len, bool finish)
{
	ZSTD_inBuffer in = { *p, *len, 0 };
	ZSTD_outBuffer out = { e->out, OUT_CHUNK, e->out_len };
	size_t r = ZSTD_compressStream2(e->u.zstd, &out, &in,
	    finish ? ZSTD_e_end : ZSTD_e_continue);

	*p += in.pos;
	*len -= in.pos;
	e->out_len = out.pos;
	if (ZSTD_isError(r))
		return -1;
	return finish ? r == 0 : *len == 0;
}

static int
step(struct mail_encoder *e, const uint8_t **p, size_t *len, bool finish)
{
	switch (e->method) {
	case STORE_COMPRESS_GZ:
		return step_gz(e, p, len, finish);
	case STORE_COMPRESS_BZ2:
		return step_bz2(e, p, len, finish);
	case STORE_COMPRESS_XZ:
		return step_xz(e, p, len, finish);
	case STORE_COMPRESS_ZSTD:
		return step_zstd(e, p, len, finish);
	case STORE_COMPRESS_LZ4:
	case STORE_COMPRESS_NONE:
	case STORE_COMPRESS_DEFLATE:
		break;
	}
	return -1;
}

static int
run(struct mail_encoder *e, const uint8_t *p, size_t len, bool finish,
    struct err *err)
{
	int r;

	do {
		if (e->out_len == OUT_CHUNK && flush_out(e, err) == -1)
			return -1;
		r = step(e, &p, &len, finish);
		if (r == -1)
			return err_set(err, ERR_TEMP,
			    "a message could not be compressed");
	} while (r == 0);
	return 0;
}

static int
lz4_block(struct mail_encoder *e, struct err *err)
{
	uint8_t head[LZ4_HEADER];
	int n;

	if (e->u.lz4.len == 0)
		return 0;
	n = LZ4_compress_default(e->u.lz4.plain, e->u.lz4.packed,
	    (int)e->u.lz4.len, LZ4_compressBound((int)MAIL_LZ4_CHUNK));
	if (n <= 0)
		return err_set(err, ERR_TEMP,
		    "a message could not be compressed");
	put_be32(head, (uint32_t)n);
	e->u.lz4.len = 0;
	if (put(e, head, sizeof(head), err) == -1)
		return -1;
	return put(e, e->u.lz4.packed, (size_t)n, err);
}

static int
write_lz4(struct mail_encoder *e, const char *p, size_t len, struct err *err)
{
	size_t n;

	while (len > 0) {
		n = MAIL_LZ4_CHUNK - e->u.lz4.len;
		if (n > len)
			n = len;
		memcpy(e->u.lz4.plain + e->u.lz4.len, p, n);
		e->u.lz4.len += n;
		p += n;
		len -= n;
		if (e->u.lz4.len == MAIL_LZ4_CHUNK &&
		    lz4_block(e, err) == -1)
			return -1;
	}
	return 0;
}

int
mail_encoder_write(struct mail_encoder *e, const void *data, size_t len,
    struct err *err)
{
	if (len == 0)
		return 0;
	return e->method == STORE_COMPRESS_LZ4 ?
	    write_lz4(e, data, len, err) : run(e, data, len, false, err);
}

int
mail_encoder_finish(struct mail_encoder *e, struct err *err)
{
	static const uint8_t none[1];
	int r = e->method == STORE_COMPRESS_LZ4 ? lz4_block(e, err) :
	    run(e, none, 0, true, err);

	return r == -1 ? -1 : flush_out(e, err);
}
