/*
 * One mailbox of the store against what the log knows of it.
 *
 * Both come by rising UID and are joined in one pass.  A message is the same
 * if UID and GUID are.  What only the log has goes into the table missing;
 * what only the store has becomes a new instance.  After the pass the two are
 * paired by GUID: such a message got another UID from somebody else, and goes
 * on as the instance that it was.  What is missing still is a tombstone.
 *
 * A store that must not be written may hold messages without UID; they come
 * last.  The log gave each one a UID when it first saw it, so at that point
 * all that the store has not named by UID is missing, and each of these
 * messages is looked for there by its GUID.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/mailbox_name.h"
#include "session/session_int.h"

#define TWINS_MAX	32U	/* instances of one GUID that are looked at */
#define PASS_ARENA_ITEMS	1000U	/* messages between two arenas */

struct pass {
	struct session *s;
	struct chlog_mailbox *row;
	bool first;			/* the first scan of a new log */
	bool keeps_guid;		/* the driver keeps GUIDs that it is given */
	uint64_t now, start_seq;
	struct arena *page_arena, *arena;
	unsigned int arena_items;
	struct chlog_state page[PAGE_MAX];
	size_t page_n, page_i;
	bool page_end;
	uint32_t page_after, uid_before;
	uint32_t uidnext;		/* above all UIDs seen or given */
	size_t missing, fresh, joined;
	uint32_t known_uidnext;		/* of the store, not by the log alone */
	bool restored;			/* E5 */
	bool doubt;			/* a message was told and can't be
					   known by its UID */
	bool row_changed;		/* another UIDVALIDITY */
	bool index_lost;		/* HIGHESTMODSEQ has shrunk */
	bool lost;			/* ... and a keyword with it */
	bool highest_moved;		/* from one HIGHESTMODSEQ to another */
	unsigned int changes;
};

/* Between two messages: what the last one needed is over. */
static void
pass_next(struct pass *p)
{
	if (++p->arena_items < PASS_ARENA_ITEMS)
		return;
	arena_free(&p->arena);
	p->arena = arena_new(ARENA_PAGE_MAX);
	p->arena_items = 0;
}

/* The next message of the log, NULL at the end; -1 on failure. */
static int
pass_peek(struct pass *p, struct chlog_state **state_r, struct err *err)
{
	ptrdiff_t n;

	*state_r = NULL;
	if (p->page_i == p->page_n && !p->page_end) {
		arena_free(&p->page_arena);
		p->page_arena = arena_new(ARENA_PAGE_MAX);
		n = chlog_states(p->s->log, p->row->id, p->page_after,
		    p->page_arena, p->page, PAGE_MAX, err);
		if (n == -1)
			return -1;
		p->page_i = 0;
		p->page_n = (size_t)n;
		p->page_end = n < (ptrdiff_t)PAGE_MAX;
		if (n > 0)
			p->page_after = p->page[n - 1].uid;
	}
	if (p->page_i < p->page_n)
		*state_r = &p->page[p->page_i];
	return 0;
}

/* All that the log knows of a message that it has. */
static int
pass_find(struct pass *p, uint32_t uid, struct chlog_mail *mail,
    struct err *err)
{
	int r = chlog_mail_find(p->s->log, p->row->id, uid, p->arena, mail,
	    err);

	if (r == 0)
		return err_set(err, ERR_CORRUPT, "change log: UID %u is gone "
		    "within a transaction", uid);
	return r == -1 ? -1 : 0;
}

static struct chlog_state
state_of(const struct chlog_mail *mail)
{
	return (struct chlog_state){ mail->m.uid, mail->m.guid, mail->m.flags,
	    mail->m.modseq };
}

static int
pass_missing(struct pass *p, uint32_t uid, struct err *err)
{
	struct chlog_mail mail;

	p->page_i++;
	p->missing++;
	pass_next(p);
	return pass_find(p, uid, &mail, err) == -1 ? -1 :
	    chlog_missing_add(p->s->log, &mail, err);
}

/* Keywords that no client could have set are not synchronised. */
static size_t
clean_keywords(struct pass *p, const struct mail_info *info,
    const char ***list_r)
{
	const char **list;
	size_t n = 0;

	if (info->keyword_count == 0) {
		*list_r = NULL;
		return 0;
	}
	list = arena_calloc(p->arena, info->keyword_count,
	    sizeof(*list));
	for (size_t i = 0; i < info->keyword_count && n < KEYWORDS_MAX; i++)
		if (keyword_valid(info->keywords[i],
		    strlen(info->keywords[i])))
			list[n++] = info->keywords[i];
	*list_r = list;
	return n;
}

