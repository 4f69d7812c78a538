/*
 * test_progress.c - the progress line
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "client/progress.h"
#include "tests/support/unit.h"

static const struct {
	uint64_t bytes;
	const char *text;
} sizes[] = {
	{ 0, "0 B" },
	{ 1023, "1023 B" },
	{ 1024, "1.0 KiB" },
	{ 1536, "1.5 KiB" },
	{ 2047, "1.9 KiB" },
	{ 1048575, "1023.9 KiB" },
	{ 1048576, "1.0 MiB" },
	{ 1ULL << 40, "1.0 TiB" },
	{ UINT64_MAX, "15.9 EiB" },
};

START_TEST(bytes_have_one_decimal_and_never_round_up)
{
	char out[24];

	ck_assert_str_eq(format_bytes(out, sizeof(out), sizes[_i].bytes),
	    sizes[_i].text);
}
END_TEST

static const struct {
	uint64_t ms;
	const char *text;
} times[] = {
	{ 0, "0.0 s" },
	{ 9999, "9.9 s" },
	{ 10000, "10 s" },
	{ 59999, "59 s" },
	{ 60000, "1:00" },
	{ 3599999, "59:59" },
	{ 3600000, "1:00:00" },
	{ 36061000, "10:01:01" },
};

START_TEST(times_grow_from_seconds_to_hours)
{
	char out[24];

	ck_assert_str_eq(format_time(out, sizeof(out), times[_i].ms),
	    times[_i].text);
}
END_TEST

static struct brain_event
counters(uint64_t done, uint64_t total, uint64_t bytes)
{
	return (struct brain_event){
		.kind = EVENT_PROGRESS,
		.messages_done = done,
		.messages_total = total,
		.bytes_done = bytes,
	};
}

START_TEST(the_line_tells_counts_bytes_and_the_time_left)
{
	struct brain_event event = counters(250, 1000, 2048);
	char line[PROGRESS_LINE_MAX];
	struct progress progress;

	progress_init(&progress, NULL, true, 1000);
	progress_format(&progress, 1500, line);
	ck_assert_str_eq(line, "looking for changes, 0.5 s");
	progress_event(&progress, &event, 2000);
	progress_format(&progress, 2000, line);
	ck_assert_str_eq(line, "250 of 1000 changes, 2.0 KiB, 1.0 s");
	progress_format(&progress, 11000, line);
	ck_assert_str_eq(line,
	    "250 of 1000 changes, 2.0 KiB, about 30 s left");
}
END_TEST

START_TEST(nothing_is_divided_by_zero_or_below_it)
{
	struct brain_event event = counters(0, 0, 0);
	char line[PROGRESS_LINE_MAX];
	struct progress progress;

	progress_init(&progress, NULL, true, 0);
	progress_event(&progress, &event, 5000);
	progress_format(&progress, 5000, line);
	ck_assert_str_eq(line, "0 of 0 changes, 0 B, 5.0 s");
	event = counters(12, 10, 0);
	progress_event(&progress, &event, 6000);
	progress_format(&progress, 6000, line);
	ck_assert_str_eq(line, "12 of 10 changes, 0 B, 6.0 s");
}
END_TEST

START_TEST(a_terminal_is_drawn_over_at_most_ten_times_a_second)
{
	struct brain_event event = counters(1, 2, 3);
	struct progress progress;
	char *text = NULL;
	size_t len = 0, drawn;
	FILE *out = open_memstream(&text, &len);

	progress_init(&progress, out, true, 1000);
	progress_event(&progress, &event, 1099);
	fflush(out);
	ck_assert_uint_eq(len, 0);
	progress_event(&progress, &event, 1100);
	fflush(out);
	drawn = len;
	ck_assert_uint_gt(drawn, 0);
	ck_assert_int_eq(text[0], '\r');
	progress_event(&progress, &event, 1199);
	fflush(out);
	ck_assert_uint_eq(len, drawn);
	progress_clear(&progress);
	progress_clear(&progress);
	fflush(out);
	ck_assert_uint_eq(len, drawn + strlen("\r\033[K"));
	fclose(out);
	free(text);
}
END_TEST

START_TEST(a_file_gets_whole_lines_without_escapes)
{
	struct brain_event event = counters(1, 2, 3);
	struct progress progress;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	progress_init(&progress, out, false, 0);
	progress_event(&progress, &event, 5000);
	progress_clear(&progress);
	fclose(out);
	ck_assert_ptr_null(strpbrk(text, "\r\033"));
	ck_assert_int_eq(text[len - 1], '\n');
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "progress");

	tcase_add_loop_test(tcase, bytes_have_one_decimal_and_never_round_up,
	    0, nitems(sizes));
	tcase_add_loop_test(tcase, times_grow_from_seconds_to_hours, 0,
	    nitems(times));
	tcase_add_test(tcase, the_line_tells_counts_bytes_and_the_time_left);
	tcase_add_test(tcase, nothing_is_divided_by_zero_or_below_it);
	tcase_add_test(tcase,
	    a_terminal_is_drawn_over_at_most_ten_times_a_second);
	tcase_add_test(tcase, a_file_gets_whole_lines_without_escapes);
	return unit_run(suite);
}
