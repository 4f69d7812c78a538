/* Step 2 of a flush, for one mailbox. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/dbox/dbox.h"

static int
wanted_cmp(const void *a, const void *b)
{
	const struct dbox_op *x = *(struct dbox_op *const *)a;
	const struct dbox_op *y = *(struct dbox_op *const *)b;

	/* Unsigned wrap puts "any UID" behind all wanted ones. */
	if (x->uid - 1 != y->uid - 1)
		return x->uid - 1 < y->uid - 1 ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void
dbox_assign_uids(struct dbox_op **ops, size_t n, uint32_t next)
{
	qsort(ops, n, sizeof(*ops), wanted_cmp);
	for (size_t i = 0; i < n; i++) {
		if (ops[i]->uid >= next && ops[i]->uid <= UID_LAST)
			next = ops[i]->uid + 1;
		else
			ops[i]->uid = 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (ops[i]->uid == 0 && next <= UID_LAST)
			ops[i]->uid = next++;
	}
	qsort(ops, n, sizeof(*ops), wanted_cmp);
}

/* What a message that gets another UID has now. */
void
dbox_take_over(struct dbox_box *box, struct dbox_op *op)
{
	struct index *index = box->folder->index;
	struct dbox_names keywords = { .v = NULL };
	struct index_mail mail;
	uint64_t modseq;
	size_t pos;

	if (!index_find(index, op->from_uid, &pos))
		return;
	mail = index_mail(index, pos);
	dbox_keywords(index, pos, &keywords);
	op->flags = mail.flags & FLAGS_ALL;
	op->index_flags = (uint8_t)(mail.flags & INDEX_FLAG_BACKEND);
	free(op->keywords);
	op->keywords = mail_op_keywords(keywords.v, keywords.n);
	op->keyword_count = keywords.n;
	ARRAY_FREE(&keywords);
	/* A modseq is never lowered. */
	modseq = index_state(index)->has_modseqs ?
	    index_modseq(index, pos) : 0;
	if (op->modseq != 0 && modseq > op->modseq)
		op->modseq = modseq;
}

/* Operations that need a UID. */
size_t
dbox_plan_uids(struct dbox_box *box, struct dbox_op **ops)
{
	size_t n = 0;

	for (size_t i = 0; i < box->ops.n; i++) {
		struct dbox_op *op = &box->ops.v[i];

		if (!op->answered && (op->kind == OP_APPEND ||
		    op->kind == OP_UID))
			ops[n++] = op;
	}
	return n;
}

int
dbox_publish_all(struct dbox_box *box, struct dbox_op **ops, size_t *n_r,
    const struct dbox_answer *answer, struct err *err)
{
	uint32_t last = 0;
	size_t k = 0;

	for (size_t i = 0; i < *n_r; i++) {
		struct dbox_op *op = ops[i];
		struct err why = ERR_INIT;

		/* A UID that a stray file has was left out. */
		if (op->uid != 0 && op->uid <= last)
			op->uid = last < UID_LAST ? last + 1 : 0;
		if (op->uid == 0)
			err_set(&why, ERR_REFUSED, "no UIDs are left");
		else if (box->store->format->publish(box, op, &why) == 0) {
			last = op->uid;
			ops[k++] = op;
			continue;
		}
		if (dbox_gone(box->store)) {
			*err = why;
			return -1;
		}
		dbox_op_failed(answer, op, &why);
	}
	*n_r = k;
	return 0;
}

void
dbox_put_appends(struct dbox_box *box, struct dbox_op **ops, size_t n,
    struct index_txn *txn)
{
	for (size_t i = 0; i < n; i++)
		index_txn_append(txn, ops[i]->uid,
		    (uint8_t)((ops[i]->flags & FLAGS_ALL) |
		    ops[i]->index_flags));
	box->store->format->record(box, ops, n, txn);
	dbox_apply_keywords(box, txn);
}

static int
from_cmp(const void *a, const void *b)
{
	const struct dbox_op *x = *(struct dbox_op *const *)a;
	const struct dbox_op *y = *(struct dbox_op *const *)b;

	return x->from_uid < y->from_uid ? -1 : x->from_uid > y->from_uid;
}

/* Old UIDs go in the transaction that brings the new ones. */
static void
put_expunges(struct dbox_op *const *ops, size_t n, struct index_txn *txn)
{
	struct dbox_op **moved = mem_calloc(n, sizeof(*moved));
	struct guid128 guid;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (ops[i]->kind == OP_UID)
			moved[k++] = ops[i];
	}
	qsort(moved, k, sizeof(*moved), from_cmp);
	for (size_t i = 0; i < k; i++) {
		guid = dbox_guid128(moved[i]->guid);
		index_txn_expunge(txn, moved[i]->from_uid, &guid);
	}
	free(moved);
}

