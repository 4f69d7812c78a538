/*
 * UIDs that went in the other store (F6).  A mail client that knew that store
 * may have seen them with a HIGHESTMODSEQ above all that this index had, so
 * the log says once more that they went, under the new one.
 */
#include "config.h"

#include <stdlib.h>

#include "store/dbox/dbox.h"

ARRAY_TYPE(uids, uint32_t);

/*
 * What this very flush takes from a message, and what it gives to one.  Those
 * that are answered failed, or were done in an earlier step.
 */
static void
find_moving(const struct dbox_box *box, struct uids *leaving,
    struct uids *coming)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		const struct dbox_op *op = &box->ops.v[i];

		if (op->answered)
			continue;
		switch (op->kind) {
		case OP_UID:
			*ARRAY_ADD(leaving) = op->from_uid;
			*ARRAY_ADD(coming) = op->uid;
			break;
		case OP_APPEND:
			*ARRAY_ADD(coming) = op->uid;
			break;
		case OP_EXPUNGE:
			*ARRAY_ADD(leaving) = op->uid;
			break;
		case OP_FLAGS:
		case OP_STATUS:
			break;
		}
	}
	if (leaving->n > 1)
		qsort(leaving->v, leaving->n, sizeof(uint32_t), array_u32_cmp);
	if (coming->n > 1)
		qsort(coming->v, coming->n, sizeof(uint32_t), array_u32_cmp);
}

static bool
is_among(const struct uids *uids, uint32_t uid)
{
	return uids->n > 0 && bsearch(&uid, uids->v, uids->n, sizeof(uid),
	    array_u32_cmp) != NULL;
}

/* UIDNEXT as it is after this flush. */
static uint32_t
next_uid(const struct dbox_box *box, const struct uids *coming)
{
	uint32_t next = index_state(box->folder->index)->next_uid;

	if (coming->n > 0 && coming->v[coming->n - 1] >= next)
		next = coming->v[coming->n - 1] + 1;
	for (size_t i = 0; i < box->ops.n; i++) {
		if (box->ops.v[i].kind == OP_STATUS &&
		    box->ops.v[i].status.uidnext > next)
			next = box->ops.v[i].status.uidnext;
	}
	return next;
}

void
dbox_put_vanished(struct dbox_box *box, struct index_txn *txn)
{
	struct index *index = box->folder->index;
	struct uids leaving = { 0 }, coming = { 0 };
	bool raised = false;
	uint32_t next, uid;
	size_t pos;

	find_moving(box, &leaving, &coming);
	next = next_uid(box, &coming);
	for (size_t i = 0; i < box->ops.n; i++) {
		const struct mailbox_status *status = &box->ops.v[i].status;

		if (box->ops.v[i].kind != OP_STATUS)
			continue;
		for (size_t k = 0; k < status->vanished_count; k++) {
			uid = status->vanished[k];
			if (uid >= next || is_among(&coming, uid) ||
			    (index_find(index, uid, &pos) &&
			    !is_among(&leaving, uid)))
				continue;
			if (!raised && status->highestmodseq > 1)
				index_txn_modseq(txn, 0,
				    status->highestmodseq - 1);
			raised = true;
			index_txn_expunge(txn, uid, NULL);
		}
	}
	ARRAY_FREE(&leaving);
	ARRAY_FREE(&coming);
}
