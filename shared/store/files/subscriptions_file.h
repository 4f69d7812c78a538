/*
 * subscriptions_file.h - the file "subscriptions" of a store: read, change
 */
#ifndef STORE_FILES_SUBSCRIPTIONS_FILE_H
#define STORE_FILES_SUBSCRIPTIONS_FILE_H

#include "store/files/path.h"
#include "store/files/subscriptions.h"
#include "store/store.h"

struct subscriptions_file {
	struct path_root *root;		/* it is in this directory */
	const char *name;		/* a file name */
	const char *hostname;		/* for the lock */
	unsigned int lock_timeout;	/* seconds */
	bool utf8;			/* names are stored as UTF-8 */
	char separator;			/* of the names' levels, version 1 */
};

/* A missing file is an empty list.  Deinit subs_r afterwards. */
int subscriptions_load(const struct subscriptions_file *file,
    struct subscriptions *subs_r, struct err *err);
/* Under the lock, durable on return; no error if it was so already. */
int subscriptions_change(const struct subscriptions_file *file,
    const char *name, bool on, struct err *err);
/* All that have not failed, in one step; failures are told in the list. */
int subscriptions_change_all(const struct subscriptions_file *file,
    struct store_subscription *list, size_t n, struct err *err);

#endif
