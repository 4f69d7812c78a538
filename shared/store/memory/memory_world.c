#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/memory/memory_int.h"

#define BODY_MAX ((size_t)-1 / 4)

static struct memory_world *worlds;

static void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		abort();
	return p;
}

char *
memory_strdup(const char *str)
{
	char *copy;

	if (str == NULL)
		return NULL;
	if ((copy = strdup(str)) == NULL)
		abort();
	return copy;
}

struct memory_body *
memory_body_new(const void *data, size_t len)
{
	struct memory_body *body;

	assert(len < BODY_MAX);
	body = xcalloc(1, sizeof(*body) + len + 1);
	body->refs = 1;
	body->len = len;
	if (len > 0)
		memcpy(body->data, data, len);
	return body;
}

void
memory_body_unref(struct memory_body *body)
{
	if (--body->refs == 0)
		free(body);
}

/* The pointers and their strings in one block. */
const char **
memory_keywords_dup(const char *const *keywords, size_t count)
{
	size_t size = (count + 1) * sizeof(char *), len;
	const char **copy;
	char *text;

	for (size_t i = 0; i < count; i++)
		size += strlen(keywords[i]) + 1;
	copy = xcalloc(1, size);
	text = (char *)(copy + count + 1);
	for (size_t i = 0; i < count; i++) {
		len = strlen(keywords[i]) + 1;
		memcpy(text, keywords[i], len);
		copy[i] = text;
		text += len;
	}
	return copy;
}

#define UIDVALIDITY_HIGH	0xff000000U	/* some are left above it */

void
memory_uidvalidity_taken(struct memory_world *world, uint32_t value)
{
	if (value > world->last_uidvalidity && value < UIDVALIDITY_HIGH)
		world->last_uidvalidity = value;
}