/*
 * A store that has got another UIDVALIDITY was made anew of what is in its mail
 * files: what they can't hold (flags of a dbox, keywords for which a Maildir
 * has no letter) is lost there, and nobody has cleared it.  Only the state is
 * known (F3), so what another store has set comes back.  The same with keywords
 * where HIGHESTMODSEQ has shrunk: a Maildir lost its index.  Stamps of 0 count
 * only where both stores are looked at, which a changed UIDVALIDITY asks for.
 */
static struct mail_flags
pass_observe(struct pass *p, const struct chlog_state *state, flags_t flags,
    const char *const *keywords, size_t count)
{
	const struct mail_flags *old = &state->flags;
	struct mail_flags mf = mail_flags_observe(p->arena, old, flags,
	    keywords, count, p->now);

	intent_observe(p->s, &p->row->guid, state, &mf);
	if (!p->row_changed && !p->index_lost)
		return mf;
	for (size_t bit = 0; p->row_changed && bit < FLAG_COUNT; bit++)
		if (old->flags & ~mf.flags & 1U << bit)
			mf.stamps[bit] = 0;
	for (size_t i = 0; i < mf.keyword_count; i++) {
		const struct keyword *was = mail_flags_find(old,
		    mf.keywords[i].name);

		if (was != NULL && was->set && !mf.keywords[i].set) {
			mf.keywords[i].stamp = 0;
			p->lost = true;
		}
	}
	return mf;
}

/*
 * A modseq alone has no stamp, but the other store follows it (F6).  Those that
 * a mailbox has from now on, or that show up while its HIGHESTMODSEQ stands
 * still, are no change, unless one came with a UID that so far the log alone
 * had given.
 */
static bool
modseq_counts(const struct pass *p, const struct chlog_state *old,
    uint64_t modseq)
{
	return modseq != 0 && modseq != old->modseq && (old->modseq != 0 ||
	    p->highest_moved || old->uid >= p->known_uidnext);
}

/* Another GUID, or a modseq that is no change. */
static int
pass_rewrite(struct pass *p, const struct chlog_state *state, bool changed,
    struct err *err)
{
	struct chlog_mail mail;

	if (pass_find(p, state->uid, &mail, err) == -1)
		return -1;
	mail.m.guid = state->guid;
	mail.m.modseq = state->modseq;
	if (changed) {
		mail.m.flags = state->flags;
		mail.seq = chlog_next_seq(p->s->log);
		mail.run = RUN_NOBODY;
	}
	return chlog_mail_update(p->s->log, &mail, err);
}

static int
pass_compare(struct pass *p, const struct chlog_state *old,
    const struct mail_info *info, struct err *err)
{
	struct chlog_state state = *old;
	const char **keywords;
	size_t count = clean_keywords(p, info, &keywords);
	bool same, same_guid = strcmp(info->guid, old->guid) == 0;

	state.flags = pass_observe(p, old, info->flags, keywords, count);
	same = mail_flags_same(&old->flags, &state.flags);
	if (same && same_guid &&
	    (info->modseq == 0 || info->modseq == old->modseq))
		return 0;
	state.guid = info->guid;
	if (info->modseq != 0)
		state.modseq = info->modseq;
	if (modseq_counts(p, old, info->modseq))
		same = false;
	p->changes++;
	if (same || !same_guid)
		return pass_rewrite(p, &state, !same, err);
	return chlog_mail_set_state(p->s->log, p->row->id, &state,
	    chlog_next_seq(p->s->log), err);
}

static int
pass_new(struct pass *p, const struct mail_info *info, uint32_t uid,
    struct err *err)
{
	static const struct mail_flags none;
	struct chlog_mail mail = { .mailbox = p->row->id };
	const char **keywords;
	size_t count = clean_keywords(p, info, &keywords);
	struct guid128 mark = p->first ? guid_first_mark(&p->row->guid,
	    p->row->uidvalidity, uid, info->guid) : guid_random();
	const struct chlog_intent *in;

