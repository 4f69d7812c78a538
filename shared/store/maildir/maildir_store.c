#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/mail_location.h"
#include "store/files/attribute_dict.h"
#include "store/files/location_key.h"
#include "store/files/mail_codec.h"
#include "store/index/index_list.h"
#include "store/maildir/maildir.h"
#include "store/store_settings.h"

int
maildir_writable(struct maildir_store *store, struct err *err)
{
	if (store->readonly)
		return err_set(err, ERR_PERM, "the store is read-only");
	return 0;
}

static int
set_layout(struct maildir_store *store, const char *value, struct err *err)
{
	static const struct maildir_layout *const layouts[] = {
		&maildir_layout_plusplus, &maildir_layout_fs,
		&maildir_layout_index,
	};

	for (size_t i = 0; i < nitems(layouts); i++) {
		if (strcasecmp(value, layouts[i]->name) == 0) {
			store->layout = layouts[i];
			return 0;
		}
	}
	return err_set(err, ERR_CONFIG, "maildir: LAYOUT=%s is not "
	    "supported; Maildir++, fs and index are", value);
}

static int
apply_key(struct maildir_store *store, const char *key, const char *value,
    struct err *err)
{
	if (location_key_ignored(key))
		return 0;
	if (strcmp(key, "UTF-8") == 0 && value == NULL) {
		store->utf8 = true;
		return 0;
	}
	if (strcmp(key, "LISTINDEX") == 0) {
		location_key_list_index(&store->list_base, value);
		return 0;
	}
	if (value != NULL) {
		if (strcmp(key, "LAYOUT") == 0)
			return set_layout(store, value, err);
		if (strcmp(key, "SUBSCRIPTIONS") == 0)
			return location_key_name(&store->subscriptions,
			    "maildir", key, value, false, err);
		if (strcmp(key, "DIRNAME") == 0 ||
		    strcmp(key, "FULLDIRNAME") == 0) {
			store->full_dirname = key[0] == 'F';
			return location_key_name(&store->dirname, "maildir",
			    key, value, false, err);
		}
		/* These are opened when all is known. */
		if (strcmp(key, "INDEX") == 0 ||
		    strcmp(key, "CONTROL") == 0 || strcmp(key, "INBOX") == 0)
			return 0;
	}
	return err_set(err, ERR_CONFIG,
	    "maildir: %s= is not supported in a mail location", key);
}

static int
apply_keys(struct maildir_store *store, const struct mail_location *loc,
    struct err *err)
{
	for (size_t i = 0; i < loc->key_count; i++) {
		if (apply_key(store, loc->keys[i].key, loc->keys[i].value,
		    err) == -1)
			return -1;
	}
	if (store->dirname != NULL && !store->layout->nested &&
	    !store->layout->listed)
		return err_set(err, ERR_CONFIG, "maildir: DIRNAME= and "
		    "FULLDIRNAME= need LAYOUT=fs or LAYOUT=index");
	if (store->layout->listed && (mail_location_get(loc, "INBOX") !=
	    NULL || mail_location_get(loc, "LISTINDEX") != NULL))
		return err_set(err, ERR_CONFIG, "maildir: INBOX= and "
		    "LISTINDEX= are not supported with LAYOUT=index");
	return 0;
}

static bool
is_elsewhere(const struct path_root *side, const struct path_root *root)
{
	struct err ignored = ERR_INIT;
	struct path_stat a, b;

	return side->fd != -1 && path_fstat(side->fd, &a, &ignored) == 0 &&
	    path_fstat(root->fd, &b, &ignored) == 0 && a.dev != b.dev;
}

/* A root besides the first one; 1: it is missing. */
static int
open_side(struct maildir_store *store, struct path_root *side,
    const char *key, const char *path, bool create, struct err *err)
{
	struct err why = ERR_INIT;

	if (path[0] != '/')
		return err_set(err, ERR_CONFIG,
		    "maildir: %s=%s is not an absolute path", key, path);
	if (path_root_open(side, &store->head, path, store->readonly, create,
	    &why) == 0) {
		/* What is elsewhere has the same owner. */
		side->owner = store->root.owner;
		store->root.local = store->root.local && side->local;
		return 0;
	}
	*err = why;
	err_prefix(err, "%s=", key);
	return why.code == ERR_NOTFOUND ? 1 : -1;
}

