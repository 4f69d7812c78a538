/*
 * path.h - the one module of the stores that touches paths
 *
 * Each name is one component below a directory that is held open: never
 * empty, ".", ".." or with a '/'.  Symbolic links are not followed, opening
 * never blocks or gives a controlling terminal, and what is opened must be of
 * the expected kind and belong to the owner of the store or to this process.
 * The root alone is a path, followed once when the store is opened.
 *
 * Each call that changes something is a step (struct store), refused in
 * a read-only store.  Failures have the errno in err->errnum.
 */
#ifndef STORE_FILES_PATH_H
#define STORE_FILES_PATH_H

#include <sys/types.h>

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

#define PATH_NAME_MAX	255U	/* bytes of one component */
#define PATH_DIRS_MAX	4096U	/* bytes of directories for path_stat */

struct path_root {
	struct store *store;	/* its step function */
	int fd;			/* the root directory; -1: not open */
	uid_t owner;		/* of the root */
	bool readonly;
	bool noatime;		/* ours: reading leaves no trace in the times */
	bool local;		/* a local file system: fine file times */
	bool no_openat2;	/* the kernel lacks it */
	bool no_fd_link;	/* a file is linked by its path in /proc */
	bool gone;		/* a step said so */
};

/* What we need of a stat; all zero if there is no such file. */
struct path_stat {
	uint64_t ino, size, dev;
	uint64_t mount;			/* links don't reach into another one; 0:
					   not known */
	int64_t mtime_ns, ctime_ns;	/* since 1970 */
	int64_t mtime;			/* seconds */
	uint32_t mode, uid, gid, links;
	bool exists;
};

bool path_name_valid(const char *name);

/* The seconds of ctime since 1970, 0 if they are not within 1..2^32-1. */
uint32_t path_changed(const struct path_stat *st);

/* Open the root; with create its last component is made. */
int path_root_open(struct path_root *root, struct store *store,
    const char *path, bool readonly, bool create, struct err *err);
void path_root_close(struct path_root *root);
/*
 * ERR_NOTFOUND if nothing is in it: an empty directory is more often the place
 * of a file system that is not mounted than a mail store (E5).  path is for
 * the message.
 */
int path_refuse_empty(struct path_root *root, const char *path,
    struct err *err);

/* A directory, to hold or to read. */
int path_open_dir(struct path_root *root, int dirfd, const char *name,
    struct err *err);
/* Read a directory from its start, under its own descriptor. */
DIR *path_read_dir(struct path_root *root, int dirfd, const char *name,
    struct err *err);
/* A regular file, for reading. */
int path_open_file(struct path_root *root, int dirfd, const char *name,
    struct path_stat *st_r, struct err *err);
/* A regular file that exists, for writing at its end (append) or anywhere. */
int path_open_write(struct path_root *root, int dirfd, const char *name,
    bool append, struct err *err);
/* A file that does not exist yet, for writing. */
int path_create(struct path_root *root, int dirfd, const char *name,
    mode_t mode, struct err *err);

/*
 * A file that has no name yet, for writing, in the file system of the open
 * directory; it is gone when it is closed without one.  errnum EOPNOTSUPP: such
 * files are not to be had there.
 */
int path_create_unnamed(struct path_root *root, int dirfd, mode_t mode,
    struct err *err);
/* Give it one; never replaces: EEXIST. */
int path_name_file(struct path_root *root, int fd, int dirfd,
    const char *name, struct err *err);

/*
 * Missing is no failure: exists is false; dirfd -1: there is nothing.  dir:
 * directories that were walked before, one or more, or NULL.
 */
int path_stat(struct path_root *root, int dirfd, const char *dir,
    const char *name, struct path_stat *st_r, struct err *err);
int path_fstat(int fd, struct path_stat *st_r, struct err *err);

int path_mkdir(struct path_root *root, int dirfd, const char *name,
    mode_t mode, struct err *err);
/* Never replaces: EEXIST. */
int path_rename(struct path_root *root, int from_fd, const char *from,
    int to_fd, const char *to, struct err *err);
/* Replaces. */
int path_rename_over(struct path_root *root, int dirfd, const char *from,
    const char *to, struct err *err);
/* Two names change places, at once where the file system can do that. */
int path_exchange(struct path_root *root, int a_fd, const char *a, int b_fd,
    const char *b, struct err *err);
/* A symbolic link to a name in the same directory, for other programs. */
int path_symlink(struct path_root *root, int dirfd, const char *to,
    const char *name, struct err *err);
/*
 * Rename over a symbolic link: at once where the file system can exchange two
 * names, and then the link has the name from.  Where it can't, the link goes
 * first, so that no crash leaves from under a third name, as path_exchange may.
 */
int path_rename_to_link(struct path_root *root, int dirfd, const char *from,
    const char *link, struct err *err);
int path_link(struct path_root *root, int from_fd, const char *from,
    int to_fd, const char *to, struct err *err);
int path_unlink(struct path_root *root, int dirfd, const char *name,
    bool directory, struct err *err);
int path_write(struct path_root *root, int fd, const void *data, size_t len,
    struct err *err);
int path_pwrite(struct path_root *root, int fd, const void *data, size_t len,
    uint64_t offset, struct err *err);
int path_truncate(struct path_root *root, int fd, uint64_t size,
    struct err *err);
/* mtime in seconds, atime is now. */
int path_set_mtime(struct path_root *root, int fd, int64_t mtime,
    struct err *err);
int path_touch(struct path_root *root, int dirfd, const char *name,
    struct err *err);
int path_set_group(struct path_root *root, int fd, gid_t gid,
    struct err *err);
int path_set_mode(struct path_root *root, int fd, mode_t mode,
    struct err *err);
/* The bytes and the size, not the times. */
int path_fdatasync(struct path_root *root, int fd, struct err *err);
int path_fsync(struct path_root *root, int fd, struct err *err);
/* All of the root's file system; errors since the root was opened. */
int path_syncfs(struct path_root *root, struct err *err);

/*
 * Remove the directory name with what is in it, depth levels deep at most;
 * symbolic links are removed, never followed.
 */
int path_remove_tree(struct path_root *root, int dirfd, const char *name,
    unsigned int depth, struct err *err);

#endif
