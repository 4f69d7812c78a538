/*
 * lists.c - complete lists of mailboxes, page by page
 *
 * A mailbox that one side alone has is planned a page at a time.  One that both
 * have is planned as a whole; but messages that are equal on both sides, as
 * most are, need no plan: they are dropped as soon as both have told them, and
 * of each only its UID and a hash of its marks is kept.
 *
 * That is no loss as long as no other message of the mailbox has one of these
 * marks.  Should a hash say that one may have, the dropped ones are listed
 * again, and the merge sees all of them (M5).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "brain/run.h"

#define NO_UID	UINT64_MAX

/*
 * Do the two sides call for no plan where all else is equal?  Under another
 * UIDVALIDITY each message has to be renumbered (M10).
 */
static bool
may_drop(const struct job *job)
{
	const struct mails_side *a = &job->side[0], *b = &job->side[1];

	return !job->whole && !job->paged && !job->into_empty &&
	    job->list[0] && job->list[1] && a->exists && b->exists &&
	    a->state_known && b->state_known &&
	    a->uidvalidity == b->uidvalidity;
}

/*
 * Does one side have the mailbox, as each has its INBOX, but never had
 * a message in it?  Then all UIDs of the other one are kept, whatever comes in
 * a page.
 */
static void
find_empty(const struct brain *brain, struct job *job)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct mails_side *side = &job->side[s];
		const struct mails_side *other = &job->side[!s];

		if (brain->base || !job->list[0] || !job->list[1] ||
		    !side->exists || !other->exists || !side->state_known ||
		    !other->state_known || side->messages > 0 ||
		    side->uidnext > 1 || other->messages == 0 ||
		    other->uidnext > MERGE_UID_HIGH ||
		    brain->source == (int)s)
			continue;
		job->into_empty = true;
		job->empty = s;
	}
}

static uint32_t
page_max(const struct brain *brain, uint32_t most)
{
	uint32_t page = brain->args->page;

	return page > 0 && page < most ? page : most;
}

uint32_t
lists_page(const struct brain *brain)
{
	return page_max(brain, RUN_PAGE);
}

void
lists_ask(struct brain *brain, struct job *job, unsigned int s)
{
	struct msg_list list = { .after_uid = job->last_uid[s] };

	list.tombstones = !job->paged;
	/* M8: the other store may hold the texts. */
	list.sizes = !brain->base && brain->side[!s].view.messages > 0;
	list.max = page_max(brain, job->paged || job->into_empty ? RUN_PAGE :
	    RUN_COMPARE_PAGE);
	jobs_send_list(brain, job, s, ASK_ALL, &list);
}

void
lists_begin(struct brain *brain, struct job *job)
{
	if (!job->paged && !job->whole)
		find_empty(brain, job);
	job->drop = may_drop(job);
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		if (job->list[s])
			lists_ask(brain, job, s);
}

/* Messages come by rising UID; of one UID there may be tombstones, too. */
static int
rises(struct job *job, unsigned int s, uint32_t uid, struct err *err)
{
	if (uid < job->last_uid[s])
		return err_set(err, ERR_PROTO, "the UIDs of a list fall");
	job->last_uid[s] = uid;
	return 0;
}

int
lists_message(struct brain *brain, struct job *job, unsigned int s,
    const struct msg_message *m, struct err *err)
{
	struct fresh *fresh = &job->fresh[s];
	size_t before;

	if (rises(job, s, m->uid, err) == -1)
		return -1;
	if (!job->drop)
		return jobs_keep(brain, job, s, m, err);
	if (fresh->arena == NULL)
		fresh->arena = arena_new(RUN_ARENA_MAX);
	before = arena_used(fresh->arena);
	*ARRAY_ADD(&fresh->recs) = msg_message_dup(fresh->arena, m);
	return run_charge(brain, job, sizeof(*m) + arena_used(fresh->arena) -
	    before, err);
}

