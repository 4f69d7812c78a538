/* conf, conf_args, conf_value, conf_print; files are in test_conf_file.c */
#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "conf/conf_args.h"
#include "conf/conf_file.h"
#include "conf/conf_print.h"
#include "conf/conf_value.h"
#include "tests/support/unit.h"

enum level { LEVEL_LOW, LEVEL_HIGH };

struct settings {
	int untouched;
	bool full, dry_run;
	unsigned int jobs, wait;
	uint64_t size;
	int level;
	char *user, *alt, *secret;
	struct opt_list mailboxes, plugin;
};

#define FIELD(f) offsetof(struct settings, f)

static const char *const levels[] = { "low", "high", NULL };

static const struct optdef defs[] = {
	{ .name = "full", .letter = 'f', .type = OPT_BOOL,
	  .offset = FIELD(full), .help = "compare everything" },
	{ .name = "dry_run", .letter = 'n', .type = OPT_BOOL,
	  .flags = OPT_ARGS_ONLY, .offset = FIELD(dry_run),
	  .help = "change nothing" },
	{ .name = "jobs", .letter = 'j', .type = OPT_UINT,
	  .flags = OPT_LIMIT, .offset = FIELD(jobs), .arg = "N",
	  .help = "users at once", .value = "1", .max = 64 },
	{ .name = "lock_timeout", .type = OPT_SECONDS, .flags = OPT_LIMIT,
	  .offset = FIELD(wait), .arg = "TIME", .help = "wait for a lock",
	  .value = "60s" },
	{ .name = "max_size", .type = OPT_SIZE, .offset = FIELD(size),
	  .arg = "SIZE", .help = "largest message", .value = "50M" },
	{ .name = "level", .type = OPT_ENUM, .offset = FIELD(level),
	  .arg = "LEVEL", .help = "low or high", .words = levels,
	  .value = "high" },
	{ .name = "user", .letter = 'u', .type = OPT_STRING,
	  .offset = FIELD(user), .arg = "USER", .help = "this user" },
	{ .name = "alt_char", .letter = 'C', .type = OPT_STRING,
	  .offset = FIELD(alt), .arg = "CHAR", .help = "for other characters",
	  .value = "_" },
	{ .name = "ssl/password", .type = OPT_STRING,
	  .flags = OPT_FILE_ONLY | OPT_SECRET, .offset = FIELD(secret) },
	{ .name = "mailbox", .letter = 'm', .type = OPT_LIST,
	  .offset = FIELD(mailboxes), .arg = "MAILBOX",
	  .help = "only this mailbox" },
	{ .name = "plugin", .type = OPT_MAP, .flags = OPT_FILE_ONLY,
	  .offset = FIELD(plugin) },
	{ .name = "option", .letter = 'o', .type = OPT_SETTING,
	  .flags = OPT_ARGS_ONLY, .arg = "SETTING=VALUE",
	  .help = "set this" },
};

static struct settings set;
static struct conf conf;
static struct err err;

static void
setup(void)
{
	memset(&set, 0xa5, sizeof(set));
	err = (struct err)ERR_INIT;
	conf_init(&conf, defs, nitems(defs), &set);
}

static void
teardown(void)
{
	conf_deinit(&conf);
}

/* Parse words up to NULL; the index where it stopped, or -1. */
static int
parse_from(int next, const char *const *words)
{
	int argc = 0;

	while (words[argc] != NULL)
		argc++;
	if (conf_args_parse(&conf, argc, (char *const *)(uintptr_t)words,
	    &next, &err) == -1)
		return -1;
	return next;
}

#define WORDS(...) (const char *const []){ "prog", __VA_ARGS__, NULL }
#define parse(...) parse_from(1, WORDS(__VA_ARGS__))

START_TEST(defaults_are_those_of_the_table)
{
	ck_assert_int_eq(set.untouched, (int)0xa5a5a5a5);
	ck_assert(!set.full);
	ck_assert_uint_eq(set.jobs, 1);
	ck_assert_uint_eq(set.wait, 60);
	ck_assert_uint_eq(set.size, 50U << 20);
	ck_assert_int_eq(set.level, LEVEL_HIGH);
	ck_assert_ptr_null(set.user);
	ck_assert_str_eq(set.alt, "_");
	ck_assert_uint_eq(set.mailboxes.n, 0);
	ck_assert_int_eq(conf_source(&conf, "jobs"), CONF_DEFAULT);
}
END_TEST

