/*
 * One pass over the file: the end of each message is found first, by its
 * Content-Length or by looking for "\nFrom ", then it is read for its digest.
 * Both mostly are within one window, so each byte is read from the file about
 * once.  A body that is longer than the window is read twice only if it had no
 * usable Content-Length.
 */
#include "config.h"

#include <string.h>

#include "store/mbox/from_line.h"
#include "store/mbox/parse.h"

/* Of bytes that were read: as parse_is_from. */
static bool
is_from(const char *p, size_t got, size_t *len_r, int64_t *received_r)
{
	const char *lf;

	if (got > FROM_LINE_MAX)
		got = FROM_LINE_MAX;
	if (got < 5 || memcmp(p, "From ", 5) != 0 ||
	    (lf = memchr(p, '\n', got)) == NULL ||
	    !from_line_parse(p, (size_t)(lf - p), received_r))
		return false;
	*len_r = (size_t)(lf - p) + 1;
	return true;
}

int
parse_is_from(struct window *w, uint64_t offset, uint64_t *next_r,
    int64_t *received_r, struct err *err)
{
	const char *p;
	size_t got, len;

	if ((p = window_at(w, offset, FROM_LINE_MAX, &got, err)) == NULL)
		return -1;
	if (!is_from(p, got, &len, received_r))
		return 0;
	*next_r = offset + len;
	return 1;
}

/* A field ends where a line does not begin with a blank. */
static int
continued(struct window *w, uint64_t end, struct parse_field *field,
    struct strbuf *value, struct err *err)
{
	struct window_line line;
	const char *p;
	size_t got;

	while (field->end < end) {
		if ((p = window_at(w, field->end, 1, &got, err)) == NULL)
			return -1;
		if (got == 0 || (*p != ' ' && *p != '\t'))
			break;
		if (window_line(w, field->end, &line, err) == -1)
			return -1;
		if (value != NULL)
			strbuf_add(value, line.text, line.len);
		field->end = line.next < end ? line.next : end;
	}
	return 0;
}

int
parse_field(struct window *w, uint64_t offset, uint64_t end,
    struct parse_field *field_r, struct strbuf *value, struct err *err)
{
	struct window_line line;
	const char *colon;
	int r;

	*field_r = (struct parse_field){ .kind = PARSE_END, .start = offset,
	    .end = offset };
	if (value != NULL)
		strbuf_reset(value);
	if (offset >= end)
		return 0;
	if ((r = window_line(w, offset, &line, err)) != 1)
		return r;
	field_r->end = line.next < end ? line.next : end;
	/* The line may go on behind the message, but not for us. */
	if (line.len > end - offset) {
		line.len = (size_t)(end - offset);
		line.complete = false;
	}
	if (line.next > end)
		line.complete = false;
	if (line.complete && (line.len == 0 ||
	    (line.len == 1 && line.text[0] == '\r'))) {
		field_r->kind = PARSE_EMPTY;
		return 0;
	}
	colon = memchr(line.text, ':', line.len);
	if (colon == NULL || colon == line.text) {
		field_r->kind = PARSE_BODY;
		return 0;
	}
	field_r->kind = PARSE_FIELD;
	field_r->name = header_find(line.text, (size_t)(colon - line.text));
	if (value != NULL)
		strbuf_add(value, colon + 1,
		    line.len - (size_t)(colon - line.text) - 1);
	return continued(w, end, field_r, value, err);
}

struct parser {
	struct window w;
	struct strbuf value, base, keywords;
	struct digest_ctx *digest;
	bool cr;
	bool first;
	struct parse_mail m;
	bool has_length;
	uint64_t length;
};

/*
 * Does a message that ends at this offset have what must follow: the end of
 * the file or a From_ line, after one line end?  Sets m.next.  1, 0, -1.  Only
 * what is needed is read: lying lengths must not cost a window each.
 */
static int
is_end(struct parser *ps, uint64_t end, struct err *err)
{
	char p[FROM_LINE_MAX + 2];
	size_t got, eol = 0, len;
	int64_t received;

	if (end > ps->w.size)
		return 0;
	if (window_peek(&ps->w, end, p, sizeof(p), &got, err) == -1)
		return -1;
	if (got >= 1 && p[0] == '\n')
		eol = 1;
	else if (got >= 2 && p[0] == '\r' && p[1] == '\n')
		eol = 2;
	if (end + eol != ps->w.size && (eol == 0 ||
	    !is_from(p + eol, got - eol, &len, &received)))
		return 0;
	ps->m.next = end + eol;
	return 1;
}

