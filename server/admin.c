#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "net/config_file.h"
#include "net/keys.h"
#include "net/token.h"
#include "server/admin.h"
#include "server/user.h"

#define TEXT_MAX	8192U	/* bytes */
#define HOSTNAME_BYTES	256U

static const char peers_sample[] =
	"# Who may connect, one peer per line; see dsync-server(8).\n"
	"# sha256:<64 digits> user=alice access=read-write name=laptop\n";

static const char config_sample[] =
	"# Settings of dsync-server; see dsync-server.conf(5).\n"
	"# 'dsync-server settings' shows all of them with their values.\n"
	"\n"
	"# Where to listen; default: all addresses, port 7926.\n"
	"#listen = 192.0.2.1:7926\n"
	"\n"
	"# Where mail is kept: %u is the user, ~ the user's home.\n"
	"#mail_location = maildir:~/Maildir\n"
	"\n"
	"# Mail and users of a Dovecot: its file, yes for the installed one, no.\n"
	"#dovecot_config = yes\n";

static void
say_pin(FILE *out, const char *what, const struct pin *pin)
{
	char text[PIN_TEXT_SIZE];

	pin_format(text, pin);
	fprintf(out, "%s%s\n", what, text);
}

/* Make a file if there is none. */
static int
make_file(const char *path, const char *text, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret;

	if (fd == -1 && errno == EEXIST)
		return 0;
	if (fd == -1)
		return err_sys(err, "cannot make %s", path);
	ret = io_write(fd, text, strlen(text), err);
	if (close(fd) == -1 && ret == 0)
		ret = err_sys(err, "cannot write %s", path);
	return ret;
}

int
admin_init(const struct server_settings *set, struct err *err)
{
	char *config = mem_printf("%s/dsync-server.conf", set->config_dir);
	struct pin pin;
	bool made = false;
	int ret = -1;

	if (keys_make_dir(set->config_dir, err) == -1 ||
	    keys_ensure(set->config_dir, &pin, &made, err) == -1 ||
	    make_file(set->peers, peers_sample, err) == -1 ||
	    make_file(config, config_sample, err) == -1)
		goto out;
	say_pin(stdout, "", &pin);
	fprintf(stderr, "%s key is in %s\n", made ? "A new" : "The",
	    set->config_dir);
	fprintf(stderr, "Next: start dsync-server, and for each client run\n"
	    "    dsync-server token --user USER\n");
	ret = 0;
out:
	free(config);
	return ret;
}

/* The port that tokens name: the first one listened on. */
static void
listen_port(const struct server_settings *set, char *port, size_t size)
{
	const char *text = set->listen.n > 0 ? set->listen.v[0] : "*";
	const char *colon = strrchr(text, ':');
	struct err err = ERR_INIT;
	struct server_addr addr;
	struct strbuf file;

	strlcpy(port, SERVER_PORT, size);
	if (server_addr_parse(&addr, text, strlen(text)))
		strlcpy(port, addr.port, size);
	else if (colon != NULL && strlen(colon + 1) < size)
		strlcpy(port, colon + 1, size);
	if (strcmp(port, "0") != 0 || set->port_file == NULL)
		return;
	strbuf_init(&file, TEXT_MAX);
	if (config_file_read(set->port_file, &file, &err) == 0) {
		file.data[strcspn(file.data, "\n")] = '\0';
		strlcpy(port, file.data, size);
	}
	strbuf_deinit(&file);
}

static void
add_addr(struct token *token, const char *host, const char *port)
{
	struct server_addr addr = { .host = "" };

	if (token->addr_count == TOKEN_ADDRS_MAX)
		return;
	strlcpy(addr.host, host, sizeof(addr.host));
	strlcpy(addr.port, port, sizeof(addr.port));
	for (unsigned int i = 0; i < token->addr_count; i++) {
		if (strcmp(token->addrs[i].host, addr.host) == 0 &&
		    strcmp(token->addrs[i].port, addr.port) == 0)
			return;
	}
	token->addrs[token->addr_count++] = addr;
}

