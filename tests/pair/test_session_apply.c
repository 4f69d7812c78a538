/* What a session writes for the brain, and what it refuses to write. */
#include "config.h"

#include <string.h>

#include "tests/pair/drive.h"
#include "tests/support/unit.h"

/* By rule M12. */
START_TEST(a_taken_uid_is_answered_with_the_other_one)
{
	struct msg_message m = drive_new_message(1, "g1", 1);
	struct guid128 base;

	drive_start(NULL);
	drive_clear();
	drive_deliver("INBOX");
	drive_save_body("INBOX", &m, BODY, false);
	drive_flush();
	drive_expect("RESULT 1 1 uid=2\nDONE 2\n");
	/* Put right by the same run it stays news: the other side may not have
	   come to follow (P5). */
	m.uid = 2;
	drive_set_uid("INBOX", &m, 9);
	drive_flush();
	drive_expect("DONE 4\n");
	drive_commit();
	base = fx.last_run;
	drive_start(&base);
	drive_expect("VIEW base n=2 boxes=1\n"
	    "MAILBOX INBOX n=2 next=10\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 1 [] new marks=1\nMESSAGE 9 [] marks=1\n"
	    "MESSAGES_END\nVIEW_END\n");
}
END_TEST

START_TEST(an_expunge_leaves_a_tombstone_that_is_no_news)
{
	struct guid128 base;

	drive_deliver("INBOX");
	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	drive_expunge("INBOX", drive_message(1));
	drive_clear();
	drive_flush();
	drive_expect("DONE 2\n");
	drive_commit();
	base = fx.last_run;
	drive_start(&base);
	drive_expect("VIEW base n=1 boxes=1\nTREE_END\nVIEW_END\n");
	drive_list("INBOX", true);
	drive_expect("MESSAGES 1\nGONE 1 marks=1\nMESSAGE 2 [] marks=1\n"
	    "MESSAGES_END\n");
}
END_TEST

/* By rules P8, M3. */
START_TEST(flags_changed_meanwhile_refuse_flags_but_not_an_expunge)
{
	struct msg_message m1, m2;

	drive_deliver("INBOX");
	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	m1 = *drive_message(1);
	m2 = *drive_message(2);
	memory_client_flags(fx.world, "INBOX", 1, FLAG_SEEN, NULL, 0);
	memory_client_flags(fx.world, "INBOX", 2, FLAG_SEEN, NULL, 0);
	drive_clear();
	drive_set_flags("INBOX", &m1, FLAG_FLAGGED, NOW);
	drive_expunge("INBOX", &m2);
	drive_flush();
	drive_expect("RESULT 1 2 uid=0\nDONE 3\n");
	ck_assert_uint_eq(memory_mail_find(memory_mailbox_find(fx.world,
	    "INBOX"), 1)->flags, FLAG_SEEN);
	ck_assert_ptr_null(memory_mail_find(memory_mailbox_find(fx.world,
	    "INBOX"), 2));
	drive_commit();
	drive_expect("COMMITTED 1\n");
}
END_TEST

/* P8: a UID alone names no message. */
START_TEST(an_unknown_mark_is_stale)
{
	struct msg_message m;

	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	m = drive_new_message(1, "x", 9);
	drive_clear();
	drive_expunge("INBOX", &m);
	drive_set_flags("INBOX", &m, FLAG_SEEN, NOW);
	drive_set_uid("INBOX", &m, 7);
	drive_flush();
	drive_expect("RESULT 1 2 uid=0\nRESULT 2 2 uid=0\nRESULT 3 2 uid=0\n"
	    "DONE 4\n");
}
END_TEST

/* By rule P5. */
START_TEST(a_message_saved_before_is_not_saved_twice)
{
	struct msg_message m = drive_new_message(1, "g1", 1);

	drive_start(NULL);
	drive_clear();
	drive_save_body("INBOX", &m, BODY, false);
	drive_flush();
	drive_save_body("INBOX", &m, BODY, false);
	drive_flush();
	drive_expect("DONE 2\nRESULT 3 1 uid=1\nDONE 4\n");
	ck_assert_uint_eq(memory_mailbox_find(fx.world, "INBOX")->mails.n, 1);
}
END_TEST

