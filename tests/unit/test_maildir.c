/* A Maildir as others leave it: plain, damaged, hostile, or in use. */
#include "config.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "model/mail_location.h"
#include "store/files/dotlock.h"
#include "store/index/index.h"
#include "store/store.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define HOST	"test.example"
#define GUID	"0102030405060708090a0b0c0d0e0f10"
#define HEADER	"3 V1234 N50 G" GUID "\n"
#define BUSY	3000U	/* names: more than one readdir brings at once */
#define CANARY	"canary: not to be seen\n"

static struct store *store;
static struct mailbox *box;
static const struct store_driver *d;
static unsigned int problems;
static char found[200000];	/* by scan: a line for each message */
static unsigned int answered;
static enum err_code answer;

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	(void)what;
	(void)why;
	(void)arg;
	problems++;
}

static void
make_dirs(void)
{
	tempdir_make();
	ck_assert_int_eq(mkdir(tempdir_path("cur"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("new"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("tmp"), 0700), 0);
}

static enum err_code
try_open(bool readonly, unsigned int timeout)
{
	struct mail_location loc = { .driver = NULL };
	struct store_options opts = { .readonly = readonly,
	    .hostname = HOST, .lock_timeout = timeout };
	struct err err = ERR_INIT;
	char path[4096];

	snprintf(path, sizeof(path), "%s", tempdir_path(""));
	path[strlen(path) - 1] = '\0';
	loc.path = path;
	problems = 0;
	ck_assert_msg(store_open(&store, &loc, &opts, &err) == 0, "%s",
	    err.msg);
	d = store->driver;
	ck_assert_str_eq(d->name, "maildir");
	store->problem = on_problem;
	if (d->mailbox_open(store, "INBOX", &box, &err) == -1) {
		box = NULL;
		return err.code;
	}
	return ERR_NONE;
}

static void
open_store(bool readonly)
{
	ck_assert_int_eq(try_open(readonly, 0), ERR_NONE);
}

static void
close_store(void)
{
	if (box != NULL)
		d->mailbox_close(&box);
	store_close(&store);
}

static void
end(void)
{
	close_store();
	clock_set(0);
	tempdir_remove();
}

static int
on_scan(const struct mail_info *info, void *arg, struct err *err)
{
	size_t len = strlen(found);

	(void)arg;
	(void)err;
	snprintf(found + len, sizeof(found) - len, "%u %s %02x\n",
	    (unsigned int)info->uid, info->guid, info->flags);
	return 0;
}

static void
expect(const char *lines)
{
	struct err err = ERR_INIT;

	found[0] = '\0';
	ck_assert_msg(d->scan(box, on_scan, NULL, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(found, lines);
}

static void
on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag;
	(void)uid;
	(void)modseq;
	(void)arg;
	answered++;
	answer = failure == NULL ? ERR_NONE : failure->code;
}

static enum err_code
try_append(const char *guid, const char *body, const char *const *keywords,
    size_t keyword_count)
{
	struct mail_info info = { .guid = guid, .received = 1000000000,
	    .keywords = keywords, .keyword_count = keyword_count };
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	if (d->append_begin(box, &info, &writer, &err) == -1)
		return err.code;
	if (d->append_write(writer, body, strlen(body), &err) == -1) {
		d->append_abort(&writer);
		return err.code;
	}
	if (d->append_commit(&writer, 1, &err) == -1 ||
	    d->flush(store, on_done, NULL, &err) == -1)
		return err.code;
	return answer;
}

START_TEST(a_plain_maildir_gets_uids_in_the_order_of_names)
{
	make_dirs();
	tempdir_write("cur/1000000002.x:2,S", "b\n");
	tempdir_write("cur/1000000001.M20.x:2,", "a\n");
	tempdir_write("new/1000000001.M3.x", "n\n");
	open_store(false);
	expect("1 1000000001.M3.x 00\n2 1000000001.M20.x 00\n"
	    "3 1000000002.x 08\n");
	/* What is new stays new. */
	ck_assert_int_eq(access(tempdir_path("new/1000000001.M3.x"), F_OK),
	    0);
	tempdir_write("new/5.y", "late\n");
	expect("1 1000000001.M3.x 00\n2 1000000001.M20.x 00\n"
	    "3 1000000002.x 08\n4 5.y 00\n");
	end();
}
END_TEST

static size_t
count_entries(const char *name)
{
	DIR *dir = opendir(tempdir_path(name));
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;
}

START_TEST(a_plain_maildir_that_is_only_read_is_not_touched)
{
	struct mailbox_status status;
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;

	make_dirs();
	tempdir_write("cur/2.x:2,F", "b\n");
	tempdir_write("new/1.x", "a\n");
	ck_assert_int_eq(rmdir(tempdir_path("tmp")), 0);
	open_store(true);
	expect("0 1.x 00\n0 2.x 02\n");
	ck_assert_int_eq(d->status(box, &status, &err), 0);
	ck_assert(guid_is_zero(&status.guid));
	ck_assert_uint_eq(status.uidvalidity, 0);
	ck_assert_uint_eq(status.uidnext, 1);
	ck_assert_int_eq(d->reader_open(box, 0, "2.x", &reader, &info, &err),
	    0);
	ck_assert_uint_eq(info.size, 2);
	d->reader_close(&reader);
	ck_assert_uint_eq(count_entries(""), 2);
	end();
}
END_TEST

START_TEST(what_dovecot_wrote_is_what_we_see)
{
	make_dirs();
	tempdir_write("dovecot-uidlist", HEADER
	    "5 :1.M1P1.h,S=2,W=3\n"
	    "9 Gabc W24 :2.M1P1.h\n"
	    "12 :gone\n");
	tempdir_write("cur/1.M1P1.h,S=2,W=3:2,RS", "a\n");
	tempdir_write("new/2.M1P1.h", "b\n");
	open_store(false);
	expect("5 1.M1P1.h,S=2,W=3 09\n9 abc 00\n");
	ck_assert_str_eq(tempdir_read("dovecot-uidlist"), HEADER
	    "5 :1.M1P1.h,S=2,W=3\n9 Gabc W24 :2.M1P1.h\n12 :gone\n");
	end();
}
END_TEST

START_TEST(a_uidlist_of_version_1_is_converted)
{
	make_dirs();
	tempdir_write("dovecot-uidlist", "1 1234 50\n5 a.x\n9 b.x:2,S\n");
	tempdir_write("cur/a.x:2,", "a\n");
	tempdir_write("cur/b.x:2,S", "b\n");
	open_store(false);
	expect("5 a.x 00\n9 b.x 08\n");
	ck_assert_ptr_nonnull(strstr(tempdir_read("dovecot-uidlist"),
	    "3 V1234 N50 G"));
	ck_assert_ptr_nonnull(strstr(tempdir_read("dovecot-uidlist"),
	    "\n5 :a.x\n9 :b.x\n"));
	end();
}
END_TEST

/* Whatever is wrong, all messages are found, with GUIDs and new UIDs. */
START_TEST(behind_a_broken_line_messages_get_new_uids_and_keep_guids)
{
	static const char *const broken[] = { "4 :x\n", "5 :x\n", "6\n",
	    "6 :\n", "6 :x/y\n", "junk\n", "0 :x\n" };

	make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	tempdir_write("cur/b:2,", "b\n");
	tempdir_write("cur/c:2,", "c\n");
	for (size_t i = 0; i < nitems(broken); i++) {
		char text[500];

		snprintf(text, sizeof(text), HEADER "5 :a\n%s70 Gkept :b\n"
		    "80 :c\n", broken[i]);
		tempdir_write("dovecot-uidlist", text);
		open_store(false);
		expect("5 a 00\n81 kept 00\n82 c 00\n");
		ck_assert_uint_gt(problems + 1, 0);
		close_store();
		open_store(false);
		expect("5 a 00\n81 kept 00\n82 c 00\n");
		close_store();
	}
	end();
}
END_TEST

START_TEST(a_list_without_a_header_is_made_anew)
{
	static const char *const broken[] = { "", "\n", "3 V1\n5 :a\n",
	    "3 N5\n", "4 V1 N1\n", "3 V1 N1", "\xff\xfe\n5 :a\n" };
	struct mailbox_status status;
	struct err err = ERR_INIT;

	make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	for (size_t i = 0; i < nitems(broken); i++) {
		tempdir_write("dovecot-uidlist", broken[i]);
		open_store(false);
		expect("1 a 00\n");
		ck_assert_int_eq(d->status(box, &status, &err), 0);
		ck_assert_uint_gt(status.uidvalidity, 1234);
		close_store();
	}
	end();
}
END_TEST

START_TEST(a_torn_last_line_is_dropped_and_its_uid_not_given)
{
	make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "5 :a\n60 :b");
	tempdir_write("cur/a:2,", "a\n");
	tempdir_write("cur/b2:2,", "b\n");
	open_store(false);
	expect("5 a 00\n61 b2 00\n");
	end();
}
END_TEST

START_TEST(a_line_that_is_too_long_breaks_the_list)
{
	FILE *file;

	make_dirs();
	file = fopen(tempdir_path("dovecot-uidlist"), "w");
	fputs(HEADER "5 :a\n6 :", file);
	for (int i = 0; i < 200000; i++)
		fputc('x', file);
	fputs("\n70 Gkept :b\n", file);
	fclose(file);
	tempdir_write("cur/a:2,", "a\n");
	tempdir_write("cur/b:2,", "b\n");
	open_store(false);
	expect("5 a 00\n71 kept 00\n");
	end();
}
END_TEST

START_TEST(the_later_of_two_lines_counts)
{
	make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "5 :a\n6 :b\n7 :a\n");
	tempdir_write("cur/a:2,", "a\n");
	tempdir_write("cur/b:2,", "b\n");
	open_store(false);
	expect("6 b 00\n7 a 00\n");
	end();
}
END_TEST

/* The first of two messages of one mail was expunged, its line stayed. */
START_TEST(a_guid_is_not_looked_for_in_a_line_without_a_file)
{
	struct mail_reader *reader;
	struct err err = ERR_INIT;
	struct mail_info info;

	make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "5 :a\n6 :b\n7 Ga :c\n");
	tempdir_write("cur/b:2,", "b\n");
	tempdir_write("cur/c:2,", "a\n");
	open_store(false);
	ck_assert_msg(d->reader_open(box, 0, "a", &reader, &info, &err) == 0,
	    "%s", err.msg);
	ck_assert_uint_eq(info.uid, 7);
	d->reader_close(&reader);
	ck_assert_int_eq(d->reader_open(box, 5, "a", &reader, &info, &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	end();
}
END_TEST

/* Else Dovecot would not read the list again. */
START_TEST(a_changed_uid_is_seen_in_the_time_of_cur)
{
	const struct timespec old[2] = { { .tv_sec = 1000000000 },
		{ .tv_sec = 1000000000 } };
	struct err err = ERR_INIT;
	struct stat st;

	make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "5 :a\n");
	tempdir_write("cur/a:2,", "a\n");
	open_store(false);
	ck_assert_int_eq(utimensat(AT_FDCWD, tempdir_path("cur"), old, 0), 0);
	ck_assert_int_eq(d->set_uid(box, 5, "a", 60, 0, 1, &err), 0);
	ck_assert_int_eq(d->flush(store, on_done, NULL, &err), 0);
	ck_assert_int_eq(answer, ERR_NONE);
	expect("60 a 00\n");
	ck_assert_int_eq(stat(tempdir_path("cur"), &st), 0);
	ck_assert_int_gt(st.st_mtime, 1000000000);
	end();
}
END_TEST

START_TEST(a_list_of_many_lines_is_read_at_any_place)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;
	char name[64];
	FILE *file;

	make_dirs();
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
	open_store(false);
	for (unsigned int uid = 3; uid < 9000; uid += 600) {
		snprintf(name, sizeof(name),
		    "%u.M1P1.some.long.host.name.example", uid);
		ck_assert_int_eq(d->reader_open(box, uid, name, &reader,
		    &info, &err), 0);
		d->reader_close(&reader);
		ck_assert_int_eq(d->reader_open(box, uid + 1, name, &reader,
		    &info, &err), -1);
	}
	end();
}
END_TEST

