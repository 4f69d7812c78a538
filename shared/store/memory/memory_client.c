/* A test's own hands in a world: what other mail clients do. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "model/mailbox_name.h"
#include "store/memory/memory_int.h"

#define DEFAULT_RECEIVED 1000000000

static struct memory_mailbox *
selectable_find(struct memory_world *world, const char *name)
{
	struct memory_mailbox *mailbox = memory_mailbox_find(world, name);

	return mailbox != NULL && mailbox->selectable ? mailbox : NULL;
}

int
memory_client_append(struct memory_world *world, const char *name,
    const struct mail_info *info, const char *body, size_t len,
    uint32_t *uid_r)
{
	struct mail_info fresh = { .received = DEFAULT_RECEIVED };
	struct memory_mailbox *mailbox = selectable_find(world, name);
	struct memory_mail *mail;

	if (mailbox == NULL)
		return -1;
	if (info != NULL)
		fresh = *info;
	memory_mailbox_number(mailbox);
	if (fresh.uid < mailbox->status.uidnext)
		fresh.uid = mailbox->status.uidnext;
	mailbox->status.uidnext = fresh.uid + 1;
	mail = memory_mail_new(world, &fresh, memory_body_new(body, len));
	mail->modseq = memory_mailbox_next_modseq(mailbox);
	memory_mailbox_insert(mailbox, mail);
	memory_mailbox_touch(mailbox);
	if (uid_r != NULL)
		*uid_r = mail->uid;
	return 0;
}

int
memory_client_deliver(struct memory_world *world, const char *name,
    const char *body, size_t len)
{
	struct mail_info info = { .received = DEFAULT_RECEIVED };
	struct memory_mailbox *mailbox = selectable_find(world, name);

	if (mailbox == NULL)
		return -1;
	memory_mailbox_insert(mailbox,
	    memory_mail_new(world, &info, memory_body_new(body, len)));
	memory_mailbox_touch(mailbox);
	return 0;
}

int
memory_client_flags(struct memory_world *world, const char *name,
    uint32_t uid, flags_t flags, const char *const *keywords,
    size_t keyword_count)
{
	struct memory_mailbox *mailbox = selectable_find(world, name);
	const char **copy;
	struct memory_mail *mail;

	if (mailbox == NULL ||
	    (mail = memory_mail_find(mailbox, uid)) == NULL)
		return -1;
	/* They may be the message's own ones. */
	copy = memory_keywords_dup(keywords, keyword_count);
	free(mail->keywords);
	mail->flags = flags;
	mail->keywords = copy;
	mail->keyword_count = keyword_count;
	mail->modseq = memory_mailbox_next_modseq(mailbox);
	memory_mailbox_touch(mailbox);
	return 0;
}

int
memory_client_expunge(struct memory_world *world, const char *name,
    uint32_t uid)
{
	struct memory_mailbox *mailbox = selectable_find(world, name);
	struct memory_mail *mail;

	if (mailbox == NULL ||
	    (mail = memory_mail_find(mailbox, uid)) == NULL)
		return -1;
	memory_mailbox_take(mailbox, mail);
	memory_mail_free(mail);
	memory_mailbox_next_modseq(mailbox);
	memory_mailbox_vanish(mailbox, uid);
	memory_mailbox_touch(mailbox);
	return 0;
}

int
memory_client_copy(struct memory_world *world, const char *from,
    uint32_t uid, const char *to, bool keep_guid, uint32_t *uid_r)
{
	struct memory_mailbox *src = selectable_find(world, from);
	struct memory_mailbox *dest = selectable_find(world, to);
	struct mail_info info = { .uid = 0 };
	struct memory_mail *mail, *copy;

	if (src == NULL || dest == NULL ||
	    (mail = memory_mail_find(src, uid)) == NULL)
		return -1;
	memory_mailbox_number(dest);
	info.uid = dest->status.uidnext++;
	info.guid = keep_guid ? mail->guid : NULL;
	info.flags = mail->flags;
	info.keywords = mail->keywords;
	info.keyword_count = mail->keyword_count;
	info.received = mail->received;
	info.modseq = memory_mailbox_next_modseq(dest);
	mail->body->refs++;
	copy = memory_mail_new(world, &info, mail->body);
	memory_mailbox_insert(dest, copy);
	memory_mailbox_touch(dest);
	if (uid_r != NULL)
		*uid_r = copy->uid;
	return 0;
}

int
memory_client_move(struct memory_world *world, const char *from,
    uint32_t uid, const char *to, bool keep_guid, uint32_t *uid_r)
{
	if (memory_client_copy(world, from, uid, to, keep_guid, uid_r) == -1)
		return -1;
	return memory_client_expunge(world, from, uid);
}

