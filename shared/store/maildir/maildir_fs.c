/*
 * The layout fs, changed.  A mailbox is there when its directory holds cur:
 * making, renaming and removing cur is the one step that makes, moves and
 * removes the mailbox.  All else is done before, where nobody looks, or
 * after, where nobody misses it; what a crash leaves is a directory that is
 * no mailbox, and taken up by whoever makes one there.
 *
 * With mailboxes below it a directory can't be renamed: its parts are.  The
 * control files are linked into the new place first, so that the mails have
 * their UIDs under either name; what is in new goes to cur, since only cur
 * moves in the one step.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/mailbox_name.h"
#include "store/maildir/maildir.h"

/* Two places of one mailbox, and their open directories. */
struct move {
	struct maildir_store *store;
	struct maildir_place from, to;
	int from_fd, to_fd;		/* of the mails */
	int control_from, control_to;
	struct dotlock lock;
};

static int
has_cur(struct maildir_store *store, const struct maildir_place *place,
    bool *has_r, struct err *err)
{
	struct path_stat st;

	if (path_stat(&store->root, place->mail_fd,
	    place->mail[0] == '\0' ? NULL : place->mail, "cur", &st,
	    err) == -1)
		return -1;
	*has_r = st.exists;
	return 0;
}

static int
make_sub(struct maildir_store *store, int fd, const char *name,
    struct err *err)
{
	struct err why = ERR_INIT;

	if (path_mkdir(&store->root, fd, name, store->dir_mode, &why) == 0 ||
	    why.errnum == EEXIST)
		return 0;
	*err = why;
	return -1;
}

int
maildir_fill(struct maildir_store *store, const struct maildir_place *place,
    int fd, const struct mailbox_status *status, struct err *err)
{
	maildir_set_dir_group(store, fd);
	if (make_sub(store, fd, "tmp", err) == -1 ||
	    make_sub(store, fd, "new", err) == -1 ||
	    maildir_make_shared(store, fd, err) == -1 ||
	    maildir_make_control(store, place, status, err) == -1 ||
	    path_fsync(&store->root, fd, err) == -1)
		return -1;
	if (path_mkdir(&store->root, fd, "cur", store->dir_mode, err) == -1) {
		if (err->errnum == EEXIST)
			err_set(err, ERR_STALE, "the mailbox exists");
		return -1;
	}
	return path_fsync(&store->root, fd, err);
}

void
maildir_clear(struct maildir_store *store, const struct maildir_place *place,
    bool was)
{
	struct err ignored = ERR_INIT;
	int fd = maildir_dir_open(store, place->mail_fd, place->mail,
	    &ignored);

	if (fd != -1) {
		(void)path_unlink(&store->root, fd, "new", true, &ignored);
		if (was)
			(void)path_remove_tree(&store->root, fd, "tmp", 1,
			    &ignored);
		else
			(void)path_unlink(&store->root, fd, "tmp", true,
			    &ignored);
		close(fd);
	}
	maildir_drop_index(store, place);
	maildir_drop_control(store, place->control_fd, place->control);
	if (store->control.fd != -1)
		maildir_drop_control(store, place->mail_fd, place->mail);
}

static void
clear_failed(struct maildir_store *store, const struct maildir_place *place)
{
	struct err ignored = ERR_INIT;
	bool there;

	if (has_cur(store, place, &there, &ignored) == 0 && !there)
		maildir_clear(store, place, false);
}

static int
create_directory(struct maildir_store *store, const char *name,
    struct err *err)
{
	char dir[DIR_PATH_MAX + 1];
	struct err why = ERR_INIT;
	int fd;

