#include "config.h"

#include <string.h>

#include "net/greeting.h"

size_t
prologue_format(uint8_t out[static PROLOGUE_MAX], const char *user)
{
	size_t len = strlen(user);

	out[0] = PROLOGUE_VERSION;
	out[1] = (uint8_t)len;
	memcpy(out + PROLOGUE_HEAD, user, len);
	return PROLOGUE_HEAD + len;
}

int
prologue_parse(char user_r[static PEERS_USER_MAX + 1], size_t *used_r,
    const uint8_t *data, size_t len, struct err *err)
{
	const char *user = (const char *)data + PROLOGUE_HEAD;
	size_t n;

	if (len > 0 && data[0] != PROLOGUE_VERSION)
		return err_set(err, ERR_PROTO, "prologue of version %u",
		    (unsigned int)data[0]);
	if (len < PROLOGUE_HEAD)
		return 0;
	n = data[1];
	if (n == 0 || n > PEERS_USER_MAX)
		return err_set(err, ERR_PROTO, "prologue with a name of %zu "
		    "bytes", n);
	if (len < PROLOGUE_HEAD + n)
		return 0;
	if (!peer_user_valid(user, n))
		return err_set(err, ERR_PROTO, "prologue with a name that "
		    "no user has");
	memcpy(user_r, user, n);
	user_r[n] = '\0';
	*used_r = PROLOGUE_HEAD + n;
	return 1;
}

void
refusal_format(uint8_t out[static REFUSAL_SIZE], enum refusal refusal)
{
	memset(out, 0, REFUSAL_SIZE);
	out[4] = (uint8_t)refusal;
}

int
refusal_check(const uint8_t data[static REFUSAL_SIZE], const char *peer,
    const char *user, struct err *err)
{
	static const uint8_t none[4] = { 0 };

	if (memcmp(data, none, sizeof(none)) != 0)
		return 0;
	switch (data[4]) {
	case REFUSAL_USER:
		return err_set(err, ERR_PERM, "%s: our key may not act for "
		    "the user %s there (user= in the peers file)", peer, user);
	case REFUSAL_NO_USER:
		return err_set(err, ERR_NOTFOUND, "%s has no user %s", peer,
		    user);
	case REFUSAL_BUSY:
		return err_set(err, ERR_TEMP, "%s cannot serve the user %s "
		    "now; its log says why", peer, user);
	default:
		return err_set(err, ERR_PROTO, "%s refuses for a reason (%u) "
		    "that this program does not know", peer,
		    (unsigned int)data[4]);
	}
}

void
enrol_request_format(uint8_t out[static ENROL_REQUEST_SIZE],
    const struct enrol_request *request)
{
	memcpy(out, request->id, TOKEN_ID_SIZE);
	memcpy(out + TOKEN_ID_SIZE, request->proof, TOKEN_PROOF_SIZE);
}

void
enrol_request_parse(struct enrol_request *request_r,
    const uint8_t data[static ENROL_REQUEST_SIZE])
{
	memcpy(request_r->id, data, TOKEN_ID_SIZE);
	memcpy(request_r->proof, data + TOKEN_ID_SIZE, TOKEN_PROOF_SIZE);
}

void
enrol_reply_format(uint8_t out[static ENROL_REPLY_SIZE],
    const struct enrol_reply *reply)
{
	size_t len = reply->status == ENROL_OK ? strlen(reply->user) : 0;

	memset(out, 0, ENROL_REPLY_SIZE);
	out[0] = (uint8_t)reply->status;
	out[1] = (uint8_t)len;
	memcpy(out + 2, reply->user, len);
}

int
enrol_reply_parse(struct enrol_reply *reply_r,
    const uint8_t data[static ENROL_REPLY_SIZE], struct err *err)
{
	size_t len = data[1];

	memset(reply_r, 0, sizeof(*reply_r));
	if (data[0] > ENROL_BUSY || len > PEERS_USER_MAX ||
	    (data[0] == ENROL_OK &&
	    !peer_user_valid((const char *)data + 2, len)))
		return err_set(err, ERR_PROTO, "the answer to the enrolment "
		    "makes no sense");
	reply_r->status = (enum enrol_status)data[0];
	if (data[0] == ENROL_OK)
		memcpy(reply_r->user, data + 2, len);
	return 0;
}
