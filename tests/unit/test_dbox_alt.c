/* The ALT storage of an sdbox: what happens to it as mailboxes get other names. */
#include "config.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/tempdir.h"
#include "tests/support/tree_fixture.h"
#include "tests/support/unit.h"

#define BODY	"Subject: a\n\nold\n"
#define MAILS	3
#define STEPS_MAX	100U

static const char *const guids[MAILS] = {
	"00112233445566778899aabbccddeef1", "00112233445566778899aabbccddeef2",
	"00112233445566778899aabbccddeef3",
};


/* Of the step that is to fail; 0: none. */
static unsigned int steps, fail_at;
static int fail_as;

/* Is the ALT storage on a file system that knows no hard links? */
static bool no_links;

/* In place of the one in the library. */
int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	char proc[64], dir[PATH_MAX];
	struct stat st;
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", from_dir);
	n = no_links ? readlink(proc, dir, sizeof(dir) - 1) : 0;
	if (n > 0 && memmem(dir, (size_t)n, "/alt/", 5) != NULL) {
		errno = fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0 ?
		    EEXIST : EPERM;
		return -1;
	}
	return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

static int
on_step(void *arg)
{
	(void)arg;
	return ++steps == fail_at ? fail_as : 0;
}

static void
open_store(const char *keys)
{
	char all[100];

	snprintf(all, sizeof(all), ":ALT=~/alt%s", keys);
	ck_assert_int_eq(tf_try_open("sdbox", all, true), ERR_NONE);
	tf.store->step = on_step;
}

/* A message of the mailbox in storage form goes to the ALT storage. */
static void
altmove(const char *box, unsigned int uid)
{
	char from[100], to[150], dirs[100];

	snprintf(dirs, sizeof(dirs), "alt/mailboxes/%s/dbox-Mails/", box);
	for (char *p = dirs; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(tempdir_path(dirs), 0700);
		*p = '/';
	}
	snprintf(from, sizeof(from), "mail/mailboxes/%s/dbox-Mails/u.%u", box,
	    uid);
	snprintf(to, sizeof(to), "%su.%u", dirs, uid);
	ck_assert_int_eq(rename(tempdir_path(from), tempdir_path(to)), 0);
}

/* A mailbox a/b, of whose mails the first two are in the ALT storage. */
static void
begin(const char *keys)
{
	steps = fail_at = 0;
	no_links = false;
	tempdir_make();
	ck_assert_int_eq(mkdir(tempdir_path("alt"), 0700), 0);
	open_store(keys);
	ck_assert_str_eq(tf_list(), "INBOX ");
	tf_create("a" SEP "b");
	for (size_t i = 0; i < MAILS; i++)
		tf_append("a" SEP "b", guids[i], BODY);
	altmove("a/b", 1);
	altmove("a/b", 2);
}

/* How many of the mails are in this mailbox, and can be read. */
static unsigned int
readable(const char *name)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct mailbox *box;
	struct err err = ERR_INIT;
	char buf[100];
	unsigned int n = 0;

	ck_assert_msg(tf.d->mailbox_open(tf.store, name, &box, &err) == 0, "%s",
	    err.msg);
	for (size_t i = 0; i < MAILS; i++) {
		if (tf.d->reader_open(box, (uint32_t)i + 1, guids[i], &reader,
		    &info, &err) == -1)
			continue;
		n += tf.d->reader_read(reader, buf, sizeof(buf), &err) ==
		    (ptrdiff_t)strlen(BODY);
		tf.d->reader_close(&reader);
	}
	tf.d->mailbox_close(&box);
	return n;
}

/* From a/b to c/d. */
static enum err_code
rename_box(void)
{
	struct err err = ERR_INIT;

	return tf.d->mailbox_rename(tf.store, "a" SEP "b", "c" SEP "d",
	    &err) == 0 ? ERR_NONE : err.code;
}

START_TEST(a_renamed_mailbox_takes_its_mail_along)
{
	begin(_i == 0 ? "" : ":INDEX=~/index");
	no_links = _i == 2;
	ck_assert_uint_eq(readable("a" SEP "b"), MAILS);
	ck_assert_int_eq(rename_box(), ERR_NONE);
	ck_assert_uint_eq(readable("c" SEP "d"), MAILS);
	ck_assert(tf_exists("alt/mailboxes/c/d/dbox-Mails/u.1"));
	ck_assert(tf_exists("alt/mailboxes/c/d/dbox-Mails/u.2"));
	ck_assert(!tf_exists("alt/mailboxes/a"));
	tf_end();
}
END_TEST

