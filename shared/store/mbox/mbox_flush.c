/*
 * The order of a flush, and why a crash between any two steps does no harm:
 *
 *  1. For each mailbox, under its locks: what is new in its state (state.h) is
 *     made durable.  A line there without a message means nothing.
 *  2. Appends, UID changes, flags and a new UIDVALIDITY of this mailbox are
 *     one change of its file (mbox_write.c), there in full or not at all; flags
 *     alone may be there in part.
 *  3. When that is done for all mailboxes, expunges are, in the same way.
 *
 * A failure before the change of a file begins fails the operations of this
 * mailbox; one in the middle of it ends the flush with -1, and the next opening
 * completes the change.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/files/uidvalidity.h"
#include "store/mbox/mbox.h"

struct answer {
	store_done_fn *done;
	void *arg;
};

/* One mailbox at work. */
struct work {
	struct mbox_box *box;
	const struct answer *answer;
	struct mbox_plan plan;
	struct mbox_op *status;		/* it changes UIDVALIDITY; NULL */
	struct mbox_op **uids;		/* appends and UID changes */
	size_t uid_count;
	struct mbox_out *mails;		/* of each message: what it becomes;
					   NULL: none changes */
	bool *moved;			/* of each message */
};

static void
op_done(const struct answer *answer, struct mbox_op *op, uint32_t uid)
{
	op->answered = true;
	answer->done(op->tag, uid, 0, NULL, answer->arg);
}

static void
op_failed(const struct answer *answer, struct mbox_op *op,
    const struct err *failure)
{
	op->answered = true;
	answer->done(op->tag, 0, 0, failure, answer->arg);
}

static void
op_stale(const struct answer *answer, struct mbox_op *op, const char *text)
{
	struct err failure = ERR_INIT;

	err_set(&failure, ERR_STALE, "%s", text);
	op_failed(answer, op, &failure);
}

static void
fail_all(struct mbox_box *box, const struct answer *answer, bool expunges,
    const struct err *failure)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].answered &&
		    (expunges || box->ops.v[i].kind != OP_EXPUNGE))
			op_failed(answer, &box->ops.v[i], failure);
	}
}

/* What a message becomes; made when the first one changes. */
static struct mbox_out *
mail_out(struct work *wk, size_t i)
{
	struct mbox_box *box = wk->box;

	if (wk->mails == NULL) {
		wk->mails = mem_calloc(box->mails.n + 1, sizeof(*wk->mails));
		wk->moved = mem_calloc(box->mails.n + 1, sizeof(bool));
		for (size_t k = 0; k < box->mails.n; k++)
			wk->mails[k] = (struct mbox_out){ .mail = k,
			    .now = box->mails.v[k] };
	}
	return &wk->mails[i];
}

/* Find the messages by what they are before anything of the batch is done. */
static void
look_up(struct work *wk)
{
	struct mbox_box *box = wk->box;
	uint32_t uid;

	for (size_t i = 0; i < box->ops.n; i++) {
		struct mbox_op *op = &box->ops.v[i];

		if (op->answered || op->kind == OP_APPEND ||
		    op->kind == OP_STATUS)
			continue;
		uid = op->kind == OP_UID ? op->from_uid : op->uid;
		op->mail = uid == 0 ? SIZE_MAX : mbox_find_uid(box, uid);
		if (op->mail == SIZE_MAX && op->kind == OP_EXPUNGE)
			continue;
		if (op->mail != SIZE_MAX)
			op->mail = mbox_find(box, uid, op->guid);
		if (op->mail == SIZE_MAX)
			op_stale(wk->answer, op,
			    "not the message expected");
	}
}

static bool
as_expected(const struct mbox_box *box, const struct mbox_mail *mail,
    const struct mbox_op *op)
{
	if ((mail->status & FLAGS_ALL) != op->was_flags ||
	    mail->keyword_count != op->was_count)
		return false;
	for (size_t i = 0; i < op->was_count; i++) {
		if (keyword_cmp(box->keywords.v[box->keyword_pool.v[
		    mail->keywords + i]], op->was_keywords[i]) != 0)
			return false;
	}
	return true;
}

