/* Preparing: nothing here touches the mailbox. */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "store/maildir/maildir.h"

static struct maildir_op *
maildir_op_add(struct maildir_box *box, uint64_t tag)
{
	struct maildir_op *op = ARRAY_ADD(&box->ops);

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
	free(op->base);
	free(op->fields);
	mail_op_deinit(&op->common);
}

void
maildir_ops_free(struct maildir_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++)
		op_free(box, &box->ops.v[i]);
	ARRAY_FREE(&box->ops);
}

/* A new operation of a mailbox that may be written; NULL if it may not. */
static struct mail_op *
prepare(struct mailbox *head, uint64_t tag, struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;

	if (maildir_writable(box->store, err) == -1)
		return NULL;
	return &maildir_op_add(box, tag)->common;
}

int
maildir_set_flags(struct mailbox *head, const struct mail_info *was,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t modseq, uint64_t tag, struct err *err)
{
	struct mail_op *op = prepare(head, tag, err);

	if (op == NULL)
		return -1;
	mail_op_flags(op, was, flags, keywords, keyword_count, modseq);
	return 0;
}

int
maildir_set_uid(struct mailbox *head, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq, uint64_t tag, struct err *err)
{
	struct mail_op *op = prepare(head, tag, err);

	if (op == NULL)
		return -1;
	mail_op_uid(op, uid, guid, new_uid, modseq);
	return 0;
}

int
maildir_expunge(struct mailbox *head, uint32_t uid, const char *guid,
    uint64_t tag, struct err *err)
{
	struct mail_op *op = prepare(head, tag, err);

	if (op == NULL)
		return -1;
	mail_op_expunge(op, uid, guid);
	return 0;
}

int
maildir_set_status(struct mailbox *head, const struct mailbox_status *status,
    uint64_t tag, struct err *err)
{
	struct mail_op *op = prepare(head, tag, err);

	if (op == NULL)
		return -1;
	mail_op_status(op, status);
	return 0;
}
