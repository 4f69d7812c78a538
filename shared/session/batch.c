/*
 * A batch: prepared operations that become durable together.
 *
 * The log's write lock is taken before the driver changes the store and kept
 * until the log is written, so that no scan of another process sees the one
 * without the other.  If this process ends between the two, the next scan
 * finds the changes as anybody's, with the stamps that were intended.
 *
 * A record carries the run's mark if all is as it was asked for, and the
 * negative mark if not: then it still counts as this run's own for its further
 * operations, and as news for the next run.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "session/session_int.h"

/* A FLUSH is put off as long as bodies get through, and not longer than so. */
#define FLUSH_WAIT_MS	100U
#define FLUSH_WAITS_MAX	1000U
#define AWAY_PAGE	64U	/* messages put away at a time */

struct batch_op *
batch_add(struct session *s, enum batch_kind kind, uint32_t op,
    const struct chlog_mailbox *row)
{
	struct batch_op *b = ARRAY_ADD(&s->batch);

	b->kind = kind;
	b->op = op;
	b->mailbox = row->id;
	b->mailbox_guid = row->guid;
	return b;
}

/* The tag of the operation that was added last. */
uint64_t
batch_tag(const struct session *s)
{
	return s->batch.n - 1;
}

static bool
may_join(unsigned int before, enum batch_kind kind)
{
	if (before == 0)
		return true;
	return before == 1U << BATCH_FLAGS && kind != BATCH_FLAGS &&
	    kind != BATCH_MODSEQ;
}

bool
batch_touch(struct session *s, int64_t mailbox, uint32_t uid,
    enum batch_kind kind)
{
	uint64_t hash = ((uint64_t)mailbox * 0x9e3779b97f4a7c15ULL) ^
	    ((uint64_t)uid * 0xc2b2ae3d27d4eb4fULL);
	size_t i = (size_t)(hash >> 40) % TOUCHED_SLOTS;

	if (s->renumbering)
		return true;	/* flags, then the UID, of each message */
	if (s->touched == NULL)
		s->touched = mem_alloc(TOUCHED_SLOTS * sizeof(*s->touched));

	while (s->touched[i].mailbox != 0 &&
	    (s->touched[i].mailbox != mailbox || s->touched[i].uid != uid))
		i = (i + 1) % TOUCHED_SLOTS;
	if (!may_join(s->touched[i].mailbox == 0 ? 0 : s->touched[i].kinds,
	    kind))
		return false;
	if (s->touched[i].mailbox == 0) {
		/* Those of operations that failed at once are here too. */
		if (s->touched_count >= TOUCHED_SLOTS / 2)
			return false;
		s->touched_count++;
		s->touched[i].mailbox = mailbox;
		s->touched[i].uid = uid;
		s->touched[i].kinds = 0;
	}
	s->touched[i].kinds |= 1U << kind;
	return true;
}

static void
on_done(uint64_t tag, uint32_t uid, uint64_t modseq,
    const struct err *failure, void *arg)
{
	struct session *s = arg;
	struct batch_op *op;

	if (tag >= s->batch.n)
		return;
	op = &s->batch.v[tag];
	op->answered = true;
	op->uid = uid;
	op->modseq = modseq;
	if (failure != NULL) {
		op->code = failure->code;
		op->text = arena_strdup(s->batch_arena, failure->msg);
	}
}

/* Marks of a and b, sorted; those beyond the limit are dropped. */
static size_t
join_marks(struct guid128 *out, const struct guid128 *a, size_t a_count,
    const struct guid128 *b, size_t b_count)
{
	struct guid128 all[2 * MARKS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < a_count && i < MARKS_MAX; i++)
		all[n++] = a[i];
	for (size_t i = 0; i < b_count && i < MARKS_MAX; i++)
		all[n++] = b[i];
	n = marks_normalise(all, n);
	if (n > MARKS_MAX)
		n = MARKS_MAX;
	memcpy(out, all, n * sizeof(*out));
	return n;
}

