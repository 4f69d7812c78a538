/*
 * greeting.h - the few bytes before frames, and those of an enrolment
 *
 * dsync/1: the client's first bytes are the prologue, which names the mail
 * user: a version, 1; the length of the name, 1..254; the name.  Frames follow
 * at once; nothing is answered.  A server that refuses the user sends
 * a refusal in place of its first frame: eight bytes, 0 0 0 0 (the length of
 * no frame) and a reason, then zeros; and ends the connection.
 *
 * dsync-enrol/1: the client sends the request, the server the reply, and both
 * end the connection.
 */
#ifndef NET_GREETING_H
#define NET_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/peers.h"
#include "net/token.h"

#define PROLOGUE_VERSION	1U
#define PROLOGUE_HEAD		2U	/* bytes before the name */
#define PROLOGUE_MAX		(PROLOGUE_HEAD + PEERS_USER_MAX)
#define REFUSAL_SIZE		8U	/* bytes, as the header of a frame */
#define ENROL_REQUEST_SIZE	(TOKEN_ID_SIZE + TOKEN_PROOF_SIZE)
#define ENROL_REPLY_SIZE	256U	/* status, length, 254 of user */

/* Write the prologue; user is valid by peer_user_valid.  Returns its size. */
size_t prologue_format(uint8_t out[static PROLOGUE_MAX], const char *user);

/*
 * Read a prologue at the beginning of len bytes.  Returns 1, sets user_r to
 * the name and *used_r to the bytes it took; 0 if more bytes are needed; -1
 * with ERR_PROTO.
 */
int prologue_parse(char user_r[static PEERS_USER_MAX + 1], size_t *used_r,
    const uint8_t *data, size_t len, struct err *err);

enum refusal {
	REFUSAL_USER = 1,	/* this key may not act for that user */
	REFUSAL_NO_USER,	/* there is no such user here */
	REFUSAL_BUSY,		/* not now */
};

void refusal_format(uint8_t out[static REFUSAL_SIZE], enum refusal refusal);

/*
 * Do these bytes refuse us?  Returns 0 if not, -1 with err if they do.  peer
 * and user are for its text.
 */
int refusal_check(const uint8_t data[static REFUSAL_SIZE], const char *peer,
    const char *user, struct err *err);

struct enrol_request {
	uint8_t id[TOKEN_ID_SIZE];
	uint8_t proof[TOKEN_PROOF_SIZE];
};

void enrol_request_format(uint8_t out[static ENROL_REQUEST_SIZE],
    const struct enrol_request *request);
void enrol_request_parse(struct enrol_request *request_r,
    const uint8_t data[static ENROL_REQUEST_SIZE]);

enum enrol_status {
	ENROL_OK,
	ENROL_REFUSED,		/* token unknown, used or expired, or proof */
	ENROL_LISTED,		/* the key is listed with other rights */
	ENROL_BUSY,		/* the server has trouble */
};

struct enrol_reply {
	enum enrol_status status;
	char user[PEERS_USER_MAX + 1];	/* if ENROL_OK */
};

void enrol_reply_format(uint8_t out[static ENROL_REPLY_SIZE],
    const struct enrol_reply *reply);
int enrol_reply_parse(struct enrol_reply *reply_r,
    const uint8_t data[static ENROL_REPLY_SIZE], struct err *err);

#endif
