/*
 * test_userdb.c - users of an auth process, of a passwd-file, of the system
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "priv/auth_reply.h"
#include "priv/auth_userdb.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"
#include "users/userdb.h"

#define GREETING	"VERSION\t1\t1\nSPID\t1961\n"

static char file[256], sock_path[108];
static struct user_conf conf;
static struct err err;
static struct account user;
static pid_t server;
static char seen[1024];		/* names of each, a blank after each */

static void
setup(void)
{
	static char uid[] = "", gid[] = "";

	tempdir_make();
	snprintf(file, sizeof(file), "%s", tempdir_path("passwd"));
	snprintf(sock_path, sizeof(sock_path), "%s", tempdir_path("sock"));
	conf = (struct user_conf){ .first_valid_uid = 500,
	    .userdb_timeout = 30, .mail_uid = uid, .mail_gid = gid };
	err = (struct err)ERR_INIT;
	seen[0] = '\0';
}

static void
teardown(void)
{
	if (server > 0) {
		(void)kill(server, SIGKILL);
		(void)waitpid(server, NULL, 0);
		server = 0;
	}
	account_deinit(&user);
	tempdir_remove();
}

static int
note(const char *name, void *arg, struct err *e)
{
	(void)arg;
	if (strcmp(name, "stop") == 0)
		return err_set(e, ERR_REFUSED, "stopped");
	strlcat(seen, name, sizeof(seen));
	strlcat(seen, " ", sizeof(seen));
	return 0;
}

static const char passwd[] =
    "# comment\n\n"
    "alic:x:1001:1001::/a::\n"
    "alice:{PLAIN}x:1001:1002:A B:/home/alice:/bin/sh:"
    "userdb_quota_rule=*:storage=1G userdb_mail=maildir:~/Mail:INDEX=/x "
    "allow_nets=::1 userdb_mail_path=%h/m\n"
    "bob@example.org::2000:nogroup::/home/bob\r\n"
    "zero:x:0:0::/root::\n"
    "low:x:100:100::/low::\n"
    "nohome:x:5000:5000::::\n"
    "bare:x::::::\n"
    "relative:x:5000:5000::home::\n"
    "short:x\n"
    "shorter\n"
    "badid:x:12a:5000::/h::\n"
    "minus:x:-1:5000::/h::\n"
    "huge:x:4294967295:5000::/h::\n"
    "empty:x:5000:5000::/h::userdb_=x\n"
    "last:x:7000:8000::/last::mail=mdbox:~/m";

static int
find_in_file(const char *name)
{
	conf.passwd_file = file;
	tempdir_write("passwd", passwd);
	return userdb_find(&conf, name, &user, &err);
}

START_TEST(a_passwd_file_gives_ids_home_and_fields)
{
	ck_assert_int_eq(find_in_file("alice"), 0);
	ck_assert_str_eq(user.name, "alice");
	ck_assert_uint_eq(user.uid, 1001);
	ck_assert_uint_eq(user.gid, 1002);
	ck_assert(user.become);
	ck_assert_str_eq(user.home, "/home/alice");
	ck_assert_str_eq(account_field(&user, "mail"),
	    "maildir:~/Mail:INDEX=/x");
	ck_assert_str_eq(account_field(&user, "mail_path"), "%h/m");
	ck_assert_str_eq(account_field(&user, "quota_rule"), "*:storage=1G");
	ck_assert_ptr_null(account_field(&user, "allow_nets"));
	account_deinit(&user);
	ck_assert_int_eq(find_in_file("bob@example.org"), 0);
	ck_assert_uint_eq(user.gid, 65534);
	ck_assert_str_eq(user.home, "/home/bob");
	ck_assert_ptr_null(user.groups_of);
	account_deinit(&user);
	ck_assert_int_eq(find_in_file("last"), 0);
	ck_assert_str_eq(account_field(&user, "mail"), "mdbox:~/m");
}
END_TEST

static const struct {
	const char *name;
	enum err_code code;
} refused[] = {
	{ "ali", ERR_NOTFOUND },
	{ "alicea", ERR_NOTFOUND },
	{ "1001", ERR_NOTFOUND },
	{ "# comment", ERR_NOTFOUND },
	{ "alice:{PLAIN}x", ERR_NOTFOUND },
	{ "zero", ERR_CONFIG },
	{ "low", ERR_PERM },
	{ "relative", ERR_CONFIG },
	{ "short", ERR_NOTFOUND },
	{ "shorter", ERR_NOTFOUND },
	{ "bare", ERR_CONFIG },
	{ "badid", ERR_CONFIG },
	{ "minus", ERR_CONFIG },
	{ "huge", ERR_CONFIG },
	{ "empty", ERR_CONFIG },
	{ "", ERR_CONFIG },
	{ ".", ERR_CONFIG },
	{ "..", ERR_CONFIG },
	{ "../alice", ERR_CONFIG },
	{ "a/b", ERR_CONFIG },
	{ "a\tb", ERR_CONFIG },
	{ "a\nalice", ERR_CONFIG },
	{ "-u", ERR_CONFIG },
};