/* The mailbox's UIDNEXT as it follows from what was written in it. */
static int
raise_uidnext(struct session *s, int64_t mailbox, uint32_t uid,
    int64_t run, struct err *err)
{
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	struct chlog_mailbox row;
	uint32_t next = uid == UINT32_MAX ? uid : uid + 1;
	int r = chlog_mailbox_find_id(s->log, mailbox, arena, &row, err);

	if (r == 1 && (row.uidnext < next || row.store_uidnext < next)) {
		if (row.store_uidnext < next)
			row.store_uidnext = next;
		if (row.uidnext < next) {
			row.uidnext = next;
			row.seq = chlog_next_seq(s->log);
			row.run = run;
		}
		r = chlog_mailbox_put(s->log, &row, err);
	}
	arena_free(&arena);
	return r == -1 ? -1 : 0;
}

/*
 * The log believes another message under this UID, which the store has given
 * away.  Where that one is now, the next scan finds by its GUID; until then it
 * keeps its record under a UID that no store gives.  1: the log has the message
 * itself there, in *mail; 0: nothing, any more; -1.
 */
static int
make_room(struct session *s, int64_t mailbox, uint32_t uid,
    const char *guid, struct arena *arena, struct chlog_mail *mail,
    struct err *err)
{
	struct chlog_mail other;
	uint32_t away = UINT32_MAX;
	int r = chlog_mail_find(s->log, mailbox, uid, arena, mail, err);

	if (r != 1 || strcmp(mail->m.guid, guid) == 0)
		return r;
	while ((r = chlog_mail_find(s->log, mailbox, away, arena, &other,
	    err)) == 1)
		away--;
	mail->seq = chlog_next_seq(s->log);
	mail->run = RUN_NOBODY;
	return r == -1 ? -1 : chlog_mail_move(s->log, mail, away, err);
}

/*
 * All keywords found room, and the modseq is the one (F6).  One that is not
 * known may turn up as another one, such as when Dovecot makes the index while
 * the mailbox is written to; unless the mailbox keeps none.
 */
static bool
as_asked(const struct session *s, const struct batch_op *op)
{
	if (op->partial)
		return false;
	return op->want_modseq == 0 || op->modseq == op->want_modseq ||
	    (op->modseq < op->want_modseq &&
	    !modseq_is_kept(s, op->mailbox));
}

/* Of two operations on one message the driver's order is its own. */
static void
take_modseq(struct chlog_mail *mail, const struct batch_op *op)
{
	if (op->modseq > mail->m.modseq)
		mail->m.modseq = op->modseq;
}

static int
log_new(struct session *s, const struct batch_op *op, int64_t run,
    struct arena *arena, struct err *err)
{
	struct guid128 marks[MARKS_MAX];
	struct chlog_mail mail = { .m = op->m, .mailbox = op->mailbox }, old;
	int r;

	if ((r = make_room(s, op->mailbox, op->uid, op->m.guid, arena, &old,
	    err)) == -1)
		return -1;
	mail.m.uid = op->uid;
	mail.m.modseq = op->modseq;
	mail.m.marks = marks;
	mail.m.mark_count = join_marks(marks, op->m.marks, op->m.mark_count,
	    NULL, 0);
	mail.seq = mail.born_seq = chlog_next_seq(s->log);
	mail.born_run = run;
	mail.run = op->uid == op->m.uid && as_asked(s, op) ? run : -run;
	if (op->uid != op->m.uid) {
		mail.uid_seq = mail.seq;
		mail.uid_run = mail.run;
	}
	if (r == 1) {
		/* Seen by a scan before: what it was called there stays. */
		mail.m.mark_count = join_marks(marks, op->m.marks,
		    op->m.mark_count, old.m.marks, old.m.mark_count);
		mail.run = -run;
		r = chlog_mail_update(s->log, &mail, err);
	} else {
		r = chlog_mail_insert(s->log, &mail, err);
	}
	return r;
}

/*
 * The marks that a message is to have, but for those of another mail: with
 * them the one's end would pass for the other's.  A surplus twin is the same
 * mail and gives its marks away.
 */
