#include "config.h"

#include <assert.h>
#include <string.h>

#include "store/maildir/keywords.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Whatever the file says: names come sorted and valid, each is found under
 * its letter, and writing and reading it again gives the same names.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *names[FILE_KEYWORDS], *again[FILE_KEYWORDS];
	struct keyword_map map, second;
	struct strbuf text;
	size_t n, k;
	int letter;

	if (size > KEYWORDS_FILE_MAX)
		return 0;
	keyword_map_init(&map);
	keyword_map_init(&second);
	strbuf_init(&text, KEYWORDS_FILE_MAX);
	keyword_map_parse(&map, (const char *)data, size);
	n = keyword_map_names(&map, LETTERS_KEYWORDS, names);
	for (size_t i = 0; i < n; i++) {
		assert(keyword_valid(names[i], strlen(names[i])));
		assert(i == 0 || keyword_cmp(names[i - 1], names[i]) <= 0);
		letter = keyword_map_find(&map, names[i]);
		assert(letter >= 0 && letter < (int)FILE_KEYWORDS);
	}
	keyword_map_format(&map, &text);
	assert(!text.failed);
	keyword_map_parse(&second, text.data, text.len);
	k = keyword_map_names(&second, LETTERS_KEYWORDS, again);
	assert(k == n);
	for (size_t i = 0; i < n; i++)
		assert(strcmp(names[i], again[i]) == 0);
	letter = keyword_map_add(&map, "fuzz", 0);
	assert(letter == -1 || map.names[letter] != NULL);
	keyword_map_deinit(&map);
	keyword_map_deinit(&second);
	strbuf_deinit(&text);
	return 0;
}
