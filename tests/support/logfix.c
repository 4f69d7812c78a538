/*
 * logfix.c - a change log in a folder of a test
 */
#include "config.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/support/logfix.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

struct logfix lf;

static void
on_notice(const char *text, void *arg)
{
	(void)arg;
	snprintf(lf.notice, sizeof(lf.notice), "%s", text);
}

int
logfix_open_in(struct chlog **log, const char *dir, bool dry_run,
    struct err *err)
{
	struct chlog_args args = { .root_path = dir, .dry_run = dry_run,
	    .notice = on_notice };
	int r;

	args.root_fd = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ne(args.root_fd, -1);
	r = chlog_open(log, &args, err);
	close(args.root_fd);
	return r;
}

struct chlog *
logfix_open(void)
{
	struct err err = ERR_INIT;
	struct chlog *log = NULL;

	ck_assert_msg(logfix_open_in(&log, lf.root, false, &err) == 0, "%s",
	    err.msg);
	return log;
}

void
logfix_setup(void)
{
	lf.root = tempdir_make();
	lf.arena = arena_new(1 << 24);
	lf.notice[0] = '\0';
	clock_set(NOW);
}

void
logfix_teardown(void)
{
	arena_free(&lf.arena);
	tempdir_remove();
	clock_set(0);
}

struct chlog_mailbox
logfix_add_mailbox(struct chlog *log, const char *name)
{
	struct err err = ERR_INIT;
	struct chlog_mailbox box = { .name = name, .store_name = name,
	    .selectable = true, .uidvalidity = 7, .uidnext = 1 };

	box.guid = guid_random();
	box.seq = box.tree_seq = box.born_seq = chlog_next_seq(log);
	ck_assert_int_eq(chlog_mailbox_put(log, &box, &err), 0);
	return box;
}

void
logfix_add_mail(struct chlog *log, int64_t mailbox, uint32_t uid, uint8_t mark,
    int64_t run)
{
	struct err err = ERR_INIT;
	struct guid128 marks[2] = { { { mark } }, { { mark, 1 } } };
	struct chlog_mail mail = { .mailbox = mailbox };
	char guid[16];

	snprintf(guid, sizeof(guid), "g%u", uid);
	mail.m.uid = uid;
	mail.m.guid = guid;
	mail.m.marks = marks;
	mail.m.mark_count = 2;
	mail.m.received = RECEIVED_NONE;
	mail.seq = mail.born_seq = chlog_next_seq(log);
	mail.run = run;
	ck_assert_int_eq(chlog_mail_insert(log, &mail, &err), 0);
}

void
logfix_sql(const char *text)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(tempdir_path(CHLOG_FILE), &db),
	    SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

void
logfix_intend_flag(struct chlog *log, const char *key)
{
	struct guid128 run = { { 7 } };
	struct chlog_intent in = { .uid = 1, .key = key };
	struct err err = ERR_INIT;

	in.flags.flags = FLAG_SEEN;
	in.flags.stamps[3] = NOW;
	ck_assert_int_eq(chlog_intend_begin(log, &err), 0);
	ck_assert_int_eq(chlog_intend(log, &in, &run, &err), 0);
	ck_assert_int_eq(chlog_intend_commit(log, &err), 0);
}
