/*
 * The monitor never reads from the connection.  What it hears from net it
 * takes as if a stranger had said it: each request is allowed by the table
 * below or ends the connection.
 */
#include "config.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "log/log.h"
#include "net/poll.h"
#include "net/stream_fd.h"
#include "priv/channel.h"
#include "server/auth.h"
#include "server/monitor.h"
#include "server/net_main.h"
#include "server/request.h"
#include "server/store_main.h"
#include "server/user.h"

#define GRACE_MS	3000U	/* after a deadline, before we kill */
#define STORE_END_MS	10000U	/* for the store to end by itself */
#define RECHECK_MS	1000U	/* between two looks at who is allowed */

struct monitor {
	struct monitor_args *args;
	int channel;		/* to net */
	pid_t net, store;	/* 0: not running */
	unsigned int seen;	/* bits of requests answered */
	struct auth_result auth;
	struct tls_peer peer;	/* as net told it */
	bool accepted;		/* PRIV_AUTH said yes */
	bool started;		/* a store, be it over */
	bool ended_well;	/* the last one, with status 0 */
	bool asked_end;		/* net waits to hear of it */
	bool known;		/* the connection came to something */
	uint64_t kill_net_ms;	/* POLL_FOREVER: not yet */
	uint64_t kill_store_ms;
	uint64_t recheck_ms;	/* POLL_FOREVER: nobody is served */
};

static bool
text_ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static int
answer_auth(struct monitor *m, const struct priv_message *message,
    struct priv_reply *reply, int *pass, struct err *err)
{
	const struct tls_peer *peer = &message->u.auth;

	(void)pass;
	if (peer->name_count > TLS_NAMES_MAX ||
	    (unsigned int)peer->alpn > TLS_ALPN_ENROL)
		return err_set(err, ERR_PROTO, "bad peer from net");
	for (unsigned int i = 0; i < peer->name_count; i++) {
		if (!text_ends(peer->names[i], TLS_NAME_MAX))
			return err_set(err, ERR_PROTO, "bad name from net");
	}
	m->peer = *peer;
	auth_judge(m->args->set, &m->peer, &m->auth);
	if (m->auth.verdict == TLS_ACCEPTED &&
	    peer->alpn == TLS_ALPN_DSYNC &&
	    !slots_known(m->args->slots, m->args->slot, &peer->pin)) {
		m->auth.verdict = TLS_BUSY;
		m->auth.reason = "max_sessions_per_peer";
	}
	m->accepted = m->auth.verdict == TLS_ACCEPTED;
	m->known = m->accepted && peer->alpn == TLS_ALPN_DSYNC;
	if (m->known)
		m->recheck_ms = clock_mono_ms() + RECHECK_MS;
	reply->u.verdict = m->auth.verdict;
	strlcpy(reply->reason, m->auth.reason, sizeof(reply->reason));
	strlcpy(reply->name, m->auth.name, sizeof(reply->name));
	return 0;
}

static int
answer_enrol(struct monitor *m, const struct priv_message *message,
    struct priv_reply *reply, int *pass, struct err *err)
{
	const char *reason;

	(void)pass;
	if (m->peer.alpn != TLS_ALPN_ENROL)
		return err_set(err, ERR_PROTO, "enrolment where none began");
	auth_enrol(m->args->set, &message->u.enrol.request,
	    message->u.enrol.exporter, &m->peer.pin, &reply->u.enrol,
	    &reason);
	m->known = reply->u.enrol.status == ENROL_OK;
	strlcpy(reply->reason, reason, sizeof(reply->reason));
	return 0;
}

static enum refusal
refusal_of(const struct err *err)
{
	switch (err->code) {
	case ERR_NOTFOUND:
	case ERR_PERM:
		return REFUSAL_NO_USER;
	default:
		return REFUSAL_BUSY;
	}
}

/* Fork the store; its end of the socket pair goes to *pass for net. */
static int
start_store(struct monitor *m, struct account *user, int *pass,
    struct err *err)
{
	struct store_args args = {
		.set = m->args->set,
		.user = user,
		.access = m->auth.access,
		.peer = m->args->peer,
		.peer_name = m->auth.name,
		.next_user = true,
	};
	int fds[2];
	pid_t pid;

