/* LAYOUT=fs and places besides the root: what others leave there. */
#include "config.h"

#include <sys/stat.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "model/mailbox_name.h"
#include "tests/support/tempdir.h"
#include "tests/support/tree_fixture.h"
#include "tests/support/unit.h"

static enum err_code
try_open(const char *keys, bool create)
{
	return tf_try_open("maildir", keys, create);
}

static void
begin(const char *keys)
{
	tempdir_make();
	ck_assert_int_eq(mkdir(tempdir_path("mail"), 0700), 0);
	tempdir_write("mail/file", "x");
	ck_assert_int_eq(try_open(keys, false), ERR_NONE);
}

/* Make directories, one in the other. */
static void
make_dirs(const char *path)
{
	char part[1000];

	for (const char *p = path; (p = strchr(p, '/')) != NULL; p++) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
		(void)mkdir(tempdir_path(part), 0700);
	}
	ck_assert_int_eq(mkdir(tempdir_path(path), 0700), 0);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(lstat(tempdir_path(name), &st), 0);
	return st.st_mode & 0777;
}

START_TEST(only_directories_with_cur_are_mailboxes)
{
	begin(":LAYOUT=fs");
	make_dirs("mail/A/cur");
	make_dirs("mail/P/B/cur");
	make_dirs("mail/Empty");
	make_dirs("mail/Files");
	tempdir_write("mail/Files/notes", "x");
	make_dirs("mail/lost+found");
	make_dirs("mail/subscriptions/cur");
	make_dirs("mail/dovecot.index.x/cur");
	make_dirs("mail/INBOX/sub/cur");
	make_dirs("mail/.hidden/cur");
	tf_list();
	ck_assert_uint_eq(tf.problems, 0);
	ck_assert_ptr_nonnull(strstr(tf.listed, "INBOX "));
	ck_assert_ptr_nonnull(strstr(tf.listed, "A "));
	ck_assert_ptr_nonnull(strstr(tf.listed, "P" SEP "B "));
	ck_assert_ptr_nonnull(strstr(tf.listed, "Empty/ "));
	ck_assert_ptr_nonnull(strstr(tf.listed, "INBOX" SEP "sub "));
	ck_assert_ptr_nonnull(strstr(tf.listed, ".hidden "));
	ck_assert_uint_eq(strlen(tf.listed), strlen("INBOX A P.B Empty/ "
	    "INBOX.sub .hidden "));
	tf_end();
}
END_TEST

START_TEST(what_looks_like_a_mailbox_and_is_none_is_told)
{
	begin(":LAYOUT=fs");
	make_dirs("outside/cur");
	ck_assert_int_eq(symlink(tempdir_path("outside"),
	    tempdir_path("mail/link")), 0);
	ck_assert_int_eq(symlink(tempdir_path("mail/file"),
	    tempdir_path("mail/to-a-file")), 0);
	ck_assert_int_eq(mkfifo(tempdir_path("mail/fifo"), 0600), 0);
	make_dirs("mail/&bad");
	make_dirs("mail/inbox/cur");
	make_dirs("mail/INBOX/cur");
	make_dirs("mail/raw\xff");
	make_dirs("mail/esc\033[2J");
	make_dirs("mail/A/cur");
	tf_list();
	ck_assert_uint_eq(tf.problems, 6);
	ck_assert_ptr_nonnull(strstr(tf.told, "link: a symbolic link"));
	ck_assert_ptr_null(strchr(tf.told, '\033'));
	ck_assert_str_eq(tf.listed[0] == 'A' ? "A INBOX " : "INBOX A ",
	    tf.listed[0] == 'A' ? tf.listed : "INBOX A ");
	ck_assert_uint_eq(strlen(tf.listed), 8);
	tf_end();
}
END_TEST