/* The message ends before the line end in front of next. */
static int
set_end(struct parser *ps, uint64_t next, uint64_t at_least, struct err *err)
{
	const char *p;
	size_t got;

	ps->m.next = ps->m.end = next;
	if (next - at_least >= 1) {
		p = window_at(&ps->w, next - 1, 1, &got, err);
		if (p == NULL)
			return -1;
		if (*p == '\n')
			ps->m.end--;
	}
	if (ps->m.end < next && ps->m.end - at_least >= 1) {
		p = window_at(&ps->w, ps->m.end - 1, 1, &got, err);
		if (p == NULL)
			return -1;
		if (*p == '\r')
			ps->m.end--;
	}
	return 0;
}

/* Look for the next From_ line behind the line end at or after offset. */
static int
search_end(struct parser *ps, uint64_t offset, uint64_t at_least,
    struct err *err)
{
	uint64_t next;
	int64_t received;
	const char *p, *hit;
	size_t got;
	int r;

	for (;;) {
		p = window_at(&ps->w, offset, 6, &got, err);
		if (p == NULL)
			return -1;
		if (got < 6)
			return set_end(ps, ps->w.size, at_least, err);
		hit = memmem(p, got, "\nFrom ", 6);
		if (hit == NULL) {
			offset += got - 5;
			continue;
		}
		offset += (size_t)(hit - p);
		r = parse_is_from(&ps->w, offset + 1, &next, &received, err);
		if (r == -1)
			return -1;
		if (r == 1)
			return set_end(ps, offset + 1, at_least, err);
		offset++;
	}
}

static void
digest_range(struct parser *ps, const char *p, size_t len)
{
	digest_update_mail(ps->digest, &ps->cr, p, len);
	ps->m.size += len;
}

static int
digest_file(struct parser *ps, uint64_t from, uint64_t to, struct err *err)
{
	const char *p;
	size_t got;

	while (from < to) {
		if ((p = window_at(&ps->w, from, 1, &got, err)) == NULL)
			return -1;
		if (got > to - from)
			got = (size_t)(to - from);
		digest_range(ps, p, got);
		from += got;
	}
	return 0;
}

static void
keep(struct strbuf *to, const struct strbuf *value)
{
	strbuf_reset(to);
	strbuf_add(to, value->data, value->len);
}

static void
take_field(struct parser *ps, enum header_name name)
{
	const char *text = ps->value.data;
	size_t len = ps->value.len;
	uint64_t n;

	switch (name) {
	case HEADER_OTHER:
	case HEADER_NOTE:
		break;
	case HEADER_CONTENT_LENGTH:
		ps->has_length = header_number(text, len, INT64_MAX / 2,
		    &ps->length);
		break;
	case HEADER_STATUS:
	case HEADER_X_STATUS:
		ps->m.status |= header_status(text, len);
		break;
	case HEADER_X_IMAP:
	case HEADER_X_IMAPBASE:
		if (!ps->first || ps->m.has_base ||
		    !header_base_parse(text, len, &ps->m.base))
			break;
		ps->m.has_base = true;
		ps->m.pseudo = name == HEADER_X_IMAP;
		keep(&ps->base, &ps->value);
		break;
	case HEADER_X_KEYWORDS:
		keep(&ps->keywords, &ps->value);
		break;
	case HEADER_X_UID:
		if (header_number(text, len, UINT32_MAX - 1, &n) && n > 0) {
			ps->m.has_uid = true;
			ps->m.uid = (uint32_t)n;
		}
		break;
	}
}

/* The header's lines; a From_ line or the end of the file may end it. */
static int
read_header(struct parser *ps, struct parse_field *field, struct err *err)
{
	uint64_t at = ps->m.start, next;
	int64_t received;
	int r;

	for (;; at = field->end) {
		if ((r = parse_is_from(&ps->w, at, &next, &received,
		    err)) == -1)
			return -1;
		if (r == 1 || at >= ps->w.size) {
			field->kind = PARSE_END;
			field->start = field->end = at;
			return set_end(ps, at, ps->m.start, err);
		}
		if (parse_field(&ps->w, at, ps->w.size, field, &ps->value,
		    err) == -1)
			return -1;
		if (field->kind != PARSE_FIELD)
			return 0;
		take_field(ps, field->name);
	}
}

