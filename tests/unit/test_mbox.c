/* What the mbox driver makes of files that others wrote, or left half done. */
#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "model/mail_location.h"
#include "store/failing/failing.h"
#include "store/mbox/from_line.h"
#include "store/store.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define FROM	"From a@b  Sun Sep  9 01:46:40 2001\n"
#define BASE	"X-IMAPbase: 1000000000 0000000003\n"

struct found {
	size_t n;
	uint32_t uid[8];
	flags_t flags[8];
	uint64_t size[8];
	char guid[8][GUID_TEXT_MAX + 1];
	char keywords[8][64];
};

static struct store *store;
static struct mailbox *box;
static unsigned int problems;
static bool readonly;
static struct failing_plan *plan;	/* NULL: nothing fails */

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	(void)what;
	(void)why;
	(void)arg;
	problems++;
}

static enum err_code
try_open(void)
{
	struct mail_location loc = { .path =
	    (char *)(uintptr_t)tempdir_path("mail") };
	struct store_options opts = { .readonly = readonly,
	    .alt_char = '_', .hostname = "test.example" };
	struct err err = ERR_INIT;

	loc.driver = (char *)(uintptr_t)"mbox";
	if (store_open(&store, &loc, &opts, &err) == -1)
		return err.code;
	store->problem = on_problem;
	if (plan != NULL)
		failing_store_wrap(&store, plan);
	if (store->driver->mailbox_open(store, "INBOX", &box, &err) == -1) {
		store_close(&store);
		return err.code;
	}
	return ERR_NONE;
}

