/*
 * auth_reply.h - lines of Dovecot's auth protocol, without I/O
 *
 * Words separated by TAB; in them \001 begins an escape for what cannot stand
 * there itself.
 */
#ifndef PRIV_AUTH_REPLY_H
#define PRIV_AUTH_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "priv/account.h"

#define AUTH_LINE_MAX	65536U	/* bytes of one line */

enum auth_reply_kind {
	AUTH_REPLY_OTHER,	/* part of the greeting, or unknown */
	AUTH_REPLY_USER,	/* the user, with fields */
	AUTH_REPLY_NOTFOUND,
	AUTH_REPLY_FAIL,	/* text says why */
	AUTH_REPLY_NAME,	/* LIST: text is one user's name */
	AUTH_REPLY_DONE,	/* LIST: that was all */
	AUTH_REPLY_DONE_FAIL,	/* LIST: more there may be */
};

struct auth_reply {
	enum auth_reply_kind kind;
	uint32_t id;		/* of the request; 0: none */
	char *text;		/* NULL: none */
	enum err_code code;	/* FAIL: ERR_TEMP or ERR_PERM */
	struct account user;	/* USER: name and fields */
};

/*
 * Parse one line without its newline.  ERR_PROTO: no line of this protocol, or
 * of another version of it.  Deinit afterwards.
 */
int auth_reply_parse(struct auth_reply *reply, const char *line, size_t len,
    struct err *err);
void auth_reply_deinit(struct auth_reply *reply);

/* Add a word of a request, escaped. */
void auth_escape(struct strbuf *out, const char *word);

#endif
