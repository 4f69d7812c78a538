/* The file of the attributes, as all drivers over files use it. */
#include "config.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"
#include "model/attribute.h"
#include "model/mail_location.h"
#include "store/files/attribute_dict.h"
#include "store/files/attribute_lines.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define G1	"5888ef25fb5c036b3a49000083ecc375"
#define G2	"f0d74821fb5c036b3a49000083ecc375"

/* As Dovecot 2.3.19 wrote it. */
static const char made[] =
    "priv/" G1 "/vendor/vendor.dovecot/pvt/server/comment\nserver\n"
    "priv/" G2 "/comment\nline1\001r\001nl\\2=\n"
    "priv/" G2 "/a\n\n"
    "shared/" G2 "/comment\nsh\n";

static struct store store;
static struct err err;
static struct strbuf told;	/* of each: key=value; or key! */
static unsigned int problems;

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	ck_assert_ptr_nonnull(what);
	ck_assert_ptr_null(why);
	(void)arg;
	problems++;
}

static void
open_dict(const char *method, bool readonly)
{
	struct mail_location loc = { .key_count = 0 };
	struct store_options opts = { .readonly = readonly,
	    .hostname = "test" };

	store = (struct store){ .problem = on_problem };
	ck_assert_int_eq(mail_location_set(&loc, ATTRIBUTES_KEY,
	    tempdir_path("attrs"), NULL, &err), 0);
	if (method != NULL)
		ck_assert_int_eq(mail_location_set(&loc, ATTRIBUTES_LOCK_KEY,
		    method, NULL, &err), 0);
	ck_assert_int_eq(attribute_dict_open(&store, &loc, &opts, &err), 0);
	mail_location_deinit(&loc);
}

static void
setup(void)
{
	tempdir_make();
	err = (struct err)ERR_INIT;
	problems = 0;
	strbuf_init(&told, 1U << 20);
	open_dict(NULL, false);
}

static void
teardown(void)
{
	attribute_dict_close(&store);
	strbuf_deinit(&told);
	tempdir_remove();
}

static int
on_attribute(const struct store_attribute *a, void *arg, struct err *why)
{
	char hex[GUID_HEX_SIZE];

	(void)arg;
	(void)why;
	guid_format(&a->mailbox, hex);
	ck_assert(attribute_key_valid(a->key, strlen(a->key)));
	ck_assert(!attribute_is_internal(a->key));
	ck_assert(a->failed == (a->value == NULL));
	ck_assert(a->len <= ATTRIBUTE_VALUE_MAX);
	strbuf_addf(&told, "%.2s%s", hex, a->key);
	if (a->failed) {
		strbuf_adds(&told, "! ");
	} else {
		strbuf_addc(&told, '=');
		strbuf_add(&told, a->value, a->len);
		strbuf_adds(&told, "; ");
	}
	return 0;
}

static const char *
listed(void)
{
	strbuf_reset(&told);
	if (attribute_dict_list(&store, on_attribute, NULL, &err) == -1)
		ck_abort_msg("%s", err.msg);
	return told.data;
}

static void
walk(const char *text, size_t len)
{
	char *copy = mem_dup(text, len > 0 ? len : 1);

	strbuf_reset(&told);
	ck_assert_int_eq(attribute_lines_walk(copy, len, &store,
	    on_attribute, NULL, &err), 0);
	free(copy);
}

static struct store_attribute
attribute(const char *guid, const char *key, const char *value)
{
	struct store_attribute a = { .key = key,
	    .value = (const uint8_t *)value,
	    .len = value != NULL ? strlen(value) : 0, .failure = ERR_INIT };

	ck_assert(guid_parse(&a.mailbox, guid, 32));
	return a;
}

static int
set(const char *guid, const char *key, const char *value)
{
	struct store_attribute a = attribute(guid, key, value);
	int ret = attribute_dict_set(&store, &a, 1, &err);

	if (a.failed)
		err = a.failure;
	return a.failed ? -1 : ret;
}

