/*
 * config_file.h - small line files that people and programs change
 *
 * For peers, servers and tokens: words separated by blanks, one thing per
 * line, "#" begins a comment.
 */
#ifndef NET_CONFIG_FILE_H
#define NET_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

struct config_lines {
	const char *p, *end;
	unsigned int line;	/* number of the last line given out, from 1 */
};

void config_lines_init(struct config_lines *lines, const char *text,
    size_t len);

/*
 * Copy the next line to out without its line end.  Returns 1; 0 at the end;
 * -1 if the line does not fit (its beginning is in out) or has a control
 * character (out ends before it) or invalid UTF-8.
 */
int config_lines_next(struct config_lines *lines, char *out, size_t size);

/*
 * The next word of a line, whose blanks are overwritten; NULL if there is
 * none, or a comment begins.
 */
char *config_word(char **rest);

/* UTF-8 without blanks, control and bidirectional characters. */
bool config_text_plain(const char *text, size_t len);

/*
 * Read a file into text, whose limit it must fit.  The file may be a symbolic
 * link.  ERR_NOTFOUND, ERR_CONFIG if it is too large or others may write it.
 */
int config_file_read(const char *path, struct strbuf *text, struct err *err);

/* Replace it durably in one step, with mode 0600 or that of the old file. */
int config_file_replace(const char *path, const struct strbuf *text,
    struct err *err);

/*
 * Wait for the lock that goes with a file and return its descriptor; closing
 * it unlocks.  ERR_TEMP after 10 seconds.
 */
int config_file_lock(const char *path, struct err *err);

#endif
