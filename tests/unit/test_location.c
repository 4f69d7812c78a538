/*
 * test_location.c - what the words of LOCATION2 name
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "client/location.h"
#include "tests/support/unit.h"

static bool
only_sync_sh(const char *path)
{
	return strcmp(path, "/usr/local/bin/sync.sh") == 0 ||
	    strcmp(path, "./sync.sh") == 0;
}

static enum location_kind
kind_of(const char *word)
{
	char *words[1] = { (char *)(uintptr_t)word };

	return location_classify(words, 1, only_sync_sh);
}

START_TEST(more_than_one_word_is_a_command)
{
	char ssh[] = "ssh", host[] = "mail", maildir[] = "maildir:/x";
	char *command[] = { ssh, host }, *odd[] = { maildir, host };

	ck_assert_int_eq(location_classify(command, 2, only_sync_sh),
	    LOCATION_COMMAND);
	ck_assert_int_eq(location_classify(odd, 2, only_sync_sh),
	    LOCATION_COMMAND);
}
END_TEST

static const struct {
	const char *word;
	enum location_kind kind;
} words[] = {
	{ "/usr/local/bin/sync.sh", LOCATION_SCRIPT },
	{ "./sync.sh", LOCATION_SCRIPT },
	{ "sync.sh", LOCATION_HOST },
	{ "maildir:/backup/alice/Maildir", LOCATION_MAIL },
	{ "maildir:Maildir", LOCATION_MAIL },
	{ "maildir:7926", LOCATION_MAIL },
	{ "mdbox:~/mdbox", LOCATION_MAIL },
	{ "mdbox:/a:INDEX=/b", LOCATION_MAIL },
	{ "strange:/backup", LOCATION_MAIL },
	{ "/backup/alice", LOCATION_MAIL },
	{ "~/Maildir", LOCATION_MAIL },
	{ "./Maildir", LOCATION_MAIL },
	{ "../Maildir", LOCATION_MAIL },
	{ "mail", LOCATION_HOST },
	{ "mail:7926", LOCATION_HOST },
	{ "mail.example.org", LOCATION_HOST },
	{ "alice@mail.example.org", LOCATION_HOST },
	{ "alice@example.org@mail:7926", LOCATION_HOST },
	{ "[2001:db8::1]:7926", LOCATION_HOST },
	{ "dsync://alice@mail:7926", LOCATION_HOST },
};

START_TEST(one_word_is_told_by_its_form)
{
	ck_assert_int_eq(kind_of(words[_i].word), words[_i].kind);
}
END_TEST

START_TEST(a_directory_is_no_script)
{
	ck_assert(!location_is_executable("/"));
	ck_assert(location_is_executable("/bin/sh"));
	ck_assert(!location_is_executable("/nonexistent/script"));
}
END_TEST

static const struct {
	const char *text, *user, *host, *port;
} hosts[] = {
	{ "mail", "", "mail", "" },
	{ "mail:7926", "", "mail", "7926" },
	{ "alice@mail", "alice", "mail", "" },
	{ "alice@example.org@mail:1", "alice@example.org", "mail", "1" },
	{ "2001:db8::1", "", "2001:db8::1", "" },
	{ "[2001:db8::1]", "", "2001:db8::1", "" },
	{ "a@[2001:db8::1]:65535", "a", "2001:db8::1", "65535" },
	{ "dsync://a@mail:2", "a", "mail", "2" },
};

START_TEST(a_host_is_taken_apart)
{
	struct location_host out;
	struct err err = ERR_INIT;

	ck_assert_int_eq(location_host_parse(&out, hosts[_i].text, &err), 0);
	ck_assert_str_eq(out.user, hosts[_i].user);
	ck_assert_str_eq(out.host, hosts[_i].host);
	ck_assert_str_eq(out.port, hosts[_i].port);
}
END_TEST

static const char *const bad_hosts[] = {
	"", "@mail", "alice@", ":7926", "mail:", "mail:0", "mail:65536",
	"mail:12x", "mail:-1", "[::1", "[::1]x", "[]:1", "two words",
	"mail/path", "a\nb", "dsync://mail/", "dsync://",
};

START_TEST(a_malformed_host_is_a_configuration_error)
{
	struct location_host out;
	struct err err = ERR_INIT;

	ck_assert_int_eq(location_host_parse(&out, bad_hosts[_i], &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

START_TEST(a_host_that_is_too_long_is_refused)
{
	struct location_host out;
	struct err err = ERR_INIT;
	char text[HOST_MAX + 2];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(location_host_parse(&out, text, &err), -1);
	text[HOST_MAX] = '\0';
	ck_assert_int_eq(location_host_parse(&out, text, &err), 0);
}
END_TEST

static const struct {
	const char *text;
	bool here;
} places[] = {
	{ "localhost", true }, { "u@LOCALHOST:12000", true },
	{ "127.0.0.1", true }, { "127.9.9.9:1", true }, { "[::1]:1", true },
	{ "mail.example.org", false }, { "localhost.example.org", false },
	{ "192.0.2.1", false }, { "[2001:db8::1]:1", false }, { "128.0.0.1",
	false },
};

START_TEST(a_loopback_address_is_here)
{
	struct location_host host;
	struct err err = ERR_INIT;

	ck_assert_int_eq(location_host_parse(&host, places[_i].text, &err),
	    0);
	ck_assert_int_eq(location_host_is_here(&host), places[_i].here);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "location");

	tcase_add_test(tcase, more_than_one_word_is_a_command);
	tcase_add_loop_test(tcase, one_word_is_told_by_its_form, 0,
	    nitems(words));
	tcase_add_test(tcase, a_directory_is_no_script);
	tcase_add_loop_test(tcase, a_host_is_taken_apart, 0, nitems(hosts));
	tcase_add_loop_test(tcase, a_malformed_host_is_a_configuration_error,
	    0, nitems(bad_hosts));
	tcase_add_test(tcase, a_host_that_is_too_long_is_refused);
	tcase_add_loop_test(tcase, a_loopback_address_is_here, 0,
	    nitems(places));
	return unit_run(suite);
}
