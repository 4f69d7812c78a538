#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "conf/conf_value.h"

#define NAME_LEN_MAX	64U	/* bytes; longer names are not near any */

static void *
field_of(const struct conf *conf, const struct optdef *def)
{
	return (char *)conf->settings + def->offset;
}

static size_t
field_size(enum opt_type type)
{
	switch (type) {
	case OPT_BOOL:
		return sizeof(bool);
	case OPT_UINT:
	case OPT_SECONDS:
		return sizeof(unsigned int);
	case OPT_SIZE:
		return sizeof(uint64_t);
	case OPT_STRING:
		return sizeof(char *);
	case OPT_ENUM:
		return sizeof(int);
	case OPT_LIST:
	case OPT_MAP:
		return sizeof(struct opt_list);
	case OPT_SETTING:
		return 0;
	}
	abort();
}

void
conf_init(struct conf *conf, const struct optdef *defs, size_t count,
    void *settings)
{
	struct err err = ERR_INIT;

	conf->defs = defs;
	conf->count = count;
	conf->settings = settings;
	conf->sources = mem_calloc(count, 1);
	conf->places = mem_calloc(count, sizeof(*conf->places));
	conf->place = NULL;
	for (size_t i = 0; i < count; i++)
		memset(field_of(conf, &defs[i]), 0, field_size(defs[i].type));
	for (size_t i = 0; i < count; i++) {
		if (defs[i].value != NULL && conf_set_def(conf, &defs[i],
		    defs[i].value, CONF_DEFAULT, &err) == -1)
			mem_fatal(err.msg);
	}
}

void
conf_deinit(struct conf *conf)
{
	for (size_t i = 0; i < conf->count; i++) {
		conf_value_clear(&conf->defs[i],
		    field_of(conf, &conf->defs[i]));
		free(conf->places[i]);
	}
	free(conf->places);
	free(conf->sources);
	memset(conf, 0, sizeof(*conf));
}

static bool
same_name(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		if (*a != *b && !((*a == '-' || *a == '_') &&
		    (*b == '-' || *b == '_')))
			return false;
	}
	return *a == *b;
}

const struct optdef *
conf_find(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->count; i++) {
		if (same_name(conf->defs[i].name, name))
			return &conf->defs[i];
	}
	return NULL;
}

enum conf_source
conf_source(const struct conf *conf, const char *name)
{
	const struct optdef *def = conf_find(conf, name);

	return def == NULL ? CONF_DEFAULT :
	    (enum conf_source)conf->sources[def - conf->defs];
}

void
conf_set_place(struct conf *conf, const char *place)
{
	conf->place = place;
}

const char *
conf_place(const struct conf *conf, const char *name)
{
	const struct optdef *def = conf_find(conf, name);

	if (def != NULL && conf->places[def - conf->defs] != NULL)
		return conf->places[def - conf->defs];
	switch (conf_source(conf, name)) {
	case CONF_DEFAULT:
		return "the built-in default";
	case CONF_DOVECOT:
		return "Dovecot's settings";
	case CONF_FILE:
		return "the configuration file";
	case CONF_USERDB:
		return "the user's entry";
	case CONF_ARGS:
		return "the command line";
	}
	abort();
}

static size_t
smallest(size_t a, size_t b, size_t c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* How many letters to add, drop or change to make b of a. */
static size_t
edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[NAME_LEN_MAX + 1], before, now;

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		before = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			now = row[j];
			row[j] = smallest(now + 1, row[j - 1] + 1,
			    before + (a[i - 1] != b[j - 1]));
			before = now;
		}
	}
	return row[b_len];
}

const char *
conf_nearest(const struct conf *conf, const char *name, unsigned int without)
{
	size_t len = strlen(name), best = SIZE_MAX, limit, d, n;
	const char *found = NULL;

	if (len > NAME_LEN_MAX)
		return NULL;
	for (size_t i = 0; i < conf->count; i++) {
		if (conf->defs[i].flags & without)
			continue;
		n = strlen(conf->defs[i].name);
		if (n > NAME_LEN_MAX)
			continue;
		d = edit_distance(name, len, conf->defs[i].name, n);
		limit = (len < n ? n : len) / 3 + 1;
		if (d < best && d <= limit) {
			best = d;
			found = conf->defs[i].name;
		}
	}
	return found;
}

