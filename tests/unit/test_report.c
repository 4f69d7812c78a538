/*
 * test_report.c - the closing summary and the lines before it
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "client/report.h"
#include "tests/support/unit.h"

struct fixture {
	struct progress progress;
	struct report_args args;
	struct report *report;
	char *results, *remarks;
	size_t results_len, remarks_len;
};

static void
fixture_open(struct fixture *fx, bool quiet, bool verbose, bool dry_run)
{
	*fx = (struct fixture){ .results = NULL };
	progress_init(&fx->progress, NULL, false, 0);
	fx->args = (struct report_args){
		.quiet = quiet,
		.verbose = verbose,
		.dry_run = dry_run,
		.progress = &fx->progress,
		.started_ms = 1000,
	};
	fx->args.results = open_memstream(&fx->results, &fx->results_len);
	fx->args.remarks = open_memstream(&fx->remarks, &fx->remarks_len);
	fx->report = report_new(&fx->args);
}

static void
fixture_end(struct fixture *fx, enum brain_outcome outcome)
{
	report_end(fx->report, outcome, 1500);
	fclose(fx->args.results);
	fclose(fx->args.remarks);
}

static void
fixture_close(struct fixture *fx)
{
	report_free(&fx->report);
	report_free(&fx->report);
	free(fx->results);
	free(fx->remarks);
}

static void
tell(struct fixture *fx, enum brain_event_kind kind, const char *text,
    const char *rule)
{
	const struct brain_event event = {
		.kind = kind, .side = SIDE_B, .text = text, .rule = rule,
	};

	report_event(fx->report, &event);
}

static void
tell_decision(struct fixture *fx, const char *undo)
{
	const struct brain_event event = {
		.kind = EVENT_DECISION, .rule = "T9", .undo = undo,
		.text = "a-123: two want one name",
	};

	report_event(fx->report, &event);
}

static void
tell_mailbox(struct fixture *fx, const struct brain_account *account)
{
	const struct brain_event event = {
		.kind = EVENT_MAILBOX, .account = account,
	};

	report_event(fx->report, &event);
}

START_TEST(a_run_without_changes_says_so_in_one_line)
{
	const struct brain_account equal = {
		.name = "INBOX", .seen = 7, .equal = 7,
	};
	struct fixture fx;

	fixture_open(&fx, false, false, false);
	tell_mailbox(&fx, &equal);
	fixture_end(&fx, BRAIN_PERFECT);
	ck_assert_str_eq(fx.results,
	    "nothing to do: both sides are equal; 0.5 s\n");
	ck_assert_str_eq(fx.remarks, "");
	fixture_close(&fx);
}
END_TEST

START_TEST(changed_mailboxes_are_told_by_name_with_their_sums)
{
	const struct brain_account work = {
		.name = "Work\x1f" "2024", .seen = 9, .equal = 5, .copied = 2,
		.skipped = 1, .failed = 1, .created = true,
	}, inbox = {
		.name = "INBOX", .seen = 3, .equal = 3, .flagged = 2,
		.expunged = 1, .renumbered = 4,
	};
	struct fixture fx;

	fixture_open(&fx, false, false, false);
	tell_mailbox(&fx, &work);
	tell_mailbox(&fx, &inbox);
	fixture_end(&fx, BRAIN_PERFECT);
	ck_assert_str_eq(fx.results,
	    "INBOX: 3 seen = 3 equal + 0 copied + 0 skipped + 0 failed, "
	    "2 flagged, 1 expunged, 4 renumbered\n"
	    "Work/2024: 9 seen = 5 equal + 2 copied + 1 skipped + 1 failed, "
	    "created\n"
	    "changed: 2 mailboxes, 2 copied, 2 flagged, 1 expunged, "
	    "4 renumbered, 1 skipped, 1 failed; 0 B of mail; 0.5 s\n");
	fixture_close(&fx);
}
END_TEST

START_TEST(quiet_leaves_only_what_is_pending)
{
	const struct brain_account inbox = {
		.name = "INBOX", .seen = 1, .failed = 1,
	};
	struct fixture fx;

	fixture_open(&fx, true, true, false);
	tell(&fx, EVENT_ACTION, "second: INBOX: save", NULL);
	tell(&fx, EVENT_NOTICE, "first pairing", "G2");
	tell(&fx, EVENT_PENDING, "INBOX uid 1: no space", "E2");
	tell_mailbox(&fx, &inbox);
	fixture_end(&fx, BRAIN_IMPERFECT);
	ck_assert_str_eq(fx.results, "");
	ck_assert_str_eq(fx.remarks,
	    "dsync: pending: INBOX uid 1: no space (E2)\n"
	    "dsync: not everything could be made equal; run again\n");
	fixture_close(&fx);
}
END_TEST

START_TEST(a_decision_tells_how_to_undo_it)
{
	struct fixture fx;

	fixture_open(&fx, false, true, false);
	tell_decision(&fx, "rename it");
	tell_decision(&fx, NULL);
	fixture_end(&fx, BRAIN_PERFECT);
	ck_assert_str_eq(fx.remarks, "dsync: a-123: two want one name "
	    "(T9; to undo: rename it)\n"
	    "dsync: a-123: two want one name (T9)\n");
	fixture_close(&fx);
}
END_TEST

START_TEST(a_dry_run_prints_its_plan_as_results)
{
	struct fixture fx;

	fixture_open(&fx, false, false, true);
	tell(&fx, EVENT_ACTION, "second: INBOX: save", NULL);
	tell(&fx, EVENT_DECISION, "Work is kept", "T4");
	fixture_end(&fx, BRAIN_IMPERFECT);
	ck_assert_str_eq(fx.results, "second: INBOX: save\n"
	    "would change: 0 mailboxes, 0 copied; 0.5 s\n");
	ck_assert_str_eq(fx.remarks, "dsync: Work is kept (T4)\n");
	fixture_close(&fx);
}
END_TEST

START_TEST(actions_are_told_only_when_asked_for)
{
	struct fixture fx;

	fixture_open(&fx, false, false, false);
	tell(&fx, EVENT_ACTION, "second: INBOX: save", NULL);
	tell(&fx, EVENT_DECISION, "Work is kept", "T4");
	fixture_end(&fx, BRAIN_PERFECT);
	ck_assert_ptr_null(strstr(fx.results, "save"));
	ck_assert_str_eq(fx.remarks, "");
	fixture_close(&fx);
	fixture_open(&fx, false, true, false);
	tell(&fx, EVENT_ACTION, "second: INBOX: save", NULL);
	fixture_end(&fx, BRAIN_PERFECT);
	ck_assert_ptr_nonnull(strstr(fx.results, "second: INBOX: save\n"));
	fixture_close(&fx);
}
END_TEST

START_TEST(a_long_pending_list_is_cut_and_counted)
{
	struct fixture fx;

	fixture_open(&fx, false, false, false);
	for (unsigned int i = 0; i < REPORT_PENDING_MAX + 5; i++)
		tell(&fx, EVENT_PENDING, "INBOX", "E1");
	fixture_end(&fx, BRAIN_IMPERFECT);
	ck_assert_ptr_nonnull(strstr(fx.remarks,
	    "dsync: and 5 more things are pending\n"));
	ck_assert_ptr_nonnull(strstr(fx.results, "1005 pending"));
	fixture_close(&fx);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "report");

	tcase_add_test(tcase, a_run_without_changes_says_so_in_one_line);
	tcase_add_test(tcase,
	    changed_mailboxes_are_told_by_name_with_their_sums);
	tcase_add_test(tcase, quiet_leaves_only_what_is_pending);
	tcase_add_test(tcase, a_decision_tells_how_to_undo_it);
	tcase_add_test(tcase, a_dry_run_prints_its_plan_as_results);
	tcase_add_test(tcase, actions_are_told_only_when_asked_for);
	tcase_add_test(tcase, a_long_pending_list_is_cut_and_counted);
	return unit_run(suite);
}
