/*
 * A process that ends between a change of the store and the log's entry of it:
 * the next session takes the change for what it was, with the stamp that it was
 * to have, and not for one that somebody made here later (P5, P11).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "chlog/chlog.h"
#include "tests/pair/drive.h"
#include "tests/support/unit.h"

#define EARLIER	(NOW - 5000)	/* when it was changed on the other side */
#define LATER	(NOW + 9000)	/* when it is looked at again */

int __real_chlog_commit(struct chlog *log, struct err *err);
int __wrap_chlog_commit(struct chlog *log, struct err *err);

static int commits_left = -1;	/* -1: any number */

int
__wrap_chlog_commit(struct chlog *log, struct err *err)
{
	if (commits_left == 0) {
		chlog_rollback(log);
		return err_set(err, ERR_TEMP, "the process is gone");
	}
	if (commits_left > 0)
		commits_left--;
	return __real_chlog_commit(log, err);
}

/* The log takes what is intended, and nothing else. */
static void
end_after_next_change(void)
{
	commits_left = 0;
}

/* A new session, later, which tells all. */
static void
look_again(void)
{
	ck_assert_int_eq(commits_left, 0);
	commits_left = -1;
	clock_set(LATER);
	drive_start(NULL);
}

static const struct mail_flags *
flags_of(uint32_t uid)
{
	drive_list("INBOX", false);
	return &drive_message(uid)->flags;
}

/* P5: with flags, each of which is a key (F1, F3). */
START_TEST(flags_keep_the_stamp_that_they_were_written_with)
{
	const struct mail_flags *mf;

	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	end_after_next_change();
	drive_set_flags("INBOX", drive_message(1), FLAG_FLAGGED, EARLIER);
	drive_flush();
	ck_assert_uint_eq(memory_mail_find(memory_mailbox_find(fx.world,
	    "INBOX"), 1)->flags, FLAG_FLAGGED);
	/* Somebody sets another one before the next look. */
	memory_client_flags(fx.world, "INBOX", 1, FLAG_FLAGGED | FLAG_SEEN,
	    NULL, 0);
	look_again();
	mf = flags_of(1);
	ck_assert_uint_eq(mf->flags, FLAG_FLAGGED | FLAG_SEEN);
	ck_assert_uint_eq(mf->stamps[1], EARLIER);
	ck_assert_uint_eq(mf->stamps[3], LATER);
}
END_TEST

/* P11: what was not written after all is forgotten by the next look. */
START_TEST(a_flag_that_somebody_sets_later_has_its_own_stamp)
{
	const char *const work = "work";

	drive_deliver("INBOX");
	drive_start(NULL);
	drive_list("INBOX", false);
	end_after_next_change();
	drive_set_flags("INBOX", drive_message(1), FLAG_FLAGGED, EARLIER);
	drive_flush();
	memory_client_flags(fx.world, "INBOX", 1, 0, NULL, 0);
	look_again();
	ck_assert_uint_eq(flags_of(1)->flags, 0);
	drive_commit();
	memory_client_flags(fx.world, "INBOX", 1, FLAG_FLAGGED, &work, 1);
	drive_start(NULL);
	ck_assert_uint_eq(flags_of(1)->stamps[1], LATER);
}
END_TEST

/* M4: nothing else tells two messages of one GUID apart. */
START_TEST(of_two_alike_each_goes_on_under_the_uid_that_it_was_given)
{
	struct guid128 first, second;

	drive_deliver("INBOX");
	ck_assert_int_eq(memory_client_copy(fx.world, "INBOX", 1, "INBOX",
	    true, NULL), 0);
	drive_start(NULL);
	drive_list("INBOX", false);
	first = drive_message(1)->marks[0];
	second = drive_message(2)->marks[0];
	end_after_next_change();
	drive_set_uid("INBOX", drive_message(2), 3);
	drive_set_uid("INBOX", drive_message(1), 4);
	drive_flush();
	look_again();
	drive_list("INBOX", false);
	ck_assert(guid_eq(&drive_message(3)->marks[0], &second));
	ck_assert(guid_eq(&drive_message(4)->marks[0], &first));
}
END_TEST

