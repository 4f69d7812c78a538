/*
 * One run.  In each turn the two sessions, the brain and the bytes between
 * them are served in a random order and as far as chance wants, so that
 * messages of both sides meet in every way that a network could make them.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "model/mail_location.h"
#include "model/mailbox_name.h"
#include "session/session.h"
#include "sim.h"
#include "wire/link.h"

#define TURNS_IDLE_MAX	200U	/* turns in which nothing moves: a deadlock */
#define TURNS_MAX	200000U

struct wire {
	struct sim *sim;
	struct sim_run *run;
	struct rng rng;
	struct brain *brain;
	struct session *session[2];
	struct link *near[2], *far[2];	/* the brain's end, the session's */
	bool dead[2];			/* the session is over */
	bool cut, moved, brain_failed;
	bool said;			/* the brain, in this step */
	struct err err;
};

static struct sim *playing;
static unsigned int current;		/* the site that is at work */
static struct store_driver sim_driver;

struct sim_site *
sim_current(void)
{
	return &playing->site[current];
}

static int
open_failing(struct store **store_r, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	struct sim_site *site = sim_current();

	if (store_driver_memory.open(store_r, loc, opts, err) == -1)
		return -1;
	failing_store_wrap(store_r, &site->plan);
	return 0;
}

/* The wrapper's functions under an own open. */
static void
make_driver(struct sim *sim)
{
	static struct failing_plan unused;
	struct store_options options = { .readonly = true };
	struct mail_location loc = { .driver = NULL };
	struct err err = ERR_INIT;
	struct store *store;

	if (sim_driver.name != NULL)
		return;
	loc.path = (char *)(uintptr_t)sim->site[0].path;
	if (store_driver_memory.open(&store, &loc, &options, &err) == -1)
		mem_fatal(err.msg);
	failing_store_wrap(&store, &unused);
	sim_driver = *store->driver;
	store->driver->close(&store);
	sim_driver.open = open_failing;
	sim_driver.name = store_driver_memory.name;
}

static void
set_clock(const struct sim *sim, unsigned int s)
{
	current = sim->pair[s];
	clock_set((uint64_t)((int64_t)sim->clock +
	    sim_current()->clock_off));
}

static void
trace_marks(const struct wire *wire, const struct guid128 *marks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sim_say(wire->sim, "              mark %02x%02x%02x%02x",
		    marks[i].b[0], marks[i].b[1], marks[i].b[2],
		    marks[i].b[3]);
}

