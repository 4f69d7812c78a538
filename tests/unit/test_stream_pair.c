#include "config.h"

#include <sys/socket.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/poll.h"
#include "net/stream_fd.h"
#include "net/stream_pair.h"
#include "tests/support/unit.h"

static struct stream *ends[2];
static struct err err;

static void
setup(void)
{
	err = (struct err)ERR_INIT;
	stream_pair_new(10, ends);
}

static void
teardown(void)
{
	stream_close(&ends[0]);
	stream_close(&ends[1]);
}

START_TEST(bytes_arrive_in_order_through_a_small_buffer)
{
	char sent[1000], got[1000], buf[7];
	size_t in = 0, out = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7);
	stream_pair_chunk(ends[0], 3);
	while (out < sizeof(sent)) {
		n = in == sizeof(sent) ? STREAM_WAIT : stream_write(ends[0],
		    sent + in, sizeof(sent) - in, &err);
		ck_assert(n == STREAM_WAIT || n > 0);
		in += n > 0 ? (size_t)n : 0;
		n = stream_read(ends[1], buf, sizeof(buf), &err);
		ck_assert(n == STREAM_WAIT || n > 0);
		if (n > 0) {
			memcpy(got + out, buf, (size_t)n);
			out += (size_t)n;
		}
	}
	ck_assert_mem_eq(sent, got, sizeof(sent));
	ck_assert_uint_eq(stream_pair_written(ends[0]), sizeof(sent));
}
END_TEST

START_TEST(a_full_buffer_makes_the_writer_wait)
{
	char buf[20] = "";

	ck_assert_int_eq(stream_write(ends[0], buf, 20, &err), 10);
	ck_assert_int_eq(stream_write(ends[0], buf, 10, &err), STREAM_WAIT);
	ck_assert_int_eq(stream_read(ends[1], buf, 4, &err), 4);
	ck_assert_int_eq(stream_write(ends[0], buf, 10, &err), 4);
}
END_TEST

START_TEST(a_shutdown_is_the_end_of_data)
{
	char buf[20];

	ck_assert_int_eq(stream_write(ends[0], "abc", 3, &err), 3);
	ck_assert_int_eq(stream_shutdown(ends[0], &err), 0);
	ck_assert_int_eq(stream_write(ends[0], "d", 1, &err), -1);
	ck_assert_int_eq(stream_write(ends[1], "x", 1, &err), 1);
	stream_close(&ends[0]);
	ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), 3);
	ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), 0);
	ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), 0);
}
END_TEST

START_TEST(a_close_without_shutdown_is_an_error)
{
	char buf[20];

	ck_assert_int_eq(stream_write(ends[0], "abc", 3, &err), 3);
	stream_close(&ends[0]);
	ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), 3);
	ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), -1);
	ck_assert_int_eq(err.code, ERR_TEMP);
	ck_assert_int_eq(stream_write(ends[1], buf, 1, &err), -1);
}
END_TEST

START_TEST(a_cut_by_fin_lets_exactly_the_bytes_before_it_through)
{
	char buf[20];

	stream_pair_cut(ends[0], (uint64_t)_i, STREAM_CUT_FIN);
	ck_assert_int_eq(stream_write(ends[0], "0123456789", 10, &err),
	    _i == 0 ? -1 : _i);
	if (_i > 0)
		ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), _i);
	ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), -1);
	ck_assert_int_eq(stream_write(ends[0], "x", 1, &err), -1);
}
END_TEST

START_TEST(a_reset_loses_what_is_under_way)
{
	char buf[20];

	stream_pair_cut(ends[0], 5, STREAM_CUT_RST);
	ck_assert_int_eq(stream_write(ends[0], "0123456789", 10, &err), 5);
	ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), -1);
	ck_assert_int_eq(stream_write(ends[1], buf, 1, &err), -1);
	ck_assert_int_eq(stream_read(ends[0], buf, 20, &err), -1);
}
END_TEST

START_TEST(silence_tells_nobody)
{
	char buf[20];

	stream_pair_cut(ends[0], 5, STREAM_CUT_SILENCE);
	ck_assert_int_eq(stream_write(ends[0], "0123456789", 10, &err), 5);
	ck_assert_int_eq(stream_write(ends[0], "56789", 5, &err),
	    STREAM_WAIT);
	ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), 5);
	ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), STREAM_WAIT);
	ck_assert_int_eq(stream_write(ends[1], buf, 5, &err), STREAM_WAIT);
	stream_close(&ends[0]);
	ck_assert_int_eq(stream_read(ends[1], buf, 20, &err), STREAM_WAIT);
}
END_TEST

