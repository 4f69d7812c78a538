/*
 * brain.c - one run over two stores: greetings, views, dispatch
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "brain/run.h"
#include "model/mailbox_name.h"

#define CLOCK_WARN_MS	1000U	/* T8: a difference worth a warning */

static int
delta_cmp(const struct delta *a, const struct delta *b)
{
	return guid_cmp(&a->guid, &b->guid);
}

RB_GENERATE(deltas, delta, node, delta_cmp)

struct delta *
run_delta_find(struct run_side *side, const struct guid128 *guid)
{
	struct delta key;

	key.guid = *guid;
	return RB_FIND(deltas, &side->deltas, &key);
}

bool
run_is_dest(const struct brain *brain, unsigned int side)
{
	return brain->source != (int)side;
}

/* The filter of a run names its own row of positions; none: all zero. */
static struct guid128
scope_of(const struct brain_args *args)
{
	struct guid128 scope = { { 0 } };
	uint8_t hash[DIGEST_SIZE];
	struct strbuf buf;

	if (args->name_count == 0 && args->mask_count == 0)
		return scope;
	strbuf_init(&buf, (size_t)FILTERS_MAX * 2 * (NAME_MAX_BYTES + 2));
	for (size_t i = 0; i < args->name_count; i++) {
		strbuf_addc(&buf, 'm');
		strbuf_add(&buf, args->names[i], strlen(args->names[i]) + 1);
	}
	for (size_t i = 0; i < args->mask_count; i++) {
		strbuf_addc(&buf, 'x');
		strbuf_add(&buf, args->masks[i], strlen(args->masks[i]) + 1);
	}
	digest_sha256(buf.data, buf.len, hash);
	memcpy(scope.b, hash, GUID_SIZE);
	strbuf_deinit(&buf);
	return scope;
}

struct brain *
brain_new(const struct brain_args *args, brain_send_fn *send,
    brain_event_fn *event, void *arg)
{
	struct brain *brain = calloc(1, sizeof(*brain));

	if (brain == NULL)
		abort();
	brain->args = args;
	brain->send = send;
	brain->event = event;
	brain->arg = arg;
	brain->source = args->mode == BRAIN_MIRROR ? -1 :
	    args->reverse ? SIDE_B : SIDE_A;
	brain->filtered = args->name_count > 0 || args->mask_count > 0;
	brain->scope = scope_of(args);
	brain->told_max = args->told_max == 0 ||
	    args->told_max > BRAIN_TOLD_MAX ? BRAIN_TOLD_MAX : args->told_max;
	brain->arena = arena_new(RUN_ARENA_MAX);
	TAILQ_INIT(&brain->todo);
	TAILQ_INIT(&brain->ready);
	STAILQ_INIT(&brain->pages);
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		struct run_side *side = &brain->side[s];

		side->arena = arena_new(RUN_ARENA_MAX);
		RB_INIT(&side->deltas);
		STAILQ_INIT(&side->lists);
		STAILQ_INIT(&side->haves);
		STAILQ_INIT(&side->gets);
		side->sent_first = 1;
	}
	return brain;
}

static void
free_side(struct run_side *side)
{
	struct delta *delta, *next;
	struct ask *ask;
	struct get *get;

	RB_FOREACH_SAFE(delta, deltas, &side->deltas, next) {
		(void)RB_REMOVE(deltas, &side->deltas, delta);
		ARRAY_FREE(&delta->recs);
		ARRAY_FREE(&delta->gone);
		free(delta);
	}
	while ((ask = STAILQ_FIRST(&side->lists)) != NULL) {
		STAILQ_REMOVE_HEAD(&side->lists, link);
		free(ask);
	}
	while ((ask = STAILQ_FIRST(&side->haves)) != NULL) {
		STAILQ_REMOVE_HEAD(&side->haves, link);
		free(ask);
	}
	while ((get = STAILQ_FIRST(&side->gets)) != NULL) {
		STAILQ_REMOVE_HEAD(&side->gets, link);
		free(get);
	}
	free(side->body);
	ARRAY_FREE(&side->boxes);
	ARRAY_FREE(&side->gone);
	ARRAY_FREE(&side->subs);
	ARRAY_FREE(&side->subs_changed);
	ARRAY_FREE(&side->gone_changed);
	ARRAY_FREE(&side->attributes);
	ARRAY_FREE(&side->attributes_changed);
	ARRAY_FREE(&side->pending);
	ARRAY_FREE(&side->sent);
	ARRAY_FREE(&side->tree_ops);
	ARRAY_FREE(&side->late);
	ARRAY_FREE(&side->expunges);
	ARRAY_FREE(&side->refused);
	ARRAY_FREE(&side->raises);
	ARRAY_FREE(&side->confirms);
	arena_free(&side->arena);
}

