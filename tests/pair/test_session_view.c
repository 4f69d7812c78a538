/* What a session shows of a store: all of it, or what changed since a base. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "model/flags.h"
#include "tests/pair/drive.h"
#include "tests/support/unit.h"

START_TEST(a_first_view_shows_each_mailbox_with_a_digest)
{
	drive_deliver("INBOX");
	memory_client_create(fx.world, "Work");
	memory_client_subscribe(fx.world, "Work", true);
	drive_start(NULL);
	drive_expect("VIEW none n=1 boxes=2\n"
	    "MAILBOX INBOX n=1 next=2 new tree uidvalidity digest\n"
	    "MAILBOX Work n=0 next=1 new tree uidvalidity digest\n"
	    "SUBSCRIPTION Work on stamp=0\n"
	    "TREE_END\nVIEW_END\n");
}
END_TEST

START_TEST(a_view_with_a_base_shows_only_what_changed)
{
	struct guid128 base;

	drive_deliver("INBOX");
	drive_deliver("INBOX");
	drive_deliver("INBOX");
	base = drive_quiet_run();
	drive_start(&base);
	drive_expect("VIEW base n=3 boxes=1\nTREE_END\nVIEW_END\n");
	drive_commit();
	clock_set(NOW + 5);
	memory_client_flags(fx.world, "INBOX", 1, FLAG_SEEN, NULL, 0);
	memory_client_expunge(fx.world, "INBOX", 2);
	drive_deliver("INBOX");
	drive_start(&base);
	ck_assert_uint_eq(drive_message(1)->flags.stamps[3], NOW + 5);
	drive_expect("VIEW base n=3 boxes=1\n"
	    "MAILBOX INBOX n=3 next=5\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 1 [\\Seen] marks=1\nGONE 2 marks=1\n"
	    "MESSAGE 4 [] new marks=1\nMESSAGES_END\nVIEW_END\n");
}
END_TEST

START_TEST(what_a_run_wrote_as_planned_is_no_news_after_it)
{
	struct msg_message m = drive_new_message(2, "g2", 1);
	struct guid128 base;

	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	drive_set_flags("INBOX", drive_message(1), FLAG_FLAGGED, NOW + 9);
	drive_clear();
	drive_save_body("INBOX", &m, BODY, false);
	drive_flush();
	drive_expect("DONE 3\n");
	drive_commit();
	base = fx.last_run;
	drive_start(&base);
	drive_expect("VIEW base n=2 boxes=1\nTREE_END\nVIEW_END\n");
	drive_list("INBOX", false);
	ck_assert_uint_eq(drive_message(1)->flags.stamps[1], NOW + 9);
	ck_assert(guid_eq(&drive_message(2)->marks[0], &m.marks[0]));
	drive_expect("MESSAGES 1\nMESSAGE 1 [\\Flagged] marks=1\n"
	    "MESSAGE 2 [] marks=1\nMESSAGES_END\n");
}
END_TEST

START_TEST(another_run_sees_what_this_one_wrote)
{
	struct msg_message m = drive_new_message(1, "g1", 1);
	struct guid128 base = drive_quiet_run();

	drive_start(&base);
	drive_clear();
	drive_save_body("INBOX", &m, BODY, false);
	drive_flush();
	session_free(&fx.session);
	drive_start(&base);
	drive_expect("VIEW base n=1 boxes=1\n"
	    "MAILBOX INBOX n=1 next=2\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 1 [] new marks=1\nMESSAGES_END\nVIEW_END\n");
}
END_TEST

START_TEST(a_new_message_is_held_if_the_base_had_it_elsewhere)
{
	struct guid128 base;
	uint32_t uid;

	memory_client_create(fx.world, "Work");
	drive_deliver("INBOX");
	base = drive_quiet_run();
	memory_client_move(fx.world, "INBOX", 1, "Work", true, &uid);
	drive_start(&base);
	ck_assert_int_eq(fx.messages.n, 1);
	ck_assert(fx.messages.v[0].m.held);
	ck_assert_int_eq(fx.messages.v[0].m.received, 1000000000);
}
END_TEST

/* By rule E1. */
START_TEST(what_was_pending_is_shown_as_changed)
{
	struct msg msg = { .kind = MSG_PENDING };
	struct guid128 base;

	drive_deliver("INBOX");
	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	msg.u.pending.mailbox = drive_guid_of("INBOX");
	msg.u.pending.uid = 2;
	msg.u.pending.mark = drive_message(2)->marks[0];
	msg.u.pending.text = "no space";
	drive_clear();
	drive_give(&msg);
	drive_give(&msg);
	drive_commit();
	drive_expect("COMMITTED 1\n");
	base = fx.last_run;
	drive_start(&base);
	drive_expect("VIEW base n=2 boxes=1\n"
	    "MAILBOX INBOX n=2 next=3\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 2 [] marks=1\nMESSAGES_END\n"
	    "PENDING uid=2\nVIEW_END\n");
}
END_TEST

