/*
 * Where the state comes from.  The snapshot names the log, and the place in
 * it, up to which it holds everything.  That log is B.log, or B.log.2 if the
 * log was exchanged after the snapshot was written.  The log is read from its
 * start in any case, for what lies before that place is needed to count
 * modseqs and to know the requests that nobody has carried out.
 *
 * Nothing is locked while this is read: snapshot and log are replaced by
 * renaming, so each file is whole, but they need not fit each other.  If one
 * of them was replaced meanwhile all is read again.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/index/index_int.h"

#define LOAD_TRIES	10U
#define WINDOW		(256U * 1024U)	/* bytes read at once */
#define LOG_HEADER_READ	4096U		/* bytes; a longer header is wrong */

void
index_log_close(struct index *index)
{
	if (index->fd != -1)
		close(index->fd);
	index->fd = -1;
	index->fd_writable = false;
}

void
index_forget(struct index *index)
{
	data_deinit(&index->data);
	data_init(&index->data);
	index->known = false;
	index->data.st.serial = ++index->serial;
}

/* As many bytes as there are, up to len; -1: *err. */
static ssize_t
read_at(int fd, uint8_t *buf, size_t len, uint64_t offset, struct err *err)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(fd, buf + got, len - got,
		    (off_t)(offset + got));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "read the index");
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

/* Open a file that may be absent: 1 it is. */
static int
open_optional(struct index *index, const char *name, int *fd_r,
    struct path_stat *st_r, struct err *err)
{
	*fd_r = path_open_file(index->root, index->dirfd, name, st_r, err);
	if (*fd_r != -1)
		return 0;
	if (err->errnum != ENOENT)
		return -1;
	*err = (struct err)ERR_INIT;
	return 1;
}

static int
read_records(int fd, struct data *data, const struct snap *snap,
    struct err *err)
{
	size_t per = WINDOW / snap->record_size + 1;
	uint8_t *buf = mem_alloc(per * snap->record_size);
	uint64_t offset = snap->header_size;
	size_t left = snap->count, n;
	int ret = 0;

	for (; ret == 0 && left > 0; left -= n) {
		ssize_t got;

		n = left < per ? left : per;
		got = read_at(fd, buf, n * snap->record_size, offset, err);
		if (got == (ssize_t)(n * snap->record_size))
			ret = snap_records_parse(snap, data, buf, n, err);
		else
			ret = got == -1 ? -1 : err_set(err, ERR_CORRUPT,
			    "the index was cut off");
		offset += n * snap->record_size;
	}
	free(buf);
	return ret;
}

static int
read_snapshot(int fd, uint64_t size, struct data *data, struct err *err)
{
	uint8_t base[INDEX_HEADER_SIZE], *buf;
	struct snap snap = { 0 };
	ssize_t got = read_at(fd, base, sizeof(base), 0, err);
	uint32_t len;
	int ret;

	if (got == -1)
		return -1;
	if ((len = snap_header_size(base, (size_t)got, err)) == 0)
		return -1;
	if (len > size)
		return err_set(err, ERR_CORRUPT, "the index was cut off");
	buf = mem_alloc(len);
	got = read_at(fd, buf, len, 0, err);
	if (got == -1)
		ret = -1;
	else if ((size_t)got < len || snap_header_size(buf, len, err) != len)
		ret = err_set(err, ERR_CORRUPT, "the index was cut off");
	else
		ret = snap_headers_parse(&snap, data, buf, len, size, err);
	free(buf);
	if (ret == 0)
		ret = read_records(fd, data, &snap, err);
	snap_deinit(&snap);
	return ret;
}