START_TEST(a_body_that_arrived_damaged_is_not_saved)
{
	struct msg_message m = drive_new_message(1, "g1", 1);

	drive_start(NULL);
	drive_clear();
	drive_save_body("INBOX", &m, BODY, true);
	drive_flush();
	drive_expect("RESULT 1 6 uid=0\nDONE 2\n");
	ck_assert_uint_eq(memory_mailbox_find(fx.world, "INBOX")->mails.n, 0);
	drive_commit();
	drive_expect("COMMITTED 1\n");
}
END_TEST

/* M8: its body need not come again. */
START_TEST(a_copy_finds_its_source_by_guid_in_any_mailbox)
{
	struct msg_message m, missing = drive_new_message(2, "nowhere", 2);

	drive_deliver("INBOX");
	memory_client_create(fx.world, "Work");
	drive_start(NULL);
	drive_list("INBOX", false);
	m = drive_new_message(1, drive_message(1)->guid, 1);
	drive_clear();
	drive_copy("Work", &m);
	drive_copy("Work", &missing);
	drive_flush();
	drive_expect("RESULT 2 3 uid=0\nDONE 3\n");
	ck_assert_str_eq(memory_mail_find(memory_mailbox_find(fx.world,
	    "Work"), 1)->guid, m.guid);
	drive_commit();
	drive_expect("COMMITTED 1\n");
	/* Saved after all it is no longer pending. */
	drive_start(NULL);
	drive_clear();
	drive_copy("Work", &missing);
	drive_save_body("Work", &missing, BODY, false);
	drive_flush();
	drive_expect("RESULT 1 3 uid=0\nDONE 3\n");
	drive_commit();
	drive_expect("COMMITTED 0\n");
}
END_TEST

/* By rule P9. */
START_TEST(a_body_asked_for_is_read_before_its_message_is_expunged)
{
	struct msg_message m;
	struct msg msg = { .kind = MSG_OP_EXPUNGE };

	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	m = *drive_message(1);
	drive_clear();
	fx.op = 2;
	drive_get("INBOX", &m, 1);
	msg.u.op_expunge.op = 1;
	msg.u.op_expunge.mailbox = drive_guid_of("INBOX");
	msg.u.op_expunge.uid = 1;
	msg.u.op_expunge.marks = m.marks;
	msg.u.op_expunge.mark_count = m.mark_count;
	session_receive(fx.session, &msg, &fx.err);
	msg.kind = MSG_FLUSH;
	msg.u.flush.op = 2;
	session_receive(fx.session, &msg, &fx.err);
	drive_expect("");
	drive_pump();
	drive_expect("BODY 1 size=17\nCHUNK 17\nBODY_END\nDONE 2\n");
	ck_assert_uint_eq(memory_mailbox_find(fx.world, "INBOX")->mails.n, 0);
}
END_TEST

/* P9: nor by a brain that asked for it, hangs up, and reads nothing. */
START_TEST(a_message_whose_body_was_asked_for_and_never_read_stays)
{
	struct msg_message m;
	struct msg msg = { .kind = MSG_OP_EXPUNGE };

	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	m = *drive_message(1);
	drive_clear();
	drive_get("INBOX", &m, 1);
	msg.u.op_expunge.op = 1;
	msg.u.op_expunge.mailbox = drive_guid_of("INBOX");
	msg.u.op_expunge.uid = 1;
	msg.u.op_expunge.marks = m.marks;
	msg.u.op_expunge.mark_count = m.mark_count;
	ck_assert_int_eq(session_receive(fx.session, &msg, &fx.err), 0);
	msg = (struct msg){ .kind = MSG_FLUSH };
	msg.u.flush.op = 2;
	ck_assert_int_eq(session_receive(fx.session, &msg, &fx.err), 0);
	session_free(&fx.session);
	ck_assert_uint_eq(memory_mailbox_find(fx.world, "INBOX")->mails.n, 1);
	drive_expect("");
	drive_start(NULL);
	drive_clear();
	drive_list("INBOX", true);
	drive_expect("MESSAGES 1\nMESSAGE 1 [] new marks=1\nMESSAGES_END\n");
}
END_TEST

