/*
 * Bodies go to a spool file as they come.  At the commit the header is looked
 * at: fields that an mbox has for itself are cut out, and a line of the header
 * that would pass for a From_ line gets a '>' in front.  The body needs no
 * such thing, since its length is written.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "store/mbox/from_line.h"
#include "store/mbox/mbox.h"

struct mail_writer {
	struct mbox_box *box;
	struct spool *spool;
	uint64_t start;			/* in the spool */
	struct mbox_op op;		/* not in the box yet */
	struct strbuf buf;		/* to be written */
};

static int
write_out(struct mail_writer *writer, struct err *err)
{
	if (writer->buf.len == 0)
		return 0;
	if (path_pwrite(mbox_index_root(writer->box->store),
	    writer->spool->fd, writer->buf.data, writer->buf.len,
	    writer->spool->size, err) == -1)
		return -1;
	writer->spool->size += writer->buf.len;
	strbuf_reset(&writer->buf);
	return 0;
}

/* The spool of the next batch, or another one if a writer is at it. */
static struct spool *
get_spool(struct mbox_box *box, struct err *err)
{
	struct spool *spool;

	if (box->spool == NULL &&
	    (box->spool = spool_new(box, err)) == NULL)
		return NULL;
	if (!box->spool->busy)
		return spool_ref(box->spool);
	spool = spool_new(box, err);
	return spool;
}

int
mbox_append_begin(struct mailbox *head, const struct mail_info *info,
    struct mail_writer **writer_r, struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;
	struct mail_writer *writer;
	struct spool *spool;

	if (mbox_writable(box->store, err) == -1 ||
	    (spool = get_spool(box, err)) == NULL)
		return -1;
	writer = mem_alloc(sizeof(*writer));
	writer->box = box;
	writer->spool = spool;
	writer->start = spool->size;
	spool->busy = true;
	strbuf_init(&writer->buf, COPY_SIZE);
	writer->op.mail = SIZE_MAX;
	mail_op_append(&writer->op.common, info);
	*writer_r = writer;
	return 0;
}

int
mbox_append_write(struct mail_writer *writer, const void *data, size_t len,
    struct err *err)
{
	const char *p = data;

	while (len > 0) {
		size_t n = COPY_SIZE - writer->buf.len;

		if (n > len)
			n = len;
		strbuf_add(&writer->buf, p, n);
		p += n;
		len -= n;
		if (writer->buf.len == COPY_SIZE &&
		    write_out(writer, err) == -1)
			return -1;
	}
	return 0;
}

void
mbox_append_abort(struct mail_writer **writerp)
{
	struct mail_writer *writer = *writerp;

	if (writer == NULL)
		return;
	writer->spool->busy = false;
	spool_unref(writer->box, &writer->spool);
	strbuf_deinit(&writer->buf);
	ARRAY_FREE(&writer->op.extents);
	free(writer->op.sender);
	mail_op_deinit(&writer->op.common);
	free(writer);
	*writerp = NULL;
}

static void
add_extent(struct mbox_op *op, uint64_t offset, uint64_t end, bool note)
{
	struct extent *last = op->extents.n == 0 ? NULL :
	    &op->extents.v[op->extents.n - 1];

	if (offset == end)
		return;
	op->size += end - offset;
	if (last != NULL && last->offset + last->len == offset &&
	    last->note == note)
		last->len += end - offset;
	else
		*ARRAY_ADD(&op->extents) = (struct extent){ offset,
		    end - offset, note };
}

/* A '>' behind the message in the spool, to be put in front of a line. */
static int
add_quote(struct mail_writer *writer, struct err *err)
{
	uint64_t at = writer->spool->size;

	strbuf_addc(&writer->buf, '>');
	if (write_out(writer, err) == -1)
		return -1;
	add_extent(&writer->op, at, at + 1, false);
	return 0;
}

/* Return-Path is the envelope's sender; From is better than nobody. */
static void
find_sender(struct mbox_op *op, const char *name, const struct strbuf *value,
    bool *sure)
{
	char sender[FROM_SENDER_MAX + 1];
	bool path = strncasecmp(name, "Return-Path:", 12) == 0;

	if (*sure || (!path && strncasecmp(name, "From:", 5) != 0))
		return;
	header_address(value->data, value->len, sender, sizeof(sender));
	if (sender[0] == '\0')
		return;
	free(op->sender);
	op->sender = mem_strdup(sender);
	*sure = path;
}

/* One field of the message: kept, or cut out.  at and end: in the spool. */
static int
take_field(struct mail_writer *writer, struct window *w,
    const struct parse_field *field, const struct strbuf *value, bool *sure,
    struct err *err)
{
	uint64_t next, at = field->start;
	struct window_line line;
	int64_t received;
	char name[16];
	int r;

