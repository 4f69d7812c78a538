/*
 * One transaction tells of one change: a session that is told of a node that
 * went and one of the same GUID that came, both at once, calls it a rename.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/flags.h"
#include "store/files/path.h"
#include "store/index/index_int.h"
#include "store/index/index_list_int.h"
#include "store/index/index_tell.h"

#define MSGS_RECORD	16U	/* messages, unseen, recent, UIDNEXT */
#define MODSEQ_RECORD	8U
#define IDENTITY_AT	8U	/* GUID and UIDVALIDITY in a list record */

static const struct index_ext_want msgs_ext = {
	.name = "msgs", .record_size = MSGS_RECORD, .record_align = 4,
};
static const struct index_ext_want modseq_ext = {
	.name = "hmodseq", .record_size = MODSEQ_RECORD, .record_align = 8,
};
static const struct index_ext_want subs_ext = {
	.name = "subs", .header_size = 4, .record_align = 4,
};

/* A node that a transaction adds. */
struct new_node {
	uint32_t uid, parent, name;
	uint8_t flags;
	const struct index_told *box;	/* NULL: a level above one */
};

/* A change of the tree; names come first in its transaction. */
struct edit {
	struct index_tell *tell;
	struct list_names_edit names;
	ARRAY(struct new_node) added;
	uint32_t next_uid;
};

void
index_tell_forget(struct index_tell *tell)
{
	for (size_t i = 0; i < tell->texts.n; i++)
		free(tell->texts.v[i]);
	ARRAY_FREE(&tell->texts);
	index_list_deinit(&tell->nodes);
	tell->nodes = (struct index_list){ .names = NULL };
	tell->known = false;
}

/* Know the list as it is now; false: there is none that could be used. */
static bool
load(struct index_tell *tell)
{
	struct err ignored = ERR_INIT;
	const struct index_state *state;

	if (tell->list == NULL || index_refresh(tell->list, &ignored) == -1)
		return false;
	state = index_state(tell->list);
	if (tell->known && tell->serial == state->serial)
		return true;
	index_tell_forget(tell);
	if (state->log_seq == 0 ||
	    index_list_read(&tell->nodes, tell->list, &ignored) == -1)
		return false;
	tell->serial = state->serial;
	tell->known = true;
	return true;
}

static bool
lock(struct index_tell *tell)
{
	struct err ignored = ERR_INIT;

	if (!load(tell) || (!index_is_locked(tell->list) &&
	    index_lock(tell->list, &ignored) == -1))
		return false;
	if (index_is_locked(tell->list) && load(tell))
		return true;
	index_unlock(tell->list);
	return false;
}

static size_t
find(struct index_tell *tell, const char *path, size_t len)
{
	return index_list_find(&tell->nodes, path, len, tell->separator);
}

static size_t
find_box(struct index_tell *tell, const struct index_told *box)
{
	if (box->path != NULL)
		return find(tell, box->path, strlen(box->path));
	for (size_t i = 0; i < tell->nodes.nodes.n; i++) {
		if (!guid_is_zero(&box->guid) &&
		    guid_eq(&tell->nodes.nodes.v[i].guid, &box->guid))
			return i;
	}
	return SIZE_MAX;
}

/* How a level is marked that holds no mail. */
static uint8_t
empty_flags(const struct index_tell *tell)
{
	return tell->directories ? INDEX_NODE_NOSELECT :
	    INDEX_NODE_NONEXISTENT;
}

static int
edit_begin(struct edit *edit, struct index_tell *tell)
{
	struct err ignored = ERR_INIT;

	*edit = (struct edit){ .tell = tell,
	    .next_uid = index_state(tell->list)->next_uid };
	return index_list_names_begin(&edit->names, tell->list, &ignored);
}

/* A node below parent, among the nodes at once; the name has a legal length. */
static size_t
add_node(struct edit *edit, size_t parent, const char *name, size_t len)
{
	struct index_tell *tell = edit->tell;
	struct index_list *list = &tell->nodes;
	char *text = mem_strndup(name, len);
	struct index_node *node = ARRAY_ADD(&list->nodes);

	*node = (struct index_node){ .uid = edit->next_uid++,
	    .flags = empty_flags(tell), .parent = parent, .name = text };
	*ARRAY_ADD(&tell->texts) = text;
	*ARRAY_ADD(&edit->added) = (struct new_node){ .uid = node->uid,
	    .parent = parent == SIZE_MAX ? 0 : list->nodes.v[parent].uid,
	    .name = index_list_names_add(&edit->names, text),
	    .flags = node->flags };
	return list->nodes.n - 1;
}

