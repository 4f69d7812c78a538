/*
 * Change logs.  Most histories keep theirs in memory and open all their life,
 * so that a run costs no I/O and prepares no statement; opening one again then
 * means to drop what was not committed and to read the head anew.  Others have
 * files, opened and closed by each run as in a real one.  Both end alike.
 */
#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/mem.h"
#include "chlog/chlog_int.h"
#include "sim.h"

#define PATH_SIZE	256U
#define SQL_SIZE	256U
#define COPIERS_MAX	64U	/* logs in memory */

static char state_dir[PATH_SIZE];
static const char *const log_suffixes[SIM_LOG_FILES] = { "", "-wal", "-shm" };

/* Those that nobody uses, with their statements. */
static ARRAY(struct chlog *) spare;

int __real_chlog_open(struct chlog **log_r, const struct chlog_args *args,
    struct err *err);
int __wrap_chlog_open(struct chlog **log_r, const struct chlog_args *args,
    struct err *err);
void __real_chlog_close(struct chlog **log);
void __wrap_chlog_close(struct chlog **log);
const char *__real_chlog_path(const struct chlog *log);
const char *__wrap_chlog_path(const struct chlog *log);
int __real_chlog_commit(struct chlog *log, struct err *err);
int __wrap_chlog_commit(struct chlog *log, struct err *err);
int __real_sqlite3_open_v2(const char *path, sqlite3 **db_r, int flags,
    const char *vfs);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db_r, int flags,
    const char *vfs);

/* A log in memory is made, whose tables have a row or two. */
static bool making_spare;

/* Every page that is written to is copied before. */
int
__wrap_sqlite3_open_v2(const char *path, sqlite3 **db_r, int flags,
    const char *vfs)
{
	int rc = __real_sqlite3_open_v2(path, db_r, flags, vfs);

	if (rc == SQLITE_OK && making_spare)
		rc = sqlite3_exec(*db_r, "PRAGMA page_size = 1024", NULL, NULL,
		    NULL);
	return rc;
}

/* A commit is a step as well: it may fail, or be the last. */
int
__wrap_chlog_commit(struct chlog *log, struct err *err)
{
	struct failing_plan *plan = &sim_current()->plan;

	plan->count++;
	if (plan->fail_at != 0 && plan->count == plan->fail_at &&
	    plan->errnum == 0)
		plan->gone = true;
	if (plan->gone || (plan->fail_at != 0 &&
	    plan->count == plan->fail_at)) {
		chlog_rollback(log);
		return err_set(err, ERR_TEMP, "the log is gone");
	}
	return __real_chlog_commit(log, err);
}

