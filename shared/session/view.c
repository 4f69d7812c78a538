/*
 * What belongs in a view or a tree, out of the log.
 */
#include "config.h"

#include <string.h>

#include "session/session_int.h"

bool
since_changed(const struct chlog_since *since, uint64_t seq, int64_t run)
{
	return seq > since->seq && (run == RUN_NOBODY || run != since->run);
}

bool
view_changed(const struct session *s, uint64_t seq, int64_t run)
{
	return !s->has_base || since_changed(&s->since, seq, run);
}

const struct chlog_pending *
view_pending_of(const struct session *s, const struct guid128 *guid,
    size_t *n_r)
{
	size_t lo = 0, hi = s->base_pending_count, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (guid_cmp(&s->base_pending[mid].mailbox, guid) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < s->base_pending_count &&
	    guid_eq(&s->base_pending[end].mailbox, guid); end++)
		;
	*n_r = end - lo;
	return &s->base_pending[lo];
}

static bool
guid_in(const struct guid128 *list, size_t n, const struct guid128 *guid)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int r = guid_cmp(&list[mid], guid);

		if (r == 0)
			return true;
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* What of this mailbox belongs in a view with a base. */
static int
judge_box(struct session *s, struct view_box *vb,
    const struct guid128 *tombs, size_t tomb_count, struct err *err)
{
	const struct chlog_mailbox *box = &vb->box;
	const struct chlog_pending *pending;
	size_t pending_count;
	bool tree = view_changed(s, box->tree_seq, box->tree_run);
	int r = 0;

	pending = view_pending_of(s, &box->guid, &pending_count);
	if (box->message_seq > s->since.seq &&
	    (r = chlog_mails_changed(s->log, box->id, &s->since, err)) == -1)
		return -1;
	vb->delta = r == 1 || guid_in(tombs, tomb_count, &box->guid);
	for (size_t i = 0; i < pending_count; i++)
		vb->delta = vb->delta || pending[i].uid != 0 ||
		    !guid_is_zero(&pending[i].mark);
	vb->shown = vb->shown || tree || vb->delta || pending_count > 0 ||
	    view_changed(s, box->seq, box->run);
	/* By a rename it may have come into the scope just now. */
	if (s->filtered && tree) {
		vb->delta = false;
		vb->with_digest = true;
	}
	return 0;
}

static int
load_boxes(struct session *s, struct err *err)
{
	struct answer *a = &s->answer;
	struct chlog_mailbox *rows;
	ptrdiff_t n = chlog_mailboxes(s->log, a->arena, &rows, err);

	if (n == -1)
		return -1;
	a->boxes = arena_calloc(a->arena, (size_t)n, sizeof(*a->boxes));
	for (ptrdiff_t i = 0; i < n; i++)
		if (session_in_scope(s, rows[i].name))
			a->boxes[a->box_count++].box = rows[i];
	return 0;
}

static int
load_subscriptions(struct session *s, bool all, struct err *err)
{
	struct answer *a = &s->answer;
	struct guid128 none = { { 0 } };
	const struct chlog_pending *pending;
	size_t pending_count, kept = 0;
	ptrdiff_t n = chlog_subscriptions(s->log, a->arena, &a->subs, err);

	if (n == -1)
		return -1;
	pending = view_pending_of(s, &none, &pending_count);
	for (ptrdiff_t i = 0; i < n; i++) {
		const struct chlog_subscription *sub = &a->subs[i];
		bool show = all || view_changed(s, sub->seq, sub->run);

		for (size_t k = 0; k < pending_count && !show; k++)
			show = strcmp(pending[k].text, sub->name) == 0;
		if (show && session_in_scope(s, sub->name))
			a->subs[kept++] = *sub;
	}
	a->sub_count = kept;
	return 0;
}

/*
 * Mailboxes that are gone and were not gone at the base; or all of them: one
 * that a third store has brought to the other side since is gone all the same
 * (T3).
 */
static int
load_gone(struct session *s, bool all, struct err *err)
{
	struct answer *a = &s->answer;
	size_t kept = 0, pending_count;
	ptrdiff_t n = chlog_mailboxes_gone(s->log, a->arena, &a->gone, err);

	if (n == -1)
		return -1;
	for (ptrdiff_t i = 0; i < n; i++) {
		const struct chlog_mailbox_gone *gone = &a->gone[i];

		view_pending_of(s, &gone->guid, &pending_count);
		if (((all && kept < GONE_TOLD_MAX) || pending_count > 0 ||
		    view_changed(s, gone->seq, gone->run)) &&
		    session_in_scope(s, gone->name))
			a->gone[kept++] = *gone;
	}
	a->gone_count = kept;
	return 0;
}

/* The mailboxes whose messages follow, gone ones too, by rising GUID. */
static void
make_sections(struct answer *a, const struct guid128 *tombs,
    size_t tomb_count)
{
	size_t i = 0, g = 0;

	a->sections = arena_calloc(a->arena, a->box_count + a->gone_count,
	    sizeof(*a->sections));
	while (i < a->box_count || g < a->gone_count) {
		struct section *sec = &a->sections[a->section_count];

		if (g == a->gone_count || (i < a->box_count &&
		    guid_cmp(&a->boxes[i].box.guid, &a->gone[g].guid) <= 0)) {
			if (a->boxes[i].delta) {
				sec->guid = a->boxes[i].box.guid;
				sec->mailbox = a->boxes[i].box.id;
				a->section_count++;
			}
			i++;
			continue;
		}
		if (guid_in(tombs, tomb_count, &a->gone[g].guid)) {
			sec->guid = a->gone[g].guid;
			a->section_count++;
		}
		g++;
	}
}

int
view_load_tree(struct session *s, struct err *err)
{
	struct answer *a = &s->answer;

	if (load_boxes(s, err) == -1 ||
	    load_subscriptions(s, true, err) == -1 ||
	    attributes_load(s, true, err) == -1 ||
	    (s->has_base && load_gone(s, true, err) == -1))
		return -1;
	for (size_t i = 0; i < a->box_count; i++)
		a->boxes[i].shown = true;
	return 0;
}

int
view_load(struct session *s, struct err *err)
{
	struct answer *a = &s->answer;
	bool full = !s->has_base || s->hello.full;
	struct guid128 *tombs = NULL;
	ptrdiff_t n = 0;

	if (load_boxes(s, err) == -1 ||
	    load_subscriptions(s, full, err) == -1 ||
	    attributes_load(s, full, err) == -1 ||
	    (s->has_base && load_gone(s, full, err) == -1))
		return -1;
	if (full) {
		for (size_t i = 0; i < a->box_count; i++) {
			a->boxes[i].shown = a->boxes[i].with_digest = true;
			/* -f computes it anew. */
			if (s->hello.full)
				a->boxes[i].box.has_set_digest = false;
		}
		return 0;
	}
	n = chlog_tombstone_mailboxes(s->log, &s->since, a->arena, &tombs,
	    err);
	if (n == -1)
		return -1;
	for (size_t i = 0; i < a->box_count; i++)
		if (judge_box(s, &a->boxes[i], tombs, (size_t)n, err) == -1)
			return -1;
	make_sections(a, tombs, (size_t)n);
	return 0;
}
