/*
 * test_maildir_index.c - what a Maildir's index adds to its files
 */
#include "config.h"

#include <sys/stat.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "model/mail_location.h"
#include "store/index/index.h"
#include "store/store.h"
#include "tests/support/index_fixture.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define HEADER	"3 V1234 N3 G0102030405060708090a0b0c0d0e0f10\n"
#define KEYWORDS 30U

static struct store *store;
static struct mailbox *box;
static const struct store_driver *d;
static unsigned int problems;
static char found[20000];	/* by scan: UID FLAGS MODSEQ KEYWORDS */

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	(void)what;
	(void)why;
	(void)arg;
	problems++;
}

/* Messages 1 (seen) and 2, and no index. */
static void
setup(void)
{
	index_fixture_setup();
	ck_assert_int_eq(mkdir(tempdir_path("cur"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("new"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("tmp"), 0700), 0);
	tempdir_write("cur/1.M1P1.h:2,S", "one\n");
	tempdir_write("cur/2.M1P1.h:2,", "two\n");
	tempdir_write("dovecot-uidlist", HEADER "1 :1.M1P1.h\n"
	    "2 :2.M1P1.h\n");
	store = NULL;
	box = NULL;
	problems = 0;
}

static void
close_store(void)
{
	if (box != NULL)
		d->mailbox_close(&box);
	store_close(&store);
}

static void
teardown(void)
{
	close_store();
	index_fixture_teardown();
}

static void
open_store(bool readonly)
{
	struct mail_location loc = { .driver = NULL };
	struct store_options opts = { .readonly = readonly,
	    .hostname = "test", .lock_timeout = 1 };
	struct err err = ERR_INIT;
	char text[600];

	snprintf(text, sizeof(text), "maildir:%s", tempdir_path(""));
	ck_assert_int_eq(mail_location_parse(&loc, text, "/", NULL, &err), 0);
	ck_assert_msg(store_open(&store, &loc, &opts, &err) == 0, "%s",
	    err.msg);
	mail_location_deinit(&loc);
	d = store->driver;
	store->problem = on_problem;
	ck_assert_msg(d->mailbox_open(store, "INBOX", &box, &err) == 0, "%s",
	    err.msg);
}

/* An index that has both messages, as their files say. */
static struct index *
make_index(uint32_t uidvalidity, bool modseqs)
{
	struct index *index = index_fixture_open();
	struct index_txn *txn = index_fixture_begin(index);

	index_txn_uidvalidity(txn, uidvalidity);
	index_txn_append(txn, 1, FLAG_SEEN);
	index_txn_append(txn, 2, 0);
	if (modseqs) {
		index_txn_modseq(txn, 1, 10);
		index_txn_modseq(txn, 2, 20);
	}
	index_fixture_commit(&txn);
	return index;
}

static int
on_scan(const struct mail_info *info, void *arg, struct err *err)
{
	size_t len = strlen(found);

	(void)arg;
	(void)err;
	len += (size_t)snprintf(found + len, sizeof(found) - len,
	    "%" PRIu32 " %02x %" PRIu64, info->uid, info->flags,
	    info->modseq);
	for (size_t i = 0; i < info->keyword_count; i++)
		len += (size_t)snprintf(found + len, sizeof(found) - len,
		    " %s", info->keywords[i]);
	snprintf(found + len, sizeof(found) - len, "\n");
	return 0;
}

static void
expect(uint64_t highest, const char *text)
{
	struct mailbox_status status;
	struct err err = ERR_INIT;

	found[0] = '\0';
	ck_assert_int_eq(d->scan(box, on_scan, NULL, &err), 0);
	ck_assert_str_eq(found, text);
	ck_assert_int_eq(d->status(box, &status, &err), 0);
	ck_assert_uint_eq(status.highestmodseq, highest);
}

static void
on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag;
	(void)uid;
	ck_assert_ptr_null(failure);
	*(uint64_t *)arg = modseq;
}

/* Change the flags of message 2; its modseq. */
static uint64_t
change(flags_t was, flags_t flags, const char *const *keywords, size_t n,
    uint64_t modseq)
{
	struct mail_info info = { .uid = 2, .guid = "2.M1P1.h",
	    .flags = was };
	struct err err = ERR_INIT;
	uint64_t got = 0;

	ck_assert_int_eq(d->set_flags(box, &info, flags, keywords, n, modseq,
	    1, &err), 0);
	ck_assert_int_eq(d->flush(store, on_done, &got, &err), 0);
	return got;
}

START_TEST(a_maildir_without_an_index_gets_none_by_itself)
{
	struct stat st;

	open_store(false);
	expect(0, "1 08 0\n2 00 0\n");
	ck_assert_uint_eq(change(0, FLAG_DRAFT, NULL, 0, 0), 0);
	expect(0, "1 08 0\n2 10 0\n");
	ck_assert_int_eq(stat(tempdir_path("dovecot.index.log"), &st), -1);
}
END_TEST

START_TEST(the_first_modseq_makes_an_index)
{
	open_store(false);
	ck_assert_uint_eq(change(0, FLAG_DRAFT, NULL, 0, 7), 7);
	expect(7, "1 08 7\n2 10 7\n");
	close_store();
	open_store(true);
	expect(7, "1 08 7\n2 10 7\n");
	ck_assert_uint_eq(problems, 0);
}
END_TEST

START_TEST(modseqs_come_from_the_index)
{
	struct index *index = make_index(1234, true);

	index_close(&index);
	open_store(true);
	expect(20, "1 08 10\n2 00 20\n");
}
END_TEST

START_TEST(an_index_without_modseqs_gets_them_from_who_may_write)
{
	struct index *index = make_index(1234, false);

	index_close(&index);
	open_store(true);
	expect(2, "1 08 0\n2 00 0\n");
	close_store();
	open_store(false);
	expect(2, "1 08 2\n2 00 2\n");
}
END_TEST

START_TEST(changes_that_are_not_yet_in_the_files_are_seen)
{
	struct index *index = make_index(1234, true);
	struct index_txn *txn;

	index_unlock(index);
	txn = index_fixture_begin(index);
	index_txn_internal(txn, true);
	index_txn_flags(txn, 2, 2, FLAG_FLAGGED, 0);
	index_txn_keyword(txn, "soon", true, 1, 1);
	index_fixture_commit(&txn);
	index_close(&index);
	open_store(false);
	expect(22, "1 08 22 soon\n2 02 21\n");
}
END_TEST

START_TEST(a_message_whose_file_lags_behind_is_as_the_index_says)
{
	struct index *index = make_index(1234, true);
	struct index_txn *txn;

	index_unlock(index);
	txn = index_fixture_begin(index);
	index_txn_flags(txn, 1, 1, FLAG_DRAFT | 0x80, 0xff);
	index_fixture_commit(&txn);
	index_close(&index);
	open_store(true);
	expect(21, "1 10 21\n2 00 20\n");
}
END_TEST

START_TEST(what_the_index_lacks_is_brought_to_it)
{
	struct index *index = make_index(1234, true);
	struct err err = ERR_INIT;

	tempdir_write("cur/3.M1P1.h:2,F", "three\n");
	ck_assert_int_eq(rename(tempdir_path("cur/2.M1P1.h:2,"),
	    tempdir_path("cur/2.M1P1.h:2,D")), 0);
	open_store(false);
	expect(22, "1 08 10\n2 10 21\n3 02 22\n");
	index_unlock(index);
	ck_assert_int_eq(index_refresh(index, &err), 0);
	ck_assert_str_eq(index_fixture_dump(index),
	    "validity 1234 next 4 highest 22\n1 08 10\n2 10 21\n3 02 22\n");
	index_close(&index);
}
END_TEST

START_TEST(an_index_of_another_uidvalidity_is_left_alone)
{
	struct index *index = make_index(999, true);
	struct err err = ERR_INIT;

	index_unlock(index);
	open_store(false);
	expect(0, "1 08 0\n2 00 0\n");
	ck_assert_uint_eq(change(0, FLAG_DRAFT, NULL, 0, 50), 0);
	expect(0, "1 08 0\n2 10 0\n");
	ck_assert_int_eq(index_refresh(index, &err), 0);
	ck_assert_str_eq(index_fixture_dump(index),
	    "validity 999 next 3 highest 20\n1 08 10\n2 00 20\n");
	index_close(&index);
	ck_assert_uint_eq(problems, 0);
}
END_TEST

/* Dovecot has made it, and waits for the lock to say what is there. */
START_TEST(an_index_that_says_nothing_yet_gets_modseqs_as_wanted)
{
	struct index *index = index_fixture_open();
	struct index_txn *txn = index_txn_begin(index);
	struct err err = ERR_INIT;

	index_txn_modseq(txn, 0, 1);
	index_fixture_commit(&txn);
	index_unlock(index);
	open_store(false);
	ck_assert_uint_eq(change(0, FLAG_DRAFT, NULL, 0, 50), 50);
	ck_assert_int_eq(index_refresh(index, &err), 0);
	ck_assert_str_eq(index_fixture_dump(index),
	    "validity 1234 next 3 highest 50\n1 08 2\n2 10 50\n");
	index_close(&index);
	ck_assert_uint_eq(problems, 0);
}
END_TEST

/* Dovecot began to remove the mailbox, and did not come to an end. */
START_TEST(a_mailbox_that_was_not_removed_after_all_has_its_index)
{
	struct index *index = make_index(1234, true);
	struct index_txn *txn = index_fixture_begin(index);

	index_txn_deleted(txn, true);
	index_fixture_commit(&txn);
	index_close(&index);
	open_store(false);
	expect(0, "1 08 0\n2 00 0\n");
	close_store();
	clock_set(clock_now_ms() + 31 * 1000);
	open_store(true);
	expect(0, "1 08 0\n2 00 0\n");
	close_store();
	open_store(false);
	expect(20, "1 08 10\n2 00 20\n");
	clock_set(0);
	ck_assert_uint_eq(problems, 0);
}
END_TEST

START_TEST(a_damaged_index_is_told_once_and_mail_goes_on)
{
	struct index *index = make_index(1234, true);

	index_close(&index);
	index_fixture_write("dovecot.index.log", "garbage", 7);
	open_store(false);
	expect(0, "1 08 0\n2 00 0\n");
	ck_assert_uint_eq(change(0, FLAG_DRAFT, NULL, 0, 50), 0);
	expect(0, "1 08 0\n2 10 0\n");
	ck_assert_uint_eq(problems, 1);
}
END_TEST

START_TEST(keywords_without_a_letter_live_in_the_index)
{
	struct index *index = make_index(1234, true);
	const char *keywords[KEYWORDS];
	char names[KEYWORDS][8], all[400] = "1 08 10\n2 00 61";

	index_close(&index);
	for (unsigned int i = 0; i < KEYWORDS; i++) {
		snprintf(names[i], sizeof(names[i]), "k%02u", i);
		keywords[i] = names[i];
		snprintf(all + strlen(all), sizeof(all) - strlen(all),
		    " k%02u", i);
	}
	snprintf(all + strlen(all), sizeof(all) - strlen(all), "\n");
	open_store(false);
	ck_assert_uint_eq(change(0, 0, keywords, KEYWORDS, 61), 61);
	expect(61, all);
	close_store();
	open_store(true);
	expect(61, all);
	ck_assert_uint_eq(problems, 0);
}
END_TEST

START_TEST(another_uidvalidity_takes_the_index_along)
{
	struct index *index = make_index(1234, true);
	struct mailbox_status status = { .uidvalidity = 5000,
	    .highestmodseq = 70 };
	struct err err = ERR_INIT;
	uint64_t ignored = 0;

	index_close(&index);
	open_store(false);
	ck_assert_int_eq(d->set_status(box, &status, 1, &err), 0);
	ck_assert_int_eq(d->set_uid(box, 1, "1.M1P1.h", 4, 33, 2, &err), 0);
	ck_assert_int_eq(d->set_uid(box, 2, "2.M1P1.h", 7, 44, 3, &err), 0);
	ck_assert_int_eq(d->flush(store, on_done, &ignored, &err), 0);
	expect(70, "4 08 33\n7 00 44\n");
	ck_assert_uint_eq(problems, 0);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "maildir_index");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_maildir_without_an_index_gets_none_by_itself);
	tcase_add_test(tc, the_first_modseq_makes_an_index);
	tcase_add_test(tc, modseqs_come_from_the_index);
	tcase_add_test(tc,
	    an_index_without_modseqs_gets_them_from_who_may_write);
	tcase_add_test(tc, changes_that_are_not_yet_in_the_files_are_seen);
	tcase_add_test(tc,
	    a_message_whose_file_lags_behind_is_as_the_index_says);
	tcase_add_test(tc, what_the_index_lacks_is_brought_to_it);
	tcase_add_test(tc, an_index_of_another_uidvalidity_is_left_alone);
	tcase_add_test(tc,
	    an_index_that_says_nothing_yet_gets_modseqs_as_wanted);
	tcase_add_test(tc,
	    a_mailbox_that_was_not_removed_after_all_has_its_index);
	tcase_add_test(tc, a_damaged_index_is_told_once_and_mail_goes_on);
	tcase_add_test(tc, keywords_without_a_letter_live_in_the_index);
	tcase_add_test(tc, another_uidvalidity_takes_the_index_along);
	return unit_run(suite);
}
