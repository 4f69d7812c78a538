/*
 * Attributes of mailboxes (T15): the store's into the log, the log's into
 * a view, operations into the store.
 *
 * The place where a store keeps them is no part of it: a file that some setting
 * names.  So if it can't be read, or is not there although it held attributes,
 * nothing of it is believed, and nothing written: the run goes on without them.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/attribute.h"
#include "session/session_int.h"

bool
attributes_wanted(const struct session *s)
{
	return s->keeps_attributes &&
	    (s->hello.features & FEATURE_ATTRIBUTES) != 0;
}

struct attribute_scan {
	struct session *s;
	bool first;
	uint64_t now;
	struct chlog_mailbox *boxes;	/* by GUID */
	unsigned int *counts;		/* of attributes, for each of them */
	size_t box_count;
	struct chlog_attribute *known;	/* by GUID and key */
	bool *seen;
	size_t count;
	bool log_failed;
};

static int
box_cmp(const void *a, const void *b)
{
	const struct chlog_mailbox *x = a, *y = b;

	return guid_cmp(&x->guid, &y->guid);
}

static struct chlog_mailbox *
find_box(const struct attribute_scan *as, const struct guid128 *guid)
{
	const struct chlog_mailbox key = { .guid = *guid };

	return as->box_count == 0 ? NULL : bsearch(&key, as->boxes,
	    as->box_count, sizeof(*as->boxes), box_cmp);
}

static int
known_cmp(const void *a, const void *b)
{
	const struct chlog_attribute *x = a, *y = b;
	int cmp = guid_cmp(&x->guid, &y->guid);

	return cmp != 0 ? cmp : strcmp(x->key, y->key);
}

static struct chlog_attribute *
find_known(const struct attribute_scan *as, const struct guid128 *guid,
    const char *name)
{
	const struct chlog_attribute key = { .guid = *guid, .key = name };

	return as->count == 0 ? NULL : bsearch(&key, as->known, as->count,
	    sizeof(*as->known), known_cmp);
}

static void
leave_out(struct session *s, const struct chlog_mailbox *box,
    const struct err *why)
{
	if (session_in_scope(s, box->name))
		session_problem(s, &box->guid, box->store_name, why);
}

static bool
too_many(struct attribute_scan *as, const struct chlog_mailbox *box)
{
	unsigned int *count = &as->counts[box - as->boxes];
	struct err why = ERR_INIT;

	if (++*count <= ATTRIBUTES_MAX)
		return false;
	err_set(&why, ERR_REFUSED, "it has more than %u attributes",
	    ATTRIBUTES_MAX);
	leave_out(as->s, box, &why);
	return true;
}

static int
on_attribute(const struct store_attribute *a, void *arg, struct err *err)
{
	struct attribute_scan *as = arg;
	const struct chlog_mailbox *box = find_box(as, &a->mailbox);
	struct chlog_attribute *known, row = { .key = a->key,
	    .value = a->value, .len = a->len };

	/* Of a mailbox that is gone, or of another store. */
	if (box == NULL || !box->selectable || box->lent)
		return 0;
	known = find_known(as, &a->mailbox, a->key);
	if (known != NULL)
		as->seen[known - as->known] = true;
	if (too_many(as, box))
		return 0;
	if (a->failed) {
		leave_out(as->s, box, &a->failure);
		return 0;
	}
	if (known != NULL && attribute_value_cmp(known->value, known->len,
	    a->value, a->len) == 0)
		return 0;
	row.mailbox = box->id;
	row.stamp = intent_stamp(as->s, &box->guid, a->key, a->value, a->len,
	    known != NULL ? stamp_after(known->stamp, as->now) :
	    as->first ? 0 : as->now);
	row.seq = chlog_next_seq(as->s->log);
	row.run = RUN_NOBODY;
	if (chlog_attribute_put(as->s->log, &row, err) == 0)
		return 0;
	as->log_failed = true;
	return -1;
}

/* 1: all was read, 0: nothing is believed, -1: the log failed. */
static int
read_store(struct attribute_scan *as, struct err *err)
{
	struct session *s = as->s;
	struct err why = ERR_INIT;
	bool had = false;

	if (s->driver->attributes(s->store, on_attribute, as, &why) == 0)
		return 1;
	if (as->log_failed) {
		*err = why;
		return -1;
	}
	for (size_t i = 0; i < as->count; i++)
		had = had || as->known[i].value != NULL;
	if (why.code == ERR_NOTFOUND && !had)
		return 1;
	if (why.code == ERR_NOTFOUND)
		err_set(&why, ERR_CONFIG, "their file is missing; if they are "
		    "to go, make an empty one");
	session_problem(s, NULL, "attributes", &why);
	s->attributes_unread = true;
	return 0;
}

