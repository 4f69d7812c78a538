#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"

#define ARRAY_FIRST	8U	/* items of the first allocation */

void *
array_grow(void *v, size_t n, size_t *cap, size_t size)
{
	size_t new_cap;

	if (n == *cap) {
		if (*cap > SIZE_MAX / 2 / size)
			mem_fatal("size overflow");
		new_cap = *cap == 0 ? ARRAY_FIRST : *cap * 2;
		if ((v = reallocarray(v, new_cap, size)) == NULL)
			mem_fatal("out of memory");
		*cap = new_cap;
	}
	memset((char *)v + n * size, 0, size);
	return v;
}

void
array_free(void *v)
{
	free(v);
}

int
array_u32_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}
