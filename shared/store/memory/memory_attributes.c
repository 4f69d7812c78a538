#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/attribute.h"
#include "store/memory/memory_int.h"

/* Where the attribute is, or would be. */
static size_t
place_of(const struct memory_world *world, const struct guid128 *mailbox,
    const char *key)
{
	size_t lo = 0, hi = world->attributes.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct memory_attribute *a = &world->attributes.v[mid];
		int cmp = guid_cmp(&a->mailbox, mailbox);

		if (cmp == 0)
			cmp = strcmp(a->key, key);
		if (cmp < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
is_at(const struct memory_world *world, size_t i,
    const struct guid128 *mailbox, const char *key)
{
	return i < world->attributes.n &&
	    guid_eq(&world->attributes.v[i].mailbox, mailbox) &&
	    strcmp(world->attributes.v[i].key, key) == 0;
}

static void
remove_at(struct memory_world *world, size_t i)
{
	struct memory_attribute *a = &world->attributes.v[i];

	free(a->key);
	free(a->value);
	world->attributes.n--;
	memmove(a, a + 1, (world->attributes.n - i) * sizeof(*a));
}

void
memory_attribute_set(struct memory_world *world,
    const struct guid128 *mailbox, const char *key, const char *value)
{
	size_t i = place_of(world, mailbox, key);
	struct memory_attribute *a;

	if (is_at(world, i, mailbox, key)) {
		if (value == NULL) {
			remove_at(world, i);
			return;
		}
		free(world->attributes.v[i].value);
		world->attributes.v[i].value = memory_strdup(value);
		return;
	}
	if (value == NULL)
		return;
	(void)ARRAY_ADD(&world->attributes);
	a = &world->attributes.v[i];
	memmove(a + 1, a, (world->attributes.n - 1 - i) * sizeof(*a));
	a->mailbox = *mailbox;
	a->key = memory_strdup(key);
	a->value = memory_strdup(value);
}

void
memory_attributes_drop(struct memory_world *world,
    const struct guid128 *mailbox)
{
	size_t i = place_of(world, mailbox, "");

	while (i < world->attributes.n &&
	    guid_eq(&world->attributes.v[i].mailbox, mailbox))
		remove_at(world, i);
}

void
memory_attributes_free(struct memory_world *world)
{
	while (world->attributes.n > 0)
		remove_at(world, world->attributes.n - 1);
	ARRAY_FREE(&world->attributes);
}

void
memory_attributes_copy(struct memory_world *to,
    const struct memory_world *from)
{
	for (size_t i = 0; i < from->attributes.n; i++) {
		const struct memory_attribute *a = &from->attributes.v[i];

		memory_attribute_set(to, &a->mailbox, a->key, a->value);
	}
	to->no_attributes = from->no_attributes;
}

void
memory_attributes_format(const struct memory_world *world,
    struct strbuf *out)
{
	for (size_t i = 0; i < world->mailboxes.n; i++) {
		const struct memory_mailbox *box = world->mailboxes.v[i];
		size_t k = place_of(world, &box->status.guid, "");

		for (; k < world->attributes.n && guid_eq(
		    &world->attributes.v[k].mailbox, &box->status.guid); k++) {
			strbuf_adds(out, "attribute ");
			strbuf_add_escaped(out, box->name, strlen(box->name));
			strbuf_addf(out, " %s \"%s\"\n",
			    world->attributes.v[k].key,
			    world->attributes.v[k].value);
		}
	}
}

int
memory_client_attribute(struct memory_world *world, const char *mailbox,
    const char *key, const char *value)
{
	struct memory_mailbox *box = memory_mailbox_find(world, mailbox);

	if (box == NULL || !box->selectable ||
	    guid_is_zero(&box->status.guid) || world->no_attributes ||
	    !attribute_key_valid(key, strlen(key)))
		return -1;
	memory_attribute_set(world, &box->status.guid, key, value);
	return 0;
}

bool
memory_keeps_attributes(const struct store *store)
{
	return !((const struct memory_store *)store)->world->no_attributes;
}

int
memory_attributes(struct store *head, store_attribute_fn *fn, void *arg,
    struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;

	if (memory_alive(store, err) == -1)
		return -1;
	for (size_t i = 0; i < store->world->attributes.n; i++) {
		const struct memory_attribute *m =
		    &store->world->attributes.v[i];
		struct store_attribute a = { .mailbox = m->mailbox,
		    .key = m->key, .value = (const uint8_t *)m->value,
		    .len = strlen(m->value) };

		if (fn(&a, arg, err) == -1)
			return -1;
	}
	return 0;
}

/* What is to be is no surprise. */
static bool
as_expected(const struct memory_world *world, const struct store_attribute *a)
{
	size_t i = place_of(world, &a->mailbox, a->key);
	const char *text = is_at(world, i, &a->mailbox, a->key) ?
	    world->attributes.v[i].value : NULL;
	const uint8_t *now = (const uint8_t *)text;
	size_t len = text != NULL ? strlen(text) : 0;

	return !a->expect ||
	    attribute_value_cmp(now, len, a->was, a->was_len) == 0 ||
	    attribute_value_cmp(now, len, a->value, a->len) == 0;
}

int
memory_set_attributes(struct store *head, struct store_attribute *list,
    size_t n, struct err *err)
{
	struct memory_store *store = (struct memory_store *)head;
	char *value;

	if (memory_step(store, err) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct store_attribute *a = &list[i];

		a->failed = !attribute_key_valid(a->key, strlen(a->key)) ||
		    attribute_is_internal(a->key) ||
		    a->len > ATTRIBUTE_VALUE_MAX;
		if (a->failed) {
			err_set(&a->failure, ERR_REFUSED,
			    "%s is no attribute", a->key);
			continue;
		}
		if (!as_expected(store->world, a)) {
			a->failed = true;
			err_set(&a->failure, ERR_STALE,
			    "%s was changed meanwhile", a->key);
			continue;
		}
		value = a->value == NULL ? NULL :
		    mem_strndup((const char *)a->value, a->len);
		memory_attribute_set(store->world, &a->mailbox, a->key,
		    value);
		free(value);
	}
	return 0;
}
