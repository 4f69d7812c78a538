#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "log/log.h"
#include "model/mail_location.h"
#include "model/mailbox_name.h"
#include "session/session_int.h"

#define PROBLEMS_TOLD_MAX	1000U		/* of one run */
#define SESSION_ARENA_MAX	(64U * 1024 * 1024) /* bytes */

struct session *
session_new(const struct session_args *args, session_send_fn *send, void *arg)
{
	struct session *s = mem_alloc(sizeof(*s));

	s->args = *args;
	s->send = send;
	s->send_arg = arg;
	s->state = SESSION_HELLO;
	s->arena = arena_new(SESSION_ARENA_MAX);
	s->row_arena = arena_new(ARENA_PAGE_MAX);
	s->batch_arena = arena_new(ARENA_PAGE_MAX);
	s->pending_arena = arena_new(ARENA_PAGE_MAX);
	return s;
}

static void
log_counts(const struct session *s)
{
	const struct store_counts *c = &s->store->counts;

	log_debug("store calls opens=%llu stats=%llu creates=%llu "
	    "renames=%llu links=%llu unlinks=%llu writes=%llu bytes=%llu "
	    "fsyncs=%llu syncfss=%llu", (unsigned long long)c->opens,
	    (unsigned long long)c->stats, (unsigned long long)c->creates,
	    (unsigned long long)c->renames, (unsigned long long)c->links,
	    (unsigned long long)c->unlinks, (unsigned long long)c->writes,
	    (unsigned long long)c->bytes, (unsigned long long)c->fsyncs,
	    (unsigned long long)c->syncfss);
}

void
session_free(struct session **sp)
{
	struct session *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	serve_end(s);
	body_end(s);
	apply_end(s);
	tree_batch_end(s);
	apply_close_all(s);
	ARRAY_FREE(&s->boxes);
	if (s->store != NULL) {
		log_counts(s);
		s->driver->close(&s->store);
	}
	pair_unlock(s);
	chlog_close(&s->log);
	ARRAY_FREE(&s->pending);
	ARRAY_FREE(&s->problems);
	ARRAY_FREE(&s->unscanned);
	ARRAY_FREE(&s->told);
	ARRAY_FREE(&s->vacated);
	ARRAY_FREE(&s->waiting);
	arena_free(&s->arena);
	arena_free(&s->row_arena);
	arena_free(&s->batch_arena);
	arena_free(&s->pending_arena);
	free(s->touched);
	free(s->unsaved);
	free(s);
}

void
session_send(struct session *s, const struct msg *msg)
{
	s->send(msg, s->send_arg);
}

bool
session_in_scope(const struct session *s, const char *name)
{
	bool in = s->hello.name_count == 0;

	for (size_t i = 0; i < s->hello.name_count && !in; i++)
		in = strcmp(s->hello.names[i], name) == 0;
	for (size_t i = 0; i < s->hello.mask_count && in; i++)
		in = !name_matches(name, s->hello.masks[i]);
	return in;
}

const char *
session_err_text(const struct session *s, enum err_code code,
    const char *text)
{
	/* Texts may hold paths, which are no business of another host. */
	if (s->args.peer_name == NULL && text != NULL)
		return text;
	switch (code) {
	case ERR_NONE:
		return "";
	case ERR_TEMP:
		return "it did not work this time";
	case ERR_NOSPACE:
		return "no space left";
	case ERR_NOTFOUND:
		return "it is not there";
	case ERR_PERM:
		return "permission denied";
	case ERR_STALE:
		return "it was changed meanwhile";
	case ERR_CORRUPT:
		return "it is damaged";
	case ERR_PROTO:
		return "the protocol was broken";
	case ERR_CONFIG:
		return "a setting has to be changed";
	case ERR_REFUSED:
		return "it was refused";
	}
	return "";
}

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

#define UNSAVED_SLOTS	(2U * UNSAVED_MAX)

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

/* What a person has to do something about is told in full. */
static bool
is_public(const struct session *s, enum err_code code)
{
	return code == ERR_PROTO || code == ERR_CONFIG ||
	    code == ERR_REFUSED || s->locked_out;
}

bool
session_unscanned(const struct session *s, const struct guid128 *mailbox)
{
	for (size_t i = 0; i < s->unscanned.n; i++)
		if (guid_eq(&s->unscanned.v[i], mailbox))
			return true;
	return false;
}

