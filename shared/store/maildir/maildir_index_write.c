/*
 * A commit brings to the index what a flush did to files and uidlist.  New
 * messages are found by their lines, all of them: were one left out below
 * a UID that the index has, Dovecot would take it for an expunged message that
 * came back, and give it another UID.
 *
 * Records come in an order that makes few of them, since each one counts as
 * a change of the mailbox: expunges, appends, flags, then keyword by keyword;
 * the modseqs that the caller wants come last.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "store/maildir/maildir.h"

/* Nanoseconds; Dovecot waits as long. */
#define REMOVING_MAX	((int64_t)30 * 1000 * 1000 * 1000)

struct keyword_change {
	const char *name;
	bool set;
	uint32_t uid;
};

struct commit {
	struct maildir_box *box;
	struct index_txn *txn;
	bool exists;			/* the index */
	bool restart;			/* it is made anew */
	bool young;			/* it says nothing yet */
	uint64_t before;		/* HIGHESTMODSEQ; 0: no index */
	bool all;			/* compare all messages, not only new ones */
	bool dry, differs;		/* only see whether anything is to do */
	struct maildir_op **ops;	/* by UID; those that changed a message */
	size_t op_count;
	ARRAY(struct keyword_change) keywords;
	const char *names[KEYWORDS_MAX], *have[KEYWORDS_MAX];
};

