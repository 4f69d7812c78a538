/* The list of UIDs of a Maildir: whole, of another version, or broken. */
#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "store/files/path.h"
#include "store/index/index.h"
#include "tests/support/maildir_fixture.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

START_TEST(what_dovecot_wrote_is_what_we_see)
{
	mf_make_dirs();
	tempdir_write("dovecot-uidlist", HEADER
	    "5 :1.M1P1.h,S=2,W=3\n"
	    "9 Gabc W24 :2.M1P1.h\n");
	tempdir_write("cur/1.M1P1.h,S=2,W=3:2,RS", "a\n");
	tempdir_write("new/2.M1P1.h", "b\n");
	mf_open(false);
	mf_expect("5 1.M1P1.h,S=2,W=3 09\n9 abc 00\n");
	ck_assert_str_eq(tempdir_read("dovecot-uidlist"), HEADER
	    "5 :1.M1P1.h,S=2,W=3\n9 Gabc W24 :2.M1P1.h\n");
	mf_end();
}
END_TEST

START_TEST(a_uidlist_of_version_1_is_converted)
{
	mf_make_dirs();
	tempdir_write("dovecot-uidlist", "1 1234 50\n5 a.x\n9 b.x:2,S\n");
	tempdir_write("cur/a.x:2,", "a\n");
	tempdir_write("cur/b.x:2,S", "b\n");
	mf_open(false);
	mf_expect("5 a.x 00\n9 b.x 08\n");
	ck_assert_ptr_nonnull(strstr(tempdir_read("dovecot-uidlist"),
	    "3 V1234 N50 G"));
	ck_assert_ptr_nonnull(strstr(tempdir_read("dovecot-uidlist"),
	    "\n5 :a.x\n9 :b.x\n"));
	mf_end();
}
END_TEST

/* Whatever is wrong, all messages are mf.found, with GUIDs and new UIDs. */
START_TEST(behind_a_broken_line_messages_get_new_uids_and_keep_guids)
{
	static const char *const broken[] = { "4 :x\n", "5 :x\n", "6\n",
	    "6 :\n", "6 :x/y\n", "junk\n", "0 :x\n" };

	mf_make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	tempdir_write("cur/b:2,", "b\n");
	tempdir_write("cur/c:2,", "c\n");
	for (size_t i = 0; i < nitems(broken); i++) {
		char text[500];

		snprintf(text, sizeof(text), HEADER "5 :a\n%s70 Gkept :b\n"
		    "80 :c\n", broken[i]);
		tempdir_write("dovecot-uidlist", text);
		mf_open(false);
		mf_expect("5 a 00\n81 kept 00\n82 c 00\n");
		ck_assert_uint_gt(mf.problems + 1, 0);
		mf_close();
		mf_open(false);
		mf_expect("5 a 00\n81 kept 00\n82 c 00\n");
		mf_close();
	}
	mf_end();
}
END_TEST

START_TEST(a_list_without_a_header_is_made_anew)
{
	static const char *const broken[] = { "", "\n", "3 V1\n5 :a\n",
	    "3 N5\n", "4 V1 N1\n", "3 V1 N1", "\xff\xfe\n5 :a\n" };
	struct mailbox_status status;
	struct err err = ERR_INIT;

	mf_make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	for (size_t i = 0; i < nitems(broken); i++) {
		tempdir_write("dovecot-uidlist", broken[i]);
		mf_open(false);
		mf_expect("1 a 00\n");
		ck_assert_int_eq(mf.d->status(mf.box, &status, &err), 0);
		ck_assert_uint_gt(status.uidvalidity, 1234);
		mf_close();
	}
	mf_end();
}
END_TEST

START_TEST(a_torn_last_line_is_dropped_and_its_uid_not_given)
{
	mf_make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "5 :a\n60 :b");
	tempdir_write("cur/a:2,", "a\n");
	tempdir_write("cur/b2:2,", "b\n");
	mf_open(false);
	mf_expect("5 a 00\n61 b2 00\n");
	mf_end();
}
END_TEST

