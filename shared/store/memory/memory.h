/*
 * memory.h - a mail store in memory, for tests
 *
 * A world is what would be on disk: it lives until it is freed, whatever
 * stores are opened at "memory:<path>" and closed again.  Beside the driver's
 * own calls a test can change a world as any other mail client would, make a
 * process die, restore an old copy, and look at everything.
 *
 * No call here does I/O or asks a clock; what the driver chooses (GUIDs,
 * UIDVALIDITY) is computed from the world's path and a counter, so a history
 * repeats exactly.
 */
#ifndef STORE_MEMORY_MEMORY_H
#define STORE_MEMORY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "store/store.h"

/* How a world keeps modification sequences. */
enum memory_modseqs {
	MEMORY_MODSEQ_EXACT,	/* each message has the one it is given */
	MEMORY_MODSEQ_NONE,	/* none are kept: all are told as 0 */
	/*
	 * As a server does it that counts each change by itself: what is
	 * changed or appended is above HIGHESTMODSEQ, or what was wanted if
	 * that is higher.
	 */
	MEMORY_MODSEQ_COUNTED,
};

/* The bytes of a message, shared by all its copies. */
struct memory_body {
	unsigned int refs;
	size_t len;
	char data[];
};

/* One message.  Change it by the functions below only. */
struct memory_mail {
	uint32_t uid;			/* 0: delivered, not yet numbered */
	char *guid;
	flags_t flags;
	const char **keywords;		/* sorted; one block with its strings */
	size_t keyword_count;
	uint64_t modseq;
	int64_t received;
	uint32_t saved;
	char *pop3_uidl;		/* or NULL */
	uint32_t pop3_order;
	struct memory_body *body;
	bool unreadable;		/* a reader fails with ERR_TEMP */
	bool expunged;			/* flush is about to free it */
};

/* What mail clients are told by VANISHED (RFC 7162). */
struct memory_vanished {
	uint32_t uid;
	uint64_t modseq;
};

struct memory_mailbox {
	struct memory_world *world;	/* NULL: removed */
	unsigned int refs;
	char *name;
	bool selectable;
	struct mailbox_status status;	/* guid zero: none given yet */
	ARRAY(struct memory_mail *) mails; /* by uid, those without last */
	ARRAY(struct memory_vanished) vanished; /* as it happened */
	uint64_t id;			/* as an inode: never used twice */
	uint64_t changed;		/* world time of the last change */
};

/* One attribute of a mailbox, by GUID. */
struct memory_attribute {
	struct guid128 mailbox;
	char *key, *value;
};

/* Everything that would be on disk. */
struct memory_world {
	struct memory_world *next;	/* of the list of all worlds */
	char *path;
	ARRAY(struct memory_mailbox *) mailboxes; /* by strcmp of names */
	ARRAY(char *) subscriptions;	/* in the order they were made */
	ARRAY(struct memory_attribute) attributes; /* by GUID and key */
	bool no_attributes;		/* none are kept */
	uint64_t tree_changed;
	uint64_t now;			/* counts changes, see coarse */
	uint64_t last_id;
	uint64_t guid_count;
	uint32_t last_uidvalidity;
	unsigned int life;		/* grows when the process dies */
	bool coarse;
	enum memory_modseqs modseqs;
	char forbidden[16];		/* bytes that no name can hold */
};

/*
 * A new world with an empty INBOX.  path is that of the mail_location, such as
 * "/a" for "memory:/a", and must not be in use.
 */
struct memory_world *memory_world_new(const char *path);
/* Stores open in it must be closed before.  NULL is allowed. */
void memory_world_free(struct memory_world **world);
struct memory_world *memory_world_find(const char *path);

/* A copy of all that is in it, under no path; free it like a world. */
struct memory_world *memory_world_copy(const struct memory_world *world);
/*
 * Put an old copy back, as from a backup: contents, UIDNEXTs and
 * UIDVALIDITYs are the old ones, all tokens are new.  Open stores die.
 */