	if (intent_marks(p->s, p->row, uid, info->guid, p->arena, &in,
	    err) == -1)
		return -1;
	mail.m.uid = uid;
	mail.m.guid = info->guid;
	mail.m.marks = in != NULL ? in->marks : &mark;
	mail.m.mark_count = in != NULL ? in->mark_count : 1;
	/* Only the state was seen: stamps are 0 (F3). */
	mail.m.flags = mail_flags_observe(p->arena, &none, info->flags,
	    keywords, count, 0);
	memset(mail.m.flags.stamps, 0, sizeof(mail.m.flags.stamps));
	for (size_t i = 0; i < mail.m.flags.keyword_count; i++)
		mail.m.flags.keywords[i].stamp = 0;
	mail.m.modseq = info->modseq;
	mail.m.received = info->received;
	mail.m.pop3_uidl = info->pop3_uidl;
	mail.m.pop3_order = info->pop3_order;
	mail.seq = mail.born_seq = chlog_next_seq(p->s->log);
	p->fresh++;
	p->changes++;
	return chlog_mail_insert(p->s->log, &mail, err);
}

/* All that is left of the log was not named by the store. */
static int
pass_drain(struct pass *p, struct err *err)
{
	struct chlog_state *state;

	for (;;) {
		if (pass_peek(p, &state, err) == -1)
			return -1;
		if (state == NULL)
			return 0;
		if (pass_missing(p, state->uid, err) == -1)
			return -1;
	}
}

/* A message to which the format gave no UID yet. */
static int
pass_without_uid(struct pass *p, const struct mail_info *info,
    struct err *err)
{
	struct chlog_mail mail;
	struct chlog_state state;
	int r;

	if (pass_drain(p, err) == -1)
		return -1;
	r = chlog_missing_first(p->s->log, p->row->id, info->guid,
	    p->arena, &mail, err);
	if (r == -1)
		return -1;
	if (r == 1) {
		uint32_t was = mail.m.uid;
		struct chlog_mail taken;

		if (chlog_missing_drop(p->s->log, &mail, err) == -1)
			return -1;
		p->missing--;
		r = chlog_mail_find(p->s->log, p->row->id, was,
		    p->arena, &taken, err);
		if (r == -1)
			return -1;
		if (r == 1) {
			/* A message with a UID has it by now. */
			if (p->uidnext == UINT32_MAX)
				return 0;
			mail.m.uid = p->uidnext++;
			mail.seq = mail.uid_seq = chlog_next_seq(p->s->log);
			mail.run = mail.uid_run = RUN_NOBODY;
		}
		if (chlog_mail_insert(p->s->log, &mail, err) == -1)
			return -1;
		state = state_of(&mail);
		return pass_compare(p, &state, info, err);
	}
	if (p->uidnext == UINT32_MAX)
		return 0;
	return pass_new(p, info, p->uidnext++, err);
}

/*
 * A message that is there and can't be read: what the log knows of it stays,
 * for nobody has expunged it (E1).
 */
static int
pass_damaged(struct pass *p, const struct mail_info *info, struct err *err)
{
	struct chlog_state *state;
	struct err why = ERR_INIT;

	err_set(&why, ERR_CORRUPT, "the GUID of UID %u is not valid",
	    info->uid);
	session_problem(p->s, &p->row->guid, p->row->name, &why);
	if (info->uid <= p->uid_before)
		return 0;
	p->uid_before = info->uid;
	if (info->uid >= p->uidnext && info->uid < UINT32_MAX)
		p->uidnext = info->uid + 1;
	for (;;) {
		if (pass_peek(p, &state, err) == -1)
			return -1;
		if (state == NULL || state->uid > info->uid)
			return 0;
		if (state->uid == info->uid) {
			p->page_i++;
			return 0;
		}
		if (pass_missing(p, state->uid, err) == -1)
			return -1;
	}
}

/*
 * UIDs begin anew (M10), and a run was to give it another one: what has its
 * former UID now may be another message of the same GUID.
 */
static bool
is_renumbered(const struct pass *p, uint32_t uid)
{
	uint32_t to_be = !p->row_changed ? 0 :
	    intent_uid(p->s, &p->row->guid, uid);

	return to_be != 0 && to_be != uid;
}

/*
 * A store may keep GUIDs beside its messages and lose them: then it names a
 * message by the first half of its digest.  That is no other message.  1, 0,
 * -1.
 */
static int
is_same(struct pass *p, const struct chlog_state *old,
    const struct mail_info *info, struct err *err)
{
	char hex[GUID_HEX_SIZE];
	struct chlog_mail mail;
	int r;

	if (old->uid != info->uid)
		return 0;
	if (strcmp(old->guid, info->guid) == 0)
		return !is_renumbered(p, old->uid);
	if (!p->keeps_guid)
		return 1;
	r = chlog_mail_find(p->s->log, p->row->id, old->uid, p->arena, &mail,
	    err);
	if (r != 1 || mail.m.digest == NULL)
		return r == -1 ? -1 : 0;
	hex_format(hex, mail.m.digest, GUID_SIZE);
	return strcmp(hex, info->guid) == 0;
}

