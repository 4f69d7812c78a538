/*
 * caret.h - levels of names as subscriptions have them
 *
 * '^', '/' and, in front of a whole name, '~' are "^" and two hex digits.
 */
#ifndef STORE_FILES_CARET_H
#define STORE_FILES_CARET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

/* top: the first level of a name. */
void caret_escape(struct strbuf *out, const char *text, size_t len, bool top);
/* -1: what comes of it is no text. */
int caret_unescape(struct strbuf *out, const char *text, size_t len);

#endif
