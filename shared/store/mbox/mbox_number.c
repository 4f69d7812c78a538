/*
 * What a mailbox lacks that others made: UIDVALIDITY, UIDs, a GUID.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/files/uidvalidity.h"
#include "store/mbox/mbox.h"

/* A state of this UIDVALIDITY with a GUID, before the mbox says so. */
static int
give_guid(struct mbox_box *box, uint32_t uidvalidity, struct err *err)
{
	struct state *state = &box->state;

	if (state_fits(state, uidvalidity))
		return 0;
	state_clear(state);
	if (!mbox_index_guid(box, uidvalidity, &state->guid))
		state->guid = guid_random();
	state->uidvalidity = uidvalidity;
	state->next_uidvalidity = 0;
	return state_write(state, mbox_index_root(box->store), box->state_fd,
	    box->store->hostname, err);
}

/* What the state says of a message holds for its other UID, too. */
static void
keep_known(struct mbox_box *box, uint32_t uidvalidity,
    const struct mbox_mail *mail, uint32_t uid)
{
	const struct state_mail *known;

	if (mail->uid == 0 || mail->uid == uid ||
	    !state_fits(&box->state, uidvalidity))
		return;
	known = state_find(&box->state, mail->uid, mail->digest);
	if (known != NULL)
		state_add(&box->state, uid, mail->digest, known->text,
		    state_uidl(known), known->pop3_order);
}

/*
 * From the first message on that has no UID, neither here nor in the index,
 * all get new ones, since they have to rise.
 */
static int
give_uids(struct mbox_box *box, struct mbox_plan *plan, struct err *err)
{
	uint32_t *uids = mem_calloc(box->mails.n + 1, sizeof(*uids));
	uint32_t last = 0, next = plan->last_uid + 1, uid;
	size_t first = 0;
	bool fresh = false;

	while (first < box->mails.n && box->mails.v[first].uid != 0 &&
	    box->has_base)
		last = box->mails.v[first++].uid;
	if (box->mails.n - first > UID_LAST - plan->last_uid) {
		free(uids);
		return err_set(err, ERR_REFUSED, "%s: no UIDs are left",
		    box->file);
	}
	(void)mbox_index_uids(box, plan->uidvalidity, uids);
	mbox_plan_begin_at(box, plan, first);
	for (size_t i = 0; i < plan->tail.n; i++) {
		struct mbox_out *out = &plan->tail.v[i];

		uid = out->now.uid != 0 ? out->now.uid : uids[first + i];
		fresh = fresh || uid <= last || uid >= next;
		out->changed = fresh || out->now.uid == 0;
		last = fresh ? next++ : uid;
		keep_known(box, plan->uidvalidity, &out->now, last);
		out->now.uid = last;
	}
	plan->last_uid = next - 1;
	free(uids);
	return 0;
}

int
mbox_number(struct mbox_box *box, struct err *err)
{
	struct mbox_plan plan;
	uint32_t next;
	bool unknown;
	int ret = -1;

	if (box->numbered) {
		ret = give_guid(box, box->base.uidvalidity, err);
		goto tell;
	}
	mbox_plan_init(box, &plan);
	plan.uidnext = 0;
	next = mbox_index_numbers(box, &plan.uidvalidity);
	if (next - 1 > plan.last_uid)
		plan.last_uid = next - 1;
	if (plan.uidvalidity == 0 && uidvalidity_next(
	    mbox_uidvalidity_root(box->store), &plan.uidvalidity, err) == -1)
		goto out;
	if (give_uids(box, &plan, err) == -1 ||
	    give_guid(box, plan.uidvalidity, err) == -1 ||
	    (box->state.fresh.n > 0 && state_append(&box->state,
	    mbox_index_root(box->store), box->state_fd, err) == -1))
		goto out;
	ret = mbox_write(box, &plan, &unknown, err);
	if (ret == 0) {
		box->numbered = true;
		mbox_index_written(box, &plan);
	}
out:
	mbox_plan_deinit(&plan);
tell:
	if (ret == 0)
		mbox_index_tell(box->index, box->base.uidvalidity,
		    &box->state.guid);
	return ret;
}