static int
find_end(struct parser *ps, const struct parse_field *field, struct err *err)
{
	uint64_t body = field->kind == PARSE_BODY ? field->start : field->end;
	int r = 0;

	if (ps->has_length && ps->length <= ps->w.size &&
	    (r = is_end(ps, body + ps->length, err)) == -1)
		return -1;
	if (r == 1) {
		ps->m.end = body + ps->length;
		return 0;
	}
	/* The empty line itself may be what comes before a From_ line. */
	return search_end(ps, body > ps->m.start ? body - 1 : body,
	    ps->m.start, err);
}

/* Again over the header, now that its end is known, for size and digest. */
static int
digest_message(struct parser *ps, struct err *err)
{
	struct parse_field field;
	uint64_t at = ps->m.start;

	for (;;) {
		if (parse_field(&ps->w, at, ps->m.end, &field, NULL,
		    err) == -1)
			return -1;
		if (field.kind != PARSE_FIELD)
			break;
		if (field.name == HEADER_NOTE)
			ps->m.size += field.end - field.start;
		if (field.name == HEADER_OTHER &&
		    digest_file(ps, field.start, field.end, err) == -1)
			return -1;
		at = field.end;
	}
	if (digest_file(ps, at, ps->m.end, err) == -1)
		return -1;
	digest_final_mail(ps->digest, &ps->cr, ps->m.digest);
	return 0;
}

static int
parse_message(struct parser *ps, uint64_t offset, struct err *err)
{
	struct parse_field field;
	int64_t received = 0;
	uint64_t start = 0;
	int r;

	r = parse_is_from(&ps->w, offset, &start, &received, err);
	if (r != 1)
		return r == -1 ? -1 : err_set(err, ERR_CORRUPT,
		    "there is no From line where one has to be");
	ps->m = (struct parse_mail){ .offset = offset, .start = start,
	    .received = received };
	ps->has_length = false;
	strbuf_reset(&ps->base);
	strbuf_reset(&ps->keywords);
	if (read_header(ps, &field, err) == -1 ||
	    (field.kind != PARSE_END && find_end(ps, &field, err) == -1) ||
	    digest_message(ps, err) == -1)
		return -1;
	ps->m.base_text = ps->base.data;
	ps->m.base_len = ps->base.len;
	ps->m.keywords = ps->keywords.data;
	ps->m.keywords_len = ps->keywords.len;
	return 0;
}

/* Empty lines before the first From_ line are no message. */
static int
skip_empty(struct parser *ps, uint64_t *offset, struct err *err)
{
	struct window_line line;
	int r;

	while ((r = window_line(&ps->w, *offset, &line, err)) == 1 &&
	    (line.len == 0 || (line.len == 1 && line.text[0] == '\r')))
		*offset = line.next;
	return r;
}

static int
parse_all(struct parser *ps, parse_mail_fn *fn, void *arg, struct err *err)
{
	uint64_t offset = 0;
	int r = skip_empty(ps, &offset, err);

	if (r <= 0)
		return r;
	ps->first = true;
	while (offset < ps->w.size) {
		if (parse_message(ps, offset, err) == -1 ||
		    fn(&ps->m, arg, err) == -1)
			return -1;
		offset = ps->m.next;
		ps->first = false;
	}
	return 0;
}

int
parse_mbox(int fd, uint64_t size, parse_mail_fn *fn, void *arg,
    struct err *err)
{
	struct parser ps = { .cr = false };
	int ret;

	window_init(&ps.w, fd, size);
	strbuf_init(&ps.value, HEADER_VALUE_MAX);
	strbuf_init(&ps.base, HEADER_VALUE_MAX);
	strbuf_init(&ps.keywords, HEADER_VALUE_MAX);
	ps.digest = digest_new();
	ret = parse_all(&ps, fn, arg, err);
	digest_free(&ps.digest);
	strbuf_deinit(&ps.value);
	strbuf_deinit(&ps.base);
	strbuf_deinit(&ps.keywords);
	window_deinit(&ps.w);
	return ret;
}