/* By rule E1. */
START_TEST(an_unreadable_message_is_left_pending)
{
	struct msg_message m;

	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	m = *drive_message(1);
	memory_mail_find(memory_mailbox_find(fx.world, "INBOX"),
	    1)->unreadable = true;
	drive_clear();
	drive_get("INBOX", &m, 3);
	drive_pump();
	ck_assert(strstr(fx.out.data, "3") != NULL);
	ck_assert(strstr(fx.out.data, "FAILED") != NULL ||
	    strstr(fx.out.data, "failed") != NULL);
	drive_clear();
	drive_commit();
	drive_expect("COMMITTED 1\n");
}
END_TEST

START_TEST(mailboxes_are_made_renamed_and_removed)
{
	struct msg_op_mailbox op = { .create = true };
	struct msg msg = { .kind = MSG_OP_MAILBOX_DELETE };
	struct guid128 base;

	drive_start(NULL);
	drive_clear();
	op.box.guid.b[0] = 0x42;
	op.box.name = "Work";
	op.box.selectable = true;
	op.box.uidvalidity = 99;
	op.box.uidnext = 5;
	op.box.exist_stamp = NOW - 7;
	drive_op_mailbox(op);
	/* New ones are made together. */
	ck_assert_ptr_null(memory_mailbox_find(fx.world, "Work"));
	drive_flush();
	drive_expect("DONE 2\n");
	ck_assert(guid_eq(&op.box.guid, &memory_mailbox_find(fx.world,
	    "Work")->status.guid));
	ck_assert_uint_eq(memory_mailbox_find(fx.world,
	    "Work")->status.uidvalidity, 99);
	op.create = false;
	op.box.name = "Job";
	op.box.last_stamp = NOW - 3;
	drive_op_mailbox(op);
	ck_assert_ptr_nonnull(memory_mailbox_find(fx.world, "Job"));
	op.box.uidnext = 20;
	drive_op_mailbox(op);
	drive_flush();
	ck_assert_uint_eq(memory_mailbox_find(fx.world,
	    "Job")->status.uidnext, 20);
	drive_expect("DONE 5\n");
	drive_commit();
	base = fx.last_run;
	drive_start(&base);
	drive_expect("VIEW base n=0 boxes=2\nTREE_END\nVIEW_END\n");
	msg.u.op_mailbox_delete.op = ++fx.op;
	msg.u.op_mailbox_delete.guid = op.box.guid;
	msg.u.op_mailbox_delete.stamp = NOW;
	drive_give(&msg);
	drive_flush();
	drive_expect("DONE 2\n");
	ck_assert_ptr_null(memory_mailbox_find(fx.world, "Job"));
	drive_commit();
	base = fx.last_run;
	drive_start(&base);
	drive_expect("VIEW base n=0 boxes=1\nTREE_END\nVIEW_END\n");
}
END_TEST

START_TEST(a_mailbox_with_messages_is_not_removed)
{
	struct msg msg = { .kind = MSG_OP_MAILBOX_DELETE };

	memory_client_create(fx.world, "Work");
	drive_deliver("Work");
	drive_start(NULL);
	drive_clear();
	msg.u.op_mailbox_delete.op = ++fx.op;
	msg.u.op_mailbox_delete.guid = drive_guid_of("Work");
	msg.u.op_mailbox_delete.stamp = NOW;
	drive_give(&msg);
	drive_expect("RESULT 1 5 uid=0\n");
	msg.u.op_mailbox_delete.op = ++fx.op;
	msg.u.op_mailbox_delete.guid = drive_guid_of("INBOX");
	drive_give(&msg);
	drive_expect("RESULT 2 6 uid=0\n");
}
END_TEST

