#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "users/namespaces.h"

#define PREFIX		"namespace/"
#define NAMES_MAX	1000U		/* namespaces */
#define OTHERS_MAX	300U		/* bytes told of others */

/* 2.4's settings of a place, globally and in a namespace. */
static const char *const parts[] = {
	"mail_driver", "mail_path", "mail_inbox_path", "mail_index_path",
	"mail_cache_path", "mail_control_path", "mail_alt_path",
	"mail_alt_check", "mail_volatile_path", "mailbox_list_layout",
	"mailbox_directory_name", "mailbox_directory_name_legacy",
	"mailbox_root_directory_name", "mailbox_subscriptions_filename",
	"mailbox_list_utf8",
};

/* Formats whose mail lies elsewhere, or is that of others. */
static const char *const unreal[] = { "virtual", "fail", "shared" };

ARRAY_TYPE(ns_keys, char *);

static bool
is_set(const char *value)
{
	return value != NULL && value[0] != '\0';
}

/* A setting of a namespace; NULL if it is not there. */
static const char *
get(const struct doveconf *dc, const char *key, const char *setting)
{
	char *name = mem_printf(PREFIX "%s/%s", key, setting);
	const char *value = doveconf_get(dc, name);

	free(name);
	return value;
}

static bool
is_yes(const char *value)
{
	return value != NULL && strcmp(value, "yes") == 0;
}

static int
collect(struct ns_keys *keys, const struct doveconf *dc, struct err *err)
{
	const char *name;
	size_t len;
	bool known;

	for (size_t i = 0; i < dc->n; i++) {
		name = dc->v[i].name;
		if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		name += strlen(PREFIX);
		len = strcspn(name, "/");
		if (len == 0 || name[len] == '\0')
			continue;
		known = false;
		for (size_t k = 0; k < keys->n && !known; k++)
			known = strncmp(keys->v[k], name, len) == 0 &&
			    keys->v[k][len] == '\0';
		if (known)
			continue;
		if (keys->n == NAMES_MAX)
			return err_set(err, ERR_CONFIG, "Dovecot has more "
			    "than %u namespaces", NAMES_MAX);
		*ARRAY_ADD(keys) = mem_strndup(name, len);
	}
	return 0;
}

/* As a person wrote it. */
static const char *
title(const struct doveconf *dc, const char *key)
{
	const char *name = get(dc, key, "name");

	return is_set(name) ? name : key;
}

/* The namespace to work on; *key_r NULL: none is declared. */
static int
choose(const struct ns_keys *keys, const struct doveconf *dc,
    const char *wanted, const char **key_r, struct err *err)
{
	*key_r = NULL;
	for (size_t i = 0; i < keys->n; i++) {
		const char *key = keys->v[i];
		bool off = is_yes(get(dc, key, "disabled"));

		if (is_set(wanted)) {
			if (strcmp(title(dc, key), wanted) != 0 &&
			    strcmp(key, wanted) != 0)
				continue;
			if (off)
				return err_set(err, ERR_CONFIG, "Dovecot's "
				    "namespace %.80s is disabled", wanted);
			*key_r = key;
			return 0;
		}
		if (!off && is_yes(get(dc, key, "inbox"))) {
			*key_r = key;
			return 0;
		}
		/* The one that INBOX would lie in otherwise. */
		if (!off && !is_set(get(dc, key, "prefix")) && *key_r == NULL)
			*key_r = key;
	}
	if (is_set(wanted))
		return err_set(err, ERR_CONFIG,
		    "Dovecot has no namespace %.80s", wanted);
	return 0;
}

static int
set(const struct dovecot_target *target, const char *name, const char *value,
    struct err *err)
{
	if (conf_set(target->conf, name, value, CONF_DOVECOT, err) == -1)
		return err_prefix(err, "Dovecot's setting %s", name);
	return 0;
}

/*
 * A part that is empty is as good as unset; in a namespace it takes back what
 * is set for all, but for format and path, without which there is no place.
 */
static int
take_parts(const struct doveconf *dc, const char *key,
    struct dovecot_target *target, bool *any_r, struct err *err)
{
	const char *value;

	*any_r = false;
	for (size_t i = 0; i < nitems(parts); i++) {
		value = key != NULL ? get(dc, key, parts[i]) :
		    doveconf_get(dc, parts[i]);
		if (value == NULL || strcmp(value, "auto") == 0 ||
		    (!is_set(value) && (key == NULL || i < 2)))
			continue;
		if (set(target, parts[i], value, err) == -1)
			return -1;
		if (i < 2)
			*any_r = true;
	}
	return 0;
}