/* With -t each message is told. */
static void
trace(const struct wire *wire, char from, char to, const struct msg *msg)
{
	if (!wire->sim->verbose || !sim_trace)
		return;
	switch (msg->kind) {
	case MSG_MESSAGE:
		sim_say(wire->sim, "          %c>%c MESSAGE UID %u GUID %s%s%s",
		    from, to, (unsigned int)msg->u.message.uid,
		    msg->u.message.guid, msg->u.message.is_new ? " new" : "",
		    msg->u.message.moved ? " moved" : "");
		trace_marks(wire, msg->u.message.marks,
		    msg->u.message.mark_count);
		break;
	case MSG_LIST:
		sim_say(wire->sim, "          %c>%c LIST", from, to);
		trace_marks(wire, msg->u.list.marks, msg->u.list.mark_count);
		break;
	case MSG_PENDING:
		sim_say(wire->sim, "          %c>%c PENDING UID %u %s", from, to,
		    (unsigned int)msg->u.pending.uid, msg->u.pending.text);
		trace_marks(wire, &msg->u.pending.mark, 1);
		break;
	case MSG_OP_FLAGS:
		sim_say(wire->sim, "          %c>%c OP_FLAGS UID %u", from, to,
		    (unsigned int)msg->u.op_flags.uid);
		trace_marks(wire, msg->u.op_flags.marks,
		    msg->u.op_flags.mark_count);
		break;
	case MSG_OP_SET_UID:
		sim_say(wire->sim, "          %c>%c OP_SET_UID %u to %u", from,
		    to, (unsigned int)msg->u.op_set_uid.uid,
		    (unsigned int)msg->u.op_set_uid.new_uid);
		trace_marks(wire, &msg->u.op_set_uid.mark, 1);
		break;
	case MSG_OP_MODSEQ:
		sim_say(wire->sim, "          %c>%c OP_MODSEQ %u to %llu", from,
		    to, (unsigned int)msg->u.op_modseq.uid,
		    (unsigned long long)msg->u.op_modseq.modseq);
		trace_marks(wire, &msg->u.op_modseq.mark, 1);
		break;
	case MSG_RESULT:
		sim_say(wire->sim, "          %c>%c RESULT op %u status %d UID %u "
		    "modseq %llu %s", from, to, (unsigned int)msg->u.result.op,
		    (int)msg->u.result.status,
		    (unsigned int)msg->u.result.uid,
		    (unsigned long long)msg->u.result.modseq,
		    msg->u.result.text);
		break;
	case MSG_GONE:
		sim_say(wire->sim, "          %c>%c GONE UID %u", from, to,
		    (unsigned int)msg->u.gone.uid);
		break;
	case MSG_MAILBOX:
		sim_say(wire->sim, "          %c>%c MAILBOX %s UIDNEXT %u "
		    "HIGHESTMODSEQ %llu stamps %llu %llu %llu aliases %zu%s",
		    from, to, msg->u.mailbox.name,
		    (unsigned int)msg->u.mailbox.uidnext,
		    (unsigned long long)msg->u.mailbox.highestmodseq,
		    (unsigned long long)msg->u.mailbox.exist_stamp,
		    (unsigned long long)msg->u.mailbox.parent_stamp,
		    (unsigned long long)msg->u.mailbox.last_stamp,
		    msg->u.mailbox.alias_count,
		    msg->u.mailbox.is_new ? " new" : "");
		break;
	case MSG_OP_MAILBOX:
		sim_say(wire->sim, "          %c>%c OP_MAILBOX %s UIDVALIDITY %u "
		    "UIDNEXT %u HIGHESTMODSEQ %llu", from, to,
		    msg->u.op_mailbox.box.name,
		    (unsigned int)msg->u.op_mailbox.box.uidvalidity,
		    (unsigned int)msg->u.op_mailbox.box.uidnext,
		    (unsigned long long)msg->u.op_mailbox.box.highestmodseq);
		break;
	case MSG_ATTRIBUTE:
	case MSG_OP_ATTRIBUTE: {
		const struct msg_attribute *a = msg->kind == MSG_ATTRIBUTE ?
		    &msg->u.attribute : &msg->u.op_attribute.a;

		sim_say(wire->sim, "          %c>%c %s %s \"%.*s\" stamp %llu",
		    from, to, msg_kind_name(msg->kind), a->key, (int)a->len,
		    a->value != NULL ? (const char *)a->value : "",
		    (unsigned long long)a->stamp);
		break;
	}
	case MSG_SUBSCRIPTION:
		sim_say(wire->sim, "          %c>%c SUBSCRIPTION %s %d stamp %llu",
		    from, to, msg->u.subscription.name,
		    msg->u.subscription.on,
		    (unsigned long long)msg->u.subscription.stamp);
		break;
	default:
		sim_say(wire->sim, "          %c>%c %s", from, to,
		    msg_kind_name(msg->kind));
		break;
	}
}

static bool
is_subscribed(const struct memory_world *world, const char *name)
{
	for (size_t i = 0; i < world->subscriptions.n; i++)
		if (strcmp(world->subscriptions.v[i], name) == 0)
			return true;
	return false;
}

static bool
changes_attribute(const struct memory_world *world,
    const struct msg_attribute *a)
{
	for (size_t i = 0; i < world->attributes.n; i++) {
		const struct memory_attribute *m = &world->attributes.v[i];

		if (guid_eq(&m->mailbox, &a->mailbox) &&
		    strcmp(m->key, a->key) == 0)
			return a->value == NULL ||
			    strlen(m->value) != a->len ||
			    memcmp(m->value, a->value, a->len) != 0;
	}
	return a->value != NULL;
}

