#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "model/mail_location.h"

#define DRIVER_MAX	32U	/* bytes */

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

/*
 * The length of "driver" in "driver:rest", or 0.  A driver is a word in lower
 * case; "a::b" is a path with a colon in it.
 */
static size_t
driver_len(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	if (n == 0 || n > DRIVER_MAX || text[n] != ':' || text[n + 1] == ':')
		return 0;
	return n;
}

/* Take the field at *text, "::" as ':'.  True if a ':' promises another one. */
static bool
next_field(struct strbuf *out, const char **text)
{
	const char *p = *text;
	bool more = false;

	strbuf_reset(out);
	for (; *p != '\0' && !more; p++) {
		if (p[0] == ':' && p[1] != ':') {
			more = true;
			continue;
		}
		strbuf_addc(out, *p);
		if (*p == ':')
			p++;
	}
	*text = p;
	return more;
}

/* "~" or "~/..." with the home in its place; NULL: ERR_CONFIG. */
static char *
expand_home(const char *path, const char *home, struct err *err)
{
	if (path[0] != '~')
		return mem_strdup(path);
	if (path[1] != '\0' && path[1] != '/') {
		err_set(err, ERR_CONFIG, "%s: only the user's own home can be "
		    "meant by ~", path);
		return NULL;
	}
	if (home == NULL || home[0] != '/') {
		err_set(err, ERR_CONFIG, "%s: the user's home is not known",
		    path);
		return NULL;
	}
	if (strlen(home) + strlen(path) > LOCATION_MAX) {
		err_set(err, ERR_CONFIG, "path is too long");
		return NULL;
	}
	return mem_printf("%s%s", home, path + 1);
}

static int
set_path(struct mail_location *loc, const char *field, const char *home,
    const char *cwd, struct err *err)
{
	char *path, *full;
	size_t len;

	if (field[0] == '\0')
		return err_set(err, ERR_CONFIG, "mail location has no path");
	if ((path = expand_home(field, home, err)) == NULL)
		return -1;
	if (path[0] != '/') {
		if (cwd == NULL || cwd[0] != '/' ||
		    strlen(cwd) + strlen(path) >= LOCATION_MAX) {
			err_set(err, ERR_CONFIG, "%s: path must be absolute",
			    path);
			free(path);
			return -1;
		}
		full = mem_printf("%s/%s", cwd, path);
		free(path);
		path = full;
	}
	for (len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	loc->path = path;
	return 0;
}

static int
add_key(struct mail_location *loc, const char *field, const char *home,
    struct err *err)
{
	size_t n = strcspn(field, "="), i = loc->key_count;
	char *value = NULL;

	if (n == 0)
		return err_set(err, ERR_CONFIG,
		    "mail location has an empty key");
	if (i == LOCATION_KEYS_MAX)
		return err_set(err, ERR_CONFIG,
		    "mail location has more than %u keys", LOCATION_KEYS_MAX);
	for (size_t k = 0; k < i; k++) {
		if (strlen(loc->keys[k].key) == n &&
		    strncmp(loc->keys[k].key, field, n) == 0)
			return err_set(err, ERR_CONFIG,
			    "mail location has %s twice", loc->keys[k].key);
	}
	if (field[n] == '=' &&
	    (value = expand_home(field + n + 1, home, err)) == NULL)
		return -1;
	loc->keys[i].key = mem_strndup(field, n);
	loc->keys[i].value = value;
	loc->key_count++;
	return 0;
}

static int
parse_fields(struct mail_location *loc, const char *text, const char *home,
    const char *cwd, struct err *err)
{
	size_t n = driver_len(text);
	struct strbuf field;
	bool more;
	int ret = -1;

	strbuf_init(&field, LOCATION_MAX);
	/* "auto" asks for detection, as if no driver were there. */
	loc->driver = strncmp(text, "auto:", 5) == 0 ? mem_strdup("") :
	    mem_strndup(text, n);
	if (n > 0)
		text += n + 1;
	more = next_field(&field, &text);
	if (set_path(loc, field.data, home, cwd, err) == -1)
		goto out;
	while (more) {
		more = next_field(&field, &text);
		if (add_key(loc, field.data, home, err) == -1)
			goto out;
	}
	ret = 0;
out:
	strbuf_deinit(&field);
	return ret;
}

int
mail_location_parse(struct mail_location *loc, const char *text,
    const char *home, const char *cwd, struct err *err)
{
	struct mail_location parsed = { .key_count = 0 };
	size_t len = strlen(text);

	if (len > LOCATION_MAX)
		return err_set(err, ERR_CONFIG,
		    "mail location is longer than %u bytes", LOCATION_MAX);
	if (has_control(text, len))
		return err_set(err, ERR_CONFIG,
		    "mail location has a control character");
	if (parse_fields(&parsed, text, home, cwd, err) == -1) {
		mail_location_deinit(&parsed);
		return -1;
	}
	*loc = parsed;
	return 0;
}

int
mail_location_set(struct mail_location *loc, const char *key,
    const char *value, const char *home, struct err *err)
{
	char *copy = NULL;
	size_t i;

	if (value != NULL && (strlen(value) > LOCATION_MAX ||
	    has_control(value, strlen(value))))
		return err_set(err, ERR_CONFIG, "%s is longer than %u bytes, "
		    "or has a control character", key, LOCATION_MAX);
	for (i = 0; i < loc->key_count; i++) {
		if (strcmp(loc->keys[i].key, key) == 0)
			break;
	}
	if (i == LOCATION_KEYS_MAX)
		return err_set(err, ERR_CONFIG,
		    "mail location has more than %u keys", LOCATION_KEYS_MAX);
	if (value != NULL && (copy = expand_home(value, home, err)) == NULL)
		return -1;
	if (i == loc->key_count) {
		loc->keys[i].key = mem_strdup(key);
		loc->keys[i].value = NULL;
		loc->key_count++;
	}
	free(loc->keys[i].value);
	loc->keys[i].value = copy;
	return 0;
}

void
mail_location_deinit(struct mail_location *loc)
{
	free(loc->driver);
	free(loc->path);
	for (size_t i = 0; i < loc->key_count; i++) {
		free(loc->keys[i].key);
		free(loc->keys[i].value);
	}
	memset(loc, 0, sizeof(*loc));
}

const char *
mail_location_get(const struct mail_location *loc, const char *key)
{
	for (size_t i = 0; i < loc->key_count; i++) {
		if (strcmp(loc->keys[i].key, key) == 0)
			return loc->keys[i].value != NULL ?
			    loc->keys[i].value : "";
	}
	return NULL;
}
