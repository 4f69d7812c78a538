/*
 * tls_internal.h - what tls_ctx, stream_tls and keys share; for this folder
 */
#ifndef NET_TLS_INTERNAL_H
#define NET_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "net/pin.h"
#include "net/tls_ctx.h"

struct tls_ctx {
	SSL_CTX *ssl_ctx;
	bool server;
	bool by_ca;		/* chains are verified; else keys are pinned */
	struct pin own_pin;
};

/* The names of TLS_ALPN_*. */
extern const char *const tls_alpn_names[2];

int tls_pin_of_pkey(EVP_PKEY *pkey, struct pin *pin_r, struct err *err);
int tls_load_key(const char *key_file, EVP_PKEY **pkey_r, struct err *err);

/* Forget what OpenSSL queued for this thread. */
void tls_errors_clear(void);

/* The certificate callback of all contexts; its arg is not used. */
int tls_verify(X509_STORE_CTX *store_ctx, void *arg);

#endif
