#include "config.h"

#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

struct digest_ctx {
	EVP_MD_CTX *md;
};

/* These calls fail only for want of memory or a broken installation. */
static void
must(int ok)
{
	if (ok != 1)
		mem_fatal("OpenSSL: digest failed");
}

/*
 * Fetched once: EVP_sha256() makes OpenSSL look for it in its providers each
 * time, which costs more than the digest of a short text.
 */
static const EVP_MD *
sha256(void)
{
	static EVP_MD *md;

	if (md == NULL)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(md != NULL);
	return md;
}

void
digest_prepare(void)
{
	uint8_t unused[DIGEST_SIZE];

	digest_sha256("", 0, unused);
	/* After a fork OpenSSL takes new seed in both processes. */
	random_bytes(unused, sizeof(unused));
}

struct digest_ctx *
digest_new(void)
{
	struct digest_ctx *ctx = mem_alloc(sizeof(*ctx));

	ctx->md = EVP_MD_CTX_new();
	must(ctx->md != NULL);
	digest_reset(ctx);
	return ctx;
}

void
digest_free(struct digest_ctx **ctx)
{
	if (*ctx == NULL)
		return;
	EVP_MD_CTX_free((*ctx)->md);
	free(*ctx);
	*ctx = NULL;
}

void
digest_reset(struct digest_ctx *ctx)
{
	must(EVP_DigestInit_ex(ctx->md, sha256(), NULL));
}

void
digest_update(struct digest_ctx *ctx, const void *data, size_t len)
{
	if (len > 0)
		must(EVP_DigestUpdate(ctx->md, data, len));
}

void
digest_final(struct digest_ctx *ctx, uint8_t out[static DIGEST_SIZE])
{
	must(EVP_DigestFinal_ex(ctx->md, out, NULL));
	digest_reset(ctx);
}

void
digest_update_mail(struct digest_ctx *ctx, bool *cr, const void *data,
    size_t len)
{
	const char *p = data, *end = p + len, *found;

	while (p < end) {
		/* A CR before is ours only if no LF follows it. */
		if (*cr && *p != '\n')
			digest_update(ctx, "\r", 1);
		found = memchr(p, '\r', (size_t)(end - p));
		*cr = found != NULL;
		if (found == NULL)
			found = end;
		digest_update(ctx, p, (size_t)(found - p));
		p = *cr ? found + 1 : end;
	}
}

void
digest_final_mail(struct digest_ctx *ctx, bool *cr,
    uint8_t out[static DIGEST_SIZE])
{
	if (*cr)
		digest_update(ctx, "\r", 1);
	*cr = false;
	digest_final(ctx, out);
}

void
digest_sha256(const void *data, size_t len, uint8_t out[static DIGEST_SIZE])
{
	must(EVP_Digest(data, len, out, NULL, sha256(), NULL));
}

void
digest_sha1(const void *data, size_t len,
    uint8_t out[static DIGEST_SHA1_SIZE])
{
	must(EVP_Digest(data, len, out, NULL, EVP_sha1(), NULL));
}

void
digest_md5(const void *data, size_t len, uint8_t out[static DIGEST_MD5_SIZE])
{
	must(EVP_Digest(data, len, out, NULL, EVP_md5(), NULL));
}

void
digest_hmac_sha256(const void *key, size_t key_len, const void *data,
    size_t len, uint8_t out[static DIGEST_SIZE])
{
	if (key_len > 64) {	/* beyond the block size; also fits an int */
		uint8_t short_key[DIGEST_SIZE];

		digest_sha256(key, key_len, short_key);
		must(HMAC(EVP_sha256(), short_key, DIGEST_SIZE, data, len,
		    out, NULL) != NULL);
		OPENSSL_cleanse(short_key, sizeof(short_key));
		return;
	}
	must(HMAC(EVP_sha256(), key_len > 0 ? key : "", (int)key_len, data,
	    len, out, NULL) != NULL);
}

/* From the system: OpenSSL's own generator takes milliseconds to begin. */
void
random_bytes(void *out, size_t len)
{
	unsigned char *p = out;
	ssize_t n;

	while (len > 0) {
		n = getrandom(p, len, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			mem_fatal("no random bytes");
		p += n;
		len -= (size_t)n;
	}
}

bool
bytes_equal_ct(const void *a, const void *b, size_t len)
{
	return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}

void
hex_format(char *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hex_parse(void *out, size_t len, const char *text, size_t text_len)
{
	uint8_t *p = out;

	if (text_len % 2 != 0 || text_len / 2 != len)
		return false;
	/* Outputs are written on success only. */
	for (size_t i = 0; i < text_len; i++) {
		if (hex_digit(text[i]) == -1)
			return false;
	}
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 |
		    hex_digit(text[2 * i + 1]));
	return true;
}
