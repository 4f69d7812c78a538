/*
 * emit.c - from the plans to the stores
 *
 * For each side the operations go out in one fixed order: the tree, then job
 * by job flags, saves, copies and UID changes by rising UID, and at the very
 * end the expunges, the removal of mailboxes, FLUSH and COMMIT.  So every save
 * of the run is sent before any expunge (P9).
 *
 * Bodies are asked for ahead of that order, in the same order, so that they
 * arrive just when their turn comes: when a body begins, everything before it
 * is sent, then the body is passed on piece by piece and never held.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "brain/run.h"

struct sent_op *
emit_number(struct run_side *side, uint32_t *op_r)
{
	struct sent_op *sent;

	/* Keep the row short: what is done is dropped now and then. */
	if (side->sent_head > 1024 && side->sent_head * 2 > side->sent.n) {
		memmove(side->sent.v, side->sent.v + side->sent_head,
		    (side->sent.n - side->sent_head) *
		    sizeof(*side->sent.v));
		side->sent.n -= side->sent_head;
		side->sent_first += (uint32_t)side->sent_head;
		side->sent_head = 0;
	}
	sent = ARRAY_ADD(&side->sent);
	*op_r = ++side->op;
	return sent;
}

static void
send_mailbox(struct brain *brain, unsigned int s, size_t entry,
    const struct tree_op *step)
{
	const struct tree_entry *e = &brain->entries.v[entry];
	struct msg msg = { .kind = MSG_OP_MAILBOX };
	struct msg_op_mailbox *m = &msg.u.op_mailbox;
	struct sent_op *sent = emit_number(&brain->side[s], &m->op);

	m->create = step->create;
	m->recreate = step->recreate;
	m->temporary = step->temporary;
	m->box = e->target;
	m->box.name = step->name;
	m->box.set_digest = NULL;
	if (e->box[s] != NULL) {
		m->box.guid = e->box[s]->guid;
		if (!step->temporary && !e->keeps_guid[s] &&
		    !guid_eq(&e->target.guid, &e->box[s]->guid))
			m->new_guid = e->target.guid;
	}
	/* UIDVALIDITY of an existing one and UIDNEXT come with its messages. */
	if (!step->create)
		m->box.uidvalidity = 0;
	m->box.uidnext = 0;
	m->box.highestmodseq = 0;
	sent->what = SENT_TREE;
	sent->entry = entry;
	sent->mailbox = run_guid(brain, s, entry);
	brain->send(s, &msg, brain->arg);
}

void
emit_state(struct brain *brain, unsigned int s, size_t entry,
    uint32_t uidvalidity, uint32_t uidnext, uint64_t highestmodseq)
{
	const struct tree_entry *e = &brain->entries.v[entry];
	struct msg msg = { .kind = MSG_OP_MAILBOX };
	struct msg_op_mailbox *m = &msg.u.op_mailbox;
	struct sent_op *sent = emit_number(&brain->side[s], &m->op);

	m->box = e->target;
	m->box.guid = run_guid(brain, s, entry);
	m->box.set_digest = NULL;
	m->box.uidvalidity = uidvalidity;
	m->box.uidnext = uidnext;
	m->box.highestmodseq = highestmodseq;
	highest_put_vanished(brain, s, entry, m);
	sent->what = highestmodseq != 0 ? SENT_HIGHEST : SENT_STATE;
	sent->entry = entry;
	sent->mailbox = m->box.guid;
	brain->send(s, &msg, brain->arg);
}

void
emit_flush(struct brain *brain, unsigned int s)
{
	struct msg msg = { .kind = MSG_FLUSH };
	struct sent_op *sent = emit_number(&brain->side[s],
	    &msg.u.flush.op);

	sent->what = SENT_FLUSH;
	brain->side[s].flush = msg.u.flush.op;
	brain->send(s, &msg, brain->arg);
}

