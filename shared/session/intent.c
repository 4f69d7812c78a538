/*
 * Intentions: what this session is about to write, noted in the log before the
 * store is changed (P5).
 *
 * A process may end when the store has a change and the log does not.  The next
 * scan would take it for one that somebody made here just now, and it would win
 * over whatever came after it on another store.  So the log is told before, in
 * a transaction that does not wait for the disk; and a scan that finds what was
 * intended gives it the stamp that it was to have.  The run it does not give:
 * the other side may not have done its part.  Where several messages with one
 * GUID have other UIDs, those that they were to have tell which is which.
 *
 * What was looked at needs no intention any more.  A new message has flags with
 * stamp 0 (F3), which win over nothing, and an expunge has no stamp.  But a new
 * one is to have its marks: with one of the scan's own it would be no instance
 * that the other side has, and what is expunged there in between would come back
 * (M3).  Without a base nothing is expunged by what is missing, and a first copy
 * needs no note of each message.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "session/session_int.h"

#define NEW_KEY_SIZE	(sizeof(INTENT_NEW) + GUID_TEXT_MAX)

/* NULL is nothing. */
static const uint8_t *
digest_of(const void *data, size_t len, uint8_t out[static DIGEST_SIZE])
{
	if (data == NULL)
		return NULL;
	digest_sha256(data, len, out);
	return out;
}

/* What the name is whose spelling in the store is another one (T13). */
static int
intend_spelling(struct session *s, const struct guid128 *guid, uint32_t what,
    const char *name, const char *mapped, struct err *err)
{
	uint8_t digest[DIGEST_SIZE];
	struct chlog_intent in = { .mailbox = *guid, .uid = what,
	    .key = name };

	if (strcmp(name, mapped) == 0)
		return 0;
	in.digest = digest_of(mapped, strlen(mapped), digest);
	return chlog_intend(s->log, &in, &s->hello.run, err);
}

/* A mailbox is to have this name in the store. */
static int
intend_box(struct session *s, const struct msg_mailbox *box,
    const struct guid128 *guid, const char *mapped, struct err *err)
{
	uint8_t digest[DIGEST_SIZE];
	struct chlog_intent in = { .mailbox = *guid, .key = "" };

	in.digest = digest_of(mapped, strlen(mapped), digest);
	in.flags.stamps[INTENT_EXIST] = box->exist_stamp;
	in.flags.stamps[INTENT_PARENT] = box->parent_stamp;
	in.flags.stamps[INTENT_LAST] = box->last_stamp;
	if (chlog_intend(s->log, &in, &s->hello.run, err) == -1)
		return -1;
	return intend_spelling(s, guid, box->selectable ? INTENT_MAILBOX :
	    INTENT_DIRECTORY, box->name, mapped, err);
}

static int
intend_new_boxes(struct session *s, struct err *err)
{
	for (size_t i = 0; i < s->tree.boxes.n; i++) {
		const struct new_box *box = &s->tree.boxes.v[i];

		if (intend_box(s, &box->box_msg, &box->box_msg.guid,
		    box->mapped, err) == -1)
			return -1;
	}
	return 0;
}

static int
intend_values(struct session *s, struct err *err)
{
	uint8_t digest[DIGEST_SIZE];

	for (size_t i = 0; i < s->tree.subs.n; i++) {
		const struct new_sub *sub = &s->tree.subs.v[i];
		struct chlog_intent in = { .key = sub->mapped };

		in.digest = digest_of(sub->on ? "" : NULL, 0, digest);
		in.flags.stamps[INTENT_VALUE] = sub->stamp;
		if (sub->change && (chlog_intend(s->log, &in, &s->hello.run,
		    err) == -1 || intend_spelling(s, &in.mailbox,
		    INTENT_MAILBOX, sub->name, sub->mapped, err) == -1))
			return -1;
	}
	for (size_t i = 0; i < s->tree.attributes.n; i++) {
		const struct msg_attribute *a = &s->tree.attributes.v[i].a;
		struct chlog_intent in = { .mailbox = a->mailbox,
		    .key = a->key };

		in.digest = digest_of(a->value, a->len, digest);
		in.flags.stamps[INTENT_VALUE] = a->stamp;
		if (chlog_intend(s->log, &in, &s->hello.run, err) == -1)
			return -1;
	}
	return 0;
}

int
intend_tree(struct session *s, struct err *err)
{
	if (chlog_intend_begin(s->log, err) == -1)
		return -1;
	if (intend_new_boxes(s, err) == 0 && intend_values(s, err) == 0)
		return chlog_intend_commit(s->log, err);
	chlog_intend_rollback(s->log);
	return -1;
}

