#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "tests/support/imap.h"
#include "tests/support/resync.h"

#define VALUE_MAX	(1U * 1024 * 1024)	/* bytes of one value */
#define GUID_MAX	33U			/* with a NUL */

/* A message as the client knows it. */
struct known {
	uint32_t uid;
	char *flags;		/* sorted, without \Recent */
};

ARRAY_TYPE(known_list, struct known);

/* A mailbox as the client knows it. */
struct copy {
	char *name;
	char guid[GUID_MAX];		/* Dovecot's, in hexadecimal digits */
	uint32_t uidvalidity;
	uint64_t highestmodseq;
	struct known_list mails;	/* by UID */
};

static void
copy_deinit(struct copy *copy)
{
	for (size_t i = 0; i < copy->mails.n; i++)
		free(copy->mails.v[i].flags);
	ARRAY_FREE(&copy->mails);
	free(copy->name);
	memset(copy, 0, sizeof(*copy));
}

static int
word_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
sorted_flags(const char *list)
{
	char *text = mem_strdup(list), *state = NULL, *flags;
	ARRAY(char *) words = { 0 };
	struct strbuf out;

	for (char *word = strtok_r(text, "() ", &state); word != NULL;
	    word = strtok_r(NULL, "() ", &state))
		if (strcmp(word, "\\Recent") != 0)
			*ARRAY_ADD(&words) = word;
	if (words.n > 0)
		qsort(words.v, words.n, sizeof(*words.v), word_cmp);
	strbuf_init(&out, VALUE_MAX);
	strbuf_addf(&out, "(");
	for (size_t i = 0; i < words.n; i++)
		strbuf_addf(&out, "%s%s", i > 0 ? " " : "", words.v[i]);
	strbuf_addf(&out, ")");
	flags = mem_strdup(out.data);
	strbuf_deinit(&out);
	ARRAY_FREE(&words);
	free(text);
	return flags;
}

/* Where this UID is or belongs. */
static size_t
place_of(const struct copy *copy, uint32_t uid)
{
	size_t i = copy->mails.n;

	while (i > 0 && copy->mails.v[i - 1].uid >= uid)
		i--;
	return i;
}

static void
forget(struct copy *copy, uint32_t first, uint32_t last)
{
	size_t kept = 0;

	for (size_t i = 0; i < copy->mails.n; i++) {
		struct known *mail = &copy->mails.v[i];

		if (mail->uid >= first && mail->uid <= last)
			free(mail->flags);
		else
			copy->mails.v[kept++] = *mail;
	}
	copy->mails.n = kept;
}

static void
learn(struct copy *copy, uint32_t uid, const char *flags)
{
	size_t at = place_of(copy, uid);
	struct known mail = { .uid = uid, .flags = sorted_flags(flags) };

	if (at < copy->mails.n && copy->mails.v[at].uid == uid) {
		free(copy->mails.v[at].flags);
		copy->mails.v[at] = mail;
		return;
	}
	(void)ARRAY_ADD(&copy->mails);
	memmove(&copy->mails.v[at + 1], &copy->mails.v[at],
	    (copy->mails.n - 1 - at) * sizeof(mail));
	copy->mails.v[at] = mail;
}

/* VANISHED (EARLIER) 1:3,7 */
static void
take_vanished(struct copy *copy, const char *set)
{
	while (*set != '\0') {
		char *end;
		uint32_t first = (uint32_t)strtoul(set, &end, 10), last;

		if (end == set)
			return;
		last = first;
		if (*end == ':')
			last = (uint32_t)strtoul(end + 1, &end, 10);
		forget(copy, first, last);
		set = *end == ',' ? end + 1 : end;
	}
}

static void
take_fetch(struct copy *copy, const struct imap_reply *reply)
{
	const char *p = strchr(reply->data, '('), *end;
	struct strbuf key, value, flags;
	uint32_t uid = 0;

	end = reply->data + reply->len;
	strbuf_init(&key, VALUE_MAX);
	strbuf_init(&value, VALUE_MAX);
	strbuf_init(&flags, VALUE_MAX);
	for (p++; imap_value(&p, end, &key) && imap_value(&p, end, &value);) {
		if (strcmp(key.data, "UID") == 0)
			uid = (uint32_t)strtoul(value.data, NULL, 10);
		else if (strcmp(key.data, "FLAGS") == 0)
			strbuf_addf(&flags, "%s", value.data);
	}
	if (uid != 0 && flags.len > 0)
		learn(copy, uid, flags.data);
	strbuf_deinit(&key);
	strbuf_deinit(&value);
	strbuf_deinit(&flags);
}

static uint64_t
number_in(const struct imap_reply *reply, const char *code)
{
	const char *p = strstr(reply->data, code);

	return p == NULL ? 0 : strtoull(p + strlen(code), NULL, 10);
}

/* What a SELECT or FETCH told. */
static void
take_replies(struct imap *imap, struct copy *copy)
{
	for (size_t i = 0; i < imap_replies(imap); i++) {
		const struct imap_reply *reply = imap_reply(imap, i);
		const char *word = strchr(reply->data + 2, ' ');
		uint64_t n;

		if (strncmp(reply->data, "* VANISHED (EARLIER) ", 21) == 0)
			take_vanished(copy, reply->data + 21);
		else if (strncmp(reply->data, "* VANISHED ", 11) == 0)
			take_vanished(copy, reply->data + 11);
		else if (word != NULL && strncmp(word, " FETCH (", 8) == 0)
			take_fetch(copy, reply);
		else if ((n = number_in(reply, "[UIDVALIDITY ")) != 0)
			copy->uidvalidity = (uint32_t)n;
		else if ((n = number_in(reply, "[HIGHESTMODSEQ ")) != 0)
			copy->highestmodseq = n;
	}
}

