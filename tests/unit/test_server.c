/*
 * The parts of dsync-server that need no process of their own: limits of
 * connections, users, judgement of keys, and the relay.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/stream_fd.h"
#include "net/token.h"
#include "server/auth.h"
#include "server/relay.h"
#include "server/slots.h"
#include "server/user.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"
#include "wire/frame.h"

#define PIN_A	"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
		"aaaaaaaaaaaaaa"

static struct server_settings set;
static struct err err;

/* As the program would load them, from a command line. */
static void
load(const char *const *options)
{
	char *argv[32];
	int argc = 0;
	static char name[] = "dsync-server";

	argv[argc++] = name;
	for (; *options != NULL; options++)
		argv[argc++] = (char *)(uintptr_t)*options;
	argv[argc] = NULL;
	ck_assert_int_eq(setenv("DSYNC_CONFIG_DIR", tempdir_make(), 1), 0);
	ck_assert_msg(server_settings_load(&set, argc, argv, &err) == 0,
	    "%s", err.msg);
}

static void
setup(void)
{
	err = (struct err)ERR_INIT;
}

static void
teardown(void)
{
	server_settings_deinit(&set);
	clock_set(0);
	tempdir_remove();
}

static struct slot_addr
v4(uint32_t host)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(host) };
	struct slot_addr addr;

	slot_addr_of(&addr, (struct sockaddr *)&sin);
	return addr;
}

START_TEST(limits_of_connections_hold)
{
	static const char *const options[] = { "-o", "max_connections=6",
	    "-o", "max_connections_per_address=4", "-o",
	    "max_unknown_per_address=2", "-o", "max_unknown=3", NULL };
	struct slot_addr a = v4(1), b = v4(2);
	const struct pin pin = { .bytes = { 1 } };
	struct slots *slots = NULL;
	const char *reason;
	int s[8];

	load(options);
	ck_assert_int_eq(slots_new(&set, &slots, &err), 0);
	s[0] = slots_take(slots, &a, 0, &reason);
	s[1] = slots_take(slots, &a, 0, &reason);
	ck_assert_int_eq(slots_take(slots, &a, 0, &reason), -1);
	ck_assert_str_eq(reason, "max_unknown_per_address");
	s[2] = slots_take(slots, &b, 0, &reason);
	ck_assert_int_ge(s[2], 0);
	ck_assert_int_eq(slots_take(slots, &b, 0, &reason), -1);
	ck_assert_str_eq(reason, "max_unknown");
	ck_assert(slots_known(slots, s[0], &pin));
	ck_assert(slots_known(slots, s[1], &pin));
	s[3] = slots_take(slots, &a, 0, &reason);
	ck_assert(slots_known(slots, s[3], &pin));
	s[4] = slots_take(slots, &a, 0, &reason);
	ck_assert_int_eq(slots_take(slots, &a, 0, &reason), -1);
	ck_assert_str_eq(reason, "max_connections_per_address");
	ck_assert(slots_known(slots, s[2], &pin));
	ck_assert(slots_known(slots, s[4], &pin));
	s[5] = slots_take(slots, &b, 0, &reason);
	ck_assert_int_ge(s[5], 0);
	ck_assert_int_eq(slots_take(slots, &b, 0, &reason), -1);
	ck_assert_str_eq(reason, "max_connections");
	ck_assert_uint_eq(slots_used(slots), 6);
	slots_set_pid(slots, s[5], 4711);
	ck_assert(!slots_release(slots, 4712, false, 0));
	ck_assert(slots_release(slots, 4711, false, 0));
	ck_assert_uint_eq(slots_used(slots), 5);
	slots_free(&slots);
}
END_TEST

START_TEST(one_peer_has_only_so_many_sessions)
{
	static const char *const options[] = { "-o",
	    "max_sessions_per_peer=2", NULL };
	const struct pin pin = { .bytes = { 1 } }, other = { .bytes = { 2 } };
	struct slot_addr a = v4(1);
	struct slots *slots = NULL;
	const char *reason;
	int s[4];

	load(options);
	ck_assert_int_eq(slots_new(&set, &slots, &err), 0);
	for (int i = 0; i < 4; i++)
		s[i] = slots_take(slots, &a, 0, &reason);
	ck_assert(slots_known(slots, s[0], &pin));
	ck_assert(slots_known(slots, s[1], &pin));
	ck_assert(slots_known(slots, s[2], &other));
	ck_assert(!slots_known(slots, s[3], &pin));
	slots_free(&slots);
}
END_TEST

