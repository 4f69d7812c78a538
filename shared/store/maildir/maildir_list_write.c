/* Writing dovecot-uidlist, always under its lock and after a refresh. */
#include "config.h"

#include <errno.h>
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
append(struct maildir_box *box, struct list_change *change, bool *fatal_r,
    struct err *err)
{
	struct path_root *root = &box->store->root;
	struct maildir_list *list = &box->list;
	struct err ignored = ERR_INIT;
	struct path_stat st;
	int fd, ret = -1;

	fd = path_open_write(root, box->fd, UIDLIST_NAME, true, err);
	if (fd == -1)
		return -1;
	if (path_fstat(fd, &st, err) == -1)
		goto out;
	if (st.ino != list->st.ino || st.size != list->good_end) {
		err_set(err, ERR_TEMP,
		    "dovecot-uidlist was changed in spite of its lock");
		goto out;
	}
	if (path_write(root, fd, change->lines.data, change->lines.len,
	    err) == -1) {
		/* Half a line must not stay; a reader ignores it. */
		(void)path_truncate(root, fd, list->good_end, &ignored);
		goto out;
	}
	ret = path_fsync(root, fd, err);
	*fatal_r = ret == -1;
out:
	close(fd);
	return ret;
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

/* Write all of the new file, durably. */
static int
write_file(struct copy *copy, bool *fatal_r, struct err *err)
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
	if (path_fsync(root, copy->fd, err) == -1) {
		*fatal_r = true;
		return -1;
	}
	return dotlock_keep(&copy->box->lock, err);
}

static int
rewrite(struct maildir_box *box, struct list_change *change, bool *fatal_r,
    struct err *err)
{
	struct path_root *root = &box->store->root;
	struct copy copy = { .box = box, .change = change };
	struct err ignored = ERR_INIT;
	mode_t mode = box->list.fd != -1 ?
	    (mode_t)(box->list.st.mode & 0666) : box->file_mode;
	int ret;

	/* The name is fixed; what is there was left by a crash. */
	if (path_unlink(root, box->fd, UIDLIST_TMP, false, &ignored) == -1 &&
	    ignored.errnum != ENOENT) {
		*err = ignored;
		return -1;
	}
	copy.fd = path_create(root, box->fd, UIDLIST_TMP, mode, err);
	if (copy.fd == -1)
		return -1;
	if (box->set_gid)
		(void)path_set_group(root, copy.fd, box->file_gid, &ignored);
	strbuf_init(&copy.out, OUT_CHUNK + 2 * UIDLIST_LINE_MAX);
	ret = write_file(&copy, fatal_r, err);
	strbuf_deinit(&copy.out);
	close(copy.fd);
	if (ret == 0)
		ret = path_rename_over(root, box->fd, UIDLIST_TMP,
		    UIDLIST_NAME, err);
	if (ret == -1) {
		(void)path_unlink(root, box->fd, UIDLIST_TMP, false,
		    &ignored);
		return -1;
	}
	if (path_fsync(root, box->fd, err) == -1) {
		*fatal_r = true;
		return -1;
	}
	return 0;
}

int
maildir_list_write(struct maildir_box *box, struct list_change *change,
    bool *fatal_r, struct err *err)
{
	int ret;

	*fatal_r = false;
	if (change->lines.failed)
		return err_set(err, ERR_REFUSED,
		    "too many new lines for dovecot-uidlist");
	if (dotlock_keep(&box->lock, err) == -1)
		return -1;
	if (change->rewrite || maildir_list_incomplete(&box->list))
		ret = rewrite(box, change, fatal_r, err);
	else
		ret = append(box, change, fatal_r, err);
	if (ret == -1) {
		*fatal_r = *fatal_r || box->store->root.gone;
		return err_prefix(err, "write dovecot-uidlist");
	}
	return maildir_list_refresh(box, err);
}
