#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "chlog/chlog_int.h"

#define MAIL_COLUMNS "id, mailbox, guid, mark, more_marks, flags, stamps, " \
	"keywords, modseq, received, pop3_uidl, pop3_order, digest, seq, "  \
	"run, born_seq, born_run, uid_seq, uid_run"

#define KEYWORDS_TEXT_MAX	(KEYWORDS_MAX * (KEYWORD_MAX + 32U))
#define STAMPS_TEXT_MAX		(FLAG_COUNT * 22U)

static int64_t
message_id(int64_t mailbox, uint32_t uid)
{
	return mailbox * INT64_C(4294967296) + uid;
}

/* In decimal, without a NUL; printf takes ten times as long. */
static size_t
write_number(char *out, uint64_t number)
{
	char digits[20];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	for (size_t i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
	return n;
}

/* "0 0 1700000000000 0 0"; NULL: all 0. */
static void
bind_stamps(sqlite3_stmt *stmt, int i, const struct mail_flags *mf)
{
	char text[STAMPS_TEXT_MAX];
	size_t n = 0;
	bool any = false;

	for (size_t k = 0; k < FLAG_COUNT; k++)
		any = any || mf->stamps[k] != 0;
	if (!any) {
		sqlite3_bind_null(stmt, i);
		return;
	}
	for (size_t k = 0; k < FLAG_COUNT; k++) {
		if (k > 0)
			text[n++] = ' ';
		n += write_number(text + n, mf->stamps[k]);
	}
	sqlite3_bind_text(stmt, i, text, (int)n, SQLITE_TRANSIENT);
}

static void
read_stamps(const char *text, struct mail_flags *mf)
{
	char *end;

	if (text == NULL)
		return;
	for (size_t k = 0; k < FLAG_COUNT; k++) {
		mf->stamps[k] = strtoull(text, &end, 10);
		text = end;
	}
}

/* "+work 0 -later 1700000000000"; NULL: none. */
static void
bind_keywords(sqlite3_stmt *stmt, int i, const struct mail_flags *mf)
{
	struct strbuf text;

	if (mf->keyword_count == 0) {
		sqlite3_bind_null(stmt, i);
		return;
	}
	strbuf_init(&text, KEYWORDS_TEXT_MAX);
	for (size_t k = 0; k < mf->keyword_count; k++)
		strbuf_addf(&text, "%s%c%s %llu", k == 0 ? "" : " ",
		    mf->keywords[k].set ? '+' : '-', mf->keywords[k].name,
		    (unsigned long long)mf->keywords[k].stamp);
	sqlite3_bind_text(stmt, i, text.data, (int)text.len,
	    SQLITE_TRANSIENT);
	strbuf_deinit(&text);
}

static int
read_keywords(struct chlog *log, const char *text, struct arena *arena,
    struct mail_flags *mf, struct err *err)
{
	size_t count = 1, n = 0;
	const char *space;
	char *end;

	if (text == NULL)
		return 0;
	for (const char *p = text; *p != '\0'; p++)
		count += *p == ' ';
	if (count % 2 != 0 || count / 2 > KEYWORDS_MAX)
		return chlog_corrupt(log, "a list of keywords", err);
	mf->keywords = arena_calloc(arena, count / 2, sizeof(*mf->keywords));
	while (n < count / 2) {
		struct keyword *kw = &mf->keywords[n++];

		space = strchr(text, ' ');
		if ((*text != '+' && *text != '-') || space == NULL ||
		    !keyword_valid(text + 1, (size_t)(space - text) - 1))
			return chlog_corrupt(log, "a list of keywords", err);
		kw->set = *text == '+';
		kw->name = arena_strndup(arena, text + 1,
		    (size_t)(space - text) - 1);
		kw->stamp = strtoull(space + 1, &end, 10);
		text = *end == ' ' ? end + 1 : end;
	}
	mf->keyword_count = n;
	return 0;
}

int
chlog_column_flags(struct chlog *log, sqlite3_stmt *stmt, int i,
    struct arena *arena, struct mail_flags *mf, struct err *err)
{
	mf->flags = (flags_t)sqlite3_column_int(stmt, i) & FLAGS_ALL;
	read_stamps((const char *)sqlite3_column_text(stmt, i + 1), mf);
	return read_keywords(log, (const char *)sqlite3_column_text(stmt,
	    i + 2), arena, mf, err);
}

void
chlog_bind_flags(sqlite3_stmt *stmt, int i, const struct mail_flags *mf)
{
	sqlite3_bind_int(stmt, i, mf->flags);
	bind_stamps(stmt, i + 1, mf);
	bind_keywords(stmt, i + 2, mf);
}

static int
read_mail(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	struct chlog_mail *mail = item;
	struct msg_message *m = &mail->m;

	m->uid = (uint32_t)sqlite3_column_int64(stmt, 0);
	mail->mailbox = sqlite3_column_int64(stmt, 1);
	m->guid = chlog_column_text(stmt, 2, arena);
	if (m->guid == NULL || !guid_text_valid(m->guid, strlen(m->guid)))
		return chlog_corrupt(log, "a GUID", err);
	if (chlog_column_marks(log, stmt, 3, arena, &m->marks,
	    &m->mark_count, err) == -1)
		return -1;
	if (chlog_column_flags(log, stmt, 5, arena, &m->flags, err) == -1)
		return -1;
	m->modseq = (uint64_t)sqlite3_column_int64(stmt, 8);
	m->received = sqlite3_column_type(stmt, 9) == SQLITE_NULL ?
	    RECEIVED_NONE : sqlite3_column_int64(stmt, 9);
	m->pop3_uidl = chlog_column_text(stmt, 10, arena);
	m->pop3_order = (uint32_t)sqlite3_column_int64(stmt, 11);
	if (sqlite3_column_bytes(stmt, 12) == (int)DIGEST_SIZE)
		m->digest = arena_memdup(arena,
		    sqlite3_column_blob(stmt, 12), DIGEST_SIZE);
	mail->seq = (uint64_t)sqlite3_column_int64(stmt, 13);
	mail->run = chlog_column_run(stmt, 14);
	mail->born_seq = (uint64_t)sqlite3_column_int64(stmt, 15);
	mail->born_run = chlog_column_run(stmt, 16);
	mail->uid_seq = (uint64_t)sqlite3_column_int64(stmt, 17);
	mail->uid_run = chlog_column_run(stmt, 18);
	return 0;
}

static const struct chlog_rows mails = {
	"messages", sizeof(struct chlog_mail), read_mail,
};

#define FEW_CHANGES	1000	/* so many are sorted, more are filtered */

/* How many changed messages there are, at most FEW_CHANGES + 1. */
static ptrdiff_t
count_changed(struct chlog *log, int64_t mailbox,
    const struct chlog_since *since, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT count(*) FROM (SELECT 1 "
	    "FROM message INDEXED BY message_by_seq WHERE mailbox = ?1 AND "
	    "seq > ?2 AND run IS NOT ?3 LIMIT ?4)", err);
	ptrdiff_t count;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, mailbox);
	sqlite3_bind_int64(stmt, 2, (int64_t)since->seq);
	sqlite3_bind_int64(stmt, 3, since->run);
	sqlite3_bind_int64(stmt, 4, FEW_CHANGES + 1);
	if (chlog_row(log, stmt, "messages", err) == -1)
		return -1;
	count = (ptrdiff_t)sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return count;
}