int
intend_name(struct session *s, const struct msg_mailbox *box,
    const struct guid128 *guid, const char *mapped, struct err *err)
{
	if (chlog_intend_begin(s->log, err) == -1)
		return -1;
	if (intend_box(s, box, guid, mapped, err) == 0)
		return chlog_intend_commit(s->log, err);
	chlog_intend_rollback(s->log);
	return -1;
}

/* A mailbox as a whole is to have this value, NULL: none, with this stamp. */
static int
intend_whole(struct session *s, const struct guid128 *guid, const void *value,
    size_t len, uint64_t stamp, struct err *err)
{
	uint8_t digest[DIGEST_SIZE];
	struct chlog_intent in = { .mailbox = *guid, .key = "" };

	in.digest = digest_of(value, len, digest);
	in.flags.stamps[INTENT_EXIST] = stamp;
	if (chlog_intend_begin(s->log, err) == -1)
		return -1;
	if (chlog_intend(s->log, &in, &s->hello.run, err) == 0)
		return chlog_intend_commit(s->log, err);
	chlog_intend_rollback(s->log);
	return -1;
}

int
intend_removal(struct session *s, const struct guid128 *guid, uint64_t stamp,
    struct err *err)
{
	return intend_whole(s, guid, NULL, 0, stamp, err);
}

int
intend_guid(struct session *s, const struct guid128 *guid,
    const struct guid128 *to_be, struct err *err)
{
	return intend_whole(s, guid, to_be->b, GUID_SIZE, 0, err);
}

int
intents_refused(struct session *s, struct err *err)
{
	if (chlog_intend_begin(s->log, err) == -1)
		return -1;
	if (chlog_intents_done(s->log, &s->hello.run, err) == 0)
		return chlog_intend_commit(s->log, err);
	chlog_intend_rollback(s->log);
	return -1;
}

static bool
is_flags(const struct batch_op *op)
{
	return op->kind == BATCH_FLAGS && !op->log_only;
}

static bool
is_uid(const struct batch_op *op)
{
	return op->kind == BATCH_SET_UID && op->new_uid != op->m.uid;
}

static bool
is_new(const struct session *s, const struct batch_op *op)
{
	return s->has_base && op->m.uid != 0 && op->m.mark_count > 0 &&
	    (op->kind == BATCH_SAVE || op->kind == BATCH_COPY);
}

static bool
is_intended(const struct session *s, const struct batch_op *op)
{
	return is_flags(op) || is_uid(op) || is_new(s, op);
}

static void
new_key(char out[static NEW_KEY_SIZE], const char *guid)
{
	strlcpy(out, INTENT_NEW, NEW_KEY_SIZE);
	strlcat(out, guid, NEW_KEY_SIZE);
}

static int
intend_new(struct session *s, const struct batch_op *op, struct err *err)
{
	char key[NEW_KEY_SIZE];
	struct chlog_intent in = { .mailbox = op->mailbox_guid,
	    .uid = op->m.uid, .key = key, .digest = op->m.digest,
	    .marks = op->m.marks, .mark_count = op->m.mark_count };

	new_key(key, op->m.guid);
	return chlog_intend(s->log, &in, &s->hello.run, err);
}

static int
intend_mail(struct session *s, const struct batch_op *op, struct err *err)
{
	struct chlog_intent in = { .mailbox = op->mailbox_guid,
	    .uid = op->m.uid, .key = "" };

	if (is_new(s, op))
		return intend_new(s, op, err);
	if (is_flags(op)) {
		in.key = op->m.guid;
		in.flags = op->m.flags;
	} else {
		in.flags.stamps[INTENT_UID] = op->new_uid;
	}
	return chlog_intend(s->log, &in, &s->hello.run, err);
}

int
intend_mails(struct session *s, struct err *err)
{
	size_t i = 0;

	while (i < s->batch.n && !is_intended(s, &s->batch.v[i]))
		i++;
	if (i == s->batch.n)
		return 0;
	if (chlog_intend_begin(s->log, err) == -1)
		return -1;
	for (; i < s->batch.n; i++) {
		const struct batch_op *op = &s->batch.v[i];

		if (is_intended(s, op) && intend_mail(s, op, err) == -1) {
			chlog_intend_rollback(s->log);
			return -1;
		}
	}
	return chlog_intend_commit(s->log, err);
}

static int
intent_cmp(const void *av, const void *bv)
{
	const struct chlog_intent *a = av, *b = bv;
	int cmp = guid_cmp(&a->mailbox, &b->mailbox);

	if (cmp != 0)
		return cmp;
	if (a->uid != b->uid)
		return a->uid < b->uid ? -1 : 1;
	return strcmp(a->key, b->key);
}