static void
plan_flags(struct work *wk)
{
	struct mbox_box *box = wk->box;

	for (size_t i = 0; i < box->ops.n; i++) {
		struct mbox_op *op = &box->ops.v[i];
		struct mbox_out *out;

		if (op->kind != OP_FLAGS || op->answered)
			continue;
		out = mail_out(wk, op->mail);
		if (!as_expected(box, &out->now, op)) {
			op_stale(wk->answer, op,
			    "the flags are not as expected");
			continue;
		}
		out->now.status = (uint8_t)(op->flags | STATUS_OLD);
		mbox_set_keywords(box, &out->now, op->keywords,
		    op->keyword_count);
		out->changed = true;
	}
}

static int
wanted_cmp(const void *a, const void *b)
{
	const struct mbox_op *x = *(struct mbox_op *const *)a;
	const struct mbox_op *y = *(struct mbox_op *const *)b;

	/* Unsigned wrap puts "any UID" behind all wanted ones. */
	if (x->uid - 1 != y->uid - 1)
		return x->uid - 1 < y->uid - 1 ? -1 : 1;
	return x < y ? -1 : x > y;
}

uint32_t
mbox_free_uid(struct mbox_box *box)
{
	uint32_t uidvalidity = box->base.uidvalidity;
	uint32_t next = mbox_index_numbers(box, &uidvalidity);

	return next > box->uidnext ? next : box->uidnext;
}

/* As the contract says: wanted ones that are free, then the next ones. */
static void
assign_uids(struct work *wk, uint32_t next)
{
	struct err failure = ERR_INIT;
	size_t n = wk->uid_count, kept = 0;

	qsort(wk->uids, n, sizeof(*wk->uids), wanted_cmp);
	for (size_t i = 0; i < n; i++) {
		if (wk->uids[i]->uid >= next && wk->uids[i]->uid <= UID_LAST)
			next = wk->uids[i]->uid + 1;
		else
			wk->uids[i]->uid = 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (wk->uids[i]->uid == 0 && next <= UID_LAST)
			wk->uids[i]->uid = next++;
	}
	qsort(wk->uids, n, sizeof(*wk->uids), wanted_cmp);
	err_set(&failure, ERR_REFUSED, "no UIDs are left");
	for (size_t i = 0; i < n; i++) {
		if (wk->uids[i]->uid == 0)
			op_failed(wk->answer, wk->uids[i], &failure);
		else
			wk->uids[kept++] = wk->uids[i];
	}
	wk->uid_count = kept;
	wk->plan.last_uid = next - 1;
}

static void
collect(struct work *wk)
{
	struct mbox_box *box = wk->box;

	wk->uids = mem_calloc(box->ops.n + 1, sizeof(*wk->uids));
	for (size_t i = 0; i < box->ops.n; i++) {
		struct mbox_op *op = &box->ops.v[i];

		if (op->answered)
			continue;
		if (op->kind == OP_APPEND || op->kind == OP_UID)
			wk->uids[wk->uid_count++] = op;
		if (op->kind == OP_STATUS && op->status.uidvalidity != 0 &&
		    op->status.uidvalidity != box->base.uidvalidity &&
		    wk->status == NULL)
			wk->status = op;
	}
}

/* A line for the state, where the message has more than the mbox can hold. */
static void
keep_state(struct mbox_box *box, uint32_t uid, const uint8_t *digest,
    const char *guid, const char *uidl, uint32_t order)
{
	char hex[GUID_HEX_SIZE];

	hex_format(hex, digest, GUID_SIZE);
	if (strcmp(hex, guid) != 0 || uidl != NULL || order != 0 ||
	    state_find(&box->state, uid, digest) != NULL)
		state_add(&box->state, uid, digest, guid, uidl, order);
}

void
mbox_plan_append(struct mbox_box *box, struct mbox_plan *plan,
    struct mbox_op *op)
{
	struct mbox_out *out = ARRAY_ADD(&plan->tail);
	char guid[GUID_HEX_SIZE];
	struct guid128 fresh;

	*out = (struct mbox_out){ .mail = SIZE_MAX, .op = op,
	    .changed = true };
	out->now = (struct mbox_mail){ .uid = op->uid, .size = op->size,
	    .received = op->received,
	    .status = (uint8_t)(op->flags | STATUS_OLD) };
	memcpy(out->now.digest, op->digest, GUID_SIZE);
	mbox_set_keywords(box, &out->now, op->keywords, op->keyword_count);
	if (op->guid == NULL) {
		fresh = guid_random();
		guid_format(&fresh, guid);
	}
	keep_state(box, op->uid, op->digest,
	    op->guid != NULL ? op->guid : guid, op->pop3_uidl,
	    op->pop3_order);
}

