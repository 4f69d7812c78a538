/*
 * endpoint.c - the far end of one side of a run
 */
#include "config.h"

#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "client/endpoint.h"
#include "log/log.h"
#include "net/poll.h"
#include "net/stream_fd.h"
#include "session/confine.h"

/*
 * The brain may have nothing to ask of one store while the other one looks
 * through its mail; if the brain ends, the store sees the end of data at once.
 */
#define STORE_IDLE_TIMEOUT	86400U	/* seconds */
#define REAP_STEP_MS		1U	/* between two looks at a child, where
					   the kernel does not tell its end */
#define KILL_MS			1000U	/* from a request to end until no mercy */
#define CHILD_FD		3	/* the store's only descriptor but 0-2 */

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

/* Has the brain hung up?  Then it has its own reasons and tells them. */
static bool
is_alone(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = 0 };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP) != 0;
}

/* The store process: never returns. */
static _Noreturn void
serve_store(int fd, const char *name, const struct session_args *args)
{
	struct err err = ERR_INIT;

	poll_signal_reset();
	/* An interrupt from the terminal reaches us too; the brain decides. */
	(void)signal(SIGINT, SIG_IGN);
	if (fd != CHILD_FD && dup2(fd, CHILD_FD) == -1)
		err_sys(&err, "dup2");
	else
		closefrom(CHILD_FD + 1);
	if (err.code != ERR_NONE ||
	    session_confine(args, &err) == -1 ||
	    session_main(CHILD_FD, CHILD_FD, args, STORE_IDLE_TIMEOUT,
	    &err) == -1) {
		/* With ERR_STALE the brain begins again. */
		if (err.code != ERR_STALE && !is_alone(CHILD_FD))
			fprintf(stderr, "dsync: %s: %s\n", name, err.msg);
		fflush(stderr);
		_exit(err_exit_status(err.code));
	}
	_exit(0);
}

int
endpoint_open_store(struct endpoint *end, const char *name,
    const struct session_args *args, struct err *err)
{
	struct stream *stream;
	int fds[2];
	pid_t pid;

	if (fd_pair(fds, err) == -1)
		return -1;
	fflush(NULL);
	if ((pid = fork()) == -1) {
		err_sys(err, "start a store process");
		close_fd(&fds[0]);
		close_fd(&fds[1]);
		return -1;
	}
	if (pid == 0) {
		close_fd(&fds[0]);
		serve_store(fds[1], name, args);
	}
	close_fd(&fds[1]);
	*end = (struct endpoint){
		.kind = ENDPOINT_STORE, .name = name, .pid = pid, .here = true,
	};
	if (stream_fd_new(fds[0], fds[0], name, &stream, err) == -1) {
		close_fd(&fds[0]);
		(void)endpoint_close(end, 0);
		return -1;
	}
	end->stream = stream;
	return 0;
}

/* In the child: become the command; tells errno to report if it cannot. */
static _Noreturn void
exec_command(char *const *words, int in, int out, int report)
{
	int why;

	poll_signal_reset();
	(void)signal(SIGPIPE, SIG_DFL);
	/* Pipes are never 0 to 2: the program opens those if they are closed. */
	if (dup2(in, STDIN_FILENO) != -1 && dup2(out, STDOUT_FILENO) != -1)
		execvp(words[0], words);
	why = errno;
	while (write(report, &why, sizeof(why)) == -1 && errno == EINTR)
		;
	_exit(127);
}

struct pipes {
	int to[2];		/* to the command's input */
	int from[2];		/* from its output */
	int report[2];		/* errno if it could not be started */
};

static void
close_pipes(struct pipes *p)
{
	for (int i = 0; i < 2; i++) {
		close_fd(&p->to[i]);
		close_fd(&p->from[i]);
		close_fd(&p->report[i]);
	}
}