START_TEST(a_line_that_is_too_long_breaks_the_list)
{
	FILE *file;

	mf_make_dirs();
	file = fopen(tempdir_path("dovecot-uidlist"), "w");
	fputs(HEADER "5 :a\n6 :", file);
	for (int i = 0; i < 200000; i++)
		fputc('x', file);
	fputs("\n70 Gkept :b\n", file);
	fclose(file);
	tempdir_write("cur/a:2,", "a\n");
	tempdir_write("cur/b:2,", "b\n");
	mf_open(false);
	mf_expect("5 a 00\n71 kept 00\n");
	mf_end();
}
END_TEST

START_TEST(the_later_of_two_lines_counts)
{
	mf_make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "5 :a\n6 :b\n7 :a\n");
	tempdir_write("cur/a:2,", "a\n");
	tempdir_write("cur/b:2,", "b\n");
	mf_open(false);
	mf_expect("6 b 00\n7 a 00\n");
	mf_end();
}
END_TEST

/* The first of two messages of one mail was expunged, its line stayed. */
START_TEST(a_guid_is_not_looked_for_in_a_line_without_a_file)
{
	struct mail_reader *reader;
	struct err err = ERR_INIT;
	struct mail_info info;

	mf_make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "5 :a\n6 :b\n7 Ga :c\n");
	tempdir_write("cur/b:2,", "b\n");
	tempdir_write("cur/c:2,", "a\n");
	mf_open(false);
	ck_assert_msg(mf.d->reader_open(mf.box, 0, "a", &reader, &info,
	    &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(info.uid, 7);
	mf.d->reader_close(&reader);
	ck_assert_int_eq(mf.d->reader_open(mf.box, 5, "a", &reader, &info,
	    &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	mf_end();
}
END_TEST

/* Else Dovecot would not read the list again. */
START_TEST(a_changed_uid_is_seen_in_the_time_of_cur)
{
	const struct timespec old[2] = { { .tv_sec = 1000000000 },
		{ .tv_sec = 1000000000 } };
	struct err err = ERR_INIT;
	struct stat st;

	mf_make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "5 :a\n");
	tempdir_write("cur/a:2,", "a\n");
	mf_open(false);
	ck_assert_int_eq(utimensat(AT_FDCWD, tempdir_path("cur"), old, 0), 0);
	ck_assert_int_eq(mf.d->set_uid(mf.box, 5, "a", 60, 0, 1, &err), 0);
	mf_flush();
	ck_assert_int_eq(mf.answer, ERR_NONE);
	mf_expect("60 a 00\n");
	ck_assert_int_eq(stat(tempdir_path("cur"), &st), 0);
	ck_assert_int_gt(st.st_mtime, 1000000000);
	mf_end();
}
END_TEST

START_TEST(a_list_of_many_lines_is_read_at_any_place)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;
	char name[64];
	FILE *file;

	mf_make_dirs();
	file = fopen(tempdir_path("dovecot-uidlist"), "w");
	fputs(HEADER, file);
	for (unsigned int uid = 3; uid < 9000; uid += 3)
		fprintf(file, "%u :%u.M1P1.some.long.host.name.example\n",
		    uid, uid);
	fclose(file);
	for (unsigned int uid = 3; uid < 9000; uid += 600) {
		snprintf(name, sizeof(name),
		    "cur/%u.M1P1.some.long.host.name.example:2,", uid);
		tempdir_write(name, "x\n");
	}
	mf_open(false);
	for (unsigned int uid = 3; uid < 9000; uid += 600) {
		snprintf(name, sizeof(name),
		    "%u.M1P1.some.long.host.name.example", uid);
		ck_assert_int_eq(mf.d->reader_open(mf.box, uid, name, &reader,
		    &info, &err), 0);
		mf.d->reader_close(&reader);
		ck_assert_int_eq(mf.d->reader_open(mf.box, uid + 1, name,
		    &reader, &info, &err), -1);
	}
	mf_end();
}
END_TEST

/* A list with a line too many, in a mailbox that is open. */
static void
open_littered(void)
{
	mf_make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "7 :a\n8 :b\n9 :c\n");
	tempdir_write("cur/a:2,S", "x\n");
	tempdir_write("new/b", "x\n");
	/* Only a reading that is sure may tell. */
	clock_set(clock_now_ms() + 3600 * 1000);
	mf_open(false);
	mf_expect("7 a 08\n8 b 00\n");
}