	if (fd_pair(fds, err) == -1)
		return -1;
	pid = fork();
	if (pid == 0) {
		poll_signal_reset();
		(void)close(fds[0]);
		_exit(store_main(fds[1], &args));
	}
	(void)close(fds[1]);
	if (pid == -1) {
		err_sys(err, "fork");
		(void)close(fds[0]);
		return -1;
	}
	m->store = pid;
	m->started = true;
	m->ended_well = false;
	*pass = fds[0];
	return 0;
}

/*
 * Before another user of the same connection, as before the first: what may
 * this peer do?  Returns false if it would not be let in.
 */
static bool
judge_again(struct monitor *m)
{
	struct auth_result now;

	auth_judge(m->args->set, &m->peer, &now);
	auth_result_deinit(&m->auth);
	m->auth = now;
	return now.verdict == TLS_ACCEPTED;
}

/* Refused as a stranger is: net has a moment to say so. */
static void
note_refused(struct monitor *m)
{
	uint64_t due = clock_mono_ms() + GRACE_MS;

	m->known = false;
	if (m->kill_net_ms < due)
		m->kill_net_ms = due;
}

static int
answer_start(struct monitor *m, const struct priv_message *message,
    struct priv_reply *reply, int *pass, struct err *err)
{
	const char *name = message->u.user;
	struct account user = { .name = NULL };
	struct err why = ERR_INIT;

	if (m->peer.alpn != TLS_ALPN_DSYNC ||
	    !text_ends(name, sizeof(message->u.user)))
		return err_set(err, ERR_PROTO, "bad user from net");
	if (m->store != 0 || (m->started && !m->ended_well))
		return err_set(err, ERR_PROTO, "a user from net before the "
		    "one before has ended well");
	strlcpy(reply->reason, "ok", sizeof(reply->reason));
	if (m->started && !judge_again(m)) {
		strlcpy(reply->reason, m->auth.reason, sizeof(reply->reason));
		return 0;
	}
	if (!auth_allows(&m->auth, name)) {
		reply->u.refusal = REFUSAL_USER;
		strlcpy(reply->reason, "user_not_allowed",
		    sizeof(reply->reason));
		note_refused(m);
		return 0;
	}
	if (user_find(m->args->set, name, &user, &why) == -1 ||
	    start_store(m, &user, pass, &why) == -1) {
		log_error("cannot serve a user user=%s addr=%s error=%s", name,
		    m->args->peer, why.msg);
		reply->u.refusal = refusal_of(&why);
		strlcpy(reply->reason, reply->u.refusal == REFUSAL_BUSY ?
		    "user_trouble" : "no_such_user", sizeof(reply->reason));
	}
	account_deinit(&user);
	return 0;
}

/* Answered by tell_end, once there is no store. */
static int
answer_end(struct monitor *m, const struct priv_message *message,
    struct priv_reply *reply, int *pass, struct err *err)
{
	(void)message;
	(void)reply;
	(void)pass;
	if (!m->started || m->asked_end)
		return err_set(err, ERR_PROTO, "a question from net about no "
		    "store");
	m->asked_end = true;
	return 0;
}

static int
tell_end(struct monitor *m, struct err *err)
{
	struct priv_reply reply = { .request = PRIV_END };

	if (!m->asked_end || m->store != 0)
		return 0;
	m->asked_end = false;
	reply.u.ended_well = m->ended_well;
	return channel_send(m->channel, &reply, sizeof(reply), -1, err);
}

#define PRIV_ONCE	0x1u	/* refused the second time */
#define PRIV_NEEDS_AUTH	0x2u	/* refused before PRIV_AUTH said yes */

