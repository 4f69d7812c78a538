/*
 * attribute_lines.h - a file of Dovecot's dictionary driver as a value
 *
 * Two lines for each entry: its key, its value, both escaped (tab_escape.h).
 * The key of an attribute is priv/GUID/comment or shared/GUID/comment for the
 * mailbox of that GUID, 32 lower-case hexadecimal digits.  There may be other
 * entries, of whoever else uses the dictionary; they stay as they are.  Of two
 * entries with one key the last one counts, and a key without its value at the
 * end of the file is none: so Dovecot reads it.
 *
 * Looked at in files that Dovecot 2.3.19 made by SETMETADATA, and in what it
 * made of files that were written by hand.
 */
#ifndef STORE_FILES_ATTRIBUTE_LINES_H
#define STORE_FILES_ATTRIBUTE_LINES_H

#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "store/store.h"

#define ATTRIBUTE_FILE_MAX	(32U * 1024U * 1024U)	/* bytes */

/*
 * Call fn for each attribute of the text, until it returns -1.  One that can't
 * be taken has failed set and no value: too long, damaged.  Keys that no mail
 * client can have set are told to the problem function of store; what is
 * internal to Dovecot is passed over in silence.
 */
int attribute_lines_walk(const char *text, size_t len, struct store *store,
    store_attribute_fn *fn, void *arg, struct err *err);

/*
 * The text with these attributes set, or removed where value is NULL; of
 * several changes of one key the last one holds.  Those that expect another
 * value than is there fail.  Returns 1; 0: it would be the same text, and out is
 * of no use.  out->failed: there is no room.
 */
int attribute_lines_change(const char *text, size_t len,
    struct store_attribute *list, size_t n, struct strbuf *out);

#endif
