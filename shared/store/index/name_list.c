/*
 * Each change is made in one step.  A node that has others below it stays as
 * a name without a mailbox; the mailbox itself goes to another node.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "model/mailbox_name.h"
#include "store/index/name_list.h"

#define NO_MAILBOX (INDEX_NODE_NONEXISTENT | INDEX_NODE_NOSELECT)

/* A name as its levels are stored. */
struct levels {
	const char *v[NAME_DEPTH_MAX];
	size_t n;
	struct strbuf text;
};

static int
levels_split(const struct name_list *list, struct levels *l,
    const char *name, struct err *err)
{
	const char *p = name;
	size_t starts[NAME_DEPTH_MAX], len;
	bool bad = false;

	l->n = 0;
	strbuf_init(&l->text, 8 * NAME_MAX_BYTES);
	for (;; p++) {
		len = strcspn(p, "\x1f");
		starts[l->n] = l->text.len;
		if (list->utf8)
			strbuf_add(&l->text, p, len);
		else
			mutf7_encode(&l->text, p, len);
		bad |= l->text.len - starts[l->n++] > PATH_NAME_MAX;
		strbuf_addc(&l->text, '\0');
		p += len;
		if (*p == '\0')
			break;
	}
	for (size_t i = 0; i < l->n; i++)
		l->v[i] = l->text.data + starts[i];
	return bad || l->text.failed ? err_set(err, ERR_REFUSED,
	    "the mailbox name is too long for the list") : 0;
}

static void
levels_free(struct levels *l)
{
	strbuf_deinit(&l->text);
}

void
name_list_open(struct name_list *list, struct path_root *root, int dirfd,
    const struct index_options *opts)
{
	struct index_options own = *opts;

	/* What is only here is made durable. */
	own.no_fsync = false;
	list->index = index_open(root, dirfd, INDEX_LIST_BASE, &own);
}

void
name_list_close(struct name_list *list)
{
	index_close(&list->index);
	index_list_deinit(&list->nodes);
	list->known = false;
}

int
name_list_load(struct name_list *list, struct err *err)
{
	const struct index_state *state;
	int ret = 0;

	if (index_refresh(list->index, err) == -1)
		return err_prefix(err, "the list of mailboxes");
	state = index_state(list->index);
	if (list->known && list->serial == state->serial)
		return 0;
	index_list_deinit(&list->nodes);
	list->nodes = (struct index_list){ .names = NULL };
	if (state->exists)
		ret = index_list_read(&list->nodes, list->index, err);
	else
		ret = list->check_missing(list->arg, err);
	list->known = ret == 0;
	list->serial = state->serial;
	return ret == 0 ? 0 : err_prefix(err, "the list of mailboxes");
}

int
name_list_lock(struct name_list *list, struct err *err)
{
	if (name_list_load(list, err) == -1 ||
	    index_lock(list->index, err) == -1)
		return -1;
	if (name_list_load(list, err) == 0)
		return 0;
	index_unlock(list->index);
	return -1;
}

void
name_list_unlock(struct name_list *list)
{
	index_unlock(list->index);
}

int
name_list_holds(const struct name_list *list, const char *name,
    struct err *err)
{
	struct levels l;
	int ret = levels_split(list, &l, name, err);

	levels_free(&l);
	return ret;
}

int
name_list_stored(const struct name_list *list, const char *name, char sep,
    struct strbuf *out, struct err *err)
{
	struct levels l;
	int ret = levels_split(list, &l, name, err);

	for (size_t i = 0; ret == 0 && i < l.n; i++) {
		if (i > 0)
			strbuf_addc(out, sep);
		strbuf_adds(out, l.v[i]);
	}
	levels_free(&l);
	return ret;
}

/* The node of the first n levels, which are a path with NULs. */
static size_t
find(struct name_list *list, const struct levels *l, size_t n)
{
	const char *end = l->v[n - 1] + strlen(l->v[n - 1]);

	return index_list_find(&list->nodes, l->text.data,
	    (size_t)(end - l->text.data), '\0');
}

