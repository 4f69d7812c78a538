/*
 * imapctl.c - look at and change a mail store through IMAP, for scenarios
 *
 *	imapctl view COMMAND...		print all that a mail client can see,
 *					a line each: of two equal stores the
 *					same lines
 *	imapctl exact COMMAND...	the same with modification sequences
 *	imapctl keep COMMAND...		print what a mail client keeps, so as
 *					to ask only for changes later (QRESYNC)
 *	imapctl resync COMMAND...	take what keep printed on standard
 *					input, ask for the changes, and print
 *					what the client was not told
 *	imapctl script COMMAND...	IMAP commands on standard input, a line
 *					each; print the replies
 *	imapctl change SEED COUNT SIDE COMMAND...
 *					COUNT random changes; SIDE is a word
 *					that makes their mails its own;
 *					the mailbox $IMAPCTL_SPARE stays, and
 *					only flags change in it
 *
 * COMMAND speaks IMAP on its standard input and output, logged in already.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "tests/support/imap.h"
#include "tests/support/resync.h"

#define VALUE_MAX	(64U * 1024 * 1024)	/* bytes of one value */
#define FETCH_ITEMS	"UID FLAGS INTERNALDATE RFC822.SIZE X-GUID BODY.PEEK[]"

struct box {
	char *name;		/* as on the wire, without quotes */
	bool selectable;
};

ARRAY_TYPE(boxes, struct box);
ARRAY_TYPE(uids, uint32_t);

static bool
is_reply(const struct imap_reply *reply, const char *word, const char **rest)
{
	size_t len = strlen(word);

	if (reply->len < len + 3 || strncmp(reply->data, "* ", 2) != 0 ||
	    strncmp(reply->data + 2, word, len) != 0 ||
	    reply->data[2 + len] != ' ')
		return false;
	*rest = reply->data + 2 + len;
	return true;
}

static void
free_boxes(struct boxes *boxes)
{
	for (size_t i = 0; i < boxes->n; i++)
		free(boxes->v[i].name);
	ARRAY_FREE(boxes);
}

static int
box_cmp(const void *a, const void *b)
{
	return strcmp(((const struct box *)a)->name,
	    ((const struct box *)b)->name);
}

/*
 * LIST or LSUB: attributes, separator, name.  Sorted: the server's order may
 * be that of its file system, and the same seed is to make the same changes.
 */
static void
list_boxes(struct imap *imap, const char *verb, struct boxes *boxes)
{
	struct strbuf value;

	strbuf_init(&value, VALUE_MAX);
	imap_do(imap, "%s \"\" \"*\"", verb);
	for (size_t i = 0; i < imap_replies(imap); i++) {
		const struct imap_reply *reply = imap_reply(imap, i);
		const char *end = reply->data + reply->len, *p;
		struct box *box;

		if (!is_reply(reply, verb, &p))
			continue;
		box = ARRAY_ADD(boxes);
		/* After attributes and separator. */
		for (int skip = 0; skip < 3; skip++)
			(void)imap_value(&p, end, &value);
		box->name = mem_strdup(value.data);
	}
	strbuf_deinit(&value);
	if (boxes->n > 0)
		qsort(boxes->v, boxes->n, sizeof(*boxes->v), box_cmp);
	/* Dovecot calls no parent \NoSelect that has no directory. */
	for (size_t i = 0; i < boxes->n; i++) {
		char *command = mem_printf("STATUS \"%s\" (MESSAGES)",
		    boxes->v[i].name);

		boxes->v[i].selectable = imap_try(imap, command,
		    strlen(command));
		free(command);
	}
}

static int
word_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The flags of a list in order, without \Recent. */
static void
sort_flags(const char *list, struct strbuf *out)
{
	char *copy = mem_strdup(list), *word, *state = NULL;
	ARRAY(char *) words = { 0 };

	for (word = strtok_r(copy, "() ", &state); word != NULL;
	    word = strtok_r(NULL, "() ", &state))
		if (strcmp(word, "\\Recent") != 0)
			*ARRAY_ADD(&words) = word;
	if (words.n > 0)
		qsort(words.v, words.n, sizeof(*words.v), word_cmp);
	strbuf_reset(out);
	for (size_t i = 0; i < words.n; i++)
		strbuf_addf(out, "%s%s", i > 0 ? " " : "", words.v[i]);
	ARRAY_FREE(&words);
	free(copy);
}

