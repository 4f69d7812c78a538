/*
 * Writing: a transaction at the end of the log, or a new log.  A reader that
 * finds half a transaction waits for the rest, but the next writer declares
 * the whole index damaged; so all bytes go with one write, and what was written
 * in part is taken back.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/index/index_int.h"

#define NEWLOCK_STALE	60U	/* seconds */

/* Would a reader take these records? */
static int
check_records(const struct index_txn *txn, struct err *err)
{
	const uint8_t *p = (const uint8_t *)txn->buf.data;
	size_t at = 0, need;
	struct record rec;

	if (txn->wrong != NULL)
		return err_set(err, ERR_REFUSED, "%s", txn->wrong);
	if (txn->buf.failed)
		return err_set(err, ERR_REFUSED,
		    "an index transaction is too large");
	while (at < txn->buf.len) {
		if (record_decode(&rec, p + at, txn->buf.len - at,
		    txn->buf.len - at, &need, err) != 1 ||
		    record_check(&rec, err) == -1)
			return err_set(err, ERR_REFUSED,
			    "an index transaction is wrong");
		at += rec.size;
	}
	return 0;
}

/* Boundary, records, tail; start: where they will be in the log. */
static void
assemble(const struct index_txn *txn, struct strbuf *out, uint64_t start)
{
	uint8_t boundary[REC_BOUNDARY_SIZE], tail[REC_TAIL_SIZE];
	size_t from = out->len;

	if (txn->records > 1) {
		record_size_put(boundary, sizeof(boundary));
		put32(boundary + 4, REC_BOUNDARY | REC_EXTERNAL);
		put32(boundary + 8, (uint32_t)(txn->buf.len +
		    sizeof(boundary)));
		strbuf_add(out, boundary, sizeof(boundary));
	}
	strbuf_add(out, txn->buf.data, txn->buf.len);
	if (!txn->tail)
		return;
	record_size_put(tail, sizeof(tail));
	put32(tail + 4, REC_HEADER | REC_EXTERNAL);
	put16(tail + 8, HDR_LOG_TAIL);
	put16(tail + 10, 4);
	put32(tail + 12, (uint32_t)(start + (out->len - from) +
	    sizeof(tail)));
	strbuf_add(out, tail, sizeof(tail));
}

static int
append_to_log(struct index_txn *txn, bool *unknown, struct err *err)
{
	struct index *index = txn->index;
	uint64_t start = index->data.st.log_offset;
	struct err ignored = ERR_INIT;
	struct strbuf out;
	int ret;

	if (!index->known)
		return err_set(err, ERR_TEMP,
		    "what is in %s is unknown", index->log_name);
	if (txn->records == 0 && !txn->tail)
		return 0;
	strbuf_init(&out, (size_t)INDEX_LOG_MAX - 1);
	assemble(txn, &out, start);
	if (out.failed || start + out.len >= INDEX_LOG_MAX) {
		strbuf_deinit(&out);
		return err_set(err, ERR_NOSPACE, "the index log is full");
	}
	ret = path_pwrite(index->root, index->fd, out.data, out.len, start,
	    err);
	if (ret == -1) {
		if (path_truncate(index->root, index->fd, start,
		    &ignored) == -1)
			*unknown = true;
	} else if (!index->opts.no_fsync && path_fdatasync(index->root,
	    index->fd, err) == -1) {
		*unknown = true;
		ret = -1;
	}
	if (ret == 0)
		ret = index_take(index, (const uint8_t *)out.data, out.len,
		    err);
	else if (*unknown)
		index_forget(index);
	strbuf_deinit(&out);
	return ret == -1 ? err_prefix(err, "%s", index->log_name) : 0;
}