START_TEST(directories_without_end_are_not_followed)
{
	char path[2000] = "mail";
	size_t len;

	begin(":LAYOUT=fs");
	for (unsigned int i = 0; i < NAME_DEPTH_MAX + 5; i++) {
		len = strlen(path);
		snprintf(path + len, sizeof(path) - len, "/d");
		ck_assert_int_eq(mkdir(tempdir_path(path), 0700), 0);
	}
	tf_list();
	ck_assert_uint_eq(tf.problems, 1);
	ck_assert_str_eq(tf.listed, "INBOX ");
	tf_end();
}
END_TEST

START_TEST(a_name_that_is_no_directory_of_a_mailbox_is_mapped)
{
	static const char *const names[][2] = {
		{ "cur", "_ur" }, { "A" SEP "new", "A" SEP "_ew" },
		{ "..", "_." }, { "a/b", "a_b" }, { "a.b", "a.b" },
		{ "dovecot-uidlist", "_ovecot-uidlist" },
		{ "dovecot-devel", "dovecot-devel" },
		{ "subscriptions", "_ubscriptions" },
		{ "A" SEP "subscriptions", "A" SEP "subscriptions" },
		{ "~x", "_x" }, { "Inbox", "_nbox" },
	};
	char mapped[NAME_MAX_BYTES];
	struct err err = ERR_INIT;

	begin(":LAYOUT=fs");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(tf.d->map_name(tf.store, names[i][0], mapped,
		    sizeof(mapped), &err), 0);
		ck_assert_str_eq(mapped, names[i][1]);
	}
	tf_end();
}
END_TEST

START_TEST(files_of_others_stay_where_they_are)
{
	struct err err = ERR_INIT;

	begin(":LAYOUT=fs");
	tf_create("A");
	tf_create("A" SEP "B");
	tempdir_write("mail/A/mine", "x");
	tempdir_write("mail/A/new/1000000000.M1P1.h", "mail\n");
	ck_assert_int_eq(tf.d->mailbox_rename(tf.store, "A", "C", &err), 0);
	ck_assert(tf_exists("mail/A/mine"));
	ck_assert(tf_exists("mail/A/B/cur"));
	ck_assert(!tf_exists("mail/A/cur") && !tf_exists("mail/A/new"));
	ck_assert(!tf_exists("mail/A/dovecot-uidlist"));
	ck_assert(tf_exists("mail/C/cur/1000000000.M1P1.h:2,"));
	ck_assert(tf_exists("mail/C/new"));
	ck_assert(tf_exists("mail/C/dovecot-uidlist"));
	ck_assert_int_eq(tf.d->mailbox_remove(tf.store, "A" SEP "B", &err), 0);
	ck_assert(tf_exists("mail/A/mine") && !tf_exists("mail/A/B"));
	ck_assert_int_eq(tf.d->mailbox_remove(tf.store, "C", &err), -1);
	ck_assert_int_eq(err.code, ERR_STALE);
	ck_assert_int_eq(unlink(tempdir_path(
	    "mail/C/cur/1000000000.M1P1.h:2,")), 0);
	tempdir_write("mail/C/cur/.keep", "x");
	ck_assert_int_eq(tf.d->mailbox_remove(tf.store, "C", &err), -1);
	ck_assert(tf_exists("mail/C/new") && tf_exists("mail/C/cur/.keep"));
	tf_end();
}
END_TEST

START_TEST(a_half_made_mailbox_is_taken_up)
{
	begin(":LAYOUT=fs");
	make_dirs("mail/A/new");
	make_dirs("mail/A/tmp");
	tempdir_write("mail/A/dovecot-uidlist", "broken");
	ck_assert_str_eq(tf_list(), "INBOX ");
	tf_create("A");
	ck_assert_ptr_nonnull(strstr(tf_list(), "A "));
	ck_assert_ptr_null(strstr(tempdir_read("mail/A/dovecot-uidlist"),
	    "broken"));
	tf_end();
}
END_TEST

