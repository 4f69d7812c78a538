/*
 * Which names are subscribed now, put into the log (T14).
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "model/mailbox_name.h"
#include "session/session_int.h"

static const struct guid128 none;

/* What a run has left there, with its stamp, or what came to be now. */
static uint64_t
sub_stamp(const struct session *s, const char *store_name, bool on,
    uint64_t now)
{
	return intent_stamp(s, &none, store_name, on ? "" : NULL, 0, now);
}

struct sub_scan {
	struct session *s;
	bool first;
	uint64_t now;
	struct chlog_subscription *subs;
	struct chlog_subscription **sorted;	/* as the store spells them */
	bool *seen;
	size_t count;
};

/* Equal ones in the order of subs. */
static int
spelt_cmp(const void *av, const void *bv)
{
	const struct chlog_subscription *a =
	    *(struct chlog_subscription *const *)av;
	const struct chlog_subscription *b =
	    *(struct chlog_subscription *const *)bv;
	int r = strcmp(a->store_name, b->store_name);

	return r != 0 ? r : (a > b) - (a < b);
}

static void
sort_spelt(struct sub_scan *ss, struct arena *arena)
{
	ss->sorted = arena_calloc(arena, ss->count, sizeof(*ss->sorted));
	for (size_t i = 0; i < ss->count; i++)
		ss->sorted[i] = &ss->subs[i];
	if (ss->count > 1)
		qsort(ss->sorted, ss->count, sizeof(*ss->sorted), spelt_cmp);
}

/*
 * What is known under this name; two names that the store spells alike are
 * there as long as it is (T13).  One that is on goes before one that is not.
 */
static struct chlog_subscription *
sub_meet(struct sub_scan *ss, const char *name)
{
	struct chlog_subscription *known = NULL, *sub;
	size_t low = 0, high = ss->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(ss->sorted[mid]->store_name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < ss->count; low++) {
		sub = ss->sorted[low];
		if (strcmp(sub->store_name, name) != 0)
			break;
		ss->seen[sub - ss->subs] = true;
		if (known == NULL || (sub->on && !known->on))
			known = sub;
	}
	return known;
}

static int
on_subscribed(const char *name, void *arg, struct err *err)
{
	struct sub_scan *ss = arg;
	struct session *s = ss->s;
	struct chlog_subscription sub = { .name = name, .store_name = name,
	    .on = true }, *known;
	const char *wanted;

	if (!name_valid(name, strlen(name)) || !session_in_scope(s, name))
		return 0;
	known = sub_meet(ss, name);
	if (known != NULL) {
		if (known->on)
			return 0;
		sub = *known;
		sub.on = true;
		sub.stamp = stamp_after(known->stamp, ss->now);
	} else {
		sub.stamp = ss->first ? 0 : ss->now;
		wanted = intent_name(s, &none, name, true);
		if (wanted != NULL)
			sub.name = wanted;
	}
	sub.stamp = sub_stamp(s, name, true, sub.stamp);
	sub.seq = chlog_next_seq(s->log);
	sub.run = RUN_NOBODY;
	return chlog_subscription_put(s->log, &sub, err);
}

int
scan_subscriptions(struct session *s, struct arena *arena, bool first,
    uint64_t now, struct err *err)
{
	struct sub_scan ss = { .s = s, .first = first, .now = now };
	ptrdiff_t n = chlog_subscriptions(s->log, arena, &ss.subs, err);

	if (n == -1)
		return -1;
	ss.count = (size_t)n;
	ss.seen = arena_calloc(arena, ss.count, sizeof(*ss.seen));
	sort_spelt(&ss, arena);
	if (s->driver->subscriptions(s->store, on_subscribed, &ss,
	    err) == -1)
		return err_prefix(err, "subscriptions");
	for (size_t i = 0; i < ss.count; i++) {
		struct chlog_subscription *sub = &ss.subs[i];

		if (ss.seen[i] || !sub->on ||
		    !session_in_scope(s, sub->name))
			continue;
		sub->on = false;
		sub->stamp = sub_stamp(s, sub->store_name, false,
		    stamp_after(sub->stamp, now));
		sub->seq = chlog_next_seq(s->log);
		sub->run = RUN_NOBODY;
		if (chlog_subscription_put(s->log, sub, err) == -1)
			return -1;
	}
	return 0;
}
