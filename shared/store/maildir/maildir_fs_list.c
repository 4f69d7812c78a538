/*
 * The layout fs, read: each directory below the root may be a mailbox, and
 * is one if it holds cur.  One without cur that has mailboxes below it is
 * there for their sake, one with files is somebody's or a mailbox half made:
 * neither is told of.  An empty one is a mere directory (T16).
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "model/mailbox_name.h"
#include "store/maildir/maildir.h"

/* Does what it is to a listing, or to a token if fn is NULL. */
struct walk {
	struct maildir_store *store;
	store_list_fn *fn;
	void *arg;
	struct digest_ctx *digest;
	int64_t newest;			/* ctime of any directory, ns */
	size_t n;
	struct strbuf path, name;	/* of the directory we are in */
	struct maildir_place place;
};

static int walk_dir(struct walk *w, DIR *dir, bool *filled,
    struct err *err);

/* A directory, or what looks like one and is told. */
static bool
is_directory(struct walk *w, int dir_fd, const struct dirent *de)
{
	struct stat st;

	if (de->d_type == DT_DIR)
		return true;
	if ((de->d_type != DT_UNKNOWN && de->d_type != DT_LNK) ||
	    fstatat(dir_fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	if (!S_ISLNK(st.st_mode))
		return S_ISDIR(st.st_mode);
	if (fstatat(dir_fd, de->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode))
		maildir_entry_problem(w->store, w->path.data,
		    "a symbolic link, which is not followed");
	return false;
}

static void
digest_stat(struct walk *w, const struct path_stat *st)
{
	uint64_t words[4] = { st->ino, st->size, (uint64_t)st->mtime_ns,
	    (uint64_t)st->ctime_ns };

	digest_update(w->digest, words, sizeof(words));
	if (st->exists && st->ctime_ns > w->newest)
		w->newest = st->ctime_ns;
}

/* Take what tells of changes in the directory, whose descriptor is fd. */
static int
note_dir(struct walk *w, int fd, bool selectable, struct err *err)
{
	struct path_stat st;

	if (w->fn != NULL)
		return 0;
	digest_update(w->digest, w->path.data, w->path.len + 1);
	digest_update(w->digest, &selectable, sizeof(selectable));
	if (path_fstat(fd, &st, err) == -1)
		return -1;
	digest_stat(w, &st);
	if (w->store->dirname == NULL)
		return 0;
	if (path_stat(&w->store->root, fd, NULL, w->store->dirname, &st,
	    err) == -1)
		return -1;
	digest_stat(w, &st);
	return 0;
}

static int
tell(struct walk *w, bool selectable, struct err *err)
{
	struct store_listing listing = { .name = w->name.data };

	if (++w->n > STORE_MAILBOXES_MAX)
		return err_set(err, ERR_REFUSED, "more than %u mailboxes",
		    STORE_MAILBOXES_MAX);
	if (w->fn == NULL)
		return 0;
	if (!selectable)
		return w->fn(&listing, w->arg, err);
	if (maildir_place_dir(w->store, w->name.data, w->path.data,
	    &w->place, err) == -1)
		return -1;
	return maildir_list_one(w->store, w->name.data, &w->place, w->fn,
	    w->arg, err);
}

/* The directory is open as dir. */
static int
visit(struct walk *w, DIR *dir, struct err *err)
{
	struct path_stat cur;
	bool filled = false, selectable, inbox;

	if (path_stat(&w->store->root, dirfd(dir), w->store->dirname, "cur",
	    &cur, err) == -1)
		return -1;
	selectable = cur.exists;
	inbox = strcasecmp(w->name.data, "INBOX") == 0;
	if (note_dir(w, dirfd(dir), selectable, err) == -1)
		return -1;
	if (inbox && selectable && (!name_is_inbox(w->name.data) ||
	    w->store->dirname == NULL || w->store->inbox.fd != -1))
		maildir_entry_problem(w->store, w->path.data,
		    "INBOX is another one");
	if (!inbox && selectable && tell(w, true, err) == -1)
		return -1;
	if (walk_dir(w, dir, &filled, err) == -1)
		return -1;
	if (inbox || selectable || filled)
		return 0;
	return tell(w, false, err);
}

/* Add one part to path and name; false: told, it is no mailbox's. */
static bool
enter(struct walk *w, const char *part)
{
	bool top = w->path.len == 0;
	int r;

	if (!top) {
		strbuf_addc(&w->path, '/');
		strbuf_addc(&w->name, NAME_SEP);
	}
	strbuf_adds(&w->path, part);
	r = maildir_part_name(w->store, part, strlen(part), &w->name);
	if (r == 0 && !w->path.failed && !w->name.failed &&
	    w->name.data[0] != '~' && name_valid(w->name.data, w->name.len))
		return true;
	maildir_entry_problem(w->store, w->path.data,
	    "not a valid mailbox name");
	return false;
}

static void
leave(struct strbuf *buf, size_t len)
{
	buf->len = len;
	buf->data[len] = '\0';
	buf->failed = false;
}

static int
walk_entry(struct walk *w, int parent_fd, const struct dirent *de,
    struct err *err)
{
	size_t path_len = w->path.len, name_len = w->name.len;
	struct err why = ERR_INIT;
	DIR *dir = NULL;
	int ret = 0;

	if (enter(w, de->d_name) && is_directory(w, parent_fd, de)) {
		dir = path_read_dir(&w->store->root, parent_fd, de->d_name,
		    &why);
		if (dir == NULL && why.code != ERR_NOTFOUND)
			store_tell(&w->store->head, &why,
			    "mailbox directory %s", w->path.data);
	}
	if (dir != NULL) {
		ret = visit(w, dir, err);
		closedir(dir);
	}
	leave(&w->path, path_len);
	leave(&w->name, name_len);
	return ret;
}

/* filled: there is anything in it. */
static int
walk_dir(struct walk *w, DIR *dir, bool *filled, struct err *err)
{
	bool top = w->path.len == 0;
	struct dirent *de;

	while ((errno = 0, de = readdir(dir)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0)
			continue;
		*filled = true;
		/* Most entries that are no mailboxes are files. */
		if (de->d_type == DT_REG ||
		    maildir_part_reserved(w->store, de->d_name, top))
			continue;
		if (walk_entry(w, dirfd(dir), de, err) == -1)
			return -1;
	}
	if (errno != 0)
		return err_sys(err, "read the directory %s", w->path.data);
	return 0;
}

static int
walk_root(struct walk *w, struct err *err)
{
	DIR *dir = path_read_dir(&w->store->root, w->store->root.fd, NULL,
	    err);
	bool filled;
	int ret;

	if (dir == NULL)
		return -1;
	strbuf_init(&w->path, DIR_PATH_MAX);
	strbuf_init(&w->name, NAME_MAX_BYTES);
	ret = walk_dir(w, dir, &filled, err);
	strbuf_deinit(&w->path);
	strbuf_deinit(&w->name);
	closedir(dir);
	return ret;
}

int
maildir_fs_list(struct store *head, store_list_fn *fn, void *arg,
    struct err *err)
{
	struct walk w = { .store = (struct maildir_store *)head, .fn = fn,
	    .arg = arg };

	if (maildir_place_find(w.store, "INBOX", &w.place, err) == -1 ||
	    maildir_list_one(w.store, "INBOX", &w.place, fn, arg, err) == -1)
		return -1;
	return walk_root(&w, err);
}

int
maildir_fs_token(struct store *head, struct store_token *token_r,
    struct err *err)
{
	struct maildir_store *store = (struct maildir_store *)head;
	struct walk w = { .store = store, .newest = INT64_MIN };
	void (*problem)(const char *, const struct err *, void *) =
	    head->problem;
	struct path_stat stats[2];
	int ret;

	_Static_assert(2 * 4 * sizeof(uint64_t) + DIGEST_SIZE <=
	    STORE_TOKEN_MAX, "a token has to fit");
	if (path_fstat(store->root.fd, &stats[0], err) == -1 ||
	    path_stat(&store->root, maildir_control(store)->fd, NULL,
	    store->subscriptions, &stats[1], err) == -1)
		return -1;
	w.digest = digest_new();
	/* A listing will tell of what is wrong. */
	head->problem = NULL;
	ret = walk_root(&w, err);
	head->problem = problem;
	if (ret == 0) {
		maildir_files_token(store, token_r, stats, 2);
		digest_final(w.digest, token_r->data + token_r->len);
		token_r->len += DIGEST_SIZE;
		token_r->settled = token_r->settled &&
		    maildir_time_settled(store, w.newest);
	}
	digest_free(&w.digest);
	return ret;
}
