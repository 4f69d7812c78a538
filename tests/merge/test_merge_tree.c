/* Tables and laws of merge_tree: rules T2-T7, T9-T12, T14. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "brain/merge_tree.h"
#include "model/mailbox_name.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

#define BOXES_MAX	12U
#define HISTORIES	5000U
#define HOSTILE		10000U	/* mailboxes */

static struct arena *arena;
static struct tree_input in;
static struct tree_entries entries;
static struct tree_ops ops[2];

static void
reset(void)
{
	ARRAY_FREE(&entries);
	for (unsigned int s = 0; s < 2; s++)
		ARRAY_FREE(&ops[s]);
	arena_free(&arena);
	arena = arena_new((size_t)1 << 30);
	in = (struct tree_input){ .source = -1, .complete = true };
	for (unsigned int s = 0; s < 2; s++) {
		in.side[s].boxes = arena_calloc(arena, BOXES_MAX,
		    sizeof(struct msg_mailbox));
		in.side[s].gone = arena_calloc(arena, BOXES_MAX,
		    sizeof(struct msg_mailbox_gone));
		in.side[s].subs = arena_calloc(arena, BOXES_MAX,
		    sizeof(struct msg_subscription));
	}
}

static void
setup(void)
{
	reset();
}

static void
teardown(void)
{
	ARRAY_FREE(&entries);
	for (unsigned int s = 0; s < 2; s++)
		ARRAY_FREE(&ops[s]);
	arena_free(&arena);
}

static struct guid128
guid(unsigned int n)
{
	struct guid128 g = { { 0 } };

	g.b[0] = (uint8_t)(n >> 8);
	g.b[1] = (uint8_t)n;
	return g;
}

static struct msg_mailbox *
box(unsigned int s, const char *name, unsigned int n, uint64_t stamp)
{
	struct msg_mailbox *b = &in.side[s].boxes[in.side[s].box_count++];
	struct strbuf joined;

	strbuf_init(&joined, NAME_MAX_BYTES);
	ck_assert_int_eq(name_from_user(&joined, name), 0);
	*b = (struct msg_mailbox){
		.guid = guid(n), .name = arena_strdup(arena, joined.data),
		.selectable = true, .exist_stamp = stamp,
		.parent_stamp = stamp, .last_stamp = stamp, .uidvalidity = 1,
		.uidnext = 1,
	};
	strbuf_deinit(&joined);
	return b;
}

static void
gone(unsigned int s, const char *name, unsigned int n, uint64_t stamp)
{
	in.side[s].gone[in.side[s].gone_count++] = (struct msg_mailbox_gone){
		.guid = guid(n), .name = name, .stamp = stamp,
	};
}

static void
merge(void)
{
	merge_tree(arena, &in, &entries);
	for (unsigned int s = 0; s < 2; s++)
		merge_tree_ops(arena, &entries, s, &ops[s]);
}

static const struct tree_entry *
entry(unsigned int n)
{
	struct guid128 g = guid(n);

	for (size_t i = 0; i < entries.n; i++)
		if (guid_eq(&entries.v[i].target.guid, &g))
			return &entries.v[i];
	return NULL;
}

static const char *
target(unsigned int n)
{
	static char out[256];

	ck_assert_ptr_nonnull(entry(n));
	return name_show(out, sizeof(out), entry(n)->target.name);
}

/*
 * Carry a side's steps out on the names of its mailboxes: each step must find
 * its name free, as a store would ask.  Result: the input for a next merge.
 */
