/*
 * sandbox.h - what the kernel lets a process do from here on
 *
 * Landlock limits the paths, seccomp the system calls.  Where the kernel lacks
 * one of them the process goes on without, and the report says so: what is off
 * has to be shown to the operator.
 */
#ifndef PRIV_SANDBOX_H
#define PRIV_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define SANDBOX_READ	0x1u	/* read files, list folders */
#define SANDBOX_WRITE	0x2u	/* change, create, remove, rename, also
				   from one folder to another */
#define SANDBOX_LINKS	0x4u	/* make symbolic links, too */

struct sandbox_path {
	const char *path;	/* all below it; one that is missing is skipped */
	unsigned int rights;
};

struct sandbox_report {
	bool landlock, seccomp;	/* are in force */
	int landlock_abi;	/* of the kernel; 0: has none */
	char off[160];		/* what is off and why; empty if nothing is */
};

/*
 * From here on reach only these paths, and with count 0 none at all; no TCP
 * port either, as far as the kernel can say so.  Needs drop_new_rights before.
 * May be called again to narrow further.
 */
int sandbox_paths(const struct sandbox_path *paths, size_t count,
    struct sandbox_report *report, struct err *err);

/*
 * For a process that only moves bytes between descriptors that it has: from
 * here on other system calls fail, and running or tracing a program ends the
 * process.
 */
int sandbox_calls_net(struct sandbox_report *report, struct err *err);

/*
 * For a process that works on files: no other programs, no sockets but those
 * that it has, nothing that administers the system.
 */
int sandbox_calls_store(struct sandbox_report *report, struct err *err);

#endif
