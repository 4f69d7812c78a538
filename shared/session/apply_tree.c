/*
 * Operations on mailboxes, but their end, and subscriptions.
 *
 * New mailboxes and subscriptions wait for each other (tree_batch.c).  Other
 * names change at once, durably, each with its own entry in the log;
 * UIDVALIDITY and UIDNEXT go with the batch, since UIDNEXT must not be raised
 * before the appends of the batch have their UIDs.  A new GUID is a batch of
 * its own: everything after it names the mailbox by it.
 */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "model/mailbox_name.h"
#include "session/session_int.h"

void
tree_result(struct session *s, uint32_t op, enum result_status status,
    const struct guid128 *guid, enum err_code code, const char *text)
{
	apply_result(s, op, status, 0, code, text);
	session_add_pending(s, guid, 0, NULL,
	    session_err_text(s, code, text));
}

void
tree_failed(struct session *s, uint32_t op, const struct guid128 *guid,
    const struct err *why)
{
	tree_result(s, op, why->code == ERR_STALE ||
	    why->code == ERR_NOTFOUND ? RESULT_STALE : RESULT_FAILED, guid,
	    why->code, why->msg);
}

void
tree_sub_failed(struct session *s, uint32_t op, const char *name,
    const struct err *why)
{
	static const struct guid128 none;

	apply_result(s, op, RESULT_FAILED, 0, why->code, why->msg);
	session_add_pending(s, &none, 0, NULL, name);
}

const char *
tree_why_refused(const struct session *s, bool append_may)
{
	if (s->readonly)
		return "this store is not to be changed";
	switch (s->args.access) {
	case ACCESS_READ:
		return "the peer may only read";
	case ACCESS_APPEND:
		return append_may ? NULL :
		    "the peer may only add messages and mailboxes";
	case ACCESS_READ_WRITE:
		return NULL;
	}
	return NULL;
}

static bool
changes_uidvalidity(const struct msg_op_mailbox *m,
    const struct chlog_mailbox *row)
{
	return row->selectable && m->box.uidvalidity != 0 &&
	    m->box.uidvalidity != row->uidvalidity;
}

/*
 * A peer that may only add makes no mailbox of ours pass for another one: 1:
 * the GUID may stand for what the peer says, 0: it may not, -1.
 */
static int
may_alias(struct session *s, const struct guid128 *old, struct err *err)
{
	struct chlog_mailbox row;
	struct arena *arena;
	int r;

	if (s->args.access == ACCESS_READ_WRITE)
		return 1;
	arena = arena_new(ARENA_PAGE_MAX);
	r = chlog_mailbox_find(s->log, old, arena, &row, err);
	arena_free(&arena);
	return r == -1 ? -1 : !r;
}

int
tree_log_row(struct session *s, struct chlog_mailbox *row,
    const struct msg_mailbox *box, bool tree, struct err *err)
{
	int64_t run;
	int r;

	if (chlog_run_get(s->log, &s->hello.run, &run, err) == -1)
		return -1;
	row->seq = chlog_next_seq(s->log);
	row->run = run;
	if (tree) {
		row->tree_seq = row->seq;
		row->tree_run = run;
	}
	if (row->id == 0) {
		row->uidvalidity_seq = row->born_seq = row->seq;
		row->uidvalidity_run = row->born_run = run;
	}
	if (chlog_mailbox_put(s->log, row, err) == -1)
		return -1;
	for (size_t i = 0; i < box->alias_count; i++) {
		if (guid_eq(&box->aliases[i], &row->guid))
			continue;
		if ((r = may_alias(s, &box->aliases[i], err)) == 1)
			r = chlog_alias_add(s->log, &box->aliases[i],
			    &row->guid, err);
		if (r == -1)
			return -1;
	}
	return 0;
}

/* One change of the log, in a transaction of its own. */
static int
put_row(struct session *s, struct chlog_mailbox *row,
    const struct msg_op_mailbox *m, bool tree, struct err *err)
{
	int r = -1;

	if (chlog_begin(s->log, err) == -1)
		return -1;
	if (tree_log_row(s, row, &m->box, tree, err) == 0 &&
	    chlog_intents_done(s->log, &s->hello.run, err) == 0)
		r = chlog_commit(s->log, err);
	if (r == -1)
		chlog_rollback(s->log);
	apply_row_forget(s);
	return r;
}

