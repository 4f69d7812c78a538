/*
 * What a run leaves undone, and the commit that notes it.
 *
 * A position in the change log says that all before it is known to both sides,
 * but for the entries that stand beside it: they are looked at again in the
 * next run.  An entry goes away when what it waited for came after all.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "log/log.h"
#include "model/mailbox_name.h"
#include "session/session_int.h"

#define PROBLEMS_TOLD_MAX	1000U	/* of one run */
#define UNSAVED_SLOTS	(2U * UNSAVED_MAX)

void
session_add_pending(struct session *s, const struct guid128 *mailbox,
    uint32_t uid, const struct guid128 *mark, const char *text)
{
	struct chlog_pending *entry;

	if (s->pending.n >= CHLOG_PENDING_MAX) {
		/* Without its list the position would hide what is left. */
		s->pending_lost = true;
		return;
	}
	entry = ARRAY_ADD(&s->pending);
	entry->mailbox = *mailbox;
	entry->uid = uid;
	if (mark != NULL)
		entry->mark = *mark;
	entry->text = arena_strndup(s->pending_arena, text,
	    strnlen(text, TEXT_MAX));
}

void
session_add_marks(struct session *s, const struct guid128 *mailbox,
    uint32_t uid, const struct guid128 *marks, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		session_add_pending(s, mailbox, uid, &marks[i], text);
}

void
session_add_waiting(struct session *s, const struct guid128 *mailbox,
    const struct guid128 *mark)
{
	struct waiting *w;

	/* One that is not noted stays pending, and is looked at again. */
	if (s->waiting.n >= CHLOG_PENDING_MAX)
		return;
	w = ARRAY_ADD(&s->waiting);
	w->mailbox = *mailbox;
	w->mark = *mark;
}

static uint64_t
guid_hash(const char *guid)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (; *guid != '\0'; guid++)
		hash = (hash ^ (unsigned char)*guid) * 0x100000001b3ULL;
	return hash != 0 ? hash : 1;
}

static size_t
unsaved_slot(const struct session *s, uint64_t hash)
{
	size_t i = (size_t)(hash >> 32) % UNSAVED_SLOTS;

	while (s->unsaved[i] != 0 && s->unsaved[i] != hash)
		i = (i + 1) % UNSAVED_SLOTS;
	return i;
}

void
session_add_unsaved(struct session *s, const char *guid)
{
	uint64_t hash = guid_hash(guid);
	size_t i;

	if (s->unsaved == NULL)
		s->unsaved = mem_alloc(UNSAVED_SLOTS * sizeof(*s->unsaved));
	i = unsaved_slot(s, hash);
	if (s->unsaved[i] == hash)
		return;
	if (s->unsaved_count >= UNSAVED_MAX) {
		s->unsaved_lost = true;
		return;
	}
	s->unsaved[i] = hash;
	s->unsaved_count++;
}

bool
session_is_unsaved(const struct session *s, const char *guid)
{
	uint64_t hash = guid_hash(guid);

	return s->unsaved_lost || (s->unsaved != NULL &&
	    s->unsaved[unsaved_slot(s, hash)] == hash);
}

/* What is found again and again in one run is told once. */
static bool
told_before(struct session *s, const char *what, const char *why,
    struct guid128 *id_r)
{
	uint8_t digest[DIGEST_SIZE];
	struct digest_ctx *ctx = digest_new();

	digest_update(ctx, what, strlen(what) + 1);
	digest_update(ctx, why, strlen(why));
	digest_final(ctx, digest);
	digest_free(&ctx);
	memcpy(id_r->b, digest, GUID_SIZE);
	for (size_t i = 0; i < s->told.n; i++)
		if (guid_eq(&s->told.v[i], id_r))
			return true;
	if (s->told.n >= PROBLEMS_TOLD_MAX)
		return true;
	*ARRAY_ADD(&s->told) = *id_r;
	return false;
}

/* What concerns no mailbox that is known has an id made of its text. */
void
session_problem(struct session *s, const struct guid128 *mailbox,
    const char *what, const struct err *why)
{
	char shown[256], text[TEXT_MAX];
	struct guid128 id;

	s->problem_count++;
	if (told_before(s, what, why->msg, &id))
		return;
	name_show(shown, sizeof(shown), what);
	/* A brain beside us tells it. */
	if (s->args.peer_name != NULL)
		log_warn("left out what=%s why=%s", shown, why->msg);
	if (s->problems.n >= CHLOG_PENDING_MAX)
		return;
	snprintf(text, sizeof(text), "%s: left out: %s", shown,
	    session_err_text(s, why->code, why->msg));
	*ARRAY_ADD(&s->problems) = (struct chlog_pending){
		.mailbox = mailbox != NULL ? *mailbox : id,
		.text = arena_strdup(s->pending_arena, text),
	};
	if (mailbox != NULL)
		session_add_pending(s, mailbox, 0, NULL, text);
}

void
session_store_problem(const char *what, const struct err *why, void *arg)
{
	struct session *s = arg;
	struct guid128 id;

	s->left_out++;
	/* The driver coped with what is damaged; the rest it left out. */
	if (why != NULL && why->code != ERR_CORRUPT)
		session_problem(s, NULL, what, why);
	else if (!told_before(s, what, why != NULL ? why->msg : "", &id))
		log_warn("found what=%s why=%s", what,
		    why != NULL ? why->msg : "");
}

int
on_pending(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_pending *p = &msg->u.pending;

	(void)err;
	session_add_pending(s, &p->mailbox, p->uid, &p->mark,
	    p->text != NULL ? p->text : "");
	return 0;
}

