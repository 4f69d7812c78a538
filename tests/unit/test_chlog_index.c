/*
 * Indexes of a log that is filled for the first time.
 */
#include "config.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/arena.h"
#include "chlog/chlog.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

static struct arena *arena;

static struct chlog *
open_log(void)
{
	struct chlog_args args = { .root_path = tempdir_path("") };
	struct err err = ERR_INIT;
	struct chlog *log = NULL;

	args.root_fd = open(args.root_path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(args.root_fd, -1);
	ck_assert_msg(chlog_open(&log, &args, &err) == 0, "%s", err.msg);
	close(args.root_fd);
	return log;
}

/* Those that wait, as another process sees them. */
static int
count_late(void)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int n;

	ck_assert_int_eq(sqlite3_open(tempdir_path(CHLOG_FILE), &db),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM "
	    "sqlite_master WHERE type = 'index' AND name IN "
	    "('message_by_guid', 'message_by_digest')", -1, &stmt, NULL),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void
add_mails(struct chlog *log, int64_t mailbox, uint32_t first, uint32_t last)
{
	struct err err = ERR_INIT;
	struct guid128 mark = { { 1 } };
	struct chlog_mail mail = { .mailbox = mailbox };
	char guid[16];

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	for (uint32_t uid = first; uid <= last; uid++) {
		snprintf(guid, sizeof(guid), "g%u", uid);
		mail.m.uid = uid;
		mail.m.guid = guid;
		mark.b[1] = (uint8_t)(uid >> 8);
		mark.b[2] = (uint8_t)uid;
		mail.m.marks = &mark;
		mail.m.mark_count = 1;
		mail.m.received = RECEIVED_NONE;
		mail.seq = mail.born_seq = chlog_next_seq(log);
		ck_assert_int_eq(chlog_mail_insert(log, &mail, &err), 0);
	}
	ck_assert_int_eq(chlog_commit(log, &err), 0);
}

static void
setup(void)
{
	tempdir_make();
	arena = arena_new(1 << 24);
}

static void
teardown(void)
{
	arena_free(&arena);
	tempdir_remove();
}

START_TEST(they_are_made_when_the_first_messages_are_in)
{
	struct err err = ERR_INIT;
	struct chlog *log = open_log();

	add_mails(log, 1, 1, 100);
	ck_assert_int_eq(count_late(), 0);
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_int_eq(chlog_index(log, &err), 0);
	ck_assert_int_eq(count_late(), 0);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	ck_assert_int_eq(count_late(), 2);
	add_mails(log, 1, 101, 110);
	ck_assert_int_eq(chlog_has_guid(log, "g101", &err), 1);
	chlog_close(&log);
}
END_TEST

START_TEST(a_store_that_was_looked_through_has_them_unless_it_is_empty)
{
	struct err err = ERR_INIT;
	struct chlog *log = open_log();

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_int_eq(chlog_set_scanned_all(log, &err), 0);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	ck_assert_int_eq(count_late(), 0);
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_int_eq(chlog_reset(log, &err), 0);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	add_mails(log, 1, 1, 10);
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_int_eq(chlog_set_scanned_all(log, &err), 0);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	ck_assert_int_eq(count_late(), 2);
	chlog_close(&log);
}
END_TEST

START_TEST(who_looks_for_a_guid_gets_them)
{
	struct err err = ERR_INIT;
	struct chlog *log = open_log();
	struct chlog_mail mail;

	add_mails(log, 1, 1, 10);
	chlog_hold(log);
	ck_assert_int_eq(chlog_mail_find(log, 1, 3, arena, &mail, &err), 1);
	ck_assert_int_eq(chlog_mail_find_guid(log, 1, "g7", 0, arena, &mail,
	    &err), 1);
	ck_assert_uint_eq(mail.m.uid, 7);
	chlog_rest(log);
	ck_assert_int_eq(count_late(), 2);
	chlog_close(&log);
}
END_TEST

START_TEST(what_is_undone_with_them_gets_them_again)
{
	struct err err = ERR_INIT;
	struct chlog *log = open_log();

	add_mails(log, 1, 1, 10);
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_int_eq(chlog_mark_begin(log, &err), 0);
	ck_assert_int_eq(chlog_has_guid(log, "g7", &err), 1);
	ck_assert_int_eq(chlog_mark_end(log, false, &err), 0);
	ck_assert_int_eq(chlog_has_guid(log, "g7", &err), 1);
	chlog_rollback(log);
	ck_assert_int_eq(count_late(), 0);
	ck_assert_int_eq(chlog_has_guid(log, "g7", &err), 1);
	ck_assert_int_eq(count_late(), 2);
	chlog_close(&log);
}
END_TEST

START_TEST(a_log_of_a_run_that_was_cut_gets_them)
{
	struct err err = ERR_INIT;
	struct chlog *log = open_log();

	add_mails(log, 1, 1, 10);
	chlog_close(&log);
	ck_assert_int_eq(count_late(), 0);
	log = open_log();
	ck_assert_int_eq(count_late(), 2);
	ck_assert_int_eq(chlog_has_guid(log, "g7", &err), 1);
	chlog_close(&log);
}
END_TEST

START_TEST(a_large_copy_does_not_wait_for_its_end)
{
	struct chlog *log = open_log();

	add_mails(log, 1, 1, 65535);
	ck_assert_int_eq(count_late(), 0);
	add_mails(log, 2, 1, 1);
	ck_assert_int_eq(count_late(), 2);
	chlog_close(&log);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "chlog_index");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, they_are_made_when_the_first_messages_are_in);
	tcase_add_test(tcase,
	    a_store_that_was_looked_through_has_them_unless_it_is_empty);
	tcase_add_test(tcase, who_looks_for_a_guid_gets_them);
	tcase_add_test(tcase, what_is_undone_with_them_gets_them_again);
	tcase_add_test(tcase, a_log_of_a_run_that_was_cut_gets_them);
	tcase_add_test(tcase, a_large_copy_does_not_wait_for_its_end);
	return unit_run(suite);
}