static int
pass_mail(const struct mail_info *info, void *arg, struct err *err)
{
	struct pass *p = arg;
	struct chlog_state *state;
	int r;

	pass_next(p);
	if (!guid_text_valid(info->guid, strlen(info->guid)))
		return pass_damaged(p, info, err);
	if (info->uid == 0)
		return pass_without_uid(p, info, err);
	if (info->uid <= p->uid_before) {
		struct err why = ERR_INIT;

		err_set(&why, ERR_CORRUPT, "UID %u is there twice or out of order",
		    info->uid);
		session_problem(p->s, &p->row->guid, p->row->name, &why);
		p->doubt = true;
		return 0;
	}
	p->uid_before = info->uid;
	if (info->uid >= p->uidnext)
		p->uidnext = info->uid == UINT32_MAX ? UINT32_MAX :
		    info->uid + 1;
	for (;;) {
		if (pass_peek(p, &state, err) == -1)
			return -1;
		if (state == NULL || state->uid > info->uid)
			return pass_new(p, info, info->uid, err);
		if ((r = is_same(p, state, info, err)) == -1)
			return -1;
		if (r == 1) {
			p->page_i++;
			return pass_compare(p, state, info, err);
		}
		/*
		 * E5: a UID is never used twice, so the store was taken back
		 * and has got new mail since.
		 */
		if (state->uid == info->uid && info->uid < p->known_uidnext) {
			p->restored = true;
			return -1;
		}
		if (pass_missing(p, state->uid, err) == -1)
			return -1;
	}
}

static int
write_tombstone(struct session *s, const struct guid128 *mailbox,
    const struct chlog_mail *mail, uint64_t now, struct err *err)
{
	struct chlog_tombstone tomb = {
		.mailbox = *mailbox,
		.g = { .uid = mail->m.uid, .guid = mail->m.guid,
		    .marks = mail->m.marks, .mark_count = mail->m.mark_count },
		.seq = chlog_next_seq(s->log),
		.born_seq = mail->born_seq,
		.born_run = mail->born_run,
		.time = now,
	};

	return chlog_tombstone_put(s->log, &tomb, err);
}

/* The instance goes on under the UID of the one that was just found. */
static int
pass_join(struct pass *p, const struct chlog_mail *old,
    struct chlog_mail *fresh, struct err *err)
{
	struct chlog_state state = state_of(old);
	const char **keywords = arena_calloc(p->arena,
	    fresh->m.flags.keyword_count, sizeof(*keywords));

	for (size_t i = 0; i < fresh->m.flags.keyword_count; i++)
		keywords[i] = fresh->m.flags.keywords[i].name;
	fresh->m.flags = pass_observe(p, &state, fresh->m.flags.flags,
	    keywords, fresh->m.flags.keyword_count);
	fresh->m.marks = old->m.marks;
	fresh->m.mark_count = old->m.mark_count;
	fresh->m.digest = old->m.digest;
	fresh->born_seq = old->born_seq;
	fresh->born_run = old->born_run;
	fresh->uid_seq = fresh->seq;
	fresh->uid_run = RUN_NOBODY;
	p->fresh--;
	p->joined++;
	return chlog_mail_update(p->s->log, fresh, err);
}

/*
 * Of two instances of one GUID one is gone, and one has another UID: nobody
 * can tell which.  So the one that is left goes on as both; it is dead for
 * another store only if both are (M3).  1: done so.
 */
static int
pass_join_twin(struct pass *p, const struct chlog_mail *old, struct err *err)
{
	struct chlog_mail list[TWINS_MAX], *twin = NULL;
	struct guid128 marks[2 * MARKS_MAX];
	ptrdiff_t n;
	size_t count = 0;

	if (p->joined == 0)
		return 0;
	n = chlog_mails_same(p->s->log, old->m.guid, NULL, p->arena,
	    list, TWINS_MAX, err);
	if (n == -1)
		return -1;
	for (ptrdiff_t i = 0; i < n && twin == NULL; i++)
		if (list[i].mailbox == p->row->id &&
		    list[i].uid_seq > p->start_seq)
			twin = &list[i];
	if (twin == NULL)
		return 0;
	for (size_t i = 0; i < twin->m.mark_count; i++)
		marks[count++] = twin->m.marks[i];
	for (size_t i = 0; i < old->m.mark_count; i++)
		marks[count++] = old->m.marks[i];
	count = marks_normalise(marks, count);
	twin->m.marks = marks;
	twin->m.mark_count = count > MARKS_MAX ? MARKS_MAX : count;
	return chlog_mail_update(p->s->log, twin, err) == -1 ? -1 : 1;
}

