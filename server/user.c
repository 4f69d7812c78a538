#include "config.h"

#include <string.h>

#include "net/peers.h"
#include "server/user.h"
#include "users/userdb.h"

int
user_find(const struct server_settings *set, const char *name,
    struct account *user_r, struct err *err)
{
	if (!peer_user_valid(name, strlen(name)))
		return err_set(err, ERR_NOTFOUND, "this cannot be a user");
	if (server_settings_single(set))
		return account_of_self(user_r, name, err);
	return userdb_find(&set->users, name, user_r, err);
}
