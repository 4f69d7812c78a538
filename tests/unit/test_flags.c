#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "model/flags.h"
#include "tests/support/unit.h"

static struct arena *arena;
static const struct mail_flags none;

static void
setup(void)
{
	arena = arena_new(64U << 20);
}

static void
teardown(void)
{
	arena_free(&arena);
}

/* By rule F5. */
START_TEST(keywords_are_compared_without_case)
{
	ck_assert_int_eq(keyword_cmp("Work", "wORK"), 0);
	ck_assert_int_lt(keyword_cmp("a", "B"), 0);
	ck_assert_int_gt(keyword_cmp("b", "A"), 0);
	ck_assert_int_lt(keyword_cmp("a", "aa"), 0);
	ck_assert_int_ne(keyword_cmp("_", "?"), 0);
	/* '[' is 0x5b, between the cases: the order must not depend on it. */
	ck_assert_int_lt(keyword_cmp("[", "a"), 0);
	ck_assert_int_lt(keyword_cmp("[", "A"), 0);
}
END_TEST

START_TEST(a_keyword_is_an_imap_atom)
{
	char text[KEYWORD_MAX + 1];

	memset(text, 'k', sizeof(text));
	ck_assert(keyword_valid(text, KEYWORD_MAX));
	ck_assert(!keyword_valid(text, KEYWORD_MAX + 1));
	ck_assert(!keyword_valid("", 0));
	ck_assert(keyword_valid("$MDNSent", 8));
	ck_assert(keyword_valid("a}[~", 4));
	for (int c = 0; c < 256; c++) {
		char one = (char)c;
		bool special = c <= 0x20 || c >= 0x7f ||
		    strchr("(){%*\"\\]", c) != NULL;

		ck_assert(keyword_valid(&one, 1) == !special);
	}
}
END_TEST

/* F3: when they are first seen. */
START_TEST(observed_changes_are_stamped)
{
	static const char *const first[] = { "Alpha", "beta" };
	static const char *const second[] = { "ALPHA", "gamma" };
	struct mail_flags a, b, c;

	a = mail_flags_observe(arena, &none, FLAG_SEEN, first, 2, 1000);
	ck_assert_uint_eq(a.flags, FLAG_SEEN);
	ck_assert_uint_eq(a.stamps[3], 1000);
	ck_assert_uint_eq(a.stamps[0], 0);
	ck_assert_uint_eq(a.keyword_count, 2);
	ck_assert_uint_eq(mail_flags_find(&a, "alpha")->stamp, 1000);

	b = mail_flags_observe(arena, &a, FLAG_SEEN | FLAG_DRAFT, second, 2,
	    2000);
	ck_assert_uint_eq(b.stamps[3], 1000);
	ck_assert_uint_eq(b.stamps[4], 2000);
	ck_assert_uint_eq(b.keyword_count, 3);
	ck_assert_str_eq(b.keywords[0].name, "Alpha");
	ck_assert_uint_eq(b.keywords[0].stamp, 1000);
	ck_assert(!mail_flags_find(&b, "beta")->set);
	ck_assert_uint_eq(mail_flags_find(&b, "BETA")->stamp, 2000);
	ck_assert(mail_flags_find(&b, "gamma")->set);
	ck_assert_ptr_null(mail_flags_find(&b, "delta"));

	/* The clock went back: still after what it replaces. */
	c = mail_flags_observe(arena, &b, 0, NULL, 0, 5);
	ck_assert_uint_eq(c.stamps[3], 1001);
	ck_assert_uint_eq(c.stamps[4], 2001);
	ck_assert_uint_eq(mail_flags_find(&c, "gamma")->stamp, 2001);
	ck_assert_uint_eq(mail_flags_find(&c, "beta")->stamp, 2000);
}
END_TEST

/* F4: it is each session's own affair. */
START_TEST(recent_is_none_of_the_flags)
{
	ck_assert_uint_eq(FLAGS_ALL, FLAG_ANSWERED | FLAG_FLAGGED |
	    FLAG_DELETED | FLAG_SEEN | FLAG_DRAFT);
	ck_assert(!keyword_valid("\\Recent", 7));
}
END_TEST

START_TEST(observing_the_same_changes_nothing)
{
	static const char *const kws[] = { "a", "b", "C" };
	struct mail_flags a, b;

	a = mail_flags_observe(arena, &none, FLAGS_ALL, kws, 3, 1000);
	b = mail_flags_observe(arena, &a, FLAGS_ALL, kws, 3, 9000);
	ck_assert(mail_flags_identical(&a, &b));
	b = mail_flags_dup(arena, &a);
	ck_assert(mail_flags_identical(&a, &b));
	ck_assert_ptr_ne(a.keywords, b.keywords);
	b.keywords[1].stamp++;
	ck_assert(!mail_flags_identical(&a, &b));
	ck_assert(mail_flags_same(&a, &b));
}
END_TEST

