#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/mailbox_name.h"
#include "store/files/caret.h"
#include "store/files/subscriptions.h"
#include "store/files/tab_escape.h"

#define V2_HEAD "V\t2\n"

#define CARET '^'	/* as separator: escaped by it */

/* What separates levels on a line. */
static char
line_separator(const struct subscriptions *subs)
{
	if (subs->version == 2)
		return '\t';
	return subs->separator == CARET ? '/' : subs->separator;
}

/* One level in storage encoding, appended to name as UTF-8; -1 if broken. */
static int
decode_plain(struct strbuf *name, bool utf8, const char *text, size_t len)
{
	if (utf8) {
		strbuf_add(name, text, len);
		return 0;
	}
	return mutf7_decode(name, text, len);
}

static int
decode_level(const struct subscriptions *subs, struct strbuf *name,
    const char *text, size_t len)
{
	struct strbuf plain;
	int ret;

	if (subs->separator != CARET)
		return decode_plain(name, subs->utf8, text, len);
	strbuf_init(&plain, NAME_MAX_BYTES);
	ret = caret_unescape(&plain, text, len);
	if (ret == 0)
		ret = decode_plain(name, subs->utf8, plain.data, plain.len);
	strbuf_deinit(&plain);
	return ret;
}

/* Add one level to a line, text being in storage encoding. */
static void
encode_level(const struct subscriptions *subs, struct strbuf *out,
    const struct strbuf *text, bool top)
{
	if (subs->separator == CARET)
		caret_escape(out, text->data, text->len, top);
	else
		strbuf_add(out, text->data, text->len);
}

/* The joined name of a line, heap memory; NULL if there is none. */
static char *
decode_line(const struct subscriptions *subs, const char *line)
{
	const char seps[] = { line_separator(subs), '\0' };
	struct strbuf name, level;
	const char *p = line;
	char *result = NULL;
	size_t len;
	int r = 0;

	strbuf_init(&name, NAME_MAX_BYTES);
	strbuf_init(&level, NAME_MAX_BYTES);
	for (;;) {
		len = strcspn(p, seps);
		strbuf_reset(&level);
		if (subs->version == 2)
			r = tab_unescape(&level, p, len);
		else
			strbuf_add(&level, p, len);
		if (r == -1 || decode_level(subs, &name, level.data,
		    level.len) == -1)
			break;
		p += len;
		if (*p == '\0') {
			if (!level.failed && !name.failed &&
			    name_valid(name.data, name.len))
				result = mem_strdup(name.data);
			break;
		}
		p++;
		strbuf_addc(&name, NAME_SEP);
	}
	strbuf_deinit(&level);
	strbuf_deinit(&name);
	return result;
}

static char *
encode_line(const struct subscriptions *subs, const char *name)
{
	struct strbuf line, level, stored;
	const char *p = name;
	char *result;
	size_t len;

	strbuf_init(&stored, 24 * NAME_MAX_BYTES);
	strbuf_init(&line, 24 * NAME_MAX_BYTES);
	strbuf_init(&level, 8 * NAME_MAX_BYTES);
	for (;;) {
		len = strcspn(name, "\x1f");
		strbuf_reset(&level);
		if (subs->utf8)
			strbuf_add(&level, name, len);
		else
			mutf7_encode(&level, name, len);
		strbuf_reset(&stored);
		encode_level(subs, &stored, &level, name == p);
		if (subs->version == 2)
			tab_escape(&line, stored.data, stored.len);
		else
			strbuf_add(&line, stored.data, stored.len);
		name += len;
		if (*name == '\0')
			break;
		name++;
		strbuf_addc(&line, line_separator(subs));
	}
	result = mem_strdup(line.data);
	strbuf_deinit(&level);
	strbuf_deinit(&stored);
	strbuf_deinit(&line);
	return result;
}

void
subscriptions_init(struct subscriptions *subs, bool utf8, char separator)
{
	*subs = (struct subscriptions){ .version = 2, .utf8 = utf8,
	    .separator = separator };
}

void
subscriptions_deinit(struct subscriptions *subs)
{
	for (size_t i = 0; i < subs->lines.n; i++) {
		free(subs->lines.v[i].line);
		free(subs->lines.v[i].name);
	}
	ARRAY_FREE(&subs->lines);
}

void
subscriptions_parse(struct subscriptions *subs, bool utf8, char separator,
    const char *text, size_t len)
{
	const char *lf, *nul;
	struct subscription *sub;
	size_t n;

	subscriptions_init(subs, utf8, separator);
	if (len >= strlen(V2_HEAD) &&
	    memcmp(text, V2_HEAD, strlen(V2_HEAD)) == 0) {
		text += strlen(V2_HEAD);
		len -= strlen(V2_HEAD);
	} else if (len > 0) {
		subs->version = 1;
	}
	for (; len > 0; text += n, len -= n) {
		lf = memchr(text, '\n', len);
		n = lf == NULL ? len : (size_t)(lf - text) + 1;
		if (text[0] == '\n' || text[0] == '\0')
			continue;
		nul = memchr(text, '\0', n);
		sub = ARRAY_ADD(&subs->lines);
		sub->line = mem_strndup(text, lf == NULL ? n : n - 1);
		/* A NUL cuts the line: it is no name. */
		sub->name = nul != NULL ? NULL : decode_line(subs, sub->line);
	}
}

void
subscriptions_format(const struct subscriptions *subs, struct strbuf *out)
{
	if (subs->version == 2)
		strbuf_adds(out, V2_HEAD "\n");
	for (size_t i = 0; i < subs->lines.n; i++) {
		/* It would make a file of version 2 of the first one. */
		if (subs->version == 1 && out->len == 0 &&
		    strcmp(subs->lines.v[i].line, "V\t2") == 0)
			continue;
		strbuf_adds(out, subs->lines.v[i].line);
		strbuf_addc(out, '\n');
	}
}

bool
subscriptions_set(struct subscriptions *subs, const char *name, bool on)
{
	struct subscription *sub;
	bool found = false;
	size_t k = 0;

	for (size_t i = 0; i < subs->lines.n; i++) {
		sub = &subs->lines.v[i];
		if (sub->name != NULL && strcmp(sub->name, name) == 0) {
			found = true;
			if (!on) {
				free(sub->line);
				free(sub->name);
				continue;
			}
		}
		subs->lines.v[k++] = *sub;
	}
	subs->lines.n = k;
	if (on && !found) {
		sub = ARRAY_ADD(&subs->lines);
		sub->name = mem_strdup(name);
		sub->line = encode_line(subs, name);
	}
	return found != on;
}
