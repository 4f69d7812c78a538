/*
 * What a change log keeps, and how it is found.
 */
#include "config.h"

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/logfix.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

START_TEST(a_log_keeps_what_was_committed_and_nothing_else)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct guid128 id = *chlog_store_id(log);
	struct chlog_mailbox box, found;
	uint64_t head;

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	box = logfix_add_mailbox(log, "INBOX");
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	head = chlog_head(log);
	ck_assert_uint_gt(head, 0);
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	logfix_add_mailbox(log, "Work");
	chlog_close(&log);
	log = logfix_open();
	ck_assert(guid_eq(&id, chlog_store_id(log)));
	ck_assert_uint_eq(chlog_head(log), head);
	ck_assert_int_eq(chlog_mailbox_find(log, &box.guid, lf.arena, &found,
	    &err), 1);
	ck_assert_str_eq(found.name, "INBOX");
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_uint_eq(chlog_next_seq(log), head + 1);
	chlog_close(&log);
}
END_TEST

START_TEST(changes_are_told_apart_by_seq_and_run)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct guid128 run = guid_random();
	struct chlog_since since = { 0 };
	struct chlog_mailbox box;
	struct chlog_mail list[8];
	int64_t id;

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_int_eq(chlog_run_get(log, &run, &id, &err), 0);
	box = logfix_add_mailbox(log, "INBOX");
	logfix_add_mail(log, box.id, 1, 1, RUN_NOBODY);
	since.seq = chlog_head(log);
	since.run = id;
	logfix_add_mail(log, box.id, 2, 2, id);
	ck_assert_int_eq(chlog_mails_changed(log, box.id, &since, &err), 0);
	logfix_add_mail(log, box.id, 3, 3, RUN_NOBODY);
	logfix_add_mail(log, box.id, 4, 4, -id);
	ck_assert_int_eq(chlog_mails_changed(log, box.id, &since, &err), 1);
	ck_assert_int_eq(chlog_mails(log, box.id, 0, UINT32_MAX, &since,
	    lf.arena, list, 8, &err), 2);
	ck_assert_uint_eq(list[0].m.uid, 3);
	ck_assert_uint_eq(list[1].m.uid, 4);
	ck_assert_int_eq(chlog_mails(log, box.id, 1, 2, NULL, lf.arena, list, 8,
	    &err), 1);
	ck_assert_uint_eq(list[0].m.mark_count, 2);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	ck_assert_int_eq(chlog_mailbox_find(log, &box.guid, lf.arena, &box,
	    &err), 1);
	ck_assert_uint_eq(box.messages, 4);
	chlog_close(&log);
}
END_TEST

START_TEST(a_message_is_found_by_each_of_its_marks)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct guid128 second = { { 5, 1 } };
	struct chlog_mailbox box;
	struct chlog_mail mail;

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	box = logfix_add_mailbox(log, "INBOX");
	logfix_add_mail(log, box.id, 1, 5, RUN_NOBODY);
	ck_assert_int_eq(chlog_mail_find_mark(log, box.id, &second, lf.arena,
	    &mail, &err), 1);
	ck_assert_int_eq(chlog_mail_move(log, &mail, 9, &err), 0);
	ck_assert_int_eq(chlog_mail_find_mark(log, box.id, &second, lf.arena,
	    &mail, &err), 1);
	ck_assert_uint_eq(mail.m.uid, 9);
	ck_assert_int_eq(chlog_mail_delete(log, &mail, &err), 0);
	ck_assert_int_eq(chlog_mail_find_mark(log, box.id, &second, lf.arena,
	    &mail, &err), 0);
	chlog_close(&log);
}
END_TEST