void
tree_set_stamps(struct chlog_mailbox *row, const struct msg_mailbox *box)
{
	row->exist_stamp = box->exist_stamp;
	row->parent_stamp = box->parent_stamp;
	row->last_stamp = box->last_stamp;
}

/* What the store itself says of a mailbox that was just made. */
static int
read_status(struct session *s, const char *name,
    struct mailbox_status *status, struct err *err)
{
	struct mailbox *box = NULL;
	int r;

	if (s->driver->mailbox_open(s->store, name, &box, err) == -1)
		return -1;
	r = s->driver->status(box, status, err);
	s->driver->mailbox_close(&box);
	return r;
}

/*
 * A deletion older than the base is not told to the brain, and yet a third
 * store may have given the mailbox to the other one since (T3).
 */
static bool
was_deleted(const struct session *s, const struct msg_mailbox *box,
    const struct chlog_mailbox_gone *gone)
{
	return s->has_base && s->hello.role == ROLE_MIRROR &&
	    gone->stamp > box->exist_stamp;
}

/* 1: it may be created, 0: it was deleted after the view or for good, -1. */
static int
may_create(struct session *s, const struct msg_op_mailbox *m,
    struct err *err)
{
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	struct chlog_mailbox_gone gone;
	int64_t run;
	int r = chlog_mailbox_gone_find(s->log, &m->box.guid, arena, &gone,
	    err);

	if (r == 1 && !m->recreate)
		r = apply_own_run(s, &run, err) == -1 ? -1 :
		    apply_fresh(s, gone.seq, gone.run, run) &&
		    !was_deleted(s, &m->box, &gone);
	else if (r != -1)
		r = 1;
	arena_free(&arena);
	return r;
}

static int
create_mailbox(struct session *s, const struct msg_op_mailbox *m,
    struct err *err)
{
	const struct msg_mailbox *box = &m->box;
	struct chlog_mailbox row = { 0 };
	struct mailbox_status status = { .guid = box->guid };
	char mapped[NAME_MAX_BYTES + 1];
	struct err why = ERR_INIT;
	int r;

	/* What the mere directory has above it may still wait. */
	if ((!box->selectable && tree_batch_flush(s, err) == -1) ||
	    (r = may_create(s, m, err)) == -1)
		return -1;
	if (r == 0) {
		tree_result(s, m->op, RESULT_STALE, &box->guid, ERR_STALE,
		    "it was deleted meanwhile");
		return 0;
	}
	if ((r = spelling_make(s, box->name, &box->guid, mapped, &why,
	    err)) == -1)
		return -1;
	if (r == 0) {
		tree_failed(s, m->op, &box->guid, &why);
		return 0;
	}
	if (box->selectable)
		return tree_batch_create(s, m, mapped, err);
	if (intend_name(s, box, &box->guid, mapped, err) == -1)
		return -1;
	/* It may be there already because of what is below it. */
	if (s->driver->mailbox_create(s->store, mapped, false, &status,
	    &why) == -1 && why.code != ERR_STALE) {
		tree_failed(s, m->op, &box->guid, &why);
		return intents_refused(s, err);
	}
	prune_keep(s, mapped);
	row.guid = box->guid;
	row.name = box->name;
	row.store_name = mapped;
	tree_set_stamps(&row, box);
	return put_row(s, &row, m, true, err);
}

/* A mere directory becomes a mailbox. */
static int
make_selectable(struct session *s, const struct msg_mailbox *box,
    struct chlog_mailbox *row, struct err *why)
{
	struct mailbox_status status = {
		.guid = row->guid,
		.uidvalidity = box->uidvalidity,
		.uidnext = box->uidnext,
		.highestmodseq = box->highestmodseq,
	};

