/* A Maildir as others leave it: plain, damaged, or in use. */
#include "config.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "model/mail_location.h"
#include "tests/support/maildir_fixture.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define BUSY	3000U	/* names: more than one readdir brings at once */
#define MANY_BOXES	10	/* more than are made durable one by one */

START_TEST(a_plain_maildir_gets_uids_in_the_order_of_names)
{
	mf_make_dirs();
	tempdir_write("cur/1000000002.x:2,S", "b\n");
	tempdir_write("cur/1000000001.M20.x:2,", "a\n");
	tempdir_write("new/1000000001.M3.x", "n\n");
	mf_open(false);
	mf_expect("1 1000000001.M3.x 00\n2 1000000001.M20.x 00\n"
	    "3 1000000002.x 08\n");
	/* What is new stays new. */
	ck_assert_int_eq(access(tempdir_path("new/1000000001.M3.x"), F_OK),
	    0);
	tempdir_write("new/5.y", "late\n");
	mf_expect("1 1000000001.M3.x 00\n2 1000000001.M20.x 00\n"
	    "3 1000000002.x 08\n4 5.y 00\n");
	mf_end();
}
END_TEST

START_TEST(a_plain_maildir_that_is_only_read_is_not_touched)
{
	struct mailbox_status status;
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;

	mf_make_dirs();
	tempdir_write("cur/2.x:2,F", "b\n");
	tempdir_write("new/1.x", "a\n");
	ck_assert_int_eq(rmdir(tempdir_path("tmp")), 0);
	mf_open(true);
	mf_expect("0 1.x 00\n0 2.x 02\n");
	ck_assert_int_eq(mf.d->status(mf.box, &status, &err), 0);
	ck_assert(guid_is_zero(&status.guid));
	ck_assert_uint_eq(status.uidvalidity, 0);
	ck_assert_uint_eq(status.uidnext, 1);
	ck_assert_int_eq(mf.d->reader_open(mf.box, 0, "2.x", &reader, &info,
	    &err), 0);
	ck_assert_uint_eq(info.size, 2);
	mf.d->reader_close(&reader);
	ck_assert_uint_eq(mf_count(""), 2);
	mf_end();
}
END_TEST

START_TEST(of_two_files_of_a_message_one_is_used)
{
	mf_make_dirs();
	tempdir_write("cur/a:2,S", "a\n");
	tempdir_write("new/a", "a\n");
	tempdir_write("cur/b:2,", "b\n");
	tempdir_write("cur/b:2,F", "b\n");
	mf_open(false);
	ck_assert_uint_eq(mf.problems, 2);
	mf_expect("1 a 08\n2 b 02\n");
	mf_end();
}
END_TEST

START_TEST(a_name_that_can_be_no_guid_still_has_one)
{
	mf_make_dirs();
	tempdir_write("cur/a b:2,S", "a\n");
	tempdir_write("cur/.hidden", "x\n");
	tempdir_write("cur/:2,S", "x\n");
	mf_open(false);
	mf_expect("1 04122a707f849f2c12bdd9de71b41929 08\n");
	mf_close();
	mf_open(true);
	mf_expect("1 04122a707f849f2c12bdd9de71b41929 08\n");
	mf_end();
}
END_TEST

START_TEST(a_27th_keyword_is_told_and_the_message_saved)
{
	const char *keywords[27];
	char names[27][8];

	for (size_t i = 0; i < 27; i++) {
		snprintf(names[i], sizeof(names[i]), "k%02zu", i);
		keywords[i] = names[i];
	}
	mf_make_dirs();
	mf_open(false);
	ck_assert_int_eq(mf_try_append("g", "x\n", keywords, 27), ERR_NONE);
	ck_assert_uint_eq(mf.problems, 1);
	mf_expect("1 g 00\n");
	mf_end();
}
END_TEST

