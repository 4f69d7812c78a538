#include "config.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "conf/conf_value.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* The first of each factor is used for output. */
static const struct unit size_units[] = {
	{ "B", 1 }, { "", 1 },
	{ "k", 1ULL << 10 }, { "kB", 1ULL << 10 }, { "KiB", 1ULL << 10 },
	{ "M", 1ULL << 20 }, { "MB", 1ULL << 20 }, { "MiB", 1ULL << 20 },
	{ "G", 1ULL << 30 }, { "GB", 1ULL << 30 }, { "GiB", 1ULL << 30 },
	{ "T", 1ULL << 40 }, { "TB", 1ULL << 40 }, { "TiB", 1ULL << 40 },
};

static const struct unit time_units[] = {
	{ "s", 1 }, { "", 1 }, { "sec", 1 }, { "secs", 1 },
	{ "second", 1 }, { "seconds", 1 },
	{ "m", 60 }, { "min", 60 }, { "mins", 60 }, { "minute", 60 },
	{ "minutes", 60 },
	{ "h", 3600 }, { "hour", 3600 }, { "hours", 3600 },
	{ "d", 86400 }, { "day", 86400 }, { "days", 86400 },
	{ "w", 604800 }, { "week", 604800 }, { "weeks", 604800 },
};

static const struct {
	const char *word;
	bool value;
} bool_words[] = {
	{ "yes", true }, { "no", false }, { "true", true },
	{ "false", false }, { "on", true }, { "off", false },
	{ "y", true }, { "n", false }, { "1", true }, { "0", false },
};

/* Digits at *text; -1: there are none, or too many. */
static int
parse_digits(const char **text, uint64_t *n_r)
{
	const char *p = *text;
	uint64_t n = 0;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(n, 10U, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -1;
	}
	*text = p;
	*n_r = n;
	return 0;
}

static int
parse_with_unit(const char *text, const struct unit *units, size_t count,
    uint64_t *n_r)
{
	uint64_t n;

	if (parse_digits(&text, &n) == -1)
		return -1;
	text += strspn(text, " ");
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(text, units[i].name) == 0)
			return __builtin_mul_overflow(n, units[i].factor, n_r) ?
			    -1 : 0;
	}
	return -1;
}

int
conf_size_parse(const char *text, uint64_t *n_r, struct err *err)
{
	uint64_t n;

	if (parse_with_unit(text, size_units, nitems(size_units), &n) == -1)
		return err_set(err, ERR_CONFIG, "\"%.60s\" is no size: give "
		    "a number with B, k, M, G or T", text);
	*n_r = n;
	return 0;
}

int
conf_seconds_parse(const char *text, uint64_t *n_r, struct err *err)
{
	uint64_t n;

	if (parse_with_unit(text, time_units, nitems(time_units), &n) == -1)
		return err_set(err, ERR_CONFIG, "\"%.60s\" is no time: give "
		    "a number with s, m, h, d or w", text);
	*n_r = n;
	return 0;
}

static int
parse_bool(const char *text, bool *b_r, struct err *err)
{
	for (size_t i = 0; i < nitems(bool_words); i++) {
		if (strcasecmp(text, bool_words[i].word) == 0) {
			*b_r = bool_words[i].value;
			return 0;
		}
	}
	return err_set(err, ERR_CONFIG, "\"%.60s\" is neither yes nor no",
	    text);
}

static int
parse_number(const struct optdef *def, const char *text, uint64_t *n_r,
    struct err *err)
{
	uint64_t n = 0, max = def->max;
	const char *end = text;

	if (def->type == OPT_SIZE) {
		if (conf_size_parse(text, &n, err) == -1)
			return -1;
	} else if (def->type == OPT_SECONDS) {
		if (conf_seconds_parse(text, &n, err) == -1)
			return -1;
	} else if (parse_digits(&end, &n) == -1 || *end != '\0')
		return err_set(err, ERR_CONFIG, "\"%.60s\" is no number", text);
	if (n == 0 && (def->flags & OPT_LIMIT))
		return err_set(err, ERR_CONFIG, "0 is not allowed: this limit "
		    "cannot be switched off");
	if (def->type != OPT_SIZE && (max == 0 || max > UINT_MAX))
		max = UINT_MAX;
	if (n < def->min)
		return err_set(err, ERR_CONFIG, "%.60s is too small: at least "
		    "%" PRIu64, text, def->min);
	if (max != 0 && n > max)
		return err_set(err, ERR_CONFIG, "%.60s is too large: at most "
		    "%" PRIu64, text, max);
	*n_r = n;
	return 0;
}

