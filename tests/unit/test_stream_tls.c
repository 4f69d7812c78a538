/*
 * Who is accepted and who is refused, and what each side says of it.  Both
 * ends live in this process; the sockets are a pair.
 */
#include "config.h"

#include <sys/socket.h>

#include <openssl/ssl.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/keys.h"
#include "net/stream_tls.h"
#include "tests/support/certs.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define ROUNDS	200

static enum tls_verdict verdict;
static struct tls_peer judged;
static unsigned int judgements;

static enum tls_verdict
judge(void *arg, const struct tls_peer *peer)
{
	(void)arg;
	judged = *peer;
	judgements++;
	return verdict;
}

/* The names of certificates made by setup; NULL: verified by pin. */
struct side {
	const char *cert;
	const char *ca;
	const char *crl;
};

static char paths[8][512];

static const char *
path_of(unsigned int slot, const char *name, const char *suffix)
{
	if (name == NULL)
		return NULL;
	snprintf(paths[slot], sizeof(paths[slot]), "%s.%s",
	    tempdir_path(name), suffix);
	return paths[slot];
}

static struct tls_ctx *
context(bool server, const struct side *side)
{
	unsigned int base = server ? 0 : 4;
	struct tls_config config = {
		.server = server,
		.key_file = path_of(base, side->cert, "key"),
		.cert_file = path_of(base + 1, side->cert, "cert"),
		.ca_file = path_of(base + 2, side->ca, "cert"),
		.crl_file = path_of(base + 3, side->crl, "crl"),
	};
	struct tls_ctx *ctx = NULL;
	struct err err = ERR_INIT;

	ck_assert_msg(tls_ctx_new(&config, &ctx, &err) == 0, "%s", err.msg);
	return ctx;
}

static struct link {
	struct tls_ctx *server_ctx, *client_ctx;
	struct stream *server, *client;
	struct err server_err, client_err;
	bool server_failed, client_failed;
	char got[32];		/* what the server received */
	char answer[32];	/* what the client received */
} l;

static void
link_open(const struct side *server, const struct side *client,
    const struct tls_expect *expect)
{
	struct err err = ERR_INIT;
	int fds[2];

	memset(&l, 0, sizeof(l));
	judgements = 0;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	l.server_ctx = context(true, server);
	l.client_ctx = context(false, client);
	ck_assert_int_eq(stream_tls_accept(l.server_ctx, fds[0], "client",
	    judge, NULL, &l.server, &err), 0);
	ck_assert_int_eq(stream_tls_connect(l.client_ctx, fds[1], "server",
	    expect, &l.client, &err), 0);
}

static void
link_close(void)
{
	stream_close(&l.server);
	stream_close(&l.client);
	tls_ctx_free(&l.server_ctx);
	tls_ctx_free(&l.client_ctx);
}

/* One step of a server that answers "pong" to any first bytes. */
static void
server_step(void)
{
	ssize_t n;

	if (l.server_failed || l.got[0] != '\0')
		return;
	n = stream_tls_handshake(l.server, &l.server_err);
	if (n == 0)
		n = stream_read(l.server, l.got, sizeof(l.got) - 1,
		    &l.server_err);
	if (n > 0)
		n = stream_write(l.server, "pong", 4, &l.server_err);
	if (n == -1) {
		l.server_failed = true;
		stream_tls_linger(l.server, 0);
	}
}

static void
client_step(bool *sent)
{
	ssize_t n;

	if (l.client_failed || l.answer[0] != '\0')
		return;
	n = stream_tls_handshake(l.client, &l.client_err);
	if (n == 0 && !*sent) {
		n = stream_write(l.client, "ping", 4, &l.client_err);
		*sent = n > 0;
	}
	if (n >= 0)
		n = stream_read(l.client, l.answer, sizeof(l.answer) - 1,
		    &l.client_err);
	l.client_failed = n == -1;
}

static void
link_run(void)
{
	bool sent = false;

	for (int i = 0; i < ROUNDS; i++) {
		client_step(&sent);
		server_step();
	}
}

