/* What a session lets a peer do, and what traces a run leaves. */
#include "config.h"

#include <sys/stat.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/pair/drive.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

START_TEST(an_access_level_is_kept_to)
{
	struct msg_message m = drive_new_message(2, "g2", 1);
	struct msg msg = { .kind = MSG_OP_SUBSCRIBE };

	drive_deliver("INBOX");
	fx.args.access = ACCESS_APPEND;
	drive_start(NULL);
	drive_list("INBOX", false);
	drive_set_flags("INBOX", drive_message(1), FLAG_SEEN, NOW);
	drive_expunge("INBOX", drive_message(1));
	drive_set_uid("INBOX", drive_message(1), 9);
	drive_clear();
	drive_save_body("INBOX", &m, BODY, false);
	msg.u.op_subscribe.op = ++fx.op;
	msg.u.op_subscribe.sub.name = "INBOX";
	msg.u.op_subscribe.sub.on = false;
	drive_give(&msg);
	drive_flush();
	drive_expect("RESULT 5 4 uid=0\nDONE 6\n");
	ck_assert_uint_eq(memory_mailbox_find(fx.world, "INBOX")->mails.n, 2);
	ck_assert_uint_eq(memory_mail_find(memory_mailbox_find(fx.world,
	    "INBOX"), 1)->flags, 0);
	drive_commit();
	drive_expect("COMMITTED 2\n");
	fx.args.access = ACCESS_READ;
	drive_start(NULL);
	m = drive_new_message(3, "g3", 3);
	drive_clear();
	drive_save_body("INBOX", &m, BODY, false);
	drive_flush();
	drive_expect("RESULT 1 4 uid=0\nDONE 2\n");
}
END_TEST

/* By rule E5. */
START_TEST(a_restored_copy_begins_a_new_log_without_tombstones)
{
	struct memory_world *old;
	struct guid128 base, id;

	drive_deliver("INBOX");
	old = memory_world_copy(fx.world);
	drive_deliver("INBOX");
	base = drive_quiet_run();
	id = fx.store;
	memory_world_restore(fx.world, old);
	memory_world_free(&old);
	drive_start(&base);
	ck_assert(!guid_eq(&fx.store, &id));
	drive_expect("VIEW none n=1 boxes=1\n"
	    "MAILBOX INBOX n=1 next=2 new tree uidvalidity digest\n"
	    "TREE_END\nVIEW_END\n");
}
END_TEST

/* A peer that does not know of other users hears nothing of them. */
START_TEST(features_are_those_that_both_sides_have)
{
	struct msg_hello h = drive_hello();

	for (unsigned int i = 0; i < 4; i++) {
		h.features = (i & 1) != 0 ? FEATURE_NEXT_USER : 0;
		fx.args.features = (i & 2) != 0 ? FEATURE_NEXT_USER : 0;
		drive_start_with(&h);
		ck_assert_uint_eq(fx.features,
		    i == 3 ? FEATURE_NEXT_USER : 0);
		drive_clear();
		drive_commit();
	}
}
END_TEST

/* E7: not even in the log. */
START_TEST(a_dry_run_leaves_no_trace)
{
	struct msg_message m = drive_new_message(2, "g2", 1);
	struct msg_hello h = drive_hello();
	struct strbuf before, after;
	char path[64];

	strbuf_init(&before, 1 << 16);
	strbuf_init(&after, 1 << 16);
	drive_deliver("INBOX");
	memory_world_format(fx.world, &before);
	h.dry_run = true;
	drive_start_with(&h);
	drive_expect("VIEW none n=1 boxes=1\n"
	    "MAILBOX INBOX n=1 next=2 new tree uidvalidity digest\n"
	    "TREE_END\nVIEW_END\n");
	drive_save_body("INBOX", &m, BODY, false);
	drive_flush();
	drive_expect("RESULT 1 4 uid=0\nDONE 2\n");
	drive_commit();
	memory_world_format(fx.world, &after);
	ck_assert_str_eq(before.data, after.data);
	snprintf(path, sizeof(path), "%s", fx.args.state_dir);
	ck_assert_int_eq(rmdir(path), 0);
	strbuf_deinit(&before);
	strbuf_deinit(&after);
	fx.args.state_dir = tempdir_make();
}
END_TEST

