/*
 * The mailboxes that the log knows, and which of them one of the store is: by
 * its GUID first, by its name where it has none.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "log/log.h"
#include "model/mailbox_name.h"
#include "session/scan_int.h"

static int
known_name_cmp(const void *av, const void *bv)
{
	const struct known *const *a = av, *const *b = bv;

	return strcmp((*a)->row.store_name, (*b)->row.store_name);
}

struct known *
scan_by_name(const struct scan *scan, const char *name)
{
	struct known key = { .row = { .store_name = name } }, *keyp = &key,
	    **found, **other;

	if (scan->known_count == 0)
		return NULL;
	found = bsearch(&keyp, scan->by_name, scan->known_count,
	    sizeof(*scan->by_name), known_name_cmp);
	if (found == NULL)
		return NULL;
	for (other = found; other > scan->by_name &&
	    strcmp(other[-1]->row.store_name, name) == 0; other--)
		continue;
	for (; other < scan->by_name + scan->known_count &&
	    strcmp((*other)->row.store_name, name) == 0; other++)
		if ((*other)->row.born_seq > (*found)->row.born_seq)
			found = other;
	return *found;
}

struct known *
scan_by_guid(const struct scan *scan, const struct guid128 *guid)
{
	size_t lo = 0, hi = scan->known_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int r = guid_cmp(&scan->known[mid].row.guid, guid);

		if (r == 0)
			return &scan->known[mid];
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

int
scan_load_known(struct scan *scan, struct err *err)
{
	struct chlog_mailbox *rows;
	ptrdiff_t n = chlog_mailboxes(scan->s->log, scan->arena, &rows, err);

	if (n == -1)
		return -1;
	scan->known_count = (size_t)n;
	scan->known = arena_calloc(scan->arena, scan->known_count,
	    sizeof(*scan->known));
	scan->by_name = arena_calloc(scan->arena, scan->known_count,
	    sizeof(*scan->by_name));
	for (size_t i = 0; i < scan->known_count; i++) {
		scan->known[i].row = rows[i];
		scan->by_name[i] = &scan->known[i];
	}
	if (scan->known_count > 0)
		qsort(scan->by_name, scan->known_count,
		    sizeof(*scan->by_name), known_name_cmp);
	return 0;
}

struct guid128
scan_directory_guid(const char *name)
{
	static const char prefix[] = "dsync directory";
	uint8_t digest[DIGEST_SIZE];
	struct digest_ctx *ctx = digest_new();
	struct guid128 guid;

	digest_update(ctx, prefix, sizeof(prefix));
	digest_update(ctx, name, strlen(name));
	digest_final(ctx, digest);
	digest_free(&ctx);
	memcpy(guid.b, digest, GUID_SIZE);
	return guid;
}

void
scan_note_rename(struct scan *scan, struct chlog_mailbox *row, const char *name)
{
	const char *old = row->store_name;
	size_t old_len = name_parent_len(old), len = name_parent_len(name);
	bool parent = old_len != len || memcmp(old, name, len) != 0;
	bool last = strcmp(name_last(old), name_last(name)) != 0;
	const char *from = parent ? name : row->name;
	size_t from_len = name_parent_len(from);
	struct strbuf joined;

	strbuf_init(&joined, NAME_MAX_BYTES);
	if (from_len > 0) {
		strbuf_add(&joined, from, from_len);
		strbuf_addc(&joined, NAME_SEP);
	}
	strbuf_adds(&joined, name_last(last ? name : row->name));
	row->name = joined.failed ? name :
	    arena_strdup(scan->arena, joined.data);
	strbuf_deinit(&joined);
	row->store_name = name;
	if (!name_is_temporary(name)) {
		const uint64_t *stamps = intent_stamps(scan->s, &row->guid,
		    "", name, strlen(name));
		const char *wanted = intent_name(scan->s, &row->guid, name,
		    row->selectable);

		if (wanted != NULL) {
			row->name = wanted;
			parent = last = true;
		}
		if (parent)
			row->parent_stamp = stamps != NULL ?
			    stamps[INTENT_PARENT] :
			    stamp_after(row->parent_stamp, scan->now);
		if (last)
			row->last_stamp = stamps != NULL ?
			    stamps[INTENT_LAST] :
			    stamp_after(row->last_stamp, scan->now);
	}
	row->seq = row->tree_seq = chlog_next_seq(scan->s->log);
	row->run = row->tree_run = RUN_NOBODY;
}

static void
new_row(struct scan *scan, struct chlog_mailbox *row,
    const struct entry *entry, const struct guid128 *guid,
    const struct mailbox_status *status)
{
	uint64_t stamp = scan->first ? 0 : scan->now;
	const uint64_t *stamps = intent_stamps(scan->s, guid, "",
	    entry->name, strlen(entry->name));
	const char *wanted = intent_name(scan->s, guid, entry->name,
	    entry->selectable);

	memset(row, 0, sizeof(*row));
	row->guid = *guid;
	row->store_name = entry->name;
	row->name = wanted != NULL ? wanted : entry->name;
	row->selectable = entry->selectable;
	row->lent = entry->selectable && guid_is_zero(&status->guid);
	if (entry->selectable) {
		row->uidvalidity = status->uidvalidity != 0 ?
		    status->uidvalidity : (uint32_t)(scan->now / 1000);
		row->uidnext = row->store_uidnext = 1;
	}
	row->exist_stamp = stamps != NULL ? stamps[INTENT_EXIST] : stamp;
	row->parent_stamp = stamps != NULL ? stamps[INTENT_PARENT] : stamp;
	row->last_stamp = stamps != NULL ? stamps[INTENT_LAST] : stamp;
	row->seq = row->tree_seq = row->uidvalidity_seq = row->born_seq =
	    chlog_next_seq(scan->s->log);
}

/*
 * There is one INBOX (T12): with another GUID it is what it was.  So is any
 * other mailbox to which a run was about to give that GUID.
 */
