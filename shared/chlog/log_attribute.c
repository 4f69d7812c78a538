#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "chlog/chlog_int.h"
#include "model/attribute.h"

static int
read_attribute(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	struct chlog_attribute *a = item;

	a->mailbox = sqlite3_column_int64(stmt, 0);
	if (chlog_column_guid(log, stmt, 1, &a->guid, err) == -1)
		return -1;
	a->key = chlog_column_text(stmt, 2, arena);
	if (a->key == NULL || !attribute_key_valid(a->key, strlen(a->key)))
		return chlog_corrupt(log, "an attribute", err);
	a->len = (size_t)sqlite3_column_bytes(stmt, 3);
	if (a->len > ATTRIBUTE_VALUE_MAX)
		return chlog_corrupt(log, "an attribute", err);
	if (sqlite3_column_type(stmt, 3) != SQLITE_NULL)
		a->value = a->len == 0 ? (const uint8_t *)"" :
		    arena_memdup(arena, sqlite3_column_blob(stmt, 3), a->len);
	a->stamp = (uint64_t)sqlite3_column_int64(stmt, 4);
	a->seq = (uint64_t)sqlite3_column_int64(stmt, 5);
	a->run = chlog_column_run(stmt, 6);
	return 0;
}

static const struct chlog_rows attributes = {
	"attributes", sizeof(struct chlog_attribute), read_attribute,
};

#define COLUMNS	"a.mailbox, b.guid, a.key, a.value, a.stamp, a.seq, a.run"
#define TABLES	"attribute a JOIN mailbox b ON b.id = a.mailbox"

ptrdiff_t
chlog_attributes(struct chlog *log, int64_t mailbox,
    const struct chlog_since *since, struct arena *arena,
    struct chlog_attribute **list_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT " COLUMNS " FROM " TABLES
	    " WHERE a.seq > ?1 AND (?2 IS NULL OR a.run IS NULL OR "
	    "a.run <> ?2) AND (?3 = 0 OR a.mailbox = ?3) "
	    "ORDER BY b.guid, a.key", err);
	ptrdiff_t count;
	void *list;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, since != NULL ? (int64_t)since->seq : -1);
	chlog_bind_run(stmt, 2, since != NULL ? since->run : RUN_NOBODY);
	sqlite3_bind_int64(stmt, 3, mailbox);
	count = chlog_read_all(log, stmt, &attributes, arena, &list, err);
	if (count != -1)
		*list_r = list;
	return count;
}

int
chlog_attribute_find(struct chlog *log, int64_t mailbox, const char *key,
    struct arena *arena, struct chlog_attribute *a_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT " COLUMNS " FROM " TABLES
	    " WHERE a.mailbox = ?1 AND a.key = ?2", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, mailbox);
	sqlite3_bind_text(stmt, 2, key, -1, SQLITE_TRANSIENT);
	return chlog_read_one(log, stmt, &attributes, arena, a_r, err);
}

int
chlog_attribute_put(struct chlog *log, const struct chlog_attribute *a,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "INSERT OR REPLACE INTO "
	    "attribute (mailbox, key, value, stamp, seq, run) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6)", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, a->mailbox);
	sqlite3_bind_text(stmt, 2, a->key, -1, SQLITE_TRANSIENT);
	if (a->value == NULL)
		sqlite3_bind_null(stmt, 3);
	else
		sqlite3_bind_blob(stmt, 3, a->value, (int)a->len,
		    SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 4, (int64_t)a->stamp);
	sqlite3_bind_int64(stmt, 5, (int64_t)a->seq);
	chlog_bind_run(stmt, 6, a->run);
	return chlog_run_stmt(log, stmt, "attribute", err);
}

int
chlog_attributes_remove(struct chlog *log, int64_t mailbox, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "DELETE FROM attribute WHERE mailbox = ?1", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, mailbox);
	return chlog_run_stmt(log, stmt, "attributes", err);
}

int
chlog_attributes_begun(struct chlog *log, uint64_t *seq_r, struct err *err)
{
	int64_t seq = 0;

	if (chlog_meta_get_int(log, "attributes_seq", &seq, err) == -1)
		return -1;
	*seq_r = (uint64_t)seq;
	return 0;
}

int
chlog_attributes_begin(struct chlog *log, struct err *err)
{
	return chlog_meta_int(log, "attributes_seq",
	    (int64_t)chlog_next_seq(log), err);
}

int
chlog_attributes_end(struct chlog *log, struct err *err)
{
	return chlog_meta_int(log, "attributes_seq", 0, err);
}
