#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/mail_location.h"
#include "tests/contract/fixture.h"
#include "tests/support/tempdir.h"

/* A driver, and what follows the path in its location; "~" is beside it. */
static const struct {
	const char *name, *keys;
} variants[DRIVERS] = {
	{ "memory", "" },
	{ "maildir", "" },
	{ "mbox", ":DIRNAME=mbox" },	/* else none is below another */
	{ "sdbox", "" },
	{ "mdbox", "" },
	{ "maildir", ":LAYOUT=fs" },
	{ "maildir", ":LAYOUT=fs:DIRNAME=box:UTF-8" },
	{ "maildir", ":CONTROL=~/control:INDEX=~/index:INBOX=~/inbox" },
	{ "maildir", ":LAYOUT=fs:CONTROL=~/control:INDEX=MEMORY" },
	{ "maildir", ":LAYOUT=index" },
	{ "mdbox", ":INDEX=~/index:CONTROL=~/control:DIRNAME=box:UTF-8" },
	{ "sdbox", ":INDEX=~/index:FULLDIRNAME=box:MAILBOXDIR=boxes" },
	{ "sdbox", ":LAYOUT=index" },
	{ "mdbox", ":LAYOUT=index:INDEX=~/index:CONTROL=~/control:UTF-8" },
	{ "mbox", ":DIRNAME=mbox:CONTROL=~/control:INDEX=~/index"
	    ":INBOX=~/inbox" },
};

void
fixture_init(struct fixture *fx, int driver)
{
	*fx = (struct fixture){ .variant = driver,
	    .driver = store_driver_find(variants[driver].name) };
	ck_assert_ptr_nonnull(fx->driver);
	if (driver == 0) {
		snprintf(fx->path, sizeof(fx->path), "/contract");
		fx->world = memory_world_new(fx->path);
	} else {
		snprintf(fx->path, sizeof(fx->path), "%s/mail",
		    tempdir_make());
	}
}

void
fixture_deinit(struct fixture *fx)
{
	fixture_close(fx);
	if (fx->world != NULL)
		memory_world_free(&fx->world);
	else
		tempdir_remove();
	clock_set(0);
}

void
fixture_begin(struct fixture *fx, int driver)
{
	fixture_init(fx, driver);
	fixture_open(fx);
}

static void
on_problem(const char *what, const struct err *why, void *arg)
{
	struct fixture *fx = arg;

	(void)what;
	(void)why;
	fx->problems++;
}

static void
find_location(const struct fixture *fx, struct mail_location *loc)
{
	char text[2 * sizeof(fx->path)], home[sizeof(fx->path)];
	struct err err = ERR_INIT;

	snprintf(text, sizeof(text), "%s:%s%s", fx->driver->name, fx->path,
	    variants[fx->variant].keys);
	snprintf(home, sizeof(home), "%s", fx->path);
	*strrchr(home, '/') = '\0';
	ck_assert_msg(mail_location_parse(loc, text, home[0] == '\0' ? "/" :
	    home, NULL, &err) == 0, "%s", err.msg);
	if (fx->variant != 0)
		ck_assert_int_eq(mail_location_set(loc, "ATTRIBUTES",
		    "~/attributes", home, &err), 0);
}

enum err_code
fixture_try_open(struct fixture *fx)
{
	struct mail_location loc;
	struct store_options opts = { .readonly = fx->readonly,
	    .create = true, .alt_char = '_', .hostname = "test.example",
	    .lock_timeout = 0 };
	struct err err = ERR_INIT;
	int r;

	find_location(fx, &loc);
	r = store_open(&fx->store, &loc, &opts, &err);
	mail_location_deinit(&loc);
	if (r == -1)
		return err.code;
	fx->driver = fx->store->driver;
	fx->store->problem = on_problem;
	fx->store->problem_arg = fx;
	if (fx->plan != NULL)
		failing_store_wrap(&fx->store, fx->plan);
	if (fx->store->driver->mailbox_open(fx->store, "INBOX", &fx->box,
	    &err) == -1)
		return err.code;
	return ERR_NONE;
}

void
fixture_open(struct fixture *fx)
{
	ck_assert_int_eq(fixture_try_open(fx), ERR_NONE);
}

void
fixture_close(struct fixture *fx)
{
	if (fx->store == NULL)
		return;
	if (fx->box != NULL)
		fx->store->driver->mailbox_close(&fx->box);
	store_close(&fx->store);
}

