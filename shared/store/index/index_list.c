/*
 * The header of the extension "list" holds a flag and the names: number, name
 * and NUL after each other, unaligned, by rising number, and a zero at the end.
 * A node's record names its name, its parent, and the mailbox.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/index/index_int.h"
#include "store/index/index_list.h"
#include "store/index/index_list_int.h"

#define EXT_LIST	INDEX_LIST_EXT
#define LIST_RECORD	INDEX_LIST_RECORD

struct list_name {
	uint32_t id;
	size_t at;		/* in the header */
};
ARRAY_TYPE(list_names, struct list_name);

static int
bad_list(struct err *err, const char *what)
{
	return err_set(err, ERR_CORRUPT, "the list index has %s", what);
}

/*
 * The names of a header; *end_r is where the final zero is or would be.
 */
static int
parse_names(const uint8_t *header, size_t len, struct list_names *names,
    size_t *end_r, struct err *err)
{
	size_t at = 1;
	uint32_t last = 0;

	while (at + 4 <= len) {
		uint32_t id = get32(header + at);
		const uint8_t *end;

		if (id == 0)
			break;
		if (id <= last || (end = memchr(header + at + 4, '\0',
		    len - at - 4)) == NULL || end == header + at + 4)
			return bad_list(err, "wrong names");
		*ARRAY_ADD(names) = (struct list_name){ id, at + 4 };
		last = id;
		at = (size_t)(end - header) + 1;
	}
	*end_r = at;
	return 0;
}

static int
compare_names(const void *key, const void *item)
{
	uint32_t id = *(const uint32_t *)key;
	const struct list_name *name = item;

	return id < name->id ? -1 : id > name->id;
}

static int
add_node(struct index_list *list, const struct index *index, size_t pos,
    size_t ext, const struct list_names *names, struct err *err)
{
	const uint8_t *rec = index_ext_record(index, ext, pos);
	struct index_mail mail = index_mail(index, pos);
	uint32_t id = get32(rec);
	const struct list_name *name = names->n == 0 ? NULL : bsearch(&id,
	    names->v, names->n, sizeof(*names->v), compare_names);
	struct index_node *node;

	if (name == NULL)
		return bad_list(err, "a mailbox without a name");
	node = ARRAY_ADD(&list->nodes);
	*node = (struct index_node){
		.uid = mail.uid, .flags = mail.flags, .parent = SIZE_MAX,
		.name = list->names + name->at,
		.uidvalidity = get32(rec + 24),
	};
	memcpy(node->guid.b, rec + 8, GUID_SIZE);
	return 0;
}

/* Parents by position; each way up has an end. */
static int
link_nodes(struct index_list *list, const struct index *index, size_t ext,
    struct err *err)
{
	for (size_t i = 0; i < list->nodes.n; i++) {
		uint32_t uid = get32(index_ext_record(index, ext, i) + 4);

		if (uid != 0 && !index_find(index, uid,
		    &list->nodes.v[i].parent))
			return bad_list(err, "a mailbox without its parent");
	}
	for (size_t i = 0; i < list->nodes.n; i++) {
		size_t depth = 0, at = i;

		for (; at != SIZE_MAX; at = list->nodes.v[at].parent) {
			if (++depth > INDEX_LIST_DEPTH_MAX)
				return bad_list(err, "names without end");
		}
	}
	return 0;
}

int
index_list_read(struct index_list *list, const struct index *index,
    struct err *err)
{
	struct list_names names = { 0 };
	struct index_ext ext;
	size_t n, end;
	int ret;

	*list = (struct index_list){ .names = NULL };
	if (!index_ext_find(index, EXT_LIST, &n))
		return index_state(index)->count == 0 ? 0 :
		    bad_list(err, "no names");
	ext = index_ext(index, n);
	if (ext.header_size == 0 || ext.record_size < LIST_RECORD)
		return bad_list(err, "no names");
	list->refresh = ext.header[0] != 0;
	list->names = mem_dup(ext.header, ext.header_size);
	ret = parse_names(ext.header, ext.header_size, &names, &end, err);
	for (size_t i = 0; ret == 0 && i < index_state(index)->count; i++)
		ret = add_node(list, index, i, n, &names, err);
	if (ret == 0)
		ret = link_nodes(list, index, n, err);
	ARRAY_FREE(&names);
	return ret;
}

