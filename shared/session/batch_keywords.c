/*
 * Keywords that a batch was to set and the driver left out.  If the log took
 * them for set, the next scan would take them for cleared, and the other store
 * would lose them.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "session/session_int.h"

struct keyword_check {
	struct batch_op **ops;		/* of one mailbox, by GUID */
	size_t n;
};

static int
op_guid_cmp(const void *av, const void *bv)
{
	const struct batch_op *const *a = av, *const *b = bv;

	return strcmp((*a)->m.guid, (*b)->m.guid);
}

/* Keywords that the message did not get are none that the log knows. */
static void
drop_keywords(struct batch_op *op, const struct mail_info *info)
{
	struct mail_flags *mf = &op->m.flags;
	size_t n = 0;

	for (size_t i = 0; i < mf->keyword_count; i++) {
		bool has = !mf->keywords[i].set;

		for (size_t k = 0; k < info->keyword_count && !has; k++)
			has = keyword_cmp(mf->keywords[i].name,
			    info->keywords[k]) == 0;
		if (has)
			mf->keywords[n++] = mf->keywords[i];
		else
			op->partial = true;
	}
	mf->keyword_count = n;
}

static int
check_keywords(const struct mail_info *info, void *arg, struct err *err)
{
	const struct keyword_check *check = arg;
	size_t lo = 0, hi = check->n;

	(void)err;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(check->ops[mid]->m.guid, info->guid) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < check->n &&
	    strcmp(check->ops[lo]->m.guid, info->guid) == 0; lo++)
		drop_keywords(check->ops[lo], info);
	return 0;
}

int
batch_find_partial(struct session *s, struct err *err)
{
	struct keyword_check check = { .ops = arena_calloc(s->batch_arena,
	    s->batch.n, sizeof(*check.ops)) };

	for (size_t i = 0; i < s->boxes.n; i++) {
		check.n = 0;
		for (size_t k = 0; k < s->batch.n; k++) {
			struct batch_op *op = &s->batch.v[k];

			if (op->mailbox == s->boxes.v[i].id && !op->log_only &&
			    op->code == ERR_NONE &&
			    op->m.flags.keyword_count > 0 &&
			    (op->kind == BATCH_SAVE || op->kind == BATCH_COPY ||
			    op->kind == BATCH_FLAGS))
				check.ops[check.n++] = op;
		}
		if (check.n == 0)
			continue;
		qsort(check.ops, check.n, sizeof(*check.ops), op_guid_cmp);
		if (s->driver->scan(s->boxes.v[i].box, check_keywords, &check,
		    err) == -1)
			return -1;
	}
	return 0;
}
