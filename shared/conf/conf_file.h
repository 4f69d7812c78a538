/*
 * conf_file.h - configuration files
 *
 * The syntax is Dovecot's:
 *
 *	key = value		# a comment
 *	key = "a value with # in it"
 *	key = a long value \
 *	    that goes on
 *	key = <file		the contents of that file
 *	section {		its keys are section/key in the table
 *	  key = value
 *	}
 *	section name {		section/name/key
 *	}
 *	!include conf.d/?.conf	(any shell pattern; no match is an error)
 *	!include_try local.conf	(no match, or no permission, is not)
 *
 * Other files are relative to the one that names them.  All sizes, depths and
 * counts are limited.  The first error ends the reading: ERR_CONFIG, with file
 * and line in front.
 */
#ifndef CONF_CONF_FILE_H
#define CONF_CONF_FILE_H

#include "base/strbuf.h"
#include "conf/conf.h"

#define CONF_FILE_MAX		(1024U * 1024U)	/* bytes of one file */
#define CONF_LINE_MAX		OPT_VALUE_MAX	/* bytes, continued ones too */
#define CONF_SECTION_MAX	8U		/* sections in sections */
#define CONF_INCLUDE_MAX	8U		/* files in files */
#define CONF_FILES_MAX		256U		/* files in all */

/*
 * Read the file as source.  Settings before the error have been made.
 * ERR_NOTFOUND and ERR_PERM are for the file itself; what it includes is
 * ERR_CONFIG.
 */
int conf_file_read(struct conf *conf, const char *path,
    enum conf_source source, struct err *err);

/* Read a regular file as it is; buf limits its size.  Errors as above. */
int conf_file_bytes(const char *path, struct strbuf *buf, struct err *err);

/*
 * The same as conf_file_read for len bytes of text, called name in errors.  No
 * other file is touched: naming one is an error.
 */
int conf_file_parse(struct conf *conf, const char *name, const char *text,
    size_t len, enum conf_source source, struct err *err);

#endif
