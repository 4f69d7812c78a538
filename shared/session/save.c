/*
 * New messages: OP_SAVE with the body that follows it, and OP_COPY.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "session/session_int.h"

/*
 * Was it expunged here?  A tombstone older than the base is not told to the
 * brain, and yet a third store may have given the message to the other one
 * since: it would go round between three stores for ever.  One-way it is the
 * source that says what lives.  1, 0, -1.
 */
static int
is_dead(struct session *s, const struct chlog_mailbox *row,
    const struct msg_message *m, struct err *err)
{
	struct chlog_tombstone tomb;
	struct arena *arena;
	int r = 1;

	if (!s->has_base || s->hello.role != ROLE_MIRROR)
		return 0;
	arena = arena_new(ARENA_PAGE_MAX);
	for (size_t i = 0; i < m->mark_count && r == 1; i++)
		r = chlog_tombstone_find_mark(s->log, &row->guid,
		    &m->marks[i], arena, &tomb, err);
	arena_free(&arena);
	return r;
}

/*
 * A new instance: refused, in the mailbox already, or to be made.  1: *box_r
 * and *row_r are set; 0: answered; -1.
 */
static int
place_for(struct session *s, uint32_t op, enum msg_kind kind,
    const struct guid128 *mailbox, const struct msg_message *m,
    const struct chlog_mailbox **row_r, struct open_box **box_r,
    struct err *err)
{
	struct arena *arena;
	struct chlog_mail twin;
	struct err why = ERR_INIT;
	int r;

	if (apply_refused(s, op, kind, mailbox, m->uid, &m->marks[0]))
		return 0;
	if ((r = apply_row(s, mailbox, row_r, err)) == -1)
		return -1;
	if (r == 0) {
		session_add_unsaved(s, m->guid);
		apply_not_done(s, op, RESULT_STALE, mailbox, m->uid, &m->marks[0],
		    ERR_STALE, "the mailbox is gone");
		return 0;
	}
	/* A mailbox whose UIDs are used up takes no mail any more. */
	if (s->args.access == ACCESS_APPEND &&
	    !append_uid_ok(*row_r, m->uid)) {
		session_add_unsaved(s, m->guid);
		apply_not_done(s, op, RESULT_ACCESS, mailbox, m->uid,
		    &m->marks[0], ERR_PERM, "its UID is too high");
		return 0;
	}
	arena = arena_new(ARENA_PAGE_MAX);
	r = 0;
	for (size_t i = 0; i < m->mark_count && r == 0; i++)
		r = chlog_mail_find_mark(s->log, (*row_r)->id, &m->marks[i],
		    arena, &twin, err);
	arena_free(&arena);
	if (r == -1)
		return -1;
	if (r == 1) {
		/* A run that was cut had saved it already. */
		apply_result(s, op, RESULT_OTHER_UID, twin.m.uid, ERR_NONE,
		    "");
		return 0;
	}
	if ((r = is_dead(s, *row_r, m, err)) == -1)
		return -1;
	if (r == 1) {
		/* Pending, so the next run looks at both and ends it (M3). */
		session_add_unsaved(s, m->guid);
		apply_not_done(s, op, RESULT_STALE, mailbox, m->uid,
		    &m->marks[0], ERR_STALE, "it was expunged here");
		return 0;
	}
	if ((*box_r = apply_open(s, *row_r, &why)) == NULL) {
		session_add_unsaved(s, m->guid);
		apply_failed(s, op, mailbox, m->uid, &m->marks[0], &why);
		return 0;
	}
	return apply_row(s, mailbox, row_r, err);
}

static int
check_new(const struct msg_message *m, struct err *err)
{
	if (m->mark_count == 0 || m->mark_count > MARKS_MAX ||
	    m->guid == NULL || !guid_text_valid(m->guid, strlen(m->guid)))
		return err_set(err, ERR_PROTO, "a message without identity");
	return 0;
}

void
save_end(struct session *s)
{
	if (s->saving.writer != NULL)
		s->driver->append_abort(&s->saving.writer);
	digest_free(&s->saving.digest);
	memset(&s->saving, 0, sizeof(s->saving));
}

