#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "base/mem.h"
#include "net/tls_ctx.h"
#include "net/tls_internal.h"

#define TLS_CERT_LIST_MAX	(32L * 1024L)	/* bytes of a peer's chain */
#define TLS_CHAIN_DEPTH		4		/* CAs above a certificate */
#define TLS_SECURITY_LEVEL	2		/* 112 bits, no SHA-1 */

/* Few choices make a small handshake; all are good. */
#define TLS_SUITES	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
			"TLS_CHACHA20_POLY1305_SHA256"
#define TLS_GROUPS	"X25519:P-256"
#define TLS_SIGALGS_PIN	"ed25519:ECDSA+SHA256:RSA-PSS+SHA256"

const char *const tls_alpn_names[2] = {
	[TLS_ALPN_DSYNC] = "dsync/1",
	[TLS_ALPN_ENROL] = "dsync-enrol/1",
};

/* What OpenSSL says last, for a message; and forget it all. */
static const char *
tls_error_text(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return text != NULL ? text : "unknown TLS error";
}

/* The server speaks what the client wants, if it knows it. */
static int
alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned int in_len, void *arg)
{
	unsigned int len;

	(void)ssl;
	(void)arg;
	for (unsigned int i = 0; i < in_len; i += 1 + len) {
		len = in[i];
		if (len > in_len - i - 1)
			break;
		for (int k = 0; k < 2; k++) {
			if (len != strlen(tls_alpn_names[k]) ||
			    memcmp(in + i + 1, tls_alpn_names[k], len) != 0)
				continue;
			*out = in + i + 1;
			*out_len = (unsigned char)len;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
load_own(struct tls_ctx *ctx, const struct tls_config *config,
    struct err *err)
{
	EVP_PKEY *pkey;
	int ret = -1;

	if (tls_load_key(config->key_file, &pkey, err) == -1)
		return -1;
	if (tls_pin_of_pkey(pkey, &ctx->own_pin, err) == -1)
		goto out;
	if (SSL_CTX_use_certificate_chain_file(ctx->ssl_ctx,
	    config->cert_file) != 1) {
		err_set(err, ERR_CONFIG, "cannot use the certificate %s: %s",
		    config->cert_file, tls_error_text());
		goto out;
	}
	if (SSL_CTX_use_PrivateKey(ctx->ssl_ctx, pkey) != 1 ||
	    SSL_CTX_check_private_key(ctx->ssl_ctx) != 1) {
		err_set(err, ERR_CONFIG, "the key %s does not belong to the "
		    "certificate %s", config->key_file, config->cert_file);
		goto out;
	}
	ret = 0;
out:
	tls_errors_clear();
	EVP_PKEY_free(pkey);
	return ret;
}

static int
load_ca(struct tls_ctx *ctx, const struct tls_config *config, struct err *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx->ssl_ctx);
	X509_LOOKUP *lookup;

	if (X509_STORE_load_file(store, config->ca_file) != 1)
		return err_set(err, ERR_CONFIG, "cannot use the CA file %s: "
		    "%s", config->ca_file, tls_error_text());
	if (config->crl_file == NULL)
		return 0;
	lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	if (lookup == NULL || X509_load_crl_file(lookup, config->crl_file,
	    X509_FILETYPE_PEM) < 1)
		return err_set(err, ERR_CONFIG, "cannot use the revocation "
		    "list %s: %s", config->crl_file, tls_error_text());
	/* A chain with a CA that has no list here is refused. */
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK |
	    X509_V_FLAG_CRL_CHECK_ALL);
	return 0;
}

static int
set_rules(struct tls_ctx *ctx, struct err *err)
{
	SSL_CTX *c = ctx->ssl_ctx;

	SSL_CTX_set_security_level(c, TLS_SECURITY_LEVEL);
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_clear_options(c, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(c, TLS_CERT_LIST_MAX);
	SSL_CTX_set_verify_depth(c, TLS_CHAIN_DEPTH);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	    NULL);
	SSL_CTX_set_cert_verify_callback(c, tls_verify, NULL);
	if (ctx->server)
		SSL_CTX_set_alpn_select_cb(c, alpn_select, NULL);
	if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(c, 0) != 1 ||
	    SSL_CTX_set_max_early_data(c, 0) != 1 ||
	    SSL_CTX_set_ciphersuites(c, TLS_SUITES) != 1 ||
	    SSL_CTX_set1_groups_list(c, TLS_GROUPS) != 1 ||
	    (!ctx->by_ca &&
	    SSL_CTX_set1_sigalgs_list(c, TLS_SIGALGS_PIN) != 1))
		return err_set(err, ERR_TEMP, "cannot set up TLS: %s",
		    tls_error_text());
	return 0;
}

int
tls_ctx_new(const struct tls_config *config, struct tls_ctx **ctx_r,
    struct err *err)
{
	struct tls_ctx *ctx = mem_alloc(sizeof(*ctx));

	(void)signal(SIGPIPE, SIG_IGN);
	ctx->server = config->server;
	ctx->by_ca = config->ca_file != NULL;
	/* At the end all memory goes with the process. */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	ctx->ssl_ctx = SSL_CTX_new(config->server ? TLS_server_method() :
	    TLS_client_method());
	if (ctx->ssl_ctx == NULL) {
		err_set(err, ERR_TEMP, "cannot set up TLS: %s",
		    tls_error_text());
		goto fail;
	}
	if (set_rules(ctx, err) == -1 || load_own(ctx, config, err) == -1 ||
	    (ctx->by_ca && load_ca(ctx, config, err) == -1))
		goto fail;
	*ctx_r = ctx;
	return 0;
fail:
	tls_ctx_free(&ctx);
	return -1;
}

void
tls_ctx_free(struct tls_ctx **ctx)
{
	if (*ctx == NULL)
		return;
	SSL_CTX_free((*ctx)->ssl_ctx);
	free(*ctx);
	*ctx = NULL;
}

const struct pin *
tls_ctx_pin(const struct tls_ctx *ctx)
{
	return &ctx->own_pin;
}
