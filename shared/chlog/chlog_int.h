/*
 * chlog_int.h - what the files of this folder share
 */
#ifndef CHLOG_CHLOG_INT_H
#define CHLOG_CHLOG_INT_H

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "chlog/chlog.h"

#define CHLOG_APPLICATION_ID	0x6473796e	/* "dsyn" */

extern const char chlog_schema[];

/* Prepared statements by their place in a file's own list of queries. */
#define CHLOG_STMTS_MAX	128U

struct chlog {
	sqlite3 *db;
	sqlite3_stmt *stmts[CHLOG_STMTS_MAX];
	const char *stmt_sql[CHLOG_STMTS_MAX];
	size_t stmt_count;
	char *path;		/* NULL: in memory */
	struct guid128 store_id;
	uint64_t head, head_saved;
	bool scanned_all;
	bool writing;
	bool holding;		/* from hold to rest ... */
	bool reading;		/* ... and a transaction is open */
	bool damaged;
	bool durable;		/* a commit waits for the disk */
	bool copy;		/* dry run: thrown away at the end */
	bool indexed;		/* by GUID and digest, too ... */
	bool indexing;		/* ... or will be with this transaction */
	uint32_t unindexed;	/* messages that were added before that */

	/* The mailbox whose messages are being written. */
	int64_t touched;	/* 0: none */
	int64_t touched_delta;	/* messages more */
	uint64_t touched_seq;

	/* The run that was asked for last, until a transaction begins. */
	bool run_known;
	struct guid128 run;
	int64_t run_id;		/* 0: the log has none */

	void (*notice)(const char *text, void *arg);
	void *notice_arg;
};

/*
 * The statement of this SQL text, a string literal, ready to bind; it is
 * prepared once.  NULL with err.
 */
sqlite3_stmt *chlog_stmt(struct chlog *log, const char *sql,
    struct err *err);
/* Fill err from the database's last error; returns -1. */
int chlog_fail(struct chlog *log, const char *what, struct err *err);
/* Run a statement that gives no rows. */
int chlog_run_stmt(struct chlog *log, sqlite3_stmt *stmt, const char *what,
    struct err *err);
/* 1: a row, 0: none, -1.  Reset is the caller's. */
int chlog_row(struct chlog *log, sqlite3_stmt *stmt, const char *what,
    struct err *err);
int chlog_exec(struct chlog *log, const char *sql, struct err *err);

/* A kind of rows, each of which becomes an item of size bytes. */
struct chlog_rows {
	const char *what;	/* for messages */
	size_t size;
	/* Fill a zeroed item from the row that stmt is at; 0 or -1. */
	int (*read)(struct chlog *log, sqlite3_stmt *stmt,
	    struct arena *arena, void *item, struct err *err);
};

/*
 * Read the first max rows of a bound statement into list and reset it.  Returns
 * how many there were, or -1; then list is of no use.
 */
ptrdiff_t chlog_read_some(struct chlog *log, sqlite3_stmt *stmt,
    const struct chlog_rows *rows, struct arena *arena, void *list,
    size_t max, struct err *err);
/* 1: item is read, 0: there is no row and item is as it was, -1. */
int chlog_read_one(struct chlog *log, sqlite3_stmt *stmt,
    const struct chlog_rows *rows, struct arena *arena, void *item,
    struct err *err);
/* Read all rows; returns how many, in *list_r in the arena, or -1. */
ptrdiff_t chlog_read_all(struct chlog *log, sqlite3_stmt *stmt,
    const struct chlog_rows *rows, struct arena *arena, void **list_r,
    struct err *err);

/* Note a change of a message; delta more or fewer of them. */
int chlog_touch(struct chlog *log, int64_t mailbox, int delta, uint64_t seq,
    struct err *err);
int chlog_touch_end(struct chlog *log, struct err *err);
/* log_open.c: open log->db; close it and its statements. */
int chlog_db_open(struct chlog *log, const char *path, int flags,
    struct err *err);
void chlog_db_close(struct chlog *log);
/* log_new.c: make the tables of an empty log, in a transaction. */
int chlog_make_schema(struct chlog *log, struct err *err);
/* Note the directory that the log belongs to. */
int chlog_put_root(struct chlog *log, const struct stat *st,
    const char *dir, struct err *err);
/*
 * Make a whole new log at path, in the directory dir; root: it belongs to that.
 * It stays if there is one meanwhile.  False: this cannot be done here.
 */
bool chlog_file_new(const char *path, const char *dir,
    const struct stat *root, bool durable);
/* log_index.c: are there all indexes, and messages that lack them? */
int chlog_index_look(struct chlog *log, struct err *err);
/* A message was added, in a transaction. */
int chlog_index_added(struct chlog *log, struct err *err);
/* Read what is kept of meta in struct chlog. */
int chlog_meta_load(struct chlog *log, struct err *err);
int chlog_meta_int(struct chlog *log, const char *key, int64_t value,
    struct err *err);
int chlog_meta_get_int(struct chlog *log, const char *key, int64_t *value_r,
    struct err *err);
int chlog_meta_blob(struct chlog *log, const char *key, const void *data,
    size_t len, struct err *err);
/* A new store id; positions and labels of the old one are dropped. */
int chlog_new_identity(struct chlog *log, struct err *err);
/* All of a mailbox that goes. */
int chlog_attributes_remove(struct chlog *log, int64_t mailbox,
    struct err *err);
void chlog_note(const struct chlog *log, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void chlog_bind_guid(sqlite3_stmt *stmt, int i, const struct guid128 *guid);
void chlog_bind_run(sqlite3_stmt *stmt, int i, int64_t run);
int64_t chlog_column_run(sqlite3_stmt *stmt, int i);
/* -1 with ERR_CORRUPT if the column is no 16-byte blob. */
int chlog_column_guid(struct chlog *log, sqlite3_stmt *stmt, int i,
    struct guid128 *guid_r, struct err *err);
const char *chlog_column_text(sqlite3_stmt *stmt, int i, struct arena *arena);
/* First mark and the others, in arena memory. */
int chlog_column_marks(struct chlog *log, sqlite3_stmt *stmt, int i,
    struct arena *arena, struct guid128 **marks_r, size_t *count_r,
    struct err *err);
void chlog_bind_marks(sqlite3_stmt *stmt, int i, const struct guid128 *marks,
    size_t count);
/* Flags, their stamps, and keywords: three columns from i on. */
void chlog_bind_flags(sqlite3_stmt *stmt, int i, const struct mail_flags *mf);
int chlog_column_flags(struct chlog *log, sqlite3_stmt *stmt, int i,
    struct arena *arena, struct mail_flags *mf, struct err *err);
int chlog_corrupt(struct chlog *log, const char *what, struct err *err);

#endif
