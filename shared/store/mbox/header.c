#include "config.h"

#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "store/mbox/header.h"

static const struct {
	const char *name;
	enum header_name id;
} names[] = {
	{ "Content-Length", HEADER_CONTENT_LENGTH },
	{ "Status", HEADER_STATUS },
	{ "X-IMAP", HEADER_X_IMAP },
	{ "X-IMAPbase", HEADER_X_IMAPBASE },
	{ "X-Keywords", HEADER_X_KEYWORDS },
	{ "X-Status", HEADER_X_STATUS },
	{ "X-UID", HEADER_X_UID },
	{ "Lines", HEADER_NOTE },
	{ "X-Account-Key", HEADER_NOTE },
	{ "X-Evolution", HEADER_NOTE },
	{ "X-Evolution-Source", HEADER_NOTE },
	{ "X-KMail-EncryptionState", HEADER_NOTE },
	{ "X-KMail-MDN-Sent", HEADER_NOTE },
	{ "X-KMail-SignatureState", HEADER_NOTE },
	{ "X-Label", HEADER_NOTE },
	{ "X-Mozilla-Keys", HEADER_NOTE },
	{ "X-Mozilla-Status", HEADER_NOTE },
	{ "X-Mozilla-Status2", HEADER_NOTE },
	{ "X-UIDL", HEADER_NOTE },
};

enum header_name
header_find(const char *name, size_t len)
{
	while (len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\t'))
		len--;
	for (size_t i = 0; i < nitems(names); i++) {
		if (strlen(names[i].name) == len &&
		    strncasecmp(names[i].name, name, len) == 0)
			return names[i].id;
	}
	return HEADER_OTHER;
}

bool
header_is_shown(enum header_name name)
{
	return name == HEADER_OTHER || name == HEADER_NOTE;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
header_word(const char *text, size_t len, size_t *pos, const char **word_r,
    size_t *word_len_r)
{
	size_t i = *pos, start;

	while (i < len && is_blank(text[i]))
		i++;
	start = i;
	while (i < len && !is_blank(text[i]))
		i++;
	*pos = i;
	*word_r = text + start;
	*word_len_r = i - start;
	return i > start;
}

static bool
digits(const char *text, size_t len, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		if (n > (max - (uint64_t)(text[i] - '0')) / 10)
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*out = n;
	return true;
}

bool
header_number(const char *text, size_t len, uint64_t max, uint64_t *out)
{
	const char *word, *more;
	size_t word_len, more_len, pos = 0;

	return header_word(text, len, &pos, &word, &word_len) &&
	    !header_word(text, len, &pos, &more, &more_len) &&
	    digits(word, word_len, max, out);
}

uint8_t
header_status(const char *text, size_t len)
{
	uint8_t flags = 0;

	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case 'A':
			flags |= FLAG_ANSWERED;
			break;
		case 'D':
			flags |= FLAG_DELETED;
			break;
		case 'F':
			flags |= FLAG_FLAGGED;
			break;
		case 'O':
			flags |= STATUS_OLD;
			break;
		case 'R':
			flags |= FLAG_SEEN;
			break;
		case 'T':
			flags |= FLAG_DRAFT;
			break;
		}
	}
	return flags;
}

bool
header_base_parse(const char *text, size_t len, struct header_base *base_r)
{
	struct header_base base = { .keywords = 0 };
	uint64_t uidvalidity, last;
	const char *word;
	size_t word_len;

	if (!header_word(text, len, &base.keywords, &word, &word_len) ||
	    !digits(word, word_len, UINT32_MAX, &uidvalidity) ||
	    uidvalidity == 0 ||
	    !header_word(text, len, &base.keywords, &word, &word_len) ||
	    !digits(word, word_len, UINT32_MAX - 1, &last))
		return false;
	base.uidvalidity = (uint32_t)uidvalidity;
	base.last_uid = (uint32_t)last;
	*base_r = base;
	return true;
}

void
header_address(const char *text, size_t len, char *out, size_t size)
{
	const char *open = memchr(text, '<', len), *close, *word;
	size_t pos = 0, n;

	out[0] = '\0';
	if (open != NULL) {
		open++;
		close = memchr(open, '>', len - (size_t)(open - text));
		if (close == NULL)
			return;
		word = open;
		n = (size_t)(close - open);
	} else if (!header_word(text, len, &pos, &word, &n)) {
		return;
	}
	if (n == 0 || n >= size)
		return;
	memcpy(out, word, n);
	out[n] = '\0';
	if (strlen(out) != n)
		out[0] = '\0';
}
