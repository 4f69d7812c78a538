#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "model/mailbox_name.h"
#include "store/dbox/dbox.h"
#include "store/files/file_token.h"

/* What one walk through the directories needs. */
struct walk {
	struct dbox_store *store;
	struct strbuf name;		/* joined, of this directory */
	struct strbuf path;		/* in storage form */
	store_list_fn *fn;		/* NULL: only the token is wanted */
	void *arg;
	struct digest_ctx *digest;	/* NULL: no token is wanted */
	int64_t newest_ns;
	size_t count;
	unsigned int depth;
};

int
dbox_index_token(struct dbox_store *store, int dirfd,
    struct store_token *token_r, struct err *err)
{
	struct path_root *root = dbox_index_root(store);
	struct path_stat st = { .exists = false };

	if (dirfd != -1 && path_stat(root, dirfd, NULL, DBOX_INDEX_LOG, &st,
	    err) == -1)
		return -1;
	/* A change makes the log longer, or another file. */
	file_token(token_r, root, &st, 1);
	return 0;
}

int
dbox_path_token(struct dbox_store *store, const char *box_path,
    struct store_token *token_r, struct err *err)
{
	char path[DBOX_PATH_MAX];
	struct err why = ERR_INIT;
	int fd, r;

	if (dbox_index_path(store, box_path, path, err) == -1)
		return -1;
	fd = dbox_dir_open(store, dbox_index_root(store), path, false, &why);
	if (fd == -1 && why.code != ERR_NOTFOUND && why.code != ERR_PERM) {
		*err = why;
		return -1;
	}
	/* What can't be opened concerns this mailbox alone, and then. */
	r = dbox_index_token(store, fd, token_r, err);
	if (fd != -1)
		close(fd);
	else if (why.code == ERR_PERM)
		token_r->len = 0;
	return r;
}

static void
entry_problem(const struct walk *walk, const char *level, const char *why)
{
	struct err err = ERR_INIT;

	if (walk->fn == NULL)
		return;
	err_set(&err, ERR_PERM, "%s", why);
	store_tell(&walk->store->head, &err, "mailbox directory %s%s%s",
	    walk->path.data, walk->path.len > 0 ? "/" : "", level);
}

/* A directory of our owner, and no link to one. */
static bool
entry_usable(struct walk *walk, int dirfd, const char *level)
{
	struct path_stat st;
	struct err ignored = ERR_INIT;

	if (path_stat(&walk->store->root, dirfd, NULL, level, &st,
	    &ignored) == -1 || !st.exists)
		return false;
	if (S_ISLNK(st.mode)) {
		entry_problem(walk, level,
		    "a symbolic link, which is not followed");
		return false;
	}
	if (!S_ISDIR(st.mode))
		return false;
	if (st.uid != walk->store->root.owner && st.uid != geteuid()) {
		entry_problem(walk, level, "belongs to another user");
		return false;
	}
	return true;
}

static int
list_one(struct walk *walk, bool selectable, struct err *err)
{
	struct store_listing listing = { .name = walk->name.data,
	    .selectable = selectable };

	if (walk->fn == NULL)
		return 0;
	if (dbox_inbox_misspelt(walk->name.data)) {
		store_tell(&walk->store->head, NULL, "mailbox directory %s is "
		    "not INBOX, and can't be listed", walk->path.data);
		return 0;
	}
	if (++walk->count > STORE_MAILBOXES_MAX)
		return err_set(err, ERR_REFUSED, "more than %u mailboxes",
		    STORE_MAILBOXES_MAX);
	if (selectable && dbox_path_token(walk->store, walk->path.data,
	    &listing.token, err) == -1)
		return -1;
	return walk->fn(&listing, walk->arg, err);
}

static void
digest_dir(struct walk *walk, int fd)
{
	struct path_stat st;
	struct err ignored = ERR_INIT;
	int64_t words[3];

	if (walk->digest == NULL || path_fstat(fd, &st, &ignored) == -1)
		return;
	words[0] = (int64_t)st.ino;
	words[1] = st.mtime_ns;
	words[2] = st.ctime_ns;
	digest_update(walk->digest, walk->path.data, walk->path.len + 1);
	digest_update(walk->digest, words, sizeof(words));
	if (st.ctime_ns > walk->newest_ns)
		walk->newest_ns = st.ctime_ns;
}

static int walk_dir(struct walk *walk, int parent, const char *level,
    struct err *err);

/* One directory below; *below_r: there is one that can be listed. */
static int
walk_entry(struct walk *walk, int dirfd, const char *level, bool *below_r,
    struct err *err)
{
	size_t name_len = walk->name.len, path_len = walk->path.len;
	int ret = 0;

