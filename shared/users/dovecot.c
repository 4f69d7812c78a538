/*
 * dovecot.c - the settings of a Dovecot that has the same mail
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "conf/conf_file.h"
#include "conf/conf_line.h"
#include "store/store_settings.h"
#include "users/dovecot.h"
#include "users/namespaces.h"

#define VALUE_MAX	8192U			/* bytes */
#define BASE_DIR	"/run/dovecot"
#define AUTH_SOCKET	"auth-userdb"

/* Settings and blocks that stand in Dovecot's files and never in ours. */
static const char *const only_dovecot[] = {
	"dovecot_config_version", "dovecot_storage_version", "protocols",
	"mail_plugins", "mail_plugin_dir", "base_dir", "instance_name",
	"auth_mechanisms", "auth_username_format", "disable_plaintext_auth",
	"auth_allow_cleartext", "log_path", "info_log_path", "login_greeting",
	"mail_debug",
	"default_internal_user", "default_login_user", "ssl_server_cert_file",
	"protocol", "service", "passdb", "userdb", "plugin", "dict", "remote",
	"local", "local_name", "event_exporter", "metric",
};

/* Taken over under their own names, if they are there. */
static const char *const taken[] = {
	"lock_method", "mail_fsync", "mail_max_lock_timeout",
	"dotlock_use_excl", "mailbox_list_index", "mail_save_crlf",
	"mdbox_rotate_size", "mdbox_rotate_interval", "mbox_read_locks",
	"mbox_write_locks", "mbox_lock_timeout",
	"mbox_dotlock_change_timeout", "mbox_lazy_writes", "mbox_md5",
	"mail_uid", "mail_gid", "mail_home", "first_valid_uid",
	"last_valid_uid", "mail_access_groups", "mail_privileged_group",
};

static bool
is_set(const char *value)
{
	return value != NULL && value[0] != '\0';
}

static int
set(const struct dovecot_target *target, const char *name, const char *value,
    struct err *err)
{
	if (conf_set(target->conf, name, value, CONF_DOVECOT, err) == -1)
		return err_prefix(err, "Dovecot's setting %s", name);
	return 0;
}

static bool
is_word_of_dovecot(const struct conf_line *line)
{
	/* "namespace = x" is ours. */
	if (line->kind == CONF_LINE_SECTION &&
	    strcmp(line->name, "namespace") == 0)
		return true;
	for (size_t i = 0; i < nitems(only_dovecot); i++) {
		if (strcmp(line->name, only_dovecot[i]) == 0)
			return true;
	}
	return false;
}

static bool
text_is_dovecots(const struct strbuf *text)
{
	struct err unused = ERR_INIT;
	struct conf_lines lines;
	struct conf_line line;
	unsigned int depth = 0;
	bool found = false;

	conf_lines_init(&lines, text->data, text->len);
	while (!found && conf_lines_next(&lines, &line, &unused) == 1) {
		if (depth == 0 && (line.kind == CONF_LINE_SETTING ||
		    line.kind == CONF_LINE_SECTION))
			found = is_word_of_dovecot(&line);
		if (line.kind == CONF_LINE_SECTION)
			depth++;
		else if (line.kind == CONF_LINE_SECTION_END && depth > 0)
			depth--;
	}
	conf_lines_deinit(&lines);
	return found;
}

int
dovecot_owns(const char *path, struct err *err)
{
	const char *name = strrchr(path, '/');
	struct strbuf text;
	int ret;

	name = name != NULL ? name + 1 : path;
	if (strncmp(name, "dsync", 5) == 0)
		return 0;
	if (strncmp(name, "dovecot", 7) == 0)
		return 1;
	strbuf_init(&text, CONF_FILE_MAX);
	ret = conf_file_bytes(path, &text, err);
	if (ret == 0)
		ret = text_is_dovecots(&text);
	strbuf_deinit(&text);
	return ret;
}

static int
take_plain(const struct doveconf *dc, const struct dovecot_target *target,
    struct err *err)
{
	const char *value;

