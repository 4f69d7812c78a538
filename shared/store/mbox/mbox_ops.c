#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/mbox/mbox.h"

char **
mbox_keywords_dup(const char *const *keywords, size_t count)
{
	size_t size = count * sizeof(char *);
	char **list, *text;

	if (count == 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		size += strlen(keywords[i]) + 1;
	list = mem_alloc(size);
	text = (char *)(list + count);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(keywords[i]) + 1;

		memcpy(text, keywords[i], len);
		list[i] = text;
		text += len;
	}
	return list;
}

struct mbox_op *
mbox_op_add(struct mbox_box *box, enum mbox_op_kind kind, uint64_t tag)
{
	struct mbox_op *op = ARRAY_ADD(&box->ops);

	op->kind = kind;
	op->tag = tag;
	op->mail = SIZE_MAX;
	return op;
}

void
mbox_ops_free(struct mbox_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		struct mbox_op *op = &box->ops.v[i];

		spool_unref(box, &op->spool);
		ARRAY_FREE(&op->extents);
		free(op->guid);
		free(op->keywords);
		free(op->was_keywords);
		free(op->sender);
		free(op->pop3_uidl);
	}
	ARRAY_FREE(&box->ops);
}

int
mbox_set_flags(struct mailbox *head, const struct mail_info *was,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t modseq, uint64_t tag, struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;
	struct mbox_op *op;

	(void)modseq;
	if (mbox_writable(box->store, err) == -1)
		return -1;
	op = mbox_op_add(box, OP_FLAGS, tag);
	op->uid = was->uid;
	op->guid = mem_strdup(was->guid);
	op->was_flags = was->flags;
	op->was_keywords = mbox_keywords_dup(was->keywords,
	    was->keyword_count);
	op->was_count = was->keyword_count;
	op->flags = flags;
	op->keywords = mbox_keywords_dup(keywords, keyword_count);
	op->keyword_count = keyword_count;
	return 0;
}

int
mbox_set_uid(struct mailbox *head, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq, uint64_t tag, struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;
	struct mbox_op *op;

	(void)modseq;
	if (mbox_writable(box->store, err) == -1)
		return -1;
	op = mbox_op_add(box, OP_UID, tag);
	op->from_uid = uid;
	op->uid = new_uid;
	op->guid = mem_strdup(guid);
	return 0;
}

int
mbox_expunge(struct mailbox *head, uint32_t uid, const char *guid,
    uint64_t tag, struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;
	struct mbox_op *op;

	if (mbox_writable(box->store, err) == -1)
		return -1;
	op = mbox_op_add(box, OP_EXPUNGE, tag);
	op->uid = uid;
	op->guid = mem_strdup(guid);
	return 0;
}

int
mbox_set_status(struct mailbox *head, const struct mailbox_status *status,
    uint64_t tag, struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;

	if (mbox_writable(box->store, err) == -1)
		return -1;
	mbox_op_add(box, OP_STATUS, tag)->status = *status;
	return 0;
}
