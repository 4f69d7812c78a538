/* codec, pool */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "dsync.pb-c.h"
#include "tests/support/msg_random.h"
#include "tests/support/unit.h"
#include "wire/codec.h"

#define ROUNDS		30	/* random messages of each kind */
#define ARENA_MAX	(16U * 1024U * 1024U)

static struct pool *in_pool, *out_pool;
static struct arena *arena;
static uint8_t *bytes;		/* exactly as long as what was encoded */
static size_t bytes_len;

static void
setup(void)
{
	in_pool = pool_new(CODEC_BUDGET);
	out_pool = pool_new(CODEC_BUDGET);
	arena = arena_new(ARENA_MAX);
	bytes = NULL;
}

static void
teardown(void)
{
	pool_free(&in_pool);
	pool_free(&out_pool);
	arena_free(&arena);
	free(bytes);
}

static bool
encoded(enum msg_kind kind)
{
	return kind != 0 && kind != MSG_BODY_CHUNK;
}

/* Heap memory of just the right size, so that a sanitizer sees each slip. */
static bool
encode(const struct msg *msg)
{
	struct codec_out *out;

	free(bytes);
	bytes = NULL;
	bytes_len = 0;
	if ((out = codec_encode(out_pool, msg, &bytes_len)) == NULL)
		return false;
	ck_assert_ptr_nonnull(bytes = malloc(bytes_len));
	codec_pack(out, bytes);
	return true;
}

static int
decode(struct msg *msg_r)
{
	struct err err = ERR_INIT;
	int ret;

	ret = codec_decode(in_pool, (struct slice){ bytes, bytes_len }, msg_r,
	    &err);
	ck_assert(ret == 0 || err.code == ERR_PROTO);
	return ret;
}

START_TEST(every_message_survives_the_wire)
{
	struct rng rng = { .state = (uint64_t)_i * 1000 };
	struct msg msg, back;

	if (!encoded((enum msg_kind)_i))
		return;
	for (int round = 0; round < ROUNDS; round++) {
		arena_free(&arena);
		arena = arena_new(ARENA_MAX);
		msg = msg_random(arena, &rng, (enum msg_kind)_i);
		ck_assert(encode(&msg));
		ck_assert_int_eq(decode(&back), 0);
		ck_assert_msg(msg_equal(&msg, &back), "%s, round %d",
		    msg_kind_name(msg.kind), round);
	}
}
END_TEST

/* What is accepted is a message: it can be sent on and arrives the same. */
static void
check_accepted(const struct msg *msg)
{
	struct pool *pool = pool_new(CODEC_BUDGET);
	struct err err = ERR_INIT;
	struct codec_out *out;
	struct msg back;
	size_t len = 0;
	uint8_t *copy;

	ck_assert_ptr_nonnull(out = codec_encode(out_pool, msg, &len));
	ck_assert_ptr_nonnull(copy = malloc(len));
	codec_pack(out, copy);
	ck_assert_int_eq(codec_decode(pool, (struct slice){ copy, len }, &back,
	    &err), 0);
	ck_assert(msg_equal(msg, &back));
	free(copy);
	pool_free(&pool);
}

START_TEST(no_cut_or_changed_message_does_harm)
{
	struct rng rng = { .state = (uint64_t)_i };
	struct msg msg, back;
	size_t whole, at;
	uint8_t saved, *cut;

	if (!encoded((enum msg_kind)_i))
		return;
	do {
		msg = msg_random(arena, &rng, (enum msg_kind)_i);
		ck_assert(encode(&msg));
	} while (bytes_len > 2000);
	whole = bytes_len;
	for (int round = 0; round < 400; round++) {
		at = rng_below(&rng, (uint32_t)whole);
		saved = bytes[at];
		bytes[at] = (uint8_t)rng_u64(&rng);
		if (decode(&back) == 0)
			check_accepted(&back);
		bytes[at] = saved;
	}
	cut = bytes;
	for (size_t len = 0; len < whole; len++) {
		ck_assert_ptr_nonnull(bytes = malloc(len + 1));
		memcpy(bytes, cut, len);
		bytes_len = len;
		ck_assert_int_eq(decode(&back), -1);
		free(bytes);
	}
	bytes = cut;
	bytes_len = whole;
	ck_assert_int_eq(decode(&back), 0);
}
END_TEST

