/* Laws of merge_flags: rules F1, F2, F5, P11 and B0. */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "brain/merge_flags.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

#define STATES	6		/* of one flag: set or not, three stamps */
#define RANDOM_PAIRS 20000

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(256U << 20);
}

static void
teardown(void)
{
	arena_free(&arena);
}

static struct stamped_flag
flag_of(int i)
{
	return (struct stamped_flag){ .set = i % 2 == 1,
	    .stamp = (uint64_t)(i / 2) * 1000 };
}

static bool
flag_eq(struct stamped_flag a, struct stamped_flag b)
{
	return a.set == b.set && a.stamp == b.stamp;
}

typedef struct stamped_flag merge_fn(struct stamped_flag,
    struct stamped_flag);

static merge_fn *const merges[] = { merge_flag, merge_deleted };

/* P2: it makes no difference which store comes first (P3, P4). */
START_TEST(merge_is_symmetric_idempotent_and_associative)
{
	merge_fn *m = merges[_i];

	for (int i = 0; i < STATES * STATES * STATES; i++) {
		struct stamped_flag a = flag_of(i % STATES),
		    b = flag_of(i / STATES % STATES),
		    c = flag_of(i / (STATES * STATES));

		ck_assert(flag_eq(m(a, b), m(b, a)));
		ck_assert(flag_eq(m(a, a), a));
		ck_assert(flag_eq(m(m(a, b), b), m(a, b)));
		ck_assert(flag_eq(m(m(a, b), c), m(a, m(b, c))));
	}
}
END_TEST

/* By rules P11, F1, F2. */
START_TEST(later_stamp_wins_and_of_equal_ones_the_set_flag)
{
	struct stamped_flag on1 = { true, 1 }, off1 = { false, 1 },
	    off2 = { false, 2 };

	ck_assert(flag_eq(merge_flag(on1, off2), off2));
	ck_assert(flag_eq(merge_deleted(on1, off2), off2));
	ck_assert(flag_eq(merge_flag(on1, off1), on1));
	/* F2: \Deleted stays only where both have it. */
	ck_assert(flag_eq(merge_deleted(on1, off1), off1));
}
END_TEST

static struct mail_flags
random_flags(struct rng *rng)
{
	static const char *const names[] = { "alpha", "Beta", "gamma" };
	static const char *const twins[] = { "ALPHA", "beta", "gamma" };
	struct mail_flags mf = { .flags = (flags_t)rng_below(rng, 32) };

	for (unsigned int bit = 0; bit < FLAG_COUNT; bit++)
		mf.stamps[bit] = rng_below(rng, 3);
	mf.keywords = arena_calloc(arena, 3, sizeof(*mf.keywords));
	for (size_t i = 0; i < nitems(names); i++) {
		struct keyword kw = { .stamp = rng_below(rng, 3),
		    .set = rng_below(rng, 2) == 1 };

		if (rng_below(rng, 3) == 0 || (!kw.set && kw.stamp == 0))
			continue;
		kw.name = rng_below(rng, 2) ? names[i] : twins[i];
		mf.keywords[mf.keyword_count++] = kw;
	}
	return mf;
}

static bool
same_spelling(const struct mail_flags *a, const struct mail_flags *b)
{
	for (size_t i = 0; i < a->keyword_count; i++)
		if (strcmp(a->keywords[i].name, b->keywords[i].name) != 0)
			return false;
	return true;
}

/* By rule P4. */
START_TEST(records_merge_to_one_in_any_order)
{
	struct rng rng = { 4711 };

	for (int i = 0; i < RANDOM_PAIRS; i++) {
		struct mail_flags a = random_flags(&rng),
		    b = random_flags(&rng), c = random_flags(&rng);
		struct mail_flags ab = merge_flags(arena, &a, &b),
		    ba = merge_flags(arena, &b, &a),
		    bc = merge_flags(arena, &b, &c),
		    aa = merge_flags(arena, &a, &a), x, y;

		ck_assert(mail_flags_identical(&ab, &ba));
		ck_assert(same_spelling(&ab, &ba));
		ck_assert(mail_flags_identical(&aa, &a));
		x = merge_flags(arena, &ab, &c);
		y = merge_flags(arena, &a, &bc);
		ck_assert(mail_flags_identical(&x, &y));
		ck_assert(same_spelling(&x, &y));
	}
}
END_TEST

/* By rule F1. */
START_TEST(a_keyword_that_one_side_never_saw_is_kept)
{
	struct keyword kw = { .name = "work", .stamp = 0, .set = true };
	struct mail_flags a = { .keywords = &kw, .keyword_count = 1 };
	struct mail_flags none = { 0 }, out;

	out = merge_flags(arena, &a, &none);
	ck_assert_uint_eq(out.keyword_count, 1);
	ck_assert(out.keywords[0].set);
}
END_TEST

START_TEST(a_cleared_keyword_stays_cleared)
{
	struct keyword off = { .name = "work", .stamp = 9, .set = false };
	struct keyword on = { .name = "Work", .stamp = 8, .set = true };
	struct mail_flags a = { .keywords = &off, .keyword_count = 1 };
	struct mail_flags b = { .keywords = &on, .keyword_count = 1 }, out;

	out = merge_flags(arena, &a, &b);
	ck_assert_uint_eq(out.keyword_count, 1);
	ck_assert(!out.keywords[0].set);
	ck_assert_uint_eq(out.keywords[0].stamp, 9);
}
END_TEST

/* By rule B0. */
START_TEST(source_wins_over_any_stamp)
{
	struct rng rng = { 815 };

	for (int i = 0; i < RANDOM_PAIRS; i++) {
		struct mail_flags src = random_flags(&rng),
		    dest = random_flags(&rng);
		struct mail_flags out = merge_flags_impose(arena, &src, &dest);
		struct mail_flags again = merge_flags_impose(arena, &src,
		    &out);

		ck_assert(mail_flags_same(&out, &src));
		/* What replaced another value is later than it (B0). */
		for (unsigned int bit = 0; bit < FLAG_COUNT; bit++) {
			ck_assert_uint_ge(out.stamps[bit], src.stamps[bit]);
			if (((src.flags ^ dest.flags) >> bit & 1) != 0)
				ck_assert_uint_gt(out.stamps[bit],
				    dest.stamps[bit]);
		}
		/* A second run has nothing to do (P3). */
		ck_assert(mail_flags_identical(&again, &out));
	}
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "merge_flags");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
	    merge_is_symmetric_idempotent_and_associative, 0,
	    (int)nitems(merges));
	tcase_add_test(tcase,
	    later_stamp_wins_and_of_equal_ones_the_set_flag);
	tcase_add_test(tcase, records_merge_to_one_in_any_order);
	tcase_add_test(tcase, a_keyword_that_one_side_never_saw_is_kept);
	tcase_add_test(tcase, a_cleared_keyword_stays_cleared);
	tcase_add_test(tcase, source_wins_over_any_stamp);
	return unit_run(suite);
}
