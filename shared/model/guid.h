/*
 * guid.h - identities: mailboxes, stores, runs, birth marks, messages
 *
 * A struct guid128 is 16 bytes; all zero means none.  It names mailboxes
 * (Dovecot's 128-bit mailbox GUID), stores, runs and birth marks.
 *
 * The GUID of a message is text, as Dovecot shows it in X-GUID: 32 hexadecimal
 * digits in dbox and mbox, often the base name of the file in a Maildir.
 */
#ifndef MODEL_GUID_H
#define MODEL_GUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUID_SIZE	16U	/* bytes */
#define GUID_HEX_SIZE	33U	/* characters, with the final NUL */
#define GUID_TEXT_MAX	255U	/* bytes of a message GUID, without NUL */

struct guid128 {
	uint8_t b[GUID_SIZE];
};

/* Compare as unsigned bytes: <0, 0 or >0. */
int guid_cmp(const struct guid128 *a, const struct guid128 *b);
bool guid_eq(const struct guid128 *a, const struct guid128 *b);
bool guid_is_zero(const struct guid128 *guid);

/* A random, non-zero GUID. */
struct guid128 guid_random(void);

void guid_format(const struct guid128 *guid, char out[static GUID_HEX_SIZE]);
/* Exactly 32 hexadecimal digits; false if they are not. */
bool guid_parse(struct guid128 *guid_r, const char *text, size_t len);

/* 1..GUID_TEXT_MAX bytes, all printable ASCII or >= 0x80, no space. */
bool guid_text_valid(const char *text, size_t len);

/*
 * The birth mark of a message in the very first scan of a log (merge rules,
 * Words): the same for two stores that hold the same message under the same
 * mailbox GUID, UIDVALIDITY, UID and GUID.
 */
struct guid128 guid_first_mark(const struct guid128 *mailbox,
    uint32_t uidvalidity, uint32_t uid, const char *guid);

#endif
