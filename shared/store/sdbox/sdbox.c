/*
 * sdbox: a file u.N for each message, N being its UID.
 *
 * A body is written as .temp.*, and gets its name under the lock of the
 * mailbox's index, just before the transaction that makes it visible.  A file
 * whose UID the index does not know yet was left by a process that died
 * between the two; Dovecot would rebuild the mailbox when it comes to this
 * UID, so what we left is taken away, and other such UIDs are not used.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/dbox/dbox.h"
#include "store/files/dotlock.h"

#define NAME_PREFIX	"u."
#define STRAYS_MAX	1000U	/* files in the way of one message */

static void
mail_name(char out[static PATH_NAME_MAX + 1], uint32_t uid)
{
	snprintf(out, PATH_NAME_MAX + 1, NAME_PREFIX "%" PRIu32, uid);
}

static void
temp_name(const struct dbox_store *store, char out[static PATH_NAME_MAX + 1])
{
	char unique[PATH_NAME_MAX + 1];

	unique_name(unique, store->hostname);
	snprintf(out, PATH_NAME_MAX + 1, DBOX_TEMP "%.200s", unique);
}

static int
sdbox_new_header(struct dbox_store *store,
    uint8_t header[static DBOX_HEADER_SIZE], struct err *err)
{
	(void)store;
	(void)err;
	memset(header, 0, DBOX_HEADER_SIZE);
	return 0;
}

static void
sdbox_refresh_header(struct dbox_store *store,
    uint8_t header[static DBOX_HEADER_SIZE])
{
	(void)store;
	(void)header;
}

/* Messages without an index: their UIDs and flags are to be rebuilt first. */
static int
sdbox_may_create(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err)
{
	struct dirent *de;
	DIR *dir;
	bool found = false;

	if (folder->mail_fd == -1)
		return 0;
	dir = path_read_dir(&store->root, folder->mail_fd, NULL, err);
	if (dir == NULL)
		return -1;
	while (!found && (de = readdir(dir)) != NULL)
		found = strncmp(de->d_name, NAME_PREFIX,
		    strlen(NAME_PREFIX)) == 0;
	closedir(dir);
	if (found)
		return err_set(err, ERR_CORRUPT, "the mailbox has messages, "
		    "but no index: let Dovecot make it anew (doveadm "
		    "force-resync)");
	return 0;
}

/* An open directory of the ALT storage, or -1. */
static int
open_alt(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err)
{
	char path[DBOX_PATH_MAX];

	if (store->alt.fd == -1)
		return err_set(err, ERR_NOTFOUND, "the message's file is "
		    "missing");
	if (dbox_mail_path(store, folder->path, path, err) == -1)
		return -1;
	return dbox_dir_open(store, &store->alt, path, false, err);
}

static int
open_mail(struct dbox_store *store, struct dbox_folder *folder,
    const char *name, struct path_stat *st, struct err *err)
{
	struct err why = ERR_INIT;
	int dir, fd = path_open_file(&store->root, folder->mail_fd, name, st,
	    &why);

	if (fd != -1)
		return fd;
	if (why.code != ERR_NOTFOUND || store->alt.fd == -1) {
		*err = why;
		return -1;
	}
	dir = open_alt(store, folder, err);
	if (dir == -1)
		return -1;
	fd = path_open_file(&store->alt, dir, name, st, err);
	close(dir);
	return fd;
}

static int
sdbox_locate(struct dbox_store *store, struct dbox_folder *folder, size_t pos,
    struct dbox_place *place, struct err *err)
{
	char name[PATH_NAME_MAX + 1];
	struct path_stat st;

	mail_name(name, index_mail(folder->index, pos).uid);
	*place = (struct dbox_place){ .fd = -1 };
	place->fd = open_mail(store, folder, name, &st, err);
	if (place->fd == -1)
		return -1;
	place->end = st.size;
	place->saved = path_changed(&st);
	return 0;
}

static bool
sdbox_index_guid(struct dbox_store *store, struct dbox_folder *folder,
    size_t pos, struct guid128 *guid_r)
{
	(void)store;
	(void)folder;
	(void)pos;
	(void)guid_r;
	return false;
}

static int
sdbox_body_begin(struct dbox_box *box, struct dbox_op *op, uint64_t *start_r,
    struct err *err)
{
	struct dbox_store *store = box->store;
	char name[PATH_NAME_MAX + 1];

	temp_name(store, name);
	op->fd = path_create(&store->root, box->folder->mail_fd, name,
	    store->file_mode, err);
	if (op->fd == -1)
		return -1;
	op->tmp_name = mem_strdup(name);
	*start_r = 0;
	return 0;
}

