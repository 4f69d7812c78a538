#include "config.h"

#include "base/array.h"
#include "chlog/chlog_int.h"

#define GC_INTERVAL_MS	(86400ULL * 1000)
#define RUNS_KEPT	1000	/* newest runs are kept without a position */

static int
read_position(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	struct chlog_position *pos = item;

	(void)arena;
	pos->id = sqlite3_column_int64(stmt, 0);
	pos->seq = (uint64_t)sqlite3_column_int64(stmt, 4);
	if (chlog_column_guid(log, stmt, 1, &pos->p.peer, err) == -1 ||
	    chlog_column_guid(log, stmt, 2, &pos->p.run, err) == -1)
		return -1;
	return chlog_column_guid(log, stmt, 3, &pos->p.scope, err);
}

static const struct chlog_rows positions = {
	"positions", sizeof(struct chlog_position), read_position,
};

ptrdiff_t
chlog_positions(struct chlog *log, const struct guid128 *peer,
    const struct guid128 *scope, struct chlog_position *list, size_t max,
    struct err *err)
{
	/* For the whole store nothing has to be sorted. */
	sqlite3_stmt *stmt = chlog_stmt(log, guid_is_zero(scope) ?
	    "SELECT id, peer, run, scope, seq FROM position WHERE peer = ?1 "
	    "AND scope = ?2 ORDER BY id DESC LIMIT ?3" :
	    "SELECT id, peer, run, scope, seq FROM position WHERE peer = ?1 "
	    "AND (scope = ?2 OR scope = zeroblob(16)) ORDER BY id DESC "
	    "LIMIT ?3", err);

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, peer);
	chlog_bind_guid(stmt, 2, scope);
	sqlite3_bind_int64(stmt, 3, (int64_t)max);
	return chlog_read_some(log, stmt, &positions, NULL, list, max, err);
}

static int
drop_older(struct chlog *log, const struct chlog_position *pos,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "DELETE FROM position WHERE "
	    "peer = ?1 AND scope = ?2 AND id <> ?4 AND id < "
	    "(SELECT id FROM position WHERE peer = ?1 AND scope = ?2 "
	    "ORDER BY id DESC LIMIT 1 OFFSET ?3)", err);

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, &pos->p.peer);
	chlog_bind_guid(stmt, 2, &pos->p.scope);
	sqlite3_bind_int64(stmt, 3, CHLOG_POSITIONS_KEPT - 1);
	sqlite3_bind_int64(stmt, 4, pos->base);
	if (chlog_run_stmt(log, stmt, "positions", err) == -1)
		return -1;
	stmt = chlog_stmt(log, "DELETE FROM pending WHERE position NOT IN "
	    "(SELECT id FROM position)", err);
	return stmt == NULL ? -1 : chlog_run_stmt(log, stmt, "pending", err);
}

/*
 * A tombstone is of use as long as a peer may still name a base before it.
 * Peers that were not seen for a year have lost their base anyway once its
 * tombstones are gone: they are compared in full, and nothing is deleted.
 */
static int
drop_tombstones(struct chlog *log, uint64_t now_ms, struct err *err)
{
	static const char *const sql[] = {
		"DELETE FROM position WHERE time < ?1",
		"DELETE FROM extra_mark WHERE tombstone IN (SELECT id FROM "
		"tombstone WHERE CASE WHEN EXISTS (SELECT 1 FROM position) "
		"THEN seq <= (SELECT min(seq) FROM position) "
		"ELSE time < ?1 END)",
		"DELETE FROM tombstone WHERE CASE WHEN EXISTS (SELECT 1 FROM "
		"position) THEN seq <= (SELECT min(seq) FROM position) "
		"ELSE time < ?1 END",
		"DELETE FROM mailbox_gone WHERE CASE WHEN EXISTS (SELECT 1 "
		"FROM position) THEN seq <= (SELECT min(seq) FROM position) "
		"ELSE time < ?1 END",
	};
	uint64_t limit = now_ms > CHLOG_TOMBSTONE_MS ?
	    now_ms - CHLOG_TOMBSTONE_MS : 0;
	sqlite3_stmt *stmt;
	int64_t last;

	if (chlog_meta_get_int(log, "gc_time", &last, err) == -1)
		return -1;
	if ((uint64_t)last <= now_ms && now_ms - (uint64_t)last <
	    GC_INTERVAL_MS)
		return 0;
	for (size_t i = 0; i < nitems(sql); i++) {
		if ((stmt = chlog_stmt(log, sql[i], err)) == NULL)
			return -1;
		sqlite3_bind_int64(stmt, 1, (int64_t)limit);
		if (chlog_run_stmt(log, stmt, "tombstones", err) == -1)
			return -1;
	}
	stmt = chlog_stmt(log, "DELETE FROM run WHERE id < (SELECT max(id) "
	    "FROM run) - ?1 AND guid NOT IN (SELECT run FROM position)", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, RUNS_KEPT);
	if (chlog_run_stmt(log, stmt, "runs", err) == -1)
		return -1;
	return chlog_meta_int(log, "gc_time", (int64_t)now_ms, err);
}

