/*
 * Three stores in a chain or a ring, each pair of neighbours synchronised now
 * and then.  Left alone they come to rest, equal, with all that was not
 * expunged and nothing that was (P4).
 */
#include "config.h"

#include "sim.h"

#define ROUNDS_MAX	10U	/* of all pairs, until nothing is to be done */

static const unsigned int pairs[3][2] = { { 0, 1 }, { 1, 2 }, { 0, 2 } };

/* A ring has three pairs, a chain two. */
static unsigned int
pair_count(const struct sim *sim)
{
	return sim->ring ? 3 : 2;
}

static void
choose_pair(struct sim *sim, unsigned int n, bool turned)
{
	const unsigned int *pair = pairs[n % pair_count(sim)];

	sim->pair[0] = pair[turned];
	sim->pair[1] = pair[!turned];
}

void
sim_generate_three(uint64_t seed, struct sim_ops *ops)
{
	static const enum sim_kind kinds[] = {
		SIM_DELIVER, SIM_DELIVER, SIM_DROP, SIM_COPY, SIM_MOVE,
		SIM_MOVE, SIM_MOVE_BACK, SIM_FLAGS, SIM_FLAGS, SIM_KEYWORDS,
		SIM_EXPUNGE, SIM_EXPUNGE, SIM_CREATE, SIM_RENAME, SIM_DELETE,
		SIM_RECREATE, SIM_SUBSCRIBE, SIM_UNSUBSCRIBE, SIM_SWAP,
		SIM_CLOCK,
		SIM_PAIR_RUN, SIM_PAIR_RUN, SIM_PAIR_RUN, SIM_PAIR_RUN,
		SIM_PAIR_RUN, SIM_PAIR_RUN, SIM_PAIR_CUT, SIM_PAIR_CUT,
		SIM_PAIR_KILL,
	};
	struct rng rng = { seed * 0x2545f4914f6cdd1dULL + 7 };
	unsigned int n = 4 + rng_below(&rng, 9);

	*ARRAY_ADD(ops) = (struct sim_op){ .kind = SIM_REST };
	while (n-- > 0) {
		struct sim_op *op = ARRAY_ADD(ops);

		op->kind = kinds[rng_below(&rng, nitems(kinds))];
		op->side = rng_below(&rng, 3);
		op->a = rng_below(&rng, 1000);
		op->b = rng_below(&rng, 1000);
		op->c = rng_below(&rng, 1000);
	}
	*ARRAY_ADD(ops) = (struct sim_op){ .kind = SIM_REST };
}

/* Equal, and just what the model says. */
static bool
check_rest(struct sim *sim)
{
	for (unsigned int n = 0; n < 2; n++) {
		choose_pair(sim, n, false);
		if (!sim_check_equal(sim, false, 0))
			return false;
	}
	for (unsigned int site = 0; site < sim->sites; site++)
		if (!sim_model_check(sim, site))
			return false;
	return sim_attributes_check(sim);
}

static bool
rest(struct sim *sim, const struct sim_op *op)
{
	unsigned long operations;
	unsigned int quiet = 0;

	for (unsigned int round = 0; round < ROUNDS_MAX; round++) {
		operations = 0;
		for (unsigned int n = 0; n < pair_count(sim); n++) {
			struct sim_run run = { .seed = op->c + round };

			choose_pair(sim, n + op->a, op->b % 2 != 0);
			if (!sim_run(sim, &run) || !sim_check_uids(sim))
				return false;
			if (!run.ended)
				return sim_fail(sim, "a run that nothing "
				    "disturbs fails");
			operations += run.operations +
			    (run.outcome != BRAIN_PERFECT);
		}
		/* UIDNEXT travels without an operation, a pair a round. */
		quiet = operations == 0 ? quiet + 1 : 0;
		if (quiet == 2)
			return check_rest(sim);
	}
	return sim_fail(sim, "three stores do not come to rest");
}

bool
sim_three_op(struct sim *sim, const struct sim_op *op)
{
	struct sim_run run = { .seed = op->c };

	if (op->kind == SIM_REST)
		return rest(sim, op);
	choose_pair(sim, op->side, op->b % 2 != 0);
	if (op->kind == SIM_PAIR_CUT)
		run.cut_at = 1 + op->a % 60;
	if (op->kind == SIM_PAIR_KILL) {
		run.fail_at = 1 + op->a % 60;
		run.fail_side = op->b / 2 % 2;
	}
	return sim_run(sim, &run) && sim_check_uids(sim);
}
