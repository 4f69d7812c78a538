/*
 * cutproxy.c - a connection that ends when a number of bytes have passed
 *
 *	cutproxy [-u BYTES] [-d BYTES] [-a ACTION] [-r FILE]
 *	    -l PORT -p FILE -t PORT	between a client and a TCP server, both
 *					on loopback; port 0 is any, FILE gets it
 *	cutproxy -s -l PORT -p FILE	accept one connection and say nothing
 *	cutproxy [...] COMMAND...	between our standard input and output
 *					and the command's
 *
 * -u cuts when so many bytes went up (to the server or command), -d when so
 * many came down; 0: never.  Bytes beyond are not handed on.  Then ACTION:
 *
 *	fin	both ends see the end of data (the default)
 *	rst	both ends see a reset (TCP)
 *	stall	nothing passes any more, until the client hangs up (TCP)
 *	child	the command is killed by SIGKILL
 *	parent	the process that started us is
 *	sibling	its other children are
 *
 * -r FILE gets "UP DOWN", the bytes that passed.  One connection is carried;
 * the exit status is 0 when it was cut and 3 when it ended by itself.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/err.h"
#include "base/io.h"

#define CHUNK		16384U	/* bytes */
#define ENDED		3	/* exit status */
#define NEVER		UINT64_MAX

enum action {
	ACT_FIN, ACT_RST, ACT_STALL, ACT_CHILD, ACT_PARENT, ACT_SIBLING,
};

static const char *const action_names[] = {
	"fin", "rst", "stall", "child", "parent", "sibling",
};

/* One direction. */
struct way {
	int from, to;
	uint64_t passed, limit;	/* bytes */
	bool open;
};

struct proxy {
	struct way up, down;
	enum action action;
	const char *report, *port_file;
	long listen_port, target_port;	/* -1: a command */
	bool silent;
	pid_t child;
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "cutproxy: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in
loopback(long port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons((uint16_t)port);
	return addr;
}

/* In one step, so that who waits for the file finds it whole. */
static void
write_file(const char *path, uint64_t a, uint64_t b, bool two)
{
	char tmp[4096];
	FILE *file;

	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	if ((file = fopen(tmp, "w")) == NULL)
		die(tmp);
	if (two)
		fprintf(file, "%llu %llu\n", (unsigned long long)a,
		    (unsigned long long)b);
	else
		fprintf(file, "%llu\n", (unsigned long long)a);
	if (fclose(file) == EOF || rename(tmp, path) == -1)
		die(path);
}

static void
wait_for_end(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLRDHUP };

	while (poll(&pfd, 1, -1) == -1 && errno == EINTR)
		;
}

static void
open_tcp(struct proxy *p)
{
	struct sockaddr_in addr = loopback(p->listen_port);
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof(one)) == -1 || bind(fd, (struct sockaddr *)&addr,
	    sizeof(addr)) == -1 || listen(fd, 1) == -1 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) == -1)
		die("listen");
	if (p->port_file != NULL)
		write_file(p->port_file, ntohs(addr.sin_port), 0, false);
	while ((p->up.from = accept(fd, NULL, NULL)) == -1)
		if (errno != EINTR)
			die("accept");
	(void)close(fd);
	if (p->silent) {
		wait_for_end(p->up.from);
		exit(0);
	}
	addr = loopback(p->target_port);
	p->up.to = socket(AF_INET, SOCK_STREAM, 0);
	if (p->up.to == -1 || connect(p->up.to, (struct sockaddr *)&addr,
	    sizeof(addr)) == -1)
		die("connect");
	p->down.from = p->up.to;
	p->down.to = p->up.from;
}

static void
open_command(struct proxy *p, char *const *command)
{
	int to[2], from[2];

	if (pipe(to) == -1 || pipe(from) == -1 || (p->child = fork()) == -1)
		die("start");
	if (p->child == 0) {
		(void)dup2(to[0], STDIN_FILENO);
		(void)dup2(from[1], STDOUT_FILENO);
		closefrom(STDERR_FILENO + 1);
		execvp(command[0], command);
		die(command[0]);
	}
	(void)close(to[0]);
	(void)close(from[1]);
	p->up.from = STDIN_FILENO;
	p->up.to = to[1];
	p->down.from = from[0];
	p->down.to = STDOUT_FILENO;
}

static void
end_way(struct proxy *p, struct way *way)
{
	way->open = false;
	if (p->child == 0)
		(void)shutdown(way->to, SHUT_WR);
	else
		(void)close(way->to);
}

