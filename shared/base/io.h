/*
 * io.h - reading and writing in full, and files replaced in one step
 *
 * All calls restart after EINTR.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strbuf.h"

/* Write all of it or fail. */
int io_write(int fd, const void *data, size_t len, struct err *err);

/* Read up to len bytes; fewer only at the end of the file.  -1: errno set. */
ssize_t io_read(int fd, void *buf, size_t len);

/*
 * Read a whole regular file below dirfd into buf, which limits its size.
 * Symbolic links are not followed.  -1 with ERR_NOTFOUND if there is none,
 * ERR_CORRUPT if it is larger than the limit or no regular file.
 */
int io_read_file(int dirfd, const char *name, struct strbuf *buf,
    struct err *err);

/*
 * Replace the file name below dirfd by these bytes in one durable step: write
 * tmp (must not exist, or is removed first), fsync, rename over, fsync dirfd.
 */
int io_replace_file(int dirfd, const char *name, const char *tmp, mode_t mode,
    const void *data, size_t len, struct err *err);

int io_set_nonblock(int fd, struct err *err);
int io_set_cloexec(int fd, struct err *err);

#endif
