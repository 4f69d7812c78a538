/*
 * Any stream of bytes to a link: whatever message it accepts is within the
 * limits, which another link shows that gets it sent and finds the same.  The
 * sizes of the pieces do not matter.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "tests/support/msg_random.h"
#include "wire/link.h"

#define MESSAGES_MAX	64U	/* of one input, for the time it takes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Send msg over a link of its own. */
static void
send_on(const struct msg *msg)
{
	struct link *link = link_new();
	struct err err = ERR_INIT;
	size_t len, space;
	const void *out;
	struct msg back;
	void *in;

	link_set_compress(link, true);
	link_send(link, msg);
	while ((out = link_out(link, &len)) != NULL) {
		in = link_space(link, &space);
		assert(space > 0);
		len = len < space ? len : space;
		memcpy(in, out, len);
		link_fed(link, len);
		link_sent(link, len);
		if (link_partial(link) && link_out(link, &len) == NULL)
			break;
		/* Makes the link grow its buffer for a long frame. */
		if (link_next(link, &back, &err) == 1)
			goto arrived;
		assert(err.code == ERR_NONE);
	}
	assert(link_next(link, &back, &err) == 1);
arrived:
	assert(msg_equal(msg, &back));
	assert(!link_partial(link));
	link_free(&link);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct link *link = link_new();
	struct err err = ERR_INIT;
	size_t space, piece, messages = 0;
	struct msg msg;
	void *in;
	int r = 0;

	link_set_compress(link, true);
	while (size > 0 && r != -1 && messages < MESSAGES_MAX) {
		in = link_space(link, &space);
		assert(space > 0);
		piece = 1 + data[0] * 7U;
		piece = piece < size ? piece : size;
		piece = piece < space ? piece : space;
		memcpy(in, data, piece);
		link_fed(link, piece);
		data += piece;
		size -= piece;
		while ((r = link_next(link, &msg, &err)) == 1) {
			send_on(&msg);
			messages++;
		}
	}
	assert(r != -1 || err.code == ERR_PROTO);
	link_free(&link);
	return 0;
}