static ptrdiff_t
free_marks(struct session *s, const struct batch_op *op,
    const struct chlog_mail *mail, struct arena *arena,
    struct guid128 out[static MARKS_MAX], struct err *err)
{
	struct chlog_mail other;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < op->mark_count && i < MARKS_MAX; i++) {
		if (!marks_have(mail->m.marks, mail->m.mark_count,
		    &op->marks[i])) {
			r = chlog_mail_find_mark(s->log, op->mailbox,
			    &op->marks[i], arena, &other, err);
			if (r == -1)
				return -1;
			if (r == 1 && strcmp(other.m.guid, mail->m.guid) != 0)
				continue;
		}
		out[n++] = op->marks[i];
	}
	return (ptrdiff_t)n;
}

/*
 * The run that a record is to carry.  One that this run wrote otherwise than
 * planned stays news, even if it is put right: the other side is told in the
 * same run (M12), and the process may end before it does what it is told (P5).
 */
static int64_t
run_kept(const struct chlog_mail *old, bool planned, int64_t run)
{
	return planned && old->run != -run && old->uid_run != -run ? run :
	    -run;
}

/*
 * Flags, marks and modseq are there already.  A brain that was not told of this
 * side may say so; if it were noted as a change, a third store would be told,
 * and tell it on, and three of them in a ring would never rest (P4).
 */
static bool
is_no_change(const struct session *s, const struct batch_op *op,
    const struct chlog_mail *mail, const struct guid128 *marks, size_t n)
{
	bool same = op->new_uid == op->m.uid && as_asked(s, op) &&
	    op->modseq <= mail->m.modseq && n == mail->m.mark_count &&
	    mail_flags_identical(&mail->m.flags, &op->m.flags);

	for (size_t i = 0; i < n && same; i++)
		same = marks_have(mail->m.marks, mail->m.mark_count,
		    &marks[i]);
	return same;
}

static int
log_flags(struct session *s, const struct batch_op *op, int64_t run,
    struct arena *arena, struct err *err)
{
	struct guid128 marks[MARKS_MAX], wanted[MARKS_MAX];
	struct chlog_mail mail;
	ptrdiff_t n;
	int r = chlog_mail_find(s->log, op->mailbox, op->m.uid, arena, &mail,
	    err);

	if (r != 1)
		return r;
	if ((n = free_marks(s, op, &mail, arena, wanted, err)) == -1)
		return -1;
	if (is_no_change(s, op, &mail, wanted, (size_t)n))
		return 0;
	mail.m.flags = op->m.flags;
	if (n > 0) {
		mail.m.mark_count = join_marks(marks, wanted, (size_t)n,
		    NULL, 0);
		mail.m.marks = marks;
	}
	mail.seq = chlog_next_seq(s->log);
	take_modseq(&mail, op);
	mail.run = run_kept(&mail, op->new_uid == op->m.uid && as_asked(s, op),
	    run);
	return chlog_mail_update(s->log, &mail, err);
}

static int
log_modseq(struct session *s, const struct batch_op *op, int64_t run,
    struct arena *arena, struct err *err)
{
	struct chlog_mail mail;
	int r = chlog_mail_find(s->log, op->mailbox, op->m.uid, arena, &mail,
	    err);

	if (r != 1 || op->modseq == 0)
		return r;
	take_modseq(&mail, op);
	mail.seq = chlog_next_seq(s->log);
	/*
	 * Its own modseq again: the other side has followed, durably.  But
	 * another UID than was planned is still to be looked at (M12).
	 */
	if (op->log_only && mail.uid_run != -run)
		mail.run = run;
	else
		mail.run = run_kept(&mail, as_asked(s, op), run);
	return chlog_mail_update(s->log, &mail, err);
}

static int
log_set_uid(struct session *s, const struct batch_op *op, int64_t run,
    struct arena *arena, struct err *err)
{
	struct chlog_mail mail, other;
	int found = 0;
	int r = chlog_mail_find(s->log, op->mailbox, op->m.uid, arena, &mail,
	    err);

