/* A Maildir in which somebody has laid snares: links, files of others. */
#include "config.h"

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "tests/support/maildir_fixture.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define CANARY	"canary: not to be seen\n"

/* The canary lies outside; nothing we read may be its bytes. */
START_TEST(nothing_but_regular_files_is_a_message)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;
	char outside[] = "/tmp/dsync-canary-XXXXXX";
	int fd = mkstemp(outside);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, CANARY, strlen(CANARY)),
	    (int)strlen(CANARY));
	close(fd);
	mf_make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "5 :link\n6 :fifo\n7 :dir\n"
	    "8 :good\n");
	ck_assert_int_eq(symlink(outside, tempdir_path("cur/link:2,S")), 0);
	ck_assert_int_eq(mkfifo(tempdir_path("cur/fifo:2,S"), 0600), 0);
	ck_assert_int_eq(mkdir(tempdir_path("cur/dir:2,S"), 0700), 0);
	ck_assert_int_eq(symlink("/nonexistent", tempdir_path("new/x")), 0);
	tempdir_write("cur/good:2,S", "ok\n");
	mf_open(false);
	ck_assert_uint_eq(mf.problems, 4);
	mf_expect("8 good 08\n");
	for (uint32_t uid = 5; uid <= 7; uid++)
		ck_assert_int_eq(mf.d->reader_open(mf.box, uid,
		    uid == 5 ? "link" : uid == 6 ? "fifo" : "dir", &reader,
		    &info, &err), -1);
	unlink(outside);
	mf_end();
}
END_TEST

START_TEST(a_message_that_becomes_a_link_is_not_followed)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;

	mf_make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	tempdir_write("canary", CANARY);
	mf_open(false);
	mf_expect("1 a 00\n");
	ck_assert_int_eq(unlink(tempdir_path("cur/a:2,")), 0);
	ck_assert_int_eq(symlink("../canary", tempdir_path("cur/a:2,")), 0);
	ck_assert_int_eq(mf.d->reader_open(mf.box, 1, "a", &reader, &info,
	    &err), -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	mf_end();
}
END_TEST

START_TEST(a_linked_directory_is_not_followed)
{
	static const char *const dirs[] = { "cur", "new", "tmp" };

	mf_make_dirs();
	ck_assert_int_eq(mkdir(tempdir_path("elsewhere"), 0700), 0);
	tempdir_write("elsewhere/canary", CANARY);
	ck_assert_int_eq(mkdir(tempdir_path(".A"), 0700), 0);
	for (size_t i = 0; i < nitems(dirs); i++) {
		struct err err = ERR_INIT;
		struct mailbox *other;
		char name[32];

		mf_open(false);
		snprintf(name, sizeof(name), ".A/%s", dirs[i]);
		rmdir(tempdir_path(name));
		ck_assert_int_eq(symlink("../elsewhere", tempdir_path(name)),
		    0);
		ck_assert_int_eq(mf.d->mailbox_open(mf.store, "A", &other,
		    &err), -1);
		ck_assert_int_eq(err.code, ERR_PERM);
		ck_assert_int_eq(unlink(tempdir_path(name)), 0);
		mf_close();
	}
	tempdir_write(".A/file", "");
	mf_end();
}
END_TEST

static int
on_list(const struct store_listing *listing, void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	strcat(mf.found, listing->name);
	strcat(mf.found, "|");
	return 0;
}

START_TEST(what_is_no_mailbox_is_left_out_of_the_list)
{
	static const char *const bad[] = { ".a..b", ".a.", ".&bad", ".\xff",
	    ".inbox", ".INBOX", ".~x", ".a\nb", ".&AGE-" };
	struct err err = ERR_INIT;

	mf_make_dirs();
	mf_open(false);
	for (size_t i = 0; i < nitems(bad); i++)
		ck_assert_int_eq(mkdir(tempdir_path(bad[i]), 0700), 0);
	ck_assert_int_eq(symlink("cur", tempdir_path(".link")), 0);
	ck_assert_int_eq(mkdir(tempdir_path("..DOVECOT-TRASHED"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("plain"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path(".INBOX.x"), 0700), 0);
	tempdir_write(".file", "");
	mf.found[0] = '\0';
	ck_assert_int_eq(mf.d->list(mf.store, on_list, NULL, &err), 0);
	ck_assert_str_eq(mf.found, "INBOX|INBOX\x1fx|");
	ck_assert_uint_eq(mf.problems, nitems(bad) + 1);
	mf_end();
}
END_TEST

START_TEST(a_file_of_somebody_else_is_not_read)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;

	mf_make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	if (chown(tempdir_path("cur/a:2,"), 12345, (gid_t)-1) == -1) {
		tempdir_remove();
		return;		/* only root can try this */
	}
	mf_open(false);
	ck_assert_int_eq(mf.d->reader_open(mf.box, 1, "a", &reader, &info,
	    &err), -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	mf_close();
	tempdir_write("dovecot-uidlist", HEADER);
	ck_assert_int_eq(chown(tempdir_path("dovecot-uidlist"), 12345,
	    (gid_t)-1), 0);
	ck_assert_int_eq(mf_try_open(false, 0), ERR_PERM);
	mf_end();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "maildir_hostile");

	tcase_add_test(tc, nothing_but_regular_files_is_a_message);
	tcase_add_test(tc, a_message_that_becomes_a_link_is_not_followed);
	tcase_add_test(tc, a_linked_directory_is_not_followed);
	tcase_add_test(tc, what_is_no_mailbox_is_left_out_of_the_list);
	tcase_add_test(tc, a_file_of_somebody_else_is_not_read);
	return unit_run(suite);
}
