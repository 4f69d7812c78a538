/*
 * merge_flags.h - flags and keywords of two records of one message (F1-F5)
 */
#ifndef BRAIN_MERGE_FLAGS_H
#define BRAIN_MERGE_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/flags.h"

struct arena;

/* One flag or keyword of one message, as its store's log knows it. */
struct stamped_flag {
	bool set;
	uint64_t stamp;		/* ms since 1970; 0: no change ever seen */
};

/*
 * Merge one flag: the later stamp wins (P11, F1); of two equal stamps the one
 * that is set (F2).  Neither the order of the arguments nor, with three
 * stores, the order in which they meet makes a difference (P2, P4).
 */
struct stamped_flag merge_flag(struct stamped_flag a, struct stamped_flag b);

/* As merge_flag, but of two equal stamps the one that is not set: \Deleted
   stays only where both sides have it (F2). */
struct stamped_flag merge_deleted(struct stamped_flag a,
    struct stamped_flag b);

enum flags_conflict {
	FLAGS_AGREE,
	FLAGS_LATER,		/* some differ, and each has a later change */
	FLAGS_TIED,		/* some have no later one (F2) */
};

/* Values alone count, not what is stamped otherwise. */
enum flags_conflict merge_flags_conflict(const struct mail_flags *a,
    const struct mail_flags *b);

/* All flags and keywords of two records, merged two-way; arena memory. */
struct mail_flags merge_flags(struct arena *arena, const struct mail_flags *a,
    const struct mail_flags *b);

/*
 * What the destination of a one-way run gets (B0): the values of source; where
 * those replace another value, the stamp is one above what they replaced.
 */
struct mail_flags merge_flags_impose(struct arena *arena,
    const struct mail_flags *source, const struct mail_flags *dest);

#endif
