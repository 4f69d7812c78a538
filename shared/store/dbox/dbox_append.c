/*
 * Bodies are written while the batch is prepared, where nobody looks, in the
 * form in which they will stay: header, body and metadata, most with one
 * write.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/dbox/dbox.h"
#include "store/files/crlf.h"
#include "store/files/mail_codec.h"

#define WRITE_CHUNK	65536U	/* bytes */

struct mail_writer {
	struct dbox_box *box;
	struct dbox_op op;		/* not yet in the box */
	uint64_t start;			/* of the message header in the file */
	uint64_t at;			/* where buf goes */
	uint64_t size, vsize;		/* of the body as it is shown */
	uint64_t stored;		/* ... and in the file */
	struct mail_encoder *encoder;	/* NULL: stored as it is */
	bool begun;			/* its first bytes were looked at */
	bool last_cr, crlf;	/* of what is stored, of what is given */
	size_t len;			/* bytes in buf */
	char buf[WRITE_CHUNK];
};

static int store_bytes(void *arg, const void *data, size_t len,
    struct err *err);

int
dbox_append_begin(struct mailbox *head, const struct mail_info *info,
    struct mail_writer **writer_r, struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;
	struct mail_writer *writer;
	struct strbuf header;

	if (dbox_writable(box->store, err) == -1)
		return -1;
	if (info->guid != NULL && !guid_text_valid(info->guid,
	    strlen(info->guid)))
		return err_set(err, ERR_REFUSED, "not a message GUID");
	writer = mem_alloc(sizeof(*writer));
	writer->box = box;
	dbox_op_from_info(&writer->op, info);
	if (box->store->format->body_begin(box, &writer->op, &writer->start,
	    err) == -1) {
		dbox_op_clear(&writer->op);
		free(writer);
		return -1;
	}
	writer->at = writer->start;
	if (writer->start == 0) {
		strbuf_init(&header, DBOX_FILE_HEADER_MAX);
		dbox_file_header_format(&header, clock_now_ms() / 1000);
		memcpy(writer->buf, header.data, header.len);
		writer->len = writer->start = header.len;
		strbuf_deinit(&header);
	}
	if (box->store->compress != STORE_COMPRESS_NONE)
		writer->encoder = mail_encoder_new(box->store->compress,
		    box->store->compress_level, store_bytes, writer);
	/* The message header is known at the end. */
	writer->op.offset = writer->start;
	writer->len += DBOX_MESSAGE_HEADER;
	*writer_r = writer;
	return 0;
}

/* What is stored as it is must not look like a compressed one. */
static int
check_begin(struct mail_writer *writer, struct err *err)
{
	size_t offset = (size_t)(writer->start - writer->at) +
	    DBOX_MESSAGE_HEADER;

	if (writer->begun || writer->encoder != NULL)
		return 0;
	writer->begun = true;
	if (mail_codec_detect(writer->buf + offset, writer->len - offset) !=
	    STORE_COMPRESS_NONE)
		return err_set(err, ERR_REFUSED, "the message begins like "
		    "a compressed file");
	return 0;
}

static int
writer_flush(struct mail_writer *writer, struct err *err)
{
	if (check_begin(writer, err) == -1)
		return -1;
	if (writer->len > 0 && path_pwrite(&writer->box->store->root,
	    writer->op.fd, writer->buf, writer->len, writer->at, err) == -1)
		return -1;
	writer->at += writer->len;
	writer->len = 0;
	return 0;
}

static int
writer_put(struct mail_writer *writer, const char *p, size_t len,
    struct err *err)
{
	size_t n;

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

/* Bytes of the body in the form in which they are stored. */
static int
store_bytes(void *arg, const void *data, size_t len, struct err *err)
{
	struct mail_writer *writer = arg;

	writer->stored += len;
	return writer_put(writer, data, len, err);
}

static int
write_body(struct mail_writer *writer, const void *buf, size_t len,
    struct err *err)
{
	if (len > MAIL_SIZE_MAX - writer->size)
		return err_set(err, ERR_REFUSED, "the message is too large");
	writer->size += len;
	writer->vsize += len + crlf_count_bare(buf, len, &writer->last_cr);
	if (writer->encoder != NULL)
		return mail_encoder_write(writer->encoder, buf, len, err);
	return store_bytes(writer, buf, len, err);
}

int
dbox_append_write(struct mail_writer *writer, const void *buf, size_t len,
    struct err *err)
{
	if (!writer->box->store->settings->mail_save_crlf)
		return write_body(writer, buf, len, err);
	return crlf_write(&writer->crlf, buf, len, write_body, writer, err);
}

/* The message header, into the buffer if its place is still there. */
static int
put_header(struct mail_writer *writer, struct err *err)
{
	char header[DBOX_MESSAGE_HEADER];

	if (writer->encoder != NULL &&
	    mail_encoder_finish(writer->encoder, err) == -1)
		return -1;
	if (check_begin(writer, err) == -1)
		return -1;
	dbox_message_header_format(header, writer->stored);
	if (writer->at <= writer->start) {
		memcpy(writer->buf + (writer->start - writer->at), header,
		    sizeof(header));
		return 0;
	}
	return path_pwrite(&writer->box->store->root, writer->op.fd, header,
	    sizeof(header), writer->start, err);
}

static int
put_meta(struct mail_writer *writer, struct err *err)
{
	struct dbox_box *box = writer->box;
	struct dbox_op *op = &writer->op;
	struct dbox_meta meta = { .received = op->received,
	    .vsize = writer->vsize, .has_vsize = true,
	    .real_size = writer->size,
	    .has_real_size = writer->size != writer->stored,
	    .pop3_order = op->pop3_order };
	struct guid128 guid;
	struct strbuf text;
	int ret;

	if (op->guid == NULL) {
		guid = guid_random();
		op->guid = mem_alloc(GUID_HEX_SIZE);
		guid_format(&guid, op->guid);
	}
	memcpy(meta.guid, op->guid, strlen(op->guid) + 1);
	if (op->pop3_uidl != NULL && guid_text_valid(op->pop3_uidl,
	    strlen(op->pop3_uidl)))
		memcpy(meta.pop3_uidl, op->pop3_uidl,
		    strlen(op->pop3_uidl) + 1);
	strbuf_init(&text, DBOX_META_MAX);
	dbox_meta_format(&text, &meta, box->store->format->keeps_mailbox ?
	    box->folder->stored_name : NULL);
	ret = writer_put(writer, text.data, text.len, err);
	op->total = DBOX_MESSAGE_HEADER + writer->stored + text.len;
	strbuf_deinit(&text);
	return ret;
}

int
dbox_append_commit(struct mail_writer **writerp, uint64_t tag,
    struct err *err)
{
	struct mail_writer *writer = *writerp;
	struct dbox_box *box = writer->box;
	struct dbox_op *op;
	size_t order;