START_TEST(a_descriptor_stream_carries_bytes_and_its_end)
{
	struct stream *a = NULL, *b = NULL;
	uint64_t deadline = clock_mono_ms() + 10000;
	char buf[8];
	int fds[2], more[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(stream_fd_new(fds[0], fds[0], "a", &b, &err), 0);
	ck_assert_int_eq(stream_fd_new(fds[1], fds[1], "b", &a, &err), 0);
	ck_assert_int_eq(stream_write_full(a, "hello", 5, deadline, &err), 0);
	ck_assert_int_eq(stream_shutdown(a, &err), 0);
	ck_assert_int_eq(stream_read_full(b, buf, 5, deadline, &err), 0);
	ck_assert_mem_eq(buf, "hello", 5);
	ck_assert_int_eq(stream_read_full(b, buf, 1, deadline, &err), -1);
	ck_assert_int_eq(stream_write_full(b, "x", 1, deadline, &err), 0);
	stream_close(&a);
	stream_close(&b);
	/* Two pipes make a stream as well. */
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(pipe(more), 0);
	ck_assert_int_eq(stream_fd_new(fds[0], more[1], "pipes", &a, &err),
	    0);
	ck_assert_int_eq(write(fds[1], "in", 2), 2);
	ck_assert_int_eq(stream_read_full(a, buf, 2, deadline, &err), 0);
	ck_assert_int_eq(stream_write_full(a, "out", 3, deadline, &err), 0);
	ck_assert_int_eq(stream_shutdown(a, &err), 0);
	ck_assert_int_eq(read(more[0], buf, 8), 3);
	ck_assert_int_eq(read(more[0], buf, 8), 0);
	stream_close(&a);
	close(fds[1]);
	close(more[0]);
}
END_TEST

/* As a process does that fails before it looks at its input. */
START_TEST(an_end_with_bytes_unread_is_an_end)
{
	struct stream *a = NULL;
	uint64_t deadline = clock_mono_ms() + 10000;
	char buf[8];
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(stream_fd_new(fds[0], fds[0], "a", &a, &err), 0);
	ck_assert_int_eq(stream_write_full(a, "hello", 5, deadline, &err), 0);
	ck_assert_int_eq(close(fds[1]), 0);
	ck_assert_int_eq(stream_read(a, buf, sizeof(buf), &err), 0);
	stream_close(&a);
}
END_TEST

START_TEST(a_wait_ends_at_its_deadline_or_by_a_signal)
{
	struct poll_set set;
	uint64_t now = clock_mono_ms();
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	poll_set_init(&set, now + 20);
	poll_set_fd(&set, fds[0], POLLIN);
	ck_assert_int_eq(poll_set_wait(&set, &err), 0);
	ck_assert_uint_ge(clock_mono_ms(), now + 20);
	ck_assert_int_eq(poll_signal(SIGUSR1, &err), 0);
	ck_assert(!poll_signal_take(SIGUSR1));
	/* The signal comes before the wait, and is not lost. */
	ck_assert_int_eq(raise(SIGUSR1), 0);
	poll_set_init(&set, POLL_FOREVER);
	poll_set_fd(&set, fds[0], POLLIN);
	ck_assert_int_eq(poll_set_wait(&set, &err), 1);
	ck_assert(poll_signal_take(SIGUSR1));
	ck_assert(!poll_signal_take(SIGUSR1));
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	poll_set_init(&set, POLL_FOREVER);
	poll_set_fd(&set, fds[0], POLLIN);
	ck_assert_int_eq(poll_set_wait(&set, &err), 1);
	ck_assert_int_ne(set.fds[0].revents & POLLIN, 0);
	poll_signal_reset();
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* What the system lets a socket hold, at most as much as is wanted. */
static size_t
pair_holds(void)
{
	FILE *file = fopen("/proc/sys/net/core/wmem_max", "re");
	unsigned long max = 0;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lu", &max), 1);
	fclose(file);
	return max < FD_PAIR_BYTES ? max : FD_PAIR_BYTES;
}

START_TEST(a_pair_takes_what_the_other_end_has_not_read)
{
	static char some[65536];
	int fds[2];
	size_t held;
	ssize_t n;

	ck_assert_int_eq(fd_pair(fds, &err), 0);
	for (int i = 0; i < 2; i++) {
		held = 0;
		while ((n = send(fds[i], some, sizeof(some),
		    MSG_DONTWAIT)) > 0)
			held += (size_t)n;
		ck_assert_uint_ge(held, pair_holds());
	}
	close(fds[0]);
	close(fds[1]);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "stream_pair");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, bytes_arrive_in_order_through_a_small_buffer);
	tcase_add_test(tcase, a_full_buffer_makes_the_writer_wait);
	tcase_add_test(tcase, a_shutdown_is_the_end_of_data);
	tcase_add_test(tcase, a_close_without_shutdown_is_an_error);
	tcase_add_loop_test(tcase,
	    a_cut_by_fin_lets_exactly_the_bytes_before_it_through, 0, 10);
	tcase_add_test(tcase, a_reset_loses_what_is_under_way);
	tcase_add_test(tcase, silence_tells_nobody);
	tcase_add_test(tcase, a_descriptor_stream_carries_bytes_and_its_end);
	tcase_add_test(tcase, an_end_with_bytes_unread_is_an_end);
	tcase_add_test(tcase, a_wait_ends_at_its_deadline_or_by_a_signal);
	tcase_add_test(tcase, a_pair_takes_what_the_other_end_has_not_read);
	return unit_run(suite);
}
