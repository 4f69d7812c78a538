/*
 * user.h - whose mail it is: name, rights and home
 *
 * A user comes from a passwd-file, where one is set, or from the system.  Root
 * can become any of them; everybody else only those that share their own uid.
 */
#ifndef CLIENT_USER_H
#define CLIENT_USER_H

#include "base/err.h"
#include "priv/account.h"

/*
 * Find a user: name NULL means who runs the program, with HOME from the
 * environment if that is absolute.  passwd_file NULL: the system's users.
 * ERR_NOTFOUND: there is none of this name, or no such file.
 */
int user_find(struct account *user_r, const char *name,
    const char *passwd_file, struct err *err);

/*
 * From here on have only the rights of user; HOME, USER and LOGNAME say so too.
 * Nothing to do if the process has no other.  ERR_PERM: it is somebody else,
 * and not root.
 */
int user_become(const struct account *user, struct err *err);

#endif
