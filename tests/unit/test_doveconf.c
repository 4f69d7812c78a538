/*
 * test_doveconf.c - what doveconf prints, and how it is run
 */
#include "config.h"

#include <sys/stat.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "conf/doveconf.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

static struct doveconf dc;
static struct err err;

static void
setup(void)
{
	dc = (struct doveconf){ .n = 0 };
	err = (struct err)ERR_INIT;
	tempdir_make();
}

static void
teardown(void)
{
	doveconf_deinit(&dc);
	tempdir_remove();
}

START_TEST(flat_output_has_a_setting_in_each_line)
{
	static const char text[] = "base_dir=/run/dovecot\nempty=\n"
	    "continued\nnamespace=inbox a\\sb\nnamespace/a\\sb/name=a/b\n"
	    "x=1=2\nbase_dir=/other\nlast=no newline";

	ck_assert_int_eq(doveconf_parse_flat(&dc, text, strlen(text), &err),
	    0);
	ck_assert_str_eq(doveconf_get(&dc, "base_dir"), "/other");
	ck_assert_str_eq(doveconf_get(&dc, "empty"), "");
	ck_assert_str_eq(doveconf_get(&dc, "namespace/a\\sb/name"), "a/b");
	ck_assert_str_eq(doveconf_get(&dc, "x"), "1=2");
	ck_assert_str_eq(doveconf_get(&dc, "last"), "no newline");
	ck_assert_ptr_null(doveconf_get(&dc, "continued"));
}
END_TEST

START_TEST(blocks_become_names_with_slashes)
{
	static const char text[] = "# 2.4.1\nmail_path = ~/mail\n"
	    "mail_plugins = \" a b \"\nempty =\n\n"
	    "namespace inbox {\n  prefix = INBOX/\n"
	    "  mailbox \"Sent \\\"x\\\" /\\\\\" {\n    auto = no\n  }\n"
	    "  separator = /\r\n}\nprotocols {\n  imap = yes\n}\n"
	    "hash = \"~/a #1\"\nlast = 1";

	ck_assert_int_eq(doveconf_parse_blocks(&dc, text, strlen(text), &err),
	    0);
	ck_assert_str_eq(doveconf_get(&dc, "mail_path"), "~/mail");
	ck_assert_str_eq(doveconf_get(&dc, "mail_plugins"), " a b ");
	ck_assert_str_eq(doveconf_get(&dc, "empty"), "");
	ck_assert_str_eq(doveconf_get(&dc, "namespace/inbox/prefix"),
	    "INBOX/");
	ck_assert_str_eq(doveconf_get(&dc, "namespace/inbox/mailbox/"
	    "Sent\\_\"x\"\\_\\s\\\\/auto"), "no");
	ck_assert_str_eq(doveconf_get(&dc, "namespace/inbox/separator"), "/");
	ck_assert_str_eq(doveconf_get(&dc, "protocols/imap"), "yes");
	ck_assert_str_eq(doveconf_get(&dc, "hash"), "~/a #1");
	ck_assert_str_eq(doveconf_get(&dc, "last"), "1");
}
END_TEST

static const char *const bad_blocks[] = {
	"}\n", "a {\n", "a {\n}\n}\n", "= x\n",
	"a{\na{\na{\na{\na{\na{\na{\na{\na{\na{\na{\na{\na{\na{\na{\na{\na{\n",
};

START_TEST(blocks_that_do_not_match_are_refused)
{
	ck_assert_int_eq(doveconf_parse_blocks(&dc, bad_blocks[_i],
	    strlen(bad_blocks[_i]), &err), -1);
	ck_assert_int_eq((int)err.code, ERR_CORRUPT);
}
END_TEST

START_TEST(output_has_limits)
{
	static char text[DOVECONF_NAME_MAX + 8];

	memset(text, 'x', DOVECONF_NAME_MAX + 1);
	strcpy(text + DOVECONF_NAME_MAX + 1, "=1\n");
	ck_assert_int_eq(doveconf_parse_flat(&dc, text, strlen(text), &err),
	    -1);
	ck_assert_int_eq(doveconf_parse_blocks(&dc, text, strlen(text),
	    &err), -1);
	ck_assert_int_eq(doveconf_parse_flat(&dc, "a=\0b", 4, &err), -1);
}
END_TEST

/* Read what a script prints. */
static int
read_script(const char *body, unsigned int timeout, struct strbuf *remarks)
{
	char text[2048];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", body);
	tempdir_write("doveconf", text);
	ck_assert_int_eq(chmod(tempdir_path("doveconf"), 0700), 0);
	return doveconf_read(&dc, tempdir_path("doveconf"), "/a file",
	    timeout, remarks, &err);
}