/* By rule T1. */
START_TEST(a_rename_is_known_by_the_guid)
{
	struct guid128 base;

	memory_client_create(fx.world, "Work");
	drive_deliver("Work");
	base = drive_quiet_run();
	clock_set(NOW + 50);
	memory_client_rename(fx.world, "Work", "Job");
	drive_start(&base);
	ck_assert_uint_eq(fx.boxes.v[0].last_stamp, NOW + 50);
	ck_assert_uint_eq(fx.boxes.v[0].parent_stamp, 0);
	drive_expect("VIEW base n=1 boxes=2\nMAILBOX Job n=1 next=2 tree\n"
	    "TREE_END\nVIEW_END\n");
}
END_TEST

/* By rule T3. */
START_TEST(a_deleted_mailbox_leaves_tombstones_of_all_in_it)
{
	struct guid128 base;

	memory_client_create(fx.world, "Work");
	drive_deliver("Work");
	drive_deliver("Work");
	base = drive_quiet_run();
	memory_client_delete(fx.world, "Work");
	drive_start(&base);
	drive_expect("VIEW base n=0 boxes=1\nMAILBOX_GONE Work\nTREE_END\n"
	    "MESSAGES 0\nGONE 1 marks=1\nGONE 2 marks=1\nMESSAGES_END\n"
	    "VIEW_END\n");
}
END_TEST

/* By rule T5. */
START_TEST(a_mailbox_made_anew_under_its_name_is_another_one)
{
	struct guid128 base;

	memory_client_create(fx.world, "Work");
	drive_deliver("Work");
	base = drive_quiet_run();
	memory_client_delete(fx.world, "Work");
	memory_client_create(fx.world, "Work");
	drive_start(&base);
	drive_expect("VIEW base n=0 boxes=2\nMAILBOX Work n=0 next=1 new tree "
	    "uidvalidity\nMAILBOX_GONE Work\nTREE_END\n"
	    "MESSAGES 0\nGONE 1 marks=1\nMESSAGES_END\nVIEW_END\n");
}
END_TEST

/* M7: it is no new message. */
START_TEST(a_message_under_another_uid_stays_the_same_instance)
{
	struct guid128 base, mark;

	drive_deliver("INBOX");
	drive_deliver("INBOX");
	memory_client_expunge(fx.world, "INBOX", 1);
	drive_start(NULL);
	drive_list("INBOX", false);
	mark = drive_message(2)->marks[0];
	drive_commit();
	base = fx.last_run;
	memory_client_uidvalidity(fx.world, "INBOX", 4711);
	drive_start(&base);
	ck_assert(guid_eq(&drive_message(1)->marks[0], &mark));
	drive_expect("VIEW base n=1 boxes=1\n"
	    "MAILBOX INBOX n=1 next=2 uidvalidity\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 1 [] marks=1\nMESSAGES_END\nVIEW_END\n");
}
END_TEST

