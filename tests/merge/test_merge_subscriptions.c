/* Subscriptions: rule T14. */
#include "config.h"

#include "tests/merge/tree_model.h"
#include "tests/support/unit.h"

static void
sub(unsigned int s, const char *name, bool on, uint64_t stamp)
{
	in.side[s].subs[in.side[s].sub_count++] = (struct msg_subscription){
		.name = name, .on = on, .stamp = stamp,
	};
}

static struct tree_subs
merge_subs(void)
{
	struct tree_subs subs = { 0 };

	merge_tree_subs(&in, &subs);
	return subs;
}

/* By rule T14. */
START_TEST(a_subscription_is_merged_by_stamp)
{
	struct tree_subs subs;

	sub(0, "a", true, 10);
	sub(1, "a", false, 20);
	subs = merge_subs();
	ck_assert_uint_eq(subs.n, 1);
	ck_assert_uint_eq(subs.v[0].side, 0);
	ck_assert(!subs.v[0].sub.on);
	ck_assert_uint_eq(subs.v[0].sub.stamp, 20);
	ARRAY_FREE(&subs);
}
END_TEST

/* T8: the clock of the side that changed it is behind. */
START_TEST(a_subscription_that_one_side_alone_has_changed_holds)
{
	struct tree_subs subs = { 0 };

	in.base = in.changes_known = true;
	in.side[0].subs[0] = (struct msg_subscription){ .name = "a",
	    .on = true, .stamp = 20 };
	in.side[1].subs[0] = (struct msg_subscription){ .name = "a",
	    .stamp = 30 };
	in.side[0].sub_count = in.side[1].sub_count = 1;
	in.side[0].subs_changed = in.side[0].subs;
	in.side[0].subs_changed_count = 1;
	merge_tree_subs(&in, &subs);
	ck_assert_uint_eq(subs.n, 2);
	ck_assert(subs.v[1].sub.on && !subs.v[1].stamp_only);
	ck_assert_uint_eq(subs.v[0].sub.stamp, 31);
	ck_assert(subs.v[0].sub.on && subs.v[0].stamp_only);
	ck_assert(!subs.v[1].conflict);
	ARRAY_FREE(&subs);
	/* Both have: a conflict, which is told. */
	in.side[1].subs_changed = in.side[1].subs;
	in.side[1].subs_changed_count = 1;
	merge_tree_subs(&in, &subs);
	ck_assert(subs.n == 1 && !subs.v[0].sub.on && subs.v[0].conflict);
	ARRAY_FREE(&subs);
}
END_TEST

START_TEST(unknown_subscriptions_are_subscribed)
{
	struct tree_subs subs;

	sub(0, "a", true, 0);
	sub(1, "b", true, 0);
	subs = merge_subs();
	ck_assert_uint_eq(subs.n, 2);
	for (size_t i = 0; i < subs.n; i++)
		ck_assert(subs.v[i].sub.on);
	ARRAY_FREE(&subs);
}
END_TEST

START_TEST(what_was_not_told_again_is_unchanged)
{
	struct tree_subs subs;

	in.base = true;
	in.complete = false;
	sub(0, "a", false, 30);
	subs = merge_subs();
	ck_assert_uint_eq(subs.n, 1);
	ck_assert_uint_eq(subs.v[0].side, 1);
	ck_assert(!subs.v[0].sub.on);
	ARRAY_FREE(&subs);
}
END_TEST

START_TEST(one_way_takes_the_subscriptions_of_the_source)
{
	struct tree_subs subs;

	in.source = 0;
	sub(0, "a", true, 1);
	sub(1, "a", false, 99);
	sub(1, "b", true, 99);
	subs = merge_subs();
	ck_assert_uint_eq(subs.n, 2);
	for (size_t i = 0; i < subs.n; i++) {
		ck_assert_uint_eq(subs.v[i].side, 1);
		ck_assert_uint_gt(subs.v[i].sub.stamp, 99);
		ck_assert(subs.v[i].sub.on ==
		    (subs.v[i].sub.name[0] == 'a'));
	}
	ARRAY_FREE(&subs);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "merge_subscriptions");

	tcase_add_checked_fixture(tcase, tree_reset, tree_teardown);
	tcase_add_test(tcase, a_subscription_is_merged_by_stamp);
	tcase_add_test(tcase,
	    a_subscription_that_one_side_alone_has_changed_holds);
	tcase_add_test(tcase, unknown_subscriptions_are_subscribed);
	tcase_add_test(tcase, what_was_not_told_again_is_unchanged);
	tcase_add_test(tcase, one_way_takes_the_subscriptions_of_the_source);
	return unit_run(suite);
}
