/* The ALT storage of an sdbox: what happens to it as mailboxes get other names. */
#include "config.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/mail_location.h"
#include "store/store.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define SEP	"\x1f"
#define BODY	"Subject: a\n\nold\n"
#define MAILS	3
#define STEPS_MAX	100U

static const char *const guids[MAILS] = {
	"00112233445566778899aabbccddeef1", "00112233445566778899aabbccddeef2",
	"00112233445566778899aabbccddeef3",
};

static struct store *store;
static const struct store_driver *d;
static char listed[1000];

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
	struct store_options opts = { .create = true, .alt_char = '_',
	    .hostname = "test.example" };
	struct mail_location loc;
	struct err err = ERR_INIT;
	char text[1000], home[1000];

	snprintf(home, sizeof(home), "%s", tempdir_path(""));
	home[strlen(home) - 1] = '\0';
	snprintf(text, sizeof(text), "sdbox:~/mail:ALT=~/alt%s", keys);
	ck_assert_int_eq(mail_location_parse(&loc, text, home, NULL, &err),
	    0);
	ck_assert_msg(store_open(&store, &loc, &opts, &err) == 0, "%s",
	    err.msg);
	mail_location_deinit(&loc);
	store->step = on_step;
	d = store->driver;
}

static int
add_listed(const struct store_listing *listing, void *arg, struct err *err)
{
	size_t len = strlen(listed);

	(void)arg;
	(void)err;
	snprintf(listed + len, sizeof(listed) - len, "%s%s ", listing->name,
	    listing->selectable ? "" : "/");
	return 0;
}

static const char *
list(void)
{
	struct err err = ERR_INIT;

	listed[0] = '\0';
	ck_assert_msg(d->list(store, add_listed, NULL, &err) == 0, "%s",
	    err.msg);
	return listed;
}

static void
create(const char *name)
{
	const struct mailbox_status status = { .uidnext = 0 };
	struct err err = ERR_INIT;

	ck_assert_msg(d->mailbox_create(store, name, true, &status,
	    &err) == 0, "%s", err.msg);
}

static void
on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag;
	(void)uid;
	(void)modseq;
	(void)arg;
	ck_assert_ptr_null(failure);
}

static void
append(const char *name, const char *guid)
{
	const struct mail_info info = { .guid = guid, .received = 1 };
	struct mail_writer *writer;
	struct mailbox *box;
	struct err err = ERR_INIT;

	ck_assert_int_eq(d->mailbox_open(store, name, &box, &err), 0);
	ck_assert_int_eq(d->append_begin(box, &info, &writer, &err), 0);
	ck_assert_int_eq(d->append_write(writer, BODY, strlen(BODY), &err),
	    0);
	ck_assert_int_eq(d->append_commit(&writer, 0, &err), 0);
	ck_assert_int_eq(d->flush(store, on_done, NULL, &err), 0);
	d->mailbox_close(&box);
}

static bool
exists(const char *name)
{
	struct stat st;

	return lstat(tempdir_path(name), &st) == 0;
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
	ck_assert_str_eq(list(), "INBOX ");
	create("a" SEP "b");
	for (size_t i = 0; i < MAILS; i++)
		append("a" SEP "b", guids[i]);
	altmove("a/b", 1);
	altmove("a/b", 2);
}

static void
end(void)
{
	store_close(&store);
	tempdir_remove();
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

	ck_assert_msg(d->mailbox_open(store, name, &box, &err) == 0, "%s",
	    err.msg);
	for (size_t i = 0; i < MAILS; i++) {
		if (d->reader_open(box, (uint32_t)i + 1, guids[i], &reader,
		    &info, &err) == -1)
			continue;
		n += d->reader_read(reader, buf, sizeof(buf), &err) ==
		    (ptrdiff_t)strlen(BODY);
		d->reader_close(&reader);
	}
	d->mailbox_close(&box);
	return n;
}

/* From a/b to c/d. */
static enum err_code
rename_box(void)
{
	struct err err = ERR_INIT;

	return d->mailbox_rename(store, "a" SEP "b", "c" SEP "d",
	    &err) == 0 ? ERR_NONE : err.code;
}

