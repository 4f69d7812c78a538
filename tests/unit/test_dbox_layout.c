/* LAYOUT=index of a dbox: what a crash, or the loss of the list, leaves. */
#include "config.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "model/mailbox_name.h"
#include "tests/support/tempdir.h"
#include "tests/support/tree_fixture.h"
#include "tests/support/unit.h"

#define FORMATS	2
#define OLD	"00112233445566778899aabbccddeeff"

static const char *const formats[FORMATS] = { "sdbox", "mdbox" };


static enum err_code
try_open(int format, const char *keys)
{
	return tf_try_open(formats[format], keys, true);
}

static void
begin(int format, const char *keys)
{
	tempdir_make();
	ck_assert_int_eq(mkdir(tempdir_path("alt"), 0700), 0);
	ck_assert_int_eq(try_open(format, keys), ERR_NONE);
	ck_assert_str_eq(tf_list(), "INBOX ");
}

static void
guid_hex(const char *name, char out[static GUID_HEX_SIZE])
{
	struct mailbox_status status;
	struct mailbox *box;
	struct err err = ERR_INIT;

	ck_assert_msg(tf.d->mailbox_open(tf.store, name, &box, &err) == 0, "%s",
	    err.msg);
	ck_assert_int_eq(tf.d->status(box, &status, &err), 0);
	tf.d->mailbox_close(&box);
	guid_format(&status.guid, out);
}

START_TEST(a_directory_is_a_guid_whatever_the_name)
{
	const char *name = "a/b" SEP "~^" SEP "dbox-Mails" SEP "..";
	char hex[GUID_HEX_SIZE], path[100];
	struct err err = ERR_INIT;

	begin(_i, ":LAYOUT=index");
	tf_create(name);
	guid_hex(name, hex);
	snprintf(path, sizeof(path), "mail/mailboxes/%s/dovecot.index.log",
	    hex);
	ck_assert(tf_exists(path));
	ck_assert_str_eq(tf_list(), "INBOX a/b" SEP "~^" SEP "dbox-Mails" SEP
	    ".. ");
	ck_assert_int_eq(tf.d->subscribe(tf.store, "~x" SEP "y^/z", true, &err),
	    0);
	ck_assert_str_eq(tempdir_read("mail/subscriptions"),
	    "V\t2\n\n^7ex\ty^5e^2fz\n");
	ck_assert_int_eq(tf.d->mailbox_remove(tf.store, name, &err), 0);
	snprintf(path, sizeof(path), "mail/mailboxes/%s", hex);
	ck_assert(!tf_exists(path));
	ck_assert_str_eq(tf_list(), "INBOX ");
	tf_end();
}
END_TEST

START_TEST(a_directory_that_kept_an_old_guid_is_found)
{
	bool separate = _i >= FORMATS;
	char hex[GUID_HEX_SIZE], again[GUID_HEX_SIZE], path[100];
	const char *old = "mail/mailboxes/" OLD;

	begin(_i % FORMATS, separate ? ":LAYOUT=index:INDEX=~/index" :
	    ":LAYOUT=index");
	tf_create("A");
	guid_hex("A", hex);
	tf_append("A", OLD, "a: b\n");
	snprintf(path, sizeof(path), "mail/mailboxes/%s", hex);
	ck_assert_int_eq(rename(tempdir_path(path), tempdir_path(old)), 0);
	guid_hex("A", again);
	ck_assert_str_eq(again, hex);
	ck_assert(tf_exists(path) && !tf_exists(old));
	tf_end();
}
END_TEST

START_TEST(each_of_many_open_mailboxes_may_get_another_guid)
{
	static const char *const names[] = { "A", "B", "C" };
	struct mailbox_status status = { .uidnext = 1 };
	struct mailbox *boxes[nitems(names)];
	char want[GUID_HEX_SIZE], has[GUID_HEX_SIZE];
	struct err err = ERR_INIT;

	begin(_i, ":LAYOUT=index");
	for (size_t i = 0; i < nitems(names); i++) {
		tf_create(names[i]);
		ck_assert_int_eq(tf.d->mailbox_open(tf.store, names[i],
		    &boxes[i], &err), 0);
	}
	for (size_t i = 0; i < nitems(names); i++) {
		status.guid.b[0] = (uint8_t)(i + 1);
		ck_assert_int_eq(tf.d->set_status(boxes[i], &status, 0, &err),
		    0);
		ck_assert_int_eq(tf.d->flush(tf.store, tf_on_done, NULL, &err),
		    0);
	}
	for (size_t i = 0; i < nitems(names); i++) {
		tf.d->mailbox_close(&boxes[i]);
		status.guid.b[0] = (uint8_t)(i + 1);
		guid_format(&status.guid, want);
		guid_hex(names[i], has);
		ck_assert_str_eq(has, want);
	}
	tf_end();
}
END_TEST

