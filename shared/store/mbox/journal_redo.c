/*
 * A journal that was left: the change is carried out by who locks the mbox
 * next, whatever others have done to the mbox in between.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/mbox/journal_table.h"

/* It can't be carried out any more, and may hold the only copy of mail. */
static int
put_aside(struct mbox_box *box, const char *why, struct err *err)
{
	struct path_root *root = mbox_index_root(box->store);
	char name[PATH_NAME_MAX + 1], unique[PATH_NAME_MAX + 1];

	unique_name(unique, box->store->hostname);
	snprintf(name, sizeof(name), LOST_PREFIX "%.200s", unique);
	if (path_rename(root, box->state_fd, JOURNAL_NAME, box->state_fd,
	    name, err) == -1 || path_fsync(root, box->state_fd, err) == -1)
		return -1;
	mbox_box_problem(box, NULL, "a change that was cut off can't be "
	    "finished, since %s; what it was to write is kept in %s", why,
	    name);
	return 0;
}

/* The mbox holds neither the old bytes nor the new ones. */
static int
salvage(struct mbox_box *box, int fd, const struct journal *table,
    const char *why, struct err *err)
{
	struct err failure = ERR_INIT;
	struct path_stat st;
	size_t added;

	if (!table->has_tail)
		return put_aside(box, why, err);
	if (path_fstat(box->fd, &st, err) == -1)
		return -1;
	if (mbox_read(box, box->fd, &st, &failure) == -1 ||
	    !box->has_base) {
		if (failure.code == ERR_TEMP) {
			*err = failure;
			return -1;
		}
		return put_aside(box, why, err);
	}
	if (journal_salvage(box, fd, table, &added, &failure) == -1) {
		if (failure.code == ERR_CORRUPT)
			return put_aside(box, why, err);
		*err = failure;
		return -1;
	}
	mbox_box_problem(box, NULL, "a change that was cut off can't be "
	    "finished, since %s; of its messages %zu were missing and are "
	    "added at the end now", why, added);
	return 0;
}

/* Another journal, which does not tell of the patches, comes next. */
static int
patch_durably(struct mbox_box *box, int fd, const struct journal *table,
    struct err *err)
{
	if (journal_patch_again(box, fd, table, err) == -1)
		return -1;
	return path_fsync(box->root, box->fd, err);
}

/* What others appended since is put behind our tail. */
static int
redo_before(struct mbox_box *box, int fd, const struct journal *table,
    uint64_t foreign, uint64_t size, struct err *err)
{
	struct change change;
	struct path_stat st;
	bool unknown;
	int ret;

	change_init(&change);
	change.has_tail = true;
	change.offset = table->offset;
	change.mtime = table->mtime;
	for (size_t i = 0; i < table->data.n; i++)
		change_add(&change, fd, table->data.v[i].offset,
		    table->data.v[i].len);
	change_add(&change, box->fd, foreign, size - foreign);
	ret = patch_durably(box, fd, table, err);
	if (ret == 0)
		ret = journal_commit(box, &change, &st, &unknown, err);
	change_deinit(&change);
	return ret;
}

/*
 * May somebody else have given the UIDs that the change was to give?  1: yes,
 * and from *next_r on they are free; 0; -1.  What the change itself has done to
 * X-IMAPbase proves nothing.
 */
static int
look_for_uids(struct mbox_box *box, const struct journal *table,
    bool appended, uint32_t *next_r, struct err *err)
{
	const struct given_uids *given = &table->given;
	uint32_t uidvalidity = given->uidvalidity, next, last;
	struct path_stat st;

	if (given->uidnext == 0)
		return 0;
	if (path_fstat(box->fd, &st, err) == -1 ||
	    mbox_read(box, box->fd, &st, err) == -1)
		return -1;
	box->known = false;
	/* UIDs of another UIDVALIDITY are others. */
	if (!box->has_base || box->base.uidvalidity != uidvalidity)
		return 0;
	next = mbox_index_numbers(box, &uidvalidity);
	last = box->base.last_uid;
	if (!appended && next <= given->uidnext &&
	    (last < given->uidnext || last == given->last_uid))
		return 0;
	if (next < given->uidnext)
		next = given->uidnext;
	if (next < box->uidnext)
		next = box->uidnext;
	*next_r = next;
	return next <= UID_LAST && UID_LAST - next > given->lines.n;
}

/* A piece of the new tail that is not as it is in the journal. */
struct splice {
	uint64_t at, end;		/* what it replaces */
	size_t start, len;		/* of its text */
	bool foreign;			/* what others appended */
};

