/*
 * stream_tls.h - a stream of TLS over a connected socket
 *
 * A connection that ends without close_notify is an error: cut data never
 * looks complete.
 *
 * In TLS 1.3 the client has done its handshake before the server has looked at
 * its certificate.  So the client learns from its first read that it was
 * refused; the error then says why and names our key.
 */
#ifndef NET_STREAM_TLS_H
#define NET_STREAM_TLS_H

#include <stdint.h>

#include "net/stream.h"
#include "net/tls_ctx.h"

#define STREAM_TLS_EXPORTER_SIZE 32U	/* bytes */

/*
 * What the server thinks of a peer; called once, inside the handshake.  It may
 * take its time.  The verdict reaches the client as a TLS alert.
 */
typedef enum tls_verdict tls_judge(void *arg, const struct tls_peer *peer);

/*
 * The server's end.  The descriptor is non-blocking from now on and closed
 * with the stream; on failure (-1) it is still the caller's.
 */
int stream_tls_accept(struct tls_ctx *ctx, int fd, const char *peer,
    tls_judge *judge, void *arg, struct stream **stream_r, struct err *err);

struct tls_expect {
	enum tls_alpn alpn;
	const struct pin *pin;	/* the key that must come; NULL: by CA */
	const char *host;	/* by CA: the name or address that it must have */
};

/* The client's end; expect is copied, the rest as above. */
int stream_tls_connect(struct tls_ctx *ctx, int fd, const char *peer,
    const struct tls_expect *expect, struct stream **stream_r,
    struct err *err);

/* Go on with the handshake.  Returns 0 when done, STREAM_WAIT or -1. */
int stream_tls_handshake(struct stream *stream, struct err *err);

/* Blocking: the whole handshake, until deadline (clock_mono_ms). */
int stream_tls_handshake_full(struct stream *stream, uint64_t deadline,
    struct err *err);

/* The peer; valid after the handshake, as long as the stream lives. */
const struct tls_peer *stream_tls_peer(const struct stream *stream);

/* A value that only the two ends of this connection know. */
int stream_tls_exporter(struct stream *stream,
    uint8_t out[static STREAM_TLS_EXPORTER_SIZE], struct err *err);

/*
 * One word for a log line: why the handshake or the connection failed, such
 * as "revoked", "wrong_ca", "tls_version"; "none" if it did not.
 */
const char *stream_tls_reason(const struct stream *stream);

/*
 * Blocking: after a failed handshake end our side, and read and drop what
 * comes until the peer ended too, 256 KiB came, or the deadline.  Without this
 * the kernel answers unread bytes by a reset that overtakes the alert.
 */
void stream_tls_linger(struct stream *stream, uint64_t deadline);

/* The word for a verdict, as in stream_tls_reason. */
const char *tls_verdict_word(enum tls_verdict verdict);

#endif
