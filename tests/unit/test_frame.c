/* frame */
#include "config.h"

#include <string.h>

#include "base/array.h"
#include "tests/support/unit.h"
#include "wire/frame.h"

START_TEST(parse_waits_for_the_whole_frame)
{
	const uint8_t bytes[] = { 0, 0, 0, 3, FRAME_MESSAGE, 0, 0, 1,
	    'a', 'b', 'c', 0xff };
	struct err err = ERR_INIT;
	struct frame frame;
	size_t used = 0;
	int r;

	/* _i bytes have arrived; the frame is complete at 11. */
	r = frame_parse((struct slice){ bytes, (size_t)_i }, &frame, &used,
	    &err);
	if (_i < 11) {
		ck_assert_int_eq(r, 0);
		ck_assert_uint_eq(used, _i < 8 ? 8 : 11);
		return;
	}
	ck_assert_int_eq(r, 1);
	ck_assert_uint_eq(used, 11);
	ck_assert_int_eq(frame.kind, FRAME_MESSAGE);
	ck_assert_uint_eq(frame.stream, 1);
	ck_assert_uint_eq(frame.payload.len, 3);
	ck_assert_mem_eq(frame.payload.data, "abc", 3);
}
END_TEST

START_TEST(header_is_what_parse_reads)
{
	static const size_t lens[] = { 1, 255, 256, 65535, BODY_CHUNK_MAX };
	uint8_t bytes[FRAME_HEADER_SIZE + BODY_CHUNK_MAX];
	struct err err = ERR_INIT;
	struct frame frame;
	size_t used = 0;

	for (size_t i = 0; i < nitems(lens); i++) {
		frame_header(bytes, FRAME_BODY_ZSTD, FRAME_STREAM_MAX, lens[i]);
		ck_assert_int_eq(frame_parse((struct slice){ bytes,
		    FRAME_HEADER_SIZE + lens[i] }, &frame, &used, &err), 1);
		ck_assert_int_eq(frame.kind, FRAME_BODY_ZSTD);
		ck_assert_uint_eq(frame.stream, FRAME_STREAM_MAX);
		ck_assert_uint_eq(frame.payload.len, lens[i]);
		ck_assert_uint_eq(used, FRAME_HEADER_SIZE + lens[i]);
	}
}
END_TEST

/* Nothing but the header has arrived. */
static int
parse_header(uint32_t len, uint8_t kind)
{
	uint8_t bytes[] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16),
	    (uint8_t)(len >> 8), (uint8_t)len, kind, 0, 0, 0 };
	struct err err = ERR_INIT;
	struct frame frame;
	size_t used = 0;
	int r;

	r = frame_parse((struct slice){ bytes, sizeof(bytes) }, &frame, &used,
	    &err);
	ck_assert(r == 0 || err.code == ERR_PROTO);
	return r;
}

START_TEST(bad_header_is_refused_before_the_payload)
{
	ck_assert_int_eq(parse_header(0, FRAME_MESSAGE), -1);
	ck_assert_int_eq(parse_header(0x80000000U, FRAME_MESSAGE), -1);
	ck_assert_int_eq(parse_header(UINT32_MAX, FRAME_BODY), -1);
	ck_assert_int_eq(parse_header(FRAME_PAYLOAD_MAX, FRAME_MESSAGE), 0);
	ck_assert_int_eq(parse_header(FRAME_PAYLOAD_MAX + 1, FRAME_MESSAGE),
	    -1);
	ck_assert_int_eq(parse_header(BODY_CHUNK_MAX, FRAME_BODY), 0);
	ck_assert_int_eq(parse_header(BODY_CHUNK_MAX + 1, FRAME_BODY), -1);
	ck_assert_int_eq(parse_header(BODY_CHUNK_MAX + 1, FRAME_BODY_ZSTD), -1);
	for (unsigned int kind = 0; kind < 256; kind++)
		ck_assert_int_eq(parse_header(1, (uint8_t)kind),
		    kind >= FRAME_MESSAGE && kind <= FRAME_USER_END ? 0 : -1);
	ck_assert_int_eq(parse_header(2, FRAME_USER_END), -1);
}
END_TEST

/* Two frames and the end of the user, in pieces of _i bytes. */
START_TEST(a_meter_finds_the_end_of_the_user)
{
	uint8_t bytes[2 * FRAME_HEADER_SIZE + 8 + FRAME_USER_END_SIZE + 3];
	const size_t end = sizeof(bytes) - 3;
	struct frame_meter meter = { .left = 0 };
	struct err err = ERR_INIT;
	size_t done = 0, len;
	ssize_t n;

	memset(bytes, FRAME_USER_END, sizeof(bytes));
	frame_header(bytes, FRAME_MESSAGE, 0, 1);
	frame_header(bytes + FRAME_HEADER_SIZE + 1, FRAME_BODY, 0, 7);
	frame_user_end(bytes + 2 * FRAME_HEADER_SIZE + 8);
	ck_assert(!frame_meter_inside(&meter));
	while (!frame_meter_user_ended(&meter)) {
		len = (size_t)_i < end - done ? (size_t)_i : sizeof(bytes) -
		    done;
		n = frame_meter_take(&meter, bytes + done, len, &err);
		ck_assert_int_gt(n, 0);
		done += (size_t)n;
		ck_assert_int_eq(frame_meter_inside(&meter), done != end &&
		    done != FRAME_HEADER_SIZE + 1 && done !=
		    2 * FRAME_HEADER_SIZE + 8);
	}
	ck_assert_uint_eq(done, end);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "frame");

	tcase_add_loop_test(tcase, parse_waits_for_the_whole_frame, 0, 13);
	tcase_add_test(tcase, header_is_what_parse_reads);
	tcase_add_test(tcase, bad_header_is_refused_before_the_payload);
	tcase_add_loop_test(tcase, a_meter_finds_the_end_of_the_user, 1, 37);
	return unit_run(suite);
}
