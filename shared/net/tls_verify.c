/* Who is at the other end: the certificates of both sides are judged here. */
#include "config.h"

#include <string.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/array.h"
#include "net/stream_tls.h"
#include "net/tls_internal.h"

#define KEY_BITS_MIN	112		/* as security level 2 */

/* Verdicts, the X.509 errors that make OpenSSL send the alert, their words. */
static const struct verdict {
	const char *word;
	int x509_error;
} verdicts[] = {
	[TLS_ACCEPTED] = { "accepted", X509_V_OK },
	[TLS_UNKNOWN] = { "unknown_key",
	    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	[TLS_REVOKED] = { "revoked", X509_V_ERR_CERT_REVOKED },
	[TLS_EXPIRED] = { "expired", X509_V_ERR_CERT_HAS_EXPIRED },
	[TLS_DENIED] = { "denied", X509_V_ERR_CERT_REJECTED },
	[TLS_BUSY] = { "busy", X509_V_ERR_STORE_LOOKUP },
};

/* Why a chain failed, for our log. */
static const struct x509_word {
	int error;
	const char *word;
} x509_words[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED, "expired" },
	{ X509_V_ERR_CERT_NOT_YET_VALID, "not_yet_valid" },
	{ X509_V_ERR_CERT_REVOKED, "revoked" },
	{ X509_V_ERR_CRL_HAS_EXPIRED, "stale_crl" },
	{ X509_V_ERR_CRL_NOT_YET_VALID, "stale_crl" },
	{ X509_V_ERR_UNABLE_TO_GET_CRL, "no_crl" },
	{ X509_V_ERR_CRL_SIGNATURE_FAILURE, "bad_crl" },
	{ X509_V_ERR_HOSTNAME_MISMATCH, "wrong_host" },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH, "wrong_host" },
	{ X509_V_ERR_INVALID_PURPOSE, "wrong_purpose" },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, "weak_key" },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, "weak_key" },
	{ X509_V_ERR_CA_MD_TOO_WEAK, "weak_signature" },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, "long_chain" },
};

const char *
tls_verdict_word(enum tls_verdict verdict)
{
	return verdicts[verdict].word;
}

static int
verify_refuse(X509_STORE_CTX *store_ctx, struct stream_tls *s, int error,
    const char *word)
{
	s->reason = word;
	X509_STORE_CTX_set_error(store_ctx, error);
	return 0;
}

static int
verify_chain(X509_STORE_CTX *store_ctx, struct stream_tls *s)
{
	int error;

	if (X509_verify_cert(store_ctx) == 1)
		return 1;
	error = X509_STORE_CTX_get_error(store_ctx);
	for (size_t i = 0; i < nitems(x509_words); i++) {
		if (x509_words[i].error == error)
			return verify_refuse(store_ctx, s, error,
			    x509_words[i].word);
	}
	return verify_refuse(store_ctx, s,
	    error != X509_V_OK ? error : X509_V_ERR_UNSPECIFIED, "wrong_ca");
}

static void
peer_add_name(struct tls_peer *peer, const ASN1_STRING *text)
{
	const char *data = (const char *)ASN1_STRING_get0_data(text);
	size_t len = (size_t)ASN1_STRING_length(text);

	/* A NUL inside makes a name that is not what it looks like. */
	if (len == 0 || len >= TLS_NAME_MAX || memchr(data, '\0', len) != NULL
	    || peer->name_count == TLS_NAMES_MAX)
		return;
	memcpy(peer->names[peer->name_count], data, len);
	peer->names[peer->name_count++][len] = '\0';
}

static void
peer_set_names(struct tls_peer *peer, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name,
	    NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(cert);
	const GENERAL_NAME *name;
	int at;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS || name->type == GEN_EMAIL)
			peer_add_name(peer, name->d.ia5);
	}
	GENERAL_NAMES_free(names);
	if (peer->name_count > 0)
		return;
	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	/* Two common names: nobody can say which one was meant. */
	if (at >= 0 &&
	    X509_NAME_get_index_by_NID(subject, NID_commonName, at) < 0)
		peer_add_name(peer, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(subject, at)));
}

bool
tls_find_alpn(const SSL *ssl, enum tls_alpn *alpn_r)
{
	const unsigned char *name;
	unsigned int len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	for (int i = 0; i < 2; i++) {
		if (len == strlen(tls_alpn_names[i]) &&
		    memcmp(name, tls_alpn_names[i], len) == 0) {
			*alpn_r = (enum tls_alpn)i;
			return true;
		}
	}
	return false;
}

static int
verify_client(X509_STORE_CTX *store_ctx, struct stream_tls *s)
{
	enum tls_verdict verdict;

	/* OpenSSL goes on without ALPN if the client sent none. */
	if (!tls_find_alpn(s->ssl, &s->peer.alpn))
		return verify_refuse(store_ctx, s, X509_V_ERR_CERT_REJECTED,
		    "no_alpn");
	verdict = s->judge(s->judge_arg, &s->peer);
	if (verdict == TLS_ACCEPTED)
		return 1;
	return verify_refuse(store_ctx, s, verdicts[verdict].x509_error,
	    verdicts[verdict].word);
}

static int
verify_server(X509_STORE_CTX *store_ctx, struct stream_tls *s)
{
	if (!s->has_pin || pin_equal(&s->pin, &s->peer.pin))
		return 1;
	return verify_refuse(store_ctx, s,
	    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "wrong_key");
}

int
tls_verify(X509_STORE_CTX *store_ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct stream_tls *s = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get0_cert(store_ctx);
	EVP_PKEY *pkey = cert != NULL ? X509_get0_pubkey(cert) : NULL;
	struct err err = ERR_INIT;

	(void)arg;
	if (pkey == NULL ||
	    tls_pin_of_pkey(pkey, &s->peer.pin, &err) == -1)
		return verify_refuse(store_ctx, s,
		    X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, "bad_key");
	if (EVP_PKEY_get_security_bits(pkey) < KEY_BITS_MIN)
		return verify_refuse(store_ctx, s, X509_V_ERR_EE_KEY_TOO_SMALL,
		    "weak_key");
	if (s->ctx->by_ca && verify_chain(store_ctx, s) != 1)
		return 0;
	if (s->ctx->by_ca)
		peer_set_names(&s->peer, cert);
	X509_STORE_CTX_set_error(store_ctx, X509_V_OK);
	return s->ctx->server ? verify_client(store_ctx, s) :
	    verify_server(store_ctx, s);
}
