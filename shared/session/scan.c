/*
 * What the store holds now, put into the log.
 *
 * Mailboxes whose token is the one of the last scan are not touched.  The rest
 * are known by GUID, so a known GUID under another name is a rename.  All is
 * one transaction, or several if there is much; a log that was begun and never
 * saw the whole store goes on with its first scan.
 *
 * Nothing is called gone in doubt: a mailbox that cannot be opened, for
 * whatever reason but that it is not there, keeps its place in the log.  While
 * mail programs rename mailboxes, one look at the tree may miss one or see it
 * twice: what seems to be gone is so only after a second look, during which the
 * tree did not change.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "log/log.h"
#include "model/mailbox_name.h"
#include "session/scan_int.h"

#define LOOKS_MAX	5U	/* at a tree that does not keep still */

static int
on_listing(const struct store_listing *listing, void *arg, struct err *err)
{
	struct scan *scan = arg;
	struct entry *entry;

	if (!name_valid(listing->name, strlen(listing->name))) {
		struct err why = ERR_INIT;

		err_set(&why, ERR_CORRUPT, "the name is not valid");
		session_problem(scan->s, NULL, listing->name, &why);
		return 0;
	}
	if (scan->entries.n >= STORE_MAILBOXES_MAX)
		return err_set(err, ERR_REFUSED, "more than %u mailboxes",
		    STORE_MAILBOXES_MAX);
	entry = ARRAY_ADD(&scan->entries);
	entry->name = arena_strdup(scan->arena, listing->name);
	entry->selectable = listing->selectable;
	entry->token = listing->token;
	return 0;
}

static int
entry_cmp(const void *av, const void *bv)
{
	const struct entry *a = av, *b = bv;

	return strcmp(a->name, b->name);
}

static int
scan_directory(struct scan *scan, struct entry *entry, struct err *err)
{
	static const struct mailbox_status none;
	struct chlog_mailbox row;
	struct guid128 guid = scan_directory_guid(entry->name);
	struct known *known;

	if (entry->known != NULL && !entry->known->row.selectable) {
		entry->known->seen = true;
		return 0;
	}
	(void)intent_directory(scan->s, entry->name, &guid);
	known = scan_by_guid(scan, &guid);
	if (known != NULL &&
	    (known->seen || strcmp(known->row.store_name, entry->name) != 0))
		guid = guid_random();
	return scan_find_row(scan, entry, NULL, &guid, &none, &row, err) == -1 ?
	    -1 : 0;
}

/* What is wrong with one mailbox is no reason to stop. */
static int
leave_out(struct scan *scan, const struct entry *entry, const struct err *why)
{
	const struct guid128 *guid = NULL;

	/* Gone between the listing and now, or renamed. */
	if (why->code == ERR_NOTFOUND) {
		scan->moved = true;
		return 0;
	}
	if (entry->known != NULL) {
		entry->known->seen = true;
		guid = &entry->known->row.guid;
	}
	/* It may be a known one under another name. */
	if (entry->known == NULL)
		scan->doubt = true;
	else
		*ARRAY_ADD(&scan->s->unscanned) = *guid;
	session_problem(scan->s, guid, entry->name, why);
	return 0;
}

static bool
token_same(const struct chlog_mailbox *row, const struct store_token *token)
{
	return row->token_len > 0 && row->token_len == token->len &&
	    memcmp(row->token, token->data, token->len) == 0;
}

/*
 * With -f nothing is taken on trust.  UIDs that only the log gave are given in
 * earnest as soon as the store may be written.
 */
static bool
token_trusted(const struct scan *scan, const struct chlog_mailbox *row,
    const struct store_token *token)
{
	if (!scan->s->readonly && row->uidnext > row->store_uidnext)
		return false;
	return !scan->s->hello.full && token_same(row, token);
}

static int
keep_token(struct scan *scan, const struct chlog_mailbox *row,
    const struct store_token *token, struct err *err)
{
	size_t len = token->settled && token->len <= CHLOG_TOKEN_MAX ?
	    token->len : 0;

	if (len == row->token_len && (len == 0 || token_same(row, token)))
		return 0;
	return chlog_mailbox_set_token(scan->s->log, row->id, token->data,
	    len, err);
}