/* Have nodes for all levels; SIZE_MAX: there can't be one. */
static size_t
ensure(struct edit *edit, const char *path)
{
	struct index_tell *tell = edit->tell;
	size_t at = SIZE_MAX, found, start, end = 0, depth = 0;

	for (;; end++) {
		start = end;
		while (path[end] != '\0' && path[end] != tell->separator)
			end++;
		if (end == start || end - start > PATH_NAME_MAX ||
		    ++depth > INDEX_LIST_DEPTH_MAX)
			return SIZE_MAX;
		found = find(tell, path, end);
		at = found != SIZE_MAX ? found :
		    add_node(edit, at, path + start, end - start);
		if (path[end] == '\0')
			return at;
	}
}

/* The one that was just added, or NULL.  UIDs are given in a row. */
static struct new_node *
new_node(struct edit *edit, uint32_t uid)
{
	return edit->added.n == 0 || uid < edit->added.v[0].uid ? NULL :
	    &edit->added.v[uid - edit->added.v[0].uid];
}

static void
put_new(const struct edit *edit, struct index_txn *txn)
{
	uint8_t rec[INDEX_LIST_RECORD];

	for (size_t i = 0; i < edit->added.n; i++) {
		const struct new_node *node = &edit->added.v[i];

		memset(rec, 0, sizeof(rec));
		put32(rec, node->name);
		put32(rec + 4, node->parent);
		if (node->box != NULL) {
			memcpy(rec + IDENTITY_AT, node->box->guid.b,
			    GUID_SIZE);
			put32(rec + 24, node->box->uidvalidity);
		}
		index_txn_append(txn, node->uid, node->flags);
		index_txn_ext_record(txn, &index_list_ext, node->uid, rec);
	}
}

/* A record of this size, or NULL. */
static const uint8_t *
record(const struct index *list, const struct index_ext_want *want,
    uint32_t uid)
{
	size_t n, pos;

	if (!index_ext_find(list, want->name, &n) ||
	    index_ext(list, n).record_size != want->record_size ||
	    !index_find(list, uid, &pos))
		return NULL;
	return index_ext_record(list, n, pos);
}

/* What an earlier mailbox of this name held. */
static void
clear_status(const struct index *list, struct index_txn *txn, uint32_t uid)
{
	static const uint8_t zero[MSGS_RECORD];

	if (record(list, &msgs_ext, uid) != NULL)
		index_txn_ext_record(txn, &msgs_ext, uid, zero);
	if (record(list, &modseq_ext, uid) != NULL)
		index_txn_ext_record(txn, &modseq_ext, uid, zero);
}

/* An old node gets the identity of a mailbox; NULL: none. */
static bool
put_identity(const struct index_tell *tell, struct index_txn *txn,
    uint32_t uid, const struct index_told *box)
{
	const uint8_t *old = record(tell->list, &index_list_ext, uid);
	uint8_t rec[INDEX_LIST_RECORD];

	if (old == NULL)
		return false;
	memcpy(rec, old, sizeof(rec));
	memset(rec + IDENTITY_AT, 0, sizeof(rec) - IDENTITY_AT);
	if (box != NULL) {
		memcpy(rec + IDENTITY_AT, box->guid.b, GUID_SIZE);
		put32(rec + 24, box->uidvalidity);
	}
	if (memcmp(rec, old, sizeof(rec)) == 0)
		return false;
	index_txn_ext_record(txn, &index_list_ext, uid, rec);
	return true;
}

/* It is another mailbox, or none, from now on. */
static void
put_old(const struct index_tell *tell, struct index_txn *txn,
    const struct index_node *node, uint8_t flags, const struct index_told *box)
{
	if (node->flags != flags)
		index_txn_flags(txn, node->uid, node->uid, flags, 0xff);
	if (put_identity(tell, txn, node->uid, box))
		clear_status(tell->list, txn, node->uid);
}

/* The node at is this mailbox from now on: told by what is put. */
static void
put_box(struct edit *edit, struct index_txn *txn, size_t at,
    const struct index_told *box)
{
	struct index_node *node = &edit->tell->nodes.nodes.v[at];
	struct new_node *added = new_node(edit, node->uid);
	uint8_t flags = box->selectable ? 0 : INDEX_NODE_NOSELECT;

	if (added == NULL) {
		put_old(edit->tell, txn, node, flags, box);
	} else {
		added->flags = flags;
		added->box = box;
	}
	node->flags = flags;
	node->guid = box->guid;
	node->uidvalidity = box->uidvalidity;
}