START_TEST(the_keywords_file_gets_a_later_second_each_time)
{
	const char *one[] = { "one" }, *two[] = { "two" };
	struct stat first, second;

	mf_make_dirs();
	mf_open(false);
	ck_assert_int_eq(mf_try_append("g1", "x\n", one, 1), ERR_NONE);
	ck_assert_int_eq(stat(tempdir_path("dovecot-keywords"), &first), 0);
	ck_assert_int_eq(mf_try_append("g2", "x\n", two, 1), ERR_NONE);
	ck_assert_int_eq(stat(tempdir_path("dovecot-keywords"), &second), 0);
	ck_assert_int_gt(second.st_mtime, first.st_mtime);
	ck_assert_str_eq(tempdir_read("dovecot-keywords"),
	    "0 one\n1 two\n");
	mf_end();
}
END_TEST

START_TEST(a_lock_of_a_process_that_is_gone_is_taken_over)
{
	char text[100];
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	mf_make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	snprintf(text, sizeof(text), "%ld:" HOST, (long)child);
	tempdir_write("dovecot-uidlist.lock", text);
	mf_open(false);
	mf_expect("1 a 00\n");
	mf_close();
	/* Our own pid, but we hold nothing: a process of an earlier boot. */
	snprintf(text, sizeof(text), "%ld:" HOST, (long)getpid());
	tempdir_write("dovecot-uidlist.lock", text);
	tempdir_write("cur/b:2,", "b\n");
	mf_open(false);
	mf_expect("1 a 00\n2 b 00\n");
	ck_assert_int_eq(access(tempdir_path("dovecot-uidlist.lock"), F_OK),
	    -1);
	mf_end();
}
END_TEST

START_TEST(a_lock_that_is_held_is_respected_until_it_is_stale)
{
	static const char *const held[] = { ("1:" HOST), "5:other.example", "",
	    "junk" };

	mf_make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	for (size_t i = 0; i < nitems(held); i++) {
		tempdir_write("dovecot-uidlist.lock", held[i]);
		ck_assert_int_eq(mf_try_open(false, 0), ERR_TEMP);
		mf_close();
		/* Reading needs no lock. */
		mf_open(true);
		mf_expect("0 a 00\n");
		mf_close();
	}
	clock_set(clock_now_ms() + 121000);
	mf_open(false);
	mf_expect("1 a 00\n");
	mf_end();
}
END_TEST

START_TEST(a_flush_without_the_lock_does_nothing_and_says_so)
{
	mf_make_dirs();
	mf_open(false);
	tempdir_write("dovecot-uidlist.lock", "1:" HOST);
	ck_assert_int_eq(mf_try_append("g", "x\n", NULL, 0), ERR_TEMP);
	ck_assert_uint_eq(mf_count("tmp"), 0);
	ck_assert_int_eq(unlink(tempdir_path("dovecot-uidlist.lock")), 0);
	mf_expect("");
	ck_assert_int_eq(mf_try_append("g", "x\n", NULL, 0), ERR_NONE);
	mf_end();
}
END_TEST

START_TEST(tmp_is_made_for_who_writes_and_not_for_who_looks)
{
	struct stat st;

	mf_make_dirs();
	mf_open(false);
	mf_close();
	ck_assert_int_eq(rmdir(tempdir_path("tmp")), 0);
	mf_open(false);
	ck_assert_int_eq(stat(tempdir_path("tmp"), &st), -1);
	ck_assert_int_eq(mf_try_append("g", "x\n", NULL, 0), ERR_NONE);
	ck_assert_int_eq(stat(tempdir_path("tmp"), &st), 0);
	mf_expect("1 g 00\n");
	mf_end();
}
END_TEST

START_TEST(only_old_files_of_ours_are_removed_from_tmp)
{
	mf_make_dirs();
	tempdir_write("tmp/dsync-1.x", "ours\n");
	tempdir_write("tmp/1.x", "theirs\n");
	mf_open(false);
	ck_assert_uint_eq(mf_count("tmp"), 2);
	mf_close();
	clock_set(clock_now_ms() + 37 * 3600 * 1000);
	mf_open(false);
	ck_assert_int_eq(mf_try_append("g", "x\n", NULL, 0), ERR_NONE);
	ck_assert_uint_eq(mf_count("tmp"), 1);
	mf_end();
}
END_TEST

