/*
 * Damage in the files of a dbox: each message that was hit is told of, all
 * others are as they were, and none is taken for expunged.
 */
#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "model/mail_location.h"
#include "store/mdbox/mdbox.h"
#include "store/store.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define MESSAGES	3U
#define FORMATS		2
#define MDBOX		1	/* of the formats */

static const char *const formats[FORMATS] = { "sdbox", "mdbox" };
static const char *const guids[MESSAGES] = {
	"0123456789abcdef0123456789abcdef",
	"123456789abcdef0123456789abcdef0", "1000000000.M1P1.host",
};
static const char *const bodies[MESSAGES] = {
	"Subject: one\n\nfirst body\n", "Subject: two\r\n\r\nsecond\r\n",
	"Subject: three\n\nthird\n",
};

static struct store *store;
static struct mailbox *box;
static char root[256], file_path[512];
static unsigned int problems;

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	(void)what;
	(void)why;
	(void)arg;
	problems++;
}

static void
open_store(int format, bool readonly)
{
	struct mail_location loc = { .path = root };
	struct store_options opts = { .readonly = readonly,
	    .create = !readonly, .alt_char = '_', .hostname = "test" };
	struct err err = ERR_INIT;

	loc.driver = (char *)(uintptr_t)formats[format];
	ck_assert_msg(store_open(&store, &loc, &opts, &err) == 0, "%s",
	    err.msg);
	store->problem = on_problem;
	ck_assert_msg(store->driver->mailbox_open(store, "INBOX", &box,
	    &err) == 0, "%s", err.msg);
}

static void
close_store(void)
{
	store->driver->mailbox_close(&box);
	store_close(&store);
}

static void
on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)modseq;
	if (failure == NULL)
		((uint32_t *)arg)[tag] = uid;
}

static uint32_t
append(const char *guid, const char *body)
{
	const struct store_driver *d = store->driver;
	struct mail_info info = { .guid = guid, .received = 1000000000 };
	struct mail_writer *writer;
	struct err err = ERR_INIT;
	uint32_t uid[1] = { 0 };

	ck_assert_int_eq(d->append_begin(box, &info, &writer, &err), 0);
	ck_assert_int_eq(d->append_write(writer, body, strlen(body), &err),
	    0);
	ck_assert_int_eq(d->append_commit(&writer, 0, &err), 0);
	ck_assert_msg(d->flush(store, on_done, uid, &err) == 0, "%s",
	    err.msg);
	return uid[0];
}

static void
begin(int format)
{
	snprintf(root, sizeof(root), "%s/mail", tempdir_make());
	open_store(format, false);
	for (size_t i = 0; i < MESSAGES; i++)
		ck_assert_uint_eq(append(guids[i], bodies[i]), i + 1);
	close_store();
	snprintf(file_path, sizeof(file_path), format == 0 ?
	    "%s/mailboxes/INBOX/dbox-Mails/u.2" : "%s/storage/m.1", root);
	problems = 0;
}

struct seen {
	size_t n;
	bool known[MESSAGES];		/* by its right GUID */
};

static int
on_scan(const struct mail_info *info, void *arg, struct err *err)
{
	struct seen *seen = arg;

	(void)err;
	seen->n++;
	ck_assert_uint_ge(info->uid, 1);
	ck_assert_uint_le(info->uid, MESSAGES);
	ck_assert_ptr_nonnull(info->guid);
	seen->known[info->uid - 1] = strcmp(info->guid,
	    guids[info->uid - 1]) == 0;
	return 0;
}