static void
print_mail(const char *name, const struct imap_reply *reply)
{
	const char *p = strchr(reply->data, '('), *end;
	struct strbuf key, value, flags, rest;
	char hash[2 * DIGEST_SIZE + 1];
	uint8_t digest[DIGEST_SIZE];
	uint32_t uid = 0;

	end = reply->data + reply->len;
	strbuf_init(&key, VALUE_MAX);
	strbuf_init(&value, VALUE_MAX);
	strbuf_init(&flags, VALUE_MAX);
	strbuf_init(&rest, VALUE_MAX);
	for (p++; imap_value(&p, end, &key) && imap_value(&p, end, &value);) {
		if (strcmp(key.data, "UID") == 0) {
			uid = (uint32_t)strtoul(value.data, NULL, 10);
		} else if (strcmp(key.data, "FLAGS") == 0) {
			sort_flags(value.data, &flags);
		} else if (strcmp(key.data, "BODY[]") == 0) {
			digest_sha256(value.data, value.len, digest);
			hex_format(hash, digest, sizeof(digest));
			strbuf_addf(&rest, " body=%s", hash);
		} else {
			strbuf_addf(&rest, " %s=%s", key.data, value.data);
		}
	}
	printf("mail %s %" PRIu32 " (%s)%s\n", name, uid, flags.data,
	    rest.data);
	strbuf_deinit(&key);
	strbuf_deinit(&value);
	strbuf_deinit(&flags);
	strbuf_deinit(&rest);
}

static void
view_box(struct imap *imap, const char *name, bool exact)
{
	const char *rest;

	imap_do(imap, "STATUS \"%s\" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN "
	    "X-GUID%s)", name, exact ? " HIGHESTMODSEQ" : "");
	for (size_t i = 0; i < imap_replies(imap); i++)
		if (is_reply(imap_reply(imap, i), "STATUS", &rest))
			printf("status%s\n", rest);
	imap_do(imap, "EXAMINE \"%s\"", name);
	imap_do(imap, "UID FETCH 1:* (" FETCH_ITEMS "%s)",
	    exact ? " MODSEQ" : "");
	for (size_t i = 0; i < imap_replies(imap); i++) {
		const struct imap_reply *reply = imap_reply(imap, i);
		const char *word = strchr(reply->data + 2, ' ');

		if (word != NULL && strncmp(word, " FETCH (", 8) == 0)
			print_mail(name, reply);
	}
	imap_do(imap, "UNSELECT");
}

static int
view(struct imap *imap, bool exact)
{
	struct boxes boxes = { 0 }, subscribed = { 0 };

	list_boxes(imap, "LIST", &boxes);
	list_boxes(imap, "LSUB", &subscribed);
	for (size_t i = 0; i < subscribed.n; i++)
		printf("subscribed %s\n", subscribed.v[i].name);
	for (size_t i = 0; i < boxes.n; i++) {
		printf("mailbox %s%s\n", boxes.v[i].name,
		    boxes.v[i].selectable ? "" : " (directory)");
		if (boxes.v[i].selectable)
			view_box(imap, boxes.v[i].name, exact);
	}
	free_boxes(&boxes);
	free_boxes(&subscribed);
	return 0;
}

static int
keep(struct imap *imap)
{
	ARRAY(const char *) names = { 0 };
	struct boxes boxes = { 0 };

	list_boxes(imap, "LIST", &boxes);
	for (size_t i = 0; i < boxes.n; i++)
		if (boxes.v[i].selectable)
			*ARRAY_ADD(&names) = boxes.v[i].name;
	resync_save(imap, names.v, names.n);
	ARRAY_FREE(&names);
	free_boxes(&boxes);
	return 0;
}

static int
script(struct imap *imap)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, stdin)) != -1) {
		while (len > 0 && (line[len - 1] == '\n' ||
		    line[len - 1] == '\r'))
			line[--len] = '\0';
		if (len == 0)
			continue;
		imap_do(imap, "%s", line);
		for (size_t i = 0; i < imap_replies(imap); i++)
			printf("%s\n", imap_reply(imap, i)->data);
	}
	free(line);
	return 0;
}

