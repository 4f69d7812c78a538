/*
 * LAYOUT=index: names are in the list index alone, and a mailbox's directory
 * is named by its GUID.
 *
 * The list is changed under its lock, each time in one step: a directory is
 * complete before it is listed, and holds no mail when it is listed no more.
 *
 * Where a mailbox gets another GUID, its list has it first, then the list of
 * mailboxes, then the directory is renamed.  A directory that a crash left
 * behind is known by the GUID in its dovecot-uidlist.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/mailbox_name.h"
#include "store/maildir/maildir.h"

#define REMOVE_DEPTH	2U	/* of a directory without mail */

/*
 * Without the list there are no mailboxes, which is never to pass for their
 * being deleted.
 */
static int
check_missing(void *arg, struct err *err)
{
	struct maildir_store *store = arg;
	DIR *dir = path_read_dir(&store->root, store->root.fd, NULL, err);
	struct err ignored = ERR_INIT;
	struct dirent *de;
	struct guid128 guid;
	int fd, holds = 0;

	if (dir == NULL)
		return -1;
	while (holds != 1 && (de = readdir(dir)) != NULL) {
		if (!guid_parse(&guid, de->d_name, strlen(de->d_name)) ||
		    (fd = path_open_dir(&store->root, dirfd(dir), de->d_name,
		    &ignored)) == -1)
			continue;
		holds = maildir_holds_mail(store, fd, &ignored);
		close(fd);
	}
	closedir(dir);
	if (holds == 1)
		return err_set(err, ERR_CORRUPT, "there is mail, and no "
		    INDEX_LIST_BASE " that names it: doveadm force-resync "
		    "may make it anew");
	return 0;
}

int
maildir_listed_holds(const struct maildir_store *store, const char *name,
    struct err *err)
{
	return name_list_holds(&store->names, name, err);
}

/* A mailbox that was created; INBOX too, which has to be there. */
static int
make_mailbox(struct name_list *names, const char *name,
    const struct mailbox_status *wanted, struct err *err)
{
	struct maildir_store *store = names->arg;
	struct mailbox_status status = *wanted;
	struct maildir_place place;
	struct err ignored = ERR_INIT;
	char hex[GUID_HEX_SIZE];
	int fd, ret;

	if (guid_is_zero(&status.guid))
		status.guid = guid_random();
	guid_format(&status.guid, hex);
	if (name_list_has_guid(&store->names, &status.guid))
		return err_set(err, ERR_REFUSED,
		    "another mailbox has the same GUID");
	if (maildir_place_dir(store, name, hex, &place, err) == -1)
		return -1;
	/* What a crash left: it was never listed, or is no more. */
	fd = maildir_dir_open(store, place.mail_fd, place.mail, &ignored);
	if (fd != -1) {
		ret = maildir_holds_mail(store, fd, err);
		close(fd);
		if (ret != 0)
			return ret == 1 ? err_set(err, ERR_REFUSED,
			    "a directory of this GUID holds mail") : -1;
		(void)path_remove_tree(&store->root, store->root.fd, hex,
		    REMOVE_DEPTH, &ignored);
	}
	fd = maildir_dir_make(store, place.mail_fd, place.mail, err);
	if (fd == -1)
		return -1;
	ret = maildir_fill(store, &place, fd, &status, err);
	close(fd);
	return ret == -1 ? -1 : name_list_add(&store->names, name,
	    &status.guid, status.uidvalidity, err);
}

void
maildir_listed_open(struct maildir_store *store)
{
	store->names.utf8 = store->utf8;
	store->names.check_missing = check_missing;
	store->names.make = make_mailbox;
	store->names.arg = store;
	name_list_open(&store->names, &store->root,
	    store->index.fd != -1 ? store->index.fd : store->root.fd,
	    &store->index_opts);
}

static int
listed_create(struct store *head, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;

	if (maildir_writable(store, err) == -1)
		return -1;
	if (name_is_inbox(name))
		return err_set(err, ERR_STALE, "INBOX exists");
	return name_list_create(&store->names, name, selectable, status, err);
}

static int
create_inbox(struct maildir_store *store, struct err *err)
{
	static const struct mailbox_status any;
	struct err why = ERR_INIT;

	if (name_list_create(&store->names, "INBOX", true, &any, &why) == 0 ||
	    why.code == ERR_STALE)
		return 0;
	*err = why;
	return -1;
}

