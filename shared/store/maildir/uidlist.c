#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "base/digest.h"
#include "store/maildir/uidlist.h"

bool
uidlist_number(const char *text, size_t len, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' ||
		    n > (max - (uint64_t)(text[i] - '0')) / 10)
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*out = n;
	return true;
}

/* The next word of a line; words are separated by one or more spaces. */
static bool
next_word(const char **p, const char *end, const char **word, size_t *len)
{
	const char *start;

	while (*p < end && **p == ' ')
		(*p)++;
	start = *p;
	while (*p < end && **p != ' ')
		(*p)++;
	*word = start;
	*len = (size_t)(*p - start);
	return *len > 0;
}

static int
header_v1(struct uidlist_header *out, const char *p, const char *end,
    struct err *err)
{
	uint64_t validity, next;
	const char *word;
	size_t len;

	if (!next_word(&p, end, &word, &len) ||
	    !uidlist_number(word, len, UINT32_MAX, &validity) ||
	    !next_word(&p, end, &word, &len) ||
	    !uidlist_number(word, len, UINT32_MAX, &next) ||
	    validity == 0 || next == 0)
		return err_set(err, ERR_CORRUPT,
		    "dovecot-uidlist: broken header of version 1");
	out->uidvalidity = (uint32_t)validity;
	out->uidnext = (uint32_t)next;
	return 0;
}

static int
header_field(struct uidlist_header *out, const char *word, size_t len,
    struct err *err)
{
	size_t used = strlen(out->extra);
	uint64_t n = 0;

	switch (word[0]) {
	case 'V':
		uidlist_number(word + 1, len - 1, UINT32_MAX, &n);
		out->uidvalidity = (uint32_t)n;
		return 0;
	case 'N':
		uidlist_number(word + 1, len - 1, UINT32_MAX, &n);
		out->uidnext = (uint32_t)n;
		return 0;
	case 'G':
		if (guid_parse(&out->guid, word + 1, len - 1))
			return 0;
		/* A GUID that is none is as good as absent. */
		out->guid = (struct guid128){ .b = { 0 } };
		return 0;
	}
	if (used + 1 + len >= sizeof(out->extra))
		return err_set(err, ERR_CORRUPT,
		    "dovecot-uidlist: the header is too long");
	out->extra[used] = ' ';
	memcpy(out->extra + used + 1, word, len);
	out->extra[used + 1 + len] = '\0';
	return 0;
}

int
uidlist_header_parse(struct uidlist_header *out, const char *line, size_t len,
    struct err *err)
{
	const char *p = line, *end = line + len, *word;
	struct uidlist_header header = { .version = 0 };
	size_t word_len;

	if (memchr(line, '\0', len) != NULL ||
	    !next_word(&p, end, &word, &word_len) || word_len != 1 ||
	    (word[0] != '1' && word[0] != '3'))
		return err_set(err, ERR_CORRUPT,
		    "dovecot-uidlist: unknown version");
	header.version = (unsigned int)(word[0] - '0');
	if (header.version == 1) {
		if (header_v1(&header, p, end, err) == -1)
			return -1;
		*out = header;
		return 0;
	}
	while (next_word(&p, end, &word, &word_len)) {
		if (header_field(&header, word, word_len, err) == -1)
			return -1;
	}
	if (header.uidvalidity == 0 || header.uidnext == 0)
		return err_set(err, ERR_CORRUPT,
		    "dovecot-uidlist: no UIDVALIDITY or UIDNEXT in the header");
	*out = header;
	return 0;
}

int
uidlist_record_parse(struct uidlist_record *out, unsigned int version,
    const char *line, size_t len, struct err *err)
{
	const char *p = line, *end = line + len, *word, *colon;
	struct uidlist_record rec = { .fields = "", .fields_len = 0 };
	size_t word_len;
	uint64_t uid;

	if (!next_word(&p, end, &word, &word_len) ||
	    !uidlist_number(word, word_len, UINT32_MAX, &uid) || uid == 0 ||
	    p == end)
		return err_set(err, ERR_CORRUPT,
		    "dovecot-uidlist: a line has no UID or nothing behind it");
	rec.uid = (uint32_t)uid;
	p++;
	if (version == 1) {
		rec.base = p;
	} else {
		/* Fields begin with a capital, so the first " :" ends them. */
		rec.fields = p;
		while (p < end && *p != ':') {
			if (!next_word(&p, end, &word, &word_len) || p == end)
				break;
			p++;
		}
		if (p >= end || *p != ':')
			return err_set(err, ERR_CORRUPT,
			    "dovecot-uidlist: UID %" PRIu64
			    " has no file name", uid);
		rec.fields_len = (size_t)(p - rec.fields);
		rec.base = p + 1;
	}
	/* A name with its flags: the flags are not part of the base. */
	colon = memchr(rec.base, ':', (size_t)(end - rec.base));
	rec.base_len = (size_t)((colon == NULL ? end : colon) - rec.base);
	if (rec.base_len == 0 ||
	    memchr(rec.base, '/', rec.base_len) != NULL ||
	    memchr(line, '\0', len) != NULL)
		return err_set(err, ERR_CORRUPT, "dovecot-uidlist: UID %"
		    PRIu64 " has a broken file name", uid);
	*out = rec;
	return 0;
}

void
uidlist_header_format(struct strbuf *out, const struct uidlist_header *header)
{
	char hex[GUID_HEX_SIZE];

	guid_format(&header->guid, hex);
	strbuf_addf(out, "3 V%" PRIu32 " N%" PRIu32 " G%s%s\n",
	    header->uidvalidity, header->uidnext, hex, header->extra);
}

void
uidlist_record_format(struct strbuf *out, const struct uidlist_record *record)
{
	strbuf_addf(out, "%" PRIu32 " ", record->uid);
	strbuf_add(out, record->fields, record->fields_len);
	strbuf_addc(out, ':');
	strbuf_add(out, record->base, record->base_len);
	strbuf_addc(out, '\n');
}

bool
uidlist_field(const char *fields, size_t fields_len, char letter,
    const char **value_r, size_t *len_r)
{
	const char *p = fields, *end = fields + fields_len, *word;
	size_t len;

	while (next_word(&p, end, &word, &len)) {
		if (word[0] == letter) {
			*value_r = word + 1;
			*len_r = len - 1;
			return true;
		}
	}
	return false;
}

void
uidlist_guid(const struct uidlist_record *record,
    char out[static GUID_TEXT_MAX + 1])
{
	uint8_t sha1[DIGEST_SHA1_SIZE];
	const char *text;
	size_t len;

	if (!uidlist_field(record->fields, record->fields_len, 'G', &text,
	    &len) || len == 0) {
		text = record->base;
		len = record->base_len;
	}
	if (guid_text_valid(text, len)) {
		memcpy(out, text, len);
		out[len] = '\0';
		return;
	}
	digest_sha1(text, len, sha1);
	hex_format(out, sha1 + DIGEST_SHA1_SIZE - GUID_SIZE, GUID_SIZE);
}
