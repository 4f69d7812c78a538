/*
 * What must be there in the end, told without any rule of the merge.
 *
 * A message in a mailbox is an instance: it begins when a client delivers,
 * copies or moves it there, and ends when a client expunges it or moves it
 * away.  Whatever runs come between, at rest there are those that did not end,
 * and no others.  Two clients that moved one mail to one mailbox made two of
 * which one is left (M5).
 *
 * The model knows where each instance is by counting messages of a body in
 * a mailbox.  Where a disturbed run leaves that in doubt, or by the rules
 * a message may come back (M9), the body is loose: it may be there or not.
 *
 * What goes and comes between two looks of the log was never gone: a message
 * of one GUID under another UID is the same instance.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"

static unsigned int
place_of(struct sim_model *model, const struct guid128 *guid)
{
	for (size_t i = 0; i < model->guids.n; i++)
		if (guid_eq(&model->guids.v[i].guid, guid))
			return model->guids.v[i].place;
	*ARRAY_ADD(&model->guids) = (struct sim_place){ *guid,
	    model->places };
	return model->places++;
}

/* Two mailboxes became one (T10). */
static void
join_places(struct sim_model *model, unsigned int from, unsigned int to)
{
	for (size_t i = 0; i < model->guids.n; i++)
		if (model->guids.v[i].place == from)
			model->guids.v[i].place = to;
	for (size_t i = 0; i < model->inst.n; i++)
		if (model->inst.v[i].place == from)
			model->inst.v[i].place = to;
}

static struct sim_loose *
loose_of(struct sim_model *model, unsigned int body)
{
	while (model->loose.n <= body)
		*ARRAY_ADD(&model->loose) = (struct sim_loose){ false, false };
	return &model->loose.v[body];
}

static void
doubt(struct sim_model *model, unsigned int body)
{
	*loose_of(model, body) = (struct sim_loose){ true, true };
}

enum since {
	SINCE_SEEN,		/* a run has looked at the site since then */
	SINCE_PERHAPS,
	SINCE_UNSEEN,
};

static enum since
since_of(const struct sim_model *model, const struct sim_inst *inst,
    unsigned int site)
{
	if ((inst->touched >> site & 1) == 0 ||
	    inst->scans[site] != model->scans[site])
		return SINCE_SEEN;
	return inst->tries[site] == model->tries[site] ? SINCE_UNSEEN :
	    SINCE_PERHAPS;
}

static void
stamp(const struct sim_model *model, struct sim_inst *inst, unsigned int site)
{
	inst->touched |= 1U << site;
	inst->tries[site] = model->tries[site];
	inst->scans[site] = model->scans[site];
}

/* One that ended here, and nobody knows yet. */
static struct sim_inst *
find_ended(struct sim_model *model, unsigned int site, unsigned int body,
    unsigned int place)
{
	for (size_t i = 0; i < model->inst.n; i++) {
		struct sim_inst *p = &model->inst.v[i];

		if (p->body != body || p->place != place ||
		    (p->ended >> site & 1) == 0)
			continue;
		if (since_of(model, p, site) == SINCE_PERHAPS)
			doubt(model, body);
		if (since_of(model, p, site) == SINCE_UNSEEN)
			return p;
	}
	return NULL;
}

/* One that began here, and nobody knows yet. */
static struct sim_inst *
find_begun(struct sim_model *model, unsigned int site,
    const struct sim_inst *other)
{
	for (size_t i = 0; i < model->inst.n; i++) {
		struct sim_inst *p = &model->inst.v[i];

		if (p->body != other->body || p->place != other->place ||
		    !p->alive || p == other || p->on != 1U << site)
			continue;
		if (since_of(model, p, site) == SINCE_PERHAPS)
			doubt(model, p->body);
		if (since_of(model, p, site) == SINCE_UNSEEN)
			return p;
	}
	return NULL;
}

static size_t
count_at(const struct sim *sim, unsigned int site, unsigned int body,
    unsigned int place)
{
	const struct memory_world *world = sim->site[site].world;
	const struct sim_model *model = &sim->model;
	size_t count = 0;

	for (size_t i = 0; i < world->mailboxes.n; i++) {
		const struct memory_mailbox *box = world->mailboxes.v[i];
		bool here = false;

		for (size_t k = 0; k < model->guids.n && !here; k++)
			here = model->guids.v[k].place == place &&
			    guid_eq(&model->guids.v[k].guid,
			    &box->status.guid);
		for (size_t k = 0; k < box->mails.n && here; k++)
			count += sim_body_number(box->mails.v[k]) == body;
	}
	return count;
}

