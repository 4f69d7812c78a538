#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "client/connect.h"
#include "client/location.h"
#include "net/greeting.h"
#include "net/keys.h"
#include "net/poll.h"
#include "net/stream_tls.h"

#define PATH_LIMIT	4096U	/* bytes */
#define ADDRESSES_MAX	16U	/* of one name that are tried */

/* Seconds without an answer of the peer's host until it counts as gone. */
#define KEEPALIVE_IDLE	30
#define KEEPALIVE_STEP	10
#define KEEPALIVE_COUNT	3

/*
 * A stream around another one.  With a user its first bytes are looked at for
 * a refusal; with a context it is that of the TLS stream inside.
 */
struct server_stream {
	struct stream base;
	struct stream *tls;
	struct tls_ctx *ctx;
	char *user;
	uint8_t head[REFUSAL_SIZE];
	size_t head_len;	/* bytes of head that came */
	size_t head_used;	/* bytes of head that were given out */
};

/* Collect the first bytes.  Returns 1 when all are there, else as a read. */
static ssize_t
read_head(struct server_stream *s, struct err *err)
{
	ssize_t n;

	while (s->head_len < REFUSAL_SIZE) {
		n = stream_read(s->tls, s->head + s->head_len,
		    REFUSAL_SIZE - s->head_len, err);
		if (n == 0 && s->head_len > 0)
			return err_set(err, ERR_PROTO, "%s ended the "
			    "connection within a frame", s->base.peer);
		if (n <= 0)
			return n;
		s->head_len += (size_t)n;
	}
	return refusal_check(s->head, s->base.peer, s->user, err) == -1 ? -1 :
	    1;
}

static ssize_t
server_read(struct stream *stream, void *buf, size_t len, struct err *err)
{
	struct server_stream *s = (struct server_stream *)stream;
	size_t left = REFUSAL_SIZE - s->head_used;
	ssize_t n;

	if (left == 0 || s->user == NULL)
		return stream_read(s->tls, buf, len, err);
	if ((n = read_head(s, err)) != 1)
		return n;
	if (left > len)
		left = len;
	memcpy(buf, s->head + s->head_used, left);
	s->head_used += left;
	return (ssize_t)left;
}

static ssize_t
server_write(struct stream *stream, const void *buf, size_t len,
    struct err *err)
{
	return stream_write(((struct server_stream *)stream)->tls, buf, len,
	    err);
}

static int
server_shutdown(struct stream *stream, struct err *err)
{
	return stream_shutdown(((struct server_stream *)stream)->tls, err);
}

static unsigned int
server_pollfds(const struct stream *stream, unsigned int want,
    struct pollfd *fds)
{
	return stream_pollfds(((const struct server_stream *)stream)->tls,
	    want, fds);
}

static bool
server_pending(const struct stream *stream)
{
	const struct server_stream *s = (const struct server_stream *)stream;

	return (s->head_len == REFUSAL_SIZE && s->head_used < REFUSAL_SIZE) ||
	    stream_pending(s->tls);
}

static void
server_close(struct stream *stream)
{
	struct server_stream *s = (struct server_stream *)stream;

	stream_close(&s->tls);
	tls_ctx_free(&s->ctx);
	free(s->user);
	free(s);
}

static const struct stream_ops server_ops = {
	.read = server_read,
	.write = server_write,
	.shutdown = server_shutdown,
	.pollfds = server_pollfds,
	.pending = server_pending,
	.close = server_close,
};

/* A connected, non-blocking socket, or -1. */
static int
connect_address(const struct addrinfo *ai, uint64_t deadline, struct err *err)
{
	struct poll_set set;
	socklen_t len = sizeof(int);
	int error = 0, r;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	if (fd == -1)
		return err_sys(err, "socket");
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
		return fd;
	if (errno != EINPROGRESS) {
		err_sys(err, "cannot connect");
		goto fail;
	}
	do {
		poll_set_init(&set, deadline);
		poll_set_fd(&set, fd, POLLOUT);
		r = poll_set_wait(&set, err);
	} while (r == 1 && set.fds[0].revents == 0);
	if (r == -1)
		goto fail;
	if (r == 0) {
		err_set(err, ERR_TEMP, "no answer in time");
		goto fail;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0)
		return fd;
	errno = error;
	err_sys(err, "cannot connect");
fail:
	(void)close(fd);
	return -1;
}

