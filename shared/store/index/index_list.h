/*
 * index_list.h - the list of mailboxes, dovecot.list.index
 *
 * With LAYOUT=index it is the only record of names; otherwise a cache of the
 * directories, which Dovecot makes anew when its refresh flag is set.
 */
#ifndef STORE_INDEX_INDEX_LIST_H
#define STORE_INDEX_INDEX_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/err.h"
#include "model/guid.h"
#include "store/index/index.h"

#define INDEX_LIST_BASE	"dovecot.list.index"

#define INDEX_NODE_NOINFERIORS	0x01U
#define INDEX_NODE_NONEXISTENT	0x04U
#define INDEX_NODE_CORRUPT_NAME	0x08U
#define INDEX_NODE_NOSELECT	0x10U

#define INDEX_LIST_DEPTH_MAX	256U	/* levels of a name */

struct index_node {
	uint32_t uid;		/* permanent */
	uint8_t flags;		/* INDEX_NODE_* */
	size_t parent;		/* position in nodes; SIZE_MAX: top level */
	const char *name;	/* one level, in storage form; of names */
	struct guid128 guid;	/* of the mailbox; zero: unknown */
	uint32_t uidvalidity;	/* 0: unknown */
};

struct index_list {
	ARRAY(struct index_node) nodes;	/* by rising uid */
	char *names;			/* their memory */
	bool refresh;			/* the list is to be made anew */
	struct index_list_table *table;	/* to find nodes; NULL: not made */
	unsigned int looks;		/* without it */
};

/*
 * The nodes of a refreshed index.  ERR_CORRUPT: names or parents are missing,
 * parents form a circle, names are too deep.  Deinit in any case.
 */
int index_list_read(struct index_list *list, const struct index *index,
    struct err *err);
void index_list_deinit(struct index_list *list);
/* The levels of a node from the top, at most INDEX_LIST_DEPTH_MAX. */
size_t index_list_path(const struct index_list *list, size_t node,
    const char *levels[static INDEX_LIST_DEPTH_MAX]);
/*
 * The first node of these len bytes of a path; SIZE_MAX: there is none.  Nodes
 * may be added between calls, names and parents don't change.
 */
size_t index_list_find(struct index_list *list, const char *path, size_t len,
    char separator);

/* For LAYOUT=index: add, change or remove nodes.  All under the lock. */
/* Adds a node for the level below parent (a uid, 0: top) and gives its uid. */
int index_list_add(struct index *index, uint32_t parent, const char *name,
    uint8_t flags, const struct guid128 *guid, uint32_t uidvalidity,
    uint32_t *uid_r, struct err *err);
/* Other parent, name, flags or identity; NULL: keep, a zero GUID: none. */
int index_list_change(struct index *index, uint32_t uid, uint32_t parent,
    const char *name, uint8_t flags, const struct guid128 *guid,
    uint32_t uidvalidity, struct err *err);
int index_list_remove(struct index *index, uint32_t uid, struct err *err);
/*
 * In one step: flags and identity of a node go to another one, which has none;
 * it stays itself with these flags and without an identity.
 */
int index_list_move(struct index *index, uint32_t from, uint32_t to,
    uint8_t left_flags, struct err *err);

#endif
