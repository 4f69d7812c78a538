#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "client/stats.h"
#include "log/log.h"

static const char *const side_words[SIDE_COUNT] = { "first", "second" };
static const char *const dir_words[STATS_DIRS] = { "to", "from" };

void
stats_init(struct stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->started_ms = clock_mono_ms();
	for (int i = 0; i < SIDE_COUNT; i++)
		stats->sides[i].last = STATS_RECEIVED;
}

void
stats_message(struct stats *stats, enum brain_side side, enum stats_dir dir,
    enum msg_kind kind)
{
	struct stats_kind *k = &stats->kinds[side][dir][kind];

	/* The clock is asked only if somebody will read the answer. */
	if (log_enabled(LOG_LEVEL_DEBUG)) {
		k->last_ms = clock_mono_ms() - stats->started_ms;
		if (k->n == 0)
			k->first_ms = k->last_ms;
	}
	k->n++;
}

void
stats_bytes(struct stats *stats, enum brain_side side, enum stats_dir dir,
    size_t len)
{
	struct stats_side *s = &stats->sides[side];

	s->bytes[dir] += len;
	s->calls[dir]++;
	if (dir == STATS_SENT && s->last == STATS_RECEIVED)
		s->turns++;
	s->last = dir;
}

void
stats_log(const struct stats *stats)
{
	if (!log_enabled(LOG_LEVEL_DEBUG))
		return;
	for (int side = 0; side < SIDE_COUNT; side++) {
		const struct stats_side *s = &stats->sides[side];

		log_debug("traffic side=%s sent=%llu received=%llu writes=%llu "
		    "reads=%llu turns=%u", side_words[side],
		    (unsigned long long)s->bytes[STATS_SENT],
		    (unsigned long long)s->bytes[STATS_RECEIVED],
		    (unsigned long long)s->calls[STATS_SENT],
		    (unsigned long long)s->calls[STATS_RECEIVED], s->turns);
		for (int dir = 0; dir < STATS_DIRS; dir++) {
			for (int kind = 0; kind < MSG_KIND_COUNT; kind++) {
				const struct stats_kind *k =
				    &stats->kinds[side][dir][kind];

				if (k->n == 0)
					continue;
				log_debug("messages %s=%s kind=%s count=%llu "
				    "first_ms=%llu last_ms=%llu",
				    dir_words[dir], side_words[side],
				    msg_kind_name((enum msg_kind)kind),
				    (unsigned long long)k->n,
				    (unsigned long long)k->first_ms,
				    (unsigned long long)k->last_ms);
			}
		}
	}
}
