#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "model/mail_location.h"
#include "tests/support/unit.h"

#define HOME	"/home/anna"
#define CWD	"/work"

static const struct {
	const char *text, *driver, *path, *key, *value;
} good[] = {
	{ "maildir:~/Maildir", "maildir", HOME "/Maildir", NULL, NULL },
	{ "mdbox:~", "mdbox", HOME, NULL, NULL },
	{ "mbox:/var/mail/", "mbox", "/var/mail", NULL, NULL },
	{ "mbox:/", "mbox", "/", NULL, NULL },
	{ "mbox:///", "mbox", "/", NULL, NULL },
	{ "/var/mail", "", "/var/mail", NULL, NULL },
	{ "~/mail:INBOX=/var/mail/anna", "", HOME "/mail", "INBOX",
	    "/var/mail/anna" },
	{ "auto:/x", "", "/x", NULL, NULL },
	{ "sdbox:rel/x", "sdbox", CWD "/rel/x", NULL, NULL },
	{ "maildir:~/a::b:INDEX=~/i::x", "maildir", HOME "/a:b", "INDEX",
	    HOME "/i:x" },
	{ "maildir:/x:UTF-8", "maildir", "/x", "UTF-8", "" },
	{ "maildir:/x:A=1:B=2:C=", "maildir", "/x", "C", "" },
	{ "maildir:/x:A=b=c", "maildir", "/x", "A", "b=c" },
	{ "maildir:/x::", "maildir", "/x:", NULL, NULL },
	{ "maildir:/x::::y", "maildir", "/x::y", NULL, NULL },
	{ "maildir::x", "", CWD "/maildir:x", NULL, NULL },
	{ "Maildir", "", CWD "/Maildir", NULL, NULL },
};

START_TEST(good_locations_are_taken_apart)
{
	struct mail_location loc;
	struct err err = ERR_INIT;

	if (mail_location_parse(&loc, good[_i].text, HOME, CWD, &err) == -1)
		ck_abort_msg("%s: %s", good[_i].text, err.msg);
	ck_assert_str_eq(loc.driver, good[_i].driver);
	ck_assert_str_eq(loc.path, good[_i].path);
	if (good[_i].key != NULL)
		ck_assert_str_eq(mail_location_get(&loc, good[_i].key),
		    good[_i].value);
	else
		ck_assert_uint_eq(loc.key_count, 0);
	ck_assert_ptr_null(mail_location_get(&loc, "NONE"));
	mail_location_deinit(&loc);
	mail_location_deinit(&loc);
}
END_TEST

START_TEST(bad_locations_are_configuration_errors)
{
	static const char *const bad[] = { "", "maildir:", ":INDEX=/x",
	    "maildir:/x:", "maildir:/x:=1",
	    "maildir:/x:A=1:A=2", "maildir:~bob/x", "maildir:/x\n",
	    "mbox:/a:INBOX=~bob",
	    "m:/x:a:b:c:d:e:f:g:h:i:j:k:l:m:n:o:p:q" };
	struct mail_location loc;
	struct err err;

	for (size_t i = 0; i < nitems(bad); i++) {
		err = (struct err)ERR_INIT;
		if (mail_location_parse(&loc, bad[i], HOME, CWD, &err) != -1)
			ck_abort_msg("%s", bad[i]);
		ck_assert_int_eq(err.code, ERR_CONFIG);
		ck_assert_str_ne(err.msg, "");
	}
}
END_TEST

START_TEST(what_is_needed_must_be_known)
{
	struct mail_location loc;
	struct err err = ERR_INIT;

	ck_assert_int_eq(mail_location_parse(&loc, "maildir:~/x", NULL, CWD,
	    &err), -1);
	ck_assert_int_eq(mail_location_parse(&loc, "maildir:~/x", "rel", CWD,
	    &err), -1);
	ck_assert_int_eq(mail_location_parse(&loc, "maildir:x", HOME, NULL,
	    &err), -1);
	ck_assert_int_eq(mail_location_parse(&loc, "maildir:/x", NULL, NULL,
	    &err), 0);
	mail_location_deinit(&loc);
}
END_TEST

