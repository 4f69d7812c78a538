/*
 * The order of a flush, and why a crash between any two steps does no harm:
 *
 *  1. Bodies, still under names that nobody looks at, are made durable.
 *  2. For each mailbox, under the lock of its index, bodies get their place,
 *     durably; then one transaction makes all messages and changes visible.
 *  3. When that is done for all mailboxes, expunges are: first the index
 *     forgets the message, then its bytes go.
 *
 * After a failed fsync nobody knows what is on disk: flush ends with -1.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/dbox/dbox.h"

void
dbox_op_done(const struct dbox_answer *answer, struct dbox_op *op,
    uint64_t modseq)
{
	op->answered = true;
	if (!op->silent)
		answer->done(op->tag, op->uid, modseq, NULL, answer->arg);
}

void
dbox_op_failed(const struct dbox_answer *answer, struct dbox_op *op,
    const struct err *failure)
{
	op->answered = true;
	if (!op->silent)
		answer->done(op->tag, 0, 0, failure, answer->arg);
}

void
dbox_fail_all(struct dbox_box *box, const struct dbox_answer *answer,
    const struct err *failure)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].answered)
			dbox_op_failed(answer, &box->ops.v[i], failure);
	}
}

static bool
has_kind(const struct dbox_box *box, bool expunges)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].answered &&
		    (box->ops.v[i].kind == OP_EXPUNGE) == expunges)
			return true;
	}
	return false;
}

static bool
any_kind(const struct dbox_store *store, bool expunges)
{
	for (const struct dbox_box *box = store->boxes; box != NULL;
	    box = box->next) {
		if (has_kind(box, expunges))
			return true;
	}
	return false;
}

/*
 * Lock the index and know it; 1: done; 0: it can't be, and all is answered;
 * -1: the process is gone.
 */
static int
begin_box(struct dbox_box *box, const struct dbox_answer *answer,
    struct err *err)
{
	struct index *index = box->folder->index;
	struct err why = ERR_INIT;

	if (index_lock(index, &why) == 0) {
		if (index_state(index)->exists &&
		    !index_state(index)->deleted)
			return 1;
		index_unlock(index);
		err_set(&why, ERR_STALE, "the mailbox was removed");
	}
	if (dbox_gone(box->store)) {
		*err = why;
		return -1;
	}
	if (why.code == ERR_NOTFOUND)
		err_set(&why, ERR_STALE, "the mailbox was removed");
	dbox_fail_all(box, answer, &why);
	return 0;
}

/* Find the messages of all operations and answer those that have none. */
static void
look_up(struct dbox_box *box, const struct dbox_answer *answer)
{
	struct dbox_folder *folder = box->folder;
	struct err failure = ERR_INIT;
	struct dbox_op *op;
	uint32_t uid;
	size_t pos;

	err_set(&failure, ERR_STALE, "not the message expected");
	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (op->answered || op->kind == OP_APPEND ||
		    op->kind == OP_STATUS)
			continue;
		uid = op->kind == OP_UID ? op->from_uid : op->uid;
		op->gone = !index_find(folder->index, uid, &pos) ||
		    index_is_pending(folder->index, uid, INDEX_EXPUNGE);
		/* An expunge of what is gone is done. */
		if (op->gone && op->kind == OP_EXPUNGE)
			continue;
		if (op->gone || !dbox_message_may_be(box->store, folder, pos,
		    op->guid))
			dbox_op_failed(answer, op, &failure);
	}
}

/* The expunges that there are, by rising UID, each message once. */
static size_t
plan_expunges(struct dbox_box *box, struct dbox_op **ops)
{
	size_t n = 0, k = 0;

	for (size_t i = 0; i < box->ops.n; i++) {
		if (box->ops.v[i].kind == OP_EXPUNGE &&
		    !box->ops.v[i].answered && !box->ops.v[i].gone)
			ops[n++] = &box->ops.v[i];
	}
	if (n > 1)
		qsort(ops, n, sizeof(*ops), dbox_op_uid_cmp);
	for (size_t i = 0; i < n; i++) {
		if (k == 0 || ops[k - 1]->uid != ops[i]->uid)
			ops[k++] = ops[i];
	}
	return k;
}