/* M10: the former UID of the one is the new UID of the other. */
START_TEST(of_two_alike_each_goes_on_when_uids_begin_anew)
{
	struct msg_op_mailbox op = { .create = false };
	struct guid128 first, second;

	drive_deliver("INBOX");
	ck_assert_int_eq(memory_client_copy(fx.world, "INBOX", 1, "INBOX",
	    true, NULL), 0);
	drive_start(NULL);
	drive_list("INBOX", false);
	first = drive_message(1)->marks[0];
	second = drive_message(2)->marks[0];
	op.box = fx.boxes.v[0];
	op.box.uidvalidity++;
	end_after_next_change();
	drive_op_mailbox(op);
	drive_set_uid("INBOX", drive_message(1), 2);
	drive_set_uid("INBOX", drive_message(2), 7);
	drive_flush();
	ck_assert_ptr_nonnull(memory_mail_find(memory_mailbox_find(fx.world,
	    "INBOX"), 7));
	look_again();
	drive_list("INBOX", false);
	ck_assert(guid_eq(&drive_message(2)->marks[0], &first));
	ck_assert(guid_eq(&drive_message(7)->marks[0], &second));
}
END_TEST

/* A run with a base, which saves all but notes none of it in the log. */
static void
begin_to_save(void)
{
	struct guid128 base = drive_quiet_run();

	drive_start(&base);
	end_after_next_change();
}

static void
ck_mark(uint32_t uid, uint8_t mark)
{
	const struct msg_message *m = drive_message(uid);

	ck_assert_uint_eq(m->mark_count, 1);
	ck_assert_uint_eq(m->marks[0].b[0], 0x77);
	ck_assert_uint_eq(m->marks[0].b[15], mark);
}

static void
save(const char *mailbox, uint32_t uid, uint8_t mark)
{
	struct msg_message m = drive_new_message(uid, "g1", mark);

	drive_save_body(mailbox, &m, BODY, false);
}

/* P5: what is expunged on the other side by now is this one (M3). */
START_TEST(a_new_message_keeps_the_mark_that_it_was_saved_with)
{
	begin_to_save();
	save("INBOX", 1, 5);
	drive_flush();
	look_again();
	drive_list("INBOX", false);
	ck_mark(1, 5);
	drive_commit();
	drive_start(NULL);
	drive_list("INBOX", false);
	ck_mark(1, 5);
}
END_TEST

/* P5: a store that lost the GUID names it by its text. */
START_TEST(a_new_message_without_its_guid_keeps_its_mark)
{
	struct memory_mail *mail;
	uint8_t digest[DIGEST_SIZE];

	begin_to_save();
	save("INBOX", 1, 5);
	drive_flush();
	mail = memory_mail_find(memory_mailbox_find(fx.world, "INBOX"), 1);
	digest_sha256(BODY, strlen(BODY), digest);
	free(mail->guid);
	mail->guid = malloc(GUID_HEX_SIZE);
	ck_assert_ptr_nonnull(mail->guid);
	hex_format(mail->guid, digest, GUID_SIZE);
	look_again();
	drive_list("INBOX", false);
	ck_mark(1, 5);
}
END_TEST

START_TEST(of_two_new_ones_alike_each_keeps_its_own_mark)
{
	begin_to_save();
	save("INBOX", 2, 9);
	save("INBOX", 7, 5);
	drive_flush();
	look_again();
	drive_list("INBOX", false);
	ck_mark(2, 9);
	ck_mark(7, 5);
}
END_TEST

