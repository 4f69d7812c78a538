/*
 * Where a log lies, and whether it may be trusted.
 *
 * The file is named by its real path: SQLite then refuses symbolic links
 * itself (NOFOLLOW), which it could not do through /proc/self/fd.  It is
 * created with mode 0600 before SQLite sees it, so that neither it nor the
 * files that SQLite puts beside it were ever readable by others.  It is
 * never opened and closed here while it exists: closing any descriptor of
 * a file drops the locks that SQLite holds on it in the same process.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/digest.h"
#include "chlog/chlog_int.h"

/* Numbers of statfs(2); not every system's headers have them. */
static const unsigned int network_types[] = {
	0x6969,		/* NFS */
	0x517b,		/* SMB */
	0xff534d42,	/* CIFS */
	0xfe534d42,	/* SMB2 */
	0x5346414f,	/* AFS */
	0x73757245,	/* Coda */
	0x00c36400,	/* Ceph */
};

/* Write-ahead logging needs memory that all writers share. */
static int
check_local(int fd, struct err *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return err_sys(err, "statfs");
	for (size_t i = 0; i < nitems(network_types); i++)
		if ((unsigned int)fs.f_type == network_types[i])
			return err_set(err, ERR_CONFIG,
			    "the change log cannot lie on a network file "
			    "system: set state_dir to a local directory");
	return 0;
}

/* The path of an open directory without symbolic links; heap memory. */
static char *
real_dir(int fd, const char *path)
{
	char link[64], *real;
	struct stat a, b;

	if (fd == -1)
		return path != NULL ? realpath(path, NULL) : NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	real = realpath(link, NULL);
	if (real == NULL && path != NULL)
		real = realpath(path, NULL);
	if (real == NULL)
		return NULL;
	if (fstat(fd, &a) == -1 || stat(real, &b) == -1 ||
	    a.st_dev != b.st_dev || a.st_ino != b.st_ino) {
		free(real);
		return NULL;
	}
	return real;
}

static char *
join(const char *dir, const char *name)
{
	size_t len = strlen(dir) + strlen(name) + 2;
	char *path = malloc(len);

	if (path != NULL)
		snprintf(path, len, "%s/%s", dir, name);
	return path;
}

/* *path_r: where the database is, NULL for one in memory. */
static int
find_path(const struct chlog_args *args, char **path_r, char **dir_r,
    struct err *err)
{
	uint8_t digest[DIGEST_SIZE];
	char name[2 * 16 + sizeof(".db")], *dir = NULL;
	int fd, r;

	*path_r = *dir_r = NULL;
	if (args->state_dir == NULL && args->root_fd == -1)
		return 0;
	if (args->state_dir == NULL) {
		if (check_local(args->root_fd, err) == -1)
			return -1;
		if ((dir = real_dir(args->root_fd, args->root_path)) == NULL)
			return err_set(err, ERR_TEMP, "%s: the directory was "
			    "moved while it was opened", args->root_path);
		strlcpy(name, CHLOG_FILE, sizeof(name));
	} else {
		char *root = real_dir(args->root_fd, args->root_path);
		const char *text = root != NULL ? root : args->root_path;

		digest_sha256(text, strlen(text), digest);
		hex_format(name, digest, 16);
		strlcat(name, ".db", sizeof(name));
		free(root);
		if ((fd = open(args->state_dir, O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC)) == -1)
			return err_sys(err, "state_dir %s", args->state_dir);
		r = check_local(fd, err);
		close(fd);
		if (r == -1)
			return -1;
		if ((dir = realpath(args->state_dir, NULL)) == NULL)
			return err_sys(err, "state_dir %s", args->state_dir);
	}
	*path_r = join(dir, name);
	*dir_r = dir;
	if (*path_r == NULL)
		return err_sys(err, "%s", dir);
	return 0;
}

static int
create_empty(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);

	if (fd == -1 && errno == EEXIST)
		return 0;
	if (fd == -1 && (errno == EACCES || errno == EROFS))
		return err_set(err, ERR_CONFIG, "the change log %s cannot be "
		    "written: set state_dir to a directory for it", path);
	if (fd == -1)
		return err_sys(err, "%s", path);
	close(fd);
	return 0;
}

