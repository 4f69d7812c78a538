/*
 * What is known of a mailbox, by place in the file.
 *
 * The whole file is read when it is not the one that was read before; our own
 * changes keep this table up to date, so a long run of batches reads it once.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/mailbox_name.h"
#include "store/mbox/journal.h"
#include "store/mbox/mbox.h"

#define SETTLE_MS	20U	/* file times are at most as coarse as this */
#define SETTLE_SIZE	1048576U /* bytes of a file that is read again */

bool
mbox_same_file(const struct path_stat *a, const struct path_stat *b)
{
	return a->exists == b->exists && a->ino == b->ino &&
	    a->dev == b->dev && a->size == b->size &&
	    a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

uint32_t
mbox_keyword(struct mbox_box *box, const char *name, size_t len)
{
	if (!keyword_valid(name, len))
		return UINT32_MAX;
	for (size_t i = 0; i < box->keywords.n; i++) {
		const char *known = box->keywords.v[i];

		if (strlen(known) == len && strncasecmp(known, name,
		    len) == 0)
			return (uint32_t)i;
	}
	if (box->keywords.n >= MBOX_KEYWORDS_MAX ||
	    len > MBOX_KEYWORD_BYTES_MAX - box->keyword_bytes)
		return UINT32_MAX;
	box->keyword_bytes += len;
	*ARRAY_ADD(&box->keywords) = mem_strndup(name, len);
	return (uint32_t)box->keywords.n - 1;
}

/* Sorted in, each one once. */
static void
add_keyword(struct mbox_box *box, struct mbox_mail *mail, uint32_t id)
{
	uint32_t *v = box->keyword_pool.v + mail->keywords;
	size_t i = 0, n = mail->keyword_count;
	int cmp = 1;

	while (i < n && (cmp = keyword_cmp(box->keywords.v[id],
	    box->keywords.v[v[i]])) > 0)
		i++;
	if ((i < n && cmp == 0) || n >= KEYWORDS_MAX)
		return;
	(void)ARRAY_ADD(&box->keyword_pool);
	v = box->keyword_pool.v + mail->keywords;
	memmove(v + i + 1, v + i, (n - i) * sizeof(*v));
	v[i] = id;
	mail->keyword_count++;
}

/* Is the pool about to outgrow its index?  Then no more are kept. */
static bool
begin_keywords(struct mbox_box *box, struct mbox_mail *mail)
{
	mail->keywords = 0;
	mail->keyword_count = 0;
	if (box->keyword_pool.n > UINT32_MAX - KEYWORDS_MAX)
		return false;
	mail->keywords = (uint32_t)box->keyword_pool.n;
	return true;
}

void
mbox_set_keywords(struct mbox_box *box, struct mbox_mail *mail,
    char *const *names, size_t count)
{
	uint32_t id;

	if (!begin_keywords(box, mail))
		return;
	for (size_t i = 0; i < count; i++) {
		id = mbox_keyword(box, names[i], strlen(names[i]));
		if (id != UINT32_MAX)
			add_keyword(box, mail, id);
		else
			mbox_box_problem(box, NULL, "there is no room for "
			    "the keyword %s", names[i]);
	}
}

const char **
mbox_keyword_list(const struct mbox_box *box, const struct mbox_mail *mail)
{
	const char **list;

	if (mail->keyword_count == 0)
		return NULL;
	list = mem_calloc(mail->keyword_count, sizeof(*list));
	for (size_t i = 0; i < mail->keyword_count; i++)
		list[i] = box->keywords.v[
		    box->keyword_pool.v[mail->keywords + i]];
	return list;
}

static void
forget(struct mbox_box *box)
{
	for (size_t i = 0; i < box->keywords.n; i++)
		free(box->keywords.v[i]);
	box->keywords.n = box->keyword_pool.n = box->mails.n = 0;
	box->base_keywords = box->keyword_bytes = 0;
	box->has_base = box->has_pseudo = box->known = false;
	box->base = (struct header_base){ .uidvalidity = 0 };
	box->uidnext = 1;
	box->numbered = true;
}

static void
take_base(struct mbox_box *box, const struct parse_mail *m)
{
	size_t pos = m->base.keywords, len;
	const char *word;

	box->has_base = true;
	box->base = m->base;
	box->uidnext = m->base.last_uid + 1;
	while (header_word(m->base_text, m->base_len, &pos, &word, &len))
		(void)mbox_keyword(box, word, len);
	box->base_keywords = box->keywords.n;
}

/*
 * A UID is believed if it rises, and is one that was given: not above the last
 * one of X-IMAPbase but for the very next, since mail may arrive with any
 * header.
 */
static void
take_uid(struct mbox_box *box, const struct parse_mail *m,
    struct mbox_mail *mail, uint32_t last)
{
	if (m->has_uid && box->has_base && m->uid > last &&
	    m->uid <= box->uidnext && m->uid <= UID_LAST) {
		mail->uid = m->uid;
		if (m->uid == box->uidnext)
			box->uidnext++;
	} else {
		box->numbered = false;
	}
}

struct reading {
	struct mbox_box *box;
	uint32_t last;			/* UID */
};

static int
on_mail(const struct parse_mail *m, void *arg, struct err *err)
{
	struct reading *reading = arg;
	struct mbox_box *box = reading->box;
	struct mbox_mail *mail, pseudo = { .uid = 0 };
	const char *word;
	size_t pos = 0, len;
	uint32_t id;

	if (box->mails.n >= STORE_MESSAGES_MAX)
		return err_set(err, ERR_REFUSED, "more than %u messages",
		    STORE_MESSAGES_MAX);
	if (m->has_base)
		take_base(box, m);
	mail = m->pseudo ? &pseudo : ARRAY_ADD(&box->mails);
	*mail = (struct mbox_mail){ .offset = m->offset, .end = m->end,
	    .from_len = (uint16_t)(m->start - m->offset), .size = m->size,
	    .received = m->received, .status = m->status };
	memcpy(mail->digest, m->digest, sizeof(mail->digest));
	if (m->pseudo) {
		box->has_pseudo = true;
		box->pseudo = pseudo;
		return 0;
	}
	take_uid(box, m, mail, reading->last);
	if (mail->uid != 0)
		reading->last = mail->uid;
	if (m->keywords_len == 0 || !begin_keywords(box, mail))
		return 0;
	while (header_word(m->keywords, m->keywords_len, &pos, &word, &len)) {
		if ((id = mbox_keyword(box, word, len)) != UINT32_MAX)
			add_keyword(box, mail, id);
	}
	return 0;
}

static bool
is_settled(const struct path_stat *st)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 &&
	    (int64_t)now.tv_sec * 1000000000 + now.tv_nsec > st->ctime_ns;
}