/* "name=value" of -o, for an option that a file may have. */
static int
set_setting(struct conf *conf, const char *text, enum conf_source source,
    struct err *err)
{
	const char *eq = strchr(text, '=');
	char *name;
	size_t len;
	int ret;

	if (eq == NULL || eq == text)
		return err_set(err, ERR_CONFIG, "\"%.60s\" is not name=value",
		    text);
	for (len = (size_t)(eq - text); len > 0 && text[len - 1] == ' '; len--)
		;
	name = mem_strndup(text, len);
	eq++;
	ret = conf_set(conf, name, eq + strspn(eq, " "), source, err);
	free(name);
	return ret;
}

static void
note_place(struct conf *conf, size_t n, enum conf_source source)
{
	free(conf->places[n]);
	conf->places[n] = conf->place != NULL && source != CONF_DEFAULT ?
	    mem_strdup(conf->place) : NULL;
}

int
conf_set_def(struct conf *conf, const struct optdef *def, const char *value,
    enum conf_source source, struct err *err)
{
	unsigned char *old = &conf->sources[def - conf->defs];
	bool weaker = source < *old, stronger = source > *old;
	union {
		char *str;
		struct opt_list list;
		uint64_t number;
	} scratch;
	void *field = field_of(conf, def);

	if (def->type == OPT_SETTING)
		return set_setting(conf, value, source, err);
	/* A bad value is an error even where another one counts. */
	memset(&scratch, 0, sizeof(scratch));
	if (conf_value_store(def, &scratch, value, err) == -1)
		return err_prefix(err, "%s", def->name);
	conf_value_clear(def, &scratch);
	if (weaker)
		return 0;
	if (stronger && (def->type == OPT_LIST || def->type == OPT_MAP))
		conf_value_clear(def, field);
	if (conf_value_store(def, field, value, err) == -1)
		return err_prefix(err, "%s", def->name);
	*old = (unsigned char)source;
	note_place(conf, (size_t)(def - conf->defs), source);
	return 0;
}

/* "map/key" belongs to the map of the longest name before a '/'. */
static const struct optdef *
find_map(const struct conf *conf, const char *name)
{
	const struct optdef *best = NULL;
	size_t len, best_len = 0;

	for (size_t i = 0; i < conf->count; i++) {
		if (conf->defs[i].type != OPT_MAP)
			continue;
		len = strlen(conf->defs[i].name);
		if (len > best_len &&
		    strncmp(name, conf->defs[i].name, len) == 0 &&
		    name[len] == '/') {
			best = &conf->defs[i];
			best_len = len;
		}
	}
	return best;
}

static int
set_map(struct conf *conf, const struct optdef *def, const char *key,
    const char *value, enum conf_source source, struct err *err)
{
	char *text = mem_printf("%s=%s", key, value);
	int ret;

	ret = conf_set_def(conf, def, text, source, err);
	free(text);
	return ret;
}

int
conf_set(struct conf *conf, const char *name, const char *value,
    enum conf_source source, struct err *err)
{
	const struct optdef *def = conf_find(conf, name);
	const char *near;

	if (def != NULL && !(def->flags & OPT_ARGS_ONLY) &&
	    def->type != OPT_SETTING)
		return conf_set_def(conf, def, value, source, err);
	if (def == NULL && (def = find_map(conf, name)) != NULL &&
	    !(def->flags & OPT_ARGS_ONLY))
		return set_map(conf, def, name + strlen(def->name) + 1, value,
		    source, err);
	near = conf_nearest(conf, name, OPT_ARGS_ONLY);
	if (near == NULL)
		return err_set(err, ERR_CONFIG, "unknown setting %.80s", name);
	return err_set(err, ERR_CONFIG, "unknown setting %.80s: did you mean "
	    "%s?", name, near);
}