START_TEST(a_guid_that_is_replaced_is_remembered)
{
	struct msg_op_mailbox op = { 0 };
	struct guid128 base;
	struct msg msg = { .kind = MSG_TREE };

	drive_deliver("INBOX");
	drive_start(NULL);
	op.box = fx.boxes.v[0];
	op.new_guid.b[0] = 0xff;
	drive_clear();
	drive_op_mailbox(op);
	drive_flush();
	drive_expect("DONE 2\n");
	ck_assert(guid_eq(&op.new_guid, &memory_mailbox_find(fx.world,
	    "INBOX")->status.guid));
	drive_list("INBOX", false);
	drive_expect("MESSAGES 1\nMESSAGE 1 [] new marks=1\nMESSAGES_END\n");
	drive_commit();
	base = fx.last_run;
	drive_start(&base);
	drive_expect("VIEW base n=1 boxes=1\nTREE_END\nVIEW_END\n");
	drive_give(&msg);
	ck_assert_uint_eq(fx.boxes.v[0].alias_count, 1);
}
END_TEST

START_TEST(flags_and_a_new_uid_share_a_batch)
{
	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	drive_set_flags("INBOX", drive_message(1), FLAG_SEEN, NOW);
	drive_set_uid("INBOX", drive_message(1), 5);
	drive_clear();
	drive_flush();
	drive_expect("DONE 3\n");
	drive_list("INBOX", false);
	drive_expect("MESSAGES 1\nMESSAGE 5 [\\Seen] new marks=1\n"
	    "MESSAGES_END\n");
}
END_TEST

/* By rule T13. */
START_TEST(a_mapped_name_is_no_rename)
{
	struct msg_op_mailbox op = { .create = true };
	struct guid128 base;

	memory_world_forbid(fx.world, "^");
	drive_start(NULL);
	drive_clear();
	op.box.guid.b[0] = 0x42;
	op.box.name = "a^b";
	op.box.selectable = true;
	op.box.uidvalidity = 99;
	op.box.uidnext = 1;
	drive_op_mailbox(op);
	drive_flush();
	drive_expect("DONE 2\n");
	ck_assert_ptr_nonnull(memory_mailbox_find(fx.world, "a_b"));
	drive_commit();
	base = fx.last_run;
	drive_start(&base);
	drive_expect("VIEW base n=0 boxes=2\nTREE_END\nVIEW_END\n");
}
END_TEST

START_TEST(flags_bring_no_mark_of_another_mail)
{
	struct msg_message two;
	struct guid128 marks[2];

	drive_deliver("INBOX");
	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	marks[0] = drive_message(1)->marks[0];
	marks[1] = drive_message(2)->marks[0];
	two = *drive_message(1);
	two.marks = marks;
	two.mark_count = marks_normalise(marks, 2);
	drive_set_flags("INBOX", &two, FLAG_SEEN, NOW);
	drive_flush();
	drive_list("INBOX", false);
	drive_expect("MESSAGES 1\nMESSAGE 1 [\\Seen] new marks=1\n"
	    "MESSAGE 2 [] new marks=1\nMESSAGES_END\n");
}
END_TEST

/* A move of which the first half failed (P9). */
START_TEST(what_was_not_saved_elsewhere_is_not_expunged)
{
	struct msg msg = { .kind = MSG_OP_COPY };
	struct msg_message m;

	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	m = *drive_message(1);
	msg.u.op_copy.op = ++fx.op;
	msg.u.op_copy.mailbox.b[0] = 0x99;	/* could not be made */
	msg.u.op_copy.message = drive_new_message(1, m.guid, 5);
	ck_assert_int_eq(drive_give(&msg), 0);
	drive_clear();
	drive_expunge("INBOX", &m);
	drive_flush();
	drive_expect("RESULT 2 2 uid=0\nDONE 3\n");
	drive_list("INBOX", false);
	drive_expect("MESSAGES 1\nMESSAGE 1 [] new marks=1\nMESSAGES_END\n");
}
END_TEST