	if (s->driver->mailbox_create(s->store, row->store_name, true,
	    &status, why) == -1) {
		if (why->code != ERR_STALE ||
		    s->driver->mailbox_remove(s->store, row->store_name,
		    why) == -1 || s->driver->mailbox_create(s->store,
		    row->store_name, true, &status, why) == -1)
			return -1;
	}
	if (read_status(s, row->store_name, &status, why) == -1)
		return -1;
	row->selectable = true;
	row->uidvalidity = status.uidvalidity;
	row->uidnext = row->store_uidnext = status.uidnext;
	row->highestmodseq = status.highestmodseq;
	return 0;
}

bool
tree_name_given_away(struct session *s, const struct chlog_mailbox *row,
    struct err *why)
{
	struct err unused = ERR_INIT;
	bool away;

	if (!row->selectable)
		return false;
	away = apply_open(s, row, &unused) == NULL &&
	    unused.code == ERR_STALE;
	if (away)
		*why = unused;
	apply_close(s, &row->guid);
	return away;
}

/* 1: renamed, 0: refused and answered, -1. */
static int
rename_mailbox(struct session *s, const struct msg_op_mailbox *m,
    struct chlog_mailbox *row, struct arena *arena, struct err *err)
{
	char mapped[NAME_MAX_BYTES + 1];
	struct err why = ERR_INIT;
	int r;

	if (name_is_inbox(row->name) || name_is_inbox(m->box.name)) {
		tree_result(s, m->op, RESULT_FAILED, &row->guid, ERR_REFUSED,
		    "INBOX is not renamed");
		return 0;
	}
	if (batch_flush(s, err) == -1)
		return -1;
	apply_close(s, &row->guid);
	if (tree_name_given_away(s, row, &why)) {
		tree_failed(s, m->op, &row->guid, &why);
		return 0;
	}
	if ((r = spelling_make(s, m->box.name, &row->guid, mapped, &why,
	    err)) == -1)
		return -1;
	if (r == 0) {
		tree_failed(s, m->op, &row->guid, &why);
		return 0;
	}
	if (strcmp(mapped, row->store_name) != 0 && !m->temporary &&
	    intend_name(s, &m->box, &row->guid, mapped, err) == -1)
		return -1;
	/* A mere directory follows what is below it. */
	if (strcmp(mapped, row->store_name) != 0 &&
	    s->driver->mailbox_rename(s->store, row->store_name, mapped,
	    &why) == -1 && (row->selectable || (why.code != ERR_STALE &&
	    why.code != ERR_NOTFOUND))) {
		tree_failed(s, m->op, &row->guid, &why);
		return intents_refused(s, err);
	}
	if (strcmp(mapped, row->store_name) != 0)
		prune_note(s, row->store_name);
	row->name = m->box.name;
	row->store_name = arena_strdup(arena, mapped);
	return 1;
}

/* What is asked for by GUID goes on under the new one. */
static void
follow_guid(struct session *s, const struct guid128 *from,
    const struct guid128 *to)
{
	for (size_t i = 0; i < s->boxes.n; i++)
		if (guid_eq(&s->boxes.v[i].guid, from))
			s->boxes.v[i].guid = *to;
	for (size_t i = s->get_i; i < s->gets.n; i++)
		if (guid_eq(&s->gets.v[i].mailbox, from))
			s->gets.v[i].mailbox = *to;
	if (s->body.active && guid_eq(&s->body.mailbox, from))
		s->body.mailbox = *to;
	for (size_t i = s->held_i; i < s->held.n; i++)
		if (s->held.v[i].kind == MSG_OP_EXPUNGE && guid_eq(
		    &s->held.v[i].msg.u.op_expunge.mailbox, from))
			s->held.v[i].msg.u.op_expunge.mailbox = *to;
}

struct guid_change {
	struct err failure;
	bool done, failed;
};

static void
on_guid_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	struct guid_change *change = arg;

	(void)tag, (void)uid, (void)modseq;
	change->done = true;
	if (failure != NULL) {
		change->failed = true;
		change->failure = *failure;
	}
}

/* The end of a transaction in which the store has given it its new GUID. */
static int
log_guid(struct session *s, struct chlog_mailbox *row,
    const struct guid128 *old, struct err *err)
{
	int64_t run;

	if (chlog_run_get(s->log, &s->hello.run, &run, err) == -1)
		return -1;
	row->seq = row->tree_seq = chlog_next_seq(s->log);
	row->run = row->tree_run = run;
	if (chlog_mailbox_put(s->log, row, err) == -1 ||
	    chlog_alias_add(s->log, old, &row->guid, err) == -1 ||
	    chlog_intents_done(s->log, &s->hello.run, err) == -1)
		return -1;
	return chlog_commit(s->log, err);
}

