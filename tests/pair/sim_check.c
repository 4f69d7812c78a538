/* What must hold after a run. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

#define FORMAT_MAX	(4U << 20)

static int
text_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
sim_format_flags(const struct memory_mail *mail, struct strbuf *out)
{
	static const char *const names[FLAG_COUNT] = {
		"\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft",
	};
	const char *sep = "(";

	for (unsigned int bit = 0; bit < FLAG_COUNT; bit++)
		if ((mail->flags & (1U << bit)) != 0) {
			strbuf_addf(out, "%s%s", sep, names[bit]);
			sep = " ";
		}
	for (size_t i = 0; i < mail->keyword_count; i++) {
		strbuf_addf(out, "%s%s", sep, mail->keywords[i]);
		sep = " ";
	}
	strbuf_adds(out, *sep == '(' ? "()" : ")");
}

static void
format_mail(const struct memory_mail *mail, bool uid, bool guid,
    struct strbuf *out)
{
	strbuf_addf(out, "  body %u", sim_body_number(mail));
	if (uid)
		strbuf_addf(out, " UID %u", (unsigned int)mail->uid);
	if (guid)
		strbuf_addf(out, " GUID %s", mail->guid);
	strbuf_addf(out, " flags %x received %lld", mail->flags,
	    (long long)mail->received);
	for (size_t i = 0; i < mail->keyword_count; i++)
		strbuf_addf(out, " %s", mail->keywords[i]);
	strbuf_addc(out, '\n');
}

static void
format_subscriptions(const struct memory_world *world, struct strbuf *out)
{
	char **list = calloc(world->subscriptions.n + 1, sizeof(*list));

	if (list == NULL)
		abort();
	for (size_t i = 0; i < world->subscriptions.n; i++)
		list[i] = world->subscriptions.v[i];
	qsort(list, world->subscriptions.n, sizeof(*list), text_cmp);
	for (size_t i = 0; i < world->subscriptions.n; i++)
		strbuf_addf(out, "subscribed %s\n", list[i]);
	free(list);
}

/* A mailbox that is a mere directory at the source stays one (B2). */
static bool
is_directory(const struct memory_world *world, const char *name)
{
	const struct memory_mailbox *box = memory_mailbox_find(world, name);

	return box != NULL && !box->selectable;
}

static void
unselect_empty(struct memory_world *world,
    const struct memory_world *source)
{
	for (size_t i = 0; i < world->mailboxes.n; i++) {
		struct memory_mailbox *box = world->mailboxes.v[i];

		if (!box->selectable || box->mails.n > 0 ||
		    !is_directory(source, box->name))
			continue;
		box->selectable = false;
	}
}

void
sim_format(const struct memory_world *world, bool guids, bool uidnext,
    struct strbuf *out)
{
	char hex[GUID_HEX_SIZE];

	for (size_t i = 0; i < world->mailboxes.n; i++) {
		const struct memory_mailbox *box = world->mailboxes.v[i];

		strbuf_addf(out, "mailbox %s%s", box->name,
		    box->selectable ? "" : " (directory)");
		if (box->selectable) {
			guid_format(&box->status.guid, hex);
			strbuf_addf(out, " GUID %s UIDVALIDITY %u", hex,
			    (unsigned int)box->status.uidvalidity);
			if (uidnext)
				strbuf_addf(out, " UIDNEXT %u", (unsigned int)
				    box->status.uidnext);
		}
		strbuf_addc(out, '\n');
		sim_format_attributes(world, box, out);
		for (size_t k = 0; k < box->mails.n; k++)
			format_mail(box->mails.v[k], true, guids, out);
	}
	format_subscriptions(world, out);
}

void
sim_format_content(const struct memory_world *world, struct strbuf *out)
{
	for (size_t i = 0; i < world->mailboxes.n; i++) {
		const struct memory_mailbox *box = world->mailboxes.v[i];
		char **lines = calloc(box->mails.n + 1, sizeof(*lines));

		if (lines == NULL)
			abort();
		strbuf_addf(out, "mailbox %s%s\n", box->name,
		    box->selectable ? "" : " (directory)");
		sim_format_attributes(world, box, out);
		for (size_t k = 0; k < box->mails.n; k++) {
			struct strbuf line;

			strbuf_init(&line, 4096);
			format_mail(box->mails.v[k], false, false, &line);
			lines[k] = line.data;
		}
		qsort(lines, box->mails.n, sizeof(*lines), text_cmp);
		for (size_t k = 0; k < box->mails.n; k++) {
			strbuf_adds(out, lines[k]);
			free(lines[k]);
		}
		free(lines);
	}
	format_subscriptions(world, out);
}

