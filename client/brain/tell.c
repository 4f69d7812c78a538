/*
 * tell.c - what people are told: progress, plan, decisions, accounts
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "brain/hint.h"
#include "brain/run.h"
#include "model/mailbox_name.h"

void
tell_text(struct brain *brain, enum brain_event_kind kind, unsigned int side,
    const char *rule, const char *fmt, ...)
{
	char text[TEXT_LINE_MAX];
	struct brain_event event = {
		.kind = kind, .side = side, .rule = rule, .text = text,
		.messages_total = brain->total, .messages_done = brain->done,
		.bytes_done = brain->bytes,
	};
	va_list ap;

	if (brain->event == NULL)
		return;
	if (kind == EVENT_DECISION)
		event.undo = hint_undo(rule);
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	brain->event(&event, brain->arg);
}

void
tell_progress(struct brain *brain, enum brain_event_kind kind)
{
	struct brain_event event = {
		.kind = kind,
		.messages_total = brain->total, .messages_done = brain->done,
		.bytes_done = brain->bytes,
	};

	if (brain->event != NULL)
		brain->event(&event, brain->arg);
}

const char *
tell_side(unsigned int s)
{
	return s == SIDE_A ? "first" : "second";
}

static const char *
box_name(const struct brain *brain, size_t entry, struct strbuf *buf)
{
	if (entry >= brain->entries.n)
		return "(subscriptions)";
	strbuf_init(buf, TEXT_LINE_MAX);
	name_print(buf, brain->entries.v[entry].target.name);
	return buf->data;
}

static void
tell_ops(struct brain *brain, size_t entry, unsigned int s,
    const struct plan_ops *ops)
{
	struct strbuf line, name;
	const char *box;

	strbuf_init(&line, TEXT_LINE_MAX);
	box = box_name(brain, entry, &name);
	for (size_t i = 0; i < ops->n; i++) {
		if (!plan_op_is_seen(&ops->v[i]))
			continue;
		strbuf_reset(&line);
		plan_op_format(&line, &ops->v[i]);
		tell_text(brain, EVENT_ACTION, s, ops->v[i].rule, "%s: %s: %s",
		    tell_side(s), box, line.data);
		brain->work = true;
	}
	if (entry < brain->entries.n)
		strbuf_deinit(&name);
	strbuf_deinit(&line);
}

/* Nobody misses anything by it, but a run that may has to know (T10). */
void
tell_kept_guids(struct brain *brain)
{
	for (size_t i = 0; i < brain->entries.n; i++)
		for (unsigned int s = 0; s < SIDE_COUNT; s++) {
			const struct tree_entry *e = &brain->entries.v[i];

			if (e->keeps_guid[s] && run_is_dest(brain, s))
				run_note_pending(brain, s, &e->target.guid,
				    RUN_UID_UNEQUAL, NULL,
				    "it keeps its GUID");
		}
}

/*
 * B2: what only holds mail at the destination becomes no directory again.  Since
 * it is remembered, the next two-way run makes it a mailbox on both sides.
 */
void
tell_kept_mailboxes(struct brain *brain)
{
	unsigned int dest = brain->source == 0;
	struct strbuf name;

	for (size_t i = 0; i < brain->entries.n && brain->source >= 0; i++) {
		const struct tree_entry *e = &brain->entries.v[i];

		if (e->fate != TREE_KEEP || e->target.selectable ||
		    e->box[dest] == NULL || !e->box[dest]->selectable)
			continue;
		tell_text(brain, EVENT_DECISION, dest, "B2", "%s: it is a mere "
		    "directory at the source: emptied, it stays a mailbox",
		    box_name(brain, i, &name));
		strbuf_deinit(&name);
		run_note_pending(brain, dest, &e->box[dest]->guid,
		    RUN_UID_UNEQUAL, NULL, "it stays a mailbox");
	}
}