START_TEST(a_mailbox_below_a_renamed_one_keeps_its_mail)
{
	struct err err = ERR_INIT;

	begin("");
	tf_create("a");
	ck_assert_int_eq(tf.d->mailbox_rename(tf.store, "a",
	    "a" SEP "b" SEP "c", &err), 0);
	ck_assert_uint_eq(readable("a" SEP "b"), MAILS);
	ck_assert_int_eq(tf.d->mailbox_rename(tf.store, "a" SEP "b",
	    "a" SEP "b" SEP "d", &err), 0);
	ck_assert_uint_eq(readable("a" SEP "b" SEP "d"), MAILS);
	tf_end();
}
END_TEST

START_TEST(a_name_by_which_the_alt_storage_has_other_mail_is_refused)
{
	begin("");
	tf_create("c" SEP "d");
	tf_append("c" SEP "d", guids[1], BODY);
	altmove("c/d", 1);
	ck_assert_int_eq(rename(tempdir_path("mail/mailboxes/c"),
	    tempdir_path("mail/mailboxes/e")), 0);
	ck_assert_int_eq(rename_box(), ERR_REFUSED);
	ck_assert_uint_eq(readable("a" SEP "b"), MAILS);
	ck_assert(tf_exists("alt/mailboxes/c/d/dbox-Mails/u.1"));
	ck_assert(!tf_exists("alt/mailboxes/c/d/dbox-Mails/u.2"));
	tf_end();
}
END_TEST

START_TEST(a_mailbox_whose_alt_storage_is_away_keeps_its_name)
{
	begin("");
	store_close(&tf.store);
	ck_assert_int_eq(rename(tempdir_path("alt"), tempdir_path("away")),
	    0);
	/* Not mounted, there is an empty directory. */
	if (_i == 1)
		ck_assert_int_eq(mkdir(tempdir_path("alt"), 0700), 0);
	open_store("");
	ck_assert_int_eq(rename_box(), ERR_REFUSED);
	ck_assert_str_eq(tf_list(), "INBOX a" SEP "b ");
	store_close(&tf.store);
	if (_i == 1)
		ck_assert_int_eq(rmdir(tempdir_path("alt")), 0);
	ck_assert_int_eq(rename(tempdir_path("away"), tempdir_path("alt")),
	    0);
	open_store("");
	ck_assert_int_eq(rename_box(), ERR_NONE);
	ck_assert_uint_eq(readable("c" SEP "d"), MAILS);
	tf_end();
}
END_TEST

/* Each step of a rename fails, or is the first that does not come. */
START_TEST(a_rename_that_ends_anywhere_loses_no_mail)
{
	enum err_code code = ERR_TEMP;
	const char *there;

	fail_as = _i % 2 == 0 ? EIO : -1;
	for (unsigned int at = 1; code != ERR_NONE; at++) {
		ck_assert_uint_le(at, STEPS_MAX);
		begin("");
		no_links = _i >= 2;
		steps = 0;
		fail_at = at;
		code = rename_box();
		if (steps < at)
			ck_assert_int_eq(code, ERR_NONE);
		else
			code = ERR_TEMP;
		steps = fail_at = 0;
		store_close(&tf.store);
		open_store("");
		there = strstr(tf_list(), "c" SEP "d") != NULL ? "c" SEP "d" :
		    "a" SEP "b";
		ck_assert_uint_eq(readable(there), MAILS);
		if (strcmp(there, "a" SEP "b") == 0)
			ck_assert_int_eq(rename_box(), ERR_NONE);
		ck_assert_uint_eq(readable("c" SEP "d"), MAILS);
		tf_end();
	}
}
END_TEST

START_TEST(of_a_removed_mailbox_nothing_stays)
{
	struct err err = ERR_INIT;

	begin("");
	tf_create("c" SEP "d");
	ck_assert_int_eq(mkdir(tempdir_path("alt/mailboxes/c"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("alt/mailboxes/c/d"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("alt/mailboxes/c/d/dbox-Mails"),
	    0700), 0);
	tempdir_write("alt/mailboxes/c/d/dbox-Mails/u.7", "left over");
	ck_assert_int_eq(tf.d->mailbox_remove(tf.store, "c" SEP "d", &err), 0);
	ck_assert(!tf_exists("alt/mailboxes/c"));
	/* It is not empty. */
	ck_assert_int_eq(tf.d->mailbox_remove(tf.store, "a" SEP "b", &err), -1);
	ck_assert_uint_eq(readable("a" SEP "b"), MAILS);
	tf_end();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "dbox_alt");

	tcase_add_loop_test(tc, a_renamed_mailbox_takes_its_mail_along, 0, 3);
	tcase_add_test(tc, a_mailbox_below_a_renamed_one_keeps_its_mail);
	tcase_add_test(tc,
	    a_name_by_which_the_alt_storage_has_other_mail_is_refused);
	tcase_add_loop_test(tc,
	    a_mailbox_whose_alt_storage_is_away_keeps_its_name, 0, 2);
	tcase_add_loop_test(tc, a_rename_that_ends_anywhere_loses_no_mail,
	    0, 4);
	tcase_add_test(tc, of_a_removed_mailbox_nothing_stays);
	return unit_run(suite);
}
