#include "config.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

static uint64_t fixed_ms;	/* 0: the real clocks */

static uint64_t
clock_read_ms(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) == -1)
		abort();
	if (ts.tv_sec < 0)
		return 0;	/* before 1970: nobody has a stamp for that */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t
clock_now_ms(void)
{
	return fixed_ms != 0 ? fixed_ms : clock_read_ms(CLOCK_REALTIME);
}

uint64_t
clock_mono_ms(void)
{
	return fixed_ms != 0 ? fixed_ms : clock_read_ms(CLOCK_MONOTONIC);
}

void
clock_set(uint64_t ms)
{
	fixed_ms = ms;
}