static void
write_text(const char *name, const char *text, size_t len, int flags)
{
	int fd = open(tempdir_path(name), O_WRONLY | O_CREAT | flags, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

static void
begin(const char *text, size_t len)
{
	tempdir_make();
	ck_assert_int_eq(mkdir(tempdir_path("mail"), 0700), 0);
	write_text("mail/inbox", text, len, 0);
	problems = 0;
}

static void
end(void)
{
	if (box != NULL)
		store->driver->mailbox_close(&box);
	store_close(&store);
	tempdir_remove();
	readonly = false;
}

static int
on_scan(const struct mail_info *info, void *arg, struct err *err)
{
	struct found *found = arg;
	size_t i = found->n++;

	(void)err;
	ck_assert_uint_lt(i, 8);
	found->uid[i] = info->uid;
	found->flags[i] = info->flags;
	found->size[i] = info->size;
	snprintf(found->guid[i], sizeof(found->guid[i]), "%s", info->guid);
	for (size_t k = 0; k < info->keyword_count; k++) {
		strlcat(found->keywords[i], info->keywords[k], 64);
		strlcat(found->keywords[i], " ", 64);
	}
	return 0;
}

static struct found
scan(void)
{
	struct found found = { .n = 0 };
	struct err err = ERR_INIT;

	ck_assert_msg(store->driver->scan(box, on_scan, &found, &err) == 0,
	    "%s", err.msg);
	return found;
}

static void
expect_body(const struct found *found, size_t i, const char *text)
{
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;
	char buf[1000];
	size_t len = 0;
	ptrdiff_t n;

	ck_assert_msg(store->driver->reader_open(box, found->uid[i],
	    found->guid[i], &reader, &info, &err) == 0, "%s", err.msg);
	while ((n = store->driver->reader_read(reader, buf + len,
	    sizeof(buf) - 1 - len, &err)) > 0)
		len += (size_t)n;
	ck_assert_int_eq(n, 0);
	buf[len] = '\0';
	ck_assert_str_eq(buf, text);
	ck_assert_uint_eq(found->size[i], len);
	store->driver->reader_close(&reader);
}

START_TEST(messages_are_those_that_dovecot_shows)
{
	static const char text[] = FROM BASE "X-UID: 1\nSubject: one\n"
	    "Content-Length: 3\n\nabc\n"
	    FROM "X-UID: 2\nStatus: O \nX-Status:  F  \n"
	    "X-Keywords: k2 k1   \nSubject: two\n\n"
	    "From the body\n>From x\n\n"
	    "From a@b  Sun Sep  9 01:46:42 2001 +0300\nX-UID: 3\nno field\n";
	struct found found;

	begin(text, sizeof(text) - 1);
	ck_assert_int_eq(try_open(), ERR_NONE);
	found = scan();
	ck_assert_uint_eq(found.n, 3);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(found.uid[i], i + 1);
	expect_body(&found, 0, "Subject: one\n\nabc");
	expect_body(&found, 1, "Subject: two\n\nFrom the body\n>From x\n");
	expect_body(&found, 2, "no field");
	ck_assert_uint_eq(found.flags[1], FLAG_FLAGGED);
	ck_assert_str_eq(found.keywords[1], "k1 k2 ");
	end();
}
END_TEST

START_TEST(a_length_that_lies_hides_no_message)
{
	static const char text[] = FROM BASE "X-UID: 1\n"
	    "Content-Length: 40\n\na\n\n" FROM "X-UID: 2\n"
	    "Content-Length: 99999999999999999999\n\nb\n\n" FROM
	    "X-UID: 3\nContent-Length: 1\n\nlong\n";
	struct found found;

	begin(text, sizeof(text) - 1);
	ck_assert_int_eq(try_open(), ERR_NONE);
	found = scan();
	ck_assert_uint_eq(found.n, 3);
	expect_body(&found, 0, "\na\n");
	expect_body(&found, 1, "\nb\n");
	expect_body(&found, 2, "\nlong");
	end();
}
END_TEST

START_TEST(what_was_delivered_gets_uids_that_stay)
{
	static const char text[] = FROM "Subject: a\n\nx\n\n" FROM
	    "X-UID: 4000000000\nX-IMAPbase: 7 9\nSubject: b\n\ny\n\n";
	struct mailbox_status status, again;
	struct found found;
	struct err err = ERR_INIT;

	begin(text, sizeof(text) - 1);
	readonly = true;
	ck_assert_int_eq(try_open(), ERR_NONE);
	found = scan();
	ck_assert_uint_eq(found.n, 2);
	ck_assert_uint_eq(found.uid[0], 0);
	store->driver->mailbox_close(&box);
	store_close(&store);
	readonly = false;
	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(try_open(), ERR_NONE);
		found = scan();
		ck_assert_uint_eq(found.uid[0], 1);
		ck_assert_uint_eq(found.uid[1], 2);
		expect_body(&found, 1, "Subject: b\n\ny\n");
		ck_assert_int_eq(store->driver->status(box, &status, &err),
		    0);
		if (round == 1)
			ck_assert(guid_eq(&status.guid, &again.guid) &&
			    status.uidvalidity == again.uidvalidity);
		again = status;
		ck_assert_uint_eq(status.uidnext, 3);
		if (round == 0) {
			store->driver->mailbox_close(&box);
			store_close(&store);
		}
	}
	end();
}
END_TEST

static void
on_appended(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag;
	(void)modseq;
	ck_assert_ptr_null(failure);
	*(uint32_t *)arg = uid;
}

static void
append(const char *text)
{
	const struct store_driver *d = store->driver;
	const struct mail_info info = { .received = 1000000000 };
	struct mail_writer *writer;
	struct err err = ERR_INIT;
	uint32_t uid = 0;

	ck_assert_int_eq(d->append_begin(box, &info, &writer, &err), 0);
	ck_assert_int_eq(d->append_write(writer, text, strlen(text), &err),
	    0);
	ck_assert_int_eq(d->append_commit(&writer, 0, &err), 0);
	ck_assert_msg(d->flush(store, on_appended, &uid, &err) == 0, "%s",
	    err.msg);
	ck_assert_uint_ne(uid, 0);
}

static bool
in_from_line(size_t cut, size_t start)
{
	return cut > start && cut < start + strlen(FROM);
}

START_TEST(a_file_cut_anywhere_loses_what_is_behind)
{
	static const char one[] = FROM BASE "X-UID: 1\nSubject: one\n"
	    "Content-Length: 4\n\nabc\n\n";
	static const char two[] = FROM "X-UID: 2\nStatus: RO\n"
	    "Subject: two\n\nFrom the body\n\n";
	static const char three[] = FROM "X-UID: 3\n\nlast\n";
	char text[sizeof(one) + sizeof(two) + sizeof(three)];
	size_t ends[] = { sizeof(one) - 1, sizeof(one) + sizeof(two) - 2 };
	struct found found, again;
	enum err_code code;

	snprintf(text, sizeof(text), "%s%s%s", one, two, three);
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		begin(text, cut);
		/* What is written is made durable, which takes its time. */
		readonly = cut % 7 != 0;
		code = try_open();
		if (code != ERR_NONE) {
			/* Not even the first line is there. */
			ck_assert_int_eq(code, ERR_CORRUPT);
			ck_assert_uint_lt(cut, strlen(FROM));
			store = NULL;
			end();
			continue;
		}
		found = scan();
		ck_assert_uint_le(found.n, (cut > 0) + (cut > ends[0]) +
		    (cut > ends[1]));
		ck_assert_uint_ge(found.n, (cut > 0) +
		    (cut >= ends[0] + strlen(FROM)) +
		    (cut >= ends[1] + strlen(FROM)));
		/* Half a From_ line is the end of the message before, as
		   long as nothing follows. */
		if (in_from_line(cut, ends[0]) ||
		    in_from_line(cut, ends[1])) {
			end();
			continue;
		}
		if (cut >= ends[0])
			expect_body(&found, 0, "Subject: one\n\nabc\n");
		if (readonly) {
			end();
			continue;
		}
		append("Subject: new\n\nbody\n");
		again = scan();
		ck_assert_uint_eq(again.n, found.n + 1);
		for (size_t i = 0; i < found.n; i++) {
			ck_assert_uint_eq(again.uid[i], found.uid[i]);
			ck_assert_str_eq(again.guid[i], found.guid[i]);
			ck_assert_uint_eq(again.size[i], found.size[i]);
		}
		expect_body(&again, found.n, "Subject: new\n\nbody\n");
		end();
	}
}
END_TEST

