/*
 * LAYOUT=index: names are in the list index alone, and a mailbox's directory
 * is named by its GUID.  So a name can hold anything, and what is a rename
 * elsewhere is a change of the list here.
 *
 * The list is changed under its lock, each time in one step: a directory is
 * complete before it is listed, and holds no mail when it is listed no more.
 * A node that has others below it stays as a name without a mailbox; the
 * mailbox itself goes to another node.
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
#include "store/files/caret.h"
#include "store/index/index_list.h"
#include "store/maildir/maildir.h"

#define NO_MAILBOX (INDEX_NODE_NONEXISTENT | INDEX_NODE_NOSELECT)
#define REMOVE_DEPTH	2U	/* of a directory without mail */

/* A name as its levels are stored. */
struct levels {
	const char *v[NAME_DEPTH_MAX];
	size_t n;
	struct strbuf text;
};

static int
levels_split(const struct maildir_store *store, struct levels *l,
    const char *name, struct err *err)
{
	struct strbuf part;
	const char *p = name;
	size_t starts[NAME_DEPTH_MAX], len;
	bool bad = false;

	l->n = 0;
	strbuf_init(&l->text, 8 * NAME_MAX_BYTES);
	strbuf_init(&part, 8 * NAME_MAX_BYTES);
	for (;; p++) {
		len = strcspn(p, "\x1f");
		strbuf_reset(&part);
		if (store->utf8)
			strbuf_add(&part, p, len);
		else
			mutf7_encode(&part, p, len);
		starts[l->n] = l->text.len;
		caret_escape(&l->text, part.data, part.len, l->n == 0);
		bad |= part.failed ||
		    l->text.len - starts[l->n++] > PATH_NAME_MAX;
		strbuf_addc(&l->text, '\0');
		p += len;
		if (*p == '\0')
			break;
	}
	strbuf_deinit(&part);
	for (size_t i = 0; i < l->n; i++)
		l->v[i] = l->text.data + starts[i];
	return bad || l->text.failed ? err_set(err, ERR_REFUSED,
	    "the mailbox name is too long for a Maildir") : 0;
}

static void
levels_free(struct levels *l)
{
	strbuf_deinit(&l->text);
}

/* One stored level, added to name; -1: not valid. */
static int
add_level(const struct maildir_store *store, struct strbuf *name,
    const char *level)
{
	struct strbuf plain;
	int ret;

	strbuf_init(&plain, NAME_MAX_BYTES);
	ret = caret_unescape(&plain, level, strlen(level));
	if (ret == 0)
		ret = maildir_part_name(store, plain.data, plain.len, name);
	strbuf_deinit(&plain);
	return ret;
}

static int
node_name(const struct maildir_store *store, size_t node,
    struct strbuf *name)
{
	const char *levels[INDEX_LIST_DEPTH_MAX];
	size_t n = index_list_path(&store->nodes, node, levels);

	strbuf_reset(name);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			strbuf_addc(name, NAME_SEP);
		if (add_level(store, name, levels[i]) == -1)
			return -1;
	}
	return name->failed || !name_valid(name->data, name->len) ||
	    (strcasecmp(name->data, "INBOX") == 0 &&
	    !name_is_inbox(name->data)) ? -1 : 0;
}

/*
 * Without the list there are no mailboxes, which is never to pass for their
 * being deleted.
 */
