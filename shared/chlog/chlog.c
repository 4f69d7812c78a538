#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "chlog/chlog_int.h"

const struct guid128 *
chlog_store_id(const struct chlog *log)
{
	return &log->store_id;
}

uint64_t
chlog_head(const struct chlog *log)
{
	return log->head;
}

bool
chlog_scanned_all(const struct chlog *log)
{
	return log->scanned_all;
}

const char *
chlog_path(const struct chlog *log)
{
	return log->path;
}

bool
chlog_writing(const struct chlog *log)
{
	return log->writing;
}

void
chlog_note(const struct chlog *log, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (log->notice == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log->notice(text, log->notice_arg);
}

int
chlog_fail(struct chlog *log, const char *what, struct err *err)
{
	int rc = sqlite3_errcode(log->db);
	enum err_code code = ERR_TEMP;

	switch (rc & 0xff) {
	case SQLITE_FULL:
		code = ERR_NOSPACE;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		code = ERR_CORRUPT;
		log->damaged = true;
		break;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		code = ERR_PERM;
		break;
	}
	return err_set(err, code, "change log: %s: %s", what,
	    sqlite3_errmsg(log->db));
}

int
chlog_corrupt(struct chlog *log, const char *what, struct err *err)
{
	log->damaged = true;
	return err_set(err, ERR_CORRUPT, "change log: %s is damaged", what);
}

sqlite3_stmt *
chlog_stmt(struct chlog *log, const char *sql, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	size_t i;

	if (log->holding && !log->writing && !log->reading)
		log->reading = sqlite3_exec(log->db, "BEGIN", NULL, NULL,
		    NULL) == SQLITE_OK;
	/* Literals have one address each, so no text is compared. */
	for (i = 0; i < log->stmt_count; i++) {
		if (log->stmt_sql[i] == sql) {
			sqlite3_reset(log->stmts[i]);
			sqlite3_clear_bindings(log->stmts[i]);
			return log->stmts[i];
		}
	}
	if (sqlite3_prepare_v3(log->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    &stmt, NULL) != SQLITE_OK) {
		chlog_fail(log, "prepare", err);
		return NULL;
	}
	if (log->stmt_count == CHLOG_STMTS_MAX) {
		/* Cannot happen with the queries that there are. */
		sqlite3_finalize(log->stmts[0]);
		i = 0;
	} else {
		i = log->stmt_count++;
	}
	log->stmts[i] = stmt;
	log->stmt_sql[i] = sql;
	return stmt;
}

int
chlog_row(struct chlog *log, sqlite3_stmt *stmt, const char *what,
    struct err *err)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	}
	chlog_fail(log, what, err);
	sqlite3_reset(stmt);
	return -1;
}

int
chlog_run_stmt(struct chlog *log, sqlite3_stmt *stmt, const char *what,
    struct err *err)
{
	int r = chlog_row(log, stmt, what, err);

	sqlite3_reset(stmt);
	return r == -1 ? -1 : 0;
}

