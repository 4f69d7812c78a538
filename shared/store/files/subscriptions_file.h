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

/* Could a mailbox of the store have this name? */
typedef bool subscriptions_fits_fn(struct store *store, const char *name);

/*
 * Call fn for each name until it fails; of a missing file for none.  Lines that
 * are no names, or those of no mailbox the store could have, are left out and
 * told as problems of the store.
 */
int subscriptions_list(const struct subscriptions_file *file,
    struct store *store, subscriptions_fits_fn *fits, store_name_fn *fn,
    void *arg, struct err *err);
/* Under the lock, durable on return; no error if it was so already. */
int subscriptions_change(const struct subscriptions_file *file,
    const char *name, bool on, struct err *err);
/* Those that have not failed yet, in one step: all of them, or none (-1). */
int subscriptions_change_all(const struct subscriptions_file *file,
    struct store_subscription *list, size_t n, struct err *err);

#endif
