/* Tables of merge_mails: rules M2-M13, B0, B2, B3. */
#include "config.h"

#include "base/array.h"
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

	plan_mails_deinit(&plan);
	model_input(&mo, view, source, false, NULL, 0, &in);
	if (view == VIEW_DELTA && merge_mails_needs_lists(&in))
		model_input(&mo, VIEW_COMPLETE, source, false, NULL, 0, &in);
	merge_mails(mo.arena, &in, &plan);
	if (view == VIEW_DELTA && plan.rebuild) {
		plan_mails_deinit(&plan);
		model_input(&mo, VIEW_COMPLETE, source, false, NULL, 0, &in);
		merge_mails(mo.arena, &in, &plan);
	}
	ck_assert_uint_eq(plan.seen, plan.equal + plan.flagged + plan.copied +
	    plan.skipped);
}

static void
apply(enum model_view view, int source)
{
	struct mails_input in;

	model_input(&mo, view, source, false, NULL, 0, &in);
	ck_assert(model_apply(&mo, &in, &plan));
}

static void
expect_ops(size_t a, size_t a_expunges, size_t b, size_t b_expunges)
{
	ck_assert_uint_eq(plan.side[0].ops.n, a);
	ck_assert_uint_eq(plan.side[0].expunges.n, a_expunges);
	ck_assert_uint_eq(plan.side[1].ops.n, b);
	ck_assert_uint_eq(plan.side[1].expunges.n, b_expunges);
}

/* By rule M2. */
START_TEST(a_new_message_is_saved_on_the_other_side)
{
	const struct plan_op *op;

	model_start_equal(&mo, 2);
	model_add(&mo, 0, 4, 9)->m.flags.flags = FLAG_SEEN;
	merge(VIEW_DELTA, -1);
	expect_ops(0, 0, 1, 0);
	op = &plan.side[1].ops.v[0];
	ck_assert_int_eq(op->kind, PLAN_SAVE);
	ck_assert_uint_eq(op->uid, 3);
	ck_assert_uint_eq(op->from_uid, 3);
	ck_assert_uint_eq(op->rec.flags.flags, FLAG_SEEN);
	ck_assert_str_eq(op->rec.guid, "g4");
	ck_assert_uint_eq(plan.side[1].uidnext, 4);
}
END_TEST

/* By rule M8. */
START_TEST(what_the_other_side_holds_is_copied_there)
{
	model_start_equal(&mo, 1);
	model_add(&mo, 0, 4, 9)->m.held = true;
	merge(VIEW_DELTA, -1);
	expect_ops(0, 0, 1, 0);
	ck_assert_int_eq(plan.side[1].ops.v[0].kind, PLAN_COPY);
}
END_TEST

/* By rule M3. */
START_TEST(an_expunge_goes_to_the_other_side)
{
	model_start_equal(&mo, 3);
	model_expunge(&mo, 1, 1);
	merge(VIEW_DELTA, -1);
	expect_ops(0, 1, 0, 0);
	ck_assert_uint_eq(plan.side[0].expunges.v[0].uid, 2);
	ck_assert(!plan.side[0].expunges.v[0].no_tombstone);
}
END_TEST

/* M3: also one that comes during the run. */
START_TEST(an_expunge_beats_a_flag_change)
{
	model_start_equal(&mo, 1);
	model_expunge(&mo, 1, 0);
	model_flag(&mo, 0, 0, FLAG_FLAGGED);
	merge(VIEW_DELTA, -1);
	expect_ops(0, 1, 0, 0);
}
END_TEST