/* B1: whatever is missing there. */
START_TEST(the_source_of_a_backup_is_never_written)
{
	struct msg_hello h = drive_hello();
	struct strbuf before, after;

	strbuf_init(&before, 1 << 16);
	strbuf_init(&after, 1 << 16);
	memory_client_create_plain(fx.world, "Plain");
	memory_client_deliver(fx.world, "Plain", BODY, strlen(BODY));
	memory_client_deliver(fx.world, "Plain", BODY, strlen(BODY));
	memory_world_format(fx.world, &before);
	h.role = ROLE_SOURCE;
	drive_start_with(&h);
	ck_assert_uint_eq(fx.boxes.n, 2);
	drive_clear();
	drive_commit();
	h = drive_hello();
	h.role = ROLE_SOURCE;
	h.position_count = 1;
	h.positions = &(struct msg_position){ .run = fx.last_run };
	drive_start_with(&h);
	/* UIDs and GUID that only the log gave are still the same. */
	drive_expect("VIEW base n=2 boxes=2\nTREE_END\nVIEW_END\n");
	memory_world_format(fx.world, &after);
	ck_assert_str_eq(before.data, after.data);
	strbuf_deinit(&before);
	strbuf_deinit(&after);
}
END_TEST

/* Names, sizes and times of all that is below the folder. */
static void
tree_text(const char *dir, struct strbuf *out)
{
	char command[512], line[512];
	FILE *pipe;

	snprintf(command, sizeof(command), "cd '%s' && find . -printf "
	    "'%%p %%y %%s %%T@ %%i\\n' | LC_ALL=C sort", dir);
	pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	while (fgets(line, sizeof(line), pipe) != NULL)
		strbuf_adds(out, line);
	ck_assert_int_eq(pclose(pipe), 0);
}