START_TEST(a_location_is_limited)
{
	static char text[LOCATION_MAX + 2], home[LOCATION_MAX + 2];
	struct mail_location loc;
	struct err err = ERR_INIT;

	memset(text, 'x', sizeof(text) - 1);
	text[0] = '/';
	ck_assert_int_eq(mail_location_parse(&loc, text, HOME, CWD, &err), -1);
	text[LOCATION_MAX] = '\0';
	ck_assert_int_eq(mail_location_parse(&loc, text, HOME, CWD, &err), 0);
	mail_location_deinit(&loc);
	memset(home, 'h', LOCATION_MAX);
	home[0] = '/';
	ck_assert_int_eq(mail_location_parse(&loc, "~/x", home, CWD, &err),
	    -1);
	text[0] = 'x';
	ck_assert_int_eq(mail_location_parse(&loc, text, HOME, CWD, &err), -1);
}
END_TEST

static const struct {
	const char *text, *user, *want;	/* want NULL: an error */
} expansions[] = {
	{ "/m/%d/%n", "Al@B.org", "/m/B.org/Al" },
	{ "%u", "Al@B.org", "Al@B.org" },
	{ "%d/%n/%Ln-%1n", "Al@B.org", "B.org/Al/al-A" },
	{ "%Uu", "Al@B.org", "AL@B.ORG" },
	{ "%1.2u", "Al@B.org", "l@" },
	{ "%99u", "Al", "Al" },
	{ "%h/x", "Al", HOME "/x" },
	{ "100%%", "Al", "100%" },
	{ "/m/%d/%n", "Al", "/m//Al" },
	{ "%{user}", "Al@B", "Al@B" },
	{ "%{user|username}+%{user|domain}", "Al@B", "Al+B" },
	{ "%{home}", "Al@B", HOME },
	{ "", "Al", "" },
	{ "/m/%n", "@B", NULL },
	{ "/m/%u", "", NULL },
	{ "/m/%u", "../x", NULL },
	{ "/m/%n", "..@x", NULL },
	{ "/m/%d", "a@..", NULL },
	{ "/m/%n", ".", NULL },
	{ "/m/%u", "a/b", NULL },
	{ "/m/%u", "a:INDEX=b", NULL },
	{ "/m/%u", "a\nb", NULL },
	{ "/m/%u", NULL, NULL },
	/* As Dovecot 2.3.19 expands them. */
	{ "%Nu", "Al@B.org", "36737511" },
	{ "%Hu", "Al@B.org", "455207" },
	{ "%8Nu", "Al@B.org", "1" },
	{ "%2.256Nu", "Al@B.org", "11" },
	{ "%08.256Nu", "Al@B.org", "00000011" },
	{ "%3.4Nu", "Al@B.org", "001" },
	{ "%2.08Nu", "Al@B.org", "01" },
	{ "%1.16Hu", "Al@B.org", "7" },
	{ "%8.4096Hu", "Al@B.org", "00000207" },
	{ "%NLu", "Al@B.org", "36737511" },
	{ "%LNu", "Al@B.org", "b0444496" },
	{ "%Mu", "Al@B.org", "d7311b3136737511b70cc4d9fca303de" },
	{ "%1Mu", "Al@B.org", "d" },
	{ "%2.2Mu", "Al@B.org", "31" },
	{ "%03.2Mu", "Al@B.org", "11" },
	{ "%Ru", "Al@B.org", "gro.B@lA" },
	{ "%LRu", "Al@B.org", "gro.b@la" },
	{ "%ULu", "Al@B.org", "al@b.org" },
	{ "%TLu", "Al@B.org", "al@b.org" },
	{ "%2.3u", "Al@B.org", "@B." },
	{ "%-3.2u", "Al@B.org", "or" },
	{ "%-2.2Lu", "Al@B.org", "rg" },
	{ "%-4u", "Al@B.org", "Al@B" },
	{ "%-20.3u", "Al@B.org", "Al@" },
	{ "%-0.2u", "Al@B.org", "Al" },
	{ "%0.2u", "Al@B.org", "Al" },
	{ "%00.3u", "Al@B.org", "Al@" },
	{ "%010u", "Al@B.org", "00Al@B.org" },
	{ "%02u", "Al@B.org", "Al@B.org" },
	{ "%100u", "Al@B.org", "Al@B.org" },
	{ "%{username}", "Al@B.org", "Al" },
	{ "%L{domain}", "Al@B.org", "b.org" },
	{ "%{sha1:user}", "Al@B.org",
	  "bc18df71f72695e31e3219e83d58d8ba13069b09" },
	{ "%{md5:user}", "Al@B.org", "d7311b3136737511b70cc4d9fca303de" },
	{ "%i", "Al@B.org", "65534" },
	{ "%{uid}", "Al@B.org", "65534" },
	{ "%{gid}", "Al@B.org", "123" },
	{ "%Xi", "Al@B.org", "fffe" },
	{ "%09Xi", "Al@B.org", "00000fffe" },
	{ "%08i", "Al@B.org", "00065534" },
	{ "%02.8i", "Al@B.org", "534" },
	/* It would be the folder of all users there; not here. */
	{ "%20.2u", "Al@B.org", NULL },
	/* As 2.4's manual has them. */
	{ "%{user | username | lower}", "Al@B.org", "al" },
	{ "%{ user|domain|upper }", "Al@B.org", "B.ORG" },
	{ "%{user | domain_last}", "a@b@c", "c" },
	{ "%{user | domain_first}", "a@b@c", "b@c" },
	{ "%{user | substr(0, 2)}", "Al@B.org", "Al" },
	{ "%{user | substr(-3)}", "Al@B.org", "org" },
	{ "%{user | truncate(4)}", "Al@B.org", "Al@B" },
	{ "%{user | reverse}", "Al@B.org", "gro.B@lA" },
	{ "%{user | md5 | hexlify}", "Al@B.org",
	  "d7311b3136737511b70cc4d9fca303de" },
	{ "%{user | sha1 | hexlify | substr(0,2)}", "Al@B.org", "bc" },
	{ "%{user | domain | default('none')}", "Al", "none" },
	{ "%{user | md5}", "Al", NULL },
	{ "%{user | rot13}", "Al", NULL },
	{ "%{user | lower(1)}", "Al", NULL },
	{ "%{user | substr(}", "Al", NULL },
	{ "%{user | substr()}", "Al", NULL },
	{ "%{user | substr(1,2,3)}", "Al", NULL },
	{ "%{user | truncate(0)}", "Al", NULL },
	{ "%{user | default('../x')}", "", NULL },
	{ "%{user |}", "Al", NULL },
	{ "%{home | lower}", "Al", NULL },
	{ "%{rot13:user}", "Al", NULL },
	{ "%{owner_user}", "Al", NULL },
	{ "%g", "Al", NULL },
	{ "%x", "Al", NULL },
	{ "%", "Al", NULL },
	{ "a%", "Al", NULL },
	{ "%L", "Al", NULL },
	{ "%5", "Al", NULL },
	{ "%1.", "Al", NULL },
	{ "%{user", "Al", NULL },
	{ "%{}", "Al", NULL },
	{ "%{password}", "Al", NULL },
	{ "%99999999999999999999999u", "Al", "Al" },
};