START_TEST(an_address_refused_too_often_waits_a_minute)
{
	static const char *const options[] = { "-o", "refusals_per_minute=3",
	    NULL };
	struct slot_addr a = v4(1), b = v4(2);
	struct slots *slots = NULL;
	const char *reason;
	int s;

	load(options);
	ck_assert_int_eq(slots_new(&set, &slots, &err), 0);
	for (int i = 0; i < 3; i++) {
		s = slots_take(slots, &a, 1000, &reason);
		ck_assert_int_ge(s, 0);
		slots_set_pid(slots, s, 100 + i);
		ck_assert(slots_release(slots, 100 + i, true, 1000));
	}
	ck_assert_int_eq(slots_take(slots, &a, 1000, &reason), -1);
	ck_assert_str_eq(reason, "refusals_per_minute");
	ck_assert_int_eq(slots_take(slots, &a, 60999, &reason), -1);
	ck_assert_int_ge(slots_take(slots, &b, 1000, &reason), 0);
	ck_assert_int_ge(slots_take(slots, &a, 61000, &reason), 0);
	slots_free(&slots);
}
END_TEST

START_TEST(addresses_of_one_customer_are_one)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	struct slot_addr a, b, c = v4(0x7f000001);

	sin6.sin6_addr.s6_addr[0] = 0x20;
	sin6.sin6_addr.s6_addr[7] = 1;
	sin6.sin6_addr.s6_addr[15] = 1;
	slot_addr_of(&a, (struct sockaddr *)&sin6);
	sin6.sin6_addr.s6_addr[15] = 2;
	slot_addr_of(&b, (struct sockaddr *)&sin6);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	sin6.sin6_addr.s6_addr[7] = 2;
	slot_addr_of(&b, (struct sockaddr *)&sin6);
	ck_assert_mem_ne(&a, &b, sizeof(a));
	memset(&sin6.sin6_addr, 0, sizeof(sin6.sin6_addr));
	memcpy(sin6.sin6_addr.s6_addr + 10, "\xff\xff\x7f\0\0\1", 6);
	slot_addr_of(&b, (struct sockaddr *)&sin6);
	ck_assert_mem_eq(&b, &c, sizeof(b));
}
END_TEST

static const struct user_case {
	const char *line;
	enum err_code code;
	const char *home;
} user_cases[] = {
	{ "anna:x:5000:5000::/var/mail/anna::userdb_mail=maildir:~/M\n",
	  ERR_NONE, "/var/mail/anna" },
	{ "anna:x:5000:5000::/h\n", ERR_NONE, "/h" },
	{ "annabel:x:5000:5000::/h\n", ERR_NOTFOUND, NULL },
	{ "", ERR_NOTFOUND, NULL },
	{ "anna:x:0:5000::/h\n", ERR_CONFIG, NULL },
	{ "anna:x:5000:0::/h\n", ERR_CONFIG, NULL },
	{ "anna:x:no-such-user-here:5000::/h\n", ERR_CONFIG, NULL },
	{ "anna:x::5000::/h\n", ERR_CONFIG, NULL },
	{ "anna:x:4294967295:5000::/h\n", ERR_CONFIG, NULL },
	{ "anna:x:4294967296:5000::/h\n", ERR_CONFIG, NULL },
	{ "anna:x:5000:5000::h\n", ERR_CONFIG, NULL },
	{ "anna:x\n", ERR_NOTFOUND, NULL },
	{ "anna:x:5000:5000::\n", ERR_NONE, "/nonexistent" },
	{ "anna:x:100:5000::/h\n", ERR_PERM, NULL },
};

START_TEST(a_passwd_file_names_users_and_never_root)
{
	static const char *const options[] = { "-o", "passwd_file=users",
	    "-o", "single_user=no", NULL };
	const struct user_case *c = &user_cases[_i];
	struct account user;
	int r;

	load(options);
	tempdir_write("users", c->line);
	r = user_find(&set, "anna", &user, &err);
	ck_assert_int_eq(r, c->code == ERR_NONE ? 0 : -1);
	ck_assert_int_eq(err.code, c->code);
	if (r == 0) {
		ck_assert_str_eq(user.home, c->home);
		ck_assert_uint_eq(user.uid, 5000);
		ck_assert(user.become);
		ck_assert_pstr_eq(account_field(&user, "mail"), _i == 0 ?
		    "maildir:~/M" : NULL);
		account_deinit(&user);
	}
}
END_TEST

