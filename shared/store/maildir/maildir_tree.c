#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/mailbox_name.h"
#include "store/files/uidvalidity.h"
#include "store/maildir/maildir.h"

/* Directories of ours that are no mailboxes: Dovecot skips "..", too. */
#define ASIDE_PREFIX	".." UNIQUE_PREFIX
/* Before the directory's name: a mailbox being removed. */
#define REMOVED_PREFIX	".." UNIQUE_PREFIX "removed"
#define LEFTOVER_AGE	(36 * 3600)	/* seconds */
#define LEFTOVERS_MAX	64U		/* removed at one open */
#define REMOVE_DEPTH	3U		/* levels below a mailbox directory */

/* Tell of an entry that looks like a mailbox and can't be listed. */
static void
entry_problem(struct maildir_store *store, const char *dir, const char *why)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_PERM, "%s", why);
	maildir_problem(store, &err, "mailbox directory %s", dir);
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
		entry_problem(store, de->d_name,
		    "a symbolic link, which is not followed");
		return false;
	}
	if (!S_ISDIR(st.mode))
		return false;
	if (st.uid != store->root.owner && st.uid != geteuid()) {
		entry_problem(store, de->d_name, "belongs to another user");
		return false;
	}
	return true;
}

static int
list_one(struct maildir_store *store, const char *name, const char *dir,
    store_list_fn *fn, void *arg, struct err *err)
{
	struct store_listing listing = { .name = name, .selectable = true };
	struct err why = ERR_INIT;

	if (maildir_token(store, store->root.fd, dir,
	    dir == NULL ? ".INBOX" : dir, &listing.token, &why) == -1) {
		if (why.code != ERR_PERM || store->root.gone) {
			*err = why;
			return -1;
		}
		/* Its opening will fail, which concerns this mailbox alone. */
		listing.token = (struct store_token){ .len = 0 };
	}
	return fn(&listing, arg, err);
}

int
maildir_tree_list(struct store *head, store_list_fn *fn, void *arg,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	DIR *dir = path_read_dir(&store->root, store->root.fd, NULL, err);
	struct strbuf name;
	struct dirent *de;
	size_t n = 0;
	int ret;

	if (dir == NULL)
		return -1;
	strbuf_init(&name, NAME_MAX_BYTES);
	ret = list_one(store, "INBOX", NULL, fn, arg, err);
	while (ret == 0 && (errno = 0, de = readdir(dir)) != NULL) {
		/* "..x" is never a mailbox: Dovecot's trash, our own. */
		if (de->d_name[0] != '.' || de->d_name[1] == '\0' ||
		    de->d_name[1] == '.' || !entry_usable(store, de))
			continue;
		if (maildir_dir_name(store, de->d_name, &name) == -1) {
			entry_problem(store, de->d_name,
			    "not a valid mailbox name");
			continue;
		}
		if (++n > STORE_MAILBOXES_MAX)
			ret = err_set(err, ERR_REFUSED,
			    "more than %u mailboxes", STORE_MAILBOXES_MAX);
		else
			ret = list_one(store, name.data, de->d_name, fn, arg,
			    err);
	}
	if (ret == 0 && errno != 0)
		ret = err_sys(err, "read the root directory");
	closedir(dir);
	strbuf_deinit(&name);
	return ret;
}