void
brain_free(struct brain **brainp)
{
	struct brain *brain;
	struct page *page;
	struct job *job;

	if (brainp == NULL || (brain = *brainp) == NULL)
		return;
	while ((page = STAILQ_FIRST(&brain->pages)) != NULL) {
		STAILQ_REMOVE_HEAD(&brain->pages, link);
		free(page);
	}
	while ((job = TAILQ_FIRST(&brain->todo)) != NULL) {
		TAILQ_REMOVE(&brain->todo, job, link);
		job_free(brain, &job);
	}
	while ((job = TAILQ_FIRST(&brain->ready)) != NULL) {
		TAILQ_REMOVE(&brain->ready, job, link);
		job_free(brain, &job);
	}
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		free_side(&brain->side[s]);
	for (size_t i = 0; brain->modseqs != NULL && i < brain->entries.n;
	    i++)
		ARRAY_FREE(&brain->modseqs[i].vanished.uids);
	ARRAY_FREE(&brain->entries);
	ARRAY_FREE(&brain->subs);
	ARRAY_FREE(&brain->attributes);
	ARRAY_FREE(&brain->mends);
	ARRAY_FREE(&brain->others);
	ARRAY_FREE(&brain->rebuilds);
	arena_free(&brain->arena);
	free(brain);
	*brainp = NULL;
}

static void
fill_hello(struct brain *brain, unsigned int s, struct msg_hello *hello)
{
	const struct brain_args *args = brain->args;

	*hello = (struct msg_hello){
		.version_min = PROTOCOL_VERSION,
		.version_max = PROTOCOL_VERSION,
		.features = FEATURE_ZSTD | FEATURE_ATTRIBUTES,
		.software = args->software,
		.clock_ms = args->now_ms,
		.run = args->run,
		.label = args->label[s],
		.scope = brain->scope,
		.role = brain->source < 0 ? ROLE_MIRROR :
		    brain->source == (int)s ? ROLE_SOURCE : ROLE_DESTINATION,
		.full = args->full,
		.dry_run = args->dry_run,
		.names = args->names,
		.name_count = args->name_count,
		.masks = args->masks,
		.mask_count = args->mask_count,
		.alt_char = args->alt_char,
	};
}

void
brain_start(struct brain *brain)
{
	struct msg msg = { .kind = MSG_HELLO };

	fill_hello(brain, SIDE_A, &msg.u.hello);
	brain->phase = RUN_HELLO_A;
	brain->send(SIDE_A, &msg, brain->arg);
}

bool
run_is_append(const struct brain *brain, unsigned int s)
{
	return run_is_dest(brain, s) && brain->side[s].access == ACCESS_APPEND;
}

struct guid128
run_guid(const struct brain *brain, unsigned int s, size_t entry)
{
	const struct tree_entry *e = &brain->entries.v[entry];

	return e->keeps_guid[s] ? e->box[s]->guid : e->target.guid;
}

/* May the peer's key do what this run wants of that side? */
static int
check_access(const struct brain *brain, unsigned int s, struct err *err)
{
	if (!run_is_dest(brain, s) ||
	    brain->side[s].access != ACCESS_READ)
		return 0;
	return err_set(err, ERR_PERM, brain->source < 0 ?
	    "%s lets us read only: a mirror has to write; use backup -R" :
	    "%s lets us read only, so it can't be the destination",
	    s == SIDE_A ? "the first location" : "the second location");
}