START_TEST(nuls_are_bytes_as_any_other)
{
	static const char text[] = FROM BASE "X-UID: 1\nSubject: a\0b\n\n"
	    "x\0\0y\n\n" FROM "X-UID: 2\nSubject: two\n\nbody\n\n";
	static const char shown[] = "Subject: a\0b\n\nx\0\0y\n";
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;
	struct found found;
	char buf[100];

	begin(text, sizeof(text) - 1);
	ck_assert_int_eq(try_open(), ERR_NONE);
	for (unsigned int i = 0; i < 2; i++) {
		found = scan();
		ck_assert_uint_eq(found.n, 2 + i);
		ck_assert_uint_eq(found.size[0], sizeof(shown) - 1);
		ck_assert_int_eq(store->driver->reader_open(box, 1,
		    found.guid[0], &reader, &info, &err), 0);
		ck_assert_int_eq(store->driver->reader_read(reader, buf,
		    sizeof(buf), &err), (ptrdiff_t)sizeof(shown) - 1);
		ck_assert_mem_eq(buf, shown, sizeof(shown) - 1);
		store->driver->reader_close(&reader);
		expect_body(&found, 1, "Subject: two\n\nbody\n");
		if (i == 0)
			append("Subject: new\n\nbody\n");
	}
	end();
}
END_TEST

START_TEST(a_file_without_a_from_line_is_left_alone)
{
	static const char text[] = "Subject: x\n\nbody\n";
	char back[64];
	int fd;

	begin(text, sizeof(text) - 1);
	ck_assert_int_eq(try_open(), ERR_CORRUPT);
	fd = open(tempdir_path("mail/inbox"), O_RDONLY);
	ck_assert_int_eq(read(fd, back, sizeof(back)),
	    (ssize_t)sizeof(text) - 1);
	close(fd);
	end();
}
END_TEST

START_TEST(a_file_that_is_locked_is_waited_for)
{
	static const char text[] = FROM BASE "X-UID: 1\n\nx\n\n";
	struct flock fl = { .l_type = F_WRLCK };
	int fd;

	begin(text, sizeof(text) - 1);
	fd = open(tempdir_path("mail/inbox"), O_RDWR);
	ck_assert_int_eq(fcntl(fd, F_SETLK, &fl), 0);
	ck_assert_int_eq(try_open(), ERR_TEMP);
	close(fd);
	write_text("mail/inbox.lock", "", 0, 0);
	ck_assert_int_eq(try_open(), ERR_TEMP);
	ck_assert_int_eq(unlink(tempdir_path("mail/inbox.lock")), 0);
	ck_assert_int_eq(try_open(), ERR_NONE);
	end();
}
END_TEST

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