void
sim_model_new(struct sim *sim, unsigned int site,
    const struct memory_mailbox *box, unsigned int body)
{
	struct sim_model *model = &sim->model;
	struct sim_inst *inst;
	unsigned int place;
	bool back = true;

	if (model->off)
		return;
	place = place_of(model, &box->status.guid);
	if ((inst = find_ended(model, site, body, place)) == NULL) {
		inst = ARRAY_ADD(&model->inst);
		*inst = (struct sim_inst){ .body = body, .place = place };
		stamp(model, inst, site);
		back = false;
	} else if (count_at(sim, site, body, place) > 1) {
		/* Which is which is no longer told by age. */
		doubt(model, body);
	}
	inst->ended &= ~(1U << site);
	inst->known &= ~(1U << site);
	inst->back |= (unsigned int)back << site;
	/* It may be that one as well, and goes only if both are dead (M3). */
	if (back && find_ended(model, site, body, place) != NULL)
		loose_of(model, body)->up = true;
	inst->alive = inst->ended == 0;
	inst->on |= 1U << site;
	if (model->running)
		doubt(model, body);
}

void
sim_model_gone(struct sim *sim, unsigned int site,
    const struct memory_mailbox *box, const struct memory_mail *mail)
{
	struct sim_model *model = &sim->model;
	unsigned int body = sim_body_number(mail), place;
	size_t before = 0, all = 0, n = 0;
	struct sim_inst *inst = NULL, *heir;

	if (model->off)
		return;
	place = place_of(model, &box->status.guid);
	for (size_t i = 0; i < box->mails.n; i++) {
		if (box->mails.v[i] == mail)
			before = all;
		all += sim_body_number(box->mails.v[i]) == body;
	}
	for (size_t i = 0; i < model->inst.n; i++) {
		struct sim_inst *p = &model->inst.v[i];

		if (p->body != body || p->place != place ||
		    (p->on >> site & 1) == 0)
			continue;
		if (n++ == before)
			inst = p;
	}
	if (inst == NULL || n != all || model->running) {
		doubt(model, body);
		return;
	}
	heir = find_begun(model, site, inst);
	if (heir != NULL && since_of(model, inst, site) != SINCE_UNSEEN)
		inst = heir;
	else if (heir != NULL && (inst->back >> site & 1) != 0)
		/* The copy looks as if it had been moved twice. */
		doubt(model, body);
	inst->alive = false;
	inst->ended |= 1U << site;
	inst->known |= 1U << site;
	inst->on &= ~(1U << site);
	stamp(model, inst, site);
	/* Without a base nobody is told of the end (M9). */
	if (inst->on != 0 && !model->based)
		loose_of(model, body)->up = true;
}

void
sim_model_box_gone(struct sim *sim, unsigned int site,
    const struct memory_mailbox *box)
{
	for (size_t i = box->mails.n; i-- > 0; )
		sim_model_gone(sim, site, box, box->mails.v[i]);
}

void
sim_model_before(struct sim *sim)
{
	struct sim_model *model = &sim->model;

	model->running = true;
	model->before.n = 0;
	model->tries[sim->pair[0]]++;
	model->tries[sim->pair[1]]++;
	for (unsigned int s = 0; s < 2 && !model->off; s++) {
		const struct memory_world *world = sim_at(sim, s)->world;

		for (size_t i = 0; i < world->mailboxes.n; i++)
			*ARRAY_ADD(&model->before) = (struct sim_box_then){
				world->mailboxes.v[i],
				world->mailboxes.v[i]->status.guid,
			};
	}
}

/* A mailbox of another GUID than before is one with that of the new GUID. */
static void
find_joined(struct sim *sim)
{
	struct sim_model *model = &sim->model;

	for (unsigned int s = 0; s < 2; s++) {
		const struct memory_world *world = sim_at(sim, s)->world;

		for (size_t i = 0; i < world->mailboxes.n; i++)
			for (size_t k = 0; k < model->before.n; k++) {
				const struct sim_box_then *then =
				    &model->before.v[k];
				const struct guid128 *now =
				    &world->mailboxes.v[i]->status.guid;

				if (then->box != world->mailboxes.v[i] ||
				    guid_eq(&then->guid, now) ||
				    guid_is_zero(&then->guid))
					continue;
				join_places(model, place_of(model,
				    &then->guid), place_of(model, now));
			}
	}
}

/* Is it the first of its group? */
static bool
is_first(const struct sim_model *model, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (model->inst.v[i].body == model->inst.v[n].body &&
		    model->inst.v[i].place == model->inst.v[n].place)
			return false;
	return true;
}

/* All instances of one body in one place. */
struct group {
	struct sim_inst *inst[32];
	size_t n;
};

static bool
get_group(struct sim_model *model, size_t first, struct group *group)
{
	group->n = 0;
	for (size_t i = first; i < model->inst.n; i++) {
		struct sim_inst *p = &model->inst.v[i];

		if (p->body != model->inst.v[first].body ||
		    p->place != model->inst.v[first].place)
			continue;
		if (group->n == nitems(group->inst))
			return false;
		group->inst[group->n++] = p;
	}
	return true;
}

