/*
 * auth.h - what the peers file says of a key, and enrolment into it
 */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include "base/err.h"
#include "net/greeting.h"
#include "net/peers.h"
#include "net/tls_ctx.h"
#include "server/settings.h"

struct auth_result {
	enum tls_verdict verdict;
	const char *reason;	/* one word for the log */
	char *users;		/* as in struct peer; NULL unless accepted */
	enum peer_right access;
	char name[PEERS_NAME_MAX + 1];
};

/*
 * Judge a peer.  For TLS_ALPN_ENROL any key that was not refused by name is
 * accepted; it can do nothing but prove that it has a token.  Trouble of our
 * own refuses, and is logged.
 */
void auth_judge(const struct server_settings *set,
    const struct tls_peer *peer, struct auth_result *result_r);
void auth_result_deinit(struct auth_result *result);

/* May the judged peer act for this user? */
bool auth_allows(const struct auth_result *result, const char *user);

/*
 * Try the proof of a peer that was accepted for enrolment and list its key.
 * *reason_r: one word for the log.
 */
void auth_enrol(const struct server_settings *set,
    const struct enrol_request *request, const uint8_t exporter[static 32],
    const struct pin *pin, struct enrol_reply *reply_r,
    const char **reason_r);

#endif
