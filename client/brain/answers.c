/*
 * answers.c - the records that views and lists tell, put where they belong
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "brain/run.h"

static struct delta *
add_delta(struct run_side *side, const struct guid128 *guid)
{
	struct delta *delta = calloc(1, sizeof(*delta));

	if (delta == NULL)
		abort();
	delta->guid = *guid;
	(void)RB_INSERT(deltas, &side->deltas, delta);
	return delta;
}

int
jobs_on_messages(struct brain *brain, unsigned int s,
    const struct msg_messages *m, struct err *err)
{
	struct run_side *side = &brain->side[s];
	struct ask *ask = STAILQ_FIRST(&side->lists);

	if (side->delta != NULL || side->list != NULL)
		return err_set(err, ERR_PROTO, "MESSAGES inside MESSAGES");
	if (m->request == 0) {
		if (!side->tree_ended || side->view_ended ||
		    run_delta_find(side, &m->mailbox) != NULL)
			return err_set(err, ERR_PROTO,
			    "MESSAGES out of order");
		side->delta = add_delta(side, &m->mailbox);
		return 0;
	}
	if (ask == NULL || ask->request != m->request)
		return err_set(err, ERR_PROTO,
		    "MESSAGES that nobody asked for");
	side->list = ask;
	return 0;
}

/* A record that was asked for only for its digest. */
static void
take_digest(struct job *job, unsigned int s, const struct msg_message *m)
{
	struct msg_message key = { .uid = m->uid }, *rec;

	if (job->recs[s].n == 0 || m->digest == NULL)
		return;
	rec = bsearch(&key, job->recs[s].v, job->recs[s].n, sizeof(*rec),
	    jobs_rec_cmp);
	if (rec == NULL)
		return;
	rec->digest = arena_memdup(job->arena, m->digest, DIGEST_SIZE);
	if (rec->received == RECEIVED_NONE) {
		rec->received = m->received;
		rec->saved = m->saved;
	}
}

int
jobs_on_message(struct brain *brain, unsigned int s,
    const struct msg_message *m, struct err *err)
{
	struct run_side *side = &brain->side[s];
	size_t before = arena_used(side->arena);
	struct job *job;

	if (side->delta != NULL) {
		*ARRAY_ADD(&side->delta->recs) = msg_message_dup(side->arena,
		    m);
		side->changed = true;
		return run_charge(brain, NULL, sizeof(*m) +
		    arena_used(side->arena) - before, err);
	}
	if (side->list == NULL)
		return err_set(err, ERR_PROTO, "MESSAGE out of order");
	job = side->list->job;
	if (side->list->what == ASK_DIGESTS) {
		take_digest(job, s, m);
		return 0;
	}
	return side->list->what == ASK_ALL ?
	    lists_message(brain, job, s, m, err) :
	    jobs_keep(brain, job, s, m, err);
}

int
jobs_on_gone(struct brain *brain, unsigned int s, const struct msg_gone *g,
    struct err *err)
{
	struct run_side *side = &brain->side[s];
	struct job *job = NULL;
	struct arena *arena;
	struct msg_gone *copy;
	size_t before;

	if (side->delta != NULL) {
		arena = side->arena;
		copy = ARRAY_ADD(&side->delta->gone);
		side->changed = true;
	} else if (side->list != NULL) {
		job = side->list->job;
		if (side->list->what == ASK_ALL &&
		    lists_gone(job, s, g, err) == -1)
			return -1;
		arena = job->arena;
		copy = ARRAY_ADD(&job->gone[s]);
	} else {
		return err_set(err, ERR_PROTO, "GONE out of order");
	}
	before = arena_used(arena);
	*copy = *g;
	copy->guid = arena_strdup(arena, g->guid != NULL ? g->guid : "");
	copy->marks = arena_memdup(arena, g->marks,
	    g->mark_count * sizeof(*g->marks));
	return run_charge(brain, job, sizeof(*copy) + arena_used(arena) -
	    before, err);
}

int
jobs_on_end(struct brain *brain, unsigned int s,
    const struct msg_messages_end *end, struct err *err)
{
	struct run_side *side = &brain->side[s];
	struct ask *ask = side->list;
	struct job *job;
	int r;

	if (side->delta != NULL) {
		side->delta = NULL;
		return 0;
	}
	if (ask == NULL)
		return err_set(err, ERR_PROTO, "MESSAGES_END out of order");
	job = ask->job;
	STAILQ_REMOVE_HEAD(&side->lists, link);
	side->list = NULL;
	side->list_count--;
	job->waiting--;
	r = ask->what == ASK_ALL ? lists_end(brain, job, s, end->more, err) :
	    0;
	free(ask);
	if (r == -1)
		return -1;
	if (job->waiting == 0)
		jobs_ready(brain, job);
	return 0;
}