START_TEST(a_changed_message_is_found_by_what_it_is_now)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct guid128 old = { { 5 } }, first = { { 6 } };
	uint8_t digest[DIGEST_SIZE] = { 1 };
	struct chlog_mailbox box;
	struct chlog_mail mail, list[2];

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	box = logfix_add_mailbox(log, "INBOX");
	logfix_add_mail(log, box.id, 1, 5, RUN_NOBODY);
	ck_assert_int_eq(chlog_mail_find(log, box.id, 1, lf.arena, &mail, &err),
	    1);
	mail.m.flags.flags = FLAG_SEEN;
	ck_assert_int_eq(chlog_mail_update(log, &mail, &err), 0);
	ck_assert_int_eq(chlog_mail_find_mark(log, box.id, &old, lf.arena,
	    &mail, &err), 1);
	ck_assert_uint_eq(mail.m.flags.flags, FLAG_SEEN);
	ck_assert_uint_eq(mail.m.mark_count, 2);
	/* One after the other, each with flags of its own. */
	mail.m.digest = digest;
	mail.m.flags.flags = FLAG_DRAFT;
	ck_assert_int_eq(chlog_mail_update(log, &mail, &err), 0);
	ck_assert_int_eq(chlog_mails_same(log, "", digest, lf.arena, list, 2,
	    &err), 1);
	ck_assert_uint_eq(list[0].m.flags.flags, FLAG_DRAFT);
	mail.m.guid = "other";
	mail.m.flags.flags = FLAG_DELETED;
	ck_assert_int_eq(chlog_mail_update(log, &mail, &err), 0);
	ck_assert_int_eq(chlog_has_guid(log, "g1", &err), 0);
	ck_assert_int_eq(chlog_mails_same(log, "other", NULL, lf.arena, list, 2,
	    &err), 1);
	ck_assert_uint_eq(list[0].m.flags.flags, FLAG_DELETED);
	mail.m.marks = &first;
	mail.m.mark_count = 1;
	mail.m.flags.flags = FLAG_FLAGGED;
	ck_assert_int_eq(chlog_mail_update(log, &mail, &err), 0);
	ck_assert_int_eq(chlog_mail_find_mark(log, box.id, &old, lf.arena,
	    &mail, &err), 0);
	ck_assert_int_eq(chlog_mail_find_mark(log, box.id, &first, lf.arena,
	    &mail, &err), 1);
	ck_assert_uint_eq(mail.m.flags.flags, FLAG_FLAGGED);
	chlog_close(&log);
}
END_TEST

START_TEST(a_state_is_read_and_changed_by_itself)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct keyword keyword = { "Work", 12, true };
	struct chlog_since since;
	struct chlog_mailbox box, other;
	struct chlog_state list[4];
	struct chlog_mail mail;

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	box = logfix_add_mailbox(log, "INBOX");
	other = logfix_add_mailbox(log, "other");
	for (uint32_t uid = 1; uid <= 3; uid++)
		logfix_add_mail(log, box.id, uid, (uint8_t)uid, 5);
	logfix_add_mail(log, other.id, 3, 3, 5);
	since = (struct chlog_since){ chlog_head(log), 5 };
	ck_assert_int_eq(chlog_states(log, box.id, 1, lf.arena, list, 4, &err),
	    2);
	ck_assert_uint_eq(list[0].uid, 2);
	ck_assert_str_eq(list[1].guid, "g3");
	list[1].flags.flags = FLAG_SEEN;
	list[1].flags.stamps[3] = NOW;
	list[1].flags.keywords = &keyword;
	list[1].flags.keyword_count = 1;
	list[1].modseq = 77;
	ck_assert_int_eq(chlog_mail_set_state(log, box.id, &list[1],
	    chlog_next_seq(log), &err), 0);
	ck_assert_int_eq(chlog_states(log, box.id, 2, lf.arena, &list[2], 2,
	    &err), 1);
	ck_assert(mail_flags_identical(&list[1].flags, &list[2].flags));
	ck_assert_uint_eq(list[2].modseq, 77);
	ck_assert_int_eq(chlog_mails(log, box.id, 0, UINT32_MAX, &since,
	    lf.arena, &mail, 1, &err), 1);
	ck_assert_uint_eq(mail.m.uid, 3);
	ck_assert_int_eq(mail.run, RUN_NOBODY);
	ck_assert_uint_eq(mail.m.mark_count, 2);
	ck_assert_int_eq(chlog_mails_changed(log, other.id, &since, &err), 0);
	chlog_close(&log);
}
END_TEST

static off_t
wal_size(void)
{
	struct stat st;

	ck_assert_int_eq(stat(tempdir_path(CHLOG_FILE "-wal"), &st), 0);
	return st.st_size;
}

