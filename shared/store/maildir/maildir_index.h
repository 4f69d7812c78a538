/*
 * maildir_index.h - what Dovecot's index knows of a Maildir
 *
 * For a Maildir the index is a cache, but for modseqs, changes of flags that
 * are not yet in file names, and keywords that no letter is left for.  So it is
 * read along, and written along with each change, so that Dovecot finds files
 * and index equal and has nothing to add.
 *
 * - What is damaged, of another version, or belongs to another UIDVALIDITY is
 *   told once and left to Dovecot; mail goes on without modseqs.  A failure of
 *   the index never fails an operation on mail.
 * - A mailbox without an index keeps no modseqs (HIGHESTMODSEQ 0), unless it is
 *   empty.  Its index is made in the flush that gives it the first
 *   modseq; with INDEX=MEMORY, never.  So a Maildir that Dovecot does not serve
 *   gets no index from another one without, and a new replica of one that it
 *   does has the same modseqs from the beginning.
 * - Where UIDVALIDITY is changed the index is made anew.
 * - An index that keeps no modseqs yet is made to when the mailbox is opened
 *   for writing, as a mail client that asks for modseqs would.
 */
#ifndef STORE_MAILDIR_MAILDIR_INDEX_H
#define STORE_MAILDIR_MAILDIR_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/flags.h"
#include "store/index/index.h"

struct maildir_box;
struct mail_info;

#define MAILDIR_INDEX_BASE	"dovecot.index"

struct maildir_index {
	struct index *index;		/* NULL: never one */
	bool usable;			/* of this mailbox, at the last look */
	bool told;			/* that it is not */
	bool expunges;			/* the flush has some still to come */
	uint64_t raise;			/* HIGHESTMODSEQ wanted by this flush */
	uint64_t own;			/* HIGHESTMODSEQ as told, and by what we
					   did since: above are others */
	size_t *only;			/* keywords that no letter stands for */
	size_t only_count;
};

void maildir_index_open(struct maildir_box *box);
void maildir_index_close(struct maildir_box *box);

/* Know it as it is now; after the uidlist and the keywords. */
void maildir_index_look(struct maildir_box *box);
/* For a status; 0: none kept. */
uint64_t maildir_index_highest(const struct maildir_box *box);
/* 0: none known. */
uint64_t maildir_index_modseq(const struct maildir_box *box, uint32_t uid);

/*
 * Somebody has just made it and waits for the lock of the uidlist to fill it:
 * it is like none, and whoever comes first gives the modseqs.
 */
bool maildir_index_is_young(const struct maildir_box *box);

/* Believe it about messages, although it is of another UIDVALIDITY. */
void maildir_index_believe(struct maildir_box *box);

/*
 * Flags and keywords of the message whose file has these letters.  Names are
 * sorted and borrowed; info->keywords becomes names.
 */
void maildir_effective(struct maildir_box *box, uint32_t uid,
    uint32_t letters, struct mail_info *info,
    const char *names[static KEYWORDS_MAX]);

/* Can keywords without a letter be kept? */
bool maildir_index_holds_keywords(const struct maildir_box *box);

/*
 * Bring the index up to what files and uidlist say, if there is one and it is
 * behind.  Takes the locks.
 */
void maildir_index_catch_up(struct maildir_box *box);

/*
 * Within a flush, the uidlist locked.  lock: -1 if it is held by others for
 * longer than timeout (seconds).  commit writes what the operations that are
 * done, and not yet answered, have changed, and notes their modseqs; -1: the
 * process is gone.
 */
int maildir_index_lock(struct maildir_box *box, unsigned int timeout,
    struct err *err);
int maildir_index_commit(struct maildir_box *box, bool expunges,
    struct err *err);
void maildir_index_unlock(struct maildir_box *box);

#endif
