/*
 * from_line.h - the line that begins each message of an mbox
 *
 *	From sender  Sun Sep  9 01:46:40 2001
 *
 * The time is local time.  A zone, as a number or as letters, may follow the
 * time of day or the year, and numbers are obeyed; seconds, the day of the
 * week and "remote from host" may be there or not.  No I/O is done here.
 */
#ifndef STORE_MBOX_FROM_LINE_H
#define STORE_MBOX_FROM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FROM_LINE_MAX	1024U	/* bytes of such a line, with its LF */
#define FROM_SENDER_MAX	200U	/* bytes of a sender that we write */

/*
 * Is text, which ends before its LF, such a line?  received_r: seconds since
 * 1970.
 */
bool from_line_parse(const char *text, size_t len, int64_t *received_r);

/*
 * Write the line with its LF; the date comes back to the second, so where
 * local time is ambiguous a zone is written.  A sender that has no place in
 * such a line becomes MAILER-DAEMON.  Returns the length.
 */
size_t from_line_format(char out[static FROM_LINE_MAX], const char *sender,
    int64_t received);

#endif
