#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "chlog/chlog_int.h"

#define FIRST_ROOM	16U	/* items */

/* Read the next row into an item: 1, 0 if there is none, -1. */
static int
read_next(struct chlog *log, sqlite3_stmt *stmt,
    const struct chlog_rows *rows, struct arena *arena, void *item,
    struct err *err)
{
	int r = chlog_row(log, stmt, rows->what, err);

	if (r != 1)
		return r;
	memset(item, 0, rows->size);
	return rows->read(log, stmt, arena, item, err) == -1 ? -1 : 1;
}

ptrdiff_t
chlog_read_some(struct chlog *log, sqlite3_stmt *stmt,
    const struct chlog_rows *rows, struct arena *arena, void *list,
    size_t max, struct err *err)
{
	char *items = list;
	size_t n = 0;
	int r = 0;

	while (n < max && (r = read_next(log, stmt, rows, arena,
	    items + n * rows->size, err)) == 1)
		n++;
	sqlite3_reset(stmt);
	return r == -1 ? -1 : (ptrdiff_t)n;
}

int
chlog_read_one(struct chlog *log, sqlite3_stmt *stmt,
    const struct chlog_rows *rows, struct arena *arena, void *item,
    struct err *err)
{
	return (int)chlog_read_some(log, stmt, rows, arena, item, 1, err);
}

/* The items move to an array twice as large. */
static void *
more_room(void *old, size_t n, size_t size)
{
	char *items = mem_calloc(2 * n, size);

	memcpy(items, old, n * size);
	free(old);
	return items;
}

ptrdiff_t
chlog_read_all(struct chlog *log, sqlite3_stmt *stmt,
    const struct chlog_rows *rows, struct arena *arena, void **list_r,
    struct err *err)
{
	size_t n = 0, room = FIRST_ROOM;
	char *items = mem_calloc(room, rows->size);
	int r;

	while ((r = read_next(log, stmt, rows, arena, items + n * rows->size,
	    err)) == 1) {
		if (++n < room)
			continue;
		items = more_room(items, n, rows->size);
		room = 2 * n;
	}
	sqlite3_reset(stmt);
	if (r == 0) {
		*list_r = arena_calloc(arena, n, rows->size);
		if (n > 0)
			memcpy(*list_r, items, n * rows->size);
	}
	free(items);
	return r == -1 ? -1 : (ptrdiff_t)n;
}
