/*
 * doveconf.c - what doveconf prints, taken apart
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "conf/doveconf.h"

#define VALUE_MAX	65536U		/* bytes */

static int
add(struct doveconf *dc, const struct strbuf *name, const char *value,
    size_t len, struct err *err)
{
	if (dc->n == DOVECONF_SETTINGS_MAX)
		return err_set(err, ERR_CORRUPT, "more than %u settings",
		    DOVECONF_SETTINGS_MAX);
	if (name->failed || name->len == 0)
		return err_set(err, ERR_CORRUPT, "a name that is empty, or "
		    "of more than %u bytes", DOVECONF_NAME_MAX);
	/* Certificates and the like, which nobody asks for here. */
	if (len > VALUE_MAX)
		return 0;
	*ARRAY_ADD(dc) = (struct doveconf_setting){
		.name = mem_strdup(name->data),
		.value = mem_strndup(value, len),
	};
	return 0;
}

void
doveconf_deinit(struct doveconf *dc)
{
	for (size_t i = 0; i < dc->n; i++) {
		free(dc->v[i].name);
		free(dc->v[i].value);
	}
	ARRAY_FREE(dc);
}

const char *
doveconf_get(const struct doveconf *dc, const char *name)
{
	for (size_t i = dc->n; i > 0; i--) {
		if (strcmp(dc->v[i - 1].name, name) == 0)
			return dc->v[i - 1].value;
	}
	return NULL;
}

/* The line at *text up to *end; false: there is none. */
static bool
next_line(const char **text, const char *limit, const char **line,
    const char **end)
{
	if (*text == limit)
		return false;
	*line = *text;
	*end = memchr(*text, '\n', (size_t)(limit - *text));
	if (*end == NULL)
		*end = *text = limit;
	else
		*text = *end + 1;
	return true;
}

static int
check_text(const char *text, size_t len, struct err *err)
{
	if (len > DOVECONF_OUTPUT_MAX || memchr(text, '\0', len) != NULL)
		return err_set(err, ERR_CORRUPT, "more than %u bytes, or a "
		    "NUL in them", DOVECONF_OUTPUT_MAX);
	return 0;
}

int
doveconf_parse_flat(struct doveconf *dc, const char *text, size_t len,
    struct err *err)
{
	const char *limit = text + len, *line, *end, *equal;
	struct strbuf name;
	int ret;

	ret = check_text(text, len, err);
	strbuf_init(&name, DOVECONF_NAME_MAX);
	while (ret == 0 && next_line(&text, limit, &line, &end)) {
		equal = memchr(line, '=', (size_t)(end - line));
		/* What follows a value of several lines. */
		if (equal == NULL)
			continue;
		strbuf_reset(&name);
		strbuf_add(&name, line, (size_t)(equal - line));
		ret = add(dc, &name, equal + 1, (size_t)(end - equal - 1),
		    err);
	}
	strbuf_deinit(&name);
	return ret;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
trim(const char **p, const char **end)
{
	while (*p < *end && is_blank(**p))
		(*p)++;
	while (*p < *end && is_blank((*end)[-1]))
		(*end)--;
}

/* A value without its quotes. */
static void
add_unquoted(struct strbuf *out, const char *p, const char *end)
{
	if (end - p < 2 || *p != '"' || end[-1] != '"') {
		strbuf_add(out, p, (size_t)(end - p));
		return;
	}
	for (p++, end--; p < end; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		strbuf_addc(out, *p);
	}
}

/* One part of a name, so that its '/' is none between parts. */
static void
add_escaped(struct strbuf *out, const struct strbuf *part)
{
	for (size_t i = 0; i < part->len; i++) {
		if (part->data[i] == '/')
			strbuf_adds(out, "\\s");
		else if (part->data[i] == ' ')
			strbuf_adds(out, "\\_");
		else if (part->data[i] == '\\')
			strbuf_adds(out, "\\\\");
		else
			strbuf_addc(out, part->data[i]);
	}
}

struct blocks {
	struct doveconf *dc;
	struct strbuf prefix;		/* "namespace/inbox/" */
	size_t ends[DOVECONF_DEPTH_MAX];	/* of it, outside each block */
	size_t depth;
	struct strbuf word;
};

/* "word {" or "word name {" without the brace. */
static int
open_block(struct blocks *b, const char *p, const char *end, struct err *err)
{
	const char *word = p;

	if (b->depth == DOVECONF_DEPTH_MAX)
		return err_set(err, ERR_CORRUPT, "more than %u blocks in "
		    "blocks", DOVECONF_DEPTH_MAX);
	b->ends[b->depth++] = b->prefix.len;
	while (p < end && !is_blank(*p))
		p++;
	strbuf_add(&b->prefix, word, (size_t)(p - word));
	strbuf_addc(&b->prefix, '/');
	trim(&p, &end);
	if (p < end) {
		strbuf_reset(&b->word);
		add_unquoted(&b->word, p, end);
		add_escaped(&b->prefix, &b->word);
		strbuf_addc(&b->prefix, '/');
	}
	return b->prefix.failed ? err_set(err, ERR_CORRUPT,
	    "a name of more than %u bytes", DOVECONF_NAME_MAX) : 0;
}

static void
cut(struct strbuf *buf, size_t len)
{
	buf->len = len;
	buf->data[len] = '\0';
}

static int
parse_line(struct blocks *b, const char *p, const char *end, struct err *err)
{
	const char *equal, *name_end;
	size_t outside = b->prefix.len;
	int ret;

	if (p == end || *p == '#')
		return 0;
	if (end - p == 1 && *p == '}') {
		if (b->depth == 0)
			return err_set(err, ERR_CORRUPT, "a block ends that "
			    "did not begin");
		cut(&b->prefix, b->ends[--b->depth]);
		return 0;
	}
	equal = memchr(p, '=', (size_t)(end - p));
	if (equal == NULL && end[-1] == '{') {
		end--;
		trim(&p, &end);
		return open_block(b, p, end, err);
	}
	if (equal == NULL)
		return 0;
	name_end = equal++;
	trim(&p, &name_end);
	trim(&equal, &end);
	strbuf_add(&b->prefix, p, (size_t)(name_end - p));
	strbuf_reset(&b->word);
	add_unquoted(&b->word, equal, end);
	ret = add(b->dc, &b->prefix, b->word.data, b->word.len, err);
	cut(&b->prefix, outside);
	return ret;
}

int
doveconf_parse_blocks(struct doveconf *dc, const char *text, size_t len,
    struct err *err)
{
	const char *limit = text + len, *line, *end;
	struct blocks b = { .dc = dc };
	int ret;

	ret = check_text(text, len, err);
	strbuf_init(&b.prefix, DOVECONF_NAME_MAX);
	strbuf_init(&b.word, DOVECONF_OUTPUT_MAX);
	while (ret == 0 && next_line(&text, limit, &line, &end)) {
		trim(&line, &end);
		ret = parse_line(&b, line, end, err);
	}
	if (ret == 0 && b.depth != 0)
		ret = err_set(err, ERR_CORRUPT, "it ends within a block");
	strbuf_deinit(&b.prefix);
	strbuf_deinit(&b.word);
	return ret;
}