/* 1: done, 0: failed and answered, -1. */
static int
change_guid(struct session *s, const struct msg_op_mailbox *m,
    struct chlog_mailbox *row, struct err *err)
{
	struct mailbox_status status = { .guid = m->new_guid };
	struct guid_change change = { .failure = ERR_INIT };
	struct guid128 old = row->guid;
	const struct chlog_mailbox *other;
	struct open_box *box;
	int r;

	if (batch_flush(s, err) == -1 ||
	    (r = apply_row(s, &m->new_guid, &other, err)) == -1)
		return -1;
	if (r == 1) {
		tree_result(s, m->op, RESULT_STALE, &old, ERR_STALE,
		    "another mailbox has that GUID");
		return 0;
	}
	if (row->selectable) {
		box = apply_open(s, row, &change.failure);
		if (box == NULL || s->driver->set_status(box->box, &status, 0,
		    &change.failure) == -1) {
			tree_failed(s, m->op, &old, &change.failure);
			return 0;
		}
	}
	/* A cut here leaves them under a GUID that no mailbox has yet. */
	if (attributes_copy(s, row, &m->new_guid, &change.failure) == -1) {
		tree_failed(s, m->op, &old, &change.failure);
		apply_close(s, &old);
		return 0;
	}
	if (intend_guid(s, &old, &m->new_guid, err) == -1 ||
	    chlog_begin(s->log, err) == -1)
		return -1;
	if (row->selectable &&
	    s->driver->flush(s->store, on_guid_done, &change, err) == -1) {
		chlog_rollback(s->log);
		return err_prefix(err, "the store is in doubt");
	}
	if (row->selectable && (change.failed || !change.done)) {
		chlog_rollback(s->log);
		tree_failed(s, m->op, &old, &change.failure);
		return intents_refused(s, err);
	}
	row->guid = m->new_guid;
	if (log_guid(s, row, &old, err) == -1) {
		chlog_rollback(s->log);
		return -1;
	}
	attributes_remove(s, row->id, &old);
	follow_guid(s, &old, &row->guid);
	apply_row_forget(s);
	return 1;
}

/* UIDVALIDITY, UIDNEXT and HIGHESTMODSEQ join the batch. */
static int
prepare_status(struct session *s, const struct msg_op_mailbox *m,
    const struct chlog_mailbox *row, int64_t own_run, struct err *err)
{
	const struct msg_mailbox *box = &m->box;
	struct mailbox_status status = { .uidnext = box->uidnext,
	    .highestmodseq = box->highestmodseq };
	struct err why = ERR_INIT;
	struct open_box *open;
	struct batch_op *op;

	if (!row->selectable || !box->selectable)
		return 0;
	if (changes_uidvalidity(m, row))
		status.uidvalidity = box->uidvalidity;
	/* While UIDs begin anew, those in the log are the old ones. */
	if (status.uidvalidity == 0 && !s->renumbering &&
	    box->uidnext <= row->uidnext &&
	    (box->highestmodseq == 0 || row->highestmodseq == 0))
		return 0;
	/* What is prepared was planned by the old UIDs. */
	if (status.uidvalidity != 0 && batch_flush_before(s, m->op, err) == -1)
		return -1;
	if ((open = apply_open(s, row, &why)) == NULL) {
		tree_failed(s, m->op, &row->guid, &why);
		return 0;
	}
	status.vanished = arena_memdup(s->batch_arena, m->vanished,
	    m->vanished_count * sizeof(*m->vanished));
	status.vanished_count = m->vanished_count;
	op = batch_add(s, BATCH_STATUS, m->op, row);
	op->status = status;
	/* F6: what the view has the brain need not have asked for. */
	if (apply_fresh(s, row->seq, row->run, own_run) &&
	    row->highestmodseq > open->modseq_own)
		open->modseq_own = row->highestmodseq;
	open->dirty = true;
	if (status.uidvalidity != 0)
		s->renumbering = true;
	if (s->driver->set_status(open->box, &status, batch_tag(s),
	    &why) == -1) {
		s->batch.n--;
		tree_failed(s, m->op, &row->guid, &why);
	}
	return 0;
}

