#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "chlog/chlog_int.h"

#define TOMB_COLUMNS "id, mailbox, uid, guid, mark, more_marks, seq, run, " \
	"born_seq, born_run, time"

static int
read_tomb(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    struct chlog_tombstone *tomb, struct err *err)
{
	memset(tomb, 0, sizeof(*tomb));
	tomb->id = sqlite3_column_int64(stmt, 0);
	if (chlog_column_guid(log, stmt, 1, &tomb->mailbox, err) == -1)
		return -1;
	tomb->g.uid = (uint32_t)sqlite3_column_int64(stmt, 2);
	tomb->g.guid = chlog_column_text(stmt, 3, arena);
	if (tomb->g.guid == NULL ||
	    !guid_text_valid(tomb->g.guid, strlen(tomb->g.guid)))
		return chlog_corrupt(log, "a GUID", err);
	if (chlog_column_marks(log, stmt, 4, arena, &tomb->g.marks,
	    &tomb->g.mark_count, err) == -1)
		return -1;
	tomb->seq = (uint64_t)sqlite3_column_int64(stmt, 6);
	tomb->run = chlog_column_run(stmt, 7);
	tomb->born_seq = (uint64_t)sqlite3_column_int64(stmt, 8);
	tomb->born_run = chlog_column_run(stmt, 9);
	tomb->time = (uint64_t)sqlite3_column_int64(stmt, 10);
	return 0;
}

#define FEW_CHANGES	1000	/* so many are sorted, more are filtered */

static ptrdiff_t
count_changed(struct chlog *log, const struct guid128 *mailbox,
    const struct chlog_since *since, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT count(*) FROM (SELECT 1 "
	    "FROM tombstone INDEXED BY tombstone_by_seq WHERE mailbox = ?1 "
	    "AND seq > ?2 AND run IS NOT ?3 LIMIT ?4)", err);
	ptrdiff_t count;

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, mailbox);
	sqlite3_bind_int64(stmt, 2, (int64_t)since->seq);
	sqlite3_bind_int64(stmt, 3, since->run);
	sqlite3_bind_int64(stmt, 4, FEW_CHANGES + 1);
	if (chlog_row(log, stmt, "tombstones", err) == -1)
		return -1;
	count = (ptrdiff_t)sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return count;
}

/* As chlog_mails: few are sorted, many are picked out in order. */
static sqlite3_stmt *
page_stmt(struct chlog *log, const struct chlog_since *since,
    ptrdiff_t changed, struct err *err)
{
	if (since == NULL)
		return chlog_stmt(log, "SELECT " TOMB_COLUMNS " FROM tombstone "
		    "INDEXED BY tombstone_by_uid WHERE mailbox = ?1 AND "
		    "(uid, id) > (?2, ?3) AND uid <= ?4 "
		    "ORDER BY uid, id LIMIT ?5", err);
	if (changed <= FEW_CHANGES)
		return chlog_stmt(log, "SELECT " TOMB_COLUMNS " FROM tombstone "
		    "INDEXED BY tombstone_by_seq WHERE mailbox = ?1 AND "
		    "(uid, id) > (?2, ?3) AND uid <= ?4 AND seq > ?6 AND "
		    "run IS NOT ?7 ORDER BY uid, id LIMIT ?5", err);
	return chlog_stmt(log, "SELECT " TOMB_COLUMNS " FROM tombstone "
	    "INDEXED BY tombstone_by_uid WHERE mailbox = ?1 AND "
	    "(uid, id) > (?2, ?3) AND uid <= ?4 AND seq > ?6 AND "
	    "run IS NOT ?7 ORDER BY uid, id LIMIT ?5", err);
}

ptrdiff_t
chlog_tombstones(struct chlog *log, const struct guid128 *mailbox,
    uint32_t after, int64_t after_id, uint32_t last,
    const struct chlog_since *since, struct arena *arena,
    struct chlog_tombstone *list, size_t max, struct err *err)
{
	sqlite3_stmt *stmt;
	ptrdiff_t changed = 0, count = 0;
	int r = 0;

