/*
 * Another UIDVALIDITY: UIDs begin anew, for all messages at once.  A log can't
 * say that, and files are named by UIDs.  So the mailbox gets a new directory,
 * made aside with links to its messages and an index of its own, and the two
 * change places in one step.  Who has the old index open finds it deleted.
 *
 * An index that lies elsewhere can't change places together with the mail.
 * There it is replaced alone, and files named by UIDs get only names that none
 * has, so that both names are there when it happens.  If UIDs are wanted that
 * others have, all messages get out of the way first, behind those to come,
 * under a UIDVALIDITY that nobody else has; who sees that after a crash takes
 * it for one more change.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/dbox/dbox.h"
#include "store/files/uidvalidity.h"

/* What is needed until the new directory has its place. */
struct renumber {
	struct dbox_box *box;
	struct dbox_op **ops;
	size_t n;
	char aside[PATH_NAME_MAX + 1];
	int fd;				/* of the new directory */
	bool exchanged;
};

/* Messages that no operation names get the next UIDs, in their order. */
static void
add_rest(struct dbox_box *box)
{
	struct index *index = box->folder->index;
	size_t count = index_state(index)->count, named = 0;
	uint32_t *from = mem_calloc(box->ops.n + 1, sizeof(*from)), uid;
	struct dbox_op *op;

	for (size_t i = 0; i < box->ops.n; i++) {
		if (box->ops.v[i].kind == OP_UID &&
		    !box->ops.v[i].answered)
			from[named++] = box->ops.v[i].from_uid;
	}
	qsort(from, named, sizeof(*from), array_u32_cmp);
	for (size_t pos = 0; pos < count; pos++) {
		uid = index_mail(index, pos).uid;
		if (index_is_pending(index, uid, INDEX_EXPUNGE)) {
			op = dbox_op_add(box, 0);
			op->kind = OP_EXPUNGE;
			op->silent = op->answered = true;
			box->store->format->expunge_note(box, op, pos);
			continue;
		}
		if (bsearch(&uid, from, named, sizeof(*from),
		    array_u32_cmp) != NULL)
			continue;
		op = dbox_op_add(box, 0);
		op->silent = true;
		mail_op_uid(&op->common, uid, dbox_ident_get(box->store,
		    box->folder, pos)->guid, 0, 0);
	}
	free(from);
}

static uint32_t
new_uidvalidity(const struct dbox_box *box)
{
	uint32_t value = 0;

	for (size_t i = 0; i < box->ops.n; i++) {
		if (box->ops.v[i].kind == OP_STATUS &&
		    !box->ops.v[i].answered &&
		    box->ops.v[i].status.uidvalidity != 0)
			value = box->ops.v[i].status.uidvalidity;
	}
	return value;
}

static bool
uids_left(const struct renumber *re, struct err *err)
{
	for (size_t i = 0; i < re->n; i++) {
		if (re->ops[i]->uid == 0) {
			err_set(err, ERR_REFUSED, "no UIDs are left");
			return false;
		}
	}
	return true;
}

/* The index of the new directory. */
static int
make_index(struct renumber *re, const struct dbox_answer *answer,
    struct err *err)
{
	struct dbox_box *box = re->box;
	struct dbox_store *store = box->store;
	const struct index_state *old = index_state(box->folder->index);
	struct index *index = index_open(dbox_index_root(store), re->fd,
	    DBOX_INDEX, &store->index_opts);
	struct index_txn *txn;
	int ret = -1;

	if (index_refresh(index, err) == 0) {
		txn = index_txn_begin(index);
		index_txn_create_as(txn, old->indexid + 1,
		    old->highestmodseq);
		dbox_apply_flags(box, txn, answer);
		re->n = dbox_plan_uids(box, re->ops);
		dbox_assign_uids(re->ops, re->n, 1);
		index_txn_uidvalidity(txn, new_uidvalidity(box));
		ret = uids_left(re, err) ? 0 : -1;
		dbox_put_appends(box, re->ops, re->n, txn);
		dbox_put_status(box, txn, true);
		dbox_put_modseqs(box, txn);
		index_txn_tail(txn);
		if (ret == 0)
			ret = index_txn_commit(&txn, NULL, err);
		index_txn_abort(&txn);
	}
	index_close(&index);
	return ret;
}