/*
 * UIDs that only the log gave, and that other stores were told, may have lost
 * their messages before the store could be written: it does not give them to
 * others (M13).  1: UIDNEXT was raised, 0: not, -1.
 */
static int
give_uidnext(struct scan *scan, struct chlog_mailbox *row,
    struct mailbox *box, struct err *err)
{
	const struct store_driver *driver = scan->s->driver;
	struct mailbox_status status = { .uidnext = row->uidnext }, now;
	struct err why = ERR_INIT;

	/* Mail that came during the scan has raised it already. */
	if (scan->s->readonly || row->uidnext <= row->store_uidnext ||
	    driver->status(box, &now, &why) == -1 ||
	    now.uidvalidity != row->uidvalidity ||
	    row->uidnext <= now.uidnext ||
	    driver->set_status(box, &status, 0, &why) == -1)
		return 0;
	if (driver->flush(scan->s->store, scan_on_given, &why, err) == -1)
		return -1;
	if (why.code != ERR_NONE)
		return 0;
	row->store_uidnext = row->uidnext;
	return chlog_mailbox_put(scan->s->log, row, err) == -1 ? -1 : 1;
}

static int
scan_messages(struct scan *scan, const struct entry *entry,
    struct chlog_mailbox *row, struct mailbox *box,
    const struct mailbox_status *status, const struct store_token *token,
    struct err *err)
{
	struct store_token kept;
	struct err why = ERR_INIT;
	int r;

	if (token_trusted(scan, row, token))
		return 0;
	if (chlog_mark_begin(scan->s->log, err) == -1)
		return -1;
	r = scan_mailbox(scan->s, row, box, status, scan->first,
	    &scan->changes, &why);
	if (chlog_mark_end(scan->s->log, r == 0, err) == -1)
		return -1;
	if (r == 1) {
		scan->restored = true;
		return 0;
	}
	if (r == -1) {
		/* The log itself failing is another matter. */
		if (!chlog_writing(scan->s->log)) {
			*err = why;
			return -1;
		}
		session_problem(scan->s, &row->guid, entry->name, &why);
		*ARRAY_ADD(&scan->s->unscanned) = row->guid;
		return 0;
	}
	kept = *token;
	if ((r = give_uidnext(scan, row, box, err)) == -1)
		return -1;
	if (r == 1)
		kept.settled = false;
	/* What was left out is looked for again, until it is well. */
	if (scan->s->problem_count != scan->problems)
		kept.settled = false;
	return keep_token(scan, row, &kept, err);
}

static int
scan_selectable(struct scan *scan, struct entry *entry, struct err *err)
{
	const struct store_driver *driver = scan->s->driver;
	struct mailbox_status status;
	struct store_token token;
	struct chlog_mailbox row;
	struct mailbox *box = NULL;
	struct guid128 guid;
	struct err why = ERR_INIT;
	unsigned int before;
	bool lent_uids, found;
	int r;

	scan->problems = scan->s->problem_count;
	if (entry->known != NULL && entry->known->row.selectable &&
	    (!entry->known->row.lent || scan->s->readonly) &&
	    token_trusted(scan, &entry->known->row, &entry->token)) {
		entry->known->seen = true;
		return 0;
	}
	lent_uids = entry->known != NULL &&
	    identity_wanted(scan->s, &entry->known->row);
	if (driver->mailbox_open(scan->s->store, entry->name, &box,
	    &why) == -1)
		return leave_out(scan, entry, &why);
	/* Taken before the messages are, so that it is never too young. */
	if (driver->status(box, &status, &why) == -1 ||
	    driver->token(box, &token, &why) == -1) {
		driver->mailbox_close(&box);
		return leave_out(scan, entry, &why);
	}
	guid = status.guid;
	if (entry->known != NULL && entry->known->row.lent &&
	    !guid_is_zero(&guid)) {
		if (!scan->s->readonly && identity_give(scan->s,
		    &entry->known->row, box, lent_uids, &status, err) == -1) {
			driver->mailbox_close(&box);
			return -1;
		}
		guid = entry->known->row.guid;
	}
	if (guid_is_zero(&guid))
		guid = entry->known != NULL && entry->known->row.selectable ?
		    entry->known->row.guid : guid_random();
	before = scan->changes;
	r = scan_find_row(scan, entry, box, &guid, &status, &row, err);
	found = r == 1;
	if (r == 1)
		r = scan_messages(scan, entry, &row, box, &status, &token,
		    err);
	if (found && r == 0 && !row.lent && !scan->restored &&
	    row.messages + (scan->changes - before) <= KEEP_MESSAGES_MAX)
		apply_keep(scan->s, &row, &box);
	if (box != NULL)
		driver->mailbox_close(&box);
	return r;
}

