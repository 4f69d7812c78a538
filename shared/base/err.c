#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/array.h"
#include "base/err.h"

static const struct err_meaning {
	enum err_code code;
	const char *name;
	int exit_status;	/* never 2, which says "run again" */
} err_meanings[] = {
	{ ERR_NONE,	"none",		EX_OK },
	{ ERR_TEMP,	"temp",		EX_TEMPFAIL },
	{ ERR_NOSPACE,	"nospace",	EX_CANTCREAT },
	{ ERR_NOTFOUND,	"notfound",	EX_NOINPUT },
	{ ERR_PERM,	"perm",		EX_NOPERM },
	{ ERR_STALE,	"stale",	EX_TEMPFAIL },
	{ ERR_CORRUPT,	"corrupt",	EX_DATAERR },
	{ ERR_PROTO,	"proto",	EX_PROTOCOL },
	{ ERR_CONFIG,	"config",	EX_CONFIG },
	{ ERR_REFUSED,	"refused",	1 },
};

/* Take text as the message: one line that does no harm to a terminal. */
static void
err_take(struct err *err, const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(err->msg) - 1 && text[i] != '\0'; i++) {
		unsigned char c = (unsigned char)text[i];

		err->msg[i] = c < 0x20 || c == 0x7f ? '?' : text[i];
	}
	err->msg[i] = '\0';
}

int
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	char text[ERR_MSG_MAX];	/* the old message may be an argument */
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err->code = code;
	err->errnum = 0;
	err_take(err, text);
	return -1;
}

static enum err_code
err_of_errno(int errnum)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT:
		return ERR_NOSPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_PERM;
	case ENOENT:
		return ERR_NOTFOUND;
	default:
		return ERR_TEMP;
	}
}

int
err_sys(struct err *err, const char *fmt, ...)
{
	int errnum = errno;
	char text[ERR_MSG_MAX], full[ERR_MSG_MAX];
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* The reason is worth more than the end of a long path. */
	snprintf(full, sizeof(full), "%.300s: %.90s", text, strerror(errnum));
	err->code = err_of_errno(errnum);
	err->errnum = errnum;
	err_take(err, full);
	return -1;
}

int
err_prefix(struct err *err, const char *fmt, ...)
{
	char text[ERR_MSG_MAX], full[2 * ERR_MSG_MAX + 2];
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "%s: %s", text, err->msg);
	err_take(err, full);
	return -1;
}

static const struct err_meaning *
err_meaning_find(enum err_code code)
{
	for (size_t i = 0; i < nitems(err_meanings); i++) {
		if (err_meanings[i].code == code)
			return &err_meanings[i];
	}
	return NULL;
}

const char *
err_name(enum err_code code)
{
	const struct err_meaning *meaning = err_meaning_find(code);

	return meaning != NULL ? meaning->name : "unknown";
}

int
err_exit_status(enum err_code code)
{
	const struct err_meaning *meaning = err_meaning_find(code);

	return meaning != NULL ? meaning->exit_status : 1;
}