/* Encode what a well-behaved peer would not and see it refused. */
static void
refuse(const struct msg *msg)
{
	struct msg back;

	ck_assert(encode(msg));
	ck_assert_int_eq(decode(&back), -1);
}

static void
accept(const struct msg *msg)
{
	struct msg back;

	ck_assert(encode(msg));
	ck_assert_int_eq(decode(&back), 0);
}

static struct msg
valid(enum msg_kind kind)
{
	struct rng rng = { .state = 77 };

	return msg_random(arena, &rng, kind);
}

START_TEST(record_beyond_a_limit_is_refused)
{
	struct guid128 zero = { { 0 } };
	char guid[GUID_TEXT_MAX + 2];
	struct keyword same[] = { { "Work", 1, true }, { "work", 1, true } };
	struct keyword wrong[] = { { "a b", 1, true } };
	struct msg msg;

	msg = valid(MSG_MESSAGE);
	msg.u.message.uid = 0;
	refuse(&msg);
	msg = valid(MSG_MESSAGE);
	msg.u.message.mark_count = 0;
	refuse(&msg);
	msg.u.message.marks = &zero;
	msg.u.message.mark_count = 1;
	refuse(&msg);
	msg = valid(MSG_MESSAGE);
	memset(guid, 'x', sizeof(guid));
	guid[GUID_TEXT_MAX + 1] = '\0';
	msg.u.message.guid = guid;
	refuse(&msg);
	guid[GUID_TEXT_MAX] = '\0';
	accept(&msg);
	msg.u.message.guid = "";
	refuse(&msg);
	msg.u.message.guid = "a b";
	refuse(&msg);
	msg = valid(MSG_MESSAGE);
	msg.u.message.flags.keywords = same;
	msg.u.message.flags.keyword_count = 1;
	accept(&msg);
	msg.u.message.flags.keyword_count = 2;
	refuse(&msg);
	msg.u.message.flags.keywords = wrong;
	msg.u.message.flags.keyword_count = 1;
	refuse(&msg);
	msg = valid(MSG_MESSAGE);
	msg.u.message.flags.flags = 0x20;
	refuse(&msg);
	msg = valid(MSG_OP_SAVE);
	msg.u.op_save.message.received = RECEIVED_NONE;
	refuse(&msg);
	msg = valid(MSG_OP_SAVE);
	msg.u.op_save.message.uid = 0;
	accept(&msg);
	msg.u.op_save.size = BODY_SIZE_MAX + 1;
	refuse(&msg);
}
END_TEST

START_TEST(mailbox_beyond_a_limit_is_refused)
{
	static const char *const names[] = {
		"", "\x1f", "a\x1f", "\x1f""a", "a\x1f\x1f""b", "a\nb", "\x7f",
		"\xff", "\xc0\xaf", "\xed\xa0\x80",
	};
	char *name = arena_alloc(arena, NAME_MAX_BYTES + 2);
	struct msg msg = valid(MSG_MAILBOX);

	for (size_t i = 0; i < nitems(names); i++) {
		msg.u.mailbox.name = names[i];
		refuse(&msg);
	}
	for (size_t i = 0; i <= NAME_MAX_BYTES; i++)
		name[i] = i % 501 == 500 ? NAME_SEP : 'a';
	msg.u.mailbox.name = name;
	refuse(&msg);
	name[NAME_MAX_BYTES] = '\0';
	accept(&msg);
	msg = valid(MSG_MAILBOX);
	msg.u.mailbox.selectable = true;
	msg.u.mailbox.uidvalidity = 0;
	refuse(&msg);
	msg.u.mailbox.uidvalidity = 1;
	msg.u.mailbox.uidnext = 0;
	refuse(&msg);
	msg.u.mailbox.uidnext = 1;
	accept(&msg);
	memset(&msg.u.mailbox.guid, 0, sizeof(msg.u.mailbox.guid));
	refuse(&msg);
}
END_TEST