/* The record, its seq, its mailbox, the counter; nothing that finds it. */
START_TEST(flags_that_change_are_written_to_four_pages)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct chlog_mailbox box;
	struct chlog_mail mail;
	off_t before;

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	box = logfix_add_mailbox(log, "INBOX");
	logfix_add_mail(log, box.id, 1, 5, RUN_NOBODY);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	before = wal_size();
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_int_eq(chlog_mail_find(log, box.id, 1, lf.arena, &mail, &err),
	    1);
	mail.m.flags.flags = FLAG_SEEN;
	mail.seq = chlog_next_seq(log);
	ck_assert_int_eq(chlog_mail_update(log, &mail, &err), 0);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	ck_assert_int_le(wal_size() - before, 4 * (4096 + 24));
	chlog_close(&log);
}
END_TEST

START_TEST(of_two_messages_with_a_mark_the_lower_uid_is_found)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct guid128 marks[2] = { { { 1 } }, { { 7 } } };
	struct chlog_mailbox box, other;
	struct chlog_mail mail;

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	box = logfix_add_mailbox(log, "INBOX");
	other = logfix_add_mailbox(log, "other");
	logfix_add_mail(log, box.id, 3, 3, RUN_NOBODY);
	logfix_add_mail(log, box.id, 5, 5, RUN_NOBODY);
	logfix_add_mail(log, other.id, 2, 2, RUN_NOBODY);
	/* The first mark of UID 3, the second one of UID 5. */
	for (uint32_t uid = 3; uid <= 5; uid += 2) {
		ck_assert_int_eq(chlog_mail_find(log, box.id, uid, lf.arena,
		    &mail, &err), 1);
		mail.m.marks = uid == 3 ? &marks[1] : marks;
		mail.m.mark_count = uid == 3 ? 1 : 2;
		ck_assert_int_eq(chlog_mail_update(log, &mail, &err), 0);
	}
	ck_assert_int_eq(chlog_mail_find_mark(log, box.id, &marks[1], lf.arena,
	    &mail, &err), 1);
	ck_assert_uint_eq(mail.m.uid, 3);
	ck_assert_int_eq(chlog_mail_find_twin(log, box.id, &marks[1], 5,
	    lf.arena, &mail, &err), 0);
	ck_assert_int_eq(chlog_mail_find_twin(log, box.id, &marks[1], 4,
	    lf.arena, &mail, &err), 1);
	ck_assert_uint_eq(mail.m.uid, 5);
	ck_assert_int_eq(chlog_mail_find_twin(log, box.id, &marks[1], 0,
	    lf.arena, &mail, &err), 1);
	ck_assert_uint_eq(mail.m.uid, 3);
	ck_assert_int_eq(chlog_mail_move(log, &mail, 9, &err), 0);
	ck_assert_int_eq(chlog_mail_find_mark(log, box.id, &marks[1], lf.arena,
	    &mail, &err), 1);
	ck_assert_uint_eq(mail.m.uid, 5);
	ck_assert_int_eq(chlog_mail_find_mark(log, other.id, &marks[1],
	    lf.arena, &mail, &err), 0);
	chlog_close(&log);
}
END_TEST

START_TEST(flags_and_keywords_come_back_with_their_stamps)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct keyword keywords[] = { { "Work", 12, true },
	    { "x+y=-1", 0, false } };
	struct guid128 mark = { { 1 } };
	struct chlog_mail mail = { 0 }, found;

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	mail.mailbox = logfix_add_mailbox(log, "INBOX").id;
	mail.m.uid = 1;
	mail.m.guid = "g";
	mail.m.marks = &mark;
	mail.m.mark_count = 1;
	mail.m.flags.flags = FLAG_SEEN | FLAG_DRAFT;
	mail.m.flags.stamps[2] = STAMP_MAX;
	mail.m.flags.keywords = keywords;
	mail.m.flags.keyword_count = 2;
	mail.m.received = -5;
	mail.m.pop3_uidl = "u";
	ck_assert_int_eq(chlog_mail_insert(log, &mail, &err), 0);
	ck_assert_int_eq(chlog_mail_find(log, mail.mailbox, 1, lf.arena, &found,
	    &err), 1);
	ck_assert(mail_flags_identical(&mail.m.flags, &found.m.flags));
	ck_assert_int_eq(found.m.received, -5);
	ck_assert_str_eq(found.m.pop3_uidl, "u");
	chlog_close(&log);
}
END_TEST

