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

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/mailbox_name.h"
#include "store/index/index_list.h"
#include "store/index/mailbox_log.h"
#include "store/maildir/maildir.h"

/* Whoever makes more at once does not hold the list meanwhile. */
#define CREATE_HELD_MAX	32U
#define UIDLIST_READ	4096U	/* bytes; a longer header is not ours */

static int
index_root(const struct maildir_store *store)
{
	return store->index.fd != -1 ? store->index.fd : store->root.fd;
}

static struct index *
list_index(struct maildir_store *store)
{
	struct index_options opts = store->index_opts;
	struct index *index = store->names.index;
	struct err ignored = ERR_INIT;

	if (store->index_in_memory)
		return NULL;
	if (index == NULL && store->list_index == NULL) {
		/* It is a copy: a new process looks at the directories. */
		opts.no_fsync = true;
		if (opts.lock_timeout > INDEX_TELL_TIMEOUT)
			opts.lock_timeout = INDEX_TELL_TIMEOUT;
		store->list_index = index_open(&store->root,
		    index_root(store), store->list_base, &opts);
	}
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

/* Of its uidlist; zero: none. */
static struct uidlist_header
place_header(struct maildir_store *store, const struct maildir_place *place)
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
		return (struct uidlist_header){ .version = 0 };
	return header;
}

struct guid128
maildir_place_guid(struct maildir_store *store, const struct maildir_place *place)
{
	return place_header(store, place).guid;
}

/* NULL: there is no list that anybody follows. */
static struct index_tell *
tell(struct maildir_store *store)
{
	store->tell.list = list_index(store);
	store->tell.separator = store->layout->separator;
	store->tell.directories = store->layout->nested;
	return store->tell.list == NULL ? NULL : &store->tell;
}

/* The same where the list is a copy: another one is as it is to be. */
static struct index_tell *
tell_tree(struct maildir_store *store)
{
	return store->layout->listed ? NULL : tell(store);
}

/* -1: the name has no path in the list. */
static int
tell_path(const struct maildir_store *store, const char *name,
    char out[static DIR_PATH_MAX + 1])
{
	struct err ignored = ERR_INIT;

	if (name_is_inbox(name)) {
		strcpy(out, "INBOX");
		return 0;
	}
	if (maildir_name_dir(store, name, out, &ignored) == -1)
		return -1;
	/* Maildir++ puts a separator in front. */
	if (!store->layout->nested)
		memmove(out, out + 1, strlen(out));
	return 0;
}

/* What there is by this name now; path stays with the caller. */
static int
look(struct maildir_store *store, const char *name, bool selectable,
    char path[static DIR_PATH_MAX + 1], struct index_told *told)
{
	struct uidlist_header header;
	struct maildir_place place;
	struct err ignored = ERR_INIT;

	*told = (struct index_told){ .path = path, .selectable = selectable };
	if (tell_path(store, name, path) == -1)
		return -1;
	if (selectable &&
	    maildir_place_find(store, name, &place, &ignored) == 0) {
		header = place_header(store, &place);
		told->guid = header.guid;
		told->uidvalidity = header.uidvalidity;
	}
	return 0;
}

static void
tell_created(struct maildir_store *store, const struct store_creation *list,
    size_t n)
{
	struct index_told *told;
	char path[DIR_PATH_MAX + 1], **paths;
	size_t count = 0;

	if (n == 0 || tell_tree(store) == NULL)
		return;
	told = mem_calloc(n, sizeof(*told));
	paths = mem_calloc(n, sizeof(*paths));
	for (size_t i = 0; i < n; i++) {
		if (list[i].failed || look(store, list[i].name, true, path,
		    &told[count]) == -1)
			continue;
		paths[count] = mem_strdup(path);
		told[count].path = paths[count];
		count++;
	}
	index_tell_created(&store->tell, told, count);
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	free(told);
}

/* Around a change of the tree. */
static void
begin(struct maildir_store *store)
{
	if (!store->readonly && tell_tree(store) != NULL)
		index_tell_begin(&store->tell);
}

static void
end(struct maildir_store *store)
{
	if (!store->layout->listed)
		index_tell_end(&store->tell);
}

