#include "config.h"

#include <sys/prctl.h>

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "log/log.h"
#include "net/greeting.h"
#include "net/poll.h"
#include "net/stream_fd.h"
#include "net/stream_tls.h"
#include "priv/channel.h"
#include "priv/drop.h"
#include "server/log_setup.h"
#include "server/net_main.h"
#include "server/relay.h"
#include "server/request.h"

#define CONN_FD		3
#define CHANNEL_FD	4
#define LINGER_MS	2000U	/* for a refused peer to read its alert */
#define END_MS		15000U	/* for a store to end */

struct net {
	struct net_args *args;
	struct stream *peer;
	struct priv_reply auth;		/* what the monitor said */
	char pin[PIN_TEXT_SIZE];
	struct relay_input input;
};

static void
log_refused(const struct net *net, const char *reason, const char *detail)
{
	log_info("connection refused reason=%s addr=%s key=%s detail=%s",
	    reason, net->args->peer, net->pin[0] != '\0' ? net->pin : "none",
	    detail);
}

static int
ask(struct net *net, const struct priv_message *message, uint64_t deadline,
    struct priv_reply *reply, int *passed_r, struct err *err)
{
	int passed = -1;
	ssize_t n;

	if (channel_send(net->args->channel, message, sizeof(*message), -1,
	    err) == -1)
		return -1;
	n = channel_recv(net->args->channel, reply, sizeof(*reply), &passed,
	    deadline, err);
	if (n == (ssize_t)sizeof(*reply) &&
	    reply->request == message->request) {
		*passed_r = passed;
		return 0;
	}
	if (passed != -1)
		(void)close(passed);
	return n == -1 ? -1 : err_set(err, ERR_TEMP, "the monitor does not "
	    "answer");
}

/* Called inside the handshake: the certificate is judged by the monitor. */
static enum tls_verdict
judge(void *arg, const struct tls_peer *peer)
{
	struct net *net = arg;
	struct priv_message message;
	struct err err = ERR_INIT;
	int passed = -1;

	pin_format(net->pin, &peer->pin);
	memset(&message, 0, sizeof(message));
	message.request = PRIV_AUTH;
	message.u.auth = *peer;
	if (ask(net, &message, net->args->deadline_ms + LINGER_MS, &net->auth,
	    &passed, &err) == -1) {
		log_error("no judgement addr=%s error=%s", net->args->peer,
		    err.msg);
		strlcpy(net->auth.reason, "monitor", sizeof(net->auth.reason));
		return TLS_BUSY;
	}
	if (passed != -1)
		(void)close(passed);
	return net->auth.u.verdict;
}

static int
handshake(struct net *net, struct err *err)
{
	const char *reason;

	if (stream_tls_accept(net->args->tls, net->args->conn,
	    net->args->peer, judge, net, &net->peer, err) == -1)
		return -1;
	if (stream_tls_handshake_full(net->peer, net->args->deadline_ms, err)
	    == 0)
		return 0;
	/* The monitor's word says more than the alert that it chose. */
	reason = net->auth.request == PRIV_AUTH &&
	    net->auth.u.verdict != TLS_ACCEPTED ? net->auth.reason :
	    stream_tls_reason(net->peer);
	log_refused(net, reason, err->msg);
	stream_tls_linger(net->peer, clock_mono_ms() + LINGER_MS);
	return -1;
}

/* End our side, and give the peer time to read what we sent. */
static void
end_gently(struct net *net)
{
	struct err err = ERR_INIT;
	uint64_t deadline = clock_mono_ms() + LINGER_MS;
	struct poll_set set;

	while (stream_shutdown(net->peer, &err) == STREAM_WAIT) {
		poll_set_init(&set, deadline);
		poll_set_stream(&set, net->peer, STREAM_WRITE);
		if (poll_set_wait(&set, &err) != 1)
			return;
	}
	stream_tls_linger(net->peer, deadline);
}

