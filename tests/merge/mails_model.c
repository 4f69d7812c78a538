/* Two mailboxes as a model to merge and to carry plans out on. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "mails_model.h"

#define ARENA_MAX	((size_t)1 << 30)

static const char *const guids[MODEL_GUIDS] = {
	"g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7",
};

void
model_begin(struct model *model, struct plan_mails *plan, uint64_t seed)
{
	model_end(model, plan);
	model->arena = arena_new(ARENA_MAX);
	model->rng.state = seed * 2654435761U + 1;
	model->clock = 1000;
	for (unsigned int s = 0; s < 2; s++) {
		model->side[s].exists = true;
		model->side[s].uidvalidity = 1;
		model->side[s].uidnext = 1;
	}
}

void
model_end(struct model *model, struct plan_mails *plan)
{
	plan_mails_deinit(plan);
	arena_free(&model->arena);
	*plan = (struct plan_mails){ 0 };
	*model = (struct model){ 0 };
}

void
model_start_equal(struct model *model, size_t n)
{
	for (unsigned int s = 0; s < 2; s++)
		for (size_t i = 0; i < n; i++)
			(void)model_add(model, s, (unsigned int)i * 2, i + 1);
	model_base(model);
}

struct guid128
model_mark(uint64_t n)
{
	struct guid128 mark = { { 0 } };

	for (unsigned int i = 0; i < 8; i++)
		mark.b[i] = (uint8_t)(n >> (56 - 8 * i));
	return mark;
}

const char *
model_guid(unsigned int n)
{
	return guids[n % MODEL_GUIDS];
}

/* GUIDs 2n and 2n + 1 have one text. */
static const uint8_t *
digest_of(struct arena *arena, unsigned int guid)
{
	uint8_t *digest = arena_alloc(arena, DIGEST_SIZE);

	digest[0] = (uint8_t)(guid % MODEL_GUIDS / 2 + 1);
	return digest;
}

struct model_mail *
model_add(struct model *model, unsigned int s, unsigned int guid,
    uint64_t mark)
{
	struct model_side *side = &model->side[s];
	struct model_mail *mail;

	if (side->count >= MODEL_MAILS_MAX)
		abort();
	mail = &side->mails[side->count++];
	memset(mail, 0, sizeof(*mail));
	mail->m.uid = side->uidnext++;
	mail->m.guid = model_guid(guid);
	mail->m.digest = digest_of(model->arena, guid);
	mail->m.marks = arena_calloc(model->arena, MARKS_MAX,
	    sizeof(struct guid128));
	mail->m.marks[0] = mark != 0 ? model_mark(mark) :
	    model_mark(rng_u64(&model->rng) | 1ULL << 63);
	mail->m.mark_count = 1;
	mail->m.received = 1000000000;
	mail->m.is_new = true;
	mail->changed = side->state_changed = true;
	return mail;
}

void
model_expunge(struct model *model, unsigned int s, size_t i)
{
	struct model_mail *mail = &model->side[s].mails[i];

	mail->dead = mail->changed = true;
	model->side[s].state_changed = true;
}

void
model_flag(struct model *model, unsigned int s, size_t i, flags_t flags)
{
	struct model_mail *mail = &model->side[s].mails[i];

	mail->m.flags = mail_flags_observe(model->arena, &mail->m.flags, flags,
	    NULL, 0, ++model->clock);
	mail->changed = model->side[s].state_changed = true;
}

static size_t
live_mail(struct model *model, unsigned int s)
{
	const struct model_side *side = &model->side[s];
	size_t live = 0, pick;

	for (size_t i = 0; i < side->count; i++)
		live += !side->mails[i].dead;
	if (live == 0)
		return SIZE_MAX;
	pick = rng_below(&model->rng, (uint32_t)live);
	for (size_t i = 0; i < side->count; i++)
		if (!side->mails[i].dead && pick-- == 0)
			return i;
	abort();
}

/* The UIDVALIDITY is changed, and with it all UIDs. */
static void
renumber(struct model_side *side, uint32_t uidvalidity)
{
	side->uidnext = 1;
	for (size_t i = 0; i < side->count; i++) {
		if (side->mails[i].dead)
			continue;
		side->mails[i].m.uid = side->uidnext++;
		side->mails[i].changed = true;
	}
	side->uidvalidity = uidvalidity;
	side->state_changed = side->uidvalidity_changed = true;
}

