/*
 * settings.c - options and settings of dsync, from all their sources
 */
#include "config.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "client/settings.h"
#include "conf/conf_args.h"
#include "conf/conf_file.h"
#include "conf/conf_print.h"
#include "net/keys.h"
#include "users/userdb.h"

#define CONFIG_NAME	"dsync.conf"
#define HOSTNAME_BYTES	256U

static const struct {
	const char *word;
	enum command command;
	size_t words_min, words_max;	/* after it */
	const char *usage;
} commands[] = {
	{ "mirror", COMMAND_MIRROR, 1, SIZE_MAX,
	  "mirror needs a second location" },
	{ "backup", COMMAND_BACKUP, 1, SIZE_MAX,
	  "backup needs a second location" },
	{ "enrol", COMMAND_ENROL, 1, 1,
	  "enrol needs the token, as one word" },
	{ "key", COMMAND_KEY, 0, 0, "key takes no arguments" },
};

void
settings_help(void)
{
	const struct optdef *defs;
	size_t count;

	defs = settings_optdefs(&count);
	conf_print_usage(
	    "usage: dsync [options] mirror|backup LOCATION2 [arguments]\n"
	    "       dsync [options] enrol TOKEN\n"
	    "       dsync [options] key\n"
	    "       dsync [options] (serves the protocol on standard input)\n"
	    "\n"
	    "LOCATION2: [user@]host[:port], driver:path, path, or a command\n",
	    defs, count, "dsync.conf(5)");
}

/* The words after the options: command, options again, LOCATION2. */
static int
parse_command(struct settings *set, int argc, char **argv, int next,
    struct err *err)
{
	const char *word = argv[next++];
	size_t i;

	for (i = 0; i < nitems(commands); i++) {
		if (strcmp(word, commands[i].word) == 0)
			break;
	}
	if (i == nitems(commands))
		return err_set(err, ERR_CONFIG, "unknown command %.80s: "
		    "mirror, backup, enrol and key are known", word);
	set->command = commands[i].command;
	if (conf_args_parse(&set->conf, argc, argv, &next, err) == -1)
		return -1;
	set->words = argv + next;
	set->word_count = (size_t)(argc - next);
	if (set->help || set->version)
		return 0;
	if (set->word_count < commands[i].words_min ||
	    set->word_count > commands[i].words_max)
		return err_set(err, ERR_CONFIG, "%s", commands[i].usage);
	if (set->word_count > 0 && set->words[0][0] == '\0')
		return err_set(err, ERR_CONFIG, "%s", commands[i].usage);
	return 0;
}

static int
check_options(const struct settings *set, struct err *err)
{
	bool run = set->command == COMMAND_MIRROR ||
	    set->command == COMMAND_BACKUP;

	if (set->all && (!run || set->user != NULL))
		return err_set(err, ERR_CONFIG, run ? "-A and -u exclude each "
		    "other" : "-A goes with mirror or backup only");
	if (set->reverse && set->command != COMMAND_BACKUP)
		return err_set(err, ERR_CONFIG, "-R goes with backup only");
	if (!run && (set->dry_run || set->mailboxes.n > 0 ||
	    set->force_delete))
		return err_set(err, ERR_CONFIG,
		    "-m, -n and --force-delete go with mirror or backup only");
	return 0;
}

int
settings_parse(struct settings *set, int argc, char **argv, struct err *err)
{
	const struct optdef *defs;
	size_t count;
	int next = 1;

	*set = (struct settings){ .command = COMMAND_NONE };
	defs = settings_optdefs(&count);
	conf_init(&set->conf, defs, count, set);
	if (conf_args_parse(&set->conf, argc, argv, &next, err) == -1)
		return -1;
	if (next < argc && !set->help && !set->version &&
	    parse_command(set, argc, argv, next, err) == -1)
		return -1;
	if (set->help)
		set->command = COMMAND_HELP;
	else if (set->version)
		set->command = COMMAND_VERSION;
	else
		return check_options(set, err);
	return 0;
}

/* Read dir/dsync.conf.  Returns 1, 0 if there is none, -1. */
static int
try_file(struct settings *set, const char *dir, struct err *err)
{
	char *path = mem_printf("%s/" CONFIG_NAME, dir);
	int ret = 0;

	if (access(path, F_OK) == 0)
		ret = conf_file_read(&set->conf, path, CONF_FILE, err) == 0 ?
		    1 : -1;
	free(path);
	return ret;
}

