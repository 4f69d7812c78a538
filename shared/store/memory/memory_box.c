#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "store/memory/memory_int.h"

struct mail_reader {
	struct memory_body *body;
	struct memory_mail *mail;	/* a copy of the record */
	size_t pos;
};

struct mail_writer {
	struct memory_box *box;
	struct memory_mail *mail;	/* without its body */
	struct strbuf body;
};

static struct memory_store *
box_store(struct mailbox *box)
{
	return (struct memory_store *)box->store;
}

/* The mailbox of an open handle, if process and mailbox are still there. */
static struct memory_mailbox *
box_mailbox(struct mailbox *box, struct err *err)
{
	struct memory_mailbox *mailbox = ((struct memory_box *)box)->mailbox;

	if (memory_alive(box_store(box), err) == -1)
		return NULL;
	if (mailbox->world == NULL) {
		err_set(err, ERR_STALE, "the mailbox was removed");
		return NULL;
	}
	return mailbox;
}

void
memory_token(const struct memory_world *world, uint64_t id, uint64_t changed,
    struct store_token *token_r)
{
	*token_r = (struct store_token){ .len = 2 * sizeof(uint64_t) };
	memcpy(token_r->data, &id, sizeof(id));
	memcpy(token_r->data + sizeof(id), &changed, sizeof(changed));
	token_r->settled = !world->coarse || changed < world->now;
}

static int
number(struct memory_store *store, struct memory_mailbox *mailbox,
    struct err *err)
{
	if (store->readonly || !memory_mailbox_is_plain(mailbox))
		return 0;
	if (memory_step(store, err) == -1)
		return -1;
	memory_mailbox_number(mailbox);
	return 0;
}

int
memory_box_open(struct store *head, const char *name,
    struct mailbox **box_r, struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;
	struct memory_mailbox *mailbox;
	struct memory_box *box;

	if (memory_alive(store, err) == -1)
		return -1;
	mailbox = memory_mailbox_find(store->world, name);
	if (mailbox == NULL || !mailbox->selectable)
		return err_set(err, ERR_NOTFOUND, "no such mailbox");
	if (number(store, mailbox, err) == -1)
		return -1;
	if ((box = calloc(1, sizeof(*box))) == NULL)
		abort();
	box->head.store = head;
	box->mailbox = mailbox;
	mailbox->refs++;
	box->next = store->boxes;
	store->boxes = box;
	*box_r = &box->head;
	return 0;
}

void
memory_box_close(struct mailbox **boxp)
{
	struct memory_box *box = (struct memory_box *)*boxp;
	struct memory_box **p;

	if (box == NULL)
		return;
	p = &box_store(*boxp)->boxes;
	while (*p != box)
		p = &(*p)->next;
	*p = box->next;
	memory_ops_free(box);
	memory_mailbox_unref(box->mailbox);
	free(box);
	*boxp = NULL;
}

int
memory_box_status(struct mailbox *box, struct mailbox_status *status_r,
    struct err *err)
{
	struct memory_mailbox *mailbox = box_mailbox(box, err);

	if (mailbox == NULL)
		return -1;
	*status_r = mailbox->status;
	if (mailbox->world->modseqs == MEMORY_MODSEQ_NONE)
		status_r->highestmodseq = 0;
	return 0;
}

int
memory_box_token(struct mailbox *box, struct store_token *token_r,
    struct err *err)
{
	struct memory_mailbox *mailbox = box_mailbox(box, err);

	if (mailbox == NULL)
		return -1;
	memory_token(mailbox->world, mailbox->id, mailbox->changed, token_r);
	return 0;
}

static struct mail_info
mail_to_info(const struct memory_mail *mail)
{
	return (struct mail_info){
		.uid = mail->uid, .guid = mail->guid, .flags = mail->flags,
		.keywords = mail->keywords,
		.keyword_count = mail->keyword_count, .modseq = mail->modseq,
		.size = mail->body->len, .received = mail->received,
		.saved = mail->saved,
		.pop3_uidl = mail->pop3_uidl, .pop3_order = mail->pop3_order,
	};
}

