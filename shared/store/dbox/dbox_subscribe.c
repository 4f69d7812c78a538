#include "config.h"

#include <string.h>

#include "model/mailbox_name.h"
#include "store/dbox/dbox.h"
#include "store/files/subscriptions_file.h"
#include "store/index/index_list.h"
#include "store/index/mailbox_log.h"

static struct subscriptions_file
file_of(struct dbox_store *store)
{
	return (struct subscriptions_file){
		.root = dbox_control_root(store),
		.name = store->subscriptions, .hostname = store->hostname,
		.lock_timeout = store->lock_timeout, .utf8 = store->utf8,
		.separator = store->listed ? '^' : '/',
	};
}

static bool
fits(struct store *head, const char *name)
{
	return ((const struct dbox_store *)head)->listed ||
	    strchr(name, '/') == NULL;
}

int
dbox_subscriptions(struct store *head, store_name_fn *fn, void *arg,
    struct err *err)
{
	struct subscriptions_file file = file_of((struct dbox_store *)head);

	return subscriptions_list(&file, head, fits, fn, arg, err);
}

int
dbox_subscribe(struct store *head, const char *name, bool on,
    struct err *err)
{
	struct dbox_store *store = (struct dbox_store *)head;
	struct subscriptions_file file = file_of(store);

	if (dbox_writable(store, err) == -1)
		return -1;
	/* A subscription may name what is not there, but has to be a name. */
	if (!name_valid(name, strlen(name)) || !fits(head, name))
		return err_set(err, ERR_REFUSED,
		    "a dbox can't hold this mailbox name");
	if (subscriptions_change(&file, name, on, err) == -1)
		return -1;
	dbox_log_name(store, on ? MAILBOX_LOG_SUBSCRIBE :
	    MAILBOX_LOG_UNSUBSCRIBE, name);
	return 0;
}

void
dbox_tree_changed(struct dbox_store *store)
{
	struct path_root *root = dbox_index_root(store);
	struct err ignored = ERR_INIT;

	/* A list that is no copy of something else is as it is to be. */
	if (!store->list_index || store->listed)
		return;
	if (store->list == NULL)
		store->list = index_open(root, root->fd, store->list_base,
		    &store->index_opts);
	/* It is a cache: a new process looks at the directories anyway. */
	(void)index_list_changed(store->list, &ignored);
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