/*
 * Few changes are found by their seq and sorted; many are picked out of all
 * messages in the order of UID, so that a page never sorts the whole mailbox.
 */
ptrdiff_t
chlog_mails(struct chlog *log, int64_t mailbox, uint32_t after, uint32_t last,
    const struct chlog_since *since, struct arena *arena,
    struct chlog_mail *list, size_t max, struct err *err)
{
	sqlite3_stmt *stmt;
	ptrdiff_t changed = 0;

	if (since != NULL &&
	    (changed = count_changed(log, mailbox, since, err)) <= 0)
		return changed;
	if (since == NULL)
		stmt = chlog_stmt(log, "SELECT " MAIL_COLUMNS " FROM message "
		    "WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3", err);
	else if (changed <= FEW_CHANGES)
		stmt = chlog_stmt(log, "SELECT " MAIL_COLUMNS " FROM message "
		    "INDEXED BY message_by_seq WHERE mailbox = ?6 AND "
		    "seq > ?4 AND run IS NOT ?5 AND id > ?1 AND id <= ?2 "
		    "ORDER BY id LIMIT ?3", err);
	else
		stmt = chlog_stmt(log, "SELECT " MAIL_COLUMNS " FROM message "
		    "NOT INDEXED WHERE id > ?1 AND id <= ?2 AND seq > ?4 "
		    "AND run IS NOT ?5 ORDER BY id LIMIT ?3", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, message_id(mailbox, after));
	sqlite3_bind_int64(stmt, 2, message_id(mailbox, last));
	sqlite3_bind_int64(stmt, 3, (int64_t)max);
	if (since != NULL) {
		sqlite3_bind_int64(stmt, 4, (int64_t)since->seq);
		sqlite3_bind_int64(stmt, 5, since->run);
		if (changed <= FEW_CHANGES)
			sqlite3_bind_int64(stmt, 6, mailbox);
	}
	return chlog_read_some(log, stmt, &mails, arena, list, max, err);
}

