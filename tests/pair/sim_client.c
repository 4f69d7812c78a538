/* What mail clients, delivery agents and administrators do to a store. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/mailbox_name.h"
#include "sim.h"

static const char *const names[] = {
	"a", "b", "c", "a\x1fx", "a\x1fy", "b\x1fx", "c\x1fz", "d",
};

/* Clients of a store that cannot hold a letter have no such names either. */
static const char *
name_of(const struct sim *sim, unsigned int side, uint32_t n)
{
	const char *name = names[n % nitems(names)];

	return sim->forbids && sim->strict && side == 1 &&
	    strchr(name, 'z') != NULL ? "c" : name;
}

unsigned int
sim_body_number(const struct memory_mail *mail)
{
	unsigned int n = 0;

	if (sscanf(mail->body->data, "Subject: %u", &n) != 1)
		return UINT32_MAX;
	return n;
}

static struct memory_mailbox *
pick_box(const struct sim_site *site, uint32_t n)
{
	const struct memory_world *world = site->world;
	size_t count = 0;

	for (size_t i = 0; i < world->mailboxes.n; i++)
		count += world->mailboxes.v[i]->selectable;
	if (count == 0)
		return NULL;
	n %= count;
	for (size_t i = 0; i < world->mailboxes.n; i++)
		if (world->mailboxes.v[i]->selectable && n-- == 0)
			return world->mailboxes.v[i];
	return NULL;
}

/* A message that has a UID, in a mailbox or in one after it. */
static struct memory_mail *
pick_mail(const struct sim_site *site, const struct sim_op *op,
    struct memory_mailbox **box_r)
{
	for (uint32_t i = 0; i < 10; i++) {
		struct memory_mailbox *box = pick_box(site, op->a + i);
		size_t n = 0;

		if (box == NULL)
			return NULL;
		while (n < box->mails.n && box->mails.v[n]->uid != 0)
			n++;
		if (n == 0)
			continue;
		*box_r = box;
		return box->mails.v[op->b % n];
	}
	return NULL;
}

static void
touch(struct sim *sim, const struct memory_mail *mail, bool may_go)
{
	unsigned int n = sim_body_number(mail);

	if (n >= sim->bodies.n)
		return;
	sim->bodies.v[n].touched = true;
	if (may_go)
		sim->bodies.v[n].may_go = true;
}

static void
touch_box(struct sim *sim, unsigned int side, const struct memory_mailbox *box)
{
	if (box == NULL)
		return;
	if (sim->attributes.on)
		sim_attributes_doubt(sim, &box->status.guid);
	sim_model_box_gone(sim, side, box);
	for (size_t i = 0; i < box->mails.n; i++)
		touch(sim, box->mails.v[i], true);
}

static void
deliver(struct sim *sim, const struct sim_op *op)
{
	struct sim_site *site = &sim->site[op->side];
	struct memory_mailbox *box = pick_box(site, op->a);
	char body[128];
	int len;

	if (box == NULL)
		return;
	len = snprintf(body, sizeof(body), "Subject: %zu\r\n\r\nText %zu\r\n",
	    sim->bodies.n, sim->bodies.n);
	if (op->kind == SIM_DELIVER) {
		struct mail_info info = {
			.flags = (flags_t)(op->b % 4 == 0 ? op->c & 31 : 0),
			.received = 1000000000 + (int64_t)op->c % 1000,
		};

		if (memory_client_append(site->world, box->name, &info, body,
		    (size_t)len, NULL) == -1)
			return;
	} else if (memory_client_deliver(site->world, box->name, body,
	    (size_t)len) == -1) {
		return;
	}
	sim_say(sim, "    body %zu to %s", sim->bodies.n, box->name);
	sim_model_new(sim, op->side, box, (unsigned int)sim->bodies.n);
	*ARRAY_ADD(&sim->bodies) = (struct sim_body){ .touched = true };
}

/* The UID that it has now. */
static uint32_t
move_mail(struct sim *sim, unsigned int side, struct memory_mailbox *from,
    struct memory_mail *mail, struct memory_mailbox *to)
{
	unsigned int body = sim_body_number(mail);
	uint32_t uid = 0;

	sim_model_gone(sim, side, from, mail);
	if (memory_client_move(sim->site[side].world, from->name, mail->uid,
	    to->name, true, &uid) == -1)
		abort();
	sim_model_new(sim, side, to, body);
	return uid;
}

