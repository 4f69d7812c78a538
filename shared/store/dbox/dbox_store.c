#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/mail_location.h"
#include "store/dbox/dbox.h"
#include "store/files/location_key.h"
#include "store/files/mail_codec.h"
#include "store/index/index_list.h"
#include "store/store_settings.h"

int
dbox_writable(struct dbox_store *store, struct err *err)
{
	if (store->readonly)
		return err_set(err, ERR_PERM, "the store is read-only");
	return 0;
}

bool
dbox_gone(const struct dbox_store *store)
{
	return store->root.gone || store->index.gone ||
	    store->control.gone || store->alt.gone;
}

struct path_root *
dbox_index_root(struct dbox_store *store)
{
	return store->index.fd != -1 ? &store->index : &store->root;
}

struct path_root *
dbox_control_root(struct dbox_store *store)
{
	return store->control.fd != -1 ? &store->control : &store->root;
}

static int
open_other(struct dbox_store *store, struct path_root *root, const char *key,
    const char *path, bool create, struct err *err)
{
	if (path[0] != '/')
		return err_set(err, ERR_CONFIG,
		    "%s: %s=%s is not an absolute path", store->format->name,
		    key, path);
	if (path_root_open(root, &store->head, path, store->readonly,
	    create && store->create, err) == -1)
		return err_prefix(err, "%s=", key);
	return 0;
}

/*
 * Dovecot makes it with the first message that goes there.  If it is gone, its
 * messages are damaged ones, which nobody takes for expunged.
 */
static int
open_alt(struct dbox_store *store, const char *path, struct err *err)
{
	struct err why = ERR_INIT;

	store->has_alt = true;
	if (open_other(store, &store->alt, "ALT", path, false, &why) == 0 ||
	    why.code == ERR_NOTFOUND)
		return 0;
	*err = why;
	return -1;
}

static int
set_layout(struct dbox_store *store, const char *value, struct err *err)
{
	store->listed = strcasecmp(value, "index") == 0;
	if (store->listed || strcasecmp(value, "fs") == 0)
		return 0;
	return err_set(err, ERR_CONFIG, "%s: LAYOUT=%s is not supported, "
	    "only fs and index", store->format->name, value);
}

static int
apply_key(struct dbox_store *store, const char *key, const char *value,
    struct err *err)
{
	const char *driver = store->format->name;

	if (strcmp(key, "ALT") != 0 && location_key_ignored(key))
		return 0;
	if (strcmp(key, "UTF-8") == 0 && value == NULL) {
		store->utf8 = true;
		return 0;
	}
	if (strcmp(key, "LISTINDEX") == 0) {
		location_key_list_index(&store->list_base, value);
		return 0;
	}
	if (value == NULL)
		value = "";
	if (strcmp(key, "LAYOUT") == 0)
		return set_layout(store, value, err);
	if (strcmp(key, "SUBSCRIPTIONS") == 0)
		return location_key_name(&store->subscriptions, driver, key,
		    value, false, err);
	if (strcmp(key, "MAILBOXDIR") == 0)
		return location_key_name(&store->boxes_name, driver, key,
		    value, false, err);
	if (strcmp(key, "DIRNAME") == 0 || strcmp(key, "FULLDIRNAME") == 0) {
		store->full_dir = key[0] == 'F';
		return location_key_name(&store->dir_name, driver, key,
		    value, false, err);
	}
	if (strcmp(key, "INDEX") == 0 && strcmp(value, "MEMORY") == 0)
		return err_set(err, ERR_CONFIG, "%s: INDEX=MEMORY keeps "
		    "neither UIDs nor flags", driver);
	if (strcmp(key, "INDEX") == 0)
		return open_other(store, &store->index, key, value, true,
		    err);
	if (strcmp(key, "CONTROL") == 0)
		return open_other(store, &store->control, key, value, true,
		    err);
	if (strcmp(key, "ALT") == 0)
		return open_alt(store, value, err);
	return err_set(err, ERR_CONFIG,
	    "%s: %s= is not supported in a mail location", driver, key);
}

static void
store_free(struct dbox_store *store)
{
	index_tell_forget(&store->tell);
	index_close(&store->list);
	name_list_close(&store->names);
	if (store->mdbox != NULL)
		store->format->close(store);
	path_root_close(&store->root);
	path_root_close(&store->index);
	path_root_close(&store->control);
	path_root_close(&store->alt);
	attribute_dict_close(&store->head);
	free(store->subscriptions);
	free(store->boxes_name);
	free(store->dir_name);
	free(store->list_base);
	free(store->hostname);
	free(store);
}

static enum index_lock_method
lock_method(enum store_lock lock)
{
	if (lock == STORE_LOCK_FLOCK)
		return INDEX_LOCK_FLOCK;
	if (lock == STORE_LOCK_DOTLOCK)
		return INDEX_LOCK_DOTLOCK;
	return INDEX_LOCK_FCNTL;
}

