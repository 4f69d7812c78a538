/*
 * test_settings.c - the command line of dsync
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "client/settings.h"
#include "tests/support/unit.h"

#define WORDS_MAX	32U

/* Parse a line of words separated by blanks, "dsync" included. */
static int
parse(struct settings *set, const char *line, struct err *err)
{
	static char copy[512], *argv[WORDS_MAX + 1];
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word != NULL &&
	    argc < (int)WORDS_MAX; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return settings_parse(set, argc, argv, err);
}

START_TEST(every_form_of_the_manual_is_understood)
{
	struct err err = ERR_INIT;
	struct settings set;

	ck_assert_int_eq(parse(&set, "dsync -u alice -c /f -C - -D -f -m INBOX "
	    "-m Work/x -o max_delete=7 -v mirror mail", &err), 0);
	ck_assert_int_eq(set.command, COMMAND_MIRROR);
	ck_assert_str_eq(set.user, "alice");
	ck_assert_str_eq(set.config, "/f");
	ck_assert_str_eq(set.alt_char, "-");
	ck_assert(set.debug && set.full && set.verbose && !set.reverse);
	ck_assert_uint_eq(set.mailboxes.n, 2);
	ck_assert_str_eq(set.mailboxes.v[1], "Work/x");
	ck_assert_uint_eq(set.max_delete, 7);
	ck_assert_uint_eq(set.word_count, 1);
	ck_assert_str_eq(set.words[0], "mail");
	settings_deinit(&set);
	ck_assert_int_eq(parse(&set, "dsync -R backup maildir:/b", &err), 0);
	ck_assert_int_eq(set.command, COMMAND_BACKUP);
	ck_assert(set.reverse);
	settings_deinit(&set);
	ck_assert_int_eq(parse(&set, "dsync -u alice", &err), 0);
	ck_assert_int_eq(set.command, COMMAND_NONE);
	settings_deinit(&set);
	ck_assert_int_eq(parse(&set, "dsync enrol TOKEN", &err), 0);
	ck_assert_int_eq(set.command, COMMAND_ENROL);
	settings_deinit(&set);
	ck_assert_int_eq(parse(&set, "dsync key", &err), 0);
	ck_assert_int_eq(set.command, COMMAND_KEY);
	settings_deinit(&set);
}
END_TEST

START_TEST(a_command_keeps_its_own_options)
{
	struct err err = ERR_INIT;
	struct settings set;

	ck_assert_int_eq(parse(&set, "dsync -v mirror -n ssh -v -p 22 mail "
	    "dsync -u bob", &err), 0);
	ck_assert(set.verbose && set.dry_run);
	ck_assert_ptr_null(set.user);
	ck_assert_uint_eq(set.word_count, 8);
	ck_assert_str_eq(set.words[0], "ssh");
	ck_assert_str_eq(set.words[1], "-v");
	ck_assert_str_eq(set.words[7], "bob");
	settings_deinit(&set);
}
END_TEST

START_TEST(long_options_work_on_either_side_of_the_command)
{
	struct err err = ERR_INIT;
	struct settings set;

	ck_assert_int_eq(parse(&set, "dsync --dry-run --progress backup "
	    "--force-delete --quiet --exclude Spam -x Trash/* mail", &err), 0);
	ck_assert(set.dry_run && set.progress && set.force_delete &&
	    set.quiet);
	ck_assert_uint_eq(set.excludes.n, 2);
	settings_deinit(&set);
}
END_TEST

START_TEST(help_and_version_win)
{
	struct err err = ERR_INIT;
	struct settings set;

	ck_assert_int_eq(parse(&set, "dsync --help mirror", &err), 0);
	ck_assert_int_eq(set.command, COMMAND_HELP);
	settings_deinit(&set);
	ck_assert_int_eq(parse(&set, "dsync mirror --version", &err), 0);
	ck_assert_int_eq(set.command, COMMAND_VERSION);
	settings_deinit(&set);
}
END_TEST

static const char *const mistakes[] = {
	"dsync mirror",
	"dsync backup",
	"dsync mirorr mail",
	"dsync -R mirror mail",
	"dsync -R",
	"dsync -n",
	"dsync -m INBOX key",
	"dsync enrol",
	"dsync enrol two words",
	"dsync key word",
	"dsync --no-such-option mirror mail",
	"dsync -Z mirror mail",
	"dsync -u",
	"dsync -o max_delete mirror mail",
	"dsync -o no_such_setting=1 mirror mail",
	"dsync -o max_delete=0 mirror mail",
	"dsync -o max_delete=101 mirror mail",
	"dsync -o idle_timeout=0 mirror mail",
	"dsync -o idle_timeout=never mirror mail",
	"dsync -o dry_run=yes mirror mail",
	"dsync --mail-location=/x mirror mail",
};