static int
add_pending(struct chlog *log, int64_t position,
    const struct chlog_pending *entry, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "INSERT INTO pending (position, "
	    "mailbox, uid, mark, reason) VALUES (?1, ?2, ?3, ?4, ?5)", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, position);
	chlog_bind_guid(stmt, 2, &entry->mailbox);
	sqlite3_bind_int64(stmt, 3, entry->uid);
	chlog_bind_guid(stmt, 4, &entry->mark);
	sqlite3_bind_text(stmt, 5, entry->text, -1, SQLITE_TRANSIENT);
	return chlog_run_stmt(log, stmt, "pending", err);
}

int
chlog_position_add(struct chlog *log, const struct chlog_position *pos,
    const struct chlog_pending *pending, size_t count, uint64_t now_ms,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "DELETE FROM position WHERE "
	    "peer = ?1 AND scope = ?2 AND run = ?3", err);
	int64_t id;

	/* A run may say more than once how it ended. */
	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, &pos->p.peer);
	chlog_bind_guid(stmt, 2, &pos->p.scope);
	chlog_bind_guid(stmt, 3, &pos->p.run);
	if (chlog_run_stmt(log, stmt, "position", err) == -1)
		return -1;
	stmt = chlog_stmt(log, "INSERT INTO position (peer, "
	    "scope, run, seq, time) VALUES (?1, ?2, ?3, ?4, ?5)", err);
	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, &pos->p.peer);
	chlog_bind_guid(stmt, 2, &pos->p.scope);
	chlog_bind_guid(stmt, 3, &pos->p.run);
	sqlite3_bind_int64(stmt, 4, (int64_t)pos->seq);
	sqlite3_bind_int64(stmt, 5, (int64_t)now_ms);
	if (chlog_run_stmt(log, stmt, "position", err) == -1)
		return -1;
	id = sqlite3_last_insert_rowid(log->db);
	for (size_t i = 0; i < count; i++)
		if (add_pending(log, id, &pending[i], err) == -1)
			return -1;
	if (drop_older(log, pos, err) == -1)
		return -1;
	return drop_tombstones(log, now_ms, err);
}

static int
read_pending(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	struct chlog_pending *entry = item;

	entry->uid = (uint32_t)sqlite3_column_int64(stmt, 1);
	entry->text = chlog_column_text(stmt, 3, arena);
	if (chlog_column_guid(log, stmt, 0, &entry->mailbox, err) == -1)
		return -1;
	return chlog_column_guid(log, stmt, 2, &entry->mark, err);
}

static const struct chlog_rows pending_rows = {
	"pending", sizeof(struct chlog_pending), read_pending,
};

static int
has_pending(struct chlog *log, int64_t position, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT 1 FROM pending WHERE position = ?1", err);
	int r;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, position);
	r = chlog_row(log, stmt, "pending", err);
	sqlite3_reset(stmt);
	return r;
}

ptrdiff_t
chlog_pending_list(struct chlog *log, int64_t position, struct arena *arena,
    struct chlog_pending **list_r, struct err *err)
{
	sqlite3_stmt *stmt;
	ptrdiff_t count;
	void *list;

	/* To sort nothing takes a table, too. */
	if ((count = has_pending(log, position, err)) != 1) {
		*list_r = NULL;
		return count;
	}
	stmt = chlog_stmt(log, "SELECT ifnull((SELECT new "
	    "FROM alias WHERE old = mailbox), mailbox) AS box, uid, mark, "
	    "reason FROM pending WHERE position = ?1 ORDER BY box, uid "
	    "LIMIT ?2", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, position);
	sqlite3_bind_int64(stmt, 2, CHLOG_PENDING_MAX);
	count = chlog_read_all(log, stmt, &pending_rows, arena, &list, err);
	if (count != -1)
		*list_r = list;
	return count;
}

int
chlog_label_find(struct chlog *log, const char *label,
    struct guid128 *peer_r, uint64_t *messages_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT peer, messages FROM label WHERE label = ?1", err);
	int r;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, label, -1, SQLITE_TRANSIENT);
	if ((r = chlog_row(log, stmt, "label", err)) == 1) {
		if (chlog_column_guid(log, stmt, 0, peer_r, err) == -1)
			r = -1;
		else
			*messages_r = (uint64_t)sqlite3_column_int64(stmt, 1);
	}
	sqlite3_reset(stmt);
	return r;
}

int
chlog_label_put(struct chlog *log, const char *label,
    const struct guid128 *peer, uint64_t messages, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "INSERT OR REPLACE INTO label "
	    "(label, peer, messages) VALUES (?1, ?2, ?3)", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, label, -1, SQLITE_TRANSIENT);
	chlog_bind_guid(stmt, 2, peer);
	sqlite3_bind_int64(stmt, 3, (int64_t)messages);
	return chlog_run_stmt(log, stmt, "label", err);
}
