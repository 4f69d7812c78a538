/*
 * optdefs.c - the table of options and settings of dsync-server
 *
 * A new row wants a field in struct server_settings and a paragraph in the
 * manual: dsync-server.8 if it can stand on the command line only,
 * dsync-server.conf.5 if in a file.
 */
#include "config.h"

#include <stddef.h>

#include "base/array.h"
#include "conf/optrows.h"
#include "server/settings.h"

#define FIELD(f)	offsetof(struct server_settings, f)

static const char *const single_words[] = { "auto", "no", "yes", NULL };
static const char *const log_words[] = { "stderr", "syslog", NULL };

static const struct optdef optdefs[] = {
	OPTROW_CONFIG(FIELD(config)),
	OPTROW_SET,
	{ .name = "stdio", .type = OPT_BOOL, .flags = OPT_ARGS_ONLY,
	  .offset = FIELD(stdio),
	  .help = "speak the protocol on standard input and output" },
	{ .name = "user", .letter = 'u', .type = OPT_STRING,
	  .flags = OPT_ARGS_ONLY, .offset = FIELD(user), .arg = "USER",
	  .help = "mail user of a token, or of --stdio" },
	{ .name = "access", .type = OPT_STRING, .flags = OPT_ARGS_ONLY,
	  .offset = FIELD(access), .arg = "ACCESS", .value = "read-write",
	  .help = "what a token allows: read, append or read-write" },
	{ .name = "name", .type = OPT_STRING, .flags = OPT_ARGS_ONLY,
	  .offset = FIELD(name), .arg = "NAME",
	  .help = "name of the host that gets a token" },
	{ .name = "address", .type = OPT_LIST, .flags = OPT_ARGS_ONLY,
	  .offset = FIELD(addresses), .arg = "HOST[:PORT]",
	  .help = "how a token names this server; may be repeated" },
	{ .name = "verbose", .letter = 'v', .type = OPT_BOOL,
	  .offset = FIELD(verbose),
	  .help = "log the beginning and end of each session" },
	{ .name = "debug", .letter = 'D', .type = OPT_BOOL,
	  .offset = FIELD(debug), .help = "log what the program does" },
	OPTROW_VERSION(FIELD(version)),
	OPTROW_HELP(FIELD(help)),

	{ .name = "listen", .type = OPT_LIST, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(listen), .arg = "ADDRESS[:PORT]",
	  .help = "where to listen; may be repeated; default: everywhere" },
	{ .name = "port_file", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(port_file), .arg = "FILE",
	  .help = "write the port numbers listened on to this file" },
	{ .name = "ssl_key", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(ssl_key), .arg = "FILE",
	  .help = "key of this server; default: key.pem" },
	{ .name = "ssl_cert", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(ssl_cert), .arg = "FILE",
	  .help = "certificate of this server; default: cert.pem" },
	{ .name = "ssl_ca", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(ssl_ca), .arg = "FILE",
	  .help = "certificates of the CA that signs clients" },
	{ .name = "ssl_crl", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(ssl_crl), .arg = "FILE",
	  .help = "revocation lists of that CA" },
	{ .name = "peers", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(peers), .arg = "FILE",
	  .help = "who may connect; default: peers" },
	{ .name = "token_dir", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(token_dir), .arg = "DIRECTORY",
	  .help = "where tokens are kept; default: tokens" },
	MAIL_CONF_ROWS(FIELD(mail)),
	DOVECOT_CONF_ROWS(FIELD(dovecot)),
	OPTROW_STATE_DIR(FIELD(state_dir)),
	USER_CONF_ROWS(FIELD(users)),
	OPTROW_HOSTNAME(FIELD(hostname)),
	{ .name = "single_user", .type = OPT_ENUM, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(single_user), .arg = "auto|no|yes",
	  .value = "auto", .words = single_words,
	  .help = "serve only the mail of the user who starts it" },
	{ .name = "net_user", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(net_user), .arg = "USER", .value = "nobody",
	  .help = "who meets strangers, if started as root" },
	{ .name = "chroot_dir", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(chroot_dir), .arg = "DIRECTORY",
	  .value = "/run/dsync-empty",
	  .help = "an empty folder for that user; made if missing" },
	{ .name = "log", .type = OPT_ENUM, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(log), .arg = "stderr|syslog", .value = "stderr",
	  .words = log_words, .help = "where the log goes" },
	{ .name = "max_connections", .type = OPT_UINT,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT, .offset = FIELD(max_connections),
	  .arg = "COUNT", .value = "256", .min = 1, .max = 65536,
	  .help = "connections at once" },
	{ .name = "max_connections_per_address", .type = OPT_UINT,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT,
	  .offset = FIELD(max_connections_per_address), .arg = "COUNT",
	  .value = "64", .min = 1, .max = 65536,
	  .help = "connections at once from one address" },
	{ .name = "max_unknown", .type = OPT_UINT,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT, .offset = FIELD(max_unknown),
	  .arg = "COUNT", .value = "64", .min = 1, .max = 65536,
	  .help = "connections at once whose peer is not known yet" },
	{ .name = "max_unknown_per_address", .type = OPT_UINT,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT,
	  .offset = FIELD(max_unknown_per_address), .arg = "COUNT",
	  .value = "16", .min = 1, .max = 65536,
	  .help = "the same from one address" },
	{ .name = "max_sessions_per_peer", .type = OPT_UINT,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT,
	  .offset = FIELD(max_sessions_per_peer), .arg = "COUNT",
	  .value = "32", .min = 1, .max = 65536,
	  .help = "connections at once of one peer" },
	{ .name = "refusals_per_minute", .type = OPT_UINT,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT,
	  .offset = FIELD(refusals_per_minute), .arg = "COUNT",
	  .value = "30", .min = 1, .max = 1000000,
	  .help = "an address refused more often has to wait" },
	{ .name = "auth_timeout", .type = OPT_SECONDS,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT, .offset = FIELD(auth_timeout),
	  .arg = "TIME", .value = "10s", .min = 1, .max = 3600,
	  .help = "from the connection until the peer is known" },
	OPTROW_TIMEOUT("idle_timeout", FIELD(idle_timeout), "30s",
	    "longest silence of a peer inside a frame"),
	OPTROW_TIMEOUT("quiet_timeout", FIELD(quiet_timeout), "30 mins",
	    "longest silence between frames"),
	{ .name = "min_rate", .type = OPT_SIZE,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT, .offset = FIELD(min_rate),
	  .arg = "BYTES", .value = "512", .min = 1, .max = 1U << 30,
	  .help = "least bytes per second inside a frame" },
	OPTROW_LOCK_TIMEOUT(FIELD(lock_timeout)),
	STORE_CONF_ROWS(FIELD(store)),
};

const struct optdef *
server_optdefs(size_t *count_r)
{
	*count_r = nitems(optdefs);
	return optdefs;
}
