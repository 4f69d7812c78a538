/*
 * test_auth_reply.c - lines of Dovecot's auth protocol
 */
#include "config.h"

#include <check.h>
#include <string.h>

#include "base/array.h"
#include "priv/auth_reply.h"
#include "tests/support/unit.h"

static const struct {
	const char *line;
	enum auth_reply_kind kind;
	uint32_t id;
	const char *text;
	enum err_code code;
} lines[] = {
	{ "VERSION\t1\t1", AUTH_REPLY_OTHER, 0, NULL, 0 },
	{ "VERSION\t1\t4", AUTH_REPLY_OTHER, 0, NULL, 0 },
	{ "SPID\t1961", AUTH_REPLY_OTHER, 0, NULL, 0 },
	{ "MECH\tPLAIN\tplaintext", AUTH_REPLY_OTHER, 0, NULL, 0 },
	{ "COOKIE\t0a", AUTH_REPLY_OTHER, 0, NULL, 0 },
	{ "DONE", AUTH_REPLY_OTHER, 0, NULL, 0 },
	{ "NOTFOUND\t2", AUTH_REPLY_NOTFOUND, 2, NULL, 0 },
	{ "FAIL\t3", AUTH_REPLY_FAIL, 3, NULL, ERR_TEMP },
	{ "FAIL\t3\ttemp\treason=a\001tb", AUTH_REPLY_FAIL, 3, "a\tb",
	  ERR_TEMP },
	{ "FAIL\t3\tuser_disabled", AUTH_REPLY_FAIL, 3, NULL, ERR_PERM },
	{ "FAIL\t3\tcode=user_disabled\treason=gone", AUTH_REPLY_FAIL, 3,
	  "gone", ERR_PERM },
	{ "FAIL\t3\tcode=temp_fail", AUTH_REPLY_FAIL, 3, NULL, ERR_TEMP },
	{ "LIST\t4\talice", AUTH_REPLY_NAME, 4, "alice", 0 },
	{ "LIST\t4\ta\001nb", AUTH_REPLY_NAME, 4, "a\nb", 0 },
	{ "DONE\t4\t", AUTH_REPLY_DONE, 4, NULL, 0 },
	{ "DONE\t4", AUTH_REPLY_DONE, 4, NULL, 0 },
	{ "DONE\t4\tfail", AUTH_REPLY_DONE_FAIL, 4, NULL, 0 },
	{ "NOTFOUND\t4294967295", AUTH_REPLY_NOTFOUND, 4294967295U, NULL, 0 },
};

START_TEST(each_answer_is_told_from_the_others)
{
	struct auth_reply reply;
	struct err err = ERR_INIT;

	ck_assert_int_eq(auth_reply_parse(&reply, lines[_i].line,
	    strlen(lines[_i].line), &err), 0);
	ck_assert_int_eq((int)reply.kind, (int)lines[_i].kind);
	ck_assert_uint_eq(reply.id, lines[_i].id);
	ck_assert_pstr_eq(reply.text, lines[_i].text);
	if (reply.kind == AUTH_REPLY_FAIL)
		ck_assert_int_eq((int)reply.code, (int)lines[_i].code);
	auth_reply_deinit(&reply);
}
END_TEST

START_TEST(a_user_comes_with_its_fields)
{
	static const char line[] = "USER\t1\tal\001" "1ice\tuid=999\tgid=994"
	    "\thome=/home/a=b\tmail=maildir:~/M\t\tnologin\tuid=1000";
	struct auth_reply reply;
	struct err err = ERR_INIT;

	ck_assert_int_eq(auth_reply_parse(&reply, line, strlen(line), &err),
	    0);
	ck_assert_int_eq((int)reply.kind, AUTH_REPLY_USER);
	ck_assert_str_eq(reply.user.name, "al\001ice");
	ck_assert_str_eq(account_field(&reply.user, "uid"), "1000");
	ck_assert_str_eq(account_field(&reply.user, "home"), "/home/a=b");
	ck_assert_str_eq(account_field(&reply.user, "nologin"), "");
	ck_assert_uint_eq(reply.user.field_count, 5);
	auth_reply_deinit(&reply);
}
END_TEST

static const char *const garbage[] = {
	"", "\t", "HTTP/1.1 400 Bad Request", "user\t1\talice", "220 ready",
	"VERSION", "VERSION\t2\t0", "VERSION\t\t", "USER", "USER\t1",
	"USER\tx\talice", "USER\t-1\talice", "USER\t4294967296\ta",
	"NOTFOUND", "NOTFOUND\t", "FAIL", "LIST\t1", "USER\t1\ta\t=v",
	"USER\t1\ta\tk=\001n", "USER\t1\ta\001x", "USER\t1\ta\001",
	"USER\t1\ta\tk=v\0010", "LIST\t1\ta\0010b",
};

START_TEST(what_is_no_line_of_the_protocol_is_refused)
{
	struct auth_reply reply;
	struct err err = ERR_INIT;

	ck_assert_int_eq(auth_reply_parse(&reply, garbage[_i],
	    strlen(garbage[_i]), &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTO);
	auth_reply_deinit(&reply);
}
END_TEST

START_TEST(a_line_has_limits)
{
	static char line[AUTH_LINE_MAX + 2];
	struct auth_reply reply;
	struct err err = ERR_INIT;

	memset(line, 'A', sizeof(line) - 1);
	ck_assert_int_eq(auth_reply_parse(&reply, line, sizeof(line) - 1,
	    &err), -1);
	auth_reply_deinit(&reply);
	memset(line, '\t', sizeof(line) - 1);
	memcpy(line, "USER\t1\ta", 8);
	ck_assert_int_eq(auth_reply_parse(&reply, line, AUTH_LINE_MAX, &err),
	    -1);
	auth_reply_deinit(&reply);
	ck_assert_int_eq(auth_reply_parse(&reply, "SPID\t1\0x", 8, &err), -1);
	auth_reply_deinit(&reply);
}
END_TEST

START_TEST(a_request_escapes_what_would_end_a_word)
{
	struct strbuf out;

	strbuf_init(&out, 100);
	auth_escape(&out, "a\tb\nc\rd\001e");
	ck_assert_str_eq(out.data, "a\001tb\001nc\001rd\001" "1e");
	strbuf_deinit(&out);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "auth_reply");

	tcase_add_loop_test(tcase, each_answer_is_told_from_the_others, 0,
	    nitems(lines));
	tcase_add_test(tcase, a_user_comes_with_its_fields);
	tcase_add_loop_test(tcase, what_is_no_line_of_the_protocol_is_refused,
	    0, nitems(garbage));
	tcase_add_test(tcase, a_line_has_limits);
	tcase_add_test(tcase, a_request_escapes_what_would_end_a_word);
	return unit_run(suite);
}
