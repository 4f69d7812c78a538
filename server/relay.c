#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/poll.h"
#include "net/stream.h"
#include "server/relay.h"
#include "wire/frame.h"

/* One direction.  data[start .. start + len) waits to be written. */
struct buffer {
	uint8_t *data;
	size_t start, len;
};

struct relay {
	struct stream *peer, *store;
	const struct relay_limits *limits;
	struct relay_stats *stats;
	struct relay_input *input;
	struct buffer in, out;		/* from the peer, to the peer */
	bool peer_ended, store_ended;	/* their data */
	bool user_ended;		/* by a frame; then peer_ended, too */
	bool store_told;		/* that the peer has ended */
	bool store_deaf;		/* it takes no more */

	/* The frame that the peer is sending. */
	struct frame_meter meter;
	uint64_t frame_due_ms;

	/* Since when the peer takes what we send, and how much it took. */
	uint64_t out_since_ms, out_moved;
	uint64_t in_ms, out_ms, any_ms;	/* of the last byte */
};

static void
set_frame_due(struct relay *r, uint64_t now)
{
	r->frame_due_ms = now + r->limits->idle_s * 1000ULL +
	    r->meter.left * 1000 / r->limits->min_rate;
}

/*
 * Follow frames through bytes that arrived behind those in r->in.  What is
 * behind the end of the user is not for this store.
 */
static int
take_in(struct relay *r, const uint8_t *data, size_t len, struct err *err)
{
	bool at_header;
	size_t used = 0;
	ssize_t n;

	while (used < len && !r->user_ended) {
		if (!frame_meter_inside(&r->meter))
			set_frame_due(r, r->in_ms);
		at_header = r->meter.left == 0;
		n = frame_meter_take(&r->meter, data + used, len - used, err);
		if (n == -1)
			return -1;
		used += (size_t)n;
		if (at_header && r->meter.left > 0)
			set_frame_due(r, r->in_ms);
		r->user_ended = frame_meter_user_ended(&r->meter);
	}
	r->in.len += used;
	if (!r->user_ended)
		return 0;
	r->peer_ended = true;
	r->input->len = len - used;
	memcpy(r->input->data, data + used, len - used);
	return 0;
}

static size_t
buffer_room(struct buffer *buffer)
{
	if (buffer->len == 0)
		buffer->start = 0;
	if (buffer->start > RELAY_BUFFER / 2) {
		memmove(buffer->data, buffer->data + buffer->start,
		    buffer->len);
		buffer->start = 0;
	}
	return RELAY_BUFFER - buffer->start - buffer->len;
}

static int
read_peer(struct relay *r, bool *moved, struct err *err)
{
	size_t room = buffer_room(&r->in);
	uint8_t *end = r->in.data + r->in.start + r->in.len;
	ssize_t n;

	if (r->peer_ended || room == 0)
		return 0;
	n = stream_read(r->peer, end, room, err);
	if (n == -1)
		return -1;
	if (n == STREAM_WAIT)
		return 0;
	*moved = true;
	if (n == 0) {
		r->peer_ended = true;
		return frame_meter_inside(&r->meter) ? err_set(err, ERR_PROTO,
		    "the peer ended inside a frame") : 0;
	}
	r->in_ms = clock_mono_ms();
	r->stats->in += (uint64_t)n;
	return take_in(r, end, (size_t)n, err);
}

/* A store that ended takes nothing more: what it wrote still goes out. */
static void
write_store(struct relay *r, bool *moved)
{
	struct err err = ERR_INIT;
	ssize_t n;

	if (r->store_deaf)
		r->in.len = 0;
	if (r->in.len > 0) {
		n = stream_write(r->store, r->in.data + r->in.start, r->in.len,
		    &err);
		if (n == -1)
			r->store_deaf = true;
		if (n > 0) {
			r->in.start += (size_t)n;
			r->in.len -= (size_t)n;
		}
		if (n != STREAM_WAIT)
			*moved = true;
	}
	if (r->in.len == 0 && r->peer_ended && !r->store_told) {
		r->store_told = true;
		(void)stream_shutdown(r->store, &err);
	}
}

static int
read_store(struct relay *r, bool *moved, struct err *err)
{
	size_t room = buffer_room(&r->out);
	ssize_t n;

	if (r->store_ended || room == 0)
		return 0;
	n = stream_read(r->store, r->out.data + r->out.start + r->out.len,
	    room, err);
	if (n == -1)
		return -1;
	if (n == STREAM_WAIT)
		return 0;
	*moved = true;
	if (n == 0) {
		r->store_ended = true;
		return 0;
	}
	if (r->out.len == 0) {
		r->out_since_ms = r->out_ms = clock_mono_ms();
		r->out_moved = 0;
	}
	r->out.len += (size_t)n;
	return 0;
}

