/*
 * doveconf_run.c - the program doveconf as a child
 *
 * Started without a shell, with bounded time and output.  It gets a process
 * group of its own: if it is a script that hangs in another program, both end.
 */
#include "config.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "conf/doveconf.h"

#define VARIABLE	"DSYNC_DOVECONF"
#define REMARKS_MAX	4096U		/* bytes of its standard error */
#define READ_SIZE	16384U		/* bytes */
#define EXEC_FAILED	127
#define REAP_STEP_MS	2		/* between two looks at a child */

static const char *const folders[] = {
	"/usr/bin", "/usr/local/bin", "/usr/sbin", "/usr/local/sbin",
	"/opt/dovecot/bin",
};

static bool
try_folder(struct strbuf *path, const char *folder, size_t len)
{
	if (len == 0 || folder[0] != '/')
		return false;	/* never what lies in some current folder */
	strbuf_reset(path);
	strbuf_add(path, folder, len);
	strbuf_adds(path, "/doveconf");
	return !path->failed && access(path->data, X_OK) == 0;
}

bool
doveconf_find(struct strbuf *path)
{
	const char *given = getenv(VARIABLE), *p = getenv("PATH");
	size_t len;

	if (given != NULL) {
		strbuf_reset(path);
		strbuf_adds(path, given);
		return given[0] != '\0' && !path->failed;
	}
	for (; p != NULL && *p != '\0'; p += len + (p[len] == ':')) {
		len = strcspn(p, ":");
		if (try_folder(path, p, len))
			return true;
	}
	for (size_t i = 0; i < nitems(folders); i++) {
		if (try_folder(path, folders[i], strlen(folders[i])))
			return true;
	}
	return false;
}

static _Noreturn void
become_program(char *const *words, int out, int errors)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	(void)setpgid(0, 0);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* Its own settings come from the file, not from a parent Dovecot. */
	(void)unsetenv("CONFIG_FILE");
	(void)unsetenv("DOVECONF_ENV");
	if (null != -1 && dup2(null, STDIN_FILENO) != -1 &&
	    dup2(out, STDOUT_FILENO) != -1 &&
	    dup2(errors, STDERR_FILENO) != -1)
		execv(words[0], words);
	dprintf(STDERR_FILENO, "%s: %s\n", words[0], strerror(errno));
	_exit(EXEC_FAILED);
}

struct child {
	pid_t pid;
	unsigned int timeout;	/* seconds */
	uint64_t end_ms;
	int fds[2];		/* standard output and error; -1: at the end */
	struct strbuf *text[2];
};

static int
start(struct child *child, char *const *words, struct err *err)
{
	int out[2], errors[2];

	if (pipe2(out, O_CLOEXEC) == -1)
		return err_sys(err, "pipe");
	if (pipe2(errors, O_CLOEXEC) == -1) {
		err_sys(err, "pipe");
		(void)close(out[0]);
		(void)close(out[1]);
		return -1;
	}
	child->pid = fork();
	if (child->pid == 0)
		become_program(words, out[1], errors[1]);
	(void)close(out[1]);
	(void)close(errors[1]);
	child->fds[0] = out[0];
	child->fds[1] = errors[0];
	if (child->pid == -1) {
		err_sys(err, "start %s", words[0]);
		(void)close(out[0]);
		(void)close(errors[0]);
		return -1;
	}
	return 0;
}

/* Take what one pipe has; -1: there is too much on standard output. */
static int
take(struct child *child, int i, struct err *err)
{
	char buf[READ_SIZE];
	ssize_t n = read(child->fds[i], buf, sizeof(buf));

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		(void)close(child->fds[i]);
		child->fds[i] = -1;
		return 0;
	}
	strbuf_add(child->text[i], buf, (size_t)n);
	if (i == 0 && child->text[i]->failed)
		return err_set(err, ERR_CONFIG, "it prints more than %u bytes",
		    DOVECONF_OUTPUT_MAX);
	return 0;
}

static int
late(const struct child *child, struct err *err)
{
	return err_set(err, ERR_CONFIG, "it did not end within %u seconds",
	    child->timeout);
}

static int
collect(struct child *child, struct err *err)
{
	uint64_t now;

	while (child->fds[0] != -1 || child->fds[1] != -1) {
		struct pollfd pfd[2] = {
			{ .fd = child->fds[0], .events = POLLIN },
			{ .fd = child->fds[1], .events = POLLIN },
		};

		now = clock_mono_ms();
		if (now >= child->end_ms)
			return late(child, err);
		if (poll(pfd, 2, (int)(child->end_ms - now)) == -1) {
			if (errno != EINTR)
				return err_sys(err, "poll");
			continue;
		}
		for (int i = 0; i < 2; i++) {
			if (pfd[i].revents != 0 && take(child, i, err) == -1)
				return -1;
		}
	}
	return 0;
}

/* Having closed its output it should be gone; *status_r is how it ended. */
static int
reap(const struct child *child, int *status_r, struct err *err)
{
	pid_t pid;

	for (;;) {
		pid = waitpid(child->pid, status_r, WNOHANG);
		if (pid == child->pid)
			return 0;
		if (pid == -1 && errno != EINTR)
			return err_sys(err, "waitpid");
		if (clock_mono_ms() >= child->end_ms)
			return late(child, err);
		(void)poll(NULL, 0, REAP_STEP_MS);
	}
}