/* Its UID was given away before it was saved. */
START_TEST(a_new_message_of_another_uid_keeps_its_mark)
{
	struct guid128 base = drive_quiet_run();

	drive_start(&base);
	ck_assert_uint_eq(drive_deliver("INBOX"), 1);
	end_after_next_change();
	save("INBOX", 1, 5);
	drive_flush();
	look_again();
	drive_list("INBOX", false);
	ck_mark(2, 5);
	ck_assert_uint_ne(drive_message(1)->marks[0].b[15], 5);
}
END_TEST

/* P1: nobody can tell that it is the one that was saved. */
START_TEST(a_message_that_somebody_adds_later_has_a_mark_of_its_own)
{
	(void)memory_client_create(fx.world, "work");
	begin_to_save();
	save("INBOX", 1, 5);
	drive_flush();
	ck_assert_int_eq(memory_client_move(fx.world, "INBOX", 1, "work", true,
	    NULL), 0);
	ck_assert_int_eq(memory_client_copy(fx.world, "work", 1, "INBOX", true,
	    NULL), 0);
	look_again();
	drive_list("INBOX", false);
	ck_assert_uint_ne(drive_message(2)->marks[0].b[0], 0x77);
	drive_list("work", false);
	ck_assert_uint_ne(drive_message(1)->marks[0].b[0], 0x77);
}
END_TEST

static void
set_attribute(const char *value)
{
	struct msg msg = { .kind = MSG_OP_ATTRIBUTE };
	struct msg_attribute *a = &msg.u.op_attribute.a;

	msg.u.op_attribute.op = ++fx.op;
	a->mailbox = drive_guid_of("INBOX");
	a->key = "/private/comment";
	a->value = (const uint8_t *)value;
	a->len = value != NULL ? strlen(value) : 0;
	a->stamp = EARLIER;
	ck_assert_int_eq(drive_give(&msg), 0);
}

static void
start_with_attributes(void)
{
	struct msg_hello h = drive_hello();

	h.features = FEATURE_ATTRIBUTES;
	drive_start_with(&h);
}

/* P5: with attributes (T15), set ... */
START_TEST(an_attribute_keeps_the_stamp_that_it_was_set_with)
{
	start_with_attributes();
	end_after_next_change();
	set_attribute("yes");
	drive_flush();
	commits_left = -1;
	clock_set(LATER);
	start_with_attributes();
	ck_assert_ptr_ne(strstr(fx.out.data, "ATTRIBUTE /private/comment yes "
	    "stamp=1699999995000\n"), NULL);
}
END_TEST

/* P5: ... and removed. */
START_TEST(an_attribute_keeps_the_stamp_that_it_was_removed_with)
{
	(void)memory_client_attribute(fx.world, "INBOX", "/private/comment",
	    "yes");
	start_with_attributes();
	end_after_next_change();
	set_attribute(NULL);
	drive_flush();
	commits_left = -1;
	clock_set(LATER);
	start_with_attributes();
	ck_assert_ptr_ne(strstr(fx.out.data, "ATTRIBUTE /private/comment  "
	    "stamp=1699999995000\n"), NULL);
}
END_TEST

/* P5: with subscriptions (T14). */
START_TEST(a_subscription_keeps_the_stamp_that_it_was_made_with)
{
	struct msg msg = { .kind = MSG_OP_SUBSCRIBE };

	drive_start(NULL);
	end_after_next_change();
	msg.u.op_subscribe.op = ++fx.op;
	msg.u.op_subscribe.sub.name = "INBOX";
	msg.u.op_subscribe.sub.on = true;
	msg.u.op_subscribe.sub.stamp = EARLIER;
	ck_assert_int_eq(drive_give(&msg), 0);
	drive_flush();
	look_again();
	ck_assert_ptr_ne(strstr(fx.out.data,
	    "SUBSCRIPTION INBOX on stamp=1699999995000\n"), NULL);
}
END_TEST

static struct msg_mailbox *
box_named(const char *name)
{
	for (size_t i = 0; i < fx.boxes.n; i++)
		if (strcmp(fx.boxes.v[i].name, name) == 0)
			return &fx.boxes.v[i];
	ck_abort_msg("no mailbox %s", name);
	return NULL;
}