struct renumbering {
	struct mbox_box *box;
	const struct journal *table;
	int fd;				/* of the journal */
	uint64_t foreign;
	struct change change;
	uint64_t pos;			/* in the old tail */
	uint64_t at;			/* in the new tail */
	ARRAY(struct splice) splices;
};

static int
splice_cmp(const void *a, const void *b)
{
	const struct splice *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return y->foreign - x->foreign;
}

static void
add_splice(struct renumbering *rn, uint64_t at, size_t old_len, size_t start)
{
	*ARRAY_ADD(&rn->splices) = (struct splice){ .at = at,
	    .end = at + old_len, .start = start,
	    .len = rn->change.text.len - start };
}

/* What the state says of the messages holds for their later UIDs. */
static int
renumber_state(struct renumbering *rn, uint32_t next, struct err *err)
{
	const struct given_uids *given = &rn->table->given;
	struct path_root *root = mbox_index_root(rn->box->store);
	struct state *state = &rn->box->state;

	if (state_load(state, root, rn->box->state_fd, err) == -1)
		return -1;
	if (!state_fits(state, given->uidvalidity))
		return 0;
	for (size_t i = 0; i < given->lines.n; i++, next++) {
		const struct uid_line *line = &given->lines.v[i];
		const struct state_mail *known = state_find(state,
		    line->uid, line->digest);

		if (known != NULL)
			state_add(state, next, line->digest, known->text,
			    state_uidl(known), known->pop3_order);
	}
	return state->fresh.n == 0 ? 0 :
	    state_append(state, root, rn->box->state_fd, err);
}

/* X-IMAPbase in front of the tail, if it is there and has room. */
static int
renumber_base(struct renumbering *rn, struct err *err)
{
	struct mbox_box *box = rn->box;
	struct mbox_plan plan = { .last_uid = rn->change.given.last_uid,
	    .uidvalidity = rn->change.given.uidvalidity };
	const struct mbox_mail *holder = box->has_pseudo ? &box->pseudo :
	    box->mails.v;

	if (rn->table->given.base != 0 || !box->has_base ||
	    (!box->has_pseudo && box->mails.n == 0) ||
	    holder->end > rn->table->offset)
		return 0;
	return mbox_patch(box, &rn->change, holder, holder, true, &plan,
	    err) == -1 ? -1 : 0;
}

/* All that is to be another text in the tail. */
static void
make_splices(struct renumbering *rn, uint32_t next)
{
	const struct given_uids *old = &rn->table->given;
	struct strbuf *text = &rn->change.text;
	size_t start = text->len;

	*ARRAY_ADD(&rn->splices) = (struct splice){ .at = old->first,
	    .end = old->first, .foreign = true };
	if (old->base != 0) {
		strbuf_addf(text, "%0*" PRIu32, (int)BASE_DIGITS,
		    rn->change.given.last_uid);
		add_splice(rn, old->base, BASE_DIGITS, start);
	}
	for (size_t i = 0; i < old->lines.n; i++) {
		start = text->len;
		mbox_head_uid(text, next++);
		add_splice(rn, old->lines.v[i].at, old->lines.v[i].len,
		    start);
	}
	qsort(rn->splices.v, rn->splices.n, sizeof(*rn->splices.v),
	    splice_cmp);
}

/* The old tail up to there. */
static void
add_old(struct renumbering *rn, uint64_t to)
{
	uint64_t begin = 0;

	for (size_t i = 0; i < rn->table->data.n; i++) {
		const struct extent *data = &rn->table->data.v[i];
		uint64_t end = begin + data->len;
		uint64_t low = rn->pos > begin ? rn->pos : begin;
		uint64_t high = to < end ? to : end;

		if (low < high)
			change_add(&rn->change, rn->fd,
			    data->offset + (low - begin), high - low);
		begin = end;
	}
	rn->at += to - rn->pos;
	rn->pos = to;
}

/* What others appended, so that a message can follow. */
static void
add_foreign(struct renumbering *rn)
{
	struct mbox_box *box = rn->box;
	uint64_t size = box->st.size;
	size_t start = rn->change.text.len;

	if (rn->foreign < size) {
		change_add(&rn->change, box->fd, rn->foreign,
		    size - rn->foreign);
		rn->at += size - rn->foreign;
		if (box->mails.n > 0 &&
		    box->mails.v[box->mails.n - 1].end == size) {
			strbuf_addc(&rn->change.text, '\n');
			change_add_text(&rn->change, start);
			rn->at++;
		}
	}
	rn->change.given.first = rn->at;
}