/* By rule M3. */
START_TEST(one_dead_mark_of_two_does_not_expunge)
{
	struct model_mail *mail;

	model_start_equal(&mo, 1);
	model_expunge(&mo, 1, 0);
	mail = &mo.side[0].mails[0];
	mail->m.marks[1] = model_mark(50);
	mail->m.mark_count = 2;
	mail->changed = mo.side[0].state_changed = true;
	merge(VIEW_DELTA, -1);
	ck_assert_uint_eq(plan.side[0].expunges.n, 0);
	ck_assert_uint_eq(plan.side[1].ops.n, 1);
	ck_assert_int_eq(plan.side[1].ops.v[0].kind, PLAN_SAVE);
}
END_TEST

/* By rule M4. */
START_TEST(a_side_with_many_uids_left_does_not_lose_them)
{
	struct mails_input in;

	model_start_equal(&mo, 2);
	(void)model_add(&mo, 0, 4, 9);
	mo.side[0].mails[2].m.uid = UINT32_MAX - 1;
	mo.side[0].uidnext = UINT32_MAX;
	plan_mails_deinit(&plan);
	model_input(&mo, VIEW_DELTA, -1, false, NULL, 0, &in);
	in.side[1].state_known = true;
	in.side[1].uidnext = 3;
	merge_mails(mo.arena, &in, &plan);
	ck_assert(plan.uids_used_up);
	expect_ops(0, 0, 0, 0);
	ck_assert_uint_eq(plan.side[1].uidnext, 0);
	ck_assert_uint_eq(plan.seen, plan.skipped);
}
END_TEST

START_TEST(a_save_that_failed_before_moves_nothing_until_it_is_done)
{
	struct mails_input in;

	model_start_equal(&mo, 2);
	(void)model_add(&mo, 0, 4, 9);
	plan_mails_deinit(&plan);
	model_input(&mo, VIEW_DELTA, -1, false, NULL, 0, &in);
	in.side[1].state_known = true;
	in.side[1].uidnext = 7;
	in.retry = mo.side[0].mails[2].m.marks;
	in.retry_count = 1;
	merge_mails(mo.arena, &in, &plan);
	/* M4: no new UID where it is; the saving store gives the next one. */
	expect_ops(0, 0, 1, 0);
	ck_assert_int_eq(plan.side[1].ops.v[0].kind, PLAN_SAVE);
	ck_assert_uint_eq(plan.side[1].ops.v[0].uid, 0);
	ck_assert_uint_eq(plan.side[1].ops.v[0].from_uid, 3);
}
END_TEST

START_TEST(no_uid_is_planned_above_the_last_one)
{
	struct mails_input in;

	model_start_equal(&mo, 1);
	(void)model_add(&mo, 0, 4, 9);
	(void)model_add(&mo, 1, 6, 10);
	plan_mails_deinit(&plan);
	model_input(&mo, VIEW_COMPLETE, -1, false, NULL, 0, &in);
	in.side[0].uidnext = in.side[1].uidnext = UINT32_MAX;
	merge_mails(mo.arena, &in, &plan);
	ck_assert(plan.uids_used_up);
	expect_ops(0, 0, 0, 0);
}
END_TEST

START_TEST(expunged_on_both_sides_is_no_work)
{
	model_start_equal(&mo, 1);
	model_expunge(&mo, 0, 0);
	model_expunge(&mo, 1, 0);
	merge(VIEW_DELTA, -1);
	expect_ops(0, 0, 0, 0);
}
END_TEST

START_TEST(what_came_and_went_is_no_work)
{
	model_start_equal(&mo, 1);
	(void)model_add(&mo, 0, 4, 0);
	model_expunge(&mo, 0, 1);
	merge(VIEW_DELTA, -1);
	expect_ops(0, 0, 0, 0);
}
END_TEST

START_TEST(moved_away_and_back_is_a_new_message)
{
	model_start_equal(&mo, 1);
	model_expunge(&mo, 0, 0);
	(void)model_add(&mo, 0, 0, 60);
	model_flag(&mo, 1, 0, FLAG_SEEN);
	merge(VIEW_DELTA, -1);
	expect_ops(0, 0, 1, 1);
	ck_assert_uint_eq(plan.side[1].ops.v[0].uid, 2);
	ck_assert_uint_eq(plan.side[1].expunges.v[0].uid, 1);
}
END_TEST