START_TEST(lines_of_expunged_messages_are_dropped_when_they_are_many)
{
	struct mailbox_status status;
	struct err err = ERR_INIT;
	FILE *file;

	make_dirs();
	file = fopen(tempdir_path("dovecot-uidlist"), "w");
	fputs(HEADER, file);
	for (unsigned int uid = 1; uid <= 3000; uid++)
		fprintf(file, "%u :%u.x\n", uid, uid);
	fclose(file);
	tempdir_write("cur/7.x:2,S", "x\n");
	tempdir_write("new/2000.x", "x\n");
	/* Only a reading that is sure may tell. */
	clock_set(clock_now_ms() + 3600 * 1000);
	open_store(false);
	expect("7 7.x 08\n2000 2000.x 00\n");
	ck_assert_str_eq(tempdir_read("dovecot-uidlist"), "3 V1234 N3001 G"
	    GUID "\n7 :7.x\n2000 :2000.x\n");
	ck_assert_int_eq(d->status(box, &status, &err), 0);
	ck_assert_uint_eq(status.uidnext, 3001);
	end();
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

	make_dirs();
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
	open_store(false);
	ck_assert_int_eq(d->status(box, &status, &err), 0);
	ck_assert_uint_eq(status.uidnext, 700);
	ck_assert_int_eq(try_append(NULL, "x\n", NULL, 0), ERR_NONE);
	ck_assert_int_eq(d->status(box, &status, &err), 0);
	ck_assert_uint_eq(status.uidnext, 701);
	end();
}
END_TEST

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
	make_dirs();
	tempdir_write("dovecot-uidlist", HEADER "5 :link\n6 :fifo\n7 :dir\n"
	    "8 :good\n");
	ck_assert_int_eq(symlink(outside, tempdir_path("cur/link:2,S")), 0);
	ck_assert_int_eq(mkfifo(tempdir_path("cur/fifo:2,S"), 0600), 0);
	ck_assert_int_eq(mkdir(tempdir_path("cur/dir:2,S"), 0700), 0);
	ck_assert_int_eq(symlink("/nonexistent", tempdir_path("new/x")), 0);
	tempdir_write("cur/good:2,S", "ok\n");
	open_store(false);
	ck_assert_uint_eq(problems, 4);
	expect("8 good 08\n");
	for (uint32_t uid = 5; uid <= 7; uid++)
		ck_assert_int_eq(d->reader_open(box, uid, uid == 5 ? "link" :
		    uid == 6 ? "fifo" : "dir", &reader, &info, &err), -1);
	unlink(outside);
	end();
}
END_TEST

