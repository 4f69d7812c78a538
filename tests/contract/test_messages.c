/* What a caller may rely on about messages, for every driver. */
#include "config.h"

#include <inttypes.h>
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

static void
begin(int driver)
{
	fixture_init(&fx, driver);
	fixture_open(&fx);
}

static void
end(void)
{
	fixture_deinit(&fx);
}

START_TEST(an_append_is_invisible_before_flush)
{
	struct seen_list list;

	begin(_i);
	fixture_prepare(&fx, fx.box, 0, G1, BODY, 1);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 0);
	ck_assert_uint_eq(fixture_status(&fx, fx.box).uidnext, 1);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	seen_free(&list);
	end();
}
END_TEST

START_TEST(what_was_not_flushed_is_dropped_by_close)
{
	struct seen_list list;
	uint32_t uid;

	begin(_i);
	uid = fixture_append(&fx, G1, BODY);
	fixture_prepare(&fx, fx.box, 0, G2, BODY, 1);
	fixture_expunge(&fx, fx.box, uid, G1, 2);
	fixture_reopen(&fx);
	fixture_flush(&fx);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	ck_assert_str_eq(list.v.v[0].guid, G1);
	seen_free(&list);
	end();
}
END_TEST

START_TEST(an_append_keeps_all_it_is_given)
{
	const char *keywords[] = { "$Label1", "work" };
	struct mail_info info = { .uid = 7, .guid = G1,
	    .flags = FLAG_SEEN | FLAG_DRAFT, .keywords = keywords,
	    .keyword_count = 2, .received = 1234567890,
	    .pop3_uidl = "uidl-7", .pop3_order = 3 };
	const struct store_driver *d;
	struct mail_reader *reader;
	struct mail_info got;
	struct err err = ERR_INIT;
	struct seen_list list;

	begin(_i);
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
		ck_assert_str_eq(got.pop3_uidl, "uidl-7");
		ck_assert_uint_eq(got.pop3_order, 3);
		ck_assert_uint_eq(got.flags, FLAG_SEEN | FLAG_DRAFT);
		ck_assert_uint_eq(got.keyword_count, 2);
		d->reader_close(&reader);
		ck_assert_uint_eq(fixture_status(&fx, fx.box).uidnext, 8);
		fixture_reopen(&fx);
	}
	end();
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

	begin(_i);
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
	end();
}
END_TEST

START_TEST(a_guid_is_made_where_none_is_given)
{
	struct seen_list list;

	begin(_i);
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
	end();
}
END_TEST

START_TEST(several_messages_may_have_one_guid)
{
	struct seen_list list;

	begin(_i);
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
	end();
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

	begin(_i);
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
	end();
}
END_TEST

START_TEST(dates_of_all_times_are_kept)
{
	static const int64_t dates[] = { 0, 1, 2147483647, 2147483648,
	    4294967295, 4294967296, 5000000000, -1, -1000000 };
	struct mail_info info = { .uid = 0 }, got;
	char guid[32], *text;

	begin(_i);
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
	end();
}
END_TEST

START_TEST(wanted_uids_are_kept_in_any_order)
{
	struct seen_list list;

	begin(_i);
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
	end();
}
END_TEST

START_TEST(a_taken_uid_is_replaced_and_told)
{
	begin(_i);
	fixture_prepare(&fx, fx.box, 10, "a", BODY, 1);
	fixture_prepare(&fx, fx.box, 10, "b", BODY, 2);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 10);
	ck_assert_uint_eq(fixture_done(&fx, 2), 11);
	fixture_prepare(&fx, fx.box, 5, "c", BODY, 3);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 3), 12);
	end();
}
END_TEST

START_TEST(mail_that_comes_before_flush_takes_its_uid)
{
	struct fixture other;

	begin(_i);
	fixture_prepare(&fx, fx.box, 1, "ours", BODY, 1);
	fixture_other(&other, &fx);
	ck_assert_uint_eq(fixture_append(&other, "theirs", BODY), 1);
	fixture_close(&other);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 2);
	fixture_expect_body(&fx, fx.box, 1, "theirs", BODY);
	fixture_expect_body(&fx, fx.box, 2, "ours", BODY);
	end();
}
END_TEST

