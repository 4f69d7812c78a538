/*
 * Bodies are written while the batch is prepared, the first ones to tmp/, all
 * others without a name: open, one write for most mails, the date.  Where
 * there are many, a helper thread does that (body_queue.h), and what fails
 * there is told in flush.  Names in cur/ are chosen in flush, when the sizes
 * and what else is in the mailbox are known.
 */
#include "config.h"

#include <sys/resource.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/files/crlf.h"
#include "store/files/mail_codec.h"
#include "store/files/mail_input.h"
#include "store/maildir/maildir.h"

#define WRITE_CHUNK	65536U	/* bytes */
#define COPY_CHUNK	65536U
#define UNNAMED_MAX	4096U	/* files that wait for a name, open */
#define FILES_KEPT	768U	/* descriptors for everything else */
#define QUEUE_MIN	64U	/* bodies of a batch before a helper pays */
#define LINKS_MAX	1000U	/* of a file that gets one more in flush; file
				   systems have 65,000 or none */

struct mail_writer {
	struct maildir_box *box;
	struct maildir_op op;		/* not yet in the box */
	bool last_cr, crlf;	/* of what is stored, of what is given */
	struct mail_encoder *encoder;	/* NULL: stored as it is */
	bool begun;			/* the first bytes are stored */
	size_t len;			/* bytes in buf */
	char *buf;			/* WRITE_CHUNK bytes */
};

static void
op_clear(struct maildir_op *op)
{
	body_abort(&op->body);
	if (op->fd != -1)
		close(op->fd);
	free(op->tmp_name);
	mail_op_deinit(&op->common);
	*op = (struct maildir_op){ .fd = -1 };
}

/* Can files without a name be made and named here, and how many at once? */
static void
try_unnamed(struct maildir_box *box)
{
	struct maildir_store *store = box->store;
	struct path_root *root = &store->root;
	struct err ignored = ERR_INIT;
	char name[PATH_NAME_MAX + 1];
	struct rlimit files;
	int fd;

	store->unnamed_tried = true;
	store->unnamed_max = 0;
	if (getrlimit(RLIMIT_NOFILE, &files) == -1 ||
	    files.rlim_cur <= FILES_KEPT)
		return;
	if (maildir_box_tmp(box, &ignored) == -1)
		return;
	fd = path_create_unnamed(root, box->cur_fd, 0600, &ignored);
	if (fd == -1)
		return;
	unique_name(name, store->hostname);
	if (path_name_file(root, fd, box->tmp_fd, name, &ignored) == 0 &&
	    path_unlink(root, box->tmp_fd, name, false, &ignored) == 0)
		store->unnamed_max = files.rlim_cur - FILES_KEPT >
		    UNNAMED_MAX ? UNNAMED_MAX : files.rlim_cur - FILES_KEPT;
	close(fd);
}

/*
 * One of many gets no name before it gets the final one: to link costs less
 * than to create in one directory and to rename into another.  That its inode
 * has a link now is durable with syncfs alone; so the first ones, which may
 * be all, and would be made durable each by itself, are made in tmp/.
 */
static bool
may_be_unnamed(struct maildir_box *box)
{
	struct maildir_store *store = box->store;

	if (!store->root.local || store->unsynced < FSYNC_EACH_MAX)
		return false;
	if (!store->unnamed_tried)
		try_unnamed(box);
	return store->unnamed < store->unnamed_max;
}

/*
 * May the helper make the file?  The first one of each mailbox is made here,
 * which tells if its file system has such files.
 */
static bool
may_be_queued(struct maildir_box *box)
{
	struct maildir_store *store = box->store;

	if (!box->unnamed || store->no_queue)
		return false;
	if (store->queue != NULL)
		return true;
	if (store->unsynced < QUEUE_MIN)
		return false;
	if (body_queue_useful(&store->root))
		store->queue = body_queue_new(&store->root);
	store->no_queue = store->queue == NULL;
	return !store->no_queue;
}

