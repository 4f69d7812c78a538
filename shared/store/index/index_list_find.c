/*
 * A table of all nodes by the hash of their paths.  Two nodes of a damaged list
 * may have one path: the first one counts, so all of a hash stand in the order
 * of the list.
 *
 * Making the table takes as long as some looks through the list.  Who changes
 * the list reads it again after each change and looks only a few times in
 * between; so the first looks go without one.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/index/index_list_int.h"

#define LOOKS_FIRST	16U	/* through the list, before there is a table */
#define SLOTS_FIRST	64U	/* a power of two */
#define FNV_START	0xcbf29ce484222325ULL
#define FNV_PRIME	0x100000001b3ULL

struct slot {
	uint64_t hash;
	size_t node;		/* its position + 1; 0: free */
};

struct index_list_table {
	struct slot *slots;	/* half of them are free at least */
	size_t cap, known;	/* the first nodes are in it */
};

static uint64_t
hash_byte(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * FNV_PRIME;
}

/* Levels are separated by a NUL, whatever separates them in a path. */
static uint64_t
hash_node(const struct index_list *list, size_t at)
{
	const char *levels[INDEX_LIST_DEPTH_MAX];
	size_t n = index_list_path(list, at, levels);
	uint64_t hash = FNV_START;

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			hash = hash_byte(hash, '\0');
		for (const char *p = levels[i]; *p != '\0'; p++)
			hash = hash_byte(hash, *p);
	}
	return hash;
}

static uint64_t
hash_path(const char *path, size_t len, char separator)
{
	uint64_t hash = FNV_START;

	for (size_t i = 0; i < len; i++)
		hash = hash_byte(hash, path[i] == separator ? '\0' : path[i]);
	return hash;
}

/* Is the node that of these len bytes of a path? */
static bool
node_is(const struct index_list *list, size_t at, const char *path,
    size_t len, char separator)
{
	const struct index_node *node;
	size_t start;

	for (;; len = start - 1) {
		for (start = len; start > 0 &&
		    path[start - 1] != separator; start--)
			;
		if (at == SIZE_MAX)
			return false;
		node = &list->nodes.v[at];
		if (strncmp(node->name, path + start, len - start) != 0 ||
		    node->name[len - start] != '\0')
			return false;
		at = node->parent;
		if (start == 0)
			return at == SIZE_MAX;
	}
}

static size_t
next_slot(const struct index_list_table *table, size_t i)
{
	return (i + 1) & (table->cap - 1);
}

static size_t
first_slot(const struct index_list_table *table, uint64_t hash)
{
	return (size_t)(hash ^ hash >> 32) & (table->cap - 1);
}

static void
add(struct index_list_table *table, uint64_t hash, size_t at)
{
	size_t i = first_slot(table, hash);

	while (table->slots[i].node != 0)
		i = next_slot(table, i);
	table->slots[i] = (struct slot){ hash, at + 1 };
}

/* Nodes are only added, until the list is read again. */
static void
update(const struct index_list *list, struct index_list_table *table)
{
	size_t cap = table->cap;

	while (cap < 2 * list->nodes.n)
		cap *= 2;
	if (cap != table->cap || table->slots == NULL) {
		free(table->slots);
		*table = (struct index_list_table){ .cap = cap,
		    .slots = mem_calloc(cap, sizeof(*table->slots)) };
	}
	for (; table->known < list->nodes.n; table->known++)
		add(table, hash_node(list, table->known), table->known);
}

size_t
index_list_find(struct index_list *list, const char *path, size_t len,
    char separator)
{
	struct index_list_table *table = list->table;
	uint64_t hash;

	if (table == NULL && list->looks++ < LOOKS_FIRST) {
		for (size_t i = 0; i < list->nodes.n; i++)
			if (node_is(list, i, path, len, separator))
				return i;
		return SIZE_MAX;
	}
	if (table == NULL) {
		table = list->table = mem_calloc(1, sizeof(*table));
		table->cap = SLOTS_FIRST;
	}
	update(list, table);
	hash = hash_path(path, len, separator);
	for (size_t i = first_slot(table, hash); table->slots[i].node != 0;
	    i = next_slot(table, i))
		if (table->slots[i].hash == hash && node_is(list,
		    table->slots[i].node - 1, path, len, separator))
			return table->slots[i].node - 1;
	return SIZE_MAX;
}

void
index_list_forget_table(struct index_list *list)
{
	if (list->table != NULL)
		free(list->table->slots);
	free(list->table);
	list->table = NULL;
	list->looks = 0;
}
