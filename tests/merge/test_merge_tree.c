/* Tables of merge_tree: rules T2-T12, T16. */
#include "config.h"

#include <string.h>

#include "model/mailbox_name.h"
#include "tests/merge/tree_model.h"
#include "tests/support/unit.h"

#define HOSTILE		10000U	/* mailboxes */

/* By rule T2. */
START_TEST(a_mailbox_of_one_side_is_created_on_the_other)
{
	box(0, "INBOX", 1, 0);
	box(1, "INBOX", 1, 0);
	box(0, "work", 2, 10)->is_new = true;
	in.base = _i == 1;
	merge();
	ck_assert_uint_eq(ops[0].n, 0);
	ck_assert_uint_eq(ops[1].n, 1);
	ck_assert(ops[1].v[0].create);
	ck_assert(!ops[1].v[0].recreate);
	check_equal("T2");
}
END_TEST

/* By rule T3. */
START_TEST(a_later_deletion_deletes)
{
	in.base = true;
	box(0, "work", 2, 10);
	gone(1, "work", 2, 20);
	merge();
	ck_assert_int_eq(entry(2)->fate, TREE_DELETE);
	ck_assert_uint_eq(ops[0].n, 1);
	ck_assert(ops[0].v[0].delete);
	ck_assert_uint_eq(ops[1].n, 0);
}
END_TEST

/* By rule T3. */
START_TEST(an_earlier_deletion_does_not)
{
	in.base = true;
	box(0, "work", 2, 30);
	gone(1, "work", 2, 20);
	merge();
	ck_assert_int_eq(entry(2)->fate, TREE_KEEP);
	ck_assert_uint_eq(ops[1].n, 1);
	ck_assert(ops[1].v[0].create && ops[1].v[0].recreate);
}
END_TEST

/* By rule T3. */
START_TEST(survivors_bring_their_mailbox_back)
{
	in.base = true;
	box(0, "work", 2, 10);
	gone(1, "work", 2, 20);
	merge_tree(arena, &in, &entries);
	merge_tree_revive(arena, &entries, 0, 1);
	ck_assert_int_eq(entries.v[0].fate, TREE_KEEP);
	ck_assert_uint_eq(entries.v[0].target.exist_stamp, 21);
	ck_assert_str_eq(entries.v[0].target.name, "work");
	merge_tree_ops(arena, &entries, 1, &ops[1]);
	ck_assert(ops[1].v[0].recreate);
}
END_TEST

/* By rule T5. */
START_TEST(survivors_of_a_name_that_is_taken_get_another_one)
{
	in.base = true;
	box(0, "work", 2, 10);
	gone(1, "work", 2, 20);
	box(1, "work", 3, 25)->is_new = true;
	merge_tree(arena, &in, &entries);
	for (size_t i = 0; i < entries.n; i++)
		if (entries.v[i].fate == TREE_DELETE)
			merge_tree_revive(arena, &entries, i, 1);
	ck_assert_str_eq(target(2), "work-00020000");
	ck_assert_str_eq(target(3), "work");
	for (unsigned int s = 0; s < 2; s++)
		merge_tree_ops(arena, &entries, s, &ops[s]);
	check_equal("T5");
}
END_TEST

START_TEST(what_wants_the_name_of_a_mailbox_left_alone_waits_too)
{
	in.base = in.filtered = true;
	/* 2 was deleted, 3 renamed to its name, 4 made under that of 3. */
	box(0, "work", 2, 10);
	box(0, "a", 3, 10);
	gone(1, "work", 2, 20);
	box(1, "work", 3, 25);
	box(1, "a", 4, 30)->is_new = true;
	box(1, "b", 5, 30)->is_new = true;
	merge();
	ck_assert_int_eq(entry(2)->fate, TREE_SKIP);
	ck_assert_int_eq(entry(3)->fate, TREE_SKIP);
	ck_assert_str_eq(entry(3)->rule, "P7");
	ck_assert_ptr_nonnull(entry(3)->why);
	ck_assert_int_eq(entry(4)->fate, TREE_SKIP);
	ck_assert_int_eq(entry(5)->fate, TREE_KEEP);
	ck_assert_uint_eq(ops[0].n, 1);
	ck_assert_uint_eq(ops[1].n, 0);
}
END_TEST

