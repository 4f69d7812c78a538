/*
 * listen.h - the port: accepts connections and starts a monitor for each
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "base/err.h"
#include "server/settings.h"

#define LISTEN_MAX	16U	/* addresses */

/*
 * Serve until SIGTERM or SIGINT.  SIGHUP reads key, certificate, CA and
 * revocation lists again; the peers file is read for each connection anyway.
 */
int listen_main(const struct server_settings *set, struct err *err);

#endif
