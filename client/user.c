/*
 * user.c - whose mail it is: name, rights and home
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "client/user.h"
#include "priv/drop.h"

#define PASSWD_FIELDS	8U

void
user_deinit(struct user *user)
{
	free(user->name);
	free(user->home);
	free(user->mail_location);
	*user = (struct user){ .name = NULL };
}

/* A decimal id above 0: root's mail is not served by such a file. */
static int
parse_id(const char *text, const char *what, const char *name,
    unsigned int *id_r, struct err *err)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' ||
	    n == 0 || n >= UINT32_MAX)
		return err_set(err, ERR_CONFIG,
		    "passwd-file: %s of %s is \"%s\", not a number above 0",
		    what, name, text);
	*id_r = (unsigned int)n;
	return 0;
}

/* Words of the last field, separated by spaces. */
static char *
find_mail_field(char *fields)
{
	char *save = NULL;

	for (char *word = strtok_r(fields, " ", &save); word != NULL;
	    word = strtok_r(NULL, " ", &save)) {
		if (strncmp(word, "userdb_mail=", 12) == 0)
			return mem_strdup(word + 12);
		if (strncmp(word, "mail=", 5) == 0)
			return mem_strdup(word + 5);
	}
	return NULL;
}

static int
parse_line(struct user *user_r, char *line, struct err *err)
{
	char empty[] = "", *field[PASSWD_FIELDS];
	unsigned int uid, gid;
	size_t n = 0;

	/* The last field may hold colons. */
	while (n < PASSWD_FIELDS - 1 && line != NULL)
		field[n++] = strsep(&line, ":");
	field[n++] = line != NULL ? line : empty;
	while (n < PASSWD_FIELDS)
		field[n++] = empty;
	if (parse_id(field[2], "the uid", field[0], &uid, err) == -1 ||
	    parse_id(field[3], "the gid", field[0], &gid, err) == -1)
		return -1;
	if (field[5][0] != '/')
		return err_set(err, ERR_CONFIG,
		    "passwd-file: the home of %s is not an absolute path",
		    field[0]);
	*user_r = (struct user){
		.name = mem_strdup(field[0]),
		.home = mem_strdup(field[5]),
		.mail_location = find_mail_field(field[7]),
		.uid = uid,
		.gid = gid,
	};
	return 0;
}

int
user_parse(struct user *user_r, const char *name, const char *text,
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
		ret = parse_line(user_r, line, err);
		free(line);
		return ret;
	}
	return err_set(err, ERR_NOTFOUND, "there is no user %s", name);
}

static int
find_in_file(struct user *user_r, const char *name, const char *path,
    struct err *err)
{
	struct strbuf text;
	int ret = -1;

	strbuf_init(&text, PASSWD_FILE_MAX);
	if (io_read_file(AT_FDCWD, path, &text, err) == 0)
		ret = user_parse(user_r, name, text.data, err);
	strbuf_deinit(&text);
	return ret == -1 ? err_prefix(err, "%s", path) : 0;
}

static int
find_in_system(struct user *user_r, const char *name, struct err *err)
{
	const struct passwd *pw;

	errno = 0;
	pw = name != NULL ? getpwnam(name) : getpwuid(getuid());
	if (pw == NULL && errno != 0 && errno != ENOENT)
		return err_sys(err, "look up the user");
	if (pw == NULL && name != NULL)
		return err_set(err, ERR_NOTFOUND, "there is no user %s", name);
	if (pw == NULL)
		return err_set(err, ERR_NOTFOUND,
		    "the system knows no user with uid %u",
		    (unsigned int)getuid());
	*user_r = (struct user){
		.name = mem_strdup(pw->pw_name),
		.home = mem_strdup(pw->pw_dir),
		.uid = pw->pw_uid,
		.gid = pw->pw_gid,
	};
	return 0;
}

int
user_find(struct user *user_r, const char *name, const char *passwd_file,
    struct err *err)
{
	const char *home;

	if (name != NULL && (name[0] == '\0' || strpbrk(name, ":\n/") != NULL))
		return err_set(err, ERR_CONFIG, "\"%s\" is no user name", name);
	if (name != NULL && passwd_file != NULL)
		return find_in_file(user_r, name, passwd_file, err);
	if (find_in_system(user_r, name, err) == -1)
		return -1;
	home = getenv("HOME");
	if (name == NULL && home != NULL && home[0] == '/') {
		free(user_r->home);
		user_r->home = mem_strdup(home);
	}
	return 0;
}

static int
set_environment(const struct user *user, struct err *err)
{
	if (setenv("HOME", user->home, 1) == -1 ||
	    setenv("USER", user->name, 1) == -1 ||
	    setenv("LOGNAME", user->name, 1) == -1)
		return err_sys(err, "setenv");
	return 0;
}

int
user_become(const struct user *user, struct err *err)
{
	const struct drop drop = {
		.uid = user->uid, .gid = user->gid, .user = user->name,
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
