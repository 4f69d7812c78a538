/*
 * Reading messages: first the header, then the metadata behind the body, and
 * then the body itself.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/dbox/dbox.h"
#include "store/files/mail_input.h"

#define HEAD_READ	DBOX_FILE_HEADER_MAX
#define TAIL_READ	1024U	/* bytes: nearly all metadata are shorter */

struct mail_reader {
	struct dbox_message message;
	struct mail_input *input;
	uint64_t size;			/* of the body as it is shown */
	struct dbox_names keywords;
	char *texts;			/* memory of the names */
};

/* Up to len bytes at offset, fewer only at the end of the file. */
static ssize_t
read_at(int fd, void *buf, size_t len, uint64_t offset, struct err *err)
{
	char *p = buf;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, p + done, len - done,
		    (off_t)(offset + done));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "read a message");
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* Where the body is, and its size, by file header and message header. */
static int
read_head(struct dbox_message *message, struct err *err)
{
	struct dbox_place *place = &message->place;
	struct dbox_file_header header;
	char buf[HEAD_READ];
	ssize_t n;
	int r;

	if (place->message_header == 0) {
		n = read_at(place->fd, buf, DBOX_FILE_HEADER_MAX, 0, err);
		if (n == -1)
			return -1;
		r = dbox_file_header_parse(&header, buf, (size_t)n, err);
		if (r == 1)
			return err_set(err, ERR_CORRUPT,
			    "the file has no whole header");
		if (r == -1)
			return -1;
		place->message_header = header.message_header;
		if (place->offset == 0)
			place->offset = header.len;
	}
	n = read_at(place->fd, buf, place->message_header, place->offset,
	    err);
	if (n == -1 || dbox_message_header_parse(&message->size, buf,
	    (size_t)n, err) == -1)
		return -1;
	message->body = place->offset + place->message_header;
	return 0;
}

/* The metadata at offset, where the body ends. */
static int
read_meta(struct dbox_message *message, uint64_t offset, struct err *err)
{
	size_t size = TAIL_READ;
	char *buf = mem_alloc(DBOX_META_MAX);
	ssize_t n;
	int r;

	for (;;) {
		n = read_at(message->place.fd, buf, size, offset, err);
		if (n == -1) {
			r = -1;
			break;
		}
		r = dbox_meta_parse(&message->meta, buf, (size_t)n, err);
		if (r == 1 && (size_t)n < size) {
			r = err_set(err, ERR_CORRUPT, "the file ends before "
			    "the message does");
			break;
		}
		if (r != 1)
			break;
		size = DBOX_META_MAX;
	}
	free(buf);
	return r;
}

int
dbox_message_read(struct dbox_message *message,
    const struct dbox_place *place, struct err *err)
{
	uint64_t end;

	*message = (struct dbox_message){ .place = *place };
	if (read_head(message, err) == -1 ||
	    read_meta(message, message->body + message->size, err) == -1)
		return -1;
	end = message->body + message->size + message->meta.len;
	/* The map says how long it is, too. */
	if (end > place->end || (place->offset != 0 && end != place->end))
		return err_set(err, ERR_CORRUPT, "the message is of another "
		    "size than the index says");
	return 0;
}

int
dbox_meta_read(struct dbox_message *message, const struct dbox_place *place,
    struct err *err)
{
	uint64_t from = place->end - place->offset > TAIL_READ ?
	    place->end - TAIL_READ : place->offset;
	struct err why = ERR_INIT;
	char buf[TAIL_READ];
	const char *meta;
	ssize_t n;

	*message = (struct dbox_message){ .place = *place };
	n = read_at(place->fd, buf, (size_t)(place->end - from), from, err);
	if (n == -1)
		return -1;
	meta = (uint64_t)n == place->end - from ?
	    dbox_meta_find_last(buf, (size_t)n) : NULL;
	/* It has to end where the message does. */
	if (meta != NULL && dbox_meta_parse(&message->meta, meta,
	    (size_t)(buf + n - meta), &why) == 0 &&
	    message->meta.len == (size_t)(buf + n - meta)) {
		uint64_t least = place->offset + DBOX_MESSAGE_HEADER +
		    message->meta.len;

		/* The size is known where the beginning is. */
		if (place->offset != 0 && place->end > least)
			message->size = place->end - least;
		return 0;
	}
	return dbox_message_read(message, place, err);
}