/* Conflicts, and what is not obvious, of one mailbox. */
static void
tell_notes(struct brain *brain, const struct job *job)
{
	const struct plan_notes *notes = &job->plan.notes;
	struct strbuf name, guid;
	const char *box;

	if (notes->n == 0)
		return;
	box = box_name(brain, job->entry, &name);
	strbuf_init(&guid, TEXT_LINE_MAX);
	for (size_t i = 0; i < notes->n; i++) {
		const struct plan_note *note = &notes->v[i];

		strbuf_reset(&guid);
		if (note->guid != NULL)
			strbuf_add_escaped(&guid, note->guid,
			    strlen(note->guid));
		if (note->uid == 0)
			tell_text(brain, EVENT_DECISION, SIDE_A, note->rule,
			    "%s: %s", box, note->what);
		else
			tell_text(brain, EVENT_DECISION, SIDE_A, note->rule,
			    "%s: UID %u guid %s: %s", box,
			    (unsigned int)note->uid, guid.data, note->what);
	}
	strbuf_deinit(&guid);
	if (job->entry < brain->entries.n)
		strbuf_deinit(&name);
}

static void
tell_rebuild(struct brain *brain, const struct job *job)
{
	struct strbuf name;

	tell_text(brain, EVENT_DECISION, !brain->source, "B3",
	    "%s: built anew at the destination: %zu messages get the UIDs "
	    "that they have at the source, under the same bodies",
	    box_name(brain, job->entry, &name), job->plan.uids.n);
	strbuf_deinit(&name);
	brain->work = true;
}

/* Side s is not made equal; noted: whose entry makes the next run look. */
static void
leave_whole(struct brain *brain, const struct job *job, unsigned int s,
    unsigned int noted, const char *rule, const char *what, const char *why)
{
	tell_pending(brain, s, job->entry, 0, NULL, rule, what, why);
	run_note_pending(brain, noted,
	    &brain->entries.v[job->entry].target.guid, 0, NULL, why);
}

void
tell_plan(struct brain *brain, struct job *job)
{
	const struct plan_mails *plan = &job->plan;
	/* The side that can't be written, as it should be. */
	unsigned int weak = brain->source >= 0 ?
	    (unsigned int)brain->source :
	    brain->side[1].access != ACCESS_READ_WRITE;
	unsigned int behind = job->side[0].uidnext > job->side[1].uidnext;
	const struct guid128 *box = &brain->entries.v[job->entry].target.guid;

	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		tell_ops(brain, job->entry, s, &plan->side[s].ops);
		tell_ops(brain, job->entry, s, &plan->side[s].expunges);
	}
	tell_notes(brain, job);
	if (plan->uids_used_up)
		leave_whole(brain, job, behind, behind, "M4", "left alone",
		    "its UIDs are nearly used up on the other side; it needs "
		    "another UIDVALIDITY there");
	if (plan->parted)
		leave_whole(brain, job, !weak, weak, "M5", "not done yet",
		    "one message of the destination was taken for several of "
		    "the source, which are saved anew; the next run compares "
		    "them");
	for (size_t i = 0; i < plan->blocked.n; i++) {
		const struct plan_op *op = &plan->blocked.v[i];

		tell_pending(brain, !weak, job->entry, op->uid, op->rec.guid,
		    op->rule,
		    "its UID can't be taken over", brain->source >= 0 ?
		    "it is below UIDNEXT of the destination, whose mailbox "
		    "would have to be rebuilt" : "we may only add messages to "
		    "the other side, where it has another one");
		run_note_pending(brain, weak, box, op->uid, &op->rec.marks[0],
		    "the other side has another UID");
	}
	if (plan->rebuild)
		tell_rebuild(brain, job);
	if (plan->uidvalidity_kept)
		leave_whole(brain, job, !weak, weak, "M10", "UIDVALIDITY "
		    "can't be taken over", "we may only add messages there");
	/* Nobody misses anything by it, but the next run has to know. */
	if (plan->uidnext_above || plan->modseq_above ||
	    jobs_left_unequal(brain, job))
		run_note_pending(brain, weak, box, RUN_UID_UNEQUAL, NULL,
		    plan->uidnext_above ?
		    "the destination's UIDNEXT is above the source's" :
		    "modseqs can't be made equal");
	tell_progress(brain, EVENT_PLAN);
}

