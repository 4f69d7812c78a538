/*
 * test_mail_conf.c - where a user's mail is, in both spellings
 */
#include "config.h"

#include <sys/stat.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"
#include "users/mail_conf.h"
#include "users/store_conf.h"

struct settings {
	int first;
	struct mail_conf mail;
	struct store_conf store;
	char *ssl_ca;
};

static const struct optdef optdefs[] = {
	MAIL_CONF_ROWS(offsetof(struct settings, mail)),
	STORE_CONF_ROWS(offsetof(struct settings, store)),
	{ .name = "ssl_ca", .type = OPT_STRING,
	  .offset = offsetof(struct settings, ssl_ca) },
};

static char name[] = "anna@b.org", home[] = "/home/anna";
static struct settings set;
static struct conf conf;
static struct err err;
static struct account user;

static void
setup(void)
{
	memset(&set, 0, sizeof(set));
	conf_init(&conf, optdefs, nitems(optdefs), &set);
	err = (struct err)ERR_INIT;
	user = (struct account){ .name = name, .home = home };
}

static void
teardown(void)
{
	conf_deinit(&conf);
}

/* "file mail_path=x; args mail_location=y": settings from their sources. */
static void
apply(const char *text)
{
	static const struct {
		const char *word;
		enum conf_source source;
	} sources[] = {
		{ "file ", CONF_FILE }, { "user ", CONF_USERDB },
		{ "args ", CONF_ARGS },
	};
	char copy[512], *rest = copy, *item, *value;
	size_t i;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((item = strsep(&rest, ";")) != NULL) {
		item += strspn(item, " ");
		for (i = 0; i < nitems(sources); i++) {
			if (strncmp(item, sources[i].word, 5) == 0)
				break;
		}
		ck_assert_uint_lt(i, nitems(sources));
		value = strchr(item, '=');
		*value++ = '\0';
		ck_assert_int_eq(conf_set(&conf, item + 5, value,
		    sources[i].source, &err), 0);
	}
}

/* "driver:path:KEY=value:FLAG" */
static const char *
show(const struct mail_location *loc)
{
	static char text[1024];
	size_t len;

	snprintf(text, sizeof(text), "%s:%s", loc->driver, loc->path);
	for (size_t i = 0; i < loc->key_count; i++) {
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, ":%s%s%s",
		    loc->keys[i].key, loc->keys[i].value != NULL ? "=" : "",
		    loc->keys[i].value != NULL ? loc->keys[i].value : "");
	}
	return text;
}

static const struct {
	const char *settings, *location;
} cases[] = {
	{ "file mail_fsync=never", "maildir:/home/anna/Maildir" },
	{ "file mail_location=mdbox:~/m:INDEX=~/i",
	  "mdbox:/home/anna/m:INDEX=/home/anna/i" },
	{ "file mail_driver=sdbox", "sdbox:/home/anna/sdbox" },
	{ "file mail_path=%h/x", ":/home/anna/x" },
	{ "file mail_driver=mdbox; file mail_path=/m/%d/%n; "
	  "file mail_index_path=/i/%{user}; file mail_alt_path=~/alt; "
	  "file mail_alt_check=no",
	  "mdbox:/m/b.org/anna:INDEX=/i/anna@b.org:ALT=/home/anna/alt"
	  ":ALTNOCHECK" },
	{ "file mail_driver=maildir; file mailbox_list_layout=fs; "
	  "file mailbox_list_utf8=yes; file mailbox_directory_name=mail; "
	  "file mailbox_subscriptions_filename=subs; "
	  "file mail_control_path=~/c; file mail_inbox_path=~/in",
	  "maildir:/home/anna/Maildir:INBOX=/home/anna/in"
	  ":CONTROL=/home/anna/c:LAYOUT=fs:FULLDIRNAME=mail"
	  ":SUBSCRIPTIONS=subs:UTF-8" },
	{ "file mail_driver=sdbox; file mailbox_directory_name=m; "
	  "file mailbox_directory_name_legacy=yes",
	  "sdbox:/home/anna/sdbox:DIRNAME=m" },
	/* The stronger source, whichever the spelling. */
	{ "file mail_driver=mdbox; file mail_path=~/f; "
	  "user mail_location=maildir:~/u", "maildir:/home/anna/u" },
	{ "file mail_driver=mdbox; file mail_index_path=~/i; "
	  "args mail_location=maildir:~/a", "maildir:/home/anna/a" },
	{ "file mail_location=mdbox:~/m:INDEX=~/i; user mail_path=~/p; "
	  "user mail_driver=sdbox", "sdbox:/home/anna/p" },
	{ "user mail_location=mdbox:~/u:INDEX=~/i; "
	  "file mail_path=~/f; args mail_index_path=MEMORY",
	  "mdbox:/home/anna/u:INDEX=MEMORY" },
	{ "file mail_location=mdbox:~/m:INDEX=~/i; file mail_index_path=/j",
	  "mdbox:/home/anna/m:INDEX=/j" },
	{ "file mail_driver=mdbox; user mail_path=~/u; "
	  "file mail_alt_path=/alt/%n",
	  "mdbox:/home/anna/u:ALT=/alt/anna" },
	{ "file mail_path=; file mail_location=sdbox:~/s",
	  "sdbox:/home/anna/s" },
	/* No part of the location, whatever names that one. */
	{ "file mail_attribute_dict=file:%h/a; args mail_location=maildir:/m",
	  "maildir:/m:ATTRIBUTES=/home/anna/a" },
	{ "file mail_attribute_dict=file:~/%n:lock=fcntl; "
	  "file mail_location=maildir:/m",
	  "maildir:/m:ATTRIBUTES=/home/anna/anna:ATTRIBUTES_LOCK=fcntl" },
	{ "file mail_attribute_dict=file:/a; "
	  "file mail_location=maildir:/m:ATTRIBUTES=/b",
	  "maildir:/m:ATTRIBUTES=/b" },
	{ "file mail_attribute_dict=proxy::metadata; "
	  "file mail_location=maildir:/m", "maildir:/m" },
	{ "file mail_attribute_dict=file:/a; user mail_attribute_dict=; "
	  "file mail_location=maildir:/m", "maildir:/m" },
};

