/*
 * log_format.h - printf whose strings cannot leave their place
 */
#ifndef LOG_LOG_FORMAT_H
#define LOG_LOG_FORMAT_H

#include <stdarg.h>

struct strbuf;

/* Add fmt with its arguments; each %s is quoted if it is not a plain word. */
void log_vformat(struct strbuf *out, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

#endif