static int
listed_dir(struct maildir_store *store, const char *name,
    char out[static DIR_PATH_MAX + 1], struct err *err)
{
	struct name_list *names = &store->names;
	char hex[GUID_HEX_SIZE];
	size_t at;

	if (name_list_find(names, name, &at, err) == -1)
		return -1;
	if (name_is_inbox(name) && !store->readonly &&
	    (at == NAME_LIST_NONE || !name_list_is_mailbox(names, at))) {
		if (create_inbox(store, err) == -1 ||
		    name_list_find(names, name, &at, err) == -1)
			return -1;
	}
	if (at == NAME_LIST_NONE || !name_list_is_mailbox(names, at))
		return err_set(err, ERR_NOTFOUND, "there is no such mailbox");
	guid_format(&names->nodes.nodes.v[at].guid, hex);
	snprintf(out, DIR_PATH_MAX + 1, "%s", hex);
	return 0;
}

static int
listed_rename(struct store *head, const char *from, const char *to,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	int ret;

	if (maildir_writable(store, err) == -1)
		return -1;
	if (name_is_inbox(from))
		return err_set(err, ERR_REFUSED, "INBOX is not renamed");
	if (name_is_inbox(to))
		return err_set(err, ERR_STALE, "the new name is in use");
	if (name_list_lock(&store->names, err) == -1)
		return -1;
	ret = name_list_rename(&store->names, from, to, err);
	name_list_unlock(&store->names);
	if (ret == 0)
		maildir_moved(store, from, to);
	return ret;
}

static int
remove_locked(struct maildir_store *store, const char *name, struct err *err)
{
	struct name_list *names = &store->names;
	struct maildir_place place;
	struct err why = ERR_INIT;
	char hex[GUID_HEX_SIZE];
	size_t at;
	int fd, ret = 0;

	if (name_list_find(names, name, &at, err) == -1)
		return -1;
	if (at == NAME_LIST_NONE || (!name_list_is_mailbox(names, at) &&
	    name_list_has_children(names, at)))
		return err_set(err, ERR_NOTFOUND, "there is no such mailbox");
	if (!name_list_is_mailbox(names, at))
		return name_list_drop(names, at, err);
	guid_format(&names->nodes.nodes.v[at].guid, hex);
	if (maildir_place_dir(store, name, hex, &place, err) == -1)
		return -1;
	fd = maildir_dir_open(store, place.mail_fd, place.mail, &why);
	if (fd == -1 && why.code != ERR_NOTFOUND) {
		*err = why;
		return -1;
	}
	if (fd != -1) {
		ret = maildir_empty(store, fd, err);
		close(fd);
	}
	if (ret == 0)
		ret = name_list_drop(names, at, err);
	if (ret == 0)
		maildir_clear(store, &place, true);
	return ret;
}

static int
listed_remove(struct store *head, const char *name, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	int ret;

	if (maildir_writable(store, err) == -1)
		return -1;
	if (name_is_inbox(name))
		return err_set(err, ERR_REFUSED, "INBOX is not removed");
	if (name_list_lock(&store->names, err) == -1)
		return -1;
	ret = remove_locked(store, name, err);
	name_list_unlock(&store->names);
	return ret;
}

static int
list_node(struct maildir_store *store, size_t at, const char *name,
    store_list_fn *fn, void *arg, struct err *err)
{
	const struct name_list *names = &store->names;
	struct store_listing listing = { .name = name };
	struct maildir_place place;
	char hex[GUID_HEX_SIZE];

	if (!name_list_is_mailbox(names, at)) {
		/* Those that are only there for others are not told of. */
		if (name_list_has_children(names, at) || name_is_inbox(name))
			return 0;
		return fn(&listing, arg, err);
	}
	guid_format(&names->nodes.nodes.v[at].guid, hex);
	if (maildir_place_dir(store, name, hex, &place, err) == -1)
		return -1;
	return maildir_list_one(store, name, &place, fn, arg, err);
}

static int
listed_list(struct store *head, store_list_fn *fn, void *arg,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	const struct index_list *nodes;
	char dir[DIR_PATH_MAX + 1];
	struct strbuf name;
	int ret = 0;

	if (!store->readonly && listed_dir(store, "INBOX", dir, err) == -1)
		return -1;
	if (name_list_load(&store->names, err) == -1)
		return -1;
	nodes = &store->names.nodes;
	if (nodes->nodes.n > STORE_MAILBOXES_MAX)
		return err_set(err, ERR_REFUSED, "more than %u mailboxes",
		    STORE_MAILBOXES_MAX);
	strbuf_init(&name, NAME_MAX_BYTES);
	for (size_t i = 0; i < nodes->nodes.n && ret == 0; i++) {
		if (name_list_name(&store->names, i, &name) == -1)
			maildir_entry_problem(store, nodes->nodes.v[i].name,
			    "not a valid mailbox name");
		else
			ret = list_node(store, i, name.data, fn, arg, err);
	}
	strbuf_deinit(&name);
	return ret;
}

