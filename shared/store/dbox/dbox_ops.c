/* Preparing: nothing here touches the mailbox. */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "store/dbox/dbox.h"

struct dbox_op *
dbox_op_add(struct dbox_box *box, uint64_t tag)
{
	size_t order = box->ops.n;
	struct dbox_op *op = ARRAY_ADD(&box->ops);

	op->tag = tag;
	op->order = order;
	op->fd = -1;
	return op;
}

int
dbox_op_uid_cmp(const void *a, const void *b)
{
	const struct dbox_op *x = *(struct dbox_op *const *)a;
	const struct dbox_op *y = *(struct dbox_op *const *)b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void
dbox_op_from_info(struct dbox_op *op, const struct mail_info *info)
{
	mail_op_append(&op->common, info);
	op->fd = -1;
	op->total = info->size;
}

void
dbox_op_clear(struct dbox_op *op)
{
	if (op->fd != -1)
		close(op->fd);
	free(op->tmp_name);
	mail_op_deinit(&op->common);
	*op = (struct dbox_op){ .fd = -1 };
}

void
dbox_ops_free(struct dbox_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		struct dbox_op *op = &box->ops.v[i];

		if (op->kind == OP_APPEND && !op->published)
			box->store->format->body_drop(box, op);
		dbox_op_clear(op);
	}
	ARRAY_FREE(&box->ops);
}

struct mail_op *
dbox_prepare(struct mailbox *head, uint64_t tag, struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;

	if (dbox_writable(box->store, err) == -1)
		return NULL;
	return &dbox_op_add(box, tag)->common;
}
