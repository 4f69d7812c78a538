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
#include "model/mail_filter.h"
#include "model/mail_location.h"

#define BRACES_MAX	200U	/* bytes between '{' and '}' */

static const struct variable {
	char letter;
	const char *name;	/* %{name} */
} variables[] = {
	{ 'u', "user" },
	{ 'n', "username" },
	{ 'd', "domain" },
	{ 'h', "home" },
	{ 'i', "uid" },
	{ 'g', "gid" },
};

/* One variable as it stands in the text. */
struct use {
	struct mail_modifiers mod;
	char letter;
	char *braces;		/* what stood in braces, or NULL */
	char *filters;		/* in braces behind the name, or NULL */
	const char *hash;	/* "sha1" of %{sha1:user}, or NULL */
};

/* The letter of %{name}; 0: there is none.  %g alone is none of 2.3's. */
static char
letter_of(const char *name)
{
	for (size_t i = 0; i < nitems(variables); i++) {
		if (strcmp(variables[i].name, name) == 0)
			return variables[i].letter;
	}
	return '\0';
}

static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, " ");
	for (len = strlen(text); len > 0 && text[len - 1] == ' '; len--)
		text[len - 1] = '\0';
	return text;
}

/* "{name | filter}", "{hash:name}": returns where it ends, or NULL. */
static const char *
parse_braces(const char *p, struct use *use)
{
	const char *end = strchr(p, '}');
	char *rest, *name, *colon;

	if (end == NULL || (size_t)(end - p) > BRACES_MAX)
		return NULL;
	rest = use->braces = mem_strndup(p + 1, (size_t)(end - p - 1));
	name = strsep(&rest, "|");
	use->filters = rest;
	name = trim(name);
	if ((colon = strchr(name, ':')) != NULL) {
		*colon = '\0';
		use->hash = name;
		name = colon + 1;
	}
	use->letter = letter_of(name);
	return use->letter != '\0' ? end + 1 : NULL;
}

/* Past the variable that begins behind '%' at p; NULL: unknown. */
static const char *
parse_use(const char *p, struct use *use)
{
	*use = (struct use){ .letter = '\0' };
	p = mail_modifiers_parse(&use->mod, p);
	if (*p == '{')
		return parse_braces(p, use);
	if (*p == '\0' || *p == 'g')
		return NULL;
	for (size_t i = 0; i < nitems(variables); i++) {
		if (variables[i].letter == *p) {
			use->letter = *p;
			return p + 1;
		}
	}
	return NULL;
}

static bool
is_plain(const struct use *use)
{
	return use->mod.count == 0 && use->mod.width == 0 &&
	    use->mod.offset == 0 && use->filters == NULL && use->hash == NULL;
}

static const char *
source_of(const struct mail_vars *vars, char letter)
{
	switch (letter) {
	case 'h':
		return vars->home;
	case 'i':
		return vars->uid;
	case 'g':
		return vars->gid;
	default:
		return vars->user;
	}
}

static void
fetch(struct strbuf *value, char letter, const char *source)
{
	const char *at = strchr(source, '@');

	if (letter == 'n' && at != NULL)
		strbuf_add(value, source, (size_t)(at - source));
	else if (letter == 'd')
		strbuf_adds(value, at != NULL ? at + 1 : "");
	else
		strbuf_adds(value, source);
}

/* "lower | substr(0, 2)", one by one. */
static int
apply_filters(char *text, struct strbuf *value, bool *binary,
    struct err *err)
{
	char *name, *args, empty[] = "";
	size_t len;

	while ((name = strsep(&text, "|")) != NULL) {
		name = trim(name);
		args = strchr(name, '(');
		if (args != NULL) {
			*args++ = '\0';
			len = strlen(args);
			if (len == 0 || args[len - 1] != ')')
				return err_set(err, ERR_CONFIG, "the filter "
				    "%.40s has no ')'", name);
			args[len - 1] = '\0';
			name = trim(name);
			args = trim(args);
		} else {
			args = empty;
		}
		if (mail_filter_apply(name, args, value, binary, err) == -1)
			return -1;
	}
	return 0;
}

