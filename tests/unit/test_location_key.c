/* Keys of a mail location that drivers take alike. */
#include "config.h"

#include <stdlib.h>

#include "base/array.h"
#include "store/files/location_key.h"
#include "tests/support/unit.h"

START_TEST(a_key_of_dovecots_own_affairs_is_ignored)
{
	ck_assert(location_key_ignored("INDEXCACHE"));
	ck_assert(location_key_ignored("NO-FS-VALIDATION"));
	ck_assert(!location_key_ignored("INDEX"));
	ck_assert(!location_key_ignored("indexcache"));
	ck_assert(!location_key_ignored(""));
}
END_TEST

START_TEST(a_name_takes_the_place_of_the_one_before)
{
	struct err err = ERR_INIT;
	char *field = NULL;

	ck_assert_int_eq(location_key_name(&field, "mbox", "DIRNAME", "a",
	    false, &err), 0);
	ck_assert_int_eq(location_key_name(&field, "mbox", "DIRNAME", ".b",
	    true, &err), 0);
	ck_assert_str_eq(field, ".b");
	free(field);
}
END_TEST

START_TEST(what_is_no_file_name_is_refused_and_changes_nothing)
{
	static const char *const bad[] = { "", ".", "..", "a/b", ".hidden" };
	struct err err = ERR_INIT;
	char *field = NULL;

	for (size_t i = 0; i < nitems(bad); i++) {
		ck_assert_int_eq(location_key_name(&field, "mbox", "DIRNAME",
		    bad[i], false, &err), -1);
		ck_assert_int_eq(err.code, ERR_CONFIG);
		ck_assert_ptr_null(field);
	}
	ck_assert_int_eq(location_key_name(&field, "mbox", "DIRNAME", "..",
	    true, &err), -1);
}
END_TEST

START_TEST(fs_is_the_only_layout_of_most_drivers)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(location_key_layout_fs("mbox", "FS", &err), 0);
	ck_assert_int_eq(location_key_layout_fs("mbox", "index", &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(err.msg,
	    "mbox: LAYOUT=index is not supported, only fs is");
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "location_key");

	tcase_add_test(tc, a_key_of_dovecots_own_affairs_is_ignored);
	tcase_add_test(tc, a_name_takes_the_place_of_the_one_before);
	tcase_add_test(tc,
	    what_is_no_file_name_is_refused_and_changes_nothing);
	tcase_add_test(tc, fs_is_the_only_layout_of_most_drivers);
	return unit_run(suite);
}
