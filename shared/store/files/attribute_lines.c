#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/mem.h"
#include "model/attribute.h"
#include "store/files/attribute_lines.h"
#include "store/files/problem.h"
#include "store/files/tab_escape.h"

#define GUID_DIGITS	(GUID_HEX_SIZE - 1U)

/* How a key begins in the file, and for a mail client. */
static const struct {
	const char *file, *key;
} scopes[] = {
	{ "priv/", ATTRIBUTE_PRIVATE }, { "shared/", ATTRIBUTE_SHARED },
};

/* A line without its LF; len 0 and data NULL: there is none. */
struct line {
	const char *data;
	size_t len;
};

struct walk {
	const char *p, *end;
};

/* The next entry as it is; false: the end. */
static bool
next_entry(struct walk *walk, struct line *key, struct line *value)
{
	struct line *const both[] = { key, value };
	const char *lf;

	for (size_t i = 0; i < 2; i++) {
		lf = walk->p == walk->end ? NULL : memchr(walk->p, '\n',
		    (size_t)(walk->end - walk->p));
		if (lf == NULL)
			return false;
		*both[i] = (struct line){ walk->p, (size_t)(lf - walk->p) };
		walk->p = lf + 1;
	}
	return true;
}

/*
 * Is it the key of an attribute?  Then guid_r is its mailbox, and key its name
 * for a mail client, decoded.
 */
static bool
parse_key(const struct line *line, struct guid128 *guid_r,
    struct strbuf *key)
{
	char hex[GUID_HEX_SIZE];
	const char *rest;
	size_t len;

	for (size_t i = 0; i < nitems(scopes); i++) {
		len = strlen(scopes[i].file);
		if (line->len < len + GUID_DIGITS + 2 ||
		    strncmp(line->data, scopes[i].file, len) != 0)
			continue;
		rest = line->data + len;
		if (rest[GUID_DIGITS] != '/' ||
		    !guid_parse(guid_r, rest, GUID_DIGITS))
			return false;
		/* Dovecot finds lower-case digits alone. */
		guid_format(guid_r, hex);
		if (strncmp(hex, rest, GUID_DIGITS) != 0)
			return false;
		rest += GUID_DIGITS + 1;
		strbuf_reset(key);
		strbuf_adds(key, scopes[i].key);
		return tab_unescape(key, rest, line->len - len -
		    GUID_DIGITS - 1) == 0;
	}
	return false;
}

/* Later entries of the same key; the last one counts. */
struct entry {
	struct line key, value;
	size_t at;
};

static int
entry_cmp(const void *av, const void *bv)
{
	const struct entry *a = av, *b = bv;
	size_t least = a->key.len < b->key.len ? a->key.len : b->key.len;
	int cmp = memcmp(a->key.data, b->key.data, least);

	if (cmp != 0)
		return cmp;
	if (a->key.len != b->key.len)
		return a->key.len < b->key.len ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static bool
same_key(const struct entry *a, const struct entry *b)
{
	return a->key.len == b->key.len &&
	    memcmp(a->key.data, b->key.data, a->key.len) == 0;
}

ARRAY_TYPE(entries, struct entry);

/* Those that count, by rising key. */
static void
load(const char *text, size_t len, struct entries *list)
{
	struct walk walk = { text, text + len };
	struct line key, value;
	size_t n = 0;

	while (next_entry(&walk, &key, &value)) {
		struct entry *entry = ARRAY_ADD(list);

		entry->key = key;
		entry->value = value;
		entry->at = list->n;
	}
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), entry_cmp);
	for (size_t i = 0; i < list->n; i++)
		if (i + 1 == list->n || !same_key(&list->v[i],
		    &list->v[i + 1]))
			list->v[n++] = list->v[i];
	list->n = n;
}

static void
take_value(struct store_attribute *a, const struct line *line,
    struct strbuf *value)
{
	strbuf_reset(value);
	a->failed = true;
	/* Escaped it is twice as long at most. */
	if (line->len > 2 * ATTRIBUTE_VALUE_MAX)
		value->failed = true;
	else if (tab_unescape(value, line->data, line->len) == -1 ||
	    memchr(value->data, '\0', value->len) != NULL) {
		err_set(&a->failure, ERR_CORRUPT,
		    "the attribute %.80s is damaged", a->key);
		return;
	}
	if (value->failed) {
		err_set(&a->failure, ERR_REFUSED, "the attribute %.80s has "
		    "more than %u bytes", a->key, ATTRIBUTE_VALUE_MAX);
		return;
	}
	a->failed = false;
	a->value = (const uint8_t *)value->data;
	a->len = value->len;
}

int
attribute_lines_walk(const char *text, size_t len, struct store *store,
    store_attribute_fn *fn, void *arg, struct err *err)
{
	struct entries list = { 0 };
	struct strbuf key, value;
	int r = 0;

	load(text, len, &list);
	strbuf_init(&key, ATTRIBUTE_KEY_MAX);
	strbuf_init(&value, ATTRIBUTE_VALUE_MAX);
	for (size_t i = 0; i < list.n && r == 0; i++) {
		struct store_attribute a = { .failure = ERR_INIT };

		if (!parse_key(&list.v[i].key, &a.mailbox, &key))
			continue;
		if (key.failed || !attribute_key_valid(key.data, key.len)) {
			store_tell(store, NULL, "attributes: no name of one: "
			    "%.*s", (int)(list.v[i].key.len < 200 ?
			    list.v[i].key.len : 200), list.v[i].key.data);
			continue;
		}
		if (attribute_is_internal(key.data))
			continue;
		a.key = key.data;
		take_value(&a, &list.v[i].value, &value);
		r = fn(&a, arg, err);
	}
	strbuf_deinit(&key);
	strbuf_deinit(&value);
	ARRAY_FREE(&list);
	return r;
}

