/*
 * The new text is written beside the old one and made durable before it takes
 * the name.  Dovecot writes it into the lock file; that the lock goes only after
 * the exchange is all that others rely on, so ours may be two files.
 */
#include "config.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "model/attribute.h"
#include "model/mail_location.h"
#include "store/files/attribute_dict.h"
#include "store/files/attribute_lines.h"
#include "store/files/dotlock.h"
#include "store/files/path.h"
#include "store/store_settings.h"

#define LOCK_STALE	60U	/* seconds; of a dotlock */
#define LOCK_TRIES	100U	/* exchanges of the file */
#define WAIT_FIRST_MS	1U
#define WAIT_MAX_MS	50U

struct attribute_dict {
	struct path_root root;		/* the directory; fd -1: not open */
	char *dir, *name;
	char *hostname;
	unsigned int lock_timeout;	/* seconds */
	enum store_lock method;		/* DOTLOCK, FCNTL or FLOCK */
	bool readonly;
};

static int
parse_method(enum store_lock *method_r, const char *word, struct err *err)
{
	if (word == NULL || strcmp(word, "dotlock") == 0)
		*method_r = STORE_LOCK_DOTLOCK;
	else if (strcmp(word, "fcntl") == 0)
		*method_r = STORE_LOCK_FCNTL;
	else if (strcmp(word, "flock") == 0)
		*method_r = STORE_LOCK_FLOCK;
	else
		return err_set(err, ERR_CONFIG, ATTRIBUTES_LOCK_KEY
		    "=%.40s is not supported; fcntl, flock and dotlock are",
		    word);
	return 0;
}

int
attribute_dict_open(struct store *store, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	const char *path = mail_location_get(loc, ATTRIBUTES_KEY);
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;
	struct attribute_dict *dict;
	enum store_lock method;

	if (path == NULL)
		return 0;
	if (path[0] != '/' || !path_name_valid(slash + 1))
		return err_set(err, ERR_CONFIG, ATTRIBUTES_KEY "=%.100s is no "
		    "absolute path of a file", path);
	if (parse_method(&method, mail_location_get(loc,
	    ATTRIBUTES_LOCK_KEY), err) == -1)
		return -1;
	dict = mem_alloc(sizeof(*dict));
	dict->root.fd = -1;
	dict->method = method;
	dict->dir = slash == path ? mem_strdup("/") :
	    mem_strndup(path, (size_t)(slash - path));
	dict->name = mem_strdup(slash + 1);
	dict->hostname = mem_strdup(opts->hostname != NULL ?
	    opts->hostname : "localhost");
	dict->lock_timeout = store_settings_lock_timeout(opts);
	dict->readonly = opts->readonly;
	store->attributes = dict;
	return 0;
}

void
attribute_dict_close(struct store *store)
{
	struct attribute_dict *dict = store->attributes;

	if (dict == NULL)
		return;
	path_root_close(&dict->root);
	free(dict->dir);
	free(dict->name);
	free(dict->hostname);
	free(dict);
	store->attributes = NULL;
}

bool
attribute_dict_keeps(const struct store *store)
{
	return store->attributes != NULL;
}

static int
open_dir(struct attribute_dict *dict, struct store *store, bool create,
    struct err *err)
{
	if (dict->root.fd != -1)
		return 0;
	return path_root_open(&dict->root, store, dict->dir, dict->readonly,
	    create, err);
}

/* The whole file.  ERR_NOTFOUND: there is none. */
static int
load(struct attribute_dict *dict, struct strbuf *text,
    struct path_stat *st_r, struct err *err)
{
	struct path_root *root = &dict->root;
	/* Opening checks the owner and links. */
	int fd = path_open_file(root, root->fd, dict->name, st_r, err);

	if (fd == -1)
		return -1;
	close(fd);
	return io_read_file(root->fd, dict->name, text, err);
}

int
attribute_dict_list(struct store *store, store_attribute_fn *fn, void *arg,
    struct err *err)
{
	struct attribute_dict *dict = store->attributes;
	struct path_stat st;
	struct strbuf text;
	int ret = -1;

