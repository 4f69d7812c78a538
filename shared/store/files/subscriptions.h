/*
 * subscriptions.h - the file "subscriptions" as a value
 *
 * Version 1: a storage name on each line, with the separator of its layout.
 * Version 2: "V\t2", an empty line, then lines of levels separated by TAB,
 * escaped.  Names are modified UTF-7, or UTF-8 where the store says so.  Lines
 * that can't be decoded are kept.
 */
#ifndef STORE_FILES_SUBSCRIPTIONS_H
#define STORE_FILES_SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"
#include "base/strbuf.h"

#define SUBSCRIPTIONS_MAX	(16U * 1024U * 1024U)	/* bytes of the file */

struct subscription {
	char *line;		/* as in the file, no LF */
	char *name;		/* joined; NULL: it can't be decoded */
};

struct subscriptions {
	unsigned int version;	/* 1 or 2 */
	bool utf8;
	char separator;		/* of version 1: '.' in a Maildir++, or '/';
				   '^': LAYOUT=index, whose names have '^',
				   '/' and a leading '~' as ^5e, ^2f, ^7e */
	ARRAY(struct subscription) lines;
};

void subscriptions_parse(struct subscriptions *subs, bool utf8,
    char separator, const char *text, size_t len);
/* An empty list of version 2, as a new file has it. */
void subscriptions_init(struct subscriptions *subs, bool utf8,
    char separator);
void subscriptions_deinit(struct subscriptions *subs);
void subscriptions_format(const struct subscriptions *subs,
    struct strbuf *out);

/* False: it was so already. */
bool subscriptions_set(struct subscriptions *subs, const char *name, bool on);

#endif
