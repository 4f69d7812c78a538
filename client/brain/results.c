/*
 * results.c - from the stores' answers to the end of the run
 *
 * A store answers only what did not go as asked.  A message that got another
 * UID is followed by the other side in the same run (M12); a copy that was not
 * held is saved by its body; all else is pending, for the next run to look at
 * (E1).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "brain/run.h"
#include "model/mailbox_name.h"

static struct sent_op *
sent_find(struct run_side *side, uint32_t op)
{
	if (op < side->sent_first + side->sent_head || op > side->op)
		return NULL;
	return &side->sent.v[op - side->sent_first];
}

static void
refuse(struct brain *brain, unsigned int s, const struct sent_op *sent,
    const char *text)
{
	bool mail = sent->what == SENT_MAIL || sent->what == SENT_EXPUNGE ||
	    sent->what == SENT_REBUILD;

	run_note_pending(brain, s, &sent->mailbox, mail ? sent->uid : 0,
	    mail ? &sent->mark : NULL, arena_strdup(brain->arena, text));
}

/* The account of a message operation that was not done. */
static void
count_failed(struct brain *brain, const struct sent_op *sent)
{
	struct brain_account *acc;

	if (sent->entry >= brain->entries.n)
		return;
	acc = &brain->accounts[sent->entry];
	if (sent->what == SENT_EXPUNGE) {
		acc->expunged--;
		return;
	}
	if (sent->what != SENT_MAIL)
		return;
	switch (sent->kind) {
	case PLAN_SAVE:
	case PLAN_COPY:
		(void)rebuild_got(brain, sent->entry, &sent->mark, 0);
		acc->copied--;
		acc->failed++;
		break;
	case PLAN_FLAGS:
		if (acc->flagged > 0)
			acc->flagged--;
		break;
	case PLAN_SET_UID:
		acc->renumbered--;
		break;
	case PLAN_MODSEQ:
	case PLAN_EXPUNGE:
		break;
	}
}

void
results_note_uid(struct brain *brain, unsigned int s, size_t entry,
    uint32_t uid)
{
	if (uid > brain->top[s][entry])
		brain->top[s][entry] = uid;
}

static void
on_other_uid(struct brain *brain, unsigned int s, const struct sent_op *sent,
    uint32_t uid)
{
	struct other_uid *other;

	/* It gets the UID of the source in the end (B3). */
	if (brain->source >= 0 &&
	    rebuild_got(brain, sent->entry, &sent->mark, uid))
		return;
	if (brain->source >= 0 || run_is_append(brain, !s)) {
		/* B1, or what is there keeps its UID: it can't follow. */
		tell_pending(brain, s, sent->entry, sent->uid, sent->guid,
		    "M12", "got another UID", "its UID was taken meanwhile");
		refuse(brain, s, sent, "got another UID");
		return;
	}
	other = ARRAY_ADD(&brain->others);
	*other = (struct other_uid){
		.side = s, .entry = sent->entry,
		.wanted = sent->uid != 0 ? sent->uid : sent->from_uid,
		.got = uid, .mark = sent->mark,
	};
	results_note_uid(brain, s, sent->entry, uid);
}

static void
add_mend(struct brain *brain, unsigned int s, const struct other_uid *other,
    uint32_t uid, uint32_t new_uid, uint64_t modseq)
{
	*ARRAY_ADD(&brain->mends) = (struct mend){
		.side = s, .entry = other->entry,
		.mailbox = run_guid(brain, s, other->entry),
		.uid = uid, .new_uid = new_uid, .mark = other->mark,
		.modseq = modseq,
	};
	results_note_uid(brain, s, other->entry, new_uid);
	highest_left(brain, other->entry, uid);
}

/* By mailbox, and the answers about one message next to each other. */
static int
other_cmp(const void *a, const void *b)
{
	const struct other_uid *x = a, *y = b;

	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	if (x->wanted != y->wanted)
		return x->wanted < y->wanted ? -1 : 1;
	return x->side < y->side ? -1 : x->side > y->side;
}

/*
 * One side gave UIDs of its own: the other one follows, if it can.  If both
 * did, following would go round in circles; then each message gets a new UID
 * above all that either side knows (M4).
 */
static void
mend_mailbox(struct brain *brain, struct other_uid *first, size_t n,
    bool crossed)
{
	for (size_t i = 0; i < n; i++) {
		struct other_uid *other = &first[i], *next = other + 1;
		unsigned int s = other->side;
		uint32_t *top[] = { &brain->top[s][other->entry],
		    &brain->top[!s][other->entry] };
		uint32_t fresh, there = other->wanted;
		uint64_t modseq;

		if (other->done)
			continue;
		other->done = true;
		if (!crossed && other->got > *top[1]) {
			modseq = highest_fresh(brain, other->entry);
			add_mend(brain, !s, other, there, other->got, modseq);
			if (modseq != 0)
				highest_raise(brain, s, other->entry,
				    other->got, &other->mark, modseq);
			continue;
		}
		if (i + 1 < n && next->wanted == other->wanted &&
		    next->side != s) {
			there = next->got;
			next->done = true;
		}
		fresh = (*top[0] > *top[1] ? *top[0] : *top[1]) + 1;
		modseq = highest_fresh(brain, other->entry);
		add_mend(brain, s, other, other->got, fresh, modseq);
		add_mend(brain, !s, other, there, fresh, modseq);
	}
}

