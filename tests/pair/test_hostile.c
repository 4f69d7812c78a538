/*
 * A store that contradicts itself, and what a run with it does: planning ends,
 * the other store loses nothing, and what can't be done is told.  The results
 * are those of dsync-merge(7).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "model/mailbox_name.h"
#include "tests/pair/two_stores.h"
#include "tests/support/unit.h"

#define MINE 4U			/* messages that A has in INBOX and in "a" */
#define RUNS 3U
#define MANY_KEYWORDS 100000U
#ifdef SANITIZED
#define MANY_BOXES (STORE_MAILBOXES_MAX / 10)	/* it takes its time */
#else
#define MANY_BOXES (STORE_MAILBOXES_MAX - 1)
#endif
#define LEVELS 10000U

static void
add(unsigned int s, const char *box, unsigned int number, const char *guid)
{
	two_stores_add(s, box, number, guid, 1);
}

static void
setup(void)
{
	two_stores_setup();
	two_stores_create(A, "a");
	for (unsigned int i = 0; i < MINE; i++)
		add(A, i % 2 == 0 ? "INBOX" : "a", i, NULL);
}

static struct memory_mailbox *
box_of(unsigned int s, const char *name)
{
	struct memory_mailbox *box = memory_mailbox_find(sim.site[s].world,
	    name);

	ck_assert_ptr_nonnull(box);
	return box;
}

/* As if it had been written since a log looked. */
static void
touched(struct memory_mailbox *box)
{
	box->changed = ++box->world->now;
}

/* One run with B as it is; A has all that it had. */
static void
run_once(uint64_t seed)
{
	run = (struct sim_run){ .seed = seed };
	ck_assert_msg(sim_run(&sim, &run), "%s", sim.why);
	for (unsigned int i = 0; i < MINE; i++)
		ck_assert_uint_ge(sim_count_body(sim.site[A].world, i), 1);
}

/* Some runs: each ends, and the last one has nothing new to do. */
static void
run_to_rest(void)
{
	for (unsigned int i = 0; i < RUNS; i++) {
		run_once(i);
		ck_assert(run.ended);
	}
	ck_assert_uint_eq(run.operations, 0);
}

static size_t
count(unsigned int s, unsigned int body)
{
	return sim_count_body(sim.site[s].world, body);
}

START_TEST(one_guid_of_two_mailboxes)
{
	two_stores_create(B, "b");
	two_stores_create(B, "c");
	add(B, "b", 10, NULL);
	add(B, "c", 11, NULL);
	box_of(B, "c")->status.guid = box_of(B, "b")->status.guid;
	for (unsigned int i = 0; i < RUNS; i++)
		run_once(i);
	ck_assert_uint_eq(count(B, 10) + count(B, 11), 2);
	ck_assert_uint_ge(count(A, 10) + count(A, 11), 1);
}
END_TEST

START_TEST(the_guid_of_anothers_mailbox)
{
	two_stores_create(B, "b");
	add(B, "b", 10, NULL);
	box_of(B, "b")->status.guid = box_of(A, "INBOX")->status.guid;
	for (unsigned int i = 0; i < RUNS; i++)
		run_once(i);
	ck_assert_uint_eq(count(B, 10), 1);
}
END_TEST

/* M6: they stay as many as they are. */
START_TEST(one_guid_of_many_messages)
{
	static const char guid[] = "0123456789abcdef0123456789abcdef";

	two_stores_create(B, "b");
	for (unsigned int i = 0; i < 3; i++) {
		add(B, "INBOX", 10, guid);
		add(B, "b", 10, guid);
	}
	run_to_rest();
	ck_assert_int_eq((int)run.outcome, BRAIN_PERFECT);
	for (unsigned int s = 0; s < 2; s++)
		ck_assert_uint_eq(count(s, 10), 6);
}
END_TEST

/* M1: the GUID says that it is one mail; each side keeps what it has. */
START_TEST(one_guid_of_two_texts)
{
	const char *guid = box_of(A, "INBOX")->mails.v[0]->guid;

	add(B, "INBOX", 10, guid);
	run_to_rest();
	ck_assert_uint_eq(count(A, 0), 1);
	ck_assert_uint_eq(count(B, 10), 1);
}
END_TEST

