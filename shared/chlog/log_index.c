/*
 * Indexes that wait until a log has its first messages.
 *
 * Their keys are random, so that each batch of a first copy would write almost
 * all of their pages once more.  Made of all messages at once, sorted, they
 * take a fifth of the time.  A first copy does not look for what they find; who
 * does makes them.
 */
#include "config.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/array.h"
#include "chlog/chlog_int.h"

/* Sorting keeps 50 bytes of each message in memory. */
#define INDEX_WAIT_MAX	65536U

#define LATE_INDEXES	2

int
chlog_index_look(struct chlog *log, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT count(*), "
	    "EXISTS (SELECT 1 FROM message) FROM sqlite_master WHERE "
	    "type = 'index' AND name IN ('message_by_guid', "
	    "'message_by_digest')", err);

	if (stmt == NULL || chlog_row(log, stmt, "indexes", err) == -1)
		return -1;
	log->indexed = sqlite3_column_int(stmt, 0) == LATE_INDEXES;
	log->unindexed = sqlite3_column_int(stmt, 1) != 0;
	sqlite3_reset(stmt);
	return 0;
}

/* Sorting takes the place of pages that are kept, none beside them. */
static int
make_indexes(struct chlog *log, struct err *err)
{
	static const char *const sql[] = {
		"PRAGMA cache_size = -256",
		"CREATE INDEX IF NOT EXISTS message_by_guid ON message (guid)",
		"CREATE INDEX IF NOT EXISTS message_by_digest ON message "
		"(digest) WHERE digest IS NOT NULL",
		"PRAGMA cache_size = -3072",
	};

	for (size_t i = 0; i < nitems(sql); i++) {
		sqlite3_db_release_memory(log->db);
#ifdef __GLIBC__
		malloc_trim(0);
#endif
		if (chlog_exec(log, sql[i], err) == -1)
			return -1;
	}
	log->indexing = true;
	return 0;
}

int
chlog_index(struct chlog *log, struct err *err)
{
	if (log->indexed || log->indexing)
		return 0;
	if (log->writing)
		return make_indexes(log, err);
	if (chlog_begin(log, err) == -1)
		return -1;
	if (make_indexes(log, err) == -1) {
		chlog_rollback(log);
		return -1;
	}
	return chlog_commit(log, err);
}

int
chlog_index_added(struct chlog *log, struct err *err)
{
	if (log->indexed || log->indexing || ++log->unindexed < INDEX_WAIT_MAX)
		return 0;
	return chlog_index(log, err);
}