/* Stamps, aliases and a UIDNEXT that is raised blindly do not count. */
static bool
is_operation(const struct memory_world *world, const struct msg *msg)
{
	const struct msg_op_mailbox *m = &msg->u.op_mailbox;

	if (msg->kind == MSG_OP_SUBSCRIBE)
		return msg->u.op_subscribe.sub.on !=
		    is_subscribed(world, msg->u.op_subscribe.sub.name);
	if (msg->kind == MSG_OP_ATTRIBUTE)
		return changes_attribute(world, &msg->u.op_attribute.a);
	if (msg->kind == MSG_OP_MAILBOX && !m->create &&
	    m->box.uidvalidity == 0 && guid_is_zero(&m->new_guid))
		return false;
	return msg->kind >= MSG_OP_MAILBOX &&
	    msg->kind <= MSG_OP_ATTRIBUTE;
}

static void
brain_send(enum brain_side side, const struct msg *msg, void *arg)
{
	struct wire *wire = arg;
	struct msg hello = *msg;

	wire->said = true;
	wire->run->operations += is_operation(sim_at(wire->sim, side)->world,
	    msg);
	wire->run->bodies += msg->kind == MSG_OP_SAVE;
	wire->run->questions += msg->kind == MSG_LIST || msg->kind == MSG_HAVE;
	wire->run->reads += (msg->kind == MSG_LIST && msg->u.list.digests) ||
	    (msg->kind == MSG_HAVE && msg->u.have.digests != NULL);
	if (msg->kind == MSG_HELLO)
		hello.u.hello.features &= ~(uint64_t)FEATURE_ZSTD;
	link_send(wire->near[side], &hello);
}

static void
brain_event(const struct brain_event *event, void *arg)
{
	struct wire *wire = arg;
	const struct brain_account *acc = event->account;

	if (event->text != NULL)
		sim_say(wire->sim, "        %s%s%s%s", event->text,
		    event->rule != NULL ? " [" : "",
		    event->rule != NULL ? event->rule : "",
		    event->rule != NULL ? "]" : "");
	if (event->kind == EVENT_ACTION && wire->run->plan != NULL)
		sim_plan_add(wire->run->plan, event->text);
	/* B3: that destination gives its UIDs anew. */
	if (event->kind == EVENT_DECISION && strcmp(event->rule, "B3") == 0 &&
	    !wire->run->dry_run)
		sim_at(wire->sim, event->side)->uids.n = 0;
	if (event->kind == EVENT_MAILBOX && acc->seen != acc->equal +
	    acc->copied + acc->skipped + acc->failed)
		(void)sim_fail(wire->sim, "account of %s: seen %llu, equal "
		    "%llu, copied %llu, skipped %llu, failed %llu (P10)",
		    acc->name, (unsigned long long)acc->seen,
		    (unsigned long long)acc->equal,
		    (unsigned long long)acc->copied,
		    (unsigned long long)acc->skipped,
		    (unsigned long long)acc->failed);
}

static void
session_sends(const struct msg *msg, void *arg)
{
	link_send(arg, msg);
}

static bool
session_room(void *arg)
{
	return link_room(arg);
}

/* Move some of the bytes that wait at one end to the other. */
static void
move_bytes(struct wire *wire, struct link *from, struct link *to)
{
	size_t len, room;
	const void *data = link_out(from, &len);
	void *space;

	if (len == 0)
		return;
	space = link_space(to, &room);
	if (len > room)
		len = room;
	if (len > 1 && rng_below(&wire->rng, 8) == 0)
		len = 1 + rng_below(&wire->rng, (uint32_t)len - 1);
	if (len == 0)
		return;
	memcpy(space, data, len);
	link_fed(to, len);
	link_sent(from, len);
	wire->moved = true;
}

