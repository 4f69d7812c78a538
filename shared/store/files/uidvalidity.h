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

#endif