START_TEST(a_line_that_is_not_whole_gives_no_user)
{
	ck_assert_int_eq(find_in_file(refused[_i].name), -1);
	ck_assert_int_eq((int)err.code, (int)refused[_i].code);
	ck_assert_str_ne(err.msg, "");
}
END_TEST

START_TEST(what_an_entry_lacks_comes_from_the_settings)
{
	static char uid[] = "nobody", gid[] = "6001",
	    home[] = "/var/vmail/%d/%n";

	ck_assert_int_eq(find_in_file("nohome"), 0);
	ck_assert_ptr_null(account_home(&user));
	account_deinit(&user);
	conf.mail_uid = uid;
	conf.mail_gid = gid;
	conf.mail_home = home;
	ck_assert_int_eq(find_in_file("bare"), 0);
	ck_assert_uint_eq(user.uid, 65534);
	ck_assert_uint_eq(user.gid, 6001);
	ck_assert_str_eq(user.home, "/var/vmail//bare");
	account_deinit(&user);
	ck_assert_int_eq(find_in_file("alice"), 0);
	ck_assert_uint_eq(user.uid, 1001);
	ck_assert_str_eq(user.home, "/home/alice");
	account_deinit(&user);
	conf.last_valid_uid = 1000;
	ck_assert_int_eq(find_in_file("alice"), -1);
	ck_assert_int_eq((int)err.code, ERR_PERM);
}
END_TEST

