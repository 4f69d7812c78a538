/*
 * user.h - whose mail it is: name, rights and home
 *
 * Root can become any user; everybody else only those that share their own uid.
 */
#ifndef CLIENT_USER_H
#define CLIENT_USER_H

#include "base/err.h"
#include "priv/account.h"

struct user_conf;

/*
 * Find a user: name NULL means who runs the program, with HOME from the
 * environment if that is absolute; else as userdb_find (users/userdb.h).
 */
int user_find(struct account *user_r, const char *name,
    const struct user_conf *conf, struct err *err);

/*
 * From here on have only the rights of user; HOME, USER and LOGNAME say so too.
 * Nothing to do if the process has no other.  ERR_PERM: it is somebody else,
 * and not root.
 */
int user_become(const struct account *user, struct err *err);

#endif
