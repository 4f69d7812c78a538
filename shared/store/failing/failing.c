#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/mail_location.h"
#include "store/failing/failing.h"

struct failing_store {
	struct store head;
	struct store *inner;
	struct failing_plan *plan;
	struct store_driver driver;	/* the inner name and capabilities */
};

struct failing_box {
	struct mailbox head;
	struct mailbox *inner;
};

struct mail_reader {
	struct failing_store *store;
	struct mail_reader *inner;
};

struct mail_writer {
	struct failing_store *store;
	struct mail_writer *inner;
};

static void *
xcalloc(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		abort();
	return p;
}

static struct failing_store *
outer(const struct store *store)
{
	return (struct failing_store *)(uintptr_t)store;
}

static struct mailbox *
inner_box(struct mailbox *box)
{
	return ((struct failing_box *)box)->inner;
}

/* Count one; the errno to fail with, -1 if gone, 0 to go on. */
static int
count(struct failing_plan *plan)
{
	if (plan->gone)
		return -1;
	plan->count++;
	if (plan->fail_at == 0 || plan->count != plan->fail_at)
		return 0;
	if (plan->errnum != 0)
		return plan->errnum;
	plan->gone = true;
	return -1;
}

static int
failing_step(void *arg)
{
	return count(arg);
}

static int
enter(struct failing_store *fs, struct err *err)
{
	int r = count(fs->plan);

	fs->inner->problem = fs->head.problem;
	fs->inner->problem_arg = fs->head.problem_arg;
	if (r == 0)
		return 0;
	if (r == -1)
		return err_set(err, ERR_TEMP, "the process is gone");
	errno = r;
	return err_sys(err, "a call made to fail");
}

/* What was made by failing_driver, by path. */
struct known {
	struct known *next;
	char *path;
	const struct store_driver *inner;
	struct failing_plan *plan;
	struct store_driver driver;
};

static struct known *all_known;

static struct known *
known_find(const char *path)
{
	for (struct known *k = all_known; k != NULL; k = k->next) {
		if (strcmp(k->path, path) == 0)
			return k;
	}
	return NULL;
}

static int
failing_open(struct store **store_r, const struct mail_location *loc,
    const struct store_options *opts, struct err *err)
{
	struct known *known = known_find(loc->path);

	if (known == NULL)
		return err_set(err, ERR_CONFIG,
		    "nothing is known of %s", loc->path);
	if (known->inner->open(store_r, loc, opts, err) == -1)
		return -1;
	failing_store_wrap(store_r, known->plan);
	return 0;
}

static void
failing_close(struct store **storep)
{
	struct failing_store *fs = outer(*storep);

	fs->inner->driver->close(&fs->inner);
	free(fs);
	*storep = NULL;
}

static int
failing_root_fd(const struct store *store)
{
	const struct store *inner = outer(store)->inner;

	return inner->driver->root_fd(inner);
}

static int
failing_list(struct store *store, store_list_fn *fn, void *arg,
    struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->list(fs->inner, fn, arg, err);
}

static int
failing_tree_token(struct store *store, struct store_token *token_r,
    struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->tree_token(fs->inner, token_r, err);
}

static int
failing_subscriptions(struct store *store, store_name_fn *fn, void *arg,
    struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->subscriptions(fs->inner, fn, arg, err);
}

static int
failing_subscribe(struct store *store, const char *name, bool on,
    struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->subscribe(fs->inner, name, on, err);
}

static bool
failing_keeps_attributes(const struct store *store)
{
	const struct store *inner = outer(store)->inner;

	return inner->driver->keeps_attributes(inner);
}

static int
failing_attributes(struct store *store, store_attribute_fn *fn, void *arg,
    struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->attributes(fs->inner, fn, arg, err);
}

static int
failing_set_attributes(struct store *store, struct store_attribute *list,
    size_t n, struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->set_attributes(fs->inner, list, n, err);
}

static int
failing_create(struct store *store, const char *name, bool selectable,
    const struct mailbox_status *status, struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->mailbox_create(fs->inner, name, selectable,
	    status, err);
}

static int
failing_create_all(struct store *store, struct store_creation *list,
    size_t n, struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->mailboxes_create(fs->inner, list, n, err);
}

static int
failing_subscribe_all(struct store *store, struct store_subscription *list,
    size_t n, struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->subscribe_all(fs->inner, list, n, err);
}

static int
failing_rename(struct store *store, const char *from, const char *to,
    struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->mailbox_rename(fs->inner, from, to, err);
}