static int
op_cmp(const void *a, const void *b)
{
	const struct maildir_op *x = *(struct maildir_op *const *)a;
	const struct maildir_op *y = *(struct maildir_op *const *)b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* Several changes of flags of one message: the last one counts. */
static struct maildir_op *
find_op(const struct commit *c, uint32_t uid)
{
	size_t low = 0, high = c->op_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->ops[mid]->uid <= uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && c->ops[low - 1]->uid == uid ? c->ops[low - 1] :
	    NULL;
}

static void
collect_ops(struct commit *c)
{
	struct maildir_box *box = c->box;

	c->ops = mem_calloc(box->ops.n, sizeof(*c->ops));
	for (size_t i = 0; i < box->ops.n; i++) {
		struct maildir_op *op = &box->ops.v[i];

		/* Those with a message under op->uid now. */
		if (!op->answered && op->uid != 0 &&
		    (op->kind == OP_APPEND || op->kind == OP_FLAGS ||
		    op->kind == OP_UID))
			c->ops[c->op_count++] = op;
	}
	/* Stable for equal UIDs: pointers rise with the calls. */
	if (c->op_count > 1)
		qsort(c->ops, c->op_count, sizeof(*c->ops), op_cmp);
}

/* What the message is to have: by its operation, or as its file says. */
static void
wanted(struct commit *c, uint32_t uid, uint32_t letters,
    struct mail_info *info)
{
	const struct maildir_op *op = c->ops != NULL ? find_op(c, uid) : NULL;
	size_t n;

	/* What the old index says is of old UIDs. */
	if (c->restart && op == NULL)
		uid = 0;
	if (op == NULL || op->kind == OP_UID) {
		maildir_effective(c->box, op == NULL ? uid : op->from_uid,
		    letters, info, c->names);
		return;
	}
	n = op->keyword_count < KEYWORDS_MAX ? op->keyword_count :
	    KEYWORDS_MAX;
	for (size_t i = 0; i < n; i++)
		c->names[i] = op->keywords[i];
	info->flags = op->flags;
	info->keywords = c->names;
	info->keyword_count = n;
}

static void
change_keyword(struct commit *c, const char *name, bool set, uint32_t uid)
{
	c->differs = true;
	if (!c->dry)
		*ARRAY_ADD(&c->keywords) = (struct keyword_change){
			name, set, uid };
}

static bool
has_name(const struct mail_info *info, const char *name)
{
	size_t low = 0, high = info->keyword_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int r = keyword_cmp(info->keywords[mid], name);

		if (r == 0)
			return true;
		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* A message that the index has, at pos. */
static void
compare_known(struct commit *c, size_t pos, const struct mail_info *info)
{
	const struct index *index = c->box->idx.index;
	struct index_mail mail = index_mail(index, pos);
	size_t count = index_state(index)->keyword_count, k;

	if ((mail.flags & FLAGS_ALL) != info->flags ||
	    (find_op(c, mail.uid) != NULL &&
	    (mail.flags & INDEX_FLAG_DIRTY))) {
		c->differs = true;
		if (!c->dry)
			index_txn_flags(c->txn, mail.uid, mail.uid,
			    info->flags, FLAGS_ALL | INDEX_FLAG_DIRTY);
	}
	for (size_t i = 0; i < info->keyword_count; i++) {
		k = index_keyword_find(index, info->keywords[i]);
		if (k == SIZE_MAX || !index_has_keyword(index, pos, k))
			change_keyword(c, info->keywords[i], true, mail.uid);
	}
	for (k = 0; k < count; k++) {
		const char *name = index_keyword(index, k);

		/* One that can't be shown is none of our business. */
		if (index_has_keyword(index, pos, k) &&
		    keyword_valid(name, strlen(name)) &&
		    !has_name(info, name))
			change_keyword(c, name, false, mail.uid);
	}
}

static int
commit_line(const struct uidlist_record *rec, void *arg, struct err *err)
{
	struct commit *c = arg;
	struct maildir_box *box = c->box;
	struct mail_info info = { .uid = rec->uid };
	struct table_entry *entry;
	size_t pos;

	(void)err;
	entry = table_find(box->table, rec->base, rec->base_len);
	if (entry == NULL || (entry->bits & ENTRY_FILE) == 0 ||
	    !maildir_list_is_last(&box->list, rec))
		return 0;
	wanted(c, rec->uid, table_entry_letters(box->table, entry), &info);
	if (c->exists && index_find(box->idx.index, rec->uid, &pos)) {
		compare_known(c, pos, &info);
		return 0;
	}
	/* Expunged there; Dovecot will see to it. */
	if (c->exists && rec->uid < index_state(box->idx.index)->next_uid)
		return 0;
	c->differs = true;
	if (c->dry)
		return 0;
	index_txn_append(c->txn, rec->uid, info.flags);
	for (size_t i = 0; i < info.keyword_count; i++)
		change_keyword(c, info.keywords[i], true, rec->uid);
	return 0;
}

/* Changes of flags of messages that the index has already. */
static void
commit_known(struct commit *c)
{
	const struct index *index = c->box->idx.index;
	struct mail_info info = { .uid = 0 };
	size_t pos;

	for (size_t i = 0; i < c->op_count; i++) {
		const struct maildir_op *op = c->ops[i];

		if (op->kind != OP_FLAGS || find_op(c, op->uid) != op ||
		    !index_find(index, op->uid, &pos))
			continue;
		wanted(c, op->uid, 0, &info);
		compare_known(c, pos, &info);
	}
}

/* 128 bits of a GUID, as Dovecot makes them of a text. */
static struct guid128
short_guid(const char *guid)
{
	uint8_t sha1[DIGEST_SHA1_SIZE];
	struct guid128 out;

	if (guid == NULL)
		return (struct guid128){ { 0 } };
	if (guid_parse(&out, guid, strlen(guid)))
		return out;
	digest_sha1(guid, strlen(guid), sha1);
	memcpy(out.b, sha1 + sizeof(sha1) - sizeof(out.b), sizeof(out.b));
	return out;
}

static void
commit_gone(struct commit *c, bool expunges)
{
	struct maildir_box *box = c->box;
	struct guid128 guid;
	size_t pos;

	for (size_t i = 0; c->exists && i < box->ops.n; i++) {
		const struct maildir_op *op = &box->ops.v[i];
		uint32_t uid = op->kind == OP_UID ? op->from_uid : op->uid;

		if (op->answered || op->kind != (expunges ? OP_EXPUNGE :
		    OP_UID) || (op->kind == OP_UID && op->uid == 0) ||
		    !index_find(box->idx.index, uid, &pos))
			continue;
		guid = short_guid(op->guid);
		index_txn_expunge(c->txn, uid, &guid);
	}
}

ARRAY_TYPE(uids, uint32_t);

/* Those that this very flush takes from a message, in order. */
static void
find_leaving(const struct maildir_box *box, struct uids *leaving)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		const struct maildir_op *op = &box->ops.v[i];

		/* Answered so far: it failed, or was done before. */
		if (op->answered)
			continue;
		if (op->kind == OP_UID && op->uid != 0)
			*ARRAY_ADD(leaving) = op->from_uid;
		else if (op->kind == OP_EXPUNGE)
			*ARRAY_ADD(leaving) = op->uid;
	}
	if (leaving->n > 1)
		qsort(leaving->v, leaving->n, sizeof(uint32_t), array_u32_cmp);
}

