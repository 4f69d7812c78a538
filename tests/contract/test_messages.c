/* What a caller may rely on about messages, for every driver. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/contract/fixture.h"

#define G1 "1000000001.M1P1.host,S=5"
#define G2 "00112233445566778899aabbccddeeff"
#define G3 "plain"
#define BODY "body\n"

static struct fixture fx;

START_TEST(an_append_is_invisible_before_flush)
{
	struct seen_list list;

	fixture_begin(&fx, _i);
	fixture_prepare(&fx, fx.box, 0, G1, BODY, 1);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 0);
	ck_assert_uint_eq(fixture_status(&fx, fx.box).uidnext, 1);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(what_was_not_flushed_is_dropped_by_close)
{
	struct seen_list list;
	uint32_t uid;

	fixture_begin(&fx, _i);
	uid = fixture_append(&fx, G1, BODY);
	fixture_prepare(&fx, fx.box, 0, G2, BODY, 1);
	fixture_expunge(&fx, fx.box, uid, G1, 2);
	fixture_reopen(&fx);
	fixture_flush(&fx);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	ck_assert_str_eq(list.v.v[0].guid, G1);
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

/* In a file system it is the time of the file's last change. */
static bool
keeps_saved(const struct store_driver *d)
{
	return strcmp(d->name, "memory") == 0 || strcmp(d->name, "mdbox") == 0;
}

START_TEST(an_append_keeps_all_it_is_given)
{
	const char *keywords[] = { "$Label1", "work" };
	struct mail_info info = { .uid = 7, .guid = G1,
	    .flags = FLAG_SEEN | FLAG_DRAFT, .keywords = keywords,
	    .keyword_count = 2, .received = 1234567890,
	    .saved = 1345678901, .pop3_uidl = "uidl-7", .pop3_order = 3 };
	const struct store_driver *d;
	struct mail_reader *reader;
	struct mail_info got;
	struct err err = ERR_INIT;
	struct seen_list list;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	ck_assert_int_eq(fixture_try_append(&fx, fx.box, &info, BODY, 1), 0);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 7);
	for (int round = 0; round < 2; round++) {
		list = fixture_scan(&fx, fx.box);
		ck_assert_uint_eq(list.v.n, 1);
		ck_assert_uint_eq(list.v.v[0].uid, 7);
		ck_assert_str_eq(list.v.v[0].guid, G1);
		ck_assert_uint_eq(list.v.v[0].flags, FLAG_SEEN | FLAG_DRAFT);
		ck_assert_str_eq(list.v.v[0].keywords, "$Label1 work");
		seen_free(&list);
		ck_assert_int_eq(d->reader_open(fx.box, 7, G1, &reader, &got,
		    &err), 0);
		ck_assert_uint_eq(got.size, strlen(BODY));
		ck_assert_int_eq(got.received, 1234567890);
		if (keeps_saved(d))
			ck_assert_uint_eq(got.saved, 1345678901);
		ck_assert_str_eq(got.pop3_uidl, "uidl-7");
		ck_assert_uint_eq(got.pop3_order, 3);
		ck_assert_uint_eq(got.flags, FLAG_SEEN | FLAG_DRAFT);
		ck_assert_uint_eq(got.keyword_count, 2);
		d->reader_close(&reader);
		ck_assert_uint_eq(fixture_status(&fx, fx.box).uidnext, 8);
		fixture_reopen(&fx);
	}
	fixture_deinit(&fx);
}
END_TEST