START_TEST(question_beyond_a_limit_is_refused)
{
	struct uid_range range = { 5, 4 };
	struct msg msg = valid(MSG_LIST);

	msg.u.list.request = 0;
	refuse(&msg);
	msg = valid(MSG_LIST);
	msg.u.list.ranges = &range;
	msg.u.list.range_count = 1;
	refuse(&msg);
	range.first = 0;
	refuse(&msg);
	range.first = 4;
	accept(&msg);
	msg = valid(MSG_GET);
	msg.u.get.uid = 0;
	refuse(&msg);
	msg = valid(MSG_BODY_END);
	msg.u.body_end.failed = false;
	msg.u.body_end.digest = NULL;
	refuse(&msg);
	msg = valid(MSG_ERROR);
	msg.u.error.code = ERR_NONE;
	refuse(&msg);
	msg.u.error.code = ERR_REFUSED + 1;
	refuse(&msg);
	msg = valid(MSG_RESULT);
	msg.u.result.status = RESULT_OTHER_MODSEQ + 1;
	refuse(&msg);
	msg.u.result.status = RESULT_OTHER_UID;
	msg.u.result.uid = 0;
	refuse(&msg);
	msg = valid(MSG_HELLO);
	msg.u.hello.version_min = msg.u.hello.version_max + 1;
	refuse(&msg);
	msg = valid(MSG_HELLO);
	memset(&msg.u.hello.run, 0, sizeof(msg.u.hello.run));
	refuse(&msg);
	msg = valid(MSG_HELLO);
	msg.u.hello.role = ROLE_DESTINATION + 1;
	refuse(&msg);
}
END_TEST

START_TEST(count_beyond_a_limit_is_not_sent)
{
	struct guid128 *guids = arena_calloc(arena, LIST_MARKS_MAX + 1,
	    sizeof(*guids));
	const char *names[FILTERS_MAX + 1];
	struct msg msg;
	char *name;

	for (size_t i = 0; i <= LIST_MARKS_MAX; i++)
		guids[i].b[0] = 1 + (uint8_t)(i % 255);
	msg = valid(MSG_MESSAGE);
	msg.u.message.marks = guids;
	msg.u.message.mark_count = MARKS_MAX + 1;
	ck_assert(!encode(&msg));
	msg = valid(MSG_LIST);
	msg.u.list.marks = guids;
	msg.u.list.mark_count = LIST_MARKS_MAX;
	accept(&msg);
	msg.u.list.mark_count++;
	ck_assert(!encode(&msg));
	name = arena_alloc(arena, NAME_PART_MAX + 1);
	memset(name, 'a', NAME_PART_MAX);
	for (size_t i = 0; i <= FILTERS_MAX; i++)
		names[i] = "a";
	msg = valid(MSG_HELLO);
	msg.u.hello.names = names;
	msg.u.hello.name_count = FILTERS_MAX;
	accept(&msg);
	msg.u.hello.name_count++;
	ck_assert(!encode(&msg));
	for (size_t i = 0; i <= FILTERS_MAX; i++)
		names[i] = name;
	msg.u.hello.name_count = FILTER_BYTES_MAX / NAME_PART_MAX;
	accept(&msg);
	msg.u.hello.name_count++;
	ck_assert(!encode(&msg));
}
END_TEST

START_TEST(largest_record_fits_into_a_frame)
{
	struct keyword *keywords = arena_calloc(arena, KEYWORDS_MAX,
	    sizeof(*keywords));
	struct msg msg, back;
	char *name;

	for (size_t i = 0; i < KEYWORDS_MAX; i++) {
		name = arena_alloc(arena, KEYWORD_MAX + 1);
		memset(name, 'k', KEYWORD_MAX);
		name[0] = (char)('a' + i / 26);
		name[1] = (char)('a' + i % 26);
		keywords[i] = (struct keyword){ name, STAMP_MAX, false };
	}
	msg = valid(MSG_OP_SAVE);
	msg.u.op_save.message.flags.keywords = keywords;
	msg.u.op_save.message.flags.keyword_count = KEYWORDS_MAX;
	ck_assert(encode(&msg));
	ck_assert_int_eq(decode(&back), 0);
	ck_assert(msg_equal(&msg, &back));
}
END_TEST

