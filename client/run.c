/*
 * run.c - one run: the brain, two links, and the loop between them
 *
 * A turn lets the brain send, reads from each side that the brain wants to
 * hear, and writes what is queued.  Only a turn in which nothing moved waits.
 * Since stores never stop reading because they cannot write, and the brain
 * stops listening to one side while the other one's queue is full, no turn
 * waits for something that waits for us.
 */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "client/run.h"
#include "client/stats.h"
#include "net/poll.h"
#include "net/stream.h"
#include "wire/link.h"

#define TURN_MESSAGES	256U	/* of one side, before the other has its turn */
#define DRAW_MS		200U	/* the progress line moves while we wait */
#define LAST_WORDS_MS	2000U	/* for the reason of a side that hung up */
#define END_MS		30000U	/* for a store to finish after its last word */
#define STOP_MS		5000U	/* for a child to notice that we hung up */

#define AGAIN_TEXT \
    "what was done stays done, and running again completes the rest"

struct run {
	const struct run_args *args;
	struct brain *brain;
	struct link *links[SIDE_COUNT];
	uint64_t heard_ms[SIDE_COUNT];	/* clock_mono_ms of its last byte */
	uint64_t moved_ms;		/* of the last byte anywhere */
	bool moved;			/* something in this turn */
	struct stats stats;
	bool next_user[SIDE_COUNT];	/* may follow on the connection */
	bool side_failed;		/* and said so */
	int reported;			/* status of a store process that has
					   told the error, or 0 */
};

static void
on_send(enum brain_side side, const struct msg *msg, void *arg)
{
	struct run *run = arg;
	const struct endpoint *end = &run->args->ends[side];
	struct msg hello;

	if (msg->kind == MSG_HELLO) {
		hello = *msg;
		/* Between two processes of one host it costs and saves none. */
		if (end->here)
			hello.u.hello.features &= ~(uint64_t)FEATURE_ZSTD;
		if (end->next_user)
			hello.u.hello.features |= FEATURE_NEXT_USER;
		msg = &hello;
	}
	stats_message(&run->stats, side, STATS_SENT, msg->kind);
	link_send(run->links[side], msg);
	if (msg->kind == MSG_BYE && run->next_user[side])
		link_send_user_end(run->links[side]);
}

static void
on_event(const struct brain_event *event, void *arg)
{
	struct run *run = arg;

	report_event(run->args->report, event);
	progress_event(run->args->progress, event, clock_mono_ms());
}

static const char *
side_name(const struct run *run, enum brain_side side)
{
	return run->args->ends[side].name;
}

static void
get_room(const struct run *run, bool room[static SIDE_COUNT])
{
	for (int i = 0; i < SIDE_COUNT; i++)
		room[i] = link_room(run->links[i]);
}

static void
note_move(struct run *run, enum brain_side side)
{
	run->moved = true;
	run->moved_ms = run->heard_ms[side] = clock_mono_ms();
}

/* Give the brain a message; a store's own error is told with its name. */
static int
deliver(struct run *run, enum brain_side side, const struct msg *msg,
    struct err *err)
{
	bool is_error = msg->kind == MSG_ERROR;
	int status;

	stats_message(&run->stats, side, STATS_RECEIVED, msg->kind);
	/* The store answers with what both sides have. */
	if (msg->kind == MSG_WELCOME)
		link_set_compress(run->links[side],
		    (msg->u.welcome.features & FEATURE_ZSTD) != 0);
	if (msg->kind == MSG_WELCOME)
		run->next_user[side] = run->args->ends[side].next_user &&
		    (msg->u.welcome.features & FEATURE_NEXT_USER) != 0;
	if (brain_receive(run->brain, side, msg, err) == 0)
		return 0;
	if (!is_error)
		return -1;
	run->side_failed = true;
	/* It says more than it told us, while it sees us listen. */
	if (run->args->ends[side].kind == ENDPOINT_STORE) {
		status = endpoint_wait(&run->args->ends[side], STOP_MS);
		run->reported = status <= 128 ? status : 0;
	}
	return err_prefix(err, "%s", side_name(run, side));
}

static int
hung_up(struct run *run, enum brain_side side, struct err *err)
{
	struct endpoint *end = &run->args->ends[side];
	int status = endpoint_close(end, STOP_MS);

	if (end->kind == ENDPOINT_SERVER)
		return err_set(err, ERR_TEMP,
		    "%s closed the connection in the middle of the run; "
		    AGAIN_TEXT, end->name);
	if (status > 128)
		return err_set(err, ERR_TEMP,
		    "%s was ended by signal %d in the middle of the run; "
		    AGAIN_TEXT, end->name, status - 128);
	/* A store process that failed before it could speak has said why. */
	if (end->kind == ENDPOINT_STORE)
		run->reported = status;
	return err_set(err, ERR_TEMP,
	    "%s ended in the middle of the run with status %d; " AGAIN_TEXT,
	    end->name, status);
}

/*
 * Read what is there.  Returns 1 after bytes, 0 if there are none, -1 at the
 * end or on failure.
 */
