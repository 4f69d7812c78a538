/*
 * dbox_format.h - the bytes of dbox mail files, u.N and m.N
 *
 * A file is a header line and messages, each a header of 30 bytes, the body,
 * and metadata: lines of a letter and a value, ended by an empty line.
 */
#ifndef STORE_DBOX_DBOX_FORMAT_H
#define STORE_DBOX_DBOX_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "model/guid.h"

#define DBOX_FILE_HEADER_MAX	256U	/* bytes of the line that are read */
#define DBOX_MESSAGE_HEADER	30U	/* bytes before each body */
#define DBOX_META_MAX		65536U	/* bytes of one message's metadata */
#define DBOX_META_MIN		6U	/* an empty one: magic, and the line */

struct dbox_file_header {
	size_t len;			/* bytes, LF included */
	uint32_t message_header;	/* bytes before each body */
	uint64_t created;		/* seconds since 1970 */
};

struct dbox_meta {
	char guid[GUID_TEXT_MAX + 1];	/* "": none that we could use */
	int64_t received;		/* RECEIVED_UNKNOWN: not told */
	uint64_t real_size;		/* of a body stored in another form */
	uint64_t vsize;			/* each line end counted as two bytes */
	char pop3_uidl[GUID_TEXT_MAX + 1];	/* "": none */
	uint32_t pop3_order;		/* 0: none */
	bool has_real_size, has_vsize;
	bool external;			/* parts of the body are elsewhere */
	size_t len;			/* bytes of all of it */
};

/*
 * Parse the beginning of data.  0; 1: more bytes are needed; -1 ERR_CORRUPT.
 */
int dbox_file_header_parse(struct dbox_file_header *out, const void *data,
    size_t len, struct err *err);
int dbox_meta_parse(struct dbox_meta *out, const void *data, size_t len,
    struct err *err);
/* A header of len >= DBOX_MESSAGE_HEADER bytes; the size of the body. */
int dbox_message_header_parse(uint64_t *size_r, const void *data, size_t len,
    struct err *err);
/*
 * The last metadata in data, which ends where a message ends; NULL if it
 * does not begin here.
 */
const char *dbox_meta_find_last(const char *data, size_t len);

void dbox_file_header_format(struct strbuf *out, uint64_t created);
void dbox_message_header_format(char out[static DBOX_MESSAGE_HEADER],
    uint64_t size);
/* mailbox: the name kept for rebuilds (mdbox), or NULL. */
void dbox_meta_format(struct strbuf *out, const struct dbox_meta *meta,
    const char *mailbox);

/* The 128-bit form of a message GUID, as indexes hold it. */
struct guid128 dbox_guid128(const char *guid);

#endif
