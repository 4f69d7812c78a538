#include "config.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/strbuf.h"
#include "log/log.h"
#include "net/config_file.h"
#include "net/poll.h"
#include "net/servers.h"
#include "net/tls_ctx.h"
#include "net/token.h"
#include "server/listen.h"
#include "server/monitor.h"
#include "server/net_main.h"
#include "server/slots.h"

#define BACKLOG		128
#define ACCEPT_MAX	64		/* connections taken in one round */
#define PAUSE_MS	200U		/* when descriptors or memory ran out */
#define LOG_PER_SECOND	10U		/* lines about refused connections */
#define STOP_MS		15000U		/* for sessions to end */

struct listener {
	const struct server_settings *set;
	struct tls_ctx *tls;
	struct slots *slots;
	int fds[LISTEN_MAX];
	unsigned int n;
	bool stopping;
	uint64_t stop_ms;		/* when we stop waiting for sessions */
	uint64_t pause_ms;		/* no accept before */
	uint64_t log_second;		/* of clock_mono_ms / 1000 */
	unsigned int logged, silent;	/* lines in that second; left out */
};

/* "*:7926", ":7926" and "*" mean every address of both families. */
static int
split_listen(const char *text, struct server_addr *addr_r, bool *any_r,
    struct err *err)
{
	const char *port = SERVER_PORT;

	*any_r = text[0] == '*' || text[0] == ':';
	if (*any_r && text[0] == ':' && text[1] == ':')
		*any_r = false;
	memset(addr_r, 0, sizeof(*addr_r));
	if (*any_r) {
		text += text[0] == '*';
		if (text[0] == ':')
			port = text + 1;
		else if (text[0] != '\0')
			return err_set(err, ERR_CONFIG, "listen: bad address");
	} else if (server_addr_parse(addr_r, text, strlen(text))) {
		return 0;
	} else if (strlen(text) > 2 && strcmp(text + strlen(text) - 2, ":0")
	    == 0 && server_addr_parse(addr_r, text, strlen(text) - 2)) {
		/* Any free port: only here is 0 a port. */
		port = "0";
	} else {
		return err_set(err, ERR_CONFIG, "listen: %s is no "
		    "address:port", text);
	}
	if (strlen(port) >= sizeof(addr_r->port) || port[0] == '\0' ||
	    strspn(port, "0123456789") != strlen(port))
		return err_set(err, ERR_CONFIG, "listen: %s is no port",
		    port);
	strlcpy(addr_r->port, port, sizeof(addr_r->port));
	return 0;
}

