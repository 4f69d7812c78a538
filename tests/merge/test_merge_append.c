/* A side to which we may only add: what is there stays as it is (T10, M4). */
#include "config.h"

#include <string.h>

#include "brain/merge_tree.h"
#include "mails_model.h"
#include "tests/support/unit.h"

#define FIXED 1U		/* the side that may only be added to */

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
	for (unsigned int s = 0; s < 2; s++)
		in.side[s].messages = mo.side[s].count;
	in.side[FIXED].append = true;
	merge_mails(mo.arena, &in, &plan);
}

/* The one operation of a kind on a side, or NULL. */
static const struct plan_op *
op_of(unsigned int s, enum plan_kind kind)
{
	const struct plan_op *found = NULL;

	for (size_t i = 0; i < plan.side[s].ops.n; i++)
		if (plan.side[s].ops.v[i].kind == kind) {
			ck_assert_ptr_null(found);
			found = &plan.side[s].ops.v[i];
		}
	return found;
}

START_TEST(m4_mail_that_collides_gets_another_uid_on_our_side_alone)
{
	const struct plan_op *op;

	model_add(&mo, 0, 0, 1);
	model_add(&mo, FIXED, 2, 2);
	merge(VIEW_NO_BASE, -1);
	op = op_of(0, PLAN_SET_UID);
	ck_assert_ptr_nonnull(op);
	ck_assert_ptr_null(op_of(FIXED, PLAN_SET_UID));
	ck_assert_uint_eq(op_of(FIXED, PLAN_SAVE)->uid, op->new_uid);
	ck_assert_uint_gt(op_of(0, PLAN_SAVE)->uid, 1);
	ck_assert_uint_eq(plan.side[0].uidnext, plan.side[FIXED].uidnext);
	ck_assert_uint_eq(plan.blocked.n, 1);
	ck_assert_str_eq(plan.blocked.v[0].rule, "M4");
}
END_TEST

START_TEST(m4_a_pair_with_two_uids_keeps_them_for_ever)
{
	model_add(&mo, 0, 0, 1);
	mo.side[FIXED].uidnext = 5;
	model_add(&mo, FIXED, 0, 1);
	mo.side[0].uidnext = 9;
	model_base(&mo);
	merge(VIEW_COMPLETE, -1);
	ck_assert_uint_eq(plan.side[0].ops.n + plan.side[FIXED].ops.n, 0);
	ck_assert_uint_eq(plan.blocked.n, 1);
}
END_TEST

START_TEST(m4_a_uid_that_is_free_is_taken_over)
{
	model_add(&mo, 0, 0, 1);
	mo.side[FIXED].uidnext = 5;
	model_add(&mo, FIXED, 0, 1);
	model_base(&mo);
	merge(VIEW_COMPLETE, -1);
	ck_assert_uint_eq(op_of(0, PLAN_SET_UID)->new_uid, 5);
	ck_assert_uint_eq(plan.blocked.n, 0);
}
END_TEST

START_TEST(m10_the_side_that_stays_as_it_is_keeps_its_uidvalidity)
{
	model_add(&mo, 0, 0, 1);
	model_add(&mo, 0, 2, 2);
	model_add(&mo, FIXED, 0, 3);
	mo.side[0].uidvalidity = 77;
	merge(VIEW_NO_BASE, -1);
	ck_assert_uint_eq(plan.side[0].uidvalidity,
	    mo.side[FIXED].uidvalidity);
	ck_assert_uint_eq(plan.side[FIXED].uidvalidity, 0);
}
END_TEST

START_TEST(m10_a_destination_that_keeps_its_uidvalidity_gets_the_mail)
{
	model_add(&mo, 0, 0, 1);
	model_add(&mo, 0, 2, 2);
	model_add(&mo, FIXED, 0, 3);
	mo.side[0].uidvalidity = 77;
	merge(VIEW_NO_BASE, 0);
	ck_assert_uint_eq(plan.side[FIXED].uidvalidity, 0);
	ck_assert_ptr_null(op_of(FIXED, PLAN_SET_UID));
	ck_assert_uint_eq(op_of(FIXED, PLAN_SAVE)->uid, 3);
	ck_assert(plan.uidvalidity_kept);
}
END_TEST

static void
fill_box(struct msg_mailbox *box, unsigned int number)
{
	memset(box, 0, sizeof(*box));
	box->guid.b[0] = (uint8_t)number;
	box->name = "INBOX";
	box->selectable = true;
	box->uidvalidity = box->uidnext = 1;
	box->messages = 1;
}

/* T10: it keeps its GUID, and the other side records what stands for what. */
START_TEST(t10_a_mailbox_with_mail_keeps_its_guid)
{
	struct tree_input in = { .source = _i - 1, .complete = true };
	struct tree_entries entries = { 0 };
	struct tree_ops ops[2] = { { 0 }, { 0 } };
	struct msg_mailbox box[2];

	for (unsigned int s = 0; s < 2; s++) {
		fill_box(&box[s], 9 - s);
		in.side[s].boxes = &box[s];
		in.side[s].box_count = 1;
	}
	in.side[FIXED].append = true;
	merge_tree(mo.arena, &in, &entries);
	ck_assert_uint_eq(entries.n, 1);
	ck_assert(entries.v[0].keeps_guid[FIXED]);
	ck_assert(!entries.v[0].keeps_guid[0]);
	ck_assert(guid_eq(&entries.v[0].target.guid, &box[0].guid));
	ck_assert(marks_have(entries.v[0].target.aliases,
	    entries.v[0].target.alias_count, &box[FIXED].guid));
	for (unsigned int s = 0; s < 2; s++)
		merge_tree_ops(mo.arena, &entries, s, &ops[s]);
	ck_assert_uint_eq(ops[FIXED].n, 0);
	for (unsigned int s = 0; s < 2; s++)
		ARRAY_FREE(&ops[s]);
	ARRAY_FREE(&entries);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "merge_append");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase,
	    m4_mail_that_collides_gets_another_uid_on_our_side_alone);
	tcase_add_test(tcase, m4_a_pair_with_two_uids_keeps_them_for_ever);
	tcase_add_test(tcase, m4_a_uid_that_is_free_is_taken_over);
	tcase_add_test(tcase,
	    m10_the_side_that_stays_as_it_is_keeps_its_uidvalidity);
	tcase_add_test(tcase,
	    m10_a_destination_that_keeps_its_uidvalidity_gets_the_mail);
	tcase_add_loop_test(tcase, t10_a_mailbox_with_mail_keeps_its_guid,
	    0, 2);
	return unit_run(suite);
}
