/*
 * mailbox_name.h - names of mailboxes
 *
 * Between the parts of the program a mailbox name is a list of parts, each
 * valid UTF-8 without control characters, joined by NAME_SEP, U+001F, which no
 * part can hold: "Work\x1f2024".  Separators, modified UTF-7 and reserved
 * words are a local affair of each store (rules T1 and T13).  INBOX is the one
 * name "INBOX" in capitals.
 */
#ifndef MODEL_MAILBOX_NAME_H
#define MODEL_MAILBOX_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

#define NAME_SEP	'\x1f'
#define NAME_MAX_BYTES	4096U	/* bytes of a whole name */
#define NAME_PART_MAX	1000U	/* bytes of one part */
#define NAME_DEPTH_MAX	64U	/* parts */
#define NAME_TEMP_PREFIX "dsync-temp-"	/* then a GUID, see below */

/* Valid UTF-8 (RFC 3629): no overlong form, surrogate or above U+10FFFF. */
bool utf8_valid(const void *text, size_t len);

/*
 * A joined name within the limits above: parts not empty, valid UTF-8, no
 * control characters (C0, DEL, C1) but the separators.
 */
bool name_valid(const char *name, size_t len);

bool name_is_inbox(const char *name);
/* One that only a run that was cut leaves behind, or below it (T11). */
bool name_is_temporary(const char *name);

/* Bytes of the parent's name: what comes before the last part; 0: none. */
size_t name_parent_len(const char *name);
/* The last part. */
const char *name_last(const char *name);
/* name is below parent, at any depth. */
bool name_is_below(const char *name, const char *parent);

/*
 * The name for people: parts joined by '/', escaped; a part's own '/' and '\'
 * have a '\' in front.
 */
void name_print(struct strbuf *out, const char *name);
/* The same into a fixed buffer, cut if longer; returns out. */
char *name_show(char *out, size_t size, const char *name);
/*
 * From the command line: parts separated by '/', or what name_print wrote.
 * "inbox" in any case is INBOX.  -1, and nothing added, if not valid.
 */
int name_from_user(struct strbuf *out, const char *text);

/*
 * Modified UTF-7 (RFC 3501 5.1.3) of valid UTF-8, and back.  Decoding is of one
 * part; it returns -1, and adds nothing, if the text is not the one canonical
 * encoding of a valid part.  Encoding what is not UTF-8 sets out->failed.
 */
void mutf7_encode(struct strbuf *out, const char *utf8, size_t len);
int mutf7_decode(struct strbuf *out, const char *mutf7, size_t len);

/* Does name match the mask: '*' any bytes, '%' any within a part (RFC 3501). */
bool name_matches(const char *name, const char *mask);

#endif
