/*
 * A change that was cut off in the middle, and then somebody else has written
 * to the mbox: what is there now is neither the old file nor the new one, and
 * messages that had been overwritten are in the journal alone.  Those of the
 * tail that are nowhere in the mbox are added at its end, as new ones with the
 * GUIDs that they had.  A message that somebody removed in between comes back
 * then, which is better than to lose one.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/mbox/journal_table.h"

struct found {
	uint64_t start, end;		/* of the message in the copy */
	uint32_t uid;
	int64_t received;
	uint8_t status;
	uint8_t digest[GUID_SIZE];
	char *keywords;			/* joined by blanks */
};

struct salvage {
	struct mbox_box *box;
	struct spool *copy;		/* of the tail */
	ARRAY(struct found) tail;
	uint8_t (*there)[GUID_SIZE];	/* digests of the mbox, sorted */
	size_t there_count;
	size_t added;
};

static int
on_mail(const struct parse_mail *m, void *arg, struct err *err)
{
	struct salvage *sv = arg;
	struct found *found;

	if (m->pseudo)
		return 0;
	if (sv->tail.n >= STORE_MESSAGES_MAX)
		return err_set(err, ERR_REFUSED, "more than %u messages",
		    STORE_MESSAGES_MAX);
	found = ARRAY_ADD(&sv->tail);
	*found = (struct found){ .start = m->start, .end = m->end,
	    .uid = m->has_uid ? m->uid : 0, .received = m->received,
	    .status = m->status,
	    .keywords = mem_strndup(m->keywords_len == 0 ? "" :
	    m->keywords, m->keywords_len) };
	memcpy(found->digest, m->digest, GUID_SIZE);
	return 0;
}

static int
read_tail(struct salvage *sv, int fd, const struct journal *table,
    struct err *err)
{
	struct path_root *root = mbox_index_root(sv->box->store);

	for (size_t i = 0; i < table->data.n; i++) {
		if (journal_copy_in(root, sv->copy, fd,
		    table->data.v[i].offset, table->data.v[i].len,
		    err) == -1)
			return -1;
	}
	return parse_mbox(sv->copy->fd, sv->copy->size, on_mail, sv, err);
}

static int
digest_cmp(const void *a, const void *b)
{
	return memcmp(a, b, GUID_SIZE);
}

static void
list_there(struct salvage *sv)
{
	struct mbox_box *box = sv->box;

	sv->there_count = box->mails.n;
	sv->there = mem_calloc(box->mails.n + 1, sizeof(*sv->there));
	for (size_t i = 0; i < box->mails.n; i++)
		memcpy(sv->there[i], box->mails.v[i].digest, GUID_SIZE);
	qsort(sv->there, sv->there_count, sizeof(*sv->there), digest_cmp);
}

static bool
is_there(const struct salvage *sv, const struct found *found)
{
	return bsearch(found->digest, sv->there, sv->there_count,
	    sizeof(*sv->there), digest_cmp) != NULL;
}

/* As the driver is told of a new message. */
static void
describe(struct salvage *sv, const struct found *found,
    struct mail_info *info, const char **keywords,
    char guid[static GUID_HEX_SIZE])
{
	struct mbox_box *box = sv->box;
	const struct state_mail *known = NULL;
	char *save = NULL;

	*info = (struct mail_info){ .guid = guid,
	    .flags = found->status & FLAGS_ALL, .keywords = keywords,
	    .received = found->received };
	hex_format(guid, found->digest, GUID_SIZE);
	if (found->uid != 0 && state_fits(&box->state,
	    box->base.uidvalidity))
		known = state_find(&box->state, found->uid, found->digest);
	if (known != NULL) {
		info->guid = known->text;
		info->pop3_uidl = state_uidl(known);
		info->pop3_order = known->pop3_order;
	}
	for (char *word = strtok_r(found->keywords, " \t", &save);
	    word != NULL && info->keyword_count < KEYWORDS_MAX;
	    word = strtok_r(NULL, " \t", &save)) {
		if (keyword_valid(word, strlen(word)))
			keywords[info->keyword_count++] = word;
	}
}

