/*
 * Mailboxes to be made, subscriptions and attributes to be set, which a first
 * copy has many of: they wait for each other, so that the store makes all of
 * them durable together and the log takes them in one transaction.
 *
 * Nothing overtakes them: every other operation, a FLUSH and any question about
 * mailboxes makes them first.  The log's write lock is held over both, as in
 * batch.c.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "session/session_int.h"

#define TREE_BATCH_MAX	1000U	/* mailboxes, and as many subscriptions */

/* What the store says of one that was just made; it stays open. */
static int
look_at(struct session *s, struct new_box *box)
{
	const char *name = box->mapped;
	int r;

	r = s->driver->mailbox_open(s->store, name, &box->box, &box->why);
	if (r == 0)
		r = s->driver->status(box->box, &box->status, &box->why);
	box->failed = r == -1;
	return r;
}

static int
make_boxes(struct session *s, struct err *err)
{
	size_t n = s->tree.boxes.n;
	struct store_creation *list = mem_alloc(n * sizeof(*list));
	struct new_box *box;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		list[i].name = s->tree.boxes.v[i].mapped;
		list[i].status = s->tree.boxes.v[i].status;
		list[i].failure = (struct err)ERR_INIT;
	}
	if (s->driver->mailboxes_create != NULL)
		r = s->driver->mailboxes_create(s->store, list, n, err);
	for (size_t i = 0; i < n && r == 0; i++) {
		box = &s->tree.boxes.v[i];
		if (s->driver->mailboxes_create == NULL)
			list[i].failed = s->driver->mailbox_create(s->store,
			    list[i].name, true, &list[i].status,
			    &list[i].failure) == -1;
		box->failed = list[i].failed;
		box->why = list[i].failure;
	}
	free(list);
	return r == -1 ? err_prefix(err, "the store is in doubt") : 0;
}

static int
set_subscriptions(struct session *s, struct err *err)
{
	struct store_subscription *list = mem_alloc(s->tree.subs.n *
	    sizeof(*list));
	struct new_sub *sub;
	size_t n = 0, k = 0;
	int r = 0;

	for (size_t i = 0; i < s->tree.subs.n; i++) {
		sub = &s->tree.subs.v[i];
		if (!sub->change)
			continue;
		list[n].name = sub->mapped;
		list[n].failure = (struct err)ERR_INIT;
		list[n++].on = sub->on;
	}
	if (n > 0 && s->driver->subscribe_all != NULL)
		r = s->driver->subscribe_all(s->store, list, n, err);
	for (size_t i = 0; i < s->tree.subs.n && r == 0; i++) {
		sub = &s->tree.subs.v[i];
		if (!sub->change)
			continue;
		if (s->driver->subscribe_all == NULL)
			list[k].failed = s->driver->subscribe(s->store,
			    list[k].name, list[k].on,
			    &list[k].failure) == -1;
		sub->failed = list[k].failed;
		sub->why = list[k++].failure;
	}
	free(list);
	return r == -1 ? err_prefix(err, "the store is in doubt") : 0;
}

static int
log_box(struct session *s, struct new_box *new, struct err *err)
{
	const struct mailbox_status *status = &new->status;
	const struct msg_mailbox *box = &new->box_msg;
	struct chlog_mailbox row = { .name = box->name,
	    .store_name = new->mapped, .selectable = true };

	if (look_at(s, new) == -1)
		return 0;
	row.guid = guid_is_zero(&status->guid) ? box->guid : status->guid;
	row.uidvalidity = status->uidvalidity;
	row.uidnext = row.store_uidnext = status->uidnext;
	row.highestmodseq = status->highestmodseq;
	tree_set_stamps(&row, box);
	if (tree_log_row(s, &row, box, true, err) == -1)
		return -1;
	/* Whatever raises its modseq now is this run itself (F6). */
	row.highestmodseq = 0;
	apply_keep(s, &row, &new->box);
	s->driver->mailbox_close(&new->box);
	return 0;
}

static int
log_sub(struct session *s, const struct new_sub *sub, struct err *err)
{
	struct chlog_subscription row = { .name = sub->name,
	    .store_name = sub->mapped, .on = sub->on, .stamp = sub->stamp };

	row.seq = chlog_next_seq(s->log);
	if (chlog_run_get(s->log, &s->hello.run, &row.run, err) == -1)
		return -1;
	return chlog_subscription_put(s->log, &row, err);
}

