/*
 * main.c - the program dsync: start, choice of the command, exit status
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "client/all.h"
#include "client/enrol.h"
#include "client/settings.h"
#include "client/sync.h"
#include "log/log.h"
#include "net/token.h"
#include "session/confine.h"
#include "session/session.h"

static int
fail(const struct err *err)
{
	fprintf(stderr, "dsync: %s\n", err->msg);
	return err_exit_status(err->code);
}

/* A descriptor 0 to 2 that is closed would be given to the next file. */
static int
fill_standard_fds(void)
{
	int fd;

	do {
		if ((fd = open("/dev/null", O_RDWR)) == -1)
			return -1;
	} while (fd <= STDERR_FILENO);
	(void)close(fd);
	return 0;
}

/* The other program has started us: its brain, our mail. */
static int
serve(const struct settings *set)
{
	struct session_args args;
	struct err err = ERR_INIT;

	if (isatty(STDIN_FILENO)) {
		fprintf(stderr, "dsync: a command is missing: mirror or "
		    "backup; see dsync --help\n");
		return EX_USAGE;
	}
	sync_session_args(set, &args);
	args.features = FEATURE_ZSTD;
	if (session_confine(&args, &err) == -1 ||
	    session_main(STDIN_FILENO, STDOUT_FILENO, &args,
	    set->quiet_timeout, &err) == -1)
		return fail(&err);
	return EXIT_SUCCESS;
}

static int
print_key(void)
{
	char text[PIN_TEXT_SIZE];
	struct err err = ERR_INIT;
	struct pin pin;
	bool made;

	if (enrol_own_pin(NULL, &pin, &made, &err) == -1)
		return fail(&err);
	pin_format(text, &pin);
	printf("%s\n", text);
	return EXIT_SUCCESS;
}

static int
enrol(const struct settings *set)
{
	const char *token = set->words[0];
	struct enrol_result result;
	struct err err = ERR_INIT;
	char text[TOKEN_TEXT_MAX + 1];
	struct strbuf addr;

	if (strcmp(token, "-") == 0) {
		if (enrol_read_token(STDIN_FILENO, text, sizeof(text),
		    &err) == -1)
			return fail(&err);
		token = text;
	}
	if (enrol_run(token, NULL, set->connect_timeout, &result,
	    &err) == -1)
		return fail(&err);
	strbuf_init(&addr, SERVER_HOST_MAX + 16);
	server_addr_format(&addr, &result.addr);
	if (result.server_changed)
		fprintf(stderr, "dsync: the server had another key before\n");
	if (!set->quiet)
		printf("enrolled at %s as %s; now: dsync mirror %s@%s\n",
		    addr.data, result.user, result.user, addr.data);
	strbuf_deinit(&addr);
	return EXIT_SUCCESS;
}

static void
start_log(const struct settings *set)
{
	log_to_stderr("dsync");
	if (set->debug)
		log_level_set(LOG_LEVEL_DEBUG);
	else if (set->verbose)
		log_level_set(LOG_LEVEL_INFO);
}

static int
run_command(struct settings *set)
{
	struct err err = ERR_INIT;

	if (set->command == COMMAND_HELP) {
		settings_help();
		return EXIT_SUCCESS;
	}
	if (set->command == COMMAND_VERSION) {
		printf("%s\n", PACKAGE_STRING);
		return EXIT_SUCCESS;
	}
	if (set->all) {
		start_log(set);
		return all_main(set);
	}
	if (settings_load(set, &err) == -1)
		return fail(&err);
	start_log(set);
	switch (set->command) {
	case COMMAND_NONE:
		return serve(set);
	case COMMAND_MIRROR:
	case COMMAND_BACKUP:
		return sync_main(set);
	case COMMAND_ENROL:
		return enrol(set);
	case COMMAND_KEY:
		return print_key();
	case COMMAND_HELP:
	case COMMAND_VERSION:
		break;
	}
	abort();
}

int
main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct settings set;
	int status;

	if (fill_standard_fds() == -1)
		return EX_OSERR;
	(void)signal(SIGPIPE, SIG_IGN);
	if (settings_parse(&set, argc, argv, &err) == -1) {
		fprintf(stderr, "dsync: %s\n", err.msg);
		status = EX_USAGE;
	} else {
		status = run_command(&set);
	}
	settings_deinit(&set);
	/* Results that could not be written are no success. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_SUCCESS) {
		fprintf(stderr, "dsync: cannot write to standard output\n");
		status = EX_IOERR;
	}
	return status;
}
