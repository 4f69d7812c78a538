#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/mailbox_name.h"
#include "store/maildir/maildir.h"

#define TMP_AGE		(36 * 3600)	/* seconds, as Maildir says */
#define TMP_LOOK_MAX	256U		/* entries looked at when opening */

void
maildir_box_problem(struct maildir_box *box, const struct err *why,
    const char *what, const char *name)
{
	if (box->quiet || ++box->problems > PROBLEMS_MAX)
		return;
	store_tell(&box->store->head, why, "mailbox %s: %s: %s",
	    box->place.mail[0] == '\0' ? "INBOX" : box->place.mail, what,
	    name);
}

uint32_t
maildir_box_uidnext(struct maildir_box *box)
{
	uint32_t next = maildir_list_next(&box->list), known = 0;

	maildir_index_look(box);
	/* Without a list, what the index says is all that is known. */
	if (box->idx.usable || (box->idx.index != NULL &&
	    box->list.header.uidvalidity == 0))
		known = index_state(box->idx.index)->next_uid;
	return known > next ? known : next;
}

/* One of its own is as open as the mailbox's directory is. */
static int
open_sub(struct maildir_box *box, const char *name, int *fd_r,
    struct err *err)
{
	struct path_root *root = &box->store->root;
	struct err why = ERR_INIT;
	struct path_stat st;

	*fd_r = path_open_dir(root, box->fd, name, &why);
	if (*fd_r != -1)
		return 0;
	if (why.code == ERR_NOTFOUND && box->store->readonly)
		return 0;
	if (why.code == ERR_NOTFOUND) {
		if (path_fstat(box->fd, &st, err) == -1 ||
		    path_mkdir(root, box->fd, name,
		    (mode_t)(st.mode & 0777) | 0700, err) == -1)
			return -1;
		*fd_r = path_open_dir(root, box->fd, name, err);
		return *fd_r == -1 ? -1 : 0;
	}
	*err = why;
	return -1;
}

/* In a nested layout a directory without cur is none of a mailbox. */
static int
check_cur(struct maildir_box *box, struct err *err)
{
	struct path_stat st;

	if (!box->store->layout->nested || name_is_inbox(box->name))
		return 0;
	if (path_stat(&box->store->root, box->fd, NULL, "cur", &st,
	    err) == -1)
		return -1;
	if (!st.exists)
		return err_set(err, ERR_NOTFOUND, "the mailbox is a mere "
		    "directory");
	return 0;
}

struct dir_read *
maildir_dir_buffer(struct maildir_store *store)
{
	if (store->dir == NULL)
		store->dir = mem_alloc(sizeof(*store->dir));
	return store->dir;
}

static int
open_control(struct maildir_box *box, struct err *err)
{
	const struct maildir_place *place = &box->place;
	struct maildir_store *store = box->store;
	struct err why = ERR_INIT;

	if (store->control.fd == -1) {
		box->control_fd = box->fd;
		return 0;
	}
	if (!store->readonly) {
		box->control_fd = maildir_dir_make(store, place->control_fd,
		    place->control, err);
		return box->control_fd == -1 ? -1 : 0;
	}
	box->control_fd = maildir_dir_open(store, place->control_fd,
	    place->control, &why);
	if (box->control_fd != -1 || why.code == ERR_NOTFOUND)
		return 0;
	*err = why;
	return -1;
}

/* INBOX is always there (T12), so its directory is made if need be. */
static int
open_box_dir(struct maildir_box *box, struct err *err)
{
	const struct maildir_place *place = &box->place;
	struct maildir_store *store = box->store;
	struct err why = ERR_INIT, ignored = ERR_INIT;

	box->fd = maildir_dir_open(store, place->mail_fd, place->mail, &why);
	if (box->fd == -1 && why.code == ERR_NOTFOUND && !store->readonly &&
	    store->layout->listed && maildir_listed_recover(store, box->name,
	    &ignored) == 0)
		box->fd = maildir_dir_open(store, place->mail_fd,
		    place->mail, &why);
	if (box->fd == -1 && why.code == ERR_NOTFOUND && !store->readonly &&
	    name_is_inbox(box->name))
		box->fd = maildir_dir_make(store, place->mail_fd,
		    place->mail, &why);
	if (box->fd != -1)
		return 0;
	*err = why;
	return -1;
}

static int
open_dirs(struct maildir_box *box, struct err *err)
{
	if (open_box_dir(box, err) == -1 || check_cur(box, err) == -1 ||
	    open_sub(box, "cur", &box->cur_fd, err) == -1 ||
	    open_sub(box, "new", &box->new_fd, err) == -1 ||
	    open_control(box, err) == -1)
		return -1;
	return maildir_shared_load(box->store, box->fd, &box->shared, err);
}

/*
 * Files of ours that a process left in tmp when it died.  The ctime tells
 * their age: the mtime is the date of the message.
 */