static bool
has_children(const struct index_tell *tell, size_t at, size_t gone)
{
	for (size_t i = 0; i < tell->nodes.nodes.n; i++) {
		if (tell->nodes.nodes.v[i].parent == at && i != gone)
			return true;
	}
	return false;
}

/* The mailbox at has gone, and levels that were there for it alone. */
static void
put_removed(const struct index_tell *tell, struct index_txn *txn, size_t at)
{
	const struct index_node *node = &tell->nodes.nodes.v[at];
	size_t gone = SIZE_MAX;

	if (has_children(tell, at, gone)) {
		put_old(tell, txn, node, empty_flags(tell), NULL);
		return;
	}
	for (;;) {
		index_txn_expunge(txn, node->uid, NULL);
		gone = at;
		at = node->parent;
		if (at == SIZE_MAX || has_children(tell, at, gone))
			return;
		node = &tell->nodes.nodes.v[at];
		if (!(node->flags & INDEX_NODE_NONEXISTENT))
			return;
	}
}

/* The rest of the transaction, which is done if all is well. */
static void
edit_end(struct edit *edit, struct index_txn *txn, bool well)
{
	static const uint8_t set = 1;
	struct index_tell *tell = edit->tell;
	struct err ignored = ERR_INIT;

	index_txn_ext_header(txn, &index_list_ext, 0, &set, 1);
	if (!well)
		index_txn_abort(&txn);
	else
		well = index_txn_commit(&txn, NULL, &ignored) == 0;
	if (well)
		tell->serial = index_state(tell->list)->serial;
	else
		index_tell_forget(tell);
	index_unlock(tell->list);
	ARRAY_FREE(&edit->added);
}

void
index_tell_begin(struct index_tell *tell)
{
	(void)lock(tell);
}

void
index_tell_end(struct index_tell *tell)
{
	if (tell->list != NULL && index_is_locked(tell->list))
		index_unlock(tell->list);
}

void
index_tell_created(struct index_tell *tell, const struct index_told *boxes,
    size_t n)
{
	size_t *at = mem_calloc(n > 0 ? n : 1, sizeof(*at));
	struct index_txn *txn;
	struct edit edit;
	bool well;

	if (!lock(tell)) {
		free(at);
		return;
	}
	well = edit_begin(&edit, tell) == 0;
	for (size_t i = 0; well && i < n; i++)
		at[i] = ensure(&edit, boxes[i].path);
	txn = index_txn_begin(tell->list);
	index_list_names_put(&edit.names, txn);
	for (size_t i = 0; well && i < n; i++) {
		if (at[i] != SIZE_MAX)
			put_box(&edit, txn, at[i], &boxes[i]);
	}
	put_new(&edit, txn);
	edit_end(&edit, txn, well);
	free(at);
}

void
index_tell_removed(struct index_tell *tell, const char *path)
{
	struct index_txn *txn;
	struct edit edit;
	bool well;
	size_t at;

	if (!lock(tell))
		return;
	well = edit_begin(&edit, tell) == 0;
	txn = index_txn_begin(tell->list);
	index_list_names_put(&edit.names, txn);
	at = find(tell, path, strlen(path));
	if (at != SIZE_MAX)
		put_removed(tell, txn, at);
	edit_end(&edit, txn, well);
	index_tell_forget(tell);
}

void
index_tell_renamed(struct index_tell *tell, const char *from,
    const struct index_told *to)
{
	struct index_txn *txn;
	struct edit edit;
	bool well;
	size_t old, new = SIZE_MAX;

	if (!lock(tell))
		return;
	well = edit_begin(&edit, tell) == 0;
	if (well)
		new = ensure(&edit, to->path);
	txn = index_txn_begin(tell->list);
	index_list_names_put(&edit.names, txn);
	if (new != SIZE_MAX)
		put_box(&edit, txn, new, to);
	put_new(&edit, txn);
	old = find(tell, from, strlen(from));
	if (old != SIZE_MAX && old != new)
		put_removed(tell, txn, old);
	edit_end(&edit, txn, well);
	index_tell_forget(tell);
}

void
index_tell_subscribed(struct index_tell *tell)
{
	uint32_t now = (uint32_t)(clock_now_ms() / 1000), count = 0;
	struct err ignored = ERR_INIT;
	struct index_txn *txn;
	uint8_t header[4];
	size_t n;

	if (!lock(tell))
		return;
	if (index_ext_find(tell->list, subs_ext.name, &n) &&
	    index_ext(tell->list, n).header_size == sizeof(header))
		count = get32(index_ext(tell->list, n).header) + 1;
	put32(header, count < now ? now : count);
	txn = index_txn_begin(tell->list);
	index_txn_ext_header(txn, &subs_ext, 0, header, sizeof(header));
	(void)index_txn_commit(&txn, NULL, &ignored);
	index_unlock(tell->list);
}

