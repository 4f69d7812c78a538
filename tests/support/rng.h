/*
 * rng.h - chance that repeats
 */
#ifndef SUPPORT_RNG_H
#define SUPPORT_RNG_H

#include <stdint.h>

/* A sequence that is the same for the same start. */
struct rng {
	uint64_t state;
};

/* 0..n-1 */
uint32_t rng_below(struct rng *rng, uint32_t n);
uint64_t rng_u64(struct rng *rng);

#endif
