#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "model/mail_location.h"
#include "net/config_file.h"
#include "priv/auth_userdb.h"
#include "users/passwd_file.h"
#include "users/userdb.h"

/* Dovecot's own tools call themselves so; its settings may depend on it. */
#define SERVICE		"doveadm"
#define NOBODY_UID	65534U

static bool
is_set(const char *value)
{
	return value != NULL && value[0] != '\0';
}

int
userdb_check_name(const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (len == 0 || len > USER_NAME_MAX)
		return err_set(err, ERR_CONFIG, "the name of a user has 1 to "
		    "%u bytes", USER_NAME_MAX);
	if (name[0] == '-' || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0 || strchr(name, '/') != NULL)
		return err_set(err, ERR_CONFIG, "\"%.80s\" is no user name: "
		    "it may not begin with '-', hold '/', or be . or ..",
		    name);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c < 0x20 || c == 0x7f)
			return err_set(err, ERR_CONFIG, "\"%.80s\" is no user "
			    "name: it holds a control character", name);
	}
	return 0;
}

static struct auth_socket
socket_of(const struct user_conf *conf)
{
	return (struct auth_socket){ .path = conf->auth_socket_path,
	    .service = SERVICE, .timeout = conf->userdb_timeout };
}

/* Read the passwd-file; name fills its %-variables, NULL: it may have none. */
static int
read_file(const struct user_conf *conf, const char *name, struct strbuf *text,
    struct err *err)
{
	char *path = mail_location_expand(conf->passwd_file, name, NULL, err);
	int ret;

	if (path == NULL && name == NULL)
		return err_set(err, ERR_CONFIG, "passwd_file %s: its users "
		    "cannot be listed, since each has a file of its own",
		    conf->passwd_file);
	if (path == NULL)
		return err_prefix(err, "passwd_file");
	ret = config_file_read(path, text, err);
	/* A missing file is our trouble, not an unknown user. */
	if (ret == -1 && err->code == ERR_NOTFOUND)
		err->code = ERR_CONFIG;
	if (ret == -1)
		err_prefix(err, "passwd_file");
	free(path);
	return ret;
}

static int
find_in_file(const struct user_conf *conf, const char *name,
    struct account *user_r, struct err *err)
{
	struct strbuf text;
	int ret = -1;

	if (strchr(name, ':') != NULL)
		return err_set(err, ERR_NOTFOUND, "no user has a ':' in the "
		    "name");
	strbuf_init(&text, PASSWD_FILE_MAX);
	if (read_file(conf, name, &text, err) == 0) {
		ret = passwd_file_find(text.data, text.len, name, user_r,
		    err);
		if (ret == -1)
			err_prefix(err, "%s", conf->passwd_file);
	}
	strbuf_deinit(&text);
	return ret;
}

/* A field of the entry, else the setting that stands in for it, else NULL. */
static const char *
field_or(const struct account *user, const char *key, const char *setting)
{
	const char *value = account_field(user, key);

	if (is_set(value))
		return value;
	return is_set(setting) ? setting : NULL;
}

static int
resolve_ids(struct account *user, const struct user_conf *conf,
    struct err *err)
{
	const char *uid = field_or(user, "uid", conf->mail_uid),
	    *gid = field_or(user, "gid", conf->mail_gid);

	if (uid == NULL || gid == NULL)
		return err_set(err, ERR_CONFIG, "the entry of the user %s has "
		    "no %s: give one there, or set %s", user->name,
		    uid == NULL ? "uid" : "gid",
		    uid == NULL ? "mail_uid" : "mail_gid");
	if (account_uid_parse(&user->uid, uid, err) == -1 ||
	    account_gid_parse(&user->gid, gid, err) == -1)
		return err_prefix(err, "the user %s", user->name);
	return 0;
}

static int
resolve_home(struct account *user, const struct user_conf *conf,
    struct err *err)
{
	const char *home = account_field(user, "home");

	if (is_set(home))
		user->home = mem_strdup(home);
	else if (is_set(conf->mail_home))
		user->home = mail_location_expand(conf->mail_home, user->name,
		    NULL, err);
	else
		user->home = mem_strdup(ACCOUNT_NO_HOME);
	if (user->home == NULL)
		return err_prefix(err, "mail_home");
	if (user->home[0] != '/' || strlen(user->home) >= PATH_MAX)
		return err_set(err, ERR_CONFIG, "the home of the user %s, "
		    "%.80s, is no absolute path", user->name, user->home);
	return 0;
}

/* Make rights and home of what the entry says. */
static int
resolve(struct account *user, const struct user_conf *conf, struct err *err)
{
	const char *groups = account_field(user, "system_groups_user");

	if (userdb_check_name(user->name, err) == -1)
		return err_prefix(err, "the user database");
	if (resolve_ids(user, conf, err) == -1 ||
	    resolve_home(user, conf, err) == -1)
		return -1;
	if (is_set(groups))
		user->groups_of = mem_strdup(groups);
	user->become = true;
	return 0;
}

