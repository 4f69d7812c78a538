/*
 * index_fixture.h - index files in a folder of a test
 */
#ifndef SUPPORT_INDEX_FIXTURE_H
#define SUPPORT_INDEX_FIXTURE_H

#include <stddef.h>

#include "store/files/path.h"
#include "store/index/index.h"

/* The folder is open from setup to teardown. */
extern struct path_root index_root;
void index_fixture_setup(void);
void index_fixture_teardown(void);

/* Another view of the index BASE in the folder. */
#define INDEX_BASE "dovecot.index"
struct index *index_fixture_open(void);
/* Commit it; the test fails if that fails. */
void index_fixture_commit(struct index_txn **txn);
/* Lock, which must succeed, and begin. */
struct index_txn *index_fixture_begin(struct index *index);
/*
 * All that is known, as text: a line of header fields, then "UID flags modseq
 * keywords" for each message.  Valid until the next call but one.
 */
const char *index_fixture_dump(struct index *index);
/* A file of the folder; static memory. */
const unsigned char *index_fixture_read(const char *name, size_t *len_r);
void index_fixture_write(const char *name, const void *data, size_t len);
void index_fixture_unlink(const char *name);

#endif
