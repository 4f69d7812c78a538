#include "config.h"

#include <sys/stat.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "conf/conf_file.h"
#include "tests/support/unit.h"

struct settings {
	bool flag;
	unsigned int wait;
	char *text, *deep, *named;
	struct opt_list list, map;
};

#define FIELD(f) offsetof(struct settings, f)

static const struct optdef defs[] = {
	{ .name = "flag", .type = OPT_BOOL, .offset = FIELD(flag) },
	{ .name = "wait", .type = OPT_SECONDS, .flags = OPT_LIMIT,
	  .offset = FIELD(wait), .value = "60" },
	{ .name = "text", .type = OPT_STRING, .offset = FIELD(text) },
	{ .name = "sec/deep", .type = OPT_STRING, .offset = FIELD(deep) },
	{ .name = "sec/name/named", .type = OPT_STRING,
	  .offset = FIELD(named) },
	{ .name = "list", .type = OPT_LIST, .offset = FIELD(list) },
	{ .name = "map", .type = OPT_MAP, .offset = FIELD(map) },
};

static struct settings set;
static struct conf conf;
static struct err err;
static char dir[64], path[128];

static void
setup(void)
{
	strcpy(dir, "/tmp/dsync-conf-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	err = (struct err)ERR_INIT;
	conf_init(&conf, defs, nitems(defs), &set);
}

static const char *
path_of(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
write_file(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void
teardown(void)
{
	static const char *const names[] = { "a", "b", "c", "d/1.conf",
	    "d/2.conf", "link", "fifo" };

	conf_deinit(&conf);
	for (size_t i = 0; i < nitems(names); i++)
		unlink(path_of(names[i]));
	rmdir(path_of("d"));
	ck_assert_int_eq(rmdir(dir), 0);
}

static int
parse(const char *text)
{
	return conf_file_parse(&conf, "f", text, strlen(text), CONF_FILE,
	    &err);
}

static int
read_file(const char *name)
{
	char copy[128];

	strcpy(copy, path_of(name));
	return conf_file_read(&conf, copy, CONF_FILE, &err);
}

START_TEST(values_are_read)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "text = a", "a" },
		{ "text=a\n", "a" },
		{ "\t text\t=\ta b \t\r\n", "a b" },
		{ "text = a # b", "a" },
		{ "text = a#b", "a#b" },
		{ "text = # b", "" },
		{ "text =", "" },
		{ "text = \"\"", "" },
		{ "text = \"a # b\" # c", "a # b" },
		{ "text = \" a\\\"\\\\ \"", " a\"\\ " },
		{ "text = 'a \"b\"'", "a \"b\"" },
		{ "text = a\"b\"", "a\"b\"" },
		{ "text = a = b", "a = b" },
		{ "text = a \\\n  b", "a b" },
		{ "text = a\\\nb\\\n  c\n", "a b c" },
		{ "text = a \\\n # not this\n b", "a b" },
		{ "text = \"a \\\n # b\"", "a # b" },
		{ "text = a # b \\\nflag = yes", "a" },
		{ "\n\n# x\n   # y = z\ntext = a", "a" },
		{ "text = a\ntext = b", "b" },
		{ "text = \xc3\xa9", "\xc3\xa9" },
		{ "text = {", "{" },
		{ "text = a\\b", "a\\b" },
		{ "text = '\\\\'", "\\" },
	};

	if (parse(rows[_i].text) == -1)
		ck_abort_msg("%s", err.msg);
	ck_assert_str_eq(set.text, rows[_i].want);
}
END_TEST