/* What the random changes are made of. */
struct changer {
	struct imap *imap;
	const char *side;
	const char *spare;	/* mailbox that keeps its mail; or NULL */
	uint64_t state;		/* of the generator */
	unsigned int made;	/* mails */
	struct boxes boxes;
	struct uids uids;	/* of the mailbox that is selected */
};

static unsigned int
pick(struct changer *c, size_t n)
{
	c->state ^= c->state << 13;
	c->state ^= c->state >> 7;
	c->state ^= c->state << 17;
	return (unsigned int)((c->state >> 11) % n);
}

static const char *
pick_box(struct changer *c)
{
	/* Half of all that happens, happens in INBOX. */
	if (pick(c, 2) == 0)
		return "INBOX";
	for (unsigned int tries = 0; tries < 100; tries++) {
		const struct box *box = &c->boxes.v[pick(c, c->boxes.n)];

		if (box->selectable)
			return box->name;
	}
	return "INBOX";
}

static uint32_t
pick_uid(struct changer *c, const char *name)
{
	const char *p;

	c->uids.n = 0;
	imap_do(c->imap, "SELECT \"%s\"", name);
	imap_do(c->imap, "UID SEARCH ALL");
	for (size_t i = 0; i < imap_replies(c->imap); i++) {
		if (!is_reply(imap_reply(c->imap, i), "SEARCH", &p))
			continue;
		for (char *end; *p != '\0'; p = end) {
			uint32_t uid = (uint32_t)strtoul(p, &end, 10);

			if (end == p)
				break;
			*ARRAY_ADD(&c->uids) = uid;
		}
	}
	return c->uids.n == 0 ? 0 : c->uids.v[pick(c, c->uids.n)];
}

static void
append(struct changer *c, const char *name)
{
	static const char *const flags[] = { "", "\\Seen",
		"\\Flagged $Forwarded", "\\Draft todo", "\\Answered \\Seen" };
	char *text = mem_printf("From: %s@example.org\r\nSubject: "
	    "=?utf-8?Q?=C3=84nderung?= %u\r\nMessage-ID: <%u.%08x@%s>\r\n"
	    "\r\nThis is mail %u.\r\n%.*s\r\n", c->side, c->made, c->made,
	    pick(c, 1U << 31), c->side, c->made, (int)pick(c, 70),
	    "Some words, so that not all of them are of the same length, nor"
	    " alike.");

	imap_do(c->imap, "APPEND \"%s\" (%s) \"%2u-Mar-20%02u 0%u:3%u:1%u "
	    "+0%u00\" {%zu+}\r\n%s", name, flags[pick(c, nitems(flags))],
	    1 + pick(c, 28), pick(c, 27), pick(c, 10), pick(c, 10),
	    pick(c, 10), pick(c, 10), strlen(text), text);
	c->made++;
	free(text);
}

static void
change_flags(struct changer *c, uint32_t uid)
{
	static const char *const words[] = { "\\Seen", "\\Answered",
		"\\Flagged", "\\Deleted", "\\Draft", "$Forwarded", "todo",
		"Work", "$MDNSent" };

	imap_do(c->imap, "UID STORE %" PRIu32 " %sFLAGS (%s)", uid,
	    pick(c, 3) == 0 ? "-" : "+", words[pick(c, nitems(words))]);
}

static bool
is_spared(const struct changer *c, const char *name)
{
	return c->spare != NULL && strcmp(name, c->spare) == 0;
}

static void
change_mail(struct changer *c, unsigned int what)
{
	const char *name = pick_box(c), *to = pick_box(c);
	uint32_t uid;

	if (is_spared(c, to) || (is_spared(c, name) && what < 3))
		to = name = "INBOX";
	if (what == 0 || (uid = pick_uid(c, name)) == 0) {
		append(c, name);
		return;
	}
	switch (what) {
	case 1:
		imap_do(c->imap, "UID STORE %" PRIu32 " +FLAGS (\\Deleted)",
		    uid);
		imap_do(c->imap, "UID EXPUNGE %" PRIu32, uid);
		return;
	case 2:
		/* Moved to where it is, Dovecot complains of itself. */
		if (strcmp(name, to) == 0)
			break;
		imap_do(c->imap, "UID MOVE %" PRIu32 " \"%s\"", uid, to);
		return;
	case 3:
		imap_do(c->imap, "UID COPY %" PRIu32 " \"%s\"", uid, to);
		return;
	}
	change_flags(c, uid);
}

