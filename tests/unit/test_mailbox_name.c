#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "model/mailbox_name.h"
#include "tests/support/unit.h"

#define S "\x1f"

START_TEST(good_names_are_valid)
{
	static const char *const good[] = { "INBOX", "a", "a" S "b", ".", "..",
	    "a/b", "~", "\xc3\xa9" S "\xe6\x97\xa5", "a b",
	    "\xf0\x9f\x92\xa9", "\xc2\xa0" };

	for (size_t i = 0; i < nitems(good); i++) {
		if (!name_valid(good[i], strlen(good[i])))
			ck_abort_msg("%zu", i);
	}
}
END_TEST

START_TEST(bad_names_are_not)
{
	static const char *const bad[] = { "", S, "a" S, S "a", "a" S S "b",
	    "a\nb", "a\tb", "\x7f", "\xc2\x85", "\xc2\x9f", "\xff", "\xc3",
	    "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x01" };

	for (size_t i = 0; i < nitems(bad); i++) {
		if (name_valid(bad[i], strlen(bad[i])))
			ck_abort_msg("%zu", i);
	}
	ck_assert(!name_valid("a\0b", 3));
}
END_TEST

START_TEST(names_are_limited)
{
	static char name[2 * NAME_MAX_BYTES];

	memset(name, 'a', sizeof(name));
	ck_assert(name_valid(name, NAME_PART_MAX));
	ck_assert(!name_valid(name, NAME_PART_MAX + 1));
	for (size_t i = 1; i < 2 * NAME_DEPTH_MAX; i += 2)
		name[i] = NAME_SEP;
	ck_assert(name_valid(name, 2 * NAME_DEPTH_MAX - 1));
	ck_assert(!name_valid(name, 2 * NAME_DEPTH_MAX + 1));
	memset(name, 'a', sizeof(name));
	for (size_t i = 999; i < sizeof(name); i += 1000)
		name[i] = NAME_SEP;
	ck_assert(name_valid(name, NAME_MAX_BYTES));
	ck_assert(!name_valid(name, NAME_MAX_BYTES + 1));
}
END_TEST

START_TEST(names_have_parents)
{
	ck_assert_uint_eq(name_parent_len("a"), 0);
	ck_assert_uint_eq(name_parent_len("a" S "b" S "c"), 3);
	ck_assert_str_eq(name_last("a" S "b" S "c"), "c");
	ck_assert_str_eq(name_last("a"), "a");
	ck_assert(name_is_below("a" S "b" S "c", "a"));
	ck_assert(name_is_below("a" S "b", "a"));
	ck_assert(!name_is_below("a", "a"));
	ck_assert(!name_is_below("ab", "a"));
	ck_assert(!name_is_below("a", "a" S "b"));
	ck_assert(name_is_inbox("INBOX"));
	ck_assert(!name_is_inbox("inbox"));
	ck_assert(!name_is_inbox("INBOX" S "a"));
}
END_TEST

START_TEST(only_a_run_gives_temporary_names)
{
	ck_assert(name_is_temporary(
	    "dsync-temp-00112233445566778899aabbccddeeff"));
	ck_assert(name_is_temporary(
	    "dsync-temp-00112233445566778899aabbccddeeff\x1f" "below"));
	ck_assert(!name_is_temporary("dsync-temp-files"));
	ck_assert(!name_is_temporary("dsync-temp-"));
	ck_assert(!name_is_temporary(
	    "a\x1f" "dsync-temp-00112233445566778899aabbccddeeff"));
}
END_TEST

START_TEST(what_was_printed_can_be_typed)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "a" S "b", "a/b" },
		{ "a/b" S "c", "a\\/b/c" },
		{ "a\\b", "a\\\\b" },
		{ "\\" S "/", "\\\\/\\/" },
		{ "a\\x41", "a\\\\x41" },
		{ "\xc3\xa9", "\xc3\xa9" },
		{ "\xe2\x80\xae" "x", "\\xe2\\x80\\xaex" },
		{ "INBOX", "INBOX" },
		{ "INBOX" S "x", "INBOX/x" },
	};
	struct strbuf out;
	char shown[64];

	strbuf_init(&out, 100);
	name_print(&out, rows[_i].name);
	ck_assert_str_eq(out.data, rows[_i].text);
	strbuf_reset(&out);
	ck_assert_int_eq(name_from_user(&out, rows[_i].text), 0);
	ck_assert_str_eq(out.data, rows[_i].name);
	strbuf_deinit(&out);
	ck_assert_str_eq(name_show(shown, sizeof(shown), rows[_i].name),
	    rows[_i].text);
	name_show(shown, 3, rows[_i].name);
	ck_assert_uint_le(strlen(shown), 2);
}
END_TEST

