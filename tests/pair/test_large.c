/*
 * Runs with more than is worked on at a time, or than may be told: they come to
 * their end, or are refused before they have changed anything.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/pair/two_stores.h"
#include "tests/support/unit.h"

#define BOXES 100U		/* more than lists are under way at once */
#define MAILS 3U		/* in each; a window takes two of the smallest
				   pages */
#define WIDE_BOXES 40U		/* with MAILS_WIDE each: more than a window */
#define WIDE_MAILS 150U
#define REBUILT 1000U
#define TOLD_MAX 65536U
#define TEXTS 120U		/* more than one question takes */
#define PAIRS 600U		/* with two marks each, more than one list
				   takes */

static unsigned int bodies;

static void
add(unsigned int s, const char *box, unsigned int number)
{
	two_stores_add(s, box, number, NULL, 1);
}

static void
setup(void)
{
	two_stores_setup();
	bodies = 0;
}

static void
fill(unsigned int s, unsigned int boxes, unsigned int mails)
{
	char name[32];

	for (unsigned int i = 0; i < boxes; i++) {
		(void)snprintf(name, sizeof(name), "m%u", i);
		two_stores_create(s, name);
		for (unsigned int k = 0; k < mails; k++)
			add(s, name, bodies++);
	}
}

/* M8: under another GUID, in another mailbox, without a base. */
START_TEST(a_text_that_the_other_store_has_is_copied_there)
{
	fill(A, 1, 0);
	two_stores_create(B, "b");
	for (unsigned int i = 0; i < TEXTS; i++) {
		two_stores_add(A, "m0", i, NULL, 10 + (int)i % 7);
		two_stores_add(B, "b", i, NULL, 10 + (int)i % 7);
	}
	bodies = TEXTS;
	run = (struct sim_run){ .seed = (uint64_t)_i };
	ck_assert_msg(sim_run(&sim, &run), "%s", sim.why);
	ck_assert(run.ended);
	ck_assert_int_eq((int)run.outcome, BRAIN_PERFECT);
	ck_assert_uint_eq(run.bodies, 0);
	ck_assert_uint_gt(run.reads, 0);
	for (unsigned int s = 0; s < 2; s++)
		for (unsigned int n = 0; n < TEXTS; n++)
			ck_assert_uint_eq(sim_count_body(sim.site[s].world,
			    n), 2);
	ck_assert_msg(sim_check_equal(&sim, false, 0), "%s", sim.why);
}
END_TEST

/* M8: of another size nothing is read, and an empty store is not asked. */
START_TEST(what_has_another_size_costs_no_question_and_no_reading)
{
	unsigned long questions;

	fill(A, 1, 0);
	for (unsigned int i = 0; i < TEXTS; i++)
		two_stores_add(A, "m0", i, NULL, 10);
	bodies = TEXTS;
	run = (struct sim_run){ .dry_run = true };
	ck_assert(sim_run(&sim, &run));
	questions = run.questions;
	two_stores_create(B, "m0");
	two_stores_add(B, "INBOX", TEXTS, NULL, 20);
	run = (struct sim_run){ .mode = BRAIN_BACKUP };
	ck_assert_msg(sim_run(&sim, &run), "%s", sim.why);
	ck_assert(run.ended);
	ck_assert_uint_eq(run.bodies, TEXTS);
	ck_assert_uint_eq(run.reads, 0);
	/* The lists of B, and one HAVE. */
	ck_assert_uint_le(run.questions, questions + 4);
}
END_TEST

static void
check_copied(unsigned int from)
{
	ck_assert_msg(sim_run(&sim, &run), "%s", sim.why);
	ck_assert_msg(run.ended, "%s", run.why);
	ck_assert_int_eq((int)run.outcome, BRAIN_PERFECT);
	ck_assert_msg(sim_check_equal(&sim, run.mode == BRAIN_BACKUP, from),
	    "%s", sim.why);
	run.operations = 0;
	ck_assert_msg(sim_run(&sim, &run), "%s", sim.why);
	ck_assert_uint_eq(run.operations, 0);
}

/* Many mailboxes, and pages of one, two, three messages, or large ones. */
START_TEST(a_first_copy_of_many_small_mailboxes_ends)
{
	unsigned int from = (unsigned int)_i % 2;

	fill(from, BOXES, MAILS);
	run = (struct sim_run){ .seed = (uint64_t)_i / 2,
	    .mode = _i / 4 == 0 ? BRAIN_MIRROR : BRAIN_BACKUP,
	    .reverse = from == B };
	check_copied(from);
}
END_TEST