static void
tell_step(struct brain *brain, unsigned int s, const struct tree_op *step)
{
	struct tree_entry *e = &brain->entries.v[step->entry];
	struct brain_account *acc = &brain->accounts[step->entry];
	const char *old = e->box[s] != NULL ? e->box[s]->name : "";
	struct strbuf name, from;

	if (step->temporary)
		return;
	strbuf_init(&name, TEXT_LINE_MAX);
	strbuf_init(&from, TEXT_LINE_MAX);
	name_print(&name, step->name);
	name_print(&from, old);
	if (step->create) {
		acc->created = true;
		tell_text(brain, EVENT_ACTION, s, "T2", "%s: %s: create%s",
		    tell_side(s), name.data,
		    step->recreate ? " again" : "");
	} else if (step->delete) {
		acc->removed = true;
		tell_text(brain, EVENT_ACTION, s, e->rule, "%s: %s: remove",
		    tell_side(s), name.data);
	} else if (e->box[s] != NULL && strcmp(old, step->name) != 0) {
		acc->renamed = true;
		tell_text(brain, EVENT_ACTION, s, "T7", "%s: %s: rename to %s",
		    tell_side(s), from.data, name.data);
	} else if (e->box[s] != NULL && !e->box[s]->selectable &&
	    e->target.selectable) {
		tell_text(brain, EVENT_ACTION, s, "T16", "%s: %s: make the "
		    "directory a mailbox", tell_side(s), name.data);
	} else {
		strbuf_deinit(&name);
		strbuf_deinit(&from);
		return;		/* stamps, aliases: nobody sees those */
	}
	brain->work = true;
	strbuf_deinit(&name);
	strbuf_deinit(&from);
}

static void
tell_subs(struct brain *brain)
{
	struct strbuf name;

	for (size_t i = 0; i < brain->subs.n; i++) {
		const struct tree_sub *sub = &brain->subs.v[i];

		if (sub->stamp_only)
			continue;	/* nobody sees that */
		strbuf_init(&name, TEXT_LINE_MAX);
		name_print(&name, sub->sub.name);
		tell_text(brain, EVENT_ACTION, sub->side, "T14", "%s: %s: %s",
		    tell_side(sub->side), name.data,
		    sub->sub.on ? "subscribe" : "unsubscribe");
		if (sub->conflict)
			tell_text(brain, EVENT_DECISION, sub->side, "T14",
			    "%s: subscribed on one side and unsubscribed on "
			    "the other: the later change stays", name.data);
		strbuf_deinit(&name);
		brain->work = true;
	}
}

/* T16: they are left out, which is no more to be done than it was. */
static void
tell_directories(struct brain *brain)
{
	struct strbuf name;

	for (size_t i = 0; i < brain->entries.n; i++) {
		const struct tree_entry *e = &brain->entries.v[i];

		if (e->fate != TREE_SKIP || e->rule == NULL ||
		    strcmp(e->rule, "T16") != 0)
			continue;
		strbuf_init(&name, TEXT_LINE_MAX);
		name_print(&name, e->target.name);
		tell_text(brain, EVENT_DECISION, e->box[0] == NULL, "T16",
		    "%s: a mere directory, of which the other store can hold "
		    "none: it stays at the %s location alone", name.data,
		    tell_side(e->box[0] == NULL));
		strbuf_deinit(&name);
	}
}