static void
send_subs(struct brain *brain)
{
	struct msg msg = { .kind = MSG_OP_SUBSCRIBE };
	struct sent_op *sent;

	for (size_t i = 0; i < brain->subs.n; i++) {
		const struct tree_sub *sub = &brain->subs.v[i];

		sent = emit_number(&brain->side[sub->side],
		    &msg.u.op_subscribe.op);
		sent->what = SENT_SUB;
		sent->entry = SIZE_MAX;
		msg.u.op_subscribe.sub = sub->sub;
		brain->send(sub->side, &msg, brain->arg);
	}
}

void
emit_open(struct brain *brain)
{
	struct tree_op *step;

	brain->gate = true;
	if (brain->args->dry_run)
		return;
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		struct run_side *side = &brain->side[s];

		if (!run_is_dest(brain, s))
			continue;
		merge_tree_ops(brain->arena, &brain->entries, s,
		    &side->tree_ops);
		for (size_t i = 0; i < side->tree_ops.n; i++) {
			step = &side->tree_ops.v[i];
			if (!step->delete)
				send_mailbox(brain, s, step->entry, step);
		}
	}
	send_subs(brain);
	attributes_emit(brain);
}

static void
remember_mail(struct sent_op *sent, struct brain *brain, unsigned int s,
    const struct job *job, const struct plan_op *op)
{
	sent->what = SENT_MAIL;
	sent->kind = op->kind;
	sent->entry = job->entry;
	sent->mailbox = run_guid(brain, s, job->entry);
	sent->uid = op->kind == PLAN_SET_UID ? op->new_uid : op->uid;
	sent->from_uid = op->from_uid;
	sent->mark = op->rec.marks[0];
	sent->guid = op->rec.guid;
	if (op->kind == PLAN_COPY || op->kind == PLAN_SET_UID)
		results_note_uid(brain, s, job->entry, sent->uid);
}

static void
send_op(struct brain *brain, unsigned int s, struct job *job,
    const struct plan_op *op)
{
	const struct guid128 box = run_guid(brain, s, job->entry);
	struct msg msg = { .kind = MSG_OP_FLAGS };
	struct sent_op *sent;
	uint32_t number;

	sent = emit_number(&brain->side[s], &number);
	remember_mail(sent, brain, s, job, op);
	job->last_op[s] = number;
	switch (op->kind) {
	case PLAN_FLAGS:
		msg.u.op_flags = (struct msg_op_flags){
			.op = number, .mailbox = box, .uid = op->uid,
			.marks = op->rec.marks,
			.mark_count = op->rec.mark_count,
			.flags = op->rec.flags, .modseq = op->rec.modseq,
		};
		break;
	case PLAN_COPY:
		msg.kind = MSG_OP_COPY;
		msg.u.op_copy = (struct msg_op_copy){
			.op = number, .mailbox = box, .message = op->rec,
		};
		sent->copy = arena_alloc(job->arena, sizeof(*sent->copy));
		*sent->copy = op->rec;
		break;
	case PLAN_SET_UID:
		msg.kind = MSG_OP_SET_UID;
		msg.u.op_set_uid = (struct msg_op_set_uid){
			.op = number, .mailbox = box, .uid = op->uid,
			.mark = op->rec.marks[0], .new_uid = op->new_uid,
			.modseq = op->rec.modseq,
		};
		break;
	case PLAN_MODSEQ:
		msg.kind = MSG_OP_MODSEQ;
		msg.u.op_modseq = (struct msg_op_modseq){
			.op = number, .mailbox = box, .uid = op->uid,
			.mark = op->rec.marks[0], .modseq = op->rec.modseq,
		};
		break;
	case PLAN_SAVE:
	case PLAN_EXPUNGE:
		abort();	/* sent with their body; kept for the end */
	}
	brain->send(s, &msg, brain->arg);
}

static struct job *
next_ready(const struct brain *brain, const struct job *after)
{
	return after == NULL ? TAILQ_FIRST(&brain->ready) :
	    TAILQ_NEXT(after, link);
}

/*
 * Send the next operation of the jobs: 1; 0: a body has to come first, or
 * there is none.
 */