void
fixture_reopen(struct fixture *fx)
{
	fixture_close(fx);
	fixture_open(fx);
}

void
fixture_other(struct fixture *other, const struct fixture *fx)
{
	*other = (struct fixture){ .driver = fx->driver,
	    .variant = fx->variant };
	memcpy(other->path, fx->path, sizeof(other->path));
	fixture_open(other);
}

struct mailbox *
fixture_box(struct fixture *fx, const char *name)
{
	struct err err = ERR_INIT;
	struct mailbox *box;

	ck_assert_msg(fx->store->driver->mailbox_open(fx->store, name, &box,
	    &err) == 0, "%s", err.msg);
	return box;
}

void
fixture_create(struct fixture *fx, const char *name)
{
	struct mailbox_status status = { .uidnext = 0 };
	struct err err = ERR_INIT;

	ck_assert_msg(fx->store->driver->mailbox_create(fx->store, name,
	    true, &status, &err) == 0, "%s", err.msg);
}

struct name_search {
	const char *name;
	unsigned int found, selectable;
};

static int
match_name(const struct store_listing *listing, void *arg, struct err *err)
{
	struct name_search *search = arg;

	(void)err;
	if (strcmp(listing->name, search->name) == 0) {
		search->found++;
		search->selectable += listing->selectable;
	}
	return 0;
}

static struct name_search
search_name(struct fixture *fx, const char *name)
{
	struct name_search search = { .name = name };
	struct err err = ERR_INIT;

	ck_assert_int_eq(fx->store->driver->list(fx->store, match_name,
	    &search, &err), 0);
	ck_assert_uint_le(search.found, 1);
	return search;
}

bool
fixture_has(struct fixture *fx, const char *name)
{
	return search_name(fx, name).found == 1;
}

bool
fixture_has_mailbox(struct fixture *fx, const char *name)
{
	return search_name(fx, name).selectable == 1;
}

enum err_code
fixture_try_append(struct fixture *fx, struct mailbox *box,
    const struct mail_info *info, const char *body, uint64_t tag)
{
	const struct store_driver *d = fx->store->driver;
	struct mail_writer *writer;
	struct err err = ERR_INIT;

	if (d->append_begin(box, info, &writer, &err) == -1)
		return err.code;
	if (d->append_write(writer, body, strlen(body), &err) == -1) {
		d->append_abort(&writer);
		return err.code;
	}
	if (d->append_commit(&writer, tag, &err) == -1)
		return err.code;
	return ERR_NONE;
}

void
fixture_prepare(struct fixture *fx, struct mailbox *box, uint32_t uid,
    const char *guid, const char *body, uint64_t tag)
{
	struct mail_info info = { .uid = uid, .guid = guid,
	    .received = RECEIVED };

	ck_assert_int_eq(fixture_try_append(fx, box, &info, body, tag),
	    ERR_NONE);
}

static void
on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	struct fixture *fx = arg;

	ck_assert_uint_lt(tag, ANSWERS_MAX);
	fx->answers[tag].times++;
	fx->answers[tag].uid = uid;
	fx->answers[tag].modseq = modseq;
	fx->answers[tag].code = failure == NULL ? ERR_NONE : failure->code;
}

enum err_code
fixture_try_flush(struct fixture *fx)
{
	struct err err = ERR_INIT;

	memset(fx->answers, 0, sizeof(fx->answers));
	if (fx->store->driver->flush(fx->store, on_done, fx, &err) == -1)
		return err.code;
	return ERR_NONE;
}

void
fixture_flush(struct fixture *fx)
{
	ck_assert_int_eq(fixture_try_flush(fx), ERR_NONE);
}

uint32_t
fixture_append(struct fixture *fx, const char *guid, const char *body)
{
	fixture_prepare(fx, fx->box, 0, guid, body, 1);
	fixture_flush(fx);
	return fixture_done(fx, 1);
}

void
fixture_set_flags(struct fixture *fx, struct mailbox *box, uint32_t uid,
    const char *guid, flags_t was, flags_t flags, uint64_t tag)
{
	struct mail_info info = { .uid = uid, .guid = guid, .flags = was };
	struct err err = ERR_INIT;

	ck_assert_int_eq(fx->store->driver->set_flags(box, &info, flags,
	    NULL, 0, 0, tag, &err), 0);
}

