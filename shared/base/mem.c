#include "config.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"

void
mem_fatal(const char *why)
{
	static const char end[] = ": process ends\n";
	ssize_t ignored;

	/* No stdio: it may want memory, and exit handlers may too. */
	ignored = write(STDERR_FILENO, why, strlen(why));
	ignored = write(STDERR_FILENO, end, sizeof(end) - 1);
	(void)ignored;
	_exit(EX_TEMPFAIL);
}

void *
mem_calloc(size_t n, size_t size)
{
	void *p;

	if (size != 0 && n > SIZE_MAX / size)
		mem_fatal("size overflow");
	if (n == 0 || size == 0)
		n = size = 1;
	if ((p = calloc(n, size)) == NULL)
		mem_fatal("out of memory");
	return p;
}

void *
mem_alloc(size_t size)
{
	return mem_calloc(1, size);
}

void *
mem_space(size_t size)
{
	void *p = malloc(size > 0 ? size : 1);

	if (p == NULL)
		mem_fatal("out of memory");
	return p;
}

void *
mem_dup(const void *data, size_t len)
{
	void *p = mem_alloc(len);

	if (len > 0)
		memcpy(p, data, len);
	return p;
}

char *
mem_strdup(const char *str)
{
	return mem_dup(str, strlen(str) + 1);
}

char *
mem_strndup(const char *str, size_t len)
{
	char *p;

	len = strnlen(str, len);
	if (len == SIZE_MAX)
		mem_fatal("size overflow");
	p = mem_alloc(len + 1);
	memcpy(p, str, len);
	return p;
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *p = NULL;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) == -1)
		mem_fatal("out of memory");
	va_end(ap);
	return p;
}
