/*
 * What the log lent to a store that had no identity of its own.
 *
 * The source of a one-way run is never written (B1), so a plain Maildir gets
 * its mailbox GUIDs, UIDVALIDITY and UIDs in the log alone, and the destination
 * has them.  Once a run may write the store, they become the store's: else the
 * driver would make others, and everything would look deleted and new.  If
 * another program numbered the messages first, its UIDVALIDITY is what mail
 * clients know and stays (M10 tells the other side); the GUID is given anyhow.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "session/session_int.h"

struct numbered {
	const char *guid;
	uint32_t uid;
};

struct numbers {
	struct arena *arena;
	ARRAY(struct numbered) mails;
};

static int
numbered_cmp(const void *av, const void *bv)
{
	const struct numbered *a = av, *b = bv;
	int r = strcmp(a->guid, b->guid);

	return r != 0 ? r : (a->uid > b->uid) - (a->uid < b->uid);
}

static int
guid_only_cmp(const void *av, const void *bv)
{
	return strcmp(((const struct numbered *)av)->guid,
	    ((const struct numbered *)bv)->guid);
}

static int
note_number(const struct mail_info *info, void *arg, struct err *err)
{
	struct numbers *numbers = arg;
	struct numbered *n = ARRAY_ADD(&numbers->mails);

	(void)err;
	n->guid = arena_strdup(numbers->arena, info->guid);
	n->uid = info->uid;
	return 0;
}

/* Did the store have UIDs before this run opened it for writing? */
static bool
was_numbered(struct session *s, const char *name)
{
	struct store_options opts = s->args.options;
	const struct store_driver *driver = s->driver;
	struct mailbox_status status = { 0 };
	struct mailbox *box = NULL;
	struct store *store = NULL;
	struct err why = ERR_INIT;
	bool numbered = true;

	opts.readonly = true;
	opts.create = false;
	if (driver->open(&store, s->args.location, &opts, &why) == -1)
		return true;
	if (driver->mailbox_open(store, name, &box, &why) == 0 &&
	    driver->status(box, &status, &why) == 0)
		numbered = status.uidvalidity != 0;
	driver->mailbox_close(&box);
	driver->close(&store);
	return numbered;
}

bool
identity_wanted(struct session *s, const struct chlog_mailbox *row)
{
	return row->lent && !s->readonly &&
	    !was_numbered(s, row->store_name);
}

/* Every message that the log numbered gets that UID, all in one flush. */
static int
prepare_uids(struct session *s, const struct chlog_mailbox *row,
    struct mailbox *box, struct err *err)
{
	struct numbers numbers = { .arena = arena_new(ARENA_TREE_MAX) };
	struct chlog_mail *page = calloc(PAGE_MAX, sizeof(*page));
	struct arena *arena = NULL;
	uint32_t after = 0;
	ptrdiff_t n = 0;

	if (page == NULL || s->driver->scan(box, note_number, &numbers,
	    err) == -1)
		n = -1;
	if (numbers.mails.n > 1)
		qsort(numbers.mails.v, numbers.mails.n,
		    sizeof(*numbers.mails.v), numbered_cmp);
	while (n != -1) {
		arena_free(&arena);
		arena = arena_new(ARENA_PAGE_MAX);
		n = chlog_mails(s->log, row->id, after, UINT32_MAX, NULL,
		    arena, page, PAGE_MAX, err);
		if (n <= 0)
			break;
		for (ptrdiff_t i = 0; i < n; i++) {
			struct numbered key = { page[i].m.guid, 0 }, *found;

			after = page[i].m.uid;
			found = numbers.mails.n == 0 ? NULL : bsearch(&key,
			    numbers.mails.v, numbers.mails.n, sizeof(key),
			    guid_only_cmp);
			if (found != NULL && s->driver->set_uid(box,
			    found->uid, found->guid, after, 0, 0, err) == -1) {
				n = -1;
				break;
			}
		}
	}
	arena_free(&arena);
	arena_free(&numbers.arena);
	ARRAY_FREE(&numbers.mails);
	free(page);
	return n == -1 ? -1 : 0;
}

static void
on_given(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	bool *failed = arg;

	(void)tag, (void)uid, (void)modseq;
	if (failure != NULL)
		*failed = true;
}

/*
 * UIDs begin anew only under another UIDVALIDITY: one that the driver made in
 * the same second as the log made its own has to give way first.
 */
static int
leave_uidvalidity(struct session *s, struct mailbox *box,
    const struct mailbox_status *status, struct err *err)
{
	struct mailbox_status other = { .uidvalidity =
	    status->uidvalidity == UINT32_MAX ? 1 : status->uidvalidity + 1 };
	bool failed = false;

	if (s->driver->set_status(box, &other, 0, err) == -1)
		return -1;
	return s->driver->flush(s->store, on_given, &failed, err);
}

int
identity_give(struct session *s, struct chlog_mailbox *row,
    struct mailbox *box, bool uids, struct mailbox_status *status,
    struct err *err)
{
	struct mailbox_status want = { .guid = row->guid };
	bool failed = false;

	if (uids && status->uidvalidity == row->uidvalidity &&
	    leave_uidvalidity(s, box, status, err) == -1)
		return -1;
	if (uids) {
		want.uidvalidity = row->uidvalidity;
		want.uidnext = row->uidnext;
		if (prepare_uids(s, row, box, err) == -1)
			return -1;
	}
	if (s->driver->set_status(box, &want, 0, err) == -1 ||
	    s->driver->flush(s->store, on_given, &failed, err) == -1 ||
	    s->driver->status(box, status, err) == -1)
		return -1;
	if (!guid_eq(&status->guid, &row->guid))
		return err_set(err, ERR_TEMP,
		    "the mailbox did not take its GUID");
	row->lent = false;
	return chlog_mailbox_put(s->log, row, err);
}