static struct dbox_store *
store_new(const struct dbox_format *format,
    const struct store_driver *driver, const struct store_options *opts)
{
	const struct store_settings *settings = store_settings_get(opts);
	struct dbox_store *store = mem_alloc(sizeof(*store));

	store->head.driver = driver;
	store->format = format;
	store->root.fd = store->index.fd = -1;
	store->control.fd = store->alt.fd = -1;
	store->readonly = opts->readonly;
	store->create = opts->create && !opts->readonly;
	store->alt_char = opts->alt_char == '\0' ? '_' : opts->alt_char;
	store->lock_timeout = store_settings_lock_timeout(opts);
	store->hostname = mem_strdup(opts->hostname != NULL ?
	    opts->hostname : "localhost");
	store->subscriptions = mem_strdup("subscriptions");
	store->boxes_name = mem_strdup("mailboxes");
	store->dir_name = mem_strdup("dbox-Mails");
	store->list_index = settings->mailbox_list_index;
	store->list_base = mem_strdup(INDEX_LIST_BASE);
	store->settings = settings;
	store->compress = settings->zlib_save;
	store->compress_level = settings->zlib_save_level;
	store->rotate_size = settings->mdbox_rotate_size;
	store->rotate_interval = settings->mdbox_rotate_interval;
	store->index_opts = (struct index_options){
		.lock_method = lock_method(settings->lock_method),
		.lock_timeout = store->lock_timeout,
		.readonly = opts->readonly,
		.hostname = store->hostname,
	};
	return store;
}

/*
 * A directory without any of a dbox's own is more often the place of a file
 * system that is not mounted than a store: as good as missing (E5).
 */
static int
check_root(struct dbox_store *store, const char *path, struct err *err)
{
	const char *const names[] = { store->boxes_name, DBOX_STORAGE };
	struct path_stat st;

	for (size_t i = 0; i < nitems(names); i++) {
		if (path_stat(&store->root, store->root.fd, NULL, names[i],
		    &st, err) == -1)
			return -1;
		if (st.exists)
			return 0;
	}
	return err_set(err, ERR_NOTFOUND,
	    "%s holds no %s: is something not mounted?", path,
	    store->format->name);
}

/* Modes of new files are those of the root. */
static int
prepare_root(struct dbox_store *store, struct err *err)
{
	struct path_stat st;
	int fd;

	if (path_fstat(store->root.fd, &st, err) == -1)
		return -1;
	store->dir_mode = (mode_t)(st.mode & 0777) | 0700;
	store->file_mode = (mode_t)(st.mode & 0666) | 0600;
	/* Files in other places belong to the owner of the mail, too. */
	store->index.owner = store->control.owner = store->root.owner;
	store->alt.owner = store->root.owner;
	if (!store->create)
		return 0;
	fd = dbox_dir_open(store, &store->root, store->boxes_name, true,
	    err);
	if (fd != -1)
		close(fd);
	return fd == -1 ? -1 : 0;
}

int
dbox_store_open(const struct dbox_format *format,
    const struct store_driver *driver, struct store **store_r,
    const struct mail_location *loc, const struct store_options *opts,
    struct err *err)
{
	struct dbox_store *store = store_new(format, driver, opts);

	if (path_root_open(&store->root, &store->head, loc->path,
	    opts->readonly, opts->create, err) == -1)
		goto failed;
	for (size_t i = 0; i < loc->key_count; i++) {
		if (apply_key(store, loc->keys[i].key, loc->keys[i].value,
		    err) == -1)
			goto failed;
	}
	if (store->listed && strcmp(store->list_base, INDEX_LIST_BASE) != 0) {
		err_set(err, ERR_CONFIG, "%s: LISTINDEX= is not supported "
		    "with LAYOUT=index", format->name);
		goto failed;
	}
	if ((!store->create && check_root(store, loc->path, err) == -1) ||
	    attribute_dict_open(&store->head, loc, opts, err) == -1)
		goto failed;
	if (mail_codec_check(store->compress, store->compress_level,
	    err) == -1 || prepare_root(store, err) == -1 || (format->open != NULL &&
	    format->open(store, err) == -1))
		goto failed;
	if (store->listed)
		dbox_listed_open(store);
	if (!store->readonly)
		dbox_tree_cleanup(store);
	if (!store->readonly && store->listed)
		dbox_listed_cleanup(store);
	*store_r = &store->head;
	return 0;
failed:
	store_free(store);
	return -1;
}

void
dbox_store_close(struct store **storep)
{
	struct dbox_store *store = (struct dbox_store *)*storep;
	struct mailbox *box;

	while (store->boxes != NULL) {
		box = &store->boxes->head;
		dbox_box_close(&box);
	}
	store_free(store);
	*storep = NULL;
}

int
dbox_root_fd(const struct store *store)
{
	return ((const struct dbox_store *)store)->root.fd;
}
