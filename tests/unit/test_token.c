#include "config.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/greeting.h"
#include "net/keys.h"
#include "net/token.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

static const uint8_t secret[TOKEN_SECRET_SIZE] = "0123456789abcde";
static const uint8_t exporter[32] = "what both ends know";
static const struct pin client = { .bytes = { 7 } };

static struct token
sample(void)
{
	struct token token = { .server = { .bytes = { 1, 2, 3 } },
	    .addr_count = 2 };

	memcpy(token.secret, secret, sizeof(secret));
	ck_assert(server_addr_parse(&token.addrs[0], "mail.example.org", 16));
	ck_assert(server_addr_parse(&token.addrs[1], "[::1]:99", 8));
	return token;
}

START_TEST(a_pasted_token_is_what_was_made)
{
	struct token token = sample(), back;
	struct err err = ERR_INIT;
	struct strbuf text, pasted;

	strbuf_init(&text, TOKEN_TEXT_MAX);
	strbuf_init(&pasted, TOKEN_TEXT_MAX);
	ck_assert_int_eq(token_format(&text, &token, &err), 0);
	ck_assert_ptr_null(strpbrk(text.data, " \n-_="));
	/* A mail program breaks lines and somebody types it in lower case. */
	for (size_t i = 0; i < text.len; i++) {
		strbuf_addc(&pasted, (char)(text.data[i] | (text.data[i] >=
		    'A' ? 0x20 : 0)));
		if (i % 40 == 39)
			strbuf_adds(&pasted, "\r\n  ");
	}
	ck_assert_int_eq(token_parse(&back, pasted.data, pasted.len, &err), 0);
	ck_assert(pin_equal(&back.server, &token.server));
	ck_assert_mem_eq(back.secret, token.secret, TOKEN_SECRET_SIZE);
	ck_assert_uint_eq(back.addr_count, 2);
	ck_assert_str_eq(back.addrs[1].host, "::1");
	ck_assert_str_eq(back.addrs[1].port, "99");
	strbuf_deinit(&pasted);
	strbuf_deinit(&text);
}
END_TEST

START_TEST(a_token_with_any_character_changed_or_lost_is_refused)
{
	struct token token = sample(), back;
	struct err err = ERR_INIT;
	struct strbuf text;
	char *bad;

	strbuf_init(&text, TOKEN_TEXT_MAX);
	ck_assert_int_eq(token_format(&text, &token, &err), 0);
	bad = malloc(text.len);
	ck_assert_ptr_nonnull(bad);
	for (size_t i = 0; i < text.len; i++) {
		memcpy(bad, text.data, text.len);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		ck_assert_int_eq(token_parse(&back, bad, text.len, &err), -1);
		ck_assert_int_eq(token_parse(&back, text.data, i, &err), -1);
		memcpy(bad, text.data, text.len);
		memmove(bad + i, bad + i + 1, text.len - i - 1);
		ck_assert_int_eq(token_parse(&back, bad, text.len - 1, &err),
		    -1);
	}
	free(bad);
	strbuf_deinit(&text);
}
END_TEST

static void
store(uint64_t now)
{
	struct token_grant grant = { .user = "alice", .name = "laptop",
	    .access = PEER_APPEND, .expires_ms = now + TOKEN_LIFE_MS };
	struct err err = ERR_INIT;

	clock_set(now);
	tempdir_make();
	ck_assert_int_eq(token_store(tempdir_path("tokens"), secret, &grant,
	    &err), 0);
}

static enum token_result
claim(bool right, const struct pin *pin, struct token_grant *grant)
{
	uint8_t id[TOKEN_ID_SIZE], proof[TOKEN_PROOF_SIZE];
	struct err err = ERR_INIT;

	token_id(id, secret);
	token_proof(proof, secret, exporter, &client);
	proof[31] ^= right ? 0 : 1;
	return token_claim(tempdir_path("tokens"), id, proof, exporter, pin,
	    grant, &err);
}

START_TEST(a_token_works_once)
{
	struct token_grant grant;

	store(1000000);
	ck_assert_int_eq(claim(true, &client, &grant), TOKEN_OK);
	ck_assert_str_eq(grant.user, "alice");
	ck_assert_str_eq(grant.name, "laptop");
	ck_assert_int_eq(grant.access, PEER_APPEND);
	ck_assert_int_eq(claim(true, &client, &grant), TOKEN_UNKNOWN);
	ck_assert_int_eq(rmdir(tempdir_path("tokens")), 0);
}
END_TEST

