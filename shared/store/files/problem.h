/*
 * problem.h - tell who uses a store what was left out, or coped with
 */
#ifndef STORE_FILES_PROBLEM_H
#define STORE_FILES_PROBLEM_H

#include "base/err.h"
#include "store/store.h"

/*
 * One line of text for the problem function of struct store, if there is one;
 * control characters, which names may hold, become '?'.  why is as told there.
 */
void store_tell(struct store *store, const struct err *why,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