static int
fill(struct renumber *re, const struct dbox_answer *answer, struct err *err)
{
	struct dbox_box *box = re->box;

	if (make_index(re, answer, err) == -1)
		return -1;
	for (size_t i = 0; i < re->n; i++) {
		if (box->store->format->carry(box, re->ops[i], re->fd,
		    err) == -1)
			return -1;
	}
	return path_fsync(&box->store->root, re->fd, err);
}

/* The new directory takes the place of the old one. */
static int
exchange(struct renumber *re, struct err *err)
{
	struct dbox_store *store = re->box->store;
	struct path_root *root = &store->root;
	char path[DBOX_PATH_MAX];
	const char *name;
	int fd, ret;

	if (dbox_mail_path(store, re->box->folder->path, path, err) == -1)
		return -1;
	fd = dbox_dir_parent(store, root, path, false, &name, err);
	if (fd == -1)
		return -1;
	ret = path_exchange(root, fd, name, root->fd, re->aside, err);
	re->exchanged = ret == 0;
	if (ret == 0)
		ret = path_fsync(root, fd, err);
	close(fd);
	return ret;
}

/* Everybody who has the old index open is told. */
static void
retire_old(struct renumber *re)
{
	struct dbox_box *box = re->box;
	struct index_txn *txn = index_txn_begin(box->folder->index);
	struct err ignored = ERR_INIT;

	index_txn_deleted(txn, true);
	(void)index_txn_commit(&txn, NULL, &ignored);
	(void)path_remove_tree(&box->store->root, box->store->root.fd,
	    re->aside, 1, &ignored);
}

/* Operations that named a message by its old UID. */
static void
retarget(struct renumber *re)
{
	struct dbox_box *box = re->box;

	for (size_t i = 0; i < box->ops.n; i++) {
		struct dbox_op *op = &box->ops.v[i];

		if (op->kind != OP_FLAGS && op->kind != OP_EXPUNGE)
			continue;
		for (size_t k = 0; k < re->n; k++) {
			if (re->ops[k]->kind == OP_UID &&
			    re->ops[k]->from_uid == op->uid) {
				op->uid = re->ops[k]->uid;
				break;
			}
		}
	}
}

static void
answer_ops(struct dbox_box *box, const struct dbox_answer *answer)
{
	struct index *index = box->folder->index;
	uint64_t modseq;
	size_t pos;

	for (size_t i = 0; i < box->ops.n; i++) {
		struct dbox_op *op = &box->ops.v[i];

		if (op->answered || op->kind == OP_EXPUNGE)
			continue;
		modseq = index_state(index)->has_modseqs &&
		    index_find(index, op->uid, &pos) ?
		    index_modseq(index, pos) : 0;
		dbox_op_done(answer, op, modseq);
	}
}

static int
answer_all(struct renumber *re, const struct dbox_answer *answer,
    struct err *err)
{
	struct dbox_box *box = re->box;

	if (dbox_folder_reopen(box->store, box->folder, err) == -1 ||
	    index_refresh(box->folder->index, err) == -1)
		return -1;
	for (size_t i = 0; i < re->n; i++) {
		re->ops[i]->published = true;
		/* Its name went with the old directory. */
		free(re->ops[i]->tmp_name);
		re->ops[i]->tmp_name = NULL;
	}
	for (size_t i = 0; i < box->ops.n; i++) {
		if (box->ops.v[i].kind == OP_EXPUNGE &&
		    box->ops.v[i].silent)
			box->ops.v[i].published = true;
	}
	retarget(re);
	answer_ops(box, answer);
	return 0;
}

static int
make_directory(struct renumber *re, struct err *err)
{
	struct dbox_store *store = re->box->store;
	struct path_root *root = &store->root;

	dbox_aside_name(store, re->aside);
	if (path_mkdir(root, root->fd, re->aside, store->dir_mode, err) == -1)
		return -1;
	re->fd = path_open_dir(root, root->fd, re->aside, err);
	return re->fd == -1 ? -1 : 0;
}

/* 1: done; 0: not, *why tells; -1: nothing is known any more. */
static int
renumber(struct renumber *re, const struct dbox_answer *answer,
    struct err *why)
{
	struct dbox_store *store = re->box->store;
	struct err ignored = ERR_INIT;
	int ret = make_directory(re, why);

