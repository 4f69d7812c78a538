/*
 * state.h - what an mbox can't hold of a mailbox: the file dsync-mbox
 *
 * It lies in the mailbox's directory for Dovecot's index files, and is text:
 *
 *	dsync-mbox 1 <mailbox GUID> <UIDVALIDITY> <UIDVALIDITY to come, or 0>
 *	<UID> <digest> <GUID> <POP3 order> [<POP3 UIDL>]
 *
 * The first line counts only for a file with one of these UIDVALIDITYs, and
 * a message's line only if UID and the first half of the digest of parse.h fit;
 * of several the last.  So a state that is older or newer than the mbox names
 * no wrong message.  New lines are appended, and durable, before the messages
 * are in the mbox.  A message without a line has its digest for a GUID, and
 * a mailbox without a state gets a new GUID: the file may be lost, and the next
 * run pairs what is there by content.
 */
#ifndef STORE_MBOX_STATE_H
#define STORE_MBOX_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "model/guid.h"
#include "store/files/path.h"

#define STATE_NAME	"dsync-mbox"
#define STATE_LINE_MAX	2048U		/* bytes of a line */
#define STATE_UIDL_MAX	1000U		/* bytes of a POP3 UIDL */

struct state_mail {
	uint32_t uid, pop3_order;
	uint8_t digest[GUID_SIZE];
	char *text;		/* the GUID, NUL, the UIDL (may be empty) */
	uint32_t order;		/* of the lines */
};

struct state {
	struct path_stat st;		/* of the file as it was read */
	bool exists;			/* its first line is good */
	bool torn;			/* its last line has no end */
	struct guid128 guid;
	uint32_t uidvalidity, next_uidvalidity;
	ARRAY(struct state_mail) mails;	/* by UID, then order of the lines */
	ARRAY(struct state_mail) fresh;	/* not written yet, not found */
	bool sorted;
};

void state_init(struct state *state);
void state_deinit(struct state *state);

/* The text of the file; lines that are not understood are left out. */
void state_parse(struct state *state, const char *text, size_t len);
void state_format(const struct state *state, struct strbuf *out);
void state_format_mail(const struct state_mail *mail, struct strbuf *out);

/* Does it tell of a file with this UIDVALIDITY? */
bool state_fits(const struct state *state, uint32_t uidvalidity);
/* NULL: no line. */
const struct state_mail *state_find(struct state *state, uint32_t uid,
    const uint8_t digest[static GUID_SIZE]);
/* A fresh line; uidl may be NULL. */
void state_add(struct state *state, uint32_t uid,
    const uint8_t digest[static GUID_SIZE], const char *guid,
    const char *uidl, uint32_t order);
const char *state_uidl(const struct state_mail *mail); /* NULL: none */
void state_clear(struct state *state);	/* all lines */
void state_drop_fresh(struct state *state);

/* Read the file below dirfd if it is not the one that is known.  -1. */
int state_load(struct state *state, struct path_root *root, int dirfd,
    struct err *err);
/* Append the fresh lines, durably; they are as the others then. */
int state_append(struct state *state, struct path_root *root, int dirfd,
    struct err *err);
/* Replace the file, durably; fresh lines too. */
int state_write(struct state *state, struct path_root *root, int dirfd,
    const char *hostname, struct err *err);

#endif
