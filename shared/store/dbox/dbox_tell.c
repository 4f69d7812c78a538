/*
 * Notes for Dovecot's sessions and programs: of the tree and of messages.
 * Failures are of no matter.
 */
#include "config.h"

#include <string.h>

#include "model/mailbox_name.h"
#include "store/dbox/dbox.h"
#include "store/index/mailbox_log.h"

/* NULL: there is no list that anybody follows. */
static struct index_tell *
tell(struct dbox_store *store)
{
	struct path_root *root = dbox_index_root(store);
	struct index_options opts = store->index_opts;
	struct err ignored = ERR_INIT;

	if (!store->list_index)
		return NULL;
	if (!store->listed && store->list == NULL) {
		/* It is a copy: a new process looks at the directories. */
		opts.no_fsync = true;
		if (opts.lock_timeout > INDEX_TELL_TIMEOUT)
			opts.lock_timeout = INDEX_TELL_TIMEOUT;
		store->list = index_open(root, root->fd, store->list_base,
		    &opts);
	}
	store->tell.list = store->listed ? store->names.index : store->list;
	store->tell.separator = '/';
	store->tell.directories = true;
	if (store->tell.list == NULL ||
	    index_refresh(store->tell.list, &ignored) == -1 ||
	    !index_state(store->tell.list)->exists)
		return NULL;
	return &store->tell;
}

/* The same where the list is a copy: another one is as it is to be. */
static struct index_tell *
tell_tree(struct dbox_store *store)
{
	return store->listed ? NULL : tell(store);
}

static void
begin(struct dbox_store *store)
{
	if (tell_tree(store) != NULL)
		index_tell_begin(&store->tell);
}

static void
end(struct dbox_store *store)
{
	if (!store->listed)
		index_tell_end(&store->tell);
}

static void
identity(const struct dbox_store *store, const struct dbox_folder *folder,
    struct index_told *told)
{
	uint8_t header[DBOX_HEADER_SIZE];

	told->uidvalidity = index_state(folder->index)->uidvalidity;
	if (dbox_folder_header(store, folder, header))
		memcpy(told->guid.b, header + store->format->header_guid,
		    GUID_SIZE);
}

/* What there is by this name now; path stays with the caller. */
static int
look(struct dbox_store *store, const char *name,
    char path[static DBOX_PATH_MAX], struct index_told *told)
{
	struct err ignored = ERR_INIT;
	struct dbox_folder *folder;

	*told = (struct index_told){ .path = path };
	if (dbox_name_path(store, name, path, &ignored) == -1)
		return -1;
	if (dbox_folder_get(store, name, &folder, &ignored) == 0) {
		told->selectable = true;
		identity(store, folder, told);
		dbox_folder_release(store, folder);
	}
	return 0;
}

void
dbox_tell_inbox(struct dbox_store *store)
{
	const struct index_told told = { .path = "INBOX",
	    .selectable = true };

	if (tell_tree(store) != NULL)
		index_tell_created(&store->tell, &told, 1);
}

static void
tell_created(struct dbox_store *store, const char *name, bool selectable)
{
	char path[DBOX_PATH_MAX];
	struct err ignored = ERR_INIT;
	struct index_told told = { .path = path };

	if (tell_tree(store) != NULL && (selectable ?
	    look(store, name, path, &told) :
	    dbox_name_path(store, name, path, &ignored)) == 0)
		index_tell_created(&store->tell, &told, 1);
}

int
dbox_create(struct store *head, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	struct dbox_store *store = (struct dbox_store *)head;
	int ret;

	if (dbox_writable(store, err) == -1)
		return -1;
	begin(store);
	ret = dbox_tree_create(store, name, selectable, status, err);
	if (ret == 0)
		tell_created(store, name, selectable);
	end(store);
	return ret;
}

int
dbox_rename(struct store *head, const char *from, const char *to,
    struct err *err)
{
	struct dbox_store *store = (struct dbox_store *)head;
	char old[DBOX_PATH_MAX], new[DBOX_PATH_MAX];
	struct err ignored = ERR_INIT;
	struct index_told told;
	int ret;

	if (dbox_writable(store, err) == -1)
		return -1;
	begin(store);
	ret = dbox_tree_rename(store, from, to, err);
	if (ret == 0 && tell_tree(store) != NULL &&
	    dbox_name_path(store, from, old, &ignored) == 0 &&
	    look(store, to, new, &told) == 0)
		index_tell_renamed(&store->tell, old, &told);
	end(store);
	return ret;
}

int
dbox_remove(struct store *head, const char *name, struct err *err)
{
	struct dbox_store *store = (struct dbox_store *)head;
	char path[DBOX_PATH_MAX];
	struct err ignored = ERR_INIT;
	int ret;

	if (dbox_writable(store, err) == -1)
		return -1;
	begin(store);
	ret = dbox_tree_remove(store, name, err);
	if (ret == 0 && tell_tree(store) != NULL &&
	    dbox_name_path(store, name, path, &ignored) == 0)
		index_tell_removed(&store->tell, path);
	end(store);
	return ret;
}

void
dbox_tell_subscribed(struct dbox_store *store)
{
	if (tell(store) != NULL)
		index_tell_subscribed(&store->tell);
}

void
dbox_tell_changed(struct dbox_store *store)
{
	struct index_told told;

	for (struct dbox_box *box = store->boxes; box != NULL;
	    box = box->next) {
		if (box->ops.n == 0 || box->folder->name[0] == '\0' ||
		    tell(store) == NULL)
			continue;
		told = (struct index_told){ .selectable = true,
		    .path = store->listed ? NULL : box->folder->path };
		identity(store, box->folder, &told);
		index_tell_status(&store->tell, &told, box->folder->index);
	}
}

void
dbox_log_guid(struct dbox_store *store, int event, const struct guid128 *guid)
{
	struct path_root *root = dbox_index_root(store);
	struct err ignored = ERR_INIT;

	(void)mailbox_log_append(root, root->fd,
	    (enum mailbox_log_event)event, guid, &ignored);
}

/* The name as users see it. */
void
dbox_log_name(struct dbox_store *store, int event, const char *name)
{
	struct guid128 guid = mailbox_log_joined_guid(name, store->settings,
	    '/');

	dbox_log_guid(store, event, &guid);
}