void
model_step(struct model *model, unsigned int s)
{
	struct model_side *side = &model->side[s];
	uint32_t what = rng_below(&model->rng, 20);
	size_t i = live_mail(model, s);

	if (what < 7 || i == SIZE_MAX) {
		if (side->count < MODEL_MAILS_MAX / 2)
			(void)model_add(model, s,
			    rng_below(&model->rng, MODEL_GUIDS), 0);
	} else if (what < 12) {
		model_flag(model, s, i,
		    (flags_t)rng_below(&model->rng, 32));
	} else if (what < 17) {
		model_expunge(model, s, i);
	} else if (what < 19) {
		/* Moved away and back: a new instance, a new UID. */
		struct msg_message old = side->mails[i].m;

		model_expunge(model, s, i);
		if (side->count < MODEL_MAILS_MAX / 2) {
			unsigned int guid = (unsigned int)atoi(old.guid + 1);

			model_add(model, s, guid, 0)->m.flags = old.flags;
		}
	} else {
		renumber(side, side->uidvalidity + 1 +
		    rng_below(&model->rng, 5));
	}
}

void
model_base(struct model *model)
{
	for (unsigned int s = 0; s < 2; s++) {
		struct model_side *side = &model->side[s];

		side->state_changed = side->uidvalidity_changed = false;
		for (size_t i = 0; i < side->count; i++)
			side->mails[i].changed = side->mails[i].m.is_new =
			    false;
	}
}

static bool
shares(const struct msg_message *m, const struct guid128 *marks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (marks_have(m->marks, m->mark_count, &marks[i]))
			return true;
	return false;
}

struct model_mail *
model_find(struct model *model, unsigned int s, const struct guid128 *marks,
    size_t count)
{
	struct model_side *side = &model->side[s];

	for (size_t i = 0; i < side->count; i++)
		if (!side->mails[i].dead &&
		    shares(&side->mails[i].m, marks, count))
			return &side->mails[i];
	return NULL;
}

