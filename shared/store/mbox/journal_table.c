#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/mbox/journal_table.h"

#define END_LINE	"end %020" PRIu64 " %s\n"
#define END_LEN		(4U + 20U + 1U + 2U * DIGEST_SIZE + 1U)
#define TABLE_MAX	((size_t)1 << 32)	/* bytes */

void
journal_init(struct journal *table)
{
	*table = (struct journal){ .has_tail = false };
}

void
journal_deinit(struct journal *table)
{
	ARRAY_FREE(&table->data);
	ARRAY_FREE(&table->patches);
	ARRAY_FREE(&table->given.lines);
}

void
journal_add_data(struct journal *table, uint64_t offset, uint64_t len)
{
	struct extent *last = table->data.n == 0 ? NULL :
	    &table->data.v[table->data.n - 1];

	if (last != NULL && last->offset + last->len == offset)
		last->len += len;
	else
		*ARRAY_ADD(&table->data) = (struct extent){ offset, len,
		    false };
}

void
journal_set_given(struct journal *table, const struct given_uids *given)
{
	struct given_uids *to = &table->given;

	to->uidvalidity = given->uidvalidity;
	to->uidnext = given->uidnext;
	to->last_uid = given->last_uid;
	to->first = given->first;
	to->base = given->base;
	for (size_t i = 0; i < given->lines.n; i++)
		*ARRAY_ADD(&to->lines) = given->lines.v[i];
}

static void
format_given(const struct given_uids *given, struct strbuf *out)
{
	char digest[GUID_HEX_SIZE];

	if (given->uidnext == 0)
		return;
	strbuf_addf(out, "uids %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64
	    " %" PRIu64 "\n", given->uidvalidity, given->uidnext,
	    given->last_uid, given->first, given->base);
	for (size_t i = 0; i < given->lines.n; i++) {
		const struct uid_line *line = &given->lines.v[i];

		hex_format(digest, line->digest, GUID_SIZE);
		strbuf_addf(out, "uid %" PRIu64 " %zu %" PRIu32 " %s\n",
		    line->at, line->len, line->uid, digest);
	}
}

void
journal_format(const struct journal *table, struct strbuf *out,
    uint64_t offset)
{
	char anchor[2 * DIGEST_SIZE + 1], rest[2 * DIGEST_SIZE + 1];
	uint8_t digest[DIGEST_SIZE];

	hex_format(anchor, table->anchor, DIGEST_SIZE);
	hex_format(rest, table->rest, DIGEST_SIZE);
	strbuf_addf(out, "mbox %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
	    " %d %" PRIu64 "\nanchor %s %s\n", table->dev, table->ino,
	    table->old_size, table->new_size, table->has_tail,
	    table->offset, anchor, rest);
	if (table->mtime > 0)
		strbuf_addf(out, "time %" PRId64 "\n", table->mtime);
	for (size_t i = 0; i < table->patches.n; i++) {
		const struct journal_patch *p = &table->patches.v[i];

		strbuf_addf(out, "patch %" PRIu64 " %zu %" PRIu64 " %" PRIu64
		    "\n", p->offset, p->len, p->fresh, p->old);
	}
	for (size_t i = 0; i < table->data.n; i++)
		strbuf_addf(out, "data %" PRIu64 " %" PRIu64 "\n",
		    table->data.v[i].offset, table->data.v[i].len);
	format_given(&table->given, out);
	digest_sha256(out->data, out->len, digest);
	hex_format(anchor, digest, DIGEST_SIZE);
	strbuf_addf(out, END_LINE, offset, anchor);
}

