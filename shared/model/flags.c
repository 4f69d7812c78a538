#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/strbuf.h"
#include "model/flags.h"

/* In the order in which people expect them. */
static const struct flag_name {
	flags_t flag;
	const char *name;
} flag_names[] = {
	{ FLAG_SEEN, "\\Seen" },
	{ FLAG_ANSWERED, "\\Answered" },
	{ FLAG_FLAGGED, "\\Flagged" },
	{ FLAG_DELETED, "\\Deleted" },
	{ FLAG_DRAFT, "\\Draft" },
};

/* Not tolower(): the locale must not change which keywords are equal. */
static unsigned char
ascii_lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

int
keyword_cmp(const char *a, const char *b)
{
	while (*a != '\0' && ascii_lower(*a) == ascii_lower(*b)) {
		a++;
		b++;
	}
	return (int)ascii_lower(*a) - (int)ascii_lower(*b);
}

bool
keyword_valid(const char *name, size_t len)
{
	if (len == 0 || len > KEYWORD_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c <= 0x20 || c >= 0x7f || strchr("(){%*\"\\]", c) != NULL)
			return false;
	}
	return true;
}

struct keyword *
mail_flags_find(const struct mail_flags *mf, const char *name)
{
	size_t low = 0, high = mf->keyword_count, mid;
	int cmp;

	while (low < high) {
		mid = low + (high - low) / 2;
		cmp = keyword_cmp(name, mf->keywords[mid].name);
		if (cmp == 0)
			return &mf->keywords[mid];
		if (cmp < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* The next set keyword at or after *i, or NULL. */
static const struct keyword *
next_set(const struct mail_flags *mf, size_t *i)
{
	while (*i < mf->keyword_count) {
		if (mf->keywords[(*i)++].set)
			return &mf->keywords[*i - 1];
	}
	return NULL;
}

bool
mail_flags_same(const struct mail_flags *a, const struct mail_flags *b)
{
	const struct keyword *ka, *kb;
	size_t ia = 0, ib = 0;

	if (a->flags != b->flags)
		return false;
	do {
		ka = next_set(a, &ia);
		kb = next_set(b, &ib);
		if (ka == NULL || kb == NULL)
			return ka == kb;
	} while (keyword_cmp(ka->name, kb->name) == 0);
	return false;
}

bool
mail_flags_identical(const struct mail_flags *a, const struct mail_flags *b)
{
	if (a->flags != b->flags || a->keyword_count != b->keyword_count ||
	    memcmp(a->stamps, b->stamps, sizeof(a->stamps)) != 0)
		return false;
	for (size_t i = 0; i < a->keyword_count; i++) {
		const struct keyword *ka = &a->keywords[i];
		const struct keyword *kb = &b->keywords[i];

		if (ka->set != kb->set || ka->stamp != kb->stamp ||
		    keyword_cmp(ka->name, kb->name) != 0)
			return false;
	}
	return true;
}

struct mail_flags
mail_flags_dup(struct arena *arena, const struct mail_flags *mf)
{
	struct mail_flags copy = *mf;

	copy.keywords = arena_calloc(arena, mf->keyword_count,
	    sizeof(*copy.keywords));
	for (size_t i = 0; i < mf->keyword_count; i++) {
		copy.keywords[i] = mf->keywords[i];
		copy.keywords[i].name = arena_strdup(arena,
		    mf->keywords[i].name);
	}
	return copy;
}

uint64_t
stamp_after(uint64_t old, uint64_t now_ms)
{
	uint64_t stamp = now_ms > old ? now_ms : old + 1;

	return stamp < STAMP_MAX ? stamp : STAMP_MAX;
}

static void
observe_keyword(struct keyword *kw, bool set, uint64_t now_ms)
{
	if (kw->set == set)
		return;
	kw->set = set;
	kw->stamp = stamp_after(kw->stamp, now_ms);
}

/* Drop the cleared keywords that were cleared longest ago. */
static void
forget_cleared(struct mail_flags *mf)
{
	struct keyword *oldest;

	while (mf->keyword_count > KEYWORDS_MAX) {
		oldest = NULL;
		for (size_t i = 0; i < mf->keyword_count; i++) {
			struct keyword *kw = &mf->keywords[i];

			if (!kw->set && (oldest == NULL ||
			    kw->stamp < oldest->stamp))
				oldest = kw;
		}
		if (oldest == NULL)
			return;
		mf->keyword_count--;
		memmove(oldest, oldest + 1,
		    (size_t)(mf->keywords + mf->keyword_count - oldest) *
		    sizeof(*oldest));
	}
}

struct mail_flags
mail_flags_observe(struct arena *arena, const struct mail_flags *old,
    flags_t flags, const char *const *keywords, size_t keyword_count,
    uint64_t now_ms)
{
	struct mail_flags mf = *old;
	struct keyword *kw;
	size_t i = 0, j = 0;
	int cmp;

	mf.flags = flags & FLAGS_ALL;
	for (size_t bit = 0; bit < FLAG_COUNT; bit++) {
		if ((mf.flags ^ old->flags) & 1U << bit)
			mf.stamps[bit] = stamp_after(old->stamps[bit], now_ms);
	}
	mf.keyword_count = 0;
	mf.keywords = arena_calloc(arena, old->keyword_count + keyword_count,
	    sizeof(*mf.keywords));
	/* Join the two sorted lists. */
	while (i < old->keyword_count || j < keyword_count) {
		if (i == old->keyword_count)
			cmp = 1;
		else if (j == keyword_count)
			cmp = -1;
		else
			cmp = keyword_cmp(old->keywords[i].name, keywords[j]);
		kw = &mf.keywords[mf.keyword_count++];
		if (cmp <= 0)
			*kw = old->keywords[i++];
		else
			kw->name = keywords[j];
		kw->name = arena_strdup(arena, kw->name);
		observe_keyword(kw, cmp >= 0, now_ms);
		/* A store may hold one keyword in two spellings. */
		while (cmp >= 0 && j < keyword_count &&
		    keyword_cmp(kw->name, keywords[j]) == 0)
			j++;
	}
	forget_cleared(&mf);
	return mf;
}

char *
mail_flags_format(struct arena *arena, const struct mail_flags *mf)
{
	struct strbuf buf;
	char *text;

	strbuf_init(&buf, (KEYWORDS_MAX + nitems(flag_names)) *
	    (4 * KEYWORD_MAX + 1));
	for (size_t i = 0; i < nitems(flag_names); i++) {
		if (!(mf->flags & flag_names[i].flag))
			continue;
		if (buf.len > 0)
			strbuf_addc(&buf, ' ');
		strbuf_adds(&buf, flag_names[i].name);
	}
	for (size_t i = 0; i < mf->keyword_count; i++) {
		const struct keyword *kw = &mf->keywords[i];

		if (!kw->set)
			continue;
		if (buf.len > 0)
			strbuf_addc(&buf, ' ');
		strbuf_add_escaped(&buf, kw->name, strlen(kw->name));
	}
	text = arena_strdup(arena, buf.data);
	strbuf_deinit(&buf);
	return text;
}
