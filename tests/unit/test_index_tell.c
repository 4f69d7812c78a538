/*
 * test_index_tell.c - what sessions are told of mailboxes they have not open
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "model/flags.h"
#include "store/index/index_int.h"
#include "store/index/index_tell.h"
#include "tests/support/index_fixture.h"
#include "tests/support/unit.h"

static struct index *list, *box;
static struct index_tell tell;

static void
setup(void)
{
	struct index_options opts = { .lock_timeout = 10, .no_fsync = true,
	    .hostname = "test" };
	struct guid128 none = { { 0 } };
	struct err err = ERR_INIT;
	uint32_t uid;

	index_fixture_setup();
	list = index_open(&index_root, index_root.fd, INDEX_LIST_BASE, &opts);
	box = index_fixture_open();
	ck_assert_int_eq(index_lock(list, &err), 0);
	ck_assert_int_eq(index_list_add(list, 0, "INBOX", 0, &none, 0, &uid,
	    &err), 0);
	tell = (struct index_tell){ .list = list, .separator = '/' };
}

static void
teardown(void)
{
	index_tell_forget(&tell);
	index_close(&list);
	index_close(&box);
	index_fixture_teardown();
}

/* The nodes by rising UID: "uid:path flags guid uidvalidity" each. */
static const char *
nodes(void)
{
	static char text[4096];
	const char *levels[INDEX_LIST_DEPTH_MAX];
	struct err err = ERR_INIT;
	struct index_list read;
	size_t len = 0, n;

	ck_assert_int_eq(index_refresh(list, &err), 0);
	ck_assert_msg(index_list_read(&read, list, &err) == 0, "%s", err.msg);
	text[0] = '\0';
	for (size_t i = 0; i < read.nodes.n; i++) {
		const struct index_node *node = &read.nodes.v[i];

		len += (size_t)sprintf(text + len, "%s%u:", i > 0 ? " " : "",
		    node->uid);
		n = index_list_path(&read, i, levels);
		for (size_t k = 0; k < n; k++)
			len += (size_t)sprintf(text + len, "%s%s",
			    k > 0 ? "/" : "", levels[k]);
		len += (size_t)sprintf(text + len, ",%x,%u,%u", node->flags,
		    node->guid.b[0], node->uidvalidity);
	}
	index_list_deinit(&read);
	return text;
}

static struct index_told
mailbox(const char *path, uint8_t guid)
{
	return (struct index_told){ .path = path, .selectable = true,
	    .guid = { { guid } }, .uidvalidity = 100U + guid };
}

static void
create(const char *path, uint8_t guid)
{
	struct index_told told = mailbox(path, guid);

	index_tell_created(&tell, &told, 1);
}

/* The mailbox's index: messages 1..n, of which the first seen are read. */
static void
fill(uint32_t n, uint32_t seen)
{
	struct index_txn *txn = index_fixture_begin(box);

	if (index_state(box)->uidvalidity == 0)
		index_txn_uidvalidity(txn, 1000);
	for (uint32_t uid = index_state(box)->next_uid; uid <= n; uid++)
		index_txn_append(txn, uid, 0);
	if (seen > 0)
		index_txn_flags(txn, 1, seen, FLAG_SEEN, 0);
	index_fixture_commit(&txn);
	index_unlock(box);
}

/* "messages unseen recent uidnext" of a node, or "". */
static const char *
counts(uint32_t uid)
{
	static char text[100];
	const uint8_t *rec;
	size_t n, pos;

	text[0] = '\0';
	if (index_ext_find(list, "msgs", &n) &&
	    index_find(list, uid, &pos)) {
		rec = index_ext_record(list, n, pos);
		snprintf(text, sizeof(text), "%u %u %u %u", get32(rec),
		    get32(rec + 4), get32(rec + 8), get32(rec + 12));
	}
	return text;
}