void
sim_first_difference(const char *a, const char *b, char *out, size_t size)
{
	size_t line = 0, i = 0;
	int la, lb;

	while (a[i] != '\0' && a[i] == b[i]) {
		if (a[i++] == '\n')
			line = i;
	}
	la = (int)strcspn(a + line, "\n");
	lb = (int)strcspn(b + line, "\n");
	(void)snprintf(out, size, "\"%.*s\" and \"%.*s\"", la, a + line, lb,
	    b + line);
}

/* The source of a backup keeps messages that have no UID yet. */
static bool
has_unnumbered(const struct memory_world *world)
{
	for (size_t i = 0; i < world->mailboxes.n; i++)
		for (size_t k = 0; k < world->mailboxes.v[i]->mails.n; k++)
			if (world->mailboxes.v[i]->mails.v[k]->uid == 0)
				return true;
	return false;
}

/* Where the next mailbox or subscription begins. */
static char *
block_end(char *p)
{
	char *box = strstr(p, "\nmailbox "), *sub = strstr(p, "\nsubscribed ");

	if (box == NULL || (sub != NULL && sub < box))
		box = sub;
	return box;
}

/* What a store puts behind a spelling that is taken (T13). */
#define SPELLING_DIGITS	8U

/*
 * Whoever came second has it, and a log that was lost does not know who came
 * first: for the check they are spelt alike.
 */
static void
drop_spelling_digits(struct strbuf *text)
{
	char *to = text->data;

	for (const char *p = text->data; *p != '\0';) {
		if (*p == '-' && strspn(p + 1, "0123456789abcdef") ==
		    SPELLING_DIGITS)
			p += 1 + SPELLING_DIGITS;
		else
			*to++ = *p++;
	}
	*to = '\0';
	text->len = (size_t)(to - text->data);
}

/*
 * Names as B can hold them, mailboxes and subscriptions in the order of those.
 * Two subscriptions that B spells alike are one there (T13).
 */
static void
spell_as_forbidden(struct strbuf *text)
{
	size_t n = 0, room = 1;
	char **block, *p;

	for (p = text->data; *p != '\0'; p++) {
		room += *p == '\n';
		if (*p == 'z')
			*p = '_';
	}
	drop_spelling_digits(text);
	block = mem_calloc(room, sizeof(*block));
	for (p = text->data; p != NULL && *p != '\0'; n++) {
		char *end = block_end(p);

		block[n] = mem_strndup(p, end == NULL ? strlen(p) :
		    (size_t)(end + 1 - p));
		p = end == NULL ? NULL : end + 1;
	}
	qsort(block, n, sizeof(*block), text_cmp);
	strbuf_reset(text);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(block[i - 1], block[i]) != 0)
			strbuf_adds(text, block[i]);
	for (size_t i = 0; i < n; i++)
		free(block[i]);
	free(block);
}

/* T13: the second of two names that B would spell alike stays pending. */
bool
sim_names_collide(struct sim *sim)
{
	const struct memory_world *world = sim_at(sim, 0)->world;
	char *name[2];
	bool same = false;

	for (size_t i = 1; i < world->mailboxes.n && sim->forbids; i++)
		for (size_t k = 0; k < i && !same; k++) {
			name[0] = mem_strdup(world->mailboxes.v[i]->name);
			name[1] = mem_strdup(world->mailboxes.v[k]->name);
			for (unsigned int n = 0; n < 2; n++)
				for (char *p = name[n]; *p != '\0'; p++)
					if (*p == 'z')
						*p = '_';
			same = strcmp(name[0], name[1]) == 0;
			free(name[0]);
			free(name[1]);
		}
	return same;
}

bool
sim_check_equal(struct sim *sim, bool backup, unsigned int source)
{
	struct strbuf text[2];
	char diff[512];
	bool equal;

	if (sim_names_collide(sim))
		return true;
	for (unsigned int s = 0; s < 2; s++) {
		struct memory_world *world = memory_world_copy(
		    sim_at(sim, s)->world);

		if (backup && s != source)
			unselect_empty(world, sim_at(sim, !s)->world);
		strbuf_init(&text[s], FORMAT_MAX);
		if (backup && has_unnumbered(sim->site[source].world))
			sim_format_content(world, &text[s]);
		else
			sim_format(world, !sim->loose_guids, !backup,
			    &text[s]);
		memory_world_free(&world);
	}
	for (unsigned int s = 0; s < 2 && sim->forbids; s++)
		spell_as_forbidden(&text[s]);
	equal = strcmp(text[0].data, text[1].data) == 0;
	if (!equal) {
		sim_first_difference(text[0].data, text[1].data, diff,
		    sizeof(diff));
		(void)sim_fail(sim, "the stores differ after a %s: %s",
		    backup ? "backup" : "mirror", diff);
	}
	for (unsigned int s = 0; s < 2; s++)
		strbuf_deinit(&text[s]);
	return equal;
}