static struct pin
pin_of(const char *name)
{
	struct err err = ERR_INIT;
	struct pin pin;

	ck_assert_int_eq(keys_pin(path_of(0, name, "key"), &pin, &err), 0);
	return pin;
}

static void
make_certs(void)
{
	static const struct cert_spec specs[] = {
		{ .name = "server", .cn = "dsync" },
		{ .name = "client", .cn = "dsync", .from = -100000,
		    .until = -50000 },
		{ .name = "other", .cn = "dsync" },
		{ .name = "weak", .cn = "dsync", .rsa_bits = 1024 },
		{ .name = "ca", .cn = "Test CA", .ca = true },
		{ .name = "ca2", .cn = "Other CA", .ca = true },
		{ .name = "ca-server", .issuer = "ca", .cn = "server",
		    .san = "DNS:localhost,IP:127.0.0.1", .eku = "serverAuth" },
		{ .name = "ca-nohost", .issuer = "ca", .cn = "localhost",
		    .san = "DNS:elsewhere" },
		{ .name = "ca-client", .issuer = "ca", .cn = "laptop",
		    .eku = "clientAuth" },
		{ .name = "ca-names", .issuer = "ca", .cn = "ignored",
		    .san = "DNS:desk.example.org,email:anna@example.org" },
		{ .name = "ca-old", .issuer = "ca", .cn = "laptop",
		    .san = "DNS:localhost", .from = -100000,
		    .until = -50000 },
		{ .name = "ca-early", .issuer = "ca", .cn = "laptop",
		    .from = 50000, .until = 100000 },
		{ .name = "ca-revoked", .issuer = "ca", .cn = "laptop" },
		{ .name = "ca2-client", .issuer = "ca2", .cn = "laptop" },
	};

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		certs_make(&specs[i]);
	certs_revoke("ca", NULL, "empty", 86400);
	certs_revoke("ca", "ca-revoked", "one", 86400);
	certs_revoke("ca", NULL, "stale", -3600);
	certs_revoke("ca2", NULL, "ca2", 86400);
}

/* Cases by pin: our certificate "client" is long over, which is no matter. */
static const struct pin_case {
	const char *client;
	const char *expected;		/* server key that the client wants */
	enum tls_verdict verdict;
	const char *reason;		/* at the server */
	enum err_code code;		/* at the client */
	const char *text;		/* in the client's message */
} pin_cases[] = {
	{ "client", "server", TLS_ACCEPTED, "none", ERR_NONE, "" },
	{ "client", "server", TLS_UNKNOWN, "unknown_key", ERR_PERM,
	    "server does not know our key sha256:" },
	{ "client", "server", TLS_REVOKED, "revoked", ERR_PERM,
	    "is revoked" },
	{ "client", "server", TLS_EXPIRED, "expired", ERR_PERM, "is over" },
	{ "client", "server", TLS_DENIED, "denied", ERR_PERM,
	    "refuses our key" },
	{ "client", "server", TLS_BUSY, "busy", ERR_TEMP,
	    "cannot serve us now" },
	{ "client", "other", TLS_ACCEPTED, "peer_alert", ERR_PERM,
	    "the key of server changed: expected sha256:" },
};

START_TEST(a_pinned_peer_is_accepted_and_others_are_told_why)
{
	const struct pin_case *c = &pin_cases[_i];
	struct side server = { .cert = "server" },
	    client = { .cert = c->client };
	struct pin pin = pin_of(c->expected), own = pin_of(c->client);
	struct tls_expect expect = { .alpn = TLS_ALPN_DSYNC, .pin = &pin };

	verdict = c->verdict;
	link_open(&server, &client, &expect);
	link_run();
	ck_assert_str_eq(stream_tls_reason(l.server), c->reason);
	ck_assert_msg(strstr(l.client_err.msg, c->text) != NULL, "%s",
	    l.client_err.msg);
	ck_assert_int_eq(l.client_err.code, c->code);
	if (c->code == ERR_NONE) {
		ck_assert_str_eq(l.got, "ping");
		ck_assert_str_eq(l.answer, "pong");
		ck_assert(pin_equal(&judged.pin, &own));
		ck_assert(pin_equal(&stream_tls_peer(l.server)->pin, &own));
		ck_assert(pin_equal(&stream_tls_peer(l.client)->pin, &pin));
	} else {
		ck_assert(l.server_failed);
		ck_assert_str_eq(l.got, "");
		ck_assert_str_eq(l.answer, "");
	}
	link_close();
}
END_TEST