static void
copy_or_move(struct sim *sim, const struct sim_op *op)
{
	struct sim_site *site = &sim->site[op->side];
	struct memory_mailbox *box, *to = pick_box(site, op->c);
	struct memory_mail *mail = pick_mail(site, op, &box);
	bool keep = op->kind != SIM_COPY_NEW_GUID;
	unsigned int body;
	uint32_t uid;

	if (mail == NULL || to == NULL)
		return;
	touch(sim, mail, false);
	body = sim_body_number(mail);
	sim_say(sim, "    body %u from %s UID %u to %s",
	    sim_body_number(mail), box->name, (unsigned int)mail->uid,
	    to->name);
	if (!keep)
		sim->loose_guids = sim->model.off = true;
	if (op->kind == SIM_COPY || op->kind == SIM_COPY_NEW_GUID) {
		if (memory_client_copy(site->world, box->name, mail->uid,
		    to->name, keep, NULL) == 0)
			sim_model_new(sim, op->side, to, body);
		return;
	}
	if (op->kind != SIM_MOVE_BACK) {
		move_mail(sim, op->side, box, mail, to);
		return;
	}
	uid = move_mail(sim, op->side, box, mail, to);
	(void)move_mail(sim, op->side, to, memory_mail_find(to, uid), box);
}

static void
change_flags(struct sim *sim, const struct sim_op *op)
{
	static const char *const keywords[] = { "alpha", "Beta", "gamma" };
	struct sim_site *site = &sim->site[op->side];
	struct memory_mailbox *box;
	struct memory_mail *mail = pick_mail(site, op, &box);
	const char *list[nitems(keywords)];
	size_t n = 0;

	if (mail == NULL)
		return;
	if (op->kind == SIM_FLAGS) {
		flags_t flags = (flags_t)(mail->flags ^ (1U << op->c % 5));

		sim_say(sim, "    body %u in %s UID %u: flags %x",
		    sim_body_number(mail), box->name,
		    (unsigned int)mail->uid, flags);
		for (size_t i = 0; i < mail->keyword_count; i++)
			list[n++] = mail->keywords[i];
		(void)memory_client_flags(site->world, box->name, mail->uid,
		    flags, list, n);
		return;
	}
	for (size_t i = 0; i < nitems(keywords); i++)
		if ((op->c >> i & 1) != 0)
			list[n++] = keywords[i];
	sim_say(sim, "    body %u in %s UID %u: keywords %x",
	    sim_body_number(mail), box->name, (unsigned int)mail->uid,
	    (unsigned int)op->c & 7);
	(void)memory_client_flags(site->world, box->name, mail->uid,
	    mail->flags, list, n);
}

static void
expunge(struct sim *sim, const struct sim_op *op)
{
	struct sim_site *site = &sim->site[op->side];
	struct memory_mailbox *box;
	struct memory_mail *mail = pick_mail(site, op, &box);

	if (mail == NULL)
		return;
	sim_say(sim, "    body %u in %s UID %u", sim_body_number(mail),
	    box->name, (unsigned int)mail->uid);
	touch(sim, mail, true);
	sim_model_gone(sim, op->side, box, mail);
	(void)memory_client_expunge(site->world, box->name, mail->uid);
}

static const char *
other_name(const struct sim_site *site, uint32_t n)
{
	static char out[2][256];
	static unsigned int i;
	struct memory_mailbox *box = pick_box(site, n);

	i = !i;
	(void)snprintf(out[i], sizeof(out[i]), "%s",
	    box != NULL ? box->name : "INBOX");
	return out[i];
}

static void
change_tree(struct sim *sim, const struct sim_op *op)
{
	struct sim_site *site = &sim->site[op->side];
	struct memory_world *world = site->world;
	const char *name = other_name(site, op->a);
	const char *to = name_of(sim, op->side, op->b);

	switch (op->kind) {
	case SIM_CREATE:
		sim_say(sim, "    %s", to);
		(void)memory_client_create(world, to);
		break;
	case SIM_CREATE_DIR:
		sim_say(sim, "    %s", to);
		(void)memory_client_create_dir(world, to);
		break;
	case SIM_RENAME:
		sim_say(sim, "    %s to %s", name, to);
		(void)memory_client_rename(world, name, to);
		break;
	case SIM_SWAP:
		to = other_name(site, op->b);
		sim_say(sim, "    %s and %s", name, to);
		if (memory_client_rename(world, name, "between") == 0) {
			if (memory_client_rename(world, to, name) == 0)
				(void)memory_client_rename(world, "between",
				    to);
			else
				(void)memory_client_rename(world, "between",
				    name);
		}
		break;
	case SIM_DELETE:
	case SIM_RECREATE:
		sim_say(sim, "    %s", name);
		if (!name_is_inbox(name))
			touch_box(sim, op->side, memory_mailbox_find(world,
			    name));
		/* UIDs that came and went with it were never seen by a log. */
		site->uids.n = 0;
		if (memory_client_delete(world, name) == 0 &&
		    op->kind == SIM_RECREATE)
			(void)memory_client_create(world, name);
		break;
	default:
		abort();
	}
}

