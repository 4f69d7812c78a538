/*
 * request.h - what net may ask the monitor
 *
 * One fixed-size message each way.  Both processes are forks of one program,
 * so structs travel as they are; but net meets strangers, and the monitor
 * checks each field before use.
 */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "net/greeting.h"
#include "net/tls_ctx.h"

enum priv_request {
	PRIV_AUTH = 1,		/* who is this? */
	PRIV_ENROL,		/* has it a token? */
	PRIV_START,		/* serve this user */
	PRIV_END,		/* how did the store end? */
};

#define PRIV_WORD_MAX	40U	/* bytes of a reason, with the final NUL */

struct priv_message {
	enum priv_request request;
	union {
		struct tls_peer auth;
		struct {
			struct enrol_request request;
			uint8_t exporter[32];
		} enrol;
		char user[PEERS_USER_MAX + 1];	/* start */
	} u;
};

struct priv_reply {
	enum priv_request request;
	char reason[PRIV_WORD_MAX];		/* a word for the log */
	char name[PEERS_NAME_MAX + 1];		/* auth: name= of the peer */
	union {
		enum tls_verdict verdict;	/* auth */
		struct enrol_reply enrol;
		/*
		 * start: 0, and the store's socket comes along; else an
		 * enum refusal.  0 and no socket: this connection has to
		 * end, and a new one is judged anew.
		 */
		unsigned int refusal;
		bool ended_well;		/* end */
	} u;
};

#endif
