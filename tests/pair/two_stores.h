/*
 * two_stores.h - two stores in memory, and runs between them, as a test wants
 *
 * The fixture of programs that say themselves what is in the stores: sim is
 * there between two_stores_setup() and two_stores_teardown().
 */
#ifndef PAIR_TWO_STORES_H
#define PAIR_TWO_STORES_H

#include "tests/pair/sim.h"

#define A 0U
#define B 1U

extern struct sim sim;
extern struct sim_run run;

void two_stores_setup(void);
void two_stores_teardown(void);
/* A mailbox of this name. */
void two_stores_create(unsigned int s, const char *box);
/*
 * A message, by its number in sim_count_body(), whose text has width bytes, from
 * 1 to 40.  guid may be NULL: it gets one of its own.
 */
void two_stores_add(unsigned int s, const char *box, unsigned int number,
    const char *guid, int width);

#endif