static void
revive_all(void)
{
	merge_tree(arena, &in, &entries);
	for (size_t i = 0; i < entries.n; i++)
		if (entries.v[i].fate == TREE_DELETE)
			merge_tree_revive(arena, &entries, i, 1);
	for (unsigned int s = 0; s < 2; s++)
		merge_tree_ops(arena, &entries, s, &ops[s]);
}

/* By rule P6. */
START_TEST(a_search_for_a_free_name_ends)
{
	static const char *const more[] = { "-00020000", "-0002000000000000",
	    "-000200000000000000000000",
	    "-00020000000000000000000000000000" };
	char name[128] = "work";

	in.base = true;
	box(0, name, 2, 10);
	gone(1, name, 2, 20);
	box(1, name, 3, 25)->is_new = true;
	for (unsigned int i = 0; i < nitems(more); i++) {
		strlcat(name, more[i], sizeof(name));
		box(1, name, 4 + i, 25)->is_new = true;
	}
	revive_all();
	ck_assert_int_eq(entry(2)->fate, TREE_SKIP);
	ck_assert_str_eq(entry(2)->rule, "P6");
	/* It stays where it is, and is not moved away for good. */
	for (size_t i = 0; i < ops[0].n; i++)
		ck_assert(!ops[0].v[i].temporary);
}
END_TEST

START_TEST(survivors_do_not_stay_under_a_temporary_name)
{
	in.base = true;
	box(0, "dsync-temp-00020000000000000000000000000000", 2, 10);
	gone(1, "work", 2, 20);
	box(1, "work", 3, 25)->is_new = true;
	revive_all();
	ck_assert_str_eq(target(2), "work-00020000");
	check_equal("T11");
}
END_TEST

/* By rule T4. */
START_TEST(without_a_base_nothing_is_deleted)
{
	box(0, "work", 2, 10);
	gone(1, "work", 2, 20);
	merge();
	ck_assert_int_eq(entry(2)->fate, TREE_KEEP);
	ck_assert_uint_eq(ops[1].n, 1);
	ck_assert(ops[1].v[0].create);
}
END_TEST

/* By rule P7. */
START_TEST(a_filter_deletes_nothing)
{
	in.base = in.filtered = true;
	box(0, "work", 2, 10);
	gone(1, "work", 2, 20);
	box(1, "other", 3, 10);
	in.source = _i == 0 ? -1 : 0;
	merge();
	for (unsigned int s = 0; s < 2; s++)
		for (size_t i = 0; i < ops[s].n; i++)
			ck_assert(!ops[s].v[i].delete);
	/* What was deleted does not come back by a filter either. */
	if (in.source == -1)
		ck_assert_int_eq(entry(2)->fate, TREE_SKIP);
}
END_TEST

/* By rule T5. */
START_TEST(deleted_and_created_again_is_another_mailbox)
{
	in.base = true;
	box(0, "work", 2, 10);
	gone(1, "work", 2, 20);
	box(1, "work", 3, 25)->is_new = true;
	merge();
	ck_assert_int_eq(entry(2)->fate, TREE_DELETE);
	ck_assert_int_eq(entry(3)->fate, TREE_KEEP);
	ck_assert_str_eq(target(3), "work");
	/* The old one makes room first and is removed last. */
	ck_assert(ops[0].v[0].temporary);
	ck_assert(ops[0].v[ops[0].n - 1].delete);
	check_equal("T5");
}
END_TEST

/* By rules T6, T7. */
START_TEST(parent_and_last_part_are_merged_alone)
{
	struct msg_mailbox *b;

	in.base = true;
	/* A: work -> job, so work/old has another parent. */
	b = box(0, "job", 2, 10);
	b->last_stamp = 50;
	b = box(0, "job/old", 3, 10);
	b->parent_stamp = 50;
	/* B: work/old -> work/new. */
	box(1, "work", 2, 10);
	b = box(1, "work/new", 3, 10);
	b->last_stamp = 40;
	merge();
	ck_assert_str_eq(target(2), "job");
	ck_assert_str_eq(target(3), "job/new");
	check_equal("T7");
}
END_TEST

/* By rule T7. */
START_TEST(equal_stamps_are_settled_by_smaller_bytes)
{
	in.base = true;
	box(0, "beta", 2, 50);
	box(1, "alpha", 2, 50);
	merge();
	ck_assert_str_eq(target(2), "alpha");
	check_equal("T7");
}
END_TEST