int
intents_load(struct session *s, struct arena *arena, struct err *err)
{
	ptrdiff_t n = chlog_intents(s->log, arena, &s->intents, err);

	s->intent_count = n == -1 ? 0 : (size_t)n;
	s->intents_spelt = arena_calloc(arena, s->intent_count,
	    sizeof(*s->intents_spelt));
	s->spelt_count = 0;
	for (size_t i = 0; i < s->intent_count; i++)
		if (s->intents[i].uid >= INTENT_DIRECTORY &&
		    s->intents[i].digest != NULL &&
		    s->intents[i].mark_count == 0)
			s->intents_spelt[s->spelt_count++] = &s->intents[i];
	return n == -1 ? -1 : 0;
}

static const struct chlog_intent *
find(const struct session *s, const struct guid128 *mailbox, uint32_t uid,
    const char *key)
{
	struct chlog_intent want = { .mailbox = *mailbox, .uid = uid,
	    .key = key };

	return s->intent_count == 0 ? NULL : bsearch(&want, s->intents,
	    s->intent_count, sizeof(*s->intents), intent_cmp);
}

const uint64_t *
intent_stamps(const struct session *s, const struct guid128 *mailbox,
    const char *key, const void *value, size_t len)
{
	const struct chlog_intent *in = find(s, mailbox, 0, key);
	uint8_t digest[DIGEST_SIZE];

	if (in == NULL || (in->digest == NULL) != (value == NULL))
		return NULL;
	if (value != NULL && memcmp(digest_of(value, len, digest), in->digest,
	    DIGEST_SIZE) != 0)
		return NULL;
	return in->flags.stamps;
}

uint64_t
intent_stamp(const struct session *s, const struct guid128 *mailbox,
    const char *key, const void *value, size_t len, uint64_t otherwise)
{
	const uint64_t *stamps = intent_stamps(s, mailbox, key, value, len);

	return stamps != NULL ? stamps[INTENT_VALUE] : otherwise;
}

/* Is it of a mailbox that has this name in the store? */
static bool
is_spelling(const struct chlog_intent *in, uint32_t what,
    const char *store_name)
{
	uint8_t digest[DIGEST_SIZE];

	return in->uid == what && memcmp(digest_of(store_name,
	    strlen(store_name), digest), in->digest, DIGEST_SIZE) == 0;
}

const char *
intent_name(const struct session *s, const struct guid128 *mailbox,
    const char *store_name, bool selectable)
{
	uint32_t what = selectable ? INTENT_MAILBOX : INTENT_DIRECTORY;

	for (size_t i = 0; i < s->spelt_count; i++)
		if (guid_eq(&s->intents_spelt[i]->mailbox, mailbox) &&
		    is_spelling(s->intents_spelt[i], what, store_name))
			return s->intents_spelt[i]->key;
	return NULL;
}

bool
intent_directory(const struct session *s, const char *store_name,
    struct guid128 *guid_r)
{
	for (size_t i = 0; i < s->spelt_count; i++)
		if (is_spelling(s->intents_spelt[i], INTENT_DIRECTORY,
		    store_name)) {
			*guid_r = s->intents_spelt[i]->mailbox;
			return true;
		}
	return false;
}

uint64_t
intent_removal(const struct session *s, const struct guid128 *guid,
    uint64_t otherwise)
{
	const uint64_t *stamps = intent_stamps(s, guid, "", NULL, 0);

	return stamps != NULL ? stamps[INTENT_EXIST] : otherwise;
}

bool
intent_is_guid(const struct session *s, const struct guid128 *was,
    const struct guid128 *now)
{
	return intent_stamps(s, was, "", now->b, GUID_SIZE) != NULL;
}

uint32_t
intent_uid(const struct session *s, const struct guid128 *mailbox,
    uint32_t uid)
{
	const struct chlog_intent *in = find(s, mailbox, uid, "");
	uint64_t to_be = in == NULL ? 0 : in->flags.stamps[INTENT_UID];

	return to_be > UINT32_MAX ? 0 : (uint32_t)to_be;
}

/* Of this GUID, or, where the store does not have it yet, of this text. */
static bool
is_of_mail(const struct chlog_intent *in, const char *guid)
{
	char hex[GUID_HEX_SIZE];

	if (in->mark_count == 0 ||
	    strncmp(in->key, INTENT_NEW, strlen(INTENT_NEW)) != 0)
		return false;
	if (strcmp(in->key + strlen(INTENT_NEW), guid) == 0)
		return true;
	if (in->digest == NULL)
		return false;
	hex_format(hex, in->digest, GUID_SIZE);
	return strcmp(hex, guid) == 0;
}