static int
read_bytes(struct run *run, enum brain_side side, struct err *err)
{
	struct stream *stream = run->args->ends[side].stream;
	size_t len;
	void *space = link_space(run->links[side], &len);
	ssize_t n = stream_read(stream, space, len, err);

	if (n == STREAM_WAIT)
		return 0;
	if (n == 0)
		return hung_up(run, side, err);
	if (n == -1) {
		err_prefix(err, "%s", side_name(run, side));
		return -1;
	}
	link_fed(run->links[side], (size_t)n);
	stats_bytes(&run->stats, side, STATS_RECEIVED, (size_t)n);
	note_move(run, side);
	return 1;
}

static int
read_side(struct run *run, enum brain_side side, struct err *err)
{
	bool room[SIDE_COUNT];
	struct msg msg;
	int r;

	for (unsigned int i = 0; i < TURN_MESSAGES; i++) {
		get_room(run, room);
		if (brain_ended(run->brain) ||
		    !brain_wants(run->brain, side, room))
			return 0;
		if ((r = link_next(run->links[side], &msg, err)) == -1) {
			err_prefix(err, "%s", side_name(run, side));
			return -1;
		}
		if (r == 1) {
			run->moved = true;
			if (deliver(run, side, &msg, err) == -1)
				return -1;
		} else if ((r = read_bytes(run, side, err)) <= 0) {
			return r;
		}
	}
	return 0;
}

/*
 * A side takes no more bytes.  If it said why before it hung up, that is the
 * better reason.  Always returns -1.
 */
static int
find_last_words(struct run *run, enum brain_side side, struct err *err)
{
	uint64_t deadline = clock_mono_ms() + LAST_WORDS_MS;
	struct err unused = ERR_INIT;
	struct poll_set set;
	struct msg msg;
	int r;

	while (clock_mono_ms() < deadline) {
		while ((r = link_next(run->links[side], &msg, &unused)) == 1) {
			if (msg.kind != MSG_ERROR)
				continue;
			*err = (struct err)ERR_INIT;
			return deliver(run, side, &msg, err);
		}
		if (r == -1)
			break;
		if ((r = read_bytes(run, side, &unused)) == -1) {
			/* An alert, or how a process ended. */
			*err = unused;
			break;
		}
		if (r == 1)
			continue;
		poll_set_init(&set, deadline);
		poll_set_stream(&set, run->args->ends[side].stream,
		    STREAM_READ);
		if (poll_set_wait(&set, &unused) != 1)
			break;
	}
	return -1;
}

static int
write_side(struct run *run, enum brain_side side, struct err *err)
{
	struct stream *stream = run->args->ends[side].stream;
	struct link *link = run->links[side];
	const void *data;
	size_t len;
	ssize_t n;

	while ((data = link_out(link, &len)) != NULL && len > 0) {
		if ((n = stream_write(stream, data, len, err)) == STREAM_WAIT)
			return 0;
		if (n == -1) {
			err_prefix(err, "%s", side_name(run, side));
			return find_last_words(run, side, err);
		}
		link_sent(link, (size_t)n);
		stats_bytes(&run->stats, side, STATS_SENT, (size_t)n);
		run->moved = true;
		run->moved_ms = clock_mono_ms();
	}
	return 0;
}

static bool
has_output(const struct run *run, enum brain_side side)
{
	size_t len;

	return link_out(run->links[side], &len) != NULL && len > 0;
}

/* When will it be too late?  Sets *side_r to who is late then, or -1: all. */
static uint64_t
next_deadline(const struct run *run, int *side_r)
{
	uint64_t deadline = run->moved_ms +
	    1000ULL * run->args->quiet_timeout;
	bool room[SIDE_COUNT];

	*side_r = -1;
	get_room(run, room);
	for (int i = 0; i < SIDE_COUNT; i++) {
		uint64_t t = run->heard_ms[i] +
		    1000ULL * run->args->idle_timeout;

		/* Whom we do not listen to cannot be late. */
		if (!link_partial(run->links[i]) ||
		    !brain_wants(run->brain, (enum brain_side)i, room))
			continue;
		if (t < deadline) {
			deadline = t;
			*side_r = i;
		}
	}
	return deadline;
}

static int
too_late(struct run *run, int side, struct err *err)
{
	if (side != -1)
		return err_set(err, ERR_TEMP,
		    "%s stopped in the middle of a message and was silent for "
		    "%u s; " AGAIN_TEXT,
		    side_name(run, (enum brain_side)side),
		    run->args->idle_timeout);
	return err_set(err, ERR_TEMP,
	    "neither %s nor %s sent or took a byte for %u s; " AGAIN_TEXT,
	    side_name(run, SIDE_A), side_name(run, SIDE_B),
	    run->args->quiet_timeout);
}

