/*
 * What a log calls changed since the base contains all that is to be done.  A
 * run that looks at everything finds no message to change that the views of
 * one which trusts the logs do not tell, and plans the same for the tree.  Of
 * the tree it decides by stamps alone, so the two may differ where a backup has
 * raised those of its destination and a host's clock is behind (T8).  Neither
 * announces flags that are there already (E7).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/mailbox_name.h"
#include "sim.h"

#define NAME_SIZE	256U

static int
line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
ends_with(const char *line, const char *end)
{
	size_t len = strlen(line), n = strlen(end);

	return len >= n && strcmp(line + len - n, end) == 0;
}

void
sim_plan_add(struct sim_plan *plan, const char *line)
{
	static const char again[] = " again";
	char *copy = mem_strdup(line);

	/* A deletion older than the base is known to who looks at all. */
	if (ends_with(copy, again))
		copy[strlen(copy) - strlen(again)] = '\0';
	*ARRAY_ADD(&plan->lines) = copy;
}

void
sim_plan_heard(struct sim_plan *plan, unsigned int s, const struct msg *msg)
{
	const struct msg_mailbox *box = &msg->u.mailbox;
	struct sim_told told = { .side = s };

	if (plan->view_ended[s])
		return;
	switch (msg->kind) {
	case MSG_VIEW_END:
		plan->view_ended[s] = true;
		return;
	case MSG_MESSAGE:
		told.guid = mem_strdup(msg->u.message.guid);
		break;
	case MSG_GONE:
		told.guid = mem_strdup(msg->u.gone.guid);
		break;
	case MSG_PENDING:
		told.mailbox = msg->u.pending.mailbox;
		break;
	case MSG_MAILBOX:
		/* Others tell of themselves. */
		if (!box->is_new && !box->uidvalidity_changed)
			return;
		told.mailbox = box->guid;
		break;
	case MSG_MAILBOX_GONE:
		told.mailbox = msg->u.mailbox_gone.guid;
		break;
	default:
		return;
	}
	*ARRAY_ADD(&plan->told) = told;
}

static void
plan_deinit(struct sim_plan *plan)
{
	for (size_t i = 0; i < plan->lines.n; i++)
		free(plan->lines.v[i]);
	for (size_t i = 0; i < plan->told.n; i++)
		free(plan->told.v[i].guid);
	ARRAY_FREE(&plan->lines);
	ARRAY_FREE(&plan->told);
}

/* The mailbox that a line is of, on the side that it is of. */
static const struct memory_mailbox *
line_box(struct sim *sim, const char *line, unsigned int s)
{
	const struct memory_world *world = sim_at(sim, s)->world;
	const char *name = strchr(line, ':') + 2;
	char shown[NAME_SIZE];

	for (size_t i = 0; i < world->mailboxes.n; i++) {
		size_t len;

		(void)name_show(shown, sizeof(shown),
		    world->mailboxes.v[i]->name);
		len = strlen(shown);
		if (strncmp(name, shown, len) == 0 && name[len] == ':')
			return world->mailboxes.v[i];
	}
	return NULL;
}

/* It sets flags that are there already. */
static bool
is_vain(struct sim *sim, const char *line)
{
	unsigned int s = strncmp(line, "second", 6) == 0;
	const char *at = strstr(line, "set flags of UID ");
	const struct memory_mailbox *box;
	const struct memory_mail *mail;
	struct strbuf flags;
	unsigned int uid;
	bool same;

	if (at == NULL || sscanf(at, "set flags of UID %u", &uid) != 1 ||
	    (box = line_box(sim, line, s)) == NULL ||
	    (mail = memory_mail_find(box, uid)) == NULL)
		return false;
	strbuf_init(&flags, NAME_SIZE);
	sim_format_flags(mail, &flags);
	at = strchr(at, '(');
	same = strncmp(at, flags.data, flags.len) == 0;
	strbuf_deinit(&flags);
	return same;
}

/* Returns false if there is none: the run failed. */
static bool
plan_make(struct sim *sim, uint64_t seed, bool full, struct sim_plan *plan)
{
	struct sim_run run = { .seed = seed, .full = full, .dry_run = true,
	    .plan = plan };

	if (!sim_run(sim, &run))
		return false;
	if (!run.ended)
		return sim_fail(sim, "a dry run fails");
	if (plan->lines.n > 1)
		qsort(plan->lines.v, plan->lines.n, sizeof(*plan->lines.v),
		    line_cmp);
	for (size_t i = 0; i < plan->lines.n; i++)
		if (is_vain(sim, plan->lines.v[i]))
			return sim_fail(sim, "\"%s\" is planned, which "
			    "changes nothing", plan->lines.v[i]);
	return true;
}

/* Its message, or its mailbox as a whole, is in the view of a side. */
static bool
is_told(struct sim *sim, const struct sim_plan *plan, const char *line)
{
	const char *guid = strstr(line, " guid ") + strlen(" guid ");
	const struct memory_mailbox *box;

	for (size_t i = 0; i < plan->told.n; i++) {
		const struct sim_told *told = &plan->told.v[i];

		if (told->guid != NULL && strncmp(guid, told->guid,
		    strlen(told->guid)) == 0)
			return true;
		/* It may have that name on the other side alone so far. */
		for (unsigned int s = 0; s < 2 && told->guid == NULL; s++) {
			box = line_box(sim, line, s);
			if (box != NULL && guid_eq(&box->status.guid,
			    &told->mailbox))
				return true;
		}
	}
	return false;
}

static bool
has_line(const struct sim_plan *plan, char *line)
{
	return plan->lines.n > 0 && bsearch(&line, plan->lines.v,
	    plan->lines.n, sizeof(line), line_cmp) != NULL;
}

/* Do both plans have a line of the tree?  first: the one that must. */
static bool
tree_contained(struct sim *sim, const struct sim_plan *first,
    const struct sim_plan *second, const char *what)
{
	char *const *lines = first->lines.v;

	for (size_t i = 0; i < first->lines.n; i++)
		if (strstr(lines[i], " guid ") == NULL &&
		    !has_line(second, lines[i]))
			return sim_fail(sim, "by its logs' word for what "
			    "changed, a plan %s \"%s\"", what, lines[i]);
	return true;
}

bool
sim_check_plan(struct sim *sim, uint64_t seed)
{
	struct sim_plan brief = { .view_ended = { false } };
	struct sim_plan full = { .view_ended = { false } };
	struct rng random = sim_random;
	bool ok;

	ok = plan_make(sim, seed, false, &brief) &&
	    plan_make(sim, seed, true, &full);
	if (ok && !(sim->backed_up && sim->attributes.clocks))
		ok = tree_contained(sim, &full, &brief, "lacks") &&
		    tree_contained(sim, &brief, &full, "has");
	for (size_t i = 0; i < full.lines.n && ok; i++)
		/* What both plan was found, by whatever GUID of its mailbox. */
		if (strstr(full.lines.v[i], " guid ") != NULL &&
		    !has_line(&brief, full.lines.v[i]) &&
		    !is_told(sim, &brief, full.lines.v[i]))
			ok = sim_fail(sim, "\"%s\" is planned, but no log "
			    "calls it changed", full.lines.v[i]);
	/* The history goes on as if nobody had looked. */
	sim_random = random;
	plan_deinit(&brief);
	plan_deinit(&full);
	return ok;
}