/* A file may not grow beyond a few bytes: as a disk that is full. */
START_TEST(a_full_disk_loses_nothing)
{
	struct rlimit limit, old;
	char body[5000];

	mf_make_dirs();
	mf_open(false);
	ck_assert_int_eq(mf_try_append("g1", "x\n", NULL, 0), ERR_NONE);
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 1000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_ne(mf_try_append("g2", body, NULL, 0), ERR_NONE);
	mf_expect("1 g1 00\n");
	/* The list can't grow: the message is not published. */
	limit.rlim_cur = 60;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_ne(mf_try_append("g3", "x\n", NULL, 0), ERR_NONE);
	mf_expect("1 g1 00\n");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	ck_assert_uint_eq(mf_count("tmp"), 0);
	ck_assert_int_eq(mf_try_append("g3", "x\n", NULL, 0), ERR_NONE);
	mf_expect("1 g1 00\n2 g3 00\n");
	mf_close();
	mf_open(false);
	mf_expect("1 g1 00\n2 g3 00\n");
	mf_end();
}
END_TEST

static void
append_many(void)
{
	struct mail_info info = { .received = 1000000000 };
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	for (uint64_t i = 0; i < 300; i++) {
		ck_assert_int_eq(mf.d->append_begin(mf.box, &info, &writer,
		    &err), 0);
		ck_assert_int_eq(mf.d->append_write(writer, "x\n", 2, &err), 0);
		ck_assert_int_eq(mf.d->append_commit(&writer, i, &err), 0);
	}
	mf.answered = 0;
}

