#include "config.h"

#include <string.h>

#include "conf/conf_file.h"
#include "conf/conf_line.h"

/* Where in "name = value" the reader is; decides what '#' and quotes mean. */
struct scan {
	bool in_value;		/* the '=' was seen */
	bool value_began;	/* and something after it */
	char quote;		/* the value is in these quotes; 0: in none */
};

void
conf_lines_init(struct conf_lines *lines, const char *text, size_t len)
{
	memset(lines, 0, sizeof(*lines));
	lines->p = text;
	lines->end = text + len;
	strbuf_init(&lines->raw, CONF_LINE_MAX);
	strbuf_init(&lines->name, CONF_LINE_MAX);
	strbuf_init(&lines->value, CONF_LINE_MAX);
}

void
conf_lines_deinit(struct conf_lines *lines)
{
	explicit_bzero(lines->raw.data, lines->raw.len);
	explicit_bzero(lines->value.data, lines->value.len);
	strbuf_deinit(&lines->raw);
	strbuf_deinit(&lines->name);
	strbuf_deinit(&lines->value);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static const char *
skip_space(const char *p)
{
	while (is_space(*p))
		p++;
	return p;
}

/*
 * The bytes of one line before its comment.  A '#' begins a comment at the
 * start of a line or after a space, outside quotes.
 */
static size_t
scan_line(struct scan *scan, const char *p, size_t len, bool *comment_r)
{
	*comment_r = false;
	for (size_t i = 0; i < len; i++) {
		if (scan->quote != 0) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == scan->quote)
				scan->quote = 0;
			continue;
		}
		if (p[i] == '#' && (i == 0 || is_space(p[i - 1]))) {
			*comment_r = true;
			return i;
		}
		if (scan->in_value && !scan->value_began && !is_space(p[i])) {
			scan->value_began = true;
			if (p[i] == '"' || p[i] == '\'')
				scan->quote = p[i];
		}
		if (p[i] == '=')
			scan->in_value = true;
	}
	return len;
}

/* Add one line to raw.  Returns true if it says that it goes on. */
static bool
add_line(struct conf_lines *lines, struct scan *scan)
{
	const char *p = lines->p, *nl;
	bool comment, goes_on = false;
	size_t len;

	nl = memchr(p, '\n', (size_t)(lines->end - p));
	lines->p = nl != NULL ? nl + 1 : lines->end;
	lines->number++;
	if (nl == NULL)
		nl = lines->end;
	while (p < nl && is_space(*p))
		p++;
	if (lines->raw.len > 0 && p < nl && *p == '#' && scan->quote == 0)
		return true;	/* a comment between continued lines */
	len = scan_line(scan, p, (size_t)(nl - p), &comment);
	while (len > 0 && is_space(p[len - 1]))
		len--;
	if (!comment && len > 0 && p[len - 1] == '\\') {
		goes_on = true;
		for (len--; len > 0 && is_space(p[len - 1]); len--)
			;
	}
	strbuf_add(&lines->raw, p, len);
	if (goes_on)
		strbuf_addc(&lines->raw, ' ');
	return goes_on;
}

/* A value in quotes: up to the same quote, which must be the last byte. */
static int
parse_quoted(struct conf_lines *lines, const char *p, struct err *err)
{
	char quote = *p++;

	for (; *p != '\0' && *p != quote; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		strbuf_addc(&lines->value, *p);
	}
	if (*p == '\0')
		return err_set(err, ERR_CONFIG, "a quote is not closed");
	if (*skip_space(p + 1) != '\0')
		return err_set(err, ERR_CONFIG, "text after the closing quote");
	return 0;
}

static int
parse_value(struct conf_lines *lines, const char *p, struct conf_line *line,
    struct err *err)
{
	if (*p == '<') {
		line->from_file = true;
		p = skip_space(p + 1);
		if (*p == '\0')
			return err_set(err, ERR_CONFIG, "< without a file");
	}
	if (*p == '"' || *p == '\'')
		return parse_quoted(lines, p, err);
	strbuf_adds(&lines->value, p);
	return 0;
}

