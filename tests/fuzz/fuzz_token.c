/*
 * Any text as a token: what is taken for one formats to a token that says the
 * same.  The bytes are also tried behind a right checksum, which chance would
 * never hit.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/digest.h"
#include "net/token.h"

#define BINARY_MAX	2000U	/* bytes that are tried as a token's inside */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_text(const char *text, size_t len)
{
	struct token token, back;
	struct err err = ERR_INIT;
	struct strbuf out;

	if (token_parse(&token, text, len, &err) == -1) {
		assert(err.code == ERR_CONFIG);
		return;
	}
	assert(token.addr_count >= 1 && token.addr_count <= TOKEN_ADDRS_MAX);
	strbuf_init(&out, TOKEN_TEXT_MAX);
	assert(token_format(&out, &token, &err) == 0);
	assert(token_parse(&back, out.data, out.len, &err) == 0);
	assert(memcmp(&token, &back, sizeof(token)) == 0);
	strbuf_deinit(&out);
}

/* Base32 as in token.c, with the checksum that belongs to the bytes. */
static void
try_binary(const uint8_t *data, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	static const char label[] = "dsync token";
	uint8_t bin[sizeof(label) - 1 + BINARY_MAX + DIGEST_SIZE];
	uint8_t *body = bin + sizeof(label) - 1;
	unsigned int bits = 0, value = 0;
	struct strbuf text;

	memcpy(bin, label, sizeof(label) - 1);
	memcpy(body, data, size);
	digest_sha256(bin, sizeof(label) - 1 + size, body + size);
	strbuf_init(&text, TOKEN_TEXT_MAX);
	for (size_t i = 0; i < size + 4; i++) {
		value = (value << 8 | body[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			strbuf_addc(&text, digits[value >> (bits - 5) & 31]);
	}
	if (bits > 0)
		strbuf_addc(&text, digits[value << (5 - bits) & 31]);
	try_text(text.data, text.len);
	strbuf_deinit(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_text((const char *)data, size);
	if (size > 0 && size <= BINARY_MAX)
		try_binary(data, size);
	return 0;
}