	if (ret == 0)
		ret = fill(re, answer, why);
	if (ret == 0)
		ret = exchange(re, why);
	if (ret == 0)
		return 1;
	/* Which of the two has its place durably? */
	if (re->exchanged || dbox_gone(store))
		return -1;
	(void)path_remove_tree(&store->root, store->root.fd, re->aside, 1,
	    &ignored);
	return 0;
}

/* Old names go, and all is answered. */
static int
finish_apart(struct renumber *re, const struct dbox_answer *answer,
    struct err *err)
{
	struct dbox_box *box = re->box;
	struct err why = ERR_INIT;

	for (size_t i = 0; i < re->n; i++) {
		re->ops[i]->published = true;
		if (re->ops[i]->kind == OP_UID &&
		    box->store->format->forget(box, re->ops[i]->from_uid,
		    &why) == -1 && dbox_gone(box->store)) {
			*err = why;
			return -1;
		}
	}
	answer_ops(box, answer);
	return 0;
}

/* The index alone is replaced, in one step. */
static int
renumber_apart(struct renumber *re, const struct dbox_answer *answer,
    uint32_t next, struct err *err)
{
	struct dbox_box *box = re->box;
	struct index_txn *txn = index_txn_begin(box->folder->index);
	struct err why = ERR_INIT;
	bool unknown = false;
	size_t n;

	index_txn_replace(txn);
	dbox_apply_flags(box, txn, answer);
	n = re->n = dbox_plan_uids(box, re->ops);
	dbox_assign_uids(re->ops, re->n, next);
	if (dbox_publish_all(box, re->ops, &re->n, answer, err) == -1 ||
	    box->store->format->published(box, err) == -1) {
		index_txn_abort(&txn);
		return -1;
	}
	/* All messages, or none: who is left out would look expunged. */
	if (re->n < n) {
		index_txn_abort(&txn);
		err_set(&why, ERR_TEMP, "the mailbox can't be renumbered");
		return dbox_take_back(box, re->ops, re->n, answer, &why,
		    false, err);
	}
	index_txn_uidvalidity(txn, new_uidvalidity(box));
	dbox_put_appends(box, re->ops, re->n, txn);
	dbox_put_status(box, txn, true);
	dbox_put_modseqs(box, txn);
	index_txn_tail(txn);
	if (index_txn_commit(&txn, &unknown, &why) == -1)
		return dbox_take_back(box, re->ops, re->n, answer, &why,
		    unknown, err);
	for (size_t i = 0; i < box->ops.n; i++) {
		if (box->ops.v[i].kind == OP_EXPUNGE &&
		    box->ops.v[i].silent)
			box->ops.v[i].published = true;
	}
	dbox_idents_clear(box->folder);
	retarget(re);
	return finish_apart(re, answer, err);
}

/* Behind all UIDs of now and to come; 0: there are not so many. */
static uint32_t
spare_uid(const struct dbox_box *box)
{
	const struct index_state *state = index_state(box->folder->index);
	uint64_t first = state->next_uid, behind = 0;

	for (size_t i = 0; i < box->ops.n; i++) {
		const struct dbox_op *op = &box->ops.v[i];

		if (!op->answered && op->kind != OP_EXPUNGE &&
		    op->kind != OP_FLAGS && op->uid > behind)
			behind = op->uid;
	}
	behind += box->ops.n + state->count + 1;
	if (behind > first)
		first = behind;
	return first + state->count <= UID_LAST ? (uint32_t)first : 0;
}

/* Is a UID wanted that a file may be named by? */
static bool
in_the_way(const struct dbox_box *box)
{
	uint32_t next = index_state(box->folder->index)->next_uid;

	for (size_t i = 0; i < box->ops.n; i++) {
		const struct dbox_op *op = &box->ops.v[i];

		if (!op->answered && op->uid != 0 && op->uid < next &&
		    (op->kind == OP_APPEND || op->kind == OP_UID))
			return true;
	}
	return false;
}

/* Operations of before, which name messages by UIDs of before. */
static void
follow_way(struct dbox_box *box, const struct dbox_box *moved,
    const struct dbox_answer *answer)
{
	struct err gone = ERR_INIT;
	size_t pos;

	err_set(&gone, ERR_STALE, "the message was changed meanwhile");
	for (size_t i = 0; i < box->ops.n; i++) {
		struct dbox_op *op = &box->ops.v[i];
		uint32_t *uid = op->kind == OP_UID ? &op->from_uid : &op->uid;

		if (op->answered || op->kind == OP_APPEND ||
		    op->kind == OP_STATUS)
			continue;
		for (size_t k = 0; k < moved->ops.n; k++) {
			if (moved->ops.v[k].kind == OP_UID &&
			    moved->ops.v[k].from_uid == *uid) {
				*uid = moved->ops.v[k].uid;
				break;
			}
		}
		if (!index_find(box->folder->index, *uid, &pos) &&
		    op->kind != OP_EXPUNGE)
			dbox_op_failed(answer, op, &gone);
	}
}