static void
count(const struct index *index, uint8_t msgs[static MSGS_RECORD],
    uint8_t modseq[static MODSEQ_RECORD])
{
	const struct index_state *state = index_state(index);
	size_t unseen = 0;

	for (size_t i = 0; i < state->count; i++)
		unseen += (index_mail(index, i).flags & FLAG_SEEN) == 0;
	put32(msgs, (uint32_t)state->count);
	put32(msgs + 4, (uint32_t)unseen);
	put32(msgs + 8, (uint32_t)(state->count -
	    index_seek(index, state->first_recent)));
	put32(msgs + 12, state->next_uid);
	put64(modseq, state->highestmodseq);
}

/* What the records of a node say otherwise than the mailbox's index. */
static bool
put_status(const struct index_tell *tell, struct index_txn *txn,
    const struct index_node *node, const struct index_told *box,
    const struct index *index)
{
	const uint8_t *old_msgs = record(tell->list, &msgs_ext, node->uid);
	const uint8_t *old_modseq = record(tell->list, &modseq_ext, node->uid);
	uint8_t msgs[MSGS_RECORD], modseq[MODSEQ_RECORD];
	bool other_msgs, other_modseq;
	size_t n;

	count(index, msgs, modseq);
	other_msgs = old_msgs == NULL ||
	    memcmp(old_msgs, msgs, sizeof(msgs)) != 0;
	other_modseq = old_modseq == NULL ||
	    memcmp(old_modseq, modseq, sizeof(modseq)) != 0;
	/* Dovecot follows INBOX by its own log, unless it was told otherwise. */
	if (box->path != NULL && strcmp(box->path, "INBOX") == 0 &&
	    (old_msgs == NULL || get32(old_msgs + 12) == 0))
		return false;
	/* Of a size that is not known: another version's. */
	if ((old_msgs == NULL && index_ext_find(tell->list, msgs_ext.name,
	    &n)) || (old_modseq == NULL && index_ext_find(tell->list,
	    modseq_ext.name, &n)))
		return false;
	if (txn != NULL && other_msgs)
		index_txn_ext_record(txn, &msgs_ext, node->uid, msgs);
	if (txn != NULL && other_modseq)
		index_txn_ext_record(txn, &modseq_ext, node->uid, modseq);
	return other_msgs || other_modseq;
}

/* A mailbox whose GUID or UIDVALIDITY was changed, of a list that is a copy. */
static bool
has_identity(const struct index_node *node, const struct index_told *box)
{
	return box->path == NULL || guid_is_zero(&box->guid) ||
	    box->uidvalidity == 0 || (guid_eq(&node->guid, &box->guid) &&
	    node->uidvalidity == box->uidvalidity);
}

/* txn NULL: only whether there is anything to tell. */
static bool
put_changes(struct index_tell *tell, struct index_txn *txn,
    const struct index_told *box, const struct index *index)
{
	const struct index_node *node;
	size_t at = find_box(tell, box);
	bool same;

	if (at == SIZE_MAX)
		return false;
	node = &tell->nodes.nodes.v[at];
	same = has_identity(node, box);
	if (txn != NULL && !same)
		(void)put_identity(tell, txn, node->uid, box);
	return put_status(tell, txn, node, box, index) || !same;
}

static bool
refresh(struct index *index)
{
	struct err ignored = ERR_INIT;

	return index_refresh(index, &ignored) == 0 &&
	    index_state(index)->log_seq != 0 &&
	    !index_state(index)->deleted;
}

void
index_tell_status(struct index_tell *tell, const struct index_told *box,
    struct index *index)
{
	struct err ignored = ERR_INIT;
	struct index_txn *txn;

	if (!load(tell) || !refresh(index) ||
	    !put_changes(tell, NULL, box, index) || !lock(tell))
		return;
	/*
	 * Again with the list locked, as Dovecot does: nobody can have written
	 * what is newer, and be written over.
	 */
	if (refresh(index)) {
		txn = index_txn_begin(tell->list);
		(void)put_changes(tell, txn, box, index);
		/* Names and parents stay as they are known. */
		if (index_txn_commit(&txn, NULL, &ignored) == 0)
			tell->serial = index_state(tell->list)->serial;
	}
	index_unlock(tell->list);
}
