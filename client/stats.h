/*
 * stats.h - what a run consisted of, for the person who asks why it was slow
 *
 * With -D, one line for each kind of message and direction: how many there
 * were and when the first and the last one passed, and one line for each side.
 */
#ifndef CLIENT_STATS_H
#define CLIENT_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "brain/brain.h"
#include "model/msg.h"

enum stats_dir {
	STATS_SENT,
	STATS_RECEIVED,
	STATS_DIRS
};

struct stats {
	uint64_t started_ms;		/* clock_mono_ms */
	struct stats_kind {
		uint64_t n;
		uint64_t first_ms, last_ms;
	} kinds[SIDE_COUNT][STATS_DIRS][MSG_KIND_COUNT];
	struct stats_side {
		uint64_t bytes[STATS_DIRS];
		uint64_t calls[STATS_DIRS];	/* that moved bytes */
		unsigned int turns;	/* of sending after receiving */
		enum stats_dir last;
	} sides[SIDE_COUNT];
};

void stats_init(struct stats *stats);
void stats_message(struct stats *stats, enum brain_side side,
    enum stats_dir dir, enum msg_kind kind);
void stats_bytes(struct stats *stats, enum brain_side side,
    enum stats_dir dir, size_t len);
/* Tell the log, at level debug. */
void stats_log(const struct stats *stats);

#endif
