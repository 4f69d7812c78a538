/*
 * tab_escape.h - text on one line, as Dovecot's files have it
 *
 * TAB, LF, CR and the escape itself are \001 and a letter; \001t for a TAB.
 */
#ifndef STORE_FILES_TAB_ESCAPE_H
#define STORE_FILES_TAB_ESCAPE_H

#include <stddef.h>

#include "base/strbuf.h"

void tab_escape(struct strbuf *out, const char *text, size_t len);
/* Add what was escaped; -1: it is no such text. */
int tab_unescape(struct strbuf *out, const char *text, size_t len);

#endif
