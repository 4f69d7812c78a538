/*
 * userdb.h - rights, home and mail of a user of this server
 */
#ifndef SERVER_USERDB_H
#define SERVER_USERDB_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "server/settings.h"

#define USERDB_FILE_MAX	(16U * 1024U * 1024U)	/* bytes */

struct userdb_user {
	char *name;		/* mail user, as asked for */
	char *home;		/* absolute */
	char *mail_location;	/* with %-variables and ~ */
	char *groups_of;	/* system user whose groups count; NULL: gid */
	bool become;		/* take on uid and gid */
	uid_t uid;
	gid_t gid;
};

/*
 * Find a user.  In single-user mode each name means the user who started the
 * server.  Else passwd_file is asked, if set, or the system.  ERR_NOTFOUND:
 * there is no such user; ERR_PERM: its uid or gid must not be served.
 */
int userdb_find(const struct server_settings *set, const char *name,
    struct userdb_user *user_r, struct err *err);
void userdb_user_deinit(struct userdb_user *user);

/*
 * Find name in the text of a passwd-file:
 *	name:password:uid:gid:gecos:home:shell:fields
 * where fields may hold userdb_mail=LOCATION or mail=LOCATION.
 */
int userdb_parse(const char *text, const char *name,
    struct userdb_user *user_r, struct err *err);

#endif
