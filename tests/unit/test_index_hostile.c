/*
 * test_index_hostile.c - index files that are cut, flipped, or lie
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "model/flags.h"
#include "store/index/index_int.h"
#include "store/index/index_list.h"
#include "store/index/mailbox_log.h"
#include "tests/support/index_fixture.h"
#include "tests/support/unit.h"

#define LOG	"dovecot.index.log"

static unsigned char *snap, *log_bytes;
static size_t snap_len, log_len;

static unsigned char *
copy_file(const char *name, size_t *len_r)
{
	const unsigned char *bytes = index_fixture_read(name, len_r);
	unsigned char *copy = malloc(*len_r);

	memcpy(copy, bytes, *len_r);
	return copy;
}

/* An index with a bit of everything, as bytes. */
static void
setup(void)
{
	static const struct index_ext_want ext = { .name = "thing",
	    .header_size = 9, .record_size = 4, .record_align = 4 };
	struct err err = ERR_INIT;
	struct index_txn *txn;
	struct index *index;

	index_fixture_setup();
	index = index_fixture_open();
	txn = index_fixture_begin(index);
	index_txn_uidvalidity(txn, 5);
	for (uint32_t uid = 1; uid < 8; uid++)
		index_txn_append(txn, uid, FLAG_SEEN);
	index_txn_keyword(txn, "k", true, 2, 5);
	index_txn_ext_record(txn, &ext, 3, "abcd");
	index_txn_modseq(txn, 4, 90);
	index_fixture_commit(&txn);
	txn = index_fixture_begin(index);
	index_txn_flags(txn, 2, 6, FLAG_DRAFT, 0);
	index_txn_append(txn, 11, 0);
	index_txn_keyword(txn, "other", true, 1, 11);
	index_txn_ext_increase(txn, &ext, 11, 4);
	index_txn_expunge(txn, 3, NULL);
	index_txn_modseq(txn, 1, 99);
	index_fixture_commit(&txn);
	ck_assert_int_eq(index_refresh(index, &err), 0);
	index_close(&index);
	snap = copy_file(INDEX_BASE, &snap_len);
	log_bytes = copy_file(LOG, &log_len);
}

static void
teardown(void)
{
	free(snap);
	free(log_bytes);
	index_fixture_teardown();
}

/* Known, or damaged; nothing else, and never more than there can be. */
static void
look(void)
{
	struct index *index = index_fixture_open();
	struct err err = ERR_INIT;

	if (index_refresh(index, &err) == -1) {
		ck_assert_msg(err.code == ERR_CORRUPT, "%s", err.msg);
		ck_assert(!index_state(index)->exists);
	} else {
		ck_assert_uint_le(index_state(index)->count, 64);
		(void)index_fixture_dump(index);
	}
	index_close(&index);
}

START_TEST(each_beginning_of_the_log_is_an_older_state)
{
	for (size_t len = 0; len <= log_len; len++) {
		index_fixture_write(LOG, log_bytes, len);
		look();
	}
}
END_TEST

START_TEST(each_beginning_of_the_snapshot_is_refused)
{
	for (size_t len = 0; len < snap_len; len++) {
		struct index *index = index_fixture_open();
		struct err err = ERR_INIT;

		index_fixture_write(INDEX_BASE, snap, len);
		ck_assert_int_eq(index_refresh(index, &err), -1);
		ck_assert_int_eq(err.code, ERR_CORRUPT);
		index_close(&index);
	}
}
END_TEST

START_TEST(no_changed_byte_does_harm)
{
	static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80,
	    0xff };

	for (size_t i = 0; i < snap_len + log_len; i++) {
		bool in_snap = i < snap_len;
		unsigned char *p = in_snap ? &snap[i] :
		    &log_bytes[i - snap_len], was = *p;

		for (size_t v = 0; v < sizeof(values); v++) {
			*p = values[v];
			index_fixture_write(INDEX_BASE, snap, snap_len);
			index_fixture_write(LOG, log_bytes, log_len);
			look();
		}
		*p = was;
	}
}
END_TEST

