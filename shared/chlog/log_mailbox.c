#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "chlog/chlog_int.h"
#include "model/mailbox_name.h"

#define BOX_COLUMNS "id, guid, name, store_name, selectable, token, "	\
	"uidvalidity, uidnext, highestmodseq, messages, exist_stamp, "	\
	"parent_stamp, last_stamp, seq, run, tree_seq, tree_run, "	\
	"uidvalidity_seq, uidvalidity_run, message_seq, born_seq, "	\
	"born_run, set_digest, store_uidnext, lent"

static int
read_box(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	struct chlog_mailbox *box = item;
	size_t len = (size_t)sqlite3_column_bytes(stmt, 5);

	box->id = sqlite3_column_int64(stmt, 0);
	if (chlog_column_guid(log, stmt, 1, &box->guid, err) == -1)
		return -1;
	box->name = chlog_column_text(stmt, 2, arena);
	box->store_name = chlog_column_text(stmt, 3, arena);
	if (box->name == NULL || box->store_name == NULL ||
	    !name_valid(box->name, strlen(box->name)))
		return chlog_corrupt(log, "a name", err);
	box->selectable = sqlite3_column_int(stmt, 4) != 0;
	if (len > 0 && len <= sizeof(box->token)) {
		memcpy(box->token, sqlite3_column_blob(stmt, 5), len);
		box->token_len = len;
	}
	box->uidvalidity = (uint32_t)sqlite3_column_int64(stmt, 6);
	box->uidnext = (uint32_t)sqlite3_column_int64(stmt, 7);
	box->highestmodseq = (uint64_t)sqlite3_column_int64(stmt, 8);
	box->messages = (uint64_t)sqlite3_column_int64(stmt, 9);
	box->exist_stamp = (uint64_t)sqlite3_column_int64(stmt, 10);
	box->parent_stamp = (uint64_t)sqlite3_column_int64(stmt, 11);
	box->last_stamp = (uint64_t)sqlite3_column_int64(stmt, 12);
	box->seq = (uint64_t)sqlite3_column_int64(stmt, 13);
	box->run = chlog_column_run(stmt, 14);
	box->tree_seq = (uint64_t)sqlite3_column_int64(stmt, 15);
	box->tree_run = chlog_column_run(stmt, 16);
	box->uidvalidity_seq = (uint64_t)sqlite3_column_int64(stmt, 17);
	box->uidvalidity_run = chlog_column_run(stmt, 18);
	box->message_seq = (uint64_t)sqlite3_column_int64(stmt, 19);
	box->born_seq = (uint64_t)sqlite3_column_int64(stmt, 20);
	box->born_run = chlog_column_run(stmt, 21);
	box->store_uidnext = (uint32_t)sqlite3_column_int64(stmt, 23);
	box->lent = sqlite3_column_int(stmt, 24) != 0;
	if (sqlite3_column_bytes(stmt, 22) == (int)DIGEST_SIZE) {
		memcpy(box->set_digest, sqlite3_column_blob(stmt, 22),
		    DIGEST_SIZE);
		box->has_set_digest = true;
	}
	return 0;
}

static const struct chlog_rows mailboxes = {
	"mailboxes", sizeof(struct chlog_mailbox), read_box,
};

static ptrdiff_t
count_boxes(struct chlog *log, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT count(*) FROM mailbox",
	    err);
	ptrdiff_t count;

	if (stmt == NULL || chlog_row(log, stmt, "mailboxes", err) == -1)
		return -1;
	count = (ptrdiff_t)sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return count;
}

/* There may be 100,000: they are counted, so that none is moved about. */
ptrdiff_t
chlog_mailboxes(struct chlog *log, struct arena *arena,
    struct chlog_mailbox **list_r, struct err *err)
{
	sqlite3_stmt *stmt;
	ptrdiff_t room, count;

	if (chlog_touch_end(log, err) == -1)
		return -1;
	do {
		if ((room = count_boxes(log, err)) == -1 ||
		    (stmt = chlog_stmt(log, "SELECT " BOX_COLUMNS " FROM "
		    "mailbox ORDER BY guid", err)) == NULL)
			return -1;
		*list_r = arena_calloc(arena, (size_t)room + 1,
		    sizeof(**list_r));
		count = chlog_read_some(log, stmt, &mailboxes, arena, *list_r,
		    (size_t)room + 1, err);
		/* Another process may have made one between the two. */
	} while (count > room);
	return count;
}

