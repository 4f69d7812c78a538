#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "conf/conf_print.h"
#include "conf/conf_value.h"

#define HELP_COLUMN	28U	/* where the help texts begin */
#define HELP_MAX	65536U	/* bytes */

static const void *
field_of(const struct conf *conf, const struct optdef *def)
{
	return (const char *)conf->settings + def->offset;
}

static void
add_help(struct strbuf *out, const struct optdef *def)
{
	size_t start = out->len, used;

	if (def->letter != 0)
		strbuf_addf(out, "  -%c, --", def->letter);
	else
		strbuf_adds(out, "      --");
	for (const char *p = def->name; *p != '\0'; p++)
		strbuf_addc(out, *p == '_' ? '-' : *p);
	if (def->arg != NULL)
		strbuf_addf(out, "=%s", def->arg);
	used = out->len - start;
	if (used + 2 > HELP_COLUMN) {
		strbuf_addc(out, '\n');
		used = 0;
	}
	for (; used < HELP_COLUMN; used++)
		strbuf_addc(out, ' ');
	strbuf_adds(out, def->help);
	if (def->value != NULL && def->type != OPT_BOOL)
		strbuf_addf(out, " [%s]", def->value);
	strbuf_addc(out, '\n');
}

void
conf_print_help(const struct conf *conf, struct strbuf *out)
{
	for (size_t i = 0; i < conf->count; i++) {
		if (!(conf->defs[i].flags & OPT_FILE_ONLY))
			add_help(out, &conf->defs[i]);
	}
}

void
conf_print_usage(const char *usage, const struct optdef *defs, size_t count,
    const char *manual)
{
	const struct conf conf = { .defs = defs, .count = count };
	struct strbuf text;

	strbuf_init(&text, HELP_MAX);
	conf_print_help(&conf, &text);
	printf("%s\n%s\nSettings for -o are listed in %s.\n", usage, text.data,
	    manual);
	strbuf_deinit(&text);
}

/* But for a tab, which a line may hold. */
static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		if (((unsigned char)*text < 0x20 && *text != '\t') ||
		    *text == 0x7f)
			return true;
	}
	return false;
}

static bool
needs_quotes(const char *text)
{
	size_t len = strlen(text);

	return len == 0 || strchr(" \t<\"'#", text[0]) != NULL ||
	    strchr(" \t\\", text[len - 1]) != NULL ||
	    strstr(text, " #") != NULL || strstr(text, "\t#") != NULL;
}

static void
add_setting(struct strbuf *out, const struct optdef *def, const char *key,
    size_t key_len, const char *value)
{
	bool secret = def->flags & OPT_SECRET;

	if (secret || has_control(value))
		strbuf_adds(out, "# ");
	strbuf_adds(out, def->name);
	if (key != NULL) {
		strbuf_addc(out, '/');
		strbuf_add(out, key, key_len);
	}
	strbuf_adds(out, " = ");
	if (secret)
		strbuf_adds(out, "(secret)");
	else if (has_control(value))
		strbuf_add_escaped(out, value, strlen(value));
	else if (!needs_quotes(value))
		strbuf_adds(out, value);
	else {
		strbuf_addc(out, '"');
		for (; *value != '\0'; value++) {
			if (*value == '"' || *value == '\\')
				strbuf_addc(out, '\\');
			strbuf_addc(out, *value);
		}
		strbuf_addc(out, '"');
	}
	strbuf_addc(out, '\n');
}

static void
add_list(struct strbuf *out, const struct optdef *def,
    const struct opt_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *value = list->v[i];
		size_t key_len = strcspn(value, "=");

		if (def->type == OPT_MAP && value[key_len] == '=')
			add_setting(out, def, value, key_len,
			    value + key_len + 1);
		else
			add_setting(out, def, NULL, 0, value);
	}
}

static void
add_scalar(struct strbuf *out, const struct conf *conf,
    const struct optdef *def)
{
	const void *field = field_of(conf, def);
	struct strbuf value;

	/* A string that was never set has no line that would say so. */
	if (def->type == OPT_STRING && *(char *const *)field == NULL)
		return;
	strbuf_init(&value, OPT_VALUE_MAX);
	conf_value_format(&value, def, field);
	add_setting(out, def, NULL, 0, value.data);
	strbuf_deinit(&value);
}

void
conf_print_settings(const struct conf *conf, bool changed_only,
    struct strbuf *out)
{
	for (size_t i = 0; i < conf->count; i++) {
		const struct optdef *def = &conf->defs[i];

		if (def->flags & OPT_ARGS_ONLY || def->type == OPT_SETTING)
			continue;
		if (changed_only && conf->sources[i] == CONF_DEFAULT)
			continue;
		if (def->type == OPT_LIST || def->type == OPT_MAP)
			add_list(out, def, field_of(conf, def));
		else
			add_scalar(out, conf, def);
	}
}