	strbuf_init(&text, ATTRIBUTE_FILE_MAX);
	if (open_dir(dict, store, false, err) == 0 &&
	    load(dict, &text, &st, err) == 0)
		ret = attribute_lines_walk(text.data, text.len, store, fn,
		    arg, err);
	strbuf_deinit(&text);
	return ret;
}

/* As Dovecot: as open as the file was, or else as its directory is. */
static int
set_access(struct attribute_dict *dict, int fd, const struct path_stat *old,
    struct err *err)
{
	struct err ignored = ERR_INIT;
	struct path_stat like = *old, new;

	if (!like.exists && path_fstat(dict->root.fd, &like, err) == -1)
		return -1;
	if (path_fstat(fd, &new, err) == -1)
		return -1;
	if (new.gid != like.gid && path_set_group(&dict->root, fd,
	    (gid_t)like.gid, &ignored) == -1)
		like.mode &= ~(mode_t)0070;
	return path_set_mode(&dict->root, fd, (mode_t)(like.mode & 0666),
	    err);
}

static int
replace(struct attribute_dict *dict, const char *tmp,
    const struct strbuf *text, const struct path_stat *old, struct err *err)
{
	struct path_root *root = &dict->root;
	struct err ignored = ERR_INIT;
	int fd, ret = -1;

	/* One that is there already was left by a process that is gone. */
	(void)path_unlink(root, root->fd, tmp, false, &ignored);
	if ((fd = path_create(root, root->fd, tmp, 0600, err)) == -1)
		return -1;
	if (set_access(dict, fd, old, err) == 0 &&
	    path_write(root, fd, text->data, text->len, err) == 0 &&
	    path_fsync(root, fd, err) == 0 &&
	    path_rename_over(root, root->fd, tmp, dict->name, err) == 0)
		ret = path_fsync(root, root->fd, err);
	else
		(void)path_unlink(root, root->fd, tmp, false, &ignored);
	close(fd);
	return ret;
}

/* Under the lock. */
static int
change(struct attribute_dict *dict, const char *tmp,
    struct store_attribute *list, size_t n, struct err *err)
{
	struct path_stat st = { .exists = false };
	struct err why = ERR_INIT;
	struct strbuf text, new;
	int ret = 0;

	strbuf_init(&text, ATTRIBUTE_FILE_MAX);
	strbuf_init(&new, ATTRIBUTE_FILE_MAX);
	if (load(dict, &text, &st, &why) == -1 && why.code != ERR_NOTFOUND) {
		*err = why;
		ret = -1;
	} else if (attribute_lines_change(text.data, text.len, list, n,
	    &new) == 1) {
		ret = new.failed ? err_set(err, ERR_REFUSED,
		    "all attributes together have more than %u bytes",
		    ATTRIBUTE_FILE_MAX) : replace(dict, tmp, &new, &st, err);
	}
	strbuf_deinit(&text);
	strbuf_deinit(&new);
	return ret;
}

static int
change_by_dotlock(struct attribute_dict *dict,
    struct store_attribute *list, size_t n, struct err *err)
{
	char lock_name[PATH_NAME_MAX + 1], tmp[PATH_NAME_MAX + 1];
	struct dotlock_wish wish = { .name = lock_name,
	    .hostname = dict->hostname, .stale = LOCK_STALE,
	    .timeout = dict->lock_timeout, .tmp_fd = dict->root.fd };
	struct dotlock lock;
	int ret;

	if (snprintf(lock_name, sizeof(lock_name), "%s.lock", dict->name) >=
	    (int)sizeof(lock_name))
		return err_set(err, ERR_CONFIG, "the name %s is too long",
		    dict->name);
	if (dotlock_take(&lock, &dict->root, dict->root.fd, &wish, err) == -1)
		return -1;
	unique_name(tmp, dict->hostname);
	ret = change(dict, tmp, list, n, err);
	dotlock_release(&lock);
	return ret;
}

