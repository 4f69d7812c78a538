/*
 * sync.c - the commands mirror and backup
 */
#include "config.h"

#include <sys/stat.h>

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "brain/brain.h"
#include "client/connect.h"
#include "client/endpoint.h"
#include "client/location.h"
#include "client/progress.h"
#include "client/report.h"
#include "client/run.h"
#include "client/settings.h"
#include "client/sync.h"
#include "log/log.h"
#include "model/mailbox_name.h"
#include "net/servers.h"
#include "net/stream.h"
#include "session/session.h"

#define FIRST_NAME	"first location"
#define SECOND_NAME	"second location"

struct sync {
	struct settings *set;
	struct sync_start *start;	/* NULL: a run for one user */
	FILE *results, *remarks;
	char *first_name, *second_name;	/* for messages */
	enum location_kind kind;	/* of LOCATION2 */
	struct mail_location location2;	/* LOCATION_MAIL */
	struct location_host host;	/* LOCATION_HOST */
	char *words;			/* LOCATION2 in one line */
	char *label[SIDE_COUNT];
	struct endpoint ends[SIDE_COUNT];
	struct opt_list names, masks;	/* joined */
	struct progress progress;
	struct report *report;
};

void
sync_session_args(const struct settings *set, struct session_args *args)
{
	*args = (struct session_args){
		.location = &set->location,
		.origin = set->origin,
		.options = {
			.create = set->create && !set->dry_run,
			.alt_char = set->alt_char[0],
			.hostname = set->hostname,
			.lock_timeout = set->lock_timeout,
			.settings = &set->store.settings,
		},
		.state_dir = set->state_path,
		.pair_lock_timeout = set->pair_lock_timeout,
		.user = set->owner.name,
		.access = ACCESS_READ_WRITE,
		.software = SOFTWARE,
	};
}

static char *
join_words(char *const *words, size_t count)
{
	struct strbuf line;
	char *text;

	strbuf_init(&line, LABEL_MAX + 1);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			strbuf_addc(&line, ' ');
		strbuf_adds(&line, words[i]);
	}
	text = mem_strdup(line.data);
	strbuf_deinit(&line);
	return text;
}

/*
 * A name as a user of Dovecot's namespace would type it, in our form: the
 * prefix is in no store, and the separator is one here, too.  INBOX has no
 * prefix.  Heap memory.
 */
static char *
without_namespace(const struct dovecot_conf *dovecot, const char *name)
{
	size_t len = dovecot->prefix != NULL ? strlen(dovecot->prefix) : 0;
	char *copy;

	if (len > 0 && strncmp(name, dovecot->prefix, len) == 0 &&
	    name[len] != '\0')
		name += len;
	copy = mem_strdup(name);
	for (char *p = copy; dovecot->separator != '\0' && *p != '\0'; p++) {
		if (*p == dovecot->separator)
			*p = '/';
	}
	return copy;
}

/* Names or masks as the user writes them, into joined ones. */
static int
join_names(const struct sync *sync, struct opt_list *out,
    const struct opt_list *in, const char *what, struct err *err)
{
	struct strbuf name;
	char *text;
	int r;

	if (in->n > FILTERS_MAX)
		return err_set(err, ERR_CONFIG, "more than %u times %s",
		    FILTERS_MAX, what);
	for (size_t i = 0; i < in->n; i++) {
		strbuf_init(&name, NAME_MAX_BYTES);
		text = without_namespace(&sync->set->dovecot, in->v[i]);
		r = name_from_user(&name, text);
		free(text);
		if (r == -1 || name.failed) {
			strbuf_deinit(&name);
			return err_set(err, ERR_CONFIG,
			    "%s %.80s: not the name of a mailbox", what,
			    in->v[i]);
		}
		*ARRAY_ADD(out) = mem_strdup(name.data);
		strbuf_deinit(&name);
	}
	return 0;
}

static void
free_list(struct opt_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	ARRAY_FREE(list);
}

/* One root for both locations would be compared with itself, and locked. */
static int
refuse_same_root(const struct sync *sync, struct err *err)
{
	struct stat a, b;

	if (stat(sync->set->location.path, &a) == -1 ||
	    stat(sync->location2.path, &b) == -1)
		return 0;	/* the store that cannot be opened says why */
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return err_set(err, ERR_REFUSED,
		    "both locations are %s", sync->location2.path);
	return 0;
}

static int
parse_location2(struct sync *sync, struct err *err)
{
	const struct settings *set = sync->set;
	const char *home = account_home(&set->owner);
	char cwd[PATH_MAX], *text;
	int ret;

	text = mail_location_expand(set->words[0], set->owner.name, home, err);
	if (text == NULL)
		return -1;
	ret = mail_location_parse(&sync->location2, text, home,
	    getcwd(cwd, sizeof(cwd)), err);
	free(text);
	return ret == -1 ? -1 : refuse_same_root(sync, err);
}

/*
 * Each store remembers the other one under a label, which has to be the same
 * in each run of the pair.
 */