static int
parse_word(const struct optdef *def, const char *text, int *word_r,
    struct err *err)
{
	struct strbuf list;

	strbuf_init(&list, 200);
	for (int i = 0; def->words[i] != NULL; i++) {
		if (strcmp(text, def->words[i]) == 0) {
			strbuf_deinit(&list);
			*word_r = i;
			return 0;
		}
		strbuf_addf(&list, "%s%s", i > 0 ? ", " : "", def->words[i]);
	}
	err_set(err, ERR_CONFIG, "\"%.60s\" is none of %s", text, list.data);
	strbuf_deinit(&list);
	return -1;
}

static int
store_item(const struct optdef *def, struct opt_list *list, const char *text,
    struct err *err)
{
	size_t key_len = strspn(text, OPT_NAME_CHARS);

	if (def->type == OPT_MAP && (key_len == 0 || text[key_len] != '='))
		return err_set(err, ERR_CONFIG, "\"%.60s\" is not key=value",
		    text);
	if (list->n >= OPT_LIST_MAX)
		return err_set(err, ERR_CONFIG, "more than %u values",
		    OPT_LIST_MAX);
	*ARRAY_ADD(list) = mem_strdup(text);
	return 0;
}

int
conf_value_store(const struct optdef *def, void *field, const char *value,
    struct err *err)
{
	uint64_t n;

	if (strlen(value) > OPT_VALUE_MAX)
		return err_set(err, ERR_CONFIG,
		    "the value is longer than %u bytes", OPT_VALUE_MAX);
	switch (def->type) {
	case OPT_BOOL:
		return parse_bool(value, field, err);
	case OPT_UINT:
	case OPT_SECONDS:
		if (parse_number(def, value, &n, err) == -1)
			return -1;
		*(unsigned int *)field = (unsigned int)n;
		return 0;
	case OPT_SIZE:
		return parse_number(def, value, field, err);
	case OPT_STRING:
		free(*(char **)field);
		*(char **)field = mem_strdup(value);
		return 0;
	case OPT_ENUM:
		return parse_word(def, value, field, err);
	case OPT_LIST:
	case OPT_MAP:
		return store_item(def, field, value, err);
	case OPT_SETTING:
		break;
	}
	abort();
}

/* In the largest unit that leaves no fraction. */
static void
format_with_unit(struct strbuf *out, uint64_t n, const struct unit *units,
    size_t count)
{
	const struct unit *best = &units[0];

	for (size_t i = 0; i < count; i++) {
		if (n != 0 && n % units[i].factor == 0 &&
		    units[i].factor > best->factor)
			best = &units[i];
	}
	strbuf_addf(out, "%" PRIu64 "%s", n / best->factor, best->name);
}

void
conf_value_format(struct strbuf *out, const struct optdef *def,
    const void *field)
{
	const char *str;

	switch (def->type) {
	case OPT_BOOL:
		strbuf_adds(out, *(const bool *)field ? "yes" : "no");
		return;
	case OPT_UINT:
		strbuf_addf(out, "%u", *(const unsigned int *)field);
		return;
	case OPT_SECONDS:
		format_with_unit(out, *(const unsigned int *)field,
		    time_units, nitems(time_units));
		return;
	case OPT_SIZE:
		format_with_unit(out, *(const uint64_t *)field, size_units,
		    nitems(size_units));
		return;
	case OPT_STRING:
		str = *(char *const *)field;
		strbuf_adds(out, str != NULL ? str : "");
		return;
	case OPT_ENUM:
		strbuf_adds(out, def->words[*(const int *)field]);
		return;
	case OPT_LIST:
	case OPT_MAP:
	case OPT_SETTING:
		break;
	}
	abort();
}

void
conf_value_clear(const struct optdef *def, void *field)
{
	struct opt_list *list = field;
	char **str = field;

	switch (def->type) {
	case OPT_STRING:
		free(*str);
		*str = NULL;
		return;
	case OPT_LIST:
	case OPT_MAP:
		for (size_t i = 0; i < list->n; i++)
			free(list->v[i]);
		ARRAY_FREE(list);
		return;
	case OPT_BOOL:
	case OPT_UINT:
	case OPT_SIZE:
	case OPT_SECONDS:
	case OPT_ENUM:
	case OPT_SETTING:
		return;
	}
}
