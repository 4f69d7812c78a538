/*
 * The order is that of the contract: all that adds or changes first, in every
 * mailbox, and expunges last.  Each operation is one step, so a test can end
 * the process between any two.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "store/memory/memory_int.h"

#define UID_LAST 0xfffffffeU	/* UIDNEXT has to fit behind it */

struct answer {
	store_done_fn *done;
	void *arg;
};

void
memory_ops_free(struct memory_box *box)
{
	struct memory_op *op;

	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (op->own_mail)
			memory_mail_free(op->mail);
		free(op->guid);
		free(op->was_keywords);
		free(op->keywords);
	}
	ARRAY_FREE(&box->ops);
}

static void
answer_done(const struct answer *answer, const struct memory_op *op,
    uint32_t uid, uint64_t modseq)
{
	answer->done(op->tag, uid, modseq, NULL, answer->arg);
}

static uint64_t
told_modseq(const struct memory_box *box, uint64_t modseq)
{
	return box->mailbox->world->modseqs == MEMORY_MODSEQ_NONE ? 0 :
	    modseq;
}

static void
answer_failed(const struct answer *answer, struct memory_op *op,
    const struct err *failure)
{
	op->failed = true;
	answer->done(op->tag, 0, 0, failure, answer->arg);
}

static void
answer_stale(const struct answer *answer, struct memory_op *op,
    const char *text)
{
	struct err failure = ERR_INIT;

	err_set(&failure, ERR_STALE, "%s", text);
	answer_failed(answer, op, &failure);
}

/*
 * One step of one operation: 1: do it; 0: it failed and is answered; -1: the
 * process is gone.
 */
static int
op_step(struct memory_box *box, struct memory_op *op,
    const struct answer *answer, struct err *err)
{
	struct memory_store *store = (struct memory_store *)box->head.store;
	struct err failure = ERR_INIT;

	if (memory_step(store, &failure) == 0)
		return 1;
	if (store->gone) {
		*err = failure;
		return -1;
	}
	answer_failed(answer, op, &failure);
	return 0;
}

/* Find the messages by what they are before anything of the batch is done. */
static void
look_up(struct memory_box *box, const struct answer *answer)
{
	struct memory_op *op;
	struct memory_mail *mail;

	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (box->mailbox->world == NULL) {
			answer_stale(answer, op, "the mailbox was removed");
			continue;
		}
		if (op->kind == MEMORY_APPEND || op->kind == MEMORY_STATUS)
			continue;
		mail = memory_mail_find(box->mailbox,
		    op->kind == MEMORY_UID ? op->from_uid : op->uid);
		if (mail == NULL && op->kind == MEMORY_EXPUNGE)
			continue;
		if (mail == NULL || strcmp(mail->guid, op->guid) != 0)
			answer_stale(answer, op, "not the message expected");
		else
			op->mail = mail;
	}
}

static int
wanted_cmp(const void *a, const void *b)
{
	const struct memory_op *x = *(struct memory_op *const *)a;
	const struct memory_op *y = *(struct memory_op *const *)b;

	/* Unsigned wrap puts "any UID" behind all wanted ones. */
	if (x->uid - 1 != y->uid - 1)
		return x->uid - 1 < y->uid - 1 ? -1 : 1;
	return x < y ? -1 : x > y;
}

/*
 * Wanted UIDs that are free are kept; whatever else needs one gets the next
 * ones after all of them, in the order of the calls.  op->uid is the result,
 * 0 if there is none left.
 */
static void
assign_uids(struct memory_box *box, struct memory_op **ops, size_t n)
{
	uint32_t next = box->mailbox->status.uidnext;
	struct memory_op *op;

	qsort(ops, n, sizeof(struct memory_op *), wanted_cmp);
	for (size_t i = 0; i < n; i++) {
		op = ops[i];
		if (op->uid >= next && op->uid <= UID_LAST)
			next = op->uid + 1;
		else
			op->uid = 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (ops[i]->uid == 0 && next <= UID_LAST)
			ops[i]->uid = next++;
	}
	qsort(ops, n, sizeof(struct memory_op *), wanted_cmp);
}

