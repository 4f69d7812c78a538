/*
 * The lock file is written completely under another name and then linked, so
 * that no process can die between making it and writing its pid, which would
 * lock everybody out until it counts as stale by its age.
 */
#include "config.h"

#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "store/files/dotlock.h"

#define CONTENT_MAX	300U	/* bytes: a pid, ':', a host name */
#define WAIT_FIRST_MS	2U
#define WAIT_MAX_MS	200U

/* All that this process holds: a pid of ours alone proves nothing. */
static struct dotlock *held_locks;

void
unique_name(char out[static PATH_NAME_MAX + 1], const char *hostname)
{
	static unsigned int count;
	struct timespec now;
	char host[128];
	size_t i;

	for (i = 0; hostname[i] != '\0' && i < sizeof(host) - 1; i++)
		host[i] = strchr("/:,", hostname[i]) != NULL ||
		    (unsigned char)hostname[i] <= ' ' ? '_' : hostname[i];
	host[i] = '\0';
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(out, PATH_NAME_MAX + 1, UNIQUE_PREFIX "%lld.M%06ldP%ldQ%u.%s",
	    (long long)now.tv_sec, now.tv_nsec / 1000, (long)getpid(),
	    ++count, host);
}

static bool
we_hold(const struct path_stat *st)
{
	for (struct dotlock *l = held_locks; l != NULL; l = l->next) {
		if (l->ino == st->ino && l->dev == st->dev)
			return true;
	}
	return false;
}

/* Does the content name a process of this host that is gone? */
static bool
owner_gone(const char *content, const char *hostname,
    const struct path_stat *st)
{
	char *end;
	long pid = strtol(content, &end, 10);

	if (end == content || *end != ':' || strcmp(end + 1, hostname) != 0 ||
	    pid <= 0)
		return false;
	if (pid == (long)getpid())
		return !we_hold(st);
	return kill((pid_t)pid, 0) == -1 && errno == ESRCH;
}

/* 1: the lock there is stale; 0: it is not; -1: it is gone now. */
static int
is_stale(struct path_root *root, int dirfd, const struct dotlock_wish *wish,
    struct path_stat *st, char content[static CONTENT_MAX + 1])
{
	struct err ignored = ERR_INIT;
	int64_t newest, now = (int64_t)clock_now_ms();
	ssize_t n;
	int fd;

	content[0] = '\0';
	fd = path_open_file(root, dirfd, wish->name, st, &ignored);
	if (fd == -1)
		return ignored.errnum == ENOENT ? -1 : 0;
	if ((n = io_read(fd, content, CONTENT_MAX)) < 0)
		n = 0;
	close(fd);
	content[n] = '\0';
	content[strcspn(content, "\r\n")] = '\0';
	if (owner_gone(content, wish->hostname, st))
		return 1;
	newest = st->mtime_ns > st->ctime_ns ? st->mtime_ns : st->ctime_ns;
	return now - newest / 1000000 > (int64_t)wish->stale * 1000;
}

/*
 * Two processes may find the same stale lock.  Moving it aside tells which
 * file it was: if the other one has already put its own lock there, that is
 * put back.
 */