/* True when it is time to cut. */
static bool
carry(struct proxy *p, struct way *way)
{
	struct err err = ERR_INIT;
	char buf[CHUNK];
	size_t want = sizeof(buf);
	ssize_t n;

	if (way->limit - way->passed < want)
		want = (size_t)(way->limit - way->passed);
	n = read(way->from, buf, want);
	if (n == -1 && errno == EINTR)
		return false;
	if (n <= 0 || io_write(way->to, buf, (size_t)n, &err) == -1) {
		end_way(p, way);
		return false;
	}
	way->passed += (uint64_t)n;
	return way->passed >= way->limit;
}

/* Returns whether it was cut. */
static bool
carry_both(struct proxy *p)
{
	struct way *ways[2] = { &p->up, &p->down };
	struct pollfd fds[2];

	p->up.open = p->down.open = true;
	while (p->down.open) {
		for (size_t i = 0; i < nitems(ways); i++)
			fds[i] = (struct pollfd){
				.fd = ways[i]->open ? ways[i]->from : -1,
				.events = POLLIN,
			};
		if (poll(fds, nitems(fds), -1) == -1 && errno != EINTR)
			die("poll");
		for (size_t i = 0; i < nitems(ways); i++)
			if (ways[i]->open && (fds[i].revents &
			    (POLLIN | POLLHUP | POLLERR)) != 0 &&
			    carry(p, ways[i]))
				return true;
	}
	return false;
}

static void
reset(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

static void
kill_siblings(pid_t parent)
{
	char path[64];
	FILE *file;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)parent, (int)parent);
	if ((file = fopen(path, "r")) == NULL)
		die(path);
	while (fscanf(file, "%d", &pid) == 1)
		if (pid != (int)getpid())
			(void)kill((pid_t)pid, SIGKILL);
	(void)fclose(file);
}

static void
cut(struct proxy *p)
{
	switch (p->action) {
	case ACT_RST:
		reset(p->up.from);
		reset(p->up.to);
		return;
	case ACT_STALL:
		wait_for_end(p->up.from);
		break;
	case ACT_CHILD:
		(void)kill(p->child, SIGKILL);
		break;
	case ACT_PARENT:
		(void)kill(getppid(), SIGKILL);
		break;
	case ACT_SIBLING:
		kill_siblings(getppid());
		break;
	case ACT_FIN:
		break;
	}
	end_way(p, &p->up);
	end_way(p, &p->down);
}

static uint64_t
limit_of(const char *text)
{
	uint64_t n = strtoull(text, NULL, 10);

	return n == 0 ? NEVER : n;
}

static enum action
action_of(const char *text)
{
	for (size_t i = 0; i < nitems(action_names); i++)
		if (strcmp(text, action_names[i]) == 0)
			return (enum action)i;
	fprintf(stderr, "cutproxy: no action %s\n", text);
	exit(64);
}

static void
parse(struct proxy *p, int argc, char *argv[])
{
	int c;

	while ((c = getopt(argc, argv, "+su:d:a:r:l:p:t:")) != -1) {
		switch (c) {
		case 's': p->silent = true; break;
		case 'u': p->up.limit = limit_of(optarg); break;
		case 'd': p->down.limit = limit_of(optarg); break;
		case 'a': p->action = action_of(optarg); break;
		case 'r': p->report = optarg; break;
		case 'l': p->listen_port = strtol(optarg, NULL, 10); break;
		case 'p': p->port_file = optarg; break;
		case 't': p->target_port = strtol(optarg, NULL, 10); break;
		default: exit(64);
		}
	}
	if (!p->silent && (p->target_port == -1) == (optind == argc)) {
		fprintf(stderr, "usage: cutproxy [OPTION...] -l PORT -t PORT |"
		    " COMMAND...\n");
		exit(64);
	}
}

int
main(int argc, char *argv[])
{
	struct proxy p = { .up.limit = NEVER, .down.limit = NEVER,
		.listen_port = 0, .target_port = -1 };
	bool was_cut;

	parse(&p, argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	if (p.target_port != -1 || p.silent)
		open_tcp(&p);
	else
		open_command(&p, argv + optind);
	was_cut = carry_both(&p);
	if (p.report != NULL)
		write_file(p.report, p.up.passed, p.down.passed, true);
	if (was_cut)
		cut(&p);
	else
		end_way(&p, &p.up);
	while (p.child != 0 && waitpid(p.child, NULL, 0) == -1 &&
	    errno == EINTR)
		;
	return was_cut ? 0 : ENDED;
}