START_TEST(a_server_for_one_user_knows_no_other)
{
	static const char *const options[] = { "-o", "single_user=yes",
	    NULL };
	struct account user;

	load(options);
	ck_assert_int_eq(user_find(&set, "any-name", &user, &err), 0);
	ck_assert_uint_eq(user.uid, geteuid());
	ck_assert(!user.become);
	account_deinit(&user);
	ck_assert_int_eq(user_find(&set, "../x", &user, &err), -1);
}
END_TEST

static struct tls_peer
peer_of(enum tls_alpn alpn)
{
	struct tls_peer peer = { .alpn = alpn };

	ck_assert(pin_parse(&peer.pin, PIN_A, strlen(PIN_A)));
	return peer;
}

START_TEST(trouble_with_the_peers_file_lets_nobody_in)
{
	static const char *const options[] = { NULL };
	struct tls_peer peer = peer_of(TLS_ALPN_DSYNC);
	struct auth_result result;

	load(options);
	auth_judge(&set, &peer, &result);
	ck_assert_int_eq(result.verdict, TLS_UNKNOWN);
	auth_result_deinit(&result);
	tempdir_write("peers", PIN_A " user=anna access=append name=desk\n");
	auth_judge(&set, &peer, &result);
	ck_assert_int_eq(result.verdict, TLS_ACCEPTED);
	ck_assert_int_eq(result.access, PEER_APPEND);
	ck_assert_str_eq(result.name, "desk");
	ck_assert(auth_allows(&result, "anna"));
	ck_assert(!auth_allows(&result, "bob"));
	auth_result_deinit(&result);
	ck_assert(!auth_allows(&result, "anna"));
	ck_assert_int_eq(chmod(tempdir_path("peers"), 0666), 0);
	auth_judge(&set, &peer, &result);
	ck_assert_int_eq(result.verdict, TLS_BUSY);
	auth_result_deinit(&result);
}
END_TEST

START_TEST(an_enrolled_key_is_known_and_a_revoked_one_cannot_enrol)
{
	static const char *const options[] = { NULL };
	static const uint8_t secret[TOKEN_SECRET_SIZE] = "secret";
	static const uint8_t exporter[32] = "exporter";
	struct token_grant grant = { .user = "anna",
	    .access = PEER_READ_WRITE, .expires_ms = UINT32_MAX };
	struct tls_peer peer = peer_of(TLS_ALPN_ENROL);
	struct auth_result result;
	struct enrol_request request;
	struct enrol_reply reply;
	const char *reason;

	load(options);
	clock_set(1000);
	ck_assert_int_eq(token_store(set.token_dir, secret, &grant, &err), 0);
	auth_judge(&set, &peer, &result);
	ck_assert_int_eq(result.verdict, TLS_ACCEPTED);
	ck_assert(!auth_allows(&result, "anna"));
	token_id(request.id, secret);
	token_proof(request.proof, secret, exporter, &peer.pin);
	auth_enrol(&set, &request, exporter, &peer.pin, &reply, &reason);
	ck_assert_int_eq(reply.status, ENROL_OK);
	ck_assert_str_eq(reply.user, "anna");
	auth_enrol(&set, &request, exporter, &peer.pin, &reply, &reason);
	ck_assert_int_eq(reply.status, ENROL_REFUSED);
	ck_assert_str_eq(reason, "unknown_token");
	peer.alpn = TLS_ALPN_DSYNC;
	auth_judge(&set, &peer, &result);
	ck_assert_int_eq(result.verdict, TLS_ACCEPTED);
	auth_result_deinit(&result);
	ck_assert_int_eq(peers_revoke(set.peers, &peer.pin, &err), 0);
	for (int i = 0; i < 2; i++) {
		peer.alpn = i == 0 ? TLS_ALPN_DSYNC : TLS_ALPN_ENROL;
		auth_judge(&set, &peer, &result);
		ck_assert_int_eq(result.verdict, TLS_REVOKED);
		auth_result_deinit(&result);
	}
}
END_TEST

static const struct relay_limits limits = { .idle_s = 1, .quiet_s = 2,
    .min_rate = 1000 };

/* A relay between two socket pairs; [1] of each is the test's end. */
static struct {
	int peer[2], store[2];
	struct stream *peer_stream, *store_stream;
	struct relay *relay;
	struct relay_stats stats;
	struct relay_input input;
} r;