START_TEST(lines_without_a_file_are_dropped)
{
	struct mailbox_status status;
	struct err err = ERR_INIT;

	open_littered();
	ck_assert_int_eq(mf.d->settle(mf.store, &err), 0);
	ck_assert_str_eq(tempdir_read("dovecot-uidlist"), HEADER
	    "7 :a\n8 :b\n");
	ck_assert_uint_eq(mf_count("tmp"), 0);
	ck_assert_int_eq(mf.d->status(mf.box, &status, &err), 0);
	ck_assert_uint_eq(status.uidnext, 50);
	mf_end();
}
END_TEST

START_TEST(lines_without_a_file_are_dropped_when_it_is_closed)
{
	open_littered();
	mf_close();
	ck_assert_str_eq(tempdir_read("dovecot-uidlist"), HEADER
	    "7 :a\n8 :b\n");
	mf_end();
}
END_TEST

START_TEST(lines_stay_while_somebody_holds_the_lock)
{
	struct timespec now[2] = { { .tv_nsec = UTIME_OMIT } };
	struct err err = ERR_INIT;

	open_littered();
	tempdir_write("dovecot-uidlist.lock", "1:other.example");
	now[1].tv_sec = (time_t)(clock_now_ms() / 1000);
	ck_assert_int_eq(utimensat(AT_FDCWD,
	    tempdir_path("dovecot-uidlist.lock"), now, 0), 0);
	ck_assert_int_eq(mf.d->settle(mf.store, &err), 0);
	ck_assert_str_eq(tempdir_read("dovecot-uidlist"), HEADER
	    "7 :a\n8 :b\n9 :c\n");
	ck_assert_int_eq(unlink(tempdir_path("dovecot-uidlist.lock")), 0);
	mf_expect("7 a 08\n8 b 00\n");
	mf_end();
}
END_TEST

START_TEST(the_line_of_an_expunged_message_goes_with_it)
{
	struct err err = ERR_INIT;

	mf_make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "7 :a\n8 :b\n9 :c\n");
	tempdir_write("cur/a:2,S", "x\n");
	tempdir_write("new/b", "x\n");
	tempdir_write("cur/c:2,", "x\n");
	mf_open(false);
	ck_assert_int_eq(mf.d->expunge(mf.box, 8, "b", 1, &err), 0);
	ck_assert_int_eq(mf.d->expunge(mf.box, 9, "c", 2, &err), 0);
	mf_flush();
	ck_assert_int_eq(mf.answer, ERR_NONE);
	ck_assert_str_eq(tempdir_read("dovecot-uidlist"), HEADER "7 :a\n");
	mf_expect("7 a 08\n");
	mf_end();
}
END_TEST