static size_t
find_uid(const struct name_list *list, uint32_t uid)
{
	for (size_t i = 0; i < list->nodes.nodes.n; i++) {
		if (list->nodes.nodes.v[i].uid == uid)
			return i;
	}
	return NAME_LIST_NONE;
}

int
name_list_find(struct name_list *list, const char *name, size_t *node_r,
    struct err *err)
{
	struct levels l;
	int ret;

	if (!name_valid(name, strlen(name)) ||
	    (strcasecmp(name, "INBOX") == 0 && !name_is_inbox(name)))
		return err_set(err, ERR_REFUSED,
		    "the list can't hold this mailbox name");
	ret = levels_split(list, &l, name, err);
	if (ret == 0 && (ret = name_list_load(list, err)) == 0)
		*node_r = find(list, &l, l.n);
	levels_free(&l);
	return ret;
}

/* One stored level, added to name; -1: not valid. */
static int
add_level(const struct name_list *list, struct strbuf *name,
    const char *level)
{
	if (level[0] == '\0' || strchr(level, NAME_SEP) != NULL)
		return -1;
	if (!list->utf8)
		return mutf7_decode(name, level, strlen(level));
	strbuf_adds(name, level);
	return 0;
}

int
name_list_name(const struct name_list *list, size_t node,
    struct strbuf *name)
{
	const char *levels[INDEX_LIST_DEPTH_MAX];
	size_t n = index_list_path(&list->nodes, node, levels);

	strbuf_reset(name);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			strbuf_addc(name, NAME_SEP);
		if (add_level(list, name, levels[i]) == -1)
			return -1;
	}
	return name->failed || !name_valid(name->data, name->len) ||
	    (strcasecmp(name->data, "INBOX") == 0 &&
	    !name_is_inbox(name->data)) ? -1 : 0;
}

bool
name_list_is_mailbox(const struct name_list *list, size_t at)
{
	const struct index_node *node = &list->nodes.nodes.v[at];

	return (node->flags & NO_MAILBOX) == 0 &&
	    !guid_is_zero(&node->guid);
}

bool
name_list_has_children(const struct name_list *list, size_t node)
{
	for (size_t i = 0; i < list->nodes.nodes.n; i++) {
		if (list->nodes.nodes.v[i].parent == node)
			return true;
	}
	return false;
}

bool
name_list_has_guid(const struct name_list *list, const struct guid128 *guid)
{
	for (size_t i = 0; i < list->nodes.nodes.n; i++) {
		if (guid_eq(&list->nodes.nodes.v[i].guid, guid))
			return true;
	}
	return false;
}

static uint32_t
parent_uid(const struct name_list *list, size_t at)
{
	size_t parent = list->nodes.nodes.v[at].parent;

	return parent == SIZE_MAX ? 0 : list->nodes.nodes.v[parent].uid;
}

/* A node with a new identity, or none. */
static int
change(struct name_list *list, size_t at, uint8_t flags,
    const struct guid128 *guid, uint32_t uidvalidity, struct err *err)
{
	return index_list_change(list->index, list->nodes.nodes.v[at].uid,
	    parent_uid(list, at), NULL, flags, guid, uidvalidity, err);
}

/* A node without a mailbox, below parent (a uid, 0: top). */
static int
add_node(struct name_list *list, uint32_t parent, const char *level,
    struct err *err)
{
	static const struct guid128 none;
	uint32_t uid;

	if (index_list_add(list->index, parent, level,
	    INDEX_NODE_NONEXISTENT, &none, 0, &uid, err) == -1)
		return -1;
	/* A list that was just made is not locked yet. */
	if (!index_is_locked(list->index) &&
	    index_lock(list->index, err) == -1)
		return -1;
	return name_list_load(list, err);
}

/* Have nodes for all levels; those that are new are no mailboxes. */
static int
ensure(struct name_list *list, const char *name, size_t *node_r,
    struct err *err)
{
	struct levels l;
	uint32_t parent = 0;
	size_t at = NAME_LIST_NONE;
	int ret = levels_split(list, &l, name, err);