START_TEST(a_flag_change_needs_no_record_of_the_other_side)
{
	model_start_equal(&mo, 2);
	model_flag(&mo, 0, 1, FLAG_ANSWERED);
	merge(VIEW_DELTA, -1);
	expect_ops(0, 0, 1, 0);
	ck_assert_int_eq(plan.side[1].ops.v[0].kind, PLAN_FLAGS);
	ck_assert_uint_eq(plan.side[1].ops.v[0].uid, 2);
}
END_TEST

/* M4: no UID belongs to two messages. */
START_TEST(colliding_uids_are_changed_on_both_sides)
{
	model_start_equal(&mo, 1);
	(void)model_add(&mo, 0, 2, 70);
	(void)model_add(&mo, 1, 4, 71);
	merge(VIEW_DELTA, -1);
	/* Each side saves one and renumbers the other one. */
	expect_ops(2, 0, 2, 0);
	apply(VIEW_DELTA, -1);
	ck_assert_ptr_null(model_difference(&mo, false));
	for (unsigned int s = 0; s < 2; s++) {
		ck_assert_uint_eq(mo.side[s].uidnext, 5);
		for (size_t i = 1; i < mo.side[s].count; i++)
			ck_assert_uint_ge(mo.side[s].mails[i].m.uid, 3);
	}
}
END_TEST

/* By rule M4. */
START_TEST(a_uid_above_the_others_uidnext_is_kept)
{
	model_start_equal(&mo, 1);
	mo.side[0].uidnext = 10;
	(void)model_add(&mo, 0, 2, 70);
	(void)model_add(&mo, 1, 4, 71);
	merge(VIEW_DELTA, -1);
	apply(VIEW_DELTA, -1);
	ck_assert_ptr_null(model_difference(&mo, false));
	ck_assert_uint_eq(model_find(&mo, 1,
	    (struct guid128[]){ model_mark(70) }, 1)->m.uid, 10);
	ck_assert_uint_eq(model_find(&mo, 0,
	    (struct guid128[]){ model_mark(71) }, 1)->m.uid, 11);
}
END_TEST

/* By rule M5. */
START_TEST(one_mail_moved_here_by_two_clients_is_one)
{
	model_start_equal(&mo, 1);
	(void)model_add(&mo, 0, 2, 70);
	(void)model_add(&mo, 1, 2, 71);
	merge(VIEW_DELTA, -1);
	apply(VIEW_DELTA, -1);
	ck_assert_ptr_null(model_difference(&mo, false));
	ck_assert_uint_eq(mo.side[0].count, 2);
	ck_assert_uint_eq(mo.side[0].mails[1].m.mark_count, 2);
}
END_TEST

/* By rule M5. */
START_TEST(surplus_twins_are_dropped_without_tombstone)
{
	struct model_mail *twin;

	model_start_equal(&mo, 1);
	twin = model_add(&mo, 0, 0, 1);
	twin->m.flags.flags = FLAG_SEEN;
	mo.side[0].mails[0].changed = true;
	merge(VIEW_DELTA, -1);
	ck_assert_uint_eq(plan.side[0].expunges.n, 1);
	ck_assert(plan.side[0].expunges.v[0].no_tombstone);
	ck_assert_uint_eq(plan.side[0].expunges.v[0].uid, 2);
	ck_assert_uint_eq(plan.expunged, 0);
}
END_TEST

