/*
 * tls_internal.h - what the files for TLS and keys share; for this folder
 */
#ifndef NET_TLS_INTERNAL_H
#define NET_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "net/pin.h"
#include "net/stream.h"
#include "net/stream_tls.h"
#include "net/tls_ctx.h"

struct tls_ctx {
	SSL_CTX *ssl_ctx;
	bool server;
	bool by_ca;		/* chains are verified; else keys are pinned */
	struct pin own_pin;
};

struct stream_tls {
	struct stream base;
	SSL *ssl;
	int fd;
	struct tls_ctx *ctx;	/* of the caller, who keeps it */
	short read_events, write_events;
	bool done;		/* the handshake */
	bool ended;		/* close_notify came */
	bool shut;		/* close_notify went out */
	bool notified;		/* close_notify is in the buffer of out */
	bool more;		/* what was read holds more than we gave */
	BIO *out;		/* collects records; belongs to ssl */
	size_t taken;		/* bytes in the buffer of out that the caller
				   does not know to be written */
	unsigned int key_updates;
	const char *reason;
	struct err failure;	/* code ERR_NONE: none so far */
	struct tls_peer peer;

	tls_judge *judge;	/* server */
	void *judge_arg;
	enum tls_alpn alpn;	/* client: what we asked for */
	bool has_pin;
	struct pin pin;
};

/* The names of TLS_ALPN_*. */
extern const char *const tls_alpn_names[2];

int tls_pin_of_pkey(EVP_PKEY *pkey, struct pin *pin_r, struct err *err);
int tls_load_key(const char *key_file, EVP_PKEY **pkey_r, struct err *err);

/* Forget what OpenSSL queued for this thread. */
void tls_errors_clear(void);

/* The certificate callback of all contexts; its arg is not used. */
int tls_verify(X509_STORE_CTX *store_ctx, void *arg);
/* What both sides agreed to speak; false: nothing. */
bool tls_find_alpn(const SSL *ssl, enum tls_alpn *alpn_r);

#endif
