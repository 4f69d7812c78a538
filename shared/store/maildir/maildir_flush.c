/*
 * The order of a flush, and why a crash between any two steps does no harm:
 *
 *  1. Bodies, all still in tmp/, are made durable together.
 *  2. For each mailbox, under its uidlist lock: keywords, then the lines of
 *     dovecot-uidlist, durable.  A line without a file means nothing.
 *  3. Files are renamed from tmp/ to cur/: each is complete and has its line.
 *     Flags are renames within cur/.  Then the directory is made durable.
 *  4. When that is done for all mailboxes, expunges are: whatever replaces or
 *     repeats an expunged message elsewhere is already there.
 *
 * After a failed fsync nobody knows what is on disk: flush ends with -1.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "store/maildir/maildir.h"

void
maildir_op_done(const struct maildir_answer *answer, struct maildir_op *op,
    uint32_t uid)
{
	op->answered = true;
	answer->done(op->tag, uid, 0, NULL, answer->arg);
}

void
maildir_op_failed(const struct maildir_answer *answer, struct maildir_op *op,
    const struct err *failure)
{
	op->answered = true;
	answer->done(op->tag, 0, 0, failure, answer->arg);
}

/* All that is not yet answered failed for the same reason. */
static void
fail_all(struct maildir_box *box, const struct maildir_answer *answer,
    const struct err *failure)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].answered)
			maildir_op_failed(answer, &box->ops.v[i], failure);
	}
}

static int
sync_bodies(struct maildir_store *store, struct err *err)
{
	struct maildir_op *op;
	bool each = store->unsynced <= FSYNC_EACH_MAX;

	if (store->unsynced == 0 || !store->root.local)
		return 0;
	if (!each && path_syncfs(&store->root, err) == -1)
		return -1;
	for (struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; i < box->ops.n; i++) {
			op = &box->ops.v[i];
			if (op->fd == -1)
				continue;
			if (each && path_fsync(&store->root, op->fd,
			    err) == -1)
				return -1;
			close(op->fd);
			op->fd = -1;
		}
	}
	return 0;
}

static bool
has_kind(const struct maildir_box *box, bool expunges)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].answered &&
		    (box->ops.v[i].kind == OP_EXPUNGE) == expunges)
			return true;
	}
	return false;
}

/*
 * Take the lock and know the list; 1: done; 0: it can't be, and all is
 * answered; -1: the process is gone.
 */
static int
begin_box(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct err why = ERR_INIT;

	if (maildir_box_lock(box, &why) == 0) {
		if (maildir_keywords_load(box, &why) == 0 &&
		    maildir_list_refresh(box, &why) == 0)
			return 1;
		maildir_box_unlock(box);
	}
	if (box->store->root.gone) {
		*err = why;
		return -1;
	}
	if (why.code == ERR_NOTFOUND)
		err_set(&why, ERR_STALE, "the mailbox was removed");
	fail_all(box, answer, &why);
	return 0;
}

/* 1: the file is gone, now or before; 0: failed and answered; -1: the end. */
static int
expunge_one(struct maildir_box *box, struct maildir_op *op,
    const struct maildir_answer *answer, unsigned int *changed,
    struct err *err)
{
	struct path_root *root = &box->store->root;
	char name[FILE_NAME_MAX + 1];
	struct table_entry *entry;
	struct err why;
	size_t len = strlen(op->base);

	for (;;) {
		entry = table_find(box->table, op->base, len);
		why = (struct err)ERR_INIT;
		why.errnum = ENOENT;
		if (entry != NULL && table_file_name(box->table, entry,
		    op->base, len, name) && path_unlink(root,
		    entry->bits & ENTRY_CUR ? box->cur_fd : box->new_fd,
		    name, false, &why) == 0) {
			*changed |= entry->bits & ENTRY_FILE;
			entry->bits &= ~ENTRY_FILE;
			return 1;
		}
		if (root->gone) {
			*err = why;
			return -1;
		}
		if (why.errnum != ENOENT) {
			maildir_op_failed(answer, op, &why);
			return 0;
		}
		/* Perhaps its flags changed: look once in each flush. */
		if (box->reread)
			return 1;
		box->reread = true;
		if (maildir_read_dirs(box, true, err) == -1)
			return -1;
	}
}

static int
fsync_dirs(struct maildir_box *box, unsigned int changed, struct err *err)
{
	struct path_root *root = &box->store->root;

	if ((changed & ENTRY_CUR) &&
	    path_fsync(root, box->cur_fd, err) == -1)
		return -1;
	if (changed & ENTRY_NEW)
		return path_fsync(root, box->new_fd, err);
	return 0;
}

static int
expunge_all(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct maildir_op *op;
	/* Also what was gone before may not be so durably. */
	unsigned int changed = ENTRY_CUR;

	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (op->kind != OP_EXPUNGE || op->answered ||
		    op->base == NULL)
			continue;
		if (expunge_one(box, op, answer, &changed, err) == -1)
			return -1;
		if (i % 1024 == 1023 && dotlock_keep(&box->lock, err) == -1)
			return -1;
	}
	if (fsync_dirs(box, changed, err) == -1)
		return -1;
	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (op->kind == OP_EXPUNGE && !op->answered)
			maildir_op_done(answer, op, op->uid);
	}
	return 0;
}

/* Do what work does of a mailbox's operations, under its lock. */
static int
flush_box(struct maildir_box *box, const struct maildir_answer *answer,
    int (*work)(struct maildir_box *, const struct maildir_answer *,
    struct err *), struct err *err)
{
	int ret = begin_box(box, answer, err);

	if (ret != 1)
		return ret;
	ret = maildir_look_up(box, answer, err);
	if (ret == 0)
		ret = work(box, answer, err);
	maildir_box_unlock(box);
	return ret;
}

int
maildir_flush(struct store *head, store_done_fn *done, void *arg,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	const struct maildir_answer answer = { done, arg };
	struct maildir_box *box;

	if (maildir_writable(store, err) == -1 ||
	    sync_bodies(store, err) == -1)
		return -1;
	for (box = store->boxes; box != NULL; box = box->next) {
		box->reread = false;
		if (has_kind(box, false) &&
		    flush_box(box, &answer, maildir_apply, err) == -1)
			return -1;
	}
	for (box = store->boxes; box != NULL; box = box->next) {
		if (has_kind(box, true) &&
		    flush_box(box, &answer, expunge_all, err) == -1)
			return -1;
	}
	for (box = store->boxes; box != NULL; box = box->next)
		maildir_ops_free(box);
	store->unsynced = 0;
	return 0;
}
