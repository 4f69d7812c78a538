/*
 * Making, renaming and removing mailboxes.  A mailbox is its directory
 * "dbox-Mails": whatever belongs to it is complete before that directory gets
 * its name, and goes away after it has lost it.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/mailbox_name.h"
#include "store/dbox/dbox.h"
#include "store/files/dotlock.h"
#include "store/files/uidvalidity.h"
#include "store/index/mailbox_log.h"

/* Directories of ours in the root: new mailboxes, and removed ones. */
#define ASIDE_PREFIX	"." UNIQUE_PREFIX
#define LEFTOVER_AGE	(36 * 3600)	/* seconds */
#define LEFTOVERS_MAX	64U		/* removed at one open */

int
dbox_index_create(struct dbox_store *store, int dirfd, bool inbox,
    const struct mailbox_status *status, struct err *err)
{
	static const struct index_ext_want uidls = { .name = "hdr-pop3-uidl",
	    .header_size = 4 };
	static const uint8_t zero[4];
	const struct dbox_format *format = store->format;
	struct guid128 guid = guid_is_zero(&status->guid) ? guid_random() :
	    status->guid;
	uint32_t uidvalidity = status->uidvalidity;
	uint8_t header[DBOX_HEADER_SIZE] = { 0 };
	struct index_txn *txn;
	struct index *index;
	int ret;

	if (uidvalidity_choose(dbox_control_root(store), &uidvalidity,
	    err) == -1)
		return -1;
	if (format->new_header(store, header, err) == -1)
		return -1;
	memcpy(header + format->header_guid, guid.b, GUID_SIZE);
	index = index_open(dbox_index_root(store), dirfd, DBOX_INDEX,
	    &store->index_opts);
	ret = index_refresh(index, err);
	if (ret == 0) {
		txn = index_txn_begin(index);
		index_txn_create_as(txn, 0, status->highestmodseq);
		index_txn_ext_header(txn, &format->header, 0, header,
		    sizeof(header));
		if (inbox)
			index_txn_ext_header(txn, &uidls, 0, zero,
			    sizeof(zero));
		index_txn_uidvalidity(txn, uidvalidity);
		if (status->uidnext > 1)
			index_txn_next_uid(txn, status->uidnext);
		index_txn_tail(txn);
		ret = index_txn_commit(&txn, NULL, err);
	}
	index_close(&index);
	return ret;
}

void
dbox_aside_name(const struct dbox_store *store, char out[static PATH_NAME_MAX + 1])
{
	char unique[PATH_NAME_MAX + 1];

	unique_name(unique, store->hostname);
	snprintf(out, PATH_NAME_MAX + 1, ".%.200s", unique);
}

/* The directory name below fd: aside gets this name, or it is made. */
static int
put_mail_dir(struct dbox_store *store, int fd, const char *name,
    const char *aside, struct err *err)
{
	struct path_root *root = &store->root;
	int ret;

	if (aside != NULL)
		ret = path_rename(root, root->fd, aside, fd, name, err);
	else
		ret = path_mkdir(root, fd, name, store->dir_mode, err);
	return ret == 0 ? path_fsync(root, fd, err) : -1;
}

/*
 * Levels of which not even the first exists: made aside as well, so that no
 * crash leaves a mere directory.
 */
static int
appear_below(struct dbox_store *store, int fd, const char *levels,
    const char *aside, struct err *err)
{
	struct path_root *root = &store->root;
	char top[PATH_NAME_MAX + 1], first[PATH_NAME_MAX + 1];
	char chain[DBOX_PATH_MAX + PATH_NAME_MAX + 2];
	size_t len = strcspn(levels, "/");
	struct err ignored = ERR_INIT;
	int inner, ret = -1;

	if (len > PATH_NAME_MAX)
		return err_set(err, ERR_REFUSED, "the name is too long");
	snprintf(first, sizeof(first), "%.*s", (int)len, levels);
	dbox_aside_name(store, top);
	snprintf(chain, sizeof(chain), "%s%s", top, levels + len);
	inner = dbox_dir_open(store, root, chain, true, err);
	if (inner != -1) {
		ret = put_mail_dir(store, inner, store->dir_name, aside, err);
		close(inner);
	}
	if (ret == 0)
		ret = path_rename(root, root->fd, top, fd, first, err);
	if (ret == 0)
		ret = path_fsync(root, fd, err);
	if (ret == -1)
		(void)path_remove_tree(root, root->fd, top, NAME_DEPTH_MAX,
		    &ignored);
	return ret;
}