/* A peer that says so does not make two mails one. */
START_TEST(marks_of_a_peer_drop_no_mail_as_surplus)
{
	struct model_mail *bridge;

	for (int view = VIEW_DELTA; view <= VIEW_NO_BASE; view++) {
		model_begin(&mo, &plan, 1);
		model_start_equal(&mo, 3);
		for (size_t i = 0; i < 3; i++)
			mo.side[0].mails[i].changed = true;
		bridge = model_add(&mo, 1, 6, 1);
		bridge->m.marks[1] = model_mark(2);
		bridge->m.marks[2] = model_mark(3);
		bridge->m.mark_count = 3;
		merge((enum model_view)view, -1);
		ck_assert_uint_eq(plan.side[0].expunges.n, 0);
	}
}
END_TEST

/* M6: they were put there on purpose. */
START_TEST(several_messages_of_one_guid_stay_as_many)
{
	model_start_equal(&mo, 1);
	for (uint64_t i = 0; i < 3; i++)
		(void)model_add(&mo, 0, 2, 70 + i);
	(void)model_add(&mo, 1, 2, 80);
	merge(VIEW_DELTA, -1);
	apply(VIEW_DELTA, -1);
	ck_assert_ptr_null(model_difference(&mo, false));
	ck_assert_uint_eq(mo.side[0].count, 4);
}
END_TEST

START_TEST(without_a_base_equal_stores_need_nothing)
{
	for (unsigned int s = 0; s < 2; s++)
		for (unsigned int i = 0; i < 4; i++)
			(void)model_add(&mo, s, i, 90 + i);
	merge(VIEW_NO_BASE, -1);
	ck_assert(model_plan_empty(&plan));
	ck_assert_uint_eq(plan.equal, 4);
}
END_TEST

/* By rule M9. */
START_TEST(without_a_base_pairs_are_found_by_uid_guid_and_text)
{
	(void)model_add(&mo, 0, 0, 1);	/* UID and GUID */
	(void)model_add(&mo, 1, 0, 2);
	(void)model_add(&mo, 0, 2, 3);	/* GUID */
	(void)model_add(&mo, 1, 4, 4);
	(void)model_add(&mo, 1, 2, 5);
	(void)model_add(&mo, 0, 5, 6);	/* the same text as GUID 4 */
	(void)model_add(&mo, 0, 6, 7);	/* here alone */
	merge(VIEW_NO_BASE, -1);
	ck_assert_uint_eq(plan.copied, 1);
	apply(VIEW_NO_BASE, -1);
	ck_assert_ptr_null(model_difference(&mo, false));
	ck_assert_uint_eq(mo.side[0].count, 4);
}
END_TEST

/* By rule M9. */
START_TEST(without_a_base_nothing_is_expunged)
{
	model_start_equal(&mo, 2);
	model_expunge(&mo, 1, 0);
	merge(VIEW_NO_BASE, -1);
	ck_assert_uint_eq(plan.side[0].expunges.n, 0);
	ck_assert_uint_eq(plan.copied, 1);
	apply(VIEW_NO_BASE, -1);
	ck_assert_ptr_null(model_difference(&mo, false));
	/* It is not dead by the old tombstone in the next run either. */
	model_base(&mo);
	merge(VIEW_COMPLETE, -1);
	ck_assert(model_plan_empty(&plan));
}
END_TEST

/* By rule M10. */
START_TEST(the_side_with_more_messages_keeps_uidvalidity)
{
	for (unsigned int i = 0; i < 3; i++)
		(void)model_add(&mo, 0, i * 2, 10 + i);
	mo.side[0].uidvalidity = 5;
	mo.side[1].uidvalidity = 9;
	mo.side[1].uidnext = 20;
	(void)model_add(&mo, 1, 4, 30);
	(void)model_add(&mo, 1, 6, 31);
	merge(VIEW_NO_BASE, -1);
	apply(VIEW_NO_BASE, -1);
	ck_assert_ptr_null(model_difference(&mo, false));
	ck_assert_uint_eq(mo.side[1].uidvalidity, 5);
	ck_assert_uint_eq(mo.side[0].mails[0].m.uid, 1);
	ck_assert_uint_eq(mo.side[0].count, 4);
}
END_TEST

