#include "config.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/peers.h"
#include "net/servers.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define PIN_A	"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
		"aaaaaaaaaaaaaa"
#define PIN_B	"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
		"bbbbbbbbbbbbbb"

static char complaint[256];

static void
complain(void *arg, const char *text)
{
	(void)arg;
	snprintf(complaint, sizeof(complaint), "%s", text);
}

static struct pin
pin_of(const char *text)
{
	struct pin pin;

	ck_assert(pin_parse(&pin, text, strlen(text)));
	return pin;
}

static enum peer_status
find(const char *text, const char *pin_text, const struct peer **peer_r,
    struct peers *peers)
{
	struct pin pin = pin_of(pin_text);

	complaint[0] = '\0';
	peers_parse(peers, text, strlen(text), "peers", complain, NULL);
	return peers_find_pin(peers, &pin, 1000, peer_r);
}

START_TEST(a_full_line_is_taken_apart)
{
	const struct peer *peer = NULL;
	struct peers peers;

	ck_assert_int_eq(find("# who may come\n\n  " PIN_A
	    "\tuser=alice,bob access=append name=laptop until=2027-01-31 "
	    "# since spring\n", PIN_A, &peer, &peers), PEER_OK);
	ck_assert_str_eq(complaint, "");
	ck_assert_uint_eq(peers.n, 1);
	ck_assert_uint_eq(peer->line, 3);
	ck_assert_int_eq(peer->access, PEER_APPEND);
	ck_assert_str_eq(peer->name, "laptop");
	ck_assert_uint_eq(peer->until_ms, 1801440000000);
	ck_assert(peer_allows(peer, "alice"));
	ck_assert(peer_allows(peer, "bob"));
	ck_assert(!peer_allows(peer, "bo"));
	ck_assert(!peer_allows(peer, "alice,bob"));
	ck_assert(!peer_allows(peer, "*"));
	ck_assert_ptr_null(peer_only_user(peer));
	peers_deinit(&peers);
}
END_TEST

/* Each line, what becomes of its peer, and what is said about it. */
static const struct line_case {
	const char *text;
	enum peer_status status;
	const char *complaint;
} line_cases[] = {
	{ PIN_A " user=a access=read\n", PEER_OK, "" },
	{ PIN_A " user=* access=read-write", PEER_OK, "" },
	{ PIN_A " user=a access=read revoked\n", PEER_REVOKED, "" },
	{ PIN_A " revoked\r\n", PEER_REVOKED, "" },
	{ PIN_A " revoked bogus\n", PEER_REVOKED, "peers:1: unknown word" },
	{ PIN_A " user=a access=read until=1969-01-01\n", PEER_BAD_LINE,
	    "peers:1: until= wants a day as YYYY-MM-DD" },
	{ PIN_A " user=a access=read until=2026-02-30\n", PEER_BAD_LINE,
	    "peers:1: until= wants a day as YYYY-MM-DD" },
	{ PIN_A " user=a access=all\n", PEER_BAD_LINE,
	    "peers:1: access= is read, append or read-write" },
	{ PIN_A " user=a access=read acces=read\n", PEER_BAD_LINE,
	    "peers:1: unknown word" },
	{ PIN_A " user=a access=read user=b\n", PEER_BAD_LINE,
	    "peers:1: a word is given twice" },
	{ PIN_A " user=a\n", PEER_BAD_LINE,
	    "peers:1: user= and access= are needed" },
	{ PIN_A " access=read\n", PEER_BAD_LINE,
	    "peers:1: user= and access= are needed" },
	{ PIN_A "\n", PEER_BAD_LINE, "peers:1: user= and access= are needed" },
	{ PIN_A " user= access=read\n", PEER_BAD_LINE,
	    "peers:1: user= wants mail users or *" },
	{ PIN_A " user=a,,b access=read\n", PEER_BAD_LINE,
	    "peers:1: user= wants mail users or *" },
	{ PIN_A " user=a/b access=read\n", PEER_BAD_LINE,
	    "peers:1: user= wants mail users or *" },
	{ PIN_A " user=a\001 access=read\n", PEER_BAD_LINE,
	    "peers:1: the line is too long or not plain text" },
	{ PIN_A "x user=a access=read\n", PEER_UNKNOWN,
	    "peers:1: sha256: wants 64 hexadecimal digits" },
	{ "sha256:aa user=a access=read\n", PEER_UNKNOWN,
	    "peers:1: sha256: wants 64 hexadecimal digits" },
	{ "alice\n", PEER_UNKNOWN,
	    "peers:1: a line begins with sha256: or cn=" },
	{ "#" PIN_A " user=a access=read\n", PEER_UNKNOWN, "" },
	{ PIN_A " user=a access=read\n" PIN_A " user=b access=read\n",
	    PEER_TWICE, "" },
	{ PIN_A " user=a access=read\n" PIN_A " revoked\n", PEER_REVOKED, "" },
	{ "", PEER_UNKNOWN, "" },
};

