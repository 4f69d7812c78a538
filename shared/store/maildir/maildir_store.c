#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "model/mail_location.h"
#include "store/maildir/maildir.h"
#include "store/store_settings.h"

void
maildir_problem(struct maildir_store *store, const struct err *why,
    const char *fmt, ...)
{
	char what[512];
	va_list ap;

	if (store->head.problem == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	for (char *p = what; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	store->head.problem(what, why, store->head.problem_arg);
}

int
maildir_writable(struct maildir_store *store, struct err *err)
{
	if (store->readonly)
		return err_set(err, ERR_PERM, "the store is read-only");
	return 0;
}

/* Keys that change nothing we do. */
static const char *const ignored_keys[] = {
	"INDEXCACHE", "INDEXPVT", "ITERINDEX", "LISTINDEX", "NO-NOSELECT",
	"VOLATILEDIR",
};

static bool
key_ignored(const char *key)
{
	for (size_t i = 0; i < nitems(ignored_keys); i++) {
		if (strcmp(key, ignored_keys[i]) == 0)
			return true;
	}
	return false;
}

static int
open_index(struct maildir_store *store, const char *path, struct err *err)
{
	struct err why = ERR_INIT;

	if (strcmp(path, "MEMORY") == 0) {
		store->index_in_memory = true;
		return 0;
	}
	if (path[0] != '/')
		return err_set(err, ERR_CONFIG,
		    "maildir: INDEX=%s is not an absolute path", path);
	if (path_root_open(&store->index, &store->head, path,
	    store->readonly, false, &why) == 0)
		return 0;
	/* Indexes are a cache: Dovecot makes the directory when it likes. */
	if (why.code == ERR_NOTFOUND) {
		store->index_in_memory = true;
		return 0;
	}
	*err = why;
	return err_prefix(err, "INDEX=");
}

static int
apply_key(struct maildir_store *store, const char *key, const char *value,
    struct err *err)
{
	if (key_ignored(key))
		return 0;
	if (strcmp(key, "UTF-8") == 0 && value == NULL) {
		store->utf8 = true;
		return 0;
	}
	if (strcmp(key, "LAYOUT") == 0 && value != NULL) {
		if (strcasecmp(value, "Maildir++") == 0)
			return 0;
		return err_set(err, ERR_CONFIG, "maildir: LAYOUT=%s is not "
		    "supported, only Maildir++ is", value);
	}
	if (strcmp(key, "SUBSCRIPTIONS") == 0 && value != NULL) {
		if (!path_name_valid(value) || value[0] == '.')
			return err_set(err, ERR_CONFIG,
			    "maildir: SUBSCRIPTIONS=%s is no file name",
			    value);
		free(store->subscriptions);
		store->subscriptions = mem_strdup(value);
		return 0;
	}
	if (strcmp(key, "INDEX") == 0 && value != NULL)
		return open_index(store, value, err);
	if (strcmp(key, "CONTROL") == 0)
		return err_set(err, ERR_CONFIG, "maildir: control files in "
		    "another place (CONTROL=) are not supported");
	return err_set(err, ERR_CONFIG,
	    "maildir: %s= is not supported in a mail location", key);
}

static void
store_free(struct maildir_store *store)
{
	path_root_close(&store->root);
	path_root_close(&store->index);
	free(store->subscriptions);
	free(store->hostname);
	free(store);
}

/*
 * An empty directory is more often the place of a file system that is not
 * mounted than a Maildir: as good as missing (E5).
 */
static int
refuse_empty(struct maildir_store *store, const char *path, struct err *err)
{
	DIR *dir = path_read_dir(&store->root, store->root.fd, NULL, err);
	struct dirent *de;
	bool empty = true;

	if (dir == NULL)
		return -1;
	while (empty && (de = readdir(dir)) != NULL)
		empty = strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    strcmp(de->d_name, "lost+found") == 0;
	closedir(dir);
	if (empty)
		return err_set(err, ERR_NOTFOUND,
		    "%s is empty: is something not mounted?", path);
	return 0;
}

static int
maildir_open(struct store **store_r, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	struct maildir_store *store = mem_alloc(sizeof(*store));

	store->head.driver = &store_driver_maildir;
	store->root.fd = store->index.fd = -1;
	store->readonly = opts->readonly;
	store->alt_char = opts->alt_char == '\0' ? '_' : opts->alt_char;
	store->lock_timeout = store_settings_lock_timeout(opts);
	store->hostname = mem_strdup(opts->hostname != NULL ?
	    opts->hostname : "localhost");
	store->subscriptions = mem_strdup("subscriptions");
	for (size_t i = 0; i < loc->key_count; i++) {
		if (apply_key(store, loc->keys[i].key, loc->keys[i].value,
		    err) == -1)
			goto failed;
	}
	if (path_root_open(&store->root, &store->head, loc->path,
	    opts->readonly, opts->create, err) == -1)
		goto failed;
	if (!opts->create && refuse_empty(store, loc->path, err) == -1)
		goto failed;
	/* The index may be elsewhere, its files have the same owner. */
	store->index.owner = store->root.owner;
	if (!store->readonly)
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
	struct mailbox *box;

	while (store->boxes != NULL) {
		box = &store->boxes->head;
		maildir_box_close(&box);
	}
	store_free(store);
	*storep = NULL;
}

static int
maildir_root_fd(const struct store *store)
{
	return ((const struct maildir_store *)store)->root.fd;
}

const struct store_driver store_driver_maildir = {
	.name = "maildir",
	.caps = STORE_CAP_SAVE_GUID | STORE_CAP_SET_UID |
	    STORE_CAP_MAILBOX_GUID | STORE_CAP_KEYWORDS,
	.open = maildir_open,
	.close = maildir_close,
	.root_fd = maildir_root_fd,
	.list = maildir_tree_list,
	.tree_token = maildir_tree_token,
	.subscriptions = maildir_subscriptions,
	.subscribe = maildir_subscribe,
	.mailbox_create = maildir_create,
	.mailbox_rename = maildir_rename,
	.mailbox_remove = maildir_remove,
	.map_name = maildir_map_name,
	.mailbox_open = maildir_box_open,
	.mailbox_close = maildir_box_close,
	.status = maildir_box_status,
	.token = maildir_box_token,
	.scan = maildir_scan,
	.reader_open = maildir_reader_open,
	.reader_read = maildir_reader_read,
	.reader_close = maildir_reader_close,
	.append_begin = maildir_append_begin,
	.append_write = maildir_append_write,
	.append_commit = maildir_append_commit,
	.append_abort = maildir_append_abort,
	.copy = maildir_copy,
	.set_flags = maildir_set_flags,
	.set_uid = maildir_set_uid,
	.expunge = maildir_expunge,
	.set_status = maildir_set_status,
	.flush = maildir_flush,
};
