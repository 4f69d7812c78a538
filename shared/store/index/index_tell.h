/*
 * index_tell.h - what sessions are told of mailboxes that they have not open
 *
 * A session that asked to be notified (RFC 5465) follows the log of the list
 * index: nodes that come and go are new, removed and renamed mailboxes, and
 * counts in a node's extensions "msgs" and "hmodseq" tell of messages.  So
 * whoever changes a mailbox writes there, as Dovecot does.
 *
 * Where the directories are the truth and the list is their copy, the refresh
 * flag is set along with each change of the tree: who lists mailboxes looks at
 * the directories again.  What a STATUS may trust without opening the mailbox
 * ("index sync") is never written, so that no count can pass for newer than it
 * is.
 *
 * All of it is a hint.  What fails is not told: nobody's mail depends on it.
 * Nothing here may be called with a mailbox locked, since Dovecot locks
 * mailboxes while it holds the list; with the list held mailboxes may be locked.
 */
#ifndef STORE_INDEX_INDEX_TELL_H
#define STORE_INDEX_INDEX_TELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/guid.h"
#include "store/index/index_list.h"

struct index_tell {
	struct index *list;	/* borrowed, with a short lock timeout; NULL:
				   nobody is told */
	char separator;		/* of levels in a path */
	bool directories;	/* a level without a mailbox is a directory */
	/* What list said when it had this serial. */
	struct index_list nodes;
	ARRAY(char *) texts;	/* names of nodes that we added */
	uint64_t serial;
	bool known;
};

/* A mailbox, by its path in storage form; INBOX is "INBOX". */
struct index_told {
	const char *path;
	bool selectable;
	struct guid128 guid;	/* zero: not known */
	uint32_t uidvalidity;	/* 0: not known */
};

#define INDEX_TELL_TIMEOUT	5U	/* seconds to wait for the list */

/* Forget what is known of the list. */
void index_tell_forget(struct index_tell *tell);

/*
 * A list that is a copy: mailboxes came, one went, one moved.  Between begin and
 * what is told, or end, nobody makes the list anew from the directories: then
 * names would be dropped that sessions still need for what was before.
 */
void index_tell_begin(struct index_tell *tell);
void index_tell_end(struct index_tell *tell);
void index_tell_created(struct index_tell *tell, const struct index_told *boxes,
    size_t n);
void index_tell_removed(struct index_tell *tell, const char *path);
void index_tell_renamed(struct index_tell *tell, const char *from,
    const struct index_told *to);

/* Any list: subscriptions changed. */
void index_tell_subscribed(struct index_tell *tell);
/*
 * Any list: the index of a mailbox, which is not locked, has changed; it is
 * refreshed.  Without a path the mailbox is found by its GUID.
 */
void index_tell_status(struct index_tell *tell, const struct index_told *box,
    struct index *index);

#endif
