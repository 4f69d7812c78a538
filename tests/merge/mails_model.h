/*
 * mails_model.h - two mailboxes as a model to merge and to carry plans out on
 */
#ifndef MERGE_MAILS_MODEL_H
#define MERGE_MAILS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "brain/merge_mails.h"
#include "tests/support/rng.h"

#define MODEL_MAILS_MAX	64U
#define MODEL_GUIDS	8	/* message GUIDs in use; two share a text */

struct model_mail {
	struct msg_message m;
	bool changed;		/* since the base */
	bool dead;		/* was expunged */
};

struct model_side {
	bool exists;
	uint32_t uidvalidity, uidnext;
	bool state_changed, uidvalidity_changed;
	struct model_mail mails[MODEL_MAILS_MAX];
	size_t count;
};

struct model {
	struct arena *arena;
	struct rng rng;
	uint64_t clock;
	struct model_side side[2];
	bool guessed;		/* one-way, the destination's UIDNEXT unknown */
	bool other_uid;		/* a save got another UID than planned */
};

/*
 * Begin anew: two empty mailboxes and nothing planned.  What model held before
 * is freed; the first time it must be zero.
 */
void model_begin(struct model *model, struct plan_mails *plan, uint64_t seed);
/* Free what both hold. */
void model_end(struct model *model, struct plan_mails *plan);

/* Both sides have messages 0, 2, ... with marks 1, 2, ..., and a position. */
void model_start_equal(struct model *model, size_t n);

/* A mark of this number, and a message GUID. */
struct guid128 model_mark(uint64_t n);
const char *model_guid(unsigned int n);

/* What a mail client does. */
struct model_mail *model_add(struct model *model, unsigned int s,
    unsigned int guid, uint64_t mark);
void model_expunge(struct model *model, unsigned int s, size_t i);
void model_flag(struct model *model, unsigned int s, size_t i, flags_t flags);
/* One random thing. */
void model_step(struct model *model, unsigned int s);
/* Both sides have a position now: nothing is changed or new since. */
void model_base(struct model *model);

enum model_view {
	VIEW_DELTA,		/* what changed since the base */
	VIEW_COMPLETE,		/* all, with a base (-f) */
	VIEW_NO_BASE,
};

/* The input that the brain would make of it; flip: sides swapped. */
void model_input(struct model *model, enum model_view view, int source,
    bool flip, const struct guid128 *asked, size_t asked_count,
    struct mails_input *in);

/* Carry out; source: nothing of that side may be written.  False: no. */
bool model_apply(struct model *model, const struct mails_input *in,
    const struct plan_mails *plan);

/* Why the sides are not equal, or NULL.  one_way: UIDNEXT of side 1 may be
   above that of the source, 0. */
const char *model_difference(const struct model *model, bool one_way);

bool model_plan_empty(const struct plan_mails *plan);
/* plan is what mirror is with the sides swapped. */
bool model_plans_mirrored(const struct plan_mails *plan,
    const struct plan_mails *mirror);

/* A live instance of side s that has one of these marks, or NULL. */
struct model_mail *model_find(struct model *model, unsigned int s,
    const struct guid128 *marks, size_t count);

#endif