	if (r != 1 || (op->uid != op->m.uid && (found = make_room(s,
	    op->mailbox, op->uid, mail.m.guid, arena, &other, err)) == -1))
		return r == 0 ? 0 : -1;
	mail.seq = chlog_next_seq(s->log);
	take_modseq(&mail, op);
	mail.run = run_kept(&mail, op->uid == op->new_uid && as_asked(s, op),
	    run);
	mail.uid_seq = mail.seq;
	mail.uid_run = mail.run;
	if (op->uid == op->m.uid)
		return chlog_mail_update(s->log, &mail, err);
	if (found == 1 && chlog_mail_delete(s->log, &other, err) == -1)
		return -1;
	return chlog_mail_move(s->log, &mail, op->uid, err);
}

static int
log_expunge(struct session *s, const struct batch_op *op, int64_t run,
    struct arena *arena, struct err *err)
{
	struct guid128 marks[MARKS_MAX];
	struct chlog_tombstone tomb = { .mailbox = op->mailbox_guid };
	struct chlog_mail mail;
	int r = chlog_mail_find(s->log, op->mailbox, op->m.uid, arena, &mail,
	    err);

	if (r != 1)
		return r;
	if (chlog_mail_delete(s->log, &mail, err) == -1)
		return -1;
	if (op->no_tombstone)
		return 0;
	tomb.g.uid = mail.m.uid;
	tomb.g.guid = mail.m.guid;
	tomb.g.marks = marks;
	tomb.g.mark_count = join_marks(marks, mail.m.marks,
	    mail.m.mark_count, op->marks, op->mark_count);
	tomb.seq = chlog_next_seq(s->log);
	tomb.run = run;
	tomb.born_seq = mail.born_seq;
	tomb.born_run = mail.born_run;
	tomb.time = clock_now_ms();
	return chlog_tombstone_put(s->log, &tomb, err);
}

static int
log_status(struct session *s, const struct batch_op *op, int64_t run,
    struct arena *arena, struct err *err)
{
	struct chlog_mailbox row;
	int r = chlog_mailbox_find_id(s->log, op->mailbox, arena, &row, err);

	if (r != 1)
		return r;
	row.seq = chlog_next_seq(s->log);
	row.run = run;
	if (op->status.uidvalidity != 0 &&
	    op->status.uidvalidity != row.uidvalidity) {
		row.uidvalidity = op->status.uidvalidity;
		row.uidvalidity_seq = row.seq;
		row.uidvalidity_run = run;
		row.uidnext = row.store_uidnext = 1;
	}
	if (op->status.uidnext > row.uidnext)
		row.uidnext = op->status.uidnext;
	if (op->status.uidnext > row.store_uidnext)
		row.store_uidnext = op->status.uidnext;
	return chlog_mailbox_put(s->log, &row, err);
}

static int
log_op(struct session *s, const struct batch_op *op, int64_t run,
    struct err *err)
{
	struct arena *arena = arena_new(ARENA_PAGE_MAX);
	int r = 0;

	switch (op->kind) {
	case BATCH_SAVE:
	case BATCH_COPY:
		r = log_new(s, op, run, arena, err);
		break;
	case BATCH_FLAGS:
		r = log_flags(s, op, run, arena, err);
		break;
	case BATCH_SET_UID:
		r = log_set_uid(s, op, run, arena, err);
		break;
	case BATCH_MODSEQ:
		r = log_modseq(s, op, run, arena, err);
		break;
	case BATCH_EXPUNGE:
		r = log_expunge(s, op, run, arena, err);
		break;
	case BATCH_STATUS:
		r = log_status(s, op, run, arena, err);
		break;
	}
	arena_free(&arena);
	return r == -1 ? -1 : 0;
}

/*
 * UIDs have begun anew, and the messages that are left got none that anybody
 * knows of: as with make_room, the next scan finds where they are.
 */
static int
put_away(struct session *s, int64_t mailbox, struct err *err)
{
	struct arena *arena = arena_new(ARENA_TREE_MAX);
	struct chlog_mail page[AWAY_PAGE], other;
	struct chlog_mailbox row;
	uint32_t away = UINT32_MAX;
	ptrdiff_t n = 0;
	int r = chlog_mailbox_find_id(s->log, mailbox, arena, &row, err);

	while (r == 1 && (n = chlog_mails(s->log, mailbox, 0,
	    row.uidnext - 1, NULL, arena, page, AWAY_PAGE, err)) > 0)
		for (ptrdiff_t i = 0; i < n && r != -1; i++) {
			while ((r = chlog_mail_find(s->log, mailbox, away,
			    arena, &other, err)) == 1)
				away--;
			page[i].seq = chlog_next_seq(s->log);
			page[i].run = RUN_NOBODY;
			if (r == 0 && (r = chlog_mail_move(s->log, &page[i],
			    away, err)) == 0)
				r = 1;
		}
	arena_free(&arena);
	return r == -1 || n == -1 ? -1 : 0;
}

