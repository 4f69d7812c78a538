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

/* The first pending entry of side s for this mailbox, or NULL. */
static const struct msg_pending *
pending_first(const struct run_side *side, const struct guid128 *guid)
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

#define ENTRY_GUIDS_MAX	(3U + 2U * ALIASES_MAX)

/* All GUIDs by which a pending entry may name the mailbox. */
static size_t
entry_guids(const struct tree_entry *e,
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
 * Something of the mailbox is pending; *whole: the mailbox itself; *unequal: a
 * run that could not write both left it so as a whole (M13, F6).
 */
static bool
has_pending(const struct brain *brain, const struct tree_entry *e,
    bool *whole, bool *unequal)
{
	struct guid128 guids[ENTRY_GUIDS_MAX];
	size_t n = entry_guids(e, guids);
	bool found = false;

	*whole = *unequal = false;
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct run_side *side = &brain->side[s];
		const struct msg_pending *end = side->pending.v +
		    side->pending.n;

		for (size_t i = 0; i < n; i++) {
			const struct msg_pending *p = pending_first(side,
			    &guids[i]);

			for (; p != NULL && p < end &&
			    guid_eq(&p->mailbox, &guids[i]); p++) {
				found = true;
				if (guid_is_zero(&p->mark)) {
					*whole |= p->uid == 0;
					*unequal |= p->uid == UINT32_MAX;
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
	return unequal && !(job->list[0] && job->list[1]);
}

static int
mark_qcmp(const void *a, const void *b)
{
	return guid_cmp(a, b);
}

static size_t
live_marks(const struct job *job, unsigned int s, struct guid128 **out)
{
	size_t n = 0;

	for (size_t i = 0; i < job->recs[s].n; i++)
		n += job->recs[s].v[i].mark_count;
	*out = arena_calloc(job->arena, n + 1, sizeof(**out));
	n = 0;
	for (size_t i = 0; i < job->recs[s].n; i++)
		for (size_t k = 0; k < job->recs[s].v[i].mark_count; k++)
			(*out)[n++] = job->recs[s].v[i].marks[k];
	return marks_normalise(*out, n);
}

static size_t
gone_marks(const struct job *job, unsigned int s, struct guid128 **out)
{
	size_t n = 0;

	for (size_t i = 0; i < job->gone[s].n; i++)
		n += job->gone[s].v[i].mark_count;
	*out = arena_calloc(job->arena, n + 1, sizeof(**out));
	n = 0;
	for (size_t i = 0; i < job->gone[s].n; i++)
		for (size_t k = 0; k < job->gone[s].v[i].mark_count; k++)
			(*out)[n++] = job->gone[s].v[i].marks[k];
	return marks_normalise(*out, n);
}

/* All marks that side s of the job speaks of, sorted. */
static size_t
spoken_marks(const struct job *job, unsigned int s, struct guid128 **out)
{
	struct guid128 *live, *gone;
	size_t l = live_marks(job, s, &live), g = gone_marks(job, s, &gone);

	*out = arena_calloc(job->arena, l + g + 1, sizeof(**out));
	for (size_t i = 0; i < l; i++)
		(*out)[i] = live[i];
	for (size_t i = 0; i < g; i++)
		(*out)[l + i] = gone[i];
	return marks_normalise(*out, l + g);
}

static void
ask_if_unspoken(struct job *job, unsigned int s, const struct guid128 *spoken,
    size_t count, const struct guid128 *mark)
{
	if (!job->side[s].exists || guid_is_zero(mark))
		return;
	if (count > 0 && bsearch(mark, spoken, count, sizeof(*spoken),
	    mark_qcmp) != NULL)
		return;
	*ARRAY_ADD(&job->ask[s]) = *mark;
}

/*
 * The other side has it under a UID that is not known here (M4, M7), or has it
 * although it looks new: it went here and was brought back by another run.
 */
static void
ask_for_moved(struct job *job, unsigned int s, const struct guid128 *spoken,
    size_t count)
{
	struct guid128 *dead;
	size_t dead_count = gone_marks(job, s, &dead);

	for (size_t i = 0; i < job->recs[s].n; i++) {
		const struct msg_message *rec = &job->recs[s].v[i];
		bool ask = rec->moved;

		for (size_t k = 0; k < rec->mark_count && !ask; k++)
			ask = dead_count > 0 && bsearch(&rec->marks[k], dead,
			    dead_count, sizeof(*dead), mark_qcmp) != NULL;
		for (size_t k = 0; ask && k < rec->mark_count; k++)
			ask_if_unspoken(job, !s, spoken, count,
			    &rec->marks[k]);
	}
}

/* Which marks have to be looked up on which side? */
static void
collect_asks(struct brain *brain, struct job *job)
{
	const struct tree_entry *e = &brain->entries.v[job->entry];
	struct guid128 guids[ENTRY_GUIDS_MAX];
	size_t guid_count = entry_guids(e, guids);
	struct guid128 *spoken[2];
	size_t count[2];

	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		count[s] = spoken_marks(job, s, &spoken[s]);
	for (unsigned int p = 0; p < SIDE_COUNT; p++) {
		const struct run_side *side = &brain->side[p];
		const struct msg_pending *end = side->pending.v +
		    side->pending.n;

		for (size_t b = 0; b < guid_count; b++) {
			const struct msg_pending *q = pending_first(side,
			    &guids[b]);

			for (; q != NULL && q < end &&
			    guid_eq(&q->mailbox, &guids[b]); q++)
				for (unsigned int s = 0; s < 2; s++)
					ask_if_unspoken(job, s, spoken[s],
					    count[s], &q->mark);
		}
	}
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		ask_for_moved(job, s, spoken[!s], count[!s]);
	if (brain->source >= 0) {
		unsigned int src = (unsigned int)brain->source;

		for (size_t i = 0; i < count[!src]; i++)
			ask_if_unspoken(job, src, spoken[src], count[src],
			    &spoken[!src][i]);
	}
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		job->ask[s].n = marks_normalise(job->ask[s].v,
		    job->ask[s].n);
}

static struct ask *
add_ask(struct run_side *side, struct job *job, enum ask_what what)
{
	struct ask *ask = calloc(1, sizeof(*ask));

	if (ask == NULL)
		abort();
	ask->job = job;
	ask->what = what;
	ask->request = ++side->request;
	job->waiting++;
	if (what == ASK_HAVE) {
		STAILQ_INSERT_TAIL(&side->haves, ask, link);
	} else {
		STAILQ_INSERT_TAIL(&side->lists, ask, link);
		side->list_count++;
	}
	return ask;
}

void
jobs_send_list(struct brain *brain, struct job *job, unsigned int s,
    enum ask_what what, struct msg_list *list)
{
	struct msg msg = { .kind = MSG_LIST };

	list->request = add_ask(&brain->side[s], job, what)->request;
	list->mailbox = job->guid[s];
	msg.u.list = *list;
	brain->send(s, &msg, brain->arg);
}

static void
list_marks(struct brain *brain, struct job *job, unsigned int s,
    struct guid128 *marks, size_t count)
{
	struct msg_list list;
	size_t n;

	for (size_t i = 0; i < count; i += n) {
		n = count - i;
		if (n > LIST_MARKS_MAX)
			n = LIST_MARKS_MAX;
		list = (struct msg_list){
			.marks = &marks[i], .mark_count = n,
			.tombstones = true,
		};
		jobs_send_list(brain, job, s, ASK_MARKS, &list);
	}
}

/* What decides whether an entry needs a job, and which lists. */
static bool
job_wanted(struct brain *brain, const struct tree_entry *e, bool list[2])
{
	bool compare = !brain->base || brain->args->full;
	bool pending, whole, unequal;
	const struct msg_mailbox *a = e->box[0], *b = e->box[1];
	unsigned int h = e->exists[1] && !e->exists[0];

	pending = has_pending(brain, e, &whole, &unequal);
	list[0] = list[1] = false;
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
		if (compare || whole || (brain->filtered &&
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
		if (compare || e->fate == TREE_KEEP)
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
	}
	job->paged = list[0] != list[1] && !e->exists[list[0]];
	if (list[0] || list[1]) {
		for (unsigned int s = 0; s < SIDE_COUNT; s++) {
			uint64_t n = list[s] ? job->side[s].messages : 0;

			job_weigh(brain, job, job->paged && n >
			    lists_page(brain) ? lists_page(brain) : n);
		}
		lists_begin(brain, job);
		return;
	}
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		if (e->box[s] != NULL)
			take_delta(brain, job, s, &e->box[s]->guid);
		if (e->gone[s] != NULL)
			take_delta(brain, job, s, &e->gone[s]->guid);
		job_weigh(brain, job, job->recs[s].n + job->gone[s].n);
	}
	collect_asks(brain, job);
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		list_marks(brain, job, s, job->ask[s].v, job->ask[s].n);
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
	size_t n = entry_guids(&brain->entries.v[job->entry], guids);
	ARRAY(struct guid128) marks = { 0 };

	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct run_side *side = &brain->side[s];
		const struct msg_pending *end = side->pending.v +
		    side->pending.n, *p;

		for (size_t i = 0; i < n; i++)
			for (p = pending_first(side, &guids[i]); p != NULL &&
			    p < end && guid_eq(&p->mailbox, &guids[i]); p++)
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

		if (job->recs[s].n > 1)
			qsort(job->recs[s].v, job->recs[s].n,
			    sizeof(*job->recs[s].v), jobs_rec_cmp);
		side->recs = job->recs[s].v;
		side->rec_count = job->recs[s].n;
		side->gone = job->gone[s].v;
		side->gone_count = job->gone[s].n;
		side->asked = job->ask[s].v;
		side->asked_count = job->ask[s].n;
		in->side[s] = *side;
	}
}

void
jobs_list_uids(struct brain *brain, struct job *job, unsigned int s,
    enum ask_what what, const uint32_t *uids, size_t n)
{
	struct uid_range *ranges = arena_calloc(job->arena, n, sizeof(*ranges));
	struct msg_list list = { .digests = what == ASK_DIGESTS };
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (count > 0 && ranges[count - 1].last + 1 == uids[i])
			ranges[count - 1].last = uids[i];
		else
			ranges[count++] = (struct uid_range){ uids[i],
			    uids[i] };
	}
	for (size_t i = 0; i < count; i += list.range_count) {
		list.ranges = &ranges[i];
		list.range_count = count - i;
		if (list.range_count > LIST_RANGES_MAX)
			list.range_count = LIST_RANGES_MAX;
		jobs_send_list(brain, job, s, what, &list);
	}
}

/* M8 without a base: which of the bodies does the saving side hold? */
static void
ask_have(struct brain *brain, struct job *job, unsigned int s)
{
	const struct plan_ops *ops = &job->plan.side[s].ops;
	const char *guids[HAVE_MAX];
	struct msg msg = { .kind = MSG_HAVE };
	struct ask *ask;
	size_t n;

	if (brain->base || brain->side[s].view.messages == 0)
		return;
	for (size_t i = 0; i < ops->n; i++)
		if (ops->v[i].kind == PLAN_SAVE)
			*ARRAY_ADD(&job->have_ops[s]) = i;
	for (size_t i = 0; i < job->have_ops[s].n; i += n) {
		n = job->have_ops[s].n - i;
		if (n > HAVE_MAX)
			n = HAVE_MAX;
		for (size_t k = 0; k < n; k++)
			guids[k] = ops->v[job->have_ops[s].v[i + k]].rec.guid;
		ask = add_ask(&brain->side[s], job, ASK_HAVE);
		ask->first = i;
		msg.u.have = (struct msg_have){ ask->request, guids, n };
		brain->send(s, &msg, brain->arg);
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
	}
}

struct mark_set {
	struct guid128 *marks;		/* sorted */
	size_t count;
};

static bool
set_has(const struct mark_set *set, const struct guid128 *mark)
{
	return set->count > 0 && bsearch(mark, set->marks, set->count,
	    sizeof(*set->marks), mark_qcmp) != NULL;
}

/* What side s of the job has answered so far. */
struct answered {
	struct mark_set asked, live, gone;
};

/*
 * One of these marks was asked for on side s and is unknown there, or is that
 * of a tombstone: the message may be there under another one of them.
 */
static void
ask_for_others(struct job *job, unsigned int s, const struct answered *a,
    const struct guid128 *marks, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		any |= set_has(&a->asked, &marks[i]) ||
		    set_has(&a->gone, &marks[i]);
		if (set_has(&a->live, &marks[i]))
			return;
	}
	for (size_t i = 0; any && i < count; i++)
		if (!set_has(&a->asked, &marks[i]) &&
		    !set_has(&a->gone, &marks[i]))
			*ARRAY_ADD(&job->ask[s]) = marks[i];
}

/* True if more has to be looked up before the merge. */
static bool
ask_again(struct brain *brain, struct job *job)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		size_t before = job->ask[s].n, n;
		struct answered a = { .asked.count = before };
		struct guid128 *fresh;

		if (!brain->base || !job->side[s].exists || job->list[s] ||
		    before + job->gone[s].n == 0)
			continue;
		if (before > 0)
			a.asked.marks = arena_memdup(job->arena,
			    job->ask[s].v, before * sizeof(*a.asked.marks));
		a.live.count = live_marks(job, s, &a.live.marks);
		a.gone.count = gone_marks(job, s, &a.gone.marks);
		for (size_t i = 0; i < job->recs[!s].n; i++)
			ask_for_others(job, s, &a, job->recs[!s].v[i].marks,
			    job->recs[!s].v[i].mark_count);
		for (size_t i = 0; i < job->gone[!s].n; i++)
			ask_for_others(job, s, &a, job->gone[!s].v[i].marks,
			    job->gone[!s].v[i].mark_count);
		if (job->ask[s].n == before)
			continue;
		n = job->ask[s].n - before;
		fresh = arena_memdup(job->arena, job->ask[s].v + before,
		    n * sizeof(*fresh));
		n = marks_normalise(fresh, n);
		list_marks(brain, job, s, fresh, n);
		job->ask[s].n = marks_normalise(job->ask[s].v,
		    job->ask[s].n);
	}
	return job->waiting > 0;
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

	if (lists_recall(brain, job) || ask_again(brain, job))
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
		/* B3 needs to know each message that is there. */
		if (job->plan.rebuild && (!job->list[0] || !job->list[1] ||
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
			ask_have(brain, job, s);
		if (job->waiting > 0)
			return;
	}
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
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		struct run_side *side = &brain->side[s];

		in.side[s] = (struct tree_side){
			side->boxes.v, side->boxes.n, side->gone.v,
			side->gone.n, side->subs.v, side->subs.n,
			(side->caps & MSG_CAP_DIRECTORIES) == 0,
			run_is_append(brain, s),
		};
		if (side->pending.n > 1)
			qsort(side->pending.v, side->pending.n,
			    sizeof(*side->pending.v), pending_cmp);
	}
	merge_tree(brain->arena, &in, &brain->entries);
	merge_tree_subs(&in, &brain->subs);
	tell_kept_guids(brain);
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