int
maildir_tree_token(struct store *head, struct store_token *token_r,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct path_stat stats[2];

	if (path_fstat(store->root.fd, &stats[0], err) == -1 ||
	    path_stat(&store->root, store->root.fd, NULL,
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

static int
write_uidlist(struct maildir_store *store, int fd,
    const struct mailbox_status *status, struct err *err)
{
	struct uidlist_header header = { .version = 3,
	    .uidvalidity = status->uidvalidity, .uidnext = status->uidnext,
	    .guid = status->guid };
	struct strbuf text;
	int file, ret = -1;

	if (header.uidvalidity == 0 &&
	    uidvalidity_next(&store->root, &header.uidvalidity, err) == -1)
		return -1;
	if (header.uidnext == 0)
		header.uidnext = 1;
	if (guid_is_zero(&header.guid))
		header.guid = guid_random();
	file = path_create(&store->root, fd, UIDLIST_NAME, 0600, err);
	if (file == -1)
		return -1;
	strbuf_init(&text, UIDLIST_HEADER_MAX);
	uidlist_header_format(&text, &header);
	if (path_write(&store->root, file, text.data, text.len, err) == 0)
		ret = path_fsync(&store->root, file, err);
	strbuf_deinit(&text);
	close(file);
	return ret;
}

/* Fill the new directory with all that a mailbox has, durably. */
static int
fill_mailbox(struct maildir_store *store, int fd, mode_t mode,
    const struct mailbox_status *status, struct err *err)
{
	static const char *const dirs[] = { "cur", "new", "tmp" };
	int file;

	for (size_t i = 0; i < nitems(dirs); i++) {
		if (path_mkdir(&store->root, fd, dirs[i], mode, err) == -1)
			return -1;
	}
	file = path_create(&store->root, fd, "maildirfolder", 0600, err);
	if (file == -1)
		return -1;
	close(file);
	if (write_uidlist(store, fd, status, err) == -1)
		return -1;
	return path_fsync(&store->root, fd, err);
}

int
maildir_create(struct store *head, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char dir[PATH_NAME_MAX + 1], aside[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct path_stat st;
	mode_t mode;
	int fd, ret = -1;

	if (maildir_writable(store, err) == -1 ||
	    maildir_name_dir(store, name, dir, err) == -1)
		return -1;
	if (!selectable)
		return err_set(err, ERR_REFUSED,
		    "a Maildir has no mailboxes that hold no mail");
	if (dir[0] == '\0')
		return err_set(err, ERR_STALE, "INBOX exists");
	if (path_stat(&store->root, store->root.fd, NULL, dir, &st,
	    err) == -1)
		return -1;
	if (st.exists)
		return err_set(err, ERR_STALE, "the mailbox exists");
	if (path_fstat(store->root.fd, &st, err) == -1)
		return -1;
	mode = (mode_t)(st.mode & 0777) | 0700;

	/* Built aside, so that it appears with its GUID or not at all. */
	aside_name(store, aside);
	if (path_mkdir(&store->root, store->root.fd, aside, mode, err) == -1)
		return -1;
	fd = path_open_dir(&store->root, store->root.fd, aside, err);
	if (fd != -1) {
		ret = fill_mailbox(store, fd, mode, status, err);
		close(fd);
	}
	if (ret == 0 && (ret = path_rename(&store->root, store->root.fd,
	    aside, store->root.fd, dir, err)) == -1 && err->errnum == EEXIST)
		err_set(err, ERR_STALE, "the mailbox exists");
	if (ret == 0)
		return path_fsync(&store->root, store->root.fd, err);
	(void)path_remove_tree(&store->root, store->root.fd, aside, 1,
	    &ignored);
	return -1;
}

/* Indexes are a cache; what can't be moved along is left to Dovecot. */
static void
rename_index(struct maildir_store *store, const char *from, const char *to)
{
	struct err ignored = ERR_INIT;

	if (store->index.fd == -1)
		return;
	if (path_rename(&store->index, store->index.fd, from,
	    store->index.fd, to, &ignored) == -1 &&
	    ignored.errnum == EEXIST)
		maildir_problem(store, &ignored, "indexes of %s", from);
}

int
maildir_rename(struct store *head, const char *from, const char *to,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char old_dir[PATH_NAME_MAX + 1], new_dir[PATH_NAME_MAX + 1];
	struct maildir_box *box;

	if (maildir_writable(store, err) == -1 ||
	    maildir_name_dir(store, from, old_dir, err) == -1 ||
	    maildir_name_dir(store, to, new_dir, err) == -1)
		return -1;
	if (old_dir[0] == '\0')
		return err_set(err, ERR_REFUSED, "INBOX is not renamed");
	if (new_dir[0] == '\0')
		return err_set(err, ERR_STALE, "the new name is in use");
	if (path_rename(&store->root, store->root.fd, old_dir,
	    store->root.fd, new_dir, err) == -1) {
		if (err->errnum == EEXIST || err->errnum == ENOTEMPTY)
			return err_set(err, ERR_STALE,
			    "the new name is in use");
		if (err->errnum == ENOENT)
			return err_set(err, ERR_STALE, "the mailbox is gone");
		return -1;
	}
	rename_index(store, old_dir, new_dir);
	for (box = store->boxes; box != NULL; box = box->next) {
		if (strcmp(box->dir, old_dir) == 0)
			memcpy(box->dir, new_dir, strlen(new_dir) + 1);
	}
	return path_fsync(&store->root, store->root.fd, err);
}

/* 1: it holds something that may be a message; 0: nothing; -1. */
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

static int
holds_mail(struct maildir_store *store, const char *dir, struct err *err)
{
	int fd = path_open_dir(&store->root, store->root.fd, dir, err), r;

	if (fd == -1)
		return -1;
	r = dir_holds_mail(store, fd, "new", err);
	if (r == 0)
		r = dir_holds_mail(store, fd, "cur", err);
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

int
maildir_remove(struct store *head, const char *name, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char dir[PATH_NAME_MAX + 1], aside[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	int r;

	if (maildir_writable(store, err) == -1 ||
	    maildir_name_dir(store, name, dir, err) == -1)
		return -1;
	if (dir[0] == '\0')
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
	if (store->index.fd != -1)
		(void)path_remove_tree(&store->index, store->index.fd, dir,
		    1, &ignored);
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
