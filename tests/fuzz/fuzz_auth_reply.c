/*
 * Any line as an answer of Dovecot's auth process: what is taken has no control
 * character in its fields and keeps to the limits, and what a request escapes
 * comes back as it was.
 */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "priv/auth_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_user(const struct account *user)
{
	assert(user->name != NULL);
	assert(user->field_count <= ACCOUNT_FIELDS_MAX);
	for (size_t i = 0; i < user->field_count; i++) {
		const char *key = user->fields[i].key;

		assert(key[0] != '\0' && strpbrk(key, "\t\n\r") == NULL);
		assert(strpbrk(user->fields[i].value, "\t\n\r") == NULL);
		assert(account_field(user, key) == user->fields[i].value);
	}
}

static void
check_escape(const char *text)
{
	struct auth_reply reply;
	struct err err = ERR_INIT;
	struct strbuf line;

	strbuf_init(&line, AUTH_LINE_MAX);
	strbuf_adds(&line, "LIST\t1\t");
	auth_escape(&line, text);
	assert(memchr(line.data, '\n', line.len) == NULL);
	if (!line.failed) {
		assert(auth_reply_parse(&reply, line.data, line.len,
		    &err) == 0);
		assert(reply.kind == AUTH_REPLY_NAME && reply.id == 1);
		assert(strcmp(reply.text, text) == 0);
		auth_reply_deinit(&reply);
	}
	strbuf_deinit(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *limit = p + size, *end;
	struct auth_reply reply;
	struct err err = ERR_INIT;
	char *text;

	for (; p < limit; p = end + 1) {
		end = memchr(p, '\n', (size_t)(limit - p));
		if (end == NULL)
			end = limit;
		if (auth_reply_parse(&reply, p, (size_t)(end - p),
		    &err) == -1)
			assert(err.code == ERR_PROTO && err.msg[0] != '\0');
		else if (reply.kind == AUTH_REPLY_USER)
			check_user(&reply.user);
		else if (reply.kind == AUTH_REPLY_NAME)
			assert(reply.text != NULL);
		auth_reply_deinit(&reply);
	}
	text = mem_strndup((const char *)data, size);
	check_escape(text);
	free(text);
	return 0;
}
