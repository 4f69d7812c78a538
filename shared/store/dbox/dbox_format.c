#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "store/dbox/dbox_format.h"
#include "store/store.h"

#define META_MAGIC	"\n\001\003\n"
#define MAGIC_LEN	4U
#define SIZE_OFFSET	13U	/* of the size in a message header */
#define SIZE_DIGITS	16U

/* 1..16 hexadecimal digits of either case; false if they are not. */
static bool
parse_hex(uint64_t *out, const char *text, size_t len)
{
	uint64_t n = 0;
	unsigned int digit;

	if (len == 0 || len > SIZE_DIGITS)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			digit = (unsigned int)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned int)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (unsigned int)(c - 'A') + 10;
		else
			return false;
		n = n << 4 | digit;
	}
	*out = n;
	return true;
}

static bool
parse_decimal(uint32_t *out, const char *text, size_t len)
{
	uint64_t n = 0;

	if (len == 0 || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*out = (uint32_t)n;
	return n <= UINT32_MAX;
}

/* One field of the line; those of unknown letters are left alone. */
static bool
header_field(struct dbox_file_header *out, const char *field, size_t len)
{
	uint64_t n;

	if (len == 0)
		return true;
	if (field[0] == 'M') {
		if (!parse_hex(&n, field + 1, len - 1) ||
		    n < DBOX_MESSAGE_HEADER || n > DBOX_FILE_HEADER_MAX)
			return false;
		out->message_header = (uint32_t)n;
	} else if (field[0] == 'C') {
		return parse_hex(&out->created, field + 1, len - 1);
	}
	return true;
}

int
dbox_file_header_parse(struct dbox_file_header *out, const void *data,
    size_t len, struct err *err)
{
	const char *p = data, *space;
	const char *lf = memchr(p, '\n', len < DBOX_FILE_HEADER_MAX ? len :
	    DBOX_FILE_HEADER_MAX);

	*out = (struct dbox_file_header){ .len = 0 };
	if (lf == NULL && len < DBOX_FILE_HEADER_MAX)
		return 1;
	if (lf == NULL || lf - p < 2 || p[1] != ' ')
		return err_set(err, ERR_CORRUPT, "not a dbox file");
	if (p[0] != '2')
		return err_set(err, ERR_CORRUPT,
		    "a dbox file of another version");
	out->len = (size_t)(lf - p) + 1;
	for (p += 2; p < lf; p = space + 1) {
		space = memchr(p, ' ', (size_t)(lf - p));
		if (space == NULL)
			space = lf;
		if (!header_field(out, p, (size_t)(space - p)))
			return err_set(err, ERR_CORRUPT,
			    "the header of a dbox file is broken");
	}
	if (out->message_header == 0)
		return err_set(err, ERR_CORRUPT,
		    "the header of a dbox file is not complete");
	return 0;
}

int
dbox_message_header_parse(uint64_t *size_r, const void *data, size_t len,
    struct err *err)
{
	const char *p = data;

	if (len < DBOX_MESSAGE_HEADER || memcmp(p, "\001\002N ", 4) != 0 ||
	    p[DBOX_MESSAGE_HEADER - 1] != '\n' ||
	    !parse_hex(size_r, p + SIZE_OFFSET, SIZE_DIGITS))
		return err_set(err, ERR_CORRUPT,
		    "no message begins where one should");
	if (*size_r > MAIL_SIZE_MAX)
		return err_set(err, ERR_CORRUPT,
		    "a message says that it is of %" PRIu64 " bytes",
		    *size_r);
	return 0;
}

/* A value of text: unusable ones are as good as none. */
static void
meta_text(char out[static GUID_TEXT_MAX + 1], const char *value, size_t len)
{
	if (!guid_text_valid(value, len))
		len = 0;
	memcpy(out, value, len);
	out[len] = '\0';
}

static bool
meta_line(struct dbox_meta *out, char key, const char *value, size_t len)
{
	uint64_t n;

	switch (key) {
	case 'R':
		if (!parse_hex(&n, value, len))
			return false;
		out->received = (int64_t)n;
		return true;
	case 'V':
		return out->has_vsize = parse_hex(&out->vsize, value, len);
	case 'Z':
		return out->has_real_size = parse_hex(&out->real_size, value,
		    len);
	case 'G':
		meta_text(out->guid, value, len);
		return true;
	case 'P':
		meta_text(out->pop3_uidl, value, len);
		return true;
	case 'O':
		return parse_decimal(&out->pop3_order, value, len);
	case 'X':
		out->external = true;
		return true;
	}
	/* Other letters are none of our business. */
	return true;
}

int
dbox_meta_parse(struct dbox_meta *out, const void *data, size_t len,
    struct err *err)
{
	const char *p = data, *end = p + (len < DBOX_META_MAX ? len :
	    DBOX_META_MAX), *lf;

	*out = (struct dbox_meta){ .received = RECEIVED_UNKNOWN };
	if (memcmp(p, META_MAGIC, len < MAGIC_LEN ? len : MAGIC_LEN) != 0)
		return err_set(err, ERR_CORRUPT,
		    "no metadata where the message should end");
	if (len <= MAGIC_LEN)
		return 1;
	for (p += MAGIC_LEN; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			break;
		if (lf == p) {
			out->len = (size_t)(lf - (const char *)data) + 1;
			return 0;
		}
		if (!meta_line(out, *p, p + 1, (size_t)(lf - p) - 1))
			return err_set(err, ERR_CORRUPT,
			    "the metadata of the message is broken");
	}
	if (len >= DBOX_META_MAX)
		return err_set(err, ERR_CORRUPT,
		    "the metadata of the message does not end");
	return 1;
}

const char *
dbox_meta_find_last(const char *data, size_t len)
{
	if (len < MAGIC_LEN || data[len - 1] != '\n')
		return NULL;
	for (size_t i = len - MAGIC_LEN; ; i--) {
		if (memcmp(data + i, META_MAGIC, MAGIC_LEN) == 0)
			return data + i;
		if (i == 0)
			return NULL;
	}
}

void
dbox_file_header_format(struct strbuf *out, uint64_t created)
{
	strbuf_addf(out, "2 M%x C%" PRIx64 "\n", DBOX_MESSAGE_HEADER,
	    created);
}

void
dbox_message_header_format(char out[static DBOX_MESSAGE_HEADER],
    uint64_t size)
{
	char digits[SIZE_DIGITS + 1];

	snprintf(digits, sizeof(digits), "%016" PRIx64, size);
	memset(out, ' ', DBOX_MESSAGE_HEADER);
	memcpy(out, "\001\002N", 3);
	memcpy(out + SIZE_OFFSET, digits, SIZE_DIGITS);
	out[DBOX_MESSAGE_HEADER - 1] = '\n';
}

void
dbox_meta_format(struct strbuf *out, const struct dbox_meta *meta,
    const char *mailbox)
{
	strbuf_adds(out, META_MAGIC);
	if (meta->has_real_size)
		strbuf_addf(out, "Z%" PRIx64 "\n", meta->real_size);
	if (meta->received != RECEIVED_UNKNOWN)
		strbuf_addf(out, "R%" PRIx64 "\n",
		    (uint64_t)meta->received);
	if (meta->has_vsize)
		strbuf_addf(out, "V%" PRIx64 "\n", meta->vsize);
	if (meta->pop3_uidl[0] != '\0')
		strbuf_addf(out, "P%s\n", meta->pop3_uidl);
	if (meta->pop3_order != 0)
		strbuf_addf(out, "O%" PRIu32 "\n", meta->pop3_order);
	strbuf_addf(out, "G%s\n", meta->guid);
	if (mailbox != NULL)
		strbuf_addf(out, "B%s\n", mailbox);
	strbuf_addc(out, '\n');
}

struct guid128
dbox_guid128(const char *guid)
{
	uint8_t digest[DIGEST_SHA1_SIZE];
	size_t len = strlen(guid);
	struct guid128 id;

	if (guid_parse(&id, guid, len))
		return id;
	digest_sha1(guid, len, digest);
	memcpy(id.b, digest + DIGEST_SHA1_SIZE - GUID_SIZE, GUID_SIZE);
	return id;
}
