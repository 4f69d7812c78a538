#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/mail_location.h"
#include "store/files/attribute_dict.h"
#include "store/files/location_key.h"
#include "store/mbox/mbox.h"

int
mbox_writable(struct mbox_store *store, struct err *err)
{
	if (store->readonly)
		return err_set(err, ERR_PERM, "the store is read-only");
	return 0;
}

bool
mbox_gone(const struct mbox_store *store)
{
	return store->root.gone || store->index.gone || store->control.gone ||
	    store->inbox.gone || store->imap.gone;
}

static int
set_name(char **field, const char *key, const char *value, struct err *err)
{
	if (strcmp(value, INDEX_DIR) == 0)
		return err_set(err, ERR_CONFIG,
		    "mbox: %s=%s is the directory of the indexes", key,
		    value);
	return location_key_name(field, "mbox", key, value, true, err);
}

/* A directory for index or control files; made when it is missing. */
static int
open_other(struct mbox_store *store, struct path_root *root, const char *key,
    const char *path, struct err *err)
{
	if (path[0] != '/')
		return err_set(err, ERR_CONFIG,
		    "mbox: %s=%s is not an absolute path", key, path);
	if (path_root_open(root, &store->head, path, store->readonly,
	    !store->readonly, err) == 0)
		return 0;
	if (err->code == ERR_NOTFOUND && store->readonly) {
		root->fd = -1;
		*err = (struct err)ERR_INIT;
		return 0;
	}
	return err_prefix(err, "%s=", key);
}

/* INBOX=: a file, which may lie anywhere. */
static int
open_inbox(struct mbox_store *store, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int r;

	if (path[0] != '/' || !path_name_valid(slash + 1))
		return err_set(err, ERR_CONFIG, "mbox: INBOX=%s is not the "
		    "absolute path of a file", path);
	dir = mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
	r = path_root_open(&store->inbox, &store->head, dir, store->readonly,
	    false, err);
	free(dir);
	if (r == -1)
		return err_prefix(err, "INBOX=");
	snprintf(store->inbox_name, sizeof(store->inbox_name), "%s",
	    slash + 1);
	return 0;
}

static int
apply_key(struct mbox_store *store, const char *key, const char *value,
    struct err *err)
{
	/* No list of mailboxes is told of changes. */
	if (location_key_ignored(key) || strcmp(key, "LISTINDEX") == 0)
		return 0;
	if (strcmp(key, "UTF-8") == 0 && value == NULL) {
		store->utf8 = true;
		return 0;
	}
	if (value == NULL)
		return err_set(err, ERR_CONFIG,
		    "mbox: %s is not supported in a mail location", key);
	if (strcmp(key, "LAYOUT") == 0)
		return location_key_layout_fs("mbox", value, err);
	if (strcmp(key, "SUBSCRIPTIONS") == 0)
		return set_name(&store->subscriptions, key, value, err);
	if (strcmp(key, "DIRNAME") == 0)
		return set_name(&store->dirname, key, value, err);
	if (strcmp(key, "INBOX") == 0)
		return open_inbox(store, value, err);
	if (strcmp(key, "CONTROL") == 0)
		return open_other(store, &store->control, key, value, err);
	/* Our own state needs a place, so MEMORY means the usual one. */
	if (strcmp(key, "INDEX") == 0 && strcmp(value, "MEMORY") == 0) {
		store->index_in_memory = true;
		return 0;
	}
	if (strcmp(key, "INDEX") == 0)
		return open_other(store, &store->index, key, value, err);
	return err_set(err, ERR_CONFIG,
	    "mbox: %s= is not supported in a mail location", key);
}

static void
store_free(struct mbox_store *store)
{
	path_root_close(&store->root);
	path_root_close(&store->index);
	path_root_close(&store->control);
	path_root_close(&store->inbox);
	path_root_close(&store->imap);
	attribute_dict_close(&store->head);
	free(store->subscriptions);
	free(store->dirname);
	free(store->hostname);
	free(store);
}

/*
 * Without INBOX= Dovecot takes the user's spool file if there is one.  Whose
 * mail it is is known here only from the owner of this process, so it is taken
 * only for a root in that user's home.  The answer is kept: a confined process
 * could not find it any more.
 */
const char *
mbox_spool_file(const char *path)
{
	static const char *const dirs[] = { "/var/mail", "/var/spool/mail" };
	static char root[LOCATION_MAX + 1], file[PATH_NAME_MAX + 32];
	const struct passwd *pw;
	size_t home;

	if (strcmp(root, path) == 0)
		return file[0] == '\0' ? NULL : file;
	snprintf(root, sizeof(root), "%s", path);
	file[0] = '\0';
	pw = getpwuid(geteuid());
	home = pw == NULL ? 0 : strlen(pw->pw_dir);
	if (pw == NULL || home < 2 || strncmp(path, pw->pw_dir, home) != 0 ||
	    path[home] != '/' || !path_name_valid(pw->pw_name) ||
	    strlen(pw->pw_name) > PATH_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < nitems(dirs); i++) {
		snprintf(file, sizeof(file), "%s/%s", dirs[i], pw->pw_name);
		if (access(file, R_OK | W_OK) == 0)
			return file;
	}
	file[0] = '\0';
	return NULL;
}

static bool
same_dir(const struct path_root *a, const struct path_root *b)
{
	struct path_stat x, y;
	struct err ignored = ERR_INIT;

	return path_fstat(a->fd, &x, &ignored) == 0 &&
	    path_fstat(b->fd, &y, &ignored) == 0 && x.ino == y.ino &&
	    x.dev == y.dev;
}

/*
 * The place of the change log and of dovecot-uidvalidity: .imap in the root, or
 * with DIRNAME= the root of the index files, since Dovecot would list .imap
 * then.
 */