int
memory_box_scan(struct mailbox *box, store_scan_fn *fn, void *arg,
    struct err *err)
{
	struct memory_mailbox *mailbox = box_mailbox(box, err);
	struct mail_info info;

	if (mailbox == NULL || number(box_store(box), mailbox, err) == -1)
		return -1;
	for (size_t i = 0; i < mailbox->mails.n; i++) {
		info = mail_to_info(mailbox->mails.v[i]);
		/* As the formats that would have to open each file. */
		info.received = RECEIVED_UNKNOWN;
		if (mailbox->world->modseqs == MEMORY_MODSEQ_NONE)
			info.modseq = 0;
		if (fn(&info, arg, err) == -1)
			return -1;
	}
	return 0;
}

static struct memory_mail *
mail_find(struct memory_mailbox *mailbox, uint32_t uid, const char *guid)
{
	struct memory_mail *mail;

	if (uid != 0) {
		mail = memory_mail_find(mailbox, uid);
		return mail != NULL && strcmp(mail->guid, guid) == 0 ?
		    mail : NULL;
	}
	for (size_t i = 0; i < mailbox->mails.n; i++) {
		mail = mailbox->mails.v[i];
		if (strcmp(mail->guid, guid) == 0)
			return mail;
	}
	return NULL;
}

int
memory_reader_open(struct mailbox *box, uint32_t uid, const char *guid,
    struct mail_reader **reader_r, struct mail_info *info_r, struct err *err)
{
	struct memory_mailbox *mailbox = box_mailbox(box, err);
	struct mail_reader *reader;
	struct memory_mail *mail;
	struct mail_info info;

	if (mailbox == NULL)
		return -1;
	if ((mail = mail_find(mailbox, uid, guid)) == NULL)
		return err_set(err, ERR_NOTFOUND, "the message is gone");
	if (mail->unreadable)
		return err_set(err, ERR_TEMP, "the message can't be read");
	if ((reader = calloc(1, sizeof(*reader))) == NULL)
		abort();
	info = mail_to_info(mail);
	mail->body->refs++;
	reader->body = mail->body;
	/* The record is copied: a client may change it while we read. */
	reader->body->refs++;
	reader->mail = memory_mail_new(mailbox->world, &info, reader->body);
	*info_r = mail_to_info(reader->mail);
	*reader_r = reader;
	return 0;
}

ptrdiff_t
memory_reader_read(struct mail_reader *reader, void *buf, size_t len,
    struct err *err)
{
	size_t left = reader->body->len - reader->pos;

	(void)err;
	if (len > left)
		len = left;
	memcpy(buf, reader->body->data + reader->pos, len);
	reader->pos += len;
	return (ptrdiff_t)len;
}

void
memory_reader_close(struct mail_reader **readerp)
{
	struct mail_reader *reader = *readerp;

	if (reader == NULL)
		return;
	memory_mail_free(reader->mail);
	memory_body_unref(reader->body);
	free(reader);
	*readerp = NULL;
}

int
memory_append_begin(struct mailbox *box, const struct mail_info *info,
    struct mail_writer **writer_r, struct err *err)
{
	struct memory_mailbox *mailbox = box_mailbox(box, err);
	struct mail_writer *writer;

	if (mailbox == NULL || memory_step(box_store(box), err) == -1)
		return -1;
	if ((writer = calloc(1, sizeof(*writer))) == NULL)
		abort();
	writer->box = (struct memory_box *)box;
	writer->mail = memory_mail_new(mailbox->world, info,
	    memory_body_new(NULL, 0));
	strbuf_init(&writer->body, (size_t)-1 / 4);
	*writer_r = writer;
	return 0;
}

int
memory_append_write(struct mail_writer *writer, const void *buf, size_t len,
    struct err *err)
{
	if (memory_step(box_store(&writer->box->head), err) == -1)
		return -1;
	strbuf_add(&writer->body, buf, len);
	return 0;
}

