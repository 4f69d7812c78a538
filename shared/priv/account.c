#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "priv/account.h"

#define ID_DIGITS	10U

void
account_deinit(struct account *account)
{
	free(account->name);
	free(account->home);
	free(account->groups_of);
	for (size_t i = 0; i < account->field_count; i++) {
		free(account->fields[i].key);
		free(account->fields[i].value);
	}
	free(account->fields);
	*account = (struct account){ .name = NULL };
}

const char *
account_home(const struct account *account)
{
	if (account->home == NULL ||
	    strcmp(account->home, ACCOUNT_NO_HOME) == 0)
		return NULL;
	return account->home;
}

static bool
has_control(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f)
			return true;
	}
	return false;
}

static struct account_field *
find_field(const struct account *account, const char *key, size_t len)
{
	for (size_t i = 0; i < account->field_count; i++) {
		if (strncmp(account->fields[i].key, key, len) == 0 &&
		    account->fields[i].key[len] == '\0')
			return &account->fields[i];
	}
	return NULL;
}

int
account_add_field(struct account *account, const char *key, size_t key_len,
    const char *value, size_t value_len, struct err *err)
{
	struct account_field *field;

	if (key_len == 0 || key_len + value_len > ACCOUNT_FIELD_MAX)
		return err_set(err, ERR_CORRUPT,
		    "a field without a name, or of more than %u bytes",
		    ACCOUNT_FIELD_MAX);
	if (has_control(key, key_len) || has_control(value, value_len))
		return err_set(err, ERR_CORRUPT,
		    "the field %.*s has a control character",
		    (int)(key_len < 40 ? key_len : 40), key);
	field = find_field(account, key, key_len);
	if (field == NULL) {
		if (account->field_count == ACCOUNT_FIELDS_MAX)
			return err_set(err, ERR_CORRUPT,
			    "more than %u fields", ACCOUNT_FIELDS_MAX);
		if (account->fields == NULL)
			account->fields = mem_calloc(ACCOUNT_FIELDS_MAX,
			    sizeof(*account->fields));
		field = &account->fields[account->field_count++];
		field->key = mem_strndup(key, key_len);
	}
	free(field->value);
	field->value = mem_strndup(value, value_len);
	return 0;
}

const char *
account_field(const struct account *account, const char *key)
{
	const struct account_field *field;

	field = find_field(account, key, strlen(key));
	return field != NULL ? field->value : NULL;
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

/* Could it be a name at all?  No number is one. */
static bool
maybe_name(const char *text)
{
	return *text != '\0' && strspn(text, "+-0123456789") < strlen(text);
}

int
account_uid_parse(uid_t *uid_r, const char *text, struct err *err)
{
	const struct passwd *pw;
	unsigned int id;

	if (parse_id(text, &id)) {
		*uid_r = id;
		return 0;
	}
	if (maybe_name(text) && (pw = getpwnam(text)) != NULL &&
	    pw->pw_uid != 0) {
		*uid_r = pw->pw_uid;
		return 0;
	}
	return err_set(err, ERR_CONFIG, "uid %.80s: it must be a number above "
	    "0, or the name of a user of this system other than root", text);
}

int
account_gid_parse(gid_t *gid_r, const char *text, struct err *err)
{
	const struct group *gr;
	unsigned int id;

	if (parse_id(text, &id)) {
		*gid_r = id;
		return 0;
	}
	if (maybe_name(text) && (gr = getgrnam(text)) != NULL &&
	    gr->gr_gid != 0) {
		*gid_r = gr->gr_gid;
		return 0;
	}
	return err_set(err, ERR_CONFIG, "gid %.80s: it must be a number above "
	    "0, or the name of a group of this system other than root's",
	    text);
}

int
account_add_group(struct account *account, const char *text,
    struct err *err)
{
	gid_t gid;

	if (account_gid_parse(&gid, text, err) == -1)
		return -1;
	for (size_t i = 0; i < account->group_count; i++) {
		if (account->groups[i] == gid)
			return 0;
	}
	if (account->group_count == ACCOUNT_GROUPS_MAX)
		return err_set(err, ERR_CONFIG, "more than %u groups",
		    ACCOUNT_GROUPS_MAX);
	account->groups[account->group_count++] = gid;
	return 0;
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

/*
 * What to call a user whom the system does not know, as in a container that
 * runs under any uid: USER, as for the home.
 */
static char *
name_without_entry(void)
{
	const char *name = getenv("USER");

	if (name != NULL && *name != '\0' && strchr(name, '/') == NULL) {
		for (const char *p = name; ; p++) {
			if (*p == '\0')
				return mem_strdup(name);
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				break;
		}
	}
	return mem_printf("%u", (unsigned int)getuid());
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
	if (home == NULL && pw != NULL && pw->pw_dir[0] == '/')
		home = pw->pw_dir;
	if (home == NULL)
		return err_set(err, ERR_CONFIG, "no home folder: set HOME");
	if (name == NULL && pw != NULL)
		name = pw->pw_name;
	*account_r = (struct account){
		.name = name != NULL ? mem_strdup(name) : name_without_entry(),
		.home = mem_strdup(home),
		.uid = getuid(),
		.gid = getgid(),
	};
	return 0;
}