START_TEST(a_new_mailbox_has_nodes_for_all_its_levels)
{
	create("A/B/C", 1);
	ck_assert_str_eq(nodes(), "1:INBOX,0,0,0 2:A,4,0,0 3:A/B,4,0,0 "
	    "4:A/B/C,0,1,101");
	tell.directories = true;
	create("A/B", 2);
	create("D/E", 3);
	ck_assert_str_eq(nodes(), "1:INBOX,0,0,0 2:A,4,0,0 3:A/B,0,2,102 "
	    "4:A/B/C,0,1,101 5:D,10,0,0 6:D/E,0,3,103");
}
END_TEST

START_TEST(many_mailboxes_come_at_once)
{
	static struct index_told told[300];
	static char paths[300][32];
	const char *all;

	for (size_t i = 0; i < 300; i++) {
		snprintf(paths[i], sizeof(paths[i]), "P%zu/%zu", i % 7, i);
		told[i] = mailbox(paths[i], 1);
	}
	index_tell_created(&tell, told, 0);
	index_tell_created(&tell, told, 100);
	all = nodes();
	ck_assert_ptr_nonnull(strstr(all, "P1/99,0,1,101"));
	ck_assert_ptr_nonnull(strstr(all, ":P6,4,0,0"));
	index_tell_created(&tell, told + 100, 200);
	ck_assert_uint_eq(index_state(list)->count, 1 + 7 + 300);
}
END_TEST

#define MANY	3000U

/* The path of a node; its length. */
static size_t
path_of(const struct index_list *read, size_t at, char path[static 100])
{
	const char *levels[INDEX_LIST_DEPTH_MAX];
	size_t n = index_list_path(read, at, levels), len = 0;

	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(path + len, 100 - len, "%s%s",
		    i > 0 ? "/" : "", levels[i]);
	return len;
}

START_TEST(each_of_many_nodes_is_found_by_its_path)
{
	static struct index_told told[MANY];
	static char paths[MANY][32];
	struct index_list read;
	struct err err = ERR_INIT;
	char path[100];
	size_t len;

	for (size_t i = 0; i < MANY; i++) {
		snprintf(paths[i], sizeof(paths[i]), "P%zu/Q%zu/%zu", i % 7,
		    i % 11, i);
		told[i] = mailbox(paths[i], 1);
	}
	index_tell_created(&tell, told, MANY);
	ck_assert_uint_eq(index_state(list)->count, 1 + 7 + 77 + MANY);
	index_tell_created(&tell, told, MANY);
	ck_assert_uint_eq(index_state(list)->count, 1 + 7 + 77 + MANY);
	ck_assert_int_eq(index_list_read(&read, list, &err), 0);
	for (size_t i = 0; i < read.nodes.n; i++) {
		len = path_of(&read, i, path);
		ck_assert_uint_eq(index_list_find(&read, path, len, '/'), i);
		ck_assert_uint_eq(index_list_find(&read, path, len, '^'),
		    strchr(path, '/') == NULL ? i : SIZE_MAX);
	}
	index_list_deinit(&read);
}
END_TEST

START_TEST(the_first_of_two_nodes_of_one_path_is_found)
{
	struct guid128 none = { { 0 } };
	struct err err = ERR_INIT;
	struct index_list read;
	uint32_t a, b, uid;

	ck_assert_int_eq(index_lock(list, &err), 0);
	ck_assert_int_eq(index_list_add(list, 0, "A", 0, &none, 0, &a, &err),
	    0);
	ck_assert_int_eq(index_list_add(list, 0, "A", 0, &none, 0, &b, &err),
	    0);
	ck_assert_int_eq(index_list_add(list, b, "B", 0, &none, 0, &uid,
	    &err), 0);
	index_unlock(list);
	ck_assert_int_eq(index_list_read(&read, list, &err), 0);
	/* The first looks go through the list, later ones do not. */
	for (unsigned int i = 0; i < 100; i++) {
		ck_assert_uint_eq(index_list_find(&read, "A", 1, '/'), 1);
		ck_assert_uint_eq(index_list_find(&read, "A/B", 3, '/'), 3);
		ck_assert_uint_eq(index_list_find(&read, "A/C", 3, '/'),
		    SIZE_MAX);
		ck_assert_uint_eq(index_list_find(&read, "", 0, '/'),
		    SIZE_MAX);
	}
	*ARRAY_ADD(&read.nodes) = (struct index_node){ .parent = 2,
	    .name = "C" };
	ck_assert_uint_eq(index_list_find(&read, "A/C", 3, '/'), 4);
	index_list_deinit(&read);
}
END_TEST

