/*
 * keywords.h - dovecot-keywords: which letter is which keyword
 *
 * Lines "<n> <name>", n = 0 to 25 for the letters a to z, valid in this one
 * mailbox.  A letter without a name is shown as "unknown-<n>", as Dovecot
 * does.
 */
#ifndef STORE_MAILDIR_KEYWORDS_H
#define STORE_MAILDIR_KEYWORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "model/flags.h"
#include "store/maildir/file_name.h"

/* Bytes of the whole file, 26 long names. */
#define KEYWORDS_FILE_MAX	65536U
#define KEYWORDS_NAME_MAX	2048U	/* bytes of one name in the file */

struct keyword_map {
	char *names[FILE_KEYWORDS];	/* NULL: none */
	bool hidden[FILE_KEYWORDS];	/* the name can't be shown */
	uint8_t order[FILE_KEYWORDS];	/* letters sorted by shown name */
};

void keyword_map_init(struct keyword_map *map);
void keyword_map_deinit(struct keyword_map *map);

/* Lines that make no sense are left out.  Resets the map first. */
void keyword_map_parse(struct keyword_map *map, const char *text, size_t len);
void keyword_map_format(const struct keyword_map *map, struct strbuf *out);

/* The letters as sorted names, borrowed; returns their number. */
size_t keyword_map_names(const struct keyword_map *map, uint32_t letters,
    const char *out[static FILE_KEYWORDS]);
/* The letter's number of a name; -1 if it has none. */
int keyword_map_find(const struct keyword_map *map, const char *name);
/*
 * Give it a letter that has no name and is not among those that files use;
 * -1 if there is none left.
 */
int keyword_map_add(struct keyword_map *map, const char *name,
    uint32_t used_letters);

#endif
