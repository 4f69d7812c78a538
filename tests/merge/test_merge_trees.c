/* Laws of merge_tree: random trees, both ways and one way. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "model/mailbox_name.h"
#include "tests/merge/tree_model.h"
#include "tests/support/rng.h"
#include "tests/support/unit.h"

#define HISTORIES	5000U

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

		tree_reset();
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

		tree_reset();
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
	TCase *tcase = unit_case(&suite, "merge_trees");

	tcase_add_checked_fixture(tcase, tree_reset, tree_teardown);
	tcase_add_test(tcase, any_two_trees_become_one);
	tcase_add_test(tcase, any_tree_can_be_taken_over_one_way);
	return unit_run(suite);
}