static int
enrol(struct net *net)
{
	uint8_t bytes[ENROL_REQUEST_SIZE], answer[ENROL_REPLY_SIZE];
	struct priv_message message;
	struct priv_reply reply;
	struct err err = ERR_INIT;
	int passed = -1;

	memset(&message, 0, sizeof(message));
	message.request = PRIV_ENROL;
	if (stream_read_full(net->peer, bytes, sizeof(bytes),
	    net->args->deadline_ms, &err) == -1) {
		log_refused(net, "no_proof", err.msg);
		return 1;
	}
	enrol_request_parse(&message.u.enrol.request, bytes);
	if (stream_tls_exporter(net->peer, message.u.enrol.exporter, &err) ==
	    -1 || ask(net, &message, net->args->deadline_ms + LINGER_MS,
	    &reply, &passed, &err) == -1) {
		log_error("enrolment fails addr=%s error=%s", net->args->peer,
		    err.msg);
		return 1;
	}
	if (passed != -1)
		(void)close(passed);
	if (reply.u.enrol.status == ENROL_OK)
		log_info("key enrolled user=%s addr=%s key=%s",
		    reply.u.enrol.user, net->args->peer, net->pin);
	else
		log_refused(net, reply.reason, "enrolment");
	enrol_reply_format(answer, &reply.u.enrol);
	if (stream_write_full(net->peer, answer, sizeof(answer),
	    net->args->deadline_ms + LINGER_MS, &err) == 0)
		end_gently(net);
	return 0;
}

/*
 * Read until the prologue is whole, and take it out of net->input.  Returns 1,
 * 0 if the peer ended without a byte of it, -1.
 */
static int
read_prologue(struct net *net, uint64_t deadline, char *user_r,
    struct err *err)
{
	struct relay_input *in = &net->input;
	struct poll_set set;
	size_t used = 0;
	ssize_t n;
	int r;

	while ((r = prologue_parse(user_r, &used, in->data, in->len, err)) ==
	    0) {
		n = stream_read(net->peer, in->data + in->len,
		    RELAY_BUFFER - in->len, err);
		if (n == 0 && in->len > 0)
			return err_set(err, ERR_PROTO, "the peer ended "
			    "within the name of a user");
		if (n == 0 || n == -1)
			return (int)n;
		if (n > 0) {
			in->len += (size_t)n;
			continue;
		}
		poll_set_init(&set, deadline);
		poll_set_stream(&set, net->peer, STREAM_READ);
		r = poll_set_wait(&set, err);
		if (r == 0)
			err_set(err, ERR_TEMP, "no user was named in time");
		if (r != 1)
			return -1;
	}
	if (r == 1) {
		in->len -= used;
		memmove(in->data, in->data + used, in->len);
	}
	return r;
}

static void
refuse_user(struct net *net, const struct priv_reply *reply,
    const char *user)
{
	uint8_t bytes[REFUSAL_SIZE];
	struct err err = ERR_INIT;

	log_refused(net, reply->reason, user);
	if (reply->u.refusal == 0) {
		end_gently(net);
		return;
	}
	refusal_format(bytes, (enum refusal)reply->u.refusal);
	if (stream_write_full(net->peer, bytes, sizeof(bytes),
	    clock_mono_ms() + LINGER_MS, &err) == 0)
		end_gently(net);
}

/* Has the store ended as after a whole run? */
static bool
ended_well(struct net *net)
{
	struct priv_message message;
	struct priv_reply reply;
	struct err err = ERR_INIT;
	int passed = -1;

	memset(&message, 0, sizeof(message));
	message.request = PRIV_END;
	if (ask(net, &message, clock_mono_ms() + END_MS, &reply, &passed,
	    &err) == -1) {
		log_error("no word about the store addr=%s error=%s",
		    net->args->peer, err.msg);
		return false;
	}
	if (passed != -1)
		(void)close(passed);
	return reply.u.ended_well;
}

/* Returns 1 if another user may follow, 0 if none does, -1 on failure. */
static int
carry(struct net *net, struct stream *store, const char *user)
{
	const struct server_settings *set = net->args->set;
	const struct relay_limits limits = {
		.idle_s = set->idle_timeout,
		.quiet_s = set->quiet_timeout,
		.min_rate = set->min_rate,
	};
	struct relay_stats stats;
	struct err err = ERR_INIT;
	uint64_t start = clock_mono_ms();
	struct relay *relay;
	int ret;

	if (set->verbose || set->debug)
		log_info("connection open user=%s peer=%s addr=%s key=%s",
		    user, net->auth.name, net->args->peer, net->pin);
	relay = relay_new(net->peer, store, &net->input, &limits, &stats);
	ret = relay_run(relay, &err);
	if (ret == -1 || set->verbose || set->debug)
		log_info("connection end user=%s addr=%s in=%llu out=%llu "
		    "ms=%llu error=%s", user, net->args->peer,
		    (unsigned long long)stats.in,
		    (unsigned long long)stats.out,
		    (unsigned long long)(clock_mono_ms() - start),
		    ret == 0 ? "none" : err.msg);
	if (ret == 0 && ended_well(net) &&
	    (ret = relay_await(relay, &err)) == -1)
		log_info("connection end user=%s addr=%s error=%s", user,
		    net->args->peer, err.msg);
	relay_free(&relay);
	return ret;
}