/* POP3 data in mail files count only where the header says so. */
static uint8_t
pop3_flags(const struct dbox_box *box, uint32_t *highest_r)
{
	uint8_t flags = 0;

	*highest_r = 0;
	for (size_t i = 0; i < box->ops.n; i++) {
		const struct dbox_op *op = &box->ops.v[i];

		if (op->kind != OP_APPEND || op->answered)
			continue;
		if (op->pop3_order != 0)
			flags |= DBOX_HAS_ORDERS;
		if (op->pop3_uidl == NULL)
			continue;
		flags |= DBOX_HAS_UIDLS;
		if (op->uid > *highest_r)
			*highest_r = op->uid;
	}
	return flags;
}

static void
put_pop3(struct dbox_box *box, struct index_txn *txn, uint32_t highest)
{
	static const struct index_ext_want want = { .name = "hdr-pop3-uidl",
	    .header_size = 4 };
	struct index *index = box->folder->index;
	struct index_ext ext;
	uint8_t bytes[4];
	uint32_t was = 0;
	size_t n;

	if (index_ext_find(index, want.name, &n)) {
		ext = index_ext(index, n);
		if (ext.header_size >= sizeof(was))
			memcpy(&was, ext.header, sizeof(was));
	}
	if (highest <= was)
		return;
	memcpy(bytes, &highest, sizeof(bytes));
	index_txn_ext_header(txn, &want, 0, bytes, sizeof(bytes));
}

static bool
has_appends(const struct dbox_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		if (box->ops.v[i].kind == OP_APPEND &&
		    !box->ops.v[i].answered)
			return true;
	}
	return false;
}

void
dbox_put_status(struct dbox_box *box, struct index_txn *txn,
    bool new_index)
{
	const struct dbox_format *format = box->store->format;
	uint8_t header[DBOX_HEADER_SIZE], old[DBOX_HEADER_SIZE];
	uint32_t highest;

	(void)dbox_folder_header(box->store, box->folder, header);
	memcpy(old, header, sizeof(old));
	if (new_index || has_appends(box))
		format->refresh_header(box->store, header);
	header[format->header_flags] |= pop3_flags(box, &highest);
	for (size_t i = 0; i < box->ops.n; i++) {
		const struct dbox_op *op = &box->ops.v[i];

		if (op->kind != OP_STATUS || op->answered)
			continue;
		if (!guid_is_zero(&op->status.guid))
			memcpy(header + format->header_guid,
			    op->status.guid.b, GUID_SIZE);
		if (op->status.uidnext > 1)
			index_txn_next_uid(txn, op->status.uidnext);
	}
	if (new_index || memcmp(header, old, sizeof(header)) != 0)
		index_txn_ext_header(txn, &format->header, 0, header,
		    sizeof(header));
	if (highest != 0)
		put_pop3(box, txn, highest);
}

bool
dbox_has_expunges(const struct dbox_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		if (box->ops.v[i].kind == OP_EXPUNGE &&
		    !box->ops.v[i].answered)
			return true;
	}
	return false;
}

void
dbox_put_modseqs(struct dbox_box *box, struct index_txn *txn)
{
	struct dbox_op **ops = mem_calloc(box->ops.n, sizeof(*ops));
	bool later = dbox_has_expunges(box);
	uint64_t highest = 0;
	size_t n = 0;

	for (size_t i = 0; i < box->ops.n; i++) {
		struct dbox_op *op = &box->ops.v[i];

		if (op->answered || op->kind == OP_EXPUNGE)
			continue;
		if (op->kind == OP_STATUS) {
			if (op->status.highestmodseq > highest)
				highest = op->status.highestmodseq;
		} else if (op->modseq != 0) {
			ops[n++] = op;
		}
	}
	if (n > 1)
		qsort(ops, n, sizeof(*ops), dbox_op_uid_cmp);
	for (size_t i = 0; i < n; i++)
		index_txn_modseq(txn, ops[i]->uid, ops[i]->modseq);
	if (n == 0 && !index_state(box->folder->index)->has_modseqs)
		index_txn_modseq(txn, 0, 1);
	/* Expunges count, so what was wanted comes after them. */
	if (highest > index_state(box->folder->index)->highestmodseq &&
	    !later)
		index_txn_modseq(txn, 0, highest);
	free(ops);
}

