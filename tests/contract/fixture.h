/*
 * fixture.h - a store of each driver in turn, and short words to use it
 *
 * All calls end the test if they fail, unless they return a code.
 */
#ifndef CONTRACT_FIXTURE_H
#define CONTRACT_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"
#include "store/failing/failing.h"
#include "store/memory/memory.h"
#include "store/store.h"
#include "tests/support/unit.h"

#define DRIVERS		15	/* variants: the index of loop tests */
#define PLAIN_DRIVERS	5	/* the first ones, with as few keys as can be */
#define RECEIVED	1000000000

/* What a scan found. */
struct seen {
	uint32_t uid;
	char guid[GUID_TEXT_MAX + 1];
	flags_t flags;
	char keywords[256];	/* joined by spaces */
	uint64_t size;
};

struct seen_list {
	ARRAY(struct seen) v;
};

/* How an operation ended. */
struct answer {
	unsigned int times;
	uint32_t uid;
	uint64_t modseq;
	enum err_code code;
};

#define ANSWERS_MAX	64

struct fixture {
	int variant;			/* of driver and layout */
	const struct store_driver *driver;
	char path[256];
	struct store *store;
	struct mailbox *box;		/* INBOX */
	struct memory_world *world;	/* NULL for other drivers */
	struct failing_plan *plan;	/* NULL: not wrapped */
	bool readonly;
	struct answer answers[ANSWERS_MAX]; /* of the last flush, by tag */
	unsigned int problems;
};

void fixture_init(struct fixture *fx, int driver);
/* The clock is the system's again. */
void fixture_deinit(struct fixture *fx);
/* A new store, open. */
void fixture_begin(struct fixture *fx, int driver);
/* Open store and INBOX; the code of the failure, ERR_NONE if none. */
enum err_code fixture_try_open(struct fixture *fx);
void fixture_open(struct fixture *fx);		/* and init must be done */
void fixture_close(struct fixture *fx);
void fixture_reopen(struct fixture *fx);
/* A second process with the same store. */
void fixture_other(struct fixture *other, const struct fixture *fx);

struct mailbox *fixture_box(struct fixture *fx, const char *name);
void fixture_create(struct fixture *fx, const char *name);
bool fixture_has(struct fixture *fx, const char *name);
/* The same, and not as a mere directory. */
bool fixture_has_mailbox(struct fixture *fx, const char *name);

/* Prepare an append; a code if it fails. */
enum err_code fixture_try_append(struct fixture *fx, struct mailbox *box,
    const struct mail_info *info, const char *body, uint64_t tag);
void fixture_prepare(struct fixture *fx, struct mailbox *box, uint32_t uid,
    const char *guid, const char *body, uint64_t tag);
enum err_code fixture_try_flush(struct fixture *fx);
void fixture_flush(struct fixture *fx);
/* Append to INBOX and flush; the UID. */
uint32_t fixture_append(struct fixture *fx, const char *guid,
    const char *body);

void fixture_set_flags(struct fixture *fx, struct mailbox *box,
    uint32_t uid, const char *guid, flags_t was, flags_t flags,
    uint64_t tag);
void fixture_expunge(struct fixture *fx, struct mailbox *box, uint32_t uid,
    const char *guid, uint64_t tag);

/* Free with seen_free. */
struct seen_list fixture_scan(struct fixture *fx, struct mailbox *box);
void seen_free(struct seen_list *list);
const struct seen *seen_guid(const struct seen_list *list, const char *guid);
size_t seen_count(const struct seen_list *list, const char *guid);
/* The whole body; heap memory; NULL if it can't be opened. */
char *fixture_read(struct fixture *fx, struct mailbox *box, uint32_t uid,
    const char *guid, struct mail_info *info_r);
void fixture_expect_body(struct fixture *fx, struct mailbox *box,
    uint32_t uid, const char *guid, const char *body);
struct mailbox_status fixture_status(struct fixture *fx,
    struct mailbox *box);

/* Done once and well; returns the UID. */
uint32_t fixture_done(const struct fixture *fx, uint64_t tag);
/* Answered once, with this failure. */
void fixture_failed(const struct fixture *fx, uint64_t tag,
    enum err_code code);

#endif