/* As by the clock: no store has given or seen it before. */
static uint32_t
new_uidvalidity(struct sim *sim, struct memory_world *world)
{
	for (unsigned int s = 0; s < sim->sites; s++)
		if (sim->site[s].world->last_uidvalidity >
		    world->last_uidvalidity)
			world->last_uidvalidity =
			    sim->site[s].world->last_uidvalidity;
	return ++world->last_uidvalidity;
}

static void
change_rest(struct sim *sim, const struct sim_op *op)
{
	struct sim_site *site = &sim->site[op->side];
	const char *name = other_name(site, op->a);

	if (op->kind == SIM_LOSE_LOG || op->kind == SIM_UIDVALIDITY)
		sim->model.off = true;
	switch (op->kind) {
	case SIM_SUBSCRIBE:
	case SIM_UNSUBSCRIBE:
		if (op->b % 4 == 0)
			name = name_of(sim, op->side, op->c);
		sim_say(sim, "    %s", name);
		(void)memory_client_subscribe(site->world, name,
		    op->kind == SIM_SUBSCRIBE);
		break;
	case SIM_UIDVALIDITY:
		sim_say(sim, "    %s", name);
		(void)memory_client_uidvalidity(site->world, name,
		    new_uidvalidity(sim, site->world));
		/* The old one may come back from the other side (M10). */
		site->uids.n = 0;
		break;
	case SIM_REBUILD:
		sim_say(sim, "    %s", name);
		(void)memory_client_rebuild(site->world, name);
		break;
	case SIM_CLOCK:
		sim->attributes.clocks = true;
		if (op->b % 4 == 0)
			sim->clock += op->c % 3 * 3600 * 1000;
		else
			site->clock_off = (int64_t)(op->c % 20001) - 10000;
		sim_say(sim, "    off by %lld ms",
		    (long long)site->clock_off);
		break;
	case SIM_LOSE_LOG:
		sim_attributes_doubt(sim, NULL);
		sim_log_lose(site);
		break;
	default:
		abort();
	}
}

static void
restore(struct sim *sim, const struct sim_op *op)
{
	struct sim_site *site = &sim->site[op->side];
	struct memory_world *before;

	if (op->kind == SIM_TAKE_COPY) {
		sim_copy_take(site, &site->copy);
		return;
	}
	if (site->copy.world == NULL)
		return;
	sim->model.off = true;
	sim_attributes_doubt(sim, NULL);
	before = memory_world_copy(site->world);
	sim_copy_put(site, &site->copy, op->kind == SIM_RESTORE);
	sim_note_restore(sim, op->kind == SIM_RESTORE_MAIL, op->side, before);
	memory_world_free(&before);
}

static void
small_mail(struct sim *sim, const struct sim_op *op)
{
	struct sim_site *site = &sim->site[op->side];
	struct memory_mailbox *box, *to;
	struct memory_mail *mail = pick_mail(site, op, &box);
	flags_t flags;

	if (mail == NULL)
		return;
	if (op->kind == SIM_FILE) {
		if ((to = pick_box(site, box == pick_box(site, 0))) == box)
			return;
		sim_say(sim, "    body %u to %s", sim_body_number(mail),
		    to->name);
		touch(sim, mail, false);
		(void)move_mail(sim, op->side, box, mail, to);
		return;
	}
	flags = op->kind == SIM_SET ? mail->flags | FLAG_FLAGGED :
	    mail->flags & ~FLAG_FLAGGED;
	(void)memory_client_flags(site->world, box->name, mail->uid, flags,
	    mail->keywords, mail->keyword_count);
}

static void
small_tree(struct sim *sim, const struct sim_op *op)
{
	static const char *const list[] = { "a", "b", "c", "d", "e" };
	struct sim_site *site = &sim->site[op->side];
	size_t i = 0, k;

	while (i < nitems(list) &&
	    memory_mailbox_find(site->world, list[i]) == NULL)
		i++;
	if (op->kind == SIM_REMOVE && i < nitems(list)) {
		touch_box(sim, op->side, memory_mailbox_find(site->world,
		    list[i]));
		site->uids.n = 0;
		(void)memory_client_delete(site->world, list[i]);
	} else if (op->kind == SIM_MAKE && i < nitems(list)) {
		for (k = i + 1; k < nitems(list) &&
		    memory_mailbox_find(site->world, list[k]) != NULL; k++)
			continue;
		if (k < nitems(list))
			(void)memory_client_rename(site->world, list[i],
			    list[k]);
	} else if (op->kind == SIM_MAKE) {
		(void)memory_client_create(site->world, list[0]);
	}
}

