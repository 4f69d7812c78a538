/*
 * userdb.h - users: rights, home, and what their entries say about their mail
 *
 * The first of these that is set is asked, and no other: the auth process of
 * a running Dovecot (auth_socket_path), a passwd-file (passwd_file), the users
 * of the system.
 */
#ifndef USERS_USERDB_H
#define USERS_USERDB_H

#include <stdbool.h>

#include "base/err.h"
#include "priv/account.h"
#include "users/user_conf.h"

#define USER_NAME_MAX	255U	/* bytes */

/*
 * Can it be a user's name?  ERR_CONFIG: it is empty, too long, "." or "..",
 * begins with '-', or has a '/' or a control character.
 */
int userdb_check_name(const char *name, struct err *err);

/*
 * Find a user.  ERR_NOTFOUND: there is none of this name; ERR_PERM: its uid is
 * outside first_valid_uid..last_valid_uid; ERR_CONFIG: its entry, a file or
 * a setting wants a person's hand; ERR_TEMP: the user database has trouble.
 * The fields of the entry that are settings wait in user_r->fields.
 */
int userdb_find(const struct user_conf *conf, const char *name,
    struct account *user_r, struct err *err);

/*
 * Add the groups that the settings give to who becomes this user: those of
 * mail_access_groups, and for an mbox, where a lock file is made in a folder of
 * others, mail_privileged_group.  ERR_CONFIG: there is no such group.
 */
int userdb_add_groups(const struct user_conf *conf, bool mbox,
    struct account *user, struct err *err);

/*
 * Call fn for each user.  A name that fn gets can still be ERR_NOTFOUND when it
 * is looked up: a user without mail, to be skipped.  Of the system's users
 * those are told whose uid is valid and whose home is a directory.  -1 from fn
 * ends it with -1.
 */
typedef int userdb_each_fn(const char *name, void *arg, struct err *err);
int userdb_each(const struct user_conf *conf, userdb_each_fn *fn, void *arg,
    struct err *err);

#endif
