#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "log/log.h"
#include "net/token.h"
#include "server/auth.h"

static void
complain(void *arg, const char *text)
{
	(void)arg;
	log_error("bad line in the peers file where=%s", text);
}

static enum tls_verdict
verdict_of(enum peer_status status)
{
	switch (status) {
	case PEER_OK:
		return TLS_ACCEPTED;
	case PEER_UNKNOWN:
		return TLS_UNKNOWN;
	case PEER_REVOKED:
		return TLS_REVOKED;
	case PEER_EXPIRED:
		return TLS_EXPIRED;
	case PEER_BAD_LINE:
	case PEER_TWICE:
		return TLS_DENIED;
	}
	abort();
}

/* The line of the key counts; else, by CA, that of the first listed name. */
static enum peer_status
find_line(const struct peers *peers, const struct tls_peer *peer,
    const struct peer **line_r)
{
	const uint64_t now = clock_now_ms();
	enum peer_status status = peers_find_pin(peers, &peer->pin, now,
	    line_r);

	for (unsigned int i = 0; i < peer->name_count &&
	    status == PEER_UNKNOWN; i++)
		status = peers_find_cn(peers, peer->names[i], now, line_r);
	return status;
}

static void
judge_line(const struct peers *peers, const struct tls_peer *peer,
    struct auth_result *result)
{
	const struct peer *line = NULL;
	enum peer_status status = find_line(peers, peer, &line);

	result->verdict = verdict_of(status);
	result->reason = peer_status_word(status);
	if (status == PEER_UNKNOWN && peer->name_count > 0)
		result->reason = "unknown_name";
	if (status != PEER_OK)
		return;
	result->users = mem_strdup(line->users);
	result->access = line->access;
	memcpy(result->name, line->name, sizeof(result->name));
}

static void
judge_enrolment(const struct server_settings *set, const struct peers *peers,
    const struct tls_peer *peer, struct auth_result *result)
{
	const struct peer *line = NULL;

	result->verdict = TLS_ACCEPTED;
	result->reason = "ok";
	if (set->ssl_ca != NULL) {
		result->verdict = TLS_DENIED;
		result->reason = "no_enrolment";
	} else if (peers_find_pin(peers, &peer->pin, 0, &line) ==
	    PEER_REVOKED) {
		result->verdict = TLS_REVOKED;
		result->reason = "revoked";
	}
}

void
auth_judge(const struct server_settings *set, const struct tls_peer *peer,
    struct auth_result *result_r)
{
	struct peers peers = { .n = 0 };
	struct err err = ERR_INIT;

	memset(result_r, 0, sizeof(*result_r));
	result_r->verdict = TLS_BUSY;
	result_r->reason = "peers_file";
	/* Without a file nobody is known, and enrolment makes one. */
	if (peers_read(&peers, set->peers, complain, NULL, &err) == -1 &&
	    err.code != ERR_NOTFOUND) {
		log_error("cannot read the peers file error=%s", err.msg);
		return;
	}
	switch (peer->alpn) {
	case TLS_ALPN_DSYNC:
		judge_line(&peers, peer, result_r);
		break;
	case TLS_ALPN_ENROL:
		judge_enrolment(set, &peers, peer, result_r);
		break;
	}
	peers_deinit(&peers);
}

void
auth_result_deinit(struct auth_result *result)
{
	free(result->users);
	result->users = NULL;
}

bool
auth_allows(const struct auth_result *result, const char *user)
{
	const struct peer line = { .users = result->users };

	return result->users != NULL && peer_allows(&line, user);
}

static void
list_key(const struct server_settings *set, const struct token_grant *grant,
    const struct pin *pin, struct enrol_reply *reply, const char **reason_r)
{
	char user[PEERS_USER_MAX + 1];
	struct peer line = { .has_pin = true, .pin = *pin,
	    .access = grant->access };
	struct err err = ERR_INIT;

	memcpy(user, grant->user, sizeof(user));
	line.users = user;
	memcpy(line.name, grant->name, sizeof(line.name));
	if (peers_add(set->peers, &line, &err) == 0) {
		reply->status = ENROL_OK;
		memcpy(reply->user, grant->user, sizeof(reply->user));
		*reason_r = "ok";
		return;
	}
	reply->status = err.code == ERR_PERM && err.errnum == 0 ?
	    ENROL_LISTED : ENROL_BUSY;
	*reason_r = reply->status == ENROL_LISTED ? "already_listed" :
	    "peers_file";
	log_error("cannot list the key of a token user=%s error=%s",
	    grant->user, err.msg);
}

void
auth_enrol(const struct server_settings *set,
    const struct enrol_request *request, const uint8_t exporter[static 32],
    const struct pin *pin, struct enrol_reply *reply_r,
    const char **reason_r)
{
	struct token_grant grant;
	struct err err = ERR_INIT;
	enum token_result result;

	memset(reply_r, 0, sizeof(*reply_r));
	result = token_claim(set->token_dir, request->id, request->proof,
	    exporter, pin, &grant, &err);
	*reason_r = token_result_word(result);
	switch (result) {
	case TOKEN_OK:
		list_key(set, &grant, pin, reply_r, reason_r);
		return;
	case TOKEN_UNKNOWN:
	case TOKEN_EXPIRED:
	case TOKEN_WRONG:
		reply_r->status = ENROL_REFUSED;
		return;
	case TOKEN_ERROR:
		log_error("cannot try a token error=%s", err.msg);
		reply_r->status = ENROL_BUSY;
		return;
	}
}