START_TEST(guids_of_any_form_are_kept)
{
	static const char *const guids[] = { G1, G2, G3,
	    "1000000002.M1P1.host,S=999,W=5",	/* says an untrue size */
	    "1000000003.M1P1.host,S=5,W=6", "a:b", "a/b", "../../etc/x",
	    ".hidden", "1.x:2,S", "1000000004.\xc3\xa9", ":", "1." };
	const size_t n = nitems(guids);
	struct seen_list list;

	fixture_begin(&fx, _i);
	for (size_t i = 0; i < n; i++)
		fixture_prepare(&fx, fx.box, 0, guids[i], BODY, i);
	fixture_flush(&fx);
	fixture_reopen(&fx);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_str_eq(list.v.v[i].guid, guids[i]);
		fixture_expect_body(&fx, fx.box, list.v.v[i].uid, guids[i],
		    BODY);
		/* The UID may be unknown to the reader. */
		fixture_expect_body(&fx, fx.box, 0, guids[i], BODY);
	}
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_guid_is_made_where_none_is_given)
{
	struct seen_list list;

	fixture_begin(&fx, _i);
	for (uint64_t i = 0; i < 20; i++)
		fixture_prepare(&fx, fx.box, 0, NULL, BODY, i);
	fixture_flush(&fx);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 20);
	for (size_t i = 0; i < 20; i++) {
		ck_assert_uint_eq(seen_count(&list, list.v.v[i].guid), 1);
		ck_assert(guid_text_valid(list.v.v[i].guid,
		    strlen(list.v.v[i].guid)));
	}
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(several_messages_may_have_one_guid)
{
	struct seen_list list;

	fixture_begin(&fx, _i);
	fixture_append(&fx, G1, BODY);
	fixture_prepare(&fx, fx.box, 0, G1, BODY, 1);
	fixture_prepare(&fx, fx.box, 0, G1, BODY, 2);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	fixture_done(&fx, 2);
	fixture_reopen(&fx);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(seen_count(&list, G1), 3);
	for (uint32_t uid = 1; uid <= 3; uid++)
		fixture_expect_body(&fx, fx.box, uid, G1, BODY);
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

/* Bytes of all kinds and sizes around those of buffers. */
START_TEST(a_body_comes_back_byte_for_byte)
{
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 200000 };
	const struct store_driver *d;
	struct mail_writer *writer;
	struct mail_reader *reader;
	struct mail_info info = { .received = RECEIVED }, got;
	struct err err = ERR_INIT;
	unsigned char *body, *back;
	char guid[32];
	ptrdiff_t n;
	size_t done;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	body = mem_alloc(200000);
	back = mem_alloc(200001);
	for (size_t i = 0; i < 200000; i++)
		body[i] = (unsigned char)(i * 7919 >> 5);
	memcpy(body, "a\r\nb\nc\r", 7);
	for (size_t k = 0; k < nitems(sizes); k++) {
		snprintf(guid, sizeof(guid), "g%zu", k);
		info.guid = guid;
		ck_assert_int_eq(d->append_begin(fx.box, &info, &writer,
		    &err), 0);
		for (done = 0; done < sizes[k]; done += (size_t)n) {
			n = (ptrdiff_t)(sizes[k] - done < 1013 ?
			    sizes[k] - done : 1013);
			ck_assert_int_eq(d->append_write(writer, body + done,
			    (size_t)n, &err), 0);
		}
		ck_assert_int_eq(d->append_commit(&writer, k, &err), 0);
	}
	fixture_flush(&fx);
	for (size_t k = 0; k < nitems(sizes); k++) {
		snprintf(guid, sizeof(guid), "g%zu", k);
		ck_assert_int_eq(d->reader_open(fx.box,
		    fixture_done(&fx, k), guid, &reader, &got, &err), 0);
		ck_assert_uint_eq(got.size, sizes[k]);
		for (done = 0; (n = d->reader_read(reader, back + done,
		    200001 - done, &err)) > 0; done += (size_t)n)
			;
		ck_assert_uint_eq(done, sizes[k]);
		ck_assert_int_eq(memcmp(back, body, done), 0);
		d->reader_close(&reader);
	}
	free(body);
	free(back);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(dates_of_all_times_are_kept)
{
	static const int64_t dates[] = { 0, 1, 2147483647, 2147483648,
	    4294967295, 4294967296, 5000000000, -1, -1000000 };
	struct mail_info info = { .uid = 0 }, got;
	char guid[32], *text;

	fixture_begin(&fx, _i);
	for (size_t i = 0; i < nitems(dates); i++) {
		snprintf(guid, sizeof(guid), "g%zu", i);
		info.guid = guid;
		info.received = dates[i];
		ck_assert_int_eq(fixture_try_append(&fx, fx.box, &info, BODY,
		    i), ERR_NONE);
	}
	fixture_flush(&fx);
	for (size_t i = 0; i < nitems(dates); i++) {
		snprintf(guid, sizeof(guid), "g%zu", i);
		text = fixture_read(&fx, fx.box, fixture_done(&fx, i), guid,
		    &got);
		ck_assert_int_eq(got.received, dates[i]);
		free(text);
	}
	fixture_deinit(&fx);
}
END_TEST

START_TEST(wanted_uids_are_kept_in_any_order)
{
	struct seen_list list;

	fixture_begin(&fx, _i);
	fixture_prepare(&fx, fx.box, 30, "c", BODY, 3);
	fixture_prepare(&fx, fx.box, 0, "d", BODY, 4);
	fixture_prepare(&fx, fx.box, 10, "a", BODY, 1);
	fixture_prepare(&fx, fx.box, 20, "b", BODY, 2);
	fixture_prepare(&fx, fx.box, 0, "e", BODY, 5);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 10);
	ck_assert_uint_eq(fixture_done(&fx, 2), 20);
	ck_assert_uint_eq(fixture_done(&fx, 3), 30);
	ck_assert_uint_eq(fixture_done(&fx, 4), 31);
	ck_assert_uint_eq(fixture_done(&fx, 5), 32);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 5);
	ck_assert_uint_eq(fixture_status(&fx, fx.box).uidnext, 33);
	seen_free(&list);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_taken_uid_is_replaced_and_told)
{
	fixture_begin(&fx, _i);
	fixture_prepare(&fx, fx.box, 10, "a", BODY, 1);
	fixture_prepare(&fx, fx.box, 10, "b", BODY, 2);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 10);
	ck_assert_uint_eq(fixture_done(&fx, 2), 11);
	fixture_prepare(&fx, fx.box, 5, "c", BODY, 3);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 3), 12);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(mail_that_comes_before_flush_takes_its_uid)
{
	struct fixture other;

	fixture_begin(&fx, _i);
	fixture_prepare(&fx, fx.box, 1, "ours", BODY, 1);
	fixture_other(&other, &fx);
	ck_assert_uint_eq(fixture_append(&other, "theirs", BODY), 1);
	fixture_close(&other);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 2);
	fixture_expect_body(&fx, fx.box, 1, "theirs", BODY);
	fixture_expect_body(&fx, fx.box, 2, "ours", BODY);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_uid_is_never_used_again)
{
	uint32_t uid;

	fixture_begin(&fx, _i);
	uid = fixture_append(&fx, "a", BODY);
	fixture_expunge(&fx, fx.box, uid, "a", 1);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	fixture_reopen(&fx);
	ck_assert_uint_gt(fixture_append(&fx, "a", BODY), uid);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(no_uid_above_the_last_is_given)
{
	fixture_begin(&fx, _i);
	fixture_prepare(&fx, fx.box, 4294967294U, "a", BODY, 1);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 4294967294U);
	fixture_prepare(&fx, fx.box, 0, "b", BODY, 2);
	fixture_prepare(&fx, fx.box, 4294967295U, "c", BODY, 3);
	fixture_flush(&fx);
	fixture_failed(&fx, 2, ERR_REFUSED);
	fixture_failed(&fx, 3, ERR_REFUSED);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_mailbox_may_be_open_twice)
{
	struct mailbox *again;

	fixture_begin(&fx, _i);
	again = fixture_box(&fx, "INBOX");
	fixture_prepare(&fx, fx.box, 5, "a", BODY, 1);
	fixture_prepare(&fx, again, 5, "b", BODY, 2);
	fixture_flush(&fx);
	ck_assert_uint_ne(fixture_done(&fx, 1), fixture_done(&fx, 2));
	fixture_expect_body(&fx, fx.box, fixture_done(&fx, 2), "b", BODY);
	fixture_expect_body(&fx, again, fixture_done(&fx, 1), "a", BODY);
	fx.store->driver->mailbox_close(&again);
	fixture_deinit(&fx);
}
END_TEST