static int
note_gone(struct attribute_scan *as, struct err *err)
{
	for (size_t i = 0; i < as->count; i++) {
		struct chlog_attribute *a = &as->known[i];
		const struct chlog_mailbox *box = find_box(as, &a->guid);

		/* A mailbox that is perhaps gone has perhaps taken them along. */
		if (as->seen[i] || a->value == NULL || box == NULL ||
		    box->lent || session_unscanned(as->s, &a->guid))
			continue;
		a->value = NULL;
		a->len = 0;
		a->stamp = intent_stamp(as->s, &a->guid, a->key, NULL, 0,
		    stamp_after(a->stamp, as->now));
		a->seq = chlog_next_seq(as->s->log);
		a->run = RUN_NOBODY;
		if (chlog_attribute_put(as->s->log, a, err) == -1)
			return -1;
	}
	return 0;
}

int
scan_attributes(struct session *s, struct arena *arena, bool first,
    uint64_t now, struct err *err)
{
	struct attribute_scan as = { .s = s, .first = first, .now = now };
	uint64_t begun;
	ptrdiff_t n;
	int r;

	if (chlog_attributes_begun(s->log, &begun, err) == -1)
		return -1;
	/* What this run does not tell, the base does not cover. */
	if (!attributes_wanted(s))
		return begun == 0 ? 0 : chlog_attributes_end(s->log, err);
	s->attributes_unread = false;
	if ((n = chlog_mailboxes(s->log, arena, &as.boxes, err)) == -1)
		return -1;
	as.box_count = (size_t)n;
	if ((n = chlog_attributes(s->log, 0, NULL, arena, &as.known,
	    err)) == -1)
		return -1;
	as.count = (size_t)n;
	as.counts = arena_calloc(arena, as.box_count, sizeof(*as.counts));
	as.seen = arena_calloc(arena, as.count, sizeof(*as.seen));
	as.first = first || begun == 0;
	if ((r = read_store(&as, err)) != 1)
		return r;
	if (begun == 0 && chlog_attributes_begin(s->log, err) == -1)
		return -1;
	return note_gone(&as, err);
}

int
attributes_load(struct session *s, bool all, struct err *err)
{
	struct answer *a = &s->answer;
	size_t kept = 0, i = 0;
	ptrdiff_t n;

	if (!attributes_wanted(s))
		return 0;
	n = chlog_attributes(s->log, 0, all ? NULL : &s->since, a->arena,
	    &a->attributes, err);
	if (n == -1)
		return -1;
	/* Both lists are in the order of GUIDs; the boxes are in scope. */
	for (ptrdiff_t k = 0; k < n; k++) {
		while (i < a->box_count && guid_cmp(&a->boxes[i].box.guid,
		    &a->attributes[k].guid) < 0)
			i++;
		if (i == a->box_count || !guid_eq(&a->boxes[i].box.guid,
		    &a->attributes[k].guid))
			continue;
		a->boxes[i].shown = true;
		a->attributes[kept++] = a->attributes[k];
	}
	a->attribute_count = kept;
	return 0;
}

void
attributes_send(struct session *s, const struct chlog_attribute *a)
{
	struct msg msg = { .kind = MSG_ATTRIBUTE };

	msg.u.attribute.mailbox = a->guid;
	msg.u.attribute.key = a->key;
	msg.u.attribute.value = a->value;
	msg.u.attribute.len = a->len;
	msg.u.attribute.stamp = a->stamp;
	session_send(s, &msg);
}

static void
answer(struct session *s, uint32_t op, enum result_status status,
    const struct guid128 *mailbox, enum err_code code, const char *text)
{
	apply_result(s, op, status, 0, code, text);
	session_add_pending(s, mailbox, 0, NULL,
	    session_err_text(s, code, text));
}

/*
 * What is known of it now: 1: *row_r, 0: nothing, -1.  A mailbox that waits to
 * be made has none.
 */
