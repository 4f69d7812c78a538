/*
 * mail_expand.c - variables in a mail_location
 *
 * A user's name may come from a peer.  It becomes part of a path here, so
 * a value that could leave its place in the path is refused.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "model/mail_location.h"

#define WIDTH_MAX	1000U	/* characters asked for by "%5n" */

static const struct variable {
	char letter;
	const char *name;	/* the same in Dovecot 2.4: %{name} */
} variables[] = {
	{ 'u', "user" },
	{ 'n', "user|username" },
	{ 'd', "user|domain" },
	{ 'h', "home" },
};

/* What comes between '%' and the letter. */
struct modifiers {
	size_t offset, width;	/* characters; width 0: all */
	bool lower, upper;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *
parse_number(const char *p, size_t *n_r)
{
	size_t n = 0;

	for (; is_digit(*p); p++) {
		if (n <= WIDTH_MAX)
			n = n * 10 + (size_t)(*p - '0');
	}
	*n_r = n;
	return p;
}

/* "2.3L": returns where they end. */
static const char *
parse_modifiers(const char *p, struct modifiers *mod)
{
	memset(mod, 0, sizeof(*mod));
	p = parse_number(p, &mod->width);
	if (*p == '.' && is_digit(p[1])) {
		mod->offset = mod->width;
		p = parse_number(p + 1, &mod->width);
	}
	for (; *p == 'L' || *p == 'U'; p++) {
		mod->lower = *p == 'L';
		mod->upper = *p == 'U';
	}
	return p;
}

/* Past the variable at p, a letter or {name}; NULL: unknown. */
static const char *
parse_variable(const char *p, char *letter_r)
{
	size_t len;

	for (size_t i = 0; i < nitems(variables); i++) {
		const char *name = variables[i].name;

		len = strlen(name);
		if (*p == variables[i].letter) {
			*letter_r = *p;
			return p + 1;
		}
		if (*p == '{' && strncmp(p + 1, name, len) == 0 &&
		    p[len + 1] == '}') {
			*letter_r = variables[i].letter;
			return p + len + 2;
		}
	}
	return NULL;
}

static char *
user_part(const char *user, char letter)
{
	const char *at = strchr(user, '@');

	if (letter == 'n')
		return mem_strndup(user, at != NULL ? (size_t)(at - user) :
		    strlen(user));
	if (letter == 'd')
		return mem_strdup(at != NULL ? at + 1 : "");
	return mem_strdup(user);
}

static void
modify(char *value, const struct modifiers *mod)
{
	size_t len = strlen(value), offset = mod->offset, width = mod->width;

	if (offset > len)
		offset = len;
	len -= offset;
	if (width > 0 && len > width)
		len = width;
	memmove(value, value + offset, len);
	value[len] = '\0';
	for (; *value != '\0'; value++) {
		if (mod->lower && *value >= 'A' && *value <= 'Z')
			*value = (char)(*value - 'A' + 'a');
		if (mod->upper && *value >= 'a' && *value <= 'z')
			*value = (char)(*value - 'a' + 'A');
	}
}

static bool
safe_in_path(const char *value)
{
	if (strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
		return false;
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		/* A colon would begin a key of the location. */
		if (c < 0x20 || c == 0x7f || c == '/' || c == ':')
			return false;
	}
	return true;
}

static int
add_variable(struct strbuf *out, char letter, const struct modifiers *mod,
    const char *user, const char *home, struct err *err)
{
	char *value;

	if (letter == 'h') {
		if (home == NULL)
			return err_set(err, ERR_CONFIG,
			    "%%h: the user's home is not known");
		if (strchr(home, ':') != NULL)
			return err_set(err, ERR_CONFIG, "%%h: the home %s "
			    "has a colon: use ~/ instead", home);
		strbuf_adds(out, home);
		return 0;
	}
	if (user == NULL)
		return err_set(err, ERR_CONFIG,
		    "%%%c: the user's name is not known", letter);
	value = user_part(user, letter);
	modify(value, mod);
	/* An empty name would stand for the parent of all users. */
	if (!safe_in_path(value) || (letter != 'd' && value[0] == '\0')) {
		err_set(err, ERR_CONFIG, "%%%c: user %s cannot be used in "
		    "a path", letter, user);
		free(value);
		return -1;
	}
	strbuf_adds(out, value);
	free(value);
	return 0;
}

static int
expand(struct strbuf *out, const char *text, const char *user,
    const char *home, struct err *err)
{
	struct modifiers mod;
	const char *p, *end;
	char letter;

	for (p = text; *p != '\0'; p = end) {
		if (*p != '%') {
			end = p + strcspn(p, "%");
			strbuf_add(out, p, (size_t)(end - p));
			continue;
		}
		if (p[1] == '%') {
			strbuf_addc(out, '%');
			end = p + 2;
			continue;
		}
		end = parse_modifiers(p + 1, &mod);
		end = parse_variable(end, &letter);
		if (end == NULL)
			return err_set(err, ERR_CONFIG, "unknown variable at "
			    "\"%.20s\": use %%u, %%n, %%d, %%h or %%%%", p);
		if (add_variable(out, letter, &mod, user, home, err) == -1)
			return -1;
	}
	if (out->failed)
		return err_set(err, ERR_CONFIG,
		    "mail location is longer than %u bytes", LOCATION_MAX);
	return 0;
}

char *
mail_location_expand(const char *text, const char *user, const char *home,
    struct err *err)
{
	struct strbuf out;
	char *copy = NULL;

	strbuf_init(&out, LOCATION_MAX);
	if (expand(&out, text, user, home, err) == 0)
		copy = mem_strdup(out.data);
	strbuf_deinit(&out);
	return copy;
}

char *
mail_location_expand_path(const char *text, const char *user,
    const char *home, struct err *err)
{
	char *path = mail_location_expand(text, user, home, err), *tail;

	if (path != NULL && home != NULL && strncmp(path, "~/", 2) == 0) {
		tail = path;
		path = mem_printf("%s/%s", home, tail + 2);
		free(tail);
	}
	if (path != NULL && path[0] != '/') {
		err_set(err, ERR_CONFIG, "%s is not an absolute path", path);
		free(path);
		path = NULL;
	}
	return path;
}
