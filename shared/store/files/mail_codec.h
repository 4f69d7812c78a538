/*
 * mail_codec.h - bodies compressed as Dovecot's zlib plugin does it
 *
 * What is stored tells by its first bytes how it is compressed: gzip, bzip2,
 * xz, zstd, or Dovecot's own container of LZ4 blocks.  There is no method that
 * says of itself what it is not: a mail that begins so is not stored plain.
 *
 * Decoding is exact or an error: a body that is cut, damaged or goes on behind
 * its end is ERR_CORRUPT, and so is one that grows beyond the limits.
 */
#ifndef STORE_FILES_MAIL_CODEC_H
#define STORE_FILES_MAIL_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store_settings.h"

#define MAIL_CODEC_MAGIC	15U	/* bytes that are enough to tell */
#define MAIL_DECODED_MAX	(1ULL << 32) /* bytes of one decoded mail */
#define MAIL_DECODE_MEMORY	(128U << 20) /* bytes that a window may need */
#define MAIL_LZ4_CHUNK		65536U	/* bytes of one block as we write it */
#define MAIL_LZ4_CHUNK_MAX	(1U << 20) /* ... as we read it */

struct mail_decoder;
struct mail_encoder;

/* 1..len bytes, 0 at the end, -1. */
typedef ptrdiff_t mail_source_fn(void *arg, void *buf, size_t len,
    struct err *err);
typedef int mail_sink_fn(void *arg, const void *data, size_t len,
    struct err *err);

/* The method by the first bytes of a body (all of them, if it is shorter). */
enum store_compress mail_codec_detect(const void *data, size_t len);

/* ERR_CONFIG: nothing is written by this method, or it has no such level. */
int mail_codec_check(enum store_compress method, unsigned int level,
    struct err *err);

/* Any method but NONE and DEFLATE.  Takes bytes by source as it needs them. */
struct mail_decoder *mail_decoder_new(enum store_compress method,
    mail_source_fn *source, void *arg);
void mail_decoder_free(struct mail_decoder **decoder);
/* 1..len bytes, 0 at the end, -1. */
ptrdiff_t mail_decoder_read(struct mail_decoder *decoder, void *buf,
    size_t len, struct err *err);

/* Method and level have been checked.  Gives bytes to sink as they come. */
struct mail_encoder *mail_encoder_new(enum store_compress method,
    unsigned int level, mail_sink_fn *sink, void *arg);
void mail_encoder_free(struct mail_encoder **encoder);
int mail_encoder_write(struct mail_encoder *encoder, const void *data,
    size_t len, struct err *err);
/* What is still to come; nothing may be written afterwards. */
int mail_encoder_finish(struct mail_encoder *encoder, struct err *err);

#endif