static int
find_row(struct session *s, const struct msg_attribute *a,
    struct arena *arena, struct chlog_attribute *row_r, struct err *err)
{
	const struct chlog_mailbox *box;
	int r = apply_row(s, &a->mailbox, &box, err);

	return r != 1 ? r : chlog_attribute_find(s->log, box->id, a->key,
	    arena, row_r, err);
}

int
on_op_attribute(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_op_attribute *m = &msg->u.op_attribute;
	struct chlog_attribute row;
	struct arena *arena;
	const char *refusal;
	int64_t run = 0;
	int r;

	if (apply_take_op(s, m->op, err) == -1)
		return -1;
	if (guid_is_zero(&m->a.mailbox) ||
	    !attribute_key_valid(m->a.key, strlen(m->a.key)) ||
	    !attributes_wanted(s))
		return err_set(err, ERR_PROTO, "OP_ATTRIBUTE is not valid");
	if (tree_batch_has_attribute(s, &m->a) &&
	    tree_batch_flush(s, err) == -1)
		return -1;
	arena = arena_new(ARENA_PAGE_MAX);
	r = find_row(s, &m->a, arena, &row, err);
	if (r != -1 && apply_own_run(s, &run, err) == -1)
		r = -1;
	/* Whoever may only add may set what was never there. */
	refusal = r == -1 ? NULL : tree_why_refused(s, r == 0 &&
	    m->a.value != NULL);
	if (refusal != NULL)
		answer(s, m->op, RESULT_ACCESS, &m->a.mailbox, ERR_PERM,
		    refusal);
	else if (r == 1 && !apply_fresh(s, row.seq, row.run, run))
		answer(s, m->op, RESULT_STALE, &m->a.mailbox, ERR_STALE,
		    "it was changed meanwhile");
	else if (r != -1 && s->attributes_unread)
		answer(s, m->op, RESULT_FAILED, &m->a.mailbox, ERR_TEMP,
		    "the attributes could not be looked at");
	else if (r != -1)
		r = tree_batch_attribute(s, m, err);
	arena_free(&arena);
	return r == -1 ? -1 : 0;
}

/* 1: it can be set; 0: it failed; -1. */
static int
prepare(struct session *s, struct new_attribute *new, struct arena *arena,
    struct store_attribute *out, struct err *err)
{
	struct chlog_attribute row = { .key = NULL };
	const struct chlog_mailbox *box;
	int r;

	if ((r = apply_row(s, &new->a.mailbox, &box, err)) == -1)
		return -1;
	if (r == 0 || box->lent || !box->selectable) {
		new->failed = true;
		err_set(&new->why, ERR_STALE, "its mailbox is not there");
		return 0;
	}
	new->mailbox = box->id;
	if ((r = chlog_attribute_find(s->log, box->id, new->a.key, arena,
	    &row, err)) == -1)
		return -1;
	*out = (struct store_attribute){ .mailbox = new->a.mailbox,
	    .key = new->a.key, .value = new->a.value, .len = new->a.len,
	    .expect = true, .failure = ERR_INIT };
	if (r == 1) {
		out->was = row.value;
		out->was_len = row.len;
	}
	return 1;
}

static int
log_attribute(struct session *s, const struct new_attribute *new,
    struct err *err)
{
	struct chlog_attribute row = { .mailbox = new->mailbox,
	    .key = new->a.key, .value = new->a.value, .len = new->a.len,
	    .stamp = new->a.stamp };

	row.seq = chlog_next_seq(s->log);
	if (chlog_run_get(s->log, &s->hello.run, &row.run, err) == -1)
		return -1;
	return chlog_attribute_put(s->log, &row, err);
}

int
attributes_set(struct session *s, struct new_attribute *list, size_t n,
    struct err *err)
{
	struct store_attribute *todo = mem_calloc(n, sizeof(*todo));
	size_t *from = mem_calloc(n, sizeof(*from)), count = 0;
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	struct err why = ERR_INIT;
	int r = 0;

	for (size_t i = 0; i < n && r != -1; i++) {
		r = prepare(s, &list[i], arena, &todo[count], err);
		if (r == 1)
			from[count++] = i;
	}
	if (r != -1 && count > 0 && s->driver->set_attributes(s->store, todo,
	    count, &why) == -1)
		for (size_t i = 0; i < count; i++) {
			todo[i].failed = true;
			todo[i].failure = why;
		}
	for (size_t i = 0; i < count && r != -1; i++) {
		struct new_attribute *new = &list[from[i]];

		new->failed = todo[i].failed;
		new->why = todo[i].failure;
		if (!new->failed && log_attribute(s, new, err) == -1)
			r = -1;
	}
	arena_free(&arena);
	free(from);
	free(todo);
	return r == -1 ? -1 : 0;
}