static bool
apply(unsigned int s)
{
	struct msg_mailbox *now[2 * BOXES_MAX] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < entries.n; i++) {
		now[i] = NULL;
		if (entries.v[i].box[s] != NULL) {
			now[i] = arena_memdup(arena, entries.v[i].box[s],
			    sizeof(*now[i]));
		}
	}
	for (size_t k = 0; k < ops[s].n; k++) {
		const struct tree_op *op = &ops[s].v[k];

		if (op->delete) {
			now[op->entry] = NULL;
			continue;
		}
		for (size_t i = 0; i < entries.n; i++)
			if (i != op->entry && now[i] != NULL &&
			    strcmp(now[i]->name, op->name) == 0)
				return false;
		if (op->create != (now[op->entry] == NULL))
			return false;
		now[op->entry] = arena_memdup(arena,
		    &entries.v[op->entry].target, sizeof(struct msg_mailbox));
		now[op->entry]->name = op->name;
	}
	for (size_t i = 0; i < entries.n; i++)
		if (now[i] != NULL)
			in.side[s].boxes[n++] = *now[i];
	in.side[s].box_count = n;
	return true;
}

static bool
side_has(unsigned int s, const struct msg_mailbox *b)
{
	for (size_t i = 0; i < in.side[s].box_count; i++) {
		const struct msg_mailbox *o = &in.side[s].boxes[i];

		if (guid_eq(&o->guid, &b->guid))
			return strcmp(o->name, b->name) == 0 &&
			    o->parent_stamp == b->parent_stamp &&
			    o->last_stamp == b->last_stamp &&
			    o->exist_stamp == b->exist_stamp;
	}
	return false;
}

static void
check_equal(const char *what)
{
	ck_assert_msg(apply(0), "%s: steps of A", what);
	ck_assert_msg(apply(1), "%s: steps of B", what);
	ck_assert_msg(in.side[0].box_count == in.side[1].box_count,
	    "%s: number of mailboxes", what);
	for (size_t i = 0; i < in.side[0].box_count; i++)
		ck_assert_msg(side_has(1, &in.side[0].boxes[i]),
		    "%s: mailbox %s", what, in.side[0].boxes[i].name);
	/* P3: a second merge finds nothing to do. */
	for (unsigned int s = 0; s < 2; s++) {
		in.side[s].gone_count = 0;
		ARRAY_FREE(&ops[s]);
	}
	entries.n = 0;
	merge();
	ck_assert_msg(ops[0].n + ops[1].n == 0, "%s: a second merge finds "
	    "%zu steps", what, ops[0].n + ops[1].n);
}

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

/* Subscriptions. */

static void
sub(unsigned int s, const char *name, bool on, uint64_t stamp)
{
	in.side[s].subs[in.side[s].sub_count++] = (struct msg_subscription){
		.name = name, .on = on, .stamp = stamp,
	};
}

static struct tree_subs
merge_subs(void)
{
	struct tree_subs subs = { 0 };

	merge_tree_subs(&in, &subs);
	return subs;
}

/* By rule T14. */
START_TEST(a_subscription_is_merged_by_stamp)
{
	struct tree_subs subs;

	sub(0, "a", true, 10);
	sub(1, "a", false, 20);
	subs = merge_subs();
	ck_assert_uint_eq(subs.n, 1);
	ck_assert_uint_eq(subs.v[0].side, 0);
	ck_assert(!subs.v[0].sub.on);
	ck_assert_uint_eq(subs.v[0].sub.stamp, 20);
	ARRAY_FREE(&subs);
}
END_TEST

/* By rule T14. */
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
	reset();
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
	reset();
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
	reset();
	in.base = in.changes_known = true;
	box(0, "work", 1, 30);
	gone(1, "work", 1, 20);
	merge();
	ck_assert_int_eq(entry(1)->fate, TREE_KEEP);
}
END_TEST

