/*
 * dotlock.h - lock files as Dovecot and other mail programs make them
 *
 * The lock file's content is "<pid>:<hostname>".  It is stale when neither its
 * times nor its inode changed for a while, or at once when it names this host
 * and a process that is gone.
 */
#ifndef STORE_FILES_DOTLOCK_H
#define STORE_FILES_DOTLOCK_H

#include "base/err.h"
#include "store/files/path.h"

#define DOTLOCK_STALE_UIDLIST	120U	/* seconds without a change */
#define DOTLOCK_STALE_SUBSCRIPTIONS 30U
#define DOTLOCK_TOUCH		10U	/* seconds between touches */

struct dotlock {
	struct path_root *root;
	int dirfd;			/* borrowed */
	char name[PATH_NAME_MAX + 1];
	uint64_t ino, dev;
	uint64_t touched_ms;
	struct dotlock *next;		/* of those this process holds */
	bool held;
};

/*
 * One file with our content, of which each lock of a store is another link:
 * that costs one call and not five.  All zero at first; it has a name, which
 * dotlock_source_drop removes.
 */
struct dotlock_source {
	struct path_root *root;		/* NULL: there is none */
	int dirfd;
	char name[PATH_NAME_MAX + 1];
	uint64_t ino, dev;
};
void dotlock_source_drop(struct dotlock_source *source);

struct dotlock_wish {
	const char *name;
	const char *hostname;
	unsigned int stale;		/* seconds */
	unsigned int timeout;		/* seconds to wait */
	int tmp_fd;			/* a directory for the file before it is
					   the lock; -1: none */
	struct dotlock_source *source;	/* NULL: none is kept; tmp_fd may be -1
					   while it has a file */
};

/*
 * ERR_TEMP if it is still held by others after the timeout; errnum is ESTALE
 * if the source is of no use here, and tmp_fd -1.
 */
int dotlock_take(struct dotlock *lock, struct path_root *root, int dirfd,
    const struct dotlock_wish *wish, struct err *err);
/* Does somebody hold it now, for those that only read? */
bool dotlock_is_held(struct path_root *root, int dirfd,
    const struct dotlock_wish *wish);
/* Still ours?  Touches it if that is due. */
int dotlock_keep(struct dotlock *lock, struct err *err);
/* Lets go.  A lock that is not ours any more is left alone. */
void dotlock_release(struct dotlock *lock);

/* A file name that nobody else uses; a prefix tells that it is ours. */
#define UNIQUE_PREFIX	"dsync-"
void unique_name(char out[static PATH_NAME_MAX + 1], const char *hostname);

#endif