/* As in mbox_lock.c: reading the file by its name keeps such a lock. */
static int
try_lock(const struct attribute_dict *dict, int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (dict->method == STORE_LOCK_FLOCK)
		return flock(fd, LOCK_EX | LOCK_NB);
#ifdef F_OFD_SETLK
	return fcntl(fd, F_OFD_SETLK, &fl);
#else
	return fcntl(fd, F_SETLK, &fl);
#endif
}

static int
lock_file(const struct attribute_dict *dict, int fd, struct err *err)
{
	uint64_t waited = 0, limit = dict->lock_timeout * 1000ULL;
	unsigned int pause = WAIT_FIRST_MS;

	while (try_lock(dict, fd) == -1) {
		struct timespec ts = { 0, (long)pause * 1000000 };

		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EACCES)
			return err_sys(err, "lock %s", dict->name);
		/* Waiting is counted, not measured: a clock may jump. */
		if (waited >= limit)
			return err_set(err, ERR_TEMP, "%s is locked by others",
			    dict->name);
		nanosleep(&ts, NULL);
		waited += pause;
		if (pause < WAIT_MAX_MS)
			pause *= 2;
	}
	return 0;
}

/* Open for a lock; one that is missing is made. */
static int
open_for_lock(struct attribute_dict *dict, struct err *err)
{
	struct path_stat none = { .exists = false };
	struct path_root *root = &dict->root;
	int fd = path_open_write(root, root->fd, dict->name, false, err);

	if (fd != -1 || err->errnum != ENOENT)
		return fd;
	*err = (struct err)ERR_INIT;
	fd = path_create(root, root->fd, dict->name, 0600, err);
	if (fd != -1 && set_access(dict, fd, &none, err) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The file that is locked may have been replaced while we waited. */
static int
change_by_file_lock(struct attribute_dict *dict,
    struct store_attribute *list, size_t n, struct err *err)
{
	char tmp[PATH_NAME_MAX + 1];
	struct path_stat now, held;
	int fd, ret;

	if (snprintf(tmp, sizeof(tmp), "%s.tmp", dict->name) >=
	    (int)sizeof(tmp))
		return err_set(err, ERR_CONFIG, "the name %s is too long",
		    dict->name);
	for (unsigned int i = 0; i < LOCK_TRIES; i++) {
		if ((fd = open_for_lock(dict, err)) == -1)
			return -1;
		if (lock_file(dict, fd, err) == -1 ||
		    path_fstat(fd, &held, err) == -1 ||
		    path_stat(&dict->root, dict->root.fd, NULL, dict->name,
		    &now, err) == -1) {
			close(fd);
			return -1;
		}
		if (now.exists && now.ino == held.ino &&
		    now.dev == held.dev) {
			ret = change(dict, tmp, list, n, err);
			close(fd);
			return ret;
		}
		close(fd);
	}
	return err_set(err, ERR_TEMP, "%s is replaced again and again",
	    dict->name);
}

static bool
check(struct store_attribute *a)
{
	if (!attribute_key_valid(a->key, strlen(a->key)) ||
	    attribute_is_internal(a->key))
		err_set(&a->failure, ERR_REFUSED,
		    "%.80s is no name of an attribute", a->key);
	else if (a->value != NULL && (a->len > ATTRIBUTE_VALUE_MAX ||
	    memchr(a->value, '\0', a->len) != NULL))
		err_set(&a->failure, ERR_REFUSED, "the attribute %.80s is too "
		    "long, or holds a NUL, which Dovecot's file can't keep",
		    a->key);
	else
		return true;
	return false;
}

int
attribute_dict_set(struct store *store, struct store_attribute *list,
    size_t n, struct err *err)
{
	struct attribute_dict *dict = store->attributes;

	if (dict->readonly)
		return err_set(err, ERR_PERM, "the store is read-only");
	for (size_t i = 0; i < n; i++) {
		list[i].failure = (struct err)ERR_INIT;
		list[i].failed = !check(&list[i]);
	}
	if (open_dir(dict, store, true, err) == -1)
		return -1;
	return dict->method == STORE_LOCK_DOTLOCK ?
	    change_by_dotlock(dict, list, n, err) :
	    change_by_file_lock(dict, list, n, err);
}
