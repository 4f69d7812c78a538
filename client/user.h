/*
 * user.h - whose mail it is: name, rights and home
 *
 * A user comes from a passwd-file, where one is set, or from the system.  Root
 * can become any of them; everybody else only those that share their own uid.
 */
#ifndef CLIENT_USER_H
#define CLIENT_USER_H

#include <sys/types.h>

#include "base/err.h"

#define PASSWD_FILE_MAX	(16U * 1024U * 1024U)	/* bytes */

struct user {
	char *name;
	char *home;		/* absolute */
	char *mail_location;	/* from the passwd-file; NULL: not said there */
	uid_t uid;
	gid_t gid;
};

/*
 * Find a user: name NULL means who runs the program, with HOME from the
 * environment if that is absolute.  passwd_file NULL: the system's users.
 * ERR_NOTFOUND: there is none of this name.
 */
int user_find(struct user *user_r, const char *name, const char *passwd_file,
    struct err *err);
void user_deinit(struct user *user);

/*
 * Find name in the text of a passwd-file,
 *	name:password:uid:gid:gecos:home:shell:fields
 * where fields may hold userdb_mail=LOCATION or mail=LOCATION.  ERR_NOTFOUND:
 * no such line; ERR_CONFIG: the line is malformed, or names root's uid or no
 * home.
 */
int user_parse(struct user *user_r, const char *name, const char *text,
    struct err *err);

/*
 * From here on have only the rights of user; HOME, USER and LOGNAME say so too.
 * Nothing to do if the process has no other.  ERR_PERM: it is somebody else,
 * and not root.
 */
int user_become(const struct user *user, struct err *err);

#endif