static void
remove_stale(struct path_root *root, int dirfd,
    const struct dotlock_wish *wish, const struct path_stat *stale)
{
	char aside[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct path_stat st;

	unique_name(aside, wish->hostname);
	if (path_rename(root, dirfd, wish->name, dirfd, aside,
	    &ignored) == -1)
		return;
	if (path_stat(root, dirfd, NULL, aside, &st, &ignored) == 0 &&
	    st.exists && (st.ino != stale->ino || st.dev != stale->dev))
		(void)path_rename(root, dirfd, aside, dirfd, wish->name,
		    &ignored);
	else
		(void)path_unlink(root, dirfd, aside, false, &ignored);
}

static int
write_content(struct path_root *root, int fd, const char *hostname,
    struct err *err)
{
	char content[CONTENT_MAX + 1];
	int len = snprintf(content, sizeof(content), "%ld:%s",
	    (long)getpid(), hostname);

	return path_write(root, fd, content, (size_t)len, err);
}

/* A file that is ours under a name that nobody looks for. */
static int
create_aside(struct path_root *root, const struct dotlock_wish *wish,
    char name[static PATH_NAME_MAX + 1], struct path_stat *st_r,
    struct err *err)
{
	char unique[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	int fd, ret;

	unique_name(unique, wish->hostname);
	snprintf(name, PATH_NAME_MAX + 1, "%.200s.lock", unique);
	if ((fd = path_create(root, wish->tmp_fd, name, 0600, err)) == -1)
		return -1;
	ret = write_content(root, fd, wish->hostname, err);
	if (ret == 0)
		ret = path_fstat(fd, st_r, err);
	close(fd);
	if (ret == -1)
		(void)path_unlink(root, wish->tmp_fd, name, false, &ignored);
	return ret;
}

void
dotlock_source_drop(struct dotlock_source *source)
{
	struct err ignored = ERR_INIT;

	if (source->root == NULL)
		return;
	(void)path_unlink(source->root, source->dirfd, source->name, false,
	    &ignored);
	close(source->dirfd);
	*source = (struct dotlock_source){ .root = NULL };
}

static int
make_source(struct path_root *root, const struct dotlock_wish *wish,
    struct err *err)
{
	struct dotlock_source *source = wish->source;
	struct path_stat st;

	source->dirfd = fcntl(wish->tmp_fd, F_DUPFD_CLOEXEC, 0);
	if (source->dirfd == -1)
		return err_sys(err, "open a directory");
	if (create_aside(root, wish, source->name, &st, err) == -1) {
		close(source->dirfd);
		return -1;
	}
	source->root = root;
	source->ino = st.ino;
	source->dev = st.dev;
	return 0;
}

/* One more link; -1 with *lost: the file can't be had so. */
static int
link_source(struct path_root *root, int dirfd,
    const struct dotlock_wish *wish, struct path_stat *st_r, bool *lost,
    struct err *err)
{
	struct dotlock_source *source = wish->source;

	*lost = false;
	if (source->root == NULL && make_source(root, wish, err) == -1)
		return -1;
	st_r->ino = source->ino;
	st_r->dev = source->dev;
	if (path_link(root, source->dirfd, source->name, dirfd, wish->name,
	    err) == 0)
		return 0;
	/* Somebody cleaned up, it has links enough, or it is elsewhere. */
	*lost = err->errnum == ENOENT || err->errnum == EMLINK ||
	    err->errnum == EXDEV;
	return -1;
}

static int
create_by_link(struct path_root *root, int dirfd,
    const struct dotlock_wish *wish, struct path_stat *st_r, struct err *err)
{
	char name[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT, why = ERR_INIT;
	bool lost;
	int ret;

	if (wish->source != NULL) {
		if (link_source(root, dirfd, wish, st_r, &lost, &why) == 0)
			return 0;
		if (!lost) {
			*err = why;
			return -1;
		}
		dotlock_source_drop(wish->source);
		if (wish->tmp_fd == -1) {
			*err = why;
			err->errnum = ESTALE;
			return -1;
		}
	}
	if (create_aside(root, wish, name, st_r, err) == -1)
		return -1;
	ret = path_link(root, wish->tmp_fd, name, dirfd, wish->name, err);
	(void)path_unlink(root, wish->tmp_fd, name, false, &ignored);
	return ret;
}

static int
create_directly(struct path_root *root, int dirfd,
    const struct dotlock_wish *wish, struct path_stat *st_r, struct err *err)
{
	struct err ignored = ERR_INIT;
	int fd = path_create(root, dirfd, wish->name, 0600, err), ret;

	if (fd == -1)
		return -1;
	ret = write_content(root, fd, wish->hostname, err);
	if (ret == 0)
		ret = path_fstat(fd, st_r, err);
	close(fd);
	if (ret == -1)
		(void)path_unlink(root, dirfd, wish->name, false, &ignored);
	return ret;
}

static int
try_create(struct path_root *root, int dirfd, const struct dotlock_wish *wish,
    struct path_stat *st_r, struct err *err)
{
	if (wish->tmp_fd != -1 ||
	    (wish->source != NULL && wish->source->root != NULL)) {
		if (create_by_link(root, dirfd, wish, st_r, err) == 0)
			return 0;
		/* Not all file systems have links. */
		if (err->errnum != EPERM && err->errnum != EOPNOTSUPP &&
		    err->errnum != ENOSYS && err->errnum != EMLINK &&
		    err->errnum != EXDEV)
			return -1;
	}
	return create_directly(root, dirfd, wish, st_r, err);
}

static void
wait_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static int
wait_for_it(struct path_root *root, int dirfd,
    const struct dotlock_wish *wish, struct path_stat *st_r, struct err *err)
{
	uint64_t waited = 0, limit = (uint64_t)wish->timeout * 1000;
	unsigned int pause = WAIT_FIRST_MS, stale_seen = 0;
	char content[CONTENT_MAX + 1];
	struct path_stat st;
	int stale;

	for (;;) {
		if (try_create(root, dirfd, wish, st_r, err) == 0)
			return 0;
		if (err->errnum != EEXIST)
			return -1;
		stale = is_stale(root, dirfd, wish, &st, content);
		if (stale == 1 && stale_seen++ < 10) {
			remove_stale(root, dirfd, wish, &st);
			continue;
		}
		/* Waiting is counted, not measured: a clock may jump. */
		if (waited >= limit)
			return err_set(err, ERR_TEMP,
			    "%s is held by %s", wish->name,
			    content[0] == '\0' ? "somebody" : content);
		wait_ms(pause);
		waited += pause;
		if (pause < WAIT_MAX_MS)
			pause *= 2;
	}
}

bool
dotlock_is_held(struct path_root *root, int dirfd,
    const struct dotlock_wish *wish)
{
	char content[CONTENT_MAX + 1];
	struct path_stat st;

	return is_stale(root, dirfd, wish, &st, content) == 0;
}

int
dotlock_take(struct dotlock *lock, struct path_root *root, int dirfd,
    const struct dotlock_wish *wish, struct err *err)
{
	struct path_stat st;

	*lock = (struct dotlock){ .root = root, .dirfd = dirfd };
	snprintf(lock->name, sizeof(lock->name), "%s", wish->name);
	if (wait_for_it(root, dirfd, wish, &st, err) == -1)
		return err_prefix(err, "lock");
	lock->ino = st.ino;
	lock->dev = st.dev;
	lock->touched_ms = clock_mono_ms();
	lock->held = true;
	lock->next = held_locks;
	held_locks = lock;
	return 0;
}

static bool
is_ours(struct dotlock *lock)
{
	struct err ignored = ERR_INIT;
	struct path_stat st;

	return path_stat(lock->root, lock->dirfd, NULL, lock->name, &st,
	    &ignored) == 0 && st.exists && st.ino == lock->ino &&
	    st.dev == lock->dev;
}

int
dotlock_keep(struct dotlock *lock, struct err *err)
{
	uint64_t now = clock_mono_ms();

	if (!is_ours(lock))
		return err_set(err, ERR_TEMP, "%s was taken from us",
		    lock->name);
	if (now - lock->touched_ms >= DOTLOCK_TOUCH * 1000U) {
		if (path_touch(lock->root, lock->dirfd, lock->name,
		    err) == -1)
			return -1;
		lock->touched_ms = now;
	}
	return 0;
}

void
dotlock_release(struct dotlock *lock)
{
	struct err ignored = ERR_INIT;

	if (!lock->held)
		return;
	for (struct dotlock **p = &held_locks; *p != NULL; p = &(*p)->next) {
		if (*p == lock) {
			*p = lock->next;
			break;
		}
	}
	lock->held = false;
	if (is_ours(lock))
		(void)path_unlink(lock->root, lock->dirfd, lock->name, false,
		    &ignored);
}