START_TEST(both_spellings_name_one_location)
{
	struct mail_location loc;

	apply(cases[_i].settings);
	if (mail_conf_locate(&set.mail, &conf, &user, "/cwd", &loc,
	    &err) == -1)
		ck_abort_msg("%s", err.msg);
	ck_assert_str_eq(show(&loc), cases[_i].location);
	mail_location_deinit(&loc);
}
END_TEST

static const struct {
	const char *settings, *text;
} bad[] = {
	{ "file mail_location=maildir:%q", "mail_location" },
	{ "file mail_location=maildir:%{passwd}", "mail_location" },
	{ "file mail_location=", "no mail was found" },
	{ "file mail_driver=imapc", "mail_path" },
	{ "file mail_driver=a:b; file mail_path=/x", "mail_driver" },
	{ "file mail_path=/a:b", "mail_path" },
	{ "file mail_path=%{owner_user}", "mail_path" },
	{ "file mail_index_path=~other/x", "mail_index_path" },
	{ "file mail_index_path=%{no_such}", "mail_index_path" },
	{ "file mail_attribute_dict=file:attributes", "mail_attribute_dict" },
	{ "file mail_attribute_dict=file:%{no_such}", "mail_attribute_dict" },
};

START_TEST(what_is_no_location_is_told_with_its_setting)
{
	struct mail_location loc;

	apply(bad[_i].settings);
	ck_assert_int_eq(mail_conf_locate(&set.mail, &conf, &user, "/cwd",
	    &loc, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, bad[_i].text));
}
END_TEST

START_TEST(a_user_without_a_home_can_have_mail_elsewhere)
{
	static char none[] = ACCOUNT_NO_HOME;
	struct mail_location loc;

	user.home = none;
	ck_assert_int_eq(mail_conf_locate(&set.mail, &conf, &user, NULL, &loc,
	    &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "home"));
	apply("file mail_location=maildir:/var/vmail/%d/%n");
	ck_assert_int_eq(mail_conf_locate(&set.mail, &conf, &user, NULL, &loc,
	    &err), 0);
	ck_assert_str_eq(show(&loc), "maildir:/var/vmail/b.org/anna");
	mail_location_deinit(&loc);
}
END_TEST

START_TEST(an_empty_location_is_looked_for_in_the_home)
{
	static const char *const dirs[] = { "mail", "mail/.imap", "Maildir",
	    "Maildir/cur", "sdbox", "sdbox/mailboxes", "mdbox",
	    "mdbox/storage" };
	static const char *const drivers[] = { "mbox:", "maildir:", "sdbox:",
	    "mdbox:" };
	struct mail_location loc;
	static char root[256];

	snprintf(root, sizeof(root), "%s", tempdir_make());
	user.home = root;
	apply("file mail_location=");
	for (size_t i = 0; i < nitems(dirs); i++) {
		ck_assert_int_eq(mkdir(tempdir_path(dirs[i]), 0700), 0);
		/* The directory alone proves nothing. */
		if (i % 2 == 0)
			continue;
		ck_assert_int_eq(mail_conf_locate(&set.mail, &conf, &user,
		    NULL, &loc, &err), 0);
		ck_assert_int_eq(strncmp(show(&loc), drivers[i / 2],
		    strlen(drivers[i / 2])), 0);
		mail_location_deinit(&loc);
	}
	tempdir_remove();
}
END_TEST

static void
add(const char *key, const char *value)
{
	ck_assert_int_eq(account_add_field(&user, key, strlen(key), value,
	    strlen(value), &err), 0);
}

START_TEST(an_entry_may_say_how_mail_lies_and_nothing_else)
{
	char *origin;

	user.name = strdup(name);
	user.home = strdup(home);
	add("mail", "sdbox:~/s");
	add("mdbox_rotate_size", "3M");
	add("quota_rule", "*:storage=1G");
	add("ssl_ca", "/evil");
	add("uid", "5");
	ck_assert_int_eq(mail_conf_apply(&set.mail, &conf, &user, &err),
	    0);
	ck_assert_str_eq(set.mail.mail_location, "sdbox:~/s");
	ck_assert_int_eq((int)conf_source(&conf, "mail_location"),
	    CONF_USERDB);
	origin = mail_conf_origin(&set.mail, &conf);
	ck_assert_str_eq(origin, "mail_location = sdbox:~/s of the entry of "
	    "the user anna@b.org");
	free(origin);
	ck_assert_uint_eq(set.store.mdbox_rotate_size, 3U << 20);
	ck_assert_ptr_null(set.ssl_ca);
	add("lock_method", "prayer");
	ck_assert_int_eq(mail_conf_apply(&set.mail, &conf, &user, &err),
	    -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
	account_deinit(&user);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "mail_conf");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, both_spellings_name_one_location, 0,
	    nitems(cases));
	tcase_add_loop_test(tcase, what_is_no_location_is_told_with_its_setting,
	    0, nitems(bad));
	tcase_add_test(tcase, a_user_without_a_home_can_have_mail_elsewhere);
	tcase_add_test(tcase, an_empty_location_is_looked_for_in_the_home);
	tcase_add_test(tcase, an_entry_may_say_how_mail_lies_and_nothing_else);
	return unit_run(suite);
}