static void
make_mends(struct brain *brain)
{
	struct other_uid *v = brain->others.v;
	size_t n = brain->others.n, end;
	bool crossed;

	if (n > 1)
		qsort(v, n, sizeof(*v), other_cmp);
	for (size_t i = 0; i < n; i = end) {
		crossed = false;
		for (end = i + 1; end < n && v[end].entry == v[i].entry; end++)
			crossed |= v[end].side != v[i].side;
		mend_mailbox(brain, &v[i], end - i, crossed);
	}
	brain->others.n = 0;
}

static void
on_not_held(struct brain *brain, unsigned int s, const struct sent_op *sent)
{
	struct late_save *late = ARRAY_ADD(&brain->side[s].late);

	late->entry = sent->entry;
	late->mailbox = sent->mailbox;
	late->from = run_guid(brain, !s, sent->entry);
	late->from_uid = sent->from_uid;
	late->rec = msg_message_dup(brain->arena, sent->copy);
}

static const char *
what_of(const struct sent_op *sent)
{
	switch (sent->what) {
	case SENT_TREE:
		return "mailbox can't be created or renamed";
	case SENT_STATE:
	case SENT_HIGHEST:
		return "mailbox can't be brought to this state";
	case SENT_SUB:
		return "subscription can't be changed";
	case SENT_ATTRIBUTE:
		return "attribute can't be changed";
	case SENT_EXPUNGE:
		return "not expunged";
	case SENT_DELETE:
		return "mailbox not removed";
	case SENT_MEND:
	case SENT_REBUILD:
		return "UID not changed";
	case SENT_MODSEQ:
		return "modseq not raised";
	case SENT_FLUSH:
		return "not made durable";
	case SENT_MAIL:
		break;
	}
	switch (sent->kind) {
	case PLAN_SAVE:
		return "not saved";
	case PLAN_COPY:
		return "not copied";
	case PLAN_FLAGS:
		return "flags not set";
	case PLAN_SET_UID:
		return "UID not changed";
	case PLAN_MODSEQ:
		return "modseq not raised";
	case PLAN_EXPUNGE:
		return "not expunged";
	}
	abort();
}

static const char *
why_of(const struct msg_result *result)
{
	switch (result->status) {
	case RESULT_STALE:
		return "it was changed meanwhile";
	case RESULT_ACCESS:
		return "our key may not do that there";
	case RESULT_NOT_EMPTY:
		return "it holds messages";
	case RESULT_OTHER_UID:
	case RESULT_NOT_HELD:
	case RESULT_FAILED:
	case RESULT_PARTIAL:
	case RESULT_OTHER_MODSEQ:
		break;
	}
	return result->text != NULL && result->text[0] != '\0' ?
	    result->text : "the store gave no reason";
}

int
results_on_result(struct brain *brain, unsigned int s,
    const struct msg_result *result, struct err *err)
{
	const struct sent_op *sent = sent_find(&brain->side[s], result->op);
	const char *rule = "P8", *why;

	if (sent == NULL)
		return err_set(err, ERR_PROTO,
		    "RESULT of an operation that is not under way");
	if (result->status == RESULT_OTHER_MODSEQ) {
		highest_on_result(brain, s, sent, result->modseq);
		return 0;
	}
	/* What changed meanwhile has a new modseq by that, or is gone (E7). */
	if (result->status == RESULT_STALE && (sent->what == SENT_MODSEQ ||
	    (sent->what == SENT_MAIL && sent->kind == PLAN_MODSEQ)))
		return 0;
	if (result->status == RESULT_OTHER_UID &&
	    (sent->what == SENT_MAIL || sent->what == SENT_MEND ||
	    sent->what == SENT_REBUILD)) {
		on_other_uid(brain, s, sent, result->uid);
		return 0;
	}
	/* It went under a UID that the view did not tell (F6). */
	if (result->status == RESULT_OTHER_UID &&
	    sent->what == SENT_EXPUNGE) {
		highest_left(brain, sent->entry, result->uid);
		return 0;
	}
	if (result->status == RESULT_NOT_HELD && sent->what == SENT_MAIL &&
	    sent->kind == PLAN_COPY && sent->copy != NULL) {
		on_not_held(brain, s, sent);
		return 0;
	}
	why = why_of(result);
	if (result->status == RESULT_PARTIAL) {
		refuse(brain, s, sent, why);
		tell_pending(brain, s, sent->entry, sent->uid, sent->guid,
		    "F5", "not done in full", why);
		return 0;
	}
	if (sent->what == SENT_MODSEQ)
		highest_not_raised(brain, s, sent);
	if (result->status == RESULT_FAILED)
		rule = result->code == ERR_NOSPACE ? "E2" : "E1";
	count_failed(brain, sent);
	refuse(brain, s, sent, why);
	tell_pending(brain, s, sent->entry, sent->uid, sent->guid, rule,
	    what_of(sent), why);
	return 0;
}