START_TEST(a_plain_maildir_is_read_without_a_trace)
{
	struct msg_hello h = drive_hello();
	struct strbuf before, after;
	struct mail_location loc;
	char root[256], spec[300];

	strbuf_init(&before, 1 << 16);
	strbuf_init(&after, 1 << 16);
	snprintf(root, sizeof(root), "%s", tempdir_path("mail"));
	ck_assert_int_eq(mkdir(root, 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("mail/cur"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("mail/new"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("mail/tmp"), 0700), 0);
	tempdir_write("mail/cur/1000000001.M1P1.host:2,S", BODY);
	tempdir_write("mail/new/1000000002.M1P1.host", BODY);
	snprintf(spec, sizeof(spec), "maildir:%s", root);
	ck_assert_int_eq(mail_location_parse(&loc, spec, NULL, "/", &fx.err),
	    0);
	fx.args.location = &loc;
	tree_text(root, &before);
	h.role = ROLE_SOURCE;
	drive_start_with(&h);
	ck_assert_str_eq(fx.boxes.v[0].name, "INBOX");
	ck_assert_uint_eq(fx.boxes.v[0].messages, 2);
	ck_assert_uint_ne(fx.boxes.v[0].uidvalidity, 0);
	drive_clear();
	drive_commit();
	h = drive_hello();
	h.role = ROLE_SOURCE;
	h.position_count = 1;
	h.positions = &(struct msg_position){ .run = fx.last_run };
	drive_start_with(&h);
	drive_expect("VIEW base n=2 boxes=1\nTREE_END\nVIEW_END\n");
	session_free(&fx.session);
	tree_text(root, &after);
	ck_assert_str_eq(before.data, after.data);
	mail_location_deinit(&loc);
	strbuf_deinit(&before);
	strbuf_deinit(&after);
}
END_TEST

/* By rule P7. */
START_TEST(a_tidied_session_goes_on)
{
	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	ck_assert(!session_is_untidy(fx.session));
	drive_set_flags("INBOX", drive_message(1), FLAG_SEEN, NOW);
	drive_flush();
	drive_ask_commit();
	ck_assert(session_is_untidy(fx.session));
	session_tidy(fx.session);
	ck_assert(!session_is_untidy(fx.session));
	drive_set_flags("INBOX", drive_message(1), FLAG_FLAGGED, NOW + 1);
	drive_clear();
	drive_flush();
	drive_expect("DONE 4\n");
	ck_assert_uint_eq(memory_mail_find(memory_mailbox_find(fx.world,
	    "INBOX"), 1)->flags, FLAG_FLAGGED);
	drive_ask_commit();
	ck_assert(session_is_untidy(fx.session));
	drive_commit();
}
END_TEST

START_TEST(what_comes_before_a_session_is_tidied_is_done)
{
	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	drive_ask_commit();
	drive_set_flags("INBOX", drive_message(1), FLAG_SEEN, NOW);
	if (session_is_untidy(fx.session))
		session_tidy(fx.session);
	drive_clear();
	drive_flush();
	drive_expect("DONE 2\n");
	ck_assert_uint_eq(memory_mail_find(memory_mailbox_find(fx.world,
	    "INBOX"), 1)->flags, FLAG_SEEN);
	ck_assert(session_is_untidy(fx.session));
	drive_commit();
}
END_TEST

START_TEST(a_filter_hides_and_calls_nothing_gone)
{
	struct msg_hello h = drive_hello();
	const char *names[] = { "Work" };
	struct guid128 base;

	memory_client_create(fx.world, "Work");
	memory_client_create(fx.world, "Private");
	base = drive_quiet_run();
	memory_client_delete(fx.world, "Private");
	drive_deliver("Work");
	h.names = names;
	h.name_count = 1;
	h.scope.b[0] = 1;
	h.positions = &(struct msg_position){ .run = base };
	h.position_count = 1;
	drive_start_with(&h);
	drive_expect("VIEW base n=1 boxes=3\n"
	    "MAILBOX Work n=1 next=2\nTREE_END\n"
	    "MESSAGES 0\nMESSAGE 1 [] new marks=1\nMESSAGES_END\nVIEW_END\n");
	session_free(&fx.session);
	drive_start(&base);
	ck_assert(strstr(fx.out.data, "MAILBOX_GONE Private") != NULL);
}
END_TEST

START_TEST(a_message_in_the_wrong_state_ends_the_session)
{
	struct msg msg = { .kind = MSG_COMMIT };

	drive_begin();
	ck_assert_int_eq(drive_give(&msg), -1);
	ck_assert_int_eq(fx.err.code, ERR_PROTO);
	drive_expect("ERROR proto\n");
	drive_start(NULL);
	drive_clear();
	msg.kind = MSG_BODY_END;
	ck_assert_int_eq(drive_give(&msg), -1);
	drive_expect("ERROR proto\n");
}
END_TEST

START_TEST(a_peer_that_may_only_add_takes_no_mailbox_over)
{
	struct msg_op_mailbox op = { .create = true };
	struct msg_message m = drive_new_message(4000000000, "g9", 9);
	struct guid128 inbox;

	drive_deliver("INBOX");
	fx.args.access = ACCESS_APPEND;
	drive_start(NULL);
	inbox = drive_guid_of("INBOX");
	drive_clear();
	/* Another mailbox that says it is INBOX. */
	op.box.guid = inbox;
	op.box.guid.b[0] = 0xff;
	op.box.name = "New";
	op.box.selectable = true;
	op.box.uidvalidity = 99;
	op.box.uidnext = 1;
	op.box.aliases = &inbox;
	op.box.alias_count = 1;
	drive_op_mailbox(op);
	/* Stamps that win over all others, UIDs that use all up. */
	op.box.guid = inbox;
	op.box.name = "INBOX";
	op.box.uidvalidity = 0;
	op.box.alias_count = 0;
	op.box.exist_stamp = STAMP_MAX;
	drive_op_mailbox(op);
	op.box.exist_stamp = 0;
	op.box.uidnext = 4000000000;
	drive_op_mailbox(op);
	drive_save_body("INBOX", &m, BODY, false);
	drive_flush();
	drive_expect("RESULT 2 4 uid=0\nRESULT 3 4 uid=0\nRESULT 4 4 uid=0\n"
	    "DONE 5\n");
	drive_commit();
	fx.args.access = ACCESS_READ_WRITE;
	drive_start(NULL);
	for (size_t i = 0; i < fx.boxes.n; i++) {
		ck_assert_uint_eq(fx.boxes.v[i].alias_count, 0);
		ck_assert_uint_lt(fx.boxes.v[i].uidnext, 10);
	}
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "session");

	tcase_add_checked_fixture(tcase, drive_setup, drive_teardown);
	tcase_add_test(tcase, an_access_level_is_kept_to);
	tcase_add_test(tcase,
	    a_restored_copy_begins_a_new_log_without_tombstones);
	tcase_add_test(tcase, features_are_those_that_both_sides_have);
	tcase_add_test(tcase, a_dry_run_leaves_no_trace);
	tcase_add_test(tcase, the_source_of_a_backup_is_never_written);
	tcase_add_test(tcase, a_plain_maildir_is_read_without_a_trace);
	tcase_add_test(tcase, a_tidied_session_goes_on);
	tcase_add_test(tcase,
	    what_comes_before_a_session_is_tidied_is_done);
	tcase_add_test(tcase, a_filter_hides_and_calls_nothing_gone);
	tcase_add_test(tcase, a_message_in_the_wrong_state_ends_the_session);
	tcase_add_test(tcase,
	    a_peer_that_may_only_add_takes_no_mailbox_over);
	return unit_run(suite);
}