/* Does any message have it?  What the index knows, its lines may outlive. */
static bool
has_uid(const struct commit *c, const struct uids *leaving, uint32_t uid)
{
	struct maildir_box *box = c->box;
	struct err ignored = ERR_INIT;
	struct list_line *line;
	bool found;
	size_t pos;

	if (leaving->n > 0 && bsearch(&uid, leaving->v, leaving->n,
	    sizeof(uid), array_u32_cmp) != NULL)
		return false;
	if (uid < index_state(box->idx.index)->next_uid)
		return index_find(box->idx.index, uid, &pos);
	line = mem_calloc(1, sizeof(*line));
	found = maildir_list_find(box, uid, line, &ignored) != 1;
	free(line);
	return found;
}

/*
 * UIDs that nobody has, and perhaps never had here: mail clients hear that they
 * went, with the highest modseq of all.
 */
static void
commit_vanished(struct commit *c)
{
	struct maildir_box *box = c->box;
	uint32_t next = maildir_list_next(&box->list);
	struct uids leaving = { 0 };
	bool raised = false;

	find_leaving(box, &leaving);
	for (size_t i = 0; c->exists && i < box->ops.n; i++) {
		const struct mailbox_status *status = &box->ops.v[i].status;

		if (box->ops.v[i].kind != OP_STATUS)
			continue;
		for (size_t k = 0; k < status->vanished_count; k++)
			if (status->vanished[k] < next &&
			    !has_uid(c, &leaving, status->vanished[k])) {
				if (!raised && box->idx.raise > 1)
					index_txn_modseq(c->txn, 0,
					    box->idx.raise - 1);
				raised = true;
				index_txn_expunge(c->txn, status->vanished[k],
				    NULL);
			}
	}
	ARRAY_FREE(&leaving);
}