START_TEST(new_mailboxes_are_shared_as_the_root_is)
{
	struct mail_info info = { .received = 1000000000 };
	struct err err = ERR_INIT;
	struct mail_writer *writer;
	struct mailbox *box;
	mode_t mask = umask(077);

	tempdir_make();
	ck_assert_int_eq(mkdir(tempdir_path("mail"), 0700), 0);
	tempdir_write("mail/dovecot-shared", "");
	ck_assert_int_eq(chmod(tempdir_path("mail/dovecot-shared"), 0664),
	    0);
	ck_assert_int_eq(try_open(_i == 0 ? "" : ":LAYOUT=fs", false),
	    ERR_NONE);
	tf_create("A");
	ck_assert_uint_eq(mode_of(_i == 0 ? "mail/.A/dovecot-shared" :
	    "mail/A/dovecot-shared"), 0664);
	ck_assert_uint_eq(mode_of(_i == 0 ? "mail/.A/dovecot-uidlist" :
	    "mail/A/dovecot-uidlist"), 0664);
	ck_assert_int_eq(tf.d->mailbox_open(tf.store, "A", &box, &err), 0);
	ck_assert_int_eq(tf.d->append_begin(box, &info, &writer, &err), 0);
	ck_assert_int_eq(tf.d->append_write(writer, "x\n", 2, &err), 0);
	tf.d->append_abort(&writer);
	tf.d->mailbox_close(&box);
	umask(mask);
	tf_end();
}
END_TEST

START_TEST(control_files_that_are_not_there_stop_everything)
{
	begin("");
	store_close(&tf.store);
	ck_assert_int_eq(try_open(":CONTROL=~/control", false),
	    ERR_NOTFOUND);
	ck_assert_int_eq(try_open(":INBOX=~/inbox", false), ERR_NOTFOUND);
	ck_assert_int_eq(try_open(":INDEX=~/index", false), ERR_NONE);
	store_close(&tf.store);
	ck_assert_int_eq(try_open(":CONTROL=~/control:INBOX=~/inbox", true),
	    ERR_NONE);
	tf_end();
}
END_TEST

START_TEST(keys_are_known_or_refused)
{
	static const char *const known[] = { ":BROKENCHAR=^:INDEX=~/i:ITERINDEX",
	    ":LAYOUT=maildir++:NO-NOSELECT:VOLATILEDIR=/x:LISTINDEX=li",
	    ":LAYOUT=FS:FULLDIRNAME=x:NO-FS-VALIDATION" };
	static const char *const refused[] = { ":LAYOUT=imapdir",
	    ":DIRNAME=x", ":LAYOUT=fs:DIRNAME=a/b", ":NOSUCH",
	    ":CONTROL=relative", ":SUBSCRIPTIONS=../x", ":MAILBOXDIR=x",
	    ":LAYOUT=index:INDEX=MEMORY", ":LAYOUT=index:INBOX=~/inbox",
	    ":BROKENCHAR=ab", ":BROKENCHAR", ":ITERINDEX",
	    ":ITERINDEX:INDEX=MEMORY", ":LISTINDEX=a/b:INDEX=MEMORY" };

	begin("");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		store_close(&tf.store);
		ck_assert_int_eq(try_open(known[i], false), ERR_NONE);
	}
	store_close(&tf.store);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ck_assert_int_eq(try_open(refused[i], false), ERR_CONFIG);
	tf_end();
}
END_TEST

static void
guid_hex(const char *name, char hex[static GUID_HEX_SIZE])
{
	struct mailbox_status status;
	struct err err = ERR_INIT;
	struct mailbox *box;

	ck_assert_msg(tf.d->mailbox_open(tf.store, name, &box, &err) == 0, "%s",
	    err.msg);
	ck_assert_int_eq(tf.d->status(box, &status, &err), 0);
	tf.d->mailbox_close(&box);
	guid_format(&status.guid, hex);
}

