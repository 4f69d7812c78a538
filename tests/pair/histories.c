#include "config.h"

#include "histories.h"
#include "log/log.h"

void
history_play(uint64_t seed, const struct sim_op *list, size_t n)
{
	struct sim_setup setup = sim_setup_of(seed);
	struct sim_result result = { .runs = 0 };
	struct sim_ops ops = { 0 };
	bool ok;

	log_level_set(LOG_LEVEL_ERROR);
	for (size_t i = 0; i < n; i++)
		*ARRAY_ADD(&ops) = list[i];
	ok = sim_play(&ops, &setup, false, &result);
	if (!ok)
		(void)sim_play(&ops, &setup, true, &result);
	ARRAY_FREE(&ops);
	sim_cleanup();
	ck_assert_msg(ok, "%s", result.why);
}