/* A name that the other side may make as well. */
static char *
new_name(struct changer *c)
{
	static const char *const words[] = { "Neu", "Pl&AOQ-ne", "a b",
		"&ZeVnLIqe-", "x", "2026", "Projekt" };
	const char *word = words[pick(c, nitems(words))];
	const char *parent = c->boxes.v[pick(c, c->boxes.n)].name;

	if (pick(c, 2) == 0 || strcmp(parent, "INBOX") == 0 ||
	    strlen(parent) > 100)
		return mem_printf("%s%u", word, pick(c, 4));
	return mem_printf("%s/%s%u", parent, word, pick(c, 4));
}

/* What is refused, such as a name that is taken, was no change. */
static void
try(struct changer *c, char *command)
{
	(void)imap_try(c->imap, command, strlen(command));
	free(command);
}

static void
change_tree(struct changer *c, unsigned int what)
{
	char *name = new_name(c);
	const char *old = c->boxes.v[pick(c, c->boxes.n)].name;
	bool stays = strcmp(old, "INBOX") == 0 || is_spared(c, old);

	/* Some servers have a new mailbox selected until it is deleted. */
	(void)imap_try(c->imap, "UNSELECT", 8);
	switch (what) {
	case 0:
		try(c, mem_printf("CREATE \"%s\"", name));
		break;
	case 1:
		if (!stays)
			try(c, mem_printf("RENAME \"%s\" \"%s\"", old, name));
		break;
	case 2:
		if (!stays)
			try(c, mem_printf("DELETE \"%s\"", old));
		break;
	case 3:
		try(c, mem_printf("SUBSCRIBE \"%s\"", old));
		break;
	case 4:
		try(c, mem_printf("UNSUBSCRIBE \"%s\"", old));
		break;
	}
	free(name);
	free_boxes(&c->boxes);
	list_boxes(c->imap, "LIST", &c->boxes);
}

static int
change(struct imap *imap, const char *seed, const char *count,
    const char *side)
{
	struct changer c = { .imap = imap, .side = side,
		.spare = getenv("IMAPCTL_SPARE") };
	unsigned long n = strtoul(count, NULL, 10);

	if (getenv("IMAPCTL_TRACE") != NULL)
		imap_trace(imap);
	c.state = 0x9e3779b97f4a7c15U ^ strtoull(seed, NULL, 10);
	for (const char *p = side; *p != '\0'; p++)
		c.state = c.state * 1099511628211U + (unsigned char)*p;
	c.made = (unsigned int)(strtoul(seed, NULL, 10) * 1000);
	list_boxes(imap, "LIST", &c.boxes);
	while (n-- > 0) {
		unsigned int what = pick(&c, 20);

		if (what < 5)
			change_tree(&c, what);
		else
			change_mail(&c, what < 9 ? 0 : what - 9);
	}
	free_boxes(&c.boxes);
	ARRAY_FREE(&c.uids);
	return 0;
}

int
main(int argc, char *argv[])
{
	struct imap *imap;
	int at, status;

	at = argc > 2 && strcmp(argv[1], "change") == 0 ? 5 : 2;
	if (argc <= at) {
		fprintf(stderr, "usage: imapctl view|exact|keep|resync|script "
		    "COMMAND...\n"
		    "       imapctl change SEED COUNT SIDE COMMAND...\n");
		return 64;
	}
	imap = imap_new(argv + at);
	if (at == 5)
		status = change(imap, argv[2], argv[3], argv[4]);
	else if (strcmp(argv[1], "view") == 0 ||
	    strcmp(argv[1], "exact") == 0)
		status = view(imap, strcmp(argv[1], "exact") == 0);
	else if (strcmp(argv[1], "keep") == 0)
		status = keep(imap);
	else if (strcmp(argv[1], "resync") == 0)
		status = resync_check(imap) == 0 ? 0 : 1;
	else
		status = script(imap);
	imap_free(&imap);
	return fflush(stdout) == EOF ? 1 : status;
}
