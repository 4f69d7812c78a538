/*
 * The parent only starts processes and counts how they end: it reads no mail
 * and parses nothing that a peer sent.  A child looks its user up, connects,
 * with the key of who runs the program, becomes the user and makes a run as
 * for -u.  Its lines are collected and printed at once when it ends.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"
#include "client/all.h"
#include "client/settings.h"
#include "client/sync.h"
#include "log/log.h"
#include "users/userdb.h"

#define STATUS_SKIPPED	253	/* of a child: the user has no mail */
#define STATUS_PARTIAL	2	/* done, but not perfect */

struct all {
	struct settings *set;
	ARRAY(char *) users;
	int lock_fd;			/* whoever prints has its lock */
	pid_t running[ALL_JOBS_MAX];	/* 0: free */
	unsigned int running_count;
	unsigned long done, partial, skipped, failed;
	int failure;			/* status of failures; -1: of two kinds */
};

static volatile sig_atomic_t stopped;

static void
on_stop(int sig)
{
	stopped = sig;
}

static int
note_user(const char *name, void *arg, struct err *err)
{
	struct all *all = arg;

	if (all->users.n >= ALL_USERS_MAX)
		return err_set(err, ERR_REFUSED, "more than %u users",
		    ALL_USERS_MAX);
	*ARRAY_ADD(&all->users) = mem_strdup(name);
	return 0;
}

/* Copy text to out, each line with the user's name in front. */
static void
print_lines(FILE *out, const char *user, const char *text)
{
	static const char own[] = "dsync: ";
	const char *end;
	size_t len;

	for (; *text != '\0'; text = *end == '\0' ? end : end + 1) {
		end = text + strcspn(text, "\n");
		len = (size_t)(end - text);
		if (strncmp(text, own, strlen(own)) == 0) {
			fputs(own, out);
			text += strlen(own);
			len -= strlen(own);
		}
		fprintf(out, "%s: %.*s\n", user, (int)len, text);
	}
	fflush(out);
}

/* One process at a time; a lock of a process that dies is free again. */
static void
print_both(const struct all *all, const char *user, const char *results,
    const char *remarks)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	while (fcntl(all->lock_fd, F_SETLKW, &lock) == -1 && errno == EINTR)
		;
	print_lines(stderr, user, remarks);
	print_lines(stdout, user, results);
	lock.l_type = F_UNLCK;
	(void)fcntl(all->lock_fd, F_SETLK, &lock);
}

static int
run_user(struct all *all, const char *user, FILE *results, FILE *remarks)
{
	struct settings *set = all->set;
	struct sync_start start = { .results = results, .remarks = remarks };
	struct err err = ERR_INIT;

	set->user = mem_strdup(user);
	log_context_set("user=%s", user);
	if (settings_find_user(set, &err) == -1) {
		if (err.code == ERR_NOTFOUND)
			return STATUS_SKIPPED;
		goto failed;
	}
	if (sync_connect(set, &start, &err) == -1 ||
	    settings_become(set, &err) == -1)
		goto failed;
	return sync_run(set, &start);
failed:
	fprintf(remarks, "dsync: %s\n", err.msg);
	return err_exit_status(err.code);
}

static _Noreturn void
child(struct all *all, const char *user)
{
	char *results_text = NULL, *remarks_text = NULL;
	size_t results_len = 0, remarks_len = 0;
	FILE *results, *remarks;
	int status;

	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	results = open_memstream(&results_text, &results_len);
	remarks = open_memstream(&remarks_text, &remarks_len);
	if (results == NULL || remarks == NULL)
		mem_fatal("out of memory");
	status = run_user(all, user, results, remarks);
	if (fclose(results) != 0 || fclose(remarks) != 0)
		mem_fatal("out of memory");
	if (status != STATUS_SKIPPED)
		print_both(all, user, results_text, remarks_text);
	if (ferror(stdout) && status == EXIT_SUCCESS)
		status = EX_IOERR;
	_exit(status);
}