/* Descriptors of logs of mailboxes. */
static unsigned int
open_logs(void)
{
	static const char end_of[] = "/dovecot.index.log";
	char path[300], to[1000];
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *de;
	unsigned int count = 0;
	ssize_t n;

	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "/proc/self/fd/%s", de->d_name);
		if ((n = readlink(path, to, sizeof(to) - 1)) <= 0)
			continue;
		to[n] = '\0';
		count += strstr(to, "/mailboxes/") != NULL &&
		    (size_t)n > strlen(end_of) &&
		    strcmp(to + n - strlen(end_of), end_of) == 0;
	}
	closedir(dir);
	return count;
}

/* Another process does it. */
static void
change_guid(int format, const char *keys, const char *name)
{
	struct mailbox_status status = { .guid.b = { 7 }, .uidnext = 1 };
	struct err err = ERR_INIT;
	struct mailbox *box;
	int how;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		_exit(try_open(format, keys) != ERR_NONE ||
		    tf.d->mailbox_open(tf.store, name, &box, &err) == -1 ||
		    tf.d->set_status(box, &status, 0, &err) == -1 ||
		    tf.d->flush(tf.store, tf_on_done, NULL, &err) == -1);
	ck_assert_int_eq(waitpid(pid, &how, 0), pid);
	ck_assert_int_eq(how, 0);
}

START_TEST(a_mailbox_that_gets_another_guid_meanwhile_is_open_once)
{
	const char *keys = _i < FORMATS ? ":LAYOUT=index" :
	    ":LAYOUT=index:INDEX=~/index";
	char has[GUID_HEX_SIZE];
	struct mailbox *box, *again;
	struct err err = ERR_INIT;

	begin(_i % FORMATS, keys);
	tf_create("A");
	tf_append("A", OLD, "a: b\n");
	ck_assert_int_eq(tf.d->mailbox_open(tf.store, "A", &box, &err), 0);
	change_guid(_i % FORMATS, keys, "A");
	ck_assert_int_eq(tf.d->mailbox_open(tf.store, "A", &again, &err), 0);
	ck_assert_uint_eq(open_logs(), 1);
	tf_append("A", OLD, "a: b\n");
	guid_hex("A", has);
	ck_assert_str_eq(has, "07000000000000000000000000000000");
	tf.d->mailbox_close(&box);
	tf_append("A", OLD, "a: b\n");
	tf.d->mailbox_close(&again);
	tf_append("A", OLD, "a: b\n");
	tf_end();
}
END_TEST

#define NEW	"07000000000000000000000000000000"
#define STEPS_MAX 200U

/* Of the step that is to fail; 0: none. */
static unsigned int steps, fail_at;
static int fail_as;
static char old_hex[GUID_HEX_SIZE];
static bool apart;

/* Does the name lead to the mailbox, as for somebody who follows links? */
static bool
leads(const char *hex)
{
	char path[200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/mailboxes/%s/dovecot.index.log",
	    apart ? "index" : "mail", hex);
	if (stat(tempdir_path(path), &st) == -1)
		return false;
	snprintf(path, sizeof(path), "mail/mailboxes/%s", hex);
	return stat(tempdir_path(path), &st) == 0;
}

static bool
is_listed(const uint8_t guid[static GUID_SIZE])
{
	char path[200], buf[65536];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/dovecot.list.index.log",
	    apart ? "index" : "mail");
	f = fopen(tempdir_path(path), "r");
	ck_assert_ptr_nonnull(f);
	n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	return memmem(buf, n, guid, GUID_SIZE) != NULL;
}

static int
on_step(void *arg)
{
	static const uint8_t guid[GUID_SIZE] = { 7 };

	(void)arg;
	ck_assert_msg(leads(is_listed(guid) ? NEW : old_hex), "step %u",
	    steps + 1);
	return ++steps == fail_at ? fail_as : 0;
}

static void
on_any(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag;
	(void)uid;
	(void)modseq;
	(void)failure;
	(void)arg;
}

static void
set_guid(void)
{
	struct mailbox_status status = { .guid.b = { 7 }, .uidnext = 1 };
	struct mailbox *box;
	struct err err = ERR_INIT;

	if (tf.d->mailbox_open(tf.store, "A", &box, &err) == -1)
		return;
	if (tf.d->set_status(box, &status, 0, &err) == 0)
		(void)tf.d->flush(tf.store, on_any, NULL, &err);
	tf.d->mailbox_close(&box);
}

static bool
readable(void)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct mailbox *box;
	struct err err = ERR_INIT;
	int r;

	ck_assert_msg(tf.d->mailbox_open(tf.store, "A", &box, &err) == 0, "%s",
	    err.msg);
	r = tf.d->reader_open(box, 1, OLD, &reader, &info, &err);
	if (r != -1)
		tf.d->reader_close(&reader);
	tf.d->mailbox_close(&box);
	return r != -1;
}

