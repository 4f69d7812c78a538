/* What the mbox driver tells Dovecot and others, and what it believes. */
#include "config.h"

#include <sys/endian.h>
#include <sys/stat.h>

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "model/mail_location.h"
#include "store/failing/failing.h"
#include "store/store.h"
#include "tests/support/index_fixture.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define FROM	"From a@b  Sun Sep  9 01:46:40 2001\n"
#define FIRST	FROM "X-IMAPbase: 1000000000 0000000003\nX-UID: 1\n" \
	"Status: O          \n\naaaa\n\n"
#define SECOND	FROM "X-UID: 2\n\nbbbb\n\n"
#define THIRD	FROM "X-UID: 3\n\ncccc\n\n"
#define STATE	"mail/.imap/INBOX"

static const struct index_ext_want ext = { "mbox", 32, 8, 8 };
static struct store *store;
static struct mailbox *box;
static struct index *index_;
static int dirfd_ = -1;

static enum err_code
try_open(struct failing_plan *plan)
{
	struct mail_location loc = { .driver = (char *)(uintptr_t)"mbox",
	    .path = (char *)(uintptr_t)tempdir_path("mail") };
	struct store_options opts = { .alt_char = '_',
	    .hostname = "test.example" };
	struct err err = ERR_INIT;

	if (store_open(&store, &loc, &opts, &err) == -1)
		return err.code;
	if (plan != NULL)
		failing_store_wrap(&store, plan);
	if (store->driver->mailbox_open(store, "INBOX", &box, &err) == -1) {
		store_close(&store);
		return err.code;
	}
	return ERR_NONE;
}

static void
close_store(void)
{
	store->driver->mailbox_close(&box);
	store_close(&store);
}

/* Three messages, which have their GUIDs, and an index that knows nothing. */
static void
setup(void)
{
	struct index_options opts = { .lock_timeout = 10, .no_fsync = true,
	    .hostname = "test" };

	index_fixture_setup();
	ck_assert_int_eq(mkdir(tempdir_path("mail"), 0700), 0);
	tempdir_write("mail/inbox", FIRST SECOND THIRD);
	ck_assert_int_eq(try_open(NULL), ERR_NONE);
	close_store();
	dirfd_ = open(tempdir_path(STATE), O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(dirfd_, -1);
	index_ = index_open(&index_root, dirfd_, "dovecot.index", &opts);
}

static void
teardown(void)
{
	index_close(&index_);
	close(dirfd_);
	index_fixture_teardown();
}

static uint64_t
file_size(void)
{
	struct stat st;

	ck_assert_int_eq(stat(tempdir_path("mail/inbox"), &st), 0);
	return (uint64_t)st.st_size;
}

/* As Dovecot leaves it after a look at the file. */
static void
dovecot_looks(uint32_t next_uid)
{
	static const uint64_t offsets[] = { 0, sizeof(FIRST) - 1,
	    sizeof(FIRST SECOND) - 1 };
	struct index_txn *txn;
	uint8_t seen[12], place[8];
	struct err err = ERR_INIT;

	ck_assert_int_eq(index_lock(index_, &err), 0);
	txn = index_txn_begin(index_);
	for (size_t i = 0; i < nitems(offsets); i++) {
		index_txn_append(txn, (uint32_t)i + 1, 0);
		le64enc(place, offsets[i]);
		index_txn_ext_record(txn, &ext, (uint32_t)i + 1, place);
	}
	index_txn_next_uid(txn, next_uid);
	le64enc(seen, file_size());
	le32enc(seen + 8, 1000000000);
	index_txn_ext_header(txn, &ext, 0, seen, sizeof(seen));
	ck_assert_msg(index_txn_commit(&txn, NULL, &err) == 0, "%s",
	    err.msg);
	index_unlock(index_);
}

/* It has to read all of the file, which has the size that it knows. */
static void
expect_look(void)
{
	struct err err = ERR_INIT;
	struct index_ext known;
	size_t n;

	ck_assert_int_eq(index_refresh(index_, &err), 0);
	ck_assert(index_ext_find(index_, ext.name, &n));
	known = index_ext(index_, n);
	ck_assert_uint_eq(le32dec(known.header + 8), 0);
	ck_assert_uint_eq(le64dec(known.header), file_size());
}

static void
on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag;
	(void)uid;
	(void)modseq;
	(void)failure;
	(void)arg;
}

