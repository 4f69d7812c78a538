/* Writing dovecot-uidlist, always under its lock and after a refresh. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/maildir/maildir.h"

#define OUT_CHUNK	65536U	/* bytes written at once */

/* The new file while old lines are copied into it. */
struct copy {
	struct maildir_box *box;
	struct list_change *change;
	struct strbuf out;
	int fd;
};

static int
append(struct maildir_box *box, struct list_change *change,
    struct list_write *w, struct err *err)
{
	struct path_root *root = &box->store->root;
	struct maildir_list *list = &box->list;
	struct err ignored = ERR_INIT;
	struct path_stat st;

	w->fd = path_open_write(root, box->control_fd, UIDLIST_NAME, true, err);
	if (w->fd == -1 || path_fstat(w->fd, &st, err) == -1)
		return -1;
	if (st.ino != list->st.ino || st.size != list->good_end)
		return err_set(err, ERR_TEMP,
		    "dovecot-uidlist was changed in spite of its lock");
	if (path_write(root, w->fd, change->lines.data, change->lines.len,
	    err) == -1) {
		/* Half a line must not stay; a reader ignores it. */
		(void)path_truncate(root, w->fd, list->good_end, &ignored);
		return -1;
	}
	return 0;
}

static int
copy_out(struct copy *copy, struct err *err)
{
	int r;

	if (copy->out.len == 0)
		return 0;
	r = path_write(&copy->box->store->root, copy->fd, copy->out.data,
	    copy->out.len, err);
	strbuf_reset(&copy->out);
	return r;
}

static int
copy_line(const struct uidlist_record *rec, void *arg, struct err *err)
{
	struct copy *copy = arg;
	struct list_change *change = copy->change;

	if (!maildir_list_is_last(&copy->box->list, rec) ||
	    (change->drop != NULL && change->drop(rec, change->drop_arg)))
		return 0;
	uidlist_record_format(&copy->out, rec);
	if (copy->out.len >= OUT_CHUNK)
		return copy_out(copy, err);
	return 0;
}

/* Write all of the new file. */
static int
write_file(struct copy *copy, struct err *err)
{
	struct path_root *root = &copy->box->store->root;
	struct list_change *change = copy->change;

	uidlist_header_format(&copy->out, &change->header);
	if (maildir_list_walk(copy->box, copy_line, copy, err) == -1 ||
	    copy_out(copy, err) == -1)
		return -1;
	if (change->lines.len > 0 && path_write(root, copy->fd,
	    change->lines.data, change->lines.len, err) == -1)
		return -1;
	return 0;
}

static int
rewrite(struct maildir_box *box, struct list_change *change,
    struct list_write *w, struct err *err)
{
	struct path_root *root = &box->store->root;
	struct copy copy = { .box = box, .change = change };
	struct err why = ERR_INIT;
	mode_t mode = box->list.fd != -1 ?
	    (mode_t)(box->list.st.mode & 0666) : box->shared.mode;
	int ret;

	w->fd = path_create(root, box->control_fd, UIDLIST_TMP, mode, &why);
	/* The name is fixed; what is there was left by a crash. */
	if (w->fd == -1 && why.errnum == EEXIST) {
		if (path_unlink(root, box->control_fd, UIDLIST_TMP, false,
		    err) == -1)
			return -1;
		why = (struct err)ERR_INIT;
		w->fd = path_create(root, box->control_fd, UIDLIST_TMP, mode,
		    &why);
	}
	if (w->fd == -1) {
		*err = why;
		return -1;
	}
	copy.fd = w->fd;
	w->replace = true;
	maildir_shared_apply(box->store, &box->shared, copy.fd);
	strbuf_init(&copy.out, OUT_CHUNK + 2 * UIDLIST_LINE_MAX);
	ret = write_file(&copy, err);
	strbuf_deinit(&copy.out);
	return ret;
}

static void
write_close(struct maildir_box *box, struct list_write *w)
{
	struct err ignored = ERR_INIT;

	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	if (w->replace)
		(void)path_unlink(&box->store->root, box->control_fd,
		    UIDLIST_TMP, false, &ignored);
	w->replace = false;
}

int
maildir_list_begin(struct maildir_box *box, struct list_change *change,
    struct list_write *w, struct err *err)
{
	int ret;

	*w = (struct list_write){ .fd = -1 };
	if (change->lines.failed)
		return err_set(err, ERR_REFUSED,
		    "too many new lines for dovecot-uidlist");
	if (dotlock_keep(&box->lock, err) == -1)
		return -1;
	if (change->rewrite || maildir_list_incomplete(&box->list))
		ret = rewrite(box, change, w, err);
	else
		ret = append(box, change, w, err);
	if (ret == -1) {
		write_close(box, w);
		return err_prefix(err, "write dovecot-uidlist");
	}
	return 0;
}

int
maildir_list_publish(struct maildir_box *box, struct list_write *w,
    struct err *err)
{
	bool replace = w->replace;
	int ret = 0;

	if (replace) {
		ret = dotlock_keep(&box->lock, err);
		if (ret == 0)
			ret = path_rename_over(&box->store->root, box->control_fd,
			    UIDLIST_TMP, UIDLIST_NAME, err);
	}
	w->replace = ret == -1;
	write_close(box, w);
	if (ret == -1)
		return err_prefix(err, "write dovecot-uidlist");
	return maildir_list_refresh(box, err);
}

void
maildir_list_abort(struct maildir_box *box, struct list_write *w)
{
	write_close(box, w);
}

int
maildir_list_finish(struct maildir_box *box, struct list_write *w,
    struct err *err)
{
	struct path_root *root = &box->store->root;
	bool replace = w->replace;

	if (!replace && root->local) {
		maildir_settle_later(box->store, w->fd);
		w->fd = -1;
	} else if (path_fsync(root, w->fd, err) == -1) {
		maildir_list_abort(box, w);
		return -1;
	}
	if (maildir_list_publish(box, w, err) == -1)
		return -1;
	return replace ? maildir_settle_name(box, err) : 0;
}

int
maildir_list_write(struct maildir_box *box, struct list_change *change,
    struct err *err)
{
	struct list_write w;

	if (maildir_list_begin(box, change, &w, err) == -1)
		return -1;
	return maildir_list_finish(box, &w, err);
}