int
chlog_exec(struct chlog *log, const char *sql, struct err *err)
{
	if (sqlite3_exec(log->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return chlog_fail(log, "write", err);
	return 0;
}

void
chlog_bind_guid(sqlite3_stmt *stmt, int i, const struct guid128 *guid)
{
	sqlite3_bind_blob(stmt, i, guid->b, GUID_SIZE, SQLITE_TRANSIENT);
}

void
chlog_bind_run(sqlite3_stmt *stmt, int i, int64_t run)
{
	if (run == RUN_NOBODY)
		sqlite3_bind_null(stmt, i);
	else
		sqlite3_bind_int64(stmt, i, run);
}

int64_t
chlog_column_run(sqlite3_stmt *stmt, int i)
{
	return sqlite3_column_int64(stmt, i);
}

int
chlog_column_guid(struct chlog *log, sqlite3_stmt *stmt, int i,
    struct guid128 *guid_r, struct err *err)
{
	if (sqlite3_column_bytes(stmt, i) != (int)GUID_SIZE)
		return chlog_corrupt(log, "an identity", err);
	memcpy(guid_r->b, sqlite3_column_blob(stmt, i), GUID_SIZE);
	return 0;
}

const char *
chlog_column_text(sqlite3_stmt *stmt, int i, struct arena *arena)
{
	const char *text = (const char *)sqlite3_column_text(stmt, i);

	if (text == NULL)
		return NULL;
	return arena_strndup(arena, text,
	    (size_t)sqlite3_column_bytes(stmt, i));
}

int
chlog_column_marks(struct chlog *log, sqlite3_stmt *stmt, int i,
    struct arena *arena, struct guid128 **marks_r, size_t *count_r,
    struct err *err)
{
	size_t more = (size_t)sqlite3_column_bytes(stmt, i + 1);
	struct guid128 first, *marks;

	if (chlog_column_guid(log, stmt, i, &first, err) == -1)
		return -1;
	if (more % GUID_SIZE != 0 || more / GUID_SIZE >= MARKS_MAX)
		return chlog_corrupt(log, "a list of marks", err);
	marks = arena_calloc(arena, 1 + more / GUID_SIZE, sizeof(*marks));
	marks[0] = first;
	if (more > 0)
		memcpy(&marks[1], sqlite3_column_blob(stmt, i + 1), more);
	*marks_r = marks;
	*count_r = 1 + more / GUID_SIZE;
	return 0;
}

void
chlog_bind_marks(sqlite3_stmt *stmt, int i, const struct guid128 *marks,
    size_t count)
{
	chlog_bind_guid(stmt, i, &marks[0]);
	if (count > 1)
		sqlite3_bind_blob(stmt, i + 1, &marks[1],
		    (int)((count - 1) * GUID_SIZE), SQLITE_TRANSIENT);
	else
		sqlite3_bind_null(stmt, i + 1);
}

int
chlog_meta_int(struct chlog *log, const char *key, int64_t value,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, value);
	return chlog_run_stmt(log, stmt, "meta", err);
}

int
chlog_meta_blob(struct chlog *log, const char *key, const void *data,
    size_t len, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "INSERT OR REPLACE INTO meta "
	    "(key, value) VALUES (?1, CAST(?2 AS BLOB))", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, data, (int)len, SQLITE_TRANSIENT);
	return chlog_run_stmt(log, stmt, "meta", err);
}

int
chlog_meta_get_int(struct chlog *log, const char *key, int64_t *value_r,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT value FROM meta WHERE key = ?1", err);
	int r;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	if ((r = chlog_row(log, stmt, "meta", err)) == -1)
		return -1;
	*value_r = r == 1 ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_reset(stmt);
	return 0;
}

int
chlog_meta_load(struct chlog *log, struct err *err)
{
	/* Each transaction begins with it. */
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT "
	    "(SELECT value FROM meta WHERE key = 'store_id'), "
	    "(SELECT value FROM meta WHERE key = 'head_seq'), "
	    "(SELECT value FROM meta WHERE key = 'scanned_all')", err);
	int r;

	if (stmt == NULL || chlog_row(log, stmt, "meta", err) == -1)
		return -1;
	if (sqlite3_column_type(stmt, 0) == SQLITE_NULL)
		r = chlog_corrupt(log, "the store id", err);
	else
		r = chlog_column_guid(log, stmt, 0, &log->store_id, err);
	if (r == 0) {
		log->head = log->head_saved =
		    (uint64_t)sqlite3_column_int64(stmt, 1);
		log->scanned_all = sqlite3_column_int64(stmt, 2) != 0;
	}
	sqlite3_reset(stmt);
	return r;
}

/* Words of one statement; they are said often enough to keep them ready. */
static int
say(struct chlog *log, const char *sql, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, sql, err);

	return stmt == NULL ? -1 : chlog_run_stmt(log, stmt, "write", err);
}