static int
open_pipes(struct pipes *p, struct err *err)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (pipe2(p->to, O_CLOEXEC) == -1 || pipe2(p->from, O_CLOEXEC) == -1 ||
	    pipe2(p->report, O_CLOEXEC) == -1) {
		err_sys(err, "pipe");
		close_pipes(p);
		return -1;
	}
	return 0;
}

int
endpoint_open_command(struct endpoint *end, const char *name,
    char *const *words, struct err *err)
{
	struct stream *stream;
	struct pipes p;
	int why = 0;
	pid_t pid;

	if (open_pipes(&p, err) == -1)
		return -1;
	fflush(NULL);
	if ((pid = fork()) == -1) {
		err_sys(err, "start %s", words[0]);
		close_pipes(&p);
		return -1;
	}
	if (pid == 0)
		exec_command(words, p.to[0], p.from[1], p.report[1]);
	close_fd(&p.to[0]);
	close_fd(&p.from[1]);
	close_fd(&p.report[1]);
	*end = (struct endpoint){
		.kind = ENDPOINT_COMMAND, .name = name, .pid = pid,
	};
	/* Ends without a byte when exec closes the other end. */
	if (io_read(p.report[0], &why, sizeof(why)) == sizeof(why)) {
		errno = why;
		err_sys(err, "start %s", words[0]);
	} else if (stream_fd_new(p.from[0], p.to[1], name, &stream, err) == 0) {
		end->stream = stream;
		close_fd(&p.report[0]);
		return 0;
	}
	close_pipes(&p);
	/* Having told why, it ends by itself. */
	(void)endpoint_close(end, KILL_MS);
	return -1;
}

void
endpoint_take_server(struct endpoint *end, const char *name,
    struct stream *stream, bool next_user, bool here)
{
	*end = (struct endpoint){
		.kind = ENDPOINT_SERVER, .name = name, .stream = stream,
		.next_user = next_user, .here = here,
	};
}

/* A descriptor that can be read when the child has ended, or -1. */
static int
open_end(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	return -1;
#endif
}

static void
wait_for_end(int end_fd, uint64_t wait_ms)
{
	const struct timespec step = { .tv_nsec = REAP_STEP_MS * 1000000L };
	struct pollfd pfd = { .fd = end_fd, .events = POLLIN };

	if (end_fd != -1)
		(void)poll(&pfd, 1, wait_ms < INT_MAX ? (int)wait_ms : INT_MAX);
	else
		(void)nanosleep(&step, NULL);
}

/* Has the child ended within wait_ms?  Then *status_r is its status. */
static bool
reap(pid_t pid, unsigned int wait_ms, int *status_r)
{
	uint64_t now, deadline = clock_mono_ms() + wait_ms;
	int end_fd = -1;
	bool ended = true;
	pid_t r;

	while ((r = waitpid(pid, status_r, WNOHANG)) != pid) {
		if (r == -1 && errno != EINTR) {
			*status_r = 0;
			break;
		}
		if ((now = clock_mono_ms()) >= deadline) {
			ended = false;
			break;
		}
		if (end_fd == -1)
			end_fd = open_end(pid);
		wait_for_end(end_fd, deadline - now);
	}
	close_fd(&end_fd);
	return ended;
}

int
endpoint_wait(struct endpoint *end, unsigned int wait_ms)
{
	int status = 0;

	if (end->pid <= 0)
		return end->status;
	if (!reap(end->pid, wait_ms, &status)) {
		log_debug("end child pid=%d name=%s", (int)end->pid,
		    end->name);
		(void)kill(end->pid, SIGTERM);
		if (!reap(end->pid, KILL_MS, &status)) {
			(void)kill(end->pid, SIGKILL);
			while (waitpid(end->pid, &status, 0) == -1 &&
			    errno == EINTR)
				;
		}
	}
	end->pid = 0;
	if (WIFSIGNALED(status))
		end->status = 128 + WTERMSIG(status);
	else
		end->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	return end->status;
}

int
endpoint_close(struct endpoint *end, unsigned int wait_ms)
{
	stream_close(&end->stream);
	return endpoint_wait(end, wait_ms);
}