START_TEST(a_list_comes_in_pages_and_by_mark)
{
	struct msg msg = { .kind = MSG_LIST };
	struct guid128 mark;

	for (int i = 0; i < 5; i++)
		drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	mark = drive_message(4)->marks[0];
	drive_clear();
	msg.u.list.request = 2;
	msg.u.list.mailbox = drive_guid_of("INBOX");
	msg.u.list.max = 2;
	msg.u.list.after_uid = 1;
	drive_give(&msg);
	drive_expect("MESSAGES 2\nMESSAGE 2 [] new marks=1\n"
	    "MESSAGE 3 [] new marks=1\nMESSAGES_END more\n");
	msg.u.list.max = 0;
	msg.u.list.after_uid = 0;
	msg.u.list.marks = &mark;
	msg.u.list.mark_count = 1;
	drive_give(&msg);
	drive_expect("MESSAGES 2\nMESSAGE 4 [] new marks=1\nMESSAGES_END\n");
	msg.u.list.mark_count = 0;
	msg.u.list.ranges = (struct uid_range[]){ { 4, 5 }, { 1, 1 } };
	msg.u.list.range_count = 2;
	msg.u.list.digests = true;
	drive_give(&msg);
	ck_assert_ptr_nonnull(drive_message(1)->digest);
	drive_expect("MESSAGES 2\nMESSAGE 1 [] new marks=1\n"
	    "MESSAGE 4 [] new marks=1\nMESSAGE 5 [] new marks=1\n"
	    "MESSAGES_END\n");
}
END_TEST

START_TEST(keywords_of_many_messages_are_all_read)
{
	const char *keywords[] = { "alpha", "beta" };
	char name[32];

	for (int round = 0; round < 2; round++) {
		/* An odd number of plain ones moves the others by one. */
		if (round == 1)
			drive_deliver("INBOX");
		for (int i = 0; i < 1100; i++)
			ck_assert_int_eq(memory_client_flags(fx.world,
			    "INBOX", drive_deliver("INBOX"), 0, keywords, 2),
			    0);
		drive_start(NULL);
		drive_list("INBOX", false);
		for (size_t i = 0; i < fx.messages.n; i++) {
			const struct mail_flags *mf =
			    &fx.messages.v[i].m.flags;

			snprintf(name, sizeof(name), "UID %u",
			    fx.messages.v[i].m.uid);
			if (fx.messages.v[i].m.uid == 1101)
				continue;
			ck_assert_msg(mf->keyword_count == 2, "%s", name);
			ck_assert_str_eq(mf->keywords[0].name, "alpha");
			ck_assert_str_eq(mf->keywords[1].name, "beta");
		}
	}
}
END_TEST

struct scan_arg {
	store_scan_fn *fn;
	void *arg;
};

/* Message 2 is not in the index yet. */
static int
on_untold(const struct mail_info *info, void *arg, struct err *err)
{
	const struct scan_arg *scan = arg;
	struct mail_info copy = *info;

	if (copy.uid == 2)
		copy.modseq = 0;
	return scan->fn(&copy, scan->arg, err);
}

static int
scan_untold(struct mailbox *box, store_scan_fn *fn, void *arg,
    struct err *err)
{
	struct scan_arg scan = { fn, arg };

	return store_driver_memory.scan(box, on_untold, &scan, err);
}

/* F6: the other store may have given it another one. */
START_TEST(a_modseq_that_is_known_later_than_others_is_news)
{
	struct store_driver driver = store_driver_memory;
	struct guid128 base;

	drive_deliver("INBOX");
	drive_deliver("INBOX");
	driver.scan = scan_untold;
	fx.args.driver = &driver;
	base = drive_quiet_run();
	fx.args.driver = NULL;
	drive_deliver("INBOX");
	drive_start(&base);
	drive_expect("VIEW base n=3 boxes=1\n"
	    "MAILBOX INBOX n=3 next=4\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 2 [] marks=1\nMESSAGE 3 [] new marks=1\n"
	    "MESSAGES_END\nVIEW_END\n");
}
END_TEST

/* A mail program renames a mailbox right behind our look at the tree. */
static unsigned int looks;

static int
list_and_rename(struct store *store, store_list_fn *fn, void *arg,
    struct err *err)
{
	int r = store_driver_memory.list(store, fn, arg, err);

	if (++looks == 1)
		ck_assert_int_eq(memory_client_rename(fx.world, "a", "b"), 0);
	return r;
}

START_TEST(a_mailbox_that_is_renamed_during_the_look_is_not_gone)
{
	struct store_driver driver = store_driver_memory;
	struct guid128 base;

	ck_assert_int_eq(memory_client_create(fx.world, "a"), 0);
	base = drive_quiet_run();
	drive_deliver("a");
	driver.list = list_and_rename;
	fx.args.driver = &driver;
	looks = 0;
	drive_start(&base);
	ck_assert_ptr_eq(strstr(fx.out.data, "MAILBOX_GONE"), NULL);
	ck_assert_ptr_ne(strstr(fx.out.data, "MAILBOX b n=1 next=2 tree"),
	    NULL);
	drive_commit();
	fx.args.driver = NULL;
}
END_TEST