/* T8: ... and so does a subscription (T14). */
START_TEST(a_subscription_that_one_side_alone_has_changed_holds)
{
	struct tree_subs subs = { 0 };

	in.base = in.changes_known = true;
	in.side[0].subs[0] = (struct msg_subscription){ .name = "a",
	    .on = true, .stamp = 20 };
	in.side[1].subs[0] = (struct msg_subscription){ .name = "a",
	    .stamp = 30 };
	in.side[0].sub_count = in.side[1].sub_count = 1;
	in.side[0].subs_changed = in.side[0].subs;
	in.side[0].subs_changed_count = 1;
	merge_tree_subs(&in, &subs);
	ck_assert_uint_eq(subs.n, 2);
	ck_assert(subs.v[1].sub.on && !subs.v[1].stamp_only);
	ck_assert_uint_eq(subs.v[0].sub.stamp, 31);
	ck_assert(subs.v[0].sub.on && subs.v[0].stamp_only);
	ck_assert(!subs.v[1].conflict);
	ARRAY_FREE(&subs);
	/* Both have: a conflict, which is told. */
	in.side[1].subs_changed = in.side[1].subs;
	in.side[1].subs_changed_count = 1;
	merge_tree_subs(&in, &subs);
	ck_assert(subs.n == 1 && !subs.v[0].sub.on && subs.v[0].conflict);
	ARRAY_FREE(&subs);
}
END_TEST

START_TEST(unknown_subscriptions_are_subscribed)
{
	struct tree_subs subs;

	sub(0, "a", true, 0);
	sub(1, "b", true, 0);
	subs = merge_subs();
	ck_assert_uint_eq(subs.n, 2);
	for (size_t i = 0; i < subs.n; i++)
		ck_assert(subs.v[i].sub.on);
	ARRAY_FREE(&subs);
}
END_TEST

START_TEST(what_was_not_told_again_is_unchanged)
{
	struct tree_subs subs;

	in.base = true;
	in.complete = false;
	sub(0, "a", false, 30);
	subs = merge_subs();
	ck_assert_uint_eq(subs.n, 1);
	ck_assert_uint_eq(subs.v[0].side, 1);
	ck_assert(!subs.v[0].sub.on);
	ARRAY_FREE(&subs);
}
END_TEST

START_TEST(one_way_takes_the_subscriptions_of_the_source)
{
	struct tree_subs subs;

	in.source = 0;
	sub(0, "a", true, 1);
	sub(1, "a", false, 99);
	sub(1, "b", true, 99);
	subs = merge_subs();
	ck_assert_uint_eq(subs.n, 2);
	for (size_t i = 0; i < subs.n; i++) {
		ck_assert_uint_eq(subs.v[i].side, 1);
		ck_assert_uint_gt(subs.v[i].sub.stamp, 99);
		ck_assert(subs.v[i].sub.on ==
		    (subs.v[i].sub.name[0] == 'a'));
	}
	ARRAY_FREE(&subs);
}
END_TEST

/* Random trees. */

static const char *const pool[] = { "a", "b", "c", "a/x", "a/y", "b/x",
    "c/z", "a-00020000" };

static const char *
free_name(struct rng *rng, unsigned int s)
{
	const char *name = NULL;

	for (unsigned int tries = 0; tries < 30 && name == NULL; tries++) {
		struct strbuf joined;

		name = pool[rng_below(rng, nitems(pool))];
		strbuf_init(&joined, NAME_MAX_BYTES);
		(void)name_from_user(&joined, name);
		for (size_t i = 0; i < in.side[s].box_count; i++)
			if (name != NULL && strcmp(in.side[s].boxes[i].name,
			    joined.data) == 0)
				name = NULL;
		strbuf_deinit(&joined);
	}
	return name;
}

static void
random_tree(struct rng *rng)
{
	uint64_t clock = 10;
	const char *name;

	for (unsigned int n = 2; n < 8; n++) {
		for (unsigned int s = 0; s < 2; s++) {
			struct msg_mailbox *b;
			uint32_t what = rng_below(rng, 6);

			name = free_name(rng, s);
			if (what == 0 || name == NULL)
				continue;
			clock += rng_below(rng, 3);
			if (what == 1 && in.base) {
				gone(s, "gone", n, clock);
				continue;
			}
			b = box(s, name, n, 5);
			b->last_stamp = clock;
			b->parent_stamp = rng_below(rng, 2) ? clock : 5;
		}
	}
	box(0, "INBOX", 100, 1);
	box(1, "INBOX", rng_below(rng, 2) ? 100 : 101, 1);
}