/* Is one of them not known to stand for it?  1, 0, -1. */
static int
aliases_lacking(struct session *s, const struct msg_mailbox *box,
    const struct chlog_mailbox *row, struct err *err)
{
	struct guid128 known[ALIASES_MAX];
	ptrdiff_t n;

	if (box->alias_count == 0)
		return 0;
	n = chlog_aliases(s->log, &row->guid, known, ALIASES_MAX, err);
	if (n == -1)
		return -1;
	for (size_t i = 0; i < box->alias_count; i++)
		if (!guid_eq(&box->aliases[i], &row->guid) &&
		    !marks_have(known, (size_t)n, &box->aliases[i]))
			return 1;
	return 0;
}

static int
change_tree(struct session *s, const struct msg_op_mailbox *m,
    struct chlog_mailbox *row, struct arena *arena, struct err *err)
{
	struct err why = ERR_INIT;
	bool tree = false;
	int r;

	if (!guid_is_zero(&m->new_guid) &&
	    !guid_eq(&m->new_guid, &row->guid)) {
		if ((r = change_guid(s, m, row, err)) != 1)
			return r;
	}
	if (m->box.selectable && !row->selectable) {
		if (make_selectable(s, &m->box, row, &why) == -1) {
			tree_failed(s, m->op, &row->guid, &why);
			return 0;
		}
		tree = true;
	}
	if (strcmp(m->box.name, row->name) != 0) {
		if ((r = rename_mailbox(s, m, row, arena, err)) != 1)
			return r;
		tree = true;
	}
	if (!m->temporary && (row->exist_stamp != m->box.exist_stamp ||
	    row->parent_stamp != m->box.parent_stamp ||
	    row->last_stamp != m->box.last_stamp)) {
		tree_set_stamps(row, &m->box);
		tree = true;
	}
	/* Stores that are not of this run have to know as well (T10). */
	if (!tree && (r = aliases_lacking(s, &m->box, row, err)) != 0) {
		if (r == -1)
			return -1;
		tree = true;
	}
	if ((tree || m->box.alias_count > 0) &&
	    put_row(s, row, m, tree, err) == -1)
		return -1;
	return 1;
}

int
apply_tree_mailbox(struct session *s, const struct msg_op_mailbox *m,
    struct err *err)
{
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	struct chlog_mailbox row;
	int64_t run = 0;
	int r;

	if (tree_batch_before(s, &m->box, err) == -1) {
		arena_free(&arena);
		return -1;
	}
	/* The row has to tell what the batch will have done to it. */
	if ((r = chlog_mailbox_find(s->log, &m->box.guid, arena, &row,
	    err)) == -1 || apply_own_run(s, &run, err) == -1) {
		r = -1;
	} else if (r == 0) {
		if (m->create)
			r = create_mailbox(s, m, err);
		else
			tree_result(s, m->op, RESULT_STALE, &m->box.guid,
			    ERR_STALE, "the mailbox is gone");
	} else if (!apply_fresh(s, row.tree_seq, row.tree_run, run) ||
	    (changes_uidvalidity(m, &row) &&
	    !apply_fresh(s, row.uidvalidity_seq, row.uidvalidity_run, run))) {
		tree_result(s, m->op, RESULT_STALE, &m->box.guid, ERR_STALE,
		    "it was changed meanwhile");
	} else {
		if ((r = tree_batch_flush(s, err)) == 0)
			r = change_tree(s, m, &row, arena, err);
		if (r == 1)
			r = prepare_status(s, m, &row, run, err);
	}
	arena_free(&arena);
	return r == -1 ? -1 : 0;
}

/* Later than any honest clock says: it would win over all that comes. */
static bool
stamps_ahead(const struct msg_mailbox *box)
{
	uint64_t limit = clock_now_ms() + STAMP_AHEAD_MS;

	return box->exist_stamp > limit || box->parent_stamp > limit ||
	    box->last_stamp > limit;
}

