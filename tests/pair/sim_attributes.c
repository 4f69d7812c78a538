/*
 * What attributes of mailboxes must be in the end (T15), told by what clients
 * did alone.
 *
 * Since all stores were equal last, each key of a mailbox was set or removed
 * at some sites.  What one site alone did holds everywhere.  Of several sites
 * that one wins which did it last, if all the others had been looked at before
 * that; else any of them may.  What nobody touched stays as it was, so nothing
 * that was removed comes back.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static const char *const keys[SIM_KEYS] = {
	"/private/comment", "/shared/comment", "/shared/vendor/color",
};

static struct sim_attribute *
get(struct sim_attributes *m, const struct guid128 *mailbox, unsigned int key)
{
	struct sim_attribute *a;

	for (size_t i = 0; i < m->list.n; i++)
		if (m->list.v[i].key == key &&
		    guid_eq(&m->list.v[i].mailbox, mailbox))
			return &m->list.v[i];
	a = ARRAY_ADD(&m->list);
	*a = (struct sim_attribute){ .mailbox = *mailbox, .key = key };
	return a;
}

/* "": none. */
static const char *
value_at(const struct memory_world *world, const struct guid128 *mailbox,
    unsigned int key)
{
	for (size_t i = 0; i < world->attributes.n; i++)
		if (guid_eq(&world->attributes.v[i].mailbox, mailbox) &&
		    strcmp(world->attributes.v[i].key, keys[key]) == 0)
			return world->attributes.v[i].value;
	return "";
}

static bool
has_mailbox(const struct memory_world *world, const struct guid128 *guid)
{
	for (size_t i = 0; i < world->mailboxes.n; i++)
		if (world->mailboxes.v[i]->selectable &&
		    guid_eq(&world->mailboxes.v[i]->status.guid, guid))
			return true;
	return false;
}

/* What is set back before a log sees it was never changed, or perhaps. */
static void
note_touch(struct sim *sim, struct sim_attribute *a, unsigned int site,
    const char *value)
{
	const char *now = value_at(sim->site[site].world, &a->mailbox,
	    a->key);
	struct sim_touch *t = &a->touch[site];
	bool unseen = t->on && t->seen == 0;

	if (!unseen)
		(void)snprintf(t->was, sizeof(t->was), "%s", now);
	if (!unseen || t->runs != sim->attributes.runs)
		(void)snprintf(t->seemed, sizeof(t->seemed), "%s", now);
	if (strcmp(value, t->was) == 0 || strcmp(value, t->seemed) == 0 ||
	    (a->hidden[site] && strcmp(value, a->logged[site]) == 0))
		a->loose = true;
	t->on = true;
	t->at = sim->clock;
	t->seen = 0;
	t->during = sim->attributes.running;
	t->runs = sim->attributes.runs;
	(void)snprintf(t->value, sizeof(t->value), "%s", value);
}

void
sim_attributes_client(struct sim *sim, const struct sim_op *op,
    const struct memory_mailbox *box)
{
	struct sim_attributes *m = &sim->attributes;
	unsigned int key = op->b % SIM_KEYS;
	char value[SIM_VALUE_SIZE] = "";
	struct memory_world *world = sim->site[op->side].world;

	m->on = true;
	if (box == NULL || guid_is_zero(&box->status.guid))
		return;
	if (op->c % 8 == 2)
		(void)snprintf(value, sizeof(value), "same");
	else if (op->c % 8 > 2)
		(void)snprintf(value, sizeof(value), "value %u", m->values++);
	if (strcmp(value_at(world, &box->status.guid, key), value) == 0)
		return;
	sim_say(sim, "    %s of %s: \"%s\"", keys[key], box->name, value);
	note_touch(sim, get(m, &box->status.guid, key), op->side, value);
	(void)memory_client_attribute(world, box->name, keys[key],
	    *value != '\0' ? value : NULL);
}

void
sim_attributes_doubt(struct sim *sim, const struct guid128 *mailbox)
{
	struct sim_attributes *m = &sim->attributes;

	for (unsigned int k = 0; k < SIM_KEYS && mailbox != NULL; k++)
		get(m, mailbox, k)->loose = true;
	for (size_t i = 0; i < m->list.n && mailbox == NULL; i++)
		m->list.v[i].loose = true;
}

