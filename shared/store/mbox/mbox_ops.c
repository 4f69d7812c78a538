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

struct mail_op *
mbox_prepare(struct mailbox *head, uint64_t tag, struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;

	if (mbox_writable(box->store, err) == -1)
		return NULL;
	return &mbox_op_add(box, tag)->common;
}
