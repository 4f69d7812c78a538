/* Tables and laws of merge_attributes: rules T15 and B0. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brain/merge_attributes.h"
#include "model/attribute.h"
#include "model/flags.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

#define SIDE_MAX	8U
#define HISTORIES	20000U

static struct attributes_input in;
static struct tree_entries entries;
static struct msg_mailbox boxes[2];
static struct msg_attribute lists[2][SIDE_MAX];
static struct attribute_ops ops;
static size_t left;

/* One mailbox, which has another GUID on each side. */
static void
setup(void)
{
	struct tree_entry *e;

	memset(boxes, 0, sizeof(boxes));
	memset(lists, 0, sizeof(lists));
	boxes[0].guid.b[0] = 1;
	boxes[1].guid.b[0] = 2;
	ARRAY_FREE(&entries);
	e = ARRAY_ADD(&entries);
	e->fate = TREE_KEEP;
	e->target.selectable = true;
	in = (struct attributes_input){ .entries = &entries, .source = -1,
	    .complete = true };
	for (unsigned int s = 0; s < 2; s++) {
		e->box[s] = &boxes[s];
		in.side[s].keeps = true;
		in.side[s].list = in.side[s].changed = lists[s];
	}
}

static void
teardown(void)
{
	ARRAY_FREE(&entries);
	ARRAY_FREE(&ops);
}

static void
has(unsigned int s, const char *key, const char *value, uint64_t stamp)
{
	struct msg_attribute *a = &lists[s][in.side[s].count++];

	in.side[s].changed_count = in.side[s].count;
	*a = (struct msg_attribute){ .mailbox = boxes[s].guid, .key = key,
	    .value = (const uint8_t *)value,
	    .len = value != NULL ? strlen(value) : 0, .stamp = stamp };
}

static void
merge(void)
{
	ARRAY_FREE(&ops);
	left = merge_attributes(&in, &ops);
}

/* "side key=value@stamp;", "-" for none, "!" after a conflict */
static const char *
said(void)
{
	static char text[1000];
	size_t n = 0;

	merge();
	text[0] = '\0';
	for (size_t i = 0; i < ops.n; i++) {
		const struct msg_attribute *a = &ops.v[i].a;

		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%u %s=%.*s@%llu%s;", ops.v[i].side, a->key,
		    a->value != NULL ? (int)a->len : 1,
		    a->value != NULL ? (const char *)a->value : "-",
		    (unsigned long long)a->stamp,
		    ops.v[i].conflict ? "!" : "");
	}
	return text;
}

/* By rule T15. */
START_TEST(the_later_stamp_wins_key_by_key)
{
	has(0, "/private/a", "1", 10);
	has(1, "/private/a", "2", 20);
	has(0, "/private/b", "1", 30);
	has(1, "/private/b", "2", 20);
	has(0, "/private/c", NULL, 30);
	has(1, "/private/c", "2", 20);
	ck_assert_str_eq(said(), "0 /private/a=2@20!;1 /private/b=1@30!;"
	    "1 /private/c=-@30;");
}
END_TEST

/* By rule T15. */
START_TEST(with_equal_stamps_the_larger_bytes_win)
{
	has(0, "/private/a", "1", 0);
	has(1, "/private/a", "2", 0);
	has(0, "/private/b", "", 5);
	has(1, "/private/b", NULL, 5);
	has(0, "/private/c", "x", 0);
	has(1, "/private/d", "y", 0);
	ck_assert_str_eq(said(), "0 /private/a=2@0!;1 /private/b=@5;"
	    "1 /private/c=x@0;0 /private/d=y@0;");
}
END_TEST

/* By rule T15. */
START_TEST(what_was_not_told_again_is_unchanged_there)
{
	in.base = true;
	in.complete = false;
	has(0, "/private/a", NULL, 30);
	has(1, "/private/b", "2", 30);
	has(0, "/private/c", "1", 30);
	has(1, "/private/c", "2", 20);
	ck_assert_str_eq(said(), "1 /private/a=-@30;0 /private/b=2@30;"
	    "1 /private/c=1@30!;");
	ck_assert_ptr_eq(ops.v[2].loses, &lists[1][1]);
}
END_TEST

/* Only what both have changed since the base is a conflict (T15). */
START_TEST(a_change_of_one_side_is_no_conflict)
{
	static const struct msg_attribute none[1];

	in.base = true;
	has(0, "/private/a", "1", 30);
	has(1, "/private/a", "2", 20);
	in.side[1].changed = none;
	in.side[1].changed_count = 0;
	ck_assert_str_eq(said(), "1 /private/a=1@30;");
}
END_TEST

/* T8: the clock of the side that changed it is behind (T15). */
START_TEST(what_one_side_alone_has_changed_holds_whatever_clocks_say)
{
	in.base = in.changes_known = true;
	has(0, "/private/a", "1", 20);
	has(1, "/private/a", NULL, 30);
	has(0, "/private/b", NULL, 20);
	has(1, "/private/b", "2", 30);
	in.side[1].changed_count = 0;
	ck_assert_str_eq(said(), "0 /private/a=1@31;1 /private/a=1@31;"
	    "0 /private/b=-@31;1 /private/b=-@31;");
	ck_assert(!ops.v[0].changes && ops.v[1].changes);
	/* Both have: the clocks decide. */
	in.side[1].changed_count = in.side[1].count;
	ck_assert_str_eq(said(), "0 /private/a=-@30!;0 /private/b=2@30!;");
}
END_TEST

