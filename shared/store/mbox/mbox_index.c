/*
 * Dovecot's index of an mbox: the mailbox GUID, flags that are not yet in the
 * file (mbox_lazy_writes), and UIDs that it gave and has not written yet.  The
 * index is a helper: where it is missing, damaged or of another UIDVALIDITY,
 * the file alone counts.
 */
#include "config.h"

#include <sys/endian.h>

#include <stdlib.h>
#include <string.h>

#include "store/index/index.h"
#include "store/mbox/mbox.h"

#define SEEN_TIME_AT	8U	/* in the header of the extension: when the
				   file was changed, as Dovecot saw it; in
				   front of it how large it was */
#define SEEN_SIZE	12U
#define GUID_AT		16U

static const struct index_ext_want mbox_ext = { "mbox", 32, 8, 8 };

struct index *
mbox_index_open(struct mbox_store *store, int dirfd)
{
	struct index_options opts = { .lock_timeout = store->lock_timeout,
	    .no_fsync = store->settings.fsync == STORE_FSYNC_NEVER,
	    .readonly = store->readonly, .hostname = store->hostname };

	switch (store->settings.lock_method) {
	case STORE_LOCK_FLOCK:
		opts.lock_method = INDEX_LOCK_FLOCK;
		break;
	case STORE_LOCK_DOTLOCK:
	case STORE_LOCK_DOTLOCK_TRY:
		opts.lock_method = INDEX_LOCK_DOTLOCK;
		break;
	case STORE_LOCK_FCNTL:
	case STORE_LOCK_LOCKF:
		opts.lock_method = INDEX_LOCK_FCNTL;
		break;
	}
	return index_open(mbox_index_root(store),
	    store->index_in_memory ? -1 : dirfd, "dovecot.index", &opts);
}

/* The index as it is; NULL if it is of no use. */
static const struct index_state *
look(struct index *index)
{
	const struct index_state *state;
	struct err ignored = ERR_INIT;

	if (index == NULL || index_refresh(index, &ignored) == -1)
		return NULL;
	state = index_state(index);
	return state->exists && !state->deleted && state->uidvalidity != 0 ?
	    state : NULL;
}

static bool
read_guid(struct index *index, struct guid128 *guid_r)
{
	struct index_ext ext;
	size_t n;

	if (!index_ext_find(index, mbox_ext.name, &n))
		return false;
	ext = index_ext(index, n);
	if (ext.header_size < GUID_AT + GUID_SIZE)
		return false;
	memcpy(guid_r->b, ext.header + GUID_AT, GUID_SIZE);
	return !guid_is_zero(guid_r);
}

bool
mbox_index_guid(struct mbox_box *box, uint32_t uidvalidity,
    struct guid128 *guid_r)
{
	const struct index_state *state = look(box->index);

	return state != NULL && state->uidvalidity == uidvalidity &&
	    read_guid(box->index, guid_r);
}

/* It never had messages, so that another UIDVALIDITY makes none wrong. */
static bool
is_unused(const struct index_state *state)
{
	return state->uidvalidity == 0 ||
	    (state->count == 0 && state->next_uid <= 1);
}

void
mbox_index_tell(struct index *index, uint32_t uidvalidity,
    const struct guid128 *guid)
{
	const struct index_state *state;
	struct err ignored = ERR_INIT;
	struct index_txn *txn;
	struct guid128 known;

	if (index == NULL || index_refresh(index, &ignored) == -1)
		return;
	state = index_state(index);
	if (state->exists && (state->deleted ||
	    (state->uidvalidity != uidvalidity && !is_unused(state)) ||
	    (state->uidvalidity == uidvalidity &&
	    read_guid(index, &known) && guid_eq(&known, guid))))
		return;
	if (index_lock(index, &ignored) == -1)
		return;
	if (state->uidvalidity == uidvalidity || is_unused(state)) {
		txn = index_txn_begin(index);
		if (state->uidvalidity != uidvalidity)
			index_txn_uidvalidity(txn, uidvalidity);
		index_txn_ext_header(txn, &mbox_ext, GUID_AT, guid->b,
		    GUID_SIZE);
		(void)index_txn_commit(&txn, NULL, &ignored);
	}
	index_unlock(index);
}

uint32_t
mbox_index_numbers(struct mbox_box *box, uint32_t *uidvalidity)
{
	const struct index_state *state = look(box->index);

	if (state == NULL || (*uidvalidity != 0 &&
	    state->uidvalidity != *uidvalidity))
		return 1;
	*uidvalidity = state->uidvalidity;
	return state->next_uid;
}

/* Has Dovecot looked at the file since we wrote to it? */
static bool
has_looked(const struct index_ext *ext)
{
	return ext->header_size >= SEEN_SIZE &&
	    le32dec(ext->header + SEEN_TIME_AT) != 0;
}

/*
 * The offset that the index has for each of its messages rises as the UIDs do,
 * so both lists are walked once.
 */
size_t
mbox_index_uids(struct mbox_box *box, uint32_t uidvalidity, uint32_t *uids)
{
	const struct index_state *state = look(box->index);
	size_t n, pos = 0, found = 0;
	struct index_ext ext;
	uint64_t offset = 0;

	if (state == NULL || state->uidvalidity != uidvalidity ||
	    !index_ext_find(box->index, mbox_ext.name, &n))
		return 0;
	ext = index_ext(box->index, n);
	if (ext.record_size != 8 || !has_looked(&ext))
		return 0;
	for (size_t i = 0; i < box->mails.n; i++) {
		for (; pos < state->count; pos++) {
			offset = le64dec(index_ext_record(box->index, n,
			    pos));
			if (offset >= box->mails.v[i].offset)
				break;
		}
		if (pos < state->count && offset == box->mails.v[i].offset) {
			uids[i] = index_mail(box->index, pos).uid;
			found++;
		}
	}
	return found;
}

