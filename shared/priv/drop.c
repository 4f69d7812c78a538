#include "config.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "priv/drop.h"

/* The folder must be root's, not writable by others, and empty. */
static int
check_empty_root(const char *path, struct err *err)
{
	const struct dirent *entry;
	struct stat st;
	bool empty = true;
	DIR *dir;

	if (lstat(path, &st) == -1)
		return err_sys(err, "%s", path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & 022) != 0)
		return err_set(err, ERR_CONFIG, "%s is not a folder that only "
		    "root can write", path);
	if ((dir = opendir(path)) == NULL)
		return err_sys(err, "%s", path);
	while ((entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			empty = false;
	}
	(void)closedir(dir);
	return empty ? 0 : err_set(err, ERR_CONFIG, "%s is not empty", path);
}

static int
check_gone(const struct drop *drop, struct err *err)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) == -1 ||
	    getresgid(&rgid, &egid, &sgid) == -1)
		return err_sys(err, "who am I");
	if (ruid != drop->uid || euid != drop->uid || suid != drop->uid ||
	    rgid != drop->gid || egid != drop->gid || sgid != drop->gid)
		return err_set(err, ERR_PERM, "the old uid or gid is still "
		    "there");
	if (setuid(0) != -1 || setgid(0) != -1)
		return err_set(err, ERR_PERM, "root can be had again");
	return 0;
}

#define GROUPS_MAX	1024	/* of one process */

/* The user's own groups, or gid alone, and those that are given besides. */
static int
set_groups(const struct drop *drop, struct err *err)
{
	gid_t groups[GROUPS_MAX];
	int n;

	if (drop->user != NULL ? initgroups(drop->user, drop->gid) == -1 :
	    setgroups(1, &drop->gid) == -1)
		return err_sys(err, "set the groups");
	if (drop->more_count == 0)
		return 0;
	n = getgroups(GROUPS_MAX, groups);
	if (n == -1)
		return err_sys(err, "which groups there are");
	for (size_t i = 0; i < drop->more_count; i++) {
		if (drop->more[i] == 0 || drop->more[i] == (gid_t)-1 ||
		    n == GROUPS_MAX)
			return err_set(err, ERR_PERM, "gid %ld cannot be "
			    "one more group", (long)drop->more[i]);
		groups[n++] = drop->more[i];
	}
	if (setgroups((size_t)n, groups) == -1)
		return err_sys(err, "set the groups");
	return 0;
}

int
drop_to(const struct drop *drop, struct err *err)
{
	if (geteuid() != 0 && getuid() == geteuid()) {
		if (drop->uid == geteuid())
			return 0;
		return err_set(err, ERR_PERM, "only root can become another "
		    "user");
	}
	/* (uid_t)-1 would mean "leave it" to setresuid. */
	if (drop->uid == 0 || drop->gid == 0 || drop->uid == (uid_t)-1 ||
	    drop->gid == (gid_t)-1)
		return err_set(err, ERR_PERM, "uid %ld, gid %ld is nobody to "
		    "become", (long)drop->uid, (long)drop->gid);
	if (set_groups(drop, err) == -1)
		return -1;
	if (drop->chroot_dir != NULL) {
		if (check_empty_root(drop->chroot_dir, err) == -1)
			return -1;
		if (chroot(drop->chroot_dir) == -1 || chdir("/") == -1)
			return err_sys(err, "chroot to %s", drop->chroot_dir);
	}
	if (setresgid(drop->gid, drop->gid, drop->gid) == -1)
		return err_sys(err, "set the gid");
	if (setresuid(drop->uid, drop->uid, drop->uid) == -1)
		return err_sys(err, "set the uid");
	return check_gone(drop, err);
}

int
drop_new_rights(struct err *err)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(err, "no_new_privs");
	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return err_sys(err, "no core file");
#ifndef SANITIZED
	/* The leak check of a sanitizer traces its own process. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return err_sys(err, "not dumpable");
#endif
	return 0;
}