START_TEST(values_of_a_strange_store_are_moved_into_range)
{
	struct guid128 marks[3] = { { { 9 } }, { { 3 } }, { { 9 } } };
	struct uid_range ranges[] = {
		{ 9, 12 }, { 1, 4 }, { 5, 6 }, { 10, 20 },
	};
	struct msg msg = valid(MSG_OP_SAVE), back;
	char *text;

	msg.u.op_save.message.received = INT64_MAX;
	msg.u.op_save.message.modseq = UINT64_MAX;
	msg.u.op_save.message.flags.stamps[0] = UINT64_MAX;
	msg.u.op_save.message.pop3_uidl = "a\nb";
	msg.u.op_save.message.marks = marks;
	msg.u.op_save.message.mark_count = 3;
	ck_assert(encode(&msg));
	ck_assert_int_eq(decode(&back), 0);
	ck_assert_int_eq(back.u.op_save.message.received, RECEIVED_MAX);
	ck_assert_uint_eq(back.u.op_save.message.modseq, MODSEQ_MAX);
	ck_assert_uint_eq(back.u.op_save.message.flags.stamps[0], STAMP_MAX);
	ck_assert_ptr_null(back.u.op_save.message.pop3_uidl);
	ck_assert_uint_eq(back.u.op_save.message.mark_count, 2);
	ck_assert_uint_eq(back.u.op_save.message.marks[0].b[0], 3);
	msg = valid(MSG_LIST);
	msg.u.list.ranges = ranges;
	msg.u.list.range_count = nitems(ranges);
	ck_assert(encode(&msg));
	ck_assert_int_eq(decode(&back), 0);
	ck_assert_uint_eq(back.u.list.range_count, 2);
	ck_assert_uint_eq(back.u.list.ranges[0].first, 1);
	ck_assert_uint_eq(back.u.list.ranges[0].last, 6);
	ck_assert_uint_eq(back.u.list.ranges[1].last, 20);
	/* A text is cut between two characters. */
	text = arena_alloc(arena, TEXT_MAX + 3);
	memset(text, 'a', TEXT_MAX - 1);
	memcpy(text + TEXT_MAX - 1, "\xc3\xbc", 2);
	msg = valid(MSG_ERROR);
	msg.u.error.text = text;
	ck_assert(encode(&msg));
	ck_assert_int_eq(decode(&back), 0);
	ck_assert_uint_eq(strlen(back.u.error.text), TEXT_MAX - 1);
}
END_TEST

START_TEST(text_of_a_peer_cannot_move_a_cursor)
{
	struct msg msg = valid(MSG_ERROR), back;

	msg.u.error.text = "a\x1b[2J\r\n\xc2\x9b\xff\xc3\xbc\x7f";
	ck_assert(encode(&msg));
	ck_assert_int_eq(decode(&back), 0);
	ck_assert_str_eq(back.u.error.text, "a?[2J?????\xc3\xbc?");
}
END_TEST

/* Payloads that no encoder of ours would make. */
static void
payload(const void *data, size_t len)
{
	free(bytes);
	ck_assert_ptr_nonnull(bytes = malloc(len + 1));
	if (len > 0)
		memcpy(bytes, data, len);
	bytes_len = len;
}

START_TEST(unknown_fields_are_ignored)
{
	/* BYE, then field 1000 as a varint, inside and after it. */
	static const uint8_t bye[] = { 0xa2, 0x02, 0x03, 0xc0, 0x3e, 0x07,
	    0xc0, 0x3e, 0x07 };
	struct msg back;

	payload(bye, sizeof(bye));
	ck_assert_int_eq(decode(&back), 0);
	ck_assert_int_eq(back.kind, MSG_BYE);
}
END_TEST

START_TEST(nonsense_is_refused)
{
	static const char *const texts[] = {
		"", "\x01", "GET / HTTP/1.1\r\n", "\xff\xff\xff\xff\xff\xff",
		"\xc0\x3e\x07", "\x0a\x7f", "\x08\x01", "\x58\x01",
	};
	struct msg back;

	for (size_t i = 0; i < nitems(texts); i++) {
		payload(texts[i], strlen(texts[i]));
		ck_assert_int_eq(decode(&back), -1);
	}
	payload("\x5a\x00", 2);		/* RESULT, empty */
	ck_assert_int_eq(decode(&back), -1);
	payload("\x2a\x00", 2);		/* OP_SAVE without its message */
	ck_assert_int_eq(decode(&back), -1);
}
END_TEST