	for (size_t i = 0; i < nitems(taken); i++) {
		value = doveconf_get(dc, taken[i]);
		if (value == NULL)
			continue;
		/* 0 is "any but root" there; ours has a word for that: 1. */
		if (strcmp(taken[i], "first_valid_uid") == 0 &&
		    strcmp(value, "0") == 0)
			value = "1";
		if (set(target, taken[i], value, err) == -1)
			return -1;
	}
	return 0;
}

/* Is word in a list of words separated by blanks? */
static bool
has_word(const char *list, const char *word)
{
	size_t len, word_len = strlen(word);

	for (; list != NULL && *list != '\0'; list += len) {
		list += strspn(list, " ,\t");
		len = strcspn(list, " ,\t");
		if (len == word_len && strncmp(list, word, len) == 0)
			return true;
	}
	return false;
}

static const char *
or_else(const char *value, const char *other)
{
	return is_set(value) ? value : other;
}

/*
 * 2.3: plugin { zlib_save = gz }, if the plugin is loaded.  2.4:
 * mail_compress_write_method, and a level for each method.
 */
static int
take_compression(const struct doveconf *dc,
    const struct dovecot_target *target, struct err *err)
{
	const char *method, *level, *plugins = doveconf_get(dc, "mail_plugins");
	char name[64];

	method = doveconf_get(dc, "mail_compress_write_method");
	if (is_set(method)) {
		strlcpy(name, "compress_", sizeof(name));
		strlcat(name, method, sizeof(name));
		strlcat(name, strcmp(method, "bz2") == 0 ? "_block_size" :
		    "_level", sizeof(name));
		level = doveconf_get(dc, name);
		if (strcmp(method, "bz2") == 0)
			level = NULL;
	} else {
		method = doveconf_get(dc, "plugin/zlib_save");
		level = doveconf_get(dc, "plugin/zlib_save_level");
		if (!has_word(plugins, "zlib"))
			method = level = NULL;
	}
	if (is_set(method) && set(target, "zlib_save", method, err) == -1)
		return -1;
	if (is_set(method) && is_set(level) &&
	    set(target, "zlib_save_level", level, err) == -1)
		return -1;
	return 0;
}

/*
 * 2.3: mail_attribute_dict = file:PATH.  2.4: mail_attribute { dict file { path
 * = PATH } }, where the name of the inner block is the driver, or the driver is
 * a setting in it.  Becomes 2.3's form; what is no file keeps its name.
 */
static int
take_attributes(const struct doveconf *dc,
    const struct dovecot_target *target, struct err *err)
{
	static const char prefix[] = "mail_attribute/dict/";
	const char *value = doveconf_get(dc, "mail_attribute_dict");
	const char *name = NULL, *driver, *path;
	char *key, *text;
	int ret;

	if (is_set(value))
		return set(target, "mail_attribute_dict", value, err);
	for (size_t i = 0; i < dc->n && name == NULL; i++)
		if (strncmp(dc->v[i].name, prefix, strlen(prefix)) == 0)
			name = dc->v[i].name + strlen(prefix);
	if (name == NULL)
		return 0;
	text = mem_strndup(name, strcspn(name, "/"));
	key = mem_printf("%s%s/driver", prefix, text);
	driver = or_else(doveconf_get(dc, key), text);
	free(key);
	key = mem_printf("%s%s/path", prefix, text);
	path = or_else(doveconf_get(dc, key), "");
	free(key);
	key = mem_printf("%s:%s", driver, path);
	ret = set(target, "mail_attribute_dict", key, err);
	free(key);
	free(text);
	return ret;
}

/* Where its auth process answers, whether it runs or not. */
static int
take_socket(const struct doveconf *dc, const struct dovecot_target *target,
    struct err *err)
{
	const char *base = or_else(doveconf_get(dc, "base_dir"), BASE_DIR),
	    *name = or_else(doveconf_get(dc, "auth_socket_path"), AUTH_SOCKET);
	char *path;
	int ret;

	path = name[0] == '/' ? mem_strdup(name) :
	    mem_printf("%s/%s", base, name);
	ret = set(target, "auth_socket_path", path, err);
	free(path);
	return ret;
}

