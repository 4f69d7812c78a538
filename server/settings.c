#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "conf/conf_args.h"
#include "conf/conf_file.h"
#include "conf/conf_print.h"
#include "net/keys.h"
#include "server/settings.h"

#define CONFIG_NAME	"dsync-server.conf"
#define PRINT_MAX	(256U * 1024U)	/* bytes */

static const struct {
	const char *word;
	enum server_command command;
	bool argument;
} commands[] = {
	{ "serve", SERVER_SERVE, false },
	{ "init", SERVER_INIT, false },
	{ "token", SERVER_TOKEN, false },
	{ "peers", SERVER_PEERS, false },
	{ "revoke", SERVER_REVOKE, true },
	{ "settings", SERVER_SETTINGS, false },
};

static int
parse_command(struct server_settings *set, const char *word, bool *argument_r,
    struct err *err)
{
	for (size_t i = 0; i < nitems(commands); i++) {
		if (strcmp(word, commands[i].word) != 0)
			continue;
		set->command = commands[i].command;
		*argument_r = commands[i].argument;
		return 0;
	}
	return err_set(err, ERR_CONFIG, "unknown command %.80s: serve, init, "
	    "token, peers, revoke and settings are known", word);
}

static int
parse_args(struct server_settings *set, int argc, char **argv,
    struct err *err)
{
	bool argument = false;
	int next = 1;

	set->command = SERVER_SERVE;
	if (conf_args_parse(&set->conf, argc, argv, &next, err) == -1)
		return -1;
	if (next < argc) {
		if (parse_command(set, argv[next++], &argument, err) == -1 ||
		    conf_args_parse(&set->conf, argc, argv, &next, err) == -1)
			return -1;
	}
	if (argument && next < argc)
		set->argument = argv[next++];
	if (next < argc)
		return err_set(err, ERR_CONFIG, "unexpected word %.80s",
		    argv[next]);
	if (set->stdio)
		set->command = SERVER_STDIO;
	if (set->help)
		set->command = SERVER_HELP;
	if (set->version)
		set->command = SERVER_VERSION;
	return 0;
}

static int
read_file(struct server_settings *set, struct err *err)
{
	char *path;
	int ret;

	if (set->config != NULL) {
		ret = dovecot_owns(set->config, err);
		if (ret == 0)
			ret = conf_file_read(&set->conf, set->config,
			    CONF_FILE, err);
		else if (ret == 1)
			ret = conf_set(&set->conf, "dovecot_config",
			    set->config, CONF_FILE, err);
		return ret;
	}
	path = mem_printf("%s/" CONFIG_NAME, set->config_dir);
	ret = conf_file_read(&set->conf, path, CONF_FILE, err);
	free(path);
	if (ret == -1 && err->code == ERR_NOTFOUND) {
		*err = (struct err)ERR_INIT;
		return 0;
	}
	return ret;
}

/* Those of a Dovecot, where they are about what is asked for. */
static int
read_dovecot(struct server_settings *set, struct err *err)
{
	struct dovecot_target target = { .conf = &set->conf,
	    .mail = &set->mail, .users = &set->users };

	switch (set->command) {
	case SERVER_SERVE:
	case SERVER_STDIO:
	case SERVER_TOKEN:
	case SERVER_SETTINGS:
		return dovecot_load(&set->dovecot, &target, err);
	case SERVER_INIT:
	case SERVER_PEERS:
	case SERVER_REVOKE:
	case SERVER_HELP:
	case SERVER_VERSION:
		return 0;
	}
	abort();
}

/* The folder as an absolute path: net and store change theirs. */
static int
find_config_dir(struct server_settings *set, struct err *err)
{
	struct strbuf dir;
	char cwd[PATH_MAX];
	int ret = -1;

	strbuf_init(&dir, PATH_MAX);
	if (keys_config_dir(&dir, err) == -1)
		goto out;
	if (dir.data[0] == '/') {
		set->config_dir = mem_strdup(dir.data);
	} else {
		if (getcwd(cwd, sizeof(cwd)) == NULL) {
			err_sys(err, "the current folder");
			goto out;
		}
		set->config_dir = mem_printf("%s/%s", cwd, dir.data);
	}
	ret = 0;
out:
	strbuf_deinit(&dir);
	return ret;
}

/*
 * Make a path absolute: a relative one, or name where none was set, lies in
 * the configuration folder.
 */
static void
resolve(const struct server_settings *set, char **field, const char *name)
{
	char *old = *field;

	if (old == NULL && name == NULL)
		return;
	if (old != NULL && old[0] == '/')
		return;
	*field = mem_printf("%s/%s", set->config_dir,
	    old != NULL ? old : name);
	free(old);
}

int
server_settings_load(struct server_settings *set, int argc, char **argv,
    struct err *err)
{
	const struct optdef *defs;
	size_t count;

	memset(set, 0, sizeof(*set));
	defs = server_optdefs(&count);
	conf_init(&set->conf, defs, count, set);
	if (parse_args(set, argc, argv, err) == -1)
		return -1;
	if (set->command == SERVER_HELP || set->command == SERVER_VERSION)
		return 0;
	if (find_config_dir(set, err) == -1 || read_file(set, err) == -1 ||
	    read_dovecot(set, err) == -1 || store_conf_resolve(&set->store, err) == -1)
		return -1;
	resolve(set, &set->ssl_key, KEYS_KEY_FILE);
	resolve(set, &set->ssl_cert, KEYS_CERT_FILE);
	resolve(set, &set->ssl_ca, NULL);
	resolve(set, &set->ssl_crl, NULL);
	resolve(set, &set->peers, "peers");
	resolve(set, &set->token_dir, "tokens");
	if (set->users.passwd_file != NULL && set->users.passwd_file[0] != '\0')
		resolve(set, &set->users.passwd_file, NULL);
	resolve(set, &set->port_file, NULL);
	return 0;
}

void
server_settings_deinit(struct server_settings *set)
{
	dovecot_deinit(&set->dovecot);
	conf_deinit(&set->conf);
	free(set->config_dir);
	set->config_dir = NULL;
}

bool
server_settings_single(const struct server_settings *set)
{
	switch ((enum single_user)set->single_user) {
	case SINGLE_USER_AUTO:
		return geteuid() != 0;
	case SINGLE_USER_NO:
		return false;
	case SINGLE_USER_YES:
		return true;
	}
	abort();
}

void
server_settings_help(void)
{
	const struct optdef *defs;
	size_t count;

	defs = server_optdefs(&count);
	conf_print_usage(
	    "usage: dsync-server [options] [serve]\n"
	    "       dsync-server [options] init\n"
	    "       dsync-server [options] token --user USER\n"
	    "           [--access ACCESS] [--name NAME] "
	    "[--address HOST[:PORT]]...\n"
	    "       dsync-server [options] peers\n"
	    "       dsync-server [options] revoke sha256:...\n"
	    "       dsync-server [options] settings\n"
	    "       dsync-server [options] --stdio\n",
	    defs, count, "dsync-server.conf(5)");
}

void
server_settings_print(const struct server_settings *set)
{
	struct strbuf text;

	strbuf_init(&text, PRINT_MAX);
	conf_print_settings(&set->conf, false, &text);
	fputs(text.data, stdout);
	strbuf_deinit(&text);
}
