/*
 * flags.h - system flags, keywords and when each of them was last changed
 *
 * \Recent is not synchronised (rule F4) and has no bit.  Each flag and each
 * keyword is a key of its own with a stamp (rule F1): milliseconds since 1970
 * of the change that gave it its value, 0 if no change was ever seen.
 */
#ifndef MODEL_FLAGS_H
#define MODEL_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

typedef uint8_t flags_t;

#define FLAG_ANSWERED	0x01U
#define FLAG_FLAGGED	0x02U
#define FLAG_DELETED	0x04U
#define FLAG_SEEN	0x08U
#define FLAG_DRAFT	0x10U
#define FLAGS_ALL	0x1fU
#define FLAG_COUNT	5U

#define KEYWORD_MAX	255U		/* bytes of one keyword */
#define KEYWORDS_MAX	512U		/* keywords of one message, set or not */
#define STAMP_MAX	7258118400000ULL /* ms: the year 2200 */

/* One keyword of a message.  A cleared one is kept for its stamp. */
struct keyword {
	const char *name;	/* spelling as first seen; compared by ASCII case */
	uint64_t stamp;		/* ms, 0: never seen to change */
	bool set;
};

/* The flags of one message with their stamps.  Names are borrowed. */
struct mail_flags {
	flags_t flags;
	uint64_t stamps[FLAG_COUNT];	/* ms, by bit number; 0: never changed */
	struct keyword *keywords;	/* sorted by keyword_cmp, no two equal */
	size_t keyword_count;
};

/* ASCII case-insensitive order. */
int keyword_cmp(const char *a, const char *b);

/*
 * An IMAP atom that a client could have set (RFC 3501 flag-keyword): 1 to
 * KEYWORD_MAX bytes, no space, control, 8-bit, or any of ( ) { % * " \ ] .
 */
bool keyword_valid(const char *name, size_t len);

/* The keyword of this name, or NULL. */
struct keyword *mail_flags_find(const struct mail_flags *mf, const char *name);

/* Same flags and same set keywords; stamps and cleared keywords do not count. */
bool mail_flags_same(const struct mail_flags *a, const struct mail_flags *b);

/* As mail_flags_same, and the same stamps, cleared keywords included. */
bool mail_flags_identical(const struct mail_flags *a,
    const struct mail_flags *b);

/* A copy whose memory comes from arena. */
struct mail_flags mail_flags_dup(struct arena *arena,
    const struct mail_flags *mf);

/*
 * The stamp of a change made at now_ms that replaces one stamped old (rules P11,
 * F3): max(now_ms, old + 1), STAMP_MAX at most; with 0 just above old.
 */
uint64_t stamp_after(uint64_t old, uint64_t now_ms);

/*
 * What the log knows after a store was found with the flags and the sorted,
 * set keywords of now: keys that differ from old are stamped
 * max(now_ms, old stamp + 1) (rule F3), all others keep their stamp.  The
 * spelling of a keyword known to old is kept (rule F5).  Above KEYWORDS_MAX the
 * keywords that were cleared longest ago are forgotten.
 */
struct mail_flags mail_flags_observe(struct arena *arena,
    const struct mail_flags *old, flags_t flags,
    const char *const *keywords, size_t keyword_count, uint64_t now_ms);

/* "\Seen \Flagged work" for a person; arena memory. */
char *mail_flags_format(struct arena *arena, const struct mail_flags *mf);

#endif
