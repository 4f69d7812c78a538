/*
 * account.h - name, ids and home of a user whose mail is worked on
 */
#ifndef PRIV_ACCOUNT_H
#define PRIV_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define ACCOUNT_FIELDS_MAX	256U	/* fields of one user */
#define ACCOUNT_FIELD_MAX	8192U	/* bytes of a key with its value */
#define ACCOUNT_GROUPS_MAX	16U	/* groups besides those of the user */
#define ACCOUNT_NO_HOME		"/nonexistent"

/* What a user database says about a user besides uid, gid and home. */
struct account_field {
	char *key, *value;	/* value "" for a field without '=' */
};

struct account {
	char *name;		/* as the user database spells it */
	char *home;		/* absolute; ACCOUNT_NO_HOME: has none */
	char *groups_of;	/* system user whose groups count; NULL: gid */
	gid_t groups[ACCOUNT_GROUPS_MAX];	/* besides those */
	size_t group_count;
	bool become;		/* take on uid and gid: not who runs us */
	uid_t uid;
	gid_t gid;
	struct account_field *fields;
	size_t field_count;
};

void account_deinit(struct account *account);

/* The home, or NULL if there is none. */
const char *account_home(const struct account *account);

/*
 * Remember a field, or replace it.  ERR_CORRUPT: too many or too long, an
 * empty key, or a control character.
 */
int account_add_field(struct account *account, const char *key,
    size_t key_len, const char *value, size_t value_len, struct err *err);
/* The value of a field, NULL if it is not there. */
const char *account_field(const struct account *account, const char *key);

/*
 * A uid or gid as a number or as a name of the system.  ERR_CONFIG: there is
 * no such name, or it is root's, which has no mail here.
 */
int account_uid_parse(uid_t *uid_r, const char *text, struct err *err);
int account_gid_parse(gid_t *gid_r, const char *text, struct err *err);

/* Add a group, by number or name.  ERR_CONFIG: as above, or too many. */
int account_add_group(struct account *account, const char *text,
    struct err *err);

/*
 * Find name among the users of the system.  ERR_NOTFOUND: there is none;
 * ERR_CONFIG: it has no home.
 */
int account_of_system(struct account *account_r, const char *name,
    struct err *err);

/*
 * Who runs the program, with HOME from the environment if that is absolute.
 * name: what to call this user; NULL: the system's name, and if the system has
 * none for this uid, USER from the environment or else the uid in decimal.
 * ERR_CONFIG: there is no home.
 */
int account_of_self(struct account *account_r, const char *name,
    struct err *err);

#endif