/* Much memory for few bytes; each payload is as long as a frame may be. */
START_TEST(memory_bomb_ends_in_an_error)
{
	static const char *const units[] = {
		"\xc0\x3e\x07",		/* unknown varint of the envelope */
		"\xa2\x02\x00",		/* BYE again and again */
		"\x0a\x00",		/* MESSAGE again and again */
		"\x82\x01\x02\x5a\x00",	/* HELLO with one position */
	};
	struct msg back;
	uint8_t *data = arena_alloc(arena, FRAME_PAYLOAD_MAX);
	size_t unit = strlen(units[0]);

	for (size_t i = 0; i < nitems(units); i++) {
		unit = i == 0 ? 3 : i == 2 ? 2 : i == 1 ? 3 : 5;
		for (size_t n = 0; n + unit <= FRAME_PAYLOAD_MAX; n += unit)
			memcpy(data + n, units[i], unit);
		payload(data, FRAME_PAYLOAD_MAX / unit * unit);
		ck_assert_int_eq(decode(&back), -1);
	}
	/* HELLO of nothing but empty names. */
	memcpy(data, "\x82\x01\xf0\xff\x0f", 5);
	for (size_t n = 5; n + 3 <= FRAME_PAYLOAD_MAX; n += 3)
		memcpy(data + n, "\x82\x01\x00", 3);
	payload(data, 5 + 0x3fff0);
	bytes_len = bytes_len > FRAME_PAYLOAD_MAX ? FRAME_PAYLOAD_MAX :
	    bytes_len;
	ck_assert_int_eq(decode(&back), -1);
}
END_TEST

START_TEST(deep_nesting_is_no_recursion)
{
	uint8_t *data = arena_alloc(arena, FRAME_PAYLOAD_MAX);
	struct msg back;
	size_t n = 0;

	/* Each is an unknown, length-delimited field of the one around it. */
	for (size_t left = 30000; left > 10; left -= 4) {
		data[n++] = 0xfa;
		data[n++] = (uint8_t)((left - 4) & 0x7f) | 0x80;
		data[n++] = (uint8_t)((left - 4) >> 7 & 0x7f) | 0x80;
		data[n++] = (uint8_t)((left - 4) >> 14);
	}
	payload(data, n);
	ck_assert_int_eq(decode(&back), -1);
}
END_TEST

START_TEST(pool_hands_out_no_more_than_its_budget)
{
	struct pool *pool = pool_new(100000);
	char *a, *b;

	ck_assert_ptr_null(pool_alloc(pool, 100001));
	ck_assert_ptr_null(pool_alloc(pool, SIZE_MAX));
	ck_assert_ptr_null(pool_calloc(pool, SIZE_MAX / 2, 4));
	ck_assert_ptr_nonnull(a = pool_alloc(pool, 50000));
	ck_assert_ptr_nonnull(b = pool_calloc(pool, 40000, 1));
	memset(a, 1, 50000);
	ck_assert_int_eq(b[39999], 0);
	ck_assert_ptr_null(pool_alloc(pool, 20000));
	pool_reset(pool);
	ck_assert_ptr_nonnull(pool_alloc(pool, 90000));
	pool_free(&pool);
	ck_assert_ptr_null(pool);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "codec");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, every_message_survives_the_wire, 0,
	    MSG_KIND_COUNT);
	tcase_add_loop_test(tcase, no_cut_or_changed_message_does_harm, 0,
	    MSG_KIND_COUNT);
	tcase_add_test(tcase, record_beyond_a_limit_is_refused);
	tcase_add_test(tcase, mailbox_beyond_a_limit_is_refused);
	tcase_add_test(tcase, question_beyond_a_limit_is_refused);
	tcase_add_test(tcase, count_beyond_a_limit_is_not_sent);
	tcase_add_test(tcase, largest_record_fits_into_a_frame);
	tcase_add_test(tcase, values_of_a_strange_store_are_moved_into_range);
	tcase_add_test(tcase, text_of_a_peer_cannot_move_a_cursor);
	tcase_add_test(tcase, unknown_fields_are_ignored);
	tcase_add_test(tcase, nonsense_is_refused);
	tcase_add_test(tcase, memory_bomb_ends_in_an_error);
	tcase_add_test(tcase, deep_nesting_is_no_recursion);
	tcase_add_test(tcase, pool_hands_out_no_more_than_its_budget);
	return unit_run(suite);
}
