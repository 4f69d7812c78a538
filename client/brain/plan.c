/*
 * plan.c - what is to be done to the messages of one mailbox
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "brain/plan.h"

void
plan_mails_deinit(struct plan_mails *plan)
{
	for (size_t s = 0; s < 2; s++) {
		ARRAY_FREE(&plan->side[s].ops);
		ARRAY_FREE(&plan->side[s].expunges);
	}
	ARRAY_FREE(&plan->blocked);
	ARRAY_FREE(&plan->notes);
	ARRAY_FREE(&plan->uids);
}

/* Flags name the UID from before the UID changes, so they come first. */
static uint32_t
op_order(const struct plan_op *op)
{
	switch (op->kind) {
	case PLAN_FLAGS:
	case PLAN_MODSEQ:
		return 0;
	case PLAN_SET_UID:
		return op->new_uid;
	case PLAN_SAVE:
	case PLAN_COPY:
		/* The next one, behind all that are wanted. */
		return op->uid != 0 ? op->uid : UINT32_MAX;
	case PLAN_EXPUNGE:
		return op->uid;
	}
	abort();
}

static int
op_cmp(const void *a, const void *b)
{
	const struct plan_op *x = a, *y = b;
	uint32_t ox = op_order(x), oy = op_order(y);

	if (ox != oy)
		return ox < oy ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

void
plan_side_sort(struct plan_side *side)
{
	if (side->ops.n > 1)
		qsort(side->ops.v, side->ops.n, sizeof(*side->ops.v), op_cmp);
	if (side->expunges.n > 1)
		qsort(side->expunges.v, side->expunges.n,
		    sizeof(*side->expunges.v), op_cmp);
}

static void
format_flags(struct strbuf *out, const struct mail_flags *mf)
{
	static const char *const names[FLAG_COUNT] = {
		"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft",
	};
	const char *sep = "";

	strbuf_adds(out, " (");
	for (unsigned int bit = 0; bit < FLAG_COUNT; bit++) {
		if ((mf->flags & (1U << bit)) == 0)
			continue;
		strbuf_addf(out, "%s%s", sep, names[bit]);
		sep = " ";
	}
	for (size_t i = 0; i < mf->keyword_count; i++) {
		if (!mf->keywords[i].set)
			continue;
		strbuf_addf(out, "%s%s", sep, mf->keywords[i].name);
		sep = " ";
	}
	strbuf_addc(out, ')');
}

bool
plan_op_is_seen(const struct plan_op *op)
{
	return !op->unseen || op->rec.modseq != 0;
}

void
plan_op_format(struct strbuf *out, const struct plan_op *op)
{
	/* With the flags that are there it carries a modseq at most (F6). */
	switch (op->unseen ? PLAN_MODSEQ : op->kind) {
	case PLAN_SAVE:
		strbuf_addf(out, "save UID %u", (unsigned int)op->uid);
		break;
	case PLAN_COPY:
		strbuf_addf(out, "copy here as UID %u",
		    (unsigned int)op->uid);
		break;
	case PLAN_SET_UID:
		strbuf_addf(out, "change UID %u to %u", (unsigned int)op->uid,
		    (unsigned int)op->new_uid);
		break;
	case PLAN_FLAGS:
		strbuf_addf(out, "set flags of UID %u",
		    (unsigned int)op->uid);
		format_flags(out, &op->rec.flags);
		break;
	case PLAN_MODSEQ:
		strbuf_addf(out, "raise modseq of UID %u to %llu",
		    (unsigned int)op->uid, (unsigned long long)op->rec.modseq);
		break;
	case PLAN_EXPUNGE:
		strbuf_addf(out, "expunge UID %u%s", (unsigned int)op->uid,
		    op->no_tombstone ? " (surplus twin)" : "");
		break;
	}
	if (op->rec.guid != NULL) {
		strbuf_adds(out, " guid ");
		strbuf_add_escaped(out, op->rec.guid, strlen(op->rec.guid));
	}
	if (op->rule != NULL)
		strbuf_addf(out, " [%s]", op->rule);
}