/* A name with a dot may be known to others; "localhost" is not. */
static void
add_host_name(struct token *token, const char *port)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME,
	    .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char name[HOSTNAME_BYTES] = "";

	if (gethostname(name, sizeof(name) - 1) == -1 || name[0] == '\0')
		return;
	if (strchr(name, '.') == NULL &&
	    getaddrinfo(name, NULL, &hints, &list) == 0) {
		if (list->ai_canonname != NULL)
			strlcpy(name, list->ai_canonname, sizeof(name));
		freeaddrinfo(list);
	}
	if (strchr(name, '.') != NULL && strncmp(name, "localhost", 9) != 0)
		add_addr(token, name, port);
}

static bool
is_reachable(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *sin6;

	if (sa->sa_family == AF_INET)
		return true;
	if (sa->sa_family != AF_INET6)
		return false;
	sin6 = (const struct sockaddr_in6 *)(const void *)sa;
	return !IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr);
}

static void
add_interfaces(struct token *token, const char *port)
{
	struct ifaddrs *list = NULL;
	char host[64];

	if (getifaddrs(&list) == -1)
		return;
	for (const struct ifaddrs *ifa = list; ifa != NULL;
	    ifa = ifa->ifa_next) {
		if (ifa->ifa_addr == NULL || (ifa->ifa_flags & IFF_LOOPBACK)
		    != 0 || (ifa->ifa_flags & IFF_UP) == 0 ||
		    !is_reachable(ifa->ifa_addr))
			continue;
		if (getnameinfo(ifa->ifa_addr, ifa->ifa_addr->sa_family ==
		    AF_INET ? sizeof(struct sockaddr_in) :
		    sizeof(struct sockaddr_in6), host, sizeof(host), NULL, 0,
		    NI_NUMERICHOST) == 0)
			add_addr(token, host, port);
	}
	freeifaddrs(list);
}

/* The addresses given, else those listened on, else those of this host. */
static int
add_addresses(const struct server_settings *set, struct token *token,
    struct err *err)
{
	struct server_addr addr;
	char port[6];

	listen_port(set, port, sizeof(port));
	for (size_t i = 0; i < set->addresses.n; i++) {
		if (!server_addr_parse(&addr, set->addresses.v[i],
		    strlen(set->addresses.v[i])))
			return err_set(err, ERR_CONFIG, "--address: %s is no "
			    "host:port", set->addresses.v[i]);
		/* Without a port of its own it gets ours. */
		if (strcmp(addr.port, SERVER_PORT) == 0 &&
		    strstr(set->addresses.v[i], ":" SERVER_PORT) == NULL)
			strlcpy(addr.port, port, sizeof(addr.port));
		add_addr(token, addr.host, addr.port);
	}
	for (size_t i = 0; i < set->listen.n && set->addresses.n == 0; i++) {
		const char *text = set->listen.v[i];
		size_t len = strlen(text);

		if (len > 2 && strcmp(text + len - 2, ":0") == 0)
			len -= 2;
		if (text[0] != '*' && server_addr_parse(&addr, text, len) &&
		    strcmp(addr.host, "0.0.0.0") != 0 &&
		    strcmp(addr.host, "::") != 0)
			add_addr(token, addr.host, len < strlen(text) ? port :
			    addr.port);
	}
	if (token->addr_count == 0) {
		add_host_name(token, port);
		add_interfaces(token, port);
	}
	if (token->addr_count == 0)
		add_addr(token, "localhost", port);
	return 0;
}

static int
fill_grant(const struct server_settings *set, struct token_grant *grant,
    struct err *err)
{
	struct account user = { .name = NULL };
	const struct passwd *pw = NULL;
	const char *name = set->user;