/* P5: with names of mailboxes, both halves of them (T6, T7). */
START_TEST(a_mailbox_keeps_the_stamps_that_it_was_renamed_with)
{
	struct msg_op_mailbox op = { .create = false };

	(void)memory_client_create(fx.world, "work");
	drive_start(NULL);
	op.box = *box_named("work");
	op.box.name = "job";
	op.box.last_stamp = EARLIER;
	end_after_next_change();
	{
		struct msg msg = { .kind = MSG_OP_MAILBOX,
		    .u.op_mailbox = op };

		msg.u.op_mailbox.op = ++fx.op;
		(void)drive_give(&msg);
	}
	look_again();
	ck_assert_uint_eq(box_named("job")->last_stamp, EARLIER);
	ck_assert_uint_eq(box_named("job")->parent_stamp,
	    op.box.parent_stamp);
}
END_TEST

/* P5: ... and that it was made with (T2). */
START_TEST(a_mailbox_keeps_the_stamps_that_it_was_made_with)
{
	struct msg_op_mailbox op = { .create = true };

	drive_start(NULL);
	op.box.guid.b[0] = 0x42;
	op.box.name = "work";
	op.box.selectable = true;
	op.box.uidvalidity = 7;
	op.box.uidnext = 1;
	op.box.exist_stamp = EARLIER;
	op.box.parent_stamp = EARLIER + 1;
	op.box.last_stamp = EARLIER + 2;
	end_after_next_change();
	drive_op_mailbox(op);
	drive_flush();
	look_again();
	ck_assert_uint_eq(box_named("work")->exist_stamp, EARLIER);
	ck_assert_uint_eq(box_named("work")->parent_stamp, EARLIER + 1);
	ck_assert_uint_eq(box_named("work")->last_stamp, EARLIER + 2);
}
END_TEST

/* P5: ... mere directories too (T16). */
START_TEST(a_directory_keeps_the_stamps_that_it_was_made_with)
{
	struct msg_op_mailbox op = { .create = true };

	/* Who has seen it there knows its GUID. */
	(void)memory_client_create_dir(fx.world, "dir");
	drive_start(NULL);
	op.box.guid = box_named("dir")->guid;
	drive_teardown();
	drive_setup();
	drive_start(NULL);
	op.box.name = "dir";
	op.box.exist_stamp = EARLIER;
	op.box.parent_stamp = EARLIER + 1;
	op.box.last_stamp = EARLIER + 2;
	end_after_next_change();
	{
		struct msg msg = { .kind = MSG_OP_MAILBOX,
		    .u.op_mailbox = op };

		msg.u.op_mailbox.op = ++fx.op;
		(void)drive_give(&msg);
	}
	look_again();
	ck_assert_uint_eq(box_named("dir")->exist_stamp, EARLIER);
	ck_assert_uint_eq(box_named("dir")->last_stamp, EARLIER + 2);
}
END_TEST

static void
remove_box(const struct guid128 *guid)
{
	struct msg msg = { .kind = MSG_OP_MAILBOX_DELETE };

	msg.u.op_mailbox_delete.op = ++fx.op;
	msg.u.op_mailbox_delete.guid = *guid;
	msg.u.op_mailbox_delete.stamp = EARLIER;
	(void)drive_give(&msg);
}

/* P5: with the end of mailboxes (T3). */
START_TEST(a_mailbox_ends_with_the_stamp_that_it_was_removed_with)
{
	struct guid128 base, guid;

	(void)memory_client_create(fx.world, "work");
	base = drive_quiet_run();
	drive_start(&base);
	guid = drive_guid_of("work");
	end_after_next_change();
	remove_box(&guid);
	ck_assert_ptr_null(memory_mailbox_find(fx.world, "work"));
	commits_left = -1;
	clock_set(LATER);
	drive_start(&base);
	ck_assert_uint_eq(fx.gone_stamp, EARLIER);
}
END_TEST

