/*
 * table.h - which base names a mailbox has, in 16 bytes each
 *
 * A mailbox of a million messages has a hundred megabytes of names: they are
 * in the directory and in dovecot-uidlist, and not copied here.  An entry is
 * a keyed hash of 90 bits of the base, where the file is, its letters, and
 * whether a line of the uidlist names it.  From these and the base the file's
 * name can be told; names that can't (odd ones) are kept beside.
 *
 * With a random key, two of a million names fall together once in 10^15
 * mailboxes.
 */
#ifndef STORE_MAILDIR_TABLE_H
#define STORE_MAILDIR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/maildir/file_name.h"

#define ENTRY_NEW	0x01U	/* the file is in new/ */
#define ENTRY_CUR	0x02U	/* the file is in cur/ */
#define ENTRY_INFO	0x04U	/* its name ends in ":2,letters" */
#define ENTRY_ODD	0x08U	/* its name is kept beside */
#define ENTRY_LISTED	0x10U	/* a line of the uidlist names it */
#define ENTRY_WAS_NEW	0x20U	/* where it was in an earlier pass */
#define ENTRY_WAS_CUR	0x40U
#define ENTRY_FILE	(ENTRY_NEW | ENTRY_CUR)
#define ENTRY_WAS	(ENTRY_WAS_NEW | ENTRY_WAS_CUR)
/* Between passes the same bits serve a flush: */
#define ENTRY_DROP	ENTRY_WAS_NEW	/* its lines go */
#define ENTRY_TAKEN	ENTRY_WAS_CUR	/* a base of this batch */

struct table_entry {
	uint64_t hash;
	uint32_t letters;	/* odd: which of the names kept beside */
	uint32_t bits;		/* ENTRY_* and 25 more bits of the hash */
};

struct table;

struct table *table_new(void);
void table_free(struct table **table);
/* Room for n names at once. */
void table_reserve(struct table *table, size_t n);

/* The entry of a base; NULL if there is none.  Valid until the next add. */
struct table_entry *table_find(struct table *table, const char *base,
    size_t len);
/* The same, made without any bit if there is none. */
struct table_entry *table_add(struct table *table, const char *base,
    size_t len);

/* Note a file; odd names are copied. */
void table_set_file(struct table *table, struct table_entry *entry,
    unsigned int where, const char *name, const struct file_name *parsed);
/* The letters of the file. */
uint32_t table_entry_letters(const struct table *table,
    const struct table_entry *entry);
/* The file's name now; false if there is none. */
bool table_file_name(const struct table *table,
    const struct table_entry *entry, const char *base, size_t len,
    char out[static FILE_NAME_MAX + 1]);

/* Clear these bits in all entries. */
void table_clear(struct table *table, uint32_t bits);
/* Another pass begins: where the files are becomes where they were. */
void table_next_pass(struct table *table);
/* What was not seen in this pass counts as seen in an earlier one. */
void table_merge_passes(struct table *table);

/* Entries whose bits masked by mask are value. */
size_t table_count(const struct table *table, uint32_t mask, uint32_t value);
/* All letters that any file has. */
uint32_t table_letters(const struct table *table);

#endif
