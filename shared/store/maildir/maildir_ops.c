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

	body_abort(&op->body);
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

struct mail_op *
maildir_prepare(struct mailbox *head, uint64_t tag, struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;

	if (maildir_writable(box->store, err) == -1)
		return NULL;
	return &maildir_op_add(box, tag)->common;
}
