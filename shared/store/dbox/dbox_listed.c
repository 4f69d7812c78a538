/*
 * LAYOUT=index: names are in the list index alone, and a mailbox's directory
 * is named by its GUID.
 *
 * A mailbox is complete before it is listed, and marked as deleted before it is
 * listed no more.  Where it gets another GUID, its own index has it first, then
 * the list, then the directories are renamed, that of the mails last; one that
 * a crash left behind is known by the GUID in its index.
 *
 * Dovecot opens what the list names at any time and takes no lock for it.  So
 * the new name is there as a symbolic link before it is listed, and the old one
 * while the renamed directory is brought to the disk.  We follow no links: for
 * us such a name is not there, and whoever has to know takes the list's lock.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/mailbox_name.h"
#include "store/dbox/dbox.h"
#include "store/files/file_token.h"
#include "store/files/uidvalidity.h"
#include "store/index/mailbox_log.h"

#define MAIL_FILE	"u."		/* of an sdbox */
#define REMOVE_DEPTH	1U

/* What a directory of a mailbox holds. */
struct contents {
	bool indexed;		/* there is an index ... */
	struct guid128 guid;	/* ... of this mailbox; zero: not known */
	bool messages;		/* in the index, or files of them */
};

static int
look_at_index(struct dbox_store *store, const char *path,
    struct contents *contents, struct err *err)
{
	struct dbox_folder folder = { .index = NULL };
	uint8_t header[DBOX_HEADER_SIZE];
	struct err why = ERR_INIT;
	int fd = dbox_dir_open(store, dbox_index_root(store), path, false,
	    &why), ret;

	if (fd == -1 && (why.code == ERR_NOTFOUND || why.errnum == ELOOP))
		return 0;
	if (fd == -1) {
		*err = why;
		return -1;
	}
	folder.index = index_open(dbox_index_root(store), fd, DBOX_INDEX,
	    &store->index_opts);
	ret = index_refresh(folder.index, err);
	if (ret == 0 && index_state(folder.index)->exists) {
		contents->indexed = true;
		contents->messages = index_state(folder.index)->count > 0;
		if (dbox_folder_header(store, &folder, header))
			memcpy(contents->guid.b,
			    header + store->format->header_guid, GUID_SIZE);
	}
	index_close(&folder.index);
	close(fd);
	return ret;
}

static int
look_at_files(struct dbox_store *store, const char *path,
    struct contents *contents, struct err *err)
{
	struct err why = ERR_INIT;
	struct dirent *de;
	DIR *dir = NULL;
	int fd = dbox_dir_open(store, &store->root, path, false, &why);

	if (fd != -1) {
		dir = path_read_dir(&store->root, fd, NULL, &why);
		close(fd);
	}
	if (dir == NULL && why.code != ERR_NOTFOUND && why.errnum != ELOOP) {
		*err = why;
		return -1;
	}
	while (dir != NULL && !contents->messages &&
	    (de = readdir(dir)) != NULL)
		contents->messages = strncmp(de->d_name, MAIL_FILE,
		    strlen(MAIL_FILE)) == 0;
	if (dir != NULL)
		closedir(dir);
	return 0;
}

/* Of a path that need not be there. */
static int
look_at(struct dbox_store *store, const char *path, struct contents *r,
    struct err *err)
{
	char box[DBOX_PATH_MAX];

	*r = (struct contents){ .indexed = false };
	if (dbox_index_path(store, path, box, err) == -1 ||
	    look_at_index(store, box, r, err) == -1 ||
	    dbox_mail_path(store, path, box, err) == -1)
		return -1;
	return look_at_files(store, box, r, err);
}

/* A link's other name is seen, too. */
static bool
is_link(struct path_root *root, int dirfd, const char *name)
{
	struct err ignored = ERR_INIT;
	struct path_stat st;

	return path_stat(root, dirfd, NULL, name, &st, &ignored) == 0 &&
	    st.exists && S_ISLNK(st.mode);
}

/* Call fn for each directory with a GUID's name until it says 1; -1. */
static int
each_directory(struct dbox_store *store, int (*fn)(struct dbox_store *store,
    const char *path, void *arg, struct err *err), void *arg, struct err *err)
{
	struct err why = ERR_INIT;
	struct guid128 guid;
	struct dirent *de;
	DIR *dir = path_read_dir(&store->root, store->root.fd,
	    store->boxes_name, &why);
	int ret = 0;

	if (dir == NULL && why.code == ERR_NOTFOUND)
		return 0;
	if (dir == NULL) {
		*err = why;
		return -1;
	}
	while (ret == 0 && (de = readdir(dir)) != NULL) {
		if (guid_parse(&guid, de->d_name, strlen(de->d_name)) &&
		    !is_link(&store->root, dirfd(dir), de->d_name))
			ret = fn(store, de->d_name, arg, err);
	}
	closedir(dir);
	return ret;
}

