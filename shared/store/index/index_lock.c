/*
 * The three ways to lock do not see each other, so the one that Dovecot was
 * told to use has to be used.  Whoever got the lock looks whether the log is
 * still the one of that name: it may have been exchanged while we waited.
 */
#include "config.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "store/index/index_int.h"

#define LOCK_STALE	180U	/* seconds; of a dotlock */
#define LOCK_TRIES	100U	/* exchanges of the log */
#define WAIT_FIRST_MS	1U
#define WAIT_MAX_MS	50U

static int
try_lock(const struct index *index, int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	switch (index->opts.lock_method) {
	case INDEX_LOCK_FCNTL:
		return fcntl(fd, F_SETLK, &lock);
	case INDEX_LOCK_FLOCK:
		return flock(fd, LOCK_EX | LOCK_NB);
	case INDEX_LOCK_DOTLOCK:
		break;
	}
	return 0;
}

static int
lock_fd(const struct index *index, struct err *err)
{
	uint64_t waited = 0, limit = index->opts.lock_timeout * 1000ULL;
	unsigned int pause = WAIT_FIRST_MS;

	while (try_lock(index, index->fd) == -1) {
		struct timespec ts = { 0, (long)pause * 1000000 };

		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EACCES)
			return err_sys(err, "lock %s", index->log_name);
		/* Waiting is counted, not measured: a clock may jump. */
		if (waited >= limit)
			return err_set(err, ERR_TEMP, "%s is locked by others",
			    index->log_name);
		nanosleep(&ts, NULL);
		waited += pause;
		if (pause < WAIT_MAX_MS)
			pause *= 2;
	}
	return 0;
}

static void
unlock_fd(const struct index *index)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	switch (index->opts.lock_method) {
	case INDEX_LOCK_FCNTL:
		(void)fcntl(index->fd, F_SETLK, &lock);
		break;
	case INDEX_LOCK_FLOCK:
		(void)flock(index->fd, LOCK_UN);
		break;
	case INDEX_LOCK_DOTLOCK:
		break;
	}
}

static int
take_dotlock(struct index *index, struct err *err)
{
	char name[PATH_NAME_MAX + 1];
	struct dotlock_wish wish = {
		.name = name, .hostname = index->hostname,
		.stale = LOCK_STALE, .timeout = index->opts.lock_timeout,
		.tmp_fd = index->dirfd,
	};

	if (index->opts.lock_method != INDEX_LOCK_DOTLOCK)
		return 0;
	snprintf(name, sizeof(name), "%s.lock", index->log_name);
	return dotlock_take(&index->dotlock, index->root, index->dirfd, &wish,
	    err);
}

/*
 * Open the log for writing and lock it.  1: there is none.  A descriptor for
 * reading must go first: closing it later would drop the lock.
 */
static int
lock_log(struct index *index, struct err *err)
{
	struct path_stat st, open_st;

	for (unsigned int i = 0; i < LOCK_TRIES; i++) {
		if (!index->fd_writable)
			index_log_close(index);
		if (index->fd == -1) {
			index->fd = path_open_write(index->root, index->dirfd,
			    index->log_name, false, err);
			if (index->fd == -1 && err->errnum == ENOENT) {
				*err = (struct err)ERR_INIT;
				return 1;
			}
			if (index->fd == -1)
				return -1;
			index->fd_writable = true;
		}
		if (lock_fd(index, err) == -1 ||
		    path_fstat(index->fd, &open_st, err) == -1 ||
		    path_stat(index->root, index->dirfd, NULL,
		    index->log_name, &st, err) == -1) {
			index_log_close(index);
			index->known = false;
			return -1;
		}
		if (st.exists && st.ino == open_st.ino &&
		    st.dev == open_st.dev) {
			if (st.ino != index->log_st.ino ||
			    st.dev != index->log_st.dev)
				index->known = false;
			index->log_st = open_st;
			return 0;
		}
		index_log_close(index);
	}
	index->known = false;
	return err_set(err, ERR_TEMP, "%s is exchanged all the time",
	    index->log_name);
}

/* Under the lock: know all of it; nothing may be left over. */
static int
read_all(struct index *index, struct err *err)
{
	struct path_stat st;

	if ((index->known && index->data.st.exists ?
	    index_follow(index, err) : index_reload(index, err)) == -1 ||
	    path_fstat(index->fd, &st, err) == -1)
		return -1;
	if (st.size != index->data.st.log_offset)
		return err_set(err, ERR_CORRUPT,
		    "%s has garbage at its end", index->log_name);
	return 0;
}

int
index_lock(struct index *index, struct err *err)
{
	int ret;

	if (index->locked)
		return 0;
	if (index->opts.readonly) {
		errno = EROFS;
		return err_sys(err, "lock %s", index->log_name);
	}
	if (index->dirfd == -1)
		return index_reload(index, err);
	if (take_dotlock(index, err) == -1)
		return -1;
	ret = lock_log(index, err);
	if (ret == 0) {
		index->locked = true;
		ret = read_all(index, err);
		if (ret == -1)
			index_unlock(index);
		return ret;
	}
	dotlock_release(&index->dotlock);
	if (ret == -1)
		return -1;
	if (index_reload(index, err) == -1)
		return -1;
	if (index->data.st.exists)
		return err_set(err, ERR_CORRUPT, "%s has no log",
		    index->base);
	return 0;
}

int
index_relock(struct index *index, struct err *err)
{
	index_log_close(index);
	index->known = false;
	if (lock_log(index, err) != 0 || read_all(index, err) == -1) {
		index_unlock(index);
		return err->code != ERR_NONE ? -1 : err_set(err, ERR_STALE,
		    "%s is gone", index->log_name);
	}
	return 0;
}

void
index_set_lock_timeout(struct index *index, unsigned int timeout)
{
	index->opts.lock_timeout = timeout;
}

void
index_unlock(struct index *index)
{
	if (!index->locked)
		return;
	if (index->fd != -1)
		unlock_fd(index);
	dotlock_release(&index->dotlock);
	index->locked = false;
}

bool
index_is_locked(const struct index *index)
{
	return index->locked;
}