/* A message of the box that goes to the end, or gets another UID. */
static void
plan_move(struct work *wk, size_t mail, uint32_t uid)
{
	struct mbox_box *box = wk->box;
	struct mbox_out *out = ARRAY_ADD(&wk->plan.tail);
	const struct mbox_mail *was = &box->mails.v[mail];
	const struct state_mail *known = NULL;

	*out = *mail_out(wk, mail);
	if (state_fits(&box->state, box->base.uidvalidity))
		known = state_find(&box->state, was->uid, was->digest);
	if (known != NULL)
		state_add(&box->state, uid, was->digest, known->text,
		    state_uidl(known), known->pop3_order);
	out->now.uid = uid;
	out->changed = true;
}

/* The tail without those that leave their place. */
static void
plan_tail(struct work *wk)
{
	struct mbox_box *box = wk->box;
	struct mbox_plan *plan = &wk->plan;
	size_t first = box->mails.n;

	for (size_t i = 0; i < wk->uid_count; i++) {
		if (wk->uids[i]->kind == OP_UID) {
			size_t at = wk->uids[i]->mail;

			(void)mail_out(wk, at);
			wk->moved[at] = true;
			if (at < first)
				first = at;
		}
	}
	plan->first = first;
	for (size_t i = first; i < box->mails.n; i++) {
		if (!wk->moved[i])
			*ARRAY_ADD(&plan->tail) = wk->mails[i];
	}
	for (size_t i = 0; wk->mails != NULL && i < first; i++) {
		if (wk->mails[i].changed)
			*ARRAY_ADD(&plan->flags) = wk->mails[i];
	}
	for (size_t i = 0; i < wk->uid_count; i++) {
		if (wk->uids[i]->kind == OP_APPEND)
			mbox_plan_append(box, plan, wk->uids[i]);
		else
			plan_move(wk, wk->uids[i]->mail, wk->uids[i]->uid);
	}
}

/* UIDs begin anew: all messages by their new UIDs. */
static void
plan_renumbered(struct work *wk)
{
	struct mbox_box *box = wk->box;
	uint32_t next;

	wk->plan.uidvalidity = wk->status->status.uidvalidity;
	wk->plan.uidnext = 0;
	uidvalidity_taken(mbox_uidvalidity_root(box->store),
	    wk->plan.uidvalidity);
	assign_uids(wk, 1);
	wk->plan.first = 0;
	for (size_t i = 0; i < wk->uid_count; i++) {
		struct mbox_op *op = wk->uids[i];

		if (op->kind == OP_APPEND) {
			mbox_plan_append(box, &wk->plan, op);
		} else {
			(void)mail_out(wk, op->mail);
			wk->moved[op->mail] = true;
			plan_move(wk, op->mail, op->uid);
		}
	}
	next = wk->plan.last_uid + 1;
	for (size_t i = 0; i < box->mails.n; i++) {
		(void)mail_out(wk, i);
		if (!wk->moved[i])
			plan_move(wk, i, next++);
	}
	wk->plan.last_uid = next - 1;
}

/* UIDNEXT and a new GUID, after all that the batch gives. */
static bool
plan_status(struct work *wk)
{
	struct mbox_box *box = wk->box;
	bool other_guid = false;

	for (size_t i = 0; i < box->ops.n; i++) {
		const struct mbox_op *op = &box->ops.v[i];

		if (op->kind != OP_STATUS || op->answered)
			continue;
		if (op->status.uidnext > wk->plan.last_uid + 1)
			wk->plan.last_uid = op->status.uidnext - 1;
		if (!guid_is_zero(&op->status.guid) &&
		    !guid_eq(&op->status.guid, &box->state.guid)) {
			box->state.guid = op->status.guid;
			other_guid = true;
		}
	}
	return other_guid;
}