/* Replace nothing, add one and expunge the first, until it is cut off. */
static void
change(void)
{
	struct mail_info info = { .guid = "ours", .received = 5 };
	const struct store_driver *d = store->driver;
	struct mail_writer *writer;
	struct found found = { .n = 0 };
	struct err err = ERR_INIT;

	if (d->scan(box, on_scan, &found, &err) == -1)
		return;
	if (d->append_begin(box, &info, &writer, &err) == -1)
		return;
	if (d->append_write(writer, "Subject: ours\n\nbody\n", 20,
	    &err) == -1) {
		d->append_abort(&writer);
		return;
	}
	if (d->append_commit(&writer, 1, &err) == -1 ||
	    d->expunge(box, 1, found.guid[0], 2, &err) == -1)
		return;
	(void)d->flush(store, on_done, NULL, &err);
}

/*
 * Whatever the write was in the middle of, a message that others appended
 * before anybody could mend it is there, and so are all that were.
 */
START_TEST(mail_that_came_after_a_crash_is_kept)
{
	static const char text[] = FROM BASE "X-UID: 1\nSubject: first\n"
	    "\naaaa\n\n" FROM "X-UID: 2\nSubject: second\n\nbbbb\n\n" FROM
	    "X-UID: 3\nSubject: third\n\ncccc\n\n";
	static const char late[] = FROM "Subject: late\n\nlate\n\n";
	struct failing_plan one;
	struct found found;
	unsigned long at = 0;
	size_t third, last;

	do {
		begin(text, sizeof(text) - 1);
		one = (struct failing_plan){ .fail_at = ++at };
		plan = &one;
		if (try_open() == ERR_NONE) {
			change();
			store->driver->mailbox_close(&box);
			store_close(&store);
		}
		plan = NULL;
		problems = 0;
		write_text("mail/inbox", late, sizeof(late) - 1, O_APPEND);
		ck_assert_int_eq(try_open(), ERR_NONE);
		found = scan();
		ck_assert_uint_ge(found.n, 3);
		third = found.uid[0] == 1 ? 2 : 1;
		last = found.n - 1;
		/* Ours is behind it, unless it was whole. */
		if (strcmp(found.guid[last], "ours") == 0)
			last--;
		ck_assert_uint_eq(problems, 0);
		expect_body(&found, third - 1,
		    "Subject: second\n\nbbbb\n");
		expect_body(&found, third, "Subject: third\n\ncccc\n");
		expect_body(&found, last, "Subject: late\n\nlate\n");
		ck_assert_uint_le(found.n, third + 3);
		end();
	} while (one.count >= at);
	ck_assert_uint_gt(at, 10);
}
END_TEST

/* A message as Dovecot adds it: with the next UID, which X-IMAPbase tells. */
static uint32_t
deliver_numbered(void)
{
	char text[2000], base[32], late[200];
	struct strbuf file;
	struct err err = ERR_INIT;
	unsigned long uid;
	char *at;
	int fd = open(tempdir_path("mail/inbox"), O_RDWR);

	ck_assert_int_ne(fd, -1);
	strbuf_init(&file, sizeof(text));
	ck_assert_int_eq(io_read_file(AT_FDCWD, tempdir_path("mail/inbox"),
	    &file, &err), 0);
	at = strstr(file.data, "X-IMAPbase: 1000000000 ");
	ck_assert_ptr_nonnull(at);
	uid = strtoul(at + 23, NULL, 10) + 1;
	snprintf(base, sizeof(base), "%010lu", uid);
	ck_assert_int_eq(pwrite(fd, base, 10, at + 23 - file.data), 10);
	snprintf(late, sizeof(late), FROM "Subject: late\nX-UID: %lu\n\n"
	    "late\n\n", uid);
	ck_assert_int_eq(pwrite(fd, late, strlen(late), (off_t)file.len),
	    (ssize_t)strlen(late));
	strbuf_deinit(&file);
	close(fd);
	return (uint32_t)uid;
}

/* Add one message, until it is cut off. */
static void
add_ours(void)
{
	struct mail_info info = { .guid = "ours", .received = 5 };
	const struct store_driver *d = store->driver;
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	if (d->append_begin(box, &info, &writer, &err) == -1)
		return;
	if (d->append_write(writer, "Subject: ours\n\nbody\n", 20,
	    &err) == -1)
		d->append_abort(&writer);
	else if (d->append_commit(&writer, 1, &err) == 0)
		(void)d->flush(store, on_done, NULL, &err);
}

