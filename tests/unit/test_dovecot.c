/*
 * test_dovecot.c - Dovecot's settings become ours
 */
#include "config.h"

#include <sys/stat.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"
#include "users/dovecot.h"
#include "users/store_conf.h"

struct settings {
	int first;
	struct dovecot_conf dovecot;
	struct mail_conf mail;
	struct user_conf users;
	struct store_conf store;
};

static const struct optdef optdefs[] = {
	DOVECOT_CONF_ROWS(offsetof(struct settings, dovecot)),
	MAIL_CONF_ROWS(offsetof(struct settings, mail)),
	USER_CONF_ROWS(offsetof(struct settings, users)),
	STORE_CONF_ROWS(offsetof(struct settings, store)),
};

static struct settings set;
static struct conf conf;
static struct err err;
static struct account user;
static struct dovecot_target target = {
	.conf = &conf, .mail = &set.mail, .users = &set.users,
};

static void
setup(void)
{
	memset(&set, 0, sizeof(set));
	conf_init(&conf, optdefs, nitems(optdefs), &set);
	err = (struct err)ERR_INIT;
	user = (struct account){ .name = mem_strdup("Anna@b.org"),
	    .home = mem_strdup("/home/anna") };
	tempdir_make();
}

static void
teardown(void)
{
	dovecot_deinit(&set.dovecot);
	conf_deinit(&conf);
	account_deinit(&user);
	tempdir_remove();
}

static void
give(const char *name, const char *value, enum conf_source source)
{
	ck_assert_int_eq(conf_set(&conf, name, value, source, &err), 0);
}

static int
take_text(const char *text, bool flat)
{
	struct doveconf dc = { .n = 0 };
	int ret;

	if ((flat ? doveconf_parse_flat : doveconf_parse_blocks)(&dc, text,
	    strlen(text), &err) == -1)
		ck_abort_msg("%s", err.msg);
	ret = dovecot_take(&set.dovecot, &dc, &target, &err);
	doveconf_deinit(&dc);
	return ret;
}

/* Take over what a doveconf has printed once. */
static void
take_file(const char *name)
{
	const char *top = getenv("srcdir");
	struct strbuf text;
	char path[1024];
	bool flat = strstr(name, "flat") != NULL;

	snprintf(path, sizeof(path), "%s/tests/data/doveconf/%s",
	    top != NULL ? top : ".", name);
	strbuf_init(&text, DOVECONF_OUTPUT_MAX);
	/* A checkout may be group-writable: read it by the plain way. */
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	for (int c; (c = getc(file)) != EOF;)
		strbuf_addc(&text, (char)c);
	fclose(file);
	if (take_text(text.data, flat) == -1)
		ck_abort_msg("%s", err.msg);
	strbuf_deinit(&text);
}

/* "driver:path KEY=value ..." */
static const char *
place(void)
{
	static char text[1024];
	struct mail_location loc;
	size_t len;

	if (mail_conf_locate(&set.mail, &conf, &user, "/cwd", &loc,
	    &err) == -1)
		ck_abort_msg("%s", err.msg);
	snprintf(text, sizeof(text), "%s:%s", loc.driver, loc.path);
	for (size_t i = 0; i < loc.key_count; i++) {
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, " %s=%s",
		    loc.keys[i].key, loc.keys[i].value != NULL ?
		    loc.keys[i].value : "");
	}
	mail_location_deinit(&loc);
	return text;
}

