/*
 * monitor.h - the privileged side of one connection
 */
#ifndef SERVER_MONITOR_H
#define SERVER_MONITOR_H

#include <stdint.h>

#include "net/tls_ctx.h"
#include "server/settings.h"
#include "server/slots.h"

/* Exit statuses of a monitor, for listen. */
#define MONITOR_OK	0	/* the peer was known */
#define MONITOR_REFUSED	3	/* it was not, or may not */

struct monitor_args {
	const struct server_settings *set;
	struct tls_ctx *tls;
	struct slots *slots;
	int slot;
	int conn;		/* the connection, accepted */
	char peer[64];		/* its address, for people */
	uint64_t accepted_ms;	/* clock_mono_ms */
};

/*
 * Serve one connection: fork net, answer its requests, fork the store, wait
 * for both.  Runs in a process of its own.  Returns its exit status.
 */
int monitor_main(struct monitor_args *args);

#endif
