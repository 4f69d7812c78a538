/*
 * Mailboxes made, renamed and removed.  The state goes first where something
 * comes to be, and last where it goes; a state without its file says nothing,
 * since the next file of that name has another UIDVALIDITY.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/mailbox_name.h"
#include "store/files/uidvalidity.h"
#include "store/index/index.h"
#include "store/mbox/mbox.h"

static int
close_and(int fd, int ret)
{
	if (fd != -1)
		close(fd);
	return ret;
}

/*
 * What is left of an earlier mailbox of that name; messages that are nowhere
 * else stay.
 */
static int
clean_state(struct mbox_store *store, int fd, struct err *err)
{
	struct path_root *root = mbox_index_root(store);
	DIR *dir = path_read_dir(root, fd, NULL, err);
	struct dirent *de;
	int r = 0;

	if (dir == NULL)
		return -1;
	while (r == 0 && (de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 || strncmp(de->d_name,
		    LOST_PREFIX, strlen(LOST_PREFIX)) == 0)
			continue;
		r = path_unlink(root, fd, de->d_name, false, err);
		/* Directories are those of mailboxes below it. */
		if (r == -1 && (err->errnum == ENOENT ||
		    err->errnum == EISDIR || err->errnum == EPERM))
			r = 0;
	}
	closedir(dir);
	return r;
}

/* The directory of the state, empty, with this state in it. */
static int
new_state(struct mbox_store *store, const char *name, struct state *state,
    bool with_index, struct err *err)
{
	int fd = mbox_state_open(store, name, true, err), r;
	struct index *index;

	if (fd == -1)
		return -1;
	r = clean_state(store, fd, err);
	if (r == 0)
		r = state_write(state, mbox_index_root(store), fd,
		    store->hostname, err);
	if (r == 0 && with_index) {
		/* So that Dovecot shows the GUID as well. */
		index = mbox_index_open(store, fd);
		mbox_index_tell(index, state->uidvalidity, &state->guid);
		index_close(&index);
	}
	return close_and(fd, r);
}

/* With DIRNAME: index files' directory, and the lock of a file that is gone. */
static void
empty_directory(struct mbox_store *store, int fd)
{
	struct err ignored = ERR_INIT;
	char lock[PATH_NAME_MAX + 1];
	struct path_stat st;

	(void)path_unlink(&store->root, fd, INDEX_DIR, true, &ignored);
	if (store->dirname == NULL || path_stat(&store->root, fd, NULL,
	    store->dirname, &st, &ignored) == -1 || st.exists)
		return;
	snprintf(lock, sizeof(lock), "%.250s.lock", store->dirname);
	(void)path_unlink(&store->root, fd, lock, false, &ignored);
}

/* A directory goes if nothing that matters is in it. */
static int
remove_empty(struct mbox_store *store, const char *name, struct err *err)
{
	char file[PATH_NAME_MAX + 1];
	int fd = mbox_directory_open(store, name, false, err), r;

	if (fd == -1)
		return -1;
	empty_directory(store, fd);
	close(fd);
	if ((fd = mbox_parent_open(store, name, false, file, err)) == -1)
		return -1;
	r = path_unlink(&store->root, fd, file, true, err);
	if (r == 0)
		r = path_fsync(&store->root, fd, err);
	return close_and(fd, r);
}

/*
 * Directories that were there for a mailbox that is gone: with DIRNAME first
 * its own, in which others may be.
 */
