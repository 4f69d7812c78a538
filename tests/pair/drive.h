/*
 * drive.h - a session driven by messages, as the brain would
 *
 * The store is one in memory.  What the session sends is written down as text,
 * one line for each message, and what it told of mailboxes and messages is
 * kept.  All calls end the test if they fail, unless they return a code.
 */
#ifndef PAIR_DRIVE_H
#define PAIR_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "model/mail_location.h"
#include "model/msg.h"
#include "session/session.h"
#include "store/memory/memory.h"

#define NOW		UINT64_C(1700000000000)	/* the clock at the start */
#define BODY		"Subject: a\n\nbody\n"

struct seen_message {
	struct guid128 mailbox;
	struct msg_message m;
};

struct drive {
	struct memory_world *world;
	struct mail_location loc;
	struct session_args args;	/* of the next session */
	struct session *session;
	struct arena *arena;
	struct strbuf out;		/* what was sent, as text */
	ARRAY(struct seen_message) messages;
	ARRAY(struct msg_mailbox) boxes;
	struct guid128 in_mailbox;
	struct guid128 store, last_run;
	uint64_t gone_stamp;		/* of the last MAILBOX_GONE */
	uint64_t features;		/* of the last WELCOME */
	struct msg_position positions[POSITIONS_MAX];
	size_t position_count;
	uint32_t op;			/* the number of the last operation */
	struct err err;
};

extern struct drive fx;

/* A checked fixture: an empty world, and no session. */
void drive_setup(void);
void drive_teardown(void);

/* A new session, which was told nothing. */
void drive_begin(void);
/* Give it a message and let it do all it can; what session_receive said. */
int drive_give(const struct msg *msg);
void drive_pump(void);
/* Forget what was sent. */
void drive_clear(void);
/* What was sent since the last look is this. */
void drive_expect(const char *text);

/* What drive_start says, to be changed before drive_start_with. */
struct msg_hello drive_hello(void);
void drive_start_with(const struct msg_hello *h);
/* Begin a run; base: the position of the last committed one, NULL if none. */
void drive_start(const struct guid128 *base);
void drive_flush(void);
void drive_ask_commit(void);
/* Commit and end the session. */
void drive_commit(void);
/* A whole run without operations; its run is the base of the next. */
struct guid128 drive_quiet_run(void);

/* A mail program adds a message; its UID. */
uint32_t drive_deliver(const char *mailbox);
struct guid128 drive_guid_of(const char *mailbox);
/* The message of this UID that was sent since the last look. */
struct msg_message *drive_message(uint32_t uid);
/* One that the store does not have; mark: the last byte of its birth mark. */
struct msg_message drive_new_message(uint32_t uid, const char *guid,
    uint8_t mark);

/* All messages of a mailbox, so that their marks are known. */
void drive_list(const char *mailbox, bool tombstones);
/* Ask for a body, which drive_pump lets it send. */
void drive_get(const char *mailbox, const struct msg_message *m,
    uint32_t request);
void drive_expunge(const char *mailbox, const struct msg_message *m);
/* All flags get the stamp. */
void drive_set_flags(const char *mailbox, const struct msg_message *m,
    flags_t flags, uint64_t stamp);
void drive_set_uid(const char *mailbox, const struct msg_message *m,
    uint32_t uid);
/* spoil: the digest is that of another body. */
void drive_save_body(const char *mailbox, const struct msg_message *m,
    const char *body, bool spoil);
void drive_copy(const char *mailbox, const struct msg_message *m);
void drive_op_mailbox(struct msg_op_mailbox op);

#endif