START_TEST(a_uid_is_never_used_again)
{
	uint32_t uid;

	begin(_i);
	uid = fixture_append(&fx, "a", BODY);
	fixture_expunge(&fx, fx.box, uid, "a", 1);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	fixture_reopen(&fx);
	ck_assert_uint_gt(fixture_append(&fx, "a", BODY), uid);
	end();
}
END_TEST

START_TEST(no_uid_above_the_last_is_given)
{
	begin(_i);
	fixture_prepare(&fx, fx.box, 4294967294U, "a", BODY, 1);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 4294967294U);
	fixture_prepare(&fx, fx.box, 0, "b", BODY, 2);
	fixture_prepare(&fx, fx.box, 4294967295U, "c", BODY, 3);
	fixture_flush(&fx);
	fixture_failed(&fx, 2, ERR_REFUSED);
	fixture_failed(&fx, 3, ERR_REFUSED);
	end();
}
END_TEST

START_TEST(flags_and_keywords_are_replaced)
{
	const char *first[] = { "a", "b" }, *second[] = { "b", "c" };
	struct mail_info was = { .uid = 1, .guid = G1 };
	struct err err = ERR_INIT;
	struct seen_list list;

	begin(_i);
	fixture_append(&fx, G1, BODY);
	ck_assert_int_eq(fx.store->driver->set_flags(fx.box, &was,
	    FLAGS_ALL, first, 2, 0, 1, &err), 0);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 1);
	was.flags = FLAGS_ALL;
	was.keywords = first;
	was.keyword_count = 2;
	ck_assert_int_eq(fx.store->driver->set_flags(fx.box, &was,
	    FLAG_ANSWERED, second, 2, 0, 1, &err), 0);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	fixture_reopen(&fx);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_ANSWERED);
	ck_assert_str_eq(list.v.v[0].keywords, "b c");
	seen_free(&list);
	end();
}
END_TEST

START_TEST(each_flag_can_be_set_alone)
{
	struct seen_list list;
	flags_t was = 0;

	begin(_i);
	fixture_append(&fx, G1, BODY);
	for (unsigned int flags = 1; flags <= FLAGS_ALL; flags++) {
		fixture_set_flags(&fx, fx.box, 1, G1, was, (flags_t)flags,
		    1);
		fixture_flush(&fx);
		fixture_done(&fx, 1);
		was = (flags_t)flags;
		list = fixture_scan(&fx, fx.box);
		ck_assert_uint_eq(list.v.v[0].flags, flags);
		seen_free(&list);
	}
	end();
}
END_TEST

START_TEST(flags_that_somebody_changed_are_left_alone)
{
	struct seen_list list;
	struct fixture other;

	begin(_i);
	fixture_append(&fx, G1, BODY);
	fixture_set_flags(&fx, fx.box, 1, G1, 0, FLAG_SEEN, 1);
	fixture_other(&other, &fx);
	fixture_set_flags(&other, other.box, 1, G1, 0, FLAG_FLAGGED, 1);
	fixture_flush(&other);
	fixture_done(&other, 1);
	fixture_close(&other);
	fixture_flush(&fx);
	fixture_failed(&fx, 1, ERR_STALE);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_FLAGGED);
	seen_free(&list);
	end();
}
END_TEST

START_TEST(flags_change_though_somebody_set_and_cleared_one)
{
	struct seen_list list;
	struct fixture other;

	begin(_i);
	fixture_append(&fx, G1, BODY);
	fixture_set_flags(&fx, fx.box, 1, G1, FLAG_FLAGGED, FLAG_SEEN, 1);
	fixture_other(&other, &fx);
	fixture_set_flags(&other, other.box, 1, G1, 0, FLAG_FLAGGED, 1);
	fixture_flush(&other);
	fixture_close(&other);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_SEEN);
	seen_free(&list);
	end();
}
END_TEST

