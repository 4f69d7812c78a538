#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/maildir/file_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A name that is not odd is told by its base and letters; changing the letters
 * keeps the base and gives exactly these letters.
 */
static void
try_name(const char *name)
{
	char out[FILE_NAME_MAX + 1];
	struct file_name parsed, again;
	struct file_sizes sizes;
	uint32_t letters;

	if (!file_name_parse(&parsed, name))
		return;
	assert(parsed.base_len > 0 && parsed.base_len <= strlen(name));
	file_name_sizes(&sizes, name, parsed.base_len);
	if (strlen(name) > FILE_NAME_MAX)
		return;
	if (!parsed.odd) {
		assert(file_name_format(out, name, parsed.base_len,
		    parsed.has_info, parsed.letters));
		assert(strcmp(out, name) == 0);
	}
	letters = parsed.letters ^ (LETTER_SEEN | 5U);
	if (file_name_change(out, name, letters)) {
		assert(file_name_parse(&again, out));
		assert(again.letters == letters && again.has_info);
		assert(again.base_len == parsed.base_len);
		assert(memcmp(out, name, again.base_len) == 0);
	}
	assert(file_base_cmp(name, name) == 0);
	file_base_usable(name, 1, 2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1);

	if (name == NULL)
		abort();
	if (size > 0)
		memcpy(name, data, size);
	name[size] = '\0';
	try_name(name);
	free(name);
	return 0;
}
