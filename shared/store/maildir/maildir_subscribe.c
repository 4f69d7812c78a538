#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "model/mailbox_name.h"
#include "store/files/subscriptions.h"
#include "store/maildir/maildir.h"

static int
load(struct maildir_store *store, struct subscriptions *subs, mode_t *mode_r,
    struct err *err)
{
	struct err why = ERR_INIT;
	struct path_stat st = { .exists = false };
	struct strbuf text;
	int ret = -1;

	/* A look first: opening checks the owner and links. */
	int fd = path_open_file(&store->root, store->root.fd,
	    store->subscriptions, &st, &why);

	if (fd == -1 && why.code == ERR_NOTFOUND) {
		subscriptions_init(subs, store->utf8);
		return 0;
	}
	if (fd == -1) {
		*err = why;
		return -1;
	}
	close(fd);
	strbuf_init(&text, SUBSCRIPTIONS_MAX);
	if (io_read_file(store->root.fd, store->subscriptions, &text,
	    err) == 0) {
		subscriptions_parse(subs, store->utf8, text.data, text.len);
		if (mode_r != NULL)
			*mode_r = (mode_t)(st.mode & 0666);
		ret = 0;
	}
	strbuf_deinit(&text);
	return ret;
}

static bool
can_hold(const char *name)
{
	return strchr(name, '/') == NULL && strchr(name, '.') == NULL;
}

int
maildir_subscriptions(struct store *head, store_name_fn *fn, void *arg,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct subscriptions subs;
	int ret = 0;

	if (load(store, &subs, NULL, err) == -1)
		return -1;
	for (size_t i = 0; i < subs.lines.n && ret == 0; i++) {
		const char *name = subs.lines.v[i].name;

		/* No mailbox of a Maildir++ could have it. */
		if (name == NULL || !can_hold(name)) {
			maildir_problem(store, NULL, "subscriptions: not "
			    "a mailbox name: %s", subs.lines.v[i].line);
			continue;
		}
		ret = fn(name, arg, err);
	}
	subscriptions_deinit(&subs);
	return ret;
}

static int
replace(struct maildir_store *store, const struct subscriptions *subs,
    mode_t mode, struct err *err)
{
	char tmp[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct strbuf text;
	int fd, ret = -1;

	strbuf_init(&text, 2 * SUBSCRIPTIONS_MAX);
	subscriptions_format(subs, &text);
	unique_name(tmp, store->hostname);
	fd = path_create(&store->root, store->root.fd, tmp, mode, err);
	if (fd == -1)
		goto out;
	if (path_write(&store->root, fd, text.data, text.len, err) == 0 &&
	    path_fsync(&store->root, fd, err) == 0 &&
	    path_rename_over(&store->root, store->root.fd, tmp,
	    store->subscriptions, err) == 0)
		ret = path_fsync(&store->root, store->root.fd, err);
	else
		(void)path_unlink(&store->root, store->root.fd, tmp, false,
		    &ignored);
	close(fd);
out:
	strbuf_deinit(&text);
	return ret;
}

int
maildir_subscribe(struct store *head, const char *name, bool on,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	char lock_name[PATH_NAME_MAX + 1];
	struct dotlock_wish wish = { .name = lock_name,
	    .hostname = store->hostname, .stale = DOTLOCK_STALE_SUBSCRIPTIONS,
	    .timeout = store->lock_timeout, .tmp_fd = store->root.fd };
	struct subscriptions subs;
	struct dotlock lock;
	mode_t mode = 0600;
	int ret = 0;

	if (maildir_writable(store, err) == -1)
		return -1;
	/* A subscription may name what is not there, but has to be a name. */
	if (!name_valid(name, strlen(name)) || !can_hold(name))
		return err_set(err, ERR_REFUSED,
		    "a Maildir can't hold this mailbox name");
	snprintf(lock_name, sizeof(lock_name), "%s.lock",
	    store->subscriptions);
	if (dotlock_take(&lock, &store->root, store->root.fd, &wish,
	    err) == -1)
		return -1;
	if (load(store, &subs, &mode, err) == -1) {
		ret = -1;
	} else {
		if (subscriptions_set(&subs, name, on))
			ret = replace(store, &subs, mode, err);
		subscriptions_deinit(&subs);
	}
	dotlock_release(&lock);
	return ret;
}