START_TEST(a_message_that_is_not_the_expected_one_is_stale)
{
	struct err err = ERR_INIT;
	struct seen_list list;

	begin(_i);
	fixture_append(&fx, G1, BODY);
	fixture_set_flags(&fx, fx.box, 1, G2, 0, FLAG_SEEN, 1);
	fixture_set_flags(&fx, fx.box, 9, G1, 0, FLAG_SEEN, 2);
	fixture_expunge(&fx, fx.box, 1, G2, 3);
	ck_assert_int_eq(fx.store->driver->set_uid(fx.box, 1, G2, 50, 0, 4,
	    &err), 0);
	ck_assert_int_eq(fx.store->driver->set_uid(fx.box, 9, G1, 50, 0, 5,
	    &err), 0);
	fixture_flush(&fx);
	for (uint64_t tag = 1; tag <= 5; tag++)
		fixture_failed(&fx, tag, ERR_STALE);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	ck_assert_uint_eq(list.v.v[0].uid, 1);
	ck_assert_uint_eq(list.v.v[0].flags, 0);
	seen_free(&list);
	end();
}
END_TEST

START_TEST(expunging_what_is_gone_is_done)
{
	struct fixture other;

	begin(_i);
	fixture_append(&fx, G1, BODY);
	fixture_append(&fx, G2, BODY);
	fixture_expunge(&fx, fx.box, 1, G1, 1);
	fixture_expunge(&fx, fx.box, 1, G1, 2);
	fixture_expunge(&fx, fx.box, 77, G1, 3);
	fixture_expunge(&fx, fx.box, 2, G2, 4);
	fixture_other(&other, &fx);
	fixture_expunge(&other, other.box, 2, G2, 1);
	fixture_flush(&other);
	fixture_close(&other);
	fixture_flush(&fx);
	for (uint64_t tag = 1; tag <= 4; tag++)
		fixture_done(&fx, tag);
	fixture_reopen(&fx);
	ck_assert_uint_eq(fixture_scan(&fx, fx.box).v.n, 0);
	end();
}
END_TEST

START_TEST(an_expunge_finds_a_message_whose_flags_changed)
{
	struct fixture other;

	begin(_i);
	fixture_append(&fx, G1, BODY);
	fixture_expunge(&fx, fx.box, 1, G1, 1);
	fixture_other(&other, &fx);
	fixture_set_flags(&other, other.box, 1, G1, 0, FLAG_FLAGGED, 1);
	fixture_flush(&other);
	fixture_close(&other);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	ck_assert_uint_eq(fixture_scan(&fx, fx.box).v.n, 0);
	end();
}
END_TEST

START_TEST(set_uid_moves_a_message_and_nothing_else)
{
	const char *keywords[] = { "k" };
	struct mail_info info = { .guid = G1, .flags = FLAG_SEEN,
	    .keywords = keywords, .keyword_count = 1,
	    .received = 1234567890, .pop3_uidl = "p" }, got;
	struct err err = ERR_INIT;
	struct seen_list list;
	char *text;

	begin(_i);
	ck_assert_int_eq(fixture_try_append(&fx, fx.box, &info, BODY, 1), 0);
	fixture_prepare(&fx, fx.box, 0, G2, "other\n", 2);
	fixture_flush(&fx);
	ck_assert_int_eq(fx.store->driver->set_uid(fx.box, 1, G1, 50, 0, 3,
	    &err), 0);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 3), 50);
	for (int round = 0; round < 2; round++) {
		list = fixture_scan(&fx, fx.box);
		ck_assert_uint_eq(list.v.n, 2);
		ck_assert_uint_eq(list.v.v[0].uid, 2);
		ck_assert_uint_eq(list.v.v[1].uid, 50);
		ck_assert_str_eq(list.v.v[1].guid, G1);
		ck_assert_str_eq(list.v.v[1].keywords, "k");
		ck_assert_uint_eq(list.v.v[1].flags, FLAG_SEEN);
		seen_free(&list);
		text = fixture_read(&fx, fx.box, 50, G1, &got);
		ck_assert_str_eq(text, BODY);
		ck_assert_int_eq(got.received, 1234567890);
		free(text);
		ck_assert_ptr_null(fixture_read(&fx, fx.box, 1, G1, NULL));
		ck_assert_uint_eq(fixture_status(&fx, fx.box).uidnext, 51);
		fixture_reopen(&fx);
	}
	end();
}
END_TEST

