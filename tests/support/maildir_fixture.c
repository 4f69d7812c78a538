#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "model/mail_location.h"
#include "tests/support/maildir_fixture.h"
#include "tests/support/tempdir.h"
#include "tests/support/unit.h"

struct maildir_fixture mf;

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	(void)what;
	(void)why;
	(void)arg;
	mf.problems++;
}

void
mf_make_dirs(void)
{
	tempdir_make();
	ck_assert_int_eq(mkdir(tempdir_path("cur"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("new"), 0700), 0);
	ck_assert_int_eq(mkdir(tempdir_path("tmp"), 0700), 0);
}

enum err_code
mf_try_open(bool readonly, unsigned int timeout)
{
	struct mail_location loc = { .driver = NULL };
	struct store_options opts = { .readonly = readonly,
	    .hostname = HOST, .lock_timeout = timeout };
	struct err err = ERR_INIT;
	char path[4096];

	snprintf(path, sizeof(path), "%s", tempdir_path(""));
	path[strlen(path) - 1] = '\0';
	loc.path = path;
	mf.problems = 0;
	ck_assert_msg(store_open(&mf.store, &loc, &opts, &err) == 0, "%s",
	    err.msg);
	mf.d = mf.store->driver;
	ck_assert_str_eq(mf.d->name, "maildir");
	mf.store->problem = on_problem;
	if (mf.d->mailbox_open(mf.store, "INBOX", &mf.box, &err) == -1) {
		mf.box = NULL;
		return err.code;
	}
	return ERR_NONE;
}

void
mf_open(bool readonly)
{
	ck_assert_int_eq(mf_try_open(readonly, 0), ERR_NONE);
}

void
mf_close(void)
{
	if (mf.box != NULL)
		mf.d->mailbox_close(&mf.box);
	store_close(&mf.store);
}

void
mf_end(void)
{
	mf_close();
	clock_set(0);
	tempdir_remove();
}

static int
on_scan(const struct mail_info *info, void *arg, struct err *err)
{
	size_t len = strlen(mf.found);

	(void)arg;
	(void)err;
	snprintf(mf.found + len, sizeof(mf.found) - len, "%u %s %02x\n",
	    (unsigned int)info->uid, info->guid, info->flags);
	return 0;
}

void
mf_scan(void)
{
	struct err err = ERR_INIT;

	mf.found[0] = '\0';
	ck_assert_msg(mf.d->scan(mf.box, on_scan, NULL, &err) == 0, "%s",
	    err.msg);
}

void
mf_expect(const char *lines)
{
	mf_scan();
	ck_assert_str_eq(mf.found, lines);
}

static void
on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag;
	(void)uid;
	(void)modseq;
	(void)arg;
	mf.answered++;
	mf.answer = failure == NULL ? ERR_NONE : failure->code;
	if (failure != NULL)
		mf.failure = failure->code;
}

void
mf_flush(void)
{
	struct err err = ERR_INIT;

	ck_assert_msg(mf.d->flush(mf.store, on_done, NULL, &err) == 0, "%s",
	    err.msg);
}

enum err_code
mf_try_append(const char *guid, const char *body, const char *const *keywords,
    size_t keyword_count)
{
	struct mail_info info = { .guid = guid, .received = 1000000000,
	    .keywords = keywords, .keyword_count = keyword_count };
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	if (mf.d->append_begin(mf.box, &info, &writer, &err) == -1)
		return err.code;
	if (mf.d->append_write(writer, body, strlen(body), &err) == -1) {
		mf.d->append_abort(&writer);
		return err.code;
	}
	if (mf.d->append_commit(&writer, 1, &err) == -1 ||
	    mf.d->flush(mf.store, on_done, NULL, &err) == -1)
		return err.code;
	return mf.answer;
}

size_t
mf_count(const char *name)
{
	DIR *dir = opendir(tempdir_path(name));
	const struct dirent *de;
	const char *dot;
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((de = readdir(dir)) != NULL) {
		dot = strrchr(de->d_name, '.');
		if (dot == NULL || strcmp(dot, ".lock") != 0)
			n++;
	}
	closedir(dir);
	return n - 2;
}
