/*
 * A new log appears whole, with its tables, under its name in one step.  Left to
 * itself SQLite would wait for the disk five times more: for the journal, the
 * name and the header of an empty file that turns to write-ahead logging, and
 * for the tables.
 *
 * It is made in memory and written to a file that has no name yet.  Where that
 * cannot be done, SQLite begins with an empty file.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "chlog/chlog_int.h"

#define HEADER_VERSIONS	18	/* offset of those for writing and reading */
#define VERSION_WAL	2	/* "write-ahead logging", in both */

int
chlog_make_schema(struct chlog *log, struct err *err)
{
	struct guid128 id = guid_random();
	char sql[128];

	if (chlog_exec(log, chlog_schema, err) == -1)
		return -1;
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d;"
	    "PRAGMA user_version = %d;", CHLOG_APPLICATION_ID, CHLOG_VERSION);
	if (chlog_exec(log, sql, err) == -1 ||
	    chlog_meta_blob(log, "store_id", id.b, GUID_SIZE, err) == -1 ||
	    chlog_meta_int(log, "head_seq", 0, err) == -1 ||
	    chlog_meta_int(log, "scanned_all", 0, err) == -1)
		return -1;
	return 0;
}

int
chlog_put_root(struct chlog *log, const struct stat *st, const char *dir,
    struct err *err)
{
	if (chlog_meta_int(log, "root_dev", (int64_t)st->st_dev, err) == -1 ||
	    chlog_meta_int(log, "root_ino", (int64_t)st->st_ino, err) == -1)
		return -1;
	return chlog_meta_blob(log, "root_path", dir, strlen(dir), err);
}

#if SQLITE_VERSION_NUMBER >= 3036000

/* Kernels before 6.10 let only root link a descriptor by itself. */
static int
link_to(int fd, const char *path)
{
	char own[32];

	if (linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0)
		return 0;
	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	return errno == EEXIST ? -1 :
	    linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

static int
sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -1;

	if (fd != -1) {
		/* Some file systems cannot sync a directory, and need not. */
		r = fsync(fd) == -1 && errno != EINVAL ? -1 : 0;
		(void)close(fd);
	}
	return r;
}

static bool
write_file(const char *path, const char *dir, const void *data, size_t len,
    bool durable)
{
	struct err unused = ERR_INIT;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	bool done;

	if (fd == -1)
		return false;
	done = fchmod(fd, 0600) == 0 &&		/* whatever the umask is */
	    io_write(fd, data, len, &unused) == 0 &&
	    (!durable || fsync(fd) == 0) &&
	    /* Another process may have been faster. */
	    (link_to(fd, path) == 0 || errno == EEXIST) &&
	    (!durable || sync_dir(dir) == 0);
	(void)close(fd);
	return done;
}

bool
chlog_file_new(const char *path, const char *dir, const struct stat *root,
    bool durable)
{
	struct chlog log = { .copy = true };
	struct err unused = ERR_INIT;
	sqlite3_int64 size = 0;
	unsigned char *data;
	bool done = false;

	if (chlog_db_open(&log, ":memory:", SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE, &unused) == 0 &&
	    chlog_exec(&log, "BEGIN", &unused) == 0 &&
	    chlog_make_schema(&log, &unused) == 0 &&
	    (root == NULL || chlog_put_root(&log, root, dir, &unused) == 0) &&
	    chlog_exec(&log, "COMMIT", &unused) == 0 &&
	    (data = sqlite3_serialize(log.db, "main", &size, 0)) != NULL) {
		memset(data + HEADER_VERSIONS, VERSION_WAL, 2);
		done = write_file(path, dir, data, (size_t)size, durable);
		sqlite3_free(data);
	}
	chlog_db_close(&log);
	return done;
}

#else

bool
chlog_file_new(const char *path, const char *dir, const struct stat *root,
    bool durable)
{
	(void)path;
	(void)dir;
	(void)root;
	(void)durable;
	return false;
}

#endif
