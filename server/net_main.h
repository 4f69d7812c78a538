/*
 * net_main.h - the process that meets strangers
 *
 * TLS, the few bytes of an enrolment or prologue, and the lengths of frames;
 * no rights, no files, no other process but the monitor and the store.
 */
#ifndef SERVER_NET_MAIN_H
#define SERVER_NET_MAIN_H

#include <stdint.h>

#include "base/err.h"
#include "net/tls_ctx.h"
#include "priv/sandbox.h"
#include "server/settings.h"

struct net_args {
	const struct server_settings *set;
	struct tls_ctx *tls;
	int conn;		/* the connection */
	int channel;		/* to the monitor */
	const char *peer;	/* address, for people */
	uint64_t deadline_ms;	/* clock_mono_ms: the peer is known until then */
};

/* Give up all rights and serve the connection; returns the exit status. */
int net_main(struct net_args *args);

/* The first half of it, which the server also tries when it starts. */
int net_confine(const struct server_settings *set,
    struct sandbox_report *report, struct err *err);

#endif
