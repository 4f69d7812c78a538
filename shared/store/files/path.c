#include "config.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "store/files/path.h"

#define OPEN_SAFE (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* Magic numbers of local file systems, whose times are finer than 20 ms. */
static const uint32_t local_types[] = {
	0xef53,		/* ext2, ext3, ext4 */
	0x58465342,	/* xfs */
	0x9123683e,	/* btrfs */
	0x01021994,	/* tmpfs */
	0xf2f52010,	/* f2fs */
	0x2fc12fc1,	/* zfs */
	0xca451a4e,	/* bcachefs */
	0x794c7630,	/* overlayfs */
};

bool
path_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= PATH_NAME_MAX && strchr(name, '/') == NULL &&
	    strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int
check_name(const char *name, struct err *err)
{
	if (path_name_valid(name))
		return 0;
	err_set(err, ERR_REFUSED, "not a file name: %s", name);
	return -1;
}

/* May the next change be made? */
static int
step(struct path_root *root, const char *what, const char *name,
    struct err *err)
{
	int r;

	if (root->readonly) {
		errno = EROFS;
		return err_sys(err, "%s %s", what, name);
	}
	if (root->gone)
		return err_set(err, ERR_TEMP, "the process is gone");
	if (root->store->step == NULL)
		return 0;
	r = root->store->step(root->store->step_arg);
	if (r == 0)
		return 0;
	if (r == -1) {
		root->gone = true;
		return err_set(err, ERR_TEMP, "the process is gone");
	}
	errno = r;
	return err_sys(err, "%s %s", what, name);
}

static int
open_beneath(struct path_root *root, int dirfd, const char *name, int flags,
    mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | OPEN_SAFE),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		    RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	root->store->counts.opens++;
	if (root->noatime && (flags & O_ACCMODE) == O_RDONLY)
		how.flags |= O_NOATIME;
	if (!root->no_openat2) {
		fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
			return (int)fd;
		/*
		 * EPERM: an old system call filter, or a file of somebody else
		 * under O_NOATIME; a true one comes again.
		 */
		if (errno == ENOSYS)
			root->no_openat2 = true;
	}
	/* One component that is no link: O_NOFOLLOW is as strict. */
	return openat(dirfd, name, flags | OPEN_SAFE, mode);
}

static bool
owner_ok(const struct path_root *root, uid_t uid)
{
	return uid == root->owner || uid == geteuid();
}

#ifdef STATX_MNT_ID
#define STAT_MASK	(STATX_BASIC_STATS | STATX_MNT_ID)
#else
#define STAT_MASK	STATX_BASIC_STATS
#endif

static void
stat_set(struct path_stat *out, const struct statx *st)
{
	*out = (struct path_stat){
		.ino = st->stx_ino, .size = st->stx_size,
		.dev = ((uint64_t)st->stx_dev_major << 32) |
		    st->stx_dev_minor,
		.mtime = st->stx_mtime.tv_sec, .mode = st->stx_mode,
		.uid = st->stx_uid, .gid = st->stx_gid,
		.links = st->stx_nlink, .exists = true,
	};
#ifdef STATX_MNT_ID
	if (st->stx_mask & STATX_MNT_ID)
		out->mount = st->stx_mnt_id;
#endif
	/* Wraps beyond the year 2262: still equal when equal. */
	out->mtime_ns = (int64_t)((uint64_t)st->stx_mtime.tv_sec *
	    1000000000U + st->stx_mtime.tv_nsec);
	out->ctime_ns = (int64_t)((uint64_t)st->stx_ctime.tv_sec *
	    1000000000U + st->stx_ctime.tv_nsec);
}

uint32_t
path_changed(const struct path_stat *st)
{
	int64_t seconds = st->ctime_ns / 1000000000;

	return seconds > 0 && seconds <= UINT32_MAX ? (uint32_t)seconds : 0;
}

int
path_fstat(int fd, struct path_stat *st_r, struct err *err)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STAT_MASK, &st) == -1)
		return err_sys(err, "stat");
	stat_set(st_r, &st);
	return 0;
}