static int
change(struct use *use, struct strbuf *value, struct err *err)
{
	bool binary = false;

	if (use->hash != NULL && !mail_filter_hash(use->hash, value))
		return err_set(err, ERR_CONFIG, "the hash %.40s is not known "
		    "here", use->hash);
	if (use->filters != NULL &&
	    apply_filters(use->filters, value, &binary, err) == -1)
		return -1;
	if (binary)
		return err_set(err, ERR_CONFIG,
		    "a digest in a path needs the filter hexlify");
	if (!mail_modifiers_apply(&use->mod, value))
		return err_set(err, ERR_CONFIG, "an unknown modifier");
	return 0;
}

static bool
safe_in_path(const struct strbuf *value)
{
	if (strcmp(value->data, ".") == 0 || strcmp(value->data, "..") == 0)
		return false;
	for (size_t i = 0; i < value->len; i++) {
		unsigned char c = (unsigned char)value->data[i];

		/* A colon would begin a key of the location. */
		if (c < 0x20 || c == 0x7f || c == '/' || c == ':')
			return false;
	}
	return true;
}

static int
check_value(const struct use *use, const struct strbuf *value,
    const char *source, struct err *err)
{
	if (use->letter == 'h' && is_plain(use)) {
		if (strchr(source, ':') != NULL)
			return err_set(err, ERR_CONFIG, "%%h: the home %s "
			    "has a colon: use ~/ instead", source);
		return 0;
	}
	/* An empty name would stand for the parent of all users. */
	if (value->failed || !safe_in_path(value) ||
	    (value->len == 0 && use->letter != 'd'))
		return err_set(err, ERR_CONFIG, "%%%c: user %s cannot be used "
		    "in a path", use->letter, source);
	return 0;
}

static int
add_variable(struct strbuf *out, struct use *use,
    const struct mail_vars *vars, struct err *err)
{
	const char *source = source_of(vars, use->letter);
	struct strbuf value;
	int ret;

	if (source == NULL)
		return err_set(err, ERR_CONFIG, "%%%c: the user's %s is not "
		    "known", use->letter, use->letter == 'h' ? "home" :
		    use->letter == 'i' || use->letter == 'g' ? "id" : "name");
	strbuf_init(&value, MAIL_FILTER_MAX);
	fetch(&value, use->letter, source);
	ret = change(use, &value, err);
	if (ret == 0)
		ret = check_value(use, &value, source, err);
	if (ret == 0)
		strbuf_add(out, value.data, value.len);
	strbuf_deinit(&value);
	return ret;
}

static int
expand(struct strbuf *out, const char *text, const struct mail_vars *vars,
    struct err *err)
{
	const char *p, *end;
	struct use use;
	int ret = 0;

	for (p = text; ret == 0 && *p != '\0'; p = end) {
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
		end = parse_use(p + 1, &use);
		if (end == NULL)
			ret = err_set(err, ERR_CONFIG, "unknown variable at "
			    "\"%.30s\": %%u, %%n, %%d, %%h, %%i and %%%% are "
			    "known, and %%{user}, %%{home}", p);
		else
			ret = add_variable(out, &use, vars, err);
		free(use.braces);
	}
	if (ret == 0 && out->failed)
		return err_set(err, ERR_CONFIG,
		    "mail location is longer than %u bytes", LOCATION_MAX);
	return ret;
}

char *
mail_location_expand_vars(const char *text, const struct mail_vars *vars,
    struct err *err)
{
	struct strbuf out;
	char *copy = NULL;

	strbuf_init(&out, LOCATION_MAX);
	if (expand(&out, text, vars, err) == 0)
		copy = mem_strdup(out.data);
	strbuf_deinit(&out);
	return copy;
}

char *
mail_location_expand(const char *text, const char *user, const char *home,
    struct err *err)
{
	const struct mail_vars vars = { .user = user, .home = home };

	return mail_location_expand_vars(text, &vars, err);
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
