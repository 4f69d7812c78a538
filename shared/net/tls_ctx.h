/*
 * tls_ctx.h - what both roles ask of TLS; the one place that sets it up
 *
 * TLS 1.3 only, a certificate from both sides, no session tickets, no early
 * data, ALPN.  A peer is verified in one of two ways:
 *
 *   by pin	its public key is the one that is listed; nothing else of
 *		its certificate is looked at
 *   by CA	the chain, dates, purpose and revocation lists, and on the client
 *		the host name
 */
#ifndef NET_TLS_CTX_H
#define NET_TLS_CTX_H

#include <stdbool.h>

#include "base/err.h"
#include "net/pin.h"

#define TLS_NAMES_MAX	8U	/* names taken from one certificate */
#define TLS_NAME_MAX	256U	/* bytes of one, with the final NUL */

/* What is spoken after the handshake. */
enum tls_alpn {
	TLS_ALPN_DSYNC,		/* "dsync/1" */
	TLS_ALPN_ENROL,		/* "dsync-enrol/1" */
};

struct tls_config {
	bool server;
	const char *key_file, *cert_file;	/* PEM */
	const char *ca_file;	/* PEM; NULL: verify by pin */
	const char *crl_file;	/* PEM, for each CA of a chain; NULL: none */
};

/* A peer as its certificate shows it. */
struct tls_peer {
	struct pin pin;
	enum tls_alpn alpn;
	/* By CA only: its DNS and mail names, else its common name. */
	unsigned int name_count;
	char names[TLS_NAMES_MAX][TLS_NAME_MAX];
};

/* What is thought of a peer; the words are those of tls_verdict_word. */
enum tls_verdict {
	TLS_ACCEPTED,
	TLS_UNKNOWN,		/* nobody listed this key or name */
	TLS_REVOKED,
	TLS_EXPIRED,
	TLS_DENIED,		/* for another reason, which our log states */
	TLS_BUSY,		/* not now */
};

struct tls_ctx;

/*
 * Make a context from files.  ERR_CONFIG or ERR_NOTFOUND say which file a
 * person has to look at.  Ignores SIGPIPE in the process, which OpenSSL would
 * else raise.
 */
int tls_ctx_new(const struct tls_config *config, struct tls_ctx **ctx_r,
    struct err *err);
void tls_ctx_free(struct tls_ctx **ctx);

/* The pin of our own key. */
const struct pin *tls_ctx_pin(const struct tls_ctx *ctx);

#endif