static void
format_log_header(const struct log_header *log, struct strbuf *out)
{
	uint8_t header[INDEX_LOG_HEADER] = { LOG_MAJOR, LOG_MINOR };

	put16(header + 2, sizeof(header));
	put32(header + 4, log->indexid);
	put32(header + 8, log->seq);
	put32(header + 12, log->prev_seq);
	put32(header + 16, log->prev_offset);
	put32(header + 20, (uint32_t)(clock_now_ms() / 1000));
	put64(header + 24, log->modseq);
	header[32] = 1;
	strbuf_add(out, header, sizeof(header));
}

/* Mode and group as the directory has them, whatever the umask is. */
static int
set_access(struct index *index, int fd, struct err *err)
{
	struct err ignored = ERR_INIT;
	struct path_stat st;

	if (path_fstat(index->dirfd, &st, err) == -1)
		return -1;
	if ((gid_t)st.gid != getegid())
		(void)path_set_group(index->root, fd, (gid_t)st.gid,
		    &ignored);
	return path_set_mode(index->root, fd,
	    (mode_t)((st.mode & 0666) | 0600), err);
}

/* Write a file under another name; it is not there on failure. */
static int
write_new_file(struct index *index, const char *name,
    const struct strbuf *bytes, struct err *err)
{
	struct err ignored = ERR_INIT;
	int fd = path_create(index->root, index->dirfd, name, 0600, err);
	int ret;

	if (fd == -1)
		return -1;
	ret = set_access(index, fd, err);
	if (ret == 0)
		ret = path_write(index->root, fd, bytes->data, bytes->len,
		    err);
	if (ret == 0 && !index->opts.no_fsync)
		ret = path_fsync(index->root, fd, err);
	close(fd);
	if (ret == -1)
		(void)path_unlink(index->root, index->dirfd, name, false,
		    &ignored);
	return ret;
}

static int
fsync_dir(struct index *index, struct err *err)
{
	return index->opts.no_fsync ? 0 :
	    path_fsync(index->root, index->dirfd, err);
}

