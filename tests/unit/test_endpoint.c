/*
 * test_endpoint.c - children at the far end of a side
 */
#include "config.h"

#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/endpoint.h"
#include "net/stream.h"
#include "tests/support/unit.h"

#define TEST_MS	10000U

static char sh[] = "sh", dash_c[] = "-c";

static void
open_shell(struct endpoint *end, const char *script)
{
	struct err err = ERR_INIT;
	char *copy = strdup(script), *words[] = { sh, dash_c, copy, NULL };

	ck_assert_int_eq(endpoint_open_command(end, "far", words, &err), 0);
	free(copy);
}

START_TEST(a_command_is_read_and_written)
{
	uint64_t deadline = clock_mono_ms() + TEST_MS;
	struct err err = ERR_INIT;
	struct endpoint end;
	char buf[6] = "";

	open_shell(&end, "cat");
	ck_assert_int_eq(stream_write_full(end.stream, "hello", 5, deadline,
	    &err), 0);
	ck_assert_int_eq(stream_read_full(end.stream, buf, 5, deadline, &err),
	    0);
	ck_assert_str_eq(buf, "hello");
	ck_assert_int_eq(endpoint_close(&end, TEST_MS), 0);
	ck_assert_ptr_null(end.stream);
	ck_assert_int_eq(endpoint_close(&end, TEST_MS), 0);
}
END_TEST

START_TEST(words_are_not_seen_by_a_shell)
{
	uint64_t deadline = clock_mono_ms() + TEST_MS;
	char echo[] = "echo", word[] = "$HOME;`x`|y", *words[] = {
		echo, word, NULL
	};
	struct err err = ERR_INIT;
	struct endpoint end;
	char buf[12] = "";

	ck_assert_int_eq(endpoint_open_command(&end, "far", words, &err), 0);
	ck_assert_int_eq(stream_read_full(end.stream, buf, strlen(word),
	    deadline, &err), 0);
	ck_assert_str_eq(buf, word);
	(void)endpoint_close(&end, TEST_MS);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_an_error_at_once)
{
	char name[] = "/nonexistent/program", *words[] = { name, NULL };
	struct endpoint end = { .kind = ENDPOINT_NONE };
	struct err err = ERR_INIT;

	ck_assert_int_eq(endpoint_open_command(&end, "far", words, &err), -1);
	ck_assert_int_eq(err.errnum, ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, name));
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(the_status_of_a_child_is_told)
{
	struct endpoint end;

	open_shell(&end, "exit 3");
	ck_assert_int_eq(endpoint_close(&end, TEST_MS), 3);
	open_shell(&end, "kill -KILL $$");
	ck_assert_int_eq(endpoint_close(&end, TEST_MS), 128 + SIGKILL);
}
END_TEST

START_TEST(a_child_that_does_not_end_is_ended)
{
	struct endpoint end;

	/* It does not mind the end of its input, nor a polite request. */
	open_shell(&end, "trap '' TERM; exec sleep 1000");
	ck_assert_int_gt(endpoint_close(&end, 0), 128);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "endpoint");

	(void)signal(SIGPIPE, SIG_IGN);
	tcase_add_test(tcase, a_command_is_read_and_written);
	tcase_add_test(tcase, words_are_not_seen_by_a_shell);
	tcase_add_test(tcase,
	    a_program_that_is_not_there_is_an_error_at_once);
	tcase_add_test(tcase, the_status_of_a_child_is_told);
	tcase_add_test(tcase, a_child_that_does_not_end_is_ended);
	return unit_run(suite);
}
