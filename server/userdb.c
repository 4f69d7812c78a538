#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "net/config_file.h"
#include "net/peers.h"
#include "server/userdb.h"

#define FIELDS	7U	/* the eighth, with our fields, may hold ':' */

void
userdb_user_deinit(struct userdb_user *user)
{
	free(user->name);
	free(user->home);
	free(user->mail_location);
	free(user->groups_of);
	memset(user, 0, sizeof(*user));
}

/* 1..2^32-2 in decimal: root has no mail here, and -1 means "no change". */
static bool
parse_id(const char *text, unsigned int *id_r)
{
	unsigned long long n = 0;

	if (*text == '\0' || strlen(text) > 10)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (unsigned long long)(*text - '0');
	}
	if (n == 0 || n >= UINT32_MAX)
		return false;
	*id_r = (unsigned int)n;
	return true;
}

static char *
find_mail(char *fields)
{
	char *save = NULL;

	for (char *word = strtok_r(fields, " \t", &save); word != NULL;
	    word = strtok_r(NULL, " \t", &save)) {
		if (strncmp(word, "userdb_mail=", 12) == 0)
			return mem_strdup(word + 12);
		if (strncmp(word, "mail=", 5) == 0)
			return mem_strdup(word + 5);
	}
	return NULL;
}

static int
parse_line(char *line, struct userdb_user *user_r, struct err *err)
{
	char empty[] = "", *fields[FIELDS], *rest = line;
	unsigned int uid, gid;

	for (size_t i = 0; i < FIELDS; i++) {
		fields[i] = strsep(&rest, ":");
		if (fields[i] == NULL)
			fields[i] = empty;
	}
	if (!parse_id(fields[2], &uid) || !parse_id(fields[3], &gid))
		return err_set(err, ERR_CONFIG, "uid and gid of %s must be "
		    "numbers above 0", fields[0]);
	if (fields[5][0] != '/')
		return err_set(err, ERR_CONFIG, "the home of %s is not an "
		    "absolute path", fields[0]);
	*user_r = (struct userdb_user){
		.name = mem_strdup(fields[0]),
		.home = mem_strdup(fields[5]),
		.mail_location = rest != NULL ? find_mail(rest) : NULL,
		.become = true,
		.uid = uid,
		.gid = gid,
	};
	return 0;
}

int
userdb_parse(const char *text, const char *name, struct userdb_user *user_r,
    struct err *err)
{
	size_t len = strlen(name);
	const char *end;
	char *line;
	int ret;

	for (; *text != '\0'; text = *end == '\0' ? end : end + 1) {
		end = strchrnul(text, '\n');
		if (strncmp(text, name, len) != 0 || text[len] != ':')
			continue;
		line = mem_strndup(text, (size_t)(end - text));
		ret = parse_line(line, user_r, err);
		free(line);
		return ret;
	}
	return err_set(err, ERR_NOTFOUND, "there is no user %s", name);
}

static int
find_in_file(const char *path, const char *name, struct userdb_user *user_r,
    struct err *err)
{
	struct strbuf text;
	int ret = -1;

	strbuf_init(&text, USERDB_FILE_MAX);
	if (config_file_read(path, &text, err) == -1) {
		/* A missing file is our trouble, not an unknown user. */
		if (err->code == ERR_NOTFOUND)
			err->code = ERR_CONFIG;
	} else if (strlen(text.data) != text.len) {
		err_set(err, ERR_CONFIG, "%s holds a NUL", path);
	} else {
		ret = userdb_parse(text.data, name, user_r, err);
	}
	strbuf_deinit(&text);
	return ret;
}

static int
find_in_system(const char *name, struct userdb_user *user_r, struct err *err)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL && errno != 0 && errno != ENOENT && errno != ESRCH)
		return err_sys(err, "look up the user %s", name);
	/* Some databases ignore case: then it is another user. */
	if (pw == NULL || strcmp(pw->pw_name, name) != 0)
		return err_set(err, ERR_NOTFOUND, "there is no user %s", name);
	if (pw->pw_dir[0] != '/')
		return err_set(err, ERR_CONFIG, "the user %s has no home",
		    name);
	*user_r = (struct userdb_user){
		.name = mem_strdup(name),
		.home = mem_strdup(pw->pw_dir),
		.groups_of = mem_strdup(name),
		.become = true,
		.uid = pw->pw_uid,
		.gid = pw->pw_gid,
	};
	return 0;
}

static int
find_self(const char *name, struct userdb_user *user_r, struct err *err)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (home == NULL || home[0] != '/') {
		pw = getpwuid(geteuid());
		home = pw != NULL ? pw->pw_dir : NULL;
	}
	if (home == NULL || home[0] != '/')
		return err_set(err, ERR_CONFIG, "no home folder: set HOME");
	*user_r = (struct userdb_user){
		.name = mem_strdup(name),
		.home = mem_strdup(home),
		.uid = geteuid(),
		.gid = getegid(),
	};
	return 0;
}

static int
check_ids(const struct server_settings *set, const struct userdb_user *user,
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
    struct userdb_user *user_r, struct err *err)
{
	struct userdb_user user = { .name = NULL };
	int ret;

	if (!peer_user_valid(name, strlen(name)) || strchr(name, ':') != NULL)
		return err_set(err, ERR_NOTFOUND, "this cannot be a user");
	if (server_settings_single(set))
		ret = find_self(name, &user, err);
	else if (set->passwd_file != NULL)
		ret = find_in_file(set->passwd_file, name, &user, err);
	else
		ret = find_in_system(name, &user, err);
	if (ret == 0)
		ret = check_ids(set, &user, err);
	if (ret == -1) {
		userdb_user_deinit(&user);
		return -1;
	}
	if (user.mail_location == NULL)
		user.mail_location = mem_strdup(set->mail_location);
	*user_r = user;
	return 0;
}
