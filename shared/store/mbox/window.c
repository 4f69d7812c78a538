#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/mbox/window.h"

void
window_init(struct window *w, int fd, uint64_t size)
{
	*w = (struct window){ .fd = fd, .size = size };
	w->buf = mem_alloc(WINDOW_SIZE);
}

void
window_deinit(struct window *w)
{
	free(w->buf);
	w->buf = NULL;
}

static int
fill(struct window *w, uint64_t offset, struct err *err)
{
	uint64_t left = w->size - offset;
	size_t want = left < WINDOW_SIZE ? (size_t)left : WINDOW_SIZE;
	ssize_t n;

	w->start = offset;
	w->len = 0;
	while (w->len < want) {
		n = pread(w->fd, w->buf + w->len, want - w->len,
		    (off_t)(offset + w->len));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "read");
		if (n == 0)
			return err_set(err, ERR_TEMP,
			    "the file became shorter while it was read");
		w->len += (size_t)n;
	}
	return 0;
}

const char *
window_at(struct window *w, uint64_t offset, size_t want, size_t *got_r,
    struct err *err)
{
	uint64_t end = w->start + w->len;

	*got_r = 0;
	if (offset >= w->size)
		return w->buf;
	if (want > w->size - offset)
		want = (size_t)(w->size - offset);
	if ((offset < w->start || offset > end || end - offset < want ||
	    end == offset) && fill(w, offset, err) == -1)
		return NULL;
	*got_r = (size_t)(w->start + w->len - offset);
	return w->buf + (offset - w->start);
}

int
window_peek(struct window *w, uint64_t offset, void *out, size_t want,
    size_t *got_r, struct err *err)
{
	ssize_t n;

	if (offset >= w->size)
		want = 0;
	else if (want > w->size - offset)
		want = (size_t)(w->size - offset);
	*got_r = want;
	if (want == 0)
		return 0;
	if (offset >= w->start && offset - w->start <= w->len &&
	    w->len - (size_t)(offset - w->start) >= want) {
		memcpy(out, w->buf + (offset - w->start), want);
		return 0;
	}
	n = pread(w->fd, out, want, (off_t)offset);
	if (n == -1)
		return err_sys(err, "read");
	if ((size_t)n != want)
		return err_set(err, ERR_TEMP,
		    "the file became shorter while it was read");
	return 0;
}

int
window_line(struct window *w, uint64_t offset, struct window_line *line_r,
    struct err *err)
{
	const char *p, *lf;
	size_t got;
	uint64_t at;

	if (offset >= w->size)
		return 0;
	if ((p = window_at(w, offset, 1, &got, err)) == NULL)
		return -1;
	lf = memchr(p, '\n', got);
	if (lf == NULL && got < WINDOW_LINE_MAX) {
		p = window_at(w, offset, WINDOW_LINE_MAX, &got, err);
		if (p == NULL)
			return -1;
		lf = memchr(p, '\n', got);
	}
	*line_r = (struct window_line){ .complete = lf != NULL,
	    .len = lf != NULL ? (size_t)(lf - p) : got };
	if (line_r->len > WINDOW_LINE_MAX)
		line_r->len = WINDOW_LINE_MAX;
	line_r->next = lf != NULL ? offset + (size_t)(lf - p) + 1 :
	    offset + got;
	/* A longer line: its end is looked for, its start is shown. */
	for (at = line_r->next; !line_r->complete && at < w->size;
	    at += got) {
		if ((p = window_at(w, at, 1, &got, err)) == NULL)
			return -1;
		lf = memchr(p, '\n', got);
		if (lf != NULL) {
			line_r->complete = true;
			got = (size_t)(lf - p) + 1;
		}
		line_r->next = at + got;
	}
	if ((p = window_at(w, offset, line_r->len, &got, err)) == NULL)
		return -1;
	line_r->text = p;
	return 1;
}
