/*
 * session.h - the store's side of a run, a state machine without I/O
 *
 * Messages in, messages out (model/msg.h), time as a value.  It works on
 * a store (store/store.h) and that store's change log (chlog/chlog.h), owns no
 * descriptor of the connection and never decides anything.  It is the same
 * code at both ends of a run.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/msg.h"
#include "store/store.h"

struct session;
struct mail_location;

/* What a session works on; all borrowed for its life. */
struct session_args {
	const struct mail_location *location;
	const char *origin;		/* what named it, for messages, with what
					   to do about it; NULL: unknown */
	struct store_options options;	/* readonly is set by the role as well */
	const char *state_dir;		/* NULL: the log lies in the store's root */
	const char *user;		/* for messages; NULL: unknown */
	const char *peer_name;		/* who asks; for the log; NULL: local */
	enum peer_access access;
	uint64_t features;		/* FEATURE_*: what we have, if HELLO
					   has it too */
	const char *software;		/* "dsync 0.1.0" */
	unsigned int pair_lock_timeout;	/* seconds to wait for another run of
					   the pair; 0: a minute */
	bool debug_stamps;		/* time comes from clock_now_ms */
	const struct store_driver *driver; /* NULL: by location; tests wrap it */
};

/* Take one message to the brain.  It is copied or encoded before return. */
typedef void session_send_fn(const struct msg *msg, void *arg);

/* Never fails: the store is opened at HELLO. */
struct session *session_new(const struct session_args *args,
    session_send_fn *send, void *arg);
void session_free(struct session **session);

/*
 * Take one message from the brain.  -1: the session is over; MSG_ERROR with
 * the text for the peer has been sent, err says it for this side.
 */
int session_receive(struct session *session, const struct msg *msg,
    struct err *err);

/*
 * Do a piece of the work that was asked for (view, lists, bodies) as long as
 * room() says that more may be sent.  Returns 1 if there is more to do, 0 if
 * everything asked for was answered, -1 as above.
 */
int session_step(struct session *session, bool (*room)(void *arg),
    void *room_arg, struct err *err);

/*
 * Between hold and rest the change log is read as of one moment.  A loop calls
 * them around each turn; without them each record is read by itself.
 */
void session_hold(struct session *session);
void session_rest(struct session *session);

/*
 * Everything asked for was answered, and nothing has come since: do now what
 * would be done at the end of the session.  session_is_untidy says if that is
 * anything.
 */
bool session_is_untidy(const struct session *session);
void session_tidy(struct session *session);

/* Work waits for room, but not for long: call session_step soon. */
bool session_hurries(const struct session *session);
/* BYE was received: nothing more will come. */
bool session_ended(const struct session *session);

/*
 * Run a session over a connected descriptor (or a pair: pipes) speaking frames
 * until BYE, the end of data, or MSG_ERROR: the peer gives up, which is logged.
 * Returns 0, or -1 with why.  idle_timeout in seconds: longest time without
 * a byte from the peer while waiting for one.
 */
int session_main(int fd_in, int fd_out, const struct session_args *args,
    unsigned int idle_timeout, struct err *err);

#endif
