/* Conflicts, and what is not obvious, are told, each with a way back. */
#include "config.h"

#include <string.h>

#include "brain/hint.h"
#include "mails_model.h"
#include "tests/support/unit.h"

static struct model mo;
static struct plan_mails plan;

static void
setup(void)
{
	model_begin(&mo, &plan, 1);
}

static void
teardown(void)
{
	model_end(&mo, &plan);
}

static void
merge(enum model_view view, int source)
{
	struct mails_input in;

	model_input(&mo, view, source, false, NULL, 0, &in);
	merge_mails(mo.arena, &in, &plan);
}

/* It is the only one, and says how to undo what was decided. */
static void
expect_note(const char *rule, uint32_t uid, const char *guid)
{
	ck_assert_uint_eq(plan.notes.n, 1);
	ck_assert_str_eq(plan.notes.v[0].rule, rule);
	ck_assert_uint_eq(plan.notes.v[0].uid, uid);
	if (guid != NULL)
		ck_assert_str_eq(plan.notes.v[0].guid, guid);
	ck_assert_ptr_nonnull(hint_undo(rule));
}

START_TEST(one_flag_changed_on_both_sides_is_told)
{
	model_start_equal(&mo, 1);
	model_flag(&mo, 1, 0, FLAG_SEEN);
	model_flag(&mo, 1, 0, 0);
	model_flag(&mo, 0, 0, FLAG_SEEN);
	merge(VIEW_DELTA, -1);
	expect_note("F1", 1, "g0");
}
END_TEST

START_TEST(two_flags_changed_on_two_sides_are_no_conflict)
{
	model_start_equal(&mo, 1);
	model_flag(&mo, 0, 0, FLAG_SEEN);
	model_flag(&mo, 1, 0, FLAG_FLAGGED);
	merge(VIEW_DELTA, -1);
	ck_assert_uint_eq(plan.notes.n, 0);
}
END_TEST

START_TEST(flags_that_differ_without_a_later_one_are_told)
{
	model_start_equal(&mo, 2);
	mo.side[1].mails[1].m.flags.flags = FLAG_ANSWERED;
	merge(VIEW_NO_BASE, -1);
	expect_note("F2", 2, "g2");
}
END_TEST

START_TEST(keywords_count_as_flags_do)
{
	struct keyword mine = { "Work", 0, true };

	model_start_equal(&mo, 1);
	mo.side[0].mails[0].m.flags.keywords = &mine;
	mo.side[0].mails[0].m.flags.keyword_count = 1;
	merge(VIEW_NO_BASE, -1);
	expect_note("F2", 1, "g0");
}
END_TEST

START_TEST(an_expunge_of_what_changed_is_told)
{
	model_start_equal(&mo, 1);
	model_expunge(&mo, 1, 0);
	model_flag(&mo, 0, 0, FLAG_FLAGGED);
	merge(VIEW_DELTA, -1);
	expect_note("M3", 1, "g0");
}
END_TEST

START_TEST(an_expunge_of_what_did_not_change_is_none)
{
	model_start_equal(&mo, 2);
	model_expunge(&mo, 1, 0);
	merge(VIEW_DELTA, -1);
	ck_assert_uint_eq(plan.notes.n, 0);
	ck_assert_uint_eq(plan.side[0].expunges.n, 1);
}
END_TEST

START_TEST(a_surplus_twin_is_told)
{
	model_start_equal(&mo, 1);
	(void)model_add(&mo, 0, 0, 1);
	mo.side[0].mails[0].changed = true;
	merge(VIEW_DELTA, -1);
	expect_note("M5", 2, "g0");
}
END_TEST

START_TEST(what_is_kept_in_spite_of_a_tombstone_is_told)
{
	model_start_equal(&mo, 1);
	model_expunge(&mo, 1, 0);
	merge(VIEW_NO_BASE, -1);
	expect_note("M9", 1, "g0");
}
END_TEST

START_TEST(another_uidvalidity_is_told_once)
{
	model_start_equal(&mo, 3);
	mo.side[1].uidvalidity = 99;
	merge(VIEW_NO_BASE, -1);
	expect_note("M10", 0, NULL);
}
END_TEST

/* By rule M11. */
START_TEST(one_text_under_two_guids_is_told)
{
	(void)model_add(&mo, 0, 0, 1);
	(void)model_add(&mo, 1, 1, 2);
	merge(VIEW_NO_BASE, -1);
	expect_note("M11", 1, "g0");
}
END_TEST

START_TEST(a_one_way_run_has_no_conflicts)
{
	model_start_equal(&mo, 1);
	model_flag(&mo, 1, 0, FLAG_SEEN);
	model_flag(&mo, 0, 0, FLAG_FLAGGED);
	mo.side[1].uidvalidity = 99;
	merge(VIEW_COMPLETE, 0);
	ck_assert_uint_eq(plan.notes.n, 0);
}
END_TEST

START_TEST(each_decision_on_the_tree_can_be_undone)
{
	static const char *const rules[] = { "T3", "T5", "T7", "T9", "T10",
	    "T14", "T15", "T16", "B2", "B3", "P6", "P7" };

	for (size_t i = 0; i < nitems(rules); i++)
		ck_assert_ptr_nonnull(hint_undo(rules[i]));
	ck_assert_ptr_null(hint_undo(NULL));
	ck_assert_ptr_null(hint_undo("Z1"));
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "merge_notes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_flag_changed_on_both_sides_is_told);
	tcase_add_test(tcase,
	    two_flags_changed_on_two_sides_are_no_conflict);
	tcase_add_test(tcase,
	    flags_that_differ_without_a_later_one_are_told);
	tcase_add_test(tcase, keywords_count_as_flags_do);
	tcase_add_test(tcase, an_expunge_of_what_changed_is_told);
	tcase_add_test(tcase, an_expunge_of_what_did_not_change_is_none);
	tcase_add_test(tcase, a_surplus_twin_is_told);
	tcase_add_test(tcase,
	    what_is_kept_in_spite_of_a_tombstone_is_told);
	tcase_add_test(tcase, another_uidvalidity_is_told_once);
	tcase_add_test(tcase, one_text_under_two_guids_is_told);
	tcase_add_test(tcase, a_one_way_run_has_no_conflicts);
	tcase_add_test(tcase, each_decision_on_the_tree_can_be_undone);
	return unit_run(suite);
}
