#include "config.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "priv/channel.h"
#include "priv/drop.h"
#include "priv/sandbox.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define NOBODY	65534

START_TEST(messages_keep_their_borders_and_carry_descriptors)
{
	struct err err = ERR_INIT;
	char buf[16], byte;
	int ends[2], fds[2], passed;

	ck_assert_int_eq(channel_pair(ends, &err), 0);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(channel_send(ends[0], "one", 3, fds[0], &err), 0);
	ck_assert_int_eq(channel_send(ends[0], "two", 3, -1, &err), 0);
	ck_assert_int_eq(channel_recv(ends[1], buf, sizeof(buf), &passed,
	    UINT64_MAX, &err), 3);
	ck_assert_mem_eq(buf, "one", 3);
	ck_assert_int_ne(passed, -1);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(read(passed, &byte, 1), 1);
	close(passed);
	ck_assert_int_eq(channel_recv(ends[1], buf, sizeof(buf), &passed,
	    UINT64_MAX, &err), 3);
	ck_assert_int_eq(passed, -1);
	close(ends[0]);
	ck_assert_int_eq(channel_recv(ends[1], buf, sizeof(buf), &passed,
	    UINT64_MAX, &err), 0);
	close(ends[1]);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_message_too_long_or_too_late_is_an_error)
{
	struct err err = ERR_INIT;
	char buf[4];
	int ends[2];

	ck_assert_int_eq(channel_pair(ends, &err), 0);
	ck_assert_int_eq(channel_recv(ends[1], buf, sizeof(buf), NULL,
	    clock_mono_ms() + 10, &err), -1);
	ck_assert_int_eq(err.code, ERR_TEMP);
	ck_assert_int_eq(channel_send(ends[0], "12345", 5, -1, &err), 0);
	ck_assert_int_eq(channel_recv(ends[1], buf, sizeof(buf), NULL,
	    UINT64_MAX, &err), -1);
	ck_assert_int_eq(err.code, ERR_PROTO);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/*
 * Run fn in a child and return its exit status, or 128 and the signal.  The
 * child leaves by _exit: a sanitizer's leak check could not work any more.
 */
static int
in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(fn());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

#define CHILD_CHECK(n, cond)	do { if (!(cond)) return (n); } while (0)

static int
child_drop(void)
{
	struct drop drop = { .uid = NOBODY, .gid = NOBODY };
	struct err err = ERR_INIT;
	struct rlimit core;
	gid_t groups[8];

	drop.chroot_dir = tempdir_path("root");
	CHILD_CHECK(1, drop_to(&drop, &err) == 0);
	CHILD_CHECK(2, getuid() == NOBODY && geteuid() == NOBODY);
	CHILD_CHECK(3, getgroups(8, groups) == 1 && groups[0] == NOBODY);
	CHILD_CHECK(4, access("/etc", F_OK) == -1 && errno == ENOENT);
	CHILD_CHECK(5, drop_new_rights(&err) == 0);
	CHILD_CHECK(6, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHILD_CHECK(7, getrlimit(RLIMIT_CORE, &core) == 0 &&
	    core.rlim_max == 0);
	drop.uid = 1;
	CHILD_CHECK(8, drop_to(&drop, &err) == -1);
	return 0;
}

static int
child_drop_with_groups(void)
{
	static const gid_t more[] = { 6001, 6002 };
	struct drop drop = { .uid = NOBODY, .gid = NOBODY, .more = more,
	    .more_count = 2 };
	struct err err = ERR_INIT;
	gid_t groups[8];

	CHILD_CHECK(1, drop_to(&drop, &err) == 0);
	CHILD_CHECK(2, getgroups(8, groups) == 3);
	CHILD_CHECK(3, getgid() == NOBODY && getegid() == NOBODY);
	for (int i = 0; i < 3; i++)
		CHILD_CHECK(4, groups[i] == NOBODY || groups[i] == 6001 ||
		    groups[i] == 6002);
	return 0;
}

static int
child_drop_with_group_of_root(void)
{
	static const gid_t more[] = { 0 };
	struct drop drop = { .uid = NOBODY, .gid = NOBODY, .more = more,
	    .more_count = 1 };
	struct err err = ERR_INIT;

	return drop_to(&drop, &err) == -1 && getuid() == 0 ? 0 : 1;
}

static int
child_drop_to_root(void)
{
	struct drop drop = { .uid = 0, .gid = NOBODY };
	struct err err = ERR_INIT;

	return drop_to(&drop, &err) == -1 ? 0 : 1;
}

static int
child_drop_to_full_root(void)
{
	struct drop drop = { .uid = NOBODY, .gid = NOBODY };
	struct err err = ERR_INIT;

	drop.chroot_dir = tempdir_path(".");
	return drop_to(&drop, &err) == -1 && getuid() == 0 ? 0 : 1;
}

START_TEST(dropped_rights_are_gone)
{
	if (geteuid() != 0)
		return;
	tempdir_make();
	ck_assert_int_eq(chmod(tempdir_path("."), 0755), 0);
	ck_assert_int_eq(mkdir(tempdir_path("root"), 0755), 0);
	ck_assert_int_eq(in_child(child_drop), 0);
	ck_assert_int_eq(in_child(child_drop_with_groups), 0);
	ck_assert_int_eq(in_child(child_drop_with_group_of_root), 0);
	ck_assert_int_eq(in_child(child_drop_to_root), 0);
	ck_assert_int_eq(in_child(child_drop_to_full_root), 0);
}
END_TEST

/* Inside the allowed folder all is possible, outside nothing. */
static int
child_paths(void)
{
	struct sandbox_path paths[] = {
		{ tempdir_path("in"), SANDBOX_READ | SANDBOX_WRITE },
		{ tempdir_path("ro"), SANDBOX_READ },
		{ tempdir_path("missing"), SANDBOX_READ },
		{ tempdir_path("linked"), SANDBOX_READ | SANDBOX_WRITE |
		    SANDBOX_LINKS },
	};
	struct sandbox_report report = { 0 };
	struct err err = ERR_INIT;
	int fd;

	CHILD_CHECK(1, drop_new_rights(&err) == 0);
	CHILD_CHECK(2, sandbox_paths(paths, 4, &report, &err) == 0);
	if (!report.landlock)
		return report.off[0] != '\0' ? 77 : 3;
	fd = open(tempdir_path("in/a/new"), O_RDWR | O_CREAT, 0600);
	CHILD_CHECK(4, fd != -1);
	CHILD_CHECK(5, ftruncate(fd, 3) == 0);
	CHILD_CHECK(6, rename(tempdir_path("in/a/new"),
	    tempdir_path("in/b/new")) == 0);
	CHILD_CHECK(7, link(tempdir_path("in/b/new"),
	    tempdir_path("in/a/link")) == 0);
	CHILD_CHECK(8, unlink(tempdir_path("in/b/new")) == 0);
	CHILD_CHECK(9, open(tempdir_path("ro/file"), O_RDONLY) != -1);
	CHILD_CHECK(10, open(tempdir_path("ro/file"), O_RDWR) == -1);
	CHILD_CHECK(11, open(tempdir_path("ro/new"), O_RDWR | O_CREAT, 0600)
	    == -1);
	CHILD_CHECK(12, open(tempdir_path("secret"), O_RDONLY) == -1);
	CHILD_CHECK(13, rename(tempdir_path("in/a/link"),
	    tempdir_path("link")) == -1);
	CHILD_CHECK(14, open("/etc/passwd", O_RDONLY) == -1);
	CHILD_CHECK(15, symlink("x", tempdir_path("in/link")) == -1);
	CHILD_CHECK(16, symlink("x", tempdir_path("linked/link")) == 0);
	CHILD_CHECK(17, sandbox_paths(NULL, 0, &report, &err) == 0);
	CHILD_CHECK(18, open(tempdir_path("ro/file"), O_RDONLY) == -1);
	CHILD_CHECK(19, symlink("x", tempdir_path("linked/again")) == -1);
	return 0;
}

START_TEST(only_the_given_paths_can_be_reached)
{
	int status;

	tempdir_make();
	ck_assert_int_eq(mkdir(tempdir_path("in"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("in/a"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("in/b"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("ro"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("linked"), 0700), 0);
	tempdir_write("ro/file", "x");
	tempdir_write("secret", "x");
	status = in_child(child_paths);
	/* 77: this kernel cannot, and the report said so. */
	ck_assert_msg(status == 0 || status == 77, "status %d", status);
}
END_TEST

static bool
confine_net(void)
{
	struct sandbox_report report = { 0 };
	struct err err = ERR_INIT;

	return drop_new_rights(&err) == 0 &&
	    sandbox_calls_net(&report, &err) == 0 && report.seccomp;
}

static int
child_calls_net(void)
{
	int fds[2];
	char byte;
	void *p;

	CHILD_CHECK(1, pipe(fds) == 0);
	CHILD_CHECK(2, confine_net());
	CHILD_CHECK(3, write(fds[1], "x", 1) == 1);
	CHILD_CHECK(4, read(fds[0], &byte, 1) == 1);
	CHILD_CHECK(5, open("/etc/passwd", O_RDONLY) == -1 &&
	    errno == EPERM);
	CHILD_CHECK(6, socket(AF_INET, SOCK_STREAM, 0) == -1);
	CHILD_CHECK(7, socket(AF_UNIX, SOCK_STREAM, 0) == -1);
	CHILD_CHECK(8, fork() == -1);
	CHILD_CHECK(9, kill(getppid(), 0) == -1);
	p = malloc(1024 * 1024);
	CHILD_CHECK(10, p != NULL);
	free(p);
	return 0;
}

static int
child_exec_net(void)
{
	char name[] = "true";
	char *argv[] = { name, NULL }, *envp[] = { NULL };

	CHILD_CHECK(1, confine_net());
	execve("/bin/true", argv, envp);
	return 2;
}

static int
child_calls_store(void)
{
	struct sandbox_report report = { 0 };
	struct err err = ERR_INIT;

	CHILD_CHECK(1, drop_new_rights(&err) == 0);
	CHILD_CHECK(2, sandbox_calls_store(&report, &err) == 0 &&
	    report.seccomp);
	CHILD_CHECK(3, open("/etc/passwd", O_RDONLY) != -1);
	CHILD_CHECK(4, socket(AF_INET, SOCK_STREAM, 0) == -1);
	CHILD_CHECK(5, chroot("/") == -1 && errno == EPERM);
	return 0;
}

START_TEST(net_can_move_bytes_and_nothing_else)
{
	ck_assert_int_eq(in_child(child_calls_net), 0);
	ck_assert_int_eq(in_child(child_exec_net), 128 + SIGSYS);
}
END_TEST

START_TEST(a_store_process_has_files_and_no_sockets)
{
	ck_assert_int_eq(in_child(child_calls_store), 0);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tcase = unit_case(&suite, "priv");

	tcase_add_checked_fixture(tcase, NULL, tempdir_remove);
	tcase_add_test(tcase,
	    messages_keep_their_borders_and_carry_descriptors);
	tcase_add_test(tcase, a_message_too_long_or_too_late_is_an_error);
	tcase_add_test(tcase, dropped_rights_are_gone);
	tcase_add_test(tcase, only_the_given_paths_can_be_reached);
	tcase_add_test(tcase, net_can_move_bytes_and_nothing_else);
	tcase_add_test(tcase, a_store_process_has_files_and_no_sockets);
	return unit_run(suite);
}