/* FNV-1a of the path, so that worlds never choose the same GUID. */
struct guid128
memory_guid_new(struct memory_world *world)
{
	uint64_t hash = 14695981039346656037ULL;
	uint64_t count = ++world->guid_count;
	struct guid128 guid;

	for (const char *p = world->path; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211ULL;
	for (unsigned int i = 0; i < 8; i++) {
		guid.b[i] = (uint8_t)(hash >> (56 - 8 * i));
		guid.b[8 + i] = (uint8_t)(count >> (56 - 8 * i));
	}
	return guid;
}

struct memory_mail *
memory_mail_new(struct memory_world *world, const struct mail_info *info,
    struct memory_body *body)
{
	struct memory_mail *mail = xcalloc(1, sizeof(*mail));
	char hex[GUID_HEX_SIZE];
	struct guid128 guid;

	if (info->guid != NULL) {
		mail->guid = memory_strdup(info->guid);
	} else {
		guid = memory_guid_new(world);
		guid_format(&guid, hex);
		mail->guid = memory_strdup(hex);
	}
	mail->uid = info->uid;
	mail->flags = info->flags;
	mail->keywords = memory_keywords_dup(info->keywords,
	    info->keyword_count);
	mail->keyword_count = info->keyword_count;
	mail->modseq = info->modseq;
	mail->received = info->received;
	mail->saved = info->saved;
	mail->pop3_uidl = memory_strdup(info->pop3_uidl);
	mail->pop3_order = info->pop3_order;
	mail->body = body;
	return mail;
}

void
memory_mail_free(struct memory_mail *mail)
{
	if (mail == NULL)
		return;
	memory_body_unref(mail->body);
	free(mail->guid);
	free(mail->keywords);
	free(mail->pop3_uidl);
	free(mail);
}

static struct memory_mail *
mail_dup(struct memory_world *world, const struct memory_mail *mail)
{
	struct mail_info info = {
		.uid = mail->uid, .guid = mail->guid, .flags = mail->flags,
		.keywords = mail->keywords,
		.keyword_count = mail->keyword_count,
		.modseq = mail->modseq, .received = mail->received,
		.saved = mail->saved,
		.pop3_uidl = mail->pop3_uidl, .pop3_order = mail->pop3_order,
	};
	struct memory_mail *copy;

	mail->body->refs++;
	copy = memory_mail_new(world, &info, mail->body);
	copy->unreadable = mail->unreadable;
	return copy;
}

void
memory_mailbox_touch(struct memory_mailbox *mailbox)
{
	struct memory_world *world = mailbox->world;

	if (world == NULL)
		return;
	if (!world->coarse)
		world->now++;
	mailbox->changed = world->now;
}

void
memory_tree_touch(struct memory_world *world)
{
	if (!world->coarse)
		world->now++;
	world->tree_changed = world->now;
}

uint64_t
memory_mailbox_next_modseq(struct memory_mailbox *mailbox)
{
	return ++mailbox->status.highestmodseq;
}

/*
 * What becomes of a message's modseq when changed says that it is new or was
 * changed, and wanted (0: none) is to be its modseq.
 */
uint64_t
memory_mailbox_take_modseq(struct memory_mailbox *mailbox, uint64_t now,
    uint64_t wanted, bool changed)
{
	uint64_t *highest = &mailbox->status.highestmodseq, modseq = wanted;

	if (changed && (wanted == 0 ||
	    mailbox->world->modseqs == MEMORY_MODSEQ_COUNTED)) {
		modseq = memory_mailbox_next_modseq(mailbox);
		if (modseq < wanted)
			modseq = wanted;
	}
	if (modseq < now)
		modseq = now;
	if (modseq > *highest)
		*highest = modseq;
	return modseq;
}

bool
memory_mailbox_is_plain(const struct memory_mailbox *mailbox)
{
	if (!mailbox->selectable)
		return false;
	return guid_is_zero(&mailbox->status.guid) ||
	    mailbox->status.uidvalidity == 0 || (mailbox->mails.n > 0 &&
	    mailbox->mails.v[mailbox->mails.n - 1]->uid == 0);
}

bool
memory_mailbox_number(struct memory_mailbox *mailbox)
{
	struct memory_mail *mail;

	if (!memory_mailbox_is_plain(mailbox))
		return false;
	if (guid_is_zero(&mailbox->status.guid))
		mailbox->status.guid = memory_guid_new(mailbox->world);
	if (mailbox->status.uidvalidity == 0)
		mailbox->status.uidvalidity =
		    ++mailbox->world->last_uidvalidity;
	for (size_t i = 0; i < mailbox->mails.n; i++) {
		mail = mailbox->mails.v[i];
		if (mail->uid != 0)
			continue;
		mail->uid = mailbox->status.uidnext++;
		mail->modseq = memory_mailbox_next_modseq(mailbox);
	}
	memory_mailbox_touch(mailbox);
	return true;
}

/* Index of the first name that is not less. */
static size_t
mailbox_position(const struct memory_world *world, const char *name)
{
	size_t low = 0, high = world->mailboxes.n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(world->mailboxes.v[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct memory_mailbox *
memory_mailbox_find(const struct memory_world *world, const char *name)
{
	size_t i = mailbox_position(world, name);

	if (i < world->mailboxes.n &&
	    strcmp(world->mailboxes.v[i]->name, name) == 0)
		return world->mailboxes.v[i];
	return NULL;
}

void
memory_mailbox_list(struct memory_world *world,
    struct memory_mailbox *mailbox)
{
	size_t at = mailbox_position(world, mailbox->name);

	(void)ARRAY_ADD(&world->mailboxes);
	memmove(world->mailboxes.v + at + 1, world->mailboxes.v + at,
	    (world->mailboxes.n - 1 - at) * sizeof(world->mailboxes.v[0]));
	world->mailboxes.v[at] = mailbox;
	mailbox->world = world;
}

void
memory_mailbox_unlist(struct memory_mailbox *mailbox)
{
	struct memory_world *world = mailbox->world;
	size_t at = mailbox_position(world, mailbox->name);

	assert(world->mailboxes.v[at] == mailbox);
	world->mailboxes.n--;
	memmove(world->mailboxes.v + at, world->mailboxes.v + at + 1,
	    (world->mailboxes.n - at) * sizeof(world->mailboxes.v[0]));
	mailbox->world = NULL;
}

struct memory_mailbox *
memory_mailbox_add(struct memory_world *world, const char *name,
    bool selectable, const struct mailbox_status *status)
{
	struct memory_mailbox *mailbox = xcalloc(1, sizeof(*mailbox));

	mailbox->refs = 1;
	mailbox->name = memory_strdup(name);
	mailbox->selectable = selectable;
	if (status != NULL)
		mailbox->status = *status;
	if (mailbox->status.uidnext == 0)
		mailbox->status.uidnext = 1;
	if (mailbox->status.highestmodseq == 0)
		mailbox->status.highestmodseq = 1;
	mailbox->id = ++world->last_id;
	memory_mailbox_list(world, mailbox);
	memory_mailbox_touch(mailbox);
	memory_tree_touch(world);
	return mailbox;
}

void
memory_mailbox_unref(struct memory_mailbox *mailbox)
{
	if (--mailbox->refs > 0)
		return;
	for (size_t i = 0; i < mailbox->mails.n; i++)
		memory_mail_free(mailbox->mails.v[i]);
	ARRAY_FREE(&mailbox->mails);
	ARRAY_FREE(&mailbox->vanished);
	free(mailbox->name);
	free(mailbox);
}

void
memory_mailbox_vanish(struct memory_mailbox *mailbox, uint32_t uid)
{
	*ARRAY_ADD(&mailbox->vanished) = (struct memory_vanished){
		uid, mailbox->status.highestmodseq,
	};
}

static size_t
mail_position(const struct memory_mailbox *mailbox, uint32_t uid)
{
	size_t low = 0, high = mailbox->mails.n, mid;
	uint32_t found;

	/* No UID sorts behind all others: as the largest. */
	while (low < high) {
		mid = low + (high - low) / 2;
		found = mailbox->mails.v[mid]->uid;
		if (found != 0 && (uid == 0 || found < uid))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct memory_mail *
memory_mail_find(const struct memory_mailbox *mailbox, uint32_t uid)
{
	size_t at = mail_position(mailbox, uid);

	if (uid != 0 && at < mailbox->mails.n &&
	    mailbox->mails.v[at]->uid == uid)
		return mailbox->mails.v[at];
	return NULL;
}

void
memory_mailbox_insert(struct memory_mailbox *mailbox,
    struct memory_mail *mail)
{
	size_t at = mail->uid == 0 ? mailbox->mails.n :
	    mail_position(mailbox, mail->uid);

	(void)ARRAY_ADD(&mailbox->mails);
	memmove(mailbox->mails.v + at + 1, mailbox->mails.v + at,
	    (mailbox->mails.n - 1 - at) * sizeof(mailbox->mails.v[0]));
	mailbox->mails.v[at] = mail;
}

void
memory_mailbox_take(struct memory_mailbox *mailbox, struct memory_mail *mail)
{
	size_t at = 0;

	while (mailbox->mails.v[at] != mail)
		at++;
	mailbox->mails.n--;
	memmove(mailbox->mails.v + at, mailbox->mails.v + at + 1,
	    (mailbox->mails.n - at) * sizeof(mailbox->mails.v[0]));
}

struct memory_world *
memory_world_find(const char *path)
{
	for (struct memory_world *w = worlds; w != NULL; w = w->next) {
		if (strcmp(w->path, path) == 0)
			return w;
	}
	return NULL;
}

struct memory_world *
memory_world_new(const char *path)
{
	struct memory_world *world = xcalloc(1, sizeof(*world));
	struct mailbox_status status = { .uidnext = 1 };

	assert(memory_world_find(path) == NULL);
	world->path = memory_strdup(path);
	world->now = 1;
	world->last_uidvalidity = 1000000000;
	world->life = 1;
	status.guid = memory_guid_new(world);
	status.uidvalidity = ++world->last_uidvalidity;
	memory_mailbox_add(world, "INBOX", true, &status);
	world->next = worlds;
	worlds = world;
	return world;
}

static void
world_clear(struct memory_world *world)
{
	struct memory_mailbox *mailbox;

	while (world->mailboxes.n > 0) {
		mailbox = world->mailboxes.v[world->mailboxes.n - 1];
		memory_mailbox_unlist(mailbox);
		memory_mailbox_unref(mailbox);
	}
	ARRAY_FREE(&world->mailboxes);
	for (size_t i = 0; i < world->subscriptions.n; i++)
		free(world->subscriptions.v[i]);
	ARRAY_FREE(&world->subscriptions);
	memory_attributes_free(world);
}

void
memory_world_free(struct memory_world **world)
{
	struct memory_world *w = *world;

	if (w == NULL)
		return;
	for (struct memory_world **p = &worlds; *p != NULL;
	    p = &(*p)->next) {
		if (*p == w) {
			*p = w->next;
			break;
		}
	}
	world_clear(w);
	free(w->path);
	free(w);
	*world = NULL;
}

static void
contents_copy(struct memory_world *to, const struct memory_world *from)
{
	const struct memory_mailbox *src;
	struct memory_mailbox *dest;

	for (size_t i = 0; i < from->mailboxes.n; i++) {
		src = from->mailboxes.v[i];
		dest = memory_mailbox_add(to, src->name, src->selectable,
		    &src->status);
		for (size_t k = 0; k < src->mails.n; k++)
			*ARRAY_ADD(&dest->mails) =
			    mail_dup(to, src->mails.v[k]);
		for (size_t k = 0; k < src->vanished.n; k++)
			*ARRAY_ADD(&dest->vanished) = src->vanished.v[k];
	}
	for (size_t i = 0; i < from->subscriptions.n; i++)
		*ARRAY_ADD(&to->subscriptions) =
		    memory_strdup(from->subscriptions.v[i]);
	memory_attributes_copy(to, from);
	memory_tree_touch(to);
}

struct memory_world *
memory_world_copy(const struct memory_world *world)
{
	struct memory_world *copy = xcalloc(1, sizeof(*copy));

	copy->path = memory_strdup(world->path);
	copy->now = world->now;
	copy->modseqs = world->modseqs;
	contents_copy(copy, world);
	return copy;
}

void
memory_world_restore(struct memory_world *world,
    const struct memory_world *copy)
{
	memory_world_crash(world);
	world_clear(world);
	world->now++;
	contents_copy(world, copy);
}

void
memory_world_become(struct memory_world *world,
    const struct memory_world *other)
{
	world_clear(world);
	contents_copy(world, other);
	for (size_t i = 0; i < other->mailboxes.n; i++) {
		world->mailboxes.v[i]->id = other->mailboxes.v[i]->id;
		world->mailboxes.v[i]->changed =
		    other->mailboxes.v[i]->changed;
	}
	world->tree_changed = other->tree_changed;
	world->now = other->now;
	world->last_id = other->last_id;
	world->guid_count = other->guid_count;
	world->last_uidvalidity = other->last_uidvalidity;
	world->life = other->life;
	world->modseqs = other->modseqs;
}

void
memory_world_crash(struct memory_world *world)
{
	world->life++;
}

void
memory_world_coarse(struct memory_world *world, bool on)
{
	world->coarse = on;
	world->now++;
}

void
memory_world_tick(struct memory_world *world)
{
	world->now++;
}

void
memory_world_modseqs(struct memory_world *world, enum memory_modseqs modseqs)
{
	world->modseqs = modseqs;
	world->now++;
}

void
memory_world_forbid(struct memory_world *world, const char *bytes)
{
	size_t len = strlen(bytes);

	assert(len < sizeof(world->forbidden));
	memcpy(world->forbidden, bytes, len + 1);
}

static int
string_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
format_mail(const struct memory_mail *mail, struct strbuf *out)
{
	strbuf_addf(out, "  %u %s %02x", (unsigned int)mail->uid, mail->guid,
	    mail->flags);
	for (size_t i = 0; i < mail->keyword_count; i++)
		strbuf_addf(out, " %s", mail->keywords[i]);
	strbuf_addf(out, " %lld", (long long)mail->received);
	if (mail->pop3_uidl != NULL)
		strbuf_addf(out, " uidl=%s", mail->pop3_uidl);
	if (mail->pop3_order != 0)
		strbuf_addf(out, " order=%u", (unsigned int)mail->pop3_order);
	strbuf_adds(out, " \"");
	strbuf_add_escaped(out, mail->body->data, mail->body->len);
	strbuf_adds(out, "\"\n");
}

void
memory_world_format(const struct memory_world *world, struct strbuf *out)
{
	const struct memory_mailbox *mailbox;
	char hex[GUID_HEX_SIZE];
	char **names;

	for (size_t i = 0; i < world->mailboxes.n; i++) {
		mailbox = world->mailboxes.v[i];
		strbuf_add_escaped(out, mailbox->name, strlen(mailbox->name));
		if (!mailbox->selectable) {
			strbuf_adds(out, " directory\n");
			continue;
		}
		guid_format(&mailbox->status.guid, hex);
		strbuf_addf(out, " %s %u %u\n", hex,
		    (unsigned int)mailbox->status.uidvalidity,
		    (unsigned int)mailbox->status.uidnext);
		for (size_t k = 0; k < mailbox->mails.n; k++)
			format_mail(mailbox->mails.v[k], out);
	}
	memory_attributes_format(world, out);
	if (world->subscriptions.n == 0)
		return;
	names = xcalloc(world->subscriptions.n, sizeof(*names));
	memcpy(names, world->subscriptions.v,
	    world->subscriptions.n * sizeof(*names));
	qsort(names, world->subscriptions.n, sizeof(*names), string_cmp);
	for (size_t i = 0; i < world->subscriptions.n; i++) {
		strbuf_adds(out, "subscribed ");
		strbuf_add_escaped(out, names[i], strlen(names[i]));
		strbuf_addc(out, '\n');
	}
	free(names);
}