START_TEST(the_last_two_positions_of_each_peer_and_scope_are_kept)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct chlog_position pos = { 0 }, list[8];
	struct chlog_pending entry = { .uid = 3, .text = "why" }, *pending;
	struct guid128 none = { { 0 } };

	pos.p.peer = guid_random();
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	for (uint8_t i = 1; i <= 4; i++) {
		pos.p.run.b[0] = i;
		pos.seq = i;
		ck_assert_int_eq(chlog_position_add(log, &pos, &entry, 1, NOW,
		    &err), 0);
	}
	/* The same run once more replaces what it said before. */
	ck_assert_int_eq(chlog_position_add(log, &pos, &entry, 1, NOW,
	    &err), 0);
	pos.p.scope.b[0] = 1;
	pos.p.run.b[0] = 5;
	ck_assert_int_eq(chlog_position_add(log, &pos, NULL, 0, NOW, &err),
	    0);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	ck_assert_int_eq(chlog_positions(log, &pos.p.peer, &none, list, 8,
	    &err), 2);
	ck_assert_uint_eq(list[0].p.run.b[0], 4);
	ck_assert_uint_eq(list[1].p.run.b[0], 3);
	ck_assert_int_eq(chlog_pending_list(log, list[0].id, lf.arena, &pending,
	    &err), 1);
	ck_assert_str_eq(pending[0].text, "why");
	ck_assert_int_eq(chlog_positions(log, &pos.p.peer, &pos.p.scope, list,
	    8, &err), 3);
	chlog_close(&log);
}
END_TEST

static void
add_tombstone(struct chlog *log, const struct guid128 *mailbox, uint8_t mark)
{
	struct err err = ERR_INIT;
	struct guid128 marks = { { mark } };
	struct chlog_tombstone tomb = { .mailbox = *mailbox, .time = NOW };

	tomb.g.uid = 1;
	tomb.g.guid = "g";
	tomb.g.marks = &marks;
	tomb.g.mark_count = 1;
	tomb.seq = chlog_next_seq(log);
	ck_assert_int_eq(chlog_tombstone_put(log, &tomb, &err), 0);
}

START_TEST(a_tombstone_stays_until_every_peer_is_past_it)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct guid128 box = { { 9 } }, mark = { { 1 } };
	struct chlog_position pos = { 0 };
	struct chlog_tombstone tomb;
	const uint64_t day = 86400 * 1000 + 1;

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	pos.p.peer.b[0] = 1;
	pos.p.run.b[0] = 1;
	pos.seq = chlog_head(log);
	ck_assert_int_eq(chlog_position_add(log, &pos, NULL, 0, NOW, &err),
	    0);
	add_tombstone(log, &box, 1);
	pos.seq = chlog_head(log);
	for (uint8_t i = 2; i <= 3; i++) {
		pos.p.run.b[0] = i;
		pos.p.peer.b[0] = 2;
		ck_assert_int_eq(chlog_position_add(log, &pos, NULL, 0,
		    NOW + i * day, &err), 0);
	}
	ck_assert_int_eq(chlog_tombstone_find_mark(log, &box, &mark, lf.arena,
	    &tomb, &err), 1);
	for (uint8_t i = 4; i <= 5; i++) {
		pos.p.run.b[0] = i;
		pos.p.peer.b[0] = 1;
		ck_assert_int_eq(chlog_position_add(log, &pos, NULL, 0,
		    NOW + i * day, &err), 0);
	}
	ck_assert_int_eq(chlog_tombstone_find_mark(log, &box, &mark, lf.arena,
	    &tomb, &err), 0);
	chlog_close(&log);
}
END_TEST

START_TEST(tombstones_of_one_uid_come_one_after_the_other)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct guid128 box = { { 9 } }, *boxes;
	struct chlog_since since = { .seq = 1 };
	struct chlog_tombstone list[4];

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	add_tombstone(log, &box, 1);
	add_tombstone(log, &box, 2);
	ck_assert_int_eq(chlog_tombstones(log, &box, 0, INT64_MAX, UINT32_MAX,
	    NULL, lf.arena, list, 1, &err), 1);
	ck_assert_int_eq(chlog_tombstones(log, &box, list[0].g.uid,
	    list[0].id, UINT32_MAX, NULL, lf.arena, list, 4, &err), 1);
	ck_assert_int_eq(list[0].g.marks[0].b[0], 2);
	ck_assert_int_eq(chlog_tombstones(log, &box, 0, INT64_MAX, UINT32_MAX,
	    &since, lf.arena, list, 4, &err), 1);
	ck_assert_int_eq(chlog_tombstone_mailboxes(log, &since, lf.arena,
	    &boxes, &err), 1);
	ck_assert(guid_eq(&boxes[0], &box));
	chlog_close(&log);
}
END_TEST

