/*
 * parse.h - where the messages of an mbox are, and what their headers say
 *
 * A message begins with a From_ line (from_line.h) and ends before the line
 * end that comes before the next one, or that ends the file.  Content-Length
 * is believed if it leads to exactly such a place; so a message may hold lines
 * that look like From_ lines, and need not end with LF.
 *
 * The fields of header.h are not part of the message.  What is left of the
 * header ends with an empty line, or before a line that is no field: that one
 * begins the body then.  Any bytes are a valid mbox if they begin with
 * a From_ line; empty lines before the first one are skipped.
 */
#ifndef STORE_MBOX_PARSE_H
#define STORE_MBOX_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/strbuf.h"
#include "store/mbox/header.h"
#include "store/mbox/window.h"

enum parse_kind {
	PARSE_FIELD,		/* a line of a field, with continuations */
	PARSE_EMPTY,		/* the empty line behind the header */
	PARSE_BODY,		/* no header line: the body begins here */
	PARSE_END,		/* the message ended in its header */
};

/* A piece of the header of a message. */
struct parse_field {
	enum parse_kind kind;
	enum header_name name;
	uint64_t start, end;	/* in the file; end is that of its last line
				   or of the message */
};

/*
 * The field at offset of a message that ends at end.  value may be NULL; else
 * it gets the value of a field (cut at its limit), all lines of it joined.
 */
int parse_field(struct window *w, uint64_t offset, uint64_t end,
    struct parse_field *field_r, struct strbuf *value, struct err *err);

/* One message. */
struct parse_mail {
	uint64_t offset;	/* of its From_ line */
	uint64_t start;		/* behind it */
	uint64_t end;		/* behind the last byte of the message */
	uint64_t next;		/* of the next From_ line, or end of file */
	uint64_t size;		/* bytes of the message as it is shown */
	int64_t received;
	bool has_uid, has_base, pseudo;
	uint32_t uid;
	uint8_t status;		/* FLAG_* and STATUS_OLD */
	struct header_base base;
	const char *base_text;	/* valid during the call */
	size_t base_len;
	const char *keywords;
	size_t keywords_len;
	uint8_t digest[DIGEST_SIZE]; /* of the message as shown, without the
				   notes in its header; CRLF as LF */
};

typedef int parse_mail_fn(const struct parse_mail *mail, void *arg,
    struct err *err);

/*
 * Call fn for each message; -1 stops.  ERR_CORRUPT if the file is not empty
 * and does not begin with a From_ line.  Reads the file once.
 */
int parse_mbox(int fd, uint64_t size, parse_mail_fn *fn, void *arg,
    struct err *err);

/* Is there a From_ line at offset?  1, 0, -1. */
int parse_is_from(struct window *w, uint64_t offset, uint64_t *next_r,
    int64_t *received_r, struct err *err);

#endif
