/*
 * Phases of a flush.  The order of locks is Dovecot's: files of bodies, never
 * waited for, then the map, then the mailboxes.  Bodies of the batch get their
 * map UIDs, counted once each, before the mailboxes name them; where a
 * mailbox then does not, the count is taken back.  An expunge is first done in
 * the mailbox, then counted.  So a crash leaves a body that nobody names, and
 * never a message without a body.
 *
 * Changes of the map are written as already made: a map whose tail is not its
 * end makes Dovecot rebuild the storage.
 */
#include "config.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/mdbox/mdbox.h"

#define CANDIDATES	3U	/* files tried for new bodies */
#define COPY_CHUNK	65536U
#define ID_TRIES	1000U

static bool
needs_map(const struct dbox_op *op)
{
	return op->kind == OP_APPEND && !op->answered;
}

static bool
any_for_map(const struct dbox_store *store)
{
	for (const struct dbox_box *box = store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; i < box->ops.n; i++) {
			if (needs_map(&box->ops.v[i]))
				return true;
		}
	}
	return false;
}

static void
fail_appends(struct dbox_store *store, const struct dbox_answer *answer,
    const struct err *why)
{
	for (struct dbox_box *box = store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; i < box->ops.n; i++) {
			if (needs_map(&box->ops.v[i]))
				dbox_op_failed(answer, &box->ops.v[i], why);
		}
	}
}

static struct mdbox_file *
file_add(struct mdbox *mdbox, uint32_t id, int fd)
{
	struct mdbox_file *file = mem_alloc(sizeof(*file));

	file->id = id;
	file->fd = fd;
	*ARRAY_ADD(&mdbox->files) = file;
	return file;
}

static bool
file_known(const struct mdbox *mdbox, uint32_t id)
{
	for (size_t i = 0; i < mdbox->files.n; i++) {
		if (mdbox->files.v[i]->id == id)
			return true;
	}
	return false;
}

/* Too old to get more, by mdbox_rotate_interval? */
static bool
too_old(const struct mdbox *mdbox, const struct dbox_file_header *header)
{
	uint64_t age = mdbox->store->rotate_interval;

	return age != 0 && header->created + age < clock_now_ms() / 1000;
}

/*
 * The open and locked file is as the map says, and in the form that we write;
 * *end_r: its end.
 */
static bool
file_fits(struct mdbox *mdbox, uint32_t id, int fd, uint64_t *end_r)
{
	struct dbox_file_header header;
	struct err ignored = ERR_INIT;
	char buf[DBOX_FILE_HEADER_MAX];
	struct path_stat st, named;
	char name[PATH_NAME_MAX + 1];
	ssize_t n;

	mdbox_file_name(name, id);
	if (index_refresh(mdbox->map, &ignored) == -1 ||
	    path_fstat(fd, &st, &ignored) == -1 ||
	    path_stat(&mdbox->store->root, mdbox->storage_fd, NULL, name,
	    &named, &ignored) == -1 || !named.exists ||
	    named.ino != st.ino || named.dev != st.dev)
		return false;
	*end_r = mdbox_file_end(mdbox, id);
	if (*end_r == 0 || *end_r != st.size)
		return false;
	n = pread(fd, buf, sizeof(buf), 0);
	return n > 0 && dbox_file_header_parse(&header, buf, (size_t)n,
	    &ignored) == 0 && header.message_header == DBOX_MESSAGE_HEADER &&
	    !too_old(mdbox, &header);
}