int
path_stat(struct path_root *root, int dirfd, const char *dir,
    const char *name, struct path_stat *st_r, struct err *err)
{
	char joined[PATH_DIRS_MAX + PATH_NAME_MAX + 2];
	const char *path = name;
	struct statx st;

	root->store->counts.stats++;
	*st_r = (struct path_stat){ .exists = false };
	if (dirfd == -1)
		return 0;
	if (dir != NULL) {
		snprintf(joined, sizeof(joined), "%s/%s", dir, name);
		path = joined;
	}
	if (statx(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
	    STAT_MASK, &st) == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return err_sys(err, "stat %s", path);
	}
	stat_set(st_r, &st);
	return 0;
}

static bool
fs_is_local(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return false;
	for (size_t i = 0; i < nitems(local_types); i++) {
		if ((uint32_t)fs.f_type == local_types[i])
			return true;
	}
	return false;
}

int
path_root_open(struct path_root *root, struct store *store, const char *path,
    bool readonly, bool create, struct err *err)
{
	struct path_stat st;

	*root = (struct path_root){ .store = store, .readonly = readonly };
	if (create && !readonly && mkdir(path, 0700) == -1 &&
	    errno != EEXIST) {
		root->fd = -1;
		return err_sys(err, "create %s", path);
	}
	root->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root->fd == -1)
		return err_sys(err, "open %s", path);
	if (path_fstat(root->fd, &st, err) == -1) {
		path_root_close(root);
		return -1;
	}
	root->owner = st.uid;
	root->noatime = st.uid == geteuid();
	root->local = fs_is_local(root->fd);
	return 0;
}

void
path_root_close(struct path_root *root)
{
	if (root->fd != -1)
		close(root->fd);
	root->fd = -1;
}

static int
open_failed(const char *name, struct err *err)
{
	if (errno == ELOOP) {
		err_set(err, ERR_PERM,
		    "%s is a symbolic link, which is not followed", name);
		err->errnum = ELOOP;
		return -1;
	}
	if (errno == ENOTDIR)
		return err_set(err, ERR_PERM, "%s is not a directory", name);
	if (errno == ENXIO)
		return err_set(err, ERR_PERM, "%s is not a regular file",
		    name);
	return err_sys(err, "open %s", name);
}

int
path_open_dir(struct path_root *root, int dirfd, const char *name,
    struct err *err)
{
	struct stat st;
	int fd;

	if (check_name(name, err) == -1)
		return -1;
	fd = open_beneath(root, dirfd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -1 && errno == ENOTDIR &&
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		errno = ELOOP;
	if (fd == -1)
		return open_failed(name, err);
	if (fstat(fd, &st) == -1) {
		err_sys(err, "stat %s", name);
		close(fd);
		return -1;
	}
	if (!owner_ok(root, st.st_uid)) {
		close(fd);
		return err_set(err, ERR_PERM, "%s belongs to another user",
		    name);
	}
	return fd;
}

DIR *
path_read_dir(struct path_root *root, int dirfd, const char *name,
    struct err *err)
{
	DIR *dir;
	int fd;

	if (name != NULL)
		fd = path_open_dir(root, dirfd, name, err);
	else if ((fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC)) == -1)
		open_failed("the directory", err);
	if (fd == -1)
		return NULL;
	if ((dir = fdopendir(fd)) == NULL) {
		err_sys(err, "open directory");
		close(fd);
	}
	return dir;
}

int
path_refuse_empty(struct path_root *root, const char *path, struct err *err)
{
	DIR *dir = path_read_dir(root, root->fd, NULL, err);
	struct dirent *de;
	bool empty = true;

	if (dir == NULL)
		return -1;
	while (empty && (de = readdir(dir)) != NULL)
		empty = strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    strcmp(de->d_name, "lost+found") == 0;
	closedir(dir);
	if (empty)
		return err_set(err, ERR_NOTFOUND,
		    "%s is empty: is something not mounted?", path);
	return 0;
}

