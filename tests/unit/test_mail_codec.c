/* Compressed bodies: what goes in comes out, or an error does. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "store/files/mail_codec.h"
#include "store/files/mail_input.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define BODY_MAX	700000U

static const enum store_compress methods[] = {
	STORE_COMPRESS_GZ, STORE_COMPRESS_BZ2, STORE_COMPRESS_XZ,
	STORE_COMPRESS_LZ4, STORE_COMPRESS_ZSTD,
};
#define METHODS ((int)nitems(methods))

/* Bytes that come a few at a time. */
struct feed {
	const char *data;
	size_t len, step;
};

static ptrdiff_t
feed_read(void *arg, void *buf, size_t len, struct err *err)
{
	struct feed *feed = arg;

	(void)err;
	if (len > feed->step)
		len = feed->step;
	if (len > feed->len)
		len = feed->len;
	memcpy(buf, feed->data, len);
	feed->data += len;
	feed->len -= len;
	return (ptrdiff_t)len;
}

static int
collect(void *arg, const void *data, size_t len, struct err *err)
{
	(void)err;
	strbuf_add(arg, data, len);
	return 0;
}

/* Half of it can be compressed, half of it not. */
static char *
make_body(size_t len)
{
	char *body = mem_alloc(len + 1);
	uint32_t x = 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1103515245U + 12345U;
		body[i] = (i / 1000) % 2 == 0 ? "a line\r\n"[i % 8] :
		    (char)(x >> 16);
	}
	return body;
}

static void
encode(struct strbuf *out, enum store_compress method, unsigned int level,
    const char *body, size_t len)
{
	struct mail_encoder *e = mail_encoder_new(method, level, collect,
	    out);
	struct err err = ERR_INIT;
	size_t n, step = 1;

	for (; len > 0; body += n, len -= n, step = step * 3 + 1) {
		n = len < step ? len : step;
		ck_assert_int_eq(mail_encoder_write(e, body, n, &err), 0);
	}
	ck_assert_int_eq(mail_encoder_finish(e, &err), 0);
	mail_encoder_free(&e);
	ck_assert(!out->failed);
}

static enum err_code
decode(struct strbuf *out, enum store_compress method, const char *data,
    size_t len, size_t step)
{
	struct feed feed = { data, len, step };
	struct mail_decoder *d = mail_decoder_new(method, feed_read, &feed);
	struct err err = ERR_INIT;
	char buf[3000];
	ptrdiff_t n;

	strbuf_reset(out);
	while ((n = mail_decoder_read(d, buf, sizeof(buf), &err)) > 0)
		strbuf_add(out, buf, (size_t)n);
	mail_decoder_free(&d);
	return n == 0 ? ERR_NONE : err.code;
}

START_TEST(what_was_encoded_is_decoded)
{
	static const size_t sizes[] = { 0, 1, 7, 65535, 65536, 65537,
	    BODY_MAX };
	static const unsigned int levels[] = { 0, 1, 9 };
	char *body = make_body(BODY_MAX);
	struct strbuf packed, plain;

	strbuf_init(&packed, 2 * BODY_MAX);
	strbuf_init(&plain, 2 * BODY_MAX);
	for (size_t i = 0; i < nitems(sizes); i++) {
		strbuf_reset(&packed);
		encode(&packed, methods[_i], levels[i % 3], body, sizes[i]);
		/* A body of nothing is no BZIP2 block. */
		if (sizes[i] > 0 || methods[_i] != STORE_COMPRESS_BZ2)
			ck_assert_int_eq(mail_codec_detect(packed.data,
			    packed.len), methods[_i]);
		for (size_t step = 1; step < 100000; step += 33333) {
			if (step == 1 && sizes[i] > 1000)
				continue;
			ck_assert_int_eq(decode(&plain, methods[_i],
			    packed.data, packed.len, step), ERR_NONE);
			ck_assert_uint_eq(plain.len, sizes[i]);
			ck_assert_int_eq(memcmp(plain.data, body,
			    sizes[i]), 0);
		}
	}
	strbuf_deinit(&packed);
	strbuf_deinit(&plain);
	free(body);
}
END_TEST

START_TEST(what_is_cut_or_goes_on_is_corrupt)
{
	char *body = make_body(3000);
	struct strbuf packed, plain;

	strbuf_init(&packed, BODY_MAX);
	strbuf_init(&plain, BODY_MAX);
	encode(&packed, methods[_i], 0, body, 3000);
	for (size_t len = 0; len < packed.len; len++) {
		/* The container of LZ4 blocks does not say where it ends. */
		if (methods[_i] == STORE_COMPRESS_LZ4 &&
		    len == MAIL_CODEC_MAGIC + 4)
			continue;
		ck_assert_int_eq(decode(&plain, methods[_i], packed.data,
		    len, 1000), ERR_CORRUPT);
	}
	strbuf_adds(&packed, "more than there should be");
	ck_assert_int_eq(decode(&plain, methods[_i], packed.data, packed.len,
	    1000), ERR_CORRUPT);
	strbuf_deinit(&packed);
	strbuf_deinit(&plain);
	free(body);
}
END_TEST

