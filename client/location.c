/*
 * location.c - what the words of LOCATION2 name
 */
#include "config.h"

#include <sys/stat.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/array.h"
#include "client/location.h"

#define URL_PREFIX	"dsync://"

/* Words before ':' that are formats even if what follows looks like a port. */
static const char *const drivers[] = {
	"maildir", "mbox", "mdbox", "sdbox", "dbox", "memory",
};

bool
location_is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    access(path, X_OK) == 0;
}

/*
 * "word:rest" is a mail location if word is a known format, or rest looks like
 * a path.  "mail:7926" stays a host with its port.
 */
static bool
has_driver(const char *text)
{
	const char *colon = strchr(text, ':');
	size_t len;

	if (colon == NULL || colon == text)
		return false;
	len = (size_t)(colon - text);
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	}
	for (size_t i = 0; i < nitems(drivers); i++) {
		if (strlen(drivers[i]) == len &&
		    strncmp(drivers[i], text, len) == 0)
			return true;
	}
	if (strncmp(text, URL_PREFIX, strlen(URL_PREFIX)) == 0)
		return false;
	return colon[1] == '/' || colon[1] == '~' || colon[1] == '.';
}

enum location_kind
location_classify(char *const *words, size_t count,
    location_exec_fn *is_executable)
{
	const char *word = words[0];

	if (count > 1)
		return LOCATION_COMMAND;
	if (strchr(word, '/') != NULL && is_executable(word))
		return LOCATION_SCRIPT;
	if (has_driver(word) || word[0] == '/' || word[0] == '~' ||
	    word[0] == '.')
		return LOCATION_MAIL;
	return LOCATION_HOST;
}

static int
copy_part(char *out, size_t size, const char *part, size_t len,
    const char *what, struct err *err)
{
	if (len >= size)
		return err_set(err, ERR_CONFIG, "%s is too long", what);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)part[i];

		if (c <= ' ' || c == 0x7f || c == '/')
			return err_set(err, ERR_CONFIG,
			    "%s holds a character that cannot be in one",
			    what);
	}
	memcpy(out, part, len);
	out[len] = '\0';
	return 0;
}

static int
check_port(const char *port, struct err *err)
{
	const char *p = port;
	long n;

	while (isdigit((unsigned char)*p))
		p++;
	n = strtol(port, NULL, 10);
	if (p == port || *p != '\0' || n < 1 || n > 65535)
		return err_set(err, ERR_CONFIG, "%s is not a port, 1 to 65535",
		    port);
	return 0;
}

/* host, host:port, [address], [address]:port, or an address full of ':'. */
static int
parse_address(struct location_host *out, const char *text, struct err *err)
{
	const char *end, *port = NULL;
	size_t len;

	if (text[0] == '[') {
		if ((end = strchr(++text, ']')) == NULL)
			return err_set(err, ERR_CONFIG,
			    "'[' without ']' in the address");
		len = (size_t)(end - text);
		if (end[1] == ':')
			port = end + 2;
		else if (end[1] != '\0')
			return err_set(err, ERR_CONFIG,
			    "only ':' and a port may follow ']'");
	} else {
		end = strchr(text, ':');
		if (end != NULL && strchr(end + 1, ':') == NULL)
			port = end + 1;
		else
			end = text + strlen(text);
		len = (size_t)(end - text);
	}
	if (len == 0)
		return err_set(err, ERR_CONFIG, "no host is named");
	if (copy_part(out->host, sizeof(out->host), text, len, "the host",
	    err) == -1)
		return -1;
	if (port == NULL)
		return 0;
	if (copy_part(out->port, sizeof(out->port), port, strlen(port),
	    "the port", err) == -1)
		return -1;
	return check_port(out->port, err);
}

int
location_host_parse(struct location_host *out, const char *text,
    struct err *err)
{
	struct location_host parsed = { .user = "" };
	const char *rest = text, *at;
	size_t len;

	if (strncmp(rest, URL_PREFIX, strlen(URL_PREFIX)) == 0) {
		rest += strlen(URL_PREFIX);
		len = strlen(rest);
		if (len > 0 && rest[len - 1] == '/')
			return err_set(err, ERR_CONFIG,
			    "%s: nothing may follow the server", text);
	}
	if ((at = strrchr(rest, '@')) != NULL) {
		if (at == rest)
			return err_set(err, ERR_CONFIG,
			    "%s: no user is named before '@'", text);
		if (copy_part(parsed.user, sizeof(parsed.user), rest,
		    (size_t)(at - rest), "the user", err) == -1)
			return err_prefix(err, "%s", text);
		rest = at + 1;
	}
	if (parse_address(&parsed, rest, err) == -1)
		return err_prefix(err, "%s", text);
	*out = parsed;
	return 0;
}

bool
location_host_is_here(const struct location_host *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, host->host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
	if (inet_pton(AF_INET6, host->host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return strcasecmp(host->host, "localhost") == 0;
}