void
mbox_settle(struct mbox_box *box, const struct path_stat *st)
{
	struct timespec ms = { 0, 1000000 };
	unsigned int i = 0;

	while (!(box->settled = is_settled(st)) && box->root->local &&
	    st->size > SETTLE_SIZE && i++ < SETTLE_MS)
		nanosleep(&ms, NULL);
}

int
mbox_read(struct mbox_box *box, int fd, const struct path_stat *st,
    struct err *err)
{
	struct reading reading = { .box = box };
	struct path_stat after;

	forget(box);
	mbox_settle(box, st);
	if (parse_mbox(fd, st->size, on_mail, &reading, err) == -1 ||
	    path_fstat(fd, &after, err) == -1)
		return err_prefix(err, "%s", box->file);
	if (!mbox_same_file(st, &after))
		return err_set(err, ERR_TEMP,
		    "%s changes while it is read, in spite of its lock",
		    box->file);
	if (!box->has_base)
		box->numbered = false;
	box->st = *st;
	box->known = true;
	box->index_applied = false;
	return 0;
}

/* A file that had just changed may have changed again. */
static bool
is_known(const struct mbox_box *box, const struct path_stat *st)
{
	return box->known && box->settled && mbox_same_file(st, &box->st);
}

static int
refresh_locked(struct mbox_box *box, struct err *err)
{
	struct path_stat st;
	int recovered = journal_exists(box, err);

	/* Before the change, too, after which its offsets hold no more. */
	if (recovered == 1)
		mbox_index_look(box);
	if (recovered == -1 || journal_recover(box, err) == -1 ||
	    state_load(&box->state, mbox_index_root(box->store),
	    box->state_fd, err) == -1 || path_fstat(box->fd, &st, err) == -1)
		return -1;
	if (!is_known(box, &st) && mbox_read(box, box->fd, &st, err) == -1)
		return -1;
	if (mbox_number(box, err) == -1)
		return -1;
	mbox_index_flags(box);
	return 0;
}

/* A journal, and nobody writes: the file is not whole. */
static int
refuse_journal(struct mbox_box *box, struct err *err)
{
	int r = journal_exists(box, err);

	if (r == 1)
		return err_set(err, ERR_TEMP, "%s was being changed when a "
		    "program ended; who may write finishes that first",
		    box->file);
	return r;
}

static int
read_unlocked(struct mbox_box *box, struct err *err)
{
	struct path_stat st;
	int fd, ret = -1;

	fd = mbox_open_read(box, &st, err);
	if (fd == -1 && err->code == ERR_NOTFOUND &&
	    name_is_inbox(box->name)) {
		*err = (struct err)ERR_INIT;
		forget(box);
		box->known = true;
		box->st = (struct path_stat){ .exists = false };
		return 0;
	}
	if (fd == -1)
		return -1;
	if (refuse_journal(box, err) == 0)
		ret = mbox_read(box, fd, &st, err);
	close(fd);
	return ret;
}