/* The session is over; the peer is told why. */
static int
session_fail(struct session *s, const struct err *err)
{
	struct msg msg = { .kind = MSG_ERROR };
	char text[TEXT_MAX];

	if (s->state == SESSION_OVER)
		return -1;
	s->state = SESSION_OVER;
	snprintf(text, sizeof(text), "%s%s",
	    s->log == NULL && s->args.peer_name != NULL &&
	    !is_public(s, err->code) ? "the store cannot be opened: " : "",
	    is_public(s, err->code) ? err->msg :
	    session_err_text(s, err->code, err->msg));
	msg.u.error.code = err->code;
	msg.u.error.text = text;
	session_send(s, &msg);
	return -1;
}

int
session_receive(struct session *s, const struct msg *msg, struct err *err)
{
	const struct session_rule *rule;

	if ((rule = session_rule_find(s->state, msg->kind)) == NULL) {
		err_set(err, ERR_PROTO, "%s came while %s was expected",
		    msg_kind_name(msg->kind), session_state_name(s->state));
		return session_fail(s, err);
	}
	if (!tree_batch_may_wait(msg->kind) &&
	    tree_batch_flush(s, err) == -1)
		return session_fail(s, err);
	if (rule->handle(s, msg, err) == -1)
		return session_fail(s, err);
	return 0;
}

/*
 * The scan of a store whose WELCOME was sent before.  It may find that the
 * store is an older copy, and then neither its id nor its positions are what
 * was said: the run has to begin again.
 */
static int
scan_if_due(struct session *s, struct err *err)
{
	struct guid128 id;

	if (s->scan_due == SCAN_NONE)
		return 0;
	s->scan_due = SCAN_NONE;
	id = *chlog_store_id(s->log);
	if (session_scan(s, err) == -1)
		return -1;
	if (!guid_eq(&id, chlog_store_id(s->log)))
		return err_set(err, ERR_STALE, "the store is an older copy "
		    "of itself: its change log was begun anew");
	s->view_seq = chlog_head(s->log);
	return 0;
}

int
session_step(struct session *s, bool (*room)(void *), void *room_arg,
    struct err *err)
{
	int r;

	if (s->state == SESSION_OVER)
		return 0;
	/* In the next turn of the loop, which writes WELCOME first. */
	if (s->scan_due == SCAN_SOON) {
		s->scan_due = SCAN_NOW;
		return 1;
	}
	if (scan_if_due(s, err) == -1)
		return session_fail(s, err);
	if (!s->begun)
		return 0;
	/* A body is sent to its end before the next answer begins. */
	if (!s->body.active) {
		if ((r = serve_step(s, room, room_arg, err)) != 0)
			return r == -1 ? session_fail(s, err) : r;
	}
	if ((r = body_step(s, room, room_arg, err)) == -1)
		return session_fail(s, err);
	/* Not in the middle of an OP_SAVE: the batch is not complete. */
	if (s->state != SESSION_OPEN)
		return r;
	if (apply_held(s, err) == -1 || batch_answer_flush(s, err) == -1 ||
	    commit_if_due(s, err) == -1)
		return session_fail(s, err);
	return r;
}

void
session_hold(struct session *s)
{
	if (s->log != NULL)
		chlog_hold(s->log);
}

void
session_rest(struct session *s)
{
	if (s->log != NULL)
		chlog_rest(s->log);
}

bool
session_ended(const struct session *s)
{
	return s->state == SESSION_OVER;
}

static void
copy_positions(struct session *s, const struct msg_hello *from)
{
	s->hello.positions = arena_calloc(s->arena, from->position_count,
	    sizeof(*from->positions));
	if (from->position_count > 0)
		memcpy(s->hello.positions, from->positions,
		    from->position_count * sizeof(*from->positions));
}

static const char **
copy_names(struct session *s, const char **from, size_t count)
{
	const char **list = arena_calloc(s->arena, count, sizeof(*list));

	for (size_t i = 0; i < count; i++)
		list[i] = arena_strdup(s->arena, from[i]);
	return list;
}

static void
keep_hello(struct session *s, const struct msg_hello *hello)
{
	s->hello = *hello;
	s->hello.software = "";
	s->hello.label = hello->label != NULL && *hello->label != '\0' ?
	    arena_strdup(s->arena, hello->label) : NULL;
	copy_positions(s, hello);
	s->hello.names = copy_names(s, hello->names, hello->name_count);
	s->hello.masks = copy_names(s, hello->masks, hello->mask_count);
	s->filtered = hello->name_count > 0 || hello->mask_count > 0;
	s->readonly = hello->role == ROLE_SOURCE || hello->dry_run ||
	    s->args.options.readonly;
}

