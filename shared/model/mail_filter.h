/*
 * mail_filter.h - what is done to the value of a variable in a mail_location
 *
 * Dovecot 2.3 has letters before the variable ("%2.256Nu"), 2.4 has filters
 * behind it ("%{user | sha1 | hexlify}").  Both change a string step by step.
 */
#ifndef MODEL_MAIL_FILTER_H
#define MODEL_MAIL_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

#define MAIL_FILTER_MAX	4096U	/* bytes of a value */

/* What comes between '%' and the variable in 2.3. */
struct mail_modifiers {
	int offset;		/* below 0: from the end */
	unsigned int width;	/* 0: all */
	bool zeros;		/* fill up to width, cut nothing */
	char letters[8];	/* in their order */
	size_t count;
};

/* Parse them at text; returns where they end. */
const char *mail_modifiers_parse(struct mail_modifiers *mod,
    const char *text);

/* Change value as they say.  False: a letter that is none of ours. */
bool mail_modifiers_apply(const struct mail_modifiers *mod,
    struct strbuf *value);

/*
 * One filter of 2.4: name and what stands in its parentheses, or "".  *binary
 * is set while the value is a digest, which no path can hold.  ERR_CONFIG: an
 * unknown filter, or arguments that it does not take.
 */
int mail_filter_apply(const char *name, const char *args,
    struct strbuf *value, bool *binary, struct err *err);

/* A hash of 2.3's "%{sha1:user}": value becomes its hexadecimal digest. */
bool mail_filter_hash(const char *name, struct strbuf *value);

#endif
