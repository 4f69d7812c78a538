/*
 * report.c - what a run did, for the person who started it
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "client/report.h"
#include "model/mailbox_name.h"

#define LINE_MAX_BYTES	16384U	/* one line of output */

struct report {
	struct report_args args;
	ARRAY(struct brain_account) boxes;	/* names are ours */
	uint64_t pending;
	uint64_t actions;
	uint64_t bytes;
};

struct report *
report_new(const struct report_args *args)
{
	struct report *report = mem_alloc(sizeof(*report));

	report->args = *args;
	return report;
}

void
report_free(struct report **report)
{
	struct report *r;

	if (report == NULL || (r = *report) == NULL)
		return;
	for (size_t i = 0; i < r->boxes.n; i++)
		free((char *)(uintptr_t)r->boxes.v[i].name);
	ARRAY_FREE(&r->boxes);
	free(r);
	*report = NULL;
}

static bool
account_changed(const struct brain_account *a)
{
	return a->copied + a->skipped + a->failed + a->flagged + a->expunged +
	    a->renumbered > 0 || a->created || a->renamed || a->removed;
}

static void
add_account(struct report *report, const struct brain_account *account)
{
	struct brain_account *copy;

	if (!account_changed(account))
		return;
	copy = ARRAY_ADD(&report->boxes);
	*copy = *account;
	copy->name = mem_strdup(account->name);
}

static void
print_remark(struct report *report, const char *what, const char *text,
    const char *rule, const char *undo)
{
	progress_clear(report->args.progress);
	if (undo != NULL)
		fprintf(report->args.remarks, "dsync: %s%s (%s; to undo: %s)\n",
		    what, text, rule, undo);
	else if (rule != NULL && rule[0] != '\0')
		fprintf(report->args.remarks, "dsync: %s%s (%s)\n", what, text,
		    rule);
	else
		fprintf(report->args.remarks, "dsync: %s%s\n", what, text);
}

static void
print_pending(struct report *report, const struct brain_event *event)
{
	report->pending++;
	if (report->pending <= REPORT_PENDING_MAX)
		print_remark(report, "pending: ", event->text, event->rule,
		    NULL);
}

static void
print_action(struct report *report, const struct brain_event *event)
{
	const struct report_args *args = &report->args;

	report->actions++;
	if (!args->dry_run && !args->verbose)
		return;
	if (args->quiet)
		return;
	progress_clear(args->progress);
	fprintf(args->results, "%s\n", event->text);
}

void
report_event(struct report *report, const struct brain_event *event)
{
	switch (event->kind) {
	case EVENT_PLAN:
	case EVENT_PROGRESS:
		report->bytes = event->bytes_done;
		break;
	case EVENT_ACTION:
		print_action(report, event);
		break;
	case EVENT_DECISION:
		if (report->args.verbose || report->args.dry_run)
			print_remark(report, "", event->text, event->rule,
			    event->undo);
		break;
	case EVENT_PENDING:
		print_pending(report, event);
		break;
	case EVENT_NOTICE:
		if (!report->args.quiet)
			print_remark(report, "", event->text, event->rule,
			    NULL);
		break;
	case EVENT_MAILBOX:
		add_account(report, event->account);
		break;
	}
}

static void
add_count(struct strbuf *line, uint64_t n, const char *word)
{
	if (n > 0)
		strbuf_addf(line, ", %" PRIu64 " %s", n, word);
}

static void
print_account(FILE *out, const struct brain_account *a)
{
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	name_print(&line, a->name);
	strbuf_addf(&line, ": %" PRIu64 " seen = %" PRIu64 " equal + %" PRIu64
	    " copied + %" PRIu64 " skipped + %" PRIu64 " failed", a->seen,
	    a->equal, a->copied, a->skipped, a->failed);
	add_count(&line, a->flagged, "flagged");
	add_count(&line, a->expunged, "expunged");
	add_count(&line, a->renumbered, "renumbered");
	if (a->created)
		strbuf_adds(&line, ", created");
	if (a->renamed)
		strbuf_adds(&line, ", renamed");
	if (a->removed)
		strbuf_adds(&line, ", removed");
	fprintf(out, "%s\n", line.data);
	strbuf_deinit(&line);
}

static int
account_cmp(const void *a, const void *b)
{
	return strcmp(((const struct brain_account *)a)->name,
	    ((const struct brain_account *)b)->name);
}

static struct brain_account
sum_accounts(const struct report *report)
{
	struct brain_account sum = { .name = "" };

	for (size_t i = 0; i < report->boxes.n; i++) {
		const struct brain_account *a = &report->boxes.v[i];

		sum.copied += a->copied;
		sum.skipped += a->skipped;
		sum.failed += a->failed;
		sum.flagged += a->flagged;
		sum.expunged += a->expunged;
		sum.renumbered += a->renumbered;
	}
	return sum;
}

static void
print_closing(struct report *report, enum brain_outcome outcome,
    uint64_t now_ms)
{
	const struct report_args *args = &report->args;
	struct brain_account sum = sum_accounts(report);
	char bytes[24], time[24];
	struct strbuf line;

	strbuf_init(&line, LINE_MAX_BYTES);
	format_time(time, sizeof(time), now_ms - args->started_ms);
	if (report->boxes.n == 0 && report->actions == 0 &&
	    report->pending == 0 && outcome == BRAIN_PERFECT) {
		strbuf_addf(&line, "nothing to do: both sides are equal; %s",
		    time);
	} else {
		strbuf_addf(&line, "%s: %zu mailboxes, %" PRIu64 " copied",
		    args->dry_run ? "would change" : "changed",
		    report->boxes.n, sum.copied);
		add_count(&line, sum.flagged, "flagged");
		add_count(&line, sum.expunged, "expunged");
		add_count(&line, sum.renumbered, "renumbered");
		add_count(&line, sum.skipped, "skipped");
		add_count(&line, sum.failed, "failed");
		add_count(&line, report->pending, "pending");
		/* A plan does not know how large bodies are. */
		if (!args->dry_run)
			strbuf_addf(&line, "; %s of mail", format_bytes(bytes,
			    sizeof(bytes), report->bytes));
		strbuf_addf(&line, "; %s", time);
	}
	fprintf(args->results, "%s\n", line.data);
	strbuf_deinit(&line);
}

void
report_end(struct report *report, enum brain_outcome outcome, uint64_t now_ms)
{
	const struct report_args *args = &report->args;

	progress_clear(args->progress);
	if (!args->quiet && report->boxes.n > 0) {
		qsort(report->boxes.v, report->boxes.n,
		    sizeof(report->boxes.v[0]), account_cmp);
		for (size_t i = 0; i < report->boxes.n; i++)
			print_account(args->results, &report->boxes.v[i]);
	}
	if (report->pending > REPORT_PENDING_MAX)
		fprintf(args->remarks,
		    "dsync: and %" PRIu64 " more things are pending\n",
		    report->pending - REPORT_PENDING_MAX);
	if (!args->quiet)
		print_closing(report, outcome, now_ms);
	if (outcome == BRAIN_IMPERFECT && !args->dry_run)
		fprintf(args->remarks, "dsync: not everything could be made "
		    "equal; run again\n");
	fflush(args->results);
}
