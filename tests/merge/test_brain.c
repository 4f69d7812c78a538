/* What a run says before it begins: clocks, a first pairing; what it notes. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "brain/run.h"
#include "chlog/chlog.h"
#include "tests/support/unit.h"

#define DAY	(86400U * 1000U)

static struct brain *brain;
static struct brain_args args;
static char notice[1024];		/* the last one */
static const char *notice_rule;

static void
send_none(enum brain_side side, const struct msg *msg, void *arg)
{
	(void)side, (void)msg, (void)arg;
}

static void
on_event(const struct brain_event *event, void *arg)
{
	(void)arg;
	if (event->kind != EVENT_NOTICE)
		return;
	(void)snprintf(notice, sizeof(notice), "%s", event->text);
	notice_rule = event->rule;
}

static void
setup(void)
{
	args = (struct brain_args){
		.mode = BRAIN_MIRROR, .clock_skew_max = DAY, .software = "x",
		.label = { "a", "b" }, .run.b = { 1 }, .dry_run = true,
		.max_delete_percent = 50, .max_delete_min = 20,
	};
	notice[0] = '\0';
	notice_rule = NULL;
	brain = brain_new(&args, send_none, on_event, NULL);
	brain_start(brain);
}

static void
teardown(void)
{
	brain_free(&brain);
}

static int
welcome(enum brain_side side, uint64_t clock_ms, struct err *err)
{
	struct msg msg = { .kind = MSG_WELCOME };

	msg.u.welcome.version = PROTOCOL_VERSION;
	msg.u.welcome.software = "x";
	msg.u.welcome.clock_ms = clock_ms;
	msg.u.welcome.store.b[0] = (uint8_t)(side + 1);
	msg.u.welcome.access = ACCESS_READ_WRITE;
	return brain_receive(brain, side, &msg, err);
}

START_TEST(t8_clocks_that_differ_are_told)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(welcome(SIDE_A, 5000, &err), 0);
	ck_assert_int_eq(welcome(SIDE_B, 5900, &err), 0);
	ck_assert_ptr_null(notice_rule);
	teardown();
	setup();
	ck_assert_int_eq(welcome(SIDE_A, 5000, &err), 0);
	ck_assert_int_eq(welcome(SIDE_B, 7500, &err), 0);
	ck_assert_str_eq(notice_rule, "T8");
	ck_assert_ptr_nonnull(strstr(notice, "2.5 s"));
}
END_TEST

START_TEST(t8_clocks_a_day_apart_stop_the_run)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(welcome(SIDE_A, 2 * DAY, &err), 0);
	ck_assert_int_eq(welcome(SIDE_B, DAY - 1, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "T8"));
}
END_TEST

static void
receive(enum brain_side side, struct msg *msg)
{
	struct err err = ERR_INIT;

	ck_assert_msg(brain_receive(brain, side, msg, &err) == 0, "%s",
	    err.msg);
}

/* One INBOX, whose messages are those of the other side. */
static void
view(enum brain_side side, uint64_t messages)
{
	static const uint8_t digest[DIGEST_SIZE] = { 7 };
	struct msg msg = { .kind = MSG_VIEW };

	msg.u.view.messages = msg.u.view.inbox_messages = messages;
	msg.u.view.mailboxes = 1;
	receive(side, &msg);
	msg = (struct msg){ .kind = MSG_MAILBOX };
	msg.u.mailbox.guid.b[0] = 9;
	msg.u.mailbox.name = "INBOX";
	msg.u.mailbox.selectable = msg.u.mailbox.is_new = true;
	msg.u.mailbox.uidvalidity = 1;
	msg.u.mailbox.uidnext = 4;
	msg.u.mailbox.messages = messages;
	msg.u.mailbox.set_digest = digest;
	receive(side, &msg);
	msg = (struct msg){ .kind = MSG_TREE_END };
	receive(side, &msg);
	msg = (struct msg){ .kind = MSG_VIEW_END };
	receive(side, &msg);
}

static void
meet(uint64_t a, uint64_t b)
{
	static const bool room[SIDE_COUNT] = { true, true };
	struct err err = ERR_INIT;

	ck_assert_int_eq(welcome(SIDE_A, 5000, &err), 0);
	ck_assert_int_eq(welcome(SIDE_B, 5000, &err), 0);
	view(SIDE_B, b);
	view(SIDE_A, a);
	ck_assert_int_eq(brain_step(brain, room, &err), 0);
}

START_TEST(g2_a_first_pairing_is_told)
{
	meet(3, 3);
	ck_assert_str_eq(notice_rule, "G2");
	ck_assert_ptr_nonnull(strstr(notice, "3 are on both"));
	ck_assert(brain_ended(brain));
}
END_TEST

START_TEST(g2_an_empty_store_is_no_pairing)
{
	meet(0, 0);
	ck_assert_ptr_null(notice_rule);
}
END_TEST

START_TEST(e1_a_store_learns_that_more_is_pending_than_its_list_holds)
{
	static const struct guid128 box = { .b = { 1 } };

	for (unsigned int i = 0; i <= RUN_PENDING_MAX; i++)
		run_note_pending(brain, SIDE_A, &box, i, NULL, "why");
	ck_assert_uint_gt(brain->side[SIDE_A].refused.n, CHLOG_PENDING_MAX);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "brain");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase,
	    e1_a_store_learns_that_more_is_pending_than_its_list_holds);
	tcase_add_test(tcase, t8_clocks_that_differ_are_told);
	tcase_add_test(tcase, t8_clocks_a_day_apart_stop_the_run);
	tcase_add_test(tcase, g2_a_first_pairing_is_told);
	tcase_add_test(tcase, g2_an_empty_store_is_no_pairing);
	return unit_run(suite);
}
