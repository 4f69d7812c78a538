#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/mailbox_name.h"
#include "store/index/index.h"
#include "store/mbox/journal.h"
#include "store/mbox/mbox.h"

void
mbox_box_problem(struct mbox_box *box, const struct err *why,
    const char *fmt, ...)
{
	char what[400], name[256];
	va_list ap;

	if (box->problems++ >= PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	store_tell(&box->store->head, why, "%s: %s",
	    name_show(name, sizeof(name), box->name), what);
}

int
mbox_box_place(struct mbox_box *box, const char *name, struct err *err)
{
	struct mbox_store *store = box->store;
	struct err why = ERR_INIT;
	struct mbox_place place;
	char *copy = mem_strdup(name);
	int fd;

	if (mbox_place_open(store, name, false, &place, err) == -1) {
		free(copy);
		return -1;
	}
	fd = mbox_state_open(store, name, !store->readonly, &why);
	if (fd == -1 && !(store->readonly && why.code == ERR_NOTFOUND)) {
		*err = why;
		close(place.dirfd);
		free(copy);
		return -1;
	}
	if (box->dirfd != -1)
		close(box->dirfd);
	index_close(&box->index);
	if (box->state_fd != -1)
		close(box->state_fd);
	free(box->name);
	box->name = copy;
	box->root = place.root;
	box->dirfd = place.dirfd;
	memcpy(box->file, place.file, sizeof(box->file));
	box->state_fd = fd;
	box->index = mbox_index_open(store, fd);
	box->index_applied = false;
	return 0;
}

static void
box_free(struct mbox_box *box)
{
	mbox_unlock(box);
	mbox_ops_free(box);
	spool_unref(box, &box->spool);
	state_deinit(&box->state);
	index_close(&box->index);
	for (size_t i = 0; i < box->keywords.n; i++)
		free(box->keywords.v[i]);
	ARRAY_FREE(&box->keywords);
	ARRAY_FREE(&box->keyword_pool);
	ARRAY_FREE(&box->mails);
	if (box->dirfd != -1)
		close(box->dirfd);
	if (box->state_fd != -1)
		close(box->state_fd);
	free(box->name);
	free(box);
}

/* INBOX is there without being made by anybody. */
static int
check_exists(struct mbox_box *box, struct err *err)
{
	struct path_stat st;
	int fd;

	if (path_stat(box->root, box->dirfd, NULL, box->file, &st,
	    err) == -1)
		return -1;
	if (st.exists && S_ISDIR(st.mode))
		return err_set(err, ERR_NOTFOUND, "it is a directory");
	if (st.exists)
		return 0;
	if (!name_is_inbox(box->name))
		return err_set(err, ERR_NOTFOUND, "no such mailbox");
	if (box->store->readonly)
		return 0;
	fd = path_create(box->root, box->dirfd, box->file, 0600, err);
	if (fd == -1)
		return err->errnum == EEXIST ? 0 : -1;
	close(fd);
	return 0;
}

/* Is there something that has to be done before the mailbox can be used? */
static int
first_look(struct mbox_box *box, struct err *err)
{
	int ret;

	if (mbox_refresh(box, err) == -1)
		return -1;
	if (box->store->readonly || (box->numbered &&
	    state_fits(&box->state, box->base.uidvalidity)))
		return 0;
	if (mbox_lock(box, err) == -1)
		return -1;
	ret = mbox_refresh(box, err);
	mbox_unlock(box);
	return ret;
}

int
mbox_box_open(struct store *head, const char *name, struct mailbox **box_r,
    struct err *err)
{
	struct mbox_store *store = (struct mbox_store *)head;
	struct mbox_box *box = mem_alloc(sizeof(*box));
	int r = 0;

	box->head.store = head;
	box->store = store;
	box->fd = box->dirfd = box->state_fd = -1;
	state_init(&box->state);
	if (mbox_box_place(box, name, err) == -1 ||
	    check_exists(box, err) == -1)
		goto failed;
	if (!store->readonly) {
		spool_cleanup(box);
		/* What a process that died was writing comes first. */
		if ((r = journal_exists(box, err)) == 1 &&
		    (r = mbox_lock(box, err)) == 0) {
			r = mbox_refresh(box, err);
			mbox_unlock(box);
		}
	}
	if (r == -1 || first_look(box, err) == -1)
		goto failed;
	box->next = store->boxes;
	store->boxes = box;
	*box_r = &box->head;
	return 0;
failed:
	box_free(box);
	return -1;
}

void
mbox_box_close(struct mailbox **boxp)
{
	struct mbox_box *box = (struct mbox_box *)*boxp, **p;

	if (box == NULL)
		return;
	for (p = &box->store->boxes; *p != NULL; p = &(*p)->next) {
		if (*p == box) {
			*p = box->next;
			break;
		}
	}
	box_free(box);
	*boxp = NULL;
}

int
mbox_box_status(struct mailbox *head, struct mailbox_status *status_r,
    struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;

	if (mbox_refresh(box, err) == -1)
		return -1;
	*status_r = (struct mailbox_status){
		.uidvalidity = box->base.uidvalidity,
		.uidnext = box->uidnext,
	};
	if (state_fits(&box->state, box->base.uidvalidity))
		status_r->guid = box->state.guid;
	else if (!mbox_index_guid(box, box->base.uidvalidity,
	    &status_r->guid))
		status_r->guid = (struct guid128){ .b = { 0 } };
	return 0;
}

int
mbox_box_token(struct mailbox *head, struct store_token *token_r,
    struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;

	return mbox_files_token(box->store, box->root, box->dirfd, box->file,
	    box->state_fd, token_r, err);
}
