/*
 * attribute.h - attributes of mailboxes: IMAP METADATA, RFC 5464
 *
 * A key is an entry name as a mail client writes it, "/private/comment" or
 * "/shared/comment", in lower case where Dovecot stored it.  Attributes of the
 * server hang on the INBOX, as Dovecot has them.
 */
#ifndef MODEL_ATTRIBUTE_H
#define MODEL_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTRIBUTE_KEY_MAX	1024U		/* bytes */
#define ATTRIBUTE_VALUE_MAX	(192U * 1024U)	/* bytes; fits into a frame */
#define ATTRIBUTES_MAX		1000U		/* keys of one mailbox */

#define ATTRIBUTE_PRIVATE	"/private/"
#define ATTRIBUTE_SHARED	"/shared/"

/*
 * A key that a mail client could have set: one of the two beginnings, then
 * printable ASCII without '*' and '%', no "//" and no '/' at the end.
 */
bool attribute_key_valid(const char *key, size_t len);

/*
 * Dovecot's own bookkeeping, which no mail client can see and no other server
 * has a use for: URL keys (RFC 4467) that are secrets of this server, and what
 * plugins note down.  Of it only the attributes of the server are a user's.
 * Sieve scripts lie in files and only look like attributes.
 */
bool attribute_is_internal(const char *key);

/*
 * Which value is the larger one (T15)?  NULL, no value, is below any other.
 * <0, 0 or >0.
 */
int attribute_value_cmp(const uint8_t *a, size_t a_len, const uint8_t *b,
    size_t b_len);

#endif