/* By rule M10. */
START_TEST(with_a_base_the_changed_uidvalidity_is_taken)
{
	model_start_equal(&mo, 4);
	mo.side[1].uidvalidity = 3;
	mo.side[1].state_changed = mo.side[1].uidvalidity_changed = true;
	for (size_t i = 0; i < 4; i++) {
		mo.side[1].mails[i].m.uid = (uint32_t)(4 - i);
		mo.side[1].mails[i].changed = true;
	}
	merge(VIEW_DELTA, -1);
	apply(VIEW_DELTA, -1);
	ck_assert_ptr_null(model_difference(&mo, false));
	ck_assert_uint_eq(mo.side[0].uidvalidity, 3);
	ck_assert_uint_eq(mo.side[1].mails[0].m.uid, 4);
}
END_TEST

/* By rule B2. */
START_TEST(one_way_discards_what_changed_at_the_destination)
{
	model_start_equal(&mo, 3);
	model_flag(&mo, 1, 0, FLAG_DELETED);
	(void)model_add(&mo, 1, 6, 40);
	plan_mails_deinit(&plan);
	{
		struct guid128 asked[] = { model_mark(1), model_mark(40) };
		struct mails_input in;

		model_input(&mo, VIEW_DELTA, 0, false, asked, 2, &in);
		merge_mails(mo.arena, &in, &plan);
	}
	expect_ops(0, 0, 1, 1);
	ck_assert_int_eq(plan.side[1].ops.v[0].kind, PLAN_FLAGS);
	ck_assert_uint_eq(plan.side[1].ops.v[0].rec.flags.flags, 0);
	ck_assert_uint_eq(plan.side[1].expunges.v[0].uid, 4);
	apply(VIEW_DELTA, 0);
	ck_assert_ptr_null(model_difference(&mo, true));
}
END_TEST

/*
 * B3: its UID is below UIDNEXT there.  It is saved behind all others, and when
 * all is there each message gets the UID that it has at the source.
 */
START_TEST(a_destination_where_a_uid_was_used_is_built_anew)
{
	model_start_equal(&mo, 2);
	model_expunge(&mo, 1, 1);
	(void)model_add(&mo, 1, 4, 33);
	merge(VIEW_COMPLETE, 0);
	expect_ops(0, 0, 1, 1);
	ck_assert_uint_eq(plan.side[1].ops.v[0].uid, 4);
	ck_assert(plan.rebuild);
	ck_assert_uint_eq(plan.uids.n, 2);
	ck_assert_uint_eq(plan.uids.v[1].uid, 4);
	ck_assert_uint_eq(plan.uids.v[1].new_uid, 2);
	ck_assert_uint_eq(plan.blocked.n, 0);
	apply(VIEW_COMPLETE, 0);
	ck_assert_uint_eq(mo.side[1].uidnext, 3);
	ck_assert_ptr_null(model_difference(&mo, false));
}
END_TEST

/* B3, P9: what goes is out of the way before UIDs begin anew. */
START_TEST(a_destination_of_another_uidvalidity_is_built_anew_behind_expunges)
{
	model_start_equal(&mo, 2);
	(void)model_add(&mo, 1, 4, 33);
	mo.side[1].uidvalidity += 5;
	mo.side[1].uidvalidity_changed = true;
	merge(VIEW_COMPLETE, 0);
	expect_ops(0, 0, 0, 1);
	ck_assert(plan.rebuild);
	ck_assert_uint_eq(plan.side[1].uidvalidity, 0);
	apply(VIEW_COMPLETE, 0);
	ck_assert_ptr_null(model_difference(&mo, false));
}
END_TEST

