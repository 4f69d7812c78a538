/*
 * Bodies that were asked for, one after the other.
 *
 * What fails to be read goes on the pending list, and the run goes on (E1).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "log/log.h"
#include "session/session_int.h"

int
on_get(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_get *g = &msg->u.get;

	if (s->gets.n - s->get_i >= GET_QUEUE_MAX)
		return err_set(err, ERR_PROTO,
		    "more than %u bodies wait to be sent", GET_QUEUE_MAX);
	if (s->get_i == s->gets.n)
		s->get_i = s->gets.n = 0;
	if (s->get_i >= GET_QUEUE_MAX) {
		/* The sent ones in front are not kept for ever. */
		s->gets.n -= s->get_i;
		memmove(s->gets.v, s->gets.v + s->get_i,
		    s->gets.n * sizeof(*s->gets.v));
		s->get_i = 0;
	}
	*ARRAY_ADD(&s->gets) = (struct get){
		.request = g->request,
		.mailbox = g->mailbox,
		.uid = g->uid,
		.guid = mem_strdup(g->guid),
	};
	return 0;
}

bool
body_wanted(const struct session *s, const struct guid128 *mailbox,
    uint32_t uid)
{
	if (s->body.active && s->body.uid == uid &&
	    guid_eq(&s->body.mailbox, mailbox))
		return true;
	for (size_t i = s->get_i; i < s->gets.n; i++)
		if (s->gets.v[i].uid == uid &&
		    guid_eq(&s->gets.v[i].mailbox, mailbox))
			return true;
	return false;
}

bool
body_wanted_in(const struct session *s, const struct guid128 *mailbox)
{
	if (s->body.active && guid_eq(&s->body.mailbox, mailbox))
		return true;
	for (size_t i = s->get_i; i < s->gets.n; i++)
		if (guid_eq(&s->gets.v[i].mailbox, mailbox))
			return true;
	return false;
}

/* A UID that only the log knows, or that was changed, is no obstacle. */
int
body_reader_open(struct session *s, struct mailbox *box, uint32_t uid,
    const char *guid, struct mail_reader **reader_r, struct mail_info *info_r,
    struct err *err)
{
	if (s->driver->reader_open(box, uid, guid, reader_r, info_r,
	    err) == 0)
		return 0;
	if (uid == 0 || err->code != ERR_NOTFOUND)
		return -1;
	return s->driver->reader_open(box, 0, guid, reader_r, info_r, err);
}

int
body_digest(struct session *s, struct open_box *box, uint32_t uid,
    const char *guid, uint8_t digest[static DIGEST_SIZE], struct err *err)
{
	struct mail_reader *reader = NULL;
	struct digest_ctx *ctx;
	struct mail_info info;
	uint8_t buf[16384];
	bool cr = false;
	ptrdiff_t n;

	if (body_reader_open(s, box->box, uid, guid, &reader, &info,
	    err) == -1)
		return -1;
	ctx = digest_new();
	while ((n = s->driver->reader_read(reader, buf, sizeof(buf),
	    err)) > 0)
		digest_update_mail(ctx, &cr, buf, (size_t)n);
	digest_final_mail(ctx, &cr, digest);
	digest_free(&ctx);
	s->driver->reader_close(&reader);
	return n == 0 ? 0 : -1;
}

void
digest_keep(struct session *s, int64_t mailbox, uint32_t uid,
    const char *guid, const uint8_t digest[static DIGEST_SIZE])
{
	struct err why = ERR_INIT;
	struct new_digest *d;

	if (s->digests.n >= DIGESTS_MAX)
		(void)digests_store(s, &why);
	/* A digest saves work and is never needed. */
	if (s->digests.n >= DIGESTS_MAX)
		return;
	d = ARRAY_ADD(&s->digests);
	d->mailbox = mailbox;
	d->uid = uid;
	d->guid = mem_strdup(guid);
	memcpy(d->digest, digest, DIGEST_SIZE);
}

int
digests_store(struct session *s, struct err *err)
{
	if (s->digests.n == 0)
		return 0;
	if (chlog_begin(s->log, err) == -1)
		return -1;
	if (digests_write(s, err) == 0 && chlog_commit(s->log, err) == 0)
		return 0;
	chlog_rollback(s->log);
	return -1;
}

static void
digests_drop(struct session *s)
{
	for (size_t i = 0; i < s->digests.n; i++)
		free(s->digests.v[i].guid);
	s->digests.n = 0;
}

int
digests_write(struct session *s, struct err *err)
{
	for (size_t i = 0; i < s->digests.n; i++) {
		const struct new_digest *d = &s->digests.v[i];

		if (chlog_mail_set_digest(s->log, d->mailbox, d->uid, d->guid,
		    d->digest, err) == -1)
			return -1;
	}
	digests_drop(s);
	return 0;
}

/* The message goes on the pending list; nothing else is stopped by it. */
static void
body_pending(struct session *s, const struct guid128 *mailbox,
    int64_t mailbox_id, uint32_t uid, const char *text)
{
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	struct err why = ERR_INIT;
	struct chlog_mail mail;
	bool known = mailbox_id != 0 && chlog_mail_find(s->log, mailbox_id,
	    uid, arena, &mail, &why) == 1;

	session_add_pending(s, mailbox, uid, known ? &mail.m.marks[0] : NULL,
	    text);
	arena_free(&arena);
}