/* The first message of A goes to the ALT storage, as doveadm altmove does it. */
static void
altmove(void)
{
	char from[200], to[200], dirs[200];

	snprintf(from, sizeof(from), "mail/mailboxes/%s/u.1", old_hex);
	snprintf(to, sizeof(to), "alt/mailboxes/%s/u.1", old_hex);
	snprintf(dirs, sizeof(dirs), "alt/mailboxes/%s/", old_hex);
	for (char *slash = dirs; (slash = strchr(slash, '/')) != NULL;
	    *slash++ = '/') {
		*slash = '\0';
		(void)mkdir(tempdir_path(dirs), 0700);
	}
	ck_assert_int_eq(rename(tempdir_path(from), tempdir_path(to)), 0);
}

#define KEYS_APART	":LAYOUT=index:INDEX=~/index"
/* What follows the path, of which one names the ALT storage of an sdbox. */
static const struct {
	int format;
	const char *keys;
	bool apart, alt;
} variants[] = {
	{ 0, ":LAYOUT=index", false, false },
	{ 1, ":LAYOUT=index", false, false },
	{ 0, KEYS_APART, true, false },
	{ 1, KEYS_APART, true, false },
	{ 0, ":LAYOUT=index:ALT=~/alt", false, true },
	{ 0, KEYS_APART ":ALT=~/alt", true, true },
};
#define VARIANTS	((int)nitems(variants))

/* Each step of it fails, or is the last of the process. */
START_TEST(the_listed_guid_leads_to_the_mailbox_at_each_step)
{
	const char *keys = variants[_i % VARIANTS].keys;
	int format = variants[_i % VARIANTS].format;
	char hex[GUID_HEX_SIZE];
	bool over = false;

	apart = variants[_i % VARIANTS].apart;
	fail_as = _i < VARIANTS ? EIO : -1;
	for (unsigned int at = 1; !over; at++) {
		ck_assert_uint_le(at, STEPS_MAX);
		begin(format, keys);
		tf_create("A");
		tf_append("A", OLD, "a: b\n");
		guid_hex("A", old_hex);
		if (variants[_i % VARIANTS].alt)
			altmove();
		steps = 0;
		fail_at = at;
		tf.store->step = on_step;
		set_guid();
		over = steps < at;
		tf.store->step = NULL;
		store_close(&tf.store);
		ck_assert_int_eq(try_open(format, keys), ERR_NONE);
		ck_assert(readable());
		set_guid();
		store_close(&tf.store);
		ck_assert_int_eq(try_open(format, keys), ERR_NONE);
		ck_assert(readable());
		guid_hex("A", hex);
		ck_assert_str_eq(hex, NEW);
		ck_assert(leads(NEW) && !leads(old_hex));
		snprintf(tf.listed, sizeof(tf.listed), "mail/mailboxes/%s",
		    old_hex);
		ck_assert(!tf_exists(tf.listed));
		tf_end();
	}
}
END_TEST

START_TEST(a_lost_list_of_names_is_not_taken_for_no_mailboxes)
{
	struct err err = ERR_INIT;
	struct mailbox *box;

	begin(_i, ":LAYOUT=index");
	tf_create("A");
	tf_append("A", OLD, "a: b\n");
	store_close(&tf.store);
	ck_assert_int_eq(unlink(tempdir_path("mail/dovecot.list.index.log")),
	    0);
	(void)unlink(tempdir_path("mail/dovecot.list.index"));
	ck_assert_int_eq(try_open(_i, ":LAYOUT=index"), ERR_NONE);
	ck_assert_int_eq(tf_try_list(&err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	ck_assert_int_eq(tf.d->mailbox_open(tf.store, "INBOX", &box, &err), -1);
	tf_end();
}
END_TEST

START_TEST(layouts_that_a_dbox_cannot_have_are_refused)
{
	static const char *const refused[] = { ":LAYOUT=maildir++",
	    ":LAYOUT=imapdir", ":LAYOUT=index:LISTINDEX=other" };

	tempdir_make();
	for (size_t i = 0; i < nitems(refused); i++)
		ck_assert_int_eq(try_open(_i, refused[i]), ERR_CONFIG);
	tempdir_remove();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "dbox_layout");

	tcase_add_loop_test(tc, a_directory_is_a_guid_whatever_the_name, 0,
	    FORMATS);
	tcase_add_loop_test(tc, a_directory_that_kept_an_old_guid_is_found,
	    0, 2 * FORMATS);
	tcase_add_loop_test(tc,
	    each_of_many_open_mailboxes_may_get_another_guid, 0, FORMATS);
	tcase_add_loop_test(tc,
	    a_mailbox_that_gets_another_guid_meanwhile_is_open_once, 0,
	    2 * FORMATS);
	tcase_add_loop_test(tc,
	    the_listed_guid_leads_to_the_mailbox_at_each_step, 0,
	    2 * VARIANTS);
	tcase_add_loop_test(tc,
	    a_lost_list_of_names_is_not_taken_for_no_mailboxes, 0, FORMATS);
	tcase_add_loop_test(tc,
	    layouts_that_a_dbox_cannot_have_are_refused, 0, FORMATS);
	return unit_run(suite);
}
