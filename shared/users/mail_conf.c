#include "config.h"

#include <sys/stat.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "users/mail_conf.h"
#include "users/store_conf.h"

#define FIELD(f)	offsetof(struct mail_conf, f)

/* Settings that are one key of a mail_location. */
static const struct mail_key {
	const char *setting, *key;
	size_t offset;
} mail_keys[] = {
	{ "mail_inbox_path", "INBOX", FIELD(mail_inbox_path) },
	{ "mail_index_path", "INDEX", FIELD(mail_index_path) },
	{ "mail_cache_path", "INDEXCACHE", FIELD(mail_cache_path) },
	{ "mail_control_path", "CONTROL", FIELD(mail_control_path) },
	{ "mail_alt_path", "ALT", FIELD(mail_alt_path) },
	{ "mail_volatile_path", "VOLATILEDIR", FIELD(mail_volatile_path) },
	{ "mailbox_list_layout", "LAYOUT", FIELD(mailbox_list_layout) },
	{ "mailbox_directory_name", "FULLDIRNAME",
	  FIELD(mailbox_directory_name) },
	{ "mailbox_root_directory_name", "MAILBOXDIR",
	  FIELD(mailbox_root_directory_name) },
	{ "mailbox_subscriptions_filename", "SUBSCRIPTIONS",
	  FIELD(mailbox_subscriptions_filename) },
};

/* Where mail is looked for without any setting, and what proves it. */
static const struct {
	const char *place, *marker;
	mode_t type;
	const char *driver;
} places[] = {
	{ "mdbox", "storage", S_IFDIR, "mdbox" },
	{ "sdbox", "mailboxes", S_IFDIR, "sdbox" },
	{ "Maildir", "cur", S_IFDIR, "maildir" },
	{ "mail", ".imap", S_IFDIR, "mbox" },
	{ "mail", "inbox", S_IFREG, "mbox" },
	{ "mail", "mbox", S_IFREG, "mbox" },
	{ "Mail", ".imap", S_IFDIR, "mbox" },
	{ "Mail", "inbox", S_IFREG, "mbox" },
	{ "Mail", "mbox", S_IFREG, "mbox" },
};

/* Dovecot 2.4's paths for a driver without one. */
static const struct {
	const char *driver, *path;
} default_paths[] = {
	{ "maildir", "~/Maildir" }, { "mdbox", "~/mdbox" },
	{ "sdbox", "~/sdbox" }, { "dbox", "~/sdbox" }, { "mbox", "~/mail" },
};

static bool
is_set(const char *value)
{
	return value != NULL && value[0] != '\0';
}

static int
detect(const char *home, struct mail_location *loc_r, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;

	if (home == NULL)
		return err_set(err, ERR_CONFIG, "it is empty, and the user "
		    "has no home where mail could be looked for");
	for (size_t i = 0; i < nitems(places); i++) {
		snprintf(path, sizeof(path), "%s/%s/%s", home,
		    places[i].place, places[i].marker);
		if (stat(path, &st) == -1 ||
		    (st.st_mode & S_IFMT) != places[i].type)
			continue;
		*loc_r = (struct mail_location){
			.driver = mem_strdup(places[i].driver),
			.path = mem_printf("%s/%s", home, places[i].place),
		};
		return 0;
	}
	return err_set(err, ERR_CONFIG, "it is empty, and no mail was found "
	    "in %s (mdbox, sdbox, Maildir, mail, Mail)", home);
}

/* With all that is known of the user. */
static char *
expand(const char *text, const struct account *user, struct err *err)
{
	char uid[16], gid[16];
	const struct mail_vars vars = { .user = user->name,
	    .home = account_home(user), .uid = uid, .gid = gid };

	snprintf(uid, sizeof(uid), "%lu", (unsigned long)user->uid);
	snprintf(gid, sizeof(gid), "%lu", (unsigned long)user->gid);
	return mail_location_expand_vars(text, &vars, err);
}

static int
parse(const char *text, const struct account *user, const char *cwd,
    struct mail_location *loc_r, struct err *err)
{
	const char *home = account_home(user);
	char *expanded;
	int ret;

	if (text[0] == '\0')
		return detect(home, loc_r, err);
	expanded = expand(text, user, err);
	if (expanded == NULL)
		return -1;
	ret = mail_location_parse(loc_r, expanded, home, cwd, err);
	free(expanded);
	return ret;
}

