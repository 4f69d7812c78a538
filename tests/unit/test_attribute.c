#include "config.h"

#include <string.h>

#include "base/array.h"
#include "model/attribute.h"
#include "tests/support/unit.h"

static bool
valid(const char *key)
{
	return attribute_key_valid(key, strlen(key));
}

START_TEST(a_key_is_what_a_mail_client_may_set)
{
	char longest[ATTRIBUTE_KEY_MAX + 2];

	ck_assert(valid("/private/comment"));
	ck_assert(valid("/shared/vendor/x y/\"q\\"));
	ck_assert(!valid("/public/comment"));
	ck_assert(!valid("private/comment"));
	ck_assert(!valid("/private/"));
	ck_assert(!valid("/private"));
	ck_assert(!valid("/private//a"));
	ck_assert(!valid("/private/a//b"));
	ck_assert(!valid("/private/a/"));
	ck_assert(!valid("/private/a*"));
	ck_assert(!valid("/private/a%"));
	ck_assert(!valid("/private/a\n"));
	ck_assert(!valid("/private/\xc3\xa9"));
	ck_assert(!attribute_key_valid("/private/a\0b", 12));
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "/private/", 9);
	longest[ATTRIBUTE_KEY_MAX + 1] = '\0';
	ck_assert(!valid(longest));
	longest[ATTRIBUTE_KEY_MAX] = '\0';
	ck_assert(valid(longest));
}
END_TEST

START_TEST(of_dovecots_own_only_what_is_the_servers_is_a_users)
{
	ck_assert(attribute_is_internal(
	    "/private/vendor/vendor.dovecot/pvt/imap-urlauth"));
	ck_assert(attribute_is_internal("/private/vendor/vendor.dovecot/pvt/"
	    "server/sieve/files/a"));
	ck_assert(!attribute_is_internal(
	    "/private/vendor/vendor.dovecot/pvt/server/comment"));
	ck_assert(!attribute_is_internal(
	    "/shared/vendor/vendor.dovecot/http-notify"));
	ck_assert(!attribute_is_internal("/private/comment"));
}
END_TEST

START_TEST(the_larger_value_is_the_one_with_the_larger_bytes)
{
	const uint8_t a[] = "a", ab[] = "ab", high[] = "\xff";

	ck_assert_int_lt(attribute_value_cmp(a, 1, ab, 2), 0);
	ck_assert_int_lt(attribute_value_cmp(ab, 2, high, 1), 0);
	ck_assert_int_eq(attribute_value_cmp(ab, 1, a, 1), 0);
	ck_assert_int_gt(attribute_value_cmp(a, 0, NULL, 0), 0);
	ck_assert_int_lt(attribute_value_cmp(NULL, 0, a, 1), 0);
	ck_assert_int_eq(attribute_value_cmp(NULL, 0, NULL, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "attribute");

	tcase_add_test(tcase, a_key_is_what_a_mail_client_may_set);
	tcase_add_test(tcase,
	    of_dovecots_own_only_what_is_the_servers_is_a_users);
	tcase_add_test(tcase,
	    the_larger_value_is_the_one_with_the_larger_bytes);
	return unit_run(suite);
}