static int
pending_cmp(const void *av, const void *bv)
{
	const struct chlog_pending *a = av, *b = bv;
	int r = guid_cmp(&a->mailbox, &b->mailbox);

	if (r == 0)
		r = (a->uid > b->uid) - (a->uid < b->uid);
	if (r == 0)
		r = guid_cmp(&a->mark, &b->mark);
	/* Subscriptions are told apart by their text, which is the name. */
	if (r == 0 && guid_is_zero(&a->mailbox))
		r = strcmp(a->text, b->text);
	return r;
}

static int
waiting_cmp(const void *av, const void *bv)
{
	const struct waiting *a = av, *b = bv;
	int r = guid_cmp(&a->mailbox, &b->mailbox);

	return r != 0 ? r : guid_cmp(&a->mark, &b->mark);
}

/* Those of the pending list that are among the first count that waited. */
static void
drop_pending(struct session *s, size_t count)
{
	size_t n = 0;

	if (count == 0)
		return;
	qsort(s->waiting.v, count, sizeof(*s->waiting.v), waiting_cmp);
	for (size_t i = 0; i < s->pending.n; i++) {
		const struct chlog_pending *p = &s->pending.v[i];
		struct waiting key = { p->mailbox, p->mark };

		if (bsearch(&key, s->waiting.v, count, sizeof(key),
		    waiting_cmp) == NULL)
			s->pending.v[n++] = *p;
	}
	s->pending.n = n;
}

/* A copy that was not held is done when its body was saved after all. */
static int
drop_waiting(struct session *s, struct err *err)
{
	const struct chlog_mailbox *row;
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	struct chlog_mail mail;
	size_t done = 0;
	int r = 0;

	for (size_t i = 0; i < s->waiting.n && r != -1; i++) {
		struct waiting *w = &s->waiting.v[i], was = *w;

		if ((r = apply_row(s, &w->mailbox, &row, err)) == 1)
			r = chlog_mail_find_mark(s->log, row->id, &w->mark,
			    arena, &mail, err);
		if (r == 1) {
			*w = s->waiting.v[done];
			s->waiting.v[done++] = was;
		}
	}
	if (r != -1)
		drop_pending(s, done);
	arena_free(&arena);
	return r == -1 ? -1 : 0;
}

static size_t
sort_pending(struct session *s)
{
	size_t n = 0;

	if (s->pending.n == 0)
		return 0;
	qsort(s->pending.v, s->pending.n, sizeof(*s->pending.v),
	    pending_cmp);
	for (size_t i = 0; i < s->pending.n; i++)
		if (n == 0 || pending_cmp(&s->pending.v[n - 1],
		    &s->pending.v[i]) != 0)
			s->pending.v[n++] = s->pending.v[i];
	return s->pending.n = n;
}

/* One-way runs leave positions like any other (B5). */
static int
write_commit(struct session *s, const struct msg_commit *c, size_t count,
    struct err *err)
{
	struct chlog_position pos = { .seq = s->view_seq };
	int64_t run;

	pos.p.peer = c->peer;
	pos.p.run = s->hello.run;
	pos.p.scope = c->scope;
	pos.base = s->has_base ? s->base.id : 0;
	/* By itself it needs less memory: what was written can be let go. */
	if (chlog_index(s->log, err) == -1 || chlog_begin(s->log, err) == -1)
		return -1;
	if (chlog_run_get(s->log, &s->hello.run, &run, err) == -1 ||
	    digests_write(s, err) == -1 ||
	    (!s->pending_lost && chlog_position_add(s->log, &pos,
	    s->pending.v, count, clock_now_ms(), err) == -1) ||
	    (s->hello.label != NULL && chlog_label_put(s->log, s->hello.label,
	    &c->peer, c->peer_messages, err) == -1)) {
		chlog_rollback(s->log);
		return -1;
	}
	return chlog_commit(s->log, err);
}

int
commit_if_due(struct session *s, struct err *err)
{
	struct msg answer = { .kind = MSG_COMMITTED };
	size_t kept, count;

	if (!s->commit_wanted || s->flush_op != 0 || s->held_i < s->held.n)
		return 0;
	s->commit_wanted = false;
	if (batch_flush(s, err) == -1 || drop_waiting(s, err) == -1)
		return -1;
	if (prune_directories(s, s->commit.prune, err) == -1)
		return -1;
	kept = sort_pending(s);
	modseq_add_ahead(s);
	count = s->pending.n;
	if (s->pending_lost)
		log_warn("too much is pending: the next run compares again");
	if (!s->hello.dry_run && write_commit(s, &s->commit, count,
	    err) == -1)
		return -1;
	s->pending.n = kept;
	s->untidy = !s->hello.dry_run;
	answer.u.committed.pending = (uint32_t)count;
	session_send(s, &answer);
	return 0;
}

/*
 * It may come again: what the other store answers later can ask for more work
 * here.  Bodies may still be asked for, too.
 */
int
on_commit(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_commit *c = &msg->u.commit;

	if (guid_is_zero(&c->peer) ||
	    (!guid_is_zero(&s->peer) && !guid_eq(&c->peer, &s->peer)) ||
	    !guid_eq(&c->scope, &s->hello.scope))
		return err_set(err, ERR_PROTO,
		    "COMMIT names another store or scope than the run");
	s->commit = *c;
	s->commit_wanted = true;
	return commit_if_due(s, err);
}