static int
emit_job_op(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s];
	struct job *job = next_ready(brain, side->emitted);
	const struct plan_side *plan;
	const struct plan_op *op;

	if (job == NULL)
		return 0;
	plan = &job->plan.side[s];
	if (!job->pre_sent[s]) {
		job->pre_sent[s] = true;
		if (plan->uidvalidity != 0)
			emit_state(brain, s, job->entry, plan->uidvalidity, 0,
			    0);
	}
	if (job->sent[s] < plan->ops.n) {
		op = &plan->ops.v[job->sent[s]];
		if (op->kind == PLAN_SAVE && !op->given_up)
			return 0;
		if (!op->given_up)
			send_op(brain, s, job, op);
		job->sent[s]++;
		return 1;
	}
	/* A mailbox that is about to be removed needs no UIDNEXT. */
	if (plan->uidnext != 0 &&
	    brain->entries.v[job->entry].fate == TREE_KEEP)
		emit_state(brain, s, job->entry, 0, plan->uidnext, 0);
	if (plan->uidvalidity != 0)
		emit_flush(brain, s);
	job->last_op[s] = side->op;
	job->emitted[s] = true;
	side->emitted = job;
	return 1;
}

/* One-way: what it makes way for may be what could not be read (M5). */
static bool
has_to_stay(const struct brain *brain, const struct late_expunge *late)
{
	const struct brain_account *acc = &brain->accounts[late->entry];

	return brain->source >= 0 && late->op.no_tombstone &&
	    acc->failed + acc->skipped > 0;
}

static int
emit_expunge(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s];
	struct late_expunge *late;
	struct msg msg = { .kind = MSG_OP_EXPUNGE };
	struct sent_op *sent;

	while (side->expunge_sent < side->expunges.n &&
	    has_to_stay(brain, &side->expunges.v[side->expunge_sent])) {
		side->expunge_sent++;
		brain->done++;
	}
	if (side->expunge_sent >= side->expunges.n)
		return 0;
	late = &side->expunges.v[side->expunge_sent++];
	sent = emit_number(side, &msg.u.op_expunge.op);
	sent->what = SENT_EXPUNGE;
	sent->entry = late->entry;
	sent->mailbox = late->mailbox;
	sent->uid = late->op.uid;
	sent->mark = late->op.rec.marks[0];
	sent->guid = late->op.rec.guid;
	msg.u.op_expunge.mailbox = late->mailbox;
	msg.u.op_expunge.uid = late->op.uid;
	msg.u.op_expunge.marks = late->op.rec.marks;
	msg.u.op_expunge.mark_count = late->op.rec.mark_count;
	msg.u.op_expunge.no_tombstone = late->op.no_tombstone;
	msg.u.op_expunge.guid = late->moved ? late->op.rec.guid : "";
	brain->send(s, &msg, brain->arg);
	return 1;
}

static int
emit_delete(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s];
	struct msg msg = { .kind = MSG_OP_MAILBOX_DELETE };
	const struct tree_entry *e;
	const struct tree_op *step;
	struct sent_op *sent;

	while (side->delete_sent < side->tree_ops.n) {
		step = &side->tree_ops.v[side->delete_sent++];
		if (!step->delete)
			continue;
		e = &brain->entries.v[step->entry];
		sent = emit_number(side, &msg.u.op_mailbox_delete.op);
		sent->what = SENT_DELETE;
		sent->entry = step->entry;
		sent->mailbox = run_guid(brain, s, step->entry);
		msg.u.op_mailbox_delete.guid = sent->mailbox;
		msg.u.op_mailbox_delete.stamp = e->gone[!s] != NULL ?
		    e->gone[!s]->stamp : stamp_after(e->target.exist_stamp, 0);
		brain->send(s, &msg, brain->arg);
		return 1;
	}
	return 0;
}

/* The other side's refusals, and what the plan left out, go on the list too. */
static void
send_pending(struct brain *brain, unsigned int s)
{
	struct run_side *other = &brain->side[!s];
	struct msg msg = { .kind = MSG_PENDING };

	for (size_t i = 0; i < other->refused.n; i++) {
		msg.u.pending = other->refused.v[i];
		brain->send(s, &msg, brain->arg);
	}
}