/* The mailbox is there from now on; aside: its directory, NULL: a new one. */
static int
appear(struct dbox_store *store, const char *path, const char *aside,
    struct err *err)
{
	char box_path[DBOX_PATH_MAX];
	const char *missing;
	int fd, ret;

	if (dbox_box_path(store, path, box_path, err) == -1)
		return -1;
	if (store->listed)
		fd = dbox_dir_parent(store, &store->root, box_path, true,
		    &missing, err);
	else
		fd = dbox_dir_deepest(store, &store->root, box_path,
		    &missing, err);
	if (fd == -1)
		return -1;
	if (store->listed || *missing == '\0')
		ret = put_mail_dir(store, fd, store->listed ? missing :
		    store->dir_name, aside, err);
	else
		ret = appear_below(store, fd, missing, aside, err);
	close(fd);
	if (ret == -1 && (err->errnum == EEXIST || err->errnum == ENOTEMPTY))
		err_set(err, ERR_STALE, "the mailbox exists");
	return ret;
}

/* The index is in the mail directory: both appear at once. */
static int
create_together(struct dbox_store *store, const char *path, bool inbox,
    const struct mailbox_status *status, struct err *err)
{
	struct path_root *root = &store->root;
	char aside[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	int fd, ret = -1;

	dbox_aside_name(store, aside);
	if (path_mkdir(root, root->fd, aside, store->dir_mode, err) == -1)
		return -1;
	fd = path_open_dir(root, root->fd, aside, err);
	if (fd != -1) {
		ret = dbox_index_create(store, fd, inbox, status, err);
		if (ret == 0)
			ret = path_fsync(root, fd, err);
		close(fd);
	}
	if (ret == 0)
		ret = appear(store, path, aside, err);
	if (ret == -1)
		(void)path_remove_tree(root, root->fd, aside, 1, &ignored);
	return ret;
}

/* The index is elsewhere: first the index, then the directory. */
static int
create_apart(struct dbox_store *store, const char *path, bool inbox,
    const struct mailbox_status *status, struct err *err)
{
	char index_path[DBOX_PATH_MAX];
	int fd, ret;

	if (dbox_index_path(store, path, index_path, err) == -1)
		return -1;
	fd = dbox_dir_open(store, &store->index, index_path, true, err);
	if (fd == -1)
		return -1;
	/* What is there belonged to a mailbox that was removed. */
	ret = dbox_index_remove(store, fd, err);
	if (ret == 0)
		ret = dbox_index_create(store, fd, inbox, status, err);
	if (ret == 0)
		ret = path_fsync(&store->index, fd, err);
	close(fd);
	return ret == 0 ? appear(store, path, NULL, err) : -1;
}

/* 1: there is such a path below the root; 0; -1. */
static int
path_exists(struct dbox_store *store, const char *path, struct err *err)
{
	struct err why = ERR_INIT;
	int fd = dbox_dir_open(store, &store->root, path, false, &why);

	if (fd != -1) {
		close(fd);
		return 1;
	}
	if (why.code == ERR_NOTFOUND)
		return 0;
	*err = why;
	return -1;
}

static int
create_directory(struct dbox_store *store, const char *path, struct err *err)
{
	char box_path[DBOX_PATH_MAX];
	int fd, r;

	if (dbox_box_path(store, path, box_path, err) == -1)
		return -1;
	if ((r = path_exists(store, box_path, err)) == 1)
		return err_set(err, ERR_STALE, "the mailbox exists");
	if (r == -1)
		return -1;
	fd = dbox_dir_open(store, &store->root, box_path, true, err);
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

int
dbox_make(struct dbox_store *store, const char *path, bool inbox,
    const struct mailbox_status *status, struct err *err)
{
	char mail_path[DBOX_PATH_MAX];
	int r;

	if (dbox_mail_path(store, path, mail_path, err) == -1)
		return -1;
	if ((r = path_exists(store, mail_path, err)) == 1)
		return err_set(err, ERR_STALE, "the mailbox exists");
	if (r == -1)
		return -1;
	if (store->index.fd != -1)
		r = create_apart(store, path, inbox, status, err);
	else
		r = create_together(store, path, inbox, status, err);
	return r;
}

int
dbox_tree_create(struct dbox_store *store, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	char path[DBOX_PATH_MAX];

	if (name_is_inbox(name))
		return err_set(err, ERR_STALE, "INBOX exists");
	if (store->listed)
		return name_list_create(&store->names, name, selectable,
		    status, err);
	if (dbox_name_path(store, name, path, err) == -1)
		return -1;
	if (!selectable)
		return create_directory(store, path, err);
	return dbox_make(store, path, false, status, err);
}

int
dbox_inbox_create(struct dbox_store *store, struct err *err)
{
	const struct mailbox_status status = { .uidnext = 1 };
	struct err why = ERR_INIT;
	char path[DBOX_PATH_MAX];

	if (dbox_name_path(store, "INBOX", path, err) == -1)
		return -1;
	if (dbox_make(store, path, true, &status, &why) == 0) {
		dbox_tell_inbox(store);
		return 0;
	}
	if (why.code == ERR_STALE)
		return 0;
	*err = why;
	return -1;
}

/* Links to the index files in another directory, so that none is ever away. */
static int
link_index(struct dbox_store *store, int from, int to, struct err *err)
{
	DIR *dir = path_read_dir(&store->index, from, NULL, err);
	struct dirent *de;
	struct path_stat st;
	int ret = 0;

	if (dir == NULL)
		return -1;
	while (ret == 0 && (de = readdir(dir)) != NULL) {
		if (strncmp(de->d_name, DBOX_INDEX,
		    strlen(DBOX_INDEX)) != 0)
			continue;
		ret = path_stat(&store->index, from, NULL, de->d_name, &st,
		    err);
		if (ret == 0 && st.exists && S_ISREG(st.mode))
			ret = path_link(&store->index, from, de->d_name, to,
			    de->d_name, err);
	}
	closedir(dir);
	return ret == 0 ? path_fsync(&store->index, to, err) : -1;
}

/* Before a rename: the new place has the index, too.  *old_r: the old one. */
static int
copy_index(struct dbox_store *store, const char *from, const char *to,
    int *old_r, struct err *err)
{
	char path[DBOX_PATH_MAX];
	int fd, ret;

	*old_r = -1;
	if (store->index.fd == -1)
		return 0;
	if (dbox_index_path(store, from, path, err) == -1)
		return -1;
	*old_r = dbox_dir_open(store, &store->index, path, false, err);
	if (*old_r == -1 || dbox_index_path(store, to, path, err) == -1)
		return -1;
	fd = dbox_dir_open(store, &store->index, path, true, err);
	if (fd == -1)
		return -1;
	ret = dbox_index_remove(store, fd, err);
	if (ret == 0)
		ret = link_index(store, *old_r, fd, err);
	close(fd);
	return ret;
}

/* Is the mailbox alone in its directory, which the new one has not yet? */
static int
moves_whole(struct dbox_store *store, const char *from_box,
    const char *to_box, struct err *err)
{
	struct dirent *de;
	bool alone = true;
	DIR *dir;
	int fd, r = path_exists(store, to_box, err);

	if (r != 0)
		return r == -1 ? -1 : 0;
	fd = dbox_dir_open(store, &store->root, from_box, false, err);
	if (fd == -1)
		return -1;
	dir = path_read_dir(&store->root, fd, NULL, err);
	close(fd);
	if (dir == NULL)
		return -1;
	while (alone && (de = readdir(dir)) != NULL)
		alone = strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    strcmp(de->d_name, store->dir_name) == 0;
	closedir(dir);
	return alone;
}

/* In one step wherever that can be. */
static int
rename_mail(struct dbox_store *store, const char *from, const char *to,
    struct err *err)
{
	char old_box[DBOX_PATH_MAX], new_box[DBOX_PATH_MAX];
	char old_mail[DBOX_PATH_MAX], new_mail[DBOX_PATH_MAX];
	int whole, ret;

	if (dbox_box_path(store, from, old_box, err) == -1 ||
	    dbox_box_path(store, to, new_box, err) == -1 ||
	    dbox_mail_path(store, from, old_mail, err) == -1 ||
	    dbox_mail_path(store, to, new_mail, err) == -1)
		return -1;
	whole = moves_whole(store, old_box, new_box, err);
	/* Not into itself. */
	if (whole == 1 && strncmp(new_box, old_box, strlen(old_box)) == 0 &&
	    new_box[strlen(old_box)] == '/')
		whole = 0;
	if (whole == -1)
		return -1;
	ret = dbox_dir_rename(store, &store->root, whole == 1 ? old_box :
	    old_mail, whole == 1 ? new_box : new_mail, err);
	if (ret == -1 && (err->errnum == EEXIST || err->errnum == ENOTEMPTY))
		err_set(err, ERR_STALE, "the new name is in use");
	else if (ret == -1 && err->errnum == ENOENT)
		err_set(err, ERR_STALE, "the mailbox is gone");
	return ret;
}

/* Empty directories that nobody needs any more. */
static void
prune(struct dbox_store *store, const char *path)
{
	char left[DBOX_PATH_MAX];
	struct err ignored = ERR_INIT;

	if (dbox_box_path(store, path, left, &ignored) == 0)
		dbox_dir_prune(store, &store->root, left);
	if (store->index.fd != -1 &&
	    dbox_index_path(store, path, left, &ignored) == 0)
		dbox_dir_prune(store, &store->index, left);
	dbox_alt_prune(store, path);
}

void
dbox_renamed(struct dbox_store *store, const char *from, const char *to,
    const char *to_path)
{
	struct err ignored = ERR_INIT;
	bool moved;

	for (struct dbox_folder *f = store->folders; f != NULL; f = f->next) {
		if (strcmp(f->name, from) != 0)
			continue;
		moved = strcmp(f->path, to_path) != 0;
		dbox_folder_name(store, f, to, to_path);
		/* An index elsewhere has another directory now. */
		if (moved && store->index.fd != -1 && !store->listed)
			(void)dbox_folder_reopen(store, f, &ignored);
	}
}

/* 1: a directory with nothing in it; 0: it is not, or there is none; -1. */
static int
is_leaf(struct dbox_store *store, const char *path, struct err *err)
{
	struct err why = ERR_INIT;
	int fd = dbox_dir_open(store, &store->root, path, false, &why);
	struct dirent *de;
	bool empty = true;
	DIR *dir;

	if (fd == -1 && why.code == ERR_NOTFOUND)
		return 0;
	if (fd == -1) {
		*err = why;
		return -1;
	}
	dir = path_read_dir(&store->root, fd, NULL, err);
	close(fd);
	if (dir == NULL)
		return -1;
	while (empty && (de = readdir(dir)) != NULL)
		empty = strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0;
	closedir(dir);
	return empty;
}

/* A mere directory; the way to other mailboxes is not one. */
static int
rename_directory(struct dbox_store *store, const char *from, const char *to,
    struct err *err)
{
	char path[DBOX_PATH_MAX];
	int r;

	if (dbox_box_path(store, from, path, err) == -1)
		return -1;
	r = is_leaf(store, path, err);
	if (r == 0)
		return err_set(err, ERR_STALE, "the mailbox is gone");
	if (r == -1 || create_directory(store, to, err) == -1)
		return -1;
	prune(store, from);
	return 0;
}

/* What fails may have been done in part. */
static void
rename_failed(struct dbox_store *store, const char *from, const char *to,
    const char *old_mail)
{
	struct err ignored = ERR_INIT;
	int r = dbox_gone(store) ? -1 : path_exists(store, old_mail,
	    &ignored);

	if (r == 1)
		dbox_alt_undo(store, from, to);
	else if (r == 0)
		dbox_alt_finish(store, from, to);
}

int
dbox_tree_rename(struct dbox_store *store, const char *from, const char *to,
    struct err *err)
{
	char old_path[DBOX_PATH_MAX], new_path[DBOX_PATH_MAX];
	char old_mail[DBOX_PATH_MAX], new_mail[DBOX_PATH_MAX];
	struct err ignored = ERR_INIT;
	int old_index, r;

	if (name_is_inbox(from))
		return err_set(err, ERR_REFUSED, "INBOX is not renamed");
	if (name_is_inbox(to))
		return err_set(err, ERR_STALE, "the new name is in use");
	if (store->listed)
		return dbox_listed_rename(store, from, to, err);
	if (dbox_name_path(store, from, old_path, err) == -1 ||
	    dbox_name_path(store, to, new_path, err) == -1 ||
	    dbox_mail_path(store, old_path, old_mail, err) == -1 ||
	    dbox_mail_path(store, new_path, new_mail, err) == -1)
		return -1;
	if ((r = path_exists(store, new_mail, err)) != 0)
		return r == -1 ? -1 : err_set(err, ERR_STALE,
		    "the new name is in use");
	if ((r = path_exists(store, old_mail, err)) == -1)
		return -1;
	if (r == 0)
		return rename_directory(store, old_path, new_path, err);
	if (dbox_alt_begin(store, from, old_path, new_path, err) == -1)
		return -1;
	r = copy_index(store, old_path, new_path, &old_index, err);
	if (r == 0)
		r = rename_mail(store, old_path, new_path, err);
	if (r == -1)
		rename_failed(store, old_path, new_path, old_mail);
	if (r == 0) {
		dbox_alt_finish(store, old_path, new_path);
		dbox_renamed(store, from, to, new_path);
		if (old_index != -1)
			(void)dbox_index_remove(store, old_index, &ignored);
		prune(store, old_path);
		dbox_log_name(store, MAILBOX_LOG_RENAME, to);
	}
	if (old_index != -1)
		close(old_index);
	return r;
}

/* No message that anybody could see. */
static bool
is_empty(const struct index *index)
{
	const struct index_state *state = index_state(index);

	for (size_t i = 0; i < state->count; i++) {
		if (!index_is_pending(index, index_mail(index, i).uid,
		    INDEX_EXPUNGE))
			return false;
	}
	return true;
}

static int
mark_deleted(struct index *index, bool deleted, struct err *err)
{
	struct index_txn *txn;

	if (index_state(index)->deleted == deleted)
		return 0;
	txn = index_txn_begin(index);
	index_txn_deleted(txn, deleted);
	return index_txn_commit(&txn, NULL, err);
}

/* Out of the tree, under the lock of its index. */
static int
move_aside(struct dbox_store *store, const char *mail_path,
    char aside[static PATH_NAME_MAX + 1], struct err *err)
{
	struct path_root *root = &store->root;
	const char *name;
	int ret, fd = dbox_dir_parent(store, root, mail_path, false, &name,
	    err);

	if (fd == -1)
		return -1;
	dbox_aside_name(store, aside);
	ret = path_rename(root, fd, name, root->fd, aside, err);
	if (ret == 0)
		ret = path_fsync(root, fd, err);
	close(fd);
	return ret;
}

/* Nobody finds it from now on. */
static int
take_away(struct dbox_store *store, const struct dbox_folder *folder,
    const char *mail_path, char aside[static PATH_NAME_MAX + 1],
    struct err *err)
{
	struct err ignored = ERR_INIT;

	if (!store->listed)
		return move_aside(store, mail_path, aside, err);
	if (dbox_listed_drop(store, folder->name, err) == -1)
		return -1;
	/* What is not listed may stay where it is. */
	if (move_aside(store, mail_path, aside, &ignored) == -1)
		aside[0] = '\0';
	return 0;
}

static int
remove_folder(struct dbox_store *store, struct dbox_folder *folder,
    const char *mail_path, char aside[static PATH_NAME_MAX + 1],
    struct err *err)
{
	struct index *index = folder->index;
	struct err ignored = ERR_INIT;
	int ret = -1;

	if (index_lock(index, err) == -1)
		return -1;
	if (!index_state(index)->exists)
		err_set(err, ERR_NOTFOUND, "the mailbox has no index");
	else if (!is_empty(index))
		err_set(err, ERR_STALE, "the mailbox is not empty");
	else if (mark_deleted(index, true, err) == 0) {
		dbox_alt_remove(store, folder->path);
		ret = take_away(store, folder, mail_path, aside, err);
		if (ret == -1 && !dbox_gone(store))
			(void)mark_deleted(index, false, &ignored);
	}
	index_unlock(index);
	return ret;
}

static int
remove_directory(struct dbox_store *store, const char *path, struct err *err)
{
	char box_path[DBOX_PATH_MAX];
	const char *name;
	int fd, ret;

	if (dbox_box_path(store, path, box_path, err) == -1)
		return -1;
	fd = dbox_dir_parent(store, &store->root, box_path, false, &name,
	    err);
	if (fd == -1)
		return -1;
	ret = path_unlink(&store->root, fd, name, true, err);
	close(fd);
	/* It is there as the way to others only. */
	if (ret == -1 && (err->errnum == ENOTEMPTY || err->errnum == EEXIST))
		return err_set(err, ERR_NOTFOUND, "there is no such mailbox");
	if (ret == 0)
		prune(store, path);
	return ret;
}

/* What is left of a mailbox that is none any more. */
static void
remove_rest(struct dbox_store *store, const char *path, const char *aside)
{
	char index_path[DBOX_PATH_MAX];
	struct err ignored = ERR_INIT;
	int fd;

	if (store->index.fd != -1 &&
	    dbox_index_path(store, path, index_path, &ignored) == 0 &&
	    (fd = dbox_dir_open(store, &store->index, index_path, false,
	    &ignored)) != -1) {
		(void)dbox_index_remove(store, fd, &ignored);
		close(fd);
	}
	if (aside[0] != '\0')
		(void)path_remove_tree(&store->root, store->root.fd, aside,
		    1, &ignored);
	prune(store, path);
}

int
dbox_tree_remove(struct dbox_store *store, const char *name, struct err *err)
{
	char path[DBOX_PATH_MAX], mail_path[DBOX_PATH_MAX];
	char aside[PATH_NAME_MAX + 1];
	uint8_t header[DBOX_HEADER_SIZE];
	struct dbox_folder *folder;
	struct guid128 guid;
	struct err why = ERR_INIT;
	int r;

	if (name_is_inbox(name))
		return err_set(err, ERR_REFUSED, "INBOX is not removed");
	if (dbox_name_path(store, name, path, &why) == -1) {
		if (store->listed && why.code == ERR_NOTFOUND)
			return dbox_listed_drop(store, name, err);
		*err = why;
		return -1;
	}
	if (dbox_mail_path(store, path, mail_path, err) == -1)
		return -1;
	if ((r = path_exists(store, mail_path, err)) == -1)
		return -1;
	if (r == 0 && !store->listed)
		return remove_directory(store, path, err);
	if (dbox_folder_get(store, name, &folder, err) == -1)
		return -1;
	r = remove_folder(store, folder, mail_path, aside, err);
	if (r == 0 && dbox_folder_header(store, folder, header)) {
		memcpy(guid.b, header + store->format->header_guid,
		    GUID_SIZE);
		dbox_log_guid(store, MAILBOX_LOG_DELETE, &guid);
	}
	dbox_folder_release(store, folder);
	if (r == -1)
		return -1;
	remove_rest(store, path, aside);
	dbox_log_name(store, MAILBOX_LOG_DELETE_DIR, name);
	return 0;
}

void
dbox_tree_cleanup(struct dbox_store *store)
{
	int64_t limit = (int64_t)(clock_now_ms() / 1000) - LEFTOVER_AGE;
	struct path_root *root = &store->root;
	struct err ignored = ERR_INIT;
	DIR *dir = path_read_dir(root, root->fd, NULL, &ignored);
	struct path_stat st;
	struct dirent *de;
	size_t n = 0;

	if (dir == NULL)
		return;
	while (n < LEFTOVERS_MAX && (de = readdir(dir)) != NULL) {
		if (strncmp(de->d_name, ASIDE_PREFIX,
		    strlen(ASIDE_PREFIX)) != 0 ||
		    path_stat(root, root->fd, NULL, de->d_name, &st,
		    &ignored) == -1 || !S_ISDIR(st.mode) ||
		    st.ctime_ns / 1000000000 > limit)
			continue;
		(void)path_remove_tree(root, root->fd, de->d_name, 1,
		    &ignored);
		n++;
	}
	closedir(dir);
}
