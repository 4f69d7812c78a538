/*
 * crlf.h - line ends as mail_save_crlf wants them
 */
#ifndef STORE_FILES_CRLF_H
#define STORE_FILES_CRLF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mail_writer;

typedef int crlf_write_fn(struct mail_writer *writer, const void *buf,
    size_t len, struct err *err);

/*
 * Hand on the next bytes of a message with a CR before each LF that has none.
 * *last_cr is false before the first ones and kept between calls.
 */
int crlf_write(bool *last_cr, const void *buf, size_t len,
    crlf_write_fn *write, struct mail_writer *writer, struct err *err);

/* How many LF of the next bytes have no CR before them; *last_cr as above. */
uint64_t crlf_count_bare(const char *p, size_t len, bool *last_cr);

#endif
