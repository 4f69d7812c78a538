#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/mail_location.h"
#include "model/mailbox_name.h"
#include "store/memory/memory_int.h"

int
memory_alive(struct memory_store *store, struct err *err)
{
	if (store->life != store->world->life)
		store->gone = true;
	if (store->gone)
		return err_set(err, ERR_TEMP, "the store is gone");
	return 0;
}

int
memory_writable(struct memory_store *store, struct err *err)
{
	if (memory_alive(store, err) == -1)
		return -1;
	if (store->readonly)
		return err_set(err, ERR_PERM, "the store is read-only");
	return 0;
}

int
memory_step(struct memory_store *store, struct err *err)
{
	int r;

	if (memory_writable(store, err) == -1)
		return -1;
	if (store->head.step == NULL)
		return 0;
	r = store->head.step(store->head.step_arg);
	if (r == 0)
		return 0;
	if (r == -1) {
		store->gone = true;
		return err_set(err, ERR_TEMP, "the store is gone");
	}
	errno = r;
	return err_sys(err, "write");
}

static int
memory_open(struct store **store_r, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	struct memory_world *world = memory_world_find(loc->path);
	struct memory_store *store;

	if (loc->key_count > 0)
		return err_set(err, ERR_CONFIG, "memory: unknown key %s",
		    loc->keys[0].key);
	if (world == NULL && (!opts->create || opts->readonly))
		return err_set(err, ERR_NOTFOUND, "memory:%s does not exist",
		    loc->path);
	if (world == NULL)
		world = memory_world_new(loc->path);
	if ((store = calloc(1, sizeof(*store))) == NULL)
		abort();
	store->head.driver = &store_driver_memory;
	store->world = world;
	store->life = world->life;
	store->readonly = opts->readonly;
	store->alt_char = opts->alt_char == '\0' ? '_' : opts->alt_char;
	*store_r = &store->head;
	return 0;
}

static void
memory_close(struct store **storep)
{
	struct memory_store *store = (struct memory_store *)*storep;
	struct mailbox *box;

	while (store->boxes != NULL) {
		box = &store->boxes->head;
		memory_box_close(&box);
	}
	free(store);
	*storep = NULL;
}

static int
memory_root_fd(const struct store *store)
{
	(void)store;
	return -1;
}

static int
memory_list(struct store *head, store_list_fn *fn, void *arg,
    struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;
	struct memory_world *world = store->world;
	struct store_listing listing;
	struct memory_mailbox *mailbox;

	if (memory_alive(store, err) == -1)
		return -1;
	for (size_t i = 0; i < world->mailboxes.n; i++) {
		mailbox = world->mailboxes.v[i];
		listing = (struct store_listing){ .name = mailbox->name,
		    .selectable = mailbox->selectable };
		memory_token(world, mailbox->id, mailbox->changed,
		    &listing.token);
		if (fn(&listing, arg, err) == -1)
			return -1;
	}
	return 0;
}

static int
memory_tree_token(struct store *head, struct store_token *token_r,
    struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;

	if (memory_alive(store, err) == -1)
		return -1;
	memory_token(store->world, 0, store->world->tree_changed, token_r);
	return 0;
}

static int
memory_subscriptions(struct store *head, store_name_fn *fn, void *arg,
    struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;

	if (memory_alive(store, err) == -1)
		return -1;
	for (size_t i = 0; i < store->world->subscriptions.n; i++) {
		if (fn(store->world->subscriptions.v[i], arg, err) == -1)
			return -1;
	}
	return 0;
}

static int
memory_subscribe(struct store *head, const char *name, bool on,
    struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;

	if (memory_step(store, err) == -1)
		return -1;
	if (!name_valid(name, strlen(name)))
		return err_set(err, ERR_REFUSED, "not a mailbox name");
	memory_client_subscribe(store->world, name, on);
	return 0;
}

/* Can this store hold the name as it is? */
static int
check_name(const struct memory_store *store, const char *name,
    struct err *err)
{
	if (!name_valid(name, strlen(name)) ||
	    strpbrk(name, store->world->forbidden) != NULL)
		return err_set(err, ERR_REFUSED,
		    "this store can't hold the mailbox name");
	return 0;
}