/* Make the file, without a name or in tmp/. */
static int
create_tmp(struct maildir_box *box, struct maildir_op *op, struct err *err)
{
	char name[PATH_NAME_MAX + 1];
	struct err why = ERR_INIT;

	if (may_be_unnamed(box)) {
		if (may_be_queued(box)) {
			op->body = body_begin(box->store->queue,
			    &(struct body_file){
				.dirfd = box->cur_fd,
				.mode = box->shared.mode,
				.gid = box->shared.gid,
				.set_gid = box->shared.set_gid,
				.set_mode = box->shared.exists,
			    });
			return 0;
		}
		op->fd = path_create_unnamed(&box->store->root, box->cur_fd,
		    box->shared.mode, &why);
		if (op->fd != -1) {
			box->unnamed = true;
			maildir_shared_apply(box->store, &box->shared, op->fd);
			return 0;
		}
		/* Another file system may be mounted here. */
		if (why.errnum != EOPNOTSUPP) {
			*err = why;
			return -1;
		}
	}
	if (maildir_box_tmp(box, err) == -1)
		return -1;
	unique_name(name, box->store->hostname);
	op->fd = path_create(&box->store->root, box->tmp_fd, name,
	    box->shared.mode, err);
	if (op->fd == -1)
		return -1;
	op->tmp_name = mem_strdup(name);
	maildir_shared_apply(box->store, &box->shared, op->fd);
	return 0;
}

static int
store_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	struct mail_writer *writer = arg;

	if (writer->op.body != NULL) {
		body_write(writer->op.body, data, len);
		return 0;
	}
	return path_write(&writer->box->store->root, writer->op.fd, data,
	    len, err);
}

int
maildir_append_begin(struct mailbox *head, const struct mail_info *info,
    struct mail_writer **writer_r, struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;
	struct mail_writer *writer;

	if (maildir_writable(box->store, err) == -1)
		return -1;
	if (info->guid != NULL && !guid_text_valid(info->guid,
	    strlen(info->guid)))
		return err_set(err, ERR_REFUSED, "not a message GUID");
	writer = mem_alloc(sizeof(*writer));
	writer->box = box;
	/* That of the writer before, mostly: a new one would be zeroed. */
	writer->buf = box->store->spare_buf != NULL ? box->store->spare_buf :
	    mem_alloc(WRITE_CHUNK);
	box->store->spare_buf = NULL;
	writer->op.fd = -1;
	mail_op_append(&writer->op.common, info);
	if (box->store->compress != STORE_COMPRESS_NONE)
		writer->encoder = mail_encoder_new(box->store->compress,
		    box->store->compress_level, store_bytes, writer);
	if (create_tmp(box, &writer->op, err) == -1) {
		maildir_append_abort(&writer);
		return -1;
	}
	*writer_r = writer;
	return 0;
}

static int
writer_flush(struct mail_writer *writer, struct err *err)
{
	size_t len = writer->len;

	writer->len = 0;
	if (len == 0)
		return 0;
	if (writer->encoder != NULL)
		return mail_encoder_write(writer->encoder, writer->buf, len,
		    err);
	if (!writer->begun && mail_codec_detect(writer->buf, len) !=
	    STORE_COMPRESS_NONE)
		return err_set(err, ERR_REFUSED, "the message begins like "
		    "a compressed file");
	writer->begun = true;
	return store_bytes(writer, writer->buf, len, err);
}

static int
write_body(struct mail_writer *writer, const void *buf, size_t len,
    struct err *err)
{
	const char *p = buf;
	size_t n;

	if (len > MAIL_SIZE_MAX - writer->op.size)
		return err_set(err, ERR_REFUSED, "the message is too large");
	writer->op.size += len;
	writer->op.vsize += len + crlf_count_bare(p, len, &writer->last_cr);
	while (len > 0) {
		n = WRITE_CHUNK - writer->len;
		if (n > len)
			n = len;
		memcpy(writer->buf + writer->len, p, n);
		writer->len += n;
		p += n;
		len -= n;
		if (writer->len == WRITE_CHUNK &&
		    writer_flush(writer, err) == -1)
			return -1;
	}
	return 0;
}

int
maildir_append_write(struct mail_writer *writer, const void *buf, size_t len,
    struct err *err)
{
	if (!writer->box->store->settings->mail_save_crlf)
		return write_body(writer, buf, len, err);
	return crlf_write(&writer->crlf, buf, len, write_body, writer, err);
}

