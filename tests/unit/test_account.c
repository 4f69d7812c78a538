/*
 * test_account.c - a user: ids, home, fields
 */
#include "config.h"

#include <check.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "priv/account.h"
#include "tests/support/unit.h"

#define UID_WITHOUT_ENTRY	2147480000U

static int
add(struct account *user, const char *key, const char *value, struct err *err)
{
	return account_add_field(user, key, strlen(key), value,
	    strlen(value), err);
}

START_TEST(the_later_of_two_equal_fields_counts)
{
	struct account user = { .name = NULL };
	struct err err = ERR_INIT;

	ck_assert_int_eq(add(&user, "mail", "a", &err), 0);
	ck_assert_int_eq(add(&user, "mai", "b", &err), 0);
	ck_assert_int_eq(add(&user, "mail", "c=d", &err), 0);
	ck_assert_str_eq(account_field(&user, "mail"), "c=d");
	ck_assert_str_eq(account_field(&user, "mai"), "b");
	ck_assert_ptr_null(account_field(&user, "ma"));
	ck_assert_ptr_null(account_field(&user, "mail_"));
	ck_assert_uint_eq(user.field_count, 2);
	account_deinit(&user);
}
END_TEST

START_TEST(fields_have_limits)
{
	static char huge[ACCOUNT_FIELD_MAX + 1];
	struct account user = { .name = NULL };
	struct err err = ERR_INIT;
	char key[16];

	memset(huge, 'x', sizeof(huge) - 1);
	ck_assert_int_eq(add(&user, "k", huge, &err), -1);
	ck_assert_int_eq(add(&user, "", "v", &err), -1);
	ck_assert_int_eq(add(&user, "k\n", "v", &err), -1);
	ck_assert_int_eq(add(&user, "k", "v\t", &err), -1);
	for (unsigned int i = 0; i < ACCOUNT_FIELDS_MAX; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		ck_assert_int_eq(add(&user, key, "", &err), 0);
	}
	ck_assert_int_eq(add(&user, "one-more", "", &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	account_deinit(&user);
}
END_TEST

static const struct {
	const char *text;
	unsigned int id;	/* 0: refused */
} ids[] = {
	{ "1", 1 }, { "4294967294", 4294967294U }, { "nobody", 65534 },
	{ "0", 0 }, { "root", 0 }, { "", 0 }, { "-1", 0 }, { "4294967295", 0 },
	{ "99999999999", 0 }, { "12a", 0 }, { "no-such-user-here", 0 },
	{ "00", 0 }, { "+5", 0 },
};

START_TEST(a_uid_is_a_number_or_a_name_and_never_root)
{
	struct err err = ERR_INIT;
	uid_t uid = 0;
	int r = account_uid_parse(&uid, ids[_i].text, &err);

	ck_assert_int_eq(r, ids[_i].id != 0 ? 0 : -1);
	ck_assert_uint_eq(uid, ids[_i].id);
	if (r == -1)
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

/* A container may run us under any uid; only root can play that. */
START_TEST(who_has_no_entry_goes_by_the_environment_or_the_uid)
{
	struct err err = ERR_INIT;
	struct account user;

	if (geteuid() != 0)
		return;
	ck_assert_ptr_null(getpwuid(UID_WITHOUT_ENTRY));
	ck_assert_int_eq(setenv("HOME", "/tmp/home", 1), 0);
	ck_assert_int_eq(setenv("USER", "alice", 1), 0);
	ck_assert_int_eq(setuid(UID_WITHOUT_ENTRY), 0);
	ck_assert_int_eq(account_of_self(&user, NULL, &err), 0);
	ck_assert_str_eq(user.name, "alice");
	account_deinit(&user);
	ck_assert_int_eq(setenv("USER", "../alice", 1), 0);
	ck_assert_int_eq(account_of_self(&user, NULL, &err), 0);
	ck_assert_str_eq(user.name, "2147480000");
	ck_assert_str_eq(user.home, "/tmp/home");
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

	tcase_add_test(tcase, the_later_of_two_equal_fields_counts);
	tcase_add_test(tcase, fields_have_limits);
	tcase_add_loop_test(tcase, a_uid_is_a_number_or_a_name_and_never_root,
	    0, nitems(ids));
	tcase_add_test(tcase, who_runs_it_has_the_home_of_the_environment);
	tcase_add_test(tcase,
	    who_has_no_entry_goes_by_the_environment_or_the_uid);
	tcase_add_test(tcase, a_stranger_to_the_system_is_not_found);
	return unit_run(suite);
}