/* 1: all messages are out of the way; 0: not, *why tells; -1: unknown. */
static int
make_way(struct dbox_box *box, const struct dbox_answer *answer,
    struct err *why)
{
	struct dbox_box own = *box, moved;
	struct renumber re = { .box = box, .fd = -1 };
	uint32_t first = spare_uid(box), uidvalidity;
	struct dbox_op *op;
	int ret;

	if (first == 0) {
		err_set(why, ERR_REFUSED, "no UIDs are left");
		return 0;
	}
	if (uidvalidity_next(dbox_control_root(box->store), &uidvalidity,
	    why) == -1)
		return dbox_gone(box->store) ? -1 : 0;
	memset(&box->ops, 0, sizeof(box->ops));
	op = dbox_op_add(box, 0);
	op->kind = OP_STATUS;
	op->silent = true;
	op->status.uidvalidity = uidvalidity;
	add_rest(box);
	re.ops = mem_calloc(box->ops.n, sizeof(*re.ops));
	re.n = dbox_plan_uids(box, re.ops);
	for (size_t i = 0; i < re.n; i++)
		dbox_take_over(box, re.ops[i]);
	ret = renumber_apart(&re, answer, first, why);
	free(re.ops);
	moved = *box;
	memcpy(&box->ops, &own.ops, sizeof(box->ops));
	if (ret == 0 && index_state(box->folder->index)->uidvalidity ==
	    uidvalidity) {
		follow_way(box, &moved, answer);
		ret = 1;
	} else if (ret == 0) {
		err_set(why, ERR_TEMP, "the mailbox can't be renumbered");
	}
	dbox_ops_free(&moved);
	return ret;
}

/* The index lies elsewhere. */
static int
renumber_in_place(struct dbox_box *box, const struct dbox_answer *answer,
    struct err *err)
{
	struct renumber re = { .box = box, .fd = -1 };
	uint32_t next = 1;
	struct err why = ERR_INIT;
	int ret = 1;

	if (box->store->format->named_by_uid) {
		if (in_the_way(box))
			ret = make_way(box, answer, &why);
		else
			next = index_state(box->folder->index)->next_uid;
	}
	if (ret == -1)
		*err = why;
	if (ret == 0)
		dbox_fail_all(box, answer, &why);
	if (ret != 1)
		return ret;
	add_rest(box);
	re.ops = mem_calloc(box->ops.n + 1, sizeof(*re.ops));
	re.n = dbox_plan_uids(box, re.ops);
	for (size_t i = 0; i < re.n; i++) {
		if (re.ops[i]->kind == OP_UID)
			dbox_take_over(box, re.ops[i]);
	}
	ret = renumber_apart(&re, answer, next, err);
	free(re.ops);
	return ret;
}

int
dbox_renumber(struct dbox_box *box, const struct dbox_answer *answer,
    struct err *err)
{
	struct renumber re = { .box = box, .fd = -1 };
	struct err why = ERR_INIT;
	int ret;

	uidvalidity_taken(dbox_control_root(box->store),
	    new_uidvalidity(box));
	if (box->store->index.fd != -1)
		return renumber_in_place(box, answer, err);
	add_rest(box);
	re.ops = mem_calloc(box->ops.n + 1, sizeof(*re.ops));
	re.n = dbox_plan_uids(box, re.ops);
	for (size_t i = 0; i < re.n; i++) {
		if (re.ops[i]->kind == OP_UID)
			dbox_take_over(box, re.ops[i]);
	}
	ret = renumber(&re, answer, &why);
	if (ret == 1) {
		retire_old(&re);
		ret = answer_all(&re, answer, err);
	} else if (ret == 0) {
		dbox_fail_all(box, answer, &why);
	} else {
		*err = why;
	}
	if (re.fd != -1)
		close(re.fd);
	free(re.ops);
	return ret;
}
