/* The two sites, their copies, and chance. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sim.h"

#define START_MS	1700000000000ULL

struct rng sim_random;
bool sim_trace;

void __wrap_random_bytes(void *out, size_t len);

/* In place of the real one; see local.mk. */
void
__wrap_random_bytes(void *out, size_t len)
{
	uint8_t *p = out;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_u64(&sim_random);
}

void
sim_copy_take(const struct sim_site *site, struct sim_copy *copy)
{
	sim_copy_free(copy);
	copy->world = memory_world_copy(site->world);
	sim_log_take(site, &copy->log);
}

void
sim_copy_put(struct sim_site *site, const struct sim_copy *copy, bool with_log)
{
	memory_world_restore(site->world, copy->world);
	if (with_log)
		sim_log_put(site, &copy->log);
}

void
sim_copy_free(struct sim_copy *copy)
{
	if (copy->world != NULL)
		memory_world_free(&copy->world);
	sim_log_copy_free(&copy->log);
}

void
sim_init(struct sim *sim, const struct sim_setup *setup, bool verbose)
{
	static const char *const paths[SIM_SITES_MAX] = {
		"/sim-a", "/sim-b", "/sim-c",
	};
	static const enum memory_modseqs modseqs[][SIM_SITES_MAX] = {
		{ MEMORY_MODSEQ_EXACT, MEMORY_MODSEQ_EXACT,
		    MEMORY_MODSEQ_EXACT },
		{ MEMORY_MODSEQ_EXACT, MEMORY_MODSEQ_COUNTED,
		    MEMORY_MODSEQ_COUNTED },
		{ MEMORY_MODSEQ_COUNTED, MEMORY_MODSEQ_COUNTED,
		    MEMORY_MODSEQ_EXACT },
		{ MEMORY_MODSEQ_NONE, MEMORY_MODSEQ_EXACT,
		    MEMORY_MODSEQ_COUNTED },
	};

	memset(sim, 0, sizeof(*sim));
	sim->seed = setup->seed;
	sim->verbose = verbose;
	sim->sites = setup->sites;
	sim->pair[1] = 1;
	sim->ring = setup->seed % 2 != 0;
	sim->clock = START_MS;
	sim_random.state = setup->seed ^ 0x5eedULL;
	for (unsigned int s = 0; s < sim->sites; s++) {
		sim->site[s].path = paths[s];
		sim->site[s].log_files = setup->log_files;
		sim->site[s].log_locks = setup->log_locks;
		sim->site[s].world = memory_world_new(paths[s]);
		sim_log_lose(&sim->site[s]);
		memory_world_modseqs(sim->site[s].world,
		    modseqs[setup->seed % nitems(modseqs)][s]);
	}
	if (setup->forbids) {
		sim->forbids = true;
		sim->strict = setup->seed >= SIM_SEED_SHORT;
		memory_world_forbid(sim->site[1].world, "z");
	}
	clock_set(sim->clock);
}

void
sim_deinit(struct sim *sim)
{
	for (unsigned int s = 0; s < sim->sites; s++) {
		struct sim_site *site = &sim->site[s];

		sim_log_lose(site);
		sim_copy_free(&site->copy);
		memory_world_free(&site->world);
		ARRAY_FREE(&site->uids);
		ARRAY_FREE(&site->known);
	}
	ARRAY_FREE(&sim->bodies);
	sim_model_free(&sim->model);
	sim_attributes_free(&sim->attributes);
	clock_set(0);
}

struct sim_site *
sim_at(struct sim *sim, unsigned int s)
{
	return &sim->site[sim->pair[s]];
}

bool
sim_fail(struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (sim->failed)
		return false;
	sim->failed = true;
	va_start(ap, fmt);
	(void)vsnprintf(sim->why, sizeof(sim->why), fmt, ap);
	va_end(ap);
	return false;
}

void
sim_say(const struct sim *sim, const char *fmt, ...)
{
	va_list ap;

	if (!sim->verbose)
		return;
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}
