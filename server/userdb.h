/*
 * userdb.h - rights, home and mail of a user of this server
 */
#ifndef SERVER_USERDB_H
#define SERVER_USERDB_H

#include "base/err.h"
#include "priv/account.h"
#include "server/settings.h"

/*
 * Find a user.  In single-user mode each name means the user who started the
 * server.  Else passwd_file is asked, if set, or the system.  mail_location,
 * with %-variables and ~, is always there.  ERR_NOTFOUND: there is no such
 * user; ERR_PERM: its uid or gid must not be served.
 */
int userdb_find(const struct server_settings *set, const char *name,
    struct account *user_r, struct err *err);

#endif