START_TEST(the_settings_give_groups_to_who_becomes_a_user)
{
	static char groups[] = "nogroup, 6001 6002,,nogroup", mail[] = "6003",
	    none[] = "no-such-group-here";

	conf.mail_access_groups = groups;
	conf.mail_privileged_group = mail;
	ck_assert_int_eq(find_in_file("alice"), 0);
	ck_assert_int_eq(userdb_add_groups(&conf, false, &user, &err), 0);
	ck_assert_uint_eq(user.group_count, 3);
	ck_assert_uint_eq(user.groups[0], 65534);
	ck_assert_uint_eq(user.groups[2], 6002);
	ck_assert_int_eq(userdb_add_groups(&conf, true, &user, &err), 0);
	ck_assert_uint_eq(user.group_count, 4);
	ck_assert_uint_eq(user.groups[3], 6003);
	conf.mail_privileged_group = none;
	ck_assert_int_eq(userdb_add_groups(&conf, true, &user, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
	/* Who is itself has what it has. */
	user.become = false;
	ck_assert_int_eq(userdb_add_groups(&conf, true, &user, &err), 0);
}
END_TEST

START_TEST(a_file_that_cannot_be_trusted_gives_no_user)
{
	static char none[] = "/no/such/file";

	conf.passwd_file = file;
	tempdir_write("passwd", passwd);
	ck_assert_int_eq(chmod(file, 0666), 0);
	ck_assert_int_eq(userdb_find(&conf, "alice", &user, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
	conf.passwd_file = none;
	ck_assert_int_eq(userdb_find(&conf, "alice", &user, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, none));
}
END_TEST

START_TEST(each_user_of_a_file_is_told_once)
{
	conf.passwd_file = file;
	tempdir_write("passwd", "# x:y:z\na:x:1:2::/\nshort:x\n:x:1:2\n"
	    "b:x:::::\n");
	ck_assert_int_eq(userdb_each(&conf, note, NULL, &err), 0);
	ck_assert_str_eq(seen, "a b ");
	tempdir_write("passwd", "a:x:1\nstop:x:1\nb:x:1\n");
	seen[0] = '\0';
	ck_assert_int_eq(userdb_each(&conf, note, NULL, &err), -1);
	ck_assert_str_eq(seen, "a ");
	ck_assert_str_eq(err.msg, "stopped");
}
END_TEST

START_TEST(a_file_for_each_domain_has_users_and_no_list)
{
	static char many[300];

	snprintf(many, sizeof(many), "%s-%%d", file);
	conf.passwd_file = many;
	tempdir_write("passwd-b.org", "a@b.org:x:1001:1001::/a\n");
	ck_assert_int_eq(userdb_find(&conf, "a@b.org", &user, &err), 0);
	ck_assert_int_eq(userdb_each(&conf, note, NULL, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_CONFIG);
}
END_TEST

START_TEST(the_system_has_its_users_and_tells_those_with_mail)
{
	static char none[] = "";

	conf.passwd_file = conf.auth_socket_path = none;
	ck_assert_int_eq(userdb_find(&conf, "daemon", &user, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_PERM);
	ck_assert_int_eq(userdb_each(&conf, note, NULL, &err), 0);
	ck_assert_ptr_null(strstr(seen, "daemon "));
	ck_assert_ptr_null(strstr(seen, "root "));
	ck_assert_ptr_null(strstr(seen, "nobody "));
}
END_TEST

/*
 * Start a process that takes one connection, reads the request, gives the
 * answer, and hangs up, or waits for the client to do so.
 */
static void
serve(const char *answer, size_t len, bool hang_up)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), conn;
	char buf[4096];
	size_t got = 0;
	ssize_t n;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", sock_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	conf.auth_socket_path = sock_path;
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server > 0) {
		(void)close(fd);
		return;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	conn = accept(fd, NULL, NULL);
	while (got < sizeof(buf) - 1) {
		n = read(conn, buf + got, sizeof(buf) - 1 - got);
		if (n <= 0)
			break;
		got += (size_t)n;
		buf[got] = '\0';
		if (strstr(buf, "service=doveadm\n") != NULL)
			break;
	}
	if (strncmp(buf, "VERSION\t1\t0\n", 12) == 0) {
		while (len > 0 && (n = write(conn, answer, len)) > 0) {
			answer += n;
			len -= (size_t)n;
		}
	}
	while (!hang_up && read(conn, buf, sizeof(buf)) > 0)
		;
	_exit(0);
}

static void
serve_text(const char *answer)
{
	serve(answer, strlen(answer), false);
}

START_TEST(an_auth_process_gives_ids_home_and_fields)
{
	serve_text(GREETING "NOTFOUND\t9\nUSER\t1\tanna\tuid=1001\tgid=1002"
	    "\thome=/home/a\tmail=sdbox:~/s\tsystem_groups_user=anna\n");
	ck_assert_int_eq(userdb_find(&conf, "Anna", &user, &err), 0);
	ck_assert_str_eq(user.name, "anna");
	ck_assert_uint_eq(user.uid, 1001);
	ck_assert_uint_eq(user.gid, 1002);
	ck_assert_str_eq(user.home, "/home/a");
	ck_assert_str_eq(user.groups_of, "anna");
	ck_assert_str_eq(account_field(&user, "mail"), "sdbox:~/s");
	ck_assert(user.become);
}
END_TEST

static const struct {
	const char *answer;
	enum err_code code;
	const char *text;
} answers[] = {
	{ GREETING "NOTFOUND\t1\n", ERR_NOTFOUND, "anna" },
	{ GREETING "FAIL\t1\ttemp\treason=db is down\n", ERR_TEMP,
	  "db is down" },
	{ GREETING "FAIL\t1\n", ERR_TEMP, "log" },
	{ GREETING "FAIL\t1\tuser_disabled\n", ERR_PERM, "anna" },
	{ GREETING "LIST\t1\tanna\n", ERR_PROTO, "not asked" },
	{ "VERSION\t9\t0\n", ERR_PROTO, "version 9" },
	{ "220 mail.example.org ESMTP\n", ERR_PROTO, "220" },
	{ GREETING "USER\t1\tanna\tuid=0\tgid=5\thome=/h\n", ERR_CONFIG,
	  "uid" },
	{ GREETING "USER\t1\tanna\tuid=100\tgid=5\thome=/h\n", ERR_PERM,
	  "first_valid_uid" },
	{ GREETING "USER\t1\tanna\tgid=5\thome=/h\n", ERR_CONFIG,
	  "mail_uid" },
	{ GREETING "USER\t1\tanna\tuid=5000\tgid=5\thome=h\n", ERR_CONFIG,
	  "absolute" },
	{ GREETING "USER\t1\t../anna\tuid=5000\tgid=5\thome=/h\n", ERR_CONFIG,
	  "user name" },
};

START_TEST(what_an_auth_process_refuses_is_told)
{
	serve_text(answers[_i].answer);
	ck_assert_int_eq(userdb_find(&conf, "anna", &user, &err), -1);
	ck_assert_int_eq((int)err.code, (int)answers[_i].code);
	ck_assert_ptr_nonnull(strstr(err.msg, answers[_i].text));
}
END_TEST

START_TEST(an_auth_process_that_hangs_up_is_trouble_for_now)
{
	static const char *const starts[] = { "", GREETING,
	    GREETING "USER\t1\tanna\tuid=5000" };

	serve(starts[_i], strlen(starts[_i]), true);
	ck_assert_int_eq(userdb_find(&conf, "anna", &user, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_TEMP);
	ck_assert_ptr_nonnull(strstr(err.msg, "hung up"));
}
END_TEST

START_TEST(an_auth_process_that_says_nothing_is_left)
{
	conf.userdb_timeout = 1;
	serve_text(GREETING "USER\t1\tanna\tuid=5000");
	ck_assert_int_eq(userdb_find(&conf, "anna", &user, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_TEMP);
	ck_assert_ptr_nonnull(strstr(err.msg, "within 1 second"));
}
END_TEST

START_TEST(an_auth_process_cannot_fill_our_memory)
{
	static char text[4 * AUTH_LINE_MAX];

	/* One endless line, then endless lines that are no answer. */
	memset(text, 'X', sizeof(text));
	for (size_t i = 0; _i == 1 && i < sizeof(text); i += 2)
		text[i] = '\n';
	if (_i == 1)
		memmove(text, text + 1, sizeof(text) - 1);
	serve(text, sizeof(text), false);
	ck_assert_int_eq(userdb_find(&conf, "anna", &user, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_PROTO);
}
END_TEST

START_TEST(a_socket_that_is_not_there_says_what_to_do)
{
	conf.auth_socket_path = sock_path;
	ck_assert_int_eq(userdb_find(&conf, "anna", &user, &err), -1);
	ck_assert_int_eq((int)err.code, ERR_TEMP);
	ck_assert_ptr_nonnull(strstr(err.msg, "auth_socket_path"));
	ck_assert_ptr_nonnull(strstr(err.msg, sock_path));
}
END_TEST

START_TEST(an_auth_process_lists_its_users)
{
	serve_text(GREETING "LIST\t1\tanna\nLIST\t1\tbob@b.org\nDONE\t1\t\n");
	ck_assert_int_eq(userdb_each(&conf, note, NULL, &err), 0);
	ck_assert_str_eq(seen, "anna bob@b.org ");
}
END_TEST

START_TEST(a_list_that_is_not_whole_is_no_list)
{
	static const char *const lists[] = {
		GREETING "LIST\t1\tanna\nDONE\t1\tfail\n",
		GREETING "LIST\t1\tanna\nFAIL\t1\n",
		GREETING "LIST\t1\tanna\nNOTFOUND\t1\n",
		GREETING "LIST\t1\tanna\ngarbage\n",
	};

	serve_text(lists[_i]);
	ck_assert_int_eq(userdb_each(&conf, note, NULL, &err), -1);
	ck_assert_str_eq(seen, "");
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "userdb");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_passwd_file_gives_ids_home_and_fields);
	tcase_add_loop_test(tcase, a_line_that_is_not_whole_gives_no_user, 0,
	    nitems(refused));
	tcase_add_test(tcase, what_an_entry_lacks_comes_from_the_settings);
	tcase_add_test(tcase, the_settings_give_groups_to_who_becomes_a_user);
	tcase_add_test(tcase, a_file_that_cannot_be_trusted_gives_no_user);
	tcase_add_test(tcase, each_user_of_a_file_is_told_once);
	tcase_add_test(tcase, a_file_for_each_domain_has_users_and_no_list);
	tcase_add_test(tcase,
	    the_system_has_its_users_and_tells_those_with_mail);
	tcase_add_test(tcase, an_auth_process_gives_ids_home_and_fields);
	tcase_add_loop_test(tcase, what_an_auth_process_refuses_is_told, 0,
	    nitems(answers));
	tcase_add_loop_test(tcase,
	    an_auth_process_that_hangs_up_is_trouble_for_now, 0, 3);
	tcase_add_test(tcase, an_auth_process_that_says_nothing_is_left);
	tcase_add_loop_test(tcase, an_auth_process_cannot_fill_our_memory, 0,
	    2);
	tcase_add_test(tcase, a_socket_that_is_not_there_says_what_to_do);
	tcase_add_test(tcase, an_auth_process_lists_its_users);
	tcase_add_loop_test(tcase, a_list_that_is_not_whole_is_no_list, 0, 4);
	return unit_run(suite);
}