static void
take_flags(struct mbox_box *box, size_t pos, struct mbox_mail *mail)
{
	const struct index_state *state = index_state(box->index);
	char *names[KEYWORDS_MAX];
	size_t count = 0;

	mail->status = (uint8_t)((index_mail(box->index, pos).flags &
	    FLAGS_ALL) | (mail->status & STATUS_OLD));
	for (size_t n = 0; n < state->keyword_count &&
	    count < KEYWORDS_MAX; n++) {
		if (index_has_keyword(box->index, pos, n))
			names[count++] = (char *)(uintptr_t)
			    index_keyword(box->index, n);
	}
	mbox_set_keywords(box, mail, names, count);
}

void
mbox_index_flags(struct mbox_box *box)
{
	const struct index_state *state = look(box->index);
	uint64_t serial = state == NULL ? 0 : state->serial;
	struct index_mail m;
	size_t at;

	if (box->index_applied && box->index_serial == serial)
		return;
	box->index_applied = true;
	box->index_serial = serial;
	if (state == NULL || state->uidvalidity != box->base.uidvalidity)
		return;
	for (size_t i = 0; i < state->count; i++) {
		m = index_mail(box->index, i);
		if ((m.flags & INDEX_FLAG_DIRTY) == 0)
			continue;
		at = mbox_find_uid(box, m.uid);
		if (at != SIZE_MAX)
			take_flags(box, i, &box->mails.v[at]);
	}
}

static void
write_flags(struct mbox_box *box, struct index_txn *txn,
    const struct mbox_out *out)
{
	const struct mbox_mail *mail = &out->now;
	size_t pos;

	if (out->op != NULL || !out->changed ||
	    !index_find(box->index, mail->uid, &pos) ||
	    (index_mail(box->index, pos).flags & INDEX_FLAG_DIRTY) == 0)
		return;
	index_txn_flags(txn, mail->uid, mail->uid, mail->status & FLAGS_ALL,
	    0xff);
	index_txn_keywords_reset(txn, mail->uid, mail->uid);
	for (size_t k = 0; k < mail->keyword_count; k++)
		index_txn_keyword(txn, box->keywords.v[
		    box->keyword_pool.v[mail->keywords + k]], true,
		    mail->uid, mail->uid);
}

/*
 * With another size than the one it saw last, Dovecot looks only at the end of
 * the file, by offsets that may hold no more; with the same size and another
 * time it reads all of it.
 */
static void
ask_for_look(uint64_t size, struct index_txn *txn)
{
	uint8_t seen[SEEN_SIZE] = { 0 };

	le64enc(seen, size);
	index_txn_ext_header(txn, &mbox_ext, 0, seen, sizeof(seen));
}

/* That is known already. */
static bool
is_asked(struct mbox_box *box, uint64_t size)
{
	struct index_ext ext;
	size_t n;

	if (!index_ext_find(box->index, mbox_ext.name, &n))
		return false;
	ext = index_ext(box->index, n);
	return ext.header_size >= SEEN_SIZE && !has_looked(&ext) &&
	    le64dec(ext.header) == size;
}

void
mbox_index_look(struct mbox_box *box)
{
	struct err ignored = ERR_INIT;
	struct index_txn *txn;
	struct path_stat st;

	if (look(box->index) == NULL ||
	    path_fstat(box->fd, &st, &ignored) == -1 ||
	    is_asked(box, st.size) ||
	    index_lock(box->index, &ignored) == -1)
		return;
	txn = index_txn_begin(box->index);
	ask_for_look(st.size, txn);
	(void)index_txn_commit(&txn, NULL, &ignored);
	index_unlock(box->index);
}

void
mbox_index_written(struct mbox_box *box, const struct mbox_plan *plan)
{
	const struct index_state *state = look(box->index);
	struct err why = ERR_INIT;
	struct index_txn *txn;

	if (state == NULL || state->uidvalidity != box->base.uidvalidity)
		return;
	if (index_lock(box->index, &why) == -1) {
		mbox_box_problem(box, &why, "Dovecot's index is not told "
		    "of changes");
		return;
	}
	txn = index_txn_begin(box->index);
	for (size_t i = 0; i < plan->flags.n; i++)
		write_flags(box, txn, &plan->flags.v[i]);
	for (size_t i = 0; i < plan->tail.n; i++)
		write_flags(box, txn, &plan->tail.v[i]);
	if (!is_asked(box, box->st.size))
		ask_for_look(box->st.size, txn);
	if (index_txn_commit(&txn, NULL, &why) == -1)
		mbox_box_problem(box, &why, "Dovecot's index is not told "
		    "of changes");
	index_unlock(box->index);
}

void
mbox_index_renumbered(struct mbox_box *box)
{
	struct err why = ERR_INIT;
	struct index_txn *txn;

	if (box->index == NULL || index_refresh(box->index, &why) == -1 ||
	    !index_state(box->index)->exists ||
	    index_state(box->index)->deleted)
		return;
	if (index_lock(box->index, &why) == 0) {
		txn = index_txn_begin(box->index);
		index_txn_replace(txn);
		index_txn_uidvalidity(txn, box->base.uidvalidity);
		index_txn_ext_header(txn, &mbox_ext, GUID_AT,
		    box->state.guid.b, GUID_SIZE);
		index_txn_tail(txn);
		if (index_txn_commit(&txn, NULL, &why) == 0)
			why = (struct err)ERR_INIT;
		index_unlock(box->index);
	}
	if (why.code != ERR_NONE)
		mbox_box_problem(box, &why, "Dovecot's index is not told "
		    "of new UIDs");
}
