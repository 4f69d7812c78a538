/*
 * optdefs.c - the table of options and settings of dsync
 *
 * A new row wants a field in struct settings and a paragraph in the manual:
 * dsync.1 if it can stand on the command line, dsync.conf.5 if in a file.
 */
#include "config.h"

#include <stddef.h>

#include "base/array.h"
#include "client/all.h"
#include "client/settings.h"
#include "conf/optrows.h"

#define FIELD(f)	offsetof(struct settings, f)

static const struct optdef optdefs[] = {
	{ .name = "user", .letter = 'u', .type = OPT_STRING,
	  .flags = OPT_ARGS_ONLY, .offset = FIELD(user), .arg = "USER",
	  .help = "work for this user" },
	{ .name = "all", .letter = 'A', .type = OPT_BOOL,
	  .flags = OPT_ARGS_ONLY, .offset = FIELD(all),
	  .help = "work for all users, one after the other" },
	{ .name = "jobs", .letter = 'j', .type = OPT_UINT,
	  .flags = OPT_LIMIT, .offset = FIELD(jobs), .arg = "COUNT",
	  .value = "1", .min = 1, .max = ALL_JOBS_MAX,
	  .help = "with -A: so many users at once" },
	OPTROW_CONFIG(FIELD(config)),
	OPTROW_SET,
	{ .name = "mailbox", .letter = 'm', .type = OPT_LIST,
	  .flags = OPT_ARGS_ONLY, .offset = FIELD(mailboxes),
	  .arg = "MAILBOX", .help = "only this mailbox; may be repeated" },
	{ .name = "exclude", .letter = 'x', .type = OPT_LIST,
	  .offset = FIELD(excludes), .arg = "MASK",
	  .help = "leave out mailboxes like this; may be repeated" },
	{ .name = "reverse", .letter = 'R', .type = OPT_BOOL,
	  .flags = OPT_ARGS_ONLY, .offset = FIELD(reverse),
	  .help = "backup from LOCATION2 to the first location" },
	{ .name = "dry_run", .letter = 'n', .type = OPT_BOOL,
	  .flags = OPT_ARGS_ONLY, .offset = FIELD(dry_run),
	  .help = "print what would be done, change nothing" },
	{ .name = "full", .letter = 'f', .type = OPT_BOOL,
	  .offset = FIELD(full),
	  .help = "compare all messages, not only what changed" },
	{ .name = "alt_char", .letter = 'C', .type = OPT_STRING,
	  .offset = FIELD(alt_char), .arg = "CHAR", .value = "_",
	  .help = "replaces what a mailbox name cannot hold" },
	{ .name = "create", .type = OPT_BOOL, .flags = OPT_ARGS_ONLY,
	  .offset = FIELD(create),
	  .help = "make the first location if it is missing" },
	{ .name = "force_delete", .type = OPT_BOOL, .flags = OPT_ARGS_ONLY,
	  .offset = FIELD(force_delete),
	  .help = "remove as much as the other side's changes ask for" },
	{ .name = "quiet", .letter = 'q', .type = OPT_BOOL,
	  .offset = FIELD(quiet),
	  .help = "tell only failures and what is pending" },
	{ .name = "verbose", .letter = 'v', .type = OPT_BOOL,
	  .offset = FIELD(verbose),
	  .help = "tell each action and decision" },
	{ .name = "debug", .letter = 'D', .type = OPT_BOOL,
	  .offset = FIELD(debug),
	  .help = "tell what the programs do" },
	{ .name = "progress", .type = OPT_BOOL, .offset = FIELD(progress),
	  .help = "show progress even if not on a terminal" },
	OPTROW_VERSION(FIELD(version)),
	OPTROW_HELP(FIELD(help)),

	OPTROW_STATE_DIR(FIELD(state_dir)),
	OPTROW_HOSTNAME(FIELD(hostname)),
	{ .name = "max_delete", .type = OPT_UINT,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT, .offset = FIELD(max_delete),
	  .arg = "PERCENT", .value = "50", .min = 1, .max = 100,
	  .help = "most messages that one run may remove" },
	{ .name = "max_delete_min", .type = OPT_UINT, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(max_delete_min), .arg = "COUNT", .value = "20",
	  .help = "so many messages may always be removed" },
	{ .name = "clock_skew_max", .type = OPT_SECONDS,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT, .offset = FIELD(clock_skew_max),
	  .arg = "TIME", .value = "1d", .min = 1, .max = 10 * 365 * 86400U,
	  .help = "most that the clocks of both sides may differ" },
	OPTROW_TIMEOUT("pair_lock_timeout", FIELD(pair_lock_timeout), "60s",
	    "how long to wait for a run of the same pair"),
	OPTROW_LOCK_TIMEOUT(FIELD(lock_timeout)),
	{ .name = "connect_timeout", .type = OPT_SECONDS,
	  .flags = OPT_FILE_ONLY | OPT_LIMIT,
	  .offset = FIELD(connect_timeout), .arg = "TIME", .value = "10s",
	  .min = 1, .max = 3600,
	  .help = "how long connecting to a server may take" },
	OPTROW_TIMEOUT("idle_timeout", FIELD(idle_timeout), "30s",
	    "longest silence in the middle of a message"),
	OPTROW_TIMEOUT("quiet_timeout", FIELD(quiet_timeout), "30 mins",
	    "longest silence before an answer"),
	{ .name = "ssl_ca", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(ssl_ca), .arg = "FILE",
	  .help = "certificates of the CA that signs servers" },
	{ .name = "ssl_crl", .type = OPT_STRING, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(ssl_crl), .arg = "FILE",
	  .help = "revocation lists of that CA" },
	MAIL_CONF_ROWS(FIELD(mail)),
	DOVECOT_CONF_ROWS(FIELD(dovecot)),
	USER_CONF_ROWS(FIELD(users)),
	STORE_CONF_ROWS(FIELD(store)),
};

const struct optdef *
settings_optdefs(size_t *count_r)
{
	*count_r = nitems(optdefs);
	return optdefs;
}
