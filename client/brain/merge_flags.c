/*
 * merge_flags.c - flags and keywords of two records of one message (F1-F5)
 *
 * A keyword that a record does not name is taken as cleared at stamp 0, so the
 * two sorted lists are walked side by side and each key is merged alone.
 */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "brain/merge_flags.h"

typedef struct stamped_flag merge_fn(struct stamped_flag a,
    struct stamped_flag b);

struct stamped_flag
merge_flag(struct stamped_flag a, struct stamped_flag b)
{
	if (a.stamp != b.stamp)
		return a.stamp > b.stamp ? a : b;
	return a.set ? a : b;
}

struct stamped_flag
merge_deleted(struct stamped_flag a, struct stamped_flag b)
{
	if (a.stamp != b.stamp)
		return a.stamp > b.stamp ? a : b;
	return a.set ? b : a;
}

/* B0: the first one is the source's. */
static struct stamped_flag
impose_flag(struct stamped_flag source, struct stamped_flag dest)
{
	if (source.stamp > dest.stamp)
		return source;
	if (source.set == dest.set)
		return dest;
	source.stamp = stamp_after(dest.stamp, 0);
	return source;
}

static struct stamped_flag
flag_of(const struct mail_flags *mf, unsigned int bit)
{
	return (struct stamped_flag){
		.set = (mf->flags & (1U << bit)) != 0,
		.stamp = mf->stamps[bit],
	};
}

/* Add what became of one keyword, unless nothing is known of it. */
static void
add_keyword(struct mail_flags *out, const char *name, struct stamped_flag f)
{
	if (!f.set && f.stamp == 0)
		return;
	out->keywords[out->keyword_count++] = (struct keyword){
		.name = name, .stamp = f.stamp, .set = f.set,
	};
}

static struct stamped_flag
keyword_flag(const struct keyword *kw)
{
	return (struct stamped_flag){ .set = kw->set, .stamp = kw->stamp };
}

static void
merge_keywords(struct mail_flags *out, const struct mail_flags *a,
    const struct mail_flags *b, merge_fn *merge)
{
	const struct stamped_flag none = { 0 };
	size_t i = 0, j = 0;
	int cmp;

	while (i < a->keyword_count || j < b->keyword_count) {
		const struct keyword *ka = &a->keywords[i], *kb = &b->keywords[j];

		if (i == a->keyword_count)
			cmp = 1;
		else if (j == b->keyword_count)
			cmp = -1;
		else
			cmp = keyword_cmp(ka->name, kb->name);
		if (cmp < 0) {
			add_keyword(out, ka->name,
			    merge(keyword_flag(ka), none));
			i++;
		} else if (cmp > 0) {
			add_keyword(out, kb->name,
			    merge(none, keyword_flag(kb)));
			j++;
		} else {
			/* F5: one spelling, the same whoever is asked. */
			add_keyword(out, strcmp(ka->name, kb->name) <= 0 ?
			    ka->name : kb->name,
			    merge(keyword_flag(ka), keyword_flag(kb)));
			i++;
			j++;
		}
	}
}

static enum flags_conflict
flag_conflict(struct stamped_flag a, struct stamped_flag b)
{
	if (a.set == b.set)
		return FLAGS_AGREE;
	if (a.stamp == b.stamp)
		return FLAGS_TIED;
	return a.stamp != 0 && b.stamp != 0 ? FLAGS_LATER : FLAGS_AGREE;
}

enum flags_conflict
merge_flags_conflict(const struct mail_flags *a, const struct mail_flags *b)
{
	const struct stamped_flag none = { 0 };
	enum flags_conflict worst = FLAGS_AGREE, one;
	size_t i = 0, j = 0;
	int cmp;

	for (unsigned int bit = 0; bit < FLAG_COUNT; bit++) {
		one = flag_conflict(flag_of(a, bit), flag_of(b, bit));
		worst = one > worst ? one : worst;
	}
	while (i < a->keyword_count || j < b->keyword_count) {
		if (i == a->keyword_count)
			cmp = 1;
		else if (j == b->keyword_count)
			cmp = -1;
		else
			cmp = keyword_cmp(a->keywords[i].name,
			    b->keywords[j].name);
		one = flag_conflict(cmp <= 0 ? keyword_flag(&a->keywords[i]) :
		    none, cmp >= 0 ? keyword_flag(&b->keywords[j]) : none);
		worst = one > worst ? one : worst;
		i += cmp <= 0;
		j += cmp >= 0;
	}
	return worst;
}

static struct mail_flags
merge_all(struct arena *arena, const struct mail_flags *a,
    const struct mail_flags *b, merge_fn *merge, merge_fn *deleted)
{
	struct mail_flags out = { 0 };
	struct stamped_flag f;

	for (unsigned int bit = 0; bit < FLAG_COUNT; bit++) {
		f = ((1U << bit) == FLAG_DELETED ? deleted : merge)(
		    flag_of(a, bit), flag_of(b, bit));
		if (f.set)
			out.flags |= (flags_t)(1U << bit);
		out.stamps[bit] = f.stamp;
	}
	if (a->keyword_count + b->keyword_count > 0) {
		out.keywords = arena_calloc(arena,
		    a->keyword_count + b->keyword_count,
		    sizeof(*out.keywords));
		merge_keywords(&out, a, b, merge);
	}
	return out;
}

struct mail_flags
merge_flags(struct arena *arena, const struct mail_flags *a,
    const struct mail_flags *b)
{
	return merge_all(arena, a, b, merge_flag, merge_deleted);
}

struct mail_flags
merge_flags_impose(struct arena *arena, const struct mail_flags *source,
    const struct mail_flags *dest)
{
	return merge_all(arena, source, dest, impose_flag, impose_flag);
}