START_TEST(any_doubt_about_a_line_refuses)
{
	const struct line_case *c = &line_cases[_i];
	const struct peer *peer = NULL;
	struct peers peers;

	ck_assert_int_eq(find(c->text, PIN_A, &peer, &peers), c->status);
	ck_assert_str_eq(complaint, c->complaint);
	peers_deinit(&peers);
	ck_assert_int_eq(find(c->text, PIN_B, &peer, &peers), PEER_UNKNOWN);
	peers_deinit(&peers);
}
END_TEST

START_TEST(a_line_ends_with_the_day_of_until)
{
	const char *text = PIN_A " user=a access=read until=2026-03-01\n";
	const uint64_t last = 1772409599999;	/* 2026-03-01 23:59:59.999 */
	struct pin pin = pin_of(PIN_A);
	const struct peer *peer;
	struct peers peers;

	peers_parse(&peers, text, strlen(text), "peers", NULL, NULL);
	ck_assert_int_eq(peers_find_pin(&peers, &pin, last, &peer), PEER_OK);
	ck_assert_int_eq(peers_find_pin(&peers, &pin, last + 1, &peer),
	    PEER_EXPIRED);
	peers_deinit(&peers);
}
END_TEST

START_TEST(a_certificate_name_is_not_a_pin)
{
	const char *text = "cn=desk user=a access=read\n"
	    "cn=" PIN_A " user=b access=read\n";
	struct pin pin = pin_of(PIN_A);
	const struct peer *peer;
	struct peers peers;

	peers_parse(&peers, text, strlen(text), "peers", NULL, NULL);
	ck_assert_int_eq(peers_find_cn(&peers, "desk", 0, &peer), PEER_OK);
	ck_assert_int_eq(peers_find_cn(&peers, "Desk", 0, &peer),
	    PEER_UNKNOWN);
	ck_assert_int_eq(peers_find_cn(&peers, "", 0, &peer), PEER_UNKNOWN);
	ck_assert_int_eq(peers_find_pin(&peers, &pin, 0, &peer),
	    PEER_UNKNOWN);
	peers_deinit(&peers);
}
END_TEST

START_TEST(users_with_dangerous_characters_are_no_users)
{
	static const char *const bad[] = { "", ".", "..", ".a", "-a", "a/b",
	    "a b", "a\tb", "a\nb", "a,b", "*", "a\x7f", "\xff", "\xc3\x28",
	    ("a\xe2\x80\xae" "b"), "a#" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!peer_user_valid(bad[i], strlen(bad[i])),
		    "%s", bad[i]);
	ck_assert(!peer_user_valid("a\0b", 3));
	ck_assert(peer_user_valid("anna@example.org", 16));
	ck_assert(peer_user_valid("m\xc3\xbcller", 7));
}
END_TEST

static struct peer
new_peer(const char *pin, char *users, enum peer_right access)
{
	return (struct peer){ .has_pin = true, .pin = pin_of(pin),
	    .users = users, .access = access };
}

