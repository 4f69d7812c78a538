#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/mbox/journal_table.h"

void
change_init(struct change *change)
{
	*change = (struct change){ .has_tail = false };
	strbuf_init(&change->text, (size_t)1 << 40);
}

void
change_deinit(struct change *change)
{
	ARRAY_FREE(&change->tail);
	ARRAY_FREE(&change->patches);
	ARRAY_FREE(&change->given.lines);
	strbuf_deinit(&change->text);
}

void
change_add(struct change *change, int fd, uint64_t offset, uint64_t len)
{
	struct piece *last = change->tail.n == 0 ? NULL :
	    &change->tail.v[change->tail.n - 1];

	if (len == 0)
		return;
	if (last != NULL && last->fd == fd &&
	    last->offset + last->len == offset)
		last->len += len;
	else
		*ARRAY_ADD(&change->tail) = (struct piece){ fd, offset, len };
}

void
change_add_text(struct change *change, size_t start)
{
	change_add(change, -1, start, change->text.len - start);
}

int
journal_copy_in(struct path_root *root, struct spool *spool, int fd, uint64_t offset,
    uint64_t len, struct err *err)
{
	char *buf = mem_alloc(COPY_SIZE);
	int ret = 0;

	while (len > 0 && ret == 0) {
		size_t want = len < COPY_SIZE ? (size_t)len : COPY_SIZE;

		if (journal_pread(fd, buf, want, offset, err) == -1 ||
		    path_pwrite(root, spool->fd, buf, want, spool->size,
		    err) == -1) {
			ret = -1;
			break;
		}
		spool->size += want;
		offset += want;
		len -= want;
	}
	free(buf);
	return ret;
}

static int
put_text(struct path_root *root, struct spool *spool,
    const struct strbuf *text, uint64_t *at_r, struct err *err)
{
	size_t done = 0, n;

	*at_r = spool->size;
	for (; done < text->len; done += n) {
		n = text->len - done < COPY_SIZE ? text->len - done :
		    COPY_SIZE;
		if (path_pwrite(root, spool->fd, text->data + done, n,
		    spool->size, err) == -1)
			return -1;
		spool->size += n;
	}
	return 0;
}

/* All that the change needs is in the spool; table says where. */
static int
gather(struct mbox_box *box, struct change *change, struct spool *spool,
    struct journal *table, struct err *err)
{
	struct path_root *root = mbox_index_root(box->store);
	uint64_t text;

	if (put_text(root, spool, &change->text, &text, err) == -1)
		return -1;
	for (size_t i = 0; i < change->patches.n; i++) {
		const struct patch *p = &change->patches.v[i];

		*ARRAY_ADD(&table->patches) = (struct journal_patch){
		    p->offset, p->len, text + p->fresh, text + p->old };
	}
	for (size_t i = 0; i < change->tail.n; i++) {
		const struct piece *p = &change->tail.v[i];
		uint64_t at = p->offset;

		if (p->fd == -1) {
			at += text;
		} else if (p->fd != spool->fd) {
			at = spool->size;
			if (journal_copy_in(root, spool, p->fd, p->offset,
			    p->len, err) == -1)
				return -1;
		}
		journal_add_data(table, at, p->len);
	}
	return 0;
}

/* Everything that a redo needs to know of the mbox as it is. */
static int
describe(struct mbox_box *box, const struct change *change,
    struct journal *table, struct err *err)
{
	struct path_stat st;

	if (path_fstat(box->fd, &st, err) == -1)
		return -1;
	table->dev = st.dev;
	table->ino = st.ino;
	table->mtime = st.mtime > change->mtime ? st.mtime : change->mtime;
	table->old_size = table->new_size = st.size;
	table->has_tail = change->has_tail;
	if (!change->has_tail)
		return 0;
	journal_set_given(table, &change->given);
	table->offset = change->offset;
	table->new_size = change->offset;
	for (size_t i = 0; i < change->tail.n; i++)
		table->new_size += change->tail.v[i].len;
	return 0;
}

