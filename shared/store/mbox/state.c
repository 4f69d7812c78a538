#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/io.h"
#include "base/mem.h"
#include "store/files/dotlock.h"
#include "store/mbox/header.h"
#include "store/mbox/state.h"

#define STATE_FILE_MAX	((size_t)STORE_MESSAGES_MAX * 128)
#define MAGIC		"dsync-mbox 1 "

void
state_init(struct state *state)
{
	*state = (struct state){ .exists = false };
}

void
state_drop_fresh(struct state *state)
{
	for (size_t i = 0; i < state->fresh.n; i++)
		free(state->fresh.v[i].text);
	state->fresh.n = 0;
}

void
state_clear(struct state *state)
{
	for (size_t i = 0; i < state->mails.n; i++)
		free(state->mails.v[i].text);
	state->mails.n = 0;
	state_drop_fresh(state);
}

void
state_deinit(struct state *state)
{
	state_clear(state);
	ARRAY_FREE(&state->mails);
	ARRAY_FREE(&state->fresh);
}

static bool
number(const char *text, size_t len, size_t *pos, uint32_t *out)
{
	const char *word;
	size_t n;
	uint64_t value;

	if (!header_word(text, len, pos, &word, &n) ||
	    !header_number(word, n, UINT32_MAX, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool
parse_first(struct state *state, const char *text, size_t len)
{
	size_t pos = sizeof(MAGIC) - 1, n;
	const char *word;

	return len > pos && memcmp(text, MAGIC, pos) == 0 &&
	    header_word(text, len, &pos, &word, &n) &&
	    guid_parse(&state->guid, word, n) &&
	    number(text, len, &pos, &state->uidvalidity) &&
	    number(text, len, &pos, &state->next_uidvalidity);
}

void
state_add(struct state *state, uint32_t uid,
    const uint8_t digest[static GUID_SIZE], const char *guid,
    const char *uidl, uint32_t order)
{
	struct state_mail *mail = ARRAY_ADD(&state->fresh);
	size_t len = strlen(guid), uidl_len = uidl == NULL ? 0 : strlen(uidl);

	for (size_t i = 0; uidl != NULL && uidl[i] != '\0'; i++) {
		/* Nothing that could not be read back. */
		if ((unsigned char)uidl[i] <= ' ' || uidl[i] == 0x7f)
			uidl_len = 0;
	}
	if (uidl_len > STATE_UIDL_MAX)
		uidl_len = 0;
	mail->uid = uid;
	memcpy(mail->digest, digest, GUID_SIZE);
	mail->pop3_order = order;
	mail->text = mem_alloc(len + uidl_len + 2);
	memcpy(mail->text, guid, len);
	if (uidl_len > 0)
		memcpy(mail->text + len + 1, uidl, uidl_len);
}

/* Fresh lines become lines of the file. */
static void
settle(struct state *state)
{
	for (size_t i = 0; i < state->fresh.n; i++) {
		struct state_mail *mail = &state->fresh.v[i];

		if (state->mails.n == 0)
			state->sorted = true;
		else if (mail->uid <= state->mails.v[state->mails.n - 1].uid)
			state->sorted = false;
		mail->order = (uint32_t)state->mails.n;
		*ARRAY_ADD(&state->mails) = *mail;
	}
	state->fresh.n = 0;
}

static void
parse_mail(struct state *state, const char *text, size_t len)
{
	char guid[GUID_TEXT_MAX + 1], uidl[STATE_UIDL_MAX + 1] = "";
	uint8_t digest[GUID_SIZE];
	const char *word;
	size_t pos = 0, n;
	uint32_t uid, order;

	if (len > STATE_LINE_MAX || state->fresh.n >= STORE_MESSAGES_MAX ||
	    !number(text, len, &pos, &uid) || uid == 0 ||
	    !header_word(text, len, &pos, &word, &n) ||
	    n != 2 * GUID_SIZE || !hex_parse(digest, GUID_SIZE, word, n) ||
	    !header_word(text, len, &pos, &word, &n) ||
	    !guid_text_valid(word, n))
		return;
	memcpy(guid, word, n);
	guid[n] = '\0';
	if (!number(text, len, &pos, &order))
		return;
	if (header_word(text, len, &pos, &word, &n) && n <= STATE_UIDL_MAX) {
		memcpy(uidl, word, n);
		uidl[n] = '\0';
	}
	state_add(state, uid, digest, guid, uidl, order);
}

void
state_parse(struct state *state, const char *text, size_t len)
{
	const char *lf;
	bool first = true;

	state_clear(state);
	state->exists = false;
	while ((lf = memchr(text, '\n', len)) != NULL) {
		size_t n = (size_t)(lf - text);

		if (first && !(state->exists = parse_first(state, text, n)))
			return;
		if (!first)
			parse_mail(state, text, n);
		first = false;
		text += n + 1;
		len -= n + 1;
	}
	settle(state);
	/* What has no end was not written in full. */
	state->torn = len > 0;
}

void
state_format_mail(const struct state_mail *mail, struct strbuf *out)
{
	char digest[GUID_HEX_SIZE];
	const char *uidl = state_uidl(mail);

	hex_format(digest, mail->digest, GUID_SIZE);
	strbuf_addf(out, "%" PRIu32 " %s %s %" PRIu32 "%s%s\n", mail->uid,
	    digest, mail->text, mail->pop3_order, uidl == NULL ? "" : " ",
	    uidl == NULL ? "" : uidl);
}

void
state_format(const struct state *state, struct strbuf *out)
{
	char guid[GUID_HEX_SIZE];

	guid_format(&state->guid, guid);
	strbuf_addf(out, MAGIC "%s %" PRIu32 " %" PRIu32 "\n", guid,
	    state->uidvalidity, state->next_uidvalidity);
	for (size_t i = 0; i < state->mails.n; i++)
		state_format_mail(&state->mails.v[i], out);
	for (size_t i = 0; i < state->fresh.n; i++)
		state_format_mail(&state->fresh.v[i], out);
}

bool
state_fits(const struct state *state, uint32_t uidvalidity)
{
	return state->exists && uidvalidity != 0 &&
	    (state->uidvalidity == uidvalidity ||
	    state->next_uidvalidity == uidvalidity);
}

static int
mail_cmp(const void *a, const void *b)
{
	const struct state_mail *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

const struct state_mail *
state_find(struct state *state, uint32_t uid,
    const uint8_t digest[static GUID_SIZE])
{
	size_t low = 0, high = state->mails.n;

	if (!state->sorted && state->mails.n > 0)
		qsort(state->mails.v, state->mails.n,
		    sizeof(*state->mails.v), mail_cmp);
	state->sorted = true;
	/* The first one above this UID; the last line of several counts. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (state->mails.v[mid].uid <= uid)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low > 0 && state->mails.v[low - 1].uid == uid; low--) {
		if (memcmp(state->mails.v[low - 1].digest, digest,
		    GUID_SIZE) == 0)
			return &state->mails.v[low - 1];
	}
	return NULL;
}

const char *
state_uidl(const struct state_mail *mail)
{
	const char *uidl = mail->text + strlen(mail->text) + 1;

	return uidl[0] == '\0' ? NULL : uidl;
}

static bool
same_file(const struct path_stat *a, const struct path_stat *b)
{
	return a->exists == b->exists && a->ino == b->ino &&
	    a->dev == b->dev && a->size == b->size &&
	    a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

int
state_load(struct state *state, struct path_root *root, int dirfd,
    struct err *err)
{
	struct path_stat st = { .exists = false };
	struct strbuf text;
	int ret = -1;

	if (dirfd != -1 && path_stat(root, dirfd, NULL, STATE_NAME, &st,
	    err) == -1)
		return -1;
	if (same_file(&st, &state->st))
		return 0;
	state->st = st;
	if (!st.exists) {
		state_clear(state);
		state->exists = false;
		return 0;
	}
	strbuf_init(&text, STATE_FILE_MAX);
	if (io_read_file(dirfd, STATE_NAME, &text, err) == 0) {
		state_parse(state, text.data, text.len);
		ret = 0;
	}
	strbuf_deinit(&text);
	if (ret == -1)
		state->st = (struct path_stat){ .exists = false };
	return ret;
}

int
state_append(struct state *state, struct path_root *root, int dirfd,
    struct err *err)
{
	struct strbuf text;
	int fd, ret = -1;

	strbuf_init(&text, STATE_FILE_MAX);
	if (state->torn)
		strbuf_addc(&text, '\n');
	for (size_t i = 0; i < state->fresh.n; i++)
		state_format_mail(&state->fresh.v[i], &text);
	fd = path_open_write(root, dirfd, STATE_NAME, true, err);
	if (fd != -1) {
		if (path_write(root, fd, text.data, text.len, err) == 0 &&
		    path_fsync(root, fd, err) == 0 &&
		    path_fstat(fd, &state->st, err) == 0) {
			state->torn = false;
			settle(state);
			ret = 0;
		}
		close(fd);
	}
	strbuf_deinit(&text);
	if (ret == -1)
		state->st = (struct path_stat){ .exists = false };
	return ret;
}

int
state_write(struct state *state, struct path_root *root, int dirfd,
    const char *hostname, struct err *err)
{
	char tmp[PATH_NAME_MAX + 1];
	struct err ignored = ERR_INIT;
	struct strbuf text;
	int fd, ret = -1;

	strbuf_init(&text, STATE_FILE_MAX);
	state_format(state, &text);
	unique_name(tmp, hostname);
	if ((fd = path_create(root, dirfd, tmp, 0600, err)) != -1) {
		if (path_write(root, fd, text.data, text.len, err) == 0 &&
		    path_fsync(root, fd, err) == 0 &&
		    path_rename_over(root, dirfd, tmp, STATE_NAME,
		    err) == 0)
			ret = path_fsync(root, dirfd, err);
		else
			(void)path_unlink(root, dirfd, tmp, false, &ignored);
		if (ret == 0)
			ret = path_fstat(fd, &state->st, err);
		close(fd);
	}
	strbuf_deinit(&text);
	state->torn = false;
	if (ret == -1)
		state->st = (struct path_stat){ .exists = false };
	else
		settle(state);
	state->exists = ret == 0;
	return ret;
}
