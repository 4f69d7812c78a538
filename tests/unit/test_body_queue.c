/* Files that a helper thread writes: whole, in order, and failures told. */
#include "config.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "store/files/body_queue.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define MTIME	1234567890

static struct store store;
static struct path_root root;
static struct body_queue *queue;

static void
set_up(void)
{
	struct err err = ERR_INIT;

	memset(&store, 0, sizeof(store));
	ck_assert_int_eq(path_root_open(&root, &store, tempdir_make(), false,
	    false, &err), 0);
	queue = body_queue_new(&root);
	ck_assert_ptr_nonnull(queue);
}

static void
tear_down(void)
{
	body_queue_free(&queue);
	path_root_close(&root);
	tempdir_remove();
}

static struct body *
begin(void)
{
	return body_begin(queue, &(struct body_file){
		.dirfd = root.fd, .mode = 0640, .set_mode = true,
	});
}

/* The byte that stands at this place of the nth file. */
static unsigned char
pattern(size_t nth, size_t at)
{
	return (unsigned char)(nth * 31 + at * 7 + at / 251);
}

static void
write_pattern(struct body *body, size_t nth, size_t len, size_t piece)
{
	unsigned char *text = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = pattern(nth, i);
	for (size_t i = 0; i < len; i += piece)
		body_write(body, text + i, len - i < piece ? len - i : piece);
	free(text);
}

static void
check_file(int fd, size_t nth, size_t len)
{
	unsigned char *text = malloc(len + 1);
	size_t wrong = 0;
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, (off_t)len);
	ck_assert_int_eq(st.st_mtime, MTIME);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	ck_assert_int_eq(pread(fd, text, len + 1, 0), (ssize_t)len);
	for (size_t i = 0; i < len; i++)
		wrong += text[i] != pattern(nth, i);
	ck_assert_uint_eq(wrong, 0);
	free(text);
}

START_TEST(many_files_are_written_whole)
{
	static const size_t sizes[] = { 0, 1, 4096, 70000, 300, 65536 };
	struct body *bodies[200];
	struct err err = ERR_INIT;
	int fd;

	for (size_t i = 0; i < nitems(bodies); i++) {
		bodies[i] = begin();
		write_pattern(bodies[i], i, sizes[i % nitems(sizes)], 65536);
		body_commit(bodies[i], MTIME);
	}
	ck_assert_int_eq(body_queue_wait(queue, &err), 0);
	ck_assert_uint_eq(store.counts.creates, nitems(bodies));
	for (size_t i = 0; i < nitems(bodies); i++) {
		fd = body_finish(&bodies[i], &err);
		ck_assert_int_ne(fd, -1);
		ck_assert_ptr_null(bodies[i]);
		check_file(fd, i, sizes[i % nitems(sizes)]);
		(void)close(fd);
	}
}
END_TEST

START_TEST(what_is_written_is_brought_to_the_disk_before_all_is)
{
	struct body *bodies[600];
	struct err err = ERR_INIT;

	for (size_t i = 0; i < nitems(bodies); i++) {
		bodies[i] = begin();
		body_commit(bodies[i], MTIME);
	}
	ck_assert_int_eq(body_queue_wait(queue, &err), 0);
	ck_assert_uint_eq(store.counts.syncfss, 1);
	for (size_t i = 0; i < nitems(bodies); i++)
		body_abort(&bodies[i]);
	/* The next batch counts anew. */
	bodies[0] = begin();
	body_commit(bodies[0], MTIME);
	ck_assert_int_eq(body_queue_wait(queue, &err), 0);
	ck_assert_uint_eq(store.counts.syncfss, 1);
	body_abort(&bodies[0]);
}
END_TEST