/* The file is written: one of a few stays open to be made durable alone. */
static int
finish_body(struct maildir_box *box, struct maildir_op *op, struct err *err)
{
	struct maildir_store *store = box->store;

	store->unsynced++;
	/* Elsewhere close, not syncfs, brings bytes to the server. */
	if (!store->root.local && path_fsync(&store->root, op->fd,
	    err) == -1)
		return -1;
	if (op->tmp_name == NULL)
		store->unnamed++;
	if (op->tmp_name == NULL ||
	    (store->root.local && store->unsynced <= FSYNC_EACH_MAX))
		return 0;
	if (close(op->fd) == -1 && errno != EINTR) {
		op->fd = -1;
		return err_sys(err, "close a message");
	}
	op->fd = -1;
	return 0;
}

static int
set_received(struct maildir_box *box, struct maildir_op *op,
    int64_t received, struct err *err)
{
	if (op->body == NULL)
		return path_set_mtime(&box->store->root, op->fd, received,
		    err);
	body_commit(op->body, received);
	return 0;
}

int
maildir_append_commit(struct mail_writer **writerp, uint64_t tag,
    struct err *err)
{
	struct mail_writer *writer = *writerp;
	struct maildir_box *box = writer->box;
	int64_t received = writer->op.received;
	struct maildir_op *op;
	int ret = -1;

	if (received == RECEIVED_UNKNOWN)
		received = (int64_t)(clock_now_ms() / 1000);
	if (writer_flush(writer, err) == 0 && (writer->encoder == NULL ||
	    mail_encoder_finish(writer->encoder, err) == 0) &&
	    set_received(box, &writer->op, received, err) == 0 &&
	    finish_body(box, &writer->op, err) == 0) {
		op = ARRAY_ADD(&box->ops);
		*op = writer->op;
		op->tag = tag;
		writer->op = (struct maildir_op){ .fd = -1 };
		ret = 0;
	}
	maildir_append_abort(writerp);
	return ret;
}

void
maildir_append_abort(struct mail_writer **writerp)
{
	struct mail_writer *writer = *writerp;
	struct err ignored = ERR_INIT;

	if (writer == NULL)
		return;
	if (writer->op.tmp_name != NULL)
		(void)path_unlink(&writer->box->store->root,
		    writer->box->tmp_fd, writer->op.tmp_name, false,
		    &ignored);
	op_clear(&writer->op);
	mail_encoder_free(&writer->encoder);
	if (writer->box->store->spare_buf == NULL)
		writer->box->store->spare_buf = writer->buf;
	else
		free(writer->buf);
	free(writer);
	*writerp = NULL;
}

/* Sizes of the open source, which is read only if its name does not tell. */
static int
source_sizes(struct maildir_op *op, const char *name, int fd,
    const struct path_stat *st, struct err *err)
{
	struct mail_input *in = NULL;
	struct file_name parsed;
	struct file_sizes sizes;
	bool last_cr = false;
	ptrdiff_t n;
	char *buf;

	if (mail_input_open(&in, fd, 0, st->size, &op->size, err) == -1)
		return -1;
	file_name_parse(&parsed, name);
	file_name_sizes(&sizes, name, parsed.base_len);
	if (sizes.has_size && sizes.has_vsize && sizes.size == op->size) {
		op->vsize = sizes.vsize;
		mail_input_close(&in);
		return 0;
	}
	buf = mem_alloc(COPY_CHUNK);
	op->vsize = op->size;
	while ((n = mail_input_read(in, buf, COPY_CHUNK, err)) > 0)
		op->vsize += crlf_count_bare(buf, (size_t)n, &last_cr);
	free(buf);
	mail_input_close(&in);
	return n == -1 ? -1 : 0;
}

