/*
 * mail_input.h - a stored body, as an IMAP client is to see it
 *
 * Part of an open file, or all of it, which may be compressed (mail_codec.h)
 * or not.
 */
#ifndef STORE_FILES_MAIL_INPUT_H
#define STORE_FILES_MAIL_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* So much of a decoded body is kept, so that most are decoded once only. */
#define MAIL_INPUT_AHEAD	262144U	/* bytes */

struct mail_input;

/*
 * The bytes from offset on, length of them as stored.  fd is borrowed and read
 * by pread.  size_r gets the exact size of the body: a compressed one is
 * decoded once for that.  ERR_CORRUPT: it can't be decoded to its end.
 */
int mail_input_open(struct mail_input **in_r, int fd, uint64_t offset,
    uint64_t length, uint64_t *size_r, struct err *err);
void mail_input_close(struct mail_input **in);
/* 1..len bytes, 0 at the end, -1. */
ptrdiff_t mail_input_read(struct mail_input *in, void *buf, size_t len,
    struct err *err);
bool mail_input_compressed(const struct mail_input *in);

#endif
