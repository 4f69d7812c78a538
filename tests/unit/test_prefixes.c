/*
 * test_prefixes.c - stores in which a file of Dovecot's is any prefix of itself,
 * or has any bit turned over
 *
 * A crash, a full disk or a restore can leave any beginning of an index, a log
 * or a list.  Each is looked at, and some are written to: no message goes, no
 * mail file is changed, and what is refused says why.
 */
#include "config.h"

#include <sys/stat.h>

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/mem.h"
#include "model/mail_location.h"
#include "store/dbox/dbox.h"
#include "store/files/path.h"
#include "store/index/index_list.h"
#include "store/store.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

#define MESSAGES	4U
#define WRITE_EVERY	61U	/* prefixes; all with EVERY=1 */

struct file {
	char *name;		/* below the root */
	char *data;
	size_t len;
	bool mail;		/* holds messages: never to be touched */
};

static const char *const formats[] = { "maildir", "sdbox", "mdbox" };
static ARRAY(struct file) files;
static struct store *store;
static struct mailbox *box;
static char root[256];
static unsigned int problems, scanned, found;
static enum err_code answer;

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	(void)arg;
	ck_assert(what[0] != '\0');
	ck_assert(why == NULL || why->code == ERR_NONE || why->msg[0] != '\0');
	problems++;
}

/* What is refused says why. */
static bool
refused(const struct err *err)
{
	ck_assert_int_ne((int)err->code, (int)ERR_NONE);
	ck_assert(err->msg[0] != '\0');
	return true;
}

static bool
open_all(const char *format, bool readonly)
{
	struct mail_location loc = { .path = root };
	struct store_options opts = { .readonly = readonly,
	    .create = !readonly, .alt_char = '_', .hostname = "test",
	    .lock_timeout = 2 };
	struct err err = ERR_INIT;

	box = NULL;
	store = NULL;
	loc.driver = (char *)(uintptr_t)format;
	if (store_open(&store, &loc, &opts, &err) == -1)
		return !refused(&err);
	store->problem = on_problem;
	if (store->driver->mailbox_open(store, "INBOX", &box, &err) == -1)
		return !refused(&err);
	return true;
}

static void
close_all(void)
{
	if (box != NULL)
		store->driver->mailbox_close(&box);
	store_close(&store);
}

static const char *
guid_of(unsigned int i)
{
	static char guid[40];

	snprintf(guid, sizeof(guid), "1000000000.M%uP1.host", i);
	return guid;
}

static int
on_scan(const struct mail_info *info, void *arg, struct err *err)
{
	(void)arg, (void)err;
	scanned++;
	for (unsigned int i = 0; i < MESSAGES; i++)
		found |= strcmp(info->guid, guid_of(i)) == 0 ? 1U << i : 0;
	return 0;
}

/* False: it was refused. */
static bool
scan(void)
{
	struct err err = ERR_INIT;

	scanned = found = 0;
	if (store->driver->scan(box, on_scan, NULL, &err) == -1)
		return !refused(&err);
	return true;
}

static void
on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag, (void)uid, (void)modseq, (void)arg;
	answer = failure == NULL ? ERR_NONE : failure->code;
	if (failure != NULL)
		(void)refused(failure);
}

static bool
flush(void)
{
	struct err err = ERR_INIT;

	if (store->driver->flush(store, on_done, NULL, &err) == -1)
		return !refused(&err);
	return true;
}

static bool
append(unsigned int i)
{
	static const char *const keywords[] = { "$Work" };
	struct mail_info info = { .guid = guid_of(i), .received = 1000000000,
	    .flags = FLAG_SEEN, .keywords = keywords, .keyword_count = 1 };
	struct mail_writer *writer;
	struct err err = ERR_INIT;
	char body[100];

	snprintf(body, sizeof(body), "Subject: %u\n\nbody %u\n", i, i);
	if (store->driver->append_begin(box, &info, &writer, &err) == -1)
		return !refused(&err);
	if (store->driver->append_write(writer, body, strlen(body),
	    &err) == -1) {
		store->driver->append_abort(&writer);
		return !refused(&err);
	}
	if (store->driver->append_commit(&writer, 1, &err) == -1)
		return !refused(&err);
	return flush();
}