static void
note_end(struct all *all, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;

	switch (code) {
	case EXIT_SUCCESS:
		all->done++;
		break;
	case STATUS_PARTIAL:
		all->partial++;
		break;
	case STATUS_SKIPPED:
		all->skipped++;
		break;
	default:
		all->failure = all->failed == 0 || all->failure == code ?
		    code : -1;
		all->failed++;
	}
}

static void
tell_all(const struct all *all, int sig)
{
	for (unsigned int i = 0; i < all->set->jobs; i++) {
		if (all->running[i] != 0)
			(void)kill(all->running[i], sig);
	}
}

/* Wait for one child to end. */
static void
wait_one(struct all *all)
{
	bool told = false;
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, 0);
		if (pid > 0)
			break;
		if (errno != EINTR)
			return;
		if (stopped != 0 && !told)
			tell_all(all, SIGTERM);
		told = stopped != 0;
	}
	for (unsigned int i = 0; i < all->set->jobs; i++) {
		if (all->running[i] == pid) {
			all->running[i] = 0;
			all->running_count--;
			note_end(all, status);
		}
	}
}

static void
start_user(struct all *all, const char *user)
{
	unsigned int slot = 0;
	pid_t pid;

	while (all->running[slot] != 0)
		slot++;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child(all, user);
	if (pid == -1) {
		fprintf(stderr, "dsync: %s: cannot start a process: %s\n",
		    user, strerror(errno));
		note_end(all, EX_OSERR << 8);
		return;
	}
	all->running[slot] = pid;
	all->running_count++;
}

static void
run_all(struct all *all)
{
	struct sigaction action = { .sa_handler = on_stop };

	/* Without SA_RESTART: the wait for a child ends. */
	sigemptyset(&action.sa_mask);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	for (size_t i = 0; i < all->users.n && stopped == 0; i++) {
		while (all->running_count >= all->set->jobs)
			wait_one(all);
		if (stopped == 0)
			start_user(all, all->users.v[i]);
	}
	if (stopped != 0)
		tell_all(all, SIGTERM);
	while (all->running_count > 0)
		wait_one(all);
}

static int
outcome(const struct all *all)
{
	if (stopped != 0 && all->failed == 0)
		return EX_TEMPFAIL;
	if (all->failed > 0)
		return all->failure == -1 ? EXIT_FAILURE : all->failure;
	return all->partial > 0 ? STATUS_PARTIAL : EXIT_SUCCESS;
}

static void
summarise(const struct all *all)
{
	unsigned long tried = all->done + all->partial + all->failed;

	if (stopped != 0)
		fprintf(stderr, "dsync: interrupted after %lu of %zu users\n",
		    tried + all->skipped, all->users.n);
	if (!all->set->quiet || all->failed > 0)
		fprintf(all->failed > 0 ? stderr : stdout,
		    "%s%lu users: %lu done, %lu not perfect, %lu failed\n",
		    all->failed > 0 ? "dsync: " : "", tried, all->done,
		    all->partial, all->failed);
}

int
all_main(struct settings *set)
{
	struct all all = { .set = set, .lock_fd = -1 };
	struct err err = ERR_INIT;
	int status;

	if (settings_read(set, &err) == -1 ||
	    userdb_each(&set->users, note_user, &all, &err) == -1)
		goto failed;
	all.lock_fd = memfd_create("dsync-output", MFD_CLOEXEC);
	if (all.lock_fd == -1) {
		err_sys(&err, "memfd_create");
		goto failed;
	}
	if (all.users.n == 0)
		fprintf(stderr, "dsync: the user database has no users\n");
	run_all(&all);
	summarise(&all);
	status = outcome(&all);
	goto out;
failed:
	fprintf(stderr, "dsync: %s\n", err.msg);
	status = err_exit_status(err.code);
out:
	if (all.lock_fd != -1)
		(void)close(all.lock_fd);
	for (size_t i = 0; i < all.users.n; i++)
		free(all.users.v[i]);
	ARRAY_FREE(&all.users);
	return status;
}