static int
write_peer(struct relay *r, bool *moved, struct err *err)
{
	ssize_t n;

	if (r->out.len == 0)
		return 0;
	n = stream_write(r->peer, r->out.data + r->out.start, r->out.len,
	    err);
	if (n == -1)
		return -1;
	if (n == STREAM_WAIT)
		return 0;
	r->out.start += (size_t)n;
	r->out.len -= (size_t)n;
	r->out_moved += (uint64_t)n;
	r->stats->out += (uint64_t)n;
	r->out_ms = clock_mono_ms();
	*moved = true;
	return 0;
}

/* When the peer has to have done something; and what is wrong if not. */
static uint64_t
deadline(const struct relay *r, const char **what_r)
{
	const uint64_t idle = r->limits->idle_s * 1000ULL;
	uint64_t due = r->any_ms + r->limits->quiet_s * 1000ULL, t;

	*what_r = "nothing happens";
	/* We wait for the peer only while we have room for its bytes. */
	if (frame_meter_inside(&r->meter) && !r->peer_ended && r->in.len == 0) {
		t = r->in_ms + idle;
		if (t > r->frame_due_ms)
			t = r->frame_due_ms;
		if (t < due) {
			due = t;
			*what_r = "the peer stalls inside a frame";
		}
	}
	if (r->out.len > 0) {
		t = r->out_ms + idle;
		if (t > r->out_since_ms + idle +
		    r->out_moved * 1000 / r->limits->min_rate)
			t = r->out_since_ms + idle +
			    r->out_moved * 1000 / r->limits->min_rate;
		if (t < due) {
			due = t;
			*what_r = "the peer does not read";
		}
	}
	return due;
}

static int
wait_more(struct relay *r, struct err *err)
{
	const char *what;
	struct poll_set set;
	unsigned int want;
	uint64_t due = deadline(r, &what);

	/* While the store was slow the peer's frame was not late. */
	if (r->in.len > 0 && frame_meter_inside(&r->meter))
		set_frame_due(r, clock_mono_ms());
	poll_set_init(&set, due);
	want = !r->peer_ended && buffer_room(&r->in) > 0 ? STREAM_READ : 0;
	if (r->out.len > 0)
		want |= STREAM_WRITE;
	poll_set_stream(&set, r->peer, want);
	want = !r->store_ended && buffer_room(&r->out) > 0 ? STREAM_READ : 0;
	if (r->in.len > 0 && !r->store_deaf)
		want |= STREAM_WRITE;
	poll_set_stream(&set, r->store, want);
	if (poll_set_wait(&set, err) == -1)
		return -1;
	if (clock_mono_ms() >= due)
		return err_set(err, ERR_TEMP, "%s", what);
	return 0;
}

static int
relay_loop(struct relay *r, struct err *err)
{
	bool moved;

	while (!r->store_ended || r->out.len > 0) {
		moved = false;
		if (write_peer(r, &moved, err) == -1 ||
		    read_store(r, &moved, err) == -1 ||
		    (!r->store_ended && read_peer(r, &moved, err) == -1))
			return -1;
		write_store(r, &moved);
		if (moved)
			r->any_ms = clock_mono_ms();
		else if (wait_more(r, err) == -1)
			return -1;
	}
	return 0;
}

struct relay *
relay_new(struct stream *peer, struct stream *store,
    struct relay_input *input, const struct relay_limits *limits,
    struct relay_stats *stats)
{
	struct relay *r = mem_alloc(sizeof(*r));

	*r = (struct relay){ .peer = peer, .store = store, .limits = limits,
	    .stats = stats, .input = input };
	r->in.data = mem_space(RELAY_BUFFER);
	r->out.data = mem_space(RELAY_BUFFER);
	*stats = (struct relay_stats){ .in = input->len };
	return r;
}

void
relay_free(struct relay **relay)
{
	if (*relay == NULL)
		return;
	free((*relay)->in.data);
	free((*relay)->out.data);
	free(*relay);
	*relay = NULL;
}

int
relay_run(struct relay *r, struct err *err)
{
	size_t len = r->input->len;

	r->in_ms = r->out_ms = r->any_ms = clock_mono_ms();
	memcpy(r->in.data, r->input->data, len);
	r->input->len = 0;
	return take_in(r, r->in.data, len, err) == -1 ||
	    relay_loop(r, err) == -1 ? -1 : 0;
}

int
relay_await(struct relay *r, struct err *err)
{
	uint64_t deadline = clock_mono_ms() + r->limits->idle_s * 1000ULL;
	struct poll_set set;
	bool moved;
	int ret;

	while (!r->peer_ended) {
		/* Behind its last word the store gets nothing. */
		r->in.len = 0;
		moved = false;
		if (read_peer(r, &moved, err) == -1)
			return -1;
		if (moved && !r->peer_ended &&
		    r->meter.header_len == FRAME_HEADER_SIZE &&
		    r->meter.header[4] != FRAME_USER_END)
			return err_set(err, ERR_PROTO, "the peer goes on "
			    "after the end of the run");
		if (moved)
			continue;
		poll_set_init(&set, deadline);
		poll_set_stream(&set, r->peer, STREAM_READ);
		ret = poll_set_wait(&set, err);
		if (ret != 1)
			return ret;
	}
	return r->user_ended ? 1 : 0;
}
