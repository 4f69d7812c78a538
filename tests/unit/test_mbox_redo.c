/*
 * What the mbox driver makes of a change that was cut off, when its completion
 * fails as well, or the mbox is another one by then.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strbuf.h"
#include "model/mail_location.h"
#include "store/failing/failing.h"
#include "store/store.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define FROM	"From a@b  Sun Sep  9 01:46:40 2001\n"
#define LATE	FROM "Subject: late\n\nlate\n\n"
#define INBOX	"mail/inbox"
#define FILE_MAX 1000000U

static struct store *store;
static struct mailbox *box;
static bool disk_is_full;

/* In place of that of the system: a disk may have no room. */
int
fallocate(int fd, int mode, off_t offset, off_t len)
{
	(void)fd;
	(void)mode;
	(void)offset;
	(void)len;
	errno = ENOSPC;
	return disk_is_full ? -1 : 0;
}

static struct strbuf durable;		/* the mbox, if power fails */
static ino_t durable_ino;		/* 0: nobody asks */

/* Known, too: what is on the disk. */
int
fsync(int fd)
{
	struct err err = ERR_INIT;
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	if (durable_ino == 0 || st.st_ino != durable_ino)
		return 0;
	strbuf_reset(&durable);
	return io_read_file(AT_FDCWD, tempdir_path(INBOX), &durable, &err);
}

static enum err_code
try_open(struct failing_plan *plan)
{
	struct mail_location loc = { .driver = (char *)(uintptr_t)"mbox",
	    .path = (char *)(uintptr_t)tempdir_path("mail") };
	struct store_options opts = { .alt_char = '_',
	    .hostname = "test.example" };
	struct err err = ERR_INIT;

	if (store_open(&store, &loc, &opts, &err) == -1)
		return err.code;
	if (plan != NULL)
		failing_store_wrap(&store, plan);
	if (store->driver->mailbox_open(store, "INBOX", &box, &err) == -1) {
		store_close(&store);
		return err.code;
	}
	return ERR_NONE;
}

static void
close_store(void)
{
	store->driver->mailbox_close(&box);
	store_close(&store);
}