/* Feed the log from st.log_offset up to end. */
static int
read_log(int fd, struct data *data, uint64_t end, struct err *err)
{
	size_t cap = WINDOW, used, need;
	uint8_t *buf;
	int ret = 0;

	if (end > INDEX_LOG_MAX)
		return err_set(err, ERR_CORRUPT, "the index log is too large");
	if (end <= data->st.log_offset)
		return 0;
	buf = mem_alloc(cap);
	for (;;) {
		uint64_t avail = end - data->st.log_offset;
		ssize_t got = read_at(fd, buf, avail < cap ? (size_t)avail :
		    cap, data->st.log_offset, err);

		if (got < 0 || (ret = data_log_feed(data, buf, (size_t)got,
		    avail, &used, &need, err)) == -1) {
			ret = -1;
			break;
		}
		if (used == 0 && (need == 0 || need <= (size_t)got ||
		    (size_t)got < cap))
			break;
		if (need > cap) {
			free(buf);
			cap = need;
			buf = mem_alloc(cap);
		}
	}
	free(buf);
	return ret;
}

static int
read_log_header(int fd, struct log_header *header, struct err *err)
{
	uint8_t buf[LOG_HEADER_READ];
	ssize_t got = read_at(fd, buf, sizeof(buf), 0, err);

	if (got == -1)
		return -1;
	return log_header_parse(header, buf, (size_t)got, err);
}

/* What is needed of B.log.2, if it is the one that is wanted. */
static int
load_log2(struct index *index, struct data *data,
    const struct log_header *newer, uint32_t seq, bool *found_r,
    struct err *err)
{
	struct log_header header;
	struct path_stat st;
	uint64_t end;
	int fd, ret;

	*found_r = false;
	ret = open_optional(index, index->log2_name, &fd, &st, err);
	if (ret != 0)
		return ret == 1 ? 0 : -1;
	ret = read_log_header(fd, &header, err);
	if (ret == 0 && header.seq == seq &&
	    header.indexid == newer->indexid) {
		*found_r = true;
		end = newer->prev_seq == seq ? newer->prev_offset : st.size;
		data_log_begin(data, &header);
		ret = read_log(fd, data, end < st.size ? end : st.size, err);
	} else if (ret == -1 && err->code == ERR_CORRUPT) {
		*err = (struct err)ERR_INIT;
		ret = 0;
	}
	close(fd);
	return ret;
}

/* All that the snapshot has not, from B.log and what was before it. */
static int
load_logs(struct index *index, struct data *data, struct err *err)
{
	struct log_header header;
	struct path_stat st;
	bool found = false, other;

	if (path_fstat(index->fd, &st, err) == -1 ||
	    read_log_header(index->fd, &header, err) == -1)
		return -1;
	other = data->st.exists &&
	    get32(data->header + HDR_INDEXID) != header.indexid;
	/* Such a log begins with an empty index, whatever was before. */
	if (header.prev_seq == 0 && (other ||
	    data->head_seq != header.seq || data->head <= header.size)) {
		data_deinit(data);
		data_init(data);
	} else if (other || (data->st.exists && data->head_seq > header.seq)) {
		return err_set(err, ERR_CORRUPT,
		    "the index and its log do not belong together");
	} else if (!data->st.exists) {
		if (load_log2(index, data, &header, header.prev_seq, &found,
		    err) == -1)
			return -1;
		if (!found)
			return err_set(err, ERR_CORRUPT,
			    "the index has no snapshot");
	} else if (data->head_seq < header.seq &&
	    load_log2(index, data, &header, data->head_seq, &found,
	    err) == -1) {
		return -1;
	}
	if (data->head_seq == header.seq && data->head > st.size)
		return err_set(err, ERR_CORRUPT, "the index log was cut off");
	data_log_begin(data, &header);
	return read_log(index->fd, data, st.size, err);
}

/* Is the open log still the one of that name?  Opens it if not. */
static int
open_log(struct index *index, struct err *err)
{
	struct path_stat st;

	if (index->fd != -1 && !index->locked) {
		if (path_stat(index->root, index->dirfd, NULL,
		    index->log_name, &st, err) == -1)
			return -1;
		if (!st.exists || st.ino != index->log_st.ino ||
		    st.dev != index->log_st.dev)
			index_log_close(index);
	}
	if (index->fd != -1)
		return 0;
	return open_optional(index, index->log_name, &index->fd,
	    &index->log_st, err) == -1 ? -1 : 0;
}