/* mail_driver and mail_path; either of them alone is enough. */
static int
parse_parts(const struct mail_conf *mail, const struct account *user,
    const char *cwd, struct mail_location *loc_r, struct err *err)
{
	const char *driver = is_set(mail->mail_driver) ? mail->mail_driver :
	    "auto", *path = mail->mail_path, *home = account_home(user);
	struct mail_location loc = { .key_count = 0 };
	char *expanded, *text;
	int ret;

	for (size_t i = 0; !is_set(path) && i < nitems(default_paths); i++) {
		if (strcmp(default_paths[i].driver, driver) == 0)
			path = default_paths[i].path;
	}
	if (!is_set(path))
		return err_set(err, ERR_CONFIG, "mail_path is not set, and "
		    "mail_driver %.40s has no usual one", driver);
	if (strpbrk(driver, ":/~") != NULL)
		return err_set(err, ERR_CONFIG, "mail_driver: %.40s is no "
		    "format", driver);
	expanded = expand(path, user, err);
	if (expanded == NULL)
		return err_prefix(err, "mail_path");
	/* A colon in a path of its own separates nothing. */
	if (strchr(expanded, ':') != NULL) {
		free(expanded);
		return err_set(err, ERR_CONFIG,
		    "mail_path: a path with ':' is not supported");
	}
	text = mem_printf("%s:%s", driver, expanded);
	free(expanded);
	ret = mail_location_parse(&loc, text, home, cwd, err);
	free(text);
	if (ret == -1)
		return err_prefix(err, "mail_path");
	*loc_r = loc;
	return 0;
}

static int
set_key(struct mail_location *loc, const struct mail_key *key,
    const struct mail_conf *mail, const struct conf *conf,
    const struct account *user, struct err *err)
{
	const char *const *field = (const void *)((const char *)mail +
	    key->offset), *name = key->key;
	char *value;
	int ret;

	if (key->offset == FIELD(mailbox_directory_name) &&
	    mail->mailbox_directory_name_legacy)
		name = "DIRNAME";
	if (!is_set(*field))
		return 0;
	value = expand(*field, user, err);
	ret = value == NULL ? -1 : mail_location_set(loc, name, value,
	    account_home(user), err);
	free(value);
	return ret == -1 ? err_prefix(err, "%s of %s", key->setting,
	    conf_place(conf, key->setting)) : 0;
}

/* Is the value there, and from base or a stronger source? */
static bool
counts(const struct conf *conf, const char *name, enum conf_source base)
{
	enum conf_source source = conf_source(conf, name);

	return source != CONF_DEFAULT && source >= base;
}

static int
set_keys(struct mail_location *loc, const struct mail_conf *mail,
    const struct conf *conf, enum conf_source base,
    const struct account *user, struct err *err)
{
	for (size_t i = 0; i < nitems(mail_keys); i++) {
		if (counts(conf, mail_keys[i].setting, base) &&
		    set_key(loc, &mail_keys[i], mail, conf, user, err) == -1)
			return -1;
	}
	if (counts(conf, "mail_alt_check", base) && !mail->mail_alt_check &&
	    mail_location_set(loc, "ALTNOCHECK", NULL, NULL, err) == -1)
		return -1;
	if (counts(conf, "mailbox_list_utf8", base) &&
	    mail->mailbox_list_utf8 &&
	    mail_location_set(loc, "UTF-8", NULL, NULL, err) == -1)
		return -1;
	return 0;
}

#define DICT_FILE	"file:"

/* file:PATH, file:PATH:lock=fcntl, as Dovecot has it. */
static int
set_attributes(struct mail_location *loc, const char *dict,
    const struct account *user, struct err *err)
{
	static const char lock_word[] = ":lock=";
	char *path, *lock;
	int ret = -1;

	if ((path = expand(dict + strlen(DICT_FILE), user, err)) == NULL)
		return -1;
	lock = strstr(path, lock_word);
	if (lock != NULL) {
		*lock = '\0';
		lock += strlen(lock_word);
	}
	if (strncmp(path, "~/", 2) != 0 && path[0] != '/')
		err_set(err, ERR_CONFIG, "%.100s is no absolute path", path);
	else if (mail_location_set(loc, "ATTRIBUTES", path,
	    account_home(user), err) == 0 && (lock == NULL ||
	    mail_location_set(loc, "ATTRIBUTES_LOCK", lock, NULL, err) == 0))
		ret = 0;
	free(path);
	return ret;
}

static bool
is_file_dict(const struct mail_conf *mail)
{
	return is_set(mail->mail_attribute_dict) && strncmp(
	    mail->mail_attribute_dict, DICT_FILE, strlen(DICT_FILE)) == 0;
}

const char *
mail_conf_foreign_dict(const struct mail_conf *mail)
{
	return is_set(mail->mail_attribute_dict) && !is_file_dict(mail) ?
	    mail->mail_attribute_dict : NULL;
}