int
chlog_mailbox_find(struct chlog *log, const struct guid128 *guid,
    struct arena *arena, struct chlog_mailbox *box_r, struct err *err)
{
	sqlite3_stmt *stmt;

	if (chlog_touch_end(log, err) == -1)
		return -1;
	stmt = chlog_stmt(log,
	    "SELECT " BOX_COLUMNS " FROM mailbox WHERE guid = ?1", err);
	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, guid);
	return chlog_read_one(log, stmt, &mailboxes, arena, box_r, err);
}

int
chlog_mailbox_find_id(struct chlog *log, int64_t id, struct arena *arena,
    struct chlog_mailbox *box_r, struct err *err)
{
	sqlite3_stmt *stmt;

	if (chlog_touch_end(log, err) == -1)
		return -1;
	stmt = chlog_stmt(log,
	    "SELECT " BOX_COLUMNS " FROM mailbox WHERE id = ?1", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, id);
	return chlog_read_one(log, stmt, &mailboxes, arena, box_r, err);
}

int
chlog_spellings_differ(struct chlog *log, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT 1 FROM mailbox WHERE store_name <> name LIMIT 1", err);
	int r;

	if (stmt == NULL)
		return -1;
	r = chlog_row(log, stmt, "mailboxes", err);
	sqlite3_reset(stmt);
	return r;
}

int
chlog_spelling_taken(struct chlog *log, const char *store_name,
    const char *name, const struct guid128 *guid, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT 1 FROM mailbox WHERE "
	    "store_name = ?1 AND name <> ?2 AND guid <> ?3 LIMIT 1", err);
	int r;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, store_name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_TRANSIENT);
	chlog_bind_guid(stmt, 3, guid);
	r = chlog_row(log, stmt, "mailboxes", err);
	sqlite3_reset(stmt);
	return r;
}

int
chlog_spelling_find(struct chlog *log, const char *name, char *out,
    size_t size, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT store_name FROM mailbox "
	    "WHERE name = ?1 LIMIT 1", err);
	const char *text;
	int r;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_TRANSIENT);
	if ((r = chlog_row(log, stmt, "mailboxes", err)) == 1) {
		text = (const char *)sqlite3_column_text(stmt, 0);
		if (text == NULL || strlcpy(out, text, size) >= size)
			r = chlog_corrupt(log, "a mailbox", err);
	}
	sqlite3_reset(stmt);
	return r;
}

static void
bind_box(sqlite3_stmt *stmt, const struct chlog_mailbox *box)
{
	chlog_bind_guid(stmt, 1, &box->guid);
	sqlite3_bind_text(stmt, 2, box->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 3, box->store_name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int(stmt, 4, box->selectable);
	sqlite3_bind_int64(stmt, 5, box->uidvalidity);
	sqlite3_bind_int64(stmt, 6, box->uidnext);
	sqlite3_bind_int64(stmt, 7, (int64_t)box->highestmodseq);
	sqlite3_bind_int64(stmt, 8, (int64_t)box->exist_stamp);
	sqlite3_bind_int64(stmt, 9, (int64_t)box->parent_stamp);
	sqlite3_bind_int64(stmt, 10, (int64_t)box->last_stamp);
	sqlite3_bind_int64(stmt, 11, (int64_t)box->seq);
	chlog_bind_run(stmt, 12, box->run);
	sqlite3_bind_int64(stmt, 13, (int64_t)box->tree_seq);
	chlog_bind_run(stmt, 14, box->tree_run);
	sqlite3_bind_int64(stmt, 15, (int64_t)box->uidvalidity_seq);
	chlog_bind_run(stmt, 16, box->uidvalidity_run);
	sqlite3_bind_int64(stmt, 17, (int64_t)box->born_seq);
	chlog_bind_run(stmt, 18, box->born_run);
	sqlite3_bind_int64(stmt, 19, box->store_uidnext);
	sqlite3_bind_int(stmt, 20, box->lent);
}

static int
insert_box(struct chlog *log, struct chlog_mailbox *box, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "INSERT INTO mailbox (guid, "
	    "name, store_name, selectable, uidvalidity, uidnext, "
	    "highestmodseq, exist_stamp, parent_stamp, last_stamp, seq, run, "
	    "tree_seq, tree_run, uidvalidity_seq, uidvalidity_run, born_seq, "
	    "born_run, store_uidnext, lent, messages, message_seq) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
	    "?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, 0, 0)", err);

	if (stmt == NULL)
		return -1;
	bind_box(stmt, box);
	if (chlog_run_stmt(log, stmt, "mailbox", err) == -1)
		return -1;
	box->id = sqlite3_last_insert_rowid(log->db);
	return 0;
}