static int
listed_token(struct store *head, struct store_token *token_r,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	int fd = store->index.fd != -1 ? store->index.fd : store->root.fd;
	struct path_stat stats[3];

	if (path_stat(&store->root, fd, NULL, INDEX_LIST_BASE, &stats[0],
	    err) == -1 || path_stat(&store->root, fd, NULL,
	    INDEX_LIST_BASE ".log", &stats[1], err) == -1 ||
	    path_stat(&store->root, maildir_control(store)->fd, NULL,
	    store->subscriptions, &stats[2], err) == -1)
		return -1;
	maildir_files_token(store, token_r, stats, 3);
	return 0;
}

/* A directory of the old GUID gets the new one's name, if it is there. */
static int
rename_dir(struct maildir_store *store, int root, const char *old,
    const char *new, struct err *err)
{
	struct err why = ERR_INIT;

	if (root == -1 || path_rename(&store->root, root, old, root, new,
	    &why) == 0 || why.errnum == ENOENT)
		return root == -1 ? 0 : path_fsync(&store->root, root, err);
	*err = why;
	return -1;
}

static int
rename_dirs(struct maildir_store *store, const char *old, const char *new,
    struct err *err)
{
	if (rename_dir(store, store->control.fd, old, new, err) == -1 ||
	    rename_dir(store, store->index.fd, old, new, err) == -1)
		return -1;
	return rename_dir(store, store->root.fd, old, new, err);
}

static int
change_guid(struct maildir_store *store, const char *name,
    const struct guid128 *guid, struct err *err)
{
	struct name_list *names = &store->names;
	char old[GUID_HEX_SIZE], new[GUID_HEX_SIZE];
	size_t at;

	if (name_list_find(names, name, &at, err) == -1)
		return -1;
	if (at == NAME_LIST_NONE || !name_list_is_mailbox(names, at))
		return err_set(err, ERR_STALE, "the mailbox was removed");
	guid_format(&names->nodes.nodes.v[at].guid, old);
	guid_format(guid, new);
	if (name_list_set_guid(names, at, guid, err) == -1)
		return -1;
	return rename_dirs(store, old, new, err);
}

int
maildir_listed_follow(struct maildir_box *box, struct err *err)
{
	struct maildir_store *store = box->store;
	const struct guid128 *guid = &box->list.header.guid;
	char hex[GUID_HEX_SIZE], *name;
	int ret;

	guid_format(guid, hex);
	if (guid_is_zero(guid) ||
	    strncmp(box->place.mail, hex, strlen(hex)) == 0)
		return 0;
	if (name_list_lock(&store->names, err) == -1)
		return -1;
	ret = change_guid(store, box->name, guid, err);
	name_list_unlock(&store->names);
	if (ret == 0) {
		name = mem_strdup(box->name);
		maildir_moved(store, name, name);
		free(name);
	}
	return ret;
}

/*
 * Is it the mailbox of this GUID, under another one's name?  With CONTROL= the
 * list is not in it, and has the right name already: it is the one directory
 * that has none.
 */
static bool
has_guid(struct maildir_store *store, const char *dir,
    const struct guid128 *guid)
{
	struct maildir_place place;
	struct err ignored = ERR_INIT;
	struct guid128 found;
	struct path_stat st;

	if (maildir_place_dir(store, "", dir, &place, &ignored) == -1)
		return false;
	if (store->control.fd == -1) {
		found = maildir_place_guid(store, &place);
		return guid_eq(&found, guid);
	}
	if (path_stat(&store->root, place.control_fd, NULL, dir, &st,
	    &ignored) == -1 || st.exists)
		return false;
	return path_stat(&store->root, place.mail_fd, place.mail, "cur", &st,
	    &ignored) == 0 && st.exists;
}

int
maildir_listed_recover(struct maildir_store *store, const char *name,
    struct err *err)
{
	DIR *dir;
	struct dirent *de;
	struct guid128 guid, other;
	char hex[DIR_PATH_MAX + 1], found[GUID_HEX_SIZE] = "";

	if (listed_dir(store, name, hex, err) == -1)
		return -1;
	if (!guid_parse(&guid, hex, strlen(hex)))
		return err_set(err, ERR_NOTFOUND, "there is no such mailbox");
	dir = path_read_dir(&store->root, store->root.fd, NULL, err);
	if (dir == NULL)
		return -1;
	while (found[0] == '\0' && (de = readdir(dir)) != NULL) {
		if (guid_parse(&other, de->d_name, strlen(de->d_name)) &&
		    has_guid(store, de->d_name, &guid))
			guid_format(&other, found);
	}
	closedir(dir);
	if (found[0] == '\0')
		return err_set(err, ERR_NOTFOUND,
		    "the mailbox has no directory");
	return rename_dirs(store, found, hex, err);
}

const struct maildir_layout maildir_layout_index = {
	.name = "index",
	.separator = '^',
	.listed = true,
	.inbox = "INBOX",
	.dir = listed_dir,
	.list = listed_list,
	.tree_token = listed_token,
	.create = listed_create,
	.rename = listed_rename,
	.remove = listed_remove,
};
