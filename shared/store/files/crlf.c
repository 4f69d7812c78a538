#include "config.h"

#include <string.h>

#include "store/files/crlf.h"

#define CHUNK	8192U	/* bytes handed on at once */

int
crlf_write(bool *last_cr, const void *buf, size_t len, crlf_write_fn *write,
    struct mail_writer *writer, struct err *err)
{
	const char *p = buf, *end = p + len;
	char out[CHUNK];
	size_t n = 0;

	while (p < end) {
		/* A byte and its CR. */
		if (n + 2 > sizeof(out)) {
			if (write(writer, out, n, err) == -1)
				return -1;
			n = 0;
		}
		if (*p == '\n' && !*last_cr)
			out[n++] = '\r';
		*last_cr = *p == '\r';
		out[n++] = *p++;
	}
	return n > 0 ? write(writer, out, n, err) : 0;
}

uint64_t
crlf_count_bare(const char *p, size_t len, bool *last_cr)
{
	const char *end = p + len, *lf;
	uint64_t n = 0;

	for (lf = p; (lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL;
	    lf++) {
		if (lf == p ? !*last_cr : lf[-1] != '\r')
			n++;
	}
	if (len > 0)
		*last_cr = end[-1] == '\r';
	return n;
}