static void
count_message(struct wire *wire)
{
	wire->moved = true;
	wire->run->messages++;
	if (wire->run->cut_at != 0 && wire->run->messages >= wire->run->cut_at)
		wire->cut = true;
}

static void
session_hears(struct wire *wire, unsigned int s)
{
	struct err err = ERR_INIT;
	struct msg msg;
	int r;

	if (wire->dead[s] || session_ended(wire->session[s]))
		return;
	set_clock(wire->sim, s);
	if ((r = link_next(wire->far[s], &msg, &err)) == 0)
		return;
	if (r == -1) {
		(void)sim_fail(wire->sim, "message to %c: %s", 'A' + (int)s,
		    err.msg);
		wire->dead[s] = true;
		return;
	}
	count_message(wire);
	trace(wire, '*', (char)('A' + s), &msg);
	if (session_receive(wire->session[s], &msg, &err) == -1) {
		sim_say(wire->sim, "        session %c: %s", 'A' + (int)s,
		    err.msg);
		if (err.code == ERR_PROTO)
			(void)sim_fail(wire->sim, "session %c: %s",
			    'A' + (int)s, err.msg);
		wire->dead[s] = true;
	}
}

static void
session_works(struct wire *wire, unsigned int s)
{
	struct err err = ERR_INIT;
	int r;

	if (wire->dead[s] || session_ended(wire->session[s]) ||
	    !link_room(wire->far[s]))
		return;
	set_clock(wire->sim, s);
	r = session_step(wire->session[s], session_room, wire->far[s], &err);
	if (r == 1)
		wire->moved = true;
	if (r == 0 && s == 1 && session_is_untidy(wire->session[s]))
		session_tidy(wire->session[s]);
	if (r == -1) {
		sim_say(wire->sim, "        session %c: %s", 'A' + (int)s,
		    err.msg);
		wire->dead[s] = true;
	}
}

static void
get_room(const struct wire *wire, bool room[static 2])
{
	for (unsigned int s = 0; s < 2; s++)
		room[s] = link_room(wire->near[s]);
}

static void
brain_hears(struct wire *wire, unsigned int s)
{
	bool room[2];
	struct msg msg;
	size_t left;
	int r;

	get_room(wire, room);
	if (wire->brain_failed || brain_ended(wire->brain) ||
	    !brain_wants(wire->brain, (enum brain_side)s, room))
		return;
	if ((r = link_next(wire->near[s], &msg, &wire->err)) == 0) {
		(void)link_out(wire->far[s], &left);
		/* It hung up in the middle of the run. */
		if (wire->dead[s] && left == 0)
			wire->brain_failed = true;
		return;
	}
	if (r == -1) {
		(void)sim_fail(wire->sim, "message from %c: %s", 'A' + (int)s,
		    wire->err.msg);
		wire->brain_failed = true;
		return;
	}
	count_message(wire);
	trace(wire, (char)('A' + s), '*', &msg);
	if (wire->run->plan != NULL)
		sim_plan_heard(wire->run->plan, s, &msg);
	if (brain_receive(wire->brain, (enum brain_side)s, &msg,
	    &wire->err) == -1) {
		sim_say(wire->sim, "        run: %s", wire->err.msg);
		wire->brain_failed = true;
		if (wire->err.code == ERR_PROTO)
			(void)sim_fail(wire->sim, "run: %s", wire->err.msg);
	}
}

static void
brain_works(struct wire *wire)
{
	bool room[2];

	if (wire->brain_failed || brain_ended(wire->brain))
		return;
	get_room(wire, room);
	/* Who has nothing to say waits for bytes, and is not asked again. */
	for (int step = 0; step < 2; step++) {
		wire->said = false;
		if (brain_step(wire->brain, room, &wire->err) == -1) {
			sim_say(wire->sim, "        run: %s", wire->err.msg);
			wire->brain_failed = true;
			return;
		}
		if (step == 1 && wire->said)
			(void)sim_fail(wire->sim, "the brain waits and has "
			    "something to say");
		if (wire->said || brain_ended(wire->brain))
			return;
	}
}