	if (!entry_usable(walk, dirfd, level))
		return 0;
	if (walk->depth >= NAME_DEPTH_MAX || dbox_level_name(walk->store,
	    level, &walk->name) == -1) {
		entry_problem(walk, level, "not a valid mailbox name");
		return 0;
	}
	if (path_len > 0)
		strbuf_addc(&walk->path, '/');
	strbuf_adds(&walk->path, level);
	*below_r = true;
	if (!walk->path.failed)
		ret = walk_dir(walk, dirfd, level, err);
	walk->path.failed = false;
	walk->name.len = name_len;
	walk->name.data[name_len] = '\0';
	walk->path.len = path_len;
	walk->path.data[path_len] = '\0';
	return ret;
}

/* The entries of an open directory; closes it. */
static int
walk_entries(struct walk *walk, DIR *dir, bool *selectable_r, bool *below_r,
    struct err *err)
{
	struct dirent *de;
	int ret = 0;

	while (ret == 0 && (errno = 0, de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		if (walk->depth > 1 &&
		    strcmp(de->d_name, walk->store->dir_name) == 0)
			*selectable_r = true;
		else
			ret = walk_entry(walk, dirfd(dir), de->d_name,
			    below_r, err);
	}
	if (ret == 0 && errno != 0)
		ret = err_sys(err, "read a mailbox directory");
	closedir(dir);
	return ret;
}

static int
walk_dir(struct walk *walk, int parent, const char *level, struct err *err)
{
	struct err why = ERR_INIT;
	bool selectable = false, below = false;
	DIR *dir = path_read_dir(&walk->store->root, parent, level, &why);
	int ret;

	if (dir == NULL && why.code == ERR_NOTFOUND)
		return 0;
	if (dir == NULL && why.code == ERR_PERM && walk->depth > 0) {
		if (walk->fn != NULL)
			store_tell(&walk->store->head, &why, "mailbox directory");
		return 0;
	}
	if (dir == NULL) {
		*err = why;
		return -1;
	}
	digest_dir(walk, dirfd(dir));
	walk->depth++;
	ret = walk_entries(walk, dir, &selectable, &below, err);
	walk->depth--;
	/* A directory without anything below was made by somebody (T16). */
	if (ret == 0 && walk->depth > 0 && !name_is_inbox(walk->name.data) &&
	    (selectable || !below))
		ret = list_one(walk, selectable, err);
	return ret;
}

static int
walk_tree(struct walk *walk, struct err *err)
{
	int ret = 0;

	strbuf_init(&walk->name, NAME_MAX_BYTES);
	strbuf_init(&walk->path, DBOX_PATH_MAX - 1);
	strbuf_adds(&walk->name, "INBOX");
	strbuf_adds(&walk->path, "INBOX");
	ret = list_one(walk, true, err);
	strbuf_reset(&walk->name);
	strbuf_reset(&walk->path);
	if (ret == 0)
		ret = walk_dir(walk, walk->store->root.fd,
		    walk->store->boxes_name, err);
	strbuf_deinit(&walk->name);
	strbuf_deinit(&walk->path);
	return ret;
}

int
dbox_list(struct store *head, store_list_fn *fn, void *arg, struct err *err)
{
	struct walk walk = { .store = (struct dbox_store *)head, .fn = fn,
	    .arg = arg };

	if (walk.store->listed)
		return dbox_listed_list(walk.store, fn, arg, err);
	return walk_tree(&walk, err);
}

int
dbox_tree_token(struct store *head, struct store_token *token_r,
    struct err *err)
{
	struct dbox_store *store = (struct dbox_store *)head;
	struct path_root *control = dbox_control_root(store);
	struct walk walk = { .store = store, .newest_ns = INT64_MIN };
	uint8_t digest[DIGEST_SIZE];
	struct path_stat st;
	int ret;

	if (store->listed)
		return dbox_listed_token(store, token_r, err);
	walk.digest = digest_new();
	ret = walk_tree(&walk, err);
	digest_final(walk.digest, digest);
	digest_free(&walk.digest);
	if (ret == -1 || path_stat(control, control->fd, NULL,
	    store->subscriptions, &st, err) == -1)
		return -1;
	file_token(token_r, control, &st, 1);
	memcpy(token_r->data + token_r->len, digest, sizeof(digest));
	token_r->len += sizeof(digest);
	token_r->settled = token_r->settled &&
	    file_time_settled(&store->root, walk.newest_ns);
	return 0;
}
