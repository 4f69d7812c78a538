/*
 * histories.h - histories as test cases
 *
 * Each failed once, and is as small as it could be made.  A name says what
 * holds now.
 */
#ifndef PAIR_HISTORIES_H
#define PAIR_HISTORIES_H

#include "base/array.h"
#include "sim.h"
#include "tests/support/unit.h"

#define A 0U
#define B 1U
#define C 2U

/* Play a history; one that fails is told. */
void history_play(uint64_t seed, const struct sim_op *list, size_t n);

#define HISTORY(name, seed, ...)					\
START_TEST(name)							\
{									\
	static const struct sim_op list[] = { __VA_ARGS__ };		\
									\
	history_play(seed, list, nitems(list));				\
}									\
END_TEST

#endif
