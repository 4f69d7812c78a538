/*
 * drop.h - give rights up for good
 *
 * Each call looks afterwards whether the rights are really gone; when in doubt
 * it fails, and the process has to end.
 */
#ifndef PRIV_DROP_H
#define PRIV_DROP_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct drop {
	uid_t uid;		/* not 0 */
	gid_t gid;		/* not 0 */
	const char *user;	/* take this user's groups; NULL: only gid */
	const gid_t *more;	/* and these besides; none is 0 */
	size_t more_count;
	const char *chroot_dir;	/* an empty folder of root, or NULL */
};

/*
 * As root become somebody else: chroot, groups, gid, uid.  As anyone else it
 * is an error to ask for another uid than the own one, and the rest is left.
 */
int drop_to(const struct drop *drop, struct err *err);

/*
 * Never gain rights again by running a program; leave no core file behind.
 */
int drop_new_rights(struct err *err);

#endif