/*
 * Without its control files a mailbox would give new UIDs to all it has: that
 * they are not there is no less a reason to stop than a missing root (E5).
 */
static int
open_sides(struct maildir_store *store, const struct mail_location *loc,
    bool create, struct err *err)
{
	const char *index = mail_location_get(loc, "INDEX");
	const char *control = mail_location_get(loc, "CONTROL");
	const char *inbox = mail_location_get(loc, "INBOX");
	struct err ignored = ERR_INIT;
	int r;

	if (control != NULL && open_side(store, &store->control, "CONTROL",
	    control, create, err) != 0)
		return -1;
	if (inbox != NULL && open_side(store, &store->inbox, "INBOX", inbox,
	    create, err) != 0)
		return -1;
	store->control_elsewhere = is_elsewhere(&store->control,
	    &store->root);
	store->inbox_elsewhere = is_elsewhere(&store->inbox, &store->root);
	if (index == NULL)
		return 0;
	/* Without it nothing but modseqs is lost: Dovecot makes it later. */
	r = 1;
	if (strcmp(index, "MEMORY") != 0)
		r = open_side(store, &store->index, "INDEX", index, create,
		    &ignored);
	else
		err_set(&ignored, ERR_CONFIG, "maildir: LAYOUT=index has "
		    "its names in an index: INDEX=MEMORY can't be");
	if (r == 1 && store->layout->listed)
		r = -1;
	if (r == -1)
		*err = ignored;
	store->index_in_memory = r == 1;
	return r == -1 ? -1 : 0;
}

static void
store_free(struct maildir_store *store)
{
	body_queue_free(&store->queue);
	index_tell_forget(&store->tell);
	index_close(&store->list_index);
	name_list_close(&store->names);
	dotlock_source_drop(&store->lock_source);
	path_root_close(&store->root);
	path_root_close(&store->index);
	path_root_close(&store->control);
	path_root_close(&store->inbox);
	attribute_dict_close(&store->head);
	free(store->find);
	free(store->lines);
	free(store->dir);
	free(store->dirname);
	free(store->subscriptions);
	free(store->list_base);
	free(store->hostname);
	free(store->spare_buf);
	free(store);
}

/* New directories are as open as the root is. */
static int
learn_dir_mode(struct maildir_store *store, struct err *err)
{
	struct path_stat st;

	if (path_fstat(store->root.fd, &st, err) == -1)
		return -1;
	store->dir_mode = (mode_t)(st.mode & 0777) | 0700;
	store->dir_gid = (gid_t)st.gid;
	store->set_dir_gid = (st.mode & 0070) != 0 && st.gid != getegid();
	return 0;
}

static struct maildir_store *
store_new(const struct store_options *opts)
{
	struct maildir_store *store = mem_alloc(sizeof(*store));

	store->layout = &maildir_layout_plusplus;
	store->root.fd = store->index.fd = -1;
	store->control.fd = store->inbox.fd = -1;
	store->readonly = opts->readonly;
	store->alt_char = opts->alt_char == '\0' ? '_' : opts->alt_char;
	store->lock_timeout = store_settings_lock_timeout(opts);
	store->index_opts = index_options_of(opts);
	/* It can be made anew from the mails: Dovecot does not wait either. */
	store->index_opts.no_fsync = true;
	store->compress = store_settings_get(opts)->zlib_save;
	store->compress_level = store_settings_get(opts)->zlib_save_level;
	store->hostname = mem_strdup(opts->hostname != NULL ?
	    opts->hostname : "localhost");
	store->subscriptions = mem_strdup("subscriptions");
	store->list_base = mem_strdup(INDEX_LIST_BASE);
	store->settings = store_settings_get(opts);
	return store;
}

static const struct store_driver driver_nested;

