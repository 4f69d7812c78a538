#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "store/files/problem.h"

#define TOLD_MAX	512U	/* bytes of one line, with a NUL */

void
store_tell(struct store *store, const struct err *why, const char *fmt, ...)
{
	char what[TOLD_MAX];
	va_list ap;

	if (store->problem == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	for (char *p = what; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	store->problem(what, why, store->problem_arg);
}