static void
end_child(const struct child *child)
{
	int status;

	(void)kill(-child->pid, SIGKILL);
	(void)kill(child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) == -1 && errno == EINTR)
		;
}

/*
 * Run words and wait.  Returns the exit status, or -1; text of its standard
 * output and error is in text in both cases.
 */
static int
run(char *const *words, unsigned int timeout, struct strbuf *text[2],
    struct err *err)
{
	struct child child = { .fds = { -1, -1 }, .timeout = timeout,
	    .end_ms = clock_mono_ms() + timeout * 1000ULL,
	    .text = { text[0], text[1] } };
	int status = 0, ret;

	if (start(&child, words, err) == -1)
		return -1;
	ret = collect(&child, err);
	if (ret == 0)
		ret = reap(&child, &status, err);
	if (ret == -1)
		end_child(&child);
	for (int i = 0; i < 2; i++) {
		if (child.fds[i] != -1)
			(void)close(child.fds[i]);
	}
	if (ret == -1)
		return -1;
	if (!WIFEXITED(status))
		return err_set(err, ERR_CONFIG, "it was ended by signal %d",
		    WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* The last line, which says what was fatal. */
static const char *
last_line(struct strbuf *text)
{
	char *line;

	while (text->len > 0 && text->data[text->len - 1] == '\n')
		text->data[--text->len] = '\0';
	line = strrchr(text->data, '\n');
	return line != NULL ? line + 1 : text->data;
}

#define WORDS_MAX	12U

/* program [-c file] and more, then NULL. */
static void
set_words(char *words[static WORDS_MAX], const char *program,
    const char *file, const char *const *more)
{
	size_t n = 0;

	/* execv does not change them. */
	words[n++] = (char *)(uintptr_t)program;
	if (file != NULL) {
		words[n++] = (char *)(uintptr_t)"-c";
		words[n++] = (char *)(uintptr_t)file;
	}
	for (; *more != NULL; more++)
		words[n++] = (char *)(uintptr_t)*more;
	words[n] = NULL;
}

struct source {
	const char *program, *file;
	unsigned int timeout;
	struct strbuf *text[2];		/* standard output and error */
};

static int
run_with(const struct source *source, const char *const *more,
    struct err *err)
{
	char *words[WORDS_MAX];

	set_words(words, source->program, source->file, more);
	strbuf_reset(source->text[0]);
	strbuf_reset(source->text[1]);
	return run(words, source->timeout, (struct strbuf *[2]){
	    source->text[0], source->text[1] }, err);
}

static int
fail(const struct source *source, int status, struct err *err)
{
	const char *said = last_line(source->text[1]),
	    *option = source->file != NULL ? " -c " : "",
	    *file = source->file != NULL ? source->file : "";

	if (status == -1 || said[0] == '\0') {
		if (status != -1)
			err_set(err, ERR_CONFIG, "it ended with status %d",
			    status);
		err->code = ERR_CONFIG;
		return err_prefix(err, "Dovecot's settings cannot be read by "
		    "%s%s%s", source->program, option, file);
	}
	return err_set(err, ERR_CONFIG, "Dovecot's settings cannot be read by "
	    "%s%s%s: %s", source->program, option, file, said);
}

/* What 2.4 prints: what was changed, and defaults that builds differ in. */
static int
read_blocks(struct doveconf *dc, const struct source *source,
    struct err *err)
{
	static const char *const changed[] = { "-n", "-f", "protocol=doveadm",
	    NULL };
	static const char *const some[] = { "base_dir", "auth_socket_path",
	    "mbox_read_locks", "mbox_write_locks", NULL };
	const struct strbuf *out = source->text[0];
	struct err unused = ERR_INIT;
	int status;

	if (run_with(source, some, &unused) == 0)
		(void)doveconf_parse_blocks(dc, out->data, out->len, &unused);
	status = run_with(source, changed, err);
	if (status == 0 && doveconf_parse_blocks(dc, out->data, out->len,
	    err) == -1)
		status = -1;
	return status;
}

int
doveconf_read(struct doveconf *dc, const char *program, const char *file,
    unsigned int timeout, struct strbuf *remarks, struct err *err)
{
	/* The form for programs, which 2.4 has no more. */
	static const char *const flat[] = { "-S", "-f", "protocol=doveadm",
	    NULL };
	struct strbuf out, errors;
	const struct source source = { .program = program, .file = file,
	    .timeout = timeout, .text = { &out, &errors } };
	int status;

	strbuf_init(&out, DOVECONF_OUTPUT_MAX);
	strbuf_init(&errors, REMARKS_MAX);
	status = run_with(&source, flat, err);
	if (status == 0 &&
	    doveconf_parse_flat(dc, out.data, out.len, err) == -1)
		status = -1;
	if (status > 0 && status != EXEC_FAILED)
		status = read_blocks(dc, &source, err);
	if (status != 0)
		(void)fail(&source, status, err);
	else if (errors.len > 0)
		strbuf_adds(remarks, errors.data);
	strbuf_deinit(&out);
	strbuf_deinit(&errors);
	return status == 0 ? 0 : -1;
}