START_TEST(bad_names_cannot_be_typed)
{
	static const char *const bad[] = { "", "/", "a/", "/a", "a//b",
	    "a\037b", "a\\x1fb", "a\\x00b", "\\x0a", "a\nb", "\\xff",
	    "\xff" };
	struct strbuf out;

	strbuf_init(&out, 100);
	strbuf_adds(&out, "kept");
	for (size_t i = 0; i < nitems(bad); i++) {
		if (name_from_user(&out, bad[i]) != -1)
			ck_abort_msg("%zu", i);
		ck_assert_str_eq(out.data, "kept");
	}
	strbuf_reset(&out);
	ck_assert_int_eq(name_from_user(&out, "iNbOx"), 0);
	ck_assert_str_eq(out.data, "INBOX");
	strbuf_deinit(&out);
}
END_TEST

static const struct {
	const char *utf8, *mutf7;
} encodings[] = {
	{ "a", "a" },
	{ "&", "&-" },
	{ "a&b", "a&-b" },
	{ "&-", "&--" },
	{ "\xc3\xa9", "&AOk-" },
	{ "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	/* RFC 3501 5.1.3 */
	{ "~peter", "~peter" },
	{ "\xe5\x8f\xb0\xe5\x8c\x97", "&U,BTFw-" },
	{ "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "&ZeVnLIqe-" },
	{ "\xf0\x9f\x92\xa9", "&2D3cqQ-" },
	{ "a\xf0\x9f\x92\xa9" "b", "a&2D3cqQ-b" },
	{ "\xc3\xa9-", "&AOk--" },
	{ "\xc3\xa9&", "&AOk-&-" },
};

START_TEST(mutf7_is_that_of_the_rfc)
{
	struct strbuf out;

	strbuf_init(&out, 1000);
	mutf7_encode(&out, encodings[_i].utf8, strlen(encodings[_i].utf8));
	ck_assert_str_eq(out.data, encodings[_i].mutf7);
	ck_assert(!out.failed);
	strbuf_reset(&out);
	ck_assert_int_eq(mutf7_decode(&out, encodings[_i].mutf7,
	    strlen(encodings[_i].mutf7)), 0);
	ck_assert_str_eq(out.data, encodings[_i].utf8);
	strbuf_deinit(&out);
}
END_TEST

START_TEST(mutf7_has_one_form_only)
{
	static const char *const bad[] = {
		"",			/* no name */
		"&",			/* ends in a run */
		"&AOk",			/* the same */
		"a\xc3\xa9",		/* 8-bit */
		"a\tb",			/* control */
		"&AOk-&AOk-",		/* two runs for one */
		"&AGE-",		/* 'a' in base64 */
		"&ACY-",		/* '&' in base64 */
		"&AOl-",		/* padding bits not zero: e9 is AOk */
		"&AOkA-",		/* six bits too many */
		"&AOkAAA-",		/* U+0000 */
		"&AB8-",		/* U+001F, our separator */
		"&AAo-",		/* LF */
		"&AIU-",		/* C1 */
		"&2D0-",		/* high surrogate alone */
		"&3Kk-",		/* low surrogate alone */
		"&2D3YPQ-",		/* two high surrogates */
		"&2D0A6Q-",		/* high, then no low one */
		"&3KnYPQ-",		/* the wrong way round */
		"&A/k-",		/* '/' is not in the alphabet */
		"&AO k-", "&AOk=-", "&A-", "&AO-",
	};
	struct strbuf out;

	strbuf_init(&out, 1000);
	strbuf_adds(&out, "kept");
	for (size_t i = 0; i < nitems(bad); i++) {
		if (mutf7_decode(&out, bad[i], strlen(bad[i])) != -1)
			ck_abort_msg("%zu: %s", i, bad[i]);
		ck_assert_str_eq(out.data, "kept");
		ck_assert(!out.failed);
	}
	ck_assert_int_eq(mutf7_decode(&out, "a\0b", 3), -1);
	ck_assert_int_eq(mutf7_decode(&out, "&AO\0k-", 6), -1);
	strbuf_deinit(&out);
}
END_TEST

START_TEST(mutf7_of_invalid_utf8_fails)
{
	struct strbuf out;

	strbuf_init(&out, 100);
	mutf7_encode(&out, "\xff", 1);
	ck_assert(out.failed);
	strbuf_deinit(&out);
}
END_TEST

/* A name of random characters, from all ranges that a name may have. */
static void
random_name(struct strbuf *out, unsigned int *seed)
{
	static const uint32_t from[] = { 0x20, 0x26, 0xa0, 0x800, 0xe000,
	    0x10000 };
	static const uint32_t to[] = { 0x7e, 0x26, 0x7ff, 0xd7ff, 0xffff,
	    0x10ffff };
	int len = 1 + rand_r(seed) % 20;

	while (len-- > 0) {
		size_t range = (size_t)rand_r(seed) % nitems(from);
		uint32_t c = from[range] + (uint32_t)rand_r(seed) %
		    (to[range] - from[range] + 1);

		if (c < 0x80)
			strbuf_addc(out, (char)c);
		else if (c < 0x800)
			strbuf_addf(out, "%c%c", (int)(0xc0 | c >> 6),
			    (int)(0x80 | (c & 0x3f)));
		else if (c < 0x10000)
			strbuf_addf(out, "%c%c%c", (int)(0xe0 | c >> 12),
			    (int)(0x80 | (c >> 6 & 0x3f)),
			    (int)(0x80 | (c & 0x3f)));
		else
			strbuf_addf(out, "%c%c%c%c", (int)(0xf0 | c >> 18),
			    (int)(0x80 | (c >> 12 & 0x3f)),
			    (int)(0x80 | (c >> 6 & 0x3f)),
			    (int)(0x80 | (c & 0x3f)));
	}
}

START_TEST(mutf7_round_trips_any_name)
{
	struct strbuf name, coded, again;
	unsigned int seed = 1;

	strbuf_init(&name, 1000);
	strbuf_init(&coded, 10000);
	strbuf_init(&again, 1000);
	for (int i = 0; i < 20000; i++) {
		strbuf_reset(&name);
		strbuf_reset(&coded);
		strbuf_reset(&again);
		random_name(&name, &seed);
		mutf7_encode(&coded, name.data, name.len);
		for (size_t k = 0; k < coded.len; k++)
			ck_assert(coded.data[k] >= 0x20 &&
			    coded.data[k] <= 0x7e);
		if (mutf7_decode(&again, coded.data, coded.len) != 0)
			ck_abort_msg("%s", coded.data);
		if (strcmp(again.data, name.data) != 0)
			ck_abort_msg("%s", coded.data);
	}
	strbuf_deinit(&name);
	strbuf_deinit(&coded);
	strbuf_deinit(&again);
}
END_TEST

/* Whatever is accepted comes out again as the same bytes. */
START_TEST(mutf7_accepts_only_what_it_writes)
{
	static const char letters[] = "&-A,DO9kQa";
	struct strbuf name, again;
	char text[8];
	int accepted = 0;

	strbuf_init(&name, 1000);
	strbuf_init(&again, 1000);
	for (int i = 0; i < 1000000; i++) {
		size_t len = 6;

		for (int k = 0, n = i; k < 6; k++, n /= 10)
			text[k] = letters[n % 10];
		strbuf_reset(&name);
		if (mutf7_decode(&name, text, len) == -1)
			continue;
		accepted++;
		strbuf_reset(&again);
		mutf7_encode(&again, name.data, name.len);
		if (again.len != len || memcmp(again.data, text, len) != 0)
			ck_abort_msg("%.6s", text);
	}
	ck_assert_int_gt(accepted, 1000);
	strbuf_deinit(&name);
	strbuf_deinit(&again);
}
END_TEST

START_TEST(masks_match_as_in_imap)
{
	static const struct {
		const char *name, *mask;
		bool match;
	} rows[] = {
		{ "a", "a", true }, { "a", "b", false }, { "a", "", false },
		{ "a", "*", true }, { "a" S "b", "*", true },
		{ "a" S "b", "%", false }, { "a", "%", true },
		{ "a" S "b", "%" S "%", true },
		{ "a" S "b" S "c", "%" S "%", false },
		{ "a" S "b" S "c", "a*c", true },
		{ "a" S "b" S "c", "a%c", false },
		{ "abc", "a%c", true }, { "ac", "a%c", true },
		{ "abcd", "a%c", false },
		{ "abab", "*ab", true }, { "aba", "*ab", false },
		{ "a" S "xby", "*" S "%b%", true },
		{ "x" S "y" S "z", "%*%", true },
		{ "aXbXc", "%X%X%", true }, { "aXb", "%X%X%", false },
		{ "", "", true }, { "", "*%*", true }, { "", "a", false },
	};

	for (size_t i = 0; i < nitems(rows); i++) {
		if (name_matches(rows[i].name, rows[i].mask) != rows[i].match)
			ck_abort_msg("%zu", i);
	}
}
END_TEST

START_TEST(a_hostile_mask_takes_no_longer)
{
	static char name[NAME_MAX_BYTES + 1], mask[NAME_MAX_BYTES + 1];

	memset(name, 'a', NAME_MAX_BYTES);
	for (size_t i = 0; i < NAME_MAX_BYTES; i++)
		mask[i] = "*a"[i % 2];
	mask[NAME_MAX_BYTES - 1] = 'b';
	ck_assert(!name_matches(name, mask));
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "mailbox_name");

	tcase_add_test(tcase, good_names_are_valid);
	tcase_add_test(tcase, bad_names_are_not);
	tcase_add_test(tcase, names_are_limited);
	tcase_add_test(tcase, only_a_run_gives_temporary_names);
	tcase_add_test(tcase, names_have_parents);
	tcase_add_loop_test(tcase, what_was_printed_can_be_typed, 0, 9);
	tcase_add_test(tcase, bad_names_cannot_be_typed);
	tcase_add_loop_test(tcase, mutf7_is_that_of_the_rfc, 0,
	    (int)nitems(encodings));
	tcase_add_test(tcase, mutf7_has_one_form_only);
	tcase_add_test(tcase, mutf7_of_invalid_utf8_fails);
	tcase_add_test(tcase, mutf7_round_trips_any_name);
	tcase_add_test(tcase, mutf7_accepts_only_what_it_writes);
	tcase_add_test(tcase, masks_match_as_in_imap);
	tcase_add_test(tcase, a_hostile_mask_takes_no_longer);
	return unit_run(suite);
}
