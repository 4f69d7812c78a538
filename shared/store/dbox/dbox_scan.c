#include "config.h"

#include <stdlib.h>

#include "store/dbox/dbox.h"

#define LOOKS_MAX	3U	/* at a mailbox that others write */

static int
name_cmp(const void *a, const void *b)
{
	return keyword_cmp(*(const char *const *)a, *(const char *const *)b);
}

void
dbox_keywords(const struct index *index, size_t pos, struct dbox_names *list)
{
	size_t count = index_state(index)->keyword_count;

	list->n = 0;
	for (size_t i = 0; i < count; i++) {
		if (index_has_keyword(index, pos, i))
			*ARRAY_ADD(list) = index_keyword(index, i);
	}
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(list->v[0]), name_cmp);
}

/*
 * Read what is not yet known of the messages.  One that can't be found was
 * perhaps expunged since the index was read, so that is looked at again.
 */
static int
look_at_all(struct dbox_box *box, struct err *err)
{
	struct dbox_folder *folder = box->folder;
	uint64_t serial;
	int ret;

	for (unsigned int i = 0; i < LOOKS_MAX; i++) {
		if (dbox_folder_refresh(folder, err) == -1)
			return -1;
		serial = index_state(folder->index)->serial;
		folder->problems = 0;
		folder->quiet = true;
		for (size_t pos = 0; pos < index_state(folder->index)->count;
		    pos++)
			(void)dbox_ident_get(box->store, folder, pos);
		folder->quiet = false;
		if (folder->problems == 0)
			return 0;
		ret = dbox_folder_refresh(folder, err);
		if (ret == -1 || index_state(folder->index)->serial == serial)
			return ret;
	}
	return 0;
}

int
dbox_scan(struct mailbox *head, store_scan_fn *fn, void *arg, struct err *err)
{
	struct dbox_box *box = (struct dbox_box *)head;
	struct dbox_folder *folder = box->folder;
	struct index *index = folder->index;
	struct dbox_names keywords = { .v = NULL };
	const struct dbox_ident *ident;
	struct mail_info info;
	struct index_mail mail;
	int ret = 0;

	if (look_at_all(box, err) == -1)
		return -1;
	folder->problems = 0;
	for (size_t pos = 0; ret == 0 && pos < index_state(index)->count;
	    pos++) {
		mail = index_mail(index, pos);
		/* Somebody asked Dovecot to expunge it. */
		if (index_is_pending(index, mail.uid, INDEX_EXPUNGE))
			continue;
		ident = dbox_ident_get(box->store, folder, pos);
		dbox_keywords(index, pos, &keywords);
		info = (struct mail_info){ .uid = mail.uid,
		    .guid = ident->guid, .flags = mail.flags & FLAGS_ALL,
		    .keywords = keywords.v, .keyword_count = keywords.n,
		    .size = ident->size, .received = ident->received,
		    .pop3_uidl = ident->pop3_uidl,
		    .pop3_order = ident->pop3_order };
		if (index_state(index)->has_modseqs)
			info.modseq = index_modseq(index, pos);
		ret = fn(&info, arg, err);
	}
	ARRAY_FREE(&keywords);
	if (folder->problems > DBOX_PROBLEMS_MAX)
		store_tell(&box->store->head, NULL,
		    "mailbox %s: %u damaged messages in all", folder->stored_name,
		    folder->problems);
	return ret;
}