/* What exists is not gone. */
static int
drop_gone(struct chlog *log, const struct guid128 *guid, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "DELETE FROM mailbox_gone WHERE guid = ?1", err);

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, guid);
	return chlog_run_stmt(log, stmt, "mailbox", err);
}

/* Tombstones follow the GUID of their mailbox. */
static int
move_tombstones(struct chlog *log, const struct chlog_mailbox *box,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "UPDATE tombstone SET "
	    "mailbox = ?2 WHERE mailbox = "
	    "(SELECT guid FROM mailbox WHERE id = ?1) AND mailbox <> ?2", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, box->id);
	chlog_bind_guid(stmt, 2, &box->guid);
	return chlog_run_stmt(log, stmt, "tombstones", err);
}

/* 1: the log knows the mailbox under another GUID, 0, -1. */
static int
guid_changes(struct chlog *log, const struct chlog_mailbox *box,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT 1 FROM mailbox WHERE id = ?1 AND guid <> ?2", err);
	int r;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, box->id);
	chlog_bind_guid(stmt, 2, &box->guid);
	r = chlog_row(log, stmt, "mailbox", err);
	sqlite3_reset(stmt);
	return r;
}

static int
set_guid(struct chlog *log, const struct chlog_mailbox *box, struct err *err)
{
	sqlite3_stmt *stmt;

	if (drop_gone(log, &box->guid, err) == -1 ||
	    move_tombstones(log, box, err) == -1)
		return -1;
	stmt = chlog_stmt(log, "UPDATE mailbox SET guid = ?2 WHERE id = ?1",
	    err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, box->id);
	chlog_bind_guid(stmt, 2, &box->guid);
	return chlog_run_stmt(log, stmt, "mailbox", err);
}

int
chlog_mailbox_put(struct chlog *log, struct chlog_mailbox *box,
    struct err *err)
{
	sqlite3_stmt *stmt;
	int r;

	if (box->id == 0)
		return drop_gone(log, &box->guid, err) == -1 ? -1 :
		    insert_box(log, box, err);
	/* To set what has an index costs more than to look first. */
	if ((r = guid_changes(log, box, err)) == -1 ||
	    (r == 1 && set_guid(log, box, err) == -1))
		return -1;
	stmt = chlog_stmt(log, "UPDATE mailbox SET name = ?2, "
	    "store_name = ?3, selectable = ?4, uidvalidity = ?5, "
	    "uidnext = ?6, highestmodseq = ?7, exist_stamp = ?8, "
	    "parent_stamp = ?9, last_stamp = ?10, seq = ?11, run = ?12, "
	    "tree_seq = ?13, tree_run = ?14, uidvalidity_seq = ?15, "
	    "uidvalidity_run = ?16, born_seq = ?17, born_run = ?18, "
	    "store_uidnext = ?19, lent = ?20 WHERE id = ?21", err);
	if (stmt == NULL)
		return -1;
	bind_box(stmt, box);
	sqlite3_bind_int64(stmt, 21, box->id);
	return chlog_run_stmt(log, stmt, "mailbox", err);
}

int
chlog_mailbox_set_token(struct chlog *log, int64_t id, const void *token,
    size_t len, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "UPDATE mailbox SET token = ?2 WHERE id = ?1", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, id);
	if (len > 0)
		sqlite3_bind_blob(stmt, 2, token, (int)len, SQLITE_TRANSIENT);
	return chlog_run_stmt(log, stmt, "mailbox", err);
}

int
chlog_mailbox_set_digest(struct chlog *log, int64_t id,
    const uint8_t digest[static DIGEST_SIZE], struct err *err)
{
	sqlite3_stmt *stmt;

	if (chlog_touch_end(log, err) == -1)
		return -1;
	stmt = chlog_stmt(log,
	    "UPDATE mailbox SET set_digest = ?2 WHERE id = ?1", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, id);
	sqlite3_bind_blob(stmt, 2, digest, (int)DIGEST_SIZE, SQLITE_TRANSIENT);
	return chlog_run_stmt(log, stmt, "mailbox", err);
}

