/*
 * tree_model.h - the mailboxes of two sides, merged, and what came of it
 *
 * Each test says what the sides tell, in in, and looks at entries and ops; what
 * it needs is in arena.
 */
#ifndef MERGE_TREE_MODEL_H
#define MERGE_TREE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "brain/merge_tree.h"

#define BOXES_MAX	12U	/* of a side; as many gone, and subscriptions */

extern struct arena *arena;
extern struct tree_input in;
extern struct tree_entries entries;
extern struct tree_ops ops[2];

/* As a test begins: a mirror, all is told, there is no base. */
void tree_reset(void);
void tree_teardown(void);
struct guid128 guid(unsigned int n);
/* Side s has, or had, a mailbox of that GUID; its name is as people write it. */
struct msg_mailbox *box(unsigned int s, const char *name, unsigned int n,
    uint64_t stamp);
void gone(unsigned int s, const char *name, unsigned int n, uint64_t stamp);
void merge(void);
/* What became of a mailbox, or NULL; its name, for people. */
const struct tree_entry *entry(unsigned int n);
const char *target(unsigned int n);
/*
 * Carry a side's steps out on the names of its mailboxes: in has what it has
 * then.  False if a step does not find its name free, as a store would ask.
 */
bool apply(unsigned int s);
/* Carried out on both sides, they are equal, and a next merge does nothing. */
void check_equal(const char *what);

#endif