void
sim_attributes_before(struct sim *sim)
{
	struct sim_attributes *m = &sim->attributes;

	m->running = true;
	m->runs++;
	m->before.n = 0;
	for (unsigned int s = 0; s < 2; s++) {
		const struct memory_world *world = sim_at(sim, s)->world;

		for (size_t i = 0; i < world->mailboxes.n; i++)
			*ARRAY_ADD(&m->before) = (struct sim_box_then){
				world->mailboxes.v[i],
				world->mailboxes.v[i]->status.guid,
			};
		for (size_t i = 0; i < m->list.n; i++) {
			struct sim_attribute *a = &m->list.v[i];

			(void)snprintf(a->held[s], sizeof(a->held[s]), "%s",
			    value_at(world, &a->mailbox, a->key));
		}
	}
}

/* Two mailboxes became one (T10), which has the attributes of both. */
static void
doubt_joined(struct sim *sim)
{
	struct sim_attributes *m = &sim->attributes;

	for (unsigned int s = 0; s < 2; s++) {
		const struct memory_world *world = sim_at(sim, s)->world;

		for (size_t i = 0; i < world->mailboxes.n; i++)
			for (size_t k = 0; k < m->before.n; k++)
				if (m->before.v[k].box ==
				    world->mailboxes.v[i] &&
				    !guid_eq(&m->before.v[k].guid,
				    &world->mailboxes.v[i]->status.guid))
					sim_attributes_doubt(sim, &world->
					    mailboxes.v[i]->status.guid);
	}
}

/* The logs have stamped what had been done when the run began. */
static void
note_seen(struct sim *sim)
{
	struct sim_attributes *m = &sim->attributes;

	for (size_t i = 0; i < m->list.n; i++)
		for (unsigned int s = 0; s < 2; s++) {
			struct sim_touch *t =
			    &m->list.v[i].touch[sim->pair[s]];

			if (t->on && !t->during && t->seen == 0)
				t->seen = sim->clock;
			m->list.v[i].hidden[sim->pair[s]] = false;
		}
}

/* A run may have ended between a store's change and its log's entry. */
static void
note_hidden(struct sim *sim)
{
	struct sim_attributes *m = &sim->attributes;

	for (size_t i = 0; i < m->list.n; i++)
		for (unsigned int s = 0; s < 2; s++) {
			struct sim_attribute *a = &m->list.v[i];
			unsigned int site = sim->pair[s];

			if (a->hidden[site] || strcmp(a->held[s],
			    value_at(sim->site[site].world, &a->mailbox,
			    a->key)) == 0)
				continue;
			a->hidden[site] = true;
			memcpy(a->logged[site], a->held[s],
			    sizeof(a->logged[site]));
		}
}

/* All stores are equal: what they have is what the next changes change. */
static void
begin_anew(struct sim *sim)
{
	struct sim_attributes *m = &sim->attributes;
	const struct memory_world *world = sim_at(sim, 0)->world;
	size_t n = 0;

	for (size_t i = 0; i < world->mailboxes.n; i++)
		for (unsigned int k = 0; k < SIM_KEYS; k++)
			if (world->mailboxes.v[i]->selectable)
				(void)get(m, &world->mailboxes.v[i]->status.
				    guid, k);
	for (size_t i = 0; i < m->list.n; i++) {
		struct sim_attribute a = { .mailbox = m->list.v[i].mailbox,
		    .key = m->list.v[i].key, .known = true };

		if (!has_mailbox(world, &a.mailbox))
			continue;
		(void)snprintf(a.value, sizeof(a.value), "%s",
		    value_at(world, &a.mailbox, a.key));
		m->list.v[n++] = a;
	}
	m->list.n = n;
}

/* The site that did it last, and after all others were looked at; or none. */
static const struct sim_touch *
last_touch(const struct sim *sim, const struct sim_attribute *a,
    bool *certain_r)
{
	const struct sim_touch *last = NULL;

	*certain_r = true;
	for (unsigned int s = 0; s < sim->sites; s++)
		if (a->touch[s].on && (last == NULL ||
		    a->touch[s].at > last->at))
			last = &a->touch[s];
	for (unsigned int s = 0; s < sim->sites; s++) {
		const struct sim_touch *t = &a->touch[s];

		if (t->on && t != last && (t->seen == 0 ||
		    t->seen >= last->at || sim->attributes.clocks))
			*certain_r = false;
	}
	return last;
}