/* The log knows of no UID that a crash could take back. */
static int
commit(struct session *s, struct err *err)
{
	if (!s->readonly && s->driver->settle != NULL &&
	    s->driver->settle(s->store, err) == -1)
		return err_prefix(err, "the store is in doubt");
	return chlog_commit(s->log, err);
}

static int
scan_entry(struct scan *scan, struct entry *entry, struct err *err)
{
	int r = entry->selectable ? scan_selectable(scan, entry, err) :
	    scan_directory(scan, entry, err);

	if (r == -1 || scan->restored)
		return r;
	if (scan->changes >= SCAN_TXN_MAX) {
		scan->changes = 0;
		if (commit(scan->s, err) == -1)
			return -1;
		return chlog_begin(scan->s->log, err);
	}
	return 0;
}

/* Known names first: of two mailboxes with one GUID that one is the elder. */
static int
scan_entries(struct scan *scan, struct err *err)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < scan->entries.n; i++) {
			struct entry *entry = &scan->entries.v[i];

			if (!entry->in_scope ||
			    (entry->known != NULL) != (pass == 0))
				continue;
			if (scan_entry(scan, entry, err) == -1)
				return -1;
			if (scan->restored)
				return 0;
		}
	}
	return 0;
}

/* A mailbox that left the scope by a rename is not gone. */
static int
look_outside(struct scan *scan, struct err *err)
{
	const struct store_driver *driver = scan->s->driver;

	for (size_t i = 0; i < scan->entries.n; i++) {
		struct entry *entry = &scan->entries.v[i];
		struct mailbox_status status;
		struct mailbox *box = NULL;
		struct known *known;
		struct err why = ERR_INIT;
		int r;

		if (entry->in_scope || !entry->selectable ||
		    (entry->known != NULL &&
		    token_same(&entry->known->row, &entry->token)))
			continue;
		if (driver->mailbox_open(scan->s->store, entry->name, &box,
		    &why) == -1)
			continue;
		r = driver->status(box, &status, &why);
		driver->mailbox_close(&box);
		if (r == -1)
			continue;
		known = scan_by_guid(scan, &status.guid);
		if (known == NULL || known->seen ||
		    strcmp(known->row.store_name, entry->name) == 0)
			continue;
		known->seen = true;
		scan_note_rename(scan, &known->row, entry->name);
		if (chlog_mailbox_put(scan->s->log, &known->row, err) == -1)
			return -1;
	}
	return 0;
}

/* Was any mailbox not met that should be there? */
static bool
any_missing(const struct scan *scan)
{
	for (size_t i = 0; i < scan->known_count; i++) {
		const struct known *known = &scan->known[i];

		if (!known->seen && !name_is_inbox(known->row.store_name) &&
		    session_in_scope(scan->s, known->row.name) &&
		    session_in_scope(scan->s, known->row.store_name))
			return true;
	}
	return false;
}

/* Is it really not there?  In doubt it is. */
static bool
surely_gone(struct scan *scan, const struct known *known)
{
	const struct store_driver *driver = scan->s->driver;
	const struct known *here;
	struct mailbox_status status;
	struct mailbox *box = NULL;
	struct err why = ERR_INIT;
	bool gone;

	if (name_is_inbox(known->row.store_name))
		return false;
	if (!known->row.selectable)
		return true;
	/* Another one was met under its name. */
	here = scan_by_name(scan, known->row.store_name);
	if (here != NULL && here != known && here->seen)
		return true;
	if (driver->mailbox_open(scan->s->store, known->row.store_name, &box,
	    &why) == -1) {
		if (why.code == ERR_NOTFOUND)
			return true;
		session_problem(scan->s, &known->row.guid,
		    known->row.store_name, &why);
		*ARRAY_ADD(&scan->s->unscanned) = known->row.guid;
		return false;
	}
	gone = driver->status(box, &status, &why) == 0 &&
	    !guid_is_zero(&status.guid) &&
	    !guid_eq(&status.guid, &known->row.guid);
	driver->mailbox_close(&box);
	return gone;
}

