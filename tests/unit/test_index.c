/*
 * test_index.c - Dovecot's index files, written and read
 */
#include "config.h"

#include <sys/file.h>
#include <sys/wait.h>

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/flags.h"
#include "store/index/index_int.h"
#include "tests/support/index_fixture.h"
#include "tests/support/unit.h"

static struct index *a, *b;

static void
setup(void)
{
	index_fixture_setup();
	a = index_fixture_open();
	b = index_fixture_open();
}

static void
teardown(void)
{
	index_close(&a);
	index_close(&b);
	index_fixture_teardown();
}

/* The other view sees the same. */
static void
ck_same(const char *expected)
{
	struct err err = ERR_INIT;

	ck_assert_msg(index_refresh(b, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(index_fixture_dump(b), expected);
	ck_assert_str_eq(index_fixture_dump(a), expected);
}

/* Messages 1..n without anything. */
static void
make(uint32_t n)
{
	struct index_txn *txn = index_fixture_begin(a);

	index_txn_uidvalidity(txn, 1000);
	for (uint32_t uid = 1; uid <= n; uid++)
		index_txn_append(txn, uid, 0);
	index_fixture_commit(&txn);
	index_unlock(a);
}

START_TEST(an_index_that_does_not_exist_is_a_state)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(index_refresh(a, &err), 0);
	ck_assert(!index_state(a)->exists);
	ck_assert_uint_eq(index_state(a)->next_uid, 1);
	ck_assert_uint_eq(index_state(a)->highestmodseq, 1);
	ck_assert_int_eq(index_refresh(a, &err), 0);
}
END_TEST

START_TEST(a_new_index_holds_what_was_put_in)
{
	struct index_txn *txn = index_fixture_begin(a);

	index_txn_uidvalidity(txn, 77);
	index_txn_append(txn, 5, FLAG_SEEN);
	index_txn_append(txn, 9, FLAG_FLAGGED | FLAG_DRAFT);
	index_txn_keyword(txn, "$Work", true, 9, 9);
	index_txn_next_uid(txn, 20);
	index_fixture_commit(&txn);
	ck_same("validity 77 next 20 highest 3\n5 08 0\n9 12 0 $Work\n");
	ck_assert_uint_eq(index_state(b)->log_seq, 2);
	ck_assert(!index_state(b)->has_modseqs);
}
END_TEST

START_TEST(a_message_can_be_made_with_a_modseq_below_its_own_records)
{
	struct index_txn *txn = index_fixture_begin(a);

	index_txn_uidvalidity(txn, 77);
	index_txn_append(txn, 5, 0);
	index_txn_append(txn, 6, 0);
	index_txn_append(txn, 7, 0);
	index_txn_keyword(txn, "a", true, 5, 7);
	index_txn_keyword(txn, "b", true, 5, 7);
	index_txn_modseq(txn, 5, 2);
	index_txn_modseq(txn, 6, 30);
	index_txn_modseq(txn, 7, 1);
	index_txn_modseq(txn, 0, 42);
	index_fixture_commit(&txn);
	ck_same("validity 77 next 8 highest 42\n"
	    "5 00 2 a b\n6 00 30 a b\n7 00 1 a b\n");
}
END_TEST

START_TEST(an_index_that_nobody_has_seen_can_be_made_anew)
{
	struct index_txn *txn = index_fixture_begin(a);

	index_txn_uidvalidity(txn, 77);
	index_txn_append(txn, 5, 0);
	index_txn_modseq(txn, 5, 900);
	index_fixture_commit(&txn);
	ck_same("validity 77 next 6 highest 900\n5 00 900\n");
	ck_assert(index_state(a)->pristine);
	txn = index_fixture_begin(a);
	index_txn_append(txn, 6, 0);
	index_txn_keyword(txn, "late", true, 6, 6);
	index_txn_modseq(txn, 6, 12);
	index_txn_modseq(txn, 5, 3);
	index_txn_remake(txn);
	index_fixture_commit(&txn);
	ck_assert(index_is_locked(a));
	ck_same("validity 77 next 7 highest 900\n5 00 900\n6 00 12 late\n");
	txn = index_txn_begin(a);
	index_txn_flags(txn, 6, 6, FLAG_SEEN, 0);
	index_fixture_commit(&txn);
	ck_assert(!index_state(a)->pristine);
	txn = index_txn_begin(a);
	index_txn_append(txn, 7, 0);
	index_txn_modseq(txn, 7, 20);
	index_txn_remake(txn);
	index_fixture_commit(&txn);
	ck_same("validity 77 next 8 highest 902\n5 00 900\n6 08 901 late\n"
	    "7 00 902\n");
}
END_TEST

/* Whoever has just opened it would be told that it is damaged. */
START_TEST(a_raise_alone_makes_no_index_anew)
{
	struct index_txn *txn = index_fixture_begin(a);
	uint32_t id;

	index_txn_uidvalidity(txn, 77);
	index_txn_append(txn, 5, 0);
	index_txn_modseq(txn, 5, 900);
	index_fixture_commit(&txn);
	id = index_state(a)->indexid;
	txn = index_fixture_begin(a);
	index_txn_modseq(txn, 0, 950);
	index_txn_remake(txn);
	index_fixture_commit(&txn);
	ck_same("validity 77 next 6 highest 950\n5 00 900\n");
	ck_assert_uint_eq(index_state(a)->indexid, id);
	/* Nobody saw the messages: they may still get theirs. */
	ck_assert(index_state(a)->pristine);
	txn = index_txn_begin(a);
	index_txn_append(txn, 6, 0);
	index_txn_modseq(txn, 6, 12);
	index_txn_remake(txn);
	index_fixture_commit(&txn);
	ck_same("validity 77 next 7 highest 950\n5 00 900\n6 00 12\n");
}
END_TEST

START_TEST(an_index_can_begin_again_from_nothing)
{
	struct index_txn *txn;

	make(5);
	txn = index_fixture_begin(a);
	index_txn_flags(txn, 1, 5, FLAG_SEEN, 0);
	index_txn_modseq(txn, 2, 50);
	index_fixture_commit(&txn);
	txn = index_txn_begin(a);
	index_txn_restart(txn);
	index_txn_uidvalidity(txn, 2000);
	index_txn_append(txn, 1, 0);
	index_txn_append(txn, 3, FLAG_DRAFT);
	index_txn_modseq(txn, 1, 60);
	index_txn_modseq(txn, 3, 7);
	index_fixture_commit(&txn);
	ck_assert(index_is_locked(a));
	ck_same("validity 2000 next 4 highest 60\n1 00 60\n3 10 7\n");
}
END_TEST

START_TEST(modseqs_grow_by_records_once_they_are_kept)
{
	struct index_txn *txn;

	make(3);
	txn = index_fixture_begin(a);
	index_txn_modseq(txn, 1, 2);
	index_txn_modseq(txn, 2, 2);
	index_txn_modseq(txn, 3, 2);
	index_fixture_commit(&txn);
	txn = index_txn_begin(a);
	index_txn_flags(txn, 1, 2, FLAG_SEEN, 0);
	index_txn_keyword(txn, "x", true, 2, 2);
	index_txn_flags(txn, 3, 3, INDEX_FLAG_DIRTY, 0);
	index_fixture_commit(&txn);
	ck_same("validity 1000 next 4 highest 4\n1 08 3\n2 08 4 x\n3 80 2\n");
	txn = index_txn_begin(a);
	index_txn_modseq(txn, 1, 2);
	index_txn_modseq(txn, 2, 9);
	index_fixture_commit(&txn);
	ck_same("validity 1000 next 4 highest 9\n1 08 3\n2 08 9 x\n3 80 2\n");
}
END_TEST

START_TEST(flags_are_added_removed_and_replaced)
{
	struct index_txn *txn;

	make(2);
	txn = index_fixture_begin(a);
	index_txn_flags(txn, 1, 2, FLAG_SEEN | FLAG_DRAFT, 0);
	index_txn_flags(txn, 2, 2, FLAG_ANSWERED, 0xff);
	index_txn_flags(txn, 1, 1, 0, FLAG_SEEN);
	index_fixture_commit(&txn);
	ck_same("validity 1000 next 3 highest 5\n1 10 0\n2 01 0\n");
}
END_TEST

START_TEST(an_expunge_counts_when_it_was_made)
{
	struct index_txn *txn;
	struct guid128 guid = { { 7 } };

	make(3);
	txn = index_fixture_begin(a);
	index_txn_internal(txn, true);
	index_txn_expunge(txn, 2, &guid);
	index_fixture_commit(&txn);
	ck_same("validity 1000 next 4 highest 2\n1 00 0\n2 00 0\n3 00 0\n");
	ck_assert(index_is_pending(b, 2, INDEX_EXPUNGE));
	ck_assert(!index_is_pending(b, 1, INDEX_EXPUNGE));
	ck_assert_uint_eq(index_state(b)->pending_count, 1);
	txn = index_txn_begin(a);
	index_txn_expunge(txn, 2, &guid);
	index_txn_tail(txn);
	index_fixture_commit(&txn);
	ck_same("validity 1000 next 4 highest 3\n1 00 0\n3 00 0\n");
	ck_assert_uint_eq(index_state(b)->pending_count, 0);
	ck_assert_uint_eq(index_state(b)->log_tail,
	    index_state(b)->log_offset);
}
END_TEST

START_TEST(keywords_are_one_whatever_their_case)
{
	struct index_txn *txn;

	make(2);
	txn = index_fixture_begin(a);
	index_txn_keyword(txn, "Work", true, 1, 2);
	index_txn_keyword(txn, "WORK", false, 2, 2);
	index_txn_keyword(txn, "home", true, 2, 2);
	index_fixture_commit(&txn);
	ck_same("validity 1000 next 3 highest 5\n1 00 0 Work\n2 00 0 home\n");
	ck_assert_uint_eq(index_keyword_find(b, "HOME"), 1);
	ck_assert(index_keyword_find(b, "hom") == SIZE_MAX);
	txn = index_txn_begin(a);
	index_txn_keywords_reset(txn, 1, 2);
	index_fixture_commit(&txn);
	ck_same("validity 1000 next 3 highest 6\n1 00 0\n2 00 0\n");
}
END_TEST

START_TEST(a_mailbox_may_have_hundreds_of_keywords)
{
	struct index_txn *txn;
	struct err err = ERR_INIT;
	char name[16];

	make(40);
	txn = index_fixture_begin(a);
	for (uint32_t i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "k%u", i);
		index_txn_keyword(txn, name, true, i % 40 + 1, i % 40 + 1);
	}
	index_fixture_commit(&txn);
	ck_assert_int_eq(index_refresh(b, &err), 0);
	ck_assert_uint_eq(index_state(b)->keyword_count, 300);
	for (size_t pos = 0; pos < 40; pos++) {
		for (size_t k = 0; k < 300; k++)
			ck_assert(index_has_keyword(b, pos, k) ==
			    (k % 40 == pos));
	}
}
END_TEST