static void
send_commit(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s];
	struct msg msg = { .kind = MSG_COMMIT };

	side->commit_sent = true;
	emit_flush(brain, s);
	send_pending(brain, s);
	msg.u.commit.peer = brain->side[!s].store;
	msg.u.commit.scope = brain->scope;
	msg.u.commit.peer_messages = brain->side[!s].view.messages;
	msg.u.commit.prune =
	    (brain->side[!s].caps & MSG_CAP_DIRECTORIES) == 0;
	brain->send(s, &msg, brain->arg);
}

/* All jobs are planned and everything of this side's has been sent? */
static bool
jobs_sent(const struct brain *brain, unsigned int s)
{
	return jobs_all_planned(brain) &&
	    next_ready(brain, brain->side[s].emitted) == NULL;
}

static int
emit_one(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s];
	int r;

	/* Nothing comes between the pieces of a body. */
	if (side->commit_sent || brain->side[!s].body != NULL)
		return 0;
	if (brain->mend_round > 0) {
		if (results_mend_one(brain, s))
			return 1;
		if (highest_emit_raise(brain, s))
			return 1;
		if (results_mends_left(brain, s))
			return 0;
		r = highest_confirm(brain, s);
		if (r != -1)
			return r;
		if (highest_emit(brain, s))
			return 1;
		if ((r = rebuild_emit(brain, s)) != -1 ||
		    (r = highest_settle(brain, s)) != -1)
			return r;
		send_commit(brain, s);
		return 1;
	}
	if (emit_job_op(brain, s))
		return 1;
	if (!jobs_sent(brain, s))
		return 0;
	if (emit_expunge(brain, s) || highest_emit(brain, s) ||
	    emit_delete(brain, s))
		return 1;
	if ((r = rebuild_emit(brain, s)) != -1)
		return r;
	send_commit(brain, s);
	return 1;
}

static void
ask_body(struct brain *brain, unsigned int o, struct job *job, size_t op,
    const struct guid128 *mailbox, uint32_t uid, const char *guid)
{
	struct run_side *other = &brain->side[o];
	struct get *get = calloc(1, sizeof(*get));
	struct msg msg = { .kind = MSG_GET };

	if (get == NULL)
		abort();
	get->request = ++other->request;
	get->job = job;
	get->op = op;
	STAILQ_INSERT_TAIL(&other->gets, get, link);
	other->get_count++;
	msg.u.get.request = get->request;
	msg.u.get.mailbox = *mailbox;
	msg.u.get.uid = uid;
	msg.u.get.guid = guid;
	brain->send(o, &msg, brain->arg);
}

/* Ask the other side for the bodies that side s will save next. */
static void
ask_bodies(struct brain *brain, unsigned int s)
{
	struct run_side *side = &brain->side[s], *other = &brain->side[!s];
	const struct plan_ops *ops;
	struct job *job;

	while (other->get_count < RUN_GETS_MAX &&
	    (job = next_ready(brain, side->asked)) != NULL) {
		ops = &job->plan.side[s].ops;
		while (job->asked[s] < ops->n &&
		    other->get_count < RUN_GETS_MAX) {
			const struct plan_op *op = &ops->v[job->asked[s]];
			struct guid128 from = run_guid(brain, !s, job->entry);

			if (op->kind == PLAN_SAVE)
				ask_body(brain, !s, job, job->asked[s], &from,
				    op->from_uid, op->rec.guid);
			job->asked[s]++;
		}
		if (job->asked[s] < ops->n)
			break;
		side->asked = job;
	}
	while (other->get_count < RUN_GETS_MAX && brain->mend_round > 0 &&
	    side->late_asked < side->late.n) {
		const struct late_save *late = &side->late.v[side->late_asked];

		ask_body(brain, !s, NULL, side->late_asked++, &late->from,
		    late->from_uid, late->rec.guid);
	}
}