/*
 * All messages of a renumbered mailbox leave the log before the first one
 * comes back: one's new UID is another one's old one.
 */
static int
log_renumber(struct session *s, int64_t run, struct err *err)
{
	struct arena *arena = arena_new(ARENA_TREE_MAX);
	struct chlog_mail *mails = arena_calloc(arena, s->batch.n,
	    sizeof(*mails)), other;
	struct batch_op *op;
	int r = 0;

	for (size_t i = 0; i < s->batch.n && r != -1; i++) {
		op = &s->batch.v[i];
		if (op->kind != BATCH_SET_UID || op->code != ERR_NONE)
			continue;
		r = chlog_mail_find(s->log, op->mailbox, op->m.uid, arena,
		    &mails[i], err);
		if (r == 1)
			r = chlog_mail_delete(s->log, &mails[i], err);
	}
	for (size_t i = 0; i < s->batch.n && r != -1; i++) {
		op = &s->batch.v[i];
		if (op->kind == BATCH_STATUS && op->code == ERR_NONE &&
		    op->status.uidvalidity != 0)
			r = put_away(s, op->mailbox, err);
	}
	for (size_t i = 0; i < s->batch.n && r != -1; i++) {
		op = &s->batch.v[i];
		if (mails[i].mailbox == 0)
			continue;
		mails[i].m.uid = op->uid;
		mails[i].seq = chlog_next_seq(s->log);
		take_modseq(&mails[i], op);
		mails[i].run = run_kept(&mails[i],
		    op->uid == op->new_uid && as_asked(s, op), run);
		mails[i].uid_seq = mails[i].seq;
		mails[i].uid_run = mails[i].run;
		/* Twins of one GUID are told apart by the next scan. */
		if ((r = make_room(s, op->mailbox, op->uid, "", arena,
		    &other, err)) != -1)
			r = chlog_mail_insert(s->log, &mails[i], err);
	}
	arena_free(&arena);
	return r == -1 ? -1 : 0;
}

/* Once for each mailbox: the batch mostly has all of one in a row. */
static int
raise_all(struct session *s, int64_t run, struct err *err)
{
	struct {
		int64_t mailbox;
		uint32_t uid;		/* the highest one given */
	} *boxes = arena_calloc(s->batch_arena, s->batch.n, sizeof(*boxes));
	size_t n = 0, k = 0;

	for (size_t i = 0; i < s->batch.n; i++) {
		const struct batch_op *op = &s->batch.v[i];

		if (op->code != ERR_NONE || (op->kind != BATCH_SAVE &&
		    op->kind != BATCH_COPY && op->kind != BATCH_SET_UID))
			continue;
		if (k >= n || boxes[k].mailbox != op->mailbox)
			for (k = 0; k < n &&
			    boxes[k].mailbox != op->mailbox; k++)
				;
		if (k == n)
			boxes[n++].mailbox = op->mailbox;
		if (op->uid > boxes[k].uid)
			boxes[k].uid = op->uid;
	}
	for (k = 0; k < n; k++)
		if (raise_uidnext(s, boxes[k].mailbox, boxes[k].uid, run,
		    err) == -1)
			return -1;
	return 0;
}

