/*
 * test_user.c - users from a passwd-file and from the system
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "client/user.h"

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

START_TEST(a_passwd_file_gives_ids_home_and_location)
{
	struct err err = ERR_INIT;
	struct user user;

	ck_assert_int_eq(user_parse(&user, "alice", passwd, &err), 0);
	ck_assert_str_eq(user.name, "alice");
	ck_assert_uint_eq(user.uid, 1001);
	ck_assert_uint_eq(user.gid, 1002);
	ck_assert_str_eq(user.home, "/home/alice");
	ck_assert_str_eq(user.mail_location, "maildir:~/Mail:INDEX=/x");
	user_deinit(&user);
	ck_assert_int_eq(user_parse(&user, "bob@example.org", passwd, &err),
	    0);
	ck_assert_ptr_null(user.mail_location);
	user_deinit(&user);
	ck_assert_int_eq(user_parse(&user, "last", passwd, &err), 0);
	ck_assert_str_eq(user.mail_location, "mdbox:~/m");
	user_deinit(&user);
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
	struct user user;

	ck_assert_int_eq(user_parse(&user, refused[_i].name, passwd, &err),
	    -1);
	ck_assert_int_eq(err.code, refused[_i].code);
}
END_TEST

START_TEST(the_home_of_who_runs_it_comes_from_the_environment)
{
	struct err err = ERR_INIT;
	struct user user;

	ck_assert_int_eq(setenv("HOME", "/tmp/some home", 1), 0);
	if (user_find(&user, NULL, NULL, &err) == -1) {
		/* A container may run under a uid that has no name. */
		ck_assert_int_eq(err.code, ERR_NOTFOUND);
		return;
	}
	ck_assert_str_eq(user.home, "/tmp/some home");
	ck_assert_uint_eq(user.uid, getuid());
	ck_assert_int_eq(user_become(&user, &err), 0);
	user_deinit(&user);
}
END_TEST

START_TEST(a_name_that_could_be_more_than_a_name_is_refused)
{
	static const char *const names[] = { "", "a:b", "a\nb", "../a" };
	struct err err = ERR_INIT;
	struct user user;

	for (size_t i = 0; i < nitems(names); i++)
		ck_assert_int_eq(user_find(&user, names[i], NULL, &err), -1);
	ck_assert_int_eq(user_find(&user, "no-such-user-here", NULL, &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("user");
	TCase *tcase = tcase_create("find");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, a_passwd_file_gives_ids_home_and_location);
	tcase_add_loop_test(tcase, a_line_that_is_not_whole_gives_no_user, 0,
	    nitems(refused));
	tcase_add_test(tcase,
	    the_home_of_who_runs_it_comes_from_the_environment);
	tcase_add_test(tcase,
	    a_name_that_could_be_more_than_a_name_is_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