static int
read_state(struct chlog *log, sqlite3_stmt *stmt, struct arena *arena,
    void *item, struct err *err)
{
	struct chlog_state *state = item;

	state->uid = (uint32_t)sqlite3_column_int64(stmt, 0);
	state->guid = chlog_column_text(stmt, 1, arena);
	if (state->guid == NULL ||
	    !guid_text_valid(state->guid, strlen(state->guid)))
		return chlog_corrupt(log, "a GUID", err);
	state->modseq = (uint64_t)sqlite3_column_int64(stmt, 5);
	return chlog_column_flags(log, stmt, 2, arena, &state->flags, err);
}

static const struct chlog_rows states = {
	"messages", sizeof(struct chlog_state), read_state,
};

ptrdiff_t
chlog_states(struct chlog *log, int64_t mailbox, uint32_t after,
    struct arena *arena, struct chlog_state *list, size_t max,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT id, guid, flags, stamps, "
	    "keywords, modseq FROM message WHERE id > ?1 AND id <= ?2 "
	    "ORDER BY id LIMIT ?3", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, message_id(mailbox, after));
	sqlite3_bind_int64(stmt, 2, message_id(mailbox, UINT32_MAX));
	sqlite3_bind_int64(stmt, 3, (int64_t)max);
	return chlog_read_some(log, stmt, &states, arena, list, max, err);
}

int
chlog_mails_changed(struct chlog *log, int64_t mailbox,
    const struct chlog_since *since, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT 1 FROM message "
	    "INDEXED BY message_by_seq WHERE mailbox = ?1 AND seq > ?2 AND "
	    "run IS NOT ?3 LIMIT 1", err);
	int r;

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, mailbox);
	sqlite3_bind_int64(stmt, 2, (int64_t)since->seq);
	sqlite3_bind_int64(stmt, 3, since->run);
	r = chlog_row(log, stmt, "messages", err);
	sqlite3_reset(stmt);
	return r;
}

int
chlog_mail_find(struct chlog *log, int64_t mailbox, uint32_t uid,
    struct arena *arena, struct chlog_mail *mail_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT " MAIL_COLUMNS " FROM message WHERE id = ?1", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, message_id(mailbox, uid));
	return chlog_read_one(log, stmt, &mails, arena, mail_r, err);
}