/* Steps and decisions of the tree, before anything is sent. */
void
tell_tree(struct brain *brain)
{
	struct tree_ops ops = { 0 };
	struct strbuf name;

	for (size_t i = 0; i < brain->entries.n; i++) {
		const struct tree_entry *e = &brain->entries.v[i];

		brain->accounts[i].name = e->target.name;
		if (e->why == NULL || (brain->base && e->rule != NULL &&
		    strcmp(e->rule, "T10") == 0 && e->gone[0] == NULL &&
		    e->box[0] != NULL && e->box[1] != NULL &&
		    guid_eq(&e->box[0]->guid, &e->box[1]->guid)))
			continue;
		strbuf_init(&name, TEXT_LINE_MAX);
		name_print(&name, e->target.name);
		tell_text(brain, EVENT_DECISION, SIDE_A, e->rule, "%s: %s",
		    name.data, e->why);
		strbuf_deinit(&name);
	}
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		if (!run_is_dest(brain, s))
			continue;
		merge_tree_ops(brain->arena, &brain->entries, s, &ops);
		for (size_t i = 0; i < ops.n; i++)
			tell_step(brain, s, &ops.v[i]);
		ARRAY_FREE(&ops);
	}
	tell_directories(brain);
	tell_subs(brain);
	attributes_tell(brain);
}

void
tell_pending(struct brain *brain, unsigned int side, size_t entry,
    uint32_t uid, const char *guid, const char *rule, const char *what,
    const char *why)
{
	struct strbuf name, message, reason;
	const char *box = box_name(brain, entry, &name);

	brain->imperfect = true;
	strbuf_init(&message, TEXT_LINE_MAX);
	if (uid != 0)
		strbuf_addf(&message, "UID %u", (unsigned int)uid);
	if (guid != NULL && guid[0] != '\0') {
		strbuf_adds(&message, message.len > 0 ? " guid " : "guid ");
		strbuf_add_escaped(&message, guid, strlen(guid));
	}
	strbuf_init(&reason, TEXT_LINE_MAX);
	strbuf_add_escaped(&reason, why, strlen(why));
	if (message.len > 0)
		tell_text(brain, EVENT_PENDING, side, rule,
		    "%s: %s: %s: %s: %s", tell_side(side), box,
		    message.data, what, reason.data);
	else
		tell_text(brain, EVENT_PENDING, side, rule, "%s: %s: %s: %s",
		    tell_side(side), box, what, reason.data);
	if (entry < brain->entries.n)
		strbuf_deinit(&name);
	strbuf_deinit(&message);
	strbuf_deinit(&reason);
}

void
tell_left_out(struct brain *brain, unsigned int side, const char *text)
{
	struct strbuf line;

	brain->imperfect = true;
	strbuf_init(&line, TEXT_LINE_MAX);
	strbuf_add_escaped(&line, text, strlen(text));
	tell_text(brain, EVENT_PENDING, side, "E1", "%s: %s",
	    tell_side(side), line.data);
	strbuf_deinit(&line);
}

/* What the tree leaves alone for want of a name is looked at again (E1). */
void
tell_left(struct brain *brain, size_t entry)
{
	const struct tree_entry *e = &brain->entries.v[entry];
	unsigned int s = e->box[0] == NULL;

	tell_pending(brain, s, entry, 0, NULL, e->rule, "left alone", e->why);
	run_note_pending(brain, s, &e->box[s]->guid, 0, NULL, e->why);
}

void
tell_accounts(struct brain *brain)
{
	struct brain_event event = {
		.kind = EVENT_MAILBOX,
		.messages_total = brain->total, .messages_done = brain->done,
		.bytes_done = brain->bytes,
	};

	for (size_t i = 0; i < brain->entries.n; i++) {
		brain->accounts[i].name = brain->entries.v[i].target.name;
		event.account = &brain->accounts[i];
		if (brain->event != NULL)
			brain->event(&event, brain->arg);
	}
	tell_progress(brain, EVENT_PROGRESS);
}