static int
scan_gone(struct scan *scan, struct err *err)
{
	for (size_t i = 0; i < scan->known_count; i++) {
		struct known *known = &scan->known[i];

		if (known->seen || (scan->doubt && known->row.selectable) ||
		    !session_in_scope(scan->s, known->row.name) ||
		    !session_in_scope(scan->s, known->row.store_name) ||
		    !surely_gone(scan, known))
			continue;
		scan->changes++;
		if (scan_mailbox_gone(scan->s, &known->row, err) == -1)
			return -1;
	}
	return 0;
}

static int
list_store(struct scan *scan, struct err *err)
{
	struct session *s = scan->s;

	scan->entries.n = 0;
	scan->moved = scan->doubt = false;
	s->unscanned.n = 0;
	if (s->driver->list(s->store, on_listing, scan, err) == -1)
		return err_prefix(err, "list of mailboxes");
	if (scan->entries.n > 0)
		qsort(scan->entries.v, scan->entries.n,
		    sizeof(*scan->entries.v), entry_cmp);
	if (scan_load_known(scan, err) == -1)
		return -1;
	for (size_t i = 0; i < scan->entries.n; i++) {
		struct entry *entry = &scan->entries.v[i];
		const char *name = entry->name;

		entry->known = scan_by_name(scan, name);
		/* A filter names mailboxes as the other store knows them. */
		entry->in_scope = session_in_scope(s,
		    entry->known != NULL ? entry->known->row.name : name);
	}
	return 0;
}

/* Look until each known mailbox was met, or is missing without any doubt. */
static int
look_at_all(struct scan *scan, struct err *err)
{
	struct session *s = scan->s;
	struct store_token before, after;

	for (unsigned int look = 1; look <= LOOKS_MAX; look++) {
		bool still;

		if (s->driver->tree_token(s->store, &before, err) == -1 ||
		    list_store(scan, err) == -1 ||
		    scan_entries(scan, err) == -1)
			return -1;
		if (scan->restored)
			return 0;
		if (!scan->moved && !any_missing(scan))
			return 0;
		if (s->driver->tree_token(s->store, &after, err) == -1)
			return -1;
		still = before.len == after.len &&
		    memcmp(before.data, after.data, before.len) == 0;
		if (look > 1 && !scan->moved && still)
			return 0;
		apply_close_all(s);
	}
	scan->doubt = true;
	return 0;
}

static int
scan_once(struct scan *scan, struct err *err)
{
	struct session *s = scan->s;

	if (chlog_begin(s->log, err) == -1)
		return -1;
	scan->first = !chlog_scanned_all(s->log);
	if (intents_load(s, scan->arena, err) == -1)
		return -1;
	if (look_at_all(scan, err) == -1)
		return -1;
	if (scan->restored) {
		log_warn("the store is an older copy of what its change log "
		    "knows; the log begins anew");
		return chlog_reset(s->log, err) == -1 ? -1 :
		    chlog_commit(s->log, err);
	}
	if ((s->filtered && look_outside(scan, err) == -1) ||
	    scan_gone(scan, err) == -1 || scan_subscriptions(s, scan->arena,
	    scan->first, scan->now, err) == -1 || scan_attributes(s,
	    scan->arena, scan->first, scan->now, err) == -1)
		return -1;
	if (intents_used(s, err) == -1)
		return -1;
	if (!s->filtered && chlog_set_scanned_all(s->log, err) == -1)
		return -1;
	return commit(s, err);
}

int
session_scan(struct session *s, struct err *err)
{
	struct scan scan;
	int r;

	/* A log that was begun anew is scanned once more. */
	for (int i = 0; i < 2; i++) {
		memset(&scan, 0, sizeof(scan));
		scan.s = s;
		scan.arena = arena_new(ARENA_TREE_MAX);
		scan.now = clock_now_ms();
		if ((r = scan_once(&scan, err)) == -1)
			chlog_rollback(s->log);
		s->intent_count = s->spelt_count = 0;
		ARRAY_FREE(&scan.entries);
		arena_free(&scan.arena);
		if (r == -1 || !scan.restored)
			return r;
		apply_close_all(s);
	}
	return err_set(err, ERR_CORRUPT, "the store changes its UIDs back");
}