static int
check_clocks(struct brain *brain, struct err *err)
{
	uint64_t a = brain->side[SIDE_A].clock_ms;
	uint64_t b = brain->side[SIDE_B].clock_ms;
	uint64_t off = a > b ? a - b : b - a;

	if (off > brain->args->clock_skew_max)
		return err_set(err, ERR_REFUSED, "the clocks of the two hosts "
		    "differ by %llu s; set them, or allow it by "
		    "clock_skew_max (T8)", (unsigned long long)off / 1000);
	if (off > CLOCK_WARN_MS)
		tell_text(brain, EVENT_NOTICE, SIDE_B, "T8",
		    "the clocks of the two hosts differ by %llu.%llu s",
		    (unsigned long long)off / 1000,
		    (unsigned long long)off % 1000 / 100);
	return 0;
}

static int
on_welcome(struct brain *brain, unsigned int s, const struct msg_welcome *w,
    struct err *err)
{
	struct run_side *side = &brain->side[s];
	struct msg msg = { .kind = MSG_HELLO };

	if (side->welcomed || (s == SIDE_B && brain->phase != RUN_HELLO_B))
		return err_set(err, ERR_PROTO, "WELCOME that nobody asked for");
	if (w->version != PROTOCOL_VERSION)
		return err_set(err, ERR_PROTO,
		    "protocol version %u was not offered", w->version);
	side->welcomed = true;
	side->store = w->store;
	side->caps = w->caps;
	side->features = w->features;
	side->access = w->access;
	side->clock_ms = w->clock_ms;
	side->last_peer = w->last_peer;
	side->last_peer_messages = w->last_peer_messages;
	if (check_access(brain, s, err) == -1)
		return -1;
	if (s == SIDE_A) {
		fill_hello(brain, SIDE_B, &msg.u.hello);
		msg.u.hello.peer = side->store;
		msg.u.hello.positions = w->positions;
		msg.u.hello.position_count = w->position_count;
		msg.u.hello.begin = true;
		brain->phase = RUN_HELLO_B;
		brain->send(SIDE_B, &msg, brain->arg);
		return 0;
	}
	if (guid_eq(&side->store, &brain->side[SIDE_A].store))
		return err_set(err, ERR_REFUSED,
		    "both locations are one and the same store (E6)");
	return check_clocks(brain, err);
}

static int
on_view(struct brain *brain, unsigned int s, const struct msg_view *view,
    struct err *err)
{
	struct run_side *side = &brain->side[s];
	struct msg msg = { .kind = MSG_BEGIN };

	if (side->view_seen || !side->welcomed)
		return err_set(err, ERR_PROTO, "VIEW that nobody asked for");
	side->view = *view;
	side->view_seen = true;
	if (s == SIDE_A) {
		if (!guid_eq(&view->base, &brain->side[SIDE_B].view.base))
			return err_set(err, ERR_PROTO,
			    "the first store answered for another base");
		return 0;
	}
	brain->base = !guid_is_zero(&view->base);
	msg.u.begin.peer = side->store;
	msg.u.begin.base = view->base;
	brain->phase = RUN_VIEWS;
	brain->send(SIDE_A, &msg, brain->arg);
	return 0;
}

void
run_note_pending(struct brain *brain, unsigned int s,
    const struct guid128 *mailbox, uint32_t uid, const struct guid128 *mark,
    const char *text)
{
	struct run_side *side = &brain->side[s];
	struct msg_pending *p;

	if (side->refused.n >= RUN_PENDING_MAX)
		return;
	p = ARRAY_ADD(&side->refused);
	p->mailbox = *mailbox;
	p->uid = uid;
	if (mark != NULL)
		p->mark = *mark;
	p->text = text;
}

int
run_charge(struct brain *brain, struct job *job, size_t bytes,
    struct err *err)
{
	if (bytes > brain->told_max - brain->told)
		return err_set(err, ERR_REFUSED, "the stores tell of more than "
		    "%zu KiB of messages that are new, changed or unlike each "
		    "other; do some mailboxes at a time, with -m",
		    brain->told_max >> 10);
	brain->told += bytes;
	if (job != NULL)
		job->told += bytes;
	return 0;
}

void
run_discharge(struct brain *brain, struct job *job, size_t bytes)
{
	brain->told -= bytes;
	job->told -= bytes;
}

/* The tree arrives in a view, and again, complete, after TREE. */
static bool
tree_open(const struct brain *brain, const struct run_side *side)
{
	return side->view_seen && !side->tree_ended &&
	    (brain->phase == RUN_HELLO_B || brain->phase == RUN_VIEWS ||
	    brain->phase == RUN_TREES);
}