/* All is visible: answer, and let go what the new UIDs replace. */
int
dbox_finish(struct dbox_box *box, struct dbox_op **ops, size_t n,
    const struct dbox_answer *answer, struct err *err)
{
	struct index *index = box->folder->index;
	struct err why = ERR_INIT;
	bool others = false;
	uint64_t modseq;
	size_t pos;

	for (size_t i = 0; i < box->ops.n && !others; i++)
		others = box->ops.v[i].kind == OP_FLAGS ||
		    box->ops.v[i].kind == OP_EXPUNGE;
	for (size_t i = 0; i < n; i++) {
		ops[i]->published = true;
		if (ops[i]->kind != OP_UID)
			continue;
		if (box->store->format->forget(box, ops[i]->from_uid,
		    &why) == -1 && dbox_gone(box->store)) {
			*err = why;
			return -1;
		}
		for (size_t k = 0; others && k < box->ops.n; k++) {
			if (box->ops.v[k].kind != OP_APPEND &&
			    box->ops.v[k].kind != OP_UID &&
			    box->ops.v[k].uid == ops[i]->from_uid)
				box->ops.v[k].uid = ops[i]->uid;
		}
	}
	for (size_t i = 0; i < box->ops.n; i++) {
		struct dbox_op *op = &box->ops.v[i];

		if (op->answered || op->kind == OP_EXPUNGE)
			continue;
		modseq = index_state(index)->has_modseqs &&
		    index_find(index, op->uid, &pos) ?
		    index_modseq(index, pos) : 0;
		dbox_op_done(answer, op, modseq);
	}
	return 0;
}

int
dbox_take_back(struct dbox_box *box, struct dbox_op **ops, size_t n,
    const struct dbox_answer *answer, const struct err *why, bool unknown,
    struct err *err)
{
	if (!unknown && !dbox_gone(box->store)) {
		for (size_t i = 0; i < n; i++)
			box->store->format->withdraw(box, ops[i]);
		for (size_t i = 0; i < box->ops.n; i++) {
			if (!box->ops.v[i].answered &&
			    box->ops.v[i].kind != OP_EXPUNGE)
				dbox_op_failed(answer, &box->ops.v[i], why);
		}
	}
	if (unknown || dbox_gone(box->store)) {
		*err = *why;
		return -1;
	}
	return 0;
}

static int
apply_ops(struct dbox_box *box, struct dbox_op **ops,
    const struct dbox_answer *answer, struct err *err)
{
	struct index *index = box->folder->index;
	struct index_txn *txn = index_txn_begin(index);
	struct err why = ERR_INIT;
	size_t n = dbox_plan_uids(box, ops);
	bool unknown = false;

	for (size_t i = 0; i < n; i++) {
		if (ops[i]->kind == OP_UID)
			dbox_take_over(box, ops[i]);
	}
	dbox_apply_flags(box, txn, answer);
	dbox_assign_uids(ops, n, index_state(index)->next_uid);
	if (dbox_publish_all(box, ops, &n, answer, err) == -1 ||
	    (n > 0 && box->store->format->published(box, err) == -1)) {
		index_txn_abort(&txn);
		return -1;
	}
	dbox_put_appends(box, ops, n, txn);
	put_expunges(ops, n, txn);
	dbox_put_status(box, txn, false);
	/* Behind the expunges, if there are any. */
	if (!dbox_has_expunges(box))
		dbox_put_vanished(box, txn);
	dbox_put_modseqs(box, txn);
	if (index_txn_commit(&txn, &unknown, &why) == -1)
		return dbox_take_back(box, ops, n, answer, &why, unknown, err);
	return dbox_finish(box, ops, n, answer, err);
}

/* Will this flush change UIDVALIDITY, so that UIDs begin anew? */
static bool
renumbers(const struct dbox_box *box)
{
	uint32_t now = index_state(box->folder->index)->uidvalidity;

	for (size_t i = 0; i < box->ops.n; i++) {
		const struct dbox_op *op = &box->ops.v[i];

		if (!op->answered && op->kind == OP_STATUS &&
		    op->status.uidvalidity != 0 &&
		    op->status.uidvalidity != now)
			return true;
	}
	return false;
}

int
dbox_apply(struct dbox_box *box, const struct dbox_answer *answer,
    struct err *err)
{
	struct dbox_op **ops;
	int ret;

	if (renumbers(box))
		return dbox_renumber(box, answer, err);
	ops = mem_calloc(box->ops.n, sizeof(*ops));
	ret = apply_ops(box, ops, answer, err);
	free(ops);
	return ret;
}
