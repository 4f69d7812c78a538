#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "net/config_file.h"
#include "net/peers.h"
#include "server/userdb.h"

static int
find_in_file(const char *path, const char *name, struct account *user_r,
    struct err *err)
{
	struct strbuf text;
	int ret = -1;

	strbuf_init(&text, ACCOUNT_FILE_MAX);
	if (config_file_read(path, &text, err) == 0) {
		ret = account_parse(user_r, name, text.data, text.len, err);
		if (ret == -1)
			err_prefix(err, "%s", path);
	} else if (err->code == ERR_NOTFOUND) {
		/* A missing file is our trouble, not an unknown user. */
		err->code = ERR_CONFIG;
	}
	strbuf_deinit(&text);
	return ret;
}

static int
check_ids(const struct server_settings *set, const struct account *user,
    struct err *err)
{
	if (!user->become)
		return 0;
	if (user->uid < set->first_valid_uid || user->uid == 0 ||
	    user->gid == 0)
		return err_set(err, ERR_PERM, "the user %s has uid %lu and "
		    "gid %lu, which are not served (first_valid_uid)",
		    user->name, (unsigned long)user->uid,
		    (unsigned long)user->gid);
	return 0;
}

int
userdb_find(const struct server_settings *set, const char *name,
    struct account *user_r, struct err *err)
{
	struct account user = { .name = NULL };
	int ret;

	if (!peer_user_valid(name, strlen(name)) || strchr(name, ':') != NULL)
		return err_set(err, ERR_NOTFOUND, "this cannot be a user");
	if (server_settings_single(set))
		ret = account_of_self(&user, name, err);
	else if (set->passwd_file != NULL)
		ret = find_in_file(set->passwd_file, name, &user, err);
	else
		ret = account_of_system(&user, name, err);
	if (ret == 0)
		ret = check_ids(set, &user, err);
	if (ret == -1) {
		account_deinit(&user);
		return -1;
	}
	if (user.mail_location == NULL)
		user.mail_location = mem_strdup(set->mail_location);
	*user_r = user;
	return 0;
}
