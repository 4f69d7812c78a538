/*
 * Names and paths.  A mailbox "A/B" is the file B in the directory A; each part
 * is one file name in modified UTF-7.  Names that begin with '.' or end with
 * ".lock" are other files.  With DIRNAME=x it is the file x in A/B, so only
 * then a mailbox can have others below it, and any such name.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "model/mailbox_name.h"
#include "store/mbox/mbox.h"

#define LOCK_SUFFIX	".lock"
#define LOG_PREFIX	"dsync-changelog.db"

bool
mbox_is_log(const char *file)
{
	return strncmp(file, LOG_PREFIX, strlen(LOG_PREFIX)) == 0;
}

bool
mbox_is_hidden(const struct mbox_store *store, const char *file)
{
	size_t len = strlen(file), suffix = strlen(LOCK_SUFFIX);

	if (store->dirname != NULL)
		return strcmp(file, INDEX_DIR) == 0;
	return file[0] == '.' ||
	    (len >= suffix && strcmp(file + len - suffix, LOCK_SUFFIX) == 0);
}

static bool
file_ok(const struct mbox_store *store, const char *file)
{
	return path_name_valid(file) && file[0] != '~' &&
	    !mbox_is_hidden(store, file) && !mbox_is_log(file) &&
	    (store->dirname == NULL || strcmp(file, store->dirname) != 0) &&
	    strcmp(file, store->subscriptions) != 0;
}

int
mbox_part_encode(const struct mbox_store *store, const char *part,
    size_t len, char out[static PATH_NAME_MAX + 1], struct err *err)
{
	struct strbuf text;
	int ret = -1;

	strbuf_init(&text, 16U * NAME_MAX_BYTES);
	if (store->utf8)
		strbuf_add(&text, part, len);
	else
		mutf7_encode(&text, part, len);
	if (text.failed || text.len > PATH_NAME_MAX - strlen(LOCK_SUFFIX) ||
	    !file_ok(store, text.data)) {
		err_set(err, ERR_REFUSED,
		    "an mbox store can't hold this mailbox name");
	} else {
		memcpy(out, text.data, text.len + 1);
		ret = 0;
	}
	strbuf_deinit(&text);
	return ret;
}

int
mbox_part_decode(const struct mbox_store *store, const char *file,
    struct strbuf *out)
{
	if (!file_ok(store, file))
		return -1;
	if (store->utf8)
		strbuf_adds(out, file);
	else if (mutf7_decode(out, file, strlen(file)) == -1)
		return -1;
	return out->failed ? -1 : 0;
}

/* The first part may not be INBOX in other letters, nor INBOX's file. */
static bool
first_ok(const struct mbox_store *store, const char *name, size_t len)
{
	bool whole = name[len] == '\0';

	if (len == 5 && strncasecmp(name, "INBOX", 5) == 0 &&
	    strncmp(name, "INBOX", 5) != 0)
		return false;
	return !(whole && store->inbox_in_root &&
	    strlen(store->inbox_name) == len &&
	    strncmp(store->inbox_name, name, len) == 0);
}

int
mbox_check_name(const struct mbox_store *store, const char *name,
    struct err *err)
{
	char file[PATH_NAME_MAX + 1];
	const char *p = name;
	size_t len;

	if (!name_valid(name, strlen(name)))
		return err_set(err, ERR_REFUSED, "not a mailbox name");
	if (name_is_inbox(name))
		return 0;
	if (!first_ok(store, name, strcspn(name, "\x1f")))
		return err_set(err, ERR_REFUSED,
		    "an mbox store can't hold this mailbox name");
	for (;;) {
		len = strcspn(p, "\x1f");
		if (mbox_part_encode(store, p, len, file, err) == -1)
			return -1;
		if (p[len] == '\0')
			return 0;
		p += len + 1;
	}
}

struct path_root *
mbox_index_root(struct mbox_store *store)
{
	return store->index.fd != -1 ? &store->index : &store->root;
}

struct path_root *
mbox_uidvalidity_root(struct mbox_store *store)
{
	return store->control.fd != -1 ? &store->control : &store->imap;
}

/* As path_open_dir; with create it is made if it is missing. */
static int
enter(struct path_root *root, int dirfd, const char *name, bool create,
    struct err *err)
{
	struct err why = ERR_INIT;
	int fd = path_open_dir(root, dirfd, name, &why);

	if (fd == -1 && why.code == ERR_NOTFOUND && create &&
	    (path_mkdir(root, dirfd, name, 0700, &why) == 0 ||
	    why.errnum == EEXIST)) {
		why = (struct err)ERR_INIT;
		fd = path_open_dir(root, dirfd, name, &why);
		if (fd != -1 && path_fsync(root, dirfd, &why) == -1) {
			close(fd);
			fd = -1;
		}
	}
	if (fd == -1)
		*err = why;
	return fd;
}

/* Down from the root through the first depth parts of name. */
static int
walk(struct mbox_store *store, struct path_root *root, const char *name,
    size_t depth, bool create, struct err *err)
{
	char file[PATH_NAME_MAX + 1];
	int fd = fcntl(root->fd, F_DUPFD_CLOEXEC, 3), next;
	size_t len;

	if (fd == -1)
		return err_sys(err, "open the root");
	for (; depth > 0; depth--) {
		struct path_stat st;

		len = strcspn(name, "\x1f");
		if (mbox_part_encode(store, name, len, file, err) == -1 ||
		    path_stat(root, fd, NULL, file, &st, err) == -1)
			goto failed;
		if (st.exists && S_ISREG(st.mode)) {
			if (create)
				err_set(err, ERR_REFUSED, "%s is a mailbox, "
				    "and an mbox has no mailboxes below it",
				    file);
			else
				err_set(err, ERR_NOTFOUND, "no such mailbox");
			goto failed;
		}
		if ((next = enter(root, fd, file, create, err)) == -1)
			goto failed;
		close(fd);
		fd = next;
		name += len + (name[len] != '\0');
	}
	return fd;
failed:
	close(fd);
	return -1;
}