static int
apply_uid(struct memory_box *box, struct memory_op *op, bool stepped,
    const struct answer *answer, struct err *err)
{
	struct memory_mailbox *mailbox = box->mailbox;
	struct memory_mail *mail = op->mail;
	struct err failure = ERR_INIT;
	int r;

	if (op->uid == 0) {
		err_set(&failure, ERR_REFUSED, "no UIDs are left");
		answer_failed(answer, op, &failure);
		return 0;
	}
	if (!stepped && (r = op_step(box, op, answer, err)) != 1)
		return r;
	if (op->kind == MEMORY_UID && mail->uid != 0)
		memory_mailbox_take(mailbox, mail);
	mail->uid = op->uid;
	mail->modseq = memory_mailbox_take_modseq(mailbox,
	    op->kind == MEMORY_UID ? mail->modseq : 0, op->modseq, true);
	memory_mailbox_insert(mailbox, mail);
	if (op->kind == MEMORY_UID && op->from_uid != 0)
		memory_mailbox_vanish(mailbox, op->from_uid);
	mailbox->status.uidnext = op->uid + 1;
	op->own_mail = false;
	memory_mailbox_touch(mailbox);
	answer_done(answer, op, op->uid, told_modseq(box, mail->modseq));
	return 0;
}

/* Will this flush change UIDVALIDITY, so that UIDs begin anew? */
static struct memory_op *
renumbers(const struct memory_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		struct memory_op *op = &box->ops.v[i];

		if (op->kind == MEMORY_STATUS && !op->failed &&
		    op->status.uidvalidity != 0 &&
		    op->status.uidvalidity != box->mailbox->status.uidvalidity)
			return op;
	}
	return NULL;
}

/*
 * The new UIDVALIDITY and all UIDs under it are one step (M7): 1, or as
 * op_step; a failed one fails all of the mailbox.
 */
static int
renumber_step(struct memory_box *box, struct memory_op *op,
    const struct answer *answer, struct err *err)
{
	struct err failure = ERR_INIT;
	int r = op_step(box, op, answer, err);

	if (r == 1) {
		box->mailbox->status.uidvalidity = op->status.uidvalidity;
		/* Also if this process ends before any other step. */
		memory_mailbox_touch(box->mailbox);
	}
	memory_uidvalidity_taken(box->mailbox->world, op->status.uidvalidity);
	if (r != 0)
		return r;
	err_set(&failure, ERR_TEMP, "the mailbox could not be renumbered");
	for (size_t i = 0; i < box->ops.n; i++)
		if (!box->ops.v[i].failed)
			answer_failed(answer, &box->ops.v[i], &failure);
	return 0;
}

/* Take all messages out; they come back under their new UIDs. */
static struct memory_mail **
take_all(struct memory_mailbox *mailbox, size_t *count_r)
{
	struct memory_mail **all = calloc(mailbox->mails.n + 1,
	    sizeof(*all));

	if (all == NULL)
		abort();
	*count_r = mailbox->mails.n;
	for (size_t i = 0; i < *count_r; i++) {
		all[i] = mailbox->mails.v[i];
		all[i]->uid = 0;
	}
	mailbox->mails.n = 0;
	mailbox->status.uidnext = 1;
	return all;
}

/* Those that no operation named get the next UIDs. */
static void
put_rest(struct memory_mailbox *mailbox, struct memory_mail **all,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (all[i]->uid != 0)
			continue;
		all[i]->uid = mailbox->status.uidnext++;
		if (all[i]->modseq == 0)
			all[i]->modseq = memory_mailbox_next_modseq(mailbox);
		memory_mailbox_insert(mailbox, all[i]);
	}
	free(all);
}

/* Appends and UID changes, by rising UID. */
static int
apply_uids(struct memory_box *box, const struct answer *answer,
    struct err *err)
{
	struct memory_op *renumber = renumbers(box), **ops;
	struct memory_mail **all = NULL;
	size_t n = 0, all_count = 0;
	int ret = 0;

	if (renumber != NULL &&
	    (ret = renumber_step(box, renumber, answer, err)) != 1)
		return ret;
	ret = 0;
	ops = calloc(box->ops.n + 1, sizeof(*ops));
	if (ops == NULL)
		abort();
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].failed &&
		    (box->ops.v[i].kind == MEMORY_APPEND ||
		    box->ops.v[i].kind == MEMORY_UID))
			ops[n++] = &box->ops.v[i];
	}
	if (renumber != NULL)
		all = take_all(box->mailbox, &all_count);
	assign_uids(box, ops, n);
	for (size_t i = 0; i < n && ret == 0; i++)
		ret = apply_uid(box, ops[i], renumber != NULL, answer,
		    err);
	if (all != NULL)
		put_rest(box->mailbox, all, all_count);
	free(ops);
	return ret;
}

static bool
keywords_same(const struct memory_mail *mail, const char *const *keywords,
    size_t count)
{
	if (mail->keyword_count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (keyword_cmp(mail->keywords[i], keywords[i]) != 0)
			return false;
	}
	return true;
}

static bool
flags_as_expected(const struct memory_mail *mail, const struct memory_op *op)
{
	return mail->flags == op->was_flags &&
	    keywords_same(mail, op->was_keywords, op->was_count);
}

