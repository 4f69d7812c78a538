/*
 * attribute_dict.h - the file that holds the attributes of a store
 *
 * That of Dovecot's setting mail_attribute_dict = file:PATH, which a mail
 * location names by its keys ATTRIBUTES=PATH and ATTRIBUTES_LOCK=METHOD.  It
 * may lie anywhere.  All drivers over files share this module: attributes
 * hang on GUIDs of mailboxes, not on the format.
 *
 * What Dovecot 2.3.19 does, as seen with strace while SETMETADATA ran, and by
 * what it made of files and locks that were there before:
 *
 * - The lock is PATH.lock, an empty file made under another name and linked;
 *   it counts as stale after 60 seconds.  The whole new text is written into
 *   it, it gets mode and group of the old file, and is renamed over it.  Nothing
 *   is fsynced.
 * - With file:PATH:lock=fcntl (or flock) the file itself is locked, looked at
 *   again in case it was replaced meanwhile, written anew as PATH.tmp, and that
 *   is renamed over it.
 * - A file is as open as its directory (0644 in one of 0755, 0600 in 0700).  A
 *   missing directory is made with mode 0700.  When the last entry goes an empty
 *   file stays.
 * - Keys hang on the GUID of the mailbox.  RENAME leaves them as they are,
 *   DELETE removes them.  SETMETADATA "" (/private/comment ...) is
 *   vendor/vendor.dovecot/pvt/server/comment of the INBOX; /shared of the
 *   server comes from settings and can't be set.  "" is a value, NIL removes.
 */
#ifndef STORE_FILES_ATTRIBUTE_DICT_H
#define STORE_FILES_ATTRIBUTE_DICT_H

#include "store/store.h"

#define ATTRIBUTES_KEY		"ATTRIBUTES"	/* of a mail location */
#define ATTRIBUTES_LOCK_KEY	"ATTRIBUTES_LOCK"

/*
 * Sets store->attributes if loc names a file for them, which is opened when it
 * is needed.  ERR_CONFIG: its path or lock method is none.
 */
int attribute_dict_open(struct store *store, const struct mail_location *loc,
    const struct store_options *opts, struct err *err);
void attribute_dict_close(struct store *store);

/* For the table of a driver. */
bool attribute_dict_keeps(const struct store *store);
int attribute_dict_list(struct store *store, store_attribute_fn *fn,
    void *arg, struct err *err);
int attribute_dict_set(struct store *store, struct store_attribute *list,
    size_t n, struct err *err);

#define ATTRIBUTE_DICT_FUNCTIONS					\
	.keeps_attributes = attribute_dict_keeps,			\
	.attributes = attribute_dict_list,				\
	.set_attributes = attribute_dict_set

#endif