int
dovecot_take(struct dovecot_conf *dovecot, const struct doveconf *dc,
    struct dovecot_target *target, struct err *err)
{
	dovecot->used = true;
	if (take_plain(dc, target, err) == -1 ||
	    take_compression(dc, target, err) == -1 ||
	    take_attributes(dc, target, err) == -1 ||
	    take_socket(dc, target, err) == -1)
		return -1;
	return namespaces_take(dovecot, dc, target, err);
}

/* Of two user databases the one from the stronger source is meant. */
static void
settle_users(const struct dovecot_target *target)
{
	struct user_conf *users = target->users;

	if (is_set(users->auth_socket_path) && is_set(users->passwd_file) &&
	    conf_source(target->conf, "passwd_file") >
	    conf_source(target->conf, "auth_socket_path")) {
		free(users->auth_socket_path);
		users->auth_socket_path = NULL;
	}
}

/* Does our own file say where mail is? */
static bool
file_says(const struct conf *conf)
{
	static const char *const names[] = { "mail_location", "mail_driver",
	    "mail_path" };

	for (size_t i = 0; i < nitems(names); i++) {
		if (conf_source(conf, names[i]) == CONF_FILE)
			return true;
	}
	return false;
}

static int
read_and_take(struct dovecot_conf *dovecot, const char *program,
    const char *file, struct dovecot_target *target, struct err *err)
{
	struct doveconf dc = { .n = 0 };
	struct strbuf remarks;
	char *place;
	int ret;

	place = file == NULL ? mem_strdup("Dovecot's settings (doveconf)") :
	    mem_printf("Dovecot's settings (doveconf -c %.120s)", file);
	strbuf_init(&remarks, VALUE_MAX);
	ret = doveconf_read(&dc, program, file, DOVECONF_TIMEOUT, &remarks,
	    err);
	conf_set_place(target->conf, place);
	if (ret == 0)
		ret = dovecot_take(dovecot, &dc, target, err);
	conf_set_place(target->conf, NULL);
	free(place);
	if (ret == 0 && remarks.len > 0)
		dovecot->remarks = mem_strdup(remarks.data);
	strbuf_deinit(&remarks);
	doveconf_deinit(&dc);
	return ret;
}

int
dovecot_load(struct dovecot_conf *dovecot, struct dovecot_target *target,
    struct err *err)
{
	const char *file = dovecot->config;
	bool asked = is_set(file) && strcmp(file, "no") != 0;
	struct strbuf program;
	int ret = 0;

	if (is_set(file) && strcmp(file, "yes") == 0)
		file = NULL;
	strbuf_init(&program, PATH_MAX);
	if (!asked && (file != NULL || file_says(target->conf))) {
		ret = 0;	/* unwanted, or not needed */
	} else if (doveconf_find(&program)) {
		ret = read_and_take(dovecot, program.data, file, target, err);
		if (ret == -1 && !asked)
			strlcat(err->msg, " (to do without Dovecot, set "
			    "mail_location or dovecot_config = no)",
			    sizeof(err->msg));
	} else if (asked) {
		ret = err_set(err, ERR_CONFIG, "Dovecot's settings%s%s are "
		    "asked for, but its program doveconf was not found in "
		    "PATH", file != NULL ? " in " : "",
		    file != NULL ? file : "");
	}
	strbuf_deinit(&program);
	if (ret == 0 && is_set(dovecot->namespace) && !dovecot->used)
		ret = err_set(err, ERR_CONFIG, "namespace = %.80s: only a "
		    "Dovecot's configuration has namespaces",
		    dovecot->namespace);
	if (ret == 0)
		settle_users(target);
	return ret;
}

void
dovecot_name_store(const struct dovecot_conf *dovecot,
    struct store_settings *settings)
{
	settings->namespace_prefix = dovecot->prefix;
	settings->namespace_separator = dovecot->separator;
}

void
dovecot_deinit(struct dovecot_conf *dovecot)
{
	free(dovecot->prefix);
	free(dovecot->others);
	free(dovecot->remarks);
	dovecot->prefix = dovecot->others = dovecot->remarks = NULL;
}