static void
relay_open(void)
{
	memset(&r, 0, sizeof(r));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, r.peer), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, r.store), 0);
	ck_assert_int_eq(stream_fd_new(r.peer[0], r.peer[0], "peer",
	    &r.peer_stream, &err), 0);
	ck_assert_int_eq(stream_fd_new(r.store[0], r.store[0], "store",
	    &r.store_stream, &err), 0);
	r.input.data = mem_alloc(RELAY_BUFFER);
}

static void
relay_close(void)
{
	stream_close(&r.peer_stream);
	stream_close(&r.store_stream);
	close(r.peer[1]);
	close(r.store[1]);
	relay_free(&r.relay);
	free(r.input.data);
}

static int
relay(const void *first, size_t len)
{
	if (len > 0)
		memcpy(r.input.data, first, len);
	r.input.len = len;
	relay_free(&r.relay);
	r.relay = relay_new(r.peer_stream, r.store_stream, &r.input, &limits,
	    &r.stats);
	return relay_run(r.relay, &err);
}

static const uint8_t frame[] = { 0, 0, 0, 3, 1, 0, 0, 0, 'a', 'b', 'c' };

START_TEST(frames_pass_and_the_end_passes)
{
	char buf[64];

	relay_open();
	/* The peer: a frame cut in two, and the end.  The store: an answer. */
	ck_assert_int_eq(write(r.peer[1], frame + 5, sizeof(frame) - 5),
	    sizeof(frame) - 5);
	ck_assert_int_eq(shutdown(r.peer[1], SHUT_WR), 0);
	ck_assert_int_eq(write(r.store[1], "answer", 6), 6);
	ck_assert_int_eq(shutdown(r.store[1], SHUT_WR), 0);
	ck_assert_int_eq(relay(frame, 5), 0);
	ck_assert_int_eq(read(r.peer[1], buf, sizeof(buf)), 6);
	ck_assert_uint_eq(r.stats.out, 6);
	relay_close();
}
END_TEST

START_TEST(a_peer_may_end_after_the_store)
{
	relay_open();
	ck_assert_int_eq(shutdown(r.store[1], SHUT_WR), 0);
	ck_assert_int_eq(relay(frame, sizeof(frame)), 0);
	ck_assert_int_eq(shutdown(r.peer[1], SHUT_WR), 0);
	ck_assert_int_eq(relay_await(r.relay, &err), 0);
	relay_close();
}
END_TEST

START_TEST(what_is_no_frame_ends_the_relay)
{
	static const uint8_t bad[][8] = { { 0, 0, 0, 0, 1, 0, 0, 0 },
	    { 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0 },
	    { 0, 4, 0, 1, 1, 0, 0, 0 }, { 0, 0, 0, 1, 99, 0, 0, 0 } };

	relay_open();
	ck_assert_int_eq(write(r.peer[1], bad[_i], 8), 8);
	ck_assert_int_eq(relay(NULL, 0), -1);
	ck_assert_int_eq(err.code, ERR_PROTO);
	relay_close();
}
END_TEST

START_TEST(an_end_inside_a_frame_is_an_error)
{
	relay_open();
	ck_assert_int_eq(write(r.peer[1], frame, (size_t)_i), _i);
	ck_assert_int_eq(shutdown(r.peer[1], SHUT_WR), 0);
	ck_assert_int_eq(relay(NULL, 0), -1);
	ck_assert_int_eq(err.code, ERR_PROTO);
	relay_close();
}
END_TEST

START_TEST(a_peer_that_stalls_is_left)
{
	static char big[4 * RELAY_BUFFER];
	const int size = 4096;
	ssize_t n;

	relay_open();
	if (_i == 0) {
		ck_assert_int_eq(write(r.peer[1], frame, 9), 9);
	} else if (_i == 1) {
		/* It does not read, and the store has more to say. */
		setsockopt(r.peer[0], SOL_SOCKET, SO_SNDBUF, &size,
		    sizeof(size));
		n = send(r.store[1], big, sizeof(big), MSG_DONTWAIT);
		ck_assert_int_gt(n, RELAY_BUFFER);
	}
	ck_assert_int_eq(relay(NULL, 0), -1);
	ck_assert_int_eq(err.code, ERR_TEMP);
	ck_assert_str_eq(err.msg, _i == 0 ? "the peer stalls inside a frame" :
	    _i == 1 ? "the peer does not read" : "nothing happens");
	relay_close();
}
END_TEST

