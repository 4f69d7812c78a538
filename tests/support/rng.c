#include "config.h"

#include "tests/support/rng.h"

uint64_t
rng_u64(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ULL;

	/* splitmix64 */
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

uint32_t
rng_below(struct rng *rng, uint32_t n)
{
	return (uint32_t)(rng_u64(rng) % n);
}