static void
end_reading(struct chlog *log)
{
	if (log->reading && !sqlite3_get_autocommit(log->db))
		sqlite3_exec(log->db, "COMMIT", NULL, NULL, NULL);
	log->reading = false;
}

void
chlog_hold(struct chlog *log)
{
	log->holding = true;
}

void
chlog_rest(struct chlog *log)
{
	end_reading(log);
	log->holding = false;
}

void
chlog_settle(struct chlog *log)
{
	if (log->writing || !log->durable)
		return;
	end_reading(log);
	(void)sqlite3_wal_checkpoint_v2(log->db, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

int
chlog_begin(struct chlog *log, struct err *err)
{
	end_reading(log);
	log->writing = true;	/* no transaction for reading is begun now */
	if (say(log, "BEGIN IMMEDIATE", err) == -1) {
		log->writing = false;
		return err->code == ERR_TEMP ?
		    err_prefix(err, "another process is writing") : -1;
	}
	log->touched = 0;
	log->run_known = false;
	/* Another run of this store may have gone on meanwhile. */
	if (chlog_meta_load(log, err) == -1) {
		chlog_rollback(log);
		return -1;
	}
	return 0;
}

int
chlog_commit(struct chlog *log, struct err *err)
{
	if (chlog_touch_end(log, err) == -1)
		goto fail;
	if (log->head != log->head_saved &&
	    chlog_meta_int(log, "head_seq", (int64_t)log->head, err) == -1)
		goto fail;
	if (say(log, "COMMIT", err) == -1)
		goto fail;
	log->head_saved = log->head;
	log->writing = false;
	log->indexed |= log->indexing;
	log->indexing = false;
	return 0;
fail:
	chlog_rollback(log);
	return -1;
}

void
chlog_rollback(struct chlog *log)
{
	if (!log->writing)
		return;
	/* After some errors SQLite has rolled back by itself. */
	if (!sqlite3_get_autocommit(log->db))
		sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
	log->writing = log->indexing = false;
	log->touched = 0;
	log->run_known = false;
	log->head = log->head_saved;
}

/*
 * Intentions are committed without waiting for the disk: what they are for is
 * a process that ends, and the system keeps what that one has written.  After
 * a loss of power they may be missing, and a change that a run made is then
 * taken for one of somebody else.
 */
static int
wait_again(struct chlog *log, struct err *err)
{
	return log->durable ?
	    chlog_exec(log, "PRAGMA synchronous = FULL", err) : 0;
}

int
chlog_intend_begin(struct chlog *log, struct err *err)
{
	struct err ignored = ERR_INIT;

	/* Within a transaction it can't be changed. */
	end_reading(log);
	if (log->durable &&
	    chlog_exec(log, "PRAGMA synchronous = NORMAL", err) == -1)
		return -1;
	if (chlog_begin(log, err) == 0)
		return 0;
	(void)wait_again(log, &ignored);
	return -1;
}

int
chlog_intend_commit(struct chlog *log, struct err *err)
{
	if (chlog_commit(log, err) == 0)
		return wait_again(log, err);
	chlog_intend_rollback(log);
	return -1;
}

void
chlog_intend_rollback(struct chlog *log)
{
	struct err ignored = ERR_INIT;

	chlog_rollback(log);
	(void)wait_again(log, &ignored);
}

int
chlog_mark_begin(struct chlog *log, struct err *err)
{
	if (chlog_touch_end(log, err) == -1)
		return -1;
	return say(log, "SAVEPOINT mark", err);
}

int
chlog_mark_end(struct chlog *log, bool keep, struct err *err)
{
	if (keep)
		return chlog_touch_end(log, err) == -1 ? -1 :
		    say(log, "RELEASE mark", err);
	log->touched = 0;
	log->run_known = false;
	log->indexing = false;
	return chlog_exec(log, "ROLLBACK TO mark; RELEASE mark", err);
}

uint64_t
chlog_next_seq(struct chlog *log)
{
	return ++log->head;
}

int
chlog_set_scanned_all(struct chlog *log, struct err *err)
{
	if (log->scanned_all)
		return 0;
	log->scanned_all = true;
	/* The store's own mail is all in. */
	if (log->unindexed > 0 && chlog_index(log, err) == -1)
		return -1;
	return chlog_meta_int(log, "scanned_all", 1, err);
}

int
chlog_new_identity(struct chlog *log, struct err *err)
{
	struct guid128 id = guid_random();

	if (chlog_exec(log, "DELETE FROM pending; DELETE FROM position;"
	    "DELETE FROM label;", err) == -1 ||
	    chlog_meta_blob(log, "store_id", id.b, GUID_SIZE, err) == -1)
		return -1;
	log->store_id = id;
	return 0;
}

int
chlog_reset(struct chlog *log, struct err *err)
{
	log->touched = 0;
	log->run_known = false;
	log->scanned_all = false;
	if (chlog_exec(log, "DELETE FROM message; DELETE FROM missing;"
	    "DELETE FROM extra_mark; DELETE FROM tombstone;"
	    "DELETE FROM mailbox; DELETE FROM mailbox_gone;"
	    "DELETE FROM subscription; DELETE FROM alias; DELETE FROM run;"
	    "DELETE FROM attribute; DELETE FROM intent;",
	    err) == -1 ||
	    chlog_meta_int(log, "scanned_all", 0, err) == -1 ||
	    chlog_meta_int(log, "attributes_seq", 0, err) == -1)
		return -1;
	return chlog_new_identity(log, err);
}

int
chlog_run_find(struct chlog *log, const struct guid128 *run, int64_t *id_r,
    struct err *err)
{
	sqlite3_stmt *stmt;
	int r;

	if (!log->run_known || !guid_eq(&log->run, run)) {
		stmt = chlog_stmt(log, "SELECT id FROM run WHERE guid = ?1",
		    err);
		if (stmt == NULL)
			return -1;
		chlog_bind_guid(stmt, 1, run);
		if ((r = chlog_row(log, stmt, "run", err)) == -1)
			return -1;
		log->run = *run;
		log->run_id = r == 1 ? sqlite3_column_int64(stmt, 0) : 0;
		log->run_known = true;
		sqlite3_reset(stmt);
	}
	*id_r = log->run_id;
	return 0;
}

int
chlog_run_get(struct chlog *log, const struct guid128 *run, int64_t *id_r,
    struct err *err)
{
	sqlite3_stmt *stmt;

	if (chlog_run_find(log, run, id_r, err) == -1)
		return -1;
	if (*id_r != 0)
		return 0;
	stmt = chlog_stmt(log, "INSERT INTO run (guid) VALUES (?1)", err);
	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, run);
	if (chlog_run_stmt(log, stmt, "run", err) == -1)
		return -1;
	*id_r = log->run_id = sqlite3_last_insert_rowid(log->db);
	return 0;
}

int
chlog_touch(struct chlog *log, int64_t mailbox, int delta, uint64_t seq,
    struct err *err)
{
	if (log->touched != mailbox) {
		if (chlog_touch_end(log, err) == -1)
			return -1;
		log->touched = mailbox;
		log->touched_delta = 0;
		log->touched_seq = 0;
	}
	log->touched_delta += delta;
	if (seq > log->touched_seq)
		log->touched_seq = seq;
	return 0;
}

int
chlog_touch_end(struct chlog *log, struct err *err)
{
	sqlite3_stmt *stmt;

	if (log->touched == 0)
		return 0;
	stmt = chlog_stmt(log, "UPDATE mailbox SET messages = messages + ?2, "
	    "message_seq = max(message_seq, ?3), set_digest = NULL "
	    "WHERE id = ?1", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, log->touched);
	sqlite3_bind_int64(stmt, 2, log->touched_delta);
	sqlite3_bind_int64(stmt, 3, (int64_t)log->touched_seq);
	log->touched = 0;
	return chlog_run_stmt(log, stmt, "mailbox", err);
}