/* By rule F5. */
START_TEST(two_spellings_are_one_keyword)
{
	static const char *const kws[] = { "Work", "WORK", "x" };
	struct mail_flags a;

	a = mail_flags_observe(arena, &none, 0, kws, 3, 1000);
	ck_assert_uint_eq(a.keyword_count, 2);
	ck_assert_str_eq(a.keywords[0].name, "Work");
	a = mail_flags_observe(arena, &a, 0, kws, 3, 2000);
	ck_assert_uint_eq(a.keyword_count, 2);
	ck_assert_uint_eq(a.keywords[0].stamp, 1000);
}
END_TEST

START_TEST(cleared_keywords_do_not_count_as_a_difference)
{
	static const char *const both[] = { "a", "b" }, *const one[] = { "b" };
	struct mail_flags a, b;

	a = mail_flags_observe(arena, &none, 0, both, 2, 1000);
	a = mail_flags_observe(arena, &a, 0, one, 1, 2000);
	b = mail_flags_observe(arena, &none, 0, one, 1, 3000);
	ck_assert(mail_flags_same(&a, &b));
	ck_assert(mail_flags_same(&b, &a));
	ck_assert(!mail_flags_identical(&a, &b));
	ck_assert(!mail_flags_same(&a, &none));
	ck_assert(!mail_flags_same(&none, &b));
	b.flags = FLAG_SEEN;
	ck_assert(!mail_flags_same(&a, &b));
}
END_TEST

START_TEST(stamps_stay_below_their_maximum)
{
	struct mail_flags a = { .flags = FLAG_SEEN }, b;

	a.stamps[3] = STAMP_MAX;
	b = mail_flags_observe(arena, &a, 0, NULL, 0, 1000);
	ck_assert_uint_eq(b.stamps[3], STAMP_MAX);
	b = mail_flags_observe(arena, &none, FLAG_SEEN, NULL, 0, UINT64_MAX);
	ck_assert_uint_eq(b.stamps[3], STAMP_MAX);
}
END_TEST

START_TEST(the_oldest_cleared_keywords_are_forgotten)
{
	static char names[KEYWORDS_MAX][8];
	static const char *kws[KEYWORDS_MAX];
	static const char *const more[] = { "zz" };
	struct mail_flags a;

	for (size_t i = 0; i < KEYWORDS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "k%05zu", i);
		kws[i] = names[i];
	}
	a = mail_flags_observe(arena, &none, 0, kws, KEYWORDS_MAX, 1000);
	ck_assert_uint_eq(a.keyword_count, KEYWORDS_MAX);
	/* One cleared early, the others later. */
	a = mail_flags_observe(arena, &a, 0, kws + 1, KEYWORDS_MAX - 1, 2000);
	a = mail_flags_observe(arena, &a, 0, more, 1, 3000);
	ck_assert_uint_eq(a.keyword_count, KEYWORDS_MAX);
	ck_assert_ptr_null(mail_flags_find(&a, kws[0]));
	ck_assert_ptr_nonnull(mail_flags_find(&a, kws[1]));
	ck_assert_ptr_nonnull(mail_flags_find(&a, kws[KEYWORDS_MAX - 1]));
	ck_assert(mail_flags_find(&a, "zz")->set);
}
END_TEST

START_TEST(format_shows_what_is_set)
{
	static const char *const kws[] = { "work", "x" };
	struct mail_flags a;

	a = mail_flags_observe(arena, &none, FLAG_SEEN | FLAG_FLAGGED, kws, 2,
	    1);
	ck_assert_str_eq(mail_flags_format(arena, &a),
	    "\\Seen \\Flagged work x");
	a = mail_flags_observe(arena, &a, 0, kws + 1, 1, 2);
	ck_assert_str_eq(mail_flags_format(arena, &a), "x");
	ck_assert_str_eq(mail_flags_format(arena, &none), "");
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "flags");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, keywords_are_compared_without_case);
	tcase_add_test(tcase, a_keyword_is_an_imap_atom);
	tcase_add_test(tcase, observed_changes_are_stamped);
	tcase_add_test(tcase, recent_is_none_of_the_flags);
	tcase_add_test(tcase, observing_the_same_changes_nothing);
	tcase_add_test(tcase, two_spellings_are_one_keyword);
	tcase_add_test(tcase, cleared_keywords_do_not_count_as_a_difference);
	tcase_add_test(tcase, stamps_stay_below_their_maximum);
	tcase_add_test(tcase, the_oldest_cleared_keywords_are_forgotten);
	tcase_add_test(tcase, format_shows_what_is_set);
	return unit_run(suite);
}