void
sim_client(struct sim *sim, const struct sim_op *op)
{
	switch (op->kind) {
	case SIM_DELIVER:
	case SIM_DROP:
		deliver(sim, op);
		break;
	case SIM_COPY:
	case SIM_COPY_NEW_GUID:
	case SIM_MOVE:
	case SIM_MOVE_BACK:
		copy_or_move(sim, op);
		break;
	case SIM_FLAGS:
	case SIM_KEYWORDS:
		change_flags(sim, op);
		break;
	case SIM_EXPUNGE:
		expunge(sim, op);
		break;
	case SIM_CREATE:
	case SIM_CREATE_DIR:
	case SIM_RENAME:
	case SIM_SWAP:
	case SIM_DELETE:
	case SIM_RECREATE:
		change_tree(sim, op);
		break;
	case SIM_SUBSCRIBE:
	case SIM_UNSUBSCRIBE:
	case SIM_UIDVALIDITY:
	case SIM_CLOCK:
	case SIM_LOSE_LOG:
	case SIM_REBUILD:
		change_rest(sim, op);
		break;
	case SIM_TAKE_COPY:
	case SIM_RESTORE:
	case SIM_RESTORE_MAIL:
		restore(sim, op);
		break;
	case SIM_SET:
	case SIM_CLEAR:
	case SIM_FILE:
		small_mail(sim, op);
		break;
	case SIM_MAKE:
	case SIM_REMOVE:
		small_tree(sim, op);
		break;
	case SIM_ATTRIBUTE:
		sim_attributes_client(sim, op, pick_box(&sim->site[op->side],
		    op->a));
		break;
	case SIM_RUN:
	case SIM_RUN_CUT:
	case SIM_RUN_FAIL:
	case SIM_RUN_KILL:
	case SIM_RUN_BUSY:
	case SIM_RUN_DRY:
	case SIM_RUN_FILTER:
	case SIM_RUN_FULL:
	case SIM_RUN_BACKUP:
	case SIM_CUTS:
	case SIM_KILLS:
	case SIM_RUN_APPEND:
	case SIM_RUN_GUARD:
	case SIM_RUN_EXCEPT:
	case SIM_ALL_CUTS:
	case SIM_ALL_KILLS:
	case SIM_ALL_FAULTS:
	case SIM_BACKUP_CUTS:
	case SIM_BACKUP_KILLS:
	case SIM_BACKUP_FAULTS:
	case SIM_MEET:
	case SIM_PAIR_RUN:
	case SIM_PAIR_CUT:
	case SIM_PAIR_KILL:
	case SIM_REST:
	case SIM_KIND_COUNT:
		abort();
	}
	sim_note_hidden(sim, op->side);
}

bool
sim_is_run(enum sim_kind kind)
{
	return (kind >= SIM_RUN && kind <= SIM_RUN_GUARD) ||
	    kind == SIM_RUN_EXCEPT;
}

void
sim_client_random(struct sim *sim, struct rng *rng)
{
	static const enum sim_kind kinds[] = {
		SIM_DELIVER, SIM_DELIVER, SIM_DROP, SIM_DROP, SIM_COPY,
		SIM_MOVE, SIM_MOVE_BACK, SIM_FLAGS, SIM_FLAGS, SIM_KEYWORDS,
		SIM_EXPUNGE, SIM_EXPUNGE, SIM_CREATE, SIM_RENAME, SIM_DELETE,
		SIM_SUBSCRIBE, SIM_UNSUBSCRIBE,
	};
	struct sim_op op = {
		.kind = kinds[rng_below(rng, nitems(kinds))],
		.side = rng_below(rng, 2),
		.a = rng_below(rng, 1000), .b = rng_below(rng, 1000),
		.c = rng_below(rng, 1000),
	};

	if (sim->attributes.on && op.a % 4 == 0)
		op.kind = SIM_ATTRIBUTE;
	sim_say(sim, "      meanwhile %c: %s", 'A' + (int)op.side,
	    sim_kind_name(op.kind));
	sim_client(sim, &op);
}
