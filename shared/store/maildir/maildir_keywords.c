#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "store/maildir/maildir.h"

/* Too large a file is read as far as it is a sane one. */
static int
read_map(struct maildir_box *box, int fd, uint64_t size, struct err *err)
{
	size_t room = size < KEYWORDS_FILE_MAX ? (size_t)size :
	    KEYWORDS_FILE_MAX;
	char *text = mem_alloc(room + 1);
	ssize_t n = io_read(fd, text, room);

	if (n >= 0)
		keyword_map_parse(&box->keywords, text, (size_t)n);
	free(text);
	return n >= 0 ? 0 : err_sys(err, "read %s", KEYWORDS_NAME);
}

int
maildir_keywords_load(struct maildir_box *box, struct err *err)
{
	struct path_root *root = &box->store->root;
	struct path_stat st;
	int fd, ret;

	if (path_stat(root, box->control_fd, NULL, KEYWORDS_NAME, &st,
	    err) == -1)
		return -1;
	if (st.exists == box->keywords_st.exists &&
	    st.ino == box->keywords_st.ino &&
	    st.mtime_ns == box->keywords_st.mtime_ns &&
	    st.ctime_ns == box->keywords_st.ctime_ns)
		return 0;
	if (!st.exists) {
		keyword_map_deinit(&box->keywords);
		box->keywords_st = st;
		return 0;
	}
	fd = path_open_file(root, box->control_fd, KEYWORDS_NAME, &st, err);
	if (fd == -1)
		return -1;
	ret = read_map(box, fd, st.size, err);
	close(fd);
	if (ret == 0)
		box->keywords_st = st;
	return ret;
}

/*
 * Readers look at whole seconds of the mtime: it has to grow, if need be by
 * a second into the future.
 */
static int
set_mtime(struct maildir_box *box, int fd, struct err *err)
{
	int64_t now = (int64_t)(clock_now_ms() / 1000);

	if (!box->keywords_st.exists || box->keywords_st.mtime < now)
		return 0;
	return path_set_mtime(&box->store->root, fd,
	    box->keywords_st.mtime + 1, err);
}

void
maildir_keywords_abort(struct maildir_box *box)
{
	struct err ignored = ERR_INIT;

	if (box->keywords_fd == -1)
		return;
	close(box->keywords_fd);
	box->keywords_fd = -1;
	(void)path_unlink(&box->store->root, box->control_fd, KEYWORDS_LOCK,
	    false, &ignored);
}

int
maildir_keywords_begin(struct maildir_box *box, struct err *err)
{
	struct path_root *root = &box->store->root;
	struct err ignored = ERR_INIT;
	struct strbuf text;
	int fd, ret = -1;

	/* Writers hold the uidlist lock: what is there was left by a crash. */
	if (path_unlink(root, box->control_fd, KEYWORDS_LOCK, false,
	    &ignored) == -1 && ignored.errnum != ENOENT) {
		*err = ignored;
		return -1;
	}
	fd = path_create(root, box->control_fd, KEYWORDS_LOCK,
	    box->shared.mode, err);
	if (fd == -1)
		return -1;
	box->keywords_fd = fd;
	maildir_shared_apply(box->store, &box->shared, fd);
	strbuf_init(&text, KEYWORDS_FILE_MAX);
	keyword_map_format(&box->keywords, &text);
	if (path_write(root, fd, text.data, text.len, err) == 0)
		ret = set_mtime(box, fd, err);
	strbuf_deinit(&text);
	if (ret == -1) {
		maildir_keywords_abort(box);
		return err_prefix(err, "write dovecot-keywords");
	}
	return 0;
}

int
maildir_keywords_publish(struct maildir_box *box, struct err *err)
{
	struct path_root *root = &box->store->root;

	if (path_rename_over(root, box->control_fd, KEYWORDS_LOCK,
	    KEYWORDS_NAME, err) == -1) {
		maildir_keywords_abort(box);
		return err_prefix(err, "write dovecot-keywords");
	}
	close(box->keywords_fd);
	box->keywords_fd = -1;
	return path_stat(root, box->control_fd, NULL, KEYWORDS_NAME,
	    &box->keywords_st, err);
}