START_TEST(a_token_ends_after_its_time)
{
	struct token_grant grant;

	store(1000000);
	clock_set(1000000 + TOKEN_LIFE_MS);
	ck_assert_int_eq(claim(true, &client, &grant), TOKEN_EXPIRED);
	clock_set(1000000);
	ck_assert_int_eq(claim(true, &client, &grant), TOKEN_UNKNOWN);
}
END_TEST

START_TEST(wrong_proofs_end_a_token)
{
	const struct pin thief = { .bytes = { 8 } };
	struct token_grant grant;

	store(1000000);
	ck_assert_int_eq(claim(false, &client, &grant), TOKEN_WRONG);
	/* The proof of one key is no proof for another. */
	ck_assert_int_eq(claim(true, &thief, &grant), TOKEN_WRONG);
	ck_assert_int_eq(claim(false, &client, &grant), TOKEN_WRONG);
	ck_assert_int_eq(claim(true, &client, &grant), TOKEN_UNKNOWN);
}
END_TEST

START_TEST(a_right_proof_after_a_wrong_one_counts)
{
	struct token_grant grant;

	store(1000000);
	ck_assert_int_eq(claim(false, &client, &grant), TOKEN_WRONG);
	ck_assert_int_eq(claim(true, &client, &grant), TOKEN_OK);
}
END_TEST

START_TEST(of_many_claims_at_once_one_succeeds)
{
	enum { CHILDREN = 8 };
	struct token_grant grant;
	pid_t pids[CHILDREN];
	int status, ok = 0;

	store(1000000);
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] == 0)
			_exit(claim(true, &client, &grant) == TOKEN_OK);
	}
	for (int i = 0; i < CHILDREN; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ok += WEXITSTATUS(status);
	}
	ck_assert_int_eq(ok, 1);
}
END_TEST

START_TEST(purge_removes_what_is_over)
{
	struct err err = ERR_INIT;
	struct token_grant grant;

	store(1000000);
	ck_assert_int_eq(token_purge(tempdir_path("tokens"), &err), 0);
	ck_assert_int_eq(claim(false, &client, &grant), TOKEN_WRONG);
	clock_set(1000000 + TOKEN_LIFE_MS);
	ck_assert_int_eq(token_purge(tempdir_path("tokens"), &err), 0);
	ck_assert_int_eq(rmdir(tempdir_path("tokens")), 0);
}
END_TEST