static const struct priv_rule {
	enum priv_request request;
	unsigned int flags;
	int (*answer)(struct monitor *, const struct priv_message *,
	    struct priv_reply *, int *pass, struct err *);
} priv_rules[] = {
	{ PRIV_AUTH,	PRIV_ONCE,			answer_auth },
	{ PRIV_ENROL,	PRIV_ONCE | PRIV_NEEDS_AUTH,	answer_enrol },
	{ PRIV_START,	PRIV_NEEDS_AUTH,		answer_start },
	{ PRIV_END,	PRIV_NEEDS_AUTH,		answer_end },
};

static int
answer(struct monitor *m, const struct priv_message *message,
    struct err *err)
{
	const struct priv_rule *rule = NULL;
	struct priv_reply reply;
	unsigned int bit;
	int pass = -1, ret;

	for (size_t i = 0; i < nitems(priv_rules); i++) {
		if (priv_rules[i].request == message->request)
			rule = &priv_rules[i];
	}
	if (rule == NULL)
		return err_set(err, ERR_PROTO, "unknown request from net");
	bit = 1U << rule->request;
	if ((rule->flags & PRIV_ONCE) != 0 && (m->seen & bit) != 0)
		return err_set(err, ERR_PROTO, "a request from net again");
	if ((rule->flags & PRIV_NEEDS_AUTH) != 0 && !m->accepted)
		return err_set(err, ERR_PROTO, "a request from net before "
		    "its peer was accepted");
	m->seen |= bit;
	memset(&reply, 0, sizeof(reply));
	reply.request = message->request;
	ret = rule->answer(m, message, &reply, &pass, err);
	if (ret == 0 && !m->asked_end)
		ret = channel_send(m->channel, &reply, sizeof(reply), pass,
		    err);
	if (pass != -1)
		(void)close(pass);
	return ret;
}

/* Returns 1 for a request answered, 0 if net has closed its end. */
static int
serve_request(struct monitor *m, struct err *err)
{
	struct priv_message message;
	ssize_t n;

	memset(&message, 0, sizeof(message));
	n = channel_recv(m->channel, &message, sizeof(message), NULL,
	    clock_mono_ms(), err);
	if (n <= 0)
		return (int)n;
	if ((size_t)n != sizeof(message))
		return err_set(err, ERR_PROTO, "a request from net of %zd "
		    "bytes", n);
	return answer(m, &message, err) == -1 ? -1 : 1;
}

static void
end_child(pid_t pid, int sig)
{
	if (pid > 0)
		(void)kill(pid, sig);
}

static void
log_child(const struct monitor *m, const char *what, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
		log_error("a process was killed process=%s signal=%d addr=%s",
		    what, WTERMSIG(status), m->args->peer);
}

static void
reap(struct monitor *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == m->net) {
			log_child(m, "net", status);
			m->net = 0;
			m->kill_net_ms = POLL_FOREVER;
			/* The store sees the end of its socket and ends. */
			m->kill_store_ms = clock_mono_ms() + STORE_END_MS;
		} else if (pid == m->store) {
			log_child(m, "store", status);
			m->store = 0;
			m->ended_well = WIFEXITED(status) &&
			    WEXITSTATUS(status) == 0;
		}
	}
}

/*
 * Whoever was let in may be shut out while it is served: its key is revoked,
 * its time is over, or it may do less than before.
 */
static void
recheck(struct monitor *m)
{
	struct auth_result now;

	if (m->net == 0 || clock_mono_ms() < m->recheck_ms)
		return;
	m->recheck_ms = clock_mono_ms() + RECHECK_MS;
	auth_judge(m->args->set, &m->peer, &now);
	if (now.verdict == TLS_UNKNOWN || now.verdict == TLS_REVOKED ||
	    now.verdict == TLS_EXPIRED || (now.verdict == TLS_ACCEPTED &&
	    (now.access != m->auth.access ||
	    strcmp(now.users, m->auth.users) != 0))) {
		log_warn("session ended: the peer is not allowed it any more "
		    "reason=%s addr=%s", now.verdict != TLS_ACCEPTED ?
		    now.reason : "changed", m->args->peer);
		end_child(m->net, SIGTERM);
		m->recheck_ms = POLL_FOREVER;
	}
	auth_result_deinit(&now);
}