static int
failing_remove(struct store *store, const char *name, struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->mailbox_remove(fs->inner, name, err);
}

static int
failing_map_name(struct store *store, const char *name, char *out,
    size_t size, struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->map_name(fs->inner, name, out, size, err);
}

static int
failing_box_open(struct store *store, const char *name,
    struct mailbox **box_r, struct err *err)
{
	struct failing_store *fs = outer(store);
	struct failing_box *box;
	struct mailbox *inner;

	if (enter(fs, err) == -1 || fs->inner->driver->mailbox_open(fs->inner,
	    name, &inner, err) == -1)
		return -1;
	box = xcalloc(sizeof(*box));
	box->head.store = store;
	box->inner = inner;
	*box_r = &box->head;
	return 0;
}

static void
failing_box_close(struct mailbox **boxp)
{
	struct failing_box *box = (struct failing_box *)*boxp;

	if (box == NULL)
		return;
	outer(box->head.store)->inner->driver->mailbox_close(&box->inner);
	free(box);
	*boxp = NULL;
}

static int
failing_status(struct mailbox *box, struct mailbox_status *status_r,
    struct err *err)
{
	struct failing_store *fs = outer(box->store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->status(inner_box(box), status_r, err);
}

static int
failing_token(struct mailbox *box, struct store_token *token_r,
    struct err *err)
{
	struct failing_store *fs = outer(box->store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->token(inner_box(box), token_r, err);
}

static int
failing_scan(struct mailbox *box, store_scan_fn *fn, void *arg,
    struct err *err)
{
	struct failing_store *fs = outer(box->store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->scan(inner_box(box), fn, arg, err);
}

static int
failing_reader_open(struct mailbox *box, uint32_t uid, const char *guid,
    struct mail_reader **reader_r, struct mail_info *info_r, struct err *err)
{
	struct failing_store *fs = outer(box->store);
	struct mail_reader *inner;

	if (enter(fs, err) == -1 || fs->inner->driver->reader_open(
	    inner_box(box), uid, guid, &inner, info_r, err) == -1)
		return -1;
	*reader_r = xcalloc(sizeof(**reader_r));
	(*reader_r)->store = fs;
	(*reader_r)->inner = inner;
	return 0;
}

static ptrdiff_t
failing_reader_read(struct mail_reader *reader, void *buf, size_t len,
    struct err *err)
{
	struct failing_store *fs = reader->store;

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->reader_read(reader->inner, buf, len, err);
}

static void
failing_reader_close(struct mail_reader **reader)
{
	if (*reader == NULL)
		return;
	(*reader)->store->inner->driver->reader_close(&(*reader)->inner);
	free(*reader);
	*reader = NULL;
}

static int
failing_append_begin(struct mailbox *box, const struct mail_info *info,
    struct mail_writer **writer_r, struct err *err)
{
	struct failing_store *fs = outer(box->store);
	struct mail_writer *inner;

	if (enter(fs, err) == -1 || fs->inner->driver->append_begin(
	    inner_box(box), info, &inner, err) == -1)
		return -1;
	*writer_r = xcalloc(sizeof(**writer_r));
	(*writer_r)->store = fs;
	(*writer_r)->inner = inner;
	return 0;
}

static int
failing_append_write(struct mail_writer *writer, const void *buf, size_t len,
    struct err *err)
{
	struct failing_store *fs = writer->store;

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->append_write(writer->inner, buf, len, err);
}

static void
failing_append_abort(struct mail_writer **writer)
{
	if (*writer == NULL)
		return;
	(*writer)->store->inner->driver->append_abort(&(*writer)->inner);
	free(*writer);
	*writer = NULL;
}

static int
failing_append_commit(struct mail_writer **writer, uint64_t tag,
    struct err *err)
{
	struct failing_store *fs = (*writer)->store;
	int ret = -1;

