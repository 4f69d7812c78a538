/*
 * user.c - whose mail it is: name, rights and home
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "client/user.h"
#include "net/config_file.h"
#include "priv/drop.h"

static int
find_in_file(struct account *user_r, const char *name, const char *path,
    struct err *err)
{
	struct strbuf text;
	int ret = -1;

	strbuf_init(&text, ACCOUNT_FILE_MAX);
	if (config_file_read(path, &text, err) == 0) {
		ret = account_parse(user_r, name, text.data, text.len, err);
		if (ret == -1)
			err_prefix(err, "%s", path);
	}
	strbuf_deinit(&text);
	return ret;
}

int
user_find(struct account *user_r, const char *name, const char *passwd_file,
    struct err *err)
{
	if (name == NULL)
		return account_of_self(user_r, NULL, err);
	if (name[0] == '\0' || strpbrk(name, ":\n/") != NULL)
		return err_set(err, ERR_CONFIG, "\"%s\" is no user name", name);
	if (passwd_file != NULL)
		return find_in_file(user_r, name, passwd_file, err);
	return account_of_system(user_r, name, err);
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