static bool
may_be(const struct sim *sim, const struct sim_attribute *a, const char *now)
{
	const struct sim_touch *last;
	bool certain;

	if (a->loose)
		return true;
	last = last_touch(sim, a, &certain);
	if (last == NULL)
		return !a->known || strcmp(a->value, now) == 0;
	if (certain)
		return strcmp(last->value, now) == 0;
	for (unsigned int s = 0; s < sim->sites; s++)
		if (a->touch[s].on && strcmp(a->touch[s].value, now) == 0)
			return true;
	return false;
}

bool
sim_attributes_check(struct sim *sim)
{
	struct sim_attributes *m = &sim->attributes;

	for (size_t i = 0; i < m->list.n; i++) {
		const struct sim_attribute *a = &m->list.v[i];

		for (unsigned int s = 0; s < sim->sites; s++) {
			const struct memory_world *world = sim->site[s].world;
			const char *now = value_at(world, &a->mailbox,
			    a->key);
			bool certain;
			const struct sim_touch *last = last_touch(sim, a,
			    &certain);

			if (has_mailbox(world, &a->mailbox) &&
			    !may_be(sim, a, now))
				return sim_fail(sim, "%s at %c is \"%s\", and "
				    "should be \"%s\" (T15)", keys[a->key],
				    'A' + (int)s, now, last != NULL ?
				    last->value : a->value);
		}
	}
	if (m->on)
		begin_anew(sim);
	return true;
}

void
sim_attributes_after(struct sim *sim, const struct sim_run *run, bool busy)
{
	struct sim_attributes *m = &sim->attributes;
	bool perfect = run->ended && run->outcome == BRAIN_PERFECT && !busy;
	bool whole = run->filter == NULL && run->mask == NULL &&
	    !run->append[0] && !run->append[1];

	m->running = false;
	doubt_joined(sim);
	if (run->ended && whole && run->fail_at == 0)
		note_seen(sim);
	else if (!run->ended)
		note_hidden(sim);
	for (size_t i = 0; i < m->list.n; i++)
		for (unsigned int s = 0; s < sim->sites; s++)
			m->list.v[i].touch[s].during = false;
	if (run->mode == BRAIN_BACKUP && perfect && whole)
		begin_anew(sim);
	else if (run->mode == BRAIN_BACKUP || run->append[0] ||
	    run->append[1] || (run->full && m->clocks))
		/* T8: without a base stamps alone tell, whatever they say. */
		sim_attributes_doubt(sim, NULL);
	else if (perfect && whole && sim->sites == 2)
		(void)sim_attributes_check(sim);
}

void
sim_format_attributes(const struct memory_world *world,
    const struct memory_mailbox *box, struct strbuf *out)
{
	for (size_t i = 0; i < world->attributes.n && box->selectable; i++)
		if (guid_eq(&world->attributes.v[i].mailbox,
		    &box->status.guid))
			strbuf_addf(out, "  %s \"%s\"\n",
			    world->attributes.v[i].key,
			    world->attributes.v[i].value);
}

/* One in three histories has a few, wherever they come. */
void
sim_generate_attributes(uint64_t seed, struct sim_ops *ops)
{
	struct rng rng = { seed * 0x2545f4914f6cdd1dULL + 77 };
	unsigned int n = 1 + rng_below(&rng, 6);

	if (seed / 3 % 3 != 1 || ops->n == 0)
		return;
	while (n-- > 0) {
		size_t first = ops->v[0].kind == SIM_REST;
		size_t at = first + rng_below(&rng,
		    (uint32_t)(ops->n - first));

		(void)ARRAY_ADD(ops);
		memmove(&ops->v[at + 1], &ops->v[at],
		    (ops->n - 1 - at) * sizeof(*ops->v));
		ops->v[at] = (struct sim_op){ .kind = SIM_ATTRIBUTE,
		    .side = rng_below(&rng, first ? 3 : 2),
		    .a = rng_below(&rng, 4) == 0 ? rng_below(&rng, 1000) : 0,
		    .b = rng_below(&rng, 1000), .c = rng_below(&rng, 1000) };
	}
}

void
sim_attributes_free(struct sim_attributes *m)
{
	ARRAY_FREE(&m->list);
	ARRAY_FREE(&m->before);
}
