/*
 * uidvalidity.h - the next UIDVALIDITY of a store, by dovecot-uidvalidity
 */
#ifndef STORE_FILES_UIDVALIDITY_H
#define STORE_FILES_UIDVALIDITY_H

#include <stdint.h>

#include "base/err.h"
#include "store/files/path.h"

/*
 * A value that nobody else gets.  The file dovecot-uidvalidity holds the last
 * one given; the name of the empty file dovecot-uidvalidity.<hex>, renamed
 * from one value to the next, decides between processes.
 */
int uidvalidity_next(struct path_root *root, uint32_t *value_r,
    struct err *err);

/*
 * A mailbox takes over a value that was chosen elsewhere: none up to it is given
 * any more, so that a mailbox of the same name, made after this one is gone, is
 * never taken for it by a mail client.  A value so high that few are left above
 * it is passed over.  Only a precaution: where it can't be written down, the
 * value is used all the same.
 */
void uidvalidity_taken(struct path_root *root, uint32_t value);

/* *value: wanted by the caller, or if it is 0 the next one. */
int uidvalidity_choose(struct path_root *root, uint32_t *value,
    struct err *err);

#endif
