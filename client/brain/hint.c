/*
 * hint.c - how to undo what a run decided
 *
 * Of nothing that a rule decides the other choice is lost for good, but for an
 * expunge, which the rules do only on the word of somebody who did it.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "base/array.h"
#include "brain/hint.h"

static const struct hint {
	const char *rule, *undo;
} hints[] = {
	{ "T3", "delete the mailbox again" },
	{ "T5", "move the messages to where they belong" },
	{ "T7", "rename it again" },
	{ "T9", "rename it" },
	{ "T10", "move what does not belong there to a mailbox of its own" },
	{ "T14", "subscribe to it, or unsubscribe, again" },
	{ "T15", "set it again" },
	{ "T16", "make it a mailbox there" },
	{ "P6", "rename one of them" },
	{ "P7", "nothing was done; run without -m and -x" },
	{ "M3", "put it back from a backup; it counts as new mail then" },
	{ "M5", "copy the one that stays" },
	{ "M9", "expunge it again" },
	{ "M10", "not possible; mail clients load that mailbox anew" },
	{ "M11", "copy it" },
	{ "F1", "set its flags again" },
	{ "F2", "set its flags again" },
	{ "B3", "not possible; mail clients load that mailbox anew" },
	{ "B2", "run mirror instead, before it" },
};

const char *
hint_undo(const char *rule)
{
	for (size_t i = 0; rule != NULL && i < nitems(hints); i++)
		if (strcmp(hints[i].rule, rule) == 0)
			return hints[i].undo;
	return NULL;
}
