/*
 * jobs.c - from the views to the plans
 *
 * Each mailbox that may need work becomes a job.  With a base its records come
 * from the views, completed by looking up the marks that only one side has
 * reason to speak of: pending ones (E1), and in a one-way run what changed at
 * the destination (B2).  Without one, or where the views can't tell, complete
 * lists are asked for.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "brain/run.h"
#include "model/mailbox_name.h"

static struct job *
job_new(struct brain *brain, size_t entry)
{
	const struct tree_entry *e = &brain->entries.v[entry];
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		abort();
	job->arena = arena_new(RUN_ARENA_MAX);
	job->entry = entry;
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct msg_mailbox *box = e->box[s];
		struct mails_side *side = &job->side[s];

		job->guid[s] = run_guid(brain, s, entry);
		if (box != NULL && !brain->gate)
			job->guid[s] = box->guid;
		else if (e->gone[s] != NULL)
			job->guid[s] = e->gone[s]->guid;
		side->exists = e->exists[s];
		side->append = run_is_append(brain, s);
		if (box == NULL)
			continue;
		side->state_known = true;
		side->uidvalidity = box->uidvalidity;
		side->uidnext = box->uidnext;
		side->highestmodseq = box->highestmodseq;
		side->messages = box->messages;
		side->uidvalidity_changed = box->uidvalidity_changed;
	}
	return job;
}

void
job_free(struct brain *brain, struct job **jobp)
{
	struct job *job = *jobp;

	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		ARRAY_FREE(&job->recs[s]);
		ARRAY_FREE(&job->gone[s]);
		ARRAY_FREE(&job->ask[s]);
		ARRAY_FREE(&job->have_ops[s]);
		ARRAY_FREE(&job->same[s]);
	}
	lists_free(brain, job);
	brain->told -= job->told;
	plan_mails_deinit(&job->plan);
	arena_free(&job->arena);
	brain->window -= job->weight;
	free(job);
	*jobp = NULL;
}

static void
job_weigh(struct brain *brain, struct job *job, uint64_t messages)
{
	job->weight += messages;
	brain->window += messages;
	brain->listing += messages;
}

int
jobs_keep(struct brain *brain, struct job *job, unsigned int s,
    const struct msg_message *m, struct err *err)
{
	size_t before = arena_used(job->arena);

	*ARRAY_ADD(&job->recs[s]) = msg_message_dup(job->arena, m);
	return run_charge(brain, job, sizeof(*m) + arena_used(job->arena) -
	    before, err);
}

/* The records of a view go to the job; their memory stays the side's. */
static void
take_delta(struct brain *brain, struct job *job, unsigned int s,
    const struct guid128 *guid)
{
	struct delta *delta = run_delta_find(&brain->side[s], guid);

	if (delta == NULL || delta->used)
		return;
	delta->used = true;
	for (size_t i = 0; i < delta->recs.n; i++)
		*ARRAY_ADD(&job->recs[s]) = delta->recs.v[i];
	for (size_t i = 0; i < delta->gone.n; i++)
		*ARRAY_ADD(&job->gone[s]) = delta->gone.v[i];
	ARRAY_FREE(&delta->recs);
	ARRAY_FREE(&delta->gone);
}

static bool
has_delta(struct brain *brain, const struct tree_entry *e)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		if (e->box[s] != NULL && run_delta_find(&brain->side[s],
		    &e->box[s]->guid) != NULL)
			return true;
		if (e->gone[s] != NULL && run_delta_find(&brain->side[s],
		    &e->gone[s]->guid) != NULL)
			return true;
	}
	return false;
}

static int
pending_cmp(const void *a, const void *b)
{
	return guid_cmp(&((const struct msg_pending *)a)->mailbox,
	    &((const struct msg_pending *)b)->mailbox);
}

const struct msg_pending *
jobs_pending_first(const struct run_side *side, const struct guid128 *guid)
{
	struct msg_pending key = { .mailbox = *guid };
	const struct msg_pending *p;

	if (side->pending.n == 0)
		return NULL;
	p = bsearch(&key, side->pending.v, side->pending.n, sizeof(*p),
	    pending_cmp);
	while (p != NULL && p > side->pending.v &&
	    guid_eq(&p[-1].mailbox, guid))
		p--;
	return p;
}

size_t
jobs_entry_guids(const struct tree_entry *e,
    struct guid128 out[static ENTRY_GUIDS_MAX])
{
	size_t n = 0;

	out[n++] = e->target.guid;
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct msg_mailbox *box = e->box[s];

