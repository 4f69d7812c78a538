#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "store/files/mail_codec.h"

#define READ_MAX	(16U << 20)	/* bytes: what grows further is let be */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct feed {
	const uint8_t *data;
	size_t len;
};

static ptrdiff_t
feed_read(void *arg, void *buf, size_t len, struct err *err)
{
	struct feed *feed = arg;

	(void)err;
	if (len > feed->len)
		len = feed->len;
	memcpy(buf, feed->data, len);
	feed->data += len;
	feed->len -= len;
	return (ptrdiff_t)len;
}

/* It is decoded to its end, or ERR_CORRUPT, and that for good. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum store_compress method = mail_codec_detect(data, size);
	struct feed feed = { data, size };
	struct mail_decoder *decoder;
	struct err err = ERR_INIT;
	uint64_t total = 0;
	char buf[4096];
	ptrdiff_t n;

	if (method == STORE_COMPRESS_NONE)
		return 0;
	decoder = mail_decoder_new(method, feed_read, &feed);
	while ((n = mail_decoder_read(decoder, buf, sizeof(buf), &err)) > 0 &&
	    total < READ_MAX)
		total += (uint64_t)n;
	if (n == -1) {
		assert(err.code == ERR_CORRUPT);
		assert(mail_decoder_read(decoder, buf, sizeof(buf),
		    &err) == -1);
	}
	mail_decoder_free(&decoder);
	return 0;
}