static const struct index_ext_want thing = {
	.name = "thing", .header_size = 6, .record_size = 4,
	.record_align = 4,
};

START_TEST(an_extension_has_a_header_and_records)
{
	struct index_txn *txn;
	struct err err = ERR_INIT;
	size_t n;

	make(3);
	txn = index_fixture_begin(a);
	index_txn_ext_header(txn, &thing, 2, "abc", 3);
	index_txn_ext_record(txn, &thing, 2, "\1\0\0\0");
	index_txn_ext_record(txn, &thing, 3, "\2\0\0\0");
	index_txn_ext_increase(txn, &thing, 2, 299);
	index_txn_ext_increase(txn, &thing, 3, -2);
	index_txn_ext_increase(txn, &thing, 99, -2);
	index_fixture_commit(&txn);
	ck_assert_int_eq(index_refresh(b, &err), 0);
	ck_assert(index_ext_find(b, "thing", &n));
	ck_assert_uint_eq(index_ext(b, n).header_size, 6);
	ck_assert_mem_eq(index_ext(b, n).header, "\0\0abc\0", 6);
	ck_assert_mem_eq(index_ext_record(b, n, 0), "\0\0\0\0", 4);
	ck_assert_mem_eq(index_ext_record(b, n, 1), "\x2c\1\0\0", 4);
	ck_assert_mem_eq(index_ext_record(b, n, 2), "\0\0\0\0", 4);
}
END_TEST