START_TEST(a_key_is_made_once_and_kept)
{
	struct err err = ERR_INIT;
	struct pin pin, again, read;
	struct stat st;
	bool made;

	tempdir_make();
	ck_assert_int_eq(keys_make_dir(tempdir_path("a/b"), &err), 0);
	ck_assert_int_eq(stat(tempdir_path("a/b"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(keys_ensure(tempdir_path("a/b"), &pin, &made, &err),
	    0);
	ck_assert(made);
	ck_assert_int_eq(stat(tempdir_path("a/b/key.pem"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	/* A lost certificate is made again for the same key. */
	ck_assert_int_eq(unlink(tempdir_path("a/b/cert.pem")), 0);
	ck_assert_int_eq(keys_ensure(tempdir_path("a/b"), &again, &made,
	    &err), 0);
	ck_assert(!made);
	ck_assert(pin_equal(&pin, &again));
	ck_assert_int_eq(keys_pin(tempdir_path("a/b/key.pem"), &read, &err),
	    0);
	ck_assert(pin_equal(&pin, &read));
	ck_assert_int_eq(chmod(tempdir_path("a/b/key.pem"), 0644), 0);
	ck_assert_int_eq(keys_pin(tempdir_path("a/b/key.pem"), &read, &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

/* The key of RFC 8410, and what the tools of OpenSSL say of it. */
START_TEST(a_key_has_the_pin_of_its_public_half)
{
	static const char *const before[] = { "",
		/* As the tools of OpenSSL do for some keys. */
		"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
		"-----END EC PARAMETERS-----\n" };
	static const char known[] = "sha256:"
	    "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f";
	struct err err = ERR_INIT;
	char text[PIN_TEXT_SIZE], pem[512];
	struct pin pin;

	tempdir_make();
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		snprintf(pem, sizeof(pem), "%s-----BEGIN PRIVATE KEY-----\n"
		    "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++"
		    "CXqI9EdVhC\n-----END PRIVATE KEY-----\n", before[i]);
		tempdir_write("key.pem", pem);
		ck_assert_int_eq(chmod(tempdir_path("key.pem"), 0600), 0);
		ck_assert_msg(keys_pin(tempdir_path("key.pem"), &pin,
		    &err) == 0, "%s", err.msg);
		pin_format(text, &pin);
		ck_assert_str_eq(text, known);
	}
}
END_TEST

START_TEST(keys_made_at_once_are_one_key)
{
	enum { CHILDREN = 4 };
	struct err err = ERR_INIT;
	struct pin pin, first;
	pid_t pids[CHILDREN];
	int fds[2], status;

	tempdir_make();
	ck_assert_int_eq(pipe(fds), 0);
	for (int i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		ck_assert_int_ge(pids[i], 0);
		if (pids[i] != 0)
			continue;
		if (keys_ensure(tempdir_path("."), &pin, NULL, &err) == -1 ||
		    write(fds[1], &pin, sizeof(pin)) != sizeof(pin))
			_exit(1);
		_exit(0);
	}
	for (int i = 0; i < CHILDREN; i++) {
		ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
		ck_assert_int_eq(status, 0);
		ck_assert_int_eq(read(fds[0], i == 0 ? &first : &pin,
		    sizeof(pin)), sizeof(pin));
		ck_assert(i == 0 || pin_equal(&first, &pin));
	}
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_prologue_is_read_in_pieces_of_any_size)
{
	uint8_t out[PROLOGUE_MAX];
	char user[PEERS_USER_MAX + 1];
	struct err err = ERR_INIT;
	size_t used = 0, len = prologue_format(out, "anna@example.org");

	for (size_t n = 0; n < len; n++)
		ck_assert_int_eq(prologue_parse(user, &used, out, n, &err), 0);
	ck_assert_int_eq(prologue_parse(user, &used, out, sizeof(out), &err),
	    1);
	ck_assert_uint_eq(used, len);
	ck_assert_str_eq(user, "anna@example.org");
}
END_TEST

START_TEST(a_bad_prologue_is_refused)
{
	static const uint8_t bad[][8] = { { 0, 1, 'a' }, { 2, 1, 'a' },
	    { 1, 0, 'a' }, { 1, 255, 'a' }, { 1, 3, 'a', '/', 'b' },
	    { 1, 2, 'a', '\n' }, { 1, 2, 'a', 0 }, { 1, 1, 0xff },
	    { 'G', 'E', 'T', ' ' }, { 1, 2, '.', '.' } };
	char user[PEERS_USER_MAX + 1];
	struct err err = ERR_INIT;
	size_t used;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(prologue_parse(user, &used, bad[i],
		    sizeof(bad[i]), &err), -1);
		ck_assert_int_eq(err.code, ERR_PROTO);
	}
}
END_TEST

START_TEST(an_enrolment_reply_survives_the_wire)
{
	struct enrol_reply reply = { .status = ENROL_OK, .user = "alice" };
	uint8_t bytes[ENROL_REPLY_SIZE];
	struct enrol_reply back;
	struct err err = ERR_INIT;

	enrol_reply_format(bytes, &reply);
	ck_assert_int_eq(enrol_reply_parse(&back, bytes, &err), 0);
	ck_assert_int_eq(back.status, ENROL_OK);
	ck_assert_str_eq(back.user, "alice");
	bytes[1] = 255;
	ck_assert_int_eq(enrol_reply_parse(&back, bytes, &err), -1);
	bytes[1] = 5;
	bytes[0] = 9;
	ck_assert_int_eq(enrol_reply_parse(&back, bytes, &err), -1);
}
END_TEST

static void
teardown(void)
{
	clock_set(0);
	tempdir_remove();
}

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "token");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, a_pasted_token_is_what_was_made);
	tcase_add_test(tcase,
	    a_token_with_any_character_changed_or_lost_is_refused);
	tcase_add_test(tcase, a_token_works_once);
	tcase_add_test(tcase, a_token_ends_after_its_time);
	tcase_add_test(tcase, wrong_proofs_end_a_token);
	tcase_add_test(tcase, a_right_proof_after_a_wrong_one_counts);
	tcase_add_test(tcase, of_many_claims_at_once_one_succeeds);
	tcase_add_test(tcase, purge_removes_what_is_over);
	tcase_add_test(tcase, a_key_is_made_once_and_kept);
	tcase_add_test(tcase, a_key_has_the_pin_of_its_public_half);
	tcase_add_test(tcase, keys_made_at_once_are_one_key);
	tcase_add_test(tcase, a_prologue_is_read_in_pieces_of_any_size);
	tcase_add_test(tcase, a_bad_prologue_is_refused);
	tcase_add_test(tcase, an_enrolment_reply_survives_the_wire);
	return unit_run(suite);
}