/* Writing it anew each time would take too long. */
START_TEST(a_long_list_keeps_some_lines_of_expunged_messages)
{
	static const char tail[] = "................................"
	    "................................................................"
	    "................................................................"
	    "................................................................";
	struct err err = ERR_INIT;
	unsigned int lines = 1 << 20;
	char name[300];
	FILE *file;

	lines = lines / (sizeof(tail) + 6) + 100;
	mf_make_dirs();
	file = fopen(tempdir_path("dovecot-uidlist"), "w");
	fputs(HEADER, file);
	for (unsigned int uid = 1; uid <= lines; uid++) {
		fprintf(file, "%u :%u%s\n", uid, uid, tail);
		snprintf(name, sizeof(name), "cur/%u%s:2,", uid, tail);
		if (uid != 7)
			tempdir_write(name, "x\n");
	}
	fclose(file);
	clock_set(clock_now_ms() + 3600 * 1000);
	mf_open(false);
	ck_assert_ptr_nonnull(strstr(tempdir_read("dovecot-uidlist"),
	    "\n7 :7..."));
	snprintf(name, sizeof(name), "8%s", tail);
	ck_assert_int_eq(mf.d->expunge(mf.box, 8, name, 1, &err), 0);
	mf_flush();
	ck_assert_int_eq(mf.answer, ERR_NONE);
	ck_assert_ptr_nonnull(strstr(tempdir_read("dovecot-uidlist"),
	    "\n8 :8..."));
	mf_end();
}
END_TEST

START_TEST(the_uidnext_of_an_index_is_not_gone_below)
{
	struct index_options opts = { .hostname = HOST, .no_fsync = true };
	struct store nothing = { .driver = NULL };
	struct mailbox_status status;
	struct path_root root;
	struct err err = ERR_INIT;
	struct index *index;
	struct index_txn *txn;

	mf_make_dirs();
	tempdir_write("dovecot-uidlist", HEADER);
	ck_assert_int_eq(path_root_open(&root, &nothing, tempdir_path(""),
	    false, false, &err), 0);
	index = index_open(&root, root.fd, "dovecot.index", &opts);
	ck_assert_int_eq(index_lock(index, &err), 0);
	txn = index_txn_begin(index);
	index_txn_uidvalidity(txn, 1234);
	index_txn_next_uid(txn, 700);
	ck_assert_int_eq(index_txn_commit(&txn, NULL, &err), 0);
	index_close(&index);
	path_root_close(&root);
	mf_open(false);
	ck_assert_int_eq(mf.d->status(mf.box, &status, &err), 0);
	ck_assert_uint_eq(status.uidnext, 700);
	ck_assert_int_eq(mf_try_append(NULL, "x\n", NULL, 0), ERR_NONE);
	ck_assert_int_eq(mf.d->status(mf.box, &status, &err), 0);
	ck_assert_uint_eq(status.uidnext, 701);
	mf_end();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "maildir_uidlist");

	tcase_add_test(tc, what_dovecot_wrote_is_what_we_see);
	tcase_add_test(tc, a_uidlist_of_version_1_is_converted);
	tcase_add_test(tc,
	    behind_a_broken_line_messages_get_new_uids_and_keep_guids);
	tcase_add_test(tc, a_list_without_a_header_is_made_anew);
	tcase_add_test(tc, a_torn_last_line_is_dropped_and_its_uid_not_given);
	tcase_add_test(tc, a_line_that_is_too_long_breaks_the_list);
	tcase_add_test(tc, the_later_of_two_lines_counts);
	tcase_add_test(tc,
	    a_guid_is_not_looked_for_in_a_line_without_a_file);
	tcase_add_test(tc, a_changed_uid_is_seen_in_the_time_of_cur);
	tcase_add_test(tc, a_list_of_many_lines_is_read_at_any_place);
	tcase_add_test(tc, lines_without_a_file_are_dropped);
	tcase_add_test(tc,
	    lines_without_a_file_are_dropped_when_it_is_closed);
	tcase_add_test(tc, lines_stay_while_somebody_holds_the_lock);
	tcase_add_test(tc, the_line_of_an_expunged_message_goes_with_it);
	tcase_add_test(tc,
	    a_long_list_keeps_some_lines_of_expunged_messages);
	tcase_add_test(tc, the_uidnext_of_an_index_is_not_gone_below);
	return unit_run(suite);
}