START_TEST(an_alias_of_an_alias_stands_for_the_last_one)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct guid128 a = { { 1 } }, b = { { 2 } }, c = { { 3 } }, list[4];

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_int_eq(chlog_alias_add(log, &a, &b, &err), 0);
	ck_assert_int_eq(chlog_alias_add(log, &b, &c, &err), 0);
	ck_assert_int_eq(chlog_aliases(log, &c, list, 4, &err), 2);
	ck_assert(guid_eq(&list[0], &a));
	ck_assert_int_eq(chlog_aliases(log, &b, list, 4, &err), 0);
	chlog_close(&log);
}
END_TEST

START_TEST(what_is_settled_needs_no_wal)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open(), *copy = NULL;
	const char *dir = tempdir_path("copy");
	char command[2048];

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	logfix_add_mailbox(log, "INBOX");
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	chlog_settle(log);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	snprintf(command, sizeof(command), "cp %s/" CHLOG_FILE " %s", lf.root,
	    dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(logfix_open_in(&copy, dir, true, &err), 0);
	ck_assert_uint_eq(chlog_head(copy), chlog_head(log));
	ck_assert_uint_gt(chlog_head(copy), 0);
	chlog_close(&copy);
	/* It goes on as before. */
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	logfix_add_mailbox(log, "b");
	chlog_settle(log);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	chlog_close(&log);
}
END_TEST

START_TEST(a_mark_in_a_transaction_can_be_gone_back_to)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct chlog_mailbox box;
	struct chlog_mail mail;

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	box = logfix_add_mailbox(log, "INBOX");
	logfix_add_mail(log, box.id, 1, 1, RUN_NOBODY);
	ck_assert_int_eq(chlog_mark_begin(log, &err), 0);
	logfix_add_mail(log, box.id, 2, 2, RUN_NOBODY);
	ck_assert_int_eq(chlog_mark_end(log, false, &err), 0);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	ck_assert_int_eq(chlog_mail_find(log, box.id, 1, lf.arena, &mail, &err),
	    1);
	ck_assert_int_eq(chlog_mail_find(log, box.id, 2, lf.arena, &mail, &err),
	    0);
	ck_assert_int_eq(chlog_mailbox_find(log, &box.guid, lf.arena, &box,
	    &err), 1);
	ck_assert_uint_eq(box.messages, 1);
	chlog_close(&log);
}
END_TEST

START_TEST(names_are_found_among_many_by_either_spelling)
{
	struct chlog_subscription sub = { .on = true };
	struct chlog_mailbox box = { .selectable = true };
	char name[32], there[32], found[32];
	struct guid128 guid = { { 1 } };
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();

	box.name = sub.name = name;
	box.store_name = sub.store_name = there;
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	for (unsigned int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "a.%u", i);
		snprintf(there, sizeof(there), "a_%u", i);
		box.id = 0;
		box.guid = guid_random();
		ck_assert_int_eq(chlog_mailbox_put(log, &box, &err), 0);
		ck_assert_int_eq(chlog_subscription_put(log, &sub, &err), 0);
	}
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	for (unsigned int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "a.%u", i);
		snprintf(there, sizeof(there), "a_%u", i);
		ck_assert_int_eq(chlog_spelling_find(log, name, found,
		    sizeof(found), &err), 1);
		ck_assert_str_eq(found, there);
		ck_assert_int_eq(chlog_spelling_taken(log, there, "a!",
		    &guid, &err), 1);
		ck_assert_int_eq(chlog_spelling_taken(log, there, name,
		    &guid, &err), 0);
		ck_assert_int_eq(chlog_subscription_shared(log, there, "a!",
		    &err), 1);
		ck_assert_int_eq(chlog_subscription_shared(log, there, name,
		    &err), 0);
	}
	ck_assert_int_eq(chlog_spelling_find(log, "a_1", found,
	    sizeof(found), &err), 0);
	chlog_close(&log);
}
END_TEST

