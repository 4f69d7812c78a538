/*
 * failing.h - a wrapper around a store whose nth call fails, for tests
 *
 * Counted are the calls of the driver interface, and within them each step
 * that changes what is stored (struct store, step).  At the chosen number the
 * call or step fails with an errno, once; or the process is gone: this and all
 * later calls fail, and nothing more reaches the inner store.
 */
#ifndef STORE_FAILING_FAILING_H
#define STORE_FAILING_FAILING_H

#include <stdbool.h>

#include "store/store.h"

struct failing_plan {
	unsigned long fail_at;	/* number of the call or step, from 1; 0:
				   never, only count */
	int errnum;		/* how it fails; 0: the process is gone */
	unsigned long count;	/* calls and steps so far */
	bool gone;
};

/*
 * Put the wrapper around *store.  It owns the inner store from now on and
 * closes it; plan must live as long.  Name and capabilities stay those of the
 * inner driver.
 */
void failing_store_wrap(struct store **store, struct failing_plan *plan);

/*
 * The same as a driver, for callers that open the store themselves: what it
 * opens at a location with this path is opened by inner and wrapped.  Valid
 * until failing_driver_forget; a path that is known gets the new plan.
 */
const struct store_driver *failing_driver(const struct store_driver *inner,
    const char *path, struct failing_plan *plan);
void failing_driver_forget(const char *path);

#endif
