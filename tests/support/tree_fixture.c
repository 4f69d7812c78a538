#include "config.h"

#include <sys/stat.h>

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "model/mail_location.h"
#include "tests/support/tempdir.h"
#include "tests/support/tree_fixture.h"

struct tree_fixture tf;

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	size_t len = strlen(tf.told);

	(void)arg;
	tf.problems++;
	snprintf(tf.told + len, sizeof(tf.told) - len, "%s: %s\n", what,
	    why == NULL ? "" : why->msg);
}

enum err_code
tf_try_open(const char *format, const char *keys, bool create)
{
	struct store_options opts = { .create = create, .alt_char = '_',
	    .hostname = "test.example" };
	struct mail_location loc;
	struct err err = ERR_INIT;
	char text[8000], home[4000];
	int r;

	snprintf(home, sizeof(home), "%s", tempdir_path(""));
	home[strlen(home) - 1] = '\0';
	snprintf(text, sizeof(text), "%s:~/mail%s", format, keys);
	ck_assert_int_eq(mail_location_parse(&loc, text, home, NULL, &err),
	    0);
	r = store_open(&tf.store, &loc, &opts, &err);
	mail_location_deinit(&loc);
	if (r == -1) {
		tf.store = NULL;
		return err.code;
	}
	tf.d = tf.store->driver;
	tf.store->problem = on_problem;
	tf.told[0] = '\0';
	tf.problems = 0;
	return ERR_NONE;
}

void
tf_end(void)
{
	store_close(&tf.store);
	tempdir_remove();
}

void
tf_create(const char *name)
{
	const struct mailbox_status status = { .uidnext = 0 };
	struct err err = ERR_INIT;

	ck_assert_msg(tf.d->mailbox_create(tf.store, name, true, &status,
	    &err) == 0, "%s", err.msg);
}

void
tf_on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag;
	(void)uid;
	(void)modseq;
	(void)arg;
	ck_assert_ptr_null(failure);
}

void
tf_append(const char *name, const char *guid, const char *body)
{
	const struct mail_info info = { .guid = guid, .received = 1 };
	struct mail_writer *writer;
	struct mailbox *box;
	struct err err = ERR_INIT;

	ck_assert_int_eq(tf.d->mailbox_open(tf.store, name, &box, &err), 0);
	ck_assert_int_eq(tf.d->append_begin(box, &info, &writer, &err), 0);
	ck_assert_int_eq(tf.d->append_write(writer, body, strlen(body),
	    &err), 0);
	ck_assert_int_eq(tf.d->append_commit(&writer, 0, &err), 0);
	ck_assert_int_eq(tf.d->flush(tf.store, tf_on_done, NULL, &err), 0);
	tf.d->mailbox_close(&box);
}

static int
add_listed(const struct store_listing *listing, void *arg, struct err *err)
{
	size_t len = strlen(tf.listed);

	(void)arg;
	(void)err;
	snprintf(tf.listed + len, sizeof(tf.listed) - len, "%s%s ",
	    listing->name, listing->selectable ? "" : "/");
	return 0;
}

int
tf_try_list(struct err *err)
{
	tf.listed[0] = tf.told[0] = '\0';
	tf.problems = 0;
	return tf.d->list(tf.store, add_listed, NULL, err);
}

const char *
tf_list(void)
{
	struct err err = ERR_INIT;

	ck_assert_msg(tf_try_list(&err) == 0, "%s", err.msg);
	return tf.listed;
}

bool
tf_exists(const char *name)
{
	struct stat st;

	return lstat(tempdir_path(name), &st) == 0;
}
