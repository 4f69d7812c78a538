/*
 * window.h - a file seen through a buffer of bounded size
 */
#ifndef STORE_MBOX_WINDOW_H
#define STORE_MBOX_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WINDOW_SIZE	(256U * 1024U)	/* bytes */
#define WINDOW_LINE_MAX	(64U * 1024U)	/* of a line that is looked at */

struct window {
	int fd;			/* borrowed */
	uint64_t size;		/* bytes that are to be seen */
	char *buf;
	uint64_t start;		/* where buf begins */
	size_t len;		/* bytes in it */
};

void window_init(struct window *w, int fd, uint64_t size);
void window_deinit(struct window *w);

/*
 * The bytes at offset: want of them, or as many as there are up to size; with
 * more, all that is in the buffer.  *got_r 0: the end.  Valid until the next
 * call.  want is at most WINDOW_SIZE / 2.  NULL: the file can't be read, or is
 * shorter than size.
 */
const char *window_at(struct window *w, uint64_t offset, size_t want,
    size_t *got_r, struct err *err);

/* Copy up to want bytes at offset, without moving the window. */
int window_peek(struct window *w, uint64_t offset, void *out, size_t want,
    size_t *got_r, struct err *err);

/* One line. */
struct window_line {
	const char *text;	/* its first bytes, at most WINDOW_LINE_MAX,
				   without LF; valid until the next call */
	size_t len;
	uint64_t next;		/* where the next line begins */
	bool complete;		/* it ends with LF */
};

/* 1; 0: offset is the end; -1. */
int window_line(struct window *w, uint64_t offset, struct window_line *line_r,
    struct err *err);

#endif
