/* err, arena, array, clock, digest, mem */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "tests/support/unit.h"

START_TEST(err_set_returns_minus_one_and_keeps_one_line)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(err_set(&err, ERR_PERM, "no\nway %s", "a\x1b[1m"), -1);
	ck_assert_int_eq(err.code, ERR_PERM);
	ck_assert_str_eq(err.msg, "no?way a?[1m");
	ck_assert_int_eq(err_set(NULL, ERR_PERM, "x"), -1);
}
END_TEST

START_TEST(err_message_may_be_its_own_argument)
{
	struct err err = ERR_INIT;

	err_set(&err, ERR_PERM, "first");
	err_set(&err, ERR_TEMP, "second after %s", err.msg);
	ck_assert_str_eq(err.msg, "second after first");
	err_prefix(&err, "box %d", 3);
	ck_assert_str_eq(err.msg, "box 3: second after first");
	ck_assert_int_eq(err.code, ERR_TEMP);
}
END_TEST

START_TEST(err_too_long_is_cut)
{
	char text[2000];
	struct err err = ERR_INIT;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_PERM, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_MAX - 1);
	err_prefix(&err, "%s", text);
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_MAX - 1);
	errno = ENOSPC;
	err_sys(&err, "%s", text);
	ck_assert_ptr_nonnull(strstr(err.msg, strerror(ENOSPC)));
}
END_TEST

START_TEST(err_sys_takes_its_code_from_errno)
{
	static const struct {
		int errnum;
		enum err_code code;
	} rows[] = {
		{ ENOSPC, ERR_NOSPACE }, { EDQUOT, ERR_NOSPACE },
		{ EACCES, ERR_PERM }, { EPERM, ERR_PERM }, { EROFS, ERR_PERM },
		{ ENOENT, ERR_NOTFOUND }, { EIO, ERR_TEMP },
		{ EMFILE, ERR_TEMP },
	};
	struct err err = ERR_INIT;

	for (size_t i = 0; i < nitems(rows); i++) {
		errno = rows[i].errnum;
		ck_assert_int_eq(err_sys(&err, "open %s", "f"), -1);
		ck_assert_int_eq(err.code, rows[i].code);
		ck_assert_int_eq(err.errnum, rows[i].errnum);
		ck_assert_ptr_nonnull(strstr(err.msg, "open f: "));
	}
}
END_TEST

START_TEST(no_error_exits_with_two)
{
	ck_assert_int_eq(err_exit_status(ERR_NONE), 0);
	for (int code = ERR_TEMP; code <= ERR_REFUSED; code++) {
		int status = err_exit_status((enum err_code)code);

		ck_assert(status == 1 || status > 2);
		ck_assert_str_ne(err_name((enum err_code)code), "unknown");
	}
	ck_assert_str_eq(err_name(ERR_REFUSED), "refused");
	ck_assert_int_eq(err_exit_status(ERR_REFUSED), 1);
	ck_assert_int_eq(err_exit_status(ERR_CONFIG), EX_CONFIG);
}
END_TEST

START_TEST(arena_memory_is_zeroed_aligned_and_apart)
{
	struct arena *arena = arena_new(1 << 20);
	unsigned char *p, *all[200];

	for (size_t i = 0; i < nitems(all); i++) {
		size_t size = i * 37 % 4001;

		all[i] = p = arena_alloc(arena, size);
		ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t j = 0; j < size; j++)
			ck_assert_uint_eq(p[j], 0);
		memset(p, (int)i, size);
	}
	for (size_t i = 0; i < nitems(all); i++) {
		for (size_t j = 0; j < i * 37 % 4001; j++)
			ck_assert_uint_eq(all[i][j], i);
	}
	ck_assert_uint_gt(arena_used(arena), 200 * 1000);
	arena_free(&arena);
	ck_assert_ptr_null(arena);
	arena_free(&arena);
}
END_TEST