static int
maildir_open(struct store **store_r, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	struct maildir_store *store = store_new(opts);

	if (apply_keys(store, loc, err) == -1 ||
	    attribute_dict_open(&store->head, loc, opts, err) == -1 ||
	    mail_codec_check(store->compress, store->compress_level,
	    err) == -1)
		goto failed;
	store->head.driver = store->layout->nested || store->layout->listed ?
	    &driver_nested : &store_driver_maildir;
	if (path_root_open(&store->root, &store->head, loc->path,
	    opts->readonly, opts->create, err) == -1)
		goto failed;
	if (!opts->create &&
	    path_refuse_empty(&store->root, loc->path, err) == -1)
		goto failed;
	if (learn_dir_mode(store, err) == -1 ||
	    open_sides(store, loc, opts->create, err) == -1)
		goto failed;
	if (store->layout->listed)
		maildir_listed_open(store);
	if (!store->readonly && store->layout == &maildir_layout_plusplus)
		maildir_tree_cleanup(store);
	*store_r = &store->head;
	return 0;
failed:
	store_free(store);
	return -1;
}

static void
maildir_close(struct store **storep)
{
	struct maildir_store *store = (struct maildir_store *)*storep;
	struct err ignored = ERR_INIT;
	struct mailbox *box;

	while (store->boxes != NULL) {
		box = &store->boxes->head;
		maildir_box_close(&box);
	}
	/* After a failure nobody was told of it. */
	(void)maildir_settle(&store->head, &ignored);
	store_free(store);
	*storep = NULL;
}

static int
maildir_root_fd(const struct store *store)
{
	return ((const struct maildir_store *)store)->root.fd;
}

static int
maildir_list(struct store *store, store_list_fn *fn, void *arg,
    struct err *err)
{
	return ((struct maildir_store *)store)->layout->list(store, fn, arg,
	    err);
}

static int
maildir_tree_token(struct store *store, struct store_token *token_r,
    struct err *err)
{
	return ((struct maildir_store *)store)->layout->tree_token(store,
	    token_r, err);
}

#define CAPS (STORE_CAP_SAVE_GUID | STORE_CAP_SET_UID | \
    STORE_CAP_MAILBOX_GUID | STORE_CAP_MODSEQ | STORE_CAP_KEYWORDS)

/* All but name and capabilities is the same for every layout. */
#define FUNCTIONS \
	.open = maildir_open, \
	.close = maildir_close, \
	.root_fd = maildir_root_fd, \
	.list = maildir_list, \
	.tree_token = maildir_tree_token, \
	.subscriptions = maildir_subscriptions, \
	.subscribe = maildir_subscribe, \
	.mailbox_create = maildir_create, \
	.mailboxes_create = maildir_create_all, \
	.subscribe_all = maildir_subscribe_all, \
	ATTRIBUTE_DICT_FUNCTIONS, \
	.mailbox_rename = maildir_rename, \
	.mailbox_remove = maildir_remove, \
	.map_name = maildir_map_name, \
	.mailbox_open = maildir_box_open, \
	.mailbox_close = maildir_box_close, \
	.settle = maildir_settle, \
	.status = maildir_box_status, \
	.token = maildir_box_token, \
	.scan = maildir_scan, \
	.reader_open = maildir_reader_open, \
	.reader_read = maildir_reader_read, \
	.reader_close = maildir_reader_close, \
	.append_begin = maildir_append_begin, \
	.append_write = maildir_append_write, \
	.append_commit = maildir_append_commit, \
	.append_abort = maildir_append_abort, \
	.copy = maildir_copy, \
	.set_flags = mail_op_set_flags, \
	.set_uid = mail_op_set_uid, \
	.expunge = mail_op_set_expunge, \
	.set_status = mail_op_set_status, \
	.prepare = maildir_prepare, \
	.flush = maildir_flush, \
	.shared_inbox = true,

const struct store_driver store_driver_maildir = {
	.name = "maildir",
	.caps = CAPS,
	FUNCTIONS
};

/* What store->driver is where a directory need not be a mailbox. */
static const struct store_driver driver_nested = {
	.name = "maildir",
	.caps = CAPS | STORE_CAP_DIRECTORIES,
	FUNCTIONS
};
