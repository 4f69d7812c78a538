#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "log/log.h"
#include "log/log_format.h"

static const struct log_meaning {
	const char *name;
	int priority;		/* for syslog */
} log_meanings[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARN] = { "warn", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

static struct log_state {
	enum log_level level;
	const char *name;	/* of the program, or NULL */
	bool syslog;
	log_sink_fn *sink;	/* or NULL */
	void *sink_arg;
	char context[256];
} log_state = { .level = LOG_LEVEL_WARN };

void
log_level_set(enum log_level level)
{
	log_state.level = level;
}

bool
log_enabled(enum log_level level)
{
	return level <= log_state.level;
}

const char *
log_level_name(enum log_level level)
{
	return log_meanings[level].name;
}

void
log_context_set(const char *fmt, ...)
{
	struct strbuf buf;
	va_list ap;

	strbuf_init(&buf, sizeof(log_state.context) - 1);
	va_start(ap, fmt);
	log_vformat(&buf, fmt, ap);
	va_end(ap);
	memcpy(log_state.context, buf.data, buf.len + 1);
	strbuf_deinit(&buf);
}

void
log_context_clear(void)
{
	log_state.context[0] = '\0';
}

void
log_to_stderr(const char *name)
{
	log_state.name = name;
	log_state.syslog = false;
	log_state.sink = NULL;
}

void
log_to_syslog(const char *name)
{
	log_state.name = name;
	log_state.syslog = true;
	log_state.sink = NULL;
	openlog(name, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void
log_to_sink(log_sink_fn *fn, void *arg)
{
	log_state.sink = fn;
	log_state.sink_arg = arg;
}

/* The line in one write, so that processes do not mix theirs. */
static void
write_stderr(enum log_level level, const struct strbuf *line)
{
	struct strbuf out;
	ssize_t n;

	strbuf_init(&out, LOG_LINE_MAX + 128);
	if (log_state.name != NULL)
		strbuf_addf(&out, "%s: ", log_state.name);
	strbuf_addf(&out, "%s: ", log_level_name(level));
	strbuf_add(&out, line->data, line->len);
	strbuf_addc(&out, '\n');
	do {
		n = write(STDERR_FILENO, out.data, out.len);
	} while (n == -1 && errno == EINTR);
	strbuf_deinit(&out);
}

static void __attribute__((format(printf, 2, 0)))
log_line(enum log_level level, const char *fmt, va_list ap)
{
	int saved = errno;	/* callers may log between call and check */
	struct strbuf line;

	if (!log_enabled(level))
		return;
	strbuf_init(&line, LOG_LINE_MAX - sizeof(log_state.context) - 4);
	log_vformat(&line, fmt, ap);
	if (line.failed) {
		line.limit = LOG_LINE_MAX;
		strbuf_adds(&line, "...");
	}
	line.limit = LOG_LINE_MAX;
	if (log_state.context[0] != '\0')
		strbuf_addf(&line, " %s", log_state.context);
	if (log_state.sink != NULL)
		log_state.sink(level, line.data, log_state.sink_arg);
	else if (log_state.syslog)
		syslog(log_meanings[level].priority, "%s", line.data);
	else
		write_stderr(level, &line);
	strbuf_deinit(&line);
	errno = saved;
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}