int
chlog_mail_find_guid(struct chlog *log, int64_t mailbox, const char *guid,
    uint64_t born_after, struct arena *arena, struct chlog_mail *mail_r,
    struct err *err)
{
	sqlite3_stmt *stmt;

	if (chlog_index(log, err) == -1)
		return -1;
	stmt = chlog_stmt(log, "SELECT " MAIL_COLUMNS " FROM "
	    "message INDEXED BY message_by_guid WHERE guid = ?1 AND "
	    "mailbox = ?2 AND born_seq > ?3 ORDER BY id LIMIT 1", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, guid, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 2, mailbox);
	sqlite3_bind_int64(stmt, 3, (int64_t)born_after);
	return chlog_read_one(log, stmt, &mails, arena, mail_r, err);
}

/* The lowest UID above after that has it among its further marks; 1, 0, -1. */
static int
find_extra_mark(struct chlog *log, int64_t mailbox,
    const struct guid128 *mark, uint32_t after, uint32_t *uid_r,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT min(message) FROM "
	    "extra_mark WHERE mark = ?1 AND message > ?2 AND message <= ?3",
	    err);
	int r;

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, mark);
	sqlite3_bind_int64(stmt, 2, message_id(mailbox, after));
	sqlite3_bind_int64(stmt, 3, message_id(mailbox, UINT32_MAX));
	if ((r = chlog_row(log, stmt, "marks", err)) == 1) {
		r = sqlite3_column_type(stmt, 0) != SQLITE_NULL;
		*uid_r = (uint32_t)sqlite3_column_int64(stmt, 0);
	}
	sqlite3_reset(stmt);
	return r;
}

/* Two simple queries: one for both tables would sort, in tables of its own. */
int
chlog_mail_find_twin(struct chlog *log, int64_t mailbox,
    const struct guid128 *mark, uint32_t after, struct arena *arena,
    struct chlog_mail *mail_r, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "SELECT " MAIL_COLUMNS " FROM "
	    "message INDEXED BY message_by_mark WHERE mark = ?1 AND "
	    "id > ?2 AND id <= ?3 ORDER BY id LIMIT 1", err);
	uint32_t uid = 0;
	int r, extra;

	if (stmt == NULL)
		return -1;
	chlog_bind_guid(stmt, 1, mark);
	sqlite3_bind_int64(stmt, 2, message_id(mailbox, after));
	sqlite3_bind_int64(stmt, 3, message_id(mailbox, UINT32_MAX));
	r = chlog_read_one(log, stmt, &mails, arena, mail_r, err);
	if (r == -1 || (extra = find_extra_mark(log, mailbox, mark, after,
	    &uid, err)) == -1)
		return -1;
	if (extra == 0 || (r == 1 && mail_r->m.uid <= uid))
		return r;
	extra = chlog_mail_find(log, mailbox, uid, arena, mail_r, err);
	return extra == 0 ? r : extra;
}

int
chlog_mail_find_mark(struct chlog *log, int64_t mailbox,
    const struct guid128 *mark, struct arena *arena,
    struct chlog_mail *mail_r, struct err *err)
{
	return chlog_mail_find_twin(log, mailbox, mark, 0, arena, mail_r, err);
}

ptrdiff_t
chlog_mails_same(struct chlog *log, const char *guid, const uint8_t *digest,
    struct arena *arena, struct chlog_mail *list, size_t max,
    struct err *err)
{
	sqlite3_stmt *stmt;

