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

#include "base/digest.h"
#include "base/mem.h"
#include "chlog/chlog_int.h"
#include "sim.h"

#define PATH_SIZE	256U

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
	if (__real_chlog_open(&log, &args, &err) == -1)
		mem_fatal(err.msg);
	return log;
}

static void
spare_put(struct chlog **log)
{
	if (*log != NULL)
		*ARRAY_ADD(&spare) = *log;
	*log = NULL;
}

/* As a log that was just made. */
static void
make_empty(struct chlog *log)
{
	static const char *const sql[] = {
		"DELETE FROM message", "DELETE FROM missing",
		"DELETE FROM extra_mark", "DELETE FROM tombstone",
		"DELETE FROM mailbox", "DELETE FROM mailbox_gone",
		"DELETE FROM subscription", "DELETE FROM alias",
		"DELETE FROM run", "DELETE FROM position",
		"DELETE FROM pending", "DELETE FROM label",
		"DELETE FROM sqlite_sequence", "DELETE FROM meta",
	};
	struct guid128 id = guid_random();
	struct err err = ERR_INIT;
	sqlite3_stmt *stmt;
	int r = chlog_exec(log, "BEGIN", &err);

	for (size_t i = 0; i < nitems(sql) && r == 0; i++) {
		stmt = chlog_stmt(log, sql[i], &err);
		r = stmt == NULL ? -1 : chlog_run_stmt(log, stmt, "empty",
		    &err);
	}
	if (r == -1 || chlog_meta_blob(log, "store_id", id.b, GUID_SIZE,
	    &err) == -1 || chlog_meta_int(log, "head_seq", 0, &err) == -1 ||
	    chlog_meta_int(log, "scanned_all", 0, &err) == -1 ||
	    chlog_exec(log, "COMMIT", &err) == -1)
		mem_fatal(err.msg);
}

static void
copy_log(struct chlog *to, const struct chlog *from)
{
	sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from->db,
	    "main");

	if (backup == NULL)
		mem_fatal(sqlite3_errmsg(to->db));
	(void)sqlite3_backup_step(backup, -1);
	if (sqlite3_backup_finish(backup) != SQLITE_OK)
		mem_fatal(sqlite3_errmsg(to->db));
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
