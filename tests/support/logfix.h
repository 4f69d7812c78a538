/*
 * logfix.h - a change log in a folder of a test
 */
#ifndef SUPPORT_LOGFIX_H
#define SUPPORT_LOGFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "chlog/chlog.h"

#define NOW	UINT64_C(1700000000000)	/* the clock at the start */

struct logfix {
	const char *root;
	char notice[512];		/* the last one */
	struct arena *arena;
};

extern struct logfix lf;

/* A checked fixture: an empty folder. */
void logfix_setup(void);
void logfix_teardown(void);

/* The log of the folder; the test fails if it can't be opened. */
struct chlog *logfix_open(void);
/* That of some folder. */
int logfix_open_in(struct chlog **log, const char *dir, bool dry_run,
    struct err *err);
struct chlog_mailbox logfix_add_mailbox(struct chlog *log, const char *name);
/* Message guid "g<uid>" with two marks that begin with this byte. */
void logfix_add_mail(struct chlog *log, int64_t mailbox, uint32_t uid,
    uint8_t mark, int64_t run);
/* That a flag will be set, in a transaction of its own. */
void logfix_intend_flag(struct chlog *log, const char *key);
/* Somebody else changes the file. */
void logfix_sql(const char *text);

#endif
