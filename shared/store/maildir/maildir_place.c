/*
 * Where the parts of a mailbox lie: its mails, its control files (CONTROL=)
 * and its index files (INDEX=).  Each is a path of directories below a root
 * that is held open, walked one by one, so that no link is followed.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/mailbox_name.h"
#include "store/maildir/maildir.h"

/* "a/b" into out; the empty string stands for no directory. */
static int
join(char out[static DIR_PATH_MAX + 1], const char *a, const char *b,
    struct err *err)
{
	int n = snprintf(out, DIR_PATH_MAX + 1, "%s%s%s", a,
	    a[0] != '\0' && b[0] != '\0' ? "/" : "", b);

	if (n < 0 || (unsigned int)n > DIR_PATH_MAX)
		return err_set(err, ERR_REFUSED,
		    "the mailbox name is too long for a Maildir");
	return 0;
}

/* The directory of a name in the control and index roots. */
static int
side_path(const struct maildir_store *store, const char *dir,
    char out[static DIR_PATH_MAX + 1], struct err *err)
{
	return join(out, dir, store->full_dirname ? store->dirname : "",
	    err);
}

static int
place_mail(const struct maildir_store *store, const char *name,
    const char *dir, struct maildir_place *place, struct err *err)
{
	const char *dirname = store->dirname == NULL ? "" : store->dirname;

	place->mail_fd = store->root.fd;
	if (name_is_inbox(name) && store->inbox.fd != -1) {
		place->mail_fd = store->inbox.fd;
		place->mail[0] = '\0';
		return 0;
	}
	if (name_is_inbox(name) && store->dirname == NULL &&
	    !store->layout->listed) {
		place->mail[0] = '\0';
		return 0;
	}
	return join(place->mail, dir, dirname, err);
}

int
maildir_place_find(struct maildir_store *store, const char *name,
    struct maildir_place *place, struct err *err)
{
	char dir[DIR_PATH_MAX + 1];

	if (store->layout->dir != NULL) {
		if (store->layout->dir(store, name, dir, err) == -1)
			return -1;
	} else if (name_is_inbox(name))
		snprintf(dir, sizeof(dir), "%s", store->layout->inbox);
	else if (maildir_name_dir(store, name, dir, err) == -1)
		return -1;
	return maildir_place_dir(store, name, dir, place, err);
}

int
maildir_place_dir(const struct maildir_store *store, const char *name,
    const char *dir, struct maildir_place *place, struct err *err)
{
	if (place_mail(store, name, dir, place, err) == -1)
		return -1;
	if (store->control.fd == -1) {
		place->control_fd = place->mail_fd;
		memcpy(place->control, place->mail, sizeof(place->mail));
	} else {
		place->control_fd = store->control.fd;
		if (side_path(store, dir, place->control, err) == -1)
			return -1;
	}
	if (store->index_in_memory) {
		place->index_fd = -1;
		place->index[0] = '\0';
	} else if (store->index.fd == -1) {
		place->index_fd = place->mail_fd;
		memcpy(place->index, place->mail, sizeof(place->mail));
	} else {
		place->index_fd = store->index.fd;
		if (side_path(store, dir, place->index, err) == -1)
			return -1;
	}
	return 0;
}

struct path_root *
maildir_control(struct maildir_store *store)
{
	return store->control.fd != -1 ? &store->control : &store->root;
}

/* Take the first directory off *path. */
static int
next_dir(const char **path, char name[static PATH_NAME_MAX + 1],
    struct err *err)
{
	size_t len = strcspn(*path, "/");

	if (len > PATH_NAME_MAX)
		return err_set(err, ERR_REFUSED, "a directory's name is too "
		    "long");
	memcpy(name, *path, len);
	name[len] = '\0';
	*path += len;
	while (**path == '/')
		(*path)++;
	return 0;
}

static int
walk(struct maildir_store *store, int base, const char *path, bool make,
    struct err *err)
{
	char name[PATH_NAME_MAX + 1];
	int fd = base, next;
	struct err why;

	if (*path == '\0' && (fd = fcntl(base, F_DUPFD_CLOEXEC, 0)) == -1)
		return err_sys(err, "open a directory");
	while (*path != '\0') {
		next = -1;
		why = (struct err)ERR_INIT;
		if (next_dir(&path, name, &why) == 0)
			next = path_open_dir(&store->root, fd, name, &why);
		if (next == -1 && make && why.errnum == ENOENT) {
			why = (struct err)ERR_INIT;
			if (path_mkdir(&store->root, fd, name,
			    store->dir_mode, &why) == 0 && path_fsync(&store->root, fd,
			    &why) == 0)
				next = path_open_dir(&store->root, fd, name,
				    &why);
			if (next != -1)
				maildir_set_dir_group(store, next);
		}
		if (fd != base)
			close(fd);
		if (next == -1) {
			*err = why;
			return -1;
		}
		fd = next;
	}
	return fd;
}

int
maildir_dir_open(struct maildir_store *store, int base, const char *path,
    struct err *err)
{
	return walk(store, base, path, false, err);
}

int
maildir_dir_make(struct maildir_store *store, int base, const char *path,
    struct err *err)
{
	return walk(store, base, path, true, err);
}

int
maildir_dir_parent(struct maildir_store *store, int base, const char *path,
    char name[static PATH_NAME_MAX + 1], struct err *err)
{
	char parent[DIR_PATH_MAX + 1];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	snprintf(name, PATH_NAME_MAX + 1, "%s",
	    slash == NULL ? path : slash + 1);
	memcpy(parent, path, len);
	parent[len] = '\0';
	return walk(store, base, parent, false, err);
}

void
maildir_dir_prune(struct maildir_store *store, int base, const char *path)
{
	char copy[DIR_PATH_MAX + 1], name[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	char *slash;
	int fd, r;

	snprintf(copy, sizeof(copy), "%s", path);
	while (copy[0] != '\0') {
		fd = maildir_dir_parent(store, base, copy, name, &ignored);
		if (fd == -1)
			return;
		r = path_unlink(&store->root, fd, name, true, &ignored);
		close(fd);
		if (r == -1 && ignored.errnum != ENOENT)
			return;
		slash = strrchr(copy, '/');
		*(slash == NULL ? copy : slash) = '\0';
	}
}

void
maildir_set_dir_group(struct maildir_store *store, int fd)
{
	struct err ignored = ERR_INIT;

	if (store->set_dir_gid)
		(void)path_set_group(&store->root, fd, store->dir_gid,
		    &ignored);
}