/* What still comes of the body is thrown away. */
static void
save_fail(struct session *s, enum err_code code, const char *text)
{
	const struct batch_op *op = &s->saving.op;

	if (s->saving.writer != NULL)
		s->driver->append_abort(&s->saving.writer);
	s->saving.discard = true;
	session_add_unsaved(s, op->m.guid);
	apply_not_done(s, op->op, RESULT_FAILED, &op->mailbox_guid, op->m.uid,
	    &op->m.marks[0], code, text);
}

int
on_op_save(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_op_save *m = &msg->u.op_save;
	const struct chlog_mailbox *row;
	struct open_box *box;
	struct mail_info info;
	struct err why = ERR_INIT;
	int r;

	if (check_new(&m->message, err) == -1)
		return -1;
	if (m->message.received == RECEIVED_NONE || m->size > MAIL_SIZE_MAX)
		return err_set(err, ERR_PROTO, "OP_SAVE is not valid");
	if (apply_take_op(s, m->op, err) == -1)
		return -1;
	s->state = SESSION_BODY;
	memset(&s->saving, 0, sizeof(s->saving));
	s->saving.discard = true;
	s->saving.size = m->size;
	r = place_for(s, m->op, msg->kind, &m->mailbox, &m->message, &row,
	    &box, err);
	if (r != 1)
		return r;
	s->saving.op = (struct batch_op){
		.kind = BATCH_SAVE,
		.op = m->op,
		.mailbox = row->id,
		.mailbox_guid = row->guid,
		.m = msg_message_dup(s->batch_arena, &m->message),
		.want_modseq = m->message.modseq,
	};
	apply_info(s->batch_arena, &m->message, &info);
	info.modseq = modseq_wanted(box, info.modseq, true);
	info.size = m->size;
	box->dirty = true;
	if (s->driver->append_begin(box->box, &info, &s->saving.writer,
	    &why) == -1) {
		save_fail(s, why.code, why.msg);
		return 0;
	}
	s->saving.digest = digest_new();
	s->saving.discard = false;
	return 0;
}

int
on_body_chunk(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_chunk *c = &msg->u.chunk;
	struct err why = ERR_INIT;

	if (c->len > s->saving.size - s->saving.got)
		return err_set(err, ERR_PROTO,
		    "a body is longer than was said");
	s->saving.got += c->len;
	if (s->saving.discard)
		return 0;
	digest_update_mail(s->saving.digest, &s->saving.cr, c->data, c->len);
	if (s->driver->append_write(s->saving.writer, c->data, c->len,
	    &why) == -1)
		save_fail(s, why.code, why.msg);
	return 0;
}

int
on_body_end(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_body_end *e = &msg->u.body_end;
	uint8_t digest[DIGEST_SIZE];
	struct err why = ERR_INIT;
	struct batch_op *op;

	(void)err;
	s->state = SESSION_OPEN;
	if (s->saving.discard)
		goto out;
	digest_final_mail(s->saving.digest, &s->saving.cr, digest);
	if (e->failed || s->saving.got != s->saving.size ||
	    e->digest == NULL ||
	    memcmp(digest, e->digest, DIGEST_SIZE) != 0) {
		save_fail(s, ERR_TEMP, e->failed ?
		    "the other side could not read it" :
		    "it did not arrive as it was sent");
		goto out;
	}
	op = ARRAY_ADD(&s->batch);
	*op = s->saving.op;
	op->m.digest = arena_memdup(s->batch_arena, digest, DIGEST_SIZE);
	if (s->driver->append_commit(&s->saving.writer, batch_tag(s),
	    &why) == -1) {
		s->batch.n--;
		save_fail(s, why.code, why.msg);
		goto out;
	}
	s->batch_bytes += s->saving.size;
out:
	save_end(s);
	return 0;
}

#define COPY_SOURCES_MAX	4U	/* tried before the body is asked for */

