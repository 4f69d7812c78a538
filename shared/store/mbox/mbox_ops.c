/* Preparing: nothing here touches the mailbox. */
#include "config.h"

#include <stdlib.h>

#include "store/mbox/mbox.h"

struct mbox_op *
mbox_op_add(struct mbox_box *box, uint64_t tag)
{
	struct mbox_op *op = ARRAY_ADD(&box->ops);

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
		free(op->sender);
		mail_op_deinit(&op->common);
	}
	ARRAY_FREE(&box->ops);
}

/* A new operation of a mailbox that may be written; NULL if it may not. */
static struct mail_op *
prepare(struct mailbox *head, uint64_t tag, struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;

	if (mbox_writable(box->store, err) == -1)
		return NULL;
	return &mbox_op_add(box, tag)->common;
}

int
mbox_set_flags(struct mailbox *head, const struct mail_info *was,
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
mbox_set_uid(struct mailbox *head, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq, uint64_t tag, struct err *err)
{
	struct mail_op *op = prepare(head, tag, err);

	if (op == NULL)
		return -1;
	mail_op_uid(op, uid, guid, new_uid, modseq);
	return 0;
}

int
mbox_expunge(struct mailbox *head, uint32_t uid, const char *guid,
    uint64_t tag, struct err *err)
{
	struct mail_op *op = prepare(head, tag, err);

	if (op == NULL)
		return -1;
	mail_op_expunge(op, uid, guid);
	return 0;
}

int
mbox_set_status(struct mailbox *head, const struct mailbox_status *status,
    uint64_t tag, struct err *err)
{
	struct mail_op *op = prepare(head, tag, err);

	if (op == NULL)
		return -1;
	mail_op_status(op, status);
	return 0;
}