START_TEST(options_stop_at_the_first_other_word)
{
	const char *const *words = WORDS("-fu", "anna", "mirror", "-m", "A",
	    "ssh", "-f", "-x", "host");
	int next;

	next = parse_from(1, words);
	ck_assert_int_eq(next, 3);
	ck_assert(set.full);
	ck_assert_str_eq(set.user, "anna");
	next = parse_from(next + 1, words);
	ck_assert_int_eq(next, 6);
	ck_assert_str_eq(words[next], "ssh");
	ck_assert_uint_eq(set.mailboxes.n, 1);
	ck_assert_str_eq(set.mailboxes.v[0], "A");
	ck_assert_int_eq(conf_source(&conf, "user"), CONF_ARGS);
}
END_TEST

START_TEST(every_spelling_is_understood)
{
	ck_assert_int_eq(parse("-j3", "--lock-timeout=2m", "--max-size", "1G",
	    "--level=low", "--alt-char", "-", "-nm", "a b", "-mB",
	    "--mailbox=", "--full=no", "--", "-f"), 14);
	ck_assert_uint_eq(set.jobs, 3);
	ck_assert_uint_eq(set.wait, 120);
	ck_assert_uint_eq(set.size, 1U << 30);
	ck_assert_int_eq(set.level, LEVEL_LOW);
	ck_assert_str_eq(set.alt, "-");
	ck_assert(set.dry_run && !set.full);
	ck_assert_uint_eq(set.mailboxes.n, 3);
	ck_assert_str_eq(set.mailboxes.v[0], "a b");
	ck_assert_str_eq(set.mailboxes.v[1], "B");
	ck_assert_str_eq(set.mailboxes.v[2], "");
	ck_assert_int_eq(parse("-"), 1);
	ck_assert_int_eq(parse("--lock_timeout", "5"), 3);
	ck_assert_uint_eq(set.wait, 5);
	ck_assert_int_eq(parse("--"), 2);
}
END_TEST

START_TEST(bad_options_are_explained)
{
	static const struct {
		const char *word, *arg, *text;
	} rows[] = {
		{ "-x", NULL, "unknown option -x" },
		{ "-fx", NULL, "unknown option -x" },
		{ "--dry-rnu", NULL, "unknown option --dry-rnu: did you mean "
		  "--dry-run?" },
		{ "--zzzzzzzzzzzz", NULL, "unknown option --zzzzzzzzzzzz" },
		{ "--ssl/password=x", NULL, "unknown option --ssl/password" },
		{ "-u", NULL, "-u needs an argument" },
		{ "--user", NULL, "--user needs an argument" },
		{ "-j", "0", "jobs: 0 is not allowed: this limit cannot be "
		  "switched off" },
		{ "-j", "65", "jobs: 65 is too large: at most 64" },
		{ "-j", "-1", "jobs: \"-1\" is no number" },
		{ "-j", "1x", "jobs: \"1x\" is no number" },
		{ "-j", "", "jobs: \"\" is no number" },
		{ "--level", "mid", "level: \"mid\" is none of low, high" },
		{ "--full=maybe", NULL, "full: \"maybe\" is neither yes nor "
		  "no" },
		{ "-o", "user", "\"user\" is not name=value" },
		{ "-o", "=x", "\"=x\" is not name=value" },
		{ "-o", "usr=x", "unknown setting usr: did you mean user?" },
		{ "-o", "dry_run=yes", "unknown setting dry_run" },
		{ "-o", "option=user=x", "unknown setting option" },
	};

	if (parse_from(1, WORDS(rows[_i].word, rows[_i].arg)) != -1)
		ck_abort_msg("%s", rows[_i].word);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(err.msg, rows[_i].text);
}
END_TEST

