#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "model/attribute.h"
#include "store/files/attribute_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct count {
	size_t n, ours;
};

static int
on_attribute(const struct store_attribute *a, void *arg, struct err *err)
{
	struct count *count = arg;

	(void)err;
	assert(attribute_key_valid(a->key, strlen(a->key)));
	assert(!attribute_is_internal(a->key));
	assert(a->failed == (a->value == NULL));
	assert(a->failed || memchr(a->value, '\0', a->len) == NULL);
	count->n++;
	count->ours += strcmp(a->key, "/private/fuzz") == 0 &&
	    guid_is_zero(&a->mailbox);
	return 0;
}

/* One that is set is there, one that is removed is not, the others stay. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store store = { .problem = NULL };
	struct store_attribute a = { .key = "/private/fuzz",
	    .value = (const uint8_t *)"v\n", .len = 2 };
	struct count before = { 0, 0 }, with = { 0, 0 }, without = { 0, 0 };
	struct err err = ERR_INIT;
	struct strbuf set, removed;

	if (size > ATTRIBUTE_FILE_MAX / 2)
		return 0;
	strbuf_init(&set, 2 * ATTRIBUTE_FILE_MAX);
	strbuf_init(&removed, 2 * ATTRIBUTE_FILE_MAX);
	assert(attribute_lines_walk((const char *)data, size, &store,
	    on_attribute, &before, &err) == 0);
	if (attribute_lines_change((const char *)data, size, &a, 1,
	    &set) == 1) {
		assert(attribute_lines_walk(set.data, set.len, &store,
		    on_attribute, &with, &err) == 0);
		assert(with.ours == 1);
		assert(with.n == before.n - before.ours + 1);
		a.value = NULL;
		assert(attribute_lines_change(set.data, set.len, &a, 1,
		    &removed) == 1);
		assert(attribute_lines_walk(removed.data, removed.len, &store,
		    on_attribute, &without, &err) == 0);
		assert(without.n == before.n - before.ours);
	}
	strbuf_deinit(&set);
	strbuf_deinit(&removed);
	return 0;
}
