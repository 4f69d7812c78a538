/* The file of a store's subscriptions, as all drivers use it. */
#include "config.h"

#include <sys/stat.h>

#include <string.h>
#include <unistd.h>

#include "store/files/subscriptions_file.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

static struct store store;
static struct path_root root;
static struct subscriptions_file file;
static char names[200];		/* those told, each with "|" behind it */
static unsigned int problems;

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	(void)what;
	(void)why;
	(void)arg;
	problems++;
}

static void
setup(void)
{
	struct err err = ERR_INIT;

	tempdir_make();
	store = (struct store){ .problem = on_problem };
	file = (struct subscriptions_file){ .root = &root,
	    .name = "subscriptions", .hostname = "test", .separator = '/' };
	ck_assert_int_eq(path_root_open(&root, &store, tempdir_path(""),
	    false, false, &err), 0);
	problems = 0;
}

static void
teardown(void)
{
	path_root_close(&root);
	tempdir_remove();
}

static bool
fits(struct store *head, const char *name)
{
	ck_assert_ptr_eq(head, &store);
	return strcmp(name, "too^odd") != 0;
}

static int
on_name(const char *name, void *arg, struct err *err)
{
	const char *last = arg;

	strcat(names, name);
	strcat(names, "|");
	if (last != NULL && strcmp(name, last) == 0)
		return err_set(err, ERR_TEMP, "enough");
	return 0;
}

static int
list(const char *last, struct err *err)
{
	names[0] = '\0';
	return subscriptions_list(&file, &store, fits, on_name,
	    (void *)(uintptr_t)last, err);
}

static void
expect(const char *wanted)
{
	struct err err = ERR_INIT;

	ck_assert_msg(list(NULL, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(names, wanted);
}

START_TEST(a_missing_file_is_an_empty_list)
{
	expect("");
	ck_assert_int_eq(access(tempdir_path("subscriptions"), F_OK), -1);
}
END_TEST

START_TEST(lines_that_are_no_names_are_told_and_left_out)
{
	tempdir_write("subscriptions", "INBOX\nbad&\ntoo^odd\nWork\n");
	expect("INBOX|Work|");
	ck_assert_uint_eq(problems, 2);
}
END_TEST

START_TEST(the_list_ends_where_the_caller_fails)
{
	struct err err = ERR_INIT;

	tempdir_write("subscriptions", "a\nb\nc\n");
	ck_assert_int_eq(list("b", &err), -1);
	ck_assert_int_eq(err.code, ERR_TEMP);
	ck_assert_str_eq(names, "a|b|");
}
END_TEST

START_TEST(a_change_keeps_lines_that_mean_nothing_to_us)
{
	struct err err = ERR_INIT;

	tempdir_write("subscriptions", "a\ntoo^odd\n");
	ck_assert_int_eq(subscriptions_change(&file, "b", true, &err), 0);
	ck_assert_int_eq(subscriptions_change(&file, "a", false, &err), 0);
	ck_assert_str_eq(tempdir_read("subscriptions"), "too^odd\nb\n");
	ck_assert_int_eq(access(tempdir_path("subscriptions.lock"), F_OK),
	    -1);
}
END_TEST

START_TEST(what_is_so_already_is_not_written)
{
	struct stat before, after;
	struct err err = ERR_INIT;

	tempdir_write("subscriptions", "a\n");
	ck_assert_int_eq(stat(tempdir_path("subscriptions"), &before), 0);
	ck_assert_int_eq(subscriptions_change(&file, "a", true, &err), 0);
	ck_assert_int_eq(subscriptions_change(&file, "x", false, &err), 0);
	ck_assert_int_eq(stat(tempdir_path("subscriptions"), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
}
END_TEST

START_TEST(several_are_changed_in_one_step_but_those_that_failed)
{
	struct store_subscription all[] = {
		{ .name = "a", .on = true },
		{ .name = "b", .on = true, .failed = true },
		{ .name = "c", .on = true },
	};
	struct err err = ERR_INIT;

	ck_assert_int_eq(subscriptions_change_all(&file, all, 3, &err), 0);
	expect("a|c|");
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "subscriptions_file");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_missing_file_is_an_empty_list);
	tcase_add_test(tc, lines_that_are_no_names_are_told_and_left_out);
	tcase_add_test(tc, the_list_ends_where_the_caller_fails);
	tcase_add_test(tc, a_change_keeps_lines_that_mean_nothing_to_us);
	tcase_add_test(tc, what_is_so_already_is_not_written);
	tcase_add_test(tc,
	    several_are_changed_in_one_step_but_those_that_failed);
	return unit_run(suite);
}
