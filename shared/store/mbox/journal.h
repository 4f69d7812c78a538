/*
 * journal.h - a change of an mbox that is carried out in full or not at all
 *
 * An mbox can't be replaced by another file: programs that wait for its lock
 * have it open and would go on with the old one.  So it is changed in place,
 * and what is to be written is made durable beside it first, in a file of one
 * name.  Whoever locks the mbox and finds that file carries it out (again);
 * to do so twice does no harm.  It is removed, durably, before the mbox is
 * unlocked.
 *
 * The file holds bytes, and at its end a table in text:
 *
 *	mbox <device> <inode> <size before> <size after> <offset of the tail>
 *	anchor <SHA-256 of up to 4096 bytes in front of the tail>
 *	patch <offset in the mbox> <length> <offset of new> <offset of old>
 *	time <seconds>				of the mbox, before
 *	data <offset> <length>			a piece of the tail, in order
 *	uids <UIDVALIDITY> <UIDNEXT before> <last> <first> <base>
 *	uid <offset in the tail> <length> <UID> <digest>
 *
 * and a last line of fixed length with the table's offset and SHA-256.
 *
 * If somebody changed the mbox after the process died and before the journal is
 * found, then what was appended behind is kept behind; if more than that was
 * changed, the messages of the tail that are not in the mbox are added to it.
 * If that can't be done, the journal is put aside under another name, since its
 * messages may be nowhere else.  Of both the user is told.
 *
 * UIDs that the change was to give, but did not in full, may have been given to
 * other messages in between.  Then its messages get later ones, behind what was
 * appended.  That is a journal again, which takes the place of the first one.
 */
#ifndef STORE_MBOX_JOURNAL_H
#define STORE_MBOX_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/mbox/mbox.h"

#define JOURNAL_PIECES_MAX (4U * STORE_MESSAGES_MAX)
#define JOURNAL_ANCHOR	4096U	/* bytes */
#define JOURNAL_PATCH_MAX 262144U /* bytes of a patch */

/* Where a piece of the tail comes from. */
struct piece {
	int fd;				/* -1: text */
	uint64_t offset, len;		/* in the file, or in text */
};

/* Bytes that are replaced by as many others. */
struct patch {
	uint64_t offset;		/* in the mbox */
	size_t len;
	size_t fresh, old;		/* in text */
};

/* The X-UID line of a message, by its place in the tail. */
struct uid_line {
	uint64_t at;
	size_t len;
	uint32_t uid;
	uint8_t digest[GUID_SIZE];	/* as in state.h */
};

/*
 * UIDs that nobody had before.  Messages with them are the last ones of the
 * tail.
 */
struct given_uids {
	uint32_t uidvalidity, last_uid;
	uint32_t uidnext;		/* before the change; 0: none is
					   given */
	uint64_t first;			/* of these messages, in the tail */
	uint64_t base;			/* the digits of last_uid in the tail's
					   X-IMAPbase; 0: it has none */
	ARRAY(struct uid_line) lines;	/* by rising place */
};

struct change {
	bool has_tail;
	int64_t mtime;			/* known of the mbox, if later than
					   what it has */
	uint64_t offset;		/* of the tail in the mbox */
	ARRAY(struct piece) tail;	/* all of the new file from there on */
	ARRAY(struct patch) patches;	/* in front of it */
	struct given_uids given;
	struct strbuf text;
	struct spool *spool;		/* becomes the journal; NULL: a new one */
};

void change_init(struct change *change);
void change_deinit(struct change *change);
/* Adjacent pieces of one file become one. */
void change_add(struct change *change, int fd, uint64_t offset,
    uint64_t len);
/* The text added since start. */
void change_add_text(struct change *change, size_t start);

/*
 * Carry it out, durably; the mbox is locked.  st_r: of the mbox then.  -1:
 * nothing was changed, or, if *unknown_r, what is on disk is unknown until
 * the journal is carried out.
 */
int journal_commit(struct mbox_box *box, struct change *change,
    struct path_stat *st_r, bool *unknown_r, struct err *err);

/* Is there one?  1, 0, -1. */
int journal_exists(struct mbox_box *box, struct err *err);
/* Carry out one that was left; the mbox is locked. */
int journal_recover(struct mbox_box *box, struct err *err);

#endif