START_TEST(files_get_names_that_are_free)
{
	struct body *body = begin(), *again = begin();
	struct err err = ERR_INIT;
	int fd, other;

	write_pattern(body, 5, 3000, 3000);
	body_commit(body, MTIME);
	body_commit(again, MTIME);
	fd = body_finish(&body, &err);
	other = body_finish(&again, &err);
	ck_assert(fd != -1 && other != -1);
	body = body_name(queue, fd, root.fd, "a");
	again = body_name(queue, other, root.fd, "a");
	ck_assert_int_eq(body_named(&body, &err), 0);
	ck_assert_ptr_null(body);
	ck_assert_int_eq(body_named(&again, &err), -1);
	ck_assert_int_eq(err.errnum, EEXIST);
	ck_assert_ptr_null(again);
	/* Both are closed; what has the name is the first one. */
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_int_eq(fcntl(other, F_GETFD), -1);
	fd = open(tempdir_path("a"), O_RDONLY);
	ck_assert_int_ne(fd, -1);
	check_file(fd, 5, 3000);
	(void)close(fd);
}
END_TEST

/* Many times what may wait: the caller is held up. */
START_TEST(a_file_larger_than_the_queue_is_written_whole)
{
	size_t len = 5 * BODY_QUEUE_BYTES + 17;
	struct body *body = begin();
	struct err err = ERR_INIT;
	int fd;

	write_pattern(body, 1, len, 65536);
	body_commit(body, MTIME);
	fd = body_finish(&body, &err);
	ck_assert_int_ne(fd, -1);
	check_file(fd, 1, len);
	(void)close(fd);
}
END_TEST

/* More jobs than the ring has places, all of them small. */
START_TEST(more_pieces_than_places_are_written_in_order)
{
	size_t len = 3 * BODY_QUEUE_JOBS;
	struct body *body = begin();
	struct err err = ERR_INIT;
	int fd;

	write_pattern(body, 2, len, 1);
	body_commit(body, MTIME);
	fd = body_finish(&body, &err);
	ck_assert_int_ne(fd, -1);
	check_file(fd, 2, len);
	(void)close(fd);
}
END_TEST

START_TEST(a_file_may_be_given_up_at_any_time)
{
	struct body *untouched = begin(), *begun = begin(), *whole = begin();
	struct body *none = NULL, *kept = begin();
	struct err err = ERR_INIT;
	int fd;

	body_abort(&untouched);
	write_pattern(begun, 0, 100000, 65536);
	write_pattern(kept, 3, 5000, 5000);
	body_abort(&begun);
	body_commit(whole, MTIME);
	body_abort(&whole);
	body_abort(&none);
	body_commit(kept, MTIME);
	fd = body_finish(&kept, &err);
	ck_assert_int_ne(fd, -1);
	check_file(fd, 3, 5000);
	(void)close(fd);
}
END_TEST

/* The limit of a file's size stands for a disk that is full. */
START_TEST(what_fails_is_told_of_that_file_alone)
{
	struct rlimit old, small;
	struct body *large, *fine;
	struct err err = ERR_INIT;
	int fd;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 100000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	large = begin();
	write_pattern(large, 0, 300000, 65536);
	body_commit(large, MTIME);
	fine = begin();
	write_pattern(fine, 4, 4000, 4000);
	body_commit(fine, MTIME);
	ck_assert_int_eq(body_finish(&large, &err), -1);
	ck_assert_int_eq(err.errnum, EFBIG);
	ck_assert_ptr_null(large);
	fd = body_finish(&fine, &err);
	ck_assert_int_ne(fd, -1);
	check_file(fd, 4, 4000);
	(void)close(fd);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
}
END_TEST

static int
count_step(void *arg)
{
	(void)arg;
	return 0;
}

START_TEST(where_steps_are_counted_there_is_no_helper)
{
	store.step = count_step;
	ck_assert(!body_queue_useful(&root));
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "body queue");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, many_files_are_written_whole);
	tcase_add_test(tc, what_is_written_is_brought_to_the_disk_before_all_is);
	tcase_add_test(tc, files_get_names_that_are_free);
	tcase_add_test(tc, a_file_larger_than_the_queue_is_written_whole);
	tcase_add_test(tc, more_pieces_than_places_are_written_in_order);
	tcase_add_test(tc, a_file_may_be_given_up_at_any_time);
	tcase_add_test(tc, what_fails_is_told_of_that_file_alone);
	tcase_add_test(tc, where_steps_are_counted_there_is_no_helper);
	return unit_run(suite);
}
