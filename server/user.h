/*
 * user.h - rights and home of a user of this server
 */
#ifndef SERVER_USER_H
#define SERVER_USER_H

#include "base/err.h"
#include "priv/account.h"
#include "server/settings.h"

/*
 * Find a user.  In single-user mode each name means the user who started the
 * server; else as userdb_find (users/userdb.h).  ERR_NOTFOUND: there is no such
 * user; ERR_PERM: its uid or gid must not be served.
 */
int user_find(const struct server_settings *set, const char *name,
    struct account *user_r, struct err *err);

#endif