static int
on_scan(const struct mail_info *info, void *arg, struct err *err)
{
	struct mail_info *last = arg;

	(void)err;
	last->uid = info->uid;
	if (last->guid != NULL)
		strlcpy((char *)(uintptr_t)last->guid, info->guid,
		    GUID_TEXT_MAX + 1);
	return 0;
}

/* UID and GUID of the last message. */
static uint32_t
last_uid(char guid[static GUID_TEXT_MAX + 1])
{
	struct mail_info last = { .guid = guid };
	struct err err = ERR_INIT;

	guid[0] = '\0';
	if (store->driver->scan(box, on_scan, &last, &err) == -1)
		return 0;
	return last.uid;
}

struct found_first {
	struct mail_info info;
	char guid[GUID_TEXT_MAX + 1];
};

static int
on_first(const struct mail_info *info, void *arg, struct err *err)
{
	struct found_first *first = arg;

	(void)err;
	if (first->info.uid != 0)
		return 0;
	first->info.uid = info->uid;
	snprintf(first->guid, sizeof(first->guid), "%s", info->guid);
	return 0;
}

static void
expunge_last(void)
{
	char guid[GUID_TEXT_MAX + 1];
	uint32_t uid = last_uid(guid);
	struct err err = ERR_INIT;

	if (uid != 0 && store->driver->expunge(box, uid, guid, 1, &err) == 0)
		(void)store->driver->flush(store, on_done, NULL, &err);
}

static void
add_ours(void)
{
	struct mail_info info = { .guid = "ours", .received = 5 };
	const struct store_driver *d = store->driver;
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	if (d->append_begin(box, &info, &writer, &err) == -1)
		return;
	if (d->append_write(writer, "a: b\n\nc\n", 8, &err) == -1)
		d->append_abort(&writer);
	else if (d->append_commit(&writer, 1, &err) == 0)
		(void)d->flush(store, on_done, NULL, &err);
}

static void
set_flags_of_first(void)
{
	struct found_first first = { .info = { .uid = 0 } };
	const struct store_driver *d = store->driver;
	struct err err = ERR_INIT;

	if (d->scan(box, on_first, &first, &err) == -1)
		return;
	first.info.guid = first.guid;
	if (d->set_flags(box, &first.info, FLAG_SEEN, NULL, 0, 0, 1,
	    &err) == 0)
		(void)d->flush(store, on_done, NULL, &err);
}

static void (*const changes[])(void) = { expunge_last, add_ours,
    set_flags_of_first };

START_TEST(dovecot_has_to_look_at_what_a_cut_off_change_wrote)
{
	struct failing_plan plan;
	unsigned long at = 0;
	unsigned int left = 0;

	do {
		plan = (struct failing_plan){ .fail_at = ++at };
		setup();
		dovecot_looks(4);
		if (try_open(&plan) == ERR_NONE) {
			changes[_i]();
			close_store();
		}
		/* Known even if nobody comes to see what was left. */
		if (access(tempdir_path(STATE "/dsync-mbox.redo"),
		    F_OK) == 0) {
			left++;
			ck_assert_int_eq(try_open(NULL), ERR_NONE);
			close_store();
		}
		if (strcmp(tempdir_read("mail/inbox"), FIRST SECOND THIRD) !=
		    0)
			expect_look();
		teardown();
	} while (plan.count >= at);
	/* Flags alone need no journal. */
	ck_assert(left > 3 || changes[_i] == set_flags_of_first);
}
END_TEST

/* Neither by what is left in the middle, nor when that is finished. */
START_TEST(the_time_of_a_file_does_not_fall_when_a_change_is_cut_off)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct failing_plan plan;
	unsigned long at = 0;
	struct stat st;

	do {
		plan = (struct failing_plan){ .fail_at = ++at };
		setup();
		/* As after many changes in one second. */
		times[1].tv_sec = time(NULL) + 1000;
		ck_assert_int_eq(utimensat(AT_FDCWD,
		    tempdir_path("mail/inbox"), times, 0), 0);
		if (try_open(&plan) == ERR_NONE) {
			add_ours();
			close_store();
		}
		if (access(tempdir_path(STATE "/dsync-mbox.redo"),
		    F_OK) == 0) {
			ck_assert_int_eq(try_open(NULL), ERR_NONE);
			close_store();
		}
		ck_assert_int_eq(stat(tempdir_path("mail/inbox"), &st), 0);
		if (strcmp(tempdir_read("mail/inbox"), FIRST SECOND THIRD) !=
		    0)
			ck_assert_int_gt(st.st_mtime, times[1].tv_sec);
		else
			ck_assert_int_ge(st.st_mtime, times[1].tv_sec);
		teardown();
	} while (plan.count >= at);
	ck_assert_uint_gt(at, 10);
}
END_TEST