/* By rule T9. */
START_TEST(the_later_of_two_names_gives_way)
{
	in.base = true;
	box(0, "one", 2, 10);
	box(1, "one", 2, 10);
	box(0, "two", 3, 10);
	box(1, "one", 3, 10);
	in.side[1].boxes[0].name = "zero";
	in.side[1].boxes[0].last_stamp = 5;
	in.side[1].boxes[1].last_stamp = 60;
	merge();
	ck_assert_str_eq(target(2), "one");
	ck_assert_str_eq(target(3), "one-00030000");
	ck_assert_uint_eq(entry(3)->target.last_stamp, 61);
	check_equal("T9");
}
END_TEST

/* By rule T9. */
START_TEST(of_two_names_of_one_age_the_larger_guid_keeps_it)
{
	in.base = true;
	for (unsigned int s = 0; s < 2; s++) {
		box(s, "a", 2, 10);
		box(s, "b", 3, 10);
	}
	in.side[0].boxes[0].name = "x";
	in.side[0].boxes[0].last_stamp = 70;
	in.side[1].boxes[1].name = "x";
	in.side[1].boxes[1].last_stamp = 70;
	merge();
	ck_assert_str_eq(target(3), "x");
	ck_assert_str_eq(target(2), "x-00020000");
	check_equal("T9");
}
END_TEST

START_TEST(a_suffix_that_is_taken_gets_longer)
{
	in.base = true;
	for (unsigned int s = 0; s < 2; s++) {
		box(s, "x", 2, 10);
		box(s, "x-00030000", 4, 5);
		box(s, s == 0 ? "y" : "x", 3, s == 0 ? 10 : 90);
	}
	merge();
	ck_assert_str_eq(target(2), "x");
	ck_assert_str_eq(target(4), "x-00030000");
	ck_assert_str_ne(target(3), "x-00030000");
	check_equal("T9");
}
END_TEST

/* By rule T10. */
START_TEST(one_name_that_is_new_on_both_sides_is_one_mailbox)
{
	box(0, "work", 2, 10);
	box(1, "work", 3, 20);
	merge();
	ck_assert_uint_eq(entries.n, 1);
	ck_assert_ptr_nonnull(entry(3));	/* the larger GUID */
	ck_assert_uint_eq(entry(3)->target.alias_count, 1);
	/* The side that never had the smaller one records it as well. */
	ck_assert_uint_eq(ops[0].n, 1);
	ck_assert_uint_eq(ops[1].n, 1);
	check_equal("T10");
}
END_TEST

/* By rule T10. */
START_TEST(an_alias_is_the_mailbox_that_it_stands_for)
{
	struct guid128 alias = guid(2);

	in.base = true;
	box(0, "work", 2, 10);
	box(1, "job", 5, 50);
	in.side[1].boxes[0].aliases = &alias;
	in.side[1].boxes[0].alias_count = 1;
	merge();
	ck_assert_uint_eq(entries.n, 1);
	ck_assert_str_eq(target(5), "job");
}
END_TEST

/* By rules T10, T12. */
START_TEST(two_inboxes_are_always_one)
{
	in.base = true;
	box(0, "INBOX", 7, 100);
	box(1, "INBOX", 6, 200);
	merge();
	ck_assert_uint_eq(entries.n, 1);
	ck_assert_ptr_nonnull(entry(7));
	ck_assert_str_eq(target(7), "INBOX");
	check_equal("T12");
}
END_TEST

/* By rule T12. */
START_TEST(inbox_is_not_deleted)
{
	in.base = true;
	box(0, "INBOX", 1, 10);
	gone(1, "INBOX", 1, 20);
	in.source = _i - 1;
	merge();
	ck_assert_int_eq(entry(1)->fate, TREE_KEEP);
	for (unsigned int s = 0; s < 2; s++)
		for (size_t i = 0; i < ops[s].n; i++)
			ck_assert(!ops[s].v[i].delete);
}
END_TEST

/* By rule T11. */
START_TEST(names_that_change_places_do_so_in_any_ring)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };

	/* A turned a ring of _i names by one; B has them as they were. */
	in.base = true;
	for (int i = 0; i < _i; i++) {
		box(0, names[(i + 1) % _i], 2 + (unsigned int)i, 10);
		in.side[0].boxes[i].last_stamp = 20 + (uint64_t)i;
		box(1, names[i], 2 + (unsigned int)i, 10);
	}
	merge();
	for (int i = 0; i < _i; i++)
		ck_assert_str_eq(target(2 + (unsigned int)i),
		    names[(i + 1) % _i]);
	for (size_t i = 0; i < ops[1].n; i++)
		ck_assert(name_is_temporary(ops[1].v[i].name) ==
		    ops[1].v[i].temporary);
	check_equal("T11");
}
END_TEST