		if (box == NULL)
			continue;
		out[n++] = box->guid;
		for (size_t i = 0; i < box->alias_count &&
		    i < ALIASES_MAX; i++)
			out[n++] = box->aliases[i];
	}
	return marks_normalise(out, n);
}

/*
 * Something of the mailbox is pending; *whole: the mailbox itself, or one-way
 * any message, since all that is not found goes (B2); *unequal: a run that
 * could not write both left it so as a whole (M13, F6).
 */
static bool
has_pending(const struct brain *brain, const struct tree_entry *e,
    bool *whole, bool *unequal)
{
	struct guid128 guids[ENTRY_GUIDS_MAX];
	size_t n = jobs_entry_guids(e, guids);
	bool found = false;

	*whole = *unequal = false;
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct run_side *side = &brain->side[s];
		const struct msg_pending *end = side->pending.v +
		    side->pending.n;

		for (size_t i = 0; i < n; i++) {
			const struct msg_pending *p = jobs_pending_first(side,
			    &guids[i]);

			for (; p != NULL && p < end &&
			    guid_eq(&p->mailbox, &guids[i]); p++) {
				found = true;
				if (guid_is_zero(&p->mark)) {
					*whole |= p->uid == 0;
					*unequal |= p->uid ==
					    RUN_UID_UNEQUAL;
				} else {
					*whole |= brain->source >= 0;
				}
			}
		}
	}
	*whole |= *unequal && highest_mendable(brain);
	return found;
}

bool
jobs_left_unequal(const struct brain *brain, const struct job *job)
{
	bool whole, unequal;

	(void)has_pending(brain, &brain->entries.v[job->entry], &whole,
	    &unequal);
	/* Modseqs are not compared where a peer may only add (F6). */
	return unequal && (!(job->list[0] && job->list[1]) ||
	    run_is_append(brain, 0) || run_is_append(brain, 1));
}

/* The source has a mere directory there: what the destination holds goes. */
static bool
is_emptied(const struct brain *brain, const struct tree_entry *e)
{
	const struct msg_mailbox *from, *to;

	if (brain->source < 0)
		return false;
	from = e->box[brain->source];
	to = e->box[!brain->source];
	return from != NULL && !from->selectable && to != NULL &&
	    to->selectable && to->messages > 0;
}

/* What decides whether an entry needs a job, and which lists. */
static bool
job_wanted(struct brain *brain, const struct tree_entry *e, bool list[2])
{
	bool compare = !brain->base || brain->args->full;
	bool pending, whole, unequal;
	const struct msg_mailbox *a = e->box[0], *b = e->box[1];
	unsigned int h = e->exists[1] && !e->exists[0];
	/* Such a store takes no marks either: what is pending may be there. */
	bool weak = run_is_append(brain, 0) || run_is_append(brain, 1);

	pending = has_pending(brain, e, &whole, &unequal);
	list[0] = list[1] = false;
	if (e->fate == TREE_KEEP && is_emptied(brain, e)) {
		list[!brain->source] = true;
		return true;
	}
	if (e->fate == TREE_SKIP || !e->target.selectable)
		return false;
	if (e->exists[0] && e->exists[1]) {
		if (a != NULL && b != NULL && compare &&
		    a->set_digest != NULL && b->set_digest != NULL &&
		    memcmp(a->set_digest, b->set_digest, DIGEST_SIZE) == 0 &&
		    a->uidvalidity == b->uidvalidity &&
		    a->uidnext == b->uidnext && !highest_differs(a, b))
			return false;
		/* E1: it was not looked at, or not made what it should be. */
		if (compare || whole || (pending && weak) ||
		    (brain->filtered &&
		    ((a != NULL && a->set_digest != NULL) ||
		    (b != NULL && b->set_digest != NULL)))) {
			list[0] = list[1] = true;
			return true;
		}
		return !brain->complete || has_delta(brain, e) ||
		    pending || (a != NULL && b != NULL &&
		    (a->uidvalidity != b->uidvalidity ||
		    a->uidnext != b->uidnext || highest_differs(a, b)));
	}
	/* One side alone has it. */
	if (e->gone[!h] != NULL && brain->source < 0) {
		/* A removal that was refused may be older than the base. */
		if (compare || whole || e->fate == TREE_KEEP)
			list[0] = list[1] = true;
		return true;
	}
	list[h] = compare || e->box[h] == NULL || !e->box[h]->is_new ||
	    e->fate == TREE_DELETE || brain->filtered;
	return true;
}