/* The open file must be a plain one of an owner that we trust. */
static int
check_file(struct path_root *root, int fd, const char *name,
    struct path_stat *st, struct err *err)
{
	if (path_fstat(fd, st, err) == -1)
		return -1;
	if (!S_ISREG(st->mode))
		return err_set(err, ERR_PERM, "%s is not a regular file",
		    name);
	if (!owner_ok(root, st->uid))
		return err_set(err, ERR_PERM, "%s belongs to another user",
		    name);
	return 0;
}

static int
open_checked(struct path_root *root, int dirfd, const char *name, int flags,
    struct path_stat *st_r, struct err *err)
{
	struct path_stat st;
	int fd;

	if (check_name(name, err) == -1)
		return -1;
	if ((fd = open_beneath(root, dirfd, name, flags, 0)) == -1)
		return open_failed(name, err);
	if (check_file(root, fd, name, &st, err) == -1) {
		close(fd);
		return -1;
	}
	if (st_r != NULL)
		*st_r = st;
	return fd;
}

int
path_open_file(struct path_root *root, int dirfd, const char *name,
    struct path_stat *st_r, struct err *err)
{
	return open_checked(root, dirfd, name, O_RDONLY, st_r, err);
}

int
path_open_write(struct path_root *root, int dirfd, const char *name,
    bool append, struct err *err)
{
	if (step(root, "open", name, err) == -1)
		return -1;
	return open_checked(root, dirfd, name,
	    append ? O_RDWR | O_APPEND : O_RDWR, NULL, err);
}

int
path_create(struct path_root *root, int dirfd, const char *name, mode_t mode,
    struct err *err)
{
	int fd;

	root->store->counts.creates++;
	if (check_name(name, err) == -1 ||
	    step(root, "create", name, err) == -1)
		return -1;
	fd = open_beneath(root, dirfd, name, O_RDWR | O_CREAT | O_EXCL, mode);
	if (fd == -1)
		return err_sys(err, "create %s", name);
	return fd;
}

int
path_create_unnamed(struct path_root *root, int dirfd, mode_t mode,
    struct err *err)
{
	int fd;

	root->store->counts.creates++;
	if (step(root, "create", "a file", err) == -1)
		return -1;
	fd = openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	if (fd != -1)
		return fd;
	/* What kernels and file systems say that know of no such thing. */
	if (errno == EISDIR || errno == ENOENT || errno == EINVAL)
		errno = EOPNOTSUPP;
	return err_sys(err, "create a file");
}

/* Kernels before 6.10 let only root link a descriptor by itself. */
static int
link_fd(struct path_root *root, int fd, int dirfd, const char *name)
{
	char path[32];

	if (!root->no_fd_link) {
		if (linkat(fd, "", dirfd, name, AT_EMPTY_PATH) == 0)
			return 0;
		if (errno != ENOENT && errno != EPERM && errno != EINVAL)
			return -1;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, path, dirfd, name, AT_SYMLINK_FOLLOW) == -1)
		return -1;
	root->no_fd_link = true;
	return 0;
}

int
path_name_file(struct path_root *root, int fd, int dirfd, const char *name,
    struct err *err)
{
	root->store->counts.links++;
	if (check_name(name, err) == -1 ||
	    step(root, "link", name, err) == -1)
		return -1;
	if (link_fd(root, fd, dirfd, name) == -1)
		return err_sys(err, "link %s", name);
	return 0;
}

int
path_mkdir(struct path_root *root, int dirfd, const char *name, mode_t mode,
    struct err *err)
{
	root->store->counts.creates++;
	if (check_name(name, err) == -1 ||
	    step(root, "create", name, err) == -1)
		return -1;
	if (mkdirat(dirfd, name, mode) == -1)
		return err_sys(err, "create %s", name);
	return 0;
}

/*
 * A file system that can't refuse to replace: link does, for files.  For the
 * rest a look has to do; a directory with anything in it is never replaced.
 */
static int
rename_by_hand(int from_fd, const char *from, int to_fd, const char *to)
{
	struct stat st;

	if (linkat(from_fd, from, to_fd, to, 0) == 0)
		return unlinkat(from_fd, from, 0);
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS &&
	    errno != EMLINK)
		return -1;
	if (fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return renameat(from_fd, from, to_fd, to);
}