START_TEST(one_guid_of_two_texts_in_two_mailboxes)
{
	const char *guid = box_of(A, "INBOX")->mails.v[0]->guid;

	two_stores_create(B, "b");
	add(B, "b", 10, guid);
	run_to_rest();
	/* M8: copied where it is, as what is held there. */
	ck_assert_uint_eq(count(A, 0), 2);
	ck_assert_uint_eq(count(B, 10), 2);
}
END_TEST

START_TEST(a_guid_of_zeros)
{
	static const char zeros[] = "00000000000000000000000000000000";

	add(B, "INBOX", 10, zeros);
	add(B, "INBOX", 11, zeros);
	memset(&box_of(B, "INBOX")->status.guid, 0, GUID_SIZE);
	for (unsigned int i = 0; i < RUNS; i++)
		run_once(i);
	ck_assert_uint_eq(count(B, 10), 1);
	ck_assert_uint_eq(count(B, 11), 1);
}
END_TEST

/* They are told, and the others go on (E1). */
START_TEST(uids_out_of_order)
{
	struct memory_mailbox *box = box_of(B, "INBOX");

	for (unsigned int i = 0; i < 4; i++)
		add(B, "INBOX", 10 + i, NULL);
	box->mails.v[0]->uid = 4;
	box->mails.v[3]->uid = 1;
	for (unsigned int i = 0; i < RUNS; i++)
		run_once(i);
	ck_assert_int_eq((int)run.outcome, BRAIN_IMPERFECT);
	for (unsigned int i = 0; i < 4; i++)
		ck_assert_uint_eq(count(B, 10 + i), 1);
	ck_assert_uint_eq(count(A, 10), 1);
}
END_TEST

START_TEST(one_uid_of_two_messages)
{
	struct memory_mailbox *box = box_of(B, "INBOX");

	for (unsigned int i = 0; i < 4; i++)
		add(B, "INBOX", 10 + i, NULL);
	run_once(9);
	box->mails.v[1]->uid = box->mails.v[0]->uid;
	touched(box);
	for (unsigned int i = 0; i < RUNS; i++)
		run_once(i);
	ck_assert_int_eq((int)run.outcome, BRAIN_IMPERFECT);
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int s = 0; s < 2; s++)
			ck_assert_uint_eq(count(s, 10 + i), 1);
}
END_TEST

/* It is raised to where it has to be; no UID is given twice (M4). */
START_TEST(uidnext_below_a_uid)
{
	for (unsigned int i = 0; i < 3; i++)
		add(B, "INBOX", 10 + i, NULL);
	box_of(B, "INBOX")->status.uidnext = 1;
	run_to_rest();
	ck_assert(sim_check_uids(&sim));
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_uint_eq(count(A, 10 + i), 1);
}
END_TEST

/* F6: never lowered; nobody loses by it. */
START_TEST(modseqs_that_go_back)
{
	struct memory_mailbox *box = box_of(B, "INBOX");

	for (unsigned int i = 0; i < 3; i++)
		add(B, "INBOX", 10 + i, NULL);
	run_to_rest();
	for (size_t i = 0; i < box->mails.n; i++)
		box->mails.v[i]->modseq = i % 2 == 0 ? 1 : UINT64_MAX >> 1;
	box->status.highestmodseq = 1;
	touched(box);
	for (unsigned int i = 0; i < RUNS; i++)
		run_once(i);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_uint_eq(count(A, 10 + i), 1);
}
END_TEST

/* T7, P6: each side puts its mailbox into the other one. */
START_TEST(names_that_go_round)
{
	struct memory_world *world[2] = { sim.site[A].world,
	    sim.site[B].world };

	two_stores_create(B, "b");
	run_to_rest();
	ck_assert_int_eq(memory_client_rename(world[A], "a", "b\x1f" "a"), 0);
	ck_assert_int_eq(memory_client_rename(world[B], "b", "a\x1f" "b"), 0);
	run_to_rest();
	ck_assert_int_eq((int)run.outcome, BRAIN_PERFECT);
	ck_assert(sim_check_equal(&sim, false, 0));
}
END_TEST

