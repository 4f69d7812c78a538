/*
 * clock.h - the time, which tests can set
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Wall clock, milliseconds since 1970 UTC. */
uint64_t clock_now_ms(void);

/* A clock that never goes back, milliseconds since some start. */
uint64_t clock_mono_ms(void);

/* From now on both clocks answer ms; 0: the real clocks again. */
void clock_set(uint64_t ms);

#endif