/* The file is written: one of a few stays open to be made durable alone. */
static int
sdbox_body_end(struct dbox_box *box, struct dbox_op *op, struct err *err)
{
	struct dbox_store *store = box->store;

	store->unsynced++;
	/* Elsewhere close, not syncfs, brings bytes to the server. */
	if (!store->root.local && path_fsync(&store->root, op->fd,
	    err) == -1)
		return -1;
	if (store->root.local && store->unsynced <= DBOX_FSYNC_EACH_MAX)
		return 0;
	if (close(op->fd) == -1 && errno != EINTR) {
		op->fd = -1;
		return err_sys(err, "close a message");
	}
	op->fd = -1;
	return 0;
}

static void
sdbox_body_drop(struct dbox_box *box, struct dbox_op *op)
{
	struct err ignored = ERR_INIT;

	if (op->tmp_name != NULL)
		(void)path_unlink(&box->store->root, box->folder->mail_fd,
		    op->tmp_name, false, &ignored);
	free(op->tmp_name);
	op->tmp_name = NULL;
}

static int
sdbox_copy(struct dbox_box *box, struct dbox_op *op, struct dbox_box *src,
    size_t src_pos, struct err *err)
{
	struct path_root *root = &box->store->root;
	char name[PATH_NAME_MAX + 1], tmp[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;

	mail_name(name, index_mail(src->folder->index, src_pos).uid);
	temp_name(box->store, tmp);
	if (path_link(root, src->folder->mail_fd, name, box->folder->mail_fd,
	    tmp, &ignored) == -1)
		return root->gone ? (*err = ignored, -1) : 0;
	op->tmp_name = mem_strdup(tmp);
	return 1;
}

static int
sdbox_bodies_sync(struct dbox_store *store, struct err *err)
{
	bool each = store->unsynced <= DBOX_FSYNC_EACH_MAX;

	if (store->unsynced == 0 || !store->root.local)
		return 0;
	if (!each && path_syncfs(&store->root, err) == -1)
		return -1;
	for (struct dbox_box *box = store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; i < box->ops.n; i++) {
			struct dbox_op *op = &box->ops.v[i];

			if (op->fd == -1)
				continue;
			if (each && path_fsync(&store->root, op->fd,
			    err) == -1)
				return -1;
			close(op->fd);
			op->fd = -1;
		}
	}
	return 0;
}

static int
sdbox_begin(struct dbox_store *store, const struct dbox_answer *answer,
    struct err *err)
{
	(void)store;
	(void)answer;
	(void)err;
	return 0;
}

static int
sdbox_end(struct dbox_store *store, bool failed, struct err *err)
{
	(void)store;
	(void)failed;
	(void)err;
	return 0;
}

/* Is the file in the way one that we left, with this very message? */
static bool
is_ours(struct dbox_box *box, const char *name, const struct dbox_op *op)
{
	struct dbox_message message;
	struct dbox_place place = { .offset = 0 };
	struct err ignored = ERR_INIT;
	struct path_stat st;
	bool same;

	place.fd = path_open_file(&box->store->root, box->folder->mail_fd,
	    name, &st, &ignored);
	if (place.fd == -1)
		return false;
	place.end = st.size;
	same = dbox_meta_read(&message, &place, &ignored) == 0 &&
	    strcmp(message.meta.guid, op->guid) == 0;
	close(place.fd);
	return same;
}

/* A message with another UID; a lost one stays so, and keeps its flags. */
static int
link_file(struct dbox_box *box, uint32_t from_uid, const char *name,
    struct err *why)
{
	struct dbox_store *store = box->store;
	char old[PATH_NAME_MAX + 1];
	int dir = box->folder->mail_fd, ret;

	mail_name(old, from_uid);
	ret = path_link(&store->root, dir, old, dir, name, why);
	if (ret == 0 || why->code != ERR_NOTFOUND)
		return ret;
	dir = open_alt(store, box->folder, why);
	if (dir != -1) {
		ret = path_link(&store->alt, dir, old, dir, name, why);
		close(dir);
	}
	return ret == -1 && why->code == ERR_NOTFOUND ? 0 : ret;
}

static int
place_file(struct dbox_box *box, const struct dbox_op *op, const char *name,
    struct err *why)
{
	struct path_root *root = &box->store->root;
	int dir = box->folder->mail_fd;

	if (op->kind == OP_APPEND)
		return path_rename(root, dir, op->tmp_name, dir, name, why);
	return link_file(box, op->from_uid, name, why);
}

