#include "config.h"

#include <string.h>

#include "model/guid.h"
#include "tests/support/unit.h"

START_TEST(format_and_parse_are_inverse)
{
	struct guid128 guid = guid_random(), again, kept;
	char text[GUID_HEX_SIZE];

	guid_format(&guid, text);
	ck_assert_uint_eq(strlen(text), 32);
	ck_assert(guid_parse(&again, text, 32));
	ck_assert(guid_eq(&guid, &again));
	kept = again;
	ck_assert(!guid_parse(&again, text, 31));
	ck_assert(!guid_parse(&again, text, 33));
	text[31] = 'x';
	ck_assert(!guid_parse(&again, text, 32));
	ck_assert(!guid_parse(&again, "", 0));
	ck_assert(guid_eq(&kept, &again));
}
END_TEST

START_TEST(order_is_by_unsigned_bytes)
{
	struct guid128 a = { { 0x7f } }, b = { { 0x80 } }, zero = { { 0 } };

	ck_assert_int_lt(guid_cmp(&a, &b), 0);
	ck_assert_int_gt(guid_cmp(&b, &a), 0);
	ck_assert_int_eq(guid_cmp(&a, &a), 0);
	ck_assert(guid_is_zero(&zero));
	ck_assert(!guid_is_zero(&a));
}
END_TEST

START_TEST(random_guids_differ)
{
	struct guid128 a = guid_random(), b = guid_random();

	ck_assert(!guid_eq(&a, &b));
	ck_assert(!guid_is_zero(&a));
}
END_TEST

START_TEST(text_has_no_space_and_an_end)
{
	char text[GUID_TEXT_MAX + 1];

	memset(text, 'a', sizeof(text));
	ck_assert(guid_text_valid(text, GUID_TEXT_MAX));
	ck_assert(!guid_text_valid(text, GUID_TEXT_MAX + 1));
	ck_assert(!guid_text_valid(text, 0));
	ck_assert(guid_text_valid("1700000000.M1P2.host,S=3", 24));
	ck_assert(guid_text_valid("\xc3\xa9", 2));
	ck_assert(!guid_text_valid("a b", 3));
	ck_assert(!guid_text_valid("a\nb", 3));
	ck_assert(!guid_text_valid("a\0b", 3));
	ck_assert(!guid_text_valid("a\x7f", 2));
	for (size_t at = 0; at < 20; at++) {
		for (unsigned int c = 0; c < 256; c++) {
			memset(text, at % 2 == 0 ? 0x80 : 0x21, 20);
			text[at] = (char)c;
			ck_assert_int_eq(guid_text_valid(text, 20),
			    c > 0x20 && c != 0x7f);
		}
	}
}
END_TEST

START_TEST(first_mark_depends_on_each_argument)
{
	struct guid128 box = { { 1 } }, other = { { 2 } }, mark, marks[5];

	mark = guid_first_mark(&box, 10, 20, "g");
	marks[0] = guid_first_mark(&box, 10, 20, "g");
	ck_assert(guid_eq(&mark, &marks[0]));
	ck_assert(!guid_is_zero(&mark));
	marks[1] = guid_first_mark(&other, 10, 20, "g");
	marks[2] = guid_first_mark(&box, 11, 20, "g");
	marks[3] = guid_first_mark(&box, 10, 21, "g");
	marks[4] = guid_first_mark(&box, 10, 20, "h");
	for (size_t i = 1; i < 5; i++)
		ck_assert(!guid_eq(&mark, &marks[i]));
}
END_TEST

/* Peers of other versions compute it too: it must never change. */
START_TEST(first_mark_is_part_of_the_protocol)
{
	struct guid128 box = { { 1 } }, mark;
	char text[GUID_HEX_SIZE];

	mark = guid_first_mark(&box, 10, 20, "g");
	guid_format(&mark, text);
	ck_assert_str_eq(text, "690ee7021777d06723877f121973025d");
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "guid");

	tcase_add_test(tcase, format_and_parse_are_inverse);
	tcase_add_test(tcase, order_is_by_unsigned_bytes);
	tcase_add_test(tcase, random_guids_differ);
	tcase_add_test(tcase, text_has_no_space_and_an_end);
	tcase_add_test(tcase, first_mark_depends_on_each_argument);
	tcase_add_test(tcase, first_mark_is_part_of_the_protocol);
	return unit_run(suite);
}
