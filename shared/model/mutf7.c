/*
 * mutf7.c - the modified UTF-7 of IMAP mailbox names (RFC 3501 5.1.3)
 *
 * Printable ASCII stands for itself, '&' is "&-", and a run of anything else
 * is '&', its UTF-16 in base64 with ',' for '/' and no padding, '-'.  A name
 * has exactly one canonical form: the decoder takes a text apart without much
 * judgement, encodes what it got, and refuses all that does not come out the
 * same.  So two stored names never become one, and whatever was decoded can be
 * written back.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "model/mailbox_name.h"

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

struct bits {
	uint32_t value;
	unsigned int count;	/* of bits not yet taken from value */
};

static bool
stands_for_itself(uint32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

static void
encode_unit(struct strbuf *out, struct bits *bits, uint32_t unit)
{
	bits->value = bits->value << 16 | unit;
	bits->count += 16;
	while (bits->count >= 6) {
		bits->count -= 6;
		strbuf_addc(out, base64[bits->value >> bits->count & 63]);
	}
	bits->value &= (1U << bits->count) - 1;
}

static void
encode_end(struct strbuf *out, struct bits *bits)
{
	if (bits->count > 0)
		strbuf_addc(out, base64[bits->value << (6 - bits->count) & 63]);
	strbuf_addc(out, '-');
	*bits = (struct bits){ 0, 0 };
}

void
mutf7_encode(struct strbuf *out, const char *utf8, size_t len)
{
	const uint8_t *p = (const uint8_t *)utf8;
	struct bits bits = { 0, 0 };
	bool in_run = false;
	uint32_t c;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if ((n = utf8_next(p, len, &c)) == 0) {
			out->failed = true;
			return;
		}
		if (stands_for_itself(c)) {
			if (in_run)
				encode_end(out, &bits);
			in_run = false;
			strbuf_addc(out, (char)c);
			if (c == '&')
				strbuf_addc(out, '-');
			continue;
		}
		if (!in_run)
			strbuf_addc(out, '&');
		in_run = true;
		if (c >= 0x10000) {
			c -= 0x10000;
			encode_unit(out, &bits, 0xd800 | c >> 10);
			c = 0xdc00 | (c & 0x3ff);
		}
		encode_unit(out, &bits, c);
	}
	if (in_run)
		encode_end(out, &bits);
}

static void
add_utf8(struct strbuf *out, uint32_t c)
{
	if (c < 0x80) {
		strbuf_addc(out, (char)c);
		return;
	}
	if (c < 0x800)
		strbuf_addc(out, (char)(0xc0 | c >> 6));
	else {
		if (c < 0x10000)
			strbuf_addc(out, (char)(0xe0 | c >> 12));
		else {
			strbuf_addc(out, (char)(0xf0 | c >> 18));
			strbuf_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		strbuf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	strbuf_addc(out, (char)(0x80 | (c & 0x3f)));
}

/*
 * Decode the base64 at p up to '-'.  Returns the bytes taken, the '-'
 * included, or 0.  Half a surrogate pair becomes invalid UTF-8 or is lost;
 * both are found by the caller.
 */
static size_t
decode_run(struct strbuf *out, const char *p, size_t len)
{
	struct bits bits = { 0, 0 };
	uint32_t unit, high = 0;
	const char *digit;
	size_t i;

	for (i = 0; i < len && p[i] != '-'; i++) {
		if (p[i] == '\0' || (digit = strchr(base64, p[i])) == NULL)
			return 0;
		bits.value = bits.value << 6 | (uint32_t)(digit - base64);
		bits.count += 6;
		if (bits.count < 16)
			continue;
		bits.count -= 16;
		unit = bits.value >> bits.count;
		bits.value &= (1U << bits.count) - 1;
		if (unit >= 0xd800 && unit < 0xdc00) {
			if (high != 0)
				return 0;
			high = unit;
			continue;
		}
		if (high != 0) {
			if (unit < 0xdc00 || unit > 0xdfff)
				return 0;
			unit = 0x10000 + ((high & 0x3ff) << 10 | (unit & 0x3ff));
			high = 0;
		}
		add_utf8(out, unit);
	}
	return i < len && high == 0 ? i + 1 : 0;
}

static int
decode(struct strbuf *out, const char *p, size_t len)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = 1;
		if (!stands_for_itself((unsigned char)*p))
			return -1;
		if (*p != '&') {
			strbuf_addc(out, *p);
			continue;
		}
		if (len > 1 && p[1] == '-') {
			strbuf_addc(out, '&');
			n = 2;
			continue;
		}
		if ((n = decode_run(out, p + 1, len - 1)) == 0)
			return -1;
		n++;
	}
	return out->failed ? -1 : 0;
}

static bool
is_canonical(const char *utf8, size_t utf8_len, const char *mutf7, size_t len)
{
	struct strbuf again;
	bool same;

	strbuf_init(&again, len);
	mutf7_encode(&again, utf8, utf8_len);
	same = !again.failed && again.len == len &&
	    memcmp(again.data, mutf7, len) == 0;
	strbuf_deinit(&again);
	return same;
}

int
mutf7_decode(struct strbuf *out, const char *mutf7, size_t len)
{
	size_t start = out->len, n;
	bool failed = out->failed;
	const char *name;

	/* No valid part is longer: "&AOk-" stands for two bytes. */
	if (len > 4 * NAME_PART_MAX || decode(out, mutf7, len) == -1)
		goto bad;
	name = out->data + start;
	n = out->len - start;
	if (memchr(name, NAME_SEP, n) != NULL || !name_valid(name, n) ||
	    !is_canonical(name, n, mutf7, len))
		goto bad;
	return 0;
bad:
	out->len = start;
	out->data[start] = '\0';
	out->failed = failed;
	return -1;
}