/* By rule B1. */
START_TEST(one_way_writes_nothing_at_the_source)
{
	model_start_equal(&mo, 2);
	model_flag(&mo, 0, 0, FLAG_SEEN);
	model_expunge(&mo, 0, 1);
	(void)model_add(&mo, 0, 4, 33);
	merge(VIEW_DELTA, 0);
	expect_ops(0, 0, 2, 1);
	apply(VIEW_DELTA, 0);
	ck_assert_ptr_null(model_difference(&mo, true));
}
END_TEST

/* By rule E1. */
START_TEST(a_pending_message_is_looked_up_on_both_sides)
{
	struct guid128 asked[] = { model_mark(1), model_mark(2),
	    model_mark(3) };
	struct mails_input in;

	model_start_equal(&mo, 3);
	/* 1: its save failed, the base has it on one side alone. */
	mo.side[1].mails[0] = mo.side[1].mails[2];
	mo.side[1].count = 2;
	/* 2: its expunge failed; the tombstone is older than the base. */
	mo.side[0].mails[1].dead = true;
	/* 3: its flags failed. */
	mo.side[0].mails[2].m.flags.flags = FLAG_SEEN;
	mo.side[0].mails[2].m.flags.stamps[3] = 500;
	model_input(&mo, VIEW_DELTA, -1, false, asked, 3, &in);
	merge_mails(mo.arena, &in, &plan);
	ck_assert_uint_eq(plan.side[1].expunges.n, 1);
	ck_assert_uint_eq(plan.side[1].expunges.v[0].uid, 2);
	ck_assert_uint_eq(plan.copied, 1);
	ck_assert_uint_eq(plan.flagged, 1);
	ck_assert_uint_eq(plan.side[0].expunges.n, 0);
}
END_TEST

/* By rule M13. */
START_TEST(uidnext_is_the_same_afterwards)
{
	model_start_equal(&mo, 2);
	mo.side[0].uidnext = 30;
	mo.side[0].state_changed = true;
	merge(VIEW_DELTA, -1);
	ck_assert_uint_eq(plan.side[1].uidnext, 30);
	merge(VIEW_NO_BASE, -1);
	ck_assert_uint_eq(plan.side[0].uidnext, 0);
	ck_assert_uint_eq(plan.side[1].uidnext, 30);
}
END_TEST

/* By rule M9: an mbox lost its GUIDs, and its text has got a note since. */
START_TEST(what_is_named_by_its_text_is_found_by_it)
{
	unsigned int s = (unsigned int)_i;
	char name[GUID_HEX_SIZE];

	(void)model_add(&mo, s, 0, 1);
	(void)model_add(&mo, !s, 2, 2);
	hex_format(name, mo.side[!s].mails[0].m.digest, GUID_SIZE);
	mo.side[s].mails[0].m.guid = name;
	merge(VIEW_NO_BASE, -1);
	ck_assert_uint_eq(plan.copied, 0);
	ck_assert_uint_eq(plan.equal + plan.flagged, 1);
}
END_TEST

/* By rule M1. */
START_TEST(digests_are_wanted_of_what_is_left_on_both_sides)
{
	struct mails_wanted wanted;
	struct mails_input in;

	(void)model_add(&mo, 0, 0, 1);
	(void)model_add(&mo, 0, 2, 2);
	(void)model_add(&mo, 1, 0, 3);
	for (size_t i = 0; i < 2; i++)
		mo.side[0].mails[i].m.digest = NULL;
	mo.side[1].mails[0].m.digest = NULL;
	model_input(&mo, VIEW_NO_BASE, -1, false, NULL, 0, &in);
	merge_mails_wanted(mo.arena, &in, &wanted);
	ck_assert_uint_eq(wanted.uids[0].n + wanted.uids[1].n, 0);
	(void)model_add(&mo, 1, 6, 4);
	mo.side[1].mails[1].m.digest = NULL;
	model_input(&mo, VIEW_NO_BASE, -1, false, NULL, 0, &in);
	merge_mails_wanted(mo.arena, &in, &wanted);
	ck_assert_uint_eq(wanted.uids[0].n, 1);
	ck_assert_uint_eq(wanted.uids[0].v[0], 2);
	ck_assert_uint_eq(wanted.uids[1].n, 1);
	ck_assert_uint_eq(wanted.uids[1].v[0], 2);
	ARRAY_FREE(&wanted.uids[0]);
	ARRAY_FREE(&wanted.uids[1]);
}
END_TEST

