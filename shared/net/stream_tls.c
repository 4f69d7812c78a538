#include "config.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "net/poll.h"
#include "net/stream_tls.h"
#include "net/tls_internal.h"

#define EXPORTER_LABEL	"EXPORTER-dsync-enrol"
#define LINGER_MAX	(256U * 1024U)	/* bytes */
#define RECORD_MAX	(16U * 1024U)	/* bytes */
#define WRITE_MAX	(8U * RECORD_MAX) /* bytes that are sent at once */
#define OUT_SIZE	(WRITE_MAX + RECORD_MAX) /* those in their records */
#define IN_SIZE		(8U * (RECORD_MAX + 64U)) /* bytes read at once */

/*
 * Each key update costs us a derivation and the peer a few bytes.  OpenSSL's
 * own peers send one after 2^24 records or so.
 */
#define KEY_UPDATES_MAX	64U

/* Other failures of a handshake, by OpenSSL's reason. */
static const struct ssl_word {
	int reason;
	const char *word;
} ssl_words[] = {
	{ SSL_R_HTTP_REQUEST, "plain_text" },
	{ SSL_R_HTTPS_PROXY_REQUEST, "plain_text" },
	{ SSL_R_WRONG_VERSION_NUMBER, "plain_text" },
	{ SSL_R_UNSUPPORTED_PROTOCOL, "tls_version" },
	{ SSL_R_VERSION_TOO_LOW, "tls_version" },
	{ SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "tls_version" },
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "no_certificate" },
	{ SSL_R_NO_APPLICATION_PROTOCOL, "no_alpn" },
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, "cut" },
	{ SSL_R_EXCESSIVE_MESSAGE_SIZE, "too_large" },
	{ SSL_R_NO_SHARED_CIPHER, "no_cipher" },
	{ SSL_R_NO_SHARED_GROUPS, "no_cipher" },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, "no_cipher" },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "no_cipher" },
	{ SSL_R_EE_KEY_TOO_SMALL, "weak_key" },
	{ SSL_R_CA_MD_TOO_WEAK, "weak_signature" },
};

/* Keep the first failure: it is the answer from now on. */
static int
fail(struct stream_tls *s, const char *reason, struct err *err)
{
	if (strcmp(s->reason, "none") == 0)
		s->reason = reason;
	if (s->failure.code == ERR_NONE)
		s->failure = *err;
	return -1;
}

/* What an alert of the server means to the person at the client. */
static int
explain_alert(struct stream_tls *s, int alert, struct err *err)
{
	const char *peer = s->base.peer;
	char pin[PIN_TEXT_SIZE];

	pin_format(pin, &s->ctx->own_pin);
	switch (alert) {
	case SSL_AD_UNKNOWN_CA:
		s->reason = "unknown_key";
		if (s->ctx->by_ca)
			return err_set(err, ERR_PERM, "%s does not accept the "
			    "CA or the name of our certificate", peer);
		return err_set(err, ERR_PERM, "%s does not know our key %s: "
		    "run 'dsync enrol' with a token from there, or add the "
		    "key to the peers file there", peer, pin);
	case SSL_AD_CERTIFICATE_REVOKED:
		s->reason = "revoked";
		return err_set(err, ERR_PERM, "%s says that our key %s is "
		    "revoked", peer, pin);
	case SSL_AD_CERTIFICATE_EXPIRED:
		s->reason = "expired";
		return err_set(err, ERR_PERM, "%s says that the time of our "
		    "key %s is over", peer, pin);
	case SSL_AD_CERTIFICATE_REQUIRED:
		s->reason = "no_certificate";
		return err_set(err, ERR_PERM, "%s wants a certificate and got "
		    "none", peer);
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_ACCESS_DENIED:
		s->reason = "denied";
		return err_set(err, ERR_PERM, "%s refuses our key %s; its log "
		    "says why", peer, pin);
	case SSL_AD_NO_APPLICATION_PROTOCOL:
		s->reason = "no_alpn";
		return err_set(err, ERR_PROTO, "%s does not speak %s", peer,
		    tls_alpn_names[s->alpn]);
	case SSL_AD_PROTOCOL_VERSION:
		s->reason = "tls_version";
		return err_set(err, ERR_PROTO, "%s does not speak TLS 1.3",
		    peer);
	case SSL_AD_INTERNAL_ERROR:
		s->reason = "busy";
		return err_set(err, ERR_TEMP, "%s cannot serve us now; its "
		    "log says why", peer);
	}
	s->reason = "alert";
	return err_set(err, ERR_PROTO, "%s ended TLS with alert %d", peer,
	    alert);
}