START_TEST(mistakes_name_line_and_remedy)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "\n\nflga = yes", "f:3: unknown setting flga: did you mean "
		  "flag?" },
		{ "zzzzzzz = yes", "f:1: unknown setting zzzzzzz" },
		{ "flag = maybe", "f:1: flag: \"maybe\" is neither yes nor "
		  "no" },
		{ "wait = 0", "f:1: wait: 0 is not allowed: this limit cannot "
		  "be switched off" },
		{ "wait = 5x", "f:1: wait: \"5x\" is no time: give a number "
		  "with s, m, h, d or w" },
		{ "text = \"a", "f:1: a quote is not closed" },
		{ "text = \"a\" b", "f:1: text after the closing quote" },
		{ "text = 'a\\'", "f:1: a quote is not closed" },
		{ "text = a \\", "f:1: the last line ends in \\" },
		{ "text = a \\\n", "f:1: the last line ends in \\" },
		{ "text", "f:1: neither \"name = value\" nor \"section {\" "
		  "nor \"}\": text" },
		{ "= a", "f:1: neither \"name = value\" nor \"section {\" "
		  "nor \"}\": = a" },
		{ "te xt = a", "f:1: neither \"name = value\" nor \"section "
		  "{\" nor \"}\": te xt = a" },
		{ "text = \x01", "f:1: the line has a control character" },
		{ "}", "f:1: } without a section" },
		{ "sec {", "f:1: the file ends within a section" },
		{ "sec {\n}\n}", "f:3: } without a section" },
		{ "sce {\n}", "f:1: unknown section sce" },
		{ "sec nmae {\n}", "f:1: unknown section sec nmae" },
		{ "sec {\ndepe = x\n}", "f:2: unknown setting sec/depe: did "
		  "you mean sec/deep?" },
		{ "sec \"name {\n}", "f:1: a quote is not closed" },
		{ "map \"a b\" {\n}", "f:1: a section's name consists of "
		  "letters, digits and _-/.@:+" },
		{ "{\n}", "f:1: neither \"name = value\" nor \"section {\" "
		  "nor \"}\": {" },
		{ "sec { deep = x }", "f:1: neither \"name = value\" nor "
		  "\"section {\" nor \"}\": sec { deep = x }" },
		{ "!include x", "f:1: other files cannot be named here" },
		{ "!include", "f:1: !include without a file" },
		{ "!includex y", "f:1: unknown word !includex y: only "
		  "!include and !include_try begin with !" },
		{ "text = <x", "f:1: other files cannot be named here" },
		{ "text = <", "f:1: < without a file" },
	};

	ck_assert_int_eq(parse(rows[_i].text), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(err.msg, rows[_i].want);
}
END_TEST

START_TEST(sections_are_part_of_the_name)
{
	ck_assert_int_eq(parse("sec {\n deep = 1\n name {\n named = 2\n }\n}\n"
	    "flag = yes\n"), 0);
	ck_assert_str_eq(set.deep, "1");
	ck_assert_str_eq(set.named, "2");
	ck_assert(set.flag);
	ck_assert_int_eq(parse("sec name {\n named = 3\n}\n"), 0);
	ck_assert_str_eq(set.named, "3");
	ck_assert_int_eq(parse("sec \"name\"{\n named = 4\n}\n"
	    "sec/deep = 5"), 0);
	ck_assert_str_eq(set.named, "4");
	ck_assert_str_eq(set.deep, "5");
}
END_TEST

START_TEST(maps_take_any_key)
{
	ck_assert_int_eq(parse("map {\n a = 1\n x y {\n b = 2\n }\n}\n"
	    "map/c = 3\nlist = x\nlist = y"), 0);
	ck_assert_uint_eq(set.map.n, 3);
	ck_assert_str_eq(set.map.v[0], "a=1");
	ck_assert_str_eq(set.map.v[1], "x/y/b=2");
	ck_assert_str_eq(set.map.v[2], "c=3");
	ck_assert_uint_eq(set.list.n, 2);
}
END_TEST

START_TEST(sizes_and_depths_are_limited)
{
	struct strbuf text;

	strbuf_init(&text, 2 * CONF_FILE_MAX);
	for (unsigned int i = 0; i <= CONF_SECTION_MAX; i++)
		strbuf_adds(&text, "map {\n");
	ck_assert_int_eq(parse(text.data), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "f:9: more than 8 sections"));

	strbuf_reset(&text);
	strbuf_adds(&text, "text = ");
	while (text.len <= CONF_LINE_MAX)
		strbuf_adds(&text, "xxxx xxxx \\\n");
	strbuf_adds(&text, "x");
	while (text.len <= 2 * CONF_LINE_MAX)
		strbuf_adds(&text, "xxxxxxxx");
	ck_assert_int_eq(parse(text.data), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "the line is longer than"));

	strbuf_reset(&text);
	while (text.len <= CONF_FILE_MAX)
		strbuf_adds(&text, "\n");
	ck_assert_int_eq(parse(text.data), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "larger than"));
	strbuf_deinit(&text);
}
END_TEST