static void
clean_tmp(struct maildir_box *box)
{
	int64_t limit = (int64_t)(clock_now_ms() / 1000) - TMP_AGE;
	struct path_root *root = &box->store->root;
	struct dir_read *dir = maildir_dir_buffer(box->store);
	struct err ignored = ERR_INIT;
	struct path_stat st;
	unsigned char type;
	const char *name;

	if (dir_read_begin(dir, box->tmp_fd, &ignored) == -1)
		return;
	for (unsigned int i = 0; i < TMP_LOOK_MAX &&
	    dir_read_next(dir, &name, &type, &ignored) == 1; i++) {
		if (strncmp(name, UNIQUE_PREFIX, strlen(UNIQUE_PREFIX)) != 0 ||
		    path_stat(root, box->tmp_fd, NULL, name, &st,
		    &ignored) == -1 || !st.exists ||
		    st.ctime_ns / 1000000000 > limit)
			continue;
		(void)path_unlink(root, box->tmp_fd, name, false, &ignored);
	}
}

int
maildir_box_tmp(struct maildir_box *box, struct err *err)
{
	if (box->tmp_fd != -1)
		return 0;
	if (open_sub(box, "tmp", &box->tmp_fd, err) == -1)
		return -1;
	clean_tmp(box);
	return 0;
}

int
maildir_box_open(struct store *head, const char *name,
    struct mailbox **box_r, struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct maildir_box *box = mem_alloc(sizeof(*box));
	struct mailbox *opened = &box->head;

	box->head.store = head;
	box->store = store;
	box->name = mem_strdup(name);
	box->fd = box->control_fd = -1;
	box->cur_fd = box->new_fd = box->tmp_fd = -1;
	box->table = table_new();
	maildir_list_init(&box->list);
	box->writing.fd = -1;
	box->keywords_fd = -1;
	box->index_fd = -1;
	keyword_map_init(&box->keywords);
	box->next = store->boxes;
	store->boxes = box;
	if (maildir_place_find(store, name, &box->place, err) == -1 ||
	    open_dirs(box, err) == -1)
		goto failed;
	maildir_index_open(box);
	if (maildir_sync(box, err) == -1 || (store->layout->listed &&
	    !store->readonly && maildir_listed_follow(box, err) == -1))
		goto failed;
	maildir_index_catch_up(box);
	*box_r = &box->head;
	return 0;
failed:
	maildir_box_close(&opened);
	return -1;
}

static void
close_fd(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

void
maildir_box_close(struct mailbox **boxp)
{
	struct maildir_box *box = (struct maildir_box *)*boxp;
	struct err ignored = ERR_INIT;
	struct maildir_box **p;

	if (box == NULL)
		return;
	if (box->littered && !box->store->in_doubt)
		(void)maildir_drop_dead(box, &ignored);
	for (p = &box->store->boxes; *p != box; p = &(*p)->next)
		;
	*p = box->next;
	maildir_ops_free(box);
	maildir_forget_fresh(box);
	maildir_box_unlock(box);
	maildir_index_close(box);
	maildir_list_deinit(&box->list);
	keyword_map_deinit(&box->keywords);
	table_free(&box->table);
	if (box->control_fd != box->fd)
		close_fd(&box->control_fd);
	close_fd(&box->fd);
	close_fd(&box->cur_fd);
	close_fd(&box->new_fd);
	close_fd(&box->tmp_fd);
	free(box->name);
	free(box);
	*boxp = NULL;
}

int
maildir_box_status(struct mailbox *head, struct mailbox_status *status_r,
    struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;

	if (maildir_list_refresh(box, err) == -1)
		return -1;
	*status_r = (struct mailbox_status){
		.guid = box->list.header.guid,
		.uidvalidity = box->list.header.uidvalidity,
		.uidnext = 1,
	};
	if (status_r->uidvalidity != 0)
		status_r->uidnext = maildir_box_uidnext(box);
	status_r->highestmodseq = maildir_index_highest(box);
	box->idx.own = status_r->highestmodseq;
	return 0;
}

int
maildir_box_token(struct mailbox *head, struct store_token *token_r,
    struct err *err)
{
	struct maildir_box *box = (struct maildir_box *)head;

	return maildir_token(box->store, &box->place, token_r, err);
}

static int
take_lock(struct maildir_box *box, unsigned int timeout, struct err *err)
{
	struct dotlock_wish wish = { .name = UIDLIST_LOCK,
	    .hostname = box->store->hostname, .stale = DOTLOCK_STALE_UIDLIST,
	    .timeout = timeout, .tmp_fd = box->tmp_fd,
	    .source = &box->store->lock_source };

	/* A link does not reach from one file system into another. */
	if (box->store->control.fd != -1)
		wish.tmp_fd = box->control_fd;
	return dotlock_take(&box->lock, &box->store->root, box->control_fd,
	    &wish, err);
}

/* Where the file of another lock serves, tmp/ is not needed. */
int
maildir_box_lock(struct maildir_box *box, unsigned int timeout,
    struct err *err)
{
	struct maildir_store *store = box->store;
	struct err why = ERR_INIT;

	if (store->lock_source.root != NULL || store->control.fd != -1) {
		if (take_lock(box, timeout, &why) == 0)
			return 0;
		if (why.errnum != ESTALE) {
			*err = why;
			return -1;
		}
	}
	return maildir_box_tmp(box, err) == -1 ? -1 :
	    take_lock(box, timeout, err);
}

void
maildir_box_unlock(struct maildir_box *box)
{
	dotlock_release(&box->lock);
}
