/*
 * header.h - the header fields that belong to the mbox and not to the message
 *
 * They are not part of the message that a client sees.  Others, the notes that
 * mail programs write into the mail they keep, are part of it, but may change
 * without making another message of it.  No I/O is done here.
 */
#ifndef STORE_MBOX_HEADER_H
#define STORE_MBOX_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "model/flags.h"

#define HEADER_VALUE_MAX 65536U	/* bytes of one of these fields */

enum header_name {
	HEADER_OTHER,		/* the message's own */
	HEADER_NOTE,		/* the same, and programs change it */
	HEADER_CONTENT_LENGTH,
	HEADER_STATUS,
	HEADER_X_IMAP,
	HEADER_X_IMAPBASE,
	HEADER_X_KEYWORDS,
	HEADER_X_STATUS,
	HEADER_X_UID,
};

/* What the name of a field, without its colon, means here. */
enum header_name header_find(const char *name, size_t len);
/* Is it part of the message that a client sees? */
bool header_is_shown(enum header_name name);

/* A decimal number up to max with blanks around it. */
bool header_number(const char *text, size_t len, uint64_t max,
    uint64_t *out);

/* Letters of Status and X-Status; what they do not know is left out. */
#define STATUS_OLD	0x80U	/* O: not recent */
uint8_t header_status(const char *text, size_t len);

/* X-IMAP and X-IMAPbase: UIDVALIDITY, last UID, keywords. */
struct header_base {
	uint32_t uidvalidity, last_uid;
	size_t keywords;	/* where the keywords begin in the text */
};
bool header_base_parse(const char *text, size_t len,
    struct header_base *base_r);

/* The next word of text from *pos on; false at the end. */
bool header_word(const char *text, size_t len, size_t *pos,
    const char **word_r, size_t *word_len_r);

/* The address in a Return-Path or From field; "" if there is none. */
void header_address(const char *text, size_t len, char *out, size_t size);

#endif
