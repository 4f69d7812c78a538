#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/maildir/keywords.h"

/* Sorted, they come in the order of their letters' numbers as texts. */
static const char *const unknown[FILE_KEYWORDS] = {
	"unknown-0", "unknown-1", "unknown-2", "unknown-3", "unknown-4",
	"unknown-5", "unknown-6", "unknown-7", "unknown-8", "unknown-9",
	"unknown-10", "unknown-11", "unknown-12", "unknown-13", "unknown-14",
	"unknown-15", "unknown-16", "unknown-17", "unknown-18", "unknown-19",
	"unknown-20", "unknown-21", "unknown-22", "unknown-23", "unknown-24",
	"unknown-25",
};
static const uint8_t unknown_order[FILE_KEYWORDS] = {
	0, 1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 2, 20, 21, 22, 23, 24,
	25, 3, 4, 5, 6, 7, 8, 9,
};

static const char *
shown_name(const struct keyword_map *map, unsigned int i)
{
	return map->names[i] != NULL ? map->names[i] : unknown[i];
}

/* Insertion sort: 26 items that rarely change. */
static void
sort_order(struct keyword_map *map)
{
	unsigned int k;

	for (unsigned int i = 0; i < FILE_KEYWORDS; i++) {
		for (k = i; k > 0 && keyword_cmp(shown_name(map, i),
		    shown_name(map, map->order[k - 1])) < 0; k--)
			map->order[k] = map->order[k - 1];
		map->order[k] = (uint8_t)i;
	}
}

void
keyword_map_init(struct keyword_map *map)
{
	*map = (struct keyword_map){ .order = { 0 } };
	memcpy(map->order, unknown_order, sizeof(map->order));
}

void
keyword_map_deinit(struct keyword_map *map)
{
	for (unsigned int i = 0; i < FILE_KEYWORDS; i++)
		free(map->names[i]);
	keyword_map_init(map);
}

/* "<n> <name>" */
static void
parse_line(struct keyword_map *map, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	unsigned int n = 0;
	size_t digits;

	if (space == NULL || space == line || space - line > 2)
		return;
	digits = (size_t)(space - line);
	for (size_t i = 0; i < digits; i++) {
		if (line[i] < '0' || line[i] > '9')
			return;
		n = n * 10 + (unsigned int)(line[i] - '0');
	}
	len -= digits + 1;
	if (n >= FILE_KEYWORDS || map->names[n] != NULL || len == 0 ||
	    len > KEYWORDS_NAME_MAX || memchr(space + 1, '\0', len) != NULL)
		return;
	map->names[n] = mem_strndup(space + 1, len);
}

/* What is no keyword is not shown; of two letters of one name the first is. */
static void
hide(struct keyword_map *map)
{
	for (unsigned int i = 0; i < FILE_KEYWORDS; i++) {
		if (map->names[i] == NULL)
			continue;
		map->hidden[i] = !keyword_valid(map->names[i],
		    strlen(map->names[i]));
		for (unsigned int k = 0; k < FILE_KEYWORDS; k++) {
			if (k != i && (k < i || map->names[k] == NULL) &&
			    keyword_cmp(shown_name(map, k),
			    map->names[i]) == 0)
				map->hidden[i] = true;
		}
	}
}

void
keyword_map_parse(struct keyword_map *map, const char *text, size_t len)
{
	const char *lf;
	size_t line_len;

	keyword_map_deinit(map);
	while (len > 0) {
		lf = memchr(text, '\n', len);
		line_len = lf == NULL ? len : (size_t)(lf - text);
		parse_line(map, text, line_len);
		if (lf == NULL)
			break;
		text = lf + 1;
		len -= line_len + 1;
	}
	hide(map);
	sort_order(map);
}

void
keyword_map_format(const struct keyword_map *map, struct strbuf *out)
{
	for (unsigned int i = 0; i < FILE_KEYWORDS; i++) {
		if (map->names[i] != NULL)
			strbuf_addf(out, "%u %s\n", i, map->names[i]);
	}
}

size_t
keyword_map_names(const struct keyword_map *map, uint32_t letters,
    const char *out[static FILE_KEYWORDS])
{
	size_t n = 0;
	unsigned int letter;

	if ((letters & LETTERS_KEYWORDS) == 0)
		return 0;
	for (unsigned int i = 0; i < FILE_KEYWORDS; i++) {
		letter = map->order[i];
		if ((letters & (1U << letter)) && !map->hidden[letter])
			out[n++] = shown_name(map, letter);
	}
	return n;
}

int
keyword_map_find(const struct keyword_map *map, const char *name)
{
	for (unsigned int i = 0; i < FILE_KEYWORDS; i++) {
		if (!map->hidden[i] &&
		    keyword_cmp(shown_name(map, i), name) == 0)
			return (int)i;
	}
	return -1;
}

int
keyword_map_add(struct keyword_map *map, const char *name,
    uint32_t used_letters)
{
	unsigned int first = 0, i;

	/* Behind the last name, and only then in a gap. */
	for (i = 0; i < FILE_KEYWORDS; i++) {
		if (map->names[i] != NULL)
			first = i + 1;
	}
	for (unsigned int k = 0; k < FILE_KEYWORDS; k++) {
		i = (first + k) % FILE_KEYWORDS;
		if (map->names[i] != NULL || (used_letters & (1U << i)))
			continue;
		map->names[i] = mem_strdup(name);
		map->hidden[i] = false;
		sort_order(map);
		return (int)i;
	}
	return -1;
}
