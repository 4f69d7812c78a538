/* What modification sequences promise to mail clients (F6). */
#include "config.h"

#include "sim.h"

static bool
keeps(const struct memory_world *world)
{
	return world->modseqs != MEMORY_MODSEQ_NONE;
}

bool
sim_check_modseqs(struct sim *sim)
{
	const struct memory_world *a = sim_at(sim, 0)->world,
	    *b = sim_at(sim, 1)->world;

	/* A peer that may only add takes no modseq for what is there. */
	if (!keeps(a) || !keeps(b) || sim->appended)
		return true;
	for (size_t i = 0; i < a->mailboxes.n; i++) {
		const struct memory_mailbox *x = a->mailboxes.v[i],
		    *y = b->mailboxes.v[i];

		/* A mere directory has none. */
		if (!x->selectable || !y->selectable)
			continue;
		if (x->status.highestmodseq != y->status.highestmodseq)
			return sim_fail(sim, "HIGHESTMODSEQ of %s is %llu and "
			    "%llu", x->name,
			    (unsigned long long)x->status.highestmodseq,
			    (unsigned long long)y->status.highestmodseq);
		for (size_t k = 0; k < x->mails.n; k++)
			if (x->mails.v[k]->modseq != y->mails.v[k]->modseq)
				return sim_fail(sim, "the modseq of UID %u of "
				    "%s is %llu and %llu",
				    (unsigned int)x->mails.v[k]->uid, x->name,
				    (unsigned long long)x->mails.v[k]->modseq,
				    (unsigned long long)y->mails.v[k]->modseq);
	}
	return true;
}

static const struct memory_mailbox *
same_mailbox(const struct memory_world *world,
    const struct memory_mailbox *box)
{
	for (size_t i = 0; i < world->mailboxes.n; i++)
		if (world->mailboxes.v[i]->selectable &&
		    guid_eq(&world->mailboxes.v[i]->status.guid,
		    &box->status.guid) && box->status.uidvalidity ==
		    world->mailboxes.v[i]->status.uidvalidity)
			return world->mailboxes.v[i];
	return NULL;
}

static bool
looks_same(const struct memory_mail *a, const struct memory_mail *b)
{
	if (sim_body_number(a) != sim_body_number(b) || a->flags != b->flags ||
	    a->keyword_count != b->keyword_count)
		return false;
	for (size_t i = 0; i < a->keyword_count; i++)
		if (keyword_cmp(a->keywords[i], b->keywords[i]) != 0)
			return false;
	return true;
}

static bool
is_told_gone(const struct memory_mailbox *box, uint32_t uid, uint64_t above)
{
	for (size_t i = 0; i < box->vanished.n; i++)
		if (box->vanished.v[i].uid == uid &&
		    box->vanished.v[i].modseq > above)
			return true;
	return false;
}

/* What is not there any more. */
static bool
check_gone(struct sim *sim, const struct memory_mailbox *seen,
    const struct memory_mailbox *box)
{
	for (size_t i = 0; i < seen->mails.n; i++) {
		uint32_t uid = seen->mails.v[i]->uid;

		if (memory_mail_find(box, uid) == NULL &&
		    !is_told_gone(box, uid, seen->status.highestmodseq))
			return sim_fail(sim, "UID %u of %s is gone, which "
			    "nobody is told who knew all up to %llu",
			    (unsigned int)uid, box->name,
			    (unsigned long long)seen->status.highestmodseq);
	}
	return true;
}

/* A client that knew the mailbox as in seen comes to box. */
static bool
check_box(struct sim *sim, const struct memory_mailbox *seen,
    const struct memory_mailbox *box)
{
	const struct memory_mail *old, *mail;

	/* What had no UID was known to no client. */
	for (size_t i = 0; i < seen->mails.n; i++)
		if (seen->mails.v[i]->uid == 0)
			return true;
	if (!check_gone(sim, seen, box))
		return false;
	for (size_t i = 0; i < box->mails.n; i++) {
		mail = box->mails.v[i];
		if (mail->uid == 0)
			continue;
		old = memory_mail_find(seen, mail->uid);
		if (old == NULL && mail->uid < seen->status.uidnext)
			return sim_fail(sim, "UID %u of %s is new, but not "
			    "above the UIDNEXT %u that a client knew",
			    (unsigned int)mail->uid, box->name,
			    (unsigned int)seen->status.uidnext);
		if ((old == NULL || !looks_same(old, mail)) &&
		    mail->modseq <= seen->status.highestmodseq)
			return sim_fail(sim, "UID %u of %s changed, but its "
			    "modseq %llu is not above %llu",
			    (unsigned int)mail->uid, box->name,
			    (unsigned long long)mail->modseq,
			    (unsigned long long)seen->status.highestmodseq);
	}
	return true;
}

bool
sim_check_told(struct sim *sim, struct memory_world *const before[2])
{
	for (unsigned int n = 0; n < 4; n++) {
		const struct memory_world *seen = before[n / 2],
		    *now = sim_at(sim, n % 2)->world;

		if (!keeps(before[0]) || !keeps(before[1]))
			return true;
		for (size_t i = 0; i < now->mailboxes.n; i++) {
			const struct memory_mailbox *box =
			    now->mailboxes.v[i], *old;

			if (box->selectable &&
			    (old = same_mailbox(seen, box)) != NULL &&
			    !check_box(sim, old, box))
				return false;
		}
	}
	return true;
}
