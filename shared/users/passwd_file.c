#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "users/passwd_file.h"

#define USERDB_PREFIX	"userdb_"

/* A line is "user:rest"; what it says begins behind the password. */
struct line {
	const char *name, *end;
	size_t name_len;
	const char *data;	/* NULL: user and password only */
};

/* Take the line at *text.  0: it is none; 1: *line is it. */
static int
next_line(const char **text, struct line *line)
{
	const char *p = *text, *end = strchrnul(p, '\n'), *colon;

	*text = *end == '\0' ? end : end + 1;
	if (end > p && end[-1] == '\r')
		end--;
	if (p == end || *p == '#')
		return 0;
	*line = (struct line){ .name = p, .end = end };
	colon = memchr(p, ':', (size_t)(end - p));
	line->name_len = (size_t)((colon != NULL ? colon : end) - p);
	if (colon != NULL)
		colon = memchr(colon + 1, ':', (size_t)(end - colon - 1));
	if (colon != NULL)
		line->data = colon + 1;
	return line->name_len > 0;
}

static int
add_named(struct account *user, const char *key, const char *value,
    struct err *err)
{
	/* Empty is as good as not there: a default may take its place. */
	if (value == NULL || *value == '\0')
		return 0;
	return account_add_field(user, key, strlen(key), value,
	    strlen(value), err);
}

static int
add_extra(struct account *user, char *words, struct err *err)
{
	static const char prefix[] = USERDB_PREFIX, mail[] = "mail=";
	const char *value;
	char *save = NULL;
	size_t len;

	for (char *word = strtok_r(words, " \t", &save); word != NULL;
	    word = strtok_r(NULL, " \t", &save)) {
		if (strncmp(word, prefix, sizeof(prefix) - 1) == 0)
			word += sizeof(prefix) - 1;
		else if (strncmp(word, mail, sizeof(mail) - 1) != 0)
			continue;
		len = strcspn(word, "=");
		value = word + len + (word[len] == '=');
		if (account_add_field(user, word, len, value, strlen(value),
		    err) == -1)
			return -1;
	}
	return 0;
}

static int
parse_data(struct account *user, char *data, struct err *err)
{
	char *rest = data;
	const char *uid = strsep(&rest, ":"), *gid = strsep(&rest, ":"), *home;

	(void)strsep(&rest, ":");
	home = strsep(&rest, ":");
	(void)strsep(&rest, ":");
	if (add_named(user, "uid", uid, err) == -1 ||
	    add_named(user, "gid", gid, err) == -1 ||
	    add_named(user, "home", home, err) == -1)
		return -1;
	return rest != NULL ? add_extra(user, rest, err) : 0;
}

static int
check_text(const char *text, size_t len, struct err *err)
{
	return strlen(text) == len ? 0 :
	    err_set(err, ERR_CONFIG, "a NUL is in the file");
}

int
passwd_file_find(const char *text, size_t len, const char *name,
    struct account *user_r, struct err *err)
{
	struct account user = { .name = NULL };
	size_t name_len = strlen(name);
	struct line line;
	char *data;
	int ret;

	if (check_text(text, len, err) == -1)
		return -1;
	while (*text != '\0') {
		/* There may be thousands: a look at each begins here. */
		if (strncmp(text, name, name_len) != 0) {
			text = strchrnul(text, '\n');
			text += *text == '\n';
			continue;
		}
		if (next_line(&text, &line) == 0 || line.name_len != name_len)
			continue;
		if (line.data == NULL)
			return err_set(err, ERR_NOTFOUND, "the line of %s has "
			    "a password only, and no uid, gid and home", name);
		user.name = mem_strdup(name);
		data = mem_strndup(line.data, (size_t)(line.end - line.data));
		ret = parse_data(&user, data, err);
		free(data);
		if (ret == -1) {
			err->code = ERR_CONFIG;
			err_prefix(err, "the line of %s", name);
			account_deinit(&user);
			return -1;
		}
		*user_r = user;
		return 0;
	}
	return err_set(err, ERR_NOTFOUND, "there is no user %s", name);
}

int
passwd_file_each(const char *text, size_t len,
    int (*fn)(const char *name, void *arg, struct err *err), void *arg,
    struct err *err)
{
	struct line line;
	char *name;
	int ret = 0;

	if (check_text(text, len, err) == -1)
		return -1;
	while (ret == 0 && *text != '\0') {
		if (next_line(&text, &line) == 0 || line.data == NULL)
			continue;
		name = mem_strndup(line.name, line.name_len);
		ret = fn(name, arg, err);
		free(name);
	}
	return ret;
}