/* Open it and come as far as the step; how many there are. */
static unsigned long
cut_off_at(unsigned long at, bool add)
{
	struct failing_plan one = { .fail_at = at };

	plan = &one;
	if (try_open() == ERR_NONE) {
		if (add)
			add_ours();
		store->driver->mailbox_close(&box);
		store_close(&store);
	}
	plan = NULL;
	return one.count;
}

static void
expect_late_and_ours(uint32_t late)
{
	struct found found = scan();
	size_t at = 1;

	ck_assert_uint_eq(problems, 0);
	ck_assert_uint_ge(found.n, 2);
	ck_assert_uint_le(found.n, 3);
	expect_body(&found, 0, "Subject: first\n\naaaa\n");
	while (at < found.n && found.uid[at] != late)
		at++;
	ck_assert_uint_lt(at, found.n);
	expect_body(&found, at, "Subject: late\n\nlate\n");
	if (found.n == 2)
		return;
	at = 3 - at;
	ck_assert_str_eq(found.guid[at], "ours");
	expect_body(&found, at, "Subject: ours\n\nbody\n");
}

/*
 * UIDs that were given to other messages after a change was cut off are not
 * given by it, even if its completion is cut off as well.
 */
START_TEST(a_uid_that_was_given_meanwhile_is_not_given_again)
{
	static const char text[] = FROM "X-IMAPbase: 1000000000 0000000003\n"
	    "X-UID: 1\nSubject: first\n\naaaa\n\n";
	unsigned long at = 0, count, again, stride = 1;
	unsigned int left = 0;
	uint32_t late;

	do {
		again = 0;
		do {
			begin(text, sizeof(text) - 1);
			count = cut_off_at(at + 1, true);
			if (access(tempdir_path("mail/.imap/INBOX/"
			    "dsync-mbox.redo"), F_OK) == -1) {
				end();
				break;
			}
			left++;
			late = deliver_numbered();
			again += stride;
			if (cut_off_at(again, false) < again)
				again = 0;
			ck_assert_int_eq(try_open(), ERR_NONE);
			expect_late_and_ours(late);
			end();
		} while (again > 0);
		/* Every step once; later on some are enough. */
		if (left > 0)
			stride = 11;
	} while (count >= ++at);
	ck_assert_uint_gt(left, 20);
}
END_TEST

static void
append_one(void)
{
	struct mail_info info = { .guid = NULL, .received = 5 };
	const struct store_driver *d = store->driver;
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	ck_assert_int_eq(d->append_begin(box, &info, &writer, &err), 0);
	ck_assert_int_eq(d->append_write(writer, "a: b\n\nc\n", 8, &err),
	    0);
	ck_assert_int_eq(d->append_commit(&writer, 1, &err), 0);
	ck_assert_int_eq(d->flush(store, on_done, NULL, &err), 0);
}

static struct stat
stat_inbox(void)
{
	struct stat st;

	ck_assert_int_eq(stat(tempdir_path("mail/inbox"), &st), 0);
	return st;
}

/* Or two of them may lead back to what Dovecot saw last. */
START_TEST(each_change_makes_the_seconds_of_the_time_rise)
{
	static const char text[] = FROM BASE "X-UID: 1\n\naaaa\n\n";
	struct stat before, after;

	begin(text, sizeof(text) - 1);
	ck_assert_int_eq(try_open(), ERR_NONE);
	(void)scan();
	for (int i = 0; i < 4; i++) {
		before = stat_inbox();
		append_one();
		after = stat_inbox();
		ck_assert_int_gt(after.st_mtime, before.st_mtime);
	}
	end();
}
END_TEST

START_TEST(a_file_has_no_mailboxes_below_it)
{
	struct mailbox_status status = { .uidnext = 0 };
	struct err err = ERR_INIT;
	char name[256];

	begin("", 0);
	ck_assert_int_eq(try_open(), ERR_NONE);
	ck_assert_int_eq(store->driver->map_name(store, "A\x1f" "B", name,
	    sizeof(name), &err), 0);
	ck_assert_str_eq(name, "A\x1f" "B");
	ck_assert_int_eq(store->driver->mailbox_create(store, "A", true,
	    &status, &err), 0);
	ck_assert_int_eq(store->driver->mailbox_create(store, "A\x1f" "B",
	    true, &status, &err), -1);
	ck_assert_int_eq(err.code, ERR_REFUSED);
	ck_assert_int_eq(store->driver->map_name(store, "A\x1f" "B", name,
	    sizeof(name), &err), 0);
	ck_assert_str_eq(name, "A_B");
	ck_assert_int_eq(store->driver->mailbox_create(store, name, true,
	    &status, &err), 0);
	end();
}
END_TEST

