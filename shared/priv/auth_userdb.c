#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "priv/auth_reply.h"
#include "priv/auth_userdb.h"

#define REQUEST_ID	1U
#define REQUEST_MAX	4096U		/* bytes */
#define GREETING_MAX	256U		/* lines before an answer */
#define READ_SIZE	16384U		/* bytes */

struct conn {
	const struct auth_socket *sock;
	int fd;
	uint64_t deadline_ms;
	struct strbuf in;
	size_t pos;		/* in it: what was given out ends here */
	unsigned int others;	/* lines that were no answer */
};

static int
fail_connect(const struct auth_socket *sock, struct err *err)
{
	err_sys(err, "the user database %s", sock->path);
	if (err->errnum == ENOENT || err->errnum == ECONNREFUSED) {
		err->code = ERR_TEMP;
		strlcat(err->msg, ": is Dovecot running? (base_dir, "
		    "auth_socket_path)", sizeof(err->msg));
	} else if (err->code == ERR_PERM) {
		strlcat(err->msg, ": its mode is set in Dovecot's service "
		    "auth { unix_listener auth-userdb { ... } }",
		    sizeof(err->msg));
	}
	return -1;
}

/* 0: the descriptor is ready; -1: the time is over, or an error. */
static int
await(const struct conn *conn, short events, struct err *err)
{
	struct pollfd pfd = { .fd = conn->fd, .events = events };
	uint64_t now = clock_mono_ms();
	int n;

	for (;;) {
		if (now >= conn->deadline_ms)
			return err_set(err, ERR_TEMP, "the user database %s "
			    "gave no answer within %u seconds",
			    conn->sock->path, conn->sock->timeout);
		n = poll(&pfd, 1, (int)(conn->deadline_ms - now));
		if (n > 0)
			return 0;
		if (n == -1 && errno != EINTR)
			return err_sys(err, "poll");
		now = clock_mono_ms();
	}
}