static int
add_message(struct salvage *sv, const struct found *found, struct err *err)
{
	const char *keywords[KEYWORDS_MAX];
	char guid[GUID_HEX_SIZE], *buf;
	uint64_t at = found->start;
	struct mail_writer *writer;
	struct mail_info info;
	int ret = 0;

	describe(sv, found, &info, keywords, guid);
	if (mbox_append_begin(&sv->box->head, &info, &writer, err) == -1)
		return -1;
	buf = mem_alloc(COPY_SIZE);
	while (at < found->end && ret == 0) {
		size_t n = found->end - at < COPY_SIZE ?
		    (size_t)(found->end - at) : COPY_SIZE;

		ret = journal_pread(sv->copy->fd, buf, n, at, err);
		if (ret == 0)
			ret = mbox_append_write(writer, buf, n, err);
		at += n;
	}
	free(buf);
	if (ret == -1) {
		mbox_append_abort(&writer);
		return -1;
	}
	sv->added++;
	return mbox_append_commit(&writer, 0, err);
}

/* The new messages take the place of the journal in one step. */
static int
write_added(struct salvage *sv, struct err *err)
{
	struct mbox_box *box = sv->box;
	struct mbox_plan plan;
	uint32_t next = mbox_free_uid(box);
	bool unknown;
	int ret = 0;

	if (next > UID_LAST || UID_LAST - next < box->ops.n)
		return err_set(err, ERR_REFUSED, "%s: no UIDs are left",
		    box->file);
	mbox_plan_init(box, &plan);
	for (size_t i = 0; i < box->ops.n; i++) {
		box->ops.v[i].uid = next++;
		mbox_plan_append(box, &plan, &box->ops.v[i]);
	}
	plan.last_uid = next - 1;
	if (!state_fits(&box->state, box->base.uidvalidity))
		state_drop_fresh(&box->state);
	if (box->state.fresh.n > 0)
		ret = state_append(&box->state,
		    mbox_index_root(box->store), box->state_fd, err);
	if (ret == 0)
		ret = mbox_write(box, &plan, &unknown, err);
	mbox_plan_deinit(&plan);
	return ret;
}

static int
add_missing(struct salvage *sv, int fd, const struct journal *table,
    struct err *err)
{
	struct mbox_box *box = sv->box;

	if (state_load(&box->state, mbox_index_root(box->store),
	    box->state_fd, err) == -1 ||
	    read_tail(sv, fd, table, err) == -1)
		return -1;
	list_there(sv);
	for (size_t i = 0; i < sv->tail.n; i++) {
		if (!is_there(sv, &sv->tail.v[i]) &&
		    add_message(sv, &sv->tail.v[i], err) == -1)
			return -1;
	}
	return sv->added == 0 ? journal_remove(box, err) :
	    write_added(sv, err);
}

int
journal_salvage(struct mbox_box *box, int fd, const struct journal *table,
    size_t *added_r, struct err *err)
{
	struct salvage sv = { .box = box };
	struct mbox_box now = *box;
	int ret = -1;

	/* What waits for the next flush is not concerned. */
	box->ops.v = NULL;
	box->ops.n = box->ops.cap = 0;
	box->spool = NULL;
	if ((sv.copy = spool_new(box, err)) != NULL)
		ret = add_missing(&sv, fd, table, err);
	for (size_t i = 0; i < sv.tail.n; i++)
		free(sv.tail.v[i].keywords);
	ARRAY_FREE(&sv.tail);
	free(sv.there);
	spool_unref(box, &sv.copy);
	mbox_ops_free(box);
	spool_unref(box, &box->spool);
	box->ops.v = now.ops.v;
	box->ops.n = now.ops.n;
	box->ops.cap = now.ops.cap;
	box->spool = now.spool;
	box->known = false;
	*added_r = sv.added;
	return ret;
}