START_TEST(the_settings_of_2_3_are_taken_over_from_both_forms)
{
	const struct store_settings *s = &set.store.settings;

	take_file(_i == 0 ? "2.3-flat" : "2.3-blocks");
	ck_assert_int_eq(store_conf_resolve(&set.store, &err), 0);
	ck_assert_int_eq((int)s->lock_method, STORE_LOCK_FLOCK);
	ck_assert_int_eq((int)s->fsync, STORE_FSYNC_ALWAYS);
	/* Only -S with its filter knows what protocol doveadm says. */
	ck_assert_uint_eq(s->mail_max_lock_timeout, _i == 0 ? 7 : 30);
	ck_assert(!s->dotlock_use_excl);
	ck_assert_uint_eq(s->mdbox_rotate_size, 2U << 20);
	ck_assert_uint_eq(s->mdbox_rotate_interval, 86400);
	if (_i == 0)
		ck_assert_int_eq((int)s->mbox_write_locks.v[0],
		    STORE_LOCK_FCNTL);
	ck_assert_int_eq((int)s->zlib_save, STORE_COMPRESS_GZ);
	ck_assert_uint_eq(s->zlib_save_level, 5);
	ck_assert_str_eq(set.users.mail_uid, "vmail");
	ck_assert_str_eq(set.users.mail_gid, "vmail");
	ck_assert_str_eq(set.users.mail_home, "/var/vmail/%d/%n");
	ck_assert_uint_eq(set.users.first_valid_uid, 100);
	ck_assert_str_eq(set.users.auth_socket_path,
	    "/run/dovecot/auth-userdb");
	ck_assert_str_eq(place(), "maildir:/home/anna/Maildir "
	    "INDEX=/var/index/b.org/Anna "
	    "ATTRIBUTES=/home/anna/attributes");
	ck_assert_str_eq(set.dovecot.prefix, "INBOX.");
	ck_assert_int_eq(set.dovecot.separator, '.');
	ck_assert_str_eq(set.dovecot.others, _i == 0 ? "old/mail box" :
	    "old\\smail\\_box");
	ck_assert(!set.mail.place_is_fixed);
}
END_TEST

START_TEST(the_settings_of_2_4_are_taken_over)
{
	const struct store_settings *s = &set.store.settings;

	take_file("2.4-blocks");
	ck_assert_int_eq(store_conf_resolve(&set.store, &err), 0);
	ck_assert_int_eq((int)s->lock_method, STORE_LOCK_DOTLOCK);
	ck_assert_uint_eq(s->mdbox_rotate_size, 50U << 20);
	ck_assert_int_eq((int)s->zlib_save, STORE_COMPRESS_ZSTD);
	ck_assert_uint_eq(s->zlib_save_level, 5);
	ck_assert_str_eq(set.users.mail_uid, "vmail");
	ck_assert_uint_eq(set.users.first_valid_uid, 100);
	ck_assert_str_eq(place(), "mdbox:/home/anna/mdbox "
	    "INDEX=/var/index/b.org/Anna "
	    "ATTRIBUTES=/home/anna/attributes");
	ck_assert_str_eq(set.dovecot.prefix, "INBOX/");
	ck_assert_int_eq(set.dovecot.separator, '/');
	ck_assert_str_eq(set.dovecot.others, "archive");
	ck_assert(!set.mail.place_is_fixed);
}
END_TEST

START_TEST(another_namespace_can_be_named)
{
	static const struct {
		const char *file, *name, *place;
	} cases[] = {
		{ "2.3-flat", "old/mail box", "mdbox:/home/anna/archive "
		    "ATTRIBUTES=/home/anna/attributes" },
		{ "2.4-blocks", "archive", "sdbox:/home/anna/archive #1 "
		    "ATTRIBUTES=/home/anna/attributes" },
	};

	give("namespace", cases[_i].name, CONF_ARGS);
	take_file(cases[_i].file);
	ck_assert_str_eq(place(), cases[_i].place);
	ck_assert(set.mail.place_is_fixed);
	ck_assert_ptr_nonnull(set.dovecot.others);
}
END_TEST

START_TEST(our_own_settings_are_stronger)
{
	give("lock_method", "dotlock", CONF_FILE);
	give("mail_location", "sdbox:~/own", CONF_FILE);
	give("auth_socket_path", "/own/socket", CONF_FILE);
	give("first_valid_uid", "900", CONF_ARGS);
	take_file("2.4-blocks");
	ck_assert_int_eq(set.store.lock_method, STORE_LOCK_DOTLOCK);
	ck_assert_str_eq(place(), "sdbox:/home/anna/own "
	    "ATTRIBUTES=/home/anna/attributes");
	ck_assert_str_eq(set.users.auth_socket_path, "/own/socket");
	ck_assert_uint_eq(set.users.first_valid_uid, 900);
}
END_TEST

