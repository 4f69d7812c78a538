/*
 * conf_line.h - the lines of a configuration file, one by one
 *
 * Only the form is looked at here: comments, quotes, continued lines and which
 * kind of line it is.  No file is touched and no table is asked.
 */
#ifndef CONF_CONF_LINE_H
#define CONF_CONF_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

enum conf_line_kind {
	CONF_LINE_EMPTY,
	CONF_LINE_SETTING,	/* name = value, name = <value */
	CONF_LINE_SECTION,	/* name { or name value { */
	CONF_LINE_SECTION_END,
	CONF_LINE_INCLUDE,	/* value: a path or pattern, not empty */
	CONF_LINE_INCLUDE_TRY,
};

/* Points into the reader; valid until its next step. */
struct conf_line {
	enum conf_line_kind kind;
	const char *name;	/* never NULL, "" if there is none */
	const char *value;	/* the same; quotes and escapes are gone */
	bool from_file;		/* value is the path of a file */
};

struct conf_lines {
	const char *p, *end;
	unsigned int number;	/* of the last line read, from 1 */
	struct strbuf raw;	/* continued lines joined, no comment */
	struct strbuf name, value;
};

/* text is borrowed. */
void conf_lines_init(struct conf_lines *lines, const char *text, size_t len);
void conf_lines_deinit(struct conf_lines *lines);

/* 1: *line is the next line; 0: there is none; -1: ERR_CONFIG. */
int conf_lines_next(struct conf_lines *lines, struct conf_line *line,
    struct err *err);

#endif
