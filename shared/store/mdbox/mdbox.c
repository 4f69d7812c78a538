#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/mdbox/mdbox.h"

static const struct index_ext_want want_mail = { .name = "mdbox",
    .record_size = 8, .record_align = 4 };
static const struct index_ext_want want_guid = { .name = "guid",
    .record_size = GUID_SIZE, .record_align = 1 };

/* What the mailbox's index has for a message. */
struct mail_record {
	uint32_t map_uid, save_date;
};

static bool
mail_record(const struct dbox_folder *folder, size_t pos,
    struct mail_record *out)
{
	size_t n;

	if (!index_ext_find(folder->index, want_mail.name, &n) ||
	    index_ext(folder->index, n).record_size < sizeof(*out))
		return false;
	memcpy(out, index_ext_record(folder->index, n, pos), sizeof(*out));
	return out->map_uid != 0;
}

static bool
mdbox_index_guid(struct dbox_store *store, struct dbox_folder *folder,
    size_t pos, struct guid128 *guid_r)
{
	size_t n;

	(void)store;
	if (!index_ext_find(folder->index, want_guid.name, &n) ||
	    index_ext(folder->index, n).record_size < GUID_SIZE)
		return false;
	memcpy(guid_r->b, index_ext_record(folder->index, n, pos), GUID_SIZE);
	return !guid_is_zero(guid_r);
}

/* Directories of bodies and of the map; what is missing is made. */
static int
open_storage(struct mdbox *mdbox, struct err *err)
{
	struct dbox_store *store = mdbox->store;
	struct err why = ERR_INIT;

	mdbox->storage_fd = dbox_dir_open(store, &store->root, DBOX_STORAGE,
	    !store->readonly, &why);
	if (mdbox->storage_fd == -1 && (why.code != ERR_NOTFOUND ||
	    !store->readonly)) {
		*err = why;
		return -1;
	}
	why = (struct err)ERR_INIT;
	mdbox->map_fd = dbox_dir_open(store, dbox_index_root(store),
	    DBOX_STORAGE, !store->readonly, &why);
	if (mdbox->map_fd == -1 && (why.code != ERR_NOTFOUND ||
	    !store->readonly)) {
		*err = why;
		return -1;
	}
	return 0;
}

