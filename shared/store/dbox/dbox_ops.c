/* Preparing: nothing here touches the mailbox. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/dbox/dbox.h"

/* Pointers and strings in one block. */
char **
dbox_keywords_dup(const char *const *keywords, size_t count)
{
	size_t size = (count + 1) * sizeof(char *), len;
	char **copy, *text;

	for (size_t i = 0; i < count; i++)
		size += strlen(keywords[i]) + 1;
	copy = mem_alloc(size);
	text = (char *)(copy + count + 1);
	for (size_t i = 0; i < count; i++) {
		len = strlen(keywords[i]) + 1;
		memcpy(text, keywords[i], len);
		copy[i] = text;
		text += len;
	}
	return copy;
}

struct dbox_op *
dbox_op_add(struct dbox_box *box, enum dbox_op_kind kind, uint64_t tag)
{
	size_t order = box->ops.n;
	struct dbox_op *op = ARRAY_ADD(&box->ops);

	op->kind = kind;
	op->tag = tag;
	op->order = order;
	op->fd = -1;
	return op;
}

void
dbox_op_from_info(struct dbox_op *op, const struct mail_info *info)
{
	op->kind = DBOX_APPEND;
	op->fd = -1;
	op->uid = info->uid;
	op->guid = info->guid == NULL ? NULL : mem_strdup(info->guid);
	op->flags = info->flags;
	op->keywords = dbox_keywords_dup(info->keywords, info->keyword_count);
	op->keyword_count = info->keyword_count;
	op->modseq = info->modseq;
	op->received = info->received;
	op->pop3_uidl = info->pop3_uidl == NULL ? NULL :
	    mem_strdup(info->pop3_uidl);
	op->pop3_order = info->pop3_order;
	op->total = info->size;
}

void
dbox_op_clear(struct dbox_op *op)
{
	if (op->fd != -1)
		close(op->fd);
	free(op->tmp_name);
	free(op->guid);
	free(op->keywords);
	free(op->was_keywords);
	free(op->pop3_uidl);
	*op = (struct dbox_op){ .fd = -1 };
}

void
dbox_ops_free(struct dbox_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		struct dbox_op *op = &box->ops.v[i];

		if (op->kind == DBOX_APPEND && !op->published)
			box->store->format->body_drop(box, op);
		dbox_op_clear(op);
	}
	ARRAY_FREE(&box->ops);
}

int
dbox_set_flags(struct mailbox *head, const struct mail_info *was,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t modseq, uint64_t tag, struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;
	struct dbox_op *op;

	if (dbox_writable(box->store, err) == -1)
		return -1;
	op = dbox_op_add(box, DBOX_FLAGS, tag);
	op->uid = was->uid;
	op->guid = mem_strdup(was->guid);
	op->was_flags = was->flags;
	op->was_keywords = dbox_keywords_dup(was->keywords, was->keyword_count);
	op->was_count = was->keyword_count;
	op->flags = flags;
	op->keywords = dbox_keywords_dup(keywords, keyword_count);
	op->keyword_count = keyword_count;
	op->modseq = modseq;
	return 0;
}

int
dbox_set_uid(struct mailbox *head, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq, uint64_t tag, struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;
	struct dbox_op *op;

	if (dbox_writable(box->store, err) == -1)
		return -1;
	op = dbox_op_add(box, DBOX_UID, tag);
	op->from_uid = uid;
	op->uid = new_uid;
	op->guid = mem_strdup(guid);
	op->modseq = modseq;
	return 0;
}

int
dbox_expunge(struct mailbox *head, uint32_t uid, const char *guid,
    uint64_t tag, struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;
	struct dbox_op *op;

	if (dbox_writable(box->store, err) == -1)
		return -1;
	op = dbox_op_add(box, DBOX_EXPUNGE, tag);
	op->uid = uid;
	op->guid = mem_strdup(guid);
	return 0;
}

int
dbox_set_status(struct mailbox *head, const struct mailbox_status *status,
    uint64_t tag, struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;

	if (dbox_writable(box->store, err) == -1)
		return -1;
	dbox_op_add(box, DBOX_STATUS, tag)->status = *status;
	return 0;
}