static int
take_place(const struct doveconf *dc, const char *key,
    struct dovecot_target *target, struct err *err)
{
	const char *location = key != NULL ? get(dc, key, "location") : NULL,
	    *global = doveconf_get(dc, "mail_location");
	bool any, own = false;

	if (take_parts(dc, NULL, target, &any, err) == -1 ||
	    (key != NULL && take_parts(dc, key, target, &own, err) == -1))
		return -1;
	target->mail->place_is_fixed = own || is_set(location);
	if (is_set(location))
		return set(target, "mail_location", location, err);
	if (global != NULL)
		return set(target, "mail_location", global, err);
	/* 2.4 looks for mail where nothing says where it is; so do we. */
	return any || own ? 0 : set(target, "mail_location", "", err);
}

static bool
is_unreal(const char *driver)
{
	for (size_t i = 0; i < nitems(unreal); i++) {
		size_t len = strlen(unreal[i]);

		if (strncmp(driver, unreal[i], len) == 0 &&
		    (driver[len] == ':' || driver[len] == '\0'))
			return true;
	}
	return false;
}

static const char *
or_empty(const char *value)
{
	return value != NULL ? value : "";
}

/* Where its mail is, for comparison; heap memory. */
static char *
place_of(const struct doveconf *dc, const char *key)
{
	const char *location = key != NULL ? get(dc, key, "location") : NULL,
	    *global = doveconf_get(dc, "mail_location"),
	    *driver = key != NULL ? get(dc, key, "mail_driver") : NULL,
	    *path = key != NULL ? get(dc, key, "mail_path") : NULL;

	if (is_set(location))
		return mem_strdup(location);
	if (!is_set(driver) && !is_set(path) && global != NULL)
		return mem_strdup(global);
	if (!is_set(driver))
		driver = or_empty(doveconf_get(dc, "mail_driver"));
	if (!is_set(path))
		path = or_empty(doveconf_get(dc, "mail_path"));
	return mem_printf("%s:%s", driver, path);
}

/* Has it mail of the user's that the chosen one has not? */
static bool
has_own_mail(const struct doveconf *dc, const char *key, const char *chosen)
{
	const char *type = get(dc, key, "type");
	char *place, *other;
	bool own;

	if (is_yes(get(dc, key, "disabled")) ||
	    is_set(get(dc, key, "alias_for")) ||
	    (is_set(type) && strcmp(type, "private") != 0))
		return false;
	place = place_of(dc, key);
	other = place_of(dc, chosen);
	own = strcmp(place, other) != 0 && !is_unreal(place);
	free(place);
	free(other);
	return own;
}

static void
note_others(struct dovecot_conf *dovecot, const struct ns_keys *keys,
    const struct doveconf *dc, const char *chosen)
{
	struct strbuf names;

	strbuf_init(&names, OTHERS_MAX);
	for (size_t i = 0; i < keys->n; i++) {
		if (keys->v[i] == chosen ||
		    !has_own_mail(dc, keys->v[i], chosen))
			continue;
		strbuf_addf(&names, "%s%s", names.len > 0 ? ", " : "",
		    title(dc, keys->v[i]));
	}
	if (names.len > 0)
		dovecot->others = mem_strdup(names.data);
	strbuf_deinit(&names);
}

int
namespaces_take(struct dovecot_conf *dovecot, const struct doveconf *dc,
    struct dovecot_target *target, struct err *err)
{
	struct ns_keys keys = { 0 };
	const char *chosen = NULL, *prefix, *separator;
	int ret = -1;

	if (collect(&keys, dc, err) == -1 ||
	    choose(&keys, dc, dovecot->namespace, &chosen, err) == -1 ||
	    take_place(dc, chosen, target, err) == -1)
		goto out;
	prefix = chosen != NULL ? get(dc, chosen, "prefix") : NULL;
	separator = chosen != NULL ? get(dc, chosen, "separator") : NULL;
	if (is_set(prefix))
		dovecot->prefix = mem_strdup(prefix);
	dovecot->separator = is_set(separator) ? separator[0] : '\0';
	if (chosen != NULL)
		strlcpy(target->mail->namespace_key, chosen,
		    sizeof(target->mail->namespace_key));
	note_others(dovecot, &keys, dc, chosen);
	ret = 0;
out:
	for (size_t i = 0; i < keys.n; i++)
		free(keys.v[i]);
	ARRAY_FREE(&keys);
	return ret;
}