static int
mdbox_format_open(struct dbox_store *store, struct err *err)
{
	struct mdbox *mdbox = mem_alloc(sizeof(*mdbox));

	mdbox->store = store;
	mdbox->storage_fd = mdbox->map_fd = mdbox->open_fd = -1;
	store->mdbox = mdbox;
	if (open_storage(mdbox, err) == -1)
		return -1;
	mdbox->map = index_open(dbox_index_root(store), mdbox->map_fd,
	    MDBOX_MAP, &store->index_opts);
	return 0;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

static void
mdbox_format_close(struct dbox_store *store)
{
	struct mdbox *mdbox = store->mdbox;

	mdbox_spools_free(mdbox, true);
	index_close(&mdbox->map);
	close_fd(&mdbox->storage_fd);
	close_fd(&mdbox->map_fd);
	close_fd(&mdbox->open_fd);
	free(mdbox);
	store->mdbox = NULL;
}

static void
mdbox_refresh_header(struct dbox_store *store,
    uint8_t header[static DBOX_HEADER_SIZE])
{
	struct mdbox *mdbox = store->mdbox;
	uint32_t validity = index_state(mdbox->map)->uidvalidity;

	if (validity != 0)
		memcpy(header, &validity, sizeof(validity));
}

static int
mdbox_new_header(struct dbox_store *store,
    uint8_t header[static DBOX_HEADER_SIZE], struct err *err)
{
	memset(header, 0, DBOX_HEADER_SIZE);
	if (mdbox_map_ensure(store->mdbox, err) == -1)
		return -1;
	mdbox_refresh_header(store, header);
	return 0;
}

/*
 * A mailbox directory without an index: new, and not yet finished; or it was
 * lost, and what it said of the messages would be lost for good.
 */
static int
mdbox_may_create(struct dbox_store *store, struct dbox_folder *folder,
    struct err *err)
{
	struct dirent *de;
	bool found = false;
	DIR *dir;

	if (folder->index_fd == -1)
		return 0;
	dir = path_read_dir(dbox_index_root(store), folder->index_fd, NULL,
	    err);
	if (dir == NULL)
		return -1;
	while (!found && (de = readdir(dir)) != NULL)
		found = strncmp(de->d_name, DBOX_INDEX,
		    strlen(DBOX_INDEX)) == 0;
	closedir(dir);
	if (found)
		return err_set(err, ERR_CORRUPT, "the mailbox has lost its "
		    "index: let Dovecot make it anew (doveadm force-resync)");
	return 0;
}

/* The file of bodies, open; the one read last is kept. */
static int
file_of(struct mdbox *mdbox, uint32_t id, uint64_t end, struct err *err)
{
	struct path_stat st;
	int fd;

	if (mdbox->open_fd == -1 || mdbox->open_id != id ||
	    mdbox->open_size < end) {
		close_fd(&mdbox->open_fd);
		mdbox->open_fd = mdbox_open_file(mdbox, id, &st, err);
		if (mdbox->open_fd == -1)
			return -1;
		mdbox->open_id = id;
		mdbox->open_size = st.size;
	}
	fd = fcntl(mdbox->open_fd, F_DUPFD_CLOEXEC, 0);
	return fd == -1 ? err_sys(err, "open m.%u", id) : fd;
}

static int
locate_once(struct mdbox *mdbox, uint32_t map_uid, struct dbox_place *place,
    struct err *err)
{
	struct mdbox_record record;

	if (!mdbox_map_find(mdbox, map_uid, &record))
		return err_set(err, ERR_CORRUPT,
		    "the map does not know the message");
	*place = (struct dbox_place){ .fd = -1, .offset = record.offset,
	    .end = (uint64_t)record.offset + record.size,
	    .message_header = DBOX_MESSAGE_HEADER };
	if (record.offset == 0 || record.size < DBOX_MESSAGE_HEADER)
		return err_set(err, ERR_CORRUPT,
		    "the map is wrong about the message");
	place->fd = file_of(mdbox, record.file_id, place->end, err);
	return place->fd == -1 ? -1 : 0;
}

static int
mdbox_locate(struct dbox_store *store, struct dbox_folder *folder, size_t pos,
    struct dbox_place *place, struct err *err)
{
	struct mdbox *mdbox = store->mdbox;
	struct mail_record mail;
	struct err why = ERR_INIT;
	uint64_t serial = index_state(mdbox->map)->serial;

	if (!mail_record(folder, pos, &mail))
		return err_set(err, ERR_CORRUPT,
		    "the index does not say where the message is");
	if (locate_once(mdbox, mail.map_uid, place, &why) == 0) {
		place->saved = mail.save_date;
		return 0;
	}
	/* A purge moves bodies to other files. */
	if (index_refresh(mdbox->map, err) == -1)
		return -1;
	if (index_state(mdbox->map)->serial == serial) {
		*err = why;
		return -1;
	}
	if (locate_once(mdbox, mail.map_uid, place, err) == -1)
		return -1;
	place->saved = mail.save_date;
	return 0;
}

static int
mdbox_copy(struct dbox_box *box, struct dbox_op *op, struct dbox_box *src,
    size_t src_pos, struct err *err)
{
	struct mdbox *mdbox = box->store->mdbox;
	struct mdbox_record record;
	struct mail_record mail;

	(void)err;
	if (src->store != box->store ||
	    !mail_record(src->folder, src_pos, &mail) ||
	    !mdbox_map_find(mdbox, mail.map_uid, &record) ||
	    record.refs == 0 || record.refs > MDBOX_REFS_MAX)
		return 0;
	op->map_uid = mail.map_uid;
	return 1;
}

static int
mdbox_publish(struct dbox_box *box, struct dbox_op *op, struct err *why)
{
	(void)box;
	if (op->kind == OP_APPEND && !op->mapped)
		return err_set(why, ERR_TEMP, "the message has no place");
	return 0;
}

static int
mdbox_published(struct dbox_box *box, struct err *err)
{
	(void)box;
	(void)err;
	return 0;
}

static void
mdbox_record(struct dbox_box *box, struct dbox_op *const *ops, size_t n,
    struct index_txn *txn)
{
	struct mail_record mail;
	struct guid128 guid;
	size_t pos;

	for (size_t i = 0; i < n; i++) {
		mail = (struct mail_record){ ops[i]->map_uid,
		    ops[i]->save_date };
		if (ops[i]->kind == OP_UID && (!index_find(
		    box->folder->index, ops[i]->from_uid, &pos) ||
		    !mail_record(box->folder, pos, &mail)))
			continue;
		index_txn_ext_record(txn, &want_mail, ops[i]->uid, &mail);
	}
	for (size_t i = 0; i < n; i++) {
		guid = dbox_guid128(ops[i]->guid);
		if (ops[i]->kind == OP_UID && (!index_find(
		    box->folder->index, ops[i]->from_uid, &pos) ||
		    !mdbox_index_guid(box->store, box->folder, pos, &guid)))
			continue;
		index_txn_ext_record(txn, &want_guid, ops[i]->uid, guid.b);
	}
}

static void
mdbox_withdraw(struct dbox_box *box, struct dbox_op *op)
{
	/* Its reference is taken back at the end. */
	(void)box;
	(void)op;
}

static int
mdbox_carry(struct dbox_box *box, const struct dbox_op *op, int dirfd,
    struct err *err)
{
	(void)box;
	(void)op;
	(void)dirfd;
	(void)err;
	return 0;
}

static int
mdbox_forget(struct dbox_box *box, uint32_t uid, struct err *why)
{
	(void)box;
	(void)uid;
	(void)why;
	return 0;
}

static void
mdbox_expunge_note(struct dbox_box *box, struct dbox_op *op, size_t pos)
{
	struct mail_record mail;

	if (mail_record(box->folder, pos, &mail))
		op->map_uid = mail.map_uid;
}

static const struct dbox_format mdbox_format = {
	.name = "mdbox",
	.header = { .name = "mdbox-hdr", .header_size = DBOX_HEADER_SIZE },
	.header_guid = 4,
	.header_flags = 20,
	.keeps_mailbox = true,
	.open = mdbox_format_open,
	.close = mdbox_format_close,
	.new_header = mdbox_new_header,
	.refresh_header = mdbox_refresh_header,
	.may_create = mdbox_may_create,
	.locate = mdbox_locate,
	.index_guid = mdbox_index_guid,
	.body_begin = mdbox_body_begin,
	.body_end = mdbox_body_end,
	.body_drop = mdbox_body_drop,
	.copy = mdbox_copy,
	.bodies_sync = mdbox_bodies_sync,
	.begin = mdbox_begin,
	.publish = mdbox_publish,
	.published = mdbox_published,
	.record = mdbox_record,
	.withdraw = mdbox_withdraw,
	.carry = mdbox_carry,
	.forget = mdbox_forget,
	.end = mdbox_end,
	.expunge_begin = mdbox_expunge_begin,
	.expunge_note = mdbox_expunge_note,
};

static int
mdbox_open(struct store **store_r, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	return dbox_store_open(&mdbox_format, &store_driver_mdbox, store_r,
	    loc, opts, err);
}

const struct store_driver store_driver_mdbox = {
	.name = "mdbox",
	.caps = DBOX_CAPS,
	.open = mdbox_open,
	DBOX_DRIVER_FUNCTIONS,
};