static void
job_start(struct brain *brain, size_t entry, const bool list[2])
{
	const struct tree_entry *e = &brain->entries.v[entry];
	struct job *job = job_new(brain, entry);

	TAILQ_INSERT_TAIL(&brain->todo, job, link);
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		job->list[s] = list[s];
		job->side[s].complete = list[s];
		job->side[s].exists &= run_is_dest(brain, s) ||
		    !is_emptied(brain, e);
	}
	job->paged = list[0] != list[1] && !e->exists[list[0]];
	if (list[0] || list[1]) {
		lists_begin(brain, job);
		for (unsigned int s = 0; s < SIDE_COUNT; s++) {
			uint64_t n = list[s] ? job->side[s].messages : 0;

			job_weigh(brain, job, (job->paged ||
			    job->into_empty) && n > lists_page(brain) ?
			    lists_page(brain) : n);
		}
		return;
	}
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		if (e->box[s] != NULL)
			take_delta(brain, job, s, &e->box[s]->guid);
		if (e->gone[s] != NULL)
			take_delta(brain, job, s, &e->gone[s]->guid);
		job_weigh(brain, job, job->recs[s].n + job->gone[s].n);
	}
	jobs_ask_collect(brain, job);
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		jobs_ask_marks(brain, job, s, job->ask[s].v, job->ask[s].n);
	if (job->waiting == 0)
		jobs_ready(brain, job);
}

/* The next page of a mailbox that only one side has. */
static void
start_page(struct brain *brain)
{
	struct page *page = STAILQ_FIRST(&brain->pages);
	struct job *job = job_new(brain, page->entry);
	unsigned int s = page->side;

	STAILQ_REMOVE_HEAD(&brain->pages, link);
	TAILQ_INSERT_TAIL(&brain->todo, job, link);
	job->guid[s] = page->guid;
	job->list[s] = job->side[s].complete = true;
	job->paged = true;
	/* The first page has brought it the UIDVALIDITY. */
	if (page->into_empty) {
		job->side[!s].complete = true;
		job->side[!s].uidvalidity = job->side[s].uidvalidity;
	}
	job->into_empty = page->into_empty;
	job->last_uid[s] = job->page_after[s] = page->after_uid;
	job_weigh(brain, job, lists_page(brain));
	lists_begin(brain, job);
	free(page);
}

int
jobs_rec_cmp(const void *a, const void *b)
{
	const struct msg_message *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* The marks of what is pending in a job's mailbox. */
static void
fill_retry(const struct brain *brain, struct job *job, struct mails_input *in)
{
	struct guid128 guids[ENTRY_GUIDS_MAX];
	size_t n = jobs_entry_guids(&brain->entries.v[job->entry], guids);
	ARRAY(struct guid128) marks = { 0 };

	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct run_side *side = &brain->side[s];
		const struct msg_pending *end = side->pending.v +
		    side->pending.n, *p;

		for (size_t i = 0; i < n; i++)
			for (p = jobs_pending_first(side, &guids[i]);
			    p != NULL && p < end &&
			    guid_eq(&p->mailbox, &guids[i]); p++)
				if (!guid_is_zero(&p->mark))
					*ARRAY_ADD(&marks) = p->mark;
	}
	if (marks.n > 0) {
		in->retry = arena_memdup(job->arena, marks.v,
		    marks.n * sizeof(*marks.v));
		in->retry_count = marks_normalise(in->retry, marks.n);
	}
	ARRAY_FREE(&marks);
}

/*
 * By rising UID, each once: one that has several marks may be in the answers to
 * several lists, and is no surplus twin of itself (M5).
 */
static void
sort_recs(struct job *job, unsigned int s)
{
	struct msg_message *recs = job->recs[s].v;
	size_t n = 0;

	if (job->recs[s].n < 2)
		return;
	qsort(recs, job->recs[s].n, sizeof(*recs), jobs_rec_cmp);
	for (size_t i = 0; i < job->recs[s].n; i++)
		if (n == 0 || recs[n - 1].uid != recs[i].uid)
			recs[n++] = recs[i];
	job->recs[s].n = n;
}

static void
fill_input(const struct brain *brain, struct job *job, struct mails_input *in)
{
	*in = (struct mails_input){
		.base = brain->base, .source = brain->source,
		.run = brain->args->run,
		.modseqs = highest_wanted(brain, job),
		.modseq = brain->modseqs[job->entry].highest,
	};
	if (brain->side[0].pending.n + brain->side[1].pending.n > 0)
		fill_retry(brain, job, in);
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		struct mails_side *side = &job->side[s];

		sort_recs(job, s);
		side->recs = job->recs[s].v;
		side->rec_count = job->recs[s].n;
		side->gone = job->gone[s].v;
		side->gone_count = job->gone[s].n;
		side->asked = job->ask[s].v;
		side->asked_count = job->ask[s].n;
		in->side[s] = *side;
	}
}