void
index_list_deinit(struct index_list *list)
{
	index_list_forget_table(list);
	ARRAY_FREE(&list->nodes);
	free(list->names);
	list->names = NULL;
}

size_t
index_list_path(const struct index_list *list, size_t node,
    const char *levels[static INDEX_LIST_DEPTH_MAX])
{
	size_t depth = 0, at;

	for (at = node; at != SIZE_MAX; at = list->nodes.v[at].parent)
		depth++;
	for (size_t i = depth; i > 0; i--) {
		levels[i - 1] = list->nodes.v[node].name;
		node = list->nodes.v[node].parent;
	}
	return depth;
}

const struct index_ext_want index_list_ext = {
	.name = EXT_LIST, .header_size = 1, .record_size = LIST_RECORD,
	.record_align = 4,
};

int
index_list_names_begin(struct list_names_edit *edit, const struct index *index,
    struct err *err)
{
	struct list_names names = { 0 };
	struct index_ext ext = { .header_size = 0 };
	size_t n;
	int ret = 0;

	*edit = (struct list_names_edit){ .end = 1 };
	strbuf_init(&edit->added, INDEX_HEADERS_MAX);
	if (index_ext_find(index, EXT_LIST, &n))
		ext = index_ext(index, n);
	if (ext.header_size > 0)
		ret = parse_names(ext.header, ext.header_size, &names,
		    &edit->end, err);
	if (ret == 0 && names.n > 0)
		edit->last = names.v[names.n - 1].id;
	ARRAY_FREE(&names);
	return ret;
}

uint32_t
index_list_names_add(struct list_names_edit *edit, const char *name)
{
	uint8_t id[4];

	put32(id, ++edit->last);
	strbuf_add(&edit->added, id, sizeof(id));
	strbuf_add(&edit->added, name, strlen(name) + 1);
	return edit->last;
}

void
index_list_names_put(struct list_names_edit *edit, struct index_txn *txn)
{
	static const uint8_t zero[4];
	struct index_ext_want want = index_list_ext;

	if (edit->added.len > 0) {
		strbuf_add(&edit->added, zero, sizeof(zero));
		want.header_size = (uint32_t)(edit->end + edit->added.len);
		index_txn_ext_header(txn, &want, (uint32_t)edit->end,
		    edit->added.data, (uint32_t)edit->added.len);
	}
	strbuf_deinit(&edit->added);
}

/* The number of this name in the header; 0: it is new. */
static int
find_name(const struct index *index, const char *name, uint32_t *id_r,
    struct err *err)
{
	struct list_names names = { 0 };
	struct index_ext ext = { .header_size = 0 };
	size_t n, end;
	int ret = 0;

	*id_r = 0;
	if (index_ext_find(index, EXT_LIST, &n))
		ext = index_ext(index, n);
	if (ext.header_size > 0)
		ret = parse_names(ext.header, ext.header_size, &names, &end,
		    err);
	for (size_t i = 0; ret == 0 && *id_r == 0 && i < names.n; i++) {
		if (strcmp((const char *)ext.header + names.v[i].at,
		    name) == 0)
			*id_r = names.v[i].id;
	}
	ARRAY_FREE(&names);
	return ret;
}

/* The number of this name, which is added to the header if it is new. */
static int
name_id(struct index *index, struct index_txn *txn, const char *name,
    uint32_t *id_r, struct err *err)
{
	struct list_names_edit edit;
	int ret;

	if (find_name(index, name, id_r, err) == -1)
		return -1;
	if (*id_r != 0)
		return 0;
	ret = index_list_names_begin(&edit, index, err);
	if (ret == 0)
		*id_r = index_list_names_add(&edit, name);
	index_list_names_put(&edit, txn);
	return ret;
}

static int
begin(struct index *index, const char *name, struct index_txn **txn_r,
    struct err *err)
{
	if (!index_is_locked(index) && index_state(index)->exists)
		return err_set(err, ERR_REFUSED, "the list is not locked");
	if (name != NULL && (name[0] == '\0' ||
	    strlen(name) > PATH_NAME_MAX))
		return err_set(err, ERR_REFUSED, "not a mailbox name: %s",
		    name);
	*txn_r = index_txn_begin(index);
	return 0;
}