int
chlog_mailbox_remove(struct chlog *log, int64_t id,
    const struct chlog_mailbox_gone *gone, uint64_t now_ms, struct err *err)
{
	sqlite3_stmt *stmt;

	if (chlog_touch_end(log, err) == -1 ||
	    chlog_attributes_remove(log, id, err) == -1)
		return -1;
	stmt = chlog_stmt(log, "DELETE FROM mailbox WHERE id = ?1", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, id);
	if (chlog_run_stmt(log, stmt, "mailbox", err) == -1)
		return -1;
	stmt = chlog_stmt(log, "INSERT OR REPLACE INTO mailbox_gone (guid, "
	    "name, stamp, seq, run, born_seq, born_run, time) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", err);
	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, &gone->guid);
	sqlite3_bind_text(stmt, 2, gone->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 3, (int64_t)gone->stamp);
	sqlite3_bind_int64(stmt, 4, (int64_t)gone->seq);
	chlog_bind_run(stmt, 5, gone->run);
	sqlite3_bind_int64(stmt, 6, (int64_t)gone->born_seq);
	chlog_bind_run(stmt, 7, gone->born_run);
	sqlite3_bind_int64(stmt, 8, (int64_t)now_ms);
	return chlog_run_stmt(log, stmt, "mailbox", err);
}

static int
read_gone(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	struct chlog_mailbox_gone *gone = item;

	if (chlog_column_guid(log, stmt, 0, &gone->guid, err) == -1)
		return -1;
	gone->name = chlog_column_text(stmt, 1, arena);
	if (gone->name == NULL || !name_valid(gone->name, strlen(gone->name)))
		return chlog_corrupt(log, "a name", err);
	gone->stamp = (uint64_t)sqlite3_column_int64(stmt, 2);
	gone->seq = (uint64_t)sqlite3_column_int64(stmt, 3);
	gone->run = chlog_column_run(stmt, 4);
	gone->born_seq = (uint64_t)sqlite3_column_int64(stmt, 5);
	gone->born_run = chlog_column_run(stmt, 6);
	return 0;
}

static const struct chlog_rows mailboxes_gone = {
	"mailboxes", sizeof(struct chlog_mailbox_gone), read_gone,
};

#define GONE_COLUMNS "guid, name, stamp, seq, run, born_seq, born_run"

ptrdiff_t
chlog_mailboxes_gone(struct chlog *log, struct arena *arena,
    struct chlog_mailbox_gone **list_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT " GONE_COLUMNS " FROM mailbox_gone ORDER BY guid", err);
	ptrdiff_t count;
	void *list;

	if (stmt == NULL)
		return -1;
	count = chlog_read_all(log, stmt, &mailboxes_gone, arena, &list, err);
	if (count != -1)
		*list_r = list;
	return count;
}

int
chlog_mailbox_gone_find(struct chlog *log, const struct guid128 *guid,
    struct arena *arena, struct chlog_mailbox_gone *gone_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT " GONE_COLUMNS " FROM mailbox_gone WHERE guid = ?1", err);

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, guid);
	return chlog_read_one(log, stmt, &mailboxes_gone, arena, gone_r, err);
}

static int
read_sub(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	struct chlog_subscription *sub = item;

	sub->name = chlog_column_text(stmt, 0, arena);
	sub->store_name = chlog_column_text(stmt, 1, arena);
	if (sub->name == NULL || sub->store_name == NULL ||
	    !name_valid(sub->name, strlen(sub->name)))
		return chlog_corrupt(log, "a name", err);
	sub->on = sqlite3_column_int(stmt, 2) != 0;
	sub->stamp = (uint64_t)sqlite3_column_int64(stmt, 3);
	sub->seq = (uint64_t)sqlite3_column_int64(stmt, 4);
	sub->run = chlog_column_run(stmt, 5);
	return 0;
}

static const struct chlog_rows subscriptions = {
	"subscriptions", sizeof(struct chlog_subscription), read_sub,
};

#define SUB_COLUMNS "name, store_name, state, stamp, seq, run"

ptrdiff_t
chlog_subscriptions(struct chlog *log, struct arena *arena,
    struct chlog_subscription **list_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT " SUB_COLUMNS " FROM subscription ORDER BY name", err);
	ptrdiff_t count;
	void *list;

	if (stmt == NULL)
		return -1;
	count = chlog_read_all(log, stmt, &subscriptions, arena, &list, err);
	if (count != -1)
		*list_r = list;
	return count;
}

int
chlog_subscription_shared(struct chlog *log, const char *store_name,
    const char *name, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT 1 FROM subscription WHERE "
	    "store_name = ?1 AND name <> ?2 AND state = 1 LIMIT 1", err);
	int r;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, store_name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 2, name, -1, SQLITE_TRANSIENT);
	r = chlog_row(log, stmt, "subscriptions", err);
	sqlite3_reset(stmt);
	return r;
}