static int
has_messages(struct dbox_store *store, const char *path, void *arg,
    struct err *err)
{
	struct contents contents;
	struct err ignored = ERR_INIT;

	(void)arg;
	(void)err;
	/* What can't be read may hold some. */
	return look_at(store, path, &contents, &ignored) == -1 ||
	    contents.messages;
}

/*
 * Without the list there are no mailboxes, which is never to pass for their
 * being deleted.
 */
static int
check_missing(void *arg, struct err *err)
{
	int r = each_directory(arg, has_messages, NULL, err);

	if (r == 1)
		return err_set(err, ERR_CORRUPT, "there is mail, and no "
		    INDEX_LIST_BASE " that names it: doveadm force-resync "
		    "may make it anew");
	return r;
}

/* The directories of one root, of which a mailbox gets another name. */
struct naming {
	struct path_root *root;
	int dirfd;
	const char *old, *new;
	struct path_stat old_st, new_st;
};

/* 0: there are none. */
static int
naming_open(struct naming *naming, struct dbox_store *store,
    struct path_root *root, const char *from, const char *to,
    struct err *err)
{
	struct err why = ERR_INIT;

	*naming = (struct naming){ .root = root, .old = from, .new = to };
	if (root->fd == -1)
		return 0;
	naming->dirfd = dbox_dir_open(store, root, store->boxes_name, false,
	    &why);
	if (naming->dirfd == -1 && why.code == ERR_NOTFOUND)
		return 0;
	if (naming->dirfd == -1) {
		*err = why;
		return -1;
	}
	if (path_stat(root, naming->dirfd, NULL, from, &naming->old_st,
	    err) == -1 || path_stat(root, naming->dirfd, NULL, to,
	    &naming->new_st, err) == -1) {
		close(naming->dirfd);
		return -1;
	}
	return 1;
}

static int
unlink_if_there(struct naming *naming, const char *name, struct err *err)
{
	struct err why = ERR_INIT;

	if (path_unlink(naming->root, naming->dirfd, name, false,
	    &why) == 0 || why.errnum == ENOENT)
		return 0;
	*err = why;
	return -1;
}

/* A link that a crash left. */
static int
drop_link(struct naming *naming, struct err *err)
{
	return naming->new_st.exists && S_ISLNK(naming->new_st.mode) ?
	    unlink_if_there(naming, naming->new, err) : 0;
}

/* Where there are no links, the new name is not there for a moment. */
static int
make_link(struct naming *naming, const char *to, const char *name,
    struct err *err)
{
	struct err why = ERR_INIT;

	if (path_symlink(naming->root, naming->dirfd, to, name, &why) == 0 ||
	    why.errnum == EPERM || why.errnum == EACCES ||
	    why.errnum == EOPNOTSUPP || why.errnum == ENOSYS)
		return 0;
	*err = why;
	return -1;
}

/* The new name leads to the directory of the old one, durably. */
static int
link_new(struct naming *naming, struct err *err)
{
	if (!naming->old_st.exists || !S_ISDIR(naming->old_st.mode) ||
	    (naming->new_st.exists && !S_ISLNK(naming->new_st.mode)))
		return 0;
	/* It may lead elsewhere. */
	if (naming->new_st.exists &&
	    unlink_if_there(naming, naming->new, err) == -1)
		return -1;
	if (make_link(naming, naming->old, naming->new, err) == -1)
		return -1;
	return path_fsync(naming->root, naming->dirfd, err);
}

static int
move_to_new(struct naming *naming, struct err *err)
{
	if (!naming->old_st.exists)
		return 0;
	if (S_ISLNK(naming->old_st.mode))
		return unlink_if_there(naming, naming->old, err);
	if (!naming->new_st.exists || !S_ISLNK(naming->new_st.mode)) {
		if (path_rename(naming->root, naming->dirfd, naming->old,
		    naming->dirfd, naming->new, err) == -1)
			return -1;
		return path_fsync(naming->root, naming->dirfd, err);
	}
	/* Who read the list before it changed finds the old name, too. */
	if (path_rename_to_link(naming->root, naming->dirfd, naming->old,
	    naming->new, err) == -1 ||
	    unlink_if_there(naming, naming->old, err) == -1 ||
	    make_link(naming, naming->new, naming->old, err) == -1 ||
	    path_fsync(naming->root, naming->dirfd, err) == -1)
		return -1;
	return unlink_if_there(naming, naming->old, err);
}