static int
check_ids(const struct user_conf *conf, const struct account *user,
    struct err *err)
{
	bool valid = user->uid >= conf->first_valid_uid &&
	    (conf->last_valid_uid == 0 || user->uid <= conf->last_valid_uid);

	/* What the process has anyway, nobody has to allow. */
	if (user->uid == geteuid() && user->uid != 0 && user->gid != 0)
		return 0;
	if (!valid || user->uid == 0 || user->gid == 0)
		return err_set(err, ERR_PERM, "the user %s has uid %lu and "
		    "gid %lu, which may have no mail here (first_valid_uid, "
		    "last_valid_uid)", user->name, (unsigned long)user->uid,
		    (unsigned long)user->gid);
	return 0;
}

int
userdb_find(const struct user_conf *conf, const char *name,
    struct account *user_r, struct err *err)
{
	const struct auth_socket sock = socket_of(conf);
	struct account user = { .name = NULL };
	int ret;

	if (userdb_check_name(name, err) == -1)
		return -1;
	if (is_set(conf->auth_socket_path)) {
		ret = auth_userdb_find(&sock, name, &user, err);
		if (ret == 0)
			ret = resolve(&user, conf, err);
	} else if (is_set(conf->passwd_file)) {
		ret = find_in_file(conf, name, &user, err);
		if (ret == 0)
			ret = resolve(&user, conf, err);
	} else {
		ret = account_of_system(&user, name, err);
	}
	if (ret == 0)
		ret = check_ids(conf, &user, err);
	if (ret == -1) {
		account_deinit(&user);
		return -1;
	}
	*user_r = user;
	return 0;
}

int
userdb_add_groups(const struct user_conf *conf, bool mbox,
    struct account *user, struct err *err)
{
	char *list, *rest, *word;
	int ret = 0;

	if (!user->become)
		return 0;
	if (is_set(conf->mail_access_groups)) {
		list = rest = mem_strdup(conf->mail_access_groups);
		while (ret == 0 && (word = strsep(&rest, ", ")) != NULL) {
			if (*word != '\0')
				ret = account_add_group(user, word, err);
		}
		free(list);
		if (ret == -1)
			return err_prefix(err, "mail_access_groups");
	}
	if (mbox && is_set(conf->mail_privileged_group) &&
	    account_add_group(user, conf->mail_privileged_group, err) == -1)
		return err_prefix(err, "mail_privileged_group");
	return 0;
}

static bool
has_mail(const struct user_conf *conf, const struct passwd *pw)
{
	struct stat st;

	return pw->pw_uid >= conf->first_valid_uid && pw->pw_uid != 0 &&
	    pw->pw_gid != 0 && (pw->pw_uid != NOBODY_UID ||
	    conf->last_valid_uid != 0) && (conf->last_valid_uid == 0 ||
	    pw->pw_uid <= conf->last_valid_uid) && pw->pw_dir[0] == '/' &&
	    stat(pw->pw_dir, &st) == 0 && S_ISDIR(st.st_mode);
}

/* fn may look users up itself, so all are read before it is called. */
static int
each_of_system(const struct user_conf *conf, userdb_each_fn *fn, void *arg,
    struct err *err)
{
	const struct passwd *pw;
	struct strbuf names;
	int ret = 0;

	strbuf_init(&names, PASSWD_FILE_MAX);
	setpwent();
	while (errno = 0, (pw = getpwent()) != NULL) {
		if (has_mail(conf, pw)) {
			strbuf_add(&names, pw->pw_name,
			    strlen(pw->pw_name) + 1);
		}
	}
	if (errno != 0 && errno != ENOENT)
		ret = err_sys(err, "list the users of the system");
	endpwent();
	if (names.failed)
		ret = err_set(err, ERR_REFUSED,
		    "the system has too many users to list");
	for (size_t i = 0; ret == 0 && i < names.len;
	    i += strlen(names.data + i) + 1)
		ret = fn(names.data + i, arg, err);
	strbuf_deinit(&names);
	return ret;
}

int
userdb_each(const struct user_conf *conf, userdb_each_fn *fn, void *arg,
    struct err *err)
{
	const struct auth_socket sock = socket_of(conf);
	struct strbuf text;
	int ret;

	if (is_set(conf->auth_socket_path))
		return auth_userdb_list(&sock, fn, arg, err);
	if (!is_set(conf->passwd_file))
		return each_of_system(conf, fn, arg, err);
	strbuf_init(&text, PASSWD_FILE_MAX);
	ret = read_file(conf, NULL, &text, err);
	if (ret == 0)
		ret = passwd_file_each(text.data, text.len, fn, arg, err);
	strbuf_deinit(&text);
	return ret;
}