START_TEST(uid_changes_and_appends_share_the_uids_of_a_batch)
{
	struct err err = ERR_INIT;
	const struct store_driver *d;

	begin(_i);
	d = fx.store->driver;
	fixture_append(&fx, "a", BODY);
	fixture_append(&fx, "b", BODY);
	ck_assert_int_eq(d->set_uid(fx.box, 1, "a", 11, 0, 1, &err), 0);
	fixture_prepare(&fx, fx.box, 10, "c", BODY, 2);
	ck_assert_int_eq(d->set_uid(fx.box, 2, "b", 11, 0, 3, &err), 0);
	fixture_prepare(&fx, fx.box, 0, "d", BODY, 4);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 11);
	ck_assert_uint_eq(fixture_done(&fx, 2), 10);
	ck_assert_uint_eq(fixture_done(&fx, 3), 12);
	ck_assert_uint_eq(fixture_done(&fx, 4), 13);
	fixture_expect_body(&fx, fx.box, 12, "b", BODY);
	fixture_expect_body(&fx, fx.box, 13, "d", BODY);
	end();
}
END_TEST

START_TEST(operations_name_messages_as_they_were_before_the_batch)
{
	struct err err = ERR_INIT;
	struct seen_list list;

	begin(_i);
	fixture_append(&fx, "a", BODY);
	fixture_append(&fx, "b", BODY);
	ck_assert_int_eq(fx.store->driver->set_uid(fx.box, 1, "a", 9, 0, 1,
	    &err), 0);
	fixture_set_flags(&fx, fx.box, 1, "a", 0, FLAG_SEEN, 2);
	ck_assert_int_eq(fx.store->driver->set_uid(fx.box, 2, "b", 10, 0, 3,
	    &err), 0);
	fixture_expunge(&fx, fx.box, 2, "b", 4);
	fixture_flush(&fx);
	for (uint64_t tag = 1; tag <= 4; tag++)
		fixture_done(&fx, tag);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.n, 1);
	ck_assert_uint_eq(list.v.v[0].uid, 9);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_SEEN);
	seen_free(&list);
	end();
}
END_TEST

START_TEST(a_second_change_of_flags_expects_the_first)
{
	struct seen_list list;

	begin(_i);
	fixture_append(&fx, "a", BODY);
	fixture_set_flags(&fx, fx.box, 1, "a", 0, FLAG_SEEN, 1);
	fixture_set_flags(&fx, fx.box, 1, "a", FLAG_SEEN, FLAG_DRAFT, 2);
	fixture_set_flags(&fx, fx.box, 1, "a", FLAG_SEEN, FLAG_DELETED, 3);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	fixture_done(&fx, 2);
	fixture_failed(&fx, 3, ERR_STALE);
	list = fixture_scan(&fx, fx.box);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_DRAFT);
	seen_free(&list);
	end();
}
END_TEST