START_TEST(an_added_peer_is_found_and_comments_stay)
{
	char alice[] = "alice", bob[] = "bob";
	struct peer a = new_peer(PIN_A, alice, PEER_READ_WRITE);
	struct peer b = new_peer(PIN_B, bob, PEER_APPEND);
	struct err err = ERR_INIT;

	strcpy(b.name, "desk");
	tempdir_make();
	tempdir_write("peers", "# mine\n# no newline");
	ck_assert_int_eq(peers_add(tempdir_path("peers"), &a, &err), 0);
	ck_assert_int_eq(peers_add(tempdir_path("peers"), &b, &err), 0);
	ck_assert_int_eq(peers_add(tempdir_path("peers"), &b, &err), 0);
	ck_assert_str_eq(tempdir_read("peers"), "# mine\n# no newline\n"
	    PIN_A " user=alice access=read-write\n"
	    PIN_B " user=bob access=append name=desk\n");
	tempdir_remove();
}
END_TEST

START_TEST(a_listed_key_gets_another_user_but_no_other_access)
{
	char alice[] = "alice", bob[] = "bob", carol[] = "carol";
	struct peer a = new_peer(PIN_A, alice, PEER_READ);
	struct peer b = new_peer(PIN_A, bob, PEER_READ);
	struct peer c = new_peer(PIN_A, carol, PEER_READ_WRITE);
	struct err err = ERR_INIT;

	tempdir_make();
	ck_assert_int_eq(peers_add(tempdir_path("peers"), &a, &err), 0);
	ck_assert_int_eq(peers_add(tempdir_path("peers"), &b, &err), 0);
	ck_assert_int_eq(peers_add(tempdir_path("peers"), &c, &err), -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	ck_assert_str_eq(tempdir_read("peers"),
	    PIN_A " user=alice,bob access=read\n");
	tempdir_remove();
}
END_TEST

START_TEST(a_revoked_key_stays_revoked)
{
	char alice[] = "alice";
	struct peer a = new_peer(PIN_A, alice, PEER_READ);
	struct pin pin_b = pin_of(PIN_B);
	struct err err = ERR_INIT;

	tempdir_make();
	ck_assert_int_eq(peers_add(tempdir_path("peers"), &a, &err), 0);
	ck_assert_int_eq(peers_revoke(tempdir_path("peers"), &a.pin, &err),
	    0);
	ck_assert_int_eq(peers_revoke(tempdir_path("peers"), &a.pin, &err),
	    0);
	ck_assert_int_eq(peers_revoke(tempdir_path("peers"), &pin_b, &err),
	    0);
	ck_assert_int_eq(peers_add(tempdir_path("peers"), &a, &err), -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	ck_assert_str_eq(tempdir_read("peers"),
	    PIN_A " revoked user=alice access=read\n" PIN_B " revoked\n");
	tempdir_remove();
}
END_TEST

START_TEST(peers_added_at_once_all_survive)
{
	enum { CHILDREN = 8 };
	struct err err = ERR_INIT;
	struct peers peers;
	char alice[] = "alice", text[] = PIN_A;
	pid_t pids[CHILDREN];
	struct peer peer;
	int status;

	tempdir_make();
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] != 0)
			continue;
		text[10] = (char)('0' + i);
		peer = new_peer(text, alice, PEER_READ);
		_exit(peers_add(tempdir_path("peers"), &peer, &err) != 0);
	}
	for (int i = 0; i < CHILDREN; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(peers_read(&peers, tempdir_path("peers"), complain,
	    NULL, &err), 0);
	ck_assert_uint_eq(peers.n, CHILDREN);
	peers_deinit(&peers);
	tempdir_remove();
}
END_TEST