static bool
is_in_parts(const struct mail_conf *mail, const struct conf *conf)
{
	enum conf_source base = conf_source(conf, "mail_location");

	return (counts(conf, "mail_driver", base) &&
	    is_set(mail->mail_driver)) ||
	    (counts(conf, "mail_path", base) && is_set(mail->mail_path));
}

char *
mail_conf_origin(const struct mail_conf *mail, const struct conf *conf)
{
	const char *setting = "mail_location", *value = mail->mail_location;

	if (is_in_parts(mail, conf)) {
		setting = is_set(mail->mail_path) ? "mail_path" :
		    "mail_driver";
		value = is_set(mail->mail_path) ? mail->mail_path :
		    mail->mail_driver;
	}
	return mem_printf("%s%s%.100s of %s", setting,
	    is_set(value) ? " = " : "", is_set(value) ? value : "",
	    conf_place(conf, setting));
}

int
mail_conf_locate(const struct mail_conf *mail, const struct conf *conf,
    const struct account *user, const char *cwd, struct mail_location *loc_r,
    struct err *err)
{
	enum conf_source base = conf_source(conf, "mail_location");
	struct mail_location loc = { .key_count = 0 };
	char *origin;
	int ret;

	if (is_in_parts(mail, conf)) {
		ret = parse_parts(mail, user, cwd, &loc, err);
		base = CONF_DEFAULT;
	} else {
		ret = parse(mail->mail_location == NULL ? "" :
		    mail->mail_location, user, cwd, &loc, err);
	}
	if (ret == -1) {
		origin = mail_conf_origin(mail, conf);
		err_prefix(err, "%s", origin);
		free(origin);
		return -1;
	}
	if (set_keys(&loc, mail, conf, base, user, err) == -1) {
		mail_location_deinit(&loc);
		return -1;
	}
	/* A setting of its own, wherever the mail is; a key comes first. */
	if (is_file_dict(mail) && mail_location_get(&loc, "ATTRIBUTES") ==
	    NULL && set_attributes(&loc, mail->mail_attribute_dict, user,
	    err) == -1) {
		mail_location_deinit(&loc);
		return err_prefix(err, "mail_attribute_dict of %s",
		    conf_place(conf, "mail_attribute_dict"));
	}
	*loc_r = loc;
	return 0;
}

bool
mail_conf_is_mbox(const struct mail_conf *mail)
{
	return (is_set(mail->mail_driver) &&
	    strcmp(mail->mail_driver, "mbox") == 0) ||
	    (mail->mail_location != NULL &&
	    strncmp(mail->mail_location, "mbox:", 5) == 0);
}

/* What an entry may say: how mail lies, never who is trusted. */
static const struct optdef applicable[] = {
	MAIL_CONF_ROWS(0), STORE_CONF_ROWS(0),
};

static bool
may_apply(const char *key)
{
	for (size_t i = 0; i < nitems(applicable); i++) {
		if (strcmp(applicable[i].name, key) == 0)
			return true;
	}
	return false;
}

/* Does it say where mail is, not how? */
static bool
is_place(const char *key)
{
	return strcmp(key, "mail_location") == 0 ||
	    strcmp(key, "mail_driver") == 0 || strcmp(key, "mail_path") == 0;
}

/*
 * The setting that a field means, NULL: none of ours.  Where the namespace has
 * a place of its own, mail= and mail_path= are about other ones.
 */
static const char *
setting_of(const struct mail_conf *mail, const char *key)
{
	static const char prefix[] = "namespace/";
	size_t len = strlen(mail->namespace_key);
	bool own = false;

	if (strncmp(key, prefix, sizeof(prefix) - 1) == 0) {
		key += sizeof(prefix) - 1;
		if (len == 0 || strncmp(key, mail->namespace_key, len) != 0 ||
		    key[len] != '/')
			return NULL;
		key += len + 1;
		own = true;
	}
	if (strcmp(key, own ? "location" : "mail") == 0)
		key = "mail_location";
	if (!own && mail->place_is_fixed && is_place(key))
		return NULL;
	return may_apply(key) ? key : NULL;
}

int
mail_conf_apply(const struct mail_conf *mail, struct conf *conf,
    const struct account *user, struct err *err)
{
	char *place = mem_printf("the entry of the user %.80s", user->name);
	int ret = 0;

	conf_set_place(conf, place);
	for (size_t i = 0; i < user->field_count && ret == 0; i++) {
		const char *name = setting_of(mail, user->fields[i].key);

		if (name != NULL)
			ret = conf_set(conf, name, user->fields[i].value,
			    CONF_USERDB, err);
	}
	conf_set_place(conf, NULL);
	if (ret == -1)
		err_prefix(err, "%s", place);
	free(place);
	return ret;
}