void memory_world_restore(struct memory_world *world,
    const struct memory_world *copy);
/*
 * Make world what other is, tokens and counters too, so that nobody could tell
 * them apart.  No store may be open in it.
 */
void memory_world_become(struct memory_world *world,
    const struct memory_world *other);
/*
 * The process that has the stores open is gone: what was not flushed is lost,
 * and all calls of those stores but close fail with ERR_TEMP.
 */
void memory_world_crash(struct memory_world *world);

/*
 * Coarse file times: from now on changes do not move the time, so tokens may
 * be equal after a change and are not settled before memory_world_tick.
 */
void memory_world_coarse(struct memory_world *world, bool on);
void memory_world_tick(struct memory_world *world);

/* From now on. */
void memory_world_modseqs(struct memory_world *world,
    enum memory_modseqs modseqs);

/* Up to 15 ASCII bytes that map_name has to replace (rule T13). */
void memory_world_forbid(struct memory_world *world, const char *bytes);

/*
 * All that two equal stores have in common, as text: tree, subscriptions
 * (sorted), attributes, statuses but modseqs, messages with flags, keywords,
 * dates, POP3 fields and bodies.  Equal text, equal stores.
 */
void memory_world_format(const struct memory_world *world, struct strbuf *out);

/* What a test wants to see.  NULL if there is none. */
struct memory_mailbox *memory_mailbox_find(const struct memory_world *world,
    const char *name);
struct memory_mail *memory_mail_find(const struct memory_mailbox *mailbox,
    uint32_t uid);

/*
 * Act as another mail client, at once and durably.  All return 0, or -1 if it
 * can't be done (no such mailbox or message, name in use).
 *
 * client_append: info may be NULL (no flags, received 1000000000, a GUID and
 * the next UID); else what it says, a zero uid and a NULL guid being chosen.
 * client_deliver: a message that has no UID before somebody opens the mailbox
 * for writing, as a delivery agent leaves it.
 */
int memory_client_append(struct memory_world *world, const char *mailbox,
    const struct mail_info *info, const char *body, size_t len,
    uint32_t *uid_r);
int memory_client_deliver(struct memory_world *world, const char *mailbox,
    const char *body, size_t len);
int memory_client_flags(struct memory_world *world, const char *mailbox,
    uint32_t uid, flags_t flags, const char *const *keywords,
    size_t keyword_count);
int memory_client_expunge(struct memory_world *world, const char *mailbox,
    uint32_t uid);
/* Flags, keywords and dates go along; GUID: kept (a Maildir keeps it when
   a file moves) or new. */
int memory_client_copy(struct memory_world *world, const char *from,
    uint32_t uid, const char *to, bool keep_guid, uint32_t *uid_r);
int memory_client_move(struct memory_world *world, const char *from,
    uint32_t uid, const char *to, bool keep_guid, uint32_t *uid_r);

int memory_client_create(struct memory_world *world, const char *name);
/* A mere directory. */
int memory_client_create_dir(struct memory_world *world, const char *name);
/* A mailbox that has no GUID and UIDVALIDITY before it is opened. */
int memory_client_create_plain(struct memory_world *world, const char *name);
/* As IMAP does: mailboxes below it go along. */
int memory_client_rename(struct memory_world *world, const char *from,
    const char *to);
/* With all its messages; mailboxes below it stay. */
int memory_client_delete(struct memory_world *world, const char *name);
int memory_client_subscribe(struct memory_world *world, const char *name,
    bool on);
/* Set an attribute of a mailbox, or, if value is NULL, remove it. */
int memory_client_attribute(struct memory_world *world, const char *mailbox,
    const char *key, const char *value);
/* As a lost index does that is made anew: modseqs begin with 1. */
int memory_client_rebuild(struct memory_world *world, const char *name);
/* New UIDVALIDITY; the messages are numbered anew from 1. */
int memory_client_uidvalidity(struct memory_world *world, const char *name,
    uint32_t uidvalidity);

#endif
