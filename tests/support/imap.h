/*
 * imap.h - an IMAP server on a pipe, for tests
 *
 * The server is a command that speaks IMAP on its standard input and output
 * and greets with PREAUTH, as Dovecot's imap does when a user starts it.  What
 * fails ends the program with status 1 and the server's answer on stderr.
 */
#ifndef SUPPORT_IMAP_H
#define SUPPORT_IMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/array.h"
#include "base/strbuf.h"

/* One reply line with its literals, each after its {n} and CRLF. */
struct imap_reply {
	char *data;		/* followed by a NUL */
	size_t len;		/* without the final CRLF */
};

struct imap;

struct imap *imap_new(char *const *command);
/* Says LOGOUT and waits for the server. */
void imap_free(struct imap **imap);

/* From now on commands and their answers are told on stderr. */
void imap_trace(struct imap *imap);

/*
 * Send one command (without tag and CRLF; literals are LITERAL+) and wait for
 * its end.  Returns whether it ended with OK; the untagged replies are those
 * of this command until the next one.
 */
bool imap_try(struct imap *imap, const char *command, size_t len);
/* The same; NO and BAD end the program. */
void imap_do(struct imap *imap, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

size_t imap_replies(const struct imap *imap);
const struct imap_reply *imap_reply(const struct imap *imap, size_t i);
/* The text of the tagged answer to the last command. */
const char *imap_answer(const struct imap *imap);

/*
 * Take the next value off *p: an atom, a quoted or literal string (without
 * quotes or length), or a list (with its parentheses).  BODY[...] is one atom.
 * False at end.
 */
bool imap_value(const char **p, const char *end, struct strbuf *value);

#endif