int
path_rename(struct path_root *root, int from_fd, const char *from, int to_fd,
    const char *to, struct err *err)
{
	root->store->counts.renames++;
	if (check_name(from, err) == -1 || check_name(to, err) == -1 ||
	    step(root, "rename", from, err) == -1)
		return -1;
	if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0 ||
	    ((errno == EINVAL || errno == ENOSYS) &&
	    rename_by_hand(from_fd, from, to_fd, to) == 0))
		return 0;
	return err_sys(err, "rename %s to %s", from, to);
}

int
path_rename_over(struct path_root *root, int dirfd, const char *from,
    const char *to, struct err *err)
{
	root->store->counts.renames++;
	if (check_name(from, err) == -1 || check_name(to, err) == -1 ||
	    step(root, "rename", from, err) == -1)
		return -1;
	if (renameat(dirfd, from, dirfd, to) == -1)
		return err_sys(err, "rename %s to %s", from, to);
	return 0;
}

/* 1: done, at once; 0: the file system can't; -1. */
static int
exchange(int a_fd, const char *a, int b_fd, const char *b, struct err *err)
{
	if (renameat2(a_fd, a, b_fd, b, RENAME_EXCHANGE) == 0)
		return 1;
	return errno == EINVAL || errno == ENOSYS ? 0 :
	    err_sys(err, "exchange %s and %s", a, b);
}

int
path_exchange(struct path_root *root, int a_fd, const char *a, int b_fd,
    const char *b, struct err *err)
{
	char between[PATH_NAME_MAX + 1];
	int r;

	if (check_name(a, err) == -1 || check_name(b, err) == -1 ||
	    step(root, "exchange", a, err) == -1)
		return -1;
	if ((r = exchange(a_fd, a, b_fd, b, err)) != 0)
		return r == 1 ? 0 : -1;
	snprintf(between, sizeof(between), "%.250s.old", b);
	if (renameat(a_fd, a, b_fd, between) == -1)
		return err_sys(err, "rename %s to %s", a, between);
	if (renameat(b_fd, b, a_fd, a) == -1) {
		err_sys(err, "rename %s to %s", b, a);
		(void)renameat(b_fd, between, a_fd, a);
		return -1;
	}
	if (renameat(b_fd, between, b_fd, b) == -1)
		return err_sys(err, "rename %s to %s", between, b);
	return 0;
}

int
path_symlink(struct path_root *root, int dirfd, const char *to,
    const char *name, struct err *err)
{
	if (check_name(to, err) == -1 || check_name(name, err) == -1 ||
	    step(root, "link", name, err) == -1)
		return -1;
	if (symlinkat(to, dirfd, name) == -1)
		return err_sys(err, "link %s to %s", name, to);
	return 0;
}

int
path_rename_to_link(struct path_root *root, int dirfd, const char *from,
    const char *link, struct err *err)
{
	int r;

	if (check_name(from, err) == -1 || check_name(link, err) == -1 ||
	    step(root, "rename", from, err) == -1)
		return -1;
	if ((r = exchange(dirfd, from, dirfd, link, err)) != 0)
		return r == 1 ? 0 : -1;
	if (unlinkat(dirfd, link, 0) == -1)
		return err_sys(err, "remove %s", link);
	if (renameat(dirfd, from, dirfd, link) == -1)
		return err_sys(err, "rename %s to %s", from, link);
	return 0;
}

int
path_link(struct path_root *root, int from_fd, const char *from, int to_fd,
    const char *to, struct err *err)
{
	root->store->counts.links++;
	if (check_name(from, err) == -1 || check_name(to, err) == -1 ||
	    step(root, "link", from, err) == -1)
		return -1;
	if (linkat(from_fd, from, to_fd, to, 0) == -1)
		return err_sys(err, "link %s to %s", from, to);
	return 0;
}

int
path_unlink(struct path_root *root, int dirfd, const char *name,
    bool directory, struct err *err)
{
	root->store->counts.unlinks++;
	if (check_name(name, err) == -1 ||
	    step(root, "remove", name, err) == -1)
		return -1;
	if (unlinkat(dirfd, name, directory ? AT_REMOVEDIR : 0) == -1)
		return err_sys(err, "remove %s", name);
	return 0;
}