START_TEST(p10_each_message_that_is_seen_is_accounted_for)
{
	model_start_equal(&mo, 4);
	(void)model_add(&mo, 0, 4, 9);
	model_flag(&mo, 1, 1, FLAG_SEEN);
	model_expunge(&mo, 1, 2);
	merge(VIEW_COMPLETE, -1);
	ck_assert_uint_eq(plan.copied, 1);
	ck_assert_uint_eq(plan.flagged, 1);
	ck_assert_uint_eq(plan.expunged, 1);
	ck_assert_uint_eq(plan.equal, 2);
	ck_assert_uint_eq(plan.seen, 4);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "merge_mails");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_new_message_is_saved_on_the_other_side);
	tcase_add_test(tcase, what_the_other_side_holds_is_copied_there);
	tcase_add_test(tcase, an_expunge_goes_to_the_other_side);
	tcase_add_test(tcase, an_expunge_beats_a_flag_change);
	tcase_add_test(tcase, one_dead_mark_of_two_does_not_expunge);
	tcase_add_test(tcase, a_side_with_many_uids_left_does_not_lose_them);
	tcase_add_test(tcase,
	    a_save_that_failed_before_moves_nothing_until_it_is_done);
	tcase_add_test(tcase, no_uid_is_planned_above_the_last_one);
	tcase_add_test(tcase, expunged_on_both_sides_is_no_work);
	tcase_add_test(tcase, what_came_and_went_is_no_work);
	tcase_add_test(tcase, moved_away_and_back_is_a_new_message);
	tcase_add_test(tcase,
	    a_flag_change_needs_no_record_of_the_other_side);
	tcase_add_test(tcase, colliding_uids_are_changed_on_both_sides);
	tcase_add_test(tcase, a_uid_above_the_others_uidnext_is_kept);
	tcase_add_test(tcase, one_mail_moved_here_by_two_clients_is_one);
	tcase_add_test(tcase, surplus_twins_are_dropped_without_tombstone);
	tcase_add_test(tcase, marks_of_a_peer_drop_no_mail_as_surplus);
	tcase_add_test(tcase, several_messages_of_one_guid_stay_as_many);
	tcase_add_test(tcase, without_a_base_equal_stores_need_nothing);
	tcase_add_test(tcase,
	    without_a_base_pairs_are_found_by_uid_guid_and_text);
	tcase_add_test(tcase, without_a_base_nothing_is_expunged);
	tcase_add_test(tcase, the_side_with_more_messages_keeps_uidvalidity);
	tcase_add_test(tcase, with_a_base_the_changed_uidvalidity_is_taken);
	tcase_add_test(tcase,
	    one_way_discards_what_changed_at_the_destination);
	tcase_add_test(tcase,
	    a_destination_where_a_uid_was_used_is_built_anew);
	tcase_add_test(tcase,
	    a_destination_of_another_uidvalidity_is_built_anew_behind_expunges);
	tcase_add_test(tcase, one_way_writes_nothing_at_the_source);
	tcase_add_test(tcase, a_pending_message_is_looked_up_on_both_sides);
	tcase_add_test(tcase, uidnext_is_the_same_afterwards);
	tcase_add_loop_test(tcase, what_is_named_by_its_text_is_found_by_it,
	    0, 2);
	tcase_add_test(tcase,
	    digests_are_wanted_of_what_is_left_on_both_sides);
	tcase_add_test(tcase,
	    p10_each_message_that_is_seen_is_accounted_for);
	return unit_run(suite);
}