/* 1: it could be read whole; 0: it could not, and was told so. */
static int
read_one(size_t i, char *buf, size_t size)
{
	const struct store_driver *d = store->driver;
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;
	ptrdiff_t n;
	size_t len = 0;

	if (d->reader_open(box, (uint32_t)i + 1, guids[i], &reader, &info,
	    &err) == -1) {
		ck_assert_msg(err.code == ERR_CORRUPT ||
		    err.code == ERR_REFUSED || err.code == ERR_PERM ||
		    err.code == ERR_NOTFOUND,
		    "%s", err.msg);
		return 0;
	}
	while (len < size - 1 && (n = d->reader_read(reader, buf + len,
	    size - 1 - len, &err)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	ck_assert_uint_eq(len, info.size);
	d->reader_close(&reader);
	return 1;
}

/* All messages are listed; *readable_r: how many are as they were. */
static struct seen
look(int format, size_t *readable_r)
{
	struct seen seen = { .n = 0 };
	struct err err = ERR_INIT;
	char buf[4096];

	open_store(format, true);
	ck_assert_msg(store->driver->scan(box, on_scan, &seen, &err) == 0,
	    "%s", err.msg);
	ck_assert_uint_eq(seen.n, MESSAGES);
	*readable_r = 0;
	for (size_t i = 0; i < MESSAGES; i++) {
		if (read_one(i, buf, sizeof(buf)) == 1 &&
		    strcmp(buf, bodies[i]) == 0)
			++*readable_r;
	}
	close_store();
	return seen;
}

static void
write_file(const void *data, size_t len)
{
	struct err err = ERR_INIT;
	int fd = open(file_path, O_WRONLY | O_TRUNC);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(io_write(fd, data, len, &err), 0);
	close(fd);
}

static void
read_file(struct strbuf *bytes)
{
	struct err err = ERR_INIT;

	strbuf_init(bytes, 1 << 20);
	ck_assert_int_eq(io_read_file(AT_FDCWD, file_path, bytes, &err), 0);
}

START_TEST(a_file_cut_anywhere_loses_what_is_behind)
{
	struct strbuf bytes;
	size_t readable, last = 0;

	begin(_i);
	read_file(&bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		write_file(bytes.data, len);
		look(_i, &readable);
		ck_assert_uint_lt(readable, MESSAGES);
		ck_assert_uint_ge(readable, last);
		last = readable;
	}
	write_file(bytes.data, bytes.len);
	problems = 0;
	look(_i, &readable);
	ck_assert_uint_eq(readable, MESSAGES);
	ck_assert_uint_eq(problems, 0);
	strbuf_deinit(&bytes);
	tempdir_remove();
}
END_TEST

START_TEST(a_bit_flipped_anywhere_hits_one_message)
{
	struct strbuf bytes;
	size_t readable;

	begin(_i);
	read_file(&bytes);
	for (size_t bit = 0; bit < bytes.len * 8; bit += 3) {
		bytes.data[bit / 8] ^= (char)(1 << bit % 8);
		write_file(bytes.data, bytes.len);
		bytes.data[bit / 8] ^= (char)(1 << bit % 8);
		look(_i, &readable);
		/* The file's header is not needed to read an mdbox. */
		ck_assert_uint_ge(readable, MESSAGES - 1);
	}
	strbuf_deinit(&bytes);
	tempdir_remove();
}
END_TEST

START_TEST(a_message_whose_file_is_gone_stays_listed)
{
	size_t readable;
	struct seen seen;

	begin(_i);
	ck_assert_int_eq(unlink(file_path), 0);
	seen = look(_i, &readable);
	ck_assert_uint_eq(readable, _i == 0 ? MESSAGES - 1 : 0);
	ck_assert_uint_gt(problems, 0);
	/* The index of an mdbox knows GUIDs of 128 bits. */
	ck_assert(seen.known[1] == (_i == 1));
	tempdir_remove();
}
END_TEST

START_TEST(a_damaged_store_takes_new_mail)
{
	struct err err = ERR_INIT;
	char buf[4096];
	uint32_t uid;

	begin(_i);
	ck_assert_int_eq(truncate(file_path, 40), 0);
	open_store(_i, false);
	uid = append("fedcba9876543210fedcba9876543210", "new\n");
	ck_assert_uint_eq(uid, MESSAGES + 1);
	/* What is damaged can be expunged, by whom it is no use to. */
	uid = 0;
	ck_assert_int_eq(store->driver->expunge(box, 2, guids[1], 0, &err),
	    0);
	ck_assert_int_eq(store->driver->flush(store, on_done, &uid, &err),
	    0);
	ck_assert_uint_eq(uid, 2);
	ck_assert_int_eq(read_one(1, buf, sizeof(buf)), 0);
	close_store();
	tempdir_remove();
}
END_TEST

START_TEST(a_file_of_somebody_else_is_not_read)
{
	size_t readable;

	begin(_i);
	/* Only root can try this. */
	if (chown(file_path, 12345, (gid_t)-1) == 0) {
		look(_i, &readable);
		ck_assert_uint_eq(readable, _i == 0 ? MESSAGES - 1 : 0);
		/* What is ours still takes new mail. */
		open_store(_i, false);
		ck_assert_uint_eq(append("new", "a: b\n"), MESSAGES + 1);
		close_store();
	}
	tempdir_remove();
}
END_TEST

START_TEST(a_link_in_place_of_a_file_is_not_followed)
{
	char elsewhere[512];
	size_t readable;

	begin(_i);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", root);
	ck_assert_int_eq(rename(file_path, elsewhere), 0);
	ck_assert_int_eq(symlink(elsewhere, file_path), 0);
	look(_i, &readable);
	ck_assert_uint_eq(readable, _i == 0 ? MESSAGES - 1 : 0);
	tempdir_remove();
}
END_TEST

/* What can be read is right; *readable_r: how many messages are. */
static size_t
look_at_map(void)
{
	struct seen seen = { .n = 0 };
	struct err err = ERR_INIT;
	size_t readable = 0;
	char buf[4096];

	open_store(MDBOX, true);
	ck_assert_msg(store->driver->scan(box, on_scan, &seen, &err) == 0,
	    "%s", err.msg);
	ck_assert_uint_eq(seen.n, MESSAGES);
	for (size_t i = 0; i < MESSAGES; i++) {
		if (read_one(i, buf, sizeof(buf)) != 1)
			continue;
		ck_assert_str_eq(buf, bodies[i]);
		readable++;
	}
	close_store();
	return readable;
}

START_TEST(a_map_cut_anywhere_loses_no_message)
{
	struct strbuf bytes;

	begin(MDBOX);
	snprintf(file_path, sizeof(file_path),
	    "%s/storage/dovecot.map.index.log", root);
	read_file(&bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		write_file(bytes.data, len);
		look_at_map();
	}
	write_file(bytes.data, bytes.len);
	ck_assert_uint_eq(look_at_map(), MESSAGES);
	strbuf_deinit(&bytes);
	tempdir_remove();
}
END_TEST

START_TEST(a_map_with_any_bit_flipped_shows_no_wrong_message)
{
	struct strbuf bytes;

	begin(MDBOX);
	snprintf(file_path, sizeof(file_path),
	    "%s/storage/dovecot.map.index.log", root);
	read_file(&bytes);
	for (size_t bit = 0; bit < bytes.len * 8; bit += 3) {
		bytes.data[bit / 8] ^= (char)(1 << bit % 8);
		write_file(bytes.data, bytes.len);
		bytes.data[bit / 8] ^= (char)(1 << bit % 8);
		look_at_map();
	}
	strbuf_deinit(&bytes);
	tempdir_remove();
}
END_TEST

/* A message of a damaged index: it may be missing, but not be another. */
static int
on_damaged(const struct mail_info *info, void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	ck_assert_ptr_nonnull(info->guid);
	if (info->guid[0] == '\0' || info->uid == 0 || info->uid > MESSAGES)
		return 0;
	for (size_t i = 0; i < MESSAGES; i++) {
		if (i + 1 != info->uid)
			ck_assert_str_ne(info->guid, guids[i]);
	}
	return 0;
}

static void
look_at_index(int format)
{
	struct mail_location loc = { .path = root };
	struct store_options opts = { .readonly = true, .alt_char = '_',
	    .hostname = "test" };
	struct err err = ERR_INIT;

	loc.driver = (char *)(uintptr_t)formats[format];
	ck_assert_int_eq(store_open(&store, &loc, &opts, &err), 0);
	store->problem = on_problem;
	if (store->driver->mailbox_open(store, "INBOX", &box, &err) == 0) {
		(void)store->driver->scan(box, on_damaged, NULL, &err);
		store->driver->mailbox_close(&box);
	}
	store_close(&store);
}

START_TEST(a_damaged_index_shows_no_message_as_another)
{
	struct strbuf bytes;

	begin(_i);
	snprintf(file_path, sizeof(file_path),
	    "%s/mailboxes/INBOX/dbox-Mails/dovecot.index.log", root);
	read_file(&bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		write_file(bytes.data, len);
		look_at_index(_i);
	}
	for (size_t bit = 0; bit < bytes.len * 8; bit += 5) {
		bytes.data[bit / 8] ^= (char)(1 << bit % 8);
		write_file(bytes.data, bytes.len);
		bytes.data[bit / 8] ^= (char)(1 << bit % 8);
		look_at_index(_i);
	}
	strbuf_deinit(&bytes);
	tempdir_remove();
}
END_TEST

/* The reference count of the message with this map UID, plus n. */
static void
count_wrongly(uint32_t map_uid, int32_t n)
{
	struct mdbox *mdbox = ((struct dbox_store *)store)->mdbox;
	struct index_txn *txn;
	struct err err = ERR_INIT;

	ck_assert_int_eq(index_lock(mdbox->map, &err), 0);
	txn = index_txn_begin(mdbox->map);
	index_txn_ext_increase(txn, &mdbox_want_ref, map_uid, n);
	index_txn_tail(txn);
	ck_assert_msg(index_txn_commit(&txn, NULL, &err) == 0, "%s", err.msg);
	index_unlock(mdbox->map);
}

START_TEST(a_reference_count_that_is_wrong_costs_no_mail)
{
	struct mail_info info = { .guid = guids[1],
	    .received = 1000000000 };
	struct err err = ERR_INIT;
	uint32_t uid[1] = { 0 };
	char buf[4096];

	begin(MDBOX);
	open_store(MDBOX, false);
	count_wrongly(2, -1);
	ck_assert_int_eq(read_one(1, buf, sizeof(buf)), 1);
	/* Nobody promises that the body stays: a copy has its own. */
	ck_assert_int_eq(store->driver->copy(box, &info, box, 2, guids[1], 0,
	    &err), 0);
	ck_assert_int_eq(store->driver->flush(store, on_done, uid, &err), 0);
	ck_assert_uint_eq(uid[0], MESSAGES + 1);
	ck_assert_int_eq(store->driver->expunge(box, 2, guids[1], 0, &err),
	    0);
	ck_assert_int_eq(store->driver->flush(store, on_done, uid, &err), 0);
	ck_assert_uint_eq(uid[0], 2);
	count_wrongly(3, 5);
	ck_assert_int_eq(store->driver->expunge(box, 3, guids[2], 0, &err),
	    0);
	ck_assert_int_eq(store->driver->flush(store, on_done, uid, &err), 0);
	ck_assert_int_eq(read_one(0, buf, sizeof(buf)), 1);
	ck_assert_uint_eq(problems, 0);
	close_store();
	tempdir_remove();
}
END_TEST

/* The last record of the map's log says that all of it is done. */
static void
check_tail(void)
{
	static const uint8_t record[12] = { 0x80, 0x80, 0x80, 0x84, 0x20, 0,
	    0, 0x10, 0x40, 0, 4, 0 };
	struct strbuf bytes;
	uint32_t tail;

	snprintf(file_path, sizeof(file_path),
	    "%s/storage/dovecot.map.index.log", root);
	read_file(&bytes);
	ck_assert_uint_gt(bytes.len, 16);
	ck_assert_mem_eq(bytes.data + bytes.len - 16, record, 12);
	memcpy(&tail, bytes.data + bytes.len - 4, sizeof(tail));
	ck_assert_uint_eq(tail, bytes.len);
	strbuf_deinit(&bytes);
}

START_TEST(each_change_of_the_map_says_that_it_is_done)
{
	struct err err = ERR_INIT;
	uint32_t uid[1] = { 0 };

	begin(MDBOX);
	check_tail();
	open_store(MDBOX, false);
	ck_assert_int_eq(store->driver->expunge(box, 2, guids[1], 0, &err),
	    0);
	ck_assert_int_eq(store->driver->flush(store, on_done, uid, &err), 0);
	ck_assert_uint_eq(uid[0], 2);
	check_tail();
	close_store();
	tempdir_remove();
}
END_TEST

static int
on_list(const struct store_listing *listing, void *arg, struct err *err)
{
	(void)listing;
	(void)err;
	++*(size_t *)arg;
	return 0;
}

START_TEST(a_file_in_place_of_a_folder_is_in_nobodys_way)
{
	struct mailbox_status status = { .uidvalidity = 1 };
	struct err err = ERR_INIT;
	char path[512], buf[4096];
	size_t n = 0;
	int fd;

	begin(_i);
	snprintf(path, sizeof(path), "%s/mailboxes/File", root);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ne(fd, -1);
	close(fd);
	snprintf(path, sizeof(path), "%s/mailboxes/Box", root);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/mailboxes/Box/dbox-Mails", root);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ne(fd, -1);
	close(fd);
	open_store(_i, false);
	ck_assert_msg(store->driver->list(store, on_list, &n, &err) == 0,
	    "%s", err.msg);
	ck_assert_uint_ge(n, 1);
	ck_assert_int_eq(store->driver->mailbox_create(store, "File", true,
	    &status, &err), -1);
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(store->driver->mailbox_create(store, "Box", true,
	    &status, &err), -1);
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(store->driver->mailbox_create(store, "Other", true,
	    &status, &err), 0);
	ck_assert_int_eq(read_one(0, buf, sizeof(buf)), 1);
	close_store();
	tempdir_remove();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "dbox");

	tcase_set_timeout(tc, 120.0);
	tcase_add_loop_test(tc, a_file_cut_anywhere_loses_what_is_behind, 0,
	    FORMATS);
	tcase_add_loop_test(tc, a_bit_flipped_anywhere_hits_one_message, 0,
	    FORMATS);
	tcase_add_loop_test(tc, a_message_whose_file_is_gone_stays_listed, 0,
	    FORMATS);
	tcase_add_loop_test(tc, a_damaged_store_takes_new_mail, 0, FORMATS);
	tcase_add_loop_test(tc, a_file_of_somebody_else_is_not_read, 0,
	    FORMATS);
	tcase_add_loop_test(tc, a_link_in_place_of_a_file_is_not_followed, 0,
	    FORMATS);
	tcase_add_test(tc, a_map_cut_anywhere_loses_no_message);
	tcase_add_test(tc, a_map_with_any_bit_flipped_shows_no_wrong_message);
	tcase_add_loop_test(tc, a_damaged_index_shows_no_message_as_another,
	    0, FORMATS);
	tcase_add_test(tc, each_change_of_the_map_says_that_it_is_done);
	tcase_add_test(tc, a_reference_count_that_is_wrong_costs_no_mail);
	tcase_add_loop_test(tc, a_file_in_place_of_a_folder_is_in_nobodys_way,
	    0, FORMATS);
	return unit_run(suite);
}