/*
 * A mark that a living message of the mailbox has as well proves nothing dead:
 * a run that ended in the middle of dropping a surplus twin leaves one (M5).
 * Returns how many marks are left of those in marks; -1.
 */
static ptrdiff_t
drop_living(struct pass *p, struct guid128 *marks, size_t count,
    struct err *err)
{
	struct chlog_mail living;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < count; i++) {
		r = chlog_mail_find_mark(p->s->log, p->row->id, &marks[i],
		    p->arena, &living, err);
		if (r == -1)
			return -1;
		if (r == 0)
			marks[n++] = marks[i];
	}
	return (ptrdiff_t)n;
}

static int
pass_gone(struct pass *p, const struct chlog_mail *old, struct err *err)
{
	struct guid128 marks[MARKS_MAX];
	struct chlog_mail dead = *old;
	ptrdiff_t n;
	int r = pass_join_twin(p, old, err);

	if (r != 0)
		return r == -1 ? -1 : 0;
	if (dead.m.mark_count > MARKS_MAX)
		dead.m.mark_count = MARKS_MAX;
	memcpy(marks, old->m.marks, dead.m.mark_count * sizeof(*marks));
	n = drop_living(p, marks, dead.m.mark_count, err);
	if (n <= 0)
		return n == -1 ? -1 : 0;
	dead.m.marks = marks;
	dead.m.mark_count = (size_t)n;
	return write_tombstone(p->s, &p->row->guid, &dead, p->now, err);
}

/*
 * It may be one of those that are there under a UID of another one, so what the
 * log knows of it stays (P1).  1: done so, 0: that UID is another one's.
 */
static int
pass_keep(struct pass *p, const struct chlog_mail *old, struct err *err)
{
	struct chlog_mail taken;
	int r;

	if (!p->doubt)
		return 0;
	r = chlog_mail_find(p->s->log, p->row->id, old->m.uid, p->arena,
	    &taken, err);
	if (r != 0)
		return r == -1 ? -1 : 0;
	return chlog_mail_insert(p->s->log, old, err) == -1 ? -1 : 1;
}

/*
 * The message that was just found in place of old: the one under the UID that
 * a run was to give it, else any of that GUID.  1, 0, -1.
 */
static int
find_moved(struct pass *p, const struct chlog_mail *old,
    struct chlog_mail *fresh, struct err *err)
{
	uint32_t uid = intent_uid(p->s, &p->row->guid, old->m.uid);
	int r;

	if (p->fresh == 0)
		return 0;
	if (uid != 0) {
		r = chlog_mail_find(p->s->log, p->row->id, uid, p->arena,
		    fresh, err);
		if (r == -1 || (r == 1 && fresh->born_seq > p->start_seq &&
		    strcmp(fresh->m.guid, old->m.guid) == 0))
			return r;
	}
	return chlog_mail_find_guid(p->s->log, p->row->id, old->m.guid,
	    p->start_seq, p->arena, fresh, err);
}

static int
pass_pair(struct pass *p, struct err *err)
{
	struct chlog_mail old, fresh;
	int r;

	while (p->missing > 0) {
		pass_next(p);
		if ((r = chlog_missing_first(p->s->log, p->row->id, NULL,
		    p->arena, &old, err)) == -1)
			return -1;
		if (r == 0)
			break;
		p->missing--;
		p->changes++;
		if ((r = find_moved(p, &old, &fresh, err)) == -1)
			return -1;
		if (r == 1)
			r = pass_join(p, &old, &fresh, err);
		else if ((r = pass_keep(p, &old, err)) == 0)
			r = pass_gone(p, &old, err);
		if (r == -1 || chlog_missing_drop(p->s->log, &old, err) == -1)
			return -1;
	}
	return 0;
}

/* UIDVALIDITY and UIDNEXT as the store has them now. */
static int
update_row(struct pass *p, const struct mailbox_status *status,
    struct err *err)
{
	struct chlog_mailbox *row = p->row, was = *row;
	uint32_t uidnext = status->uidnext > p->uidnext ? status->uidnext :
	    p->uidnext;