	if (name == NULL && server_settings_single(set) &&
	    (pw = getpwuid(geteuid())) != NULL)
		name = pw->pw_name;
	if (name == NULL)
		return err_set(err, ERR_CONFIG, "--user is needed: whose mail "
		    "may the client have?");
	if (user_find(set, name, &user, err) == -1)
		return -1;
	account_deinit(&user);
	strlcpy(grant->user, name, sizeof(grant->user));
	if (set->name != NULL) {
		if (!peer_name_valid(set->name))
			return err_set(err, ERR_CONFIG, "--name wants 1 to "
			    "%u printable bytes without blanks",
			    PEERS_NAME_MAX);
		strlcpy(grant->name, set->name, sizeof(grant->name));
	}
	if (!peer_right_parse(&grant->access, set->access))
		return err_set(err, ERR_CONFIG, "--access is read, append or "
		    "read-write");
	grant->expires_ms = clock_now_ms() + TOKEN_LIFE_MS;
	return 0;
}

int
admin_token(const struct server_settings *set, struct err *err)
{
	struct token token = { .addr_count = 0 };
	struct token_grant grant = { .user = "" };
	struct strbuf text;
	int ret = -1;

	if (set->ssl_ca != NULL)
		return err_set(err, ERR_CONFIG, "with ssl_ca there is no "
		    "enrolment: list the names of certificates in the peers "
		    "file (cn=)");
	strbuf_init(&text, TEXT_MAX);
	random_bytes(token.secret, sizeof(token.secret));
	if (fill_grant(set, &grant, err) == -1 ||
	    keys_pin(set->ssl_key, &token.server, err) == -1 ||
	    add_addresses(set, &token, err) == -1 ||
	    token_format(&text, &token, err) == -1 ||
	    token_purge(set->token_dir, err) == -1 ||
	    token_store(set->token_dir, token.secret, &grant, err) == -1)
		goto out;
	printf("%s\n", text.data);
	fprintf(stderr, "On the other host, within 15 minutes:\n"
	    "    dsync enrol TOKEN\n"
	    "It lets that host in once, as %s with access %s, at",
	    grant.user, peer_right_name(grant.access));
	for (unsigned int i = 0; i < token.addr_count; i++) {
		strbuf_reset(&text);
		server_addr_format(&text, &token.addrs[i]);
		fprintf(stderr, " %s", text.data);
	}
	fputc('\n', stderr);
	ret = 0;
out:
	explicit_bzero(&token, sizeof(token));
	explicit_bzero(text.data, text.len);
	strbuf_deinit(&text);
	return ret;
}

static void
print_complaint(void *arg, const char *text)
{
	*(bool *)arg = true;
	fprintf(stderr, "dsync-server: %s\n", text);
}

int
admin_peers(const struct server_settings *set, struct err *err)
{
	const uint64_t now = clock_now_ms();
	const struct peer *peer, *found;
	enum peer_status status;
	struct peers peers;
	struct strbuf line;
	bool bad = false;

	if (peers_read(&peers, set->peers, print_complaint, &bad, err) == -1)
		return -1;
	strbuf_init(&line, TEXT_MAX);
	for (size_t i = 0; i < peers.n; i++) {
		peer = &peers.v[i];
		if (!peer->has_pin && peer->cn[0] == '\0')
			continue;
		status = peer->has_pin ? peers_find_pin(&peers, &peer->pin,
		    now, &found) : peers_find_cn(&peers, peer->cn, now,
		    &found);
		strbuf_reset(&line);
		peer_format(&line, peer);
		printf("%-12s %s", peer_status_word(status), line.data);
	}
	strbuf_deinit(&line);
	peers_deinit(&peers);
	return bad ? err_set(err, ERR_CONFIG, "bad lines refuse their "
	    "peers") : 0;
}

int
admin_revoke(const struct server_settings *set, struct err *err)
{
	struct pin pin;

	if (set->argument == NULL || !pin_parse(&pin, set->argument,
	    strlen(set->argument)))
		return err_set(err, ERR_CONFIG, "revoke wants the key, "
		    "sha256: and 64 hexadecimal digits");
	if (peers_revoke(set->peers, &pin, err) == -1)
		return -1;
	say_pin(stdout, "revoked ", &pin);
	return 0;
}