static int
stop_at_second(const struct mail_info *info, void *arg, struct err *err)
{
	(void)arg;
	return info->uid == 2 ? err_set(err, ERR_REFUSED, "enough") : 0;
}

START_TEST(a_scan_stops_when_it_is_told)
{
	struct err err = ERR_INIT;

	fixture_begin(&fx, _i);
	for (int i = 0; i < 3; i++)
		fixture_append(&fx, NULL, BODY);
	ck_assert_int_eq(fx.store->driver->scan(fx.box, stop_at_second, NULL,
	    &err), -1);
	ck_assert_int_eq(err.code, ERR_REFUSED);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_reader_survives_the_expunge_of_its_message)
{
	const struct store_driver *d;
	struct mail_reader *reader;
	struct fixture other;
	struct mail_info info;
	struct err err = ERR_INIT;
	char buf[64];

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	fixture_append(&fx, G1, BODY);
	ck_assert_int_eq(d->reader_open(fx.box, 1, G1, &reader, &info, &err),
	    0);
	fixture_other(&other, &fx);
	fixture_expunge(&other, other.box, 1, G1, 1);
	fixture_flush(&other);
	fixture_close(&other);
	ck_assert_int_eq(d->reader_read(reader, buf, sizeof(buf), &err),
	    (int)strlen(BODY));
	d->reader_close(&reader);
	ck_assert_ptr_null(fixture_read(&fx, fx.box, 1, G1, NULL));
	fixture_deinit(&fx);
}
END_TEST

START_TEST(an_aborted_append_leaves_nothing)
{
	struct mail_info info = { .guid = G1, .received = RECEIVED };
	const struct store_driver *d;
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	fixture_begin(&fx, _i);
	d = fx.store->driver;
	ck_assert_int_eq(d->append_begin(fx.box, &info, &writer, &err), 0);
	ck_assert_int_eq(d->append_write(writer, "x", 1, &err), 0);
	d->append_abort(&writer);
	ck_assert_ptr_null(writer);
	d->append_abort(&writer);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_scan(&fx, fx.box).v.n, 0);
	fixture_deinit(&fx);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "messages");

#define TEST(name) tcase_add_loop_test(tc, name, 0, DRIVERS)
	TEST(an_append_is_invisible_before_flush);
	TEST(what_was_not_flushed_is_dropped_by_close);
	TEST(an_append_keeps_all_it_is_given);
	TEST(guids_of_any_form_are_kept);
	TEST(a_guid_is_made_where_none_is_given);
	TEST(several_messages_may_have_one_guid);
	TEST(a_body_comes_back_byte_for_byte);
	TEST(dates_of_all_times_are_kept);
	TEST(wanted_uids_are_kept_in_any_order);
	TEST(a_taken_uid_is_replaced_and_told);
	TEST(mail_that_comes_before_flush_takes_its_uid);
	TEST(a_uid_is_never_used_again);
	TEST(no_uid_above_the_last_is_given);
	TEST(a_mailbox_may_be_open_twice);
	TEST(a_scan_stops_when_it_is_told);
	TEST(a_reader_survives_the_expunge_of_its_message);
	TEST(an_aborted_append_leaves_nothing);
	return unit_run(suite);
}
