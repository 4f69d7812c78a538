#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/files/mail_op.h"

char **
mail_op_keywords(const char *const *keywords, size_t count)
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

void
mail_op_append(struct mail_op *op, const struct mail_info *info)
{
	op->kind = OP_APPEND;
	op->uid = info->uid;
	op->guid = info->guid == NULL ? NULL : mem_strdup(info->guid);
	op->flags = info->flags;
	op->keywords = mail_op_keywords(info->keywords, info->keyword_count);
	op->keyword_count = info->keyword_count;
	op->modseq = info->modseq;
	op->received = info->received;
	op->saved = info->saved;
	op->pop3_uidl = info->pop3_uidl == NULL ? NULL :
	    mem_strdup(info->pop3_uidl);
	op->pop3_order = info->pop3_order;
}

void
mail_op_flags(struct mail_op *op, const struct mail_info *was, flags_t flags,
    const char *const *keywords, size_t keyword_count, uint64_t modseq)
{
	op->kind = OP_FLAGS;
	op->uid = was->uid;
	op->guid = mem_strdup(was->guid);
	op->was_flags = was->flags;
	op->was_keywords = mail_op_keywords(was->keywords,
	    was->keyword_count);
	op->was_count = was->keyword_count;
	op->flags = flags;
	op->keywords = mail_op_keywords(keywords, keyword_count);
	op->keyword_count = keyword_count;
	op->modseq = modseq;
}

void
mail_op_uid(struct mail_op *op, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq)
{
	op->kind = OP_UID;
	op->from_uid = uid;
	op->uid = new_uid;
	op->guid = mem_strdup(guid);
	op->modseq = modseq;
}

void
mail_op_expunge(struct mail_op *op, uint32_t uid, const char *guid)
{
	op->kind = OP_EXPUNGE;
	op->uid = uid;
	op->guid = mem_strdup(guid);
}

void
mail_op_status(struct mail_op *op, const struct mailbox_status *status)
{
	op->kind = OP_STATUS;
	op->status = *status;
}

int
mail_op_set_flags(struct mailbox *box, const struct mail_info *was,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t modseq, uint64_t tag, struct err *err)
{
	struct mail_op *op = box->store->driver->prepare(box, tag, err);

	if (op == NULL)
		return -1;
	mail_op_flags(op, was, flags, keywords, keyword_count, modseq);
	return 0;
}

int
mail_op_set_uid(struct mailbox *box, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq, uint64_t tag, struct err *err)
{
	struct mail_op *op = box->store->driver->prepare(box, tag, err);

	if (op == NULL)
		return -1;
	mail_op_uid(op, uid, guid, new_uid, modseq);
	return 0;
}

int
mail_op_set_expunge(struct mailbox *box, uint32_t uid, const char *guid,
    uint64_t tag, struct err *err)
{
	struct mail_op *op = box->store->driver->prepare(box, tag, err);

	if (op == NULL)
		return -1;
	mail_op_expunge(op, uid, guid);
	return 0;
}

int
mail_op_set_status(struct mailbox *box, const struct mailbox_status *status,
    uint64_t tag, struct err *err)
{
	struct mail_op *op = box->store->driver->prepare(box, tag, err);

	if (op == NULL)
		return -1;
	mail_op_status(op, status);
	return 0;
}


void
mail_op_deinit(struct mail_op *op)
{
	free(op->guid);
	free(op->keywords);
	free(op->was_keywords);
	free(op->pop3_uidl);
}