/* P11: what the store refused to remove is removed later by somebody else. */
START_TEST(a_mailbox_that_could_not_be_removed_ends_when_it_does)
{
	struct guid128 base, guid;

	(void)memory_client_create(fx.world, "work");
	base = drive_quiet_run();
	drive_start(&base);
	guid = drive_guid_of("work");
	drive_deliver("work");
	remove_box(&guid);
	ck_assert_ptr_nonnull(memory_mailbox_find(fx.world, "work"));
	ck_assert_int_eq(memory_client_delete(fx.world, "work"), 0);
	clock_set(LATER);
	drive_start(&base);
	ck_assert_uint_eq(fx.gone_stamp, LATER);
}
END_TEST

/* T10: it is the one that it was, and so are its messages. */
START_TEST(a_mailbox_that_was_given_a_guid_goes_on)
{
	struct msg_op_mailbox op = { .create = false };
	struct msg msg = { .kind = MSG_OP_MAILBOX };
	struct guid128 base, mark, guid;

	(void)memory_client_create(fx.world, "work");
	drive_deliver("work");
	base = drive_quiet_run();
	drive_start(&base);
	drive_list("work", false);
	mark = drive_message(1)->marks[0];
	guid = drive_guid_of("work");
	op.box.guid = op.new_guid = guid;
	op.new_guid.b[0] = 0xff;
	op.box.name = "work";
	op.box.selectable = true;
	end_after_next_change();
	msg.u.op_mailbox = op;
	msg.u.op_mailbox.op = ++fx.op;
	(void)drive_give(&msg);
	commits_left = -1;
	clock_set(LATER);
	drive_start(&base);
	ck_assert(guid_eq(&box_named("work")->guid, &op.new_guid));
	ck_assert_ptr_null(strstr(fx.out.data, "MAILBOX_GONE"));
	drive_list("work", false);
	ck_assert(guid_eq(&drive_message(1)->marks[0], &mark));
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "session intent");

	tcase_add_checked_fixture(tcase, drive_setup, drive_teardown);
	tcase_add_test(tcase, flags_keep_the_stamp_that_they_were_written_with);
	tcase_add_test(tcase, a_flag_that_somebody_sets_later_has_its_own_stamp);
	tcase_add_test(tcase,
	    of_two_alike_each_goes_on_under_the_uid_that_it_was_given);
	tcase_add_test(tcase, of_two_alike_each_goes_on_when_uids_begin_anew);
	tcase_add_test(tcase,
	    a_new_message_keeps_the_mark_that_it_was_saved_with);
	tcase_add_test(tcase, a_new_message_without_its_guid_keeps_its_mark);
	tcase_add_test(tcase, of_two_new_ones_alike_each_keeps_its_own_mark);
	tcase_add_test(tcase, a_new_message_of_another_uid_keeps_its_mark);
	tcase_add_test(tcase,
	    a_message_that_somebody_adds_later_has_a_mark_of_its_own);
	tcase_add_test(tcase, an_attribute_keeps_the_stamp_that_it_was_set_with);
	tcase_add_test(tcase,
	    an_attribute_keeps_the_stamp_that_it_was_removed_with);
	tcase_add_test(tcase,
	    a_subscription_keeps_the_stamp_that_it_was_made_with);
	tcase_add_test(tcase,
	    a_mailbox_keeps_the_stamps_that_it_was_renamed_with);
	tcase_add_test(tcase, a_mailbox_keeps_the_stamps_that_it_was_made_with);
	tcase_add_test(tcase,
	    a_directory_keeps_the_stamps_that_it_was_made_with);
	tcase_add_test(tcase,
	    a_mailbox_ends_with_the_stamp_that_it_was_removed_with);
	tcase_add_test(tcase,
	    a_mailbox_that_could_not_be_removed_ends_when_it_does);
	tcase_add_test(tcase, a_mailbox_that_was_given_a_guid_goes_on);
	return unit_run(suite);
}
