/* Line ends of messages that are stored with CRLF. */
#include "config.h"

#include <string.h>

#include "base/array.h"
#include "base/strbuf.h"
#include "store/files/crlf.h"
#include "tests/support/unit.h"

static struct strbuf got;

static int
take(struct mail_writer *writer, const void *buf, size_t len, struct err *err)
{
	(void)writer, (void)err;
	strbuf_add(&got, buf, len);
	return 0;
}

static const struct {
	const char *in, *out;
} cases[] = {
	{ "", "" }, { "a", "a" }, { "a\n", "a\r\n" }, { "\n\n", "\r\n\r\n" },
	{ "a\r\nb\n\r\n", "a\r\nb\r\n\r\n" }, { "\ra\r\r\n", "\ra\r\r\n" },
	{ "\r", "\r" },
};

START_TEST(a_bare_lf_gets_its_cr_wherever_the_bytes_are_cut)
{
	const char *in = cases[_i].in;
	struct err err = ERR_INIT;

	for (size_t cut = 0; cut <= strlen(in); cut++) {
		bool last_cr = false;

		strbuf_init(&got, 1 << 20);
		ck_assert_int_eq(crlf_write(&last_cr, in, cut, take, NULL,
		    &err), 0);
		ck_assert_int_eq(crlf_write(&last_cr, in + cut,
		    strlen(in) - cut, take, NULL, &err), 0);
		ck_assert_uint_eq(got.len, strlen(cases[_i].out));
		ck_assert_mem_eq(got.data, cases[_i].out, got.len);
		strbuf_deinit(&got);
	}
}
END_TEST

START_TEST(much_is_handed_on_in_pieces)
{
	static char in[100001];
	struct err err = ERR_INIT;
	bool last_cr = false;

	memset(in, '\n', sizeof(in));
	strbuf_init(&got, 1 << 20);
	ck_assert_int_eq(crlf_write(&last_cr, in, sizeof(in), take, NULL,
	    &err), 0);
	ck_assert_uint_eq(got.len, 2 * sizeof(in));
	for (size_t i = 0; i < got.len; i++)
		ck_assert_int_eq(got.data[i], i % 2 == 0 ? '\r' : '\n');
	strbuf_deinit(&got);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "crlf");

	tcase_add_loop_test(tcase, a_bare_lf_gets_its_cr_wherever_the_bytes_are_cut,
	    0, nitems(cases));
	tcase_add_test(tcase, much_is_handed_on_in_pieces);
	return unit_run(suite);
}