static bool
has_beside(const char *path, const char *suffix)
{
	char file[PATH_MAX];

	return snprintf(file, sizeof(file), "%s%s", path, suffix) <
	    (int)sizeof(file) && access(file, F_OK) == 0;
}

/*
 * Anything that cannot be done here is said when an empty file is created.  To
 * that SQLite adds nothing that a log which was removed has left.
 */
static int
create_file(const char *path, const char *dir,
    const struct chlog_args *args, struct err *err)
{
	bool own = args->root_fd != -1 && args->state_dir == NULL;
	struct stat st;

	if (access(path, F_OK) == -1 && errno == ENOENT &&
	    !has_beside(path, "-wal") && !has_beside(path, "-journal") &&
	    (!own || fstat(args->root_fd, &st) == 0) &&
	    chlog_file_new(path, dir, own ? &st : NULL, args->root_fd != -1))
		return 0;
	return create_empty(path, err);
}

/* One thread alone uses it, so SQLite needs no locks of its own inside. */
static void
for_one_thread(void)
{
	static bool done;

	if (!done) {
		sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
		sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	}
	done = true;
}

int
chlog_db_open(struct chlog *log, const char *path, int flags, struct err *err)
{
	int rc;

	for_one_thread();
	rc = sqlite3_open_v2(path, &log->db, flags |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);

	if (rc != SQLITE_OK) {
		if (log->db == NULL)
			return err_set(err, ERR_TEMP, "change log: no memory");
		chlog_fail(log, path, err);
		return -1;
	}
	sqlite3_busy_timeout(log->db, CHLOG_BUSY_MS);
	sqlite3_db_config(log->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(log->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return 0;
}

void
chlog_db_close(struct chlog *log)
{
	for (size_t i = 0; i < log->stmt_count; i++)
		sqlite3_finalize(log->stmts[i]);
	log->stmt_count = 0;
	sqlite3_close(log->db);
	log->db = NULL;
}

static int
pragma_int(struct chlog *log, const char *sql, int64_t *value_r,
    struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int r;

	if (sqlite3_prepare_v2(log->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return chlog_fail(log, "open", err);
	if ((r = chlog_row(log, stmt, "open", err)) == 1)
		*value_r = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return r == -1 ? -1 : 0;
}

/*
 * A counter that went back would give new changes numbers of before a base, and
 * nobody would be told of them.
 */
static int
check_head(struct chlog *log, struct err *err)
{
	int64_t above;

	if (chlog_meta_load(log, err) == -1 || pragma_int(log, "SELECT count(*) "
	    "FROM position WHERE seq > (SELECT value FROM meta WHERE key = "
	    "'head_seq')", &above, err) == -1)
		return -1;
	return above > 0 ? chlog_corrupt(log, "the counter of changes", err) :
	    0;
}

/*
 * A program that knows nothing of them may have begun the log.  The schema has
 * them last, in this order.
 */
static const char *const added[] = {
	"CREATE TABLE attribute ", "CREATE TABLE intent ",
	"CREATE INDEX mailbox_by_name ",
};

/* The first one that is not there; NULL: all are. */
static int
find_lacking(struct chlog *log, const char **lacking_r,
    struct err *err)
{
	int64_t there;

	if (pragma_int(log, "SELECT count(*) FROM sqlite_master WHERE name IN "
	    "('attribute', 'intent', 'mailbox_by_name')", &there, err) == -1)
		return -1;
	*lacking_r = there < (int64_t)nitems(added) ? added[there] : NULL;
	return 0;
}

static int
add_lacking(struct chlog *log, struct err *err)
{
	const char *lacking;

	if (find_lacking(log, &lacking, err) == -1)
		return -1;
	if (lacking == NULL)
		return 0;
	if (chlog_exec(log, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	log->writing = true;
	if (find_lacking(log, &lacking, err) == -1)
		goto fail;
	if (lacking != NULL && chlog_exec(log, strstr(chlog_schema,
	    lacking), err) == -1)
		goto fail;
	if (chlog_exec(log, "COMMIT", err) == -1)
		goto fail;
	log->writing = false;
	return 0;
fail:
	chlog_rollback(log);
	return -1;
}

/* Ours, new enough, and readable.  *whole_r: what every log has is there. */
static int
look(struct chlog *log, int64_t *tables_r, bool *whole_r, struct err *err)
{
	int64_t app = 0, version = 0, tables = 0;
	const char *lacking;

	*whole_r = false;
	if (pragma_int(log, "PRAGMA application_id", &app, err) == -1 ||
	    pragma_int(log, "PRAGMA user_version", &version, err) == -1 ||
	    pragma_int(log, "SELECT count(*) FROM sqlite_master", &tables,
	    err) == -1)
		return -1;
	if (app != CHLOG_APPLICATION_ID && (app != 0 || tables != 0))
		return chlog_corrupt(log, "the header", err);
	if (version > CHLOG_VERSION)
		return err_set(err, ERR_CONFIG, "the change log was written "
		    "by a newer program (version %lld, this one knows %d)",
		    (long long)version, CHLOG_VERSION);
	*tables_r = tables;
	if (tables == 0)
		return 0;
	if (find_lacking(log, &lacking, err) == -1 ||
	    chlog_index_look(log, err) == -1)
		return -1;
	*whole_r = lacking == NULL;
	return *whole_r ? check_head(log, err) : 0;
}

/* An empty database gets its tables. */
static int
check_schema(struct chlog *log, struct err *err)
{
	int64_t tables;
	bool whole;
	int r;

	/* In one transaction, or each look would lock and unlock the log. */
	if (chlog_exec(log, "BEGIN", err) == -1)
		return -1;
	r = look(log, &tables, &whole, err);
	if (!sqlite3_get_autocommit(log->db))
		sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
	if (r == -1 || whole)
		return r;
	if (tables != 0)
		return add_lacking(log, err) == -1 ? -1 :
		    check_head(log, err);
	/* Two programs may have come here at once. */
	if (chlog_exec(log, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	log->writing = true;
	if (pragma_int(log, "SELECT count(*) FROM sqlite_master", &tables,
	    err) == -1 || (tables == 0 && chlog_make_schema(log, err) == -1) ||
	    chlog_exec(log, "COMMIT", err) == -1) {
		chlog_rollback(log);
		return -1;
	}
	log->writing = false;
	return chlog_meta_load(log, err);
}

/* Full: what was answered as done survives the loss of power. */
static int
set_up(struct chlog *log, bool durable, struct err *err)
{
	log->durable = durable;
	return chlog_exec(log, durable ?
	    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	    "PRAGMA cache_size = -3072; PRAGMA temp_store = MEMORY;"
	    "PRAGMA journal_size_limit = 4194304;"
	    "PRAGMA wal_autocheckpoint = 4000;" :
	    "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"
	    "PRAGMA temp_store = MEMORY;", err);
}

/* Nothing is deleted: a person may want to look at it. */
static void
put_aside(struct chlog *log, const char *path)
{
	static const char *const beside[] = { "-wal", "-shm" };
	char from[PATH_MAX], to[PATH_MAX];
	unsigned long long now = clock_now_ms() / 1000;

	snprintf(to, sizeof(to), "%s.damaged-%llu", path, now);
	for (int i = 1; access(to, F_OK) == 0 && i < 1000; i++)
		snprintf(to, sizeof(to), "%s.damaged-%llu.%d", path, now, i);
	if (rename(path, to) == -1) {
		chlog_note(log, "the change log %s is damaged and cannot be "
		    "moved aside: %s", path, strerror(errno));
		return;
	}
	chlog_note(log, "the change log was damaged; it is now %s, and a new "
	    "one is begun", to);
	for (size_t i = 0; i < nitems(beside); i++) {
		char with[PATH_MAX];

		if (snprintf(from, sizeof(from), "%s%s", path, beside[i]) >=
		    (int)sizeof(from) || snprintf(with, sizeof(with), "%s%s",
		    to, beside[i]) >= (int)sizeof(with))
			continue;
		rename(from, with);
	}
}

/*
 * For reading only.  Without a -wal file nobody has the database open, and it
 * is read as it is: SQLite then makes no files beside it.
 */
static int
open_readonly(struct chlog *log, const char *path, struct err *err)
{
	char uri[3 * PATH_MAX];
	size_t n = 0;

	if (has_beside(path, "-wal") && chlog_db_open(log, path,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, err) == 0) {
		if (chlog_exec(log, "SELECT count(*) FROM sqlite_master",
		    err) == 0)
			return 0;
	}
	chlog_db_close(log);
	n = (size_t)snprintf(uri, sizeof(uri), "file:");
	for (const char *p = path; *p != '\0' && n < sizeof(uri) - 20; p++) {
		if (strchr("%?#", *p) != NULL)
			n += (size_t)snprintf(uri + n, sizeof(uri) - n,
			    "%%%02x", (unsigned char)*p);
		else
			uri[n++] = *p;
	}
	snprintf(uri + n, sizeof(uri) - n, "?immutable=1");
	return chlog_db_open(log, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
	    SQLITE_OPEN_NOFOLLOW, err);
}

/* A dry run may spill to an unnamed file where there is a place for it. */
static bool
temp_works(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir != NULL && *dir == '/' ? dir : "/var/tmp",
	    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd == -1)
		return false;
	close(fd);
	return true;
}

static int
copy_from(struct chlog *log, const char *path, struct err *err)
{
	struct chlog src = { .notice = log->notice,
	    .notice_arg = log->notice_arg };
	sqlite3_backup *backup;
	int r = -1, rc;

	if (open_readonly(&src, path, err) == -1)
		goto out;
	if ((backup = sqlite3_backup_init(log->db, "main", src.db,
	    "main")) == NULL) {
		chlog_fail(log, "copy", err);
		goto out;
	}
	do
		rc = sqlite3_backup_step(backup, -1);
	while (rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	sqlite3_backup_finish(backup);
	if (rc != SQLITE_DONE) {
		chlog_fail(log, "copy", err);
		goto out;
	}
	r = 0;
out:
	chlog_db_close(&src);
	return r;
}

/* A dry run works on a copy, so that it leaves no trace and locks nobody. */
static int
open_copy(struct chlog *log, const char *path, struct err *err)
{
	const char *name = temp_works() ? "" : ":memory:";
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	bool there = path != NULL && access(path, F_OK) == 0;

	log->copy = true;
	if (chlog_db_open(log, name, flags, err) == -1)
		return -1;
	if (there && (copy_from(log, path, err) == -1 ||
	    set_up(log, false, err) == -1 || check_schema(log, err) == -1)) {
		if (err->code != ERR_CORRUPT)
			return -1;
		chlog_note(log, "the change log %s is damaged; a real run "
		    "moves it aside", path);
		chlog_db_close(log);
		log->damaged = false;
		there = false;
		if (chlog_db_open(log, name, flags, err) == -1)
			return -1;
	}
	if (!there && (set_up(log, false, err) == -1 ||
	    check_schema(log, err) == -1))
		return -1;
	return 0;
}

static int
try_file(struct chlog *log, const char *path, const char *dir,
    const struct chlog_args *args, struct err *err)
{
	/* Without a root there is no mail that could be lost. */
	bool durable = args->root_fd != -1;

	if (create_file(path, dir, args, err) == -1 ||
	    chlog_db_open(log, path, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_NOFOLLOW, err) == -1 || set_up(log, durable, err) == -1 ||
	    check_schema(log, err) == -1)
		return -1;
	/* The first run was cut, or is under way. */
	return log->unindexed > 0 ? chlog_index(log, err) : 0;
}

static int
open_file(struct chlog *log, const char *path, const char *dir,
    const struct chlog_args *args, struct err *err)
{
	if (try_file(log, path, dir, args, err) == 0)
		return 0;
	if (!log->damaged)
		return -1;
	chlog_db_close(log);
	put_aside(log, path);
	log->damaged = false;
	return try_file(log, path, dir, args, err);
}

/* Is there a log with our store id in dir, which is another directory? */
static bool
same_log_in(const struct chlog *log, const char *dir)
{
	struct chlog other = { 0 };
	struct err err = ERR_INIT;
	char *path = join(dir, CHLOG_FILE);
	bool same = false;

	if (path == NULL || access(path, F_OK) == -1) {
		free(path);
		return false;
	}
	/* What cannot be read may well be ours: a new id costs only time. */
	if (open_readonly(&other, path, &err) == -1 ||
	    chlog_meta_load(&other, &err) == -1)
		same = errno != ENOENT;
	else
		same = guid_eq(&other.store_id, &log->store_id);
	chlog_db_close(&other);
	free(path);
	return same;
}

static int
text_of_meta(struct chlog *log, const char *key, char *out, size_t size,
    struct err *err)
{
	sqlite3_stmt *stmt = chlog_stmt(log,
	    "SELECT CAST(value AS TEXT) FROM meta WHERE key = ?1", err);
	const char *text;
	int r;

	out[0] = '\0';
	if (stmt == NULL)
		return -1;
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	if ((r = chlog_row(log, stmt, "meta", err)) == 1 &&
	    (text = (const char *)sqlite3_column_text(stmt, 0)) != NULL)
		strlcpy(out, text, size);
	sqlite3_reset(stmt);
	return r == -1 ? -1 : 0;
}

/*
 * The log remembers the directory that it was made for.  In another one it was
 * moved along with its mail, which changes nothing, or copied: then two stores
 * would go by one id, and this one takes a new one (E6).
 */
static int
check_identity(struct chlog *log, const struct chlog_args *args,
    const char *dir, struct err *err)
{
	char old_path[PATH_MAX];
	int64_t dev, ino;
	struct stat st, old;
	bool copied;

	if (fstat(args->root_fd, &st) == -1)
		return err_sys(err, "%s", args->root_path);
	if (chlog_meta_get_int(log, "root_dev", &dev, err) == -1 ||
	    chlog_meta_get_int(log, "root_ino", &ino, err) == -1 ||
	    text_of_meta(log, "root_path", old_path, sizeof(old_path),
	    err) == -1)
		return -1;
	if (dev == (int64_t)st.st_dev && ino == (int64_t)st.st_ino &&
	    strcmp(old_path, dir) == 0)
		return 0;
	copied = old_path[0] != '\0' &&
	    (dev != (int64_t)st.st_dev || ino != (int64_t)st.st_ino) &&
	    strcmp(old_path, dir) != 0 && stat(old_path, &old) == 0 &&
	    (old.st_dev != st.st_dev || old.st_ino != st.st_ino) &&
	    same_log_in(log, old_path);
	if (chlog_begin(log, err) == -1)
		return -1;
	if ((copied && chlog_new_identity(log, err) == -1) ||
	    chlog_put_root(log, &st, dir, err) == -1) {
		chlog_rollback(log);
		return -1;
	}
	if (copied)
		chlog_note(log, "this store is a copy of %s: it is treated as "
		    "a store of its own from now on", old_path);
	return chlog_commit(log, err);
}

int
chlog_open(struct chlog **log_r, const struct chlog_args *args,
    struct err *err)
{
	struct chlog *log = calloc(1, sizeof(*log));
	char *path = NULL, *dir = NULL;
	int r = -1;

	if (log == NULL)
		return err_sys(err, "change log");
	log->notice = args->notice;
	log->notice_arg = args->notice_arg;
	if (find_path(args, &path, &dir, err) == -1)
		goto out;
	if (path == NULL || args->dry_run)
		r = open_copy(log, path, err);
	else
		r = open_file(log, path, dir, args, err);
	if (r == 0 && args->root_fd != -1 && args->state_dir == NULL)
		r = check_identity(log, args, dir, err);
	log->path = path;
	path = NULL;
out:
	free(path);
	free(dir);
	if (r == -1)
		chlog_close(&log);
	*log_r = log;
	return r;
}

void
chlog_close(struct chlog **logp)
{
	struct chlog *log = *logp;

	if (log == NULL)
		return;
	*logp = NULL;
	if (log->db != NULL) {
		chlog_rollback(log);
		chlog_db_close(log);
	}
	if (log->damaged && !log->copy && log->path != NULL)
		put_aside(log, log->path);
	free(log->path);
	free(log);
}