/* Key and value as lines of the file, heap memory; value NULL: none. */
struct change {
	char *key, *value;
	struct store_attribute *from;
	size_t at;
	bool met;
};

static char *
encode(const char *head, const struct guid128 *guid, const void *text,
    size_t len)
{
	char hex[GUID_HEX_SIZE];
	struct strbuf out;
	char *result;

	strbuf_init(&out, 2 * ATTRIBUTE_VALUE_MAX + 128);
	if (head != NULL) {
		guid_format(guid, hex);
		strbuf_addf(&out, "%s%s/", head, hex);
	}
	tab_escape(&out, text, len);
	result = mem_strdup(out.data);
	strbuf_deinit(&out);
	return result;
}

static void
make_change(struct change *change, struct store_attribute *a)
{
	change->from = a;
	for (size_t i = 0; i < nitems(scopes); i++) {
		size_t len = strlen(scopes[i].key);

		if (strncmp(a->key, scopes[i].key, len) == 0)
			change->key = encode(scopes[i].file, &a->mailbox,
			    a->key + len, strlen(a->key + len));
	}
	if (change->key != NULL && a->value != NULL)
		change->value = encode(NULL, NULL, a->value, a->len);
}

static int
change_cmp(const void *av, const void *bv)
{
	const struct change *a = av, *b = bv;
	int cmp = strcmp(a->key, b->key);

	return cmp != 0 ? cmp : a->at < b->at ? -1 : a->at > b->at;
}

/* Sorted by key, the last of each; returns how many are left. */
static size_t
settle(struct change *changes, size_t n)
{
	size_t left = 0;

	if (n > 1)
		qsort(changes, n, sizeof(*changes), change_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i + 1 == n || strcmp(changes[i].key,
		    changes[i + 1].key) != 0) {
			changes[left++] = changes[i];
			continue;
		}
		free(changes[i].key);
		free(changes[i].value);
	}
	return left;
}

static int
key_cmp(const void *keyv, const void *changev)
{
	const struct line *key = keyv;
	const struct change *change = changev;
	size_t len = strlen(change->key);
	int cmp = memcmp(key->data, change->key, len < key->len ? len :
	    key->len);

	return cmp != 0 ? cmp : (key->len > len) - (key->len < len);
}

static struct change *
find(struct change *changes, size_t n, const struct line *key)
{
	return n == 0 ? NULL : bsearch(key, changes, n, sizeof(*changes),
	    key_cmp);
}

static void
add_line(struct strbuf *out, const char *data, size_t len)
{
	strbuf_add(out, data, len);
	strbuf_addc(out, '\n');
}

static bool
is_line(const struct line *line, const char *text)
{
	return strlen(text) == line->len &&
	    memcmp(text, line->data, line->len) == 0;
}

/*
 * May it be made where the file has this value (NULL: none)?  What is to be is
 * no surprise.
 */
static bool
as_expected(const struct change *change, const struct line *now)
{
	struct store_attribute *a = change->from;
	char *was = a->was == NULL ? NULL : encode(NULL, NULL, a->was,
	    a->was_len);
	bool ok = !a->expect || (now == NULL ? was == NULL :
	    was != NULL && is_line(now, was)) || (now == NULL ?
	    change->value == NULL : change->value != NULL &&
	    is_line(now, change->value));

	free(was);
	if (!ok) {
		a->failed = true;
		err_set(&a->failure, ERR_STALE,
		    "the attribute %.80s was changed meanwhile", a->key);
	}
	return ok;
}

/* One entry of the file into the new text; true: it is not as it was. */
static bool
carry(struct strbuf *out, struct change *change, const struct entry *entry)
{
	if (change != NULL) {
		change->met = true;
		if (!as_expected(change, &entry->value))
			change = NULL;
	}
	if (change != NULL && change->value == NULL)
		return true;
	add_line(out, entry->key.data, entry->key.len);
	if (change == NULL) {
		add_line(out, entry->value.data, entry->value.len);
		return false;
	}
	add_line(out, change->value, strlen(change->value));
	return !is_line(&entry->value, change->value);
}

int
attribute_lines_change(const char *text, size_t len,
    struct store_attribute *list, size_t n, struct strbuf *out)
{
	struct change *changes = mem_calloc(n, sizeof(*changes));
	struct entries entries = { 0 };
	size_t count = 0;
	bool changed = false;

	for (size_t i = 0; i < n; i++) {
		if (list[i].failed)
			continue;
		make_change(&changes[count], &list[i]);
		changes[count].at = i;
		if (changes[count].key != NULL)
			count++;
	}
	count = settle(changes, count);
	load(text, len, &entries);
	for (size_t i = 0; i < entries.n; i++)
		changed |= carry(out, find(changes, count,
		    &entries.v[i].key), &entries.v[i]);
	for (size_t i = 0; i < count; i++) {
		if (!changes[i].met && as_expected(&changes[i], NULL) &&
		    changes[i].value != NULL) {
			add_line(out, changes[i].key,
			    strlen(changes[i].key));
			add_line(out, changes[i].value,
			    strlen(changes[i].value));
			changed = true;
		}
		free(changes[i].key);
		free(changes[i].value);
	}
	ARRAY_FREE(&entries);
	free(changes);
	return changed;
}