static void
compose_tail(struct renumbering *rn, uint32_t next)
{
	const struct given_uids *old = &rn->table->given;
	struct given_uids *given = &rn->change.given;
	size_t n = 0;

	make_splices(rn, next);
	for (size_t i = 0; i < rn->splices.n; i++) {
		const struct splice *splice = &rn->splices.v[i];

		add_old(rn, splice->at);
		if (splice->foreign) {
			add_foreign(rn);
			continue;
		}
		if (old->base != 0 && splice->at == old->base) {
			given->base = rn->at;
		} else {
			struct uid_line *line = ARRAY_ADD(&given->lines);

			*line = old->lines.v[n++];
			line->at = rn->at;
			line->len = splice->len;
			line->uid = next++;
		}
		change_add(&rn->change, -1, splice->start, splice->len);
		rn->at += splice->len;
		rn->pos = splice->end;
	}
	add_old(rn, rn->table->new_size - rn->table->offset);
}

/*
 * Messages that were to get UIDs get those from next on, behind what others
 * appended, whose UIDs stay.  X-IMAPbase is read after the patches, which may
 * change it.
 */
static int
redo_with_later_uids(struct mbox_box *box, int fd,
    const struct journal *table, uint64_t foreign, uint32_t next,
    struct err *err)
{
	struct renumbering rn = { .box = box, .table = table, .fd = fd,
	    .foreign = foreign };
	struct path_stat st;
	bool unknown;
	int ret = -1;

	change_init(&rn.change);
	rn.change.has_tail = true;
	rn.change.offset = table->offset;
	rn.change.mtime = table->mtime;
	rn.change.given.uidvalidity = table->given.uidvalidity;
	rn.change.given.uidnext = next;
	rn.change.given.last_uid = next + (uint32_t)table->given.lines.n - 1;
	if (renumber_state(&rn, next, err) == 0 &&
	    patch_durably(box, fd, table, err) == 0 &&
	    path_fstat(box->fd, &st, err) == 0 &&
	    mbox_read(box, box->fd, &st, err) == 0 &&
	    renumber_base(&rn, err) == 0) {
		compose_tail(&rn, next);
		ret = journal_commit(box, &rn.change, &st, &unknown, err);
	}
	box->known = false;
	ARRAY_FREE(&rn.splices);
	change_deinit(&rn.change);
	return ret;
}

static int
redo(struct mbox_box *box, int fd, const struct journal *table,
    struct err *err)
{
	struct path_stat st;
	uint64_t foreign;
	int64_t before;
	uint32_t next;
	const char *why = NULL;
	bool whole;
	int r;

	if (path_fstat(box->fd, &st, err) == -1)
		return -1;
	if (st.ino != table->ino || st.dev != table->dev)
		return put_aside(box, "the mbox is another file now", err);
	if ((r = journal_look(box, fd, table, st.size, &foreign, &whole,
	    &why, err)) == -1)
		return -1;
	box->known = false;
	if (why != NULL)
		return salvage(box, fd, table, why, err);
	if (!whole && (r = look_for_uids(box, table, foreign < st.size,
	    &next, err)) != 0)
		return r == -1 ? -1 : redo_with_later_uids(box, fd, table,
		    foreign, next, err);
	if (table->has_tail && foreign < st.size)
		return redo_before(box, fd, table, foreign, st.size, err);
	if (journal_patch_again(box, fd, table, err) == -1)
		return -1;
	before = st.mtime > table->mtime ? st.mtime : table->mtime;
	if (table->has_tail) {
		struct journal tail = *table;

		tail.patches.n = 0;
		tail.mtime = before;
		/* Also if it was truncated and not made durable. */
		if (tail.old_size < st.size)
			tail.old_size = st.size;
		if (journal_apply(box, fd, &tail, err) == -1)
			return -1;
	} else if (journal_new_time(box, before, err) == -1 ||
	    path_fsync(box->root, box->fd, err) == -1) {
		return -1;
	}
	return journal_remove(box, err);
}

int
journal_recover(struct mbox_box *box, struct err *err)
{
	struct journal table;
	struct path_stat st;
	int fd, r = journal_exists(box, err);

	if (r <= 0)
		return r;
	fd = path_open_file(mbox_index_root(box->store), box->state_fd,
	    JOURNAL_NAME, &st, err);
	if (fd == -1)
		return -1;
	journal_init(&table);
	r = journal_read(fd, st.size, &table, err);
	if (r == 1)
		r = redo(box, fd, &table, err);
	else if (r == 0)
		r = put_aside(box, "it is damaged", err);
	journal_deinit(&table);
	close(fd);
	return r;
}