static int
apply_flags(struct memory_box *box, struct memory_op *op,
    const struct answer *answer, struct err *err)
{
	struct memory_mail *mail = op->mail;
	bool changed = mail->flags != op->flags ||
	    !keywords_same(mail, op->keywords, op->keyword_count);
	int r;

	if (!flags_as_expected(mail, op)) {
		answer_stale(answer, op, "the flags are not as expected");
		return 0;
	}
	if ((r = op_step(box, op, answer, err)) != 1)
		return r;
	free(mail->keywords);
	mail->flags = op->flags;
	mail->keywords = op->keywords;
	mail->keyword_count = op->keyword_count;
	op->keywords = NULL;
	mail->modseq = memory_mailbox_take_modseq(box->mailbox, mail->modseq,
	    op->modseq, changed);
	memory_mailbox_touch(box->mailbox);
	answer_done(answer, op, mail->uid, told_modseq(box, mail->modseq));
	return 0;
}

static int
apply_status(struct memory_box *box, struct memory_op *op,
    const struct answer *answer, struct err *err)
{
	struct mailbox_status *status = &box->mailbox->status;
	int r;

	if ((r = op_step(box, op, answer, err)) != 1)
		return r;
	if (!guid_is_zero(&op->status.guid))
		status->guid = op->status.guid;
	if (op->status.uidvalidity != 0)
		status->uidvalidity = op->status.uidvalidity;
	memory_uidvalidity_taken(box->mailbox->world, op->status.uidvalidity);
	if (op->status.uidnext > status->uidnext)
		status->uidnext = op->status.uidnext;
	memory_mailbox_touch(box->mailbox);
	answer_done(answer, op, 0, 0);
	return 0;
}

static int
apply_expunge(struct memory_box *box, struct memory_op *op,
    const struct answer *answer, struct err *err)
{
	uint64_t modseq = 0;
	int r;

	if (op->mail != NULL && !op->mail->expunged) {
		if ((r = op_step(box, op, answer, err)) != 1)
			return r;
		memory_mailbox_take(box->mailbox, op->mail);
		modseq = memory_mailbox_next_modseq(box->mailbox);
		memory_mailbox_vanish(box->mailbox, op->uid);
		memory_mailbox_touch(box->mailbox);
		op->mail->expunged = true;
		op->own_mail = true;
	}
	answer_done(answer, op, op->uid, told_modseq(box, modseq));
	return 0;
}

/* Expunges count, so what was wanted comes after them. */
static void
raise_highest(struct memory_box *box)
{
	struct mailbox_status *status = &box->mailbox->status;

	for (size_t i = 0; i < box->ops.n; i++) {
		const struct memory_op *op = &box->ops.v[i];

		if (op->kind != MEMORY_STATUS || op->failed)
			continue;
		/* Telling of UIDs that went counts, as in Dovecot's index. */
		if (op->status.vanished_count > 0 &&
		    status->highestmodseq > 0)
			status->highestmodseq++;
		if (op->status.highestmodseq > status->highestmodseq)
			status->highestmodseq = op->status.highestmodseq;
		for (size_t k = 0; k < op->status.vanished_count; k++)
			if (memory_mail_find(box->mailbox,
			    op->status.vanished[k]) == NULL)
				memory_mailbox_vanish(box->mailbox,
				    op->status.vanished[k]);
	}
}

static int
apply_kind(struct memory_box *box, enum memory_op_kind kind,
    int (*apply)(struct memory_box *, struct memory_op *,
    const struct answer *, struct err *), const struct answer *answer,
    struct err *err)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		if (box->ops.v[i].kind == kind && !box->ops.v[i].failed &&
		    apply(box, &box->ops.v[i], answer, err) == -1)
			return -1;
	}
	return 0;
}

int
memory_flush(struct store *head, store_done_fn *done, void *arg,
    struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;
	const struct answer answer = { done, arg };
	struct memory_box *box;

	if (memory_writable(store, err) == -1)
		return -1;
	for (box = store->boxes; box != NULL; box = box->next) {
		if (box->ops.n == 0)
			continue;
		look_up(box, &answer);
		if (apply_uids(box, &answer, err) == -1 ||
		    apply_kind(box, MEMORY_FLAGS, apply_flags, &answer,
		    err) == -1 ||
		    apply_kind(box, MEMORY_STATUS, apply_status, &answer,
		    err) == -1)
			return -1;
	}
	for (box = store->boxes; box != NULL; box = box->next) {
		if (apply_kind(box, MEMORY_EXPUNGE, apply_expunge, &answer,
		    err) == -1)
			return -1;
		raise_highest(box);
	}
	for (box = store->boxes; box != NULL; box = box->next)
		memory_ops_free(box);
	return 0;
}