static void
get_failed(struct session *s, const struct get *get, int64_t mailbox_id,
    const struct err *why)
{
	struct msg msg = { .kind = MSG_GET_FAILED };

	log_warn("cannot read uid=%u guid=%s why=%s", get->uid, get->guid,
	    why->msg);
	msg.u.get_failed.request = get->request;
	msg.u.get_failed.code = why->code;
	msg.u.get_failed.text = session_err_text(s, why->code, why->msg);
	body_pending(s, &get->mailbox, mailbox_id, get->uid,
	    msg.u.get_failed.text);
	session_send(s, &msg);
}

static void
body_close(struct session *s)
{
	struct body *b = &s->body;

	if (b->reader != NULL)
		s->driver->reader_close(&b->reader);
	if (b->pinned != NULL)
		s->driver->mailbox_close(&b->pinned);
	digest_free(&b->digest);
	free(b->guid);
	memset(b, 0, sizeof(*b));
}

/* Begin to send a body; one that cannot be read is answered at once. */
static void
body_begin(struct session *s, struct get *get)
{
	struct msg msg = { .kind = MSG_BODY };
	const struct chlog_mailbox *row = NULL;
	struct body *b = &s->body;
	struct open_box *box;
	struct mail_info info;
	struct err why = ERR_INIT;
	int r = apply_row(s, &get->mailbox, &row, &why);
	int64_t id = r == 1 ? row->id : 0;
	/* The store knows nothing of UIDs that the log lent it. */
	uint32_t uid = r == 1 && row->lent ? 0 : get->uid;

	if (r == 0)
		err_set(&why, ERR_NOTFOUND, "the mailbox is gone");
	if (r != 1 || (box = apply_open(s, row, &why)) == NULL ||
	    body_reader_open(s, box->box, uid, get->guid, &b->reader,
	    &info, &why) == -1) {
		get_failed(s, get, id, &why);
		return;
	}
	b->active = true;
	b->request = get->request;
	b->mailbox = get->mailbox;
	b->mailbox_id = id;
	b->uid = get->uid;
	b->guid = mem_strdup(get->guid);
	b->size = info.size;
	b->digest = digest_new();
	msg.u.body.request = get->request;
	msg.u.body.size = info.size;
	msg.u.body.received = info.received;
	msg.u.body.saved = info.saved;
	session_send(s, &msg);
}

static void
body_finish(struct session *s, const struct err *failure)
{
	struct msg msg = { .kind = MSG_BODY_END };
	struct body *b = &s->body;
	uint8_t digest[DIGEST_SIZE];

	if (failure != NULL) {
		log_warn("cannot read uid=%u guid=%s why=%s", b->uid, b->guid,
		    failure->msg);
		body_pending(s, &b->mailbox, b->mailbox_id, b->uid,
		    session_err_text(s, failure->code, failure->msg));
		msg.u.body_end.failed = true;
	} else {
		digest_final_mail(b->digest, &b->cr, digest);
		digest_keep(s, b->mailbox_id, b->uid, b->guid, digest);
		msg.u.body_end.digest = digest;
	}
	session_send(s, &msg);
	body_close(s);
}

static void
body_piece(struct session *s)
{
	struct msg msg = { .kind = MSG_BODY_CHUNK };
	struct body *b = &s->body;
	struct err why = ERR_INIT;
	uint8_t *buf;
	ptrdiff_t n;

	/* On the stack it would be zeroed for each piece. */
	if (s->piece == NULL)
		s->piece = mem_alloc(BODY_CHUNK_MAX);
	buf = s->piece;
	n = s->driver->reader_read(b->reader, buf, BODY_CHUNK_MAX, &why);
	if (n == -1) {
		body_finish(s, &why);
		return;
	}
	if (n == 0 ? b->sent != b->size : b->size - b->sent < (size_t)n) {
		err_set(&why, ERR_CORRUPT, "its size changed while it was "
		    "read");
		body_finish(s, &why);
		return;
	}
	if (n == 0) {
		body_finish(s, NULL);
		return;
	}
	b->sent += (size_t)n;
	digest_update_mail(b->digest, &b->cr, buf, (size_t)n);
	msg.u.chunk.data = buf;
	msg.u.chunk.len = (size_t)n;
	session_send(s, &msg);
}

bool
body_is_due(const struct session *s)
{
	return s->body.active || s->get_i < s->gets.n;
}

int
body_step(struct session *s, bool (*room)(void *), void *room_arg,
    struct err *err)
{
	(void)err;
	while (body_is_due(s)) {
		if (!room(room_arg))
			return 1;
		if (s->body.active) {
			body_piece(s);
			/* Other answers may go between two bodies. */
			if (!s->body.active && s->question_i < s->questions.n)
				return 1;
			continue;
		}
		body_begin(s, &s->gets.v[s->get_i]);
		free(s->gets.v[s->get_i].guid);
		s->get_i++;
	}
	return 0;
}

void
body_end(struct session *s)
{
	if (s->driver != NULL)
		body_close(s);
	for (size_t i = s->get_i; i < s->gets.n; i++)
		free(s->gets.v[i].guid);
	ARRAY_FREE(&s->gets);
	free(s->piece);
	digests_drop(s);
	ARRAY_FREE(&s->digests);
}