	if (maildir_name_dir(store, name, dir, err) == -1)
		return -1;
	fd = maildir_dir_open(store, store->root.fd, dir, &why);
	if (fd != -1) {
		close(fd);
		return err_set(err, ERR_STALE, "the directory exists");
	}
	if (why.code != ERR_NOTFOUND) {
		*err = why;
		return -1;
	}
	fd = maildir_dir_make(store, store->root.fd, dir, err);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

static int
fs_create(struct store *head, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct maildir_place place;
	bool there;
	int fd, ret;

	if (maildir_writable(store, err) == -1 ||
	    maildir_place_find(store, name, &place, err) == -1)
		return -1;
	if (name_is_inbox(name))
		return err_set(err, ERR_STALE, "INBOX exists");
	if (!selectable)
		return create_directory(store, name, err);
	if (has_cur(store, &place, &there, err) == -1)
		return -1;
	if (there)
		return err_set(err, ERR_STALE, "the mailbox exists");
	fd = maildir_dir_make(store, place.mail_fd, place.mail, err);
	if (fd == -1)
		return -1;
	ret = maildir_fill(store, &place, fd, status, err);
	close(fd);
	if (ret == -1)
		clear_failed(store, &place);
	return ret;
}

/* 1: directories other than those of a mailbox are in it; 0; -1. */
static int
has_children(struct maildir_store *store, int fd, struct err *err)
{
	DIR *dir = path_read_dir(&store->root, fd, NULL, err);
	struct dirent *de;
	struct path_stat st;
	int found = 0;

	if (dir == NULL)
		return -1;
	while (found == 0 && (errno = 0, de = readdir(dir)) != NULL) {
		if (maildir_part_reserved(store, de->d_name, false) ||
		    de->d_type == DT_REG)
			continue;
		if (path_stat(&store->root, fd, NULL, de->d_name, &st,
		    err) == -1)
			found = -1;
		else if (S_ISDIR(st.mode))
			found = 1;
	}
	if (found == 0 && errno != 0)
		found = err_sys(err, "read a mailbox's directory");
	closedir(dir);
	return found;
}

/* Rename files of one directory into another, with ":2," if info. */
static int
move_mails(struct maildir_store *store, int from_dir, const char *from,
    int to_fd, bool info, struct err *err)
{
	struct err why = ERR_INIT;
	DIR *dir = path_read_dir(&store->root, from_dir, from, &why);
	char name[FILE_NAME_MAX + 1];
	struct dirent *de;
	int ret = 0, n;

	if (dir == NULL && why.code == ERR_NOTFOUND)
		return 0;
	if (dir == NULL) {
		*err = why;
		return -1;
	}
	while (ret == 0 && (errno = 0, de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		n = snprintf(name, sizeof(name), "%s%s", de->d_name,
		    info && strchr(de->d_name, ':') == NULL ? ":2," : "");
		if (n < 0 || (size_t)n >= sizeof(name))
			continue;
		why = (struct err)ERR_INIT;
		if (path_rename(&store->root, dirfd(dir), de->d_name, to_fd,
		    name, &why) == -1 && why.errnum != ENOENT) {
			*err = why;
			ret = -1;
		}
	}
	closedir(dir);
	return ret;
}

/* One directory of a mailbox; where there is one already, what is in it. */
static int
move_sub(struct move *m, const char *name, struct err *err)
{
	struct path_root *root = &m->store->root;
	struct err why = ERR_INIT;
	int fd, ret;

	(void)path_unlink(root, m->to_fd, name, true, &why);
	why = (struct err)ERR_INIT;
	if (path_rename(root, m->from_fd, name, m->to_fd, name, &why) == 0 ||
	    why.errnum == ENOENT)
		return 0;
	if (why.errnum != EEXIST && why.errnum != ENOTEMPTY) {
		*err = why;
		return -1;
	}
	if ((fd = path_open_dir(root, m->to_fd, name, err)) == -1)
		return -1;
	ret = move_mails(m->store, m->from_fd, name, fd, false, err);
	close(fd);
	if (ret == 0)
		(void)path_unlink(root, m->from_fd, name, true, &why);
	return ret;
}

/* The step that counts, and what has to be before and after it. */
static int
move_parts(struct move *m, struct err *err)
{
	struct path_root *root = &m->store->root;
	struct err why = ERR_INIT;
	int cur = path_open_dir(root, m->from_fd, "cur", err), r;

	if (cur == -1)
		return -1;
	r = move_mails(m->store, m->from_fd, "new", cur, true, err);
	close(cur);
	if (r == -1)
		return -1;
	(void)path_unlink(root, m->to_fd, "cur", true, &why);
	if (path_rename(root, m->from_fd, "cur", m->to_fd, "cur", err) == -1)
		return -1;
	if (path_fsync(root, m->to_fd, err) == -1 ||
	    move_sub(m, "new", err) == -1 || move_sub(m, "tmp", err) == -1 ||
	    path_fsync(root, m->to_fd, err) == -1)
		return -1;
	return path_fsync(root, m->from_fd, err);
}

/* The directory as a whole, with all that is in it. */
static int
move_whole(struct move *m, struct err *err)
{
	char from[PATH_NAME_MAX + 1], to[PATH_NAME_MAX + 1];
	struct maildir_store *store = m->store;
	int from_fd = maildir_dir_parent(store, m->from.mail_fd,
	    m->from.mail, from, err), to_fd, ret;

	if (from_fd == -1)
		return -1;
	to_fd = maildir_dir_parent(store, m->to.mail_fd, m->to.mail, to, err);
	if (to_fd == -1) {
		close(from_fd);
		return -1;
	}
	ret = path_rename(&store->root, from_fd, from, to_fd, to, err);
	if (ret == 0)
		ret = path_fsync(&store->root, to_fd, err);
	if (ret == 0)
		ret = path_fsync(&store->root, from_fd, err);
	close(from_fd);
	close(to_fd);
	return ret;
}

static void
move_close(struct move *m)
{
	int *fds[] = { &m->from_fd, &m->to_fd, &m->control_from,
	    &m->control_to };

	if (m->lock.held)
		dotlock_release(&m->lock);
	for (size_t i = 0; i < nitems(fds); i++) {
		if (*fds[i] != -1)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* Open what is there, make what is to be there, under the lock. */
static int
move_open(struct move *m, bool parts, struct err *err)
{
	struct maildir_store *store = m->store;
	struct dotlock_wish wish = { .name = UIDLIST_LOCK,
	    .hostname = store->hostname, .stale = DOTLOCK_STALE_UIDLIST,
	    .timeout = store->lock_timeout };

	if (parts && (m->to_fd = maildir_dir_make(store, m->to.mail_fd,
	    m->to.mail, err)) == -1)
		return -1;
	if (!parts && store->control.fd == -1)
		return 0;
	m->control_from = maildir_dir_make(store, m->from.control_fd,
	    m->from.control, err);
	if (m->control_from == -1)
		return -1;
	wish.tmp_fd = m->control_from;
	m->control_to = maildir_dir_make(store, m->to.control_fd,
	    m->to.control, err);
	if (m->control_to == -1 || dotlock_take(&m->lock, &store->root,
	    m->control_from, &wish, err) == -1)
		return -1;
	return maildir_link_control(store, m->control_from, m->control_to,
	    err);
}

/* Parents of the new place, without itself. */
static int
make_parents(struct maildir_store *store, const struct maildir_place *to,
    struct err *err)
{
	char path[DIR_PATH_MAX + 1], *slash;
	int fd;

	snprintf(path, sizeof(path), "%s", to->mail);
	slash = strrchr(path, '/');
	if (slash == NULL)
		return 0;
	*slash = '\0';
	fd = maildir_dir_make(store, to->mail_fd, path, err);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

/* 1: the parts have to be moved, one by one; 0: the directory; -1. */
static int
needs_parts(struct move *m, bool below, struct err *err)
{
	struct path_stat st;
	int r;

	/* With DIRNAME= nothing but the mailbox is in its directory. */
	if (m->store->dirname == NULL && !below &&
	    (r = has_children(m->store, m->from_fd, err)) != 0)
		return r;
	if (below && m->store->dirname == NULL)
		return 1;
	if (path_stat(&m->store->root, m->to.mail_fd, NULL, m->to.mail, &st,
	    err) == -1)
		return -1;
	return st.exists;
}

static int
move_mailbox(struct move *m, bool below, struct err *err)
{
	struct maildir_store *store = m->store;
	int parts, ret;

	m->from_fd = maildir_dir_open(store, m->from.mail_fd, m->from.mail,
	    err);
	if (m->from_fd == -1 ||
	    (parts = needs_parts(m, below, err)) == -1 ||
	    (parts == 0 && make_parents(store, &m->to, err) == -1) ||
	    move_open(m, parts != 0, err) == -1)
		return -1;
	ret = parts ? move_parts(m, err) : move_whole(m, err);
	if (m->lock.held)
		dotlock_release(&m->lock);
	if (ret == -1)
		return -1;
	if (parts || store->index.fd != -1)
		maildir_move_index(store, &m->from, &m->to);
	if (parts || store->control.fd != -1)
		maildir_drop_control(store, m->from.control_fd,
		    m->from.control);
	maildir_dir_prune(store, m->from.mail_fd, m->from.mail);
	return 0;
}

/* A directory without a mailbox: empty, or it stays for those below it. */
static int
rename_directory(struct maildir_store *store, const char *from,
    const char *to, struct err *err)
{
	char dir[DIR_PATH_MAX + 1], name[PATH_NAME_MAX + 1];
	struct err why = ERR_INIT;
	int fd, r;

	if (maildir_name_dir(store, from, dir, err) == -1)
		return -1;
	fd = maildir_dir_parent(store, store->root.fd, dir, name, &why);
	r = fd == -1 ? -1 : path_unlink(&store->root, fd, name, true, &why);
	if (fd != -1)
		close(fd);
	if (r == -1 && why.errnum == ENOENT)
		return err_set(err, ERR_STALE, "the mailbox is gone");
	if (r == -1 && why.errnum == ENOTEMPTY)
		return err_set(err, ERR_STALE, "the directory is not empty");
	if (r == -1) {
		*err = why;
		return -1;
	}
	return create_directory(store, to, err);
}

static int
fs_rename(struct store *head, const char *from, const char *to,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct move m = { .store = store, .from_fd = -1, .to_fd = -1,
	    .control_from = -1, .control_to = -1 };
	bool there;
	int ret;

	if (maildir_writable(store, err) == -1 ||
	    maildir_place_find(store, from, &m.from, err) == -1 ||
	    maildir_place_find(store, to, &m.to, err) == -1)
		return -1;
	if (name_is_inbox(from))
		return err_set(err, ERR_REFUSED, "INBOX is not renamed");
	if (name_is_inbox(to))
		return err_set(err, ERR_STALE, "the new name is in use");
	if (has_cur(store, &m.to, &there, err) == -1)
		return -1;
	if (there)
		return err_set(err, ERR_STALE, "the new name is in use");
	if (has_cur(store, &m.from, &there, err) == -1)
		return -1;
	if (!there)
		return rename_directory(store, from, to, err);
	ret = move_mailbox(&m, name_is_below(to, from), err);
	move_close(&m);
	if (ret == -1 && (err->errnum == EEXIST || err->errnum == ENOTEMPTY))
		err_set(err, ERR_STALE, "the new name is in use");
	else if (ret == -1 && err->errnum == ENOENT)
		err_set(err, ERR_STALE, "the mailbox is gone");
	if (ret == 0)
		maildir_moved(store, from, to);
	else
		clear_failed(store, &m.to);
	return ret;
}

/* An empty directory is removed in one step, or proves not to be empty. */
static int
remove_empty(struct maildir_store *store, int fd, const char *name,
    struct err *err)
{
	struct err why = ERR_INIT;

	if (path_unlink(&store->root, fd, name, true, &why) == 0 ||
	    why.errnum == ENOENT)
		return 0;
	if (why.errnum == ENOTEMPTY || why.errnum == EEXIST)
		return err_set(err, ERR_STALE, "the mailbox is not empty");
	*err = why;
	return -1;
}

int
maildir_empty(struct maildir_store *store, int fd, struct err *err)
{
	struct err ignored = ERR_INIT;
	int r = maildir_holds_mail(store, fd, err);

	if (r == -1)
		return -1;
	if (r == 1)
		return err_set(err, ERR_STALE, "the mailbox is not empty");
	if (remove_empty(store, fd, "new", err) == -1)
		return -1;
	if (remove_empty(store, fd, "cur", err) == -1) {
		(void)make_sub(store, fd, "new", &ignored);
		return -1;
	}
	return path_fsync(&store->root, fd, err);
}

static int
fs_remove(struct store *head, const char *name, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char dir[DIR_PATH_MAX + 1];
	struct maildir_place place;
	struct err why = ERR_INIT;
	bool there;
	int fd, ret;

	if (maildir_writable(store, err) == -1 ||
	    maildir_place_find(store, name, &place, err) == -1)
		return -1;
	if (name_is_inbox(name))
		return err_set(err, ERR_REFUSED, "INBOX is not removed");
	if (maildir_name_dir(store, name, dir, err) == -1 ||
	    has_cur(store, &place, &there, err) == -1)
		return -1;
	fd = maildir_dir_open(store, store->root.fd, there ? place.mail : dir,
	    err);
	if (fd == -1)
		return -1;
	ret = there ? maildir_empty(store, fd, err) : 0;
	close(fd);
	if (ret == -1)
		return -1;
	maildir_clear(store, &place, there);
	maildir_dir_prune(store, store->root.fd, dir);
	if (there)
		return 0;
	/* A mere directory is gone now, or it was not one. */
	fd = maildir_dir_open(store, store->root.fd, dir, &why);
	if (fd == -1)
		return 0;
	close(fd);
	return err_set(err, ERR_NOTFOUND, "no mailbox, and a directory that "
	    "is not empty");
}

const struct maildir_layout maildir_layout_fs = {
	.name = "fs",
	.separator = '/',
	.nested = true,
	.inbox = "INBOX",
	.list = maildir_fs_list,
	.tree_token = maildir_fs_token,
	.create = fs_create,
	.rename = fs_rename,
	.remove = fs_remove,
};
