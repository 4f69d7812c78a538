#include "config.h"

#include "base/arena.h"
#include "chlog/chlog_int.h"

static int
read_intent(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	struct chlog_intent *in = item;

	if (chlog_column_guid(log, stmt, 0, &in->mailbox, err) == -1)
		return -1;
	in->uid = (uint32_t)sqlite3_column_int64(stmt, 1);
	if ((in->key = chlog_column_text(stmt, 2, arena)) == NULL)
		return chlog_corrupt(log, "an intention", err);
	if (sqlite3_column_bytes(stmt, 3) == (int)DIGEST_SIZE)
		in->digest = arena_memdup(arena,
		    sqlite3_column_blob(stmt, 3), DIGEST_SIZE);
	return chlog_column_flags(log, stmt, 4, arena, &in->flags, err);
}

static const struct chlog_rows intents = {
	"intentions", sizeof(struct chlog_intent), read_intent,
};

int
chlog_intend(struct chlog *log, const struct chlog_intent *in,
    const struct guid128 *run, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "INSERT OR REPLACE INTO intent "
	    "(mailbox, uid, key, digest, flags, stamps, keywords, run) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", err);

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, &in->mailbox);
	sqlite3_bind_int64(stmt, 2, in->uid);
	sqlite3_bind_text(stmt, 3, in->key, -1, SQLITE_TRANSIENT);
	if (in->digest != NULL)
		sqlite3_bind_blob(stmt, 4, in->digest, (int)DIGEST_SIZE,
		    SQLITE_TRANSIENT);
	chlog_bind_flags(stmt, 5, &in->flags);
	chlog_bind_guid(stmt, 8, run);
	return chlog_run_stmt(log, stmt, "intention", err);
}

ptrdiff_t
chlog_intents(struct chlog *log, struct arena *arena,
    struct chlog_intent **list_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT mailbox, uid, key, digest, "
	    "flags, stamps, keywords FROM intent ORDER BY mailbox, uid, key",
	    err);
	ptrdiff_t count;
	void *list;

	if (stmt == NULL)
		return -1;
	count = chlog_read_all(log, stmt, &intents, arena, &list, err);
	if (count != -1)
		*list_r = list;
	return count;
}

int
chlog_intents_done(struct chlog *log, const struct guid128 *run,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "DELETE FROM intent WHERE run = ?1", err);

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, run);
	return chlog_run_stmt(log, stmt, "intentions", err);
}

int
chlog_intent_drop(struct chlog *log, const struct chlog_intent *in,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "DELETE FROM intent WHERE "
	    "mailbox = ?1 AND uid = ?2 AND key = ?3", err);

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, &in->mailbox);
	sqlite3_bind_int64(stmt, 2, in->uid);
	sqlite3_bind_text(stmt, 3, in->key, -1, SQLITE_TRANSIENT);
	return chlog_run_stmt(log, stmt, "intentions", err);
}