static int
on_list(const struct store_listing *listing, void *arg, struct err *err)
{
	struct store_token *token = arg;

	(void)err;
	ck_assert_str_eq(listing->name, "INBOX");
	*token = listing->token;
	return 0;
}

/* As it is told without opening the mailbox. */
static struct store_token
listed_token(void)
{
	struct store_token token = { .len = 0 };
	struct mail_location loc = { .driver = (char *)(uintptr_t)"mbox",
	    .path = (char *)(uintptr_t)tempdir_path("mail") };
	struct store_options opts = { .alt_char = '_', .readonly = true };
	struct err err = ERR_INIT;

	ck_assert_int_eq(store_open(&store, &loc, &opts, &err), 0);
	ck_assert_int_eq(store->driver->list(store, on_list, &token, &err),
	    0);
	store_close(&store);
	ck_assert_uint_gt(token.len, 0);
	return token;
}

/* Or nobody would look, and the next one to write would find it done. */
START_TEST(a_mailbox_with_a_change_that_was_cut_off_looks_changed)
{
	struct failing_plan plan;
	struct store_token before, after;
	unsigned long at = 0;
	unsigned int left = 0;

	do {
		plan = (struct failing_plan){ .fail_at = ++at };
		setup();
		before = listed_token();
		if (try_open(&plan) == ERR_NONE) {
			add_ours();
			close_store();
		}
		if (access(tempdir_path(STATE "/dsync-mbox.redo"),
		    F_OK) == 0) {
			left++;
			after = listed_token();
			ck_assert(before.len != after.len ||
			    memcmp(before.data, after.data, after.len) != 0);
		}
		teardown();
	} while (plan.count >= at);
	ck_assert_uint_gt(left, 3);
}
END_TEST

START_TEST(an_index_that_did_not_look_since_gives_no_uids)
{
	char guid[GUID_TEXT_MAX + 1];
	FILE *file;

	setup();
	dovecot_looks(4);
	ck_assert_int_eq(try_open(NULL), ERR_NONE);
	expunge_last();
	close_store();
	/* Another message where the index knows the one that is gone. */
	ck_assert_uint_eq(file_size(), sizeof(FIRST SECOND) - 1);
	file = fopen(tempdir_path("mail/inbox"), "a");
	ck_assert_ptr_nonnull(file);
	fputs(FROM "Subject: late\n\nlate\n\n", file);
	fclose(file);
	ck_assert_int_eq(try_open(NULL), ERR_NONE);
	ck_assert_uint_eq(last_uid(guid), 4);
	close_store();
	teardown();
}
END_TEST

START_TEST(uids_that_only_the_index_tells_of_are_not_given_again)
{
	char guid[GUID_TEXT_MAX + 1];

	setup();
	dovecot_looks(10);
	ck_assert_int_eq(try_open(NULL), ERR_NONE);
	add_ours();
	ck_assert_uint_eq(last_uid(guid), 10);
	ck_assert_str_eq(guid, "ours");
	close_store();
	teardown();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "mbox_index");

	tcase_set_timeout(tc, 60.0);
	tcase_add_loop_test(tc,
	    dovecot_has_to_look_at_what_a_cut_off_change_wrote, 0,
	    (int)nitems(changes));
	tcase_add_test(tc,
	    the_time_of_a_file_does_not_fall_when_a_change_is_cut_off);
	tcase_add_test(tc,
	    a_mailbox_with_a_change_that_was_cut_off_looks_changed);
	tcase_add_test(tc, an_index_that_did_not_look_since_gives_no_uids);
	tcase_add_test(tc,
	    uids_that_only_the_index_tells_of_are_not_given_again);
	return unit_run(suite);
}
