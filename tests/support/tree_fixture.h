/*
 * tree_fixture.h - a store in the folder of tempdir.h, by its location
 *
 * The home of "~" is the folder.  All calls end the test if they fail, unless
 * they return a code.
 */
#ifndef SUPPORT_TREE_FIXTURE_H
#define SUPPORT_TREE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

#define SEP	"\x1f"

struct tree_fixture {
	struct store *store;		/* NULL if it could not be opened */
	const struct store_driver *d;
	char listed[4000];		/* "name " or "name/ " for a directory */
	char told[4000];		/* of problems, since it was opened */
	unsigned int problems;
};

extern struct tree_fixture tf;

/* "FORMAT:~/mail" with these keys behind; create: the root, if need be. */
enum err_code tf_try_open(const char *format, const char *keys, bool create);
/* Close, and remove the folder. */
void tf_end(void);

void tf_create(const char *name);
/* Append a message that is durable then. */
void tf_append(const char *name, const char *guid, const char *body);
/* For flush: all is to be well. */
void tf_on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg);
/* Into listed. */
int tf_try_list(struct err *err);
/* The names; only what this tells is in told then. */
const char *tf_list(void);
/* A file or directory of the folder, or a link. */
bool tf_exists(const char *name);

#endif