static int
rec_cmp(const void *a, const void *b)
{
	const struct msg_message *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static bool
told(const struct model_mail *mail, enum model_view view,
    const struct guid128 *asked, size_t asked_count)
{
	if (view == VIEW_DELTA)
		return mail->changed || shares(&mail->m, asked, asked_count);
	return true;
}

static void
input_side(struct model *model, enum model_view view, unsigned int s,
    const struct guid128 *asked, size_t asked_count, struct mails_side *out)
{
	struct model_side *side = &model->side[s];

	*out = (struct mails_side){
		.exists = side->exists,
		.complete = view != VIEW_DELTA,
		.state_known = view != VIEW_DELTA || side->state_changed,
		.uidvalidity = side->uidvalidity,
		.uidnext = side->uidnext,
		.uidvalidity_changed = view != VIEW_NO_BASE &&
		    side->uidvalidity_changed,
	};
	out->recs = arena_calloc(model->arena, side->count + 1,
	    sizeof(*out->recs));
	out->gone = arena_calloc(model->arena, side->count + 1,
	    sizeof(*out->gone));
	for (size_t i = 0; i < side->count; i++) {
		const struct model_mail *mail = &side->mails[i];

		out->messages += !mail->dead;
		if (!told(mail, view, asked, asked_count))
			continue;
		if (!mail->dead) {
			out->recs[out->rec_count] = mail->m;
			out->recs[out->rec_count++].is_new = mail->m.is_new &&
			    view != VIEW_NO_BASE;
			continue;
		}
		out->gone[out->gone_count++] = (struct msg_gone){
			.uid = mail->m.uid, .guid = mail->m.guid,
			.marks = mail->m.marks,
			.mark_count = mail->m.mark_count,
			.is_new = mail->m.is_new,
		};
	}
	qsort(out->recs, out->rec_count, sizeof(*out->recs), rec_cmp);
	if (view == VIEW_DELTA && asked_count > 0) {
		out->asked = arena_memdup(model->arena, asked,
		    asked_count * sizeof(*asked));
		out->asked_count = marks_normalise(out->asked, asked_count);
	}
}

void
model_input(struct model *model, enum model_view view, int source, bool flip,
    const struct guid128 *asked, size_t asked_count, struct mails_input *in)
{
	*in = (struct mails_input){
		.base = view != VIEW_NO_BASE,
		.source = source < 0 ? -1 : source ^ (int)flip,
		.run = model_mark(77),
	};
	for (unsigned int s = 0; s < 2; s++)
		input_side(model, view, s, asked, asked_count,
		    &in->side[s ^ (unsigned int)flip]);
}

static struct model_mail *
find_uid(struct model_side *side, uint32_t uid, const struct msg_message *rec)
{
	for (size_t i = 0; i < side->count; i++)
		if (!side->mails[i].dead && side->mails[i].m.uid == uid &&
		    shares(&side->mails[i].m, rec->marks, rec->mark_count))
			return &side->mails[i];
	return NULL;
}

static bool
fail(const char *what, uint32_t uid)
{
	(void)fprintf(stderr, "can't be carried out: %s of UID %u\n", what,
	    (unsigned int)uid);
	return false;
}

static void
take_record(struct model *model, struct model_mail *mail,
    const struct plan_op *op)
{
	struct guid128 *marks = arena_calloc(model->arena, MARKS_MAX,
	    sizeof(*marks));

	memcpy(marks, op->rec.marks, op->rec.mark_count * sizeof(*marks));
	mail->m.marks = marks;
	mail->m.mark_count = op->rec.mark_count;
	mail->m.flags = mail_flags_dup(model->arena, &op->rec.flags);
}

static bool
apply_save(struct model *model, unsigned int s, const struct plan_op *op,
    bool renumbered)
{
	struct model_side *side = &model->side[s];
	struct model_mail *mail;
	uint32_t uid = op->uid;

	if (model_find(model, s, op->rec.marks, op->rec.mark_count) != NULL)
		return fail("a save of what is there", op->uid);
	/* The brain could not know: the store gives another one (M12). */
	if (uid < side->uidnext && model->guessed) {
		uid = side->uidnext;
		model->other_uid = true;
	}
	if (!renumbered && uid < side->uidnext)
		return fail("a save below UIDNEXT", uid);
	mail = model_add(model, s, (unsigned int)atoi(op->rec.guid + 1), 1);
	take_record(model, mail, op);
	mail->m.uid = uid;
	if (uid >= side->uidnext - 1)
		side->uidnext = uid + 1;
	else
		side->uidnext--;	/* model_add took one */
	return true;
}

static bool
apply_op(struct model *model, unsigned int s, const struct plan_op *op,
    uint32_t *new_uid, bool renumbered)
{
	struct model_side *side = &model->side[s];
	struct model_mail *mail = find_uid(side, op->uid, &op->rec);

	switch (op->kind) {
	case PLAN_FLAGS:
		if (mail == NULL)
			return fail("flags", op->uid);
		take_record(model, mail, op);
		return true;
	case PLAN_MODSEQ:
		return mail != NULL || fail("modseq", op->uid);
	case PLAN_SAVE:
	case PLAN_COPY:
		return apply_save(model, s, op, renumbered);
	case PLAN_SET_UID:
		if (mail == NULL)
			return fail("another UID", op->uid);
		if (!renumbered && op->new_uid < side->uidnext)
			return fail("a UID below UIDNEXT", op->new_uid);
		new_uid[mail - side->mails] = op->new_uid;
		if (op->new_uid >= side->uidnext)
			side->uidnext = op->new_uid + 1;
		return true;
	case PLAN_EXPUNGE:
		if (mail == NULL)
			return fail("expunge", op->uid);
		mail->dead = true;
		if (op->no_tombstone)
			*mail = side->mails[--side->count];
		return true;
	}
	abort();
}

static bool
uids_unique(const struct model_side *side)
{
	for (size_t i = 0; i < side->count; i++)
		for (size_t k = i + 1; k < side->count; k++)
			if (!side->mails[i].dead && !side->mails[k].dead &&
			    side->mails[i].m.uid == side->mails[k].m.uid)
				return fail("one UID twice",
				    side->mails[i].m.uid);
	return true;
}

static bool
apply_side(struct model *model, unsigned int s, const struct plan_side *plan)
{
	struct model_side *side = &model->side[s];
	uint32_t new_uid[MODEL_MAILS_MAX] = { 0 };
	bool renumbered = plan->uidvalidity != 0;

	side->exists = true;
	if (renumbered) {
		side->uidvalidity = plan->uidvalidity;
		side->uidnext = 1;
	}
	for (size_t i = 0; i < plan->ops.n; i++)
		if (!apply_op(model, s, &plan->ops.v[i], new_uid, renumbered))
			return false;
	for (size_t i = 0; i < side->count; i++)
		if (new_uid[i] != 0)
			side->mails[i].m.uid = new_uid[i];
	if (plan->uidnext > side->uidnext)
		side->uidnext = plan->uidnext;
	if (!uids_unique(side))
		return false;
	for (size_t i = 0; i < plan->expunges.n; i++)
		if (!apply_op(model, s, &plan->expunges.v[i], NULL, false))
			return false;
	return true;
}

/* B3: all UIDs at once, when all else is done. */
static bool
apply_rebuild(struct model *model, const struct mails_input *in,
    const struct plan_mails *plan)
{
	struct model_side *side = &model->side[!in->source];

	for (size_t i = 0; i < plan->uids.n; i++) {
		const struct plan_uid *u = &plan->uids.v[i];
		struct model_mail *mail = model_find(model, !in->source,
		    &u->mark, 1);

		if (mail == NULL || (!model->other_uid &&
		    mail->m.uid != u->uid))
			return fail("building anew without", u->uid);
		mail->m.uid = u->new_uid;
	}
	side->uidvalidity = model->side[in->source].uidvalidity;
	side->uidnext = plan->rebuild_uidnext;
	return true;
}

bool
model_apply(struct model *model, const struct mails_input *in,
    const struct plan_mails *plan)
{
	if (in->source >= 0)
		model->guessed = !in->side[!in->source].state_known;
	else
		model->guessed = false;
	model->other_uid = false;
	for (unsigned int s = 0; s < 2; s++) {
		if (in->source == (int)s) {
			if (plan->side[s].ops.n > 0 ||
			    plan->side[s].expunges.n > 0 ||
			    plan->side[s].uidvalidity != 0 ||
			    plan->side[s].uidnext != 0)
				return fail("writing the source", 0);
			continue;
		}
		if (!apply_side(model, s, &plan->side[s]))
			return false;
	}
	return !plan->rebuild || apply_rebuild(model, in, plan);
}

const char *
model_difference(const struct model *model, bool one_way)
{
	const struct model_side *a = &model->side[0], *b = &model->side[1];
	size_t live[2] = { 0 };

	for (unsigned int s = 0; s < 2; s++)
		for (size_t i = 0; i < model->side[s].count; i++)
			live[s] += !model->side[s].mails[i].dead;
	if (live[0] != live[1])
		return "number of messages";
	if (a->uidvalidity != b->uidvalidity)
		return "UIDVALIDITY";
	if (one_way ? b->uidnext < a->uidnext : a->uidnext != b->uidnext)
		return "UIDNEXT";
	for (size_t i = 0; i < a->count; i++) {
		const struct msg_message *m = &a->mails[i].m, *o = NULL;

		if (a->mails[i].dead)
			continue;
		for (size_t k = 0; k < b->count; k++)
			if (!b->mails[k].dead && b->mails[k].m.uid == m->uid)
				o = &b->mails[k].m;
		if (o == NULL || !shares(m, o->marks, o->mark_count))
			return "UIDs";
		/* Paired by digest, both keep their GUID (M11). */
		if (memcmp(m->digest, o->digest, DIGEST_SIZE) != 0)
			return "messages";
		if (!mail_flags_same(&m->flags, &o->flags))
			return "flags";
		if (one_way)
			continue;
		if (!mail_flags_identical(&m->flags, &o->flags))
			return "stamps";
		if (m->mark_count != o->mark_count || memcmp(m->marks,
		    o->marks, m->mark_count * sizeof(*m->marks)) != 0)
			return "marks";
	}
	return NULL;
}

bool
model_plan_empty(const struct plan_mails *plan)
{
	for (unsigned int s = 0; s < 2; s++)
		if (plan->side[s].ops.n > 0 || plan->side[s].expunges.n > 0 ||
		    plan->side[s].uidvalidity != 0 ||
		    plan->side[s].uidnext != 0)
			return false;
	return true;
}

static bool
ops_equal(const struct plan_ops *a, const struct plan_ops *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct plan_op *x = &a->v[i], *y = &b->v[i];

		if (x->kind != y->kind || x->uid != y->uid ||
		    x->new_uid != y->new_uid || x->from_uid != y->from_uid ||
		    x->no_tombstone != y->no_tombstone ||
		    x->rec.mark_count != y->rec.mark_count ||
		    memcmp(x->rec.marks, y->rec.marks, x->rec.mark_count *
		    sizeof(*x->rec.marks)) != 0 ||
		    !mail_flags_identical(&x->rec.flags, &y->rec.flags))
			return false;
	}
	return true;
}

bool
model_plans_mirrored(const struct plan_mails *plan,
    const struct plan_mails *mirror)
{
	for (unsigned int s = 0; s < 2; s++) {
		const struct plan_side *a = &plan->side[s];
		const struct plan_side *b = &mirror->side[!s];

		if (!ops_equal(&a->ops, &b->ops) ||
		    !ops_equal(&a->expunges, &b->expunges) ||
		    a->uidvalidity != b->uidvalidity ||
		    a->uidnext != b->uidnext)
			return false;
	}
	return plan->seen == mirror->seen && plan->equal == mirror->equal &&
	    plan->copied == mirror->copied &&
	    plan->expunged == mirror->expunged &&
	    plan->skipped == mirror->skipped;
}