/* What the state has to say before the mbox does. */
static int
write_state(struct work *wk, bool whole, struct err *err)
{
	struct mbox_box *box = wk->box;
	struct path_root *root = mbox_index_root(box->store);

	if (wk->status != NULL)
		box->state.next_uidvalidity = wk->plan.uidvalidity;
	if (whole || wk->status != NULL)
		return state_write(&box->state, root, box->state_fd,
		    box->store->hostname, err);
	if (box->state.fresh.n == 0)
		return 0;
	return state_append(&box->state, root, box->state_fd, err);
}

/* The old UIDVALIDITY is over; without this the file is right as well. */
static void
tidy_state(struct work *wk)
{
	struct state *state = &wk->box->state;
	struct err ignored = ERR_INIT;
	size_t n = 0;

	if (wk->status == NULL)
		return;
	state->uidvalidity = wk->plan.uidvalidity;
	state->next_uidvalidity = 0;
	for (size_t i = 0; i < state->mails.n; i++) {
		struct state_mail *mail = &state->mails.v[i];
		size_t at = mbox_find_uid(wk->box, mail->uid);

		if (at != SIZE_MAX && memcmp(wk->box->mails.v[at].digest,
		    mail->digest, GUID_SIZE) == 0)
			state->mails.v[n++] = *mail;
		else
			free(mail->text);
	}
	state->mails.n = n;
	(void)state_write(state, mbox_index_root(wk->box->store),
	    wk->box->state_fd, wk->box->store->hostname, &ignored);
}

static void
answer_all(struct work *wk)
{
	struct mbox_box *box = wk->box;

	for (size_t i = 0; i < box->ops.n; i++) {
		struct mbox_op *op = &box->ops.v[i];

		if (op->answered || op->kind == OP_EXPUNGE)
			continue;
		op_done(wk->answer, op, op->kind == OP_STATUS ? 0 : op->uid);
	}
}

/* Lock and know the mailbox; 1; 0: that failed and is answered; -1. */
static int
begin_box(struct mbox_box *box, const struct answer *answer, bool expunges,
    struct err *err)
{
	struct err why = ERR_INIT;

	if (mbox_lock(box, &why) == 0) {
		if (mbox_refresh(box, &why) == 0)
			return 1;
		mbox_unlock(box);
	}
	if (mbox_gone(box->store)) {
		*err = why;
		return -1;
	}
	if (why.code == ERR_NOTFOUND)
		err_set(&why, ERR_STALE, "the mailbox was removed");
	fail_all(box, answer, expunges, &why);
	return 0;
}

/* 0: done, or answered with a failure; -1: nobody knows. */
static int
end_write(struct work *wk, int r, bool unknown, struct err *why,
    struct err *err)
{
	if (r == 0)
		return 0;
	wk->box->known = false;
	if (unknown || mbox_gone(wk->box->store)) {
		*err = *why;
		return -1;
	}
	/* What was changed in memory only is read again. */
	state_drop_fresh(&wk->box->state);
	wk->box->state.st = (struct path_stat){ .ino = UINT64_MAX };
	fail_all(wk->box, wk->answer, false, why);
	return 0;
}

/*
 * An expunge names its message as it was before the batch, which may give it
 * another UID.
 */
static void
follow_moves(struct work *wk)
{
	for (size_t i = 0; i < wk->box->ops.n; i++) {
		struct mbox_op *op = &wk->box->ops.v[i];

		if (op->kind != OP_EXPUNGE || op->answered ||
		    op->mail == SIZE_MAX)
			continue;
		for (size_t k = 0; k < wk->plan.tail.n; k++) {
			if (wk->plan.tail.v[k].op == NULL &&
			    wk->plan.tail.v[k].mail == op->mail)
				op->from_uid = wk->plan.tail.v[k].now.uid;
		}
	}
}

static int
add_in_box(struct work *wk, struct err *err)
{
	struct mbox_box *box = wk->box;
	struct err why = ERR_INIT;
	bool unknown = false, whole;
	int r;

	look_up(wk);
	mbox_plan_init(box, &wk->plan);
	plan_flags(wk);
	collect(wk);
	if (wk->status != NULL) {
		plan_renumbered(wk);
	} else {
		assign_uids(wk, mbox_free_uid(box));
		plan_tail(wk);
	}
	whole = plan_status(wk);
	r = write_state(wk, whole, &why);
	if (r == 0)
		r = mbox_write(box, &wk->plan, &unknown, &why);
	if (end_write(wk, r, unknown, &why, err) == -1)
		return -1;
	if (r == 0) {
		follow_moves(wk);
		tidy_state(wk);
		if (wk->status != NULL)
			mbox_index_renumbered(box);
		else
			mbox_index_written(box, &wk->plan);
		mbox_index_tell(box->index, box->base.uidvalidity,
		    &box->state.guid);
		if (mbox_gone(box->store))
			return err_set(err, ERR_TEMP, "the process is gone");
		answer_all(wk);
	}
	return 0;
}

