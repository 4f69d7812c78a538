/*
 * mem.h - memory from the heap, or the end of the process
 *
 * For small things whose size nobody outside chooses.  What a peer or a file
 * sizes is checked against a named limit first.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Zeroed memory; never NULL, also for 0 bytes.  Free it with free(). */
void *mem_alloc(size_t size);
/* As mem_alloc, with any content: a buffer that is filled before it is read. */
void *mem_space(size_t size);
/* As mem_alloc for n items of size bytes; overflow ends the process. */
void *mem_calloc(size_t n, size_t size);
void *mem_dup(const void *data, size_t len);
char *mem_strdup(const char *str);
/* The first len bytes of str, or all if a NUL comes before. */
char *mem_strndup(const char *str, size_t len);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Say why on standard error and end with EX_TEMPFAIL, nothing else done. */
_Noreturn void mem_fatal(const char *why);

#endif