	for (size_t i = 1; i <= l.n && ret == 0; i++) {
		at = find(list, &l, i);
		if (at == NAME_LIST_NONE) {
			ret = add_node(list, parent, l.v[i - 1], err);
			if (ret == 0)
				at = find(list, &l, i);
		}
		if (ret == 0 && at == NAME_LIST_NONE)
			ret = err_set(err, ERR_TEMP,
			    "the list of mailboxes changes");
		if (ret == 0)
			parent = list->nodes.nodes.v[at].uid;
	}
	levels_free(&l);
	*node_r = at;
	return ret;
}

int
name_list_add(struct name_list *list, const char *name,
    const struct guid128 *guid, uint32_t uidvalidity, struct err *err)
{
	size_t at;

	if (ensure(list, name, &at, err) == -1)
		return -1;
	return change(list, at, 0, guid, uidvalidity, err);
}

int
name_list_add_directory(struct name_list *list, const char *name,
    struct err *err)
{
	size_t at;

	if (ensure(list, name, &at, err) == -1)
		return -1;
	return change(list, at, INDEX_NODE_NOSELECT, NULL, 0, err);
}

static int
create_locked(struct name_list *list, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	size_t at;

	if (name_list_find(list, name, &at, err) == -1)
		return -1;
	if (at != NAME_LIST_NONE && (!selectable ||
	    name_list_is_mailbox(list, at)))
		return err_set(err, ERR_STALE, "the mailbox exists");
	if (selectable)
		return list->make(list, name, status, err);
	return name_list_add_directory(list, name, err);
}

int
name_list_create(struct name_list *list, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	int ret;

	if (name_list_lock(list, err) == -1)
		return -1;
	ret = create_locked(list, name, selectable, status, err);
	name_list_unlock(list);
	return ret;
}

int
name_list_set_guid(struct name_list *list, size_t at,
    const struct guid128 *guid, struct err *err)
{
	const struct index_node *node = &list->nodes.nodes.v[at];

	return change(list, at, node->flags, guid, node->uidvalidity, err);
}

/* Remove nodes that are no mailboxes and have nothing below, upward. */
static int
prune(struct name_list *list, size_t at, struct err *err)
{
	uint32_t uid, up;

	while (at != NAME_LIST_NONE) {
		if (name_list_is_mailbox(list, at) ||
		    name_list_has_children(list, at))
			return 0;
		uid = list->nodes.nodes.v[at].uid;
		up = parent_uid(list, at);
		if (index_list_remove(list->index, uid, err) == -1 ||
		    name_list_load(list, err) == -1)
			return -1;
		at = find_uid(list, up);
	}
	return 0;
}

int
name_list_rename(struct name_list *list, const char *from, const char *to,
    struct err *err)
{
	size_t old, new;
	uint32_t old_uid;

	if (name_list_find(list, from, &old, err) == -1 ||
	    name_list_find(list, to, &new, err) == -1)
		return -1;
	if (old == NAME_LIST_NONE)
		return err_set(err, ERR_STALE, "the mailbox is gone");
	if (new != NAME_LIST_NONE && name_list_is_mailbox(list, new))
		return err_set(err, ERR_STALE, "the new name is in use");
	if (!name_list_is_mailbox(list, old) && (new != NAME_LIST_NONE ||
	    name_list_has_children(list, old)))
		return err_set(err, ERR_STALE, "the directory is not empty");
	old_uid = list->nodes.nodes.v[old].uid;
	if (ensure(list, to, &new, err) == -1 || index_list_move(list->index,
	    old_uid, list->nodes.nodes.v[new].uid, INDEX_NODE_NONEXISTENT,
	    err) == -1 || name_list_load(list, err) == -1)
		return -1;
	return prune(list, find_uid(list, old_uid), err);
}

int
name_list_drop(struct name_list *list, size_t at, struct err *err)
{
	static const struct guid128 none;
	uint32_t uid = list->nodes.nodes.v[at].uid;

	if (name_list_is_mailbox(list, at) && (change(list, at,
	    INDEX_NODE_NONEXISTENT, &none, 0, err) == -1 ||
	    name_list_load(list, err) == -1))
		return -1;
	return prune(list, find_uid(list, uid), err);
}
