/*
 * texts.c - which bodies the saving side holds already (M8)
 *
 * With a base the other store tells that from its log, as of the base; one-way
 * the store that is to save says whether it still holds them, since a body that
 * comes late would find its UID taken, and the source cannot follow.  Without
 * a base it is asked about all, by GUID.  It also says where it has another
 * message of the same size, which may be the same text: only of those are the
 * digests asked for, on the side where the message is, and compared.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "brain/run.h"

/* Ask about these operations of the plan, from have_ops[first] on. */
static void
send_have(struct brain *brain, struct job *job, unsigned int s, size_t first,
    size_t n, bool digests)
{
	const struct plan_ops *ops = &job->plan.side[s].ops;
	struct msg msg = { .kind = MSG_HAVE };
	struct msg_have *have = &msg.u.have;
	uint8_t texts[HAVE_TEXTS_MAX * DIGEST_SIZE];
	const char *guids[HAVE_MAX];
	uint64_t sizes[HAVE_MAX];
	struct ask *ask = jobs_add_ask(&brain->side[s], job, ASK_HAVE);

	ask->first = first;
	ask->count = n;
	have->request = ask->request;
	have->guids = guids;
	have->guid_count = n;
	for (size_t i = 0; i < n; i++) {
		const struct msg_message *rec =
		    &ops->v[job->have_ops[s].v[first + i]].rec;

		guids[i] = rec->guid;
		sizes[i] = rec->size;
		if (rec->size != 0 || digests)
			have->sizes = sizes;
		if (digests)
			memcpy(texts + i * DIGEST_SIZE, rec->digest,
			    DIGEST_SIZE);
	}
	have->digests = digests ? texts : NULL;
	brain->send(s, &msg, brain->arg);
}

/* About all from have_ops[i] on. */
static void
send_haves(struct brain *brain, struct job *job, unsigned int s, size_t i,
    bool digests)
{
	size_t max = digests ? HAVE_TEXTS_MAX : HAVE_MAX, n;

	for (; i < job->have_ops[s].n; i += n) {
		n = job->have_ops[s].n - i;
		if (n > max)
			n = max;
		send_have(brain, job, s, i, n, digests);
	}
}

/* Operations of one kind; with a base only those with, or without, a digest. */
static void
ask_about(struct brain *brain, struct job *job, unsigned int s,
    enum plan_kind kind, bool digests)
{
	const struct plan_ops *ops = &job->plan.side[s].ops;
	size_t first = job->have_ops[s].n;

	for (size_t i = 0; i < ops->n; i++)
		if (ops->v[i].kind == kind && (!brain->base ||
		    (ops->v[i].rec.digest != NULL) == digests))
			*ARRAY_ADD(&job->have_ops[s]) = i;
	send_haves(brain, job, s, first, digests);
}

void
texts_ask_have(struct brain *brain, struct job *job, unsigned int s)
{
	if (brain->base && brain->source >= 0) {
		ask_about(brain, job, s, PLAN_COPY, false);
		ask_about(brain, job, s, PLAN_COPY, true);
	} else if (!brain->base && brain->side[s].view.messages > 0) {
		ask_about(brain, job, s, PLAN_SAVE, false);
	}
}

static const struct msg_message *
find_rec(const struct job *job, unsigned int s, uint32_t uid)
{
	struct msg_message key = { .uid = uid };

	if (job->recs[s].n == 0)
		return NULL;
	return bsearch(&key, job->recs[s].v, job->recs[s].n,
	    sizeof(*job->recs[s].v), jobs_rec_cmp);
}

/* Ask side o for the digests of what side !o may hold. */
static void
ask_digests(struct brain *brain, struct job *job, unsigned int o)
{
	const struct plan_ops *ops = &job->plan.side[!o].ops;
	size_t n = 0, kept = 0;
	uint32_t *uids;

	/* An arena takes 4 KiB at least, for each of many mailboxes. */
	if (job->same[!o].n == 0)
		return;
	uids = arena_calloc(job->arena, job->same[!o].n, sizeof(*uids));
	for (size_t i = 0; i < job->same[!o].n; i++)
		uids[n++] = ops->v[job->same[!o].v[i]].from_uid;
	if (n > 1)
		qsort(uids, n, sizeof(*uids), array_u32_cmp);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || uids[kept - 1] != uids[i])
			uids[kept++] = uids[i];
	if (kept > 0)
		jobs_list_uids(brain, job, o, ASK_DIGESTS, uids, kept);
}

/* They have come: does side s hold such a text? */
static void
ask_texts(struct brain *brain, struct job *job, unsigned int s)
{
	struct plan_op *ops = job->plan.side[s].ops.v;

	job->have_ops[s].n = 0;
	for (size_t i = 0; i < job->same[s].n; i++) {
		struct plan_op *op = &ops[job->same[s].v[i]];
		const struct msg_message *rec = find_rec(job, !s,
		    op->from_uid);

		/* A copy is to have the date of the message. */
		if (rec == NULL || rec->digest == NULL ||
		    rec->received == RECEIVED_NONE)
			continue;
		op->rec.digest = rec->digest;
		op->rec.received = rec->received;
		op->rec.saved = rec->saved;
		*ARRAY_ADD(&job->have_ops[s]) = job->same[s].v[i];
	}
	send_haves(brain, job, s, 0, true);
}

bool
texts_ask(struct brain *brain, struct job *job)
{
	for (; job->texts != TEXTS_DONE && job->waiting == 0; job->texts++)
		for (unsigned int s = 0; s < SIDE_COUNT; s++) {
			if (job->texts == TEXTS_SIZES)
				ask_digests(brain, job, s);
			else
				ask_texts(brain, job, s);
		}
	return job->waiting > 0;
}

static bool
bit(const uint8_t *bits, size_t i)
{
	return (bits[i / 8] & (1U << i % 8)) != 0;
}

int
texts_on_have(struct brain *brain, unsigned int s,
    const struct msg_have_reply *reply, struct err *err)
{
	struct run_side *side = &brain->side[s];
	struct ask *ask = STAILQ_FIRST(&side->haves);
	struct job *job;

	if (ask == NULL || ask->request != reply->request)
		return err_set(err, ERR_PROTO,
		    "HAVE_REPLY that nobody asked for");
	job = ask->job;
	if (reply->bits_len != (ask->count + 7) / 8 ||
	    (reply->same_size_len != 0 &&
	    reply->same_size_len != reply->bits_len))
		return err_set(err, ERR_PROTO, "HAVE_REPLY of another size");
	for (size_t i = 0; i < ask->count; i++) {
		size_t at = job->have_ops[s].v[ask->first + i];
		struct plan_op *op = &job->plan.side[s].ops.v[at];

		if (bit(reply->bits, i)) {
			op->kind = PLAN_COPY;
			op->rule = "M8";
		} else if (op->kind == PLAN_COPY) {
			op->kind = PLAN_SAVE;
			op->rule = "M2";
		} else if (reply->same_size_len > 0 &&
		    job->texts == TEXTS_SIZES && op->rec.size != 0 &&
		    bit(reply->same_size, i)) {
			*ARRAY_ADD(&job->same[s]) = at;
		}
	}
	STAILQ_REMOVE_HEAD(&side->haves, link);
	free(ask);
	if (--job->waiting == 0)
		jobs_ready(brain, job);
	return 0;
}
