/*
 * test_account.c - users from a passwd-file and from the system
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "priv/account.h"
#include "tests/support/unit.h"

static const char passwd[] =
    "# comment\n"
    "alic:x:1:1::/a::\n"
    "alice:{PLAIN}x:1001:1002:A B:/home/alice:/bin/sh:"
    "userdb_quota=1G userdb_mail=maildir:~/Mail:INDEX=/x\n"
    "bob@example.org::2000:2000::/home/bob\n"
    "zero:x:0:0::/root::\n"
    "nohome:x:5:5::::\n"
    "relative:x:5:5::home::\n"
    "short:x\n"
    "badid:x:12a:5::/h::\n"
    "minus:x:-1:5::/h::\n"
    "huge:x:4294967295:5::/h::\n"
    "last:x:7:8::/last::mail=mdbox:~/m";

static int
find(const char *name, struct account *user_r, struct err *err)
{
	return account_parse(user_r, name, passwd, sizeof(passwd) - 1, err);
}

START_TEST(a_passwd_file_gives_ids_home_and_location)
{
	struct err err = ERR_INIT;
	struct account user;

	ck_assert_int_eq(find("alice", &user, &err), 0);
	ck_assert_str_eq(user.name, "alice");
	ck_assert_uint_eq(user.uid, 1001);
	ck_assert_uint_eq(user.gid, 1002);
	ck_assert_str_eq(user.home, "/home/alice");
	ck_assert_str_eq(user.mail_location, "maildir:~/Mail:INDEX=/x");
	account_deinit(&user);
	ck_assert_int_eq(find("bob@example.org", &user, &err),
	    0);
	ck_assert_ptr_null(user.mail_location);
	ck_assert_ptr_null(user.groups_of);
	account_deinit(&user);
	ck_assert_int_eq(find("last", &user, &err), 0);
	ck_assert_str_eq(user.mail_location, "mdbox:~/m");
	account_deinit(&user);
}
END_TEST

static const struct {
	const char *name;
	enum err_code code;
} refused[] = {
	{ "ali", ERR_NOTFOUND },
	{ "alicea", ERR_NOTFOUND },
	{ "1001", ERR_NOTFOUND },
	{ "zero", ERR_CONFIG },
	{ "nohome", ERR_CONFIG },
	{ "relative", ERR_CONFIG },
	{ "short", ERR_CONFIG },
	{ "badid", ERR_CONFIG },
	{ "minus", ERR_CONFIG },
	{ "huge", ERR_CONFIG },
};

START_TEST(a_line_that_is_not_whole_gives_no_user)
{
	struct err err = ERR_INIT;
	struct account user;

	ck_assert_int_eq(find(refused[_i].name, &user, &err),
	    -1);
	ck_assert_int_eq(err.code, refused[_i].code);
}
END_TEST

START_TEST(a_file_that_holds_a_nul_gives_no_user)
{
	static const char text[] = "anna:x:1:1::/a\0\nbob:x:2:2::/b\n";
	struct err err = ERR_INIT;
	struct account user;

	ck_assert_int_eq(account_parse(&user, "anna", text,
	    sizeof(text) - 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

START_TEST(who_runs_it_has_the_home_of_the_environment)
{
	struct err err = ERR_INIT;
	struct account user;

	ck_assert_int_eq(setenv("HOME", "/tmp/some home", 1), 0);
	ck_assert_int_eq(account_of_self(&user, "a name", &err), 0);
	ck_assert_str_eq(user.name, "a name");
	ck_assert_str_eq(user.home, "/tmp/some home");
	ck_assert_uint_eq(user.uid, getuid());
	ck_assert(!user.become);
	account_deinit(&user);
}
END_TEST

START_TEST(a_stranger_to_the_system_is_not_found)
{
	struct err err = ERR_INIT;
	struct account user;

	ck_assert_int_eq(account_of_system(&user, "no-such-user-here", &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "account");

	tcase_add_test(tcase, a_passwd_file_gives_ids_home_and_location);
	tcase_add_loop_test(tcase, a_line_that_is_not_whole_gives_no_user, 0,
	    nitems(refused));
	tcase_add_test(tcase, a_file_that_holds_a_nul_gives_no_user);
	tcase_add_test(tcase, who_runs_it_has_the_home_of_the_environment);
	tcase_add_test(tcase, a_stranger_to_the_system_is_not_found);
	return unit_run(suite);
}