static int
sdbox_publish(struct dbox_box *box, struct dbox_op *op, struct err *why)
{
	struct path_root *root = &box->store->root;
	char name[PATH_NAME_MAX + 1];

	for (unsigned int i = 0; i < STRAYS_MAX; i++) {
		*why = (struct err)ERR_INIT;
		mail_name(name, op->uid);
		if (place_file(box, op, name, why) == 0)
			return 0;
		if (why->errnum != EEXIST || root->gone)
			break;
		if (is_ours(box, name, op)) {
			if (path_unlink(root, box->folder->mail_fd, name,
			    false, why) == -1)
				return -1;
			continue;
		}
		store_tell(&box->store->head, NULL, "mailbox %s: the file %s is "
		    "not in the index", box->folder->stored_name,
		    name);
		if (op->uid >= UID_LAST)
			return err_set(why, ERR_REFUSED, "no UIDs are left");
		op->uid++;
	}
	/* Somebody removed the body: not the caller's mistake. */
	if (why->code == ERR_NOTFOUND)
		why->code = op->kind == OP_APPEND ? ERR_TEMP : ERR_CORRUPT;
	return -1;
}

static int
sdbox_published(struct dbox_box *box, struct err *err)
{
	return path_fsync(&box->store->root, box->folder->mail_fd, err);
}

static void
sdbox_record(struct dbox_box *box, struct dbox_op *const *ops, size_t n,
    struct index_txn *txn)
{
	(void)box;
	(void)ops;
	(void)n;
	(void)txn;
}

static void
sdbox_withdraw(struct dbox_box *box, struct dbox_op *op)
{
	char name[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;

	mail_name(name, op->uid);
	(void)path_unlink(&box->store->root, box->folder->mail_fd, name,
	    false, &ignored);
}

static int
sdbox_carry(struct dbox_box *box, const struct dbox_op *op, int dirfd,
    struct err *err)
{
	struct path_root *root = &box->store->root;
	char old[PATH_NAME_MAX + 1], name[PATH_NAME_MAX + 1];
	struct err why = ERR_INIT;
	int alt;

	mail_name(name, op->uid);
	mail_name(old, op->from_uid);
	if (path_link(root, box->folder->mail_fd, op->kind == OP_APPEND ?
	    op->tmp_name : old, dirfd, name, &why) == 0)
		return 0;
	if (why.code == ERR_NOTFOUND && op->kind == OP_UID) {
		alt = open_alt(box->store, box->folder, &why);
		/* A message whose file is lost stays so. */
		if (alt == -1)
			return 0;
		close(alt);
		return err_set(err, ERR_REFUSED, "the mailbox has messages "
		    "in the ALT storage, which can't be renumbered");
	}
	*err = why;
	return -1;
}

static int
sdbox_forget(struct dbox_box *box, uint32_t uid, struct err *why)
{
	struct dbox_store *store = box->store;
	char name[PATH_NAME_MAX + 1];
	int dir, ret;

	mail_name(name, uid);
	ret = path_unlink(&store->root, box->folder->mail_fd, name, false,
	    why);
	if (ret == 0 || why->code != ERR_NOTFOUND || store->alt.fd == -1)
		return ret;
	dir = open_alt(store, box->folder, why);
	if (dir == -1)
		return -1;
	ret = path_unlink(&store->alt, dir, name, false, why);
	close(dir);
	return ret;
}

static void
sdbox_expunge_note(struct dbox_box *box, struct dbox_op *op, size_t pos)
{
	(void)box;
	(void)op;
	(void)pos;
}

static const struct dbox_format sdbox_format = {
	.name = "sdbox",
	.header = { .name = "dbox-hdr", .header_size = DBOX_HEADER_SIZE },
	.header_guid = 4,
	.header_flags = 20,
	.named_by_uid = true,
	.new_header = sdbox_new_header,
	.refresh_header = sdbox_refresh_header,
	.may_create = sdbox_may_create,
	.locate = sdbox_locate,
	.index_guid = sdbox_index_guid,
	.body_begin = sdbox_body_begin,
	.body_end = sdbox_body_end,
	.body_drop = sdbox_body_drop,
	.copy = sdbox_copy,
	.bodies_sync = sdbox_bodies_sync,
	.begin = sdbox_begin,
	.publish = sdbox_publish,
	.published = sdbox_published,
	.record = sdbox_record,
	.withdraw = sdbox_withdraw,
	.carry = sdbox_carry,
	.forget = sdbox_forget,
	.end = sdbox_end,
	.expunge_begin = sdbox_begin,
	.expunge_note = sdbox_expunge_note,
};

static int
sdbox_open(struct store **store_r, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	return dbox_store_open(&sdbox_format, &store_driver_sdbox, store_r,
	    loc, opts, err);
}

const struct store_driver store_driver_sdbox = {
	.name = "sdbox",
	.caps = DBOX_CAPS,
	.open = sdbox_open,
	DBOX_DRIVER_FUNCTIONS,
};