static bool
set_flags(unsigned int i)
{
	static const char *const keywords[] = { "$Work" };
	struct mail_info was = { .guid = guid_of(i), .uid = i + 1,
	    .flags = FLAG_SEEN, .keywords = keywords, .keyword_count = 1 };
	struct err err = ERR_INIT;

	if (store->driver->set_flags(box, &was, FLAG_SEEN | FLAG_FLAGGED,
	    keywords, 1, 0, 2, &err) == -1)
		return !refused(&err);
	return flush();
}

static void
remember(const char *name)
{
	struct file *file = ARRAY_ADD(&files);
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "rb");
	ck_assert_ptr_nonnull(f);
	*file = (struct file){ .name = mem_strdup(name),
	    .data = mem_alloc(65536) };
	file->len = fread(file->data, 1, 65536, f);
	fclose(f);
	file->mail = strstr(name, "cur/") != NULL ||
	    strstr(name, "/u.") != NULL || strstr(name, "storage/m.") != NULL;
}

static bool
is_dir(const char *name)
{
	struct stat st;
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void
walk(const char *below, void (*fn)(const char *name))
{
	char path[512], name[512];
	struct dirent *de;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", root, below);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s%s%.200s", below,
		    below[0] == '\0' ? "" : "/", de->d_name);
		if (is_dir(name))
			walk(name, fn);
		else
			fn(name);
	}
	closedir(dir);
}

static void
drop(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	unlink(path);
}

static void
put(const struct file *file, size_t len)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, file->name);
	f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(file->data, 1, len, f), len);
	fclose(f);
}

/* A list of mailboxes, as Dovecot would have left it. */
static void
make_list(void)
{
	struct index_options opts = { .lock_timeout = 2, .no_fsync = true,
	    .hostname = "test" };
	struct guid128 none = { { 0 } };
	struct store head = { .driver = NULL };
	struct path_root dir;
	struct index *list;
	struct err err = ERR_INIT;
	uint32_t uid;

	ck_assert_int_eq(path_root_open(&dir, &head, root, false, false,
	    &err), 0);
	list = index_open(&dir, dir.fd, INDEX_LIST_BASE, &opts);
	ck_assert_int_eq(index_lock(list, &err), 0);
	ck_assert_int_eq(index_list_add(list, 0, "INBOX", 0, &none, 0, &uid,
	    &err), 0);
	index_close(&list);
	path_root_close(&dir);
}

/* A sound store, of which all files are remembered. */
static void
make(const char *format)
{
	static const char *const dirs[] = { "cur", "new", "tmp" };
	struct mailbox_status status = { .highestmodseq = 40 };
	struct err err = ERR_INIT;

	snprintf(root, sizeof(root), "%s", tempdir_make());
	for (size_t i = 0; i < 3 && strcmp(format, "maildir") == 0; i++)
		ck_assert_int_eq(mkdir(tempdir_path(dirs[i]), 0700), 0);
	make_list();
	ck_assert(open_all(format, false));
	/* An INBOX that was just made, and told of, is still open as that. */
	if (strcmp(format, "maildir") != 0)
		ck_assert_str_eq(((struct dbox_box *)box)->folder->name,
		    "INBOX");
	ck_assert_int_eq(store->driver->set_status(box, &status, 9, &err), 0);
	for (unsigned int i = 0; i < MESSAGES; i++)
		ck_assert(append(i));
	ck_assert(set_flags(1));
	ck_assert(scan());
	ck_assert_uint_eq(found, (1U << MESSAGES) - 1);
	close_all();
	walk("", remember);
}

