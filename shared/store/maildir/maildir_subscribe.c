#include "config.h"

#include <string.h>

#include "model/mailbox_name.h"
#include "store/files/subscriptions_file.h"
#include "store/maildir/maildir.h"

static struct subscriptions_file
file_of(struct maildir_store *store)
{
	return (struct subscriptions_file){
		.root = maildir_control(store), .name = store->subscriptions,
		.hostname = store->hostname,
		.lock_timeout = store->lock_timeout, .utf8 = store->utf8,
		.separator = store->layout->separator,
	};
}

static bool
fits(struct store *head, const char *name)
{
	return maildir_can_hold((struct maildir_store *)head, name);
}

int
maildir_subscriptions(struct store *head, store_name_fn *fn, void *arg,
    struct err *err)
{
	struct subscriptions_file file = file_of((struct maildir_store *)head);

	return subscriptions_list(&file, head, fits, fn, arg, err);
}

/* A subscription may name what is not there, but has to be a name. */
static int
check_name(const struct maildir_store *store, const char *name,
    struct err *err)
{
	if (name_valid(name, strlen(name)) && maildir_can_hold(store, name))
		return 0;
	return err_set(err, ERR_REFUSED,
	    "a Maildir can't hold this mailbox name");
}

int
maildir_subscribe(struct store *head, const char *name, bool on,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct subscriptions_file file = file_of(store);

	if (maildir_writable(store, err) == -1 ||
	    check_name(store, name, err) == -1 ||
	    subscriptions_change(&file, name, on, err) == -1)
		return -1;
	maildir_subscribed(store, name, on);
	maildir_tell_subscribed(store);
	return 0;
}

int
maildir_subscribe_all(struct store *head, struct store_subscription *list,
    size_t n, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct subscriptions_file file = file_of(store);
	struct err why = ERR_INIT;
	bool failed;

	if (maildir_writable(store, err) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		list[i].failure = (struct err)ERR_INIT;
		list[i].failed = check_name(store, list[i].name,
		    &list[i].failure) == -1;
	}
	failed = subscriptions_change_all(&file, list, n, &why) == -1;
	for (size_t i = 0; i < n; i++) {
		if (list[i].failed)
			continue;
		if (failed) {
			list[i].failed = true;
			list[i].failure = why;
		} else {
			maildir_subscribed(store, list[i].name, list[i].on);
		}
	}
	if (n > 0 && !failed)
		maildir_tell_subscribed(store);
	return 0;
}