static int
keyword_change_cmp(const void *a, const void *b)
{
	const struct keyword_change *x = a, *y = b;
	int r = keyword_cmp(x->name, y->name);

	if (r != 0)
		return r;
	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static void
commit_keywords(struct commit *c)
{
	struct keyword_change *v = c->keywords.v;

	if (c->keywords.n > 1)
		qsort(v, c->keywords.n, sizeof(*v), keyword_change_cmp);
	for (size_t i = 0; i < c->keywords.n; i++)
		index_txn_keyword(c->txn, v[i].name, v[i].set, v[i].uid,
		    v[i].uid);
}

static void
commit_header(struct commit *c)
{
	const struct maildir_box *box = c->box;
	const struct index_state *st = index_state(box->idx.index);
	uint32_t next = maildir_list_next(&box->list);

	if (!c->exists || c->young)
		index_txn_uidvalidity(c->txn, box->list.header.uidvalidity);
	if (!c->exists || next > st->next_uid)
		index_txn_next_uid(c->txn, next);
	/* \Recent is for mail that Dovecot delivers. */
	if (!c->exists || c->young)
		index_txn_first_recent(c->txn, next);
}

static void
commit_modseqs(struct commit *c, bool raise)
{
	struct maildir_box *box = c->box;
	const struct index_state *st = index_state(box->idx.index);
	uint64_t most;

	for (size_t i = 0; i < c->op_count; i++) {
		most = c->ops[i]->modseq;
		while (i + 1 < c->op_count &&
		    c->ops[i + 1]->uid == c->ops[i]->uid) {
			i++;
			if (c->ops[i]->modseq > most)
				most = c->ops[i]->modseq;
		}
		if (most != 0)
			index_txn_modseq(c->txn, c->ops[i]->uid, most);
	}
	if (raise && box->idx.raise > (c->exists ? st->highestmodseq : 0))
		index_txn_modseq(c->txn, 0, box->idx.raise);
	else if (c->restart || (c->exists && !st->has_modseqs))
		index_txn_modseq(c->txn, 0, 1);
}

/* All records of the transaction. */
static int
fill(struct commit *c, bool expunges, struct err *err)
{
	struct maildir_box *box = c->box;
	const struct index_state *st = index_state(box->idx.index);
	uint32_t from = c->exists && !c->all ? st->next_uid : 1;

	if (c->restart)
		index_txn_restart(c->txn);
	commit_gone(c, expunges);
	if (maildir_list_walk_from(box, from, commit_line, c, err) == -1)
		return -1;
	if (c->exists && !c->all)
		commit_known(c);
	commit_keywords(c);
	commit_header(c);
	if (expunges || !box->idx.expunges)
		commit_vanished(c);
	commit_modseqs(c, expunges || !box->idx.expunges);
	index_txn_remake(c->txn);
	return 0;
}

/* Is there a reason to make an index? */
static bool
wants_index(const struct maildir_box *box, bool raise)
{
	if (raise && box->idx.raise != 0)
		return true;
	for (size_t i = 0; i < box->ops.n; i++) {
		if (!box->ops.v[i].answered && box->ops.v[i].modseq != 0)
			return true;
	}
	return false;
}

/* INDEX= may lack the mailbox's directory. */
static bool
make_dir(struct maildir_box *box)
{
	struct err ignored = ERR_INIT;
	int fd;

	if (box->index_fd != -1)
		return true;
	fd = maildir_dir_make(box->store, box->place.index_fd,
	    box->place.index, &ignored);
	if (fd == -1)
		return false;
	close(fd);
	maildir_index_look(box);
	return box->index_fd != -1;
}

/*
 * One transaction; what can't be written is told, and no failure of mail.  1:
 * Dovecot has made an index meanwhile; -1: the process is gone.
 */
static int
commit_all(struct commit *c, bool expunges, struct err *err)
{
	struct maildir_box *box = c->box;
	struct err why = ERR_INIT;
	int ret;

	c->txn = index_txn_begin(box->idx.index);
	ret = fill(c, expunges, &why);
	if (ret == -1)
		index_txn_abort(&c->txn);
	else
		ret = index_txn_commit(&c->txn, NULL, &why);
	ARRAY_FREE(&c->keywords);
	/* Perhaps it went in a step whose failure did not matter. */
	if (box->store->root.gone)
		return err_set(err, ERR_TEMP, "the process is gone");
	if (ret == -1 && why.code == ERR_STALE)
		return 1;
	if (ret == -1 && !box->idx.told) {
		box->idx.told = true;
		maildir_box_problem(box, &why, "index", "was not written");
	}
	return 0;
}

/*
 * Expunges and a status have that of the mailbox; but not if others have raised
 * it, too: what they did is not known yet to who asks.
 */
static void
note_modseqs(struct commit *c, bool expunges)
{
	struct maildir_box *box = c->box;

	for (size_t i = 0; i < c->op_count; i++)
		c->ops[i]->modseq_now = maildir_index_modseq(box,
		    c->ops[i]->uid);
	if (!box->idx.usable || c->before > box->idx.own)
		return;
	box->idx.own = index_state(box->idx.index)->highestmodseq;
	for (size_t i = 0; i < box->ops.n; i++) {
		struct maildir_op *op = &box->ops.v[i];

		if (!op->answered && op->kind ==
		    (expunges ? OP_EXPUNGE : OP_STATUS))
			op->modseq_now = box->idx.own;
	}
}

/* The highest modseq is raised when all expunges are through. */
static void
see_status(struct maildir_box *box)
{
	box->idx.raise = 0;
	box->idx.expunges = false;
	for (size_t i = 0; i < box->ops.n; i++) {
		const struct maildir_op *op = &box->ops.v[i];

		if (op->kind == OP_EXPUNGE && !op->answered)
			box->idx.expunges = true;
		if (op->kind == OP_STATUS &&
		    op->status.highestmodseq > box->idx.raise)
			box->idx.raise = op->status.highestmodseq;
	}
}

/* Was it this flush that gave it another UIDVALIDITY? */
static bool
renumbered(const struct maildir_box *box)
{
	for (size_t i = 0; i < box->ops.n; i++) {
		const struct maildir_op *op = &box->ops.v[i];

		if (!op->answered && op->kind == OP_STATUS &&
		    op->status.uidvalidity != 0 &&
		    op->status.uidvalidity == box->list.header.uidvalidity)
			return true;
	}
	return false;
}

/* Lock the index that somebody else was faster to make. */
static bool
lock_made(struct maildir_box *box)
{
	struct err ignored = ERR_INIT;

	return maildir_index_lock(box, box->store->lock_timeout,
	    &ignored) == 0 && index_is_locked(box->idx.index) &&
	    (box->idx.usable || maildir_index_is_young(box));
}

int
maildir_index_commit(struct maildir_box *box, bool expunges, struct err *err)
{
	struct commit c = { .box = box };
	bool raise;
	int ret = 0;

	if (box->idx.index == NULL || maildir_list_refresh(box, err) == -1)
		return box->idx.index == NULL ? 0 : -1;
	see_status(box);
	raise = expunges || !box->idx.expunges;
	c.exists = index_is_locked(box->idx.index);
	maildir_index_look(box);
	c.young = c.exists && maildir_index_is_young(box) &&
	    wants_index(box, raise);
	if (c.young)
		maildir_index_believe(box);
	c.restart = c.exists && !box->idx.usable && renumbered(box);
	if (c.restart) {
		c.exists = false;
		maildir_index_believe(box);
	} else if (c.exists) {
		/* One of another UIDVALIDITY is Dovecot's to reset. */
		if (!box->idx.usable)
			return 0;
	} else if (box->idx.told || !wants_index(box, raise)) {
		return 0;
	} else if (index_state(box->idx.index)->log_seq != 0) {
		/* Somebody has made it since the flush began. */
		if (!lock_made(box))
			return 0;
		c.exists = true;
		c.young = maildir_index_is_young(box);
		maildir_index_believe(box);
	} else if (!make_dir(box)) {
		return 0;
	} else {
		/* A snapshot alone was left by a crash. */
		c.restart = index_state(box->idx.index)->exists;
	}
	if (c.exists || c.restart)
		c.before = index_state(box->idx.index)->highestmodseq;
	collect_ops(&c);
	if (expunges)
		c.op_count = 0;
	ret = commit_all(&c, expunges, err);
	if (ret == 1 && lock_made(box)) {
		c.exists = true;
		c.young = maildir_index_is_young(box);
		maildir_index_believe(box);
		c.restart = false;
		ret = commit_all(&c, expunges, err);
	}
	if (ret != -1) {
		maildir_index_look(box);
		note_modseqs(&c, expunges);
	}
	free(c.ops);
	return ret == -1 ? -1 : 0;
}

int
maildir_index_lock(struct maildir_box *box, unsigned int timeout,
    struct err *err)
{
	struct err why = ERR_INIT;

	if (box->idx.index == NULL)
		return 0;
	maildir_index_look(box);
	if (!box->idx.usable && !maildir_index_is_young(box))
		return 0;
	index_set_lock_timeout(box->idx.index, timeout);
	if (index_lock(box->idx.index, &why) == 0) {
		maildir_index_look(box);
		return 0;
	}
	if (why.code == ERR_TEMP || box->store->root.gone) {
		*err = why;
		return -1;
	}
	box->idx.usable = false;
	if (!box->idx.told)
		maildir_box_problem(box, &why, "index", "is not used");
	box->idx.told = true;
	return 0;
}

void
maildir_index_unlock(struct maildir_box *box)
{
	if (box->idx.index != NULL)
		index_unlock(box->idx.index);
}

/* Would a full commit change anything? */
static bool
is_behind(struct maildir_box *box)
{
	struct commit c = { .box = box, .exists = true, .all = true,
	    .dry = true };
	const struct index_state *st = index_state(box->idx.index);
	struct err ignored = ERR_INIT;

	if (!st->has_modseqs || maildir_list_next(&box->list) > st->next_uid)
		return true;
	return maildir_list_walk(box, commit_line, &c, &ignored) == 0 &&
	    c.differs;
}

/* Has it said for so long that the mailbox is being removed? */
static bool
was_not_removed(const struct maildir_box *box)
{
	int64_t now = (int64_t)clock_now_ms() * 1000000;
	struct err ignored = ERR_INIT;
	struct path_stat st;

	return box->idx.index != NULL &&
	    index_state(box->idx.index)->deleted &&
	    path_stat(&box->store->root, box->index_fd, NULL,
	    MAILDIR_INDEX_BASE ".log", &st, &ignored) == 0 && st.exists &&
	    st.mtime_ns < now - REMOVING_MAX;
}

/* Whoever was removing it failed: as Dovecot does, let it be one again. */
static void
take_back(struct maildir_box *box)
{
	struct err ignored = ERR_INIT;
	struct index_txn *txn;

	if (maildir_box_lock(box, box->store->lock_timeout, &ignored) == -1)
		return;
	index_set_lock_timeout(box->idx.index, box->store->lock_timeout);
	if (index_lock(box->idx.index, &ignored) == 0) {
		if (was_not_removed(box)) {
			txn = index_txn_begin(box->idx.index);
			index_txn_deleted(txn, false);
			(void)index_txn_commit(&txn, NULL, &ignored);
		}
		index_unlock(box->idx.index);
	}
	maildir_box_unlock(box);
	maildir_index_look(box);
}

/* Under the lock of the uidlist. */
static void
commit_behind(struct maildir_box *box)
{
	struct commit c = { .box = box, .exists = true, .all = true };
	struct err ignored = ERR_INIT;

	/* As it is now, both of them. */
	if (maildir_keywords_load(box, &ignored) == -1 ||
	    maildir_list_refresh(box, &ignored) == -1 ||
	    maildir_read_dirs(box, true, &ignored) == -1 ||
	    maildir_index_lock(box, box->store->lock_timeout,
	    &ignored) == -1 || !index_is_locked(box->idx.index) ||
	    !box->idx.usable)
		return;
	box->idx.raise = 0;
	(void)commit_all(&c, false, &ignored);
	maildir_index_unlock(box);
	maildir_index_look(box);
}

void
maildir_index_catch_up(struct maildir_box *box)
{
	struct err ignored = ERR_INIT;

	maildir_index_look(box);
	if (!box->store->readonly && was_not_removed(box))
		take_back(box);
	if (box->store->readonly || !box->idx.usable || !is_behind(box))
		return;
	if (maildir_box_lock(box, box->store->lock_timeout, &ignored) == -1)
		return;
	commit_behind(box);
	maildir_box_unlock(box);
}