static int
each_root(struct dbox_store *store, int (*fn)(struct naming *naming,
    struct err *err), const char *from, const char *to, struct err *err)
{
	struct path_root *const roots[] = { &store->index, &store->alt,
	    &store->root };

	for (size_t i = 0; i < nitems(roots); i++) {
		struct naming naming;
		int r = naming_open(&naming, store, roots[i], from, to, err);

		if (r == 1) {
			r = fn(&naming, err);
			close(naming.dirfd);
		}
		if (r == -1)
			return -1;
	}
	return 0;
}

/* What a crash left under this path goes: it was never listed, or is no more. */
static int
clear_place(struct dbox_store *store, const char *path, struct err *err)
{
	char box[DBOX_PATH_MAX], aside[PATH_NAME_MAX + 1];
	struct path_root *root = &store->root;
	struct err why = ERR_INIT;
	struct contents contents;

	if (look_at(store, path, &contents, err) == -1 ||
	    dbox_box_path(store, path, box, err) == -1)
		return -1;
	if (contents.messages)
		return err_set(err, ERR_REFUSED,
		    "a directory of this GUID holds mail");
	if (each_root(store, drop_link, path, path, err) == -1)
		return -1;
	dbox_aside_name(store, aside);
	if (dbox_dir_rename(store, root, box, aside, &why) == 0)
		return path_remove_tree(root, root->fd, aside, REMOVE_DEPTH,
		    err);
	if (why.errnum == ENOENT || why.code == ERR_NOTFOUND)
		return 0;
	*err = why;
	return -1;
}

static int
make_mailbox(struct name_list *names, const char *name,
    const struct mailbox_status *wanted, struct err *err)
{
	struct dbox_store *store = names->arg;
	struct mailbox_status status = *wanted;
	char hex[GUID_HEX_SIZE];

	if (guid_is_zero(&status.guid))
		status.guid = guid_random();
	if (name_list_has_guid(&store->names, &status.guid))
		return err_set(err, ERR_REFUSED,
		    "another mailbox has the same GUID");
	guid_format(&status.guid, hex);
	if (uidvalidity_choose(dbox_control_root(store), &status.uidvalidity,
	    err) == -1 || clear_place(store, hex, err) == -1 ||
	    dbox_make(store, hex, name_is_inbox(name), &status, err) == -1)
		return -1;
	return name_list_add(&store->names, name, &status.guid,
	    status.uidvalidity, err);
}

void
dbox_listed_open(struct dbox_store *store)
{
	struct path_root *root = dbox_index_root(store);

	store->names.utf8 = store->utf8;
	store->names.check_missing = check_missing;
	store->names.make = make_mailbox;
	store->names.arg = store;
	name_list_open(&store->names, root, root->fd, &store->index_opts);
}

int
dbox_listed_path(struct dbox_store *store, const char *name,
    char out[static DBOX_PATH_MAX], struct err *err)
{
	static const struct mailbox_status any = { .uidnext = 1 };
	static const struct guid128 none;
	struct name_list *names = &store->names;
	struct err why = ERR_INIT;
	char hex[GUID_HEX_SIZE];
	bool found;
	size_t at;

	if (name_list_find(names, name, &at, err) == -1)
		return -1;
	found = at != NAME_LIST_NONE && name_list_is_mailbox(names, at);
	/* INBOX is always there (T12). */
	if (!found && name_is_inbox(name) && !store->readonly) {
		if (name_list_create(names, name, true, &any, &why) == -1 &&
		    why.code != ERR_STALE) {
			*err = why;
			return -1;
		}
		if (name_list_find(names, name, &at, err) == -1)
			return -1;
		found = at != NAME_LIST_NONE &&
		    name_list_is_mailbox(names, at);
	}
	if (!found && !name_is_inbox(name))
		return err_set(err, ERR_NOTFOUND, "there is no such mailbox");
	guid_format(found ? &names->nodes.nodes.v[at].guid : &none, hex);
	snprintf(out, DBOX_PATH_MAX, "%s", hex);
	return 0;
}

int
dbox_listed_map(struct dbox_store *store, char *name, struct err *err)
{
	if (dbox_inbox_misspelt(name))
		name[0] = store->alt_char;
	return name_list_holds(&store->names, name, err);
}