START_TEST(a_copy_has_the_same_bytes_and_what_it_is_given)
{
	struct mail_info info = { .uid = 40, .guid = G2,
	    .flags = FLAG_FLAGGED, .received = RECEIVED }, got;
	struct err err = ERR_INIT;
	struct mailbox *box;
	struct seen_list list;
	char *text;

	begin(_i);
	fixture_append(&fx, G1, BODY);
	fixture_create(&fx, "Copies");
	box = fixture_box(&fx, "Copies");
	ck_assert_int_eq(fx.store->driver->copy(box, &info, fx.box, 1, G1,
	    1, &err), 0);
	info.received = 5;
	info.uid = 41;
	info.guid = G1;
	ck_assert_int_eq(fx.store->driver->copy(box, &info, fx.box, 1, G1,
	    2, &err), 0);
	fixture_expunge(&fx, fx.box, 1, G1, 3);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_done(&fx, 1), 40);
	ck_assert_uint_eq(fixture_done(&fx, 2), 41);
	fixture_done(&fx, 3);
	list = fixture_scan(&fx, box);
	ck_assert_uint_eq(list.v.n, 2);
	ck_assert_uint_eq(list.v.v[0].flags, FLAG_FLAGGED);
	seen_free(&list);
	text = fixture_read(&fx, box, 40, G2, &got);
	ck_assert_str_eq(text, BODY);
	ck_assert_int_eq(got.received, RECEIVED);
	free(text);
	text = fixture_read(&fx, box, 41, G1, &got);
	ck_assert_str_eq(text, BODY);
	ck_assert_int_eq(got.received, 5);
	free(text);
	ck_assert_uint_eq(fixture_scan(&fx, fx.box).v.n, 0);
	fx.store->driver->mailbox_close(&box);
	end();
}
END_TEST