static int
charge_since(struct brain *brain, unsigned int s, size_t before,
    size_t bytes, struct err *err)
{
	return run_charge(brain, NULL, bytes +
	    arena_used(brain->side[s].arena) - before, err);
}

static int
on_mailbox(struct brain *brain, unsigned int s, const struct msg_mailbox *box,
    struct err *err)
{
	struct run_side *side = &brain->side[s];
	size_t before = arena_used(side->arena);
	struct msg_mailbox *copy;

	if (!tree_open(brain, side))
		return err_set(err, ERR_PROTO, "MAILBOX out of order");
	if (side->boxes.n >= RUN_BOXES_MAX)
		return err_set(err, ERR_PROTO, "more than %u mailboxes",
		    RUN_BOXES_MAX);
	copy = ARRAY_ADD(&side->boxes);
	*copy = *box;
	copy->name = arena_strdup(side->arena, box->name);
	if (box->alias_count > 0)
		copy->aliases = arena_memdup(side->arena, box->aliases,
		    box->alias_count * sizeof(*box->aliases));
	if (box->set_digest != NULL)
		copy->set_digest = arena_memdup(side->arena, box->set_digest,
		    DIGEST_SIZE);
	side->changed = true;
	return charge_since(brain, s, before, sizeof(*copy), err);
}

static int
on_mailbox_gone(struct brain *brain, unsigned int s,
    const struct msg_mailbox_gone *gone, struct err *err)
{
	struct run_side *side = &brain->side[s];
	size_t before = arena_used(side->arena);
	struct msg_mailbox_gone *copy;

	if (!tree_open(brain, side) || side->gone.n >= RUN_BOXES_MAX)
		return err_set(err, ERR_PROTO, "MAILBOX_GONE out of order");
	copy = ARRAY_ADD(&side->gone);
	*copy = *gone;
	copy->name = arena_strdup(side->arena, gone->name);
	side->changed = true;
	return charge_since(brain, s, before, sizeof(*copy), err);
}

static int
on_subscription(struct brain *brain, unsigned int s,
    const struct msg_subscription *sub, struct err *err)
{
	struct run_side *side = &brain->side[s];
	size_t before = arena_used(side->arena);
	struct msg_subscription *copy;

	if (!tree_open(brain, side) || side->subs.n >= RUN_BOXES_MAX)
		return err_set(err, ERR_PROTO, "SUBSCRIPTION out of order");
	copy = ARRAY_ADD(&side->subs);
	*copy = *sub;
	copy->name = arena_strdup(side->arena, sub->name);
	side->changed = true;
	return charge_since(brain, s, before, sizeof(*copy), err);
}

static int
on_attribute(struct brain *brain, unsigned int s,
    const struct msg_attribute *a, struct err *err)
{
	if (!tree_open(brain, &brain->side[s]))
		return err_set(err, ERR_PROTO, "ATTRIBUTE out of order");
	return attributes_take(brain, s, a, err);
}

/* Is the complete tree of both sides needed to order renames and deletions? */
static bool
needs_trees(const struct brain *brain)
{
	if (!brain->base || brain->args->full)
		return false;	/* it is complete already */
	if (attributes_need_trees(brain))
		return true;
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		const struct run_side *side = &brain->side[s];
		bool dest = brain->source >= 0 && run_is_dest(brain, s);

		/* What keeps its GUID is known by its name (T10). */
		if (run_is_append(brain, s))
			return true;
		if (side->gone.n > 0 || (dest && side->subs.n > 0))
			return true;
		/* Does more than a stamp differ?  -n has to know (E7). */
		if (brain->args->dry_run &&
		    side->subs.n + side->attributes.n > 0)
			return true;
		/* B3: are its UIDs taken, or UIDNEXT above the source's? */
		if (dest && side->boxes.n > 0)
			return true;
		/* What is pending is compared anew, its mailbox as well. */
		if (side->pending.n > 0)
			return true;
		for (size_t i = 0; i < side->boxes.n; i++)
			/* M10 needs to know the other side's UIDVALIDITY, and
			   M4 its UIDNEXT. */
			if (side->boxes.v[i].uidvalidity_changed ||
			    side->boxes.v[i].uidnext > MERGE_UID_HIGH ||
			    (side->boxes.v[i].tree_changed &&
			    (dest || !side->boxes.v[i].is_new)))
				return true;
	}
	return false;
}