START_TEST(arena_copies_strings)
{
	struct arena *arena = arena_new(1 << 20);

	ck_assert_str_eq(arena_strdup(arena, ""), "");
	ck_assert_str_eq(arena_strdup(arena, "abc"), "abc");
	ck_assert_str_eq(arena_strndup(arena, "abc", 2), "ab");
	ck_assert_str_eq(arena_strndup(arena, "abc", 9), "abc");
	ck_assert_mem_eq(arena_memdup(arena, "a\0b", 3), "a\0b", 3);
	ck_assert_ptr_nonnull(arena_memdup(arena, NULL, 0));
	ck_assert_ptr_nonnull(arena_calloc(arena, 0, 8));
	arena_free(&arena);
}
END_TEST

START_TEST(arena_beyond_its_limit_ends_the_process)
{
	struct arena *arena = arena_new(1000);

	arena_alloc(arena, 900);
	arena_alloc(arena, 200);
}
END_TEST

START_TEST(arena_overflow_ends_the_process)
{
	struct arena *arena = arena_new(SIZE_MAX);

	arena_calloc(arena, SIZE_MAX / 4, 8);
}
END_TEST

START_TEST(mem_overflow_ends_the_process)
{
	mem_calloc(SIZE_MAX / 4, 8);
}
END_TEST

START_TEST(mem_copies)
{
	char *p;

	p = mem_strndup("abc", 2);
	ck_assert_str_eq(p, "ab");
	free(p);
	p = mem_printf("%d-%s", 5, "x");
	ck_assert_str_eq(p, "5-x");
	free(p);
	p = mem_alloc(0);
	ck_assert_ptr_nonnull(p);
	free(p);
}
END_TEST

START_TEST(array_grows_and_keeps_its_items)
{
	ARRAY(struct { int a; long b; }) list = { 0 };

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(ARRAY_ADD(&list)->b, 0);
		list.v[list.n - 1].a = i;
		list.v[list.n - 1].b = -1;
	}
	ck_assert_uint_eq(list.n, 1000);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(list.v[i].a, i);
	ARRAY_FREE(&list);
	ck_assert_ptr_null(list.v);
	ck_assert_uint_eq(list.n + list.cap, 0);
	ARRAY_FREE(&list);
}
END_TEST

START_TEST(clock_can_be_set)
{
	uint64_t real = clock_now_ms();

	ck_assert_uint_gt(real, 1577836800000ULL);	/* 2020 */
	clock_set(12345);
	ck_assert_uint_eq(clock_now_ms(), 12345);
	ck_assert_uint_eq(clock_mono_ms(), 12345);
	clock_set(0);
	ck_assert_uint_ge(clock_now_ms(), real);
	ck_assert_uint_le(clock_mono_ms(), clock_mono_ms());
}
END_TEST

static void
assert_hex(const void *data, size_t len, const char *hex)
{
	char text[2 * DIGEST_SIZE + 1];

	hex_format(text, data, len);
	ck_assert_str_eq(text, hex);
}

START_TEST(digests_are_those_of_the_standards)
{
	uint8_t out[DIGEST_SIZE];

	digest_sha256("abc", 3, out);
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	digest_sha1("abc", 3, out);
	assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	/* RFC 4231, cases 2 and 6 */
	digest_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, out);
	assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	{
		uint8_t key[131];

		memset(key, 0xaa, sizeof(key));
		digest_hmac_sha256(key, sizeof(key), "Test Using Larger Than "
		    "Block-Size Key - Hash Key First", 54, out);
	}
	assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
}
END_TEST

START_TEST(digest_starts_anew_after_final)
{
	struct digest_ctx *ctx = digest_new();
	uint8_t a[DIGEST_SIZE], b[DIGEST_SIZE];

	digest_update(ctx, "ab", 2);
	digest_update(ctx, "", 0);
	digest_update(ctx, "c", 1);
	digest_final(ctx, a);
	digest_update(ctx, "junk", 4);
	digest_reset(ctx);
	digest_update(ctx, "abc", 3);
	digest_final(ctx, b);
	ck_assert_mem_eq(a, b, DIGEST_SIZE);
	digest_free(&ctx);
	ck_assert_ptr_null(ctx);
	digest_free(&ctx);
}
END_TEST

