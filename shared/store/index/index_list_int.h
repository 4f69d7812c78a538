/*
 * index_list_int.h - what the writers of the list index share
 */
#ifndef STORE_INDEX_INDEX_LIST_INT_H
#define STORE_INDEX_INDEX_LIST_INT_H

#include "base/strbuf.h"
#include "store/index/index_list.h"

#define INDEX_LIST_EXT		"list"
#define INDEX_LIST_RECORD	28U	/* name, parent, GUID, UIDVALIDITY */

extern const struct index_ext_want index_list_ext;

/* What index_list_find keeps. */
void index_list_forget_table(struct index_list *list);

/* Names that one transaction adds to the header. */
struct list_names_edit {
	struct strbuf added;
	size_t end;		/* of those that are there */
	uint32_t last;		/* highest number given */
};

/* Put it in any case. */
int index_list_names_begin(struct list_names_edit *edit,
    const struct index *index, struct err *err);
/* Its number. */
uint32_t index_list_names_add(struct list_names_edit *edit, const char *name);
/* Before anything else of this transaction; frees the edit. */
void index_list_names_put(struct list_names_edit *edit, struct index_txn *txn);

#endif
