/*
 * passwd_file.h - users in the lines of a file
 *
 *	user:password:uid:gid:gecos:home:shell:fields
 *
 * Dovecot's passwd-file: of the fields, separated by blanks, those that begin
 * with userdb_ are the user's; the password is not looked at.  Empty lines and
 * those that begin with '#' are none.
 */
#ifndef USERS_PASSWD_FILE_H
#define USERS_PASSWD_FILE_H

#include <stddef.h>

#include "base/err.h"
#include "priv/account.h"

#define PASSWD_FILE_MAX	(16U * 1024U * 1024U)	/* bytes */

/*
 * Find name in the text of a file; text[len] is a NUL.  user_r gets the name
 * and the fields uid, gid and home (where not empty), and those after them.
 * ERR_NOTFOUND: no such line, or one that has a user and a password only;
 * ERR_CONFIG: there is a NUL in the text, or a field that is none.
 */
int passwd_file_find(const char *text, size_t len, const char *name,
    struct account *user_r, struct err *err);

/*
 * Call fn for each user that passwd_file_find would find; -1 from it ends it
 * with -1.
 */
int passwd_file_each(const char *text, size_t len,
    int (*fn)(const char *name, void *arg, struct err *err), void *arg,
    struct err *err);

#endif