static int
read_files(struct settings *set, struct err *err)
{
	struct err unused = ERR_INIT;
	struct strbuf dir;
	int r = 0;

	if (set->config != NULL) {
		r = dovecot_owns(set->config, err);
		if (r == 0)
			r = conf_file_read(&set->conf, set->config, CONF_FILE,
			    err);
		else if (r == 1)
			r = conf_set(&set->conf, "dovecot_config",
			    set->config, CONF_FILE, err);
		return r;
	}
	strbuf_init(&dir, PATH_MAX);
	if (keys_config_dir(&dir, &unused) == 0)
		r = try_file(set, dir.data, err);
	strbuf_deinit(&dir);
	if (r == 0)
		r = try_file(set, SYSCONFDIR "/dsync", err);
	return r == -1 ? -1 : 0;
}

/* Those of a Dovecot, which only mail is about. */
static int
read_dovecot(struct settings *set, struct err *err)
{
	struct dovecot_target target = { .conf = &set->conf,
	    .mail = &set->mail, .users = &set->users };

	if (set->command == COMMAND_ENROL || set->command == COMMAND_KEY)
		return 0;
	return dovecot_load(&set->dovecot, &target, err);
}

int
settings_find_user(struct settings *set, struct err *err)
{
	if (user_find(&set->owner, set->user, &set->users, err) == -1)
		return -1;
	if (mail_conf_apply(&set->mail, &set->conf, &set->owner, err) == -1)
		return -1;
	return userdb_add_groups(&set->users, mail_conf_is_mbox(&set->mail),
	    &set->owner, err);
}

static int
set_hostname(struct settings *set, struct err *err)
{
	char name[HOSTNAME_BYTES + 1] = "";

	if (set->hostname == NULL) {
		if (gethostname(name, HOSTNAME_BYTES) == -1)
			return err_sys(err, "gethostname");
		set->hostname = mem_strdup(name[0] != '\0' ? name :
		    "localhost");
	}
	for (const char *p = set->hostname; *p != '\0'; p++) {
		if (!isgraph((unsigned char)*p) || *p == '/' || *p == ':')
			return err_set(err, ERR_CONFIG,
			    "hostname \"%s\" cannot be in a file name",
			    set->hostname);
	}
	return 0;
}

static int
check_values(const struct settings *set, struct err *err)
{
	const char *c = set->alt_char;

	if (c == NULL || strlen(c) != 1 || !isgraph((unsigned char)c[0]) ||
	    strchr("/.\\~", c[0]) != NULL)
		return err_set(err, ERR_CONFIG,
		    "alt_char is one visible character, none of / . \\ ~");
	return 0;
}

/* origin is heap memory, and what is returned. */
static char *
tell_what_to_do(char *origin, bool create)
{
	char *text = mem_printf("%s; if the mail is elsewhere, say where by -o "
	    "mail_location=FORMAT:PATH or in " CONFIG_NAME "%s", origin,
	    create ? "" : "; --create makes a new store there");

	free(origin);
	return text;
}

static int
expand_locations(struct settings *set, struct err *err)
{
	const char *home = account_home(&set->owner);
	char cwd[PATH_MAX];

	/* The mail of a user does not depend on where the program starts. */
	if (mail_conf_locate(&set->mail, &set->conf, &set->owner,
	    set->user != NULL ? home : getcwd(cwd, sizeof(cwd)),
	    &set->location, err) == -1)
		return -1;
	set->origin = tell_what_to_do(mail_conf_origin(&set->mail,
	    &set->conf), set->create);
	if (set->state_dir == NULL)
		return 0;
	set->state_path = mail_location_expand_path(set->state_dir,
	    set->owner.name, home, err);
	return set->state_path != NULL ? 0 : err_prefix(err, "state_dir");
}

int
settings_read(struct settings *set, struct err *err)
{
	return read_files(set, err) == -1 || read_dovecot(set, err) == -1 ?
	    -1 : 0;
}

int
settings_become(struct settings *set, struct err *err)
{
	if (user_become(&set->owner, err) == -1 ||
	    set_hostname(set, err) == -1 || check_values(set, err) == -1 ||
	    store_conf_resolve(&set->store, err) == -1)
		return -1;
	dovecot_name_store(&set->dovecot, &set->store.settings);
	if (set->command == COMMAND_ENROL || set->command == COMMAND_KEY)
		return 0;
	return expand_locations(set, err);
}

int
settings_load(struct settings *set, struct err *err)
{
	if (settings_read(set, err) == -1 ||
	    settings_find_user(set, err) == -1)
		return -1;
	return settings_become(set, err);
}

void
settings_deinit(struct settings *set)
{
	account_deinit(&set->owner);
	dovecot_deinit(&set->dovecot);
	mail_location_deinit(&set->location);
	free(set->state_path);
	set->state_path = NULL;
	free(set->origin);
	set->origin = NULL;
	conf_deinit(&set->conf);
}