static int
write_journal(struct mbox_box *box, struct change *change,
    struct spool *spool, struct journal *table, struct err *err)
{
	struct path_root *root = mbox_index_root(box->store);
	struct strbuf text;
	uint64_t at;
	int ret = -1;

	strbuf_init(&text, (size_t)1 << 40);
	if (describe(box, change, table, err) == 0 &&
	    gather(box, change, spool, table, err) == 0 &&
	    journal_digests(box, spool->fd, table, err) == 0) {
		journal_format(table, &text, spool->size);
		if (put_text(root, spool, &text, &at, err) == 0 &&
		    path_truncate(root, spool->fd, spool->size, err) == 0)
			ret = path_fsync(root, spool->fd, err);
	}
	strbuf_deinit(&text);
	return ret;
}

/*
 * Dovecot knows the file by its size and by the second of its time.  As times
 * rise with each change, no two changes in one second lead back to both.
 */
int
journal_new_time(struct mbox_box *box, int64_t before, struct err *err)
{
	struct path_stat st;

	if (path_fstat(box->fd, &st, err) == -1)
		return -1;
	if (st.mtime > before)
		return 0;
	return path_set_mtime(box->root, box->fd, before + 1, err);
}

static int
apply_tail(struct mbox_box *box, int fd, const struct journal *table,
    struct err *err)
{
	uint64_t to = table->offset;
	char *buf = mem_alloc(COPY_SIZE);
	int ret = 0;

	for (size_t i = 0; i < table->data.n && ret == 0; i++) {
		uint64_t from = table->data.v[i].offset;
		uint64_t left = table->data.v[i].len;

		while (left > 0 && ret == 0) {
			size_t n = left < COPY_SIZE ? (size_t)left :
			    COPY_SIZE;

			if (journal_pread(fd, buf, n, from, err) == -1 ||
			    mbox_lock_keep(box, err) == -1 ||
			    path_pwrite(box->root, box->fd, buf, n, to,
			    err) == -1)
				ret = -1;
			from += n;
			to += n;
			left -= n;
		}
	}
	free(buf);
	if (ret == 0 && table->new_size < table->old_size)
		ret = path_truncate(box->root, box->fd, table->new_size,
		    err);
	return ret;
}

int
journal_apply(struct mbox_box *box, int fd, const struct journal *table,
    struct err *err)
{
	char *buf;
	int ret = 0;

	for (size_t i = 0; i < table->patches.n && ret == 0; i++) {
		const struct journal_patch *p = &table->patches.v[i];

		buf = mem_alloc(p->len);
		if (journal_pread(fd, buf, p->len, p->fresh, err) == -1 ||
		    path_pwrite(box->root, box->fd, buf, p->len, p->offset,
		    err) == -1)
			ret = -1;
		free(buf);
	}
	if (ret == 0 && table->has_tail)
		ret = apply_tail(box, fd, table, err);
	if (ret == 0)
		ret = journal_new_time(box, table->mtime, err);
	return ret == -1 ? -1 : path_fsync(box->root, box->fd, err);
}

/*
 * It is done; nobody may find it again once the mbox is unlocked.  Dovecot has
 * to know before that, as from then on nobody would tell it.
 */
int
journal_remove(struct mbox_box *box, struct err *err)
{
	struct path_root *root = mbox_index_root(box->store);

	mbox_index_look(box);
	if (path_unlink(root, box->state_fd, JOURNAL_NAME, false, err) == -1)
		return -1;
	return path_fsync(root, box->state_fd, err);
}

/* Room for what is to come, so that the disk is not full in the middle. */
static int
make_room(struct mbox_box *box, const struct journal *table, struct err *err)
{
	if (table->new_size <= table->old_size ||
	    fallocate(box->fd, FALLOC_FL_KEEP_SIZE, (off_t)table->old_size,
	    (off_t)(table->new_size - table->old_size)) == 0 ||
	    (errno != ENOSPC && errno != EDQUOT && errno != EFBIG))
		return 0;
	return err_sys(err, "%s", box->file);
}

/*
 * If there is no room, all is as before, without a journal, if not *unknown_r.
 * To make it changes the time of the file, so a journal that tells of it is
 * there.
 */