/* A link in tmp/ to the file that we looked at.  1; 0: there can't be one. */
static int
link_aside(struct maildir_box *box, struct maildir_op *op, int from_dir,
    const char *name, const struct path_stat *st, struct err *err)
{
	struct path_root *root = &box->store->root;
	char tmp[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct path_stat linked;

	if (maildir_box_tmp(box, err) == -1)
		return -1;
	unique_name(tmp, box->store->hostname);
	if (path_link(root, from_dir, name, box->tmp_fd, tmp, &ignored) == -1)
		return root->gone ? (*err = ignored, -1) : 0;
	if (path_stat(root, box->tmp_fd, NULL, tmp, &linked, err) == -1 ||
	    linked.ino != st->ino || linked.dev != st->dev) {
		(void)path_unlink(root, box->tmp_fd, tmp, false, &ignored);
		return 0;
	}
	op->tmp_name = mem_strdup(tmp);
	return 1;
}

/* Can the open file get its final name in flush, as one without a name? */
static bool
may_be_shared(struct maildir_box *box, const struct path_stat *st)
{
	return may_be_unnamed(box) && st->links < LINKS_MAX &&
	    box->scanned && box->dirs[0].dev == st->dev &&
	    box->dirs[0].mount == st->mount;
}

/* 1: fd goes to op; 0: it can't be linked; -1. */
static int
link_source(struct maildir_box *box, struct maildir_op *op, int from_dir,
    const char *name, const struct path_stat *st, int fd, struct err *err)
{
	struct path_root *root = &box->store->root;
	struct err ignored = ERR_INIT;
	int r;

	op->shared = may_be_shared(box, st);
	if (!op->shared && (r = link_aside(box, op, from_dir, name, st,
	    err)) != 1)
		return r;
	op->fd = fd;
	if (source_sizes(op, name, fd, st, err) == 0 &&
	    finish_body(box, op, err) == 0)
		return 1;
	if (op->tmp_name != NULL)
		(void)path_unlink(root, box->tmp_fd, op->tmp_name, false,
		    &ignored);
	return -1;
}

static int
copy_bytes(struct mailbox *box, const struct mail_info *info, int fd,
    const struct path_stat *st, uint64_t tag, struct err *err)
{
	struct mail_writer *writer = NULL;
	struct mail_input *in = NULL;
	uint64_t size;
	ptrdiff_t n;
	char *buf;

	if (mail_input_open(&in, fd, 0, st->size, &size, err) == -1)
		return -1;
	if (maildir_append_begin(box, info, &writer, err) == -1) {
		mail_input_close(&in);
		return -1;
	}
	buf = mem_alloc(COPY_CHUNK);
	while ((n = mail_input_read(in, buf, COPY_CHUNK, err)) > 0) {
		if (write_body(writer, buf, (size_t)n, err) == -1)
			break;
	}
	free(buf);
	mail_input_close(&in);
	if (n != 0) {
		maildir_append_abort(&writer);
		return -1;
	}
	return maildir_append_commit(&writer, tag, err);
}

/* The source is open as fd, which is closed here. */
static int
copy_open(struct mailbox *head, const struct mail_info *info, int from_dir,
    const char *name, const struct path_stat *st, int fd, uint64_t tag,
    struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;
	struct maildir_op op = { .fd = -1 };
	int r = 0;

	mail_op_append(&op.common, info);
	/* A link shares its times, and may not change the mode of another. */
	if (info->received == st->mtime &&
	    (st->mode & 0777) == box->shared.mode && !box->shared.set_gid)
		r = link_source(box, &op, from_dir, name, st, fd, err);
	if (r == 1) {
		op.tag = tag;
		*ARRAY_ADD(&box->ops) = op;
		return 0;
	}
	if (op.fd == fd)
		op.fd = -1;
	op_clear(&op);
	if (r == 0)
		r = copy_bytes(head, info, fd, st, tag, err);
	close(fd);
	return r;
}

int
maildir_copy(struct mailbox *head, const struct mail_info *info,
    struct mailbox *src_head, uint32_t src_uid, const char *src_guid,
    uint64_t tag, struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;
	struct maildir_box *src = (struct maildir_box *)src_head;
	struct list_line *line;
	char name[FILE_NAME_MAX + 1];
	struct path_stat st;
	int r, where = 0, fd = -1;

	if (maildir_writable(box->store, err) == -1)
		return -1;
	if (info->guid != NULL && !guid_text_valid(info->guid,
	    strlen(info->guid)))
		return err_set(err, ERR_REFUSED, "not a message GUID");
	line = mem_alloc(sizeof(*line));
	r = maildir_message_find(src, src_uid, src_guid, line, err);
	if (r == 0)
		r = maildir_file_open(src, line->record.base,
		    line->record.base_len, name, &where, &st, &fd, err);
	free(line);
	if (r == 1)
		return err_set(err, ERR_NOTFOUND, "the source is gone");
	if (r == -1)
		return -1;
	return copy_open(head, info, where == ENTRY_CUR ? src->cur_fd :
	    src->new_fd, name, &st, fd, tag, err);
}
