/* link, zchunk */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/arena.h"
#include "base/array.h"
#include "tests/support/msg_random.h"
#include "tests/support/unit.h"
#include "wire/frame.h"
#include "wire/link.h"
#include "wire/zchunk.h"

static struct link *a, *b;

static void
setup(void)
{
	a = link_new();
	b = link_new();
}

static void
teardown(void)
{
	link_free(&a);
	link_free(&b);
}

/* Move up to max bytes from a to b; returns how many. */
static size_t
pump(size_t max)
{
	size_t len, space;
	const void *out;
	void *in;

	if ((out = link_out(a, &len)) == NULL)
		return 0;
	in = link_space(b, &space);
	len = len < max ? len : max;
	len = len < space ? len : space;
	memcpy(in, out, len);
	link_fed(b, len);
	link_sent(a, len);
	return len;
}

static int
next(struct msg *msg_r)
{
	struct err err = ERR_INIT;
	int r;

	r = link_next(b, msg_r, &err);
	ck_assert(r != -1 || err.code == ERR_PROTO);
	return r;
}

static void
feed(const void *data, size_t len)
{
	size_t space;
	void *in = link_space(b, &space);

	ck_assert_uint_ge(space, len);
	memcpy(in, data, len);
	link_fed(b, len);
}

/* The same messages, in pieces whose sizes are as random. */
static void
run_stream(uint64_t seed, uint32_t piece_max, bool compress)
{
	enum { MESSAGES = 300 };
	struct rng rng = { .state = seed };
	struct arena *arena = arena_new(256U * 1024U * 1024U);
	struct msg *msgs = arena_calloc(arena, MESSAGES, sizeof(*msgs));
	struct msg msg;
	size_t sent = 0, got = 0;
	int r = 0;

	link_set_compress(a, compress);
	link_set_compress(b, compress);
	for (size_t i = 0; i < MESSAGES; i++)
		msgs[i] = msg_random(arena, &rng, (enum msg_kind)(1 +
		    rng_below(&rng, MSG_KIND_COUNT - 1)));
	while (got < MESSAGES) {
		while (sent < MESSAGES && link_room(a) &&
		    rng_below(&rng, 3) != 0)
			link_send(a, &msgs[sent++]);
		pump(1 + rng_below(&rng, piece_max));
		while (rng_below(&rng, 20) != 0 && (r = next(&msg)) == 1) {
			ck_assert_uint_lt(got, sent);
			ck_assert(msg_equal(&msg, &msgs[got]));
			got++;
		}
		ck_assert_int_ne(r, -1);
	}
	ck_assert(!link_partial(b));
	arena_free(&arena);
}

START_TEST(messages_arrive_whole_and_in_order)
{
	run_stream((uint64_t)_i, _i % 3 == 0 ? 300000 : _i % 3 == 1 ? 5000 :
	    100, false);
}
END_TEST

START_TEST(compressed_bodies_arrive_the_same)
{
	run_stream((uint64_t)_i, 20000, true);
}
END_TEST

START_TEST(frame_arrives_byte_by_byte)
{
	struct rng rng = { .state = 5 };
	struct arena *arena = arena_new(1024 * 1024);
	struct msg sent = msg_random(arena, &rng, MSG_MAILBOX), msg;

	link_send(a, &sent);
	while (pump(1) == 1) {
		size_t left;

		link_out(a, &left);
		ck_assert_int_eq(next(&msg), left == 0 ? 1 : 0);
		ck_assert_int_eq(link_partial(b), left != 0);
	}
	ck_assert(msg_equal(&msg, &sent));
	arena_free(&arena);
}
END_TEST

