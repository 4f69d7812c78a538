/*
 * What Dovecot is told when mailboxes come, move and go.  Its processes keep
 * the list of mailboxes until the list index says that it is to be made anew;
 * a session that has a mailbox open finds in the log of its index that it was
 * removed; and Dovecot's own synchronisation takes removals and subscriptions
 * from dovecot.mailbox.log.
 *
 * Only where Dovecot keeps a list index is any of it written.  Names there are
 * those of users: with the prefix and separator of the namespace, as far as the
 * settings say them.  Another name means nothing to Dovecot.
 */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "model/mailbox_name.h"
#include "store/index/index_list.h"
#include "store/index/mailbox_log.h"
#include "store/maildir/maildir.h"

#define UIDLIST_READ	4096U	/* bytes; a longer header is not ours */

static int
index_root(const struct maildir_store *store)
{
	return store->index.fd != -1 ? store->index.fd : store->root.fd;
}

static struct index *
list_index(struct maildir_store *store)
{
	struct index *index = store->names.index;
	struct err ignored = ERR_INIT;

	if (store->index_in_memory)
		return NULL;
	if (index == NULL && store->list_index == NULL)
		store->list_index = index_open(&store->root,
		    index_root(store), store->list_base, &store->index_opts);
	if (index == NULL)
		index = store->list_index;
	return index_refresh(index, &ignored) == 0 &&
	    index_state(index)->exists ? index : NULL;
}

static void
log_event(struct maildir_store *store, enum mailbox_log_event event,
    const struct guid128 *guid)
{
	struct err ignored = ERR_INIT;

	(void)mailbox_log_append(&store->root, index_root(store), event,
	    guid, &ignored);
}

static void
log_name(struct maildir_store *store, enum mailbox_log_event event,
    const char *name)
{
	struct guid128 guid = mailbox_log_joined_guid(name, store->settings,
	    store->layout->listed ? '/' : store->layout->separator);

	log_event(store, event, &guid);
}

/* A list that is no copy of something else is as it is to be. */
static void
list_changed(const struct maildir_store *store, struct index *index)
{
	struct err ignored = ERR_INIT;

	if (!store->layout->listed)
		(void)index_list_changed(index, &ignored);
}

int
maildir_create(struct store *head, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct index *index;

	if (store->layout->create(head, name, selectable, status, err) == -1)
		return -1;
	if ((index = list_index(store)) != NULL)
		list_changed(store, index);
	return 0;
}

int
maildir_create_all(struct store *head, struct store_creation *list, size_t n,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct index *index;

	if (maildir_writable(store, err) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		list[i].failure = (struct err)ERR_INIT;
	if (store->layout->create_all != NULL) {
		if (store->layout->create_all(store, list, n, err) == -1)
			return -1;
	} else {
		for (size_t i = 0; i < n; i++)
			list[i].failed = store->layout->create(head,
			    list[i].name, true, &list[i].status,
			    &list[i].failure) == -1;
	}
	if ((index = list_index(store)) != NULL)
		list_changed(store, index);
	return 0;
}

int
maildir_rename(struct store *head, const char *from, const char *to,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct index *index;

	if (store->layout->rename(head, from, to, err) == -1)
		return -1;
	if ((index = list_index(store)) != NULL) {
		list_changed(store, index);
		log_name(store, MAILBOX_LOG_RENAME, to);
	}
	return 0;
}

struct guid128
maildir_place_guid(struct maildir_store *store, const struct maildir_place *place)
{
	struct uidlist_header header = { .version = 0 };
	struct err ignored = ERR_INIT;
	char text[UIDLIST_READ];
	ssize_t n = -1;
	int dir, fd = -1;

	dir = maildir_dir_open(store, place->control_fd, place->control,
	    &ignored);
	if (dir != -1) {
		fd = path_open_file(&store->root, dir, UIDLIST_NAME, NULL,
		    &ignored);
		close(dir);
	}
	if (fd != -1) {
		n = pread(fd, text, sizeof(text), 0);
		close(fd);
	}
	if (n <= 0 || memchr(text, '\n', (size_t)n) == NULL ||
	    uidlist_header_parse(&header, text, (size_t)((char *)memchr(text,
	    '\n', (size_t)n) - text), &ignored) == -1)
		return (struct guid128){ { 0 } };
	return header.guid;
}

/*
 * Locked, so that nobody writes to it while the mailbox goes.  The file is
 * open, and can be written to when its directory is gone.
 */
static struct index *
lock_index(struct maildir_store *store, const struct maildir_place *place,
    int *dir_r)
{
	struct err ignored = ERR_INIT;
	struct index_options opts = store->index_opts;
	struct index *index;

	*dir_r = -1;
	if (place->index_fd == -1 || (*dir_r = maildir_dir_open(store,
	    place->index_fd, place->index, &ignored)) == -1)
		return NULL;
	index = index_open(&store->root, *dir_r, MAILDIR_INDEX_BASE, &opts);
	if (index_lock(index, &ignored) == -1 || !index_is_locked(index))
		index_close(&index);
	return index;
}

static void
say_deleted(struct index *index)
{
	struct err ignored = ERR_INIT;
	struct index_txn *txn = index_txn_begin(index);

	index_txn_deleted(txn, true);
	(void)index_txn_commit(&txn, NULL, &ignored);
}

int
maildir_remove(struct store *head, const char *name, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct maildir_place place;
	struct index *index = NULL, *list;
	struct guid128 guid = { .b = { 0 } };
	struct err why = ERR_INIT;
	int ret, dir;

	if (maildir_writable(store, err) == -1)
		return -1;
	dir = -1;
	if (maildir_place_find(store, name, &place, &why) == 0) {
		guid = maildir_place_guid(store, &place);
		index = lock_index(store, &place, &dir);
	} else if (why.code != ERR_NOTFOUND) {
		*err = why;
		return -1;
	}
	ret = store->layout->remove(head, name, err);
	if (ret == 0 && index != NULL)
		say_deleted(index);
	index_close(&index);
	if (dir != -1)
		close(dir);
	if (ret == 0 && (list = list_index(store)) != NULL) {
		list_changed(store, list);
		if (!guid_is_zero(&guid))
			log_event(store, MAILBOX_LOG_DELETE, &guid);
		log_name(store, MAILBOX_LOG_DELETE_DIR, name);
	}
	return ret;
}

void
maildir_subscribed(struct maildir_store *store, const char *name, bool on)
{
	if (list_index(store) != NULL)
		log_name(store, on ? MAILBOX_LOG_SUBSCRIBE :
		    MAILBOX_LOG_UNSUBSCRIBE, name);
}
