/*
 * The order of a flush, and why a crash between any two steps does no harm:
 *
 *  1. Bodies, all still in tmp/ or without a name, are made durable together,
 *     small ones with the lists.
 *  2. For each mailbox, under its uidlist lock: keywords, then the lines of
 *     dovecot-uidlist; then all of these are made durable, and get their names
 *     where they are new files.  A line without a file means nothing, nor does
 *     a letter that no file has.
 *  3. Files are renamed from tmp/ to cur/, or linked there if they had no name
 *     so far, or are messages elsewhere: each is complete and has its line.
 *     Flags are renames within cur/.  Then the directories are made durable.
 *     The index is told of it (maildir_index.h).
 *  4. When that is done for all mailboxes, expunges are: whatever replaces or
 *     repeats an expunged message elsewhere is already there.  Their lines go
 *     when their files are durably gone.
 *
 * Each step is made for all mailboxes before the next one, so that it costs
 * one wait for the disk and not one for each.  Who waits for a lock that
 * somebody holds would keep the others from theirs: such a mailbox is left
 * for later, and flushed alone.
 *
 * After a failed fsync nobody knows what is on disk: flush ends with -1.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "store/maildir/maildir.h"

/* Bytes of bodies that are made durable while locks are held. */
#define SYNC_LATER_MAX	((uint64_t)16 << 20)

void
maildir_op_done(const struct maildir_answer *answer, struct maildir_op *op,
    uint32_t uid)
{
	op->answered = true;
	answer->done(op->tag, uid, op->modseq_now, NULL, answer->arg);
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

/*
 * Many descriptors are made durable by one call for their file system; a few,
 * or on one that knows of no such call, each by itself.
 */
struct sync_set {
	struct maildir_store *store;
	bool whole;		/* the file system, however few they are */
	ARRAY(int) fds;
};

int
maildir_sync_file_systems(struct maildir_store *store, struct err *err)
{
	if (path_syncfs(&store->root, err) == -1 ||
	    (store->inbox_elsewhere &&
	    path_syncfs(&store->inbox, err) == -1) ||
	    (store->control_elsewhere &&
	    path_syncfs(&store->control, err) == -1))
		return -1;
	return 0;
}

static void
sync_add(struct sync_set *set, int fd)
{
	if (fd != -1)
		*ARRAY_ADD(&set->fds) = fd;
}

static int
sync_all(struct sync_set *set, struct err *err)
{
	int ret = 0;

	if (set->whole ||
	    (set->store->root.local && set->fds.n > FSYNC_EACH_MAX))
		ret = maildir_sync_file_systems(set->store, err);
	else
		for (size_t i = 0; i < set->fds.n && ret == 0; i++)
			ret = path_fsync(&set->store->root, set->fds.v[i],
			    err);
	ARRAY_FREE(&set->fds);
	return ret;
}

/* Take over what the helper wrote. */
static int
take_bodies(struct maildir_store *store, const struct maildir_answer *answer,
    struct err *err)
{
	struct maildir_op *op;
	struct err why;

	if (store->queue == NULL)
		return 0;
	if (body_queue_wait(store->queue, err) == -1)
		return -1;
	for (struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; i < box->ops.n; i++) {
			op = &box->ops.v[i];
			if (op->body == NULL)
				continue;
			why = (struct err)ERR_INIT;
			op->fd = body_finish(&op->body, &why);
			if (op->fd == -1)
				maildir_op_failed(answer, op, &why);
		}
	}
	return 0;
}

/* So few bytes that others may wait for the lock until they are durable? */
static bool
bodies_are_small(const struct maildir_store *store)
{
	uint64_t bytes = 0;

	for (const struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; i < box->ops.n; i++)
			bytes += box->ops.v[i].size;
	}
	return bytes <= SYNC_LATER_MAX;
}

/*
 * synced: the file systems were just now.  Small bodies are made durable with
 * the lists, whose lines mean nothing before their files have names.
 */