int
maildir_create(struct store *head, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char path[DIR_PATH_MAX + 1];
	struct index_told told;
	int ret;

	begin(store);
	ret = store->layout->create(head, name, selectable, status, err);
	if (ret == 0 && tell_tree(store) != NULL &&
	    look(store, name, selectable, path, &told) == 0)
		index_tell_created(&store->tell, &told, 1);
	end(store);
	return ret;
}

int
maildir_create_all(struct store *head, struct store_creation *list, size_t n,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	int ret = 0;

	if (maildir_writable(store, err) == -1)
		return -1;
	for (size_t i = 0; i < n; i++)
		list[i].failure = (struct err)ERR_INIT;
	if (n <= CREATE_HELD_MAX)
		begin(store);
	if (store->layout->create_all != NULL)
		ret = store->layout->create_all(store, list, n, err);
	else {
		for (size_t i = 0; i < n; i++)
			list[i].failed = store->layout->create(head,
			    list[i].name, true, &list[i].status,
			    &list[i].failure) == -1;
	}
	if (ret == 0)
		tell_created(store, list, n);
	end(store);
	return ret;
}

int
maildir_rename(struct store *head, const char *from, const char *to,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char old[DIR_PATH_MAX + 1], new[DIR_PATH_MAX + 1];
	struct index_told told;
	int ret;

	begin(store);
	ret = store->layout->rename(head, from, to, err);
	if (ret == 0 && tell_tree(store) != NULL &&
	    tell_path(store, from, old) == 0 &&
	    look(store, to, true, new, &told) == 0)
		index_tell_renamed(&store->tell, old, &told);
	end(store);
	if (ret == 0 && list_index(store) != NULL)
		log_name(store, MAILBOX_LOG_RENAME, to);
	return ret;
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

static int
remove_mailbox(struct maildir_store *store, const char *name, struct err *err)
{
	struct maildir_place place;
	char path[DIR_PATH_MAX + 1];
	struct index *index = NULL;
	struct guid128 guid = { .b = { 0 } };
	struct err why = ERR_INIT;
	int ret, dir;

	dir = -1;
	if (maildir_place_find(store, name, &place, &why) == 0) {
		guid = maildir_place_guid(store, &place);
		index = lock_index(store, &place, &dir);
	} else if (why.code != ERR_NOTFOUND) {
		*err = why;
		return -1;
	}
	ret = store->layout->remove(&store->head, name, err);
	if (ret == 0 && index != NULL)
		say_deleted(index);
	index_close(&index);
	if (dir != -1)
		close(dir);
	if (ret == 0 && tell_tree(store) != NULL &&
	    tell_path(store, name, path) == 0)
		index_tell_removed(&store->tell, path);
	if (ret == 0 && list_index(store) != NULL) {
		if (!guid_is_zero(&guid))
			log_event(store, MAILBOX_LOG_DELETE, &guid);
		log_name(store, MAILBOX_LOG_DELETE_DIR, name);
	}
	return ret;
}

int
maildir_remove(struct store *head, const char *name, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	int ret;

	if (maildir_writable(store, err) == -1)
		return -1;
	begin(store);
	ret = remove_mailbox(store, name, err);
	end(store);
	return ret;
}

void
maildir_subscribed(struct maildir_store *store, const char *name, bool on)
{
	if (list_index(store) != NULL)
		log_name(store, on ? MAILBOX_LOG_SUBSCRIBE :
		    MAILBOX_LOG_UNSUBSCRIBE, name);
}

void
maildir_tell_subscribed(struct maildir_store *store)
{
	if (tell(store) != NULL)
		index_tell_subscribed(&store->tell);
}

void
maildir_tell_changed(struct maildir_store *store)
{
	char path[DIR_PATH_MAX + 1];
	struct index_told told;

	for (struct maildir_box *box = store->boxes; box != NULL;
	    box = box->next) {
		if (box->ops.n == 0 || !box->idx.usable ||
		    tell(store) == NULL ||
		    (!store->layout->listed &&
		    tell_path(store, box->name, path) == -1))
			continue;
		told = (struct index_told){
			.path = store->layout->listed ? NULL : path,
			.selectable = true, .guid = box->list.header.guid,
			.uidvalidity = box->list.header.uidvalidity,
		};
		index_tell_status(&store->tell, &told, box->idx.index);
		/* It may be a newer one by now. */
		maildir_index_look(box);
	}
}
