/*
 * err.h - how a function says why it failed
 *
 * A function that can fail returns 0 or -1 (or a count, or -1) and takes
 * struct err * last.  Whoever detects the failure sets code and text; a caller
 * that knows more puts it in front; the outermost caller reports it once.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err_code {
	ERR_NONE = 0,
	ERR_TEMP,	/* try again later: I/O, lock, peer went away */
	ERR_NOSPACE,	/* no space or quota left */
	ERR_NOTFOUND,	/* no such mailbox, message, file or user */
	ERR_PERM,	/* the user or the peer may not do this */
	ERR_STALE,	/* not as expected: changed since it was planned */
	ERR_CORRUPT,	/* stored data contradicts itself */
	ERR_PROTO,	/* the peer broke the protocol */
	ERR_CONFIG,	/* a person has to change a setting */
	ERR_REFUSED,	/* a guard or an unbuilt case stopped the run */
};

#define ERR_MSG_MAX	400U	/* bytes, with the final NUL */

struct err {
	enum err_code code;
	int errnum;		/* errno of the failed call, or 0 */
	char msg[ERR_MSG_MAX];	/* one line, control characters replaced */
};

#define ERR_INIT { .code = ERR_NONE }

/* Set code and message.  Always returns -1, so callers can return it. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * As err_set, with errno and its text appended.  The code follows errno:
 * ENOSPC and EDQUOT are ERR_NOSPACE, EACCES, EPERM and EROFS ERR_PERM, ENOENT
 * ERR_NOTFOUND, all others ERR_TEMP.  Returns -1.
 */
int err_sys(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Put "text: " in front of the message; the code stays.  Returns -1. */
int err_prefix(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The word for a code in logs and in the protocol, such as "perm". */
const char *err_name(enum err_code code);

/* The exit status of a program that ended with this code: 1 or sysexits.h. */
int err_exit_status(enum err_code code);

#endif