	if (since != NULL &&
	    (changed = count_changed(log, mailbox, since, err)) <= 0)
		return changed;
	if ((stmt = page_stmt(log, since, changed, err)) == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, mailbox);
	sqlite3_bind_int64(stmt, 2, after);
	sqlite3_bind_int64(stmt, 3, after_id);
	sqlite3_bind_int64(stmt, 4, last);
	sqlite3_bind_int64(stmt, 5, (int64_t)max);
	if (since != NULL) {
		sqlite3_bind_int64(stmt, 6, (int64_t)since->seq);
		sqlite3_bind_int64(stmt, 7, since->run);
	}
	while ((size_t)count < max &&
	    (r = chlog_row(log, stmt, "tombstones", err)) == 1) {
		if ((r = read_tomb(log, stmt, arena, &list[count],
		    err)) == -1)
			break;
		count++;
	}
	sqlite3_reset(stmt);
	return r == -1 ? -1 : count;
}

ptrdiff_t
chlog_tombstone_mailboxes(struct chlog *log, const struct chlog_since *since,
    struct arena *arena, struct guid128 **list_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT DISTINCT mailbox FROM "
	    "tombstone WHERE seq > ?1 AND run IS NOT ?2 ORDER BY mailbox",
	    err);
	ARRAY(struct guid128) list = { 0 };
	ptrdiff_t count = -1;
	int r;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, (int64_t)since->seq);
	sqlite3_bind_int64(stmt, 2, since->run);
	while ((r = chlog_row(log, stmt, "tombstones", err)) == 1)
		if (chlog_column_guid(log, stmt, 0, ARRAY_ADD(&list),
		    err) == -1)
			goto out;
	if (r == -1)
		goto out;
	*list_r = arena_calloc(arena, list.n, sizeof(*list.v));
	if (list.n > 0)
		memcpy(*list_r, list.v, list.n * sizeof(*list.v));
	count = (ptrdiff_t)list.n;
out:
	sqlite3_reset(stmt);
	ARRAY_FREE(&list);
	return count;
}

int
chlog_tombstone_find_mark(struct chlog *log, const struct guid128 *mailbox,
    const struct guid128 *mark, struct arena *arena,
    struct chlog_tombstone *tomb_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT " TOMB_COLUMNS " FROM "
	    "tombstone WHERE +mailbox = ?2 AND id IN ("
	    "SELECT id FROM tombstone INDEXED BY tombstone_by_mark WHERE "
	    "mark = ?1 UNION ALL SELECT tombstone FROM extra_mark WHERE "
	    "mark = ?1 AND tombstone IS NOT NULL) ORDER BY id DESC LIMIT 1",
	    err);
	int r;

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, mark);
	chlog_bind_guid(stmt, 2, mailbox);
	r = chlog_row(log, stmt, "tombstones", err);
	if (r == 1 && read_tomb(log, stmt, arena, tomb_r, err) == -1)
		r = -1;
	sqlite3_reset(stmt);
	return r;
}

int
chlog_tombstone_put(struct chlog *log, const struct chlog_tombstone *tomb,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "INSERT INTO tombstone (mailbox, "
	    "uid, guid, mark, more_marks, seq, run, born_seq, born_run, time) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", err);
	int64_t id;

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, &tomb->mailbox);
	sqlite3_bind_int64(stmt, 2, tomb->g.uid);
	sqlite3_bind_text(stmt, 3, tomb->g.guid, -1, SQLITE_TRANSIENT);
	chlog_bind_marks(stmt, 4, tomb->g.marks, tomb->g.mark_count);
	sqlite3_bind_int64(stmt, 6, (int64_t)tomb->seq);
	chlog_bind_run(stmt, 7, tomb->run);
	sqlite3_bind_int64(stmt, 8, (int64_t)tomb->born_seq);
	chlog_bind_run(stmt, 9, tomb->born_run);
	sqlite3_bind_int64(stmt, 10, (int64_t)tomb->time);
	if (chlog_run_stmt(log, stmt, "tombstone", err) == -1)
		return -1;
	id = sqlite3_last_insert_rowid(log->db);
	for (size_t i = 1; i < tomb->g.mark_count; i++) {
		stmt = chlog_stmt(log, "INSERT INTO extra_mark (mark, "
		    "tombstone) VALUES (?1, ?2)", err);
		if (stmt == NULL)
			return -1;
		chlog_bind_guid(stmt, 1, &tomb->g.marks[i]);
		sqlite3_bind_int64(stmt, 2, id);
		if (chlog_run_stmt(log, stmt, "marks", err) == -1)
			return -1;
	}
	return 0;
}
