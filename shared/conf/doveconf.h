/*
 * doveconf.h - Dovecot's settings, as its program doveconf prints them
 *
 * Two forms of output are understood: "doveconf -S" of 2.3, lines of
 *	namespace/inbox/prefix=INBOX/
 * and "doveconf -n" of 2.3 and 2.4, blocks as in a configuration file.  Either
 * becomes names with '/' and values.  In the part of a name that is the name
 * of a section "\s" stands for '/', "\_" for a blank and "\\" for '\'.
 */
#ifndef CONF_DOVECONF_H
#define CONF_DOVECONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

#define DOVECONF_OUTPUT_MAX	(4U * 1024U * 1024U)	/* bytes */
#define DOVECONF_SETTINGS_MAX	100000U
#define DOVECONF_DEPTH_MAX	16U		/* blocks in blocks */
#define DOVECONF_NAME_MAX	1024U		/* bytes of a whole name */
#define DOVECONF_TIMEOUT	20U		/* seconds for one run, usually */

struct doveconf {
	struct doveconf_setting {
		char *name, *value;
	} *v;
	size_t n, cap;
};

/*
 * Add what the text says; called again, what it says later counts.  ERR_CORRUPT:
 * it is no such output.  Deinit in both cases.
 */
int doveconf_parse_flat(struct doveconf *dc, const char *text, size_t len,
    struct err *err);
int doveconf_parse_blocks(struct doveconf *dc, const char *text, size_t len,
    struct err *err);
void doveconf_deinit(struct doveconf *dc);

/* The value, which may be "", or NULL if the setting is not there. */
const char *doveconf_get(const struct doveconf *dc, const char *name);

/*
 * The program: what the environment names in DSYNC_DOVECONF, else doveconf in
 * PATH and the usual folders.  False: there is none, or the variable is empty.
 */
bool doveconf_find(struct strbuf *path);

/*
 * Run program and read Dovecot's settings: those of the file, or of the
 * installed Dovecot if file is NULL.  Each run may take timeout seconds.  What
 * it said on standard error without failing goes to remarks.  ERR_CONFIG: it
 * could not be started, failed, took too long or printed too much; the message
 * holds what it said.
 */
int doveconf_read(struct doveconf *dc, const char *program, const char *file,
    unsigned int timeout, struct strbuf *remarks, struct err *err);

#endif