static void
store_problem(const char *what, const struct err *why, void *arg)
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

static void
log_notice(const char *text, void *arg)
{
	(void)arg;
	log_warn("%s", text);
}

static int
open_all(struct session *s, struct err *err)
{
	struct store_options options = s->args.options;
	struct chlog_args args = {
		.root_path = s->args.location->path,
		.state_dir = s->args.state_dir,
		.dry_run = s->hello.dry_run,
		.notice = log_notice,
	};

	options.readonly = s->readonly;
	/* A store that was met before and is gone now is no new one (E5). */
	if (s->readonly || s->hello.position_count > 0)
		options.create = false;
	if (s->hello.alt_char != '\0')
		options.alt_char = s->hello.alt_char;
	if (s->args.driver != NULL) {
		if (s->args.driver->open(&s->store, s->args.location,
		    &options, err) == -1)
			return -1;
		s->driver = s->args.driver;
	} else {
		if (store_open(&s->store, s->args.location, &options,
		    err) == -1)
			return -1;
		s->driver = s->store->driver;
	}
	s->store->problem = store_problem;
	s->store->problem_arg = s;
	args.root_fd = s->driver->root_fd(s->store);
	return chlog_open(&s->log, &args, err);
}

static void
send_welcome(struct session *s, const struct guid128 *last_peer,
    uint64_t last_messages, const struct chlog_position *positions,
    size_t count)
{
	struct msg_position list[POSITIONS_MAX];
	struct msg msg = { .kind = MSG_WELCOME };
	struct msg_welcome *w = &msg.u.welcome;

	for (size_t i = 0; i < count; i++)
		list[i] = positions[i].p;
	w->version = PROTOCOL_VERSION;
	w->software = s->args.software;
	w->clock_ms = s->hello_ms;
	w->store = *chlog_store_id(s->log);
	_Static_assert(MSG_CAP_DIRECTORIES == STORE_CAP_DIRECTORIES,
	    "one bit, two names");
	w->caps = s->driver->caps;
	w->access = s->args.access;
	w->positions = list;
	w->position_count = count;
	w->last_peer = *last_peer;
	w->last_peer_messages = last_messages;
	session_send(s, &msg);
}

/* The base is this position: what was pending then counts as changed. */
static int
take_base(struct session *s, const struct chlog_position *pos,
    struct err *err)
{
	ptrdiff_t n;

	s->has_base = true;
	s->base = *pos;
	s->since.seq = pos->seq;
	if (chlog_run_find(s->log, &pos->p.run, &s->since.run, err) == -1)
		return -1;
	n = chlog_pending_list(s->log, pos->id, s->arena, &s->base_pending,
	    err);
	if (n == -1)
		return -1;
	s->base_pending_count = (size_t)n;
	return 0;
}

static bool
peer_has(const struct session *s, const struct chlog_position *pos)
{
	const struct guid128 *self = chlog_store_id(s->log);

	for (size_t i = 0; i < s->hello.position_count; i++) {
		const struct msg_position *p = &s->hello.positions[i];

		/* The other store knows the position as one with us. */
		if (guid_eq(&p->run, &pos->p.run) &&
		    (guid_is_zero(&p->peer) || guid_eq(&p->peer, self) ||
		    guid_eq(&p->peer, &s->hello.peer)))
			return true;
	}
	return false;
}

static int
begin_at_once(struct session *s, const struct chlog_position *positions,
    size_t count, struct err *err)
{
	s->peer = s->hello.peer;
	for (size_t i = 0; i < count; i++) {
		if (!guid_eq(&positions[i].p.peer, &s->peer) ||
		    !peer_has(s, &positions[i]))
			continue;
		if (take_base(s, &positions[i], err) == -1)
			return -1;
		break;
	}
	s->begun = true;
	s->state = SESSION_OPEN;
	return serve_ask_view(s, err);
}

static int
check_hello(const struct msg_hello *h, struct err *err)
{
	if (h->version_min > PROTOCOL_VERSION ||
	    h->version_max < PROTOCOL_VERSION)
		return err_set(err, ERR_REFUSED, "the peer speaks protocol "
		    "versions %u to %u, this program %u", h->version_min,
		    h->version_max, PROTOCOL_VERSION);
	if (h->required != 0)
		return err_set(err, ERR_REFUSED, "the peer requires features "
		    "(%llx) that this program does not have",
		    (unsigned long long)h->required);
	if (guid_is_zero(&h->run))
		return err_set(err, ERR_PROTO, "the run has no identity");
	return 0;
}

