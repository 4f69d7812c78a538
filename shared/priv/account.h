/*
 * account.h - name, ids and home of a user whose mail is worked on
 */
#ifndef PRIV_ACCOUNT_H
#define PRIV_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define ACCOUNT_FILE_MAX	(16U * 1024U * 1024U)	/* bytes */

struct account {
	char *name;		/* as asked for */
	char *home;		/* absolute */
	char *mail_location;	/* of the passwd-file; NULL: not said there */
	char *groups_of;	/* system user whose groups count; NULL: gid */
	bool become;		/* take on uid and gid: not who runs us */
	uid_t uid;
	gid_t gid;
};

void account_deinit(struct account *account);

/*
 * Find name in the text of a passwd-file,
 *	name:password:uid:gid:gecos:home:shell:fields
 * where fields may hold userdb_mail=LOCATION or mail=LOCATION.  text[len] is
 * a NUL.  ERR_NOTFOUND: no such line; ERR_CONFIG: there is a NUL in the text,
 * or the line is malformed, names root's uid or gid, or no home.
 */
int account_parse(struct account *account_r, const char *name,
    const char *text, size_t len, struct err *err);

/*
 * Find name among the users of the system.  ERR_NOTFOUND: there is none;
 * ERR_CONFIG: it has no home.
 */
int account_of_system(struct account *account_r, const char *name,
    struct err *err);

/*
 * Who runs the program, with HOME from the environment if that is absolute.
 * name: what to call this user; NULL: the system's name, ERR_NOTFOUND if it
 * has none.  ERR_CONFIG: there is no home.
 */
int account_of_self(struct account *account_r, const char *name,
    struct err *err);

#endif
