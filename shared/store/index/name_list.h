/*
 * name_list.h - mailboxes by name where LAYOUT=index keeps them
 *
 * The list index is the only record of names there: a node for each level,
 * which is a mailbox if it has a GUID.  So a name can hold anything, and what
 * is a rename elsewhere is a change of the list here.
 *
 * A node is named by its position, until the list is loaded or changed again.
 */
#ifndef STORE_INDEX_NAME_LIST_H
#define STORE_INDEX_NAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "store/files/path.h"
#include "store/index/index_list.h"

#define NAME_LIST_NONE	SIZE_MAX	/* no such node */

struct name_list;
struct mailbox_status;

/*
 * Make what a new mailbox of this name needs, and list it: name_list_add.
 * The list is locked.
 */
typedef int name_list_make_fn(struct name_list *list, const char *name,
    const struct mailbox_status *status, struct err *err);

struct name_list {
	bool utf8;			/* else levels are in modified UTF-7 */
	/* ERR_CORRUPT: there is mail, so there has to be a list. */
	int (*check_missing)(void *arg, struct err *err);
	name_list_make_fn *make;
	void *arg;
	struct index_list nodes;	/* what it says */
	/* Its own: */
	struct index *index;
	uint64_t serial;
	bool known;
};

/* In the directory dirfd of root; utf8, the functions and arg are set. */
void name_list_open(struct name_list *list, struct path_root *root,
    int dirfd, const struct index_options *opts);
/* One that was never opened, but zero, too. */
void name_list_close(struct name_list *list);
/* Know the list as it is now. */
int name_list_load(struct name_list *list, struct err *err);
/* Loads it as well. */
int name_list_lock(struct name_list *list, struct err *err);
void name_list_unlock(struct name_list *list);

/* Could the list have this name?  ERR_REFUSED: no. */
int name_list_holds(const struct name_list *list, const char *name,
    struct err *err);
/* Add its levels as they are stored, with sep between them. */
int name_list_stored(const struct name_list *list, const char *name,
    char sep, struct strbuf *out, struct err *err);
/* *node_r may be NAME_LIST_NONE.  Loads it.  ERR_REFUSED: not a name. */
int name_list_find(struct name_list *list, const char *name, size_t *node_r,
    struct err *err);
/* The joined name of a node; -1: not valid. */
int name_list_name(const struct name_list *list, size_t node,
    struct strbuf *name);
bool name_list_is_mailbox(const struct name_list *list, size_t node);
bool name_list_has_children(const struct name_list *list, size_t node);
bool name_list_has_guid(const struct name_list *list,
    const struct guid128 *guid);

/*
 * A new mailbox, or a name without one.  Takes the lock.  ERR_STALE: there is
 * one already.
 */
int name_list_create(struct name_list *list, const char *name,
    bool selectable, const struct mailbox_status *status, struct err *err);

/* All below: under the lock. */
/* The name becomes a mailbox; what it needs is there already. */
int name_list_add(struct name_list *list, const char *name,
    const struct guid128 *guid, uint32_t uidvalidity, struct err *err);
/* ... a name without one, as asked for. */
int name_list_add_directory(struct name_list *list, const char *name,
    struct err *err);
/* The mailbox has another GUID. */
int name_list_set_guid(struct name_list *list, size_t node,
    const struct guid128 *guid, struct err *err);
/*
 * Names below do not move: the old one stays without a mailbox if it has any.
 * ERR_STALE: it is gone, or the other in use.
 */
int name_list_rename(struct name_list *list, const char *from,
    const char *to, struct err *err);
/* The node is no mailbox any more, and goes unless others are below it. */
int name_list_drop(struct name_list *list, size_t node, struct err *err);

#endif