static void
put(const char *text, size_t len, int flags)
{
	int fd = open(tempdir_path(INBOX), O_WRONLY | O_CREAT | flags, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void
begin(const struct strbuf *text)
{
	tempdir_make();
	ck_assert_int_eq(mkdir(tempdir_path("mail"), 0700), 0);
	put(text->data, text->len, 0);
}

static bool
is_left(void)
{
	return access(tempdir_path("mail/.imap/INBOX/dsync-mbox.redo"),
	    F_OK) == 0;
}

static bool
holds(const char *text, size_t len)
{
	struct strbuf file;
	struct err err = ERR_INIT;
	bool found;

	strbuf_init(&file, FILE_MAX);
	ck_assert_int_eq(io_read_file(AT_FDCWD, tempdir_path(INBOX), &file,
	    &err), 0);
	found = memmem(file.data, file.len, text, len) != NULL;
	strbuf_deinit(&file);
	return found;
}

struct last {
	size_t n;
	uint32_t uid;
	char guid[GUID_TEXT_MAX + 1];
};

static int
on_scan(const struct mail_info *info, void *arg, struct err *err)
{
	struct last *last = arg;

	(void)err;
	last->n++;
	last->uid = info->uid;
	snprintf(last->guid, sizeof(last->guid), "%s", info->guid);
	return 0;
}

static void
on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag;
	(void)uid;
	(void)modseq;
	(void)failure;
	(void)arg;
}

/* Set a flag of the last message, until it is cut off. */
static void
flag_last(void)
{
	struct last last = { .n = 0 };
	struct mail_info info = { .guid = last.guid };
	const struct store_driver *d = store->driver;
	struct err err = ERR_INIT;

	if (d->scan(box, on_scan, &last, &err) == -1)
		return;
	info.uid = last.uid;
	if (d->set_flags(box, &info, FLAG_SEEN, NULL, 0, 0, 1, &err) == 0)
		(void)d->flush(store, on_done, NULL, &err);
}

static void
add_ours(void)
{
	struct mail_info info = { .guid = "ours", .received = 5 };
	const struct store_driver *d = store->driver;
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	if (d->append_begin(box, &info, &writer, &err) == -1)
		return;
	if (d->append_write(writer, "a: b\n\nours\n", 11, &err) == -1)
		d->append_abort(&writer);
	else if (d->append_commit(&writer, 1, &err) == 0)
		(void)d->flush(store, on_done, NULL, &err);
}

/* As far as the step; false: it came to its end. */
static bool
cut_off_at(unsigned long at, void (*change)(void))
{
	struct failing_plan plan = { .fail_at = at };

	if (try_open(&plan) == ERR_NONE) {
		change();
		close_store();
	}
	return plan.count >= at;
}

/* Lines that are unlike each other. */
static void
add_lines(struct strbuf *text, size_t len)
{
	for (size_t start = text->len, n = 0; text->len - start < len; n++)
		strbuf_addf(text, "line %zu of the body\n", n);
}

/*
 * The message is large enough to be written in two steps, and moves, since its
 * header has no room.  In between the journal alone has all of it.
 */
START_TEST(a_disk_that_is_full_when_a_change_is_completed_loses_no_mail)
{
	struct strbuf text;
	unsigned long at = 0;
	unsigned int failed = 0;
	size_t body;
	bool more;

	strbuf_init(&text, FILE_MAX);
	strbuf_adds(&text, FROM "X-IMAPbase: 1000000000 0000000001\n"
	    "X-UID: 1\nSubject: first\n\n");
	body = text.len;
	add_lines(&text, 300000);
	strbuf_addc(&text, '\n');
	do {
		begin(&text);
		more = cut_off_at(++at, flag_last);
		if (is_left()) {
			put(LATE, sizeof(LATE) - 1, O_APPEND);
			disk_is_full = true;
			if (try_open(NULL) == ERR_NONE)
				close_store();
			else
				failed++;
			disk_is_full = false;
			ck_assert_int_eq(try_open(NULL), ERR_NONE);
			close_store();
			ck_assert(!is_left());
			ck_assert(holds("late\n\nlate\n", 11));
		}
		ck_assert(holds(text.data + body, text.len - body));
		tempdir_remove();
	} while (more);
	ck_assert_uint_gt(failed, 0);
	strbuf_deinit(&text);
}
END_TEST

static void
change_nothing(void)
{
}

static int
on_flags(const struct mail_info *info, void *arg, struct err *err)
{
	flags_t *all = arg;

	(void)err;
	*all &= info->uid <= 2 ? info->flags : FLAGS_ALL;
	return 0;
}

static int
flag_one(const struct mail_info *info, void *arg, struct err *err)
{
	(void)arg;
	return store->driver->set_flags(box, info, FLAG_SEEN, NULL, 0, 0, 1,
	    err);
}

static void
flag_all(void)
{
	struct err err = ERR_INIT;

	if (store->driver->scan(box, flag_one, NULL, &err) == 0)
		(void)store->driver->flush(store, on_done, NULL, &err);
}

/* The file has what was made durable, and the directory all of its names. */
static void
lose_power(void)
{
	ck_assert_int_eq(truncate(tempdir_path(INBOX), 0), 0);
	put(durable.data, durable.len, 0);
}

/* The flags of the second message have no room, so it moves. */
START_TEST(flags_in_place_are_there_if_power_fails_in_the_completion)
{
	static const char text[] = FROM "X-IMAPbase: 1000000000 0000000002\n"
	    "X-UID: 1\nStatus: O    \n\na\n\n" FROM "X-UID: 2\n\nb\n\n";
	unsigned long at = 0, again;
	unsigned int left = 0;
	struct err err = ERR_INIT;
	struct strbuf start;
	bool more, more_again;
	struct stat st;
	flags_t all;

	strbuf_init(&start, FILE_MAX);
	strbuf_init(&durable, FILE_MAX);
	strbuf_adds(&start, text);
	do {
		at++;
		again = 0;
		do {
			begin(&start);
			more = cut_off_at(at, flag_all);
			more_again = false;
			if (is_left()) {
				left++;
				put(LATE, sizeof(LATE) - 1, O_APPEND);
				ck_assert_int_eq(stat(tempdir_path(INBOX),
				    &st), 0);
				durable_ino = st.st_ino;
				ck_assert_int_eq(io_read_file(AT_FDCWD,
				    tempdir_path(INBOX), &durable, &err), 0);
				more_again = cut_off_at(++again,
				    change_nothing);
				lose_power();
				durable_ino = 0;
				strbuf_reset(&durable);
				ck_assert_int_eq(try_open(NULL), ERR_NONE);
				all = FLAGS_ALL;
				ck_assert_int_eq(store->driver->scan(box,
				    on_flags, &all, &err), 0);
				ck_assert_uint_eq(all, FLAG_SEEN);
				close_store();
			}
			tempdir_remove();
		} while (more_again);
	} while (more);
	ck_assert_uint_gt(left, 20);
	strbuf_deinit(&start);
	strbuf_deinit(&durable);
}
END_TEST

/* Its header lies in two pages, so even a flag in place needs a journal. */
START_TEST(flags_of_a_message_that_is_gone_are_not_missed)
{
	struct last last;
	struct strbuf text;
	struct err err = ERR_INIT;
	unsigned long at = 0;
	unsigned int left = 0;
	size_t first;
	bool more;

	strbuf_init(&text, FILE_MAX);
	strbuf_adds(&text, FROM "X-IMAPbase: 1000000000 0000000002\n"
	    "X-UID: 1\nStatus: O    \n\n");
	while (text.len < 4096 - sizeof(FROM) - 3)
		strbuf_addc(&text, 'a');
	strbuf_adds(&text, "\n\n");
	first = text.len;
	strbuf_adds(&text, FROM "X-UID: 2\nStatus: O              \n\nb\n\n");
	do {
		begin(&text);
		more = cut_off_at(++at, flag_last);
		if (is_left()) {
			left++;
			ck_assert_int_eq(truncate(tempdir_path(INBOX),
			    (off_t)first), 0);
			ck_assert_int_eq(try_open(NULL), ERR_NONE);
			last = (struct last){ .n = 0 };
			ck_assert_int_eq(store->driver->scan(box, on_scan,
			    &last, &err), 0);
			ck_assert_uint_eq(last.n, 1);
			close_store();
			ck_assert(!is_left());
		}
		tempdir_remove();
	} while (more);
	ck_assert_uint_gt(left, 0);
	strbuf_deinit(&text);
}
END_TEST

/* Others have given the last UID in between. */
START_TEST(uids_do_not_begin_anew_where_none_are_left)
{
	static const char base[] = "X-IMAPbase: 1000000000 429496729";
	struct strbuf text;
	unsigned long at = 0;
	unsigned int left = 0;
	bool more;

	strbuf_init(&text, FILE_MAX);
	strbuf_addf(&text, FROM "%s0\nX-UID: 1\n\na\n\n", base);
	do {
		begin(&text);
		more = cut_off_at(++at, add_ours);
		if (is_left()) {
			int fd = open(tempdir_path(INBOX), O_WRONLY);

			left++;
			ck_assert_int_eq(pwrite(fd, "4", 1, (off_t)(
			    sizeof(FROM) + sizeof(base) - 2)), 1);
			close(fd);
			if (try_open(NULL) == ERR_NONE)
				close_store();
			ck_assert(holds("X-IMAPbase: 1000000000 4294967294",
			    sizeof(base)));
			ck_assert(holds("ours\n", 5) || is_left());
		}
		tempdir_remove();
	} while (more);
	ck_assert_uint_gt(left, 0);
	strbuf_deinit(&text);
}
END_TEST

START_TEST(a_message_without_a_uid_gets_none_where_none_are_left)
{
	static const char base[] = FROM "X-IMAPbase: 1000000000 4294967294\n"
	    "X-UID: 1\n\na\n\n" LATE;
	struct strbuf text;

	strbuf_init(&text, FILE_MAX);
	strbuf_adds(&text, base);
	begin(&text);
	ck_assert_int_eq(try_open(NULL), ERR_REFUSED);
	ck_assert_str_eq(tempdir_read(INBOX), base);
	tempdir_remove();
	strbuf_deinit(&text);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "mbox_redo");

	tcase_set_timeout(tc, 60.0);
	tcase_add_test(tc,
	    a_disk_that_is_full_when_a_change_is_completed_loses_no_mail);
	tcase_add_test(tc,
	    flags_in_place_are_there_if_power_fails_in_the_completion);
	tcase_add_test(tc, flags_of_a_message_that_is_gone_are_not_missed);
	tcase_add_test(tc, uids_do_not_begin_anew_where_none_are_left);
	tcase_add_test(tc,
	    a_message_without_a_uid_gets_none_where_none_are_left);
	return unit_run(suite);
}
