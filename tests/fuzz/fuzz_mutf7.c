/*
 * Any bytes as a stored name and as a name that somebody typed: what is
 * accepted is valid and comes back as the same bytes.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/mailbox_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_stored(const char *text, size_t size)
{
	struct strbuf name, again;

	strbuf_init(&name, NAME_MAX_BYTES);
	strbuf_init(&again, 4 * NAME_MAX_BYTES);
	if (mutf7_decode(&name, text, size) == 0) {
		assert(name_valid(name.data, name.len));
		assert(memchr(name.data, NAME_SEP, name.len) == NULL);
		mutf7_encode(&again, name.data, name.len);
		assert(again.len == size);
		assert(memcmp(again.data, text, size) == 0);
	} else
		assert(name.len == 0);
	strbuf_deinit(&name);
	strbuf_deinit(&again);
}

static void
try_typed(const char *text)
{
	struct strbuf name, shown, again;

	strbuf_init(&name, NAME_MAX_BYTES);
	strbuf_init(&shown, 8 * NAME_MAX_BYTES);
	strbuf_init(&again, NAME_MAX_BYTES);
	if (name_from_user(&name, text) == 0) {
		assert(name_valid(name.data, name.len));
		name_print(&shown, name.data);
		assert(name_from_user(&again, shown.data) == 0);
		assert(strcmp(name.data, again.data) == 0);
		assert(name_matches(name.data, "*"));
		assert(name_parent_len(name.data) < name.len);
	}
	strbuf_deinit(&name);
	strbuf_deinit(&shown);
	strbuf_deinit(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strndup((const char *)data, size);

	try_stored((const char *)data, size);
	if (utf8_valid(data, size)) {
		struct strbuf coded;

		strbuf_init(&coded, 4 * size + 2);
		mutf7_encode(&coded, (const char *)data, size);
		assert(!coded.failed);
		strbuf_deinit(&coded);
	}
	try_typed(text);
	free(text);
	return 0;
}
