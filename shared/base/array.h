/*
 * array.h - growing typed arrays
 *
 *	ARRAY(struct move) moves = { 0 };
 *	*ARRAY_ADD(&moves) = (struct move){ ... };
 *	ARRAY_FREE(&moves);
 *
 * Memory comes from the heap; running out of it ends the process.
 */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>

#define nitems(a)	(sizeof(a) / sizeof((a)[0]))

#define ARRAY(type)	struct { type *v; size_t n, cap; }
/* The same with a tag, for arrays that functions pass on. */
#define ARRAY_TYPE(tag, type)	struct tag { type *v; size_t n, cap; }

/* A pointer to a new, zeroed last element; valid until the next ARRAY_ADD. */
#define ARRAY_ADD(a)							\
	((a)->v = array_grow((a)->v, (a)->n, &(a)->cap, sizeof(*(a)->v)), \
	    &(a)->v[(a)->n++])

#define ARRAY_FREE(a)							\
	do {								\
		array_free((a)->v);					\
		(a)->v = NULL;						\
		(a)->n = (a)->cap = 0;					\
	} while (0)

/* Make room for one more of n items and zero it; used by the macros. */
void *array_grow(void *v, size_t n, size_t *cap, size_t size);
void array_free(void *v);

/* For qsort and bsearch: uint32_t, rising. */
int array_u32_cmp(const void *a, const void *b);

#endif
