/*
 * digest.h - SHA-256, SHA-1, MD5, random bytes, constant-time compare
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE	32U	/* bytes of a SHA-256 */
#define DIGEST_SHA1_SIZE 20U
#define DIGEST_MD5_SIZE	16U

struct digest_ctx;

/*
 * Load now what digests and random bytes need: a process that starts many
 * others spares each of them a millisecond.
 */
void digest_prepare(void);

struct digest_ctx *digest_new(void);			/* SHA-256, empty */
void digest_free(struct digest_ctx **ctx);
void digest_reset(struct digest_ctx *ctx);
void digest_update(struct digest_ctx *ctx, const void *data, size_t len);
/* The digest of all bytes so far; ctx is empty afterwards. */
void digest_final(struct digest_ctx *ctx, uint8_t out[static DIGEST_SIZE]);

/*
 * The content digest of a message (rule M1): SHA-256 with each CRLF taken as
 * LF.  Feed the message in pieces of any size; *cr keeps a CR that ended
 * a piece and starts as false.
 */
void digest_update_mail(struct digest_ctx *ctx, bool *cr, const void *data,
    size_t len);
/* End a message digest: a CR held back is added first. */
void digest_final_mail(struct digest_ctx *ctx, bool *cr,
    uint8_t out[static DIGEST_SIZE]);

void digest_sha256(const void *data, size_t len,
    uint8_t out[static DIGEST_SIZE]);
void digest_sha1(const void *data, size_t len,
    uint8_t out[static DIGEST_SHA1_SIZE]);
void digest_md5(const void *data, size_t len,
    uint8_t out[static DIGEST_MD5_SIZE]);
void digest_hmac_sha256(const void *key, size_t key_len, const void *data,
    size_t len, uint8_t out[static DIGEST_SIZE]);

/* Bytes that nobody can guess.  No entropy ends the process. */
void random_bytes(void *out, size_t len);

/* Equal, in a time that does not depend on where they differ. */
bool bytes_equal_ct(const void *a, const void *b, size_t len);

/* len bytes as 2 * len lower-case hexadecimal digits and a NUL. */
void hex_format(char *out, const void *data, size_t len);
/* Exactly 2 * len hexadecimal digits, either case; false if they are not. */
bool hex_parse(void *out, size_t len, const char *text, size_t text_len);

#endif
