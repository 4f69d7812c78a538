/* What a caller may rely on about changes of messages, for every driver. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/fixture.h"

#define G1 "1000000001.M1P1.host,S=5"
#define G2 "00112233445566778899aabbccddeeff"
#define BODY "body\n"

static struct fixture fx;

START_TEST(flags_and_keywords_are_replaced)
{
	const char *first[] = { "a", "b" }, *second[] = { "b", "c" };
	struct mail_info was = { .uid = 1, .guid = G1 };
	struct err err = ERR_INIT;
	struct seen_list list;

	fixture_begin(&fx, _i);
	fixture_append(&fx, G1, BODY);
	ck_assert_int_eq(fx.store->driver->set_flags(fx.box, &was,
	    FLAGS_ALL, first, 2, 0, 1, &err), 0);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 1);
	was.flags = FLAGS_ALL;
	was.keywords = first;
	was.keyword_count = 2;
	ck_assert_int_eq(fx.store->driver->set_flags(fx.box, &was,
	    FLAG_ANSWERED, second, 2, 0, 1, &err), 0);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	fixture_reopen(&fx);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_ANSWERED);
	ck_assert_str_eq(list.v.v[0].keywords, "b c");
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(each_flag_can_be_set_alone)
{
	struct seen_list list;
	flags_t was = 0;

	fixture_begin(&fx, _i);
	fixture_append(&fx, G1, BODY);
	for (unsigned int flags = 1; flags <= FLAGS_ALL; flags++) {
		fixture_set_flags(&fx, fx.box, 1, G1, was, (flags_t)flags,
		    1);
		fixture_flush(&fx);
		fixture_done(&fx, 1);
		was = (flags_t)flags;
		list = fixture_scan(&fx, fx.box);
		ck_assert_uint_eq(list.v.v[0].flags, flags);
		seen_free(&list);
	}
	fixture_deinit(&fx);
}
END_TEST

START_TEST(flags_that_somebody_changed_are_left_alone)
{
	struct seen_list list;
	struct fixture other;

	fixture_begin(&fx, _i);
	fixture_append(&fx, G1, BODY);
	fixture_set_flags(&fx, fx.box, 1, G1, 0, FLAG_SEEN, 1);
	fixture_other(&other, &fx);
	fixture_set_flags(&other, other.box, 1, G1, 0, FLAG_FLAGGED, 1);
	fixture_flush(&other);
	fixture_done(&other, 1);
	fixture_close(&other);
	fixture_flush(&fx);
	fixture_failed(&fx, 1, ERR_STALE);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_FLAGGED);
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(flags_change_though_somebody_set_and_cleared_one)
{
	struct seen_list list;
	struct fixture other;

	fixture_begin(&fx, _i);
	fixture_append(&fx, G1, BODY);
	fixture_set_flags(&fx, fx.box, 1, G1, FLAG_FLAGGED, FLAG_SEEN, 1);
	fixture_other(&other, &fx);
	fixture_set_flags(&other, other.box, 1, G1, 0, FLAG_FLAGGED, 1);
	fixture_flush(&other);
	fixture_close(&other);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_SEEN);
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_message_that_is_not_the_expected_one_is_stale)
{
	struct err err = ERR_INIT;
	struct seen_list list;

	fixture_begin(&fx, _i);
	fixture_append(&fx, G1, BODY);
	fixture_set_flags(&fx, fx.box, 1, G2, 0, FLAG_SEEN, 1);
	fixture_set_flags(&fx, fx.box, 9, G1, 0, FLAG_SEEN, 2);
	fixture_expunge(&fx, fx.box, 1, G2, 3);
	ck_assert_int_eq(fx.store->driver->set_uid(fx.box, 1, G2, 50, 0, 4,
	    &err), 0);
	ck_assert_int_eq(fx.store->driver->set_uid(fx.box, 9, G1, 50, 0, 5,
	    &err), 0);
	fixture_flush(&fx);
	for (uint64_t tag = 1; tag <= 5; tag++)
		fixture_failed(&fx, tag, ERR_STALE);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	ck_assert_uint_eq(list.v.v[0].uid, 1);
	ck_assert_uint_eq(list.v.v[0].flags, 0);
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(expunging_what_is_gone_is_done)
{
	struct fixture other;

	fixture_begin(&fx, _i);
	fixture_append(&fx, G1, BODY);
	fixture_append(&fx, G2, BODY);
	fixture_expunge(&fx, fx.box, 1, G1, 1);
	fixture_expunge(&fx, fx.box, 1, G1, 2);
	fixture_expunge(&fx, fx.box, 77, G1, 3);
	fixture_expunge(&fx, fx.box, 2, G2, 4);
	fixture_other(&other, &fx);
	fixture_expunge(&other, other.box, 2, G2, 1);
	fixture_flush(&other);
	fixture_close(&other);
	fixture_flush(&fx);
	for (uint64_t tag = 1; tag <= 4; tag++)
		fixture_done(&fx, tag);
	fixture_reopen(&fx);
	ck_assert_uint_eq(fixture_scan(&fx, fx.box).v.n, 0);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(an_expunge_finds_a_message_whose_flags_changed)
{
	struct fixture other;

	fixture_begin(&fx, _i);
	fixture_append(&fx, G1, BODY);
	fixture_expunge(&fx, fx.box, 1, G1, 1);
	fixture_other(&other, &fx);
	fixture_set_flags(&other, other.box, 1, G1, 0, FLAG_FLAGGED, 1);
	fixture_flush(&other);
	fixture_close(&other);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	ck_assert_uint_eq(fixture_scan(&fx, fx.box).v.n, 0);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(set_uid_moves_a_message_and_nothing_else)
{
	const char *keywords[] = { "k" };
	struct mail_info info = { .guid = G1, .flags = FLAG_SEEN,
	    .keywords = keywords, .keyword_count = 1,
	    .received = 1234567890, .pop3_uidl = "p" }, got;
	struct err err = ERR_INIT;
	struct seen_list list;
	char *text;

	fixture_begin(&fx, _i);
	ck_assert_int_eq(fixture_try_append(&fx, fx.box, &info, BODY, 1), 0);
	fixture_prepare(&fx, fx.box, 0, G2, "other\n", 2);
	fixture_flush(&fx);
	ck_assert_int_eq(fx.store->driver->set_uid(fx.box, 1, G1, 50, 0, 3,
	    &err), 0);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 3), 50);
	for (int round = 0; round < 2; round++) {
		list = fixture_scan(&fx, fx.box);
		ck_assert_uint_eq(list.v.n, 2);
		ck_assert_uint_eq(list.v.v[0].uid, 2);
		ck_assert_uint_eq(list.v.v[1].uid, 50);
		ck_assert_str_eq(list.v.v[1].guid, G1);
		ck_assert_str_eq(list.v.v[1].keywords, "k");
		ck_assert_uint_eq(list.v.v[1].flags, FLAG_SEEN);
		seen_free(&list);
		text = fixture_read(&fx, fx.box, 50, G1, &got);
		ck_assert_str_eq(text, BODY);
		ck_assert_int_eq(got.received, 1234567890);
		free(text);
		ck_assert_ptr_null(fixture_read(&fx, fx.box, 1, G1, NULL));
		ck_assert_uint_eq(fixture_status(&fx, fx.box).uidnext, 51);
		fixture_reopen(&fx);
	}
	fixture_deinit(&fx);
}
END_TEST

START_TEST(uid_changes_and_appends_share_the_uids_of_a_batch)
{
	struct err err = ERR_INIT;
	const struct store_driver *d;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	fixture_append(&fx, "a", BODY);
	fixture_append(&fx, "b", BODY);
	ck_assert_int_eq(d->set_uid(fx.box, 1, "a", 11, 0, 1, &err), 0);
	fixture_prepare(&fx, fx.box, 10, "c", BODY, 2);
	ck_assert_int_eq(d->set_uid(fx.box, 2, "b", 11, 0, 3, &err), 0);
	fixture_prepare(&fx, fx.box, 0, "d", BODY, 4);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 11);
	ck_assert_uint_eq(fixture_done(&fx, 2), 10);
	ck_assert_uint_eq(fixture_done(&fx, 3), 12);
	ck_assert_uint_eq(fixture_done(&fx, 4), 13);
	fixture_expect_body(&fx, fx.box, 12, "b", BODY);
	fixture_expect_body(&fx, fx.box, 13, "d", BODY);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(operations_name_messages_as_they_were_before_the_batch)
{
	struct err err = ERR_INIT;
	struct seen_list list;

	fixture_begin(&fx, _i);
	fixture_append(&fx, "a", BODY);
	fixture_append(&fx, "b", BODY);
	ck_assert_int_eq(fx.store->driver->set_uid(fx.box, 1, "a", 9, 0, 1,
	    &err), 0);
	fixture_set_flags(&fx, fx.box, 1, "a", 0, FLAG_SEEN, 2);
	ck_assert_int_eq(fx.store->driver->set_uid(fx.box, 2, "b", 10, 0, 3,
	    &err), 0);
	fixture_expunge(&fx, fx.box, 2, "b", 4);
	fixture_flush(&fx);
	for (uint64_t tag = 1; tag <= 4; tag++)
		fixture_done(&fx, tag);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	ck_assert_uint_eq(list.v.v[0].uid, 9);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_SEEN);
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_second_change_of_flags_expects_the_first)
{
	struct seen_list list;

	fixture_begin(&fx, _i);
	fixture_append(&fx, "a", BODY);
	fixture_set_flags(&fx, fx.box, 1, "a", 0, FLAG_SEEN, 1);
	fixture_set_flags(&fx, fx.box, 1, "a", FLAG_SEEN, FLAG_DRAFT, 2);
	fixture_set_flags(&fx, fx.box, 1, "a", FLAG_SEEN, FLAG_DELETED, 3);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	fixture_done(&fx, 2);
	fixture_failed(&fx, 3, ERR_STALE);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_DRAFT);
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_copy_has_the_same_bytes_and_what_it_is_given)
{
	struct mail_info info = { .uid = 40, .guid = G2,
	    .flags = FLAG_FLAGGED, .received = RECEIVED }, got;
	struct err err = ERR_INIT;
	struct mailbox *box;
	struct seen_list list;
	char *text;

	fixture_begin(&fx, _i);
	fixture_append(&fx, G1, BODY);
	fixture_create(&fx, "Copies");
	box = fixture_box(&fx, "Copies");
	ck_assert_int_eq(fx.store->driver->copy(box, &info, fx.box, 1, G1,
	    1, &err), 0);
	info.received = 5;
	info.uid = 41;
	info.guid = G1;
	ck_assert_int_eq(fx.store->driver->copy(box, &info, fx.box, 1, G1,
	    2, &err), 0);
	fixture_expunge(&fx, fx.box, 1, G1, 3);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 40);
	ck_assert_uint_eq(fixture_done(&fx, 2), 41);
	fixture_done(&fx, 3);
	list = fixture_scan(&fx, box);
	ck_assert_uint_eq(list.v.n, 2);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_FLAGGED);
	seen_free(&list);
	text = fixture_read(&fx, box, 40, G2, &got);
	ck_assert_str_eq(text, BODY);
	ck_assert_int_eq(got.received, RECEIVED);
	free(text);
	text = fixture_read(&fx, box, 41, G1, &got);
	ck_assert_str_eq(text, BODY);
	ck_assert_int_eq(got.received, 5);
	free(text);
	ck_assert_uint_eq(fixture_scan(&fx, fx.box).v.n, 0);
	fx.store->driver->mailbox_close(&box);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_copy_of_what_is_gone_is_not_found)
{
	struct mail_info info = { .guid = G2, .received = RECEIVED };
	struct err err = ERR_INIT;

	fixture_begin(&fx, _i);
	fixture_append(&fx, G1, BODY);
	ck_assert_int_eq(fx.store->driver->copy(fx.box, &info, fx.box, 1, G2,
	    1, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	ck_assert_int_eq(fx.store->driver->copy(fx.box, &info, fx.box, 2, G1,
	    1, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(set_status_changes_what_is_given)
{
	struct mailbox_status wanted = { .uidvalidity = 4711, .uidnext = 5 };
	struct mailbox_status before, after;
	struct err err = ERR_INIT;
	uint32_t uid;

	fixture_begin(&fx, _i);
	before = fixture_status(&fx, fx.box);
	ck_assert(!guid_is_zero(&before.guid) && before.uidvalidity != 0);
	memset(wanted.guid.b, 0x77, GUID_SIZE);
	ck_assert_int_eq(fx.store->driver->set_status(fx.box, &wanted, 1,
	    &err), 0);
	fixture_prepare(&fx, fx.box, 0, "a", BODY, 2);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	/* UIDNEXT is raised after the appends of the batch. */
	ck_assert_uint_eq((uid = fixture_done(&fx, 2)), 1);
	fixture_reopen(&fx);
	after = fixture_status(&fx, fx.box);
	ck_assert(guid_eq(&after.guid, &wanted.guid));
	ck_assert_uint_eq(after.uidvalidity, 4711);
	ck_assert_uint_eq(after.uidnext, 5);
	fixture_expect_body(&fx, fx.box, uid, "a", BODY);
	wanted = (struct mailbox_status){ .uidnext = 2 };
	ck_assert_int_eq(fx.store->driver->set_status(fx.box, &wanted, 1,
	    &err), 0);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	before = fixture_status(&fx, fx.box);
	ck_assert(guid_eq(&after.guid, &before.guid));
	ck_assert_uint_eq(before.uidvalidity, 4711);
	ck_assert_uint_eq(before.uidnext, 5);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(one_flush_does_all_mailboxes)
{
	struct mailbox *boxes[3];
	char name[16];

	fixture_begin(&fx, _i);
	for (uint64_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "Box%d", (int)i);
		fixture_create(&fx, name);
		boxes[i] = fixture_box(&fx, name);
		fixture_prepare(&fx, boxes[i], 0, "g", name, i);
	}
	fixture_flush(&fx);
	for (uint64_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "Box%d", (int)i);
		fixture_expect_body(&fx, boxes[i], fixture_done(&fx, i), "g",
		    name);
		fx.store->driver->mailbox_close(&boxes[i]);
	}
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_mailbox_removed_before_flush_spoils_only_its_own)
{
	struct fixture other;
	struct mailbox *box;
	struct err err = ERR_INIT;

	fixture_begin(&fx, _i);
	fixture_create(&fx, "Gone");
	box = fixture_box(&fx, "Gone");
	fixture_prepare(&fx, box, 0, "a", BODY, 1);
	fixture_prepare(&fx, fx.box, 0, "b", BODY, 2);
	fixture_other(&other, &fx);
	ck_assert_int_eq(other.store->driver->mailbox_remove(other.store,
	    "Gone", &err), 0);
	fixture_close(&other);
	fixture_flush(&fx);
	fixture_failed(&fx, 1, ERR_STALE);
	fixture_done(&fx, 2);
	fx.store->driver->mailbox_close(&box);
	fixture_deinit(&fx);
}
END_TEST

