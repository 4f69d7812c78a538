#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/config_file.h"
#include "net/peers.h"
#include "net/servers.h"

static bool
port_valid(const char *text, size_t len)
{
	unsigned long port = 0;

	if (len == 0 || len > 5 || text[0] == '0')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned long)(text[i] - '0');
	}
	return port <= 65535;
}

static bool
host_valid(const char *host, size_t len, bool colons)
{
	if (len == 0 || len > SERVER_HOST_MAX || host[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (isalnum((unsigned char)host[i]) || host[i] == '.' ||
		    host[i] == '-' || host[i] == '_')
			continue;
		if (!colons || (host[i] != ':' && host[i] != '%'))
			return false;
	}
	return true;
}

bool
server_addr_parse(struct server_addr *addr_r, const char *text, size_t len)
{
	const char *host = text, *port = SERVER_PORT, *end = text + len;
	const char *first = memchr(text, ':', len), *close;
	size_t host_len = len, port_len = strlen(SERVER_PORT);
	bool colons = false;

	if (len > 0 && text[0] == '[') {
		close = memchr(text, ']', len);
		if (close == NULL)
			return false;
		host = text + 1;
		host_len = (size_t)(close - host);
		colons = true;
		if (close + 1 < end && close[1] != ':')
			return false;
		if (close + 1 < end) {
			port = close + 2;
			port_len = (size_t)(end - port);
		}
	} else if (first != NULL &&
	    memchr(first + 1, ':', (size_t)(end - first - 1)) != NULL) {
		colons = true;		/* IPv6 without a port */
	} else if (first != NULL) {
		host_len = (size_t)(first - text);
		port = first + 1;
		port_len = (size_t)(end - port);
	}
	if (!host_valid(host, host_len, colons) || !port_valid(port, port_len))
		return false;
	memset(addr_r, 0, sizeof(*addr_r));
	memcpy(addr_r->host, host, host_len);
	memcpy(addr_r->port, port, port_len);
	return true;
}

void
server_addr_format(struct strbuf *out, const struct server_addr *addr)
{
	strbuf_addf(out, strchr(addr->host, ':') != NULL ? "[%s]:%s" :
	    "%s:%s", addr->host, addr->port);
}

static bool
addr_equal(const struct server_addr *a, const struct server_addr *b)
{
	return strcasecmp(a->host, b->host) == 0 &&
	    strcmp(a->port, b->port) == 0;
}

/* Returns NULL or what is wrong; *empty_r: nothing is on the line. */
static const char *
parse_line(struct server *server, char *line, bool *empty_r)
{
	char *rest = line, *word = config_word(&rest);

	memset(server, 0, sizeof(*server));
	*empty_r = word == NULL;
	if (word == NULL)
		return NULL;
	if (!server_addr_parse(&server->addr, word, strlen(word)))
		return "a line begins with host:port";
	word = config_word(&rest);
	if (word == NULL || !pin_parse(&server->pin, word, strlen(word)))
		return "sha256: and 64 hexadecimal digits are needed";
	word = config_word(&rest);
	if (word == NULL)
		return NULL;
	if (strncmp(word, "user=", 5) != 0)
		return "unknown word";
	if (!peer_user_valid(word + 5, strlen(word + 5)))
		return "user= wants a mail user";
	memcpy(server->user, word + 5, strlen(word + 5) + 1);
	return config_word(&rest) != NULL ? "too many words" : NULL;
}

int
servers_find(const char *text, size_t len, const char *file,
    const struct server_addr *addr, struct server *server_r, struct err *err)
{
	struct config_lines lines;
	char line[SERVERS_LINE_MAX + 1];
	struct server server;
	const char *bad;
	unsigned int found = 0;
	bool empty;
	int r;

	config_lines_init(&lines, text, len);
	while ((r = config_lines_next(&lines, line, sizeof(line))) != 0) {
		bad = r == -1 ? "the line is too long or not plain text" :
		    parse_line(&server, line, &empty);
		if (bad != NULL)
			return err_set(err, ERR_CONFIG, "%s:%u: %s", file,
			    lines.line, bad);
		if (empty || !addr_equal(&server.addr, addr))
			continue;
		if (found != 0)
			return err_set(err, ERR_CONFIG, "%s:%u: the server of "
			    "line %u again", file, lines.line, found);
		found = lines.line;
		*server_r = server;
	}
	if (found == 0)
		return err_set(err, ERR_NOTFOUND, "%s does not list the "
		    "server", file);
	return 0;
}

int
servers_lookup(const char *path, const struct server_addr *addr,
    struct server *server_r, struct err *err)
{
	struct strbuf text;
	int ret;

	strbuf_init(&text, SERVERS_FILE_MAX);
	ret = config_file_read(path, &text, err);
	if (ret == 0)
		ret = servers_find(text.data, text.len, path, addr, server_r,
		    err);
	strbuf_deinit(&text);
	return ret;
}

/* Copy the lines of other servers; *old_r is set if this one was there. */
static bool
copy_others(struct strbuf *out, const struct strbuf *text,
    const struct server *put, struct server *old_r)
{
	const char *p = text->data, *end = p + text->len, *newline;
	char line[SERVERS_LINE_MAX + 1];
	struct config_lines one;
	struct server server;
	bool empty, found = false;

	for (; p < end; p = newline + 1) {
		newline = memchr(p, '\n', (size_t)(end - p));
		if (newline == NULL)
			newline = end;
		config_lines_init(&one, p, (size_t)(newline - p));
		if (config_lines_next(&one, line, sizeof(line)) == 1 &&
		    parse_line(&server, line, &empty) == NULL && !empty &&
		    addr_equal(&server.addr, &put->addr)) {
			*old_r = server;
			found = true;
			continue;
		}
		strbuf_add(out, p, (size_t)(newline - p));
		strbuf_addc(out, '\n');
	}
	return found;
}

int
servers_put(const char *path, const struct server *server, bool *changed_r,
    struct err *err)
{
	char pin[PIN_TEXT_SIZE];
	struct strbuf text, out;
	struct server old;
	bool changed = false;
	int lock, ret = -1;

	if ((lock = config_file_lock(path, err)) == -1)
		return -1;
	strbuf_init(&text, SERVERS_FILE_MAX);
	strbuf_init(&out, SERVERS_FILE_MAX);
	if (config_file_read(path, &text, err) == -1 &&
	    err->code != ERR_NOTFOUND)
		goto out;
	if (copy_others(&out, &text, server, &old))
		changed = !pin_equal(&old.pin, &server->pin);
	pin_format(pin, &server->pin);
	server_addr_format(&out, &server->addr);
	strbuf_addf(&out, " %s", pin);
	if (server->user[0] != '\0')
		strbuf_addf(&out, " user=%s", server->user);
	strbuf_addc(&out, '\n');
	if (config_file_replace(path, &out, err) == -1)
		goto out;
	*changed_r = changed;
	ret = 0;
out:
	strbuf_deinit(&out);
	strbuf_deinit(&text);
	(void)close(lock);
	return ret;
}