START_TEST(what_is_damaged_is_never_written_to)
{
	struct index *index = index_fixture_open();
	struct err err = ERR_INIT;

	memset(log_bytes + 4, 0, 4);	/* the mark of a damaged index */
	index_fixture_write(LOG, log_bytes, log_len);
	ck_assert_int_eq(index_lock(index, &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	ck_assert(!index_is_locked(index));
	index_close(&index);
}
END_TEST

/* As after a copy of one of the two files from elsewhere. */
START_TEST(a_snapshot_and_a_log_of_two_indexes_are_damaged)
{
	struct index *index = index_fixture_open();
	struct err err = ERR_INIT;

	log_bytes[4] ^= 1;		/* its indexid */
	log_bytes[12] = 1;		/* there was a log before it */
	index_fixture_write(LOG, log_bytes, log_len);
	ck_assert_int_eq(index_refresh(index, &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	ck_assert(!index_state(index)->exists);
	index_close(&index);
}
END_TEST

START_TEST(another_version_is_refused)
{
	struct index *index = index_fixture_open();
	struct err err = ERR_INIT;

	log_bytes[0] = 2;
	index_fixture_write(LOG, log_bytes, log_len);
	ck_assert_int_eq(index_refresh(index, &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	ck_assert_ptr_nonnull(strstr(err.msg, "version"));
	index_close(&index);
}
END_TEST

START_TEST(memory_is_not_taken_for_records_that_are_not_there)
{
	struct index *index = index_fixture_open();
	struct err err = ERR_INIT;

	put32(snap + HDR_COUNT, 0x7fffffff);
	index_fixture_write(INDEX_BASE, snap, snap_len);
	ck_assert_int_eq(index_refresh(index, &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	index_close(&index);
}
END_TEST

START_TEST(wide_records_for_many_messages_are_refused)
{
	static const struct index_ext_want wide[] = {
		{ .name = "a", .record_size = 65000, .record_align = 1 },
		{ .name = "b", .record_size = 65000, .record_align = 1 },
	};
	struct index *index = index_fixture_open();
	struct index_txn *txn = index_fixture_begin(index);
	struct err err = ERR_INIT;
	int ret;

	for (uint32_t uid = 100; uid < 100000; uid++)
		index_txn_append(txn, uid, 0);
	index_txn_ext(txn, &wide[0]);
	index_txn_ext(txn, &wide[1]);
	ret = index_txn_commit(&txn, NULL, &err);
	ck_assert_int_eq(ret, -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	index_close(&index);
}
END_TEST

/* The list of mailboxes. */
static struct index *
list_open(void)
{
	struct index_options opts = { .lock_timeout = 10, .no_fsync = true,
	    .hostname = "test" };

	return index_open(&index_root, index_root.fd, INDEX_LIST_BASE, &opts);
}

START_TEST(a_list_of_mailboxes_is_made_changed_and_read)
{
	struct index *index = list_open();
	struct guid128 guid = { { 1, 2, 3 } };
	const char *levels[INDEX_LIST_DEPTH_MAX];
	struct index_list list;
	struct err err = ERR_INIT;
	uint32_t work, sub, other;

	ck_assert_int_eq(index_lock(index, &err), 0);
	ck_assert_int_eq(index_list_add(index, 0, "Work", 0, &guid, 7, &work,
	    &err), 0);
	ck_assert_int_eq(index_lock(index, &err), 0);
	ck_assert_int_eq(index_list_add(index, work, "Sub", 0, &guid, 8, &sub,
	    &err), 0);
	ck_assert_int_eq(index_list_add(index, 0, "Sub", INDEX_NODE_NOSELECT,
	    &guid, 8, &other, &err), 0);
	ck_assert_int_eq(index_list_change(index, sub, other, "Neu", 0, NULL,
	    0, &err), 0);
	ck_assert_int_eq(index_list_remove(index, work, &err), 0);
	index_unlock(index);
	ck_assert_int_eq(index_list_read(&list, index, &err), 0);
	ck_assert_uint_eq(list.nodes.n, 2);
	ck_assert_uint_eq(index_list_path(&list, 0, levels), 2);
	ck_assert_str_eq(levels[0], "Sub");
	ck_assert_str_eq(levels[1], "Neu");
	ck_assert(guid_eq(&list.nodes.v[0].guid, &guid));
	ck_assert_uint_eq(list.nodes.v[0].uidvalidity, 8);
	ck_assert_uint_eq(list.nodes.v[1].flags, INDEX_NODE_NOSELECT);
	index_list_deinit(&list);
	index_close(&index);
}
END_TEST

START_TEST(a_list_whose_parents_form_a_circle_is_damaged)
{
	struct index *index = list_open();
	struct guid128 guid = { { 1 } };
	struct index_list list;
	struct err err = ERR_INIT;
	uint32_t a, b;

	ck_assert_int_eq(index_lock(index, &err), 0);
	ck_assert_int_eq(index_list_add(index, 0, "a", 0, &guid, 7, &a, &err),
	    0);
	ck_assert_int_eq(index_lock(index, &err), 0);
	ck_assert_int_eq(index_list_add(index, a, "b", 0, &guid, 7, &b, &err),
	    0);
	ck_assert_int_eq(index_list_change(index, a, b, NULL, 0, NULL, 0,
	    &err), 0);
	ck_assert_int_eq(index_list_read(&list, index, &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	index_list_deinit(&list);
	index_close(&index);
}
END_TEST

struct seen {
	unsigned int n;
	struct mailbox_log_record last;
};

static int
on_record(const struct mailbox_log_record *record, void *arg,
    struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	seen->n++;
	seen->last = *record;
	return 0;
}

START_TEST(a_log_of_mailboxes_is_appended_to_and_exchanged_when_full)
{
	/* SHA-1 of "INBOX/Work", its first half. */
	static const unsigned char expected[16] = {
		0x41, 0x82, 0xa3, 0xda, 0xa8, 0x34, 0xad, 0x90,
		0x4a, 0xc3, 0xd1, 0x27, 0xc3, 0x8a, 0x66, 0xe1,
	};
	struct guid128 guid = mailbox_log_name_guid("INBOX/Work");
	struct seen seen = { .n = 0 };
	struct err err = ERR_INIT;
	size_t len;

	ck_assert_mem_eq(guid.b, expected, sizeof(expected));
	ck_assert_int_eq(mailbox_log_read(&index_root, index_root.fd,
	    on_record, &seen, &err), 0);
	ck_assert_uint_eq(seen.n, 0);
	for (unsigned int i = 0; i < 180; i++)
		ck_assert_int_eq(mailbox_log_append(&index_root,
		    index_root.fd, i < 179 ? MAILBOX_LOG_SUBSCRIBE :
		    MAILBOX_LOG_DELETE, &guid, &err), 0);
	ck_assert_int_eq(mailbox_log_read(&index_root, index_root.fd,
	    on_record, &seen, &err), 0);
	ck_assert_uint_eq(seen.n, 180);
	ck_assert_int_eq((int)seen.last.event, (int)MAILBOX_LOG_DELETE);
	ck_assert(guid_eq(&seen.last.guid, &guid));
	(void)index_fixture_read(MAILBOX_LOG_NAME ".2", &len);
	ck_assert_uint_ge(len, MAILBOX_LOG_ROTATE);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "index_hostile");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_beginning_of_the_log_is_an_older_state);
	tcase_add_test(tc, each_beginning_of_the_snapshot_is_refused);
	tcase_add_test(tc, no_changed_byte_does_harm);
	tcase_add_test(tc, what_is_damaged_is_never_written_to);
	tcase_add_test(tc, a_snapshot_and_a_log_of_two_indexes_are_damaged);
	tcase_add_test(tc, another_version_is_refused);
	tcase_add_test(tc, memory_is_not_taken_for_records_that_are_not_there);
	tcase_add_test(tc, wide_records_for_many_messages_are_refused);
	tcase_add_test(tc, a_list_of_mailboxes_is_made_changed_and_read);
	tcase_add_test(tc, a_list_whose_parents_form_a_circle_is_damaged);
	tcase_add_test(tc,
	    a_log_of_mailboxes_is_appended_to_and_exchanged_when_full);
	return unit_run(suite);
}
