/*
 * arena.h - memory freed all at once
 *
 * For the plain data of one pass: names, records, plans.  Not for message
 * bodies, which are streamed.  Running out of memory, or of the arena's limit,
 * ends the process: callers that take sizes from a peer or a file check them
 * against a named limit first.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

/* A new arena that may grow to limit bytes. */
struct arena *arena_new(size_t limit);

/* Free the arena and all that was allocated in it.  NULL is allowed. */
void arena_free(struct arena **arena);

/* Zeroed memory, aligned for any type; never NULL. */
void *arena_alloc(struct arena *arena, size_t size);

/* As arena_alloc for n items of size bytes; overflow ends the process. */
void *arena_calloc(struct arena *arena, size_t n, size_t size);

void *arena_memdup(struct arena *arena, const void *data, size_t len);
char *arena_strdup(struct arena *arena, const char *str);
char *arena_strndup(struct arena *arena, const char *str, size_t len);

/* Bytes handed out so far. */
size_t arena_used(const struct arena *arena);

#endif