static int
log_all(struct session *s, struct err *err)
{
	for (size_t i = 0; i < s->tree.boxes.n; i++)
		if (!s->tree.boxes.v[i].failed &&
		    log_box(s, &s->tree.boxes.v[i], err) == -1)
			return -1;
	for (size_t i = 0; i < s->tree.subs.n; i++)
		if (!s->tree.subs.v[i].failed &&
		    log_sub(s, &s->tree.subs.v[i], err) == -1)
			return -1;
	return 0;
}

static void
close_boxes(struct session *s)
{
	for (size_t i = 0; i < s->tree.boxes.n; i++)
		if (s->tree.boxes.v[i].box != NULL)
			s->driver->mailbox_close(&s->tree.boxes.v[i].box);
}

static void
answer_failures(struct session *s)
{
	for (size_t i = 0; i < s->tree.boxes.n; i++) {
		const struct new_box *box = &s->tree.boxes.v[i];

		if (box->failed)
			tree_failed(s, box->op, &box->box_msg.guid,
			    &box->why);
	}
	for (size_t i = 0; i < s->tree.subs.n; i++) {
		const struct new_sub *sub = &s->tree.subs.v[i];

		if (sub->failed)
			tree_sub_failed(s, sub->op, sub->name, &sub->why);
	}
	for (size_t i = 0; i < s->tree.attributes.n; i++)
		attributes_answer(s, &s->tree.attributes.v[i]);
}

void
tree_batch_end(struct session *s)
{
	close_boxes(s);
	ARRAY_FREE(&s->tree.boxes);
	ARRAY_FREE(&s->tree.subs);
	ARRAY_FREE(&s->tree.attributes);
	arena_free(&s->tree.arena);
}

int
tree_batch_flush(struct session *s, struct err *err)
{
	if (s->tree.boxes.n == 0 && s->tree.subs.n == 0 &&
	    s->tree.attributes.n == 0)
		return 0;
	if (intend_tree(s, err) == -1 || chlog_begin(s->log, err) == -1)
		return -1;
	if ((s->tree.boxes.n > 0 && make_boxes(s, err) == -1) ||
	    (s->tree.subs.n > 0 && set_subscriptions(s, err) == -1) ||
	    log_all(s, err) == -1 || (s->tree.attributes.n > 0 &&
	    attributes_set(s, s->tree.attributes.v, s->tree.attributes.n,
	    err) == -1) || chlog_intents_done(s->log, &s->hello.run,
	    err) == -1 || chlog_commit(s->log, err) == -1) {
		close_boxes(s);
		chlog_rollback(s->log);
		return -1;
	}
	close_boxes(s);
	answer_failures(s);
	s->tree.boxes.n = s->tree.subs.n = s->tree.attributes.n = 0;
	arena_free(&s->tree.arena);
	apply_row_forget(s);
	return 0;
}

static bool
holds(const struct session *s, const struct guid128 *guid)
{
	const struct msg_mailbox *box;

	for (size_t i = 0; i < s->tree.boxes.n; i++) {
		box = &s->tree.boxes.v[i].box_msg;
		if (guid_eq(&box->guid, guid))
			return true;
		for (size_t k = 0; k < box->alias_count; k++)
			if (guid_eq(&box->aliases[k], guid))
				return true;
	}
	for (size_t i = 0; i < s->tree.attributes.n; i++)
		if (guid_eq(&s->tree.attributes.v[i].a.mailbox, guid))
			return true;
	return false;
}

int
tree_batch_before(struct session *s, const struct msg_mailbox *box,
    struct err *err)
{
	return holds(s, &box->guid) ? tree_batch_flush(s, err) : 0;
}

bool
tree_batch_has_sub(const struct session *s, const char *name)
{
	for (size_t i = 0; i < s->tree.subs.n; i++)
		if (strcmp(s->tree.subs.v[i].name, name) == 0)
			return true;
	return false;
}

bool
tree_batch_has_sub_spelling(const struct session *s, const char *mapped)
{
	for (size_t i = 0; i < s->tree.subs.n; i++)
		if (strcmp(s->tree.subs.v[i].mapped, mapped) == 0)
			return true;
	return false;
}

