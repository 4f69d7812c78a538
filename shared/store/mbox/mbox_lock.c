/*
 * Locks, in the order that the settings give.  A dotlock keeps off those that
 * know no other; the others are on the open file, and after each of them it
 * must still be the file of that name, since somebody may have replaced it
 * while we waited.
 *
 * Record locks belong to the open file here, not to the process (F_OFD_SETLK):
 * they exclude those of other programs in the same way, and closing another
 * descriptor of the file does not drop them.
 */
#include "config.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/mbox/mbox.h"

#define WAIT_FIRST_MS	2U
#define WAIT_MAX_MS	200U
#define REOPEN_MAX	10U

static void
wait_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static int
try_lock(int fd, enum store_lock kind, bool exclusive)
{
	struct flock fl = { .l_type = exclusive ? F_WRLCK : F_RDLCK,
	    .l_whence = SEEK_SET };

	if (kind == STORE_LOCK_FLOCK)
		return flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
#ifdef F_OFD_SETLK
	return fcntl(fd, F_OFD_SETLK, &fl);
#else
	return fcntl(fd, F_SETLK, &fl);
#endif
}

/* waited: milliseconds, of all locks together. */
static int
lock_fd(struct mbox_box *box, int fd, enum store_lock kind, bool exclusive,
    uint64_t *waited, struct err *err)
{
	uint64_t limit = (uint64_t)box->store->lock_timeout * 1000;
	unsigned int pause = WAIT_FIRST_MS;

	while (try_lock(fd, kind, exclusive) == -1) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EACCES)
			return err_sys(err, "lock %s", box->file);
		if (*waited >= limit)
			return err_set(err, ERR_TEMP,
			    "%s is locked by another program", box->file);
		wait_ms(pause);
		*waited += pause;
		if (pause < WAIT_MAX_MS)
			pause *= 2;
	}
	return 0;
}

static void
wish_for(struct mbox_box *box, char name[static PATH_NAME_MAX + 1],
    struct dotlock_wish *wish)
{
	*wish = (struct dotlock_wish){ .name = name,
	    .hostname = box->store->hostname,
	    .stale = box->store->settings.mbox_dotlock_change_timeout,
	    .timeout = box->store->lock_timeout, .tmp_fd = box->state_fd };
	snprintf(name, PATH_NAME_MAX + 1, "%.*s.lock",
	    (int)(PATH_NAME_MAX - 5), box->file);
}

static int
take_dotlock(struct mbox_box *box, bool only_try, struct err *err)
{
	char name[PATH_NAME_MAX + 1];
	struct dotlock_wish wish;

	wish_for(box, name, &wish);
	if (dotlock_take(&box->lock, box->root, box->dirfd, &wish,
	    err) == 0) {
		box->has_dotlock = true;
		return 0;
	}
	/* A spool directory may be closed to users. */
	if (only_try && err->code == ERR_PERM) {
		*err = (struct err)ERR_INIT;
		return 0;
	}
	if (err->code == ERR_PERM)
		err_prefix(err, "no lock file can be made in the directory "
		    "of %s (dotlock_try goes on without one)", box->file);
	return -1;
}

static int
open_locked(struct mbox_box *box, uint64_t *waited, struct err *err)
{
	const struct store_locks *locks =
	    &box->store->settings.mbox_write_locks;

	box->fd = path_open_write(box->root, box->dirfd, box->file, false,
	    err);
	if (box->fd == -1)
		return -1;
	for (size_t i = 0; i < locks->n; i++) {
		switch (locks->v[i]) {
		case STORE_LOCK_DOTLOCK:
		case STORE_LOCK_DOTLOCK_TRY:
			if (!box->has_dotlock && take_dotlock(box,
			    locks->v[i] == STORE_LOCK_DOTLOCK_TRY,
			    err) == -1)
				return -1;
			break;
		case STORE_LOCK_FCNTL:
		case STORE_LOCK_FLOCK:
		case STORE_LOCK_LOCKF:
			if (lock_fd(box, box->fd, locks->v[i], true, waited,
			    err) == -1)
				return -1;
			break;
		}
	}
	return 0;
}