START_TEST(a_first_copy_of_more_messages_than_a_window_ends)
{
	unsigned int from = (unsigned int)_i % 2;

	fill(from, WIDE_BOXES, WIDE_MAILS);
	run = (struct sim_run){ .mode = from == A ? BRAIN_MIRROR :
	    BRAIN_BACKUP, .reverse = from == B };
	check_copied(from);
}
END_TEST

static char *
text_of(unsigned int s, struct strbuf *text)
{
	strbuf_init(text, 4 << 20);
	memory_world_format(sim.site[s].world, text);
	return text->data;
}

/* Which is told, before anything is changed; later it can be done. */
START_TEST(a_run_that_is_told_too_much_is_refused_and_loses_nothing)
{
	struct strbuf before[2], after[2];
	bool based = _i % 2 == 0;

	if (based) {
		run = (struct sim_run){ .seed = 0 };
		ck_assert(sim_run(&sim, &run));
	}
	/* What one side alone has goes by pages: both have these. */
	fill(A, 3, WIDE_MAILS);
	fill(B, 3, WIDE_MAILS);
	for (unsigned int s = 0; s < 2; s++)
		(void)text_of(s, &before[s]);
	run = (struct sim_run){ .told_max = TOLD_MAX,
	    .mode = _i / 2 == 0 ? BRAIN_MIRROR : BRAIN_BACKUP };
	ck_assert_msg(sim_run(&sim, &run), "%s", sim.why);
	ck_assert(!run.ended);
	ck_assert(run.refused);
	ck_assert_msg(strstr(run.why, "more than 64 KiB") != NULL &&
	    strstr(run.why, "-m") != NULL, "%s", run.why);
	for (unsigned int s = 0; s < 2; s++) {
		ck_assert_str_eq(before[s].data, text_of(s, &after[s]));
		strbuf_deinit(&before[s]);
		strbuf_deinit(&after[s]);
	}
	run = (struct sim_run){ .seed = 0 };
	check_copied(A);
	for (unsigned int n = 0; n < bodies; n++)
		ck_assert_uint_eq(sim_count_body(sim.site[B].world, n), 1);
}
END_TEST

/* B3: with each message that comes somebody looks for its place. */
START_TEST(a_large_mailbox_is_built_anew)
{
	for (unsigned int i = 0; i < REBUILT; i++) {
		add(A, "INBOX", i);
		add(B, "INBOX", REBUILT + i);
	}
	run = (struct sim_run){ .mode = BRAIN_BACKUP };
	check_copied(A);
}
END_TEST

/* M5: by both its marks it is told in two lists, and is no twin of itself. */
START_TEST(what_two_lists_tell_is_one_message)
{
	char guid[32];
	uint32_t uid;

	run = (struct sim_run){ .seed = 0 };
	two_stores_create(A, "away");
	ck_assert(sim_run(&sim, &run));
	for (unsigned int i = 0; i < PAIRS; i++) {
		(void)snprintf(guid, sizeof(guid), "pair-%u", i);
		for (unsigned int s = 0; s < 2; s++)
			two_stores_add(s, "INBOX", i, guid, 1);
	}
	check_copied(A);
	for (uint32_t i = 1; i <= PAIRS; i++) {
		ck_assert_int_eq(memory_client_move(sim.site[A].world, "INBOX",
		    i, "away", true, &uid), 0);
		ck_assert_int_eq(memory_client_move(sim.site[A].world, "away",
		    uid, "INBOX", true, &uid), 0);
	}
	check_copied(A);
	for (unsigned int s = 0; s < 2; s++)
		for (unsigned int i = 0; i < PAIRS; i++)
			ck_assert_uint_eq(sim_count_body(sim.site[s].world,
			    i), 1);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "large");

	tcase_add_checked_fixture(tcase, setup, two_stores_teardown);
	tcase_add_loop_test(tcase,
	    a_text_that_the_other_store_has_is_copied_there, 0, 4);
	tcase_add_test(tcase,
	    what_has_another_size_costs_no_question_and_no_reading);
	tcase_add_loop_test(tcase, a_first_copy_of_many_small_mailboxes_ends,
	    0, 8);
	tcase_add_loop_test(tcase,
	    a_first_copy_of_more_messages_than_a_window_ends, 0, 2);
	tcase_add_loop_test(tcase,
	    a_run_that_is_told_too_much_is_refused_and_loses_nothing, 0, 4);
	tcase_add_test(tcase, a_large_mailbox_is_built_anew);
	tcase_add_test(tcase, what_two_lists_tell_is_one_message);
	return unit_run(suite);
}