static int
explain_wrong_server(struct stream_tls *s, struct err *err)
{
	char want[PIN_TEXT_SIZE], got[PIN_TEXT_SIZE];

	if (s->has_pin && strcmp(s->reason, "wrong_key") == 0) {
		pin_format(want, &s->pin);
		pin_format(got, &s->peer.pin);
		return err_set(err, ERR_PERM, "the key of %s changed: expected "
		    "%s, got %s: somebody may be in between; if the change "
		    "is meant, enrol again", s->base.peer, want, got);
	}
	return err_set(err, ERR_PERM, "the certificate of %s is refused: %s",
	    s->base.peer, X509_verify_cert_error_string(
	    SSL_get_verify_result(s->ssl)));
}

/* Turn the last entry of OpenSSL's queue into our error. */
static int
explain_ssl(struct stream_tls *s, struct err *err)
{
	unsigned long code = ERR_peek_last_error();
	int reason = ERR_GET_REASON(code);
	const char *word = reason > SSL_AD_REASON_OFFSET ? "peer_alert" :
	    "tls_error";
	const char *text = ERR_reason_error_string(code);

	ERR_clear_error();
	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		if (s->ctx->server)
			err_set(err, ERR_PERM, "%s: certificate refused: %s",
			    s->base.peer, s->reason);
		else
			explain_wrong_server(s, err);
		return fail(s, s->reason, err);
	}
	if (!s->ctx->server && reason > SSL_AD_REASON_OFFSET) {
		explain_alert(s, reason - SSL_AD_REASON_OFFSET, err);
		return fail(s, s->reason, err);
	}
	for (size_t i = 0; i < nitems(ssl_words); i++) {
		if (ssl_words[i].reason == reason)
			word = ssl_words[i].word;
	}
	if (ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		err_set(err, ERR_TEMP, "connection to %s was cut",
		    s->base.peer);
	else if (strcmp(word, "plain_text") == 0)
		err_set(err, ERR_PROTO, "%s does not speak TLS",
		    s->base.peer);
	else
		err_set(err, ERR_PROTO, "TLS with %s: %s", s->base.peer,
		    text != NULL ? text : "unknown error");
	return fail(s, word, err);
}

/*
 * What a call of OpenSSL that returned r wants: STREAM_WAIT with *events set,
 * 0 for the clean end, -1 with err.
 */