START_TEST(a_file_that_others_may_write_is_not_believed)
{
	struct err err = ERR_INIT;
	struct peers peers;

	tempdir_make();
	tempdir_write("peers", PIN_A " user=a access=read\n");
	ck_assert_int_eq(chmod(tempdir_path("peers"), 0620), 0);
	ck_assert_int_eq(peers_read(&peers, tempdir_path("peers"), NULL, NULL,
	    &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	tempdir_remove();
}
END_TEST

START_TEST(a_pinned_server_is_found_and_replaced)
{
	struct server server = { .pin = pin_of(PIN_A), .user = "alice" };
	struct server_addr addr, other;
	struct server found;
	struct err err = ERR_INIT;
	bool changed;

	tempdir_make();
	ck_assert(server_addr_parse(&addr, "Mail.example.org", 16));
	ck_assert(server_addr_parse(&other, "[::1]:99", 8));
	ck_assert_int_eq(servers_lookup(tempdir_path("servers"), &addr,
	    &found, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	server.addr = addr;
	ck_assert_int_eq(servers_put(tempdir_path("servers"), &server,
	    &changed, &err), 0);
	ck_assert(!changed);
	server.addr = other;
	ck_assert_int_eq(servers_put(tempdir_path("servers"), &server,
	    &changed, &err), 0);
	server.addr = addr;
	server.pin = pin_of(PIN_B);
	server.user[0] = '\0';
	ck_assert_int_eq(servers_put(tempdir_path("servers"), &server,
	    &changed, &err), 0);
	ck_assert(changed);
	ck_assert_str_eq(tempdir_read("servers"),
	    "[::1]:99 " PIN_A " user=alice\n"
	    "Mail.example.org:7926 " PIN_B "\n");
	ck_assert(server_addr_parse(&addr, "mail.EXAMPLE.org:7926", 21));
	ck_assert_int_eq(servers_lookup(tempdir_path("servers"), &addr,
	    &found, &err), 0);
	ck_assert(pin_equal(&found.pin, &server.pin));
	tempdir_remove();
}
END_TEST

START_TEST(a_doubtful_servers_file_finds_nothing)
{
	static const char *const texts[] = {
		"h:1 " PIN_A "\nh:1 " PIN_B "\n",
		"h:1 " PIN_A "\nx\n",
		"h:1 " PIN_A " user=a b\n",
		"h:1 sha256:00\n",
		"h:1 " PIN_A " pass=x\n",
	};
	struct server_addr addr;
	struct server found;
	struct err err = ERR_INIT;

	ck_assert(server_addr_parse(&addr, "h:1", 3));
	ck_assert_int_eq(servers_find(texts[_i], strlen(texts[_i]), "servers",
	    &addr, &found, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_int_eq(strncmp(err.msg, "servers:", 8), 0);
}
END_TEST

START_TEST(addresses_are_checked)
{
	static const char *const bad[] = { "", ":1", "h:", "h:0", "h:65536",
	    "h:1x", "h/x:1", "[::1", "[::1]x", "[]:1", "h h:1", "-h:1",
	    "h:01" };
	struct server_addr addr;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!server_addr_parse(&addr, bad[i],
		    strlen(bad[i])), "%s", bad[i]);
	ck_assert(server_addr_parse(&addr, "::1", 3));
	ck_assert_str_eq(addr.host, "::1");
	ck_assert_str_eq(addr.port, SERVER_PORT);
	ck_assert(server_addr_parse(&addr, "[fe80::1%eth0]", 14));
	ck_assert_str_eq(addr.host, "fe80::1%eth0");
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "peers");

	tcase_add_checked_fixture(tcase, NULL, tempdir_remove);
	tcase_add_test(tcase, a_full_line_is_taken_apart);
	tcase_add_loop_test(tcase, any_doubt_about_a_line_refuses, 0,
	    (int)(sizeof(line_cases) / sizeof(line_cases[0])));
	tcase_add_test(tcase, a_line_ends_with_the_day_of_until);
	tcase_add_test(tcase, a_certificate_name_is_not_a_pin);
	tcase_add_test(tcase, users_with_dangerous_characters_are_no_users);
	tcase_add_test(tcase, an_added_peer_is_found_and_comments_stay);
	tcase_add_test(tcase,
	    a_listed_key_gets_another_user_but_no_other_access);
	tcase_add_test(tcase, a_revoked_key_stays_revoked);
	tcase_add_test(tcase, peers_added_at_once_all_survive);
	tcase_add_test(tcase, a_file_that_others_may_write_is_not_believed);
	tcase_add_test(tcase, a_pinned_server_is_found_and_replaced);
	tcase_add_loop_test(tcase, a_doubtful_servers_file_finds_nothing, 0,
	    5);
	tcase_add_test(tcase, addresses_are_checked);
	return unit_run(suite);
}