	if (!header_is_shown(field->name))
		return 0;
	if ((r = window_line(w, at, &line, err)) != 1)
		return r;
	snprintf(name, sizeof(name), "%.*s", (int)(line.len < 15 ?
	    line.len : 15), line.text);
	find_sender(&writer->op, name, value, sure);
	if ((r = parse_is_from(w, at, &next, &received, err)) == -1 ||
	    (r == 1 && add_quote(writer, err) == -1))
		return -1;
	add_extent(&writer->op, field->start, field->end,
	    field->name == HEADER_NOTE);
	return 0;
}

static int
take_header(struct mail_writer *writer, struct window *w, uint64_t end,
    struct err *err)
{
	struct mbox_op *op = &writer->op;
	uint64_t at = writer->start, next;
	struct parse_field field;
	struct strbuf value;
	bool sure = false;
	int64_t received;
	int r = 0;

	strbuf_init(&value, HEADER_VALUE_MAX);
	while (r == 0 && (r = parse_field(w, at, end, &field, &value,
	    err)) == 0 && field.kind == PARSE_FIELD) {
		r = take_field(writer, w, &field, &value, &sure, err);
		at = field.end;
	}
	strbuf_deinit(&value);
	if (r == -1)
		return -1;
	op->body_len = UINT64_MAX;
	if (field.kind == PARSE_EMPTY)
		op->body_len = end - field.end;
	else if (field.kind == PARSE_BODY)
		op->body_len = end - at;
	/* A body that begins without an empty line is met like a header. */
	if (field.kind == PARSE_BODY) {
		r = parse_is_from(w, at, &next, &received, err);
		if (r == -1 || (r == 1 && add_quote(writer, err) == -1))
			return -1;
		if (r == 1)
			op->body_len++;
	}
	add_extent(op, at, end, false);
	return 0;
}

static int
digest_extents(struct mail_writer *writer, struct window *w, struct err *err)
{
	struct digest_ctx *ctx = digest_new();
	uint8_t digest[DIGEST_SIZE];
	bool cr = false;
	const char *p;
	size_t got;
	int ret = 0;

	w->size = writer->spool->size;
	for (size_t i = 0; i < writer->op.extents.n && ret == 0; i++) {
		uint64_t at = writer->op.extents.v[i].offset;
		uint64_t end = at + writer->op.extents.v[i].len;

		if (writer->op.extents.v[i].note)
			continue;
		for (; at < end; at += got) {
			if ((p = window_at(w, at, 1, &got, err)) == NULL) {
				ret = -1;
				break;
			}
			if (got > end - at)
				got = (size_t)(end - at);
			digest_update_mail(ctx, &cr, p, got);
		}
	}
	digest_final_mail(ctx, &cr, digest);
	digest_free(&ctx);
	memcpy(writer->op.digest, digest, GUID_SIZE);
	return ret;
}

int
mbox_append_commit(struct mail_writer **writerp, uint64_t tag,
    struct err *err)
{
	struct mail_writer *writer = *writerp;
	struct window w;
	uint64_t end;
	int ret = -1;

	if (write_out(writer, err) == 0) {
		end = writer->spool->size;
		window_init(&w, writer->spool->fd, end);
		if (take_header(writer, &w, end, err) == 0)
			ret = digest_extents(writer, &w, err);
		window_deinit(&w);
	}
	if (ret == 0) {
		struct mbox_op *op = mbox_op_add(writer->box, tag);

		*op = writer->op;
		op->tag = tag;
		op->spool = spool_ref(writer->spool);
		memset(&writer->op, 0, sizeof(writer->op));
	}
	mbox_append_abort(writerp);
	return ret;
}

int
mbox_copy(struct mailbox *head, const struct mail_info *info,
    struct mailbox *src, uint32_t src_uid, const char *src_guid,
    uint64_t tag, struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;
	struct mail_writer *writer;
	struct mail_reader *reader;
	struct mail_info found;
	char buf[16384];
	ptrdiff_t n;

	if (mbox_writable(box->store, err) == -1 ||
	    mbox_reader_open(src, src_uid, src_guid, &reader, &found,
	    err) == -1)
		return -1;
	if (mbox_append_begin(head, info, &writer, err) == -1) {
		mbox_reader_close(&reader);
		return -1;
	}
	while ((n = mbox_reader_read(reader, buf, sizeof(buf), err)) > 0) {
		if (mbox_append_write(writer, buf, (size_t)n, err) == -1) {
			n = -1;
			break;
		}
	}
	mbox_reader_close(&reader);
	if (n == -1) {
		mbox_append_abort(&writer);
		return -1;
	}
	return mbox_append_commit(&writer, tag, err);
}