START_TEST(a_store_that_ends_early_still_has_its_say)
{
	char buf[16];

	relay_open();
	ck_assert_int_eq(write(r.store[1], "error", 5), 5);
	close(r.store[1]);
	r.store[1] = -1;
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(write(r.peer[1], frame, sizeof(frame)),
		    sizeof(frame));
	ck_assert_int_eq(relay(NULL, 0), 0);
	ck_assert_int_eq(read(r.peer[1], buf, sizeof(buf)), 5);
	relay_close();
}
END_TEST

/* What the store of a user gets that is over, and what is left for the next. */
START_TEST(bytes_behind_the_end_of_a_user_are_not_for_its_store)
{
	uint8_t bytes[sizeof(frame) + FRAME_USER_END_SIZE + 4], buf[64];
	const size_t own = sizeof(bytes) - 4;
	size_t left;

	memcpy(bytes, frame, sizeof(frame));
	frame_user_end(bytes + sizeof(frame));
	memcpy(bytes + own, "next", 4);
	relay_open();
	/* What came before the relay began, and what comes to it. */
	ck_assert_int_eq(write(r.peer[1], bytes + _i, sizeof(bytes) -
	    (size_t)_i), (ssize_t)sizeof(bytes) - _i);
	ck_assert_int_eq(shutdown(r.store[1], SHUT_WR), 0);
	ck_assert_int_eq(relay(bytes, (size_t)_i), 0);
	ck_assert_int_eq(relay_await(r.relay, &err), 1);
	/* The rest may still be on its way. */
	left = (size_t)_i < own ? 4 : (size_t)_i - own;
	ck_assert_uint_eq(r.input.len, left);
	ck_assert_mem_eq(r.input.data, "next", left);
	stream_close(&r.store_stream);
	ck_assert_int_le(read(r.store[1], buf, sizeof(buf)), (ssize_t)own);
	relay_close();
}
END_TEST

START_TEST(behind_its_last_word_a_peer_can_only_end)
{
	uint8_t end[FRAME_USER_END_SIZE];

	relay_open();
	ck_assert_int_eq(shutdown(r.store[1], SHUT_WR), 0);
	ck_assert_int_eq(relay(NULL, 0), 0);
	frame_user_end(end);
	if (_i == 0)
		ck_assert_int_eq(shutdown(r.peer[1], SHUT_WR), 0);
	else if (_i == 1)
		ck_assert_int_eq(write(r.peer[1], frame, sizeof(frame)),
		    sizeof(frame));
	else if (_i == 2)
		ck_assert_int_eq(write(r.peer[1], end, sizeof(end) - 1),
		    sizeof(end) - 1);
	/* The last two say nothing, or too little, in time. */
	ck_assert_int_eq(relay_await(r.relay, &err), _i == 1 ? -1 : 0);
	relay_close();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "server");

	/* A Dovecot of this host is none of ours. */
	(void)setenv("DSYNC_DOVECONF", "", 1);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, limits_of_connections_hold);
	tcase_add_test(tcase, one_peer_has_only_so_many_sessions);
	tcase_add_test(tcase, an_address_refused_too_often_waits_a_minute);
	tcase_add_test(tcase, addresses_of_one_customer_are_one);
	tcase_add_loop_test(tcase, a_passwd_file_names_users_and_never_root,
	    0, (int)(sizeof(user_cases) / sizeof(user_cases[0])));
	tcase_add_test(tcase, a_server_for_one_user_knows_no_other);
	tcase_add_test(tcase, trouble_with_the_peers_file_lets_nobody_in);
	tcase_add_test(tcase,
	    an_enrolled_key_is_known_and_a_revoked_one_cannot_enrol);
	tcase_add_test(tcase, frames_pass_and_the_end_passes);
	tcase_add_test(tcase, a_peer_may_end_after_the_store);
	tcase_add_loop_test(tcase, what_is_no_frame_ends_the_relay, 0, 4);
	tcase_add_loop_test(tcase, an_end_inside_a_frame_is_an_error, 1,
	    (int)sizeof(frame));
	tcase_add_loop_test(tcase, a_peer_that_stalls_is_left, 0, 3);
	tcase_add_test(tcase, a_store_that_ends_early_still_has_its_say);
	tcase_add_loop_test(tcase,
	    bytes_behind_the_end_of_a_user_are_not_for_its_store, 0,
	    (int)(sizeof(frame) + FRAME_USER_END_SIZE + 5));
	tcase_add_loop_test(tcase, behind_its_last_word_a_peer_can_only_end, 0,
	    4);
	return unit_run(suite);
}