static int
sync_bodies(struct maildir_store *store, bool synced, struct err *err)
{
	struct maildir_op *op;
	bool each = store->unsynced <= FSYNC_EACH_MAX && !synced;

	if (store->unsynced == 0 || !store->root.local)
		return 0;
	if (!each && !synced) {
		store->sync_due = bodies_are_small(store);
		if (!store->sync_due &&
		    maildir_sync_file_systems(store, err) == -1)
			return -1;
	}
	for (struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; i < box->ops.n; i++) {
			op = &box->ops.v[i];
			if (op->fd == -1)
				continue;
			if (each && path_fsync(&store->root, op->fd,
			    err) == -1)
				return -1;
			if (op->tmp_name == NULL)
				continue;
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
 * Take the lock and know the list; 1: done; 0: it can't be, with why; -1: the
 * process is gone.
 */
static int
begin_box(struct maildir_box *box, unsigned int timeout, struct err *why)
{
	if (maildir_box_lock(box, timeout, why) == 0) {
		if (maildir_keywords_load(box, why) == 0 &&
		    maildir_list_refresh(box, why) == 0 &&
		    maildir_index_lock(box, timeout, why) == 0) {
			box->in_group = true;
			box->control_renamed = box->new_changed = false;
			return 1;
		}
		maildir_box_unlock(box);
	}
	return box->store->root.gone ? -1 : 0;
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
			op->unlinked = true;
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

/* Call fn for each mailbox of the group. */
static int
each_box(struct maildir_store *store, const struct maildir_answer *answer,
    int (*fn)(struct maildir_box *, const struct maildir_answer *,
    struct err *), struct err *err)
{
	for (struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		if (box->in_group && fn(box, answer, err) == -1)
			return -1;
	}
	return 0;
}

static int
sync_lists(struct maildir_store *store, struct err *err)
{
	struct sync_set set = { .store = store, .whole = store->sync_due };

	for (struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		if (!box->in_group)
			continue;
		sync_add(&set, box->writing.fd);
		sync_add(&set, box->keywords_fd);
	}
	store->sync_due = false;
	return sync_all(&set, err);
}

static int
sync_renamed(struct maildir_store *store, struct err *err)
{
	struct sync_set set = { .store = store };

	for (struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		if (box->in_group && box->control_renamed)
			sync_add(&set, box->control_fd);
	}
	return sync_all(&set, err);
}

static int
sync_dirs(struct maildir_store *store, struct err *err)
{
	/* What got a name has it in its directory and in its inode. */
	struct sync_set set = { .store = store, .whole = store->linked };

	for (struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		if (!box->in_group)
			continue;
		sync_add(&set, box->cur_fd);
		if (box->new_changed)
			sync_add(&set, box->new_fd);
	}
	store->linked = false;
	return sync_all(&set, err);
}

/* All operations but expunges that are not answered yet are done. */
static int
answer_box(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct maildir_op *op;

	(void)err;
	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (!op->answered && op->kind != OP_EXPUNGE)
			maildir_op_done(answer, op, op->uid);
	}
	return 0;
}

static int
commit_changes(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	(void)answer;
	return maildir_index_commit(box, false, err);
}

static int
commit_expunges(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	(void)answer;
	return maildir_index_commit(box, true, err);
}

static int
follow_box(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	(void)answer;
	return maildir_listed_follow(box, err);
}

static int
apply_group(struct maildir_store *store, const struct maildir_answer *answer,
    struct err *err)
{
	if (each_box(store, answer, maildir_apply_lists, err) == -1 ||
	    sync_lists(store, err) == -1 ||
	    each_box(store, answer, maildir_apply_publish, err) == -1 ||
	    sync_renamed(store, err) == -1)
		return -1;
	maildir_name_half(store);
	if (each_box(store, answer, maildir_apply_files, err) == -1 ||
	    sync_dirs(store, err) == -1 ||
	    each_box(store, answer, commit_changes, err) == -1)
		return -1;
	if (store->layout->listed &&
	    each_box(store, answer, follow_box, err) == -1)
		return -1;
	return each_box(store, answer, answer_box, err);
}

static int
expunge_box(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct maildir_op *op;
	unsigned int changed = 0;

	if (maildir_look_up(box, answer, err) == -1)
		return -1;
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
	/* Also what was gone before may not be so durably: cur always. */
	box->new_changed = (changed & ENTRY_NEW) != 0;
	return 0;
}

static int
answer_expunges(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct maildir_op *op;

	(void)err;
	for (size_t i = 0; i < box->ops.n; i++) {
		op = &box->ops.v[i];
		if (op->kind == OP_EXPUNGE && !op->answered)
			maildir_op_done(answer, op, op->uid);
	}
	return 0;
}

static int
drop_lines(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct err why = ERR_INIT;

	(void)answer;
	return maildir_drop_unlinked(box, &why) == -1 ?
	    maildir_lines_stay(box, &why, err) : 0;
}

static int
publish_list(struct maildir_box *box, const struct maildir_answer *answer,
    struct err *err)
{
	struct err why = ERR_INIT;

	(void)answer;
	return box->writing.fd != -1 &&
	    maildir_list_publish(box, &box->writing, &why) == -1 ?
	    maildir_lines_stay(box, &why, err) : 0;
}

static int
expunge_group(struct maildir_store *store,
    const struct maildir_answer *answer, struct err *err)
{
	if (each_box(store, answer, expunge_box, err) == -1 ||
	    sync_dirs(store, err) == -1 ||
	    each_box(store, answer, commit_expunges, err) == -1 ||
	    each_box(store, answer, drop_lines, err) == -1 ||
	    sync_lists(store, err) == -1 ||
	    each_box(store, answer, publish_list, err) == -1)
		return -1;
	return each_box(store, answer, answer_expunges, err);
}

static void
end_group(struct maildir_store *store)
{
	for (struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		if (!box->in_group)
			continue;
		maildir_list_abort(box, &box->writing);
		maildir_keywords_abort(box);
		maildir_index_unlock(box);
		maildir_box_unlock(box);
		box->in_group = false;
	}
}

/* Do what work does of the operations of those that are in the group. */
static int
run_group(struct maildir_store *store, const struct maildir_answer *answer,
    bool expunges, struct err *err)
{
	int ret = expunges ? expunge_group(store, answer, err) :
	    apply_group(store, answer, err);

	end_group(store);
	return ret;
}

/* A mailbox whose lock was not to be had at once. */
static int
flush_late(struct maildir_box *box, const struct maildir_answer *answer,
    bool expunges, struct err *err)
{
	struct err why = ERR_INIT;
	int r = begin_box(box, box->store->lock_timeout, &why);

	if (r == 1)
		return run_group(box->store, answer, expunges, err);
	if (r == -1) {
		*err = why;
		return -1;
	}
	if (why.code == ERR_NOTFOUND)
		err_set(&why, ERR_STALE, "the mailbox was removed");
	fail_all(box, answer, &why);
	return 0;
}

static int
flush_kind(struct maildir_store *store, const struct maildir_answer *answer,
    bool expunges, struct err *err)
{
	struct maildir_box *box;
	struct err why;

	for (box = store->boxes; box != NULL; box = box->next) {
		why = (struct err)ERR_INIT;
		if (has_kind(box, expunges) &&
		    begin_box(box, 0, &why) == -1) {
			end_group(store);
			*err = why;
			return -1;
		}
	}
	if (run_group(store, answer, expunges, err) == -1)
		return -1;
	for (box = store->boxes; box != NULL; box = box->next) {
		if (has_kind(box, expunges) &&
		    flush_late(box, answer, expunges, err) == -1)
			return -1;
	}
	return 0;
}

static int
flush_all(struct maildir_store *store, const struct maildir_answer *answer,
    struct err *err)
{
	struct maildir_box *box;
	bool synced = false;
	int ret = 0;

	for (box = store->boxes; box != NULL; box = box->next)
		box->reread = false;
	if (take_bodies(store, answer, err) == -1 ||
	    maildir_settle_opened(store, &synced, err) == -1 ||
	    sync_bodies(store, synced, err) == -1 ||
	    flush_kind(store, answer, false, err) == -1 ||
	    flush_kind(store, answer, true, err) == -1)
		ret = -1;
	dotlock_source_drop(&store->lock_source);
	return ret;
}

int
maildir_flush(struct store *head, store_done_fn *done, void *arg,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	const struct maildir_answer answer = { done, arg };
	struct maildir_box *box;

	if (maildir_writable(store, err) == -1)
		return -1;
	if (flush_all(store, &answer, err) == -1) {
		store->in_doubt = true;
		return -1;
	}
	maildir_tell_changed(store);
	for (box = store->boxes; box != NULL; box = box->next)
		maildir_ops_free(box);
	store->unsynced = store->unnamed = 0;
	return 0;
}
