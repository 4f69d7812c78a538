#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/mailbox_name.h"
#include "store/files/subscriptions_file.h"
#include "store/mbox/mbox.h"

struct listing {
	struct mbox_store *store;
	store_list_fn *fn;		/* NULL: only the tree's token */
	void *arg;
	struct digest_ctx *digest;
	uint8_t sum[DIGEST_SIZE];	/* of all names and files */
	size_t count;
};

static bool
is_root_of(const struct path_root *root, const struct path_stat *st)
{
	struct err ignored = ERR_INIT;
	struct path_stat own;

	return root->fd != -1 && path_fstat(root->fd, &own, &ignored) == 0 &&
	    own.ino == st->ino && own.dev == st->dev;
}

/* Sums do not depend on the order in which a directory is read. */
static void
note(struct listing *ls, const char *name, const struct path_stat *st)
{
	uint64_t words[2] = { st->ino, st->mode & S_IFMT };
	uint8_t digest[DIGEST_SIZE];

	digest_update(ls->digest, name, strlen(name) + 1);
	digest_update(ls->digest, words, sizeof(words));
	digest_final(ls->digest, digest);
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		ls->sum[i] = (uint8_t)(ls->sum[i] + digest[i]);
}

static int
tell(struct listing *ls, const char *name, bool selectable,
    struct path_root *root, int dirfd, const char *file, struct err *err)
{
	struct store_listing listing = { .name = name,
	    .selectable = selectable };
	struct err ignored = ERR_INIT;
	int state_fd, r = 0;

	if (++ls->count > STORE_MAILBOXES_MAX)
		return err_set(err, ERR_REFUSED, "more than %u mailboxes",
		    STORE_MAILBOXES_MAX);
	if (ls->fn == NULL)
		return 0;
	if (selectable) {
		state_fd = mbox_state_open(ls->store, name, false, &ignored);
		r = mbox_files_token(ls->store, root, dirfd, file, state_fd,
		    &listing.token, err);
		if (state_fd != -1)
			close(state_fd);
	}
	return r == -1 ? -1 : ls->fn(&listing, ls->arg, err);
}

static int list_dir(struct listing *ls, int dirfd, struct strbuf *name,
    unsigned int depth, struct err *err);

/* A directory: a mailbox with DIRNAME, and what is below it. */
static int
list_below(struct listing *ls, int dirfd, const char *file,
    struct strbuf *name, unsigned int depth, struct err *err)
{
	struct mbox_store *store = ls->store;
	struct path_stat st = { .exists = false };
	struct err why = ERR_INIT;
	bool selectable = false;
	int fd = path_open_dir(&store->root, dirfd, file, &why), r = 0;

	size_t before = ls->count;

	if (fd == -1) {
		if (ls->fn != NULL)
			store_tell(&store->head, &why, "%s is left out", file);
		return 0;
	}
	if (store->dirname != NULL) {
		r = path_stat(&store->root, fd, NULL, store->dirname, &st,
		    err);
		selectable = st.exists && S_ISREG(st.mode) &&
		    !name_is_inbox(name->data);
	}
	if (r == 0 && depth < NAME_DEPTH_MAX)
		r = list_dir(ls, fd, name, depth + 1, err);
	/* A directory with mailboxes below it is there for them. */
	if (r == 0 && !name_is_inbox(name->data) &&
	    (selectable || ls->count == before)) {
		if (selectable)
			note(ls, name->data, &st);
		r = tell(ls, name->data, selectable, &store->root, fd,
		    store->dirname, err);
	}
	close(fd);
	return r;
}

static int
list_entry(struct listing *ls, int dirfd, const char *file,
    struct strbuf *name, unsigned int depth, struct err *err)
{
	struct mbox_store *store = ls->store;
	size_t before = name->len;
	struct err why = ERR_INIT;
	struct path_stat st;
	int r = 0;

	if (path_stat(&store->root, dirfd, NULL, file, &st, err) == -1)
		return -1;
	if (!st.exists || (S_ISDIR(st.mode) &&
	    (is_root_of(&store->index, &st) ||
	    is_root_of(&store->control, &st))))
		return 0;
	if (name->len > 0)
		strbuf_addc(name, NAME_SEP);
	if (mbox_part_decode(store, file, name) == -1 ||
	    !name_valid(name->data, name->len) ||
	    (!S_ISDIR(st.mode) && !S_ISREG(st.mode))) {
		if (ls->fn != NULL)
			store_tell(&store->head, NULL,
			    "%s is left out: not a mailbox", file);
	} else if (mbox_check_name(store, name->data, &why) == 0) {
		note(ls, name->data, &st);
		if (S_ISDIR(st.mode))
			r = list_below(ls, dirfd, file, name, depth, err);
		else if (store->dirname == NULL &&
		    !name_is_inbox(name->data))
			r = tell(ls, name->data, true, &store->root, dirfd,
			    file, err);
	}
	name->len = before;
	name->data[before] = '\0';
	name->failed = false;
	return r;
}