/* What the view told changed; the whole tree follows. */
static void
keep_changed(struct run_side *side)
{
	for (size_t i = 0; i < side->gone.n; i++)
		*ARRAY_ADD(&side->gone_changed) = side->gone.v[i];
	for (size_t i = 0; i < side->subs.n; i++)
		*ARRAY_ADD(&side->subs_changed) = side->subs.v[i];
	side->gone.n = side->subs.n = 0;
	if (side->gone_changed.n > 1)
		qsort(side->gone_changed.v, side->gone_changed.n,
		    sizeof(*side->gone_changed.v), tree_gone_cmp);
	if (side->subs_changed.n > 1)
		qsort(side->subs_changed.v, side->subs_changed.n,
		    sizeof(*side->subs_changed.v), tree_sub_cmp);
}

bool
run_changes_known(const struct brain *brain)
{
	if (!brain->base || !brain->trees_asked)
		return false;
	/* E1: what is pending counts as changed on both sides. */
	for (unsigned int s = 0; s < SIDE_COUNT; s++)
		for (size_t i = 0; i < brain->side[s].pending.n; i++)
			if (brain->side[s].pending.v[i].uid == 0)
				return false;
	return true;
}

static int
views_ended(struct brain *brain, struct err *err)
{
	struct msg msg = { .kind = MSG_TREE };

	if (!brain->side[0].view_ended || !brain->side[1].view_ended)
		return 0;
	brain->complete = !brain->base || brain->args->full;
	if (!needs_trees(brain)) {
		brain->phase = RUN_WORK;
		return jobs_begin(brain, err);
	}
	brain->complete = brain->trees_asked = true;
	brain->phase = RUN_TREES;
	for (unsigned int s = 0; s < SIDE_COUNT; s++) {
		brain->side[s].boxes.n = 0;
		keep_changed(&brain->side[s]);
		attributes_keep_changed(&brain->side[s]);
		brain->side[s].tree_ended = false;
		brain->send(s, &msg, brain->arg);
	}
	return 0;
}

static int
on_tree_end(struct brain *brain, unsigned int s, struct err *err)
{
	struct run_side *side = &brain->side[s];

	if (!tree_open(brain, side))
		return err_set(err, ERR_PROTO, "TREE_END out of order");
	side->tree_ended = true;
	if (brain->phase != RUN_TREES || !brain->side[0].tree_ended ||
	    !brain->side[1].tree_ended)
		return 0;
	brain->phase = RUN_WORK;
	return jobs_begin(brain, err);
}

static int
on_pending(struct brain *brain, unsigned int s, const struct msg_pending *p,
    struct err *err)
{
	struct run_side *side = &brain->side[s];
	struct msg_pending *copy;

	if (!side->view_seen || side->view_ended)
		return err_set(err, ERR_PROTO, "PENDING out of order");
	if (side->pending.n >= RUN_PENDING_MAX)
		return err_set(err, ERR_PROTO, "more than %u pending entries",
		    RUN_PENDING_MAX);
	copy = ARRAY_ADD(&side->pending);
	*copy = *p;
	copy->text = arena_strdup(side->arena, p->text != NULL ? p->text : "");
	side->changed = true;
	if (copy->left_out)
		tell_left_out(brain, s, copy->text);
	return 0;
}

static int
on_view_end(struct brain *brain, unsigned int s, struct err *err)
{
	struct run_side *side = &brain->side[s];

	if (!side->view_seen || side->view_ended || !side->tree_ended ||
	    side->delta != NULL)
		return err_set(err, ERR_PROTO, "VIEW_END out of order");
	side->view_ended = true;
	return views_ended(brain, err);
}

static int
on_error(unsigned int s, const struct msg_error *e, struct err *err)
{
	return err_set(err, e->code == ERR_NONE ? ERR_TEMP : e->code, "%s: %s",
	    s == SIDE_A ? "first location" : "second location", e->text);
}

