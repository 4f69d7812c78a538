/*
 * msg_random.h - random messages that a peer could send, and their comparison
 */
#ifndef SUPPORT_MSG_RANDOM_H
#define SUPPORT_MSG_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/msg.h"

/* A sequence that is the same for the same start. */
struct rng {
	uint64_t state;
};

/* 0..n-1 */
uint32_t rng_below(struct rng *rng, uint32_t n);
uint64_t rng_u64(struct rng *rng);

/*
 * A message of this kind with random content, within every limit and often at
 * one.  Memory from arena.
 */
struct msg msg_random(struct arena *arena, struct rng *rng,
    enum msg_kind kind);

/* Of which content a message of this kind has, all of it equal. */
bool msg_equal(const struct msg *a, const struct msg *b);

#endif
