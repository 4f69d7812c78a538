/*
 * Bodies on their way.  They are written one behind the other into a file
 * that nobody looks at, which has the form of an m.N and mostly becomes one.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/files/dotlock.h"
#include "store/mdbox/mdbox.h"

#define OFFSET_MAX	0xffffffffULL	/* of a body: the map has 32 bits */

static void
spool_free(struct mdbox *mdbox, struct mdbox_spool *spool)
{
	struct mdbox_spool **link = &mdbox->spools;
	struct err ignored = ERR_INIT;

	while (*link != spool)
		link = &(*link)->next;
	*link = spool->next;
	if (spool->tmp_name != NULL)
		(void)path_unlink(&mdbox->store->root, mdbox->storage_fd,
		    spool->tmp_name, false, &ignored);
	close(spool->fd);
	free(spool->tmp_name);
	free(spool);
}

void
mdbox_spools_free(struct mdbox *mdbox, bool all)
{
	struct mdbox_spool *next;

	for (struct mdbox_spool *spool = mdbox->spools; spool != NULL;
	    spool = next) {
		next = spool->next;
		if (all || (spool->ops == 0 && !spool->busy))
			spool_free(mdbox, spool);
	}
}

static struct mdbox_spool *
spool_new(struct mdbox *mdbox, struct err *err)
{
	struct dbox_store *store = mdbox->store;
	char unique[PATH_NAME_MAX + 1], name[PATH_NAME_MAX + 1];
	struct mdbox_spool *spool;
	int fd;

	unique_name(unique, store->hostname);
	snprintf(name, sizeof(name), DBOX_TEMP "%.200s", unique);
	fd = path_create(&store->root, mdbox->storage_fd, name,
	    store->file_mode, err);
	if (fd == -1)
		return NULL;
	spool = mem_alloc(sizeof(*spool));
	spool->fd = fd;
	spool->tmp_name = mem_strdup(name);
	spool->next = mdbox->spools;
	mdbox->spools = spool;
	return spool;
}

/* One with room for a body of about this size. */
static struct mdbox_spool *
spool_with_room(struct mdbox *mdbox, uint64_t size)
{
	for (struct mdbox_spool *spool = mdbox->spools; spool != NULL;
	    spool = spool->next) {
		if (!spool->busy && spool->tmp_name != NULL &&
		    (spool->size == 0 || spool->size + size <
		    mdbox->store->rotate_size))
			return spool;
	}
	return NULL;
}

int
mdbox_body_begin(struct dbox_box *box, struct dbox_op *op, uint64_t *start_r,
    struct err *err)
{
	struct mdbox *mdbox = box->store->mdbox;
	struct mdbox_spool *spool = spool_with_room(mdbox, op->total);

	if (spool == NULL && (spool = spool_new(mdbox, err)) == NULL)
		return -1;
	op->fd = fcntl(spool->fd, F_DUPFD_CLOEXEC, 0);
	if (op->fd == -1)
		return err_sys(err, "write a message");
	spool->busy = true;
	op->spool = spool;
	*start_r = spool->size;
	return 0;
}

int
mdbox_body_end(struct dbox_box *box, struct dbox_op *op, struct err *err)
{
	struct mdbox_spool *spool = op->spool;

	if (op->total > OFFSET_MAX - op->offset)
		return err_set(err, ERR_REFUSED, "the message is too large "
		    "for an mdbox (4 GB)");
	if (spool->size == 0)
		spool->first = op->offset;
	spool->size = op->offset + op->total;
	spool->busy = false;
	spool->ops++;
	close(op->fd);
	op->fd = -1;
	box->store->unsynced++;
	return 0;
}

void
mdbox_body_drop(struct dbox_box *box, struct dbox_op *op)
{
	struct mdbox_spool *spool = op->spool;

	if (spool == NULL)
		return;
	op->spool = NULL;
	/* What was written of it is overwritten, or cut off in flush. */
	if (op->fd != -1)
		spool->busy = false;
	else if (spool->ops > 0)
		spool->ops--;
	if (spool->ops == 0 && !spool->busy)
		spool_free(box->store->mdbox, spool);
}

int
mdbox_bodies_sync(struct dbox_store *store, struct err *err)
{
	struct mdbox *mdbox = store->mdbox;
	struct path_stat st;

	for (struct mdbox_spool *spool = mdbox->spools; spool != NULL;
	    spool = spool->next) {
		if (spool->ops == 0 || spool->busy)
			continue;
		if (path_fstat(spool->fd, &st, err) == -1)
			return -1;
		if (st.size != spool->size && path_truncate(&store->root,
		    spool->fd, spool->size, err) == -1)
			return -1;
		if (path_fsync(&store->root, spool->fd, err) == -1)
			return -1;
	}
	return 0;
}