/* By rule B0. */
START_TEST(one_way_takes_the_value_of_the_source)
{
	in.source = _i;
	has((unsigned int)_i, "/private/a", "1", 10);
	has(!_i, "/private/a", "2", 99);
	has(!_i, "/private/b", "2", 98);
	has((unsigned int)_i, "/private/c", "1", 10);
	has(!_i, "/private/d", NULL, 97);
	ck_assert_str_eq(said(), _i == 1 ? "0 /private/a=1@100;"
	    "0 /private/b=-@99;0 /private/c=1@10;" : "1 /private/a=1@100;"
	    "1 /private/b=-@99;1 /private/c=1@10;");
}
END_TEST

/* By rule T15. */
START_TEST(a_store_that_keeps_none_gets_none_and_it_is_counted)
{
	has(0, "/private/a", "1", 10);
	has(0, "/private/b", NULL, 10);
	in.side[1].keeps = false;
	ck_assert_str_eq(said(), "");
	ck_assert_uint_eq(left, 1);
}
END_TEST

START_TEST(of_what_is_left_alone_or_a_mere_directory_nothing_is_said)
{
	has(0, "/private/a", "1", 10);
	entries.v[0].fate = TREE_SKIP;
	ck_assert_str_eq(said(), "");
	entries.v[0].fate = TREE_KEEP;
	entries.v[0].target.selectable = false;
	ck_assert_str_eq(said(), "");
	entries.v[0].target.selectable = true;
	lists[0][0].mailbox.b[5] = 1;
	ck_assert_str_eq(said(), "");
}
END_TEST

/* What a store has after the operations of its side. */
static size_t
apply(unsigned int s, struct msg_attribute *out)
{
	size_t n = in.side[s].count;

	memcpy(out, in.side[s].list, n * sizeof(*out));
	for (size_t i = 0; i < ops.n; i++) {
		size_t k = 0;

		if (ops.v[i].side != s)
			continue;
		while (k < n && strcmp(out[k].key, ops.v[i].a.key) != 0)
			k++;
		out[k] = ops.v[i].a;
		out[k].mailbox = boxes[s].guid;
		n += k == n;
	}
	qsort(out, n, sizeof(*out), attribute_cmp);
	return n;
}

/* The laws P2 and P3, and P4 for T15. */
START_TEST(both_sides_end_equal_and_a_second_merge_says_nothing)
{
	static const char *const keys[] = { "/private/a", "/private/b",
	    "/shared/c" };
	static const char *const values[] = { "", "1", "2", NULL };
	struct msg_attribute end[2][2 * SIDE_MAX];
	struct rng rng = { 1 };
	uint32_t value;
	size_t n[2];

	for (unsigned int h = 0; h < HISTORIES; h++) {
		setup();
		in.source = rng_below(&rng, 4) == 0 ?
		    (int)rng_below(&rng, 2) : -1;
		for (unsigned int s = 0; s < 2; s++)
			for (size_t k = 0; k < nitems(keys); k++) {
				value = rng_below(&rng, 6);
				/* A removal was seen to happen. */
				if (value < 4)
					has(s, keys[k], values[value],
					    rng_below(&rng, 4) +
					    (value == 3));
			}
		merge();
		for (unsigned int s = 0; s < 2; s++)
			n[s] = apply(s, end[s]);
		for (unsigned int s = 0; s < 2; s++) {
			in.side[s].list = in.side[s].changed = end[s];
			in.side[s].count = in.side[s].changed_count = n[s];
		}
		merge();
		ck_assert_uint_eq(ops.n, 0);
		if (in.source >= 0)
			continue;
		ck_assert_uint_eq(n[0], n[1]);
		for (size_t i = 0; i < n[0]; i++) {
			ck_assert_str_eq(end[0][i].key, end[1][i].key);
			ck_assert_uint_eq(end[0][i].stamp, end[1][i].stamp);
			ck_assert_int_eq(attribute_value_cmp(end[0][i].value,
			    end[0][i].len, end[1][i].value, end[1][i].len),
			    0);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "merge_attributes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_later_stamp_wins_key_by_key);
	tcase_add_test(tcase, with_equal_stamps_the_larger_bytes_win);
	tcase_add_test(tcase, what_was_not_told_again_is_unchanged_there);
	tcase_add_test(tcase,
	    what_one_side_alone_has_changed_holds_whatever_clocks_say);
	tcase_add_test(tcase, a_change_of_one_side_is_no_conflict);
	tcase_add_loop_test(tcase, one_way_takes_the_value_of_the_source, 0,
	    2);
	tcase_add_test(tcase,
	    a_store_that_keeps_none_gets_none_and_it_is_counted);
	tcase_add_test(tcase,
	    of_what_is_left_alone_or_a_mere_directory_nothing_is_said);
	tcase_add_test(tcase,
	    both_sides_end_equal_and_a_second_merge_says_nothing);
	return unit_run(suite);
}
