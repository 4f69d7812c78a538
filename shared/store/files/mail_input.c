/*
 * A body is given as it is, or decoded.  Who reads has to know the exact size
 * before the first byte, which only decoding tells: what names and lists say
 * of it may be wrong.  The beginning is kept, decoded or not, which is all of
 * most mails; the rest of a long compressed one is decoded twice.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/files/mail_codec.h"
#include "store/files/mail_input.h"

#define SKIP_CHUNK	65536U	/* bytes */
#define STORED_AHEAD	16384U	/* read to see if it is compressed */

struct mail_input {
	int fd;
	uint64_t start, offset, end;	/* in the file */
	enum store_compress method;
	struct mail_decoder *decoder;	/* NULL: not needed (any more) */
	char *ahead;			/* the beginning of the body */
	size_t pos, len;		/* in ahead */
	uint64_t size;			/* of the body */
};

static ptrdiff_t
read_stored(void *arg, void *buf, size_t len, struct err *err)
{
	struct mail_input *in = arg;
	ssize_t n;

	if (len > in->end - in->offset)
		len = (size_t)(in->end - in->offset);
	if (len == 0)
		return 0;
	do {
		n = pread(in->fd, buf, len, (off_t)in->offset);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_sys(err, "read a message");
	in->offset += (uint64_t)n;
	return n;
}

static void
begin_decoding(struct mail_input *in)
{
	in->offset = in->start;
	mail_decoder_free(&in->decoder);
	in->decoder = mail_decoder_new(in->method, read_stored, in);
}

/* Decode all, keep what fits; rest: there was more. */
static int
measure(struct mail_input *in, bool *rest, struct err *err)
{
	char skipped[SKIP_CHUNK];
	ptrdiff_t n;

	*rest = false;
	in->ahead = mem_alloc(MAIL_INPUT_AHEAD);
	begin_decoding(in);
	while (in->len < MAIL_INPUT_AHEAD) {
		n = mail_decoder_read(in->decoder, in->ahead + in->len,
		    MAIL_INPUT_AHEAD - in->len, err);
		if (n <= 0)
			return (int)n;
		in->len += (size_t)n;
		in->size += (uint64_t)n;
	}
	while ((n = mail_decoder_read(in->decoder, skipped, sizeof(skipped),
	    err)) > 0) {
		*rest = true;
		in->size += (uint64_t)n;
	}
	return (int)n;
}

/* Decode again up to where what is kept ends. */
static int
skip_ahead(struct mail_input *in, struct err *err)
{
	char skipped[SKIP_CHUNK];
	size_t left = in->len;
	ptrdiff_t n;

	begin_decoding(in);
	while (left > 0) {
		n = mail_decoder_read(in->decoder, skipped,
		    left < sizeof(skipped) ? left : sizeof(skipped), err);
		if (n == -1)
			return -1;
		if (n == 0)
			return err_set(err, ERR_TEMP,
			    "the message changes while it is read");
		left -= (size_t)n;
	}
	return 0;
}

static int
open_compressed(struct mail_input *in, struct err *err)
{
	bool rest;

	free(in->ahead);
	in->len = 0;
	if (measure(in, &rest, err) == -1)
		return -1;
	if (rest)
		return skip_ahead(in, err);
	mail_decoder_free(&in->decoder);
	return 0;
}

int
mail_input_open(struct mail_input **in_r, int fd, uint64_t offset,
    uint64_t length, uint64_t *size_r, struct err *err)
{
	struct mail_input *in = mem_alloc(sizeof(*in));
	size_t want = length < STORED_AHEAD ? (size_t)length : STORED_AHEAD;
	ptrdiff_t n;

	in->fd = fd;
	in->start = in->offset = offset;
	in->end = offset + length;
	in->ahead = mem_alloc(want > 0 ? want : 1);
	n = read_stored(in, in->ahead, want, err);
	if (n == -1)
		goto failed;
	in->len = (size_t)n;
	in->method = mail_codec_detect(in->ahead, in->len);
	in->size = length;
	if (in->method != STORE_COMPRESS_NONE) {
		in->size = 0;
		if (open_compressed(in, err) == -1)
			goto failed;
	}
	*size_r = in->size;
	*in_r = in;
	return 0;
failed:
	mail_input_close(&in);
	return -1;
}

void
mail_input_close(struct mail_input **in)
{
	if (*in == NULL)
		return;
	mail_decoder_free(&(*in)->decoder);
	free((*in)->ahead);
	free(*in);
	*in = NULL;
}

ptrdiff_t
mail_input_read(struct mail_input *in, void *buf, size_t len,
    struct err *err)
{
	if (in->pos < in->len) {
		if (len > in->len - in->pos)
			len = in->len - in->pos;
		memcpy(buf, in->ahead + in->pos, len);
		in->pos += len;
		return (ptrdiff_t)len;
	}
	if (in->method == STORE_COMPRESS_NONE)
		return read_stored(in, buf, len, err);
	return in->decoder == NULL ? 0 :
	    mail_decoder_read(in->decoder, buf, len, err);
}

bool
mail_input_compressed(const struct mail_input *in)
{
	return in->method != STORE_COMPRESS_NONE;
}
