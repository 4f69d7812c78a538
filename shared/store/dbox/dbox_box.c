#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/mailbox_name.h"
#include "store/dbox/dbox.h"
#include "store/files/uidvalidity.h"

void
dbox_folder_problem(struct dbox_store *store, struct dbox_folder *folder,
    const struct err *why, uint32_t uid)
{
	if (++folder->problems > DBOX_PROBLEMS_MAX || folder->quiet)
		return;
	store_tell(&store->head, why, "mailbox %s: UID %u",
	    folder->stored_name, uid);
}

bool
dbox_folder_header(const struct dbox_store *store,
    const struct dbox_folder *folder,
    uint8_t header_r[static DBOX_HEADER_SIZE])
{
	struct index_ext ext;
	size_t n;

	memset(header_r, 0, DBOX_HEADER_SIZE);
	if (!index_ext_find(folder->index, store->format->header.name, &n))
		return false;
	ext = index_ext(folder->index, n);
	if (ext.header_size < DBOX_HEADER_SIZE)
		return false;
	memcpy(header_r, ext.header, DBOX_HEADER_SIZE);
	return true;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/*
 * Open a directory that may be missing: -1 is in *fd_r then.  Where
 * a mailbox is about to get another GUID, the name is a link and counts as
 * missing until that is over.
 */
static int
open_if_there(struct dbox_store *store, struct path_root *root,
    const char *path, int *fd_r, struct err *err)
{
	struct err why = ERR_INIT;

	*fd_r = dbox_dir_open(store, root, path, false, &why);
	if (*fd_r != -1 || why.code == ERR_NOTFOUND ||
	    (why.errnum == ELOOP && store->listed && !store->readonly))
		return 0;
	*err = why;
	return -1;
}

void
dbox_folder_name(const struct dbox_store *store, struct dbox_folder *folder,
    const char *name, const char *path)
{
	struct err ignored = ERR_INIT;
	struct strbuf stored;

	strbuf_init(&stored, 8 * NAME_MAX_BYTES);
	if (!store->listed || name_list_stored(&store->names, name, '/',
	    &stored, &ignored) == -1) {
		strbuf_reset(&stored);
		strbuf_adds(&stored, path);
	}
	name = mem_strdup(name);
	path = mem_strdup(path);
	free(folder->name);
	free(folder->path);
	free(folder->stored_name);
	folder->name = (char *)name;
	folder->path = (char *)path;
	folder->stored_name = mem_strdup(stored.data);
	strbuf_deinit(&stored);
}

int
dbox_folder_reopen(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err)
{
	char mail_path[DBOX_PATH_MAX], index_path[DBOX_PATH_MAX];

	index_close(&folder->index);
	close_fd(&folder->mail_fd);
	close_fd(&folder->index_fd);
	dbox_idents_clear(folder);
	if (dbox_mail_path(store, folder->path, mail_path, err) == -1 ||
	    dbox_index_path(store, folder->path, index_path, err) == -1 ||
	    open_if_there(store, &store->root, mail_path, &folder->mail_fd,
	    err) == -1)
		goto failed;
	if (folder->mail_fd == -1 && store->listed && !store->readonly &&
	    (dbox_listed_recover(store, folder->path, err) == -1 ||
	    open_if_there(store, &store->root, mail_path, &folder->mail_fd,
	    err) == -1))
		goto failed;
	if (open_if_there(store, dbox_index_root(store), index_path,
	    &folder->index_fd, err) == -1)
		goto failed;
	if (folder->mail_fd == -1 && !name_is_inbox(folder->name)) {
		err_set(err, ERR_NOTFOUND, "there is no such mailbox");
		goto failed;
	}
	folder->index = index_open(dbox_index_root(store),
	    folder->index_fd, DBOX_INDEX, &store->index_opts);
	return 0;
failed:
	/* Whoever has it open finds an index that does not exist. */
	folder->index = index_open(dbox_index_root(store), -1, DBOX_INDEX,
	    &store->index_opts);
	return -1;
}

/* Make what a mailbox has to have; it is there, but was never finished. */
static int
finish_index(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err)
{
	const struct mailbox_status status = { .uidnext = 1 };
	char path[DBOX_PATH_MAX];
	struct err why = ERR_INIT;
	int fd, ret;

	if (store->format->may_create(store, folder, err) == -1 ||
	    dbox_index_path(store, folder->path, path, err) == -1)
		return -1;
	fd = dbox_dir_open(store, dbox_index_root(store), path, true, err);
	if (fd == -1)
		return -1;
	ret = dbox_index_create(store, fd, name_is_inbox(folder->name),
	    &status, &why);
	close(fd);
	if (ret == -1 && why.code != ERR_STALE) {
		*err = why;
		return -1;
	}
	return dbox_folder_reopen(store, folder, err);
}

/* An index without GUID or UIDVALIDITY gets them. */
static int
finish_header(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err)
{
	const struct dbox_format *format = store->format;
	uint8_t header[DBOX_HEADER_SIZE];
	struct index_txn *txn;
	struct guid128 guid;
	uint32_t uidvalidity;
	int ret = -1;

	if (index_lock(folder->index, err) == -1)
		return -1;
	if (!dbox_folder_header(store, folder, header) &&
	    (format->new_header(store, header, err) == -1))
		goto out;
	memcpy(guid.b, header + format->header_guid, GUID_SIZE);
	if (guid_is_zero(&guid))
		guid = guid_random();
	memcpy(header + format->header_guid, guid.b, GUID_SIZE);
	txn = index_txn_begin(folder->index);
	index_txn_ext_header(txn, &format->header, 0, header,
	    sizeof(header));
	if (index_state(folder->index)->uidvalidity == 0) {
		if (uidvalidity_next(dbox_control_root(store), &uidvalidity,
		    err) == -1) {
			index_txn_abort(&txn);
			goto out;
		}
		index_txn_uidvalidity(txn, uidvalidity);
	}
	ret = index_txn_commit(&txn, NULL, err);
out:
	index_unlock(folder->index);
	return ret;
}

static bool
header_complete(struct dbox_store *store, struct dbox_folder *folder)
{
	uint8_t header[DBOX_HEADER_SIZE];
	struct guid128 guid;

	if (!dbox_folder_header(store, folder, header))
		return false;
	memcpy(guid.b, header + store->format->header_guid, GUID_SIZE);
	return !guid_is_zero(&guid) &&
	    index_state(folder->index)->uidvalidity != 0;
}

/*
 * From now on modseqs are kept, as after the first client that asks for them:
 * all messages have the highest one, which would else rise with each change.
 */
static int
keep_modseqs(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err)
{
	struct index *index = folder->index;
	struct err why = ERR_INIT;
	struct index_txn *txn;
	int ret = index_lock(index, &why);

	if (ret == 0 && !index_state(index)->has_modseqs &&
	    index_state(index)->exists) {
		txn = index_txn_begin(index);
		index_txn_modseq(txn, 0, 1);
		ret = index_txn_commit(&txn, NULL, &why);
	}
	index_unlock(index);
	if (ret == -1 && dbox_gone(store)) {
		*err = why;
		return -1;
	}
	return 0;
}

static int
folder_prepare(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err)
{
	if (folder->mail_fd == -1 && !store->readonly &&
	    (dbox_inbox_create(store, err) == -1 ||
	    dbox_folder_reopen(store, folder, err) == -1))
		return -1;
	if (index_refresh(folder->index, err) == -1)
		return -1;
	/* Its removal was begun: nobody else can open it either. */
	if (index_state(folder->index)->deleted)
		return 0;
	if (store->readonly)
		return 0;
	if (!index_state(folder->index)->exists &&
	    (finish_index(store, folder, err) == -1 ||
	    index_refresh(folder->index, err) == -1))
		return -1;
	if (!header_complete(store, folder) &&
	    finish_header(store, folder, err) == -1)
		return -1;
	/* An empty one can still take those of another store as they are. */
	if (!index_state(folder->index)->has_modseqs &&
	    index_state(folder->index)->count > 0)
		return keep_modseqs(store, folder, err);
	return 0;
}

/*
 * Another process gave the mailbox another GUID, and so its directory another
 * name (LAYOUT=index).  It is not opened twice: closing one of two descriptors
 * of a log drops the lock of the other one.
 */
static bool
has_moved(struct dbox_store *store, const struct dbox_folder *folder,
    const char *path)
{
	char mail_path[DBOX_PATH_MAX];
	struct err ignored = ERR_INIT;
	struct path_stat was, is;
	bool same = false;
	int fd = -1;

	if (!store->listed || folder->mail_fd == -1 ||
	    dbox_mail_path(store, path, mail_path, &ignored) == -1 ||
	    open_if_there(store, &store->root, mail_path, &fd,
	    &ignored) == -1)
		return false;
	if (fd != -1) {
		same = path_fstat(fd, &is, &ignored) == 0 &&
		    path_fstat(folder->mail_fd, &was, &ignored) == 0 &&
		    is.ino == was.ino && is.dev == was.dev;
		close(fd);
	}
	return same;
}

int
dbox_folder_get(struct dbox_store *store, const char *name,
    struct dbox_folder **folder_r, struct err *err)
{
	char path[DBOX_PATH_MAX];
	struct dbox_folder *folder;

	if (dbox_name_path(store, name, path, err) == -1)
		return -1;
	for (folder = store->folders; folder != NULL; folder = folder->next) {
		if (strcmp(folder->name, name) == 0)
			break;
	}
	if (folder != NULL && strcmp(folder->path, path) != 0 &&
	    has_moved(store, folder, path))
		dbox_folder_name(store, folder, name, path);
	/* Another mailbox may have this name by now. */
	if (folder != NULL && (strcmp(folder->path, path) != 0 ||
	    index_refresh(folder->index, err) == -1 ||
	    !index_state(folder->index)->exists ||
	    index_state(folder->index)->deleted)) {
		folder->name[0] = '\0';
		folder = NULL;
	}
	if (folder == NULL) {
		folder = mem_alloc(sizeof(*folder));
		dbox_folder_name(store, folder, name, path);
		folder->mail_fd = folder->index_fd = -1;
		folder->next = store->folders;
		store->folders = folder;
		folder->users++;
		if (dbox_folder_reopen(store, folder, err) == -1 ||
		    folder_prepare(store, folder, err) == -1 ||
		    dbox_listed_follow(store, folder, err) == -1) {
			dbox_folder_release(store, folder);
			return -1;
		}
		folder->users--;
	}
	folder->users++;
	*folder_r = folder;
	return 0;
}

void
dbox_folder_release(struct dbox_store *store, struct dbox_folder *folder)
{
	struct dbox_folder **link = &store->folders;

	if (folder == NULL || --folder->users > 0)
		return;
	while (*link != folder)
		link = &(*link)->next;
	*link = folder->next;
	index_close(&folder->index);
	close_fd(&folder->mail_fd);
	close_fd(&folder->index_fd);
	dbox_idents_clear(folder);
	free(folder->name);
	free(folder->path);
	free(folder->stored_name);
	free(folder);
}

int
dbox_folder_refresh(struct dbox_folder *folder, struct err *err)
{
	if (index_refresh(folder->index, err) == -1)
		return -1;
	if (index_state(folder->index)->deleted ||
	    (!index_state(folder->index)->exists && folder->mail_fd != -1))
		return err_set(err, ERR_NOTFOUND, "the mailbox was removed");
	return 0;
}

int
dbox_box_open(struct store *head, const char *name, struct mailbox **box_r,
    struct err *err)
{
	struct dbox_store *store = (struct dbox_store *)head;
	struct dbox_folder *folder;
	struct dbox_box *box;

	if (dbox_folder_get(store, name, &folder, err) == -1)
		return -1;
	if (index_state(folder->index)->deleted) {
		dbox_folder_release(store, folder);
		return err_set(err, ERR_NOTFOUND,
		    "the mailbox is being removed");
	}
	box = mem_alloc(sizeof(*box));
	box->head.store = head;
	box->store = store;
	box->folder = folder;
	box->next = store->boxes;
	store->boxes = box;
	*box_r = &box->head;
	return 0;
}

void
dbox_box_close(struct mailbox **boxp)
{
	struct dbox_box *box = (struct dbox_box *)*boxp;
	struct dbox_box **link;

	if (box == NULL)
		return;
	link = &box->store->boxes;
	while (*link != box)
		link = &(*link)->next;
	*link = box->next;
	dbox_ops_free(box);
	dbox_folder_release(box->store, box->folder);
	free(box);
	*boxp = NULL;
}

int
dbox_box_status(struct mailbox *head, struct mailbox_status *status_r,
    struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;
	uint8_t header[DBOX_HEADER_SIZE];
	const struct index_state *state;

	if (dbox_folder_refresh(box->folder, err) == -1)
		return -1;
	state = index_state(box->folder->index);
	*status_r = (struct mailbox_status){
		.uidvalidity = state->uidvalidity,
		.uidnext = state->next_uid > 0 ? state->next_uid : 1,
		.highestmodseq = state->highestmodseq,
	};
	if (dbox_folder_header(box->store, box->folder, header))
		memcpy(status_r->guid.b,
		    header + box->store->format->header_guid, GUID_SIZE);
	return 0;
}

int
dbox_box_token(struct mailbox *head, struct store_token *token_r,
    struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;

	return dbox_index_token(box->store, box->folder->index_fd, token_r,
	    err);
}
