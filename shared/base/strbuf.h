/*
 * strbuf.h - growing byte string with a limit
 *
 * Holds any bytes and is always followed by a NUL, so data can be used as
 * a C string when no NUL was added.  Growing past the limit sets failed and
 * drops what does not fit; check it once at the end.  Memory ran out: the
 * process ends.
 */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *data;		/* never NULL after init */
	size_t len;		/* bytes, without the final NUL */
	size_t cap;
	size_t limit;		/* largest len */
	bool failed;		/* something did not fit */
};

void strbuf_init(struct strbuf *buf, size_t limit);
void strbuf_deinit(struct strbuf *buf);

/* Empty it; keeps the memory; failed becomes false. */
void strbuf_reset(struct strbuf *buf);

void strbuf_add(struct strbuf *buf, const void *data, size_t len);
void strbuf_adds(struct strbuf *buf, const char *str);
void strbuf_addc(struct strbuf *buf, char c);
void strbuf_addf(struct strbuf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Remove len bytes from the front, 0..buf->len. */
void strbuf_consume(struct strbuf *buf, size_t len);

/*
 * Add str for a person to read: control characters (C0, DEL, C1), invalid
 * UTF-8, line separators and bidirectional controls become \xNN for each byte,
 * so a name cannot forge a log line.
 */
void strbuf_add_escaped(struct strbuf *buf, const void *str, size_t len);

#endif