START_TEST(numbers_have_units)
{
	static const struct {
		const char *text;
		uint64_t size, seconds;	/* UINT64_MAX: an error */
	} rows[] = {
		{ "0", 0, 0 }, { "12", 12, 12 }, { "1k", 1024, UINT64_MAX },
		{ "2 MB", 2U << 20, UINT64_MAX },
		{ "3GiB", UINT64_C(3) << 30, UINT64_MAX },
		{ "4 T", UINT64_C(4) << 40, UINT64_MAX },
		{ "5B", 5, UINT64_MAX }, { "6s", UINT64_MAX, 6 },
		{ "7 mins", UINT64_MAX, 420 }, { "2h", UINT64_MAX, 7200 },
		{ "1 day", UINT64_MAX, 86400 }, { "1w", UINT64_MAX, 604800 },
		{ "", UINT64_MAX, UINT64_MAX }, { "k", UINT64_MAX, UINT64_MAX },
		{ "-1", UINT64_MAX, UINT64_MAX },
		{ "+1", UINT64_MAX, UINT64_MAX },
		{ " 1", UINT64_MAX, UINT64_MAX },
		{ "1.5k", UINT64_MAX, UINT64_MAX },
		{ "1kk", UINT64_MAX, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, UINT64_MAX },
		{ "99999999T", UINT64_MAX, UINT64_MAX },
		{ "18446744073709551615w", UINT64_MAX, UINT64_MAX },
	};
	uint64_t n;

	for (size_t i = 0; i < nitems(rows); i++) {
		n = UINT64_MAX;
		if (conf_size_parse(rows[i].text, &n, &err) == 0)
			ck_assert_uint_ne(n, UINT64_MAX);
		if (n != rows[i].size)
			ck_abort_msg("size %s", rows[i].text);
		n = UINT64_MAX;
		if (conf_seconds_parse(rows[i].text, &n, &err) == 0)
			ck_assert_uint_ne(n, UINT64_MAX);
		if (n != rows[i].seconds)
			ck_abort_msg("time %s", rows[i].text);
	}
	ck_assert_int_eq(conf_set(&conf, "lock_timeout", "99999w", CONF_FILE,
	    &err), -1);
	ck_assert_uint_eq(set.wait, 60);
}
END_TEST

START_TEST(the_stronger_source_wins_in_any_order)
{
	ck_assert_int_eq(parse("-u", "args", "-m", "A"), 5);
	ck_assert_int_eq(conf_set(&conf, "user", "file", CONF_FILE, &err), 0);
	ck_assert_str_eq(set.user, "args");
	ck_assert_int_eq(conf_set(&conf, "mailbox", "F", CONF_FILE, &err), 0);
	ck_assert_uint_eq(set.mailboxes.n, 1);
	/* Also where it does not count a bad value is an error. */
	ck_assert_int_eq(parse("-j", "2"), 3);
	ck_assert_int_eq(conf_set(&conf, "jobs", "x", CONF_FILE, &err), -1);

	ck_assert_int_eq(conf_set(&conf, "level", "low", CONF_FILE, &err), 0);
	ck_assert_int_eq(conf_set(&conf, "level", "high", CONF_USERDB, &err),
	    0);
	ck_assert_int_eq(conf_set(&conf, "level", "low", CONF_FILE, &err), 0);
	ck_assert_int_eq(set.level, LEVEL_HIGH);
}
END_TEST

START_TEST(a_list_starts_anew_with_a_stronger_source)
{
	ck_assert_int_eq(conf_set(&conf, "mailbox", "1", CONF_FILE, &err), 0);
	ck_assert_int_eq(conf_set(&conf, "mailbox", "2", CONF_FILE, &err), 0);
	ck_assert_uint_eq(set.mailboxes.n, 2);
	ck_assert_int_eq(parse("-m", "3", "-o", "mailbox=4"), 5);
	ck_assert_uint_eq(set.mailboxes.n, 2);
	ck_assert_str_eq(set.mailboxes.v[0], "3");
	ck_assert_str_eq(set.mailboxes.v[1], "4");
}
END_TEST

START_TEST(a_list_is_limited)
{
	for (unsigned int i = 0; i < OPT_LIST_MAX; i++)
		ck_assert_int_eq(conf_set(&conf, "mailbox", "x", CONF_FILE,
		    &err), 0);
	ck_assert_int_eq(conf_set(&conf, "mailbox", "x", CONF_FILE, &err), -1);
	ck_assert_uint_eq(set.mailboxes.n, OPT_LIST_MAX);
}
END_TEST

START_TEST(a_setting_of_a_file_can_be_given_with_o)
{
	ck_assert_int_eq(parse("-o", "ssl/password = a=b c", "-oplugin/x=y"),
	    4);
	ck_assert_str_eq(set.secret, "a=b c");
	ck_assert_uint_eq(set.plugin.n, 1);
	ck_assert_str_eq(set.plugin.v[0], "x=y");
}
END_TEST