static int
reserve(struct mbox_box *box, const struct journal *table, bool *unknown_r,
    struct err *err)
{
	struct err failure = ERR_INIT;

	if (make_room(box, table, err) == 0)
		return 0;
	if (journal_new_time(box, table->mtime - 1, &failure) == 0 &&
	    journal_remove(box, &failure) == 0)
		*unknown_r = false;
	return -1;
}

static int
publish(struct mbox_box *box, struct spool *spool, bool *unknown_r,
    struct err *err)
{
	struct path_root *root = mbox_index_root(box->store);

	if (path_rename_over(root, box->state_fd, spool->name, JOURNAL_NAME,
	    err) == -1)
		return -1;
	spool->named = false;
	*unknown_r = true;
	return path_fsync(root, box->state_fd, err);
}

/*
 * Patches alone need no journal if each of them is within one page: a page is
 * written or not, and each patch is complete in itself.
 */
static bool
can_be_direct(const struct change *change)
{
	if (change->has_tail)
		return false;
	for (size_t i = 0; i < change->patches.n; i++) {
		const struct patch *p = &change->patches.v[i];

		if (p->offset / 4096 != (p->offset + p->len - 1) / 4096)
			return false;
	}
	return true;
}

static int
commit_directly(struct mbox_box *box, const struct change *change,
    bool *unknown_r, struct err *err)
{
	struct path_stat before;

	if (path_fstat(box->fd, &before, err) == -1)
		return -1;
	/* In the end its time alone tells Dovecot of it. */
	mbox_index_look(box);
	for (size_t i = 0; i < change->patches.n; i++) {
		const struct patch *p = &change->patches.v[i];

		if (path_pwrite(box->root, box->fd,
		    change->text.data + p->fresh, p->len, p->offset,
		    err) == -1)
			return -1;
		*unknown_r = true;
	}
	if (journal_new_time(box, before.mtime, err) == -1)
		return -1;
	return path_fsync(box->root, box->fd, err);
}

/*
 * One that takes the place of another may not go without being carried out: of
 * what that one began to overwrite there is no other copy.  So room is made
 * before.
 */
static int
publish_with_room(struct mbox_box *box, struct spool *spool,
    const struct journal *table, bool *unknown_r, struct err *err)
{
	int left = journal_exists(box, err);

	if (left == -1 || (left == 1 && make_room(box, table, err) == -1) ||
	    publish(box, spool, unknown_r, err) == -1)
		return -1;
	return left == 1 ? 0 : reserve(box, table, unknown_r, err);
}

static int
commit_journal(struct mbox_box *box, struct change *change, bool *unknown_r,
    struct err *err)
{
	struct spool *spool = change->spool != NULL ?
	    spool_ref(change->spool) : spool_new(box, err);
	struct journal table;
	int ret = -1;

	if (spool == NULL)
		return -1;
	journal_init(&table);
	if (write_journal(box, change, spool, &table, err) == 0 &&
	    mbox_lock_keep(box, err) == 0 &&
	    publish_with_room(box, spool, &table, unknown_r, err) == 0 &&
	    journal_apply(box, spool->fd, &table, err) == 0)
		ret = journal_remove(box, err);
	journal_deinit(&table);
	spool_unref(box, &spool);
	return ret;
}

int
journal_commit(struct mbox_box *box, struct change *change,
    struct path_stat *st_r, bool *unknown_r, struct err *err)
{
	int ret;

	*unknown_r = false;
	ret = can_be_direct(change) ?
	    commit_directly(box, change, unknown_r, err) :
	    commit_journal(box, change, unknown_r, err);
	if (ret == 0)
		ret = path_fstat(box->fd, st_r, err);
	if (ret == 0) {
		*unknown_r = false;
		mbox_settle(box, st_r);
	}
	return ret;
}

int
journal_exists(struct mbox_box *box, struct err *err)
{
	struct path_stat st;

	if (box->state_fd == -1)
		return 0;
	if (path_stat(mbox_index_root(box->store), box->state_fd, NULL,
	    JOURNAL_NAME, &st, err) == -1)
		return -1;
	return st.exists;
}