/* Expunges come after everything else of the run (P9), so they outlive jobs. */
static void
keep_expunges(struct brain *brain, struct job *job)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct plan_ops *ops = &job->plan.side[s].expunges;

		for (size_t i = 0; i < ops->n; i++) {
			struct late_expunge *late =
			    ARRAY_ADD(&brain->side[s].expunges);

			late->entry = job->entry;
			late->mailbox = run_guid(brain, s, job->entry);
			late->op = ops->v[i];
			late->op.rec = msg_message_dup(brain->arena,
			    &ops->v[i].rec);
		}
	}
}

static void
add_account(struct brain *brain, const struct job *job)
{
	struct brain_account *acc = &brain->accounts[job->entry];
	const struct plan_mails *plan = &job->plan;

	acc->seen += plan->seen;
	acc->equal += plan->equal + plan->flagged;
	acc->copied += plan->copied;
	acc->skipped += plan->skipped;
	acc->flagged += plan->flagged;
	acc->expunged += plan->expunged;
	acc->renumbered += plan->renumbered;
	/* Flags of a message that is there unchanged: the pair is there. */
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		brain->total += plan->side[s].ops.n + plan->side[s].expunges.n;
}

static void
job_planned(struct brain *brain, struct job *job)
{
	brain->listing -= job->weight;
	highest_planned(brain, job);
	rebuild_planned(brain, job);
	keep_expunges(brain, job);
	add_account(brain, job);
	tell_plan(brain, job);
	TAILQ_REMOVE(&brain->todo, job, link);
	if (job->plan.skipped > 0 || job->plan.blocked.n > 0)
		brain->imperfect = true;
	TAILQ_INSERT_TAIL(&brain->ready, job, link);
	/* The plan has copies. */
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		ARRAY_FREE(&job->recs[s]);
		ARRAY_FREE(&job->gone[s]);
		ARRAY_FREE(&job->ask[s]);
		ARRAY_FREE(&job->have_ops[s]);
		ARRAY_FREE(&job->same[s]);
	}
}

/* What is there already does not suffice: all messages of both sides. */
static void
list_both(struct brain *brain, struct job *job)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		job->recs[s].n = job->gone[s].n = job->ask[s].n = 0;
		job->list[s] = job->side[s].complete = true;
		job->last_uid[s] = job->page_after[s] = 0;
		job->listed[s] = false;
	}
	ARRAY_FREE(&job->dropped);
	job->dropped_count = 0;
	lists_begin(brain, job);
}

/* Everything that was asked for has come: take the next step. */
void
jobs_ready(struct brain *brain, struct job *job)
{
	struct mails_wanted wanted;
	struct mails_input in;

	if (lists_recall(brain, job) || jobs_ask_again(brain, job))
		return;
	fill_input(brain, job, &in);
	if (!job->list[0] && !job->list[1] && merge_mails_needs_lists(&in)) {
		list_both(brain, job);
		return;
	}
	if (!job->digests_done) {
		job->digests_done = true;
		merge_mails_wanted(job->arena, &in, &wanted);
		for (unsigned int s = 0; s < SIDE_COUNT; s++) {
			if (wanted.uids[s].n > 0)
				jobs_list_uids(brain, job, s, ASK_DIGESTS,
				    wanted.uids[s].v, wanted.uids[s].n);
			ARRAY_FREE(&wanted.uids[s]);
		}
		if (job->waiting > 0)
			return;
	}
	if (!job->have_done) {
		job->have_done = true;
		merge_mails(job->arena, &in, &job->plan);
		/* B3 needs to know each message that is there, M5 all alike. */
		if ((job->plan.rebuild || job->plan.parted) &&
		    (!job->list[0] || !job->list[1] ||
		    job->dropped_count > 0)) {
			plan_mails_deinit(&job->plan);
			job->plan = (struct plan_mails){ .modseq = 0 };
			job->have_done = job->digests_done = false;
			job->whole = true;
			list_both(brain, job);
			return;
		}
		job->plan.seen += job->dropped_count;
		job->plan.equal += job->dropped_count;
		if (job->more)	/* M13 comes with the last page */
			for (unsigned int s = 0; s < SIDE_COUNT; s++)
				job->plan.side[s].uidnext = 0;
		for (unsigned int s = 0; s < SIDE_COUNT; s++)
			texts_ask_have(brain, job, s);
		if (job->waiting > 0)
			return;
	}
	if (texts_ask(brain, job))
		return;
	job_planned(brain, job);
}