/* No checksum is promised; but neither more memory nor another size. */
START_TEST(a_changed_byte_does_no_harm)
{
	char *body = make_body(2000);
	struct strbuf packed, plain;

	strbuf_init(&packed, BODY_MAX);
	strbuf_init(&plain, (size_t)1 << 30);
	encode(&packed, methods[_i], 0, body, 2000);
	for (size_t at = 0; at < packed.len; at += 3) {
		packed.data[at] ^= (char)(1U << at % 8);
		(void)decode(&plain, methods[_i], packed.data, packed.len,
		    1000);
		ck_assert(!plain.failed);
		packed.data[at] ^= (char)(1U << at % 8);
	}
	ck_assert_int_eq(decode(&plain, methods[_i], packed.data, packed.len,
	    1000), ERR_NONE);
	strbuf_deinit(&packed);
	strbuf_deinit(&plain);
	free(body);
}
END_TEST

START_TEST(streams_may_follow_each_other)
{
	struct strbuf packed, plain;

	if (methods[_i] == STORE_COMPRESS_LZ4)
		return;
	strbuf_init(&packed, BODY_MAX);
	strbuf_init(&plain, BODY_MAX);
	encode(&packed, methods[_i], 0, "one ", 4);
	encode(&packed, methods[_i], 0, "two", 3);
	for (size_t step = 1; step < 1000; step += 333) {
		ck_assert_int_eq(decode(&plain, methods[_i], packed.data,
		    packed.len, step), ERR_NONE);
		ck_assert_str_eq(plain.data, "one two");
	}
	strbuf_deinit(&packed);
	strbuf_deinit(&plain);
}
END_TEST

START_TEST(mails_are_not_taken_for_compressed_ones)
{
	static const char *const plain[] = { "", "B", "BZh9", "\x1f", "From x",
	    "BZhx\x31\x41\x59\x26\x53\x59", "Dovecot-LZ4\n", "\xfd" "7zXY",
	    "\x28\xb5\x2f" };

	for (size_t i = 0; i < nitems(plain); i++)
		ck_assert_int_eq(mail_codec_detect(plain[i],
		    strlen(plain[i])), STORE_COMPRESS_NONE);
}
END_TEST

START_TEST(levels_and_methods_are_checked)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(mail_codec_check(STORE_COMPRESS_NONE, 99, &err), 0);
	ck_assert_int_eq(mail_codec_check(STORE_COMPRESS_GZ, 9, &err), 0);
	ck_assert_int_eq(mail_codec_check(STORE_COMPRESS_ZSTD, 19, &err), 0);
	ck_assert_int_eq(mail_codec_check(STORE_COMPRESS_XZ, 10, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_int_eq(mail_codec_check(STORE_COMPRESS_DEFLATE, 0, &err),
	    -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

static void
expect_input(int fd, size_t offset, size_t stored, const char *body,
    size_t len)
{
	struct mail_input *in;
	struct err err = ERR_INIT;
	uint64_t size;
	char buf[50000];
	size_t at = 0;
	ptrdiff_t n;

	ck_assert_int_eq(mail_input_open(&in, fd, offset, stored, &size,
	    &err), 0);
	ck_assert_uint_eq(size, len);
	while ((n = mail_input_read(in, buf, sizeof(buf), &err)) > 0) {
		ck_assert_int_eq(memcmp(buf, body + at, (size_t)n), 0);
		at += (size_t)n;
	}
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(at, len);
	mail_input_close(&in);
}

START_TEST(a_part_of_a_file_is_read_whatever_it_is)
{
	static const size_t sizes[] = { 100, MAIL_INPUT_AHEAD,
	    MAIL_INPUT_AHEAD + 1, BODY_MAX };
	char *body = make_body(BODY_MAX);
	struct strbuf packed;
	struct mail_input *in;
	struct err err = ERR_INIT;
	uint64_t size;
	int fd;

	tempdir_make();
	fd = open(tempdir_path("file"), O_RDWR | O_CREAT, 0600);
	strbuf_init(&packed, 2 * BODY_MAX);
	for (size_t i = 0; i < nitems(sizes); i++) {
		strbuf_reset(&packed);
		strbuf_adds(&packed, "before");
		encode(&packed, methods[_i], 0, body, sizes[i]);
		strbuf_adds(&packed, "behind");
		ck_assert_int_eq(pwrite(fd, packed.data, packed.len, 0),
		    (ssize_t)packed.len);
		expect_input(fd, 6, packed.len - 12, body, sizes[i]);
		ck_assert_int_eq(mail_input_open(&in, fd, 6,
		    packed.len - 13, &size, &err), -1);
		ck_assert_int_eq(err.code, ERR_CORRUPT);
	}
	ck_assert_int_eq(pwrite(fd, body, 90000, 0), 90000);
	expect_input(fd, 10, 80000, body + 10, 80000);
	strbuf_deinit(&packed);
	close(fd);
	tempdir_remove();
	free(body);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "mail_codec");

	tcase_add_loop_test(tc, what_was_encoded_is_decoded, 0, METHODS);
	tcase_add_loop_test(tc, what_is_cut_or_goes_on_is_corrupt, 0,
	    METHODS);
	tcase_add_loop_test(tc, a_changed_byte_does_no_harm, 0, METHODS);
	tcase_add_loop_test(tc, streams_may_follow_each_other, 0, METHODS);
	tcase_add_test(tc, mails_are_not_taken_for_compressed_ones);
	tcase_add_test(tc, levels_and_methods_are_checked);
	tcase_add_loop_test(tc, a_part_of_a_file_is_read_whatever_it_is, 0,
	    METHODS);
	return unit_run(suite);
}