/* M6: two runs save the same mail; neither takes the other's place. */
START_TEST(what_another_process_saved_meanwhile_keeps_its_uid)
{
	static const char guid[] = "1000000000.M1P1.other";
	struct fixture other;
	struct seen_list seen;

	fixture_begin(&fx, _i);
	fixture_append(&fx, "first", "first\n");
	seen = fixture_scan(&fx, fx.box);
	seen_free(&seen);
	fixture_other(&other, &fx);
	ck_assert_uint_eq(fixture_append(&other, guid, "twice\n"), 2);
	fixture_close(&other);
	ck_assert_uint_eq(fixture_append(&fx, guid, "twice\n"), 3);
	fixture_reopen(&fx);
	seen = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(seen.v.n, 3);
	ck_assert_uint_eq(seen_count(&seen, guid), 2);
	ck_assert_uint_eq(seen.v.v[1].uid, 2);
	ck_assert_uint_eq(seen.v.v[2].uid, 3);
	seen_free(&seen);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_moved_message_may_come_back)
{
	fixture_begin(&fx, _i);
	for (int i = 0; i < 3; i++) {
		uint32_t uid = fixture_append(&fx, G1, BODY);

		fixture_expect_body(&fx, fx.box, uid, G1, BODY);
		fixture_expunge(&fx, fx.box, uid, G1, 1);
		fixture_flush(&fx);
	}
	ck_assert_uint_eq(fixture_scan(&fx, fx.box).v.n, 0);
	fixture_deinit(&fx);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "operations");

#define TEST(name) tcase_add_loop_test(tc, name, 0, DRIVERS)
	TEST(flags_and_keywords_are_replaced);
	TEST(each_flag_can_be_set_alone);
	TEST(flags_that_somebody_changed_are_left_alone);
	TEST(flags_change_though_somebody_set_and_cleared_one);
	TEST(a_message_that_is_not_the_expected_one_is_stale);
	TEST(expunging_what_is_gone_is_done);
	TEST(an_expunge_finds_a_message_whose_flags_changed);
	TEST(set_uid_moves_a_message_and_nothing_else);
	TEST(uid_changes_and_appends_share_the_uids_of_a_batch);
	TEST(operations_name_messages_as_they_were_before_the_batch);
	TEST(a_second_change_of_flags_expects_the_first);
	TEST(a_copy_has_the_same_bytes_and_what_it_is_given);
	TEST(a_copy_of_what_is_gone_is_not_found);
	TEST(set_status_changes_what_is_given);
	TEST(one_flush_does_all_mailboxes);
	TEST(a_mailbox_removed_before_flush_spoils_only_its_own);
	TEST(what_another_process_saved_meanwhile_keeps_its_uid);
	TEST(a_moved_message_may_come_back);
	return unit_run(suite);
}
