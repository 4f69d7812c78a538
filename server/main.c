/*
 * main.c - dsync-server: lets other hosts have the mail of this one
 */
#include "config.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "log/log.h"
#include "server/admin.h"
#include "server/listen.h"
#include "server/log_setup.h"
#include "server/settings.h"
#include "server/store_main.h"
#include "server/user.h"

/* A closed standard descriptor must not become a socket or a mailbox. */
static int
open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	return fd == -1 ? -1 : close(fd);
}

static int
fail(const struct err *err)
{
	fprintf(stderr, "dsync-server: %s\n", err->msg);
	return err_exit_status(err->code);
}

/* The mail of the user who started us, or as root that of --user. */
static int
run_stdio(struct server_settings *set, struct err *err)
{
	struct account user;
	struct store_args args = { .set = set, .user = &user,
	    .access = PEER_READ_WRITE, .peer = "stdio", .peer_name = "" };
	const struct passwd *pw = getpwuid(geteuid());
	const char *name = set->user;
	int ret;

	if (geteuid() != 0 || name == NULL)
		set->single_user = SINGLE_USER_YES;
	if (name != NULL && geteuid() != 0 &&
	    (pw == NULL || strcmp(pw->pw_name, name) != 0))
		return err_set(err, ERR_PERM, "only root can serve another "
		    "user");
	if (name == NULL)
		name = pw != NULL ? pw->pw_name : "unknown";
	if (user_find(set, name, &user, err) == -1)
		return -1;
	ret = store_main_stdio(&args);
	account_deinit(&user);
	return ret;
}

/* What a Dovecot's configuration makes one want to know. */
static void
remark(const struct server_settings *set)
{
	const struct dovecot_conf *dovecot = &set->dovecot;

	if (dovecot->remarks != NULL)
		log_info("doveconf says text=%s", dovecot->remarks);
	if (dovecot->others != NULL)
		log_warn("namespaces of Dovecot's that are not served names=%s",
		    dovecot->others);
}

static int
run(struct server_settings *set, struct err *err)
{
	switch (set->command) {
	case SERVER_SERVE:
		remark(set);
		return listen_main(set, err);
	case SERVER_STDIO:
		return run_stdio(set, err);
	case SERVER_INIT:
		return admin_init(set, err);
	case SERVER_TOKEN:
		return admin_token(set, err);
	case SERVER_PEERS:
		return admin_peers(set, err);
	case SERVER_REVOKE:
		return admin_revoke(set, err);
	case SERVER_SETTINGS:
		server_settings_print(set);
		return 0;
	case SERVER_HELP:
		server_settings_help();
		return 0;
	case SERVER_VERSION:
		printf("dsync-server %s\n", PACKAGE_VERSION);
		return 0;
	}
	return -1;
}

int
main(int argc, char **argv)
{
	struct server_settings set;
	struct err err = ERR_INIT;
	int ret;

	if (open_standard() == -1)
		return EX_OSERR;
	if (server_settings_load(&set, argc, argv, &err) == -1) {
		ret = fail(&err);
		server_settings_deinit(&set);
		return ret;
	}
	server_log_setup(&set);
	ret = run(&set, &err);
	if (ret == -1)
		ret = fail(&err);
	if (fflush(stdout) != 0 && ret == 0)
		ret = EX_IOERR;
	server_settings_deinit(&set);
	return ret;
}