START_TEST(a_mistake_on_the_command_line_is_refused)
{
	struct err err = ERR_INIT;
	struct settings set;

	ck_assert_int_eq(parse(&set, mistakes[_i], &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_ne(err.msg, "");
	settings_deinit(&set);
}
END_TEST

static char dir[] = "/tmp/dsync-test-XXXXXX";

static void
write_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void
make_dir(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(setenv("DSYNC_CONFIG_DIR", dir, 1), 0);
	ck_assert_int_eq(setenv("HOME", dir, 1), 0);
}

static void
remove_dir(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/dsync.conf", dir);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/other.conf", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
}

START_TEST(the_command_line_beats_the_file_which_beats_defaults)
{
	struct err err = ERR_INIT;
	struct settings set;
	char path[256];

	write_file("dsync.conf", "mail_location = maildir:~/Mail\n"
	    "max_delete = 10\nlock_timeout = 2 mins\n");
	ck_assert_int_eq(parse(&set, "dsync -o max_delete=20 mirror mail",
	    &err), 0);
	ck_assert_int_eq(settings_load(&set, &err), 0);
	ck_assert_uint_eq(set.max_delete, 20);
	ck_assert_uint_eq(set.lock_timeout, 120);
	ck_assert_uint_eq(set.idle_timeout, 30);
	ck_assert_str_eq(set.location.driver, "maildir");
	snprintf(path, sizeof(path), "%s/Mail", dir);
	ck_assert_str_eq(set.location.path, path);
	settings_deinit(&set);
}
END_TEST

START_TEST(a_named_file_is_the_only_one)
{
	struct err err = ERR_INIT;
	struct settings set;
	char line[300];

	write_file("dsync.conf", "max_delete = 10\n");
	write_file("other.conf", "state_dir = ~/state\n");
	snprintf(line, sizeof(line), "dsync -c %s/other.conf mirror mail",
	    dir);
	ck_assert_int_eq(parse(&set, line, &err), 0);
	ck_assert_int_eq(settings_load(&set, &err), 0);
	ck_assert_uint_eq(set.max_delete, 50);
	snprintf(line, sizeof(line), "%s/state", dir);
	ck_assert_str_eq(set.state_path, line);
	settings_deinit(&set);
	ck_assert_int_eq(parse(&set, "dsync -c /nonexistent/f mirror mail",
	    &err), 0);
	ck_assert_int_eq(settings_load(&set, &err), -1);
	settings_deinit(&set);
}
END_TEST

static const char *const bad_settings[] = {
	"mail_location =\n", "alt_char = ab\n", "alt_char = /\n",
	"state_dir = relative\n", "hostname = a/b\n", "no_such = 1\n",
	"max_delete = 0\n", "mail_location = maildir:%q\n",
};

START_TEST(a_bad_value_in_the_file_is_a_configuration_error)
{
	struct err err = ERR_INIT;
	struct settings set;

	write_file("dsync.conf", bad_settings[_i]);
	ck_assert_int_eq(parse(&set, "dsync mirror mail", &err), 0);
	ck_assert_int_eq(settings_load(&set, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	settings_deinit(&set);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *args = unit_case(&suite, "settings");
	TCase *files = tcase_create("files");

	/* A Dovecot of this host is none of ours. */
	(void)setenv("DSYNC_DOVECONF", "", 1);
	tcase_add_test(args, every_form_of_the_manual_is_understood);
	tcase_add_test(args, a_command_keeps_its_own_options);
	tcase_add_test(args, long_options_work_on_either_side_of_the_command);
	tcase_add_test(args, help_and_version_win);
	tcase_add_loop_test(args, a_mistake_on_the_command_line_is_refused, 0,
	    nitems(mistakes));
	tcase_add_checked_fixture(files, make_dir, remove_dir);
	tcase_add_test(files,
	    the_command_line_beats_the_file_which_beats_defaults);
	tcase_add_test(files, a_named_file_is_the_only_one);
	tcase_add_loop_test(files,
	    a_bad_value_in_the_file_is_a_configuration_error, 0,
	    nitems(bad_settings));
	suite_add_tcase(suite, files);
	return unit_run(suite);
}