/* The first one of this mailbox with a UID not below this. */
static size_t
first_of(const struct session *s, const struct guid128 *mailbox, uint32_t uid)
{
	struct chlog_intent want = { .mailbox = *mailbox, .uid = uid,
	    .key = "" };
	size_t lo = 0, hi = s->intent_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (intent_cmp(&s->intents[mid], &want) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/*
 * May the message be the one that was to be made?  Another UID than it was to
 * have it has only if that one is given away.  And a mark that a message has
 * already is not for a second one.  1, 0, -1.
 */
static int
may_be(struct session *s, int64_t mailbox, const struct chlog_intent *in,
    uint32_t uid, struct arena *arena, struct err *err)
{
	struct chlog_mail mail;
	struct chlog_tombstone tomb;
	int r;

	if (in->uid != uid) {
		r = chlog_mail_find(s->log, mailbox, in->uid, arena, &mail,
		    err);
		if (r != 1)
			return r;
	}
	for (size_t i = 0; i < in->mark_count; i++) {
		r = chlog_mail_find_mark(s->log, mailbox, &in->marks[i], arena,
		    &mail, err);
		if (r == 0)
			r = chlog_tombstone_find_mark(s->log, &in->mailbox,
			    &in->marks[i], arena, &tomb, err);
		if (r != 0)
			return r == -1 ? -1 : 0;
	}
	return 1;
}

int
intent_marks(struct session *s, const struct chlog_mailbox *row, uint32_t uid,
    const char *guid, struct arena *arena, const struct chlog_intent **in_r,
    struct err *err)
{
	size_t exact = first_of(s, &row->guid, uid), i;
	int r = 0;

	*in_r = NULL;
	for (i = exact; r == 0 && i < s->intent_count &&
	    s->intents[i].uid == uid &&
	    guid_eq(&s->intents[i].mailbox, &row->guid); i++)
		if (is_of_mail(&s->intents[i], guid) && (r = may_be(s, row->id,
		    &s->intents[i], uid, arena, err)) == 1)
			*in_r = &s->intents[i];
	for (i = r == 0 ? first_of(s, &row->guid, 0) : exact; r == 0 &&
	    i < exact; i++)
		if (is_of_mail(&s->intents[i], guid) && (r = may_be(s, row->id,
		    &s->intents[i], uid, arena, err)) == 1)
			*in_r = &s->intents[i];
	return r;
}

/* Of what differs from old, and is as it was to be. */
void
intent_observe(const struct session *s, const struct guid128 *mailbox,
    const struct chlog_state *old, struct mail_flags *mf)
{
	const struct chlog_intent *in = find(s, mailbox, old->uid, old->guid);

	if (in == NULL)
		return;
	for (unsigned int bit = 0; bit < FLAG_COUNT; bit++)
		if (((mf->flags ^ old->flags.flags) & 1U << bit) != 0 &&
		    ((mf->flags ^ in->flags.flags) & 1U << bit) == 0)
			mf->stamps[bit] = in->flags.stamps[bit];
	for (size_t i = 0; i < mf->keyword_count; i++) {
		struct keyword *kw = &mf->keywords[i];
		const struct keyword *was = mail_flags_find(&old->flags,
		    kw->name), *to_be = mail_flags_find(&in->flags, kw->name);

		if (to_be != NULL && to_be->set == kw->set &&
		    kw->set != (was != NULL && was->set))
			kw->stamp = to_be->stamp;
	}
}

/* Has this scan looked at what it is of? */
static int
was_looked_at(struct session *s, const struct chlog_intent *in,
    struct err *err)
{
	struct arena *arena;
	struct chlog_mailbox row;
	int r;

	if (guid_is_zero(&in->mailbox))
		return session_in_scope(s, in->key);
	if (in->uid == 0 && *in->key != '\0')
		return s->keeps_attributes && !s->attributes_unread;
	if (session_unscanned(s, &in->mailbox))
		return 0;
	arena = arena_new(ARENA_PAGE_MAX);
	r = chlog_mailbox_find(s->log, &in->mailbox, arena, &row, err);
	if (r != -1)
		r = r == 0 || session_in_scope(s, row.name);
	arena_free(&arena);
	return r;
}

int
intents_used(struct session *s, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < s->intent_count && r != -1; i++) {
		r = was_looked_at(s, &s->intents[i], err);
		if (r == 1)
			r = chlog_intent_drop(s->log, &s->intents[i], err);
	}
	s->intent_count = s->spelt_count = 0;
	return r == -1 ? -1 : 0;
}
