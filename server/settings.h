/*
 * settings.h - options and settings of dsync-server
 */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/conf.h"
#include "users/dovecot.h"
#include "users/mail_conf.h"
#include "users/store_conf.h"
#include "users/user_conf.h"

enum server_command {
	SERVER_SERVE,
	SERVER_STDIO,
	SERVER_INIT,
	SERVER_TOKEN,
	SERVER_PEERS,
	SERVER_REVOKE,
	SERVER_SETTINGS,
	SERVER_HELP,
	SERVER_VERSION,
};

enum single_user {
	SINGLE_USER_AUTO,	/* unless started as root */
	SINGLE_USER_NO,
	SINGLE_USER_YES,
};

struct server_settings {
	enum server_command command;
	const char *argument;		/* of revoke; borrowed */

	/* Fields of the table. */
	char *config;
	bool stdio, help, version, verbose, debug;
	char *user, *access, *name;	/* of token, user also of --stdio */
	struct opt_list addresses;	/* of token */
	struct opt_list listen;
	char *port_file;
	char *ssl_key, *ssl_cert, *ssl_ca, *ssl_crl;
	char *peers, *token_dir;
	char *state_dir, *hostname;
	struct dovecot_conf dovecot;
	struct mail_conf mail;
	struct user_conf users;
	int single_user;		/* enum single_user */
	char *net_user, *chroot_dir;
	int log;			/* 0: stderr, 1: syslog */
	unsigned int max_connections, max_connections_per_address;
	unsigned int max_unknown, max_unknown_per_address;
	unsigned int max_sessions_per_peer, refusals_per_minute;
	unsigned int auth_timeout, idle_timeout, quiet_timeout; /* seconds */
	unsigned int lock_timeout;	/* seconds */
	uint64_t min_rate;		/* bytes per second */
	struct store_conf store;	/* resolved */

	char *config_dir;
	struct conf conf;
};

/* The table; the checks of manual and completions use it, too. */
const struct optdef *server_optdefs(size_t *count_r);

/*
 * Take the command line apart and read the file: that of -c, else
 * dsync-server.conf in the configuration folder if there is one.  Paths that
 * were not set get their defaults below that folder, and relative ones lie
 * there.
 */
int server_settings_load(struct server_settings *set, int argc, char **argv,
    struct err *err);
void server_settings_deinit(struct server_settings *set);

/* Does it serve only the mail of the user who started it? */
bool server_settings_single(const struct server_settings *set);

void server_settings_help(void);
void server_settings_print(const struct server_settings *set);

#endif