START_TEST(a_message_that_becomes_a_link_is_not_followed)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;

	make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	tempdir_write("canary", CANARY);
	open_store(false);
	expect("1 a 00\n");
	ck_assert_int_eq(unlink(tempdir_path("cur/a:2,")), 0);
	ck_assert_int_eq(symlink("../canary", tempdir_path("cur/a:2,")), 0);
	ck_assert_int_eq(d->reader_open(box, 1, "a", &reader, &info, &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	end();
}
END_TEST

START_TEST(a_linked_directory_is_not_followed)
{
	static const char *const dirs[] = { "cur", "new", "tmp" };

	make_dirs();
	ck_assert_int_eq(mkdir(tempdir_path("elsewhere"), 0700), 0);
	tempdir_write("elsewhere/canary", CANARY);
	ck_assert_int_eq(mkdir(tempdir_path(".A"), 0700), 0);
	for (size_t i = 0; i < nitems(dirs); i++) {
		struct err err = ERR_INIT;
		struct mailbox *other;
		char name[32];

		open_store(false);
		snprintf(name, sizeof(name), ".A/%s", dirs[i]);
		rmdir(tempdir_path(name));
		ck_assert_int_eq(symlink("../elsewhere", tempdir_path(name)),
		    0);
		ck_assert_int_eq(d->mailbox_open(store, "A", &other, &err),
		    -1);
		ck_assert_int_eq(err.code, ERR_PERM);
		ck_assert_int_eq(unlink(tempdir_path(name)), 0);
		close_store();
	}
	tempdir_write(".A/file", "");
	end();
}
END_TEST

static int
on_list(const struct store_listing *listing, void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	strcat(found, listing->name);
	strcat(found, "|");
	return 0;
}

START_TEST(what_is_no_mailbox_is_left_out_of_the_list)
{
	static const char *const bad[] = { ".a..b", ".a.", ".&bad", ".\xff",
	    ".inbox", ".INBOX", ".~x", ".a\nb", ".&AGE-" };
	struct err err = ERR_INIT;

	make_dirs();
	open_store(false);
	for (size_t i = 0; i < nitems(bad); i++)
		ck_assert_int_eq(mkdir(tempdir_path(bad[i]), 0700), 0);
	ck_assert_int_eq(symlink("cur", tempdir_path(".link")), 0);
	ck_assert_int_eq(mkdir(tempdir_path("..DOVECOT-TRASHED"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("plain"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path(".INBOX.x"), 0700), 0);
	tempdir_write(".file", "");
	found[0] = '\0';
	ck_assert_int_eq(d->list(store, on_list, NULL, &err), 0);
	ck_assert_str_eq(found, "INBOX|INBOX\x1fx|");
	ck_assert_uint_eq(problems, nitems(bad) + 1);
	end();
}
END_TEST

START_TEST(of_two_files_of_a_message_one_is_used)
{
	make_dirs();
	tempdir_write("cur/a:2,S", "a\n");
	tempdir_write("new/a", "a\n");
	tempdir_write("cur/b:2,", "b\n");
	tempdir_write("cur/b:2,F", "b\n");
	open_store(false);
	ck_assert_uint_eq(problems, 2);
	expect("1 a 08\n2 b 02\n");
	end();
}
END_TEST

START_TEST(a_name_that_can_be_no_guid_still_has_one)
{
	make_dirs();
	tempdir_write("cur/a b:2,S", "a\n");
	tempdir_write("cur/.hidden", "x\n");
	tempdir_write("cur/:2,S", "x\n");
	open_store(false);
	expect("1 04122a707f849f2c12bdd9de71b41929 08\n");
	close_store();
	open_store(true);
	expect("1 04122a707f849f2c12bdd9de71b41929 08\n");
	end();
}
END_TEST

START_TEST(a_file_of_somebody_else_is_not_read)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;

	make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	if (chown(tempdir_path("cur/a:2,"), 12345, (gid_t)-1) == -1) {
		tempdir_remove();
		return;		/* only root can try this */
	}
	open_store(false);
	ck_assert_int_eq(d->reader_open(box, 1, "a", &reader, &info, &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	close_store();
	tempdir_write("dovecot-uidlist", HEADER);
	ck_assert_int_eq(chown(tempdir_path("dovecot-uidlist"), 12345,
	    (gid_t)-1), 0);
	ck_assert_int_eq(try_open(false, 0), ERR_PERM);
	end();
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
	make_dirs();
	open_store(false);
	ck_assert_int_eq(try_append("g", "x\n", keywords, 27), ERR_NONE);
	ck_assert_uint_eq(problems, 1);
	expect("1 g 00\n");
	end();
}
END_TEST

START_TEST(the_keywords_file_gets_a_later_second_each_time)
{
	const char *one[] = { "one" }, *two[] = { "two" };
	struct stat first, second;

	make_dirs();
	open_store(false);
	ck_assert_int_eq(try_append("g1", "x\n", one, 1), ERR_NONE);
	ck_assert_int_eq(stat(tempdir_path("dovecot-keywords"), &first), 0);
	ck_assert_int_eq(try_append("g2", "x\n", two, 1), ERR_NONE);
	ck_assert_int_eq(stat(tempdir_path("dovecot-keywords"), &second), 0);
	ck_assert_int_gt(second.st_mtime, first.st_mtime);
	ck_assert_str_eq(tempdir_read("dovecot-keywords"),
	    "0 one\n1 two\n");
	end();
}
END_TEST

START_TEST(a_lock_of_a_process_that_is_gone_is_taken_over)
{
	char text[100];
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	snprintf(text, sizeof(text), "%ld:" HOST, (long)child);
	tempdir_write("dovecot-uidlist.lock", text);
	open_store(false);
	expect("1 a 00\n");
	close_store();
	/* Our own pid, but we hold nothing: a process of an earlier boot. */
	snprintf(text, sizeof(text), "%ld:" HOST, (long)getpid());
	tempdir_write("dovecot-uidlist.lock", text);
	tempdir_write("cur/b:2,", "b\n");
	open_store(false);
	expect("1 a 00\n2 b 00\n");
	ck_assert_int_eq(access(tempdir_path("dovecot-uidlist.lock"), F_OK),
	    -1);
	end();
}
END_TEST

START_TEST(a_lock_that_is_held_is_respected_until_it_is_stale)
{
	static const char *const held[] = { ("1:" HOST), "5:other.example", "",
	    "junk" };

	make_dirs();
	tempdir_write("cur/a:2,", "a\n");
	for (size_t i = 0; i < nitems(held); i++) {
		tempdir_write("dovecot-uidlist.lock", held[i]);
		ck_assert_int_eq(try_open(false, 0), ERR_TEMP);
		close_store();
		/* Reading needs no lock. */
		open_store(true);
		expect("0 a 00\n");
		close_store();
	}
	clock_set(clock_now_ms() + 121000);
	open_store(false);
	expect("1 a 00\n");
	end();
}
END_TEST

START_TEST(a_flush_without_the_lock_does_nothing_and_says_so)
{
	make_dirs();
	open_store(false);
	tempdir_write("dovecot-uidlist.lock", "1:" HOST);
	ck_assert_int_eq(try_append("g", "x\n", NULL, 0), ERR_TEMP);
	ck_assert_uint_eq(count_entries("tmp"), 0);
	ck_assert_int_eq(unlink(tempdir_path("dovecot-uidlist.lock")), 0);
	expect("");
	ck_assert_int_eq(try_append("g", "x\n", NULL, 0), ERR_NONE);
	end();
}
END_TEST

START_TEST(only_old_files_of_ours_are_removed_from_tmp)
{
	make_dirs();
	tempdir_write("tmp/dsync-1.x", "ours\n");
	tempdir_write("tmp/1.x", "theirs\n");
	open_store(false);
	ck_assert_uint_eq(count_entries("tmp"), 2);
	close_store();
	clock_set(clock_now_ms() + 37 * 3600 * 1000);
	open_store(false);
	ck_assert_uint_eq(count_entries("tmp"), 1);
	end();
}
END_TEST

/* A file may not grow beyond a few bytes: as a disk that is full. */
START_TEST(a_full_disk_loses_nothing)
{
	struct rlimit limit, old;
	char body[5000];

	make_dirs();
	open_store(false);
	ck_assert_int_eq(try_append("g1", "x\n", NULL, 0), ERR_NONE);
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 1000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_ne(try_append("g2", body, NULL, 0), ERR_NONE);
	expect("1 g1 00\n");
	/* The list can't grow: the message is not published. */
	limit.rlim_cur = 60;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_ne(try_append("g3", "x\n", NULL, 0), ERR_NONE);
	expect("1 g1 00\n");
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	ck_assert_uint_eq(count_entries("tmp"), 0);
	ck_assert_int_eq(try_append("g3", "x\n", NULL, 0), ERR_NONE);
	expect("1 g1 00\n2 g3 00\n");
	close_store();
	open_store(false);
	expect("1 g1 00\n2 g3 00\n");
	end();
}
END_TEST

START_TEST(a_batch_of_many_is_made_durable_together)
{
	struct mail_info info = { .received = 1000000000 };
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	make_dirs();
	open_store(false);
	for (uint64_t i = 0; i < 300; i++) {
		ck_assert_int_eq(d->append_begin(box, &info, &writer, &err),
		    0);
		ck_assert_int_eq(d->append_write(writer, "x\n", 2, &err), 0);
		ck_assert_int_eq(d->append_commit(&writer, i, &err), 0);
	}
	answered = 0;
	ck_assert_int_eq(d->flush(store, on_done, NULL, &err), 0);
	ck_assert_uint_eq(answered, 300);
	ck_assert_uint_eq(count_entries("cur"), 300);
	ck_assert_uint_eq(count_entries("tmp"), 0);
	end();
}
END_TEST

START_TEST(a_copy_with_the_same_date_is_a_link)
{
	struct mail_info info = { .guid = "copy", .received = 1000000000 };
	struct err err = ERR_INIT;
	struct stat st;
	struct dirent *de;
	DIR *dir;

	make_dirs();
	open_store(false);
	ck_assert_int_eq(try_append("g", "x\n", NULL, 0), ERR_NONE);
	ck_assert_int_eq(d->copy(box, &info, box, 1, "g", 1, &err), 0);
	ck_assert_int_eq(d->flush(store, on_done, NULL, &err), 0);
	info.received = 1000000001;
	ck_assert_int_eq(d->copy(box, &info, box, 1, "g", 1, &err), 0);
	ck_assert_int_eq(d->flush(store, on_done, NULL, &err), 0);
	expect("1 g 00\n2 copy 00\n3 copy 00\n");
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
	end();
}
END_TEST

START_TEST(a_mailbox_that_got_mail_while_it_was_removed_comes_back)
{
	make_dirs();
	open_store(false);
	close_store();
	/* As a process leaves it that dies between the two looks. */
	ck_assert_int_eq(mkdir(tempdir_path("..dsync-removed.A"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("..dsync-removed.A/cur"), 0700),
	    0);
	ck_assert_int_eq(mkdir(tempdir_path("..dsync-removed.A/new"), 0700),
	    0);
	tempdir_write("..dsync-removed.A/new/1.x", "late\n");
	open_store(false);
	ck_assert_int_eq(access(tempdir_path(".A/new/1.x"), F_OK), 0);
	end();
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

	make_dirs();
	snprintf(path, sizeof(path), "%s", tempdir_path(""));
	path[strlen(path) - 1] = '\0';
	snprintf(index, sizeof(index), "%s", tempdir_path("index"));
	loc.keys[0].key = (char *)(uintptr_t)"INDEX";
	loc.keys[0].value = index;
	ck_assert_int_eq(mkdir(index, 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("index/.A"), 0700), 0);
	ck_assert_int_eq(store_open(&store, &loc, &opts, &err), 0);
	d = store->driver;
	ck_assert_int_eq(d->mailbox_create(store, "A", true, &status, &err),
	    0);
	ck_assert_int_eq(d->mailbox_open(store, "A", &a, &err), 0);
	ck_assert_int_eq(d->token(a, &before, &err), 0);
	tempdir_write("index/.A/dovecot.index.log", "x");
	ck_assert_int_eq(d->token(a, &after, &err), 0);
	ck_assert_int_ne(memcmp(before.data, after.data, before.len), 0);
	d->mailbox_close(&a);
	ck_assert_int_eq(d->mailbox_rename(store, "A", "B", &err), 0);
	ck_assert_int_eq(access(tempdir_path("index/.B/dovecot.index.log"),
	    F_OK), 0);
	ck_assert_int_eq(d->mailbox_remove(store, "B", &err), 0);
	ck_assert_int_eq(access(tempdir_path("index/.B"), F_OK), -1);
	loc.keys[0].key = (char *)(uintptr_t)"LAYOUT";
	close_store();
	ck_assert_int_eq(store_open(&store, &loc, &opts, &err), -1);
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

	make_dirs();
	for (unsigned int i = 1; i <= BUSY; i++) {
		snprintf(name, sizeof(name), "cur/%u.x:2,", i);
		tempdir_write(name, "x\n");
	}
	open_store(false);
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
		struct err err = ERR_INIT;
		size_t n = 0;

		found[0] = '\0';
		ck_assert_int_eq(d->scan(box, on_scan, NULL, &err), 0);
		for (const char *p = found; *p != '\0'; p++)
			n += *p == '\n';
		ck_assert_uint_eq(n, BUSY);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	end();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "maildir");

	tcase_add_test(tc, a_plain_maildir_gets_uids_in_the_order_of_names);
	tcase_add_test(tc, a_plain_maildir_that_is_only_read_is_not_touched);
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
	tcase_add_test(tc,
	    lines_of_expunged_messages_are_dropped_when_they_are_many);
	tcase_add_test(tc, the_uidnext_of_an_index_is_not_gone_below);
	tcase_add_test(tc, nothing_but_regular_files_is_a_message);
	tcase_add_test(tc, a_message_that_becomes_a_link_is_not_followed);
	tcase_add_test(tc, a_linked_directory_is_not_followed);
	tcase_add_test(tc, what_is_no_mailbox_is_left_out_of_the_list);
	tcase_add_test(tc, of_two_files_of_a_message_one_is_used);
	tcase_add_test(tc, a_name_that_can_be_no_guid_still_has_one);
	tcase_add_test(tc, a_file_of_somebody_else_is_not_read);
	tcase_add_test(tc, a_27th_keyword_is_told_and_the_message_saved);
	tcase_add_test(tc, the_keywords_file_gets_a_later_second_each_time);
	tcase_add_test(tc, a_lock_of_a_process_that_is_gone_is_taken_over);
	tcase_add_test(tc,
	    a_lock_that_is_held_is_respected_until_it_is_stale);
	tcase_add_test(tc,
	    a_flush_without_the_lock_does_nothing_and_says_so);
	tcase_add_test(tc, only_old_files_of_ours_are_removed_from_tmp);
	tcase_add_test(tc, a_full_disk_loses_nothing);
	tcase_add_test(tc, a_batch_of_many_is_made_durable_together);
	tcase_add_test(tc, a_copy_with_the_same_date_is_a_link);
	tcase_add_test(tc,
	    a_mailbox_that_got_mail_while_it_was_removed_comes_back);
	tcase_add_test(tc, indexes_elsewhere_are_looked_at_and_moved_along);
	tcase_add_test(tc, no_message_is_missed_while_its_flags_change);
	return unit_run(suite);
}