static int
commit_expunges(struct dbox_box *box, struct dbox_op **ops, size_t n,
    bool *unknown, struct err *err)
{
	struct index *index = box->folder->index;
	struct index_txn *txn = index_txn_begin(index);
	struct guid128 guid;
	size_t pos;

	for (size_t i = 0; i < n; i++) {
		if (!index_find(index, ops[i]->uid, &pos))
			continue;
		box->store->format->expunge_note(box, ops[i], pos);
		guid = dbox_guid128(ops[i]->guid);
		index_txn_expunge(txn, ops[i]->uid, &guid);
	}
	dbox_put_vanished(box, txn);
	for (size_t i = 0; i < box->ops.n; i++) {
		if (box->ops.v[i].kind == OP_STATUS &&
		    box->ops.v[i].status.highestmodseq >
		    index_state(index)->highestmodseq + (n > 0))
			index_txn_modseq(txn, 0,
			    box->ops.v[i].status.highestmodseq);
	}
	return index_txn_commit(&txn, unknown, err);
}

static int
expunge_all(struct dbox_box *box, const struct dbox_answer *answer,
    struct err *err)
{
	struct dbox_op **ops = mem_calloc(box->ops.n, sizeof(*ops));
	size_t n = plan_expunges(box, ops);
	struct err why = ERR_INIT;
	bool unknown = false;
	int ret = 0;

	if (commit_expunges(box, ops, n, &unknown, &why) == -1) {
		if (unknown || dbox_gone(box->store)) {
			*err = why;
			ret = -1;
		} else {
			dbox_fail_all(box, answer, &why);
		}
		n = 0;
	}
	for (size_t i = 0; i < n; i++)
		ops[i]->published = true;
	for (size_t i = 0; i < n && ret == 0; i++) {
		/* A file that stays is garbage, but nobody sees it. */
		if (box->store->format->forget(box, ops[i]->uid,
		    &why) == -1 && dbox_gone(box->store)) {
			*err = why;
			ret = -1;
		}
	}
	for (size_t i = 0; i < box->ops.n && ret == 0; i++) {
		if (box->ops.v[i].kind == OP_EXPUNGE &&
		    !box->ops.v[i].answered)
			dbox_op_done(answer, &box->ops.v[i], 0);
	}
	free(ops);
	return ret;
}

/* Do what work does of a mailbox's operations, under its lock. */
static int
flush_box(struct dbox_box *box, const struct dbox_answer *answer,
    int (*work)(struct dbox_box *, const struct dbox_answer *, struct err *),
    struct err *err)
{
	int ret = begin_box(box, answer, err);

	if (ret != 1)
		return ret;
	look_up(box, answer);
	ret = work(box, answer, err);
	index_unlock(box->folder->index);
	return ret;
}

static int
flush_changes(struct dbox_store *store, const struct dbox_answer *answer,
    struct err *err)
{
	struct err ignored = ERR_INIT;
	int ret = store->format->begin(store, answer, err);

	for (struct dbox_box *box = store->boxes; box != NULL && ret == 0;
	    box = box->next) {
		if (has_kind(box, false))
			ret = flush_box(box, answer, dbox_apply, err);
	}
	if (store->format->end(store, ret == -1, ret == 0 ? err :
	    &ignored) == -1)
		ret = -1;
	return ret;
}

static int
flush_expunges(struct dbox_store *store, const struct dbox_answer *answer,
    struct err *err)
{
	struct err ignored = ERR_INIT;
	int ret = store->format->expunge_begin(store, answer, err);

	for (struct dbox_box *box = store->boxes; box != NULL && ret == 0;
	    box = box->next) {
		if (has_kind(box, true))
			ret = flush_box(box, answer, expunge_all, err);
	}
	if (store->format->end(store, ret == -1, ret == 0 ? err :
	    &ignored) == -1)
		ret = -1;
	return ret;
}

/* A GUID may be another one now (LAYOUT=index). */
static int
follow_guids(struct dbox_store *store, struct err *err)
{
	for (struct dbox_box *box = store->boxes; box != NULL;
	    box = box->next) {
		if (box->ops.n > 0 && dbox_listed_follow(store, box->folder,
		    err) == -1)
			return -1;
	}
	return 0;
}

int
dbox_flush(struct store *head, store_done_fn *done, void *arg,
    struct err *err)
{
	struct dbox_store *store = (struct dbox_store *)head;
	const struct dbox_answer answer = { done, arg };

	if (dbox_writable(store, err) == -1 ||
	    store->format->bodies_sync(store, err) == -1)
		return -1;
	if (any_kind(store, false) && (flush_changes(store, &answer,
	    err) == -1 || follow_guids(store, err) == -1))
		return -1;
	if (any_kind(store, true) &&
	    flush_expunges(store, &answer, err) == -1)
		return -1;
	dbox_tell_changed(store);
	for (struct dbox_box *box = store->boxes; box != NULL;
	    box = box->next)
		dbox_ops_free(box);
	store->unsynced = 0;
	return 0;
}