	if (chlog_index(log, err) == -1)
		return -1;
	stmt = chlog_stmt(log, "SELECT " MAIL_COLUMNS " FROM "
	    "message WHERE id IN (SELECT id FROM message INDEXED BY "
	    "message_by_guid WHERE guid = ?1 UNION SELECT id FROM message "
	    "WHERE digest = ?2) ORDER BY guid <> ?1, id LIMIT ?3", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, guid, -1, SQLITE_TRANSIENT);
	if (digest != NULL)
		sqlite3_bind_blob(stmt, 2, digest, (int)DIGEST_SIZE,
		    SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 3, (int64_t)max);
	return chlog_read_some(log, stmt, &mails, arena, list, max, err);
}

int
chlog_was_held(struct chlog *log, const char *guid, const uint8_t *digest,
    int64_t mailbox, uint32_t uid, const struct chlog_since *base,
    struct err *err)
{
	sqlite3_stmt *stmt;
	int r;

	if (chlog_index(log, err) == -1)
		return -1;
	stmt = chlog_stmt(log, "SELECT 1 FROM message INDEXED "
	    "BY message_by_guid WHERE guid = ?1 AND id <> ?3 AND "
	    "(born_seq <= ?4 OR born_run = ?5) UNION ALL "
	    "SELECT 1 FROM tombstone INDEXED BY tombstone_by_guid WHERE "
	    "guid = ?1 AND (born_seq <= ?4 OR born_run = ?5) UNION ALL "
	    "SELECT 1 FROM message WHERE digest = ?2 AND id <> ?3 AND "
	    "(born_seq <= ?4 OR born_run = ?5) LIMIT 1", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, guid, -1, SQLITE_TRANSIENT);
	if (digest != NULL)
		sqlite3_bind_blob(stmt, 2, digest, (int)DIGEST_SIZE,
		    SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 3, message_id(mailbox, uid));
	sqlite3_bind_int64(stmt, 4, (int64_t)base->seq);
	sqlite3_bind_int64(stmt, 5, base->run);
	r = chlog_row(log, stmt, "messages", err);
	sqlite3_reset(stmt);
	return r;
}

int
chlog_has_guid(struct chlog *log, const char *guid, struct err *err)
{
	sqlite3_stmt *stmt;
	int r;

	if (chlog_index(log, err) == -1)
		return -1;
	stmt = chlog_stmt(log,
	    "SELECT 1 FROM message WHERE guid = ?1 LIMIT 1", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, guid, -1, SQLITE_TRANSIENT);
	r = chlog_row(log, stmt, "messages", err);
	sqlite3_reset(stmt);
	return r;
}

static void
bind_mail(sqlite3_stmt *stmt, const struct chlog_mail *mail)
{
	const struct msg_message *m = &mail->m;

	sqlite3_bind_int64(stmt, 1, message_id(mail->mailbox, m->uid));
	sqlite3_bind_int64(stmt, 2, mail->mailbox);
	sqlite3_bind_text(stmt, 3, m->guid, -1, SQLITE_TRANSIENT);
	chlog_bind_marks(stmt, 4, m->marks, m->mark_count);
	chlog_bind_flags(stmt, 6, &m->flags);
	sqlite3_bind_int64(stmt, 9, (int64_t)m->modseq);
	if (m->received != RECEIVED_NONE)
		sqlite3_bind_int64(stmt, 10, m->received);
	if (m->pop3_uidl != NULL)
		sqlite3_bind_text(stmt, 11, m->pop3_uidl, -1,
		    SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 12, m->pop3_order);
	if (m->digest != NULL)
		sqlite3_bind_blob(stmt, 13, m->digest, (int)DIGEST_SIZE,
		    SQLITE_TRANSIENT);
	sqlite3_bind_int64(stmt, 14, (int64_t)mail->seq);
	chlog_bind_run(stmt, 15, mail->run);
	sqlite3_bind_int64(stmt, 16, (int64_t)mail->born_seq);
	chlog_bind_run(stmt, 17, mail->born_run);
	sqlite3_bind_int64(stmt, 18, (int64_t)mail->uid_seq);
	chlog_bind_run(stmt, 19, mail->uid_run);
}

