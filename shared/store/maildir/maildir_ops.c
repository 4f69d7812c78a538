/* Preparing: nothing here touches the mailbox. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/maildir/maildir.h"

/* Pointers and strings in one block. */
char **
maildir_keywords_dup(const char *const *keywords, size_t count)
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

struct maildir_op *
maildir_op_add(struct maildir_box *box, enum maildir_op_kind kind,
    uint64_t tag)
{
	struct maildir_op *op = ARRAY_ADD(&box->ops);

	op->kind = kind;
	op->tag = tag;
	op->fd = -1;
	return op;
}

static void
op_free(struct maildir_box *box, struct maildir_op *op)
{
	struct err ignored = ERR_INIT;

	if (op->fd != -1)
		close(op->fd);
	/* A body that was not published. */
	if (op->tmp_name != NULL)
		(void)path_unlink(&box->store->root, box->tmp_fd,
		    op->tmp_name, false, &ignored);
	free(op->tmp_name);
	free(op->guid);
	free(op->base);
	free(op->fields);
	free(op->keywords);
	free(op->was_keywords);
	free(op->pop3_uidl);
}

void
maildir_ops_free(struct maildir_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++)
		op_free(box, &box->ops.v[i]);
	ARRAY_FREE(&box->ops);
}

int
maildir_set_flags(struct mailbox *head, const struct mail_info *was,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t modseq, uint64_t tag, struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;
	struct maildir_op *op;

	if (maildir_writable(box->store, err) == -1)
		return -1;
	op = maildir_op_add(box, OP_FLAGS, tag);
	op->modseq = modseq;
	op->uid = was->uid;
	op->guid = mem_strdup(was->guid);
	op->was_flags = was->flags;
	op->was_keywords = maildir_keywords_dup(was->keywords,
	    was->keyword_count);
	op->was_count = was->keyword_count;
	op->flags = flags;
	op->keywords = maildir_keywords_dup(keywords, keyword_count);
	op->keyword_count = keyword_count;
	return 0;
}

int
maildir_set_uid(struct mailbox *head, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq, uint64_t tag, struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;
	struct maildir_op *op;

	if (maildir_writable(box->store, err) == -1)
		return -1;
	op = maildir_op_add(box, OP_UID, tag);
	op->modseq = modseq;
	op->from_uid = uid;
	op->uid = new_uid;
	op->guid = mem_strdup(guid);
	return 0;
}

int
maildir_expunge(struct mailbox *head, uint32_t uid, const char *guid,
    uint64_t tag, struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;
	struct maildir_op *op;

	if (maildir_writable(box->store, err) == -1)
		return -1;
	op = maildir_op_add(box, OP_EXPUNGE, tag);
	op->uid = uid;
	op->guid = mem_strdup(guid);
	return 0;
}

int
maildir_set_status(struct mailbox *head, const struct mailbox_status *status,
    uint64_t tag, struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;

	if (maildir_writable(box->store, err) == -1)
		return -1;
	maildir_op_add(box, OP_STATUS, tag)->status = *status;
	return 0;
}
