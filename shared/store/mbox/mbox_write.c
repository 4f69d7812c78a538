/*
 * How an mbox becomes what it is to be.
 *
 * Messages keep their place as long as nothing in front of them has to grow or
 * go.  Flags of those that stay are changed in place (mbox_patch.c).  From the
 * first message on that can't stay, the whole rest of the file is composed
 * anew from pieces: of the file itself, of spool files with new messages, and
 * of headers written here.  Rest and patches are one change, which journal.c
 * carries out so that it is complete or not there after any crash.  An append
 * alone is such a rest, too: a message is never visible in part.
 *
 * The first message carries X-IMAPbase, or an X-IMAP message in front of it
 * does, which stays forever once it is there.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "store/mbox/from_line.h"
#include "store/mbox/journal.h"
#include "store/mbox/mbox.h"

void
mbox_plan_init(struct mbox_box *box, struct mbox_plan *plan)
{
	*plan = (struct mbox_plan){ .first = box->mails.n,
	    .uidvalidity = box->base.uidvalidity,
	    .last_uid = box->uidnext - 1, .uidnext = box->uidnext };
}

void
mbox_plan_deinit(struct mbox_plan *plan)
{
	ARRAY_FREE(&plan->tail);
	ARRAY_FREE(&plan->flags);
}

void
mbox_plan_begin_at(struct mbox_box *box, struct mbox_plan *plan,
    size_t first)
{
	struct mbox_plan longer = { .first = first };
	size_t f = 0;

	if (first >= plan->first)
		return;
	while (f < plan->flags.n && plan->flags.v[f].mail < first)
		f++;
	for (size_t i = first; i < plan->first; i++) {
		struct mbox_out *out = ARRAY_ADD(&longer.tail);

		if (f < plan->flags.n && plan->flags.v[f].mail == i)
			*out = plan->flags.v[f++];
		else
			*out = (struct mbox_out){ .mail = i,
			    .now = box->mails.v[i] };
	}
	for (size_t i = 0; i < plan->tail.n; i++)
		*ARRAY_ADD(&longer.tail) = plan->tail.v[i];
	while (plan->flags.n > 0 &&
	    plan->flags.v[plan->flags.n - 1].mail >= first)
		plan->flags.n--;
	ARRAY_FREE(&plan->tail);
	plan->tail.v = longer.tail.v;
	plan->tail.n = longer.tail.n;
	plan->tail.cap = longer.tail.cap;
	plan->first = first;
}

struct writing {
	struct mbox_box *box;
	struct mbox_plan *plan;
	struct change change;
	struct window w;		/* on the file */
	uint64_t at;			/* where the next message begins */
	bool base;			/* X-IMAPbase has to change */
	bool base_in_tail;		/* the first message of the tail or
					   a pseudo message gets it */
	bool tail;			/* there is one */
	struct mbox_mail pseudo;
};

/* From text added since start. */
static void
add_text(struct writing *wr, size_t start)
{
	change_add_text(&wr->change, start);
	wr->at += wr->change.text.len - start;
}

static void
add_range(struct writing *wr, int fd, uint64_t from, uint64_t to)
{
	change_add(&wr->change, fd, from, to - from);
	wr->at += to - from;
}

static void
add_eol(struct writing *wr)
{
	size_t start = wr->change.text.len;

	strbuf_addc(&wr->change.text, '\n');
	add_text(wr, start);
}

/* A place in the text added since start, as one in the tail. */
static uint64_t
in_tail(const struct writing *wr, size_t start, size_t at)
{
	return wr->at - wr->change.offset + (at - start);
}

/* Is it a UID that nobody had? */
static bool
is_given(const struct writing *wr, uint32_t uid)
{
	return wr->plan->uidnext != 0 && uid >= wr->plan->uidnext;
}