int
dbox_listed_rename(struct dbox_store *store, const char *from,
    const char *to, struct err *err)
{
	char path[DBOX_PATH_MAX];
	struct err ignored = ERR_INIT;
	int ret;

	if (name_list_lock(&store->names, err) == -1)
		return -1;
	ret = name_list_rename(&store->names, from, to, err);
	name_list_unlock(&store->names);
	if (ret == -1)
		return -1;
	if (dbox_listed_path(store, to, path, &ignored) == 0)
		dbox_renamed(store, from, to, path);
	dbox_log_name(store, MAILBOX_LOG_RENAME, to);
	return 0;
}

static int
drop_locked(struct name_list *names, const char *name, struct err *err)
{
	size_t at;

	if (name_list_find(names, name, &at, err) == -1)
		return -1;
	if (at == NAME_LIST_NONE || (!name_list_is_mailbox(names, at) &&
	    name_list_has_children(names, at)))
		return err_set(err, ERR_NOTFOUND, "there is no such mailbox");
	return name_list_drop(names, at, err);
}

int
dbox_listed_drop(struct dbox_store *store, const char *name,
    struct err *err)
{
	int ret;

	if (name_list_lock(&store->names, err) == -1)
		return -1;
	ret = drop_locked(&store->names, name, err);
	name_list_unlock(&store->names);
	return ret;
}

static int
list_node(struct dbox_store *store, size_t at, const char *name,
    store_list_fn *fn, void *arg, struct err *err)
{
	const struct name_list *names = &store->names;
	struct store_listing listing = { .name = name,
	    .selectable = name_list_is_mailbox(names, at) };
	char hex[GUID_HEX_SIZE];

	/* Those that are only there for others are not told of. */
	if (!listing.selectable && (name_is_inbox(name) ||
	    name_list_has_children(names, at)))
		return 0;
	guid_format(&names->nodes.nodes.v[at].guid, hex);
	if (listing.selectable && dbox_path_token(store, hex,
	    &listing.token, err) == -1)
		return -1;
	return fn(&listing, arg, err);
}

int
dbox_listed_list(struct dbox_store *store, store_list_fn *fn, void *arg,
    struct err *err)
{
	const struct name_list *names = &store->names;
	const struct index_list *nodes = &names->nodes;
	char inbox[DBOX_PATH_MAX];
	struct strbuf name;
	int ret = 0;

	if (dbox_listed_path(store, "INBOX", inbox, err) == -1)
		return -1;
	if (nodes->nodes.n > STORE_MAILBOXES_MAX)
		return err_set(err, ERR_REFUSED, "more than %u mailboxes",
		    STORE_MAILBOXES_MAX);
	strbuf_init(&name, NAME_MAX_BYTES);
	for (size_t i = 0; i < nodes->nodes.n && ret == 0; i++) {
		if (name_list_name(names, i, &name) == -1)
			store_tell(&store->head, NULL, "mailbox %s: not a "
			    "valid mailbox name", nodes->nodes.v[i].name);
		else
			ret = list_node(store, i, name.data, fn, arg, err);
	}
	strbuf_deinit(&name);
	return ret;
}

int
dbox_listed_token(struct dbox_store *store, struct store_token *token_r,
    struct err *err)
{
	struct path_root *index = dbox_index_root(store);
	struct path_root *control = dbox_control_root(store);
	struct path_stat stats[3];

	if (path_stat(index, index->fd, NULL, INDEX_LIST_BASE, &stats[0],
	    err) == -1 || path_stat(index, index->fd, NULL,
	    INDEX_LIST_BASE ".log", &stats[1], err) == -1 ||
	    path_stat(control, control->fd, NULL, store->subscriptions,
	    &stats[2], err) == -1)
		return -1;
	file_token(token_r, control, stats, nitems(stats));
	return 0;
}

/* folder: as it is called so far. */
static int
change_guid(struct dbox_store *store, const struct dbox_folder *folder,
    const struct guid128 *guid, struct err *err)
{
	struct name_list *names = &store->names;
	char old[GUID_HEX_SIZE], new[GUID_HEX_SIZE];
	size_t at;

	if (name_list_find(names, folder->name, &at, err) == -1)
		return -1;
	if (at == NAME_LIST_NONE || !name_list_is_mailbox(names, at))
		return err_set(err, ERR_STALE, "the mailbox was removed");
	guid_format(&names->nodes.nodes.v[at].guid, old);
	guid_format(guid, new);
	/* Another process listed it, and may have died then. */
	if (strcmp(old, new) == 0)
		return each_root(store, move_to_new, folder->path, new, err);
	if (each_root(store, link_new, old, new, err) == -1 ||
	    name_list_set_guid(names, at, guid, err) == -1)
		return -1;
	return each_root(store, move_to_new, old, new, err);
}

