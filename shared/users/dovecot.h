/*
 * dovecot.h - the settings of a Dovecot that has the same mail
 *
 * They are asked from its program doveconf, in the spelling of 2.3 or of 2.4,
 * and are weaker than those of our own file.  They are asked if dovecot_config
 * names a configuration, and also if it is not set, Dovecot is installed, and
 * our own file says nothing of where mail is.
 */
#ifndef USERS_DOVECOT_H
#define USERS_DOVECOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "conf/conf.h"
#include "conf/doveconf.h"
#include "users/mail_conf.h"
#include "users/user_conf.h"

struct store_settings;

struct dovecot_conf {
	/* Fields of the table. */
	char *config;		/* dovecot_config: a file, "yes" or "no" */
	char *namespace;	/* NULL: the one with inbox=yes */

	/* Made from them by dovecot_load. */
	bool used;
	char *prefix;		/* of the namespace, NULL or "INBOX/" */
	char separator;		/* in names, as Dovecot's users type them */
	char *others;		/* "a, b": other namespaces with mail of their
				   own; NULL: none */
	char *remarks;		/* what doveconf said besides; NULL: nothing */
};

/* The other settings that it fills; all are fields of conf's settings. */
struct dovecot_target {
	struct conf *conf;
	struct mail_conf *mail;
	struct user_conf *users;
};

/*
 * Is this file Dovecot's, and not ours?  Its name tells if it begins with
 * "dsync" or "dovecot"; else a block or setting that only Dovecot has.
 * ERR_NOTFOUND, ERR_PERM as conf_file_read.  Returns 1, 0 or -1.
 */
int dovecot_owns(const char *path, struct err *err);

/*
 * Read the settings if they are wanted, and settle what depends on them: which
 * user database is asked.  ERR_CONFIG: doveconf fails, a setting is none, or
 * there is no such namespace.
 */
int dovecot_load(struct dovecot_conf *dovecot, struct dovecot_target *target,
    struct err *err);

/* Take over what doveconf has said; for dovecot_load and tests. */
int dovecot_take(struct dovecot_conf *dovecot, const struct doveconf *dc,
    struct dovecot_target *target, struct err *err);

/* How its users see names, for a store; dovecot has to outlive settings. */
void dovecot_name_store(const struct dovecot_conf *dovecot,
    struct store_settings *settings);

/* Free what dovecot_load has made; the fields of the table are conf's. */
void dovecot_deinit(struct dovecot_conf *dovecot);

/* The rows of a table; base is the offset of its struct dovecot_conf. */
#define DOVECOT_CONF_ROWS(base)						\
	{ .name = "dovecot_config", .type = OPT_STRING,			\
	  .flags = OPT_FILE_ONLY,					\
	  .offset = (base) + offsetof(struct dovecot_conf, config),	\
	  .arg = "FILE|yes|no",						\
	  .help = "take over the settings of this Dovecot" },		\
	{ .name = "namespace", .type = OPT_STRING,			\
	  .flags = OPT_FILE_ONLY,					\
	  .offset = (base) + offsetof(struct dovecot_conf, namespace),	\
	  .arg = "NAME",						\
	  .help = "its namespace that is synchronised" }

#endif