/* It never keeps still: what is missing then may be there. */
static int
list_and_change(struct store *store, store_list_fn *fn, void *arg,
    struct err *err)
{
	char name[16];
	int r;

	if (++looks == 1)
		ck_assert_int_eq(memory_client_delete(fx.world, "a"), 0);
	r = store_driver_memory.list(store, fn, arg, err);
	snprintf(name, sizeof(name), "x%u", looks);
	ck_assert_int_eq(memory_client_create(fx.world, name), 0);
	return r;
}

START_TEST(nothing_is_called_gone_while_the_tree_changes)
{
	struct store_driver driver = store_driver_memory;
	struct guid128 base;

	ck_assert_int_eq(memory_client_create(fx.world, "a"), 0);
	base = drive_quiet_run();
	driver.list = list_and_change;
	fx.args.driver = &driver;
	looks = 0;
	drive_start(&base);
	ck_assert_ptr_eq(strstr(fx.out.data, "MAILBOX_GONE"), NULL);
	ck_assert_uint_lt(looks, 10);
	drive_commit();
	fx.args.driver = NULL;
	drive_start(&fx.last_run);
	ck_assert_ptr_ne(strstr(fx.out.data, "MAILBOX_GONE a"), NULL);
}
END_TEST

/* UIDs that somebody else gave anew, of more messages than one arena holds. */
START_TEST(many_messages_with_new_uids_stay_what_they_are)
{
	struct guid128 marks[1200];
	struct memory_mailbox *box;

	for (int round = 0; round < 2; round++) {
		for (int i = round; i < 1200; i++)
			drive_deliver("INBOX");
		drive_start(NULL);
		drive_list("INBOX", false);
		for (size_t i = 0; i < fx.messages.n; i++)
			marks[i] = fx.messages.v[i].m.marks[0];
		box = memory_mailbox_find(fx.world, "INBOX");
		ck_assert_int_eq(memory_client_uidvalidity(fx.world, "INBOX",
		    box->status.uidvalidity + 1), 0);
		for (size_t i = 0; i < box->mails.n; i++)
			box->mails.v[i]->uid += 5000;
		box->status.uidnext += 5000;
		drive_start(NULL);
		drive_list("INBOX", true);
		for (size_t i = 0; i < fx.messages.n; i++)
			ck_assert(guid_eq(&marks[i],
			    &fx.messages.v[i].m.marks[0]));
		drive_teardown();
		drive_setup();
	}
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "session view");

	tcase_add_checked_fixture(tcase, drive_setup, drive_teardown);
	tcase_add_test(tcase, a_first_view_shows_each_mailbox_with_a_digest);
	tcase_add_test(tcase, a_view_with_a_base_shows_only_what_changed);
	tcase_add_test(tcase, what_a_run_wrote_as_planned_is_no_news_after_it);
	tcase_add_test(tcase, another_run_sees_what_this_one_wrote);
	tcase_add_test(tcase,
	    a_new_message_is_held_if_the_base_had_it_elsewhere);
	tcase_add_test(tcase, what_was_pending_is_shown_as_changed);
	tcase_add_test(tcase, a_rename_is_known_by_the_guid);
	tcase_add_test(tcase, a_deleted_mailbox_leaves_tombstones_of_all_in_it);
	tcase_add_test(tcase,
	    a_mailbox_made_anew_under_its_name_is_another_one);
	tcase_add_test(tcase,
	    a_message_under_another_uid_stays_the_same_instance);
	tcase_add_test(tcase, a_list_comes_in_pages_and_by_mark);
	tcase_add_test(tcase, keywords_of_many_messages_are_all_read);
	tcase_add_test(tcase,
	    a_modseq_that_is_known_later_than_others_is_news);
	tcase_add_test(tcase,
	    a_mailbox_that_is_renamed_during_the_look_is_not_gone);
	tcase_add_test(tcase, nothing_is_called_gone_while_the_tree_changes);
	tcase_add_test(tcase,
	    many_messages_with_new_uids_stay_what_they_are);
	return unit_run(suite);
}