/* Who sees both at once calls it a rename. */
START_TEST(a_rename_is_one_transaction)
{
	struct index_told to = mailbox("New", 1);
	uint64_t serial;

	create("Old/Box", 1);
	create("Other", 2);
	serial = index_state(list)->serial;
	index_tell_renamed(&tell, "Old/Box", &to);
	ck_assert_str_eq(nodes(), "1:INBOX,0,0,0 4:Other,0,2,102 "
	    "5:New,0,1,101");
	ck_assert_uint_eq(index_state(list)->serial, serial + 1);
}
END_TEST

START_TEST(a_mailbox_goes_without_those_below_it)
{
	create("A", 1);
	create("A/B", 2);
	index_tell_removed(&tell, "A");
	ck_assert_str_eq(nodes(), "1:INBOX,0,0,0 2:A,4,0,0 3:A/B,0,2,102");
	index_tell_removed(&tell, "A/B");
	ck_assert_str_eq(nodes(), "1:INBOX,0,0,0");
	index_tell_removed(&tell, "A/B");
	ck_assert_str_eq(nodes(), "1:INBOX,0,0,0");
}
END_TEST

START_TEST(who_lists_mailboxes_is_to_look_at_the_directories_again)
{
	struct err err = ERR_INIT;
	struct index_list read;

	index_tell_removed(&tell, "None");
	ck_assert_int_eq(index_list_read(&read, list, &err), 0);
	ck_assert(read.refresh);
	index_list_deinit(&read);
}
END_TEST

START_TEST(counts_are_those_of_the_mailbox_as_it_is)
{
	struct index_told work = mailbox("Work", 1);
	struct index *other = index_fixture_open();
	struct index_txn *txn;
	struct err err = ERR_INIT;

	create("Work", 1);
	fill(5, 2);
	index_tell_status(&tell, &work, box);
	ck_assert_str_eq(counts(2), "5 3 5 6");
	/* Somebody else has changed it since. */
	ck_assert_int_eq(index_lock(other, &err), 0);
	txn = index_txn_begin(other);
	index_txn_expunge(txn, 1, NULL);
	index_txn_first_recent(txn, 5);
	index_fixture_commit(&txn);
	index_close(&other);
	index_tell_status(&tell, &work, box);
	ck_assert_str_eq(counts(2), "4 3 1 6");
}
END_TEST

START_TEST(nothing_is_written_where_nothing_is_new)
{
	struct index_told work = mailbox("Work", 1);
	uint32_t offset;

	create("Work", 1);
	fill(5, 2);
	index_tell_status(&tell, &work, box);
	offset = index_state(list)->log_offset;
	index_tell_status(&tell, &work, box);
	ck_assert_uint_eq(index_state(list)->log_offset, offset);
}
END_TEST

START_TEST(a_mailbox_of_an_old_name_does_not_have_the_old_counts)
{
	struct index_told work = mailbox("Work", 1);

	create("Work", 1);
	create("Work/Below", 2);
	fill(5, 2);
	index_tell_status(&tell, &work, box);
	index_tell_removed(&tell, "Work");
	ck_assert_str_eq(counts(2), "0 0 0 0");
	create("Work", 3);
	ck_assert_str_eq(nodes(), "1:INBOX,0,0,0 2:Work,0,3,103 "
	    "3:Work/Below,0,2,102");
	ck_assert_str_eq(counts(2), "0 0 0 0");
	/* Its GUID changes: the counts are written along. */
	work.guid.b[0] = 4;
	work.uidvalidity = 104;
	index_tell_status(&tell, &work, box);
	ck_assert_str_eq(counts(2), "5 3 5 6");
	ck_assert_str_eq(nodes(), "1:INBOX,0,0,0 2:Work,0,4,104 "
	    "3:Work/Below,0,2,102");
}
END_TEST