/* Modseqs of a snapshot whose log is gone. */
static void
modseq_of_snapshot(struct data *data)
{
	struct ext *ext;

	if (data->modseq_ext == SIZE_MAX)
		return;
	ext = &data->exts.v[data->modseq_ext];
	if (ext->header_size >= 8 && get64(ext->header) > data->modseq)
		data->modseq = get64(ext->header);
}

static int
load_once(struct index *index, struct err *err)
{
	struct data *data = &index->data;
	struct path_stat st;
	int fd, ret;

	data_deinit(data);
	data_init(data);
	index->snap_ino = 0;
	if (index->dirfd == -1)
		return 0;
	ret = open_optional(index, index->base, &fd, &st, err);
	if (ret == -1)
		return -1;
	if (ret == 0) {
		index->snap_ino = st.ino;
		index->snap_ctime = st.ctime_ns;
		ret = read_snapshot(fd, st.size, data, err);
		close(fd);
		if (ret == -1)
			return -1;
	}
	if (open_log(index, err) == -1)
		return -1;
	if (index->fd == -1) {
		modseq_of_snapshot(data);
		return 0;
	}
	return load_logs(index, data, err);
}

/* Was a file replaced while they were read?  failed: not all of them were. */
static bool
was_replaced(struct index *index, bool failed)
{
	struct err ignored = ERR_INIT;
	struct path_stat st;

	if (index->dirfd == -1)
		return false;
	if (!index->locked && (index->fd != -1 || !failed)) {
		if (path_stat(index->root, index->dirfd, NULL,
		    index->log_name, &st, &ignored) == -1)
			return false;
		if (st.exists != (index->fd != -1) || (st.exists &&
		    (st.ino != index->log_st.ino ||
		    st.dev != index->log_st.dev)))
			return true;
	}
	if (path_stat(index->root, index->dirfd, NULL, index->base, &st,
	    &ignored) == -1)
		return false;
	return st.exists != (index->snap_ino != 0) || (st.exists &&
	    (st.ino != index->snap_ino || st.ctime_ns != index->snap_ctime));
}

int
index_reload(struct index *index, struct err *err)
{
	for (unsigned int i = 0; i < LOAD_TRIES; i++) {
		int ret = load_once(index, err);

		if (ret == -1 && err->code != ERR_CORRUPT)
			break;
		if (was_replaced(index, ret == -1)) {
			*err = (struct err)ERR_INIT;
			continue;
		}
		if (ret == -1)
			break;
		data_finish(&index->data);
		index->known = true;
		index->data.st.serial = ++index->serial;
		return 0;
	}
	if (err->code == ERR_NONE)
		err_set(err, ERR_TEMP, "the index changes all the time");
	index_forget(index);
	return err_prefix(err, "%s", index->base);
}

int
index_follow(struct index *index, struct err *err)
{
	struct data *data = &index->data;
	uint32_t before = data->st.log_offset;
	struct path_stat st;

	if (path_fstat(index->fd, &st, err) == -1 ||
	    (st.size < before ? err_set(err, ERR_CORRUPT,
	    "the index log was cut off") : 0) == -1 ||
	    read_log(index->fd, data, st.size, err) == -1) {
		index_forget(index);
		return err_prefix(err, "%s", index->base);
	}
	if (data->st.log_offset != before) {
		data_finish(data);
		data->st.serial = ++index->serial;
	}
	return 0;
}

int
index_take(struct index *index, const uint8_t *buf, size_t len,
    struct err *err)
{
	size_t used, need;

	if (data_log_feed(&index->data, buf, len, len, &used, &need,
	    err) == -1 || used != len) {
		index_forget(index);
		return err_set(err, ERR_CORRUPT,
		    "%s is not as it was thought to be", index->base);
	}
	data_finish(&index->data);
	index->data.st.serial = ++index->serial;
	return 0;
}