/*
 * What a peer that may only add may do to a mailbox: make it and raise UIDNEXT
 * by what its messages may need; and as long as it is empty, as INBOX is at
 * first, give it the identity of its own one: nothing is lost by that.
 */
static int
append_may(struct session *s, const struct msg_op_mailbox *m, bool *may_r,
    struct err *err)
{
	const struct chlog_mailbox *row;
	int r = apply_row(s, &m->box.guid, &row, err);

	if (r == -1)
		return -1;
	/* An existing one is not changed by way of create. */
	if (r == 0)
		*may_r = m->create;
	else
		*may_r = strcmp(m->box.name, row->name) == 0 &&
		    (row->messages == 0 || (guid_is_zero(&m->new_guid) &&
		    !changes_uidvalidity(m, row) &&
		    append_uid_ok(row, m->box.uidnext)));
	*may_r = *may_r && !stamps_ahead(&m->box);
	return 0;
}

int
on_op_mailbox(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_op_mailbox *m = &msg->u.op_mailbox;
	const char *why;
	bool may = false;

	if (apply_take_op(s, m->op, err) == -1)
		return -1;
	if (guid_is_zero(&m->box.guid) ||
	    !name_valid(m->box.name, strlen(m->box.name)))
		return err_set(err, ERR_PROTO, "OP_MAILBOX is not valid");
	if (tree_batch_before(s, &m->box, err) == -1 ||
	    append_may(s, m, &may, err) == -1)
		return -1;
	if ((why = tree_why_refused(s, may)) != NULL) {
		tree_result(s, m->op, RESULT_ACCESS, &m->box.guid, ERR_PERM,
		    why);
		return 0;
	}
	if (session_unscanned(s, &m->box.guid)) {
		tree_result(s, m->op, RESULT_FAILED, &m->box.guid, ERR_TEMP,
		    "the mailbox could not be looked at");
		return 0;
	}
	/* Names that a held deletion will free are not free yet. */
	if (s->held_i < s->held.n)
		return apply_hold(s, msg, err);
	return apply_tree_mailbox(s, m, err);
}

int
on_op_subscribe(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_op_subscribe *m = &msg->u.op_subscribe;
	static const struct guid128 none;
	struct arena *arena;
	struct chlog_subscription row = { 0 };
	char mapped[NAME_MAX_BYTES + 1];
	struct err why = ERR_INIT;
	const char *refusal;
	int64_t run = 0;
	int r, made, shared = 0;

	if (apply_take_op(s, m->op, err) == -1)
		return -1;
	if (!name_valid(m->sub.name, strlen(m->sub.name)))
		return err_set(err, ERR_PROTO, "OP_SUBSCRIBE is not valid");
	if ((refusal = tree_why_refused(s, m->sub.on)) != NULL) {
		apply_result(s, m->op, RESULT_ACCESS, 0, ERR_PERM, refusal);
		session_add_pending(s, &none, 0, NULL, m->sub.name);
		return 0;
	}
	if (tree_batch_has_sub(s, m->sub.name) &&
	    tree_batch_flush(s, err) == -1)
		return -1;
	arena = arena_new(ARENA_PAGE_MAX);
	r = chlog_subscription_find(s->log, m->sub.name, arena, &row, err);
	arena_free(&arena);
	if (r == -1 || apply_own_run(s, &run, err) == -1)
		return -1;
	if (r == 1 && !apply_fresh(s, row.seq, row.run, run)) {
		apply_result(s, m->op, RESULT_STALE, 0, ERR_STALE,
		    "it was changed meanwhile");
		session_add_pending(s, &none, 0, NULL, m->sub.name);
		return 0;
	}
	if ((made = spelling_find(s, m->sub.name, mapped, &why, err)) == -1)
		return -1;
	if (made == 0) {
		tree_sub_failed(s, m->op, m->sub.name, &why);
		return 0;
	}
	if (!m->sub.on && (shared = spelling_shared(s, m->sub.name, mapped,
	    err)) == -1)
		return -1;
	/* Equal but for its stamp: the store has nothing to do. */
	return tree_batch_subscribe(s, m, mapped, shared == 0 &&
	    (r == 0 ? m->sub.on : row.on != m->sub.on), err);
}
