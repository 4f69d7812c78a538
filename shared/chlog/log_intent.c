#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "chlog/chlog_int.h"

/*
 * A digest, and behind it the marks of a message to be made; zeros are none.  A
 * program that knows of digests alone takes it for nothing.
 */
static int
read_digest(struct chlog *log, sqlite3_stmt *stmt, int i, struct arena *arena,
    struct chlog_intent *in, struct err *err)
{
	static const uint8_t none[DIGEST_SIZE];
	size_t len = (size_t)sqlite3_column_bytes(stmt, i);
	const uint8_t *blob = sqlite3_column_blob(stmt, i);

	if (len < DIGEST_SIZE)
		return 0;
	if ((len - DIGEST_SIZE) % GUID_SIZE != 0 ||
	    (len - DIGEST_SIZE) / GUID_SIZE > MARKS_MAX)
		return chlog_corrupt(log, "an intention", err);
	in->mark_count = (len - DIGEST_SIZE) / GUID_SIZE;
	if (in->mark_count > 0)
		in->marks = arena_memdup(arena, blob + DIGEST_SIZE,
		    len - DIGEST_SIZE);
	if (in->mark_count == 0 || memcmp(blob, none, sizeof(none)) != 0)
		in->digest = arena_memdup(arena, blob, DIGEST_SIZE);
	return 0;
}

static void
bind_digest(sqlite3_stmt *stmt, int i, const struct chlog_intent *in)
{
	uint8_t blob[DIGEST_SIZE + MARKS_MAX * GUID_SIZE] = { 0 };
	size_t n = in->mark_count < MARKS_MAX ? in->mark_count : MARKS_MAX;

	if (in->digest == NULL && n == 0)
		return;
	if (in->digest != NULL)
		memcpy(blob, in->digest, DIGEST_SIZE);
	if (n > 0)
		memcpy(blob + DIGEST_SIZE, in->marks, n * GUID_SIZE);
	sqlite3_bind_blob(stmt, i, blob, (int)(DIGEST_SIZE + n * GUID_SIZE),
	    SQLITE_TRANSIENT);
}

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
	if (read_digest(log, stmt, 3, arena, in, err) == -1)
		return -1;
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
	bind_digest(stmt, 4, in);
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