START_TEST(an_expunge_of_one_mail_takes_no_other)
{
	struct msg msg = { .kind = MSG_OP_EXPUNGE };

	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	msg.u.op_expunge.op = ++fx.op;
	msg.u.op_expunge.mailbox = drive_guid_of("INBOX");
	msg.u.op_expunge.uid = 1;
	msg.u.op_expunge.marks = drive_message(1)->marks;
	msg.u.op_expunge.mark_count = 1;
	msg.u.op_expunge.guid = "other";
	ck_assert_int_eq(drive_give(&msg), 0);
	drive_clear();
	drive_list("INBOX", false);
	drive_expect("MESSAGES 1\nMESSAGE 1 [] new marks=1\nMESSAGES_END\n");
}
END_TEST

/* Its index is made by somebody else, who is slow. */
struct untold {
	store_done_fn *done;
	void *arg;
};

static void
done_untold(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	const struct untold *untold = arg;

	(void)modseq;
	untold->done(tag, uid, 0, failure, untold->arg);
}

static int
flush_untold(struct store *store, store_done_fn *done, void *arg,
    struct err *err)
{
	struct untold untold = { done, arg };

	return store_driver_memory.flush(store, done_untold, &untold, err);
}

/* F6: it may turn up as another one than was wanted. */
START_TEST(a_message_whose_modseq_is_not_known_stays_news)
{
	struct store_driver driver = store_driver_memory;
	struct msg_message m = drive_new_message(2, "g2", 1);
	struct guid128 base;

	drive_deliver("INBOX");
	base = drive_quiet_run();
	driver.flush = flush_untold;
	fx.args.driver = &driver;
	drive_start(&base);
	m.modseq = 50;
	drive_save_body("INBOX", &m, BODY, false);
	drive_flush();
	drive_commit();
	fx.args.driver = NULL;
	base = fx.last_run;
	drive_clear();
	drive_start(&base);
	ck_assert_ptr_ne(strstr(fx.out.data, "MESSAGE 2 [] marks=1"), NULL);
	ck_assert_ptr_eq(strstr(fx.out.data, "MESSAGE 1 "), NULL);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "session apply");

	tcase_add_checked_fixture(tcase, drive_setup, drive_teardown);
	tcase_add_test(tcase, a_taken_uid_is_answered_with_the_other_one);
	tcase_add_test(tcase, an_expunge_leaves_a_tombstone_that_is_no_news);
	tcase_add_test(tcase,
	    flags_changed_meanwhile_refuse_flags_but_not_an_expunge);
	tcase_add_test(tcase, an_unknown_mark_is_stale);
	tcase_add_test(tcase, a_message_saved_before_is_not_saved_twice);
	tcase_add_test(tcase, a_body_that_arrived_damaged_is_not_saved);
	tcase_add_test(tcase, a_copy_finds_its_source_by_guid_in_any_mailbox);
	tcase_add_test(tcase,
	    a_body_asked_for_is_read_before_its_message_is_expunged);
	tcase_add_test(tcase,
	    a_message_whose_body_was_asked_for_and_never_read_stays);
	tcase_add_test(tcase, an_unreadable_message_is_left_pending);
	tcase_add_test(tcase, mailboxes_are_made_renamed_and_removed);
	tcase_add_test(tcase, a_mailbox_with_messages_is_not_removed);
	tcase_add_test(tcase, a_guid_that_is_replaced_is_remembered);
	tcase_add_test(tcase, flags_and_a_new_uid_share_a_batch);
	tcase_add_test(tcase, a_mapped_name_is_no_rename);
	tcase_add_test(tcase, flags_bring_no_mark_of_another_mail);
	tcase_add_test(tcase, what_was_not_saved_elsewhere_is_not_expunged);
	tcase_add_test(tcase, an_expunge_of_one_mail_takes_no_other);
	tcase_add_test(tcase,
	    a_message_whose_modseq_is_not_known_stays_news);
	return unit_run(suite);
}