/*
 * What a peer that may only add may not change: all but the GUID of a mailbox,
 * and the UIDVALIDITY of an empty one.
 */
void
sim_format_kept(const struct memory_world *world, struct strbuf *out)
{
	for (size_t i = 0; i < world->mailboxes.n; i++) {
		const struct memory_mailbox *box = world->mailboxes.v[i];

		strbuf_addf(out, "mailbox %s\n", box->name);
		if (box->mails.n > 0 && box->mails.v[0]->uid != 0)
			strbuf_addf(out, "UIDVALIDITY %u\n",
			    (unsigned int)box->status.uidvalidity);
		sim_format_attributes(world, box, out);
		/* Those without a UID are about to get one. */
		for (size_t k = 0; k < box->mails.n; k++)
			if (box->mails.v[k]->uid != 0)
				format_mail(box->mails.v[k], true, true, out);
	}
}

bool
sim_check_kept(struct sim *sim, unsigned int side, const char *before)
{
	struct strbuf now;
	const char *line = before, *at;
	bool ok = true;

	strbuf_init(&now, FORMAT_MAX);
	sim_format_kept(sim->site[side].world, &now);
	/* The order stays, whatever comes between. */
	at = now.data;
	while (*line != '\0' && ok) {
		size_t len = strcspn(line, "\n") + 1;

		while (*at != '\0' && strncmp(at, line, len) != 0)
			at += strcspn(at, "\n") + 1;
		ok = *at != '\0';
		if (!ok)
			(void)sim_fail(sim, "%c may be added to only, but "
			    "lost \"%.*s\"", 'A' + (int)side, (int)len - 1,
			    line);
		line += len;
	}
	strbuf_deinit(&now);
	return ok;
}

size_t
sim_count_body(const struct memory_world *world, unsigned int n)
{
	size_t count = 0;

	for (size_t i = 0; i < world->mailboxes.n; i++)
		for (size_t k = 0; k < world->mailboxes.v[i]->mails.n; k++)
			count += sim_body_number(
			    world->mailboxes.v[i]->mails.v[k]) == n;
	return count;
}

bool
sim_check_survival(struct sim *sim)
{
	for (unsigned int n = 0; n < sim->bodies.n; n++) {
		if (sim->bodies.v[n].may_go)
			continue;
		for (unsigned int s = 0; s < 2; s++)
			if (sim_count_body(sim_at(sim, s)->world, n) == 0)
				return sim_fail(sim, "body %u is lost at %c",
				    n, 'A' + (int)sim->pair[s]);
	}
	return true;
}

/* What nobody touched is there as often as before. */
bool
sim_check_counts(struct sim *sim)
{
	for (unsigned int n = 0; n < sim->bodies.n; n++) {
		const struct sim_body *body = &sim->bodies.v[n];
		size_t now = sim_count_body(sim->site[0].world, n);

		if (!body->touched && now != body->count)
			return sim_fail(sim, "body %u is there %zu times, "
			    "before %zu", n, now, body->count);
	}
	return true;
}

void
sim_note_clean(struct sim *sim)
{
	for (unsigned int n = 0; n < sim->bodies.n; n++) {
		sim->bodies.v[n].touched = false;
		sim->bodies.v[n].count = sim_count_body(sim->site[0].world, n);
	}
}

void
sim_note_backup(struct sim *sim, unsigned int source)
{
	sim->backed_up = true;
	for (unsigned int n = 0; n < sim->bodies.n; n++) {
		sim->bodies.v[n].touched = true;
		if (sim_count_body(sim->site[source].world, n) == 0)
			sim->bodies.v[n].may_go = true;
	}
}

void
sim_note_discard(struct sim *sim, unsigned int side, const char *name)
{
	const struct memory_mailbox *box =
	    memory_mailbox_find(sim->site[side].world, name);

	for (size_t i = 0; box != NULL && i < box->mails.n; i++) {
		unsigned int n = sim_body_number(box->mails.v[i]);

		if (n < sim->bodies.n)
			sim->bodies.v[n].may_go = true;
	}
}