START_TEST(variables_are_expanded)
{
	struct err err = ERR_INIT;
	char *got;
	const struct mail_vars vars = { .user = expansions[_i].user,
	    .home = HOME, .uid = "65534", .gid = "123" };

	got = mail_location_expand_vars(expansions[_i].text, &vars, &err);
	if (expansions[_i].want == NULL) {
		ck_assert_ptr_null(got);
		ck_assert_int_eq(err.code, ERR_CONFIG);
	} else {
		if (got == NULL)
			ck_abort_msg("%s", err.msg);
		ck_assert_str_eq(got, expansions[_i].want);
	}
	free(got);
}
END_TEST

START_TEST(a_home_must_be_known_and_without_colon)
{
	struct err err = ERR_INIT;

	ck_assert_ptr_null(mail_location_expand("%h", "a", NULL, &err));
	ck_assert_ptr_null(mail_location_expand("%h", "a", "/a:b", &err));
}
END_TEST

START_TEST(a_path_is_expanded_and_must_be_absolute)
{
	static const char *const bad[] = { "", "a", "~", "~anna/a", "./a" };
	struct err err = ERR_INIT;
	char *got;

	got = mail_location_expand_path("/var/%u", "a", "/home/a", &err);
	ck_assert_str_eq(got, "/var/a");
	free(got);
	got = mail_location_expand_path("~/.s/%u", "a", "/home/a", &err);
	ck_assert_str_eq(got, "/home/a/.s/a");
	free(got);
	for (size_t i = 0; i < nitems(bad); i++)
		ck_assert_ptr_null(mail_location_expand_path(bad[i], "a",
		    "/home/a", &err));
	ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "mail_location");

	tcase_add_loop_test(tcase, good_locations_are_taken_apart, 0,
	    (int)nitems(good));
	tcase_add_test(tcase, bad_locations_are_configuration_errors);
	tcase_add_test(tcase, what_is_needed_must_be_known);
	tcase_add_test(tcase, a_location_is_limited);
	tcase_add_loop_test(tcase, variables_are_expanded, 0,
	    (int)nitems(expansions));
	tcase_add_test(tcase, a_home_must_be_known_and_without_colon);
	tcase_add_test(tcase, a_path_is_expanded_and_must_be_absolute);
	return unit_run(suite);
}