static int
make_labels(struct sync *sync, const char *canonical, struct err *err)
{
	const struct settings *set = sync->set;

	sync->label[SIDE_A] = mem_strdup(canonical);
	sync->label[SIDE_B] = mem_printf("%s@%s:%s", set->owner.name,
	    set->hostname, set->location.path);
	for (int i = 0; i < SIDE_COUNT; i++) {
		if (strlen(sync->label[i]) > LABEL_MAX)
			return err_set(err, ERR_CONFIG,
			    "a location of more than %u bytes", LABEL_MAX);
	}
	return 0;
}

/* "mail", "MAIL:7926" and "dsync://mail" are one server. */
static int
label_host(struct sync *sync, struct err *err)
{
	struct location_host *host = &sync->host;
	char *label;
	int ret;

	if (location_host_parse(host, sync->set->words[0], err) == -1)
		return -1;
	for (char *p = host->host; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	label = mem_printf("%s%s%s:%s", host->user,
	    host->user[0] != '\0' ? "@" : "", host->host,
	    host->port[0] != '\0' ? host->port : SERVER_PORT);
	ret = make_labels(sync, label, err);
	free(label);
	return ret;
}

static int
open_first(struct sync *sync, struct err *err)
{
	struct session_args args;

	sync_session_args(sync->set, &args);
	return endpoint_open_store(&sync->ends[SIDE_A], sync->first_name, &args,
	    err);
}

static int
open_mail(struct sync *sync, struct err *err)
{
	const struct settings *set = sync->set;
	struct session_args args;

	sync_session_args(set, &args);
	args.location = &sync->location2;
	args.origin = "as named on the command line";
	/* A destination is made where it is missing, a source never. */
	args.options.create = !set->dry_run && !set->reverse;
	return endpoint_open_store(&sync->ends[SIDE_B], sync->second_name, &args,
	    err);
}

void
sync_connect_options(const struct settings *set,
    struct connect_options *options_r)
{
	*options_r = (struct connect_options){
		.ca_file = set->ssl_ca,
		.crl_file = set->ssl_crl,
		.user = set->owner.name,
		.timeout = set->connect_timeout,
	};
}

static int
open_server(struct sync *sync, struct err *err)
{
	struct connect_options options;
	struct stream *stream = NULL;

	if (sync->start != NULL) {
		stream = sync->start->server;
		sync->start->server = NULL;
		if (stream == NULL)
			return err_set(err, ERR_TEMP, "the connection was "
			    "used already; run again");
	} else {
		sync_connect_options(sync->set, &options);
		if (connect_open(&sync->host, &options, &stream, err) == -1)
			return -1;
	}
	endpoint_take_server(&sync->ends[SIDE_B], sync->words, stream,
	    sync->start != NULL, location_host_is_here(&sync->host));
	return 0;
}

static int
open_second(struct sync *sync, struct err *err)
{
	switch (sync->kind) {
	case LOCATION_COMMAND:
	case LOCATION_SCRIPT:
		return endpoint_open_command(&sync->ends[SIDE_B],
		    sync->set->words[0], sync->set->words, err);
	case LOCATION_MAIL:
		return open_mail(sync, err);
	case LOCATION_HOST:
		return open_server(sync, err);
	}
	abort();
}

/* Find out what LOCATION2 is, before anything is started. */
static int
prepare(struct sync *sync, struct err *err)
{
	struct settings *set = sync->set;

	sync->words = join_words(set->words, set->word_count);
	sync->kind = location_classify(set->words, set->word_count,
	    location_is_executable);
	if (join_names(sync, &sync->names, &set->mailboxes, "-m", err) == -1 ||
	    join_names(sync, &sync->masks, &set->excludes, "-x", err) == -1)
		return -1;
	switch (sync->kind) {
	case LOCATION_COMMAND:
	case LOCATION_SCRIPT:
		return make_labels(sync, sync->words, err);
	case LOCATION_MAIL:
		if (parse_location2(sync, err) == -1)
			return err_prefix(err, "%s", set->words[0]);
		return make_labels(sync, sync->location2.path, err);
	case LOCATION_HOST:
		if (set->dovecot.namespace != NULL)
			return err_set(err, ERR_CONFIG, "namespace = %.80s: "
			    "a server serves its own namespace, the one with "
			    "the inbox; name a mail location or a command",
			    set->dovecot.namespace);
		return label_host(sync, err);
	}
	abort();
}

/* What a Dovecot's configuration makes one want to know. */
static void
remark(const struct settings *set)
{
	const struct dovecot_conf *dovecot = &set->dovecot;

	if (dovecot->remarks != NULL && (set->verbose || set->debug))
		fprintf(stderr, "%s%s", dovecot->remarks,
		    strchr(dovecot->remarks, '\0')[-1] == '\n' ? "" : "\n");
	if (mail_conf_foreign_dict(&set->mail) != NULL && !set->quiet)
		fprintf(stderr, "dsync: mail_attribute_dict = %.80s is no "
		    "file, so attributes of mailboxes are left alone here\n",
		    mail_conf_foreign_dict(&set->mail));
	if (dovecot->others != NULL && !set->quiet)
		fprintf(stderr, "dsync: not in this run: Dovecot's namespace "
		    "%s, with mail of its own; see namespace in "
		    "dsync.conf(5)\n", dovecot->others);
}

static void
start_report(struct sync *sync)
{
	const struct settings *set = sync->set;
	bool terminal = sync->start == NULL &&
	    isatty(STDERR_FILENO) == 1;
	uint64_t now = clock_mono_ms();
	const struct report_args args = {
		.results = sync->results,
		.remarks = sync->remarks,
		.quiet = set->quiet,
		.verbose = set->verbose || set->debug,
		.dry_run = set->dry_run,
		.progress = &sync->progress,
		.started_ms = now,
	};

	progress_init(&sync->progress, (sync->start == NULL && set->progress) ||
	    (terminal && !set->quiet) ? stderr : NULL, terminal, now);
	sync->report = report_new(&args);
}

/* A part of this machine's memory; 0: not known. */
static size_t
told_max(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	if (pages <= 0 || size <= 0)
		return 0;
	return (size_t)pages / BRAIN_TOLD_SHARE * (size_t)size;
}

static void
fill_brain_args(const struct sync *sync, struct brain_args *args)
{
	const struct settings *set = sync->set;

	*args = (struct brain_args){
		.mode = set->command == COMMAND_BACKUP ? BRAIN_BACKUP :
		    BRAIN_MIRROR,
		.reverse = set->reverse,
		.full = set->full,
		.dry_run = set->dry_run,
		.force_delete = set->force_delete,
		.max_delete_percent = set->max_delete,
		.max_delete_min = set->max_delete_min,
		.clock_skew_max = 1000ULL * set->clock_skew_max,
		.names = (const char **)sync->names.v,
		.name_count = sync->names.n,
		.masks = (const char **)sync->masks.v,
		.mask_count = sync->masks.n,
		.alt_char = set->alt_char[0],
		.software = SOFTWARE,
		.label = { sync->label[SIDE_A], sync->label[SIDE_B] },
		.told_max = told_max(),
		.now_ms = clock_now_ms(),
	};
	random_bytes(&args->run, sizeof(args->run));
}

/* Returns the exit status, or -1 with err if the run failed. */
static int
run_once(struct sync *sync, struct err *err)
{
	struct brain_args brain;
	struct run_result result;
	const struct run_args args = {
		.brain = &brain,
		.ends = sync->ends,
		.report = sync->report,
		.progress = &sync->progress,
		.idle_timeout = sync->set->idle_timeout,
		.quiet_timeout = sync->set->quiet_timeout,
	};
	int ret = -1;

	fill_brain_args(sync, &brain);
	if (open_first(sync, err) == 0 && open_second(sync, err) == 0) {
		if (run_drive(&args, &result, err) == 0) {
			report_end(sync->report, result.outcome,
			    clock_mono_ms());
			ret = (int)result.outcome;
		} else if (result.reported != 0 && err->code != ERR_STALE) {
			ret = result.reported;
		}
	}
	for (int i = 0; i < SIDE_COUNT; i++)
		(void)endpoint_close(&sync->ends[i], 1000);
	return ret;
}

/* Is it worth to begin again with another connection? */
static bool
is_again(const struct sync *sync, const struct err *err)
{
	const struct sync_start *start = sync->start;

	if (start == NULL || !start->first_try ||
	    sync->kind != LOCATION_HOST)
		return false;
	return err->code == ERR_STALE || (start->used_before &&
	    !start->heard && err->code == ERR_TEMP);
}

int
sync_main(struct settings *set)
{
	return sync_run(set, NULL);
}

int
sync_run(struct settings *set, struct sync_start *start)
{
	struct sync sync = { .set = set, .start = start,
	    .results = start == NULL ? stdout : start->results,
	    .remarks = start == NULL ? stderr : start->remarks };
	struct err err = ERR_INIT;
	int status = -1;

	/* The lines of a store process are not collected with the others. */
	sync.first_name = start == NULL ? mem_strdup(FIRST_NAME) :
	    mem_printf("%s: " FIRST_NAME, set->owner.name);
	sync.second_name = start == NULL ? mem_strdup(SECOND_NAME) :
	    mem_printf("%s: " SECOND_NAME, set->owner.name);
	remark(set);
	start_report(&sync);
	if (prepare(&sync, &err) == 0)
		status = run_once(&sync, &err);
	if (status == -1 && is_again(&sync, &err))
		status = SYNC_AGAIN;
	if (status == -1 && err.code == ERR_STALE) {
		log_debug("begin again why=%s", err.msg);
		err = (struct err)ERR_INIT;
		status = run_once(&sync, &err);
	}
	if (status == -1) {
		fprintf(sync.remarks, "dsync: %s\n", err.msg);
		status = err_exit_status(err.code);
	}
	for (int i = 0; i < SIDE_COUNT; i++)
		free(sync.label[i]);
	report_free(&sync.report);
	free_list(&sync.names);
	free_list(&sync.masks);
	mail_location_deinit(&sync.location2);
	free(sync.words);
	free(sync.first_name);
	free(sync.second_name);
	if (start != NULL)
		stream_close(&start->server);
	return status;
}