static bool
same_target(const struct tree_entry *a, const struct tree_entry *b)
{
	return guid_eq(&a->target.guid, &b->target.guid) &&
	    strcmp(a->target.name, b->target.name) == 0 &&
	    a->target.parent_stamp == b->target.parent_stamp &&
	    a->target.last_stamp == b->target.last_stamp &&
	    a->target.exist_stamp == b->target.exist_stamp &&
	    a->fate == b->fate && a->exists[0] == b->exists[1] &&
	    a->exists[1] == b->exists[0];
}

static void
check_symmetric(uint64_t seed)
{
	struct tree_input flipped = in;
	struct tree_entries other = { 0 };

	flipped.side[0] = in.side[1];
	flipped.side[1] = in.side[0];
	merge_tree(arena, &flipped, &other);
	ck_assert_uint_eq(other.n, entries.n);
	for (size_t i = 0; i < entries.n; i++) {
		bool met = false;

		for (size_t k = 0; k < other.n && !met; k++)
			met = same_target(&entries.v[i], &other.v[k]);
		ck_assert_msg(met, "seed %llu: %s differs the other way round",
		    (unsigned long long)seed, entries.v[i].target.name);
	}
	ARRAY_FREE(&other);
}

/* By rules P2, P3, P4. */
START_TEST(any_two_trees_become_one)
{
	char what[32];

	for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
		struct rng rng = { seed * 7919 };

		reset();
		in.base = rng_below(&rng, 2) == 1;
		random_tree(&rng);
		merge();
		check_symmetric(seed);
		(void)snprintf(what, sizeof(what), "seed %llu",
		    (unsigned long long)seed);
		check_equal(what);
	}
}
END_TEST

START_TEST(any_tree_can_be_taken_over_one_way)
{
	for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
		struct rng rng = { seed * 104729 };
		size_t n;

		reset();
		in.base = rng_below(&rng, 2) == 1;
		in.source = 0;
		random_tree(&rng);
		merge();
		n = in.side[0].box_count;
		ck_assert_msg(apply(1), "seed %llu", (unsigned long long)seed);
		ck_assert_uint_eq(in.side[1].box_count, n);
		for (size_t i = 0; i < n; i++) {
			bool met = false;

			for (size_t k = 0; k < n && !met; k++)
				met = guid_eq(&in.side[0].boxes[i].guid,
				    &in.side[1].boxes[k].guid) &&
				    strcmp(in.side[0].boxes[i].name,
				    in.side[1].boxes[k].name) == 0;
			ck_assert_msg(met, "seed %llu: %s",
			    (unsigned long long)seed,
			    in.side[0].boxes[i].name);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "merge_tree");

	tcase_add_checked_fixture(tcase, setup, teardown);
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
	tcase_add_test(tcase, a_subscription_is_merged_by_stamp);
	tcase_add_test(tcase,
	    a_directory_becomes_the_mailbox_that_the_other_side_has);
	tcase_add_test(tcase, a_mailbox_that_both_sides_have_renamed_is_told);
	tcase_add_test(tcase, a_name_that_one_side_alone_has_changed_holds);
	tcase_add_test(tcase,
	    a_deletion_by_a_side_that_alone_has_changed_it_holds);
	tcase_add_test(tcase,
	    a_subscription_that_one_side_alone_has_changed_holds);
	tcase_add_test(tcase, unknown_subscriptions_are_subscribed);
	tcase_add_test(tcase, what_was_not_told_again_is_unchanged);
	tcase_add_test(tcase, one_way_takes_the_subscriptions_of_the_source);
	tcase_add_test(tcase, any_two_trees_become_one);
	tcase_add_test(tcase, any_tree_can_be_taken_over_one_way);
	return unit_run(suite);
}
