/* LAYOUT=fs and places besides the root: what others leave there. */
#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "model/mail_location.h"
#include "model/mailbox_name.h"
#include "store/store.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define SEP "\x1f"

static struct store *store;
static const struct store_driver *d;
static char listed[4000];	/* "name " or "name/ " for a directory */
static char told[4000];
static unsigned int problems;

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	size_t len = strlen(told);

	(void)arg;
	problems++;
	snprintf(told + len, sizeof(told) - len, "%s: %s\n", what,
	    why == NULL ? "" : why->msg);
}

/* keys: what follows the path; "~" is the folder of the test. */
static enum err_code
try_open(const char *keys, bool create)
{
	struct store_options opts = { .create = create, .alt_char = '_',
	    .hostname = "test.example" };
	struct mail_location loc;
	struct err err = ERR_INIT;
	char text[8000], home[4000];
	int r;

	snprintf(home, sizeof(home), "%s", tempdir_path(""));
	home[strlen(home) - 1] = '\0';
	snprintf(text, sizeof(text), "maildir:~/mail%s", keys);
	ck_assert_int_eq(mail_location_parse(&loc, text, home, NULL, &err),
	    0);
	r = store_open(&store, &loc, &opts, &err);
	mail_location_deinit(&loc);
	if (r == -1) {
		store = NULL;
		return err.code;
	}
	d = store->driver;
	store->problem = on_problem;
	told[0] = '\0';
	problems = 0;
	return ERR_NONE;
}

static void
begin(const char *keys)
{
	tempdir_make();
	ck_assert_int_eq(mkdir(tempdir_path("mail"), 0700), 0);
	tempdir_write("mail/file", "x");
	ck_assert_int_eq(try_open(keys, false), ERR_NONE);
}

static void
end(void)
{
	store_close(&store);
	tempdir_remove();
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

	listed[0] = told[0] = '\0';
	problems = 0;
	ck_assert_msg(d->list(store, add_listed, NULL, &err) == 0, "%s",
	    err.msg);
	return listed;
}

static bool
exists(const char *name)
{
	struct stat st;

	return lstat(tempdir_path(name), &st) == 0;
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(lstat(tempdir_path(name), &st), 0);
	return st.st_mode & 0777;
}

static void
create(const char *name)
{
	struct mailbox_status status = { .uidnext = 0 };
	struct err err = ERR_INIT;

	ck_assert_msg(d->mailbox_create(store, name, true, &status,
	    &err) == 0, "%s", err.msg);
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
	list();
	ck_assert_uint_eq(problems, 0);
	ck_assert_ptr_nonnull(strstr(listed, "INBOX "));
	ck_assert_ptr_nonnull(strstr(listed, "A "));
	ck_assert_ptr_nonnull(strstr(listed, "P" SEP "B "));
	ck_assert_ptr_nonnull(strstr(listed, "Empty/ "));
	ck_assert_ptr_nonnull(strstr(listed, "INBOX" SEP "sub "));
	ck_assert_ptr_nonnull(strstr(listed, ".hidden "));
	ck_assert_uint_eq(strlen(listed), strlen("INBOX A P.B Empty/ "
	    "INBOX.sub .hidden "));
	end();
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
	list();
	ck_assert_uint_eq(problems, 6);
	ck_assert_ptr_nonnull(strstr(told, "link: a symbolic link"));
	ck_assert_ptr_null(strchr(told, '\033'));
	ck_assert_str_eq(listed[0] == 'A' ? "A INBOX " : "INBOX A ",
	    listed[0] == 'A' ? listed : "INBOX A ");
	ck_assert_uint_eq(strlen(listed), 8);
	end();
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
	list();
	ck_assert_uint_eq(problems, 1);
	ck_assert_str_eq(listed, "INBOX ");
	end();
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
		ck_assert_int_eq(d->map_name(store, names[i][0], mapped,
		    sizeof(mapped), &err), 0);
		ck_assert_str_eq(mapped, names[i][1]);
	}
	end();
}
END_TEST

START_TEST(files_of_others_stay_where_they_are)
{
	struct err err = ERR_INIT;

	begin(":LAYOUT=fs");
	create("A");
	create("A" SEP "B");
	tempdir_write("mail/A/mine", "x");
	tempdir_write("mail/A/new/1000000000.M1P1.h", "mail\n");
	ck_assert_int_eq(d->mailbox_rename(store, "A", "C", &err), 0);
	ck_assert(exists("mail/A/mine"));
	ck_assert(exists("mail/A/B/cur"));
	ck_assert(!exists("mail/A/cur") && !exists("mail/A/new"));
	ck_assert(!exists("mail/A/dovecot-uidlist"));
	ck_assert(exists("mail/C/cur/1000000000.M1P1.h:2,"));
	ck_assert(exists("mail/C/new") && exists("mail/C/dovecot-uidlist"));
	ck_assert_int_eq(d->mailbox_remove(store, "A" SEP "B", &err), 0);
	ck_assert(exists("mail/A/mine") && !exists("mail/A/B"));
	ck_assert_int_eq(d->mailbox_remove(store, "C", &err), -1);
	ck_assert_int_eq(err.code, ERR_STALE);
	ck_assert_int_eq(unlink(tempdir_path(
	    "mail/C/cur/1000000000.M1P1.h:2,")), 0);
	tempdir_write("mail/C/cur/.keep", "x");
	ck_assert_int_eq(d->mailbox_remove(store, "C", &err), -1);
	ck_assert(exists("mail/C/new") && exists("mail/C/cur/.keep"));
	end();
}
END_TEST