static size_t
depth_of(const char *name)
{
	size_t depth = 1;

	for (; (name = strchr(name, NAME_SEP)) != NULL; name++)
		depth++;
	return depth;
}

int
mbox_place_open(struct mbox_store *store, const char *name, bool create,
    struct mbox_place *place_r, struct err *err)
{
	const char *last = name_last(name);
	size_t depth = depth_of(name);

	*place_r = (struct mbox_place){ .root = &store->root, .dirfd = -1 };
	if (name_is_inbox(name)) {
		place_r->root = &store->inbox;
		memcpy(place_r->file, store->inbox_name,
		    sizeof(place_r->file));
		place_r->dirfd = fcntl(store->inbox.fd, F_DUPFD_CLOEXEC, 3);
		return place_r->dirfd == -1 ?
		    err_sys(err, "open the directory of INBOX") : 0;
	}
	if (mbox_check_name(store, name, err) == -1)
		return -1;
	if (store->dirname != NULL)
		snprintf(place_r->file, sizeof(place_r->file), "%s",
		    store->dirname);
	else if (mbox_part_encode(store, last, strlen(last), place_r->file,
	    err) == -1)
		return -1;
	place_r->dirfd = walk(store, &store->root, name,
	    store->dirname != NULL ? depth : depth - 1, create, err);
	return place_r->dirfd == -1 ? -1 : 0;
}

int
mbox_directory_open(struct mbox_store *store, const char *name, bool create,
    struct err *err)
{
	if (mbox_check_name(store, name, err) == -1)
		return -1;
	return walk(store, &store->root, name, depth_of(name), create, err);
}

int
mbox_parent_open(struct mbox_store *store, const char *name, bool create,
    char out[static PATH_NAME_MAX + 1], struct err *err)
{
	const char *last = name_last(name);

	if (mbox_check_name(store, name, err) == -1 || mbox_part_encode(store,
	    last, strlen(last), out, err) == -1)
		return -1;
	return walk(store, &store->root, name, depth_of(name) - 1, create,
	    err);
}

int
mbox_state_parent(struct mbox_store *store, const char *name, bool create,
    char out[static PATH_NAME_MAX + 1], struct err *err)
{
	struct path_root *root = mbox_index_root(store);
	const char *last = name_last(name);
	int fd, imap;

	if (name_is_inbox(name)) {
		snprintf(out, PATH_NAME_MAX + 1, "INBOX");
		fd = fcntl(root->fd, F_DUPFD_CLOEXEC, 3);
		if (fd == -1)
			return err_sys(err, "open the root");
	} else {
		if (mbox_check_name(store, name, err) == -1 ||
		    mbox_part_encode(store, last, strlen(last), out,
		    err) == -1)
			return -1;
		fd = walk(store, root, name, depth_of(name) - 1, create,
		    err);
	}
	/* Dovecot's indexes, too, lie without it then. */
	if (fd == -1 || (store->dirname != NULL && store->index.fd != -1))
		return fd;
	imap = enter(root, fd, INDEX_DIR, create, err);
	close(fd);
	return imap;
}

int
mbox_state_open(struct mbox_store *store, const char *name, bool create,
    struct err *err)
{
	char file[PATH_NAME_MAX + 1];
	int parent = mbox_state_parent(store, name, create, file, err), fd;

	if (parent == -1)
		return -1;
	fd = enter(mbox_index_root(store), parent, file, create, err);
	close(parent);
	return fd;
}

/* Is there a mailbox's file where this name needs a directory? */
static bool
is_file(struct mbox_store *store, const char *name)
{
	char file[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct path_stat st;
	bool found;
	int fd = mbox_parent_open(store, name, false, file, &ignored);

	if (fd == -1)
		return false;
	found = path_stat(&store->root, fd, NULL, file, &st,
	    &ignored) == 0 && st.exists && S_ISREG(st.mode);
	close(fd);
	return found;
}

/* Bytes that no part may have become alt_char. */
static void
map_parts(struct mbox_store *store, char *name)
{
	char file[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	char *p = name;
	size_t len;

	for (p = name; (p = strchr(p, '/')) != NULL;)
		*p++ = store->alt_char;
	for (p = name;; p += len + 1) {
		len = strcspn(p, "\x1f");
		if ((p[0] == '.' && store->dirname == NULL) ||
		    p[0] == '~' || (p == name &&
		    !first_ok(store, p, len)))
			p[0] = store->alt_char;
		else if (mbox_part_encode(store, p, len, file,
		    &ignored) == -1)
			p[len - 1] = store->alt_char;
		if (p[len] == '\0')
			return;
	}
}

int
mbox_map_name(struct store *head, const char *name, char *out, size_t size,
    struct err *err)
{
	struct mbox_store *store = (struct mbox_store *)head;
	size_t len = strlen(name);
	char *p;

	if (!name_valid(name, len) || len >= size)
		return err_set(err, ERR_REFUSED, "not a mailbox name");
	memcpy(out, name, len + 1);
	if (name_is_inbox(name))
		return 0;
	map_parts(store, out);
	/* A mailbox's file has nothing below it: "A/B" becomes "A_B". */
	for (p = strchr(out, NAME_SEP); p != NULL && store->dirname == NULL;
	    p = strchr(p + 1, NAME_SEP)) {
		*p = '\0';
		*p = is_file(store, out) ? store->alt_char : NAME_SEP;
	}
	return mbox_check_name(store, out, err);
}