static int
log_all(struct session *s, struct err *err)
{
	int64_t run;

	if (chlog_run_get(s->log, &s->hello.run, &run, err) == -1 ||
	    digests_write(s, err) == -1)
		return -1;
	/* Flags first: they name the UIDs from before. */
	for (size_t i = 0; s->renumbering && i < s->batch.n; i++)
		if (s->batch.v[i].code == ERR_NONE &&
		    s->batch.v[i].kind == BATCH_FLAGS &&
		    log_op(s, &s->batch.v[i], run, err) == -1)
			return -1;
	if (s->renumbering && log_renumber(s, run, err) == -1)
		return -1;
	for (size_t i = 0; i < s->batch.n; i++)
		if (s->batch.v[i].code == ERR_NONE &&
		    !(s->renumbering && (s->batch.v[i].kind == BATCH_FLAGS ||
		    s->batch.v[i].kind == BATCH_SET_UID)) &&
		    log_op(s, &s->batch.v[i], run, err) == -1)
			return -1;
	return raise_all(s, run, err) == -1 ? -1 :
	    chlog_intents_done(s->log, &s->hello.run, err);
}

/* Tell what did not go exactly as asked. */
static void
answer_op(struct session *s, const struct batch_op *op)
{
	uint32_t wanted = op->kind == BATCH_SET_UID ? op->new_uid :
	    op->m.uid;
	enum result_status status = RESULT_FAILED;

	if (op->partial) {
		static const char why[] = "no room is left for a keyword";

		apply_result(s, op->op, RESULT_PARTIAL, 0, ERR_REFUSED, why);
		session_add_pending(s, &op->mailbox_guid, op->uid != 0 ?
		    op->uid : op->m.uid, &op->m.marks[0], why);
	}
	if (op->code == ERR_NONE) {
		modseq_answer(s, op);
		if ((op->kind == BATCH_SAVE || op->kind == BATCH_COPY ||
		    op->kind == BATCH_SET_UID) && op->uid != wanted)
			apply_result(s, op->op, RESULT_OTHER_UID, op->uid,
			    ERR_NONE, "");
		else if ((op->kind == BATCH_FLAGS ||
		    op->kind == BATCH_EXPUNGE) && op->new_uid != op->m.uid)
			apply_result(s, op->op, RESULT_OTHER_UID, op->m.uid,
			    ERR_NONE, "");
		return;
	}
	if (op->kind == BATCH_SAVE || op->kind == BATCH_COPY)
		session_add_unsaved(s, op->m.guid);
	if (op->code == ERR_STALE)
		status = RESULT_STALE;
	else if (op->kind == BATCH_COPY && op->code == ERR_NOTFOUND)
		status = RESULT_NOT_HELD;
	apply_result(s, op->op, status, 0, op->code, op->text);
	if (status == RESULT_NOT_HELD)
		session_add_waiting(s, &op->mailbox_guid, &op->m.marks[0]);
	session_add_pending(s, &op->mailbox_guid, op->m.uid,
	    op->m.mark_count > 0 ? &op->m.marks[0] : NULL,
	    session_err_text(s, op->code, op->text));
	if (op->kind == BATCH_FLAGS)
		session_add_marks(s, &op->mailbox_guid, op->m.uid, op->marks,
		    op->mark_count, session_err_text(s, op->code, op->text));
}

static void
batch_clear(struct session *s)
{
	s->batch.n = 0;
	s->batch_bytes = 0;
	s->renumbering = false;
	arena_free(&s->batch_arena);
	s->batch_arena = arena_new(ARENA_PAGE_MAX);
	if (s->touched_count > 0)
		memset(s->touched, 0, TOUCHED_SLOTS * sizeof(*s->touched));
	s->touched_count = 0;
	for (size_t i = 0; i < s->boxes.n; i++)
		s->boxes.v[i].dirty = false;
	apply_row_forget(s);
}

/* Everything below the first operation that waits is durable. */
static void
send_done(struct session *s, uint32_t op)
{
	struct msg msg = { .kind = MSG_DONE };

	if (op <= s->done_op)
		return;
	s->done_op = op;
	msg.u.done.op = op;
	session_send(s, &msg);
}

/* The number of the first operation that waits for a body. */
static uint32_t
held_op(const struct session *s)
{
	const struct msg *msg = &s->held.v[s->held_i].msg;

	switch (s->held.v[s->held_i].kind) {
	case MSG_OP_EXPUNGE:
		return msg->u.op_expunge.op;
	case MSG_OP_MAILBOX:
		return msg->u.op_mailbox.op;
	case MSG_OP_MAILBOX_DELETE:
		return msg->u.op_mailbox_delete.op;
	default:
		return 1;
	}
}