static void
check_deadlines(struct monitor *m)
{
	uint64_t now = clock_mono_ms();

	if (m->net != 0 && !m->known && now >= m->kill_net_ms) {
		log_warn("net did not end in time addr=%s", m->args->peer);
		end_child(m->net, SIGKILL);
		m->kill_net_ms = POLL_FOREVER;
	}
	if (m->net == 0 && m->store != 0 && now >= m->kill_store_ms) {
		log_warn("store did not end in time addr=%s", m->args->peer);
		end_child(m->store, SIGTERM);
		m->kill_store_ms = now + GRACE_MS;
	}
}

/* Net has closed it, or asked for what it may not. */
static void
close_channel(struct monitor *m, const struct err *err)
{
	if (err->code != ERR_NONE) {
		log_error("request refused addr=%s error=%s", m->args->peer,
		    err->msg);
		end_child(m->net, SIGKILL);
	}
	(void)close(m->channel);
	m->channel = -1;
}

static void
monitor_loop(struct monitor *m)
{
	struct err err = ERR_INIT;
	struct poll_set set;

	while (m->net != 0 || m->store != 0) {
		poll_set_init(&set, POLL_FOREVER);
		if (m->channel != -1)
			poll_set_fd(&set, m->channel, POLLIN);
		if (m->net != 0 && !m->known)
			poll_set_deadline(&set, m->kill_net_ms);
		if (m->net != 0)
			poll_set_deadline(&set, m->recheck_ms);
		if (m->net == 0)
			poll_set_deadline(&set, m->kill_store_ms);
		if (poll_set_wait(&set, &err) == -1) {
			log_error("monitor fails error=%s", err.msg);
			end_child(m->net, SIGKILL);
			end_child(m->store, SIGTERM);
			return;
		}
		if (poll_signal_take(SIGTERM))
			end_child(m->net, SIGTERM);
		if (m->channel != -1 && set.fds[0].revents != 0 &&
		    serve_request(m, &err) != 1)
			close_channel(m, &err);
		if (poll_signal_take(SIGCHLD))
			reap(m);
		if (m->channel != -1 && tell_end(m, &err) == -1)
			close_channel(m, &err);
		recheck(m);
		check_deadlines(m);
	}
}

/* In the child: only what net needs stays open. */
static _Noreturn void
run_net(struct monitor *m, int channel)
{
	struct net_args args = {
		.set = m->args->set,
		.tls = m->args->tls,
		.conn = m->args->conn,
		.channel = channel,
		.peer = m->args->peer,
		.deadline_ms = m->args->accepted_ms +
		    m->args->set->auth_timeout * 1000ULL,
	};

	poll_signal_reset();
	slots_free(&m->args->slots);
	_exit(net_main(&args));
}

int
monitor_main(struct monitor_args *args)
{
	struct monitor m = { .args = args, .channel = -1,
	    .kill_store_ms = POLL_FOREVER, .recheck_ms = POLL_FOREVER };
	struct err err = ERR_INIT;
	int ends[2];

	/* A terminal tells all of us; it is listen that decides. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	/* If listen dies, we end as if told so. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (poll_signal(SIGTERM, &err) == -1 ||
	    poll_signal(SIGCHLD, &err) == -1 ||
	    channel_pair(ends, &err) == -1)
		goto fail;
	m.kill_net_ms = args->accepted_ms +
	    args->set->auth_timeout * 1000ULL + GRACE_MS;
	m.channel = ends[0];
	m.net = fork();
	if (m.net == 0) {
		(void)close(ends[0]);
		run_net(&m, ends[1]);
	}
	(void)close(ends[1]);
	(void)close(args->conn);
	if (m.net == -1) {
		err_sys(&err, "fork");
		goto fail;
	}
	monitor_loop(&m);
	auth_result_deinit(&m.auth);
	return m.known ? MONITOR_OK : MONITOR_REFUSED;
fail:
	log_error("cannot serve a connection addr=%s error=%s", args->peer,
	    err.msg);
	return MONITOR_OK;
}