/* Ask the monitor for a store.  Returns 0, or -1; the peer has been told. */
static int
start_store(struct net *net, const char *user, struct stream **store_r)
{
	struct priv_message message;
	struct priv_reply reply;
	struct err err = ERR_INIT;
	int passed = -1;

	memset(&message, 0, sizeof(message));
	message.request = PRIV_START;
	memcpy(message.u.user, user, strlen(user) + 1);
	if (ask(net, &message, clock_mono_ms() + END_MS, &reply, &passed,
	    &err) == -1) {
		log_error("no store user=%s addr=%s error=%s", user,
		    net->args->peer, err.msg);
		return -1;
	}
	if (passed == -1) {
		refuse_user(net, &reply, user);
		return -1;
	}
	if (stream_fd_new(passed, passed, "store", store_r, &err) == -1) {
		log_error("no store addr=%s error=%s", net->args->peer,
		    err.msg);
		(void)close(passed);
		return -1;
	}
	return 0;
}

/* One user after the other, each with a store of its own. */
static int
serve(struct net *net)
{
	uint64_t deadline = net->args->deadline_ms;
	char user[PEERS_USER_MAX + 1];
	struct stream *store = NULL;
	struct err err = ERR_INIT;
	bool first = true;
	int ret;

	net->input.data = mem_alloc(RELAY_BUFFER);
	do {
		ret = read_prologue(net, deadline, user, &err);
		if (ret == 0 && first)
			ret = err_set(&err, ERR_PROTO, "the peer ended "
			    "without a word");
		if (ret == -1)
			log_refused(net, "bad_prologue", err.msg);
		if (ret != 1)
			break;
		if (start_store(net, user, &store) == -1) {
			ret = -1;
			break;
		}
		first = false;
		ret = carry(net, store, user);
		stream_close(&store);
		deadline = clock_mono_ms() +
		    net->args->set->idle_timeout * 1000ULL;
	} while (ret == 1);
	if (ret == 0)
		end_gently(net);
	free(net->input.data);
	return ret == 0 ? 0 : 1;
}

int
net_confine(const struct server_settings *set, struct sandbox_report *report,
    struct err *err)
{
	struct drop drop = { .chroot_dir = set->chroot_dir };
	const struct passwd *pw;

	if (geteuid() == 0) {
		errno = 0;
		pw = getpwnam(set->net_user);
		if (pw == NULL)
			return err_set(err, ERR_CONFIG, "there is no user %s "
			    "(net_user)", set->net_user);
		drop.uid = pw->pw_uid;
		drop.gid = pw->pw_gid;
		if (drop_to(&drop, err) == -1)
			return -1;
	}
	if (drop_new_rights(err) == -1 ||
	    sandbox_paths(NULL, 0, report, err) == -1 ||
	    sandbox_calls_net(report, err) == -1)
		return -1;
	return 0;
}

/* Only three descriptors of the server's and the two of this connection. */
static int
keep_two(struct net_args *args, struct err *err)
{
	int conn = args->conn, channel = args->channel;

	/* Out of the way of the numbers that they will get. */
	if (conn == CHANNEL_FD && (conn = dup(conn)) == -1)
		return err_sys(err, "dup");
	if (channel == CONN_FD && (channel = dup(channel)) == -1)
		return err_sys(err, "dup");
	if ((conn != CONN_FD && dup2(conn, CONN_FD) == -1) ||
	    (channel != CHANNEL_FD && dup2(channel, CHANNEL_FD) == -1))
		return err_sys(err, "dup2");
	args->conn = CONN_FD;
	args->channel = CHANNEL_FD;
	closefrom(CHANNEL_FD + 1);
	return 0;
}

int
net_main(struct net_args *args)
{
	struct net net = { .args = args };
	struct sandbox_report report = { .landlock = false };
	struct err err = ERR_INIT;
	int ret = 1;

	if (keep_two(args, &err) == -1)
		goto out;
	server_log_setup(args->set);
	if (net_confine(args->set, &report, &err) == -1)
		goto out;
	/* After the change of uid, which clears it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (handshake(&net, &err) == -1)
		goto done;
	switch (stream_tls_peer(net.peer)->alpn) {
	case TLS_ALPN_ENROL:
		ret = enrol(&net);
		break;
	case TLS_ALPN_DSYNC:
		ret = serve(&net);
		break;
	}
	goto done;
out:
	log_error("net cannot start addr=%s error=%s", args->peer, err.msg);
done:
	stream_close(&net.peer);
	return ret;
}
