#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "tests/support/unit.h"

static char dir[64];
static int dirfd_;

static void
setup(void)
{
	strcpy(dir, "/tmp/dsync-io-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(dirfd_, -1);
}

static void
teardown(void)
{
	static const char *const names[] = { "f", "tmp", "link", "fifo",
	    "sub/f", "sub/tmp" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlinkat(dirfd_, names[i], 0);
	unlinkat(dirfd_, "sub", AT_REMOVEDIR);
	close(dirfd_);
	ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(what_was_replaced_is_read_back)
{
	struct err err = ERR_INIT;
	struct strbuf buf;
	struct stat st;

	strbuf_init(&buf, 200000);
	ck_assert_int_eq(io_replace_file(dirfd_, "f", "tmp", 0640, "one", 3,
	    &err), 0);
	ck_assert_int_eq(io_read_file(dirfd_, "f", &buf, &err), 0);
	ck_assert_str_eq(buf.data, "one");
	ck_assert_int_eq(fstatat(dirfd_, "f", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	/* What an earlier, interrupted attempt left is in nobody's way. */
	ck_assert_int_eq(symlinkat("f", dirfd_, "tmp"), 0);
	ck_assert_int_eq(io_replace_file(dirfd_, "f", "tmp", 0600, "", 0,
	    &err), 0);
	ck_assert_int_eq(io_read_file(dirfd_, "f", &buf, &err), 0);
	ck_assert_uint_eq(buf.len, 0);
	ck_assert_int_eq(faccessat(dirfd_, "tmp", F_OK, 0), -1);
	strbuf_deinit(&buf);
}
END_TEST

START_TEST(a_large_file_is_read_in_full)
{
	static char data[150000];
	struct err err = ERR_INIT;
	struct strbuf buf;

	memset(data, 'x', sizeof(data));
	strbuf_init(&buf, sizeof(data));
	ck_assert_int_eq(io_replace_file(dirfd_, "f", "tmp", 0600, data,
	    sizeof(data), &err), 0);
	ck_assert_int_eq(io_read_file(dirfd_, "f", &buf, &err), 0);
	ck_assert_uint_eq(buf.len, sizeof(data));
	strbuf_deinit(&buf);
	strbuf_init(&buf, sizeof(data) - 1);
	ck_assert_int_eq(io_read_file(dirfd_, "f", &buf, &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	ck_assert_uint_eq(buf.len, 0);
	strbuf_deinit(&buf);
}
END_TEST

START_TEST(only_regular_files_are_read)
{
	struct err err = ERR_INIT;
	struct strbuf buf;

	strbuf_init(&buf, 100);
	ck_assert_int_eq(io_read_file(dirfd_, "f", &buf, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	ck_assert_int_eq(symlinkat("/etc/passwd", dirfd_, "link"), 0);
	ck_assert_int_eq(io_read_file(dirfd_, "link", &buf, &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	ck_assert_int_eq(mkfifoat(dirfd_, "fifo", 0600), 0);
	ck_assert_int_eq(io_read_file(dirfd_, "fifo", &buf, &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	ck_assert_int_eq(mkdirat(dirfd_, "sub", 0700), 0);
	ck_assert_int_eq(io_read_file(dirfd_, "sub", &buf, &err), -1);
	ck_assert_int_eq(err.code, ERR_CORRUPT);
	strbuf_deinit(&buf);
}
END_TEST

START_TEST(a_failed_replacement_leaves_the_old_file)
{
	struct err err = ERR_INIT;
	struct strbuf buf;

	strbuf_init(&buf, 100);
	ck_assert_int_eq(mkdirat(dirfd_, "sub", 0700), 0);
	ck_assert_int_eq(io_replace_file(dirfd_, "sub/f", "sub/tmp", 0600,
	    "a", 1, &err), 0);
	ck_assert_int_eq(io_replace_file(dirfd_, "sub", "tmp", 0600, "b", 1,
	    &err), -1);
	ck_assert_int_eq(faccessat(dirfd_, "tmp", F_OK, 0), -1);
	ck_assert_int_eq(io_replace_file(dirfd_, "none/f", "none/tmp", 0600,
	    "b", 1, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOTFOUND);
	ck_assert_int_eq(io_read_file(dirfd_, "sub/f", &buf, &err), 0);
	ck_assert_str_eq(buf.data, "a");
	strbuf_deinit(&buf);
}
END_TEST

START_TEST(reads_go_on_until_the_end)
{
	struct err err = ERR_INIT;
	char buf[16];
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(io_write(fds[1], "abc", 3, &err), 0);
	ck_assert_int_eq(io_write(fds[1], "defg", 4, &err), 0);
	close(fds[1]);
	ck_assert_int_eq(io_read(fds[0], buf, 5), 5);
	ck_assert_int_eq(io_read(fds[0], buf, sizeof(buf)), 2);
	ck_assert_mem_eq(buf, "fg", 2);
	ck_assert_int_eq(io_set_nonblock(fds[0], &err), 0);
	ck_assert_int_eq(io_set_cloexec(fds[0], &err), 0);
	ck_assert(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	close(fds[0]);
	ck_assert_int_eq(io_write(-1, "x", 1, &err), -1);
	ck_assert_int_eq(err.errnum, EBADF);
	ck_assert_int_eq(io_read(-1, buf, 1), -1);
	ck_assert_int_eq(io_set_nonblock(-1, &err), -1);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "io");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_was_replaced_is_read_back);
	tcase_add_test(tcase, a_large_file_is_read_in_full);
	tcase_add_test(tcase, only_regular_files_are_read);
	tcase_add_test(tcase, a_failed_replacement_leaves_the_old_file);
	tcase_add_test(tcase, reads_go_on_until_the_end);
	return unit_run(suite);
}