START_TEST(output_has_room_below_its_limit_only)
{
	static const uint8_t data[BODY_CHUNK_MAX];
	struct msg chunk = { .kind = MSG_BODY_CHUNK };
	size_t len;

	chunk.u.chunk.data = data;
	chunk.u.chunk.len = sizeof(data);
	ck_assert(link_room(a));
	for (int i = 0; i < 8; i++)
		link_send(a, &chunk);
	ck_assert(!link_room(a));
	/* Whoever does not ask is not refused. */
	for (int i = 0; i < 100; i++)
		link_send(a, &chunk);
	link_out(a, &len);
	ck_assert_uint_eq(len, 108 * (FRAME_HEADER_SIZE + sizeof(data)));
	link_sent(a, len - 1);
	ck_assert(link_room(a));
	link_sent(a, 1);
	ck_assert_ptr_null(link_out(a, &len));
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(broken_peer_stays_broken)
{
	static const uint8_t bye[] = { 0, 0, 0, 3, 1, 0, 0, 0, 0xa2, 2, 0 };
	static const uint8_t empty[] = { 0, 0, 0, 0, 1, 0, 0, 0 };
	struct msg msg;

	feed(bye, sizeof(bye));
	ck_assert_int_eq(next(&msg), 1);
	ck_assert_int_eq(msg.kind, MSG_BYE);
	feed(empty, sizeof(empty));
	feed(bye, sizeof(bye));
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(next(&msg), -1);
}
END_TEST

START_TEST(unknown_stream_is_refused)
{
	static const uint8_t bye[] = { 0, 0, 0, 3, 1, 0, 0, 1, 0xa2, 2, 0 };
	struct msg msg;

	feed(bye, sizeof(bye));
	ck_assert_int_eq(next(&msg), -1);
}
END_TEST

START_TEST(message_above_the_limits_becomes_an_error)
{
	const char *names[FILTERS_MAX + 1];
	struct msg hello = { .kind = MSG_HELLO }, msg;

	for (size_t i = 0; i < nitems(names); i++)
		names[i] = "a";
	hello.u.hello.names = names;
	hello.u.hello.name_count = nitems(names);
	link_send(a, &hello);
	while (pump(SIZE_MAX) > 0)
		continue;
	ck_assert_int_eq(next(&msg), 1);
	ck_assert_int_eq(msg.kind, MSG_ERROR);
	ck_assert_int_eq(msg.u.error.code, ERR_REFUSED);
}
END_TEST

/* A frame of kind 3 with this payload. */
static int
offer(const void *data, size_t len, struct msg *msg_r)
{
	uint8_t header[FRAME_HEADER_SIZE];

	link_free(&b);
	b = link_new();
	link_set_compress(b, true);
	frame_header(header, FRAME_BODY_ZSTD, 0, len);
	feed(header, sizeof(header));
	feed(data, len);
	return next(msg_r);
}

/* Send it, and tell how many bytes more wait for it. */
static size_t
cost(const struct msg *msg)
{
	size_t before, after;

	link_out(a, &before);
	link_send(a, msg);
	link_out(a, &after);
	return after - before;
}

START_TEST(body_is_compressed_where_it_pays)
{
	static uint8_t data[BODY_CHUNK_MAX];
	struct msg save = { .kind = MSG_BODY }, chunk, msg;
	struct rng rng = { .state = 3 };

	save.u.body.request = 1;
	chunk = (struct msg){ .kind = MSG_BODY_CHUNK };
	chunk.u.chunk.data = data;
	chunk.u.chunk.len = sizeof(data);
	link_set_compress(a, true);
	link_set_compress(b, true);
	link_send(a, &save);
	/* Nothing waits: the other side is as fast as we are. */
	for (size_t i = 0; i < LINK_COMPRESS_MIN / sizeof(data); i++)
		ck_assert_uint_gt(cost(&chunk), sizeof(data));
	ck_assert_uint_lt(cost(&chunk), 200);
	while (pump(SIZE_MAX) > 0)
		continue;
	ck_assert_int_eq(next(&msg), 1);
	for (size_t i = 0; i <= LINK_COMPRESS_MIN / sizeof(data); i++) {
		ck_assert_int_eq(next(&msg), 1);
		ck_assert(msg_equal(&msg, &chunk));
	}
	/* A body that does not shrink is left alone from then on. */
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rng_u64(&rng);
	link_send(a, &save);
	for (size_t i = 0; i <= LINK_COMPRESS_MIN / sizeof(data); i++)
		link_send(a, &chunk);
	memset(data, 0, sizeof(data));
	ck_assert_uint_gt(cost(&chunk), sizeof(data));
}
END_TEST

START_TEST(compressed_body_needs_agreement)
{
	struct zchunk *z = zchunk_new();
	uint8_t data[1000] = { 0 }, header[FRAME_HEADER_SIZE];
	struct slice packed = zchunk_pack(z, data, sizeof(data));
	struct msg msg;

	ck_assert_uint_gt(packed.len, 0);
	ck_assert_int_eq(offer(packed.data, packed.len, &msg), 1);
	link_free(&b);
	b = link_new();
	frame_header(header, FRAME_BODY_ZSTD, 0, packed.len);
	feed(header, sizeof(header));
	feed(packed.data, packed.len);
	ck_assert_int_eq(next(&msg), -1);
	zchunk_free(&z);
}
END_TEST

START_TEST(compression_bomb_is_refused)
{
	static const uint8_t window[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x40, 0xa0,
	    0x00, 0x01, 0x01, 0x00, 0x00 };
	static const uint8_t dict[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x21, 0x07,
	    0x01, 0x09, 0x00, 0x00, 'x' };
	static const uint8_t plain[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20,
	    0x01, 0x09, 0x00, 0x00, 'x' };
	static const uint8_t skip[] = { 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0 };
	uint8_t *big = calloc(1, 1 << 20), packed[4096], two[64];
	struct msg msg;
	size_t len;

	ck_assert_int_eq(offer(plain, sizeof(plain), &msg), 1);
	ck_assert_uint_eq(msg.u.chunk.len, 1);
	ck_assert_int_eq(offer(window, sizeof(window), &msg), -1);
	ck_assert_int_eq(offer(dict, sizeof(dict), &msg), -1);
	ck_assert_int_eq(offer(skip, sizeof(skip), &msg), -1);
	ck_assert_ptr_nonnull(big);
	len = ZSTD_compress(packed, sizeof(packed), big, 1 << 20, 3);
	ck_assert(!ZSTD_isError(len));
	ck_assert_int_eq(offer(packed, len, &msg), -1);
	len = ZSTD_compress(packed, sizeof(packed), big, BODY_CHUNK_MAX + 1, 3);
	ck_assert_int_eq(offer(packed, len, &msg), -1);
	len = ZSTD_compress(packed, sizeof(packed), big, BODY_CHUNK_MAX, 3);
	ck_assert_int_eq(offer(packed, len, &msg), 1);
	ck_assert_uint_eq(msg.u.chunk.len, BODY_CHUNK_MAX);
	ck_assert_int_eq(offer(packed, len - 1, &msg), -1);
	free(big);
	/* Two frames in one, and one that declares less than it holds. */
	memcpy(two, plain, sizeof(plain));
	memcpy(two + sizeof(plain), plain, sizeof(plain));
	ck_assert_int_eq(offer(two, 2 * sizeof(plain), &msg), -1);
	memcpy(two, plain, sizeof(plain));
	two[5] = 2;
	ck_assert_int_eq(offer(two, sizeof(plain), &msg), -1);
	two[5] = 0;
	ck_assert_int_eq(offer(two, sizeof(plain), &msg), -1);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "link");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, messages_arrive_whole_and_in_order, 0, 12);
	tcase_add_loop_test(tcase, compressed_bodies_arrive_the_same, 0, 4);
	tcase_add_test(tcase, frame_arrives_byte_by_byte);
	tcase_add_test(tcase, output_has_room_below_its_limit_only);
	tcase_add_test(tcase, broken_peer_stays_broken);
	tcase_add_test(tcase, unknown_stream_is_refused);
	tcase_add_test(tcase, message_above_the_limits_becomes_an_error);
	tcase_add_test(tcase, body_is_compressed_where_it_pays);
	tcase_add_test(tcase, compressed_body_needs_agreement);
	tcase_add_test(tcase, compression_bomb_is_refused);
	return unit_run(suite);
}
