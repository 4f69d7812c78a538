/* Modification sequences, where a mailbox has any (F6). */
#include "config.h"

#include <string.h>

#include "tests/contract/fixture.h"

#define G1	"0123456789abcdef0123456789abcdef"
#define BODY	"Subject: a\n\nb\n"

static struct fixture fx;

static uint64_t
highest(void)
{
	return fixture_status(&fx, fx.box).highestmodseq;
}

/* False: this format keeps none. */
static bool
begin(int driver)
{
	fixture_begin(&fx, driver);
	if (highest() != 0)
		return true;
	fixture_deinit(&fx);
	return false;
}

static void
append(uint64_t modseq)
{
	struct mail_info info = { .uid = 1, .guid = G1, .modseq = modseq,
	    .received = RECEIVED };

	ck_assert_int_eq(fixture_try_append(&fx, fx.box, &info, BODY, 1),
	    ERR_NONE);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
}

static uint64_t
change(flags_t was, flags_t flags, uint64_t modseq)
{
	struct mail_info info = { .uid = 1, .guid = G1, .flags = was };
	struct err err = ERR_INIT;

	ck_assert_int_eq(fx.store->driver->set_flags(fx.box, &info, flags,
	    NULL, 0, modseq, 1, &err), 0);
	fixture_flush(&fx);
	fixture_done(&fx, 1);
	return fx.answers[1].modseq;
}

static int
on_scan(const struct mail_info *info, void *arg, struct err *err)
{
	(void)err;
	*(uint64_t *)arg = info->modseq;
	return 0;
}

static uint64_t
modseq_of_the_message(void)
{
	struct err err = ERR_INIT;
	uint64_t modseq = 0;

	fixture_reopen(&fx);
	ck_assert_int_eq(fx.store->driver->scan(fx.box, on_scan, &modseq,
	    &err), 0);
	return modseq;
}

START_TEST(an_append_has_the_modseq_it_is_given)
{
	if (!begin(_i))
		return;
	append(highest() + 50);
	ck_assert_uint_eq(fx.answers[1].modseq, highest());
	ck_assert_uint_eq(modseq_of_the_message(), highest());
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_change_has_the_modseq_it_is_given_or_the_next)
{
	uint64_t before;

	if (!begin(_i))
		return;
	append(0);
	before = highest();
	ck_assert_uint_eq(change(0, FLAG_SEEN, before + 20), before + 20);
	ck_assert_uint_eq(modseq_of_the_message(), before + 20);
	ck_assert_uint_gt(change(FLAG_SEEN, 0, 0), before + 20);
	ck_assert_uint_eq(modseq_of_the_message(), highest());
	fixture_deinit(&fx);
}
END_TEST

START_TEST(a_modseq_is_raised_alone_and_never_lowered)
{
	uint64_t raised;

	if (!begin(_i))
		return;
	append(0);
	raised = highest() + 20;
	ck_assert_uint_eq(change(0, 0, raised), raised);
	ck_assert_uint_eq(change(0, 0, raised - 5), raised);
	ck_assert_uint_eq(modseq_of_the_message(), raised);
	ck_assert_uint_eq(highest(), raised);
	fixture_deinit(&fx);
}
END_TEST

START_TEST(highestmodseq_is_raised_behind_all_of_a_batch)
{
	struct mailbox_status status = { 0 };
	struct err err = ERR_INIT;

	if (!begin(_i))
		return;
	append(0);
	status.highestmodseq = highest() + 30;
	ck_assert_int_eq(fx.store->driver->set_status(fx.box, &status, 2,
	    &err), 0);
	fixture_expunge(&fx, fx.box, 1, G1, 3);
	fixture_flush(&fx);
	fixture_reopen(&fx);
	ck_assert_uint_eq(highest(), status.highestmodseq);
	fixture_deinit(&fx);
}
END_TEST

#define TEST(name) tcase_add_loop_test(tc, name, 0, DRIVERS)

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "modseqs");

	TEST(an_append_has_the_modseq_it_is_given);
	TEST(a_change_has_the_modseq_it_is_given_or_the_next);
	TEST(a_modseq_is_raised_alone_and_never_lowered);
	TEST(highestmodseq_is_raised_behind_all_of_a_batch);
	return unit_run(suite);
}