START_TEST(a_snapshot_says_the_same_as_the_log)
{
	struct index_txn *txn;
	struct err err = ERR_INIT;
	const char *before;
	struct index *c;
	size_t n;

	make(20);
	txn = index_fixture_begin(a);
	for (uint32_t uid = 1; uid <= 20; uid++)
		index_txn_keyword(txn, uid % 2 ? "odd" : "even", true, uid,
		    uid);
	index_txn_modseq(txn, 4, 3);
	index_txn_ext_header(txn, &thing, 0, "header", 6);
	index_txn_ext_record(txn, &thing, 7, "seven..");
	index_txn_flags(txn, 3, 8, FLAG_DELETED, 0);
	index_fixture_commit(&txn);
	ck_assert_msg(index_snapshot_write(a, &err) == 0, "%s", err.msg);
	txn = index_txn_begin(a);
	index_txn_flags(txn, 5, 5, FLAG_SEEN, 0xff);
	index_txn_append(txn, 30, 0);
	index_txn_ext_increase(txn, &thing, 30, 5);
	index_fixture_commit(&txn);
	index_unlock(a);
	before = index_fixture_dump(a);
	c = index_fixture_open();
	ck_assert_msg(index_refresh(c, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(index_fixture_dump(c), before);
	ck_assert(index_ext_find(c, "thing", &n));
	ck_assert_mem_eq(index_ext(c, n).header, "header", 6);
	ck_assert_mem_eq(index_ext_record(c, n, 6), "seve", 4);
	ck_assert_mem_eq(index_ext_record(c, n, 20), "\5\0\0\0", 4);
	index_close(&c);
}
END_TEST

/* Exchange the log as Dovecot does it. */
static void
rotate(uint32_t prev_seq)
{
	const struct index_state *st = index_state(a);
	unsigned char header[INDEX_LOG_HEADER] = { LOG_MAJOR, LOG_MINOR };
	const unsigned char *old;
	size_t len;

	old = index_fixture_read("dovecot.index.log", &len);
	index_fixture_write("dovecot.index.log.2", old, len);
	put16(header + 2, INDEX_LOG_HEADER);
	put32(header + 4, st->indexid);
	put32(header + 8, st->log_seq + 1);
	put32(header + 12, prev_seq);
	put32(header + 16, prev_seq != 0 ? (uint32_t)len : 0);
	put64(header + 24, prev_seq != 0 ? st->highestmodseq : 1);
	header[32] = 1;
	index_fixture_write("dovecot.index.log", header, sizeof(header));
}

START_TEST(a_log_that_was_exchanged_is_followed)
{
	struct index_txn *txn;
	struct err err = ERR_INIT;

	make(3);
	txn = index_fixture_begin(a);
	index_txn_modseq(txn, 1, 5);
	index_fixture_commit(&txn);
	ck_assert_int_eq(index_snapshot_write(a, &err), 0);
	txn = index_txn_begin(a);
	index_txn_flags(txn, 2, 2, FLAG_SEEN, 0);
	index_fixture_commit(&txn);
	index_unlock(a);
	ck_same("validity 1000 next 4 highest 6\n1 00 5\n2 08 6\n3 00 2\n");
	rotate(2);
	txn = index_fixture_begin(a);
	ck_assert_uint_eq(index_state(a)->log_seq, 3);
	index_txn_flags(txn, 3, 3, FLAG_DRAFT, 0);
	index_fixture_commit(&txn);
	index_unlock(a);
	ck_same("validity 1000 next 4 highest 7\n1 00 5\n2 08 6\n3 10 7\n");
}
END_TEST

START_TEST(a_log_that_begins_anew_forgets_what_was)
{
	struct index_txn *txn;
	struct err err = ERR_INIT;

	make(3);
	ck_assert_int_eq(index_lock(a, &err), 0);
	ck_assert_int_eq(index_snapshot_write(a, &err), 0);
	index_unlock(a);
	ck_assert_int_eq(index_refresh(b, &err), 0);
	rotate(0);
	txn = index_fixture_begin(a);
	ck_assert_uint_eq(index_state(a)->count, 0);
	index_txn_uidvalidity(txn, 2000);
	index_txn_append(txn, 1, FLAG_SEEN);
	index_fixture_commit(&txn);
	ck_same("validity 2000 next 2 highest 2\n1 08 0\n");
}
END_TEST

START_TEST(nothing_is_read_if_nothing_changed)
{
	struct err err = ERR_INIT;
	uint64_t serial;

	make(3);
	ck_assert_int_eq(index_refresh(b, &err), 0);
	serial = index_state(b)->serial;
	ck_assert_int_eq(index_refresh(b, &err), 0);
	ck_assert_uint_eq(index_state(b)->serial, serial);
}
END_TEST

START_TEST(half_a_transaction_waits_for_the_rest)
{
	struct index_txn *txn;
	struct err err = ERR_INIT;
	unsigned char *copy;
	const unsigned char *bytes;
	size_t before, after;

	make(2);
	(void)index_fixture_read("dovecot.index.log", &before);
	txn = index_fixture_begin(a);
	index_txn_flags(txn, 1, 1, FLAG_SEEN, 0);
	index_txn_keyword(txn, "k", true, 1, 1);
	index_fixture_commit(&txn);
	bytes = index_fixture_read("dovecot.index.log", &after);
	copy = malloc(after);
	memcpy(copy, bytes, after);
	index_close(&a);
	for (size_t len = before + 1; len < after; len++) {
		index_fixture_write("dovecot.index.log", copy, len);
		ck_assert_int_eq(index_refresh(b, &err), 0);
		ck_assert_str_eq(index_fixture_dump(b),
		    "validity 1000 next 3 highest 2\n1 00 0\n2 00 0\n");
		ck_assert_int_eq(index_lock(b, &err), -1);
		ck_assert_int_eq(err.code, ERR_CORRUPT);
		ck_assert(!index_is_locked(b));
	}
	index_fixture_write("dovecot.index.log", copy, after);
	free(copy);
	ck_assert_int_eq(index_refresh(b, &err), 0);
	ck_assert_str_eq(index_fixture_dump(b),
	    "validity 1000 next 3 highest 4\n1 08 0 k\n2 00 0\n");
}
END_TEST

START_TEST(a_wrong_transaction_is_refused_before_anything_is_written)
{
	struct index_txn *txn;
	struct err err = ERR_INIT;
	size_t before, after;

	make(3);
	(void)index_fixture_read("dovecot.index.log", &before);
	txn = index_fixture_begin(a);
	index_txn_append(txn, 3, 0);
	ck_assert_int_eq(index_txn_commit(&txn, NULL, &err), -1);
	ck_assert_int_eq(err.code, ERR_REFUSED);
	txn = index_txn_begin(a);
	index_txn_flags(txn, 3, 2, 0, 0);
	ck_assert_int_eq(index_txn_commit(&txn, NULL, &err), -1);
	ck_assert_ptr_null(txn);
	index_unlock(a);
	txn = index_txn_begin(a);
	index_txn_append(txn, 4, 0);
	ck_assert_int_eq(index_txn_commit(&txn, NULL, &err), -1);
	(void)index_fixture_read("dovecot.index.log", &after);
	ck_assert_uint_eq(before, after);
}
END_TEST

START_TEST(who_is_second_to_create_an_index_is_told)
{
	struct index_txn *txn;
	struct err err = ERR_INIT;

	ck_assert_int_eq(index_lock(b, &err), 0);
	txn = index_txn_begin(b);
	make(2);
	index_txn_append(txn, 9, 0);
	ck_assert_int_eq(index_txn_commit(&txn, NULL, &err), -1);
	ck_assert_int_eq(err.code, ERR_STALE);
	ck_assert_int_eq(index_refresh(b, &err), 0);
	ck_assert_uint_eq(index_state(b)->count, 2);
}
END_TEST

START_TEST(a_mailbox_that_is_removed_says_so)
{
	struct index_txn *txn;
	struct err err = ERR_INIT;

	make(1);
	txn = index_fixture_begin(a);
	index_txn_deleted(txn, true);
	index_fixture_commit(&txn);
	ck_assert_int_eq(index_refresh(b, &err), 0);
	ck_assert(index_state(b)->deleted);
}
END_TEST

/* As another program would; what it returns ends the hold. */
static int
hold(enum index_lock_method method, pid_t *pid_r)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(index_root.fd, INDEX_BASE ".log", O_RDWR), ends[2];
	char byte;

	ck_assert_int_ne(fd, -1);
	*pid_r = -1;
	switch (method) {
	case INDEX_LOCK_FLOCK:
		ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
		return fd;
	case INDEX_LOCK_DOTLOCK:
		close(fd);
		fd = openat(index_root.fd, INDEX_BASE ".log.lock",
		    O_WRONLY | O_CREAT | O_EXCL, 0600);
		ck_assert_int_eq(dprintf(fd, "1:elsewhere"), 11);
		return fd;
	case INDEX_LOCK_FCNTL:
		break;
	}
	ck_assert_int_eq(pipe(ends), 0);
	*pid_r = fork();
	if (*pid_r == 0) {
		/* Also if the test fails. */
		(void)alarm(60);
		if (fcntl(fd, F_SETLK, &lock) == -1 ||
		    write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fd);
	ck_assert_int_eq((int)read(ends[0], &byte, 1), 1);
	close(ends[1]);
	return ends[0];
}

static void
let_go(int held, pid_t pid)
{
	close(held);
	(void)unlinkat(index_root.fd, INDEX_BASE ".log.lock", 0);
	if (pid != -1) {
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	}
}

START_TEST(each_lock_method_is_dovecots_and_no_other)
{
	struct index_options opts = {
		.lock_method = (enum index_lock_method)_i,
		.hostname = "here",
	};
	struct index *index;
	struct err err;
	pid_t pid;
	int held;

	make(1);
	for (int method = INDEX_LOCK_FCNTL; method <= INDEX_LOCK_DOTLOCK;
	    method++) {
		held = hold((enum index_lock_method)method, &pid);
		index = index_open(&index_root, index_root.fd, INDEX_BASE,
		    &opts);
		err = (struct err)ERR_INIT;
		if (method == _i) {
			ck_assert_int_eq(index_lock(index, &err), -1);
			ck_assert_int_eq(err.code, ERR_TEMP);
		} else {
			ck_assert_msg(index_lock(index, &err) == 0, "%s",
			    err.msg);
			index_unlock(index);
		}
		let_go(held, pid);
		err = (struct err)ERR_INIT;
		ck_assert_msg(index_lock(index, &err) == 0, "%s", err.msg);
		index_close(&index);
	}
}
END_TEST

/* A lock file of this content; -1: not taken, and it is still there. */
static int
lock_beside(const char *content, uint64_t age_ms, struct err *err)
{
	struct index_options opts = { .lock_method = INDEX_LOCK_DOTLOCK,
	    .hostname = "here" };
	struct index *index = index_open(&index_root, index_root.fd,
	    INDEX_BASE, &opts);
	int ret;

	index_fixture_write(INDEX_BASE ".log.lock", content, strlen(content));
	clock_set(clock_now_ms() + age_ms);
	*err = (struct err)ERR_INIT;
	ret = index_lock(index, err);
	clock_set(0);
	if (ret == 0)
		index_unlock(index);
	ck_assert_int_eq(faccessat(index_root.fd, INDEX_BASE ".log.lock",
	    F_OK, 0), ret == 0 ? -1 : 0);
	index_close(&index);
	return ret;
}

/* Its times are now: the clock is set forward. */
START_TEST(a_dotlock_that_is_left_over_locks_nobody_out)
{
	struct err err;
	char content[64];
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	make(1);
	snprintf(content, sizeof(content), "%ld:here", (long)pid);
	ck_assert_msg(lock_beside(content, 0, &err) == 0, "%s", err.msg);
	/* Of another host, or nobody's, it counts as such by its age alone. */
	snprintf(content, sizeof(content), "%ld:elsewhere", (long)pid);
	ck_assert_int_eq(lock_beside(content, 170 * 1000, &err), -1);
	ck_assert_int_eq(err.code, ERR_TEMP);
	ck_assert_ptr_nonnull(strstr(err.msg, "elsewhere"));
	ck_assert_int_eq(lock_beside(content, 200 * 1000, &err), 0);
	ck_assert_int_eq(lock_beside("", 170 * 1000, &err), -1);
	ck_assert_int_eq(lock_beside("", 200 * 1000, &err), 0);
	ck_same("validity 1000 next 2 highest 2\n1 00 0\n");
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "index");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_index_that_does_not_exist_is_a_state);
	tcase_add_test(tc, a_new_index_holds_what_was_put_in);
	tcase_add_test(tc,
	    a_message_can_be_made_with_a_modseq_below_its_own_records);
	tcase_add_test(tc, an_index_that_nobody_has_seen_can_be_made_anew);
	tcase_add_test(tc, a_raise_alone_makes_no_index_anew);
	tcase_add_test(tc, an_index_can_begin_again_from_nothing);
	tcase_add_test(tc, modseqs_grow_by_records_once_they_are_kept);
	tcase_add_test(tc, flags_are_added_removed_and_replaced);
	tcase_add_test(tc, an_expunge_counts_when_it_was_made);
	tcase_add_test(tc, keywords_are_one_whatever_their_case);
	tcase_add_test(tc, a_mailbox_may_have_hundreds_of_keywords);
	tcase_add_test(tc, an_extension_has_a_header_and_records);
	tcase_add_test(tc, a_snapshot_says_the_same_as_the_log);
	tcase_add_test(tc, a_log_that_was_exchanged_is_followed);
	tcase_add_test(tc, a_log_that_begins_anew_forgets_what_was);
	tcase_add_test(tc, nothing_is_read_if_nothing_changed);
	tcase_add_test(tc, half_a_transaction_waits_for_the_rest);
	tcase_add_test(tc,
	    a_wrong_transaction_is_refused_before_anything_is_written);
	tcase_add_test(tc, who_is_second_to_create_an_index_is_told);
	tcase_add_test(tc, a_mailbox_that_is_removed_says_so);
	tcase_add_loop_test(tc, each_lock_method_is_dovecots_and_no_other,
	    INDEX_LOCK_FCNTL, INDEX_LOCK_DOTLOCK + 1);
	tcase_add_test(tc, a_dotlock_that_is_left_over_locks_nobody_out);
	return unit_run(suite);
}