START_TEST(a_file_of_dovecot_is_read)
{
	tempdir_write("attrs", made);
	ck_assert_str_eq(listed(), "58/private/vendor/vendor.dovecot/pvt/"
	    "server/comment=server; f0/private/a=; "
	    "f0/private/comment=line1\r\nl\\2=; f0/shared/comment=sh; ");
	ck_assert_uint_eq(problems, 0);
}
END_TEST

START_TEST(what_is_set_is_read_again_and_the_rest_stays)
{
	static const char *const methods[] = { NULL, "dotlock", "fcntl",
	    "flock" };

	attribute_dict_close(&store);
	open_dict(methods[_i], false);
	ck_assert_int_eq(attribute_dict_list(&store, on_attribute, NULL,
	    &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	tempdir_write("attrs", "quota/storage\n12\npriv/" G1 "/a\n1\n");
	ck_assert_int_eq(set(G1, "/private/a", "x\ty\n\001\r"), 0);
	ck_assert_int_eq(set(G2, "/shared/b", ""), 0);
	ck_assert_str_eq(listed(),
	    "58/private/a=x\ty\n\001\r; f0/shared/b=; ");
	ck_assert_int_eq(set(G1, "/private/a", NULL), 0);
	ck_assert_str_eq(listed(), "f0/shared/b=; ");
	ck_assert_str_eq(tempdir_read("attrs"),
	    "quota/storage\n12\nshared/" G2 "/b\n\n");
	ck_assert_int_eq(access(tempdir_path("attrs.lock"), F_OK), -1);
	ck_assert_int_eq(access(tempdir_path("attrs.tmp"), F_OK), -1);
}
END_TEST

START_TEST(the_last_change_of_a_key_holds_and_none_writes_nothing)
{
	struct store_attribute list[] = {
		attribute(G1, "/private/a", "1"),
		attribute(G1, "/private/b", "2"),
		attribute(G1, "/private/a", NULL),
	};
	struct stat before, after;

	tempdir_write("attrs", "priv/" G1 "/a\nold\n");
	ck_assert_int_eq(attribute_dict_set(&store, list, 3, &err), 0);
	ck_assert_str_eq(listed(), "58/private/b=2; ");
	ck_assert_int_eq(stat(tempdir_path("attrs"), &before), 0);
	ck_assert_int_eq(set(G1, "/private/b", "2"), 0);
	ck_assert_int_eq(set(G1, "/private/c", NULL), 0);
	ck_assert_int_eq(stat(tempdir_path("attrs"), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	/* As Dovecot does: an empty file stays. */
	ck_assert_int_eq(set(G1, "/private/b", NULL), 0);
	ck_assert_str_eq(listed(), "");
}
END_TEST

START_TEST(a_new_file_is_as_open_as_its_directory_an_old_one_as_before)
{
	struct stat st;

	ck_assert_int_eq(chmod(tempdir_path(""), 0755), 0);
	ck_assert_int_eq(set(G1, "/private/a", "1"), 0);
	ck_assert_int_eq(stat(tempdir_path("attrs"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0644);
	ck_assert_int_eq(chmod(tempdir_path("attrs"), 0660), 0);
	ck_assert_int_eq(set(G1, "/private/a", "2"), 0);
	ck_assert_int_eq(stat(tempdir_path("attrs"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0660);
}
END_TEST

START_TEST(of_two_entries_of_a_key_the_last_one_counts)
{
	tempdir_write("attrs", "priv/" G1 "/a\n1\npriv/" G1 "/a\n2\n"
	    "priv/" G1 "/odd");
	ck_assert_str_eq(listed(), "58/private/a=2; ");
	ck_assert_int_eq(set(G1, "/private/a", "3"), 0);
	ck_assert_str_eq(listed(), "58/private/a=3; ");
}
END_TEST

START_TEST(one_bad_entry_spoils_no_other)
{
	static const struct {
		const char *key, *value, *told;
		unsigned int problems;
	} cases[] = {
		{ "priv/" G1 "/x", "bad\001x", "58/private/x! ", 0 },
		{ "priv/" G1 "/x", "bad\001", "58/private/x! ", 0 },
		{ "priv/" G1 "/x*", "1", "", 1 },
		{ "priv/" G1 "/x/", "1", "", 1 },
		{ "priv/" G1 "/\xc3\xa9", "1", "", 1 },
		{ "priv/" G1 "//x", "1", "", 1 },
		{ "priv/5888EF25FB5C036B3A49000083ECC375/x", "1", "", 0 },
		{ "priv/5888ef25fb5c036b3a49000083ecc37/x", "1", "", 0 },
		{ "priv/", "1", "", 0 },
		{ "priv/" G1, "1", "", 0 },
		{ "priv/" G1 "/", "1", "", 0 },
		{ "", "", "", 0 },
		{ "shared/" G1 "/vendor/vendor.dovecot/pvt/imap-urlauth",
		    "secret", "", 0 },
		{ "other/" G1 "/x", "1", "", 0 },
	};
	char text[400], want[100];

	snprintf(text, sizeof(text), "priv/" G1 "/a\n1\n%s\n%s\npriv/" G2
	    "/z\n2\n", cases[_i].key, cases[_i].value);
	snprintf(want, sizeof(want), "58/private/a=1; %sf0/private/z=2; ",
	    cases[_i].told);
	tempdir_write("attrs", text);
	ck_assert_str_eq(listed(), want);
	ck_assert_uint_eq(problems, cases[_i].problems);
	/* It stays as it is. */
	ck_assert_int_eq(set(G2, "/private/z", "3"), 0);
	want[strlen(want) - 3] = '3';
	ck_assert_str_eq(listed(), want);
}
END_TEST

START_TEST(a_value_that_is_too_long_is_told_and_not_taken)
{
	size_t max = ATTRIBUTE_VALUE_MAX;
	char *value = mem_alloc(max + 2);
	struct strbuf text;

	memset(value, 'v', max + 1);
	ck_assert_int_eq(set(G1, "/private/a", value), -1);
	ck_assert_int_eq(err.code, ERR_REFUSED);
	strbuf_init(&text, 1U << 20);
	strbuf_addf(&text, "priv/" G1 "/a\n%s\npriv/" G1 "/b\n1\n", value);
	tempdir_write("attrs", text.data);
	ck_assert_str_eq(listed(), "58/private/a! 58/private/b=1; ");
	value[max] = '\0';
	ck_assert_int_eq(set(G1, "/private/a", value), 0);
	(void)listed();
	ck_assert_uint_eq(told.len, max + strlen("58/private/a=; "
	    "58/private/b=1; "));
	strbuf_deinit(&text);
	free(value);
}
END_TEST

START_TEST(no_prefix_and_no_flipped_bit_does_harm)
{
	char text[sizeof(made)];
	struct store_attribute a = attribute(G1, "/private/new", "n");
	struct strbuf out;

	strbuf_init(&out, 4096);
	for (size_t len = 0; len < sizeof(made); len++) {
		walk(made, len);
		strbuf_reset(&out);
		ck_assert_int_eq(attribute_lines_change(made, len, &a, 1,
		    &out), 1);
		walk(out.data, out.len);
		ck_assert_ptr_nonnull(strstr(told.data,
		    "58/private/new=n; "));
	}
	for (size_t i = 0; i < 8 * (sizeof(made) - 1); i++) {
		memcpy(text, made, sizeof(made));
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		walk(text, sizeof(made) - 1);
		strbuf_reset(&out);
		ck_assert_int_eq(attribute_lines_change(text,
		    sizeof(made) - 1, &a, 1, &out), 1);
		walk(out.data, out.len);
		ck_assert_ptr_nonnull(strstr(told.data,
		    "58/private/new=n; "));
	}
	strbuf_deinit(&out);
}
END_TEST

START_TEST(whoever_holds_the_lock_is_waited_for)
{
	int fd;

	tempdir_write("attrs.lock", "");
	ck_assert_int_eq(set(G1, "/private/a", "1"), -1);
	ck_assert_int_eq(err.code, ERR_TEMP);
	ck_assert_int_eq(unlink(tempdir_path("attrs.lock")), 0);
	attribute_dict_close(&store);
	open_dict("flock", false);
	tempdir_write("attrs", made);
	fd = open(tempdir_path("attrs"), O_RDWR);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(set(G1, "/private/a", "1"), -1);
	ck_assert_int_eq(err.code, ERR_TEMP);
	close(fd);
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(set(G1, "/private/a", "1"), 0);
}
END_TEST

START_TEST(what_is_no_plain_file_is_refused_and_left_alone)
{
	struct stat st;

	ck_assert_int_eq(symlink("/etc/passwd", tempdir_path("attrs")), 0);
	ck_assert_int_eq(attribute_dict_list(&store, on_attribute, NULL,
	    &err), -1);
	ck_assert_int_ne(err.code, ERR_NOTFOUND);
	ck_assert_int_eq(set(G1, "/private/a", "1"), -1);
	ck_assert_int_eq(lstat(tempdir_path("attrs"), &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
}
END_TEST

START_TEST(a_store_that_is_read_only_is_not_written)
{
	attribute_dict_close(&store);
	open_dict(NULL, true);
	ck_assert_int_eq(set(G1, "/private/a", "1"), -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	ck_assert_int_eq(access(tempdir_path("attrs"), F_OK), -1);
}
END_TEST

START_TEST(a_place_that_is_none_is_an_error_of_the_settings)
{
	static const struct {
		const char *key, *value;
	} cases[] = {
		{ ATTRIBUTES_KEY, "attrs" }, { ATTRIBUTES_KEY, "/tmp/" },
		{ ATTRIBUTES_KEY, "/tmp/.." }, { ATTRIBUTES_LOCK_KEY, "luck" },
	};
	struct store_options opts = { .hostname = "test" };
	struct mail_location loc = { .key_count = 0 };
	struct store other = { .problem = NULL };

	ck_assert_int_eq(mail_location_set(&loc, ATTRIBUTES_KEY, "/tmp/a",
	    NULL, &err), 0);
	ck_assert_int_eq(mail_location_set(&loc, cases[_i].key,
	    cases[_i].value, NULL, &err), 0);
	ck_assert_int_eq(attribute_dict_open(&other, &loc, &opts, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	mail_location_deinit(&loc);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "attribute_dict");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_file_of_dovecot_is_read);
	tcase_add_loop_test(tcase,
	    what_is_set_is_read_again_and_the_rest_stays, 0, 4);
	tcase_add_test(tcase,
	    the_last_change_of_a_key_holds_and_none_writes_nothing);
	tcase_add_test(tcase,
	    a_new_file_is_as_open_as_its_directory_an_old_one_as_before);
	tcase_add_test(tcase, of_two_entries_of_a_key_the_last_one_counts);
	tcase_add_loop_test(tcase, one_bad_entry_spoils_no_other, 0, 14);
	tcase_add_test(tcase, a_value_that_is_too_long_is_told_and_not_taken);
	tcase_add_test(tcase, no_prefix_and_no_flipped_bit_does_harm);
	tcase_add_test(tcase, whoever_holds_the_lock_is_waited_for);
	tcase_add_test(tcase, what_is_no_plain_file_is_refused_and_left_alone);
	tcase_add_test(tcase, a_store_that_is_read_only_is_not_written);
	tcase_add_loop_test(tcase,
	    a_place_that_is_none_is_an_error_of_the_settings, 0, 4);
	return unit_run(suite);
}