void
attributes_answer(struct session *s, const struct new_attribute *new)
{
	if (new->failed)
		answer(s, new->op, new->why.code == ERR_STALE ?
		    RESULT_STALE : RESULT_FAILED, &new->a.mailbox,
		    new->why.code, new->why.msg);
}

struct copy {
	const struct guid128 *from, *to;
	struct arena *arena;
	ARRAY(struct store_attribute) list;
};

/* What is there under the new GUID already, a copy that was cut has left. */
static int
copy_attribute(const struct store_attribute *a, void *arg, struct err *err)
{
	struct copy *copy = arg;
	bool from = guid_eq(&a->mailbox, copy->from);
	struct store_attribute *new;

	(void)err;
	if ((!from && !guid_eq(&a->mailbox, copy->to)) || a->failed)
		return 0;
	new = ARRAY_ADD(&copy->list);
	*new = (struct store_attribute){ .mailbox = *copy->to,
	    .key = arena_strdup(copy->arena, a->key) };
	if (from) {
		/* No bytes are a value, too. */
		new->value = arena_memdup(copy->arena, a->value, a->len);
		new->len = a->len;
	}
	return 0;
}

/* By name, what is to be set before what is to be removed. */
static int
copy_cmp(const void *a, const void *b)
{
	const struct store_attribute *x = a, *y = b;
	int cmp = strcmp(x->key, y->key);

	return cmp != 0 ? cmp : (x->value == NULL) - (y->value == NULL);
}

static size_t
copy_normalise(struct copy *copy)
{
	size_t kept = 0;

	if (copy->list.n > 1)
		qsort(copy->list.v, copy->list.n, sizeof(*copy->list.v),
		    copy_cmp);
	for (size_t i = 0; i < copy->list.n; i++)
		if (i == 0 || strcmp(copy->list.v[i].key,
		    copy->list.v[i - 1].key) != 0)
			copy->list.v[kept++] = copy->list.v[i];
	return kept;
}

int
attributes_copy(struct session *s, const struct chlog_mailbox *from,
    const struct guid128 *to, struct err *err)
{
	struct copy copy = { .from = &from->guid, .to = to };
	struct err why = ERR_INIT;
	size_t n;
	int r = 0;

	if (!s->keeps_attributes)
		return 0;
	copy.arena = arena_new(ARENA_PAGE_MAX);
	if (s->driver->attributes(s->store, copy_attribute, &copy, &why) == -1
	    && (why.code != ERR_NOTFOUND || s->attributes_unread)) {
		*err = why;
		r = err_prefix(err, "its attributes can't go with it");
	}
	n = copy_normalise(&copy);
	if (r == 0 && n > 0)
		r = s->driver->set_attributes(s->store, copy.list.v, n, err);
	ARRAY_FREE(&copy.list);
	arena_free(&copy.arena);
	return r;
}

static int
remove_all(struct session *s, int64_t mailbox, const struct guid128 *guid,
    struct err *err)
{
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	struct chlog_attribute *rows;
	struct store_attribute *list;
	size_t count = 0;
	ptrdiff_t n = chlog_attributes(s->log, mailbox, NULL, arena, &rows,
	    err);
	int r = n == -1 ? -1 : 0;

	list = arena_calloc(arena, n == -1 ? 0 : (size_t)n, sizeof(*list));
	for (ptrdiff_t i = 0; i < n; i++)
		if (rows[i].value != NULL)
			list[count++] = (struct store_attribute){
			    .mailbox = *guid, .key = rows[i].key };
	if (r == 0 && count > 0)
		r = s->driver->set_attributes(s->store, list, count, err);
	arena_free(&arena);
	return r;
}

void
attributes_remove(struct session *s, int64_t mailbox,
    const struct guid128 *guid)
{
	struct err why = ERR_INIT;

	if (s->keeps_attributes && !s->attributes_unread &&
	    remove_all(s, mailbox, guid, &why) == -1)
		session_store_problem("attributes of a mailbox that is gone "
		    "stay where they are", NULL, s);
}