static void
one_action(struct wire *wire, unsigned int action)
{
	unsigned int s = action & 1;

	switch (action >> 1) {
	case 0:
		move_bytes(wire, wire->near[s], wire->far[s]);
		break;
	case 1:
		session_hears(wire, s);
		break;
	case 2:
		session_works(wire, s);
		break;
	case 3:
		move_bytes(wire, wire->far[s], wire->near[s]);
		break;
	case 4:
		brain_hears(wire, s);
		break;
	default:
		brain_works(wire);
		break;
	}
}

static void
turn(struct wire *wire)
{
	wire->moved = false;
	for (unsigned int i = 0; i < 24 && !wire->cut; i++)
		one_action(wire, rng_below(&wire->rng, 11));
	/* Nobody is forgotten. */
	for (unsigned int i = 0; i < 11 && !wire->cut && !wire->moved; i++)
		one_action(wire, i);
	if (wire->run->busy > 0 && rng_below(&wire->rng, 4) == 0) {
		wire->run->busy--;
		clock_set(wire->sim->clock);
		sim_client_random(wire->sim, &wire->rng);
	}
}

/* What was on its way when the link ended may still arrive. */
static void
deliver_rest(struct wire *wire)
{
	unsigned long messages;
	size_t len;

	for (unsigned int s = 0; s < 2; s++) {
		if (rng_below(&wire->rng, 2) == 0)
			continue;
		do {
			messages = wire->run->messages;
			move_bytes(wire, wire->near[s], wire->far[s]);
			session_hears(wire, s);
			session_works(wire, s);
			(void)link_out(wire->near[s], &len);
		} while (wire->run->messages > messages && !wire->dead[s]);
	}
}

/* The last word of the brain has to arrive too. */
static bool
all_said(const struct wire *wire)
{
	size_t len;

	for (unsigned int s = 0; s < 2; s++) {
		(void)link_out(wire->near[s], &len);
		if (!wire->dead[s] && !session_ended(wire->session[s]))
			return false;
	}
	return true;
}

static void
go(struct wire *wire)
{
	unsigned int idle = 0;

	for (unsigned int n = 0; n < TURNS_MAX; n++) {
		turn(wire);
		if (wire->cut || wire->brain_failed)
			break;
		if (brain_ended(wire->brain) && all_said(wire))
			break;
		idle = wire->moved ? 0 : idle + 1;
		if (idle > TURNS_IDLE_MAX) {
			(void)sim_fail(wire->sim, "the run hangs");
			return;
		}
		if (n + 1 == TURNS_MAX)
			(void)sim_fail(wire->sim, "the run does not end");
	}
	if (wire->cut && !brain_ended(wire->brain))
		deliver_rest(wire);
}

static void
fill_args(const struct sim *sim, struct sim_run *run, struct brain_args *args)
{
	static const char *const labels[SIM_SITES_MAX] = { "a", "b", "c" };

	*args = (struct brain_args){
		.mode = run->mode, .reverse = run->reverse,
		.full = run->full, .dry_run = run->dry_run,
		.force_delete = !run->guarded, .max_delete_percent = 50,
		.max_delete_min = run->max_delete, .clock_skew_max = 86400 * 1000,
		.software = "simulate",
		.label = { labels[sim->pair[1]], labels[sim->pair[0]] },
		.now_ms = clock_now_ms(),
		/* Pages of one to three messages, or one page for all. */
		.page = run->page > 0 ? run->page : run->seed % 4,
		.told_max = run->told_max,
	};
	args->run = guid_random();
	if (run->filter != NULL) {
		args->names = &run->filter;
		args->name_count = 1;
	}
	if (run->mask != NULL) {
		args->masks = &run->mask;
		args->mask_count = 1;
	}
}

/* Each run has the same four, whose buffers are large. */
static struct link *links[4];

