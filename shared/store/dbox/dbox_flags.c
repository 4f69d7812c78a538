/*
 * Flags and keywords.  Operations are sorted by UID, so that changes of the
 * same kind share records of the log; several of one message are one change.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/dbox/dbox.h"

/* One keyword of one message. */
struct change {
	const char *name;
	uint32_t uid;
	bool set;
};

ARRAY_TYPE(changes, struct change);

static int
change_cmp(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	int r = keyword_cmp(x->name, y->name);

	if (r == 0)
		r = (int)x->set - (int)y->set;
	if (r == 0)
		r = x->uid < y->uid ? -1 : x->uid > y->uid;
	return r;
}

static bool
same_keywords(const char *const *a, size_t a_count, const char *const *b,
    size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		if (keyword_cmp(a[i], b[i]) != 0)
			return false;
	}
	return true;
}

/* From one sorted set of keywords to another. */
static void
diff_keywords(struct changes *changes, uint32_t uid, const char *const *was,
    size_t was_count, const char *const *now, size_t now_count)
{
	size_t i = 0, k = 0;
	int r;

	while (i < was_count || k < now_count) {
		r = i == was_count ? 1 : k == now_count ? -1 :
		    keyword_cmp(was[i], now[k]);
		if (r < 0)
			*ARRAY_ADD(changes) = (struct change){
			    .name = was[i], .uid = uid };
		if (r > 0)
			*ARRAY_ADD(changes) = (struct change){
			    .name = now[k], .uid = uid, .set = true };
		i += r <= 0;
		k += r >= 0;
	}
}

/* Sorted, into the transaction; new names only while there is room. */
static void
put_changes(struct dbox_box *box, struct index_txn *txn,
    struct changes *changes)
{
	struct index *index = box->folder->index;
	size_t names = index_state(index)->keyword_count;
	const char *name = "";
	bool room = true;

	if (changes->n > 1)
		qsort(changes->v, changes->n, sizeof(changes->v[0]),
		    change_cmp);
	for (size_t i = 0; i < changes->n; i++) {
		const struct change *c = &changes->v[i];

		if (keyword_cmp(c->name, name) != 0) {
			name = c->name;
			room = index_keyword_find(index, name) != SIZE_MAX ||
			    ++names <= INDEX_KEYWORDS_MAX;
			if (!room)
				store_tell(&box->store->head, NULL, "mailbox %s: "
				    "no room is left for the keyword %s",
				    box->folder->stored_name, name);
		}
		if (room)
			index_txn_keyword(txn, c->name, c->set, c->uid,
			    c->uid);
	}
}

static struct dbox_op *
uid_op_of(struct dbox_box *box, uint32_t uid)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		struct dbox_op *op = &box->ops.v[i];

		if (op->kind == OP_UID && !op->answered &&
		    op->from_uid == uid)
			return op;
	}
	return NULL;
}

static void
fail_stale(const struct dbox_answer *answer, struct dbox_op *op)
{
	struct err failure = ERR_INIT;

	err_set(&failure, ERR_STALE, "the flags are not as expected");
	dbox_op_failed(answer, op, &failure);
}

/* The last of n changes of one message that is not stale, or NULL. */
static struct dbox_op *
last_valid(struct dbox_op **ops, size_t n, flags_t flags,
    const struct dbox_names *keywords, const struct dbox_answer *answer,
    uint64_t *modseq_r)
{
	const char *const *names = keywords->v;
	size_t count = keywords->n;
	struct dbox_op *last = NULL;

	*modseq_r = 0;
	for (size_t i = 0; i < n; i++) {
		if (ops[i]->was_flags != flags ||
		    !same_keywords((const char *const *)ops[i]->was_keywords,
		    ops[i]->was_count, names, count)) {
			fail_stale(answer, ops[i]);
			continue;
		}
		last = ops[i];
		flags = last->flags & FLAGS_ALL;
		names = (const char *const *)last->keywords;
		count = last->keyword_count;
		if (last->modseq > *modseq_r)
			*modseq_r = last->modseq;
	}
	return last;
}

/* All changes of one message. */
static void
change_message(struct dbox_box *box, struct dbox_op **ops, size_t n,
    struct index_txn *txn, struct changes *changes, bool any_uids,
    const struct dbox_answer *answer)
{
	struct index *index = box->folder->index;
	struct dbox_names keywords = { .v = NULL };
	uint32_t uid = ops[0]->uid;
	struct dbox_op *last, *moved;
	flags_t flags, wanted;
	uint64_t modseq;
	size_t pos;

	if (!index_find(index, uid, &pos))
		return;
	flags = index_mail(index, pos).flags & FLAGS_ALL;
	dbox_keywords(index, pos, &keywords);
	last = last_valid(ops, n, flags, &keywords, answer, &modseq);
	moved = any_uids ? uid_op_of(box, uid) : NULL;
	if (last != NULL && moved != NULL) {
		/* It is appended again, with its new flags. */
		moved->flags = last->flags & FLAGS_ALL;
		free(moved->keywords);
		moved->keywords = mail_op_keywords(
		    (const char *const *)last->keywords, last->keyword_count);
		moved->keyword_count = last->keyword_count;
		if (modseq > moved->modseq)
			moved->modseq = modseq;
	} else if (last != NULL) {
		wanted = last->flags & FLAGS_ALL;
		if (wanted != flags)
			index_txn_flags(txn, uid, uid,
			    (uint8_t)(wanted & ~flags),
			    (uint8_t)(flags & ~wanted));
		diff_keywords(changes, uid, keywords.v, keywords.n,
		    (const char *const *)last->keywords,
		    last->keyword_count);
		last->modseq = modseq;
	}
	ARRAY_FREE(&keywords);
}

void
dbox_apply_flags(struct dbox_box *box, struct index_txn *txn,
    const struct dbox_answer *answer)
{
	struct dbox_op **ops = mem_calloc(box->ops.n, sizeof(*ops));
	struct changes changes = { .v = NULL };
	bool any_uids = false;
	size_t n = 0, end;

	for (size_t i = 0; i < box->ops.n; i++) {
		any_uids = any_uids || box->ops.v[i].kind == OP_UID;
		if (box->ops.v[i].kind == OP_FLAGS &&
		    !box->ops.v[i].answered)
			ops[n++] = &box->ops.v[i];
	}
	if (n > 1)
		qsort(ops, n, sizeof(*ops), dbox_op_uid_cmp);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && ops[end]->uid == ops[i]->uid;)
			end++;
		change_message(box, ops + i, end - i, txn, &changes,
		    any_uids, answer);
	}
	put_changes(box, txn, &changes);
	ARRAY_FREE(&changes);
	free(ops);
}

void
dbox_apply_keywords(struct dbox_box *box, struct index_txn *txn)
{
	struct changes changes = { .v = NULL };

	for (size_t i = 0; i < box->ops.n; i++) {
		const struct dbox_op *op = &box->ops.v[i];

		if (op->answered || (op->kind != OP_APPEND &&
		    op->kind != OP_UID))
			continue;
		for (size_t k = 0; k < op->keyword_count; k++)
			*ARRAY_ADD(&changes) = (struct change){
			    .name = op->keywords[k], .uid = op->uid,
			    .set = true };
	}
	put_changes(box, txn, &changes);
	ARRAY_FREE(&changes);
}