/* The body, decompressed if need be; what can't be shown is refused. */
static int
open_body(struct mail_reader *reader, struct err *err)
{
	const struct dbox_message *message = &reader->message;

	if (message->meta.external)
		return err_set(err, ERR_REFUSED, "parts of the message are "
		    "in files of their own (attachments), which is not "
		    "supported");
	if (mail_input_open(&reader->input, message->place.fd, message->body,
	    message->size, &reader->size, err) == -1)
		return -1;
	if (message->meta.has_real_size &&
	    message->meta.real_size != reader->size)
		return err_set(err, mail_input_compressed(reader->input) ?
		    ERR_CORRUPT : ERR_REFUSED, "the message is stored in "
		    "a form that is not known, as encrypted ones are");
	return 0;
}

/* Copies of the names, which the index may change. */
static void
keep_keywords(struct mail_reader *reader, const struct index *index,
    size_t pos)
{
	struct dbox_names *list = &reader->keywords;
	size_t size = 1;
	char *text;

	dbox_keywords(index, pos, list);
	for (size_t i = 0; i < list->n; i++)
		size += strlen(list->v[i]) + 1;
	text = reader->texts = mem_alloc(size);
	for (size_t i = 0; i < list->n; i++) {
		size = strlen(list->v[i]) + 1;
		list->v[i] = memcpy(text, list->v[i], size);
		text += size;
	}
}

static void
fill_info(struct mail_info *info, struct mail_reader *reader,
    const struct index *index, size_t pos)
{
	const struct dbox_meta *meta = &reader->message.meta;
	struct index_mail mail = index_mail(index, pos);

	keep_keywords(reader, index, pos);
	*info = (struct mail_info){ .uid = mail.uid, .guid = meta->guid,
	    .flags = mail.flags & FLAGS_ALL, .keywords = reader->keywords.v,
	    .keyword_count = reader->keywords.n,
	    .size = reader->size, .received = meta->received,
	    .saved = reader->message.place.saved,
	    .pop3_uidl = meta->pop3_uidl[0] == '\0' ? NULL : meta->pop3_uidl,
	    .pop3_order = meta->pop3_order };
	if (index_state(index)->has_modseqs)
		info->modseq = index_modseq(index, pos);
	/* Dovecot shows the time of the file then, which nobody meant. */
	if (info->received == RECEIVED_UNKNOWN)
		info->received = 0;
}

/* It can't be read.  Was it expunged after the index was looked at? */
static int
check_gone(struct dbox_folder *folder, uint32_t uid, struct err *err)
{
	struct err ignored = ERR_INIT;
	size_t pos;

	if (uid != 0 && dbox_folder_refresh(folder, &ignored) == 0 &&
	    !index_find(folder->index, uid, &pos))
		return err_set(err, ERR_NOTFOUND, "the message is gone");
	/* The index has it: it was not expunged. */
	if (err->code == ERR_NOTFOUND)
		err->code = ERR_CORRUPT;
	return -1;
}

int
dbox_reader_open(struct mailbox *head, uint32_t uid, const char *guid,
    struct mail_reader **reader_r, struct mail_info *info_r, struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;
	struct dbox_store *store = box->store;
	struct dbox_folder *folder = box->folder;
	struct mail_reader *reader;
	struct dbox_place place;
	size_t pos;

	if (dbox_folder_refresh(folder, err) == -1)
		return -1;
	if (!dbox_message_find(store, folder, uid, guid, &pos)) {
		if (uid != 0 && index_find(folder->index, uid, &pos) &&
		    dbox_message_may_be(store, folder, pos, guid)) {
			err_set(err, ERR_CORRUPT,
			    "the message's file is damaged");
			return check_gone(folder, uid, err);
		}
		return err_set(err, ERR_NOTFOUND, "the message is gone");
	}
	uid = index_mail(folder->index, pos).uid;
	if (store->format->locate(store, folder, pos, &place, err) == -1)
		return check_gone(folder, uid, err);
	reader = mem_alloc(sizeof(*reader));
	reader->message.place = place;
	if (dbox_message_read(&reader->message, &place, err) == -1 ||
	    open_body(reader, err) == -1)
		goto failed;
	if (strcmp(reader->message.meta.guid, guid) != 0) {
		err_set(err, ERR_CORRUPT, "the file holds another message");
		goto failed;
	}
	fill_info(info_r, reader, folder->index, pos);
	*reader_r = reader;
	return 0;
failed:
	dbox_reader_close(&reader);
	return -1;
}

ptrdiff_t
dbox_reader_read(struct mail_reader *reader, void *buf, size_t len,
    struct err *err)
{
	return mail_input_read(reader->input, buf, len, err);
}

void
dbox_reader_close(struct mail_reader **readerp)
{
	struct mail_reader *reader = *readerp;

	if (reader == NULL)
		return;
	mail_input_close(&reader->input);
	close(reader->message.place.fd);
	ARRAY_FREE(&reader->keywords);
	free(reader->texts);
	free(reader);
	*readerp = NULL;
}
