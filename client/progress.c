/*
 * progress.c - one line on the terminal that says how far a run is
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "client/progress.h"

#define DRAW_TERMINAL_MS	100U	/* at least between two drawings */
#define DRAW_LINES_MS		5000U
#define ESTIMATE_AFTER_MS	2000U	/* no remaining time is told before */

void
progress_init(struct progress *progress, FILE *out, bool terminal,
    uint64_t now_ms)
{
	*progress = (struct progress){
		.out = out,
		.terminal = terminal,
		.started_ms = now_ms,
	};
}

char *
format_bytes(char *out, size_t size, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	uint64_t unit = 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(out, size, "%" PRIu64 " B", bytes);
		return out;
	}
	while (bytes / unit >= 1024 && units[i + 1] != '\0') {
		unit *= 1024;
		i++;
	}
	snprintf(out, size, "%" PRIu64 ".%u %ciB", bytes / unit,
	    (unsigned int)(bytes % unit * 10 / unit), units[i]);
	return out;
}

char *
format_time(char *out, size_t size, uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s < 10)
		snprintf(out, size, "%" PRIu64 ".%u s", s,
		    (unsigned int)(ms % 1000 / 100));
	else if (s < 60)
		snprintf(out, size, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(out, size, "%" PRIu64 ":%02u", s / 60,
		    (unsigned int)(s % 60));
	else
		snprintf(out, size, "%" PRIu64 ":%02u:%02u", s / 3600,
		    (unsigned int)(s / 60 % 60), (unsigned int)(s % 60));
	return out;
}

void
progress_format(const struct progress *progress, uint64_t now_ms,
    char out[static PROGRESS_LINE_MAX])
{
	uint64_t elapsed = now_ms - progress->started_ms, left;
	char bytes[24], time[24];

	if (!progress->known) {
		snprintf(out, PROGRESS_LINE_MAX, "looking for changes, %s",
		    format_time(time, sizeof(time), elapsed));
		return;
	}
	format_bytes(bytes, sizeof(bytes), progress->bytes);
	if (progress->done == 0 || progress->done >= progress->total ||
	    elapsed < ESTIMATE_AFTER_MS) {
		snprintf(out, PROGRESS_LINE_MAX,
		    "%" PRIu64 " of %" PRIu64 " changes, %s, %s",
		    progress->done, progress->total, bytes,
		    format_time(time, sizeof(time), elapsed));
		return;
	}
	left = (uint64_t)((double)elapsed / (double)progress->done *
	    (double)(progress->total - progress->done));
	snprintf(out, PROGRESS_LINE_MAX,
	    "%" PRIu64 " of %" PRIu64 " changes, %s, about %s left",
	    progress->done, progress->total, bytes,
	    format_time(time, sizeof(time), left));
}

void
progress_tick(struct progress *progress, uint64_t now_ms)
{
	char line[PROGRESS_LINE_MAX];
	uint64_t every = progress->terminal ? DRAW_TERMINAL_MS : DRAW_LINES_MS;
	uint64_t since = progress->last_ms != 0 ? progress->last_ms :
	    progress->started_ms;

	if (progress->out == NULL || now_ms - since < every)
		return;
	progress->last_ms = now_ms;
	progress_format(progress, now_ms, line);
	if (progress->terminal) {
		/* Return to column one; erase what the last line left over. */
		fprintf(progress->out, "\r%s\033[K", line);
		progress->drawn = true;
	} else {
		fprintf(progress->out, "%s\n", line);
	}
	fflush(progress->out);
}

void
progress_event(struct progress *progress, const struct brain_event *event,
    uint64_t now_ms)
{
	if (event->kind != EVENT_PLAN && event->kind != EVENT_PROGRESS)
		return;
	progress->total = event->messages_total;
	progress->done = event->messages_done;
	progress->bytes = event->bytes_done;
	progress->known = true;
	progress_tick(progress, now_ms);
}

void
progress_clear(struct progress *progress)
{
	if (!progress->drawn)
		return;
	fputs("\r\033[K", progress->out);
	fflush(progress->out);
	progress->drawn = false;
}
