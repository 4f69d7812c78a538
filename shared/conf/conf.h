/*
 * conf.h - a table of options and the settings it fills
 *
 * Sources may be read in any order: a value never replaces one that came from
 * a stronger source, and of equal sources the later wins; lists and maps are
 * emptied by the first value of a stronger source.  So the command line can be
 * read first, to learn which file to read.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/optdef.h"

/* Where a value came from, the weakest first. */
enum conf_source {
	CONF_DEFAULT,
	CONF_DOVECOT,		/* Dovecot's own settings */
	CONF_FILE,
	CONF_USERDB,
	CONF_ARGS,
};

struct conf {
	const struct optdef *defs;
	size_t count;
	void *settings;		/* the caller's */
	unsigned char *sources;	/* enum conf_source of each def */
	char **places;		/* of each def, by conf_set_place; or NULL */
	const char *place;	/* of what is set next */
};

/*
 * Take the table and write its defaults to settings, whose fields the table
 * names; the other fields are left alone.  A default that cannot be read is
 * a bug.
 */
void conf_init(struct conf *conf, const struct optdef *defs, size_t count,
    void *settings);

/* Free the strings and lists in settings; the fields become NULL and empty. */
void conf_deinit(struct conf *conf);

/*
 * Set one option by its name in a file.  ERR_CONFIG: no such name, the text
 * then says which was probably meant; or a value that the option does not take.
 */
int conf_set(struct conf *conf, const char *name, const char *value,
    enum conf_source source, struct err *err);

/* The same for an option found in the table. */
int conf_set_def(struct conf *conf, const struct optdef *def,
    const char *value, enum conf_source source, struct err *err);

/* Where the present value is from; CONF_DEFAULT for an unknown name, too. */
enum conf_source conf_source(const struct conf *conf, const char *name);

/*
 * Where what is set from now on was read, for messages: "/etc/x.conf line 3".
 * Borrowed until the next call; NULL: the source says enough.
 */
void conf_set_place(struct conf *conf, const char *place);

/* Where the present value was read, never NULL: "the command line". */
const char *conf_place(const struct conf *conf, const char *name);

/* The option of this name, NULL if there is none.  '-' is as good as '_'. */
const struct optdef *conf_find(const struct conf *conf, const char *name);

/*
 * The name in the table most like name, NULL if none is near.  Options with
 * one of the flags in without are not considered.
 */
const char *conf_nearest(const struct conf *conf, const char *name,
    unsigned int without);

#endif