static struct link *
fresh_link(unsigned int i)
{
	if (links[i] == NULL)
		links[i] = link_new();
	else
		link_reset(links[i]);
	return links[i];
}

void
sim_links_free(void)
{
	for (size_t i = 0; i < nitems(links); i++)
		link_free(&links[i]);
}

/* Sets *stale_r if nothing was done and the run may be begun again. */
static bool
run_once(struct sim *sim, struct sim_run *run, bool *stale_r)
{
	struct wire wire = { .sim = sim, .run = run,
	    .rng = { run->seed * 0x9e3779b97f4a7c15ULL + 99 } };
	struct mail_location loc[2] = { { 0 }, { 0 } };
	struct session_args sargs;
	struct brain_args args;
	bool busy = run->busy > 0;

	if (run->mode != BRAIN_MIRROR || run->filter != NULL ||
	    run->mask != NULL || run->append[0] || run->append[1])
		sim->model.off = !run->dry_run || sim->model.off;
	playing = sim;
	make_driver(sim);
	clock_set(sim->clock);
	fill_args(sim, run, &args);
	wire.brain = brain_new(&args, brain_send, brain_event, &wire);
	for (unsigned int s = 0; s < 2; s++) {
		struct sim_site *site = &sim->site[sim->pair[s]];

		loc[s].driver = (char *)(uintptr_t)"memory";
		loc[s].path = (char *)(uintptr_t)site->path;
		site->plan = (struct failing_plan){ 0 };
		if (run->fail_at != 0 && run->fail_side == s) {
			site->plan.fail_at = run->fail_at;
			site->plan.errnum = run->fail_errno;
		}
		wire.near[s] = fresh_link(2 * s);
		wire.far[s] = fresh_link(2 * s + 1);
		sargs = (struct session_args){
			.location = &loc[s], .options = { .alt_char = '_' },
			.state_dir = site->log_files ? sim_state_dir() : NULL,
			.access = run->append[s] ? ACCESS_APPEND :
			    ACCESS_READ_WRITE, .software = "simulate",
			.debug_stamps = true, .driver = &sim_driver,
		};
		wire.session[s] = session_new(&sargs, session_sends,
		    wire.far[s]);
	}
	if (!run->dry_run) {
		sim_model_before(sim);
		if (sim->attributes.on)
			sim_attributes_before(sim);
	}
	brain_start(wire.brain);
	go(&wire);
	run->ended = brain_ended(wire.brain);
	run->outcome = brain_result(wire.brain);
	run->refused = wire.brain_failed && wire.err.code == ERR_REFUSED;
	(void)snprintf(run->why, sizeof(run->why), "%s", run->ended ? "" :
	    wire.err.msg);
	*stale_r = !run->ended && wire.err.code == ERR_STALE;
	for (unsigned int s = 0; s < 2; s++) {
		set_clock(sim, s);
		run->steps[s] = sim_current()->plan.count;
		session_free(&wire.session[s]);
	}
	brain_free(&wire.brain);
	clock_set(sim->clock);
	sim->model.failing = run->fail_at != 0;
	if (!run->dry_run)
		sim_model_after(sim, run->ended, run->ended && run->outcome ==
		    BRAIN_PERFECT && !busy);
	if (!run->dry_run && sim->attributes.on)
		sim_attributes_after(sim, run, busy);
	if (run->ended && !run->dry_run && run->filter == NULL &&
	    run->mask == NULL)
		sim_note_known(sim);
	sim->runs++;
	sim->messages += run->messages;
	sim_say(sim, "    run %s: outcome %d, %lu messages, %lu operations",
	    run->ended ? "ended" : "failed", (int)run->outcome, run->messages,
	    run->operations);
	return !sim->failed;
}

bool
sim_run(struct sim *sim, struct sim_run *run)
{
	bool stale = false, ok = run_once(sim, run, &stale);

	/* As the client does. */
	if (ok && stale)
		ok = run_once(sim, run, &stale);
	return ok;
}