int
journal_pread(int fd, void *buf, size_t len, uint64_t offset,
    struct err *err)
{
	char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = pread(fd, p, len, (off_t)offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(err, "read");
		if (n == 0)
			return err_set(err, ERR_TEMP, "a file is too short");
		p += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* max numbers of a line; all must be there. */
static bool
numbers(const char *text, size_t len, uint64_t *out, size_t max)
{
	size_t pos = 0, n;
	const char *word;

	for (size_t i = 0; i < max; i++) {
		if (!header_word(text, len, &pos, &word, &n) ||
		    !header_number(word, n, UINT64_MAX, &out[i]))
			return false;
	}
	return !header_word(text, len, &pos, &word, &n);
}

static bool
starts(const char *text, size_t len, const char *word)
{
	return len >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

static bool
parse_digests(struct journal *table, const char *text, size_t len)
{
	size_t hex = 2 * DIGEST_SIZE;

	return len == 2 * hex + 1 && hex_parse(table->anchor, DIGEST_SIZE,
	    text, hex) && hex_parse(table->rest, DIGEST_SIZE,
	    text + hex + 1, hex);
}

static bool
parse_uid_line(struct journal *table, const char *text, size_t len)
{
	struct uid_line *line;
	size_t digits = 2 * GUID_SIZE;
	uint64_t n[3];

	if (len <= digits || !numbers(text, len - digits - 1, n, 3) ||
	    n[1] > END_LEN || n[2] > UID_LAST)
		return false;
	line = ARRAY_ADD(&table->given.lines);
	line->at = n[0];
	line->len = (size_t)n[1];
	line->uid = (uint32_t)n[2];
	return hex_parse(line->digest, GUID_SIZE, text + len - digits,
	    digits);
}

static bool
parse_given(struct journal *table, const char *text, size_t len)
{
	struct given_uids *given = &table->given;
	uint64_t n[5];

	if (!numbers(text, len, n, 5) || n[0] > UINT32_MAX ||
	    n[1] > UINT32_MAX || n[2] > UINT32_MAX)
		return false;
	given->uidvalidity = (uint32_t)n[0];
	given->uidnext = (uint32_t)n[1];
	given->last_uid = (uint32_t)n[2];
	given->first = n[3];
	given->base = n[4];
	return true;
}

/* All places are in the tail, and rise. */
static bool
given_fits(const struct journal *table)
{
	const struct given_uids *given = &table->given;
	uint64_t size = table->new_size - table->offset;
	uint64_t low = given->first;

	if (given->uidnext == 0)
		return given->lines.n == 0;
	if (!table->has_tail || given->first > size || given->base > size ||
	    size - given->base < BASE_DIGITS)
		return false;
	for (size_t i = 0; i < given->lines.n; i++) {
		const struct uid_line *line = &given->lines.v[i];

		if (line->at < low || line->at > size ||
		    line->len > size - line->at)
			return false;
		low = line->at + line->len;
	}
	return true;
}

/* limit: where the table begins, behind all data. */
static bool
parse_line(struct journal *table, const char *text, size_t len,
    uint64_t limit)
{
	uint64_t n[6];

	if (starts(text, len, "anchor "))
		return parse_digests(table, text + 7, len - 7);
	if (starts(text, len, "mbox ") && numbers(text + 5, len - 5, n, 6)) {
		table->dev = n[0];
		table->ino = n[1];
		table->old_size = n[2];
		table->new_size = n[3];
		table->has_tail = n[4] != 0;
		table->offset = n[5];
		return true;
	}
	if (starts(text, len, "patch ") &&
	    numbers(text + 6, len - 6, n, 4) && n[1] <= JOURNAL_PATCH_MAX &&
	    n[2] <= limit && n[1] <= limit - n[2] && n[3] <= limit &&
	    n[1] <= limit - n[3]) {
		*ARRAY_ADD(&table->patches) = (struct journal_patch){ n[0],
		    (size_t)n[1], n[2], n[3] };
		return true;
	}
	if (starts(text, len, "time ") && numbers(text + 5, len - 5, n, 1) &&
	    n[0] < INT64_MAX) {
		table->mtime = (int64_t)n[0];
		return true;
	}
	if (starts(text, len, "uids "))
		return parse_given(table, text + 5, len - 5);
	if (starts(text, len, "uid "))
		return parse_uid_line(table, text + 4, len - 4);
	if (starts(text, len, "data ") &&
	    numbers(text + 5, len - 5, n, 2) && n[0] <= limit &&
	    n[1] <= limit - n[0]) {
		journal_add_data(table, n[0], n[1]);
		return true;
	}
	return false;
}

static bool
parse_table(struct journal *table, const char *text, size_t len,
    uint64_t limit)
{
	uint64_t sum = table->offset;
	const char *lf;

	while (len > 0) {
		lf = memchr(text, '\n', len);
		if (lf == NULL || !parse_line(table, text,
		    (size_t)(lf - text), limit))
			return false;
		len -= (size_t)(lf - text) + 1;
		text = lf + 1;
	}
	sum = table->offset;
	for (size_t i = 0; i < table->data.n; i++)
		sum += table->data.v[i].len;
	return (!table->has_tail || sum == table->new_size) &&
	    given_fits(table);
}

int
journal_read(int fd, uint64_t size, struct journal *table, struct err *err)
{
	char end[END_LEN + 1], again[END_LEN + 1], hex[2 * DIGEST_SIZE + 1];
	uint8_t digest[DIGEST_SIZE];
	uint64_t offset;
	char *text;
	size_t len;
	int r = 0;

	if (size < END_LEN)
		return 0;
	if (journal_pread(fd, end, END_LEN, size - END_LEN, err) == -1)
		return -1;
	end[END_LEN] = '\0';
	if (memcmp(end, "end ", 4) != 0 ||
	    !header_number(end + 4, 20, INT64_MAX, &offset) ||
	    offset > size - END_LEN || size - END_LEN - offset > TABLE_MAX)
		return 0;
	len = (size_t)(size - END_LEN - offset);
	text = mem_alloc(len + 1);
	if (journal_pread(fd, text, len, offset, err) == -1) {
		free(text);
		return -1;
	}
	digest_sha256(text, len, digest);
	hex_format(hex, digest, DIGEST_SIZE);
	snprintf(again, sizeof(again), END_LINE, offset, hex);
	if (memcmp(end, again, END_LEN) == 0)
		r = parse_table(table, text, len, offset);
	free(text);
	return r;
}

/* Bytes in front of the tail, with the places of patches left out. */
static int
anchor_digest(struct mbox_box *box, const struct journal *table,
    uint8_t out[static DIGEST_SIZE], struct err *err)
{
	size_t len = table->offset < JOURNAL_ANCHOR ? (size_t)table->offset :
	    JOURNAL_ANCHOR;
	uint64_t start = table->offset - len;
	char buf[JOURNAL_ANCHOR];

	if (journal_pread(box->fd, buf, len, start, err) == -1)
		return -1;
	for (size_t i = 0; i < table->patches.n; i++) {
		const struct journal_patch *p = &table->patches.v[i];

		for (uint64_t at = p->offset; at < p->offset + p->len; at++) {
			if (at >= start && at < table->offset)
				buf[at - start] = 0;
		}
	}
	digest_sha256(buf, len, out);
	return 0;
}

/* Of the bytes behind the new end that the old file has. */
static int
rest_digest(struct mbox_box *box, const struct journal *table,
    uint8_t out[static DIGEST_SIZE], struct err *err)
{
	struct digest_ctx *ctx = digest_new();
	char *buf = mem_alloc(COPY_SIZE);
	uint64_t at = table->new_size;
	int ret = 0;

	while (at < table->old_size && ret == 0) {
		uint64_t left = table->old_size - at;
		size_t n = left < COPY_SIZE ? (size_t)left : COPY_SIZE;

		ret = journal_pread(box->fd, buf, n, at, err);
		digest_update(ctx, buf, n);
		at += n;
	}
	digest_final(ctx, out);
	digest_free(&ctx);
	free(buf);
	return ret;
}

int
journal_digests(struct mbox_box *box, int fd, struct journal *table,
    struct err *err)
{
	(void)fd;
	if (!table->has_tail)
		return 0;
	if (anchor_digest(box, table, table->anchor, err) == -1)
		return -1;
	return rest_digest(box, table, table->rest, err);
}

/*
 * How many bytes of the mbox at offset, up to size, are those of the tail from
 * skip on.
 */
static int
common(struct mbox_box *box, int fd, const struct journal *table,
    uint64_t offset, uint64_t skip, uint64_t size, uint64_t *same_r,
    struct err *err)
{
	char *ours = mem_alloc(COPY_SIZE), *theirs = mem_alloc(COPY_SIZE);
	uint64_t same = 0, pos = 0;
	bool differ = false;
	int ret = 0;

	for (size_t i = 0; i < table->data.n && !differ && ret == 0; i++) {
		uint64_t from = table->data.v[i].offset;
		uint64_t left = table->data.v[i].len;

		if (pos + left <= skip) {
			pos += left;
			continue;
		}
		if (pos < skip) {
			from += skip - pos;
			left -= skip - pos;
			pos = skip;
		}
		while (left > 0 && !differ && ret == 0) {
			size_t n = left < COPY_SIZE ? (size_t)left :
			    COPY_SIZE, k = 0;

			if (n > size - offset)
				n = (size_t)(size - offset);
			if (n == 0)
				differ = true;
			if (journal_pread(fd, ours, n, from, err) == -1 ||
			    journal_pread(box->fd, theirs, n, offset,
			    err) == -1)
				ret = -1;
			while (ret == 0 && k < n && ours[k] == theirs[k])
				k++;
			differ = differ || k < n;
			same += k;
			from += n;
			offset += n;
			left -= n;
			pos += n;
		}
	}
	free(ours);
	free(theirs);
	*same_r = same;
	return ret;
}

/* What was appended has to begin with a From_ line. */
static int
is_clean(struct mbox_box *box, uint64_t *foreign, uint64_t size,
    const char **why_r, struct err *err)
{
	struct window w;
	struct window_line line;
	int64_t received;
	uint64_t next;
	int r;

	window_init(&w, box->fd, size);
	while ((r = window_line(&w, *foreign, &line, err)) == 1 &&
	    (line.len == 0 || (line.len == 1 && line.text[0] == '\r')))
		*foreign = line.next;
	if (r == 1)
		r = parse_is_from(&w, *foreign, &next, &received, err);
	else if (r == 0)
		*foreign = size, r = 1;
	window_deinit(&w);
	if (r == 0)
		*why_r = "somebody else has written to the mbox since";
	return r == -1 ? -1 : 0;
}

/* The last From_ line that begins before mine. */
static int
step_back(struct mbox_box *box, uint64_t *foreign, uint64_t low,
    uint64_t mine, uint64_t size, const char **why_r, struct err *err)
{
	uint64_t at = mine, next;
	struct window w;
	int64_t received;
	size_t got;
	int r = 0;

	if (mine - low > WINDOW_LINE_MAX)
		low = mine - WINDOW_LINE_MAX;
	window_init(&w, box->fd, size);
	/* All of it is in the window then. */
	if (window_at(&w, low, 1, &got, err) == NULL)
		r = -1;
	while (r == 0 && at-- > low)
		r = parse_is_from(&w, at, &next, &received, err);
	window_deinit(&w);
	if (r == 1) {
		*foreign = at;
		*why_r = NULL;
	}
	return r == -1 ? -1 : 0;
}

int
journal_look(struct mbox_box *box, int fd, const struct journal *table,
    uint64_t size, uint64_t *foreign_r, bool *whole_r, const char **why_r,
    struct err *err)
{
	static const char other[] =
	    "somebody else has changed the mbox since";
	uint64_t tail = table->new_size - table->offset, p, q = 0, mine;
	uint64_t old = table->old_size;
	uint8_t digest[DIGEST_SIZE];
	bool rest = false;

	*why_r = NULL;
	*foreign_r = size;
	*whole_r = true;
	if (!table->has_tail)
		return 0;
	if (size < table->offset || (size < old && size < table->new_size)) {
		*why_r = other;
		return 0;
	}
	if (anchor_digest(box, table, digest, err) == -1)
		return -1;
	if (memcmp(digest, table->anchor, DIGEST_SIZE) != 0) {
		*why_r = other;
		return 0;
	}
	if (common(box, fd, table, table->offset, 0, size, &p, err) == -1)
		return -1;
	*whole_r = p == tail;
	if (table->new_size <= old) {
		/* Cut off already, or not. */
		if (size >= old) {
			if (rest_digest(box, table, digest, err) == -1)
				return -1;
			rest = memcmp(digest, table->rest, DIGEST_SIZE) == 0;
		}
		if (!rest && p < tail) {
			*why_r = other;
			return 0;
		}
		mine = rest ? old : table->new_size;
	} else {
		mine = table->offset + p;
		if (mine < old) {
			if (common(box, fd, table, old, old - table->offset,
			    size, &q, err) == -1)
				return -1;
			mine = old + q;
		}
	}
	*foreign_r = mine;
	if (mine >= size) {
		*foreign_r = size;
		return 0;
	}
	if (is_clean(box, foreign_r, size, why_r, err) == -1)
		return -1;
	/* Their first bytes may be like ours, as "From " is. */
	if (*why_r != NULL && table->new_size > old)
		return step_back(box, foreign_r, old, mine, size, why_r,
		    err);
	return 0;
}

/* Each byte is that of the one or of the other. */
static bool
is_mix(const char *now, const char *fresh, const char *old, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (now[i] != fresh[i] && now[i] != old[i])
			return false;
	}
	return true;
}

int
journal_patch_again(struct mbox_box *box, int fd,
    const struct journal *table, struct err *err)
{
	/* Numbers that others gave since count more than those of then. */
	static const char base[] = "X-IMAP";
	struct path_stat st;
	int ret = path_fstat(box->fd, &st, err);

	for (size_t i = 0; i < table->patches.n && ret == 0; i++) {
		const struct journal_patch *p = &table->patches.v[i];
		bool there = p->offset <= st.size &&
		    p->len <= st.size - p->offset;
		char *buf = mem_alloc(3 * p->len);

		if (journal_pread(fd, buf, p->len, p->fresh, err) == -1 ||
		    journal_pread(fd, buf + p->len, p->len, p->old,
		    err) == -1 || (there && journal_pread(box->fd,
		    buf + 2 * p->len, p->len, p->offset, err) == -1))
			ret = -1;
		else if (there && is_mix(buf + 2 * p->len, buf, buf + p->len,
		    p->len))
			ret = path_pwrite(box->root, box->fd, buf, p->len,
			    p->offset, err);
		else if (memmem(buf, p->len, base, sizeof(base) - 1) == NULL)
			mbox_box_problem(box, NULL, "flags were not changed "
			    "as planned: somebody else has changed them");
		free(buf);
	}
	return ret;
}