START_TEST(a_copy_of_what_is_gone_is_not_found)
{
	struct mail_info info = { .guid = G2, .received = RECEIVED };
	struct err err = ERR_INIT;

	begin(_i);
	fixture_append(&fx, G1, BODY);
	ck_assert_int_eq(fx.store->driver->copy(fx.box, &info, fx.box, 1, G2,
	    1, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	ck_assert_int_eq(fx.store->driver->copy(fx.box, &info, fx.box, 2, G1,
	    1, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	end();
}
END_TEST

START_TEST(set_status_changes_what_is_given)
{
	struct mailbox_status wanted = { .uidvalidity = 4711, .uidnext = 5 };
	struct mailbox_status before, after;
	struct err err = ERR_INIT;
	uint32_t uid;

	begin(_i);
	before = fixture_status(&fx, fx.box);
	ck_assert(!guid_is_zero(&before.guid) && before.uidvalidity != 0);
	memset(wanted.guid.b, 0x77, GUID_SIZE);
	ck_assert_int_eq(fx.store->driver->set_status(fx.box, &wanted, 1,
	    &err), 0);
	fixture_prepare(&fx, fx.box, 0, "a", BODY, 2);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	/* UIDNEXT is raised after the appends of the batch. */
	ck_assert_uint_eq((uid = fixture_done(&fx, 2)), 1);
	fixture_reopen(&fx);
	after = fixture_status(&fx, fx.box);
	ck_assert(guid_eq(&after.guid, &wanted.guid));
	ck_assert_uint_eq(after.uidvalidity, 4711);
	ck_assert_uint_eq(after.uidnext, 5);
	fixture_expect_body(&fx, fx.box, uid, "a", BODY);
	wanted = (struct mailbox_status){ .uidnext = 2 };
	ck_assert_int_eq(fx.store->driver->set_status(fx.box, &wanted, 1,
	    &err), 0);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	before = fixture_status(&fx, fx.box);
	ck_assert(guid_eq(&after.guid, &before.guid));
	ck_assert_uint_eq(before.uidvalidity, 4711);
	ck_assert_uint_eq(before.uidnext, 5);
	end();
}
END_TEST

START_TEST(one_flush_does_all_mailboxes)
{
	struct mailbox *boxes[3];
	char name[16];

	begin(_i);
	for (uint64_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "Box%d", (int)i);
		fixture_create(&fx, name);
		boxes[i] = fixture_box(&fx, name);
		fixture_prepare(&fx, boxes[i], 0, "g", name, i);
	}
	fixture_flush(&fx);
	for (uint64_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "Box%d", (int)i);
		fixture_expect_body(&fx, boxes[i], fixture_done(&fx, i), "g",
		    name);
		fx.store->driver->mailbox_close(&boxes[i]);
	}
	end();
}
END_TEST

START_TEST(a_mailbox_may_be_open_twice)
{
	struct mailbox *again;

	begin(_i);
	again = fixture_box(&fx, "INBOX");
	fixture_prepare(&fx, fx.box, 5, "a", BODY, 1);
	fixture_prepare(&fx, again, 5, "b", BODY, 2);
	fixture_flush(&fx);
	ck_assert_uint_ne(fixture_done(&fx, 1), fixture_done(&fx, 2));
	fixture_expect_body(&fx, fx.box, fixture_done(&fx, 2), "b", BODY);
	fixture_expect_body(&fx, again, fixture_done(&fx, 1), "a", BODY);
	fx.store->driver->mailbox_close(&again);
	end();
}
END_TEST

START_TEST(a_mailbox_removed_before_flush_spoils_only_its_own)
{
	struct fixture other;
	struct mailbox *box;
	struct err err = ERR_INIT;

	begin(_i);
	fixture_create(&fx, "Gone");
	box = fixture_box(&fx, "Gone");
	fixture_prepare(&fx, box, 0, "a", BODY, 1);
	fixture_prepare(&fx, fx.box, 0, "b", BODY, 2);
	fixture_other(&other, &fx);
	ck_assert_int_eq(other.store->driver->mailbox_remove(other.store,
	    "Gone", &err), 0);
	fixture_close(&other);
	fixture_flush(&fx);
	fixture_failed(&fx, 1, ERR_STALE);
	fixture_done(&fx, 2);
	fx.store->driver->mailbox_close(&box);
	end();
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

	begin(_i);
	for (int i = 0; i < 3; i++)
		fixture_append(&fx, NULL, BODY);
	ck_assert_int_eq(fx.store->driver->scan(fx.box, stop_at_second, NULL,
	    &err), -1);
	ck_assert_int_eq(err.code, ERR_REFUSED);
	end();
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

	begin(_i);
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
	end();
}
END_TEST

START_TEST(an_aborted_append_leaves_nothing)
{
	struct mail_info info = { .guid = G1, .received = RECEIVED };
	const struct store_driver *d;
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	begin(_i);
	d = fx.store->driver;
	ck_assert_int_eq(d->append_begin(fx.box, &info, &writer, &err), 0);
	ck_assert_int_eq(d->append_write(writer, "x", 1, &err), 0);
	d->append_abort(&writer);
	ck_assert_ptr_null(writer);
	d->append_abort(&writer);
	fixture_flush(&fx);
	ck_assert_uint_eq(fixture_scan(&fx, fx.box).v.n, 0);
	end();
}
END_TEST

START_TEST(a_moved_message_may_come_back)
{
	begin(_i);
	for (int i = 0; i < 3; i++) {
		uint32_t uid = fixture_append(&fx, G1, BODY);

		fixture_expect_body(&fx, fx.box, uid, G1, BODY);
		fixture_expunge(&fx, fx.box, uid, G1, 1);
		fixture_flush(&fx);
	}
	ck_assert_uint_eq(fixture_scan(&fx, fx.box).v.n, 0);
	end();
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
	TEST(flags_and_keywords_are_replaced);
	TEST(each_flag_can_be_set_alone);
	TEST(flags_that_somebody_changed_are_left_alone);
	TEST(flags_change_though_somebody_set_and_cleared_one);
	TEST(a_message_that_is_not_the_expected_one_is_stale);
	TEST(expunging_what_is_gone_is_done);
	TEST(an_expunge_finds_a_message_whose_flags_changed);
	TEST(set_uid_moves_a_message_and_nothing_else);
	TEST(uid_changes_and_appends_share_the_uids_of_a_batch);
	TEST(operations_name_messages_as_they_were_before_the_batch);
	TEST(a_second_change_of_flags_expects_the_first);
	TEST(a_copy_has_the_same_bytes_and_what_it_is_given);
	TEST(a_copy_of_what_is_gone_is_not_found);
	TEST(set_status_changes_what_is_given);
	TEST(one_flush_does_all_mailboxes);
	TEST(a_mailbox_may_be_open_twice);
	TEST(a_mailbox_removed_before_flush_spoils_only_its_own);
	TEST(a_scan_stops_when_it_is_told);
	TEST(a_reader_survives_the_expunge_of_its_message);
	TEST(an_aborted_append_leaves_nothing);
	TEST(a_moved_message_may_come_back);
	return unit_run(suite);
}
