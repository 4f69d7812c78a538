/*
 * How the names of mailboxes are spelt in a store that cannot hold them (T13).
 * Two names may come to the same spelling: whichever is made later gets '-' and
 * the first digits of its GUID behind it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "session/session_int.h"

#define DIGITS_FIRST	8U	/* of a GUID; more if that is taken, too */

/* 1: some names are spelt otherwise in the store, 0, -1. */
static int
differ(struct session *s, const char *mapped, const char *name,
    struct err *err)
{
	int r;

	if (strcmp(mapped, name) != 0)
		s->spellings = SPELLINGS_DIFFER;
	if (s->spellings == SPELLINGS_UNKNOWN) {
		if ((r = chlog_spellings_differ(s->log, err)) == -1)
			return -1;
		s->spellings = r == 1 ? SPELLINGS_DIFFER : SPELLINGS_SAME;
	}
	return s->spellings == SPELLINGS_DIFFER;
}

/* 1: another name is spelt so, 0, -1. */
static int
is_taken(struct session *s, const char *mapped, const char *name,
    const struct guid128 *guid, struct err *err)
{
	int r = differ(s, mapped, name, err);

	if (r != 1)
		return r;
	if (tree_batch_has_spelling(s, mapped, name))
		return 1;
	return chlog_spelling_taken(s->log, mapped, name, guid, err);
}

int
spelling_make(struct session *s, const char *name, const struct guid128 *guid,
    char mapped[static NAME_MAX_BYTES + 1], struct err *why, struct err *err)
{
	char hex[GUID_HEX_SIZE], text[NAME_MAX_BYTES + 1];
	size_t size = NAME_MAX_BYTES + 1;
	int r;

	if (s->driver->map_name(s->store, name, mapped, size, why) == -1)
		return 0;
	memcpy(text, mapped, strlen(mapped) + 1);
	guid_format(guid, hex);
	r = is_taken(s, mapped, name, guid, err);
	for (unsigned int n = DIGITS_FIRST; r == 1 && n < GUID_HEX_SIZE;
	    n += DIGITS_FIRST) {
		char longer[NAME_MAX_BYTES + GUID_HEX_SIZE + 1];

		snprintf(longer, sizeof(longer), "%s-%.*s", text, (int)n,
		    hex);
		if (s->driver->map_name(s->store, longer, mapped, size,
		    why) == -1)
			return 0;
		r = is_taken(s, mapped, name, guid, err);
	}
	return r == -1 ? -1 : 1;
}

int
spelling_find(struct session *s, const char *name,
    char mapped[static NAME_MAX_BYTES + 1], struct err *why, struct err *err)
{
	int r;

	if (s->driver->map_name(s->store, name, mapped, NAME_MAX_BYTES + 1,
	    why) == -1)
		return 0;
	if ((r = differ(s, mapped, name, err)) != 1)
		return r == 0 ? 1 : -1;
	if ((tree_batch_has_name(s, name) && tree_batch_flush(s, err) == -1) ||
	    chlog_spelling_find(s->log, name, mapped, NAME_MAX_BYTES + 1,
	    err) == -1)
		return -1;
	return 1;
}

int
spelling_shared(struct session *s, const char *name, const char *mapped,
    struct err *err)
{
	if (tree_batch_has_sub_spelling(s, mapped) &&
	    tree_batch_flush(s, err) == -1)
		return -1;
	return chlog_subscription_shared(s->log, mapped, name, err);
}
