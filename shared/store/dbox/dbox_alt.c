/*
 * What a mailbox has in the ALT storage, where its directory is found by the
 * same name: it has to get a new name along with the mailbox.  As there is no
 * step that renames both, its files have both names meanwhile: whoever finds
 * one of its messages missing, as Dovecot would, takes it for lost.  Where
 * a file can't have two names, there is a copy of it by the new one.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/dbox/dbox.h"
#include "store/files/dotlock.h"

#define PIECE	65536U		/* bytes that are copied at once */

enum step {
	STEP_LINK,		/* the new name has them, too */
	STEP_UNDO,		/* ... and has them no more */
	STEP_FINISH,		/* the old name has them no more */
};

struct move {
	struct path_root *root;
	const char *hostname;
	enum step step;
	int from, to;		/* directories */
};

/* 1: open; 0: there is no such directory; -1. */
static int
open_dir(struct dbox_store *store, const char *path, bool create, int *fd_r,
    struct err *err)
{
	char mail_path[DBOX_PATH_MAX];
	struct err why = ERR_INIT;

	*fd_r = -1;
	if (dbox_mail_path(store, path, mail_path, err) == -1)
		return -1;
	*fd_r = dbox_dir_open(store, &store->alt, mail_path, create, &why);
	if (*fd_r != -1)
		return 1;
	if (!create && why.code == ERR_NOTFOUND)
		return 0;
	*err = why;
	return -1;
}

/* Up to PIECE bytes, less at the end alone. */
static ptrdiff_t
read_piece(int fd, char *buf, struct err *err)
{
	size_t len = 0;
	ssize_t n;

	while (len < PIECE && (n = read(fd, buf + len, PIECE - len)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "read a message");
		len += (size_t)n;
	}
	return (ptrdiff_t)len;
}

/* The same bytes?  -1: a failure. */
static int
is_copy(const struct move *move, const char *name, struct err *err)
{
	char a[PIECE], b[PIECE];
	struct path_stat st;
	int r = -1, from, to = -1;
	ptrdiff_t n = 0, m = 0;

	from = path_open_file(move->root, move->from, name, &st, err);
	if (from != -1)
		to = path_open_file(move->root, move->to, name, &st, err);
	while (to != -1 && (n = read_piece(from, a, err)) != -1 &&
	    (m = read_piece(to, b, err)) != -1) {
		r = n == m && memcmp(a, b, (size_t)n) == 0;
		if (r == 0 || n == 0)
			break;
	}
	if (n == -1 || m == -1)
		r = -1;
	if (from != -1)
		close(from);
	if (to != -1)
		close(to);
	return r;
}

/* Are both names those of one file, or of a copy?  -1: a failure. */
static int
is_same(const struct move *move, const char *name, struct err *err)
{
	struct path_stat a, b;

	if (path_stat(move->root, move->from, NULL, name, &a, err) == -1 ||
	    path_stat(move->root, move->to, NULL, name, &b, err) == -1)
		return -1;
	if (!a.exists || !b.exists)
		return 0;
	if (a.ino == b.ino && a.dev == b.dev)
		return 1;
	return a.size == b.size ? is_copy(move, name, err) : 0;
}

static int
copy_bytes(const struct move *move, int from, int to, int64_t mtime,
    struct err *err)
{
	char buf[PIECE];
	ptrdiff_t n;

	while ((n = read_piece(from, buf, err)) > 0)
		if (path_write(move->root, to, buf, (size_t)n, err) == -1)
			return -1;
	if (n == -1 || path_set_mtime(move->root, to, mtime, err) == -1)
		return -1;
	return path_fsync(move->root, to, err);
}

