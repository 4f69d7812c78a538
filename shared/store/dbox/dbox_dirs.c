#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/dbox/dbox.h"

static int
join(char out[static DBOX_PATH_MAX], const char *first, const char *path,
    const char *last, struct err *err)
{
	int n = snprintf(out, DBOX_PATH_MAX, "%s/%s%s%s", first, path,
	    last == NULL ? "" : "/", last == NULL ? "" : last);

	if (n < 0 || n >= (int)DBOX_PATH_MAX)
		return err_set(err, ERR_REFUSED,
		    "the mailbox name is too long for a dbox");
	return 0;
}

int
dbox_box_path(const struct dbox_store *store, const char *path,
    char out[static DBOX_PATH_MAX], struct err *err)
{
	return join(out, store->boxes_name, path, NULL, err);
}

int
dbox_mail_path(const struct dbox_store *store, const char *path,
    char out[static DBOX_PATH_MAX], struct err *err)
{
	return join(out, store->boxes_name, path,
	    store->listed ? NULL : store->dir_name, err);
}

int
dbox_index_path(const struct dbox_store *store, const char *path,
    char out[static DBOX_PATH_MAX], struct err *err)
{
	bool plain = store->listed ||
	    (store->index.fd != -1 && !store->full_dir);

	return join(out, store->boxes_name, path,
	    plain ? NULL : store->dir_name, err);
}

/* The next level of *path, which moves behind it; false: the end. */
static bool
next_level(const char **path, char level[static PATH_NAME_MAX + 1])
{
	size_t len = strcspn(*path, "/");

	if (len == 0 || len > PATH_NAME_MAX)
		return false;
	memcpy(level, *path, len);
	level[len] = '\0';
	*path += len;
	if (**path == '/')
		(*path)++;
	return true;
}

/* One level deeper; closes fd. */
static int
descend(struct dbox_store *store, struct path_root *root, int fd,
    const char *level, bool create, struct err *err)
{
	struct err why = ERR_INIT;
	int deeper = path_open_dir(root, fd, level, &why);

	if (deeper == -1 && create && why.errnum == ENOENT) {
		why = (struct err)ERR_INIT;
		if (path_mkdir(root, fd, level, store->dir_mode, &why) == 0 ||
		    why.errnum == EEXIST) {
			deeper = path_fsync(root, fd, &why) == -1 ? -1 :
			    path_open_dir(root, fd, level, &why);
		}
	}
	close(fd);
	if (deeper == -1)
		*err = why;
	return deeper;
}

static int
root_dup(const struct path_root *root, struct err *err)
{
	int fd = fcntl(root->fd, F_DUPFD_CLOEXEC, 0);

	return fd == -1 ? err_sys(err, "open the root") : fd;
}

int
dbox_dir_open(struct dbox_store *store, struct path_root *root,
    const char *path, bool create, struct err *err)
{
	char level[PATH_NAME_MAX + 1];
	int fd = root_dup(root, err);

	while (fd != -1 && next_level(&path, level))
		fd = descend(store, root, fd, level, create, err);
	return fd;
}

int
dbox_dir_deepest(struct dbox_store *store, struct path_root *root,
    const char *path, const char **missing_r, struct err *err)
{
	char level[PATH_NAME_MAX + 1];
	int fd = root_dup(root, err), deeper;

	(void)store;
	while (fd != -1) {
		struct err why = ERR_INIT;

		*missing_r = path;
		if (!next_level(&path, level))
			break;
		deeper = path_open_dir(root, fd, level, &why);
		if (deeper == -1 && why.errnum == ENOENT)
			break;
		close(fd);
		if (deeper == -1)
			*err = why;
		fd = deeper;
	}
	return fd;
}

int
dbox_dir_parent(struct dbox_store *store, struct path_root *root,
    const char *path, bool create, const char **name_r, struct err *err)
{
	char level[PATH_NAME_MAX + 1];
	int fd = root_dup(root, err);

	while (fd != -1 && strchr(path, '/') != NULL &&
	    next_level(&path, level))
		fd = descend(store, root, fd, level, create, err);
	*name_r = path;
	return fd;
}

void
dbox_dir_prune(struct dbox_store *store, struct path_root *root,
    const char *path)
{
	char left[DBOX_PATH_MAX];
	const char *name;
	char *slash;
	int fd, r;

	snprintf(left, sizeof(left), "%s", path);
	while ((slash = strrchr(left, '/')) != NULL) {
		struct err why = ERR_INIT;

		fd = dbox_dir_parent(store, root, left, false, &name, &why);
		r = fd == -1 ? -1 : path_unlink(root, fd, name, true, &why);
		if (fd != -1)
			close(fd);
		/* What is gone already is as good as removed. */
		if (r == -1 && why.code != ERR_NOTFOUND)
			return;
		*slash = '\0';
	}
}

int
dbox_dir_rename(struct dbox_store *store, struct path_root *root,
    const char *from, const char *to, struct err *err)
{
	const char *old_name, *new_name;
	int old_fd, new_fd, ret = -1;

	old_fd = dbox_dir_parent(store, root, from, false, &old_name, err);
	if (old_fd == -1)
		return -1;
	new_fd = dbox_dir_parent(store, root, to, true, &new_name, err);
	if (new_fd != -1) {
		ret = path_rename(root, old_fd, old_name, new_fd, new_name,
		    err);
		if (ret == 0)
			ret = path_fsync(root, new_fd, err);
		if (ret == 0)
			ret = path_fsync(root, old_fd, err);
		close(new_fd);
	}
	close(old_fd);
	return ret;
}

int
dbox_index_remove(struct dbox_store *store, int dirfd, struct err *err)
{
	struct path_root *root = dbox_index_root(store);
	DIR *dir = path_read_dir(root, dirfd, NULL, err);
	struct dirent *de;
	int ret = 0;

	if (dir == NULL)
		return -1;
	while (ret == 0 && (de = readdir(dir)) != NULL) {
		if (strncmp(de->d_name, DBOX_INDEX,
		    strlen(DBOX_INDEX)) != 0)
			continue;
		ret = path_unlink(root, dirfd, de->d_name, false, err);
		/* A mailbox below may be called so. */
		if (ret == -1 && (err->errnum == ENOENT ||
		    err->errnum == EISDIR || err->errnum == EPERM))
			ret = 0;
	}
	closedir(dir);
	return ret;
}
