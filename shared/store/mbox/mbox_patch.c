/*
 * Flags in place.  The fields that are ours lie somewhere in a header, with
 * others between them perhaps.  All lines from the first one to the last one of
 * ours are written anew in the same number of bytes: ours first, with blanks
 * for what is left, then the others as they were.  As ours are not shown to
 * anybody, the message stays the same.
 */
#include "config.h"

#include <string.h>

#include "store/mbox/journal.h"
#include "store/mbox/mbox.h"

struct region {
	uint64_t start, end;
	bool found;
	bool uid_fits;
	struct strbuf others;	/* lines between that are not rewritten */
	struct strbuf between;	/* ... since the last one of ours */
};

static bool
is_ours(enum header_name name, bool base, bool pseudo)
{
	switch (name) {
	case HEADER_OTHER:
	case HEADER_NOTE:
	case HEADER_CONTENT_LENGTH:
		break;
	case HEADER_X_IMAP:
	case HEADER_X_IMAPBASE:
		return base;
	case HEADER_STATUS:
	case HEADER_X_KEYWORDS:
	case HEADER_X_STATUS:
	case HEADER_X_UID:
		return !pseudo;
	}
	return false;
}

static int
add_file(struct strbuf *out, struct window *w, uint64_t at, uint64_t end,
    struct err *err)
{
	const char *p;
	size_t got;

	for (; at < end && !out->failed; at += got) {
		if ((p = window_at(w, at, 1, &got, err)) == NULL)
			return -1;
		if (got > end - at)
			got = (size_t)(end - at);
		strbuf_add(out, p, got);
	}
	return 0;
}

/* One field into the region; -1. */
static int
take_field(struct region *region, struct window *w,
    const struct parse_field *field, const struct strbuf *value,
    const struct mbox_mail *mail, bool base, bool pseudo, struct err *err)
{
	uint64_t uid;

	if (!is_ours(field->name, base, pseudo))
		return region->found ? add_file(&region->between, w,
		    field->start, field->end, err) : 0;
	if (field->name == HEADER_X_UID)
		region->uid_fits = header_number(value->data, value->len,
		    UINT32_MAX, &uid) && uid == mail->uid;
	if (!region->found)
		region->start = field->start;
	region->found = true;
	region->end = field->end;
	strbuf_add(&region->others, region->between.data,
	    region->between.len);
	strbuf_reset(&region->between);
	return 0;
}

static int
find_region(struct mbox_box *box, const struct mbox_mail *mail, bool base,
    bool pseudo, struct region *region, struct err *err)
{
	struct parse_field field = { .end = mail->offset + mail->from_len };
	struct strbuf value;
	struct window w;
	int r;

	window_init(&w, box->fd, box->st.size);
	strbuf_init(&value, HEADER_VALUE_MAX);
	while ((r = parse_field(&w, field.end, mail->end, &field, &value,
	    err)) == 0 && field.kind == PARSE_FIELD) {
		if ((r = take_field(region, &w, &field, &value, mail, base,
		    pseudo, err)) == -1)
			break;
	}
	strbuf_deinit(&value);
	window_deinit(&w);
	return r;
}

/* The new lines, as long as the old ones; false: they need more room. */
static bool
fill_region(const struct mbox_box *box, const struct region *region,
    const struct mbox_mail *now, bool base, bool pseudo,
    const struct mbox_plan *plan, struct strbuf *out)
{
	size_t start = out->len, want = (size_t)(region->end -
	    region->start), len, tail;
	struct strbuf blanks;

	if (base)
		(void)mbox_head_base(box, out, pseudo ? "X-IMAP" : "X-IMAPbase",
		    plan->uidvalidity, plan->last_uid, 0);
	if (!pseudo)
		mbox_head_fields(box, out, now, 0);
	len = out->len - start;
	tail = region->others.len;
	if (len + tail > want)
		return false;
	/* Blanks before the LF of the last line of ours. */
	out->len--;
	strbuf_init(&blanks, JOURNAL_PATCH_MAX);
	for (size_t i = 0; i < want - len - tail; i++)
		strbuf_addc(&blanks, ' ');
	strbuf_add(out, blanks.data, blanks.len);
	strbuf_deinit(&blanks);
	strbuf_addc(out, '\n');
	strbuf_add(out, region->others.data, tail);
	return !out->failed;
}

int
mbox_patch(struct mbox_box *box, struct change *change,
    const struct mbox_mail *mail, const struct mbox_mail *now, bool base,
    const struct mbox_plan *plan, struct err *err)
{
	bool pseudo = mail == &box->pseudo;
	struct region region = { .found = false };
	struct patch patch;
	struct window w;
	size_t before = change->text.len;
	int r;

	strbuf_init(&region.others, JOURNAL_PATCH_MAX / 2);
	strbuf_init(&region.between, JOURNAL_PATCH_MAX / 2);
	r = find_region(box, mail, base, pseudo, &region, err);
	if (r == 0 && region.found && (pseudo || region.uid_fits) &&
	    !region.others.failed && !region.between.failed &&
	    region.end <= mail->end &&
	    region.end - region.start <= JOURNAL_PATCH_MAX) {
		patch = (struct patch){ .offset = region.start,
		    .len = (size_t)(region.end - region.start),
		    .fresh = change->text.len };
		if (fill_region(box, &region, now, base, pseudo, plan,
		    &change->text)) {
			patch.old = change->text.len;
			window_init(&w, box->fd, box->st.size);
			r = add_file(&change->text, &w, region.start,
			    region.end, err);
			window_deinit(&w);
			if (r == 0) {
				*ARRAY_ADD(&change->patches) = patch;
				r = 1;
			}
		} else {
			change->text.len = before;
		}
	}
	strbuf_deinit(&region.others);
	strbuf_deinit(&region.between);
	return r;
}
