/*
 * Any stream of bytes to the parser of frames: whatever it accepts lies inside
 * the stream and within the limits, and has the header that we would write.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { data, size };
	uint8_t header[FRAME_HEADER_SIZE];
	struct err err = ERR_INIT;
	struct frame frame;
	size_t used;
	int r;

	while ((r = frame_parse(in, &frame, &used, &err)) == 1) {
		assert(frame.payload.len > 0);
		assert(frame.payload.len <= FRAME_PAYLOAD_MAX);
		assert(used == FRAME_HEADER_SIZE + frame.payload.len);
		assert(used <= in.len);
		assert(frame.payload.data == in.data + FRAME_HEADER_SIZE);
		frame_header(header, frame.kind, frame.stream,
		    frame.payload.len);
		assert(memcmp(header, in.data, sizeof(header)) == 0);
		in.data += used;
		in.len -= used;
	}
	if (r == 0)
		assert(used > in.len);
	else
		assert(err.code == ERR_PROTO);
	return 0;
}