START_TEST(the_nearest_name_is_found)
{
	ck_assert_str_eq(conf_nearest(&conf, "lock_timout", 0),
	    "lock_timeout");
	ck_assert_str_eq(conf_nearest(&conf, "mialbox", 0), "mailbox");
	ck_assert_ptr_null(conf_nearest(&conf, "something_else", 0));
	ck_assert_str_eq(conf_nearest(&conf, "dryrun", 0), "dry_run");
	ck_assert_ptr_null(conf_nearest(&conf, "dryrun", OPT_ARGS_ONLY));
	ck_assert_ptr_null(conf_nearest(&conf, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	    0));
}
END_TEST

START_TEST(help_lists_the_options_of_the_command_line)
{
	struct strbuf out;

	strbuf_init(&out, 10000);
	conf_print_help(&conf, &out);
	ck_assert_ptr_nonnull(strstr(out.data,
	    "  -f, --full                compare everything\n"));
	ck_assert_ptr_nonnull(strstr(out.data,
	    "      --lock-timeout=TIME   wait for a lock [60s]\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "  -o, --option=SETTING=VALUE\n"
	    "                            set this\n"));
	ck_assert_ptr_null(strstr(out.data, "password"));
	strbuf_deinit(&out);
}
END_TEST

START_TEST(what_is_printed_is_read_back)
{
	struct strbuf out, again;
	struct settings set2;
	struct conf conf2;

	strbuf_init(&out, 100000);
	strbuf_init(&again, 100000);
	ck_assert_int_eq(parse("-f", "-u", "a # \"b\" \\", "-m", "", "-m",
	    " x\t", "-m", "<y", "-o", "plugin/k=v", "-o", "ssl/password=top",
	    "--max-size=3k", "--lock-timeout=2h", "-C", "'", "-m", "#"), 20);
	conf_print_settings(&conf, false, &out);
	ck_assert_ptr_null(strstr(out.data, "top"));
	ck_assert_ptr_nonnull(strstr(out.data, "max_size = 3k\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "lock_timeout = 2h\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "full = yes\n"));
	ck_assert_ptr_null(strstr(out.data, "dry_run"));
	conf_init(&conf2, defs, nitems(defs), &set2);
	if (conf_file_parse(&conf2, "out", out.data, out.len, CONF_FILE,
	    &err) == -1)
		ck_abort_msg("%s", err.msg);
	ck_assert_str_eq(set2.user, set.user);
	ck_assert_uint_eq(set2.mailboxes.n, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_str_eq(set2.mailboxes.v[i], set.mailboxes.v[i]);
	conf_print_settings(&conf2, false, &again);
	/* But for the secret, which is a comment. */
	ck_assert_ptr_nonnull(strstr(out.data, "# ssl/password = (secret)\n"));
	ck_assert_uint_eq(again.len + strlen("# ssl/password = (secret)\n"),
	    out.len);
	conf_deinit(&conf2);
	strbuf_deinit(&out);
	strbuf_deinit(&again);
}
END_TEST

START_TEST(only_what_was_set_is_printed_on_request)
{
	struct strbuf out;

	strbuf_init(&out, 1000);
	ck_assert_int_eq(parse("-u", "a\nb", "--level=high"), 4);
	conf_print_settings(&conf, true, &out);
	ck_assert_str_eq(out.data, "level = high\n# user = a\\x0ab\n");
	strbuf_deinit(&out);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "conf");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, defaults_are_those_of_the_table);
	tcase_add_test(tcase, options_stop_at_the_first_other_word);
	tcase_add_test(tcase, every_spelling_is_understood);
	tcase_add_loop_test(tcase, bad_options_are_explained, 0, 19);
	tcase_add_test(tcase, numbers_have_units);
	tcase_add_test(tcase, the_stronger_source_wins_in_any_order);
	tcase_add_test(tcase, a_list_starts_anew_with_a_stronger_source);
	tcase_add_test(tcase, a_list_is_limited);
	tcase_add_test(tcase, a_setting_of_a_file_can_be_given_with_o);
	tcase_add_test(tcase, the_nearest_name_is_found);
	tcase_add_test(tcase, help_lists_the_options_of_the_command_line);
	tcase_add_test(tcase, what_is_printed_is_read_back);
	tcase_add_test(tcase, only_what_was_set_is_printed_on_request);
	return unit_run(suite);
}
