/*
 * log.h - one event, one line
 *
 *	log_info("session end mailboxes=%u user=%s", n, user);
 *
 * A few fixed words, then key=value.  The format is printf's (d i u o x X c
 * s p %, with length, width and precision; floating point too, but no * width
 * and no n); what %s inserts is quoted if it is not a plain word, so a value
 * can forge neither a key nor a line.  The context (session=, user=) is put at
 * the end of each line.
 *
 * error: a person must act.  warn: we coped.  info: what an operator counts.
 * debug: off by default.  Keys, passwords, headers and bodies are never logged.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stdbool.h>

#define LOG_LINE_MAX	2048U	/* bytes; longer lines end in "..." */

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

#define LOG_FORMAT	__attribute__((format(printf, 1, 2)))

void log_error(const char *fmt, ...) LOG_FORMAT;
void log_warn(const char *fmt, ...) LOG_FORMAT;
void log_info(const char *fmt, ...) LOG_FORMAT;
void log_debug(const char *fmt, ...) LOG_FORMAT;

/* Lines above this level are dropped.  At the start: LOG_LEVEL_WARN. */
void log_level_set(enum log_level level);
bool log_enabled(enum log_level level);
/* "error", "warn", "info", "debug". */
const char *log_level_name(enum log_level level);

/* What stands at the end of each line: "session=%s user=%s". */
void log_context_set(const char *fmt, ...) LOG_FORMAT;
void log_context_clear(void);

/*
 * Where lines go.  At the start: standard error, without a name.  name is
 * borrowed for good.  log_to_syslog connects at once, so that it still works
 * after chroot.
 */
void log_to_stderr(const char *name);
void log_to_syslog(const char *name);

/* To a function instead; line has no newline.  NULL: to stderr again. */
typedef void log_sink_fn(enum log_level level, const char *line, void *arg);
void log_to_sink(log_sink_fn *fn, void *arg);

#endif