static int
ssl_result(struct stream_tls *s, int r, short *events, struct err *err)
{
	int errnum = errno;

	switch (SSL_get_error(s->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		*events = POLLIN;
		return STREAM_WAIT;
	case SSL_ERROR_WANT_WRITE:
		*events = POLLOUT;
		return STREAM_WAIT;
	case SSL_ERROR_ZERO_RETURN:
		s->ended = true;
		return 0;
	case SSL_ERROR_SSL:
		return explain_ssl(s, err);
	default:
		break;
	}
	ERR_clear_error();
	errno = errnum;
	if (errnum == 0)
		err_set(err, ERR_TEMP, "connection to %s was cut",
		    s->base.peer);
	else
		err_sys(err, "connection to %s", s->base.peer);
	return fail(s, "cut", err);
}

static int
failed_before(const struct stream_tls *s, struct err *err)
{
	*err = s->failure;
	return -1;
}

static int
check_updates(struct stream_tls *s, struct err *err)
{
	if (s->key_updates <= KEY_UPDATES_MAX)
		return 0;
	err_set(err, ERR_PROTO, "%s changes its keys without end",
	    s->base.peer);
	return fail(s, "key_updates", err);
}

static ssize_t
tls_read(struct stream *stream, void *buf, size_t len, struct err *err)
{
	struct stream_tls *s = (struct stream_tls *)stream;
	size_t n = 0;
	int r;

	struct err later = ERR_INIT;
	size_t got = 0;

	if (s->failure.code != ERR_NONE)
		return failed_before(s, err);
	if (s->ended)
		return 0;
	s->more = false;
	/* A call gives out one record: take all that came with it. */
	do {
		errno = 0;
		ERR_clear_error();
		r = SSL_read_ex(s->ssl, (char *)buf + got, len - got, &n);
		if (check_updates(s, err) == -1)
			return -1;
		if (r == 1)
			got += n;
		else if (got == 0)
			return ssl_result(s, r, &s->read_events, err);
	} while (r == 1 && got < len && SSL_has_pending(s->ssl));
	if (r == 1)
		s->more = SSL_has_pending(s->ssl) == 1;
	/* An end or a failure is kept for the next call. */
	if (r == 1 || ssl_result(s, r, &s->read_events, &later) !=
	    STREAM_WAIT)
		s->read_events = POLLIN;
	return (ssize_t)got;
}

/*
 * The server may have refused us and closed while we write: then the alert
 * that says why is still to be read, and tells more than "broken pipe".
 */
static int
write_failed(struct stream_tls *s, struct err *err)
{
	struct err write_err = s->failure;
	char scratch[1024];
	size_t n;
	int r;

	if (s->ctx->server || s->failure.errnum == 0)
		return -1;
	for (int i = 0; i < 64; i++) {
		errno = 0;
		ERR_clear_error();
		r = SSL_read_ex(s->ssl, scratch, sizeof(scratch), &n);
		if (r == 1)
			continue;
		if (SSL_get_error(s->ssl, r) == SSL_ERROR_SSL &&
		    ERR_GET_REASON(ERR_peek_last_error()) >
		    SSL_AD_REASON_OFFSET) {
			s->failure.code = ERR_NONE;
			return explain_ssl(s, err);
		}
		break;
	}
	ERR_clear_error();
	*err = write_err;
	return -1;
}

/* Send what is in the buffer; 0: all of it is sent, STREAM_WAIT, -1. */
static int
send_out(struct stream_tls *s, struct err *err)
{
	errno = 0;
	ERR_clear_error();
	if (BIO_flush(s->out) == 1)
		return 0;
	if (BIO_should_retry(s->out)) {
		s->write_events = POLLOUT;
		return STREAM_WAIT;
	}
	ERR_clear_error();
	if (errno == 0)
		errno = EPIPE;
	err_sys(err, "connection to %s", s->base.peer);
	return fail(s, "cut", err);
}

/* Encrypt into the buffer; as a write. */
static ssize_t
fill_out(struct stream_tls *s, const char *buf, size_t len, struct err *err)
{
	size_t n = 0;
	int r;

	while (s->taken < len && s->taken < WRITE_MAX) {
		errno = 0;
		ERR_clear_error();
		r = SSL_write_ex(s->ssl, buf + s->taken, len - s->taken <
		    RECORD_MAX ? len - s->taken : RECORD_MAX, &n);
		if (r == 1) {
			s->taken += n;
			continue;
		}
		r = ssl_result(s, r, &s->write_events, err);
		if (r == STREAM_WAIT && s->taken > 0)
			return 0;
		if (r == 0) {
			err_set(err, ERR_TEMP, "%s ended the connection",
			    s->base.peer);
			return fail(s, "cut", err);
		}
		return r;
	}
	return 0;
}

/*
 * Several records go out by one call.  Until all of them are sent the caller
 * is told to wait and comes again with the same bytes, as OpenSSL has it for
 * one record.
 */
static ssize_t
tls_write(struct stream *stream, const void *buf, size_t len, struct err *err)
{
	struct stream_tls *s = (struct stream_tls *)stream;
	ssize_t n, r = 0;

	if (s->failure.code != ERR_NONE)
		return failed_before(s, err);
	if (s->shut || s->notified)
		return err_set(err, ERR_TEMP, "write after the end");
	if (s->taken == 0)
		r = fill_out(s, buf, len, err);
	if (r == 0)
		r = send_out(s, err);
	if (r == -1)
		return write_failed(s, err);
	if (r == STREAM_WAIT)
		return r;
	s->write_events = POLLOUT;
	n = (ssize_t)s->taken;
	s->taken = 0;
	return n;
}

static int
tls_shutdown(struct stream *stream, struct err *err)
{
	struct stream_tls *s = (struct stream_tls *)stream;
	int r;

	if (s->failure.code != ERR_NONE)
		return failed_before(s, err);
	if (s->shut)
		return 0;
	if (!s->done)
		return err_set(err, ERR_TEMP, "end before the handshake");
	errno = 0;
	ERR_clear_error();
	if (!s->notified) {
		r = SSL_shutdown(s->ssl);
		if (r < 0) {
			r = ssl_result(s, r, &s->write_events, err);
			if (r != 0)
				return r;
		}
		s->notified = true;
	}
	if ((r = send_out(s, err)) != 0)
		return r;
	s->shut = true;
	/* Reading goes on; the peer sees the end of TLS and of TCP. */
	(void)shutdown(s->fd, SHUT_WR);
	return 0;
}

static unsigned int
tls_pollfds(const struct stream *stream, unsigned int want,
    struct pollfd *fds)
{
	const struct stream_tls *s = (const struct stream_tls *)stream;
	short events = 0;

	if (s->failure.code != ERR_NONE)
		return 0;
	if ((want & STREAM_READ) != 0 && !s->ended)
		events |= s->read_events;
	if ((want & STREAM_WRITE) != 0)
		events |= s->write_events;
	if (events == 0)
		return 0;
	fds[0] = (struct pollfd){ .fd = s->fd, .events = events };
	return 1;
}

static bool
tls_pending(const struct stream *stream)
{
	const struct stream_tls *s = (const struct stream_tls *)stream;

	return s->failure.code != ERR_NONE || s->ended ||
	    s->more || SSL_pending(s->ssl) > 0;
}

static void
tls_close(struct stream *stream)
{
	struct stream_tls *s = (struct stream_tls *)stream;

	SSL_free(s->ssl);
	ERR_clear_error();
	(void)close(s->fd);
	free(s);
}

static const struct stream_ops tls_ops = {
	.read = tls_read,
	.write = tls_write,
	.shutdown = tls_shutdown,
	.pollfds = tls_pollfds,
	.pending = tls_pending,
	.close = tls_close,
};

/* Called for each message of TLS itself, not for our data. */
static void
on_tls_message(int write_p, int version, int content_type, const void *buf,
    size_t len, SSL *ssl, void *arg)
{
	struct stream_tls *s = arg;

	(void)version;
	(void)ssl;
	if (write_p == 0 && content_type == SSL3_RT_HANDSHAKE && len > 0 &&
	    ((const uint8_t *)buf)[0] == SSL3_MT_KEY_UPDATE)
		s->key_updates++;
}

/* Reading from the socket, writing through a buffer. */
static int
set_bios(struct stream_tls *s)
{
	BIO *sock = BIO_new_socket(s->fd, BIO_NOCLOSE);

	s->out = BIO_new(BIO_f_buffer());
	if (sock == NULL || s->out == NULL ||
	    BIO_set_write_buffer_size(s->out, OUT_SIZE) != 1 ||
	    BIO_up_ref(sock) != 1) {
		BIO_free(sock);
		BIO_free(s->out);
		return -1;
	}
	BIO_push(s->out, sock);
	SSL_set0_rbio(s->ssl, sock);
	SSL_set0_wbio(s->ssl, s->out);
	SSL_set_default_read_buffer_len(s->ssl, IN_SIZE);
	return 0;
}

static int
tls_new(struct tls_ctx *ctx, int fd, const char *peer,
    struct stream_tls **s_r, struct err *err)
{
	struct stream_tls *s;

	if (io_set_nonblock(fd, err) == -1)
		return -1;
	s = mem_alloc(sizeof(*s));
	stream_init(&s->base, &tls_ops, peer);
	s->ctx = ctx;
	s->fd = fd;
	s->reason = "none";
	s->read_events = POLLIN;
	s->write_events = POLLOUT;
	s->ssl = SSL_new(ctx->ssl_ctx);
	if (s->ssl == NULL || set_bios(s) == -1) {
		ERR_clear_error();
		SSL_free(s->ssl);
		free(s);
		return err_set(err, ERR_TEMP, "cannot make a TLS connection");
	}
	SSL_set_app_data(s->ssl, s);
	SSL_set_msg_callback(s->ssl, on_tls_message);
	SSL_set_msg_callback_arg(s->ssl, s);
	*s_r = s;
	return 0;
}

int
stream_tls_accept(struct tls_ctx *ctx, int fd, const char *peer,
    tls_judge *judge, void *arg, struct stream **stream_r, struct err *err)
{
	struct stream_tls *s;

	if (tls_new(ctx, fd, peer, &s, err) == -1)
		return -1;
	s->judge = judge;
	s->judge_arg = arg;
	SSL_set_accept_state(s->ssl);
	*stream_r = &s->base;
	return 0;
}

/* By CA: the certificate must be for this name or address. */
static int
expect_host(struct stream_tls *s, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
	unsigned char addr[16];

	if (inet_pton(AF_INET, host, addr) == 1 ||
	    inet_pton(AF_INET6, host, addr) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host);
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 &&
	    SSL_set_tlsext_host_name(s->ssl, host) == 1;
}

int
stream_tls_connect(struct tls_ctx *ctx, int fd, const char *peer,
    const struct tls_expect *expect, struct stream **stream_r,
    struct err *err)
{
	const char *name = tls_alpn_names[expect->alpn];
	unsigned char alpn[32];
	struct stream_tls *s;

	/* Never without a check of who is there. */
	if (ctx->by_ca ? expect->host == NULL : expect->pin == NULL)
		return err_set(err, ERR_CONFIG, "no key is pinned for %s",
		    peer);
	if (tls_new(ctx, fd, peer, &s, err) == -1)
		return -1;
	s->alpn = expect->alpn;
	if (expect->pin != NULL) {
		s->has_pin = true;
		s->pin = *expect->pin;
	}
	alpn[0] = (unsigned char)strlen(name);
	memcpy(alpn + 1, name, alpn[0]);
	if (SSL_set_alpn_protos(s->ssl, alpn, alpn[0] + 1U) != 0 ||
	    (ctx->by_ca && expect_host(s, expect->host) != 1)) {
		ERR_clear_error();
		/* The descriptor stays with the caller. */
		SSL_free(s->ssl);
		free(s);
		return err_set(err, ERR_CONFIG, "%s cannot be the name of "
		    "a server", peer);
	}
	SSL_set_connect_state(s->ssl);
	*stream_r = &s->base;
	return 0;
}

int
stream_tls_handshake(struct stream *stream, struct err *err)
{
	struct stream_tls *s = (struct stream_tls *)stream;
	enum tls_alpn alpn;
	int r;

	if (s->failure.code != ERR_NONE)
		return failed_before(s, err);
	if (s->done)
		return 0;
	errno = 0;
	ERR_clear_error();
	r = SSL_do_handshake(s->ssl);
	if (r != 1) {
		r = ssl_result(s, r, &s->read_events, err);
		s->write_events = s->read_events;
		if (r != 0)
			return r;
		err_set(err, ERR_TEMP, "%s ended the handshake", stream->peer);
		return fail(s, "cut", err);
	}
	if (!tls_find_alpn(s->ssl, &alpn) || (!s->ctx->server && alpn != s->alpn)) {
		err_set(err, ERR_PROTO, "%s does not speak %s", stream->peer,
		    tls_alpn_names[s->alpn]);
		return fail(s, "no_alpn", err);
	}
	s->peer.alpn = alpn;
	s->read_events = POLLIN;
	s->write_events = POLLOUT;
	s->done = true;
	/* From here on data may come in large pieces. */
	SSL_set_read_ahead(s->ssl, 1);
	s->more = SSL_has_pending(s->ssl) == 1;
	return 0;
}

int
stream_tls_handshake_full(struct stream *stream, uint64_t deadline,
    struct err *err)
{
	struct stream_tls *s = (struct stream_tls *)stream;
	struct poll_set set;
	int r;

	while ((r = stream_tls_handshake(stream, err)) == STREAM_WAIT) {
		poll_set_init(&set, deadline);
		poll_set_fd(&set, s->fd, s->read_events);
		r = poll_set_wait(&set, err);
		if (r == -1)
			return -1;
		if (r == 0) {
			err_set(err, ERR_TEMP, "%s did not answer in time",
			    stream->peer);
			return fail(s, "timeout", err);
		}
	}
	return r;
}

const struct tls_peer *
stream_tls_peer(const struct stream *stream)
{
	return &((const struct stream_tls *)stream)->peer;
}

int
stream_tls_exporter(struct stream *stream,
    uint8_t out[static STREAM_TLS_EXPORTER_SIZE], struct err *err)
{
	struct stream_tls *s = (struct stream_tls *)stream;

	if (!s->done || SSL_export_keying_material(s->ssl, out,
	    STREAM_TLS_EXPORTER_SIZE, EXPORTER_LABEL, strlen(EXPORTER_LABEL),
	    NULL, 0, 0) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_TEMP, "no exporter value with %s",
		    stream->peer);
	}
	return 0;
}

const char *
stream_tls_reason(const struct stream *stream)
{
	return ((const struct stream_tls *)stream)->reason;
}

void
stream_tls_linger(struct stream *stream, uint64_t deadline)
{
	struct stream_tls *s = (struct stream_tls *)stream;
	struct err err = ERR_INIT;
	struct poll_set set;
	char scratch[4096];
	size_t total = 0;
	ssize_t n;

	(void)shutdown(s->fd, SHUT_WR);
	while (total < LINGER_MAX) {
		n = read(s->fd, scratch, sizeof(scratch));
		if (n > 0) {
			total += (size_t)n;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return;
		poll_set_init(&set, deadline);
		poll_set_fd(&set, s->fd, POLLIN);
		if (poll_set_wait(&set, &err) != 1)
			return;
	}
}
