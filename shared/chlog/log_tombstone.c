#include "config.h"

#include <string.h>

#include "chlog/chlog_int.h"

#define TOMB_COLUMNS "id, mailbox, uid, guid, mark, more_marks, seq, run, " \
	"born_seq, born_run, time"

static int
read_tomb(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	struct chlog_tombstone *tomb = item;

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

static const struct chlog_rows tombstones = {
	"tombstones", sizeof(struct chlog_tombstone), read_tomb,
};

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
	ptrdiff_t changed = 0;

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
	return chlog_read_some(log, stmt, &tombstones, arena, list, max, err);
}

static int
read_mailbox(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	(void)arena;
	return chlog_column_guid(log, stmt, 0, item, err);
}

static const struct chlog_rows tombstone_mailboxes = {
	"tombstones", sizeof(struct guid128), read_mailbox,
};

ptrdiff_t
chlog_tombstone_mailboxes(struct chlog *log, const struct chlog_since *since,
    struct arena *arena, struct guid128 **list_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT DISTINCT mailbox FROM "
	    "tombstone WHERE seq > ?1 AND run IS NOT ?2 ORDER BY mailbox",
	    err);
	ptrdiff_t count;
	void *list;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, (int64_t)since->seq);
	sqlite3_bind_int64(stmt, 2, since->run);
	count = chlog_read_all(log, stmt, &tombstone_mailboxes, arena, &list,
	    err);
	if (count != -1)
		*list_r = list;
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

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, mark);
	chlog_bind_guid(stmt, 2, mailbox);
	return chlog_read_one(log, stmt, &tombstones, arena, tomb_r, err);
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
