/*
 * pool.h - memory for one message, with a budget
 *
 * Emptied before each message and kept: messages of ordinary size cost no
 * call of malloc.  Unlike an arena it says no, since the sizes are a peer's.
 */
#ifndef WIRE_POOL_H
#define WIRE_POOL_H

#include <stddef.h>

struct pool;

/* A pool that hands out budget bytes at most between two resets. */
struct pool *pool_new(size_t budget);
void pool_free(struct pool **pool);

/* Everything handed out is gone. */
void pool_reset(struct pool *pool);

/* Memory, not zeroed, aligned for any type; NULL: above the budget. */
void *pool_alloc(struct pool *pool, size_t size);
/* As pool_alloc for n items of size bytes, zeroed. */
void *pool_calloc(struct pool *pool, size_t n, size_t size);

#endif