void
fixture_expunge(struct fixture *fx, struct mailbox *box, uint32_t uid,
    const char *guid, uint64_t tag)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(fx->store->driver->expunge(box, uid, guid, tag,
	    &err), 0);
}

static int
on_scan(const struct mail_info *info, void *arg, struct err *err)
{
	struct seen_list *list = arg;
	struct seen *seen = ARRAY_ADD(&list->v);
	size_t used = 0;

	(void)err;
	seen->uid = info->uid;
	snprintf(seen->guid, sizeof(seen->guid), "%s", info->guid);
	seen->flags = info->flags;
	seen->size = info->size;
	for (size_t i = 0; i < info->keyword_count; i++) {
		if (i > 0)
			ck_assert_int_lt(keyword_cmp(info->keywords[i - 1],
			    info->keywords[i]), 0);
		used += (size_t)snprintf(seen->keywords + used,
		    sizeof(seen->keywords) - used, "%s%s", i > 0 ? " " : "",
		    info->keywords[i]);
	}
	return 0;
}

struct seen_list
fixture_scan(struct fixture *fx, struct mailbox *box)
{
	struct seen_list list = { .v = { 0 } };
	struct err err = ERR_INIT;

	ck_assert_msg(fx->store->driver->scan(box, on_scan, &list,
	    &err) == 0, "%s", err.msg);
	for (size_t i = 1; i < list.v.n; i++)
		ck_assert(list.v.v[i].uid == 0 ||
		    list.v.v[i - 1].uid < list.v.v[i].uid);
	return list;
}

void
seen_free(struct seen_list *list)
{
	ARRAY_FREE(&list->v);
}

const struct seen *
seen_guid(const struct seen_list *list, const char *guid)
{
	for (size_t i = 0; i < list->v.n; i++) {
		if (strcmp(list->v.v[i].guid, guid) == 0)
			return &list->v.v[i];
	}
	return NULL;
}

size_t
seen_count(const struct seen_list *list, const char *guid)
{
	size_t n = 0;

	for (size_t i = 0; i < list->v.n; i++)
		n += strcmp(list->v.v[i].guid, guid) == 0;
	return n;
}

char *
fixture_read(struct fixture *fx, struct mailbox *box, uint32_t uid,
    const char *guid, struct mail_info *info_r)
{
	const struct store_driver *d = fx->store->driver;
	struct mail_reader *reader;
	struct mail_info info;
	struct err err = ERR_INIT;
	struct strbuf body;
	char buf[1000], *text;
	ptrdiff_t n;

	if (d->reader_open(box, uid, guid, &reader, &info, &err) == -1) {
		ck_assert_int_eq(err.code, ERR_NOTFOUND);
		return NULL;
	}
	strbuf_init(&body, (size_t)1 << 30);
	while ((n = d->reader_read(reader, buf, sizeof(buf), &err)) > 0)
		strbuf_add(&body, buf, (size_t)n);
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(body.len, info.size);
	ck_assert_str_eq(info.guid, guid);
	if (info_r != NULL) {
		*info_r = info;
		info_r->guid = NULL;
		info_r->keywords = NULL;
	}
	text = mem_strdup(body.data);
	strbuf_deinit(&body);
	d->reader_close(&reader);
	return text;
}

void
fixture_expect_body(struct fixture *fx, struct mailbox *box, uint32_t uid,
    const char *guid, const char *body)
{
	char *text = fixture_read(fx, box, uid, guid, NULL);

	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text, body);
	free(text);
}

struct mailbox_status
fixture_status(struct fixture *fx, struct mailbox *box)
{
	struct mailbox_status status;
	struct err err = ERR_INIT;

	ck_assert_int_eq(fx->store->driver->status(box, &status, &err), 0);
	return status;
}

uint32_t
fixture_done(const struct fixture *fx, uint64_t tag)
{
	ck_assert_uint_eq(fx->answers[tag].times, 1);
	ck_assert_int_eq(fx->answers[tag].code, ERR_NONE);
	return fx->answers[tag].uid;
}

void
fixture_failed(const struct fixture *fx, uint64_t tag, enum err_code code)
{
	ck_assert_uint_eq(fx->answers[tag].times, 1);
	ck_assert_int_eq(fx->answers[tag].code, code);
}