/* The line at the end of the text added since start. */
static void
note_uid(struct writing *wr, const struct mbox_mail *now, size_t start,
    size_t at)
{
	struct uid_line *line = ARRAY_ADD(&wr->change.given.lines);
	const char *text = wr->change.text.data + at;
	const char *lf = strchr(text, '\n');

	*line = (struct uid_line){ .at = in_tail(wr, start, at),
	    .len = (size_t)(lf - text) + 1, .uid = now->uid };
	memcpy(line->digest, now->digest, GUID_SIZE);
}

/* Our fields; body: bytes behind the header, UINT64_MAX: there is no body. */
static void
add_fields(struct writing *wr, const struct mbox_mail *now, bool base,
    uint64_t body)
{
	struct strbuf *text = &wr->change.text;
	size_t start = text->len, at;

	if (base) {
		at = mbox_head_base(wr->box, text, "X-IMAPbase",
		    wr->plan->uidvalidity, wr->plan->last_uid,
		    HEADER_BASE_PAD);
		wr->change.given.base = in_tail(wr, start, at);
	}
	at = text->len;
	mbox_head_fields(wr->box, text, now, HEADER_PAD);
	if (is_given(wr, now->uid))
		note_uid(wr, now, start, at);
	if (body != UINT64_MAX)
		strbuf_addf(text, "Content-Length: %" PRIu64 "\n", body);
	add_text(wr, start);
}

/* What others call the bytes of a message up to the next one. */
static uint64_t
raw_end(const struct mbox_box *box, size_t i)
{
	return i + 1 < box->mails.n ? box->mails.v[i + 1].offset :
	    box->st.size;
}

static void
put_verbatim(struct writing *wr, struct mbox_out *out)
{
	const struct mbox_mail *mail = &wr->box->mails.v[out->mail];
	uint64_t end = raw_end(wr->box, out->mail);

	out->now.offset = wr->at;
	out->now.end = wr->at + (mail->end - mail->offset);
	add_range(wr, wr->box->fd, mail->offset, end);
	if (end == mail->end)
		add_eol(wr);
}

/* Where the body of a message in the file begins; end: it has none. */
static int
find_body(struct writing *wr, const struct mbox_mail *mail,
    struct parse_field *field, struct err *err)
{
	field->end = mail->offset + mail->from_len;
	do {
		if (parse_field(&wr->w, field->end, mail->end, field, NULL,
		    err) == -1)
			return -1;
	} while (field->kind == PARSE_FIELD);
	return 0;
}

static int
put_changed(struct writing *wr, struct mbox_out *out, bool base,
    struct err *err)
{
	const struct mbox_mail *mail = &wr->box->mails.v[out->mail];
	uint64_t at = mail->offset + mail->from_len, body = UINT64_MAX;
	struct parse_field field;

	if (find_body(wr, mail, &field, err) == -1)
		return -1;
	if (field.kind == PARSE_EMPTY)
		body = mail->end - field.end;
	else if (field.kind == PARSE_BODY)
		body = mail->end - field.start;
	out->now.offset = wr->at;
	add_range(wr, wr->box->fd, mail->offset, at);
	add_fields(wr, &out->now, base, body);
	for (;; at = field.end) {
		if (parse_field(&wr->w, at, mail->end, &field, NULL,
		    err) == -1)
			return -1;
		if (field.kind != PARSE_FIELD)
			break;
		if (header_is_shown(field.name))
			add_range(wr, wr->box->fd, field.start, field.end);
	}
	add_range(wr, wr->box->fd, at, mail->end);
	out->now.end = wr->at;
	add_eol(wr);
	return 0;
}