static int
add_extra_marks(struct chlog *log, const struct chlog_mail *mail,
    struct err *err)
{
	sqlite3_stmt *stmt;

	for (size_t i = 1; i < mail->m.mark_count; i++) {
		stmt = chlog_stmt(log, "INSERT INTO extra_mark (mark, message) "
		    "VALUES (?1, ?2)", err);
		if (stmt == NULL)
			return -1;
		chlog_bind_guid(stmt, 1, &mail->m.marks[i]);
		sqlite3_bind_int64(stmt, 2,
		    message_id(mail->mailbox, mail->m.uid));
		if (chlog_run_stmt(log, stmt, "marks", err) == -1)
			return -1;
	}
	return 0;
}

static int
drop_extra_marks(struct chlog *log, int64_t id, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "DELETE FROM extra_mark WHERE message = ?1", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, id);
	return chlog_run_stmt(log, stmt, "marks", err);
}

int
chlog_mail_insert(struct chlog *log, const struct chlog_mail *mail,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "INSERT INTO message "
	    "(" MAIL_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
	    "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)", err);

	if (stmt == NULL)
		return -1;
	bind_mail(stmt, mail);
	if (chlog_run_stmt(log, stmt, "message", err) == -1 ||
	    add_extra_marks(log, mail, err) == -1 ||
	    chlog_index_added(log, err) == -1)
		return -1;
	return chlog_touch(log, mail->mailbox, 1, mail->seq, err);
}

/*
 * All but what other indexes than the one by seq hold.  1: done, 0: the record
 * is not there or differs in that, too; -1.
 */
static int
update_state(struct chlog *log, const struct chlog_mail *mail,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "UPDATE message SET flags = ?6, "
	    "stamps = ?7, keywords = ?8, modseq = ?9, received = ?10, "
	    "pop3_uidl = ?11, pop3_order = ?12, seq = ?14, run = ?15, "
	    "born_seq = ?16, born_run = ?17, uid_seq = ?18, uid_run = ?19 "
	    "WHERE id = ?1 AND mailbox = ?2 AND guid = ?3 AND mark = ?4 AND "
	    "more_marks IS ?5 AND digest IS ?13", err);

	if (stmt == NULL)
		return -1;
	bind_mail(stmt, mail);
	if (chlog_run_stmt(log, stmt, "message", err) == -1)
		return -1;
	return sqlite3_changes(log->db) > 0;
}

static int
update_all(struct chlog *log, const struct chlog_mail *mail, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "UPDATE message SET guid = ?3, "
	    "mark = ?4, more_marks = ?5, flags = ?6, stamps = ?7, "
	    "keywords = ?8, modseq = ?9, received = ?10, pop3_uidl = ?11, "
	    "pop3_order = ?12, digest = ?13, seq = ?14, run = ?15, "
	    "born_seq = ?16, born_run = ?17, uid_seq = ?18, "
	    "uid_run = ?19 WHERE id = ?1 AND mailbox = ?2",
	    err);

	if (stmt == NULL)
		return -1;
	bind_mail(stmt, mail);
	if (chlog_run_stmt(log, stmt, "message", err) == -1 ||
	    drop_extra_marks(log, message_id(mail->mailbox, mail->m.uid),
	    err) == -1)
		return -1;
	return add_extra_marks(log, mail, err);
}

/* A statement that names a column writes each index of it, changed or not. */
int
chlog_mail_update(struct chlog *log, const struct chlog_mail *mail,
    struct err *err)
{
	int r = update_state(log, mail, err);

	if (r == 0)
		r = update_all(log, mail, err);
	return r == -1 ? -1 :
	    chlog_touch(log, mail->mailbox, 0, mail->seq, err);
}