static void
field(const char *key, const char *value)
{
	ck_assert_int_eq(account_add_field(&user, key, strlen(key), value,
	    strlen(value), &err), 0);
}

START_TEST(the_entry_of_a_user_beats_dovecots_settings)
{
	take_file("2.4-blocks");
	field("mail_path", "~/of-user");
	field("namespace/other/mail_path", "~/no");
	ck_assert_int_eq(mail_conf_apply(&set.mail, &conf, &user, &err), 0);
	ck_assert_str_eq(place(), "mdbox:/home/anna/of-user "
	    "INDEX=/var/index/b.org/Anna "
	    "ATTRIBUTES=/home/anna/attributes");
	field("namespace/inbox/mail_path", "~/ns");
	ck_assert_int_eq(mail_conf_apply(&set.mail, &conf, &user, &err), 0);
	ck_assert_str_eq(place(), "mdbox:/home/anna/ns "
	    "INDEX=/var/index/b.org/Anna "
	    "ATTRIBUTES=/home/anna/attributes");
}
END_TEST

START_TEST(a_namespace_with_its_own_place_keeps_it)
{
	ck_assert_int_eq(take_text("mail_location=maildir:~/all\n"
	    "namespace/inbox/inbox=yes\n"
	    "namespace/inbox/location=sdbox:~/ns\n", true), 0);
	field("mail", "mbox:~/user");
	ck_assert_int_eq(mail_conf_apply(&set.mail, &conf, &user, &err), 0);
	ck_assert_str_eq(place(), "sdbox:/home/anna/ns");
	field("namespace/inbox/location", "mdbox:~/mine");
	ck_assert_int_eq(mail_conf_apply(&set.mail, &conf, &user, &err), 0);
	ck_assert_str_eq(place(), "mdbox:/home/anna/mine");
}
END_TEST

static const struct {
	const char *text, *wanted, *message;
} bad[] = {
	{ "lock_method=prayer\n", NULL, "lock_method" },
	{ "plugin/zlib_save=zip\nmail_plugins=zlib\n", NULL, "zlib_save" },
	{ "mdbox_rotate_size=much\n", NULL, "mdbox_rotate_size" },
	{ "namespace/inbox/inbox=yes\n", "other", "no namespace other" },
	{ "namespace/x/disabled=yes\n", "x", "disabled" },
};

START_TEST(what_cannot_be_obeyed_is_told)
{
	if (bad[_i].wanted != NULL)
		give("namespace", bad[_i].wanted, CONF_ARGS);
	ck_assert_int_eq(take_text(bad[_i].text, true), -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, bad[_i].message));
}
END_TEST

START_TEST(a_compression_counts_if_its_plugin_is_loaded)
{
	ck_assert_int_eq(take_text("plugin/zlib_save=gz\n"
	    "mail_plugins=quota zlibx\n", true), 0);
	ck_assert_int_eq(set.store.zlib_save, STORE_COMPRESS_NONE);
}
END_TEST

static const struct {
	const char *name, *text;
	int owns;
} files[] = {
	{ "dsync-x.conf", "protocols = imap\n", 0 },
	{ "dovecot.conf", "mail_location = maildir:~/M\n", 1 },
	{ "a.conf", "mail_location = maildir:~/M\n", 0 },
	{ "a.conf", "# protocols\nlisten = *\nnamespace = x\n", 0 },
	{ "a.conf", "", 0 },
	{ "a.conf", "mail_location = x\nnamespace inbox {\n}\n", 1 },
	{ "a.conf", "!include conf.d/*.conf\nprotocols = imap\n", 1 },
	{ "a.conf", "dovecot_config_version = 2.4.1\n", 1 },
	{ "a.conf", "passdb {\n driver = pam\n}\n", 1 },
	{ "a.conf", "service auth {\n}\n", 1 },
};

