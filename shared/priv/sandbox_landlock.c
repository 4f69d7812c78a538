/*
 * Landlock by its system calls: the C library has no functions for them, and
 * the headers of a distribution may be older than its kernel.
 */
#include "config.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "priv/sandbox.h"

#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset	444
#define __NR_landlock_add_rule		445
#define __NR_landlock_restrict_self	446
#endif

#define CREATE_VERSION	1U	/* LANDLOCK_CREATE_RULESET_VERSION */
#define RULE_PATH	1	/* LANDLOCK_RULE_PATH_BENEATH */

/* LANDLOCK_ACCESS_FS_*, by the version that brought them. */
#define FS_EXECUTE	(1ULL << 0)
#define FS_WRITE_FILE	(1ULL << 1)
#define FS_READ_FILE	(1ULL << 2)
#define FS_READ_DIR	(1ULL << 3)
#define FS_REMOVE_DIR	(1ULL << 4)
#define FS_REMOVE_FILE	(1ULL << 5)
#define FS_MAKE_DIR	(1ULL << 7)
#define FS_MAKE_REG	(1ULL << 8)
#define FS_MAKE_SYM	(1ULL << 12)
#define FS_ABI_1	((1ULL << 13) - 1)
#define FS_REFER	(1ULL << 13)	/* 2 */
#define FS_TRUNCATE	(1ULL << 14)	/* 3 */
#define FS_IOCTL_DEV	(1ULL << 15)	/* 5 */

#define NET_ALL		3ULL	/* 4: bind and connect of TCP */
#define SCOPE_ALL	3ULL	/* 6: abstract sockets, signals */

#define READ_RIGHTS	(FS_READ_FILE | FS_READ_DIR)
#define WRITE_RIGHTS	(FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | \
			 FS_MAKE_DIR | FS_MAKE_REG | FS_REFER | FS_TRUNCATE)
#define FILE_RIGHTS	(FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE)

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

static void
report_off(struct sandbox_report *report, const char *what)
{
	size_t len = strlen(report->off);

	snprintf(report->off + len, sizeof(report->off) - len, "%s%s",
	    len > 0 ? "; " : "", what);
}

static int
landlock_version(void)
{
	long r = syscall(__NR_landlock_create_ruleset, NULL, 0,
	    CREATE_VERSION);

	return r > 0 ? (int)r : 0;
}

/* What this kernel can limit, and the size of the structure it knows. */
static size_t
ruleset_for(int abi, struct ruleset_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->fs = FS_ABI_1;
	if (abi >= 2)
		attr->fs |= FS_REFER;
	if (abi >= 3)
		attr->fs |= FS_TRUNCATE;
	if (abi >= 5)
		attr->fs |= FS_IOCTL_DEV;
	if (abi < 4)
		return sizeof(attr->fs);
	attr->net = NET_ALL;
	if (abi < 6)
		return sizeof(attr->fs) + sizeof(attr->net);
	attr->scoped = SCOPE_ALL;
	return sizeof(*attr);
}

static int
add_path(int ruleset, const struct sandbox_path *path, uint64_t handled,
    struct err *err)
{
	struct path_attr attr = { 0 };
	struct stat st;
	int ret = -1;

	attr.parent_fd = open(path->path, O_PATH | O_CLOEXEC);
	if (attr.parent_fd == -1 && errno == ENOENT)
		return 0;
	if (attr.parent_fd == -1 || fstat(attr.parent_fd, &st) == -1) {
		err_sys(err, "%s", path->path);
		goto out;
	}
	if ((path->rights & SANDBOX_READ) != 0)
		attr.allowed |= READ_RIGHTS;
	if ((path->rights & SANDBOX_WRITE) != 0)
		attr.allowed |= WRITE_RIGHTS;
	if ((path->rights & SANDBOX_LINKS) != 0)
		attr.allowed |= FS_MAKE_SYM;
	attr.allowed &= handled;
	if (!S_ISDIR(st.st_mode))
		attr.allowed &= FILE_RIGHTS;
	if (syscall(__NR_landlock_add_rule, ruleset, RULE_PATH, &attr, 0) ==
	    -1) {
		err_sys(err, "Landlock rule for %s", path->path);
		goto out;
	}
	ret = 0;
out:
	if (attr.parent_fd != -1)
		(void)close(attr.parent_fd);
	return ret;
}

int
sandbox_paths(const struct sandbox_path *paths, size_t count,
    struct sandbox_report *report, struct err *err)
{
	struct ruleset_attr attr;
	bool write = false;
	size_t size;
	int ruleset, ret = -1;

	report->landlock_abi = landlock_version();
	for (size_t i = 0; i < count; i++)
		write |= (paths[i].rights & SANDBOX_WRITE) != 0;
	if (report->landlock_abi == 0) {
		report_off(report, "Landlock: the kernel has none");
		return 0;
	}
	/* Version 1 forbids every rename to another folder. */
	if (report->landlock_abi < 2 && write) {
		report_off(report, "Landlock: the kernel's is too old");
		return 0;
	}
	size = ruleset_for(report->landlock_abi, &attr);
	ruleset = (int)syscall(__NR_landlock_create_ruleset, &attr, size, 0);
	if (ruleset == -1)
		return err_sys(err, "Landlock");
	for (size_t i = 0; i < count; i++) {
		if (add_path(ruleset, &paths[i], attr.fs, err) == -1)
			goto out;
	}
	if (syscall(__NR_landlock_restrict_self, ruleset, 0) == -1) {
		err_sys(err, "Landlock");
		goto out;
	}
	report->landlock = true;
	ret = 0;
out:
	(void)close(ruleset);
	return ret;
}
