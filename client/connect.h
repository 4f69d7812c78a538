/*
 * connect.h - from a server's name to a stream that speaks frames
 *
 * Resolves the name, tries its addresses in turn, does TLS with the pinned key
 * (or by CA), and says which mail user is meant.  Nothing waits for an answer
 * of the server after the handshake: that the server refuses us, or the user,
 * is the error of the first stream_read.
 */
#ifndef CLIENT_CONNECT_H
#define CLIENT_CONNECT_H

#include <stdbool.h>

#include "base/err.h"
#include "net/pin.h"
#include "net/servers.h"
#include "net/tls_ctx.h"

struct location_host;
struct stream;

struct connect_options {
	const char *config_dir;	/* NULL: keys_config_dir */
	const char *ca_file;	/* ssl_ca; NULL: pinned keys */
	const char *crl_file;	/* ssl_crl, or NULL */
	const char *key_file;	/* NULL: key.pem and cert.pem in config_dir */
	const char *cert_file;
	const char *user;	/* where neither the host nor servers names one */
	unsigned int timeout;	/* seconds for each address; above 0 */
	/* Called, unless NULL, before the first byte of the server is looked
	   at; after it no file and no new socket is needed. */
	int (*confine)(struct err *err);
};

/*
 * Connect to a server and name the user: that of host, else that of the
 * server's line, else options->user.  The error says what can be done:
 * ERR_CONFIG, no key here or the server is not pinned ("dsync enrol");
 * ERR_TEMP, unreachable, refused or silent; ERR_PERM, the key of the server
 * changed.
 */
int connect_open(const struct location_host *host,
    const struct connect_options *options, struct stream **stream_r,
    struct err *err);

/* The same up to the handshake: no user is named and no refusal looked for. */
int connect_bare(const struct location_host *host,
    const struct connect_options *options, struct stream **stream_r,
    struct err *err);

/* Can a server have a user of this name?  Else ERR_CONFIG. */
int connect_check_user(const char *user, struct err *err);

/* Send the prologue, within timeout seconds. */
int connect_name_user(struct stream *stream, const char *user,
    unsigned int timeout, struct err *err);

/*
 * A stream that takes stream over and gives out what it gives; but if the
 * server refuses the user that it was told, that is the error of a read.
 */
struct stream *connect_checked(struct stream *stream, const char *user);

/*
 * Without user and prologue: TLS to an address whose key must be
 * pin, for this protocol.  ctx must outlive the stream.
 */
int connect_tls(const struct server_addr *addr, struct tls_ctx *ctx,
    enum tls_alpn alpn, const struct pin *pin, unsigned int timeout,
    struct stream **stream_r, struct err *err);

#endif
