#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log/log.h"
#include "tests/support/unit.h"

static char last[2 * LOG_LINE_MAX];
static enum log_level last_level;
static int lines;

static void
keep(enum log_level level, const char *line, void *arg)
{
	ck_assert_ptr_eq(arg, last);
	ck_assert_uint_lt(strlen(line), sizeof(last));
	strcpy(last, line);
	last_level = level;
	lines++;
}

static void
setup(void)
{
	lines = 0;
	last[0] = '\0';
	log_level_set(LOG_LEVEL_DEBUG);
	log_context_clear();
	log_to_sink(keep, last);
}

START_TEST(every_conversion_is_printed)
{
	log_info("a=%d b=%u c=%lu d=%lld e=%zu f=%" PRIu64 " g=%jd h=%hhu "
	    "i=%05d j=%-3d| k=%x l=%c m=%5.1f n=%% o=%td", -1, 2U, 3UL, -4LL,
	    (size_t)5, UINT64_C(18446744073709551615), (intmax_t)-7,
	    (unsigned char)8, 9, 1, 0xabU, 'z', 2.5, (ptrdiff_t)6);
	ck_assert_str_eq(last, "a=-1 b=2 c=3 d=-4 e=5 "
	    "f=18446744073709551615 g=-7 h=8 i=00009 j=1  | k=ab l=z "
	    "m=  2.5 n=% o=6");
	ck_assert_int_eq(last_level, LOG_LEVEL_INFO);
}
END_TEST

START_TEST(strings_are_quoted_if_not_plain)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain", "plain" }, { "", "\"\"" },
		{ "two words", "\"two words\"" },
		{ "a=b", "\"a=b\"" },
		{ "a\"b", "\"a\\\"b\"" },
		{ "x\nerror: forged", "\"x\\x0aerror: forged\"" },
		{ "\x1b[31m", "\"\\x1b[31m\"" },
		{ "\xff", "\"\\xff\"" },
		{ "M\xc3\xbcll", "M\xc3\xbcll" },
		{ NULL, "\"\"" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[100];

		snprintf(want, sizeof(want), "got value=%s end",
		    rows[i].out);
		log_warn("got value=%s end", rows[i].in);
		ck_assert_str_eq(last, want);
	}
	log_warn("a=%.3s b=%.*s", "abcdef", 2, "xyz");
	ck_assert_str_eq(last, "a=abc b=xy");
}
END_TEST

START_TEST(the_context_ends_each_line)
{
	log_context_set("session=%s user=%s", "7f3a", "anna b");
	log_error("died code=%d", 3);
	ck_assert_str_eq(last, "died code=3 session=7f3a user=\"anna b\"");
	log_context_clear();
	log_error("died code=%d", 3);
	ck_assert_str_eq(last, "died code=3");
}
END_TEST

START_TEST(lines_above_the_level_are_dropped)
{
	log_level_set(LOG_LEVEL_WARN);
	log_debug("no");
	log_info("no");
	ck_assert_int_eq(lines, 0);
	ck_assert(!log_enabled(LOG_LEVEL_INFO));
	log_warn("yes");
	log_error("yes");
	ck_assert_int_eq(lines, 2);
	ck_assert_str_eq(log_level_name(last_level), "error");
}
END_TEST

START_TEST(a_long_line_is_cut_but_keeps_its_context)
{
	char value[2 * LOG_LINE_MAX];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log_context_set("session=%s", "7f3a");
	log_info("long value=%s", value);
	ck_assert_uint_le(strlen(last), LOG_LINE_MAX);
	ck_assert_ptr_nonnull(strstr(last, "... session=7f3a"));
	log_context_set("session=%s", value);
	log_info("long value=%s", value);
	ck_assert_uint_le(strlen(last), LOG_LINE_MAX);
}
END_TEST

START_TEST(errno_is_kept)
{
	errno = ENOTTY;
	log_info("x=%s", "y");
	ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

START_TEST(standard_error_gets_one_line)
{
	int fds[2], saved = dup(STDERR_FILENO);
	char buf[100];
	ssize_t n;

	ck_assert_int_eq(pipe(fds), 0);
	log_to_stderr("prog");
	dup2(fds[1], STDERR_FILENO);
	log_error("died code=%d", 3);
	dup2(saved, STDERR_FILENO);
	n = read(fds[0], buf, sizeof(buf) - 1);
	ck_assert_int_gt(n, 0);
	buf[n] = '\0';
	ck_assert_str_eq(buf, "prog: error: died code=3\n");
	close(fds[0]);
	close(fds[1]);
	close(saved);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "log");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, every_conversion_is_printed);
	tcase_add_test(tcase, strings_are_quoted_if_not_plain);
	tcase_add_test(tcase, the_context_ends_each_line);
	tcase_add_test(tcase, lines_above_the_level_are_dropped);
	tcase_add_test(tcase, a_long_line_is_cut_but_keeps_its_context);
	tcase_add_test(tcase, errno_is_kept);
	tcase_add_test(tcase, standard_error_gets_one_line);
	return unit_run(suite);
}
