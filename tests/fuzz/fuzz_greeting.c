/*
 * Any bytes as the first ones of a client or a server: a user that is taken is
 * a valid one and formats to the same bytes; a refusal is never data.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "net/greeting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char user[PEERS_USER_MAX + 1];
	uint8_t back[PROLOGUE_MAX], reply_bytes[ENROL_REPLY_SIZE];
	struct err err = ERR_INIT;
	struct enrol_reply reply;
	size_t used = 0;
	int r;

	r = prologue_parse(user, &used, data, size, &err);
	if (r == 1) {
		assert(used <= size && used <= PROLOGUE_MAX);
		assert(peer_user_valid(user, strlen(user)));
		assert(prologue_format(back, user) == used);
		assert(memcmp(back, data, used) == 0);
	} else if (r == 0) {
		assert(size < PROLOGUE_MAX);
	} else {
		assert(err.code == ERR_PROTO);
	}
	if (size >= REFUSAL_SIZE) {
		r = refusal_check(data, "peer", "user", &err);
		assert((r == -1) == (memcmp(data, "\0\0\0\0", 4) == 0));
	}
	if (size < ENROL_REPLY_SIZE)
		return 0;
	memcpy(reply_bytes, data, ENROL_REPLY_SIZE);
	if (enrol_reply_parse(&reply, reply_bytes, &err) == 0 &&
	    reply.status == ENROL_OK)
		assert(peer_user_valid(reply.user, strlen(reply.user)));
	return 0;
}
