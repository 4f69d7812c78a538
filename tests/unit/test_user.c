/*
 * test_user.c - whose mail it is
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/array.h"
#include "client/user.h"
#include "tests/support/unit.h"
#include "users/user_conf.h"

START_TEST(the_home_of_who_runs_it_comes_from_the_environment)
{
	struct err err = ERR_INIT;
	struct account user;

	ck_assert_int_eq(setenv("HOME", "/tmp/some home", 1), 0);
	if (user_find(&user, NULL, NULL, &err) == -1) {
		/* A container may run under a uid that has no name. */
		ck_assert_int_eq(err.code, ERR_NOTFOUND);
		return;
	}
	ck_assert_str_eq(user.home, "/tmp/some home");
	ck_assert_uint_eq(user.uid, getuid());
	ck_assert_int_eq(user_become(&user, &err), 0);
	account_deinit(&user);
}
END_TEST

START_TEST(a_name_that_could_be_more_than_a_name_is_refused)
{
	static const char *const names[] = { "", "a\tb", "a\nb", "../a",
	    "..", ".", "-u" };
	struct err err = ERR_INIT;
	struct account user;
	const struct user_conf conf = { .first_valid_uid = 500 };

	for (size_t i = 0; i < nitems(names); i++)
		ck_assert_int_eq(user_find(&user, names[i], &conf,
		    &err), -1);
	ck_assert_int_eq(user_find(&user, "no-such-user-here", &conf, &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "user");

	tcase_add_test(tcase,
	    the_home_of_who_runs_it_comes_from_the_environment);
	tcase_add_test(tcase,
	    a_name_that_could_be_more_than_a_name_is_refused);
	return unit_run(suite);
}
