/*
 * jobs_ask.c - what a job asks of a side before it can be merged
 *
 * Marks of messages that the view of a side did not speak of, although the
 * other side has reason to; and messages by UID, for their digests.
 */
#include "config.h"

#include <stdlib.h>

#include "brain/run.h"

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
	if (marks_sorted_have(spoken, count, mark))
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
			ask = marks_sorted_have(dead, dead_count,
			    &rec->marks[k]);
		for (size_t k = 0; ask && k < rec->mark_count; k++)
			ask_if_unspoken(job, !s, spoken, count,
			    &rec->marks[k]);
	}
}

/*
 * -n announces what will be seen to change.  What the other side says nothing
 * of may be there with the flags that it shall have, or be gone, by a run with
 * a third store; a run that changes things finds that out by doing them.
 */
static void
ask_for_unchanged(struct job *job, unsigned int s,
    const struct guid128 *spoken, size_t count)
{
	for (size_t i = 0; i < job->recs[s].n; i++) {
		const struct msg_message *rec = &job->recs[s].v[i];

		for (size_t k = 0; !rec->is_new && k < rec->mark_count; k++)
			ask_if_unspoken(job, !s, spoken, count,
			    &rec->marks[k]);
	}
	for (size_t i = 0; i < job->gone[s].n; i++) {
		const struct msg_gone *g = &job->gone[s].v[i];

		for (size_t k = 0; !g->is_new && k < g->mark_count; k++)
			ask_if_unspoken(job, !s, spoken, count,
			    &g->marks[k]);
	}
}

void
jobs_ask_collect(struct brain *brain, struct job *job)
{
	const struct tree_entry *e = &brain->entries.v[job->entry];
	struct guid128 guids[ENTRY_GUIDS_MAX];
	size_t guid_count = jobs_entry_guids(e, guids);
	struct guid128 *spoken[2];
	size_t count[2];

	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		count[s] = spoken_marks(job, s, &spoken[s]);
	for (unsigned int p = 0; p < SIDE_COUNT; p++) {
		const struct run_side *side = &brain->side[p];
		const struct msg_pending *end = side->pending.v +
		    side->pending.n;

		for (size_t b = 0; b < guid_count; b++) {
			const struct msg_pending *q = jobs_pending_first(side,
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
	for (unsigned int s = 0; s < SIDE_COUNT && brain->args->dry_run; s++)
		ask_for_unchanged(job, s, spoken[!s], count[!s]);
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

struct ask *
jobs_add_ask(struct run_side *side, struct job *job, enum ask_what what)
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

	list->request = jobs_add_ask(&brain->side[s], job, what)->request;
	list->mailbox = job->guid[s];
	msg.u.list = *list;
	brain->send(s, &msg, brain->arg);
}

void
jobs_ask_marks(struct brain *brain, struct job *job, unsigned int s,
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

struct mark_set {
	struct guid128 *marks;		/* sorted */
	size_t count;
};

static bool
set_has(const struct mark_set *set, const struct guid128 *mark)
{
	return marks_sorted_have(set->marks, set->count, mark);
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

bool
jobs_ask_again(struct brain *brain, struct job *job)
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
		jobs_ask_marks(brain, job, s, fresh, n);
		job->ask[s].n = marks_normalise(job->ask[s].v,
		    job->ask[s].n);
	}
	return job->waiting > 0;
}
