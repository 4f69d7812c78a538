#include "config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#define STRBUF_FIRST	64U	/* bytes of the first allocation */

void
strbuf_init(struct strbuf *buf, size_t limit)
{
	memset(buf, 0, sizeof(*buf));
	buf->limit = limit < SIZE_MAX / 4 ? limit : SIZE_MAX / 4;
	buf->cap = STRBUF_FIRST;
	buf->data = mem_alloc(buf->cap);
}

void
strbuf_deinit(struct strbuf *buf)
{
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}

void
strbuf_reset(struct strbuf *buf)
{
	buf->len = 0;
	buf->data[0] = '\0';
	buf->failed = false;
}

/* Room for len more bytes and a NUL; len is within the limit. */
static void
strbuf_grow(struct strbuf *buf, size_t len)
{
	size_t cap = buf->cap, need = buf->len + len + 1;
	char *data;

	if (need <= cap)
		return;
	while (cap < need)
		cap *= 2;
	if ((data = realloc(buf->data, cap)) == NULL)
		mem_fatal("out of memory");
	buf->data = data;
	buf->cap = cap;
}

void
strbuf_add(struct strbuf *buf, const void *data, size_t len)
{
	size_t room = buf->limit - buf->len;

	if (len > room) {
		buf->failed = true;
		len = room;
	}
	if (len == 0)
		return;
	strbuf_grow(buf, len);
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
strbuf_adds(struct strbuf *buf, const char *str)
{
	strbuf_add(buf, str, strlen(str));
}

void
strbuf_addc(struct strbuf *buf, char c)
{
	strbuf_add(buf, &c, 1);
}

void
strbuf_addf(struct strbuf *buf, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		mem_fatal("out of memory");
	strbuf_add(buf, text, (size_t)n);
	free(text);
}

void
strbuf_consume(struct strbuf *buf, size_t len)
{
	assert(len <= buf->len);
	buf->len -= len;
	memmove(buf->data, buf->data + len, buf->len);
	buf->data[buf->len] = '\0';
}

/* Characters that change how the rest of a line looks. */
static bool
changes_the_line(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c ||
	    c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void
strbuf_add_escaped(struct strbuf *buf, const void *str, size_t len)
{
	const uint8_t *p = str;
	uint32_t c;
	size_t n;

	while (len > 0) {
		n = utf8_next(p, len, &c);
		if (n > 0 && !changes_the_line(c)) {
			strbuf_add(buf, p, n);
		} else {
			if (n == 0)
				n = 1;
			for (size_t i = 0; i < n; i++)
				strbuf_addf(buf, "\\x%02x", p[i]);
		}
		p += n;
		len -= n;
	}
}