/* The store last met under the label, if the log is still the same. */
static int
find_last_peer(struct session *s, struct guid128 *peer_r,
    uint64_t *messages_r, struct err *err)
{
	memset(peer_r, 0, sizeof(*peer_r));
	*messages_r = 0;
	if (s->hello.label == NULL)
		return 0;
	return chlog_label_find(s->log, s->hello.label, peer_r, messages_r,
	    err) == -1 ? -1 : 0;
}

/*
 * Who is asked for its view at once looks through its store before the first
 * answer.  The other store is looked through while that one is.
 */
int
on_hello(struct session *s, const struct msg *msg, struct err *err)
{
	struct chlog_position positions[POSITIONS_MAX];
	struct guid128 last_peer;
	const struct guid128 *peer = &last_peer;
	uint64_t last_messages;
	ptrdiff_t n = 0;

	if (check_hello(&msg->u.hello, err) == -1)
		return -1;
	s->hello_ms = clock_now_ms();
	keep_hello(s, &msg->u.hello);
	if (open_all(s, err) == -1)
		return -1;
	if (!guid_is_zero(&s->hello.peer))
		peer = &s->hello.peer;
	if (find_last_peer(s, &last_peer, &last_messages, err) == -1)
		return -1;
	if (guid_eq(peer, chlog_store_id(s->log)))
		return err_set(err, ERR_REFUSED,
		    "both locations are the same store");
	if (pair_lock(s, peer, err) == -1)
		return -1;
	/* What a dry run finds is forgotten: it could not begin again. */
	if (!s->hello.begin && !s->hello.dry_run)
		s->scan_due = SCAN_SOON;
	else if (session_scan(s, err) == -1 ||
	    find_last_peer(s, &last_peer, &last_messages, err) == -1)
		return -1;
	s->view_seq = chlog_head(s->log);
	if (!guid_is_zero(peer) && (n = chlog_positions(s->log, peer,
	    &s->hello.scope, positions, nitems(positions), err)) == -1)
		return -1;
	send_welcome(s, &last_peer, last_messages, positions, (size_t)n);
	s->state = SESSION_BEGIN;
	if (s->hello.begin)
		return begin_at_once(s, positions, (size_t)n, err);
	return 0;
}

int
on_begin(struct session *s, const struct msg *msg, struct err *err)
{
	const struct msg_begin *b = &msg->u.begin;
	struct chlog_position positions[POSITIONS_MAX];
	ptrdiff_t n;

	if (scan_if_due(s, err) == -1)
		return -1;
	s->peer = b->peer;
	if (guid_eq(&s->peer, chlog_store_id(s->log)))
		return err_set(err, ERR_REFUSED,
		    "both locations are the same store");
	if (pair_lock(s, &s->peer, err) == -1)
		return -1;
	if (!guid_is_zero(&b->base)) {
		n = chlog_positions(s->log, &s->peer, &s->hello.scope,
		    positions, nitems(positions), err);
		if (n == -1)
			return -1;
		for (ptrdiff_t i = 0; i < n && !s->has_base; i++)
			if (guid_eq(&positions[i].p.run, &b->base) &&
			    take_base(s, &positions[i], err) == -1)
				return -1;
		if (!s->has_base)
			return err_set(err, ERR_STALE,
			    "the base of this run is not known here");
	}
	s->begun = true;
	s->state = SESSION_OPEN;
	return serve_ask_view(s, err);
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
	if (chlog_begin(s->log, err) == -1)
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
	size_t count;

	if (!s->commit_wanted || s->flush_op != 0 || s->held_i < s->held.n)
		return 0;
	s->commit_wanted = false;
	if (batch_flush(s, err) == -1 || drop_waiting(s, err) == -1)
		return -1;
	if (s->commit.prune && prune_directories(s, err) == -1)
		return -1;
	count = sort_pending(s);
	if (s->pending_lost)
		log_warn("too much is pending: the next run compares again");
	if (!s->hello.dry_run && write_commit(s, &s->commit, count,
	    err) == -1)
		return -1;
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

int
on_bye(struct session *s, const struct msg *msg, struct err *err)
{
	(void)msg, (void)err;
	s->state = SESSION_OVER;
	return 0;
}
