/*
 * scan_int.h - a scan of the tree under way, for the files that do it
 */
#ifndef SESSION_SCAN_INT_H
#define SESSION_SCAN_INT_H

#include "session/session_int.h"

struct entry {
	const char *name;
	bool selectable;
	bool in_scope;
	struct store_token token;
	struct known *known;	/* of this name */
};

struct known {
	struct chlog_mailbox row;
	bool seen;
};

struct scan {
	struct session *s;
	struct arena *arena;
	ARRAY(struct entry) entries;
	struct known *known;		/* by GUID */
	struct known **by_name;
	size_t known_count;
	bool first;
	bool restored;			/* E5 */
	bool doubt;			/* a new name could not be opened, or
					   the tree does not keep still */
	bool moved;			/* the tree is not what was listed */
	uint64_t problems;		/* before the mailbox at hand */
	uint64_t now;
	unsigned int changes;
};

int scan_load_known(struct scan *scan, struct err *err);
/*
 * The mailbox that was last seen under a name.  An earlier look of this scan
 * may have met a new one there: the log has both then, until it is sure that
 * the old one is gone.
 */
struct known *scan_by_name(const struct scan *scan, const char *name);
struct known *scan_by_guid(const struct scan *scan,
    const struct guid128 *guid);
/* 1: row is filled and seen, 0: left out, -1.  box is NULL for a directory. */
int scan_find_row(struct scan *scan, const struct entry *entry,
    struct mailbox *box, struct guid128 *guid,
    const struct mailbox_status *status, struct chlog_mailbox *row,
    struct err *err);
/* A mere directory has no identity of its own: its name is one. */
struct guid128 scan_directory_guid(const char *name);
/*
 * The mailbox is under another name.  Each half of the name is a key of its
 * own (T6); a half that did not change keeps its value, which may not be what
 * this store could hold (T13).
 */
void scan_note_rename(struct scan *scan, struct chlog_mailbox *row,
    const char *name);
/* For flush: a failure is put into *arg, a struct err. */
void scan_on_given(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg);

#endif