static void
work_deinit(struct work *wk)
{
	mbox_plan_deinit(&wk->plan);
	free(wk->uids);
	free(wk->mails);
	free(wk->moved);
}

/* Is there anything but, or an expunge? */
static bool
has_kind(const struct mbox_box *box, bool expunges)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].answered &&
		    (box->ops.v[i].kind == OP_EXPUNGE) == expunges)
			return true;
	}
	return false;
}

static int
add_box(struct mbox_box *box, const struct answer *answer, struct err *err)
{
	struct work wk = { .box = box, .answer = answer };
	int r;

	if (!has_kind(box, false))
		return 0;
	if ((r = begin_box(box, answer, true, err)) != 1)
		return r;
	r = add_in_box(&wk, err);
	work_deinit(&wk);
	mbox_unlock(box);
	return r;
}

/* Mark the messages that go; how many. */
static size_t
mark_expunged(struct work *wk)
{
	struct mbox_box *box = wk->box;
	size_t n = 0, at;

	for (size_t i = 0; i < box->ops.n; i++) {
		struct mbox_op *op = &box->ops.v[i];
		uint32_t uid = op->from_uid != 0 ? op->from_uid : op->uid;

		if (op->kind != OP_EXPUNGE || op->answered)
			continue;
		at = uid == 0 ? SIZE_MAX : mbox_find_uid(box, uid);
		if (at == SIZE_MAX)
			continue;
		if (mbox_find(box, uid, op->guid) == SIZE_MAX) {
			op_stale(wk->answer, op,
			    "not the message expected");
			continue;
		}
		(void)mail_out(wk, at);
		n += !wk->moved[at];
		wk->moved[at] = true;
	}
	return n;
}

static int
expunge_in_box(struct work *wk, struct err *err)
{
	struct mbox_box *box = wk->box;
	struct err why = ERR_INIT;
	bool unknown = false;
	int r = 0;

	mbox_plan_init(box, &wk->plan);
	if (mark_expunged(wk) > 0) {
		size_t first = 0;

		while (!wk->moved[first])
			first++;
		wk->plan.first = first;
		for (size_t i = first; i < box->mails.n; i++) {
			if (!wk->moved[i])
				*ARRAY_ADD(&wk->plan.tail) = wk->mails[i];
		}
		r = mbox_write(box, &wk->plan, &unknown, &why);
		if (r == 0)
			mbox_index_written(box, &wk->plan);
	}
	if (r == -1) {
		box->known = false;
		if (unknown || mbox_gone(box->store)) {
			*err = why;
			return -1;
		}
		fail_all(box, wk->answer, true, &why);
		return 0;
	}
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].answered)
			op_done(wk->answer, &box->ops.v[i],
			    box->ops.v[i].uid);
	}
	return 0;
}

static int
expunge_box(struct mbox_box *box, const struct answer *answer,
    struct err *err)
{
	struct work wk = { .box = box, .answer = answer };
	int r;

	if (!has_kind(box, true))
		return 0;
	if ((r = begin_box(box, answer, true, err)) != 1)
		return r;
	r = expunge_in_box(&wk, err);
	work_deinit(&wk);
	mbox_unlock(box);
	return r;
}

int
mbox_flush(struct store *head, store_done_fn *done, void *arg,
    struct err *err)
{
	struct mbox_store *store = (struct mbox_store *)head;
	struct answer answer = { done, arg };
	struct mbox_box *box;
	int ret = 0;

	for (box = store->boxes; box != NULL && ret == 0; box = box->next)
		ret = add_box(box, &answer, err);
	for (box = store->boxes; box != NULL && ret == 0; box = box->next)
		ret = expunge_box(box, &answer, err);
	for (box = store->boxes; box != NULL; box = box->next) {
		mbox_ops_free(box);
		spool_unref(box, &box->spool);
	}
	return ret;
}