static int
conn_open(struct conn *conn, const struct auth_socket *sock, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	*conn = (struct conn){ .sock = sock, .fd = -1,
	    .deadline_ms = clock_mono_ms() + sock->timeout * 1000ULL };
	strbuf_init(&conn->in, AUTH_LINE_MAX + READ_SIZE);
	if (strlcpy(sun.sun_path, sock->path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		return err_set(err, ERR_CONFIG, "the path of the user "
		    "database is too long for a socket: %s", sock->path);
	conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (conn->fd == -1)
		return err_sys(err, "socket");
	/* EAGAIN: the queue of a UNIX socket is full; nothing to wait for. */
	if (connect(conn->fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		return fail_connect(sock, err);
	return 0;
}

static void
conn_close(struct conn *conn)
{
	strbuf_deinit(&conn->in);
	if (conn->fd != -1)
		(void)close(conn->fd);
}

static int
conn_send(struct conn *conn, const struct strbuf *text, struct err *err)
{
	size_t done = 0;
	ssize_t n;

	if (text->failed)
		return err_set(err, ERR_CONFIG, "a request of more than %u "
		    "bytes: is the user's name that long?", REQUEST_MAX);
	while (done < text->len) {
		n = send(conn->fd, text->data + done, text->len - done,
		    MSG_NOSIGNAL);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN) {
			if (await(conn, POLLOUT, err) == -1)
				return -1;
		} else if (errno == EPIPE || errno == ECONNRESET)
			return 0;	/* what it said last is to be read */
		else if (errno != EINTR)
			return err_sys(err, "the user database %s",
			    conn->sock->path);
	}
	return 0;
}

static int
conn_fill(struct conn *conn, struct err *err)
{
	char buf[READ_SIZE];
	ssize_t n;

	for (;;) {
		n = recv(conn->fd, buf, sizeof(buf), 0);
		if (n > 0) {
			strbuf_add(&conn->in, buf, (size_t)n);
			return 0;
		}
		if (n == 0 || errno == ECONNRESET)
			return err_set(err, ERR_TEMP, "the user database %s "
			    "hung up before it answered; Dovecot's log says "
			    "why", conn->sock->path);
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(err, "the user database %s",
			    conn->sock->path);
		if (await(conn, POLLIN, err) == -1)
			return -1;
	}
}

/* The next line, in reply.  It is checked while it comes: no more is kept. */
static int
conn_next(struct conn *conn, struct auth_reply *reply, struct err *err)
{
	const char *line, *end;

	while ((end = memchr(conn->in.data + conn->pos, '\n',
	    conn->in.len - conn->pos)) == NULL) {
		strbuf_consume(&conn->in, conn->pos);
		conn->pos = 0;
		if (conn->in.len > AUTH_LINE_MAX)
			return err_set(err, ERR_PROTO, "the user database %s "
			    "sends lines of more than %u bytes",
			    conn->sock->path, AUTH_LINE_MAX);
		if (conn_fill(conn, err) == -1)
			return -1;
	}
	line = conn->in.data + conn->pos;
	conn->pos = (size_t)(end - conn->in.data) + 1;
	if (auth_reply_parse(reply, line, (size_t)(end - line), err) == -1) {
		auth_reply_deinit(reply);
		return err_prefix(err, "the user database %s",
		    conn->sock->path);
	}
	return 0;
}

/* The next line that answers us. */
static int
conn_answer(struct conn *conn, struct auth_reply *reply, struct err *err)
{
	for (;;) {
		if (conn_next(conn, reply, err) == -1)
			return -1;
		if (reply->kind != AUTH_REPLY_OTHER &&
		    reply->id == REQUEST_ID)
			return 0;
		auth_reply_deinit(reply);
		if (++conn->others > GREETING_MAX)
			return err_set(err, ERR_PROTO, "the user database %s "
			    "says much, and no answer", conn->sock->path);
	}
}

/*
 * Version and request go out at once: some versions greet first, others wait.
 */
static int
conn_ask(struct conn *conn, const char *command, const char *name,
    struct err *err)
{
	struct strbuf text;
	int ret;

	strbuf_init(&text, REQUEST_MAX);
	strbuf_addf(&text, "VERSION\t1\t0\n%s\t%u\t", command, REQUEST_ID);
	if (name != NULL) {
		auth_escape(&text, name);
		strbuf_addc(&text, '\t');
	}
	strbuf_adds(&text, "service=");
	auth_escape(&text, conn->sock->service);
	strbuf_addc(&text, '\n');
	ret = conn_send(conn, &text, err);
	strbuf_deinit(&text);
	return ret;
}

static int
take_user(struct auth_reply *reply, const struct auth_socket *sock,
    const char *name, struct account *user_r, struct err *err)
{
	switch (reply->kind) {
	case AUTH_REPLY_USER:
		*user_r = reply->user;
		reply->user = (struct account){ .name = NULL };
		return 0;
	case AUTH_REPLY_NOTFOUND:
		return err_set(err, ERR_NOTFOUND, "there is no user %s in %s",
		    name, sock->path);
	case AUTH_REPLY_FAIL:
		return err_set(err, reply->code, "the user database %s cannot "
		    "tell about %s: %s", sock->path, name,
		    reply->text != NULL ? reply->text :
		    "Dovecot's log says why");
	case AUTH_REPLY_OTHER:
	case AUTH_REPLY_NAME:
	case AUTH_REPLY_DONE:
	case AUTH_REPLY_DONE_FAIL:
		break;
	}
	return err_set(err, ERR_PROTO, "the user database %s answers what "
	    "was not asked", sock->path);
}

int
auth_userdb_find(const struct auth_socket *sock, const char *name,
    struct account *user_r, struct err *err)
{
	struct auth_reply reply;
	struct conn conn;
	int ret = -1;

	if (conn_open(&conn, sock, err) == 0 &&
	    conn_ask(&conn, "USER", name, err) == 0 &&
	    conn_answer(&conn, &reply, err) == 0) {
		ret = take_user(&reply, sock, name, user_r, err);
		auth_reply_deinit(&reply);
	}
	conn_close(&conn);
	return ret;
}

ARRAY_TYPE(auth_names, char *);

/* One line of a list.  1: there are more; 0: that was all; -1. */
static int
take_name(struct auth_reply *reply, const struct auth_socket *sock,
    struct auth_names *names, struct err *err)
{
	switch (reply->kind) {
	case AUTH_REPLY_NAME:
		if (names->n == AUTH_USERS_MAX)
			return err_set(err, ERR_REFUSED, "the user database "
			    "%s has more than %u users", sock->path,
			    AUTH_USERS_MAX);
		*ARRAY_ADD(names) = reply->text;
		reply->text = NULL;
		return 1;
	case AUTH_REPLY_DONE:
		return 0;
	case AUTH_REPLY_DONE_FAIL:
	case AUTH_REPLY_FAIL:
		return err_set(err, ERR_TEMP, "the user database %s cannot "
		    "list all users; a userdb with \"args\" that can be "
		    "listed is needed, and Dovecot's log says more",
		    sock->path);
	case AUTH_REPLY_OTHER:
	case AUTH_REPLY_USER:
	case AUTH_REPLY_NOTFOUND:
		break;
	}
	return err_set(err, ERR_PROTO, "the user database %s answers what "
	    "was not asked", sock->path);
}

static int
list_names(const struct auth_socket *sock, struct auth_names *names,
    struct err *err)
{
	struct auth_reply reply;
	struct conn conn;
	int r = -1;

	if (conn_open(&conn, sock, err) == 0 &&
	    conn_ask(&conn, "LIST", NULL, err) == 0) {
		do {
			/* The deadline is for silence here. */
			conn.deadline_ms = clock_mono_ms() +
			    sock->timeout * 1000ULL;
			r = conn_answer(&conn, &reply, err);
			if (r == -1)
				break;
			r = take_name(&reply, sock, names, err);
			auth_reply_deinit(&reply);
		} while (r == 1);
	}
	conn_close(&conn);
	return r;
}

int
auth_userdb_list(const struct auth_socket *sock,
    int (*fn)(const char *name, void *arg, struct err *err), void *arg,
    struct err *err)
{
	struct auth_names names = { 0 };
	int ret;

	ret = list_names(sock, &names, err);
	for (size_t i = 0; ret == 0 && i < names.n; i++)
		ret = fn(names.v[i], arg, err);
	for (size_t i = 0; i < names.n; i++)
		free(names.v[i]);
	ARRAY_FREE(&names);
	return ret;
}