START_TEST(a_renamed_mailbox_takes_its_mail_along)
{
	begin(_i == 0 ? "" : ":INDEX=~/index");
	no_links = _i == 2;
	ck_assert_uint_eq(readable("a" SEP "b"), MAILS);
	ck_assert_int_eq(rename_box(), ERR_NONE);
	ck_assert_uint_eq(readable("c" SEP "d"), MAILS);
	ck_assert(exists("alt/mailboxes/c/d/dbox-Mails/u.1"));
	ck_assert(exists("alt/mailboxes/c/d/dbox-Mails/u.2"));
	ck_assert(!exists("alt/mailboxes/a"));
	end();
}
END_TEST

START_TEST(a_mailbox_below_a_renamed_one_keeps_its_mail)
{
	struct err err = ERR_INIT;

	begin("");
	create("a");
	ck_assert_int_eq(d->mailbox_rename(store, "a", "a" SEP "b" SEP "c",
	    &err), 0);
	ck_assert_uint_eq(readable("a" SEP "b"), MAILS);
	ck_assert_int_eq(d->mailbox_rename(store, "a" SEP "b",
	    "a" SEP "b" SEP "d", &err), 0);
	ck_assert_uint_eq(readable("a" SEP "b" SEP "d"), MAILS);
	end();
}
END_TEST

START_TEST(a_name_by_which_the_alt_storage_has_other_mail_is_refused)
{
	begin("");
	create("c" SEP "d");
	append("c" SEP "d", guids[1]);
	altmove("c/d", 1);
	ck_assert_int_eq(rename(tempdir_path("mail/mailboxes/c"),
	    tempdir_path("mail/mailboxes/e")), 0);
	ck_assert_int_eq(rename_box(), ERR_REFUSED);
	ck_assert_uint_eq(readable("a" SEP "b"), MAILS);
	ck_assert(exists("alt/mailboxes/c/d/dbox-Mails/u.1"));
	ck_assert(!exists("alt/mailboxes/c/d/dbox-Mails/u.2"));
	end();
}
END_TEST

START_TEST(a_mailbox_whose_alt_storage_is_away_keeps_its_name)
{
	begin("");
	store_close(&store);
	ck_assert_int_eq(rename(tempdir_path("alt"), tempdir_path("away")),
	    0);
	/* Not mounted, there is an empty directory. */
	if (_i == 1)
		ck_assert_int_eq(mkdir(tempdir_path("alt"), 0700), 0);
	open_store("");
	ck_assert_int_eq(rename_box(), ERR_REFUSED);
	ck_assert_str_eq(list(), "INBOX a" SEP "b ");
	store_close(&store);
	if (_i == 1)
		ck_assert_int_eq(rmdir(tempdir_path("alt")), 0);
	ck_assert_int_eq(rename(tempdir_path("away"), tempdir_path("alt")),
	    0);
	open_store("");
	ck_assert_int_eq(rename_box(), ERR_NONE);
	ck_assert_uint_eq(readable("c" SEP "d"), MAILS);
	end();
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
		store_close(&store);
		open_store("");
		there = strstr(list(), "c" SEP "d") != NULL ? "c" SEP "d" :
		    "a" SEP "b";
		ck_assert_uint_eq(readable(there), MAILS);
		if (strcmp(there, "a" SEP "b") == 0)
			ck_assert_int_eq(rename_box(), ERR_NONE);
		ck_assert_uint_eq(readable("c" SEP "d"), MAILS);
		end();
	}
}
END_TEST

START_TEST(of_a_removed_mailbox_nothing_stays)
{
	struct err err = ERR_INIT;

	begin("");
	create("c" SEP "d");
	ck_assert_int_eq(mkdir(tempdir_path("alt/mailboxes/c"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("alt/mailboxes/c/d"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("alt/mailboxes/c/d/dbox-Mails"),
	    0700), 0);
	tempdir_write("alt/mailboxes/c/d/dbox-Mails/u.7", "left over");
	ck_assert_int_eq(d->mailbox_remove(store, "c" SEP "d", &err), 0);
	ck_assert(!exists("alt/mailboxes/c"));
	/* It is not empty. */
	ck_assert_int_eq(d->mailbox_remove(store, "a" SEP "b", &err), -1);
	ck_assert_uint_eq(readable("a" SEP "b"), MAILS);
	end();
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