static int
parse_include(struct conf_lines *lines, const char *p, struct conf_line *line,
    struct err *err)
{
	size_t len = strcspn(p, " \t");

	if (len == 8 && strncmp(p, "!include", len) == 0)
		line->kind = CONF_LINE_INCLUDE;
	else if (len == 12 && strncmp(p, "!include_try", len) == 0)
		line->kind = CONF_LINE_INCLUDE_TRY;
	else
		return err_set(err, ERR_CONFIG, "unknown word %.40s: only "
		    "!include and !include_try begin with !", p);
	p = skip_space(p + len);
	if (*p == '"' || *p == '\'') {
		if (parse_quoted(lines, p, err) == -1)
			return -1;
	} else
		strbuf_adds(&lines->value, p);
	if (lines->value.len == 0)
		return err_set(err, ERR_CONFIG, "!include without a file");
	return 0;
}

/* p is after the name of "name {" or "name value {". */
static int
parse_section(struct conf_lines *lines, const char *p, struct conf_line *line,
    struct err *err)
{
	size_t len = strlen(p);

	/* The caller saw that the line ends in '{'. */
	for (len--; len > 0 && is_space(p[len - 1]); len--)
		;
	line->kind = CONF_LINE_SECTION;
	if (len == 0)
		return 0;
	if (*p == '"' || *p == '\'') {
		char quote = *p;

		if (len < 2 || p[len - 1] != quote ||
		    memchr(p + 1, quote, len - 2) != NULL)
			return err_set(err, ERR_CONFIG,
			    "a quote is not closed");
		p++;
		len -= 2;
	}
	if (strspn(p, OPT_NAME_CHARS) < len)
		return err_set(err, ERR_CONFIG, "a section's name consists of "
		    "letters, digits and _-/.@:+");
	strbuf_add(&lines->value, p, len);
	return 0;
}

static int
parse_line(struct conf_lines *lines, struct conf_line *line, struct err *err)
{
	const char *p = lines->raw.data;
	size_t len = lines->raw.len, n;

	line->kind = CONF_LINE_EMPTY;
	if (len == 0)
		return 0;
	if (*p == '!')
		return parse_include(lines, p, line, err);
	if (strcmp(p, "}") == 0) {
		line->kind = CONF_LINE_SECTION_END;
		return 0;
	}
	n = strspn(p, OPT_NAME_CHARS);
	strbuf_add(&lines->name, p, n);
	p = skip_space(p + n);
	if (n > 0 && *p == '=') {
		line->kind = CONF_LINE_SETTING;
		return parse_value(lines, skip_space(p + 1), line, err);
	}
	if (n > 0 && lines->raw.data[len - 1] == '{')
		return parse_section(lines, p, line, err);
	return err_set(err, ERR_CONFIG, "neither \"name = value\" nor "
	    "\"section {\" nor \"}\": %.60s", lines->raw.data);
}

int
conf_lines_next(struct conf_lines *lines, struct conf_line *line,
    struct err *err)
{
	struct scan scan = { .in_value = false };
	size_t len;
	bool more = true;

	memset(line, 0, sizeof(*line));
	if (lines->p == lines->end)
		return 0;
	strbuf_reset(&lines->raw);
	strbuf_reset(&lines->name);
	strbuf_reset(&lines->value);
	while (more && lines->p < lines->end)
		more = add_line(lines, &scan);
	if (more)
		return err_set(err, ERR_CONFIG, "the last line ends in \\");
	if (lines->raw.failed)
		return err_set(err, ERR_CONFIG, "the line is longer than %u "
		    "bytes", CONF_LINE_MAX);
	len = lines->raw.len;
	while (len > 0 && is_space(lines->raw.data[len - 1]))
		len--;
	lines->raw.len = len;
	lines->raw.data[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)lines->raw.data[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return err_set(err, ERR_CONFIG,
			    "the line has a control character");
	}
	if (parse_line(lines, line, err) == -1)
		return -1;
	line->name = lines->name.data;
	line->value = lines->value.data;
	return 1;
}
