#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "model/mailbox_name.h"
#include "store/files/subscriptions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Names are valid ones; what is written is read as the same lines; a name
 * that is set and cleared leaves the others as they were.
 */
static void
try_file(bool utf8, char sep, const char *data, size_t size)
{
	static const char name[] = "a\x1f\xc3\xa9\x1f" "b";
	struct subscriptions subs, again;
	struct strbuf text, second;

	strbuf_init(&text, 4 * SUBSCRIPTIONS_MAX);
	strbuf_init(&second, 4 * SUBSCRIPTIONS_MAX);
	subscriptions_parse(&subs, utf8, sep, data, size);
	for (size_t i = 0; i < subs.lines.n; i++)
		assert(subs.lines.v[i].name == NULL ||
		    name_valid(subs.lines.v[i].name,
		    strlen(subs.lines.v[i].name)));
	subscriptions_set(&subs, name, false);
	subscriptions_format(&subs, &text);
	assert(subscriptions_set(&subs, name, true));
	assert(!subscriptions_set(&subs, name, true));
	assert(subscriptions_set(&subs, name, false));
	subscriptions_format(&subs, &second);
	assert(strcmp(text.data, second.data) == 0);
	strbuf_reset(&second);
	subscriptions_parse(&again, utf8, sep, text.data, text.len);
	subscriptions_format(&again, &second);
	assert(text.len == 0 || strcmp(text.data, second.data) == 0);
	subscriptions_deinit(&subs);
	subscriptions_deinit(&again);
	strbuf_deinit(&text);
	strbuf_deinit(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > SUBSCRIPTIONS_MAX)
		return 0;
	try_file(false, '.', (const char *)data, size);
	try_file(true, '/', (const char *)data, size);
	try_file(false, '^', (const char *)data, size);
	return 0;
}
