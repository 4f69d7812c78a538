#include "config.h"

#include <stdint.h>
#include <string.h>

#include "base/digest.h"
#include "base/utf8.h"
#include "model/flags.h"
#include "model/guid.h"
#include "model/mailbox_name.h"

bool
utf8_valid(const void *text, size_t len)
{
	const uint8_t *p = text;
	uint32_t c;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		if ((n = utf8_next(p, len, &c)) == 0)
			return false;
	}
	return true;
}

bool
name_valid(const char *name, size_t len)
{
	const uint8_t *p = (const uint8_t *)name;
	size_t n, part = 0, depth = 1;
	uint32_t c;

	if (len > NAME_MAX_BYTES)
		return false;
	for (; len > 0; p += n, len -= n) {
		if ((n = utf8_next(p, len, &c)) == 0)
			return false;
		if (c == NAME_SEP) {
			if (part == 0 || ++depth > NAME_DEPTH_MAX)
				return false;
			part = 0;
			continue;
		}
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
		if ((part += n) > NAME_PART_MAX)
			return false;
	}
	return part > 0;
}

bool
name_is_inbox(const char *name)
{
	return strcmp(name, "INBOX") == 0;
}

bool
name_is_temporary(const char *name)
{
	static const char end[] = { NAME_SEP, '\0' };
	size_t len = strcspn(name, end), prefix = sizeof(NAME_TEMP_PREFIX) - 1;
	struct guid128 guid;

	return strncmp(name, NAME_TEMP_PREFIX, prefix) == 0 &&
	    guid_parse(&guid, name + prefix, len - prefix);
}

size_t
name_parent_len(const char *name)
{
	const char *sep = strrchr(name, NAME_SEP);

	return sep != NULL ? (size_t)(sep - name) : 0;
}

const char *
name_last(const char *name)
{
	const char *sep = strrchr(name, NAME_SEP);

	return sep != NULL ? sep + 1 : name;
}

bool
name_is_below(const char *name, const char *parent)
{
	size_t len = strlen(parent);

	return strncmp(name, parent, len) == 0 && name[len] == NAME_SEP;
}

void
name_print(struct strbuf *out, const char *name)
{
	size_t n;

	for (; *name != '\0'; name += n) {
		n = 1;
		if (*name == NAME_SEP)
			strbuf_addc(out, '/');
		else if (*name == '/')
			strbuf_adds(out, "\\/");
		else if (*name == '\\')
			strbuf_adds(out, "\\\\");
		else {
			static const char special[] = { NAME_SEP, '/', '\\',
			    '\0' };

			n = strcspn(name, special);
			strbuf_add_escaped(out, name, n);
		}
	}
}

char *
name_show(char *out, size_t size, const char *name)
{
	struct strbuf buf;

	if (size == 0)
		return out;
	strbuf_init(&buf, size - 1);
	name_print(&buf, name);
	memcpy(out, buf.data, buf.len + 1);
	strbuf_deinit(&buf);
	return out;
}

/* Take what name_print wrote: \/ and \\ and \xNN; other \ mean themselves. */
static void
unescape(struct strbuf *out, const char *text)
{
	char byte;

	while (*text != '\0') {
		if (text[0] == '\\' && (text[1] == '/' || text[1] == '\\')) {
			strbuf_addc(out, text[1]);
			text += 2;
		} else if (text[0] == '\\' && text[1] == 'x' &&
		    hex_parse(&byte, 1, text + 2, strnlen(text + 2, 2))) {
			/* A separator must not come in by this way. */
			strbuf_addc(out, byte == NAME_SEP ? '\0' : byte);
			text += 4;
		} else {
			strbuf_addc(out, *text == '/' ? NAME_SEP :
			    *text == NAME_SEP ? '\0' : *text);
			text++;
		}
	}
}

int
name_from_user(struct strbuf *out, const char *text)
{
	size_t start = out->len;

	unescape(out, text);
	if (out->failed || !name_valid(out->data + start, out->len - start)) {
		out->len = start;
		out->data[start] = '\0';
		return -1;
	}
	if (keyword_cmp(out->data + start, "INBOX") == 0)
		memcpy(out->data + start, "INBOX", 5);
	return 0;
}

/*
 * A row of the table says which prefixes of the mask match the bytes of the
 * name so far.  The time is the product of the lengths whatever the mask is,
 * which backtracking would not promise.
 */
bool
name_matches(const char *name, const char *mask)
{
	bool row[NAME_MAX_BYTES + 1];
	size_t n = strlen(mask);
	bool before, now;

	if (n > NAME_MAX_BYTES || strlen(name) > NAME_MAX_BYTES)
		return false;
	row[0] = true;
	for (size_t j = 0; j < n; j++)
		row[j + 1] = row[j] && (mask[j] == '*' || mask[j] == '%');
	for (; *name != '\0'; name++) {
		before = row[0];
		row[0] = false;
		for (size_t j = 0; j < n; j++) {
			now = row[j + 1];
			if (mask[j] == '*')
				row[j + 1] = row[j] || now;
			else if (mask[j] == '%')
				row[j + 1] = row[j] ||
				    (now && *name != NAME_SEP);
			else
				row[j + 1] = before && mask[j] == *name;
			before = now;
		}
	}
	return row[n];
}