static struct chlog *
spare_get(void)
{
	struct chlog_args args = { .root_fd = -1 };
	struct err err = ERR_INIT;
	struct chlog *log = NULL;

	if (spare.n > 0)
		return spare.v[--spare.n];
	/* One thread, and nobody asks how much memory SQLite has. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	making_spare = true;
	if (__real_chlog_open(&log, &args, &err) == -1)
		mem_fatal(err.msg);
	making_spare = false;
	return log;
}

static void
spare_put(struct chlog **log)
{
	if (*log != NULL)
		*ARRAY_ADD(&spare) = *log;
	*log = NULL;
}

/* Of a log, in an order in which they can be filled. */
static const char *const tables[] = {
	"meta", "run", "mailbox", "mailbox_gone", "message", "missing",
	"extra_mark", "tombstone", "subscription", "attribute", "intent",
	"alias", "position", "pending", "label", "sqlite_sequence",
};

/*
 * The statements that empty and copy a log.  A backup by SQLite would make it
 * read the schema anew, and prepare all statements again.
 */
static struct copier {
	struct chlog *log;
	sqlite3_stmt *empty[nitems(tables)], *get[nitems(tables)];
	sqlite3_stmt *put[nitems(tables)];
} copiers[COPIERS_MAX];
static size_t copier_count;

static sqlite3_stmt *
prepare(struct chlog *log, const char *begin, const char *table,
    const char *end)
{
	sqlite3_stmt *stmt = NULL;
	char sql[SQL_SIZE];

	(void)snprintf(sql, sizeof(sql), "%s %s %s", begin, table, end);
	if (sqlite3_prepare_v3(log->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    &stmt, NULL) != SQLITE_OK)
		mem_fatal(sqlite3_errmsg(log->db));
	return stmt;
}

static struct copier *
copier_of(struct chlog *log)
{
	char values[SQL_SIZE];
	struct copier *c;
	sqlite3_stmt *all;

	for (size_t i = 0; i < copier_count; i++)
		if (copiers[i].log == log)
			return &copiers[i];
	if (copier_count == COPIERS_MAX)
		mem_fatal("too many logs");
	c = &copiers[copier_count++];
	c->log = log;
	all = prepare(log, "SELECT count(*) FROM", "sqlite_master",
	    "WHERE type = 'table'");
	if (sqlite3_step(all) != SQLITE_ROW ||
	    sqlite3_column_int(all, 0) != (int)nitems(tables))
		mem_fatal("a log has other tables");
	sqlite3_finalize(all);
	for (size_t i = 0; i < nitems(tables); i++) {
		size_t n = 0;

		c->empty[i] = prepare(log, "DELETE FROM", tables[i], "");
		c->get[i] = prepare(log, "SELECT * FROM", tables[i], "");
		n += (size_t)snprintf(values, sizeof(values), "VALUES (?");
		for (int k = 1; k < sqlite3_column_count(c->get[i]); k++)
			n += (size_t)snprintf(values + n, sizeof(values) - n,
			    ",?");
		(void)snprintf(values + n, sizeof(values) - n, ")");
		c->put[i] = prepare(log, "INSERT INTO", tables[i], values);
	}
	return c;
}

static void
copiers_free(void)
{
	for (size_t i = 0; i < copier_count; i++)
		for (size_t k = 0; k < nitems(tables); k++) {
			sqlite3_finalize(copiers[i].empty[k]);
			sqlite3_finalize(copiers[i].get[k]);
			sqlite3_finalize(copiers[i].put[k]);
		}
	copier_count = 0;
}

static void
do_step(struct chlog *log, sqlite3_stmt *stmt)
{
	if (sqlite3_step(stmt) != SQLITE_DONE)
		mem_fatal(sqlite3_errmsg(log->db));
	(void)sqlite3_reset(stmt);
}

static void
do_sql(struct chlog *log, const char *sql)
{
	struct err err = ERR_INIT;

	if (chlog_exec(log, sql, &err) == -1)
		mem_fatal(err.msg);
}

/* To empty what is empty would write to all its pages. */
static void
empty_table(struct copier *c, size_t table)
{
	int r = sqlite3_step(c->get[table]);

	(void)sqlite3_reset(c->get[table]);
	if (r != SQLITE_DONE)
		do_step(c->log, c->empty[table]);
}

/* As a log that was just made. */
static void
make_empty(struct chlog *log)
{
	struct copier *c = copier_of(log);
	struct guid128 id = guid_random();
	struct err err = ERR_INIT;

	do_sql(log, "BEGIN");
	for (size_t i = 0; i < nitems(tables); i++)
		empty_table(c, i);
	if (chlog_meta_blob(log, "store_id", id.b, GUID_SIZE, &err) == -1 ||
	    chlog_meta_int(log, "head_seq", 0, &err) == -1 ||
	    chlog_meta_int(log, "scanned_all", 0, &err) == -1)
		mem_fatal(err.msg);
	do_sql(log, "COMMIT");
}

static void
copy_table(struct chlog *to, sqlite3_stmt *put, struct chlog *from,
    sqlite3_stmt *get)
{
	int n = sqlite3_column_count(get), r;

	while ((r = sqlite3_step(get)) == SQLITE_ROW) {
		for (int i = 0; i < n; i++)
			(void)sqlite3_bind_value(put, i + 1,
			    sqlite3_column_value(get, i));
		do_step(to, put);
	}
	if (r != SQLITE_DONE)
		mem_fatal(sqlite3_errmsg(from->db));
	(void)sqlite3_reset(get);
	(void)sqlite3_clear_bindings(put);
}

static void
copy_log(struct chlog *to, struct chlog *from)
{
	struct copier *a = copier_of(to), *b = copier_of(from);

	do_sql(to, "BEGIN");
	/* The last one counts what the others are given. */
	for (size_t i = 0; i < nitems(tables); i++) {
		empty_table(a, i);
		copy_table(to, a->put[i], from, b->get[i]);
	}
	do_sql(to, "COMMIT");
}

/* What a program knows that has just opened the log. */
static int
forget(struct chlog *log, struct err *err)
{
	log->touched = 0;
	log->run_id = 0;
	log->copy = false;
	return chlog_meta_load(log, err);
}

int
__wrap_chlog_open(struct chlog **log_r, const struct chlog_args *args,
    struct err *err)
{
	struct sim_site *site = sim_current();

	if (site->log_files)
		return __real_chlog_open(log_r, args, err);
	if (site->log == NULL) {
		site->log = spare_get();
		make_empty(site->log);
	}
	*log_r = site->log;
	if (args->dry_run) {
		*log_r = spare_get();
		copy_log(*log_r, site->log);
	}
	return forget(*log_r, err);
}

void
__wrap_chlog_close(struct chlog **logp)
{
	struct sim_site *site = sim_current();
	struct chlog *log = *logp;

	if (log == NULL || site->log_files) {
		__real_chlog_close(logp);
		return;
	}
	*logp = NULL;
	chlog_rollback(log);
	if (log != site->log)
		spare_put(&log);
}

/* Where there is no path there is no lock of the pair either. */
const char *
__wrap_chlog_path(const struct chlog *log)
{
	return sim_current()->log_locks ? __real_chlog_path(log) : NULL;
}

const char *
sim_state_dir(void)
{
	static const char *const tops[] = { "/dev/shm", "/tmp" };

	for (size_t i = 0; i < nitems(tops) && state_dir[0] == '\0'; i++) {
		(void)snprintf(state_dir, sizeof(state_dir),
		    "%s/dsync-simulate-XXXXXX", tops[i]);
		if (mkdtemp(state_dir) == NULL)
			state_dir[0] = '\0';
	}
	if (state_dir[0] == '\0')
		mem_fatal("no place for change logs");
	return state_dir;
}

void
sim_state_forget(void)
{
	state_dir[0] = '\0';
}

void
sim_cleanup(void)
{
	char path[PATH_SIZE * 2];
	struct dirent *entry;
	DIR *dir;

	sim_links_free();
	sim_starts_free();
	copiers_free();
	for (size_t i = 0; i < spare.n; i++)
		__real_chlog_close(&spare.v[i]);
	ARRAY_FREE(&spare);
	if (state_dir[0] == '\0' || (dir = opendir(state_dir)) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", state_dir,
		    entry->d_name);
		if (entry->d_name[0] != '.')
			(void)unlink(path);
	}
	(void)closedir(dir);
	(void)rmdir(state_dir);
	state_dir[0] = '\0';
}