static int
memory_create(struct store *head, const char *name, bool selectable,
    const struct mailbox_status *given, struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;
	struct memory_world *world = store->world;
	struct memory_mailbox *old = memory_mailbox_find(world, name);
	struct mailbox_status status = *given;

	if (memory_writable(store, err) == -1 ||
	    check_name(store, name, err) == -1)
		return -1;
	if (old != NULL && (old->selectable || !selectable))
		return err_set(err, ERR_STALE, "the mailbox exists");
	if (memory_step(store, err) == -1)
		return -1;
	if (selectable && guid_is_zero(&status.guid))
		status.guid = memory_guid_new(world);
	if (selectable && status.uidvalidity == 0)
		status.uidvalidity = world->last_uidvalidity + 1;
	memory_uidvalidity_taken(world, status.uidvalidity);
	if (old != NULL) {
		memory_mailbox_unlist(old);
		memory_mailbox_unref(old);
	}
	memory_mailbox_add(world, name, selectable, &status);
	return 0;
}

static int
memory_rename(struct store *head, const char *from, const char *to,
    struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;
	struct memory_world *world = store->world;
	struct memory_mailbox *mailbox = memory_mailbox_find(world, from);

	if (memory_writable(store, err) == -1 ||
	    check_name(store, to, err) == -1)
		return -1;
	if (name_is_inbox(from))
		return err_set(err, ERR_REFUSED, "INBOX is not renamed");
	if (mailbox == NULL)
		return err_set(err, ERR_STALE, "the mailbox is gone");
	if (memory_mailbox_find(world, to) != NULL)
		return err_set(err, ERR_STALE, "the new name is in use");
	if (memory_step(store, err) == -1)
		return -1;
	memory_mailbox_unlist(mailbox);
	free(mailbox->name);
	mailbox->name = memory_strdup(to);
	memory_mailbox_list(world, mailbox);
	memory_tree_touch(world);
	return 0;
}

static int
memory_remove(struct store *head, const char *name, struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;
	struct memory_mailbox *mailbox =
	    memory_mailbox_find(store->world, name);

	if (memory_writable(store, err) == -1)
		return -1;
	if (name_is_inbox(name))
		return err_set(err, ERR_REFUSED, "INBOX is not removed");
	if (mailbox == NULL)
		return err_set(err, ERR_NOTFOUND, "no such mailbox");
	if (mailbox->mails.n > 0)
		return err_set(err, ERR_STALE, "the mailbox is not empty");
	if (memory_step(store, err) == -1)
		return -1;
	memory_client_delete(store->world, name);
	return 0;
}

static int
memory_map_name(struct store *head, const char *name, char *out, size_t size,
    struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;
	size_t len = strlen(name);

	if (!name_valid(name, len) || len >= size)
		return err_set(err, ERR_REFUSED, "not a mailbox name");
	memcpy(out, name, len + 1);
	for (char *p = out; (p = strpbrk(p, store->world->forbidden)) != NULL;)
		*p++ = store->alt_char;
	return 0;
}

const struct store_driver store_driver_memory = {
	.name = "memory",
	.caps = STORE_CAP_SAVE_GUID | STORE_CAP_SET_UID |
	    STORE_CAP_MAILBOX_GUID | STORE_CAP_MODSEQ | STORE_CAP_KEYWORDS |
	    STORE_CAP_DIRECTORIES,
	.open = memory_open,
	.close = memory_close,
	.root_fd = memory_root_fd,
	.list = memory_list,
	.tree_token = memory_tree_token,
	.subscriptions = memory_subscriptions,
	.subscribe = memory_subscribe,
	.keeps_attributes = memory_keeps_attributes,
	.attributes = memory_attributes,
	.set_attributes = memory_set_attributes,
	.mailbox_create = memory_create,
	.mailbox_rename = memory_rename,
	.mailbox_remove = memory_remove,
	.map_name = memory_map_name,
	.mailbox_open = memory_box_open,
	.mailbox_close = memory_box_close,
	.status = memory_box_status,
	.token = memory_box_token,
	.scan = memory_box_scan,
	.reader_open = memory_reader_open,
	.reader_read = memory_reader_read,
	.reader_close = memory_reader_close,
	.append_begin = memory_append_begin,
	.append_write = memory_append_write,
	.append_commit = memory_append_commit,
	.append_abort = memory_append_abort,
	.copy = memory_copy,
	.set_flags = memory_set_flags,
	.set_uid = memory_set_uid,
	.expunge = memory_expunge,
	.set_status = memory_set_status,
	.flush = memory_flush,
};