static void
put_append(struct writing *wr, struct mbox_out *out, bool base)
{
	struct mbox_op *op = out->op;
	char line[FROM_LINE_MAX];
	size_t start = wr->change.text.len;

	out->now.offset = wr->at;
	out->now.from_len = (uint16_t)from_line_format(line, op->sender,
	    op->received);
	strbuf_adds(&wr->change.text, line);
	add_text(wr, start);
	add_fields(wr, &out->now, base, op->body_len);
	for (size_t i = 0; i < op->extents.n; i++)
		add_range(wr, op->spool->fd, op->extents.v[i].offset,
		    op->extents.v[i].offset + op->extents.v[i].len);
	out->now.end = wr->at;
	add_eol(wr);
	/* Mostly there is but one, and it can stay where it is. */
	if (wr->change.spool == NULL && op->spool->named &&
	    !op->spool->busy)
		wr->change.spool = op->spool;
}

static void
put_pseudo(struct writing *wr)
{
	struct strbuf *text = &wr->change.text;
	size_t start = text->len, at;
	const char *lf;

	wr->pseudo = (struct mbox_mail){ .offset = wr->at };
	at = mbox_head_pseudo(wr->box, text, wr->plan->uidvalidity,
	    wr->plan->last_uid);
	wr->change.given.base = in_tail(wr, start, at);
	lf = strchr(text->data + start, '\n');
	wr->pseudo.from_len = (uint16_t)(lf + 1 - (text->data + start));
	add_text(wr, start);
	wr->pseudo.end = wr->at;
	add_eol(wr);
}

/* Where the tail begins, and what has to come first there. */
static void
begin_tail(struct writing *wr)
{
	struct mbox_box *box = wr->box;
	uint64_t end = box->mails.n > 0 ?
	    box->mails.v[box->mails.n - 1].end : box->has_pseudo ?
	    box->pseudo.end : box->st.size;

	if (wr->base_in_tail && box->has_pseudo)
		wr->at = box->pseudo.offset;
	else if (wr->plan->first < box->mails.n)
		wr->at = box->mails.v[wr->plan->first].offset;
	else
		wr->at = box->st.size;
	wr->change.has_tail = true;
	wr->change.offset = wr->at;
	/* The last message that stays may lack its line end. */
	if (wr->at == box->st.size && end == box->st.size && end > 0)
		add_eol(wr);
}

/* The messages with UIDs that nobody had begin here. */
static void
begin_given(struct writing *wr)
{
	struct given_uids *given = &wr->change.given;
	uint32_t next;

	given->uidvalidity = wr->plan->uidvalidity;
	given->last_uid = wr->plan->last_uid;
	given->first = wr->at - wr->change.offset;
	given->uidnext = wr->plan->uidnext;
	/* Where the index was ahead, that is not since. */
	next = mbox_index_numbers(wr->box, &given->uidvalidity);
	if (next > given->uidnext)
		given->uidnext = next;
}

static int
compose_tail(struct writing *wr, struct err *err)
{
	struct mbox_plan *plan = wr->plan;
	bool base = wr->base_in_tail;

	begin_tail(wr);
	if (base && (wr->box->has_pseudo || plan->tail.n == 0)) {
		put_pseudo(wr);
		base = false;
	}
	for (size_t i = 0; i < plan->tail.n; i++, base = false) {
		struct mbox_out *out = &plan->tail.v[i];

		if (is_given(wr, out->now.uid) &&
		    wr->change.given.uidnext == 0)
			begin_given(wr);
		if (out->op != NULL)
			put_append(wr, out, base);
		else if (!out->changed && !base)
			put_verbatim(wr, out);
		else if (put_changed(wr, out, base, err) == -1)
			return -1;
	}
	return 0;
}

/*
 * X-IMAPbase: in place if the message that has it stays and has room, else all
 * of the file is composed anew.
 */