/* By rule T11. */
START_TEST(a_temporary_name_is_never_taken_for_a_rename)
{
	in.base = true;
	box(0, "dsync-temp-00020000000000000000000000000000", 2, 900);
	box(1, "work", 2, 10);
	merge();
	ck_assert_str_eq(target(2), "work");
	check_equal("T11");
}
END_TEST

/* By rules T10, B2. */
START_TEST(one_way_takes_over_the_mailbox_of_the_name)
{
	in.source = 0;
	in.base = _i == 1;
	box(0, "work", 2, 10);
	box(1, "work", 3, 20);
	merge();
	ck_assert_uint_eq(entries.n, 1);
	ck_assert_ptr_nonnull(entry(2));	/* the source's */
	ck_assert_uint_eq(ops[1].n, 1);
	ck_assert(!ops[1].v[0].create && !ops[1].v[0].delete);
}
END_TEST

/* By rule B2. */
START_TEST(one_way_removes_what_the_source_has_not)
{
	in.source = 1;
	in.base = true;
	box(0, "extra", 2, 10);
	box(1, "INBOX", 1, 10);
	box(0, "INBOX", 1, 10);
	merge();
	ck_assert_int_eq(entry(2)->fate, TREE_DELETE);
	ck_assert_uint_eq(ops[0].n, 1);
}
END_TEST

/* By rule P6. */
START_TEST(hostile_trees_are_settled)
{
	bool spread = _i == 1;

	/* All names are equal, on one side or half on each. */
	for (unsigned int s = 0; s < 2; s++)
		in.side[s].boxes = arena_calloc(arena, HOSTILE,
		    sizeof(struct msg_mailbox));
	for (unsigned int i = 0; i < HOSTILE; i++)
		box(spread ? i % 2 : 0, "same", i + 1, 10);
	merge();
	for (size_t i = 0; i + 1 < entries.n; i++)
		ck_assert(entries.v[i].target.name != NULL);
	/* Each name is wanted once. */
	for (unsigned int s = 0; s < 2; s++)
		ck_assert_uint_le(ops[s].n, 2 * HOSTILE);
}
END_TEST

START_TEST(names_stay_within_their_limits)
{
	char part[NAME_PART_MAX + 1];

	memset(part, 'n', NAME_PART_MAX);
	part[NAME_PART_MAX] = '\0';
	in.base = true;
	for (unsigned int s = 0; s < 2; s++) {
		box(s, part, 2, 10);
		box(s, s == 0 ? "y" : part, 3, s == 0 ? 10 : 90);
	}
	merge();
	for (size_t i = 0; i < entries.n; i++)
		ck_assert(name_valid(entries.v[i].target.name,
		    strlen(entries.v[i].target.name)));
	ck_assert(strcmp(entries.v[0].target.name,
	    entries.v[1].target.name) != 0);
}
END_TEST

/* T16: though nothing else of it differs. */
START_TEST(a_directory_becomes_the_mailbox_that_the_other_side_has)
{
	in.base = true;
	box(0, "work", 1, 30)->selectable = false;
	box(1, "work", 1, 30);
	merge();
	ck_assert_uint_eq(ops[0].n, 1);
	ck_assert_str_eq(ops[0].v[0].name, "work");
	ck_assert(entry(1)->target.selectable);
	ck_assert_uint_eq(ops[1].n, 0);
}
END_TEST

/* T8: the clock of the side that changed it is behind (T7). */
START_TEST(a_name_that_one_side_alone_has_changed_holds)
{
	in.base = in.changes_known = true;
	box(0, "work/new", 1, 20)->tree_changed = true;
	box(1, "work/old", 1, 30);
	merge();
	ck_assert_str_eq(entry(1)->target.name, "work\x1f" "new");
	ck_assert_uint_eq(entry(1)->target.last_stamp, 31);
	ck_assert_uint_eq(entry(1)->target.parent_stamp, 30);
	tree_reset();
	in.base = in.changes_known = true;
	box(0, "work/new", 1, 20)->tree_changed = true;
	box(1, "work/old", 1, 30)->tree_changed = true;
	merge();
	ck_assert_str_eq(entry(1)->target.name, "work\x1f" "old");
}
END_TEST