/* Every way to cut the text in two, and byte by byte. */
START_TEST(mail_digest_takes_crlf_as_lf)
{
	static const char crlf[] = "a\r\n\r\nb\r\rc\r\r\n\n\r\nd\r";
	static const char lf[] = "a\n\nb\r\rc\r\n\n\nd\r";
	struct digest_ctx *ctx = digest_new();
	uint8_t want[DIGEST_SIZE], got[DIGEST_SIZE];
	bool cr = false;

	digest_sha256(lf, sizeof(lf) - 1, want);
	for (size_t cut = 0; cut < sizeof(crlf); cut++) {
		digest_update_mail(ctx, &cr, crlf, cut);
		digest_update_mail(ctx, &cr, crlf + cut,
		    sizeof(crlf) - 1 - cut);
		digest_final_mail(ctx, &cr, got);
		ck_assert_mem_eq(got, want, DIGEST_SIZE);
	}
	for (size_t i = 0; i < sizeof(crlf) - 1; i++)
		digest_update_mail(ctx, &cr, crlf + i, 1);
	digest_final_mail(ctx, &cr, got);
	ck_assert_mem_eq(got, want, DIGEST_SIZE);
	digest_free(&ctx);
}
END_TEST

START_TEST(random_bytes_differ)
{
	uint8_t a[70000] = { 0 }, b[16] = { 0 };

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	ck_assert(!bytes_equal_ct(a, b, sizeof(b)));
	ck_assert(!bytes_equal_ct(a, a + sizeof(a) - 16, 16));
	ck_assert(bytes_equal_ct(a, a, sizeof(a)));
	ck_assert(bytes_equal_ct(a, b, 0));
}
END_TEST

START_TEST(hex_takes_digits_only)
{
	uint8_t out[2] = { 7, 7 };

	ck_assert(hex_parse(out, 2, "0aFf", 4));
	ck_assert_uint_eq(out[0], 0x0a);
	ck_assert_uint_eq(out[1], 0xff);
	ck_assert(!hex_parse(out, 2, "0aF", 3));
	ck_assert(!hex_parse(out, 2, "0aFff", 5));
	ck_assert(!hex_parse(out, 2, "0aFg", 4));
	ck_assert(!hex_parse(out, 2, " aFf", 4));
	ck_assert(!hex_parse(out, 2, "-1+1", 4));
	ck_assert(!hex_parse(out, 2, "0a\0f", 4));
	ck_assert_uint_eq(out[0], 0x0a);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "base");

	tcase_add_test(tcase, err_set_returns_minus_one_and_keeps_one_line);
	tcase_add_test(tcase, err_message_may_be_its_own_argument);
	tcase_add_test(tcase, err_too_long_is_cut);
	tcase_add_test(tcase, err_sys_takes_its_code_from_errno);
	tcase_add_test(tcase, no_error_exits_with_two);
	tcase_add_test(tcase, arena_memory_is_zeroed_aligned_and_apart);
	tcase_add_test(tcase, arena_copies_strings);
	tcase_add_exit_test(tcase, arena_beyond_its_limit_ends_the_process,
	    EX_TEMPFAIL);
	tcase_add_exit_test(tcase, arena_overflow_ends_the_process,
	    EX_TEMPFAIL);
	tcase_add_exit_test(tcase, mem_overflow_ends_the_process,
	    EX_TEMPFAIL);
	tcase_add_test(tcase, mem_copies);
	tcase_add_test(tcase, array_grows_and_keeps_its_items);
	tcase_add_test(tcase, clock_can_be_set);
	tcase_add_test(tcase, digests_are_those_of_the_standards);
	tcase_add_test(tcase, digest_starts_anew_after_final);
	tcase_add_test(tcase, mail_digest_takes_crlf_as_lf);
	tcase_add_test(tcase, random_bytes_differ);
	tcase_add_test(tcase, hex_takes_digits_only);
	return unit_run(suite);
}
