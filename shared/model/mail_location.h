/*
 * mail_location.h - "driver:path[:KEY=value]..." taken apart
 *
 * The syntax of Dovecot 2.3's mail_location: ':' separates, "::" is a literal
 * colon, "~/" is the home.
 */
#ifndef MODEL_MAIL_LOCATION_H
#define MODEL_MAIL_LOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define LOCATION_MAX	4096U	/* bytes */
#define LOCATION_KEYS_MAX 16U

struct mail_location {
	char *driver;		/* "maildir"; "" if none was named, or "auto" */
	char *path;		/* absolute, "~" expanded, no final slash */
	struct {
		char *key;	/* as given, such as "INDEX" */
		char *value;	/* ~ expanded; NULL for a flag: "UTF-8" */
	} keys[LOCATION_KEYS_MAX];
	size_t key_count;
};

/*
 * Take text apart.  home replaces a leading "~"; a relative path is taken from
 * cwd.  ERR_CONFIG with what is wrong: no path, too many keys, a key twice,
 * a control character, home or cwd needed but NULL.
 */
int mail_location_parse(struct mail_location *loc, const char *text,
    const char *home, const char *cwd, struct err *err);
void mail_location_deinit(struct mail_location *loc);

/* The value of a key, "" for a flag, NULL if it is not there. */
const char *mail_location_get(const struct mail_location *loc,
    const char *key);

/*
 * Set a key, or replace its value; home replaces a leading "~" in it.  value
 * NULL: a flag.  ERR_CONFIG: too many keys, a control character, or no home.
 */
int mail_location_set(struct mail_location *loc, const char *key,
    const char *value, const char *home, struct err *err);

/* What variables stand for; NULL: not known. */
struct mail_vars {
	const char *user, *home;
	const char *uid, *gid;	/* in decimal */
};

/*
 * Expand the variables %u %n %d %h %i %% in text, also as %{user}, %{username},
 * %{domain}, %{home}, %{uid} and %{gid}, with Dovecot 2.3's modifiers before
 * the letter ("%Lu", "%1n", "%2.256Nu", "%{sha1:user}") and 2.4's filters
 * behind the name ("%{user | domain | lower}"); model/mail_filter.h.  Heap
 * memory.  NULL: ERR_CONFIG in err; a user whose name could change the path is
 * one such case.
 */
char *mail_location_expand_vars(const char *text,
    const struct mail_vars *vars, struct err *err);
/* The same without ids. */
char *mail_location_expand(const char *text, const char *user,
    const char *home, struct err *err);

/*
 * The same for a plain path, where "~/" at the beginning is the home, too.
 * ERR_CONFIG as well if it is not absolute then.
 */
char *mail_location_expand_path(const char *text, const char *user,
    const char *home, struct err *err);

#endif