	if (enter(fs, err) == 0)
		ret = fs->inner->driver->append_commit(&(*writer)->inner,
		    tag, err);
	failing_append_abort(writer);
	return ret;
}

static int
failing_copy(struct mailbox *box, const struct mail_info *info,
    struct mailbox *src, uint32_t src_uid, const char *src_guid,
    uint64_t tag, struct err *err)
{
	struct failing_store *fs = outer(box->store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->copy(inner_box(box), info, inner_box(src),
	    src_uid, src_guid, tag, err);
}

static int
failing_set_flags(struct mailbox *box, const struct mail_info *was,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t modseq, uint64_t tag, struct err *err)
{
	struct failing_store *fs = outer(box->store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->set_flags(inner_box(box), was, flags,
	    keywords, keyword_count, modseq, tag, err);
}

static int
failing_set_uid(struct mailbox *box, uint32_t uid, const char *guid,
    uint32_t new_uid, uint64_t modseq, uint64_t tag, struct err *err)
{
	struct failing_store *fs = outer(box->store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->set_uid(inner_box(box), uid, guid, new_uid,
	    modseq, tag, err);
}

static int
failing_expunge(struct mailbox *box, uint32_t uid, const char *guid,
    uint64_t tag, struct err *err)
{
	struct failing_store *fs = outer(box->store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->expunge(inner_box(box), uid, guid, tag,
	    err);
}

static int
failing_set_status(struct mailbox *box, const struct mailbox_status *status,
    uint64_t tag, struct err *err)
{
	struct failing_store *fs = outer(box->store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->set_status(inner_box(box), status, tag,
	    err);
}

static int
failing_settle(struct store *store, struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->settle(fs->inner, err);
}

static int
failing_flush(struct store *store, store_done_fn *done, void *arg,
    struct err *err)
{
	struct failing_store *fs = outer(store);

	if (enter(fs, err) == -1)
		return -1;
	return fs->inner->driver->flush(fs->inner, done, arg, err);
}

static const struct store_driver failing_driver_table = {
	.open = failing_open,
	.close = failing_close,
	.root_fd = failing_root_fd,
	.list = failing_list,
	.tree_token = failing_tree_token,
	.subscriptions = failing_subscriptions,
	.subscribe = failing_subscribe,
	.keeps_attributes = failing_keeps_attributes,
	.attributes = failing_attributes,
	.set_attributes = failing_set_attributes,
	.mailbox_create = failing_create,
	.mailboxes_create = failing_create_all,
	.subscribe_all = failing_subscribe_all,
	.mailbox_rename = failing_rename,
	.mailbox_remove = failing_remove,
	.map_name = failing_map_name,
	.mailbox_open = failing_box_open,
	.mailbox_close = failing_box_close,
	.settle = failing_settle,
	.status = failing_status,
	.token = failing_token,
	.scan = failing_scan,
	.reader_open = failing_reader_open,
	.reader_read = failing_reader_read,
	.reader_close = failing_reader_close,
	.append_begin = failing_append_begin,
	.append_write = failing_append_write,
	.append_commit = failing_append_commit,
	.append_abort = failing_append_abort,
	.copy = failing_copy,
	.set_flags = failing_set_flags,
	.set_uid = failing_set_uid,
	.expunge = failing_expunge,
	.set_status = failing_set_status,
	.flush = failing_flush,
};

/* What the inner one is, and can do. */
static void
take_after(struct store_driver *driver, const struct store_driver *inner)
{
	*driver = failing_driver_table;
	driver->name = inner->name;
	driver->caps = inner->caps;
	if (inner->mailboxes_create == NULL)
		driver->mailboxes_create = NULL;
	if (inner->subscribe_all == NULL)
		driver->subscribe_all = NULL;
	if (inner->settle == NULL)
		driver->settle = NULL;
}

void
failing_store_wrap(struct store **store, struct failing_plan *plan)
{
	struct failing_store *fs = xcalloc(sizeof(*fs));

	fs->inner = *store;
	fs->plan = plan;
	take_after(&fs->driver, fs->inner->driver);
	fs->head.driver = &fs->driver;
	fs->head.problem = fs->inner->problem;
	fs->head.problem_arg = fs->inner->problem_arg;
	fs->inner->step = failing_step;
	fs->inner->step_arg = plan;
	*store = &fs->head;
}

const struct store_driver *
failing_driver(const struct store_driver *inner, const char *path,
    struct failing_plan *plan)
{
	struct known *known = known_find(path);

	if (known == NULL) {
		known = xcalloc(sizeof(*known));
		if ((known->path = strdup(path)) == NULL)
			abort();
		known->next = all_known;
		all_known = known;
	}
	known->inner = inner;
	known->plan = plan;
	take_after(&known->driver, inner);
	return &known->driver;
}

void
failing_driver_forget(const char *path)
{
	struct known *known;

	for (struct known **p = &all_known; *p != NULL; p = &(*p)->next) {
		if (strcmp((*p)->path, path) == 0) {
			known = *p;
			*p = known->next;
			free(known->path);
			free(known);
			return;
		}
	}
}
