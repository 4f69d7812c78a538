#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/mdbox/mdbox.h"

const struct index_ext_want mdbox_want_map = { .name = "map",
    .header_size = 8, .record_size = 12, .record_align = 4 };
const struct index_ext_want mdbox_want_ref = { .name = "ref",
    .record_size = 2, .record_align = 2 };

void
mdbox_file_name(char out[static PATH_NAME_MAX + 1], uint32_t id)
{
	snprintf(out, PATH_NAME_MAX + 1, "m.%" PRIu32, id);
}

/* Are there bodies that only a lost map could name? */
static int
check_no_files(struct mdbox *mdbox, struct err *err)
{
	struct dirent *de;
	bool found = false;
	DIR *dir = path_read_dir(&mdbox->store->root, mdbox->storage_fd,
	    NULL, err);

	if (dir == NULL)
		return -1;
	while (!found && (de = readdir(dir)) != NULL)
		found = strncmp(de->d_name, "m.", 2) == 0;
	closedir(dir);
	if (found)
		return err_set(err, ERR_CORRUPT, "the storage has messages, "
		    "but no map: let Dovecot make it anew (doveadm "
		    "force-resync)");
	return 0;
}

static int
map_create(struct mdbox *mdbox, struct err *err)
{
	struct index_txn *txn;
	struct err why = ERR_INIT;

	if (mdbox->store->readonly)
		return err_set(err, ERR_NOTFOUND, "the storage has no map");
	if (check_no_files(mdbox, err) == -1)
		return -1;
	txn = index_txn_begin(mdbox->map);
	index_txn_uidvalidity(txn, (uint32_t)(clock_now_ms() / 1000));
	index_txn_tail(txn);
	if (index_txn_commit(&txn, NULL, &why) == 0)
		return 0;
	if (why.code == ERR_STALE)
		return index_refresh(mdbox->map, err);
	*err = why;
	return -1;
}

int
mdbox_map_ensure(struct mdbox *mdbox, struct err *err)
{
	if (index_refresh(mdbox->map, err) == -1)
		return -1;
	if (index_state(mdbox->map)->exists)
		return 0;
	return map_create(mdbox, err);
}

static bool
find_ext(const struct index *index, const struct index_ext_want *want,
    size_t *n_r)
{
	return index_ext_find(index, want->name, n_r) &&
	    index_ext(index, *n_r).record_size >= want->record_size;
}

/* The record at a position; false: the map has no such columns. */
static bool
record_at(const struct mdbox *mdbox, size_t pos, size_t map_ext,
    struct mdbox_record *out)
{
	const uint8_t *p = index_ext_record(mdbox->map, map_ext, pos);
	uint32_t words[3];

	memcpy(words, p, sizeof(words));
	*out = (struct mdbox_record){ .file_id = words[0],
	    .offset = words[1], .size = words[2] };
	return out->file_id != 0;
}

bool
mdbox_map_find(const struct mdbox *mdbox, uint32_t map_uid,
    struct mdbox_record *out)
{
	size_t map_ext, ref_ext, pos;

	if (map_uid == 0 || !index_find(mdbox->map, map_uid, &pos) ||
	    !find_ext(mdbox->map, &mdbox_want_map, &map_ext) ||
	    !record_at(mdbox, pos, map_ext, out))
		return false;
	if (find_ext(mdbox->map, &mdbox_want_ref, &ref_ext))
		memcpy(&out->refs, index_ext_record(mdbox->map, ref_ext,
		    pos), sizeof(out->refs));
	return true;
}

uint32_t
mdbox_highest_file(const struct mdbox *mdbox)
{
	struct index_ext ext;
	uint32_t highest = 0;
	size_t n;

	if (!index_ext_find(mdbox->map, mdbox_want_map.name, &n))
		return 0;
	ext = index_ext(mdbox->map, n);
	if (ext.header_size >= sizeof(highest))
		memcpy(&highest, ext.header, sizeof(highest));
	return highest;
}

