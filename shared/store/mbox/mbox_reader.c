/*
 * Reading without a lock: what was read is checked by its digest, since others
 * may move the message while we read.  One of ordinary size is read at once,
 * and is whole from then on.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/mbox/mbox.h"

struct mail_reader {
	struct window w;
	int fd;
	uint64_t at, end;		/* what is still to be read */
	uint64_t field_end;		/* of a field that is being read */
	bool note;			/* ... which may change */
	bool in_body;
	uint8_t wanted[GUID_SIZE];
	struct digest_ctx *digest;
	bool cr;
	struct strbuf memory;
	size_t pos;
	bool in_memory;
	/* What info_r points to. */
	char guid[GUID_TEXT_MAX + 1];
	char *uidl;
	const char **keywords;
};

void
mbox_reader_close(struct mail_reader **readerp)
{
	struct mail_reader *reader = *readerp;

	if (reader == NULL)
		return;
	if (reader->keywords != NULL) {
		for (size_t i = 0; reader->keywords[i] != NULL; i++)
			free((char *)(uintptr_t)reader->keywords[i]);
	}
	free(reader->keywords);
	free(reader->uidl);
	strbuf_deinit(&reader->memory);
	digest_free(&reader->digest);
	window_deinit(&reader->w);
	if (reader->fd != -1)
		close(reader->fd);
	free(reader);
	*readerp = NULL;
}

/* On to what belongs to the message; 1, 0 at the end, -1. */
static int
next_part(struct mail_reader *reader, struct err *err)
{
	struct parse_field field;

	while (!reader->in_body && reader->at >= reader->field_end) {
		if (parse_field(&reader->w, reader->at, reader->end, &field,
		    NULL, err) == -1)
			return -1;
		reader->note = field.kind == PARSE_FIELD &&
		    field.name == HEADER_NOTE;
		if (field.kind != PARSE_FIELD)
			reader->in_body = true;
		else if (header_is_shown(field.name))
			reader->field_end = field.end;
		else
			reader->at = field.end;
	}
	return reader->at < reader->end;
}

static int
check_digest(struct mail_reader *reader, struct err *err)
{
	uint8_t digest[DIGEST_SIZE];

	if (reader->digest == NULL)
		return 0;
	digest_final_mail(reader->digest, &reader->cr, digest);
	digest_free(&reader->digest);
	if (memcmp(digest, reader->wanted, GUID_SIZE) != 0)
		return err_set(err, ERR_TEMP,
		    "the message was changed while it was read");
	return 0;
}

static ptrdiff_t
read_file(struct mail_reader *reader, void *buf, size_t len, struct err *err)
{
	uint64_t stop;
	const char *p;
	size_t got;
	int r = next_part(reader, err);

	if (r <= 0)
		return r == -1 ? -1 : check_digest(reader, err);
	stop = reader->in_body ? reader->end : reader->field_end;
	if (len > stop - reader->at)
		len = (size_t)(stop - reader->at);
	if ((p = window_at(&reader->w, reader->at, 1, &got, err)) == NULL)
		return -1;
	if (len > got)
		len = got;
	memcpy(buf, p, len);
	if (!reader->note)
		digest_update_mail(reader->digest, &reader->cr, buf, len);
	reader->at += len;
	return (ptrdiff_t)len;
}

ptrdiff_t
mbox_reader_read(struct mail_reader *reader, void *buf, size_t len,
    struct err *err)
{
	if (!reader->in_memory)
		return read_file(reader, buf, len, err);
	if (len > reader->memory.len - reader->pos)
		len = reader->memory.len - reader->pos;
	memcpy(buf, reader->memory.data + reader->pos, len);
	reader->pos += len;
	return (ptrdiff_t)len;
}

static int
load(struct mail_reader *reader, struct err *err)
{
	char buf[16384];
	ptrdiff_t n;

	while ((n = read_file(reader, buf, sizeof(buf), err)) > 0)
		strbuf_add(&reader->memory, buf, (size_t)n);
	reader->in_memory = true;
	return n == -1 ? -1 : 0;
}

static void
fill_info(struct mbox_box *box, const struct mbox_mail *mail,
    struct mail_reader *reader, struct mail_info *info)
{
	const struct state_mail *known = NULL;
	const char **names = mbox_keyword_list(box, mail);

	reader->keywords = mem_calloc((size_t)mail->keyword_count + 1,
	    sizeof(*reader->keywords));
	for (size_t i = 0; i < mail->keyword_count; i++)
		reader->keywords[i] = mem_strdup(names[i]);
	free(names);
	*info = (struct mail_info){ .uid = mail->uid, .guid = reader->guid,
	    .flags = mail->status & FLAGS_ALL, .keywords = reader->keywords,
	    .keyword_count = mail->keyword_count, .size = mail->size,
	    .received = mail->received };
	if (state_fits(&box->state, box->base.uidvalidity))
		known = state_find(&box->state, mail->uid, mail->digest);
	if (known == NULL)
		return;
	info->pop3_order = known->pop3_order;
	if (state_uidl(known) != NULL)
		info->pop3_uidl = reader->uidl =
		    mem_strdup(state_uidl(known));
}

int
mbox_reader_open(struct mailbox *head, uint32_t uid, const char *guid,
    struct mail_reader **reader_r, struct mail_info *info_r, struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;
	struct mail_reader *reader;
	const struct mbox_mail *mail;
	struct path_stat st;
	size_t i;
	int fd;

	if (strlen(guid) > GUID_TEXT_MAX || mbox_refresh(box, err) == -1)
		return strlen(guid) > GUID_TEXT_MAX ?
		    err_set(err, ERR_NOTFOUND, "the message is gone") : -1;
	if ((i = mbox_find(box, uid, guid)) == SIZE_MAX)
		return err_set(err, ERR_NOTFOUND, "the message is gone");
	fd = path_open_file(box->root, box->dirfd, box->file, &st, err);
	if (fd == -1)
		return -1;
	mail = &box->mails.v[i];
	if (mail->end > st.size) {
		close(fd);
		return err_set(err, ERR_TEMP,
		    "the mailbox is being changed");
	}
	reader = mem_alloc(sizeof(*reader));
	reader->fd = fd;
	window_init(&reader->w, fd, mail->end);
	reader->at = mail->offset + mail->from_len;
	reader->end = mail->end;
	reader->digest = digest_new();
	memcpy(reader->wanted, mail->digest, GUID_SIZE);
	memcpy(reader->guid, guid, strlen(guid) + 1);
	strbuf_init(&reader->memory, READER_MEMORY_MAX);
	fill_info(box, mail, reader, info_r);
	if (mail->size <= READER_MEMORY_MAX && load(reader, err) == -1) {
		mbox_reader_close(&reader);
		return -1;
	}
	*reader_r = reader;
	return 0;
}