/* Is the open file still the one of this name?  1, 0, -1. */
static int
still_there(struct mbox_box *box, int fd, struct err *err)
{
	struct path_stat open_st, st;

	if (path_fstat(fd, &open_st, err) == -1 ||
	    path_stat(box->root, box->dirfd, NULL, box->file, &st,
	    err) == -1)
		return -1;
	return st.exists && st.ino == open_st.ino && st.dev == open_st.dev;
}

void
mbox_unlock(struct mbox_box *box)
{
	if (box->fd != -1)
		close(box->fd);
	box->fd = -1;
	if (box->has_dotlock)
		dotlock_release(&box->lock);
	box->has_dotlock = false;
}

int
mbox_lock(struct mbox_box *box, struct err *err)
{
	uint64_t waited = 0;
	int r = 0;

	for (unsigned int i = 0; i < REOPEN_MAX; i++) {
		if (open_locked(box, &waited, err) == -1)
			break;
		if ((r = still_there(box, box->fd, err)) == 1)
			return 0;
		if (r == -1)
			break;
		close(box->fd);
		box->fd = -1;
		err_set(err, ERR_TEMP, "%s is replaced again and again",
		    box->file);
	}
	mbox_unlock(box);
	return -1;
}

int
mbox_lock_keep(struct mbox_box *box, struct err *err)
{
	return box->has_dotlock ? dotlock_keep(&box->lock, err) : 0;
}

/* Those that only know dotlocks may be in the middle of an append. */
static int
wait_for_dotlock(struct mbox_box *box, uint64_t *waited, struct err *err)
{
	uint64_t limit = (uint64_t)box->store->lock_timeout * 1000;
	unsigned int pause = WAIT_FIRST_MS;
	char name[PATH_NAME_MAX + 1];
	struct dotlock_wish wish;

	wish_for(box, name, &wish);
	while (dotlock_is_held(box->root, box->dirfd, &wish)) {
		if (*waited >= limit)
			return err_set(err, ERR_TEMP,
			    "%s is locked by another program", box->file);
		wait_ms(pause);
		*waited += pause;
		if (pause < WAIT_MAX_MS)
			pause *= 2;
	}
	return 0;
}

static int
lock_to_read(struct mbox_box *box, int fd, uint64_t *waited, struct err *err)
{
	const struct store_locks *locks =
	    &box->store->settings.mbox_read_locks;

	for (size_t i = 0; i < locks->n; i++) {
		switch (locks->v[i]) {
		case STORE_LOCK_DOTLOCK:
		case STORE_LOCK_DOTLOCK_TRY:
			break;
		case STORE_LOCK_FCNTL:
		case STORE_LOCK_FLOCK:
		case STORE_LOCK_LOCKF:
			if (lock_fd(box, fd, locks->v[i], false, waited,
			    err) == -1)
				return -1;
			break;
		}
	}
	return wait_for_dotlock(box, waited, err);
}

int
mbox_open_read(struct mbox_box *box, struct path_stat *st_r, struct err *err)
{
	uint64_t waited = 0;
	int fd, r;

	for (unsigned int i = 0; i < REOPEN_MAX; i++) {
		fd = path_open_file(box->root, box->dirfd, box->file, st_r,
		    err);
		if (fd == -1)
			return -1;
		if (lock_to_read(box, fd, &waited, err) == 0 &&
		    (r = still_there(box, fd, err)) != -1) {
			if (r == 1 && path_fstat(fd, st_r, err) == 0)
				return fd;
			close(fd);
			continue;
		}
		close(fd);
		return -1;
	}
	return err_set(err, ERR_TEMP, "%s is replaced again and again",
	    box->file);
}