	if (writer->op.received == RECEIVED_UNKNOWN)
		writer->op.received = (int64_t)(clock_now_ms() / 1000);
	if (put_header(writer, err) == 0 && put_meta(writer, err) == 0 &&
	    writer_flush(writer, err) == 0 &&
	    box->store->format->body_end(box, &writer->op, err) == 0) {
		order = box->ops.n;
		op = ARRAY_ADD(&box->ops);
		*op = writer->op;
		op->tag = tag;
		op->order = order;
		writer->op = (struct dbox_op){ .fd = -1 };
		mail_encoder_free(&writer->encoder);
		free(writer);
		*writerp = NULL;
		return 0;
	}
	dbox_append_abort(writerp);
	return -1;
}

void
dbox_append_abort(struct mail_writer **writerp)
{
	struct mail_writer *writer = *writerp;

	if (writer == NULL)
		return;
	writer->box->store->format->body_drop(writer->box, &writer->op);
	dbox_op_clear(&writer->op);
	mail_encoder_free(&writer->encoder);
	free(writer);
	*writerp = NULL;
}

/* The source's bytes into a message of its own. */
static int
copy_bytes(struct mailbox *box, const struct mail_info *info,
    struct mail_reader *reader, uint64_t tag, struct err *err)
{
	struct mail_writer *writer = NULL;
	ptrdiff_t n;
	char *buf;

	if (dbox_append_begin(box, info, &writer, err) == -1)
		return -1;
	buf = mem_alloc(WRITE_CHUNK);
	while ((n = dbox_reader_read(reader, buf, WRITE_CHUNK, err)) > 0) {
		if (write_body(writer, buf, (size_t)n, err) == -1)
			break;
	}
	free(buf);
	if (n != 0) {
		dbox_append_abort(&writer);
		return -1;
	}
	return dbox_append_commit(&writer, tag, err);
}

/* Everything in the mail file is as the copy is to have it. */
static bool
same_file(const struct dbox_ident *ident, const struct mail_info *info)
{
	const char *uidl = ident->pop3_uidl == NULL ? "" : ident->pop3_uidl;

	return info->guid != NULL && strcmp(ident->guid, info->guid) == 0 &&
	    ident->received == info->received &&
	    ident->received != RECEIVED_UNKNOWN &&
	    ident->pop3_order == info->pop3_order &&
	    strcmp(uidl, info->pop3_uidl == NULL ? "" :
	    info->pop3_uidl) == 0;
}

/* 1: done by reference; 0: it has to be copied; -1. */
static int
copy_reference(struct dbox_box *box, const struct mail_info *info,
    struct dbox_box *src, size_t pos, uint64_t tag, struct err *err)
{
	struct dbox_op *op, made = { .fd = -1 };
	size_t order;
	int r;

	if (!same_file(dbox_ident_get(src->store, src->folder, pos), info))
		return 0;
	dbox_op_from_info(&made, info);
	r = box->store->format->copy(box, &made, src, pos, err);
	if (r != 1) {
		dbox_op_clear(&made);
		return r;
	}
	order = box->ops.n;
	op = ARRAY_ADD(&box->ops);
	*op = made;
	op->tag = tag;
	op->order = order;
	return 1;
}

int
dbox_copy(struct mailbox *head, const struct mail_info *info,
    struct mailbox *src_head, uint32_t src_uid, const char *src_guid,
    uint64_t tag, struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;
	struct dbox_box *src = (struct dbox_box *)src_head;
	struct mail_reader *reader;
	struct mail_info from;
	size_t pos;
	int r;

	if (dbox_writable(box->store, err) == -1)
		return -1;
	if (info->guid != NULL && !guid_text_valid(info->guid,
	    strlen(info->guid)))
		return err_set(err, ERR_REFUSED, "not a message GUID");
	if (dbox_folder_refresh(src->folder, err) == -1)
		return -1;
	if (!dbox_message_find(src->store, src->folder, src_uid, src_guid,
	    &pos))
		return err_set(err, ERR_NOTFOUND, "the source is gone");
	r = copy_reference(box, info, src, pos, tag, err);
	if (r != 0)
		return r == 1 ? 0 : -1;
	if (dbox_reader_open(src_head, src_uid, src_guid, &reader, &from,
	    err) == -1)
		return -1;
	r = copy_bytes(head, info, reader, tag, err);
	dbox_reader_close(&reader);
	return r;
}
