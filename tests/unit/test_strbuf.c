#include "config.h"

#include <stdint.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/utf8.h"
#include "tests/support/unit.h"

START_TEST(text_is_always_followed_by_nul)
{
	struct strbuf buf;

	strbuf_init(&buf, 100000);
	ck_assert_str_eq(buf.data, "");
	for (int i = 0; i < 5000; i++) {
		strbuf_addf(&buf, "%d,", i % 10);
		ck_assert_int_eq(buf.data[buf.len], '\0');
	}
	ck_assert_uint_eq(buf.len, 10000);
	ck_assert(!buf.failed);
	strbuf_consume(&buf, 9998);
	ck_assert_str_eq(buf.data, "9,");
	strbuf_consume(&buf, 2);
	ck_assert_str_eq(buf.data, "");
	strbuf_deinit(&buf);
}
END_TEST

START_TEST(growing_past_the_limit_sets_failed)
{
	struct strbuf buf;

	strbuf_init(&buf, 5);
	strbuf_adds(&buf, "abc");
	strbuf_add(&buf, "de", 2);
	ck_assert(!buf.failed);
	strbuf_addc(&buf, 'f');
	ck_assert(buf.failed);
	ck_assert_str_eq(buf.data, "abcde");
	strbuf_reset(&buf);
	ck_assert(!buf.failed);
	strbuf_adds(&buf, "0123456789");
	ck_assert_str_eq(buf.data, "01234");
	ck_assert(buf.failed);
	strbuf_deinit(&buf);
	strbuf_init(&buf, 0);
	strbuf_addc(&buf, 'x');
	ck_assert_uint_eq(buf.len, 0);
	ck_assert(buf.failed);
	strbuf_deinit(&buf);
}
END_TEST

START_TEST(what_could_forge_a_line_is_escaped)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain \xc3\xa9", "plain \xc3\xa9" },
		{ "a\nb\x7f", "a\\x0ab\\x7f" },
		{ "\x1b[2J", "\\x1b[2J" },
		{ "\xc2\x9b" "2J", "\\xc2\\x9b2J" },		/* C1 */
		{ "\xe2\x80\xae" "cod", "\\xe2\\x80\\xaecod" },	/* RLO */
		{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },		/* LRI */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },
		{ "\xff\xc3", "\\xff\\xc3" },
		{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong */
		{ "\xf0\x9f\x92\xa9", "\xf0\x9f\x92\xa9" },
	};
	struct strbuf buf;

	strbuf_init(&buf, 100);
	strbuf_add_escaped(&buf, rows[_i].in, strlen(rows[_i].in));
	ck_assert_str_eq(buf.data, rows[_i].out);
	strbuf_reset(&buf);
	strbuf_add_escaped(&buf, "a\0b", 3);
	ck_assert_str_eq(buf.data, "a\\x00b");
	strbuf_deinit(&buf);
}
END_TEST

static void
encode(uint32_t c, uint8_t out[4], size_t *len)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		*len = 1;
	} else if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		*len = 2;
	} else if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		*len = 3;
	} else {
		out[0] = (uint8_t)(0xf0 | c >> 18);
		*len = 4;
	}
	for (size_t i = 1; i < *len; i++)
		out[i] = (uint8_t)(0x80 | (c >> 6 * (*len - 1 - i) & 0x3f));
}

START_TEST(every_character_is_read_and_no_surrogate)
{
	uint8_t text[4];
	uint32_t c, got;
	size_t len;

	for (c = 0; c < 0x120000; c++) {
		encode(c, text, &len);
		if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff) {
			ck_assert_uint_eq(utf8_next(text, len, &got), 0);
			continue;
		}
		if (utf8_next(text, len, &got) != len || got != c)
			ck_abort_msg("U+%04x", (unsigned int)c);
		for (size_t cut = 1; cut < len; cut++) {
			if (utf8_next(text, cut, &got) != 0)
				ck_abort_msg("U+%04x cut", (unsigned int)c);
		}
	}
}
END_TEST

START_TEST(bad_bytes_are_no_character)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80",
	    "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
	    "\xf0\x8f\xbf\xbf", "\xf5\x80\x80\x80", "\xff", "\xc3\x28",
	    "\xe2\x28\xa1", "\xe2\x82\x28", "\xf8\x88\x80\x80\x80" };
	uint32_t c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_uint_eq(utf8_next((const uint8_t *)bad[i],
		    strlen(bad[i]), &c), 0);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "strbuf");

	tcase_add_test(tcase, text_is_always_followed_by_nul);
	tcase_add_test(tcase, growing_past_the_limit_sets_failed);
	tcase_add_loop_test(tcase, what_could_forge_a_line_is_escaped, 0, 10);
	tcase_add_test(tcase, every_character_is_read_and_no_surrogate);
	tcase_add_test(tcase, bad_bytes_are_no_character);
	return unit_run(suite);
}
