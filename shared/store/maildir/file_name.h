/*
 * file_name.h - names of message files: <base>[,S=..][,W=..]:2,<letters>
 *
 * The base, up to the first ':', is the message's identity.  Letters: system
 * flags in capitals, keywords a to z; any other is kept as it is.
 */
#ifndef STORE_MAILDIR_FILE_NAME_H
#define STORE_MAILDIR_FILE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/flags.h"

#define FILE_NAME_MAX	255U	/* bytes of a whole name */
/* Bytes of a base that we choose: room is left for ":2," and 32 letters. */
#define FILE_BASE_MAX	215U
#define FILE_KEYWORDS	26U	/* letters for keywords in one mailbox */

/* Letters as bits: a to z are 0 to 25, then the six capitals. */
#define LETTER_DRAFT	(1U << 26)	/* D */
#define LETTER_FLAGGED	(1U << 27)	/* F */
#define LETTER_PASSED	(1U << 28)	/* P */
#define LETTER_ANSWERED	(1U << 29)	/* R */
#define LETTER_SEEN	(1U << 30)	/* S */
#define LETTER_DELETED	(1U << 31)	/* T */
#define LETTERS_KEYWORDS ((1U << 26) - 1)

struct file_name {
	size_t base_len;	/* of the name's start */
	uint32_t letters;
	bool has_info;		/* ends in ":2,..." */
	bool odd;		/* base, letters, has_info do not make the name:
				   other letters or order, more text */
};

struct file_sizes {
	uint64_t size, vsize;	/* ,S= and ,W= */
	bool has_size, has_vsize;
};

/* Take a name apart.  False: no message (hidden, no base, CR or LF). */
bool file_name_parse(struct file_name *out, const char *name);

/* The sizes that a base claims. */
void file_name_sizes(struct file_sizes *out, const char *base, size_t len);

/*
 * base + ":2," + letters, or base alone without info.  False if it is longer
 * than FILE_NAME_MAX.
 */
bool file_name_format(char out[static FILE_NAME_MAX + 1], const char *base,
    size_t base_len, bool info, uint32_t letters);
/* The same, and what was odd in the old name is kept. */
bool file_name_change(char out[static FILE_NAME_MAX + 1],
    const char *old_name, uint32_t letters);

flags_t file_letters_flags(uint32_t letters);
uint32_t file_flags_letters(flags_t flags);

/*
 * The order in which new files get UIDs: by the leading number, the number
 * after ".M", then by bytes.
 */
int file_base_cmp(const char *a, const char *b);

/*
 * Could this GUID be the base of a new file of this size?  It has to look
 * like one, and what it says of its sizes has to be true.
 */
bool file_base_usable(const char *guid, uint64_t size, uint64_t vsize);

#endif