static int
create(struct memory_world *world, const char *name, bool selectable,
    bool plain)
{
	struct mailbox_status status = { .uidnext = 1 };
	struct memory_mailbox *mailbox = memory_mailbox_find(world, name);

	if (!name_valid(name, strlen(name)))
		return -1;
	if (mailbox != NULL && (mailbox->selectable || !selectable))
		return -1;
	if (selectable && !plain) {
		status.guid = memory_guid_new(world);
		status.uidvalidity = ++world->last_uidvalidity;
	}
	if (mailbox != NULL) {
		memory_mailbox_unlist(mailbox);
		memory_mailbox_unref(mailbox);
	}
	memory_mailbox_add(world, name, selectable, &status);
	return 0;
}

int
memory_client_create(struct memory_world *world, const char *name)
{
	return create(world, name, true, false);
}

int
memory_client_create_dir(struct memory_world *world, const char *name)
{
	return create(world, name, false, false);
}

int
memory_client_create_plain(struct memory_world *world, const char *name)
{
	return create(world, name, true, true);
}

static void
rename_one(struct memory_mailbox *mailbox, char *name)
{
	struct memory_world *world = mailbox->world;

	memory_mailbox_unlist(mailbox);
	free(mailbox->name);
	mailbox->name = name;
	memory_mailbox_list(world, mailbox);
}

int
memory_client_rename(struct memory_world *world, const char *from,
    const char *to)
{
	struct memory_mailbox *mailbox = memory_mailbox_find(world, from);
	ARRAY(struct memory_mailbox *) moving = { 0 };
	struct strbuf name;

	if (name_is_inbox(from) || mailbox == NULL ||
	    !name_valid(to, strlen(to)) || name_is_below(to, from) ||
	    memory_mailbox_find(world, to) != NULL)
		return -1;
	*ARRAY_ADD(&moving) = mailbox;
	for (size_t i = 0; i < world->mailboxes.n; i++) {
		if (name_is_below(world->mailboxes.v[i]->name, from))
			*ARRAY_ADD(&moving) = world->mailboxes.v[i];
	}
	for (size_t i = 0; i < moving.n; i++) {
		strbuf_init(&name, NAME_MAX_BYTES);
		strbuf_adds(&name, to);
		strbuf_adds(&name, moving.v[i]->name + strlen(from));
		if (!name.failed &&
		    memory_mailbox_find(world, name.data) == NULL)
			rename_one(moving.v[i], memory_strdup(name.data));
		strbuf_deinit(&name);
	}
	ARRAY_FREE(&moving);
	memory_tree_touch(world);
	return 0;
}

int
memory_client_delete(struct memory_world *world, const char *name)
{
	struct memory_mailbox *mailbox = memory_mailbox_find(world, name);

	if (name_is_inbox(name) || mailbox == NULL)
		return -1;
	memory_attributes_drop(world, &mailbox->status.guid);
	memory_mailbox_unlist(mailbox);
	memory_mailbox_unref(mailbox);
	memory_tree_touch(world);
	return 0;
}

int
memory_client_subscribe(struct memory_world *world, const char *name, bool on)
{
	size_t i = 0;

	while (i < world->subscriptions.n &&
	    strcmp(world->subscriptions.v[i], name) != 0)
		i++;
	if ((i < world->subscriptions.n) == on)
		return 0;
	if (on) {
		*ARRAY_ADD(&world->subscriptions) = memory_strdup(name);
	} else {
		free(world->subscriptions.v[i]);
		world->subscriptions.n--;
		memmove(world->subscriptions.v + i,
		    world->subscriptions.v + i + 1,
		    (world->subscriptions.n - i) * sizeof(char *));
	}
	memory_tree_touch(world);
	return 0;
}

int
memory_client_rebuild(struct memory_world *world, const char *name)
{
	struct memory_mailbox *mailbox = selectable_find(world, name);

	if (mailbox == NULL)
		return -1;
	for (size_t i = 0; i < mailbox->mails.n; i++)
		mailbox->mails.v[i]->modseq = 1;
	mailbox->status.highestmodseq = 1;
	mailbox->vanished.n = 0;
	memory_mailbox_touch(mailbox);
	return 0;
}

int
memory_client_uidvalidity(struct memory_world *world, const char *name,
    uint32_t uidvalidity)
{
	struct memory_mailbox *mailbox = selectable_find(world, name);

	if (mailbox == NULL)
		return -1;
	memory_mailbox_number(mailbox);
	mailbox->status.uidvalidity = uidvalidity;
	mailbox->vanished.n = 0;
	for (size_t i = 0; i < mailbox->mails.n; i++)
		mailbox->mails.v[i]->uid = (uint32_t)i + 1;
	mailbox->status.uidnext = (uint32_t)mailbox->mails.n + 1;
	memory_mailbox_touch(mailbox);
	return 0;
}
