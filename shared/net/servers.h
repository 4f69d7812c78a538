/*
 * servers.h - the servers whose keys a client has pinned
 *
 * The file "servers" has one server per line:
 *
 *	mail.example.org:7926 sha256:<64 hex digits> user=alice
 *	[2001:db8::1]:7926 sha256:<64 hex digits>
 *
 * user= is the mail user there where LOCATION2 names none.  The name is
 * compared without regard to case.  A line with an error, or a second line for
 * the same server, is an error of the whole look-up: nobody connects by guess.
 */
#ifndef NET_SERVERS_H
#define NET_SERVERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "net/pin.h"

#define SERVERS_FILE_MAX (1024U * 1024U)	/* bytes */
#define SERVERS_LINE_MAX 1024U			/* bytes */
#define SERVER_HOST_MAX	255U			/* bytes */
#define SERVER_USER_MAX	254U			/* bytes */
#define SERVER_PORT	"7926"			/* unless another is given */

/* "host:port", "host", "[addr]:port", or a bare IPv6 address. */
struct server_addr {
	char host[SERVER_HOST_MAX + 1];	/* without brackets */
	char port[6];			/* 1..65535 in decimal */
};

/*
 * Take len bytes apart; SERVER_PORT if they name no port.  A host has letters,
 * digits, '.', '-', '_', and with ':' also '%' for an IPv6 zone.
 */
bool server_addr_parse(struct server_addr *addr_r, const char *text,
    size_t len);

/* "host:port", with brackets where host has a colon. */
void server_addr_format(struct strbuf *out, const struct server_addr *addr);

struct server {
	struct server_addr addr;
	struct pin pin;
	char user[SERVER_USER_MAX + 1];	/* may be empty */
};

/*
 * Look addr up in the text of a file.  ERR_NOTFOUND, or ERR_CONFIG with file,
 * line and what is wrong there.
 */
int servers_find(const char *text, size_t len, const char *file,
    const struct server_addr *addr, struct server *server_r,
    struct err *err);

/* As servers_find in a file; no such file is ERR_NOTFOUND too. */
int servers_lookup(const char *path, const struct server_addr *addr,
    struct server *server_r, struct err *err);

/*
 * Pin a server, in place of what was pinned for its address before.
 * *changed_r: there was another key.
 */
int servers_put(const char *path, const struct server *server,
    bool *changed_r, struct err *err);

#endif