/* Jobs that both stores have made durable are over. */
static void
reap_jobs(struct brain *brain)
{
	struct job *job, *next;

	TAILQ_FOREACH_SAFE(job, &brain->ready, link, next) {
		for (unsigned int s = 0; s < SIDE_COUNT; s++) {
			const struct run_side *side = &brain->side[s];

			if (run_is_dest(brain, s) && (!job->emitted[s] ||
			    job->last_op[s] > side->done))
				return;
			if (job->asked[s] < job->plan.side[s].ops.n)
				return;
		}
		for (unsigned int s = 0; s < SIDE_COUNT; s++) {
			struct run_side *side = &brain->side[s];

			if (side->emitted == job)
				side->emitted = TAILQ_PREV(job, jobs, link);
			if (side->asked == job)
				side->asked = TAILQ_PREV(job, jobs, link);
		}
		TAILQ_REMOVE(&brain->ready, job, link);
		job_free(brain, &job);
	}
}

/* All of a renumbering is one step of the store, up to its own FLUSH (M10). */
static bool
is_renumbering(const struct brain *brain, unsigned int s)
{
	const struct job *job = next_ready(brain, brain->side[s].emitted);

	return job != NULL && job->pre_sent[s] &&
	    job->plan.side[s].uidvalidity != 0;
}

/*
 * The oldest job keeps others from being begun, and a store has not enough
 * operations yet to make them durable unasked.
 */
static void
flush_oldest(struct brain *brain)
{
	const struct job *job = TAILQ_FIRST(&brain->ready);

	if (job == NULL || !jobs_window_full(brain))
		return;
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct run_side *side = &brain->side[s];

		if (job->emitted[s] && job->last_op[s] > side->done &&
		    job->last_op[s] > side->flush &&
		    !is_renumbering(brain, s) &&
		    side->op - side->done < RUN_BATCH &&
		    brain->side[!s].body == NULL)
			emit_flush(brain, s);
	}
}

/* Was there anything to tell each other since the base?  Else nothing is
   changed, not even a log (P3). */
static bool
nothing_happened(const struct brain *brain)
{
	if (!brain->base)
		return false;
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		if (brain->side[s].changed || brain->side[s].op > 0)
			return false;
	return true;
}

int
emit_step(struct brain *brain, const bool room[static SIDE_COUNT],
    struct err *err)
{
	(void)err;
	if (!brain->gate)
		return 0;
	if (brain->args->dry_run || (nothing_happened(brain) &&
	    jobs_all_planned(brain))) {
		results_finish(brain);
		return 0;
	}
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		if (room[!s])
			ask_bodies(brain, s);
		for (unsigned int n = 0; room[s] && n < RUN_SEND_MAX &&
		    emit_one(brain, s); n++)
			continue;
	}
	if (brain->side[0].commit_sent && brain->side[1].commit_sent)
		brain->phase = RUN_COMMIT;
	reap_jobs(brain);
	flush_oldest(brain);
	return 0;
}

static void
send_save(struct brain *brain, unsigned int s, size_t entry,
    const struct msg_message *rec, uint32_t from_uid,
    const struct msg_body *body, uint32_t *op_r)
{
	struct msg msg = { .kind = MSG_OP_SAVE };
	struct msg_op_save *save = &msg.u.op_save;
	struct sent_op *sent = emit_number(&brain->side[s], &save->op);

	sent->what = SENT_MAIL;
	sent->kind = PLAN_SAVE;
	sent->entry = entry;
	sent->mailbox = run_guid(brain, s, entry);
	sent->uid = rec->uid;
	sent->from_uid = from_uid;
	sent->mark = rec->marks[0];
	sent->guid = rec->guid;
	results_note_uid(brain, s, entry, rec->uid);
	save->mailbox = sent->mailbox;
	save->message = *rec;
	save->message.received = body->received;
	save->message.saved = body->saved;
	save->message.digest = NULL;
	save->size = body->size;
	*op_r = save->op;
	brain->send(s, &msg, brain->arg);
}

int
emit_on_body(struct brain *brain, unsigned int o, const struct msg_body *body,
    struct err *err)
{
	struct run_side *other = &brain->side[o], *side = &brain->side[!o];
	struct get *get = STAILQ_FIRST(&other->gets);
	const struct late_save *late;
	const struct plan_op *op;
	struct job *job;
	uint32_t number;

