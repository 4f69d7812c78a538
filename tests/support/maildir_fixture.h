/*
 * maildir_fixture.h - a Maildir that a test fills, and a store that opens it
 *
 * The Maildir is the folder of tempdir.h.  All calls end the test if they
 * fail, unless they return a code.
 */
#ifndef SUPPORT_MAILDIR_FIXTURE_H
#define SUPPORT_MAILDIR_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "store/store.h"

#define HOST	"test.example"
#define GUID	"0102030405060708090a0b0c0d0e0f10"
#define HEADER	"3 V1234 N50 G" GUID "\n"	/* of a dovecot-uidlist */

struct maildir_fixture {
	struct store *store;
	struct mailbox *box;		/* INBOX; NULL if it is not open */
	const struct store_driver *d;
	unsigned int problems;		/* told since it was opened */
	char found[200000];		/* "UID GUID FLAGS\n" of the last scan */
	unsigned int answered;		/* operations, of all flushes */
	enum err_code answer;		/* of the last of them */
	enum err_code failure;		/* of the last one that failed */
};

extern struct maildir_fixture mf;

/* The folder with cur, new and tmp. */
void mf_make_dirs(void);
/* Messages and other files in a folder of it, but for locks. */
size_t mf_count(const char *name);

/* Open store and INBOX; timeout: how long a lock is waited for, in seconds. */
enum err_code mf_try_open(bool readonly, unsigned int timeout);
void mf_open(bool readonly);
void mf_close(void);
/* Close, and remove the folder. */
void mf_end(void);

/* Scan INBOX into mf.found. */
void mf_scan(void);
/* A scan finds these lines. */
void mf_expect(const char *lines);

void mf_flush(void);
/* Append to INBOX, dated 1000000000, and flush. */
enum err_code mf_try_append(const char *guid, const char *body,
    const char *const *keywords, size_t keyword_count);

#endif