static int
open_imap(struct mbox_store *store, struct err *err)
{
	struct err why = ERR_INIT;
	int fd;

	if (store->dirname != NULL && store->index.fd != -1) {
		store->imap = store->index;
		store->imap.fd = fcntl(store->index.fd, F_DUPFD_CLOEXEC, 3);
		return store->imap.fd == -1 ? err_sys(err, "INDEX=") : 0;
	}
	fd = path_open_dir(&store->root, store->root.fd, INDEX_DIR, &why);
	if (fd == -1 && why.code == ERR_NOTFOUND && !store->readonly) {
		if (path_mkdir(&store->root, store->root.fd, INDEX_DIR, 0700,
		    &why) == -1 && why.errnum != EEXIST) {
			*err = why;
			return -1;
		}
		fd = path_open_dir(&store->root, store->root.fd, INDEX_DIR,
		    err);
		if (fd == -1)
			return -1;
	} else if (fd == -1 && why.code != ERR_NOTFOUND) {
		*err = why;
		return -1;
	}
	store->imap = store->root;
	store->imap.fd = fd;
	return 0;
}

static int
open_roots(struct mbox_store *store, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	const char *spool = NULL;

	if (path_root_open(&store->root, &store->head, loc->path,
	    opts->readonly, opts->create, err) == -1)
		return -1;
	if (store->inbox.fd == -1)
		spool = mbox_spool_file(loc->path);
	if (spool != NULL && open_inbox(store, spool, err) == -1)
		return -1;
	if (store->inbox.fd == -1) {
		store->inbox = store->root;
		store->inbox.fd = fcntl(store->root.fd, F_DUPFD_CLOEXEC, 3);
		snprintf(store->inbox_name, sizeof(store->inbox_name),
		    "inbox");
		if (store->inbox.fd == -1)
			return err_sys(err, "%s", loc->path);
	}
	store->inbox_in_root = same_dir(&store->inbox, &store->root);
	/* Spool directories belong to root, the files to the user. */
	store->index.owner = store->control.owner = store->inbox.owner =
	    store->root.owner;
	if (!opts->create && store->inbox_in_root &&
	    path_refuse_empty(&store->root, loc->path, err) == -1)
		return -1;
	return open_imap(store, err);
}

static int
mbox_open(struct store **store_r, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	struct mbox_store *store = mem_alloc(sizeof(*store));

	store->head.driver = &store_driver_mbox;
	store->root.fd = store->index.fd = store->control.fd = -1;
	store->inbox.fd = store->imap.fd = -1;
	store->readonly = opts->readonly;
	store->alt_char = opts->alt_char == '\0' ? '_' : opts->alt_char;
	store->settings = *store_settings_get(opts);
	store->lock_timeout = store_settings_lock_timeout(opts);
	if (store->settings.mbox_lock_timeout < store->lock_timeout)
		store->lock_timeout = store->settings.mbox_lock_timeout;
	store->hostname = mem_strdup(opts->hostname != NULL ?
	    opts->hostname : "localhost");
	store->subscriptions = mem_strdup(".subscriptions");
	for (size_t i = 0; i < loc->key_count; i++) {
		if (apply_key(store, loc->keys[i].key, loc->keys[i].value,
		    err) == -1)
			goto failed;
	}
	if (open_roots(store, loc, opts, err) == -1 ||
	    attribute_dict_open(&store->head, loc, opts, err) == -1)
		goto failed;
	*store_r = &store->head;
	return 0;
failed:
	store_free(store);
	return -1;
}

static void
mbox_close(struct store **storep)
{
	struct mbox_store *store = (struct mbox_store *)*storep;
	struct mailbox *box;

	while (store->boxes != NULL) {
		box = &store->boxes->head;
		mbox_box_close(&box);
	}
	store_free(store);
	*storep = NULL;
}

/* In the root the change log would pass for a mailbox. */
static int
mbox_root_fd(const struct store *head)
{
	const struct mbox_store *store = (const struct mbox_store *)head;

	return store->imap.fd != -1 ? store->imap.fd : store->root.fd;
}

const struct store_driver store_driver_mbox = {
	.name = "mbox",
	.caps = STORE_CAP_SAVE_GUID | STORE_CAP_SET_UID |
	    STORE_CAP_MAILBOX_GUID | STORE_CAP_KEYWORDS |
	    STORE_CAP_DIRECTORIES,
	.open = mbox_open,
	.close = mbox_close,
	.root_fd = mbox_root_fd,
	.list = mbox_list,
	.tree_token = mbox_tree_token,
	.subscriptions = mbox_subscriptions,
	.subscribe = mbox_subscribe,
	ATTRIBUTE_DICT_FUNCTIONS,
	.mailbox_create = mbox_create,
	.mailbox_rename = mbox_rename,
	.mailbox_remove = mbox_remove,
	.map_name = mbox_map_name,
	.mailbox_open = mbox_box_open,
	.mailbox_close = mbox_box_close,
	.status = mbox_box_status,
	.token = mbox_box_token,
	.scan = mbox_scan,
	.reader_open = mbox_reader_open,
	.reader_read = mbox_reader_read,
	.reader_close = mbox_reader_close,
	.append_begin = mbox_append_begin,
	.append_write = mbox_append_write,
	.append_commit = mbox_append_commit,
	.append_abort = mbox_append_abort,
	.copy = mbox_copy,
	.set_flags = mail_op_set_flags,
	.set_uid = mail_op_set_uid,
	.expunge = mail_op_set_expunge,
	.set_status = mail_op_set_status,
	.prepare = mbox_prepare,
	.flush = mbox_flush,
};
