#include "config.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/pool.h"

#define POOL_ALIGN	alignof(max_align_t)
#define POOL_KEEP	((size_t)32 * 1024)	/* bytes that stay allocated */
#define POOL_BLOCK	((size_t)64 * 1024)	/* bytes of a further one */

/* Memory beyond what is kept, for the rare large message. */
struct block {
	struct block *next;
	max_align_t data[];
};

struct pool {
	unsigned char *data;	/* the block that is being filled */
	size_t used, size;	/* bytes of it */
	size_t left;		/* bytes of the budget */
	size_t budget;
	struct block *blocks;
	max_align_t keep[POOL_KEEP / sizeof(max_align_t)];
};

struct pool *
pool_new(size_t budget)
{
	/* Most links use little of what is kept. */
	struct pool *pool = mem_space(sizeof(*pool));

	pool->blocks = NULL;
	pool->budget = budget;
	pool_reset(pool);
	return pool;
}

void
pool_free(struct pool **pool)
{
	if (*pool == NULL)
		return;
	pool_reset(*pool);
	free(*pool);
	*pool = NULL;
}

void
pool_reset(struct pool *pool)
{
	struct block *block;

	while ((block = pool->blocks) != NULL) {
		pool->blocks = block->next;
		free(block);
	}
	pool->data = (unsigned char *)pool->keep;
	pool->size = sizeof(pool->keep);
	pool->used = 0;
	pool->left = pool->budget;
}

void *
pool_alloc(struct pool *pool, size_t size)
{
	struct block *block;
	size_t block_size;
	void *p;

	if (size > pool->left)
		return NULL;
	size = (size + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
	if (size == 0)
		size = POOL_ALIGN;
	if (size > pool->left)
		return NULL;
	if (size > pool->size - pool->used) {
		block_size = size > POOL_BLOCK ? size : POOL_BLOCK;
		block = malloc(sizeof(*block) + block_size);
		if (block == NULL)
			return NULL;
		block->next = pool->blocks;
		pool->blocks = block;
		pool->data = (unsigned char *)block->data;
		pool->size = block_size;
		pool->used = 0;
	}
	p = pool->data + pool->used;
	pool->used += size;
	pool->left -= size;
	return p;
}

void *
pool_calloc(struct pool *pool, size_t n, size_t size)
{
	void *p;

	if (size != 0 && n > SIZE_MAX / size)
		return NULL;
	p = pool_alloc(pool, n * size);
	if (p != NULL)
		memset(p, 0, n * size);
	return p;
}