/* What a writer has to give is given when nobody else writes. */
static int
number_now(struct mbox_box *box, struct err *err)
{
	int ret;

	if (box->store->readonly)
		return 0;
	if (box->numbered && state_fits(&box->state, box->base.uidvalidity)) {
		/* Dovecot may have written a GUID that it had in memory. */
		mbox_index_tell(box->index, box->base.uidvalidity,
		    &box->state.guid);
		return 0;
	}
	if (mbox_lock(box, err) == -1)
		return -1;
	ret = refresh_locked(box, err);
	mbox_unlock(box);
	return ret;
}

/*
 * Numbers that the file lacks are those that Dovecot shows, if its index has
 * them for all messages.  Who may write writes them into the file.
 */
static void
number_by_index(struct mbox_box *box)
{
	uint32_t *uids, next, last = 0, validity = box->base.uidvalidity;
	size_t i;

	if (!box->store->readonly || box->numbered)
		return;
	next = mbox_index_numbers(box, &validity);
	if (validity == 0)
		return;
	uids = mem_calloc(box->mails.n + 1, sizeof(*uids));
	(void)mbox_index_uids(box, validity, uids);
	for (i = 0; i < box->mails.n; i++) {
		if (box->mails.v[i].uid != 0)
			uids[i] = box->mails.v[i].uid;
		if (uids[i] <= last || uids[i] >= next)
			break;
		last = uids[i];
	}
	if (i == box->mails.n) {
		while (i-- > 0)
			box->mails.v[i].uid = uids[i];
		box->base.uidvalidity = validity;
		box->uidnext = next;
		box->numbered = true;
	}
	free(uids);
}

int
mbox_refresh(struct mbox_box *box, struct err *err)
{
	struct path_stat st;

	if (box->fd != -1)
		return refresh_locked(box, err);
	if (path_stat(box->root, box->dirfd, NULL, box->file, &st,
	    err) == -1)
		return -1;
	if (!is_known(box, &st) && read_unlocked(box, err) == -1)
		return -1;
	if (state_load(&box->state, mbox_index_root(box->store),
	    box->state_fd, err) == -1)
		return -1;
	if (number_now(box, err) == -1)
		return -1;
	number_by_index(box);
	mbox_index_flags(box);
	return 0;
}

const char *
mbox_guid(struct mbox_box *box, const struct mbox_mail *mail,
    char hex[static GUID_HEX_SIZE])
{
	const struct state_mail *known = NULL;

	if (mail->uid != 0 && state_fits(&box->state, box->base.uidvalidity))
		known = state_find(&box->state, mail->uid, mail->digest);
	if (known != NULL)
		return known->text;
	hex_format(hex, mail->digest, GUID_SIZE);
	return hex;
}

size_t
mbox_find_uid(const struct mbox_box *box, uint32_t uid)
{
	size_t low = 0, high = box->mails.n;

	if (!box->numbered) {
		for (size_t i = 0; i < box->mails.n; i++) {
			if (box->mails.v[i].uid == uid)
				return i;
		}
		return SIZE_MAX;
	}
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (box->mails.v[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < box->mails.n && box->mails.v[low].uid == uid ? low :
	    SIZE_MAX;
}

size_t
mbox_find(struct mbox_box *box, uint32_t uid, const char *guid)
{
	char hex[GUID_HEX_SIZE];
	size_t i;

	if (uid != 0) {
		i = mbox_find_uid(box, uid);
		return i != SIZE_MAX && strcmp(mbox_guid(box,
		    &box->mails.v[i], hex), guid) == 0 ? i : SIZE_MAX;
	}
	for (i = 0; i < box->mails.n; i++) {
		if (strcmp(mbox_guid(box, &box->mails.v[i], hex), guid) == 0)
			return i;
	}
	return SIZE_MAX;
}

static int
scan_one(struct mbox_box *box, const struct mbox_mail *mail,
    store_scan_fn *fn, void *arg, struct err *err)
{
	char hex[GUID_HEX_SIZE];
	const char **keywords = mbox_keyword_list(box, mail);
	const struct state_mail *known = NULL;
	struct mail_info info = { .uid = mail->uid,
	    .guid = mbox_guid(box, mail, hex),
	    .flags = mail->status & FLAGS_ALL, .keywords = keywords,
	    .keyword_count = mail->keyword_count, .size = mail->size,
	    .received = mail->received };
	int ret;

	if (info.guid != hex)
		known = state_find(&box->state, mail->uid, mail->digest);
	if (known != NULL) {
		info.pop3_uidl = state_uidl(known);
		info.pop3_order = known->pop3_order;
	}
	ret = fn(&info, arg, err);
	free(keywords);
	return ret;
}

int
mbox_scan(struct mailbox *head, store_scan_fn *fn, void *arg,
    struct err *err)
{
	struct mbox_box *box = (struct mbox_box *)head;

	if (mbox_refresh(box, err) == -1)
		return -1;
	/* Those without a UID, if any, come last. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < box->mails.n; i++) {
			if ((box->mails.v[i].uid == 0) == (round == 1) &&
			    scan_one(box, &box->mails.v[i], fn, arg,
			    err) == -1)
				return -1;
		}
		if (box->numbered)
			break;
	}
	return 0;
}