START_TEST(a_file_of_dovecots_is_told_from_ours)
{
	tempdir_write(files[_i].name, files[_i].text);
	ck_assert_int_eq(dovecot_owns(tempdir_path(files[_i].name), &err),
	    files[_i].owns);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_nobodys)
{
	ck_assert_int_eq(dovecot_owns(tempdir_path("none"), &err), -1);
	ck_assert_int_eq((int)err.code, ERR_NOTFOUND);
}
END_TEST

/* A doveconf that says this one line. */
static void
install(const char *line)
{
	char text[512];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", line);
	tempdir_write("doveconf", text);
	ck_assert_int_eq(chmod(tempdir_path("doveconf"), 0700), 0);
	ck_assert_int_eq(setenv("DSYNC_DOVECONF", tempdir_path("doveconf"),
	    1), 0);
}

START_TEST(an_installed_dovecot_is_asked_where_our_file_is_silent)
{
	install("echo mail_location=mdbox:~/d");
	ck_assert_int_eq(dovecot_load(&set.dovecot, &target, &err), 0);
	ck_assert(set.dovecot.used);
	ck_assert_str_eq(place(), "mdbox:/home/anna/d");
}
END_TEST

START_TEST(an_installed_dovecot_is_not_asked_where_nobody_wants_it)
{
	install("exit 1");
	if (_i == 0)
		give("mail_location", "maildir:~/own", CONF_FILE);
	else
		give("dovecot_config", "no", CONF_FILE);
	ck_assert_int_eq(dovecot_load(&set.dovecot, &target, &err), 0);
	ck_assert(!set.dovecot.used);
}
END_TEST

START_TEST(a_dovecot_that_is_asked_for_must_be_there)
{
	if (_i == 0) {
		ck_assert_int_eq(setenv("DSYNC_DOVECONF", "", 1), 0);
		give("dovecot_config", "/etc/dovecot/dovecot.conf",
		    CONF_FILE);
	} else if (_i == 1) {
		install("echo broken >&2; exit 89");
		give("dovecot_config", "yes", CONF_FILE);
	} else {
		ck_assert_int_eq(setenv("DSYNC_DOVECONF", "", 1), 0);
		give("namespace", "archive", CONF_ARGS);
	}
	ck_assert_int_eq(dovecot_load(&set.dovecot, &target, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, _i == 1 ? "broken" :
	    "Dovecot"));
}
END_TEST

START_TEST(a_passwd_file_of_our_own_takes_dovecots_place)
{
	install("echo base_dir=/run/d");
	give("passwd_file", "/etc/users", CONF_FILE);
	ck_assert_int_eq(dovecot_load(&set.dovecot, &target, &err), 0);
	ck_assert_ptr_null(set.users.auth_socket_path);
	ck_assert_str_eq(set.users.passwd_file, "/etc/users");
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "dovecot");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
	    the_settings_of_2_3_are_taken_over_from_both_forms, 0, 2);
	tcase_add_test(tcase, the_settings_of_2_4_are_taken_over);
	tcase_add_loop_test(tcase, another_namespace_can_be_named, 0, 2);
	tcase_add_test(tcase, our_own_settings_are_stronger);
	tcase_add_test(tcase, the_entry_of_a_user_beats_dovecots_settings);
	tcase_add_test(tcase, a_namespace_with_its_own_place_keeps_it);
	tcase_add_loop_test(tcase, what_cannot_be_obeyed_is_told, 0,
	    nitems(bad));
	tcase_add_test(tcase, a_compression_counts_if_its_plugin_is_loaded);
	tcase_add_loop_test(tcase, a_file_of_dovecots_is_told_from_ours, 0,
	    nitems(files));
	tcase_add_test(tcase, a_file_that_is_not_there_is_nobodys);
	tcase_add_test(tcase,
	    an_installed_dovecot_is_asked_where_our_file_is_silent);
	tcase_add_loop_test(tcase,
	    an_installed_dovecot_is_not_asked_where_nobody_wants_it, 0, 2);
	tcase_add_loop_test(tcase, a_dovecot_that_is_asked_for_must_be_there,
	    0, 3);
	tcase_add_test(tcase, a_passwd_file_of_our_own_takes_dovecots_place);
	return unit_run(suite);
}