	row->store_uidnext = status->uidnext;
	row->highestmodseq = status->highestmodseq;
	if (p->lost && !p->row_changed) {
		row->seq = row->uidvalidity_seq = chlog_next_seq(p->s->log);
		row->run = row->uidvalidity_run = RUN_NOBODY;
		p->row_changed = true;
	}
	if (row->uidnext != uidnext || (status->highestmodseq != 0 &&
	    was.highestmodseq != status->highestmodseq)) {
		row->uidnext = uidnext;
		row->seq = chlog_next_seq(p->s->log);
		row->run = RUN_NOBODY;
	}
	if (!p->row_changed && was.uidnext == row->uidnext &&
	    was.store_uidnext == row->store_uidnext &&
	    was.highestmodseq == row->highestmodseq)
		return 0;
	return chlog_mailbox_put(p->s->log, row, err);
}

int
scan_mailbox(struct session *s, struct chlog_mailbox *row,
    struct mailbox *box, const struct mailbox_status *status, bool first,
    unsigned int *changes, struct err *err)
{
	struct pass *p;
	int r = -1;

	if (status->uidvalidity != 0 &&
	    status->uidvalidity == row->uidvalidity &&
	    status->uidnext < row->store_uidnext)
		return 1;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_sys(err, "scan");
	p->s = s;
	p->row = row;
	p->first = first;
	p->keeps_guid = (s->driver->caps & STORE_CAP_SAVE_GUID) != 0;
	p->now = clock_now_ms();
	p->start_seq = chlog_head(s->log);
	p->known_uidnext = row->store_uidnext;
	p->index_lost = status->highestmodseq < row->highestmodseq;
	p->highest_moved = row->highestmodseq != 0 &&
	    status->highestmodseq != row->highestmodseq;
	p->arena = arena_new(ARENA_PAGE_MAX);
	if (status->uidvalidity != 0 &&
	    status->uidvalidity != row->uidvalidity) {
		row->uidvalidity = status->uidvalidity;
		row->uidnext = p->known_uidnext = 1;
		row->seq = row->uidvalidity_seq = chlog_next_seq(s->log);
		row->run = row->uidvalidity_run = RUN_NOBODY;
		p->row_changed = true;
	}
	/* UIDs that the log gave stay above those of the store. */
	p->uidnext = status->uidnext > 1 ? status->uidnext : 1;
	if (row->uidnext > row->store_uidnext && row->uidnext > p->uidnext)
		p->uidnext = row->uidnext;
	if (s->driver->scan(box, pass_mail, p, err) == 0 &&
	    pass_drain(p, err) == 0 && pass_pair(p, err) == 0 &&
	    update_row(p, status, err) == 0)
		r = 0;
	if (p->restored)
		r = 1;
	*changes += p->changes;
	arena_free(&p->page_arena);
	arena_free(&p->arena);
	free(p);
	return r;
}

int
scan_mailbox_gone(struct session *s, const struct chlog_mailbox *row,
    struct err *err)
{
	struct chlog_mailbox_gone gone = { .guid = row->guid,
	    .name = row->name, .born_seq = row->born_seq,
	    .born_run = row->born_run };
	struct chlog_mail *page = calloc(PAGE_MAX, sizeof(*page));
	uint64_t now = clock_now_ms();
	struct arena *arena = NULL;
	ptrdiff_t n = -1;

	if (page == NULL)
		return err_sys(err, "scan");
	do {
		arena_free(&arena);
		arena = arena_new(ARENA_PAGE_MAX);
		n = chlog_mails(s->log, row->id, 0, UINT32_MAX, NULL, arena,
		    page, PAGE_MAX, err);
		for (ptrdiff_t i = 0; i < n; i++) {
			if (write_tombstone(s, &row->guid, &page[i], now,
			    err) == -1 || chlog_mail_delete(s->log, &page[i],
			    err) == -1) {
				n = -1;
				break;
			}
		}
	} while (n > 0);
	arena_free(&arena);
	free(page);
	if (n == -1)
		return -1;
	gone.stamp = intent_removal(s, &row->guid,
	    now > row->exist_stamp ? now : row->exist_stamp + 1);
	if (gone.stamp > STAMP_MAX)
		gone.stamp = STAMP_MAX;
	gone.seq = chlog_next_seq(s->log);
	return chlog_mailbox_remove(s->log, row->id, &gone, now, err);
}
