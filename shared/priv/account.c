#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "priv/account.h"

#define FIELDS		7U	/* the eighth, with our fields, may hold ':' */
#define ID_DIGITS	10U

void
account_deinit(struct account *account)
{
	free(account->name);
	free(account->home);
	free(account->mail_location);
	free(account->groups_of);
	*account = (struct account){ .name = NULL };
}

/* 1..2^32-2 in decimal: root has no mail here, and -1 means "no change". */
static bool
parse_id(const char *text, unsigned int *id_r)
{
	unsigned long long n = 0;

	if (*text == '\0' || strlen(text) > ID_DIGITS)
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
parse_line(struct account *account_r, char *line, struct err *err)
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
	*account_r = (struct account){
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
account_parse(struct account *account_r, const char *name, const char *text,
    size_t text_len, struct err *err)
{
	size_t len = strlen(name);
	const char *end;
	char *line;
	int ret;

	if (strlen(text) != text_len)
		return err_set(err, ERR_CONFIG, "a NUL is in the file");
	for (; *text != '\0'; text = *end == '\0' ? end : end + 1) {
		end = strchrnul(text, '\n');
		if (strncmp(text, name, len) != 0 || text[len] != ':')
			continue;
		line = mem_strndup(text, (size_t)(end - text));
		ret = parse_line(account_r, line, err);
		free(line);
		return ret;
	}
	return err_set(err, ERR_NOTFOUND, "there is no user %s", name);
}

/* Was a user that was not found looked for in vain, or was there trouble? */
static bool
lookup_failed(void)
{
	return errno != 0 && errno != ENOENT && errno != ESRCH;
}

int
account_of_system(struct account *account_r, const char *name,
    struct err *err)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL && lookup_failed())
		return err_sys(err, "look up the user %s", name);
	/* Some databases ignore case: then it is another user. */
	if (pw == NULL || strcmp(pw->pw_name, name) != 0)
		return err_set(err, ERR_NOTFOUND, "there is no user %s", name);
	if (pw->pw_dir[0] != '/')
		return err_set(err, ERR_CONFIG, "the user %s has no home",
		    name);
	*account_r = (struct account){
		.name = mem_strdup(name),
		.home = mem_strdup(pw->pw_dir),
		.groups_of = mem_strdup(name),
		.become = true,
		.uid = pw->pw_uid,
		.gid = pw->pw_gid,
	};
	return 0;
}

int
account_of_self(struct account *account_r, const char *name, struct err *err)
{
	const char *home = getenv("HOME");
	const struct passwd *pw = NULL;

	if (home != NULL && home[0] != '/')
		home = NULL;
	if (home == NULL || name == NULL) {
		errno = 0;
		pw = getpwuid(getuid());
		if (pw == NULL && lookup_failed())
			return err_sys(err, "look up the user");
	}
	if (pw == NULL && name == NULL)
		return err_set(err, ERR_NOTFOUND,
		    "the system knows no user with uid %u",
		    (unsigned int)getuid());
	if (home == NULL && pw != NULL && pw->pw_dir[0] == '/')
		home = pw->pw_dir;
	if (home == NULL)
		return err_set(err, ERR_CONFIG, "no home folder: set HOME");
	*account_r = (struct account){
		.name = mem_strdup(name != NULL ? name : pw->pw_name),
		.home = mem_strdup(home),
		.uid = getuid(),
		.gid = getgid(),
	};
	return 0;
}