bool
jobs_all_planned(const struct brain *brain)
{
	return brain->next_entry >= brain->entries.n &&
	    STAILQ_EMPTY(&brain->pages) && TAILQ_EMPTY(&brain->todo);
}

/*
 * Before the gate is open everything has to be planned, but not all of it
 * listed at once.
 */
bool
jobs_window_full(const struct brain *brain)
{
	uint64_t window = brain->args->page > 0 ? 2ULL * brain->args->page :
	    RUN_PLAN_WINDOW;

	return brain->side[0].list_count >= RUN_LISTS_MAX ||
	    brain->side[1].list_count >= RUN_LISTS_MAX ||
	    (brain->gate ? brain->window : brain->listing) > window;
}

int
jobs_step(struct brain *brain, struct err *err)
{
	bool list[2];

	while (!STAILQ_EMPTY(&brain->pages)) {
		if (jobs_window_full(brain))
			return 0;
		start_page(brain);
	}
	while (brain->next_entry < brain->entries.n) {
		if (jobs_window_full(brain))
			return 0;
		if (job_wanted(brain, &brain->entries.v[brain->next_entry],
		    list))
			job_start(brain, brain->next_entry, list);
		else if (brain->entries.v[brain->next_entry].box[0] != NULL)
			brain->accounts[brain->next_entry].seen =
			    brain->accounts[brain->next_entry].equal =
			    brain->entries.v[brain->next_entry].box[0]->messages;
		brain->next_entry++;
	}
	if (brain->gate || !jobs_all_planned(brain))
		return 0;
	guard_revive(brain);
	guard_tell_pairing(brain);
	tell_tree(brain);
	if (!brain->args->force_delete)
		for (unsigned int s = 0; s < SIDE_COUNT; s++)
			if (run_is_dest(brain, s) &&
			    guard_side(brain, s, err) == -1)
				return -1;
	emit_open(brain);
	return 0;
}

int
jobs_begin(struct brain *brain, struct err *err)
{
	struct tree_input in = {
		.base = brain->base, .filtered = brain->filtered,
		.source = brain->source,
	};
	int dest = brain->source < 0 ? -1 : !brain->source;

	in.complete = brain->complete;
	in.changes_known = run_changes_known(brain);
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		struct run_side *side = &brain->side[s];

		in.side[s] = (struct tree_side){
			side->boxes.v, side->boxes.n, side->gone.v,
			side->gone.n, side->subs.v, side->subs.n,
			(side->caps & MSG_CAP_DIRECTORIES) == 0,
			run_is_append(brain, s),
			side->gone_changed.v, side->gone_changed.n,
			side->subs_changed.v, side->subs_changed.n,
		};
		if (side->pending.n > 1)
			qsort(side->pending.v, side->pending.n,
			    sizeof(*side->pending.v), pending_cmp);
	}
	merge_tree(brain->arena, &in, &brain->entries);
	merge_tree_subs(&in, &brain->subs);
	attributes_merge(brain);
	tell_kept_guids(brain);
	tell_kept_mailboxes(brain);
	for (size_t i = 0; i < brain->entries.n; i++)
		if (brain->entries.v[i].fate == TREE_SKIP &&
		    brain->entries.v[i].why != NULL)
			tell_left(brain, i);
	brain->accounts = arena_calloc(brain->arena, brain->entries.n + 1,
	    sizeof(*brain->accounts));
	brain->modseqs = arena_calloc(brain->arena, brain->entries.n + 1,
	    sizeof(*brain->modseqs));
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		brain->top[s] = arena_calloc(brain->arena,
		    brain->entries.n + 1, sizeof(*brain->top[s]));
		for (size_t i = 0; i < brain->entries.n; i++)
			if (brain->entries.v[i].box[s] != NULL &&
			    brain->entries.v[i].box[s]->uidnext > 0)
				brain->top[s][i] =
				    brain->entries.v[i].box[s]->uidnext - 1;
	}
	/* Nothing can be deleted: sending need not wait for the last plan. */
	if (!brain->args->dry_run && !brain->base &&
	    !guard_is_pairing(brain) &&
	    (dest == -1 || brain->side[dest].view.messages == 0)) {
		tell_tree(brain);
		emit_open(brain);
	}
	return jobs_step(brain, err);
}