/* After a run that did all: what lives is on both sides, the rest on none. */
static void
settle_group(struct sim *sim, struct group *group, unsigned int pair)
{
	struct sim_inst *alone[2] = { NULL, NULL };
	struct sim_model *model = &sim->model;

	for (size_t i = 0; i < group->n; i++) {
		struct sim_inst *p = group->inst[i];

		if ((p->known & pair) != 0) {
			p->known |= pair;
			p->on &= ~pair;
		}
		if ((p->on & pair) == 0)
			continue;
		for (unsigned int s = 0; s < 2; s++) {
			if ((p->on & pair) != 1U << sim->pair[s] || !p->alive)
				continue;
			/* Made on both sides: one of the two is left. */
			if (alone[!s] != NULL) {
				p->alive = false;
				p->on = 0;
				alone[!s]->on |= pair;
				alone[!s] = NULL;
				if (sim->sites > 2)
					doubt(model, p->body);
			} else {
				alone[s] = p;
			}
			break;
		}
	}
	for (size_t i = 0; i < group->n; i++)
		if ((group->inst[i]->on & pair) != 0)
			group->inst[i]->on |= pair;
}

/* After another one: what happened is seen if it can be one thing only. */
static void
guess_group(struct sim *sim, struct group *group, unsigned int s,
    unsigned int pair)
{
	unsigned int site = sim->pair[s], bit = 1U << site;
	struct sim_inst *first = group->inst[0];
	size_t held = 0, dead = 0, missing = 0, now;

	for (size_t i = 0; i < group->n; i++) {
		const struct sim_inst *p = group->inst[i];

		held += (p->on & bit) != 0;
		dead += (p->on & bit) != 0 && (p->known & pair) != 0;
		missing += (p->on & bit) == 0 && (p->on & pair) != 0 &&
		    (p->known & pair) == 0;
	}
	now = count_at(sim, site, first->body, first->place);
	if (missing == 0 && dead == 0)
		return;
	if ((missing > 0 && dead > 0) || (now != held &&
	    now != held + missing && now != held - dead)) {
		doubt(&sim->model, first->body);
		return;
	}
	for (size_t i = 0; i < group->n && now != held; i++) {
		struct sim_inst *p = group->inst[i];

		if ((p->known & pair) != 0) {
			p->on &= ~bit;
			p->known |= bit;
		} else if ((p->on & pair) != 0) {
			p->on |= bit;
			/* Its mark may be lost, and its end not known by it. */
			if (sim->sites > 2 || sim->model.failing)
				loose_of(&sim->model, p->body)->up = true;
		}
	}
}

/* Made on both sides, and perhaps known for one already. */
static bool
has_twins(const struct sim *sim, const struct group *group, unsigned int pair)
{
	size_t alone[2] = { 0, 0 };

	for (unsigned int s = 0; s < 2; s++)
		for (size_t i = 0; i < group->n; i++)
			alone[s] += (group->inst[i]->on & pair) ==
			    1U << sim->pair[s] && group->inst[i]->alive;
	return alone[0] > 0 && alone[1] > 0;
}

void
sim_model_after(struct sim *sim, bool ended, bool perfect)
{
	struct sim_model *model = &sim->model;
	unsigned int pair = 1U << sim->pair[0] | 1U << sim->pair[1];
	struct group group;

	model->running = false;
	if (model->off)
		return;
	find_joined(sim);
	for (size_t i = 0; i < model->inst.n; i++) {
		if (!is_first(model, i))
			continue;
		if (!get_group(model, i, &group)) {
			model->off = true;
			return;
		}
		if (perfect) {
			settle_group(sim, &group, pair);
			continue;
		}
		if (has_twins(sim, &group, pair))
			doubt(model, model->inst.v[i].body);
		guess_group(sim, &group, 0, pair);
		guess_group(sim, &group, 1, pair);
	}
	model->based = model->based || ended;
	if (ended)
		for (unsigned int s = 0; s < 2; s++)
			model->scans[sim->pair[s]]++;
}

bool
sim_model_check(struct sim *sim, unsigned int site)
{
	struct sim_model *model = &sim->model;
	unsigned int bodies = (unsigned int)sim->bodies.n;

	for (unsigned int n = 0; n < bodies && !model->off; n++) {
		const struct sim_loose *loose = loose_of(model, n);
		size_t want = 0, have = sim_count_body(
		    sim->site[site].world, n);

		for (size_t i = 0; i < model->inst.n; i++)
			want += model->inst.v[i].body == n &&
			    model->inst.v[i].alive;
		model->exact += !loose->up && !loose->down;
		if ((have < want && !loose->down) ||
		    (have > want && !loose->up))
			return sim_fail(sim, "body %u is at %c %zu times, and "
			    "should be %zu times", n, 'A' + (int)site, have,
			    want);
	}
	return true;
}

void
sim_model_free(struct sim_model *model)
{
	ARRAY_FREE(&model->guids);
	ARRAY_FREE(&model->inst);
	ARRAY_FREE(&model->loose);
	ARRAY_FREE(&model->before);
}