int
lists_gone(struct job *job, unsigned int s, const struct msg_gone *g,
    struct err *err)
{
	return rises(job, s, g->uid, err);
}

static uint32_t
mark_hash(const struct guid128 *mark)
{
	uint32_t words[GUID_SIZE / 4], hash = 0;

	memcpy(words, mark->b, sizeof(words));
	for (size_t i = 0; i < nitems(words); i++)
		hash = (hash ^ words[i]) * 0x9e3779b1U;
	return hash;
}

static bool
is_equal(const struct msg_message *a, const struct msg_message *b)
{
	return a->uid == b->uid && a->modseq == b->modseq &&
	    strcmp(a->guid, b->guid) == 0 && a->mark_count == b->mark_count &&
	    memcmp(a->marks, b->marks, a->mark_count * sizeof(*a->marks)) ==
	    0 && mail_flags_identical(&a->flags, &b->flags);
}

static void
drop(struct job *job, const struct msg_message *m)
{
	for (size_t i = 0; i < m->mark_count; i++)
		*ARRAY_ADD(&job->dropped) = (struct dropped){
			.hash = mark_hash(&m->marks[i]), .uid = m->uid,
		};
	job->dropped_count++;
}

/* The UID of the next one; NO_UID: both sides have not told all before it. */
static uint64_t
next_uid(const struct fresh *fresh, uint32_t limit)
{
	if (fresh->at == fresh->recs.n ||
	    fresh->recs.v[fresh->at].uid > limit)
		return NO_UID;
	return fresh->recs.v[fresh->at].uid;
}

static void
fresh_free(struct brain *brain, struct job *job, struct fresh *fresh)
{
	if (fresh->arena != NULL)
		run_discharge(brain, job, arena_used(fresh->arena) +
		    fresh->recs.n * sizeof(*fresh->recs.v));
	ARRAY_FREE(&fresh->recs);
	arena_free(&fresh->arena);
	fresh->at = 0;
}

/* Compare as far as both sides have told. */
static int
compare(struct brain *brain, struct job *job, struct err *err)
{
	struct fresh *a = &job->fresh[0], *b = &job->fresh[1];
	uint32_t limit = UINT32_MAX;
	uint64_t ua, ub;

	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		if (!job->listed[s] && job->last_uid[s] < limit)
			limit = job->last_uid[s];
	for (;;) {
		ua = next_uid(a, limit);
		ub = next_uid(b, limit);
		if (ua == NO_UID && ub == NO_UID)
			break;
		if (ua == ub && is_equal(&a->recs.v[a->at],
		    &b->recs.v[b->at])) {
			drop(job, &a->recs.v[a->at++]);
			b->at++;
			continue;
		}
		if (ua <= ub && jobs_keep(brain, job, 0,
		    &a->recs.v[a->at++], err) == -1)
			return -1;
		if (ub <= ua && jobs_keep(brain, job, 1,
		    &b->recs.v[b->at++], err) == -1)
			return -1;
	}
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		if (job->fresh[s].at == job->fresh[s].recs.n)
			fresh_free(brain, job, &job->fresh[s]);
	return 0;
}

static bool
is_asked(const struct brain *brain, const struct job *job, unsigned int s)
{
	const struct ask *ask;

	STAILQ_FOREACH(ask, &brain->side[s].lists, link)
		if (ask->job == job)
			return true;
	return false;
}

static void
add_page(struct brain *brain, const struct job *job, unsigned int s)
{
	struct page *page = calloc(1, sizeof(*page));

	if (page == NULL)
		abort();
	page->entry = job->entry;
	page->side = s;
	page->guid = job->guid[s];
	page->after_uid = job->last_uid[s];
	page->into_empty = job->into_empty;
	STAILQ_INSERT_TAIL(&brain->pages, page, link);
}

/*
 * The first page of a mailbox that goes into an empty one, and what that one
 * told: if it is nothing, this page is planned, and the others follow.
 */
