#include "config.h"

#include <string.h>

#include "base/digest.h"
#include "model/guid.h"

int
guid_cmp(const struct guid128 *a, const struct guid128 *b)
{
	return memcmp(a->b, b->b, GUID_SIZE);
}

bool
guid_eq(const struct guid128 *a, const struct guid128 *b)
{
	return guid_cmp(a, b) == 0;
}

bool
guid_is_zero(const struct guid128 *guid)
{
	static const struct guid128 zero;

	return guid_eq(guid, &zero);
}

struct guid128
guid_random(void)
{
	struct guid128 guid;

	do {
		random_bytes(guid.b, GUID_SIZE);
	} while (guid_is_zero(&guid));
	return guid;
}

void
guid_format(const struct guid128 *guid, char out[static GUID_HEX_SIZE])
{
	hex_format(out, guid->b, GUID_SIZE);
}

bool
guid_parse(struct guid128 *guid_r, const char *text, size_t len)
{
	return hex_parse(guid_r->b, GUID_SIZE, text, len);
}

/* Is one of eight bytes a space, a control character or DEL? */
static bool
any_invalid(uint64_t bytes)
{
	const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
	uint64_t del = bytes ^ ones * 0x7f;

	return (((bytes - ones * 0x21) & ~bytes) | ((del - ones) & ~del)) &
	    tops;
}

bool
guid_text_valid(const char *text, size_t len)
{
	uint64_t bytes;
	size_t i = 0;

	if (len == 0 || len > GUID_TEXT_MAX)
		return false;
	for (; len - i >= sizeof(bytes); i += sizeof(bytes)) {
		memcpy(&bytes, text + i, sizeof(bytes));
		if (any_invalid(bytes))
			return false;
	}
	for (; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

static void
add_be32(struct digest_ctx *ctx, uint32_t n)
{
	uint8_t b[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16),
	    (uint8_t)(n >> 8), (uint8_t)n };

	digest_update(ctx, b, sizeof(b));
}

/*
 * Two stores compute this without having met, maybe with different versions of
 * the program, so the bytes that go in are part of the protocol.
 */
struct guid128
guid_first_mark(const struct guid128 *mailbox, uint32_t uidvalidity,
    uint32_t uid, const char *guid)
{
	static const char purpose[] = "dsync first mark";
	struct digest_ctx *ctx = digest_new();
	uint8_t digest[DIGEST_SIZE];
	struct guid128 mark;

	digest_update(ctx, purpose, sizeof(purpose));
	digest_update(ctx, mailbox->b, GUID_SIZE);
	add_be32(ctx, uidvalidity);
	add_be32(ctx, uid);
	digest_update(ctx, guid, strlen(guid));
	digest_final(ctx, digest);
	digest_free(&ctx);
	memcpy(mark.b, digest, GUID_SIZE);
	if (guid_is_zero(&mark))
		mark.b[0] = 1;
	return mark;
}
