/*
 * Two runs of one pair do not overlap (E4).
 *
 * A file beside the database, one for each peer, locked with flock and holding
 * the number of the process.  It is removed by whoever holds it; so after the
 * lock was got it must still be the file of that name, or somebody else has
 * meanwhile removed it and a third one made a new one.
 *
 * Stores of one owner may have one INBOX, in a Maildir with the key INBOX.  What
 * one of their runs does there the log of the other does not know, which would
 * take another UID for another message: so such runs do not overlap either.
 * The lock is on the folder itself, which both can reach, and shared by runs of
 * a store whose own root is its INBOX.
 */
#include "config.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "model/mail_location.h"
#include "session/session_int.h"

#define TRY_MS	100U
#define EARLY_PERCENT	40U	/* of the timeout, at most, to give up early */

/*
 * Only for people: a failure does no harm.  The file is not emptied first: ext4
 * sends to the disk at once what is written to a file that was, lest an old
 * version be lost without a new one.
 */
static void
write_pid(int fd, off_t old_size)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (pwrite(fd, text, (size_t)len, 0) == -1 ||
	    (old_size > len && ftruncate(fd, len) == -1))
		errno = 0;
}

static long
read_pid(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	return strtol(text, NULL, 10);
}

/* A lock that is waited for. */
struct wanted {
	const char *path;	/* of the file of a pair */
	int how;		/* LOCK_SH, LOCK_EX: of the folder of an INBOX */
	int fd;			/* of the folder; of the file, once it is ours */
	long holder;		/* of the file; 0: nobody knows */
};

/* 1: got it, 0: others hold it, -1. */
static int
try_pair(struct wanted *want, struct err *err)
{
	struct stat a, b;
	int fd = open(want->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0600);

	if (fd == -1)
		return err_sys(err, "pair lock");
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		int r = errno == EWOULDBLOCK ? 0 : err_sys(err, "pair lock");

		want->holder = read_pid(fd);
		close(fd);
		return r;
	}
	if (fstat(fd, &a) == 0 && lstat(want->path, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
		write_pid(fd, a.st_size);
		want->fd = fd;
		return 1;
	}
	close(fd);
	want->holder = 0;
	return 0;
}

static int
try_inbox(struct wanted *want, struct err *err)
{
	(void)err;
	/* A file system without such locks has none. */
	return flock(want->fd, want->how | LOCK_NB) == 0 ||
	    errno != EWOULDBLOCK;
}

/*
 * Two hosts that start a run of one pair at once lock in opposite order.  One of
 * them gives up first, so that the other goes on.
 */
static uint64_t
lock_tries(const struct session *s)
{
	unsigned int timeout = s->args.pair_lock_timeout != 0 ?
	    s->args.pair_lock_timeout : PAIR_LOCK_TIMEOUT;
	uint64_t tries = timeout * 1000ULL / TRY_MS;
	uint32_t early;

	random_bytes(&early, sizeof(early));
	return tries - tries * (early % (EARLY_PERCENT + 1)) / 100;
}

/* 1: got it; 0: not in time, and the run is locked out; -1. */
static int
wait_for(struct session *s, struct wanted *want,
    int (*try)(struct wanted *, struct err *), struct err *err)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000L };
	uint64_t tries = lock_tries(s);
	int r = 0;

	for (uint64_t i = 0; i <= tries; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		if ((r = try(want, err)) != 0)
			return r;
	}
	s->locked_out = true;
	return 0;
}

int
pair_lock(struct session *s, const struct guid128 *peer, struct err *err)
{
	const char *base = chlog_path(s->log);
	char hex[GUID_HEX_SIZE], path[PATH_MAX];
	struct pair_lock *lock = &s->locks[0];
	struct wanted want = { .path = path };
	int r;

	if (s->hello.dry_run || base == NULL || guid_is_zero(peer))
		return 0;
	for (; lock->path != NULL; lock++)
		if (guid_eq(&lock->peer, peer) || lock == &s->locks[1])
			return 0;
	guid_format(peer, hex);
	if (snprintf(path, sizeof(path), "%s.lock-%.16s", base, hex) >=
	    (int)sizeof(path))
		return err_set(err, ERR_CONFIG, "%s: the path is too long",
		    base);
	if ((r = wait_for(s, &want, try_pair, err)) != 1)
		return r == -1 ? -1 : err_set(err, ERR_TEMP, "another run of "
		    "this pair is not finished (process %ld)", want.holder);
	lock->fd = want.fd;
	lock->path = strdup(path);
	lock->peer = *peer;
	return 0;
}

int
inbox_lock(struct session *s, struct err *err)
{
	const char *elsewhere = mail_location_get(s->args.location, "INBOX");
	struct wanted want = { .how = elsewhere != NULL ? LOCK_EX : LOCK_SH };

	/* A source is not written. */
	if (s->readonly || s->inbox_locked || !s->driver->shared_inbox)
		return 0;
	want.fd = open(elsewhere != NULL ? elsewhere : s->args.location->path,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (want.fd == -1)
		return 0;
	if (wait_for(s, &want, try_inbox, err) == 1) {
		s->inbox_locked = true;
		s->inbox_fd = want.fd;
		return 0;
	}
	close(want.fd);
	return err_set(err, ERR_TEMP, "a run of another store with the same "
	    "INBOX is not finished");
}

void
pair_unlock(struct session *s)
{
	if (s->inbox_locked)
		close(s->inbox_fd);
	s->inbox_locked = false;
	for (size_t i = 0; i < nitems(s->locks); i++) {
		struct pair_lock *lock = &s->locks[i];

		if (lock->path == NULL)
			continue;
		unlink(lock->path);
		close(lock->fd);
		free(lock->path);
		lock->path = NULL;
	}
}