static int
place_base(struct writing *wr, struct err *err)
{
	struct mbox_box *box = wr->box;
	struct mbox_plan *plan = wr->plan;
	const struct mbox_mail *holder = NULL, *now;
	int r = 0;

	wr->base = !box->has_base ||
	    plan->uidvalidity != box->base.uidvalidity ||
	    plan->last_uid != box->base.last_uid ||
	    box->keywords.n > box->base_keywords;
	if (box->has_pseudo)
		holder = &box->pseudo;
	else if (plan->first > 0 && box->has_base)
		holder = &box->mails.v[0];
	if (!wr->base && holder != NULL)
		return 0;
	if (holder != NULL) {
		now = holder;
		if (holder != &box->pseudo && plan->flags.n > 0 &&
		    plan->flags.v[0].mail == 0)
			now = &plan->flags.v[0].now;
		r = mbox_patch(box, &wr->change, holder, now, true, plan,
		    err);
	}
	if (r == 0) {
		wr->base_in_tail = true;
		mbox_plan_begin_at(box, plan, 0);
	}
	return r == -1 ? -1 : 0;
}

/* Flags in place, as far as there is room. */
static int
place_flags(struct writing *wr, struct err *err)
{
	struct mbox_plan *plan = wr->plan;
	int r;

	for (size_t i = 0; i < plan->flags.n; i++) {
		struct mbox_out *out = &plan->flags.v[i];

		/* Done with X-IMAPbase already. */
		if (out->mail == 0 && wr->base && !wr->box->has_pseudo)
			continue;
		r = mbox_patch(wr->box, &wr->change,
		    &wr->box->mails.v[out->mail], &out->now, false, plan,
		    err);
		if (r == -1)
			return -1;
		if (r == 0) {
			size_t first = out->mail;

			/* It comes before the first one that moves. */
			if (first == 0 && !wr->box->has_pseudo)
				wr->base_in_tail = true;
			mbox_plan_begin_at(wr->box, plan, first);
			break;
		}
	}
	return 0;
}

/* A patch of what the tail writes anew would be too much. */
static void
drop_patches(struct writing *wr)
{
	size_t n = 0;

	for (size_t i = 0; i < wr->change.patches.n; i++) {
		if (wr->change.patches.v[i].offset < wr->change.offset)
			wr->change.patches.v[n++] =
			    wr->change.patches.v[i];
	}
	wr->change.patches.n = n;
}

/* The table follows what was written. */
static void
update_box(struct writing *wr, const struct path_stat *st)
{
	struct mbox_box *box = wr->box;
	struct mbox_plan *plan = wr->plan;

	for (size_t i = 0; i < plan->flags.n; i++)
		box->mails.v[plan->flags.v[i].mail] = plan->flags.v[i].now;
	if (wr->tail) {
		box->mails.n = plan->first;
		for (size_t i = 0; i < plan->tail.n; i++)
			*ARRAY_ADD(&box->mails) = plan->tail.v[i].now;
		if (wr->pseudo.from_len > 0) {
			box->pseudo = wr->pseudo;
			box->has_pseudo = true;
		}
	}
	if (wr->base) {
		box->has_base = true;
		box->base_keywords = box->keywords.n;
	}
	box->base.uidvalidity = plan->uidvalidity;
	box->base.last_uid = plan->last_uid;
	box->uidnext = plan->last_uid + 1;
	box->st = *st;
	box->known = true;
}

int
mbox_write(struct mbox_box *box, struct mbox_plan *plan, bool *unknown_r,
    struct err *err)
{
	struct writing wr = { .box = box, .plan = plan };
	struct path_stat st;
	int ret = -1;

	*unknown_r = false;
	change_init(&wr.change);
	window_init(&wr.w, box->fd, box->st.size);
	if (place_base(&wr, err) == 0 && place_flags(&wr, err) == 0) {
		wr.tail = plan->first < box->mails.n || plan->tail.n > 0 ||
		    wr.base_in_tail;
		ret = wr.tail ? compose_tail(&wr, err) : 0;
		if (wr.tail)
			drop_patches(&wr);
	}
	if (ret == 0 && (wr.tail || wr.change.patches.n > 0)) {
		ret = journal_commit(box, &wr.change, &st, unknown_r, err);
		if (ret == 0)
			update_box(&wr, &st);
		else
			box->known = false;
	}
	window_deinit(&wr.w);
	change_deinit(&wr.change);
	return ret;
}