int
chlog_subscription_find(struct chlog *log, const char *name,
    struct arena *arena, struct chlog_subscription *sub_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT " SUB_COLUMNS " FROM subscription WHERE name = ?1", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_TRANSIENT);
	return chlog_read_one(log, stmt, &subscriptions, arena, sub_r, err);
}

int
chlog_subscription_put(struct chlog *log,
    const struct chlog_subscription *sub, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "INSERT OR REPLACE INTO "
	    "subscription (" SUB_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	    err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, sub->name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 2, sub->store_name, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int(stmt, 3, sub->on);
	sqlite3_bind_int64(stmt, 4, (int64_t)sub->stamp);
	sqlite3_bind_int64(stmt, 5, (int64_t)sub->seq);
	chlog_bind_run(stmt, 6, sub->run);
	return chlog_run_stmt(log, stmt, "subscription", err);
}

/* 1: old stands for new, and nothing stands for old; 0, -1. */
static int
alias_known(struct chlog *log, const struct guid128 *old_guid,
    const struct guid128 *new_guid, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT 1 FROM alias WHERE "
	    "old = ?1 AND new = ?2 AND NOT EXISTS "
	    "(SELECT 1 FROM alias WHERE new = ?1)", err);
	int r;

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, old_guid);
	chlog_bind_guid(stmt, 2, new_guid);
	r = chlog_row(log, stmt, "alias", err);
	sqlite3_reset(stmt);
	return r;
}

int
chlog_alias_add(struct chlog *log, const struct guid128 *old_guid,
    const struct guid128 *new_guid, struct err *err)
{
	sqlite3_stmt *stmt;
	int r;

	if (guid_eq(old_guid, new_guid))
		return 0;
	/* It is said with every change of the mailbox. */
	if ((r = alias_known(log, old_guid, new_guid, err)) != 0)
		return r == 1 ? 0 : -1;
	stmt = chlog_stmt(log,
	    "UPDATE alias SET new = ?2 WHERE new = ?1 AND old <> ?2", err);
	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, old_guid);
	chlog_bind_guid(stmt, 2, new_guid);
	if (chlog_run_stmt(log, stmt, "alias", err) == -1)
		return -1;
	stmt = chlog_stmt(log,
	    "INSERT OR REPLACE INTO alias (old, new) VALUES (?1, ?2)", err);
	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, old_guid);
	chlog_bind_guid(stmt, 2, new_guid);
	if (chlog_run_stmt(log, stmt, "alias", err) == -1)
		return -1;
	/*
	 * What was expunged with a mailbox that is gone here, and lives on as
	 * another one elsewhere, is dead in that one, too (M3).
	 */
	stmt = chlog_stmt(log, "UPDATE tombstone SET mailbox = ?2 WHERE "
	    "mailbox = ?1 AND NOT EXISTS (SELECT 1 FROM mailbox WHERE "
	    "guid = ?1)", err);
	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, old_guid);
	chlog_bind_guid(stmt, 2, new_guid);
	return chlog_run_stmt(log, stmt, "tombstones", err);
}

static int
read_alias(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	(void)arena;
	return chlog_column_guid(log, stmt, 0, item, err);
}

static const struct chlog_rows aliases = {
	"alias", sizeof(struct guid128), read_alias,
};

ptrdiff_t
chlog_aliases(struct chlog *log, const struct guid128 *guid,
    struct guid128 *list, size_t max, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT old FROM alias WHERE new = ?1 ORDER BY old", err);

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, guid);
	return chlog_read_some(log, stmt, &aliases, NULL, list, max, err);
}

int
chlog_totals(struct chlog *log, struct chlog_totals *totals_r,
    struct err *err)
{
	sqlite3_stmt *stmt;
	int r;

	if (chlog_touch_end(log, err) == -1)
		return -1;
	stmt = chlog_stmt(log, "SELECT count(*), ifnull(sum(messages), 0), "
	    "ifnull(sum(CASE name WHEN 'INBOX' THEN messages ELSE 0 END), 0) "
	    "FROM mailbox", err);
	if (stmt == NULL ||
	    (r = chlog_row(log, stmt, "mailboxes", err)) == -1)
		return -1;
	totals_r->mailboxes = (uint64_t)sqlite3_column_int64(stmt, 0);
	totals_r->messages = (uint64_t)sqlite3_column_int64(stmt, 1);
	totals_r->inbox_messages = (uint64_t)sqlite3_column_int64(stmt, 2);
	sqlite3_reset(stmt);
	return 0;
}