/* Lock m.id for size more bytes; NULL: another file has to do. */
static struct mdbox_file *
try_file(struct mdbox *mdbox, uint32_t id, uint64_t size)
{
	char name[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct mdbox_file *file;
	uint64_t end = mdbox_file_end(mdbox, id);
	int fd;

	if (end + size >= mdbox->store->rotate_size)
		return NULL;
	mdbox_file_name(name, id);
	fd = path_open_write(&mdbox->store->root, mdbox->storage_fd, name,
	    false, &ignored);
	if (fd == -1)
		return NULL;
	if (flock(fd, LOCK_EX | LOCK_NB) == -1 ||
	    !file_fits(mdbox, id, fd, &end) ||
	    end + size >= mdbox->store->rotate_size) {
		close(fd);
		return NULL;
	}
	file = file_add(mdbox, id, fd);
	file->old_size = end;
	return file;
}

/* A file among those last written to, locked; NULL: a new one is needed. */
static struct mdbox_file *
find_file(struct mdbox *mdbox, uint64_t size)
{
	uint32_t tried[CANDIDATES];
	struct mdbox_record record;
	struct mdbox_file *file;
	size_t n = 0, pos = index_state(mdbox->map)->count, k;
	size_t looked = 0;

	while (pos-- > 0 && n < CANDIDATES && ++looked < 10000) {
		uint32_t uid = index_mail(mdbox->map, pos).uid;

		if (!mdbox_map_find(mdbox, uid, &record))
			continue;
		for (k = 0; k < n && tried[k] != record.file_id;)
			k++;
		if (k < n || file_known(mdbox, record.file_id))
			continue;
		tried[n++] = record.file_id;
		file = try_file(mdbox, record.file_id, size);
		if (file != NULL)
			return file;
		if (mdbox->store->root.gone)
			return NULL;
		/* The map may have been read anew. */
		if (pos > index_state(mdbox->map)->count)
			pos = index_state(mdbox->map)->count;
	}
	return NULL;
}

/* All bodies of a spool to the end of a file, durably; -1 with unknown. */
static int
copy_spool(struct mdbox *mdbox, const struct mdbox_spool *spool,
    const struct mdbox_file *file, bool *unknown, struct err *err)
{
	struct path_root *root = &mdbox->store->root;
	uint64_t from = spool->first, to = file->old_size;
	struct err ignored = ERR_INIT;
	char *buf = mem_alloc(COPY_CHUNK);
	int ret = 0;

	while (ret == 0 && from < spool->size) {
		uint64_t left = spool->size - from;
		ssize_t n = pread(spool->fd, buf, left < COPY_CHUNK ?
		    (size_t)left : COPY_CHUNK, (off_t)from);

		if (n <= 0) {
			ret = err_sys(err, "read a message");
			break;
		}
		ret = path_pwrite(root, file->fd, buf, (size_t)n, to, err);
		from += (uint64_t)n;
		to += (uint64_t)n;
	}
	free(buf);
	if (ret == 0 && path_fsync(root, file->fd, err) == -1) {
		*unknown = true;
		return -1;
	}
	if (ret == -1 && path_truncate(root, file->fd, file->old_size,
	    &ignored) == -1)
		*unknown = true;
	return ret;
}

static void
file_release(struct mdbox *mdbox, struct mdbox_file *file)
{
	for (size_t i = 0; i < mdbox->files.n; i++) {
		if (mdbox->files.v[i] == file)
			mdbox->files.v[i] =
			    mdbox->files.v[--mdbox->files.n];
	}
	if (!file->is_new)
		close(file->fd);
	free(file);
}

/* Where the bodies of a spool will be: an old file, or itself. */
static int
place_spool(struct mdbox *mdbox, struct mdbox_spool *spool, struct err *err)
{
	uint64_t size = spool->size - spool->first;
	struct mdbox_file *file = NULL;
	struct err why = ERR_INIT;
	bool unknown = false;

	/* A large one is as good a file as any. */
	if (size < mdbox->store->rotate_size / 2)
		file = find_file(mdbox, size);
	if (file != NULL && copy_spool(mdbox, spool, file, &unknown,
	    &why) == -1) {
		file_release(mdbox, file);
		file = NULL;
		if (unknown) {
			*err = why;
			return -1;
		}
	}
	if (mdbox->store->root.gone)
		return err_set(err, ERR_TEMP, "the process is gone");
	if (file != NULL) {
		spool->shift = file->old_size - spool->first;
	} else {
		file = file_add(mdbox, 0, spool->fd);
		file->is_new = true;
		spool->shift = 0;
		(void)flock(spool->fd, LOCK_EX | LOCK_NB);
	}
	spool->file = file;
	return 0;
}

/* Above all ids that the map or the directory knows. */
static uint32_t
next_file_id(struct mdbox *mdbox)
{
	uint32_t next = mdbox_highest_file(mdbox) + 1;
	struct err ignored = ERR_INIT;
	DIR *dir = path_read_dir(&mdbox->store->root, mdbox->storage_fd,
	    NULL, &ignored);
	struct dirent *de;
	unsigned long id;
	char *end;

	if (dir == NULL)
		return next;
	while ((de = readdir(dir)) != NULL) {
		if (strncmp(de->d_name, "m.", 2) != 0)
			continue;
		id = strtoul(de->d_name + 2, &end, 10);
		if (*end == '\0' && id < UINT32_MAX && id >= next)
			next = (uint32_t)id + 1;
	}
	closedir(dir);
	return next;
}

/* Spools that are new files get their names, under the lock of the map. */
static int
name_files(struct mdbox *mdbox, uint32_t *highest_r, struct err *err)
{
	struct path_root *root = &mdbox->store->root;
	char name[PATH_NAME_MAX + 1];
	uint32_t id = 0;
	int fd = mdbox->storage_fd;

	*highest_r = 0;
	for (struct mdbox_spool *spool = mdbox->spools; spool != NULL;
	    spool = spool->next) {
		if (spool->file == NULL || !spool->file->is_new)
			continue;
		if (id == 0)
			id = next_file_id(mdbox);
		for (unsigned int i = 0; ; i++, id++) {
			mdbox_file_name(name, id);
			if (path_rename(root, fd, spool->tmp_name, fd, name,
			    err) == 0)
				break;
			if (err->errnum != EEXIST || i == ID_TRIES)
				return -1;
		}
		free(spool->tmp_name);
		spool->tmp_name = NULL;
		spool->file->id = id;
		*highest_r = id++;
	}
	return *highest_r == 0 ? 0 : path_fsync(root, fd, err);
}

/* Names are taken back: the map does not know the files. */
static void
unname_files(struct mdbox *mdbox)
{
	char name[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;

	for (struct mdbox_spool *spool = mdbox->spools; spool != NULL;
	    spool = spool->next) {
		if (spool->file == NULL)
			continue;
		if (spool->file->is_new && spool->file->id != 0) {
			mdbox_file_name(name, spool->file->id);
			(void)path_unlink(&mdbox->store->root,
			    mdbox->storage_fd, name, false, &ignored);
		} else if (!spool->file->is_new) {
			(void)path_truncate(&mdbox->store->root,
			    spool->file->fd, spool->file->old_size,
			    &ignored);
		}
	}
}

/* Can the message still be referred to? */
static bool
copy_ok(struct mdbox *mdbox, struct dbox_op *op,
    const struct dbox_answer *answer)
{
	struct mdbox_record record;
	struct err failure = ERR_INIT;

	if (mdbox_map_find(mdbox, op->map_uid, &record) && record.refs > 0)
		return true;
	op->map_uid = 0;
	err_set(&failure, ERR_STALE, "the source is gone");
	dbox_op_failed(answer, op, &failure);
	return false;
}

typedef ARRAY_TYPE(op_list, struct dbox_op *) op_list;

/* New bodies and references of the batch, apart. */
static void
collect(struct mdbox *mdbox, op_list *bodies, op_list *copies,
    const struct dbox_answer *answer)
{
	for (struct dbox_box *box = mdbox->store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; i < box->ops.n; i++) {
			struct dbox_op *op = &box->ops.v[i];

			if (!needs_map(op))
				continue;
			if (op->spool != NULL)
				*ARRAY_ADD(bodies) = op;
			else if (copy_ok(mdbox, op, answer))
				*ARRAY_ADD(copies) = op;
		}
	}
}

static int
map_uid_cmp(const void *a, const void *b)
{
	const struct dbox_op *x = *(struct dbox_op *const *)a;
	const struct dbox_op *y = *(struct dbox_op *const *)b;

	return x->map_uid < y->map_uid ? -1 : x->map_uid > y->map_uid;
}

static void
put_bodies(struct index_txn *txn, const op_list *bodies)
{
	static const uint16_t one = 1;

	for (size_t i = 0; i < bodies->n; i++)
		index_txn_append(txn, bodies->v[i]->map_uid, 0);
	for (size_t i = 0; i < bodies->n; i++) {
		const struct dbox_op *op = bodies->v[i];
		const uint32_t record[3] = { op->spool->file->id,
		    (uint32_t)(op->offset + op->spool->shift),
		    (uint32_t)op->total };

		index_txn_ext_record(txn, &mdbox_want_map, op->map_uid,
		    record);
	}
	for (size_t i = 0; i < bodies->n; i++)
		index_txn_ext_record(txn, &mdbox_want_ref,
		    bodies->v[i]->map_uid, &one);
}

/* One transaction for all of the batch. */
static int
put_in_map(struct mdbox *mdbox, uint32_t highest, op_list *bodies,
    op_list *copies, bool *unknown, struct err *err)
{
	uint32_t uid = index_state(mdbox->map)->next_uid;
	uint32_t now = (uint32_t)(clock_now_ms() / 1000);
	struct index_txn *txn = index_txn_begin(mdbox->map);

	for (size_t i = 0; i < bodies->n; i++)
		bodies->v[i]->map_uid = uid++;
	if (highest != 0)
		index_txn_ext_header(txn, &mdbox_want_map, 0, &highest,
		    sizeof(highest));
	if (bodies->n > 0)
		put_bodies(txn, bodies);
	if (copies->n > 1)
		qsort(copies->v, copies->n, sizeof(copies->v[0]),
		    map_uid_cmp);
	for (size_t i = 0; i < copies->n; i++)
		index_txn_ext_increase(txn, &mdbox_want_ref,
		    copies->v[i]->map_uid, 1);
	if (mdbox_map_commit(mdbox, &txn, unknown, err) == -1)
		return -1;
	for (size_t i = 0; i < bodies->n + copies->n; i++) {
		struct dbox_op *op = i < bodies->n ? bodies->v[i] :
		    copies->v[i - bodies->n];

		op->mapped = true;
		op->save_date = op->saved != 0 ? op->saved : now;
	}
	return 0;
}

/* Under the lock of the map; -1: nothing is known any more. */
static int
map_all(struct mdbox *mdbox, const struct dbox_answer *answer,
    struct err *err)
{
	op_list bodies = { 0 }, copies = { 0 };
	struct err why = ERR_INIT;
	bool unknown = false;
	uint32_t highest;
	int ret;

	collect(mdbox, &bodies, &copies, answer);
	ret = name_files(mdbox, &highest, &why);
	if (ret == 0)
		ret = put_in_map(mdbox, highest, &bodies, &copies, &unknown,
		    &why);
	if (ret == -1 && !unknown && !dbox_gone(mdbox->store)) {
		for (size_t i = 0; i < bodies.n; i++)
			bodies.v[i]->map_uid = 0;
		unname_files(mdbox);
		fail_appends(mdbox->store, answer, &why);
		ret = 0;
	} else if (ret == -1) {
		*err = why;
	}
	ARRAY_FREE(&bodies);
	ARRAY_FREE(&copies);
	return ret;
}

int
mdbox_begin(struct dbox_store *store, const struct dbox_answer *answer,
    struct err *err)
{
	struct mdbox *mdbox = store->mdbox;
	struct err why = ERR_INIT;
	int ret = 0;

	if (!any_for_map(store))
		return 0;
	if (mdbox_map_ensure(mdbox, &why) == -1) {
		if (dbox_gone(store)) {
			*err = why;
			return -1;
		}
		fail_appends(store, answer, &why);
		return 0;
	}
	for (struct mdbox_spool *spool = mdbox->spools;
	    spool != NULL && ret == 0; spool = spool->next) {
		if (spool->ops > 0 && !spool->busy)
			ret = place_spool(mdbox, spool, err);
	}
	if (ret == -1)
		return -1;
	if (index_lock(mdbox->map, &why) == -1) {
		if (dbox_gone(store)) {
			*err = why;
			return -1;
		}
		unname_files(mdbox);
		fail_appends(store, answer, &why);
		return 0;
	}
	return map_all(mdbox, answer, err);
}

int
mdbox_expunge_begin(struct dbox_store *store,
    const struct dbox_answer *answer, struct err *err)
{
	struct mdbox *mdbox = store->mdbox;
	struct err why = ERR_INIT;

	if (mdbox_map_ensure(mdbox, &why) == 0 &&
	    index_lock(mdbox->map, &why) == 0)
		return 0;
	if (dbox_gone(store)) {
		*err = why;
		return -1;
	}
	for (struct dbox_box *box = store->boxes; box != NULL;
	    box = box->next)
		dbox_fail_all(box, answer, &why);
	return 0;
}

/* Spools whose bodies have their place are forgotten. */
static void
forget_spools(struct mdbox *mdbox)
{
	for (struct dbox_box *box = mdbox->store->boxes; box != NULL;
	    box = box->next) {
		for (size_t i = 0; i < box->ops.n; i++) {
			struct dbox_op *op = &box->ops.v[i];

			if (op->kind == OP_APPEND && op->spool != NULL &&
			    op->spool->file != NULL) {
				op->spool->ops--;
				op->spool = NULL;
			}
		}
	}
	for (struct mdbox_spool *spool = mdbox->spools; spool != NULL;
	    spool = spool->next)
		spool->file = NULL;
	mdbox_spools_free(mdbox, false);
	while (mdbox->files.n > 0) {
		struct mdbox_file *file = mdbox->files.v[--mdbox->files.n];

		if (!file->is_new)
			close(file->fd);
		free(file);
	}
	ARRAY_FREE(&mdbox->files);
}

int
mdbox_end(struct dbox_store *store, bool failed, struct err *err)
{
	struct mdbox *mdbox = store->mdbox;
	struct err why = ERR_INIT;
	int ret = 0;

	/* A count that stays too high keeps a body, no more. */
	if (!failed && !dbox_gone(store) &&
	    mdbox_map_release(mdbox, &why) == -1 && dbox_gone(store)) {
		*err = why;
		ret = -1;
	}
	index_unlock(mdbox->map);
	forget_spools(mdbox);
	return ret;
}
