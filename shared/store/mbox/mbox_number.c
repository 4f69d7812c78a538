/*
 * What a mailbox lacks that others made: UIDVALIDITY, UIDs, a GUID.
 */
#include "config.h"

#include <string.h>

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
	state->guid = guid_random();
	state->uidvalidity = uidvalidity;
	state->next_uidvalidity = 0;
	return state_write(state, mbox_index_root(box->store), box->state_fd,
	    box->store->hostname, err);
}

/*
 * From the first message on that has no UID all get new ones, since they have
 * to rise.
 */
static int
give_uids(struct mbox_box *box, struct mbox_plan *plan, struct err *err)
{
	size_t first = 0;
	uint32_t next = box->uidnext;

	while (first < box->mails.n && box->mails.v[first].uid != 0 &&
	    box->has_base)
		first++;
	if (box->mails.n - first > UID_LAST - next)
		return err_set(err, ERR_REFUSED, "%s: no UIDs are left",
		    box->file);
	mbox_plan_begin_at(box, plan, first);
	for (size_t i = 0; i < plan->tail.n; i++) {
		plan->tail.v[i].now.uid = next++;
		plan->tail.v[i].changed = true;
	}
	plan->last_uid = next - 1;
	return 0;
}

int
mbox_number(struct mbox_box *box, struct err *err)
{
	struct mbox_plan plan;
	bool unknown;
	int ret = -1;

	if (box->numbered)
		return give_guid(box, box->base.uidvalidity, err);
	mbox_plan_init(box, &plan);
	if (!box->has_base && uidvalidity_next(&box->store->imap,
	    &plan.uidvalidity, err) == -1)
		goto out;
	if (give_uids(box, &plan, err) == -1 ||
	    give_guid(box, plan.uidvalidity, err) == -1)
		goto out;
	ret = mbox_write(box, &plan, &unknown, err);
	if (ret == 0)
		box->numbered = true;
out:
	mbox_plan_deinit(&plan);
	return ret;
}