int
dbox_listed_follow(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err)
{
	uint8_t header[DBOX_HEADER_SIZE];
	char hex[GUID_HEX_SIZE], *name;
	struct guid128 guid;
	int ret;

	if (!store->listed || store->readonly ||
	    index_state(folder->index)->deleted ||
	    !dbox_folder_header(store, folder, header))
		return 0;
	memcpy(guid.b, header + store->format->header_guid, GUID_SIZE);
	guid_format(&guid, hex);
	if (guid_is_zero(&guid) || strcmp(folder->path, hex) == 0)
		return 0;
	if (name_list_lock(&store->names, err) == -1)
		return -1;
	ret = change_guid(store, folder, &guid, err);
	name_list_unlock(&store->names);
	if (ret == -1)
		return -1;
	/* Its directories are open, whatever they are called. */
	name = mem_strdup(folder->name);
	dbox_renamed(store, name, name, hex);
	free(name);
	return 0;
}

/* The one directory that may be the mailbox of a GUID. */
struct search {
	struct guid128 guid;
	bool indexed;		/* its index has the right name already */
	char found[GUID_HEX_SIZE];
	unsigned int count;
};

static int
may_be(struct dbox_store *store, const char *path, void *arg,
    struct err *err)
{
	struct search *search = arg;
	struct err ignored = ERR_INIT;
	struct contents contents;
	struct guid128 guid;

	(void)err;
	if (!guid_parse(&guid, path, strlen(path)) ||
	    name_list_has_guid(&store->names, &guid) ||
	    look_at(store, path, &contents, &ignored) == -1)
		return 0;
	if (search->indexed ? !contents.indexed :
	    guid_eq(&contents.guid, &search->guid)) {
		snprintf(search->found, sizeof(search->found), "%s", path);
		search->count++;
	}
	return 0;
}

static int
recover_locked(struct dbox_store *store, const char *path, struct err *err)
{
	struct search search = { .count = 0 };
	struct contents contents;

	if (!guid_parse(&search.guid, path, strlen(path)) ||
	    guid_is_zero(&search.guid))
		return 0;
	if (look_at(store, path, &contents, err) == -1)
		return -1;
	search.indexed = contents.indexed;
	if (each_directory(store, may_be, &search, err) == -1)
		return -1;
	return search.count == 1 ? each_root(store, move_to_new,
	    search.found, path, err) : 0;
}

/* 1, 0, -1: is there a directory of mails by this path? */
static int
has_directory(struct dbox_store *store, const char *path, struct err *err)
{
	struct naming naming;
	int r = naming_open(&naming, store, &store->root, path, path, err);

	if (r <= 0)
		return r;
	close(naming.dirfd);
	return naming.new_st.exists && !S_ISLNK(naming.new_st.mode);
}

int
dbox_listed_recover(struct dbox_store *store, const char *path,
    struct err *err)
{
	struct name_list *names = &store->names;
	bool locked = index_is_locked(names->index);
	int r;

	if (!locked && name_list_lock(names, err) == -1)
		return -1;
	/* Whoever had the lock may have been about to rename it. */
	r = has_directory(store, path, err);
	if (r == 0)
		r = recover_locked(store, path, err);
	if (!locked)
		name_list_unlock(names);
	return r == -1 ? -1 : 0;
}

/* Are there links?  Those whose name no mailbox has go. */
static bool
sweep(struct dbox_store *store, bool remove)
{
	struct path_root *root = &store->root;
	struct err ignored = ERR_INIT;
	struct guid128 guid;
	struct dirent *de;
	DIR *dir = path_read_dir(root, root->fd, store->boxes_name,
	    &ignored);
	bool found = false;

	while (dir != NULL && (de = readdir(dir)) != NULL) {
		if ((de->d_type != DT_LNK && de->d_type != DT_UNKNOWN) ||
		    !guid_parse(&guid, de->d_name, strlen(de->d_name)) ||
		    !is_link(root, dirfd(dir), de->d_name))
			continue;
		found = true;
		if (remove && !name_list_has_guid(&store->names, &guid))
			(void)each_root(store, drop_link, de->d_name,
			    de->d_name, &ignored);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

void
dbox_listed_cleanup(struct dbox_store *store)
{
	struct err ignored = ERR_INIT;

	/* Nobody who is about to list one has the lock then. */
	if (!sweep(store, false) ||
	    name_list_lock(&store->names, &ignored) == -1)
		return;
	(void)sweep(store, true);
	name_list_unlock(&store->names);
}