int
index_list_add(struct index *index, uint32_t parent, const char *name,
    uint8_t flags, const struct guid128 *guid, uint32_t uidvalidity,
    uint32_t *uid_r, struct err *err)
{
	uint8_t rec[LIST_RECORD] = { 0 };
	struct index_txn *txn;
	uint32_t id, uid = index_state(index)->next_uid;

	if (begin(index, name, &txn, err) == -1)
		return -1;
	/* The list of a new index needs a UIDVALIDITY as any other. */
	if (index_state(index)->uidvalidity == 0)
		index_txn_uidvalidity(txn, uidvalidity > 0 ? uidvalidity : 1);
	if (name_id(index, txn, name, &id, err) == -1) {
		index_txn_abort(&txn);
		return -1;
	}
	put32(rec, id);
	put32(rec + 4, parent);
	memcpy(rec + 8, guid->b, GUID_SIZE);
	put32(rec + 24, uidvalidity);
	index_txn_append(txn, uid, flags);
	index_txn_ext_record(txn, &index_list_ext, uid, rec);
	if (index_txn_commit(&txn, NULL, err) == -1)
		return -1;
	*uid_r = uid;
	return 0;
}

int
index_list_change(struct index *index, uint32_t uid, uint32_t parent,
    const char *name, uint8_t flags, const struct guid128 *guid,
    uint32_t uidvalidity, struct err *err)
{
	uint8_t rec[LIST_RECORD];
	struct index_txn *txn;
	size_t n, pos;
	uint32_t id;

	if (!index_ext_find(index, EXT_LIST, &n) ||
	    !index_find(index, uid, &pos) ||
	    index_ext(index, n).record_size < LIST_RECORD)
		return err_set(err, ERR_STALE, "the list has no such mailbox");
	memcpy(rec, index_ext_record(index, n, pos), sizeof(rec));
	if (begin(index, name, &txn, err) == -1)
		return -1;
	if (name != NULL) {
		if (name_id(index, txn, name, &id, err) == -1) {
			index_txn_abort(&txn);
			return -1;
		}
		put32(rec, id);
	}
	put32(rec + 4, parent);
	if (guid != NULL) {
		memcpy(rec + 8, guid->b, GUID_SIZE);
		put32(rec + 24, uidvalidity);
	}
	if (index_mail(index, pos).flags != flags)
		index_txn_flags(txn, uid, uid, flags, 0xff);
	index_txn_ext_record(txn, &index_list_ext, uid, rec);
	return index_txn_commit(&txn, NULL, err);
}

int
index_list_move(struct index *index, uint32_t from, uint32_t to,
    uint8_t left_flags, struct err *err)
{
	uint8_t old[LIST_RECORD], rec[LIST_RECORD];
	size_t identity = LIST_RECORD - 8, n, from_pos, to_pos;
	struct index_txn *txn;
	uint8_t flags;

	if (!index_ext_find(index, EXT_LIST, &n) ||
	    !index_find(index, from, &from_pos) ||
	    !index_find(index, to, &to_pos) ||
	    index_ext(index, n).record_size < LIST_RECORD)
		return err_set(err, ERR_STALE, "the list has no such mailbox");
	memcpy(old, index_ext_record(index, n, from_pos), sizeof(old));
	memcpy(rec, index_ext_record(index, n, to_pos), sizeof(rec));
	flags = index_mail(index, from_pos).flags;
	if (begin(index, NULL, &txn, err) == -1)
		return -1;
	memcpy(rec + 8, old + 8, identity);
	memset(old + 8, 0, identity);
	index_txn_flags(txn, to, to, flags, 0xff);
	index_txn_flags(txn, from, from, left_flags, 0xff);
	index_txn_ext_record(txn, &index_list_ext, to, rec);
	index_txn_ext_record(txn, &index_list_ext, from, old);
	return index_txn_commit(&txn, NULL, err);
}

int
index_list_remove(struct index *index, uint32_t uid, struct err *err)
{
	struct index_txn *txn;

	if (begin(index, NULL, &txn, err) == -1)
		return -1;
	index_txn_expunge(txn, uid, NULL);
	return index_txn_commit(&txn, NULL, err);
}