int
path_write(struct path_root *root, int fd, const void *data, size_t len,
    struct err *err)
{
	root->store->counts.writes++;
	root->store->counts.bytes += len;
	if (step(root, "write", "", err) == -1)
		return -1;
	return io_write(fd, data, len, err);
}

int
path_pwrite(struct path_root *root, int fd, const void *data, size_t len,
    uint64_t offset, struct err *err)
{
	const char *p = data;
	ssize_t n;

	root->store->counts.writes++;
	root->store->counts.bytes += len;
	if (step(root, "write", "", err) == -1)
		return -1;
	while (len > 0) {
		n = pwrite(fd, p, len, (off_t)offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "write");
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int
path_truncate(struct path_root *root, int fd, uint64_t size, struct err *err)
{
	if (step(root, "truncate", "", err) == -1)
		return -1;
	if (ftruncate(fd, (off_t)size) == -1)
		return err_sys(err, "truncate");
	return 0;
}

int
path_set_mtime(struct path_root *root, int fd, int64_t mtime,
    struct err *err)
{
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_NOW }, { .tv_sec = (time_t)mtime },
	};

	if (step(root, "set the time of", "", err) == -1)
		return -1;
	if (futimens(fd, times) == -1)
		return err_sys(err, "set the time");
	return 0;
}

int
path_touch(struct path_root *root, int dirfd, const char *name,
    struct err *err)
{
	if (check_name(name, err) == -1 ||
	    step(root, "touch", name, err) == -1)
		return -1;
	if (utimensat(dirfd, name, NULL, AT_SYMLINK_NOFOLLOW) == -1)
		return err_sys(err, "touch %s", name);
	return 0;
}

int
path_set_group(struct path_root *root, int fd, gid_t gid, struct err *err)
{
	if (step(root, "change the group of", "", err) == -1)
		return -1;
	if (fchown(fd, (uid_t)-1, gid) == -1)
		return err_sys(err, "change the group");
	return 0;
}

int
path_set_mode(struct path_root *root, int fd, mode_t mode, struct err *err)
{
	if (step(root, "change the mode of", "", err) == -1)
		return -1;
	if (fchmod(fd, mode) == -1)
		return err_sys(err, "change the mode");
	return 0;
}

int
path_fdatasync(struct path_root *root, int fd, struct err *err)
{
	if (step(root, "fsync", "", err) == -1)
		return -1;
	if (fdatasync(fd) == -1)
		return err_sys(err, "fsync");
	return 0;
}

int
path_fsync(struct path_root *root, int fd, struct err *err)
{
	root->store->counts.fsyncs++;
	if (step(root, "fsync", "", err) == -1)
		return -1;
	if (fsync(fd) == -1)
		return err_sys(err, "fsync");
	return 0;
}

int
path_syncfs(struct path_root *root, struct err *err)
{
	root->store->counts.syncfss++;
	if (step(root, "syncfs", "", err) == -1)
		return -1;
	if (syncfs(root->fd) == -1)
		return err_sys(err, "syncfs");
	return 0;
}

/* Remove what is in the open directory; closes it. */
static int
remove_contents(struct path_root *root, DIR *dir, unsigned int depth,
    struct err *err)
{
	struct dirent *de;
	int ret = 0;

	while (ret == 0 && (de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		ret = path_unlink(root, dirfd(dir), de->d_name, false, err);
		if (ret == -1 && (err->errnum == EISDIR ||
		    err->errnum == EPERM) && depth > 0)
			ret = path_remove_tree(root, dirfd(dir), de->d_name,
			    depth - 1, err);
		if (ret == -1 && err->errnum == ENOENT)
			ret = 0;
	}
	closedir(dir);
	return ret;
}

int
path_remove_tree(struct path_root *root, int dirfd, const char *name,
    unsigned int depth, struct err *err)
{
	DIR *dir = path_read_dir(root, dirfd, name, err);

	if (dir == NULL || remove_contents(root, dir, depth, err) == -1)
		return -1;
	return path_unlink(root, dirfd, name, true, err);
}
