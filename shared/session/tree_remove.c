/*
 * Mailboxes that go, once their messages have.
 */
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "model/mailbox_name.h"
#include "session/session_int.h"

struct name_search {
	const char *name;
	bool found;
};

static int
find_name(const struct store_listing *listing, void *arg, struct err *err)
{
	struct name_search *search = arg;

	(void)err;
	if (strcmp(listing->name, search->name) == 0)
		search->found = true;
	return 0;
}

/* 1: removed; 0: not, and answered; -1. */
static int
remove_mailbox(struct session *s, uint32_t op,
    const struct chlog_mailbox *row, struct err *err)
{
	struct name_search search = { .name = row->store_name };
	struct err why = ERR_INIT;

	apply_close(s, &row->guid);
	if (tree_name_given_away(s, row, &why)) {
		tree_failed(s, op, &row->guid, &why);
		return 0;
	}
	if (s->driver->mailbox_remove(s->store, row->store_name, &why) == 0)
		return 1;
	if (why.code != ERR_STALE && why.code != ERR_NOTFOUND) {
		tree_failed(s, op, &row->guid, &why);
		return 0;
	}
	/* A mere directory may have gone with what was below it. */
	if (why.code == ERR_NOTFOUND || !row->selectable) {
		if (s->driver->list(s->store, find_name, &search, err) == -1)
			return -1;
		if (!search.found)
			return 1;
	}
	tree_result(s, op, RESULT_NOT_EMPTY, &row->guid, ERR_STALE,
	    "it is not empty");
	return 0;
}

static int
log_removed(struct session *s, const struct msg_op_mailbox_delete *m,
    const struct chlog_mailbox *row, struct err *err)
{
	struct chlog_mailbox_gone gone = { .guid = row->guid,
	    .name = row->name, .stamp = m->stamp, .born_seq = row->born_seq,
	    .born_run = row->born_run };

	if (chlog_begin(s->log, err) == -1)
		return -1;
	gone.seq = chlog_next_seq(s->log);
	if (chlog_run_get(s->log, &s->hello.run, &gone.run, err) == -1 ||
	    chlog_mailbox_remove(s->log, row->id, &gone, clock_now_ms(),
	    err) == -1 ||
	    chlog_intents_done(s->log, &s->hello.run, err) == -1) {
		chlog_rollback(s->log);
		return -1;
	}
	return chlog_commit(s->log, err);
}

int
apply_tree_delete(struct session *s, const struct msg_op_mailbox_delete *m,
    struct err *err)
{
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	struct chlog_mailbox row;
	int64_t run = 0;
	int r = -1;

	/* Its expunges come first. */
	if (batch_flush(s, err) == -1 ||
	    (r = chlog_mailbox_find(s->log, &m->guid, arena, &row,
	    err)) == -1 || apply_own_run(s, &run, err) == -1) {
		r = -1;
	} else if (r == 0) {
		/* Gone already, which is what was wanted. */
	} else if (name_is_inbox(row.name)) {
		tree_result(s, m->op, RESULT_FAILED, &m->guid, ERR_REFUSED,
		    "INBOX is not deleted");
		r = 0;
	} else if (!apply_fresh(s, row.tree_seq, row.tree_run, run)) {
		tree_result(s, m->op, RESULT_STALE, &m->guid, ERR_STALE,
		    "it was changed meanwhile");
		r = 0;
	} else if (row.messages > 0) {
		tree_result(s, m->op, RESULT_NOT_EMPTY, &m->guid, ERR_STALE,
		    "it is not empty");
		r = 0;
	} else if ((r = intend_removal(s, &row.guid, m->stamp, err)) == 0) {
		r = remove_mailbox(s, m->op, &row, err);
		if (r == 0)
			r = intents_refused(s, err);
		if (r == 1) {
			prune_note(s, row.store_name);
			attributes_remove(s, row.id, &row.guid);
			r = log_removed(s, m, &row, err);
		}
	}
	apply_row_forget(s);
	arena_free(&arena);
	return r == -1 ? -1 : 0;
}

int
on_op_mailbox_delete(struct session *s, const struct msg *msg,
    struct err *err)
{
	const struct msg_op_mailbox_delete *m = &msg->u.op_mailbox_delete;
	const char *why;

	if (apply_take_op(s, m->op, err) == -1)
		return -1;
	if ((why = tree_why_refused(s, false)) != NULL) {
		tree_result(s, m->op, RESULT_ACCESS, &m->guid, ERR_PERM, why);
		return 0;
	}
	if (s->held_i < s->held.n || body_wanted_in(s, &m->guid))
		return apply_hold(s, msg, err);
	return apply_tree_delete(s, m, err);
}