static struct memory_op *
op_add(struct mailbox *head, enum memory_op_kind kind, uint64_t tag)
{
	struct memory_box *box = (struct memory_box *)head;
	struct memory_op *op = ARRAY_ADD(&box->ops);

	op->kind = kind;
	op->tag = tag;
	return op;
}

static void
append_add(struct mailbox *box, struct memory_mail *mail, uint64_t tag)
{
	struct memory_op *op = op_add(box, MEMORY_APPEND, tag);

	op->mail = mail;
	op->own_mail = true;
	op->uid = mail->uid;
	op->modseq = mail->modseq;
}

int
memory_append_commit(struct mail_writer **writerp, uint64_t tag,
    struct err *err)
{
	struct mail_writer *writer = *writerp;
	int ret = -1;

	if (memory_step(box_store(&writer->box->head), err) == 0) {
		memory_body_unref(writer->mail->body);
		writer->mail->body = memory_body_new(writer->body.data,
		    writer->body.len);
		append_add(&writer->box->head, writer->mail, tag);
		writer->mail = NULL;
		ret = 0;
	}
	memory_append_abort(writerp);
	return ret;
}

void
memory_append_abort(struct mail_writer **writerp)
{
	struct mail_writer *writer = *writerp;

	if (writer == NULL)
		return;
	memory_mail_free(writer->mail);
	strbuf_deinit(&writer->body);
	free(writer);
	*writerp = NULL;
}

int
memory_copy(struct mailbox *box, const struct mail_info *info,
    struct mailbox *src, uint32_t src_uid, const char *src_guid,
    uint64_t tag, struct err *err)
{
	struct memory_mailbox *dest = box_mailbox(box, err);
	struct memory_mailbox *from = box_mailbox(src, err);
	struct memory_mail *mail;

	if (dest == NULL || from == NULL)
		return -1;
	if (memory_writable(box_store(box), err) == -1)
		return -1;
	if ((mail = mail_find(from, src_uid, src_guid)) == NULL)
		return err_set(err, ERR_NOTFOUND, "the source is gone");
	if (mail->unreadable)
		return err_set(err, ERR_TEMP, "the source can't be read");
	if (memory_step(box_store(box), err) == -1)
		return -1;
	mail->body->refs++;
	append_add(box, memory_mail_new(dest->world, info, mail->body), tag);
	return 0;
}

int
memory_set_flags(struct mailbox *box, const struct mail_info *was,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t modseq, uint64_t tag, struct err *err)
{
	struct memory_op *op;

	if (memory_writable(box_store(box), err) == -1)
		return -1;
	op = op_add(box, MEMORY_FLAGS, tag);
	op->uid = was->uid;
	op->modseq = modseq;
	op->guid = memory_strdup(was->guid);
	op->was_flags = was->flags;
	op->was_keywords = memory_keywords_dup(was->keywords,
	    was->keyword_count);
	op->was_count = was->keyword_count;
	op->flags = flags;
	op->keywords = memory_keywords_dup(keywords, keyword_count);
	op->keyword_count = keyword_count;
	return 0;
}

int
memory_set_uid(struct mailbox *box, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq, uint64_t tag, struct err *err)
{
	struct memory_op *op;

	if (memory_writable(box_store(box), err) == -1)
		return -1;
	op = op_add(box, MEMORY_UID, tag);
	op->uid = new_uid;
	op->from_uid = uid;
	op->modseq = modseq;
	op->guid = memory_strdup(guid);
	return 0;
}

int
memory_expunge(struct mailbox *box, uint32_t uid, const char *guid,
    uint64_t tag, struct err *err)
{
	struct memory_op *op;

	if (memory_writable(box_store(box), err) == -1)
		return -1;
	op = op_add(box, MEMORY_EXPUNGE, tag);
	op->uid = uid;
	op->guid = memory_strdup(guid);
	return 0;
}

int
memory_set_status(struct mailbox *box, const struct mailbox_status *status,
    uint64_t tag, struct err *err)
{
	if (memory_writable(box_store(box), err) == -1)
		return -1;
	op_add(box, MEMORY_STATUS, tag)->status = *status;
	return 0;
}
