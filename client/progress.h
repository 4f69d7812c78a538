/*
 * progress.h - one line on the terminal that says how far a run is
 *
 * On a terminal the line is drawn over itself; elsewhere (--progress into
 * a file or pipe) each drawing is a line of its own, and they come less often.
 * Other output has to call progress_clear first.
 */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "brain/brain.h"

#define PROGRESS_LINE_MAX	120U	/* bytes, with the final NUL */

struct progress {
	FILE *out;		/* NULL: nothing is drawn */
	bool terminal;		/* out is one */
	bool drawn;		/* the line stands on the terminal now */
	uint64_t started_ms;	/* clock_mono_ms */
	uint64_t last_ms;	/* of the last drawing; 0: none yet */
	uint64_t total, done;	/* bodies and operations */
	uint64_t bytes;
	bool known;		/* totals were told */
};

/* Draw to out, or nothing if out is NULL. */
void progress_init(struct progress *progress, FILE *out, bool terminal,
    uint64_t now_ms);

/* Take the counters of EVENT_PLAN and EVENT_PROGRESS and draw if it is time. */
void progress_event(struct progress *progress,
    const struct brain_event *event, uint64_t now_ms);

/* Draw if it is time; tells while a store is still looking. */
void progress_tick(struct progress *progress, uint64_t now_ms);

/* Remove the line, so that other text can be written. */
void progress_clear(struct progress *progress);

/* The line without its end, as of now. */
void progress_format(const struct progress *progress, uint64_t now_ms,
    char out[static PROGRESS_LINE_MAX]);

/* "512 B", "1.5 KiB", "12.0 MiB"; out holds at least 16 bytes. */
char *format_bytes(char *out, size_t size, uint64_t bytes);

/* "0.4 s", "12 s", "3:05", "1:02:03" for a time in milliseconds. */
char *format_time(char *out, size_t size, uint64_t ms);

#endif