/* A mail file is as it was, at whatever place and with whatever flags. */
static void
check_mail(const struct file *file)
{
	static char path[512], data[65536];
	const char *colon = strrchr(file->name, ':');
	size_t len = 0, base = colon == NULL ? strlen(file->name) :
	    (size_t)(colon - file->name);
	struct dirent *de;
	DIR *dir;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%.*s", root,
	    (int)(strrchr(file->name, '/') - file->name), file->name);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	base -= (size_t)(strrchr(file->name, '/') + 1 - file->name);
	while ((de = readdir(dir)) != NULL) {
		if (strncmp(de->d_name, strrchr(file->name, '/') + 1,
		    base) != 0 || (de->d_name[base] != '\0' &&
		    de->d_name[base] != ':'))
			continue;
		len = strlen(path);
		snprintf(path + len, sizeof(path) - len, "/%.200s",
		    de->d_name);
		break;
	}
	closedir(dir);
	ck_assert_msg(de != NULL, "%s is gone", file->name);
	f = fopen(path, "rb");
	ck_assert_ptr_nonnull(f);
	len = fread(data, 1, sizeof(data), f);
	fclose(f);
	ck_assert_msg(len >= file->len, "%s was cut", file->name);
	ck_assert_mem_eq(data, file->data, file->len);
}

static void
restore(void)
{
	walk("", drop);
	for (size_t i = 0; i < files.n; i++)
		put(&files.v[i], files.v[i].len);
}

/* A look, and where that is to be, a flag and an append. */
static void
use(const char *format, const struct file *cut, size_t len, bool write)
{
	bool keeps_all = strcmp(format, "maildir") == 0;

	if (open_all(format, !write) && scan() && write &&
	    set_flags(1) && append(MESSAGES))
		(void)scan();
	close_all();
	for (size_t i = 0; i < files.n; i++) {
		if (files.v[i].mail)
			check_mail(&files.v[i]);
	}
	if (!write || !keeps_all)
		return;
	/* All is in the files' names: the rest can be made anew. */
	ck_assert(open_all(format, false) && scan());
	ck_assert_msg((found & ((1U << MESSAGES) - 1)) ==
	    (1U << MESSAGES) - 1, "%s of %zu bytes: %x", cut->name, len, found);
	ck_assert_uint_eq(scanned, MESSAGES + 1);
	close_all();
}

static bool
is_sample(const char *name)
{
	const char *base = strrchr(name, '/');

	base = base == NULL ? name : base + 1;
	return strncmp(base, "dovecot", 7) == 0 &&
	    strncmp(base, "dovecot-uidvalidity", 19) != 0;
}

static void
setup(void)
{
	problems = 0;
}

static void
teardown(void)
{
	for (size_t i = 0; i < files.n; i++) {
		free(files.v[i].name);
		free(files.v[i].data);
	}
	ARRAY_FREE(&files);
	tempdir_remove();
}

/* turn: a bit of each byte, instead of cutting there. */
static void
harm_all(const char *format, bool turn)
{
	const char *every = getenv("EVERY");
	size_t step = every != NULL ? 1 : WRITE_EVERY, n = 0, k = 0;

	make(format);
	for (size_t i = 0; i < files.n; i++) {
		struct file *cut = &files.v[i];

		if (cut->mail || !is_sample(cut->name))
			continue;
		n++;
		for (size_t len = 0; len < cut->len; len++) {
			bool write = k++ % step == 0;

			cut->data[len] ^= (char)(turn ? 1 << len % 8 : 0);
			put(cut, turn ? cut->len : len);
			cut->data[len] ^= (char)(turn ? 1 << len % 8 : 0);
			use(format, cut, len, false);
			if (write) {
				use(format, cut, len, true);
				restore();
			}
		}
		put(cut, cut->len);
	}
	ck_assert_uint_ge(n, 2);
	ck_assert_uint_ge(k, 500);
}

START_TEST(any_beginning_of_a_file_costs_no_message)
{
	harm_all(formats[_i], false);
}
END_TEST

START_TEST(any_bit_turned_over_costs_no_message)
{
	harm_all(formats[_i], true);
}
END_TEST

int
main(void)
{
	Suite *suite;
	TCase *tc = unit_case(&suite, "prefixes");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, any_beginning_of_a_file_costs_no_message, 0,
	    nitems(formats));
	tcase_add_loop_test(tc, any_bit_turned_over_costs_no_message, 0,
	    nitems(formats));
	return unit_run(suite);
}
