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
#include "store/maildir/maildir.h"

/* Directories of ours that are no mailboxes: Dovecot skips "..", too. */
#define ASIDE_PREFIX	".." UNIQUE_PREFIX
/* Before the directory's name: a mailbox being removed. */
#define REMOVED_PREFIX	".." UNIQUE_PREFIX "removed"
#define LEFTOVER_AGE	(36 * 3600)	/* seconds */
#define LEFTOVERS_MAX	64U		/* removed at one open */
#define REMOVE_DEPTH	3U		/* levels below a mailbox directory */

void
maildir_entry_problem(struct maildir_store *store, const char *dir,
    const char *why)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_PERM, "%s", why);
	store_tell(&store->head, &err, "mailbox directory %s", dir);
}

/* A directory of our owner, and no link to one. */
static bool
entry_usable(struct maildir_store *store, const struct dirent *de)
{
	struct path_stat st;
	struct err err = ERR_INIT;

	if (path_stat(&store->root, store->root.fd, NULL, de->d_name, &st,
	    &err) == -1 || !st.exists)
		return false;
	if (S_ISLNK(st.mode)) {
		maildir_entry_problem(store, de->d_name,
		    "a symbolic link, which is not followed");
		return false;
	}
	if (!S_ISDIR(st.mode))
		return false;
	if (st.uid != store->root.owner && st.uid != geteuid()) {
		maildir_entry_problem(store, de->d_name, "belongs to another user");
		return false;
	}
	return true;
}

int
maildir_list_one(struct maildir_store *store, const char *name,
    const struct maildir_place *place, store_list_fn *fn, void *arg,
    struct err *err)
{
	struct store_listing listing = { .name = name, .selectable = true };
	struct err why = ERR_INIT;

	if (maildir_token(store, place, &listing.token, &why) == -1) {
		if (why.code != ERR_PERM || store->root.gone) {
			*err = why;
			return -1;
		}
		/* Its opening will fail, which concerns this mailbox alone. */
		listing.token = (struct store_token){ .len = 0 };
	}
	return fn(&listing, arg, err);
}

static int
list_inbox(struct maildir_store *store, struct maildir_place *place,
    store_list_fn *fn, void *arg, struct err *err)
{
	if (maildir_place_find(store, "INBOX", place, err) == -1)
		return -1;
	return maildir_list_one(store, "INBOX", place, fn, arg, err);
}

static int
list_entry(struct maildir_store *store, const char *name, const char *dir,
    struct maildir_place *place, store_list_fn *fn, void *arg,
    struct err *err)
{
	if (maildir_place_dir(store, name, dir, place, err) == -1)
		return -1;
	return maildir_list_one(store, name, place, fn, arg, err);
}

static int
plusplus_list(struct store *head, store_list_fn *fn, void *arg,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	DIR *dir = path_read_dir(&store->root, store->root.fd, NULL, err);
	struct maildir_place place;
	struct strbuf name;
	struct dirent *de;
	size_t n = 0;
	int ret;

	if (dir == NULL)
		return -1;
	strbuf_init(&name, NAME_MAX_BYTES);
	ret = list_inbox(store, &place, fn, arg, err);
	while (ret == 0 && (errno = 0, de = readdir(dir)) != NULL) {
		/* "..x" is never a mailbox: Dovecot's trash, our own. */
		if (de->d_name[0] != '.' || de->d_name[1] == '\0' ||
		    de->d_name[1] == '.' || !entry_usable(store, de))
			continue;
		if (maildir_dir_name(store, de->d_name, &name) == -1) {
			maildir_entry_problem(store, de->d_name,
			    "not a valid mailbox name");
			continue;
		}
		if (++n > STORE_MAILBOXES_MAX)
			ret = err_set(err, ERR_REFUSED,
			    "more than %u mailboxes", STORE_MAILBOXES_MAX);
		else
			ret = list_entry(store, name.data, de->d_name, &place,
			    fn, arg, err);
	}
	if (ret == 0 && errno != 0)
		ret = err_sys(err, "read the root directory");
	closedir(dir);
	strbuf_deinit(&name);
	return ret;
}

static int
plusplus_token(struct store *head, struct store_token *token_r,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct path_stat stats[2];

	if (path_fstat(store->root.fd, &stats[0], err) == -1 ||
	    path_stat(&store->root, maildir_control(store)->fd, NULL,
	    store->subscriptions, &stats[1], err) == -1)
		return -1;
	maildir_files_token(store, token_r, stats, 2);
	return 0;
}