int
brain_receive(struct brain *brain, enum brain_side s, const struct msg *msg,
    struct err *err)
{
	switch (msg->kind) {
	case MSG_WELCOME:
		return on_welcome(brain, s, &msg->u.welcome, err);
	case MSG_VIEW:
		return on_view(brain, s, &msg->u.view, err);
	case MSG_MAILBOX:
		return on_mailbox(brain, s, &msg->u.mailbox, err);
	case MSG_MAILBOX_GONE:
		return on_mailbox_gone(brain, s, &msg->u.mailbox_gone, err);
	case MSG_SUBSCRIPTION:
		return on_subscription(brain, s, &msg->u.subscription, err);
	case MSG_ATTRIBUTE:
		return on_attribute(brain, s, &msg->u.attribute, err);
	case MSG_TREE_END:
		return on_tree_end(brain, s, err);
	case MSG_MESSAGES:
		return jobs_on_messages(brain, s, &msg->u.messages, err);
	case MSG_MESSAGE:
		return jobs_on_message(brain, s, &msg->u.message, err);
	case MSG_GONE:
		return jobs_on_gone(brain, s, &msg->u.gone, err);
	case MSG_MESSAGES_END:
		return jobs_on_end(brain, s, &msg->u.messages_end, err);
	case MSG_VIEW_END:
		return on_view_end(brain, s, err);
	case MSG_PENDING:
		return on_pending(brain, s, &msg->u.pending, err);
	case MSG_HAVE_REPLY:
		return texts_on_have(brain, s, &msg->u.have_reply, err);
	case MSG_BODY:
		return emit_on_body(brain, s, &msg->u.body, err);
	case MSG_BODY_CHUNK:
		return emit_on_chunk(brain, s, &msg->u.chunk, err);
	case MSG_BODY_END:
		return emit_on_body_end(brain, s, &msg->u.body_end, err);
	case MSG_GET_FAILED:
		return emit_on_get_failed(brain, s, &msg->u.get_failed, err);
	case MSG_RESULT:
		return results_on_result(brain, s, &msg->u.result, err);
	case MSG_DONE:
		return results_on_done(brain, s, &msg->u.done, err);
	case MSG_COMMITTED:
		return results_on_committed(brain, s, err);
	case MSG_ERROR:
		return on_error(s, &msg->u.error, err);
	case MSG_HELLO:
	case MSG_BEGIN:
	case MSG_LIST:
	case MSG_TREE:
	case MSG_HAVE:
	case MSG_GET:
	case MSG_OP_MAILBOX:
	case MSG_OP_MAILBOX_DELETE:
	case MSG_OP_SUBSCRIBE:
	case MSG_OP_ATTRIBUTE:
	case MSG_OP_SAVE:
	case MSG_OP_COPY:
	case MSG_OP_FLAGS:
	case MSG_OP_EXPUNGE:
	case MSG_OP_SET_UID:
	case MSG_OP_MODSEQ:
	case MSG_FLUSH:
	case MSG_COMMIT:
	case MSG_BYE:
	case MSG_KIND_COUNT:
		break;
	}
	return err_set(err, ERR_PROTO, "%s is no answer of a store",
	    msg_kind_name(msg->kind));
}

int
brain_step(struct brain *brain, const bool room[static SIDE_COUNT],
    struct err *err)
{
	bool full;

	if (brain->phase != RUN_WORK && brain->phase != RUN_COMMIT)
		return 0;
	do {
		if (brain->phase == RUN_WORK && jobs_step(brain, err) == -1)
			return -1;
		full = jobs_window_full(brain);
		if (emit_step(brain, room, err) == -1)
			return -1;
		/* What ended made room: nobody else would begin the next. */
	} while (full && brain->phase == RUN_WORK &&
	    !jobs_window_full(brain));
	return 0;
}

bool
brain_wants(const struct brain *brain, enum brain_side s,
    const bool room[static SIDE_COUNT])
{
	return room[!s] || brain->side[s].get_count == 0;
}

bool
brain_ended(const struct brain *brain)
{
	return brain->phase == RUN_END;
}

enum brain_outcome
brain_result(const struct brain *brain)
{
	if (brain->phase != RUN_END)
		return BRAIN_FAILED;
	if (brain->imperfect || (brain->args->dry_run && brain->work))
		return BRAIN_IMPERFECT;
	return BRAIN_PERFECT;
}