static void
end_into_empty(struct brain *brain, struct job *job)
{
	unsigned int e = job->empty;

	if (is_asked(brain, job, e) || is_asked(brain, job, !e))
		return;
	if (job->listed[e] && job->recs[e].n == 0 && job->gone[e].n == 0) {
		if (job->listed[!e])
			return;
		job->more = true;
		add_page(brain, job, !e);
		return;
	}
	job->into_empty = false;
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		if (!job->listed[s])
			lists_ask(brain, job, s);
}

int
lists_end(struct brain *brain, struct job *job, unsigned int s, bool more,
    struct err *err)
{
	/* Or it would be asked for for ever. */
	if (more && job->last_uid[s] == job->page_after[s])
		return err_set(err, ERR_PROTO, "a page of a list is empty");
	job->page_after[s] = job->last_uid[s];
	job->listed[s] = !more;
	if (job->paged && more) {
		job->more = true;
		add_page(brain, job, s);
		return 0;
	}
	if (job->into_empty && !job->paged) {
		end_into_empty(brain, job);
		return 0;
	}
	if (!job->drop) {
		if (more)
			lists_ask(brain, job, s);
		return 0;
	}
	if (compare(brain, job, err) == -1)
		return -1;
	/* The side that is behind goes on; the other one waits for it. */
	for (s = 0; s < SIDE_COUNT; s++)
		if (!job->listed[s] && job->fresh[s].recs.n == 0 &&
		    !is_asked(brain, job, s))
			lists_ask(brain, job, s);
	return 0;
}

static int
dropped_cmp(const void *a, const void *b)
{
	const struct dropped *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* The first that is dropped with a hash not below this one. */
static size_t
dropped_find(const struct job *job, uint32_t hash)
{
	size_t low = 0, high = job->dropped.n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (job->dropped.v[mid].hash < hash)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

ARRAY_TYPE(uid_list, uint32_t);

static void
recall_marks(const struct job *job, const struct guid128 *marks, size_t n,
    struct uid_list *uids)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t hash = mark_hash(&marks[i]);

		for (size_t k = dropped_find(job, hash); k < job->dropped.n &&
		    job->dropped.v[k].hash == hash; k++)
			*ARRAY_ADD(uids) = job->dropped.v[k].uid;
	}
}

/* Those that were dropped, and perhaps have a mark in common with others. */
static void
find_shared(struct job *job, struct uid_list *uids)
{
	const struct dropped *d = job->dropped.v;

	if (job->dropped.n > 1)
		qsort(job->dropped.v, job->dropped.n, sizeof(*d),
		    dropped_cmp);
	for (size_t i = 1; i < job->dropped.n; i++) {
		if (d[i].hash != d[i - 1].hash)
			continue;
		*ARRAY_ADD(uids) = d[i - 1].uid;
		*ARRAY_ADD(uids) = d[i].uid;
	}
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		for (size_t i = 0; i < job->recs[s].n; i++)
			recall_marks(job, job->recs[s].v[i].marks,
			    job->recs[s].v[i].mark_count, uids);
}

bool
lists_recall(struct brain *brain, struct job *job)
{
	struct uid_list uids = { 0 };
	size_t n = 0;

	if (!job->drop)
		return false;
	job->drop = false;
	find_shared(job, &uids);
	ARRAY_FREE(&job->dropped);
	if (uids.n > 1)
		qsort(uids.v, uids.n, sizeof(*uids.v), array_u32_cmp);
	for (size_t i = 0; i < uids.n; i++)
		if (n == 0 || uids.v[n - 1] != uids.v[i])
			uids.v[n++] = uids.v[i];
	job->dropped_count -= n;
	for (unsigned int s = 0; n > 0 && s < SIDE_COUNT; s++)
		jobs_list_uids(brain, job, s, ASK_AGAIN, uids.v, n);
	ARRAY_FREE(&uids);
	return job->waiting > 0;
}

void
lists_free(struct brain *brain, struct job *job)
{
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		fresh_free(brain, job, &job->fresh[s]);
	ARRAY_FREE(&job->dropped);
}
