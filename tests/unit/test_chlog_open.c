/*
 * Files of change logs: new ones, damaged ones, other ones, copies.
 */
#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/logfix.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

START_TEST(the_file_is_for_its_owner_alone)
{
	struct chlog *log = logfix_open();
	struct stat st;

	ck_assert_int_eq(stat(tempdir_path(CHLOG_FILE), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(tempdir_path(CHLOG_FILE "-wal"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	chlog_close(&log);
}
END_TEST

START_TEST(a_new_log_is_whole_under_its_name_at_once)
{
	struct chlog *log = logfix_open();
	sqlite3_stmt *stmt;
	sqlite3 *db;
	char uri[512], *real = realpath(lf.root, NULL);

	/* Without the journals beside it. */
	snprintf(uri, sizeof(uri), "file:%s?immutable=1",
	    tempdir_path(CHLOG_FILE));
	ck_assert_int_eq(sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY |
	    SQLITE_OPEN_URI, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT CAST(value AS TEXT) "
	    "FROM meta WHERE key = 'root_path'", -1, &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	ck_assert_str_eq((const char *)sqlite3_column_text(stmt, 0), real);
	free(real);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	chlog_close(&log);
}
END_TEST

START_TEST(a_symbolic_link_is_refused)
{
	struct err err = ERR_INIT;
	struct chlog *log = NULL;

	tempdir_write("elsewhere", "");
	ck_assert_int_eq(symlink("elsewhere", tempdir_path(CHLOG_FILE)), 0);
	ck_assert_int_eq(logfix_open_in(&log, lf.root, false, &err), -1);
	ck_assert_ptr_null(log);
}
END_TEST

START_TEST(a_log_of_a_newer_program_is_left_alone)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();

	chlog_close(&log);
	logfix_sql("PRAGMA user_version = 99");
	ck_assert_int_eq(logfix_open_in(&log, lf.root, false, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert(strstr(err.msg, "newer") != NULL);
}
END_TEST

static size_t
count_damaged(void)
{
	DIR *dir = opendir(lf.root);
	struct dirent *de;
	size_t n = 0;

	while ((de = readdir(dir)) != NULL)
		n += strstr(de->d_name, ".db.damaged-") != NULL;
	closedir(dir);
	return n;
}

START_TEST(a_damaged_log_is_put_aside_and_begun_anew)
{
	struct err err = ERR_INIT;
	struct chlog *log;

	tempdir_write(CHLOG_FILE, "this is no database, and long enough that "
	    "its header can be read and found to be none of them at all......");
	ck_assert_int_eq(logfix_open_in(&log, lf.root, true, &err), 0);
	chlog_close(&log);
	ck_assert_uint_eq(count_damaged(), 0);
	log = logfix_open();
	ck_assert(strstr(lf.notice, "damaged") != NULL);
	ck_assert_uint_eq(count_damaged(), 1);
	ck_assert_uint_eq(chlog_head(log), 0);
	chlog_close(&log);
}
END_TEST

/* What changed since a base could not be told by it. */
START_TEST(a_log_whose_counter_went_back_is_begun_anew)
{
	struct guid128 id;
	struct chlog *log = logfix_open();

	id = *chlog_store_id(log);
	chlog_close(&log);
	logfix_sql("INSERT INTO position (peer, scope, run, seq, time) VALUES "
	    "(zeroblob(16), zeroblob(16), zeroblob(16), 7, 0)");
	logfix_sql("UPDATE meta SET value = 7 WHERE key = 'head_seq'");
	log = logfix_open();
	ck_assert(guid_eq(chlog_store_id(log), &id));
	chlog_close(&log);
	logfix_sql("UPDATE meta SET value = 6 WHERE key = 'head_seq'");
	log = logfix_open();
	ck_assert(!guid_eq(chlog_store_id(log), &id));
	ck_assert_uint_eq(count_damaged(), 1);
	chlog_close(&log);
}
END_TEST

START_TEST(a_database_of_another_program_is_put_aside)
{
	struct chlog *log;

	tempdir_write(CHLOG_FILE, "");
	logfix_sql("CREATE TABLE t (a)");
	log = logfix_open();
	ck_assert_uint_eq(count_damaged(), 1);
	chlog_close(&log);
}
END_TEST

START_TEST(a_missing_log_gives_another_store_id)
{
	struct chlog *log = logfix_open();
	struct guid128 id = *chlog_store_id(log);

	chlog_close(&log);
	ck_assert_int_eq(unlink(tempdir_path(CHLOG_FILE)), 0);
	log = logfix_open();
	ck_assert(!guid_eq(&id, chlog_store_id(log)));
	chlog_close(&log);
}
END_TEST

static void
copy_file(const char *from, const char *to)
{
	char buf[65536];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		ck_assert_uint_eq(fwrite(buf, 1, n, out), n);
	fclose(in);
	fclose(out);
}

static void
make_two(char a[512], char b[512])
{
	snprintf(a, 512, "%s", tempdir_path("a"));
	snprintf(b, 512, "%s", tempdir_path("b"));
	ck_assert_int_eq(mkdir(a, 0700), 0);
}

/* A process that was killed leaves its -wal, and somebody removes the log. */
START_TEST(a_new_log_takes_nothing_from_what_a_removed_one_left)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct guid128 id = *chlog_store_id(log);
	struct chlog_mailbox box, found;
	char left[512];

	ck_assert_int_eq(chlog_begin(log, &err), 0);
	box = logfix_add_mailbox(log, "Work");
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	snprintf(left, sizeof(left), "%s", tempdir_path("left"));
	copy_file(tempdir_path(CHLOG_FILE "-wal"), left);
	chlog_close(&log);
	ck_assert_int_eq(unlink(tempdir_path(CHLOG_FILE)), 0);
	ck_assert_int_eq(rename(left, tempdir_path(CHLOG_FILE "-wal")), 0);
	log = logfix_open();
	ck_assert(!guid_eq(&id, chlog_store_id(log)));
	ck_assert_int_eq(chlog_mailbox_find(log, &box.guid, lf.arena, &found,
	    &err), 0);
	chlog_close(&log);
}
END_TEST

/* E6: two stores with one id would be taken for one. */
START_TEST(a_copied_store_gets_an_id_of_its_own_and_no_positions)
{
	struct err err = ERR_INIT;
	struct chlog_position pos = { .seq = 0 }, found;
	struct chlog *log;
	struct guid128 id, none = { { 0 } };
	char a[512], b[512], from[600], to[600];

	make_two(a, b);
	ck_assert_int_eq(logfix_open_in(&log, a, false, &err), 0);
	id = *chlog_store_id(log);
	pos.p.peer = guid_random();
	pos.p.run = guid_random();
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	ck_assert_int_eq(chlog_position_add(log, &pos, NULL, 0, NOW, &err), 0);
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	chlog_close(&log);
	ck_assert_int_eq(mkdir(b, 0700), 0);
	snprintf(from, sizeof(from), "%s/%s", a, CHLOG_FILE);
	snprintf(to, sizeof(to), "%s/%s", b, CHLOG_FILE);
	copy_file(from, to);
	ck_assert_int_eq(logfix_open_in(&log, b, false, &err), 0);
	ck_assert(!guid_eq(&id, chlog_store_id(log)));
	ck_assert_int_eq(chlog_positions(log, &pos.p.peer, &none, &found, 1,
	    &err), 0);
	chlog_close(&log);
	ck_assert_int_eq(logfix_open_in(&log, a, false, &err), 0);
	ck_assert(guid_eq(&id, chlog_store_id(log)));
	ck_assert_int_eq(chlog_positions(log, &pos.p.peer, &none, &found, 1,
	    &err), 1);
	chlog_close(&log);
}
END_TEST

START_TEST(a_moved_store_keeps_its_id)
{
	struct err err = ERR_INIT;
	struct chlog *log;
	struct guid128 id;
	char a[512], b[512], from[600], to[600];

	make_two(a, b);
	ck_assert_int_eq(logfix_open_in(&log, a, false, &err), 0);
	id = *chlog_store_id(log);
	chlog_close(&log);
	/* To another file system: other inodes, and the old ones are gone. */
	ck_assert_int_eq(mkdir(b, 0700), 0);
	snprintf(from, sizeof(from), "%s/%s", a, CHLOG_FILE);
	snprintf(to, sizeof(to), "%s/%s", b, CHLOG_FILE);
	copy_file(from, to);
	ck_assert_int_eq(unlink(from), 0);
	ck_assert_int_eq(rmdir(a), 0);
	ck_assert_int_eq(logfix_open_in(&log, b, false, &err), 0);
	ck_assert(guid_eq(&id, chlog_store_id(log)));
	chlog_close(&log);
}
END_TEST

START_TEST(a_dry_run_changes_no_file)
{
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();
	struct stat before, after;
	struct guid128 id = *chlog_store_id(log);

	chlog_close(&log);
	ck_assert_int_eq(stat(lf.root, &before), 0);
	ck_assert_int_eq(logfix_open_in(&log, lf.root, true, &err), 0);
	ck_assert(guid_eq(&id, chlog_store_id(log)));
	ck_assert_int_eq(chlog_begin(log, &err), 0);
	logfix_add_mailbox(log, "INBOX");
	ck_assert_int_eq(chlog_commit(log, &err), 0);
	chlog_close(&log);
	ck_assert_int_eq(stat(lf.root, &after), 0);
	ck_assert_int_eq(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	log = logfix_open();
	ck_assert_uint_eq(chlog_head(log), 0);
	chlog_close(&log);
}
END_TEST

START_TEST(a_state_dir_holds_one_log_for_each_root)
{
	struct err err = ERR_INIT;
	struct chlog_args args = { .root_fd = -1, .root_path = "/nowhere/1",
	    .state_dir = lf.root };
	struct chlog *log;
	struct guid128 id;

	ck_assert_int_eq(chlog_open(&log, &args, &err), 0);
	id = *chlog_store_id(log);
	chlog_close(&log);
	args.root_path = "/nowhere/2";
	ck_assert_int_eq(chlog_open(&log, &args, &err), 0);
	ck_assert(!guid_eq(&id, chlog_store_id(log)));
	chlog_close(&log);
	args.root_path = "/nowhere/1";
	ck_assert_int_eq(chlog_open(&log, &args, &err), 0);
	ck_assert(guid_eq(&id, chlog_store_id(log)));
	chlog_close(&log);
}
END_TEST

#define DROP_INDEXES \
    "DROP INDEX mailbox_by_name; DROP INDEX mailbox_by_spelling;" \
    "DROP INDEX subscription_by_spelling;"

START_TEST(a_log_that_lacks_younger_tables_gets_them)
{
	struct chlog_intent *list;
	struct err err = ERR_INIT;
	struct chlog *log = logfix_open();

	chlog_close(&log);
	logfix_sql("DROP TABLE attribute; DROP TABLE intent;" DROP_INDEXES);
	log = logfix_open();
	logfix_intend_flag(log, "g1");
	chlog_close(&log);
	logfix_sql("DROP TABLE intent;" DROP_INDEXES);
	log = logfix_open();
	ck_assert_int_eq(chlog_intents(log, lf.arena, &list, &err), 0);
	chlog_close(&log);
	logfix_sql(DROP_INDEXES);
	log = logfix_open();
	chlog_close(&log);
	/* They are there. */
	logfix_sql(DROP_INDEXES);
	ck_assert_str_eq(lf.notice, "");
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "chlog_open");

	tcase_add_checked_fixture(tcase, logfix_setup, logfix_teardown);
	tcase_add_test(tcase, the_file_is_for_its_owner_alone);
	tcase_add_test(tcase, a_new_log_is_whole_under_its_name_at_once);
	tcase_add_test(tcase, a_symbolic_link_is_refused);
	tcase_add_test(tcase, a_log_of_a_newer_program_is_left_alone);
	tcase_add_test(tcase, a_damaged_log_is_put_aside_and_begun_anew);
	tcase_add_test(tcase, a_log_whose_counter_went_back_is_begun_anew);
	tcase_add_test(tcase, a_database_of_another_program_is_put_aside);
	tcase_add_test(tcase, a_missing_log_gives_another_store_id);
	tcase_add_test(tcase,
	    a_new_log_takes_nothing_from_what_a_removed_one_left);
	tcase_add_test(tcase,
	    a_copied_store_gets_an_id_of_its_own_and_no_positions);
	tcase_add_test(tcase, a_moved_store_keeps_its_id);
	tcase_add_test(tcase, a_dry_run_changes_no_file);
	tcase_add_test(tcase, a_state_dir_holds_one_log_for_each_root);
	tcase_add_test(tcase, a_log_that_lacks_younger_tables_gets_them);
	return unit_run(suite);
}
