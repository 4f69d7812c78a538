/*
 * user.c - whose mail it is: name, rights and home
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "client/user.h"
#include "priv/drop.h"
#include "users/userdb.h"

int
user_find(struct account *user_r, const char *name,
    const struct user_conf *conf, struct err *err)
{
	if (name == NULL)
		return account_of_self(user_r, NULL, err);
	return userdb_find(conf, name, user_r, err);
}

static int
set_environment(const struct account *user, struct err *err)
{
	if (setenv("HOME", user->home, 1) == -1 ||
	    setenv("USER", user->name, 1) == -1 ||
	    setenv("LOGNAME", user->name, 1) == -1)
		return err_sys(err, "setenv");
	return 0;
}

int
user_become(const struct account *user, struct err *err)
{
	const struct drop drop = {
		.uid = user->uid, .gid = user->gid, .user = user->groups_of,
		.more = user->groups, .more_count = user->group_count,
	};

	if (getuid() == user->uid && geteuid() == user->uid)
		return set_environment(user, err);
	if (geteuid() != 0)
		return err_set(err, ERR_PERM,
		    "only root can work for %s, who has another uid",
		    user->name);
	if (drop_to(&drop, err) == -1)
		return err_prefix(err, "become %s", user->name);
	return set_environment(user, err);
}