static void
rename_to(unsigned int s, const char *from, const char *to)
{
	struct memory_mailbox *box = box_of(s, from), **v, *next;
	struct memory_world *world = box->world;

	free(box->name);
	box->name = strdup(to);
	world->tree_changed = ++world->now;
	/* They are found by name. */
	v = world->mailboxes.v;
	for (size_t i = 0; i < world->mailboxes.n; i++)
		for (size_t k = i + 1; k < world->mailboxes.n; k++)
			if (strcmp(v[i]->name, v[k]->name) > 0) {
				next = v[i];
				v[i] = v[k];
				v[k] = next;
			}
}

/* Left out and told; what has a good name goes on. */
START_TEST(names_that_nobody_can_hold)
{
	static char deep[2 * LEVELS + 2], wide[NAME_MAX_BYTES];
	const char *const names[] = { "", "b\x1f", "\x1f" "b", "b\x1f\x1f" "b",
	    "b\nc", "b\x7f", "\xff\xfe", "b\xed\xa0\x80", deep, wide };

	for (size_t i = 0; i < 2 * LEVELS; i++)
		deep[i] = i % 2 == 0 ? 'z' : '\x1f';
	deep[2 * LEVELS] = 'z';
	memset(wide, 'w', sizeof(wide) - 1);
	two_stores_create(B, "b");
	two_stores_create(B, "zz");
	add(B, "b", 10, NULL);
	add(B, "zz", 11, NULL);
	rename_to(B, "zz", names[_i]);
	for (unsigned int i = 0; i < RUNS; i++) {
		run_once(i);
		ck_assert(run.ended);
		ck_assert_int_eq((int)run.outcome, BRAIN_IMPERFECT);
	}
	ck_assert_uint_eq(count(A, 10), 1);
	ck_assert_uint_eq(count(A, 11), 0);
	ck_assert_uint_eq(count(B, 11), 1);
}
END_TEST

/* A name that is good but that no file could have. */
START_TEST(names_that_look_like_paths)
{
	static const char *const names[] = { "..", ".", "/etc", "../../x",
	    "a/b", "~root", "dovecot.index", "x:2,S", "\xe2\x80\xae" "x" };

	for (size_t i = 0; i < nitems(names); i++) {
		two_stores_create(B, names[i]);
		add(B, names[i], (unsigned int)(10 + i), NULL);
	}
	run_to_rest();
	ck_assert_int_eq((int)run.outcome, BRAIN_PERFECT);
	for (size_t i = 0; i < nitems(names); i++)
		ck_assert_uint_eq(count(A, (unsigned int)(10 + i)), 1);
}
END_TEST

/* Those of a message above the limit are left out, and told. */
START_TEST(many_keywords)
{
	enum { EACH = 400 };
	static char text[EACH][16];
	const char *list[EACH];
	struct mail_info info = { .received = 1000000000 };
	char body[64];

	for (unsigned int n = 0; n < MANY_KEYWORDS / EACH; n++) {
		for (unsigned int i = 0; i < EACH; i++) {
			(void)snprintf(text[i], sizeof(text[i]), "k%06u",
			    n * EACH + i);
			list[i] = text[i];
		}
		info.keywords = list;
		info.keyword_count = EACH;
		(void)snprintf(body, sizeof(body), "Subject: %u\r\n\r\n",
		    100 + n);
		ck_assert_int_eq(memory_client_append(sim.site[B].world,
		    "INBOX", &info, body, strlen(body), NULL), 0);
	}
	run_to_rest();
	ck_assert_int_eq((int)run.outcome, BRAIN_PERFECT);
	ck_assert(sim_check_equal(&sim, false, 0));
}
END_TEST

START_TEST(more_keywords_than_a_message_can_have)
{
	enum { ALL = 2000 };
	static char text[ALL][16];
	const char *list[ALL];
	struct mail_info info = { .received = 1, .keywords = list,
	    .keyword_count = ALL };

	for (unsigned int i = 0; i < ALL; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "k%06u", i);
		list[i] = text[i];
	}
	ck_assert_int_eq(memory_client_append(sim.site[B].world, "INBOX",
	    &info, "Subject: 10\r\n\r\n", 15, NULL), 0);
	add(B, "INBOX", 11, NULL);
	for (unsigned int i = 0; i < RUNS; i++)
		run_once(i);
	ck_assert_uint_eq(count(A, 11), 1);
	ck_assert_uint_eq(count(B, 10), 1);
}
END_TEST

