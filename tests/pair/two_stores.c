#include "config.h"

#include <stdio.h>

#include "log/log.h"
#include "tests/pair/two_stores.h"
#include "tests/support/unit.h"

struct sim sim;
struct sim_run run;

void
two_stores_setup(void)
{
	const struct sim_setup plain = { .seed = 4, .sites = 2 };

	/* Stores that contradict themselves are warned of. */
	log_level_set(LOG_LEVEL_ERROR);
	sim_init(&sim, &plain, false);
}

void
two_stores_teardown(void)
{
	sim_deinit(&sim);
	sim_cleanup();
}

void
two_stores_create(unsigned int s, const char *box)
{
	ck_assert_int_eq(memory_client_create(sim.site[s].world, box), 0);
}

void
two_stores_add(unsigned int s, const char *box, unsigned int number,
    const char *guid, int width)
{
	struct mail_info info = { .guid = guid, .received = 1000000000 };
	char body[128];
	int len = snprintf(body, sizeof(body), "Subject: %u\r\n\r\n%*d\r\n",
	    number, width, 0);

	ck_assert_int_eq(memory_client_append(sim.site[s].world, box, &info,
	    body, (size_t)len, NULL), 0);
}