/* 1: prepared; 0: this source will not do; -1: nothing will, why says it. */
static int
copy_from(struct session *s, const struct msg_op_copy *m,
    const struct chlog_mail *src, struct err *why)
{
	const struct chlog_mailbox *row;
	struct chlog_mailbox src_row;
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	struct mail_reader *reader = NULL;
	struct open_box *src_box, *box;
	struct mail_info info, found;
	int64_t received = m->message.received;
	int r = 0;

	/* One GUID and two texts: not the mail that is meant. */
	if (m->message.digest != NULL && src->m.digest != NULL &&
	    memcmp(m->message.digest, src->m.digest, DIGEST_SIZE) != 0)
		goto out;
	if (chlog_mailbox_find_id(s->log, src->mailbox, arena, &src_row,
	    why) != 1 || (src_box = apply_open(s, &src_row, why)) == NULL)
		goto out;
	if (received == RECEIVED_NONE) {
		if (body_reader_open(s, src_box->box, src->m.uid, src->m.guid,
		    &reader, &found, why) == -1)
			goto out;
		received = found.received;
		s->driver->reader_close(&reader);
	}
	/* Both stay open: the one used last is closed last. */
	if (apply_row(s, &m->mailbox, &row, why) != 1 ||
	    (box = apply_open(s, row, why)) == NULL ||
	    apply_row(s, &m->mailbox, &row, why) != 1) {
		r = -1;
		goto out;
	}
	src_box = apply_open(s, &src_row, why);
	box = apply_open(s, row, why);
	if (src_box == NULL || box == NULL)
		goto out;
	src_box = apply_open(s, &src_row, why);
	apply_info(s->batch_arena, &m->message, &info);
	info.received = received;
	info.modseq = modseq_wanted(box, info.modseq, true);
	box->dirty = src_box->dirty = true;
	{
		struct batch_op *op = batch_add(s, BATCH_COPY, m->op, row);

		op->m = msg_message_dup(s->batch_arena, &m->message);
		op->m.received = received;
		op->want_modseq = m->message.modseq;
		if (op->m.digest == NULL && src->m.digest != NULL)
			op->m.digest = arena_memdup(s->batch_arena,
			    src->m.digest, DIGEST_SIZE);
	}
	if (s->driver->copy(box->box, &info, src_box->box, src->m.uid,
	    src->m.guid, batch_tag(s), why) == 0)
		r = 1;
	else {
		s->batch.n--;
		r = why->code == ERR_NOTFOUND ? 0 : -1;
	}
out:
	arena_free(&arena);
	return r;
}

int
on_op_copy(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_op_copy *m = &msg->u.op_copy;
	struct chlog_mail sources[COPY_SOURCES_MAX];
	const struct chlog_mailbox *row;
	struct open_box *box;
	struct arena *arena;
	struct err why = ERR_INIT;
	ptrdiff_t n = 0;
	int r;

	if (check_new(&m->message, err) == -1)
		return -1;
	if (apply_take_op(s, m->op, err) == -1)
		return -1;
	r = place_for(s, m->op, msg->kind, &m->mailbox, &m->message, &row,
	    &box, err);
	if (r != 1)
		return r;
	arena = arena_new(ARENA_PAGE_MAX);
	for (int pass = 0; pass < 2; pass++) {
		n = chlog_mails_same(s->log, m->message.guid,
		    m->message.digest, arena, sources, nitems(sources), err);
		/* The batch may hold what is to be copied.  A renumbering is
		   not to be torn: the brain sends the body then. */
		if (n != 0 || s->batch.n == 0 || s->renumbering)
			break;
		if ((n = batch_flush(s, err)) == -1)
			break;
	}
	r = 0;
	for (ptrdiff_t i = 0; i < n && r == 0; i++)
		r = copy_from(s, m, &sources[i], &why);
	arena_free(&arena);
	if (n == -1)
		return -1;
	if (r <= 0)
		session_add_unsaved(s, m->message.guid);
	/* Pending until its body comes: the run may be cut before that. */
	if (r == 0) {
		session_add_waiting(s, &m->mailbox, &m->message.marks[0]);
		apply_not_done(s, m->op, RESULT_NOT_HELD, &m->mailbox,
		    m->message.uid, &m->message.marks[0], ERR_NOTFOUND, "");
	} else if (r == -1)
		apply_failed(s, m->op, &m->mailbox, m->message.uid,
		    &m->message.marks[0], &why);
	return 0;
}