static int
check_missing(struct maildir_store *store, struct err *err)
{
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

/* Know the list as it is now. */
static int
load(struct maildir_store *store, struct err *err)
{
	const struct index_state *state;
	struct index_options opts = store->index_opts;
	int ret = 0;

	if (store->list_index == NULL) {
		/* What is only here is made durable. */
		opts.no_fsync = false;
		store->list_index = index_open(&store->root,
		    store->index.fd != -1 ? store->index.fd : store->root.fd,
		    INDEX_LIST_BASE, &opts);
	}
	if (index_refresh(store->list_index, err) == -1)
		return err_prefix(err, "the list of mailboxes");
	state = index_state(store->list_index);
	if (store->nodes_known && store->nodes_serial == state->serial)
		return 0;
	index_list_deinit(&store->nodes);
	store->nodes = (struct index_list){ .names = NULL };
	if (state->exists)
		ret = index_list_read(&store->nodes, store->list_index, err);
	else
		ret = check_missing(store, err);
	store->nodes_known = ret == 0;
	store->nodes_serial = state->serial;
	return ret == 0 ? 0 : err_prefix(err, "the list of mailboxes");
}

static int
lock(struct maildir_store *store, struct err *err)
{
	if (load(store, err) == -1 ||
	    index_lock(store->list_index, err) == -1)
		return -1;
	if (load(store, err) == 0)
		return 0;
	index_unlock(store->list_index);
	return -1;
}

static void
unlock(struct maildir_store *store)
{
	index_unlock(store->list_index);
}

/* The node of the first n levels; SIZE_MAX: there is none. */
static size_t
find(const struct maildir_store *store, const struct levels *l, size_t n)
{
	const struct index_list *list = &store->nodes;
	size_t at, k;

	for (size_t i = 0; i < list->nodes.n; i++) {
		at = i;
		for (k = n; k > 0 && at != SIZE_MAX && strcmp(
		    list->nodes.v[at].name, l->v[k - 1]) == 0; k--)
			at = list->nodes.v[at].parent;
		if (k == 0 && at == SIZE_MAX)
			return i;
	}
	return SIZE_MAX;
}

static bool
is_mailbox(const struct index_node *node)
{
	return (node->flags & NO_MAILBOX) == 0 &&
	    !guid_is_zero(&node->guid);
}

static bool
has_children(const struct maildir_store *store, size_t node)
{
	for (size_t i = 0; i < store->nodes.nodes.n; i++) {
		if (store->nodes.nodes.v[i].parent == node)
			return true;
	}
	return false;
}

/* The node of a name; SIZE_MAX: none.  -1: the list can't be read. */
static int
find_name(struct maildir_store *store, const char *name, size_t *node_r,
    struct err *err)
{
	struct levels l;
	int ret;

	if (!name_valid(name, strlen(name)) ||
	    (strcasecmp(name, "INBOX") == 0 && !name_is_inbox(name)))
		return err_set(err, ERR_REFUSED,
		    "a Maildir can't hold this mailbox name");
	ret = levels_split(store, &l, name, err);
	if (ret == 0 && (ret = load(store, err)) == 0)
		*node_r = find(store, &l, l.n);
	levels_free(&l);
	return ret;
}

int
maildir_listed_holds(const struct maildir_store *store, const char *name,
    struct err *err)
{
	struct levels l;
	int ret = levels_split(store, &l, name, err);

	levels_free(&l);
	return ret;
}

/* Have nodes for all levels; those that are new are no mailboxes. */
static int
ensure(struct maildir_store *store, const char *name, size_t *node_r,
    struct err *err)
{
	static const struct guid128 none;
	struct levels l;
	uint32_t parent = 0;
	size_t at = SIZE_MAX;
	int ret = levels_split(store, &l, name, err);

	for (size_t i = 1; i <= l.n && ret == 0; i++) {
		at = find(store, &l, i);
		if (at == SIZE_MAX) {
			ret = index_list_add(store->list_index, parent,
			    l.v[i - 1], INDEX_NODE_NONEXISTENT, &none, 0,
			    &parent, err);
			/* A list that was just made is not locked yet. */
			if (ret == 0 && !index_is_locked(store->list_index))
				ret = index_lock(store->list_index, err);
			if (ret == 0 && (ret = load(store, err)) == 0)
				at = find(store, &l, i);
		}
		if (ret == 0 && at == SIZE_MAX)
			ret = err_set(err, ERR_TEMP,
			    "the list of mailboxes changes");
		if (ret == 0)
			parent = store->nodes.nodes.v[at].uid;
	}
	levels_free(&l);
	*node_r = at;
	return ret;
}

static uint32_t
parent_uid(const struct maildir_store *store, const struct index_node *node)
{
	return node->parent == SIZE_MAX ? 0 :
	    store->nodes.nodes.v[node->parent].uid;
}

/* Remove nodes that are no mailboxes and have nothing below, upward. */
static int
prune(struct maildir_store *store, size_t at, struct err *err)
{
	const struct index_node *node;
	uint32_t uid, up;

	while (at != SIZE_MAX) {
		node = &store->nodes.nodes.v[at];
		if (is_mailbox(node) || has_children(store, at))
			return 0;
		uid = node->uid;
		up = parent_uid(store, node);
		if (index_list_remove(store->list_index, uid, err) == -1 ||
		    load(store, err) == -1)
			return -1;
		at = SIZE_MAX;
		for (size_t i = 0; i < store->nodes.nodes.n; i++) {
			if (store->nodes.nodes.v[i].uid == up)
				at = i;
		}
	}
	return 0;
}

/* A mailbox that was created; INBOX too, which has to be there. */
static int
make_mailbox(struct maildir_store *store, const char *name,
    const struct mailbox_status *wanted, struct err *err)
{
	struct mailbox_status status = *wanted;
	struct maildir_place place;
	struct err ignored = ERR_INIT;
	char hex[GUID_HEX_SIZE];
	size_t at;
	int fd, ret;

	if (guid_is_zero(&status.guid))
		status.guid = guid_random();
	guid_format(&status.guid, hex);
	for (size_t i = 0; i < store->nodes.nodes.n; i++) {
		if (guid_eq(&store->nodes.nodes.v[i].guid, &status.guid))
			return err_set(err, ERR_REFUSED, "another mailbox "
			    "has the same GUID");
	}
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
	if (ret == -1 || ensure(store, name, &at, err) == -1)
		return -1;
	return index_list_change(store->list_index,
	    store->nodes.nodes.v[at].uid,
	    parent_uid(store, &store->nodes.nodes.v[at]), NULL, 0,
	    &status.guid, status.uidvalidity, err);
}

static int
create_locked(struct maildir_store *store, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	const struct index_node *node;
	size_t at;

	if (find_name(store, name, &at, err) == -1)
		return -1;
	if (at != SIZE_MAX) {
		node = &store->nodes.nodes.v[at];
		if (is_mailbox(node) || !selectable)
			return err_set(err, ERR_STALE, "the mailbox exists");
	}
	if (selectable)
		return make_mailbox(store, name, status, err);
	if (ensure(store, name, &at, err) == -1)
		return -1;
	return index_list_change(store->list_index,
	    store->nodes.nodes.v[at].uid,
	    parent_uid(store, &store->nodes.nodes.v[at]), NULL,
	    INDEX_NODE_NOSELECT, NULL, 0, err);
}

static int
listed_create(struct store *head, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	int ret;

	if (maildir_writable(store, err) == -1)
		return -1;
	if (name_is_inbox(name))
		return err_set(err, ERR_STALE, "INBOX exists");
	if (lock(store, err) == -1)
		return -1;
	ret = create_locked(store, name, selectable, status, err);
	unlock(store);
	return ret;
}

static int
create_inbox(struct maildir_store *store, struct err *err)
{
	static const struct mailbox_status any;
	struct err why = ERR_INIT;
	int ret;

	if (lock(store, err) == -1)
		return -1;
	ret = create_locked(store, "INBOX", true, &any, &why);
	unlock(store);
	if (ret == 0 || why.code == ERR_STALE)
		return 0;
	*err = why;
	return -1;
}

static int
listed_dir(struct maildir_store *store, const char *name,
    char out[static DIR_PATH_MAX + 1], struct err *err)
{
	char hex[GUID_HEX_SIZE];
	size_t at;

	if (find_name(store, name, &at, err) == -1)
		return -1;
	if (name_is_inbox(name) && !store->readonly && (at == SIZE_MAX ||
	    !is_mailbox(&store->nodes.nodes.v[at]))) {
		if (create_inbox(store, err) == -1 ||
		    find_name(store, name, &at, err) == -1)
			return -1;
	}
	if (at == SIZE_MAX || !is_mailbox(&store->nodes.nodes.v[at]))
		return err_set(err, ERR_NOTFOUND, "there is no such mailbox");
	guid_format(&store->nodes.nodes.v[at].guid, hex);
	snprintf(out, DIR_PATH_MAX + 1, "%s", hex);
	return 0;
}

static int
rename_locked(struct maildir_store *store, const char *from, const char *to,
    struct err *err)
{
	const struct index_node *nodes;
	size_t old, new;
	uint32_t old_uid;

	if (find_name(store, from, &old, err) == -1 ||
	    find_name(store, to, &new, err) == -1)
		return -1;
	nodes = store->nodes.nodes.v;
	if (old == SIZE_MAX)
		return err_set(err, ERR_STALE, "the mailbox is gone");
	if (new != SIZE_MAX && is_mailbox(&nodes[new]))
		return err_set(err, ERR_STALE, "the new name is in use");
	if (!is_mailbox(&nodes[old]) && (new != SIZE_MAX ||
	    has_children(store, old)))
		return err_set(err, ERR_STALE, "the directory is not empty");
	old_uid = nodes[old].uid;
	if (ensure(store, to, &new, err) == -1 || index_list_move(
	    store->list_index, old_uid, store->nodes.nodes.v[new].uid,
	    INDEX_NODE_NONEXISTENT, err) == -1 ||
	    find_name(store, from, &old, err) == -1)
		return -1;
	return prune(store, old, err);
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
	if (lock(store, err) == -1)
		return -1;
	ret = rename_locked(store, from, to, err);
	unlock(store);
	if (ret == 0)
		maildir_moved(store, from, to);
	return ret;
}

/* It holds no mail any more, and is listed no more after this. */
static int
unlist(struct maildir_store *store, size_t at, struct err *err)
{
	static const struct guid128 none;
	const struct index_node *node = &store->nodes.nodes.v[at];
	uint32_t uid = node->uid;

	if (index_list_change(store->list_index, uid,
	    parent_uid(store, node), NULL, INDEX_NODE_NONEXISTENT, &none, 0,
	    err) == -1 || load(store, err) == -1)
		return -1;
	for (size_t i = 0; i < store->nodes.nodes.n; i++) {
		if (store->nodes.nodes.v[i].uid == uid)
			return prune(store, i, err);
	}
	return 0;
}

static int
remove_locked(struct maildir_store *store, const char *name, struct err *err)
{
	struct maildir_place place;
	struct err why = ERR_INIT;
	char hex[GUID_HEX_SIZE];
	size_t at;
	int fd, ret = 0;

	if (find_name(store, name, &at, err) == -1)
		return -1;
	if (at == SIZE_MAX || (!is_mailbox(&store->nodes.nodes.v[at]) &&
	    has_children(store, at)))
		return err_set(err, ERR_NOTFOUND, "there is no such mailbox");
	if (!is_mailbox(&store->nodes.nodes.v[at]))
		return prune(store, at, err);
	guid_format(&store->nodes.nodes.v[at].guid, hex);
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
		ret = unlist(store, at, err);
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
	if (lock(store, err) == -1)
		return -1;
	ret = remove_locked(store, name, err);
	unlock(store);
	return ret;
}

static int
list_node(struct maildir_store *store, size_t at, const char *name,
    store_list_fn *fn, void *arg, struct err *err)
{
	const struct index_node *node = &store->nodes.nodes.v[at];
	struct store_listing listing = { .name = name };
	struct maildir_place place;
	char hex[GUID_HEX_SIZE];

	if (!is_mailbox(node)) {
		/* Those that are only there for others are not told of. */
		if (has_children(store, at) || name_is_inbox(name))
			return 0;
		return fn(&listing, arg, err);
	}
	guid_format(&node->guid, hex);
	if (maildir_place_dir(store, name, hex, &place, err) == -1)
		return -1;
	return maildir_list_one(store, name, &place, fn, arg, err);
}

static int
listed_list(struct store *head, store_list_fn *fn, void *arg,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char dir[DIR_PATH_MAX + 1];
	struct strbuf name;
	int ret = 0;

	if (!store->readonly && listed_dir(store, "INBOX", dir, err) == -1)
		return -1;
	if (load(store, err) == -1)
		return -1;
	if (store->nodes.nodes.n > STORE_MAILBOXES_MAX)
		return err_set(err, ERR_REFUSED, "more than %u mailboxes",
		    STORE_MAILBOXES_MAX);
	strbuf_init(&name, NAME_MAX_BYTES);
	for (size_t i = 0; i < store->nodes.nodes.n && ret == 0; i++) {
		if (node_name(store, i, &name) == -1)
			maildir_entry_problem(store,
			    store->nodes.nodes.v[i].name,
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
	const struct index_node *node;
	char old[GUID_HEX_SIZE], new[GUID_HEX_SIZE];
	size_t at;

	if (find_name(store, name, &at, err) == -1)
		return -1;
	if (at == SIZE_MAX || !is_mailbox(&store->nodes.nodes.v[at]))
		return err_set(err, ERR_STALE, "the mailbox was removed");
	node = &store->nodes.nodes.v[at];
	guid_format(&node->guid, old);
	guid_format(guid, new);
	if (index_list_change(store->list_index, node->uid,
	    parent_uid(store, node), NULL, node->flags, guid,
	    node->uidvalidity, err) == -1)
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
	if (lock(store, err) == -1)
		return -1;
	ret = change_guid(store, box->name, guid, err);
	unlock(store);
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