START_TEST(the_older_program_is_asked_once)
{
	struct strbuf remarks;

	strbuf_init(&remarks, 1000);
	ck_assert_int_eq(read_script(
	    "[ \"$*\" = '-c /a file -S -f protocol=doveadm' ] || exit 3\n"
	    "cat\necho a=b\necho warned >&2", 30, &remarks), 0);
	ck_assert_str_eq(doveconf_get(&dc, "a"), "b");
	ck_assert_str_eq(remarks.data, "warned\n");
	strbuf_deinit(&remarks);
}
END_TEST

START_TEST(the_newer_program_is_asked_for_what_was_changed)
{
	struct strbuf remarks;

	strbuf_init(&remarks, 1000);
	ck_assert_int_eq(read_script("case $* in\n*-S*) echo usage >&2; "
	    "exit 64 ;;\n*-n*) echo 'n inbox {'; echo ' c = d'; echo '}' ;;\n"
	    "*) echo base_dir = /b; echo mail = no ;;\nesac", 30, &remarks),
	    0);
	ck_assert_str_eq(doveconf_get(&dc, "n/inbox/c"), "d");
	ck_assert_str_eq(doveconf_get(&dc, "base_dir"), "/b");
	ck_assert_str_eq(remarks.data, "");
	strbuf_deinit(&remarks);
}
END_TEST

static const struct {
	const char *body, *text;
} failing[] = {
	{ "echo one >&2; echo 'doveconf: Fatal: line 3' >&2; exit 89",
	  "/a file: doveconf: Fatal: line 3" },
	{ "exit 1", "status 1" },
	{ "kill -9 $$", "signal 9" },
	{ "case $* in *-S*) exit 64 ;; esac; echo }", "block" },
	{ "exec 2>/dev/null; while echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "; do :; done", "more than" },
};

START_TEST(a_program_that_fails_says_what_it_said)
{
	struct strbuf remarks;

	strbuf_init(&remarks, 1000);
	ck_assert_int_eq(read_script(failing[_i].body, 30, &remarks), -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, failing[_i].text));
	ck_assert_ptr_nonnull(strstr(err.msg, "doveconf -c /a file"));
	strbuf_deinit(&remarks);
}
END_TEST

START_TEST(a_program_that_does_not_end_is_ended)
{
	static const char *const scripts[] = {
		"sleep 1000", "exec >/dev/null 2>&1; sleep 1000",
	};
	uint64_t start = clock_mono_ms();
	struct strbuf remarks;

	strbuf_init(&remarks, 1000);
	ck_assert_int_eq(read_script(scripts[_i], 1, &remarks), -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "within 1 second"));
	ck_assert_uint_lt(clock_mono_ms() - start, 50000);
	strbuf_deinit(&remarks);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_told)
{
	struct strbuf remarks;

	strbuf_init(&remarks, 1000);
	ck_assert_int_eq(doveconf_read(&dc, "/no/such/doveconf", NULL, 30,
	    &remarks, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "/no/such/doveconf"));
	ck_assert_ptr_nonnull(strstr(err.msg, "No such file"));
	strbuf_deinit(&remarks);
}
END_TEST

START_TEST(the_environment_says_which_program_it_is)
{
	struct strbuf path;

	strbuf_init(&path, 1000);
	ck_assert_int_eq(setenv("DSYNC_DOVECONF", "", 1), 0);
	ck_assert(!doveconf_find(&path));
	ck_assert_int_eq(setenv("DSYNC_DOVECONF", "/x/y", 1), 0);
	ck_assert(doveconf_find(&path));
	ck_assert_str_eq(path.data, "/x/y");
	ck_assert_int_eq(unsetenv("DSYNC_DOVECONF"), 0);
	tempdir_write("doveconf", "");
	ck_assert_int_eq(chmod(tempdir_path("doveconf"), 0700), 0);
	ck_assert_int_eq(setenv("PATH", tempdir_path(""), 1), 0);
	ck_assert(doveconf_find(&path));
	ck_assert_int_eq(strncmp(path.data, tempdir_path(""),
	    strlen(tempdir_path(""))), 0);
	strbuf_deinit(&path);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "doveconf");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, flat_output_has_a_setting_in_each_line);
	tcase_add_test(tcase, blocks_become_names_with_slashes);
	tcase_add_loop_test(tcase, blocks_that_do_not_match_are_refused, 0,
	    nitems(bad_blocks));
	tcase_add_test(tcase, output_has_limits);
	tcase_add_test(tcase, the_older_program_is_asked_once);
	tcase_add_test(tcase, the_newer_program_is_asked_for_what_was_changed);
	tcase_add_loop_test(tcase, a_program_that_fails_says_what_it_said, 0,
	    nitems(failing));
	tcase_add_loop_test(tcase, a_program_that_does_not_end_is_ended, 0, 2);
	tcase_add_test(tcase, a_program_that_is_not_there_is_told);
	tcase_add_test(tcase, the_environment_says_which_program_it_is);
	return unit_run(suite);
}
