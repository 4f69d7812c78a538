/*
 * What opening mailboxes changed in their lists is made durable for all of them
 * together, with one wait for the disk: lines for new messages, which were
 * appended at once, and lists without the lines of messages that are gone,
 * which are written here.
 *
 * That such a list has taken the old one's place becomes durable with the next
 * wait: until then a crash may bring the old one back, which has the same lines
 * and some that mean nothing.
 */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "store/maildir/maildir.h"

void
maildir_settle_later(struct maildir_store *store, int fd)
{
	size_t n = store->unsettled_count++;

	if (n < FSYNC_EACH_MAX)
		store->unsettled[n] = fd;
	else
		close(fd);
}

int
maildir_settle_name(struct maildir_box *box, struct err *err)
{
	struct path_root *root = &box->store->root;
	int fd = -1;

	if (root->local)
		fd = fcntl(box->control_fd, F_DUPFD_CLOEXEC, 0);
	if (fd == -1)
		return path_fsync(root, box->control_fd, err);
	maildir_settle_later(box->store, fd);
	return 0;
}

int
maildir_lines_stay(struct maildir_box *box, const struct err *why,
    struct err *err)
{
	if (box->store->root.gone) {
		*err = *why;
		return -1;
	}
	maildir_box_problem(box, why, UIDLIST_NAME,
	    "lines of expunged messages stay");
	return 0;
}

/* Who waits for a lock that somebody holds would keep the others. */
static int
begin_box(struct maildir_box *box, struct err *err)
{
	struct err why = ERR_INIT;

	box->littered = false;
	if (maildir_box_lock(box, 0, &why) == 0) {
		if (maildir_drop_dead_begin(box, &why) == 0 &&
		    box->writing.fd != -1) {
			box->in_group = true;
			return 0;
		}
		maildir_box_unlock(box);
	}
	return why.code == ERR_NONE || why.code == ERR_TEMP ||
	    why.code == ERR_NOTFOUND ? (box->store->root.gone ? -1 : 0) :
	    maildir_lines_stay(box, &why, err);
}

static int
sync_lists(struct maildir_store *store, bool *whole_r, struct err *err)
{
	size_t n = store->unsettled_count;
	struct maildir_box *box;
	bool each, later;
	int ret = 0;

	for (box = store->boxes; box != NULL; box = box->next)
		n += box->in_group ? 1 : 0;
	each = n <= FSYNC_EACH_MAX || !store->root.local;
	/* A flush makes all durable once more before a file gets its name. */
	later = !each && n == store->unsettled_count && whole_r != NULL;
	if (later)
		store->sync_due = true;
	else if (!each)
		ret = maildir_sync_file_systems(store, err);
	if (whole_r != NULL)
		*whole_r = !each && !later;
	for (box = store->boxes; each && box != NULL; box = box->next) {
		if (box->in_group && ret == 0)
			ret = path_fsync(&store->root, box->writing.fd, err);
	}
	for (size_t i = 0; i < store->unsettled_count &&
	    i < FSYNC_EACH_MAX; i++) {
		if (each && ret == 0)
			ret = path_fsync(&store->root, store->unsettled[i],
			    err);
		close(store->unsettled[i]);
	}
	store->unsettled_count = 0;
	return ret;
}

static int
publish_lists(struct maildir_store *store, struct err *err)
{
	struct maildir_box *box;
	struct err why;

	for (box = store->boxes; box != NULL; box = box->next) {
		if (!box->in_group)
			continue;
		why = (struct err)ERR_INIT;
		if (maildir_list_publish(box, &box->writing, &why) == -1) {
			if (maildir_lines_stay(box, &why, err) == -1)
				return -1;
		} else if (maildir_settle_name(box, err) == -1)
			return -1;
	}
	return 0;
}

static void
end_group(struct maildir_store *store)
{
	struct maildir_box *box;

	for (box = store->boxes; box != NULL; box = box->next) {
		if (!box->in_group)
			continue;
		maildir_list_abort(box, &box->writing);
		maildir_box_unlock(box);
		box->in_group = false;
	}
}

int
maildir_settle_opened(struct maildir_store *store, bool *whole_r,
    struct err *err)
{
	struct maildir_box *box;
	int ret = 0;

	for (box = store->boxes; box != NULL && ret == 0; box = box->next) {
		if (box->littered)
			ret = begin_box(box, err);
	}
	if (ret == 0)
		ret = sync_lists(store, whole_r, err);
	if (ret == 0)
		ret = publish_lists(store, err);
	end_group(store);
	return ret;
}

int
maildir_settle(struct store *head, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	int ret = maildir_settle_opened(store, NULL, err);

	dotlock_source_drop(&store->lock_source);
	if (ret == -1)
		store->in_doubt = true;
	return ret;
}