int
results_on_done(struct brain *brain, unsigned int s,
    const struct msg_done *done, struct err *err)
{
	struct run_side *side = &brain->side[s];

	if (done->op > side->op || done->op < side->done)
		return err_set(err, ERR_PROTO,
		    "DONE of an operation that was not sent");
	for (uint32_t op = side->done + 1; op <= done->op; op++) {
		const struct sent_op *sent = sent_find(side, op);

		if (sent != NULL && sent->what == SENT_MAIL &&
		    sent->kind != PLAN_SAVE)
			brain->done++;
		if (sent != NULL && sent->what == SENT_EXPUNGE)
			brain->done++;
	}
	side->done = done->op;
	if (side->done >= side->sent_first)
		side->sent_head = side->done - side->sent_first + 1;
	tell_progress(brain, EVENT_PROGRESS);
	return 0;
}

/* The round's mends and late saves of one side. */
bool
results_mends_left(const struct brain *brain, unsigned int s)
{
	const struct run_side *other = &brain->side[!s];

	if (brain->side[s].late_asked < brain->side[s].late.n)
		return true;
	return other->get_count > 0;
}

bool
results_mend_one(struct brain *brain, unsigned int s)
{
	struct msg msg = { .kind = MSG_OP_SET_UID };
	struct mend *mend = NULL;
	struct sent_op *sent;

	while (brain->mend_at[s] < brain->mends.n && mend == NULL) {
		mend = &brain->mends.v[brain->mend_at[s]++];
		/* None is left above the last UID. */
		if (mend->side != s || mend->new_uid == 0)
			mend = NULL;
	}
	if (mend == NULL)
		return false;
	sent = emit_number(&brain->side[s], &msg.u.op_set_uid.op);
	sent->what = SENT_MEND;
	sent->entry = mend->entry;
	sent->mailbox = mend->mailbox;
	sent->uid = mend->new_uid;
	sent->mark = mend->mark;
	msg.u.op_set_uid.mailbox = mend->mailbox;
	msg.u.op_set_uid.uid = mend->uid;
	msg.u.op_set_uid.mark = mend->mark;
	msg.u.op_set_uid.new_uid = mend->new_uid;
	msg.u.op_set_uid.modseq = mend->modseq;
	brain->accounts[mend->entry].renumbered++;
	brain->send(s, &msg, brain->arg);
	return true;
}

static bool
round_needed(const struct brain *brain)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		if (brain->side[s].late_asked < brain->side[s].late.n)
			return true;
	return brain->others.n > 0 || highest_round_needed(brain) ||
	    rebuild_left(brain);
}

static int
mend_cmp(const void *a, const void *b)
{
	const struct mend *x = a, *y = b;

	return x->new_uid < y->new_uid ? -1 : x->new_uid > y->new_uid;
}

int
results_on_committed(struct brain *brain, unsigned int s, struct err *err)
{
	struct run_side *side = &brain->side[s];

	if (!side->commit_sent || side->committed)
		return err_set(err, ERR_PROTO,
		    "COMMITTED that nobody asked for");
	side->committed = true;
	if (!brain->side[!s].committed)
		return 0;
	if (!round_needed(brain)) {
		results_finish(brain);
		return 0;
	}
	if (brain->mend_round >= RUN_MENDS_MAX) {
		for (size_t i = 0; i < brain->others.n; i++) {
			const struct other_uid *o = &brain->others.v[i];

			tell_pending(brain, o->side, o->entry, o->got,
			    NULL, "M12", "UID not changed",
			    "it was taken again and again");
		}
		results_finish(brain);
		return 0;
	}
	brain->mend_round++;
	brain->mends.n = brain->mend_at[0] = brain->mend_at[1] = 0;
	make_mends(brain);
	highest_new_round(brain);
	brain->rebuild_flush = 0;
	if (brain->mends.n > 1)
		qsort(brain->mends.v, brain->mends.n,
		    sizeof(*brain->mends.v), mend_cmp);
	for (unsigned int i = 0; i < SIDE_COUNT; i++)
		brain->side[i].committed = brain->side[i].commit_sent = false;
	brain->phase = RUN_WORK;
	return 0;
}

void
results_finish(struct brain *brain)
{
	struct msg msg = { .kind = MSG_BYE };

	if (brain->phase == RUN_END)
		return;
	brain->phase = RUN_END;
	tell_accounts(brain);
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		brain->send(s, &msg, brain->arg);
}
