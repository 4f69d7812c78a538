/*
 * How small histories begin: two stores with two messages and two mailboxes,
 * synchronised.  That comes in a few ways, with other identities each; what came
 * of one is put in place for all histories that begin with it.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

#define STARTS	16U	/* a multiple of the ways to keep modseqs */

static struct start {
	bool made;
	struct sim sim;		/* its worlds are under no path */
	struct sim_log_copy log[2];
} starts[STARTS];

/* An array of its own with the same items. */
#define OWN(a)								\
	do {								\
		(a)->v = (a)->n == 0 ? NULL :				\
		    mem_dup((a)->v, (a)->n * sizeof(*(a)->v));		\
		(a)->cap = (a)->n;					\
	} while (0)

static void
own_arrays(struct sim *sim)
{
	for (unsigned int s = 0; s < 2; s++) {
		OWN(&sim->site[s].uids);
		OWN(&sim->site[s].known);
	}
	OWN(&sim->bodies);
	OWN(&sim->model.guids);
	OWN(&sim->model.inst);
	OWN(&sim->model.loose);
	/* Those of before a run are of no use after it. */
	sim->model.before.n = 0;
	OWN(&sim->model.before);
	OWN(&sim->attributes.list);
	sim->attributes.before.n = 0;
	OWN(&sim->attributes.before);
}

static void
free_arrays(struct sim *sim)
{
	for (unsigned int s = 0; s < 2; s++) {
		ARRAY_FREE(&sim->site[s].uids);
		ARRAY_FREE(&sim->site[s].known);
	}
	ARRAY_FREE(&sim->bodies);
	sim_model_free(&sim->model);
	sim_attributes_free(&sim->attributes);
}

static bool
meet(struct sim *sim)
{
	static const struct sim_op ops[] = {
		{ .kind = SIM_MAKE }, { .kind = SIM_DELIVER },
		{ .kind = SIM_DELIVER, .c = 8 },
	};
	struct sim_run run = { .seed = 0 };

	for (size_t i = 0; i < nitems(ops); i++)
		sim_client(sim, &ops[i]);
	if (!sim_run(sim, &run) || !run.ended)
		return sim_fail(sim, "the first run fails");
	sim_note_clean(sim);
	return true;
}

static void
keep(const struct sim *sim, struct start *start)
{
	start->sim = *sim;
	own_arrays(&start->sim);
	for (unsigned int s = 0; s < 2; s++) {
		struct sim_site *site = &start->sim.site[s];

		site->world = memory_world_copy(sim->site[s].world);
		memory_world_become(site->world, sim->site[s].world);
		site->log = NULL;
		sim_log_take(&sim->site[s], &start->log[s]);
	}
	start->made = true;
}

/* The simulation has just begun, and nothing was done in it. */
static void
begin_with(struct sim *sim, const struct start *start)
{
	struct sim fresh = *sim;

	free_arrays(sim);
	*sim = start->sim;
	own_arrays(sim);
	sim->ring = fresh.ring;
	/* Those are told that were played. */
	sim->runs = sim->messages = 0;
	for (unsigned int s = 0; s < 2; s++) {
		sim->site[s].world = fresh.site[s].world;
		sim->site[s].log = fresh.site[s].log;
		memory_world_become(sim->site[s].world,
		    start->sim.site[s].world);
		sim_log_put(&sim->site[s], &start->log[s]);
	}
}

bool
sim_start(struct sim *sim)
{
	struct start *start = &starts[sim->seed % STARTS];
	struct rng random = sim_random;
	bool kept = !sim->verbose && !sim->site[0].log_files, ok = true;

	if (kept && start->made) {
		begin_with(sim, start);
		return true;
	}
	sim_random.state = sim->seed % STARTS + 1;
	ok = meet(sim);
	sim_random = random;
	if (ok && kept)
		keep(sim, start);
	return ok;
}

void
sim_starts_free(void)
{
	for (size_t i = 0; i < nitems(starts); i++) {
		struct start *start = &starts[i];

		if (!start->made)
			continue;
		free_arrays(&start->sim);
		for (unsigned int s = 0; s < 2; s++) {
			memory_world_free(&start->sim.site[s].world);
			sim_log_copy_free(&start->log[s]);
		}
		start->made = false;
	}
}
