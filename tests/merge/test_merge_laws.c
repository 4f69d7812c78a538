/* Laws of merge_mails, on random histories: rules P1-P4. */
#include "config.h"

#include "base/array.h"
#include "mails_model.h"
#include "tests/support/unit.h"

#define HISTORIES 5000		/* random ones a test */

static struct model mo;
static struct plan_mails plan;

static void
setup(void)
{
	model_begin(&mo, &plan, 1);
}

static void
teardown(void)
{
	model_end(&mo, &plan);
}

/* P1: what was alive lives on both sides, or a tombstone says why not. */
static void
check_nothing_lost(const struct model *before, bool base, int source,
    uint64_t seed)
{
	for (unsigned int s = 0; s < 2; s++) {
		const struct model_side *side = &before->side[s];
		const struct model_side *other = &before->side[!s];

		for (size_t i = 0; i < side->count; i++) {
			const struct msg_message *m = &side->mails[i].m;
			size_t dead = 0;

			if (side->mails[i].dead || (source >= 0 &&
			    source != (int)s))
				continue;
			for (size_t k = 0; k < m->mark_count; k++)
				for (size_t o = 0; o < other->count; o++)
					if (other->mails[o].dead &&
					    marks_have(other->mails[o].m.marks,
					    other->mails[o].m.mark_count,
					    &m->marks[k])) {
						dead++;
						break;
					}
			if (base && source < 0 && dead == m->mark_count)
				continue;
			ck_assert_msg(model_find(&mo, !s, m->marks,
			    m->mark_count) != NULL,
			    "seed %llu: a message of side %u is lost",
			    (unsigned long long)seed, s);
		}
	}
}

static size_t
spoken_marks(int source, struct guid128 *out, size_t max)
{
	size_t n = 0;

	for (unsigned int s = 0; s < 2; s++) {
		for (size_t i = 0; i < mo.side[s].count; i++) {
			const struct model_mail *mail = &mo.side[s].mails[i];

			if (s == (unsigned int)source || !mail->changed)
				continue;
			for (size_t k = 0; k < mail->m.mark_count && n < max;
			    k++)
				out[n++] = mail->m.marks[k];
		}
	}
	return n;
}

/* Merge, look at the laws, carry out, look at the result. */
static void
round_trip(enum model_view view, int source, uint64_t seed)
{
	struct guid128 asked[2 * MODEL_MAILS_MAX];
	struct plan_mails mirror = { 0 };
	struct mails_input in, flipped;
	struct model before = mo;
	size_t n = 0;
	const char *why;

	if (source >= 0)
		n = spoken_marks(source, asked, nitems(asked));
	else if (rng_below(&mo.rng, 3) == 0)
		n = spoken_marks(2, asked, 3);
	model_input(&mo, view, source, false, asked, n, &in);
	if (merge_mails_needs_lists(&in)) {
		view = VIEW_COMPLETE;
		model_input(&mo, view, source, false, NULL, 0, &in);
	}
	model_input(&mo, view, source, true, asked,
	    view == VIEW_DELTA ? n : 0, &flipped);
	merge_mails(mo.arena, &in, &plan);
	if (plan.rebuild && view == VIEW_DELTA) {
		plan_mails_deinit(&plan);
		view = VIEW_COMPLETE;
		model_input(&mo, view, source, false, NULL, 0, &in);
		model_input(&mo, view, source, true, NULL, 0, &flipped);
		merge_mails(mo.arena, &in, &plan);
	}
	merge_mails(mo.arena, &flipped, &mirror);
	ck_assert_msg(model_plans_mirrored(&plan, &mirror),
	    "seed %llu: merge(A, B) and merge(B, A) differ",
	    (unsigned long long)seed);
	plan_mails_deinit(&mirror);
	ck_assert_msg(model_apply(&mo, &in, &plan), "seed %llu",
	    (unsigned long long)seed);
	why = model_difference(&mo, source >= 0);
	if (plan.blocked.n == 0 && !mo.other_uid)
		ck_assert_msg(why == NULL, "seed %llu: %s differ",
		    (unsigned long long)seed, why);
	if (plan.skipped == 0)
		check_nothing_lost(&before, view != VIEW_NO_BASE, source,
		    seed);
	plan_mails_deinit(&plan);
}

static void
check_second_is_empty(enum model_view view, uint64_t seed)
{
	struct mails_input in;

	model_input(&mo, view, -1, false, NULL, 0, &in);
	merge_mails(mo.arena, &in, &plan);
	ck_assert_msg(model_plan_empty(&plan),
	    "seed %llu: a second merge finds work", (unsigned long long)seed);
	plan_mails_deinit(&plan);
}

static void
random_start(uint64_t seed)
{
	model_begin(&mo, &plan, seed);
	for (unsigned int s = 0; s < 2; s++) {
		mo.side[s].uidnext += rng_below(&mo.rng, 3);
		if (rng_below(&mo.rng, 4) == 0)
			mo.side[s].uidvalidity += rng_below(&mo.rng, 3);
	}
	for (unsigned int n = rng_below(&mo.rng, 16); n > 0; n--)
		model_step(&mo, rng_below(&mo.rng, 2));
}

/* By rules P1, P2, P3, P4. */
START_TEST(two_way_merges_end_equal_and_lose_nothing)
{
	for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
		random_start(seed);
		round_trip(VIEW_NO_BASE, -1, seed);
		check_second_is_empty(VIEW_NO_BASE, seed);
		for (unsigned int k = 0; k < 3; k++) {
			model_base(&mo);
			for (unsigned int n = rng_below(&mo.rng, 8); n > 0; n--)
				model_step(&mo, rng_below(&mo.rng, 2));
			round_trip(rng_below(&mo.rng, 4) == 0 ?
			    VIEW_COMPLETE : VIEW_DELTA, -1, seed);
			model_base(&mo);
			check_second_is_empty(VIEW_COMPLETE, seed);
		}
	}
}
END_TEST

/* By rule P1. */
START_TEST(a_lost_base_loses_nothing)
{
	for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
		random_start(seed + 500000);
		round_trip(VIEW_NO_BASE, -1, seed);
		model_base(&mo);
		for (unsigned int n = rng_below(&mo.rng, 10); n > 0; n--)
			model_step(&mo, rng_below(&mo.rng, 2));
		round_trip(VIEW_NO_BASE, -1, seed);
		check_second_is_empty(VIEW_NO_BASE, seed);
		model_base(&mo);
		check_second_is_empty(VIEW_COMPLETE, seed);
	}
}
END_TEST

START_TEST(one_way_merges_make_the_destination_equal_or_say_what_is_not)
{
	for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
		random_start(seed + 1000000);
		round_trip(VIEW_NO_BASE, 0, seed);
		for (unsigned int k = 0; k < 3; k++) {
			if (model_difference(&mo, true) != NULL)
				break;	/* blocked: the base would not be one */
			model_base(&mo);
			for (unsigned int n = rng_below(&mo.rng, 6); n > 0; n--)
				model_step(&mo, rng_below(&mo.rng, 4) == 0);
			round_trip(VIEW_DELTA, 0, seed);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "merge_laws");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, two_way_merges_end_equal_and_lose_nothing);
	tcase_add_test(tcase, a_lost_base_loses_nothing);
	tcase_add_test(tcase,
	    one_way_merges_make_the_destination_equal_or_say_what_is_not);
	return unit_run(suite);
}