static void
aside_name(const struct maildir_store *store,
    char out[static PATH_NAME_MAX + 1])
{
	char unique[PATH_NAME_MAX + 1];

	unique_name(unique, store->hostname);
	snprintf(out, PATH_NAME_MAX + 1, "..%.200s", unique);
}

/* Fill the new directory with all that a mailbox has; sync: durably. */
static int
fill_mailbox(struct maildir_store *store, int fd,
    const struct mailbox_status *status, bool sync, struct err *err)
{
	static const char *const dirs[] = { "cur", "new", "tmp" };
	int file;

	for (size_t i = 0; i < nitems(dirs); i++) {
		if (path_mkdir(&store->root, fd, dirs[i], store->dir_mode,
		    err) == -1)
			return -1;
	}
	file = path_create(&store->root, fd, "maildirfolder", 0600, err);
	if (file == -1)
		return -1;
	close(file);
	maildir_set_dir_group(store, fd);
	if (maildir_make_shared(store, fd, err) == -1 ||
	    (store->control.fd == -1 &&
	    maildir_write_uidlist(store, fd, status, sync, err) == -1))
		return -1;
	return sync ? path_fsync(&store->root, fd, err) : 0;
}

static void
drop_aside(struct maildir_store *store, const char *aside)
{
	struct err ignored = ERR_INIT;

	(void)path_remove_tree(&store->root, store->root.fd, aside, 1,
	    &ignored);
}

static int
build_dir(struct maildir_store *store, const char *aside,
    const struct mailbox_status *status, bool sync, struct err *err)
{
	int fd, ret = -1;

	if (path_mkdir(&store->root, store->root.fd, aside, store->dir_mode,
	    err) == -1)
		return -1;
	fd = path_open_dir(&store->root, store->root.fd, aside, err);
	if (fd != -1) {
		ret = fill_mailbox(store, fd, status, sync, err);
		close(fd);
	}
	if (ret == -1)
		drop_aside(store, aside);
	return ret;
}

/* Built aside, so that it appears with its GUID or not at all. */
static int
build_aside(struct maildir_store *store, const char *name,
    const struct mailbox_status *status, bool sync,
    char aside[static PATH_NAME_MAX + 1], struct err *err)
{
	struct maildir_place place;
	struct path_stat st;

	if (maildir_place_find(store, name, &place, err) == -1)
		return -1;
	if (name_is_inbox(name))
		return err_set(err, ERR_STALE, "INBOX exists");
	if (path_stat(&store->root, store->root.fd, NULL, place.mail, &st,
	    err) == -1)
		return -1;
	if (st.exists)
		return err_set(err, ERR_STALE, "the mailbox exists");
	if (store->control.fd != -1 &&
	    maildir_make_control(store, &place, status, err) == -1)
		return -1;
	aside_name(store, aside);
	return build_dir(store, aside, status, sync, err);
}

static int
show_aside(struct maildir_store *store, const char *name, const char *aside,
    struct err *err)
{
	struct maildir_place place;
	int ret = maildir_place_find(store, name, &place, err);

	if (ret == 0)
		ret = path_rename(&store->root, store->root.fd, aside,
		    store->root.fd, place.mail, err);
	if (ret == -1 && err->errnum == EEXIST)
		err_set(err, ERR_STALE, "the mailbox exists");
	if (ret == -1)
		drop_aside(store, aside);
	return ret;
}

static int
plusplus_create(struct store *head, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char aside[PATH_NAME_MAX + 1];

	if (maildir_writable(store, err) == -1)
		return -1;
	if (!selectable)
		return err_set(err, ERR_REFUSED,
		    "a Maildir has no mailboxes that hold no mail");
	if (build_aside(store, name, status, true, aside, err) == -1 ||
	    show_aside(store, name, aside, err) == -1)
		return -1;
	return path_fsync(&store->root, store->root.fd, err);
}

/* Of those that were built: *n_r have their names. */
static void
show_all(struct maildir_store *store, struct store_creation *list, size_t n,
    char **asides, size_t *n_r)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i].failed)
			continue;
		list[i].failed = show_aside(store, list[i].name, asides[i],
		    &list[i].failure) == -1;
		if (!list[i].failed)
			(*n_r)++;
	}
}

/*
 * All are built, then made durable by one call, and only then get their names:
 * after a crash none of them is there without its GUID.
 */