bool
tree_batch_has_name(const struct session *s, const char *name)
{
	for (size_t i = 0; i < s->tree.boxes.n; i++)
		if (strcmp(s->tree.boxes.v[i].box_msg.name, name) == 0)
			return true;
	return false;
}

bool
tree_batch_has_spelling(const struct session *s, const char *mapped,
    const char *name)
{
	for (size_t i = 0; i < s->tree.boxes.n; i++) {
		const struct new_box *box = &s->tree.boxes.v[i];

		if (strcmp(box->mapped, mapped) == 0 &&
		    strcmp(box->box_msg.name, name) != 0)
			return true;
	}
	return false;
}

static struct arena *
batch_arena(struct session *s)
{
	if (s->tree.arena == NULL)
		s->tree.arena = arena_new(ARENA_PAGE_MAX);
	return s->tree.arena;
}

static int
flush_if_full(struct session *s, struct err *err)
{
	if (s->tree.boxes.n < TREE_BATCH_MAX &&
	    s->tree.subs.n < TREE_BATCH_MAX &&
	    s->tree.attributes.n < TREE_BATCH_MAX &&
	    arena_used(s->tree.arena) < BATCH_MEMORY_MAX)
		return 0;
	return tree_batch_flush(s, err);
}

int
tree_batch_create(struct session *s, const struct msg_op_mailbox *m,
    const char *mapped, struct err *err)
{
	struct arena *arena = batch_arena(s);
	struct new_box *new = ARRAY_ADD(&s->tree.boxes);
	struct msg_mailbox *box = &new->box_msg;

	*new = (struct new_box){ .op = m->op, .box_msg = m->box,
	    .why = ERR_INIT };
	new->mapped = arena_strdup(arena, mapped);
	box->name = arena_strdup(arena, m->box.name);
	box->aliases = m->box.alias_count == 0 ? NULL : arena_memdup(arena,
	    m->box.aliases, m->box.alias_count * sizeof(*box->aliases));
	box->set_digest = NULL;
	new->status.guid = box->guid;
	new->status.uidvalidity = box->uidvalidity;
	new->status.uidnext = box->uidnext;
	new->status.highestmodseq = box->highestmodseq;
	return flush_if_full(s, err);
}

int
tree_batch_subscribe(struct session *s, const struct msg_op_subscribe *m,
    const char *mapped, bool change, struct err *err)
{
	struct arena *arena = batch_arena(s);
	struct new_sub *new = ARRAY_ADD(&s->tree.subs);

	*new = (struct new_sub){ .op = m->op, .on = m->sub.on,
	    .stamp = m->sub.stamp, .change = change, .why = ERR_INIT };
	new->name = arena_strdup(arena, m->sub.name);
	new->mapped = arena_strdup(arena, mapped);
	return flush_if_full(s, err);
}

bool
tree_batch_has_attribute(const struct session *s,
    const struct msg_attribute *a)
{
	for (size_t i = 0; i < s->tree.attributes.n; i++) {
		const struct msg_attribute *b = &s->tree.attributes.v[i].a;

		if (guid_eq(&a->mailbox, &b->mailbox) &&
		    strcmp(a->key, b->key) == 0)
			return true;
	}
	return false;
}

int
tree_batch_attribute(struct session *s, const struct msg_op_attribute *m,
    struct err *err)
{
	struct arena *arena = batch_arena(s);
	struct new_attribute *new = ARRAY_ADD(&s->tree.attributes);

	*new = (struct new_attribute){ .op = m->op, .a = m->a,
	    .why = ERR_INIT };
	new->a.key = arena_strdup(arena, m->a.key);
	if (m->a.value != NULL)
		new->a.value = m->a.len == 0 ? (const uint8_t *)"" :
		    arena_memdup(arena, m->a.value, m->a.len);
	return flush_if_full(s, err);
}

bool
tree_batch_may_wait(enum msg_kind kind)
{
	return kind == MSG_OP_MAILBOX || kind == MSG_OP_SUBSCRIBE ||
	    kind == MSG_OP_ATTRIBUTE ||
	    kind == MSG_GET || kind == MSG_HAVE || kind == MSG_PENDING;
}