/* T7: a conflict, which is told. */
START_TEST(a_mailbox_that_both_sides_have_renamed_is_told)
{
	in.base = true;
	box(0, "job", 1, 20)->tree_changed = true;
	box(1, "task", 1, 30)->tree_changed = true;
	merge();
	ck_assert_str_eq(entry(1)->target.name, "task");
	ck_assert_str_eq(entry(1)->rule, "T7");
	ck_assert_ptr_nonnull(entry(1)->why);
	tree_reset();
	in.base = true;
	box(0, "job", 1, 20)->tree_changed = true;
	box(1, "task", 1, 30);
	merge();
	ck_assert_ptr_null(entry(1)->why);
}
END_TEST

/* T8: ... and so does a deletion (T3). */
START_TEST(a_deletion_by_a_side_that_alone_has_changed_it_holds)
{
	in.base = in.changes_known = true;
	box(0, "work", 1, 30);
	gone(1, "work", 1, 20);
	in.side[1].gone_changed = in.side[1].gone;
	in.side[1].gone_changed_count = 1;
	merge();
	ck_assert_int_eq(entry(1)->fate, TREE_DELETE);
	tree_reset();
	in.base = in.changes_known = true;
	box(0, "work", 1, 30);
	gone(1, "work", 1, 20);
	merge();
	ck_assert_int_eq(entry(1)->fate, TREE_KEEP);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "merge_tree");

	tcase_add_checked_fixture(tcase, tree_reset, tree_teardown);
	tcase_add_loop_test(tcase,
	    a_mailbox_of_one_side_is_created_on_the_other, 0, 2);
	tcase_add_test(tcase, a_later_deletion_deletes);
	tcase_add_test(tcase, an_earlier_deletion_does_not);
	tcase_add_test(tcase, survivors_bring_their_mailbox_back);
	tcase_add_test(tcase,
	    survivors_of_a_name_that_is_taken_get_another_one);
	tcase_add_test(tcase,
	    what_wants_the_name_of_a_mailbox_left_alone_waits_too);
	tcase_add_test(tcase, a_search_for_a_free_name_ends);
	tcase_add_test(tcase, survivors_do_not_stay_under_a_temporary_name);
	tcase_add_test(tcase, without_a_base_nothing_is_deleted);
	tcase_add_loop_test(tcase, a_filter_deletes_nothing, 0, 2);
	tcase_add_test(tcase, deleted_and_created_again_is_another_mailbox);
	tcase_add_test(tcase, parent_and_last_part_are_merged_alone);
	tcase_add_test(tcase, equal_stamps_are_settled_by_smaller_bytes);
	tcase_add_test(tcase, the_later_of_two_names_gives_way);
	tcase_add_test(tcase, of_two_names_of_one_age_the_larger_guid_keeps_it);
	tcase_add_test(tcase, a_suffix_that_is_taken_gets_longer);
	tcase_add_test(tcase,
	    one_name_that_is_new_on_both_sides_is_one_mailbox);
	tcase_add_test(tcase, an_alias_is_the_mailbox_that_it_stands_for);
	tcase_add_test(tcase, two_inboxes_are_always_one);
	tcase_add_loop_test(tcase, inbox_is_not_deleted, 0, 3);
	tcase_add_loop_test(tcase, names_that_change_places_do_so_in_any_ring,
	    2, 6);
	tcase_add_test(tcase, a_temporary_name_is_never_taken_for_a_rename);
	tcase_add_loop_test(tcase, one_way_takes_over_the_mailbox_of_the_name,
	    0, 2);
	tcase_add_test(tcase, one_way_removes_what_the_source_has_not);
	tcase_add_loop_test(tcase, hostile_trees_are_settled, 0, 2);
	tcase_add_test(tcase, names_stay_within_their_limits);
	tcase_add_test(tcase,
	    a_directory_becomes_the_mailbox_that_the_other_side_has);
	tcase_add_test(tcase, a_mailbox_that_both_sides_have_renamed_is_told);
	tcase_add_test(tcase, a_name_that_one_side_alone_has_changed_holds);
	tcase_add_test(tcase,
	    a_deletion_by_a_side_that_alone_has_changed_it_holds);
	return unit_run(suite);
}