static const struct ca_case {
	struct side server, client;
	const char *host;
	const char *reason;		/* at the server */
	enum err_code code;		/* at the client */
	const char *text;
	const char *name;		/* of the client, judged */
} ca_cases[] = {
	{ { "ca-server", "ca", NULL }, { "ca-client", "ca", NULL },
	    "localhost", "none", ERR_NONE, "", "laptop" },
	{ { "ca-server", "ca", "empty" }, { "ca-client", "ca", "empty" },
	    "127.0.0.1", "none", ERR_NONE, "", "laptop" },
	{ { "ca-server", "ca", NULL }, { "ca-names", "ca", NULL },
	    "localhost", "none", ERR_NONE, "", "desk.example.org" },
	{ { "ca-server", "ca", NULL }, { "ca2-client", "ca", NULL },
	    "localhost", "wrong_ca", ERR_PERM, "CA or the name", NULL },
	{ { "ca-server", "ca", NULL }, { "client", "ca", NULL },
	    "localhost", "wrong_ca", ERR_PERM, "", NULL },
	{ { "ca-server", "ca", NULL }, { "ca-old", "ca", NULL },
	    "localhost", "expired", ERR_PERM, "is over", NULL },
	{ { "ca-server", "ca", NULL }, { "ca-early", "ca", NULL },
	    "localhost", "not_yet_valid", ERR_PERM, "", NULL },
	{ { "ca-server", "ca", "one" }, { "ca-revoked", "ca", NULL },
	    "localhost", "revoked", ERR_PERM, "is revoked", NULL },
	{ { "ca-server", "ca", "stale" }, { "ca-client", "ca", NULL },
	    "localhost", "stale_crl", ERR_PERM, "", NULL },
	{ { "ca-server", "ca", "ca2" }, { "ca-client", "ca", NULL },
	    "localhost", "no_crl", ERR_PERM, "", NULL },
	{ { "ca-server", "ca", NULL }, { "ca-server", "ca", NULL },
	    "localhost", "wrong_purpose", ERR_PERM, "", NULL },
	{ { "ca-server", "ca", NULL }, { "ca-client", "ca", NULL },
	    "example.org", "peer_alert", ERR_PERM, "hostname mismatch", NULL },
	{ { "ca-nohost", "ca", NULL }, { "ca-client", "ca", NULL },
	    "localhost", "peer_alert", ERR_PERM, "hostname mismatch", NULL },
	{ { "ca-server", "ca", NULL }, { "ca-client", "ca", NULL },
	    "127.0.0.2", "peer_alert", ERR_PERM, "IP address mismatch", NULL },
	{ { "ca-server", "ca", NULL }, { "ca-client", "ca2", NULL },
	    "localhost", "peer_alert", ERR_PERM, "certificate of server is "
	    "refused", NULL },
	{ { "ca-client", "ca", NULL }, { "ca-client", "ca", NULL },
	    "localhost", "peer_alert", ERR_PERM, "refused", NULL },
	{ { "ca-old", "ca", NULL }, { "ca-client", "ca", NULL },
	    "localhost", "peer_alert", ERR_PERM, "has expired", NULL },
};

