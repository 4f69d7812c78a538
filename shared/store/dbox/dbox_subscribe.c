#include "config.h"

#include <string.h>

#include "model/mailbox_name.h"
#include "store/dbox/dbox.h"
#include "store/files/subscriptions_file.h"
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
	dbox_tell_subscribed(store);
	dbox_log_name(store, on ? MAILBOX_LOG_SUBSCRIBE :
	    MAILBOX_LOG_UNSUBSCRIBE, name);
	return 0;
}