START_TEST(with_names_in_the_index_a_directory_is_a_guid)
{
	char inbox[GUID_HEX_SIZE], a[GUID_HEX_SIZE], path[100];
	struct err err = ERR_INIT;

	begin(":LAYOUT=index");
	guid_hex("INBOX", inbox);
	tf_create("a/b" SEP "~^" SEP "cur");
	guid_hex("a/b" SEP "~^" SEP "cur", a);
	snprintf(path, sizeof(path), "mail/%s/cur", a);
	ck_assert(tf_exists(path));
	snprintf(path, sizeof(path), "mail/%s/cur", inbox);
	ck_assert(tf_exists(path));
	ck_assert_str_eq(tf_list(), "INBOX a/b" SEP "~^" SEP "cur ");
	ck_assert_int_eq(tf.d->subscribe(tf.store, "~x" SEP "y^/z", true, &err),
	    0);
	ck_assert_str_eq(tempdir_read("mail/subscriptions"),
	    "V\t2\n\n^7ex\ty^5e^2fz\n");
	ck_assert_int_eq(tf.d->mailbox_remove(tf.store,
	    "a/b" SEP "~^" SEP "cur", &err), 0);
	snprintf(path, sizeof(path), "mail/%s", a);
	ck_assert(!tf_exists(path));
	ck_assert_str_eq(tf_list(), "INBOX ");
	tf_end();
}
END_TEST

START_TEST(a_directory_that_kept_an_old_guid_is_found)
{
	char hex[GUID_HEX_SIZE], again[GUID_HEX_SIZE], path[100];
	const char *old = "mail/00112233445566778899aabbccddeeff";

	begin(":LAYOUT=index");
	tf_create("A");
	guid_hex("A", hex);
	snprintf(path, sizeof(path), "mail/%s", hex);
	ck_assert_int_eq(rename(tempdir_path(path), tempdir_path(old)), 0);
	guid_hex("A", again);
	ck_assert_str_eq(again, hex);
	ck_assert(tf_exists(path) && !tf_exists(old));
	tf_end();
}
END_TEST

START_TEST(a_lost_list_of_names_is_not_taken_for_no_mailboxes)
{
	char hex[GUID_HEX_SIZE], path[100];
	struct err err = ERR_INIT;
	struct mailbox *box;

	begin(":LAYOUT=index");
	tf_create("A");
	guid_hex("A", hex);
	snprintf(path, sizeof(path), "mail/%s/new/1000000000.M1P1.h", hex);
	tempdir_write(path, "mail\n");
	store_close(&tf.store);
	ck_assert_int_eq(unlink(tempdir_path("mail/dovecot.list.index.log")),
	    0);
	(void)unlink(tempdir_path("mail/dovecot.list.index"));
	ck_assert_int_eq(try_open(":LAYOUT=index", false), ERR_NONE);
	ck_assert_int_eq(tf_try_list(&err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	ck_assert_int_eq(tf.d->mailbox_open(tf.store, "INBOX", &box, &err), -1);
	tf_end();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "maildir_layout");

	tcase_add_test(tc, only_directories_with_cur_are_mailboxes);
	tcase_add_test(tc, what_looks_like_a_mailbox_and_is_none_is_told);
	tcase_add_test(tc, directories_without_end_are_not_followed);
	tcase_add_test(tc, a_name_that_is_no_directory_of_a_mailbox_is_mapped);
	tcase_add_test(tc, files_of_others_stay_where_they_are);
	tcase_add_test(tc, a_half_made_mailbox_is_taken_up);
	tcase_add_loop_test(tc, new_mailboxes_are_shared_as_the_root_is, 0,
	    2);
	tcase_add_test(tc, control_files_that_are_not_there_stop_everything);
	tcase_add_test(tc, keys_are_known_or_refused);
	tcase_add_test(tc, with_names_in_the_index_a_directory_is_a_guid);
	tcase_add_test(tc, a_directory_that_kept_an_old_guid_is_found);
	tcase_add_test(tc,
	    a_lost_list_of_names_is_not_taken_for_no_mailboxes);
	return unit_run(suite);
}
