/*
 * settings.h - options and settings of dsync, from all their sources
 *
 * The command line beats the user database, which beats the file; see
 * dsync.conf(5).
 */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "client/user.h"
#include "conf/conf.h"
#include "model/mail_location.h"
#include "users/dovecot.h"
#include "users/mail_conf.h"
#include "users/store_conf.h"
#include "users/user_conf.h"

enum command {
	COMMAND_NONE,		/* speak the protocol on stdin and stdout */
	COMMAND_MIRROR,
	COMMAND_BACKUP,
	COMMAND_ENROL,
	COMMAND_KEY,
	COMMAND_HELP,
	COMMAND_VERSION,
};

struct settings {
	/* What was asked for. */
	enum command command;
	char **words;			/* LOCATION2 or the token; borrowed */
	size_t word_count;

	/* Fields of the table. */
	char *user, *config, *alt_char;
	bool all;
	unsigned int jobs;
	bool debug, verbose, quiet, full, dry_run, reverse, progress;
	bool force_delete, create, help, version;
	struct opt_list mailboxes, excludes;
	char *state_dir, *hostname;
	struct dovecot_conf dovecot;
	struct mail_conf mail;
	struct user_conf users;
	char *ssl_ca, *ssl_crl;
	unsigned int max_delete;	/* percent */
	unsigned int max_delete_min;	/* messages */
	unsigned int clock_skew_max;	/* seconds */
	unsigned int pair_lock_timeout, lock_timeout;
	unsigned int connect_timeout, idle_timeout, quiet_timeout;
	struct store_conf store;	/* resolved by settings_load */

	/* Made from them by settings_load. */
	struct account owner;	/* whose mail it is */
	struct mail_location location;	/* the first location */
	char *origin;			/* what named it, for messages */
	char *state_path;		/* state_dir, expanded; NULL: none */
	struct conf conf;
};

/*
 * Take the command line apart.  ERR_CONFIG with a text for the person who
 * typed it; the exit status is EX_USAGE then.
 */
int settings_parse(struct settings *set, int argc, char **argv,
    struct err *err);

/*
 * Read the file, find the user, give up the rights that only root has, and
 * expand the locations.
 */
int settings_load(struct settings *set, struct err *err);

/* The three parts of settings_load: the files; the user; its rights. */
int settings_read(struct settings *set, struct err *err);
int settings_find_user(struct settings *set, struct err *err);
int settings_become(struct settings *set, struct err *err);

void settings_deinit(struct settings *set);

/* Print the help of all options. */
void settings_help(void);

/* The table, for the checks of manual and completions. */
const struct optdef *settings_optdefs(size_t *count_r);

#endif
