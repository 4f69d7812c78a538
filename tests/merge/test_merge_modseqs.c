/* Modification sequences of merge_mails: rule F6. */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "brain/merge_mails.h"
#include "tests/support/unit.h"

static struct arena *arena;
static struct mails_input in;
static struct msg_message recs[2][4];
static struct guid128 marks[4];
static struct plan_mails plan;

/* Two mailboxes without a base, all modseqs 10, HIGHESTMODSEQ 20 and 30. */
static void
setup(void)
{
	static char guids[4][4] = { "g1", "g2", "g3", "g4" };

	arena = arena_new((size_t)1 << 24);
	plan = (struct plan_mails){ 0 };
	in = (struct mails_input){ .source = -1, .modseqs = true };
	for (unsigned int s = 0; s < 2; s++) {
		in.side[s] = (struct mails_side){
			.exists = true, .complete = true, .state_known = true,
			.uidvalidity = 1, .uidnext = 5, .recs = recs[s],
			.highestmodseq = s == 0 ? 20 : 30,
		};
		for (uint32_t i = 0; i < nitems(recs[s]); i++) {
			memset(&marks[i], (int)i + 1, sizeof(marks[i]));
			recs[s][i] = (struct msg_message){
				.uid = i + 1, .guid = guids[i],
				.marks = &marks[i], .mark_count = 1,
				.modseq = 10,
			};
		}
	}
}

static void
teardown(void)
{
	plan_mails_deinit(&plan);
	arena_free(&arena);
}

/* So many messages at the start of each side's list. */
static void
merge(size_t a, size_t b)
{
	in.side[0].rec_count = in.side[0].messages = a;
	in.side[1].rec_count = in.side[1].messages = b;
	merge_mails(arena, &in, &plan);
}

static void
expect_op(unsigned int s, size_t i, enum plan_kind kind, uint64_t modseq)
{
	ck_assert_uint_gt(plan.side[s].ops.n, i);
	ck_assert_int_eq(plan.side[s].ops.v[i].kind, kind);
	ck_assert_uint_eq(plan.side[s].ops.v[i].rec.modseq, modseq);
}

START_TEST(of_two_modseqs_of_one_message_both_get_the_larger)
{
	recs[0][0].modseq = 15;
	recs[1][1].modseq = 17;
	merge(2, 2);
	ck_assert_uint_eq(plan.side[0].ops.n, 1);
	ck_assert_uint_eq(plan.side[1].ops.n, 1);
	expect_op(0, 0, PLAN_MODSEQ, 17);
	expect_op(1, 0, PLAN_MODSEQ, 15);
	ck_assert_str_eq(plan.side[0].ops.v[0].rule, "F6");
}
END_TEST

START_TEST(a_change_takes_over_a_modseq_that_is_high_enough)
{
	recs[1][0].flags.flags = FLAG_SEEN;
	recs[1][0].flags.stamps[3] = 5;
	recs[1][0].modseq = 21;
	merge(1, 1);
	ck_assert_uint_eq(plan.side[1].ops.n, 0);
	ck_assert_uint_eq(plan.side[0].ops.n, 1);
	expect_op(0, 0, PLAN_FLAGS, 21);
}
END_TEST

START_TEST(a_change_whose_modseq_is_too_low_gets_a_new_one_on_both_sides)
{
	recs[0][0].flags.flags = FLAG_SEEN;
	recs[0][0].flags.stamps[3] = 5;
	recs[0][0].modseq = 20;
	merge(1, 1);
	expect_op(0, 0, PLAN_MODSEQ, 31);
	expect_op(1, 0, PLAN_FLAGS, 31);
	ck_assert_uint_eq(plan.modseq, 31);
}
END_TEST

START_TEST(what_changes_on_both_sides_gets_a_new_one)
{
	recs[0][0].flags.flags = FLAG_SEEN;
	recs[0][0].flags.stamps[3] = 5;
	recs[1][0].flags.flags = FLAG_FLAGGED;
	recs[1][0].flags.stamps[1] = 5;
	recs[0][0].modseq = recs[1][0].modseq = 99;
	merge(1, 1);
	expect_op(0, 0, PLAN_FLAGS, 31);
	expect_op(1, 0, PLAN_FLAGS, 31);
}
END_TEST

START_TEST(a_saved_message_keeps_its_modseq_or_both_get_a_new_one)
{
	recs[1][1].modseq = 25;
	recs[1][1].uid = 5;
	recs[1][2].uid = 6;
	in.side[1].uidnext = 7;
	merge(1, 3);
	expect_op(0, 0, PLAN_SAVE, 25);
	expect_op(0, 1, PLAN_SAVE, 31);
	expect_op(1, 0, PLAN_MODSEQ, 31);
}
END_TEST

START_TEST(a_store_without_modseqs_is_given_none)
{
	in.modseqs = false;
	recs[0][0].modseq = 15;
	recs[0][1].uid = 5;
	in.side[0].uidnext = 6;
	merge(2, 1);
	ck_assert_uint_eq(plan.side[0].ops.n, 0);
	expect_op(1, 0, PLAN_SAVE, 0);
	ck_assert_uint_eq(plan.modseq, 0);
}
END_TEST

START_TEST(a_modseq_that_is_not_kept_is_not_raised)
{
	recs[0][0].modseq = 0;
	merge(1, 1);
	ck_assert_uint_eq(plan.side[0].ops.n + plan.side[1].ops.n, 0);
}
END_TEST

START_TEST(one_way_the_modseqs_of_the_source_are_taken)
{
	in.source = 0;
	recs[0][0].modseq = 5;
	recs[0][0].flags.flags = FLAG_SEEN;
	recs[0][1].modseq = 16;
	merge(2, 2);
	ck_assert_uint_eq(plan.side[0].ops.n, 0);
	ck_assert_uint_eq(plan.side[1].ops.n, 2);
	expect_op(1, 0, PLAN_FLAGS, 5);
	expect_op(1, 1, PLAN_MODSEQ, 16);
	ck_assert(plan.modseq_above);
}
END_TEST

START_TEST(a_modseq_that_no_store_can_have_reached_is_not_believed)
{
	recs[0][0].modseq = UINT64_C(1) << 60;
	merge(1, 1);
	ck_assert_uint_eq(plan.side[1].ops.n, 0);
	ck_assert_uint_lt(plan.modseq, 100);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "merge_modseqs");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, of_two_modseqs_of_one_message_both_get_the_larger);
	tcase_add_test(tc, a_change_takes_over_a_modseq_that_is_high_enough);
	tcase_add_test(tc,
	    a_change_whose_modseq_is_too_low_gets_a_new_one_on_both_sides);
	tcase_add_test(tc, what_changes_on_both_sides_gets_a_new_one);
	tcase_add_test(tc,
	    a_saved_message_keeps_its_modseq_or_both_get_a_new_one);
	tcase_add_test(tc, a_store_without_modseqs_is_given_none);
	tcase_add_test(tc, a_modseq_that_is_not_kept_is_not_raised);
	tcase_add_test(tc, one_way_the_modseqs_of_the_source_are_taken);
	tcase_add_test(tc,
	    a_modseq_that_no_store_can_have_reached_is_not_believed);
	return unit_run(suite);
}
