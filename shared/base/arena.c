#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

#define ARENA_ALIGN	_Alignof(max_align_t)
#define CHUNK_MIN	((size_t)1024)		/* bytes */
#define CHUNK_MAX	((size_t)256 * 1024)	/* bytes, if not one item */

struct chunk {
	struct chunk *next;
	size_t used, size;		/* bytes of data */
	max_align_t data[];
};

struct arena {
	struct chunk *first;		/* the one that is being filled */
	size_t limit, used;		/* bytes */
	size_t chunk_size;		/* of the next chunk */
};

struct arena *
arena_new(size_t limit)
{
	struct arena *arena = mem_alloc(sizeof(*arena));

	arena->limit = limit;
	arena->chunk_size = CHUNK_MIN;
	return arena;
}

void
arena_free(struct arena **arena)
{
	struct chunk *chunk, *next;

	if (*arena == NULL)
		return;
	for (chunk = (*arena)->first; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(*arena);
	*arena = NULL;
}

static struct chunk *
chunk_new(size_t size)
{
	struct chunk *chunk = mem_alloc(sizeof(*chunk) + size);

	chunk->size = size;
	return chunk;
}

/*
 * A large item gets a chunk of its own behind the first, so that the room left
 * in the first one is still used.
 */
static struct chunk *
arena_large(struct arena *arena, size_t size)
{
	struct chunk *chunk = chunk_new(size);

	if (arena->first != NULL) {
		chunk->next = arena->first->next;
		arena->first->next = chunk;
	} else
		arena->first = chunk;
	return chunk;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct chunk *chunk = arena->first;
	void *p;

	if (size > SIZE_MAX / 2)
		mem_fatal("size overflow");
	if (size == 0)
		size = 1;
	size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (arena->used > arena->limit || size > arena->limit - arena->used)
		mem_fatal("arena is full");
	if (chunk == NULL || size > chunk->size - chunk->used) {
		if (size > arena->chunk_size / 4)
			chunk = arena_large(arena, size);
		else {
			chunk = chunk_new(arena->chunk_size);
			chunk->next = arena->first;
			arena->first = chunk;
			if (arena->chunk_size < CHUNK_MAX)
				arena->chunk_size *= 2;
		}
	}
	p = (unsigned char *)chunk->data + chunk->used;
	chunk->used += size;
	arena->used += size;
	return p;
}

void *
arena_calloc(struct arena *arena, size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		mem_fatal("size overflow");
	return arena_alloc(arena, n * size);
}

void *
arena_memdup(struct arena *arena, const void *data, size_t len)
{
	void *p = arena_alloc(arena, len);

	if (len > 0)
		memcpy(p, data, len);
	return p;
}

char *
arena_strdup(struct arena *arena, const char *str)
{
	return arena_memdup(arena, str, strlen(str) + 1);
}

char *
arena_strndup(struct arena *arena, const char *str, size_t len)
{
	char *p;

	len = strnlen(str, len);
	if (len == SIZE_MAX)
		mem_fatal("size overflow");
	p = arena_alloc(arena, len + 1);
	memcpy(p, str, len);
	return p;
}

size_t
arena_used(const struct arena *arena)
{
	return arena->used;
}
