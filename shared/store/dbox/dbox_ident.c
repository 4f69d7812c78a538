/*
 * What mail files say of their messages.  It never changes, so it is read once
 * for as long as the mailbox is open.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/dbox/dbox.h"

#define TEXTS_MAX	((size_t)4 << 30)	/* bytes of all GUIDs */

void
dbox_idents_clear(struct dbox_folder *folder)
{
	ARRAY_FREE(&folder->idents);
	arena_free(&folder->texts);
}

/* The place of a UID among the idents, or where it would be. */
static size_t
ident_seek(const struct dbox_folder *folder, uint32_t uid)
{
	size_t low = 0, high = folder->idents.n, mid;

	/* Most are asked for in rising order. */
	if (high > 0 && folder->idents.v[high - 1].uid < uid)
		return high;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (folder->idents.v[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct dbox_ident *
ident_add(struct dbox_folder *folder, size_t at, uint32_t uid)
{
	struct dbox_ident *last = ARRAY_ADD(&folder->idents);
	struct dbox_ident *ident = &folder->idents.v[at];

	memmove(ident + 1, ident, (size_t)(last - ident) * sizeof(*ident));
	*ident = (struct dbox_ident){ .uid = uid,
	    .received = RECEIVED_UNKNOWN, .guid = "" };
	return ident;
}

static const char *
keep(struct dbox_folder *folder, const char *text)
{
	if (folder->texts == NULL)
		folder->texts = arena_new(TEXTS_MAX);
	return arena_strdup(folder->texts, text);
}

/* Of a damaged message the index may still know the GUID. */
static void
ident_damaged(struct dbox_store *store, struct dbox_folder *folder,
    size_t pos, struct dbox_ident *ident, const struct err *why)
{
	char hex[GUID_HEX_SIZE];
	struct guid128 guid;
	struct err told = *why;

	/* The index has it, so it was not expunged: its file is lost. */
	if (told.code == ERR_NOTFOUND)
		told.code = ERR_CORRUPT;
	dbox_folder_problem(store, folder, &told, ident->uid);
	/* It is looked at again then. */
	if (folder->quiet)
		return;
	if (store->format->index_guid(store, folder, pos, &guid)) {
		guid_format(&guid, hex);
		ident->guid = keep(folder, hex);
	}
}

/* Is it the message that the index means? */
static int
check_guid(struct dbox_store *store, struct dbox_folder *folder, size_t pos,
    const struct dbox_meta *meta, struct err *err)
{
	struct guid128 expected, found;

	if (meta->guid[0] == '\0')
		return err_set(err, ERR_CORRUPT, "the message has no GUID");
	if (!store->format->index_guid(store, folder, pos, &expected))
		return 0;
	found = dbox_guid128(meta->guid);
	if (!guid_eq(&expected, &found))
		return err_set(err, ERR_CORRUPT,
		    "the file holds another message");
	return 0;
}

static void
ident_load(struct dbox_store *store, struct dbox_folder *folder, size_t pos,
    struct dbox_ident *ident)
{
	struct dbox_message message;
	struct dbox_place place;
	struct err why = ERR_INIT;

	if (store->format->locate(store, folder, pos, &place, &why) == -1) {
		ident_damaged(store, folder, pos, ident, &why);
		return;
	}
	if (dbox_meta_read(&message, &place, &why) == -1 ||
	    check_guid(store, folder, pos, &message.meta, &why) == -1) {
		ident_damaged(store, folder, pos, ident, &why);
	} else {
		ident->guid = keep(folder, message.meta.guid);
		ident->received = message.meta.received;
		ident->pop3_order = message.meta.pop3_order;
		if (message.meta.pop3_uidl[0] != '\0')
			ident->pop3_uidl = keep(folder,
			    message.meta.pop3_uidl);
		ident->size = message.meta.has_real_size ?
		    message.meta.real_size : message.size;
	}
	close(place.fd);
}

const struct dbox_ident *
dbox_ident_get(struct dbox_store *store, struct dbox_folder *folder,
    size_t pos)
{
	uint32_t uid = index_mail(folder->index, pos).uid;
	uint32_t validity = index_state(folder->index)->uidvalidity;
	struct dbox_ident *ident;
	size_t at;

	if (folder->idents_validity != validity) {
		dbox_idents_clear(folder);
		folder->idents_validity = validity;
	}
	at = ident_seek(folder, uid);
	if (at < folder->idents.n && folder->idents.v[at].uid == uid) {
		ident = &folder->idents.v[at];
		/* Perhaps it was mended. */
		if (ident->guid[0] == '\0')
			ident_load(store, folder, pos, ident);
		return ident;
	}
	ident = ident_add(folder, at, uid);
	ident_load(store, folder, pos, ident);
	return ident;
}

bool
dbox_message_is(struct dbox_store *store, struct dbox_folder *folder,
    size_t pos, const char *guid)
{
	uint32_t uid = index_mail(folder->index, pos).uid;

	if (index_is_pending(folder->index, uid, INDEX_EXPUNGE))
		return false;
	return strcmp(dbox_ident_get(store, folder, pos)->guid, guid) == 0;
}

bool
dbox_message_may_be(struct dbox_store *store, struct dbox_folder *folder,
    size_t pos, const char *guid)
{
	return dbox_ident_get(store, folder, pos)->guid[0] == '\0' ||
	    dbox_message_is(store, folder, pos, guid);
}

bool
dbox_message_find(struct dbox_store *store, struct dbox_folder *folder,
    uint32_t uid, const char *guid, size_t *pos_r)
{
	size_t count = index_state(folder->index)->count;

	if (uid != 0)
		return index_find(folder->index, uid, pos_r) &&
		    dbox_message_is(store, folder, *pos_r, guid);
	for (size_t pos = 0; pos < count; pos++) {
		if (dbox_message_is(store, folder, pos, guid)) {
			*pos_r = pos;
			return true;
		}
	}
	return false;
}