/* Files without a name are not to be had everywhere. */
static bool
can_be_unnamed(void)
{
	int fd = open(tempdir_path("cur"), O_TMPFILE | O_RDWR | O_CLOEXEC,
	    0600);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

START_TEST(of_many_bodies_few_have_a_name_before_the_flush)
{
	size_t named;

	mf_make_dirs();
	mf_open(false);
	append_many();
	named = mf_count("tmp");
	ck_assert_uint_eq(named, can_be_unnamed() ? 4 : 300);
	ck_assert_uint_eq(mf_count("cur"), 0);
	mf_flush();
	ck_assert_uint_eq(mf.answered, 300);
	ck_assert_uint_eq(mf_count("cur"), 300);
	/* What is not published leaves nothing but these. */
	append_many();
	mf_close();
	ck_assert_uint_eq(mf_count("tmp"), 0);
	ck_assert_uint_eq(mf_count("cur"), 300);
	mf_end();
}
END_TEST

START_TEST(more_bodies_than_descriptors_are_written_too)
{
	struct rlimit files;
	size_t named;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = 768 + 100;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	mf_make_dirs();
	mf_open(false);
	append_many();
	named = mf_count("tmp");
	ck_assert_uint_eq(named, can_be_unnamed() ? 200 : 300);
	mf_flush();
	ck_assert_uint_eq(mf.answered, 300);
	ck_assert_uint_eq(mf_count("cur"), 300);
	ck_assert_uint_eq(mf_count("tmp"), 0);
	mf_end();
}
END_TEST

START_TEST(a_batch_of_many_is_made_durable_together)
{
	mf_make_dirs();
	mf_open(false);
	append_many();
	mf_flush();
	ck_assert_uint_eq(mf.answered, 300);
	ck_assert_uint_eq(mf_count("cur"), 300);
	ck_assert_uint_eq(mf_count("tmp"), 0);
	mf_end();
}
END_TEST

/* Written by a helper, so that it is known in the flush only. */
START_TEST(a_body_that_fails_among_many_stops_no_other)
{
	static char body[200000];
	struct mail_info info = { .received = 1000000000 };
	struct mail_writer *writer;
	struct err err = ERR_INIT;
	struct rlimit limit, old;

	mf_make_dirs();
	mf_open(false);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = sizeof(body) / 2;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	append_many();
	memset(body, 'x', sizeof(body));
	if (mf.d->append_begin(mf.box, &info, &writer, &err) == 0 &&
	    mf.d->append_write(writer, body, sizeof(body), &err) == 0)
		(void)mf.d->append_commit(&writer, 300, &err);
	else
		mf.d->append_abort(&writer);
	append_many();
	mf_flush();
	ck_assert_uint_ge(mf.answered, 600);
	ck_assert_uint_eq(mf_count("cur"), 600);
	ck_assert_uint_eq(mf_count("tmp"), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	mf_end();
}
END_TEST

START_TEST(uids_of_many_mailboxes_are_made_durable_together)
{
	struct mailbox *boxes[MANY_BOXES];
	struct mailbox_status status = { .uidvalidity = 7 };
	char name[32], file[64];
	struct err err = ERR_INIT;
	uint64_t waits;

	mf_make_dirs();
	mf_open(false);
	for (int i = 0; i < MANY_BOXES; i++) {
		snprintf(name, sizeof(name), "b%d", i);
		ck_assert_int_eq(mf.d->mailbox_create(mf.store, name, true,
		    &status, &err), 0);
		snprintf(file, sizeof(file), ".b%d/new/1.x", i);
		tempdir_write(file, "m\n");
	}
	waits = mf.store->counts.fsyncs + mf.store->counts.syncfss;
	for (int i = 0; i < MANY_BOXES; i++) {
		snprintf(name, sizeof(name), "b%d", i);
		ck_assert_int_eq(mf.d->mailbox_open(mf.store, name, &boxes[i],
		    &err), 0);
	}
	ck_assert_uint_eq(mf.store->counts.fsyncs +
	    mf.store->counts.syncfss, waits);
	ck_assert_int_eq(mf.d->settle(mf.store, &err), 0);
	ck_assert_int_eq(mf.d->settle(mf.store, &err), 0);
	ck_assert_uint_eq(mf.store->counts.fsyncs +
	    mf.store->counts.syncfss, waits + 1);
	for (int i = 0; i < MANY_BOXES; i++)
		mf.d->mailbox_close(&boxes[i]);
	mf_end();
}
END_TEST

/* Each list is to lose a line: all of them wait for the disk but once. */
START_TEST(lists_of_many_mailboxes_lose_lines_together)
{
	static const struct mailbox_status status = { .uidvalidity = 0 };
	struct mailbox *boxes[MANY_BOXES];
	char name[32], file[64];
	struct err err = ERR_INIT;
	uint64_t waits;

	mf_make_dirs();
	mf_open(false);
	for (int i = 0; i < MANY_BOXES; i++) {
		snprintf(name, sizeof(name), "b%d", i);
		ck_assert_int_eq(mf.d->mailbox_create(mf.store, name, true,
		    &status, &err), 0);
		snprintf(file, sizeof(file), ".b%d/dovecot-uidlist", i);
		tempdir_write(file, "3 V9 N9 G0102030405060708090a0b0c0d0e0f10"
		    "\n7 :gone\n8 :here\n");
		snprintf(file, sizeof(file), ".b%d/cur/here:2,", i);
		tempdir_write(file, "m\n");
	}
	clock_set(clock_now_ms() + 3600 * 1000);
	waits = mf.store->counts.fsyncs + mf.store->counts.syncfss;
	for (int i = 0; i < MANY_BOXES; i++) {
		snprintf(name, sizeof(name), "b%d", i);
		ck_assert_int_eq(mf.d->mailbox_open(mf.store, name, &boxes[i],
		    &err), 0);
	}
	ck_assert_int_eq(mf.d->settle(mf.store, &err), 0);
	ck_assert_uint_eq(mf.store->counts.fsyncs +
	    mf.store->counts.syncfss, waits + 1);
	for (int i = 0; i < MANY_BOXES; i++) {
		snprintf(file, sizeof(file), ".b%d/dovecot-uidlist", i);
		ck_assert_str_eq(tempdir_read(file),
		    "3 V9 N9 G0102030405060708090a0b0c0d0e0f10\n8 :here\n");
		mf.d->mailbox_close(&boxes[i]);
	}
	mf_end();
}
END_TEST

START_TEST(a_copy_with_the_same_date_is_a_link)
{
	struct mail_info info = { .guid = "copy", .received = 1000000000 };
	struct err err = ERR_INIT;
	struct stat st;
	struct dirent *de;
	DIR *dir;

	mf_make_dirs();
	mf_open(false);
	ck_assert_int_eq(mf_try_append("g", "x\n", NULL, 0), ERR_NONE);
	ck_assert_int_eq(mf.d->copy(mf.box, &info, mf.box, 1, "g", 1, &err), 0);
	mf_flush();
	info.received = 1000000001;
	ck_assert_int_eq(mf.d->copy(mf.box, &info, mf.box, 1, "g", 1, &err), 0);
	mf_flush();
	mf_expect("1 g 00\n2 copy 00\n3 copy 00\n");
	dir = opendir(tempdir_path("cur"));
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		ck_assert_int_eq(fstatat(dirfd(dir), de->d_name, &st, 0), 0);
		ck_assert_uint_eq(st.st_nlink,
		    st.st_mtime == 1000000000 ? 2 : 1);
		ck_assert_ptr_nonnull(strstr(de->d_name, ",S=2,W=3:2,"));
	}
	closedir(dir);
	mf_end();
}
END_TEST

static void
copy_as(const char *guid, uint32_t uid, const char *from)
{
	struct mail_info info = { .guid = guid, .received = 1000000000 };
	struct err err = ERR_INIT;

	ck_assert_int_eq(mf.d->copy(mf.box, &info, mf.box, uid, from, 1, &err),
	    0);
}

START_TEST(only_the_first_copies_of_a_batch_go_through_tmp)
{
	static const char *const guids[] = { "c0", "c1", "c2", "c3", "c4",
	    "c5", "c6", "c7" };
	uint64_t renames;

	mf_make_dirs();
	mf_open(false);
	ck_assert_int_eq(mf_try_append("g", "x\n", NULL, 0), ERR_NONE);
	for (size_t i = 0; i < nitems(guids); i++)
		copy_as(guids[i], 1, "g");
	renames = mf.store->counts.renames;
	mf_flush();
	ck_assert_uint_eq(mf.store->counts.renames, renames + 4);
	mf_expect("1 g 00\n2 c0 00\n3 c1 00\n4 c2 00\n5 c3 00\n6 c4 00\n"
	    "7 c5 00\n8 c6 00\n9 c7 00\n");
	ck_assert_uint_eq(mf_count("tmp"), 0);
	mf_end();
}
END_TEST

static void
remove_of_size(const char *size)
{
	char path[300];
	struct dirent *de;
	DIR *dir = opendir(tempdir_path("cur"));

	while ((de = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "cur/%s", de->d_name);
		if (strstr(de->d_name, size) != NULL)
			ck_assert_int_eq(unlink(tempdir_path(path)), 0);
	}
	closedir(dir);
}

START_TEST(a_copy_of_what_goes_before_the_flush_is_not_found)
{
	static const char *const guids[] = { "c0", "c1", "c2", "c3" };

	mf_make_dirs();
	mf_open(false);
	ck_assert_int_eq(mf_try_append("g", "x\n", NULL, 0), ERR_NONE);
	ck_assert_int_eq(mf_try_append("h", "yy\n", NULL, 0), ERR_NONE);
	for (size_t i = 0; i < nitems(guids); i++)
		copy_as(guids[i], 1, "g");
	copy_as("c4", 2, "h");
	remove_of_size(",S=3,");
	mf.answered = 0;
	mf_flush();
	ck_assert_uint_eq(mf.answered, 5);
	ck_assert_int_eq(mf.failure, ERR_NOTFOUND);
	mf_expect("1 g 00\n3 c0 00\n4 c1 00\n5 c2 00\n6 c3 00\n");
	copy_as("c4", 1, "g");
	remove_of_size(",S=2,");
	mf_flush();
	ck_assert_int_eq(mf.answer, ERR_NONE);
	mf_expect("8 c4 00\n");
	mf_end();
}
END_TEST

START_TEST(messages_are_found_in_any_order)
{
	static const uint32_t order[] = { 50, 51, 49, 49, 100, 1, 60, 61, 31,
	    32, 33, 34, 2, 64, 65, 99, 98 };
	char text[8192] = HEADER, name[40], guid[20];
	struct err err = ERR_INIT;
	size_t len = strlen(text);

	mf_make_dirs();
	for (unsigned int uid = 1; uid <= 100; uid++) {
		if (uid == 60)
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%u :m%u\n", uid, uid);
		snprintf(name, sizeof(name), "cur/m%u:2,", uid);
		tempdir_write(name, "x\n");
	}
	tempdir_write("dovecot-uidlist", text);
	mf_open(false);
	for (size_t i = 0; i < nitems(order); i++) {
		snprintf(guid, sizeof(guid), "m%u", order[i]);
		ck_assert_int_eq(mf.d->expunge(mf.box, order[i], guid, i,
		    &err), 0);
	}
	mf_flush();
	ck_assert_uint_eq(mf.answered, nitems(order));
	ck_assert_uint_eq(mf_count("cur"), 99 - (nitems(order) - 2));
	for (size_t i = 0; i < nitems(order); i++) {
		snprintf(name, sizeof(name), "cur/m%u:2,", order[i]);
		ck_assert_int_eq(access(tempdir_path(name), F_OK), -1);
	}
	mf_end();
}
END_TEST

START_TEST(a_mailbox_that_got_mail_while_it_was_removed_comes_back)
{
	mf_make_dirs();
	mf_open(false);
	mf_close();
	/* As a process leaves it that dies between the two looks. */
	ck_assert_int_eq(mkdir(tempdir_path("..dsync-removed.A"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("..dsync-removed.A/cur"), 0700),
	    0);
	ck_assert_int_eq(mkdir(tempdir_path("..dsync-removed.A/new"), 0700),
	    0);
	tempdir_write("..dsync-removed.A/new/1.x", "late\n");
	mf_open(false);
	ck_assert_int_eq(access(tempdir_path(".A/new/1.x"), F_OK), 0);
	mf_end();
}
END_TEST

START_TEST(indexes_elsewhere_are_looked_at_and_moved_along)
{
	char path[4096], index[4096];
	struct mail_location loc = { .path = path, .key_count = 1 };
	struct store_options opts = { .hostname = HOST };
	struct mailbox_status status = { .uidvalidity = 1234 };
	struct store_token before, after;
	struct err err = ERR_INIT;
	struct mailbox *a;

	mf_make_dirs();
	snprintf(path, sizeof(path), "%s", tempdir_path(""));
	path[strlen(path) - 1] = '\0';
	snprintf(index, sizeof(index), "%s", tempdir_path("index"));
	loc.keys[0].key = (char *)(uintptr_t)"INDEX";
	loc.keys[0].value = index;
	ck_assert_int_eq(mkdir(index, 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("index/.A"), 0700), 0);
	ck_assert_int_eq(store_open(&mf.store, &loc, &opts, &err), 0);
	mf.d = mf.store->driver;
	ck_assert_int_eq(mf.d->mailbox_create(mf.store, "A", true, &status,
	    &err), 0);
	ck_assert_int_eq(mf.d->mailbox_open(mf.store, "A", &a, &err), 0);
	ck_assert_int_eq(mf.d->token(a, &before, &err), 0);
	tempdir_write("index/.A/dovecot.index.log", "x");
	ck_assert_int_eq(mf.d->token(a, &after, &err), 0);
	ck_assert_int_ne(memcmp(before.data, after.data, before.len), 0);
	mf.d->mailbox_close(&a);
	ck_assert_int_eq(mf.d->mailbox_rename(mf.store, "A", "B", &err), 0);
	ck_assert_int_eq(access(tempdir_path("index/.B/dovecot.index.log"),
	    F_OK), 0);
	ck_assert_int_eq(mf.d->mailbox_remove(mf.store, "B", &err), 0);
	ck_assert_int_eq(access(tempdir_path("index/.B"), F_OK), -1);
	loc.keys[0].key = (char *)(uintptr_t)"LAYOUT";
	mf_close();
	ck_assert_int_eq(store_open(&mf.store, &loc, &opts, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	tempdir_remove();
}
END_TEST

/* A child renames all messages without end while we scan. */
START_TEST(no_message_is_missed_while_its_flags_change)
{
	char from[128], to[128];
	char name[64];
	pid_t child;

	mf_make_dirs();
	for (unsigned int i = 1; i <= BUSY; i++) {
		snprintf(name, sizeof(name), "cur/%u.x:2,", i);
		tempdir_write(name, "x\n");
	}
	mf_open(false);
	child = fork();
	if (child == 0) {
		if (chdir(tempdir_path("cur")) == -1)
			_exit(1);
		for (unsigned int k = 0;; k++) {
			for (unsigned int i = 1; i <= BUSY; i++) {
				snprintf(from, sizeof(from), "%u.x:2,%s", i,
				    k % 2 ? "S" : "");
				snprintf(to, sizeof(to), "%u.x:2,%s", i,
				    k % 2 ? "" : "S");
				rename(from, to);
			}
		}
	}
	for (int i = 0; i < 50; i++) {
		size_t n = 0;

		mf_scan();
		for (const char *p = mf.found; *p != '\0'; p++)
			n += *p == '\n';
		ck_assert_uint_eq(n, BUSY);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	mf_end();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "maildir");

	tcase_add_test(tc, a_plain_maildir_gets_uids_in_the_order_of_names);
	tcase_add_test(tc, a_plain_maildir_that_is_only_read_is_not_touched);
	tcase_add_test(tc, of_two_files_of_a_message_one_is_used);
	tcase_add_test(tc, a_name_that_can_be_no_guid_still_has_one);
	tcase_add_test(tc, a_27th_keyword_is_told_and_the_message_saved);
	tcase_add_test(tc, the_keywords_file_gets_a_later_second_each_time);
	tcase_add_test(tc, a_lock_of_a_process_that_is_gone_is_taken_over);
	tcase_add_test(tc,
	    a_lock_that_is_held_is_respected_until_it_is_stale);
	tcase_add_test(tc,
	    a_flush_without_the_lock_does_nothing_and_says_so);
	tcase_add_test(tc, tmp_is_made_for_who_writes_and_not_for_who_looks);
	tcase_add_test(tc, only_old_files_of_ours_are_removed_from_tmp);
	tcase_add_test(tc, a_full_disk_loses_nothing);
	tcase_add_test(tc, a_body_that_fails_among_many_stops_no_other);
	tcase_add_test(tc, uids_of_many_mailboxes_are_made_durable_together);
	tcase_add_test(tc,
	    of_many_bodies_few_have_a_name_before_the_flush);
	tcase_add_test(tc, more_bodies_than_descriptors_are_written_too);
	tcase_add_test(tc, a_batch_of_many_is_made_durable_together);
	tcase_add_test(tc, lists_of_many_mailboxes_lose_lines_together);
	tcase_add_test(tc, a_copy_with_the_same_date_is_a_link);
	tcase_add_test(tc, only_the_first_copies_of_a_batch_go_through_tmp);
	tcase_add_test(tc, a_copy_of_what_goes_before_the_flush_is_not_found);
	tcase_add_test(tc, messages_are_found_in_any_order);
	tcase_add_test(tc,
	    a_mailbox_that_got_mail_while_it_was_removed_comes_back);
	tcase_add_test(tc, indexes_elsewhere_are_looked_at_and_moved_along);
	tcase_add_test(tc, no_message_is_missed_while_its_flags_change);
	return unit_run(suite);
}