static int
plusplus_create_all(struct maildir_store *store, struct store_creation *list,
    size_t n, struct err *err)
{
	bool each = !store->root.local || n <= FSYNC_EACH_MAX;
	char **asides = mem_alloc(n * sizeof(*asides));
	char aside[PATH_NAME_MAX + 1];
	size_t built = 0, shown = 0;
	int ret = 0;

	for (size_t i = 0; i < n; i++) {
		list[i].failed = build_aside(store, list[i].name,
		    &list[i].status, each, aside, &list[i].failure) == -1;
		if (list[i].failed)
			continue;
		asides[i] = mem_strdup(aside);
		built++;
	}
	if (built > 0 && !each)
		ret = maildir_sync_file_systems(store, err);
	if (ret == 0)
		show_all(store, list, n, asides, &shown);
	if (shown > 0)
		ret = path_fsync(&store->root, store->root.fd, err);
	for (size_t i = 0; i < n; i++)
		free(asides[i]);
	free(asides);
	return ret;
}

void
maildir_moved(struct maildir_store *store, const char *from, const char *to)
{
	struct err ignored = ERR_INIT;
	struct maildir_box *box;
	int fd;

	for (box = store->boxes; box != NULL; box = box->next) {
		if (strcmp(box->name, from) != 0)
			continue;
		free(box->name);
		box->name = mem_strdup(to);
		(void)maildir_place_find(store, to, &box->place, &ignored);
		maildir_index_close(box);
		fd = maildir_dir_open(store, box->place.mail_fd,
		    box->place.mail, &ignored);
		if (fd != -1) {
			if (box->control_fd == box->fd)
				box->control_fd = fd;
			close(box->fd);
			box->fd = fd;
		}
		maildir_index_open(box);
		if (store->control.fd == -1)
			continue;
		fd = maildir_dir_open(store, box->place.control_fd,
		    box->place.control, &ignored);
		if (fd != -1) {
			close(box->control_fd);
			box->control_fd = fd;
		}
	}
}

/* Both names have the control files until the mailbox has moved. */
static int
rename_control(struct maildir_store *store, const struct maildir_place *from,
    const struct maildir_place *to, struct err *err)
{
	int from_fd, to_fd, ret = -1;

	if (store->control.fd == -1)
		return 0;
	from_fd = maildir_dir_make(store, from->control_fd, from->control,
	    err);
	if (from_fd == -1)
		return -1;
	to_fd = maildir_dir_make(store, to->control_fd, to->control, err);
	if (to_fd != -1) {
		ret = maildir_link_control(store, from_fd, to_fd, err);
		close(to_fd);
	}
	close(from_fd);
	return ret;
}

static int
plusplus_rename(struct store *head, const char *from, const char *to,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct maildir_place old, new;
	int root = store->root.fd;
	struct path_stat st;

	if (maildir_writable(store, err) == -1 ||
	    maildir_place_find(store, from, &old, err) == -1 ||
	    maildir_place_find(store, to, &new, err) == -1)
		return -1;
	if (name_is_inbox(from))
		return err_set(err, ERR_REFUSED, "INBOX is not renamed");
	if (name_is_inbox(to))
		return err_set(err, ERR_STALE, "the new name is in use");
	if (path_stat(&store->root, root, NULL, new.mail, &st, err) == -1)
		return -1;
	if (st.exists)
		return err_set(err, ERR_STALE, "the new name is in use");
	if (rename_control(store, &old, &new, err) == -1)
		return -1;
	if (path_rename(&store->root, root, old.mail, root, new.mail,
	    err) == -1) {
		if (err->errnum == EEXIST || err->errnum == ENOTEMPTY)
			return err_set(err, ERR_STALE,
			    "the new name is in use");
		if (err->errnum == ENOENT)
			return err_set(err, ERR_STALE, "the mailbox is gone");
		return -1;
	}
	if (path_fsync(&store->root, root, err) == -1)
		return -1;
	if (store->control.fd != -1)
		maildir_drop_control(store, old.control_fd, old.control);
	if (store->index.fd != -1)
		maildir_move_index(store, &old, &new);
	maildir_moved(store, from, to);
	return 0;
}

static int
dir_holds_mail(struct maildir_store *store, int box_fd, const char *name,
    struct err *err)
{
	struct err why = ERR_INIT;
	DIR *dir = path_read_dir(&store->root, box_fd, name, &why);
	struct dirent *de;
	int found = 0;

	if (dir == NULL && why.code == ERR_NOTFOUND)
		return 0;
	if (dir == NULL) {
		*err = why;
		return -1;
	}
	while (found == 0 && (errno = 0, de = readdir(dir)) != NULL) {
		if (de->d_name[0] != '.')
			found = 1;
	}
	if (found == 0 && errno != 0)
		found = err_sys(err, "read %s", name);
	closedir(dir);
	return found;
}

int
maildir_holds_mail(struct maildir_store *store, int box_fd, struct err *err)
{
	int r = dir_holds_mail(store, box_fd, "new", err);

	return r == 0 ? dir_holds_mail(store, box_fd, "cur", err) : r;
}

