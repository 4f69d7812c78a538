/*
 * dir_read.h - the names in a directory that is held open
 *
 * Where a directory is read again and again, opening it anew each time costs
 * more than the reading.  The descriptor's position is used, so no two may
 * read one descriptor at once.
 */
#ifndef STORE_FILES_DIR_READ_H
#define STORE_FILES_DIR_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DIR_READ_BUFFER	32768U	/* bytes read at once */

struct dir_read {
	int fd;			/* borrowed */
	size_t pos, len;	/* in buf */
	uint64_t buf[DIR_READ_BUFFER / sizeof(uint64_t)];
};

/* From its first name on. */
int dir_read_begin(struct dir_read *dir, int fd, struct err *err);
/*
 * 1: a name, valid until the next call, and a DT_* of <dirent.h>; 0: there are
 * no more; -1.
 */
int dir_read_next(struct dir_read *dir, const char **name_r,
    unsigned char *type_r, struct err *err);

#endif
