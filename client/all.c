/*
 * The parent only starts processes and counts how they end: it reads no mail
 * and parses nothing that a peer sent.  A child looks its user up, asks for
 * a connection, which another process has for one user after the other
 * (client/line.h), becomes the user and makes a run as for -u.  Its lines are
 * collected and printed at once when it ends.
 *
 * There are as many workers as -j says: a child and a connection.  A connection
 * that ends between two users is no failure: the child that finds it gone is
 * started once more, with a new one.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/mem.h"
#include "client/all.h"
#include "client/connect.h"
#include "client/line.h"
#include "client/location.h"
#include "client/settings.h"
#include "client/sync.h"
#include "log/log.h"
#include "users/userdb.h"

#define STATUS_AGAIN	252	/* of a child: with a new connection, please */
#define STATUS_SKIPPED	253	/* of a child: the user has no mail */
#define STATUS_PARTIAL	2	/* done, but not perfect */

struct worker {
	pid_t pid;			/* 0: free */
	const char *user;		/* its last one */
	bool second_try;
	struct line line;
};

struct all {
	struct settings *set;
	ARRAY(char *) users;
	int lock_fd;			/* whoever prints has its lock */
	bool by_line;			/* LOCATION2 is a server */
	struct location_host host;
	struct worker workers[ALL_JOBS_MAX];
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
run_user(struct all *all, struct worker *worker, FILE *results, FILE *remarks)
{
	struct settings *set = all->set;
	struct sync_start start = { .results = results, .remarks = remarks,
	    .used_before = worker->line.users > 1,
	    .first_try = !worker->second_try };
	struct err err = ERR_INIT;
	int status;

	set->user = mem_strdup(worker->user);
	log_context_set("user=%s", worker->user);
	if (settings_find_user(set, &err) == -1) {
		if (err.code == ERR_NOTFOUND)
			return STATUS_SKIPPED;
		goto failed;
	}
	if (all->by_line && line_take(&worker->line, set->words[0],
	    set->owner.name, &start.server, &start.heard, &err) == -1) {
		if (err.code == ERR_TEMP && start.used_before &&
		    start.first_try)
			return STATUS_AGAIN;
		goto failed;
	}
	if (settings_become(set, &err) == -1)
		goto failed;
	status = sync_run(set, &start);
	return status == SYNC_AGAIN ? STATUS_AGAIN : status;
failed:
	fprintf(remarks, "dsync: %s\n", err.msg);
	return err_exit_status(err.code);
}

static _Noreturn void
child(struct all *all, struct worker *worker)
{
	char *results_text = NULL, *remarks_text = NULL;
	size_t results_len = 0, remarks_len = 0;
	FILE *results, *remarks;
	int status;

	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	/* No user's process may have the connection of another one. */
	for (unsigned int i = 0; i < all->set->jobs; i++) {
		if (&all->workers[i] != worker)
			line_hang_up(&all->workers[i].line);
	}
	results = open_memstream(&results_text, &results_len);
	remarks = open_memstream(&remarks_text, &remarks_len);
	if (results == NULL || remarks == NULL)
		mem_fatal("out of memory");
	status = run_user(all, worker, results, remarks);
	if (fclose(results) != 0 || fclose(remarks) != 0)
		mem_fatal("out of memory");
	if (status != STATUS_SKIPPED && status != STATUS_AGAIN)
		print_both(all, worker->user, results_text, remarks_text);
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
		if (all->workers[i].pid != 0)
			(void)kill(all->workers[i].pid, sig);
	}
}

/* The worker has a line that can be asked, if one is needed. */
static int
get_line(struct all *all, struct worker *worker, struct err *err)
{
	struct connect_options options;

	if (!all->by_line)
		return 0;
	if (!line_is_ready(&worker->line)) {
		line_hang_up(&worker->line);
		sync_connect_options(all->set, &options);
		if (line_start(&worker->line, &all->host, &options, err) == -1)
			return -1;
	}
	worker->line.users++;
	return 0;
}

static void
start_child(struct all *all, struct worker *worker)
{
	struct err err = ERR_INIT;
	pid_t pid = -1;

	fflush(NULL);
	if (get_line(all, worker, &err) == 0) {
		pid = fork();
		if (pid == -1)
			err_sys(&err, "fork");
	}
	if (pid == 0)
		child(all, worker);
	if (pid == -1) {
		fprintf(stderr, "dsync: %s: cannot start a process: %s\n",
		    worker->user, err.msg);
		note_end(all, EX_OSERR << 8);
		return;
	}
	worker->pid = pid;
	all->running_count++;
}

static void
start_user(struct all *all, const char *user)
{
	struct worker *worker = all->workers;

	while (worker->pid != 0)
		worker++;
	worker->user = user;
	worker->second_try = false;
	start_child(all, worker);
}

static void
child_ended(struct all *all, struct worker *worker, int status)
{
	worker->pid = 0;
	all->running_count--;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != STATUS_AGAIN) {
		note_end(all, status);
		return;
	}
	line_hang_up(&worker->line);
	if (worker->second_try || stopped != 0) {
		note_end(all, EX_TEMPFAIL << 8);
		return;
	}
	worker->second_try = true;
	start_child(all, worker);
}

/* Wait for one child to end, of a user or of a connection. */
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
		if (all->workers[i].line.pid == pid) {
			line_hang_up(&all->workers[i].line);
			all->workers[i].line.pid = 0;
			return;
		}
		if (all->workers[i].pid == pid) {
			child_ended(all, &all->workers[i], status);
			return;
		}
	}
}

/* They take leave of the server; if we have to stop, they do not. */
static void
end_lines(struct all *all)
{
	for (unsigned int i = 0; i < all->set->jobs; i++)
		line_hang_up(&all->workers[i].line);
	while (stopped == 0 && (waitpid(-1, NULL, 0) > 0 || errno == EINTR))
		;
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
	end_lines(all);
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

static int
find_host(struct all *all, struct err *err)
{
	const struct settings *set = all->set;

	for (unsigned int i = 0; i < ALL_JOBS_MAX; i++)
		all->workers[i].line.channel = -1;
	all->by_line = location_classify(set->words, set->word_count,
	    location_is_executable) == LOCATION_HOST;
	if (!all->by_line)
		return 0;
	if (location_host_parse(&all->host, set->words[0], err) == -1)
		return -1;
	if (all->host.user[0] != '\0')
		return err_set(err, ERR_CONFIG, "-A works for each user: "
		    "leave out %s@", all->host.user);
	return 0;
}

int
all_main(struct settings *set)
{
	struct all all = { .set = set, .lock_fd = -1 };
	struct err err = ERR_INIT;
	int status;

	if (find_host(&all, &err) == -1 || settings_read(set, &err) == -1 ||
	    userdb_each(&set->users, note_user, &all, &err) == -1)
		goto failed;
	all.lock_fd = memfd_create("dsync-output", MFD_CLOEXEC);
	if (all.lock_fd == -1) {
		err_sys(&err, "memfd_create");
		goto failed;
	}
	if (all.users.n == 0)
		fprintf(stderr, "dsync: the user database has no users\n");
	digest_prepare();
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