START_TEST(a_nul_is_an_error)
{
	ck_assert_int_eq(conf_file_parse(&conf, "f", "text = a\0b", 10,
	    CONF_FILE, &err), -1);
	ck_assert_str_eq(err.msg, "f:1: the line has a control character");
}
END_TEST

START_TEST(files_are_read_with_what_they_include)
{
	ck_assert_int_eq(mkdir(path_of("d"), 0700), 0);
	write_file("d/1.conf", "list = 1\nsec {\n deep = <../c\n}\n");
	write_file("d/2.conf", "list = 2\n");
	write_file("c", "content\n\n");
	write_file("a", "list = 0\n!include d/*.conf\n!include_try none\n"
	    "!include_try none*\nsec {\n!include b\n}\nlist = 3\n");
	write_file("b", "deep = b\n");
	if (read_file("a") == -1)
		ck_abort_msg("%s", err.msg);
	ck_assert_uint_eq(set.list.n, 4);
	ck_assert_str_eq(set.list.v[1], "1");
	ck_assert_str_eq(set.list.v[2], "2");
	ck_assert_str_eq(set.deep, "b");
	ck_assert_int_eq(read_file("d/1.conf"), 0);
	ck_assert_str_eq(set.deep, "content");
	ck_assert_int_eq(symlink("c", path_of("link")), 0);
	write_file("b", "text = <link\n");
	ck_assert_int_eq(read_file("b"), 0);
	ck_assert_str_eq(set.text, "content");
}
END_TEST

START_TEST(a_missing_file_is_told_from_a_missing_include)
{
	ck_assert_int_eq(read_file("none"), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	write_file("a", "!include none\n");
	ck_assert_int_eq(read_file("a"), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "/a:1: "));
	/* What is there must be right, also when trying. */
	write_file("b", "text = <none\n");
	write_file("a", "\n!include_try b\n");
	ck_assert_int_eq(read_file("a"), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "/a:2: "));
	ck_assert_ptr_nonnull(strstr(err.msg, "/b:1: "));
}
END_TEST

START_TEST(only_regular_files_are_read)
{
	ck_assert_int_eq(conf_file_read(&conf, dir, CONF_FILE, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "not a regular file"));
	ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
	ck_assert_int_eq(read_file("fifo"), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "not a regular file"));
}
END_TEST

START_TEST(files_that_include_each_other_end)
{
	write_file("a", "!include b\n!include b\n");
	write_file("b", "!include a\n!include a\n");
	ck_assert_int_eq(read_file("a"), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "include"));
	/* Wide instead of deep. */
	write_file("b", "");
	{
		FILE *file = fopen(path_of("a"), "w");

		ck_assert_ptr_nonnull(file);
		for (unsigned int i = 0; i < CONF_FILES_MAX; i++)
			fputs("!include b\n", file);
		fclose(file);
	}
	ck_assert_int_eq(read_file("a"), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "more than 256 files"));
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "conf_file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, values_are_read, 0, 24);
	tcase_add_loop_test(tcase, mistakes_name_line_and_remedy, 0, 29);
	tcase_add_test(tcase, sections_are_part_of_the_name);
	tcase_add_test(tcase, maps_take_any_key);
	tcase_add_test(tcase, sizes_and_depths_are_limited);
	tcase_add_test(tcase, a_nul_is_an_error);
	tcase_add_test(tcase, files_are_read_with_what_they_include);
	tcase_add_test(tcase, a_missing_file_is_told_from_a_missing_include);
	tcase_add_test(tcase, only_regular_files_are_read);
	tcase_add_test(tcase, files_that_include_each_other_end);
	return unit_run(suite);
}