/* The change log as the session names it. */
static void
log_path(const struct sim_site *site, size_t file, char *out, size_t size)
{
	uint8_t digest[DIGEST_SIZE];
	char hex[33];

	digest_sha256(site->path, strlen(site->path), digest);
	hex_format(hex, digest, 16);
	(void)snprintf(out, size, "%s/%s.db%s", sim_state_dir(), hex,
	    log_suffixes[file]);
}

void
sim_log_lose(struct sim_site *site)
{
	char path[PATH_SIZE * 2];

	spare_put(&site->log);
	for (size_t i = 0; i < SIM_LOG_FILES && site->log_files; i++) {
		log_path(site, i, path, sizeof(path));
		(void)unlink(path);
	}
}

static char *
read_file(const char *path, size_t *len_r)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	char *data;

	*len_r = 0;
	if (f == NULL)
		return NULL;
	if (fstat(fileno(f), &st) == -1)
		mem_fatal(path);
	data = mem_alloc((size_t)st.st_size + 1);
	*len_r = fread(data, 1, (size_t)st.st_size, f);
	(void)fclose(f);
	return data;
}

static void
write_file(const char *path, const char *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		mem_fatal(path);
}

void
sim_log_take(const struct sim_site *site, struct sim_log_copy *copy)
{
	char path[PATH_SIZE * 2];

	if (site->log != NULL) {
		copy->log = spare_get();
		copy_log(copy->log, site->log);
	}
	for (size_t i = 0; i < SIM_LOG_FILES && site->log_files; i++) {
		log_path(site, i, path, sizeof(path));
		copy->file[i] = read_file(path, &copy->len[i]);
	}
}

void
sim_log_put(struct sim_site *site, const struct sim_log_copy *copy)
{
	char path[PATH_SIZE * 2];

	sim_log_lose(site);
	if (copy->log != NULL) {
		site->log = spare_get();
		copy_log(site->log, copy->log);
	}
	for (size_t i = 0; i < SIM_LOG_FILES && site->log_files; i++) {
		log_path(site, i, path, sizeof(path));
		if (copy->file[i] != NULL)
			write_file(path, copy->file[i], copy->len[i]);
	}
}

void
sim_log_copy_free(struct sim_log_copy *copy)
{
	spare_put(&copy->log);
	for (size_t i = 0; i < SIM_LOG_FILES; i++) {
		free(copy->file[i]);
		copy->file[i] = NULL;
	}
}
