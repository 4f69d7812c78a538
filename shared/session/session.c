#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "log/log.h"
#include "model/mail_location.h"
#include "model/mailbox_name.h"
#include "session/session_int.h"

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
	sizes_end(s);
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
	ARRAY_FREE(&s->ahead);
	ARRAY_FREE(&s->problems);
	ARRAY_FREE(&s->unscanned);
	ARRAY_FREE(&s->told);
	ARRAY_FREE(&s->vacated);
	ARRAY_FREE(&s->kept);
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
	switch (batch_flush_put_off(s, r == 1, err)) {
	case -1:
		return session_fail(s, err);
	case 1:
		return r;
	}
	if (apply_held(s, err) == -1 || batch_answer_flush(s, err) == -1 ||
	    commit_if_due(s, err) == -1)
		return session_fail(s, err);
	return r;
}

void
session_hold(struct session *s)
{
	s->held_log = true;
	if (s->log != NULL)
		chlog_hold(s->log);
}

void
session_rest(struct session *s)
{
	s->held_log = false;
	if (s->log != NULL)
		chlog_rest(s->log);
}

bool
session_is_untidy(const struct session *s)
{
	/* What is prepared would go with its mailbox. */
	return s->untidy && s->state == SESSION_OPEN && s->batch.n == 0;
}

/* It is not the last word: what is asked for now opens mailboxes again. */
void
session_tidy(struct session *s)
{
	s->untidy = false;
	apply_close_all(s);
	chlog_settle(s->log);
}

bool
session_hurries(const struct session *s)
{
	return s->flush_at != 0;
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
log_notice(const char *text, void *arg)
{
	(void)arg;
	log_warn("%s", text);
}

/* Who wonders about the path wants to know who named it. */
static void
tell_origin(const struct session *s, struct err *err)
{
	size_t len = strlen(err->msg);

	if (s->args.origin != NULL)
		snprintf(err->msg + len, sizeof(err->msg) - len, " (%s)",
		    s->args.origin);
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
	if (s->args.driver != NULL ? s->args.driver->open(&s->store,
	    s->args.location, &options, err) == -1 : store_open(&s->store,
	    s->args.location, &options, err) == -1) {
		tell_origin(s, err);
		return -1;
	}
	s->driver = s->args.driver != NULL ? s->args.driver :
	    s->store->driver;
	s->store->problem = session_store_problem;
	s->store->problem_arg = s;
	s->keeps_attributes = s->driver->keeps_attributes(s->store);
	args.root_fd = s->driver->root_fd(s->store);
	if (chlog_open(&s->log, &args, err) == -1)
		return -1;
	if (s->held_log)
		chlog_hold(s->log);
	return 0;
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
	w->features = s->hello.features &
	    (s->args.features | FEATURE_ATTRIBUTES);
	w->software = s->args.software;
	w->clock_ms = s->hello_ms;
	w->store = *chlog_store_id(s->log);
	_Static_assert(MSG_CAP_DIRECTORIES == STORE_CAP_DIRECTORIES,
	    "one bit, two names");
	w->caps = s->driver->caps;
	if (s->keeps_attributes)
		w->caps |= MSG_CAP_ATTRIBUTES;
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
	if (pair_lock(s, peer, err) == -1 || inbox_lock(s, err) == -1)
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
on_bye(struct session *s, const struct msg *msg, struct err *err)
{
	(void)msg, (void)err;
	s->state = SESSION_OVER;
	return 0;
}