START_TEST(inbox_is_told_of_only_where_dovecot_keeps_it_too)
{
	static const struct index_ext_want msgs = { .name = "msgs",
	    .record_size = 16, .record_align = 4 };
	static const uint8_t one[16] = { [12] = 1 };
	struct index_told inbox = mailbox("INBOX", 1);
	struct index_txn *txn;
	struct err err = ERR_INIT;

	fill(5, 2);
	index_tell_status(&tell, &inbox, box);
	ck_assert_str_eq(counts(1), "");
	ck_assert_int_eq(index_lock(list, &err), 0);
	txn = index_txn_begin(list);
	index_txn_ext_record(txn, &msgs, 1, one);
	index_fixture_commit(&txn);
	index_unlock(list);
	index_tell_status(&tell, &inbox, box);
	ck_assert_str_eq(counts(1), "5 3 5 6");
}
END_TEST

START_TEST(records_of_another_version_are_left_alone)
{
	static const struct index_ext_want msgs = { .name = "msgs",
	    .record_size = 20, .record_align = 4 };
	static const uint8_t zero[20];
	struct index_told work = mailbox("Work", 1);
	struct index_txn *txn;
	struct err err = ERR_INIT;

	create("Work", 1);
	ck_assert_int_eq(index_lock(list, &err), 0);
	txn = index_txn_begin(list);
	index_txn_ext_record(txn, &msgs, 2, zero);
	index_fixture_commit(&txn);
	index_unlock(list);
	fill(5, 2);
	index_tell_status(&tell, &work, box);
	ck_assert_str_eq(counts(2), "0 0 0 0");
}
END_TEST

START_TEST(a_list_that_is_damaged_or_missing_is_left_alone)
{
	struct index_told work = mailbox("Work", 1);
	const unsigned char *log;
	char before[4096];
	size_t len, now;

	create("Work", 1);
	fill(5, 2);
	log = index_fixture_read(INDEX_LIST_BASE ".log", &len);
	ck_assert_uint_le(len, sizeof(before));
	memcpy(before, log, len);
	memset(before + 40, 0x80, 8);
	index_fixture_write(INDEX_LIST_BASE ".log", before, len);
	index_close(&list);
	list = index_open(&index_root, index_root.fd, INDEX_LIST_BASE,
	    &(struct index_options){ .lock_timeout = 1, .hostname = "test" });
	tell.list = list;
	for (int i = 0; i < 2; i++) {
		index_tell_forget(&tell);
		create("Other", 2);
		index_tell_removed(&tell, "Work");
		index_tell_subscribed(&tell);
		index_tell_status(&tell, &work, box);
		if (i == 0) {
			log = index_fixture_read(INDEX_LIST_BASE ".log", &now);
			ck_assert_uint_eq(now, len);
			ck_assert_mem_eq(log, before, len);
			index_fixture_unlink(INDEX_LIST_BASE ".log");
		}
	}
	ck_assert(!index_state(list)->exists);
	tell.list = NULL;
	index_tell_subscribed(&tell);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "index_tell");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_new_mailbox_has_nodes_for_all_its_levels);
	tcase_add_test(tc, many_mailboxes_come_at_once);
	tcase_add_test(tc, each_of_many_nodes_is_found_by_its_path);
	tcase_add_test(tc, the_first_of_two_nodes_of_one_path_is_found);
	tcase_add_test(tc, a_rename_is_one_transaction);
	tcase_add_test(tc, a_mailbox_goes_without_those_below_it);
	tcase_add_test(tc,
	    who_lists_mailboxes_is_to_look_at_the_directories_again);
	tcase_add_test(tc, counts_are_those_of_the_mailbox_as_it_is);
	tcase_add_test(tc, nothing_is_written_where_nothing_is_new);
	tcase_add_test(tc,
	    a_mailbox_of_an_old_name_does_not_have_the_old_counts);
	tcase_add_test(tc,
	    inbox_is_told_of_only_where_dovecot_keeps_it_too);
	tcase_add_test(tc, records_of_another_version_are_left_alone);
	tcase_add_test(tc,
	    a_list_that_is_damaged_or_missing_is_left_alone);
	return unit_run(suite);
}