uint64_t
mdbox_file_end(const struct mdbox *mdbox, uint32_t file_id)
{
	size_t count = index_state(mdbox->map)->count, map_ext;
	struct mdbox_record record;
	uint64_t end = 0;

	if (!find_ext(mdbox->map, &mdbox_want_map, &map_ext))
		return 0;
	for (size_t pos = 0; pos < count; pos++) {
		if (record_at(mdbox, pos, map_ext, &record) &&
		    record.file_id == file_id &&
		    (uint64_t)record.offset + record.size > end)
			end = (uint64_t)record.offset + record.size;
	}
	return end;
}

/* A body that was mapped for an append which was not made, or expunged. */
static bool
is_released(const struct dbox_op *op)
{
	if (op->map_uid == 0)
		return false;
	return op->kind == OP_APPEND ? op->mapped && !op->published :
	    op->kind == OP_EXPUNGE && op->published;
}

static void
put_release(struct mdbox *mdbox, struct index_txn *txn, uint32_t map_uid,
    uint32_t n)
{
	struct mdbox_record record;

	/* It may have been purged, or the count be wrong. */
	if (!mdbox_map_find(mdbox, map_uid, &record) || record.refs == 0)
		return;
	if (n > record.refs)
		n = record.refs;
	index_txn_ext_increase(txn, &mdbox_want_ref, map_uid, -(int32_t)n);
}

/*
 * Dovecot moves the tail over what is external, but only in memory: a snapshot
 * that it writes has the tail of the last record that says one.  So each
 * transaction says it, unless there is something before it that Dovecot did
 * not finish, and has to find.
 */
int
mdbox_map_commit(struct mdbox *mdbox, struct index_txn **txn,
    bool *unknown_r, struct err *err)
{
	const struct index_state *state = index_state(mdbox->map);

	if (state->log_tail == state->log_offset)
		index_txn_tail(*txn);
	return index_txn_commit(txn, unknown_r, err);
}

int
mdbox_map_release(struct mdbox *mdbox, struct err *err)
{
	ARRAY(uint32_t) uids = { 0 };
	struct index_txn *txn;
	size_t end;
	int ret = 0;

	for (struct dbox_box *box = mdbox->store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; i < box->ops.n; i++) {
			struct dbox_op *op = &box->ops.v[i];

			if (!is_released(op))
				continue;
			*ARRAY_ADD(&uids) = op->map_uid;
			op->map_uid = 0;
		}
	}
	if (uids.n > 0 && index_is_locked(mdbox->map)) {
		qsort(uids.v, uids.n, sizeof(uids.v[0]), array_u32_cmp);
		txn = index_txn_begin(mdbox->map);
		for (size_t i = 0; i < uids.n; i = end) {
			for (end = i + 1; end < uids.n &&
			    uids.v[end] == uids.v[i];)
				end++;
			put_release(mdbox, txn, uids.v[i],
			    (uint32_t)(end - i));
		}
		ret = mdbox_map_commit(mdbox, &txn, NULL, err);
	}
	ARRAY_FREE(&uids);
	return ret;
}

int
mdbox_open_file(struct mdbox *mdbox, uint32_t id, struct path_stat *st_r,
    struct err *err)
{
	struct dbox_store *store = mdbox->store;
	char name[PATH_NAME_MAX + 1];
	struct err why = ERR_INIT;
	int dir, fd = -1;

	mdbox_file_name(name, id);
	if (mdbox->storage_fd != -1)
		fd = path_open_file(&store->root, mdbox->storage_fd, name,
		    st_r, &why);
	else
		err_set(&why, ERR_NOTFOUND, "there is no storage");
	if (fd != -1 || why.code != ERR_NOTFOUND || store->alt.fd == -1) {
		if (fd == -1)
			*err = why;
		return fd;
	}
	dir = path_open_dir(&store->alt, store->alt.fd, DBOX_STORAGE, err);
	if (dir == -1)
		return -1;
	fd = path_open_file(&store->alt, dir, name, st_r, err);
	close(dir);
	return fd;
}
