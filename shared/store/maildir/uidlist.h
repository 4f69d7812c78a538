/*
 * uidlist.h - lines of dovecot-uidlist as values
 *
 * Version 3: "3 V<uidvalidity> N<next UID> G<mailbox GUID>", then lines
 * "<uid> [<field> ...] :<base>".  Version 1: "1 <uidvalidity> <next UID>" and
 * "<uid> <name>", read only.  Fields we do not know are kept.
 */
#ifndef STORE_MAILDIR_UIDLIST_H
#define STORE_MAILDIR_UIDLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "model/guid.h"

#define UIDLIST_LINE_MAX	4096U	/* bytes, without the LF */
#define UIDLIST_EXTRA_MAX	1024U	/* bytes of unknown header fields */
#define UIDLIST_HEADER_MAX	1536U	/* bytes of a header as we write it */

struct uidlist_header {
	unsigned int version;		/* 1 or 3; always written as 3 */
	uint32_t uidvalidity;
	uint32_t uidnext;		/* N: may be below the last UID + 1 */
	struct guid128 guid;		/* zero: none */
	char extra[UIDLIST_EXTRA_MAX];	/* other fields, each " Xvalue" */
};

/* Views into the line. */
struct uidlist_record {
	uint32_t uid;
	const char *fields;	/* "X1 Y2 " with the final space, or empty */
	size_t fields_len;
	const char *base;
	size_t base_len;	/* 1 or more bytes, no ':' */
};

/* ERR_CORRUPT: Dovecot would not take it either. */
int uidlist_header_parse(struct uidlist_header *out, const char *line,
    size_t len, struct err *err);
int uidlist_record_parse(struct uidlist_record *out, unsigned int version,
    const char *line, size_t len, struct err *err);

/* With the final LF. */
void uidlist_header_format(struct strbuf *out,
    const struct uidlist_header *header);
void uidlist_record_format(struct strbuf *out,
    const struct uidlist_record *record);

/* The value of the first field of this letter; false if there is none. */
bool uidlist_field(const char *fields, size_t fields_len, char letter,
    const char **value_r, size_t *len_r);
/* All digits and in range. */
bool uidlist_number(const char *text, size_t len, uint64_t max,
    uint64_t *out);

/*
 * The message's GUID: field G, else the base; what is no valid GUID text in
 * our protocol is given as Dovecot's 128-bit form of it.
 */
void uidlist_guid(const struct uidlist_record *record,
    char out[static GUID_TEXT_MAX + 1]);

#endif