START_TEST(by_ca_chain_dates_name_purpose_and_lists_count)
{
	const struct ca_case *c = &ca_cases[_i];
	struct tls_expect expect = { .alpn = TLS_ALPN_DSYNC,
	    .host = c->host };

	verdict = TLS_ACCEPTED;
	link_open(&c->server, &c->client, &expect);
	link_run();
	ck_assert_str_eq(stream_tls_reason(l.server), c->reason);
	ck_assert_msg(strstr(l.client_err.msg, c->text) != NULL, "%s",
	    l.client_err.msg);
	ck_assert_int_eq(l.client_err.code, c->code);
	if (c->code == ERR_NONE) {
		ck_assert_str_eq(l.answer, "pong");
		ck_assert_str_eq(judged.names[0], c->name);
	} else {
		ck_assert_str_eq(l.got, "");
		ck_assert_uint_eq(judgements, 0);
	}
	link_close();
}
END_TEST

/* A client of its own making: what a context of ours would never do. */
static struct ssl_client {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
} raw;

static void
raw_open(const char *cert, const char *alpn)
{
	static const struct side server = { .cert = "server" };
	struct err err = ERR_INIT;
	int fds[2];

	memset(&l, 0, sizeof(l));
	judgements = 0;
	verdict = TLS_ACCEPTED;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds), 0);
	l.server_ctx = context(true, &server);
	ck_assert_int_eq(stream_tls_accept(l.server_ctx, fds[0], "client",
	    judge, NULL, &l.server, &err), 0);
	raw.fd = fds[1];
	raw.ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(raw.ctx, 0);
	if (cert != NULL) {
		ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(raw.ctx,
		    path_of(4, cert, "key"), SSL_FILETYPE_PEM), 1);
		ck_assert_int_eq(SSL_CTX_use_certificate_file(raw.ctx,
		    path_of(5, cert, "cert"), SSL_FILETYPE_PEM), 1);
	}
	if (alpn != NULL)
		SSL_CTX_set_alpn_protos(raw.ctx, (const unsigned char *)alpn,
		    (unsigned int)strlen(alpn));
	raw.ssl = SSL_new(raw.ctx);
	SSL_set_fd(raw.ssl, raw.fd);
	SSL_set_connect_state(raw.ssl);
}

static void
raw_run(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		(void)SSL_do_handshake(raw.ssl);
		server_step();
	}
}

static void
raw_close(void)
{
	SSL_free(raw.ssl);
	SSL_CTX_free(raw.ctx);
	close(raw.fd);
	link_close();
}

START_TEST(tls_1_2_is_refused)
{
	raw_open("client", "\007dsync/1");
	SSL_set_max_proto_version(raw.ssl, TLS1_2_VERSION);
	raw_run();
	ck_assert(l.server_failed);
	ck_assert_str_eq(stream_tls_reason(l.server), "tls_version");
	ck_assert_uint_eq(judgements, 0);
	raw_close();
}
END_TEST

START_TEST(a_client_without_a_certificate_is_refused)
{
	raw_open(NULL, "\007dsync/1");
	raw_run();
	ck_assert(l.server_failed);
	ck_assert_str_eq(stream_tls_reason(l.server), "no_certificate");
	ck_assert_uint_eq(judgements, 0);
	raw_close();
}
END_TEST

START_TEST(a_client_without_our_protocol_is_refused)
{
	raw_open("client", _i == 0 ? NULL : "\002h2");
	raw_run();
	ck_assert(l.server_failed);
	ck_assert_str_eq(stream_tls_reason(l.server), "no_alpn");
	ck_assert_uint_eq(judgements, 0);
	raw_close();
}
END_TEST

START_TEST(a_weak_key_is_refused)
{
	raw_open("weak", "\007dsync/1");
	raw_run();
	ck_assert(l.server_failed);
	ck_assert_str_eq(l.got, "");
	ck_assert_uint_eq(judgements, 0);
	raw_close();
}
END_TEST