/* No waiting to fill packets; a host that vanished is noticed. */
static void
tune(int fd)
{
	const int on = 1, idle = KEEPALIVE_IDLE, step = KEEPALIVE_STEP,
	    count = KEEPALIVE_COUNT;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &step, sizeof(step));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static int
connect_tcp(const struct server_addr *addr, const char *name,
    unsigned int timeout, struct err *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	unsigned int tried = 0;
	int fd = -1, r;

	r = getaddrinfo(addr->host, addr->port, &hints, &list);
	if (r != 0)
		return err_set(err, r == EAI_NONAME ? ERR_NOTFOUND : ERR_TEMP,
		    "cannot find the host %s: %s", addr->host,
		    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
	for (const struct addrinfo *ai = list; ai != NULL &&
	    tried < ADDRESSES_MAX; ai = ai->ai_next, tried++) {
		fd = connect_address(ai, clock_mono_ms() + timeout * 1000ULL,
		    err);
		if (fd != -1)
			break;
	}
	freeaddrinfo(list);
	if (fd == -1) {
		/* Unreachable is a matter of the hour, whatever errno says. */
		err->code = ERR_TEMP;
		return err_prefix(err, "%s", name);
	}
	tune(fd);
	return fd;
}

static int
shake_hands(int fd, struct tls_ctx *ctx, const char *name,
    const struct tls_expect *expect, unsigned int timeout,
    struct stream **stream_r, struct err *err)
{
	struct stream *stream = NULL;

	if (stream_tls_connect(ctx, fd, name, expect, &stream, err) == -1) {
		(void)close(fd);
		return -1;
	}
	if (stream_tls_handshake_full(stream, clock_mono_ms() +
	    timeout * 1000ULL, err) == -1) {
		stream_close(&stream);
		return -1;
	}
	*stream_r = stream;
	return 0;
}

static int
connect_confined(const struct server_addr *addr, struct tls_ctx *ctx,
    const struct tls_expect *expect, const struct connect_options *options,
    struct stream **stream_r, struct err *err)
{
	struct strbuf name;
	int fd, ret = -1;

	strbuf_init(&name, STREAM_PEER_MAX - 1);
	server_addr_format(&name, addr);
	fd = connect_tcp(addr, name.data, options->timeout, err);
	if (fd != -1 && options->confine != NULL &&
	    options->confine(err) == -1)
		(void)close(fd);
	else if (fd != -1)
		ret = shake_hands(fd, ctx, name.data, expect,
		    options->timeout, stream_r, err);
	strbuf_deinit(&name);
	return ret;
}

int
connect_tls(const struct server_addr *addr, struct tls_ctx *ctx,
    enum tls_alpn alpn, const struct pin *pin, unsigned int timeout,
    struct stream **stream_r, struct err *err)
{
	const struct tls_expect expect = { .alpn = alpn, .pin = pin,
	    .host = addr->host };
	const struct connect_options options = { .timeout = timeout };

	return connect_confined(addr, ctx, &expect, &options, stream_r, err);
}

/* "config_dir/name", or what the user set in its place; owned by the caller. */
static char *
config_path(const char *dir, const char *name, const char *instead)
{
	return instead != NULL ? mem_strdup(instead) :
	    mem_printf("%s/%s", dir, name);
}

static int
make_context(const char *dir, const struct connect_options *options,
    struct tls_ctx **ctx_r, struct err *err)
{
	char *key = config_path(dir, KEYS_KEY_FILE, options->key_file);
	char *cert = config_path(dir, KEYS_CERT_FILE, options->cert_file);
	struct tls_config config = { .key_file = key, .cert_file = cert,
	    .ca_file = options->ca_file, .crl_file = options->crl_file };
	int ret = -1;

	if (options->key_file == NULL && access(key, F_OK) == -1 &&
	    errno == ENOENT)
		err_set(err, ERR_CONFIG, "there is no key in %s: run 'dsync "
		    "enrol' with a token of the server", dir);
	else
		ret = tls_ctx_new(&config, ctx_r, err);
	free(key);
	free(cert);
	return ret;
}

/* Find the pin of the server, and the user if host names none. */
static int
find_server(const char *dir, const struct server_addr *addr,
    const struct connect_options *options, struct server *server_r,
    struct err *err)
{
	char *path = mem_printf("%s/servers", dir);
	struct strbuf name;
	int ret = servers_lookup(path, addr, server_r, err);

	free(path);
	if (ret == 0 || err->code != ERR_NOTFOUND)
		return ret;
	/* By CA the file only serves to name the user. */
	if (options->ca_file != NULL) {
		memset(server_r, 0, sizeof(*server_r));
		return 0;
	}
	strbuf_init(&name, PATH_LIMIT);
	server_addr_format(&name, addr);
	err_set(err, ERR_CONFIG, "no key is pinned for %s: run 'dsync enrol' "
	    "with a token from there ('dsync-server token --user NAME')",
	    name.data);
	strbuf_deinit(&name);
	return -1;
}

int
connect_check_user(const char *user, struct err *err)
{
	if (peer_user_valid(user, strlen(user)))
		return 0;
	return err_set(err, ERR_CONFIG, "\"%s\" cannot be the user of "
	    "a server", user);
}

int
connect_name_user(struct stream *stream, const char *user,
    unsigned int timeout, struct err *err)
{
	uint8_t prologue[PROLOGUE_MAX];
	size_t len;

	if (connect_check_user(user, err) == -1)
		return -1;
	len = prologue_format(prologue, user);
	return stream_write_full(stream, prologue, len,
	    clock_mono_ms() + timeout * 1000ULL, err);
}

static struct stream *
wrap(struct stream *stream, struct tls_ctx *ctx, const char *user)
{
	struct server_stream *s = mem_alloc(sizeof(*s));

	stream_init(&s->base, &server_ops, stream_peer(stream));
	s->tls = stream;
	s->ctx = ctx;
	s->user = user != NULL ? mem_strdup(user) : NULL;
	return &s->base;
}

struct stream *
connect_checked(struct stream *stream, const char *user)
{
	return wrap(stream, NULL, user);
}

/* Who the server is: its address, its line here, and what we show it. */
struct target {
	struct server_addr addr;
	struct server server;
	struct tls_ctx *ctx;
};

static int
find_target(const struct location_host *host,
    const struct connect_options *options, struct target *target_r,
    struct err *err)
{
	struct server_addr *addr = &target_r->addr;
	struct strbuf dir;
	int ret = 0;

	memset(target_r, 0, sizeof(*target_r));
	strlcpy(addr->host, host->host, sizeof(addr->host));
	strlcpy(addr->port, host->port[0] != '\0' ? host->port : SERVER_PORT,
	    sizeof(addr->port));
	strbuf_init(&dir, PATH_LIMIT);
	if (options->config_dir != NULL)
		strbuf_adds(&dir, options->config_dir);
	else
		ret = keys_config_dir(&dir, err);
	/* The key first: without one nothing can be pinned either. */
	if (ret == 0)
		ret = make_context(dir.data, options, &target_r->ctx, err);
	if (ret == 0)
		ret = find_server(dir.data, addr, options, &target_r->server,
		    err);
	if (ret == -1)
		tls_ctx_free(&target_r->ctx);
	strbuf_deinit(&dir);
	return ret;
}

static int
connect_target(struct target *target, const struct connect_options *options,
    struct stream **stream_r, struct err *err)
{
	const struct tls_expect expect = { .alpn = TLS_ALPN_DSYNC,
	    .pin = options->ca_file == NULL ? &target->server.pin : NULL,
	    .host = target->addr.host };
	struct stream *tls = NULL;

	if (connect_confined(&target->addr, target->ctx, &expect, options,
	    &tls, err) == -1) {
		tls_ctx_free(&target->ctx);
		return -1;
	}
	*stream_r = wrap(tls, target->ctx, NULL);
	return 0;
}

int
connect_bare(const struct location_host *host,
    const struct connect_options *options, struct stream **stream_r,
    struct err *err)
{
	struct target target;

	return find_target(host, options, &target, err) == -1 ? -1 :
	    connect_target(&target, options, stream_r, err);
}

int
connect_open(const struct location_host *host,
    const struct connect_options *options, struct stream **stream_r,
    struct err *err)
{
	struct stream *stream = NULL;
	struct target target;
	const char *user;

	if (find_target(host, options, &target, err) == -1)
		return -1;
	user = host->user[0] != '\0' ? host->user :
	    target.server.user[0] != '\0' ? target.server.user :
	    options->user;
	if (user == NULL) {
		tls_ctx_free(&target.ctx);
		return err_set(err, ERR_CONFIG, "no mail user is named: use "
		    "user@%s", target.addr.host);
	}
	if (connect_target(&target, options, &stream, err) == -1)
		return -1;
	if (connect_name_user(stream, user, options->timeout, err) == -1) {
		stream_close(&stream);
		return -1;
	}
	*stream_r = connect_checked(stream, user);
	return 0;
}