int
batch_flush(struct session *s, struct err *err)
{
	uint32_t done;

	if (tree_batch_flush(s, err) == -1)
		return -1;
	if (s->batch.n == 0) {
		/* Operations that failed at once leave memory behind. */
		if (s->touched_count >= TOUCHED_SLOTS / 2 ||
		    arena_used(s->batch_arena) >= BATCH_MEMORY_MAX)
			batch_clear(s);
		return 0;
	}
	/* What is logged without the driver is done as it is. */
	for (size_t i = 0; i < s->batch.n; i++)
		if (s->batch.v[i].log_only)
			s->batch.v[i].answered = true;
	if (intend_mails(s, err) == -1 || chlog_begin(s->log, err) == -1)
		return -1;
	s->left_out = 0;
	if (s->driver->flush(s->store, on_done, s, err) == -1 ||
	    (s->left_out > 0 && batch_find_partial(s, err) == -1)) {
		chlog_rollback(s->log);
		return err_prefix(err, "the store is in doubt");
	}
	for (size_t i = 0; i < s->batch.n; i++)
		if (!s->batch.v[i].answered) {
			s->batch.v[i].code = ERR_TEMP;
			s->batch.v[i].text = "it was not done";
		}
	if (log_all(s, err) == -1 || modseq_flushed(s, err) == -1) {
		chlog_rollback(s->log);
		return -1;
	}
	if (chlog_commit(s->log, err) == -1)
		return -1;
	done = 0;
	for (size_t i = 0; i < s->batch.n; i++) {
		answer_op(s, &s->batch.v[i]);
		if (s->batch.v[i].op > done)
			done = s->batch.v[i].op;
	}
	batch_clear(s);
	if (s->held_i < s->held.n && held_op(s) <= done)
		done = held_op(s) - 1;
	/* The answer to a FLUSH that waits for nothing else says it all. */
	if (s->flush_op == 0 || s->held_i < s->held.n)
		send_done(s, done);
	return 0;
}

int
batch_flush_if_full(struct session *s, struct err *err)
{
	/* A renumbering is one step of the store (M10). */
	if (s->renumbering && s->batch.n < RENUMBER_OPS_MAX &&
	    arena_used(s->batch_arena) < ARENA_PAGE_MAX)
		return 0;
	if (s->batch.n < BATCH_OPS_MAX && s->batch_bytes < BATCH_BYTES_MAX &&
	    arena_used(s->batch_arena) < BATCH_MEMORY_MAX)
		return 0;
	return batch_flush(s, err);
}

int
batch_answer_flush(struct session *s, struct err *err)
{
	if (s->flush_op == 0 || s->held_i < s->held.n)
		return 0;
	if (batch_flush(s, err) == -1)
		return -1;
	send_done(s, s->flush_op);
	s->flush_op = 0;
	return 0;
}

int
batch_flush_before(struct session *s, uint32_t op, struct err *err)
{
	if (batch_flush(s, err) == -1)
		return -1;
	if (s->flush_op != 0 && s->flush_op < op) {
		send_done(s, s->flush_op);
		s->flush_op = 0;
		s->flush_at = 0;
	}
	return 0;
}

int
on_flush(struct session *s, const struct msg *msg, struct err *err)
{
	if (apply_take_op(s, msg->u.flush.op, err) == -1)
		return -1;
	s->flush_op = msg->u.flush.op;
	if (body_is_due(s)) {
		s->flush_at = clock_mono_ms();
		s->flush_waits = 0;
		return 0;
	}
	if (batch_flush(s, err) == -1)
		return -1;
	return batch_answer_flush(s, err);
}

int
batch_flush_put_off(struct session *s, bool more, struct err *err)
{
	if (s->flush_at == 0)
		return 0;
	if (more && clock_mono_ms() - s->flush_at < FLUSH_WAIT_MS &&
	    s->flush_waits++ < FLUSH_WAITS_MAX)
		return 1;
	s->flush_at = 0;
	/* Appends need not wait for the bodies that expunges wait for. */
	return batch_flush(s, err);
}