START_TEST(from_lines_of_many_kinds_are_read)
{
	static const struct {
		const char *line;
		int64_t time;		/* INT64_MIN: none */
	} lines[] = {
		{ "From a@b  Sun Sep  9 01:46:40 2001", 1000000000 },
		{ "From a@b Sun Sep 9 01:46 2001", 999999960 },
		{ "From a b Sep  9 01:46:40 2001", 1000000000 },
		{ "From a Sun Sep  9 03:46:40 2001 +0200", 1000000000 },
		{ "From a Sun Sep  9 03:46:40 +0200 2001", 1000000000 },
		{ "From a Sun, 9 Sep 2001 01:46:40", 1000000000 },
		{ "From a  Sun Sep  9 01:46:40 2001 remote from h",
		    1000000000 },
		{ "From a  Sun Sep  9 01:46:40 2001\r", 1000000000 },
		{ "From the beginning", INT64_MIN },
		{ "From a Sun Sep  9 01:46:40", INT64_MIN },
		{ "From a Sun Sep  9 25:46:40 2001", INT64_MIN },
		{ "from a Sun Sep  9 01:46:40 2001", INT64_MIN },
		{ "From ", INT64_MIN },
	};
	int64_t received;
	bool r;

	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < nitems(lines); i++) {
		r = from_line_parse(lines[i].line, strlen(lines[i].line),
		    &received);
		ck_assert_msg(r == (lines[i].time != INT64_MIN), "%s",
		    lines[i].line);
		if (r)
			ck_assert_int_eq(received, lines[i].time);
	}
}
END_TEST

START_TEST(dates_come_back_in_the_hour_that_is_there_twice)
{
	char line[FROM_LINE_MAX];
	int64_t back;
	size_t len;

	/* The clocks go back in Berlin at 01:00 UTC. */
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	for (int64_t t = 1729987200 - 7200; t < 1729987200 + 14400; t += 599) {
		len = from_line_format(line, "a@b", t);
		ck_assert(from_line_parse(line, len - 1, &back));
		ck_assert_int_eq(back, t);
	}
	len = from_line_format(line, "a b\n", 0);
	ck_assert(strncmp(line, "From MAILER-DAEMON ", 19) == 0);
	ck_assert_uint_eq(len, strlen(line));
}
END_TEST

START_TEST(the_format_is_detected)
{
	struct mail_location loc = { .driver = NULL };
	struct store_options opts = { .hostname = "h" };
	struct err err = ERR_INIT;

	begin("", 0);
	loc.path = (char *)(uintptr_t)tempdir_path("mail");
	ck_assert_int_eq(store_open(&store, &loc, &opts, &err), 0);
	ck_assert_str_eq(store->driver->name, "mbox");
	store_close(&store);
	loc.path = (char *)(uintptr_t)tempdir_path("mail/inbox");
	ck_assert_int_eq(store_open(&store, &loc, &opts, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.msg, "INBOX="));
	store = NULL;
	end();
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "mbox");

	tcase_set_timeout(tc, 60.0);
	tcase_add_test(tc, messages_are_those_that_dovecot_shows);
	tcase_add_test(tc, a_length_that_lies_hides_no_message);
	tcase_add_test(tc, what_was_delivered_gets_uids_that_stay);
	tcase_add_test(tc, a_file_cut_anywhere_loses_what_is_behind);
	tcase_add_test(tc, nuls_are_bytes_as_any_other);
	tcase_add_test(tc, a_file_without_a_from_line_is_left_alone);
	tcase_add_test(tc, a_file_that_is_locked_is_waited_for);
	tcase_add_test(tc, mail_that_came_after_a_crash_is_kept);
	tcase_add_test(tc, a_uid_that_was_given_meanwhile_is_not_given_again);
	tcase_add_test(tc, each_change_makes_the_seconds_of_the_time_rise);
	tcase_add_test(tc, a_file_has_no_mailboxes_below_it);
	tcase_add_test(tc, from_lines_of_many_kinds_are_read);
	tcase_add_test(tc, dates_come_back_in_the_hour_that_is_there_twice);
	tcase_add_test(tc, the_format_is_detected);
	return unit_run(suite);
}
