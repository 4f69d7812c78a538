/* Any text as a location: what is accepted has a path, absolute and limited. */
#include "config.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/mail_location.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_location(const char *text)
{
	struct mail_location loc;
	struct err err = ERR_INIT;

	if (mail_location_parse(&loc, text, "/home/a", "/cwd", &err) == -1) {
		assert(err.code == ERR_CONFIG && err.msg[0] != '\0');
		return;
	}
	assert(loc.driver != NULL && loc.path[0] == '/');
	assert(strlen(loc.path) <= LOCATION_MAX);
	assert(loc.key_count <= LOCATION_KEYS_MAX);
	for (size_t i = 0; i < loc.key_count; i++)
		assert(mail_location_get(&loc, loc.keys[i].key) != NULL);
	mail_location_deinit(&loc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strndup((const char *)data, size), *expanded;
	struct err err = ERR_INIT;

	try_location(text);
	expanded = mail_location_expand(text, "anna@example.org", "/home/a",
	    &err);
	if (expanded != NULL)
		try_location(expanded);
	free(expanded);
	/* The same bytes as the name of a user: it cannot leave its place. */
	expanded = mail_location_expand("/m/%n/x", text, NULL, &err);
	if (expanded != NULL) {
		assert(strncmp(expanded, "/m/", 3) == 0);
		assert(strchr(expanded + 3, '/') ==
		    expanded + strlen(expanded) - 2);
		assert(strncmp(expanded + 3, "../", 3) != 0);
	}
	free(expanded);
	free(text);
	return 0;
}
