#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "store/files/dotlock.h"
#include "store/files/problem.h"
#include "store/files/subscriptions_file.h"

#define NEW_MODE 0600

/* A missing file is an empty list.  Deinit subs afterwards. */
static int
load(const struct subscriptions_file *file, struct subscriptions *subs,
    mode_t *mode_r, struct err *err)
{
	struct path_root *root = file->root;
	struct err why = ERR_INIT;
	struct path_stat st = { .exists = false };
	struct strbuf text;
	int ret = -1;

	/* A look first: opening checks the owner and links. */
	int fd = path_open_file(root, root->fd, file->name, &st, &why);

	if (fd == -1 && why.code == ERR_NOTFOUND) {
		subscriptions_init(subs, file->utf8, file->separator);
		return 0;
	}
	if (fd == -1) {
		*err = why;
		return -1;
	}
	close(fd);
	strbuf_init(&text, SUBSCRIPTIONS_MAX);
	if (io_read_file(root->fd, file->name, &text, err) == 0) {
		subscriptions_parse(subs, file->utf8, file->separator,
		    text.data, text.len);
		*mode_r = (mode_t)(st.mode & 0666);
		ret = 0;
	}
	strbuf_deinit(&text);
	return ret;
}

int
subscriptions_list(const struct subscriptions_file *file,
    struct store *store, subscriptions_fits_fn *fits, store_name_fn *fn,
    void *arg, struct err *err)
{
	struct subscriptions subs;
	mode_t mode;
	int ret = 0;

	if (load(file, &subs, &mode, err) == -1)
		return -1;
	for (size_t i = 0; i < subs.lines.n && ret == 0; i++) {
		const char *name = subs.lines.v[i].name;

		if (name == NULL || !fits(store, name)) {
			store_tell(store, NULL, "subscriptions: not a "
			    "mailbox name: %s", subs.lines.v[i].line);
			continue;
		}
		ret = fn(name, arg, err);
	}
	subscriptions_deinit(&subs);
	return ret;
}

static int
replace(const struct subscriptions_file *file,
    const struct subscriptions *subs, mode_t mode, struct err *err)
{
	struct path_root *root = file->root;
	char tmp[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct strbuf text;
	int fd, ret = -1;

	strbuf_init(&text, 2 * SUBSCRIPTIONS_MAX);
	subscriptions_format(subs, &text);
	unique_name(tmp, file->hostname);
	fd = path_create(root, root->fd, tmp, mode, err);
	if (fd == -1)
		goto out;
	if (path_write(root, fd, text.data, text.len, err) == 0 &&
	    path_fsync(root, fd, err) == 0 &&
	    path_rename_over(root, root->fd, tmp, file->name, err) == 0)
		ret = path_fsync(root, root->fd, err);
	else
		(void)path_unlink(root, root->fd, tmp, false, &ignored);
	close(fd);
out:
	strbuf_deinit(&text);
	return ret;
}

int
subscriptions_change_all(const struct subscriptions_file *file,
    struct store_subscription *list, size_t n, struct err *err)
{
	char lock_name[PATH_NAME_MAX + 1];
	struct dotlock_wish wish = { .name = lock_name,
	    .hostname = file->hostname,
	    .stale = DOTLOCK_STALE_SUBSCRIPTIONS,
	    .timeout = file->lock_timeout, .tmp_fd = file->root->fd };
	struct subscriptions subs;
	struct dotlock lock;
	mode_t mode = NEW_MODE;
	bool changed = false;
	int ret = 0;

	snprintf(lock_name, sizeof(lock_name), "%s.lock", file->name);
	if (dotlock_take(&lock, file->root, file->root->fd, &wish, err) == -1)
		return -1;
	if (load(file, &subs, &mode, err) == -1) {
		ret = -1;
	} else {
		for (size_t i = 0; i < n; i++)
			if (!list[i].failed && subscriptions_set(&subs,
			    list[i].name, list[i].on))
				changed = true;
		if (changed)
			ret = replace(file, &subs, mode, err);
		subscriptions_deinit(&subs);
	}
	dotlock_release(&lock);
	return ret;
}

int
subscriptions_change(const struct subscriptions_file *file, const char *name,
    bool on, struct err *err)
{
	struct store_subscription one = { .name = name, .on = on };

	return subscriptions_change_all(file, &one, 1, err);
}