int
chlog_mail_set_state(struct chlog *log, int64_t mailbox,
    const struct chlog_state *state, uint64_t seq, struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "UPDATE message SET flags = ?2, "
	    "stamps = ?3, keywords = ?4, modseq = ?5, seq = ?6, run = NULL "
	    "WHERE id = ?1", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, message_id(mailbox, state->uid));
	chlog_bind_flags(stmt, 2, &state->flags);
	sqlite3_bind_int64(stmt, 5, (int64_t)state->modseq);
	sqlite3_bind_int64(stmt, 6, (int64_t)seq);
	if (chlog_run_stmt(log, stmt, "message", err) == -1)
		return -1;
	return chlog_touch(log, mailbox, 0, seq, err);
}

int
chlog_mail_delete(struct chlog *log, const struct chlog_mail *mail,
    struct err *err)
{
	int64_t id = message_id(mail->mailbox, mail->m.uid);
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "DELETE FROM message WHERE id = ?1", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, id);
	if (chlog_run_stmt(log, stmt, "message", err) == -1 ||
	    drop_extra_marks(log, id, err) == -1)
		return -1;
	return chlog_touch(log, mail->mailbox, -1, 0, err);
}

int
chlog_mail_move(struct chlog *log, const struct chlog_mail *mail,
    uint32_t new_uid, struct err *err)
{
	struct chlog_mail moved = *mail;

	if (chlog_mail_delete(log, mail, err) == -1)
		return -1;
	moved.m.uid = new_uid;
	return chlog_mail_insert(log, &moved, err);
}

int
chlog_mail_set_digest(struct chlog *log, int64_t mailbox, uint32_t uid,
    const char *guid, const uint8_t digest[static DIGEST_SIZE],
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "UPDATE message SET digest = ?2 "
	    "WHERE id = ?1 AND guid = ?3", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, message_id(mailbox, uid));
	sqlite3_bind_blob(stmt, 2, digest, (int)DIGEST_SIZE, SQLITE_TRANSIENT);
	sqlite3_bind_text(stmt, 3, guid, -1, SQLITE_TRANSIENT);
	return chlog_run_stmt(log, stmt, "message", err);
}

int
chlog_missing_add(struct chlog *log, const struct chlog_mail *mail,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "INSERT INTO missing "
	    "(" MAIL_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
	    "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)", err);

	if (stmt == NULL)
		return -1;
	bind_mail(stmt, mail);
	if (chlog_run_stmt(log, stmt, "message", err) == -1)
		return -1;
	return chlog_mail_delete(log, mail, err);
}

int
chlog_missing_first(struct chlog *log, int64_t mailbox, const char *guid,
    struct arena *arena, struct chlog_mail *mail_r, struct err *err)
{
	sqlite3_stmt *stmt;

	if (guid != NULL)
		stmt = chlog_stmt(log, "SELECT " MAIL_COLUMNS " FROM missing "
		    "WHERE mailbox = ?1 AND guid = ?2 ORDER BY id LIMIT 1",
		    err);
	else
		stmt = chlog_stmt(log, "SELECT " MAIL_COLUMNS " FROM missing "
		    "WHERE +mailbox = ?1 ORDER BY rowid LIMIT 1", err);
	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, mailbox);
	if (guid != NULL)
		sqlite3_bind_text(stmt, 2, guid, -1, SQLITE_TRANSIENT);
	return chlog_read_one(log, stmt, &mails, arena, mail_r, err);
}

int
chlog_missing_drop(struct chlog *log, const struct chlog_mail *mail,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log, "DELETE FROM missing WHERE "
	    "mailbox = ?2 AND guid = ?3 AND id = ?1", err);

	if (stmt == NULL)
		return -1;
	sqlite3_bind_int64(stmt, 1, message_id(mail->mailbox, mail->m.uid));
	sqlite3_bind_int64(stmt, 2, mail->mailbox);
	sqlite3_bind_text(stmt, 3, mail->m.guid, -1, SQLITE_TRANSIENT);
	return chlog_run_stmt(log, stmt, "message", err);
}