static int
wait_for_bytes(struct run *run, struct err *err)
{
	bool room[SIDE_COUNT];
	struct poll_set set;
	uint64_t deadline, now = clock_mono_ms();
	int late;

	deadline = next_deadline(run, &late);
	if (now >= deadline)
		return too_late(run, late, err);
	get_room(run, room);
	poll_set_init(&set, deadline);
	for (int i = 0; i < SIDE_COUNT; i++) {
		enum brain_side side = (enum brain_side)i;
		unsigned int want = 0;

		if (!brain_ended(run->brain) &&
		    brain_wants(run->brain, side, room))
			want |= STREAM_READ;
		else
			run->heard_ms[i] = now;	/* its silence is ours */
		if (has_output(run, side))
			want |= STREAM_WRITE;
		if (want != 0)
			poll_set_stream(&set, run->args->ends[i].stream, want);
	}
	if (run->args->progress->out != NULL)
		poll_set_deadline(&set, now + DRAW_MS);
	return poll_set_wait(&set, err) == -1 ? -1 : 0;
}

/* One turn.  Returns 1 when the run is over, 0, or -1. */
static int
turn(struct run *run, struct err *err)
{
	bool room[SIDE_COUNT];

	if (poll_signal_take(SIGINT) || poll_signal_take(SIGTERM))
		return err_set(err, ERR_REFUSED, "interrupted; " AGAIN_TEXT);
	run->moved = false;
	get_room(run, room);
	if (!brain_ended(run->brain) &&
	    brain_step(run->brain, room, err) == -1)
		return -1;
	for (int i = 0; i < SIDE_COUNT; i++) {
		if (read_side(run, (enum brain_side)i, err) == -1)
			return -1;
	}
	for (int i = 0; i < SIDE_COUNT; i++) {
		if (write_side(run, (enum brain_side)i, err) == -1)
			return -1;
	}
	if (brain_ended(run->brain) && !has_output(run, SIDE_A) &&
	    !has_output(run, SIDE_B))
		return 1;
	progress_tick(run->args->progress, clock_mono_ms());
	return run->moved ? 0 : wait_for_bytes(run, err);
}

/* The run ended well: take leave of both. */
static int
end_well(struct run *run, struct err *err)
{
	struct err unused = ERR_INIT;
	int status, ret = 0;

	/* Both have committed: a connection that breaks now changes nothing. */
	for (int i = 0; i < SIDE_COUNT; i++)
		(void)stream_shutdown(run->args->ends[i].stream, &unused);
	for (int i = 0; i < SIDE_COUNT; i++) {
		struct endpoint *end = &run->args->ends[i];

		status = endpoint_close(end, END_MS);
		if (status != 0 && end->kind == ENDPOINT_STORE)
			ret = err_set(err, ERR_TEMP,
			    "%s: its process ended with status %d after the "
			    "run", end->name, status);
	}
	return ret;
}

/*
 * The run is refused by us: a side with a log of its own is told why it ended.
 * What went wrong on one side is nothing the other may know.
 */
static void
give_up(struct run *run, const struct err *why)
{
	uint64_t deadline = clock_mono_ms() + LAST_WORDS_MS;
	struct msg msg = { .kind = MSG_ERROR };
	struct err unused = ERR_INIT;
	const void *data;
	size_t len;

	if (why->code != ERR_REFUSED || run->side_failed)
		return;
	msg.u.error.code = why->code;
	msg.u.error.text = why->msg;
	for (int i = 0; i < SIDE_COUNT; i++) {
		struct stream *stream = run->args->ends[i].stream;

		if (run->args->ends[i].kind == ENDPOINT_STORE)
			continue;
		on_send((enum brain_side)i, &msg, run);
		while ((data = link_out(run->links[i], &len)) != NULL &&
		    len > 0 && stream_write_full(stream, data, len, deadline,
		    &unused) == 0)
			link_sent(run->links[i], len);
		(void)stream_shutdown(stream, &unused);
	}
}

static int
drive(struct run *run, struct err *err)
{
	int r;

	if (poll_signal(SIGINT, err) == -1 || poll_signal(SIGTERM, err) == -1)
		return -1;
	brain_start(run->brain);
	while ((r = turn(run, err)) == 0)
		;
	if (r == 1)
		return end_well(run, err);
	give_up(run, err);
	return -1;
}

int
run_drive(const struct run_args *args, struct run_result *result_r,
    struct err *err)
{
	struct run run = { .args = args };
	int ret;

	stats_init(&run.stats);
	run.moved_ms = clock_mono_ms();
	for (int i = 0; i < SIDE_COUNT; i++) {
		run.links[i] = link_new();
		run.heard_ms[i] = run.moved_ms;
	}
	run.brain = brain_new(args->brain, on_send, on_event, &run);
	ret = drive(&run, err);
	progress_clear(args->progress);
	stats_log(&run.stats);
	result_r->outcome = ret == 0 ? brain_result(run.brain) : BRAIN_FAILED;
	result_r->reported = run.reported;
	for (int i = 0; i < SIDE_COUNT; i++)
		(void)endpoint_close(&args->ends[i], STOP_MS);
	brain_free(&run.brain);
	for (int i = 0; i < SIDE_COUNT; i++)
		link_free(&run.links[i]);
	return ret;
}