static bool
is_the_known(const struct scan *scan, const struct known *known,
    const struct guid128 *guid)
{
	return known != NULL && !known->seen && known->row.selectable &&
	    (name_is_inbox(known->row.store_name) ||
	    intent_is_guid(scan->s, &known->row.guid, guid));
}

/*
 * A run that was ended between the store's step and the log's leaves a mailbox
 * so.
 */
static int
known_has_guid(struct scan *scan, struct known *known,
    const struct guid128 *guid, struct chlog_mailbox *row, struct err *err)
{
	struct guid128 old = known->row.guid;

	known->seen = true;
	*row = known->row;
	row->guid = *guid;
	row->seq = row->tree_seq = chlog_next_seq(scan->s->log);
	row->run = row->tree_run = RUN_NOBODY;
	scan->changes++;
	if (chlog_mailbox_put(scan->s->log, row, err) == -1)
		return -1;
	/* Always toward the larger one (T10). */
	if (guid_cmp(&old, guid) < 0 &&
	    chlog_alias_add(scan->s->log, &old, guid, err) == -1)
		return -1;
	return 1;
}

void
scan_on_given(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	(void)tag, (void)uid, (void)modseq;
	if (failure != NULL)
		*(struct err *)arg = *failure;
}

/* Is the mailbox of this name, beside the one that is open, the same GUID's? */
static bool
is_copy(struct scan *scan, struct mailbox *box, const char *name,
    const struct guid128 *guid)
{
	const struct store_driver *driver = scan->s->driver;
	struct store_token here, there;
	struct mailbox_status status;
	struct mailbox *other = NULL;
	struct err why = ERR_INIT;
	bool same;

	if (driver->mailbox_open(scan->s->store, name, &other, &why) == -1)
		return false;
	same = driver->status(other, &status, &why) == 0 &&
	    guid_eq(&status.guid, guid) &&
	    driver->token(other, &there, &why) == 0 &&
	    driver->token(box, &here, &why) == 0 &&
	    (here.len != there.len ||
	    memcmp(here.data, there.data, here.len) != 0);
	driver->mailbox_close(&other);
	return same;
}

/*
 * Somebody copied a mailbox with its control files.  Where the store may be
 * written the copy gets a GUID of its own; 1: it has it, 0: it is left out.
 */
static int
part_copy(struct scan *scan, const struct entry *entry, struct mailbox *box,
    const char *other, struct guid128 *guid, struct err *err)
{
	const struct store_driver *driver = scan->s->driver;
	struct mailbox_status status = { .guid = guid_random() };
	struct err why = ERR_INIT;

	if (!is_copy(scan, box, other, guid)) {
		scan->moved = true;
		return 0;
	}
	if (scan->s->readonly || (driver->caps & STORE_CAP_MAILBOX_GUID) == 0) {
		err_set(&why, ERR_CORRUPT, "another mailbox has the same "
		    "GUID; it looks like a copy");
		session_problem(scan->s, guid, entry->name, &why);
		return 0;
	}
	if (driver->set_status(box, &status, 0, err) == -1 ||
	    driver->flush(scan->s->store, scan_on_given, &why, err) == -1)
		return -1;
	if (why.code != ERR_NONE) {
		session_problem(scan->s, guid, entry->name, &why);
		return 0;
	}
	log_info("a copy of a mailbox gets a GUID of its own mailbox=%s",
	    entry->name);
	*guid = status.guid;
	return 1;
}

int
scan_find_row(struct scan *scan, const struct entry *entry, struct mailbox *box,
    struct guid128 *guid, const struct mailbox_status *status,
    struct chlog_mailbox *row, struct err *err)
{
	struct known *known = scan_by_guid(scan, guid);
	struct chlog_mailbox other;
	int r = 0;

	if (known == NULL && (r = chlog_mailbox_find(scan->s->log, guid,
	    scan->arena, &other, err)) == -1)
		return -1;
	if (known == NULL && r == 0 && is_the_known(scan, entry->known, guid))
		return known_has_guid(scan, entry->known, guid, row, err);
	if (r == 1 || (known != NULL && known->seen)) {
		if (entry->known != NULL)
			entry->known->seen = true;
		if (box == NULL) {
			scan->moved = true;
			return 0;
		}
		r = part_copy(scan, entry, box, r == 1 ? other.store_name :
		    known->row.store_name, guid, err);
		if (r != 1)
			return r;
		known = NULL;
	}
	if (known == NULL) {
		new_row(scan, row, entry, guid, status);
		scan->changes++;
		return chlog_mailbox_put(scan->s->log, row, err) == -1 ? -1 : 1;
	}
	known->seen = true;
	*row = known->row;
	if (strcmp(row->store_name, entry->name) == 0 &&
	    row->selectable == entry->selectable)
		return 1;
	if (strcmp(row->store_name, entry->name) != 0)
		scan_note_rename(scan, row, entry->name);
	if (row->selectable != entry->selectable) {
		row->selectable = entry->selectable;
		row->seq = row->tree_seq = chlog_next_seq(scan->s->log);
		row->run = row->tree_run = RUN_NOBODY;
	}
	scan->changes++;
	return chlog_mailbox_put(scan->s->log, row, err) == -1 ? -1 : 1;
}