static int
bind_one(const struct addrinfo *ai, struct err *err)
{
	const int on = 1;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	if (fd == -1)
		return err_sys(err, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Each family has its own socket. */
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		err_sys(err, "cannot listen");
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Listen on all addresses that text means; for "*" one family is enough. */
static int
bind_text(struct listener *l, const char *text, struct err *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	struct server_addr addr;
	unsigned int bound = 0;
	bool any, failed = false;
	int fd, r;

	if (split_listen(text, &addr, &any, err) == -1)
		return -1;
	r = getaddrinfo(any ? NULL : addr.host, addr.port, &hints, &list);
	if (r != 0)
		return err_set(err, ERR_CONFIG, "listen: %s: %s", text,
		    gai_strerror(r));
	for (const struct addrinfo *ai = list; ai != NULL && !failed;
	    ai = ai->ai_next) {
		if (l->n == LISTEN_MAX) {
			err_set(err, ERR_CONFIG, "listen: more than %u "
			    "addresses", LISTEN_MAX);
			failed = true;
			continue;
		}
		fd = bind_one(ai, err);
		if (fd != -1) {
			l->fds[l->n++] = fd;
			bound++;
		} else if (!any || (err->errnum != EAFNOSUPPORT &&
		    err->errnum != EADDRNOTAVAIL)) {
			failed = true;
		}
	}
	freeaddrinfo(list);
	if (!failed && bound > 0)
		return 0;
	return err_prefix(err, "listen: %s", text);
}

static void
address_text(const struct sockaddr *sa, socklen_t len, char *out,
    size_t size, unsigned int *port_r)
{
	char host[64] = "?", port[8] = "0";

	(void)getnameinfo(sa, len, host, sizeof(host), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(out, size, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s",
	    host, port);
	if (port_r != NULL)
		*port_r = (unsigned int)atoi(port);
}

/* Log where we listen, and write the ports for those who have to find us. */
static int
announce(const struct listener *l, struct err *err)
{
	struct sockaddr_storage ss;
	struct strbuf ports;
	char text[80];
	unsigned int port;
	socklen_t len;
	int ret = 0;

	strbuf_init(&ports, 1024);
	for (unsigned int i = 0; i < l->n; i++) {
		len = sizeof(ss);
		if (getsockname(l->fds[i], (struct sockaddr *)&ss, &len) == -1)
			continue;
		address_text((struct sockaddr *)&ss, len, text, sizeof(text),
		    &port);
		log_info("listening addr=%s", text);
		strbuf_addf(&ports, "%u\n", port);
	}
	if (l->set->port_file != NULL)
		ret = config_file_replace(l->set->port_file, &ports, err);
	strbuf_deinit(&ports);
	return ret;
}

static int
load_tls(struct listener *l, struct err *err)
{
	const struct tls_config config = {
		.server = true,
		.key_file = l->set->ssl_key,
		.cert_file = l->set->ssl_cert,
		.ca_file = l->set->ssl_ca,
		.crl_file = l->set->ssl_crl,
	};
	char pin[PIN_TEXT_SIZE];
	struct tls_ctx *tls = NULL;

	if (tls_ctx_new(&config, &tls, err) == -1) {
		if (err->code == ERR_NOTFOUND)
			err_prefix(err, "run 'dsync-server init' first");
		return -1;
	}
	tls_ctx_free(&l->tls);
	l->tls = tls;
	pin_format(pin, tls_ctx_pin(tls));
	log_info("key loaded key=%s verify=%s", pin,
	    l->set->ssl_ca != NULL ? "ca" : "pin");
	return 0;
}

static int
make_empty_root(const struct server_settings *set, struct err *err)
{
	if (geteuid() != 0)
		return 0;
	if (mkdir(set->chroot_dir, 0755) == -1 && errno != EEXIST)
		return err_sys(err, "chroot_dir %s", set->chroot_dir);
	return 0;
}

/*
 * Try the confinement of net once in a child, so that a mistake shows when
 * the server starts, and so that what is off is in the log.
 */
static int
try_confinement(const struct server_settings *set, struct err *err)
{
	struct sandbox_report report = { .off = "" };
	struct err child_err = ERR_INIT;
	int status = 0;
	pid_t pid = fork();

	if (pid == -1)
		return err_sys(err, "fork");
	if (pid == 0) {
		if (net_confine(set, &report, &child_err) == -1) {
			log_error("net cannot be confined error=%s",
			    child_err.msg);
			_exit(1);
		}
		if (report.off[0] != '\0')
			log_warn("protections are off off=%s", report.off);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, ERR_CONFIG, "the process that meets "
		    "strangers cannot give up its rights");
	return 0;
}

static void
log_turned_away(struct listener *l, const char *reason, const char *peer)
{
	uint64_t second = clock_mono_ms() / 1000;

	if (second != l->log_second) {
		if (l->silent > 0)
			log_warn("connections refused, not logged each "
			    "count=%u", l->silent);
		l->log_second = second;
		l->logged = l->silent = 0;
	}
	if (l->logged < LOG_PER_SECOND) {
		log_info("connection refused reason=%s addr=%s", reason,
		    peer);
		l->logged++;
	} else {
		l->silent++;
	}
}

static void
tune(int fd)
{
	const int on = 1, idle = 30, step = 10, count = 3;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &step, sizeof(step));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static _Noreturn void
run_monitor(struct listener *l, struct monitor_args *args)
{
	poll_signal_reset();
	for (unsigned int i = 0; i < l->n; i++)
		(void)close(l->fds[i]);
	_exit(monitor_main(args));
}

static void
serve_connection(struct listener *l, int conn, const struct sockaddr *sa,
    socklen_t len)
{
	struct monitor_args args = { .set = l->set, .tls = l->tls,
	    .slots = l->slots, .conn = conn,
	    .accepted_ms = clock_mono_ms() };
	struct slot_addr addr;
	const char *reason;
	pid_t pid;

	address_text(sa, len, args.peer, sizeof(args.peer), NULL);
	slot_addr_of(&addr, sa);
	args.slot = slots_take(l->slots, &addr, args.accepted_ms, &reason);
	if (args.slot == -1) {
		log_turned_away(l, reason, args.peer);
		return;
	}
	tune(conn);
	pid = fork();
	if (pid == 0)
		run_monitor(l, &args);
	slots_set_pid(l->slots, args.slot, pid);
	if (pid == -1) {
		log_error("cannot fork error=%s", strerror(errno));
		l->pause_ms = clock_mono_ms() + PAUSE_MS;
	}
}

static void
accept_some(struct listener *l, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int conn;

	for (int i = 0; i < ACCEPT_MAX; i++) {
		len = sizeof(ss);
		memset(&ss, 0, sizeof(ss));
		conn = accept4(fd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (conn == -1 && (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM)) {
			log_error("cannot accept error=%s", strerror(errno));
			l->pause_ms = clock_mono_ms() + PAUSE_MS;
		}
		if (conn == -1)
			return;
		serve_connection(l, conn, (struct sockaddr *)&ss, len);
		(void)close(conn);
	}
}

static void
reap(struct listener *l)
{
	int status;
	pid_t pid;
	bool refused;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		refused = WIFEXITED(status) &&
		    WEXITSTATUS(status) == MONITOR_REFUSED;
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
			log_error("a process was killed process=monitor "
			    "signal=%d", WTERMSIG(status));
		slots_release(l->slots, pid, refused, clock_mono_ms());
	}
}

static void
send_signal(pid_t pid, void *arg)
{
	(void)kill(pid, *(const int *)arg);
}

static void
take_signals(struct listener *l)
{
	const int term = SIGTERM;
	struct err err = ERR_INIT;

	if (poll_signal_take(SIGCHLD))
		reap(l);
	if (poll_signal_take(SIGHUP) && load_tls(l, &err) == -1)
		log_error("keeping the old key and lists error=%s", err.msg);
	if (!poll_signal_take(SIGTERM) && !poll_signal_take(SIGINT))
		return;
	log_info("stopping connections=%u", slots_used(l->slots));
	for (unsigned int i = 0; i < l->n; i++)
		(void)close(l->fds[i]);
	l->n = 0;
	l->stopping = true;
	l->stop_ms = clock_mono_ms() + STOP_MS;
	slots_each(l->slots, send_signal, (void *)(uintptr_t)&term);
}

static int
listen_loop(struct listener *l, struct err *err)
{
	struct poll_set set;
	uint64_t now;

	while (!l->stopping || slots_used(l->slots) > 0) {
		now = clock_mono_ms();
		if (l->stopping && now >= l->stop_ms)
			break;
		poll_set_init(&set, l->stopping ? l->stop_ms : POLL_FOREVER);
		if (now < l->pause_ms)
			poll_set_deadline(&set, l->pause_ms);
		for (unsigned int i = 0; i < l->n && now >= l->pause_ms; i++)
			poll_set_fd(&set, l->fds[i], POLLIN);
		if (poll_set_wait(&set, err) == -1)
			return -1;
		take_signals(l);
		for (unsigned int i = 0; i < set.n && i < l->n; i++) {
			if (set.fds[i].revents != 0)
				accept_some(l, l->fds[i]);
		}
	}
	return 0;
}

static int
watch_signals(struct err *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (poll_signal(signals[i], err) == -1)
			return -1;
	}
	return 0;
}

static int
open_all(struct listener *l, struct err *err)
{
	if (load_tls(l, err) == -1 || slots_new(l->set, &l->slots, err) == -1
	    || make_empty_root(l->set, err) == -1 ||
	    try_confinement(l->set, err) == -1)
		return -1;
	for (size_t i = 0; i < l->set->listen.n; i++) {
		if (bind_text(l, l->set->listen.v[i], err) == -1)
			return -1;
	}
	if (l->set->listen.n == 0 && bind_text(l, "*", err) == -1)
		return -1;
	/* A signal may stop us from the moment that we can be found. */
	if (watch_signals(err) == -1)
		return -1;
	return announce(l, err);
}

int
listen_main(const struct server_settings *set, struct err *err)
{
	struct listener l = { .set = set };
	struct err unused = ERR_INIT;
	int ret = -1;

	(void)token_purge(set->token_dir, &unused);
	digest_prepare();
	if (open_all(&l, err) == 0)
		ret = listen_loop(&l, err);
	for (unsigned int i = 0; i < l.n; i++)
		(void)close(l.fds[i]);
	slots_free(&l.slots);
	tls_ctx_free(&l.tls);
	return ret;
}
