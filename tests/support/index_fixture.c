#include "config.h"

#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strbuf.h"
#include "tests/support/index_fixture.h"
#include "tests/support/tempdir.h"

#define FILE_MAX	(1U << 20)

struct path_root index_root;
static struct store store;

void
index_fixture_setup(void)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(path_root_open(&index_root, &store, tempdir_make(),
	    false, false, &err), 0);
}

void
index_fixture_teardown(void)
{
	path_root_close(&index_root);
	tempdir_remove();
}

struct index *
index_fixture_open(void)
{
	struct index_options opts = {
		.lock_method = INDEX_LOCK_FCNTL, .lock_timeout = 10,
		.no_fsync = true, .hostname = "test",
	};

	return index_open(&index_root, index_root.fd, INDEX_BASE, &opts);
}

struct index_txn *
index_fixture_begin(struct index *index)
{
	struct err err = ERR_INIT;

	ck_assert_msg(index_lock(index, &err) == 0, "%s", err.msg);
	return index_txn_begin(index);
}

void
index_fixture_commit(struct index_txn **txn)
{
	struct err err = ERR_INIT;

	ck_assert_msg(index_txn_commit(txn, NULL, &err) == 0, "%s", err.msg);
}

static void
dump_message(struct index *index, size_t pos, struct strbuf *out)
{
	struct index_mail mail = index_mail(index, pos);

	strbuf_addf(out, "%u %02x %" PRIu64, mail.uid, mail.flags,
	    index_modseq(index, pos));
	for (size_t i = 0; i < index_state(index)->keyword_count; i++) {
		if (index_has_keyword(index, pos, i))
			strbuf_addf(out, " %s", index_keyword(index, i));
	}
	strbuf_adds(out, "\n");
}

const char *
index_fixture_dump(struct index *index)
{
	static struct strbuf bufs[2];
	static unsigned int turn;
	struct strbuf *out = &bufs[turn++ % 2];
	const struct index_state *st = index_state(index);

	if (out->data == NULL)
		strbuf_init(out, FILE_MAX);
	strbuf_reset(out);
	strbuf_addf(out, "validity %u next %u highest %" PRIu64 "\n",
	    st->uidvalidity, st->next_uid, st->highestmodseq);
	for (size_t i = 0; i < st->count; i++)
		dump_message(index, i, out);
	return out->data;
}

const unsigned char *
index_fixture_read(const char *name, size_t *len_r)
{
	static unsigned char bytes[FILE_MAX];
	int fd = open(tempdir_path(name), O_RDONLY);
	ssize_t n;

	ck_assert_int_ne(fd, -1);
	n = io_read(fd, bytes, sizeof(bytes));
	close(fd);
	ck_assert_int_ge((int)n, 0);
	*len_r = (size_t)n;
	return bytes;
}

void
index_fixture_write(const char *name, const void *data, size_t len)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s", tempdir_path(name));
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq((int)write(fd, data, len), (int)len);
	close(fd);
}

void
index_fixture_unlink(const char *name)
{
	ck_assert_int_eq(unlink(tempdir_path(name)), 0);
}
