/*
 * log_format.c - printf whose strings cannot leave their place
 *
 * The format is cut into pieces of one conversion each.  Numbers go to
 * snprintf with the piece itself; strings are ours.  The compiler checks the
 * arguments of the callers, so a piece we do not know is a bug.
 */
#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "log/log_format.h"

#define SPEC_MAX	32U	/* bytes of one "%-08.3llu" */
#define QUOTED_MAX	4096U	/* bytes of one value, escaped */

enum length { LEN_INT, LEN_LONG, LEN_LLONG, LEN_SIZE, LEN_MAX, LEN_PTRDIFF };

struct spec {
	char text[SPEC_MAX];	/* the whole conversion, for snprintf */
	size_t precision;	/* of a string; SIZE_MAX: none */
	bool star;		/* ".*": precision is an argument */
	enum length length;
	char letter;
};

static const char *
parse_length(const char *p, enum length *length_r)
{
	*length_r = LEN_INT;
	switch (*p) {
	case 'h':	/* promoted to int on the way */
		return p[1] == 'h' ? p + 2 : p + 1;
	case 'l':
		*length_r = p[1] == 'l' ? LEN_LLONG : LEN_LONG;
		return p[1] == 'l' ? p + 2 : p + 1;
	case 'z':
		*length_r = LEN_SIZE;
		return p + 1;
	case 'j':
		*length_r = LEN_MAX;
		return p + 1;
	case 't':
		*length_r = LEN_PTRDIFF;
		return p + 1;
	default:
		return p;
	}
}

/* Take the conversion at p, which points to '%'.  Returns where it ends. */
static const char *
parse_spec(const char *p, struct spec *spec)
{
	const char *start = p++;
	size_t len;

	memset(spec, 0, sizeof(*spec));
	spec->precision = SIZE_MAX;
	p += strspn(p, "-+ #0");
	p += strspn(p, "0123456789");
	if (p[0] == '.' && p[1] == '*') {
		spec->star = true;
		p += 2;
	} else if (*p == '.') {
		spec->precision = strtoul(p + 1, NULL, 10);
		p++;
		p += strspn(p, "0123456789");
	}
	p = parse_length(p, &spec->length);
	spec->letter = *p;
	len = (size_t)(p - start) + 1;
	if (*p == '\0' || len >= sizeof(spec->text))
		abort();
	memcpy(spec->text, start, len);
	return p + 1;
}

static bool
is_plain(const char *text, size_t len)
{
	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= 0x20 || c == 0x7f || strchr("\"\\=", c) != NULL)
			return false;
	}
	return true;
}

static void
add_string(struct strbuf *out, const char *text, size_t precision)
{
	struct strbuf safe;
	size_t len;

	if (text == NULL)
		text = "";
	len = strnlen(text, precision);
	strbuf_init(&safe, QUOTED_MAX);
	strbuf_add_escaped(&safe, text, len);
	if (is_plain(text, len) && safe.len == len) {
		strbuf_add(out, text, len);
	} else {
		/* Our own escapes are not escaped again. */
		strbuf_addc(out, '"');
		for (size_t i = 0; i < safe.len; i++) {
			if (safe.data[i] == '"')
				strbuf_addc(out, '\\');
			strbuf_addc(out, safe.data[i]);
		}
		strbuf_addc(out, '"');
	}
	strbuf_deinit(&safe);
}

/* The pieces were literals, checked where the caller wrote them. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* va_list travels by pointer: a called function may not return it advanced. */
struct args {
	va_list ap;
};

static void
add_integer(struct strbuf *out, const struct spec *spec, struct args *args)
{
	switch (spec->length) {
	case LEN_INT:
		strbuf_addf(out, spec->text, va_arg(args->ap, int));
		return;
	case LEN_LONG:
		strbuf_addf(out, spec->text, va_arg(args->ap, long));
		return;
	case LEN_LLONG:
		strbuf_addf(out, spec->text, va_arg(args->ap, long long));
		return;
	case LEN_SIZE:
		strbuf_addf(out, spec->text, va_arg(args->ap, size_t));
		return;
	case LEN_MAX:
		strbuf_addf(out, spec->text, va_arg(args->ap, intmax_t));
		return;
	case LEN_PTRDIFF:
		strbuf_addf(out, spec->text, va_arg(args->ap, ptrdiff_t));
		return;
	}
	abort();
}

static void
add_piece(struct strbuf *out, struct spec *spec, struct args *args)
{
	int precision;

	if (spec->star) {
		if (spec->letter != 's')
			abort();
		precision = va_arg(args->ap, int);
		if (precision >= 0)
			spec->precision = (size_t)precision;
	}
	switch (spec->letter) {
	case 'd': case 'i': case 'u': case 'o': case 'x': case 'X': case 'c':
		add_integer(out, spec, args);
		return;
	case 'e': case 'f': case 'g':
		strbuf_addf(out, spec->text, va_arg(args->ap, double));
		return;
	case 'p':
		strbuf_addf(out, spec->text, va_arg(args->ap, void *));
		return;
	case 's':
		add_string(out, va_arg(args->ap, const char *),
		    spec->precision);
		return;
	case '%':
		strbuf_addc(out, '%');
		return;
	default:
		abort();
	}
}

#pragma GCC diagnostic pop

void
log_vformat(struct strbuf *out, const char *fmt, va_list ap)
{
	struct args args;
	struct spec spec;
	size_t n;

	va_copy(args.ap, ap);
	while (*fmt != '\0') {
		if (*fmt == '%') {
			fmt = parse_spec(fmt, &spec);
			add_piece(out, &spec, &args);
			continue;
		}
		n = strcspn(fmt, "%");
		strbuf_add(out, fmt, n);
		fmt += n;
	}
	va_end(args.ap);
}