/* Write the snapshot of an index that has no log yet. */
static int
publish_snapshot(struct index *index, const struct strbuf *bytes,
    struct err *err)
{
	char name[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;

	unique_name(name, index->hostname);
	if (write_new_file(index, name, bytes, err) == -1)
		return -1;
	/* One that is there has no log, and is worth nothing. */
	if (path_rename_over(index->root, index->dirfd, name, index->base,
	    err) == 0)
		return 0;
	(void)path_unlink(index->root, index->dirfd, name, false, &ignored);
	return -1;
}

static int
write_new_log(struct index_txn *txn, const char *name, struct err *err)
{
	uint32_t now = (uint32_t)(clock_now_ms() / 1000);
	struct log_header log = {
		.minor = LOG_MINOR, .size = INDEX_LOG_HEADER,
		.indexid = txn->indexid != 0 ? txn->indexid :
		    now != 0 ? now : 1,
		.seq = EXACT_PREV_SEQ + 1,
		.modseq = txn->initial_modseq > 0 ? txn->initial_modseq : 1,
	};
	struct err ignored = ERR_INIT;
	struct strbuf bytes, snap;
	struct data data;
	int ret = 0;

	strbuf_init(&bytes, (size_t)INDEX_LOG_MAX - 1);
	strbuf_init(&snap, (size_t)INDEX_LOG_MAX - 1);
	if (txn->modseqs) {
		data_init(&data);
		data_log_begin(&data, &log);
		if (index_make_exact(txn, &data, &log, &snap, err) == -1 ||
		    publish_snapshot(txn->index, &snap, err) == -1)
			ret = -1;
		data_deinit(&data);
	}
	format_log_header(&log, &bytes);
	if (!txn->modseqs)
		assemble(txn, &bytes, bytes.len);
	if (ret == 0 && (ret = write_new_file(txn->index, name, &bytes,
	    err)) == -1 && txn->modseqs)
		(void)path_unlink(txn->index->root, txn->index->dirfd,
		    txn->index->base, false, &ignored);
	strbuf_deinit(&bytes);
	strbuf_deinit(&snap);
	return ret;
}

/*
 * Under the lock for new logs: nobody else makes one now.  The log comes last,
 * since without one there is no index.
 */
static int
publish_new_log(struct index_txn *txn, bool *unknown, struct err *err)
{
	struct index *index = txn->index;
	char name[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct path_stat st;
	int ret;

	if (path_stat(index->root, index->dirfd, NULL, index->log_name, &st,
	    err) == -1)
		return -1;
	if (st.exists)
		return err_set(err, ERR_STALE, "it exists by now");
	unique_name(name, index->hostname);
	if (write_new_log(txn, name, err) == -1)
		return -1;
	ret = path_rename(index->root, index->dirfd, name, index->dirfd,
	    index->log_name, err);
	if (ret == -1) {
		if (err->errnum == EEXIST)
			err->code = ERR_STALE;
		(void)path_unlink(index->root, index->dirfd, name, false,
		    &ignored);
		return -1;
	}
	if (fsync_dir(index, err) == -1) {
		*unknown = true;
		return -1;
	}
	return 0;
}

static int
create_log(struct index_txn *txn, bool *unknown, struct err *err)
{
	struct index *index = txn->index;
	char name[PATH_NAME_MAX + 1];
	struct dotlock lock;
	struct dotlock_wish wish = {
		.name = name, .hostname = index->hostname,
		.stale = NEWLOCK_STALE, .timeout = index->opts.lock_timeout,
		.tmp_fd = index->dirfd,
	};
	int ret;

	if (index->dirfd == -1)
		return err_set(err, ERR_REFUSED, "there is no index");
	snprintf(name, sizeof(name), "%s.newlock", index->log_name);
	if (dotlock_take(&lock, index->root, index->dirfd, &wish, err) == -1)
		return -1;
	ret = publish_new_log(txn, unknown, err);
	dotlock_release(&lock);
	if (ret == -1)
		return err_prefix(err, "%s", index->log_name);
	return index_reload(index, err);
}

/* Both files anew, in the lock of the old ones. */
static int
remake(struct index_txn *txn, bool *unknown, struct err *err)
{
	struct index *index = txn->index;
	uint32_t now = (uint32_t)(clock_now_ms() / 1000);
	uint32_t id = index->data.st.indexid;
	struct log_header log = {
		.minor = LOG_MINOR, .size = INDEX_LOG_HEADER,
		.indexid = now > id ? now : id + 1,
		.seq = EXACT_PREV_SEQ + 1,
	};
	char snap_name[PATH_NAME_MAX + 1], log_name[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct strbuf snap, bytes;
	int ret;

	strbuf_init(&snap, (size_t)INDEX_LOG_MAX - 1);
	strbuf_init(&bytes, INDEX_LOG_HEADER);
	unique_name(snap_name, index->hostname);
	unique_name(log_name, index->hostname);
	if (txn->restart) {
		data_deinit(&index->data);
		data_init(&index->data);
		log.modseq = txn->initial_modseq;
		data_log_begin(&index->data, &log);
	}
	ret = index_make_exact(txn, &index->data, &log, &snap, err);
	format_log_header(&log, &bytes);
	if (ret == 0)
		ret = write_new_file(index, snap_name, &snap, err);
	if (ret == 0 && (ret = write_new_file(index, log_name, &bytes,
	    err)) == 0)
		ret = path_rename_over(index->root, index->dirfd, snap_name,
		    index->base, err);
	if (ret == 0) {
		*unknown = true;
		ret = path_rename_over(index->root, index->dirfd, log_name,
		    index->log_name, err);
	}
	if (ret == 0) {
		*unknown = false;
		ret = index_relock(index, err);
	} else {
		(void)path_unlink(index->root, index->dirfd, snap_name, false,
		    &ignored);
		(void)path_unlink(index->root, index->dirfd, log_name, false,
		    &ignored);
		index_forget(index);
	}
	strbuf_deinit(&snap);
	strbuf_deinit(&bytes);
	return ret == -1 ? err_prefix(err, "%s", index->base) : 0;
}

/*
 * A log without a predecessor makes readers forget the snapshot, so its name is
 * all that has to change.
 */
static int
replace_log(struct index_txn *txn, bool *unknown, struct err *err)
{
	struct index *index = txn->index;
	struct log_header log = {
		.minor = LOG_MINOR, .size = INDEX_LOG_HEADER,
		.indexid = index->data.st.indexid,
		.seq = index->data.st.log_seq + 1,
		.modseq = txn->initial_modseq > 0 ? txn->initial_modseq : 1,
	};
	char name[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct strbuf bytes;
	int ret = -1;

	strbuf_init(&bytes, (size_t)INDEX_LOG_MAX - 1);
	unique_name(name, index->hostname);
	format_log_header(&log, &bytes);
	assemble(txn, &bytes, bytes.len);
	if (bytes.failed)
		err_set(err, ERR_REFUSED, "the index is too large");
	else
		ret = write_new_file(index, name, &bytes, err);
	strbuf_deinit(&bytes);
	if (ret == 0 && (ret = path_rename_over(index->root, index->dirfd,
	    name, index->log_name, err)) == -1)
		(void)path_unlink(index->root, index->dirfd, name, false,
		    &ignored);
	if (ret == 0 && (ret = fsync_dir(index, err)) == -1)
		*unknown = true;
	if (ret == 0) {
		(void)path_unlink(index->root, index->dirfd, index->base,
		    false, &ignored);
		ret = index_relock(index, err);
	}
	return ret == -1 ? err_prefix(err, "%s", index->log_name) : 0;
}

int
index_txn_commit(struct index_txn **txnp, bool *unknown_r, struct err *err)
{
	struct index_txn *txn = *txnp;
	bool unknown = false;
	int ret = -1;

	if (check_records(txn, err) == -1)
		err_prefix(err, "%s", txn->index->log_name);
	else if (txn->index->locked && txn->index->known && (txn->restart ||
	    (txn->remake && txn->of_messages &&
	    txn->index->data.st.pristine)))
		ret = remake(txn, &unknown, err);
	else if (txn->replace && txn->index->locked && txn->index->known)
		ret = replace_log(txn, &unknown, err);
	else if (txn->index->locked)
		ret = append_to_log(txn, &unknown, err);
	else if (txn->index->data.st.exists && !txn->restart)
		err_set(err, ERR_REFUSED, "%s has no log", txn->index->base);
	else if (txn->index->opts.readonly)
		err_set(err, ERR_PERM, "the index is read only");
	else
		ret = create_log(txn, &unknown, err);
	if (unknown_r != NULL)
		*unknown_r = unknown;
	index_txn_abort(txnp);
	return ret;
}

int
index_snapshot_write(struct index *index, struct err *err)
{
	char name[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct strbuf bytes;
	int ret = -1;

	if (!index->locked)
		return err_set(err, ERR_REFUSED, "the index is not locked");
	snprintf(name, sizeof(name), "%s.tmp", index->base);
	/* One that is left over: only who has the lock makes it. */
	(void)path_unlink(index->root, index->dirfd, name, false, &ignored);
	strbuf_init(&bytes, (size_t)INDEX_LOG_MAX - 1);
	snap_format(&bytes, &index->data);
	if (bytes.failed)
		err_set(err, ERR_REFUSED, "the index is too large");
	else
		ret = write_new_file(index, name, &bytes, err);
	strbuf_deinit(&bytes);
	if (ret == 0 && path_rename_over(index->root, index->dirfd, name,
	    index->base, err) == -1) {
		(void)path_unlink(index->root, index->dirfd, name, false,
		    &ignored);
		ret = -1;
	}
	if (ret == 0)
		ret = fsync_dir(index, err);
	return ret == -1 ? err_prefix(err, "%s", index->base) : 0;
}