START_TEST(an_intention_has_the_marks_of_a_new_message)
{
	uint8_t digest[DIGEST_SIZE] = { 1 };
	struct guid128 run = { { 7 } }, marks[MARKS_MAX] = { { { 2 } } };
	struct chlog_intent in = { .uid = 1, .key = INTENT_NEW "g1",
	    .digest = digest, .marks = marks, .mark_count = MARKS_MAX }, *list;
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();

	ck_assert_int_eq(chlog_intend_begin(log, &err), 0);
	ck_assert_int_eq(chlog_intend(log, &in, &run, &err), 0);
	in.uid = 2;
	in.digest = NULL;
	in.mark_count = 1;
	ck_assert_int_eq(chlog_intend(log, &in, &run, &err), 0);
	ck_assert_int_eq(chlog_intend_commit(log, &err), 0);
	ck_assert_int_eq(chlog_intents(log, lf.arena, &list, &err), 2);
	ck_assert_mem_eq(list[0].digest, digest, sizeof(digest));
	ck_assert_uint_eq(list[0].mark_count, MARKS_MAX);
	ck_assert_mem_eq(list[0].marks, marks, sizeof(marks));
	ck_assert_ptr_null(list[1].digest);
	ck_assert_uint_eq(list[1].mark_count, 1);
	chlog_close(&log);
}
END_TEST

START_TEST(an_intention_is_there_until_it_is_done)
{
	struct guid128 run = { { 7 } };
	struct chlog_intent *list;
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();

	logfix_intend_flag(log, "g2");
	logfix_intend_flag(log, "g1");
	chlog_close(&log);
	log = logfix_open();
	/* While an answer is being read. */
	chlog_hold(log);
	ck_assert_int_eq(chlog_intents(log, lf.arena, &list, &err), 2);
	logfix_intend_flag(log, "g2");
	chlog_rest(log);
	ck_assert_int_eq(chlog_intents(log, lf.arena, &list, &err), 2);
	ck_assert_str_eq(list[0].key, "g1");
	ck_assert_uint_eq(list[0].flags.flags, FLAG_SEEN);
	ck_assert_uint_eq(list[0].flags.stamps[3], NOW);
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_int_eq(chlog_intent_drop(log, &list[0], &err), 0);
	ck_assert_int_eq(chlog_intents(log, lf.arena, &list, &err), 1);
	ck_assert_int_eq(chlog_intents_done(log, &run, &err), 0);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	ck_assert_int_eq(chlog_intents(log, lf.arena, &list, &err), 0);
	chlog_close(&log);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "chlog");

	tcase_add_checked_fixture(tcase, logfix_setup, logfix_teardown);
	tcase_add_test(tcase, a_log_keeps_what_was_committed_and_nothing_else);
	tcase_add_test(tcase, changes_are_told_apart_by_seq_and_run);
	tcase_add_test(tcase, a_message_is_found_by_each_of_its_marks);
	tcase_add_test(tcase, a_changed_message_is_found_by_what_it_is_now);
	tcase_add_test(tcase, a_state_is_read_and_changed_by_itself);
	tcase_add_test(tcase, flags_that_change_are_written_to_four_pages);
	tcase_add_test(tcase,
	    of_two_messages_with_a_mark_the_lower_uid_is_found);
	tcase_add_test(tcase, flags_and_keywords_come_back_with_their_stamps);
	tcase_add_test(tcase,
	    the_last_two_positions_of_each_peer_and_scope_are_kept);
	tcase_add_test(tcase, a_tombstone_stays_until_every_peer_is_past_it);
	tcase_add_test(tcase, tombstones_of_one_uid_come_one_after_the_other);
	tcase_add_test(tcase, an_alias_of_an_alias_stands_for_the_last_one);
	tcase_add_test(tcase, what_is_settled_needs_no_wal);
	tcase_add_test(tcase, a_mark_in_a_transaction_can_be_gone_back_to);
	tcase_add_test(tcase, names_are_found_among_many_by_either_spelling);
	tcase_add_test(tcase, an_intention_has_the_marks_of_a_new_message);
	tcase_add_test(tcase, an_intention_is_there_until_it_is_done);
	return unit_run(suite);
}