static int
holds_mail(struct maildir_store *store, const char *dir, struct err *err)
{
	int fd = path_open_dir(&store->root, store->root.fd, dir, err), r;

	if (fd == -1)
		return -1;
	r = maildir_holds_mail(store, fd, err);
	close(fd);
	return r;
}

/*
 * The name aside tells the old one, so that a mailbox that got mail in that
 * very moment can be put back by whoever comes next.
 */
static int
move_aside(struct maildir_store *store, const char *dir,
    char aside[static PATH_NAME_MAX + 1], struct err *err)
{
	int fd = store->root.fd;

	if (strlen(REMOVED_PREFIX) + strlen(dir) <= PATH_NAME_MAX) {
		snprintf(aside, PATH_NAME_MAX + 1, REMOVED_PREFIX "%s", dir);
		if (path_rename(&store->root, fd, dir, fd, aside, err) == 0)
			return 0;
		if (err->errnum != EEXIST && err->errnum != ENOTEMPTY)
			return -1;
	}
	aside_name(store, aside);
	return path_rename(&store->root, fd, dir, fd, aside, err);
}

static int
plusplus_remove(struct store *head, const char *name, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char aside[PATH_NAME_MAX + 1];
	struct maildir_place place;
	const char *dir = place.mail;
	struct err ignored = ERR_INIT;
	int r;

	if (maildir_writable(store, err) == -1 ||
	    maildir_place_find(store, name, &place, err) == -1)
		return -1;
	if (name_is_inbox(name))
		return err_set(err, ERR_REFUSED, "INBOX is not removed");
	if ((r = holds_mail(store, dir, err)) == -1)
		return -1;
	if (r == 1)
		return err_set(err, ERR_STALE, "the mailbox is not empty");
	if (move_aside(store, dir, aside, err) == -1)
		return -1;
	/* Mail that came between the look and the rename is kept. */
	if (holds_mail(store, aside, err) != 0) {
		(void)path_rename(&store->root, store->root.fd, aside,
		    store->root.fd, dir, &ignored);
		return err_set(err, ERR_STALE, "the mailbox is not empty");
	}
	if (path_fsync(&store->root, store->root.fd, err) == -1)
		return -1;
	if (store->control.fd != -1)
		maildir_drop_control(store, place.control_fd, place.control);
	if (store->index.fd != -1)
		maildir_drop_index(store, &place);
	/* It is no mailbox any more; what stays is removed another time. */
	(void)path_remove_tree(&store->root, store->root.fd, aside,
	    REMOVE_DEPTH, &ignored);
	return 0;
}

/* One directory of ours, left by a process that died. */
static void
clean_one(struct maildir_store *store, const char *name,
    const struct path_stat *st)
{
	int64_t limit = (int64_t)(clock_now_ms() / 1000) - LEFTOVER_AGE;
	size_t prefix = strlen(REMOVED_PREFIX);
	struct err ignored = ERR_INIT;
	int r = holds_mail(store, name, &ignored);

	if (r == 1 && strncmp(name, REMOVED_PREFIX ".", prefix + 1) == 0)
		(void)path_rename(&store->root, store->root.fd, name,
		    store->root.fd, name + prefix, &ignored);
	else if (r == 0 && st->ctime_ns / 1000000000 <= limit)
		(void)path_remove_tree(&store->root, store->root.fd, name,
		    REMOVE_DEPTH, &ignored);
}

void
maildir_tree_cleanup(struct maildir_store *store)
{
	struct err ignored = ERR_INIT;
	DIR *dir = path_read_dir(&store->root, store->root.fd, NULL,
	    &ignored);
	struct path_stat st;
	struct dirent *de;
	size_t n = 0;

	if (dir == NULL)
		return;
	while (n < LEFTOVERS_MAX && (de = readdir(dir)) != NULL) {
		if (strncmp(de->d_name, ASIDE_PREFIX,
		    strlen(ASIDE_PREFIX)) != 0 ||
		    path_stat(&store->root, store->root.fd, NULL, de->d_name,
		    &st, &ignored) == -1 || !S_ISDIR(st.mode))
			continue;
		clean_one(store, de->d_name, &st);
		n++;
	}
	closedir(dir);
}

const struct maildir_layout maildir_layout_plusplus = {
	.name = "Maildir++",
	.separator = '.',
	.inbox = ".INBOX",
	.list = plusplus_list,
	.tree_token = plusplus_token,
	.create = plusplus_create,
	.create_all = plusplus_create_all,
	.rename = plusplus_rename,
	.remove = plusplus_remove,
};