START_TEST(times_before_1970_and_after_2106)
{
	static const int64_t times[] = { -1, -2208988800, 4294967296,
	    32503680000, 0, INT64_MAX, INT64_MIN + 1 };
	struct memory_mailbox *box = box_of(B, "INBOX");

	for (unsigned int i = 0; i < nitems(times); i++) {
		add(B, "INBOX", 10 + i, NULL);
		box->mails.v[i]->received = times[i];
	}
	for (unsigned int i = 0; i < RUNS; i++)
		run_once(i);
	for (unsigned int i = 0; i < nitems(times); i++)
		ck_assert_uint_eq(count(B, 10 + i), 1);
	for (size_t i = 0; i < box_of(A, "INBOX")->mails.n; i++) {
		const struct memory_mail *mail = box_of(A, "INBOX")->mails.v[i];
		unsigned int n = sim_body_number(mail);

		if (n >= 10 && n < 15)
			ck_assert_int_eq(mail->received, times[n - 10]);
	}
	for (unsigned int i = 0; i < nitems(times); i++)
		ck_assert_uint_eq(count(A, 10 + i), 1);
}
END_TEST

static void
fill(unsigned int mailboxes)
{
	char name[64];

	for (unsigned int i = 0; i < mailboxes; i++) {
		(void)snprintf(name, sizeof(name), "m%06u", i);
		two_stores_create(B, name);
	}
}

START_TEST(a_hundred_thousand_mailboxes_are_planned)
{
	fill(MANY_BOXES);
	run = (struct sim_run){ .seed = 1, .dry_run = true };
	ck_assert_msg(sim_run(&sim, &run), "%s", sim.why);
	ck_assert(run.ended);
	ck_assert_int_eq((int)run.outcome, BRAIN_IMPERFECT);
}
END_TEST

/* The run ends before it changes anything. */
START_TEST(one_mailbox_more_is_refused)
{
	fill(STORE_MAILBOXES_MAX);
	/* It compares all mailboxes with all, and nobody asks it. */
	sim.model.off = true;
	run_once(1);
	ck_assert(!run.ended);
	ck_assert_uint_eq(sim.site[A].world->mailboxes.n, 2);
	ck_assert_uint_eq(sim.site[B].world->mailboxes.n,
	    STORE_MAILBOXES_MAX + 1);
	for (unsigned int i = 0; i < MINE; i++)
		ck_assert_uint_eq(count(B, i), 0);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "hostile");

	tcase_add_checked_fixture(tcase, setup, two_stores_teardown);
	tcase_add_test(tcase, one_guid_of_two_mailboxes);
	tcase_add_test(tcase, the_guid_of_anothers_mailbox);
	tcase_add_test(tcase, one_guid_of_many_messages);
	tcase_add_test(tcase, one_guid_of_two_texts);
	tcase_add_test(tcase, one_guid_of_two_texts_in_two_mailboxes);
	tcase_add_test(tcase, a_guid_of_zeros);
	tcase_add_test(tcase, uids_out_of_order);
	tcase_add_test(tcase, one_uid_of_two_messages);
	tcase_add_test(tcase, uidnext_below_a_uid);
	tcase_add_test(tcase, modseqs_that_go_back);
	tcase_add_test(tcase, names_that_go_round);
	tcase_add_loop_test(tcase, names_that_nobody_can_hold, 0, 10);
	tcase_add_test(tcase, names_that_look_like_paths);
	tcase_add_test(tcase, many_keywords);
	tcase_add_test(tcase, more_keywords_than_a_message_can_have);
	tcase_add_test(tcase, times_before_1970_and_after_2106);
	tcase_add_test(tcase, a_hundred_thousand_mailboxes_are_planned);
	tcase_add_test(tcase, one_mailbox_more_is_refused);
	return unit_run(suite);
}