/* It is whole when it gets its name. */
static int
copy_one(const struct move *move, const char *name, struct err *err)
{
	char unique[PATH_NAME_MAX + 1], tmp[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct path_stat st;
	int from, to, ret = -1;

	from = path_open_file(move->root, move->from, name, &st, err);
	if (from == -1)
		return -1;
	unique_name(unique, move->hostname);
	snprintf(tmp, sizeof(tmp), DBOX_TEMP "%.200s", unique);
	to = path_create(move->root, move->to, tmp, st.mode & 0777, err);
	if (to != -1) {
		ret = copy_bytes(move, from, to, st.mtime, err);
		close(to);
		if (ret == 0)
			ret = path_rename(move->root, move->to, tmp,
			    move->to, name, err);
		if (ret == -1)
			(void)path_unlink(move->root, move->to, tmp, false,
			    &ignored);
	}
	close(from);
	return ret;
}

/* 1: the file has both names; 0: it can't have two here; -1. */
static int
link_one(const struct move *move, const char *name, struct err *err)
{
	struct err why = ERR_INIT;
	int r;

	if (path_link(move->root, move->from, name, move->to, name,
	    &why) == 0)
		return 1;
	switch (why.errnum) {
	case EEXIST:
		r = is_same(move, name, err);
		return r != 0 ? r : err_set(err, ERR_REFUSED, "the ALT "
		    "storage has mail of another mailbox by the new name");
	case EPERM:
	case EMLINK:
	case ENOSYS:
	case EOPNOTSUPP:
		return 0;
	}
	*err = why;
	return -1;
}

static int
move_one(const struct move *move, const char *name, struct err *err)
{
	struct path_root *root = move->root;
	int r;

	switch (move->step) {
	case STEP_LINK:
		r = link_one(move, name, err);
		return r == 0 ? copy_one(move, name, err) : r == 1 ? 0 : -1;
	case STEP_UNDO:
		r = is_same(move, name, err);
		return r != 1 ? r : path_unlink(root, move->to, name, false,
		    err);
	case STEP_FINISH:
		r = link_one(move, name, err);
		if (r == 0)
			return path_rename(root, move->from, name, move->to,
			    name, err);
		return r == -1 ? -1 : path_unlink(root, move->from, name,
		    false, err);
	}
	return 0;
}

/* Files that somebody is still writing are left to him. */
static int
move_files(const struct move *move, struct err *err)
{
	DIR *dir = path_read_dir(move->root, move->from, NULL, err);
	struct err why = ERR_INIT;
	struct path_stat st;
	struct dirent *de;
	int ret = 0;

	if (dir == NULL)
		return -1;
	while (ret == 0 && (de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		ret = path_stat(move->root, move->from, NULL, de->d_name, &st,
		    &why);
		if (ret == 0 && st.exists && S_ISREG(st.mode))
			ret = move_one(move, de->d_name, &why);
		/* Somebody expunged it meanwhile. */
		if (ret == -1 && why.code == ERR_NOTFOUND) {
			why = (struct err)ERR_INIT;
			ret = 0;
		}
	}
	closedir(dir);
	if (ret == -1)
		*err = why;
	return ret == 0 ? path_fsync(move->root, move->to, err) : -1;
}

static int
move_step(struct dbox_store *store, const char *from, const char *to,
    enum step step, struct err *err)
{
	struct move move = { .root = &store->alt, .step = step,
	    .hostname = store->hostname };
	int ret;

	if (store->alt.fd == -1)
		return 0;
	ret = open_dir(store, from, false, &move.from, err);
	if (ret != 1)
		return ret;
	ret = open_dir(store, to, step != STEP_UNDO, &move.to, err);
	if (ret == 1) {
		ret = move_files(&move, err);
		close(move.to);
	}
	close(move.from);
	return ret;
}

/*
 * Of a mailbox that has nothing in the ALT storage, each message has to be
 * found: else that storage may be one that is not mounted.
 */
static int
all_found(struct dbox_store *store, const char *name, struct err *err)
{
	struct dbox_folder *folder;
	struct dbox_place place;
	struct err why = ERR_INIT;
	int ret;

	if (dbox_folder_get(store, name, &folder, err) == -1)
		return -1;
	ret = index_refresh(folder->index, err);
	for (size_t i = 0; ret == 0 &&
	    i < index_state(folder->index)->count; i++) {
		if (store->format->locate(store, folder, i, &place,
		    &why) == 0)
			close(place.fd);
		else if (why.code == ERR_NOTFOUND)
			ret = err_set(err, ERR_REFUSED, "not all of its mail "
			    "is found, nor its ALT storage");
		why = (struct err)ERR_INIT;
	}
	dbox_folder_release(store, folder);
	return ret;
}

int
dbox_alt_begin(struct dbox_store *store, const char *name, const char *from,
    const char *to, struct err *err)
{
	int fd = -1, r = 0;

	/* In other formats messages are not found by the mailbox's name. */
	if (!store->has_alt || !store->format->named_by_uid)
		return 0;
	if (store->alt.fd != -1)
		r = open_dir(store, from, false, &fd, err);
	if (fd != -1)
		close(fd);
	if (r == 0)
		return all_found(store, name, err);
	if (r == 1)
		r = move_step(store, from, to, STEP_LINK, err);
	if (r == -1 && !dbox_gone(store))
		dbox_alt_undo(store, from, to);
	return r;
}

void
dbox_alt_undo(struct dbox_store *store, const char *from, const char *to)
{
	struct err ignored = ERR_INIT;

	(void)move_step(store, from, to, STEP_UNDO, &ignored);
	dbox_alt_prune(store, to);
}

void
dbox_alt_finish(struct dbox_store *store, const char *from, const char *to)
{
	struct err why = ERR_INIT;

	if (move_step(store, from, to, STEP_FINISH, &why) == -1)
		store_tell(&store->head, &why, "mailbox %s: the ALT storage "
		    "of %s", to, from);
}

void
dbox_alt_remove(struct dbox_store *store, const char *path)
{
	char mail_path[DBOX_PATH_MAX];
	struct err ignored = ERR_INIT;
	const char *name;
	int fd;

	if (store->alt.fd == -1 ||
	    dbox_mail_path(store, path, mail_path, &ignored) == -1)
		return;
	fd = dbox_dir_parent(store, &store->alt, mail_path, false, &name,
	    &ignored);
	if (fd == -1)
		return;
	(void)path_remove_tree(&store->alt, fd, name, 1, &ignored);
	close(fd);
}

void
dbox_alt_prune(struct dbox_store *store, const char *path)
{
	char mail_path[DBOX_PATH_MAX];
	struct err ignored = ERR_INIT;

	if (store->alt.fd != -1 &&
	    dbox_mail_path(store, path, mail_path, &ignored) == 0)
		dbox_dir_prune(store, &store->alt, mail_path);
}