START_TEST(a_half_made_mailbox_is_taken_up)
{
	begin(":LAYOUT=fs");
	make_dirs("mail/A/new");
	make_dirs("mail/A/tmp");
	tempdir_write("mail/A/dovecot-uidlist", "broken");
	ck_assert_str_eq(list(), "INBOX ");
	create("A");
	ck_assert_ptr_nonnull(strstr(list(), "A "));
	ck_assert_ptr_null(strstr(tempdir_read("mail/A/dovecot-uidlist"),
	    "broken"));
	end();
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
	create("A");
	ck_assert_uint_eq(mode_of(_i == 0 ? "mail/.A/dovecot-shared" :
	    "mail/A/dovecot-shared"), 0664);
	ck_assert_uint_eq(mode_of(_i == 0 ? "mail/.A/dovecot-uidlist" :
	    "mail/A/dovecot-uidlist"), 0664);
	ck_assert_int_eq(d->mailbox_open(store, "A", &box, &err), 0);
	ck_assert_int_eq(d->append_begin(box, &info, &writer, &err), 0);
	ck_assert_int_eq(d->append_write(writer, "x\n", 2, &err), 0);
	d->append_abort(&writer);
	d->mailbox_close(&box);
	umask(mask);
	end();
}
END_TEST

START_TEST(control_files_that_are_not_there_stop_everything)
{
	begin("");
	store_close(&store);
	ck_assert_int_eq(try_open(":CONTROL=~/control", false),
	    ERR_NOTFOUND);
	ck_assert_int_eq(try_open(":INBOX=~/inbox", false), ERR_NOTFOUND);
	ck_assert_int_eq(try_open(":INDEX=~/index", false), ERR_NONE);
	store_close(&store);
	ck_assert_int_eq(try_open(":CONTROL=~/control:INBOX=~/inbox", true),
	    ERR_NONE);
	end();
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
		store_close(&store);
		ck_assert_int_eq(try_open(known[i], false), ERR_NONE);
	}
	store_close(&store);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ck_assert_int_eq(try_open(refused[i], false), ERR_CONFIG);
	end();
}
END_TEST

static void
guid_hex(const char *name, char hex[static GUID_HEX_SIZE])
{
	struct mailbox_status status;
	struct err err = ERR_INIT;
	struct mailbox *box;

	ck_assert_msg(d->mailbox_open(store, name, &box, &err) == 0, "%s",
	    err.msg);
	ck_assert_int_eq(d->status(box, &status, &err), 0);
	d->mailbox_close(&box);
	guid_format(&status.guid, hex);
}

START_TEST(with_names_in_the_index_a_directory_is_a_guid)
{
	char inbox[GUID_HEX_SIZE], a[GUID_HEX_SIZE], path[100];
	struct err err = ERR_INIT;

	begin(":LAYOUT=index");
	guid_hex("INBOX", inbox);
	create("a/b" SEP "~^" SEP "cur");
	guid_hex("a/b" SEP "~^" SEP "cur", a);
	snprintf(path, sizeof(path), "mail/%s/cur", a);
	ck_assert(exists(path));
	snprintf(path, sizeof(path), "mail/%s/cur", inbox);
	ck_assert(exists(path));
	ck_assert_str_eq(list(), "INBOX a/b" SEP "~^" SEP "cur ");
	ck_assert_int_eq(d->subscribe(store, "~x" SEP "y^/z", true, &err),
	    0);
	ck_assert_str_eq(tempdir_read("mail/subscriptions"),
	    "V\t2\n\n^7ex\ty^5e^2fz\n");
	ck_assert_int_eq(d->mailbox_remove(store, "a/b" SEP "~^" SEP "cur",
	    &err), 0);
	snprintf(path, sizeof(path), "mail/%s", a);
	ck_assert(!exists(path));
	ck_assert_str_eq(list(), "INBOX ");
	end();
}
END_TEST

START_TEST(a_directory_that_kept_an_old_guid_is_found)
{
	char hex[GUID_HEX_SIZE], again[GUID_HEX_SIZE], path[100];
	const char *old = "mail/00112233445566778899aabbccddeeff";

	begin(":LAYOUT=index");
	create("A");
	guid_hex("A", hex);
	snprintf(path, sizeof(path), "mail/%s", hex);
	ck_assert_int_eq(rename(tempdir_path(path), tempdir_path(old)), 0);
	guid_hex("A", again);
	ck_assert_str_eq(again, hex);
	ck_assert(exists(path) && !exists(old));
	end();
}
END_TEST

START_TEST(a_lost_list_of_names_is_not_taken_for_no_mailboxes)
{
	char hex[GUID_HEX_SIZE], path[100];
	struct err err = ERR_INIT;
	struct mailbox *box;

	begin(":LAYOUT=index");
	create("A");
	guid_hex("A", hex);
	snprintf(path, sizeof(path), "mail/%s/new/1000000000.M1P1.h", hex);
	tempdir_write(path, "mail\n");
	store_close(&store);
	ck_assert_int_eq(unlink(tempdir_path("mail/dovecot.list.index.log")),
	    0);
	(void)unlink(tempdir_path("mail/dovecot.list.index"));
	ck_assert_int_eq(try_open(":LAYOUT=index", false), ERR_NONE);
	ck_assert_int_eq(d->list(store, add_listed, NULL, &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	ck_assert_int_eq(d->mailbox_open(store, "INBOX", &box, &err), -1);
	end();
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
