/*
 * msg_random.h - random messages that a peer could send, and their comparison
 */
#ifndef SUPPORT_MSG_RANDOM_H
#define SUPPORT_MSG_RANDOM_H

#include <stdbool.h>

#include "base/arena.h"
#include "model/msg.h"
#include "tests/support/rng.h"

/*
 * A message of this kind with random content, within every limit and often at
 * one.  Memory from arena.
 */
struct msg msg_random(struct arena *arena, struct rng *rng,
    enum msg_kind kind);

/* Of which content a message of this kind has, all of it equal. */
bool msg_equal(const struct msg *a, const struct msg *b);

#endif