void
sim_note_known(struct sim *sim)
{
	for (unsigned int s = 0; s < 2; s++) {
		struct sim_site *site = sim_at(sim, s);

		site->known.n = 0;
		site->taken_back = false;
		for (size_t i = 0; i < site->world->mailboxes.n; i++) {
			const struct memory_mailbox *box =
			    site->world->mailboxes.v[i];

			*ARRAY_ADD(&site->known) = (struct sim_known){
				box->status.guid, box->status.uidvalidity,
				box->status.uidnext,
			};
		}
	}
}

/* E5: is a UIDNEXT below what the log knows? */
static bool
went_back(const struct sim_site *site)
{
	for (size_t i = 0; i < site->world->mailboxes.n; i++) {
		const struct mailbox_status *status =
		    &site->world->mailboxes.v[i]->status;

		for (size_t k = 0; k < site->known.n; k++)
			if (guid_eq(&site->known.v[k].mailbox,
			    &status->guid) && site->known.v[k].uidvalidity ==
			    status->uidvalidity &&
			    site->known.v[k].uidnext > status->uidnext)
				return true;
	}
	return false;
}

void
sim_note_restore(struct sim *sim, bool mail_only, unsigned int side,
    const struct memory_world *before)
{
	struct sim_site *site = &sim->site[side];

	site->taken_back = mail_only && went_back(site);
	if (site->taken_back)
		mail_only = false;
	for (unsigned int n = 0; n < sim->bodies.n; n++) {
		size_t then = sim_count_body(before, n);
		size_t now = sim_count_body(site->world, n);

		sim->bodies.v[n].touched = true;
		sim->bodies.v[n].taken &= ~(1U << side);
		if (site->taken_back && then > now)
			sim->bodies.v[n].taken |= 1U << side;
		/* What was taken back may look expunged to a newer log. */
		if (then > now && (mail_only ||
		    sim_count_body(sim->site[!side].world, n) == 0))
			sim->bodies.v[n].may_go = true;
	}
	/* UIDs since then may be used again, and an old UIDVALIDITY is back. */
	for (unsigned int s = 0; s < 2; s++)
		sim->site[s].uids.n = 0;
}

/* Does a message have a UID that was given after the copy was taken? */
static bool
has_later(const struct sim_site *site)
{
	const struct memory_world *then = site->copy.world;

	for (size_t i = 0; i < site->world->mailboxes.n; i++) {
		const struct memory_mailbox *box =
		    site->world->mailboxes.v[i];

		for (size_t k = 0; k < then->mailboxes.n; k++)
			if (box->mails.n > 0 && guid_eq(&box->status.guid,
			    &then->mailboxes.v[k]->status.guid) &&
			    box->mails.v[box->mails.n - 1]->uid >=
			    then->mailboxes.v[k]->status.uidnext)
				return true;
	}
	return false;
}

/*
 * Mail that is added before a run sees it raises UIDNEXT, but has the UIDs of
 * what was lost; unless it went again (E5).
 */
void
sim_note_hidden(struct sim *sim, unsigned int side)
{
	struct sim_site *site = &sim->site[side];

	if (!site->taken_back || went_back(site) || has_later(site))
		return;
	for (unsigned int n = 0; n < sim->bodies.n; n++)
		if ((sim->bodies.v[n].taken & 1U << side) != 0)
			sim->bodies.v[n].may_go = true;
}

static bool
check_uid(struct sim *sim, struct sim_site *site,
    const struct memory_mailbox *box, const struct memory_mail *mail)
{
	unsigned int body = sim_body_number(mail);

	for (size_t i = 0; i < site->uids.n; i++) {
		const struct sim_uid *u = &site->uids.v[i];

		if (u->uid != mail->uid ||
		    u->uidvalidity != box->status.uidvalidity ||
		    !guid_eq(&u->mailbox, &box->status.guid))
			continue;
		if (u->body == body)
			return true;
		return sim_fail(sim, "UID %u of %s at %c is used again: body "
		    "%u, then %u", (unsigned int)u->uid, box->name,
		    'A' + (int)(site - sim->site), u->body, body);
	}
	*ARRAY_ADD(&site->uids) = (struct sim_uid){ box->status.guid,
	    box->status.uidvalidity, mail->uid, body };
	return true;
}

bool
sim_check_uids(struct sim *sim)
{
	for (unsigned int s = 0; s < sim->sites; s++) {
		struct sim_site *site = &sim->site[s];

		for (size_t i = 0; i < site->world->mailboxes.n; i++) {
			const struct memory_mailbox *box =
			    site->world->mailboxes.v[i];

			for (size_t k = 0; k < box->mails.n; k++)
				if (box->mails.v[k]->uid != 0 && !check_uid(
				    sim, site, box, box->mails.v[k]))
					return false;
		}
	}
	return true;
}
