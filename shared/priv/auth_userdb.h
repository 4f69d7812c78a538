/*
 * auth_userdb.h - users asked from a running Dovecot's auth process
 *
 * Over its UNIX socket auth-userdb, with a deadline for the whole exchange.
 * Of the errors: ERR_TEMP: it does not run, answers too late, hangs up or has
 * trouble of its own; ERR_PERM: the socket may not be used; ERR_PROTO: what
 * answers is no auth process.
 */
#ifndef PRIV_AUTH_USERDB_H
#define PRIV_AUTH_USERDB_H

#include "base/err.h"
#include "priv/account.h"

#define AUTH_USERS_MAX	1000000U	/* names of one list */

struct auth_socket {
	const char *path;
	const char *service;	/* what to call ourselves: "doveadm" */
	unsigned int timeout;	/* seconds, 1 and up */
};

/*
 * Look a user up.  user_r gets the name as Dovecot spells it, and the fields
 * (uid, gid, home, mail, ...) as they came; nothing else is set.  ERR_NOTFOUND:
 * there is no such user.
 */
int auth_userdb_find(const struct auth_socket *sock, const char *name,
    struct account *user_r, struct err *err);

/*
 * Call fn for each user once all have been told; -1 from fn ends it with -1.
 * Some may turn out to be no users for mail when they are looked up.
 */
int auth_userdb_list(const struct auth_socket *sock,
    int (*fn)(const char *name, void *arg, struct err *err), void *arg,
    struct err *err);

#endif