/* Files that are no mailboxes and nobody has to hear of. */
static bool
is_silent(const struct mbox_store *store, const char *file)
{
	return !path_name_valid(file) || mbox_is_hidden(store, file) ||
	    mbox_is_log(file);
}

static int
list_dir(struct listing *ls, int dirfd, struct strbuf *name,
    unsigned int depth, struct err *err)
{
	struct mbox_store *store = ls->store;
	struct dirent *de;
	DIR *dir = path_read_dir(&store->root, dirfd, NULL, err);
	int r = 0;

	if (dir == NULL)
		return -1;
	while (r == 0 && (de = readdir(dir)) != NULL) {
		if (is_silent(store, de->d_name) ||
		    strcmp(de->d_name, store->subscriptions) == 0 ||
		    (store->dirname != NULL &&
		    strcmp(de->d_name, store->dirname) == 0))
			continue;
		r = list_entry(ls, dirfd, de->d_name, name, depth, err);
	}
	closedir(dir);
	return r;
}

static int
list_all(struct listing *ls, struct err *err)
{
	struct mbox_store *store = ls->store;
	struct strbuf name;
	int r;

	r = tell(ls, "INBOX", true, &store->inbox, store->inbox.fd,
	    store->inbox_name, err);
	if (r == -1)
		return -1;
	strbuf_init(&name, NAME_MAX_BYTES);
	r = list_dir(ls, store->root.fd, &name, 1, err);
	strbuf_deinit(&name);
	return r;
}

int
mbox_list(struct store *head, store_list_fn *fn, void *arg, struct err *err)
{
	struct listing ls = { .store = (struct mbox_store *)head, .fn = fn,
	    .arg = arg, .digest = digest_new() };
	int r = list_all(&ls, err);

	digest_free(&ls.digest);
	return r;
}

static struct path_root *
subscriptions_root(struct mbox_store *store)
{
	return store->control.fd != -1 ? &store->control : &store->root;
}

/* Names and inodes of all mailboxes and directories, and the subscriptions. */
int
mbox_tree_token(struct store *head, struct store_token *token_r,
    struct err *err)
{
	struct mbox_store *store = (struct mbox_store *)head;
	struct listing ls = { .store = store, .digest = digest_new() };
	struct path_stat st;
	uint64_t words[4];
	int r = list_all(&ls, err);

	digest_free(&ls.digest);
	if (r == -1 || path_stat(subscriptions_root(store),
	    subscriptions_root(store)->fd, NULL, store->subscriptions, &st,
	    err) == -1)
		return -1;
	words[0] = st.ino;
	words[1] = st.size;
	words[2] = (uint64_t)st.mtime_ns;
	words[3] = (uint64_t)st.ctime_ns;
	*token_r = (struct store_token){ .len = sizeof(ls.sum) +
	    sizeof(words) };
	memcpy(token_r->data, ls.sum, sizeof(ls.sum));
	memcpy(token_r->data + sizeof(ls.sum), words, sizeof(words));
	/* Names are compared as they are; only the file has a time. */
	token_r->settled = !st.exists || st.ctime_ns <
	    ((int64_t)clock_now_ms() - (store->root.local ? 20 : 2000)) *
	    1000000;
	return 0;
}

static struct subscriptions_file
subscriptions_file(struct mbox_store *store)
{
	return (struct subscriptions_file){
		.root = subscriptions_root(store),
		.name = store->subscriptions, .hostname = store->hostname,
		.lock_timeout = store->lock_timeout, .utf8 = store->utf8,
		.separator = '/',
	};
}

static bool
fits(struct store *head, const char *name)
{
	struct err ignored = ERR_INIT;

	return mbox_check_name((struct mbox_store *)head, name,
	    &ignored) == 0;
}

int
mbox_subscriptions(struct store *head, store_name_fn *fn, void *arg,
    struct err *err)
{
	struct subscriptions_file file = subscriptions_file((struct mbox_store *)head);

	return subscriptions_list(&file, head, fits, fn, arg, err);
}

int
mbox_subscribe(struct store *head, const char *name, bool on,
    struct err *err)
{
	struct mbox_store *store = (struct mbox_store *)head;
	struct subscriptions_file file = subscriptions_file(store);

	if (mbox_writable(store, err) == -1 ||
	    mbox_check_name(store, name, err) == -1)
		return -1;
	return subscriptions_change(&file, name, on, err);
}