static void
remove_parents(struct mbox_store *store, const char *name)
{
	char parent[NAME_MAX_BYTES + 1], file[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	size_t len;
	int fd = mbox_state_parent(store, name, false, file, &ignored);

	if (fd != -1) {
		(void)path_unlink(mbox_index_root(store), fd, file, true,
		    &ignored);
		close(fd);
	}
	if (store->dirname != NULL)
		(void)remove_empty(store, name, &ignored);
	snprintf(parent, sizeof(parent), "%s", name);
	while ((len = name_parent_len(parent)) > 0) {
		parent[len] = '\0';
		if (name_is_inbox(parent) ||
		    remove_empty(store, parent, &ignored) == -1)
			return;
	}
}

static int
create_directory(struct mbox_store *store, const char *name, struct err *err)
{
	struct err why = ERR_INIT;
	int fd = mbox_directory_open(store, name, false, &why);

	if (fd != -1) {
		close(fd);
		return err_set(err, ERR_STALE, "the mailbox exists");
	}
	if (why.code != ERR_NOTFOUND) {
		*err = why;
		return -1;
	}
	fd = mbox_directory_open(store, name, true, err);
	if (fd == -1)
		return -1;
	return close_and(fd, 0);
}

/* May the file be made?  An empty directory of that name makes room. */
static int
make_room(struct mbox_store *store, const struct mbox_place *place,
    struct err *err)
{
	struct err ignored = ERR_INIT;
	struct path_stat st;
	int fd;

	if (path_stat(place->root, place->dirfd, NULL, place->file, &st,
	    err) == -1)
		return -1;
	if (!st.exists)
		return 0;
	if (!S_ISDIR(st.mode))
		return err_set(err, ERR_STALE, "the mailbox exists");
	fd = path_open_dir(place->root, place->dirfd, place->file, err);
	if (fd == -1)
		return -1;
	(void)path_remove_tree(&store->root, fd, INDEX_DIR, 0, &ignored);
	close(fd);
	if (path_unlink(place->root, place->dirfd, place->file, true,
	    err) == 0)
		return 0;
	if (err->errnum == ENOTEMPTY || err->errnum == EEXIST)
		return err_set(err, ERR_REFUSED, "there are mailboxes below "
		    "it, and an mbox can have none");
	return -1;
}

/* A name that is no mailbox's. */
static void
hidden_name(struct mbox_store *store, char out[static PATH_NAME_MAX + 1])
{
	char unique[PATH_NAME_MAX + 1];

	unique_name(unique, store->hostname);
	snprintf(out, PATH_NAME_MAX + 1, ".%.250s", unique);
}

/* An mbox with an X-IMAP message, complete before it has its name. */
static int
write_file(struct mbox_store *store, int dirfd, const char *file,
    const struct state *state, uint32_t uidnext, struct err *err)
{
	struct mbox_box blank = { .store = store };
	struct path_root *root = &store->root;
	char tmp[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct strbuf text;
	int fd, ret = -1;

	strbuf_init(&text, 65536);
	mbox_head_pseudo(&blank, &text, state->uidvalidity, uidnext - 1);
	strbuf_addc(&text, '\n');
	hidden_name(store, tmp);
	if ((fd = path_create(root, dirfd, tmp, 0600, err)) != -1) {
		if (path_write(root, fd, text.data, text.len, err) == 0 &&
		    path_fsync(root, fd, err) == 0 && path_rename(root,
		    dirfd, tmp, dirfd, file, err) == 0)
			ret = path_fsync(root, dirfd, err);
		else
			(void)path_unlink(root, dirfd, tmp, false, &ignored);
		close(fd);
	}
	strbuf_deinit(&text);
	if (ret == -1 && err->errnum == EEXIST)
		return err_set(err, ERR_STALE, "the mailbox exists");
	return ret;
}

/*
 * With DIRNAME the directory comes with the file in it, so that it is never
 * seen without.
 */
static int
write_directory(struct mbox_store *store, const char *name,
    const struct state *state, uint32_t uidnext, struct err *err)
{
	char file[PATH_NAME_MAX + 1], tmp[PATH_NAME_MAX + 1];
	struct path_root *root = &store->root;
	struct err ignored = ERR_INIT;
	int up = mbox_parent_open(store, name, true, file, err), fd, r = -1;

	if (up == -1)
		return -1;
	hidden_name(store, tmp);
	if (path_mkdir(root, up, tmp, 0700, err) == -1)
		return close_and(up, -1);
	if ((fd = path_open_dir(root, up, tmp, err)) != -1) {
		r = write_file(store, fd, store->dirname, state, uidnext,
		    err);
		if (r == 0 && (r = path_rename(root, up, tmp, up, file,
		    err)) == 0)
			r = path_fsync(root, up, err);
		else
			(void)path_remove_tree(root, up, tmp, 0, &ignored);
		close(fd);
	}
	return close_and(up, r);
}

static int
write_mailbox(struct mbox_store *store, const char *name,
    const struct state *state, uint32_t uidnext, struct err *err)
{
	struct mbox_place place;
	struct err why = ERR_INIT;
	int fd, r;

	if (store->dirname != NULL) {
		fd = mbox_directory_open(store, name, false, &why);
		if (fd == -1 && why.code == ERR_NOTFOUND)
			return write_directory(store, name, state, uidnext,
			    err);
		(void)close_and(fd, 0);
	}
	if (mbox_place_open(store, name, true, &place, err) == -1)
		return -1;
	r = make_room(store, &place, err);
	if (r == 0)
		r = write_file(store, place.dirfd, place.file, state,
		    uidnext, err);
	return close_and(place.dirfd, r);
}

/* Nobody's state is touched for a name that is in use. */
static int
check_free(struct mbox_store *store, const char *name, struct err *err)
{
	struct mbox_place place;
	struct path_stat st;
	int r;

	if (mbox_place_open(store, name, false, &place, err) == -1) {
		if (err->code != ERR_NOTFOUND)
			return -1;
		*err = (struct err)ERR_INIT;
		return 0;
	}
	r = path_stat(place.root, place.dirfd, NULL, place.file, &st, err);
	if (r == 0 && st.exists && S_ISREG(st.mode))
		r = err_set(err, ERR_STALE, "the mailbox exists");
	return close_and(place.dirfd, r);
}

int
mbox_create(struct store *head, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	struct mbox_store *store = (struct mbox_store *)head;
	uint32_t uidnext = status->uidnext == 0 ? 1 : status->uidnext;
	struct state state;
	int r;

	if (mbox_writable(store, err) == -1 ||
	    mbox_check_name(store, name, err) == -1)
		return -1;
	if (name_is_inbox(name))
		return err_set(err, ERR_STALE, "the mailbox exists");
	if (!selectable)
		return create_directory(store, name, err);
	if (check_free(store, name, err) == -1)
		return -1;
	state_init(&state);
	state.guid = guid_is_zero(&status->guid) ? guid_random() :
	    status->guid;
	state.uidvalidity = status->uidvalidity;
	r = uidvalidity_choose(mbox_uidvalidity_root(store),
	    &state.uidvalidity, err);
	if (r == 0 && (r = new_state(store, name, &state, true,
	    err)) == 0)
		r = write_mailbox(store, name, &state, uidnext, err);
	state_deinit(&state);
	return r;
}

/* Open it once: a change that was cut off is finished by that. */
static int
check_whole(struct mbox_store *store, const char *name, struct err *err)
{
	struct mailbox *box;
	struct path_stat st = { .exists = false };
	int fd = mbox_state_open(store, name, false, err), r;

	if (fd == -1) {
		if (err->code != ERR_NOTFOUND)
			return -1;
		*err = (struct err)ERR_INIT;
		return 0;
	}
	r = path_stat(mbox_index_root(store), fd, NULL, JOURNAL_NAME, &st,
	    err);
	close(fd);
	if (r == -1 || !st.exists)
		return r;
	if (mbox_box_open(&store->head, name, &box, err) == -1)
		return -1;
	mbox_box_close(&box);
	return 0;
}

/* Before the rename the new name has the state, too. */
static int
copy_state(struct mbox_store *store, const char *from, const char *to,
    struct err *err)
{
	struct err why = ERR_INIT;
	struct state state;
	int fd = mbox_state_open(store, from, false, &why), r;

	if (fd == -1) {
		if (why.code == ERR_NOTFOUND)
			return 0;
		*err = why;
		return -1;
	}
	state_init(&state);
	r = state_load(&state, mbox_index_root(store), fd, err);
	if (r == 0 && state.exists)
		r = new_state(store, to, &state, false, err);
	state_deinit(&state);
	return close_and(fd, r);
}

/* Indexes, and what is on its way there. */
static void
move_rest(struct mbox_store *store, const char *from, const char *to)
{
	struct path_root *root = mbox_index_root(store);
	struct err ignored = ERR_INIT;
	int fd = mbox_state_open(store, from, false, &ignored);
	int to_fd = mbox_state_open(store, to, true, &ignored);
	DIR *dir = fd == -1 || to_fd == -1 ? NULL :
	    path_read_dir(root, fd, NULL, &ignored);
	struct path_stat st;
	struct dirent *de;

	while (dir != NULL && (de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if (path_stat(root, fd, NULL, de->d_name, &st,
		    &ignored) == -1 || S_ISDIR(st.mode))
			continue;
		if (strcmp(de->d_name, STATE_NAME) == 0)
			(void)path_unlink(root, fd, STATE_NAME, false,
			    &ignored);
		else
			(void)path_rename(root, fd, de->d_name, to_fd,
			    de->d_name, &ignored);
	}
	if (dir != NULL)
		closedir(dir);
	(void)close_and(fd, 0);
	(void)close_and(to_fd, 0);
}

static int
rename_file(struct mbox_store *store, const struct mbox_place *from,
    const struct mbox_place *to, struct err *err)
{
	if (path_rename(&store->root, from->dirfd, from->file, to->dirfd,
	    to->file, err) == -1) {
		if (err->errnum == EEXIST)
			return err_set(err, ERR_STALE,
			    "the new name is in use");
		if (err->errnum == ENOENT)
			return err_set(err, ERR_STALE,
			    "the mailbox is gone");
		return -1;
	}
	if (path_fsync(&store->root, to->dirfd, err) == -1)
		return -1;
	return path_fsync(&store->root, from->dirfd, err);
}

/* Not a mailbox, but a directory that nobody needs. */
static int
remove_directory(struct mbox_store *store, const char *name, struct err *err)
{
	int r = remove_empty(store, name, err);

	if (r == -1 && (err->errnum == ENOTEMPTY || err->errnum == EEXIST))
		err_set(err, ERR_NOTFOUND, "no such mailbox");
	return r;
}

/*
 * With DIRNAME a directory with nothing but the mailbox is renamed itself, so
 * that neither name is ever that of a mere directory.  1: done so; 0; -1.
 */
static int
rename_directory(struct mbox_store *store, const struct mbox_place *a,
    const char *from, const char *to, struct err *err)
{
	char old[PATH_NAME_MAX + 1], new[PATH_NAME_MAX + 1];
	struct err why = ERR_INIT;
	struct dirent *de;
	bool alone = true;
	int fd, to_fd, r = -1;
	DIR *dir;

	if (store->dirname == NULL)
		return 0;
	if ((fd = mbox_directory_open(store, to, false, &why)) != -1)
		return close_and(fd, 0);
	if ((dir = path_read_dir(&store->root, a->dirfd, NULL, err)) == NULL)
		return -1;
	while ((de = readdir(dir)) != NULL)
		alone = alone && (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    strcmp(de->d_name, store->dirname) == 0);
	closedir(dir);
	if (!alone || name_is_below(to, from))
		return 0;
	fd = mbox_parent_open(store, from, false, old, err);
	to_fd = mbox_parent_open(store, to, true, new, err);
	if (fd != -1 && to_fd != -1 && path_rename(&store->root, fd, old,
	    to_fd, new, err) == 0 && path_fsync(&store->root, to_fd,
	    err) == 0 && path_fsync(&store->root, fd, err) == 0)
		r = 1;
	(void)close_and(fd, 0);
	return close_and(to_fd, r);
}

static int
check_from(struct mbox_store *store, const char *from,
    struct mbox_place *place_r, struct err *err)
{
	struct path_stat st;

	if (mbox_place_open(store, from, false, place_r, err) == -1) {
		if (err->code == ERR_NOTFOUND)
			err->code = ERR_STALE;
		return -1;
	}
	if (path_stat(place_r->root, place_r->dirfd, NULL, place_r->file,
	    &st, err) == 0 && st.exists && S_ISREG(st.mode))
		return 0;
	close(place_r->dirfd);
	return err_set(err, ERR_STALE, "the mailbox is gone");
}

int
mbox_rename(struct store *head, const char *from, const char *to,
    struct err *err)
{
	struct mbox_store *store = (struct mbox_store *)head;
	struct mbox_place a, b = { .dirfd = -1 };
	int r;

	if (mbox_writable(store, err) == -1 ||
	    mbox_check_name(store, to, err) == -1)
		return -1;
	if (name_is_inbox(from))
		return err_set(err, ERR_REFUSED, "INBOX is not renamed");
	if (name_is_inbox(to))
		return err_set(err, ERR_STALE, "the new name is in use");
	if (check_from(store, from, &a, err) == -1)
		return -1;
	if ((r = check_free(store, to, err)) == 0 &&
	    (r = check_whole(store, from, err)) == 0 &&
	    (r = copy_state(store, from, to, err)) == 0 &&
	    (r = rename_directory(store, &a, from, to, err)) == 0 &&
	    (r = mbox_place_open(store, to, true, &b, err)) == 0 &&
	    (r = make_room(store, &b, err)) == 0)
		r = rename_file(store, &a, &b, err);
	(void)close_and(a.dirfd, 0);
	(void)close_and(b.dirfd, 0);
	if (r == -1)
		return -1;
	move_rest(store, from, to);
	for (struct mbox_box *box = store->boxes; box != NULL;
	    box = box->next) {
		if (strcmp(box->name, from) == 0 &&
		    mbox_box_place(box, to, err) == -1)
			return -1;
	}
	remove_parents(store, from);
	return mbox_gone(store) ? err_set(err, ERR_TEMP,
	    "the process is gone") : 0;
}

static int
remove_file(struct mbox_box *box, struct err *err)
{
	int r = -1;

	if (mbox_lock(box, err) == -1)
		return -1;
	if (mbox_refresh(box, err) == 0) {
		if (box->mails.n > 0)
			err_set(err, ERR_STALE,
			    "the mailbox is not empty");
		else if (path_unlink(box->root, box->dirfd, box->file, false,
		    err) == 0)
			r = path_fsync(box->root, box->dirfd, err);
	}
	mbox_unlock(box);
	return r;
}

int
mbox_remove(struct store *head, const char *name, struct err *err)
{
	struct mbox_store *store = (struct mbox_store *)head;
	struct err why = ERR_INIT, ignored = ERR_INIT;
	struct mailbox *box;
	int r, fd;

	if (mbox_writable(store, err) == -1 ||
	    mbox_check_name(store, name, err) == -1)
		return -1;
	if (name_is_inbox(name))
		return err_set(err, ERR_REFUSED, "INBOX is not removed");
	if (mbox_box_open(head, name, &box, &why) == -1) {
		if (why.code == ERR_NOTFOUND)
			return remove_directory(store, name, err);
		*err = why;
		return -1;
	}
	r = remove_file((struct mbox_box *)box, err);
	mbox_box_close(&box);
	if (r == -1)
		return -1;
	fd = mbox_state_open(store, name, false, &ignored);
	if (fd != -1) {
		(void)clean_state(store, fd, &ignored);
		close(fd);
	}
	remove_parents(store, name);
	return 0;
}