	if (other->body != NULL || get == NULL ||
	    get->request != body->request)
		return err_set(err, ERR_PROTO, "BODY that nobody asked for");
	STAILQ_REMOVE_HEAD(&other->gets, link);
	other->body = get;
	if (get->job == NULL) {
		late = &side->late.v[get->op];
		send_save(brain, !o, late->entry, &late->rec, late->from_uid,
		    body, &number);
		return 0;
	}
	job = get->job;
	while (next_ready(brain, side->emitted) != job ||
	    job->sent[!o] < get->op)
		if (emit_job_op(brain, !o) == 0)
			return err_set(err, ERR_PROTO, "BODY out of order");
	/* Not the first of its job: what comes before it is out. */
	if (!job->pre_sent[!o])
		(void)emit_job_op(brain, !o);
	op = &job->plan.side[!o].ops.v[get->op];
	send_save(brain, !o, job->entry, &op->rec, op->from_uid, body,
	    &number);
	job->last_op[!o] = number;
	return 0;
}

int
emit_on_chunk(struct brain *brain, unsigned int o,
    const struct msg_chunk *chunk, struct err *err)
{
	struct msg msg = { .kind = MSG_BODY_CHUNK };

	if (brain->side[o].body == NULL)
		return err_set(err, ERR_PROTO, "body bytes out of order");
	msg.u.chunk = *chunk;
	brain->bytes += chunk->len;
	brain->send(!o, &msg, brain->arg);
	return 0;
}

static void
body_over(struct brain *brain, unsigned int o, struct get *get)
{
	struct run_side *other = &brain->side[o];

	if (get->job != NULL)
		get->job->sent[!o]++;
	other->get_count--;
	free(get);
	brain->done++;
	tell_progress(brain, EVENT_PROGRESS);
}

int
emit_on_body_end(struct brain *brain, unsigned int o,
    const struct msg_body_end *end, struct err *err)
{
	struct run_side *other = &brain->side[o];
	struct msg msg = { .kind = MSG_BODY_END };

	if (other->body == NULL)
		return err_set(err, ERR_PROTO, "BODY_END out of order");
	msg.u.body_end = *end;
	brain->send(!o, &msg, brain->arg);
	body_over(brain, o, other->body);
	other->body = NULL;
	return 0;
}

int
emit_on_get_failed(struct brain *brain, unsigned int o,
    const struct msg_get_failed *failed, struct err *err)
{
	struct run_side *other = &brain->side[o], *side = &brain->side[!o];
	struct get *get = STAILQ_FIRST(&other->gets);
	const struct msg_message *rec;
	struct plan_op *op;
	uint32_t uid;
	size_t entry;

	if (other->body != NULL || get == NULL ||
	    get->request != failed->request)
		return err_set(err, ERR_PROTO,
		    "GET_FAILED that nobody asked for");
	STAILQ_REMOVE_HEAD(&other->gets, link);
	if (get->job != NULL) {
		op = &get->job->plan.side[!o].ops.v[get->op];
		op->given_up = true;
		entry = get->job->entry;
		rec = &op->rec;
		uid = op->from_uid;
	} else {
		entry = side->late.v[get->op].entry;
		rec = &side->late.v[get->op].rec;
		uid = side->late.v[get->op].from_uid;
	}
	run_note_pending(brain, o, &brain->entries.v[entry].target.guid, uid,
	    &rec->marks[0], arena_strdup(brain->arena, failed->text));
	(void)rebuild_got(brain, entry, &rec->marks[0], 0);
	brain->accounts[entry].copied--;
	/* Gone by now: it belongs to the next run (M12, E7). */
	if (failed->code == ERR_NOTFOUND)
		brain->accounts[entry].skipped++;
	else
		brain->accounts[entry].failed++;
	tell_pending(brain, o, entry, uid, rec->guid, "E1", "can't be read",
	    failed->text);
	other->get_count--;
	free(get);
	brain->done++;
	return 0;
}