START_TEST(endless_key_updates_end_the_connection)
{
	raw_open("client", "\007dsync/1");
	raw_run();
	ck_assert(!l.server_failed);
	for (int i = 0; i < 1000 && !l.server_failed; i++) {
		SSL_key_update(raw.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
		(void)SSL_write(raw.ssl, "x", 1);
		l.got[0] = '\0';
		server_step();
	}
	ck_assert(l.server_failed);
	ck_assert_str_eq(stream_tls_reason(l.server), "key_updates");
	raw_close();
}
END_TEST

static const struct noise {
	const char *bytes;
	const char *reason;
} noises[] = {
	{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "plain_text" },
	{ "EHLO example.org\r\n", "plain_text" },
	{ "", "cut" },
	{ "\026\003\001\002", "cut" },
};

START_TEST(other_protocols_and_early_ends_are_refused)
{
	const struct noise *noise = &noises[_i];

	raw_open(NULL, NULL);
	ck_assert_int_eq(write(raw.fd, noise->bytes, strlen(noise->bytes)),
	    (ssize_t)strlen(noise->bytes));
	ck_assert_int_eq(shutdown(raw.fd, SHUT_WR), 0);
	for (int i = 0; i < ROUNDS; i++)
		server_step();
	ck_assert(l.server_failed);
	ck_assert_str_eq(stream_tls_reason(l.server), noise->reason);
	raw_close();
}
END_TEST

START_TEST(a_server_that_speaks_no_tls_is_named_so)
{
	struct side server = { "server", NULL, NULL };
	struct pin pin = pin_of("server");
	struct tls_expect expect = { .alpn = TLS_ALPN_DSYNC, .pin = &pin };
	struct err err = ERR_INIT;
	struct stream *client = NULL;
	struct tls_ctx *ctx;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ctx = context(false, &server);
	ck_assert_int_eq(stream_tls_connect(ctx, fds[1], "mail:25", &expect,
	    &client, &err), 0);
	ck_assert_int_eq(write(fds[0], "220 mail ESMTP\r\n", 16), 16);
	ck_assert_int_eq(stream_tls_handshake(client, &err), -1);
	ck_assert_str_eq(err.msg, "mail:25 does not speak TLS");
	stream_close(&client);
	close(fds[0]);
	tls_ctx_free(&ctx);
}
END_TEST

START_TEST(a_client_never_connects_without_something_to_check)
{
	struct side side = { "client", NULL, NULL };
	struct tls_expect expect = { .alpn = TLS_ALPN_DSYNC,
	    .host = "localhost" };
	struct err err = ERR_INIT;
	struct stream *client = NULL;
	struct tls_ctx *ctx = context(false, &side);

	ck_assert_int_eq(stream_tls_connect(ctx, -1, "x", &expect, &client,
	    &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	tls_ctx_free(&ctx);
}
END_TEST

static void
open_pinned(enum tls_alpn alpn)
{
	static const struct side server = { .cert = "server" };
	static const struct side client = { .cert = "client" };
	struct pin pin = pin_of("server");
	struct tls_expect expect = { .alpn = alpn, .pin = &pin };

	verdict = TLS_ACCEPTED;
	link_open(&server, &client, &expect);
	link_run();
	ck_assert_str_eq(l.answer, "pong");
}

START_TEST(the_end_of_data_must_be_announced)
{
	char buf[8];

	open_pinned(TLS_ALPN_DSYNC);
	if (_i == 0)
		ck_assert_int_eq(stream_shutdown(l.client, &l.client_err), 0);
	stream_close(&l.client);
	ck_assert_int_eq(stream_read(l.server, buf, 8, &l.server_err),
	    _i == 0 ? 0 : -1);
	ck_assert_int_eq(stream_read(l.server, buf, 8, &l.server_err),
	    _i == 0 ? 0 : -1);
	link_close();
}
END_TEST

START_TEST(reading_goes_on_after_our_end)
{
	char buf[8];

	open_pinned(TLS_ALPN_DSYNC);
	ck_assert_int_eq(stream_shutdown(l.client, &l.client_err), 0);
	ck_assert_int_eq(stream_read(l.server, buf, 8, &l.server_err), 0);
	ck_assert_int_eq(stream_write(l.server, "more", 4, &l.server_err), 4);
	ck_assert_int_eq(stream_shutdown(l.server, &l.server_err), 0);
	ck_assert_int_eq(stream_read(l.client, buf, 8, &l.client_err), 4);
	ck_assert_int_eq(stream_read(l.client, buf, 8, &l.client_err), 0);
	link_close();
}
END_TEST

START_TEST(both_ends_of_an_enrolment_export_the_same_value)
{
	uint8_t a[STREAM_TLS_EXPORTER_SIZE], b[STREAM_TLS_EXPORTER_SIZE];

	open_pinned(TLS_ALPN_ENROL);
	ck_assert_int_eq(judged.alpn, TLS_ALPN_ENROL);
	ck_assert_int_eq(stream_tls_exporter(l.server, a, &l.server_err), 0);
	ck_assert_int_eq(stream_tls_exporter(l.client, b, &l.client_err), 0);
	ck_assert_mem_eq(a, b, sizeof(a));
	link_close();
	open_pinned(TLS_ALPN_ENROL);
	ck_assert_int_eq(stream_tls_exporter(l.server, b, &l.server_err), 0);
	ck_assert_mem_ne(a, b, sizeof(a));
	link_close();
}
END_TEST

START_TEST(large_data_passes_in_both_directions)
{
	enum { SIZE = 1000000 };
	char *out = malloc(SIZE), *in = malloc(SIZE);
	size_t sent = 0, got = 0;
	ssize_t n;

	open_pinned(TLS_ALPN_DSYNC);
	for (size_t i = 0; i < SIZE; i++)
		out[i] = (char)(i * 31 >> 3);
	while (got < SIZE) {
		if (sent < SIZE) {
			n = stream_write(l.server, out + sent, SIZE - sent,
			    &l.server_err);
			ck_assert(n > 0 || n == STREAM_WAIT);
			sent += n > 0 ? (size_t)n : 0;
		}
		n = stream_read(l.client, in + got, SIZE - got,
		    &l.client_err);
		ck_assert(n > 0 || n == STREAM_WAIT);
		got += n > 0 ? (size_t)n : 0;
	}
	ck_assert_mem_eq(in, out, SIZE);
	free(in);
	free(out);
	link_close();
}
END_TEST

static void
setup(void)
{
	tempdir_make();
	make_certs();
}

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "stream_tls");

	/* The certificates are made once, before the tests fork. */
	tcase_add_unchecked_fixture(tcase, setup, tempdir_remove);
	tcase_add_loop_test(tcase,
	    a_pinned_peer_is_accepted_and_others_are_told_why, 0,
	    (int)(sizeof(pin_cases) / sizeof(pin_cases[0])));
	tcase_add_loop_test(tcase,
	    by_ca_chain_dates_name_purpose_and_lists_count, 0,
	    (int)(sizeof(ca_cases) / sizeof(ca_cases[0])));
	tcase_add_test(tcase, tls_1_2_is_refused);
	tcase_add_test(tcase, a_client_without_a_certificate_is_refused);
	tcase_add_loop_test(tcase, a_client_without_our_protocol_is_refused,
	    0, 2);
	tcase_add_test(tcase, a_weak_key_is_refused);
	tcase_add_test(tcase, endless_key_updates_end_the_connection);
	tcase_add_loop_test(tcase, other_protocols_and_early_ends_are_refused,
	    0, 4);
	tcase_add_test(tcase, a_server_that_speaks_no_tls_is_named_so);
	tcase_add_test(tcase,
	    a_client_never_connects_without_something_to_check);
	tcase_add_loop_test(tcase, the_end_of_data_must_be_announced, 0, 2);
	tcase_add_test(tcase, reading_goes_on_after_our_end);
	tcase_add_test(tcase,
	    both_ends_of_an_enrolment_export_the_same_value);
	tcase_add_test(tcase, large_data_passes_in_both_directions);
	return unit_run(suite);
}