static void
look_guid(struct imap *imap, struct copy *copy)
{
	imap_do(imap, "STATUS \"%s\" (X-GUID)", copy->name);
	for (size_t i = 0; i < imap_replies(imap); i++) {
		const char *p = strstr(imap_reply(imap, i)->data, "(X-GUID ");

		if (p != NULL)
			snprintf(copy->guid, sizeof(copy->guid), "%s", p + 8);
	}
}

static void
look(struct imap *imap, struct copy *copy)
{
	look_guid(imap, copy);
	imap_do(imap, "EXAMINE \"%s\"", copy->name);
	take_replies(imap, copy);
	imap_do(imap, "UID FETCH 1:* (FLAGS)");
	take_replies(imap, copy);
	imap_do(imap, "UNSELECT");
}

void
resync_save(struct imap *imap, const char *const *names, size_t n)
{
	imap_do(imap, "ENABLE QRESYNC");
	for (size_t i = 0; i < n; i++) {
		struct copy copy = { .name = mem_strdup(names[i]) };

		look(imap, &copy);
		printf("box %" PRIu32 " %" PRIu64 " %s %s\n",
		    copy.uidvalidity, copy.highestmodseq, copy.guid,
		    copy.name);
		for (size_t k = 0; k < copy.mails.n; k++)
			printf("mail %" PRIu32 " %s\n", copy.mails.v[k].uid,
			    copy.mails.v[k].flags);
		copy_deinit(&copy);
	}
}

/* Come back with what was kept; new mail is asked for by UID. */
static void
come_back(struct imap *imap, struct copy *copy)
{
	uint32_t last = copy->mails.n == 0 ? 0 :
	    copy->mails.v[copy->mails.n - 1].uid;

	imap_do(imap, "EXAMINE \"%s\" (QRESYNC (%" PRIu32 " %" PRIu64 "))",
	    copy->name, copy->uidvalidity, copy->highestmodseq);
	take_replies(imap, copy);
	imap_do(imap, "UID FETCH %" PRIu32 ":* (FLAGS)", last + 1);
	take_replies(imap, copy);
	imap_do(imap, "UNSELECT");
}

static unsigned int
compare(const struct copy *kept, const struct copy *there)
{
	unsigned int wrong = 0;
	size_t i = 0, k = 0;

	while (i < kept->mails.n || k < there->mails.n) {
		const struct known *a = i < kept->mails.n ?
		    &kept->mails.v[i] : NULL;
		const struct known *b = k < there->mails.n ?
		    &there->mails.v[k] : NULL;

		if (b == NULL || (a != NULL && a->uid < b->uid)) {
			printf("%s: not told that UID %" PRIu32 " is gone\n",
			    kept->name, a->uid);
			wrong++, i++;
		} else if (a == NULL || b->uid < a->uid) {
			printf("%s: not told of UID %" PRIu32 "\n",
			    kept->name, b->uid);
			wrong++, k++;
		} else {
			if (strcmp(a->flags, b->flags) != 0) {
				printf("%s: UID %" PRIu32 " has %s, the "
				    "client was left with %s\n", kept->name,
				    a->uid, b->flags, a->flags);
				wrong++;
			}
			i++, k++;
		}
	}
	return wrong;
}

static unsigned int
check_box(struct imap *imap, struct copy *kept)
{
	struct copy there = { .name = mem_strdup(kept->name) };
	char *command = mem_printf("EXAMINE \"%s\"", kept->name);
	bool exists = imap_try(imap, command, strlen(command));
	unsigned int wrong = 0;

	free(command);
	if (exists) {
		imap_do(imap, "UNSELECT");
		look(imap, &there);
		/*
		 * Another UIDVALIDITY, or another mailbox that got the name: a
		 * client throws its copy away.
		 */
		if (there.uidvalidity == kept->uidvalidity &&
		    strcmp(there.guid, kept->guid) == 0) {
			come_back(imap, kept);
			wrong = compare(kept, &there);
		}
	}
	copy_deinit(&there);
	return wrong;
}

unsigned int
resync_check(struct imap *imap)
{
	struct copy kept = { 0 };
	unsigned int wrong = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	imap_do(imap, "ENABLE QRESYNC");
	while ((len = getline(&line, &cap, stdin)) != -1) {
		char *p = line;

		if (len > 0 && line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (strncmp(line, "mail ", 5) == 0) {
			uint32_t uid = (uint32_t)strtoul(line + 5, &p, 10);

			learn(&kept, uid, p);
			continue;
		}
		if (kept.name != NULL)
			wrong += check_box(imap, &kept);
		copy_deinit(&kept);
		kept.uidvalidity = (uint32_t)strtoul(line + 4, &p, 10);
		kept.highestmodseq = strtoull(p, &p, 10);
		snprintf(kept.guid, sizeof(kept.guid), "%s", p + 1);
		kept.name = mem_strdup(p + 1 + strlen(kept.guid) + 1);
	}
	if (kept.name != NULL)
		wrong += check_box(imap, &kept);
	copy_deinit(&kept);
	free(line);
	return wrong;
}
