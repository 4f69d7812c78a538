/*
 * rebuild.c - mailboxes of a destination that are built anew (B3)
 *
 * Everything else is done before: all messages are there, under UIDs of their
 * own, and what has to go is gone and read before (P9).  Then the mailbox gets
 * the UIDVALIDITY of the source, and each message its UID there, in one step of
 * the store (M7), which sends no body again.  Under an equal UIDVALIDITY that
 * takes another one in between, because only so do other programs with the
 * mailbox open, and indexes, notice that UIDs begin anew.  A run that is cut
 * there leaves a mailbox with another UIDVALIDITY, which the next one renumbers
 * (M10).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "brain/run.h"

static int
mark_cmp(const void *a, const void *b)
{
	const struct plan_uid *const *x = a, *const *y = b;

	return guid_cmp(&(*x)->mark, &(*y)->mark);
}

void
rebuild_planned(struct brain *brain, struct job *job)
{
	unsigned int d = brain->source == 0;
	const struct mails_side *to = &job->side[d], *from = &job->side[!d];
	struct plan_mails *plan = &job->plan;
	struct rebuild *re;

	if (!plan->rebuild)
		return;
	re = ARRAY_ADD(&brain->rebuilds);
	re->entry = job->entry;
	re->uidvalidity = from->uidvalidity;
	re->uidnext = plan->rebuild_uidnext;
	if (to->uidvalidity == from->uidvalidity)
		re->between = from->uidvalidity < UINT32_MAX ?
		    from->uidvalidity + 1 : from->uidvalidity - 1;
	re->count = plan->uids.n;
	re->uids = arena_memdup(brain->arena, plan->uids.v,
	    plan->uids.n * sizeof(*plan->uids.v));
	re->by_mark = arena_calloc(brain->arena, re->count + 1,
	    sizeof(*re->by_mark));
	for (size_t i = 0; i < re->count; i++)
		re->by_mark[i] = &re->uids[i];
	if (re->count > 1)
		qsort(re->by_mark, re->count, sizeof(*re->by_mark), mark_cmp);
	if (brain->rebuild_of == NULL)
		brain->rebuild_of = arena_calloc(brain->arena,
		    brain->entries.n, sizeof(*brain->rebuild_of));
	brain->rebuild_of[job->entry] = brain->rebuilds.n;
}

static struct plan_uid *
find_uid(struct brain *brain, size_t entry, const struct guid128 *mark)
{
	struct plan_uid key = { .mark = *mark }, *k = &key, **found;
	const struct rebuild *re;

	if (entry >= brain->entries.n ||
	    brain->rebuild_of[entry] <= brain->rebuild_at)
		return NULL;
	re = &brain->rebuilds.v[brain->rebuild_of[entry] - 1];
	found = bsearch(&k, re->by_mark, re->count, sizeof(*re->by_mark),
	    mark_cmp);
	return found != NULL ? *found : NULL;
}

bool
rebuild_got(struct brain *brain, size_t entry, const struct guid128 *mark,
    uint32_t uid)
{
	struct plan_uid *u = brain->rebuilds.n == 0 ? NULL :
	    find_uid(brain, entry, mark);

	if (u != NULL)
		u->uid = uid;
	return u != NULL;
}

bool
rebuild_left(const struct brain *brain)
{
	return brain->rebuild_at < brain->rebuilds.n;
}

static void
send_uid(struct brain *brain, unsigned int s, const struct rebuild *re,
    const struct plan_uid *u, bool second)
{
	struct msg msg = { .kind = MSG_OP_SET_UID };
	struct msg_op_set_uid *m = &msg.u.op_set_uid;
	struct sent_op *sent = emit_number(&brain->side[s], &m->op);

	m->mailbox = run_guid(brain, s, re->entry);
	m->uid = second ? u->new_uid : u->uid;
	m->mark = u->mark;
	m->new_uid = u->new_uid;
	m->modseq = u->modseq;
	sent->what = SENT_REBUILD;
	sent->entry = re->entry;
	sent->mailbox = m->mailbox;
	sent->uid = m->new_uid;
	sent->mark = u->mark;
	brain->send(s, &msg, brain->arg);
}

/* The next operation of the mailbox that is at hand. */
static void
send_next(struct brain *brain, unsigned int s)
{
	struct rebuild *re = &brain->rebuilds.v[brain->rebuild_at];
	bool last = re->between == 0;

	if (!re->begun) {
		re->begun = true;
		emit_state(brain, s, re->entry, last ? re->uidvalidity :
		    re->between, 0, 0);
		return;
	}
	while (re->next < re->count && re->uids[re->next].uid == 0)
		re->next++;	/* it did not come */
	if (re->next < re->count) {
		send_uid(brain, s, re, &re->uids[re->next++], re->second);
		return;
	}
	if (last)
		emit_state(brain, s, re->entry, 0, re->uidnext, 0);
	emit_flush(brain, s);
	if (last) {
		brain->rebuild_at++;
		return;
	}
	re->between = 0;
	re->begun = false;
	re->second = true;
	re->next = 0;
}

/* What comes late is in another round; the run may end before. */
static void
defer(struct brain *brain)
{
	struct guid128 box;

	for (size_t i = brain->rebuild_at; i < brain->rebuilds.n; i++)
		for (unsigned int s = 0; s < SIDE_COUNT; s++) {
			box = run_guid(brain, s, brain->rebuilds.v[i].entry);
			run_note_pending(brain, s, &box, 0, NULL,
			    "it is to be built anew");
		}
}

int
rebuild_emit(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s];

	if (!run_is_dest(brain, s) || !rebuild_left(brain))
		return -1;
	/* First all answers: which UIDs were given, what did not come? */
	if (brain->rebuild_flush == 0) {
		emit_flush(brain, s);
		brain->rebuild_flush = side->op;
		return 1;
	}
	if (side->done < brain->rebuild_flush)
		return 0;
	if (side->late_asked < side->late.n) {
		if (!brain->rebuild_deferred)
			defer(brain);
		brain->rebuild_deferred = true;
		return -1;
	}
	send_next(brain, s);
	return 1;
}
